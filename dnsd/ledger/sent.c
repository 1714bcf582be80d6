#include "ledger/sent.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "ledger/resolver_rates.h"
#include "state/map.h"

#define ID_BUSY 2         /* being made; ids of keys are odd */
#define NETS_PER_BUCKET 2 /* few nets ask for a further line */

static size_t table_size(const struct memory *m)
{
	return sizeof *m->buckets << m->bucket_bits;
}

struct memory *memory_new(unsigned max_nets, uint64_t secret)
{
	struct memory *m = mem_zero(1, sizeof *m);
	m->bucket_bits = KEY_SPARE_BITS;
	while ((uint64_t)NETS_PER_BUCKET << m->bucket_bits < max_nets)
		m->bucket_bits++;
	m->secret = secret | 1;
	m->rates = resolver_rates_new(secret);
	m->marks = resolver_rates_marks(m->rates);
	m->buckets = mem_pages(table_size(m), true);
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	resolver_rates_free(m->rates);
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
	uint64_t spread = memory_spread(m, key);
	return memory_find(memory_bucket_of(m, spread, line), spread, line);
}

/* The entry of a bucket to make room in for a key: a free one, else the oldest of
 * other keys (a key has fewer entries in a bucket than there are). NULL: other
 * threads are making room in all. */
static struct memory_entry *oldest_of(
	struct memory_entry *e, uint64_t spread, uint32_t now)
{
	struct memory_entry *oldest = NULL;
	uint32_t oldest_age = 0;

	for (unsigned i = 0; i < MEMORY_WAYS; i++) {
		uint64_t id = get(&e[i].id);
		if (!id)
			return &e[i];
		uint32_t age = now - memory_told(&e[i]).made_ms;
		bool own = (id ^ memory_id(spread, 0)) >> KEY_SPARE_BITS == 0;
		if (id != ID_BUSY && !own && (!oldest || age > oldest_age)) {
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
	uint64_t spread = memory_spread(m, key);
	struct memory_entry *e = oldest_of(
		memory_bucket_of(m, spread, line)->way, spread, told.made_ms);
	if (!e)
		return;
	uint64_t id = get(&e->id);
	if (id == ID_BUSY ||
		!atomic_compare_exchange_strong(&e->id, &id, ID_BUSY))
		return;
	set(&e->where, memory_where(told));
	set(memory_how_at(e), memory_how(told));
	atomic_store_explicit(
		&e->id, memory_id(spread, line), memory_order_release);
}

/* Line 1 has left a node again: the last two before that are kept. */
static void push_older(
	struct memory *m, uint64_t key, uint16_t node, uint32_t now)
{
	struct memory_entry *e = find(m, key, MEMORY_OLD);
	struct told t = {
		.node = node, .before = memory_told(e).node, .made_ms = now};
	if (e)
		set(&e->where, memory_where(t));
	else
		make(m, key, MEMORY_OLD, t);
}

/* -- the interface -- */

void memory_read(const struct memory *m, uint64_t key, unsigned lines,
	struct remembered *out)
{
	struct told older;
	out->lines = lines;
	for (unsigned i = 0; i < lines; i++)
		out->told[i] = memory_told(find(m, key, i));
	older = memory_told(lines > 1 ? find(m, key, MEMORY_OLD) : NULL);
	out->older[0] = older.node;
	out->older[1] = older.before;
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
		set(memory_how_at(e), memory_how(told));
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

void memory_mark(struct memory *m, uint64_t key, uint32_t now_ms)
{
	struct told now = {.made_ms = now_ms};
	struct memory_entry *e = find(m, key, MEMORY_MARK);
	if (e)
		set(&e->where, memory_where(now));
	else
		make(m, key, MEMORY_MARK, now);
}

void memory_share(
	struct memory *m, uint64_t key, unsigned line, const struct told *told)
{
	struct memory_entry *e = find(m, key, line);
	if (e && get(&e->where) == memory_where(*told))
		set(memory_how_at(e), memory_how(*told));
}
