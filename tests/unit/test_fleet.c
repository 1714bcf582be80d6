/* Health and load of nodes over virtual time: what SRS does, what we make of
 * it. */
#include "world.h"

#include "fleet/fleet.h"
#include "memory.h"

#define STEP 3000 /* the interval of polls */

#define SAFETY 1.25f   /* a promise counts for more than it says */
#define COME_BACK 0.7f /* of the viewers of a dead node */

struct scene {
	struct world w;
	struct fleet *fleet;
	int64_t now, node_now; /* the nodes' clock is an hour ahead */
	uint64_t bytes;
};

static const struct fleet_rules rules = {{3000, 1500, 2, 2}, 300};

static const char six[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], site: s1, bandwidth: 100M}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], site: s2}\n"
	"  c: {address: [192.0.2.3], at: [35.7, 139.7], site: s3}\n"
	"  d: {address: [192.0.2.4], at: [35.7, 139.7], site: s4}\n"
	"  e: {address: [192.0.2.5], at: [51.5, -0.1], site: s5}\n"
	"  f: {address: [192.0.2.6], at: [51.5, -0.1], site: s6}\n"
	"steer: {live.example.com: {pool: [edge]}}\n";

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.now = 1000000, .node_now = 4600000};
	world_open(&s.w, six);
	s.fleet = fleet_new(&rules, s.now);
	fleet_set_map(s.fleet, s.w.map, &rules, s.now);
	for (unsigned i = 0; i < 6; i++)
		fleet_watch(s.fleet, i, true, true);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	fleet_free(s->fleet);
	world_close(&s->w);
	return 0;
}

static void pass(struct scene *s, int64_t ms)
{
	s->now += ms;
	s->node_now += ms;
	load_free(fleet_load(s->fleet, s->now));
}

/* A usual sample: counted a second ago. */
static struct sample sample(const struct scene *s, uint32_t connections)
{
	return (struct sample){.sampled_ms = s->node_now - 1000,
		.node_ms = s->node_now,
		.connections = connections,
		.send_bytes = s->bytes,
		.cpu = 0.1f,
		.uptime_s = (int32_t)(s->node_now / 1000),
		.identity = 77};
}

static void poll_ok(struct scene *s, unsigned node, uint32_t connections)
{
	struct sample one = sample(s, connections);
	fleet_sample(s->fleet, node, &one, s->now);
}

static void probe_fails(struct scene *s, unsigned node)
{
	fleet_probed(s->fleet, node, HEALTH_RTMP, false, s->now);
}

static enum node_state state_of(const struct scene *s, unsigned node)
{
	return fleet_state(s->fleet, node, s->now);
}

/* The first good sample is enough after start; then fall and rise count. */
static void test_fall_and_rise(void **state)
{
	struct scene *s = *state;
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* One failure makes a node suspect: dearer, not down. */
static void test_suspect(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_true(load->node[0].penalty_ms > 10);
	assert_int_equal(load->node[0].state, NODE_UP);
	load_free(load);
	poll_ok(s, 0, 10);
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].penalty_ms, 0, 0);
	load_free(load);
}

/* SIGQUIT: API and RTMP refuse at once; no need to wait for a second look. */
static void test_refused_and_probe(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	poll_ok(s, 1, 10);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, false, s->now);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 1, HEALTH_RTMP, false, s->now); /* either way */
	assert_int_equal(state_of(s, 1), NODE_UP);
	fleet_failed(s->fleet, 1, SAMPLE_REFUSED, s->now);
	assert_int_equal(state_of(s, 1), NODE_DOWN);
}

static const char *why_of(const struct scene *s, unsigned node)
{
	return fleet_node(s->fleet, node)->health.why;
}

static void fail_twice(struct scene *s, enum sample_failure failure)
{
	for (int i = 0; i < 2; i++) {
		pass(s, STEP);
		fleet_failed(s->fleet, 0, failure, s->now);
	}
}

/* A node that is down says what keeps it there now, not what brought it there. */
static void test_reason_changes(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	fail_twice(s, SAMPLE_REFUSED);
	assert_string_equal(why_of(s, 0), "polls are refused");
	fail_twice(s, SAMPLE_DENIED);
	assert_string_equal(why_of(s, 0), "it denies access to its API");
	fail_twice(s, SAMPLE_UNREADABLE);
	assert_string_equal(why_of(s, 0), "its answers are unreadable");
	fail_twice(s, SAMPLE_UNTRUSTED);
	assert_string_equal(why_of(s, 0), "its certificate is not trusted");
	fail_twice(s, SAMPLE_TIMEOUT);
	assert_string_equal(why_of(s, 0), "polls time out");
	struct sample frozen = sample(s, 10);
	frozen.sampled_ms -= 20000;
	fleet_sample(s->fleet, 0, &frozen, s->now);
	assert_string_equal(why_of(s, 0), "its statistics are frozen");
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_string_equal(
		why_of(s, 0), "it answers again, but not often enough yet");
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
	assert_string_equal(why_of(s, 0), "");
}

/* Beyond max_connections: polls go on to report nobody, probes get silence. */
static void test_black_hole(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 1000);
	for (int i = 0; i < 2; i++) {
		pass(s, STEP);
		poll_ok(s, 0, 0);
		fleet_probed(s->fleet, 0, HEALTH_RTMP, false, s->now);
	}
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	pass(s, STEP);
	poll_ok(s, 0, 0); /* good samples alone do not bring it back */
	poll_ok(s, 0, 0);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	/* One of two ports answering is not enough. */
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	poll_ok(s, 0, 0);
	poll_ok(s, 0, 0);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	poll_ok(s, 0, 0);
	poll_ok(s, 0, 0);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* The port answers, its players get errors: the same row of failures as the port's,
 * under its own name. */
