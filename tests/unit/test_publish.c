/* The load that is published: what decisions read of each node, and where it lies. */
#include "scene.h"

#include "memory.h"

#define CAPACITY 1000.0f

static const char five[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], site: s1}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], site: s2}\n"
	"  c: {address: [192.0.2.3], at: [35.7, 139.7], site: s3}\n"
	"  d: {address: [192.0.2.4], at: [35.7, 139.7], site: s4}\n"
	"  e: {address: [192.0.2.5], at: [51.5, -0.1], site: s5}\n"
	"steer: {live.example.com: {pool: [edge]}}\n";

/* A sample that was counted now, of one of a node's runs; it needs no CPU. */
static void poll_run(
	struct scene *s, unsigned node, uint32_t connections, uint64_t run)
{
	struct sample one = scene_sample(s, connections);
	one.sampled_ms = one.node_ms;
	one.cpu = 0;
	one.identity = run;
	fleet_sample(s->fleet, node, &one, s->now);
}

static void poll_ok(struct scene *s, unsigned node, uint32_t connections)
{
	poll_run(s, node, connections, 77);
}

/* -- one node -- */

/* Used is what the forecast says, and as much more as the samples were off what was
 * expected of them: up to a tenth. */
static void test_margin(void **state)
{
	static const uint32_t seen[2][6] = {{100, 400, 100, 400, 100, 400},
		{0, 400, 800, 1200, 1600, 2000}};
	float most = 0;
	(void)state;
	for (unsigned row = 0; row < 2; row++) {
		struct scene s;
		struct forecast_fleet all = {.second = 1000, .servers = 1};
		struct forecast f = {0};
		scene_open(&s, five);
		all.session_s = s.w.map->session_s;
		for (unsigned i = 0; i < 6; i++) {
			poll_ok(&s, 0, seen[row][i]);
			forecast_advance(&all, &f, 1, s.now);
			forecast_sample(
				&all, &f, (float)seen[row][i], CAPACITY, s.now);
			float margin = fminf(0.1f, f.gain * sqrtf(f.noise));
			const struct load_node *n = scene_publish(&s)->node;
			assert_float_equal(
				n->used, f.viewers / CAPACITY + margin, 1e-5);
			assert_float_equal(n->growth,
				forecast_growth(&all, &f, s.now) / CAPACITY,
				1e-6);
			assert_true(!i || margin > 0.01f);
			assert_true(i != 5 || !row || n->growth > 0.1f);
			most = fmaxf(most, f.gain * sqrtf(f.noise));
			s.now += STEP;
		}
		scene_close(&s);
	}
	assert_true(most > 0.11f);
}

/* A node of which there was no sample yet has what is known of it, and no margin. */
static void test_before_samples(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	fleet_restore(s.fleet, 0, NODE_UP, 250);
	const struct load_node *n = scene_publish(&s)->node;
	assert_float_equal(n[0].used, 0.25, 1e-6);
	assert_float_equal(n[0].per_viewer, 0.001, 1e-6);
	assert_float_equal(n[0].growth, 0, 0);
	assert_float_equal(n[1].used, 0, 0);
	scene_close(&s);
}

/* Without samples it goes on by itself: viewers leave, also if nothing else happens
 * than that the load is published. */
static void test_alone(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	poll_ok(&s, 0, 500);
	s.now += 60000;
	float left = 37.5f / s.w.map->session_s;
	assert_float_equal(
		scene_publish(&s)->node[0].used, 0.5f * (1 - left), 1e-5);
	scene_close(&s);
}

static const char low[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 300}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], capacity: 300}\n"
	"  c: {address: [192.0.2.3], at: [22.3, 114.2], capacity: 300, overcommit: 1}\n"
	"  o: {role: origin, address: [192.0.2.4], at: [22.3, 114.2]}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge]}\n"
	"  all.example.com: {pool: [edge, origin]}\n";

