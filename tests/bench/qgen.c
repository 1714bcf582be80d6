/* qgen - a DNS load generator for the project's own benchmark.
 *
 *	qgen [-n SOCKETS] [-w WINDOW] [-t SECONDS] [-r PER_S [-a]] [-k SEED]
 *	     [-m NAMES] [-D] [-e] [-T | -1] ADDRESS:PORT MIX [NAME]
 *
 * MIX: static (www.NAME A), steered (live.NAME A), ecs (live.NAME A with a
 * random client /24), nxdomain (random names), names (h0.NAME A to
 * h999999.NAME or as many as -m says),
 * mix (all of them in turn), again (ecs, of 65,536 networks, some of which ask far more
 * often than others). Closed loop with WINDOW questions under way, or
 * open loop with -r: then latency counts from when a question was due. With -a
 * it counts from when it was sent to when the kernel had the answer, and what was
 * due while we did not run is left out ("missed"): that is for a core shared with
 * others, whose doings are not the server's. It sleeps in between. Over UDP, or TCP: -T with connections that stay, on each its share of WINDOW under
 * way; -1 with a connection for every question, SOCKETS of them under way. -D: each asks
 * for DNSSEC records (DO).
 * Every answer is checked: id, QR, rcode, and that it answers or not; with -e id and QR
 * alone, so that an echo is an answer. One line of JSON on stdout. Single thread. Asks
 * loopback only; over UDP also 10.99.0.0/24, the link between network namespaces that
 * xdp.py makes: if our network namespace is not our parent process's, and never by a
 * router. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"

#define BATCH 32
#define PACKET 1232
#define IDS 4096 /* questions under way on one socket, at most */
#define LOST_NS 1000000000
#define RAN_NS 500000 /* -a: what is due for longer, was when we did not run */
#define BUCKETS 4096  /* of latency: 64 to an octave of nanoseconds */
#define STREAM (1 << 16)

enum mix { STATIC, STEERED, ECS, NXDOMAIN, NAMES, MIX, AGAIN, MIX_KINDS };
static const char *const mixes[] = {
	"static", "steered", "ecs", "nxdomain", "names", "mix", "again"};

struct pending {
	int64_t due_ns; /* 0: free */
	bool wants_answer;
};

struct lane { /* one socket */
	int fd;
	uint16_t next;
	unsigned under_way;
	struct pending pending[IDS];
	size_t have; /* TCP: bytes of answers that are not whole yet */
	uint8_t *in; /* TCP: STREAM */
};

enum over { UDP, TCP_STAYS, TCP_ONCE };

struct run {
	struct rng rng;
	enum over over;
	struct sockaddr_storage to;
	socklen_t to_len;
	enum mix mix;
	const char *zone;
	unsigned n_lanes, window;
	uint32_t n_names;
	struct lane *lanes;
	bool arrival; /* -a */
	bool dnssec;  /* -D */
	bool echo;    /* -e */
	uint64_t turn, sent, answered, bad, lost, missed;
	uint64_t latency[BUCKETS];
	int64_t max_ns;
};

/* -- questions -- */

static size_t put_name(uint8_t *p, const char *text)
{
	size_t at = 0;
	while (*text) {
		size_t n = strcspn(text, ".");
		p[at++] = (uint8_t)n;
		memcpy(p + at, text, n);
		at += n;
		text += n + (text[n] == '.');
	}
	p[at++] = 0;
	return at;
}

/* Behind an OPT. */
static size_t put_ecs(struct run *r, uint8_t *opt, size_t len)
{
	static const uint8_t option[] = {0, 8, 0, 7, 0, 1, 24, 0};
	uint64_t net = rng_next(&r->rng);
	if (r->mix == AGAIN) /* a product of two: the lower, the oftener */
		net = hash_mix((net & 0xffff) * (net >> 16 & 0xffff) >> 16);
	uint8_t *p = opt + len;
	memcpy(p, option, sizeof option);
	/* Unicast space, so that a database has something to say. */
	p[sizeof option] = (uint8_t)(1 + net % 222);
	memcpy(p + sizeof option + 1, (uint8_t *)&net + 4, 2);
	opt[len - 1] = sizeof option + 3; /* RDLENGTH */
	return len + sizeof option + 3;
}

static size_t put_opt(const struct run *r, uint8_t *p)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	memcpy(p, opt, sizeof opt);
	p[7] = r->dnssec ? 0x80 : 0;
	return sizeof opt;
}

