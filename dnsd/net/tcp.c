#include "net/tcp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/shares.h"
#include "base/sockets.h"
#include "net/dot.h"
#include "snapshot/options.h"
#include "tls/tls.h"
#include "transfer/transfer.h"
#include "wire/proxy.h"

#define MAX_CLIENTS (1 << 14)
#define FRAME_MAX (2 + 65535)
#define HEADER 12
#define BATCH 32
#define READ_MAX (16 << 10) /* of one connection before the next has its turn */
#define FLUSH_AT (16 << 10) /* so much output is sent before more is made */
#define SMALL 4096          /* kept octets for which malloc does */
#define ROOM (FRAME_MAX + READ_MAX) /* for more of them */
#define SPARES 16                   /* such rooms that are not given back */
/* Octets that all connections may keep between their turns. A connection whose
 * output waits counts with the kernel's buffers, which it fills. */
#define KEPT_MAX ((size_t)64 << 20)
#define KERNEL_KEEPS (2 * (LISTEN_SEND_BUFFER + LISTEN_RECEIVE_BUFFER))
#define READY_MAX 64
/* Answers whose signatures are being made are waited for: mostly one such time, all of
 * them a second. */
#define DEFER_NS 1000000
#define DEFER_TRIES 1000
#define ACCEPTS_AT_ONCE 64
#define PAUSE_MS 100 /* without accepting, when there is no descriptor left */
#define HANDSHAKES_A_TURN 8 /* each may cost a millisecond */

enum kind { STOP, LISTENER, LISTENER_TLS, MAIL, CONNECTION };

/* What epoll names: the first member of what it belongs to. */
struct source {
	int fd;
	enum kind kind;
};

/* Between its turns a connection holds only what is left over: of the input
 * what is no whole query yet, or all of it while output waits. In the server's
 * list, the one without a whole query for longest first. */
struct connection {
	struct source source; /* first */
	TAILQ_ENTRY(connection) entry;
	struct share held; /* one connection */
	struct share kept; /* of KEPT_MAX */
	struct addr peer;  /* behind a proxy: its client, with the header */
	uint16_t port;
	bool awaits_header; /* of a proxy, that did not come whole yet */
	bool forgeable;     /* peer: it has no connection to the proxy */
	int64_t active_ms;
	bool ended; /* nothing more is read: close when all is written */
	uint8_t *in;
	size_t in_len;
	uint8_t *out; /* the peer does not take it now; NULL: nothing waits */
	size_t out_at, out_len; /* so far it was taken */
	uint32_t watched;       /* the events that epoll reports of it */
	bool encrypted;         /* it is of DNS over TLS */
	struct ssl_st *tls;     /* that; NULL: not, or not begun */
	bool handshake_done;    /* tls: the handshake is over */
	bool writes_first; /* tls: it has something to say before it reads */
	struct handed_over
		*leaves; /* for a transfer that it asked for; NULL: it
				       stays */
};

struct tcp_server {
	struct net_thread thread;
	int epoll;
	struct source stop, mail, *listeners;
	struct mailbox *mailbox;     /* connections that come back */
	struct transfers *transfers; /* where they go to; NULL: nowhere */
	unsigned n_listeners;
	int64_t paused_ms; /* nothing is accepted until then; 0: not paused */
	struct log_fault no_room;
	unsigned max;
	unsigned idle_ms, tick_ms;
	int64_t swept_ms;
	_Atomic unsigned connections;
	_Atomic unsigned tls_connections; /* of them */
	struct ssl_ctx_st *certificate;   /* NULL: none, no such listener */
	int64_t tickets_ms;  /* when its keys for tickets were made */
	unsigned handshakes; /* worked at in this turn */
	unsigned turns;
	unsigned headless; /* of them, those of proxies before the header */
	TAILQ_HEAD(, connection) oldest_first;
	struct shares *held, *kept; /* of connections, of octets */
	uint8_t *spare[SPARES];     /* each ROOM */
	unsigned n_spares;
	struct answer_job jobs[BATCH];
	uint8_t in[ROOM];                  /* of the one whose turn it is */
	uint8_t out[FRAME_MAX + FLUSH_AT]; /* a frame more fits while it is not
					      to be sent */
};

static bool watch(struct tcp_server *s, struct source *source, int operation,
	uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = source};
	return epoll_ctl(s->epoll, operation, source->fd, &e) == 0;
}

