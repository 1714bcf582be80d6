#include "zones/builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "wire/rr.h"
#include "zones/check.h"
#include "zones/compile.h"
#include "zones/items.h"
#include "zones/layout.h"
#include "zones/rdata.h"

/* Labels and RDATA are found by 32 bit offsets. */
#define BYTES_MAX (UINT32_MAX - UINT16_MAX)

/* Fewer records are not worth it; label and RDATA of a usual one. */
#define EXPECT_MIN 1024
#define EXPECT_BYTES 16

#define GROW(b, what, more)                                              \
	do {                                                             \
		if ((b)->n_##what + (more) > (b)->room_##what) {         \
			(b)->room_##what = 2 * ((b)->n_##what + (more)); \
			(b)->what = mem_grow((b)->what,                  \
				(b)->room_##what * sizeof *(b)->what);   \
		}                                                        \
	} while (0)

/* -- names -- */

static uint64_t bytes_add(struct zone_builder *b, const void *bytes, size_t n)
{
	GROW(b, bytes, n);
	if (n)
		memcpy(b->bytes + b->n_bytes, bytes, n);
	b->n_bytes += n;
	return b->n_bytes - n;
}

/* The half that does not choose the slot distinguishes most other names before
 * their memory is looked at. */
static uint64_t *builder_slot_of(const struct zone_builder *b, uint64_t hash,
	uint32_t parent, const uint8_t *label, unsigned len)
{
	for (uint32_t i = (uint32_t)hash;; i++) {
		uint64_t *slot = &b->slots[i & b->mask];
		if (!*slot)
			return slot;
		if ((*slot ^ hash) >> 32)
			continue;
		const struct item_name *n = &b->names[(uint32_t)*slot];
		if (n->parent == parent && n->label_len == len &&
			!memcmp(b->bytes + n->label, label, len))
			return slot;
	}
}

/* Makes the table anew, at most half full with that many names. */
static void slots_grow(struct zone_builder *b, size_t names)
{
	free(b->slots);
	while (2 * names > b->mask && b->mask < UINT32_MAX)
		b->mask = 2 * b->mask + 1;
	b->slots = mem_large_zero(((size_t)b->mask + 1) * sizeof *b->slots);
	for (uint32_t i = 1; i < b->n_names; i++) {
		const struct item_name *n = &b->names[i];
		uint64_t hash = layout_hash(
			n->parent, b->bytes + n->label, n->label_len);
		uint32_t at = (uint32_t)hash;
		while (b->slots[at & b->mask])
			at++;
		b->slots[at & b->mask] = hash >> 32 << 32 | i;
	}
}

/* The child with that label; 0: none. */
static uint32_t child(const struct zone_builder *b, uint32_t parent,
	const uint8_t *label, unsigned len)
{
	uint64_t hash = layout_hash(parent, label, len);
	return (uint32_t)*builder_slot_of(b, hash, parent, label, len);
}

/* The same, made if missing. */
static uint32_t child_make(struct zone_builder *b, uint32_t parent,
	const uint8_t *label, unsigned len)
{
	uint64_t hash = layout_hash(parent, label, len);
	if (2 * b->n_names > b->mask)
		slots_grow(b, b->n_names);
	uint64_t *slot = builder_slot_of(b, hash, parent, label, len);
	if (*slot)
		return (uint32_t)*slot;
	GROW(b, names, 1);
	uint32_t at = (uint32_t)b->n_names++;
	*slot = hash >> 32 << 32 | at;
	b->names[at] = (struct item_name){.parent = parent,
		.label = (uint32_t)bytes_add(b, label, len),
		.label_len = (uint8_t)len};
	if (len == 1 && *label == '*')
		b->names[parent].flags |= NODE_WILD;
	return at;
}

/* The name and all between it and the apex, made if missing. */
static uint32_t name_make(struct zone_builder *b, const struct name *name)
{
	uint32_t at = 0;
	for (unsigned i = name->labels - b->apex.labels; i--;) {
		const uint8_t *label = name->bytes + name->offset[i];
		at = child_make(b, at, label + 1, *label);
	}
	return at;
}

uint32_t items_name(
	const struct zone_builder *b, const struct name *name, bool *cut)
{
	uint32_t at = 0;
	*cut = b->names[0].flags & NODE_DNAME;
	for (unsigned i = name->labels - b->apex.labels; i--;) {
		const uint8_t *label = name->bytes + name->offset[i];
		at = child(b, at, label + 1, *label);
		if (!at)
			return UINT32_MAX;
		*cut |= (b->names[at].flags & (NODE_CUT | NODE_DNAME)) != 0;
	}
	return at;
}

void items_owner(const struct zone_builder *b, uint32_t at, struct name *name)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t len = 0;
	for (; at; at = b->names[at].parent) {
		unsigned n = b->names[at].label_len;
		wire[len++] = (uint8_t)n;
		memcpy(wire + len, b->bytes + b->names[at].label, n);
		len += n;
	}
	memcpy(wire + len, b->apex.bytes, b->apex.len);
	name_read(name, wire, len + b->apex.len);
}

