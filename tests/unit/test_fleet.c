/* The fleet as a whole: when it is ready, what of it outlives a reload, a restart of
 * dnsd and itself. */
#include "scene.h"

#include "memory.h"

/* A fleet gives back all that it takes, also for those it sends elsewhere. */
static void test_memory(void **state)
{
	struct scene *s = *state;
	size_t before = 0;
	scene_teardown(state);
	for (unsigned i = 0; i < 200; i++) {
		scene_setup(state);
		for (unsigned k = 0; k < 4; k++)
			scene_poll(s, k, 100);
		fleet_merge(s->fleet, i, s->w.accounts, s->now);
		fleet_schedule(s->fleet,
			&(struct schedule_entry){.over_ms = 60000,
				.at_ms = s->now,
				.viewers = 10},
			1);
		for (unsigned k = 0; k < 2; k++)
			fleet_failed(s->fleet, k, SAMPLE_REFUSED, s->now);
		scene_publish(s);
		scene_teardown(state);
		if (i == 100)
			before = memory_of_heap();
	}
	size_t after = memory_of_heap();
	scene_setup(state);
	fleet_free(NULL);
	assert_true(after < before + 2000);
}

/* Ready when all have been heard of, or when the wait is over. */
static void test_ready(void **state)
{
	struct scene *s = *state;
	assert_false(scene_publish(s)->ready);
	scene_poll_all(s, 100);
	s->now++;
	assert_true(scene_publish(s)->ready);

	struct fleet *late = fleet_new(&scene_rules, s->now);
	fleet_set_map(late, s->w.map, &scene_rules, s->now);
	fleet_watch(late, 0, true, true);
	struct load *load = fleet_load(late, s->now + 299);
	assert_false(load->ready);
	load_free(load);
	load = fleet_load(late, s->now + 300);
	assert_true(load->ready);
	load_free(load);
	fleet_free(late);
}

/* What was known before a restart of dnsd holds until a node is polled: also that
 * its viewers will be elsewhere if it fails. Of one that was down nothing is. */
static void test_restored(void **state)
{
	struct scene *s = *state;
	struct stability kept = {.lost = 0.25f};
	fleet_restore(s->fleet, 0, NODE_UP, 200);
	fleet_restore(s->fleet, 2, NODE_DOWN, 200);
	fleet_restore_stability(s->fleet, 0, &kept);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_int_equal(scene_state(s, 2), NODE_DOWN);
	assert_string_equal(
		scene_why(s, 0), "as before the restart, not polled yet");
	assert_float_equal(fleet_connections(s->fleet, 0), 200, 0);
	assert_float_equal(fleet_node(s->fleet, 0)->stability.lost, 0.25, 0);
	scene_poll(s, 1, 100);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(scene_kept_in_all(s), 200 * COME_BACK, 0.1);
	assert_false(fleet_node(s->fleet, 2)->have_load);
}

/* Questions for further lines, and answers where only one node lived, are counted
 * once for each thread that has them, with answers or without. */
static void test_counted(void **state)
{
	struct scene *s = *state;
	struct reservation *r = &s->w.accounts->reservation[1];
	r->line2 = 3;
	r->only = 2;
	for (unsigned i = 0; i < 2; i++) {
		fleet_merge(s->fleet, 0, s->w.accounts, s->now);
		assert_int_equal(fleet_node(s->fleet, 1)->line2, 3);
		assert_int_equal(fleet_node(s->fleet, 1)->only, 2);
		assert_int_equal(fleet_node(s->fleet, 1)->answers, 0);
	}
	fleet_merge(s->fleet, 1, s->w.accounts, s->now);
	assert_int_equal(fleet_node(s->fleet, 1)->line2, 6);
	r->answers = 7;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	assert_int_equal(fleet_node(s->fleet, 1)->answers, 7);
	assert_int_equal(fleet_node(s->fleet, 0)->line2, 0);
}

/* A restart of dnsd is none of its nodes. */
static void test_own_restart(void **state)
{
	struct scene *s = *state;
	const float *events = fleet_node(s->fleet, 0)->stability.events;
	fleet_restore(s->fleet, 0, NODE_UP, 10);
	scene_poll(s, 0, 10);
	assert_float_equal(events[STABILITY_RESTARTED], 0, 0);
	struct capacity kept = fleet_node(s->fleet, 0)->capacity;
	fleet_restore_capacity(s->fleet, 1, &kept, 76);
	scene_poll(s, 1, 10); /* SRS restarted meanwhile */
	events = fleet_node(s->fleet, 1)->stability.events;
	assert_float_equal(events[STABILITY_RESTARTED], 1, 0);
}

