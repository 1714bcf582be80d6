/* Where the viewers of a node are expected that fails, or that they leave. */
#include "scene.h"

/* The viewers of a node that dies will be back elsewhere in seconds. */
static void test_displaced(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 300);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	const struct load *load = scene_publish(s);
	float sum = 0;
	for (unsigned i = 1; i < 6; i++)
		sum += load->node[i].reserved;
	assert_float_equal(sum, 300 * COME_BACK, 3);
	/* the neighbour */
	assert_true(load->node[1].reserved > 200 * COME_BACK);
	scene_pass(s, 30000);
	load = scene_publish(s);
	assert_true(load->node[1].reserved < 20);
}

/* Nobody is sent to a drained node: no room is kept there. */
static void test_displaced_not_to_drained(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 300);
	fleet_drain(s->fleet, 1, true);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_float_equal(scene_kept(s, 1), 0, 0);
	assert_float_equal(
		scene_kept(s, 2) + scene_kept(s, 3), 300 * COME_BACK, 3);
}

/* The viewers of a node whose statistics were frozen before it failed are expected
 * elsewhere as well. */
static void test_displaced_of_unknown(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 300);
	struct sample frozen = scene_sample(s, 300);
	frozen.sampled_ms -= 20000;
	fleet_sample(s->fleet, 0, &frozen, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_true(scene_kept(s, 1) > 200 * COME_BACK);
}

/* A second node that dies does not bring the viewers of the first again. */
static void test_displaced_twice(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 3; i++)
		scene_poll(s, i, 200);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	float before = scene_kept(s, 1);
	scene_pass(s, 9000);
	fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
	assert_true(scene_kept(s, 1) > 200 * COME_BACK);
	assert_true(scene_kept(s, 1) < 200 * COME_BACK + before * 0.6f);
}

/* One viewer is one as well; whichever node it was on, its neighbour is the one. */
static void test_displaced_one(void **state)
{
	for (unsigned dead = 0; dead < 6; dead++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll_all(s, 1);
		assert_float_equal(scene_kept_in_all(s), 0, 0);
		fleet_failed(s->fleet, dead, SAMPLE_REFUSED, s->now);
		assert_float_equal(scene_kept(s, dead ^ 1), COME_BACK, 1e-4);
		assert_float_equal(scene_kept_in_all(s), COME_BACK, 1e-4);
	}
}

/* Where more than half of what is polled fails, it is not known which are dead: no
 * room is kept for their viewers. */
static void test_displaced_not_if_many_fail(void **state)
{
	static const unsigned dead[] = {0, 2, 4, 1};
	for (unsigned polled = 5; polled <= 6; polled++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll_all(s, 100);
		fleet_watch(s->fleet, 5, polled == 6, true);
		for (unsigned i = 0; i < 4; i++) {
			unsigned come = i + 1 < polled / 2 ? i + 1 : polled / 2;
			fleet_failed(s->fleet, dead[i], SAMPLE_REFUSED, s->now);
			assert_float_equal(scene_kept_in_all(s),
				(float)come * 100 * COME_BACK, 0.1);
		}
	}
}

/* Room that is kept for some viewers is not there for others: of the viewers
 * of c, those that find no room at d go to b, and b already expects those of
 * a. */
static void test_displaced_find_others(void **state)
{
	static const uint32_t connections[] = {500, 400, 900, 800, 0, 0};
	float to_b[2];
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		for (unsigned k = 0; k < 6; k++)
			scene_poll(s, k, connections[k]);
		float before = 0;
		if (i == 1) {
			fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
			before = scene_kept(s, 1);
			assert_true(before > 250);
		} else {
			fleet_drain(s->fleet, 0, true);
		}
		scene_kept(s, 1);
		fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
		to_b[i] = scene_kept(s, 1) - before;
		assert_true(scene_kept(s, 1) < 560);
	}
	assert_true(to_b[0] > 300);
	assert_true(to_b[1] > 80 && to_b[1] < 0.7f * to_b[0]);
}

/* If only probes find a node dead, its viewers are expected elsewhere when it
 * goes down, and once: those that were expected since its first failed poll
 * are not expected again. */
static void test_displaced_by_probes(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	scene_probe_fails(s, 0);
	assert_float_equal(scene_kept_in_all(s), 0, 0);
	scene_probe_fails(s, 0);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	assert_float_equal(scene_kept_in_all(s), 100 * COME_BACK, 0.1);
	scene_probe_fails(s, 0);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	assert_float_equal(scene_kept_in_all(s), 100 * COME_BACK, 0.1);
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(scene_kept_in_all(s), 200 * COME_BACK, 0.1);
	scene_probe_fails(s, 2);
	scene_probe_fails(s, 2);
	assert_int_equal(scene_state(s, 2), NODE_DOWN);
	assert_float_equal(scene_kept_in_all(s), 200 * COME_BACK, 0.1);
	/* nor are those of a node that is unknown or down */
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(scene_kept_in_all(s), 200 * COME_BACK, 0.1);
	scene_poll(s, 2, 100);
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(scene_kept_in_all(s), 200 * COME_BACK, 0.1);
}

