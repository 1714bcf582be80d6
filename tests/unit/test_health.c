/* Which state nodes are in, by polls, samples and probes, and why. */
#include "scene.h"

/* The first good sample is enough after start; then fall and rise count. */
static void test_fall_and_rise(void **state)
{
	struct scene *s = *state;
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	/* as a cold one */
	assert_true(scene_publish(s)->node[0].room < 0.3f);
}

/* One failure makes a node suspect: dearer, not down. */
static void test_suspect(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	const struct load *load = scene_publish(s);
	assert_true(load->node[0].penalty_ms > 10);
	assert_int_equal(load->node[0].state, NODE_UP);
	scene_poll(s, 0, 10);
	load = scene_publish(s);
	assert_float_equal(load->node[0].penalty_ms, 0, 0);
}

/* SIGQUIT: API and RTMP refuse at once; no need to wait for a second look. */
static void test_refused_and_probe(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	scene_poll(s, 1, 10);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, false, s->now);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 1, HEALTH_RTMP, false, s->now); /* either way */
	assert_int_equal(scene_state(s, 1), NODE_UP);
	fleet_failed(s->fleet, 1, SAMPLE_REFUSED, s->now);
	assert_int_equal(scene_state(s, 1), NODE_DOWN);
}

/* A poll that was refused before an answer came says nothing any more. */
static void test_refused_before(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	scene_poll(s, 0, 10);
	scene_probe_fails(s, 0);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* A node that was down when dnsd was started is up by its first good sample, but not
 * if it was seen to be bad before. */
static void test_down_at_start(void **state)
{
	for (unsigned bad = 0; bad < 3; bad++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		fleet_restore(s->fleet, 0, NODE_DOWN, 200);
		struct sample off = scene_sample(s, 10);
		off.sampled_ms = 0;
		if (bad == 1)
			fleet_sample(s->fleet, 0, &off, s->now);
		for (unsigned i = 0; bad == 2 && i < 2; i++)
			fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), bad ? NODE_DOWN : NODE_UP);
		scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
}

static void fail_twice(struct scene *s, enum sample_failure failure)
{
	for (int i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		fleet_failed(s->fleet, 0, failure, s->now);
	}
}

/* A node that is down says what keeps it there now, not what brought it there. */
static void test_reason_changes(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fail_twice(s, SAMPLE_REFUSED);
	assert_string_equal(scene_why(s, 0), "polls are refused");
	fail_twice(s, SAMPLE_DENIED);
	assert_string_equal(scene_why(s, 0), "it denies access to its API");
	fail_twice(s, SAMPLE_UNREADABLE);
	assert_string_equal(scene_why(s, 0), "its answers are unreadable");
	fail_twice(s, SAMPLE_UNTRUSTED);
	assert_string_equal(scene_why(s, 0), "its certificate is not trusted");
	fail_twice(s, SAMPLE_TIMEOUT);
	assert_string_equal(scene_why(s, 0), "polls time out");
	struct sample frozen = scene_sample(s, 10);
	frozen.sampled_ms -= 20000;
	fleet_sample(s->fleet, 0, &frozen, s->now);
	assert_string_equal(scene_why(s, 0), "its statistics are frozen");
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_string_equal(
		scene_why(s, 0), "it answers again, but not often enough yet");
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_string_equal(scene_why(s, 0), "");
}

/* Beyond max_connections: polls go on to report nobody, probes get silence. */
static void test_black_hole(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 1000);
	for (int i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 0, 0);
		fleet_probed(s->fleet, 0, HEALTH_RTMP, false, s->now);
	}
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_pass(s, STEP);
	scene_poll(s, 0, 0); /* good samples alone do not bring it back */
	scene_poll(s, 0, 0);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	/* One of two ports answering is not enough. */
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	scene_poll(s, 0, 0);
	scene_poll(s, 0, 0);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	scene_poll(s, 0, 0);
	scene_poll(s, 0, 0);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* The port answers, its players get errors: the same row of failures as the port's,
 * under its own name. */
