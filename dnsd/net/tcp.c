#include "net/tcp.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

#define MAX_CLIENTS (1 << 14)
#define FRAME_MAX 65535
#define OUTPUT_HIGH (256 << 10) /* stop reading a peer that does not read */
#define OUTPUT_LOW (64 << 10)
#define INPUT_HIGH (128 << 10)
#define ACCEPTS_AT_ONCE 64

/* In the server's list, the one without a whole query for longest first. */
struct connection {
	TAILQ_ENTRY(connection) entry;
	struct tcp_server *server;
	struct bufferevent *io;
	struct addr peer;
	int64_t active_ms;
	bool closing; /* the peer has ended: close when all is written */
};

struct tcp_server {
	struct net_thread thread;
	struct event_base *base;
	struct event **accept;
	struct event *stop, *tick;
	unsigned n, max;
	unsigned idle_ms;
	_Atomic unsigned connections;
	TAILQ_HEAD(, connection) oldest_first;
	uint8_t reply[2 + FRAME_MAX];
};

static void connection_close(struct connection *c)
{
	TAILQ_REMOVE(&c->server->oldest_first, c, entry);
	c->server->connections--;
	bufferevent_free(c->io);
	free(c);
}

/* What is due is still sent. */
static void close_when_written(struct connection *c)
{
	if (!evbuffer_get_length(bufferevent_get_output(c->io))) {
		connection_close(c);
		return;
	}
	c->closing = true;
	bufferevent_setwatermark(c->io, EV_WRITE, 0, 0);
	bufferevent_disable(c->io, EV_READ);
}

static void touch(struct connection *c)
{
	c->active_ms = clock_ms();
	TAILQ_REMOVE(&c->server->oldest_first, c, entry);
	TAILQ_INSERT_TAIL(&c->server->oldest_first, c, entry);
}

/* -- queries -- */

static void answer_frame(struct connection *c, const uint8_t *query,
	uint16_t len, struct evbuffer *out)
{
	struct tcp_server *s = c->server;
	struct answer_job job = {.query = query,
		.query_len = len,
		.tcp = true,
		.peer = c->peer,
		.reply = s->reply + 2,
		.reply_room = FRAME_MAX};

	answer_batch(&s->thread.answerer, &job, 1);
	querylog_job(&s->thread.log, &s->thread.answerer, &job);
	if (!job.reply_len)
		return;
	s->reply[0] = (uint8_t)(job.reply_len >> 8);
	s->reply[1] = (uint8_t)job.reply_len;
	evbuffer_add(out, s->reply, 2u + job.reply_len);
}

/* Answers the whole queries in the input; false if a frame can be none. */
static bool answer_input(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->io);
	struct evbuffer *out = bufferevent_get_output(c->io);

	while (evbuffer_get_length(in) >= 2 &&
		evbuffer_get_length(out) < OUTPUT_HIGH) {
		const uint8_t *p = evbuffer_pullup(in, 2);
		size_t len = (size_t)p[0] << 8 | p[1];
		if (len < 12)
			return false; /* shorter than a header */
		if (evbuffer_get_length(in) < 2 + len)
			break;
		p = evbuffer_pullup(in, (ev_ssize_t)(2 + len));
		answer_frame(c, p + 2, (uint16_t)len, out);
		evbuffer_drain(in, 2 + len);
		touch(c);
	}
	return true;
}

static void serve(struct connection *c)
{
	struct tcp_server *s = c->server;
	s->thread.answerer.snap = snapshot_acquire(s->thread.published);
	net_thread_times(&s->thread);
	bool ok = answer_input(c);
	snapshot_release(s->thread.published);
	struct evbuffer *out = bufferevent_get_output(c->io);
	if (!ok) {
		close_when_written(c);
		return;
	}
	if (evbuffer_get_length(out) >= OUTPUT_HIGH)
		bufferevent_disable(c->io, EV_READ);
}

static void on_read(struct bufferevent *io, void *arg)
{
	serve(arg);
}

/* The output fell below the low mark: go on reading. */
static void on_written(struct bufferevent *io, void *arg)
{
	struct connection *c = arg;
	if (c->closing) {
		if (evbuffer_get_length(bufferevent_get_output(io)) == 0)
			connection_close(c);
		return;
	}
	bufferevent_enable(io, EV_READ);
	serve(c);
}

