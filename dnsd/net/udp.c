#include "net/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/clock.h"
#include "net/unwrap.h"
#include "snapshot/options.h"

#define BATCH 32
#define QUERY_ROOM 4096
#define REPLY_ROOM 1280 /* udp_max is at most 1232 */
#define MAX_CLIENTS (1 << 18)
#define DEFER_MAX 1024
#define DEFER_POLL_MS 10
#define DEFER_TRIES 100 /* a second; the asker has asked again then */

/* Room for the packet info of either family. */
struct control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(
		sizeof(struct in6_pktinfo))];
};

/* One packet's place in a batch; the arrays below point into it. */
struct slot {
	struct sockaddr_storage peer;
	struct control control;
	uint8_t query[QUERY_ROOM];
	uint8_t reply[REPLY_ROOM];
};

/* A question that can't be answered yet: steered, before the first polls were in; in a
 * signed zone, before its signatures are made. */
struct deferred {
	struct deferred *next;
	unsigned tries;
	bool accounted; /* as in the job */
	const struct udp_socket *socket;
	struct sockaddr_storage peer;
	struct control control;
	size_t control_len;
	uint16_t query_len;
	uint8_t query[];
};

struct udp_worker {
	struct net_thread thread;
	unsigned index, n;
	const struct udp_socket *sockets;
	struct slot *slots;
	/* in[i] and out[i] are of slots[i], with room as `ready` needs it */
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_io[BATCH], out_io[BATCH];
	struct answer_job jobs[BATCH];
	const struct udp_socket *ready;
	_Atomic bool stopping;
	struct deferred *deferred; /* mostly none */
	unsigned tries; /* of the deferred question that is answered now */
	unsigned n_deferred;
	int64_t retried_ms;
};

/* Makes room for control messages again: the kernel leaves there how much it
 * took of it. */
static void clear_control(struct udp_worker *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		w->in[i].msg_hdr.msg_controllen = sizeof(struct control);
}

/* Readies all places for a socket, if the last was of another kind. All its peers' addresses are of one length,
 * which the kernel puts into the given room: it need not be given again. */
static void make_ready(struct udp_worker *w, const struct udp_socket *s)
{
	const struct udp_socket *last = w->ready;
	socklen_t len = s->v6 ? sizeof(struct sockaddr_in6)
			      : sizeof(struct sockaddr_in);

	w->ready = s;
	if (last && last->v6 == s->v6 && last->wildcard == s->wildcard)
		return;
	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *in = &w->in[i].msg_hdr;
		struct msghdr *out = &w->out[i].msg_hdr;
		in->msg_namelen = out->msg_namelen = len;
		in->msg_control = out->msg_control =
			s->wildcard ? &w->slots[i].control : NULL;
		in->msg_controllen = out->msg_controllen = 0;
	}
	if (s->wildcard)
		clear_control(w, BATCH);
}

struct udp_worker *udp_worker_new(unsigned index,
	const struct udp_socket *sockets, unsigned n,
	const struct net_shared *shared)
{
	assert(n > 0);
	struct udp_worker *w =
		aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);
	if (!w)
		abort();
	memset(w, 0, sizeof *w);
	net_thread_init(&w->thread, shared, MAX_CLIENTS);
	w->index = index;
	w->sockets = sockets;
	w->n = n;
	w->slots = mem_zero(BATCH, sizeof *w->slots);
	for (unsigned i = 0; i < BATCH; i++) {
		struct slot *s = &w->slots[i];
		w->in_io[i] = (struct iovec){s->query, QUERY_ROOM};
		w->out_io[i] = (struct iovec){s->reply, 0};
		w->in[i].msg_hdr = (struct msghdr){.msg_name = &s->peer,
			.msg_iov = &w->in_io[i],
			.msg_iovlen = 1};
		w->out[i].msg_hdr = (struct msghdr){.msg_name = &s->peer,
			.msg_iov = &w->out_io[i],
			.msg_iovlen = 1};
		w->jobs[i].reply = s->reply;
		w->jobs[i].reply_room = REPLY_ROOM;
	}
	return w;
}

/* -- receive -- */