static void test_no_flv(void **state)
{
	static const char why[] =
		"it serves no FLV: an HTTP error for a stream that is live";
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	assert_string_equal(why_of(s, 0), why);
	fleet_probed(s->fleet, 0, HEALTH_FLV, false, s->now);
	assert_string_equal(
		why_of(s, 0), "it does not answer HTTP on its FLV port");
	fleet_probed(s->fleet, 0, HEALTH_STREAM, false, s->now);
	assert_string_equal(why_of(s, 0), why);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	for (int i = 0; i < 2; i++) {
		pass(s, STEP);
		poll_ok(s, 0, 10);
	}
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* Statistics that stand still look fresh but for their stamp. */
static void test_frozen(void **state)
{
	struct scene *s = *state;
	struct sample one = sample(s, 10);
	fleet_sample(s->fleet, 0, &one, s->now);
	for (int i = 0; i < 3; i++) {
		pass(s, STEP);
		one.node_ms = s->node_now;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_int_equal(state_of(s, 0), NODE_UP);
	}
	pass(s, STEP);
	one.node_ms = s->node_now;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	/* They move again. */
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* ... also when now_ms stands still with them. */
static void test_frozen_clock(void **state)
{
	struct scene *s = *state;
	struct sample one = sample(s, 10);
	for (int i = 0; i < 5; i++) {
		fleet_sample(s->fleet, 0, &one, s->now);
		pass(s, STEP);
	}
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
}

/* stats{enabled off}, or a start a second ago: no load, no claim to be well. */
static void test_no_statistics(void **state)
{
	struct scene *s = *state;
	struct sample one = sample(s, 0);
	one.sampled_ms = 0;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
}

/* What answers, but not with a sample, is not down, and not up either. */
static void test_unreadable(void **state)
{
	struct scene *s = *state;
	for (unsigned node = 0; node < 3; node++) {
		poll_ok(s, node, 10);
		for (int i = 0; i < 2; i++)
			fleet_failed(s->fleet, node, SAMPLE_UNREADABLE + node,
				s->now);
		assert_int_equal(state_of(s, node), NODE_UNKNOWN);
	}
}

/* Nothing is heard of it: unknown, never "no load". */
static void test_old(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	pass(s, 9000);
	assert_int_equal(state_of(s, 0), NODE_UP);
	pass(s, 9000);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
}

/* A sample is old after three rounds and two timeouts, or after ten seconds where
 * polls are frequent. */
static void test_how_old(void **state)
{
	static const struct fleet_rules often = {{500, 100, 2, 2}, 300};
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		if (i)
			fleet_set_map(s->fleet, s->w.map, &often, s->now);
		poll_ok(s, 0, 10);
		pass(s, i ? 10000 : 12000);
		assert_int_equal(state_of(s, 0), NODE_UP);
		pass(s, 1);
		assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
		assert_string_equal(why_of(s, 0), "its samples are old");
	}
}

/* A node without an API is up by its probes alone; they grow old, too. */
static void test_only_probed(void **state)
{
	struct scene *s = *state;
	fleet_watch(s->fleet, 0, false, true);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	pass(s, 12001);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	assert_string_equal(why_of(s, 0), "it was not probed");
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	probe_fails(s, 0);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	probe_fails(s, 0);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	fleet_probed(s->fleet, 0, HEALTH_RTMP, true, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	/* one that is polled is not up by its probes */
	fleet_probed(s->fleet, 1, HEALTH_RTMP, true, s->now);
	assert_int_equal(state_of(s, 1), NODE_UNKNOWN);
}

/* A node without polls and probes never goes down. */
static void test_not_watched(void **state)
{
	struct scene *s = *state;
	fleet_watch(s->fleet, 0, false, false);
	assert_int_equal(state_of(s, 0), NODE_UP);
	pass(s, 1000000);
	assert_int_equal(state_of(s, 0), NODE_UP);
	assert_string_equal(why_of(s, 0), "not watched");
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
		teardown(state);
		setup(state);
		struct sample one = sample(s, 10);
		one.sampled_ms = one.node_ms - rows[i].before_ms;
		fleet_sample(s->fleet, 0, &one, s->now);
		assert_int_equal(state_of(s, 0), rows[i].state);
		assert_string_equal(why_of(s, 0), rows[i].why);
	}
}

/* A stamp that stands still for ten seconds may move again; for longer it is
 * frozen, unless the node was restarted meanwhile. */
static void test_how_frozen(void **state)
{
	struct scene *s = *state;
	struct sample one = sample(s, 10);
	one.node_ms = one.sampled_ms;
	fleet_sample(s->fleet, 0, &one, s->now);
	s->now += 10000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	s->now += 1;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	one.identity++;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* What a sample says that cannot be of now is not believed. */
static void test_not_believed(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 100);
	pass(s, STEP);
	struct sample one = sample(s, 900);
	one.sampled_ms = 0;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 100, 0);
	one.sampled_ms = one.node_ms - 20000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 100, 0);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	assert_int_equal(fleet_node(s->fleet, 0)->samples, 3);
}

