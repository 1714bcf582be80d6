/* layout.h - what the builder and the readers of a compiled zone must agree
 * on; private to zones/. See the drawing in zone.h.
 */
#ifndef ZONES_LAYOUT_H
#define ZONES_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "zones/zone.h"

/* Pointers inside a body reach at most this far from its start, so that they
 * fit 14 bits behind the longest CNAME chain that we follow. */
#define LAYOUT_POINTER_REACH 4096u

/* A body must fit into a TCP message with question, OPT and a chain. */
#define LAYOUT_BODY_MAX 60000u

static inline size_t layout_node_len(unsigned label_len, unsigned flags)
{
	return offsetof(struct zone_node, label) + zone_pad(label_len) +
		(flags & NODE_MARK ? 4 : 0);
}

static inline size_t layout_set_len(
	unsigned len, unsigned count, unsigned extra)
{
	return offsetof(struct zone_rrset, body) + zone_pad(len) +
		(extra & ZONE_TARGETS ? 4u * count : 0) +
		zone_pad(2u * (extra & ZONE_FIXES));
}

/* Where the child of a parent with that label is in the hash table. */
static inline uint64_t layout_hash(
	uint32_t parent, const uint8_t *label, unsigned len)
{
	return name_hash(label, len, (uint64_t)parent << 8);
}

/* The bits that do not choose the slot. */
static inline uint8_t layout_tag(uint64_t hash)
{
	return (uint8_t)(hash >> 56);
}

#endif
