#include "state/load.h"

#include <math.h>

#include "state/cost.h"

#define CERTAINLY 0.9999f /* of the slack: sums of floats are rounded */
#define ROUNDING 1e-5f    /* of utilisations, at most */

struct load_brief load_brief(
	const struct load_node *load, const struct map_node *node)
{
	float knee = COST_FULL * COST_KNEE * load->room;
	float slack = (knee - ROUNDING - load->used) /
		(load->per_viewer * COST_SAFETY);
	float base = load->penalty_ms / COST_TEMPERATURE_MS - load->ln_weight;

	return (struct load_brief){.seed = node->seed,
		.base = load->state == NODE_UP ? base : INFINITY,
		.slack = CERTAINLY * slack,
		.used = load->used,
		.per_viewer = load->per_viewer,
		.growth = load->growth,
		.area = node->area};
}
