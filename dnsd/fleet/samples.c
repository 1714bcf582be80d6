/* What polls, probes and heartbeats show of a node. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "fleet/fleet_internal.h"

#define RAISE_SHARE 0.5f   /* of the capacity, by heartbeats between polls */
#define CONFIRM_TIMES 1.5f /* a report of so many more than polled ... */
#define CONFIRM_SHARE 0.1f /* ... and of the capacity is no true one: */
#define CONTRADICTED_MS 600000 /* heartbeats are ignored so long */
#define CPU_SMOOTH 0.5f        /* a sample's share of the CPU */
/* A node's clock and ours may differ by so much over two samples ... */
#define CLOCKS_APART_MS 2000
#define CLOCKS_APART_SHARE 2 /* ... and a half of the time between */

/* Bits per second between two samples of one run of a node; negative if they
 * do not show it: a restart, a counter that went back, a clock that jumped. */
static float bandwidth(
	const struct fleet_node *node, const struct sample *s, int64_t at_ms)
{
	int64_t stamps = s->sampled_ms - node->stamp_ms;
	int64_t clock = at_ms - node->sampled_at_ms;
	if (!node->stamp_ms || s->identity != node->identity ||
		s->send_bytes < node->bytes || stamps <= 0)
		return -1;
	if (llabs(stamps - clock) >
		CLOCKS_APART_MS + clock / CLOCKS_APART_SHARE)
		return -1;
	return (float)(s->send_bytes - node->bytes) * 8000 / (float)stamps;
}

static void learn_forecast(
	struct fleet *f, unsigned i, float connections, int64_t at_ms)
{
	struct forecast *forecast = &f->forecast[i];
	int64_t before = forecast->at_ms;
	float left = forecast->seen * (float)(at_ms - before) * 0.001f /
		f->all.session_s;

	struct empty_sample sample = {.connections = connections,
		.sent = forecast_reserved_here(&f->all, forecast,
			before - FORECAST_LAG_MS, at_ms - FORECAST_LAG_MS),
		.few = forecast_reserved_one_by_one(&f->all, forecast,
			before - FORECAST_LAG_MS, at_ms - FORECAST_LAG_MS),
		.joined = connections - forecast->seen + left,
		.left = left,
		.at_ms = at_ms};
	empty_sample(&f->node[i].empty, &f->taken, &sample);
	float surprise = forecast_sample(&f->all, forecast, connections,
		f->map->nodes[i].capacity, at_ms);
	if (f->large && forecast->at_ms > before)
		large_resolvers_learn(f->large, i, before - FORECAST_LAG_MS,
			at_ms - FORECAST_LAG_MS, surprise);
}

/* A sample that is later than a report says whether it was true, and ends it. */
static void confirm_reported(struct fleet *f, unsigned i, int64_t at_ms)
{
	struct fleet_node *node = &f->node[i];
	float most = CONFIRM_TIMES * node->connections +
		CONFIRM_SHARE * f->map->nodes[i].capacity;
	if (at_ms < node->reported_ms)
		return;
	if (node->reported > most) {
		node->contradicted = node->reported;
		node->contradicted_ms = at_ms;
	}
	node->reported = node->raised = 0;
}

static void believe(
	struct fleet *f, unsigned i, const struct sample *s, int64_t at_ms)
{
	struct fleet_node *node = &f->node[i];
	bool same_run = node->have_load && node->stamp_ms &&
		s->identity == node->identity;
	float bps = bandwidth(node, s, at_ms);

	if (same_run) {
		struct capacity_rules rules = fleet_capacity_rules(f, i);
		struct capacity_sample now = {
			(float)s->connections, bps, s->cpu};
		capacity_learn(&node->capacity, &rules, &now);
		learn_forecast(f, i, now.connections, at_ms);
	} else {
		forecast_reset(&f->forecast[i], (float)s->connections, at_ms);
		node->empty = (struct empty){0};
		if (s->identity != node->identity)
			capacity_restart(&node->capacity);
		node->leaving = (struct leaving){0};
	}
	leaving_sample(&node->leaving, (float)s->connections, at_ms);
	node->connections = (float)s->connections;
	confirm_reported(f, i, at_ms);
	if (bps >= 0) {
		node->bandwidth_bps = bps;
		node->bandwidth_known = true;
	} else if (!same_run) {
		node->bandwidth_bps = 0;
		node->bandwidth_known = false;
	}
	node->cpu = same_run ? node->cpu + CPU_SMOOTH * (s->cpu - node->cpu)
			     : s->cpu;
	struct capacity_sample last = fleet_last_sample(node);
	capacity_learn_bitrate(&node->capacity, &last, f->forecast[i].gain);
	node->have_load = true;
	node->stamp_ms = s->sampled_ms;
	node->sampled_at_ms = at_ms;
	node->bytes = s->send_bytes;
	node->identity = s->identity;
}