/* Writes one question; returns its length. */
static size_t question(
	struct run *r, uint16_t id, uint8_t *p, struct pending *pending)
{
	enum mix kind = r->mix == MIX ? (enum mix)(r->turn++ % MIX)
		: r->mix == AGAIN     ? ECS
				      : r->mix;
	char name[256];
	static const char *const first[] = {"www", "live", "live"};

	if (kind == NXDOMAIN)
		snprintf(name, sizeof name, "x%llx.%s",
			(unsigned long long)rng_next(&r->rng), r->zone);
	else if (kind == NAMES)
		snprintf(name, sizeof name, "h%u.%s",
			(unsigned)(rng_next(&r->rng) % r->n_names), r->zone);
	else
		snprintf(name, sizeof name, "%s.%s", first[kind], r->zone);
	pending->wants_answer = kind != NXDOMAIN;
	memset(p, 0, 12);
	p[0] = (uint8_t)(id >> 8);
	p[1] = (uint8_t)id;
	p[5] = 1;
	size_t len = 12 + put_name(p + 12, name);
	memcpy(p + len, "\0\1\0\1", 4);
	len += 4;
	if (kind == ECS || r->dnssec) {
		uint8_t *opt = p + len;
		size_t opt_len = put_opt(r, opt);
		if (kind == ECS)
			opt_len = put_ecs(r, opt, opt_len);
		p[11] = 1;
		len += opt_len;
	}
	return len;
}

static void send_some(struct run *r, struct lane *l, unsigned n, int64_t due)
{
	static uint8_t packets[BATCH][PACKET];
	struct mmsghdr msgs[BATCH];
	struct iovec io[BATCH];
	unsigned ready = 0;

	while (ready < n && ready < BATCH) {
		uint16_t id = l->next++ % IDS;
		struct pending *p = &l->pending[id];
		if (p->due_ns)
			break; /* a late one holds its id until it is lost */
		io[ready] = (struct iovec){
			packets[ready], question(r, id, packets[ready], p)};
		msgs[ready] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &io[ready], .msg_iovlen = 1}};
		p->due_ns = due;
		ready++;
	}
	int sent = ready ? sendmmsg(l->fd, msgs, ready, 0) : 0;
	for (unsigned i = sent > 0 ? (unsigned)sent : 0; i < ready; i++)
		l->pending[(uint16_t)(l->next - ready + i) % IDS].due_ns = 0;
	if (sent > 0) {
		r->sent += (unsigned)sent;
		l->under_way += (unsigned)sent;
	}
}

/* -- answers -- */

static unsigned bucket_of(int64_t ns)
{
	if (ns < 64)
		return 0;
	unsigned octave = 63 - (unsigned)__builtin_clzll((uint64_t)ns);
	return octave * 64 + (unsigned)((ns >> (octave - 6)) & 63);
}

static int64_t bucket_ns(unsigned bucket)
{
	unsigned octave = bucket / 64;
	return octave < 6 ? 64
			  : (int64_t)(64 + bucket % 64 + 1) << (octave - 6);
}

static void check(struct run *r, struct lane *l, const uint8_t *p, size_t len,
	int64_t now)
{
	uint16_t id = len >= 12 ? (uint16_t)(p[0] << 8 | p[1]) : UINT16_MAX;
	struct pending *q = id < IDS ? &l->pending[id] : NULL;

	if (!q || !q->due_ns || !(p[2] & 0x80)) {
		r->bad++;
		return;
	}
	bool answers = (p[3] & 15) == 0 && (p[6] << 8 | p[7]) > 0;
	bool absent = (p[3] & 15) == 3;
	if (!r->echo)
		r->bad += q->wants_answer ? !answers : !absent;
	int64_t took = now - q->due_ns;
	r->latency[bucket_of(took)]++;
	if (took > r->max_ns)
		r->max_ns = took;
	q->due_ns = 0;
	l->under_way--;
	r->answered++;
}

/* When the kernel had it, by our clock. */
static int64_t arrived_ns(struct msghdr *msg, int64_t now, int64_t wall_ns)
{
	struct timespec t;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET &&
			c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof t);
			return now - wall_ns + t.tv_nsec +
				(int64_t)t.tv_sec * 1000000000;
		}
	return now;
}

static int64_t wall_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static unsigned receive_stamped(struct run *r, struct lane *l)
{
	static uint8_t packets[BATCH][PACKET * 3];
	_Alignas(struct cmsghdr) char
		control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr msgs[BATCH];
	struct iovec io[BATCH];

	for (unsigned i = 0; i < BATCH; i++) {
		io[i] = (struct iovec){packets[i], sizeof packets[i]};
		msgs[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &io[i],
				.msg_iovlen = 1,
				.msg_control = control[i],
				.msg_controllen = sizeof control[i]}};
	}
	int n = recvmmsg(l->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	int64_t now = clock_ns(), wall = wall_ns();
	for (int i = 0; i < n; i++)
		check(r, l, packets[i], msgs[i].msg_len,
			arrived_ns(&msgs[i].msg_hdr, now, wall));
	return n > 0 ? (unsigned)n : 0;
}