_Static_assert(FLUSH_AT <= READ_MAX, "output fits into a room");

/* What is kept for len octets. */
static size_t kept_size(size_t len)
{
	return len > SMALL ? ROOM : len;
}

/* Rooms go back to the system but for a few: to get one anew for each answer
 * that waits costs more than the answer. */
static uint8_t *kept_new(struct tcp_server *s, const uint8_t *from, size_t len)
{
	uint8_t *p;
	if (len <= SMALL)
		p = mem_alloc(len);
	else if (s->n_spares)
		p = s->spare[--s->n_spares];
	else
		p = mem_pages(ROOM, false);
	memcpy(p, from, len);
	return p;
}

static void kept_free(struct tcp_server *s, uint8_t *p, size_t len)
{
	if (len <= SMALL)
		free(p);
	else if (s->n_spares < SPARES)
		s->spare[s->n_spares++] = p;
	else
		mem_pages_free(p, ROOM);
}

static void touch(struct tcp_server *s, struct connection *c)
{
	c->active_ms = s->thread.answerer.now_ms;
	TAILQ_REMOVE(&s->oldest_first, c, entry);
	TAILQ_INSERT_TAIL(&s->oldest_first, c, entry);
	shares_use(s->held, &c->held);
}

/* The connection is no longer here, but open. */
static void connection_forget(struct tcp_server *s, struct connection *c)
{
	TAILQ_REMOVE(&s->oldest_first, c, entry);
	shares_hold(s->held, &c->held, &c->peer, 0);
	shares_hold(s->kept, &c->kept, &c->peer, 0);
	s->connections--;
	s->tls_connections -= c->encrypted;
	s->headless -= c->awaits_header;
	kept_free(s, c->in, c->in_len);
	kept_free(s, c->out, c->out_len);
	free(c);
}

static void connection_close(struct tcp_server *s, struct connection *c)
{
	int fd = c->source.fd;
	if (c->tls && !c->handshake_done)
		count(&s->thread.answerer.counters.tls_failed);
	if (c->tls)
		dot_free(c->tls);
	if (c->out)
		sockets_forget_output(fd);
	connection_forget(s, c);
	close(fd);
}

static size_t tls_keeps(const struct connection *c)
{
	if (!c->tls)
		return 0;
	return !c->handshake_done   ? DOT_HANDSHAKE_KEEPS
		: dot_holds(c->tls) ? DOT_RECORD_KEEPS
				    : 0;
}

/* What it keeps until its next turn. */
static void account(struct tcp_server *s, struct connection *c)
{
	shares_hold(s->kept, &c->kept, &c->peer,
		kept_size(c->in_len) + kept_size(c->out_len) +
			(c->out ? KERNEL_KEEPS : 0) + tls_keeps(c));
}

/* -- output -- */

/* Sends, and counts what the peer did not take as unsent; a peer that is gone
 * takes everything, and reading will show it. */
