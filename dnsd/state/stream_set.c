#include "state/stream_set.h"

#include <assert.h>

#include "base/arena.h"

struct stream_set *stream_set_new(unsigned n)
{
	uint32_t slots = 4;
	while (slots < 2 * n)
		slots *= 2;
	struct stream_set *set =
		mem_zero(1, sizeof *set + slots * sizeof *set->slot);
	set->mask = slots - 1;
	return set;
}

void stream_set_add(struct stream_set *set, uint64_t stream, unsigned node)
{
	assert(node < UINT16_MAX);
	uint64_t key = stream_set_key(stream, node);
	uint32_t i = (uint32_t)(key >> 32);
	while (set->slot[i & set->mask] && set->slot[i & set->mask] != key)
		i++;
	set->slot[i & set->mask] = key;
}
