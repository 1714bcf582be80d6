#include "srs/poll.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "srs/ask.h"
#include "srs/request.h"

#define SPREAD_MS 200 /* over which new nodes are asked first */
/* Transfers under way: curl goes through all their hosts whenever one ends. The
 * rest waits its turn, and its time runs from then. */
#define TRANSFERS_MAX 1024
/* So often a player is tried at most while all is well. Where that makes an edge
 * fetch a stream from its origin, less often. */
#define PLAY_MS 15000
#define PULL_MS 60000
/* Without the slash at its end SRS redirects. */
#define STREAMS_PATH "/api/v1/streams/"

void poll_timer_add(struct event *event, double ms)
{
	long us = (long)(ms * 1000);
	struct timeval tv = {us / 1000000, us % 1000000};
	event_add(event, &tv);
}

static struct event *poll_timer_new(
	struct poller *p, event_callback_fn callback, void *arg)
{
	struct event *event = event_new(p->base, -1, 0, callback, arg);
	if (!event)
		abort(); /* no memory */
	return event;
}

/* -- one question -- */

static void ask_begin(struct ask *ask);
enum what ask_what(const struct ask *ask)
{
	return (enum what)(ask - ask->node->asks);
}

void ask_ended(struct ask *ask, bool ok)
{
	if (!ok && !ask->failing)
		poll_timer_add(ask->again, 0);
	ask->failing = !ok;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	ask_start(arg);
}

/* -- turns -- */

/* Rather than a probe. */
static bool wants_transfer(const struct ask *ask)
{
	enum what what = ask_what(ask);
	return what == ASK_STREAMS || what == ASK_CLIENTS || what == ASK_WHEP ||
		(what == ASK_API &&
			(!ask->unreached || !ask->to_len || ask->knocked));
}

/* False: it waits. */
static bool turn_begin(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	ask->transfer = wants_transfer(ask);
	if (p->turns < p->turns_max &&
		(p->transfers < TRANSFERS_MAX || !ask->transfer)) {
		p->turns++;
		p->transfers += ask->transfer;
		return true;
	}
	ask->waiting = true;
	TAILQ_INSERT_TAIL(&p->waiting, ask, entry);
	return false;
}

/* Gives the turn to the one that waits longest and may have it. */
void ask_turn_end(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	bool full = p->turns >= p->turns_max;
	struct ask *next = TAILQ_FIRST(&p->waiting);

	p->turns--;
	p->transfers -= ask->transfer;
	if (!full && !ask->transfer)
		return; /* those that wait, wait for a transfer to end */
	while (next && next->transfer && p->transfers >= TRANSFERS_MAX)
		next = TAILQ_NEXT(next, entry);
	if (!next)
		return;
	TAILQ_REMOVE(&p->waiting, next, entry);
	next->waiting = false;
	if (turn_begin(next))
		ask_begin(next);
}

void ask_tell_probe(
	struct ask *ask, enum poll_probe probe, const struct probe_end *end)
{
	struct poller *p = ask->node->poller;
	ask_ended(ask, end->ok);
	p->events.probed(p->events.arg, ask->node->node, probe, end->ok,
		end->unreached, end->why);
}

static void on_probed(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	ask->probe = NULL;
	ask_turn_end(ask);
	ask_tell_probe(
		ask, ask_what(ask) == ASK_SRT ? POLL_SRT : POLL_RTMP, end);
}

static void on_knocked(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	ask->probe = NULL;
	ask_turn_end(ask);
	ask->knocked = end->ok;
	if (!end->ok)
		transfer_failed(ask, end->failure, end->why);
	else
		ask_now(ask);
}

/* Asks, unless that is under way. Every answer comes from the event loop.
 *
 * Where the last transfer brought no connection a knock goes before the next:
 * it costs a tenth of one, and transfers that wait cost curl more the more
 * they are. A fleet behind a broken line must not keep a core busy. */
static void ask_begin(struct ask *ask)
{
	static const enum probe_kind kinds[ASKS] = {
		[ASK_API] = PROBE_CONNECT,
		[ASK_RTMP] = PROBE_RTMP,
		[ASK_FLV] = PROBE_HTTP,
		[ASK_SRT] = PROBE_SRT,
	};
	static probe_done *const done[ASKS] = {
		[ASK_API] = on_knocked,
		[ASK_RTMP] = on_probed,
		[ASK_FLV] = play_probed,
		[ASK_SRT] = on_probed,
	};
	enum what what = ask_what(ask);
	struct poller *p = ask->node->poller;

	if (ask->transfer) {
		transfer_start(ask);
		return;
	}
	struct probe_want want = {.kind = kinds[what],
		.to = (struct sockaddr *)&ask->to,
		.to_len = ask->to_len,
		.timeout_ms = p->timeout_ms};
	if (what == ASK_FLV && ask->node->play.step == FLV_PLAY) {
		want.kind = PROBE_FLV;
		want.stream = ask->node->play.url;
	}
	ask->probe = probe_start(p->base, &want, done[what], ask);
}

bool ask_under_way(const struct ask *ask)
{
	return ask->curl || ask->probe || ask->waiting;
}

