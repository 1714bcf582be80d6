#include "control/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "store/store.h"

/* Sums over the present step, by index of the map. A node without a load that
 * can be believed adds nothing: a gap in its history is not a zero. */
struct history_sums {
	int64_t begun_s; /* of the step, wall clock */
	unsigned room;
	struct history_sum {
		unsigned n;
		double connections, utilisation, bandwidth_bps;
	} * node;
};

static void history_add(struct control *c, struct history_sums *sums)
{
	const struct map *map = c->built->map;

	if (sums->room < map->n_nodes) {
		sums->node =
			mem_grow(sums->node, map->n_nodes * sizeof *sums->node);
		memset(sums->node + sums->room, 0,
			(map->n_nodes - sums->room) * sizeof *sums->node);
		sums->room = map->n_nodes;
	}
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct fleet_node *from = fleet_node(c->fleet, i);
		struct history_sum *to = &sums->node[i];
		if (!map->nodes[i].name || !from->have_load ||
			from->health.state != NODE_UP)
			continue;
		to->n++;
		to->connections += (double)from->connections;
		to->utilisation += (double)fleet_utilisation(c->fleet, i);
		to->bandwidth_bps += (double)from->bandwidth_bps;
	}
}

static void write_means(struct control *c, struct history_sums *sums)
{
	const struct map *map = c->built->map;
	struct store_history_row *rows = mem_zero(map->n_nodes, sizeof *rows);
	unsigned n = 0;

	for (unsigned i = 0; i < map->n_nodes && i < sums->room; i++) {
		const struct history_sum *sum = &sums->node[i];
		if (!map->nodes[i].name || !sum->n)
			continue;
		struct store_history_row *row = &rows[n++];
		strncpy(row->node, map->nodes[i].name, sizeof row->node - 1);
		row->mean = (struct store_point){sums->begun_s,
			(float)(sum->connections / sum->n),
			(float)(sum->utilisation / sum->n),
			(float)(sum->bandwidth_bps / sum->n)};
	}
	store_history(c->store, rows, n, sums->begun_s);
	free(rows);
}

static unsigned step_s(const struct control *c)
{
	return store_history_step_s(c->built->conf->n_nodes);
}

void history_watch(struct control *c)
{
	int64_t now_s = clock_wall_ms() / 1000;
	int64_t begun_s = now_s - now_s % step_s(c);
	struct history_sums *sums = c->history;

	if (!c->store)
		return;
	if (!sums->begun_s)
		sums->begun_s = begun_s;
	if (begun_s != sums->begun_s) {
		write_means(c, sums);
		if (sums->room)
			memset(sums->node, 0, sums->room * sizeof *sums->node);
		sums->begun_s = begun_s;
	}
	history_add(c, sums);
}

struct history_sums *history_new(void)
{
	return mem_zero(1, sizeof(struct history_sums));
}

void history_free(struct history_sums *sums)
{
	if (!sums)
		return;
	free(sums->node);
	free(sums);
}

/* -- the call -- */

static void on_points(
	void *arg, bool ok, struct store_point *points, unsigned n)
{
	struct call *call = arg;

	call->n = n;
	call->points = mem_zero(n, sizeof *call->points);
	for (unsigned i = 0; i < n; i++)
		call->points[i] = (struct call_point){points[i].at_s,
			points[i].connections, points[i].utilisation,
			points[i].bandwidth_bps};
	free(points);
	call_answer(call, ok ? CALL_KEPT : CALL_NO_STORE, NULL);
}

void history_read_node(struct control *c, struct call *call)
{
	call->step_s = step_s(c);
	if (c->store)
		store_history_read(c->store, call->node, call->since_s,
			c->mailbox, on_points, call);
	else
		call_answer(call, CALL_NO_STORE, NULL);
}
