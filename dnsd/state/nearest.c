/* nearest.c - see nearest.h.
 *
 *	tree   boxes ── halves ── ... ── a few spots each
 *	spots  nodes of equal coordinates, bias and carriers: equally far from
 *	       everywhere, so the least seed is the nearest of them
 *
 * The way to a box is no shorter than an arc over the straight line to its
 * nearest point, and the least bias in it.
 */
#include "state/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/path.h"

#define LEAF_SPOTS 6
#define DEPTH_MAX 24
#define MS_PER_RADIAN (float)(PLACE_MS_PER_KM * PATH_EARTH_KM)
#define SLACK_MS 0.02f /* floats: far more than they can be off */

/* Nodes first..last-1 of `node`, by seed; first..last_lead-1 of `lead`: of each
 * site the first of them. */
struct spot {
	struct vec at;
	float bias_ms;
	unsigned first, last, last_lead;
	bool placed, carriers;
};

/* A box around the spots first..last-1. */
struct box {
	float low[3], high[3];
	float bias_ms; /* the least */
	uint32_t site; /* of all in it; SITES_MIXED */
	unsigned first, last;
	unsigned more; /* its halves are this and the next box; 0: a leaf */
};

#define SITES_MIXED 0 /* sites are numbered from 1 */

struct nearest {
	const struct map *map;
	const struct map_pool *pool;
	uint16_t *node, *lead;
	unsigned n_sites;
	struct spot *spot; /* those without coordinates at the end */
	unsigned n_spots, n_placed;
	struct box *box;
	unsigned n_boxes;
	float carrier_least; /* what crossing carriers costs at least */
};

/* -- what is nearer -- */

/* Of equal paths, by name rather than by the order of the configuration: name
 * servers may list their nodes in any. */
static bool nearer(const struct map *map, struct ranked a, struct ranked b)
{
	if (a.path != b.path)
		return a.path < b.path;
	return b.node == MAP_NO_NODE ||
		map->nodes[a.node].seed < map->nodes[b.node].seed;
}

/* What was found, sorted: up to max. */
struct found {
	const struct map *map;
	struct ranked *list;
	unsigned n, max;
	bool sites; /* one of each site, none of `taken` */
	const struct ranked *taken;
	unsigned n_taken;
};

static bool site_listed(const struct map *map, const struct ranked *list,
	unsigned n, unsigned node)
{
	for (unsigned i = 0; i < n; i++)
		if (map_same_site(map, list[i].node, node))
			return true;
	return false;
}

/* Moves the one at the end to where it belongs. */
static void sort_in(struct found *f, unsigned at, struct ranked one)
{
	while (at > 0 && nearer(f->map, one, f->list[at - 1])) {
		f->list[at] = f->list[at - 1];
		at--;
	}
	f->list[at] = one;
}

static bool is_full(const struct found *f)
{
	return f->n == f->max;
}

/* What is further than this need not be looked at. */
static float limit_ms(const struct found *f)
{
	return is_full(f) ? f->list[f->max - 1].path : INFINITY;
}

/* Keeps the least of what comes. False: it is too far, and so is all that is
 * further. */
static bool nearest_keep(struct found *f, struct ranked one)
{
	if (is_full(f) && !nearer(f->map, one, f->list[f->n - 1]))
		return false;
	unsigned at = is_full(f) ? f->n - 1 : f->n;
	if (f->sites) {
		if (site_listed(f->map, f->taken, f->n_taken, one.node))
			return true;
		for (unsigned i = 0; i < f->n; i++) {
			if (!map_same_site(f->map, f->list[i].node, one.node))
				continue;
			if (nearer(f->map, one, f->list[i]))
				sort_in(f, i, one);
			return true;
		}
	}
	sort_in(f, at, one);
	if (!is_full(f))
		f->n++;
	return true;
}

/* The nearest of n nodes: all of a few. */
static struct found first_of(
	const struct map *map, unsigned n, struct ranked *list)
{
	unsigned max = n <= MAP_CANDIDATES ? n : MAP_NEAREST;
	return (struct found){.map = map, .list = list, .max = max};
}

