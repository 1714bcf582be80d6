#include "zones/zone.h"

#include <assert.h>

#include "base/arena.h"
#include "zones/layout.h"

void zone_free(struct zone *zone)
{
	if (zone)
		arena_free(zone->arena);
}

/* The reference of a child, 0 without one. hash: layout_hash() of it. */
static uint32_t child(const struct zone *zone, uint32_t parent, uint64_t hash,
	const uint8_t *label, unsigned len)
{
	uint8_t tag = layout_tag(hash);

	for (uint32_t i = (uint32_t)hash;; i++) {
		i &= zone->mask;
		uint32_t reference = zone->slots[i];
		if (!reference)
			return 0;
		if (zone->tags[i] != tag)
			continue;
		const struct zone_node *node = zone_node(zone, reference);
		if (node->parent == parent && node->label_len == len &&
			octets_equal(node->label, label, len))
			return reference;
	}
}

/* What matches a missing name below a node. */
static void missing(const struct zone *zone, uint32_t at, unsigned labels,
	struct zone_match *match)
{
	static const uint8_t label[] = "*";
	const struct zone_node *node = zone_node(zone, at);
	bool wild = node->flags & NODE_WILD;

	match->found = wild ? ZONE_WILDCARD : ZONE_NONE;
	match->labels = (uint8_t)labels;
	match->encloser = node;
	match->node = wild
		? zone_node(zone,
			  child(zone, at, layout_hash(at, label, 1), label, 1))
		: node;
}

uint64_t zone_hash(const struct zone *zone, const struct name *name)
{
	if (name->labels == zone->apex.labels)
		return 0;
	const uint8_t *label = name_suffix(name, zone->apex.labels + 1u);
	return layout_hash(ZONE_APEX, label + 1, *label);
}

void zone_find(const struct zone *zone, const struct name *name, uint64_t hash,
	struct zone_match *match)
{
	const struct zone_node *node;
	enum zone_found found;
	uint32_t at = ZONE_APEX;
	unsigned labels = zone->apex.labels;

	for (;;) {
		node = zone_node(zone, at);
		found = node->flags & NODE_CUT ? ZONE_CUT : ZONE_EXACT;
		if (labels == name->labels || found == ZONE_CUT)
			break;
		found = ZONE_DNAME;
		if (node->flags & NODE_DNAME)
			break;
		const uint8_t *label = name_suffix(name, labels + 1);
		if (at != ZONE_APEX)
			hash = layout_hash(at, label + 1, *label);
		uint32_t below = child(zone, at, hash, label + 1, *label);
		if (!below) {
			missing(zone, at, labels, match);
			return;
		}
		at = below;
		labels++;
	}
	match->found = found;
	match->labels = (uint8_t)labels;
	match->node = match->encloser = node;
}

void zone_prefetch(const struct zone *zone, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & zone->mask;
	__builtin_prefetch(&zone->slots[at]);
	__builtin_prefetch(&zone->tags[at]);
}

void zone_prefetch_node(const struct zone *zone, uint64_t hash)
{
	uint32_t reference = zone->slots[(uint32_t)hash & zone->mask];
	if (reference)
		__builtin_prefetch(zone_node(zone, reference));
}

const struct zone_rrset *zone_rrset_first(const struct zone_node *node)
{
	return (const void *)((const uint8_t *)node +
		layout_node_len(node->label_len, node->flags));
}

const struct zone_rrset *zone_rrset_next(const struct zone_rrset *set)
{
	return (const void *)((const uint8_t *)set +
		layout_set_len(set->len, set->count, set->extra));
}

const struct zone_rrset *zone_rrset(const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *set = zone_rrset_first(node);
	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set))
		if (set->type == type)
			return set;
	return NULL;
}

const struct zone_node *zone_next(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset_first(node);
	for (unsigned i = node->sets; i; i--)
		set = zone_rrset_next(set);
	const struct zone_node *next = (const void *)set;
	/* One word of zeros stands behind the last: no node but the apex is
	 * without a parent. */
	return next->parent ? next : NULL;
}

void zone_node_name(const struct zone *zone, const struct zone_node *node,
	struct name *name)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t len = 0;
	for (; node->parent; node = zone_node(zone, node->parent)) {
		wire[len++] = node->label_len;
		memcpy(wire + len, node->label, node->label_len);
		len += node->label_len;
	}
	memcpy(wire + len, zone->apex.bytes, zone->apex.len);
	name_read(name, wire, len + zone->apex.len);
}

const uint32_t *zone_targets(const struct zone_rrset *set)
{
	if (!(set->extra & ZONE_TARGETS))
		return NULL;
	return (const void *)(set->body + zone_pad(set->len));
}

/* Every record's owner and TTL. */
static void patch_records(
	uint8_t *p, unsigned count, uint16_t owner, uint32_t ttl)
{
	for (; count; count--) {
		put16(p, 0xc000u | owner);
		put32(p + 6, ttl);
		p += RR_POINTER_LEN + get16(p + 10);
	}
}

static void patch_names(const struct zone_rrset *set, uint8_t *body,
	uint16_t base, uint16_t apex)
{
	const uint8_t *fixes = set->body + zone_pad(set->len);
	if (set->extra & ZONE_TARGETS)
		fixes += 4u * set->count;
	for (unsigned i = set->extra & ZONE_FIXES; i; i--, fixes += 2) {
		uint16_t at;
		memcpy(&at, fixes, sizeof at);
		unsigned to = get16(body + at) & REPLY_POINTER_MAX;
		put16(body + at, 0xc000u | (to ? base + to : apex));
	}
}

void zone_rrset_write(const struct zone_rrset *set, struct reply *r,
	uint16_t owner, uint16_t apex, uint32_t ttl_max)
{
	uint32_t base = r->len, ttl = zone_rrset_ttl(set);
	uint8_t *p = reply_take(r, set->len);
	if (!p)
		return;
	octets_copy(p, set->body, set->len);
	if (owner != HEADER_LEN || ttl > ttl_max)
		patch_records(
			p, set->count, owner, ttl < ttl_max ? ttl : ttl_max);
	if (set->extra & ZONE_FIXES) {
		/* LAYOUT_POINTER_REACH keeps this true: what stands before a
		 * set with names is a question and a chain of CNAMEs. */
		assert(base + LAYOUT_POINTER_REACH <= REPLY_POINTER_MAX);
		patch_names(set, p, (uint16_t)base, apex);
	}
	r->counts[r->section] += set->count;
}
