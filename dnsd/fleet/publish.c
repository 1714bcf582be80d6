/* The load that is published: every node as decisions read it. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/thread.h"
#include "fleet/fleet_internal.h"

#define SUSPECT_MS 40.0f /* one failed poll */
#define MARGIN_MAX 0.1f  /* for what the forecast is unsure of */
#define RAMP_LOAD \
	0.65f          /* a ramping node has room for what it carries, at so
			    much of that room */
#define WIDE_USED 0.8f /* of a pool that is more than full: counts as so full */
#define WIDE_RISE 5.0f /* from full on, in proportion to what is beyond */
#define NODES_AT_ONCE 256
#define LATELY_MS 60000 /* reservations that show where viewers go */

/* -- nodes -- */

/* As much as the last samples were off what was expected of them. */
static float margin(const struct forecast *forecast)
{
	if (!forecast->known)
		return 0;
	return fminf(MARGIN_MAX, forecast->gain * sqrtf(forecast->noise));
}

/* wide: see fleet_used_by(). */
static void load_node(struct fleet *f, unsigned i, float wide,
	struct load_node *out, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	const struct forecast *forecast = &f->forecast[i];

	if (!node->exists) {
		*out = (struct load_node){.state = NODE_DOWN,
			.used = 1,
			.room = 1,
			.per_viewer = 1};
		return;
	}
	health_tick(&node->health, &f->rules.health, !node->polled,
		fleet_is_reached(f, node, now_ms), now_ms);
	out->state = (uint8_t)fleet_state(f, i, now_ms);
	out->per_viewer = fleet_per_viewer(f, i, wide);
	out->reserved = forecast_reserved_ahead(&f->all, forecast, now_ms) +
		fleet_displaced(node, now_ms);
	float viewers = forecast->known ? forecast->viewers : node->connections;
	viewers = fmaxf(viewers, node->raised);
	float load = fleet_used_by(f, i, viewers, wide) + margin(forecast);
	out->used = load + out->reserved * out->per_viewer;
	node->used =
		out->used - fleet_displaced(node, now_ms) * out->per_viewer;
	out->room = health_room(&node->health, now_ms);
	/* What a ramping node carries already is no reason against it. */
	float least = fminf(1, load / RAMP_LOAD);
	if (out->room < least)
		out->room = least;
	out->ln_weight = logf(fleet_capacity(f, i) * out->room);
	out->growth =
		forecast_growth(&f->all, forecast, now_ms) * out->per_viewer;
	out->penalty_ms = node->health.fails && out->state == NODE_UP &&
			!fleet_was_reached(node) && !fleet_is_blind(f)
		? SUSPECT_MS
		: 0;
	out->returning = fleet_returning(node, out->penalty_ms > 0, now_ms);
	out->unstable_ms =
		(uint16_t)stability_cost_ms(&node->stability, now_ms);
	out->penalty_ms +=
		node->distrust_ms + empty_cost_ms(&node->empty, now_ms);
}

/* The up nodes of a pool with most room, for those whose near ones are full. */
static void find_spare(const struct fleet *f, const struct map_pool *pool,
	const struct load_node *nodes, uint16_t *spare)
{
	float room[MAP_CANDIDATES];
	unsigned n = 0;
	for (unsigned i = 0; pool->n > MAP_CANDIDATES && i < pool->n; i++) {
		unsigned k = pool->node[i];
		if (nodes[k].state != NODE_UP)
			continue;
		float free_room = (1 - nodes[k].used) * fleet_capacity(f, k);
		if (n == MAP_CANDIDATES && free_room <= room[n - 1])
			continue;
		unsigned at = n < MAP_CANDIDATES ? n++ : n - 1;
		for (; at > 0 && free_room > room[at - 1]; at--) {
			room[at] = room[at - 1];
			spare[at] = spare[at - 1];
		}
		room[at] = free_room;
		spare[at] = (uint16_t)k;
	}
	while (n < MAP_CANDIDATES)
		spare[n++] = MAP_NO_NODE;
}

/* -- pools that are more than full -- */

/* Utilisation of the whole pool: of those nodes that are up. */
static float pool_used(const struct fleet *f, const struct map_pool *pool,
	const struct load_node *nodes)
{
	float used = 0, all = 0;
	for (unsigned i = 0; i < pool->n; i++) {
		unsigned k = pool->node[i];
		if (nodes[k].state != NODE_UP)
			continue;
		float capacity = fleet_capacity(f, k);
		used += nodes[k].used * capacity;
		all += capacity;
	}
	return all > 0 ? used / all : 0;
}

/* By node, of the emptiest of its pools: 1, or more if that is more than full: then so
 * many times its capacity would bring it back to WIDE_USED. */
static void find_wide(
	const struct fleet *f, const struct load_node *nodes, float *wide)
{
	for (unsigned i = 0; i < f->n; i++)
		wide[i] = INFINITY;
	for (unsigned i = 0; i < f->map->n_pools; i++) {
		const struct map_pool *pool = &f->map->pools[i];
		float used = pool_used(f, pool, nodes);
		float of_pool = fmaxf(
			1, fminf(used / WIDE_USED, 1 + (used - 1) * WIDE_RISE));
		for (unsigned k = 0; k < pool->n; k++)
			wide[pool->node[k]] =
				fminf(wide[pool->node[k]], of_pool);
	}
	for (unsigned i = 0; i < f->n; i++)
		if (wide[i] == INFINITY)
			wide[i] = 1;
}