/* Behind them, of sites that are not listed yet. */
static struct found others_than(const struct found *f)
{
	return (struct found){.map = f->map,
		.list = f->list + f->n,
		.max = MAP_CANDIDATES - f->n,
		.sites = true,
		.taken = f->list,
		.n_taken = f->n};
}

unsigned nearest_among(const struct map *map, const struct ranked *from,
	unsigned n, struct ranked *list)
{
	assert(n > 0);
	struct found f = first_of(map, n, list);
	for (unsigned i = 0; i < n; i++)
		nearest_keep(&f, from[i]);
	if (f.n == n)
		return f.n;
	struct found more = others_than(&f);
	for (unsigned i = 0; i < n; i++)
		nearest_keep(&more, from[i]);
	return f.n + more.n;
}

void nearest_write(
	const struct ranked *list, unsigned n, struct candidates *out)
{
	assert(n <= MAP_CANDIDATES);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		out->slot[i] = i < n ? candidate_of(list[i].node, list[i].path)
				     : (struct candidate){MAP_NO_NODE, 0};
}

/* -- building -- */

/* By all that makes the path, then by what comes first of equals. */
static int nearest_order(const void *a, const void *b, void *arg)
{
	const struct map *map = arg;
	const struct map_node *x = &map->nodes[*(const uint16_t *)a];
	const struct map_node *y = &map->nodes[*(const uint16_t *)b];

	if (x->placed != y->placed)
		return x->placed ? -1 : 1;
	if (x->placed && x->lat != y->lat)
		return x->lat < y->lat ? -1 : 1;
	if (x->placed && x->lon != y->lon)
		return x->lon < y->lon ? -1 : 1;
	if (x->bias_ms != y->bias_ms)
		return x->bias_ms < y->bias_ms ? -1 : 1;
	if (x->n_asn != y->n_asn)
		return x->n_asn < y->n_asn ? -1 : 1;
	int order = memcmp(x->asn, y->asn, x->n_asn * sizeof *x->asn);
	return order ? order : (x->seed > y->seed) - (x->seed < y->seed);
}

static bool equally_far(const struct map_node *a, const struct map_node *b)
{
	return a->placed == b->placed &&
		(!a->placed || (a->lat == b->lat && a->lon == b->lon)) &&
		a->bias_ms == b->bias_ms && a->n_asn == b->n_asn &&
		!memcmp(a->asn, b->asn, a->n_asn * sizeof *a->asn);
}

static int lead_order(const void *a, const void *b, void *arg)
{
	const struct map *map = arg;
	const struct map_node *x = &map->nodes[*(const uint16_t *)a];
	const struct map_node *y = &map->nodes[*(const uint16_t *)b];
	return x->site != y->site ? (x->site < y->site ? -1 : 1)
				  : (x->seed > y->seed) - (x->seed < y->seed);
}

static int seed_order(const void *a, const void *b, void *arg)
{
	const struct map *map = arg;
	const struct map_node *x = &map->nodes[*(const uint16_t *)a];
	const struct map_node *y = &map->nodes[*(const uint16_t *)b];
	return (x->seed > y->seed) - (x->seed < y->seed);
}

/* The first of each site among n nodes, by seed; how many. */
static unsigned find_leads(
	const struct map *map, const uint16_t *node, unsigned n, uint16_t *lead)
{
	unsigned kept = 0;
	memcpy(lead, node, n * sizeof *lead);
	qsort_r(lead, n, sizeof *lead, lead_order, (void *)map);
	for (unsigned i = 0; i < n; i++)
		if (i == 0 || !map_same_site(map, lead[kept - 1], lead[i]))
			lead[kept++] = lead[i];
	qsort_r(lead, kept, sizeof *lead, seed_order, (void *)map);
	return kept;
}

static void make_spot(struct nearest *t, unsigned first, unsigned last)
{
	const struct map_node *node = &t->map->nodes[t->node[first]];
	t->spot[t->n_spots++] =
		(struct spot){.at = path_vec(node->lat, node->lon),
			.bias_ms = node->bias_ms,
			.carriers = node->n_asn > 0,
			.placed = node->placed,
			.first = first,
			.last = last,
			.last_lead = first +
				find_leads(t->map, t->node + first,
					last - first, t->lead + first)};
	t->n_placed += node->placed;
}

