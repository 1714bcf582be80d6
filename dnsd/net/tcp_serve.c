/* A connection's turn: what it has sent is read, also over TLS and behind the header of a
 * proxy; its queries are answered, and the answers written. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "net/dot.h"
#include "net/tcp_private.h"
#include "wire/proxy.h"
#include "wire/rr.h"

/* Answers whose signatures are being made are waited for: mostly one such time, all of
 * them a second. */
#define DEFER_NS 1000000
#define DEFER_TRIES 1000
#define HANDSHAKES_A_TURN 8 /* each may cost a millisecond */

/* -- output -- */

/* Sends, and counts what the peer did not take as unsent; a peer that is gone
 * takes everything, and reading will show it. */
static size_t send_some(
	const struct tcp_connection *c, const uint8_t *p, size_t n)
{
	if (c->tls)
		return dot_write(c->tls, p, n);
	ssize_t sent = send(c->source.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? n : 0;
	return n - (size_t)sent;
}

/* What is not taken waits, and with it the input. */
static void flush(struct tcp_server *s, struct tcp_connection *c, size_t len)
{
	size_t left = len ? send_some(c, s->out, len) : 0;
	if (!left)
		return;
	c->out = tcp_kept_new(s, s->out + len - left, left);
	c->out_at = 0;
	c->out_len = left;
}

/* False: some still waits. */
static bool flush_waiting(struct tcp_server *s, struct tcp_connection *c)
{
	size_t left = send_some(c, c->out + c->out_at, c->out_len - c->out_at);
	c->out_at = c->out_len - left;
	if (left)
		return false;
	tcp_kept_free(s, c->out, c->out_len);
	c->out = NULL;
	c->out_len = 0;
	return true;
}

/* -- queries -- */

/* Cuts up to a batch of whole queries from s->in. Returns how many; *at moves
 * on, *bad: what follows can be none. */
static unsigned cut(struct tcp_server *s, const struct tcp_connection *c,
	size_t len, size_t *at, bool *bad)
{
	unsigned n = 0;
	*bad = false;
	while (n < TCP_BATCH && len - *at >= 2) {
		const uint8_t *p = s->in + *at;
		uint16_t size = (uint16_t)(p[0] << 8 | p[1]);
		*bad = size < HEADER_LEN;
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

/* Answers n queries behind len octets in s->out, until the peer takes no more:
 * no question is answered while output waits. Returns the length then; *n is how
 * many are answered, the last one perhaps by a transfer. */
static size_t answer_all(
	struct tcp_server *s, struct tcp_connection *c, unsigned *n, size_t len)
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
			tcp_leave(c, job, a->snap->transfers);
		if (len < TCP_FLUSH_AT)
			continue;
		flush(s, c, len);
		len = 0;
	}
	snapshot_release(s->thread.published);
	*n = done;
	return len;
}

static void touch(struct tcp_server *s, struct tcp_connection *c)
{
	c->active_ms = s->thread.answerer.now_ms;
	TAILQ_REMOVE(&s->oldest_first, c, entry);
	TAILQ_INSERT_TAIL(&s->oldest_first, c, entry);
	shares_use(s->held, &c->held);
}

/* Answers the whole queries among len bytes of s->in; returns how many bytes
 * are done with. Less than all of them if output has to wait. */
static size_t answer_input(
	struct tcp_server *s, struct tcp_connection *c, size_t len)
{
	size_t at = 0, out = 0;
	unsigned n, answered;
	bool bad;

	do {
		answered = n = cut(s, c, len, &at, &bad);
		if (n)
			out = answer_all(s, c, &answered, out);
	} while (n == TCP_BATCH && !c->out && !c->leaves);
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

/* -- input -- */

/* Input that had to wait or is not whole goes to the front of s->in. */
static size_t take_kept(struct tcp_server *s, struct tcp_connection *c)
{
	size_t len = c->in_len;
	if (len)
		memcpy(s->in, c->in, len);
	tcp_kept_free(s, c->in, len);
	c->in = NULL;
	c->in_len = 0;
	return len;
}

_Static_assert(DOT_RECORD_MAX <= TCP_READ_MAX, "a record fits behind a frame");

/* Reads TLS behind len bytes of s->in. No record is left in OpenSSL, where epoll does not
 * see it: each is read while there is room for all of it. */
static size_t read_tls(
	struct tcp_server *s, struct tcp_connection *c, size_t len)
{
	enum dot_result read = DOT_DONE;
	size_t had = len, n;

	while (read == DOT_DONE && len <= TCP_FRAME_MAX &&
		len - had < TCP_READ_MAX) {
		read = dot_read(c->tls, s->in + len, &n);
		len += n;
	}
	c->writes_first = read == DOT_WANTS_WRITE;
	c->ended = read == DOT_ENDED || read == DOT_FAILED;
	return len;
}

/* How much may be read: in front of TLS no more than the header of a proxy. */
static size_t read_most(
	const struct tcp_server *s, const struct tcp_connection *c, size_t len)
{
	return c->encrypted ? proxy_header_more(s->in, len) : TCP_READ_MAX;
}

/* Reads behind len bytes of s->in; returns the length then. A peer may end its
 * side and still wait for answers. */
static size_t read_more(struct tcp_server *s, struct tcp_connection *c,
	size_t len, uint32_t what)
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
static void become_client(struct tcp_server *s, struct tcp_connection *c,
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
	struct tcp_server *s, struct tcp_connection *c, size_t len)
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

/* -- TLS -- */

/* Goes on with the handshake. False: it is not over; then the connection waits, or it was
 * closed, and *here is false. */
static bool tls_handshake_is_done(
	struct tcp_server *s, struct tcp_connection *c, bool *here)
{
	struct answer_counters *counters = &s->thread.answerer.counters;

	if (c->handshake_done)
		return true;
	/* The others have their turn; epoll reports it again. */
	if (s->handshakes++ >= HANDSHAKES_A_TURN)
		return false;
	enum dot_result result = dot_handshake(c->tls);
	if (result == DOT_FAILED) {
		tcp_connection_close(s, c);
		*here = false;
		return false;
	}
	c->handshake_done = result == DOT_DONE;
	tcp_account(s, c);
	if (!c->handshake_done) {
		tcp_wait_for(s, c,
			result == DOT_WANTS_WRITE ? EPOLLOUT
						  : EPOLLIN | EPOLLRDHUP);
		return false;
	}
	count(dot_resumed(c->tls) ? &counters->tls_resumed
				  : &counters->tls_full);
	return true;
}

bool tcp_tls_begin(struct tcp_server *s, struct tcp_connection *c)
{
	int64_t now = s->thread.answerer.now_ms;

	if (now - s->tickets_ms >= DOT_TICKETS_MS) {
		dot_renew_tickets(s->certificate);
		s->tickets_ms = now;
	}
	c->tls = dot_new(s->certificate, c->source.fd);
	tcp_account(s, c);
	return c->tls != NULL;
}

/* The header of a proxy was there, and nothing behind it was read. */
static bool tls_behind_header(
	struct tcp_server *s, struct tcp_connection *c, bool *here)
{
	if (!c->encrypted || c->tls || c->awaits_header)
		return false;
	if (!tcp_tls_begin(s, c)) {
		tcp_connection_close(s, c);
		*here = false;
	}
	return true;
}

/* -- the turn -- */

bool tcp_serve(struct tcp_server *s, struct tcp_connection *c, uint32_t what)
{
	bool here = true;
	if (c->tls && !tls_handshake_is_done(s, c, &here))
		return here;
	if (c->out && !flush_waiting(s, c))
		return true;
	size_t len = take_kept(s, c);
	if (!c->ended && len <= TCP_FRAME_MAX)
		len = read_more(s, c, len, what);
	if (c->awaits_header)
		len = take_header(s, c, len);
	if (tls_behind_header(s, c, &here))
		return here;
	size_t done = c->awaits_header ? 0 : answer_input(s, c, len);
	if (c->leaves) {
		tcp_hand_over(s, c, s->in + done, len - done);
		return false;
	}
	if (c->ended && !c->out) {
		tcp_connection_close(s, c);
		return false;
	}
	tcp_keep(s, c, s->in + done, len - done);
	tcp_account(s, c);
	if (tcp_wait_for(s, c,
		    c->out || c->writes_first ? EPOLLOUT
					      : EPOLLIN | EPOLLRDHUP))
		return true;
	tcp_connection_close(s, c);
	return false;
}