/* So many viewers, in steps, on nodes whose CPU is at the end with so many. */
static const struct load_node *grow(
	struct scene *s, float viewers, const float *end)
{
	for (int i = 0; i < 120; i++) {
		float n = fminf(viewers, 30 + (float)i * viewers / 100);
		scene_pass(s, STEP);
		s->bytes += (uint64_t)n * 375000;
		for (unsigned k = 0; k < 3; k++) {
			struct sample one = scene_sample(s, (uint32_t)n);
			one.cpu = fminf(1, 0.02f + 0.9f * n / end[k]);
			fleet_sample(s->fleet, k, &one, s->now);
		}
	}
	return scene_publish(s)->node;
}

/* Where a whole pool has more viewers than its nodes may be given, CPU says which of
 * them can bear it. One that may never be given more than is configured is left. */
static void test_more_than_full(void **state)
{
	static const float end[] = {1400, 700, 1400};
	struct scene s;
	(void)state;
	scene_open(&s, low);
	fleet_restore(s.fleet, 3, NODE_UP, 0);
	const struct load_node *n = grow(&s, 290, end);
	assert_float_equal(n[0].used, 290 / 600.0, 0.02);
	n = grow(&s, 700, end);
	assert_true(
		n[0].used > 1.1f); /* all.example.com has room: the origin */
	fleet_restore(s.fleet, 3, NODE_UP, 1500);
	n = scene_publish(&s)->node;
	assert_true(n[0].used < 0.8f);
	assert_true(n[0].per_viewer < 0.0013f);
	assert_true(n[1].used > 0.95f && n[1].used < 1.1f);
	assert_float_equal(n[2].used, 700 / 300.0, 0.05);
	/* It is no more than full is said of a capacity that is shown. */
	assert_float_equal(fleet_capacity(s.fleet, 0), 600, 0.1);
	scene_close(&s);
}

/* What most decisions read is of the same load. */
static void test_brief(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 4; i++)
		poll_ok(&s, i, 100 + 100 * i);
	const struct load *load = scene_publish(&s);
	for (unsigned i = 0; i < 5; i++) {
		const struct load_brief *brief = &load->brief[i];
		assert_true(brief->seed == s.w.map->nodes[i].seed);
		assert_int_equal(brief->area, s.w.map->nodes[i].area);
		assert_true(brief->used == load->node[i].used);
		assert_true(brief->per_viewer == load->node[i].per_viewer);
		assert_int_equal(load_is_up(load, i), i < 4);
	}
	scene_close(&s);
}

/* A node that was started again has a fifth of its room, or as much as it carries
 * already and half as much again; its weight is that of this room. */
static void test_room(void **state)
{
	static const struct {
		uint32_t viewers;
		float room;
	} rows[] = {{10, 0.2f}, {325, 0.5f}, {900, 1}};
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 3; i++)
		poll_ok(&s, i, 50);
	assert_true(scene_publish(&s)->all_room);
	s.now += STEP;
	for (unsigned i = 0; i < 3; i++)
		poll_run(&s, i, rows[i].viewers, 78);
	const struct load *load = scene_publish(&s);
	assert_false(load->all_room);
	for (unsigned i = 0; i < 3; i++) {
		assert_float_equal(load->node[i].room, rows[i].room, 1e-5);
		assert_float_equal(load->node[i].ln_weight,
			logf(CAPACITY * rows[i].room), 1e-4);
	}
	scene_close(&s);
}

/* One failed poll costs 40 ms until there is a second: then it is down. */
static void test_suspect(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 5; i++)
		poll_ok(&s, i, 10);
	assert_float_equal(scene_publish(&s)->node[0].penalty_ms, 0, 0);
	fleet_failed(s.fleet, 0, SAMPLE_TIMEOUT, s.now);
	assert_float_equal(scene_publish(&s)->node[0].penalty_ms, 40, 0);
	assert_float_equal(s.load->node[1].penalty_ms, 0, 0);
	fleet_failed(s.fleet, 0, SAMPLE_TIMEOUT, s.now);
	assert_int_equal(scene_publish(&s)->node[0].state, NODE_DOWN);
	assert_float_equal(s.load->node[0].penalty_ms, 0, 0);
	scene_close(&s);
}

