/* The decision, rule by rule (docs/steering.md). */
#include "world.h"

#include "state/cost.h"
#include "steer/explain.h"

/* Three cities, each two sites; hk1 and hk2 share a site. */
static const char cities[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2], site: hk, provider: p1}\n"
	"  hk2: {address: [192.0.2.2], at: [22.3, 114.2], site: hk, provider: p2}\n"
	"  hk3: {address: [192.0.2.3], at: [22.3, 114.3], site: hkb, provider: p1}\n"
	"  jp1: {address: [192.0.2.4], at: [35.7, 139.7], site: tyo, provider: p3}\n"
	"  uk1: {address: [192.0.2.5], at: [51.5, -0.1], site: lon, provider: p4}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], lines: 3, ttl: [5, 30]}\n"
	"  geo.example.com: {pool: [edge], policy: geo}\n"
	"  order.example.com: {pool: [uk1, jp1, hk1], policy: failover, lines: 3}\n"
	"  push.example.com: {pool: [edge], policy: stable, ttl: 60}\n"
	"  two.example.com: {pool: [edge], answers: 2}\n"
	"  s.example.com: {pool: [edge], streams: true, lines: 2}\n";

static int open_cities(void **state)
{
	static struct world w;
	world_open(&w, cities);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static bool in_hk(const char *name)
{
	return !strncmp(name, "hk", 2);
}

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

/* Lines avoid the nodes, then the sites, of earlier lines. */
static void test_lines(void **state)
{
	struct world *w = *state;
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		struct steer_decision d[3];
		d[0] = world_ask(w, "live.example.com", client);
		d[1] = world_ask(w, "line2.live.example.com", client);
		d[2] = world_ask(w, "line3.live.example.com", client);
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < i; k++)
				assert_false(map_same_site(
					w->map, d[i].node[0], d[k].node[0]));
	}
}

/* The same without memory: each line asked of a thread that knows nothing. */
static void test_lines_without_memory(void **state)
{
	struct world *w = *state;
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		struct steer_decision d[3];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		for (int i = 0; i < 3; i++) {
			struct steer_query q =
				world_query(w, "live.example.com", client);
			q.line = (uint8_t)(i + 1);
			steer_decide(
				world_state(w), NULL, &q, w->now, &d[i], NULL);
			for (int k = 0; k < i; k++)
				assert_false(map_same_site(
					w->map, d[i].node[0], d[k].node[0]));
		}
	}
}

/* The viewer has the node it was told, though load has moved since. */
static void test_line_remembers(void **state)
{
	struct world *w = *state;
	struct steer_decision d =
		world_ask(w, "live.example.com", "10.2.0.0/24"); /* jp1 */
	w->node[d.node[0]].used = 1.3f; /* line 1 would go to hk now */
	w->now += 60000;
	struct steer_decision e =
		world_ask(w, "line2.live.example.com", "10.2.0.0/24");
	assert_int_not_equal(e.node[0], d.node[0]);
	/* The other way: it had hk, and jp1 has room again. */
	w->node[d.node[0]].used = 1.3f;
	struct steer_decision hk =
		world_ask(w, "live.example.com", "10.2.16.0/24");
	w->node[d.node[0]].used = 0;
	struct steer_decision line2 =
		world_ask(w, "line2.live.example.com", "10.2.16.0/24");
	assert_false(map_same_site(w->map, hk.node[0], line2.node[0]));
}

/* Viewers of an older answer still watch: of two equal nodes line 2 is the one
 * they are not on. */
