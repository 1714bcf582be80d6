/* The decision, rule by rule (docs/steering.md): where a client is sent and
 * for how long. */
#include "cities.h"

#include "state/cost.h"

static void test_near(void **state)
{
	struct world *w = *state;
	assert_true(in_hk(world_pick(w, "live.example.com", "10.1.2.0/24")));
	assert_string_equal(
		world_pick(w, "live.example.com", "10.2.2.0/24"), "jp1");
	assert_string_equal(
		world_pick(w, "live.example.com", "10.3.2.0/24"), "uk1");
}

/* Nothing below the knee, convex above, a wall at full, never infinite. */
static void test_price(void **state)
{
	(void)state;
	assert_float_equal(cost_price_ms(0), 0, 0);
	assert_float_equal(cost_price_ms(0.66f), 0, 0);
	assert_float_equal(cost_price_ms(0.80f), 0, 0);
	assert_true(cost_price_ms(0.85f) > 0);
	float last = 0;
	for (float u = 0.7f; u < 3; u += 0.01f) {
		assert_true(cost_price_ms(u) >= last);
		last = cost_price_ms(u);
	}
	assert_true(cost_price_ms(0.9f) < 20);
	assert_true(cost_price_ms(1.0f) > 100);
	assert_true(isfinite(cost_price_ms(1000)));
}

/* A full node sends its viewers to the next one with room. */
static void test_full(void **state)
{
	struct world *w = *state;
	world_node(w, "jp1")->used = 1.2f;
	assert_true(in_hk(world_pick(w, "live.example.com", "10.2.2.0/24")));
}

/* More load never attracts. */
static void test_load_never_attracts(void **state)
{
	struct world *w = *state;
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		int before = 1;
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		struct steer_query q =
			world_query(w, "live.example.com", client);
		for (float u = 0; u < 1.5f; u += 0.05f) {
			struct steer_decision d;
			world_node(w, "hk1")->used = u;
			steer_decide(
				world_state(w), NULL, &q, w->now, &d, NULL);
			int now = !strcmp(w->map->nodes[d.node[0]].name, "hk1");
			assert_true(now <= before);
			before = now;
		}
		assert_int_equal(before, 0);
	}
}

/* Nets spread over nodes of equal cost, and each stays on its own. */
static void test_spread_and_stay(void **state)
{
	struct world *w = *state;
	unsigned count[64] = {0};
	for (int net = 0; net < 256; net++) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net & 0xf0);
		struct steer_query q =
			world_query(w, "live.example.com", client);
		q.net.bytes[3] = (uint8_t)net; /* another net, same place */
		struct steer_decision a, b;
		steer_decide(world_state(w), NULL, &q, w->now, &a, NULL);
		steer_decide(
			world_state(w), NULL, &q, w->now + 99000, &b, NULL);
		assert_int_equal(a.node[0], b.node[0]);
		count[a.node[0]]++;
	}
	for (int i = 0; i < 3; i++) /* hk1, hk2, hk3 */
		assert_in_range(count[i], 40, 140);
}

/* By capacity: a node three times as large gets three times as many. */
static void test_capacity(void **state)
{
	struct world w;
	unsigned large = 0;
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [1, 1], capacity: 3000}\n"
		"  b: {address: [192.0.2.2], at: [1, 1], capacity: 1000}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	for (uint32_t net = 0; net < 4000; net++) {
		struct steer_query q =
			world_query(&w, "live.example.com", "10.1.0.0/24");
		memcpy(q.net.bytes, &net, 4);
		struct steer_decision d;
		steer_decide(world_state(&w), NULL, &q, w.now, &d, NULL);
		large += d.node[0] == 0;
	}
	assert_in_range(large, 2850, 3150);
	world_close(&w);
}

