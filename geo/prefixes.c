/* prefixes.c - see prefixes.h.
 *
 * Building: ranges of each layer are sorted and flattened with a stack into
 * runs (from this address on: this place), the runs of all layers are merged
 * pairwise, neighbours with equal places become one, and the table is made from
 * what remains. Both families are handled by the same code: an address is a
 * 128-bit key, IPv4 in its upper 32 bits.
 *
 * The table of a family: entries for the upper bits (IPv4 19, IPv6 18; fewer
 * where there is little data), then nodes of 5 bits each. An entry is a place,
 * or NODE and the offset of a node in `words`:
 *
 *	word 0     32 bits, one a slot: set where an entry begins that differs
 *	           from its left neighbour's (bit 0 always is)
 *	words 1..  the entries, one for each set bit
 *
 * so a step is a load of the bitmap and one of an entry in the same cache line.
 * An IPv4 address ends after top and one node unless the data is finer than
 * /24. Equal nodes are stored once. With 6 bits the city data took 65 MB instead
 * of 56 and lookups more misses, with 4 bits 69 MB, with 8 about the same.
 *
 * A node exists only where its range holds more than one place. Therefore the
 * scope need not be stored: the largest aligned block around an address that
 * is uniform lies within its last node, and follows from where its run begins
 * and ends there.
 *
 * IPv6 addresses with an IPv4 address inside have an entry of their own kind,
 * TABLE_INSIDE, which sends the search on to the table of IPv4: to copy IPv4's
 * runs would double the table.
 */
#include "geo/prefixes.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/rng.h"
#include "geo/table.h"

#define NODE TABLE_NODE
#define SLOTS 32
#define STEP_BITS 5
#define MANY 10000        /* runs that are worth IPv4 a top array of 2 MB */
#define VERY_MANY 1000000 /* and IPv6 one of 1 MB */
#define HUGE_PAGE ((size_t)2 << 20)

/* An address, from the uppermost bit; bits are taken by shifting left. */
typedef unsigned __int128 key128;

static inline key128 key_of(uint64_t high, uint64_t low)
{
	return (key128)high << 64 | low;
}

static inline key128 key_of_addr(const struct addr *a)
{
	uint64_t high, low;
	memcpy(&high, a->bytes, 8);
	memcpy(&low, a->bytes + 8, 8);
	return key_of(be64toh(high), be64toh(low));
}

static inline unsigned first_bits(key128 key, unsigned n)
{
	return (unsigned)(key >> (128 - n));
}

/* -- lookup -- */

/* The bits up to and with the slot's own. */
static inline uint32_t upto(uint32_t bits, unsigned slot)
{
	return bits & ~(uint32_t)0 >> (SLOTS - 1 - slot);
}

/* Bits set. Baseline x86-64 has no instruction for it, and a call of the
 * library's function costs more than the load it stands before. */
static inline unsigned count_bits(uint32_t x)
{
#ifdef __POPCNT__
	return (unsigned)__builtin_popcount(x);
#else
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f;
	return x * 0x01010101 >> 24;
#endif
}

static inline uint32_t entry_of(const uint32_t *node, unsigned slot)
{
	return node[count_bits(upto(node[0], slot))];
}

/* How many bits it takes to tell a slot from another; 0 or less for "slots" -1
 * and 32, which lie outside of the node. */
static inline int bits_to_part(unsigned slot, unsigned other)
{
	return __builtin_clz(slot ^ other) - (32 - STEP_BITS) + 1;
}

/* How many bits of a slot number make a block around it that is all one run:
 * enough to leave out the neighbours at both of the run's ends. Without a
 * branch, for each would wait for memory and then be guessed wrong. */
static inline int uniform_bits(const uint32_t *node, unsigned slot)
{
	uint32_t left = upto(node[0], slot);
	uint32_t right = (node[0] ^ left) >> 1 | 1u << (SLOTS - 1);
	unsigned begin = SLOTS - 1 - (unsigned)__builtin_clz(left);
	unsigned end = (unsigned)__builtin_ctz(right) + 1;
	int n = bits_to_part(slot, begin - 1), m = bits_to_part(slot, end);
	return m > n ? m : n;
}

/* The leaf of the IPv4 address inside; uniform: how long a prefix is inside all
 * over. Only its last octets may be cut off by the scope. */