/* Good samples must come in a row: a failed poll or probe between them counts. */
static void test_in_a_row(void **state)
{
	for (unsigned by_probe = 0; by_probe < 2; by_probe++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		poll_ok(s, 0, 10);
		for (unsigned i = 0; i < 2; i++)
			fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		for (unsigned i = 0; i < 5; i++) {
			pass(s, STEP);
			poll_ok(s, 0, 10);
			assert_int_equal(state_of(s, 0), NODE_DOWN);
			if (by_probe) {
				probe_fails(s, 0);
				fleet_probed(
					s->fleet, 0, HEALTH_RTMP, true, s->now);
			} else {
				fleet_failed(
					s->fleet, 0, SAMPLE_UNREADABLE, s->now);
			}
		}
		/* and failed ones: an answer between them counts, too */
		for (unsigned i = 0; i < 2; i++)
			poll_ok(s, 0, 10);
		assert_int_equal(state_of(s, 0), NODE_UP);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		poll_ok(s, 0, 10);
		fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
		assert_int_equal(state_of(s, 0), NODE_UP);
	}
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
		teardown(state);
		setup(state);
		struct sample one = sample(s, 10);
		one.uptime_s = rows[i].before;
		fleet_sample(s->fleet, 0, &one, s->now);
		pass(s, STEP);
		one = sample(s, 10);
		one.uptime_s = rows[i].after;
		fleet_sample(s->fleet, 0, &one, s->now);
		struct load *load = fleet_load(s->fleet, s->now);
		assert_float_equal(
			load->node[0].room, rows[i].restarted ? 0.2 : 1, 0.05);
		load_free(load);
	}
}

/* service or pid changed: a cold node, ramped up, its counters anew. */
static void test_restart(void **state)
{
	struct scene *s = *state;
	s->bytes = 1000000000;
	poll_ok(s, 0, 500);
	pass(s, STEP);
	struct sample one = sample(s, 0);
	one.identity = 78;
	one.send_bytes = 1000;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_int_equal(state_of(s, 0), NODE_UP);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].room, 0.2, 0.01);
	assert_false(fleet_node(s->fleet, 0)->bandwidth_known);
	load_free(load);
	pass(s, 60000);
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].room, 0.6, 0.01);
	load_free(load);
	pass(s, 61000);
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].room, 1, 0);
	load_free(load);
}

/* Down again and again: held back longer each time. */
static void test_flapping(void **state)
{
	struct scene *s = *state;
	int64_t held[6];
	poll_ok(s, 0, 10);
	for (int i = 0; i < 6; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		int64_t down = s->now;
		while (state_of(s, 0) != NODE_UP) {
			pass(s, STEP);
			poll_ok(s, 0, 10);
			assert_true(s->now - down < 600000);
		}
		held[i] = s->now - down;
	}
	assert_int_equal(held[0], 2 * STEP);
	for (int i = 2; i < 6; i++)
		assert_true(held[i] > held[i - 1]);
}

/* The first fall is forgiven; the next ones within ten minutes hold a node down for
 * a quarter of a minute, and twice as long each time, up to five minutes. */
