/* Most questions: line 1, by cost, one answer, no stream, no large resolver. The
 * candidates are read, the briefs of a few of them and where the client was sent;
 * the result is that of the list of all candidates. */
#include "steer/account.h"
#include "steer/decide_internal.h"

/* One function in the end: what is in registers need not be passed on. */
#define INLINE inline __attribute__((always_inline))

/* -- the decision -- */

/* The answer. */
struct pick {
	unsigned node, ttl_s;
	bool again;
};

/* Whether a node is a candidate: which one cannot be foretold, so all are compared.
 * The paths between the nodes do not count. */
static inline bool is_candidate(const struct candidates *near, unsigned node)
{
	typedef uint16_t words __attribute__((vector_size(16)));
	const words nodes = {0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0};
	words same = {0}, some;
	uint64_t half[2];

	_Static_assert(offsetof(struct candidate, path) == 2, "node, path");
	for (unsigned i = 0; i < sizeof *near; i += sizeof some) {
		memcpy(&some, (const uint8_t *)near + i, sizeof some);
		same |= (words)(some == (uint16_t)node);
	}
	same &= nodes;
	memcpy(half, &same, sizeof half);
	return half[0] | half[1];
}

static inline bool is_up(const struct load *load, unsigned node)
{
	return load->brief[node].base < FLT_MAX;
}

/* What price and doubts add to a brief's base, in temperatures. */
INLINE static float extra_cost(const struct steer_state *state,
	const struct accounts *accounts, uint32_t area, unsigned node,
	float viewers)
{
	const struct load_node *load = &state->load->node[node];
	float more = unpublished(state, accounts, node) + viewers;
	float used = load->used + more * COST_SAFETY * load->per_viewer;
	float penalty = penalty_of(state, area, node, load) - load->penalty_ms;
	return (price_at(load, used) + penalty) / COST_TEMPERATURE_MS;
}

/* The longest path, as candidates have it, that may have a score below `reach`
 * if its draw, weight and what keeps it are the best that there are. */
static inline uint32_t longest_path(float reach, float least)
{
	float path =
		(reach - least) * (COST_TEMPERATURE_MS * CANDIDATE_PER_MS) +
		CANDIDATE_ZERO;
	return path < UINT16_MAX ? (uint32_t)path + 1 : UINT16_MAX;
}

/* The best candidate that is up, found without looking at most of them: price
 * and penalty only add, and where paths ascend, no better one comes behind one
 * that is too far. */
__attribute__((noinline)) static unsigned best_candidate(
	const struct steer_state *state, const struct accounts *accounts,
	const struct steer_lookup *lookup, struct sent sent, uint32_t now,
	float viewers)
{
	const struct load_brief *briefs = state->load->brief;
	const struct candidate *slot = lookup->near->slot;
	bool ascending = map_ascends(state->map, lookup->pool, lookup->near);
	float stay = lookup->name->stay_ms / COST_TEMPERATURE_MS;
	unsigned stays = sent_counts(&sent, now) ? sent.node : MAP_NO_NODE;
	float more =
		reservation_unpublished_most(state->load, accounts) + viewers;
	float least = draw_least() - lookup->pool->ln_weight_max - stay;
	float reach = FLT_MAX;
	uint32_t longest = UINT16_MAX;
	unsigned best = MAP_NO_NODE;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		if (slot[i].path > longest || node == MAP_NO_NODE)
			break;
		const struct load_brief *brief = &briefs[node];
		float one = draw(lookup->net, brief->seed) +
			candidate_path_ms(slot[i]) / COST_TEMPERATURE_MS +
			brief->base;
		if (node == stays)
			one -= stay;
		if (one >= reach)
			continue;
		if (__builtin_expect(more > brief->slack, 0))
			one += extra_cost(state, accounts,
				briefs[slot[0].node].area, node, viewers);
		if (one >= reach)
			continue;
		reach = one;
		best = node;
		if (ascending)
			longest = longest_path(reach, least);
	}
	return best;
}

/* False: it takes more to know what to tell. */
INLINE static bool pick(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct sent sent,
	struct pick *p)
{
	p->again = sent_runs(&sent, estimate->now) &&
		is_up(state->load, sent.node);
	if (p->again) {
		p->node = sent.node;
		p->ttl_s = sent.ttl_s;
		return is_candidate(lookup->near, sent.node);
	}
	float viewers = estimate_brings(estimate, lookup->name);
	p->node = best_candidate(
		state, accounts, lookup, sent, estimate->now, viewers);
	if (p->node == MAP_NO_NODE)
		return false;
	const struct load_brief *brief = &state->load->brief[p->node];
	float more = unpublished(state, accounts, p->node) + viewers;
	float used = brief->used + more * COST_SAFETY * brief->per_viewer;
	p->ttl_s = ttl_for(lookup->name, state->load, brief->growth,
		estimate->demand, used);
	/* Spares are looked for in a pool that has others. */
	return !is_full(used) || lookup->pool->n <= MAP_CANDIDATES;
}

