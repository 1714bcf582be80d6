/* How many viewers a question stands for: those that wait for this answer and, when
 * the node that they were on has just failed, those that come back; and on how many
 * nodes they are put. */
#include "world.h"

#include "steer/client_estimate.h"

#define JP "10.2.0.1"
#define NAME "live.example.com"
#define SESSION_S 1000.0f

static const char nodes[] =
	"nodes:\n"
	"  jp: {address: [192.0.2.1], at: [35.7, 139.7]}\n"
	"  hk: {address: [192.0.2.2], at: [22.3, 114.2]}\n"
	"  uk: {address: [192.0.2.3], at: [51.5, -0.1]}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], lines: 3, ttl: 5}\n"
	"  geo.example.com: {pool: [edge], policy: geo, ttl: 5}\n"
	"  four.example.com: {pool: [edge], answers: 4, ttl: 5}\n"
	"  two.example.com: {pool: [edge], answers: 2, ttl: 5}\n";

static int setup(void **state)
{
	static struct world w;
	world_open(&w, nodes);
	w.load.session_s = SESSION_S;
	*state = &w;
	return 0;
}

/* Some viewers are behind the client net, and all of it is sent to the node. */
static void tell(struct world *w, const char *node)
{
	world_prefer(w, node, 2000);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(world_pick(w, NAME, JP), node);
		w->now += 25000;
	}
	world_prefer(w, node, 0);
}

/* So much of the viewers of a node that fell comes back. */
static void fall(struct world *w, const char *node, uint8_t returning)
{
	world_node(w, node)->state = NODE_DOWN;
	world_node(w, node)->returning = returning;
	w->load.any_returning = true;
	w->load.fell_ms = (uint32_t)w->now;
}

/* This thread knows how many ask, but no longer where they were sent: another name
 * server sent them. */
static void forget_sent(struct world *w)
{
	sent_table_free(w->sent);
	w->sent = w->accounts->sent = sent_table_new(4096, 7);
}

static void place(struct world *w, const char *node, float viewers)
{
	accounts_place(w->accounts, w->map->nodes[0].area,
		(unsigned)map_find_node(w->map, node), viewers,
		(uint32_t)w->now);
}

/* The viewers beside the one that waits come back: this share of half of all that
 * are behind the net. */
static void share_returns(struct world *w, unsigned line, float share)
{
	struct steer_query q = world_query(w, NAME, JP);
	struct steer_decision d;
	q.line = (uint8_t)line;
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, NULL);
	assert_true(line > 1 || d.rate > 0.01f);
	assert_float_equal(d.at_once, 1 + share * 0.5f * d.rate * SESSION_S,
		0.02f * d.at_once);
}

static void test_nobody_fell(void **state)
{
	struct world *w = *state;
	tell(w, "jp");
	share_returns(w, 1, 0);
	world_node(w, "jp")->state = NODE_DOWN;
	share_returns(w, 1, 0);
}

static void test_their_node_fell(void **state)
{
	struct world *w = *state;
	tell(w, "jp");
	fall(w, "jp", UINT8_MAX);
	share_returns(w, 1, 1);
	share_returns(w, 2, 0); /* a press is one viewer */
	world_node(w, "jp")->returning = UINT8_MAX / 5;
	share_returns(w, 1, 0.2f);
	struct steer_decision d = world_ask(w, NAME, JP);
	assert_true(d.at_once > 1 + 0.05f * d.rate * SESSION_S);
}

/* It was asked after the fall: they came with that answer. */
static void test_they_come_once(void **state)
{
	struct world *w = *state;
	tell(w, "jp");
	fall(w, "jp", UINT8_MAX);
	w->now += 1;
	world_ask(w, NAME, JP);
	w->now += 6000;
	share_returns(w, 1, 0);
}

static void test_another_node_fell(void **state)
{
	struct world *w = *state;
	tell(w, "hk");
	place(w, "hk", 1000);
	fall(w, "jp", UINT8_MAX);
	share_returns(w, 1, 0);
	/* ... where a third of the area's viewers are */
	place(w, "jp", 500);
	share_returns(w, 1, 1 / 3.0f);
	/* and their own fell too: all of them, not more */
	fall(w, "hk", UINT8_MAX);
	share_returns(w, 1, 1);
}