static void test_held_down(void **state)
{
	static const int64_t held_s[] = {0, 15, 30, 60, 120, 240, 300, 300};
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	for (unsigned i = 0; i < sizeof held_s / sizeof *held_s; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		int64_t until = s->now + held_s[i] * 1000;
		pass(s, 1);
		poll_ok(s, 0, 10);
		while (s->now + 1000 < until) {
			pass(s, 1000);
			poll_ok(s, 0, 10);
			assert_int_equal(state_of(s, 0), NODE_DOWN);
		}
		if (held_s[i])
			assert_string_equal(why_of(s, 0),
				"it answers again; held, for it went down often");
		pass(s, 1000);
		poll_ok(s, 0, 10);
		assert_int_equal(state_of(s, 0), NODE_UP);
	}
	/* and after ten minutes without a fall it is forgiven again */
	while (s->now - fleet_node(s->fleet, 0)->health.down_ms < 600000) {
		pass(s, 1000);
		poll_ok(s, 0, 10);
	}
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	pass(s, 1000);
	poll_ok(s, 0, 10);
	poll_ok(s, 0, 10);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* Bandwidth from bytes over SRS's own stamps; utilisation is the worst. */
static void test_utilisation(void **state)
{
	struct scene *s = *state;
	s->bytes = 5000000;
	poll_ok(s, 0, 100);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 0.1, 1e-6);
	pass(s, STEP);
	s->bytes += 30000000; /* 30 MB in 3 s: 80 of 100 Mbit/s */
	poll_ok(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 80e6, 1000);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 0.8, 1e-4);
	/* CPU of one core; smoothed. */
	for (int i = 0; i < 8; i++) {
		pass(s, STEP);
		s->bytes += 30000000;
		struct sample one = sample(s, 100);
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
		pass(s, STEP);
		s->bytes += (uint64_t)n * 375000; /* 1 Mbit/s each */
		for (unsigned k = 0; k < 3; k++) {
			struct sample one = sample(s, (uint32_t)n);
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
	fleet_set_map(s->fleet, w.map, &rules, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->session_s, 600, 0.01);
	load_free(load);
	fill(s, 95);
	assert_float_equal(fleet_capacity(s->fleet, 0), 200, 0.1);
	assert_float_equal(fleet_utilisation(s->fleet, 0), 95 / 200.0, 0.01);
	assert_float_equal(fleet_capacity(s->fleet, 1), 100, 0);
	assert_float_equal(fleet_utilisation(s->fleet, 1), 0.95, 0.01);
	assert_float_equal(fleet_capacity(s->fleet, 2), 1000, 0);
	load = fleet_load(s->fleet, s->now);
	assert_true(load->node[0].used < 0.8f * load->node[1].used);
	assert_true(load->node[0].per_viewer < 0.8f * load->node[1].per_viewer);
	load_free(load);
	/* After a restart it may be another one. */
	struct sample one = sample(s, 95);
	one.identity++;
	fleet_sample(s->fleet, 0, &one, s->now);
	assert_float_equal(fleet_capacity(s->fleet, 0), 100, 0);
	fleet_set_map(s->fleet, s->w.map, &rules, s->now);
	world_close(&w);
}

/* A counter that went back, a clock that jumped: no bandwidth from these. */
static void test_bandwidth_traps(void **state)
{
	struct scene *s = *state;
	s->bytes = 1000000000;
	poll_ok(s, 0, 100);
	pass(s, STEP);
	s->bytes = 5;
	poll_ok(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 0, 0);
	pass(s, STEP);
	s->node_now += 3600000; /* an hour in three seconds */
	s->bytes += 30000000;
	poll_ok(s, 0, 100);
	assert_float_equal(fleet_node(s->fleet, 0)->bandwidth_bps, 0, 0);
	pass(s, STEP);
	s->bytes += 30000000;
	poll_ok(s, 0, 100);
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
		teardown(state);
		setup(state);
		poll_ok(s, 0, 100);
		s->now += rows[i].ours_ms;
		s->node_now += rows[i].theirs_ms;
		s->bytes += 1000000;
		poll_ok(s, 0, 100);
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
	poll_ok(s, 0, 100);
	assert_false(node->bandwidth_known);
	pass(s, STEP);
	poll_ok(s, 0, 100);
	assert_true(node->bandwidth_known);
	assert_float_equal(node->bandwidth_bps, 0, 0);
	pass(s, STEP);
	s->bytes += 30000000;
	struct sample again = sample(s, 100);
	again.identity++;
	fleet_sample(s->fleet, 0, &again, s->now);
	assert_false(node->bandwidth_known);
	assert_float_equal(node->bandwidth_bps, 0, 0);
}

/* An answer of now that brings so many viewers to node 0. */
static void promise(struct scene *s, unsigned viewers)
{
	struct reservation *p = &s->w.accounts->reservation[0];
	p->viewers += viewers * RESERVATION_VIEWER;
	p->answers++;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
}

/* A sample owes the viewers that were sent from 900 ms before the last one until
 * 900 ms before itself; those of one second come evenly. */
static void test_owed(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 2; i++) {
		poll_ok(s, 0, 100);
		s->now += STEP;
		s->node_now += STEP;
	}
	promise(s, 10); /* at 1006 s, when the sample is that of 1005 s */
	s->now += 1000;
	s->node_now += 1000;
	poll_ok(s, 0, 100); /* of 1006 s: from 1005.1 s on it shows nothing */
	s->now += STEP;
	s->node_now += STEP;
	promise(s, 40); /* at 1010 s: too late */
	poll_ok(s, 0, 0);
	/* of 1009 s: those between 1005.1 s and 1008.1 s */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.owed, 10, 1e-3);
	s->now += STEP;
	s->node_now += STEP;
	poll_ok(s, 0, 0);
	/* of 1012 s: until 1011.1 s */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.owed, 50, 1e-3);
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
		teardown(state);
		setup(state);
		fleet_set_map(s->fleet, w.map, &rules, s->now);
		static const uint32_t seen[] = {0, 1000, 45};
		for (unsigned k = 0; k < 3; k++) {
			poll_ok(s, 0, seen[k]);
			s->now += STEP;
			s->node_now += STEP;
		}
		promise(s, rows[i].sent);
		s->now += 40000 - STEP;
		s->node_now += 40000 - STEP;
		poll_ok(s, 0, 45);
		assert_float_equal(fleet_node(s->fleet, 0)->empty.owed,
			rows[i].owed, 1e-3);
		fleet_set_map(s->fleet, s->w.map, &rules, s->now);
	}
	world_close(&w);
}

/* What threads promised counts until a sample must show it. */
static void test_promises(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 100);
	struct reservation *p = &s->w.accounts->reservation[1];
	p->viewers += 50 * RESERVATION_VIEWER;
	p->answers += 50;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[1].reserved, 50 * SAFETY, 1);
	assert_float_equal(load->node[1].used, 0.1 + 0.05 * SAFETY, 0.002);
	assert_float_equal(load->node[0].reserved, 0, 0);
	load_free(load);
	/* Merged once only. */
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[1].reserved, 50 * SAFETY, 1);
	load_free(load);
	/* The next samples show them: no longer in flight. */
	for (int i = 0; i < 2; i++) {
		pass(s, STEP);
		poll_ok(s, 1, 150);
	}
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[1].reserved, 0, 0.01);
	assert_float_equal(load->node[1].used, 0.15, 0.002);
	assert_int_equal(fleet_node(s->fleet, 1)->answers, 50);
	load_free(load);
}

/* A cached answer brings viewers as long as it lives, at its rate. */
static void test_promised_rate(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 100);
	struct reservation *p = &s->w.accounts->reservation[0];
	p->rate[5] += 2 * RESERVATION_RATE; /* 2 a second for 20 seconds */
	p->answers++;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].reserved, 40 * SAFETY, 2);
	load_free(load);
	for (int i = 0; i < 4; i++) {
		pass(s, STEP);
		poll_ok(s, 0, (uint32_t)(100 + 6 * (i + 1)));
	}
	load = fleet_load(s->fleet, s->now);
	assert_in_range((int)load->node[0].reserved, 15, 33);
	load_free(load);
	for (int i = 0; i < 6; i++) {
		pass(s, STEP);
		poll_ok(s, 0, 140);
	}
	load = fleet_load(s->fleet, s->now);
	assert_float_equal(load->node[0].reserved, 0, 0.01);
	load_free(load);
}