/* A node that no poll reaches any more costs 200 ms, beside what a failed poll costs. */
static void test_empty(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned t = 0; t < 2; t++) {
		for (unsigned i = 0; i < 5; i++)
			poll_ok(&s, i, 100);
		s.now += STEP;
	}
	scene_promise(&s, 0, 50);
	s.now += STEP;
	poll_ok(&s, 0, 0);
	assert_float_equal(scene_publish(&s)->node[0].penalty_ms, 200, 0);
	fleet_failed(s.fleet, 0, SAMPLE_TIMEOUT, s.now);
	assert_float_equal(scene_publish(&s)->node[0].penalty_ms, 240, 0);
	scene_close(&s);
}

/* Viewers of a dead node that are on their way are in what is used of another, but not
 * in what it is known to use by itself. */
static void test_displaced(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 5; i++)
		poll_ok(&s, i, 300);
	scene_promise(&s, 1, 40);
	fleet_failed(s.fleet, 0, SAMPLE_REFUSED, s.now);
	const struct load_node *n = &scene_publish(&s)->node[1];
	assert_true(n->reserved > 150);
	assert_float_equal(n->used, 0.3f + n->reserved / CAPACITY, 1e-5);
	assert_float_equal(
		fleet_node(s.fleet, 1)->used, 0.3 + 40 * 1.25 / CAPACITY, 1e-5);
	scene_close(&s);
}

/* As long as a single one of 255 parts comes back, decisions know it. */
static void test_returning(void **state)
{
	struct scene s;
	unsigned last = 255;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 5; i++)
		poll_ok(&s, i, 100);
	for (unsigned i = 0; i < 2; i++)
		fleet_failed(s.fleet, 0, SAMPLE_REFUSED, s.now);
	while (scene_publish(&s)->node[0].returning) {
		last = s.load->node[0].returning;
		assert_true(s.load->any_returning);
		s.now += 1000;
	}
	assert_int_equal(last, 1);
	assert_false(s.load->any_returning);
	scene_close(&s);
}

/* -- all nodes -- */

/* A node that the configuration has no more is down and full. */
static void test_gone(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	struct conf *conf =
		world_conf("nodes:\n"
			   "  b: {address: [192.0.2.2], at: [22.3, 114.2]}\n"
			   "steer: {live.example.com: {pool: [edge]}}\n");
	struct map *map = map_build(conf, s.w.geo, 1, s.w.map);
	conf_free(conf);
	fleet_set_map(s.fleet, map, &scene_rules, s.now);
	poll_ok(&s, 1, 100);
	const struct load *load = scene_publish(&s);
	assert_int_equal(load->n, 5);
	for (unsigned i = 0; i < 5; i++) {
		if (i == 1)
			continue;
		const struct load_node *n = &load->node[i];
		assert_int_equal(n->state, NODE_DOWN);
		assert_float_equal(n->used, 1, 0);
		assert_float_equal(n->room, 1, 0);
		assert_float_equal(n->per_viewer, 1, 0);
		assert_float_equal(
			n->ln_weight + n->growth + n->penalty_ms + n->reserved,
			0, 0);
	}
	/* nor is it waited for */
	assert_true(load->ready);
	fleet_set_map(s.fleet, s.w.map, &scene_rules, s.now);
	scene_close(&s);
	map_free(map);
}

/* It is ready when all have been heard of, the first as the last one; a node that is
 * added later changes nothing of that. */
static void test_ready(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 1; i < 5; i++)
		poll_ok(&s, i, 10);
	assert_false(scene_publish(&s)->ready);
	assert_int_equal(s.load->generation, 1);
	poll_ok(&s, 0, 10);
	assert_true(scene_publish(&s)->ready);
	assert_int_equal(s.load->generation, 2);
	struct conf *conf =
		world_conf("nodes: {new: {address: [192.0.2.9], at: [1, 1]}}\n"
			   "steer: {live.example.com: {pool: [edge]}}\n");
	struct map *map = map_build(conf, s.w.geo, 1, s.w.map);
	conf_free(conf);
	fleet_set_map(s.fleet, map, &scene_rules, s.now);
	fleet_watch(s.fleet, 5, true, true);
	assert_true(scene_publish(&s)->ready);
	fleet_set_map(s.fleet, s.w.map, &scene_rules, s.now);
	scene_close(&s);
	map_free(map);
}

