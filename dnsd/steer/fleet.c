#include "steer/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "steer/inflow.h"

#define THREADS_MAX 256
#define LAG_MS 900            /* from an answer to a connection SRS counts */
#define SESSION_S 1700.0f     /* mean stay, for departures */
#define FORGET 0.6f           /* per sample, of a node's multiplier */
#define PRIOR 3.0f            /* viewers that the fleet's multiplier weighs */
#define BITRATE_BPS 1.5e6f    /* of a viewer, until a node shows its own */
#define SUSPECT_MS 40.0f      /* one failed poll */
#define DISPLACED_MS 10000.0f /* viewers of a dead node are back by then */
#define BLIND_NODES 4         /* our own network is suspect from here ... */
#define BLIND_SITES 3
#define BLIND_MS 60000 /* ... for at most this long */

/* What was read of a thread's sums at its last merge. */
struct mark_read {
	uint32_t viewers, rate[PROMISE_CLASSES], answers, line2;
};

struct fleet {
	struct fleet_rules rules;
	const struct map *map;
	unsigned n, room;
	struct fleet_node *node;
	struct mark_read *read[THREADS_MAX];
	struct expect *expect; /* the timetable */
	unsigned n_expect;
	int64_t start_ms, second; /* second: newest of the bins' window */
	float all_n, all_g;       /* the fleet's multiplier */
	int64_t blind_since_ms;   /* 0: not */
	bool blind_over;          /* 60 s are up; until polls work again */
	uint32_t generation;
	bool ready;
};