static void on_event(struct bufferevent *io, short what, void *arg)
{
	struct connection *c = arg;
	/* A peer may end its side and still wait for answers. */
	if (what & BEV_EVENT_EOF)
		close_when_written(c);
	else
		connection_close(c);
}

/* -- connections -- */

static void connection_new(
	struct tcp_server *s, int fd, const struct sockaddr *peer)
{
	struct connection *c = mem_zero(1, sizeof *c);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->server = s;
	c->peer = addr_from_sockaddr(peer);
	c->io = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->io) {
		close(fd);
		free(c);
		return;
	}
	c->active_ms = clock_ms();
	TAILQ_INSERT_TAIL(&s->oldest_first, c, entry);
	s->connections++;
	bufferevent_setcb(c->io, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->io, EV_READ, 0, INPUT_HIGH);
	bufferevent_setwatermark(c->io, EV_WRITE, OUTPUT_LOW, 0);
	bufferevent_enable(c->io, EV_READ | EV_WRITE);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct tcp_server *s = arg;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof peer;
		int fd = accept4(listener, (struct sockaddr *)&peer, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		/* Out of descriptors: make room as at the cap. */
		if (fd < 0 && (errno == EMFILE || errno == ENFILE) &&
			!TAILQ_EMPTY(&s->oldest_first)) {
			connection_close(TAILQ_FIRST(&s->oldest_first));
			continue;
		}
		if (fd < 0)
			return;
		if (s->connections >= s->max)
			connection_close(TAILQ_FIRST(&s->oldest_first));
		connection_new(s, fd, (struct sockaddr *)&peer);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_server *s = arg;
	int64_t now = clock_ms();
	struct connection *c;
	while ((c = TAILQ_FIRST(&s->oldest_first)) &&
		now - c->active_ms >= s->idle_ms)
		connection_close(c);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(((struct tcp_server *)arg)->base);
}

/* -- the thread -- */

static void *run(void *arg)
{
	struct tcp_server *s = arg;
	snapshot_thread_begin();
	event_base_dispatch(s->base);
	while (!TAILQ_EMPTY(&s->oldest_first))
		connection_close(TAILQ_FIRST(&s->oldest_first));
	snapshot_thread_end();
	return NULL;
}

struct tcp_server *tcp_server_new(const int *fds, unsigned n,
	unsigned max_connections, unsigned idle_ms, struct published *published,
	struct memory *memory, uint64_t secret)
{
	struct tcp_server *s =
		aligned_alloc(64, (sizeof *s + 63) & ~(size_t)63);
	if (!s)
		abort();
	memset(s, 0, sizeof *s);
	TAILQ_INIT(&s->oldest_first);
	net_thread_init(&s->thread, published, MAX_CLIENTS, memory, secret);
	s->max = max_connections;
	s->idle_ms = idle_ms;
	s->n = n;
	s->base = event_base_new();
	s->accept = mem_zero(n, sizeof(struct event *));
	for (unsigned i = 0; i < n; i++) {
		s->accept[i] = event_new(
			s->base, fds[i], EV_READ | EV_PERSIST, on_accept, s);
		event_add(s->accept[i], NULL);
	}
	s->stop = event_new(
		s->base, s->thread.stop_fd, EV_READ | EV_PERSIST, on_stop, s);
	event_add(s->stop, NULL);
	unsigned tick_ms = idle_ms / 4 < 1000 ? idle_ms / 4 : 1000;
	struct timeval tick = {tick_ms / 1000, tick_ms % 1000 * 1000};
	s->tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	event_add(s->tick, &tick);
	return s;
}

void tcp_server_start(struct tcp_server *s)
{
	net_thread_start(&s->thread, "dnsd-tcp", run, s);
}

void tcp_server_stop(struct tcp_server *s)
{
	net_thread_stop(&s->thread);
}

void tcp_server_free(struct tcp_server *s)
{
	for (unsigned i = 0; i < s->n; i++)
		event_free(s->accept[i]);
	free(s->accept);
	event_free(s->stop);
	event_free(s->tick);
	event_base_free(s->base);
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