static size_t send_some(const struct connection *c, const uint8_t *p, size_t n)
{
	if (c->tls)
		return dot_write(c->tls, p, n);
	ssize_t sent = send(c->source.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? n : 0;
	return n - (size_t)sent;
}

/* What is not taken waits, and with it the input. */
static void flush(struct tcp_server *s, struct connection *c, size_t len)
{
	size_t left = len ? send_some(c, s->out, len) : 0;
	if (!left)
		return;
	c->out = kept_new(s, s->out + len - left, left);
	c->out_at = 0;
	c->out_len = left;
}

/* False: some still waits. */
static bool flush_waiting(struct tcp_server *s, struct connection *c)
{
	size_t left = send_some(c, c->out + c->out_at, c->out_len - c->out_at);
	c->out_at = c->out_len - left;
	if (left)
		return false;
	kept_free(s, c->out, c->out_len);
	c->out = NULL;
	c->out_len = 0;
	return true;
}

/* -- queries -- */

/* Cuts up to a batch of whole queries from s->in. Returns how many; *at moves
 * on, *bad: what follows can be none. */
static unsigned cut(struct tcp_server *s, const struct connection *c,
	size_t len, size_t *at, bool *bad)
{
	unsigned n = 0;
	*bad = false;
	while (n < BATCH && len - *at >= 2) {
		const uint8_t *p = s->in + *at;
		uint16_t size = (uint16_t)(p[0] << 8 | p[1]);
		*bad = size < HEADER;
		if (*bad || len - *at < 2u + size)
			break;
		s->jobs[n].query = p + 2;
		s->jobs[n].query_len = size;
		s->jobs[n].port = c->port;
		s->jobs[n].forgeable = c->forgeable;
		s->jobs[n].tls = c->encrypted;
		s->jobs[n++].peer = c->peer;
		*at += 2u + size;
	}
	return n;
}

static size_t answer_one(struct tcp_server *s, struct answer_job *job,
	uint8_t *frame, int64_t query_ns)
{
	struct answerer *a = &s->thread.answerer;
	job->reply = frame + 2;
	answer_finish(a, job);
	for (unsigned i = 0; job->defer && i < DEFER_TRIES; i++) {
		nanosleep(&(struct timespec){.tv_nsec = DEFER_NS}, NULL);
		answer_finish(a, job);
	}
	if (job->defer)
		answer_fail(a, job);
	querylog_job(&s->thread.log, a, job);
	if (query_ns)
		tap_job(&s->thread.tap, a, job, query_ns, tap_now(a));
	if (!job->reply_len)
		return 0;
	frame[0] = (uint8_t)(job->reply_len >> 8);
	frame[1] = (uint8_t)job->reply_len;
	return 2u + job->reply_len;
}

static void *octets_of(const void *from, size_t len)
{
	return len ? memcpy(mem_alloc(len), from, len) : NULL;
}

/* It asked for a zone: it goes away with the question when what was answered before is
 * written. The snapshot is acquired. */
static void leave(struct connection *c, const struct answer_job *job,
	struct transfer_source *source)
{
	c->leaves = mem_zero(1, sizeof *c->leaves);
	c->leaves->source = transfer_source_take(source);
	c->leaves->zone = job->transfer;
	c->leaves->key = job->key;
	c->leaves->request = octets_of(job->query, job->query_len);
	c->leaves->request_len = job->query_len;
}

/* Answers n queries behind len octets in s->out, until the peer takes no more:
 * no question is answered while output waits. Returns the length then; *n is how
 * many are answered, the last one perhaps by a transfer. */
static size_t answer_all(
	struct tcp_server *s, struct connection *c, unsigned *n, size_t len)
{
	struct answerer *a = &s->thread.answerer;
	unsigned done = 0;

	a->snap = snapshot_acquire(s->thread.published);
	int64_t query_ns = tap_now(a);
	answer_prepare(a, s->jobs, *n);
	while (done < *n && !c->out && !c->leaves) {
		struct answer_job *job = &s->jobs[done++];
		len += answer_one(s, job, s->out + len, query_ns);
		if (job->transfer && s->transfers)
			leave(c, job, a->snap->transfers);
		if (len < FLUSH_AT)
			continue;
		flush(s, c, len);
		len = 0;
	}
	snapshot_release(s->thread.published);
	*n = done;
	return len;
}

/* Answers the whole queries among len bytes of s->in; returns how many bytes
 * are done with. Less than all of them if output has to wait. */
static size_t answer_input(
	struct tcp_server *s, struct connection *c, size_t len)
{
	size_t at = 0, out = 0;
	unsigned n, answered;
	bool bad;

	do {
		answered = n = cut(s, c, len, &at, &bad);
		if (n)
			out = answer_all(s, c, &answered, out);
	} while (n == BATCH && !c->out && !c->leaves);
	if (answered < n) {
		at = (size_t)(s->jobs[answered].query - 2 - s->in);
		bad = false;
	}
	flush(s, c, out);
	if (at)
		touch(s, c);
	if (!bad)
		return at;
	c->ended = true;
	return len;
}

/* -- a connection's turn -- */

static bool wait_for(
	struct tcp_server *s, struct connection *c, uint32_t events)
{
	if (c->watched == events)
		return true;
	int operation = c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	c->watched = events;
	return watch(s, &c->source, operation, events);
}

/* Input that had to wait or is not whole goes to the front of s->in. */
static size_t take_kept(struct tcp_server *s, struct connection *c)
{
	size_t len = c->in_len;
	if (len)
		memcpy(s->in, c->in, len);
	kept_free(s, c->in, len);
	c->in = NULL;
	c->in_len = 0;
	return len;
}

static void tcp_keep(struct tcp_server *s, struct connection *c,
	const uint8_t *in, size_t len)
{
	if (!len)
		return;
	c->in = kept_new(s, in, len);
	c->in_len = len;
}

_Static_assert(DOT_RECORD_MAX <= READ_MAX, "a record fits behind a frame");

/* Reads TLS behind len bytes of s->in. No record is left in OpenSSL, where epoll does not
 * see it: each is read while there is room for all of it. */
static size_t read_tls(struct tcp_server *s, struct connection *c, size_t len)
{
	enum dot_result read = DOT_DONE;
	size_t had = len, n;

	while (read == DOT_DONE && len <= FRAME_MAX && len - had < READ_MAX) {
		read = dot_read(c->tls, s->in + len, &n);
		len += n;
	}
	c->writes_first = read == DOT_WANTS_WRITE;
	c->ended = read == DOT_ENDED || read == DOT_FAILED;
	return len;
}

/* How much may be read: in front of TLS no more than the header of a proxy. */
static size_t read_most(
	const struct tcp_server *s, const struct connection *c, size_t len)
{
	return c->encrypted ? proxy_header_more(s->in, len) : READ_MAX;
}

/* Reads behind len bytes of s->in; returns the length then. A peer may end its
 * side and still wait for answers. */
static size_t read_more(
	struct tcp_server *s, struct connection *c, size_t len, uint32_t what)
{
	if (c->tls)
		return read_tls(s, c, len);
	size_t most = read_most(s, c, len);
	ssize_t n = recv(c->source.fd, s->in + len, most, MSG_DONTWAIT);
	if (n < 0) {
		c->ended = errno != EAGAIN && errno != EINTR;
		return len;
	}
	/* Its end was there before: a read that leaves room got all. */
	if (n == 0 || (what & EPOLLRDHUP && (size_t)n < most))
		c->ended = true;
	return len + (size_t)n;
}

/* The client's net has the connection from now on, as if it were its own. */
static void become_client(struct tcp_server *s, struct connection *c,
	const struct proxy_header *h)
{
	shares_hold(s->held, &c->held, &c->peer, 0);
	shares_hold(s->kept, &c->kept, &c->peer, 0);
	c->peer = h->client;
	c->port = h->port;
	c->forgeable = !h->stream;
	shares_hold(s->held, &c->held, &c->peer, 1);
}

/* Takes the header off the front of s->in; the length then. Nothing is to be read
 * of a connection that has no good one. */
static size_t take_header(
	struct tcp_server *s, struct connection *c, size_t len)
{
	struct proxy_header h;
	enum proxy_read read = proxy_header_read(s->in, len, &h);

	if (read == PROXY_READ) {
		c->awaits_header = false;
		s->headless--;
		if (h.client.family)
			become_client(s, c, &h);
		memmove(s->in, s->in + h.len, len - h.len);
		return len - h.len;
	}
	if (read == PROXY_BAD || (c->ended && len)) {
		count(&s->thread.answerer.counters.proxy_bad);
		c->ended = true;
	}
	return c->ended ? 0 : len;
}

/* To the thread that sends zones, with what it has sent behind the question. */
static void hand_over(struct tcp_server *s, struct connection *c,
	const uint8_t *in, size_t len)
{
	struct handed_over *h = c->leaves;

	assert(!c->encrypted);
	if (c->watched)
		watch(s, &c->source, EPOLL_CTL_DEL, 0);
	h->fd = c->source.fd;
	h->peer = c->peer;
	h->port = c->port;
	h->forgeable = c->forgeable;
	h->ended = c->ended;
	h->in = octets_of(in, len);
	h->in_len = len;
	h->out_len = c->out ? c->out_len - c->out_at : 0;
	h->out = octets_of(c->out ? c->out + c->out_at : NULL, h->out_len);
	connection_forget(s, c);
	transfers_hand(s->transfers, h);
}

/* -- TLS -- */

/* Goes on with the handshake. False: it is not over; then the connection waits, or it was
 * closed, and *here is false. */
static bool tls_handshake_is_done(
	struct tcp_server *s, struct connection *c, bool *here)
{
	struct answer_counters *counters = &s->thread.answerer.counters;

	if (c->handshake_done)
		return true;
	/* The others have their turn; epoll reports it again. */
	if (s->handshakes++ >= HANDSHAKES_A_TURN)
		return false;
	enum dot_result result = dot_handshake(c->tls);
	if (result == DOT_FAILED) {
		connection_close(s, c);
		*here = false;
		return false;
	}
	c->handshake_done = result == DOT_DONE;
	account(s, c);
	if (!c->handshake_done) {
		wait_for(s, c,
			result == DOT_WANTS_WRITE ? EPOLLOUT
						  : EPOLLIN | EPOLLRDHUP);
		return false;
	}
	count(dot_resumed(c->tls) ? &counters->tls_resumed
				  : &counters->tls_full);
	return true;
}

/* What comes from now on is TLS. False: no memory. */
static bool tls_begin(struct tcp_server *s, struct connection *c)
{
	int64_t now = s->thread.answerer.now_ms;

	if (now - s->tickets_ms >= DOT_TICKETS_MS) {
		dot_renew_tickets(s->certificate);
		s->tickets_ms = now;
	}
	c->tls = dot_new(s->certificate, c->source.fd);
	account(s, c);
	return c->tls != NULL;
}

/* The header of a proxy was there, and nothing behind it was read. */
static bool tls_behind_header(
	struct tcp_server *s, struct connection *c, bool *here)
{
	if (!c->encrypted || c->tls || c->awaits_header)
		return false;
	if (!tls_begin(s, c)) {
		connection_close(s, c);
		*here = false;
	}
	return true;
}

/* Reads, answers, writes, each with one call where it fits. False: the
 * connection is no longer here. */
static bool tcp_serve(struct tcp_server *s, struct connection *c, uint32_t what)
{
	bool here = true;
	if (c->tls && !tls_handshake_is_done(s, c, &here))
		return here;
	if (c->out && !flush_waiting(s, c))
		return true;
	size_t len = take_kept(s, c);
	if (!c->ended && len <= FRAME_MAX)
		len = read_more(s, c, len, what);
	if (c->awaits_header)
		len = take_header(s, c, len);
	if (tls_behind_header(s, c, &here))
		return here;
	size_t done = c->awaits_header ? 0 : answer_input(s, c, len);
	if (c->leaves) {
		hand_over(s, c, s->in + done, len - done);
		return false;
	}
	if (c->ended && !c->out) {
		connection_close(s, c);
		return false;
	}
	tcp_keep(s, c, s->in + done, len - done);
	account(s, c);
	wait_for(s, c,
		c->out || c->writes_first ? EPOLLOUT : EPOLLIN | EPOLLRDHUP);
	return true;
}

/* -- connections -- */

static struct connection *connection_of(
	struct tcp_server *s, int fd, const struct addr *peer, uint16_t port)
{
	struct connection *c = mem_zero(1, sizeof *c);

	c->source = (struct source){fd, CONNECTION};
	c->peer = *peer;
	c->port = port;
	c->active_ms = s->thread.answerer.now_ms;
	TAILQ_INSERT_TAIL(&s->oldest_first, c, entry);
	shares_hold(s->held, &c->held, &c->peer, 1);
	s->connections++;
	return c;
}

/* The connection that a share is a part of. */
static struct connection *holder(struct share *share, size_t offset)
{
	return (struct connection *)(void *)((char *)share - offset);
}

/* It is of a proxy. */
static void await_header(struct tcp_server *s, struct connection *c)
{
	c->awaits_header = true;
	s->headless++;
}

/* The client net with the most connections gives way, be it the newcomer's: that is
 * not known before the header of a proxy, so that a few of these may be too many. */
static void tcp_make_room(struct tcp_server *s)
{
	unsigned few = s->max / 16 + 1;
	while (s->connections >
		s->max + (s->headless < few ? s->headless : few))
		connection_close(s,
			holder(shares_largest(s->held),
				offsetof(struct connection, held)));
}

static void give_memory_back(struct tcp_server *s)
{
	while (shares_sum(s->kept) > KEPT_MAX)
		connection_close(s,
			holder(shares_largest(s->kept),
				offsetof(struct connection, kept)));
}

/* -- connections that come back after a transfer -- */

struct comes_back {
	struct tcp_server *server;
	struct handed_over *h;
};

/* As if it had just been accepted, but for what it has sent meanwhile. */
static void on_back(void *arg)
{
	struct comes_back *b = arg;
	struct tcp_server *s = b->server;
	struct handed_over *h = b->h;
	struct connection *c = connection_of(s, h->fd, &h->peer, h->port);

	c->forgeable = h->forgeable;
	c->ended = h->ended;
	tcp_keep(s, c, h->in, h->in_len);
	free(h->in);
	free(h);
	free(b);
	if (tcp_serve(s, c, 0))
		tcp_make_room(s);
}

static void drop_back(void *arg)
{
	struct comes_back *b = arg;
	handed_over_free(b->h);
	free(b);
}

static void tcp_back(void *arg, struct handed_over *h)
{
	struct tcp_server *s = arg;
	struct comes_back *b = mem_alloc(sizeof *b);
	*b = (struct comes_back){s, h};
	mailbox_post_owned(s->mailbox, on_back, drop_back, b);
}

void tcp_server_transfers(struct tcp_server *s, struct transfers *transfers)
{
	s->transfers = transfers;
	transfers_give_back(transfers, tcp_back, s);
}

/* -- a certificate -- */

struct new_certificate {
	struct tcp_server *server;
	struct ssl_ctx_st *certificate;
};

/* Connections keep a reference to the old one. */
static void take_certificate(void *arg)
{
	struct new_certificate *n = arg;
	tls_free(n->server->certificate);
	n->server->certificate = n->certificate;
	n->server->tickets_ms = clock_ms();
	free(n);
}

static void drop_certificate(void *arg)
{
	struct new_certificate *n = arg;
	tls_free(n->certificate);
	free(n);
}

void tcp_server_certificate(
	struct tcp_server *s, struct ssl_ctx_st *certificate)
{
	struct new_certificate *n = mem_alloc(sizeof *n);
	*n = (struct new_certificate){s, tls_take(certificate)};
	mailbox_post_owned(s->mailbox, take_certificate, drop_certificate, n);
}

/* -- the process that takes over -- */

#define CONNECTIONS_VERSION 2 /* of what the struct means */

struct handed_connection {
	struct addr peer;
	uint16_t port;
	int64_t active_ms;
	uint32_t in, out; /* octets in the section of octets, in this order */
	bool ended, awaits_header, forgeable;
};

unsigned tcp_server_hand(struct tcp_server *s, int **fds, struct buf *out)
{
	struct connection *c;
	struct buf octets = {0};
	unsigned n = 0;
	char *room = sections_room(
		out, sizeof(struct handed_connection), s->connections);

	*fds = mem_zero(s->connections + 1, sizeof **fds);
	TAILQ_FOREACH(c, &s->oldest_first, entry)
	{
		if (c->encrypted) /* its keys are OpenSSL's */
			continue;
		size_t unsent = c->out ? c->out_len - c->out_at : 0;
		struct handed_connection one = {.peer = c->peer,
			.port = c->port,
			.active_ms = c->active_ms,
			.in = (uint32_t)c->in_len,
			.out = (uint32_t)unsent,
			.ended = c->ended,
			.awaits_header = c->awaits_header,
			.forgeable = c->forgeable};
		memcpy(room + n * sizeof one, &one, sizeof one);
		buf_add(&octets, c->in, c->in_len);
		if (unsent)
			buf_add(&octets, c->out + c->out_at, unsent);
		(*fds)[n++] = c->source.fd;
	}
	sections_keep(out, "connections", CONNECTIONS_VERSION,
		sizeof(struct handed_connection), n);
	sections_add(
		out, "octets", CONNECTIONS_VERSION, 1, octets.text, octets.len);
	buf_fini(&octets);
	return n;
}

void tcp_server_forget(struct tcp_server *s)
{
	while (!TAILQ_EMPTY(&s->oldest_first)) {
		struct connection *c = TAILQ_FIRST(&s->oldest_first);
		kept_free(s, c->out, c->out_len);
		c->out = NULL; /* it is sent all the same */
		c->out_len = 0;
		connection_close(s, c);
	}
}

static void connection_take(struct tcp_server *s, int fd,
	const struct handed_connection *one, const uint8_t *octets)
{
	struct connection *c = connection_of(s, fd, &one->peer, one->port);
	c->active_ms = one->active_ms;
	c->ended = one->ended;
	if (one->awaits_header)
		await_header(s, c);
	c->forgeable = one->forgeable;
	tcp_keep(s, c, octets, one->in);
	if (one->out) {
		c->out = kept_new(s, octets + one->in, one->out);
		c->out_len = one->out;
	}
	account(s, c);
	if (!wait_for(s, c, c->out ? EPOLLOUT : EPOLLIN | EPOLLRDHUP))
		connection_close(s, c);
}

void tcp_server_take(
	struct tcp_server *s, struct sections *in, const int *fds, unsigned n)
{
	size_t n_one, n_octets, at = 0;
	const struct handed_connection *one = sections_find(
		in, "connections", CONNECTIONS_VERSION, sizeof *one, &n_one);
	const uint8_t *octets =
		sections_find(in, "octets", CONNECTIONS_VERSION, 1, &n_octets);

	net_thread_times(&s->thread);
	for (unsigned i = 0; i < n; i++) {
		size_t len = i < n_one ? (size_t)one[i].in + one[i].out : 0;
		if (i < n_one && len <= n_octets - at)
			connection_take(
				s, fds[i], &one[i], len ? octets + at : NULL);
		else
			close(fds[i]); /* nothing is known of it */
		at += len <= n_octets - at ? len : 0;
	}
	tcp_make_room(s);
}

/* -- accepting -- */

/* What is not accepted would be reported as ready for ever. */
static void listen_to(struct tcp_server *s, uint32_t events)
{
	for (unsigned i = 0; i < s->n_listeners; i++)
		watch(s, &s->listeners[i], EPOLL_CTL_MOD, events);
}

/* No descriptor or memory for a connection: not the fault of those that are
 * there. The others wait in the kernel until there is room. */
static void pause_accepting(struct tcp_server *s, const char *why)
{
	int64_t now = s->thread.answerer.now_ms;
	if (log_failed(&s->no_room, why, now))
		log_warn("TCP: no connection can be accepted: %s", why);
	s->paused_ms = now + PAUSE_MS;
	listen_to(s, 0);
}

static void go_on_accepting(struct tcp_server *s)
{
	int64_t now = s->thread.answerer.now_ms;
	if (s->paused_ms && now >= s->paused_ms) {
		s->paused_ms = 0;
		listen_to(s, EPOLLIN);
	} else if (!s->paused_ms && log_mended(&s->no_room, now)) {
		log_info("TCP: connections are accepted again");
	}
}

static bool is_proxy(struct tcp_server *s, const struct addr *peer)
{
	const struct snapshot *snap = snapshot_acquire(s->thread.published);
	bool is = options_is_proxy(snap->options, peer);
	snapshot_release(s->thread.published);
	return is;
}

static void accept_some(struct tcp_server *s, const struct source *listener)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof peer;
		int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && sockets_lack_room(errno))
			pause_accepting(s, strerror(errno));
		if (fd < 0)
			return;
		struct addr from = addr_from_sockaddr((struct sockaddr *)&peer);
		struct connection *c =
			connection_of(s, fd, &from, sockaddr_port(&peer));
		bool ok = true;
		c->encrypted = listener->kind == LISTENER_TLS;
		s->tls_connections += c->encrypted;
		if (is_proxy(s, &from))
			await_header(s, c);
		else if (c->encrypted)
			ok = tls_begin(s, c);
		if (!ok || !wait_for(s, c, EPOLLIN | EPOLLRDHUP))
			connection_close(s, c);
		tcp_make_room(s);
	}
}

