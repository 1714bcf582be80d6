#include "zones/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "wire/rr.h"

/* -- order -- */

/* Appends a label so that octets in order mean labels in order: 0 ends it, and what
 * could be taken for an end is written as two octets. Returns how many of the 8 of a
 * key are used then. */
static unsigned key_label(
	uint64_t *key, unsigned used, const uint8_t *label, unsigned len)
{
	for (unsigned i = 0; i < len && used < 8; i++) {
		if (label[i] <= 1) {
			*key |= (uint64_t)1 << (56 - 8 * used++);
			if (used == 8)
				break;
		}
		uint64_t octet = label[i] <= 1 ? label[i] + 1u : label[i];
		*key |= octet << (56 - 8 * used++);
	}
	return used < 8 ? used + 1 : used;
}

/* Whether one of the octets is below 2. */
static inline bool any_below_2(uint64_t octets)
{
	const uint64_t ones = 0x0101010101010101u;
	return (octets - 2 * ones) & ~octets & 0x80 * ones;
}

/* The first 8 octets of the labels below the apex, the highest first. */
static uint64_t key_of(const struct zone *zone, const struct name *name)
{
	uint64_t key = 0;
	unsigned used = 0;
	for (unsigned i = name->labels - zone->apex.labels; i-- && used < 8;) {
		const uint8_t *label = name->bytes + name->offset[i];
		uint64_t octets;
		if (!used &&
			*label >= 8) { /* at once, what key_label() makes */
			memcpy(&octets, label + 1, 8);
			octets = be64toh(octets);
			if (!any_below_2(octets))
				return octets;
		}
		used = key_label(&key, used, label + 1, *label);
	}
	return key;
}

struct place {
	uint64_t key;
	uint32_t node;
};

static int place_compare(const void *a, const void *b, void *zone)
{
	const struct place *x = a, *y = b;
	struct name nx, ny;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	zone_node_name(zone, zone_node(zone, x->node), &nx);
	zone_node_name(zone, zone_node(zone, y->node), &ny);
	return name_compare(&nx, &ny);
}

/* -- building -- */

static bool hidden(const struct zone *zone, const struct zone_node *node)
{
	while (node->parent) {
		node = zone_node(zone, node->parent);
		if (node->flags & (NODE_CUT | NODE_DNAME))
			return true;
	}
	return false;
}

static bool belongs(const struct zone *zone, const struct zone_node *node)
{
	return (node->sets || node->flags & NODE_MARK) && !hidden(zone, node);
}

static bool too_many(
	const struct zone *zone, const struct zone_node *node, struct err *err)
{
	struct name name;
	char text[NAME_TEXT_MAX];

	if (node->sets <= ZONE_CHAIN_SETS)
		return false;
	zone_node_name(zone, node, &name);
	err_add(err, "%s: more than %d types of records in a signed zone",
		name_text(&name, text), ZONE_CHAIN_SETS);
	return true;
}

struct zone_chain *zone_chain_build(
	const struct zone *zone, struct arena *arena, struct err *err)
{
	struct zone_chain *chain = arena_alloc(arena, sizeof *chain);
	struct place *places = mem_large(zone->nodes * sizeof *places);
	uint32_t n = 0;
	bool ok = true;

	for (const struct zone_node *node = zone_apex(zone); node;
		node = zone_next(node)) {
		ok &= !too_many(zone, node, err);
		if (!belongs(zone, node))
			continue;
		struct name name;
		zone_node_name(zone, node, &name);
		places[n].node =
			(uint32_t)((const uint32_t *)node - zone->words);
		places[n++].key = key_of(zone, &name);
	}
	qsort_r(places, n, sizeof *places, place_compare, (void *)zone);
	uint32_t *nodes = arena_room(arena, n * sizeof *nodes);
	uint64_t *keys = arena_room(arena, n * sizeof *keys);
	for (uint32_t i = 0; i < n; i++) {
		nodes[i] = places[i].node;
		keys[i] = places[i].key;
	}
	free(places);
	*chain = (struct zone_chain){zone, n, nodes, keys};
	return ok ? chain : NULL;
}