/* -- messages -- */

const char *items_at(const struct zone_builder *b, uint16_t file, uint32_t line,
	const struct name *owner, char *out)
{
	char text[NAME_TEXT_MAX];
	name_text(owner, text);
	if (file)
		snprintf(out, ITEMS_WHERE_MAX, "%s:%u: %.250s", b->files[file],
			line, text);
	else
		snprintf(out, ITEMS_WHERE_MAX, "%.250s", text);
	return out;
}

const char *items_where(const struct zone_builder *b, uint32_t name,
	const struct item_set *set, char *out)
{
	struct name owner;
	const struct item_record *r = &b->records[set->first];
	items_owner(b, name, &owner);
	return items_at(b, r->file, r->line, &owner, out);
}

/* -- building -- */

struct zone_builder *zone_builder_new(const struct name *apex)
{
	struct zone_builder *b = mem_zero(1, sizeof *b);
	b->apex = *apex;
	b->mask = 15;
	b->slots = mem_zero(16, sizeof *b->slots);
	b->n_names = b->n_sets = b->n_records = b->n_files = 1;
	GROW(b, names, 1);
	GROW(b, sets, 1);
	GROW(b, records, 1);
	GROW(b, bytes, 64);
	b->names[0] = (struct item_name){0};
	b->files = mem_zero(1, sizeof *b->files);
	return b;
}

void zone_builder_free(struct zone_builder *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_files; i++)
		free(b->files[i]);
	free(b->files);
	free(b->names);
	free(b->sets);
	free(b->records);
	free(b->bytes);
	free(b->slots);
	free(b);
}

const struct name *zone_builder_apex(const struct zone_builder *b)
{
	return &b->apex;
}

void zone_builder_file(struct zone_builder *b, const char *path)
{
	if (!path) {
		b->file = 0;
		return;
	}
	for (b->file = 1; b->file < b->n_files; b->file++)
		if (!strcmp(b->files[b->file], path))
			return;
	assert(b->n_files < UINT16_MAX);
	b->files = mem_grow(b->files, (b->n_files + 1) * sizeof *b->files);
	b->files[b->n_files++] = mem_strdup(path);
}

/* One allocation each, in large pages, instead of many that grow: what is not
 * needed of it is never touched. */
