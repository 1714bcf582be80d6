/* What is made of samples, reports and promises: the load of nodes. */
#include "scene.h"

#define SAFETY 1.25f /* a promise counts for more than it says */

/* Bandwidth from bytes over SRS's own stamps; utilisation is the worst. */
static void test_utilisation(void **state)
{
	struct scene *s = *state;
	s->bytes = 5000000;
	scene_poll(s, 0, 100);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 0.1, 1e-6);
	scene_pass(s, STEP);
	s->bytes += 30000000; /* 30 MB in 3 s: 80 of 100 Mbit/s */
	scene_poll(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 80e6, 1000);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 0.8, 1e-4);
	/* CPU of one core; smoothed. */
	for (int i = 0; i < 8; i++) {
		scene_pass(s, STEP);
		s->bytes += 30000000;
		struct sample one = scene_sample(s, 100);
		one.cpu = 0.95f;
		fleet_sample(s->fleet, 0, &one, s->now);
	}
	assert_float_equal(fleet_utilisation(s->fleet, 0), 0.95, 0.01);
}

static const char small[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 100}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], capacity: 100, overcommit: 1}\n"
	"  c: {address: [192.0.2.3], at: [22.3, 114.2]}\n"
	"session: 600\n"
	"steer: {live.example.com: {pool: [edge]}}\n";

/* All nodes gain viewers up to so many; 300 would be enough for their CPU. */
static void fill(struct scene *s, float viewers)
{
	for (int i = 0; i < 100; i++) {
		float n = fminf(viewers, 5 + (float)i * viewers / 80);
		scene_pass(s, STEP);
		s->bytes += (uint64_t)n * 375000; /* 1 Mbit/s each */
		for (unsigned k = 0; k < 3; k++) {
			struct sample one = scene_sample(s, (uint32_t)n);
			one.cpu = 0.05f + 0.85f * n / 300;
			fleet_sample(s->fleet, k, &one, s->now);
		}
	}
}

/* What is configured too low is raised, unless that is forbidden or nothing
 * was configured: then it may be where the SRS ends. */
static void test_capacity_too_low(void **state)
{
	struct scene *s = *state;
	struct world w;
	world_open(&w, small);
	fleet_set_map(s->fleet, w.map, &scene_rules, s->now);
	const struct load *load = scene_publish(s);
	assert_float_equal(load->session_s, 600, 0.01);
	fill(s, 95);
	assert_float_equal(fleet_capacity(s->fleet, 0), 200, 0.1);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 95 / 200.0, 0.01);
	assert_float_equal(fleet_capacity(s->fleet, 1), 100, 0);
	assert_float_equal(fleet_utilisation(s->fleet, 1), 0.95, 0.01);
	assert_float_equal(fleet_capacity(s->fleet, 2), 1000, 0);
	load = scene_publish(s);
	assert_true(load->node[0].used < 0.8f * load->node[1].used);
	assert_true(load->node[0].per_viewer < 0.8f * load->node[1].per_viewer);
	/* After a restart it may be another one. */
	struct sample one = scene_sample(s, 95);
	one.identity++;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_capacity(s->fleet, 0), 100, 0);
	fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	world_close(&w);
}

/* What was learned of a capacity before a restart of dnsd holds from the first sample
 * on, if that is of the same process of SRS. */
