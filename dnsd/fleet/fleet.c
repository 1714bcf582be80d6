#include "fleet/fleet.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fleet/fleet_internal.h"

/* -- inventory -- */

struct fleet *fleet_new(const struct fleet_rules *rules, int64_t now_ms)
{
	struct fleet *f = mem_zero(1, sizeof *f);
	f->rules = *rules;
	f->start_ms = now_ms;
	f->all.second = now_ms / 1000;
	f->complaints = complaints_new();
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < FLEET_THREADS_MAX; i++)
		free(f->read[i]);
	free(f->schedule);
	free(f->why);
	free(f->node);
	free(f->forecast);
	complaints_free(f->complaints);
	large_resolvers_free(f->large);
	free(f);
}

static void fleet_grow(struct fleet *f, unsigned n)
{
	if (n <= f->room)
		return;
	unsigned room = n + n / 2 + 16;
	f->node = mem_grow(f->node, room * sizeof *f->node);
	memset(f->node + f->room, 0, (room - f->room) * sizeof *f->node);
	f->forecast = mem_grow(f->forecast, room * sizeof *f->forecast);
	memset(f->forecast + f->room, 0,
		(room - f->room) * sizeof *f->forecast);
	for (unsigned i = 0; i < FLEET_THREADS_MAX; i++) {
		if (!f->read[i])
			continue;
		f->read[i] = mem_grow(f->read[i], room * sizeof **f->read);
		memset(f->read[i] + f->room, 0,
			(room - f->room) * sizeof **f->read);
	}
	f->room = room;
}

void fleet_set_map(struct fleet *f, const struct map *map,
	const struct fleet_rules *rules, int64_t now_ms)
{
	bool first = !f->map;
	f->map = map;
	f->all.servers = map->servers;
	f->all.session_s = map->session_s;
	f->n_schedule = 0; /* its names were those of the old map */
	f->rules.health = rules->health;
	fleet_grow(f, map->n_nodes);
	f->n = map->n_nodes;
	for (unsigned i = 0; i < f->n; i++) {
		struct fleet_node *node = &f->node[i];
		bool exists = map->nodes[i].name != NULL;
		if (exists && !node->exists) {
			uint64_t answers = node->answers;
			*node = (struct fleet_node){.answers = answers};
			f->forecast[i] = (struct forecast){0};
			health_init(&node->health, NODE_UNKNOWN);
			capacity_init(&node->capacity);
			if (!first)
				node->health.ramp_ms = now_ms;
		}
		node->exists = exists;
	}
}

void fleet_watch(struct fleet *f, unsigned i, bool polled, bool probed)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	node->polled = polled;
	node->watched = polled || probed;
	if (!node->watched) {
		/* The operator wants no polls: it counts as up. */
		node->health.state = NODE_UP;
		node->health.why = "not watched";
		node->health.seen = true;
	}
}

void fleet_restore(
	struct fleet *f, unsigned i, enum node_state state, float connections)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	health_init(&node->health, state);
	node->health.why = "as before the restart, not polled yet";
	node->connections = connections;
	f->forecast[i].viewers = connections;
	node->have_load = state == NODE_UP;
}

void fleet_multiplier(const struct fleet *f, float *joined, float *reserved)
{
	*joined = f->all.all_n;
	*reserved = f->all.all_g;
}

void fleet_restore_multiplier(struct fleet *f, float joined, float reserved)
{
	f->all.all_n = joined;
	f->all.all_g = reserved;
}

void fleet_drain(struct fleet *f, unsigned i, bool drained)
{
	assert(i < f->n);
	f->node[i].drained = drained;
}

/* -- reservations -- */

static uint32_t take_more(const _Atomic uint32_t *sum, uint32_t *read)
{
	uint32_t now = atomic_load_explicit(sum, memory_order_relaxed);
	uint32_t more = now - *read;
	*read = now;
	return more;
}

static void merge_node(struct fleet *f, unsigned i, const struct reservation *p,
	struct handed_read *read)
{
	struct fleet_node *node = &f->node[i];
	struct forecast *forecast = &f->forecast[i];
	uint32_t answers = take_more(&p->answers, &read->answers);
	node->line2 += take_more(&p->line2, &read->line2);
	node->only += take_more(&p->only, &read->only);
	if (!answers)
		return;
	node->answers += answers;
	float at_once = (float)take_more(&p->viewers, &read->viewers) /
		RESERVATION_VIEWER;
	forecast_reserve(&f->all, forecast, false, at_once, 0, 0);
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++) {
		float rate = (float)take_more(&p->rate[c], &read->rate[c]) /
			RESERVATION_RATE;
		forecast_reserve(&f->all, forecast, false, 0, rate,
			reservation_class_s[c]);
	}
}