static void test_line_avoids_older(void **state)
{
	struct world w;
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  near: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  b: {address: [192.0.2.2], at: [35.7, 139.7]}\n"
		"  c: {address: [192.0.2.3], at: [35.7, 139.7]}\n"
		"steer: {live.example.com: {pool: [edge], lines: 2}}\n");
	for (int net = 0; net < 256; net += 16) {
		char client[32];
		snprintf(client, sizeof client, "10.1.%d.0/24", net);
		world_node(&w, "near")->state = NODE_DOWN;
		struct steer_decision older =
			world_ask(&w, "live.example.com", client);
		world_node(&w, "near")->state = NODE_UP;
		w.now += 60000;
		assert_string_equal(
			world_pick(&w, "live.example.com", client), "near");
		w.now += 300000;
		struct steer_decision line2 =
			world_ask(&w, "line2.live.example.com", client);
		assert_int_not_equal(line2.node[0], older.node[0]);
		assert_int_equal(line2.ttl_s, 5);
	}
	world_close(&w);
}

/* Another site while one lives; else another node; else the same. */
static void test_lines_run_out(void **state)
{
	struct world *w = *state;
	world_node(w, "jp1")->state = NODE_DOWN;
	world_node(w, "uk1")->state = NODE_DOWN;
	world_node(w, "hk3")->state = NODE_DOWN;
	const char *one = world_pick(w, "live.example.com", "10.1.7.0/24");
	struct steer_decision two =
		world_ask(w, "line2.live.example.com", "10.1.7.0/24");
	assert_string_not_equal(w->map->nodes[two.node[0]].name, one);
	assert_false(two.only);
	world_node(w, "hk2")->state = NODE_DOWN;
	w->now += 100000;
	assert_string_equal(
		world_pick(w, "live.example.com", "10.1.7.0/24"), "hk1");
	for (int i = 2; i <= 3; i++) {
		char name[40];
		snprintf(name, sizeof name, "line%d.live.example.com", i);
		struct steer_decision d = world_ask(w, name, "10.1.7.0/24");
		assert_string_equal(w->map->nodes[d.node[0]].name, "hk1");
		assert_true(d.only);
	}
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
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].state = NODE_DOWN;
	world_node(w, "uk1")->state = NODE_UP;
	w->now += 100000;
	d = world_ask(w, "two.example.com", "10.2.0.0/24");
	assert_int_equal(d.n, 1);
}

/* Viewers of one stream in one place meet on one edge, other streams spread. */
static void test_streams(void **state)
{
	struct world *w = *state;
	bool differ = false;
	for (int s = 0; s < 20; s++) {
		char name[40], first[64] = "";
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		for (int net = 0; net < 256; net += 16) {
			char client[32];
			snprintf(client, sizeof client, "10.1.%d.0/24", net);
			const char *pick = world_pick(w, name, client);
			if (net == 0)
				strcpy(first, pick);
			assert_string_equal(pick, first);
		}
		differ |= strcmp(first, "hk1") != 0;
	}
	assert_true(differ);
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
		struct steer_decision d;
		world_open(&w,
			"nodes:\n"
			"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
			"  b: {address: [192.0.2.2], at: [22.3, 114.2]}\n"
			"  c: {address: [192.0.2.3], at: [22.3, 114.2]}\n"
			"steer: {live.example.com: {pool: [edge], ttl: 5}}\n");
		w.node[1].penalty_ms = rows[i].ms;
		w.node[2].penalty_ms = 500;
		for (unsigned k = 0; k < 3; k++)
			w.node[k].per_viewer = 0;
		for (int k = 0; k < 20; k++) {
			d = world_ask(&w, "live.example.com", "10.1.0.0/24");
			w.now += d.ttl_s * 1000 + 50;
		}
		assert_true(d.rate * 5 > 20);
		assert_int_equal(d.n, rows[i].n);
		assert_int_equal(d.node[0], 0);
		world_close(&w);
	}
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

/* A stream goes to nodes of its name's pool, to all of them and to no others,
 * however near these are. */