static __attribute__((noinline, cold)) struct geo_leaf find_inside(
	const struct geo *geo, const struct addr *addr, int uniform)
{
	struct addr v4 = *addr;
	unsigned begin = addr_unmap(&v4);
	if (!begin)
		begin = addr_inside(addr, &v4);
	struct geo_leaf leaf = geo_find(geo, &v4);
	unsigned scope = begin + leaf.scope;
	leaf.scope = (uint8_t)(scope > (unsigned)uniform ? scope
							 : (unsigned)uniform);
	return leaf;
}

/* Ends a search whose first entry is read. The address is in two halves: nearly
 * all end in the upper one. */
static inline struct geo_leaf find(
	const struct geo_search *search, const struct addr *addr)
{
	const struct table *table = search->table;
	uint32_t entry = search->entry;
	unsigned depth = table->top_bits; /* of the node */
	int scope = table->shortest;

	if (!(entry & NODE))
		return (struct geo_leaf){entry, (uint8_t)scope};
	for (uint64_t bits = search->high << depth;; depth += STEP_BITS) {
		const uint32_t *node = table->words + (entry & ~NODE);
		if (__builtin_expect(depth > 64 - STEP_BITS, 0))
			bits = (uint64_t)(key_of_addr(addr) << depth >> 64);
		unsigned slot = (unsigned)(bits >> (64 - STEP_BITS));
		bits <<= STEP_BITS;
		entry = entry_of(node, slot);
		if (entry & NODE)
			continue;
		int uniform = (int)depth + uniform_bits(node, slot);
		scope = uniform > scope ? uniform : scope;
		return (struct geo_leaf){entry, (uint8_t)scope};
	}
}

static inline struct geo_leaf end(
	const struct geo_search *search, const struct addr *addr)
{
	struct geo_leaf leaf = find(search, addr);
	if (__builtin_expect(leaf.place == TABLE_INSIDE, 0))
		return find_inside(search->geo, addr, leaf.scope);
	return leaf;
}

static inline void begin(struct geo_search *search, const struct geo *geo,
	const struct addr *addr)
{
	uint64_t high;
	memcpy(&high, addr->bytes, sizeof high);
	search->high = be64toh(high);
	search->geo = geo;
	search->table = addr->family == 6 ? &geo->v6 : &geo->v4;
	search->top = search->table->top +
		(search->high >> (64 - search->table->top_bits));
}

struct geo_leaf geo_find(const struct geo *geo, const struct addr *addr)
{
	struct geo_search search;
	begin(&search, geo, addr);
	search.entry = *search.top;
	return end(&search, addr);
}

void geo_begin(struct geo_search *search, const struct geo *geo,
	const struct addr *addr)
{
	begin(search, geo, addr);
	__builtin_prefetch(search->top);
}

void geo_go_on(struct geo_search *search)
{
	search->entry = *search->top;
	if (search->entry & NODE)
		__builtin_prefetch(
			search->table->words + (search->entry & ~NODE));
}

struct geo_leaf geo_end(
	const struct geo_search *search, const struct addr *addr)
{
	return end(search, addr);
}

const struct place *geo_place(const struct geo *geo, uint32_t index)
{
	return &geo->places[index];
}

uint32_t geo_places(const struct geo *geo)
{
	return geo->n_places;
}

const char *geo_report(const struct geo *geo)
{
	return geo->report ? geo->report : "";
}

size_t geo_size(const struct geo *geo)
{
	return sizeof *geo + geo->size;
}

void geo_free(struct geo *geo)
{
	if (!geo)
		return;
	free(geo->block);
	free(geo->report);
	free(geo);
}

/* -- places while building -- */

/* Of a builder: what TABLE_INSIDE is in a table. Its bytes differ from those of
 * any place. */
#define INSIDE 1
static const struct place inside_place = {.source = UINT8_MAX};

/* Distinct places in the order they came; slots is an open hash of index + 1. */
struct place_set {
	struct place *at;
	uint32_t *slots;
	uint32_t n, n_slots; /* n_slots: a power of two, more than 2 n */
};

static void slot_place(struct place_set *set, uint32_t index)
{
	uint64_t h = hash_bytes(&set->at[index], sizeof *set->at, 0);
	uint32_t mask = set->n_slots - 1, i = (uint32_t)h & mask;
	while (set->slots[i])
		i = (i + 1) & mask;
	set->slots[i] = index + 1;
}

