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
#include "http/limit.h"
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
struct side {
	struct http *http;
	struct evhttp *evhttp;
	bool site;
	SSL_CTX *tls; /* NULL: plain */
	struct conns *conns;
	struct evhttp_bound_socket *bound[SOCKETS_MAX];
	unsigned n_bound;
	bool lacks_room; /* no descriptor was left, a tick ago at most */
	struct log_fault no_room;
};

/* A request that is not answered yet: it is served anew when its time comes. */
struct again {
	struct side *side;
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
	struct side sides[2];
	struct http_rules *rules;
	struct limit *limit;
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
	events_closed(((struct side *)arg)->http->events, c);
}

static bool on_spared(void *arg, const struct addr *peer)
{
	const struct side *side = arg;
	const struct http_rules *rules = side->http->rules;
	return side->site &&
		caller_is_one_of(peer, rules->proxies, rules->n_proxies);
}

static void pause_side(struct side *side, bool paused)
{
	for (unsigned i = 0; i < side->n_bound; i++) {
		struct evconnlistener *l =
			evhttp_bound_socket_get_listener(side->bound[i]);
		if (paused)
			evconnlistener_disable(l);
		else
			evconnlistener_enable(l);
	}
}

static void on_settled(void *arg)
{
	struct side *side = arg;
	if (!side->lacks_room)
		pause_side(side, false);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct side *side = arg;
	bool pause;
	struct bufferevent *io = conns_accept(side->conns, side->tls, &pause);
	if (pause)
		pause_side(side, true);
	return io;
}

static const char *side_name(const struct side *side)
{
	return side->site ? "public" : "http";
}

static struct side *side_of(struct evconnlistener *listener)
{
	for (int i = 0; i < 2; i++)
		for (unsigned k = 0; k < running->sides[i].n_bound; k++)
			if (evhttp_bound_socket_get_listener(
				    running->sides[i].bound[k]) == listener)
				return &running->sides[i];
	return NULL;
}

/* A connection can't be accepted; it waits in the kernel. libevent hands over
 * evhttp's own argument. */