static void test_stream_stays_in_its_pool(void **state)
{
	struct world w;
	unsigned got = 0;
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  other: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  a: {address: [192.0.2.2], at: [22.3, 114.2], bias: 30}\n"
		"  b: {address: [192.0.2.3], at: [22.3, 114.2], bias: 30}\n"
		"  c: {address: [192.0.2.4], at: [22.3, 114.2], bias: 30}\n"
		"steer:\n"
		"  s.example.com: {pool: [a, b, c], streams: true}\n");
	for (int s = 0; s < 30; s++) {
		char name[40];
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		struct steer_decision d = world_ask(&w, name, "10.1.0.0/24");
		got |= 1u << d.node[0];
	}
	assert_int_equal(got, 0xe);
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

/* An explanation names what was decided, and accounts nothing. */
static void test_explain(void **state)
{
	struct world *w = *state;
	struct steer_query q =
		world_query(w, "live.example.com", "10.2.0.0/24");
	struct steer_decision d;
	struct steer_trace trace;
	char line[EXPLAIN_LINE_MAX];
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, &trace);
	assert_int_equal(trace.n, 5);
	assert_int_equal(trace.candidate[0].node, d.node[0]);
	explain_client(&w->state, &q, line);
	assert_non_null(strstr(line, "10.2.0.0/20 at 35.70,139.70"));
	explain_candidate(&w->state, &trace.candidate[0], line);
	assert_non_null(strstr(line, "jp1 up path 5."));
	explain_pick(&w->state, &d, &trace, 20, line);
	assert_non_null(strstr(line, "pick jp1 ttl 30 scope 20"));
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		assert_int_equal(w->accounts->reservation[i].answers, 0);
}

static const struct steer_candidate *traced(const struct world *w,
	const struct steer_trace *trace, const char *name)
{
	for (unsigned i = 0; i < trace->n; i++)
		if (!strcmp(w->map->nodes[trace->candidate[i].node].name, name))
			return &trace->candidate[i];
	fail_msg("%s is no candidate", name);
	return NULL;
}

/* It says of each node what it costs, what is reserved there and whether an earlier
 * line has it, the best first, and how many viewers the net brings. */
static void test_explain_figures(void **state)
{
	struct world *w = *state;
	struct steer_trace trace;
	struct steer_decision d;
	for (int i = 0; i < 5; i++) { /* so many viewers are reserved */
		d = world_ask(w, "live.example.com", "10.2.0.0/24");
		assert_string_equal(w->map->nodes[d.node[0]].name, "jp1");
		w->now += 31000;
	}
	world_node(w, "jp1")->reserved = 100;
	world_node(w, "jp1")->used = 0.9f;
	world_node(w, "uk1")->penalty_ms = 40;
	struct steer_query q =
		world_query(w, "live.example.com", "10.2.0.0/24");
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, &trace);
	assert_false(trace.kept);
	assert_true(trace.viewers_per_s > 0);
	assert_float_equal(trace.viewers_per_s, d.rate, 0);
	for (unsigned i = 0; i < trace.n; i++) {
		const struct steer_candidate *c = &trace.candidate[i];
		assert_float_equal(c->cost_ms,
			c->path_ms + c->penalty_ms + c->price_ms, 0.001);
		assert_true(!i || c->score >= trace.candidate[i - 1].score);
		assert_false(c->earlier);
	}
	const struct steer_candidate *jp1 = traced(w, &trace, "jp1");
	assert_float_equal(jp1->used, 0.9, 0.001);
	assert_true(jp1->price_ms > 0);
	assert_true(jp1->reserved >= 105 && jp1->reserved < 150);
	assert_float_equal(traced(w, &trace, "uk1")->penalty_ms, 40, 0.001);
	assert_float_equal(traced(w, &trace, "hk1")->reserved, 0, 0);

	world_node(w, "jp1")->used = 0;
	q = world_query(w, "line2.live.example.com", "10.2.0.0/24");
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, &trace);
	for (unsigned i = 0; i < trace.n; i++) {
		unsigned node = trace.candidate[i].node;
		assert_int_equal(trace.candidate[i].earlier,
			!strcmp(w->map->nodes[node].name, "jp1"));
	}
	world_ask(w, "line2.live.example.com", "10.2.0.0/24");
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, &trace);
	assert_true(trace.kept);
}