static void grow_places(struct place_set *set)
{
	set->n_slots = set->n_slots ? 2 * set->n_slots : 1024;
	set->at = mem_grow(set->at, set->n_slots / 2 * sizeof *set->at);
	free(set->slots);
	set->slots = mem_zero(set->n_slots, sizeof *set->slots);
	for (uint32_t i = 0; i < set->n; i++)
		slot_place(set, i);
}

/* The index of a place, new or old. Padding must be zero. */
static uint32_t intern(struct place_set *set, const struct place *place)
{
	if (2 * (set->n + 1) >= set->n_slots)
		grow_places(set);
	uint64_t h = hash_bytes(place, sizeof *place, 0);
	uint32_t mask = set->n_slots - 1;
	for (uint32_t i = (uint32_t)h & mask; set->slots[i]; i = (i + 1) & mask)
		if (!memcmp(&set->at[set->slots[i] - 1], place, sizeof *place))
			return set->slots[i] - 1;
	set->at[set->n] = *place;
	slot_place(set, set->n);
	return set->n++;
}

static void place_set_fini(struct place_set *set)
{
	free(set->at);
	free(set->slots);
}

static float rounded(float degrees, float steps)
{
	return roundf(degrees * steps) / steps + 0.0f; /* no negative zero */
}

/* What was said, in one form: fields that mean nothing are zero. Centres of
 * countries are made at the end, when all layers have spoken. A city database
 * knows a place to some kilometres; steps of one make far fewer places. */
static struct place normal(const struct place *said)
{
	struct place p;
	memset(&p, 0, sizeof p);
	if (said->source >= PLACE_DATABASE && fabsf(said->lat) <= 90 &&
		fabsf(said->lon) <= 180) {
		float steps = said->source == PLACE_NETS ? 1e4f : 1e2f;
		p.lat = rounded(said->lat, steps);
		p.lon = rounded(said->lon, steps);
		p.source = said->source;
	}
	p.asn = said->asn;
	for (int i = 0; i < 2; i++) {
		char c = said->country[i] & ~0x20; /* upper case */
		if (c < 'A' || c > 'Z') {
			p.country[0] = p.country[1] = 0;
			break;
		}
		p.country[i] = c;
	}
	return p;
}

/* Field by field: what over says, else what under says. */
static struct place overlay(const struct place *over, const struct place *under)
{
	struct place p = *over;
	if (p.source == PLACE_UNKNOWN) {
		p.lat = under->lat;
		p.lon = under->lon;
		p.source = under->source;
	}
	if (!p.asn)
		p.asn = under->asn;
	if (!p.country[0])
		memcpy(p.country, under->country, sizeof p.country);
	return p;
}

static uint32_t intern_overlay(
	struct place_set *set, uint32_t over, uint32_t under)
{
	if (over == under || under == 0 || over == INSIDE || under == INSIDE)
		return over ? over : under;
	if (over == 0)
		return under;
	struct place p = overlay(&set->at[over], &set->at[under]);
	return intern(set, &p);
}

/* -- ranges and runs -- */

/* A prefix as it was added. */
struct range {
	uint64_t high, low;
	uint32_t place;
	uint32_t order; /* length in the upper 8 bits, then as they came */
};

/* From this address to the next run's: this place. */
struct run {
	uint64_t high, low;
	uint32_t place;
};

static key128 key_at(const struct run *runs, size_t i)
{
	return key_of(runs[i].high, runs[i].low);
}

struct layer {
	struct range *ranges;
	size_t n, room;
	bool unsorted;
};

/* Sorted; covers all addresses; neighbours differ. */
struct runs {
	struct run *at;
	size_t n, room;
};

struct geo_builder {
	struct place_set places; /* [0] is unknown, [INSIDE] as IPv4 inside */
	struct layer *layers[2]; /* of IPv4, of IPv6; by number */
	unsigned n_layers;
};

void geo_builder_free(struct geo_builder *b)
{
	if (!b)
		return;
	for (unsigned family = 0; family < 2; family++) {
		for (unsigned i = 0; i < b->n_layers; i++)
			free(b->layers[family][i].ranges);
		free(b->layers[family]);
	}
	place_set_fini(&b->places);
	free(b);
}