void ask_now(struct ask *ask)
{
	if (turn_begin(ask))
		ask_begin(ask);
}

/* Lists and WHEP are asked for while the API answers, clients now and then. */
static bool is_asked(const struct ask *ask)
{
	struct asked *node = ask->node;
	enum what what = ask_what(ask);
	if (what != ASK_STREAMS && what != ASK_CLIENTS && what != ASK_WHEP)
		return true;
	return !node->asks[ASK_API].failing &&
		(what != ASK_CLIENTS || rounds_due(node));
}

void ask_start(struct ask *ask)
{
	if (!ask->wanted || ask_under_way(ask))
		return;
	event_del(ask->again);
	if (ask_what(ask) == ASK_FLV)
		play_go(ask);
	else if (is_asked(ask))
		ask_now(ask);
}

static void ask_drop(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	if (ask->ended)
		TAILQ_REMOVE(&p->ended, ask, entry);
	if (ask->waiting)
		TAILQ_REMOVE(&p->waiting, ask, entry);
	if (ask->curl)
		transfer_stop(ask);
	else if (ask->probe)
		ask_turn_end(ask);
	probe_cancel(ask->probe);
	event_free(ask->again);
	buf_fini(&ask->body);
}

/* -- nodes -- */

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct asked *node = arg;
	struct poller *p = node->poller;
	double jitter = 0.9 + 0.2 * rng_unit(&p->rng);

	poll_timer_add(node->due, p->interval_ms * jitter);
	for (unsigned i = 0; i < ASKS; i++)
		ask_start(&node->asks[i]);
}

/* Where the API is, if that is an address. */
static void set_address(struct asked *node, const char *host, const char *port)
{
	struct ask *ask = &node->asks[ASK_API];
	struct addr addr;
	char text[SOCKADDR_TEXT_MAX];

	node->numeric = host && (*host == '[' || addr_parse(&addr, host));
	if (!node->numeric || !port)
		return;
	snprintf(text, sizeof text, "%s:%s", host, port);
	ask->to_len = sockaddr_parse(&ask->to, text, 0);
}

/* Takes user and password out of the URL. A URL that cannot be read is asked
 * as it is; curl will then say so each time. */