/* Every tick, not every turn: an idle connection may stay a tick longer. */
static void sweep(struct tcp_server *s)
{
	int64_t now = s->thread.answerer.now_ms;
	if (now - s->swept_ms < s->tick_ms)
		return;
	s->swept_ms = now;
	struct connection *c;
	while ((c = TAILQ_FIRST(&s->oldest_first)) &&
		now - c->active_ms >= s->idle_ms)
		connection_close(s, c);
}

/* -- the thread -- */

static int wait_ms(const struct tcp_server *s)
{
	if (s->paused_ms)
		return PAUSE_MS;
	return s->connections || s->no_room.on ? (int)s->tick_ms : -1;
}

/* One look at all sockets; false: stop. New connections last, as they may
 * close others, and those may be among the ready ones: which are not looked at
 * again, for they may be gone. */
static bool turn(struct tcp_server *s)
{
	struct epoll_event ready[READY_MAX];
	int n = epoll_wait(s->epoll, ready, READY_MAX, wait_ms(s));
	const struct source *listeners[READY_MAX];
	int n_listeners = 0;
	bool mail = false;

	net_thread_times(&s->thread);
	s->handshakes = 0;
	/* Not always the same one first: of handshakes only some have their turn. */
	s->turns++;
	for (int i = 0; i < n; i++) {
		struct epoll_event *event =
			&ready[(s->turns + (unsigned)i) % (unsigned)n];
		struct source *source = event->data.ptr;
		if (source->kind == STOP)
			return false;
		mail |= source->kind == MAIL;
		if (source->kind == LISTENER || source->kind == LISTENER_TLS)
			listeners[n_listeners++] = source;
		if (source->kind == CONNECTION)
			tcp_serve(
				s, (struct connection *)source, event->events);
	}
	if (mail)
		mailbox_run(s->mailbox);
	for (int i = 0; i < n_listeners && !s->paused_ms; i++)
		accept_some(s, listeners[i]);
	go_on_accepting(s);
	tcp_make_room(s);
	give_memory_back(s);
	sweep(s);
	return true;
}

