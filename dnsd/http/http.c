#include "http/http.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sockets.h"
#include "base/thread.h"
#include "http/access.h"
#include "http/conns.h"
#include "http/events.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/routes.h"
#include "ledger/accounts.h"
#include "tls/tls.h"

#define SOCKETS_MAX 64
#define TICK_MS 100 /* deadlines; a pause for want of descriptors */
/* Before another process serves: REST_MS for clients that have connected and not asked
 * yet, REST_MOST_MS for clients that read their answers slowly. */
#define REST_MS 300
#define REST_MOST_MS 2000
#define ALL_METHODS 0x1ff /* so that errors are JSON */
#define HEADERS_MAX 8192
#define BODY_MAX 65536        /* on the public listener */
#define PATHS_BODY_MAX 524288 /* on the other: 5,000 networks fit */
#define MAX_CLIENTS (1 << 14)

/* A listener: the operator's or the public one. */
struct listener {
	struct http *http;
	struct evhttp *evhttp;
	bool public;
	SSL_CTX *tls; /* NULL: plain */
	struct conns *conns;
	struct evhttp_bound_socket *bound[SOCKETS_MAX];
	unsigned n_bound;
	bool lacks_room; /* no descriptor was left, a tick ago at most */
	struct log_fault no_room;
};

struct http {
	struct http_context context;
	struct published *published;
	struct event *mail, *tick;
	struct listener listeners[2];
	uint64_t secret;
	enum sandbox_mode sandbox;
	bool with_tls;   /* the public listener; fixed at start */
	int64_t rest_ms; /* http_rest() since; 0: no */
	struct mailbox *rested_in;
	void (*rested)(void *arg);
	void *rested_arg;
	pthread_t thread;
};

/* Of the thread of that http. */
static _Thread_local struct http *running;

/* -- connections -- */

static void on_closed(void *arg, struct evhttp_connection *c)
{
	events_closed(((struct listener *)arg)->http->context.events, c);
}

static bool on_spared(void *arg, const struct addr *peer)
{
	const struct listener *listener = arg;
	return listener->public &&
		access_is_proxy(listener->http->context.rules, peer);
}

static void listener_pause(struct listener *listener, bool paused)
{
	for (unsigned i = 0; i < listener->n_bound; i++) {
		struct evconnlistener *l =
			evhttp_bound_socket_get_listener(listener->bound[i]);
		if (paused)
			evconnlistener_disable(l);
		else
			evconnlistener_enable(l);
	}
}

static void on_settled(void *arg)
{
	struct listener *listener = arg;
	if (!listener->lacks_room)
		listener_pause(listener, false);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct listener *listener = arg;
	bool pause;
	struct bufferevent *io =
		conns_accept(listener->conns, listener->tls, &pause);
	if (pause)
		listener_pause(listener, true);
	return io;
}

static const char *listener_name(const struct listener *listener)
{
	return listener->public ? "public" : "http";
}

static struct listener *listener_of(struct evconnlistener *socket)
{
	for (int i = 0; i < 2; i++)
		for (unsigned k = 0; k < running->listeners[i].n_bound; k++)
			if (evhttp_bound_socket_get_listener(
				    running->listeners[i].bound[k]) == socket)
				return &running->listeners[i];
	return NULL;
}

/* A connection can't be accepted; it waits in the kernel. libevent hands over
 * evhttp's own argument. */
static void on_accept_error(struct evconnlistener *socket, void *evhttp)
{
	int error = EVUTIL_SOCKET_ERROR();
	struct listener *listener = listener_of(socket);
	if (!listener || !sockets_lack_room(error))
		return;
	if (log_failed(&listener->no_room, strerror(error), clock_ms()))
		log_warn("%s: no connection can be accepted: %s",
			listener_name(listener), strerror(error));
	listener->lacks_room = true;
	listener_pause(listener, true);
}

/* All that was asked is answered, and those who have connected had time to ask. */
static bool is_at_rest(const struct http *h)
{
	int64_t rests_ms = clock_ms() - h->rest_ms;
	bool answering = false, any = false;
	for (int i = 0; i < 2; i++) {
		answering |= conns_answering(h->listeners[i].conns);
		any |= conns_count(h->listeners[i].conns) > 0;
	}
	return rests_ms >= REST_MOST_MS ||
		(!answering && (!any || rests_ms >= REST_MS));
}