struct fleet *fleet_new(const struct fleet_rules *rules, int64_t now_ms)
{
	struct fleet *f = mem_zero(1, sizeof *f);
	f->rules = *rules;
	f->start_ms = now_ms;
	f->second = now_ms / 1000;
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < THREADS_MAX; i++)
		free(f->read[i]);
	free(f->expect);
	free(f->node);
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
	f->n_expect = 0; /* its names were those of the old map */
	f->rules.health = rules->health;
	grow(f, map->n_nodes);
	f->n = map->n_nodes;
	for (unsigned i = 0; i < f->n; i++) {
		struct fleet_node *node = &f->node[i];
		bool exists = map->nodes[i].name != NULL;
		if (exists && !node->exists) {
			uint64_t answers = node->answers;
			*node = (struct fleet_node){.answers = answers};
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
	node->have_load = state == NODE_UP;
}

void fleet_drain(struct fleet *f, unsigned i, bool drained)
{
	f->node[i].drained = drained;
}

/* -- promises -- */

static unsigned bin(int64_t second)
{
	return (unsigned)((uint64_t)second % FLEET_BINS);
}

/* The window of bins is [second - 63, second + 64]. Bins that fall out of the
 * past become those of the far future. */
static void advance(struct fleet *f, int64_t now_ms)
{
	int64_t now = now_ms / 1000;
	if (now - f->second > FLEET_BINS)
		f->second = now - FLEET_BINS;
	for (; f->second < now; f->second++) {
		unsigned old = bin(f->second - FLEET_BINS / 2 + 1);
		for (unsigned i = 0; i < f->n; i++)
			f->node[i].promised[old] = 0;
	}
}

/* Viewers promised for [from_ms, to_ms); those of a bin are spread over it. */
static float promised(const struct fleet *f, const struct fleet_node *node,
	int64_t from_ms, int64_t to_ms)
{
	int64_t first = f->second - FLEET_BINS / 2 + 1;
	int64_t last = first + FLEET_BINS;
	float sum = 0;

	if (from_ms < first * 1000)
		from_ms = first * 1000;
	if (to_ms > last * 1000)
		to_ms = last * 1000;
	if (to_ms <= from_ms)
		return 0;
	int64_t a = from_ms / 1000, b = (to_ms - 1) / 1000;
	for (int64_t s = a; s <= b; s++)
		sum += node->promised[bin(s)];
	sum -= node->promised[bin(a)] * (float)(from_ms - a * 1000) * 0.001f;
	sum -= node->promised[bin(b)] * (float)((b + 1) * 1000 - to_ms) *
		0.001f;
	return sum;
}

static uint32_t take(const _Atomic uint32_t *sum, uint32_t *read)
{
	uint32_t now = atomic_load_explicit(sum, memory_order_relaxed);
	uint32_t more = now - *read;
	*read = now;
	return more;
}

static void merge_node(struct fleet *f, struct fleet_node *node,
	const struct promise *p, struct mark_read *read)
{
	uint32_t answers = take(&p->answers, &read->answers);
	node->line2 += take(&p->line2, &read->line2);
	if (!answers)
		return;
	node->answers += answers;
	node->promised[bin(f->second)] +=
		(float)take(&p->viewers, &read->viewers) / PROMISE_VIEWER;
	for (unsigned c = 0; c < PROMISE_CLASSES; c++) {
		float rate =
			(float)take(&p->rate[c], &read->rate[c]) / PROMISE_RATE;
		for (unsigned s = 0; rate > 0 && s < promise_class_s[c]; s++)
			node->promised[bin(f->second + s)] += rate;
	}
}

void fleet_merge(struct fleet *f, unsigned thread,
	const struct accounts *accounts, int64_t now_ms)
{
	advance(f, now_ms);
	if (!f->read[thread])
		f->read[thread] = mem_zero(f->room, sizeof **f->read);
	for (unsigned i = 0; i < f->n; i++)
		merge_node(f, &f->node[i], &accounts->promise[i],
			&f->read[thread][i]);
}

/* -- samples -- */

static float fleet_multiplier(const struct fleet *f)
{
	float servers = f->map ? (float)f->map->servers : 1;
	return (f->all_n + 4 * servers) / (f->all_g + 4);
}

static float multiplier(const struct fleet *f, const struct fleet_node *node)
{
	float all = fmaxf(0.3f, fminf(40, fleet_multiplier(f)));
	float own = (node->multiplier_n + all * PRIOR) /
		(node->multiplier_g + PRIOR);
	return fmaxf(0.3f, fminf(60, own));
}

/* Learns from two samples how many viewers one promised viewer really is. */
static void learn_multiplier(struct fleet *f, struct fleet_node *node,
	int64_t from_ms, int64_t to_ms, float joined)
{
	float mine = promised(f, node, from_ms - LAG_MS, to_ms - LAG_MS);
	if (joined < 0)
		joined = 0;
	node->multiplier_n = node->multiplier_n * FORGET + joined;
	node->multiplier_g = node->multiplier_g * FORGET + mine;
	f->all_n = f->all_n * 0.995f + joined;
	f->all_g = f->all_g * 0.995f + mine;
}

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

static void learn_bitrate(struct fleet_node *node)
{
	if (node->connections < 10 || node->bandwidth_bps <= 0)
		return;
	float one = node->bandwidth_bps / node->connections;
	node->bitrate_bps += 0.2f * (one - node->bitrate_bps);
}

/* A later sample of the same run: growth, multiplier, bandwidth. */
static void compare(struct fleet *f, struct fleet_node *node,
	const struct sample *s, int64_t at_ms)
{
	float seconds = (float)(at_ms - node->sampled_at_ms) * 0.001f;
	float change = (float)s->connections - node->connections;
	float left = node->connections * seconds / SESSION_S;

	if (seconds < 0.05f)
		return;
	learn_multiplier(f, node, node->sampled_at_ms, at_ms, change + left);
	node->growth += 0.6f * (change / seconds - node->growth);
}

static void believe(struct fleet *f, struct fleet_node *node,
	const struct sample *s, int64_t at_ms)
{
	bool same_run = node->have_load && node->stamp_ms &&
		s->identity == node->identity;
	float bps = bandwidth(node, s, at_ms);

	if (same_run)
		compare(f, node, s, at_ms);
	else
		node->growth = 0;
	node->connections = (float)s->connections;
	if (bps >= 0) {
		node->bandwidth_bps = bps;
		node->bandwidth_known = true;
	} else if (!same_run) {
		node->bandwidth_bps = 0;
		node->bandwidth_known = false;
	}
	node->cpu = same_run ? node->cpu + 0.5f * (s->cpu - node->cpu) : s->cpu;
	learn_bitrate(node);
	node->have_load = true;
	node->stamp_ms = s->sampled_ms;
	node->sampled_at_ms = at_ms;
	node->bytes = s->send_bytes;
	node->identity = s->identity;
}

void fleet_sample(
	struct fleet *f, unsigned i, const struct sample *s, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	node->samples++;
	advance(f, now_ms);
	if (!health_sample(&node->health, &f->rules.health, s, now_ms))
		return;
	/* Our time of its sample, by the age that its own clock tells. */
	int64_t age = s->node_ms - s->sampled_ms;
	if (age < 0)
		age = 0;
	if (s->sampled_ms != node->stamp_ms || s->identity != node->identity)
		believe(f, node, s, now_ms - age - (int64_t)(s->rtt_ms / 2));
	else
		node->connections =
			fmaxf(node->connections, (float)s->connections);
}

void fleet_raise(struct fleet *f, unsigned i, float connections, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	if (connections > node->connections)
		node->connections = connections;
}

/* -- failures -- */

static float per_viewer(
	const struct fleet_node *node, const struct map_node *m);
static float displaced_now(const struct fleet_node *node, int64_t now_ms);

/* The viewers of a node that died are back within seconds, many through
 * cached answers: room is kept where they will want to go. */
static void displace(struct fleet *f, unsigned dead, int64_t now_ms)
{
	const struct map_node *from = &f->map->nodes[dead];
	struct place place = {.lat = from->lat,
		.lon = from->lon,
		.source = from->placed ? PLACE_NETS : PLACE_UNKNOWN};
	struct inflow_node *to = mem_zero(f->n, sizeof *to);
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++) {
		const struct fleet_node *node = &f->node[i];
		const struct map_node *m = &f->map->nodes[i];
		if (i == dead || !node->exists || node->drained ||
			node->health.state != NODE_UP || m->role != from->role)
			continue;
		to[n] = (struct inflow_node){.node = (uint16_t)i,
			.path_ms = map_path_ms(f->map, NULL, &place, i),
			.per_viewer = per_viewer(node, m),
			.room = health_room(&node->health, now_ms)};
		to[n].used = fleet_utilisation(f, i) +
			displaced_now(node, now_ms) * to[n].per_viewer;
		n++;
	}
	inflow_go(to, n, f->node[dead].connections);
	for (unsigned i = 0; i < n; i++) {
		struct fleet_node *node = &f->node[to[i].node];
		if (to[i].viewers <= 0)
			continue;
		node->displaced = displaced_now(node, now_ms) + to[i].viewers;
		node->displaced_ms = now_ms;
	}
	free(to);
}

