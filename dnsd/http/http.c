#include "http/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/thread.h"
#include "http/events.h"
#include "http/request.h"
#include "http/tls.h"
#include "page/page.h"
#include "snapshot/options.h"
#include "steer/accounts.h"

#define CONNECTIONS_MAX 512 /* per listener */
#define SOCKETS_MAX 64
#define PAUSE_MS 100
#define HEADERS_MAX 8192
#define BODY_MAX 65536
#define TIMEOUT_S 10
#define MAX_CLIENTS (1 << 14)
#define RATE_PER_S 200 /* requests of one address that is not trusted */
#define RATE_BURST 400
#define RATE_SLOTS 4096

/* A listener: the operator's or the public one.
 *
 * evhttp tells of a connection when it is accepted and of its end only once it
 * has brought a request. Those that have not live for TIMEOUT_S at most, so
 * accepted less first requests of that time is what there can be of them. */
struct side {
	struct http *http;
	struct evhttp *evhttp;
	bool site;
	SSL_CTX *tls; /* NULL: plain */
	unsigned n_open;
	struct evhttp_connection *open[CONNECTIONS_MAX]; /* with a request */
	unsigned
		silent[TIMEOUT_S]; /* accepted less first requests, by second */
	int64_t second;
	struct evhttp_bound_socket *bound[SOCKETS_MAX];
	unsigned n_bound;
	bool paused; /* nothing is accepted until some have gone */
};

struct rate {
	uint64_t who;
	int64_t at_ms;
	float tokens;
};

/* A request that is not answered yet: it is served anew when its time comes. */
struct again {
	struct side *side;
	struct evhttp_request *ev;
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
	struct rate rates[RATE_SLOTS];
	uint64_t secret;
	bool with_tls; /* the public listener; fixed at start */
	pthread_t thread;
};

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

json_t *request_body(const struct request *r, struct err *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->ev);
	size_t len = evbuffer_get_length(in);
	const char *body = (const char *)evbuffer_pullup(in, -1);
	json_error_t wrong;
	json_t *json = json_loadb(
		body ? body : "", len, JSON_REJECT_DUPLICATES, &wrong);

	if (json && json_is_object(json))
		return json;
	if (json)
		err_add(err, "not a JSON object");
	else
		err_add(err, "not JSON: %s", wrong.text);
	json_decref(json);
	return NULL;
}

const char *request_param(const struct request *r, const char *name)
{
	return evhttp_find_header(&r->query, name);
}

void request_header(struct request *r, const char *name, const char *value)
{
	evhttp_add_header(
		evhttp_request_get_output_headers(r->ev), name, value);
}

static const char *reason(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 429:
		return "Too Many Requests";
	case 503:
		return "Service Unavailable";
	}
	return "Error";
}

static void reply(struct request *r, int code, const char *type,
	const void *text, size_t len)
{
	struct evbuffer *body = evbuffer_new();
	evbuffer_add(body, text, len);
	request_header(r, "Content-Type", type);
	request_header(r, "X-Content-Type-Options", "nosniff");
	evhttp_send_reply(r->ev, code, reason(code), body);
	evbuffer_free(body);
}

void request_text(
	struct request *r, const char *type, const void *text, size_t len)
{
	reply(r, 200, type, text, len);
}

void request_not_modified(struct request *r)
{
	evhttp_send_reply(r->ev, 304, reason(304), NULL);
}

void request_json(struct request *r, int code, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(json);
	if (code == 200 &&
		!evhttp_find_header(evhttp_request_get_output_headers(r->ev),
			"Cache-Control"))
		request_header(r, "Cache-Control", "no-store");
	reply(r, code, "application/json", text ? text : "null",
		text ? strlen(text) : 4);
	free(text);
}

void request_error(struct request *r, int code, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_t *json = json_pack("{s:s}", "error", text);
	if (!json) /* what the client sent was no UTF-8 */
		json = json_pack("{s:s}", "error", reason(code));
	request_json(r, code, json);
}

bool request_may_change(struct request *r)
{
	if (r->has_token)
		return true;
	request_header(r, "WWW-Authenticate", "Bearer");
	request_error(r, *r->http->rules->token ? 401 : 403,
		*r->http->rules->token
			? "the token is missing or wrong"
			: "no token is configured: changes are off");
	return false;
}

/* -- who asks -- */

