/* table.h - how a prefix table lies in memory. Private to geo/: prefixes.c makes
 * and reads it, cache.c keeps it in a file.
 */
#ifndef GEO_TABLE_H
#define GEO_TABLE_H

#include "geo/prefixes.h"

#define TABLE_NODE 0x80000000u /* in an entry: the rest is an offset in words */
#define TABLE_INSIDE 0x7fffffffu /* IPv6: as the IPv4 address inside */

struct table {
	uint32_t *top;   /* 1 << top_bits entries */
	uint32_t *words; /* nodes */
	size_t n_words;
	unsigned top_bits; /* IPv6: a whole number of steps is left */
	int shortest;      /* scope, where all is uniform at this length */
};

/* All arrays lie in one block, in as few pages of the CPU's as can be. Nothing
 * in the block depends on where it is. */
struct geo {
	struct table v4, v6;
	struct place *places;
	uint32_t n_places;
	void *block;
	size_t size;
	char *report; /* lines; NULL: none */
};

/* Memory for a block of that size: cache lines and, where it is worth it, huge pages,
 * for a lookup in the city data misses the TLB otherwise. free() it. */
void *table_block(size_t size);

/* Points the arrays, whose lengths are set, into a block, each at the beginning
 * of a cache line. Returns the size of the block, NULL allowed. */
size_t table_lay_out(struct geo *geo, void *block);

#endif
