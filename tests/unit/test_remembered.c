/* What is remembered of networks and areas that complain about nodes, in tables that
 * are full or not. */
#include "doubts.h"

#include "memory.h"

/* Three networks are remembered beside thousands that were sent to other nodes
 * later: they still can complain about a node. */
static void test_many_networks(void **state)
{
	struct scene *s = *state;
	people(s, 3 * AREAS, 3);
	for (uint32_t i = 0; i < 8000; i++)
		event(s, EVENT_SENT, 90000 + i, 7, 7, MAP_NO_NODE);
	for (unsigned t = 0; t < 12; t++) {
		for (unsigned i = 0; i < 3; i++)
			left(s, 2 + i * AREAS);
		s->now += 3000;
		complaints_tick(s->complaints, s->now);
	}
	assert_true(distrusted(s, 2, 2) > 100);
	nobody_is_doubted_but(s, 2);
}

/* All that were sent to the node before are forgotten, wherever they are remembered: in
 * the trial a single one that was sent there since is alone. */
static void test_all_are_forgotten(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 1; i <= 40000; i++)
		event(s, EVENT_SENT, i, 2, 2, MAP_NO_NODE);
	for (uint32_t i = 1; i <= 40000; i++)
		press(s, i, 2);
	tick(s);
	assert_int_equal(complaints_found(s->complaints, 2), 2);
	s->now += 120000;
	for (unsigned k = 0; k < 4; k++) /* a quarter in each */
		tick(s);
	event(s, EVENT_SENT, 40001, 2, 2, MAP_NO_NODE);
	for (unsigned k = 0; k < 5; k++) {
		for (uint32_t i = 1; i <= 40001; i++)
			press(s, i, 2);
		s->now += 5000;
		complaints_tick(s->complaints, s->now);
	}
	assert_int_equal(complaints_found(s->complaints, 2), 2);
}

/* A network whose entry was taken for another one is no evidence any more. */
static void test_forgotten_networks(void **state)
{
	for (unsigned flood = 0; flood < 2; flood++)
		for (unsigned forgeable = 0; forgeable < 2; forgeable++) {
			struct scene *s = *state;
			teardown(state);
			setup(state);
			s->forgeable = forgeable;
			tick(s);
			for (uint32_t i = 1; i <= 3; i++)
				told(s, i, 2, 0);
			for (unsigned k = 0; k < 2; k++) {
				for (uint32_t i = 1; i <= 3; i++)
					press(s, i, 2);
				s->now += 6000;
			}
			for (uint32_t i = 0; flood && i < 100000; i++)
				event(s, EVENT_SENT, 1000 + i, 7, 7,
					MAP_NO_NODE);
			if (forgeable)
				complaints_confirm(s->complaints, 2, s->now);
			tick(s);
			assert_int_equal(
				complaints_found(s->complaints, 2) > 0, !flood);
		}
}

/* Networks are remembered beside one another as long as there is room: three of each
 * of 300 areas, which doubt a node all at once. */
static void test_networks_side_by_side(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 0; i < 900; i++)
		event(s, EVENT_SENT, i, 1000 + i / 3, 2, MAP_NO_NODE);
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < 900; i++)
			event(s, EVENT_SWITCHED, i, 1000 + i / 3, 2,
				MAP_NO_NODE);
		s->now += 6000;
	}
	tick(s);
	/* and strangers, and all */
	assert_int_equal(complaints_found(s->complaints, 2), 302);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
	for (unsigned node = 0; node < NODES; node++)
		assert_true(node == 2 || everywhere(s, node) == 0);
}

/* Doubts are listed by area and node, as many as there is room for. */
static void test_listed(void **state)
{
	struct scene *s = *state;
	struct load_distrust out[16];
	tick(s);
	for (unsigned k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < 30; i++)
			event(s, k ? EVENT_SWITCHED : EVENT_SENT, i,
				100 + i % 5, i < 15 ? 3 : 2, MAP_NO_NODE);
		s->now += 6000;
	}
	tick(s);
	unsigned n = complaints_of_areas(s->complaints, out, 16, s->now);
	assert_int_equal(n, 12);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(
			out[i].area, i < 10 ? 100 + i / 2 : LOAD_ELSEWHERE);
		assert_int_equal(out[i].node, 2 + i % 2);
		assert_float_equal(out[i].ms, DISTRUST_COST_MS, 0);
	}
	assert_int_equal(complaints_of_areas(s->complaints, out, 7, s->now), 7);
}

/* Three networks of each of so many areas press about node 2, once. */
static void areas_press(
	struct scene *s, uint32_t first, uint32_t areas, bool sent)
{
	for (uint32_t i = 0; i < 3 * areas; i++) {
		if (sent)
			event(s, EVENT_SENT, i, first + i / 3, 2, MAP_NO_NODE);
		event(s, EVENT_SWITCHED, i, first + i / 3, 2, MAP_NO_NODE);
	}
	s->now += 5000;
}

static unsigned doubted_areas(const struct scene *s, uint32_t first, uint32_t n)
{
	static struct load_distrust out[8192];
	unsigned all = complaints_of_areas(s->complaints, out, 8192, s->now);
	unsigned found = 0;
	for (unsigned i = 0; i < all; i++)
		found += out[i].node == 2 && out[i].area >= first &&
			out[i].area < first + n;
	return found;
}

