#include "paths/paths.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/index.h"
#include "state/path.h"

#define SQUARE_DEGREES 2.7f    /* 300 km from south to north */
#define NETWORKS_OF_MODEL 0.7f /* the model counts as so many */
#define RTT_FADE_MS \
	7200000.0f /* half an hour's reports of players count little */
#define LOSS_FADE_MS 300000.0f
#define RTT_KEPT_MS 21600000 /* older reports are forgotten */
#define LOSS_KEPT_MS 900000
#define PLAYER_WEIGHT 0.35f /* of a node's word */
#define VIEWERS_MOST 16.0f  /* of a network, that count */
#define JUMP_MS 20.0f       /* two networks that differ by more ... */
#define JUMP_SHARE 0.3f     /* ... and by this share: another way */
#define LOSS_FREE 0.01f
#define LOSS_FULL 0.05f /* costs LOSS_COST_MS */
#define LOSS_COST_MS 200.0f
#define ROUNDS 3        /* of the fit */
#define PRIOR_BASE 1.0f /* weights towards 0 of the parts of the model */
#define PRIOR_NODE 4.0f
#define PRIOR_AS 2.0f
#define STRETCH_MOST 2.0f
#define CHANGE_MS 2.0f /* a path that differs so is published */

/* One network's last report. */
struct voice {
	uint64_t net; /* 0: none */
	int64_t at_ms;
	float rtt_ms, loss, weight;
};

/* An area and a node. */
struct entry {
	uint64_t area;
	uint32_t asn;
	uint16_t node;
	uint32_t base,
		of_as; /* parts of the model; of_as: NO_PART without AS */
	float distance_ms;
	float rtt_ms, weight; /* what the networks said at the last fit */
	float published_ms;   /* NAN: not yet */
	int64_t at_ms;
	struct voice voice[PATHS_NETWORKS];
};
#define NO_PART UINT32_MAX

/* A part of the model: the mean of residuals, by weight. */
struct part {
	float sum, weight, value;
};

struct parts {
	struct part *at;
	unsigned n, room;
};

struct paths {
	const struct map *map;
	struct vec *at; /* of nodes */
	unsigned n_nodes;
	struct index *entries, *areas, *as_nodes; /* numbers of keys */
	struct entry *entry;                      /* by number */
	unsigned n, room;
	struct parts base, node, of_as; /* by area, node, AS and node */
	float stretch;
};

static void paths_open_indexes(struct paths *p)
{
	p->entries = index_new();
	p->areas = index_new();
	p->as_nodes = index_new();
}

static void paths_close_indexes(struct paths *p)
{
	index_free(p->entries);
	index_free(p->areas);
	index_free(p->as_nodes);
}

struct paths *paths_new(void)
{
	struct paths *p = mem_zero(1, sizeof *p);
	paths_open_indexes(p);
	p->stretch = 1;
	return p;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	paths_close_indexes(p);
	free(p->at);
	free(p->entry);
	free(p->base.at);
	free(p->node.at);
	free(p->of_as.at);
	free(p);
}

/* -- entries -- */

struct entry_key {
	uint64_t area;
	uint64_t node;
};

static uint64_t area_of(const struct place *place)
{
	float wide = fmaxf(0.1f, cosf(place->lat * (float)(M_PI / 180)));
	uint64_t row = (uint64_t)((place->lat + 90) / SQUARE_DEGREES);
	uint64_t column =
		(uint64_t)((place->lon + 180) * wide / SQUARE_DEGREES);
	return (uint64_t)place->asn << 32 | row << 16 | column;
}

/* A new part is 0. */
static void parts_need(struct parts *parts, unsigned n)
{
	if (n > parts->room) {
		unsigned room = 2 * n + 64;
		parts->at = mem_grow(parts->at, room * sizeof *parts->at);
		parts->room = room;
	}
	if (n > parts->n) {
		memset(parts->at + parts->n, 0,
			(n - parts->n) * sizeof *parts->at);
		parts->n = n;
	}
}

static uint32_t part_number(
	struct index *index, struct parts *parts, uint64_t key)
{
	bool made;
	uint32_t number = index_number(index, &key, sizeof key, &made);
	parts_need(parts, number + 1);
	return number;
}

