#include "steer/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/crowd.h"
#include "steer/map.h"

#define ENTRIES_PER_NET 2
#define TAG_BUSY 2         /* being made; tags of keys are odd */
#define OLDER MEMORY_LINES /* the "line" of what line 1 was told long before */

static size_t table_size(const struct memory *m)
{
	return (size_t)(m->bucket_mask + 1) * sizeof *m->buckets;
}

struct memory *memory_new(unsigned max_nets, uint64_t secret)
{
	struct memory *m = mem_zero(1, sizeof *m);
	uint64_t buckets = 1;
	while (buckets * MEMORY_WAYS < (uint64_t)max_nets * ENTRIES_PER_NET)
		buckets *= 2;
	m->bucket_mask = buckets - 1;
	m->secret = secret;
	m->crowds = crowds_new(secret);
	m->marks = crowds_marks(m->crowds);
	m->buckets = mem_pages(table_size(m), true);
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	crowds_free(m->crowds);
	mem_pages_free(m->buckets, table_size(m));
	free(m);
}

/* -- words -- */

#define get(word) atomic_load_explicit(word, memory_order_relaxed)
#define set(word, value) \
	atomic_store_explicit(word, value, memory_order_relaxed)

/* -- entries -- */

static struct memory_entry *find(
	const struct memory *m, uint64_t key, unsigned line)
{
	return memory_find(memory_bucket(m, key), memory_tag(m, key), line);
}

/* The entry of a bucket to make room in: a free one, else the oldest. NULL: other
 * threads are making room in all. */
static struct memory_entry *oldest_of(struct memory_entry *e, uint32_t now)
{
	struct memory_entry *oldest = NULL;
	uint32_t oldest_age = 0;

	for (unsigned i = 0; i < MEMORY_WAYS; i++) {
		uint32_t tag = get(&e[i].tag);
		if (!tag)
			return &e[i];
		uint32_t age = now - memory_told(&e[i]).made_ms;
		if (tag != TAG_BUSY && (!oldest || age > oldest_age)) {
			oldest = &e[i];
			oldest_age = age;
		}
	}
	return oldest;
}

/* Makes an entry. It is not remembered if another thread makes room there. */
static void make(
	struct memory *m, uint64_t key, unsigned line, struct told told)
{
	struct memory_entry *e =
		oldest_of(memory_bucket(m, key)->way, told.made_ms);
	if (!e)
		return;
	uint32_t tag = get(&e->tag);
	if (tag == TAG_BUSY ||
		!atomic_compare_exchange_strong(&e->tag, &tag, TAG_BUSY))
		return;
	set(&e->where, memory_where(told));
	set(&e->how, memory_how(told));
	atomic_store_explicit(
		&e->tag, memory_tag(m, key) + 2 * line, memory_order_release);
}

/* Line 1 has left a node again: the last two before that are kept. */
static void push_older(
	struct memory *m, uint64_t key, uint16_t node, uint32_t now)
{
	struct memory_entry *e = find(m, key, OLDER);
	struct told t = {
		.node = node, .before = memory_told(e).node, .made_ms = now};
	if (e)
		set(&e->where, memory_where(t));
	else
		make(m, key, OLDER, t);
}

/* -- the interface -- */

void memory_read_bucket(struct memory_bucket *bucket, uint32_t tag,
	unsigned lines, struct remembered *out)
{
	struct memory_entry *older = NULL;
	for (unsigned i = 0; i < MEMORY_LINES; i++)
		out->told[i] = memory_told(
			i < lines ? memory_find(bucket, tag, i) : NULL);
	if (lines > 1)
		older = memory_find(bucket, tag, OLDER);
	out->older[0] = memory_told(older).node;
	out->older[1] = memory_told(older).before;
}

void memory_read(const struct memory *m, uint64_t key, unsigned lines,
	struct remembered *out)
{
	memory_read_bucket(
		memory_bucket(m, key), memory_tag(m, key), lines, out);
}

bool memory_claim_entry(struct memory *m, struct memory_entry *e, uint64_t key,
	unsigned line, struct told seen, struct told told)
{
	uint64_t expected = memory_where(seen);

	if (!e) {
		make(m, key, line, told);
	} else {
		/* Its entry may be another's by now, or somebody was faster. */
		if (!atomic_compare_exchange_strong(
			    &e->where, &expected, memory_where(told)))
			return false;
		set(&e->how, memory_how(told));
	}
	if (line == 0 && told.node != seen.node && seen.before != MAP_NO_NODE)
		push_older(m, key, seen.before, told.made_ms);
	return true;
}

bool memory_claim(struct memory *m, uint64_t key, unsigned line,
	const struct told *seen, const struct told *told)
{
	return memory_claim_entry(
		m, find(m, key, line), key, line, *seen, *told);
}

void memory_share(
	struct memory *m, uint64_t key, unsigned line, const struct told *told)
{
	struct memory_entry *e = find(m, key, line);
	if (e && get(&e->where) == memory_where(*told))
		set(&e->how, memory_how(*told));
}