/* Whatever the order of the nodes in the file. */
static void test_order_of_nodes(void **state)
{
	static const char forward[] =
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [1, 1]}\n"
		"  b: {address: [192.0.2.2], at: [1, 1]}\n"
		"  c: {address: [192.0.2.3], at: [1, 1]}\n"
		"steer: {live.example.com: {pool: [edge]}}\n";
	static const char backward[] =
		"nodes:\n"
		"  c: {address: [192.0.2.3], at: [1, 1]}\n"
		"  b: {address: [192.0.2.2], at: [1, 1]}\n"
		"  a: {address: [192.0.2.1], at: [1, 1]}\n"
		"steer: {live.example.com: {pool: [edge]}}\n";
	struct world v, w;
	(void)state;
	world_open(&v, forward);
	world_open(&w, backward);
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		assert_string_equal(world_pick(&v, "live.example.com", client),
			world_pick(&w, "live.example.com", client));
	}
	world_close(&v);
	world_close(&w);
}

/* up, unknown, down, drained: the first kind there is, never nothing. */
static void test_last_resort(void **state)
{
	struct world *w = *state;
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].state = NODE_DRAINED;
	struct steer_decision d =
		world_ask(w, "live.example.com", "10.1.0.0/24");
	assert_int_equal(d.n, 1);
	assert_int_equal(d.state, NODE_DRAINED);
	world_node(w, "uk1")->state = NODE_DOWN;
	assert_string_equal(
		world_pick(w, "live.example.com", "10.1.1.0/24"), "uk1");
	world_node(w, "jp1")->state = NODE_UNKNOWN;
	assert_string_equal(
		world_pick(w, "live.example.com", "10.1.1.0/24"), "jp1");
	world_node(w, "hk2")->state = NODE_UP;
	assert_string_equal(
		world_pick(w, "live.example.com", "10.1.1.0/24"), "hk2");
}

/* A, AAAA and HTTPS within a TTL are one decision, one promise. */
static void test_one_decision(void **state)
{
	struct world *w = *state;
	struct steer_query q =
		world_query(w, "live.example.com", "10.1.7.0/24");
	struct steer_decision a, aaaa, https;
	steer_answer(world_state(w), w->accounts, &q, w->now, &a);
	const struct reservation *p = &w->accounts->reservation[a.node[0]];
	uint32_t viewers = p->viewers;
	assert_int_equal(viewers, RESERVATION_VIEWER);

	/* The node fills up meanwhile; the decision stands. */
	w->node[a.node[0]].used = 1.1f;
	q.type = STEER_AAAA;
	steer_answer(world_state(w), w->accounts, &q, w->now + 900, &aaaa);
	q.type = STEER_HTTPS;
	steer_answer(world_state(w), w->accounts, &q, w->now + 901, &https);
	assert_int_equal(aaaa.node[0], a.node[0]);
	assert_int_equal(https.node[0], a.node[0]);
	assert_int_equal(aaaa.ttl_s, a.ttl_s);
	assert_int_equal(p->viewers, viewers);
	assert_int_equal(p->answers, 1);

	/* After the TTL it is decided anew. */
	int64_t later = w->now + a.ttl_s * 1000;
	steer_decide(world_state(w), w->accounts, &q, later, &https, NULL);
	assert_int_not_equal(https.node[0], a.node[0]);
}

/* ... but not with a node that died meanwhile. */
static void test_dead_within_ttl(void **state)
{
	struct world *w = *state;
	struct steer_decision d =
		world_ask(w, "live.example.com", "10.1.7.0/24");
	w->node[d.node[0]].state = NODE_DOWN;
	struct steer_decision e =
		world_ask(w, "live.example.com", "10.1.7.0/24");
	assert_int_not_equal(d.node[0], e.node[0]);
}

/* Inside the carrier costs nothing, crossing costs carrier_ms; a node that
 * names no ASN and a client whose ASN is not known cross nothing. */
static void test_carrier(void **state)
{
	struct world w;
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  ct: {address: [192.0.2.1], at: [31, 121], asn: [4134]}\n"
		"  cu: {address: [192.0.2.2], at: [31, 121], asn: [4837]}\n"
		"  far: {address: [192.0.2.3], at: [35.7, 139.7]}\n"
		"steer: {live.example.com: {pool: [edge], carrier_ms: 60}}\n");
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.4.%d.0/24", net);
		assert_string_equal(
			world_pick(&w, "live.example.com", client), "ct");
		snprintf(client, sizeof client, "10.5.%d.0/24", net);
		assert_string_equal(
			world_pick(&w, "live.example.com", client), "cu");
	}
	/* Tokyo, 1,800 km away, names no ASN: 33 ms are less than 60. */
	world_node(&w, "ct")->state = NODE_DOWN;
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.4.0.0/24"), "far");
	world_close(&w);
}