static unsigned receive(struct run *r, struct lane *l)
{
	static uint8_t packets[BATCH][PACKET * 3];
	struct mmsghdr msgs[BATCH];
	struct iovec io[BATCH];

	if (r->arrival)
		return receive_stamped(r, l);

	for (unsigned i = 0; i < BATCH; i++) {
		io[i] = (struct iovec){packets[i], sizeof packets[i]};
		msgs[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &io[i], .msg_iovlen = 1}};
	}
	int n = recvmmsg(l->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	int64_t now = clock_ns();
	for (int i = 0; i < n; i++)
		check(r, l, packets[i], msgs[i].msg_len, now);
	return n > 0 ? (unsigned)n : 0;
}

static void expire(struct run *r, struct lane *l, int64_t now)
{
	for (unsigned i = 0; i < IDS; i++)
		if (l->pending[i].due_ns &&
			now - l->pending[i].due_ns > LOST_NS) {
			l->pending[i].due_ns = 0;
			l->under_way--;
			r->lost++;
		}
}

/* -- TCP -- */

/* Each lane has an address of its own: ports that wait in TIME_WAIT are those
 * of one address. */
static bool connect_lane(const struct run *r, struct lane *l)
{
	int one = 1;
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr =
			htonl(0x7f010001 + (uint32_t)(l - r->lanes))};

	l->fd = socket(r->to.ss_family, SOCK_STREAM, 0);
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (r->to.ss_family == AF_INET) {
		setsockopt(l->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
			sizeof one);
		bind(l->fd, (struct sockaddr *)&from, sizeof from);
	}
	l->have = 0;
	return connect(l->fd, (const struct sockaddr *)&r->to, r->to_len) == 0;
}

/* What the server ended is lost. */
static void hang_up(struct run *r, struct lane *l)
{
	close(l->fd);
	l->fd = -1;
	r->lost += l->under_way;
	l->under_way = 0;
	for (unsigned i = 0; i < IDS; i++)
		l->pending[i].due_ns = 0;
}

static void tcp_send(struct run *r, struct lane *l, unsigned n, int64_t due)
{
	static uint8_t frames[STREAM];
	size_t len = 0;
	unsigned ready = 0;

	for (; ready < n && len + PACKET + 2 <= sizeof frames; ready++) {
		uint16_t id = l->next++ % IDS;
		size_t q = question(r, id, frames + len + 2, &l->pending[id]);
		l->pending[id].due_ns = due;
		frames[len] = (uint8_t)(q >> 8);
		frames[len + 1] = (uint8_t)q;
		len += 2 + q;
	}
	r->sent += ready;
	l->under_way += ready;
	if (send(l->fd, frames, len, MSG_NOSIGNAL) != (ssize_t)len)
		hang_up(r, l);
}

static void tcp_receive(struct run *r, struct lane *l)
{
	ssize_t n =
		recv(l->fd, l->in + l->have, STREAM - l->have, MSG_DONTWAIT);
	int64_t now = clock_ns();
	size_t at = 0;

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		hang_up(r, l);
		return;
	}
	if (n < 0)
		return;
	l->have += (size_t)n;
	while (l->have - at >= 2) {
		size_t len = (size_t)l->in[at] << 8 | l->in[at + 1];
		if (l->have - at < 2 + len)
			break;
		check(r, l, l->in + at + 2, len, now);
		at += 2 + len;
	}
	l->have -= at;
	memmove(l->in, l->in + at, l->have);
}

static void tcp_turn(struct run *r, struct lane *l, unsigned each)
{
	int64_t now = clock_ns();
	if (l->fd < 0 && !connect_lane(r, l)) {
		hang_up(r, l);
		r->lost++;
		return;
	}
	if (l->under_way < each)
		tcp_send(r, l, each - l->under_way, now);
	if (l->fd >= 0)
		tcp_receive(r, l);
	if (r->over == TCP_ONCE && l->fd >= 0 && !l->under_way)
		hang_up(r, l);
}

static void tcp_loop(struct run *r, int64_t end)
{
	unsigned each = r->over == TCP_ONCE
		? 1
		: (r->window + r->n_lanes - 1) / r->n_lanes;
	while (clock_ns() < end)
		for (unsigned i = 0; i < r->n_lanes; i++)
			tcp_turn(r, &r->lanes[i], each);
}

