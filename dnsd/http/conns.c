#include "http/conns.h"

#include <assert.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http_struct.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/shares.h"
#include "base/sockets.h"

#define SLOTS 1024
#define FRESH_MAX 32 /* accepted before they are taken into account */

enum phase {
	READING,   /* the peer sends: has a deadline, may be closed for room */
	ANSWERING, /* ours, or control's: evhttp must not free the request */
	WRITING,   /* the peer's */
	STREAM,
	PHASES
};

struct conn {
	struct conns *conns;
	struct conn *next;     /* of its slot */
	TAILQ_ENTRY(conn) due; /* of its phase, by deadline */
	enum phase phase;
	int64_t deadline_ms;
	struct share share; /* one, in phases that are the peer's */
	struct addr peer;
	bool spared;
	struct evhttp_connection *of;
};

struct conns {
	struct conns_events events;
	struct event_base *base;
	struct event *settle;
	/* Connections that evhttp is about to make, as references of ours. */
	struct bufferevent *fresh[FRESH_MAX];
	unsigned n_fresh;
	unsigned n, max; /* of conn, but for streams */
	uint64_t secret;
	struct shares *shares;
	TAILQ_HEAD(conn_list, conn) due[PHASES];
	struct conn *slots[SLOTS];
};

/* -- finding -- */

static struct conn **conns_slot_of(
	struct conns *s, const struct evhttp_connection *of)
{
	return &s->slots[hash_mix((uintptr_t)of) % SLOTS];
}

static struct conn *conns_find(
	struct conns *s, const struct evhttp_connection *of)
{
	struct conn *c = *conns_slot_of(s, of);
	while (c && c->of != of)
		c = c->next;
	return c;
}

/* Of a request that conns_asked() has seen; NULL: its connection is gone. */
static struct conn *conn_of(struct evhttp_request *ev)
{
	return evhttp_request_get_connection(ev) ? ev->on_complete_cb_arg
						 : NULL;
}

/* -- phases -- */

static bool is_peers(enum phase phase)
{
	return phase == READING || phase == WRITING;
}

static void enter(struct conn *c, enum phase phase, int64_t time_ms)
{
	struct conns *s = c->conns;
	TAILQ_REMOVE(&s->due[c->phase], c, due);
	s->n -= c->phase != STREAM;
	c->phase = phase;
	c->deadline_ms = clock_ms() + time_ms;
	TAILQ_INSERT_TAIL(&s->due[phase], c, due);
	s->n += phase != STREAM;
	shares_hold(
		s->shares, &c->share, &c->peer, is_peers(phase) && !c->spared);
	shares_use(s->shares, &c->share);
}

static void on_complete(struct evhttp_request *ev, void *arg)
{
	enter(arg, READING, CONNS_READ_MS);
}

struct addr conns_asked(struct conns *s, struct evhttp_request *ev)
{
	struct conn *c = conns_find(s, evhttp_request_get_connection(ev));
	assert(c);
	enter(c, ANSWERING, 0);
	evhttp_request_set_on_complete_cb(ev, on_complete, c);
	return c->peer;
}

void conns_answered(struct evhttp_request *ev)
{
	struct conn *c = conn_of(ev);
	if (c)
		enter(c, WRITING, CONNS_WRITE_MS);
}

void conns_stream(struct evhttp_request *ev)
{
	struct conn *c = conn_of(ev);
	if (c)
		enter(c, STREAM, 0);
}

/* -- begin and end -- */

static void on_close(struct evhttp_connection *of, void *arg)
{
	struct conn *c = arg;
	struct conns *s = c->conns;
	struct conn **p = conns_slot_of(s, of);

	s->events.closed(s->events.arg, of);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	TAILQ_REMOVE(&s->due[c->phase], c, due);
	s->n -= c->phase != STREAM;
	shares_hold(s->shares, &c->share, &c->peer, 0);
	free(c);
}

static struct addr peer_of(struct evhttp_connection *of)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;
	const struct sockaddr *sa = evhttp_connection_get_addr(of);
	struct bufferevent *io = evhttp_connection_get_bufferevent(of);

	if (!sa &&
		!getpeername(
			bufferevent_getfd(io), (struct sockaddr *)&ss, &len))
		sa = (const struct sockaddr *)&ss;
	return sa ? addr_from_sockaddr(sa) : (struct addr){0};
}

