/* table.h - how a prefix table lies in memory. Private to geo/: compile.c makes it,
 * prefixes.c reads it, cache.c keeps it in a file.
 *
 * The table of a family: entries for the upper bits (IPv4 19, IPv6 18; fewer
 * where there is little data), then nodes of 5 bits each. An entry is a place,
 * or NODE and the offset of a node in `words`:
 *
 *	word 0     32 bits, one a slot: set where an entry begins that differs
 *	           from its left neighbour's (bit 0 always is)
 *	words 1..  the entries, one for each set bit
 *
 * so a step is a load of the bitmap and one of an entry in the same cache line.
 * An IPv4 address ends after top and one node unless the data is finer than
 * /24. Equal nodes are stored once. With 6 bits the city data took 65 MB instead
 * of 56 and lookups more misses, with 4 bits 69 MB, with 8 about the same.
 *
 * A node exists only where its range holds more than one place. Therefore the
 * scope need not be stored: the largest aligned block around an address that
 * is uniform lies within its last node, and follows from where its run begins
 * and ends there.
 *
 * IPv6 addresses with an IPv4 address inside have an entry of their own kind,
 * TABLE_INSIDE, which sends the search on to the table of IPv4: to copy IPv4's
 * runs would double the table.
 */
#ifndef GEO_TABLE_H
#define GEO_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "geo/place.h"

#define TABLE_NODE 0x80000000u /* in an entry: the rest is an offset in words */
#define TABLE_SLOTS 32         /* of a node */
#define TABLE_STEP_BITS 5
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

/* Bits set. Baseline x86-64 has no instruction for it, and a call of the
 * library's function costs more than the load it stands before. */
static inline unsigned table_count_bits(uint32_t x)
{
#ifdef __POPCNT__
	return (unsigned)__builtin_popcount(x);
#else
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f;
	return x * 0x01010101 >> 24;
#endif
}

#endif
