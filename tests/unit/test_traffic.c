/* Who goes where, summed from the threads' accounts for the operator's map. */
#include "world.h"

#include "fleet/traffic.h"
#include "memory.h"

static const char three[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
	"  hk2: {address: [192.0.2.2], at: [22.4, 114.1]}\n"
	"  jp1: {address: [192.0.2.3], at: [35.7, 139.7]}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], streams: true}\n";

#define NOW 10000000

static struct accounts *accounts_of(struct world *w)
{
	return accounts_new(16, w->sent, 1);
}

/* Of a test: a world, the accounts of one thread, and what is summed. */
static struct world w;
static struct accounts *a;
static struct traffic *flows;

static int setup(void **state)
{
	(void)state;
	world_open(&w, three);
	a = accounts_of(&w);
	flows = traffic_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	traffic_free(flows);
	accounts_free(a);
	world_close(&w);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void test_threads_are_summed(void **state)
{
	struct accounts *b = accounts_of(&w);
	struct flow out[4];
	uint32_t hk = w.map->nodes[0].area, jp = w.map->nodes[2].area;

	(void)state;
	accounts_place(a, hk, 0, 3, NOW);
	accounts_place(b, hk, 0, 4, NOW);
	accounts_place(b, jp, 0, 5, NOW);
	traffic_add(flows, a, NOW);
	traffic_add(flows, b, NOW);
	assert_int_equal(traffic_take(flows, out, 4), 2);
	assert_int_equal(out[0].area, hk);
	assert_int_equal(out[0].node, 0);
	assert_float_equal(out[0].viewers, 7, 0.001);
	assert_int_equal(out[1].area, jp);
	assert_float_equal(out[1].viewers, 5, 0.001);
	assert_int_equal(traffic_take(flows, out, 4), 0);
	accounts_free(b);
}

static void test_they_fade(void **state)
{
	struct flow out[1];
	uint32_t hk = w.map->nodes[0].area;

	(void)state;
	accounts_place(a, hk, 1, 8, NOW);
	traffic_add(flows, a, NOW + (int64_t)PLACED_FADE_MS / 2);
	assert_int_equal(traffic_take(flows, out, 1), 1);
	assert_float_equal(out[0].viewers, 4, 0.01);
	traffic_add(flows, a, NOW + (int64_t)PLACED_FADE_MS + 1);
	assert_int_equal(traffic_take(flows, out, 1), 0);
}

static void test_the_largest_come_first(void **state)
{
	struct flow out[3];

	(void)state;
	for (uint32_t i = 1; i <= 100; i++)
		accounts_place(a, i * 7919, 2, (float)i, NOW);
	traffic_add(flows, a, NOW);
	assert_int_equal(traffic_take(flows, out, 3), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_float_equal(out[i].viewers, 100 - i, 0.001);
}

/* Streams are counted in the same table, and are no places. */
static void test_streams_are_no_areas(void **state)
{
	struct flow out[4];

	(void)state;
	accounts_place(a, accounts_stream(12345), 1, 9, NOW);
	accounts_place(a, accounts_stream(12345), MAP_NO_NODE, 9, NOW);
	traffic_add(flows, a, NOW);
	assert_int_equal(traffic_take(flows, out, 4), 0);
}

static void test_area_is_where_its_nodes_are(void **state)
{
	struct flow list[] = {{.area = w.map->nodes[1].area},
		{.area = w.map->nodes[2].area}, {.area = 1},
		{.area = w.map->nodes[0].area}};
	uint16_t from[4];

	(void)state;
	traffic_areas(w.map, list, 4, from);
	assert_int_equal(from[0], 0);
	assert_int_equal(from[1], 2);
	assert_int_equal(from[2], MAP_NO_NODE);
	assert_int_equal(from[3], 0);
}

/* So for each of them, the first as the last; areas without nodes of this map are
 * nowhere. */
static void test_each_area(void **state)
{
	(void)state;
	uint32_t hk = w.map->nodes[0].area, jp = w.map->nodes[2].area;
	for (unsigned first = 0; first < 3; first++) {
		uint32_t areas[] = {jp, 7919, hk};
		uint16_t nodes[] = {2, MAP_NO_NODE, 0}, from[3];
		struct flow list[3];
		for (unsigned i = 0; i < 3; i++)
			list[i].area = areas[(first + i) % 3];
		traffic_areas(w.map, list, 3, from);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(from[i], nodes[(first + i) % 3]);
	}
	struct flow one = {.area = jp};
	uint16_t from;
	w.map->n_nodes = 2;
	traffic_areas(w.map, &one, 1, &from);
	assert_int_equal(from, MAP_NO_NODE);
	traffic_areas(w.map, NULL, 0, NULL);
}

static float viewers_of(
	const struct flow *list, unsigned n, uint32_t area, uint16_t node)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].area == area && list[i].node == node)
			return list[i].viewers;
	return 0;
}

