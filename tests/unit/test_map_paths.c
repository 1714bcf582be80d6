/* The map with paths as measured: the candidates of each place are those that a look at
 * all nodes by their believed paths finds, as far as they were measured; and what was
 * not measured stays as it was. */
#include "base/rng.h"
#include "paths/paths.h"
#include "state/nearest.h"
#include "world.h"

#define WORLDS 60
#define NODES_MAX 60
#define PLACES 30

struct scene {
	struct rng rng;
	struct geo *geo;
	struct map *map, *measured;
	struct paths *paths;
	struct path_table *table;
	struct place place[PLACES];
	uint32_t index[PLACES]; /* in the geo table */
};

static unsigned below(struct scene *s, unsigned n)
{
	return (unsigned)(rng_next(&s->rng) % n);
}

static struct map *make_map(struct scene *s, unsigned nodes)
{
	static char text[16000];
	size_t n = (size_t)snprintf(text, sizeof text, "nodes:\n");
	for (unsigned i = 0; i < nodes; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n,
			" n%u: {address: [10.9.0.%u], site: s%u, at: [%u, %u]%s}\n",
			i, i + 1, below(s, 20), below(s, 60), below(s, 60),
			below(s, 4) ? "" : ", asn: [7018]");
	}
	snprintf(text + n, sizeof text - n,
		"steer:\n"
		" live.example.com: {pool: [edge]}\n"
		" map.example.com: {pool: [edge], paths: {measured: false}}\n");
	struct conf *conf = world_conf(text);
	struct map *map = map_build(conf, s->geo, 1, NULL);
	conf_free(conf);
	return map;
}

static void make_places(struct scene *s)
{
	static const uint32_t asns[] = {0, 4134, 4837};
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < PLACES; i++) {
		char net[32];
		struct prefix p;
		snprintf(net, sizeof net, "20.%u.0.0/16", i);
		assert_true(prefix_parse(&p, net, true));
		s->place[i] = (struct place){.lat = (float)below(s, 240) / 4,
			.lon = (float)below(s, 240) / 4,
			.asn = asns[below(s, 3)],
			.source = PLACE_NETS};
		if (i && below(s, 3) == 0) { /* near another one */
			s->place[i] = s->place[i - 1];
			s->place[i].asn = asns[below(s, 3)];
			s->place[i].lat += 0.05f;
		}
		geo_builder_add(b, 0, &p, &s->place[i]);
	}
	s->geo = geo_build(b);
	for (unsigned i = 0; i < PLACES; i++) {
		struct addr a;
		char text[32];
		snprintf(text, sizeof text, "20.%u.3.4", i);
		assert_true(addr_parse(&a, text));
		s->index[i] = geo_find(s->geo, &a).place;
		s->place[i] = *geo_place(s->geo, s->index[i]);
	}
}

static void make_reports(struct scene *s)
{
	for (unsigned i = below(s, 400); i; i--) {
		struct path_report r = {.net = 1 + below(s, 50),
			.place = s->place[below(s, PLACES)],
			.node = below(s, s->map->n_nodes),
			.rtt_ms = 1 + (float)below(s, 300),
			.loss = (float)below(s, 10) / 100,
			.viewers = 1 + below(s, 9),
			.by = PATH_BY_NODE};
		paths_report(s->paths, &r, 1000000);
	}
	paths_fit(s->paths, 1000000);
}

static void open_scene(struct scene *s, unsigned seed)
{
	*s = (struct scene){0};
	s->rng = (struct rng){seed};
	make_places(s);
	s->map = make_map(s, 1 + below(s, seed % 2 ? 16 : NODES_MAX));
	s->paths = paths_new();
	paths_set_map(s->paths, s->map);
	make_reports(s);
	s->table = paths_table(s->paths);
	s->measured = map_with_paths(s->map, s->table);
}

static void close_scene(struct scene *s)
{
	map_free(s->measured);
	path_table_free(s->table);
	paths_free(s->paths);
	map_free(s->map);
	geo_free(s->geo);
}

static bool among(const struct candidates *c, unsigned node)
{
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (c->slot[i].node == node)
			return true;
	return false;
}

static const struct candidates *candidates_of(
	const struct map *map, unsigned name, uint32_t place)
{
	return map_candidates(map, map->names[name].of, place, 7);
}

/* Each path is what map_path_ms() says, and they ascend. */
static void check_paths(const struct scene *s, const struct candidates *c,
	const struct place *place)
{
	const struct map_pool *pool = s->measured->names[0].of;
	struct place middle = map_cell_middle(place);
	float before = -INFINITY;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		if (c->slot[i].node == MAP_NO_NODE)
			break;
		float path = candidate_path_ms(c->slot[i]);
		assert_float_equal(path,
			map_path_ms(
				s->measured, pool, &middle, c->slot[i].node),
			0.1);
		assert_true(i == 0 || i >= MAP_NEAREST || path >= before);
		before = path;
	}
}

/* A node that was measured from here, and is nearer than the last of the nearest, is
 * among them. */