static uint64_t as_key(uint32_t asn, unsigned node)
{
	return (uint64_t)asn << 16 | node;
}

static struct entry *entry_of(
	struct paths *p, uint64_t area, uint32_t asn, unsigned node, bool *made)
{
	struct entry_key key = {area, node};
	uint32_t number = index_number(p->entries, &key, sizeof key, made);
	if (!*made)
		return &p->entry[number];
	if (number == p->room) {
		p->room = 2 * p->room + 64;
		p->entry = mem_grow(p->entry, p->room * sizeof *p->entry);
	}
	p->n = number + 1;
	struct entry *e = &p->entry[number];
	*e = (struct entry){.area = area,
		.asn = asn,
		.node = (uint16_t)node,
		.base = part_number(p->areas, &p->base, area),
		.of_as = asn
			? part_number(p->as_nodes, &p->of_as, as_key(asn, node))
			: NO_PART,
		.published_ms = NAN};
	return e;
}

/* Forgets entries without a report since then and those of nodes that are gone, and
 * numbers all anew. */
static void paths_sweep(struct paths *p, int64_t since_ms)
{
	struct entry *old = p->entry;
	unsigned n = p->n;
	paths_close_indexes(p);
	paths_open_indexes(p);
	p->entry = NULL;
	p->n = p->room = p->base.n = p->of_as.n = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct map_node *node = &p->map->nodes[old[i].node];
		bool made;
		if (old[i].at_ms < since_ms || old[i].node >= p->n_nodes ||
			!node->name || !node->placed)
			continue;
		struct entry *e = entry_of(
			p, old[i].area, old[i].asn, old[i].node, &made);
		struct entry fresh = *e;
		*e = old[i];
		e->base = fresh.base;
		e->of_as = fresh.of_as;
	}
	free(old);
}

void paths_set_map(struct paths *p, const struct map *map)
{
	p->map = map;
	p->n_nodes = map->n_nodes;
	p->at = mem_grow(p->at, (p->n_nodes + 1) * sizeof *p->at);
	parts_need(&p->node, p->n_nodes);
	for (unsigned i = 0; i < p->n_nodes; i++)
		p->at[i] = path_vec(map->nodes[i].lat, map->nodes[i].lon);
	bool gone = false;
	for (unsigned i = 0; i < p->n; i++)
		gone |= !map->nodes[p->entry[i].node].name;
	if (gone)
		paths_sweep(p, INT64_MIN);
}

/* -- what an entry's networks say -- */

static float fade(int64_t age_ms, float over_ms)
{
	return expf(-(float)age_ms / over_ms);
}

struct said {
	float value, weight;
};

static int said_order(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* The values between the quantiles `low` and `high` of all weight, their mean. */
static float middle(
	struct said *said, unsigned n, float low, float high, float *weight)
{
	float all = 0, at = 0, sum = 0, taken = 0;
	for (unsigned i = 0; i < n; i++)
		all += said[i].weight;
	*weight = all;
	if (all <= 0)
		return 0;
	qsort(said, n, sizeof *said, said_order);
	for (unsigned i = 0; i < n; i++) {
		float from = fmaxf(at, low * all);
		float to = fminf(at + said[i].weight, high * all);
		if (to > from) {
			sum += said[i].value * (to - from);
			taken += to - from;
		}
		at += said[i].weight;
	}
	return taken > 0 ? sum / taken : said[n / 2].value;
}

static void entry_rtt(struct entry *e, int64_t now_ms)
{
	struct said said[PATHS_NETWORKS];
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		const struct voice *v = &e->voice[i];
		int64_t age = now_ms - v->at_ms;
		if (v->net && age < RTT_KEPT_MS)
			said[n++] = (struct said){
				v->rtt_ms, v->weight * fade(age, RTT_FADE_MS)};
	}
	e->rtt_ms = middle(said, n, 0.4f, 0.6f, &e->weight);
}

static float entry_loss(const struct entry *e, int64_t now_ms)
{
	struct said said[PATHS_NETWORKS];
	float weight;
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		const struct voice *v = &e->voice[i];
		int64_t age = now_ms - v->at_ms;
		if (v->net && age < LOSS_KEPT_MS)
			said[n++] = (struct said){
				v->loss, v->weight * fade(age, LOSS_FADE_MS)};
	}
	float loss = middle(said, n, 0.2f, 0.8f, &weight);
	/* One voice alone is believed in part. */
	return loss * weight / (weight + 0.3f);
}

