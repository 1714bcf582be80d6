/* spread.h - where viewers that come together will want to go: those of a node
 * that has died, those of a class that begins.
 *
 * Pure. The caller lists the nodes that may take them; room is kept there.
 */
#ifndef FLEET_SPREAD_H
#define FLEET_SPREAD_H

#include <stdint.h>

#define SPREAD_SLICES 20

struct spread_node {
	uint16_t node;
	float path_ms;    /* from where the viewers are */
	float used;       /* utilisation without them */
	float per_viewer; /* utilisation that one more adds */
	float room;       /* as in struct load_node */
	float weight;     /* its share, for spread_share */
	float viewers;    /* result: that go here */
};

/* Viewers that this node can take until it is full. */
float spread_free(const struct spread_node *node);

/* Along the cost: slice by slice to whichever node is cheapest by path and by
 * the price of its load, the slices before included. */
void spread_go(struct spread_node *nodes, unsigned n, float viewers);

/* By weight, but no node gets more than makes it full; what is too much for
 * one goes to the others, what is too much for all is left out. */
void spread_share(struct spread_node *nodes, unsigned n, float viewers);

#endif