static void make_spots(struct nearest *t)
{
	const struct map_node *nodes = t->map->nodes;
	for (unsigned i = 0, last; i < t->pool->n; i = last) {
		for (last = i + 1; last < t->pool->n &&
			equally_far(&nodes[t->node[i]], &nodes[t->node[last]]);)
			last++;
		make_spot(t, i, last);
	}
}

static float along(const struct vec *at, unsigned axis)
{
	return axis == 0 ? at->x : axis == 1 ? at->y : at->z;
}

static int spot_order(const void *a, const void *b, void *arg)
{
	const struct spot *x = a, *y = b;
	unsigned axis = *(const unsigned *)arg;
	float p = along(&x->at, axis), q = along(&y->at, axis);
	return p != q ? (p < q ? -1 : 1) : x->first < y->first ? -1 : 1;
}

static void enclose(const struct nearest *t, struct box *box)
{
	const struct map_node *nodes = t->map->nodes;
	box->site = nodes[t->node[t->spot[box->first].first]].site;
	for (unsigned a = 0; a < 3; a++) {
		box->low[a] = INFINITY;
		box->high[a] = -INFINITY;
	}
	box->bias_ms = INFINITY;
	for (unsigned i = box->first; i < box->last; i++) {
		const struct spot *s = &t->spot[i];
		for (unsigned a = 0; a < 3; a++) {
			box->low[a] = fminf(box->low[a], along(&s->at, a));
			box->high[a] = fmaxf(box->high[a], along(&s->at, a));
		}
		box->bias_ms = fminf(box->bias_ms, s->bias_ms);
		for (unsigned k = s->first; k < s->last; k++)
			if (nodes[t->node[k]].site != box->site)
				box->site = SITES_MIXED;
	}
}

static unsigned longest(const struct box *box)
{
	unsigned axis = 0;
	for (unsigned a = 1; a < 3; a++)
		if (box->high[a] - box->low[a] >
			box->high[axis] - box->low[axis])
			axis = a;
	return axis;
}

/* Makes a box and all in it. Halves are halves, so the depth is the logarithm
 * of the spots. */
static void nearest_split(struct nearest *t, unsigned index)
{
	struct box *box = &t->box[index];
	enclose(t, box);
	if (box->last - box->first <= LEAF_SPOTS)
		return;
	unsigned axis = longest(box), middle = (box->first + box->last) / 2;
	qsort_r(t->spot + box->first, box->last - box->first, sizeof *t->spot,
		spot_order, &axis);
	box->more = t->n_boxes;
	t->box[t->n_boxes++] =
		(struct box){.first = box->first, .last = middle};
	t->box[t->n_boxes++] = (struct box){.first = middle, .last = box->last};
	nearest_split(t, box->more);
	nearest_split(t, box->more + 1);
}

struct nearest *nearest_new(const struct map *map, const struct map_pool *pool)
{
	assert(pool->n > 0);
	struct nearest *t = mem_zero(1, sizeof *t);
	t->map = map;
	t->pool = pool;
	t->carrier_least = fminf(0, pool->carrier_ms);
	t->node = mem_alloc(pool->n * sizeof *t->node);
	t->lead = mem_alloc(pool->n * sizeof *t->lead);
	t->n_sites = find_leads(map, pool->node, pool->n, t->lead);
	memcpy(t->node, pool->node, pool->n * sizeof *t->node);
	qsort_r(t->node, pool->n, sizeof *t->node, nearest_order, (void *)map);
	t->spot = mem_zero(pool->n, sizeof *t->spot);
	make_spots(t);
	t->box = mem_zero(2 * (t->n_placed + 1), sizeof *t->box);
	if (t->n_placed) {
		t->box[0].last = t->n_placed;
		t->n_boxes = 1;
		nearest_split(t, 0);
	}
	return t;
}

void nearest_free(struct nearest *t)
{
	free(t->node);
	free(t->lead);
	free(t->spot);
	free(t->box);
	free(t);
}

/* -- searching -- */

struct search {
	const struct nearest *t;
	struct found *found;
	struct vec at;
	bool placed;
	uint32_t asn;
};