static bool is_jump(float a, float b)
{
	float by = fabsf(a - b);
	return by > JUMP_MS && by > JUMP_SHARE * fmaxf(a, b);
}

/* Two networks in a row agree that it is another way now. */
static void forget_before_jump(struct entry *e, const struct voice *now)
{
	const struct voice *last = NULL;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		const struct voice *v = &e->voice[i];
		if (v->net && v != now && (!last || v->at_ms > last->at_ms))
			last = v;
	}
	if (!last || e->weight <= 0 || is_jump(last->rtt_ms, now->rtt_ms) ||
		!is_jump(e->rtt_ms, now->rtt_ms) ||
		!is_jump(e->rtt_ms, last->rtt_ms))
		return;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		if (&e->voice[i] != now && &e->voice[i] != last)
			e->voice[i].net = 0;
}

static struct voice *voice_of(struct entry *e, uint64_t net)
{
	struct voice *oldest = &e->voice[0];
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		struct voice *v = &e->voice[i];
		if (v->net == net || !v->net)
			return v;
		if (v->at_ms < oldest->at_ms)
			oldest = v;
	}
	return oldest;
}

void paths_report(struct paths *p, const struct path_report *r, int64_t now_ms)
{
	assert(r->node < p->n_nodes);
	if (r->place->source == PLACE_UNKNOWN || r->rtt_ms <= 0 ||
		!p->map->nodes[r->node].name || !p->map->nodes[r->node].placed)
		return;
	bool made;
	if (p->n >= PATHS_ENTRIES)
		return;
	struct entry *e =
		entry_of(p, area_of(r->place), r->place->asn, r->node, &made);
	if (made)
		e->distance_ms = path_between_ms(
			p->at[r->node], path_vec(r->place->lat, r->place->lon));
	float viewers = fminf(VIEWERS_MOST, (float)r->viewers);
	struct voice *v = voice_of(e, r->net | 1);
	*v = (struct voice){.net = r->net | 1,
		.at_ms = now_ms,
		.rtt_ms = r->rtt_ms,
		.loss = r->loss,
		.weight =
			r->by == PATH_BY_NODE ? sqrtf(viewers) : PLAYER_WEIGHT};
	e->at_ms = now_ms;
	forget_before_jump(e, v);
	entry_rtt(e, now_ms);
}

/* -- the model -- */

/* What the model says without base. of_as: NO_PART: not known. */
static float model_ms(
	const struct paths *p, float distance_ms, unsigned node, uint32_t of_as)
{
	float near = (float)PLACE_NEAR_MS;
	return near + (distance_ms - near) * p->stretch +
		p->node.at[node].value +
		(of_as == NO_PART ? 0 : p->of_as.at[of_as].value);
}

/* How much an entry counts for the model: many networks hardly more than some. */
static float entry_counts(const struct entry *e)
{
	return e->weight / (e->weight + 1);
}

enum fitted { FIT_BASE, FIT_NODE, FIT_AS };

static struct part *entry_part(
	struct paths *p, const struct entry *e, enum fitted which)
{
	if (which == FIT_BASE)
		return &p->base.at[e->base];
	if (which == FIT_NODE)
		return &p->node.at[e->node];
	return e->of_as == NO_PART ? NULL : &p->of_as.at[e->of_as];
}

static void fit(
	struct paths *p, enum fitted which, struct parts *parts, float prior)
{
	for (unsigned i = 0; i < parts->n; i++)
		parts->at[i].sum = parts->at[i].weight = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		struct part *part = entry_part(p, e, which);
		float weight = entry_counts(e);
		if (!part || weight <= 0)
			continue;
		float rest = e->rtt_ms - p->base.at[e->base].value -
			model_ms(p, e->distance_ms, e->node, e->of_as);
		part->sum += (rest + part->value) * weight;
		part->weight += weight;
	}
	for (unsigned i = 0; i < parts->n; i++)
		parts->at[i].value =
			parts->at[i].sum / (parts->at[i].weight + prior);
}

