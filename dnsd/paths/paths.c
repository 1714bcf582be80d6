#include "paths/private.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/path.h"

#define RTT_HALF_MS 7200000.0f /* a report this old counts half */
#define LOSS_FADE_MS 300000.0f
#define LOSS_KEPT_MS 900000
#define MODEL_NETWORKS 0.2f /* the model counts as so many */
#define LOSS_NETWORKS 0.3f
#define PRIOR_LOSS 1.0f
#define PLAYER_WEIGHT 0.35f /* of a node's word */
#define VIEWERS_MOST 16.0f  /* of a network, that count */
#define JUMP_MS 20.0f       /* two networks that differ by more ... */
#define JUMP_SHARE 0.3f     /* ... and by this share: another way */
#define LOSS_FREE 0.01f
#define LOSS_FULL 0.05f /* costs LOSS_COST_MS */
#define LOSS_COST_MS 300.0f
#define ROUNDS 3        /* of the fit */
#define PRIOR_ALL 10.0f /* weights towards 0 of the parts of the model */
#define PRIOR_BASE 1.0f
#define PRIOR_NODE 4.0f
#define PRIOR_AS 2.0f
#define SURE 1.0f /* an AS part with more weight is measured */
#define RATE_LEAST -0.6f
#define LIGHT_SHARE 0.4f
#define RATE_MOST 20.0f
#define CHANGE_MS 2.0f /* a path that differs so is published */

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

static struct entry *entry_of(
	struct paths *p, const struct place *place, unsigned node, bool *made)
{
	struct entry_key key = {path_area_key(place), node};
	uint32_t number = index_number(p->entries, &key, sizeof key, made);
	if (!*made)
		return &p->entry[number];
	if (number == p->room) {
		p->room = 2 * p->room + 64;
		p->entry = mem_grow(p->entry, p->room * sizeof *p->entry);
	}
	p->n = number + 1;
	struct entry *e = &p->entry[number];
	*e = (struct entry){.area = key.area,
		.place = *place,
		.node = (uint16_t)node,
		.base = part_number(p->areas, &p->base, key.area),
		.of_as = place->asn
			? part_number(p->as_nodes, &p->of_as,
				  path_carrier_key(place->asn, node))
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
		struct entry *e =
			entry_of(p, &old[i].place, old[i].node, &made);
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

/* Round trips count less with time, and never nothing: yesterday's is better than
 * none. */
static float rtt_fade(int64_t age_ms)
{
	return 1 / (1 + (float)age_ms / RTT_HALF_MS);
}

static float loss_fade(int64_t age_ms)
{
	return age_ms < LOSS_KEPT_MS ? expf(-(float)age_ms / LOSS_FADE_MS) : 0;
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
		if (v->net)
			said[n++] = (struct said){v->rtt_ms,
				v->weight * rtt_fade(now_ms - v->at_ms)};
	}
	e->rtt_ms = middle(said, n, 0.4f, 0.6f, &e->weight);
}

static float said_loss(const struct entry *e, int64_t now_ms, float *all)
{
	struct said said[PATHS_NETWORKS];
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		const struct voice *v = &e->voice[i];
		if (v->net && v->loss >= 0)
			said[n++] = (struct said){v->loss,
				v->weight * loss_fade(now_ms - v->at_ms)};
	}
	return middle(said, n, 0.2f, 0.8f, all);
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

unsigned paths_areas(const struct paths *p)
{
	return index_count(p->areas);
}

unsigned paths_count(const struct paths *p)
{
	return p->n;
}

/* Light in a fibre needs 0.01 ms there and back for each kilometre, a path by distance
 * has 0.016. */
static bool is_possible(float rtt_ms, float distance_ms)
{
	return rtt_ms >= (distance_ms - (float)PLACE_NEAR_MS) * LIGHT_SHARE;
}

bool paths_report(struct paths *p, const struct path_report *r, int64_t now_ms)
{
	assert(r->node < p->n_nodes && r->rtt_ms > 0 && r->net);
	const struct map_node *node = &p->map->nodes[r->node];
	if (r->place.source == PLACE_UNKNOWN || !node->name || !node->placed)
		return false;
	float distance_ms = path_between_ms(
		p->at[r->node], path_vec(r->place.lat, r->place.lon));
	if (p->n >= PATHS_ENTRIES || !is_possible(r->rtt_ms, distance_ms))
		return false;
	bool made;
	struct entry *e = entry_of(p, &r->place, r->node, &made);
	if (made)
		e->distance_ms = distance_ms;
	float viewers = fminf(VIEWERS_MOST, fmaxf(1, (float)r->viewers));
	struct voice *v = voice_of(e, r->net);
	*v = (struct voice){.net = r->net,
		.at_ms = now_ms,
		.rtt_ms = r->rtt_ms,
		.loss = r->loss,
		.weight =
			r->by == PATH_BY_NODE ? sqrtf(viewers) : PLAYER_WEIGHT};
	e->at_ms = now_ms;
	forget_before_jump(e, v);
	entry_rtt(e, now_ms);
	return true;
}

/* -- the model -- */

/* The rate of the model. of_as: NO_PART: not known. */
static float model_rate(const struct paths *p, unsigned node, uint32_t of_as)
{
	return p->rate + p->node.at[node].value +
		(of_as == NO_PART ? 0 : p->of_as.at[of_as].value);
}

static float wide_ms(const struct entry *e)
{
	return e->distance_ms + PATH_RATE_MS;
}

/* How much an entry counts for the model: many networks hardly more than some. */
static float entry_counts(const struct entry *e)
{
	return e->weight / (e->weight + 1);
}

enum fitted { FIT_ALL, FIT_BASE, FIT_NODE, FIT_AS };

static struct part *entry_part(
	struct paths *p, const struct entry *e, enum fitted which)
{
	if (which == FIT_BASE)
		return &p->base.at[e->base];
	if (which == FIT_NODE)
		return &p->node.at[e->node];
	return e->of_as == NO_PART ? NULL : &p->of_as.at[e->of_as];
}

/* What the model leaves of an entry's round trip. */
static float entry_rest(const struct paths *p, const struct entry *e)
{
	return e->rtt_ms - e->distance_ms - p->base.at[e->base].value -
		wide_ms(e) * model_rate(p, e->node, e->of_as);
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
		if (!part)
			continue;
		/* A base is milliseconds, the others are shares: what is far
		 * is less sure in ms. */
		float wide = wide_ms(e);
		if (which == FIT_BASE)
			weight *= PATH_RATE_MS * PATH_RATE_MS / (wide * wide);
		float unit = which == FIT_BASE ? 1 : wide;
		part->sum += (entry_rest(p, e) / unit + part->value) * weight;
		part->weight += weight;
	}
	for (unsigned i = 0; i < parts->n; i++)
		parts->at[i].value =
			parts->at[i].sum / (parts->at[i].weight + prior);
}