static void test_sent_by_another_server(void **state)
{
	struct world *w = *state;
	tell(w, "jp");
	forget_sent(w);
	fall(w, "jp", UINT8_MAX);
	share_returns(w, 1, 1); /* few were placed, and all there */
	place(w, "jp", 3000);
	place(w, "hk", 1000);
	place(w, "uk", 1000);
	share_returns(w, 1, 0.6f);
	fall(w, "hk", UINT8_MAX);
	share_returns(w, 1, 0.8f);
	fall(w, "hk", UINT8_MAX / 2);
	share_returns(w, 1, 0.7f);
}

/* No viewer of the area was placed anywhere: none comes back. */
static void test_no_viewers_of_the_area(void **state)
{
	struct world *w = *state;
	struct steer_query q = world_query(w, NAME, JP);
	struct steer_decision d;
	tell(w, "jp");
	forget_sent(w);
	memset(w->accounts->placed, 0, sizeof w->accounts->placed);
	fall(w, "jp", UINT8_MAX);
	share_returns(w, 1, 0);
	place(w, "jp", 0.5f); /* all that are there */
	share_returns(w, 1, 1);
	steer_decide(world_state(w), NULL, &q, w->now, &d, NULL);
	assert_float_equal(d.at_once, 1, 0);
}

/* Another thread has a newer map and sent line 1 from one of its new nodes to the next:
 * they are none to this thread, whichever line it is asked for. */
static void test_newer_nodes(void **state)
{
	struct world *w = *state;
	struct steer_query q = world_query(w, NAME, JP);
	struct steer_decision d;
	uint64_t key = steer_key(w->map, &q);
	for (uint16_t i = 0; i < 5; i++) {
		struct sent_lines seen;
		struct sent to = {.node = (uint16_t)(3 + i % 2),
			.before = (uint16_t)(i ? 4 - i % 2u : MAP_NO_NODE),
			.made_ms = (uint32_t)w->now,
			.ttl_s = 5,
			.types = STEER_A,
			.moved = sent_quarters((uint32_t)w->now)};
		sent_read(w->sent, key, 2, &seen);
		assert_true(sent_claim(w->sent, key, 0, &seen.sent[0], &to));
		w->now += 60000;
	}
	for (uint8_t line = 3; line > 0; line--) {
		q.line = line;
		steer_decide(world_state(w), w->accounts, &q, w->now, &d, NULL);
		assert_true(d.node[0] < 3);
		assert_int_equal(d.past.sent[0].node, MAP_NO_NODE);
		assert_int_equal(d.past.sent[0].before, MAP_NO_NODE);
		if (line > 1) {
			assert_int_equal(d.past.older[0], MAP_NO_NODE);
			assert_int_equal(d.past.older[1], MAP_NO_NODE);
		}
	}
}

/* -- nodes of one answer -- */

static struct steer_decision crowd(
	struct world *w, const char *name, int64_t ms)
{
	struct steer_decision d = {0};
	for (unsigned i = 0; i < w->map->n_nodes; i++) {
		w->node[i].per_viewer = 0;
		w->node[i].penalty_ms = 0;
	}
	world_node(w, "hk")->penalty_ms = -45; /* all cost about the same */
	world_node(w, "uk")->penalty_ms = -145;
	for (int i = 0; i < 20; i++) {
		d = world_ask(w, name, JP);
		w->now += d.ttl_s * 1000 + ms;
	}
	return d;
}

/* More than 20 viewers in an answer: it names three nodes, or as many more as the name
 * has; but not by policies that choose one. A second line is one viewer's. */
static void test_nodes_of_an_answer(void **state)
{
	struct world *w = *state;
	assert_int_equal(crowd(w, NAME, 50).n, 3);
	assert_int_equal(world_ask(w, "line2." NAME, JP).n, 1);
	assert_int_equal(crowd(w, "geo.example.com", 50).n, 1);
	assert_int_equal(crowd(w, "four.example.com", 50).n, 3); /* all */
}