/* Ten areas distrust a node, and ten other ones begin to. However many areas are sent
 * to others meanwhile, these entries keep their places. */
static void test_flood_of_areas(void **state)
{
	struct scene *s = *state;
	tick(s);
	areas_press(s, 100, 10, true);
	areas_press(s, 100, 10, false);
	tick(s);
	assert_int_equal(doubted_areas(s, 100, 10), 10);
	s->now += 110000;
	tick(s);
	areas_press(s, 200, 10, true);
	many_areas(s, FULL);
	areas_press(s, 200, 10, false);
	s->now -= 4000;
	complaints_tick(s->complaints, s->now);
	assert_int_equal(doubted_areas(s, 100, 10), 10);
	assert_in_range(doubted_areas(s, 200, 10), 8, 10);
}

/* When its networks are forgotten there is room as before. */
static void test_after_a_flood_of_areas(void **state)
{
	struct scene *s = *state;
	tick(s);
	many_areas(s, FULL);
	s->now += 900000;
	for (unsigned k = 0; k < 4; k++)
		tick(s);
	areas_press(s, 100, 200, true);
	areas_press(s, 100, 200, false);
	tick(s);
	assert_int_equal(doubted_areas(s, 100, 200), 200);
}

/* Each node that all leave is found, wherever it lies among many areas. */
static void test_all_nodes_among_areas(void **state)
{
	struct scene *s = *state;
	tick(s);
	many_areas(s, QUARTER_FULL);
	for (unsigned node = 8; node < NODES; node++) {
		for (uint32_t i = 1; i <= 4; i++)
			told(s, i, node, 0);
		for (uint32_t i = 1; i <= 4; i++)
			press(s, i, node);
		tick(s);
		assert_float_equal(everywhere(s, node), DISTRUST_COST_MS, 0);
	}
}

/* In a full table of networks new ones take the place of the oldest. */
static void test_flood_of_networks_and_areas(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 0; i < 100000; i++) {
		event(s, EVENT_SENT, 100000 + i, 7, 7, MAP_NO_NODE);
		s->now += i % 100 == 0;
	}
	areas_press(s, 1000, 1000, true);
	areas_press(s, 1000, 1000, false);
	tick(s);
	assert_in_range(doubted_areas(s, 1000, 1000), 990, 1000);
}

/* Doubts that are over leave their places to others. */
static void test_after_many_doubts(void **state)
{
	struct scene *s = *state;
	tick(s);
	areas_press(s, 10000, 3000, true);
	areas_press(s, 10000, 3000, false);
	tick(s);
	assert_in_range(doubted_areas(s, 10000, 3000), 2800, 3000);
	s->now += 120000 + 480000 + 1;
	complaints_tick(s->complaints, s->now);
	many_areas(s, QUARTER_FULL);
	areas_press(s, 100, 200, true);
	areas_press(s, 100, 200, false);
	tick(s);
	assert_in_range(doubted_areas(s, 100, 200), 195, 200);
}

/* Whoever is where: as long as nobody presses nobody is doubted. */
static void test_nobody_presses(void **state)
{
	struct scene *s = *state;
	struct load_distrust out[1];
	struct steer_event one = {.kind = EVENT_SENT,
		.node = {0, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	tick(s);
	for (uint32_t i = 0; i < FULL; i++) {
		one.asker = 1000 + i % 50;
		one.area = 1000 + i;
		one.node[0] = i % NODES;
		one.at_once = one.rate = i % 2 ? 0 : 500;
		complaints_event(s->complaints, &s->map, &one, s->now);
	}
	for (unsigned t = 0; t < 5; t++) {
		for (unsigned node = 0; node < NODES; node++)
			complaints_confirm(s->complaints, node, s->now);
		tick(s);
	}
	assert_int_equal(complaints_of_areas(s->complaints, out, 1, s->now), 0);
	for (unsigned node = 0; node < NODES; node++)
		assert_int_equal(complaints_found(s->complaints, node), 0);
}

/* ... and are remembered for a quarter of an hour. */
static void test_remembered_in_a_full_table(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 0; i < 200000; i++)
		event(s, EVENT_SENT, 100000 + i, 7, 7, MAP_NO_NODE);
	for (uint32_t i = 300; i < 320; i++)
		told(s, i, 2, 0);
	for (unsigned t = 0; t < 700; t++)
		tick(s);
	for (uint32_t i = 300; i < 320; i++)
		press(s, i, 2);
	tick(s);
	assert_int_equal(complaints_found(s->complaints, 2), 2);
}

static void test_memory(void **state)
{
	size_t before = memory_of_heap();
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		complaints_free(complaints_new());
	complaints_free(NULL);
	assert_true(memory_of_heap() < before + 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_many_networks),
		SCENE_TEST(test_all_are_forgotten),
		SCENE_TEST(test_forgotten_networks),
		SCENE_TEST(test_flood_of_areas),
		SCENE_TEST(test_after_a_flood_of_areas),
		SCENE_TEST(test_all_nodes_among_areas),
		SCENE_TEST(test_flood_of_networks_and_areas),
		SCENE_TEST(test_after_many_doubts),
		SCENE_TEST(test_nobody_presses),
		SCENE_TEST(test_remembered_in_a_full_table),
		SCENE_TEST(test_networks_side_by_side),
		SCENE_TEST(test_listed),
		SCENE_TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
