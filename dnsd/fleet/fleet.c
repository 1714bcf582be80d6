#include "fleet/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fleet/spread.h"

#define THREADS_MAX 256
#define BITRATE_BPS 1.5e6f /* of a viewer, until a node shows its own */
#define BITRATE_VIEWERS 10 /* so many tell what one takes */
#define BITS_SHARE 0.25f   /* of the bandwidth: a limit from here */
#define SUSPECT_MS 40.0f   /* one failed poll */
#define RAISE_SHARE 0.5f   /* of the capacity, by heartbeats between polls */
#define CONFIRM_TIMES 1.5f /* a report of so many more than polled ... */
#define CONFIRM_SHARE 0.1f /* ... and of the capacity is no true one: */
#define CONTRADICTED_MS 600000 /* heartbeats are ignored so long */
#define DISPLACED_SHARE 0.7f   /* of them: some give up, some wait */
#define DISTRUSTED_SHARE 0.6f  /* of the viewers of a doubted one leave */
#define MARGIN_MAX 0.1f        /* for what the forecast is unsure of */
#define DISPLACED_MS 10000.0f  /* viewers of a dead node are back by then */
#define BLIND_NODES 4          /* our own network is suspect from here ... */
#define BLIND_SITES 3
#define BLIND_MS 60000 /* ... for at most this long */

/* What was read of a thread's sums at its last merge. */
struct mark_read {
	uint32_t viewers, rate[RESERVATION_CLASSES], answers, line2, only;
};

struct fleet {
	struct fleet_rules rules;
	const struct map *map;
	unsigned n, room;
	struct fleet_node *node;
	struct forecast *forecast; /* by node */
	struct forecast_fleet all;
	struct complaints *complaints;
	struct large_resolvers *large; /* NULL until a first merge */
	struct mark_read *read[THREADS_MAX];
	struct schedule_entry *schedule; /* the timetable */
	unsigned n_schedule;
	int64_t start_ms;
	int64_t blind_since_ms; /* 0: not */
	bool blind_over;        /* 60 s are up; until polls work again */
	uint32_t generation;
	int64_t fell_ms; /* last failure of any node */
	bool ready;
};

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
	for (unsigned i = 0; i < THREADS_MAX; i++)
		free(f->read[i]);
	free(f->schedule);
	free(f->node);
	free(f->forecast);
	complaints_free(f->complaints);
	large_resolvers_free(f->large);
	free(f);
}

/* -- inventory -- */