/* Nor is it waited for nodes that are not watched. */
static void test_ready_unwatched(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 5; i++) {
		assert_false(scene_publish(&s)->ready);
		fleet_watch(s.fleet, i, false, false);
	}
	assert_true(scene_publish(&s)->ready);
	scene_close(&s);
}

/* Room is kept for a class where answers of the last minute sent viewers: also at the
 * first node, and not where they were sent before that. */
static void test_class(void **state)
{
	struct scene s;
	(void)state;
	scene_open(&s, five);
	for (unsigned i = 0; i < 5; i++)
		poll_ok(&s, i, 0);
	scene_promise(&s, 1, 400);
	s.now += 62000;
	scene_promise(&s, 0, 400);
	s.now += 1000;
	for (unsigned i = 0; i < 5; i++)
		poll_ok(&s, i, 0);
	float before = scene_publish(&s)->node[0].reserved;
	struct schedule_entry class = {
		.at_ms = s.now, .over_ms = 60000, .viewers = 100};
	fleet_schedule(s.fleet, &class, 1);
	const struct load_node *n = scene_publish(&s)->node;
	assert_true(n[0].reserved > before + 60);
	assert_true(n[1].reserved < 15);
	assert_float_equal(n[1].reserved, n[2].reserved, 0.1);
	size_t taken = memory_of_heap();
	for (unsigned i = 0; i < 100; i++)
		scene_publish(&s);
	assert_true(memory_of_heap() < taken + 1000);
	scene_close(&s);
}

/* -- nodes with room -- */

#define MANY 20

/* Nodes of one pool; the first five of a capacity four times as large. */
static void open_many(struct scene *s, unsigned n)
{
	char yaml[4096];
	int at = snprintf(yaml, sizeof yaml, "nodes:\n");
	for (unsigned i = 0; i < n; i++)
		at += snprintf(yaml + at, sizeof yaml - (size_t)at,
			"  n%u: {address: [192.0.2.%u], at: [1, 1], capacity: %u}\n",
			i, i + 1, i < 5 ? 4000 : 1000);
	snprintf(yaml + at, sizeof yaml - (size_t)at,
		"steer: {live.example.com: {pool: [edge]}}\n");
	scene_open(s, yaml);
}

/* Of a pool larger than the candidates of a cell: the sixteen with room for most
 * viewers, most first; those with as much in the order of the configuration. */
static void test_spare(void **state)
{
	static const uint32_t viewers[MANY] = {3899, 2000, 3300, 3999, 3990,
		310, 50, 290, 600, 20, 500, 500, 10, 999, 5, 500, 700, 901, 800,
		900};
	static const unsigned order[MAP_CANDIDATES] = {
		1, 14, 12, 9, 6, 7, 2, 5, 10, 11, 15, 8, 16, 18, 0, 19};
	struct scene s;
	(void)state;
	open_many(&s, MANY);
	for (unsigned i = 0; i < MANY; i++)
		poll_ok(&s, i, viewers[i]);
	const struct load *load = scene_publish(&s);
	for (unsigned k = 0; k < MAP_CANDIDATES; k++)
		assert_int_equal(load->spare[0][k], order[k]);
	scene_close(&s);
}

/* Only nodes that are up; after the last one nothing. */
static void test_spare_up(void **state)
{
	struct scene s;
	(void)state;
	open_many(&s, MANY);
	for (unsigned i = 0; i < MANY; i += 2)
		poll_ok(&s, i, 10 * i);
	fleet_drain(s.fleet, 0, true);
	const struct load *load = scene_publish(&s);
	for (unsigned k = 0; k < MAP_CANDIDATES; k++)
		assert_int_equal(
			load->spare[0][k], k < 9 ? 2 * k + 2 : MAP_NO_NODE);
	scene_close(&s);
}

