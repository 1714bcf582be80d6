/* Decisions where a pool has more nodes than a place has candidates: nothing that is
 * better stays hidden behind those that are near. */
#include "world.h"

#include "steer/decide_internal.h"

/* A hundred nodes near and dead: the living one far away is found, and a line
 * finds another site although the near sixteen are of one. */
static void test_large_pool(void **state)
{
	struct world w;
	char yaml[8000];
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	(void)state;
	for (int i = 0; i < 60; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.2], site: hk}\n",
			i, i + 1);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"  far: {address: [192.0.2.99], at: [51.5, -0.1], site: lon}\n"
		"  further: {address: [192.0.2.98], at: [40.7, -74], site: nyc}\n"
		"steer: {live.example.com: {pool: [edge], lines: 3}}\n");
	world_open(&w, yaml);
	struct steer_decision one =
		world_ask(&w, "live.example.com", "10.1.0.0/24");
	struct steer_decision two =
		world_ask(&w, "line2.live.example.com", "10.1.0.0/24");
	assert_false(map_same_site(w.map, one.node[0], two.node[0]));
	for (int i = 0; i < 60; i++)
		w.node[i].state = NODE_DOWN;
	w.now += 100000;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.1.0/24"), "far");
	world_node(&w, "far")->state = NODE_DOWN;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.2.0/24"), "further");
	world_close(&w);
}

/* As many nodes of one place, n0 .. n59, as text; reversed or not. */
static void write_sixty(char *yaml, size_t room, bool reversed, bool sites)
{
	int n = snprintf(yaml, room, "nodes:\n");
	for (int i = 0; i < 60; i++) {
		int k = reversed ? 59 - i : i;
		n += snprintf(yaml + n, room - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.2], site: s%d}\n",
			k, k + 1, sites ? k : 0);
	}
	snprintf(yaml + n, room - (size_t)n,
		"  far: {address: [192.0.2.99], at: [51.5, -0.1], site: lon}\n"
		"steer: {live.example.com: {pool: [edge], lines: 3}}\n");
}

/* More nodes in one place than are candidates: which ones are is not a matter
 * of the order in the file. */
static void test_order_of_a_large_pool(void **state)
{
	struct world v, w;
	char yaml[8000];
	(void)state;
	write_sixty(yaml, sizeof yaml, false, true);
	world_open(&v, yaml);
	write_sixty(yaml, sizeof yaml, true, true);
	world_open(&w, yaml);
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		assert_string_equal(world_pick(&v, "live.example.com", client),
			world_pick(&w, "live.example.com", client));
	}
	world_close(&v);
	world_close(&w);
}

/* Sixty near ones of unknown state do not hide the one far away that is up. */
static void test_up_beyond_unknown(void **state)
{
	struct world w;
	char yaml[8000];
	(void)state;
	write_sixty(yaml, sizeof yaml, false, true);
	world_open(&w, yaml);
	for (unsigned i = 0; i < 60; i++)
		w.node[i].state = NODE_UNKNOWN;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.0/24"), "far");
	/* ... nor drained ones one that is down. */
	for (unsigned i = 0; i < 60; i++)
		w.node[i].state = NODE_DRAINED;
	world_node(&w, "far")->state = NODE_DOWN;
	w.now += 100000;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.16.0/24"), "far");
	world_close(&w);
}

/* All but one of the candidates are dead, others of their site live: line 2 is
 * one of them, and line 3, asked alone, neither. */
static void test_lines_beyond_candidates(void **state)
{
	struct world w;
	char yaml[8000];
	(void)state;
	write_sixty(yaml, sizeof yaml, false, false);
	world_open(&w, yaml);
	const struct candidates *near =
		map_candidates(w.map, &w.map->pools[0], 1, 0);
	for (unsigned i = 1; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node != MAP_NO_NODE)
			w.node[near->slot[i].node].state = NODE_DOWN;
	world_node(&w, "far")->state = NODE_DOWN;
	for (int sent = 0; sent < 2; sent++) {
		struct steer_decision d[3];
		for (int i = 0; i < 3; i++) {
			struct steer_query q = world_query(
				&w, "live.example.com", "10.1.0.0/24");
			q.line = (uint8_t)(i + 1);
			if (sent)
				steer_answer(world_state(&w), w.accounts, &q,
					w.now, &d[i]);
			else
				steer_decide(world_state(&w), NULL, &q, w.now,
					&d[i], NULL);
			assert_false(d[i].only);
			for (int k = 0; k < i; k++)
				assert_int_not_equal(
					d[i].node[0], d[k].node[0]);
		}
	}
	world_close(&w);
}

/* Sixty sites near, others far: far1 is further than far0, far2 than far1, far3 than
 * far2, and all others are behind them. The name's answers live for a minute. */
