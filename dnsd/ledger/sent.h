/* sent.h - where client nets were sent, for one process.
 *
 * A decision holds for its client net and TTL whichever thread is asked next:
 * resolvers ask A and AAAA from different ports, which the kernel deals to
 * different workers, and a website asks over HTTP. So this one table is shared.
 * Its words are atomic; threads meet on them only when they answer the same net
 * at the same time. No thread waits: what is torn by a race is at worst a decision
 * that is made anew.
 *
 * Most nets never ask for a further line, so each line of a net has an entry of
 * its own, and so have the nodes where line 1 was long before. A bucket of three is
 * one cache line, all that the fast path touches:
 *
 *	| id | node before made |  x 3, then | ttl types moved |  x 3
 *
 * Lines 1 and 2 are in the bucket of the net, the others by twos in buckets of
 * their own; a mark in the bucket of the net says when one beyond the first was
 * asked for. Bucket and id together are the whole key, so no two keys share an
 * entry. The table is fixed; the oldest entry of a bucket makes room.
 */
#ifndef LEDGER_SENT_H
#define LEDGER_SENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "ledger/resolver_rates.h"
#include "state/map.h"

#define SENT_LINES CONF_LINES_MAX
#define SENT_OLDER 2

/* Where a line of a client net was sent. */
struct sent {
	uint16_t node;    /* MAP_NO_NODE: nothing yet */
	uint16_t before;  /* another node, before that */
	uint32_t made_ms; /* when node was decided (clock, cut to 32 bits) */
	uint16_t ttl_s;
	uint8_t types; /* question types that shared the decision */
	uint8_t moved; /* when it went from before to node: quarters of a
			  minute, cut to 8 bits */
};

/* Viewers stay: where they were sent counts so long. */
#define SENT_COUNTS_MS 1800000

/* Its TTL runs. */
static inline bool sent_runs(const struct sent *t, uint32_t now)
{
	return t->node != MAP_NO_NODE &&
		now - t->made_ms < (uint32_t)t->ttl_s * 1000;
}

/* Viewers that were sent there may still watch. */
static inline bool sent_counts(const struct sent *t, uint32_t now)
{
	return t->node != MAP_NO_NODE && now - t->made_ms < SENT_COUNTS_MS;
}

/* A time as sent.moved has it. */
static inline uint8_t sent_quarters(uint32_t now)
{
	return (uint8_t)(now / 15000);
}

/* How long ago its node changed, in quarters of a minute. */
static inline uint8_t sent_moved(const struct sent *t, uint32_t now)
{
	return (uint8_t)(sent_quarters(now) - t->moved);
}

/* A copy of where the lines of a client net were sent. */
struct sent_lines {
	unsigned lines; /* so many of sent[] are set, and older[] if > 1 */
	struct sent sent[SENT_LINES];
	uint16_t older[SENT_OLDER]; /* nodes of line 1 before sent[0].before */
};

/* Where one line was sent; of "line" SENT_OLDER_LINE the older nodes; of SENT_MARK
 * when a line beyond the first was asked for. */
enum { SENT_OLDER_LINE = SENT_LINES, SENT_MARK };
struct sent_entry {
	_Atomic uint64_t id;    /* sent_id(); 0: free */
	_Atomic uint64_t where; /* node 16, before 16, made 32; 0: not sent.
				   Both nodes are inverted, so that 0 is no
				   node */
};

#define SENT_WAYS 3
struct sent_bucket {
	_Alignas(64) struct sent_entry way[SENT_WAYS];
	_Atomic uint32_t how[SENT_WAYS]; /* ttl 16, types 8, moved 8 */
};
_Static_assert(sizeof(struct sent_bucket) == 64, "a cache line");

/* Buckets that were written since the table was copied, while it is copied: so that
 * the copy can be brought up to date in no time. What finds no room says that all must
 * be copied again. */
#define SENT_CHANGES (1u << 20)
struct sent_changes {
	_Atomic uint32_t n;
	uint32_t bucket[SENT_CHANGES];
};