/* Another viewer of a stream goes where those before were sent, also if it is a
 * little worse by the hash; for other streams that says nothing. */
static void test_stream_is_carried(void **state)
{
	struct world *w = *state;
	unsigned moved = 0;
	for (int s = 0; s < 100; s++) {
		char name[40], other[40];
		struct steer_decision first, d;
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		snprintf(other, sizeof other, "other%d.s.example.com", s);
		struct steer_query q = world_query(w, name, "10.1.0.0/24");
		steer_decide(
			world_state(w), w->accounts, &q, w->now, &first, NULL);
		for (unsigned n = 0; n < 3; n++) { /* hk1, hk2, hk3 */
			struct accounts *accounts =
				accounts_new(64, w->sent, 7);
			accounts_place(accounts, accounts_stream(q.stream), n,
				0.5f, (uint32_t)w->now);
			steer_decide(&w->state, accounts, &q, w->now, &d, NULL);
			assert_true(
				d.node[0] == first.node[0] || d.node[0] == n);
			moved += d.node[0] != first.node[0];
			accounts_free(accounts);
		}
	}
	assert_in_range(moved, 5, 100);
}

/* A first question is decided alike with empty accounts and without any, as
 * `dnsd try` does. */
static void test_without_memory(void **state)
{
	struct world w;
	struct stream_set *set = stream_set_new(200);
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 1500}\n"
		"  b: {address: [192.0.2.2], at: [22.3, 114.2], capacity: 1}\n"
		"steer: {s.example.com: {pool: [edge], streams: true}}\n");
	for (int s = 0; s < 200; s++) {
		char label[24];
		snprintf(label, sizeof label, "class%d", s);
		stream_set_add(set,
			map_stream_hash(label, (unsigned)strlen(label)), 1);
	}
	w.load.streams = set;
	w.node[1].per_viewer = 0; /* it has room */
	unsigned small = 0;
	for (int s = 0; s < 400; s++) {
		char name[40];
		struct steer_decision without, with;
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		struct steer_query q = world_query(&w, name, "10.1.0.0/24");
		steer_decide(world_state(&w), NULL, &q, w.now, &without, NULL);
		steer_decide(&w.state, w.accounts, &q, w.now, &with, NULL);
		assert_int_equal(without.node[0], with.node[0]);
		assert_int_equal(without.ttl_s, with.ttl_s);
		small += with.node[0];
	}
	assert_in_range(small, 80, 180); /* of the 200 streams that it has */
	free(set);
	world_close(&w);
}

/* An edge that told that it has the stream is taken for it while it has room, and
 * for no other stream. */
static void test_has_stream(void **state)
{
	struct world *w = *state;
	struct stream_set *set = stream_set_new(40);
	const char *has[40];
	for (int s = 0; s < 40; s++) {
		char label[16];
		snprintf(label, sizeof label, "class%d", s);
		unsigned node = (unsigned)s % w->map->n_nodes;
		has[s] = w->map->nodes[node].name;
		stream_set_add(set,
			map_stream_hash(label, (unsigned)strlen(label)), node);
	}
	unsigned others = 0;
	for (int s = 0; s < 80; s++) {
		char name[40];
		snprintf(name, sizeof name, "class%d.s.example.com", s);
		w->load.streams = set;
		const char *pick = world_pick(w, name, "10.1.0.0/24");
		if (s < 40)
			assert_string_equal(pick, has[s]);
		else
			others += strcmp(pick, "hk1") != 0;
		w->now += 100000;
	}
	assert_true(others > 10);
	/* full: another one */
	world_node(w, has[1])->used = 0.9f;
	assert_string_not_equal(
		world_pick(w, "class1.s.example.com", "10.1.16.0/24"), has[1]);
	world_node(w, has[2])->state = NODE_DOWN;
	assert_string_not_equal(
		world_pick(w, "class2.s.example.com", "10.1.16.0/24"), has[2]);
	free(set);
	w->load.streams = NULL;
}