static void on_http_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	if (h->rest_ms && is_at_rest(h))
		event_base_loopbreak(h->context.base);
	for (int i = 0; i < 2; i++) {
		struct listener *listener = &h->listeners[i];
		conns_tick(listener->conns);
		if (listener->lacks_room) {
			listener->lacks_room = false;
			listener_pause(listener, false);
		} else if (log_mended(&listener->no_room, clock_ms())) {
			log_info("%s: connections are accepted again",
				listener_name(listener));
		}
	}
}

/* -- requests -- */

static void http_serve(
	struct http_context *context, const struct request_origin *of)
{
	struct http *h = (struct http *)context; /* its first member */
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(of->ev);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct request r = {.http = context, .ev = of->ev, .of = *of};

	r.path = uri ? evhttp_uri_get_path(uri) : NULL;
	if (!r.path)
		r.path = "";
	if (evhttp_parse_query_str(query ? query : "", &r.query) < 0)
		TAILQ_INIT(&r.query);
	r.snap = snapshot_acquire(h->published);
	if (access_check(&r))
		routes_run(&r);
	snapshot_release(h->published);
	evhttp_clear_headers(&r.query);
}

static void on_request(struct evhttp_request *ev, void *arg)
{
	struct listener *listener = arg;
	struct request_origin of = {.ev = ev,
		.public = listener->public,
		.connected = conns_asked(listener->conns, ev)};
	http_serve(&listener->http->context, &of);
}

/* -- listeners -- */

static void listener_open(struct http *h, struct listener *listener,
	const int *sockets, unsigned connections)
{
	struct conns_events events = {.arg = listener,
		.closed = on_closed,
		.settled = on_settled,
		.spared = on_spared};
	listener->http = h;
	listener->conns =
		conns_new(h->context.base, connections, h->secret, &events);
	listener->evhttp = evhttp_new(h->context.base);
	evhttp_set_allowed_methods(listener->evhttp, ALL_METHODS);
	evhttp_set_max_headers_size(listener->evhttp, HEADERS_MAX);
	evhttp_set_max_body_size(
		listener->evhttp, listener->public ? BODY_MAX : PATHS_BODY_MAX);
	evhttp_set_gencb(listener->evhttp, on_request, listener);
	evhttp_set_bevcb(listener->evhttp, on_accept, listener);
	for (; sockets && *sockets >= 0 && listener->n_bound < SOCKETS_MAX;
		sockets++) {
		struct evhttp_bound_socket *bound =
			evhttp_accept_socket_with_handle(
				listener->evhttp, *sockets);
		evconnlistener_set_error_cb(
			evhttp_bound_socket_get_listener(bound),
			on_accept_error);
		listener->bound[listener->n_bound++] = bound;
	}
}

/* -- a reload -- */

struct new_rules {
	struct http *http;
	struct access_rules *rules;
	SSL_CTX *tls; /* NULL: the present one goes on */
};

static void take_rules(void *arg)
{
	struct new_rules *n = arg;
	access_rules_free(n->http->context.rules);
	n->http->context.rules = n->rules;
	if (n->tls) { /* connections keep a reference to the old one */
		tls_free(n->http->listeners[1].tls);
		n->http->listeners[1].tls = n->tls;
	}
	free(n);
}

/* A certificate that can't be read is a warning: the old one goes on. */
static SSL_CTX *renewed_tls(
	const struct http *h, const struct conf *conf, struct err *err)
{
	struct err own = {0};
	SSL_CTX *tls = NULL;

	if (*conf->public.cert && h->with_tls)
		tls = tls_load_listener(&conf->public, "public", &own);
	if (own.count)
		err_warn(err, "%s (the old certificate goes on)",
			err_text(&own));
	else
		err_move(err, &own);
	err_fini(&own);
	return tls;
}

void http_reconfigure(struct http *h, const struct conf *conf, struct err *err)
{
	struct new_rules *n = mem_alloc(sizeof *n);
	*n = (struct new_rules){
		h, access_rules_new(conf), renewed_tls(h, conf, err)};
	mailbox_post(h->context.mailbox, take_rules, n);
}

