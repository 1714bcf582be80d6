#include "paths/budget.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "state/map.h"

/* used: of its most, at at_ms. All zero: nothing was used. */
struct bucket {
	float used;
	int64_t at_ms;
};

struct budget {
	struct bucket nodes, players; /* all of them */
	struct bucket node[MAP_NO_NODE];
};

struct budget *budget_new(void)
{
	return mem_zero(1, sizeof(struct budget));
}

void budget_free(struct budget *budget)
{
	free(budget);
}

static bool bucket_take(
	struct bucket *b, float per_s, float most, int64_t now_ms)
{
	float since_s = (float)(now_ms - b->at_ms) * 0.001f;
	b->used = fmaxf(0, b->used - since_s * per_s);
	b->at_ms = now_ms;
	if (b->used + 1 > most)
		return false;
	b->used += 1;
	return true;
}

bool budget_take(
	struct budget *budget, const struct path_report *report, int64_t now_ms)
{
	assert(report->node < MAP_NO_NODE);
	if (report->by == PATH_BY_PLAYER)
		return bucket_take(&budget->players, BUDGET_PLAYERS_PER_S,
			BUDGET_PLAYERS_MOST, now_ms);
	return bucket_take(&budget->node[report->node], BUDGET_NODE_PER_S,
		       BUDGET_NODE_MOST, now_ms) &&
		bucket_take(&budget->nodes, BUDGET_NODES_PER_S,
			BUDGET_NODES_MOST, now_ms);
}