/* However many there are, those of two areas, or of two nodes, are not added up:
 * each is what was placed there. */
static void test_many(void **state)
{
	static struct flow out[20000];
	float sum = 0, placed = 0;

	(void)state;
	for (uint32_t area = 0; area < 64; area++)
		for (unsigned node = 0; node < 64; node++)
			accounts_place(a, area << 16 | area, node,
				1 + (float)(area * 64 + node), NOW);
	for (uint32_t area = 0; area < 64; area++)
		for (unsigned node = 0; node < 64; node++)
			placed += accounts_placed(
				a, area << 16 | area, node, NOW);
	for (unsigned i = 0; i < 2; i++)
		traffic_add(flows, a, NOW);
	unsigned n = traffic_take(flows, out, 20000);
	for (unsigned i = 0; i < n; i++) {
		assert_true(i == 0 || out[i].viewers <= out[i - 1].viewers);
		assert_float_equal(out[i].viewers,
			2 * accounts_placed(a, out[i].area, out[i].node, NOW),
			0.01);
		assert_float_equal(
			viewers_of(out, i, out[i].area, out[i].node), 0, 0);
		sum += out[i].viewers;
	}
	assert_float_equal(sum, 2 * placed, 0.001 * (double)sum);
}

/* All places of an account are looked at, from the first to the last. */
static void test_all_places(void **state)
{
	struct flow out[4];
	(void)state;
	a->placed[0] = (struct placed){.area = 5, .viewers = 2, .at_ms = NOW};
	a->placed[(1 << PLACED_BITS) - 1] =
		(struct placed){.area = 6, .viewers = 1, .at_ms = NOW};
	traffic_add(flows, a, NOW);
	assert_int_equal(traffic_take(flows, out, 4), 2);
	assert_int_equal(out[0].area, 5);
	assert_int_equal(out[1].area, 6);
}

/* A hundredth of a viewer is drawn, less is not. */
static void test_least(void **state)
{
	struct flow out[4];

	(void)state;
	accounts_place(a, 5, 0, 0.0101f, NOW);
	accounts_place(a, 6, 0, 0.0099f, NOW);
	traffic_add(flows, a, NOW);
	assert_int_equal(traffic_take(flows, out, 4), 1);
	assert_int_equal(out[0].area, 5);
	assert_int_equal(traffic_take(flows, out, 0), 0);
}

/* More than there is room for: the table fills to three quarters, and what is in it
 * goes on to be counted. */
static void test_full(void **state)
{
	static struct flow out[40000];
	unsigned n = 0;

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t k = 0; k < 4; k++) {
			struct accounts *one = accounts_of(&w);
			for (uint32_t i = 0; i < 12000; i++)
				accounts_place(
					one, 1 + k * 12000 + i, 7, 1, NOW);
			traffic_add(flows, one, NOW);
			accounts_free(one);
		}
	n = traffic_take(flows, out, 40000);
	assert_int_equal(n, 32768 / 4 * 3);
	for (unsigned i = 0; i < n; i++)
		assert_float_equal(out[i].viewers, 2, 0);
}

static void test_memory(void **state)
{
	size_t before = memory_of_heap();
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		traffic_free(traffic_new());
	traffic_free(NULL);
	assert_true(memory_of_heap() < before + 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_threads_are_summed),
		SCENE(test_they_fade),
		SCENE(test_the_largest_come_first),
		SCENE(test_streams_are_no_areas),
		SCENE(test_area_is_where_its_nodes_are),
		SCENE(test_each_area),
		SCENE(test_all_places),
		SCENE(test_many),
		SCENE(test_least),
		SCENE(test_full),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