/* One number for all: by how much ways are longer than straight lines. */
static void fit_stretch(struct paths *p)
{
	float xy = 200 * 200, xx = 200 * 200; /* as if 1 were seen */
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		float x = e->distance_ms - (float)PLACE_NEAR_MS;
		float y = e->rtt_ms - (float)PLACE_NEAR_MS -
			p->base.at[e->base].value - p->node.at[e->node].value;
		/* Far ways do not outweigh all others. */
		float weight = entry_counts(e) / (1 + x * x / (100 * 100));
		xy += weight * x * y;
		xx += weight * x * x;
	}
	p->stretch = fminf(STRETCH_MOST, fmaxf(1, xy / xx));
}

static float loss_ms(float loss)
{
	if (loss <= LOSS_FREE)
		return 0;
	float over = (loss - LOSS_FREE) / (LOSS_FULL - LOSS_FREE);
	return LOSS_COST_MS * over;
}

/* What is believed of an entry beside its base. */
static float entry_path(const struct paths *p, const struct entry *e)
{
	float model = model_ms(p, e->distance_ms, e->node, e->of_as);
	float said = e->rtt_ms - p->base.at[e->base].value;
	return (said * e->weight + model * NETWORKS_OF_MODEL) /
		(e->weight + NETWORKS_OF_MODEL);
}

/* The oldest give way when there is no more room. */
static void paths_forget(struct paths *p, int64_t now_ms)
{
	int64_t oldest_ms = INT64_MAX;
	for (unsigned i = 0; i < p->n; i++)
		oldest_ms = p->entry[i].at_ms < oldest_ms ? p->entry[i].at_ms
							  : oldest_ms;
	if (p->n < PATHS_ENTRIES - PATHS_ENTRIES / 8 &&
		now_ms - oldest_ms <= RTT_KEPT_MS)
		return;
	int64_t kept_ms = RTT_KEPT_MS;
	do {
		paths_sweep(p, now_ms - kept_ms);
		kept_ms /= 2;
	} while (p->n >= PATHS_ENTRIES - PATHS_ENTRIES / 8);
}

bool paths_fit(struct paths *p, int64_t now_ms)
{
	bool changed = false;
	paths_forget(p, now_ms);
	for (unsigned i = 0; i < p->n; i++)
		entry_rtt(&p->entry[i], now_ms);
	for (unsigned round = 0; round < ROUNDS; round++) {
		fit(p, FIT_BASE, &p->base, PRIOR_BASE);
		fit_stretch(p);
		fit(p, FIT_NODE, &p->node, PRIOR_NODE);
		fit(p, FIT_AS, &p->of_as, PRIOR_AS);
	}
	for (unsigned i = 0; i < p->n; i++) {
		struct entry *e = &p->entry[i];
		float path = entry_path(p, e) + loss_ms(entry_loss(e, now_ms));
		if (!(fabsf(path - e->published_ms) < CHANGE_MS)) {
			e->published_ms = path;
			changed = true;
		}
	}
	return changed;
}

struct path_belief paths_believe(const struct paths *p,
	const struct place *place, unsigned node, int64_t now_ms)
{
	struct path_belief b = {.path_ms = PATH_UNKNOWN_MS};
	assert(node < p->n_nodes);
	if (place->source == PLACE_UNKNOWN || !p->map->nodes[node].placed)
		return b;
	struct entry_key key = {area_of(place), node};
	uint64_t as = as_key(place->asn, node);
	uint32_t number = index_find(p->entries, &key, sizeof key);
	uint32_t of_as = place->asn ? index_find(p->as_nodes, &as, sizeof as)
				    : INDEX_NONE;
	if (number == INDEX_NONE) {
		b.path_ms = model_ms(p,
			path_between_ms(
				p->at[node], path_vec(place->lat, place->lon)),
			node, of_as == INDEX_NONE ? NO_PART : of_as);
		return b;
	}
	const struct entry *e = &p->entry[number];
	b.path_ms = entry_path(p, e);
	b.rtt_ms = e->rtt_ms;
	b.loss = entry_loss(e, now_ms);
	b.loss_ms = loss_ms(b.loss);
	b.age_ms = now_ms - e->at_ms;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		b.networks += e->voice[i].net != 0;
	return b;
}