static void *tcp_thread(void *arg)
{
	struct tcp_server *s = arg;
	snapshot_thread_begin();
	sandbox_enter(SANDBOX_TCP, s->thread.sandbox);
	while (turn(s)) {
	}
	snapshot_thread_end();
	return NULL;
}

static void open_epoll(
	struct tcp_server *s, const int *fds, unsigned n, unsigned n_tls)
{
	bool ok = true;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->stop = (struct source){s->thread.stop_fd, STOP};
	ok &= s->epoll >= 0;
	ok &= watch(s, &s->stop, EPOLL_CTL_ADD, EPOLLIN);
	s->mailbox = mailbox_new();
	s->mail = (struct source){mailbox_fd(s->mailbox), MAIL};
	ok &= watch(s, &s->mail, EPOLL_CTL_ADD, EPOLLIN);
	s->listeners = mem_zero(n, sizeof *s->listeners);
	s->n_listeners = n;
	for (unsigned i = 0; i < n; i++) {
		s->listeners[i] = (struct source){
			fds[i], i < n - n_tls ? LISTENER : LISTENER_TLS};
		ok &= watch(s, &s->listeners[i], EPOLL_CTL_ADD, EPOLLIN);
	}
	if (!ok)
		abort(); /* no descriptor or no memory while starting */
}

