#include "control/learner.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/call.h"
#include "control/state.h"
#include "paths/paths.h"
#include "state/map.h"

#define FIT_MS 5000

struct learner {
	struct paths *paths;
	const struct map *map; /* in service */
	int64_t fit_ms;        /* of the last fit */
	bool changed;          /* since the last news */
	struct learner_counts counts;
};

struct learner *learner_new(void)
{
	struct learner *l = mem_zero(1, sizeof *l);
	l->paths = paths_new();
	return l;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	paths_free(l->paths);
	free(l);
}

void learner_set_map(struct learner *l, const struct map *map)
{
	l->map = map;
	l->changed = true;
	paths_set_map(l->paths, map);
}

void learner_report(struct control *c, struct call *call)
{
	struct learner *l = c->learner;
	int64_t now_ms = clock_ms();
	for (unsigned i = 0; i < call->n_paths; i++) {
		const struct path_report *r = &call->paths[i];
		/* It was made for the map of that moment; nodes keep their
		 * index. */
		l->counts.reports++;
		if (r->node < l->map->n_nodes)
			l->counts.taken += paths_report(l->paths, r, now_ms);
	}
	call_answer(call, CALL_KEPT, NULL);
}

void learner_step(struct learner *l)
{
	int64_t now_ms = clock_ms();
	/* Without reports loss fades. */
	if (!paths_count(l->paths) || now_ms - l->fit_ms < FIT_MS)
		return;
	l->fit_ms = now_ms;
	l->changed |= paths_fit(l->paths, now_ms);
}

bool learner_news(
	struct learner *l, struct path_table **table, struct map **map)
{
	if (!l->changed)
		return false;
	l->changed = false;
	*table = NULL;
	*map = NULL;
	if (!paths_count(l->paths))
		return true;
	*table = paths_table(l->paths);
	*map = map_with_paths(l->map, *table);
	l->counts.areas = paths_areas(l->paths);
	l->counts.known = paths_count(l->paths);
	return true;
}

struct learner_counts learner_counts(const struct learner *l)
{
	return l->counts;
}
