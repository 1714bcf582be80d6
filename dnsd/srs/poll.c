#include "srs/poll.h"

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
#include "srs/summary.h"

#define BODY_MAX (256 * 1024)
#define STREAMS_BODY_MAX (4 * 1024 * 1024)
#define SPREAD_MS 200 /* over which new nodes are asked first */
/* Transfers under way: curl goes through all their hosts whenever one ends. The
 * rest waits its turn, and its time runs from then. */
#define TRANSFERS_MAX 1024
/* So often a player is tried at most while all is well. Where that makes an edge
 * fetch a stream from its origin, less often. */
#define PLAY_MS 15000
#define PULL_MS 60000
#define PATH "/api/v1/summaries"
/* Without the slash at its end SRS redirects. */
#define STREAMS_PATH "/api/v1/streams/"

void poll_timer_add(struct event *event, double ms)
{
	long us = (long)(ms * 1000);
	struct timeval tv = {us / 1000000, us % 1000000};
	event_add(event, &tv);
}

static struct event *new_timer(
	struct poller *p, event_callback_fn callback, void *arg)
{
	struct event *event = event_new(p->base, -1, 0, callback, arg);
	if (!event)
		abort(); /* no memory */
	return event;
}

/* -- one question -- */

static void ask_begin(struct ask *ask);
static void tell_failure(
	struct ask *ask, enum sample_failure failure, const char *why);

enum what ask_what(const struct ask *ask)
{
	return (enum what)(ask - ask->node->asks);
}

/* After the first failure: a second look, in the next turn of the loop. */
static void ask_ended(struct ask *ask, bool ok)
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
	return what == ASK_STREAMS ||
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
		return; /* those who wait, wait for a transfer to end */
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
		end->failure, end->rtt_ms, end->why);
}

static void on_probed(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	ask->probe = NULL;
	ask_turn_end(ask);
	ask_tell_probe(ask, POLL_RTMP, end);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct ask *ask = arg;
	size_t most =
		ask_what(ask) == ASK_STREAMS ? STREAMS_BODY_MAX : BODY_MAX;
	if (ask->body.len + n > most)
		return 0; /* makes it CURLE_WRITE_ERROR */
	buf_add(&ask->body, bytes, n);
	return n;
}

static CURL *take_handle(struct poller *p)
{
	CURL *curl = p->n_spare ? p->spare[--p->n_spare] : curl_easy_init();
	if (!curl)
		abort(); /* no memory */
	return curl;
}

static void give_handle(struct poller *p, CURL *curl)
{
	if (p->n_spare == SPARE_MAX) {
		curl_easy_cleanup(curl);
		return;
	}
	curl_easy_reset(curl);
	p->spare[p->n_spare++] = curl;
}

static void set_options(CURL *curl, struct ask *ask)
{
	const struct asked *node = ask->node;
	long timeout = (long)node->poller->timeout_ms;

	curl_easy_setopt(curl, CURLOPT_PRIVATE, ask);
	curl_easy_setopt(curl, CURLOPT_URL,
		ask_what(ask) == ASK_STREAMS ? node->streams_url : node->url);
	if (node->user) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, node->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, node->password);
	}
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "dnsd");
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* With a timeout curl looks through its whole cache each time. */
	curl_easy_setopt(
		curl, CURLOPT_DNS_CACHE_TIMEOUT, node->numeric ? -1L : 60L);
	/* A name lookup that outlives its deadline is left to its thread;
	 * without this, dropping the transfer would wait for it. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	/* The bundle alone: curl keeps it parsed only if there is no directory
	 * too, and to parse it anew holds the loop up for 50 ms each time. */
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (node->poller->authorities)
		curl_easy_setopt(
			curl, CURLOPT_CAINFO, node->poller->authorities);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 16384L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
}

static void transfer_start(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	ask->body.len = 0;
	ask->curl = take_handle(p);
	set_options(ask->curl, ask);
	curl_multi_add_handle(p->multi, ask->curl);
}