static void test_capacity_restored(void **state)
{
	struct scene *s = *state;
	struct world w;
	world_open(&w, small);
	fleet_set_map(s->fleet, w.map, &scene_rules, s->now);
	fill(s, 95);
	const struct fleet_node *before = fleet_node(s->fleet, 0);
	struct fleet *after = fleet_new(&scene_rules, s->now);
	fleet_set_map(after, w.map, &scene_rules, s->now);
	for (unsigned k = 0; k < 2; k++) {
		fleet_restore(after, k, NODE_UP, 95);
		fleet_restore_capacity(
			after, k, &before->capacity, before->identity);
		struct sample one = scene_sample(s, 95);
		one.identity += k;
		one.send_bytes = s->bytes += 95 * 375000;
		fleet_sample(after, k, &one, s->now + STEP);
		assert_float_equal(
			fleet_capacity(after, k), 200 - 100.0 * k, 0.1);
	}
	/* And it is learned on: viewers that get half are too many. */
	for (unsigned i = 2; i < 5; i++) {
		s->now += STEP;
		s->bytes += 95 * 375000 / 2;
		struct sample one = scene_sample(s, 95);
		fleet_sample(after, 0, &one, s->now);
	}
	assert_float_equal(fleet_capacity(after, 0), 100, 0.1);
	fleet_free(after);
	fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	world_close(&w);
}

/* The fleet's multiplier goes on as well. */
static void test_multiplier_restored(void **state)
{
	struct scene *s = *state;
	float joined, reserved;
	fleet_restore_multiplier(s->fleet, 300, 100);
	fleet_multiplier(s->fleet, &joined, &reserved);
	assert_float_equal(joined, 300, 0);
	assert_float_equal(reserved, 100, 0);
}

/* A counter that went back, a clock that jumped: no bandwidth from these. */
static void test_bandwidth_traps(void **state)
{
	struct scene *s = *state;
	s->bytes = 1000000000;
	scene_poll(s, 0, 100);
	scene_pass(s, STEP);
	s->bytes = 5;
	scene_poll(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 0, 0);
	scene_pass(s, STEP);
	s->ahead_ms += 3600000; /* an hour in three seconds */
	s->bytes += 30000000;
	scene_poll(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 0, 0);
	scene_pass(s, STEP);
	s->bytes += 30000000;
	scene_poll(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 80e6, 1000);
}

/* The node's clock and ours may differ by two seconds and half of the time between
 * two samples. */
static void test_clocks_apart(void **state)
{
	static const struct {
		int64_t ours_ms, theirs_ms;
		bool known;
	} rows[] = {{3000, 6500, true}, {3000, 6501, false}, {8000, 2000, true},
		{8000, 1999, false}, {3000, 1, true}, {500, -1, false}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll(s, 0, 100);
		s->now += rows[i].ours_ms;
		s->ahead_ms += rows[i].theirs_ms - rows[i].ours_ms;
		s->bytes += 1000000;
		scene_poll(s, 0, 100);
		const struct fleet_node *node = fleet_node(s->fleet, 0);
		assert_int_equal(node->bandwidth_known, rows[i].known);
		assert_float_equal(node->bandwidth_bps,
			rows[i].known ? 8e9 / (double)rows[i].theirs_ms : 0, 1);
	}
}

/* A node that sends nothing is known to send nothing; of one that was started again
 * nothing is known, whatever it has sent since. */
static void test_no_bandwidth(void **state)
{
	struct scene *s = *state;
	const struct fleet_node *node = fleet_node(s->fleet, 0);
	s->bytes = 5000;
	scene_poll(s, 0, 100);
	assert_false(node->bandwidth_known);
	scene_pass(s, STEP);
	scene_poll(s, 0, 100);
	assert_true(node->bandwidth_known);
	assert_float_equal(node->bandwidth_bps, 0, 0);
	scene_pass(s, STEP);
	s->bytes += 30000000;
	struct sample again = scene_sample(s, 100);
	again.identity++;
	fleet_sample(s->fleet, 0, &again, s->now);
	assert_false(node->bandwidth_known);
	assert_float_equal(node->bandwidth_bps, 0, 0);
}

/* A sample owes the viewers that were sent from 900 ms before the last one until
 * 900 ms before itself; those of one second come evenly. */