/* A bucket per address; addresses that share a slot push each other out. */
static bool within_rate(struct http *h, const struct addr *peer)
{
	uint64_t who = hash_bytes(peer, sizeof *peer, h->secret);
	struct rate *rate = &h->rates[who % RATE_SLOTS];
	int64_t now = clock_ms();

	if (rate->who != who)
		*rate = (struct rate){who, now, RATE_BURST};
	rate->tokens += (float)(now - rate->at_ms) * RATE_PER_S / 1000;
	if (rate->tokens > RATE_BURST)
		rate->tokens = RATE_BURST;
	rate->at_ms = now;
	if (rate->tokens < 1)
		return false;
	rate->tokens--;
	return true;
}

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

static struct addr peer_of(struct evhttp_request *ev)
{
	struct evhttp_connection *c = evhttp_request_get_connection(ev);
	const struct sockaddr *sa = evhttp_connection_get_addr(c);
	return sa ? addr_from_sockaddr(sa) : (struct addr){0};
}

/* -- connections -- */

static void on_close(struct evhttp_connection *c, void *arg)
{
	struct side *side = arg;
	events_closed(side->http->events, c);
	for (unsigned i = 0; i < side->n_open; i++)
		if (side->open[i] == c) {
			side->open[i] = side->open[--side->n_open];
			return;
		}
}

/* The slot of this second; older ones of the ring are cleared. */
static unsigned *silent_now(struct side *side)
{
	int64_t now = clock_ms() / 1000;
	if (now - side->second > TIMEOUT_S)
		side->second = now - TIMEOUT_S;
	while (side->second < now)
		side->silent[++side->second % TIMEOUT_S] = 0;
	return &side->silent[now % TIMEOUT_S];
}

static unsigned connections(struct side *side)
{
	unsigned n = side->n_open;
	silent_now(side);
	for (unsigned i = 0; i < TIMEOUT_S; i++)
		n += side->silent[i];
	return n;
}

static void pause_side(struct side *side, bool paused)
{
	if (side->paused == paused)
		return;
	side->paused = paused;
	for (unsigned i = 0; i < side->n_bound; i++) {
		struct evconnlistener *l =
			evhttp_bound_socket_get_listener(side->bound[i]);
		if (paused)
			evconnlistener_disable(l);
		else
			evconnlistener_enable(l);
	}
}

/* A connection was accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct side *side = arg;
	++*silent_now(side);
	if (connections(side) >= CONNECTIONS_MAX)
		pause_side(side, true);
	if (side->tls)
		return bufferevent_openssl_socket_new(base, -1,
			SSL_new(side->tls), BUFFEREVENT_SSL_ACCEPTING,
			BEV_OPT_CLOSE_ON_FREE);
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

/* A request of it came: if it is the first, its end will be told. */
static void know_connection(struct side *side, struct evhttp_request *ev)
{
	struct evhttp_connection *c = evhttp_request_get_connection(ev);
	for (unsigned i = 0; i < side->n_open; i++)
		if (side->open[i] == c)
			return;
	evhttp_connection_set_closecb(c, on_close, side);
	if (side->n_open == CONNECTIONS_MAX)
		return;
	side->open[side->n_open++] = c;
	silent_now(side);
	for (unsigned i = 0; i < TIMEOUT_S; i++) {
		unsigned *silent =
			&side->silent[(side->second + TIMEOUT_S - i) %
				TIMEOUT_S];
		if (*silent) {
			--*silent;
			return;
		}
	}
}

static void on_pause_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	for (int i = 0; i < 2; i++)
		if (h->sides[i].paused &&
			connections(&h->sides[i]) < CONNECTIONS_MAX)
			pause_side(&h->sides[i], false);
}

/* -- routes -- */

#define ALL_METHODS 0x1ff /* so that what is wrong is told in JSON */

enum { GET = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, POST = EVHTTP_REQ_POST };

static const struct route {
	const char *path;
	int methods;
	bool site; /* on the public listener too */
	void (*run)(struct request *r);
} routes[] = {
	{"/api/v1/nodes", GET, false, api_nodes},
	{"/api/v1/status", GET, false, api_status},
	{"/api/v1/explain", GET, false, api_explain},
	{"/api/v1/events", GET, false, api_events},
	{"/api/v1/history", GET, false, api_history},
	{"/api/v1/expect", GET | POST, false, api_expect},
	{"/metrics", GET, false, metrics},
	{"/api/v1/lines", GET, true, api_lines},
	{"/resolve", GET, true, api_resolve},
	{"/api/v1/feedback", POST, true, api_feedback},
	{"/api/v1/servers", POST, true, api_heartbeat},
	{"/api/v1/srs/register", POST, true, api_heartbeat},
	{"/api/v1/clusters", GET | POST, true, api_clusters},
	{"/api/v1/streams", GET, false, api_streams},
	{"/api/v1/waiting", GET, false, api_waiting},
};