static void test_no_flv(void **state)
{
	static const char why[] =
		"it serves no FLV: an HTTP error for a stream that is live";
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	assert_string_equal(scene_why(s, 0), why);
	fleet_probed(s->fleet, 0, HEALTH_FLV, false, s->now);
	assert_string_equal(
		scene_why(s, 0), "it does not answer HTTP on its FLV port");
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	assert_string_equal(scene_why(s, 0), why);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	for (int i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 0, 10);
	}
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* Statistics that stand still look fresh but for their stamp. */
static void test_frozen(void **state)
{
	struct scene *s = *state;
	struct sample one = scene_sample(s, 10);
	fleet_sample(s->fleet, 0, &one, s->now);
	for (int i = 0; i < 3; i++) {
		scene_pass(s, STEP);
		one.node_ms = s->now + s->ahead_ms;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
	scene_pass(s, STEP);
	one.node_ms = s->now + s->ahead_ms;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	/* They move again. */
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* ... also when now_ms stands still with them. */
static void test_frozen_clock(void **state)
{
	struct scene *s = *state;
	struct sample one = scene_sample(s, 10);
	for (int i = 0; i < 5; i++) {
		fleet_sample(s->fleet, 0, &one, s->now);
		scene_pass(s, STEP);
	}
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
}

/* stats{enabled off}, or a start a second ago: no load, no claim to be well. */
static void test_no_statistics(void **state)
{
	struct scene *s = *state;
	struct sample one = scene_sample(s, 0);
	one.sampled_ms = 0;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	assert_string_equal(
		scene_why(s, 0), "its statistics are off or not begun");
	one.sampled_ms = 1;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_string_equal(scene_why(s, 0), "its statistics are frozen");
}

/* What answers, but not with a sample, is not down, and not up either. */
static void test_unreadable(void **state)
{
	struct scene *s = *state;
	for (unsigned node = 0; node < 3; node++) {
		scene_poll(s, node, 10);
		for (int i = 0; i < 2; i++)
			fleet_failed(s->fleet, node, SAMPLE_UNREADABLE + node,
				s->now);
		assert_int_equal(scene_state(s, node), NODE_UNKNOWN);
	}
}

/* Nothing is heard of it: unknown, never "no load". */
static void test_old(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	scene_pass(s, 9000);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	scene_pass(s, 9000);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
}

/* A sample is old after three rounds and two timeouts, or after ten seconds where
 * polls are frequent. */
static void test_how_old(void **state)
{
	static const struct fleet_rules often = {{500, 100, 2, 2}, 300};
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		if (i)
			fleet_set_map(s->fleet, s->w.map, &often, s->now);
		scene_poll(s, 0, 10);
		scene_pass(s, i ? 10000 : 12000);
		assert_int_equal(scene_state(s, 0), NODE_UP);
		scene_pass(s, 1);
		assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
		assert_string_equal(scene_why(s, 0), "its samples are old");
	}
}

/* A node without an API is up by its probes alone; they grow old, too. */
static void test_only_probed(void **state)
{
	struct scene *s = *state;
	fleet_watch(s->fleet, 0, false, true);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	scene_pass(s, 12001);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	assert_string_equal(scene_why(s, 0), "it was not probed");
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	scene_probe_fails(s, 0);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	scene_probe_fails(s, 0);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	/* one that is polled is not up by its probes */
	fleet_probed(s->fleet, 1, HEALTH_RTMP, true, s->now);
	assert_int_equal(scene_state(s, 1), NODE_UNKNOWN);
}

/* Nobody waits for a node any more that was probed, well or not. */
static void test_ready_by_probes(void **state)
{
	for (unsigned ok = 0; ok < 2; ok++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		fleet_watch(s->fleet, 0, false, true);
		for (unsigned i = 1; i < 6; i++)
			fleet_watch(s->fleet, i, false, false);
		assert_false(scene_publish(s)->ready);
		for (unsigned i = 0; i < 2; i++)
			fleet_probed(s->fleet, 0, HEALTH_RTMP, ok, s->now);
		assert_true(scene_publish(s)->ready);
	}
}

/* A node without polls and probes never goes down. */
static void test_not_watched(void **state)
{
	struct scene *s = *state;
	fleet_watch(s->fleet, 0, false, false);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	scene_pass(s, 1000000);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	assert_string_equal(scene_why(s, 0), "not watched");
}

/* Stamps may be ten seconds behind the node's own clock and five before it. */
static void test_stamps(void **state)
{
	static const struct {
		int64_t before_ms;
		enum node_state state;
		const char *why;
	} rows[] = {{10000, NODE_UP, ""},
		{10001, NODE_UNKNOWN, "its statistics are frozen"},
		{-5000, NODE_UP, ""},
		{-5001, NODE_UNKNOWN, "its statistics are of the future"}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		struct sample one = scene_sample(s, 10);
		one.sampled_ms = one.node_ms - rows[i].before_ms;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_int_equal(scene_state(s, 0), rows[i].state);
		assert_string_equal(scene_why(s, 0), rows[i].why);
	}
}

/* A stamp that stands still for ten seconds may move again; for longer it is
 * frozen, unless the node was restarted meanwhile. */
static void test_how_frozen(void **state)
{
	struct scene *s = *state;
	struct sample one = scene_sample(s, 10);
	one.node_ms = one.sampled_ms;
	fleet_sample(s->fleet, 0, &one, s->now);
	s->now += 10000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	s->now += 1;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	one.identity++;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* What a sample says that cannot be of now is not believed. */
static void test_not_believed(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 100);
	scene_pass(s, STEP);
	struct sample one = scene_sample(s, 900);
	one.sampled_ms = 0;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 100, 0);
	one.sampled_ms = one.node_ms - 20000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 100, 0);
	assert_int_equal(scene_state(s, 0), NODE_UNKNOWN);
	assert_int_equal(fleet_node(s->fleet, 0)->samples, 3);
}