static int receive(struct udp_worker *w, const struct udp_socket *s, int flags)
{
	make_ready(w, s);
	return recvmmsg(s->fd, w->in, BATCH, flags, NULL);
}

/* Makes jobs of what was received. */
static void udp_take(struct udp_worker *w, unsigned n)
{
	bool behind = w->thread.answerer.snap->options->n_proxy > 0;
	for (unsigned i = 0; i < n; i++) {
		struct answer_job *job = &w->jobs[i];
		job->query = w->slots[i].query;
		/* A query that does not fit is none. */
		job->query_len = w->in[i].msg_hdr.msg_flags & MSG_TRUNC
			? 0
			: (uint16_t)w->in[i].msg_len;
		job->peer = addr_from_sockaddr(
			(const struct sockaddr *)&w->slots[i].peer);
		job->port = sockaddr_port(&w->slots[i].peer);
		if (behind)
			unwrap_job(&w->thread.answerer, job);
	}
}

/* -- send -- */

/* The answer leaves from the address that was asked; which interface, routing
 * decides (but link-local needs its own). */
static void keep_source(
	struct udp_worker *w, unsigned i, const struct udp_socket *s)
{
	struct msghdr *m = &w->out[i].msg_hdr;
	struct in_pktinfo info;

	m->msg_controllen = w->in[i].msg_hdr.msg_controllen;
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || s->v6)
		return;
	memcpy(&info, CMSG_DATA(c), sizeof info);
	info.ipi_ifindex = 0;
	info.ipi_spec_dst = info.ipi_addr;
	memcpy(CMSG_DATA(c), &info, sizeof info);
}

/* Sends from .. below to. */
static void send_run(struct udp_worker *w, const struct udp_socket *s,
	unsigned from, unsigned to)
{
	while (from < to) {
		int got =
			sendmmsg(s->fd, w->out + from, to - from, MSG_DONTWAIT);
		if (got > 0) {
			from += (unsigned)got;
		} else if (errno == EAGAIN) {
			struct pollfd p = {.fd = s->fd, .events = POLLOUT};
			if (poll(&p, 1, 10) <= 0 && errno != EINTR)
				return; /* the network is full: drop */
		} else {
			from++; /* this one can't be sent; the next may */
		}
	}
}

/* Sends what is to be sent: mostly all in one run. */
static void send_all(
	struct udp_worker *w, const struct udp_socket *s, unsigned n)
{
	unsigned from = 0;
	for (unsigned i = 0; i < n; i++) {
		size_t len = w->jobs[i].reply_len;
		w->out_io[i].iov_len = len;
		if (s->wildcard)
			keep_source(w, i, s);
		if (len)
			continue;
		send_run(w, s, from, i);
		from = i + 1;
	}
	send_run(w, s, from, n);
}

/* -- questions before the first polls -- */

static void defer(struct udp_worker *w, const struct udp_socket *s, unsigned i)
{
	if (w->n_deferred == DEFER_MAX || w->tries == DEFER_TRIES)
		return;
	/* As it came, with the header of a proxy. */
	size_t len = w->in[i].msg_len;
	struct deferred *d = mem_alloc(sizeof *d + len);
	d->tries = w->tries + 1;
	d->accounted = w->jobs[i].accounted;
	d->socket = s;
	d->peer = w->slots[i].peer;
	d->control = w->slots[i].control;
	d->control_len = w->in[i].msg_hdr.msg_controllen;
	d->query_len = (uint16_t)len;
	memcpy(d->query, w->slots[i].query, len);
	d->next = w->deferred;
	w->deferred = d;
	w->n_deferred++;
}

/* -- a batch -- */

static void udp_tap(struct udp_worker *w, unsigned n, int64_t query_ns)
{
	const struct answerer *answerer = &w->thread.answerer;
	int64_t response_ns = tap_now(answerer);
	for (unsigned i = 0; i < n; i++)
		tap_job(&w->thread.tap, answerer, &w->jobs[i], query_ns,
			response_ns);
}

static void answer_all(
	struct udp_worker *w, const struct udp_socket *s, unsigned n)
{
	struct answerer *answerer = &w->thread.answerer;

