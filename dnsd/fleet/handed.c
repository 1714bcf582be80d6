#include "fleet/handed.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fleet/fleet_internal.h"

/* Raise one if what the structs mean changes. */
#define FLEET_VERSION 1
#define NODES_VERSION 1
#define FORECASTS_VERSION 1
#define WHY_VERSION 1
#define WHY_ROOM 96

/* What is of no single node. */
struct handed_fleet {
	struct forecast_fleet all;
	struct empty_sums taken;
	int64_t start_ms, blind_since_ms, fell_ms;
	uint32_t generation;
	bool blind_over;
};

/* -- the old process -- */

/* Why a node is in its state is a text of the program: it is another one's then. */
static void why_add(const struct fleet *f, struct buf *out)
{
	char *room = sections_room(out, WHY_ROOM, f->n);
	memset(room, 0, (size_t)f->n * WHY_ROOM);
	for (unsigned i = 0; i < f->n; i++)
		if (f->node[i].health.why)
			strncpy(room + (size_t)i * WHY_ROOM,
				f->node[i].health.why, WHY_ROOM - 1);
	sections_keep(out, "why", WHY_VERSION, WHY_ROOM, f->n);
}

void fleet_hand(const struct fleet *f, struct buf *out)
{
	struct handed_fleet of = {.all = f->all,
		.taken = f->taken,
		.start_ms = f->start_ms,
		.blind_since_ms = f->blind_since_ms,
		.fell_ms = f->fell_ms,
		.generation = f->generation,
		.blind_over = f->blind_over};
	sections_add(out, "fleet", FLEET_VERSION, sizeof of, &of, 1);
	sections_add(
		out, "nodes", NODES_VERSION, sizeof *f->node, f->node, f->n);
	sections_add(out, "forecasts", FORECASTS_VERSION, sizeof *f->forecast,
		f->forecast, f->n);
	why_add(f, out);
	complaints_hand(f->complaints, out);
	if (f->large)
		large_resolvers_hand(f->large, out);
}

const struct handed_read *fleet_merged(const struct fleet *f, unsigned thread)
{
	return thread < FLEET_THREADS_MAX ? f->read[thread] : NULL;
}

/* -- the new process -- */

static void fleet_take_all(struct fleet *f, const struct handed_fleet *of)
{
	struct forecast_fleet all = of->all;
	all.servers = f->all.servers; /* as this map has them */
	all.session_s = f->all.session_s;
	f->all = all;
	f->taken = of->taken;
	f->start_ms = of->start_ms;
	f->blind_since_ms = of->blind_since_ms;
	f->blind_over = of->blind_over;
	f->fell_ms = of->fell_ms;
	f->generation = of->generation;
	f->ready = true;
}

/* What the configuration says of a node is the new one's; it exists and is watched in
 * both. */
static void fleet_take_node(
	struct fleet_node *to, const struct fleet_node *from, const char *why)
{
	bool polled = to->polled;
	*to = *from;
	to->polled = polled;
	to->health.why = why;
}

static void fleet_take_nodes(struct fleet *f, const struct fleet_node *node,
	size_t n_nodes, const struct forecast *forecast, const char *why)
{
	f->why = mem_alloc(n_nodes * WHY_ROOM + 1);
	memcpy(f->why, why, n_nodes * WHY_ROOM);
	for (unsigned i = 0; i < f->n && i < n_nodes; i++) {
		if (!f->node[i].exists || !node[i].exists ||
			f->node[i].watched != node[i].watched)
			continue;
		fleet_take_node(
			&f->node[i], &node[i], f->why + (size_t)i * WHY_ROOM);
		f->forecast[i] = forecast[i];
	}
}

void fleet_take(
	struct fleet *f, struct resolver_rates *rates, struct sections *in)
{
	size_t n_of, n_nodes, n_forecasts, n_why;
	const struct handed_fleet *of =
		sections_find(in, "fleet", FLEET_VERSION, sizeof *of, &n_of);
	const struct fleet_node *node = sections_find(
		in, "nodes", NODES_VERSION, sizeof *node, &n_nodes);
	const struct forecast *forecast = sections_find(in, "forecasts",
		FORECASTS_VERSION, sizeof *forecast, &n_forecasts);
	const char *why =
		sections_find(in, "why", WHY_VERSION, WHY_ROOM, &n_why);

	/* Samples, forecasts and their clock belong together. */
	if (n_of == 1 && n_nodes == n_forecasts && n_nodes == n_why) {
		fleet_take_all(f, of);
		fleet_take_nodes(f, node, n_nodes, forecast, why);
	}
	complaints_take(f->complaints, in);
	if (!f->large)
		f->large = large_resolvers_new(rates);
	large_resolvers_take(f->large, in);
}