static void need_layer(struct geo_builder *b, unsigned layer)
{
	if (layer < b->n_layers)
		return;
	for (unsigned family = 0; family < 2; family++) {
		struct layer *l =
			mem_grow(b->layers[family], (layer + 1) * sizeof *l);
		memset(l + b->n_layers, 0,
			(layer + 1 - b->n_layers) * sizeof *l);
		b->layers[family] = l;
	}
	b->n_layers = layer + 1;
}

static int range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

uint32_t geo_builder_place(struct geo_builder *b, const struct place *place)
{
	struct place p = normal(place);
	return intern(&b->places, &p);
}

static void add_range(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, uint32_t place)
{
	need_layer(b, layer);
	struct layer *l = &b->layers[prefix->addr.family == 6][layer];
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->ranges = mem_grow(l->ranges, l->room * sizeof *l->ranges);
	}
	struct range *r = &l->ranges[l->n];
	key128 key = key_of_addr(&prefix->addr);
	r->high = (uint64_t)(key >> 64);
	r->low = (uint64_t)key;
	r->place = place;
	r->order = (uint32_t)prefix->len << 24 |
		(uint32_t)(l->n < 0xffffff ? l->n : 0xffffff);
	if (l->n && range_order(r - 1, r) > 0)
		l->unsorted = true;
	l->n++;
}

/* Where an IPv4 address may be inside. The first, ::ffff:0:0/96, is never asked
 * for: it is there so that no scope of its neighbours covers it. */
static const struct prefix inside_of[] = {
	{{6, {[10] = 0xff, 0xff}}, 96},
	{{6, {0x00, 0x64, 0xff, 0x9b}}, 96},
	{{6, {0x20, 0x02}}, 16},
};
#define INSIDE_OF (sizeof inside_of / sizeof *inside_of)

/* First of all, so that nets for the same prefix win. */
static void add_inside(struct geo_builder *b)
{
	for (unsigned i = 0; i < INSIDE_OF; i++)
		add_range(b, 0, &inside_of[i], INSIDE);
}

static bool is_inside(const struct prefix *prefix)
{
	for (unsigned i = 0; i < INSIDE_OF; i++)
		if (prefix->len >= inside_of[i].len &&
			prefix_contains(&inside_of[i], &prefix->addr))
			return true;
	return false;
}

void geo_builder_add_place(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, uint32_t place)
{
	if (layer > 0 && is_inside(prefix))
		return;
	add_range(b, layer, prefix, place);
}

struct geo_builder *geo_builder_new(void)
{
	struct geo_builder *b = mem_zero(1, sizeof *b);
	struct place unknown;
	memset(&unknown, 0, sizeof unknown);
	intern(&b->places, &unknown);
	intern(&b->places, &inside_place);
	add_inside(b);
	return b;
}

void geo_builder_add(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, const struct place *place)
{
	geo_builder_add_place(b, layer, prefix, geo_builder_place(b, place));
}

/* The next run. One at the same address as the last replaces it. */
static void emit(struct runs *runs, key128 key, uint32_t place)
{
	struct run *last = runs->n ? &runs->at[runs->n - 1] : NULL;
	if (last && key_of(last->high, last->low) == key)
		last = --runs->n ? last - 1 : NULL;
	if (last && last->place == place)
		return;
	if (runs->n == runs->room) {
		runs->room = runs->room ? runs->room + runs->room / 2 : 64;
		runs->at = mem_grow(runs->at, runs->room * sizeof *runs->at);
	}
	runs->at[runs->n++] =
		(struct run){(uint64_t)(key >> 64), (uint64_t)key, place};
}

/* Ranges around the present address, the innermost on top; [0] is all there
 * is. One of each length at most. */
struct nest {
	struct {
		key128 last;
		uint32_t place;
		unsigned len;
	} open[1 + 129];
	unsigned top;
};

/* Closes the innermost range: what is around it goes on behind it. */
static void nest_pop(struct nest *nest, struct runs *runs)
{
	key128 after = nest->open[nest->top--].last + 1;
	if (after) /* 0: it ended where the address space does */
		emit(runs, after, nest->open[nest->top].place);
}