/* Ends it with curl, and gives its turn to another. */
static void transfer_end(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	curl_multi_remove_handle(p->multi, ask->curl);
	give_handle(p, ask->curl);
	ask->curl = NULL;
	ask->knocked = false;
	ask_turn_end(ask);
}

static void on_knocked(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	ask->probe = NULL;
	ask_turn_end(ask);
	ask->knocked = end->ok;
	if (!end->ok)
		tell_failure(ask, end->failure, end->why);
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
	};
	static probe_done *const done[ASKS] = {
		[ASK_API] = on_knocked,
		[ASK_RTMP] = on_probed,
		[ASK_FLV] = play_probed,
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

void ask_start(struct ask *ask)
{
	if (!ask->wanted || ask_under_way(ask))
		return;
	event_del(ask->again);
	if (ask_what(ask) == ASK_FLV)
		play_go(ask);
	else if (ask_what(ask) != ASK_STREAMS ||
		!ask->node->asks[ASK_API].failing)
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
		transfer_end(ask);
	else if (ask->probe)
		ask_turn_end(ask);
	probe_cancel(ask->probe);
	event_free(ask->again);
	buf_fini(&ask->body);
}

/* -- answers of the API -- */

/* To the probes that wait for it and, if it is wanted, to the callback. */
static void give_list(
	struct ask *ask, struct stream_list *list, const char *why)
{
	struct poller *p = ask->node->poller;
	play_listed(ask->node, list);
	if (ask->wanted)
		p->events.streams(p->events.arg, ask->node->node, list, why);
	else
		free(list);
}

/* What curl says, as one of the failures; CURLE_OK is none of them. */
static enum sample_failure failure_of(CURL *curl, CURLcode code)
{
	long error = 0;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return SAMPLE_TIMEOUT;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
		return probe_failure((int)error);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return SAMPLE_UNTRUSTED;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return SAMPLE_REFUSED;
	default:
		return SAMPLE_UNREADABLE;
	}
}

/* Words for a failed transfer; never curl's own error buffer, which may quote
 * the URL. */
static const char *words_of(CURL *curl, CURLcode code)
{
	long error = 0;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT && error)
		return strerror((int)error);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "no answer in time";
	if (code == CURLE_WRITE_ERROR)
		return "the answer is too long";
	return curl_easy_strerror(code);
}

static void tell_failure(
	struct ask *ask, enum sample_failure failure, const char *why)
{
	struct poller *p = ask->node->poller;
	char line[256];
	snprintf(line, sizeof line, "API: %s", why);
	ask_ended(ask, false);
	if (ask_what(ask) == ASK_STREAMS)
		give_list(ask, NULL, line);
	else
		p->events.failed(p->events.arg, ask->node->node, failure, line);
}

static void tell_streams(struct ask *ask)
{
	struct err err = {0};
	struct stream_list *list = streams_parse(
		ask->body.text ? ask->body.text : "", ask->body.len, &err);

	if (list) {
		ask_ended(ask, true);
		give_list(ask, list, "");
	} else {
		tell_failure(ask, SAMPLE_UNREADABLE, err_text(&err));
	}
	err_fini(&err);
}

static void tell_answer(struct ask *ask, float rtt_ms)
{
	struct poller *p = ask->node->poller;
	struct sample sample;
	struct err err = {0};

	if (summary_parse(ask->body.text ? ask->body.text : "", ask->body.len,
		    &sample, &err)) {
		sample.rtt_ms = rtt_ms;
		ask_ended(ask, true);
		p->events.sample(p->events.arg, ask->node->node, &sample);
	} else {
		tell_failure(ask, SAMPLE_UNREADABLE, err_text(&err));
	}
	err_fini(&err);
}

