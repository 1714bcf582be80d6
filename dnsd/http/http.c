#include "http/http.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sockets.h"
#include "base/thread.h"
#include "http/caller.h"
#include "http/conns.h"
#include "http/events.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/tls.h"
#include "ledger/accounts.h"
#include "snapshot/options.h"

#define SOCKETS_MAX 64
#define TICK_MS 100       /* deadlines; a pause for want of descriptors */
#define ALL_METHODS 0x1ff /* so that what is wrong is told in JSON */
#define HEADERS_MAX 8192
#define BODY_MAX 65536
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

/* A request that is not answered yet: it is served anew when its time comes. */
struct again {
	struct listener *listener;
	struct evhttp_request *ev;
	struct addr peer;
	struct event *timer;
	unsigned tries;
	TAILQ_ENTRY(again) entry;
};

struct http {
	struct event_base *base;
	TAILQ_HEAD(, again) again;
	struct published *published;
	struct control_ops ops;
	struct accounts *accounts;
	struct record_ring *ring;
	struct mailbox *mailbox;
	struct event *mail, *tick;
	struct events *events;
	struct listener listeners[2];
	struct http_rules *rules;
	struct limits *limits;
	uint64_t secret;
	bool with_tls; /* the public listener; fixed at start */
	pthread_t thread;
};

/* Of the thread of that http. */
static _Thread_local struct http *running;

/* -- for handlers -- */

const struct control_ops *http_ops(const struct http *h)
{
	return &h->ops;
}

struct mailbox *http_mailbox(const struct http *h)
{
	return h->mailbox;
}

const struct http_rules *http_rules(const struct http *h)
{
	return h->rules;
}

struct accounts *http_own_accounts(const struct http *h)
{
	return h->accounts;
}

struct record_ring *http_ring(const struct http *h)
{
	return h->ring;
}

struct events *http_events(const struct http *h)
{
	return h->events;
}

const struct accounts *http_accounts(const struct http *h)
{
	return h->accounts;
}

/* -- who asks -- */

/* Without telling by its time how much of it was right. */
static bool equal_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned diff = (unsigned)(n ^ m);
	for (size_t i = 0; i < m; i++)
		diff |= (unsigned char)b[i] ^ (unsigned char)(n ? a[i % n] : 0);
	return diff == 0;
}

static bool has_token(const struct http *h, struct evhttp_request *ev)
{
	const char *auth = evhttp_find_header(
		evhttp_request_get_input_headers(ev), "Authorization");
	return *h->rules->token && auth && !strncasecmp(auth, "Bearer ", 7) &&
		equal_secret(auth + 7, h->rules->token);
}

/* -- connections -- */

static void on_closed(void *arg, struct evhttp_connection *c)
{
	events_closed(((struct listener *)arg)->http->events, c);
}