static void grow(struct fleet *f, unsigned n)
{
	if (n <= f->room)
		return;
	unsigned room = n + n / 2 + 16;
	f->node = mem_grow(f->node, room * sizeof *f->node);
	memset(f->node + f->room, 0, (room - f->room) * sizeof *f->node);
	f->forecast = mem_grow(f->forecast, room * sizeof *f->forecast);
	memset(f->forecast + f->room, 0,
		(room - f->room) * sizeof *f->forecast);
	for (unsigned i = 0; i < THREADS_MAX; i++) {
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
	grow(f, map->n_nodes);
	f->n = map->n_nodes;
	for (unsigned i = 0; i < f->n; i++) {
		struct fleet_node *node = &f->node[i];
		bool exists = map->nodes[i].name != NULL;
		if (exists && !node->exists) {
			uint64_t answers = node->answers;
			*node = (struct fleet_node){.answers = answers};
			f->forecast[i] = (struct forecast){0};
			health_init(&node->health, NODE_UNKNOWN);
			node->bitrate_bps = BITRATE_BPS;
			if (!first)
				node->health.ramp_ms = now_ms;
		}
		node->exists = exists;
	}
}

void fleet_watch(struct fleet *f, unsigned i, bool polled, bool probed)
{
	struct fleet_node *node = &f->node[i];
	node->polled = polled;
	node->watched = polled || probed;
	if (!node->watched) {
		/* Nobody asked us to look: it is taken for well. */
		node->health.state = NODE_UP;
		node->health.why = "not watched";
		node->health.seen = true;
	}
}

void fleet_restore(
	struct fleet *f, unsigned i, enum node_state state, float connections)
{
	struct fleet_node *node = &f->node[i];
	health_init(&node->health, state);
	node->health.why = "as before the restart, not polled yet";
	node->connections = connections;
	f->forecast[i].viewers = connections;
	node->have_load = state == NODE_UP;
}

void fleet_drain(struct fleet *f, unsigned i, bool drained)
{
	f->node[i].drained = drained;
}

/* -- promises -- */

static uint32_t take(const _Atomic uint32_t *sum, uint32_t *read)
{
	uint32_t now = atomic_load_explicit(sum, memory_order_relaxed);
	uint32_t more = now - *read;
	*read = now;
	return more;
}

static void merge_node(struct fleet *f, unsigned i, const struct reservation *p,
	struct mark_read *read)
{
	struct fleet_node *node = &f->node[i];
	struct forecast *forecast = &f->forecast[i];
	uint32_t answers = take(&p->answers, &read->answers);
	node->line2 += take(&p->line2, &read->line2);
	node->only += take(&p->only, &read->only);
	if (!answers)
		return;
	node->answers += answers;
	float at_once =
		(float)take(&p->viewers, &read->viewers) / RESERVATION_VIEWER;
	forecast_reserve(&f->all, forecast, false, at_once, 0, 0);
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++) {
		float rate = (float)take(&p->rate[c], &read->rate[c]) /
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

/* -- what is configured, and what is believed of it -- */

static struct carry_rules carry_rules(const struct map_node *m)
{
	return (struct carry_rules){.capacity = m->capacity,
		.bandwidth_bps = m->bandwidth_bps,
		.overcommit = m->overcommit};
}

float fleet_capacity(const struct fleet *f, unsigned i)
{
	struct carry_rules rules = carry_rules(&f->map->nodes[i]);
	return carry_viewers(&f->node[i].carry, &rules);
}

/* 0: no limit. */
static float link_bps(const struct fleet *f, unsigned i)
{
	struct carry_rules rules = carry_rules(&f->map->nodes[i]);
	return carry_bps(&f->node[i].carry, &rules);
}

/* -- samples -- */

/* Bits per second between two samples of one run of a node; negative if they
 * can't tell: a restart, a counter that went back, a clock that jumped. */
static float bandwidth(
	const struct fleet_node *node, const struct sample *s, int64_t at_ms)
{
	int64_t stamps = s->sampled_ms - node->stamp_ms;
	int64_t clock = at_ms - node->sampled_at_ms;
	if (!node->stamp_ms || s->identity != node->identity ||
		s->send_bytes < node->bytes || stamps <= 0)
		return -1;
	if (llabs(stamps - clock) > 2000 + clock / 2)
		return -1;
	return (float)(s->send_bytes - node->bytes) * 8000 / (float)stamps;
}

static void learn_bitrate(struct fleet_node *node, float gain)
{
	if (node->connections < BITRATE_VIEWERS || node->bandwidth_bps <= 0)
		return;
	float one = node->bandwidth_bps / node->connections;
	float step = node->bitrate_known ? fmaxf(0.2f, 0.6f * gain) : 1;
	node->bitrate_bps += step * (one - node->bitrate_bps);
	node->bitrate_known = true;
}

static void forecast_learn(struct fleet *f, unsigned i, float connections,
	float bps, int64_t at_ms)
{
	struct forecast *forecast = &f->forecast[i];
	int64_t before = forecast->at_ms;
	float left = forecast->seen * (float)(at_ms - before) * 0.001f /
		f->all.session_s;

	/* Connections that are no viewers take no bits: only what comes near
	 * to the bandwidth can be a limit. */
	if (bps < BITS_SHARE * f->map->nodes[i].bandwidth_bps ||
		f->map->nodes[i].bandwidth_bps <= 0)
		bps = -1;
	limit_sample(&f->node[i].limit, connections, bps,
		forecast_reserved_here(&f->all, forecast,
			before - FORECAST_LAG_MS, at_ms - FORECAST_LAG_MS),
		connections - forecast->seen + left, at_ms);
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
		struct carry_rules rules = carry_rules(&f->map->nodes[i]);
		carry_sample(&node->carry, &rules, (float)s->connections, bps,
			s->cpu);
		forecast_learn(f, i, (float)s->connections, bps, at_ms);
	} else {
		forecast_reset(&f->forecast[i], (float)s->connections, at_ms);
		node->limit = (struct limit){0};
		node->carry = (struct carry){0};
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
	node->cpu = same_run ? node->cpu + 0.5f * (s->cpu - node->cpu) : s->cpu;
	learn_bitrate(node, f->forecast[i].gain);
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
	if (fleet_is_blind(f))
		return;
	stability_missed(&node->stability, now_ms);
	if (state_before != NODE_DOWN && node->health.state == NODE_DOWN)
		stability_event(&node->stability, STABILITY_DOWN, 1, now_ms);
}

void fleet_dropped(struct fleet *f, unsigned i, float share, int64_t now_ms)
{
	stability_event(
		&f->node[i].stability, STABILITY_DROPPED, share, now_ms);
}

void fleet_restore_stability(
	struct fleet *f, unsigned i, const struct stability *stability)
{
	f->node[i].stability = *stability;
}

void fleet_sample(
	struct fleet *f, unsigned i, const struct sample *s, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	node->samples++;
	note_answer(f, i, s->rtt_ms, now_ms);
	if (node->have_load && s->identity != node->identity)
		stability_event(
			&node->stability, STABILITY_RESTARTED, 1, now_ms);
	forecast_advance(&f->all, f->forecast, f->n, now_ms);
	if (!health_sample(&node->health, &f->rules.health, s, now_ms))
		return;
	/* Our time of its sample, by the age that its own clock tells. */
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
	const struct fleet_node *node = &f->node[i];
	return node->contradicted_ms &&
			now_ms - node->contradicted_ms < CONTRADICTED_MS
		? node->contradicted
		: 0;
}

/* -- failures -- */

static float per_viewer(const struct fleet *f, unsigned i);
static float displaced_now(const struct fleet_node *node, int64_t now_ms);

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
			.per_viewer = per_viewer(f, i),
			.room = health_room(&node->health, now_ms)};
		to[n].used = node->used +
			displaced_now(node, now_ms) * to[n].per_viewer;
		n++;
	}
	spread_go(to, n, viewers);
	for (unsigned i = 0; i < n; i++) {
		struct fleet_node *node = &f->node[to[i].node];
		if (to[i].viewers <= 0)
			continue;
		node->displaced = displaced_now(node, now_ms) + to[i].viewers;
		node->displaced_ms = now_ms;
	}
	free(to);
}

