#include "steer/fast_path.h"

/* What price and distrust add to a brief's base, in temperatures. */
static float extra_cost(const struct steer_state *state,
	const struct accounts *accounts, uint32_t area, unsigned node,
	float viewers)
{
	const struct load_node *load = &state->load->node[node];
	float more = score_unpublished(state, accounts, node) + viewers;
	float used = load->used + more * COST_SAFETY * load->per_viewer;
	float penalty =
		score_penalty_ms(state, area, node, load) - load->penalty_ms;
	return (score_price_ms(load, used) + penalty) / COST_TEMPERATURE_MS;
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

/* Finds it without a look at most of them: price and penalty only add, and where
 * paths ascend, no better one comes behind one that is too far. */
unsigned fast_path_best(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	struct sent sent, uint32_t now, float viewers)
{
	const struct load_brief *briefs = state->load->brief;
	const struct candidate *slot = lookup->near->slot;
	bool ascending = map_ascends(state->map, lookup->pool, lookup->near);
	float stay = lookup->name->stay_ms / COST_TEMPERATURE_MS;
	unsigned stays = sent_counts(&sent, now) ? sent.node : MAP_NO_NODE;
	float more = score_unpublished_most(state->load, accounts) + viewers;
	float least = score_draw_least() - lookup->pool->ln_weight_max - stay;
	float reach = FLT_MAX;
	uint32_t longest = UINT16_MAX;
	unsigned best = MAP_NO_NODE;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		if (slot[i].path > longest || node == MAP_NO_NODE)
			break;
		const struct load_brief *brief = &briefs[node];
		float one = score_draw(lookup->net, brief->seed) +
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
