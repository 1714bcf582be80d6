/* http.h - the API, metrics and the page, on a thread of its own (evhttp).
 *
 * Reads the published snapshot like a worker and owns accounts like one; what it
 * asks of control are calls (control/call.h). A flood of HTTP costs this thread only: connections, header and
 * body sizes and rates per address are capped.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"
#include "sandbox/sandbox.h"
#include "snapshot/snapshot.h"

struct accounts;
struct callee;
struct http;
struct mailbox;
struct record_ring;
struct sent_table;

/* Listening sockets, opened by control while it is root; -1 ends a list. */
struct http_sockets {
	int *operators, *public;
	struct ssl_ctx_st *tls; /* of public, NULL: plain; http owns it */
	unsigned connections;   /* at a time, of each list */
	unsigned streams;       /* of events, beside them */
};

/* Reads the certificate of the public listener, while we may: *tls is NULL
 * without one. False with a message if it can't be used. */
bool http_load_tls(
	const struct conf *conf, struct ssl_ctx_st **tls, struct err *err);

/* What http shares with other threads. */
struct http_links {
	struct published *published;
	const struct callee *control;
	struct sent_table *sent;  /* what client nets were sent to */
	struct record_ring *ring; /* what is recorded; NULL: nothing */
	uint64_t secret;
	enum sandbox_mode sandbox;
};

/* conf is read now and by http_reconfigure, not kept. Starts the thread. */
struct http *http_start(const struct conf *conf,
	const struct http_sockets *sockets, const struct http_links *links);

/* After a reload: token, heartbeat_from and the certificate may have changed; a
 * certificate that can't be used is a warning. */
void http_reconfigure(
	struct http *http, const struct conf *conf, struct err *err);

/* Another process accepts from here on: closes this one's listening descriptors,
 * answers what has come, then ends the thread and calls rested(arg) in the mailbox.
 * http_stop() follows. */
void http_rest(struct http *http, struct mailbox *mailbox,
	void (*rested)(void *arg), void *arg);
void http_stop(struct http *http); /* and frees it; NULL allowed */

/* For control's merge. */
const struct accounts *http_accounts(const struct http *http);

#endif
