#include "steer/fast_path.h"

/* So many candidates are looked at together, without a branch: which one is best cannot
 * be foretold, and what the CPU waits for of one it fetches of all. */
#define GROUP 4
_Static_assert(MAP_CANDIDATES % GROUP == 0, "whole groups");

/* What candidates are compared by. */
struct fast_path_scan {
	const struct steer_state *state;
	const struct accounts *accounts;
	uint64_t net;
	uint32_t area;       /* of the nearest candidate */
	float viewers;       /* that the answer brings */
	float more;          /* and the most that was reserved on any node */
	bool brief_says_all; /* no node ramps up, none is distrusted by areas */
	unsigned stays; /* the node where the client net was sent last ... */
	float stay; /* ... and what another one must save, in temperatures */
};

/* What price and distrust add to a brief's base, in temperatures. */
static inline float extra_cost(const struct fast_path_scan *scan, unsigned node)
{
	const struct steer_state *state = scan->state;
	const struct load_brief *brief = &state->load->brief[node];
	float more =
		score_unpublished(state, scan->accounts, node) + scan->viewers;
	float used = brief->used + more * COST_SAFETY * brief->per_viewer;

	if (scan->brief_says_all)
		return cost_price_ms(used) / COST_TEMPERATURE_MS;
	const struct load_node *load = &state->load->node[node];
	float penalty = score_penalty_ms(state, scan->area, node, load) -
		load->penalty_ms;
	return (score_price_ms(load, used) + penalty) / COST_TEMPERATURE_MS;
}

/* The scores of a group. Its first slot has a candidate; an empty slot scores FLT_MAX. */
static inline void score_group(const struct fast_path_scan *scan,
	const struct candidate *group, float *score)
{
	const struct load_brief *briefs = scan->state->load->brief;
	unsigned node[GROUP], dear = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < GROUP; i++) {
		bool none = group[i].node == MAP_NO_NODE;
		node[i] = none ? group[0].node : group[i].node;
		const struct load_brief *brief = &briefs[node[i]];
		float one = score_draw(scan->net, brief->seed) +
			candidate_path_ms(group[i]) / COST_TEMPERATURE_MS +
			brief->base;
		one -= node[i] == scan->stays ? scan->stay : 0;
		score[i] = none ? FLT_MAX : one;
		dear |= scan->more > brief->slack;
	}
	if (__builtin_expect(dear, 0))
		for (unsigned i = 0; i < GROUP; i++)
			if (scan->more > briefs[node[i]].slack)
				score[i] += extra_cost(scan, node[i]);
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
	const struct candidate *slot = lookup->near->slot;
	bool ascending = map_ascends(state->map, lookup->pool, lookup->near);
	const struct fast_path_scan scan = {state, accounts, lookup->net,
		score_area(state->load, lookup->near), viewers,
		score_unpublished_most(state->load, accounts) + viewers,
		state->load->all_room && !state->load->n_distrusts,
		sent_counts(&sent, now) ? sent.node : MAP_NO_NODE,
		lookup->name->stay_ms / COST_TEMPERATURE_MS};
	float least =
		score_draw_least() - lookup->pool->ln_weight_max - scan.stay;
	float reach = FLT_MAX;
	uint32_t longest = UINT16_MAX;
	unsigned best = MAP_NO_NODE;

	for (unsigned i = 0; i < MAP_CANDIDATES; i += GROUP) {
		float score[GROUP];
		if (slot[i].path > longest || slot[i].node == MAP_NO_NODE)
			break;
		score_group(&scan, &slot[i], score);
		for (unsigned k = 0; k < GROUP; k++) {
			best = score[k] < reach ? slot[i + k].node : best;
			reach = score[k] < reach ? score[k] : reach;
		}
		if (ascending)
			longest = longest_path(reach, least);
	}
	return best;
}
