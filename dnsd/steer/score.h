/* score.h - the parts of a score that the fast path and the full decision share:
 * the draw, what load and distrust cost, the TTL. Private to steer/; inline, for
 * the hot path.
 */
#ifndef STEER_SCORE_H
#define STEER_SCORE_H

#include <float.h>

#include "base/rng.h"
#include "state/cost.h"
#include "steer/query.h"

/* -- the draw of a client net and a node -- */

#define SCORE_DRAW_BITS 12
/* ln(-ln(u)), written once at start */
extern float score_draws[1 << SCORE_DRAW_BITS];

/* Any draw is at least this. */
static inline float score_draw_least(void)
{
	return score_draws[(1 << SCORE_DRAW_BITS) - 1];
}

static inline float score_draw(uint64_t net, uint64_t seed)
{
	return score_draws[hash_mix_top(net ^ seed) >> (64 - SCORE_DRAW_BITS)];
}

/* -- load -- */

/* Viewers that this thread reserved on a node since the load was published. */
static inline float score_unpublished(const struct steer_state *state,
	const struct accounts *accounts, unsigned node)
{
	return accounts
		? accounts_unpublished(accounts, node, state->load->generation)
		: 0;
}

/* No node has more of these; more than any slack if nodes of areas are
 * distrusted. */
static inline float score_unpublished_most(
	const struct load *load, const struct accounts *accounts)
{
	if (load->n_distrusts)
		return FLT_MAX;
	return accounts && accounts->unpublished_generation == load->generation
		? accounts->unpublished_most
		: 0;
}

/* A ramping node counts as fuller than it is, but what it carries already is no
 * reason against it. */
static inline float score_price_ms(const struct load_node *load, float used)
{
	return cost_price_ms(load->room == 1 ? used : used / load->room);
}

static inline float score_penalty_ms(const struct steer_state *state,
	uint32_t area, unsigned node, const struct load_node *load)
{
	if (!state->load->n_distrusts)
		return load->penalty_ms;
	return load->penalty_ms +
		load_distrust_ms(state->load, area, node,
			area == state->map->nodes[node].area);
}

static inline bool score_is_full(float used)
{
	return used >= COST_FULL * COST_WALL;
}

/* -- the answer -- */

#define SHARED_VIEWERS 5.0f /* about so many viewers share one answer */
#define GROWTH_MIN 1e-4f    /* of utilisation a second: less is none */
#define TTL_OF_ROOM 0.5f /* a TTL is at most so much of the time until full */

/* The TTL of an answer of line 1 with a node that is up. */
static inline uint32_t score_ttl_s(const struct map_name *name,
	const struct load *load, float growth, float demand, float used)
{
	float ttl = name->ttl_max_s, least = name->ttl_min_s;
	float left = COST_FULL - used;

	if (demand * ttl > SHARED_VIEWERS)
		ttl = SHARED_VIEWERS / demand;
	if (growth > GROWTH_MIN && ttl > TTL_OF_ROOM * left / growth)
		ttl = TTL_OF_ROOM * left / growth;
	if (used >= COST_FULL || load->provisional)
		ttl = least;
	return (uint32_t)(ttl > least ? ttl : least);
}

/* The area of the nearest candidate. */
static inline uint32_t score_area(
	const struct load *load, const struct candidates *near)
{
	unsigned nearest = near->slot[0].node;
	return nearest == MAP_NO_NODE ? 0 : load->brief[nearest].area;
}

#endif