/* As browsers write it; who refuses gzip by ";q=0" gets it plain, too. */
static bool takes_gzip(const struct request *r)
{
	const char *takes = evhttp_find_header(
		evhttp_request_get_input_headers(r->ev), "Accept-Encoding");
	return takes && strstr(takes, "gzip") && !strstr(takes, "q=0");
}

/* The page itself allows its own script and styles alone, by their hashes; the
 * two policies hold together. */
static void serve_page(struct request *r)
{
	bool gzip = takes_gzip(r);
	request_header(r, "Content-Security-Policy",
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	request_header(r, "Referrer-Policy", "no-referrer");
	request_header(r, "Cache-Control", "no-cache");
	request_header(r, "Vary", "Accept-Encoding");
	if (gzip)
		request_header(r, "Content-Encoding", "gzip");
	request_text(r, "text/html; charset=utf-8",
		gzip ? page_gzip : page_html,
		gzip ? page_gzip_len : page_html_len);
}

static void drain(struct request *r, const char *node)
{
	api_drain(r, node, true);
}

static void undrain(struct request *r, const char *node)
{
	api_drain(r, node, false);
}

static const struct node_route {
	const char *verb;
	void (*run)(struct request *r, const char *node);
} node_routes[] = {{"/drain", drain}, {"/undrain", undrain},
	{"/approve", api_approve}, {"/remove", api_remove}};

/* /api/v1/nodes/NAME/VERB; false: not such a path. */
static bool route_node(struct request *r)
{
	static const char prefix[] = "/api/v1/nodes/";
	char node[64];
	const char *name = r->path + sizeof prefix - 1, *slash;

	if (strncmp(r->path, prefix, sizeof prefix - 1) ||
		!(slash = strchr(name, '/')) || slash == name ||
		(size_t)(slash - name) >= sizeof node)
		return false;
	memcpy(node, name, (size_t)(slash - name));
	node[slash - name] = '\0';
	for (size_t i = 0; i < sizeof node_routes / sizeof *node_routes; i++) {
		if (strcmp(slash, node_routes[i].verb))
			continue;
		if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_POST)
			request_error(r, 405, "use POST");
		else
			node_routes[i].run(r, node);
		return true;
	}
	return false;
}

/* /api/v1/expect/ID; false: not such a path. */
static bool route_expect(struct request *r)
{
	static const char prefix[] = "/api/v1/expect/";
	if (strncmp(r->path, prefix, sizeof prefix - 1))
		return false;
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_DELETE)
		request_error(r, 405, "use DELETE");
	else
		api_expect_remove(r, r->path + sizeof prefix - 1);
	return true;
}

/* What a browser asks before it posts JSON from another site's page (a CORS
 * preflight). Only players do; false: it is none. */
static bool route_preflight(struct request *r)
{
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_OPTIONS ||
		strcmp(r->path, "/api/v1/feedback"))
		return false;
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_header(r, "Access-Control-Allow-Methods", "POST");
	request_header(r, "Access-Control-Allow-Headers", "Content-Type");
	request_header(r, "Access-Control-Max-Age", "86400");
	evhttp_send_reply(r->ev, 204, reason(204), NULL);
	return true;
}

static void route(struct request *r)
{
	int method = (int)evhttp_request_get_command(r->ev);
	if (route_preflight(r))
		return;
	if (!r->site && !strcmp(r->path, "/") && (method & GET)) {
		serve_page(r);
		return;
	}
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (strcmp(routes[i].path, r->path) ||
			(r->site && !routes[i].site))
			continue;
		if (method & routes[i].methods)
			routes[i].run(r);
		else
			request_error(r, 405, "use %s",
				routes[i].methods == POST ? "POST"
					: routes[i].methods == GET
					? "GET"
					: "GET or POST");
		return;
	}
	if (r->site || (!route_node(r) && !route_expect(r)))
		request_error(r, 404, "there is nothing here");
}

