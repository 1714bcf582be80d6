/* figures.h - figures that were learned of each node, over a restart: a part of the
 * store (store.h). A kind has a table, a row a node. What figures mean is the
 * caller's matter; none is negative.
 */
#ifndef STORE_FIGURES_H
#define STORE_FIGURES_H

#include "store/store.h"

enum store_kind {
	STORE_STABILITY, /* how far relays could be relied on */
	STORE_CAPACITY,  /* what nodes can have */
	STORE_MULTIPLIER /* viewers an answer, of all nodes; one row */
};

/* In the order of the tables' columns; a column is never taken away. */
enum store_stability {
	FIGURE_LOST,
	FIGURE_LOST_LONG,
	FIGURE_RTT_MS,
	FIGURE_RTT_LONG_MS,
	FIGURE_JITTER_MS,
	FIGURE_JITTER_LONG_MS,
	FIGURE_DROPS,
	FIGURE_RESTARTS,
	FIGURE_DOWNS,
	FIGURE_BACK_MS /* for so long from then at the back */
};

enum store_capacity {
	FIGURE_IDENTITY, /* of the process that it was learned of */
	FIGURE_CPU,
	FIGURE_FEW,
	FIGURE_IDLE,
	FIGURE_BY_CPU,
	FIGURE_OFF,
	FIGURE_ONE_BPS,
	FIGURE_MORE_VIEWERS,
	FIGURE_MORE_BPS,
	FIGURE_LINK_BPS,
	FIGURE_TOP_BPS,
	FIGURE_AT_TOP,
	FIGURE_FULL_VIEWERS,
	FIGURE_FULL_BPS,
	FIGURE_BITRATE_BPS /* 0: not known */
};

enum store_multiplier { FIGURE_JOINED, FIGURE_RESERVED };

#define STORE_FIGURES 15 /* of any kind, at most */

/* One row. A whole number up to 2^53 is kept as it is. */
struct store_figures {
	char name[64];
	int64_t at_ms; /* wall clock */
	double of[STORE_FIGURES];
};

/* Keeps n rows, in one transaction, without answer. */
void store_figures_keep(struct store *store, enum store_kind kind,
	const struct store_figures *rows, unsigned n);

/* All that is kept; called before the store is used otherwise, blocks. The
 * caller frees *rows. False with a message if it can't be read. */
bool store_figures_load(struct store *store, enum store_kind kind,
	struct store_figures **rows, unsigned *n, struct err *err);

#endif
