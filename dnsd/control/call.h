/* call.h - a request of another thread or of the control socket to control, and
 * the reply.
 *
 * The asker makes a call, fills in the request and posts it; from then on it is
 * control's, which answers it once. done() then runs on the asker's side, reads
 * the reply and keeps nothing: the call is freed behind it. A call without done()
 * has no reply. If the server stops meanwhile there is none either.
 *
 * An asker that must know more when the reply comes makes the call the first
 * member of a struct of its own.
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mailbox.h"
#include "conf/conf.h"

struct path_report;

#define CALL_PER_S_MOST 1000

enum call_kind {
	CALL_DRAIN,
	CALL_UNDRAIN,
	CALL_MOVE, /* the viewers of a drained node */
	CALL_ENROL,
	CALL_REMOVE, /* an enrolled node */
	CALL_RELOAD,
	CALL_SCHEDULE_LIST,
	CALL_SCHEDULE_ADD,
	CALL_SCHEDULE_REMOVE,
	CALL_SEED,  /* the registry from what this server has */
	CALL_ADOPT, /* the registry that etcd has, in place of that */
	CALL_HISTORY,
	CALL_PATH_HISTORY,
	/* Without a reply: */
	CALL_HEARTBEAT, /* of a node */
	CALL_PENDING,   /* a heartbeat of a server that is not known */
	CALL_PATHS,     /* what a node or a player measured */
	CALL_STREAMS    /* a stream is not where nodes reported it: ask again */
};

enum call_result {
	CALL_KEPT,     /* done, and on disk if that is where it belongs */
	CALL_NO_STORE, /* in force, but there is no store that would keep it */
	CALL_LOST,     /* in force, but the store cannot be written */
	CALL_UNKNOWN,  /* no such node or entry */
	CALL_CONFLICT, /* another name server changed it meanwhile; text says so */
	CALL_REFUSED /* text says why */
};

/* Means over a step that begins at at_s (wall clock). */
struct call_point {
	int64_t at_s;
	float connections, utilisation, bandwidth_bps;
};

/* What was believed of a path at the end of a step that begins at at_s. */
struct call_path_point {
	int64_t at_s;
	float rtt_ms, loss;
};

struct call {
	/* -- the request -- */
	enum call_kind kind;
	char node[64];            /* of a node, but for CALL_HEARTBEAT */
	char *keys;               /* CALL_ENROL: a JSON object; malloc'd */
	struct conf_expect entry; /* SCHEDULE_ADD; of _REMOVE: its id */
	int64_t since_s;          /* HISTORY, PATH_HISTORY: wall clock */
	uint64_t area;            /* PATH_HISTORY: path_area_key() */
	unsigned index;           /* HEARTBEAT: in the map */
	float connections;        /* HEARTBEAT, PENDING */
	double per_s;             /* MOVE: viewers, at most CALL_PER_S_MOST */
	bool publishers;          /* MOVE: these too, at last */
	struct addr from;         /* PENDING */
	char server[128], device[128];
	unsigned n_paths;          /* PATHS */
	struct path_report *paths; /* malloc'd */

	/* -- the reply -- */
	enum call_result result;
	char *text;      /* malloc'd; "": nothing to say */
	bool everywhere; /* all name servers have it */
	unsigned n;
	struct conf_expect *list;  /* SCHEDULE_LIST, by time; malloc'd */
	struct call_point *points; /* HISTORY, by time; malloc'd */
	struct call_path_point *path_points; /* PATH_HISTORY, the same */
	unsigned step_s; /* of both: the present distance of points */

	/* -- on the way -- */
	void (*done)(struct call *call); /* NULL: no reply is wanted */
	struct mailbox *mailbox; /* where done() runs; NULL: with control */
	const struct callee *callee;
	struct call *next; /* in a list of calls with the same answer */
};

/* The side that answers: run(owner, call) runs in the mailbox. */
struct callee {
	struct mailbox *mailbox;
	void (*run)(void *owner, struct call *call);
	void *owner;
};

/* A call in a block of that size, zeroed but for these. */
struct call *call_new(size_t size, enum call_kind kind, struct mailbox *mailbox,
	void (*done)(struct call *call));

/* Any thread: hands the call over. */
void call_post(struct call *call, const struct callee *callee);

/* The callee: answers the call and gives it back; text NULL: "". */
void call_answer(struct call *call, enum call_result result, const char *text);

/* A call that will not be answered. NULL allowed. */
void call_free(struct call *call);

#endif
