/* stream_set.h - which node has which stream, by the nodes' own lists: a set
 * that a decision looks into for names with `streams: true`. Immutable.
 */
#ifndef STATE_STREAM_SET_H
#define STATE_STREAM_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

struct stream_set {
	uint32_t mask;   /* slots - 1, a power of two less one */
	uint64_t slot[]; /* open hash; 0: free */
};

/* stream: as in struct steer_query. */
static inline uint64_t stream_set_key(uint64_t stream, unsigned node)
{
	return hash_mix(stream + (node + 1) * HASH_ODD) | 1;
}

static inline bool stream_set_has(
	const struct stream_set *set, uint64_t stream, unsigned node)
{
	uint64_t key = stream_set_key(stream, node);
	for (uint32_t i = (uint32_t)(key >> 32);; i++) {
		uint64_t slot = set->slot[i & set->mask];
		if (!slot || slot == key)
			return slot != 0;
	}
}

/* An empty set with room for n; one block, for free(). */
struct stream_set *stream_set_new(unsigned n);
void stream_set_add(struct stream_set *set, uint64_t stream, unsigned node);

#endif