/* Good samples must come in a row: a failed poll or probe between them counts. */
static void test_in_a_row(void **state)
{
	for (unsigned by_probe = 0; by_probe < 2; by_probe++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll(s, 0, 10);
		for (unsigned i = 0; i < 2; i++)
			fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		for (unsigned i = 0; i < 5; i++) {
			scene_pass(s, STEP);
			scene_poll(s, 0, 10);
			assert_int_equal(scene_state(s, 0), NODE_DOWN);
			if (by_probe) {
				scene_probe_fails(s, 0);
				fleet_probed(
					s->fleet, 0, HEALTH_RTMP, true, s->now);
			} else {
				fleet_failed(
					s->fleet, 0, SAMPLE_UNREADABLE, s->now);
			}
		}
		/* and failed ones: an answer between them counts, too */
		for (unsigned i = 0; i < 2; i++)
			scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), NODE_UP);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		scene_poll(s, 0, 10);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
}

/* A sample that cannot be believed counts between them, too. */
static void test_in_a_row_frozen(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fail_twice(s, SAMPLE_TIMEOUT);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	struct sample frozen = scene_sample(s, 10);
	frozen.sampled_ms -= 20000;
	fleet_sample(s->fleet, 0, &frozen, s->now);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_DOWN);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

/* Old servers do not identify their process: there a shorter uptime shows a
 * restart, and a difference that comes from rounding does not. */
static void test_restart_by_uptime(void **state)
{
	static const struct {
		int32_t before, after;
		bool restarted;
	} rows[] = {{100, 97, true}, {100, 98, false}, {100, 103, false},
		{-1, 5, false}, {100, -1, false}, {5, 0, true}, {0, 0, false}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		struct sample one = scene_sample(s, 10);
		one.uptime_s = rows[i].before;
		fleet_sample(s->fleet, 0, &one, s->now);
		scene_pass(s, STEP);
		one = scene_sample(s, 10);
		one.uptime_s = rows[i].after;
		fleet_sample(s->fleet, 0, &one, s->now);
		const struct load *load = scene_publish(s);
		assert_float_equal(
			load->node[0].room, rows[i].restarted ? 0.2 : 1, 0.05);
	}
}

/* Of what was published before the start there is no less than at the start. */
static void test_room_before_the_ramp(void **state)
{
	static const struct health health = {.ramp_ms = 500000};
	(void)state;
	assert_float_equal(health_room(&health, 400000), 0.2, 1e-6);
	assert_float_equal(health_room(&health, 500000), 0.2, 1e-6);
	assert_float_equal(health_room(&health, 560000), 0.6, 1e-6);
	assert_float_equal(health_room(&health, 620000), 1, 0);
	assert_float_equal(health_room(&health, 700000), 1, 0);
}

/* service or pid changed: a cold node, ramped up, its counters anew. */
static void test_restart(void **state)
{
	struct scene *s = *state;
	s->bytes = 1000000000;
	scene_poll(s, 0, 500);
	scene_pass(s, STEP);
	struct sample one = scene_sample(s, 0);
	one.identity = 78;
	one.send_bytes = 1000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(scene_state(s, 0), NODE_UP);
	const struct load *load = scene_publish(s);
	assert_float_equal(load->node[0].room, 0.2, 0.01);
	assert_false(fleet_node(s->fleet, 0)->bandwidth_known);
	scene_pass(s, 60000);
	load = scene_publish(s);
	assert_float_equal(load->node[0].room, 0.6, 0.01);
	scene_pass(s, 61000);
	load = scene_publish(s);
	assert_float_equal(load->node[0].room, 1, 0);
}

