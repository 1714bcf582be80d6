/* lookup.h - the first stage of an answer: where what is known of a question lies
 * (its name, its candidates, the entries of its client net). Inline: each question
 * comes here, and little is done.
 */
#ifndef STEER_LOOKUP_H
#define STEER_LOOKUP_H

#include "base/rng.h"
#include "ledger/accounts.h"
#include "ledger/demand.h"
#include "steer/query.h"

/* True for one state. */
struct steer_lookup {
	const struct map_name *name;
	const struct map_pool *pool;
	const struct candidates *near; /* the client's nearest nodes */
	uint64_t net;                  /* lookup_net() */
	uint64_t key;                  /* steer_key() */
	uint64_t hash;                 /* sent_hash() of the key */
	struct sent_bucket *sent;      /* by hash: where its lines were sent */
	uint64_t client_hash;          /* sent_hash() of its line's demand */
	struct client_bucket *clients; /* by client_hash */
	bool fast;                     /* line 1, by cost, one answer, no
					  stream: see fast_path.h */
};

/* Hash of the client net. */
static inline uint64_t lookup_net(const struct steer_query *q)
{
	/* neighbours differ in few bits */
	return hash_mix(addr_net_id(&q->net, q->net_len) * HASH_ODD);
}

/* What makes a key of the net's hash: a name's seed and a stream are hashes. */
static inline uint64_t lookup_key(
	const struct map_name *name, const struct steer_query *q)
{
	return name->seed ^ q->stream;
}

static inline void lookup_question(const struct steer_state *state,
	const struct steer_query *query, struct steer_lookup *lookup)
{
	const struct map_name *name = &state->map->names[query->name];
	lookup->name = name;
	lookup->pool = name->of;
	lookup->net = lookup_net(query);
	lookup->key = lookup->net ^ lookup_key(name, query);
	lookup->near = map_candidates(
		state->map, lookup->pool, query->place, lookup->net);
	lookup->fast = query->line == 1 && !query->stream && name->fast;
}

static inline void lookup_entries(const struct accounts *accounts,
	const struct steer_query *query, struct steer_lookup *lookup)
{
	const struct sent_table *table = accounts->sent;
	lookup->hash = sent_hash(table, lookup->key);
	lookup->client_hash =
		sent_hash(table, demand_key(lookup->key, query->line));
	lookup->sent = sent_bucket(table, lookup->hash);
	lookup->clients = accounts_bucket(accounts, lookup->client_hash);
}

/* The entry of a line (1..), NULL if the line is not known. */
static inline struct sent_entry *lookup_entry(const struct accounts *accounts,
	const struct steer_lookup *lookup, unsigned line)
{
	return sent_find(sent_bucket_of(accounts->sent, lookup->hash, line - 1),
		lookup->hash, line - 1);
}

/* The demand of the asked line, NULL if it is not known. */
static inline struct client *lookup_client(const struct steer_lookup *lookup)
{
	return accounts_find(lookup->clients, lookup->client_hash);
}

/* The demand of any line (1..), NULL if it is not known. */
static inline struct client *lookup_client_of(const struct accounts *accounts,
	const struct steer_lookup *lookup, unsigned line)
{
	uint64_t hash =
		sent_hash(accounts->sent, demand_key(lookup->key, line));
	return accounts_find(accounts_bucket(accounts, hash), hash);
}

static inline void steer_look_up(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	struct steer_lookup *lookup)
{
	lookup_question(state, query, lookup);
	lookup_entries(accounts, query, lookup);
}

/* Hints to the CPU that this question is decided soon. Best for many at once,
 * with nothing between: each waits for its page to be found, and what comes
 * behind a few of them waits as well. */
static inline void steer_prefetch(
	const struct accounts *accounts, const struct steer_lookup *lookup)
{
	const struct sent_table *table = accounts->sent;
	if (resolver_is_marked(table->marks, lookup->key))
		resolver_rates_prefetch(table->rates, lookup->key);
	__builtin_prefetch(lookup->sent);
	__builtin_prefetch(lookup->clients);
	__builtin_prefetch(lookup->near);
}

#endif