static void fit_all(struct paths *p)
{
	float sum = 0, weight = PRIOR_ALL;
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		float counts = entry_counts(e);
		sum += (entry_rest(p, e) / wide_ms(e) + p->rate) * counts;
		weight += counts;
	}
	p->rate = sum / weight;
}

/* What the networks of an AS say of a node. */
static void fit_loss(struct paths *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->of_as.n; i++)
		p->of_as.at[i].loss_sum = p->of_as.at[i].loss_weight = 0;
	for (unsigned i = 0; i < p->n; i++) {
		struct entry *e = &p->entry[i];
		e->loss = said_loss(e, now_ms, &e->loss_weight);
		if (e->of_as == NO_PART)
			continue;
		float counts = e->loss_weight / (e->loss_weight + 1);
		struct part *part = &p->of_as.at[e->of_as];
		part->loss_sum += counts * e->loss;
		part->loss_weight += counts;
	}
}

static float as_loss(const struct part *part)
{
	return part->loss_sum / (part->loss_weight + PRIOR_LOSS);
}

/* What is believed of an entry's loss: one network alone in part. */
static float entry_loss(const struct paths *p, const struct entry *e)
{
	float model = e->of_as == NO_PART ? 0 : as_loss(&p->of_as.at[e->of_as]);
	return (e->loss * e->loss_weight + model * LOSS_NETWORKS) /
		(e->loss_weight + LOSS_NETWORKS);
}