/* geo: the nearest healthy one, whatever its load. */
static void test_policy_geo(void **state)
{
	struct world *w = *state;
	world_node(w, "jp1")->used = 2;
	assert_string_equal(
		world_pick(w, "geo.example.com", "10.2.0.0/24"), "jp1");
	world_node(w, "jp1")->state = NODE_DOWN;
	assert_true(in_hk(world_pick(w, "geo.example.com", "10.2.1.0/24")));
}

/* failover: the first of the pool that is up. */
static void test_policy_failover(void **state)
{
	struct world *w = *state;
	assert_string_equal(
		world_pick(w, "order.example.com", "10.1.0.0/24"), "uk1");
	assert_string_equal(
		world_pick(w, "line2.order.example.com", "10.1.0.0/24"), "jp1");
	world_node(w, "uk1")->state = NODE_DOWN;
	w->now += 100000;
	assert_string_equal(
		world_pick(w, "order.example.com", "10.1.0.0/24"), "jp1");
}

/* stable: load only keeps it from overflowing; the TTL is the longest. */
static void test_policy_stable(void **state)
{
	struct world *w = *state;
	struct steer_decision d =
		world_ask(w, "push.example.com", "10.2.0.0/24");
	assert_string_equal(w->map->nodes[d.node[0]].name, "jp1");
	assert_int_equal(d.ttl_s, 60);
	world_node(w, "jp1")->used = 0.85f;
	assert_string_equal(
		world_pick(w, "push.example.com", "10.2.16.0/24"), "jp1");
	world_node(w, "jp1")->used = 1.1f;
	assert_string_not_equal(
		world_pick(w, "push.example.com", "10.2.32.0/24"), "jp1");
}

/* Stability ranks before distance; who publishes stays, but not on a node that
 * flaps, is drained or full. */
static void test_stable_ranks(void **state)
{
	struct world *w = *state;
	const char *push = "push.example.com";
	assert_string_equal(world_pick(w, push, "10.2.0.0/24"), "jp1");
	world_node(w, "jp1")->unstable_ms = 500;
	assert_string_not_equal(world_pick(w, push, "10.2.16.0/24"), "jp1");
	/* as bad as all others: by distance again */
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].unstable_ms = 500;
	assert_string_equal(world_pick(w, push, "10.2.32.0/24"), "jp1");

	/* The first one still publishes there hours later, whoever is better. */
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].unstable_ms = 0;
	world_node(w, "jp1")->unstable_ms = 1500;
	w->now += 4 * 3600000;
	assert_string_equal(world_pick(w, push, "10.2.0.0/24"), "jp1");
	world_node(w, "jp1")->unstable_ms = 4500;
	w->now += 100000;
	char other[64];
	snprintf(other, sizeof other, "%s", world_pick(w, push, "10.2.0.0/24"));
	assert_string_not_equal(other, "jp1");
	/* and now it stays there */
	world_node(w, "jp1")->unstable_ms = 0;
	w->now += 100000;
	assert_string_equal(world_pick(w, push, "10.2.0.0/24"), other);
	world_node(w, other)->used = 1.2f;
	w->now += 100000;
	assert_string_equal(world_pick(w, push, "10.2.0.0/24"), "jp1");
	world_node(w, "jp1")->state = NODE_DRAINED;
	w->now += 100000;
	assert_string_not_equal(world_pick(w, push, "10.2.0.0/24"), "jp1");
	/* others do not look at it */
	world_node(w, "jp1")->state = NODE_UP;
	world_node(w, "jp1")->unstable_ms = 4500;
	assert_string_equal(
		world_pick(w, "live.example.com", "10.2.48.0/24"), "jp1");
}