struct sent_table {
	struct sent_bucket *buckets;
	_Atomic(struct sent_changes *) changes; /* NULL: it is not copied */
	unsigned bucket_bits;                   /* at least KEY_SPARE_BITS */
	uint64_t secret;                        /* odd */
	struct resolver_rates *rates;           /* of large resolvers */
	const struct resolver_marks *marks;     /* theirs */
};

/* For about max_nets client nets (rounded up to a power of two, 32 bytes each:
 * one line and a half; touched only as they come, but in large pages). secret
 * seeds where a key lies. */
struct sent_table *sent_table_new(unsigned max_nets, uint64_t secret);
void sent_table_free(struct sent_table *table); /* NULL allowed */

/* A key as the tables have it: spread, so that its upper bits choose a bucket.
 * These are left out of what is stored in the bucket: their places are for a
 * line and for the mark that an entry is in use. */
#define KEY_SPARE_BITS 6
#define KEY_IN_USE 1
_Static_assert(SENT_MARK << 1 < 1 << KEY_SPARE_BITS, "a line and a mark");

static inline uint64_t sent_hash(const struct sent_table *m, uint64_t key)
{
	return hash_spread(key, m->secret);
}

/* Where a key's lines 1 and 2 are, by sent_hash(). */
static inline struct sent_bucket *sent_bucket(
	const struct sent_table *m, uint64_t hash)
{
	return &m->buckets[hash >> (64 - m->bucket_bits)];
}

/* Where a line (0..) is. */
static inline struct sent_bucket *sent_bucket_of(
	const struct sent_table *m, uint64_t hash, unsigned line)
{
	unsigned group = line == SENT_MARK ? 0 : line / 2;
	return sent_bucket(m, hash + group * HASH_ODD);
}

static inline uint64_t sent_id(uint64_t hash, unsigned line)
{
	return hash << KEY_SPARE_BITS | line << 1 | KEY_IN_USE;
}

/* The entry of a line (0..) in its bucket, NULL if there is none. No branch
 * until all ways are compared: which one it is cannot be foretold. */
static inline struct sent_entry *sent_find(
	struct sent_bucket *bucket, uint64_t hash, unsigned line)
{
	struct sent_entry *e = bucket->way;
	uint64_t id = sent_id(hash, line);
	unsigned at = 0;
#pragma GCC unroll 3
	for (unsigned i = 1; i < SENT_WAYS; i++)
		if (atomic_load_explicit(&e[i].id, memory_order_acquire) == id)
			at = i;
	return atomic_load_explicit(&e[at].id, memory_order_acquire) == id
		? &e[at]
		: NULL;
}

/* The last word of an entry: at the end of its bucket. */
static inline _Atomic uint32_t *sent_how_at(const struct sent_entry *e)
{
	uintptr_t at = (uintptr_t)e,
		  in_bucket = at % sizeof(struct sent_bucket);
	struct sent_bucket *bucket = (void *)(at - in_bucket);
	return &bucket->how[in_bucket / sizeof *e];
}

_Static_assert(offsetof(struct sent, ttl_s) == 8 && sizeof(struct sent) == 12,
	"an entry's words");

void sent_note_change(struct sent_changes *changes, uint32_t bucket);

/* An entry of the table is to be written. Threads read one word for it that is in the
 * line of the table's own, and only where they write. */

static inline void sent_changes_entry(
	const struct sent_table *m, const struct sent_entry *e)
{
	struct sent_changes *changes =
		atomic_load_explicit(&m->changes, memory_order_acquire);
	if (__builtin_expect(changes != NULL, 0))
		sent_note_change(changes,
			(uint32_t)(((uintptr_t)e - (uintptr_t)m->buckets) /
				sizeof(struct sent_bucket)));
}

/* A struct sent and an entry's words hold the same octets, but for the nodes. */
static inline uint64_t sent_inverted(uint64_t where)
{
	static const struct sent nodes = {.node = 0xffff, .before = 0xffff};
	uint64_t mask;
	memcpy(&mask, &nodes, sizeof mask);
	return where ^ mask;
}

static inline struct sent sent_of_words(uint64_t where, uint32_t how)
{
	struct sent t;
	where = sent_inverted(where);
	memcpy(&t, &where, sizeof where);
	memcpy(&t.ttl_s, &how, sizeof how);
	return t;
}