static void merge_events(
	struct fleet *f, const struct accounts *accounts, int64_t now_ms)
{
	struct steer_event event;
	if (!f->large)
		f->large = large_resolvers_new(accounts->sent->rates);
	while (events_pop(accounts->events, &event))
		if (event.kind == EVENT_LARGE_RESOLVER)
			large_resolvers_answer(f->large, &event, &f->all,
				f->forecast, f->n, now_ms);
		else
			complaints_event(f->complaints, f->map, &event, now_ms);
}

void fleet_merge(struct fleet *f, unsigned thread,
	const struct accounts *accounts, int64_t now_ms)
{
	forecast_advance(&f->all, f->forecast, f->n, now_ms);
	if (!f->read[thread])
		f->read[thread] = mem_zero(f->room, sizeof **f->read);
	for (unsigned i = 0; i < f->n; i++)
		merge_node(
			f, i, &accounts->reservation[i], &f->read[thread][i]);
	merge_events(f, accounts, now_ms);
}

/* -- the schedule -- */

void fleet_schedule(
	struct fleet *f, const struct schedule_entry *entries, unsigned n)
{
	f->schedule = mem_grow(f->schedule, (n + 1) * sizeof *entries);
	if (n)
		memcpy(f->schedule, entries, n * sizeof *entries);
	f->n_schedule = n;
	schedule_sort(f->schedule, n);
}

/* -- capacity -- */

struct capacity_rules fleet_capacity_rules(const struct fleet *f, unsigned i)
{
	const struct map_node *node = &f->map->nodes[i];
	return (struct capacity_rules){.viewers = node->capacity,
		.bandwidth_bps = node->bandwidth_bps,
		.overcommit = node->overcommit};
}

struct capacity_sample fleet_last_sample(const struct fleet_node *node)
{
	return (struct capacity_sample){.connections = node->connections,
		.bandwidth_bps =
			node->bandwidth_known ? node->bandwidth_bps : -1,
		.cpu = node->cpu};
}

float fleet_capacity(const struct fleet *f, unsigned i)
{
	struct capacity_rules rules = fleet_capacity_rules(f, i);
	return capacity_viewers(&f->node[i].capacity, &rules);
}

/* The rules of a node that may be given so many times more. */
static struct capacity_rules wide_rules(
	const struct fleet *f, unsigned i, float wide)
{
	struct capacity_rules rules = fleet_capacity_rules(f, i);
	if (rules.overcommit > 1)
		rules.overcommit *= wide;
	return rules;
}

float fleet_per_viewer(const struct fleet *f, unsigned i, float wide)
{
	struct capacity_rules rules = wide_rules(f, i, wide);
	struct capacity_sample last = fleet_last_sample(&f->node[i]);
	return capacity_per_viewer(&f->node[i].capacity, &rules, &last);
}

float fleet_utilisation(const struct fleet *f, unsigned i)
{
	return fleet_used_by(f, i, fleet_connections(f, i), 1);
}

float fleet_used_by(
	const struct fleet *f, unsigned i, float viewers, float wide)
{
	assert(i < f->n && wide >= 1);
	struct capacity_rules rules = wide_rules(f, i, wide);
	struct capacity_sample last = fleet_last_sample(&f->node[i]);
	return capacity_used(&f->node[i].capacity, &rules, &last, viewers);
}

/* -- for pages and metrics -- */

float fleet_connections(const struct fleet *f, unsigned i)
{
	assert(i < f->n);
	return fmaxf(f->node[i].connections, f->node[i].raised);
}

const struct fleet_node *fleet_node(const struct fleet *f, unsigned i)
{
	assert(i < f->n);
	return &f->node[i];
}

const char *fleet_avoided(const struct fleet *f, unsigned i, int64_t now_ms)
{
	assert(i < f->n);
	const struct fleet_node *node = &f->node[i];
	if (node->health.state != NODE_UP)
		return "";
	if (empty_cost_ms(&node->empty, now_ms) > 0)
		return "none comes of the viewers that are sent there";
	return node->distrust_ms >= DISTRUST_COST_MS ? "its viewers leave it"
						     : "";
}

uint64_t fleet_distrusted(const struct fleet *f, unsigned i)
{
	assert(i < f->n);
	return complaints_found(f->complaints, i);
}
