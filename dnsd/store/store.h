/* store.h - what must survive a restart: the operator's overrides and
 * schedule, the last known states of the nodes, and their load history.
 *
 * SQLite on a thread of its own behind requests: an fsync never delays
 * polling. Callbacks run on the mailbox that the asker names. All is lost
 * that was not confirmed, nothing that was (kill -9 at any moment).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mailbox.h"
#include "conf/conf.h"

struct store;

struct store_node {
	char name[64];
	bool drained;
	uint8_t state; /* enum node_state of the last save; 1 unknown */
	float connections;
};

/* Opens or makes the database at path (its directory must exist). NULL with a
 * message: the server then goes on without one. Starts the thread. */
struct store *store_open(const char *path, struct err *err);

/* Finishes what was asked and stops. */
void store_close(struct store *store);

/* Returns when all that was asked before has ended: what was to be written is on disk.
 * Blocks; for threads of builds. */
void store_sync(struct store *store);

/* All stored nodes; called before the store is used otherwise, blocks. The
 * caller frees *nodes. False with a message if it can't be read. */
bool store_load(struct store *store, struct store_node **nodes, unsigned *n,
	struct err *err);

/* A waiting caller: when something is on disk, done(arg, ok) runs in mailbox. */
struct store_waiter {
	struct mailbox *mailbox;
	void (*done)(void *arg, bool ok); /* NULL: none */
	void *arg;
};

/* Keeps a drain or its end. */
void store_drain(struct store *store, const char *node, bool drained,
	struct store_waiter waiter);

/* All stored entries of the schedule, as store_load. */
bool store_load_schedule(struct store *store, struct conf_expect **list,
	unsigned *n, struct err *err);

/* Keeps an entry of the schedule, or forgets the one of its id. */
void store_schedule(struct store *store, const struct conf_expect *entry,
	bool keep, struct store_waiter waiter);

/* Keeps the states of n nodes, in one transaction, without answer. */
void store_states(
	struct store *store, const struct store_node *nodes, unsigned n);

/* -- load history: history.h has its bounds -- */

/* Means over a step that begins at at_s (wall clock). */
struct store_point {
	int64_t at_s;
	float connections, utilisation, bandwidth_bps;
};

struct store_history_row {
	char node[64];
	struct store_point mean;
};

/* How far apart the points of so many nodes are. */
unsigned store_history_step_s(unsigned n_nodes);

/* Keeps n points, in one transaction, without answer. */
void store_history(struct store *store, const struct store_history_row *rows,
	unsigned n, int64_t now_s);

/* A node's points not before since_s, by time. done runs in mailbox, also if
 * they can't be read (ok false); it frees points. */
void store_history_read(struct store *store, const char *node, int64_t since_s,
	struct mailbox *mailbox,
	void (*done)(
		void *arg, bool ok, struct store_point *points, unsigned n),
	void *arg);

#endif