/* Names: lines, streams, and what is neither. */
static void test_names(void **state)
{
	static const struct {
		const char *text;
		bool is;
		int line;
		const char *stream;
	} names[] = {
		{"live.example.com", true, 1, ""},
		{"LIVE.example.COM.", true, 1, ""},
		{"line1.live.example.com", true, 1, ""},
		{"line3.live.example.com", true, 3, ""},
		{"line4.live.example.com", false, 0, ""},
		{"line0.live.example.com", false, 0, ""},
		{"line02.live.example.com", false, 0, ""},
		{"abc.live.example.com", false, 0, ""},
		{"abc.s.example.com", true, 1, "abc"},
		{"ABC.line2.s.example.com", true, 2, "abc"},
		{"line7.s.example.com", false, 0, ""},
		{"_x.s.example.com", false, 0, ""},
		{"a.b.s.example.com", false, 0, ""},
		{"", false, 0, ""},
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct map_match m;
		assert_int_equal(
			map_match(w->map, names[i].text, &m), names[i].is);
		if (names[i].is) {
			assert_int_equal(m.line, names[i].line);
			assert_string_equal(m.stream, names[i].stream);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_cities, close_world)

/* -- lines that are asked together, or apart -- */

#define TRIPLE                                                      \
	"nodes:\n"                                                  \
	"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n"          \
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], bias: 3}\n" \
	"  c: {address: [192.0.2.3], at: [22.3, 114.2], bias: 6}\n" \
	"steer: {live.example.com: {pool: [edge], lines: 2, ttl: 5}}\n"

/* Line 1 is on a, line 2 on b; a is full when line 1 is asked again, ms after
 * line 2. */
static const char *line_1_after(int64_t ms)
{
	static struct world w;
	world_open(&w, TRIPLE);
	assert_string_equal(
		world_pick(&w, "live.example.com", "10.1.0.1"), "a");
	w.now += 5100 - ms;
	assert_string_equal(
		world_pick(&w, "line2.live.example.com", "10.1.0.1"), "b");
	w.now += ms;
	world_node(&w, "a")->used = 1.2f;
	const char *name = world_pick(&w, "live.example.com", "10.1.0.1");
	static char kept[16];
	snprintf(kept, sizeof kept, "%s", name);
	world_close(&w);
	return kept;
}

/* Asked together they are two nodes; but questions for line 2 do not keep line 1 off
 * the node that is best for it. */
static void test_lines_together(void **state)
{
	assert_string_equal(line_1_after(100), "c");
	assert_string_equal(line_1_after(2000), "b");
}

/* Another name server may have sent line 1 to what is second here: line 2 goes
 * further where it costs little more. */
static void test_second_of_another_server(void **state)
{
	struct world w;
	world_open(&w, TRIPLE);
	assert_string_equal(
		world_pick(&w, "line2.live.example.com", "10.1.0.1"), "c");
	world_close(&w);
}

/* A reload takes a node out of the pool: what was told is not told again. */
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

/* -- complaints -- */

#define PAIR                                               \
	"nodes:\n"                                         \
	"  a: {address: [192.0.2.1], at: [22.3, 114.2]}\n" \
	"  b: {address: [192.0.2.2], at: [22.3, 114.2]}\n" \
	"steer: {live.example.com: {pool: [edge], lines: 2}}\n"

/* The next note of a kind that the control thread gets. */
static struct steer_event note_of(struct world *w, enum steer_event_kind kind)
{
	struct steer_event event;
	while (events_pop(w->accounts->events, &event))
		if (event.kind == kind)
			return event;
	fail_msg("no note of kind %u", kind);
	return event;
}

