/* memory.h - what client nets were told, for one process.
 *
 * A decision holds for its client net and TTL whichever thread is asked next:
 * resolvers ask A and AAAA from different ports, which the kernel deals to
 * different workers, and a website asks over HTTP. So this one table is shared.
 * Its words are atomic; threads meet on them only when they answer the same net
 * at the same time. Nobody waits: what is torn by a race is at worst a decision
 * that is made anew.
 *
 * Most nets never ask for a further line, so each line of a net has an entry of
 * its own, and so have the nodes that line 1 was told long before. A bucket of
 * four is one cache line, all that most questions touch:
 *
 *	| node before made | tag | ttl types moved |  x 4
 *
 * The table is fixed; the oldest entry of a bucket makes room.
 */
#ifndef STEER_MEMORY_H
#define STEER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "steer/map.h"

#define MEMORY_LINES 3
#define MEMORY_OLDER 2

/* What a line of a client net was told. */
struct told {
	uint16_t node;    /* MAP_NO_NODE: nothing yet */
	uint16_t before;  /* another node it was told before that */
	uint32_t made_ms; /* when node was decided (clock, cut to 32 bits) */
	uint16_t ttl_s;
	uint8_t types; /* question types that shared the decision */
	uint8_t moved; /* when it went from before to node: quarters of a
			  minute, cut to 8 bits */
};

#define MEMORY_MS 1800000 /* viewers stay; what was told counts so long */

/* Its TTL runs. */
static inline bool told_runs(const struct told *t, uint32_t now)
{
	return t->node != MAP_NO_NODE &&
		now - t->made_ms < (uint32_t)t->ttl_s * 1000;
}

/* Viewers that were told it may still watch. */
static inline bool told_counts(const struct told *t, uint32_t now)
{
	return t->node != MAP_NO_NODE && now - t->made_ms < MEMORY_MS;
}

/* A time as told.moved has it. */
static inline uint8_t told_quarters(uint32_t now)
{
	return (uint8_t)(now / 15000);
}

/* How long ago its node changed, in quarters of a minute. */
static inline uint8_t told_moved(const struct told *t, uint32_t now)
{
	return (uint8_t)(told_quarters(now) - t->moved);
}

/* A copy of what a client net was told. */
struct remembered {
	struct told told[MEMORY_LINES];
	uint16_t older[MEMORY_OLDER]; /* nodes line 1 was told before
					 told[0].before */
};

struct memory;
struct crowds;

/* For about max_nets client nets (rounded up to a power of two, 32 bytes each:
 * two lines; touched only as they come, but in large pages). secret seeds the
 * tags. */
struct memory *memory_new(unsigned max_nets, uint64_t secret);
void memory_free(struct memory *memory); /* NULL allowed */

/* The crowds of this process; owned by memory. */
struct crowds *memory_crowds(const struct memory *memory);

/* Fetches the buckets of a key's first lines into the cache. */
void memory_prefetch(const struct memory *memory, uint64_t key, unsigned lines);

/* What is known of the first lines (1..) of a key, for more than one of older
 * nodes too; the rest, and what is not known, is MAP_NO_NODE. */
void memory_read(const struct memory *memory, uint64_t key, unsigned lines,
	struct remembered *out);

/* Remembers a new decision of a line (0..), if the line is still as `seen`
 * (from memory_read) says. False: another thread has decided meanwhile; decide
 * again. */
bool memory_claim(struct memory *memory, uint64_t key, unsigned line,
	const struct told *seen, const struct told *told);

/* Adds types to a decision that stands. */
void memory_share(struct memory *memory, uint64_t key, unsigned line,
	const struct told *told);

#endif