static inline void tell(const struct pick *p, struct steer_decision *d)
{
	d->n = 1;
	d->node[0] = (uint16_t)p->node;
	d->ttl_s = p->ttl_s;
	d->again = p->again;
	d->state = NODE_UP;
	d->only = false;
}

bool fast_path_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct steer_decision *d)
{
	struct pick p;
	if (!pick(state, accounts, lookup, estimate, d->past.sent[0], &p))
		return false;
	tell(&p, d);
	return true;
}

/* -- its account -- */

/* False: another thread was faster. */
INLINE static bool remember(struct sent_table *table,
	const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct sent sent,
	const struct pick *p, uint8_t type)
{
	struct sent t = sent;
	t.node = (uint16_t)p->node;
	t.made_ms = estimate->now;
	t.ttl_s = (uint16_t)p->ttl_s;
	t.types = type;
	if (p->node == sent.node)
		return sent_replace(estimate->entry, sent, t);
	if (sent.node != MAP_NO_NODE) {
		t.before = sent.node;
		t.moved = sent_quarters(estimate->now);
	}
	return sent_claim_entry(
		table, estimate->entry, lookup->key, 0, sent, t);
}

/* The viewers that an answer brings are promised, as far as the budget of who
 * asks goes. */
INLINE static void reserve(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, const struct steer_decision *d,
	float rate, uint32_t now)
{
	unsigned node = d->node[0];
	uint64_t net = accounts_net(&query->asker);
	float held_s = d->held_s, want = d->at_once + rate * held_s, share = 1;

	if (!query->trusted) {
		float may = accounts_budget(
			accounts, net, now, want, budget_burst(lookup->pool));
		if (may != want)
			share = may / want;
	}
	reservation_add(accounts, node, state->load->generation,
		d->at_once * share, rate * share, d->held_s, false);
	struct before before = place(accounts, d->area, node,
		share * (d->at_once + d->rate * held_s), now);
	if (event_allowed(accounts, net, EVENT_LIMIT_SENT, node, now,
		    EVENT_SENT_INTERVAL_MS))
		account_event_sent(accounts, net, node, d->area, before, now);
}

/* What the client brings by this question. */
INLINE static void bring(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct sent sent,
	const struct steer_decision *d)
{
	struct client *c = estimate->client;

	if (!c)
		c = accounts_make(
			lookup->clients, lookup->client, estimate->now);
	/* Within a TTL nothing is learned. */
	if (!d->again || !c->events)
		demand_learn(c, sent, estimate->now);
	reserve(state, accounts, query, lookup, d, c->rate, estimate->now);
}

/* -- both -- */

/* False, and nothing is accounted: it takes the full decision. */
INLINE static bool answer(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, uint32_t now,
	struct steer_decision *d)
{
	struct client_estimate estimate = {.now = now,
		.entry = sent_find(lookup->sent, lookup->spread, 0),
		.client = accounts_find(lookup->clients, lookup->client),
		.at_once = 1};
	struct sent sent = sent_get(estimate.entry);
	struct pick p;

	estimate_demand(&estimate, accounts->sent, lookup->name, lookup->key);
	/* What is spread out is large, too. A node may be of a newer map. */
	if (estimate.large || state->load->any_returning ||
		(sent.node >= state->map->n_nodes &&
			sent.node != MAP_NO_NODE) ||
		!pick(state, accounts, lookup, &estimate, sent, &p))
		return false;
	/* Another line may hold it. */
	if (!p.again &&
		sent_together(lookup->sent, lookup->spread, estimate.now))
		return false;
	tell(&p, d);
	d->at_once = 1;
	d->rate = estimate.demand;
	d->large = false;
	d->held_s = (uint16_t)demand_held_s(estimate.held_s, (float)p.ttl_s);
	d->key = lookup->key;
	d->area = state->load->brief[lookup->near->slot[0].node].area;
	d->past.sent[0] = sent;
	if (!p.again) {
		if (!remember(accounts->sent, lookup, &estimate, sent, &p,
			    query->type))
			return false;
	} else if (!(sent.types & query->type)) {
		/* The same viewer asks for another type. */
		struct sent more = sent;
		more.types |= query->type;
		return sent_replace(estimate.entry, sent, more);
	}
	bring(state, accounts, query, lookup, &estimate, sent, d);
	return true;
}

/* Inlined where it is called: most questions need no more. */
INLINE static void answer_any(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d)
{
	if (!lookup->fast ||
		!answer(state, accounts, query, lookup, (uint32_t)now_ms, d))
		account_any(state, accounts, query, lookup, now_ms, d);
}

void steer_answer_lookup(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d)
{
	answer_any(state, accounts, query, lookup, now_ms, d);
}

void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision)
{
	struct steer_lookup lookup;
	steer_look_up(state, accounts, query, &lookup);
	answer_any(state, accounts, query, &lookup, now_ms, decision);
}
