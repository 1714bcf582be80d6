#include "zones/compile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "wire/rr.h"
#include "zones/items.h"
#include "zones/layout.h"
#include "zones/rdata.h"

/* The compiled zone while it grows. */
struct compiler {
	struct zone_builder *b;
	uint32_t *words;
	size_t used, room; /* of words */
};

/* Names of one body that later names may point to. */
#define DICTIONARY_MAX 16
struct dictionary {
	unsigned n;
	struct entry {
		struct name name;
		uint16_t at;     /* in the body */
		uint8_t written; /* labels in full */
	} entries[DICTIONARY_MAX];
};

struct body {
	uint32_t len;
	unsigned fixes;
	uint16_t fix[LAYOUT_BODY_MAX / RR_POINTER_LEN * 2];
	uint8_t bytes[LAYOUT_BODY_MAX];
	struct dictionary dictionary;
};

/* The offset of a suffix of name with that many labels, written earlier in
 * the body; 0: none (a body starts with an owner pointer). */
static uint16_t dictionary_find(
	const struct dictionary *d, const struct name *name, unsigned labels)
{
	for (unsigned i = 0; i < d->n; i++) {
		const struct entry *e = &d->entries[i];
		unsigned skip = e->name.labels - labels;
		if (e->name.labels < labels || skip >= e->written)
			continue;
		if (name_suffix_len(&e->name, labels) ==
				name_suffix_len(name, labels) &&
			!memcmp(name_suffix(&e->name, labels),
				name_suffix(name, labels),
				name_suffix_len(name, labels)))
			return (uint16_t)(e->at + e->name.offset[skip]);
	}
	return 0;
}

/* Appends a name of RDATA, compressed; returns its length there. */
static size_t body_name(
	struct body *body, const struct name *apex, const uint8_t *wire)
{
	struct dictionary *d = &body->dictionary;
	struct name name;
	unsigned skip;
	uint16_t to = 0;

	size_t len = name_read(&name, wire, NAME_WIRE_MAX);
	for (skip = 0; skip < name.labels; skip++) {
		unsigned labels = name.labels - skip;
		to = dictionary_find(d, &name, labels);
		if (to || (labels == apex->labels && name_below(&name, apex)))
			break;
	}
	if (d->n < DICTIONARY_MAX && skip &&
		body->len < LAYOUT_POINTER_REACH - NAME_WIRE_MAX)
		d->entries[d->n++] = (struct entry){.name = name,
			.at = (uint16_t)body->len,
			.written = (uint8_t)skip};
	memcpy(body->bytes + body->len, wire, name.offset[skip]);
	body->len += name.offset[skip];
	if (skip == name.labels) {
		body->bytes[body->len++] = 0;
		return len;
	}
	body->fix[body->fixes++] = (uint16_t)body->len;
	put16(body->bytes + body->len, 0xc000u | to);
	body->len += 2;
	return len;
}

static void body_record(const struct zone_builder *b, struct body *body,
	const struct item_set *set, const struct item_record *r)
{
	const uint8_t *rdata = b->bytes + r->rdata;
	uint8_t *p = body->bytes + body->len;
	struct rdata_names names = rdata_names(set->type);
	size_t done = names.before;

	put16(p, 0xc000u | HEADER_LEN);
	put16(p + 2, set->type);
	put16(p + 4, CLASS_IN);
	put32(p + 6, set->ttl);
	body->len += RR_POINTER_LEN;
	if (!names.compressed) {
		memcpy(p + RR_POINTER_LEN, rdata, r->rdata_len);
		body->len += r->rdata_len;
	} else {
		memcpy(p + RR_POINTER_LEN, rdata, done);
		body->len += (uint32_t)done;
		for (unsigned i = 0; i < names.count; i++)
			done += body_name(body, &b->apex, rdata + done);
		memcpy(body->bytes + body->len, rdata + done,
			r->rdata_len - done);
		body->len += (uint32_t)(r->rdata_len - done);
	}
	put16(p + 10, (unsigned)(body->bytes + body->len - p - RR_POINTER_LEN));
}

static void *compiler_take(struct compiler *c, size_t octets)
{
	size_t words = octets / 4;
	assert(c->used + words <= c->room);
	c->used += words;
	return memset(c->words + c->used - words, 0, octets);
}

/* Words that will do: names in RDATA may become shorter, nothing longer. */
static size_t words_most(const struct zone_builder *b)
{
	size_t octets = 4 + sizeof(struct zone_node);
	for (uint32_t i = 0; i < b->n_names; i++)
		octets += layout_node_len(
			b->names[i].label_len, b->names[i].flags);
	for (uint32_t i = 1; i < b->n_sets; i++) {
		const struct item_set *set = &b->sets[i];
		unsigned names = rdata_names(set->type).count * set->count;
		octets += layout_set_len(set->size, set->count,
			names ? ZONE_TARGETS | names : 0);
	}
	return octets / 4;
}

/* The builder's index + 1 of the name whose addresses go with a record, 0:
 * none in this zone. */
static uint32_t target_of(const struct zone_builder *b, uint32_t owner,
	const struct item_set *set, const struct item_record *r)
{
	const uint8_t *wire =
		rdata_target(set->type, b->bytes + r->rdata, r->rdata_len);
	struct name name;
	bool cut;

	if (!wire || !name_read(&name, wire, NAME_WIRE_MAX))
		return 0;
	if (!name.labels && (set->type == RR_SVCB || set->type == RR_HTTPS))
		return get16(b->bytes + r->rdata) ? owner + 1 : 0;
	if (!name_below(&name, &b->apex))
		return 0;
	return items_name(b, &name, &cut) + 1; /* UINT32_MAX + 1 is 0 */
}

