/* figures.h - what was learned of each node and its fleet, over a restart: the
 * stability of relays, the capacities, how many viewers an answer brings. Control
 * thread only; the store writes on its own (store/figures.h).
 */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

#include <stdbool.h>

#include "store/figures.h"

struct control;

/* What is known of a node, or of the fleet (STORE_MULTIPLIER; node 0). False: nothing
 * yet. */
bool figures_of(struct control *c, enum store_kind kind, unsigned node,
	struct store_figures *row);

/* That is known from now on. */
void figures_take(struct control *c, enum store_kind kind, unsigned node,
	const struct store_figures *row);

/* Takes what is kept into the fleet. There is a store. */
void figures_restore(struct control *c);

/* Hands all to the store. */
void figures_keep(struct control *c);

#endif
