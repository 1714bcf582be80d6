#include "paths/paths.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
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

/* An area and a node. area 0: free. Open addressing over the table. */
struct entry {
	uint64_t area;
	uint32_t asn;
	uint16_t node;
	bool used;
	float distance_ms;
	float rtt_ms, weight; /* of the last fit: what the networks say */
	float published_ms;
	int64_t at_ms;
	struct voice voice[PATHS_NETWORKS];
	uint8_t next; /* voice to be replaced */
};

/* Sums of a part of the model: residuals by weight. */
struct part {
	uint64_t key; /* 0: free */
	float sum, weight, value;
};

struct paths {
	const struct map *map;
	struct vec *at; /* of nodes */
	struct entry *entry;
	unsigned n;
	struct part *base,
		*of_as;    /* by area; by AS and node: open addressing */
	struct part *node; /* by index */
	unsigned n_nodes;
	float stretch;
};

struct paths *paths_new(void)
{
	struct paths *p = mem_zero(1, sizeof *p);
	p->entry = mem_zero(PATHS_ENTRIES, sizeof *p->entry);
	p->base = mem_zero(PATHS_ENTRIES, sizeof *p->base);
	p->of_as = mem_zero(PATHS_ENTRIES, sizeof *p->of_as);
	p->stretch = 1;
	return p;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	free(p->at);
	free(p->entry);
	free(p->base);
	free(p->of_as);
	free(p->node);
	free(p);
}

/* -- keys -- */

/* Never 0. */
static uint64_t area_of(const struct place *place)
{
	float wide = fmaxf(0.1f, cosf(place->lat * (float)(M_PI / 180)));
	uint64_t row = (uint64_t)((place->lat + 90) / SQUARE_DEGREES);
	uint64_t column =
		(uint64_t)((place->lon + 180) * wide / SQUARE_DEGREES);
	return (uint64_t)place->asn << 32 | row << 16 | column << 1 | 1;
}

static struct part *part_of(struct part *parts, uint64_t key, bool make)
{
	uint64_t at = hash_mix(key);
	for (unsigned i = 0; i < 64; i++, at++) {
		struct part *part = &parts[at & (PATHS_ENTRIES - 1)];
		if (part->key == key)
			return part;
		if (!part->key) {
			if (make)
				part->key = key;
			return make ? part : NULL;
		}
	}
	return NULL;
}

static uint64_t as_key(uint32_t asn, unsigned node)
{
	return (uint64_t)asn << 17 | node << 1 | 1;
}

/* -- entries -- */

#define PROBES 32

static struct entry *entry_find(
	const struct paths *p, uint64_t area, unsigned node)
{
	uint64_t at = hash_mix(area ^ (uint64_t)node << 48);
	for (unsigned i = 0; i < PROBES; i++) {
		struct entry *e = &p->entry[(at + i) & (PATHS_ENTRIES - 1)];
		if (e->used && e->area == area && e->node == node)
			return e;
	}
	return NULL;
}

static struct entry *entry_make(struct paths *p, const struct place *place,
	unsigned node, int64_t now_ms)
{
	uint64_t area = area_of(place);
	uint64_t at = hash_mix(area ^ (uint64_t)node << 48);
	struct entry *oldest = NULL;
	for (unsigned i = 0; i < PROBES; i++) {
		struct entry *e = &p->entry[(at + i) & (PATHS_ENTRIES - 1)];
		if (!e->used) {
			oldest = e;
			break;
		}
		if (!oldest || e->at_ms < oldest->at_ms)
			oldest = e;
	}
	*oldest = (struct entry){.area = area,
		.asn = place->asn,
		.node = (uint16_t)node,
		.used = true,
		.at_ms = now_ms,
		.distance_ms = path_between_ms(
			p->at[node], path_vec(place->lat, place->lon))};
	oldest->published_ms = NAN;
	return oldest;
}

void paths_set_map(struct paths *p, const struct map *map)
{
	unsigned old = p->n_nodes;
	p->map = map;
	p->n_nodes = map->n_nodes;
	p->at = mem_grow(p->at, (p->n_nodes + 1) * sizeof *p->at);
	p->node = mem_grow(p->node, (p->n_nodes + 1) * sizeof *p->node);
	for (unsigned i = 0; i < p->n_nodes; i++) {
		p->at[i] = path_vec(map->nodes[i].lat, map->nodes[i].lon);
		if (i >= old)
			p->node[i] = (struct part){0};
	}
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		struct entry *e = &p->entry[i];
		if (e->used &&
			(e->node >= p->n_nodes || !map->nodes[e->node].name ||
				!map->nodes[e->node].placed))
			e->used = false;
	}
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
	struct entry *e = entry_find(p, area_of(r->place), r->node);
	if (!e)
		e = entry_make(p, r->place, r->node, now_ms);
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