static bool on_spared(void *arg, const struct addr *peer)
{
	const struct listener *listener = arg;
	const struct http_rules *rules = listener->http->rules;
	return listener->public &&
		caller_is_one_of(peer, rules->proxies, rules->n_proxies);
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

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
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

/* Refuses what a page of another site made the browser ask. False: answered. */
static bool is_meant(struct request *r)
{
	const struct http_rules *rules = r->http->rules;
	const struct evkeyvalq *headers =
		evhttp_request_get_input_headers(r->ev);

	if (r->public)
		return true;
	if (!caller_host_ok(headers, rules->names, rules->n_names)) {
		request_error(r, 403,
			"Host is neither an address nor one of http.names");
		return false;
	}
	/* The page itself may be opened from anywhere. */
	if (caller_is_foreign(headers) && strcmp(r->path, "/")) {
		request_error(r, 403, "asked by a page of another origin");
		return false;
	}
	return true;
}

/* Sets the client of a request. False: answered. On `public`, loopback is not trusted:
 * a proxy calls from there. The website's own programs use `http`. */
static bool find_caller(struct request *r)
{
	const struct http_rules *rules = r->http->rules;

	r->peer = r->connected;
	if (r->public &&
		!caller_client(evhttp_request_get_input_headers(r->ev),
			&r->connected, rules->proxies, rules->n_proxies,
			&r->peer)) {
		request_error(r, 400, "X-Forwarded-For is no address");
		return false;
	}
	r->trusted = options_trusts(r->snap->options, &r->peer) &&
		!(r->public && caller_is_loopback(&r->peer));
	return true;
}

static void answer(struct request *r)
{
	if (!find_caller(r) || !is_meant(r))
		return;
	if (!r->trusted && !r->has_token && !r->tries &&
		!limits_allow(r->http->limits, &r->peer, clock_ms()))
		request_error(r, 429, "too many requests");
	else
		request_route(r);
}

static void serve(struct listener *listener, struct evhttp_request *ev,
	const struct addr *peer, unsigned tries)
{
	struct http *h = listener->http;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct request r = {.http = h,
		.ev = ev,
		.public = listener->public,
		.tries = tries,
		.connected = *peer,
		.has_token = has_token(h, ev)};

	r.path = uri ? evhttp_uri_get_path(uri) : NULL;
	if (!r.path)
		r.path = "";
	if (evhttp_parse_query_str(query ? query : "", &r.query) < 0)
		TAILQ_INIT(&r.query);
	r.snap = snapshot_acquire(h->published);
	answer(&r);
	snapshot_release(h->published);
	evhttp_clear_headers(&r.query);
}

static void on_request(struct evhttp_request *ev, void *arg)
{
	struct listener *listener = arg;
	struct addr peer = conns_asked(listener->conns, ev);
	serve(listener, ev, &peer, 0);
}

static void again_free(struct again *again)
{
	TAILQ_REMOVE(&again->listener->http->again, again, entry);
	event_free(again->timer);
	free(again);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct again again = *(struct again *)arg;
	again_free(arg);
	serve(again.listener, again.ev, &again.peer, again.tries);
}

/* evhttp reads nothing of a connection while its request is open: the request
 * stays until it is answered. */
void request_again(const struct request *r, unsigned ms)
{
	struct again *again = mem_zero(1, sizeof *again);
	struct timeval in = {0, (long)ms * 1000};

	again->listener = &r->http->listeners[r->public];
	again->ev = r->ev;
	again->peer = r->connected;
	again->tries = r->tries + 1;
	again->timer = event_new(r->http->base, -1, 0, on_again, again);
	if (!again->timer)
		abort(); /* no memory */
	event_add(again->timer, &in);
	TAILQ_INSERT_TAIL(&r->http->again, again, entry);
}

/* -- listeners -- */

static void listener_open(struct http *h, struct listener *listener,
	bool public, const int *sockets, unsigned connections)
{
	struct conns_events events = {.arg = listener,
		.closed = on_closed,
		.settled = on_settled,
		.spared = on_spared};
	listener->http = h;
	listener->public = public;
	listener->conns = conns_new(h->base, connections, h->secret, &events);
	listener->evhttp = evhttp_new(h->base);
	evhttp_set_allowed_methods(listener->evhttp, ALL_METHODS);
	evhttp_set_max_headers_size(listener->evhttp, HEADERS_MAX);
	evhttp_set_max_body_size(listener->evhttp, BODY_MAX);
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

/* -- rules -- */

static struct prefix *prefixes_copy(
	const struct conf_prefixes *from, unsigned *n)
{
	size_t size = from->n * sizeof *from->prefix;
	*n = from->n;
	return from->n ? memcpy(mem_alloc(size), from->prefix, size) : NULL;
}

static struct http_rules *rules_new(const struct conf *conf)
{
	struct http_rules *rules = mem_zero(1, sizeof *rules);
	strncpy(rules->token, conf->http.token, sizeof rules->token - 1);
	rules->heartbeat_from =
		prefixes_copy(&conf->heartbeat_from, &rules->n_heartbeat);
	rules->proxies =
		prefixes_copy(&conf->public.proxied_by, &rules->n_proxies);
	rules->n_names = conf->http.names.n;
	rules->names = mem_zero(rules->n_names, sizeof *rules->names);
	for (unsigned i = 0; i < rules->n_names; i++)
		rules->names[i] = mem_strdup(conf->http.names.text[i]);
	return rules;
}

static void rules_free(struct http_rules *rules)
{
	if (!rules)
		return;
	for (unsigned i = 0; i < rules->n_names; i++)
		free(rules->names[i]);
	free(rules->names);
	free(rules->proxies);
	free(rules->heartbeat_from);
	free(rules);
}

struct new_rules {
	struct http *http;
	struct http_rules *rules;
	SSL_CTX *tls; /* NULL: the present one goes on */
};

static void take_rules(void *arg)
{
	struct new_rules *n = arg;
	rules_free(n->http->rules);
	n->http->rules = n->rules;
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
		tls = tls_load(conf->public.cert, conf->public.key, &own);
	if (own.count)
		err_warn(err, "%s (the old certificate goes on)",
			err_text(&own));
	err_fini(&own);
	return tls;
}

void http_reconfigure(struct http *h, const struct conf *conf, struct err *err)
{
	struct new_rules *n = mem_alloc(sizeof *n);
	*n = (struct new_rules){h, rules_new(conf), renewed_tls(h, conf, err)};
	mailbox_post(h->mailbox, take_rules, n);
}

/* -- the thread -- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	mailbox_run(((struct http *)arg)->mailbox);
}

static void *run(void *arg)
{
	struct http *h = arg;
	running = h;
	snapshot_thread_begin();
	event_base_dispatch(h->base);
	for (int i = 0; i < 2; i++) {
		evhttp_free(h->listeners[i].evhttp);
		conns_free(h->listeners[i].conns);
	}
	snapshot_thread_end();
	return NULL;
}

static void http_free(struct http *h)
{
	if (h->mail)
		event_free(h->mail);
	if (h->tick)
		event_free(h->tick);
	events_free(h->events);
	while (!TAILQ_EMPTY(&h->again))
		again_free(TAILQ_FIRST(&h->again));
	event_base_free(h->base);
	mailbox_free(h->mailbox);
	for (int i = 0; i < 2; i++)
		tls_free(h->listeners[i].tls);
	accounts_free(h->accounts);
	rules_free(h->rules);
	limits_free(h->limits);
	free(h);
}

bool http_load_tls(const struct conf *conf, SSL_CTX **tls, struct err *err)
{
	*tls = NULL;
	if (!conf->public.listen.n || !*conf->public.cert)
		return true;
	struct err own = {0};
	*tls = tls_load(conf->public.cert, conf->public.key, &own);
	if (!*tls) {
		const char *key =
			conf->public.key; /* the message begins with it */
		const struct conf_where *where =
			strncmp(err_text(&own), key, strlen(key)) != 0
			? &conf->public.cert_where
			: &conf->public.key_where;
		err_add(err, "%s:%u: public: %s", where->file, where->line,
			err_text(&own));
	}
	err_fini(&own);
	return *tls != NULL;
}

