/* request.h - one HTTP request on its way: what a handler reads of it, and how it is
 * answered. Private to http/, on its thread.
 *
 * A request is answered once, by one of the functions below, at once or later: then
 * by request_again(), or with the reply of a call to control.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/err.h"
#include "control/call.h"
#include "snapshot/snapshot.h"
#include "steer/steer.h"

struct access_rules;
struct again;
struct events;
struct http_context;
struct limits;

/* A request as a listener hands it over. */
struct request_origin {
	struct evhttp_request *ev;
	bool public; /* came to the public listener */
	struct addr
		connected; /* the other end of the connection; may be a proxy */
	unsigned tries;    /* request_again() so far */
};

/* What all requests have in common; http.c makes it. */
struct http_context {
	struct event_base *base;
	const struct callee *control;
	struct mailbox *mailbox;   /* of this thread */
	struct accounts *accounts; /* this thread's */
	struct record_ring *ring;  /* NULL: nothing is recorded */
	struct events *events;
	struct limits *limits;
	struct access_rules *rules; /* replaced by a reload */
	void (*serve)(
		struct http_context *context, const struct request_origin *of);
	TAILQ_HEAD(again_list, again) again; /* requests that wait */
};

struct request {
	struct http_context *http;
	struct evhttp_request *ev;
	struct request_origin of;
	/* Until the handler returns; not for request_reply. */
	const struct snapshot *snap; /* inside the read section */
	struct addr peer;            /* the client */
	bool trusted;                /* by address */
	bool has_token;
	const char *path;
	struct evkeyvalq query;
};

/* -- what was asked -- */

/* A parameter of the URL; NULL if it is missing. */
const char *request_param(const struct request *r, const char *name);

/* The body, a JSON object; the caller owns it. NULL with a message. */
json_t *request_body(const struct request *r, struct err *err);

/* The client that a question is about (client: a parameter or NULL, then the
 * caller), and what name means; false: an error was answered. */
bool request_client(struct request *r, const char *name, const char *client,
	struct steer_query *query, unsigned *scope);

/* -- answers; the request is done with -- */

void request_json(struct request *r, int code, json_t *json); /* consumes it */
void request_error(struct request *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void request_text(
	struct request *r, const char *type, const void *text, size_t len);
void request_not_modified(struct request *r);
void request_no_content(struct request *r);

/* Before one of these. */
void request_header(struct request *r, const char *name, const char *value);

/* -- answers that come later -- */

/* Runs its handler again after less than a second. */
void request_again(const struct request *r, unsigned ms);

/* Ends all that wait for that, unanswered. */
void request_drop_waiting(struct http_context *context);

/* Answers a request with what control replied. */
typedef void request_reply(struct request *r, const struct call *call);

/* A call about a node (or NULL) to fill in; request_post() hands it over. */
struct call *request_call(const struct request *r, enum call_kind kind,
	const char *node, request_reply *run);
void request_post(const struct request *r, struct call *call);

/* Where a change is in force. */
static inline const char *request_scope(const struct call *call)
{
	return call->everywhere ? "everywhere" : "this name server";
}

#endif