/* Other name servers and shared caches: a promised viewer turns out to be
 * several, and is counted as such. */
static void test_multiplier(void **state)
{
	struct scene *s = *state;
	uint32_t connections = 100;
	poll_ok(s, 0, connections);
	struct reservation *p = &s->w.accounts->reservation[0];
	struct load *load;
	for (int i = 0; i < 20; i++) {
		p->viewers += 10 * RESERVATION_VIEWER;
		p->answers += 10;
		fleet_merge(s->fleet, 0, s->w.accounts, s->now);
		pass(s, STEP);
		connections += 40;
		poll_ok(s, 0, connections);
	}
	p->viewers += 10 * RESERVATION_VIEWER;
	p->answers += 10;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	load = fleet_load(s->fleet, s->now);
	assert_in_range((int)load->node[0].reserved, 30, 90);
	load_free(load);
}

/* The viewers of a node that dies will be back elsewhere in seconds. */
static void test_displaced(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 300);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	float sum = 0;
	for (unsigned i = 1; i < 6; i++)
		sum += load->node[i].reserved;
	assert_float_equal(sum, 300 * COME_BACK, 3);
	/* the neighbour */
	assert_true(load->node[1].reserved > 200 * COME_BACK);
	load_free(load);
	pass(s, 30000);
	load = fleet_load(s->fleet, s->now);
	assert_true(load->node[1].reserved < 20);
	load_free(load);
}

static float kept(struct scene *s, unsigned node)
{
	struct load *load = fleet_load(s->fleet, s->now);
	float viewers = load->node[node].reserved;
	load_free(load);
	return viewers;
}

/* Nobody is sent to a drained node: no room is kept there. */
static void test_displaced_not_to_drained(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 300);
	fleet_drain(s->fleet, 1, true);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_float_equal(kept(s, 1), 0, 0);
	assert_float_equal(kept(s, 2) + kept(s, 3), 300 * COME_BACK, 3);
}

/* The viewers of a node whose statistics were frozen before it failed are expected
 * elsewhere as well. */
static void test_displaced_of_unknown(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 300);
	struct sample frozen = sample(s, 300);
	frozen.sampled_ms -= 20000;
	fleet_sample(s->fleet, 0, &frozen, s->now);
	assert_int_equal(state_of(s, 0), NODE_UNKNOWN);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	assert_true(kept(s, 1) > 200 * COME_BACK);
}

/* A second node that dies does not bring the viewers of the first again. */
static void test_displaced_twice(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 3; i++)
		poll_ok(s, i, 200);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
	float before = kept(s, 1);
	pass(s, 9000);
	fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
	assert_true(kept(s, 1) > 200 * COME_BACK);
	assert_true(kept(s, 1) < 200 * COME_BACK + before * 0.6f);
}

static float kept_in_all(struct scene *s)
{
	struct load *load = fleet_load(s->fleet, s->now);
	float sum = 0;
	for (unsigned i = 0; i < load->n; i++)
		sum += load->node[i].reserved;
	load_free(load);
	return sum;
}

static void poll_all(struct scene *s, uint32_t connections)
{
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, connections);
}

/* One viewer is one as well; whichever node it was on, its neighbour is the one. */
static void test_displaced_one(void **state)
{
	for (unsigned dead = 0; dead < 6; dead++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		poll_all(s, 1);
		assert_float_equal(kept_in_all(s), 0, 0);
		fleet_failed(s->fleet, dead, SAMPLE_REFUSED, s->now);
		assert_float_equal(kept(s, dead ^ 1), COME_BACK, 1e-4);
		assert_float_equal(kept_in_all(s), COME_BACK, 1e-4);
	}
}

/* Where more than half of what is polled fails, it is not known which are dead: no
 * room is kept for their viewers. */
