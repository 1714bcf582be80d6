/* What is asked for in front of a steered name: further lines, and streams. */
#include "cities.h"

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

/* The viewer has the node it was sent to, though load has moved since. */
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

/* An edge that reported that it has the stream is taken for it while it has room, and
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_lines_without_memory),
		TEST(test_line_remembers),
		cmocka_unit_test(test_line_avoids_older),
		TEST(test_lines_run_out),
		TEST(test_streams),
		TEST(test_has_stream),
		cmocka_unit_test(test_stream_stays_in_its_pool),
		TEST(test_stream_is_carried),
		cmocka_unit_test(test_without_memory),
		TEST(test_names),
		cmocka_unit_test(test_lines_together),
		cmocka_unit_test(test_second_of_another_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