static inline uint64_t sent_where(struct sent t)
{
	uint64_t where;
	memcpy(&where, &t, sizeof where);
	return sent_inverted(where);
}

static inline uint32_t sent_how(struct sent t)
{
	uint32_t how;
	memcpy(&how, &t.ttl_s, sizeof how);
	return how;
}

/* What an entry says; nothing if NULL. */
static inline struct sent sent_get(const struct sent_entry *e)
{
	if (!e)
		return sent_of_words(0, 0);
	return sent_of_words(
		atomic_load_explicit(&e->where, memory_order_relaxed),
		atomic_load_explicit(sent_how_at(e), memory_order_relaxed));
}

/* Whether a line beyond the first was asked for a moment ago: then the lines of a net
 * are asked together, in whatever order. */
#define SENT_TOGETHER_MS 500
static inline bool sent_together(
	struct sent_bucket *bucket, uint64_t hash, uint32_t now)
{
	const struct sent_entry *e = sent_find(bucket, hash, SENT_MARK);
	return e && now - sent_get(e).made_ms < SENT_TOGETHER_MS;
}

/* Keeps where a line is sent now, if it still is as seen. False: another
 * thread has decided meanwhile, or the entry is gone. */
static inline bool sent_replace(const struct sent_table *m,
	struct sent_entry *e, struct sent seen, struct sent sent)
{
	uint64_t where = sent_where(seen);
	sent_changes_entry(m, e);
	if (!atomic_compare_exchange_strong(
		    &e->where, &where, sent_where(sent)))
		return false;
	atomic_store_explicit(
		sent_how_at(e), sent_how(sent), memory_order_relaxed);
	return true;
}

/* Adds a type to a decision that stands, if it is still as seen. */
static inline void sent_share(const struct sent_table *m, struct sent_entry *e,
	struct sent seen, uint8_t type)
{
	if (!(type & ~seen.types) ||
		atomic_load_explicit(&e->where, memory_order_relaxed) !=
			sent_where(seen))
		return;
	sent_changes_entry(m, e);
	seen.types |= type;
	atomic_store_explicit(
		sent_how_at(e), sent_how(seen), memory_order_relaxed);
}

/* A thread with a newer map may have sent a net to a node that an older map does
 * not have yet: its arrays end before it. */
static inline bool sent_is_newer(const struct sent *sent, unsigned nodes)
{
	return sent->node >= nodes && sent->node != MAP_NO_NODE;
}

/* Forgets such nodes. */
static inline void sent_forget_newer(struct sent *sent, unsigned nodes)
{
	if (sent->node >= nodes)
		sent->node = MAP_NO_NODE;
	if (sent->before >= nodes)
		sent->before = MAP_NO_NODE;
}

/* Hints to the CPU that line 1 may be decided anew: then its older nodes are written. */
static inline void sent_prefetch_older(const struct sent_table *table,
	uint64_t hash, const struct sent *sent, uint32_t now)
{
	if (sent->before != MAP_NO_NODE && !sent_runs(sent, now))
		__builtin_prefetch(
			sent_bucket_of(table, hash, SENT_OLDER_LINE));
}

/* What is known of the first lines (1..) of a key, for more than one of older
 * nodes too; what is not known is MAP_NO_NODE. */
void sent_read(const struct sent_table *table, uint64_t key, unsigned lines,
	struct sent_lines *out);

/* Remembers a new decision of a line (0..), if the line is still as `seen`
 * (from sent_read) says. False: another thread has decided meanwhile; decide
 * again. */
bool sent_claim(struct sent_table *table, uint64_t key, unsigned line,
	const struct sent *seen, const struct sent *sent);

/* The same where the line's entry was found just before; NULL: none was. */
bool sent_claim_entry(struct sent_table *table, struct sent_entry *entry,
	uint64_t key, unsigned line, struct sent seen, struct sent sent);

/* A line beyond the first is asked for. */
void sent_mark(struct sent_table *table, uint64_t key, uint32_t now_ms);

#endif
