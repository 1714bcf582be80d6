#include "steer/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/crowd.h"
#include "steer/map.h"

#define WAYS 4
#define ENTRIES_PER_NET 2
#define TAG_BUSY 2         /* being made; tags of keys are odd */
#define OLDER MEMORY_LINES /* the "line" of what line 1 was told long before */

/* A line of a client net. */
struct entry {
	_Atomic uint64_t where; /* node 16, before 16, made 32; 0: nothing
				   told. OLDER: its two nodes */
	_Atomic uint32_t tag;   /* 0: free */
	_Atomic uint32_t how;   /* ttl 16, types 8, moved 8 */
};
_Static_assert(WAYS * sizeof(struct entry) == 64, "a bucket is a cache line");

struct memory {
	struct entry *entries; /* buckets of WAYS */
	uint64_t bucket_mask, secret;
	struct crowds *crowds;
};

static size_t table_size(const struct memory *m)
{
	return (size_t)(m->bucket_mask + 1) * WAYS * sizeof *m->entries;
}

struct memory *memory_new(unsigned max_nets, uint64_t secret)
{
	struct memory *m = mem_zero(1, sizeof *m);
	uint64_t buckets = 1;
	while (buckets * WAYS < (uint64_t)max_nets * ENTRIES_PER_NET)
		buckets *= 2;
	m->bucket_mask = buckets - 1;
	m->secret = secret;
	m->crowds = crowds_new(secret);
	m->entries = mmap(NULL, table_size(m), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->entries == MAP_FAILED)
		abort();
	/* Each net is on a page of its own: with small pages the walk to it
	 * takes as long as the entry. */
	madvise(m->entries, table_size(m), MADV_HUGEPAGE);
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	crowds_free(m->crowds);
	munmap(m->entries, table_size(m));
	free(m);
}

/* -- words -- */

#define get(word) atomic_load_explicit(word, memory_order_relaxed)
#define set(word, value) \
	atomic_store_explicit(word, value, memory_order_relaxed)

static const struct told nothing = {.node = MAP_NO_NODE, .before = MAP_NO_NODE};

/* The node's number is kept plus one, so that 0 is nothing. */
static uint64_t where_of(const struct told *t)
{
	if (t->node == MAP_NO_NODE)
		return 0;
	return (uint64_t)(t->node + 1u) | (uint64_t)t->before << 16 |
		(uint64_t)t->made_ms << 32;
}

static uint32_t how_of(const struct told *t)
{
	return t->ttl_s | (uint32_t)t->types << 16 | (uint32_t)t->moved << 24;
}

static struct told told_of(uint64_t where, uint32_t how)
{
	if (!where)
		return nothing;
	return (struct told){.node = (uint16_t)((where & 0xffff) - 1),
		.before = (uint16_t)(where >> 16),
		.made_ms = (uint32_t)(where >> 32),
		.ttl_s = (uint16_t)how,
		.types = (uint8_t)(how >> 16),
		.moved = (uint8_t)(how >> 24)};
}

/* -- entries -- */

static inline uint64_t key_of(uint64_t key, unsigned line)
{
	return line ? hash_mix(key + line) : key;
}

static struct entry *bucket_of(const struct memory *m, uint64_t key)
{
	return &m->entries[(key & m->bucket_mask) * WAYS];
}

static inline uint32_t tag_of(const struct memory *m, uint64_t key)
{
	return hash_tag(key, m->secret);
}

/* NULL: it is not there. The key is one of key_of. No branch until all ways are
 * compared: which one it is cannot be foretold. */
static inline struct entry *find(const struct memory *m, uint64_t key)
{
	struct entry *e = bucket_of(m, key);
	uint32_t tag = tag_of(m, key);
	unsigned hits = 0;
#pragma GCC unroll 4
	for (unsigned i = 0; i < WAYS; i++)
		hits |= (unsigned)(atomic_load_explicit(&e[i].tag,
					   memory_order_acquire) == tag)
			<< i;
	return hits ? &e[__builtin_ctz(hits)] : NULL;
}