/* All but the thread. */
static struct http *http_new(const struct conf *conf,
	const struct http_sockets *sockets, struct published *published,
	const struct control_ops *ops, struct sent_table *sent,
	struct record_ring *ring, uint64_t secret)
{
	struct http *h = mem_zero(1, sizeof *h);
	TAILQ_INIT(&h->again);

	h->base = event_base_new();
	h->published = published;
	h->ops = *ops;
	h->secret = secret;
	h->ring = ring;
	h->mailbox = mailbox_new();
	h->accounts = accounts_new(MAX_CLIENTS, sent, secret);
	h->rules = rules_new(conf);
	h->listeners[1].tls = sockets->tls;
	h->with_tls = sockets->tls != NULL;
	h->mail = event_new(h->base, mailbox_fd(h->mailbox),
		EV_READ | EV_PERSIST, on_mail, h);
	event_add(h->mail, NULL);
	struct timeval tick = {0, TICK_MS * 1000};
	h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
	event_add(h->tick, &tick);
	h->limits = limits_new(secret);
	h->events = events_new(h->base, published, sockets->streams);
	listener_open(h, &h->listeners[0], false, sockets->operators,
		sockets->connections);
	listener_open(h, &h->listeners[1], true, sockets->public,
		sockets->connections);
	return h;
}

struct http *http_start(const struct conf *conf,
	const struct http_sockets *sockets, struct published *published,
	const struct control_ops *ops, struct sent_table *sent,
	struct record_ring *ring, uint64_t secret)
{
	struct http *h =
		http_new(conf, sockets, published, ops, sent, ring, secret);
	h->thread = thread_start("dnsd-http", run, h);
	return h;
}

static void on_stop(void *arg)
{
	event_base_loopbreak(((struct http *)arg)->base);
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	mailbox_post(h->mailbox, on_stop, h);
	pthread_join(h->thread, NULL);
	http_free(h);
}