static void open_near_and_far(struct world *w, unsigned far)
{
	char yaml[16000];
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	for (unsigned i = 0; i < 60; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%u: {address: [192.0.2.%u], at: [22.3, 114.2]}\n",
			i, i + 1);
	for (unsigned i = 0; i < far; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  far%u: {address: [198.51.100.%u], at: [51.5, %d]}\n",
			i, i + 1, i < 4 ? -15 * (int)i : -66);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"steer:\n"
		"  live.example.com: {pool: [edge], lines: 2, ttl: 60}\n"
		"  s.example.com: {pool: [edge], streams: true}\n");
	world_open(w, yaml);
}

static void set_near(struct world *w, enum node_state state, float used)
{
	for (unsigned i = 0; i < 60; i++) {
		w->node[i].state = (uint8_t)state;
		w->node[i].used = used;
	}
}

/* All near ones are full: lines go where most room is, wherever that is. */
static void test_full_near(void **state)
{
	struct world w;
	(void)state;
	open_near_and_far(&w, 3);
	set_near(&w, NODE_UP, 1.2f);
	world_node(&w, "far2")->used = 1.2f;
	w.spare[0][0] = (uint16_t)map_find_node(w.map, "far1");
	w.spare[0][1] = (uint16_t)map_find_node(w.map, "far0");
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.0/24"), "far0");
	assert_string_equal(
		world_pick(&w, "line2.live.example.com", "10.1.0.0/24"),
		"far1");
	/* Some near ones have room again. */
	for (unsigned i = 0; i < 60; i += 2)
		w.node[i].used = 0;
	for (int net = 16; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		const char *pick = world_pick(&w, "live.example.com", client);
		assert_int_equal(pick[0], 'n');
	}
	world_close(&w);
}

/* While a line has a node of its own among the near ones, others are not looked for,
 * whatever they cost. */
static void test_lines_stay_near(void **state)
{
	struct world w;
	(void)state;
	open_near_and_far(&w, 3);
	const struct candidates *near =
		map_candidates(w.map, &w.map->pools[0], 1, 0);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		w.node[near->slot[i].node].penalty_ms = 50;
	for (uint8_t line = 1; line <= 2; line++) {
		struct steer_query q =
			world_query(&w, "live.example.com", "10.1.0.0/24");
		struct steer_decision d;
		q.line = line;
		steer_answer(world_state(&w), w.accounts, &q, w.now, &d);
		assert_float_equal(w.node[d.node[0]].penalty_ms, 50, 0);
	}
	world_close(&w);
}

/* What stood behind the end of the list says nothing of the near ones. */
static void test_full_near_alone(void **state)
{
	struct world w;
	struct decision_ctx ctx = {0};
	struct sent_lines past = {.lines = 1, .sent = {{.node = MAP_NO_NODE}}};
	struct steer_lookup lookup;
	(void)state;
	open_near_and_far(&w, 3);
	set_near(&w, NODE_UP, 1.2f);
	for (unsigned i = 0; i < 3; i++)
		w.node[60 + i].used = 1.2f;
	w.spare[0][0] = 59;
	struct steer_query q = world_query(&w, "live.example.com", "10.1.0.1");
	lookup_question(world_state(&w), &q, &lookup);
	ctx.state = &w.state;
	ctx.query = q;
	ctx.lookup = &lookup;
	ctx.name = lookup.name;
	ctx.pool = lookup.pool;
	ctx.past = &past;
	ctx.near = lookup.near;
	ctx.net = lookup.net;
	ctx.softness_ms = COST_TEMPERATURE_MS;
	ctx.estimate.viewers = 1;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (lookup.near->slot[i].node == 59)
			w.spare[0][0] = 58;
	for (unsigned i = 0; i < SCORED_MAX; i++)
		ctx.candidates.at[i] = (struct scored){
			.node = MAP_NO_NODE, .state = NODE_UP, .used = 0};
	candidates_gather(&ctx);
	assert_int_equal(ctx.candidates.n, MAP_CANDIDATES + 1);
	assert_int_equal(ctx.candidates.at[MAP_CANDIDATES].node, w.spare[0][0]);
	world_close(&w);
}

/* All near ones are dead: of many that live the nearest is taken. */
static void test_nearest_of_many_far(void **state)
{
	struct world w;
	(void)state;
	open_near_and_far(&w, 60);
	set_near(&w, NODE_DOWN, 0);
	for (unsigned i = 0; i < 4; i++) {
		char name[16];
		snprintf(name, sizeof name, "far%u", i);
		assert_string_equal(
			world_pick(&w, "live.example.com", "10.1.0.0/24"),
			name);
		world_node(&w, name)->state = NODE_DOWN;
		w.now += 60000;
	}
	world_close(&w);
}

/* Of 50 streams, those whose viewers meet that ask from Hong Kong and from London. So
 * many viewers of each were placed by this server. */
