/* nearest.h - the candidates of a place: the nearest nodes of a pool, and a few
 * of other sites. Private to map.c, which asks for each of its cells.
 *
 * A pool of ten thousand nodes has tens of thousands of cells. To look at all
 * nodes for each took 13 s; here they lie in a tree of boxes, and a box is looked
 * into only where it may hold something nearer than what is found. The result is
 * that of looking at all (tests/unit/test_nearest.c).
 */
#ifndef STATE_NEAREST_H
#define STATE_NEAREST_H

#include "state/map.h"

struct ranked {
	float path;
	uint16_t node;
};

struct nearest; /* the tree of a pool; map and pool are borrowed */
struct nearest *nearest_new(const struct map *map, const struct map_pool *pool);
void nearest_free(struct nearest *nearest);

/* Up to MAP_CANDIDATES nodes for clients at a place, in list: the nearest first,
 * behind them the nearest of other sites. Returns how many. The pool has nodes. */
unsigned nearest_find(const struct nearest *nearest, const struct place *place,
	struct ranked *list);

/* The same of n nodes with paths, each once, by looking at all. n > 0. */
unsigned nearest_among(const struct map *map, const struct ranked *from,
	unsigned n, struct ranked *list);

/* Writes the n nodes of a list as candidates. */
void nearest_write(
	const struct ranked *list, unsigned n, struct candidates *candidates);

#endif
