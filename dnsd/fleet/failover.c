/* Where the viewers of a node go that fails, or that they leave. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "fleet/fleet_internal.h"
#include "fleet/spread.h"

#define DISPLACED_SHARE 0.7f  /* of them: some give up, some wait */
#define DISTRUSTED_SHARE 0.6f /* of the viewers of a distrusted node leave */
#define DISPLACED_MS 10000.0f /* viewers of a dead node are back by then */

/* The share of viewers displaced at then_ms that has not come to a node yet; 1 if now_ms is
 * earlier than that. */
static float share_left(int64_t then_ms, int64_t now_ms)
{
	return now_ms < then_ms
		? 1
		: expf(-(float)(now_ms - then_ms) / DISPLACED_MS);
}

float fleet_displaced(const struct fleet_node *node, int64_t now_ms)
{
	if (node->displaced <= 0)
		return 0;
	return node->displaced * share_left(node->displaced_ms, now_ms);
}

uint8_t fleet_returning(
	const struct fleet_node *node, bool suspect, int64_t now_ms)
{
	if (!node->fell_ms || (node->health.state != NODE_DOWN && !suspect))
		return 0;
	return (uint8_t)(UINT8_MAX * share_left(node->fell_ms, now_ms));
}

/* The viewers of a node that died are back within seconds, many through
 * cached answers: room is kept where they will want to go. */
static void displace(
	struct fleet *f, unsigned dead, float viewers, int64_t now_ms)
{
	const struct map_node *from = &f->map->nodes[dead];
	struct place place = {.lat = from->lat,
		.lon = from->lon,
		.source = from->placed ? PLACE_NETS : PLACE_UNKNOWN};
	struct spread_node *to = mem_zero(f->n, sizeof *to);
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++) {
		const struct fleet_node *node = &f->node[i];
		const struct map_node *m = &f->map->nodes[i];
		if (i == dead || !node->exists || node->drained ||
			node->health.state != NODE_UP || m->role != from->role)
			continue;
		to[n] = (struct spread_node){.node = (uint16_t)i,
			.path_ms = map_path_ms(f->map, NULL, &place, i),
			.per_viewer = fleet_per_viewer(f, i, 1),
			.room = health_room(&node->health, now_ms)};
		to[n].used = node->used +
			fleet_displaced(node, now_ms) * to[n].per_viewer;
		n++;
	}
	spread_go(to, n, viewers);
	for (unsigned i = 0; i < n; i++) {
		struct fleet_node *node = &f->node[to[i].node];
		if (to[i].viewers <= 0)
			continue;
		node->displaced = fleet_displaced(node, now_ms) + to[i].viewers;
		node->displaced_ms = now_ms;
	}
	free(to);
}

/* More than half of what is polled fails: it is not known which nodes are dead. */
static bool many_fail(const struct fleet *f)
{
	unsigned polled = 0, failing = 0;
	for (unsigned i = 0; i < f->n; i++) {
		polled += f->node[i].exists && f->node[i].polled;
		failing += f->node[i].exists && f->node[i].health.fails > 0;
	}
	return failing * 2 > polled;
}

/* At its first failure already, the viewers of a dead node are on their way;
 * at a probe's, when it makes the node go down. */
void fleet_after_failure(struct fleet *f, unsigned i,
	enum node_state state_before, unsigned fails_before, int64_t now_ms)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	bool by_poll = fails_before == 0 && node->health.fails == 1;
	bool by_probe = node->health.fails == 0 && state_before != NODE_DOWN &&
		node->health.state == NODE_DOWN;

	if (!node->have_load || state_before > NODE_UNKNOWN ||
		(!by_poll && !by_probe) || many_fail(f))
		return;
	f->fell_ms = f->node[i].fell_ms = now_ms;
	displace(f, i, DISPLACED_SHARE * node->connections, now_ms);
}

/* -- distrust -- */

/* When a node begins to be distrusted, its viewers leave for others. */
static void watch_distrust(struct fleet *f, unsigned i, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	float ms = complaints_everywhere_ms(f->complaints, i, now_ms);
	if (node->exists && ms >= DISTRUST_COST_MS && node->distrust_ms < ms)
		displace(f, i, DISTRUSTED_SHARE * f->forecast[i].viewers,
			now_ms);
	node->distrust_ms = ms;
}

/* Complaints count where the samples of the node agree. */
static void watch_leaving(struct fleet *f, int64_t now_ms)
{
	struct leaving_fleet all = {0};
	for (unsigned i = 0; i < f->n; i++)
		leaving_add(&all, &f->node[i].leaving);
	for (unsigned i = 0; i < f->n; i++)
		if (leaving_is_seen(
			    &f->node[i].leaving, &all, f->all.session_s))
			complaints_confirm(f->complaints, i, now_ms);
}

void fleet_watch_distrust(struct fleet *f, int64_t now_ms)
{
	watch_leaving(f, now_ms);
	complaints_tick(f->complaints, now_ms);
	for (unsigned i = 0; i < f->n; i++)
		watch_distrust(f, i, now_ms);
}