/* A fall and a restart count once, against the node's stability. */
static void test_events_of_stability(void **state)
{
	struct scene *s = *state;
	const float *events = fleet_node(s->fleet, 0)->stability.events;
	scene_poll(s, 0, 10);
	for (unsigned i = 0; i < 4; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		assert_float_equal(events[STABILITY_DOWN], i ? 1 : 0, 0);
	}
	assert_float_equal(events[STABILITY_RESTARTED], 0, 0);
	struct sample one = scene_sample(s, 10);
	one.identity++;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(events[STABILITY_RESTARTED], 1, 0);
	fleet_dropped(s->fleet, 0, 0.25f, s->now);
	assert_float_equal(events[STABILITY_DROPPED], 0.25, 0);
}

/* A map with many more nodes: what is known of the old ones is kept, also which of
 * their sums were read; of the new ones nothing is. */
static void test_more_nodes(void **state)
{
	struct scene *s = *state;
	struct reservation *r = s->w.accounts->reservation;
	char yaml[8192];
	int at = snprintf(yaml, sizeof yaml, "nodes:\n");
	for (unsigned i = 0; i < 60; i++)
		at += snprintf(yaml + at, sizeof yaml - (size_t)at,
			"  n%u: {address: [192.0.3.%u], at: [1, 1]}\n", i,
			i + 1);
	snprintf(yaml + at, sizeof yaml - (size_t)at, "%s",
		"steer: {live.example.com: {pool: [edge]}}\n");
	struct conf *conf = world_conf(yaml);
	struct map *map = map_build(conf, s->w.geo, 1, s->w.map);
	conf_free(conf);
	mallopt(M_PERTURB, 0xa5); /* memory is not 0 by itself */
	scene_poll(s, 5, 100);
	r[5].answers = 7;
	r[5].line2 = 3;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	fleet_set_map(s->fleet, map, &scene_rules, s->now);
	for (unsigned i = 6; i < 66; i++) {
		r[i].answers = i;
		r[i].only = 2;
	}
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	assert_int_equal(fleet_node(s->fleet, 5)->answers, 7);
	assert_int_equal(fleet_node(s->fleet, 5)->line2, 3);
	for (unsigned i = 6; i < 66; i++) {
		const struct fleet_node *node = fleet_node(s->fleet, i);
		assert_int_equal(node->answers, i);
		assert_int_equal(node->only, 2);
		assert_int_equal(node->line2, 0);
		assert_float_equal(node->connections, 0, 0);
		assert_int_equal(scene_state(s, i), NODE_UNKNOWN);
	}
	mallopt(M_PERTURB, 0);
	fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	map_free(map);
}

/* A reload keeps what is known of nodes, and their indexes; new ones ramp. */
static void test_new_map(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 2, 123);
	struct conf *conf = world_conf(
		"nodes:\n"
		"  new: {address: [192.0.2.9], at: [1, 1]}\n"
		"  c: {address: [192.0.2.3], at: [35.7, 139.7], capacity: 500}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	struct map *map = map_build(conf, s->w.geo, 1, s->w.map);
	conf_free(conf);
	assert_int_equal(map_find_node(map, "c"), 2);
	assert_int_equal(map_find_node(map, "new"), 6);
	assert_int_equal(map_find_node(map, "a"), -1);
	fleet_set_map(s->fleet, map, &scene_rules, s->now);
	const struct load *load = scene_publish(s);
	assert_float_equal(fleet_utilisation(s->fleet, 2), 123 / 500.0, 1e-4);
	assert_float_equal(load->node[6].room, 0.2, 0.01);
	assert_int_equal(load->node[0].state, NODE_DOWN);
	struct steer_state st = {map, NULL, s->w.geo};
	st.load = load = scene_publish(s);
	struct steer_query q = {
		.name = 0, .line = 1, .type = STEER_A, .net = {4, {10}}};
	struct steer_decision d;
	steer_decide(&st, NULL, &q, s->now, &d, NULL);
	assert_int_equal(d.node[0], 2); /* the only one up */
	fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_memory),
		SCENE_TEST(test_ready),
		SCENE_TEST(test_restored),
		SCENE_TEST(test_counted),
		SCENE_TEST(test_events_of_stability),
		SCENE_TEST(test_own_restart),
		SCENE_TEST(test_more_nodes),
		SCENE_TEST(test_new_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