/* The ask may be gone after the callback: it is told last. */
static void on_transfer(struct ask *ask, CURLcode code)
{
	CURL *curl = ask->curl;
	long status = 0;
	curl_off_t took_us = 0, connected_us = 0;
	char text[32];

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &took_us);
	curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_us);
	ask->unreached = code != CURLE_OK && connected_us == 0;
	enum sample_failure failure = failure_of(curl, code);
	const char *words = words_of(curl, code);
	transfer_end(ask);
	snprintf(text, sizeof text, "HTTP %ld", status);
	if (code != CURLE_OK)
		tell_failure(ask, failure, words);
	else if (status == 401 || status == 403)
		tell_failure(ask, SAMPLE_DENIED, text);
	else if (status != 200)
		tell_failure(ask, SAMPLE_UNREADABLE, text);
	else if (ask_what(ask) == ASK_STREAMS)
		tell_streams(ask);
	else
		tell_answer(ask, (float)took_us / 1000);
}

/* -- curl on libevent -- */

/* All messages are read before the first handle is removed: curl looks for a
 * handle's message among those that are left, and after a moment in which
 * nobody looked, thousands have ended at once. */
static void transfers(struct poller *p)
{
	struct ask *ask;
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(p->multi, &left))) {
		char *of;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
		ask = (struct ask *)(void *)of;
		ask->ended = true;
		ask->code = message->data.result;
		TAILQ_INSERT_TAIL(&p->ended, ask, entry);
	}
	while ((ask = TAILQ_FIRST(&p->ended))) {
		TAILQ_REMOVE(&p->ended, ask, entry);
		ask->ended = false;
		on_transfer(ask, ask->code);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct poller *p = arg;
	int running,
		bits = (what & EV_READ ? CURL_CSELECT_IN : 0) |
		(what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(p->multi, fd, bits, &running);
	transfers(p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct poller *p = arg;
	int running;
	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	transfers(p);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct poller *p = arg;
	if (ms < 0)
		event_del(p->timer);
	else
		poll_timer_add(p->timer, (double)ms);
	return 0;
}

static int want_socket(
	CURL *curl, curl_socket_t fd, int what, void *arg, void *event)
{
	struct poller *p = arg;
	if (event)
		event_free(event);
	if (what == CURL_POLL_REMOVE)
		return 0;
	event = event_new(p->base, fd,
		EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
			(what & CURL_POLL_OUT ? EV_WRITE : 0),
		on_socket, p);
	if (!event)
		abort(); /* no memory */
	event_add(event, NULL);
	curl_multi_assign(p->multi, fd, event);
	return 0;
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
		curl_url_set(url, CURLUPART_PATH, PATH, 0);
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
	ask->again = new_timer(node->poller, on_again, ask);
	ask->wanted = *to;
	if (what == ASK_API || what == ASK_STREAMS)
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
	node->rtmp = mem_strdup(or_empty(t->rtmp));
	node->flv = mem_strdup(or_empty(t->flv));
	split_url(node);
	set_ask(node, ASK_API, node->api);
	set_ask(node, ASK_RTMP, node->rtmp);
	set_ask(node, ASK_FLV, node->flv);
	set_ask(node, ASK_STREAMS, t->streams ? node->api : "");
	node->pulls = t->pulls;
	node->source = t->source;
	node->due = new_timer(p, on_due, node);
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
	free(node->api);
	free(node->rtmp);
	free(node->flv);
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
		!strcmp(node->rtmp, or_empty(t->rtmp)) &&
		!strcmp(node->flv, or_empty(t->flv)) &&
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
	p->authorities = getenv("SSL_CERT_FILE");
	p->base = base;
	p->events = *events;
	TAILQ_INIT(&p->ended);
	TAILQ_INIT(&p->waiting);
	p->multi = curl_multi_init();
	if (!p->multi)
		abort(); /* no memory */
	p->timer = new_timer(p, on_timer, p);
	rng_secret(&p->rng, sizeof p->rng);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
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

void poll_free(struct poller *p)
{
	if (!p)
		return;
	poll_set(p, NULL, 0, p->interval_ms, p->timeout_ms);
	while (p->n_spare)
		curl_easy_cleanup(p->spare[--p->n_spare]);
	curl_multi_cleanup(p->multi);
	event_free(p->timer);
	free(p->nodes);
	free(p);
	curl_global_cleanup();
}
