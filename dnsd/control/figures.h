/* figures.h - what was learned of each node and its fleet, over a restart: the
 * stability of relays, the capacities, how many viewers an answer brings. Control
 * thread only; the store writes on its own (store/figures.h).
 */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

struct control;

/* Takes what is kept into the fleet. There is a store. */
void figures_restore(struct control *c);

/* Hands all to the store. */
void figures_keep(struct control *c);

#endif
