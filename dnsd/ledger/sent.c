#include "ledger/sent.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/oldest.h"
#include "base/rng.h"
#include "ledger/resolver_rates.h"
#include "state/map.h"

#define ID_BUSY 2         /* being made; ids of keys are odd */
#define NETS_PER_BUCKET 2 /* few nets ask for a further line */

static size_t table_size(const struct sent_table *m)
{
	return sizeof *m->buckets << m->bucket_bits;
}

struct sent_table *sent_table_new(unsigned max_nets, uint64_t secret)
{
	struct sent_table *m = mem_zero(1, sizeof *m);
	m->bucket_bits = KEY_SPARE_BITS;
	while ((uint64_t)NETS_PER_BUCKET << m->bucket_bits < max_nets)
		m->bucket_bits++;
	m->secret = secret | 1;
	m->rates = resolver_rates_new(secret);
	m->marks = resolver_rates_marks(m->rates);
	m->buckets = mem_pages(table_size(m), true);
	return m;
}

void sent_table_free(struct sent_table *m)
{
	if (!m)
		return;
	resolver_rates_free(m->rates);
	mem_pages_free(m->buckets, table_size(m));
	free(m);
}

/* -- words -- */

#define word_get(word) atomic_load_explicit(word, memory_order_relaxed)
#define word_set(word, value) \
	atomic_store_explicit(word, value, memory_order_relaxed)

/* -- entries -- */

static struct sent_entry *sent_find_line(
	const struct sent_table *m, uint64_t key, unsigned line)
{
	uint64_t hash = sent_hash(m, key);
	return sent_find(sent_bucket_of(m, hash, line), hash, line);
}

/* The entry of a bucket to make room in for a key: a free one, else the oldest of
 * other keys (a key has fewer entries in a bucket than there are). NULL: other
 * threads are making room in all. */
static struct sent_entry *sent_way_to_replace(
	struct sent_entry *e, uint64_t hash, uint32_t now)
{
	struct oldest oldest = {0};

	for (unsigned i = 0; i < SENT_WAYS && !oldest.is_free; i++) {
		uint64_t id = word_get(&e[i].id);
		bool own = (id ^ sent_id(hash, 0)) >> KEY_SPARE_BITS == 0;
		if (!id)
			oldest_free(&oldest, i);
		else if (id != ID_BUSY && !own)
			oldest_offer(&oldest, i, now - sent_get(&e[i]).made_ms);
	}
	return oldest.any ? &e[oldest.way] : NULL;
}

/* Makes an entry. Nothing is kept if another thread makes room there. */
static void sent_make(
	struct sent_table *m, uint64_t key, unsigned line, struct sent sent)
{
	uint64_t hash = sent_hash(m, key);
	struct sent_entry *e = sent_way_to_replace(
		sent_bucket_of(m, hash, line)->way, hash, sent.made_ms);
	if (!e)
		return;
	sent_changes_entry(m, e);
	uint64_t id = word_get(&e->id);
	if (id == ID_BUSY ||
		!atomic_compare_exchange_strong(&e->id, &id, ID_BUSY))
		return;
	word_set(&e->where, sent_where(sent));
	word_set(sent_how_at(e), sent_how(sent));
	atomic_store_explicit(
		&e->id, sent_id(hash, line), memory_order_release);
}

/* Line 1 has left a node again: the last two before that are kept. */
static void sent_push_older(
	struct sent_table *m, uint64_t key, uint16_t node, uint32_t now)
{
	struct sent_entry *e = sent_find_line(m, key, SENT_OLDER_LINE);
	struct sent t = {
		.node = node, .before = sent_get(e).node, .made_ms = now};
	if (e)
		sent_changes_entry(m, e), word_set(&e->where, sent_where(t));
	else
		sent_make(m, key, SENT_OLDER_LINE, t);
}

void sent_note_change(struct sent_changes *changes, uint32_t bucket)
{
	uint32_t i = atomic_fetch_add(&changes->n, 1);
	if (i < SENT_CHANGES)
		changes->bucket[i] = bucket;
}

/* -- the interface -- */

void sent_read(const struct sent_table *m, uint64_t key, unsigned lines,
	struct sent_lines *out)
{
	assert(lines >= 1 && lines <= CONF_LINES_MAX);
	struct sent older;
	out->lines = lines;
	for (unsigned i = 0; i < lines; i++)
		out->sent[i] = sent_get(sent_find_line(m, key, i));
	older = sent_get(
		lines > 1 ? sent_find_line(m, key, SENT_OLDER_LINE) : NULL);
	out->older[0] = older.node;
	out->older[1] = older.before;
}

bool sent_claim_entry(struct sent_table *m, struct sent_entry *e, uint64_t key,
	unsigned line, struct sent seen, struct sent sent)
{
	assert(line < CONF_LINES_MAX && sent.node != MAP_NO_NODE);
	uint64_t expected = sent_where(seen);

	if (!e) {
		sent_make(m, key, line, sent);
	} else {
		sent_changes_entry(m, e);
		/* Its entry may be another key's by now, or another thread has
		 * decided. */
		if (!atomic_compare_exchange_strong(
			    &e->where, &expected, sent_where(sent)))
			return false;
		word_set(sent_how_at(e), sent_how(sent));
	}
	if (line == 0 && sent.node != seen.node && seen.before != MAP_NO_NODE)
		sent_push_older(m, key, seen.before, sent.made_ms);
	return true;
}

bool sent_claim(struct sent_table *m, uint64_t key, unsigned line,
	const struct sent *seen, const struct sent *sent)
{
	return sent_claim_entry(
		m, sent_find_line(m, key, line), key, line, *seen, *sent);
}

void sent_mark(struct sent_table *m, uint64_t key, uint32_t now_ms)
{
	struct sent now = {.made_ms = now_ms};
	struct sent_entry *e = sent_find_line(m, key, SENT_MARK);
	if (e)
		sent_changes_entry(m, e), word_set(&e->where, sent_where(now));
	else
		sent_make(m, key, SENT_MARK, now);
}