/* A pool that is no larger is among the candidates of each cell: it has none. Of one
 * node more the last one is left out, as it has no more room than that before it. */
static void test_spare_small(void **state)
{
	(void)state;
	for (unsigned n = MAP_CANDIDATES; n <= MAP_CANDIDATES + 1; n++) {
		struct scene s;
		open_many(&s, n);
		for (unsigned i = 0; i < n; i++)
			poll_ok(&s, i, 10);
		const struct load *load = scene_publish(&s);
		for (unsigned k = 0; k < MAP_CANDIDATES; k++)
			assert_int_equal(load->spare[0][k],
				n == MAP_CANDIDATES ? MAP_NO_NODE : k);
		scene_close(&s);
	}
}

/* -- where it lies -- */

static const char *after(const void *part, size_t size)
{
	assert_int_equal((uintptr_t)part % 64, 0);
	return (const char *)part + size;
}

/* All of it is one block; each part begins a cache line, after the end of the part
 * before. */
static void test_block(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= MANY; n++) {
		struct scene s;
		open_many(&s, n);
		s.w.map->stable = true;
		const struct load *load = scene_publish(&s);
		const char *end = after(load, sizeof *load);
		assert_true((const char *)load->node >= end);
		end = after(load->node, n * sizeof *load->node);
		assert_true((const char *)load->brief >= end);
		end = after(load->brief, n * sizeof *load->brief);
		assert_true((const char *)load->spare >= end);
		end = after(load->spare, sizeof *load->spare);
		assert_true((const char *)load->stability >= end);
		end = after(load->stability, n * sizeof *load->stability);
		assert_true(
			(const char *)load + malloc_usable_size(s.load) >= end);
		scene_close(&s);
	}
}

static const char two_pools[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [1, 1]}\n"
	"  b: {address: [192.0.2.2], at: [1, 1]}\n"
	"  c: {address: [192.0.2.3], at: [1, 1]}\n"
	"  d: {address: [192.0.2.4], at: [1, 1]}\n"
	"  e: {address: [192.0.2.5], at: [1, 1]}\n"
	"steer: {live.example.com: {pool: [edge]%s}, b.example.com: {pool: [a, b]%s}}\n";

/* What is known of the stability of nodes is there if some name needs it. */
static void test_stability(void **state)
{
	struct stability back = {.grade = 3, .lost = 0.5f};
	(void)state;
	const char *policy = ", policy: stable";
	for (unsigned stable = 0; stable < 3; stable++) {
		struct scene s;
		char yaml[sizeof two_pools + 40];
		snprintf(yaml, sizeof yaml, two_pools,
			stable == 1 ? policy : "", stable == 2 ? policy : "");
		scene_open(&s, yaml);
		assert_int_equal(s.w.map->n_pools, 2);
		fleet_restore_stability(s.fleet, 0, &back);
		fleet_restore_stability(s.fleet, 4, &back);
		const struct load *load = scene_publish(&s);
		assert_int_equal(load->stability != NULL, stable != 0);
		if (!stable) {
			scene_close(&s);
			continue;
		}
		for (unsigned i = 0; i < 5; i++) {
			bool bad = i % 4 == 0; /* so much lost: grade 3 */
			assert_int_equal(
				s.load->stability[i].grade, bad ? 3 : 0);
			assert_memory_equal(&s.load->stability[i],
				&fleet_node(s.fleet, i)->stability,
				sizeof *s.load->stability);
			assert_int_equal(s.load->node[i].unstable_ms,
				bad ? 3 * (int)STABILITY_STEP_MS : 0);
		}
		scene_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_margin),
		cmocka_unit_test(test_before_samples),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_more_than_full),
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_suspect),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_displaced),
		cmocka_unit_test(test_returning),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_ready_unwatched),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_spare_up),
		cmocka_unit_test(test_spare_small),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_stability),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
