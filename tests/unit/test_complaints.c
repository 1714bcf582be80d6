/* What counts as a complaint about a node, how many are enough, how long a node is
 * doubted, and what is remembered. */
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

/* Seconds of presses of so many networks until node 2 is doubted, at most a minute. */
static unsigned pressed_by(struct scene *s, unsigned networks)
{
	unsigned seconds = 0;
	while (seconds < 60 && distrusted(s, 2, 2) < 100) {
		for (unsigned i = 0; i < networks; i++)
			left(s, 2 + i * AREAS);
		run(s, 1, NULL);
		seconds++;
	}
	return seconds;
}

/* Three networks at least, but when it is tried again two are enough; one is not. */
static void test_networks_of_a_trial(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 3 * AREAS, 1);
	run(s, 60, NULL);
	assert_int_equal(pressed_by(s, 2), 60);
	run(s, 120, NULL);
	assert_true(pressed_by(s, 3) < 60);
	lasts(s);
	run(s, 40, NULL); /* they are sent there again */
	assert_int_equal(pressed_by(s, 1), 60);
	assert_true(pressed_by(s, 2) < 60);
}

/* A network that was sent to the node before the distrust, and not since, says
 * nothing of the trial. */
static void test_told_before_the_doubt(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 4 * AREAS, 1);
	run(s, 60, NULL);
	assert_true(pressed_by(s, 4) < 60);
	for (unsigned i = 2; i < s->n_nets; i += AREAS)
		sent(s, i, 3);
	lasts(s);
	for (unsigned t = 0; t < 60; t++) {
		for (unsigned i = 2; i < s->n_nets; i += AREAS)
			event(s, EVENT_SWITCHED, 1000 + i, 2, 2, MAP_NO_NODE);
		run(s, 1, NULL);
	}
	assert_true(distrusted(s, 2, 2) < DISTRUST_COST_MS);
}

/* A doubt lasts two minutes, and the next one four; its cost after that fades to
 * nothing within two. */
static void test_how_long(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 3 * AREAS, 1);
	run(s, 60, NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(pressed_by(s, 3) < 60);
		assert_float_equal(distrusted(s, 2, 2), DISTRUST_COST_MS, 0);
		assert_in_range(lasts(s), 118 << i, 121 << i);
		assert_in_range(distrusted(s, 2, 2), 11, 12);
		run(s, 60, NULL);
		assert_in_range(distrusted(s, 2, 2), 5, 6);
		run(s, i ? 61 : 0, NULL);
	}
	assert_float_equal(distrusted(s, 2, 2), 0, 0);
}

/* -- evidence of a few -- */

/* A network of the site's own area that was sent to a node of so many viewers. */
static void told(struct scene *s, uint32_t asker, unsigned node, float viewers)
{
	struct steer_event one = {.kind = EVENT_SENT,
		.asker = asker,
		.area = s->node[node].area,
		.at_once = viewers,
		.rate = viewers,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	for (unsigned i = 0; i < 50; i++) /* the mean is that */
		complaints_event(s->complaints, &s->map, &one, s->now);
}

static void press(struct scene *s, uint32_t asker, unsigned node)
{
	event(s, EVENT_SWITCHED, asker, s->node[node].area, node, MAP_NO_NODE);
}

static void tick(struct scene *s)
{
	s->now += 1000;
	complaints_tick(s->complaints, s->now);
}

static void three_press(struct scene *s)
{
	for (uint32_t i = 1; i <= 3; i++)
		press(s, i, 2);
}

/* A network may complain again after five seconds, not before. */
static void test_interval(void **state)
{
	for (unsigned ms = 4999; ms <= 5000; ms++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 0);
		tick(s);
		three_press(s);
		tick(s);
		assert_float_equal(everywhere(s, 2), 0, 0);
		s->now += ms - 1000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, ms == 5000);
	}
}

/* Once a second it is judged, not more often. */
static void test_once_a_second(void **state)
{
	struct scene *s = *state;
	for (uint32_t i = 1; i <= 3; i++)
		told(s, i, 2, 0);
	tick(s);
	three_press(s);
	s->now += 5000;
	complaints_tick(s->complaints, s->now);
	three_press(s);
	s->now += 999;
	complaints_tick(s->complaints, s->now);
	assert_float_equal(everywhere(s, 2), 0, 0);
	s->now += 1;
	complaints_tick(s->complaints, s->now);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
}

