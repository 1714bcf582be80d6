/* runs.h - prefixes to runs: the ranges of each layer are sorted and flattened with a
 * stack into runs (from this address on: this place), and the runs of all layers are
 * merged pairwise. Both families alike: an address is a 128-bit key, IPv4 in its
 * upper 32 bits. Private to geo/.
 */
#ifndef GEO_RUNS_H
#define GEO_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "geo/keys.h"
#include "geo/place_set.h"

/* A prefix as it was added. */
struct range {
	uint64_t high, low;
	uint32_t place;
	uint32_t order; /* length in the upper 8 bits, then as they came */
};

/* From this address to the next run's: this place. */
struct run {
	uint64_t high, low;
	uint32_t place;
};

struct layer {
	struct range *ranges;
	size_t n, room;
	bool unsorted;
};

/* Sorted; covers all addresses; neighbours differ. */
struct runs {
	struct run *at;
	size_t n, room;
};

static inline key128 run_key(const struct run *runs, size_t i)
{
	return key_of(runs[i].high, runs[i].low);
}

/* Adds a prefix to a layer. */
void layer_add(
	struct layer *layer, const struct prefix *prefix, uint32_t place);

/* Ranges, which nest, to runs. Frees the ranges. */
struct runs runs_flatten(struct layer *layer, struct place_set *places);

/* Two layers to one; the first wins where both speak. Frees both. */
struct runs runs_merge(
	struct runs over, struct runs under, struct place_set *places);

/* The next run. One at the same address as the last replaces it. */
void runs_add(struct runs *runs, key128 key, uint32_t place);

#endif
