/* load.h - how every node is now: the part of the snapshot that is published
 * every 100 ms. Made by fleet.c, immutable, freed with load_free().
 */
#ifndef STATE_LOAD_H
#define STATE_LOAD_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "state/map.h"
#include "state/stream_set.h"

struct stability; /* fleet/stability.h */

/* In the order of last resort: an answer takes the first kind there is. */
enum node_state { NODE_UP, NODE_UNKNOWN, NODE_DOWN, NODE_DRAINED };
extern const char *const node_states[]; /* their names */

/* What a decision reads of a node; two to a cache line. */
struct load_node {
	float used;       /* utilisation, reservations included, 1 = full:
			     worst of connections, bandwidth, CPU */
	float per_viewer; /* utilisation one more viewer adds */
	float room;       /* 1, less while the node ramps up */
	float ln_weight;  /* ln(capacity * room), for the rendezvous hash; at
			      most the pool's ln_weight_max */
	float growth;     /* utilisation per second, >= 0 */
	float penalty_ms; /* a failed poll, distrust, a node that serves no viewer */
	float reserved;       /* viewers in flight, part of used */
	uint8_t state;        /* enum node_state */
	uint8_t returning;    /* its viewers come back: 255 just after its first
			      failure, fading to 0 in half a minute */
	uint16_t unstable_ms; /* for policy `stable`: see stability.h */
};

/* What most decisions need of a node, computed before: two to a cache line.
 * While few enough viewers were reserved on it since, its price is 0, and the
 * score of a candidate is draw + path / temperature + base. */
struct load_brief {
	uint64_t seed; /* of the node's name: for the draw */
	float base;    /* penalty / temperature - ln_weight; endless if the node
			  is not up */
	float slack;   /* so many viewers more cost nothing yet; may be < 0 */
	float used, per_viewer, growth; /* as in struct load_node */
	uint32_t area;                  /* of the node, as in the map */
};
_Static_assert(sizeof(struct load_brief) == 32, "half a cache line");

/* A node that clients of an area seem to leave: costs more for them. */
struct load_distrust {
	uint32_t area;
	uint16_t node;
	float ms;
};
#define LOAD_DISTRUSTS_MAX 256
#define LOAD_ELSEWHERE 0xfffffffeu /* all areas but the node's own site */

struct load {
	uint32_t generation; /* grows with each publication */
	bool ready;          /* first polls are in, or have been waited for */
	float session_s;     /* how long a viewer stays, mean */
	bool any_returning;  /* some node has failed just now: */
	uint32_t fell_ms;    /* the last one (clock, cut to 32 bits) */
	bool provisional;    /* geography is still being read: short TTLs */
	bool all_room;       /* no node ramps up: all have room 1 */
	unsigned n;
	const struct load_node *node;   /* by map index */
	const struct load_brief *brief; /* the same; see load_brief() */
	/* The same, if a name has policy `stable`; else NULL. For explanations:
	 * decisions look at unstable_ms. */
	const struct stability *stability;
	/* Per pool: up nodes with most room, for clients whose near nodes are
	 * all full; MAP_NO_NODE ends. */
	const uint16_t (*spare)[MAP_CANDIDATES];
	/* Which node has which stream; NULL: not known. Borrowed. */
	const struct stream_set *streams;
	/* Of single areas, sorted by area and node; usually none. */
	unsigned n_distrusts;
	struct load_distrust distrust[LOAD_DISTRUSTS_MAX];
};

/* The brief of a node that is in the map. */
struct load_brief load_brief(
	const struct load_node *load, const struct map_node *node);

static inline bool load_is_up(const struct load *load, unsigned node)
{
	return load->brief[node].base < FLT_MAX;
}

/* own: the area is the node's own site. */
static inline float load_distrust_ms(
	const struct load *load, uint32_t area, unsigned node, bool own)
{
	float ms = 0;
	for (unsigned i = 0; i < load->n_distrusts; i++) {
		const struct load_distrust *d = &load->distrust[i];
		if (d->node == node &&
			(d->area == area ||
				(d->area == LOAD_ELSEWHERE && !own)) &&
			d->ms > ms)
			ms = d->ms;
	}
	return ms;
}

static inline void load_free(struct load *load)
{
	free(load); /* one block */
}

#endif