/* A pool that has more viewers than its nodes may be given has to give them more. Then
 * what CPU and bits show says which of them can bear it, and not how far each is beyond
 * its bound: that would overload those that are at their end, and send viewers around
 * the world between bounds that mean nothing. */
static void widen_full_pools(
	struct fleet *f, struct load_node *nodes, int64_t now_ms)
{
	float *wide = mem_zero(f->n + 1, sizeof *wide);
	find_wide(f, nodes, wide);
	for (unsigned i = 0; i < f->n; i++)
		if (wide[i] > 1)
			load_node(f, i, wide[i], &nodes[i], now_ms);
	free(wide);
}

/* -- the schedule -- */

static void keep_room(struct fleet *f, struct load_node *nodes, int64_t now_ms)
{
	if (!f->n_schedule)
		return;
	float *lately = mem_zero(f->n, sizeof *lately);
	for (unsigned i = 0; i < f->n; i++)
		lately[i] = forecast_reserved(
			&f->all, &f->forecast[i], now_ms - LATELY_MS, now_ms);
	schedule_keep_room(
		f->schedule, f->n_schedule, f->map, lately, now_ms, nodes);
	free(lately);
}

/* -- the whole -- */

static bool is_ready(const struct fleet *f, int64_t now_ms)
{
	if (now_ms - f->start_ms >= f->rules.ready_wait_ms)
		return true;
	for (unsigned i = 0; i < f->n; i++)
		if (f->node[i].exists && !f->node[i].health.seen)
			return false;
	return true;
}

static size_t whole_lines(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

/* What lies in one block, each part on cache lines of its own. */
struct load_parts {
	struct load *load;
	struct load_node *node;
	struct load_brief *brief;
	uint16_t (*spare)[MAP_CANDIDATES];
	struct stability *stability; /* NULL: no name is of policy `stable` */
};

static struct load_parts new_load(const struct fleet *f)
{
	size_t head = whole_lines(sizeof(struct load));
	size_t nodes = whole_lines(f->n * sizeof(struct load_node));
	size_t briefs = whole_lines(f->n * sizeof(struct load_brief));
	size_t spares =
		whole_lines(f->map->n_pools * sizeof(uint16_t[MAP_CANDIDATES]));
	bool stable = f->map->stable;
	size_t history =
		stable ? whole_lines(f->n * sizeof(struct stability)) : 0;
	char *block =
		aligned_alloc(64, head + nodes + briefs + spares + history);
	if (!block)
		abort();
	return (struct load_parts){(struct load *)block,
		(struct load_node *)(block + head),
		(struct load_brief *)(block + head + nodes),
		(void *)(block + head + nodes + briefs),
		stable ? (void *)(block + head + nodes + briefs + spares)
		       : NULL};
}

struct load *fleet_load(struct fleet *f, int64_t now_ms)
{
	struct load_parts part = new_load(f);
	struct load *load = part.load;
	struct load_node *node = part.node;

	forecast_advance(&f->all, f->forecast, f->n, now_ms);
	thread_give_way();
	fleet_watch_network(f, now_ms);
	fleet_watch_distrust(f, now_ms);
	for (unsigned i = 0; i < f->n; i++) {
		if (i % NODES_AT_ONCE == 0)
			thread_give_way();
		load_node(f, i, 1, &node[i], now_ms);
	}
	thread_give_way();
	widen_full_pools(f, node, now_ms);
	keep_room(f, node, now_ms);
	for (unsigned i = 0; part.stability && i < f->n; i++)
		part.stability[i] = f->node[i].stability;
	for (unsigned i = 0; i < f->n; i++)
		part.brief[i] = load_brief(&node[i], &f->map->nodes[i]);
	for (unsigned i = 0; i < f->map->n_pools; i++) {
		if (f->map->pools[i].n >= NODES_AT_ONCE)
			thread_give_way();
		find_spare(f, &f->map->pools[i], node, part.spare[i]);
	}
	f->ready = f->ready || is_ready(f, now_ms);
	*load = (struct load){.generation = ++f->generation,
		.ready = f->ready,
		.n = f->n,
		.session_s = f->all.session_s,
		.node = node,
		.brief = part.brief,
		.stability = part.stability,
		.spare = (const uint16_t(*)[MAP_CANDIDATES])part.spare};
	load->fell_ms = (uint32_t)f->fell_ms;
	load->all_room = true;
	for (unsigned i = 0; i < f->n; i++) {
		load->any_returning |= node[i].returning > 0;
		load->all_room &= node[i].room == 1;
	}
	load->n_distrusts = complaints_of_areas(
		f->complaints, load->distrust, LOAD_DISTRUSTS_MAX, now_ms);
	assert(load->n == f->map->n_nodes);
	assert(load->n_distrusts <= LOAD_DISTRUSTS_MAX);
	return load;
}
