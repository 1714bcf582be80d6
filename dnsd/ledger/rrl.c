#include "ledger/rrl.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "ledger/accounts.h"

#define WAYS 3
#define BUCKET_BITS 13
#define BUSY 1 /* being made; numbers of networks are larger */

/* Counters are times: parts of a millisecond. */
#define UNIT_BITS 20
#define FULL ((int64_t)1000 << UNIT_BITS)

struct rrl_bucket {
	_Alignas(64) _Atomic uint64_t net[WAYS]; /* 0: free */
	_Atomic int64_t empty_at[WAYS];
	_Atomic uint32_t limited_s[WAYS]; /* when it last was; 0: never */
};
_Static_assert(sizeof(struct rrl_bucket) == 64, "a cache line");
_Static_assert(RRL_NETS == WAYS << BUCKET_BITS, "as the header says");

struct rrl_table {
	uint64_t secret;
	struct rrl_bucket *buckets;
	_Atomic uint64_t last; /* of the networks that began to be limited */
	_Atomic unsigned begun;
};

#define TABLE_BYTES (sizeof(struct rrl_bucket) << BUCKET_BITS)

#define word_get(word) atomic_load_explicit(word, memory_order_relaxed)
#define word_set(word, value) \
	atomic_store_explicit(word, value, memory_order_relaxed)

struct rrl_table *rrl_table_new(uint64_t secret)
{
	struct rrl_table *table = mem_zero(1, sizeof *table);
	table->secret = secret;
	table->buckets = mem_pages(TABLE_BYTES, false);
	return table;
}

void rrl_table_free(struct rrl_table *table)
{
	if (!table)
		return;
	mem_pages_free(table->buckets, TABLE_BYTES);
	free(table);
}

int64_t rrl_cost(unsigned rate)
{
	return rate ? FULL / rate : 0;
}

/* -- entries -- */

static unsigned find(const struct rrl_bucket *b, uint64_t net)
{
	unsigned way = 0;
	while (way < WAYS &&
		atomic_load_explicit(&b->net[way], memory_order_acquire) != net)
		way++;
	return way;
}

/* Takes the place of the network whose counter is the lowest. WAYS: another thread is
 * doing so. The counter is nothing before it is found by its network. */
static unsigned make(struct rrl_bucket *b, uint64_t net)
{
	unsigned way = 0;
	for (unsigned i = 1; i < WAYS; i++)
		if (word_get(&b->empty_at[i]) < word_get(&b->empty_at[way]))
			way = i;
	uint64_t old = word_get(&b->net[way]);
	if (old == BUSY ||
		!atomic_compare_exchange_strong(&b->net[way], &old, BUSY))
		return WAYS;
	word_set(&b->empty_at[way], 0);
	word_set(&b->limited_s[way], 0);
	atomic_store_explicit(&b->net[way], net, memory_order_release);
	return way;
}

/* False: the counter is full. */
static bool add(_Atomic int64_t *empty_at, int64_t cost, int64_t now)
{
	int64_t at = word_get(empty_at), next;
	do {
		next = (at > now ? at : now) + cost;
		if (next - now > FULL)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(empty_at, &at, next,
		memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void note_limited(struct rrl_table *table, _Atomic uint32_t *limited_s,
	uint64_t net, int64_t now_ms)
{
	uint32_t now_s = (uint32_t)(now_ms / 1000) + 1;
	uint32_t last = word_get(limited_s);

	if (last == now_s ||
		!atomic_compare_exchange_strong(limited_s, &last, now_s) ||
		(last && now_s - last <= RRL_QUIET_S))
		return;
	word_set(&table->last, net);
	atomic_fetch_add(&table->begun, 1);
}

bool rrl_passes(struct rrl_table *table, const struct addr *peer, int64_t cost,
	int64_t now_ms)
{
	uint64_t net = accounts_net(peer);
	uint64_t hash = hash_mix(net ^ table->secret);
	struct rrl_bucket *b = &table->buckets[hash >> (64 - BUCKET_BITS)];
	unsigned way = find(b, net);

	if (way == WAYS)
		way = make(b, net);
	if (way == WAYS ||
		add(&b->empty_at[way], cost, now_ms * (1 << UNIT_BITS)))
		return true;
	if (word_get(&b->net[way]) != net)
		return true; /* pushed out just now: it is another's counter */
	note_limited(table, &b->limited_s[way], net, now_ms);
	return false;
}

unsigned rrl_begun(struct rrl_table *table, uint64_t *net)
{
	unsigned begun = atomic_exchange(&table->begun, 0);
	*net = word_get(&table->last);
	return begun;
}