static float loss_ms(float loss)
{
	if (loss <= LOSS_FREE)
		return 0;
	float over = (loss - LOSS_FREE) / (LOSS_FULL - LOSS_FREE);
	return LOSS_COST_MS * over;
}

/* What is believed of an entry beside its base. */
static float entry_rate(const struct paths *p, const struct entry *e)
{
	float model = model_rate(p, e->node, e->of_as);
	float said = (e->rtt_ms - p->base.at[e->base].value - e->distance_ms) /
		wide_ms(e);
	float rate = (said * e->weight + model * MODEL_NETWORKS) /
		(e->weight + MODEL_NETWORKS);
	return fminf(RATE_MOST, fmaxf(RATE_LEAST, rate));
}

/* The oldest give way when there is no more room. */
static void paths_forget(struct paths *p, int64_t now_ms)
{
	int64_t kept_ms = 0;
	if (p->n < PATHS_ENTRIES - PATHS_ENTRIES / 8)
		return;
	for (unsigned i = 0; i < p->n; i++)
		if (now_ms - p->entry[i].at_ms > kept_ms)
			kept_ms = now_ms - p->entry[i].at_ms;
	do {
		kept_ms /= 2;
		paths_sweep(p, now_ms - kept_ms);
	} while (p->n >= PATHS_ENTRIES - PATHS_ENTRIES / 8);
}

bool paths_fit(struct paths *p, int64_t now_ms)
{
	bool changed = false;
	paths_forget(p, now_ms);
	for (unsigned i = 0; i < p->n; i++)
		entry_rtt(&p->entry[i], now_ms);
	fit_loss(p, now_ms);
	for (unsigned round = 0; round < ROUNDS; round++) {
		fit_all(p);
		fit(p, FIT_BASE, &p->base, PRIOR_BASE);
		fit(p, FIT_NODE, &p->node, PRIOR_NODE);
		fit(p, FIT_AS, &p->of_as, PRIOR_AS);
	}
	for (unsigned i = 0; i < p->n; i++) {
		struct entry *e = &p->entry[i];
		float path = wide_ms(e) * entry_rate(p, e) +
			loss_ms(entry_loss(p, e));
		if (!(fabsf(path - e->published_ms) < CHANGE_MS)) {
			e->published_ms = path;
			changed = true;
		}
	}
	return changed;
}

/* -- what is published -- */

static struct path_known entry_known(
	const struct paths *p, const struct entry *e)
{
	struct path_known k = {.node = e->node,
		.rate = entry_rate(p, e),
		.rtt_ms = e->rtt_ms,
		.loss = entry_loss(p, e),
		.at_ms = e->at_ms};
	k.loss_ms = loss_ms(k.loss);
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		k.networks = (uint16_t)(k.networks + (e->voice[i].net != 0));
	return k;
}

static int known_order(const void *a, const void *b)
{
	const struct path_known *x = a, *y = b;
	return (x->node > y->node) - (x->node < y->node);
}

static void table_areas(const struct paths *p, struct path_table *t)
{
	t->n_areas = index_count(p->areas);
	for (unsigned i = 0; i < p->n; i++)
		t->areas[p->entry[i].base].n++;
	for (unsigned i = 0; i < t->n_areas; i++) {
		t->areas[i].first = t->n_known;
		t->n_known += t->areas[i].n;
		t->areas[i].n = 0;
	}
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		struct path_area *area = &t->areas[e->base];
		area->key = e->area;
		area->place = e->place;
		area->weight += e->weight;
		area->base_ms = p->base.at[e->base].value;
		t->known[area->first + area->n++] = entry_known(p, e);
	}
	for (unsigned i = 0; i < t->n_areas; i++)
		qsort(&t->known[t->areas[i].first], t->areas[i].n,
			sizeof *t->known, known_order);
}

/* An area without nodes for each AS of which something is known. */
static void table_carriers(const struct paths *p, struct path_table *t)
{
	struct index *seen = index_new();
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		if (e->of_as == NO_PART)
			continue;
		const struct part *part = &p->of_as.at[e->of_as];
		path_table_add_carrier(t,
			&(struct path_carrier){
				path_carrier_key(e->place.asn, e->node),
				part->value, loss_ms(as_loss(part)),
				part->weight > SURE});
		bool made;
		index_number(seen, &e->place.asn, sizeof e->place.asn, &made);
		if (made)
			t->areas[t->n_areas++] =
				(struct path_area){.key = e->area | UINT32_MAX,
					.made = true,
					.place = {.asn = e->place.asn}};
	}
	index_free(seen);
}