static void check_none_is_missing(const struct scene *s,
	const struct candidates *c, const struct place *place)
{
	const struct map_pool *pool = s->measured->names[0].of;
	struct place middle = map_cell_middle(place);
	bool all = pool->n <= MAP_CANDIDATES;
	for (unsigned k = 0; k < pool->n; k++) {
		unsigned node = pool->node[k];
		if (all)
			assert_true(among(c, node));
		const struct path_area *area =
			map_path_area(s->measured, pool, place);
		if (area && path_table_known(s->table, area, node) &&
			map_path_ms(s->measured, pool, &middle, node) <
				candidate_path_ms(c->slot[MAP_NEAREST - 1]) -
					0.1f)
			assert_true(among(c, node));
	}
}

static void test_candidates(void **state)
{
	unsigned n_measured = 0;
	for (unsigned seed = 0; seed < WORLDS; seed++) {
		struct scene s;
		open_scene(&s, seed);
		for (unsigned i = 0; i < PLACES; i++) {
			const struct candidates *c =
				candidates_of(s.measured, 0, s.index[i]);
			const struct candidates *was =
				candidates_of(s.map, 0, s.index[i]);
			bool known =
				path_table_area(s.table,
					path_area_key(&s.place[i])) != NULL;
			n_measured += known;
			check_paths(&s, c, &s.place[i]);
			check_none_is_missing(&s, c, &s.place[i]);
			if (!known)
				assert_memory_equal(c, was, sizeof *c);
			/* A name that keeps to distance, and unknown places. */
			assert_memory_equal(
				candidates_of(s.measured, 1, s.index[i]),
				candidates_of(s.map, 1, s.index[i]), sizeof *c);
			assert_memory_equal(candidates_of(s.measured, 0, 0),
				candidates_of(s.map, 0, 0), sizeof *c);
		}
		close_scene(&s);
	}
	assert_true(n_measured > WORLDS * 5);
}

/* A pool of more nodes than candidates: one that is far and was measured to be fast
 * comes first. */
static void test_fast_and_far(void **state)
{
	struct scene s = {0};
	s.rng = (struct rng){77};
	make_places(&s);
	s.map = make_map(&s, NODES_MAX);
	s.paths = paths_new();
	paths_set_map(s.paths, s.map);
	unsigned far = 0;
	const struct map_pool *pool = s.map->names[0].of;
	for (unsigned i = 0; i < s.map->n_nodes; i++)
		if (map_path_ms(s.map, pool, &s.place[0], i) >
			map_path_ms(s.map, pool, &s.place[0], far))
			far = i;
	float fast = map_path_ms(s.map, pool, &s.place[0], far) / 2;
	for (unsigned i = 0; i < s.map->n_nodes; i++)
		for (unsigned net = 1; net < 5; net++) {
			struct path_report r = {.net = net,
				.place = s.place[0],
				.node = i,
				.rtt_ms = i == far ? fast : 300,
				.viewers = 3,
				.by = PATH_BY_NODE};
			assert_true(paths_report(s.paths, &r, 1000000));
		}
	paths_fit(s.paths, 1000000);
	s.table = paths_table(s.paths);
	s.measured = map_with_paths(s.map, s.table);
	assert_false(among(candidates_of(s.map, 0, s.index[0]), far));
	assert_int_equal(
		candidates_of(s.measured, 0, s.index[0])->slot[0].node, far);
	close_scene(&s);
}

/* A node of another pool is no candidate, however fast it was measured. */
static void test_other_pool(void **state)
{
	struct scene s = {.rng = {78}};
	make_places(&s);
	struct conf *conf = world_conf(
		"nodes:\n"
		" e: {role: edge, address: [10.9.0.1], at: [10, 10]}\n"
		" r: {role: relay, address: [10.9.0.2], at: [20, 10]}\n"
		"steer:\n"
		" live.example.com: {pool: [edge]}\n"
		" up.example.com: {pool: [relay]}\n");
	s.map = map_build(conf, s.geo, 1, NULL);
	conf_free(conf);
	s.paths = paths_new();
	paths_set_map(s.paths, s.map);
	for (unsigned i = 0; i < 2; i++) {
		struct path_report r = {.net = 1,
			.place = s.place[0],
			.node = i,
			.rtt_ms = 150,
			.viewers = 3,
			.by = PATH_BY_NODE};
		assert_true(paths_report(s.paths, &r, 1000000));
	}
	paths_fit(s.paths, 1000000);
	s.table = paths_table(s.paths);
	s.measured = map_with_paths(s.map, s.table);
	static const char *const names[] = {"e", "r"};
	for (unsigned i = 0; i < 2; i++) {
		const struct candidates *c =
			candidates_of(s.measured, i, s.index[0]);
		assert_string_equal(
			s.map->nodes[c->slot[0].node].name, names[i]);
		assert_int_equal(c->slot[1].node, MAP_NO_NODE);
	}
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_fast_and_far),
		cmocka_unit_test(test_other_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
