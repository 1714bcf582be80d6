/* account.h - what an answer leaves behind: where its net was sent, demand,
 * reservations, places and events for the control thread. Private to steer/.
 *
 * account_answer() is the only accounting. It is inlined twice: for all answers,
 * and for those of the fast path, of which it is known when it is compiled that
 * they have line 1, one node and no stream. The steps are the
 * same code; as functions they take 15 % more instructions an answer (callgrind,
 * bench_micro "answer steered"; 5 % with "answer ecs").
 */
#ifndef STEER_ACCOUNT_H
#define STEER_ACCOUNT_H

#include "steer/client_estimate.h"
#include "steer/lookup.h"

#define BUDGET_VIEWERS 50.0f /* that any network may reserve at once ... */
#define BUDGET_SHARE 0.03f   /* ... and of the pool's capacity */
/* Events: a network was sent to a node ... */
#define EVENT_SENT_INTERVAL_MS 60000
#define EVENT_SWITCHED_INTERVAL_MS 5000 /* ... or leaves it, at most so often */
#define EVENT_REPORT_INTERVAL_MS 60000  /* ... or a player reports that */

#define ACCOUNT_INLINE inline __attribute__((always_inline))

/* account.c: an event for the control thread: a network (accounts_net) was sent to
 * a node. */
void account_event_sent(struct accounts *accounts, uint64_t net, unsigned node,
	uint32_t area, struct placed_before before, uint32_t now);

/* account.c: what only answers beyond the fast path leave. */
void account_event_large(struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	const struct steer_decision *d, float share, float rate, uint32_t now);
void account_line(struct accounts *accounts, const struct steer_query *query,
	const struct steer_decision *d, uint64_t net, uint32_t now);
void account_stream(struct accounts *accounts, uint64_t stream, unsigned node,
	float viewers, uint32_t now);

/* A network may reserve so many viewers at once and a tenth of that each second:
 * more than a resolver brings, less than a flood of forged questions. */
static inline float account_burst(const struct map_pool *pool)
{
	return BUDGET_VIEWERS + BUDGET_SHARE * pool->capacity;
}

/* Of so many viewers, those that the asking network may reserve. By lines it
 * moves no more than it brought. An asker that is trusted to name other clients
 * has no budget. */
static ACCOUNT_INLINE float account_within_budget(struct accounts *accounts,
	const struct steer_query *query, const struct map_pool *pool,
	unsigned line, uint64_t net, float viewers, uint32_t now)
{
	if (query->trusted)
		return viewers;
	if (line > 1)
		return accounts_lines_budget(
			accounts, net, now, viewers, account_burst(pool));
	return accounts_budget(
		accounts, net, now, viewers, account_burst(pool));
}

/* Keeps where the line is sent now. seen: where it was, as the decision saw it in
 * this entry (NULL: nowhere).
 * False: another thread has decided since. */
static ACCOUNT_INLINE bool account_sent(struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	struct sent_entry *entry, unsigned line, const struct steer_decision *d,
	struct sent seen, uint32_t now)
{
	struct sent to = seen;
	if (d->again) {
		sent_share(accounts->sent, entry, seen, query->type);
		return true;
	}
	to.node = d->node[0];
	to.made_ms = now;
	to.ttl_s = (uint16_t)d->ttl_s;
	to.types = query->type;
	if (to.node == seen.node)
		return sent_replace(accounts->sent, entry, seen, to);
	if (seen.node != MAP_NO_NODE) {
		to.before = seen.node;
		to.moved = sent_quarters(now);
	}
	return sent_claim_entry(
		accounts->sent, entry, lookup->key, line - 1, seen, to);
}

/* What the answer reserves on its nodes, as far as the asker's budget goes;
 * returns the share that it goes. rate: viewers a second while it is held. */
static ACCOUNT_INLINE float account_reserve(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct map_pool *pool, const struct steer_decision *d,
	unsigned line, unsigned n, bool large, uint64_t net, float rate,
	uint32_t now)
{
	float want = d->at_once + rate * (float)d->held_s, share = 1;
	float may = account_within_budget(
		accounts, query, pool, line, net, want, now);
	if (may != want)
		share = may / want;
	float each = n == 1 ? share : share / (float)n;
	for (unsigned i = 0; i < n; i++)
		accounts_reserve(accounts, d->node[i], state->load->generation,
			d->at_once * each, rate * each, d->held_s, large);
	return share;
}

/* Accounts a decision that is to be answered. seen: where the line was sent, as
 * the decision saw it. fast: as said above, a constant. False, and nothing is
 * accounted: another thread has decided for this net and line since; decide
 * again. */
static ACCOUNT_INLINE bool account_answer(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct sent seen,
	const struct steer_decision *d, bool fast)
{
	const unsigned line = fast ? 1 : query->line, n = fast ? 1 : d->n;
	const bool large = estimate->large;
	const uint32_t now = estimate->now;
	struct client *client = estimate->client;

	if (!account_sent(accounts, query, lookup, estimate->entry, line, d,
		    seen, now))
		return false;
	if (line > 1)
		sent_mark(accounts->sent, lookup->key, now);
	/* The same viewer asks for another type. */
	if (d->again && !(seen.types & query->type))
		return true;
	if (!client)
		client = accounts_make(
			lookup->clients, lookup->client_hash, now);
	/* Within a TTL nothing is learned. */
	if (!d->again || !client->events)
		demand_learn(client, seen, now);
	const uint64_t net = accounts_net(&query->asker);
	if (!fast)
		account_line(accounts, query, d, net, now);
	/* The same viewer presses again, or one that only presses. */
	if (line > 1 && d->again)
		return true;
	float rate = large ? d->rate : client->rate;
	float share = account_reserve(state, accounts, query, lookup->pool, d,
		line, n, large, net, rate, now);
	if (large)
		account_event_large(
			accounts, query, lookup, d, share, rate, now);
	float viewers = share * (d->at_once + d->rate * (float)d->held_s);
	struct placed_before before = accounts_place_area(
		accounts, d->area, d->node[0], viewers, now);
	if (!fast && query->stream)
		account_stream(
			accounts, query->stream, d->node[0], viewers, now);
	if (accounts_event_allowed(accounts, net, EVENT_LIMIT_SENT, d->node[0],
		    now, EVENT_SENT_INTERVAL_MS))
		account_event_sent(
			accounts, net, d->node[0], d->area, before, now);
	return true;
}

#endif