struct tcp_server *tcp_server_new(const int *fds, unsigned n, unsigned n_tls,
	unsigned max_connections, unsigned idle_ms,
	const struct net_shared *shared)
{
	struct tcp_server *s =
		aligned_alloc(64, (sizeof *s + 63) & ~(size_t)63);
	if (!s)
		abort();
	/* The buffers stay untouched until there is something in them. */
	memset(s, 0, offsetof(struct tcp_server, in));
	TAILQ_INIT(&s->oldest_first);
	s->held = shares_new(shared->secret);
	s->kept = shares_new(shared->secret);
	net_thread_init(&s->thread, shared, MAX_CLIENTS);
	for (unsigned i = 0; i < BATCH; i++) {
		s->jobs[i].tcp = true;
		s->jobs[i].reply_room = FRAME_MAX - 2;
	}
	s->max = max_connections;
	s->idle_ms = idle_ms;
	s->tick_ms = idle_ms / 4 < 1000 ? idle_ms / 4 + 1 : 1000;
	open_epoll(s, fds, n, n_tls);
	return s;
}

void tcp_server_start(struct tcp_server *s)
{
	net_thread_start(&s->thread, "dnsd-tcp", tcp_thread, s);
}

void tcp_server_stop(struct tcp_server *s)
{
	net_thread_stop(&s->thread);
}

void tcp_server_free(struct tcp_server *s)
{
	while (!TAILQ_EMPTY(&s->oldest_first))
		connection_close(s, TAILQ_FIRST(&s->oldest_first));
	mailbox_free(s->mailbox);
	close(s->epoll);
	free(s->listeners);
	while (s->n_spares)
		mem_pages_free(s->spare[--s->n_spares], ROOM);
	shares_free(s->held);
	shares_free(s->kept);
	tls_free(s->certificate);
	net_thread_fini(&s->thread);
	free(s);
}

struct net_thread *tcp_server_thread(struct tcp_server *s)
{
	return &s->thread;
}

unsigned tcp_server_connections(const struct tcp_server *s)
{
	return s->connections;
}

unsigned tcp_server_tls_connections(const struct tcp_server *s)
{
	return s->tls_connections;
}
