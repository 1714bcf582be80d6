/* Which nodes viewers leave: networks that press "switch line" at natural rates,
 * on nodes of which some stall their viewers. */
#include "doubts.h"

/* Seconds until a node is doubted for an area. */
static unsigned seconds_to_doubt(struct scene *s, const struct fault *fault,
	uint32_t area, unsigned most)
{
	unsigned seconds = 0;
	while (distrusted(s, area, fault->node) < 100 && seconds <= most) {
		run(s, 1, fault);
		seconds++;
	}
	return seconds;
}

/* -- found -- */

/* A node that stalls its viewers: each presses within a minute. Three networks
 * with three viewers each are enough, and of more it takes seconds. */
static void test_left_by_all(void **state)
{
	static const unsigned nets[] = {3, 5, 12, 25};
	for (unsigned i = 0; i < 4; i++) {
		struct scene *s = *state;
		struct fault stalls = {2, 120, -1, false};
		teardown(state);
		setup(state);
		people(s, nets[i] * AREAS, 3);
		run(s, 900, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
		unsigned seconds = seconds_to_doubt(s, &stalls, 2, 90);
		if (seconds > (nets[i] > 3 ? 30 : 60))
			fail_msg("%u networks: %u s", nets[i], seconds);
		nobody_is_doubted_but(s, 2);
		assert_int_equal(complaints_found(s->complaints, 3), 0);
		assert_true(complaints_found(s->complaints, 2) > 0);
	}
}

/* ... of all areas, when its viewers come from everywhere. */
static void test_left_everywhere(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++)
		sent(s, i, i / AREAS % 4);
	run(s, 900, NULL);
	for (unsigned t = 0; everywhere(s, 2) < 100; t++) {
		assert_true(t < 30);
		run(s, 1, &stalls);
	}
	nobody_is_doubted_but(s, 2);
}

/* A way that is bad for one area only: the others keep their node. */
static void test_left_by_one_area(void **state)
{
	struct scene *s = *state;
	struct fault way = {2, 120, 5, false};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++)
		sent(s, i, i / AREAS % 4);
	run(s, 900, NULL);
	assert_true(seconds_to_doubt(s, &way, 5, 60) <= 45);
	run(s, 30, &way);
	assert_true(for_area(s, 5, 2) > 100);
	assert_float_equal(everywhere(s, 2), 0, 0);
	for (uint32_t area = 0; area < AREAS; area++)
		if (area != 5)
			assert_float_equal(distrusted(s, area, 2), 0, 0);
	nobody_is_doubted_but(s, 2);
}

/* A node whose links abroad are full, from each area a few: doubted for
 * strangers, not for its own site's area. */
static void test_left_by_strangers(void **state)
{
	struct scene *s = *state;
	struct fault links = {2, 120, -1, true};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++) {
		if (i % 2)
			s->net[i].area = 2;
		if (i % 2 || i % 16 == 6) /* few of them are strangers */
			sent(s, i, 2);
		else /* the others are strangers elsewhere */
			sent(s, i, (i / 16 + i) % AREAS);
	}
	run(s, 900, NULL);
	assert_true(seconds_to_doubt(s, &links, 4, 60) <= 45);
	assert_true(distrusted(s, 0, 2) > 100);
	assert_true(for_area(s, 7, 2) > 100); /* also who was never there */
	assert_float_equal(distrusted(s, 2, 2), 0, 0);
	nobody_is_doubted_but(s, 2);
}

/* A bad way to which viewers come one by one: never many leave at once, and yet
 * in some minutes it is clear. Two networks of them are not enough. */
static void test_left_one_by_one(void **state)
{
	static const unsigned nets[] = {2, 6};
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		struct fault way = {2, 10, 5, false};
		teardown(state);
		setup(state);
		people(s, NETWORKS, 2);
		for (unsigned k = 0; k < s->n_nets; k++) {
			unsigned to = k / AREAS % 4 == 2 ? 3 : k / AREAS % 4;
			bool there = k % AREAS != 5 || k / AREAS < nets[i];
			sent(s, k, there && k % AREAS == 5 ? 2 : to);
		}
		run(s, 900, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
		unsigned seconds = seconds_to_doubt(s, &way, 5, 1800);
		if (nets[i] == 2 ? seconds <= 1800 : seconds > 900)
			fail_msg("%u networks: %u s", nets[i], seconds);
		nobody_is_doubted_but(s, 2);
	}
}

/* Those that are left most do not hide one another: three bad nodes at once. */
static void test_several_are_bad(void **state)
{
	struct scene *s = *state;
	people(s, 12 * AREAS, 3);
	run(s, 900, NULL);
	for (unsigned t = 0; t < 30; t++) {
		for (unsigned i = 0; i < s->n_nets; i++)
			if (i % AREAS < 3 && chance(s, 3 * 120 / 3600.0))
				left(s, i);
		run(s, 1, NULL);
	}
	for (unsigned node = 0; node < 3; node++)
		assert_true(distrusted(s, node, node) > 100);
	for (unsigned node = 3; node < AREAS; node++)
		assert_float_equal(distrusted(s, node, node), 0, 0);
}