/* What the samples of a node say counts for a minute. */
static void test_confirmed_for_a_minute(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		s->forgeable = true;
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 0);
		complaints_confirm(s->complaints, 2, s->now);
		s->now += 54000 + late;
		complaints_tick(s->complaints, s->now);
		three_press(s);
		s->now += 5000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, !late);
	}
}

/* Where there are no viewers any more, as answers say, a few presses are many. */
static void test_viewers_are_gone(void **state)
{
	for (unsigned gone = 0; gone < 2; gone++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 20);
		for (uint32_t i = 1; gone && i <= 3; i++)
			told(s, i, 2, 0);
		tick(s);
		three_press(s);
		s->now += 5000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, gone);
	}
}

/* Networks that press one after another, twice each, are few as long as the second
 * time is not half a minute later; then it counts for half. */
static void test_slow_repeats(void **state)
{
	for (unsigned gap_s = 29; gap_s <= 31; gap_s += 2) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 6; i++)
			told(s, i, 2, 2);
		for (unsigned t = 0; t < 360; t++) {
			if (t % 60 == 0)
				press(s, 1 + t / 60, 2);
			if (t % 60 == gap_s)
				press(s, 1 + t / 60, 2);
			tick(s);
		}
		assert_int_equal(
			complaints_found(s->complaints, 2) > 0, gap_s > 30);
	}
}

/* However often three networks press within twenty minutes, not more than once in half
 * a minute: they stay three. Six are enough. */
static void test_few_stay_few(void **state)
{
	for (unsigned n = 3; n <= 6; n += 3) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= n; i++)
			told(s, i, 2, 5);
		for (unsigned t = 0; t < 540; t++) {
			for (uint32_t i = 1; i <= n && t % 31 == 0; i++)
				press(s, i, 2);
			tick(s);
		}
		assert_int_equal(complaints_found(s->complaints, 2) > 0, n > 3);
	}
}

/* The one of four nodes that is left most is compared with the others alone. */
static void test_worst_of_four(void **state)
{
	struct scene *s = *state;
	for (unsigned node = 0; node < 4; node++)
		for (uint32_t i = 1; i <= 7; i++)
			told(s, 10 * node + i, node, 20);
	for (uint32_t i = 1; i <= 7; i++)
		press(s, 20 + i, 2);
	tick(s);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
	assert_float_equal(for_area(s, 2, 2), DISTRUST_COST_MS, 0);
	nobody_is_doubted_but(s, 2);
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

/* Ten areas distrust a node. However many areas are sent to others meanwhile,
 * these entries keep their places. */
static void test_flood_of_areas(void **state)
{
	struct scene *s = *state;
	for (uint32_t area = 100; area < 110; area++)
		for (uint32_t i = 1; i <= 3; i++)
			event(s, EVENT_SENT, i, area, 2, MAP_NO_NODE);
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t area = 100; area < 110; area++)
			for (uint32_t i = 1; i <= 3; i++)
				event(s, EVENT_SWITCHED, i, area, 2,
					MAP_NO_NODE);
		tick(s);
		s->now += 5000;
	}
	for (uint32_t area = 1000; area < 4000; area++)
		event(s, EVENT_SENT, 9, area, 3, MAP_NO_NODE);
	tick(s);
	struct load load = {0};
	load.n_distrusts = complaints_of_areas(
		s->complaints, load.distrust, LOAD_DISTRUSTS_MAX, s->now);
	unsigned n = 0;
	for (unsigned i = 0; i < load.n_distrusts; i++)
		n += load.distrust[i].area >= 100 &&
			load.distrust[i].area < 110;
	assert_int_equal(n, 10);
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
		SCENE_TEST(test_networks_of_a_trial),
		SCENE_TEST(test_told_before_the_doubt),
		SCENE_TEST(test_how_long),
		SCENE_TEST(test_interval),
		SCENE_TEST(test_once_a_second),
		SCENE_TEST(test_confirmed_for_a_minute),
		SCENE_TEST(test_viewers_are_gone),
		SCENE_TEST(test_slow_repeats),
		SCENE_TEST(test_few_stay_few),
		SCENE_TEST(test_worst_of_four),
		SCENE_TEST(test_forgotten_networks),
		SCENE_TEST(test_flood_of_areas),
		SCENE_TEST(test_networks_side_by_side),
		SCENE_TEST(test_listed),
		SCENE_TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