static void test_owed(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 2; i++) {
		scene_poll(s, 0, 100);
		s->now += STEP;
	}
	scene_promise(
		s, 0, 10); /* at 1006 s, when the sample is that of 1005 s */
	s->now += 1000;
	scene_poll(
		s, 0, 100); /* of 1006 s: from 1005.1 s on it shows nothing */
	s->now += STEP;
	scene_promise(s, 0, 40); /* at 1010 s: too late */
	scene_poll(s, 0, 0);
	/* of 1009 s: those between 1005.1 s and 1008.1 s */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.owed, 10, 1e-3);
	s->now += STEP;
	scene_poll(s, 0, 0);
	/* of 1012 s: until 1011.1 s */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.owed, 50, 1e-3);
	assert_string_equal(fleet_avoided(s->fleet, 0, s->now),
		"none comes of the viewers that are sent there");
	assert_string_equal(fleet_avoided(s->fleet, 1, s->now), "");
}

/* Of 45 viewers three leave in 40 seconds if they stay for ten minutes; so if there
 * are 45 still, three have come. That is a quarter of ten, but not of 14. */
static void test_owed_if_some_came(void **state)
{
	static const struct {
		unsigned sent;
		float owed;
	} rows[] = {{10, 0}, {14, 14}};
	struct world w;
	world_open(&w, small);
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		fleet_set_map(s->fleet, w.map, &scene_rules, s->now);
		static const uint32_t seen[] = {0, 1000, 45};
		for (unsigned k = 0; k < 3; k++) {
			scene_poll(s, 0, seen[k]);
			s->now += STEP;
		}
		scene_promise(s, 0, rows[i].sent);
		s->now += 40000 - STEP;
		scene_poll(s, 0, 45);
		assert_float_equal(fleet_node(s->fleet, 0)->empty.owed,
			rows[i].owed, 1e-3);
		fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	}
	world_close(&w);
}

/* What threads promised counts until a sample must show it. */
static void test_promises(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		scene_poll(s, i, 100);
	struct reservation *p = &s->w.accounts->reservation[1];
	p->viewers += 50 * RESERVATION_VIEWER;
	p->answers += 50;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	const struct load *load = scene_publish(s);
	assert_float_equal(load->node[1].reserved, 50 * SAFETY, 1);
	assert_float_equal(load->node[1].used, 0.1 + 0.05 * SAFETY, 0.002);
	assert_float_equal(load->node[0].reserved, 0, 0);
	/* Merged once only. */
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	load = scene_publish(s);
	assert_float_equal(load->node[1].reserved, 50 * SAFETY, 1);
	/* The next samples show them: no longer in flight. */
	for (int i = 0; i < 2; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 1, 150);
	}
	load = scene_publish(s);
	assert_float_equal(load->node[1].reserved, 0, 0.01);
	assert_float_equal(load->node[1].used, 0.15, 0.002);
	assert_int_equal(fleet_node(s->fleet, 1)->answers, 50);
}

/* A cached answer brings viewers as long as it lives, at its rate. */
static void test_promised_rate(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 100);
	struct reservation *p = &s->w.accounts->reservation[0];
	p->rate[5] += 2 * RESERVATION_RATE; /* 2 a second for 20 seconds */
	p->answers++;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	const struct load *load = scene_publish(s);
	assert_float_equal(load->node[0].reserved, 40 * SAFETY, 2);
	for (int i = 0; i < 4; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 0, (uint32_t)(100 + 6 * (i + 1)));
	}
	load = scene_publish(s);
	assert_in_range((int)load->node[0].reserved, 15, 33);
	for (int i = 0; i < 6; i++) {
		scene_pass(s, STEP);
		scene_poll(s, 0, 140);
	}
	load = scene_publish(s);
	assert_float_equal(load->node[0].reserved, 0, 0.01);
}

/* Other name servers and shared caches: a promised viewer turns out to be
 * several, and is counted as such. */