/* A net is asked anew for a crowd, not for few: the edge is 20 viewers. */
static void test_edge_of_a_crowd(void **state)
{
	struct world *w = *state;
	const struct map_name *name = &w->map->names[0];
	struct client_estimate estimate = {.at_once = 1};
	static const struct {
		float demand;
		unsigned n;
		float viewers;
	} rows[] = {{0, 1, 1}, {3, 1, 16}, {3.8f, 1, 20}, {4, 3, 7}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		estimate.demand = rows[i].demand;
		estimate_answers(&estimate, name, 1);
		assert_int_equal(estimate.answers, rows[i].n);
		assert_int_equal(estimate.spread_out, rows[i].n > 1);
		assert_float_equal(estimate.viewers, rows[i].viewers, 0.001);
		estimate_answers(&estimate, name, 2);
		assert_int_equal(estimate.answers, 1);
	}
	/* A name that has two answers anyhow */
	struct map_match two;
	assert_true(map_match(w->map, "two.example.com", &two));
	estimate.demand = 3;
	estimate_answers(&estimate, &w->map->names[two.name], 1);
	assert_int_equal(estimate.answers, 2);
	assert_float_equal(estimate.viewers, 8, 0.001);
	estimate.demand = 4;
	estimate_answers(&estimate, &w->map->names[two.name], 1);
	assert_int_equal(estimate.answers, 3);
	estimate_answers(&estimate, &w->map->names[two.name], 2);
	assert_int_equal(estimate.answers, 2);
	/* A resolver that keeps answers for a minute brings more. */
	estimate.demand = 1;
	estimate.held_s = 60;
	assert_float_equal(estimate_viewers(&estimate, name), 61, 0.001);
	estimate.held_s = 3; /* less than the TTL */
	assert_float_equal(estimate_viewers(&estimate, name), 6, 0.001);
}

/* Two viewers and more in the life of an answer are a large resolver's: samples can
 * show them. */
static void test_large(void **state)
{
	struct world *w = *state;
	const struct map_name *name = &w->map->names[0];
	struct client client = {.rate = 0.39f, .events = 1};
	struct client_estimate estimate = {.client = &client};
	estimate_demand(&estimate, w->sent, name, 77);
	assert_float_equal(estimate.demand, 0.39, 0.001);
	assert_false(estimate.large);
	client.rate = 0.4f; /* 2 in 5 s */
	estimate_demand(&estimate, w->sent, name, 77);
	assert_true(estimate.large);
	client.rate = 0.1f;
	client.events = 200;
	client.held = 40 * DEMAND_HELD_UNITS; /* 4 in 40 s */
	estimate_demand(&estimate, w->sent, name, 77);
	assert_float_equal(estimate.held_s, 40, 0.001);
	assert_true(estimate.large);
	client.rate = 0;
	estimate_demand(&estimate, w->sent, name, 77);
	assert_false(estimate.large);
	assert_float_equal(estimate.held_s, 0, 0);
	estimate.client = NULL;
	estimate_demand(&estimate, w->sent, name, 77);
	assert_float_equal(estimate.demand, 0, 0);
}

/* What samples have shown of a resolver counts more than its questions do, also if it
 * is little. */
static void test_shown_by_samples(void **state)
{
	struct world *w = *state;
	const struct map_name *name = &w->map->names[0];
	struct client client = {.rate = 3, .events = 1};
	struct client_estimate estimate = {.client = &client};
	const uint64_t key = 0x123456789abcdef0;
	bool made;
	unsigned entry =
		resolver_rates_claim(w->sent->rates, key, w->now, &made);
	resolver_rates_set(w->sent->rates, entry, 0.1f);
	estimate_demand(&estimate, w->sent, name, key);
	assert_float_equal(estimate.demand, 0.1, 0);
	assert_true(estimate.large);
	/* of another one, whose mark is the same, nothing is known */
	estimate_demand(&estimate, w->sent, name, key + 1);
	assert_float_equal(estimate.demand, 3, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_fell),
		TEST(test_their_node_fell),
		TEST(test_they_come_once),
		TEST(test_another_node_fell),
		TEST(test_sent_by_another_server),
		TEST(test_no_viewers_of_the_area),
		TEST(test_newer_nodes),
		TEST(test_nodes_of_an_answer),
		TEST(test_edge_of_a_crowd),
		TEST(test_large),
		TEST(test_shown_by_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
