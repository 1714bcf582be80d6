/* The usual question: line 1, by cost, one answer, nobody looks at scores. It
 * reads the candidates, the briefs of a few of them and what the client was
 * told, and comes to what the list of all options would come to. */
#include "steer/choice.h"

#include <float.h>

/* Whether what was told is a candidate that is up. */
static inline bool is_valid(
	const struct load *load, const struct candidates *near, unsigned node)
{
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node == node)
			return load->brief[node].base < FLT_MAX;
	return false;
}

/* What price and doubts add to a brief's base, in temperatures. */
__attribute__((noinline, cold)) static float extra_cost(
	const struct steer_state *state, const struct accounts *accounts,
	uint32_t area, unsigned node, float viewers)
{
	const struct load_node *load = &state->load->node[node];
	float more = recent(state, accounts, node) + viewers;
	float used = load->used + more * COST_SAFETY * load->per_viewer;
	float penalty = penalty_of(state, area, node, load) - load->penalty_ms;
	return (price_at(load, used) + penalty) / COST_TEMPERATURE_MS;
}

/* More than this thread has promised to any node since the load was published;
 * more than any slack if areas have doubts. */
static inline float most_recent(
	const struct load *load, const struct accounts *accounts)
{
	if (load->n_doubts)
		return FLT_MAX;
	return accounts && accounts->recent_generation == load->generation
		? accounts->recent_most
		: 0;
}

/* The best candidate that is up, found without looking at most of them: price
 * and penalty only add, so none is better whose path alone is too long with
 * the best draw that there is. Where paths ascend, so are all behind it. */
static inline unsigned best_candidate(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_found *found,
	const struct known *known, const struct told *told)
{
	const struct load_brief *brief = state->load->brief;
	const struct candidate *slot = found->near->slot;
	bool ascending = map_ascends(state->map, found->pool, found->near);
	float stay = found->name->stay_ms / COST_TEMPERATURE_MS;
	unsigned stays =
		told_counts(told, known->now) ? told->node : MAP_NO_NODE;
	float more = most_recent(state->load, accounts) + known->viewers;
	float headroom = found->pool->ln_weight_max + stay - draw_least();
	float reach = FLT_MAX;
	unsigned best = MAP_NO_NODE;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		float path = candidate_path_ms(slot[i]) / COST_TEMPERATURE_MS;
		if (ascending && path > reach + headroom)
			break;
		float one = draw(found->net, brief[node].seed) + path +
			brief[node].base;
		if (node == stays)
			one -= stay;
		if (one >= reach)
			continue;
		if (__builtin_expect(more > brief[node].slack, 0))
			one += extra_cost(state, accounts,
				brief[slot[0].node].area, node, known->viewers);
		if (one < reach) {
			reach = one;
			best = node;
		}
	}
	return best;
}

bool usual_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_found *found,
	const struct known *known, struct steer_decision *d)
{
	const struct load_brief *brief = state->load->brief;
	const struct told *told = &d->past.told[0];

	d->again = told_runs(told, known->now) &&
		is_valid(state->load, found->near, told->node);
	if (d->again) {
		d->node[0] = told->node;
		d->ttl_s = told->ttl_s;
	} else {
		unsigned node =
			best_candidate(state, accounts, found, known, told);
		if (node == MAP_NO_NODE)
			return false;
		float more = recent(state, accounts, node) + known->viewers;
		float used = brief[node].used +
			more * COST_SAFETY * brief[node].per_viewer;
		/* Spares are looked for in a pool that has others. */
		if (is_full(used) && found->pool->n > MAP_CANDIDATES)
			return false;
		d->node[0] = (uint16_t)node;
		d->ttl_s = ttl_for(found->name, state->load, brief[node].growth,
			known->demand, used);
	}
	d->n = 1;
	d->state = NODE_UP;
	d->only = false;
	return true;
}
