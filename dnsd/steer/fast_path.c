/* The usual question: line 1, by cost, one answer, no stream, no crowd. It reads
 * the candidates, the briefs of a few of them and what the client was told, and
 * comes to what the list of all options would come to. */
#include "steer/account.h"
#include "steer/decide_internal.h"

/* One function in the end: what is in registers need not be passed on. */
#define INLINE inline __attribute__((always_inline))

/* -- the decision -- */

/* What is told. */
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
	float more = recent(state, accounts, node) + viewers;
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
	const struct steer_found *found, struct told told, uint32_t now,
	float viewers)
{
	const struct load_brief *briefs = state->load->brief;
	const struct candidate *slot = found->near->slot;
	bool ascending = map_ascends(state->map, found->pool, found->near);
	float stay = found->name->stay_ms / COST_TEMPERATURE_MS;
	unsigned stays = told_counts(&told, now) ? told.node : MAP_NO_NODE;
	float more = most_recent(state->load, accounts) + viewers;
	float least = draw_least() - found->pool->ln_weight_max - stay;
	float reach = FLT_MAX;
	uint32_t longest = UINT16_MAX;
	unsigned best = MAP_NO_NODE;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		if (slot[i].path > longest || node == MAP_NO_NODE)
			break;
		const struct load_brief *brief = &briefs[node];
		float one = draw(found->net, brief->seed) +
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
	const struct accounts *accounts, const struct steer_found *found,
	const struct known *known, struct told told, struct pick *p)
{
	p->again =
		told_runs(&told, known->now) && is_up(state->load, told.node);
	if (p->again) {
		p->node = told.node;
		p->ttl_s = told.ttl_s;
		return is_candidate(found->near, told.node);
	}
	float viewers = known_viewers(known, found->name);
	p->node = best_candidate(
		state, accounts, found, told, known->now, viewers);
	if (p->node == MAP_NO_NODE)
		return false;
	const struct load_brief *brief = &state->load->brief[p->node];
	float more = recent(state, accounts, p->node) + viewers;
	float used = brief->used + more * COST_SAFETY * brief->per_viewer;
	p->ttl_s = ttl_for(
		found->name, state->load, brief->growth, known->demand, used);
	/* Spares are looked for in a pool that has others. */
	return !is_full(used) || found->pool->n <= MAP_CANDIDATES;
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

bool usual_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_found *found,
	const struct known *known, struct steer_decision *d)
{
	struct pick p;
	if (!pick(state, accounts, found, known, d->past.told[0], &p))
		return false;
	tell(&p, d);
	return true;
}

/* -- its account -- */

/* False: another thread was faster. */
INLINE static bool remember(struct memory *memory,
	const struct steer_found *found, const struct known *known,
	struct told told, const struct pick *p, uint8_t type)
{
	struct told t = told;
	t.node = (uint16_t)p->node;
	t.made_ms = known->now;
	t.ttl_s = (uint16_t)p->ttl_s;
	t.types = type;
	if (p->node == told.node)
		return memory_replace(known->entry, told, t);
	if (told.node != MAP_NO_NODE) {
		t.before = told.node;
		t.moved = told_quarters(known->now);
	}
	return memory_claim_entry(memory, known->entry, found->key, 0, told, t);
}

/* The viewers that an answer brings are promised, as far as the budget of who
 * asks goes. */
INLINE static void promise(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, const struct steer_decision *d,
	float rate, uint32_t now)
{
	unsigned node = d->node[0];
	uint64_t net = accounts_net(&query->asker);
	float held_s = d->held_s, want = d->at_once + rate * held_s, share = 1;

	if (!query->trusted) {
		float may = accounts_budget(
			accounts, net, now, want, budget_burst(found->pool));
		if (may != want)
			share = may / want;
	}
	promise_add(accounts, node, state->load->generation, d->at_once * share,
		rate * share, d->held_s, false);
	struct before before = place(accounts, d->area, node,
		share * (d->at_once + d->rate * held_s), now);
	if (may_note(accounts, net, NOTED_TOLD, node, now, TOLD_NOTE_MS))
		account_note_told(accounts, net, node, d->area, before, now);
}

/* What the client brings by this question. */
INLINE static void bring(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, const struct known *known,
	struct told told, const struct steer_decision *d)
{
	struct client *c = known->client;

	if (!c)
		c = accounts_make(found->clients, found->client, known->now);
	/* Within a TTL nothing is learned. */
	if (!d->again || !c->events)
		demand_learn(c, told, known->now);
	promise(state, accounts, query, found, d, c->rate, known->now);
}

/* -- both -- */

/* False, and nothing is accounted: it is not so usual. */
INLINE static bool answer(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, uint32_t now, struct steer_decision *d)
{
	struct known known = {.now = now,
		.entry = memory_find(found->told, found->spread, 0),
		.client = accounts_find(found->clients, found->client),
		.at_once = 1};
	struct told told = memory_told(known.entry);
	struct pick p;

	know_demand(&known, accounts->memory, found->name, found->key);
	/* Whoever is heavy is a crowd. A newer map may have told a node. */
	if (known.crowd || state->load->any_returning ||
		(told.node >= state->map->n_nodes &&
			told.node != MAP_NO_NODE) ||
		!pick(state, accounts, found, &known, told, &p))
		return false;
	/* Another line may hold it. */
	if (!p.again && memory_together(found->told, found->spread, known.now))
		return false;
	tell(&p, d);
	d->at_once = 1;
	d->rate = known.demand;
	d->crowd = false;
	d->held_s = (uint16_t)demand_held_s(known.held_s, (float)p.ttl_s);
	d->key = found->key;
	d->area = state->load->brief[found->near->slot[0].node].area;
	d->past.told[0] = told;
	if (!p.again) {
		if (!remember(accounts->memory, found, &known, told, &p,
			    query->type))
			return false;
	} else if (!(told.types & query->type)) {
		/* The same viewer asks for another type. */
		struct told more = told;
		more.types |= query->type;
		return memory_replace(known.entry, told, more);
	}
	bring(state, accounts, query, found, &known, told, d);
	return true;
}

/* One function with what is usual, wherever it is asked from. */
INLINE static void answer_any(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d)
{
	if (!found->usual ||
		!answer(state, accounts, query, found, (uint32_t)now_ms, d))
		choice_answer(state, accounts, query, found, now_ms, d);
}

void steer_answer_found(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d)
{
	answer_any(state, accounts, query, found, now_ms, d);
}

void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision)
{
	struct steer_found found;
	steer_find(state, accounts, query, &found);
	answer_any(state, accounts, query, &found, now_ms, decision);
}
