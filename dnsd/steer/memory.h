/* memory.h - what client nets were told, for one process.
 *
 * A decision holds for its client net and TTL whichever thread is asked next:
 * resolvers ask A and AAAA from different ports, which the kernel deals to
 * different workers, and a website asks over HTTP. So this one table is shared.
 * An entry is one cache line of atomic words; threads meet on it only when they
 * answer the same net at the same time. Nobody waits: what is torn by a race
 * is at worst a decision that is made anew.
 *
 *	| tag | line 1..3: node before made | line 1..3: ttl types moved | older |
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

/* A copy of an entry. */
struct remembered {
	struct told told[MEMORY_LINES];
	uint16_t older[MEMORY_OLDER]; /* nodes line 1 was told before
					 told[0].before */
};

struct memory;
struct crowds;

/* For about max_nets client nets (rounded up to a power of two, 64 bytes each,
 * touched only when used). secret seeds the tags. */
struct memory *memory_new(unsigned max_nets, uint64_t secret);
void memory_free(struct memory *memory); /* NULL allowed */

/* The crowds of this process; owned by memory. */
struct crowds *memory_crowds(const struct memory *memory);

/* Fetches the bucket of a key into the cache. */
void memory_prefetch(const struct memory *memory, uint64_t key);

/* What is known of a key; all MAP_NO_NODE if nothing is. */
void memory_read(
	const struct memory *memory, uint64_t key, struct remembered *out);

/* Remembers a new decision of a line (0..), if the line is still as `seen`
 * (from memory_read) says. False: another thread has decided meanwhile; decide
 * again. older is written with line 0. */
bool memory_claim(struct memory *memory, uint64_t key, unsigned line,
	const struct told *seen, const struct told *told,
	const uint16_t older[MEMORY_OLDER]);

/* Adds types to a decision that stands. */
void memory_share(struct memory *memory, uint64_t key, unsigned line,
	const struct told *told);

#endif