static int square_order(const void *a, const void *b)
{
	const struct path_area *x = *(const struct path_area *const *)a;
	const struct path_area *y = *(const struct path_area *const *)b;
	uint64_t p = x->key << 32 | x->key >> 32,
		 q = y->key << 32 | y->key >> 32;
	return (p > q) - (p < q);
}

/* What n areas of a square make of a node together, each as much as it weighs. */
static struct path_known square_known(const struct path_table *t,
	struct path_area *const *area, unsigned n, unsigned node)
{
	struct path_known all = {.node = (uint16_t)node};
	float weight = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct path_known *k = path_table_known(t, area[i], node);
		struct path_found f = path_table_find(t, area[i], node, 0);
		float loss_ms = k ? k->loss_ms : f.loss_ms;
		float w = area[i]->weight;
		all.rate += w * (f.path_ms - loss_ms - area[i]->base_ms) /
			PATH_RATE_MS;
		all.loss_ms += w * loss_ms;
		weight += w;
		if (!k)
			continue;
		all.networks = (uint16_t)(all.networks + k->networks);
		all.at_ms = k->at_ms > all.at_ms ? k->at_ms : all.at_ms;
		all.loss = fmaxf(all.loss, k->loss);
		all.rtt_ms = fmaxf(all.rtt_ms, k->rtt_ms);
	}
	all.rate /= weight;
	all.loss_ms /= weight;
	return all;
}

/* Adds the area of all ASes of a square, made of those. */
static void table_square(
	struct path_table *t, struct path_area *const *area, unsigned n)
{
	struct path_area all = {.key = area[0]->key & UINT32_MAX,
		.first = t->n_known,
		.place = area[0]->place,
		.made = true};
	all.place.asn = 0;
	for (unsigned i = 0; i < n; i++) {
		all.weight += area[i]->weight;
		all.base_ms += area[i]->weight * area[i]->base_ms;
	}
	all.base_ms /= all.weight;
	if (n == 1) { /* the same list */
		all.first = area[0]->first;
		all.n = area[0]->n;
		t->areas[t->n_areas++] = all;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < area[i]->n; k++)
			t->known[t->n_known++].node =
				t->known[area[i]->first + k].node;
	struct path_known *known = &t->known[all.first];
	qsort(known, t->n_known - all.first, sizeof *known, known_order);
	for (unsigned i = 0; all.first + i < t->n_known; i++)
		if (i == 0 || known[i].node != known[i - 1].node)
			known[all.n++].node = known[i].node;
	t->n_known = all.first + all.n;
	for (unsigned i = 0; i < all.n; i++)
		known[i] = square_known(t, area, n, known[i].node);
	if (area[0]->key == all.key)
		*area[0] = all;
	else
		t->areas[t->n_areas++] = all;
}

static void table_squares(struct path_table *t)
{
	unsigned n = 0;
	struct path_area **area = mem_zero(t->n_areas, sizeof *area);
	for (unsigned i = 0; i < t->n_areas; i++)
		if (t->areas[i].n)
			area[n++] = &t->areas[i];
	qsort(area, n, sizeof *area, square_order);
	for (unsigned i = 0, last; i < n; i = last) {
		for (last = i + 1; last < n &&
			(uint32_t)area[last]->key == (uint32_t)area[i]->key;)
			last++;
		if (last - i > 1 || area[i]->place.asn)
			table_square(t, area + i, last - i);
	}
	free(area);
}

struct path_table *paths_table(const struct paths *p)
{
	/* Of all ASes of a square, and of each AS: at most as many again. */
	struct path_table *t = path_table_new(
		p->n_nodes, 3 * index_count(p->areas), 2 * p->n, p->of_as.n);
	t->rate = p->rate;
	for (unsigned i = 0; i < p->n_nodes; i++)
		t->node_rate[i] = p->node.at[i].value;
	table_areas(p, t);
	table_carriers(p, t);
	table_squares(t);
	path_table_seal(t);
	return t;
}
