/* What the word of other name servers does to the state of a node. */
#include "scene.h"

/* Polls of a node time out so often, without a word of others. */
static void time_out(struct scene *s, unsigned node, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		scene_pass(s, STEP);
		fleet_failed(s->fleet, node, SAMPLE_TIMEOUT, s->now);
	}
}

static void hear(struct scene *s, unsigned node, unsigned up, unsigned down,
	int64_t good_ms)
{
	struct fleet_others others = {.any = (uint16_t)(up + down),
		.up = (uint16_t)up,
		.down = (uint16_t)down,
		.good_ms = good_ms};
	fleet_heard(s->fleet, node, &others, s->now);
}

/* Another has reached the node since it times out here: it stays up, without a price. */
static void test_reached_by_another(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	time_out(s, 0, 1);
	hear(s, 0, 1, 0, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	scene_pass(s, STEP);
	hear(s, 0, 1, 0, s->now - 500);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_string_equal(fleet_why(s->fleet, 0, s->now),
		"polls time out here, other name servers reach it");
	assert_float_equal(scene_penalty_ms(s, 0), 0, 0);
	for (unsigned i = 0; i < 40; i++) { /* for as long as they do */
		scene_pass(s, STEP);
		hear(s, 0, 1, 0, s->now - 1000);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
	hear(s, 0, 0, 0, 0); /* their word is old now */
	scene_publish(s);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_poll(s, 0, 100);
	scene_poll(s, 0, 100);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* The word of others comes a moment later: as if it had never been down. */
static void test_reached_later(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned round = 0; round < 4; round++) {
		time_out(s, 0, 2);
		fleet_probed(
			s->fleet, 0, HEALTH_RTMP, HEALTH_UNREACHED, s->now);
		fleet_probed(
			s->fleet, 0, HEALTH_RTMP, HEALTH_UNREACHED, s->now);
		assert_int_equal(scene_state(s, 0), NODE_DOWN);
		hear(s, 0, 1, 0, s->now - 1);
		scene_publish(s);
		assert_int_equal(scene_state(s, 0), NODE_UP);
		assert_float_equal(s->load->node[0].room, 1, 0);
		hear(s, 0, 0, 0, 0);
		fleet_probed(s->fleet, 0, HEALTH_RTMP, HEALTH_ANSWERED, s->now);
		scene_poll(s, 0, 100);
		scene_publish(s);
		assert_int_equal(scene_state(s, 0), NODE_UP);
		assert_float_equal(s->load->node[0].room, 1, 0);
	}
}

/* What others saw before it began to time out here says nothing, but they are given the
 * time to see it again: it is not down for a moment only because their word is late. */
static void test_reached_before(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	hear(s, 0, 2, 0, s->now);
	hear(s, 1, 2, 0, s->now);
	time_out(s, 0, 1);
	fleet_failed(s->fleet, 1, SAMPLE_TIMEOUT, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now + 1000);
	fleet_failed(s->fleet, 1, SAMPLE_TIMEOUT, s->now + 1000);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	hear(s, 1, 1, 1, s->now - 1); /* the first of them finds it down */
	s->now += 3000;
	scene_publish(s);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 1), NODE_DOWN);
	s->now += 20000;
	scene_publish(s);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
}

/* While the word of others is awaited, the node is as suspect as alone. */
static void test_awaited_is_suspect(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	hear(s, 0, 2, 0, s->now);
	time_out(s, 0, 2);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_true(scene_penalty_ms(s, 0) > 0);
	hear(s, 0, 2, 0, s->now);
	assert_float_equal(scene_penalty_ms(s, 0), 0, 0);
}

/* No longer than a round of polls, a tenth of it, a timeout, and WORD_MS. */
static void test_awaited_how_long(void **state)
{
	struct scene *s = *state;
	int64_t most = STEP + STEP / 10 + 1500 + 3000;
	scene_poll_all(s, 100);
	time_out(s, 0, 1);
	int64_t failing_ms = s->now;
	hear(s, 0, 1, 0, s->now - 2000);
	time_out(s, 0, 1);
	scene_pass(s, failing_ms + most - s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	scene_pass(s, 1);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_drain(s->fleet, 0, true);
	assert_string_equal(
		fleet_why(s->fleet, 0, s->now), "drained by the operator");
}

/* A refused connection is the node's own word, and so is a handshake that fails. */
static void test_refused(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		for (unsigned n = 0; n < 3; n++)
			hear(s, n, 2, 0, s->now);
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		fleet_probed(s->fleet, 1, HEALTH_RTMP, HEALTH_FAILED, s->now);
		scene_poll(s, 1, 100);
		fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now - 1);
		fleet_probed(s->fleet, 2, HEALTH_RTMP, HEALTH_FAILED, s->now);
	}
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(scene_state(s, n), NODE_DOWN);
}

/* A probe that finds no connection is a timeout as well; it counts as ever if polls
 * are answered. */
static void test_unreached(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned i = 0; i < 4; i++) {
		scene_pass(s, STEP);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now - 1000);
		for (unsigned n = 0; n < 2; n++) {
			hear(s, n, 1, 0, s->now);
			fleet_probed(s->fleet, n, HEALTH_RTMP, HEALTH_UNREACHED,
				s->now);
		}
		scene_poll(s, 1, 100);
	}
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 1), NODE_DOWN);
	hear(s, 0, 0, 1, 0);
	scene_publish(s);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
}