static void on_accept_error(struct evconnlistener *listener, void *evhttp)
{
	int error = EVUTIL_SOCKET_ERROR();
	struct side *side = side_of(listener);
	if (!side || !sockets_lack_room(error))
		return;
	if (log_failed(&side->no_room, strerror(error), clock_ms()))
		log_warn("%s: no connection can be accepted: %s",
			side_name(side), strerror(error));
	side->lacks_room = true;
	pause_side(side, true);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	for (int i = 0; i < 2; i++) {
		struct side *side = &h->sides[i];
		conns_tick(side->conns);
		if (side->lacks_room) {
			side->lacks_room = false;
			pause_side(side, false);
		} else if (log_mended(&side->no_room, clock_ms())) {
			log_info("%s: connections are accepted again",
				side_name(side));
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

	if (r->site)
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
	if (r->site &&
		!caller_client(evhttp_request_get_input_headers(r->ev),
			&r->connected, rules->proxies, rules->n_proxies,
			&r->peer)) {
		request_error(r, 400, "X-Forwarded-For is no address");
		return false;
	}
	r->trusted = options_trusts(r->snap->options, &r->peer) &&
		!(r->site && caller_is_loopback(&r->peer));
	return true;
}

static void answer(struct request *r)
{
	if (!find_caller(r) || !is_meant(r))
		return;
	if (!r->trusted && !r->has_token && !r->tries &&
		!limit_allows(r->http->limit, &r->peer, clock_ms()))
		request_error(r, 429, "too many requests");
	else
		request_route(r);
}

static void serve(struct side *side, struct evhttp_request *ev,
	const struct addr *peer, unsigned tries)
{
	struct http *h = side->http;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct request r = {.http = h,
		.ev = ev,
		.site = side->site,
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
	struct side *side = arg;
	struct addr peer = conns_asked(side->conns, ev);
	serve(side, ev, &peer, 0);
}

static void again_free(struct again *again)
{
	TAILQ_REMOVE(&again->side->http->again, again, entry);
	event_free(again->timer);
	free(again);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct again again = *(struct again *)arg;
	again_free(arg);
	serve(again.side, again.ev, &again.peer, again.tries);
}

/* evhttp reads nothing of a connection while its request is open: the request
 * stays until it is answered. */
void request_again(const struct request *r, unsigned ms)
{
	struct again *again = mem_zero(1, sizeof *again);
	struct timeval in = {0, (long)ms * 1000};

	again->side = &r->http->sides[r->site];
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

static void side_open(struct http *h, struct side *side, bool site,
	const int *sockets, unsigned connections)
{
	struct conns_events events = {.arg = side,
		.closed = on_closed,
		.settled = on_settled,
		.spared = on_spared};
	side->http = h;
	side->site = site;
	side->conns = conns_new(h->base, connections, h->secret, &events);
	side->evhttp = evhttp_new(h->base);
	evhttp_set_allowed_methods(side->evhttp, ALL_METHODS);
	evhttp_set_max_headers_size(side->evhttp, HEADERS_MAX);
	evhttp_set_max_body_size(side->evhttp, BODY_MAX);
	evhttp_set_gencb(side->evhttp, on_request, side);
	evhttp_set_bevcb(side->evhttp, on_accept, side);
	for (; sockets && *sockets >= 0 && side->n_bound < SOCKETS_MAX;
		sockets++) {
		struct evhttp_bound_socket *bound =
			evhttp_accept_socket_with_handle(
				side->evhttp, *sockets);
		evconnlistener_set_error_cb(
			evhttp_bound_socket_get_listener(bound),
			on_accept_error);
		side->bound[side->n_bound++] = bound;
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
		prefixes_copy(&conf->site.proxied_by, &rules->n_proxies);
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
		tls_free(n->http->sides[1].tls);
		n->http->sides[1].tls = n->tls;
	}
	free(n);
}

/* A certificate that can't be read is a warning: the old one goes on. */
static SSL_CTX *renewed_tls(
	const struct http *h, const struct conf *conf, struct err *err)
{
	struct err own = {0};
	SSL_CTX *tls = NULL;

	if (*conf->site.cert && h->with_tls)
		tls = tls_load(conf->site.cert, conf->site.key, &own);
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
		evhttp_free(h->sides[i].evhttp);
		conns_free(h->sides[i].conns);
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
		tls_free(h->sides[i].tls);
	accounts_free(h->accounts);
	rules_free(h->rules);
	limit_free(h->limit);
	free(h);
}

bool http_load_tls(const struct conf *conf, SSL_CTX **tls, struct err *err)
{
	*tls = NULL;
	if (!conf->site.listen.n || !*conf->site.cert)
		return true;
	struct err own = {0};
	*tls = tls_load(conf->site.cert, conf->site.key, &own);
	if (!*tls) {
		const char *key =
			conf->site.key; /* the message begins with it */
		const struct conf_where *where =
			strncmp(err_text(&own), key, strlen(key)) != 0
			? &conf->site.cert_where
			: &conf->site.key_where;
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
	h->sides[1].tls = sockets->tls;
	h->with_tls = sockets->tls != NULL;
	h->mail = event_new(h->base, mailbox_fd(h->mailbox),
		EV_READ | EV_PERSIST, on_mail, h);
	event_add(h->mail, NULL);
	struct timeval tick = {0, TICK_MS * 1000};
	h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
	event_add(h->tick, &tick);
	h->limit = limit_new(secret);
	h->events = events_new(h->base, published, sockets->streams);
	side_open(h, &h->sides[0], false, sockets->operators,
		sockets->connections);
	side_open(h, &h->sides[1], true, sockets->site, sockets->connections);
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
