/* The server: its thread and the sockets that this watches, its certificate, which
 * connections are accepted, and how long they may be idle. */
#include "net/tcp_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/sockets.h"
#include "snapshot/options.h"
#include "tls/tls.h"

#define MAX_CLIENTS (1 << 14)
#define READY_MAX 64
#define ACCEPTS_AT_ONCE 64
#define PAUSE_MS 100 /* without accepting, when there is no descriptor left */

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

/* -- accepting -- */

/* What is not accepted would be reported as ready for ever. */
static void listen_to(struct tcp_server *s, uint32_t events)
{
	for (unsigned i = 0; i < s->n_listeners; i++)
		tcp_watch(s, &s->listeners[i], EPOLL_CTL_MOD, events);
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

/* A client's first query is mostly there when its connection is accepted, and is read at
 * once: epoll has one event less to report (3 % of a connection with one query). Behind a
 * proxy and over TLS more has to come before the query. */
static void begin_connection(
	struct tcp_server *s, struct tcp_connection *c, bool is_proxy)
{
	bool ok = true;

	if (!is_proxy && !c->encrypted) {
		tcp_serve(s, c, 0);
		return;
	}
	if (is_proxy)
		tcp_await_header(s, c);
	else
		ok = tcp_tls_begin(s, c);
	if (!ok || !tcp_wait_for(s, c, EPOLLIN | EPOLLRDHUP))
		tcp_connection_close(s, c);
}

static void accept_some(struct tcp_server *s, const struct tcp_source *listener)
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
		struct tcp_connection *c =
			tcp_connection_of(s, fd, &from, sockaddr_port(&peer));
		c->encrypted = listener->kind == TCP_LISTENER_TLS;
		s->tls_connections += c->encrypted;
		begin_connection(s, c, is_proxy(s, &from));
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
	struct tcp_connection *c;
	while ((c = TAILQ_FIRST(&s->oldest_first)) &&
		now - c->active_ms >= s->idle_ms)
		tcp_connection_close(s, c);
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
	const struct tcp_source *listeners[READY_MAX];
	int n_listeners = 0;
	bool mail = false;

	net_thread_times(&s->thread);
	s->handshakes = 0;
	/* Not always the same one first: of handshakes only some have their turn. */
	s->turns++;
	for (int i = 0; i < n; i++) {
		struct epoll_event *event =
			&ready[(s->turns + (unsigned)i) % (unsigned)n];
		struct tcp_source *source = event->data.ptr;
		if (source->kind == TCP_STOP)
			return false;
		mail |= source->kind == TCP_MAIL;
		if (source->kind == TCP_LISTENER ||
			source->kind == TCP_LISTENER_TLS)
			listeners[n_listeners++] = source;
		if (source->kind == TCP_CONNECTION)
			tcp_serve(s, (struct tcp_connection *)source,
				event->events);
	}
	if (mail)
		mailbox_run(s->mailbox);
	for (int i = 0; i < n_listeners && !s->paused_ms; i++)
		accept_some(s, listeners[i]);
	go_on_accepting(s);
	tcp_make_room(s);
	tcp_give_memory_back(s);
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
	s->stop = (struct tcp_source){s->thread.stop_fd, TCP_STOP};
	ok &= s->epoll >= 0;
	ok &= tcp_watch(s, &s->stop, EPOLL_CTL_ADD, EPOLLIN);
	s->mailbox = mailbox_new();
	s->mail = (struct tcp_source){mailbox_fd(s->mailbox), TCP_MAIL};
	ok &= tcp_watch(s, &s->mail, EPOLL_CTL_ADD, EPOLLIN);
	s->listeners = mem_zero(n, sizeof *s->listeners);
	s->n_listeners = n;
	for (unsigned i = 0; i < n; i++) {
		s->listeners[i] = (struct tcp_source){fds[i],
			i < n - n_tls ? TCP_LISTENER : TCP_LISTENER_TLS};
		ok &= tcp_watch(s, &s->listeners[i], EPOLL_CTL_ADD, EPOLLIN);
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
	for (unsigned i = 0; i < TCP_BATCH; i++) {
		s->jobs[i].tcp = true;
		s->jobs[i].reply_room = TCP_FRAME_MAX - 2;
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
		tcp_connection_close(s, TAILQ_FIRST(&s->oldest_first));
	mailbox_free(s->mailbox);
	close(s->epoll);
	free(s->listeners);
	while (s->n_spares)
		mem_pages_free(s->spare[--s->n_spares], TCP_ROOM);
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
