/* lookup.h - where steering finds what it knows of a question: the first stage of
 * an answer. The last part of decide.h, which includes it; inline, since each
 * question comes here and little is done.
 */
#ifndef STEER_LOOKUP_H
#define STEER_LOOKUP_H

#include "base/rng.h"
#include "ledger/accounts.h"
#include "ledger/demand.h"

/* True for one state. */
struct steer_found {
	const struct map_name *name;
	const struct map_pool *pool;
	const struct candidates *near; /* the client's nearest nodes */
	uint64_t net;                  /* steer_net_hash */
	uint64_t key;                  /* steer_key */
	struct memory_bucket *told;    /* where its entries are ... */
	struct client_bucket *clients;
	uint64_t
		spread; /* ... by its key; and its demand's by that of the ... */
	uint64_t client; /* ... line's */
	bool usual;      /* line 1, by cost, one answer, no stream */
};

static inline uint64_t find_net(const struct steer_query *q)
{
	/* neighbours differ in few bits */
	return hash_mix(addr_net_id(&q->net, q->net_len) * HASH_ODD);
}

/* What makes a key of the net's hash: a name's seed and a stream are hashes. */
static inline uint64_t find_key(
	const struct map_name *name, const struct steer_query *q)
{
	return name->seed ^ q->stream;
}

static inline void find_question(const struct steer_state *state,
	const struct steer_query *query, struct steer_found *found)
{
	const struct map_name *name = &state->map->names[query->name];
	found->name = name;
	found->pool = name->of;
	found->net = find_net(query);
	found->key = found->net ^ find_key(name, query);
	found->near = map_candidates(
		state->map, found->pool, query->place, found->net);
	found->usual = query->line == 1 && !query->stream && name->usual;
}

static inline void find_entries(const struct accounts *accounts,
	const struct steer_query *query, struct steer_found *found)
{
	const struct memory *memory = accounts->memory;
	found->spread = memory_spread(memory, found->key);
	found->client =
		memory_spread(memory, demand_key(found->key, query->line));
	found->told = memory_bucket(memory, found->spread);
	found->clients = accounts_bucket(accounts, found->client);
}

/* Of a line (1..): NULL if nothing is known of it. */
static inline struct memory_entry *find_entry(const struct accounts *accounts,
	const struct steer_found *found, unsigned line)
{
	return memory_find(
		memory_bucket_of(accounts->memory, found->spread, line - 1),
		found->spread, line - 1);
}

/* The demand of a line (1..), NULL if there is none. */
static inline struct client *accounts_find_line(
	const struct accounts *accounts, uint64_t key, unsigned line)
{
	uint64_t spread =
		memory_spread(accounts->memory, demand_key(key, line));
	return accounts_find(accounts_bucket(accounts, spread), spread);
}

static inline void steer_find(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	struct steer_found *found)
{
	find_question(state, query, found);
	find_entries(accounts, query, found);
}

/* Hints to the CPU that this question is decided soon. Best for many at once,
 * with nothing between: each waits for its page to be found, and what comes
 * behind a few of them waits as well. */
static inline void steer_prefetch(const struct steer_found *found)
{
	__builtin_prefetch(found->told);
	__builtin_prefetch(found->clients);
	__builtin_prefetch(found->near);
}

#endif