static void test_displaced_not_if_many_fail(void **state)
{
	static const unsigned dead[] = {0, 2, 4, 1};
	for (unsigned polled = 5; polled <= 6; polled++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		poll_all(s, 100);
		fleet_watch(s->fleet, 5, polled == 6, true);
		for (unsigned i = 0; i < 4; i++) {
			unsigned come = i + 1 < polled / 2 ? i + 1 : polled / 2;
			fleet_failed(s->fleet, dead[i], SAMPLE_REFUSED, s->now);
			assert_float_equal(kept_in_all(s),
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
		teardown(state);
		setup(state);
		for (unsigned k = 0; k < 6; k++)
			poll_ok(s, k, connections[k]);
		float before = 0;
		if (i == 1) {
			fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
			before = kept(s, 1);
			assert_true(before > 250);
		} else {
			fleet_drain(s->fleet, 0, true);
		}
		kept(s, 1);
		fleet_failed(s->fleet, 2, SAMPLE_REFUSED, s->now);
		to_b[i] = kept(s, 1) - before;
		assert_true(kept(s, 1) < 560);
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
	poll_all(s, 100);
	probe_fails(s, 0);
	assert_float_equal(kept_in_all(s), 0, 0);
	probe_fails(s, 0);
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	assert_float_equal(kept_in_all(s), 100 * COME_BACK, 0.1);
	probe_fails(s, 0);
	fleet_probed(s->fleet, 0, HEALTH_FLV, true, s->now);
	assert_float_equal(kept_in_all(s), 100 * COME_BACK, 0.1);
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(kept_in_all(s), 200 * COME_BACK, 0.1);
	probe_fails(s, 2);
	probe_fails(s, 2);
	assert_int_equal(state_of(s, 2), NODE_DOWN);
	assert_float_equal(kept_in_all(s), 200 * COME_BACK, 0.1);
	/* nor are those of a node that is unknown or down */
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(kept_in_all(s), 200 * COME_BACK, 0.1);
	poll_ok(s, 2, 100);
	fleet_failed(s->fleet, 2, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(kept_in_all(s), 200 * COME_BACK, 0.1);
}

/* How many of a dead node's viewers are still on their way: all, then fewer; none
 * of a node that is well, or well again. */
static void test_returning(void **state)
{
	static const uint8_t left[] = {255, 93, 34, 12};
	struct scene *s = *state;
	poll_all(s, 100);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_false(load->any_returning);
	load_free(load);
	for (unsigned i = 0; i < 4; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		load = fleet_load(s->fleet, s->now);
		assert_true(load->any_returning);
		assert_in_range(load->node[0].returning, left[i], left[i] + 1);
		assert_int_equal(load->node[1].returning, 0);
		assert_int_equal(load->fell_ms, 1000000);
		load_free(load);
		s->now += 10000;
		s->node_now += 10000;
	}
	for (unsigned i = 0; i < 2; i++) {
		pass(s, STEP);
		poll_ok(s, 0, 100);
	}
	load = fleet_load(s->fleet, s->now);
	assert_int_equal(load->node[0].state, NODE_UP);
	assert_int_equal(load->node[0].returning, 0);
	load_free(load);
}

/* A fleet gives back all that it takes, also for those it sends elsewhere. */
static void test_memory(void **state)
{
	struct scene *s = *state;
	size_t before = 0;
	teardown(state);
	for (unsigned i = 0; i < 40; i++) {
		setup(state);
		for (unsigned k = 0; k < 4; k++)
			poll_ok(s, k, 100);
		fleet_merge(s->fleet, i, s->w.accounts, s->now);
		fleet_schedule(s->fleet,
			&(struct schedule_entry){.over_ms = 60000,
				.at_ms = s->now,
				.viewers = 10},
			1);
		for (unsigned k = 0; k < 2; k++)
			fleet_failed(s->fleet, k, SAMPLE_REFUSED, s->now);
		load_free(fleet_load(s->fleet, s->now));
		teardown(state);
		if (i == 20)
			before = memory_of_heap();
	}
	size_t after = memory_of_heap();
	setup(state);
	fleet_free(NULL);
	assert_true(after < before + 2000);
}

/* -- viewers that leave a node -- */

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

static float penalty(struct scene *s, unsigned node)
{
	struct load *load = fleet_load(s->fleet, s->now);
	float ms = load->node[node].penalty_ms;
	load_free(load);
	return ms;
}

/* A node that its viewers leave is dear, and three fifths of them are expected at
 * its neighbour: once. */
static void test_distrusted(void **state)
{
	struct scene *s = *state;
	poll_all(s, 300);
	pass(s, 1000);
	assert_float_equal(penalty(s, 0), 0, 0);
	press(s, 20, true);
	pass(s, 1000);
	assert_float_equal(penalty(s, 0), DISTRUST_COST_MS, 0);
	assert_float_equal(penalty(s, 1), 0, 0);
	assert_int_equal(
		fleet_distrusted(s->fleet, 0), 2); /* and for its area */
	assert_int_equal(fleet_distrusted(s->fleet, 1), 0);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_int_equal(load->n_distrusts, 1);
	assert_int_equal(load->distrust[0].node, 0);
	assert_int_equal(load->distrust[0].area, s->w.map->nodes[0].area);
	load_free(load);
	assert_float_equal(kept(s, 1), 300 * 0.6f, 3);
	s->now += 5000;
	assert_float_equal(kept(s, 1), 300 * 0.6f * expf(-0.5f), 3);
	assert_float_equal(kept_in_all(s), kept(s, 1), 3);
}

/* What can be forged counts only of a node whose samples show that they leave. */
static void test_distrusted_by_samples(void **state)
{
	for (unsigned leave = 0; leave < 2; leave++)
		for (unsigned of_all = 0; of_all < 2; of_all++) {
			struct scene *s = *state;
			teardown(state);
			setup(state);
			poll_all(s, 300);
			pass(s, STEP);
			for (unsigned i = 0; i < 6; i++)
				poll_ok(s, i,
					of_all || (leave && !i) ? 200 : 300);
			press(s, 20, false);
			pass(s, 1000);
			pass(s, 1000);
			assert_int_equal(penalty(s, 0) > 0, leave && !of_all);
		}
}

/* Most of all nodes on several sites time out at once: it is us. The last good
 * states hold, for a minute at most. */
static void test_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 100);
	for (int round = 0; round < 3; round++) {
		pass(s, STEP);
		for (unsigned i = 0; i < 5; i++) {
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
			load_free(fleet_load(s->fleet, s->now));
		}
		poll_ok(s, 5, 100);
	}
	assert_true(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(state_of(s, i), NODE_UP);
	for (int round = 0; round < 25; round++) {
		pass(s, STEP);
		for (unsigned i = 0; i < 5; i++)
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
		poll_ok(s, 5, 100);
	}
	assert_false(fleet_is_blind(s->fleet));
	assert_int_equal(state_of(s, 0), NODE_DOWN);
	assert_int_equal(state_of(s, 5), NODE_UP);
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
	struct fleet *fleet = fleet_new(&rules, 1000);
	fleet_set_map(fleet, w.map, &rules, 1000);
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
			load_free(fleet_load(s->fleet, s->now));
			assert_true(fleet_is_blind(s->fleet));
			s->now += ms < 60000 ? 2000 : 1;
		}
		load_free(fleet_load(s->fleet, s->now));
		assert_false(fleet_is_blind(s->fleet));
		s->node_now = s->now + 3600000;
		poll_all(s, 10);
		load_free(fleet_load(s->fleet, s->now));
		assert_false(fleet_is_blind(s->fleet));
	}
}

/* While our own network fails, a node that was up stays up; one that was not,
 * or that refuses, keeps its own state. */
static void test_states_while_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 5; i++)
		poll_ok(s, i, 100);
	for (unsigned n = 0; n < 2; n++) {
		fleet_failed(s->fleet, 4, SAMPLE_REFUSED, s->now);
		for (unsigned i = 0; i < 4; i++)
			fleet_failed(s->fleet, i, SAMPLE_TIMEOUT, s->now);
		fleet_failed(s->fleet, 5, SAMPLE_TIMEOUT, s->now);
		load_free(fleet_load(s->fleet, s->now));
	}
	assert_true(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(state_of(s, i), NODE_UP);
	assert_int_equal(state_of(s, 4), NODE_DOWN);
	assert_int_equal(state_of(s, 5), NODE_DOWN);
	assert_float_equal(penalty(s, 0), 0, 0); /* nor is it suspect */
}