/* More than half of what is polled fails: we can't tell who is gone. */
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
static void after_failure(struct fleet *f, unsigned i,
	enum node_state state_before, unsigned fails_before, int64_t now_ms)
{
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

void fleet_failed(struct fleet *f, unsigned i, enum sample_failure failure,
	int64_t now_ms)
{
	struct health *health = &f->node[i].health;
	enum node_state state = health->state;
	unsigned fails = health->fails;
	f->node[i].failures++;
	health_failed(health, &f->rules.health, failure, now_ms);
	note_failure(f, i, state, now_ms);
	after_failure(f, i, state, fails, now_ms);
}

void fleet_probed(struct fleet *f, unsigned i, enum health_probe probe, bool ok,
	int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	enum node_state state = node->health.state;
	health_probed(&node->health, &f->rules.health, probe, ok, !node->polled,
		now_ms);
	if (ok)
		note_answer(f, i, -1, now_ms);
	else
		note_failure(f, i, state, now_ms);
	after_failure(f, i, state, node->health.fails, now_ms);
}

/* -- our own network -- */

static bool timed_out_lately(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	int64_t rounds = 2 *
		((int64_t)f->rules.health.interval_ms +
			f->rules.health.timeout_ms);
	return node->health.timeout_ms && node->health.fails &&
		node->health.failure == SAMPLE_TIMEOUT &&
		now_ms - node->health.timeout_ms <= rounds;
}

/* More than half of all nodes, of several sites, time out at once: then it is
 * more likely us than them. */
static bool looks_blind(const struct fleet *f, int64_t now_ms)
{
	unsigned polled = 0, silent = 0, sites = 0;
	uint32_t site[BLIND_SITES];
	for (unsigned i = 0; i < f->n; i++) {
		const struct fleet_node *node = &f->node[i];
		if (!node->exists || !node->polled)
			continue;
		polled++;
		if (!timed_out_lately(f, node, now_ms))
			continue;
		silent++;
		bool known = false;
		for (unsigned k = 0; k < sites; k++)
			known |= site[k] == f->map->nodes[i].site;
		if (!known && sites < BLIND_SITES)
			site[sites++] = f->map->nodes[i].site;
	}
	return silent * 2 > polled && silent >= BLIND_NODES &&
		sites >= BLIND_SITES;
}

static void watch_network(struct fleet *f, int64_t now_ms)
{
	if (!looks_blind(f, now_ms)) {
		f->blind_since_ms = 0;
		f->blind_over = false;
	} else if (!f->blind_since_ms) {
		f->blind_since_ms = now_ms;
	} else if (now_ms - f->blind_since_ms > BLIND_MS) {
		f->blind_over = true;
	}
}

bool fleet_is_blind(const struct fleet *f)
{
	return f->blind_since_ms && !f->blind_over;
}

enum node_state fleet_state(const struct fleet *f, unsigned i, int64_t now_ms)
{
	const struct fleet_node *node = &f->node[i];
	const struct health *h = &node->health;
	if (node->drained)
		return NODE_DRAINED;
	if (fleet_is_blind(f) && h->state != NODE_UP &&
		timed_out_lately(f, node, now_ms) && h->was_up)
		return h->before;
	return h->state;
}

/* -- publishing -- */

/* What so many viewers take, by the bitrate of one: samples are noisy, and a
 * node that is full sends less than it should. */
static float sending_bps(const struct fleet_node *node, float viewers)
{
	if (!node->bandwidth_known)
		return 0;
	if (node->connections < BITRATE_VIEWERS)
		return node->bandwidth_bps;
	return viewers * node->bitrate_bps;
}

/* Of so many viewers: the worst of connections, bandwidth and CPU. */
static float utilisation(const struct fleet *f, unsigned i, float viewers)
{
	const struct fleet_node *node = &f->node[i];
	float u = viewers / fleet_capacity(f, i), bps = link_bps(f, i);
	if (bps > 0)
		u = fmaxf(u, sending_bps(node, viewers) / bps);
	if (node->limit.viewers > 0)
		u = fmaxf(u, viewers / node->limit.viewers);
	return fmaxf(u, node->cpu);
}

float fleet_utilisation(const struct fleet *f, unsigned i)
{
	return utilisation(f, i, fleet_connections(f, i));
}

float fleet_connections(const struct fleet *f, unsigned i)
{
	return fmaxf(f->node[i].connections, f->node[i].raised);
}

static float per_viewer(const struct fleet *f, unsigned i)
{
	const struct fleet_node *node = &f->node[i];
	float u = 1 / fleet_capacity(f, i), bps = link_bps(f, i);
	if (bps > 0)
		u = fmaxf(u, node->bitrate_bps / bps);
	if (node->limit.viewers > 0)
		u = fmaxf(u, 1 / node->limit.viewers);
	if (node->connections >= 20)
		u = fmaxf(u, node->cpu / node->connections);
	return u;
}

static float displaced_now(const struct fleet_node *node, int64_t now_ms)
{
	if (node->displaced <= 0)
		return 0;
	return node->displaced *
		expf(-(float)(now_ms - node->displaced_ms) / DISPLACED_MS);
}

/* As much as the samples of late were off what was expected of them. */
static float margin(const struct forecast *forecast)
{
	if (!forecast->known)
		return 0;
	return fminf(MARGIN_MAX, forecast->gain * sqrtf(forecast->noise));
}

/* How many of the viewers of a failed node still come back. */
static uint8_t returning(
	const struct fleet_node *node, bool suspect, int64_t now_ms)
{
	float age = (float)(now_ms - node->fell_ms);
	if (node->health.state != NODE_DOWN && !suspect)
		return 0;
	return node->fell_ms ? (uint8_t)(255 * expf(-age / DISPLACED_MS)) : 0;
}

static void load_node(
	struct fleet *f, unsigned i, struct load_node *out, int64_t now_ms)
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
	health_tick(&node->health, &f->rules.health, !node->polled, now_ms);
	out->state = (uint8_t)fleet_state(f, i, now_ms);
	out->per_viewer = per_viewer(f, i);
	out->reserved = forecast_reserved_ahead(&f->all, forecast, now_ms) +
		displaced_now(node, now_ms);
	float viewers = forecast->known ? forecast->viewers : node->connections;
	viewers = fmaxf(viewers, node->raised);
	float load = utilisation(f, i, viewers) + margin(forecast);
	out->used = load + out->reserved * out->per_viewer;
	node->used = out->used - displaced_now(node, now_ms) * out->per_viewer;
	out->room = health_room(&node->health, now_ms);
	/* What a ramping node carries already is no reason against it. */
	float least = fminf(1, load / 0.65f);
	if (out->room < least)
		out->room = least;
	out->ln_weight = logf(fleet_capacity(f, i) * out->room);
	out->growth =
		forecast_growth(&f->all, forecast, now_ms) * out->per_viewer;
	out->penalty_ms = node->health.fails && out->state == NODE_UP &&
			!fleet_is_blind(f)
		? SUSPECT_MS
		: 0;
	out->returning = returning(node, out->penalty_ms > 0, now_ms);
	out->unstable_ms =
		(uint16_t)stability_cost_ms(&node->stability, now_ms);
	out->penalty_ms +=
		node->distrust_ms + limit_cost_ms(&node->limit, now_ms);
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

/* -- the timetable -- */

void fleet_schedule(
	struct fleet *f, const struct schedule_entry *entries, unsigned n)
{
	f->schedule = mem_grow(f->schedule, (n + 1) * sizeof *entries);
	if (n)
		memcpy(f->schedule, entries, n * sizeof *entries);
	f->n_schedule = n;
	schedule_sort(f->schedule, n);
}

static void keep_room(struct fleet *f, struct load_node *nodes, int64_t now_ms)
{
	if (!f->n_schedule)
		return;
	float *lately = mem_zero(f->n, sizeof *lately);
	for (unsigned i = 0; i < f->n; i++)
		lately[i] = forecast_reserved(
			&f->all, &f->forecast[i], now_ms - 60000, now_ms);
	schedule_keep_room(
		f->schedule, f->n_schedule, f->map, lately, now_ms, nodes);
	free(lately);
}

static bool is_ready(const struct fleet *f, int64_t now_ms)
{
	if (now_ms - f->start_ms >= f->rules.ready_wait_ms)
		return true;
	for (unsigned i = 0; i < f->n; i++)
		if (f->node[i].exists && !f->node[i].health.seen)
			return false;
	return true;
}

/* When a node begins to be doubted, its viewers leave for others. */
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

static bool has_stable(const struct map *map)
{
	for (unsigned i = 0; i < map->n_names; i++)
		if (map->names[i].policy == POLICY_STABLE)
			return true;
	return false;
}

static struct load_parts new_load(const struct fleet *f)
{
	size_t head = whole_lines(sizeof(struct load));
	size_t nodes = whole_lines(f->n * sizeof(struct load_node));
	size_t briefs = whole_lines(f->n * sizeof(struct load_brief));
	size_t spares =
		whole_lines(f->map->n_pools * sizeof(uint16_t[MAP_CANDIDATES]));
	bool stable = has_stable(f->map);
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
	watch_network(f, now_ms);
	watch_leaving(f, now_ms);
	complaints_tick(f->complaints, now_ms);
	for (unsigned i = 0; i < f->n; i++)
		watch_distrust(f, i, now_ms);
	for (unsigned i = 0; i < f->n; i++)
		load_node(f, i, &node[i], now_ms);
	keep_room(f, node, now_ms);
	for (unsigned i = 0; part.stability && i < f->n; i++)
		part.stability[i] = f->node[i].stability;
	for (unsigned i = 0; i < f->n; i++)
		part.brief[i] = load_brief(&node[i], &f->map->nodes[i]);
	for (unsigned i = 0; i < f->map->n_pools; i++)
		find_spare(f, &f->map->pools[i], node, part.spare[i]);
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
	for (unsigned i = 0; i < f->n; i++)
		load->any_returning |= node[i].returning > 0;
	load->n_distrusts = complaints_of_areas(
		f->complaints, load->distrust, LOAD_DISTRUSTS_MAX, now_ms);
	return load;
}

const struct fleet_node *fleet_node(const struct fleet *f, unsigned i)
{
	return &f->node[i];
}

uint64_t fleet_distrusted(const struct fleet *f, unsigned i)
{
	return complaints_found(f->complaints, i);
}