static void compile_set(struct compiler *c, uint32_t owner,
	const struct item_set *set, struct body *body)
{
	const struct zone_builder *b = c->b;
	uint32_t any = 0;

	body->len = body->fixes = body->dictionary.n = 0;
	for (uint32_t i = set->first; i; i = b->records[i].next) {
		body_record(b, body, set, &b->records[i]);
		any |= target_of(b, owner, set, &b->records[i]);
	}
	unsigned extra = body->fixes | (any ? ZONE_TARGETS : 0);
	struct zone_rrset *out =
		compiler_take(c, layout_set_len(body->len, set->count, extra));
	out->type = set->type;
	out->count = set->count;
	out->len = (uint16_t)body->len;
	out->extra = (uint16_t)extra;
	memcpy(out->body, body->bytes, body->len);
	uint8_t *p = out->body + zone_pad(body->len);
	for (uint32_t i = any ? set->first : 0; i; i = b->records[i].next) {
		uint32_t target = target_of(b, owner, set, &b->records[i]);
		memcpy(p, &target, sizeof target);
		p += sizeof target;
	}
	memcpy(p, body->fix, body->fixes * sizeof *body->fix);
}

static void compile_names(struct compiler *c)
{
	struct zone_builder *b = c->b;
	struct body *body = mem_alloc(sizeof *body);

	for (uint32_t i = 0; i < b->n_names; i++) {
		struct item_name *n = &b->names[i];
		n->at = (uint32_t)c->used;
		struct zone_node *node = compiler_take(
			c, layout_node_len(n->label_len, n->flags));
		node->parent = i ? b->names[n->parent].at : 0;
		node->sets = n->sets;
		node->flags = n->flags;
		node->label_len = n->label_len;
		memcpy(node->label, b->bytes + n->label, n->label_len);
		if (n->mark)
			memcpy(node->label + zone_pad(n->label_len), &n->mark,
				sizeof n->mark);
		for (uint32_t s = n->first_set; s; s = b->sets[s].next)
			compile_set(c, i, &b->sets[s], body);
	}
	free(body);
}

/* Targets were written as index + 1, while references were not yet known. */
static void compile_targets(struct compiler *c, const struct zone *zone)
{
	const struct zone_node *n = zone_apex(zone);
	for (; n; n = zone_next(n)) {
		const struct zone_rrset *set = zone_rrset_first(n);
		for (unsigned i = n->sets; i; i--, set = zone_rrset_next(set)) {
			uint32_t *targets = (uint32_t *)zone_targets(set);
			for (unsigned t = 0; targets && t < set->count; t++)
				if (targets[t])
					targets[t] =
						c->b->names[targets[t] - 1].at;
		}
	}
}

static uint64_t compiled_hash(const struct zone_builder *b, uint32_t i)
{
	const struct item_name *n = &b->names[i];
	return layout_hash(
		b->names[n->parent].at, b->bytes + n->label, n->label_len);
}

/* At most half full, so that misses end soon. Each name has another place in
 * a table that no cache holds: it is fetched while those before it are put. */
#define AHEAD 16
static void compile_slots(const struct zone_builder *b, struct zone *zone)
{
	uint64_t hashes[AHEAD] = {0};
	uint32_t size = 4;
	while (size < 2 * b->n_names)
		size *= 2;
	uint32_t *slots = arena_alloc(zone->arena, size * sizeof *slots);
	uint8_t *tags = arena_alloc(zone->arena, size);
	for (uint32_t i = 1; i < b->n_names + AHEAD; i++) {
		uint64_t hash = hashes[i % AHEAD];
		uint32_t at = (uint32_t)hash & (size - 1);
		if (i < b->n_names) {
			hashes[i % AHEAD] = compiled_hash(b, i);
			uint32_t next =
				(uint32_t)hashes[i % AHEAD] & (size - 1);
			__builtin_prefetch(&slots[next], 1);
			__builtin_prefetch(&tags[next], 1);
		}
		if (i <= AHEAD)
			continue;
		while (slots[at])
			at = (at + 1) & (size - 1);
		slots[at] = b->names[i - AHEAD].at;
		tags[at] = layout_tag(hash);
	}
	zone->slots = slots;
	zone->tags = tags;
	zone->mask = size - 1;
}

static void compile_summary(const struct zone_builder *b, struct zone *zone)
{
	const struct item_set *soa = items_set(b, 0, RR_SOA);
	const struct item_record *r = &b->records[soa->first];
	const uint8_t *timers = b->bytes + r->rdata + r->rdata_len - 20;
	uint32_t minimum = get32(timers + 16);

	zone->nodes = (uint32_t)b->n_names;
	zone->records = (uint32_t)b->n_records - 1;
	zone->soa = zone_rrset(zone_apex(zone), RR_SOA);
	zone->serial = get32(timers);
	zone->negative_ttl = soa->ttl < minimum ? soa->ttl : minimum;
	zone->name_servers = items_set(b, 0, RR_NS)->count;
}

struct zone *zone_compile(struct zone_builder *b)
{
	struct compiler c = {.b = b};
	struct arena *arena = arena_new();
	struct zone *zone = arena_alloc(arena, sizeof *zone);

	zone->arena = arena;
	zone->apex = b->apex;
	c.room = words_most(b);
	zone->words = c.words = arena_room(arena, c.room * sizeof *c.words);
	compiler_take(&c, 4); /* reference 0 is none */
	compile_names(&c);
	compiler_take(&c, sizeof(struct zone_node)); /* ends zone_next() */
	compile_targets(&c, zone);
	compile_slots(b, zone);
	compile_summary(b, zone);
	return zone;
}
