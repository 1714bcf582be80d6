#include "http/request.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "client/query.h"
#include "http/conns.h"

/* -- what was asked -- */

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

/* Whose client: the caller, or whom a trusted caller names. */
bool request_client(struct request *r, const char *name, const char *client,
	struct steer_query *query, unsigned *scope)
{
	struct map_match match;
	struct prefix net = {r->peer, (uint8_t)addr_bits(&r->peer)};

	if (!name || !*name) {
		request_error(r, 400, "the parameter 'name' is missing");
		return false;
	}
	if (!map_match(r->snap->steer.map, name, &match)) {
		request_error(r, 404, "%.200s is not a steered name", name);
		return false;
	}
	if (client && *client) {
		if (!prefix_parse(&net, client, false)) {
			request_error(r, 400,
				"'%.60s' is not ADDRESS or ADDRESS/LENGTH",
				client);
			return false;
		}
		if (!r->trusted && !r->has_token &&
			!addr_equal(&net.addr, &r->peer)) {
			request_error(r, 403,
				"only trusted callers may name another client");
			return false;
		}
	}
	*scope = query_make(&r->snap->steer, &match, &net, query);
	/* A trusted caller brings viewers of other networks. */
	query->asker = r->trusted ? net.addr : r->peer;
	query->trusted = r->trusted;
	query->proven = true;
	return true;
}

/* -- answers -- */

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
	conns_answered(r->ev);
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
	conns_answered(r->ev);
	evhttp_send_reply(r->ev, 304, reason(304), NULL);
}

void request_no_content(struct request *r)
{
	conns_answered(r->ev);
	evhttp_send_reply(r->ev, 204, reason(204), NULL);
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
	assert(code >= 400 && code < 600);
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

/* -- another try -- */

/* A request that is not answered yet: it is served anew when its time comes. */
struct again {
	struct http_context *context;
	struct request_origin of;
	struct event *timer;
	TAILQ_ENTRY(again) entry;
};

static void again_free(struct again *again)
{
	TAILQ_REMOVE(&again->context->again, again, entry);
	event_free(again->timer);
	free(again);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct again again = *(struct again *)arg;
	again_free(arg);
	again.context->serve(again.context, &again.of);
}

/* evhttp reads nothing of a connection while its request is open: the request
 * stays until it is answered. */
void request_again(const struct request *r, unsigned ms)
{
	assert(ms > 0);
	struct again *again = mem_zero(1, sizeof *again);
	struct timeval in = {0, (long)ms * 1000};

	again->context = r->http;
	again->of = r->of;
	again->of.tries++;
	again->timer = event_new(r->http->base, -1, 0, on_again, again);
	if (!again->timer)
		abort(); /* no memory */
	event_add(again->timer, &in);
	TAILQ_INSERT_TAIL(&r->http->again, again, entry);
}

void request_drop_waiting(struct http_context *context)
{
	while (!TAILQ_EMPTY(&context->again))
		again_free(TAILQ_FIRST(&context->again));
}

/* -- calls to control -- */

/* A call and the request that it is for. */
struct waiting_call {
	struct call call;
	struct http_context *http;
	struct evhttp_request *ev;
	request_reply *reply;
};

static void on_reply(struct call *call)
{
	struct waiting_call *w = (struct waiting_call *)call;
	struct request later = {.http = w->http, .ev = w->ev};
	w->reply(&later, call);
}

struct call *request_call(const struct request *r, enum call_kind kind,
	const char *node, request_reply *run)
{
	assert(run);
	struct waiting_call *w = (struct waiting_call *)call_new(
		sizeof *w, kind, r->http->mailbox, on_reply);
	w->http = r->http;
	w->ev = r->ev;
	w->reply = run;
	if (node)
		strncpy(w->call.node, node, sizeof w->call.node - 1);
	return &w->call;
}

void request_post(const struct request *r, struct call *call)
{
	call_post(call, r->http->control);
}