/* -- the thread -- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	mailbox_run(((struct http *)arg)->context.mailbox);
}

static void *http_run(void *arg)
{
	struct http *h = arg;
	running = h;
	snapshot_thread_begin();
	sandbox_enter(SANDBOX_HTTP, h->sandbox);
	event_base_dispatch(h->context.base);
	for (int i = 0; i < 2; i++) {
		evhttp_free(h->listeners[i].evhttp);
		conns_free(h->listeners[i].conns);
	}
	snapshot_thread_end();
	if (h->rested)
		mailbox_post(h->rested_in, h->rested, h->rested_arg);
	return NULL;
}

static void http_free(struct http *h)
{
	if (h->mail)
		event_free(h->mail);
	if (h->tick)
		event_free(h->tick);
	events_free(h->context.events);
	request_drop_waiting(&h->context);
	event_base_free(h->context.base);
	mailbox_free(h->context.mailbox);
	for (int i = 0; i < 2; i++)
		tls_free(h->listeners[i].tls);
	accounts_free(h->context.accounts);
	access_rules_free(h->context.rules);
	limits_free(h->context.limits);
	free(h);
}

bool http_load_tls(const struct conf *conf, SSL_CTX **tls, struct err *err)
{
	*tls = NULL;
	if (!conf->public.listen.n || !*conf->public.cert)
		return true;
	*tls = tls_load_listener(&conf->public, "public", err);
	return *tls != NULL;
}

static void context_init(struct http *h, const struct conf *conf,
	const struct http_sockets *sockets, const struct http_links *links)
{
	struct event_base *base = event_base_new();
	h->context = (struct http_context){.base = base,
		.control = links->control,
		.mailbox = mailbox_new(),
		.accounts =
			accounts_new(MAX_CLIENTS, links->sent, links->secret),
		.ring = links->ring,
		.events = events_new(base, links->published, sockets->streams),
		.limits = limits_new(links->secret),
		.rules = access_rules_new(conf),
		.serve = http_serve};
	TAILQ_INIT(&h->context.again);
}

/* All but the thread. */
static struct http *http_new(const struct conf *conf,
	const struct http_sockets *sockets, const struct http_links *links)
{
	struct http *h = mem_zero(1, sizeof *h);
	struct timeval tick = {0, TICK_MS * 1000};

	context_init(h, conf, sockets, links);
	h->published = links->published;
	h->secret = links->secret;
	h->sandbox = links->sandbox;
	h->listeners[1].tls = sockets->tls;
	h->with_tls = sockets->tls != NULL;
	h->mail = event_new(h->context.base, mailbox_fd(h->context.mailbox),
		EV_READ | EV_PERSIST, on_mail, h);
	event_add(h->mail, NULL);
	h->tick = event_new(h->context.base, -1, EV_PERSIST, on_http_tick, h);
	event_add(h->tick, &tick);
	listener_open(
		h, &h->listeners[0], sockets->operators, sockets->connections);
	h->listeners[1].public = true;
	listener_open(
		h, &h->listeners[1], sockets->public, sockets->connections);
	return h;
}

struct http *http_start(const struct conf *conf,
	const struct http_sockets *sockets, const struct http_links *links)
{
	struct http *h = http_new(conf, sockets, links);
	json_object_seed(0); /* reads a file, which the thread may not */
	h->thread = thread_start("dnsd-http", http_run, h);
	return h;
}

const struct accounts *http_accounts(const struct http *h)
{
	return h->context.accounts;
}

static void on_http_rest(void *arg)
{
	struct http *h = arg;
	for (int i = 0; i < 2; i++) {
		struct listener *listener = &h->listeners[i];
		while (listener->n_bound)
			evhttp_del_accept_socket(listener->evhttp,
				listener->bound[--listener->n_bound]);
	}
	h->rest_ms = clock_ms();
}

void http_rest(struct http *h, struct mailbox *mailbox,
	void (*rested)(void *arg), void *arg)
{
	h->rested_in = mailbox;
	h->rested = rested;
	h->rested_arg = arg;
	mailbox_post(h->context.mailbox, on_http_rest, h);
}

static void on_http_stop(void *arg)
{
	event_base_loopbreak(((struct http *)arg)->context.base);
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	mailbox_post(h->context.mailbox, on_http_stop, h);
	pthread_join(h->thread, NULL);
	http_free(h);
}
