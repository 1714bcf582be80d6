/* path_history.h - round trip and loss of pairs of an area and a node over the last day:
 * a part of the store (store.h).
 *
 * Bounded: a step of PATH_HISTORY_STEP_S has at most PATH_HISTORY_PAIRS points, kept for
 * PATH_HISTORY_KEPT_S; 16 octets each, so some 20 MB on disk and nothing in memory.
 * A row is a step and a node, with the points of its areas: steps are written at the end
 * of the table and dropped at its begin.
 */
#ifndef STORE_PATH_HISTORY_H
#define STORE_PATH_HISTORY_H

#include "store/store.h"

#define PATH_HISTORY_STEP_S 300
#define PATH_HISTORY_KEPT_S 86400
#define PATH_HISTORY_PAIRS 4096

/* A point to be written. */
struct store_path_row {
	char node[64];
	uint64_t area;
	float rtt_ms, loss;
};

/* A point as it is read; the step begins at at_s (wall clock). */
struct store_path_point {
	int64_t at_s;
	float rtt_ms, loss;
};

/* Keeps the n points of a step, at most PATH_HISTORY_PAIRS, those of a node one after the
 * other; drops what is too old. One transaction, without answer. */
void store_path_history(struct store *store, const struct store_path_row *rows,
	unsigned n, int64_t at_s);

/* The points of an area and a node not before since_s, by time. done runs in mailbox,
 * also if they can't be read (ok false); it frees points. */
void store_path_history_read(struct store *store, const char *node,
	uint64_t area, int64_t since_s, struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, struct store_path_point *points,
		unsigned n),
	void *arg);

#endif
