/* The tree of a pool finds what a look at every node finds, in random worlds:
 * many nodes in few places, nodes without a place, equal paths, biases, carriers,
 * few sites and many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "state/nearest.h"

#define WORLDS 400
#define PLACES 40
#define NODES 300

struct random {
	struct rng rng;
	unsigned seed, towns, sites;
	float town[20][2];
	struct map_node node[NODES];
	uint16_t listed[NODES];
	struct map map;
	struct map_pool pool;
};

static unsigned below(struct random *r, unsigned n)
{
	return (unsigned)(rng_next(&r->rng) % n);
}

static void anywhere(struct random *r, float *lat, float *lon)
{
	const float *town = r->town[below(r, r->towns)];
	*lat = town[0];
	*lon = town[1];
	if (below(r, 3) == 0) {
		*lat += (float)rng_unit(&r->rng) * 4 - 2;
		*lon += (float)rng_unit(&r->rng) * 4 - 2;
	}
}

static void make_node(struct random *r, struct map_node *node)
{
	static const uint32_t asns[] = {4134, 4837, 9808};
	*node = (struct map_node){.name = "x",
		.site = 1 + below(r, r->sites),
		.placed = below(r, 8) > 0,
		.seed = rng_next(&r->rng),
		.asn = asns + below(r, 2),
		.n_asn = below(r, 3)};
	if (node->placed)
		anywhere(r, &node->lat, &node->lon);
	if (below(r, 4) == 0)
		node->bias_ms = (float)below(r, 5) * 7 - 10;
}

static void make_world(struct random *r, unsigned seed)
{
	*r = (struct random){.rng = {seed}, .seed = seed};
	r->towns = 1 + below(r, 20);
	r->sites = below(r, 2) ? 1 + below(r, 6) : NODES;
	for (unsigned i = 0; i < r->towns; i++) {
		r->town[i][0] = (float)rng_unit(&r->rng) * 170 - 85;
		r->town[i][1] = (float)rng_unit(&r->rng) * 352 - 176;
	}
	r->pool.n = 1 + below(r, below(r, 4) ? NODES : 20);
	for (unsigned i = 0; i < NODES; i++) {
		make_node(r, &r->node[i]);
		r->listed[i] = (uint16_t)i;
	}
	for (unsigned i = 0; i < NODES; i++) { /* in any order */
		unsigned k = below(r, NODES);
		uint16_t other = r->listed[k];
		r->listed[k] = r->listed[i];
		r->listed[i] = other;
	}
	r->pool.node = r->listed;
	r->pool.carrier_ms = (float)below(r, 3) * 15;
	r->map = (struct map){.nodes = r->node, .n_nodes = NODES};
}

static struct place make_place(struct random *r)
{
	static const uint32_t asns[] = {0, 4134, 4837, 9808, 1};
	struct place p = {.source = PLACE_DATABASE, .asn = asns[below(r, 5)]};
	if (below(r, 10) == 0)
		p.source = PLACE_UNKNOWN;
	else if (below(r, 3))
		anywhere(r, &p.lat, &p.lon);
	else {
		p.lat = (float)rng_unit(&r->rng) * 178 - 89;
		p.lon = (float)rng_unit(&r->rng) * 358 - 179;
	}
	return p;
}

/* -- looking at all -- */

struct rated {
	float path;
	uint64_t seed;
	uint16_t node;
};

static int rated_order(const void *a, const void *b)
{
	const struct rated *x = a, *y = b;
	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static bool has_site(const struct random *r, const struct ranked *list,
	unsigned n, uint16_t node)
{
	for (unsigned i = 0; i < n; i++)
		if (r->node[list[i].node].site == r->node[node].site)
			return true;
	return false;
}

static unsigned look_at_all(
	const struct random *r, const struct rated *all, struct ranked *list)
{
	unsigned n = 0;
	unsigned nearest =
		r->pool.n <= MAP_CANDIDATES ? r->pool.n : MAP_NEAREST;
	for (; n < nearest; n++)
		list[n] = (struct ranked){all[n].path, all[n].node};
	for (unsigned i = n; i < r->pool.n && n < MAP_CANDIDATES; i++)
		if (!has_site(r, list, n, all[i].node))
			list[n++] = (struct ranked){all[i].path, all[i].node};
	return n;
}

static void check(const struct random *r, const struct ranked *expected,
	unsigned n_expected, const struct ranked *list, unsigned n)
{
	if (n != n_expected)
		fail_msg("world %u: %u instead of %u", r->seed, n, n_expected);
	for (unsigned i = 0; i < n; i++)
		if (list[i].node != expected[i].node ||
			list[i].path != expected[i].path)
			fail_msg("world %u, %u: node %u at %.9g instead of %u "
				 "at %.9g",
				r->seed, i, list[i].node, list[i].path,
				expected[i].node, expected[i].path);
}

static void test_same_as_all(void **state)
{
	static struct random r;
	struct rated all[NODES];
	struct ranked paths[NODES];
	struct ranked expected[MAP_CANDIDATES], list[MAP_CANDIDATES];

	for (unsigned world = 0; world < WORLDS; world++) {
		make_world(&r, world);
		struct nearest *tree = nearest_new(&r.map, &r.pool);
		for (unsigned k = 0; k < PLACES; k++) {
			struct place place = make_place(&r);
			for (unsigned i = 0; i < r.pool.n; i++) {
				uint16_t node = r.listed[i];
				paths[i] = (struct ranked){
					map_path_ms(
						&r.map, &r.pool, &place, node),
					node};
				all[i] = (struct rated){
					paths[i].path, r.node[node].seed, node};
			}
			qsort(all, r.pool.n, sizeof *all, rated_order);
			unsigned n = look_at_all(&r, all, expected);
			check(&r, expected, n, list,
				nearest_find(tree, &place, list));
			check(&r, expected, n, list,
				nearest_among(&r.map, paths, r.pool.n, list));
		}
		nearest_free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
