/* request.h - one HTTP request on its way. Private to http/. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "http/http.h"
#include "snapshot/snapshot.h"
#include "steer/steer.h"

struct request {
	struct http *http;
	struct evhttp_request *ev;
	const struct snapshot *snap; /* inside the read section */
	bool public;                 /* came to the public listener */
	bool trusted;                /* by address */
	bool has_token;
	unsigned tries;   /* request_again() so far */
	struct addr peer; /* the client */
	struct addr
		connected; /* the other end of the connection; may be a proxy */
	const char *path;
	struct evkeyvalq query;
};

/* Who may do what; replaced by a reload. */
struct http_rules {
	char token[256]; /* "": no changes at all */
	unsigned n_heartbeat;
	struct prefix *heartbeat_from; /* NULL: the nodes' addresses */
	unsigned n_names;
	char **names; /* by which the operator's listener is reached */
	unsigned n_proxies;
	struct prefix *proxies; /* in front of the public one */
};

/* A parameter of the URL; NULL if it is missing. */
const char *request_param(const struct request *r, const char *name);

/* The client that a question is about (client: a parameter or NULL, then the
 * caller), and what name means; false: an error was answered. */
bool request_client(struct request *r, const char *name, const char *client,
	struct steer_query *query, unsigned *scope);

/* The body, a JSON object; the caller owns it. NULL with a message. */
json_t *request_body(const struct request *r, struct err *err);

/* Answers; the request is done with. json is consumed. */
void request_json(struct request *r, int code, json_t *json);
void request_error(struct request *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void request_text(
	struct request *r, const char *type, const void *text, size_t len);
void request_not_modified(struct request *r);
void request_no_content(struct request *r);
/* Not answered yet: runs its handler again after less than a second. */
void request_again(const struct request *r, unsigned ms);
/* Whether the caller may change things; false: an error was answered. */
bool request_may_change(struct request *r);
/* Whether the caller is a node: who may report. */
bool request_from_node(const struct request *r);
void request_header(struct request *r, const char *name, const char *value);

/* Who waits for approval. */
json_t *enrol_pending_json(const struct snapshot *snap);
/* Parts of answers that several handlers share. */
json_t *request_text_json(const char *text);          /* "": null */
json_t *request_at_json(const struct map_node *node); /* null: nowhere known */
json_t *request_addresses_json(const struct map_node *node);
/* whole: with lists that have no bound */
json_t *request_status_json(const struct snapshot *snap, bool whole);

/* The rest of http that handlers need. */
const struct control_ops *http_ops(const struct http *http);
struct mailbox *http_mailbox(const struct http *http);
const struct http_rules *http_rules(const struct http *http);
struct accounts *http_own_accounts(const struct http *http);
struct record_ring *http_ring(const struct http *http);
struct events *http_events(const struct http *http);

/* Hands it to its handler. */
void request_route(struct request *r);

/* Handlers. */
void api_nodes(struct request *r);
void api_status(struct request *r);
void api_explain(struct request *r);
void api_events(struct request *r);
void api_history(struct request *r);
void api_lines(struct request *r);
void api_resolve(struct request *r);
void api_drain(struct request *r, const char *node, bool drained);
void api_schedule(struct request *r);
void api_schedule_remove(struct request *r, const char *id);
void api_heartbeat(struct request *r);
void api_feedback(struct request *r);
void api_clusters(struct request *r);
void api_streams(struct request *r);
void api_pending(struct request *r);
void api_enrol(struct request *r, const char *node);
void api_enrol_remove(struct request *r, const char *node);
void metrics(struct request *r);

#endif
