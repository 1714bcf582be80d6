/* A measured path as operators see it: which are bad, and how many. */
#include "paths/paths.h"
#include "state/path_shown.h"
#include "world.h"

static const char yaml[] = "nodes:\n"
			   " hk: {address: [127.0.0.10], at: [22.3, 114.2]}\n"
			   " jp: {address: [127.0.0.11], at: [35.7, 139.7]}\n"
			   " uk: {address: [127.0.0.12], at: [51.5, -0.1]}\n"
			   "steer: {live.example.com: {pool: [edge]}}\n";

static const struct place hong_kong = {
	.lat = 22.3f, .lon = 114.2f, .asn = 4760, .source = PLACE_NETS};

static struct {
	struct world w;
	struct paths *p;
	struct path_table *table;
	struct map *map;
	unsigned hk, jp, uk;
} t;

static int setup(void **state)
{
	world_open(&t.w, yaml);
	t.p = paths_new();
	paths_set_map(t.p, t.w.map);
	t.hk = (unsigned)map_find_node(t.w.map, "hk");
	t.jp = (unsigned)map_find_node(t.w.map, "jp");
	t.uk = (unsigned)map_find_node(t.w.map, "uk");
	return 0;
}

static int teardown(void **state)
{
	map_free(t.map);
	path_table_free(t.table);
	t.map = NULL;
	t.table = NULL;
	paths_free(t.p);
	world_close(&t.w);
	return 0;
}

/* Twelve networks of an AS in Hong Kong say it. */
static void say_of(uint32_t asn, unsigned node, float rtt_ms, float loss)
{
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		struct path_report r = {.net = i + 1,
			.place = hong_kong,
			.node = node,
			.rtt_ms = rtt_ms,
			.loss = loss,
			.viewers = 4};
		r.place.asn = asn;
		assert_true(paths_report(t.p, &r, 1000000));
	}
}

static void say(unsigned node, float rtt_ms, float loss)
{
	say_of(hong_kong.asn, node, rtt_ms, loss);
}

static void publish(void)
{
	paths_fit(t.p, 1000000);
	map_free(t.map);
	path_table_free(t.table);
	t.table = paths_table(t.p);
	t.map = map_with_paths(t.w.map, t.table);
}

static struct path_shown shown(const struct place *place, unsigned node)
{
	const struct path_area *area;
	const struct path_known *known =
		path_measured(t.map, place, node, &area);
	assert_non_null(known);
	return path_shown(t.map, area, known);
}

static void test_the_rule(void **state)
{
	static const struct {
		float rtt_ms, distance_ms, loss;
		bool bad;
	} rows[] = {{5, 5, 0, false}, {37, 5, 0, false}, {38, 5, 0, true},
		{329, 200, 0, false}, {330, 200, 0, true},
		{5, 5, 0.0199f, false}, {5, 5, 0.02f, true}, {5, 5, 1, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(path_is_bad(rows[i].rtt_ms,
					 rows[i].distance_ms, rows[i].loss),
			rows[i].bad);
}

static void test_what_is_shown(void **state)
{
	say(t.hk, 90, 0);
	say(t.jp, 60, 0.05f);
	say(t.uk, 190, 0);
	publish();
	struct path_shown hk = shown(&hong_kong, t.hk);
	assert_float_equal(hk.distance_ms, 5, 0.5);
	assert_float_equal(hk.rtt_ms, 90, 5);
	assert_float_equal(hk.loss_ms, 0, 0.1);
	assert_true(hk.bad);
	struct path_shown jp = shown(&hong_kong, t.jp);
	assert_float_equal(jp.rtt_ms, 60, 5); /* without the loss's cost */
	assert_float_equal(jp.loss, 0.05, 0.005);
	assert_true(jp.loss_ms > 200);
	assert_true(jp.bad);
	assert_false(shown(&hong_kong, t.uk).bad);
}

/* Each pair once, though the square of all ASes has them too; and nothing of what
 * was not measured. */
static void test_count(void **state)
{
	const struct path_area *area;
	assert_int_equal(path_count_bad(t.w.map), 0);
	assert_null(path_measured(t.w.map, &hong_kong, t.hk, &area));
	say(t.hk, 90, 0);
	say(t.uk, 190, 0);
	publish();
	assert_int_equal(path_count_bad(t.map), 1);
	assert_null(path_measured(t.map, &hong_kong, t.jp, &area));
	say(t.uk, 190, 0.03f);
	publish();
	assert_int_equal(path_count_bad(t.map), 2);
	say(t.uk, 190, 0);
	say(t.hk, 10, 0);
	publish();
	assert_int_equal(path_count_bad(t.map), 0);
}

/* Of three ASes of a square each is a pair, and their square none. */
static void test_count_of_a_square(void **state)
{
	say_of(4760, t.hk, 90, 0);
	say_of(9304, t.hk, 90, 0);
	say_of(9269, t.hk, 90, 0);
	publish();
	assert_int_equal(path_count_bad(t.map), 3);
}

/* A client whose AS is not known has the path of its square. */
static void test_no_as(void **state)
{
	struct place place = hong_kong;
	place.asn = 0;
	say(t.hk, 90, 0);
	publish();
	assert_true(shown(&place, t.hk).bad);
	const struct path_area *area;
	place = (struct place){0};
	assert_null(path_measured(t.map, &place, t.hk, &area));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		cmocka_unit_test(test_the_rule),
		TEST(test_what_is_shown),
		TEST(test_count),
		TEST(test_count_of_a_square),
		TEST(test_no_as),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