static void tcp_drain(struct run *r)
{
	int64_t end = clock_ns() + LOST_NS / 2;
	uint64_t left = 1;
	while (left && clock_ns() < end) {
		left = 0;
		for (unsigned i = 0; i < r->n_lanes; i++) {
			if (r->lanes[i].under_way)
				tcp_receive(r, &r->lanes[i]);
			left += r->lanes[i].under_way;
		}
	}
	r->lost += left;
}

/* -- the run -- */

static void closed_loop(struct run *r, int64_t end)
{
	unsigned each = (r->window + r->n_lanes - 1) / r->n_lanes;
	int64_t swept = clock_ns();
	for (int64_t now = swept; now < end; now = clock_ns()) {
		for (unsigned i = 0; i < r->n_lanes; i++) {
			struct lane *l = &r->lanes[i];
			receive(r, l);
			if (l->under_way < each)
				send_some(
					r, l, each - l->under_way, clock_ns());
		}
		if (now - swept > LOST_NS / 4) {
			swept = now;
			for (unsigned i = 0; i < r->n_lanes; i++)
				expire(r, &r->lanes[i], now);
		}
	}
}

static void open_loop(struct run *r, int64_t end, double per_s)
{
	int64_t start = clock_ns();
	double every = 1e9 / per_s;
	uint64_t due = 0;
	for (int64_t now = start; now < end; now = clock_ns()) {
		while (start + (int64_t)((double)due * every) <= now) {
			send_some(r, &r->lanes[due % r->n_lanes], 1,
				start + (int64_t)((double)due * every));
			due++;
		}
		for (unsigned i = 0; i < r->n_lanes; i++)
			receive(r, &r->lanes[i]);
	}
}

/* Asks at its times, and sleeps until the next. */
static void sleeping_loop(struct run *r, int64_t end, double per_s)
{
	int64_t every = (int64_t)(1e9 / per_s), swept = clock_ns();
	int64_t due = swept;
	uint64_t turn = 0;

	for (int64_t now = due; now < end; now = clock_ns()) {
		for (; due + RAN_NS < now; due += every)
			r->missed++;
		for (; due <= now; due += every)
			send_some(r, &r->lanes[turn++ % r->n_lanes], 1,
				clock_ns());
		for (unsigned i = 0; i < r->n_lanes; i++)
			receive(r, &r->lanes[i]);
		if (now - swept > LOST_NS / 4) {
			swept = now;
			for (unsigned i = 0; i < r->n_lanes; i++)
				expire(r, &r->lanes[i], now);
		}
		struct timespec until = {due / 1000000000, due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static void drain(struct run *r)
{
	int64_t end = clock_ns() + LOST_NS / 2;
	uint64_t left = 1;
	while (left && clock_ns() < end) {
		left = 0;
		for (unsigned i = 0; i < r->n_lanes; i++) {
			receive(r, &r->lanes[i]);
			left += r->lanes[i].under_way;
		}
	}
	r->lost += left;
}

static double percentile_us(const struct run *r, double share)
{
	uint64_t want = (uint64_t)((double)r->answered * share), sum = 0;
	for (unsigned i = 0; i < BUCKETS; i++)
		if ((sum += r->latency[i]) > want)
			return (double)bucket_ns(i) / 1000;
	return (double)r->max_ns / 1000;
}

/* Our network namespace was made for us: our parent process has another one. */
static bool own_network(void)
{
	struct stat ours, others;
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)getppid());
	return !stat("/proc/self/ns/net", &ours) && !stat(path, &others) &&
		ours.st_ino != others.st_ino;
}

static bool on_link(const struct addr *a)
{
	return a->family == 4 && !memcmp(a->bytes, "\x0a\x63\0", 3);
}

/* Load is for loopback and for networks of the benchmark's own alone. */
static bool may_ask(const struct run *r)
{
	static const uint8_t loopback[16] = {[15] = 1};
	struct addr a = addr_from_sockaddr((const struct sockaddr *)&r->to);

	if (a.family == 6)
		return !memcmp(a.bytes, loopback, sizeof loopback);
	return a.bytes[0] == 127 ||
		(r->over == UDP && on_link(&a) && own_network());
}

static bool open_lane(const struct run *r, struct lane *l)
{
	int size = 1 << 20;
	if (r->over != UDP) {
		l->in = mem_alloc(STREAM);
		return connect_lane(r, l);
	}
	l->fd = socket(r->to.ss_family, SOCK_DGRAM, 0);
	setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(l->fd, SOL_SOCKET, SO_DONTROUTE, &(int){1}, sizeof(int));
	if (r->arrival)
		setsockopt(l->fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1},
			sizeof(int));
	return connect(l->fd, (const struct sockaddr *)&r->to, r->to_len) == 0;
}