	answerer->snap = snapshot_acquire(w->thread.published);
	net_thread_times(&w->thread);
	int64_t query_ns = tap_now(answerer);
	udp_take(w, n);
	unsigned deferred = answer_batch(answerer, w->jobs, n);
	for (unsigned i = 0; deferred && i < n; i++)
		if (w->jobs[i].defer)
			defer(w, s, i);
	if (answerer->snap->options->query_log > 0)
		for (unsigned i = 0; i < n; i++)
			querylog_job(&w->thread.log, answerer, &w->jobs[i]);
	if (query_ns)
		udp_tap(w, n, query_ns);
	snapshot_release(w->thread.published);
	send_all(w, s, n);
	if (s->wildcard)
		clear_control(w, n);
}

/* Now and then, however many packets come meanwhile. */
static void retry_deferred(struct udp_worker *w)
{
	struct deferred *list = w->deferred, *d;
	int64_t now_ms = clock_ms();

	if (now_ms - w->retried_ms < DEFER_POLL_MS)
		return;
	w->retried_ms = now_ms;
	w->jobs[0].again = true;
	w->deferred = NULL;
	w->n_deferred = 0;
	while ((d = list)) {
		list = d->next;
		struct msghdr *m = &w->in[0].msg_hdr;
		make_ready(w, d->socket);
		memcpy(w->slots[0].query, d->query, d->query_len);
		w->slots[0].peer = d->peer;
		w->slots[0].control = d->control;
		m->msg_controllen = d->control_len;
		m->msg_flags = 0;
		w->in[0].msg_len = d->query_len;
		w->tries = d->tries;
		w->jobs[0].accounted = d->accounted;
		answer_all(w, d->socket, 1);
		free(d);
	}
	w->tries = 0;
	w->jobs[0].again = w->jobs[0].accounted = false;
}

static void wait_for_packets(struct udp_worker *w)
{
	struct pollfd p[w->n + 1];
	for (unsigned i = 0; i < w->n; i++)
		p[i] = (struct pollfd){w->sockets[i].fd, POLLIN, 0};
	p[w->n] = (struct pollfd){w->thread.stop_fd, POLLIN, 0};
	poll(p, w->n + 1, w->deferred ? DEFER_POLL_MS : -1);
}

/* With one socket one call waits and receives: at a low rate that is half of
 * all calls, and the way to the answer is shorter. */
static void turn_one(struct udp_worker *w)
{
	int n = receive(w, w->sockets, MSG_WAITFORONE);
	if (n > 0)
		answer_all(w, w->sockets, (unsigned)n);
}

/* No polling while packets come by twos and more. */
static void turn_all(struct udp_worker *w)
{
	bool more = false;
	for (unsigned i = 0; i < w->n; i++) {
		int n = receive(w, &w->sockets[i], MSG_DONTWAIT);
		if (n > 0)
			answer_all(w, &w->sockets[i], (unsigned)n);
		more |= n > 1;
	}
	if (!more)
		wait_for_packets(w);
}

static void *udp_thread(void *arg)
{
	struct udp_worker *w = arg;

	snapshot_thread_begin();
	net_thread_wakes();
	sandbox_enter(SANDBOX_UDP, w->thread.sandbox);
	while (!w->stopping) {
		if (w->n == 1 && !w->deferred)
			turn_one(w);
		else
			turn_all(w);
		if (w->deferred)
			retry_deferred(w);
	}
	snapshot_thread_end();
	return NULL;
}

void udp_worker_start(struct udp_worker *w)
{
	char name[16];
	snprintf(name, sizeof name, "dnsd-udp%u", w->index);
	w->stopping = false;
	net_thread_start(&w->thread, name, udp_thread, w);
}

/* What it has received is answered; the rest stays in the sockets, which another process
 * may read. */
void udp_worker_stop(struct udp_worker *w)
{
	w->stopping = true;
	net_thread_stop(&w->thread);
}

void udp_worker_free(struct udp_worker *w)
{
	while (w->deferred) {
		struct deferred *d = w->deferred;
		w->deferred = d->next;
		free(d);
	}
	net_thread_fini(&w->thread);
	free(w->slots);
	free(w);
}

struct net_thread *udp_worker_thread(struct udp_worker *w)
{
	return &w->thread;
}