/* -- finding -- */

/* The last place whose key is not above this one. The first place is the apex, whose key
 * is 0. */
static uint32_t last_at(const struct zone_chain *chain, uint64_t key)
{
	uint32_t at = 0;
	for (uint32_t left = chain->n; left > 1;) {
		uint32_t half = left / 2;
		at += chain->key[at + half] <= key ? half : 0;
		left -= half;
	}
	return at;
}

/* Of a place and a name: <0, 0, >0. */
static int compare(
	const struct zone_chain *chain, uint32_t place, const struct name *name)
{
	struct name at;
	zone_node_name(chain->zone, zone_chain_node(chain, place), &at);
	return name_compare(&at, name);
}

/* Keys decide where they differ, which is nearly always; then names do. */
uint32_t zone_chain_find(
	const struct zone_chain *chain, const struct name *name, bool *exact)
{
	uint64_t key = key_of(chain->zone, name);
	uint32_t high = last_at(chain, key), low;

	*exact = false;
	if (chain->key[high] != key)
		return high;
	if (!key) {
		*exact = true; /* the apex */
		return 0;
	}
	low = last_at(chain, key - 1); /* before the name */
	while (high > low) {
		uint32_t middle = low + (high - low + 1) / 2;
		int order = compare(chain, middle, name);
		if (order <= 0)
			low = middle;
		else
			high = middle - 1;
		*exact |= order == 0;
	}
	return low;
}

/* -- NSEC -- */

/* The types of a name, in order, without those of its own NSEC. At a cut only those
 * that are the parent's (RFC 4035 2.3). */
static unsigned types_of(const struct zone_node *node,
	const uint16_t more[ZONE_CHAIN_TYPES], uint16_t *types)
{
	const struct zone_rrset *set = zone_rrset_first(node);
	bool cut = node->flags & NODE_CUT;
	unsigned n = 0;

	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set))
		if (!cut || set->type == RR_NS || set->type == RR_DS)
			types[n++] = set->type;
	for (unsigned i = 0; i < ZONE_CHAIN_TYPES && more[i]; i++)
		types[n++] = more[i];
	types[n++] = RR_NSEC;
	types[n++] = RR_RRSIG;
	return n;
}

static int type_compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* RFC 4034 4.1.2; types are in order, maybe twice. */
static uint8_t *put_bitmap(uint8_t *p, const uint16_t *types, unsigned n)
{
	uint8_t *window = NULL;
	for (unsigned i = 0; i < n; i++) {
		unsigned high = types[i] >> 8, low = types[i] & 255;
		if (!window || *window != high) {
			window = p;
			memset(p, 0, 34);
			window[0] = (uint8_t)high;
		}
		window[1] = (uint8_t)(low / 8 + 1);
		window[2 + low / 8] |= (uint8_t)(0x80 >> low % 8);
		p = window + 2 + window[1];
	}
	return p;
}

static size_t put_nsec(uint8_t *out, const struct name *next,
	const uint16_t *types, unsigned n)
{
	memcpy(out, next->bytes, next->len);
	return (size_t)(put_bitmap(out + next->len, types, n) - out);
}

size_t zone_nsec_rdata(const struct zone_node *node,
	const uint16_t more[ZONE_CHAIN_TYPES], const struct name *next,
	uint8_t *out)
{
	uint16_t types[ZONE_CHAIN_SETS + ZONE_CHAIN_TYPES + 2];
	unsigned n = types_of(node, more, types);
	qsort(types, n, sizeof *types, type_compare);
	return put_nsec(out, next, types, n);
}

size_t zone_nsec_made(const struct name *next, uint8_t *out)
{
	static const uint16_t types[] = {RR_RRSIG, RR_NSEC};
	return put_nsec(out, next, types, 2);
}