/* Opens a range. The same prefix once more takes the place of the first. */
static void nest_push(struct nest *nest, const struct range *r,
	struct place_set *places, struct runs *runs)
{
	key128 key = key_of(r->high, r->low);
	unsigned len = r->order >> 24;
	uint32_t place =
		intern_overlay(places, r->place, nest->open[nest->top].place);

	if (!nest->top || nest->open[nest->top].len != len)
		nest->top++;
	nest->open[nest->top].last = key | (len < 128 ? ~(key128)0 >> len : 0);
	nest->open[nest->top].place = place;
	nest->open[nest->top].len = len;
	emit(runs, key, place);
}

/* Ranges, which nest, to runs. Frees the ranges. */
static struct runs flatten(struct layer *l, struct place_set *places)
{
	struct nest nest = {.open[0].last = ~(key128)0};
	struct runs runs = {0};

	if (l->unsorted)
		qsort(l->ranges, l->n, sizeof *l->ranges, range_order);
	emit(&runs, 0, 0);
	for (const struct range *r = l->ranges; r < l->ranges + l->n; r++) {
		key128 key = key_of(r->high, r->low);
		while (nest.top && nest.open[nest.top].last < key)
			nest_pop(&nest, &runs);
		nest_push(&nest, r, places, &runs);
	}
	while (nest.top)
		nest_pop(&nest, &runs);
	free(l->ranges);
	*l = (struct layer){0};
	return runs;
}

/* Two layers to one; the first wins where both speak. Frees both. */
static struct runs merge(
	struct runs over, struct runs under, struct place_set *places)
{
	struct runs runs = {0};
	size_t i = 0, j = 0;

	for (key128 key = 0;;) {
		emit(&runs, key,
			intern_overlay(
				places, over.at[i].place, under.at[j].place));
		bool more_i = i + 1 < over.n, more_j = j + 1 < under.n;
		if (!more_i && !more_j)
			break;
		key128 next_i = 0, next_j = 0;
		if (more_i)
			next_i = key_at(over.at, i + 1);
		if (more_j)
			next_j = key_at(under.at, j + 1);
		bool step_i = more_i && (!more_j || next_i <= next_j);
		bool step_j = more_j && (!more_i || next_j <= next_i);
		key = step_i ? next_i : next_j;
		i += step_i;
		j += step_j;
	}
	free(over.at);
	free(under.at);
	return runs;
}

/* Says where a country is when nothing better was said. */
static struct place with_centre(const struct place *place)
{
	struct place p = *place;
	if (p.source == PLACE_UNKNOWN && p.country[0] &&
		place_country_centre(p.country, &p.lat, &p.lon))
		p.source = PLACE_COUNTRY;
	return p;
}

/* Replaces the builder's places by those of the table, which hold only what is
 * used. now[] maps old to new, UINT32_MAX where not yet known. */
static void settle_places(struct runs *runs, const struct place_set *old,
	struct place_set *fresh, uint32_t *now)
{
	struct runs settled = {.at = runs->at, .room = runs->n};
	for (size_t i = 0; i < runs->n; i++) {
		struct run r = runs->at[i];
		if (now[r.place] == UINT32_MAX) {
			struct place p = with_centre(&old->at[r.place]);
			now[r.place] = intern(fresh, &p);
		}
		/* In place: never more runs than before. */
		emit(&settled, key_of(r.high, r.low), now[r.place]);
	}
	*runs = settled;
}

/* -- the table -- */

/* A table under construction; slots is an open hash of the offsets of nodes
 * (+ 1), so that equal ones are stored once. */
struct compile {
	const struct run *runs;
	struct table *table;
	size_t room;
	uint32_t *slots;
	size_t n_slots, n_nodes;
};

static size_t node_words(const uint32_t *node)
{
	return 1 + count_bits(node[0]);
}

static void grow_slots(struct compile *c)
{
	size_t n_old = c->slots ? c->n_slots : 0;
	uint32_t *old = c->slots;
	c->n_slots *= 2;
	c->slots = mem_zero(c->n_slots, sizeof *c->slots);
	for (size_t i = 0; i < n_old; i++) {
		if (!old[i])
			continue;
		const uint32_t *node = c->table->words + old[i] - 1;
		size_t mask = c->n_slots - 1;
		size_t at = hash_bytes(node, 4 * node_words(node), 0) & mask;
		while (c->slots[at])
			at = (at + 1) & mask;
		c->slots[at] = old[i];
	}
	free(old);
}

