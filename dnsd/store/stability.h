/* stability.h - how far relays could be relied on (fleet/stability.h), over a
 * restart: a part of the store (store.h).
 */
#ifndef STORE_STABILITY_H
#define STORE_STABILITY_H

#include "store/store.h"

/* One node's figures, named as in the table. */
struct store_stability {
	char name[64];
	int64_t at_ms; /* wall clock */
	double lost, lost_long, rtt_ms, rtt_long_ms, jitter_ms, jitter_long_ms;
	double dropped, restarts, downs;
	double back_ms; /* for so long from then at the back */
};

/* Keeps the figures of n nodes, in one transaction, without answer. */
void store_stability_keep(
	struct store *store, const struct store_stability *nodes, unsigned n);

/* All that is kept; called before the store is used otherwise, blocks. The
 * caller frees *nodes. False with a message if it can't be read. */
bool store_stability_load(struct store *store, struct store_stability **nodes,
	unsigned *n, struct err *err);

#endif
