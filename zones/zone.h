/* zone.h - one zone, compiled: immutable, found in, copied from, enumerable.
 *
 * All lies in one block of 32 bit words; a reference is an index of a word, so
 * that a million names stay small. Names are a tree: a node knows its parent
 * and its own label, and one hash table leads from (parent, label) to the
 * child. A look-up walks down from the apex, as RFC 1034 4.3.2 describes it,
 * and so meets cuts and DNAMEs, and knows the closest encloser, on its way.
 *
 *	node:   parent | sets flags label_len | label... | [mark] | rrset...
 *	rrset:  type count | len extra | body... | [targets] | [fixes]
 *	body:   (pointer type class ttl rdlen rdata)...     wire format
 *
 * A body is ready to be copied into a reply whose question is its owner: the
 * owner pointers say 12. Names in RDATA of RFC 1035 types are compressed, but
 * only against the apex, which every message about this zone holds in its
 * question, and against earlier names of the same body. `fixes` are the
 * offsets of those pointers in the body: 0xc000 is the apex, anything else
 * counts from the start of the body.
 *
 * Any number of threads may read; nothing here writes, locks or allocates.
 */
#ifndef ZONES_ZONE_H
#define ZONES_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/name.h"
#include "wire/reply.h"

struct arena;
struct zone_signing;

enum zone_node_flags {
	NODE_CUT = 1,   /* NS below the apex: all below is the child's */
	NODE_DNAME = 2, /* has a DNAME: nothing is below */
	NODE_WILD = 4,  /* has a child "*" */
	NODE_MARK = 8,  /* carries a mark */
};

/* A name that exists: with RRsets, with a mark, or as an empty non-terminal. */
struct zone_node {
	uint32_t parent; /* reference; 0: this is the apex */
	uint16_t sets;
	uint8_t flags;
	uint8_t label_len;
	uint8_t label[]; /* lower case; the apex has none */
};

#define ZONE_TARGETS 0x8000u
#define ZONE_FIXES 0x7fffu

struct zone_rrset {
	uint16_t type;
	uint16_t count; /* records */
	uint16_t len;   /* of the body */
	uint16_t extra; /* ZONE_TARGETS: a reference to the node of each
			   record's target (0: not in this zone) follows;
			   ZONE_FIXES: the number of fixes */
	uint8_t body[];
};

struct zone {
	struct arena *arena; /* all memory of the zone, this struct too */
	struct name apex;
	const uint32_t *words;
	const uint32_t *slots; /* references by hash; 0: empty */
	const uint8_t *tags;   /* of each slot: spares a miss the node */
	uint32_t mask;         /* slots - 1 */
	uint32_t nodes, records;
	const struct zone_rrset *soa;
	uint32_t serial;
	uint32_t negative_ttl; /* min(SOA's TTL, MINIMUM): RFC 2308 5 */
	uint16_t name_servers; /* NS records at the apex */
	bool absent; /* it is another name server's, and not here yet or expired:
			nothing is answered from it */
	const struct zone_signing *signing; /* of room sign; NULL: not signed */
};

void zone_free(struct zone *zone); /* NULL allowed */

/* -- finding -- */

enum zone_found {
	ZONE_EXACT,    /* node is the name; maybe an empty non-terminal */
	ZONE_CUT,      /* node is the cut at or above the name */
	ZONE_DNAME,    /* node above the name owns a DNAME */
	ZONE_WILDCARD, /* node is the "*" that matches */
	ZONE_NONE,     /* no such name; node is the closest encloser */
};

struct zone_match {
	enum zone_found found;
	uint8_t labels; /* of the node, or for ZONE_WILDCARD and ZONE_NONE of
			   the closest encloser: that suffix of the name */
	const struct zone_node *node;
	const struct zone_node *encloser; /* closest; the node if exact */
};

/* Where the way down to a name at or below the apex begins. */
uint64_t zone_hash(const struct zone *zone, const struct name *name);

/* name is at or below the apex, hash is its zone_hash(). */
void zone_find(const struct zone *zone, const struct name *name, uint64_t hash,
	struct zone_match *match);

/* Whether the table is too large to stay in the cache by itself. Then, before
 * zone_find: a hint to the CPU that it comes soon, and another, when that has had
 * its time, for the node itself. Most names of large zones have one label below
 * the apex. */
static inline bool zone_large(const struct zone *zone)
{
	return zone->mask >= 1024;
}
void zone_prefetch(const struct zone *zone, uint64_t hash);
void zone_prefetch_node(const struct zone *zone, uint64_t hash);

static inline const struct zone_node *zone_node(
	const struct zone *zone, uint32_t reference)
{
	return (const void *)(zone->words + reference);
}

#define ZONE_APEX 1 /* the reference of the apex */

static inline const struct zone_node *zone_apex(const struct zone *zone)
{
	return zone_node(zone, ZONE_APEX);
}

/* The set of a type at a node, or NULL. */
const struct zone_rrset *zone_rrset(
	const struct zone_node *node, uint16_t type);

/* Octets as whole words. */
static inline size_t zone_pad(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The mark of a node; 0 without one. */
static inline uint32_t zone_mark(const struct zone_node *node)
{
	uint32_t mark;
	if (!(node->flags & NODE_MARK))
		return 0;
	memcpy(&mark, node->label + zone_pad(node->label_len), sizeof mark);
	return mark;
}

/* -- enumeration -- */

/* All nodes, parents first: from zone_apex() on; NULL behind the last. */
const struct zone_node *zone_next(const struct zone_node *node);

/* The sets of a node: node->sets of them, first and next. */
const struct zone_rrset *zone_rrset_first(const struct zone_node *node);
const struct zone_rrset *zone_rrset_next(const struct zone_rrset *set);

void zone_node_name(const struct zone *zone, const struct zone_node *node,
	struct name *name);

/* -- copying -- */

static inline uint32_t zone_rrset_ttl(const struct zone_rrset *set)
{
	return get32(set->body + 6);
}

/* References to the targets' nodes, one a record, or NULL. */
const uint32_t *zone_targets(const struct zone_rrset *set);

/* Appends a set to the reply: owner and apex are offsets of names in the
 * message; TTLs are cut to ttl_max. All or nothing; nothing sets r->full. */
void zone_rrset_write(const struct zone_rrset *set, struct reply *r,
	uint16_t owner, uint16_t apex, uint32_t ttl_max);

#endif
