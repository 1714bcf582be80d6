/* load.h - how every node is now: the part of the snapshot that is published
 * every 100 ms. Made by fleet.c, immutable, freed with load_free().
 */
#ifndef STEER_LOAD_H
#define STEER_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "steer/map.h"

/* In the order of last resort: an answer takes the first kind there is. */
enum node_state { NODE_UP, NODE_UNKNOWN, NODE_DOWN, NODE_DRAINED };
extern const char *const node_states[]; /* their names */

/* What a decision reads of a node; two to a cache line. */
struct load_node {
	float used;       /* utilisation, reservations included, 1 = full:
			     worst of connections, bandwidth, CPU */
	float per_viewer; /* utilisation one more viewer adds */
	float room;       /* 1, less while the node ramps up */
	float ln_weight;  /* ln(capacity * room), for the rendezvous hash */
	float growth;     /* utilisation per second, >= 0 */
	float penalty_ms; /* doubts: a failed poll, recent faults */
	float reserved;   /* viewers in flight, part of used */
	uint8_t state;    /* enum node_state */
};

struct load {
	uint32_t generation; /* grows with each publication */
	bool ready;          /* first polls are in, or have been waited for */
	bool provisional;    /* geography is still being read: short TTLs */
	unsigned n;
	const struct load_node *node; /* by map index */
	/* Per pool: up nodes with most room, for clients whose near nodes are
	 * all full; MAP_NO_NODE ends. */
	const uint16_t (*spare)[MAP_CANDIDATES];
};

static inline void load_free(struct load *load)
{
	free(load); /* one block */
}

#endif