/* Where a node of n words goes: if it fits into one cache line, not over the
 * edge of one. */
static size_t place_for(const struct table *t, size_t n)
{
	size_t line = 64 / sizeof *t->words, used = t->n_words % line;
	return n <= line && used + n > line ? t->n_words + line - used
					    : t->n_words;
}

/* Appends a node, or finds its equal. The entry that leads to it. */
static uint32_t node_store(struct compile *c, const uint32_t *node)
{
	struct table *t = c->table;
	size_t n = node_words(node);

	if (2 * (c->n_nodes + 1) >= c->n_slots)
		grow_slots(c);
	size_t mask = c->n_slots - 1;
	size_t at = hash_bytes(node, 4 * n, 0) & mask;
	for (; c->slots[at]; at = (at + 1) & mask) {
		const uint32_t *other = t->words + (c->slots[at] - 1);
		if (node_words(other) == n && !memcmp(other, node, 4 * n))
			return NODE | (c->slots[at] - 1);
	}
	size_t offset = place_for(t, n), end = offset + n;
	if (end > c->room) {
		c->room = c->room ? 2 * c->room : 4096;
		t->words = mem_grow(t->words, c->room * sizeof *t->words);
	}
	assert(end < NODE);
	memset(t->words + t->n_words, 0, 4 * (offset - t->n_words));
	memcpy(t->words + offset, node, 4 * n);
	t->n_words = end;
	c->slots[at] = (uint32_t)offset + 1;
	c->n_nodes++;
	return NODE | (uint32_t)offset;
}

/* A step of the table while it is made: from this slot on, this entry. */
struct start {
	uint32_t slot, entry;
};

static uint32_t node_of(struct compile *c, const struct start *starts, size_t n)
{
	uint32_t node[1 + SLOTS] = {0};

	for (size_t i = 0; i < n; i++) {
		node[0] |= 1u << starts[i].slot;
		node[1 + i] = starts[i].entry;
	}
	return node_store(c, node);
}

static size_t put(struct start *starts, size_t n, unsigned slot, uint32_t entry)
{
	if (n && starts[n - 1].entry == entry)
		return n;
	starts[n] = (struct start){slot, entry};
	return n + 1;
}

/* The slot that a run begins in, among those of a step at this depth. */
static inline unsigned slot_of(
	const struct run *run, unsigned depth, unsigned bits)
{
	if (depth + bits <= 64) /* most are, and it is much less work */
		return (unsigned)(run->high << depth >> (64 - bits));
	return first_bits(key_of(run->high, run->low) << depth, bits);
}

/* Makes the starts of a block of addresses: depth is the length of its prefix,
 * bits the width of this step. Runs first..last-1 lie in it: the first from its
 * beginning or before, the others begin inside. Returns how many. */
static size_t fill(struct compile *c, unsigned depth, unsigned bits,
	size_t first, size_t last, struct start *starts)
{
	unsigned below = depth + bits, end = 1u << bits, slot = 0;
	size_t n = 0, run = first, next = first + 1;

	while (slot < end) {
		unsigned begins = next < last
			? slot_of(&c->runs[next], depth, bits)
			: end;
		if (begins > slot) { /* all the same up to there */
			n = put(starts, n, slot, c->runs[run].place);
			slot = begins;
			continue;
		}
		key128 key = key_at(c->runs, next);
		if (below >= 128 || key << below == 0)
			run = next; /* from the very beginning of the slot */
		while (next < last &&
			slot_of(&c->runs[next], depth, bits) == slot)
			next++;
		uint32_t entry = c->runs[run].place;
		if (next - run > 1) {
			struct start inner[SLOTS];
			size_t m = fill(c, below, STEP_BITS, run, next, inner);
			entry = node_of(c, inner, m);
		}
		n = put(starts, n, slot++, entry);
		run = next - 1;
	}
	return n;
}