static uint32_t age_of(const struct entry *e, uint32_t now)
{
	uint64_t where = get(&e->where);
	return where && get(&e->tag) ? now - (uint32_t)(where >> 32)
				     : UINT32_MAX;
}

/* Makes room for a key; NULL if another thread is making room there too. */
static struct entry *make(struct memory *m, uint64_t key, uint32_t now)
{
	struct entry *e = bucket_of(m, key), *oldest = NULL;
	uint32_t oldest_age = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		uint32_t age = age_of(&e[i], now);
		if (get(&e[i].tag) != TAG_BUSY &&
			(!oldest || age > oldest_age)) {
			oldest = &e[i];
			oldest_age = age;
		}
	}
	if (!oldest)
		return NULL;
	uint32_t tag = get(&oldest->tag);
	if (tag == TAG_BUSY ||
		!atomic_compare_exchange_strong(&oldest->tag, &tag, TAG_BUSY))
		return NULL;
	set(&oldest->where, 0);
	atomic_store_explicit(
		&oldest->tag, tag_of(m, key), memory_order_release);
	return oldest;
}

static struct told read_line(
	const struct memory *m, uint64_t key, unsigned line)
{
	const struct entry *e = find(m, key_of(key, line));
	return e ? told_of(get(&e->where), get(&e->how)) : nothing;
}

/* Line 1 has left a node again: the last two before that are kept. */
static void push_older(
	struct memory *m, uint64_t key, uint16_t node, uint32_t now)
{
	uint64_t of_older = key_of(key, OLDER);
	struct entry *e = find(m, of_older);
	if (!e)
		e = make(m, of_older, now);
	if (!e)
		return;
	struct told t = told_of(get(&e->where), 0);
	t = (struct told){.node = node, .before = t.node, .made_ms = now};
	set(&e->where, where_of(&t));
}

/* -- the interface -- */

struct crowds *memory_crowds(const struct memory *m)
{
	return m->crowds;
}

void memory_prefetch(const struct memory *m, uint64_t key, unsigned lines)
{
	__builtin_prefetch(bucket_of(m, key));
	for (unsigned i = 1; lines > 1 && i <= OLDER; i++)
		if (i < lines || i == OLDER)
			__builtin_prefetch(bucket_of(m, key_of(key, i)));
}

void memory_read(const struct memory *m, uint64_t key, unsigned lines,
	struct remembered *out)
{
	struct told older = nothing;
	out->told[0] = read_line(m, key, 0);
	for (unsigned i = 1; i < MEMORY_LINES; i++)
		out->told[i] = nothing;
	for (unsigned i = 1; i < lines && i < MEMORY_LINES; i++)
		out->told[i] = read_line(m, key, i);
	if (lines > 1)
		older = read_line(m, key, OLDER);
	out->older[0] = older.node;
	out->older[1] = older.before;
}

bool memory_claim(struct memory *m, uint64_t key, unsigned line,
	const struct told *seen, const struct told *told)
{
	uint64_t of_line = key_of(key, line), expected = where_of(seen);
	struct entry *e = find(m, of_line);

	if (!e)
		e = make(m, of_line, told->made_ms);
	if (!e)
		return true; /* full of busy hands: not remembered */
	if (!atomic_compare_exchange_strong(
		    &e->where, &expected, where_of(told))) {
		/* Its entry had gone meanwhile, or somebody was faster. */
		if (expected)
			return false;
		set(&e->where, where_of(told));
	}
	set(&e->how, how_of(told));
	if (line == 0 && told->node != seen->node &&
		seen->before != MAP_NO_NODE)
		push_older(m, key, seen->before, told->made_ms);
	return true;
}

void memory_share(
	struct memory *m, uint64_t key, unsigned line, const struct told *told)
{
	struct entry *e = find(m, key_of(key, line));
	if (e && get(&e->where) == where_of(told))
		set(&e->how, how_of(told));
}
