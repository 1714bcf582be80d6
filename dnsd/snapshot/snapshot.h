/* snapshot.h - all that a query may consult, behind one RCU pointer.
 *
 * Immutable once published. Its parts change at different rates and are shared
 * by successive snapshots: zones (hours), geo (weeks), map (when the inventory
 * changes), load (every 100 ms). Control is the only publisher; workers read
 * inside an RCU read section of one batch.
 */
#ifndef SNAPSHOT_SNAPSHOT_H
#define SNAPSHOT_SNAPSHOT_H

#include <stdint.h>

#include "steer/steer.h"

struct zoneset;
struct server_options;
struct report;
struct stream_index;
struct pending_list;
struct servers;
struct transfer_source;

struct snapshot {
	uint64_t generation; /* grows with every publication */
	const struct zoneset *zones;
	struct steer_state steer; /* map NULL: nothing is steered; load is NULL
				     with map NULL only */
	const struct server_options *options;
	const struct report *report;
	const struct stream_index *streams;
	const struct pending_list *pending_list;
	const struct servers *servers;     /* NULL: this one is alone */
	struct transfer_source *transfers; /* NULL: no transfers, no keys */
};

/* The one pointer. Control publishes; every other thread reads it, between
 * snapshot_acquire() and snapshot_release() (an RCU read section), after it has
 * called snapshot_thread_begin(). */
struct published {
	struct snapshot *now;
};

void snapshot_thread_begin(void);
void snapshot_thread_end(void);

/* The present snapshot; it and all its parts stay until it is released. Costs
 * no shared write, never waits. */
const struct snapshot *snapshot_acquire(struct published *published);
void snapshot_release(struct published *published);

/* Puts a snapshot in place of the present one and waits until no thread reads the
 * old one, which is freed (not its parts). Returns when what it no longer
 * shares may be freed by their owner. */
void snapshot_publish(struct published *published, struct snapshot snapshot);

#endif