static void split_url(struct asked *node)
{
	CURLU *url = curl_url();
	char *text = NULL, *user = NULL, *password = NULL, *host = NULL;
	char *port = NULL, *streams = NULL, query[32];

	if (!url)
		abort(); /* no memory */
	if (curl_url_set(url, CURLUPART_URL, node->api, 0) == CURLUE_OK) {
		curl_url_get(url, CURLUPART_USER, &user, CURLU_URLDECODE);
		curl_url_get(
			url, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
		curl_url_get(url, CURLUPART_HOST, &host, 0);
		curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
		curl_url_set(url, CURLUPART_USER, NULL, 0);
		curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
		curl_url_set(url, CURLUPART_PATH, SUMMARIES_PATH, 0);
		curl_url_get(url, CURLUPART_URL, &text, 0);
		curl_url_set(url, CURLUPART_PATH, STREAMS_PATH, 0);
		snprintf(query, sizeof query, "start=0&count=%d", STREAMS_MAX);
		curl_url_set(url, CURLUPART_QUERY, query, 0);
		curl_url_get(url, CURLUPART_URL, &streams, 0);
	}
	node->url = mem_strdup(text ? text : node->api);
	node->streams_url = mem_strdup(streams ? streams : node->api);
	node->user = user ? mem_strdup(user) : NULL;
	node->password = mem_strdup(password ? password : "");
	set_address(node, host, port);
	curl_free(text);
	curl_free(streams);
	curl_free(user);
	curl_free(password);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
}

static void set_ask(struct asked *node, enum what what, const char *to)
{
	struct ask *ask = &node->asks[what];
	ask->node = node;
	ask->again = poll_timer_new(node->poller, on_again, ask);
	ask->wanted = *to;
	if (what == ASK_API || what == ASK_STREAMS || what == ASK_CLIENTS ||
		what == ASK_WHEP)
		return;
	ask->to_len = *to ? sockaddr_parse(&ask->to, to, 0) : 0;
	ask->wanted = ask->to_len > 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static struct asked *node_new(struct poller *p, const struct poll_target *t)
{
	struct asked *node = mem_zero(1, sizeof *node);
	node->poller = p;
	node->node = t->node;
	node->api = mem_strdup(or_empty(t->api));
	node->token = mem_strdup(or_empty(t->api_token));
	node->rtmp = mem_strdup(or_empty(t->rtmp));
	node->flv = mem_strdup(or_empty(t->flv));
	node->srt = mem_strdup(or_empty(t->srt));
	node->whep = mem_strdup(or_empty(t->whep));
	split_url(node);
	set_ask(node, ASK_API, node->api);
	set_ask(node, ASK_RTMP, node->rtmp);
	set_ask(node, ASK_FLV, node->flv);
	set_ask(node, ASK_SRT, node->srt);
	set_ask(node, ASK_WHEP, node->whep);
	set_ask(node, ASK_STREAMS, t->streams ? node->api : "");
	set_ask(node, ASK_CLIENTS, node->api);
	node->pulls = t->pulls;
	node->source = t->source;
	node->due = poll_timer_new(p, on_due, node);
	unsigned spread =
		p->interval_ms < SPREAD_MS ? p->interval_ms : SPREAD_MS;
	poll_timer_add(node->due, spread * rng_unit(&p->rng));
	return node;
}

static void node_free(struct asked *node)
{
	event_free(node->due);
	for (unsigned i = 0; i < ASKS; i++)
		ask_drop(&node->asks[i]);
	rounds_drop(node);
	free(node->api);
	free(node->token);
	free(node->rtmp);
	free(node->flv);
	free(node->srt);
	free(node->whep);
	free(node->url);
	free(node->streams_url);
	free(node->user);
	free(node->password);
	free(node);
}

static int node_order(const void *a, const void *b)
{
	const struct asked *const *x = a, *const *y = b;
	return ((*x)->node > (*y)->node) - ((*x)->node < (*y)->node);
}

struct asked **poll_find(struct poller *p, uint32_t number)
{
	struct asked key = {.node = number}, *at = &key;
	if (!p->n)
		return NULL;
	return bsearch(&at, p->nodes, p->n, sizeof(void *), node_order);
}

static bool same(const struct asked *node, const struct poll_target *t)
{
	return !strcmp(node->api, or_empty(t->api)) &&
		!strcmp(node->token, or_empty(t->api_token)) &&
		!strcmp(node->rtmp, or_empty(t->rtmp)) &&
		!strcmp(node->flv, or_empty(t->flv)) &&
		!strcmp(node->srt, or_empty(t->srt)) &&
		!strcmp(node->whep, or_empty(t->whep)) &&
		node->pulls == t->pulls && node->source == t->source &&
		node->asks[ASK_STREAMS].wanted == (t->streams && *node->api);
}

/* Moves what stays into the new list, makes what is new. */
static struct asked *node_for(
	struct poller *p, const struct poll_target *target, bool sooner)
{
	struct asked **old = poll_find(p, target->node);
	if (!old || (*old)->kept || !same(*old, target))
		return node_new(p, target);
	(*old)->kept = true;
	if (sooner)
		poll_timer_add((*old)->due, p->interval_ms * rng_unit(&p->rng));
	return *old;
}

void poll_set(struct poller *p, const struct poll_target *targets, unsigned n,
	unsigned interval_ms, unsigned timeout_ms)
{
	assert(interval_ms > 0 && timeout_ms > 0);
	struct asked **nodes = mem_alloc(n * sizeof(void *));
	bool sooner = interval_ms < p->interval_ms;

	p->interval_ms = interval_ms;
	p->timeout_ms = timeout_ms;
	for (unsigned i = 0; i < n; i++)
		nodes[i] = node_for(p, &targets[i], sooner);
	for (unsigned i = 0; i < p->n; i++) {
		if (!p->nodes[i]->kept)
			node_free(p->nodes[i]);
		else
			p->nodes[i]->kept = false;
	}
	free(p->nodes);
	p->nodes = nodes;
	p->n = n;
	if (n)
		qsort(nodes, n, sizeof(void *), node_order);
}

void poll_now(struct poller *p, uint32_t number)
{
	struct asked **node = poll_find(p, number);
	for (unsigned i = 0; node && i < ASKS; i++)
		ask_start(&(*node)->asks[i]);
}

void poll_streams_now(struct poller *p)
{
	for (unsigned i = 0; i < p->n; i++)
		ask_start(&p->nodes[i]->asks[ASK_STREAMS]);
}

struct poller *poll_new(
	struct event_base *base, const struct poll_events *events)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	struct poller *p = mem_zero(1, sizeof *p);
	p->turns_max = UINT_MAX;
	poll_play(p, PLAY_MS, PULL_MS);
	p->authorities = request_authorities();
	p->base = base;
	p->events = *events;
	TAILQ_INIT(&p->ended);
	TAILQ_INIT(&p->waiting);
	p->timer = poll_timer_new(p, transfer_timer, p);
	rng_secret(&p->rng, sizeof p->rng);
	transfer_open(p);
	return p;
}

void poll_limit(struct poller *p, unsigned most)
{
	p->turns_max = most ? most : 1;
}

void poll_play(struct poller *p, unsigned own_ms, unsigned pulled_ms)
{
	p->play_ms = own_ms;
	p->pull_ms = pulled_ms;
}

void poll_clients(struct poller *p, unsigned every_ms)
{
	if (p->clients_ms == every_ms)
		return;
	p->clients_ms = every_ms;
	for (unsigned i = 0; i < p->n; i++) {
		p->nodes[i]->clients_ms = 0;
		if (!ask_under_way(&p->nodes[i]->asks[ASK_CLIENTS]))
			rounds_drop(p->nodes[i]);
	}
}

void poll_free(struct poller *p)
{
	if (!p)
		return;
	poll_set(p, NULL, 0, p->interval_ms, p->timeout_ms);
	transfer_close(p);
	event_free(p->timer);
	free(p->nodes);
	free(p);
	curl_global_cleanup();
}