/* Where a publisher was sent counts for half a day, whatever the clock says. */
static void test_publisher_is_remembered(void **state)
{
	static const struct {
		int64_t hours;
		bool remembered;
	} rows[] = {{1, true}, {11, true}, {13, false}};
	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		static const int64_t clocks[] = {
			1000000, 2000000000, UINT32_MAX - 60000};
		struct world w;
		world_open(&w, cities);
		w.now = clocks[i % 3];
		const char *push = "push.example.com";
		assert_string_equal(world_pick(&w, push, "10.2.0.0/24"), "jp1");
		world_node(&w, "jp1")->unstable_ms = 1500;
		w.now += rows[i / 3].hours * 3600000;
		assert_int_equal(
			!strcmp(world_pick(&w, push, "10.2.0.0/24"), "jp1"),
			rows[i / 3].remembered);
		world_close(&w);
	}
}

/* answers: best first, all of the best state. */
static void test_answers(void **state)
{
	struct world *w = *state;
	struct steer_decision d =
		world_ask(w, "two.example.com", "10.2.0.0/24");
	assert_int_equal(d.n, 2);
	assert_string_equal(w->map->nodes[d.node[0]].name, "jp1");
	/* the second one is the next best, not the next nearest */
	for (unsigned i = 1; i <= 3; i++) {
		char near[8];
		snprintf(near, sizeof near, "hk%u", i);
		world_node(w, near)->penalty_ms = 500;
	}
	w->now += 100000;
	d = world_ask(w, "two.example.com", "10.2.0.0/24");
	assert_string_equal(w->map->nodes[d.node[0]].name, "jp1");
	assert_string_equal(w->map->nodes[d.node[1]].name, "uk1");
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].state = NODE_DOWN;
	world_node(w, "uk1")->state = NODE_UP;
	w->now += 100000;
	d = world_ask(w, "two.example.com", "10.2.0.0/24");
	assert_int_equal(d.n, 1);
}

/* What was promised since the load was published counts at once: a crowd
 * within one tick does not end on one node. */
static void test_crowd_within_a_tick(void **state)
{
	struct world w;
	unsigned count[2] = {0};
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  near: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 200}\n"
		"  far: {address: [192.0.2.2], at: [35.7, 139.7], capacity: 200}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	for (int net = 0; net < 250; net++) {
		struct steer_query q =
			world_query(&w, "live.example.com", "10.1.0.0/24");
		struct steer_decision d;
		/* From as many networks as nets: nobody's budget ends. */
		q.net.bytes[2] = (uint8_t)net;
		q.asker = q.net;
		steer_answer(world_state(&w), w.accounts, &q, w.now, &d);
		count[d.node[0]]++;
	}
	assert_in_range(count[0], 100, 190);
	assert_in_range(count[1], 60, 150);
	world_close(&w);
}

/* One network with forged client subnets reserves but a share of the pool. */
static void test_budget(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 20000; i++) {
		struct steer_query q =
			world_query(w, "live.example.com", "10.1.0.0/24");
		struct steer_decision d;
		memcpy(q.net.bytes + 1, &i, 3);
		addr_parse(&q.asker, "198.51.100.7");
		steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	}
	float promised = 0, pool = 0;
	for (unsigned i = 0; i < w->map->n_nodes; i++) {
		promised += (float)w->accounts->reservation[i].viewers /
			RESERVATION_VIEWER;
		pool += w->map->nodes[i].capacity;
	}
	assert_true(promised > 0);
	assert_true(promised < 0.12f * pool);

	/* Whoever is trusted to name other clients is believed. */
	for (int i = 0; i < 1000; i++) {
		struct steer_query q =
			world_query(w, "live.example.com", "10.1.0.0/24");
		struct steer_decision d;
		memcpy(q.net.bytes + 1, &i, 3);
		q.trusted = true;
		steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	}
	float more = 0;
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		more += (float)w->accounts->reservation[i].viewers /
			RESERVATION_VIEWER;
	assert_true(more - promised > 990);
}