static unsigned streams_met(unsigned far, float viewers, unsigned servers)
{
	struct world w;
	unsigned met = 0;
	open_near_and_far(&w, far);
	w.map->servers = servers;
	for (int s = 0; s < 50; s++) {
		char name[40];
		struct steer_decision hk, london;
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		struct steer_query q = world_query(&w, name, "10.1.0.0/24");
		accounts_place(w.accounts, accounts_stream(q.stream),
			MAP_NO_NODE, viewers, (uint32_t)w.now);
		steer_decide(world_state(&w), w.accounts, &q, w.now, &hk, NULL);
		q = world_query(&w, name, "10.3.0.0/24");
		steer_decide(&w.state, w.accounts, &q, w.now, &london, NULL);
		met += hk.node[0] == london.node[0];
	}
	world_close(&w);
	return met;
}

/* The first viewers of most streams meet on one node, wherever they are; in a
 * pool of more than 64 nodes, those of some streams. When there are many
 * viewers, whichever thread placed them, near nodes are worth more. */
static void test_streams_gather(void **state)
{
	(void)state;
	assert_true(streams_met(4, 0, 1) > 40);
	assert_true(streams_met(60, 0, 1) > 4);
	assert_true(streams_met(4, 10, 1) > 40);
	assert_int_equal(streams_met(4, 10000, 1), 0);
	assert_int_equal(streams_met(4, 10, 1000), 0);
}

/* All of a pool of 64 nodes may have a stream, wherever the viewer is. */
static void test_stream_looks_everywhere(void **state)
{
	struct world w;
	(void)state;
	open_near_and_far(&w, 4);
	for (int s = 0; s < 20; s++) {
		char name[40];
		struct steer_decision d;
		struct steer_trace trace;
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		struct steer_query q = world_query(&w, name, "10.3.0.0/24");
		steer_decide(world_state(&w), NULL, &q, w.now, &d, &trace);
		assert_int_equal(trace.n, 64);
	}
	world_close(&w);
}

/* A decision that was made while the near nodes were dead holds for its TTL. */
static void test_told_far_holds(void **state)
{
	struct world w;
	struct steer_decision d;
	(void)state;
	open_near_and_far(&w, 3);
	set_near(&w, NODE_DOWN, 0);
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.0/24"), "far0");
	set_near(&w, NODE_UP, 0);
	w.now += 30000;
	struct steer_query q =
		world_query(&w, "live.example.com", "10.1.0.0/24");
	q.type = STEER_AAAA;
	steer_answer(world_state(&w), w.accounts, &q, w.now, &d);
	assert_string_equal(w.map->nodes[d.node[0]].name, "far0");
	assert_true(d.again);
	w.now += 31000;
	d = world_ask(&w, "live.example.com", "10.1.0.0/24");
	assert_false(d.again);
	assert_string_not_equal(w.map->nodes[d.node[0]].name, "far0");
	world_close(&w);
}

/* failover: a pool may be long and have only dead ones at its head. */
static void test_long_failover(void **state)
{
	struct world w;
	char yaml[16000];
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	(void)state;
	for (int i = 0; i < 100; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.2]}\n",
			i, i + 1);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"steer: {live.example.com: {pool: [edge], policy: failover}}\n");
	world_open(&w, yaml);
	for (unsigned i = 0; i < 90; i++)
		w.node[i].state = NODE_DOWN;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.0/24"), "n90");
	world_close(&w);
}

/* Two large sites near, a small one far away: the third line is there. */
static void test_third_site_far(void **state)
{
	struct world w;
	char yaml[8000];
	(void)state;
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	for (int i = 0; i < 60; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.%d], site: s%d}\n",
			i, i + 1, 2 + i % 2, i % 2);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"  c1: {address: [192.0.2.98], at: [51.5, -0.1], site: c}\n"
		"  c2: {address: [192.0.2.99], at: [50, -0.1], site: c}\n"
		"steer: {live.example.com: {pool: [edge], lines: 3}}\n");
	world_open(&w, yaml);
	const struct candidates *near =
		map_candidates(w.map, &w.map->pools[0], 1, 0);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node >= 60 &&
			near->slot[i].node != MAP_NO_NODE)
			w.node[near->slot[i].node].state = NODE_DOWN;
	world_ask(&w, "live.example.com", "10.1.0.0/24");
	world_ask(&w, "line2.live.example.com", "10.1.0.0/24");
	const char *third =
		world_pick(&w, "line3.live.example.com", "10.1.0.0/24");
	assert_int_equal(third[0], 'c');
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_pool),
		cmocka_unit_test(test_order_of_a_large_pool),
		cmocka_unit_test(test_up_beyond_unknown),
		cmocka_unit_test(test_lines_beyond_candidates),
		cmocka_unit_test(test_third_site_far),
		cmocka_unit_test(test_full_near),
		cmocka_unit_test(test_full_near_alone),
		cmocka_unit_test(test_lines_stay_near),
		cmocka_unit_test(test_nearest_of_many_far),
		cmocka_unit_test(test_streams_gather),
		cmocka_unit_test(test_stream_looks_everywhere),
		cmocka_unit_test(test_told_far_holds),
		cmocka_unit_test(test_long_failover),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
