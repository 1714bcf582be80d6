/* A decision in words. */
#include "cities.h"

#include "paths/paths.h"
#include "steer/explain.h"

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
	assert_non_null(strstr(line, "pick jp1, ttl 30 s, scope /20"));
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
	world_node(w, "hk1")->penalty_ms = 3000; /* the last, though near */
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

/* Whose network it is, if that is known. */
static void test_explain_network(void **state)
{
	struct world *w = *state;
	char line[EXPLAIN_LINE_MAX];
	struct steer_query q =
		world_query(w, "live.example.com", "10.4.0.0/24");
	explain_client(&w->state, &q, line);
	assert_string_equal(
		line, "client 10.4.0.0/20 at 31.20,121.50 -- AS4134 (nets)");
	q = world_query(w, "live.example.com", "10.3.0.0/24");
	explain_client(&w->state, &q, line);
	assert_string_equal(
		line, "client 10.3.0.0/20 at 51.50,-0.10 -- (nets)");
}

/* What is said of a node's path, for a client in Tokyo. */
static void check_path(struct world *w, const char *node, const char *want)
{
	struct steer_query q =
		world_query(w, "live.example.com", "10.2.0.0/24");
	struct steer_decision d;
	struct steer_trace trace;
	char line[EXPLAIN_LINE_MAX];
	steer_decide(world_state(w), w->accounts, &q, w->now, &d, &trace);
	explain_candidate(&w->state, traced(w, &trace, node), line);
	if (!strstr(line, want))
		fail_msg("no %s in: %s", want, line);
}

/* What a path rests on: what was measured of it and when, on others of its area, or on
 * the distance alone. */
static void test_explain_paths(void **state)
{
	struct world w;
	struct paths *paths = paths_new();
	(void)state;
	world_open(&w,
		"nodes:\n"
		"  hk: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"  jp: {address: [192.0.2.2], at: [35.7, 139.7]}\n"
		"  no: {address: [192.0.2.3]}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	check_path(&w, "jp", "(distance)");
	struct steer_query q =
		world_query(&w, "live.example.com", "10.2.0.0/24");
	struct path_report report = {.place = *geo_place(w.geo, q.place),
		.node = (unsigned)map_find_node(w.map, "jp"),
		.rtt_ms = 30,
		.viewers = 4,
		.by = PATH_BY_NODE};
	paths_set_map(paths, w.map);
	for (report.net = 1; report.net <= 3; report.net++)
		assert_true(paths_report(paths, &report, w.now));
	paths_fit(paths, w.now);
	struct path_table *table = paths_table(paths);
	struct map *measured = map_with_paths(w.map, table);
	w.state.map = measured;
	w.now += 7000;
	check_path(&w, "jp", "(3 networks 7 s ago, loss 0.0 %)");
	check_path(&w, "hk", "(other paths)");
	check_path(&w, "no", "(distance)");
	map_free(measured);
	path_table_free(table);
	paths_free(paths);
	world_close(&w);
}

/* Four nodes whose names are so long, and as many of them as the answer has. */
static void pick_of_long_names(const unsigned *length, char *line)
{
	struct world w;
	struct steer_decision d = {.n = 4, .only = true};
	struct steer_trace trace = {.kept = true};
	char yaml[2000];
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	for (int i = 0; i < 4; i++) {
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  %c%0*d: {address: [192.0.2.%d], at: [1, 1]}\n",
			'a' + i, (int)length[i] - 1, 0, i + 1);
		d.node[i] = (uint16_t)i;
	}
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"steer: {live.example.com: {pool: [edge]}}\n");
	world_open(&w, yaml);
	explain_pick(&w.state, &d, &trace, 20, line);
	world_close(&w);
}

/* Names are left out from 150 letters on; what else finds no room is cut off. */
static void test_explain_many(void **state)
{
	static const unsigned whole[] = {47, 47, 47, 5},
			      less[] = {47, 47, 46, 5},
			      longest[] = {63, 63, 63, 63};
	char line[2 * EXPLAIN_LINE_MAX] = "";
	(void)state;
	pick_of_long_names(whole, line);
	assert_non_null(strstr(line, ", c0"));
	assert_null(strstr(line, ", d0"));
	pick_of_long_names(less, line);
	assert_non_null(strstr(line, ", d0000, ttl 0 s, scope /20"));
	memset(line, '#', sizeof line);
	pick_of_long_names(longest, line);
	assert_int_equal(strlen(line), EXPLAIN_LINE_MAX - 1);
	assert_int_equal(line[EXPLAIN_LINE_MAX], '#');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_explain),
		TEST(test_explain_figures),
		TEST(test_explain_network),
		cmocka_unit_test(test_explain_paths),
		cmocka_unit_test(test_explain_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
