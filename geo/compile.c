#include "geo/compile.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"

static inline unsigned first_bits(key128 key, unsigned n)
{
	return (unsigned)(key >> (128 - n));
}

/* A table under construction; slots is an open hash of the offsets of nodes
 * (+ 1), so that equal ones are stored once. */
struct compiler {
	const struct run *runs;
	struct table *table;
	size_t room;
	uint32_t *slots;
	size_t n_slots, n_nodes;
};

static size_t node_words(const uint32_t *node)
{
	return 1 + table_count_bits(node[0]);
}

static void grow_slots(struct compiler *c)
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
static uint32_t node_store(struct compiler *c, const uint32_t *node)
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
			return TABLE_NODE | (c->slots[at] - 1);
	}
	size_t offset = place_for(t, n), end = offset + n;
	if (end > c->room) {
		c->room = c->room ? 2 * c->room : 4096;
		t->words = mem_grow(t->words, c->room * sizeof *t->words);
	}
	assert(end < TABLE_NODE);
	memset(t->words + t->n_words, 0, 4 * (offset - t->n_words));
	memcpy(t->words + offset, node, 4 * n);
	t->n_words = end;
	c->slots[at] = (uint32_t)offset + 1;
	c->n_nodes++;
	return TABLE_NODE | (uint32_t)offset;
}

/* A step of the table while it is made: from this slot on, this entry. */
struct start {
	uint32_t slot, entry;
};

static uint32_t compile_node_of(
	struct compiler *c, const struct start *starts, size_t n)
{
	uint32_t node[1 + TABLE_SLOTS] = {0};

	for (size_t i = 0; i < n; i++) {
		node[0] |= 1u << starts[i].slot;
		node[1 + i] = starts[i].entry;
	}
	return node_store(c, node);
}

static size_t starts_add(
	struct start *starts, size_t n, unsigned slot, uint32_t entry)
{
	if (n && starts[n - 1].entry == entry)
		return n;
	starts[n] = (struct start){slot, entry};
	return n + 1;
}

/* The slot that a run begins in, among those of a step at this depth. */
static inline unsigned compile_slot_of(
	const struct run *run, unsigned depth, unsigned bits)
{
	if (depth + bits <= 64) /* most are, and it is much less work */
		return (unsigned)(run->high << depth >> (64 - bits));
	return first_bits(key_of(run->high, run->low) << depth, bits);
}

/* Makes the starts of a block of addresses: depth is the length of its prefix,
 * bits the width of this step. Runs first..last-1 lie in it: the first from its
 * beginning or before, the others begin inside. Returns how many. */
static size_t starts_fill(struct compiler *c, unsigned depth, unsigned bits,
	size_t first, size_t last, struct start *starts)
{
	unsigned below = depth + bits, end = 1u << bits, slot = 0;
	size_t n = 0, run = first, next = first + 1;

	while (slot < end) {
		unsigned begins = next < last
			? compile_slot_of(&c->runs[next], depth, bits)
			: end;
		if (begins > slot) { /* all the same up to there */
			n = starts_add(starts, n, slot, c->runs[run].place);
			slot = begins;
			continue;
		}
		key128 key = run_key(c->runs, next);
		if (below >= 128 || key << below == 0)
			run = next; /* from the very beginning of the slot */
		while (next < last &&
			compile_slot_of(&c->runs[next], depth, bits) == slot)
			next++;
		uint32_t entry = c->runs[run].place;
		if (next - run > 1) {
			struct start inner[TABLE_SLOTS];
			size_t m = starts_fill(
				c, below, TABLE_STEP_BITS, run, next, inner);
			entry = compile_node_of(c, inner, m);
		}
		n = starts_add(starts, n, slot++, entry);
		run = next - 1;
	}
	return n;
}

void compile_table(struct table *table, const struct runs *runs)
{
	assert(runs->n > 0 && !runs->at[0].high && !runs->at[0].low);
	size_t n_top = (size_t)1 << table->top_bits;
	struct compiler c = {.runs = runs->at, .table = table};
	struct start *starts = mem_alloc(n_top * sizeof *starts);

	/* Half as many nodes as runs are plenty: no need to grow. */
	for (c.n_slots = 512; c.n_slots < runs->n / 2;)
		c.n_slots *= 2;
	grow_slots(&c);
	size_t n = starts_fill(&c, 0, table->top_bits, 0, runs->n, starts);
	table->top = mem_alloc(n_top * sizeof *table->top);
	for (size_t i = 0; i < n; i++) {
		size_t end = i + 1 < n ? starts[i + 1].slot : n_top;
		for (size_t slot = starts[i].slot; slot < end; slot++)
			table->top[slot] = starts[i].entry;
	}
	free(starts);
	free(c.slots);
}