static void ask_line2(struct world *w, bool proven)
{
	struct steer_decision d;
	struct steer_query q =
		world_query(w, "line2.live.example.com", "10.1.0.1");
	q.proven = proven;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
}

/* A question that can be forged does not suppress one that is proven. */
static void test_proven_complaints(void **state)
{
	struct world w;
	world_open(&w, PAIR);
	world_pick(&w, "live.example.com", "10.1.0.1");
	ask_line2(&w, false);
	assert_false(note_of(&w, EVENT_SWITCHED).proven);
	ask_line2(&w, true);
	assert_true(note_of(&w, EVENT_SWITCHED).proven);
	world_close(&w);
}

/* A player's report counts for its client net, whoever resolved the name: a player
 * is seldom in the network of its resolver. A net that was not told says nothing. */
static void test_reports(void **state)
{
	struct world w;
	struct addr resolver = {4, {198, 51, 100, 53}};
	world_open(&w, PAIR);
	struct steer_query q = world_query(&w, "live.example.com", "10.1.0.1");
	struct steer_query report = q;
	struct steer_decision d;
	q.asker = resolver;
	report.proven = true;
	steer_answer(world_state(&w), w.accounts, &q, w.now, &d);
	assert_true(note_of(&w, EVENT_SENT).asker == accounts_net(&resolver));
	assert_true(steer_report_switch(
		world_state(&w), w.accounts, &report, d.node[0], w.now));
	struct steer_event sent = note_of(&w, EVENT_SENT);
	assert_true(sent.asker == accounts_net(&report.asker));
	assert_true(sent.at_once < 0); /* viewers are not known */
	assert_true(note_of(&w, EVENT_SWITCHED).proven);

	report = world_query(&w, "live.example.com", "10.2.0.1");
	steer_report_switch(
		world_state(&w), w.accounts, &report, d.node[0], w.now);
	struct steer_event event;
	assert_true(events_pop(w.accounts->events, &event));
	assert_int_equal(event.kind, EVENT_SWITCHED);
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
		TEST(test_lines),
		TEST(test_lines_without_memory),
		TEST(test_line_remembers),
		cmocka_unit_test(test_line_avoids_older),
		TEST(test_lines_run_out),
		cmocka_unit_test(test_carrier),
		TEST(test_policy_geo),
		TEST(test_policy_failover),
		TEST(test_policy_stable),
		TEST(test_stable_ranks),
		cmocka_unit_test(test_publisher_is_remembered),
		TEST(test_answers),
		TEST(test_streams),
		TEST(test_has_stream),
		cmocka_unit_test(test_crowd_within_a_tick),
		TEST(test_budget),
		TEST(test_ttl),
		cmocka_unit_test(test_large_pool),
		cmocka_unit_test(test_order_of_a_large_pool),
		cmocka_unit_test(test_up_beyond_unknown),
		cmocka_unit_test(test_lines_beyond_candidates),
		cmocka_unit_test(test_addresses_of_a_crowd),
		cmocka_unit_test(test_equal_scores),
		cmocka_unit_test(test_stays_far),
		cmocka_unit_test(test_third_site_far),
		cmocka_unit_test(test_full_near),
		cmocka_unit_test(test_nearest_of_many_far),
		cmocka_unit_test(test_streams_gather),
		cmocka_unit_test(test_stream_looks_everywhere),
		cmocka_unit_test(test_told_far_holds),
		cmocka_unit_test(test_long_failover),
		cmocka_unit_test(test_stream_stays_in_its_pool),
		TEST(test_explain),
		TEST(test_explain_figures),
		TEST(test_stream_is_carried),
		cmocka_unit_test(test_without_memory),
		TEST(test_names),
		cmocka_unit_test(test_lines_together),
		cmocka_unit_test(test_second_of_another_server),
		cmocka_unit_test(test_told_node_leaves_the_pool),
		cmocka_unit_test(test_proven_complaints),
		cmocka_unit_test(test_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
