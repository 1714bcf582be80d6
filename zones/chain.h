/* chain.h - the names of a signed zone in canonical order (RFC 4034 6.1), so that
 * NSEC records can be made (RFC 4034 4, 4035 3.1.3).
 *
 * In it is each name that has data or a mark and is not below a cut or DNAME; empty
 * non-terminals are not (RFC 4035 2.3). Immutable once built; any thread reads.
 */
#ifndef ZONES_CHAIN_H
#define ZONES_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/name.h"
#include "zones/zone.h"

struct arena;

struct zone_chain {
	const struct zone *zone;
	uint32_t n;           /* at least 1: the apex comes first */
	const uint32_t *node; /* references, in order */
	const uint64_t *key;  /* of each: orders most of them by itself */
};

/* Types that a name may have sets of. */
#define ZONE_CHAIN_SETS 64

/* All memory is of the arena, which lives as long as the zone. NULL with a line in err:
 * a name has more types than ZONE_CHAIN_SETS. */
struct zone_chain *zone_chain_build(
	const struct zone *zone, struct arena *arena, struct err *err);

/* The place of the name itself, or of the last name before it. name is at or below
 * the apex. *exact: it is in the chain. */
uint32_t zone_chain_find(
	const struct zone_chain *chain, const struct name *name, bool *exact);

/* The node at a place. */
static inline const struct zone_node *zone_chain_node(
	const struct zone_chain *chain, uint32_t place)
{
	return zone_node(chain->zone, chain->node[place]);
}

/* The place of the name that comes next; the apex after the last. */
static inline uint32_t zone_chain_next(
	const struct zone_chain *chain, uint32_t place)
{
	return place + 1 < chain->n ? place + 1 : 0;
}

/* Types beside those of its sets that a name has: what its mark answers. */
#define ZONE_CHAIN_TYPES 4

/* RDATA of an NSEC: the next name, and the types of a node and of `more` (0 ends).
 * Returns its length; out has room for ZONE_NSEC_MAX. */
#define ZONE_NSEC_MAX (NAME_WIRE_MAX + 256 * 34)
size_t zone_nsec_rdata(const struct zone_node *node,
	const uint16_t more[ZONE_CHAIN_TYPES], const struct name *next,
	uint8_t *out);

/* The same for a name that is made up between two others (RFC 4470): it has
 * nothing but the record and its signature. */
size_t zone_nsec_made(const struct name *next, uint8_t *out);

#endif
