/* Whether it is our own network that fails, and in which state nodes are then. */
#include "scene.h"

/* Most of all nodes on several sites time out at once: it is us. The last good
 * states hold, for a minute at most. */
static void test_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 100);
	for (int round = 0; round < 3; round++) {
		scene_pass(s, STEP);
		for (unsigned i = 0; i < 5; i++) {
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
			scene_publish(s);
		}
		scene_poll(s, 5, 100);
	}
	assert_true(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(scene_state(s, i), NODE_UP);
	for (int round = 0; round < 25; round++) {
		scene_pass(s, STEP);
		for (unsigned i = 0; i < 5; i++)
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
		scene_poll(s, 5, 100);
	}
	assert_false(fleet_is_blind(s->fleet));
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	assert_int_equal(scene_state(s, 5), NODE_UP);
}

static const char eight[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [1, 1], site: s1}\n"
	"  b: {address: [192.0.2.2], at: [1, 1], site: s1}\n"
	"  c: {address: [192.0.2.3], at: [1, 1], site: s2}\n"
	"  d: {address: [192.0.2.4], at: [1, 1], site: s2}\n"
	"  e: {address: [192.0.2.5], at: [1, 1], site: s3}\n"
	"  f: {address: [192.0.2.6], at: [1, 1], site: s4}\n"
	"  g: {address: [192.0.2.7], at: [1, 1], site: s5}\n"
	"  h: {address: [192.0.2.8], at: [1, 1], site: s6}\n"
	"steer: {live.example.com: {pool: [edge]}}\n";

/* Whether we look blind, so long after the named nodes have timed out. */
static bool looks_blind(
	const char *polled, const char *silent, int64_t after_ms)
{
	struct world w;
	world_open(&w, eight);
	struct fleet *fleet = fleet_new(&scene_rules, 1000);
	fleet_set_map(fleet, w.map, &scene_rules, 1000);
	for (unsigned i = 0; i < 8; i++) {
		const char *name = w.map->nodes[i].name;
		fleet_watch(fleet, i, strstr(polled, name) != NULL, true);
		if (strstr(silent, name))
			fleet_failed(fleet, i, SAMPLE_TIMEOUT, 5000);
	}
	load_free(fleet_load(fleet, 5000 + after_ms));
	bool blind = fleet_is_blind(fleet);
	fleet_free(fleet);
	world_close(&w);
	return blind;
}

/* It is us when more than half of what is polled times out, four nodes of three
 * sites at least, within two rounds. */
static void test_when_blind(void **state)
{
	(void)state;
	assert_true(looks_blind("abcdefg", "aefg", 0));
	assert_true(looks_blind("abcdefg", "bdfg", 0));
	assert_false(looks_blind("abcdefgh", "aefg", 0)); /* just half */
	assert_false(looks_blind("abcdefg", "aef", 0));
	assert_false(looks_blind("aefgh", "efg", 0)); /* three nodes */
	assert_true(looks_blind("aefgh", "efgh", 0));
	assert_false(looks_blind("abcd", "abcd", 0)); /* two sites */
	assert_true(looks_blind("abcde", "abce", 0)); /* three */
	assert_false(looks_blind("abcdefgh", "", 0));
	/* a node that is only probed shows nothing of polls */
	assert_false(looks_blind("abcd", "abefgh", 0));
	assert_true(looks_blind("abcdefg", "aefg", 9000));
	assert_false(looks_blind("abcdefg", "aefg", 9001));
}

/* It ends a minute later, to the millisecond, and begins anew once polls have worked
 * again. */
static void test_blind_for_a_minute(void **state)
{
	struct scene *s = *state;
	for (unsigned round = 0; round < 2; round++) {
		for (int64_t ms = 0; ms <= 60000; ms += 2000) {
			for (unsigned i = 0; i < 4; i++)
				fleet_failed(
					s->fleet, i, SAMPLE_TIMEOUT, s->now);
			scene_publish(s);
			assert_true(fleet_is_blind(s->fleet));
			s->now += ms < 60000 ? 2000 : 1;
		}
		scene_publish(s);
		assert_false(fleet_is_blind(s->fleet));
		scene_poll_all(s, 10);
		scene_publish(s);
		assert_false(fleet_is_blind(s->fleet));
	}
}

/* While our own network fails, a node that was up stays up; one that was not,
 * or that refuses, keeps its own state. */
static void test_states_while_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 5; i++)
		scene_poll(s, i, 100);
	for (unsigned n = 0; n < 2; n++) {
		fleet_failed(s->fleet, 4, SAMPLE_REFUSED, s->now);
		for (unsigned i = 0; i < 4; i++)
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
		fleet_failed(s->fleet, 5, SAMPLE_TIMEOUT, s->now);
		scene_publish(s);
	}
	assert_true(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(scene_state(s, i), NODE_UP);
	assert_int_equal(scene_state(s, 4), NODE_DOWN);
	assert_int_equal(scene_state(s, 5), NODE_DOWN);
	assert_float_equal(
		scene_penalty_ms(s, 0), 0, 0); /* nor is it suspect */
}

/* A node that refuses shows that polls reach it, also if it was silent before. */
static void test_silent_then_refuses(void **state)
{
	struct scene *s = *state;
	scene_poll_all(s, 100);
	for (unsigned i = 0; i < 4; i++)
		fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
	scene_publish(s);
	assert_true(fleet_is_blind(s->fleet));
	/* nor is what is lost then the node's fault */
	float lost = fleet_node(s->fleet, 1)->stability.lost;
	fleet_failed(s->fleet, 1, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(fleet_node(s->fleet, 1)->stability.lost, lost, 0);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	scene_publish(s);
	assert_false(fleet_is_blind(s->fleet));
}

/* Refused connections come from a network that works: no doubt about us. */
static void test_not_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 100);
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 5; i++)
			fleet_failed(s->fleet, i, SAMPLE_REFUSED, s->now);
	scene_publish(s);
	assert_false(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(scene_state(s, i), NODE_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_blind),
		SCENE_TEST(test_when_blind),
		SCENE_TEST(test_blind_for_a_minute),
		SCENE_TEST(test_states_while_blind),
		SCENE_TEST(test_silent_then_refuses),
		SCENE_TEST(test_not_blind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