static void after_event(
	struct fleet *f, unsigned i, enum node_state before, int64_t now_ms)
{
	if (before != NODE_DOWN && f->node[i].health.state == NODE_DOWN &&
		!fleet_is_blind(f))
		displace(f, i, now_ms);
}

void fleet_failed(struct fleet *f, unsigned i, enum sample_failure failure,
	int64_t now_ms)
{
	enum node_state before = f->node[i].health.state;
	f->node[i].failures++;
	health_failed(&f->node[i].health, &f->rules.health, failure, now_ms);
	after_event(f, i, before, now_ms);
}

void fleet_probed(struct fleet *f, unsigned i, enum health_probe probe, bool ok,
	int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	enum node_state before = node->health.state;
	health_probed(&node->health, &f->rules.health, probe, ok, !node->polled,
		now_ms);
	after_event(f, i, before, now_ms);
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

float fleet_utilisation(const struct fleet *f, unsigned i)
{
	const struct fleet_node *node = &f->node[i];
	const struct map_node *m = &f->map->nodes[i];
	float u = node->connections / m->capacity;
	if (m->bandwidth_bps > 0)
		u = fmaxf(u, node->bandwidth_bps / m->bandwidth_bps);
	return fmaxf(u, node->cpu);
}

static float per_viewer(const struct fleet_node *node, const struct map_node *m)
{
	float u = 1 / m->capacity;
	if (m->bandwidth_bps > 0)
		u = fmaxf(u, node->bitrate_bps / m->bandwidth_bps);
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

static float reserved(
	struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	int64_t from = node->have_load && node->sampled_at_ms
		? node->sampled_at_ms
		: now_ms - 20000;
	float mine = promised(f, node, from - LAG_MS, INT64_MAX / 2);
	return mine * multiplier(f, node) + displaced_now(node, now_ms);
}

/* Viewers per second that a node gains: as its samples grow or, before they
 * can show it, as answers of the last two seconds promise. */
static float growth(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	float coming = promised(f, node, now_ms - 2000, now_ms) / 2 *
		multiplier(f, node);
	float net = coming - node->connections / SESSION_S;
	return fmaxf(0, fmaxf(node->growth, net));
}

static void load_node(
	struct fleet *f, unsigned i, struct load_node *out, int64_t now_ms)
{
	struct fleet_node *node = &f->node[i];
	const struct map_node *m = &f->map->nodes[i];

	if (!node->exists) {
		*out = (struct load_node){.state = NODE_DOWN,
			.used = 1,
			.room = 1,
			.per_viewer = 1};
		return;
	}
	health_tick(&node->health, &f->rules.health, !node->polled, now_ms);
	out->state = (uint8_t)fleet_state(f, i, now_ms);
	out->per_viewer = per_viewer(node, m);
	out->reserved = reserved(f, node, now_ms);
	out->used = fleet_utilisation(f, i) + out->reserved * out->per_viewer;
	out->room = health_room(&node->health, now_ms);
	/* What a ramping node carries already is no reason against it. */
	float least = fminf(1, fleet_utilisation(f, i) / 0.65f);
	if (out->room < least)
		out->room = least;
	out->ln_weight = logf(m->capacity * out->room);
	out->growth = growth(f, node, now_ms) * out->per_viewer;
	out->penalty_ms = node->health.fails && out->state == NODE_UP &&
			!fleet_is_blind(f)
		? SUSPECT_MS
		: 0;
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
		float free_room =
			(1 - nodes[k].used) * f->map->nodes[k].capacity;
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

void fleet_expect(struct fleet *f, const struct expect *entries, unsigned n)
{
	f->expect = mem_grow(f->expect, (n + 1) * sizeof *entries);
	if (n)
		memcpy(f->expect, entries, n * sizeof *entries);
	f->n_expect = n;
	expect_sort(f->expect, n);
}

static void keep_room(struct fleet *f, struct load_node *nodes, int64_t now_ms)
{
	if (!f->n_expect)
		return;
	float *lately = mem_zero(f->n, sizeof *lately);
	for (unsigned i = 0; i < f->n; i++)
		lately[i] = promised(f, &f->node[i], now_ms - 60000, now_ms);
	expect_keep_room(f->expect, f->n_expect, f->map, lately, now_ms, nodes);
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

struct load *fleet_load(struct fleet *f, int64_t now_ms)
{
	size_t nodes = (f->n * sizeof(struct load_node) + 63) & ~(size_t)63;
	size_t spares = f->map->n_pools * sizeof(uint16_t[MAP_CANDIDATES]);
	size_t size = (sizeof(struct load) + 63) & ~(size_t)63;
	char *block =
		aligned_alloc(64, (size + nodes + spares + 63) & ~(size_t)63);
	if (!block)
		abort();
	struct load *load = (struct load *)block;
	struct load_node *node = (struct load_node *)(block + size);
	uint16_t(*spare)[MAP_CANDIDATES] = (void *)(block + size + nodes);

	advance(f, now_ms);
	watch_network(f, now_ms);
	for (unsigned i = 0; i < f->n; i++)
		load_node(f, i, &node[i], now_ms);
	keep_room(f, node, now_ms);
	for (unsigned i = 0; i < f->map->n_pools; i++)
		find_spare(f, &f->map->pools[i], node, spare[i]);
	f->ready = f->ready || is_ready(f, now_ms);
	*load = (struct load){.generation = ++f->generation,
		.ready = f->ready,
		.n = f->n,
		.node = node,
		.spare = (const uint16_t(*)[MAP_CANDIDATES])spare};
	return load;
}

const struct fleet_node *fleet_node(const struct fleet *f, unsigned i)
{
	return &f->node[i];
}