static bool open_lanes(struct run *r, const char *server)
{
	r->to_len = sockaddr_parse(&r->to, server, 53);
	if (r->to_len && !may_ask(r)) {
		errno = EPERM;
		return false;
	}
	r->lanes = mem_zero(r->n_lanes, sizeof *r->lanes);
	for (unsigned i = 0; r->to_len && i < r->n_lanes; i++)
		if (!open_lane(r, &r->lanes[i]))
			return false;
	return r->to_len > 0;
}

static void run_for(struct run *r, int64_t ns, double per_s)
{
	int64_t end = clock_ns() + ns;
	if (r->over != UDP)
		tcp_loop(r, end);
	else if (per_s > 0 && r->arrival)
		sleeping_loop(r, end, per_s);
	else if (per_s > 0)
		open_loop(r, end, per_s);
	else
		closed_loop(r, end);
}

static void report(const struct run *r, double took)
{
	printf("{\"mix\": \"%s\", \"sent\": %llu, \"answered\": %llu, "
	       "\"bad\": %llu, \"lost\": %llu, \"missed\": %llu, \"per_s\": %.0f, \"p50_us\": "
	       "%.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
		mixes[r->mix], (unsigned long long)r->sent,
		(unsigned long long)r->answered, (unsigned long long)r->bad,
		(unsigned long long)r->lost, (unsigned long long)r->missed,
		(double)r->answered / took, percentile_us(r, .5),
		percentile_us(r, .99), (double)r->max_ns / 1000);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: qgen [-n SOCKETS] [-w WINDOW] [-t SECONDS] "
		"[-r PER_S [-a]] [-k SEED] [-m NAMES] [-D] [-e] [-T | -1] ADDRESS:PORT MIX [NAME]\n");
	return 2;
}

/* false: not a mix */
static bool set_mix(struct run *r, const char *text)
{
	unsigned m = 0;
	while (m < MIX_KINDS && strcmp(mixes[m], text))
		m++;
	r->mix = (enum mix)m;
	return m < MIX_KINDS;
}

static bool set_number(
	struct run *r, int opt, double v, double *seconds, double *per_s)
{
	if (opt == 'n')
		r->n_lanes = (unsigned)v;
	else if (opt == 'w')
		r->window = (unsigned)v;
	else if (opt == 't')
		*seconds = v;
	else if (opt == 'r')
		*per_s = v;
	else if (opt == 'm')
		r->n_names = v >= 1 ? (uint32_t)v : 1;
	else if (opt == 'k')
		r->rng.state = (uint64_t)v;
	return opt != '?';
}

/* false: it has a number */
static bool set_flag(struct run *r, int opt)
{
	if (opt == 'T' || opt == '1')
		r->over = opt == 'T' ? TCP_STAYS : TCP_ONCE;
	else if (opt == 'a')
		r->arrival = true;
	else if (opt == 'D')
		r->dnssec = true;
	else if (opt == 'e')
		r->echo = true;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct run r = {.zone = "example.com",
		.n_lanes = 16,
		.window = 128,
		.n_names = 1000000};
	double seconds = 2, per_s = 0;
	int opt;

	r.rng.state = 1;
	while ((opt = getopt(argc, argv, "n:w:t:r:k:m:DeT1a")) != -1) {
		if (!set_flag(&r, opt) &&
			!set_number(&r, opt, optarg ? atof(optarg) : 0,
				&seconds, &per_s))
			return usage();
	}
	if (argc - optind < 2 || r.n_lanes < 1 ||
		!set_mix(&r, argv[optind + 1]))
		return usage();
	if (argc - optind > 2)
		r.zone = argv[optind + 2];
	if (!open_lanes(&r, argv[optind])) {
		fprintf(stderr, "qgen: %s: %s\n", argv[optind],
			errno ? strerror(errno) : "not ADDRESS:PORT");
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1UL); /* -a sleeps for some 50 us */
	int64_t start = clock_ns();
	run_for(&r, (int64_t)(seconds * 1e9), per_s);
	double took = (double)(clock_ns() - start) / 1e9;
	if (r.over == UDP)
		drain(&r);
	else
		tcp_drain(&r);
	report(&r, took);
	return r.bad || !r.answered;
}