static struct conn *conn_new(struct conns *s, struct evhttp_connection *of)
{
	struct conn *c = mem_zero(1, sizeof *c);
	struct conn **slot = conns_slot_of(s, of);

	c->conns = s;
	c->of = of;
	c->peer = peer_of(of);
	c->spared = s->events.spared(s->events.arg, &c->peer);
	c->next = *slot;
	*slot = c;
	c->phase = READING;
	TAILQ_INSERT_TAIL(&s->due[READING], c, due);
	s->n++;
	enter(c, READING, CONNS_READ_MS);
	evhttp_connection_set_closecb(of, on_close, c);
	return c;
}

static void end(struct conn *c)
{
	struct bufferevent *io = evhttp_connection_get_bufferevent(c->of);
	if (c->phase == WRITING)
		sockets_forget_output(bufferevent_getfd(io));
	evhttp_connection_free(c->of);
}

/* Closes one connection if there are too many: the newcomer if all others are
 * spared. */
static void conns_make_room(struct conns *s, struct conn *newcomer)
{
	struct share *most = shares_largest(s->shares);
	if (s->n <= s->max)
		return;
	end(most ? (struct conn *)(void *)((char *)most -
			   offsetof(struct conn, share))
		 : newcomer);
}

/* evhttp has no callback for new connections. But after accept, the argument of the
 * bufferevent's callbacks is the connection; a connection that has failed meanwhile
 * has no callbacks. No event of the connection is handled in between. */
static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct conns *s = arg;
	while (s->n_fresh) {
		struct bufferevent *io = s->fresh[--s->n_fresh];
		bufferevent_data_cb read = NULL;
		void *of = NULL;
		bufferevent_getcb(io, &read, NULL, NULL, &of);
		if (read)
			conns_make_room(s, conn_new(s, of));
		bufferevent_decref(io);
	}
	s->events.settled(s->events.arg);
}

struct bufferevent *conns_accept(struct conns *s, SSL_CTX *tls, bool *pause)
{
	struct bufferevent *io = tls
		? bufferevent_openssl_socket_new(s->base, -1, SSL_new(tls),
			  BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
		: bufferevent_socket_new(s->base, -1, BEV_OPT_CLOSE_ON_FREE);

	*pause = s->n_fresh + 1 >= FRESH_MAX;
	if (!io || s->n_fresh == FRESH_MAX)
		abort(); /* no memory; more than FRESH_MAX */
	bufferevent_incref(io);
	s->fresh[s->n_fresh++] = io;
	event_active(s->settle, EV_TIMEOUT, 0);
	return io;
}

/* -- deadlines -- */

static void end_late(struct conn_list *due, int64_t now_ms)
{
	struct conn *c;
	while ((c = TAILQ_FIRST(due)) && c->deadline_ms <= now_ms)
		end(c);
}

void conns_tick(struct conns *s)
{
	end_late(&s->due[READING], clock_ms());
	end_late(&s->due[WRITING], clock_ms());
}

bool conns_answering(const struct conns *s)
{
	return !TAILQ_EMPTY(&s->due[ANSWERING]) ||
		!TAILQ_EMPTY(&s->due[WRITING]);
}

unsigned conns_count(const struct conns *s)
{
	return s->n;
}

/* -- all of them -- */

struct conns *conns_new(struct event_base *base, unsigned max, uint64_t secret,
	const struct conns_events *events)
{
	struct conns *s = mem_zero(1, sizeof *s);
	s->events = *events;
	s->base = base;
	s->max = max;
	s->shares = shares_new(secret);
	s->settle = event_new(base, -1, 0, on_settle, s);
	if (!s->settle)
		abort(); /* no memory */
	for (int i = 0; i < PHASES; i++)
		TAILQ_INIT(&s->due[i]);
	return s;
}

void conns_free(struct conns *s)
{
	if (!s)
		return;
	assert(s->n == 0);
	while (s->n_fresh)
		bufferevent_decref(s->fresh[--s->n_fresh]);
	event_free(s->settle);
	shares_free(s->shares);
	free(s);
}
