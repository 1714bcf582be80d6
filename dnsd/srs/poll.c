#include "srs/poll.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "srs/flv.h"
#include "srs/probe.h"
#include "srs/summary.h"

#define BODY_MAX (256 * 1024)
#define STREAMS_BODY_MAX (4 * 1024 * 1024)
#define SPREAD_MS 200 /* over which new nodes are asked first */
#define SPARE_MAX 256 /* idle curl handles kept for the next polls */
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

enum what { ASK_API, ASK_RTMP, ASK_FLV, ASK_STREAMS, ASKS };

/* One of the things asked of a node. */
struct ask {
	struct asked *node;
	bool wanted;
	bool failing;   /* the last one failed */
	bool unreached; /* API: the last one brought no connection */
	bool knocked;   /* ... but a knock did, just now */
	bool transfer;  /* its turn is one of curl's */
	CURL *curl;     /* API, streams: under way */
	struct buf body;
	struct probe *probe; /* RTMP, FLV, a knock at the API: under way */
	struct sockaddr_storage to;
	socklen_t to_len;
	struct event *again; /* a second look, or the next step, at once */
	bool ended;          /* in the poller's list, to be told */
	bool waiting;        /* in the list of those that have no turn yet */
	CURLcode code;       /* and how it ended */
	TAILQ_ENTRY(ask) entry;
};

/* One node. Owned by the poller; freed when a list without it is set. */
struct asked {
	struct poller *poller;
	uint32_t node;
	bool kept;              /* within poll_set: it is in the new list too */
	char *api, *rtmp, *flv; /* as given; "" if not */
	char *url, *streams_url, *user, *password;
	bool numeric; /* an address is its own name: never looked up again */
	struct event *due;
	struct ask asks[ASKS];
	bool pulls, source; /* as given */
	/* Of a source: a stream that was in its last two lists, and one of the
	 * last; "" if none. */
	char live[FLV_URL_MAX], young[FLV_URL_MAX];
	struct flv play;
};

struct poller {
	struct event_base *base;
	struct poll_events events;
	CURLM *multi;
	struct event *timer;  /* curl's */
	struct asked **nodes; /* sorted by node */
	unsigned n;
	unsigned interval_ms, timeout_ms;
	unsigned play_ms, pull_ms; /* PLAY_MS, PULL_MS */
	const char *authorities;   /* a file; NULL: the system's */
	struct rng rng;
	CURL *spare[SPARE_MAX];
	unsigned n_spare;
	TAILQ_HEAD(, ask) ended, waiting;
	unsigned transfers;
	unsigned turns, turns_max; /* transfers and probes */
};

static void add_timer(struct event *event, double ms)
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

static void ask_start(struct ask *ask);
static void ask_begin(struct ask *ask);
static void ask_now(struct ask *ask);
static void flv_go(struct ask *ask);
static void on_flv(void *arg, const struct probe_end *end);
static void tell_failure(
	struct ask *ask, enum sample_failure failure, const char *why);

static enum what what_of(const struct ask *ask)
{
	return (enum what)(ask - ask->node->asks);
}

/* After the first failure: a second look, in the next turn of the loop. */
static void ask_ended(struct ask *ask, bool ok)
{
	if (!ok && !ask->failing)
		add_timer(ask->again, 0);
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
	enum what what = what_of(ask);
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
static void turn_end(struct ask *ask)
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

static void tell_probe(
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
	turn_end(ask);
	tell_probe(ask, POLL_RTMP, end);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct ask *ask = arg;
	size_t most = what_of(ask) == ASK_STREAMS ? STREAMS_BODY_MAX : BODY_MAX;
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
		what_of(ask) == ASK_STREAMS ? node->streams_url : node->url);
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
	turn_end(ask);
}

static void on_knocked(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	ask->probe = NULL;
	turn_end(ask);
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
		[ASK_FLV] = on_flv,
	};
	enum what what = what_of(ask);
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

static bool under_way(const struct ask *ask)
{
	return ask->curl || ask->probe || ask->waiting;
}

static void ask_now(struct ask *ask)
{
	if (turn_begin(ask))
		ask_begin(ask);
}

