/* The parts of a score: what load and distrust cost, the TTL of an answer, the draw. */
#include "world.h"

#include "steer/score.h"

static int setup(void **state)
{
	static struct world w;
	world_open(&w,
		"nodes:\n"
		"  hk: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  jp: {address: [192.0.2.2], at: [35.7, 139.7]}\n"
		"steer: {live.example.com: {pool: [edge], ttl: [5, 60]}}\n");
	*state = &w;
	return 0;
}

/* The most of `ttl`; less where more than 5 viewers would share the answer, or where it
 * is more than half of the time until the node is full; the least where it is. */
static void test_ttl(void **state)
{
	static const struct {
		float growth, demand, used;
		uint32_t ttl_s;
	} rows[] = {
		{0, 0, 0, 60},
		{0, 0.08f, 0, 60},     /* 4.8 viewers */
		{0, 0.1f, 0, 50},      /* 5 in 50 s */
		{0, 10, 0, 5},         /* never less than the least */
		{0.01f, 0, 0.45f, 25}, /* full in 50 s */
		{0.01f, 0.5f, 0.45f, 10},
		{0.01f, 0.1f, 0.45f, 25},
		{0.001f, 0, 0.45f, 60},   /* full in 500 s */
		{0.0001f, 0, 0.945f, 60}, /* so little is no growth */
		{0.0002f, 0, 0.945f, 12},
		{0, 0, 0.94f, 60},
		{0, 0, COST_FULL, 5},
		{0, 0, 2, 5},
	};
	struct world *w = *state;
	const struct map_name *name = &w->map->names[0];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t got = score_ttl_s(name, &w->load, rows[i].growth,
			rows[i].demand, rows[i].used);
		if (got + 1 < rows[i].ttl_s || got > rows[i].ttl_s)
			fail_msg("row %zu: %u s", i, got);
	}
	/* while the GeoIP data are read it may be wrong */
	w->load.provisional = true;
	assert_int_equal(score_ttl_s(name, &w->load, 0, 0, 0), 5);
}

/* A node that ramps up counts as fuller than it is. */
static void test_price_of_a_ramp(void **state)
{
	struct load_node load = {.room = 1};
	(void)state;
	assert_float_equal(score_price_ms(&load, 0.9f), cost_price_ms(0.9f), 0);
	assert_float_equal(score_price_ms(&load, 0.45f), 0, 0);
	load.room = 0.5f;
	assert_float_equal(
		score_price_ms(&load, 0.45f), cost_price_ms(0.9f), 0.001);
	assert_true(cost_price_ms(0.9f) > 0);
}

/* Distrust of clients of an area adds to what the node costs anyhow; elsewhere, to
 * those that are not of its own site. */
static void test_penalty(void **state)
{
	struct world *w = *state;
	struct load_node *hk = world_node(w, "hk");
	uint32_t own = w->map->nodes[0].area, other = w->map->nodes[1].area;
	hk->penalty_ms = 40;
	assert_float_equal(score_penalty_ms(&w->state, own, 0, hk), 40, 0);
	w->load.distrust[0] =
		(struct load_distrust){.area = other, .node = 0, .ms = 200};
	w->load.n_distrusts = 1;
	assert_float_equal(score_penalty_ms(&w->state, other, 0, hk), 240, 0);
	assert_float_equal(score_penalty_ms(&w->state, own, 0, hk), 40, 0);
	w->load.distrust[0].area = LOAD_ELSEWHERE;
	assert_float_equal(score_penalty_ms(&w->state, other, 0, hk), 240, 0);
	assert_float_equal(score_penalty_ms(&w->state, own, 0, hk), 40, 0);
}

/* What was reserved since the load was published, on a node and at most on any; without
 * a memory nothing. With distrust any node may cost more. */
static void test_unpublished(void **state)
{
	struct world *w = *state;
	struct accounts *a = w->accounts;
	accounts_reserve(a, 0, w->load.generation, 3, 0, 5, false);
	accounts_reserve(a, 1, w->load.generation, 2, 0, 5, false);
	assert_float_equal(score_unpublished(&w->state, a, 0), 3, 0);
	assert_float_equal(score_unpublished(&w->state, a, 1), 2, 0);
	assert_float_equal(score_unpublished(&w->state, NULL, 0), 0, 0);
	assert_float_equal(score_unpublished_most(&w->load, a), 3, 0);
	assert_float_equal(score_unpublished_most(&w->load, NULL), 0, 0);
	w->load.generation++;
	assert_float_equal(score_unpublished(&w->state, a, 0), 0, 0);
	assert_float_equal(score_unpublished_most(&w->load, a), 0, 0);
	w->load.n_distrusts = 1;
	assert_true(score_unpublished_most(&w->load, a) >= FLT_MAX);
}

static void test_full(void **state)
{
	(void)state;
	assert_false(score_is_full(0.93f));
	assert_true(score_is_full(COST_FULL * COST_WALL));
	assert_true(score_is_full(1));
}

/* The client's area is that of its nearest node. */
static void test_area(void **state)
{
	struct world *w = *state;
	struct candidates near = {.slot[0].node = 1, .slot[1].node = 0};
	world_state(w);
	assert_int_equal(score_area(&w->load, &near), w->map->nodes[1].area);
	near.slot[0].node = MAP_NO_NODE;
	assert_int_equal(score_area(&w->load, &near), 0);
}

/* ln(-ln(u)) of even u: no draw is less than the least, and the mean of an exponential
 * distribution is 1. */
static void test_draw(void **state)
{
	double sum = 0;
	float least = INFINITY;
	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		float draw = score_draw(hash_mix(i), 77);
		assert_true(draw >= score_draw_least());
		least = fminf(least, draw);
		sum += exp((double)draw);
	}
	assert_float_equal(least, score_draw_least(), 0);
	assert_float_equal((float)(sum / 100000), 1, 0.02);
	assert_float_equal(score_draws[0], log(-log(0.5 / 4096)), 0.0001);
	assert_float_equal(
		score_draw_least(), log(-log(4095.5 / 4096)), 0.0001);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ttl),
		cmocka_unit_test(test_price_of_a_ramp),
		TEST(test_penalty),
		TEST(test_unpublished),
		cmocka_unit_test(test_full),
		TEST(test_area),
		cmocka_unit_test(test_draw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
