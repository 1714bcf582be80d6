#include "fleet/spread.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "state/cost.h"

#define ROUNDS 8 /* each fills at least one node or ends the rest */

float spread_free(const struct spread_node *node)
{
	assert(node->per_viewer > 0);
	float left = COST_FULL * node->room - node->used;
	return fmaxf(0, left / node->per_viewer - node->viewers);
}

static float spread_used(const struct spread_node *node, float more)
{
	return (node->used + (node->viewers + more) * node->per_viewer) /
		node->room;
}

void spread_go(struct spread_node *nodes, unsigned n, float viewers)
{
	float slice = viewers / SPREAD_SLICES;

	for (unsigned s = 0; n && s < SPREAD_SLICES; s++) {
		struct spread_node *best = NULL;
		float best_cost = 0, best_used = 0;
		for (unsigned i = 0; i < n; i++) {
			float used = spread_used(&nodes[i], slice);
			float cost = nodes[i].path_ms + cost_price_ms(used);
			/* At one place, side by side rather than in turn. */
			if (best &&
				(cost > best_cost ||
					(cost == best_cost &&
						used >= best_used)))
				continue;
			best = &nodes[i];
			best_cost = cost;
			best_used = used;
		}
		best->viewers += slice;
	}
}

void spread_share(struct spread_node *nodes, unsigned n, float viewers)
{
	for (unsigned round = 0; viewers > 0.01f && round < ROUNDS; round++) {
		float weights = 0, rest = viewers;
		for (unsigned i = 0; i < n; i++)
			if (spread_free(&nodes[i]) > 0)
				weights += nodes[i].weight;
		for (unsigned i = 0; weights > 0 && i < n; i++) {
			float put = fminf(spread_free(&nodes[i]),
				viewers * nodes[i].weight / weights);
			nodes[i].viewers += put;
			rest -= put;
		}
		viewers = rest;
	}
}