static void ask_start(struct ask *ask)
{
	if (!ask->wanted || under_way(ask))
		return;
	event_del(ask->again);
	if (what_of(ask) == ASK_FLV)
		flv_go(ask);
	else if (what_of(ask) != ASK_STREAMS ||
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
		turn_end(ask);
	probe_cancel(ask->probe);
	event_free(ask->again);
	buf_fini(&ask->body);
}

/* -- FLV: a stream now and then, else the port (flv.h) -- */

static struct asked **find_node(struct poller *p, uint32_t number);

/* Asks the node for its list, wanted or not; false: not to be had. */
static bool list_ask(struct asked *node)
{
	struct ask *list = &node->asks[ASK_STREAMS];
	if (!*node->api || node->asks[ASK_API].failing)
		return false;
	if (!under_way(list))
		ask_now(list);
	return true;
}

/* A source with a live stream, by chance; NULL: none has one now. False: there is
 * no source that could be asked. */
static bool flv_source(struct poller *p, struct asked **chosen)
{
	unsigned seen = 0;
	bool is = false;
	*chosen = NULL;
	for (unsigned i = 0; i < p->n; i++) {
		struct asked *node = p->nodes[i];
		if (!node->source || !*node->api || node->asks[ASK_API].failing)
			continue;
		is = true;
		if (*node->live && rng_unit(&p->rng) * ++seen < 1)
			*chosen = node;
	}
	return is;
}

/* What is asked for, if its time has come. */
static enum flv_step flv_wanted(struct asked *node)
{
	struct flv *flv = &node->play;
	struct asked *source;

	if (clock_ms() < flv->next_ms || node->asks[ASK_API].failing)
		return FLV_PORT;
	if (flv->retry) {
		memcpy(flv->url, flv->served, sizeof flv->url);
		return FLV_PLAY;
	}
	if (!node->pulls || !flv_source(node->poller, &source)) {
		flv->from = node->node;
		return FLV_LIST;
	}
	if (!source)
		return FLV_PORT;
	flv->from = source->node;
	memcpy(flv->url, source->live, sizeof flv->url);
	return FLV_PLAY;
}

static void flv_start(struct asked *node)
{
	struct flv *flv = &node->play;
	struct poller *p = node->poller;
	double jitter = 0.9 + 0.2 * rng_unit(&p->rng);

	flv->step = flv_wanted(node);
	flv->stale = flv->retry = false;
	if (flv->step != FLV_PORT)
		flv->next_ms = clock_ms() +
			(int64_t)(jitter *
				(flv->from == node->node ? p->play_ms
							 : p->pull_ms));
}

static void flv_tell_refused(struct ask *ask)
{
	struct flv *flv = &ask->node->play;
	bool ok = flv->step == FLV_GOOD;
	char why[FLV_URL_MAX + 160], to[SOCKADDR_TEXT_MAX];

	snprintf(why, sizeof why,
		"FLV probe of %s: HTTP %u for a stream that %s lists, %s",
		sockaddr_text((struct sockaddr *)&ask->to, to), flv->status,
		flv->from == ask->node->node ? "it" : "an origin", flv->url);
	flv->step = FLV_IDLE;
	tell_probe(ask, ok ? POLL_FLV : POLL_STREAM,
		&(struct probe_end){.ok = ok,
			.failure = SAMPLE_UNREADABLE,
			.rtt_ms = flv->rtt_ms,
			.why = why});
}

/* The next step. */
static void flv_go(struct ask *ask)
{
	struct flv *flv = &ask->node->play;
	struct poller *p = ask->node->poller;

	if (flv->step == FLV_IDLE)
		flv_start(ask->node);
	if (flv->step == FLV_LIST || flv->step == FLV_CHECK) {
		struct asked **from = find_node(p, flv->from);
		if (from && list_ask(*from))
			return; /* flv_lists_ended goes on */
		flv_listed(flv, NULL, &p->rng);
	}
	if (flv->step == FLV_PLAY || flv->step == FLV_PORT)
		ask_now(ask);
	else
		flv_tell_refused(ask);
}

static void on_flv(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	struct flv *flv = &ask->node->play;
	struct asked **from;

	ask->probe = NULL;
	turn_end(ask);
	if (flv->step == FLV_PORT || end->ok) {
		if (flv->step == FLV_PLAY)
			memcpy(flv->served, flv->url, sizeof flv->served);
		flv->step = FLV_IDLE;
		tell_probe(ask, POLL_FLV, end);
		return;
	}
	flv->step = end->status ? FLV_CHECK : FLV_PORT;
	flv->status = end->status;
	flv->rtt_ms = end->rtt_ms;
	from = find_node(ask->node->poller, flv->from);
	flv->stale =
		end->status && from && under_way(&(*from)->asks[ASK_STREAMS]);
	flv_go(ask);
}

/* Another stream each time. One that has just begun is not yet everywhere. */
static void source_listed(struct asked *node, const struct stream_list *list)
{
	*node->live = '\0';
	if (list && flv_lists(list, node->young))
		memcpy(node->live, node->young, sizeof node->live);
	*node->young = '\0';
	if (list)
		flv_choose(list, &node->poller->rng, node->young);
}

/* Goes on with those who wait for this node's list, which may be NULL. In the
 * next turn of the loop, for that may end in callbacks. */
static void flv_lists_ended(struct asked *node, const struct stream_list *list)
{
	struct poller *p = node->poller;

	if (node->source)
		source_listed(node, list);
	for (unsigned i = 0; i < p->n; i++) {
		struct flv *flv = &p->nodes[i]->play;
		if (flv->from != node->node ||
			(flv->step != FLV_LIST && flv->step != FLV_CHECK))
			continue;
		if (!flv->stale)
			flv_listed(flv, list, &p->rng);
		flv->stale = false;
		add_timer(p->nodes[i]->asks[ASK_FLV].again, 0);
	}
}

/* -- answers of the API -- */

/* To the probes that wait for it, and to those who want it at all. */
static void give_list(
	struct ask *ask, struct stream_list *list, const char *why)
{
	struct poller *p = ask->node->poller;
	flv_lists_ended(ask->node, list);
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
	if (what_of(ask) == ASK_STREAMS)
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
	else if (what_of(ask) == ASK_STREAMS)
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
		add_timer(p->timer, (double)ms);
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

	add_timer(node->due, p->interval_ms * jitter);
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
	add_timer(node->due, spread * rng_unit(&p->rng));
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

static struct asked **find_node(struct poller *p, uint32_t number)
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
	struct asked **old = find_node(p, target->node);
	if (!old || (*old)->kept || !same(*old, target))
		return node_new(p, target);
	(*old)->kept = true;
	if (sooner)
		add_timer((*old)->due, p->interval_ms * rng_unit(&p->rng));
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
	struct asked **node = find_node(p, number);
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