static void test_multiplier(void **state)
{
	struct scene *s = *state;
	uint32_t connections = 100;
	scene_poll(s, 0, connections);
	struct reservation *p = &s->w.accounts->reservation[0];
	const struct load *load;
	for (int i = 0; i < 20; i++) {
		p->viewers += 10 * RESERVATION_VIEWER;
		p->answers += 10;
		fleet_merge(s->fleet, 0, s->w.accounts, s->now);
		scene_pass(s, STEP);
		connections += 40;
		scene_poll(s, 0, connections);
	}
	p->viewers += 10 * RESERVATION_VIEWER;
	p->answers += 10;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	load = scene_publish(s);
	assert_in_range((int)load->node[0].reserved, 30, 90);
}

/* A heartbeat raises a load, never lowers it, never makes a node healthy. */
static void test_heartbeat(void **state)
{
	struct scene *s = *state;
	fleet_raise(s->fleet, 1, 500, s->now);
	assert_int_equal(scene_state(s, 1), NODE_UNKNOWN);
	scene_poll(s, 0, 100);
	fleet_raise(s->fleet, 0, 400, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 400, 0);
	fleet_raise(s->fleet, 0, 50, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 400, 0);
	/* and it is what decisions are made by */
	const struct load *load = scene_publish(s);
	assert_true(load->node[0].used >= 400 / fleet_capacity(s->fleet, 0));
	scene_pass(s, STEP);
	scene_poll(s, 0, 120);
	assert_float_equal(fleet_connections(s->fleet, 0), 120, 0);
}

/* Between two polls it raises by half of the capacity at most. */
static void test_heartbeat_too_large(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 100);
	fleet_raise(s->fleet, 0, 100000, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 600, 0);
}

/* What polls contradict is not believed again for ten minutes; what they confirm
 * is. */
static void test_heartbeat_contradicted(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 100);
	scene_pass(s, STEP);
	fleet_raise(s->fleet, 0, 140, s->now - 1000);
	scene_poll(s, 0, 130);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
	/* a sample from before the report tells nothing of it */
	scene_pass(s, STEP);
	fleet_raise(s->fleet, 0, 100000, s->now);
	scene_poll(s, 0, 131);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
	assert_true(fleet_connections(s->fleet, 0) > 600);
	fleet_raise(s->fleet, 0, 100000, s->now);
	scene_pass(s, STEP);
	scene_poll(s, 0, 130);
	assert_float_equal(fleet_connections(s->fleet, 0), 130, 0);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 100000, 0);
	fleet_raise(s->fleet, 0, 300, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 130, 0);
	scene_pass(s, 600000);
	scene_poll(s, 0, 130);
	fleet_raise(s->fleet, 0, 300, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 300, 0);
}

/* A sample of the moment of a report is late enough, and half as many more and a tenth
 * of the capacity are not too many. */
static void test_heartbeat_at_the_bound(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		scene_poll(s, 0, 100);
		scene_pass(s, STEP);
		fleet_raise(s->fleet, 0, (float)(250 + more), s->now - 1000);
		scene_poll(s, 0, 100);
		assert_float_equal(fleet_contradicted(s->fleet, 0, s->now),
			more ? 251 : 0, 0);
		int64_t over = s->now - 1000 + 600000;
		assert_float_equal(fleet_contradicted(s->fleet, 0, over - 1),
			more ? 251 : 0, 0);
		assert_float_equal(fleet_contradicted(s->fleet, 0, over), 0, 0);
	}
}

/* Of a node with few connections a tenth of the capacity more may be true. */
static void test_heartbeat_of_an_empty_node(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 10);
	fleet_raise(s->fleet, 0, 90, s->now);
	scene_pass(s, STEP);
	scene_poll(s, 0, 10);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
}

/* A restart takes all connections away: that is no leaving. */
static void test_restart_is_no_leaving(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 0, 1000);
	scene_pass(s, STEP);
	scene_poll(s, 0, 900);
	assert_true(fleet_node(s->fleet, 0)->leaving.change < 0);
	scene_pass(s, STEP);
	struct sample again = scene_sample(s, 0);
	again.identity = 78;
	fleet_sample(s->fleet, 0, &again, s->now);
	assert_float_equal(fleet_node(s->fleet, 0)->leaving.change, 0, 0);
	/* nor is it empty in comparison with before */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.high, 0, 0);
}

