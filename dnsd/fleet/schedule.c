#include "fleet/schedule.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "fleet/spread.h"

#define SCHEDULE_PRIOR 20.0f /* viewers that the capacities weigh */

float schedule_still_to_come(const struct schedule_entry *e, int64_t now_ms)
{
	assert(e->over_ms > 0);
	int64_t since = now_ms - e->at_ms;
	if (since <= -SCHEDULE_LEAD_MS || since >= e->over_ms)
		return 0;
	if (since < 0)
		return e->viewers * (1 + (float)since / SCHEDULE_LEAD_MS);
	return e->viewers * (1 - (float)since / (float)e->over_ms);
}

bool schedule_is_over(const struct schedule_entry *e, int64_t now_ms)
{
	return now_ms - e->at_ms >= e->over_ms;
}

/* Of one name and origin: where one goes, the other goes. */
static int schedule_order(
	const struct schedule_entry *a, const struct schedule_entry *b)
{
	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	if (!a->placed || !b->placed)
		return a->placed - b->placed;
	if (a->lat != b->lat)
		return a->lat < b->lat ? -1 : 1;
	return a->lon < b->lon ? -1 : a->lon > b->lon;
}

static int order_of(const void *a, const void *b)
{
	return schedule_order(a, b);
}

void schedule_sort(struct schedule_entry *list, unsigned n)
{
	if (n)
		qsort(list, n, sizeof *list, order_of);
}

/* -- where to -- */

/* The up nodes of a pool as the viewers find them; returns how many. */
static unsigned gather(const struct schedule_entry *e, const struct map *map,
	const float *lately, const struct load_node *nodes,
	struct spread_node *list)
{
	const struct map_pool *pool = &map->pools[map->names[e->name].pool];
	struct place place = {
		.lat = e->lat, .lon = e->lon, .source = PLACE_NETS};
	unsigned n = 0;

	for (unsigned i = 0; i < pool->n; i++) {
		unsigned k = pool->node[i];
		const struct load_node *load = &nodes[k];
		if (load->state != NODE_UP || !map->nodes[k].name)
			continue;
		list[n++] = (struct spread_node){.node = (uint16_t)k,
			.path_ms = e->placed ? map_path_ms(map, pool, &place, k)
					     : 0,
			.used = load->used,
			.per_viewer = load->per_viewer,
			.room = load->room,
			.weight = lately[k] +
				SCHEDULE_PRIOR * map->nodes[k].capacity /
					pool->capacity};
	}
	return n;
}

/* Reserves for `viewers` that come at `rate` a second. Room that is not there
 * is not kept: a fleet that will be full anyway goes on by cost. */
static void schedule_keep(const struct schedule_entry *e, float viewers,
	float rate, struct spread_node *list, unsigned n,
	struct load_node *nodes)
{
	float room = 0, sum = 0;
	for (unsigned i = 0; i < n; i++)
		room += spread_free(&list[i]);
	viewers = fminf(viewers, room);
	if (e->placed)
		spread_go(list, n, viewers);
	else
		spread_share(list, n, viewers);
	for (unsigned i = 0; i < n; i++)
		sum += list[i].viewers;
	for (unsigned i = 0; sum > 0 && i < n; i++) {
		struct load_node *load = &nodes[list[i].node];
		float kept = list[i].viewers * load->per_viewer;
		load->reserved += list[i].viewers;
		load->used += kept;
		/* What samples and reservations show of it already is not added. */
		load->growth = fmaxf(load->growth,
			rate * list[i].viewers / sum * load->per_viewer);
	}
}

void schedule_keep_room(const struct schedule_entry *list, unsigned n,
	const struct map *map, const float *lately, int64_t now_ms,
	struct load_node *nodes)
{
	struct spread_node *to = mem_zero(map->n_nodes, sizeof *to);

	for (unsigned i = 0, next; i < n; i = next) {
		float viewers = 0, rate = 0;
		for (next = i;
			next < n && !schedule_order(&list[i], &list[next]);
			next++) {
			float come =
				schedule_still_to_come(&list[next], now_ms);
			if (come > 0)
				rate += list[next].viewers * 1000 /
					(float)list[next].over_ms;
			viewers += come;
		}
		if (viewers > 0)
			schedule_keep(&list[i], viewers, rate, to,
				gather(&list[i], map, lately, nodes, to),
				nodes);
	}
	free(to);
}