/* Refused connections come from a network that works: no doubt about us. */
static void test_not_blind(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 100);
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 5; i++)
			fleet_failed(s->fleet, i, SAMPLE_REFUSED, s->now);
	load_free(fleet_load(s->fleet, s->now));
	assert_false(fleet_is_blind(s->fleet));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(state_of(s, i), NODE_DOWN);
}

/* Ready when all have been heard of, or when the wait is over. */
static void test_ready(void **state)
{
	struct scene *s = *state;
	struct load *load = fleet_load(s->fleet, s->now);
	assert_false(load->ready);
	load_free(load);
	for (unsigned i = 0; i < 6; i++)
		poll_ok(s, i, 100);
	load = fleet_load(s->fleet, s->now + 1);
	assert_true(load->ready);
	load_free(load);

	struct fleet *late = fleet_new(&rules, s->now);
	fleet_set_map(late, s->w.map, &rules, s->now);
	fleet_watch(late, 0, true, true);
	load = fleet_load(late, s->now + 299);
	assert_false(load->ready);
	load_free(load);
	load = fleet_load(late, s->now + 300);
	assert_true(load->ready);
	load_free(load);
	fleet_free(late);
}

static void test_drain(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	fleet_drain(s->fleet, 0, true);
	assert_int_equal(state_of(s, 0), NODE_DRAINED);
	fleet_drain(s->fleet, 0, false);
	assert_int_equal(state_of(s, 0), NODE_UP);
}

/* A heartbeat raises a load, never lowers it, never makes a node healthy. */
static void test_heartbeat(void **state)
{
	struct scene *s = *state;
	fleet_raise(s->fleet, 1, 500, s->now);
	assert_int_equal(state_of(s, 1), NODE_UNKNOWN);
	poll_ok(s, 0, 100);
	fleet_raise(s->fleet, 0, 400, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 400, 0);
	fleet_raise(s->fleet, 0, 50, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 400, 0);
	/* and it is what decisions are made by */
	struct load *load = fleet_load(s->fleet, s->now);
	assert_true(load->node[0].used >= 400 / fleet_capacity(s->fleet, 0));
	load_free(load);
	pass(s, STEP);
	poll_ok(s, 0, 120);
	assert_float_equal(fleet_connections(s->fleet, 0), 120, 0);
}

/* Between two polls it raises by half of the capacity at most. */
static void test_heartbeat_too_large(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 100);
	fleet_raise(s->fleet, 0, 100000, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 600, 0);
}

/* What polls contradict is not believed again for ten minutes; what they confirm
 * is. */
static void test_heartbeat_contradicted(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 100);
	pass(s, STEP);
	fleet_raise(s->fleet, 0, 140, s->now - 1000);
	poll_ok(s, 0, 130);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
	/* a sample from before the report tells nothing of it */
	pass(s, STEP);
	fleet_raise(s->fleet, 0, 100000, s->now);
	poll_ok(s, 0, 131);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
	assert_true(fleet_connections(s->fleet, 0) > 600);
	fleet_raise(s->fleet, 0, 100000, s->now);
	pass(s, STEP);
	poll_ok(s, 0, 130);
	assert_float_equal(fleet_connections(s->fleet, 0), 130, 0);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 100000, 0);
	fleet_raise(s->fleet, 0, 300, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 130, 0);
	pass(s, 600000);
	poll_ok(s, 0, 130);
	fleet_raise(s->fleet, 0, 300, s->now);
	assert_float_equal(fleet_connections(s->fleet, 0), 300, 0);
}

/* Of a node with few connections a tenth of the capacity more may be true. */
static void test_heartbeat_of_an_empty_node(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 10);
	fleet_raise(s->fleet, 0, 90, s->now);
	pass(s, STEP);
	poll_ok(s, 0, 10);
	assert_float_equal(fleet_contradicted(s->fleet, 0, s->now), 0, 0);
}