/* At most what path_between_ms makes of this, the carrier and the bias: the
 * first terms of twice the arc sine of half a chord. */
static float at_least_ms(const struct search *s, float square, float bias_ms)
{
	float chord = sqrtf(square);
	float arc = chord + chord * square * (1 / 24.0f + 3 / 640.0f * square);
	return 5 + MS_PER_RADIAN * arc + bias_ms + s->t->carrier_least -
		SLACK_MS;
}

static float outside(float x, float low, float high)
{
	return x < low ? low - x : x > high ? x - high : 0;
}

/* No path into the box is shorter. */
static float least_ms(const struct search *s, const struct box *box)
{
	float x = outside(s->at.x, box->low[0], box->high[0]);
	float y = outside(s->at.y, box->low[1], box->high[1]);
	float z = outside(s->at.z, box->low[2], box->high[2]);
	return at_least_ms(s, x * x + y * y + z * z, box->bias_ms);
}

static float spot_ms(const struct search *s, const struct spot *spot)
{
	const struct nearest *t = s->t;
	float ms = spot->placed && s->placed ? path_between_ms(spot->at, s->at)
					     : PATH_UNKNOWN_MS;
	if (spot->carriers &&
		path_crosses_carrier(
			&t->map->nodes[t->node[spot->first]], s->asn))
		ms += t->pool->carrier_ms;
	return ms + spot->bias_ms;
}

static void look_at_spot(const struct search *s, const struct spot *spot)
{
	struct found *f = s->found;
	const uint16_t *node = f->sites ? s->t->lead : s->t->node;
	unsigned last = f->sites ? spot->last_lead : spot->last;

	if (spot->placed && s->placed && is_full(f)) {
		float chord = path_chord(spot->at, s->at);
		if (at_least_ms(s, chord * chord, spot->bias_ms) > limit_ms(f))
			return;
	}
	float ms = spot_ms(s, spot);
	for (unsigned i = spot->first; i < last; i++)
		if (!nearest_keep(f, (struct ranked){ms, node[i]}))
			return;
}

static bool may_hold(const struct search *s, const struct box *box, float least)
{
	const struct found *f = s->found;
	if (f->sites && box->site != SITES_MIXED)
		for (unsigned i = 0; i < f->n_taken; i++)
			if (s->t->map->nodes[f->taken[i].node].site ==
				box->site)
				return false;
	return !s->placed || least <= limit_ms(f);
}

/* The nearer half first. */
static void look_into(
	const struct search *s, const struct box *box, float least)
{
	if (!may_hold(s, box, least))
		return;
	if (!box->more) {
		for (unsigned i = box->first; i < box->last; i++)
			look_at_spot(s, &s->t->spot[i]);
		return;
	}
	const struct box *half = &s->t->box[box->more];
	float ms[2] = {least_ms(s, &half[0]), least_ms(s, &half[1])};
	unsigned first = ms[1] < ms[0];
	look_into(s, &half[first], ms[first]);
	look_into(s, &half[!first], ms[!first]);
}

static void nearest_look_for(const struct search *s)
{
	const struct nearest *t = s->t;
	for (unsigned i = t->n_placed; i < t->n_spots; i++)
		look_at_spot(s, &t->spot[i]);
	if (t->n_boxes)
		look_into(s, &t->box[0], least_ms(s, &t->box[0]));
}

static unsigned count_sites(const struct found *f)
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->n; i++)
		n += !site_listed(f->map, f->list, i, f->list[i].node);
	return n;
}

unsigned nearest_find(
	const struct nearest *t, const struct place *place, struct ranked *list)
{
	struct found f = first_of(t->map, t->pool->n, list);
	struct search s = {.t = t,
		.found = &f,
		.at = path_vec(place->lat, place->lon),
		.placed = place->source != PLACE_UNKNOWN,
		.asn = place->asn};
	nearest_look_for(&s);
	if (f.n == t->pool->n)
		return f.n;
	struct found more = others_than(&f);
	unsigned left = t->n_sites - count_sites(&f);
	more.max = left < more.max ? left : more.max;
	s.found = &more;
	if (more.max)
		nearest_look_for(&s);
	return f.n + more.n;
}
