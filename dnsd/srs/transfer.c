/* Questions to the API of nodes, by libcurl's multi socket interface on the event
 * loop. */
#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/thread.h"
#include "srs/ask.h"
#include "srs/request.h"
#include "srs/summary.h"

#define BODY_MAX (256 * 1024)
#define STREAMS_BODY_MAX (4 * 1024 * 1024)
#define CLIENTS_BODY_MAX (1024 * 1024)
#define CLIENTS_URL_MAX 2048
#define WHEP_PATH "/rtc/v1/whep/"

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct ask *ask = arg;
	static const size_t most[ASKS] = {[ASK_API] = BODY_MAX,
		[ASK_STREAMS] = STREAMS_BODY_MAX,
		[ASK_CLIENTS] = CLIENTS_BODY_MAX};
	if (ask->body.len + n > most[ask_what(ask)])
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

static void set_url(CURL *curl, const struct ask *ask)
{
	char text[CLIENTS_URL_MAX];
	const char *url = ask->node->url;
	if (ask_what(ask) == ASK_STREAMS)
		url = ask->node->streams_url;
	else if (ask_what(ask) == ASK_CLIENTS &&
		rounds_url(ask->node, text, sizeof text) < sizeof text)
		url = text;
	else if (ask_what(ask) == ASK_WHEP) {
		snprintf(text, sizeof text, "%s" WHEP_PATH, ask->node->whep);
		url = text;
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
}

/* What only the API is told. */
static void set_login(CURL *curl, const struct asked *node)
{
	if (node->user) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, node->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, node->password);
	} else if (*node->token) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, node->token);
	}
}

/* WHEP may be at another host: it is sent no secrets. */
static void set_whep(CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "OPTIONS");
}

static void set_options(CURL *curl, struct ask *ask)
{
	const struct asked *node = ask->node;
	bool whep = ask_what(ask) == ASK_WHEP;

	curl_easy_setopt(curl, CURLOPT_PRIVATE, ask);
	set_url(curl, ask);
	if (whep)
		set_whep(curl);
	else
		set_login(curl, node);
	request_options(curl, (long)node->poller->timeout_ms,
		node->poller->authorities);
	/* With a timeout curl looks through its whole cache each time. */
	curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT,
		node->numeric && !whep ? -1L : 60L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 16384L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
}

void transfer_start(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	ask->body.len = 0;
	ask->curl = take_handle(p);
	set_options(ask->curl, ask);
	curl_multi_add_handle(p->multi, ask->curl);
}

void transfer_stop(struct ask *ask)
{
	struct poller *p = ask->node->poller;
	curl_multi_remove_handle(p->multi, ask->curl);
	give_handle(p, ask->curl);
	ask->curl = NULL;
	ask->knocked = false;
	ask_turn_end(ask);
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

void transfer_failed(
	struct ask *ask, enum sample_failure failure, const char *why)
{
	struct poller *p = ask->node->poller;
	char line[256];
	snprintf(line, sizeof line, "API: %s", why);
	ask_ended(ask, false);
	if (ask_what(ask) == ASK_STREAMS)
		give_list(ask, NULL, line);
	else if (ask_what(ask) == ASK_CLIENTS)
		rounds_failed(ask, line);
	else
		p->events.failed(p->events.arg, ask->node->node, failure, line);
}

static void take_streams(struct ask *ask)
{
	struct err err = {0};
	struct stream_list *list = streams_parse(
		ask->body.text ? ask->body.text : "", ask->body.len, &err);

	if (list) {
		ask_ended(ask, true);
		give_list(ask, list, "");
	} else {
		transfer_failed(ask, SAMPLE_UNREADABLE, err_text(&err));
	}
	err_fini(&err);
}

static void take_answer(struct ask *ask, float rtt_ms)
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
		transfer_failed(ask, SAMPLE_UNREADABLE, err_text(&err));
	}
	err_fini(&err);
}

/* Its answer says only that it is served: a 401 will do. Called last. */
static void tell_whep(struct ask *ask, CURLcode code, long status,
	enum sample_failure failure, const char *words)
{
	char why[256];
	bool ok = code == CURLE_OK && status != 404 && status < 500;
	if (code == CURLE_OK)
		snprintf(why, sizeof why, "WHEP: HTTP %ld", status);
	else
		snprintf(why, sizeof why, "WHEP: %s", words);
	ask_tell_probe(ask, POLL_WHEP,
		&(struct probe_end){.ok = ok,
			.failure = failure,
			.unreached =
				ask->unreached && failure == SAMPLE_TIMEOUT,
			.why = why});
}

/* The ask may be gone after the callback: it is called last. */
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
	transfer_stop(ask);
	snprintf(text, sizeof text, "HTTP %ld", status);
	if (ask_what(ask) == ASK_WHEP)
		tell_whep(ask, code, status, failure, words);
	else if (code != CURLE_OK)
		transfer_failed(ask, failure, words);
	else if (status == 401 || status == 403)
		transfer_failed(ask, SAMPLE_DENIED, text);
	else if (status != 200)
		transfer_failed(ask, SAMPLE_UNREADABLE, text);
	else if (ask_what(ask) == ASK_STREAMS)
		take_streams(ask);
	else if (ask_what(ask) == ASK_CLIENTS)
		rounds_page(ask, ask->body.text ? ask->body.text : "",
			ask->body.len);
	else
		take_answer(ask, (float)took_us / 1000);
}

/* -- curl on libevent -- */

/* All messages are read before the first handle is removed: curl looks for a
 * handle's message among those that are left, and after a moment in which
 * no thread looked, thousands have ended at once. */
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
	thread_give_way();
}

void transfer_timer(evutil_socket_t fd, short what, void *arg)
{
	struct poller *p = arg;
	int running;
	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	transfers(p);
	thread_give_way();
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

/* -- begin and end -- */

void transfer_open(struct poller *p)
{
	p->multi = curl_multi_init();
	if (!p->multi)
		abort(); /* no memory */
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
}

void transfer_close(struct poller *p)
{
	while (p->n_spare)
		curl_easy_cleanup(p->spare[--p->n_spare]);
	curl_multi_cleanup(p->multi);
}