/* A restart takes all connections away: that is no leaving. */
static void test_restart_is_no_leaving(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 0, 1000);
	pass(s, STEP);
	poll_ok(s, 0, 900);
	assert_true(fleet_node(s->fleet, 0)->leaving.change < 0);
	pass(s, STEP);
	struct sample again = sample(s, 0);
	again.identity = 78;
	fleet_sample(s->fleet, 0, &again, s->now);
	assert_float_equal(fleet_node(s->fleet, 0)->leaving.change, 0, 0);
	/* nor is it empty in comparison with before */
	assert_float_equal(fleet_node(s->fleet, 0)->empty.high, 0, 0);
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
	assert_int_equal(state_of(s, 0), NODE_UP);
	assert_int_equal(state_of(s, 2), NODE_DOWN);
	assert_string_equal(
		why_of(s, 0), "as before the restart, not polled yet");
	assert_float_equal(fleet_connections(s->fleet, 0), 200, 0);
	assert_float_equal(fleet_node(s->fleet, 0)->stability.lost, 0.25, 0);
	poll_ok(s, 1, 100);
	fleet_failed(s->fleet, 0, SAMPLE_TIMEOUT, s->now);
	assert_float_equal(kept_in_all(s), 200 * COME_BACK, 0.1);
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
		teardown(state);
		setup(state);
		struct sample one = sample(s, 10);
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

/* A fall and a restart count once, against the node's stability. */
static void test_events_of_stability(void **state)
{
	struct scene *s = *state;
	const float *events = fleet_node(s->fleet, 0)->stability.events;
	poll_ok(s, 0, 10);
	for (unsigned i = 0; i < 4; i++) {
		fleet_failed(s->fleet, 0, SAMPLE_REFUSED, s->now);
		assert_float_equal(events[STABILITY_DOWN], i ? 1 : 0, 0);
	}
	assert_float_equal(events[STABILITY_RESTARTED], 0, 0);
	struct sample one = sample(s, 10);
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
	poll_ok(s, 5, 100);
	r[5].answers = 7;
	r[5].line2 = 3;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	fleet_set_map(s->fleet, map, &rules, s->now);
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
		assert_int_equal(state_of(s, i), NODE_UNKNOWN);
	}
	mallopt(M_PERTURB, 0);
	fleet_set_map(s->fleet, s->w.map, &rules, s->now);
	map_free(map);
}

/* A reload keeps what is known of nodes, and their indexes; new ones ramp. */
static void test_new_map(void **state)
{
	struct scene *s = *state;
	poll_ok(s, 2, 123);
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
	fleet_set_map(s->fleet, map, &rules, s->now);
	struct load *load = fleet_load(s->fleet, s->now);
	assert_float_equal(fleet_utilisation(s->fleet, 2), 123 / 500.0, 1e-4);
	assert_float_equal(load->node[6].room, 0.2, 0.01);
	assert_int_equal(load->node[0].state, NODE_DOWN);
	load_free(load);
	struct steer_state st = {map, NULL, s->w.geo};
	st.load = load = fleet_load(s->fleet, s->now);
	struct steer_query q = {
		.name = 0, .line = 1, .type = STEER_A, .net = {4, {10}}};
	struct steer_decision d;
	steer_decide(&st, NULL, &q, s->now, &d, NULL);
	assert_int_equal(d.node[0], 2); /* the only one up */
	load_free(load);
	fleet_set_map(s->fleet, s->w.map, &rules, s->now);
	map_free(map);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fall_and_rise),
		TEST(test_suspect),
		TEST(test_refused_and_probe),
		TEST(test_reason_changes),
		TEST(test_black_hole),
		TEST(test_no_flv),
		TEST(test_frozen),
		TEST(test_frozen_clock),
		TEST(test_no_statistics),
		TEST(test_unreadable),
		TEST(test_old),
		TEST(test_how_old),
		TEST(test_only_probed),
		TEST(test_not_watched),
		TEST(test_stamps),
		TEST(test_how_frozen),
		TEST(test_restart_by_uptime),
		TEST(test_not_believed),
		TEST(test_in_a_row),
		TEST(test_restart),
		TEST(test_flapping),
		TEST(test_held_down),
		TEST(test_utilisation),
		TEST(test_capacity_too_low),
		TEST(test_bandwidth_traps),
		TEST(test_clocks_apart),
		TEST(test_no_bandwidth),
		TEST(test_owed),
		TEST(test_owed_if_some_came),
		TEST(test_promises),
		TEST(test_promised_rate),
		TEST(test_multiplier),
		TEST(test_displaced),
		TEST(test_displaced_not_to_drained),
		TEST(test_displaced_of_unknown),
		TEST(test_displaced_twice),
		TEST(test_displaced_one),
		TEST(test_displaced_not_if_many_fail),
		TEST(test_displaced_find_others),
		TEST(test_returning),
		TEST(test_displaced_by_probes),
		TEST(test_memory),
		TEST(test_distrusted),
		TEST(test_distrusted_by_samples),
		TEST(test_blind),
		TEST(test_when_blind),
		TEST(test_blind_for_a_minute),
		TEST(test_states_while_blind),
		TEST(test_not_blind),
		TEST(test_ready),
		TEST(test_drain),
		TEST(test_heartbeat),
		TEST(test_heartbeat_too_large),
		TEST(test_heartbeat_contradicted),
		TEST(test_heartbeat_of_an_empty_node),
		TEST(test_restart_is_no_leaving),
		TEST(test_restored),
		TEST(test_counted),
		TEST(test_time_of_sample),
		TEST(test_events_of_stability),
		TEST(test_new_map),
		TEST(test_more_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
