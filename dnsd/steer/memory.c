#include "steer/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/crowd.h"
#include "steer/map.h"

#define WAYS 4
#define TAG_BUSY 2 /* being made; tags of keys are odd */

struct entry {
	_Atomic uint64_t tag;                 /* 0: free */
	_Atomic uint64_t where[MEMORY_LINES]; /* node 16, before 16, made 32;
						 0: nothing told */
	_Atomic uint64_t how[MEMORY_LINES];   /* ttl 16, types 8, moved 8 */
	_Atomic uint64_t older;
};
_Static_assert(sizeof(struct entry) == 64, "a cache line");

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
	while (buckets * WAYS < max_nets)
		buckets *= 2;
	m->bucket_mask = buckets - 1;
	m->secret = secret;
	m->crowds = crowds_new(secret);
	m->entries = mmap(NULL, table_size(m), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->entries == MAP_FAILED)
		abort();
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

static inline uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/* The node's number is kept plus one, so that 0 is nothing. */
static uint64_t where_of(const struct told *t)
{
	if (t->node == MAP_NO_NODE)
		return 0;
	return (uint64_t)(t->node + 1u) | (uint64_t)t->before << 16 |
		(uint64_t)t->made_ms << 32;
}

static uint64_t how_of(const struct told *t)
{
	return t->ttl_s | (uint64_t)t->types << 16 | (uint64_t)t->moved << 24;
}

static struct told told_of(uint64_t where, uint64_t how)
{
	if (!where)
		return (struct told){
			.node = MAP_NO_NODE, .before = MAP_NO_NODE};
	return (struct told){.node = (uint16_t)((where & 0xffff) - 1),
		.before = (uint16_t)(where >> 16),
		.made_ms = (uint32_t)(where >> 32),
		.ttl_s = (uint16_t)how,
		.types = (uint8_t)(how >> 16),
		.moved = (uint8_t)(how >> 24)};
}

/* -- entries -- */

static struct entry *bucket_of(const struct memory *m, uint64_t key)
{
	return &m->entries[(key & m->bucket_mask) * WAYS];
}

static uint64_t tag_of(const struct memory *m, uint64_t key)
{
	return hash_mix(key ^ m->secret) | 1;
}

static struct entry *find(const struct memory *m, uint64_t key)
{
	struct entry *e = bucket_of(m, key);
	uint64_t tag = tag_of(m, key);
	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&e[i].tag, memory_order_acquire) ==
			tag)
			return &e[i];
	return NULL;
}

/* When any of its lines was decided last: its age. */
static uint32_t age_of(const struct entry *e, uint32_t now)
{
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; i < MEMORY_LINES; i++) {
		uint64_t where = get(&e->where[i]);
		if (where && now - (uint32_t)(where >> 32) < least)
			least = now - (uint32_t)(where >> 32);
	}
	return least;
}

/* Makes room for a key; NULL if another thread is making room there too. */
static struct entry *make(struct memory *m, uint64_t key, uint32_t now)
{
	struct entry *e = bucket_of(m, key), *oldest = NULL;
	uint32_t oldest_age = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t tag = get(&e[i].tag);
		uint32_t age = tag ? age_of(&e[i], now) : UINT32_MAX;
		if (tag != TAG_BUSY && (!oldest || age > oldest_age)) {
			oldest = &e[i];
			oldest_age = age;
		}
	}
	if (!oldest)
		return NULL;
	uint64_t tag = get(&oldest->tag);
	if (tag == TAG_BUSY ||
		!atomic_compare_exchange_strong(&oldest->tag, &tag, TAG_BUSY))
		return NULL;
	for (unsigned i = 0; i < MEMORY_LINES; i++)
		set(&oldest->where[i], 0);
	set(&oldest->older, UINT64_MAX);
	atomic_store_explicit(
		&oldest->tag, tag_of(m, key), memory_order_release);
	return oldest;
}

/* -- the interface -- */

struct crowds *memory_crowds(const struct memory *m)
{
	return m->crowds;
}

void memory_prefetch(const struct memory *m, uint64_t key)
{
	const struct entry *e = bucket_of(m, key);
	for (unsigned i = 0; i < WAYS; i++)
		__builtin_prefetch(&e[i]);
}

void memory_read(const struct memory *m, uint64_t key, struct remembered *out)
{
	const struct entry *e = find(m, key);
	for (unsigned i = 0; i < MEMORY_LINES; i++)
		out->told[i] = told_of(
			e ? get(&e->where[i]) : 0, e ? get(&e->how[i]) : 0);
	uint64_t older = e ? get(&e->older) : UINT64_MAX;
	for (unsigned i = 0; i < MEMORY_OLDER; i++)
		out->older[i] = (uint16_t)(older >> (16 * i));
}

bool memory_claim(struct memory *m, uint64_t key, unsigned line,
	const struct told *seen, const struct told *told,
	const uint16_t older[MEMORY_OLDER])
{
	struct entry *e = find(m, key);
	uint64_t expected = where_of(seen);

	if (!e)
		e = make(m, key, told->made_ms);
	if (!e)
		return true; /* full of busy hands: not remembered */
	if (!atomic_compare_exchange_strong(
		    &e->where[line], &expected, where_of(told))) {
		/* Its entry had gone meanwhile, or somebody was faster. */
		if (expected)
			return false;
		set(&e->where[line], where_of(told));
	}
	set(&e->how[line], how_of(told));
	if (line == 0)
		set(&e->older, older[0] | (uint64_t)older[1] << 16);
	return true;
}

void memory_share(
	struct memory *m, uint64_t key, unsigned line, const struct told *told)
{
	struct entry *e = find(m, key);
	if (e && get(&e->where[line]) == where_of(told))
		set(&e->how[line], how_of(told));
}