/* Down again and again: held back longer each time. */
static void test_flapping(void **state)
{
	struct scene *s = *state;
	int64_t held[6];
	scene_poll(s, 0, 10);
	for (int i = 0; i < 6; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		int64_t down = s->now;
		while (scene_state(s, 0) != NODE_UP) {
			scene_pass(s, STEP);
			scene_poll(s, 0, 10);
			assert_true(s->now - down < 600000);
		}
		held[i] = s->now - down;
	}
	assert_int_equal(held[0], 2 * STEP);
	for (int i = 2; i < 6; i++)
		assert_true(held[i] > held[i - 1]);
}

/* Ten minutes after a fall the next one is the first again, not a moment sooner; then
 * the node is held down for a quarter of a minute. */
static void test_forgiven_after_ten_minutes(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll(s, 0, 10);
		for (unsigned fall = 0; fall < 2; fall++) {
			for (unsigned i = 0; i < 2; i++)
				fleet_failed(
					s->fleet, 0, SAMPLE_REFUSED, s->now);
			assert_int_equal(scene_state(s, 0), NODE_DOWN);
			for (unsigned i = 0; i < 2; i++)
				scene_poll(s, 0, 10);
			if (!fall)
				s->now += 599999 + late;
			scene_poll(s, 0, 10);
		}
		assert_int_equal(scene_state(s, 0), late ? NODE_UP : NODE_DOWN);
		if (late)
			continue;
		s->now += 14999;
		scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), NODE_DOWN);
		s->now += 1;
		scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
}

/* The first fall is forgiven; the next ones within ten minutes hold a node down for
 * a quarter of a minute, and twice as long each time, up to five minutes. */
static void test_held_down(void **state)
{
	static const int64_t held_s[] = {0, 15, 30, 60, 120, 240, 300, 300};
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	for (unsigned i = 0; i < sizeof held_s / sizeof *held_s; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		int64_t until = s->now + held_s[i] * 1000;
		scene_pass(s, 1);
		scene_poll(s, 0, 10);
		while (s->now + 1000 < until) {
			scene_pass(s, 1000);
			scene_poll(s, 0, 10);
			assert_int_equal(scene_state(s, 0), NODE_DOWN);
		}
		if (held_s[i])
			assert_string_equal(scene_why(s, 0),
				"it answers again; held, for it went down often");
		scene_pass(s, 1000);
		scene_poll(s, 0, 10);
		assert_int_equal(scene_state(s, 0), NODE_UP);
	}
	/* and after ten minutes without a fall it is forgiven again */
	while (s->now - fleet_node(s->fleet, 0)->health.down_ms < 600000) {
		scene_pass(s, 1000);
		scene_poll(s, 0, 10);
	}
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	scene_pass(s, 1000);
	scene_poll(s, 0, 10);
	scene_poll(s, 0, 10);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

static void test_drain(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fleet_drain(s->fleet, 0, true);
	assert_int_equal(scene_state(s, 0), NODE_DRAINED);
	fleet_drain(s->fleet, 0, false);
	assert_int_equal(scene_state(s, 0), NODE_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_fall_and_rise),
		SCENE_TEST(test_suspect),
		SCENE_TEST(test_refused_and_probe),
		SCENE_TEST(test_refused_before),
		SCENE_TEST(test_down_at_start),
		SCENE_TEST(test_reason_changes),
		SCENE_TEST(test_black_hole),
		SCENE_TEST(test_no_flv),
		SCENE_TEST(test_frozen),
		SCENE_TEST(test_frozen_clock),
		SCENE_TEST(test_no_statistics),
		SCENE_TEST(test_unreadable),
		SCENE_TEST(test_old),
		SCENE_TEST(test_how_old),
		SCENE_TEST(test_only_probed),
		SCENE_TEST(test_ready_by_probes),
		SCENE_TEST(test_not_watched),
		SCENE_TEST(test_stamps),
		SCENE_TEST(test_how_frozen),
		SCENE_TEST(test_not_believed),
		SCENE_TEST(test_in_a_row),
		SCENE_TEST(test_in_a_row_frozen),
		SCENE_TEST(test_restart_by_uptime),
		SCENE_TEST(test_restart),
		cmocka_unit_test(test_room_before_the_ramp),
		SCENE_TEST(test_flapping),
		SCENE_TEST(test_forgiven_after_ten_minutes),
		SCENE_TEST(test_held_down),
		SCENE_TEST(test_drain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