static float part_value(const struct part *part)
{
	return part ? part->value : 0;
}

/* What the model says without base. */
static float model_ms(
	const struct paths *p, float distance_ms, uint32_t asn, unsigned node)
{
	float near = (float)PLACE_NEAR_MS;
	return near + (distance_ms - near) * p->stretch + p->node[node].value +
		(asn ? part_value(part_of(p->of_as, as_key(asn, node), false))
		     : 0);
}

static void parts_clear(struct part *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		parts[i].sum = parts[i].weight = 0;
}

static void parts_settle(struct part *parts, unsigned n, float prior)
{
	for (unsigned i = 0; i < n; i++)
		parts[i].value = parts[i].weight > 0
			? parts[i].sum / (parts[i].weight + prior)
			: 0;
}

static void part_add(struct part *part, float residual, float weight)
{
	if (!part)
		return;
	part->sum += residual * weight;
	part->weight += weight;
}

/* How much an entry counts for the model: many networks hardly more than some. */
static float entry_counts(const struct entry *e)
{
	return e->used ? e->weight / (e->weight + 1) : 0;
}

enum fitted { FIT_BASE, FIT_NODE, FIT_AS };

static void fit(struct paths *p, enum fitted which)
{
	struct part *parts[] = {p->base, p->node, p->of_as};
	const unsigned n[] = {PATHS_ENTRIES, p->n_nodes, PATHS_ENTRIES};
	const float prior[] = {PRIOR_BASE, PRIOR_NODE, PRIOR_AS};

	parts_clear(parts[which], n[which]);
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		const struct entry *e = &p->entry[i];
		float weight = entry_counts(e);
		if (weight <= 0)
			continue;
		struct part *base = part_of(p->base, e->area, true);
		struct part *of_as = e->asn
			? part_of(p->of_as, as_key(e->asn, e->node), true)
			: NULL;
		struct part *part = which == FIT_BASE ? base
			: which == FIT_NODE           ? &p->node[e->node]
						      : of_as;
		float rest = e->rtt_ms - part_value(base) -
			model_ms(p, e->distance_ms, e->asn, e->node);
		part_add(part, rest + part_value(part), weight);
	}
	parts_settle(parts[which], n[which], prior[which]);
}

/* One number for all: by how much ways are longer than straight lines. */
static void fit_stretch(struct paths *p)
{
	float xy = 200 * 200, xx = 200 * 200; /* as if 1 were seen */
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		const struct entry *e = &p->entry[i];
		float weight = entry_counts(e), x;
		if (weight <= 0)
			continue;
		x = e->distance_ms - (float)PLACE_NEAR_MS;
		float y = e->rtt_ms - (float)PLACE_NEAR_MS -
			part_value(part_of(p->base, e->area, false)) -
			p->node[e->node].value;
		/* Far ways do not outweigh all others. */
		weight /= 1 + x * x / (100 * 100);
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
	float model = model_ms(p, e->distance_ms, e->asn, e->node);
	float base = part_value(part_of(p->base, e->area, false));
	float said = e->rtt_ms - base;
	return (said * e->weight + model * NETWORKS_OF_MODEL) /
		(e->weight + NETWORKS_OF_MODEL);
}

bool paths_fit(struct paths *p, int64_t now_ms)
{
	bool changed = false;
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		struct entry *e = &p->entry[i];
		if (e->used && now_ms - e->at_ms > RTT_KEPT_MS)
			e->used = false;
		if (e->used)
			entry_rtt(e, now_ms);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		fit(p, FIT_BASE);
		fit_stretch(p);
		fit(p, FIT_NODE);
		fit(p, FIT_AS);
	}
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		struct entry *e = &p->entry[i];
		if (!e->used)
			continue;
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
	const struct entry *e = entry_find(p, area_of(place), node);
	float distance =
		path_between_ms(p->at[node], path_vec(place->lat, place->lon));
	if (!e) {
		b.path_ms = model_ms(p, distance, place->asn, node);
		return b;
	}
	b.path_ms = entry_path(p, e);
	b.rtt_ms = e->rtt_ms;
	b.loss = entry_loss(e, now_ms);
	b.loss_ms = loss_ms(b.loss);
	b.age_ms = now_ms - e->at_ms;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		b.networks += e->voice[i].net != 0;
	return b;
}