/* A handshake that was going on when the network failed does not count as the node's
 * own word; one that fails while it is reached does. */
static void test_cut_in_a_handshake(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned n = 0; n < 2; n++)
		fleet_probed(s->fleet, n, HEALTH_RTMP, HEALTH_FAILED, s->now);
	for (unsigned i = 0; i < 3; i++) {
		scene_pass(s, STEP);
		for (unsigned n = 0; n < 2; n++) {
			fleet_failed(s->fleet, n, SAMPLE_TIMEOUT, s->now);
			hear(s, n, 2, 0, s->now - 1);
			fleet_probed(s->fleet, n, HEALTH_RTMP,
				n ? HEALTH_FAILED : HEALTH_UNREACHED, s->now);
		}
	}
	scene_publish(s);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 1), NODE_DOWN);
}

/* Whether a node that is well here is down by the word of others. */
static bool outvoted(struct scene *s, unsigned up, unsigned down)
{
	scene_poll_all(s, 100);
	hear(s, 0, up, down, up ? s->now : 0);
	bool is_down = scene_publish(s)->node[0].state == NODE_DOWN;
	assert_true(!is_down ||
		!strcmp(fleet_why(s->fleet, 0, s->now),
			"most name servers find it down"));
	assert_int_equal(s->load->node[1].state, NODE_UP);
	return is_down;
}

static void test_majority(void **state)
{
	struct scene *s = *state;
	assert_false(outvoted(s, 0, 0));
	assert_false(outvoted(s, 0, 1)); /* one of two */
	assert_true(outvoted(s, 0, 2));  /* two of three */
	assert_false(outvoted(s, 1, 1));
	assert_false(outvoted(s, 1, 2)); /* two of four */
	assert_true(outvoted(s, 1, 3));
	assert_false(outvoted(s, 2, 3)); /* half of six */
	assert_true(outvoted(s, 1, 4));
	assert_false(outvoted(s, 5, 0));
}

/* Whether a node that times out here stays up. */
static bool stays(struct scene *s, unsigned up, unsigned down)
{
	scene_poll(s, 0, 100);
	scene_poll(s, 0, 100);
	time_out(s, 0, 1);
	scene_pass(s, STEP);
	hear(s, 0, up, down, up ? s->now - 100 : 0);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	bool is_up = scene_state(s, 0) == NODE_UP;
	hear(s, 0, 0, 0, 0);
	scene_pass(s, 700000); /* it did not go down in succession */
	return is_up;
}

/* This server's own word counts as one that finds it down. */
static void test_majority_with_us(void **state)
{
	struct scene *s = *state;
	assert_true(stays(s, 1, 0));
	assert_false(stays(s, 0, 1));
	assert_false(stays(s, 1, 1)); /* two of three */
	assert_true(stays(s, 2, 1));
	assert_false(stays(s, 2, 2)); /* three of five */
	assert_true(stays(s, 3, 2));
}

static void all_time_out(struct scene *s)
{
	for (unsigned i = 0; i < 6; i++)
		fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
}

/* All time out: it is us. Others are asked before anything is assumed. */
static void test_blind(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned round = 0; round < 3; round++) {
		scene_pass(s, STEP);
		if (round) {
			hear(s, 0, 2, 0, s->now);
			hear(s, 1, 0, 2, 0);
			hear(s, 2, 0, 1, 0);
		}
		all_time_out(s);
		scene_publish(s);
	}
	assert_true(fleet_is_blind(s->fleet));
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 1), NODE_DOWN);
	assert_int_equal(scene_state(s, 2), NODE_DOWN);
	assert_int_equal(scene_state(s, 3), NODE_UP); /* nobody knows */
	for (unsigned round = 0; round < 25; round++) {
		scene_pass(s, STEP);
		hear(s, 0, 2, 0, s->now);
		all_time_out(s);
	}
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 3), NODE_DOWN); /* a minute is over */
}

/* A node that is held is not taken for one that fails: nobody is expected to leave it,
 * and its stability is not of our network. */
static void test_held_is_no_failure(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	time_out(s, 0, 1);
	float lost = fleet_node(s->fleet, 0)->stability.lost;
	for (unsigned i = 0; i < 3; i++) {
		scene_pass(s, STEP);
		hear(s, 0, 1, 0, s->now - 1);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	}
	assert_true(fleet_node(s->fleet, 0)->health.held);
	assert_float_equal(fleet_node(s->fleet, 0)->stability.lost, lost, 1e-6);
	assert_int_equal(scene_publish(s)->node[0].returning, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_reached_by_another),
		SCENE_TEST(test_reached_later),
		SCENE_TEST(test_reached_before),
		SCENE_TEST(test_awaited_is_suspect),
		SCENE_TEST(test_awaited_how_long),
		SCENE_TEST(test_refused),
		SCENE_TEST(test_unreached),
		SCENE_TEST(test_cut_in_a_handshake),
		SCENE_TEST(test_majority),
		SCENE_TEST(test_majority_with_us),
		SCENE_TEST(test_blind),
		SCENE_TEST(test_held_is_no_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