/* -- not found -- */

/* Everybody presses once in an hour, for no reason; a day, a hundred nodes. */
static void test_background(void **state)
{
	struct scene *s = *state;
	s->fast = 1;
	s->step_s = 5;
	s->n_nodes = 100;
	people(s, NETWORKS, 5);
	for (unsigned i = 0; i < NETWORKS; i++)
		sent(s, i, i % s->n_nodes);
	for (unsigned hour = 0; hour < 24; hour++) {
		run(s, 3600, NULL);
		for (unsigned i = 0; i < NETWORKS; i += 7) /* some move */
			sent(s, i, (unsigned)(rng_next(&s->rng) % 100));
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Worse and worse for all, until everybody presses once in a quarter of an hour:
 * no node is worse than the others. */
static void test_all_press(void **state)
{
	struct scene *s = *state;
	people(s, NETWORKS, 5);
	for (unsigned i = 0; i < 40; i++) {
		s->fast = 0.1 * (i + 1);
		run(s, 60, NULL);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Two networks are two opinions, whatever they send, and whatever subnets they
 * name: an asker is one network. */
static void test_two_networks(void **state)
{
	struct scene *s = *state;
	people(s, 160, 1);
	for (unsigned t = 0; t < 600; t++) {
		run(s, 1, NULL); /* a third one presses once by chance */
		for (unsigned k = 0; k < 500; k++) {
			left(s, 2); /* both of area 2, on node 2 */
			left(s, 2 + AREAS);
		}
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Once per interval: who presses a hundred times says no more than who presses
 * once, so three networks take a while to be believed. */
static void test_once_per_interval(void **state)
{
	unsigned seconds[2] = {0, 0};
	for (unsigned k = 0; k < 2; k++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		people(s, 3 * AREAS, 0);
		run(s, 60, NULL);
		while (distrusted(s, 2, 2) == 0 && seconds[k] < 60) {
			for (unsigned n = 0; n < (k ? 100 : 1); n++)
				for (unsigned i = 0; i < 3; i++)
					left(s, 2 + i * AREAS);
			run(s, 1, NULL);
			seconds[k]++;
		}
	}
	assert_in_range(seconds[0], 5, 20);
	assert_int_equal(seconds[1], seconds[0]);
}

/* Who repeats a question does not begin to accuse the node that its viewers had
 * before. */
static void test_innocent_before(void **state)
{
	struct scene *s = *state;
	people(s, 160, 0);
	for (unsigned i = 2; i < 160; i += AREAS) { /* from 3 to 2 */
		sent(s, i, 3);
		sent(s, i, 2);
	}
	run(s, 60, NULL);
	for (unsigned t = 0; t < 120; t++) {
		run(s, 1, NULL);
		for (unsigned i = 2; i < 160; i += AREAS)
			for (unsigned k = 0; k < 3 && (t + i) % 20 == 0; k++)
				left(s, i);
	}
	assert_true(complaints_found(s->complaints, 2) > 0);
	nobody_is_doubted_but(s, 2);
}

/* A network that was never sent to a node has no viewers there. */
static void test_never_told(void **state)
{
	struct scene *s = *state;
	people(s, 160, 3);
	for (unsigned t = 0; t < 300; t++) {
		run(s, 1, NULL);
		for (unsigned i = 0; i < 50; i++)
			event(s, EVENT_SWITCHED, 90000 + i, 2, 2, MAP_NO_NODE);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Nor has one that was sent there long ago. */
static void test_told_long_ago(void **state)
{
	struct scene *s = *state;
	people(s, 160, 3);
	for (unsigned i = 2; i < 160; i += AREAS)
		sent(s, i, 3); /* area 2 is elsewhere now */
	run(s, 1200, NULL);
	for (unsigned t = 0; t < 60; t++) {
		run(s, 1, NULL);
		for (unsigned i = 2; i < 160; i += AREAS)
			event(s, EVENT_SWITCHED, 1000 + i, 2, 2, MAP_NO_NODE);
	}
	assert_int_equal(complaints_found(s->complaints, 2), 0);
}

/* -- afterwards -- */

/* Doubted for two minutes, then tried with few; if they leave as well it is
 * doubted again, sooner and longer; in the end as long as it may be. */
static void test_tried_again(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	unsigned last = 0;
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned k = 2; k < 80; k += AREAS)
			sent(s, k, 2);
		seconds_to_doubt(s, &stalls, 2, 120);
		assert_true(distrusted(s, 2, 2) >= 100);
		for (unsigned k = 2; k < 80; k += AREAS)
			sent(s, k, 3); /* they go elsewhere meanwhile */
		unsigned now = lasts(s);
		assert_true(i == 0 || now + 2 >= last);
		assert_true(i == 0 || i > 3 || now > 1.5 * last);
		last = now;
		/* the trial: it costs something still, and less and less */
		float cost = distrusted(s, 2, 2);
		assert_true(cost > 1 && cost < 50);
		run(s, 20, NULL);
		assert_true(distrusted(s, 2, 2) < cost);
	}
	assert_true(last > 600 && last < 1800);
}

/* A trial that goes well: after a while it costs nothing, and all is forgiven. */
static void test_forgiven(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	unsigned first = 0;
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned i = 0; i < 2; i++) {
		seconds_to_doubt(s, &stalls, 2, 60);
		unsigned now = lasts(s);
		assert_true(i == 0 || abs((int)now - (int)first) < 5);
		first = now;
		run(s, 250, NULL);
		assert_float_equal(distrusted(s, 2, 2), 0, 0);
		run(s, 480, NULL);
	}
	assert_int_equal(complaints_found(s->complaints, 2) % 2, 0);
}

/* Reports of players do not know how many viewers a node has: they do not make it
 * look emptier than it is, and its usual presses too many. */
static void test_reports_without_viewers(void **state)
{
	struct scene *s = *state;
	struct steer_event report = {.kind = EVENT_SENT,
		.proven = true,
		.area = 2,
		.at_once = -1,
		.rate = -1,
		.node = {2, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	s->fast = 30;
	people(s, 400, 3);
	for (unsigned t = 0; t < 300; t++) {
		for (uint32_t i = 0; t > 120 && i < 3; i++) {
			report.asker = 5000 + i;
			complaints_event(
				s->complaints, &s->map, &report, s->now);
		}
		run(s, 1, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
	}
}

/* -- what anybody can forge -- */

/* However many say so by plain UDP, nobody is doubted unless the node's samples
 * agree; then within seconds. */
static void test_forgeable(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	s->forgeable = true;
	run(s, 300, NULL);
	run(s, 300, &stalls);
	nobody_is_doubted_but(s, MAP_NO_NODE);
	complaints_confirm(s->complaints, 2, s->now);
	assert_true(seconds_to_doubt(s, &stalls, 2, 10) <= 2);
}

/* What samples said a while ago, or of another node, agrees with nothing. */
static void test_confirmed_long_ago(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	s->forgeable = true;
	run(s, 300, NULL);
	complaints_confirm(s->complaints, 2, s->now);
	run(s, 90, NULL);
	complaints_confirm(s->complaints, 3, s->now);
	run(s, 300, &stalls);
	nobody_is_doubted_but(s, MAP_NO_NODE);
}

/* Forged questions of a network do not stand in the way of its own. */
static void test_proven_beside_forged(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned t = 0; t < 90 && distrusted(s, 2, 2) < 100; t++) {
		s->forgeable = true;
		for (unsigned i = 0; i < s->n_nets; i++)
			left(s, i);
		s->forgeable = false;
		run(s, 1, &stalls);
	}
	assert_true(distrusted(s, 2, 2) >= 100);
	nobody_is_doubted_but(s, 2);
}

/* More networks than there is room for: nothing breaks, nobody is doubted. */
static void test_flood_of_networks(void **state)
{
	struct scene *s = *state;
	people(s, 80, 3);
	for (uint32_t i = 0; i < 300000; i++) {
		uint32_t area = (uint32_t)rng_next(&s->rng) % 1000;
		event(s, EVENT_SENT, i, area, i % NODES, MAP_NO_NODE);
		if (i % 3000 == 0)
			run(s, 1, NULL);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* When it is over and its networks are forgotten, bad nodes are found as before. */
static void test_after_a_flood(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	for (uint32_t i = 0; i < 100000; i++)
		event(s, EVENT_SENT, i, 1000 + i % 1000, i / 1000 % NODES,
			MAP_NO_NODE);
	run(s, 1200, NULL);
	people(s, 80, 3);
	run(s, 300, NULL);
	assert_true(seconds_to_doubt(s, &stalls, 2, 60) <= 30);
	run(s, 10, &stalls);
	assert_float_equal(for_area(s, 2, 2), DISTRUST_COST_MS, 0);
	nobody_is_doubted_but(s, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_left_by_all),
		SCENE_TEST(test_left_everywhere),
		SCENE_TEST(test_left_by_one_area),
		SCENE_TEST(test_left_by_strangers),
		SCENE_TEST(test_left_one_by_one),
		SCENE_TEST(test_several_are_bad),
		SCENE_TEST(test_background),
		SCENE_TEST(test_all_press),
		SCENE_TEST(test_two_networks),
		SCENE_TEST(test_once_per_interval),
		SCENE_TEST(test_innocent_before),
		SCENE_TEST(test_never_told),
		SCENE_TEST(test_told_long_ago),
		SCENE_TEST(test_tried_again),
		SCENE_TEST(test_forgiven),
		SCENE_TEST(test_reports_without_viewers),
		SCENE_TEST(test_forgeable),
		SCENE_TEST(test_confirmed_long_ago),
		SCENE_TEST(test_proven_beside_forged),
		SCENE_TEST(test_flood_of_networks),
		SCENE_TEST(test_after_a_flood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