/* When a sample was taken, by our clock: its age on the node's, and half of the time
 * that the answer took. A clock that is ahead makes none younger than now. */
static void test_time_of_sample(void **state)
{
	static const struct {
		int64_t age_ms;
		float rtt_ms;
		int64_t ago_ms;
	} rows[] = {{1000, 0, 1000}, {1000, 400, 1200}, {-900, 0, 0}};
	for (unsigned i = 0; i < 3; i++) {
		struct scene *s = *state;
		scene_teardown(state);
		scene_setup(state);
		struct sample one = scene_sample(s, 10);
		one.sampled_ms = one.node_ms - rows[i].age_ms;
		one.rtt_ms = rows[i].rtt_ms;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_int_equal(fleet_node(s->fleet, 0)->sampled_at_ms,
			s->now - rows[i].ago_ms);
		/* The same sample with more: they have come since. */
		one.connections = 15;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_float_equal(fleet_connections(s->fleet, 0), 15, 0);
		one.connections = 3;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_float_equal(fleet_connections(s->fleet, 0), 15, 0);
	}
}

/* Of a node that was started again nothing of the run before is left. */
static void test_nothing_of_the_run_before(void **state)
{
	struct scene *s = *state;
	scene_poll(s, 1, 900);
	scene_pass(s, STEP);
	s->bytes += 30000000;
	scene_poll(s, 1, 900);
	assert_float_equal(fleet_node(s->fleet, 1)->bandwidth_bps, 80e6, 1000);
	assert_true(scene_publish(s)->node[1].used > 0.8f);
	scene_pass(s, STEP);
	struct sample again = scene_sample(s, 0);
	again.identity++;
	fleet_sample(s->fleet, 1, &again, s->now);
	assert_float_equal(fleet_node(s->fleet, 1)->bandwidth_bps, 0, 0);
	assert_float_equal(fleet_connections(s->fleet, 1), 0, 0);
	assert_true(scene_publish(s)->node[1].used < 0.3f);
}

/* Answers and failures are what the stability of a node is known by. */
static void test_answers_of_stability(void **state)
{
	struct scene *s = *state;
	const struct stability *known = &fleet_node(s->fleet, 0)->stability;
	struct sample one = scene_sample(s, 10);
	one.rtt_ms = 40;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(known->rtt_ms, 40, 0);
	assert_float_equal(known->lost, 0, 0);
	scene_pass(s, STEP);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(fleet_node(s->fleet, 0)->failures, 1);
	float lost = known->lost;
	assert_true(lost > 0);
	scene_pass(s, STEP);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_true(known->lost < lost);
	assert_float_equal(known->rtt_ms, 40, 0);
	scene_pass(s, STEP);
	scene_probe_fails(s, 0);
	assert_true(known->lost > lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_utilisation),
		SCENE_TEST(test_capacity_too_low),
		SCENE_TEST(test_bandwidth_traps),
		SCENE_TEST(test_clocks_apart),
		SCENE_TEST(test_no_bandwidth),
		SCENE_TEST(test_owed),
		SCENE_TEST(test_owed_if_some_came),
		SCENE_TEST(test_promises),
		SCENE_TEST(test_promised_rate),
		SCENE_TEST(test_multiplier),
		SCENE_TEST(test_multiplier_restored),
		SCENE_TEST(test_capacity_restored),
		SCENE_TEST(test_heartbeat),
		SCENE_TEST(test_heartbeat_too_large),
		SCENE_TEST(test_heartbeat_contradicted),
		SCENE_TEST(test_heartbeat_at_the_bound),
		SCENE_TEST(test_heartbeat_of_an_empty_node),
		SCENE_TEST(test_restart_is_no_leaving),
		SCENE_TEST(test_time_of_sample),
		SCENE_TEST(test_nothing_of_the_run_before),
		SCENE_TEST(test_answers_of_stability),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