static void note_answer(
	struct fleet *f, unsigned i, float rtt_ms, int64_t now_ms)
{
	stability_answered(&f->node[i].stability, rtt_ms, now_ms);
}

/* A failure is the node's, unless our own network is suspect. */
static void note_failure(struct fleet *f, unsigned i,
	enum node_state state_before, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	if (fleet_is_blind(f) || node->health.held)
		return;
	stability_missed(&node->stability, now_ms);
	if (state_before != NODE_DOWN && node->health.state == NODE_DOWN)
		stability_event(&node->stability, STABILITY_DOWN, 1, now_ms);
}

void fleet_dropped(struct fleet *f, unsigned i, float share, int64_t now_ms)
{
	assert(i < f->n);
	stability_event(
		&f->node[i].stability, STABILITY_DROPPED, share, now_ms);
}

void fleet_restore_stability(
	struct fleet *f, unsigned i, const struct stability *stability)
{
	assert(i < f->n);
	f->node[i].stability = *stability;
}

void fleet_restore_capacity(struct fleet *f, unsigned i,
	const struct capacity *capacity, uint64_t identity)
{
	assert(i < f->n);
	f->node[i].capacity = *capacity;
	f->node[i].identity = identity;
}

void fleet_sample(
	struct fleet *f, unsigned i, const struct sample *s, int64_t now_ms)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	node->samples++;
	note_answer(f, i, s->rtt_ms, now_ms);
	if (node->identity && s->identity != node->identity)
		stability_event(
			&node->stability, STABILITY_RESTARTED, 1, now_ms);
	forecast_advance(&f->all, f->forecast, f->n, now_ms);
	node->failing_ms = 0;
	if (!health_sample(&node->health, &f->rules.health, s, now_ms))
		return;
	/* Our time of its sample, by its age on the node's own clock. */
	int64_t age = s->node_ms - s->sampled_ms;
	if (age < 0)
		age = 0;
	if (s->sampled_ms != node->stamp_ms || s->identity != node->identity)
		believe(f, i, s, now_ms - age - (int64_t)(s->rtt_ms / 2));
	else
		node->connections =
			fmaxf(node->connections, (float)s->connections);
}

void fleet_raise(struct fleet *f, unsigned i, float connections, int64_t now_ms)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	float most =
		node->connections + RAISE_SHARE * f->map->nodes[i].capacity;
	if (fleet_contradicted(f, i, now_ms) > 0)
		return;
	if (connections > node->reported) {
		node->reported = connections;
		node->reported_ms = now_ms;
	}
	if (node->polled && connections > most)
		connections = most;
	if (connections > node->raised)
		node->raised = connections;
}

float fleet_contradicted(const struct fleet *f, unsigned i, int64_t now_ms)
{
	assert(i < f->n);
	const struct fleet_node *node = &f->node[i];
	return node->contradicted_ms &&
			now_ms - node->contradicted_ms < CONTRADICTED_MS
		? node->contradicted
		: 0;
}

/* -- failures -- */

void fleet_failed(struct fleet *f, unsigned i, enum sample_failure failure,
	int64_t now_ms)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	struct health *health = &node->health;
	enum node_state state = health->state;
	unsigned fails = health->fails;
	node->failures++;
	if (!node->failing_ms)
		node->failing_ms = now_ms;
	health_failed(health, &f->rules.health, failure,
		fleet_is_reached(f, node, now_ms), now_ms);
	note_failure(f, i, state, now_ms);
	fleet_after_failure(f, i, state, fails, now_ms);
}

void fleet_unprobed(struct fleet *f, unsigned i, enum health_probe probe)
{
	assert(i < f->n);
	f->node[i].health.probe_fails[health_row(probe)] = 0;
	f->node[i].health.unreached[health_row(probe)] = 0;
}

void fleet_probed(struct fleet *f, unsigned i, enum health_probe probe,
	enum health_probed how, int64_t now_ms)
{
	assert(i < f->n);
	struct fleet_node *node = &f->node[i];
	enum node_state state = node->health.state;
	health_probed(&node->health, &f->rules.health, probe, how,
		!node->polled, fleet_is_reached(f, node, now_ms), now_ms);
	if (how == HEALTH_ANSWERED)
		note_answer(f, i, -1, now_ms);
	else
		note_failure(f, i, state, now_ms);
	fleet_after_failure(f, i, state, node->health.fails, now_ms);
}