/* The TTL: shorter where viewers share an answer, where the node fills up. */
static void test_ttl(void **state)
{
	struct world *w = *state;
	struct steer_decision d =
		world_ask(w, "live.example.com", "10.2.0.0/24");
	assert_int_equal(d.ttl_s, 30);
	/* 10 % a second: full in 9.5 s, at most half of that, at least 5. */
	world_node(w, "jp1")->growth = 0.05f;
	d = world_ask(w, "live.example.com", "10.2.16.0/24");
	assert_int_equal(d.ttl_s, 9);
	world_node(w, "jp1")->growth = 1;
	d = world_ask(w, "live.example.com", "10.2.32.0/24");
	assert_int_equal(d.ttl_s, 5);

	/* A net whose answer is asked again as soon as it ends has a crowd. */
	world_node(w, "jp1")->growth = 0;
	for (int i = 0; i < 20; i++) {
		d = world_ask(w, "live.example.com", "10.2.48.0/24");
		w->now += d.ttl_s * 1000 + 50;
	}
	assert_int_equal(d.ttl_s, 5);
	assert_true(d.rate > 1);
}

/* A question that is explained is decided as one that is not, also where two nodes
 * have the same score, or one has little room, or is distrusted. */
static void test_equal_scores(void **state)
{
	struct world w;
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  b: {address: [192.0.2.2], at: [22.3, 114.2]}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	struct steer_query q =
		world_query(&w, "live.example.com", "10.1.0.0/24");
	unsigned equal = 0;
	for (uint32_t net = 0; net < 50000; net++) {
		struct steer_decision quick, full;
		struct steer_trace trace;
		if (net == 40000)
			w.node[0].used = 0.82f;
		if (net == 45000) {
			w.node[0].used = 0;
			w.node[0].penalty_ms = 1;
			w.node[1].penalty_ms = 0.4f;
			w.load.n_distrusts = 1;
			w.load.distrust[0] = (struct load_distrust){
				w.map->nodes[0].area, 1, 0.7f};
		}
		memcpy(q.net.bytes, &net, 4);
		steer_decide(world_state(&w), NULL, &q, w.now, &quick, NULL);
		steer_decide(&w.state, NULL, &q, w.now, &full, &trace);
		assert_int_equal(quick.node[0], full.node[0]);
		equal += trace.candidate[0].score == trace.candidate[1].score;
	}
	assert_true(equal > 0);
	world_close(&w);
}

/* A net stays where it was sent although a nearer node has room again, as long as that
 * is better by less than stay_ms. */
static void test_stays_far(void **state)
{
	static const struct {
		int stay_ms;
		const char *node;
	} rows[] = {{100, "jp"}, {10, "hk"}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;
		char yaml[1000];
		snprintf(yaml, sizeof yaml,
			"nodes:\n"
			"  hk: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
			"  jp: {address: [192.0.2.2], at: [35.7, 139.7]}\n"
			"steer: {live.example.com: "
			"{pool: [edge], ttl: 5, stay_ms: %d}}\n",
			rows[i].stay_ms);
		world_open(&w, yaml);
		world_node(&w, "hk")->state = NODE_DOWN;
		assert_string_equal(
			world_pick(&w, "live.example.com", "10.1.0.1"), "jp");
		world_node(&w, "hk")->state = NODE_UP;
		w.now += 6000;
		assert_string_equal(
			world_pick(&w, "live.example.com", "10.1.0.1"),
			rows[i].node);
		world_close(&w);
	}
}

/* Three nodes of one place, and the answer to a network that has asked for so long that it
 * stands for a crowd: the second node costs so many ms more, the third is far dearer. */
static struct steer_decision ask_as_crowd(struct world *w, float second_ms)
{
	struct steer_decision d;
	world_open(w,
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  b: {address: [192.0.2.2], at: [22.3, 114.2]}\n"
		"  c: {address: [192.0.2.3], at: [22.3, 114.2]}\n"
		"steer: {live.example.com: {pool: [edge], lines: 2, ttl: 5}}\n");
	w->node[1].penalty_ms = second_ms;
	w->node[2].penalty_ms = 3000;
	for (unsigned k = 0; k < 3; k++)
		w->node[k].per_viewer = 0;
	for (int k = 0; k < 20; k++) {
		d = world_ask(w, "live.example.com", "10.1.0.0/24");
		w->now += d.ttl_s * 1000 + 50;
	}
	return d;
}