static void compile(struct table *table, const struct runs *runs)
{
	size_t n_top = (size_t)1 << table->top_bits;
	struct compile c = {.runs = runs->at, .table = table};
	struct start *starts = mem_alloc(n_top * sizeof *starts);

	/* Half as many nodes as runs are plenty: no need to grow. */
	for (c.n_slots = 512; c.n_slots < runs->n / 2;)
		c.n_slots *= 2;
	grow_slots(&c);
	size_t n = fill(&c, 0, table->top_bits, 0, runs->n, starts);
	table->top = mem_alloc(n_top * sizeof *table->top);
	for (size_t i = 0; i < n; i++) {
		size_t end = i + 1 < n ? starts[i + 1].slot : n_top;
		for (size_t slot = starts[i].slot; slot < end; slot++)
			table->top[slot] = starts[i].entry;
	}
	free(starts);
	free(c.slots);
}

/* All layers of a family in one. */
static struct runs all_layers(struct geo_builder *b, unsigned family)
{
	struct runs all = {0};
	for (unsigned i = 0; i < b->n_layers; i++) {
		if (!b->layers[family][i].n)
			continue;
		struct runs next = flatten(&b->layers[family][i], &b->places);
		all = all.n ? merge(all, next, &b->places) : next;
	}
	if (!all.n)
		emit(&all, 0, 0);
	return all;
}

/* -- the block -- */

/* The next place in the block; without one only the sizes count. */
static void *take(char *block, size_t *offset, size_t size)
{
	size_t at = *offset;
	*offset += (size + 63) & ~(size_t)63;
	return block ? block + at : NULL;
}

size_t table_lay_out(struct geo *geo, void *block)
{
	struct table *const tables[2] = {&geo->v4, &geo->v6};
	size_t offset = 0;
	for (int i = 0; i < 2; i++) {
		struct table *t = tables[i];
		t->top = take(block, &offset, sizeof *t->top << t->top_bits);
		t->words = take(block, &offset, t->n_words * sizeof *t->words);
	}
	geo->places = take(block, &offset, geo->n_places * sizeof *geo->places);
	return offset;
}

static void move(void *to, void *from, size_t size)
{
	if (size)
		memcpy(to, from, size);
	memset((char *)to + size, 0, -size & 63); /* it may go to a file */
	free(from);
}

static void move_table(const struct table *to, struct table *from)
{
	move(to->top, from->top, sizeof *from->top << from->top_bits);
	move(to->words, from->words, from->n_words * sizeof *from->words);
}

void *table_block(size_t size)
{
	size_t align = size >= HUGE_PAGE ? HUGE_PAGE : 64;
	void *block = aligned_alloc(align, (size + align - 1) & ~(align - 1));
	if (!block)
		abort(); /* no memory */
	if (align == HUGE_PAGE)
		madvise(block, size, MADV_HUGEPAGE);
	return block;
}

/* Moves the table to where it stays. */
static void settle(struct geo *geo)
{
	struct geo from = *geo;
	geo->size = table_lay_out(geo, NULL);
	geo->block = table_block(geo->size);
	table_lay_out(geo, geo->block);
	move_table(&geo->v4, &from.v4);
	move_table(&geo->v6, &from.v6);
	move(geo->places, from.places, from.n_places * sizeof *from.places);
}

struct geo *geo_build(struct geo_builder *b)
{
	struct geo *geo = mem_zero(1, sizeof *geo);
	struct runs v4 = all_layers(b, 0), v6 = all_layers(b, 1);
	struct place_set places = {0};
	uint32_t *now = mem_alloc(b->places.n * sizeof *now);

	memset(now, 0xff, b->places.n * sizeof *now);
	now[0] = intern(&places, &b->places.at[0]);
	/* Without IPv4 data nothing is known of what is inside. */
	now[INSIDE] = v4.n > 1 || v4.at[0].place ? TABLE_INSIDE : 0;
	settle_places(&v4, &b->places, &places, now);
	settle_places(&v6, &b->places, &places, now);
	free(now);
	geo_builder_free(b);

	geo->v4 = (struct table){
		.top_bits = v4.n > MANY ? 19 : 14, .shortest = 20};
	compile(&geo->v4, &v4);
	free(v4.at);
	geo->v6 = (struct table){.top_bits = v6.n > VERY_MANY ? 18
			: v6.n > MANY                         ? 13
							      : 8,
		.shortest = 40};
	compile(&geo->v6, &v6);
	free(v6.at);
	geo->places = places.at;
	geo->n_places = places.n;
	free(places.slots);
	settle(geo);
	return geo;
}
