#include "steer/steer.h"

#include <assert.h>

#include "steer/account.h"
#include "steer/decide_internal.h"
#include "steer/fast_path.h"

uint64_t steer_key(const struct map *map, const struct steer_query *q)
{
	return lookup_net(q) ^ lookup_key(&map->names[q->name], q);
}

/* -- any question -- */

/* Decides. estimate: what was known for it. fast: whether the fast path may. */
static void steer_decide_any(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms, bool fast,
	struct client_estimate *estimate, struct steer_decision *d,
	struct steer_trace *trace)
{
	estimate_client(
		state, accounts, query, lookup, now_ms, &d->past, estimate);
	d->area = score_area(state->load, lookup->near);
	d->at_once = estimate->at_once;
	d->rate = estimate->demand;
	fast = fast && lookup->fast && !estimate->spread_out &&
		d->past.lines == 1;
	if (!fast ||
		!fast_path_decide(
			state, accounts, lookup, estimate, d->past.sent[0], d))
		decide_full(state, accounts, query, lookup, estimate, d, trace);
	d->held_s = (uint16_t)demand_held_s(estimate->held_s, (float)d->ttl_s);
}

void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d, struct steer_trace *trace)
{
	assert(query->line >= 1 && query->name < state->map->n_names);
	struct steer_lookup lookup;
	struct client_estimate estimate;
	lookup_question(state, query, &lookup);
	if (accounts)
		lookup_entries(accounts, query, &lookup);
	steer_decide_any(state, accounts, query, &lookup, now_ms, !trace,
		&estimate, d, trace);
}

__attribute__((noinline)) static void steer_answer_slow(
	const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	int64_t now_ms, bool fast, struct steer_decision *d)
{
	assert(query->line >= 1 && query->name < state->map->n_names);
	const struct sent *seen = &d->past.sent[query->line - 1];
	struct client_estimate estimate;
	bool done = false;
	/* Twice if another thread has decided for this client net meanwhile. */
	for (unsigned i = 0; i < 2 && !done; i++) {
		steer_decide_any(state, accounts, query, lookup, now_ms, fast,
			&estimate, d, NULL);
		assert(estimate.entry || seen->node == MAP_NO_NODE);
		done = account_answer(state, accounts, query, lookup, &estimate,
			*seen, d, false);
	}
}

/* -- the fast path -- */

/* False, and nothing is accounted: it takes the full way. */
static FAST_PATH_INLINE bool steer_answer_fast(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, uint32_t now,
	struct steer_decision *d)
{
	struct client_estimate estimate = {.now = now,
		.entry = sent_find(lookup->sent, lookup->hash, 0),
		.client = lookup_client(lookup),
		.at_once = 1};
	struct sent sent = sent_get(estimate.entry);

	sent_prefetch_older(accounts->sent, lookup->hash, &sent, now);
	estimate_demand(&estimate, accounts->sent, lookup->name, lookup->key);
	if (state->load->any_returning ||
		estimate_viewers(&estimate, lookup->name) >
			SPREAD_OUT_VIEWERS ||
		sent_is_newer(&sent, state->map->n_nodes) ||
		!fast_path_decide(state, accounts, lookup, &estimate, sent, d))
		return false;
	/* Another line may hold the node. */
	if (!d->again && sent_together(lookup->sent, lookup->hash, now))
		return false;
	d->at_once = 1;
	d->rate = estimate.demand;
	d->held_s = (uint16_t)demand_held_s(estimate.held_s, (float)d->ttl_s);
	d->area = state->load->brief[lookup->near->slot[0].node].area;
	return account_answer(
		state, accounts, query, lookup, &estimate, sent, d, true);
}

static FAST_PATH_INLINE void steer_answer_any(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d)
{
	if (!lookup->fast ||
		!steer_answer_fast(
			state, accounts, query, lookup, (uint32_t)now_ms, d))
		steer_answer_slow(
			state, accounts, query, lookup, now_ms, true, d);
}

/* -- for callers -- */

void steer_answer_lookup(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d)
{
	steer_answer_any(state, accounts, query, lookup, now_ms, d);
}

void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *d)
{
	struct steer_lookup lookup;
	steer_look_up(state, accounts, query, &lookup);
	steer_answer_any(state, accounts, query, &lookup, now_ms, d);
}

void steer_answer_full(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d)
{
	struct steer_lookup lookup;
	steer_look_up(state, accounts, query, &lookup);
	steer_answer_slow(state, accounts, query, &lookup, now_ms, false, d);
}
