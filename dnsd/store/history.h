/* history.h - the nodes' load over the last days: a table of means.
 *
 * For the store's thread; store.h has the requests. Bounded: points are kept for
 * HISTORY_KEPT_S, and a fleet above HISTORY_NODES_A_MINUTE nodes is written less
 * often, so that the table never has more than about 2 million rows:
 *
 *	step = 60 s * ceil(nodes / 200)
 *
 * Rows lie by node, then time: one node's history is one range, and so is what
 * is too old of it.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define HISTORY_KEPT_S (7 * 86400)
#define HISTORY_STEP_S 60
#define HISTORY_NODES_A_MINUTE 200

extern const char history_schema[];

/* Writes n points and drops what is too old, in one transaction; all or
 * nothing. */
bool history_write(sqlite3 *db, const struct store_history_row *rows,
	unsigned n, int64_t now_s);

/* A node's points not before since_s, by time; none if it is unknown. The caller
 * frees *points. */
bool history_read(sqlite3 *db, const char *node, int64_t since_s,
	struct store_point **points, unsigned *n);

#endif
