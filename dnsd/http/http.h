/* http.h - the API, metrics and the page, on a thread of its own (evhttp).
 *
 * Reads the published snapshot like a worker and owns accounts like one; asks
 * for changes through struct control_ops, whose functions may be called from
 * this thread. A flood of HTTP costs this thread only: connections, header and
 * body sizes and rates per address are capped.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "conf/conf.h"
#include "snapshot/snapshot.h"

struct accounts;
struct sent_table;
struct record_ring;

/* A call about the schedule. http makes it, control answers in it and posts
 * done(call) to the mailbox. */
struct schedule_call {
	enum schedule_what {
		SCHEDULE_LIST,
		SCHEDULE_ADD,
		SCHEDULE_REMOVE
	} what;
	struct conf_expect entry; /* to add; of the one to remove: the id */

	int code; /* the answer, as HTTP's; 200: good */
	const char *text;
	unsigned n;
	struct conf_expect *list; /* malloc'd; for SCHEDULE_LIST, by time */

	void (*done)(void *call);
	struct mailbox *mailbox;
	void *control; /* control's own */
};

/* A question for the load history of a node, as struct schedule_call. */
struct history_call {
	char node[64];
	int64_t since_s; /* wall clock */

	bool ok; /* the answer; false: there is no store, or it can't be read */
	unsigned step_s; /* the present distance of points */
	unsigned n;
	struct history_point *points; /* malloc'd, by time */

	void (*done)(void *call);
	struct mailbox *mailbox;
	void *control;
};

/* Means over a step that begins at at_s. */
struct history_point {
	int64_t at_s;
	float connections, utilisation, bandwidth_bps;
};

/* What http may ask of control. done(arg, ok, text) runs in mailbox. */
struct control_ops {
	void *arg;
	/* text NULL: a reload took the node meanwhile. */
	void (*drain)(void *arg, const char *node, bool drained,
		struct mailbox *mailbox,
		void (*done)(void *arg, bool ok, const char *text),
		void *done_arg);
	/* A heartbeat's connections of a node, by its index in the map. */
	void (*heartbeat)(void *arg, unsigned node, float connections);
	/* One of a server that the map does not have. */
	void (*pending_node)(void *arg, const char *server, const char *device,
		const struct addr *from, float connections);
	/* Makes a node of a pending one, with keys as the configuration has them
	 * (JSON), or takes an approved one out again (NULL). As drain. */
	void (*enrol)(void *arg, const char *node, const char *keys,
		struct mailbox *mailbox,
		void (*done)(void *arg, bool ok, const char *text),
		void *done_arg);
	void (*schedule)(void *arg, struct schedule_call *call);
	/* A stream is not where the nodes told last: asks them again, soon. */
	void (*streams)(void *arg);
	void (*history)(void *arg, struct history_call *call);
};

struct http;

/* Listening sockets, opened by control while it is root; -1 ends a list. */
struct http_sockets {
	int *operators, *public;
	struct ssl_ctx_st *tls; /* of site, NULL: plain; http owns it */
	unsigned connections;   /* at a time, of each list */
	unsigned streams;       /* of events, beside them */
};

/* Reads the certificate of the public listener, while we may: *tls is NULL
 * without one. False with a message if it can't be used. */
bool http_load_tls(
	const struct conf *conf, struct ssl_ctx_st **tls, struct err *err);

/* conf is read now and by http_reconfigure, not kept. ring: what is recorded,
 * NULL: nothing. Starts the thread. */
struct http *http_start(const struct conf *conf,
	const struct http_sockets *sockets, struct published *published,
	const struct control_ops *ops, struct sent_table *sent,
	struct record_ring *ring, uint64_t secret);

/* After a reload: token, heartbeat_from and the certificate may have changed; a
 * certificate that can't be used is a warning. */
void http_reconfigure(
	struct http *http, const struct conf *conf, struct err *err);
void http_stop(struct http *http); /* and frees it; NULL allowed */

/* For control's merge. */
const struct accounts *http_accounts(const struct http *http);

#endif