/* How many of a dead node's viewers are still on their way: all, then fewer; none
 * of a node that is well, or well again. */
static void test_returning(void **state)
{
	static const uint8_t left[] = {255, 93, 34, 12};
	struct scene *s = *state;
	scene_poll_all(s, 100);
	const struct load *load = scene_publish(s);
	assert_false(load->any_returning);
	for (unsigned i = 0; i < 4; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		load = scene_publish(s);
		assert_true(load->any_returning);
		assert_in_range(load->node[0].returning, left[i], left[i] + 1);
		assert_int_equal(load->node[1].returning, 0);
		assert_int_equal(load->fell_ms, 1000000);
		s->now += 10000;
	}
	for (unsigned i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 0, 100);
	}
	load = scene_publish(s);
	assert_int_equal(load->node[0].state, NODE_UP);
	assert_int_equal(load->node[0].returning, 0);
}

/* So many networks, which were sent to node 0, ask for another line. */
static void press(struct scene *s, uint64_t networks, bool proven)
{
	struct steer_event event = {.area = s->w.map->nodes[0].area,
		.proven = proven,
		.node = {0, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	for (event.asker = 1; event.asker <= networks; event.asker++) {
		event.kind = EVENT_SENT;
		events_push(s->w.accounts->events, &event);
		event.kind = EVENT_SWITCHED;
		events_push(s->w.accounts->events, &event);
	}
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
}

/* A node that its viewers leave is dear, and three fifths of them are expected at
 * its neighbour: once. */
static void test_distrusted(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 300);
	scene_pass(s, 1000);
	assert_float_equal(scene_penalty_ms(s, 0), 0, 0);
	press(s, 20, true);
	scene_pass(s, 1000);
	assert_float_equal(scene_penalty_ms(s, 0), DISTRUST_COST_MS, 0);
	assert_float_equal(scene_penalty_ms(s, 1), 0, 0);
	assert_int_equal(
		fleet_distrusted(s->fleet, 0), 2); /* and for its area */
	assert_int_equal(fleet_distrusted(s->fleet, 1), 0);
	const struct load *load = scene_publish(s);
	assert_int_equal(load->n_distrusts, 1);
	assert_int_equal(load->distrust[0].node, 0);
	assert_int_equal(load->distrust[0].area, s->w.map->nodes[0].area);
	assert_float_equal(scene_kept(s, 1), 300 * 0.6f, 3);
	s->now += 5000;
	assert_float_equal(scene_kept(s, 1), 300 * 0.6f * expf(-0.5f), 3);
	assert_float_equal(scene_kept_in_all(s), scene_kept(s, 1), 3);
}

/* What can be forged counts only of a node whose samples show that they leave. */
static void test_distrusted_by_samples(void **state)
{
	for (unsigned leave = 0; leave < 2; leave++)
		for (unsigned of_all = 0; of_all < 2; of_all++) {
			struct scene *s = *state;
			scene_teardown(state);
			scene_setup(state);
			scene_poll_all(s, 300);
			scene_pass(s, STEP);
			for (unsigned i = 0; i < 6; i++)
				scene_poll(s, i,
					of_all || (leave && !i) ? 200 : 300);
			press(s, 20, false);
			scene_pass(s, 1000);
			scene_pass(s, 1000);
			assert_int_equal(
				scene_penalty_ms(s, 0) > 0, leave && !of_all);
		}
}

/* Of a node that goes down of which nothing was known nobody comes back. */
static void test_nobody_returns(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 2; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		assert_int_equal(scene_publish(s)->node[0].returning, 0);
		assert_false(s->load->any_returning);
	}
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
}

/* Viewers leave a node if not as many leave all others; which may be a single one, and
 * its viewers five. */
static void test_leave_as_others(void **state)
{
	static const struct {
		uint32_t before[2], after[2];
		bool distrusted;
	} rows[] = {{{300, 300}, {200, 200}, false},
		{{300, 300}, {200, 300}, true}, {{300, 5}, {220, 4}, false},
		{{300, 5}, {220, 5}, true}};
	for (unsigned row = 0; row < 4; row++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		for (unsigned i = 0; i < 6; i++)
			scene_poll(s, i, i < 2 ? rows[row].before[i] : 0);
		scene_pass(s, STEP);
		for (unsigned i = 0; i < 6; i++)
			scene_poll(s, i, i < 2 ? rows[row].after[i] : 0);
		press(s, 20, false);
		scene_pass(s, 1000);
		scene_pass(s, 1000);
		assert_int_equal(
			scene_penalty_ms(s, 0) > 0, rows[row].distrusted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_displaced),
		SCENE_TEST(test_displaced_not_to_drained),
		SCENE_TEST(test_displaced_of_unknown),
		SCENE_TEST(test_displaced_twice),
		SCENE_TEST(test_displaced_one),
		SCENE_TEST(test_displaced_not_if_many_fail),
		SCENE_TEST(test_displaced_find_others),
		SCENE_TEST(test_displaced_by_probes),
		SCENE_TEST(test_returning),
		SCENE_TEST(test_distrusted),
		SCENE_TEST(test_distrusted_by_samples),
		SCENE_TEST(test_nobody_returns),
		SCENE_TEST(test_leave_as_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