static void serve(struct side *side, struct evhttp_request *ev, unsigned tries)
{
	struct http *h = side->http;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct request r = {.http = h,
		.ev = ev,
		.site = side->site,
		.tries = tries,
		.peer = peer_of(ev),
		.has_token = has_token(h, ev)};

	r.path = uri ? evhttp_uri_get_path(uri) : NULL;
	if (!r.path)
		r.path = "";
	if (evhttp_parse_query_str(query ? query : "", &r.query) < 0)
		TAILQ_INIT(&r.query);
	r.snap = snapshot_acquire(h->published);
	r.trusted = options_trusts(r.snap->options, &r.peer);
	if (!r.trusted && !r.has_token && !tries && !within_rate(h, &r.peer))
		request_error(&r, 429, "too many requests");
	else
		route(&r);
	snapshot_release(h->published);
	evhttp_clear_headers(&r.query);
}

static void on_request(struct evhttp_request *ev, void *arg)
{
	struct side *side = arg;
	know_connection(side, ev);
	serve(side, ev, 0);
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
	serve(again.side, again.ev, again.tries);
}

/* evhttp reads nothing of a connection while its request is open: the request
 * stays until it is answered. */
void request_again(const struct request *r, unsigned ms)
{
	struct again *again = mem_zero(1, sizeof *again);
	struct timeval in = {0, (long)ms * 1000};

	again->side = &r->http->sides[r->site];
	again->ev = r->ev;
	again->tries = r->tries + 1;
	again->timer = event_new(r->http->base, -1, 0, on_again, again);
	if (!again->timer)
		abort(); /* no memory */
	event_add(again->timer, &in);
	TAILQ_INSERT_TAIL(&r->http->again, again, entry);
}

/* -- listeners -- */

static void side_open(
	struct http *h, struct side *side, bool site, const int *sockets)
{
	side->http = h;
	side->site = site;
	side->evhttp = evhttp_new(h->base);
	evhttp_set_allowed_methods(side->evhttp, ALL_METHODS);
	evhttp_set_max_headers_size(side->evhttp, HEADERS_MAX);
	evhttp_set_max_body_size(side->evhttp, BODY_MAX);
	evhttp_set_timeout(side->evhttp, TIMEOUT_S);
	evhttp_set_gencb(side->evhttp, on_request, side);
	evhttp_set_bevcb(side->evhttp, on_accept, side);
	for (; sockets && *sockets >= 0 && side->n_bound < SOCKETS_MAX;
		sockets++)
		side->bound[side->n_bound++] = evhttp_accept_socket_with_handle(
			side->evhttp, *sockets);
}

/* -- rules -- */

static struct http_rules *rules_new(const struct conf *conf)
{
	struct http_rules *rules = mem_zero(1, sizeof *rules);
	strncpy(rules->token, conf->http.token, sizeof rules->token - 1);
	rules->n_heartbeat = conf->heartbeat_from.n;
	if (!rules->n_heartbeat)
		return rules;
	size_t size = rules->n_heartbeat * sizeof *rules->heartbeat_from;
	rules->heartbeat_from =
		memcpy(mem_alloc(size), conf->heartbeat_from.prefix, size);
	return rules;
}

static void rules_free(struct http_rules *rules)
{
	if (rules)
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
	snapshot_thread_begin();
	event_base_dispatch(h->base);
	for (int i = 0; i < 2; i++)
		if (h->sides[i].evhttp)
			evhttp_free(h->sides[i].evhttp);
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

struct http *http_start(const struct conf *conf,
	const struct http_sockets *sockets, struct published *published,
	const struct control_ops *ops, struct memory *memory,
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
	h->accounts = accounts_new(MAX_CLIENTS, memory, secret);
	h->rules = rules_new(conf);
	h->sides[1].tls = sockets->tls;
	h->with_tls = sockets->tls != NULL;
	h->mail = event_new(h->base, mailbox_fd(h->mailbox),
		EV_READ | EV_PERSIST, on_mail, h);
	event_add(h->mail, NULL);
	struct timeval pause = {0, PAUSE_MS * 1000};
	h->tick = event_new(h->base, -1, EV_PERSIST, on_pause_tick, h);
	event_add(h->tick, &pause);
	h->events = events_new(h->base, published);
	side_open(h, &h->sides[0], false, sockets->operators);
	side_open(h, &h->sides[1], true, sockets->site);
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
