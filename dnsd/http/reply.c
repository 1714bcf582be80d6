/* What handlers read of a request, and how they answer it. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/conns.h"
#include "http/request.h"

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
	bool has = *http_rules(r->http)->token;
	if (r->has_token)
		return true;
	request_header(r, "WWW-Authenticate", "Bearer");
	request_error(r, has ? 401 : 403,
		has ? "the token is missing or wrong"
		    : "no token is configured: changes are off");
	return false;
}
