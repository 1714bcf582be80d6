#include "zones/builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "wire/rr.h"
#include "zones/layout.h"
#include "zones/rdata.h"

/* Labels and RDATA are found by 32 bit offsets. */
#define BYTES_MAX (UINT32_MAX - UINT16_MAX)

/* Fewer records are not worth it; label and RDATA of a usual one. */
#define EXPECT_MIN 1024
#define EXPECT_BYTES 16

/* Lists are linked by index; index 0 is none, or for names the apex. Small,
 * because of a million each the kernel has to clear the pages first. */
struct item_name {
	uint32_t parent;
	uint32_t label; /* offset in bytes */
	uint32_t first_set, last_set;
	uint32_t mark;
	uint32_t at; /* reference in the compiled zone */
	uint16_t sets;
	uint8_t label_len : 6; /* NAME_LABEL_MAX */
	bool below_cut : 1, below_dname : 1;
	uint8_t flags; /* zone_node_flags */
};

struct item_set {
	uint32_t next;
	uint32_t first, last; /* records */
	uint32_t ttl;
	uint16_t size; /* of the body, uncompressed: LAYOUT_BODY_MAX */
	uint16_t type, count;
	bool ttls_differ;
};

struct item_record {
	uint32_t next;
	uint32_t line;
	uint32_t rdata; /* offset in bytes */
	uint16_t rdata_len;
	uint16_t file;
};

struct zone_builder {
	struct name apex;
	struct item_name *names;
	struct item_set *sets;
	struct item_record *records;
	uint8_t *bytes; /* labels and RDATA */
	char **files;   /* 0: none */
	size_t n_names, n_sets, n_records, n_bytes, n_files;
	size_t room_names, room_sets, room_records, room_bytes;
	uint64_t *slots; /* names by (parent, label): upper half of the hash,
			    index; 0: empty */
	uint32_t mask;
	uint16_t file;
	bool failed;
};

/* The compiled zone while it grows. */
struct compiler {
	struct zone_builder *b;
	uint32_t *words;
	size_t used, room; /* of words */
};

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

/* The half that does not choose the slot tells most strangers apart before
 * their memory is looked at. */
static uint64_t *slot_of(const struct zone_builder *b, uint64_t hash,
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
	return (uint32_t)*slot_of(b, hash, parent, label, len);
}