#define EXPECT(b, what, more)                                          \
	do {                                                           \
		if ((b)->n_##what + (more) > (b)->room_##what) {       \
			(b)->room_##what = (b)->n_##what + (more);     \
			(b)->what = mem_large_grow((b)->what,          \
				(b)->room_##what * sizeof *(b)->what); \
		}                                                      \
	} while (0)

void zone_builder_expect(struct zone_builder *b, size_t records)
{
	if (records < EXPECT_MIN)
		return;
	EXPECT(b, names, records);
	EXPECT(b, sets, records);
	EXPECT(b, records, records);
	EXPECT(b, bytes, EXPECT_BYTES * records);
	if (2 * (b->n_names + records) > b->mask)
		slots_grow(b, b->n_names + records);
}

void zone_builder_fetch(const struct zone_builder *b, const struct name *owner)
{
	/* Where a deeper name is, its parents would have to say first. */
	if (owner->labels != b->apex.labels + 1)
		return;
	uint64_t hash = layout_hash(0, owner->bytes + 1, *owner->bytes);
	__builtin_prefetch(&b->slots[(uint32_t)hash & b->mask], 1);
}

void zone_builder_fail(struct zone_builder *b)
{
	b->failed = true;
}

struct item_set *items_set(
	const struct zone_builder *b, uint32_t name, uint16_t type)
{
	uint32_t i = b->names[name].first_set;
	while (i && b->sets[i].type != type)
		i = b->sets[i].next;
	return i ? &b->sets[i] : NULL;
}

static struct item_set *set_make(
	struct zone_builder *b, uint32_t name, uint16_t type, uint32_t ttl)
{
	struct item_set *set = items_set(b, name, type);
	if (set)
		return set;
	GROW(b, sets, 1);
	uint32_t at = (uint32_t)b->n_sets++;
	struct item_name *n = &b->names[name];
	if (n->first_set)
		b->sets[n->last_set].next = at;
	else
		n->first_set = at;
	n->last_set = at;
	n->sets++;
	if (type == RR_DNAME)
		n->flags |= NODE_DNAME;
	/* NS at "*" would be a cut at a wildcard, which no RFC defines
	 * (RFC 4592 4.2): we serve it as plain data. */
	bool wild = n->label_len == 1 && b->bytes[n->label] == '*';
	if (type == RR_NS && name && !wild)
		n->flags |= NODE_CUT;
	b->sets[at] = (struct item_set){.type = type, .ttl = ttl};
	return &b->sets[at];
}

static bool set_holds(const struct zone_builder *b, const struct item_set *set,
	const uint8_t *rdata, size_t len)
{
	for (uint32_t i = set->first; i; i = b->records[i].next)
		if (b->records[i].rdata_len == len &&
			!memcmp(b->bytes + b->records[i].rdata, rdata, len))
			return true;
	return false;
}

static bool is_steered_type(uint16_t type)
{
	return type == RR_A || type == RR_AAAA || type == RR_HTTPS ||
		type == RR_CNAME;
}

/* What is wrong with a record by itself, or NULL. */
static const char *record_fault(const struct zone_builder *b,
	const struct name *owner, uint16_t type, const uint8_t *rdata,
	size_t len)
{
	if (!name_below(owner, &b->apex))
		return "out of zone";
	if (type == 0 || type == RR_OPT || (type >= RR_TKEY && type <= RR_ANY))
		return "not a type of data";
	if (type == RR_SOA && owner->len != b->apex.len)
		return "SOA below the apex";
	if (!rdata_valid(type, rdata, len))
		return "malformed RDATA";
	if (b->n_bytes > BYTES_MAX)
		return "the zone is too large";
	return NULL;
}

/* What is wrong with one more record of a set, or NULL. */
static const char *addition_fault(const struct zone_builder *b, uint32_t name,
	const struct item_set *set, size_t len)
{
	if (b->names[name].mark && is_steered_type(set->type))
		return "the name is steered";
	if (set->count && set->type == RR_SOA)
		return "a second SOA";
	if (set->count && set->type == RR_CNAME)
		return "a second CNAME";
	if (set->count && set->type == RR_DNAME)
		return "a second DNAME";
	if (set->size + RR_POINTER_LEN + len > LAYOUT_BODY_MAX)
		return "an RRset too large for any message";
	return NULL;
}

bool zone_builder_add(struct zone_builder *b, const struct name *owner,
	uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t rdata_len,
	unsigned line, struct err *err)
{
	assert(rdata_len <= UINT16_MAX);
	char at[ITEMS_WHERE_MAX], text[RR_TYPE_TEXT_MAX];
	const char *fault = record_fault(b, owner, type, rdata, rdata_len);
	uint32_t name = fault ? 0 : name_make(b, owner);
	struct item_set *set = fault ? NULL : set_make(b, name, type, ttl);

	if (set && set_holds(b, set, rdata, rdata_len))
		return true;
	if (set)
		fault = addition_fault(b, name, set, rdata_len);
	if (fault) {
		b->failed = true;
		return err_add(err, "%s %s: %s",
			items_at(b, b->file, line, owner, at),
			rr_type_text(type, text), fault);
	}
	if (set->ttl != ttl && !set->ttls_differ) {
		set->ttls_differ = true;
		err_warn(err,
			"%s %s: TTLs differ within the RRset (%u and %u):"
			" the lowest counts",
			items_at(b, b->file, line, owner, at),
			rr_type_text(type, text), set->ttl, ttl);
	}
	if (ttl < set->ttl)
		set->ttl = ttl;

	GROW(b, records, 1);
	uint32_t record = (uint32_t)b->n_records++;
	b->records[record] = (struct item_record){.line = line,
		.file = b->file,
		.rdata = (uint32_t)bytes_add(b, rdata, rdata_len),
		.rdata_len = (uint16_t)rdata_len};
	if (set->count++)
		b->records[set->last].next = record;
	else
		set->first = record;
	set->last = record;
	set->size = (uint16_t)(set->size + RR_POINTER_LEN + rdata_len);
	return true;
}

bool zone_builder_mark(struct zone_builder *b, const struct name *owner,
	uint32_t mark, const char *place, struct err *err)
{
	char text[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], at[ITEMS_WHERE_MAX];
	const char *front = place ? place : "", *sep = place ? ": " : "";
	bool good = true;

	assert(mark);
	switch (zone_builder_has(b, owner)) {
	case ZONE_HAS_OUTSIDE:
		b->failed = true;
		return err_add(err, "%s%s%s is in no zone", front, sep,
			name_text(owner, text));
	case ZONE_HAS_CUT:
		b->failed = true;
		return err_add(err, "%s%s%s is at or below a zone cut or DNAME",
			front, sep, name_text(owner, text));
	default:
		break;
	}
	uint32_t name = name_make(b, owner);
	for (uint32_t i = b->names[name].first_set; i; i = b->sets[i].next) {
		const struct item_set *set = &b->sets[i];
		if (!is_steered_type(set->type))
			continue;
		good = err_add(err, "%s%s%s: %s at a steered name",
			b->n_files > 1 ? "" : front, b->n_files > 1 ? "" : sep,
			items_where(b, name, set, at),
			rr_type_text(set->type, type));
	}
	b->names[name].mark = mark;
	b->names[name].flags |= NODE_MARK;
	b->failed |= !good;
	return good;
}

enum zone_has zone_builder_has(
	const struct zone_builder *b, const struct name *owner)
{
	bool cut;
	if (!name_below(owner, &b->apex))
		return ZONE_HAS_OUTSIDE;
	uint32_t name = items_name(b, owner, &cut);
	if (cut)
		return ZONE_HAS_CUT;
	if (name == UINT32_MAX)
		return ZONE_HAS_NOTHING;
	const struct item_name *n = &b->names[name];
	return n->sets || n->mark ? ZONE_HAS_DATA : ZONE_HAS_NOTHING;
}

struct zone *zone_build(struct zone_builder *b, struct err *err)
{
	bool good = zone_check(b, err);
	struct zone *zone = good && !b->failed ? zone_compile(b) : NULL;
	zone_builder_free(b);
	return zone;
}
