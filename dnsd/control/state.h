/* state.h - the control thread's own state. Private to control/. */
#ifndef CONTROL_STATE_H
#define CONTROL_STATE_H

#include <event2/event.h>

#include "base/log.h"
#include "control/build.h"
#include "control/control.h"
#include "control/faults.h"
#include "control/streams.h"
#include "fleet/fleet.h"
#include "http/http.h"
#include "net/listen.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "replay/recorder.h"
#include "snapshot/report.h"
#include "snapshot/snapshot.h"
#include "snapshot/streams.h"
#include "srs/poll.h"
#include "store/store.h"

/* A job of the builder thread. */
struct build_job;
struct enrolment;
struct pending;

/* Somebody who wants to know how a reload ended. */
struct reload_waiter {
	struct reload_waiter *next;
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
};

struct control {
	const char *path; /* of the configuration */
	struct event_base *base;
	struct mailbox *mailbox; /* what other threads ask of this one */
	struct event *mailbox_event, *tick, *soon, *watch, *save, *hup, *term,
		*intr;

	struct built *built; /* in service */
	struct load *load;   /* published */
	struct report *report;
	struct published published;
	struct fleet *fleet;
	struct sent_table
		*sent;        /* what client nets were sent to; all threads' */
	struct accounts *own; /* for explanations on this thread */
	struct poller *poller;
	struct streams *streams;           /* as the nodes reported */
	struct stream_index *stream_index; /* published */
	struct stream_set *stream_set;     /* the same for decisions */
	int64_t streams_asked_ms;          /* beside the polls */
	struct pending *pending;           /* report, not known */
	struct pending_list *pending_list; /* published */
	struct store *store;               /* NULL: none */

	struct listeners listeners;
	unsigned n_workers;
	struct udp_worker **workers;
	struct tcp_server *tcp;
	struct http *http; /* NULL: none */
	struct record *record;
	struct ctl *ctl; /* NULL: none */

	struct build_job *job;         /* under way; NULL: none */
	struct reload_waiter *waiters; /* for the job under way */
	bool reload_again;             /* asked for while one was under way */
	struct reload_waiter *waiters_again;
	struct enrolment *enrolments; /* that no build has begun with */
	struct geo_files geo_seen; /* a change is loaded when it is at rest */
	bool geo_failed;  /* geo_seen could not be used: not tried again */
	bool geo_pending; /* the first load is still to come */
	bool restored;    /* what the store keeps is in force */
	bool failed;      /* the first load failed: stop with an error */

	struct conf_expect *schedule; /* of the API; see schedule.h */
	unsigned n_schedule;
	int64_t last_id;

	struct report_traffic *traffic, *new_traffic; /* published, to be */
	struct traffic_round *traffic_round;
	struct history_sums *history;
	uint64_t maps; /* taken in service */

	uint8_t *logged; /* enum node_state, as the log told it, by node */
	unsigned n_logged;
	bool logged_blind;
	struct faults *faults; /* of what is asked of nodes */

	int64_t start_ms;
	uint64_t generation, builds, build_ns, builds_cpu_ns;
	uint64_t reloads, reload_errors;
	int64_t reload_wall_ms;
	char *reload_error; /* "" or text; owned */
};

/* -- reload.c -- */

/* Builds the configuration anew on the builder thread; done may be NULL. */
void control_reload(struct control *c,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* Looks whether a geo file changed, and has it loaded. */
void control_watch_geo(struct control *c);
void control_builder_stop(struct control *c);

/* -- recording.c -- */

/* Gives every answering thread its ring; before they start. */
void control_record_open(struct control *c);
struct record_ring *control_record_http(struct control *c);

/* What is recorded from now on, and the nodes as they are. Before a map is
 * published. */
void control_record_set(struct control *c);
void control_record_close(struct control *c); /* the threads have ended */

/* -- ops.c -- */

struct control_ops control_http_ops(struct control *c);
/* -- traffic.c: where answers went, for the operator's map -- */

/* Reads one thread's accounts, so that no tick reads all of them; a new sum is
 * there when all were read, each 5 s at most. */
void control_traffic_step(struct control *c);

/* Puts a new sum into c->flows; the old one, to be freed when no snapshot has
 * it, NULL: none. */
struct report_traffic *control_traffic_take(struct control *c);
void control_traffic_free(struct control *c);

/* -- history.c: the nodes' load, into the store -- */

/* Adds how the nodes are to the means of the present step, each second. */
void control_history_watch(struct control *c);
void control_history_free(struct control *c);

/* As in struct control_ops; any thread. */
void control_history_ask(void *control, struct history_call *call);

/* -- control.c -- */

/* Puts a new state in service; frees what it replaces. err takes warnings. */
void control_adopt(struct control *c, struct built *built, struct err *err);
void control_adopt_geo(struct control *c, struct geo *geo, struct map *map,
	struct geo_files files);
void control_publish(struct control *c);

/* Drains a node or ends it, kept over a restart; done tells when it is on
 * disk (ok false: it is in force but will not survive). False: no such node,
 * done is not called. */
bool control_drain(struct control *c, const char *node, bool drained,
	void (*done)(void *arg, bool ok), void *arg);

/* What is to be said where there is a store and done has told false. */
const char *control_drain_lost(bool drained);

void control_stop(struct control *c);

#endif