/* The same, made if missing. */
static uint32_t child_make(struct zone_builder *b, uint32_t parent,
	const uint8_t *label, unsigned len)
{
	uint64_t hash = layout_hash(parent, label, len);
	if (2 * b->n_names > b->mask)
		slots_grow(b, b->n_names);
	uint64_t *slot = slot_of(b, hash, parent, label, len);
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

/* Its index, or UINT32_MAX. *cut: a cut or DNAME is met at or above it, for a
 * DNAME itself too. */
static uint32_t name_find(
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

static void name_of(
	const struct zone_builder *b, uint32_t at, struct name *name)
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

#define WHERE_MAX 400

/* "file:line: owner: " */
static const char *where(const struct zone_builder *b, uint16_t file,
	uint32_t line, const struct name *owner, char *out)
{
	char text[NAME_TEXT_MAX];
	name_text(owner, text);
	if (file)
		snprintf(out, WHERE_MAX, "%s:%u: %.250s", b->files[file], line,
			text);
	else
		snprintf(out, WHERE_MAX, "%.250s", text);
	return out;
}

static const char *where_set(const struct zone_builder *b, uint32_t name,
	const struct item_set *set, char *out)
{
	struct name owner;
	const struct item_record *r = &b->records[set->first];
	name_of(b, name, &owner);
	return where(b, r->file, r->line, &owner, out);
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

static struct item_set *set_find(
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
	struct item_set *set = set_find(b, name, type);
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
	/* NS at "*" would be a cut at a wildcard, which nobody defines
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
	char at[WHERE_MAX], text[RR_TYPE_TEXT_MAX];
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
			where(b, b->file, line, owner, at),
			rr_type_text(type, text), fault);
	}
	if (set->ttl != ttl && !set->ttls_differ) {
		set->ttls_differ = true;
		err_warn(err,
			"%s %s: TTLs differ within the RRset (%u and %u):"
			" the lowest counts",
			where(b, b->file, line, owner, at),
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
	char text[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], at[WHERE_MAX];
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
			where_set(b, name, set, at),
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
	uint32_t name = name_find(b, owner, &cut);
	if (cut)
		return ZONE_HAS_CUT;
	if (name == UINT32_MAX)
		return ZONE_HAS_NOTHING;
	const struct item_name *n = &b->names[name];
	return n->sets || n->mark ? ZONE_HAS_DATA : ZONE_HAS_NOTHING;
}

/* -- checking -- */

/* May stand beside a CNAME (RFC 2181 10.1, RFC 4034). */
static bool beside_cname(uint16_t type)
{
	return type == RR_CNAME || type == RR_SIG || type == RR_KEY ||
		type == RR_RRSIG || type == RR_NSEC;
}

/* What the parent side of a cut may hold. */
static bool at_cut(uint16_t type)
{
	return type == RR_NS || type == RR_DS || type == RR_A ||
		type == RR_AAAA || type == RR_RRSIG || type == RR_NSEC;
}

/* Sets of one name against each other and against what is above. */
static bool check_name(
	const struct zone_builder *b, uint32_t name, struct err *err)
{
	const struct item_name *n = &b->names[name];
	const bool cname = set_find(b, name, RR_CNAME) != NULL;
	char at[WHERE_MAX], text[RR_TYPE_TEXT_MAX];
	bool good = true;

	for (uint32_t i = n->first_set; i; i = b->sets[i].next) {
		const struct item_set *set = &b->sets[i];
		const char *type = rr_type_text(set->type, text);
		if (!set->count)
			continue; /* its only record was refused */
		if (n->below_dname)
			good = err_add(err, "%s %s: data below a DNAME",
				where_set(b, name, set, at), type);
		else if (cname && !beside_cname(set->type))
			good = err_add(err, "%s %s: CNAME and other data",
				where_set(b, name, set, at), type);
		else if ((n->below_cut && set->type != RR_A &&
				 set->type != RR_AAAA) ||
			(n->flags & NODE_CUT && !at_cut(set->type)))
			err_warn(err, "%s %s: hidden by a zone cut",
				where_set(b, name, set, at), type);
	}
	return good;
}

/* Name servers that lie in the zone need an address here, unless another
 * delegation than the one that names them knows it. */
static void check_servers(
	const struct zone_builder *b, uint32_t name, struct err *err)
{
	const struct item_set *set = set_find(b, name, RR_NS);
	char at[WHERE_MAX], text[NAME_TEXT_MAX];
	struct name owner, target;
	bool cut;

	if (!set || b->names[name].below_cut)
		return;
	name_of(b, name, &owner);
	for (uint32_t i = set->first; i; i = b->records[i].next) {
		const struct item_record *r = &b->records[i];
		if (!name_read(&target, b->bytes + r->rdata, r->rdata_len) ||
			!name_below(&target, &b->apex))
			continue;
		uint32_t host = name_find(b, &target, &cut);
		if (host != UINT32_MAX &&
			(set_find(b, host, RR_A) ||
				set_find(b, host, RR_AAAA) ||
				b->names[host].mark))
			continue;
		if (cut && !(name && name_below(&target, &owner)))
			continue;
		err_warn(err, "%s NS: name server %s has no address%s",
			where(b, r->file, r->line, &owner, at),
			name_text(&target, text), cut ? " (missing glue)" : "");
	}
}

static bool check_all(struct zone_builder *b, struct err *err)
{
	char text[NAME_TEXT_MAX];
	const char *file = b->n_files > 1 ? b->files[1] : NULL;
	const char *front = file ? file : name_text(&b->apex, text);
	const struct item_set *soa = set_find(b, 0, RR_SOA);
	const struct item_set *ns = set_find(b, 0, RR_NS);
	bool good = true;

	if (!soa || !soa->count)
		good = err_add(err, "%s:1: no SOA at the apex", front);
	if (!ns || !ns->count)
		good = err_add(err, "%s:1: no NS at the apex", front);
	for (uint32_t i = 0; i < b->n_names; i++) {
		struct item_name *n = &b->names[i];
		const struct item_name *up = &b->names[n->parent];
		if (i) { /* parents come first */
			n->below_cut = up->below_cut || up->flags & NODE_CUT;
			n->below_dname =
				up->below_dname || up->flags & NODE_DNAME;
		}
		good &= check_name(b, i, err);
		check_servers(b, i, err);
	}
	return good;
}

/* -- compiling -- */

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
	return name_find(b, &name, &cut) + 1; /* UINT32_MAX + 1 is 0 */
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
	const struct item_set *soa = set_find(b, 0, RR_SOA);
	const struct item_record *r = &b->records[soa->first];
	const uint8_t *timers = b->bytes + r->rdata + r->rdata_len - 20;
	uint32_t minimum = get32(timers + 16);

	zone->nodes = (uint32_t)b->n_names;
	zone->records = (uint32_t)b->n_records - 1;
	zone->soa = zone_rrset(zone_apex(zone), RR_SOA);
	zone->serial = get32(timers);
	zone->negative_ttl = soa->ttl < minimum ? soa->ttl : minimum;
	zone->name_servers = set_find(b, 0, RR_NS)->count;
}

static struct zone *compile(struct zone_builder *b)
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

struct zone *zone_build(struct zone_builder *b, struct err *err)
{
	bool good = check_all(b, err);
	struct zone *zone = good && !b->failed ? compile(b) : NULL;
	zone_builder_free(b);
	return zone;
}