/* The answer to a crowd names nodes that cost up to 25 ms more than the first. */
static void test_addresses_of_a_crowd(void **state)
{
	static const struct {
		float ms;
		unsigned n;
	} rows[] = {{20, 2}, {25, 2}, {26, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;
		struct steer_decision d = ask_as_crowd(&w, rows[i].ms);
		assert_true(d.rate * 5 > 20);
		assert_int_equal(d.n, rows[i].n);
		assert_int_equal(d.node[0], 0);
		world_close(&w);
	}
}

/* Line 1's answer to a crowd names several nodes, and a viewer that asks for line 2 may be
 * on any of them: line 2 is none of these, even if the next node is far dearer. */
static void test_line_2_of_a_crowd(void **state)
{
	struct world w;
	struct steer_decision d = ask_as_crowd(&w, 20);
	(void)state;
	assert_int_equal(d.n, 2);
	assert_string_equal(
		world_pick(&w, "line2.live.example.com", "10.1.0.0/24"), "c");
	world_close(&w);
}

/* A crowd is spread over all nodes that are as good, one answer after the other. */
static void test_crowd_is_spread(void **state)
{
	struct world w;
	char yaml[1000];
	unsigned got = 0;
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	(void)state;
	for (int i = 0; i < 8; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.2]}\n",
			i, i + 1);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"steer: {live.example.com: {pool: [edge], ttl: 5}}\n");
	world_open(&w, yaml);
	for (unsigned i = 0; i < 8; i++)
		w.node[i].per_viewer = 0;
	for (int i = 0; i < 60; i++) {
		struct steer_decision d =
			world_ask(&w, "live.example.com", "10.1.0.0/24");
		w.now += d.ttl_s * 1000 + 50;
		if (i >= 20)
			got |= 1u << d.node[0];
	}
	assert_int_equal(got, 0xff);
	world_close(&w);
}

/* A reload takes a node out of the pool: clients that were sent to it are sent elsewhere. */
static void test_told_node_leaves_the_pool(void **state)
{
	static const char with[] =
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  b: {address: [192.0.2.2], at: [51.5, -0.1]}\n"
		"steer: {live.example.com: {pool: [a, b]}}\n";
	static const char without[] =
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  b: {address: [192.0.2.2], at: [51.5, -0.1]}\n"
		"steer: {live.example.com: {pool: [b]}}\n";
	struct world w, later;
	world_open(&w, with);
	world_open(&later, without);
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.1"), "a");
	later.now = w.now + 1000;
	struct steer_query q =
		world_query(&later, "live.example.com", "10.1.0.1");
	struct steer_decision d;
	steer_answer(world_state(&later), w.accounts, &q, later.now, &d);
	assert_string_equal(later.map->nodes[d.node[0]].name, "b");
	world_close(&later);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_near),
		cmocka_unit_test(test_price),
		TEST(test_full),
		TEST(test_load_never_attracts),
		TEST(test_spread_and_stay),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_order_of_nodes),
		TEST(test_last_resort),
		TEST(test_one_decision),
		TEST(test_dead_within_ttl),
		cmocka_unit_test(test_carrier),
		TEST(test_policy_geo),
		TEST(test_policy_failover),
		TEST(test_policy_stable),
		TEST(test_stable_ranks),
		cmocka_unit_test(test_publisher_is_remembered),
		TEST(test_answers),
		cmocka_unit_test(test_crowd_within_a_tick),
		TEST(test_budget),
		TEST(test_ttl),
		cmocka_unit_test(test_addresses_of_a_crowd),
		cmocka_unit_test(test_line_2_of_a_crowd),
		cmocka_unit_test(test_crowd_is_spread),
		cmocka_unit_test(test_equal_scores),
		cmocka_unit_test(test_stays_far),
		cmocka_unit_test(test_told_node_leaves_the_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
