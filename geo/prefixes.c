/* Looking up: the layout of the table is drawn in table.h. */
#include "geo/prefixes.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "geo/keys.h"
#include "geo/table.h"

/* The bits up to and with the slot's own. */
static inline uint32_t upto(uint32_t bits, unsigned slot)
{
	return bits & ~(uint32_t)0 >> (TABLE_SLOTS - 1 - slot);
}

static inline uint32_t entry_of(const uint32_t *node, unsigned slot)
{
	return node[table_count_bits(upto(node[0], slot))];
}

/* How many bits it takes to distinguish a slot from another; 0 or less for "slots" -1
 * and 32, which lie outside of the node. */
static inline int bits_to_part(unsigned slot, unsigned other)
{
	return __builtin_clz(slot ^ other) - (32 - TABLE_STEP_BITS) + 1;
}

/* How many bits of a slot number make a block around it that is all one run:
 * enough to leave out the neighbours at both of the run's ends. Without a
 * branch, for each would wait for memory and then be guessed wrong. */
static inline int uniform_bits(const uint32_t *node, unsigned slot)
{
	uint32_t left = upto(node[0], slot);
	uint32_t right = (node[0] ^ left) >> 1 | 1u << (TABLE_SLOTS - 1);
	unsigned begin = TABLE_SLOTS - 1 - (unsigned)__builtin_clz(left);
	unsigned end = (unsigned)__builtin_ctz(right) + 1;
	int n = bits_to_part(slot, begin - 1), m = bits_to_part(slot, end);
	return m > n ? m : n;
}

/* The leaf of the IPv4 address inside; uniform: how long a prefix is inside all
 * over. Only its last octets may be cut off by the scope. */
static __attribute__((noinline, cold)) struct geo_leaf find_inside(
	const struct geo *geo, const struct addr *addr, int uniform)
{
	struct addr v4 = *addr;
	unsigned begin = addr_unmap(&v4);
	if (!begin)
		begin = addr_inside(addr, &v4);
	struct geo_leaf leaf = geo_find(geo, &v4);
	unsigned scope = begin + leaf.scope;
	leaf.scope = (uint8_t)(scope > (unsigned)uniform ? scope
							 : (unsigned)uniform);
	return leaf;
}

/* Ends a search whose first entry is read. The address is in two halves: nearly
 * all end in the upper one. */
static inline struct geo_leaf leaf_find(
	const struct geo_search *search, const struct addr *addr)
{
	const struct table *table = search->table;
	uint32_t entry = search->entry;
	unsigned depth = table->top_bits; /* of the node */
	int scope = table->shortest;

	if (!(entry & TABLE_NODE))
		return (struct geo_leaf){entry, (uint8_t)scope};
	for (uint64_t bits = search->high << depth;; depth += TABLE_STEP_BITS) {
		const uint32_t *node = table->words + (entry & ~TABLE_NODE);
		if (__builtin_expect(depth > 64 - TABLE_STEP_BITS, 0))
			bits = (uint64_t)(key_of_addr(addr) << depth >> 64);
		unsigned slot = (unsigned)(bits >> (64 - TABLE_STEP_BITS));
		bits <<= TABLE_STEP_BITS;
		entry = entry_of(node, slot);
		if (entry & TABLE_NODE)
			continue;
		int uniform = (int)depth + uniform_bits(node, slot);
		scope = uniform > scope ? uniform : scope;
		return (struct geo_leaf){entry, (uint8_t)scope};
	}
}

static inline struct geo_leaf search_end(
	const struct geo_search *search, const struct addr *addr)
{
	struct geo_leaf leaf = leaf_find(search, addr);
	if (__builtin_expect(leaf.place == TABLE_INSIDE, 0))
		return find_inside(search->geo, addr, leaf.scope);
	return leaf;
}

static inline void search_begin(struct geo_search *search,
	const struct geo *geo, const struct addr *addr)
{
	uint64_t high;
	memcpy(&high, addr->bytes, sizeof high);
	search->high = be64toh(high);
	search->geo = geo;
	search->table = addr->family == 6 ? &geo->v6 : &geo->v4;
	search->top = search->table->top +
		(search->high >> (64 - search->table->top_bits));
}

struct geo_leaf geo_find(const struct geo *geo, const struct addr *addr)
{
	struct geo_search search;
	search_begin(&search, geo, addr);
	search.entry = *search.top;
	return search_end(&search, addr);
}

void geo_begin(struct geo_search *search, const struct geo *geo,
	const struct addr *addr)
{
	search_begin(search, geo, addr);
	__builtin_prefetch(search->top);
}

void geo_go_on(struct geo_search *search)
{
	search->entry = *search->top;
	if (search->entry & TABLE_NODE)
		__builtin_prefetch(
			search->table->words + (search->entry & ~TABLE_NODE));
}

struct geo_leaf geo_end(
	const struct geo_search *search, const struct addr *addr)
{
	return search_end(search, addr);
}

const struct place *geo_place(const struct geo *geo, uint32_t index)
{
	assert(index < geo->n_places);
	return &geo->places[index];
}

uint32_t geo_places(const struct geo *geo)
{
	return geo->n_places;
}

const char *geo_report(const struct geo *geo)
{
	return geo->report ? geo->report : "";
}

size_t geo_size(const struct geo *geo)
{
	return sizeof *geo + geo->size;
}

void geo_free(struct geo *geo)
{
	if (!geo)
		return;
	free(geo->block);
	free(geo->report);
	free(geo);
}
