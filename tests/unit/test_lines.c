/* The nodes of further lines (docs/steering.md, "Lines"): what is never taken, and by
 * how many milliseconds a node is dearer to a line since somebody may be there. */
#include "world.h"

#include "steer/decide_internal.h"

#define CLIENT "10.1.0.1"
#define NEVER 1000.0f     /* a node that is not taken at any such cost */
#define FAR_MS 5000.0f    /* not taken for what it costs by itself */
#define DRAW_MS 6.0f      /* the hash of net and node moves a score so much */
#define AFTER_TTL_MS 6000 /* the name's is 5 s */

/* All at one place. b and b2 are one site, a and p one provider; the others have
 * each their own site and none has a provider. */
static const char nodes[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], site: a, provider: p1}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], site: b}\n"
	"  c: {address: [192.0.2.3], at: [22.3, 114.2], site: c}\n"
	"  d: {address: [192.0.2.4], at: [22.3, 114.2], site: d}\n"
	"  e: {address: [192.0.2.5], at: [22.3, 114.2], site: e}\n"
	"  f: {address: [192.0.2.6], at: [22.3, 114.2], site: f}\n"
	"  b2: {address: [192.0.2.7], at: [22.3, 114.2], site: b}\n"
	"  p: {address: [192.0.2.8], at: [22.3, 114.2], site: p, provider: p1}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], lines: 4, ttl: 5}\n"
	"  two.example.com: {pool: [edge], lines: 3, ttl: 5, answers: 2}\n"
	"  kept.example.com: {pool: [edge], lines: 4, ttl: 60}\n";

/* Whether a list of names that blanks part has the node's. */
static bool is_among(const struct world *w, unsigned node, const char *names)
{
	const char *name = w->map->nodes[node].name;
	size_t n = strlen(name);
	for (const char *at = names; *at;
		at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == n && !memcmp(at, name, n))
			return true;
	return false;
}

/* What a node costs beside its path, which is the same for all. */
static void cost(struct world *w, const char *node, float ms)
{
	world_node(w, node)->penalty_ms = ms;
}

/* Line 1 of the client is sent to the node. */
static void tell(struct world *w, const char *node)
{
	world_prefer(w, node, FAR_MS);
	assert_string_equal(world_pick(w, "live.example.com", CLIENT), node);
	w->now += AFTER_TTL_MS;
}

/* Viewers of the client's area are placed on these nodes, as many on each. */
static void place(struct world *w, const char *names, float viewers)
{
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		if (is_among(w, i, names))
			accounts_place(w->accounts, w->map->nodes[i].area, i,
				viewers, (uint32_t)w->now);
}

/* By how many ms `at` may be cheaper than c until line 2 takes it. Line 1 is best
 * at a. before() is what happened, in a world of so many name servers; then the area's
 * viewers are at `crowd`. */
static float extra_ms(unsigned servers, const char *at,
	void (*before)(struct world *), const char *crowd)
{
	float least = 0, most = NEVER;
	while (most - least > 0.5f) {
		struct world w;
		float gap = (least + most) / 2;
		world_open(&w, nodes);
		w.map->servers = servers;
		before(&w);
		place(&w, crowd, 10000);
		world_prefer(&w, "a", FAR_MS);
		cost(&w, at, 20);
		cost(&w, "c", 20 + gap);
		const char *name =
			world_pick(&w, "line2.live.example.com", CLIENT);
		assert_true(!strcmp(name, at) || !strcmp(name, "c"));
		if (!strcmp(name, at))
			most = gap;
		else
			least = gap;
		world_close(&w);
	}
	return most;
}

static void nothing(struct world *w)
{
	(void)w;
}

static void told_a(struct world *w)
{
	tell(w, "a");
}

static void told_b_then_a(struct world *w)
{
	tell(w, "b");
	tell(w, "a");
}

static void told_b_a_minute_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 60000;
}

static void told_b_5_minutes_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 300000;
}

static void told_b_28_minutes_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 28 * 60000;
}

/* It is on a since 40 minutes, and asks now and then. */
static void told_b_40_minutes_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 20 * 60000;
	tell(w, "a");
	w->now += 20 * 60000;
}

static void told_b_2_minutes_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 120000 - AFTER_TTL_MS;
}

static void told_b_30_minutes_ago(struct world *w)
{
	told_b_then_a(w);
	w->now += 20 * 60000 - AFTER_TTL_MS;
	tell(w, "a");
	w->now += 10 * 60000 - AFTER_TTL_MS;
}

static void told_a_40_minutes_ago(struct world *w)
{
	tell(w, "a");
	w->now += 40 * 60000;
}

static void told_b_then_d_then_a(struct world *w)
{
	tell(w, "b");
	tell(w, "d");
	tell(w, "a");
	w->now += 300000;
}

static void told_b_then_d_e_a(struct world *w)
{
	tell(w, "b");
	tell(w, "d");
	tell(w, "e");
	tell(w, "a");
	w->now += 300000;
}

static void told_b_then_d_e_f_a(struct world *w)
{
	tell(w, "b");
	tell(w, "d");
	tell(w, "e");
	tell(w, "f");
	tell(w, "a");
	w->now += 300000;
}

static void told_d_then_a(struct world *w)
{
	tell(w, "d");
	tell(w, "a");
	w->now += 300000;
}

static void told_a_another_told_b(struct world *w)
{
	told_a(w);
	place(w, "b", 1);
}

/* What line 2 pays for nodes where viewers of the net, or of its area, may be. */
static void test_costs(void **state)
{
	static const struct {
		const char *why;
		void (*before)(struct world *);
		unsigned servers;
		const char *at, *crowd;
		float ms;
	} rows[] = {
		{"second for line 1, which was not asked", nothing, 1, "b", "f",
			25},
		{"where line 1 was is forgotten", told_a_40_minutes_ago, 1, "b",
			"f", 25},
		{"line 1 was asked", told_a, 1, "b", "f", 0},
		{"in the provider of line 1", told_a, 1, "p", "f", 15},
		{"where line 1 was a minute ago", told_b_a_minute_ago, 1, "b",
			"f", NEVER},
		{"5 minutes ago", told_b_5_minutes_ago, 1, "b", "f", 25},
		{"2 minutes ago", told_b_2_minutes_ago, 1, "b", "f", 25},
		{"30 minutes ago", told_b_30_minutes_ago, 1, "b", "f", 25},
		{"28 minutes ago", told_b_28_minutes_ago, 1, "b", "f", 25},
		{"40 minutes ago", told_b_40_minutes_ago, 1, "b", "f", 0},
		{"two nodes ago", told_b_then_d_then_a, 1, "b", "f", 25},
		{"three nodes ago", told_b_then_d_e_a, 1, "b", "f", 25},
		{"four nodes ago", told_b_then_d_e_f_a, 1, "b", "f", 0},
		{"the area is here, of the net nothing is known", nothing, 1,
			"b", "b", 150 + 60 + 25},
		{"a quarter if the net was sent elsewhere", told_a, 1, "b", "b",
			0.25f * (150 + 60)},
		{"unless another name server may have sent it", told_a, 2, "b",
			"b", 150 + 60},
		{"or it was moved", told_d_then_a, 1, "b", "b", 150 + 60},
		{"30 minutes ago, to here", told_b_30_minutes_ago, 1, "b", "b",
			150 + 60 + 25},
		{"but not if that is long ago", told_b_40_minutes_ago, 1, "b",
			"b", 0.25f * (150 + 60)},
		{"the area is on this site", told_a, 2, "b", "b2", 60},
		{"half of it is here, half on the site", told_a, 2, "b", "b b2",
			75 + 60},
		{"one of two viewers is here: few say less",
			told_a_another_told_b, 2, "b", "", (150 + 60) / 3.0f},
		{"half of it is here", told_a, 2, "b", "a b", 75 + 30},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		float ms = extra_ms(rows[i].servers, rows[i].at, rows[i].before,
			rows[i].crowd);
		if (fabsf(ms - rows[i].ms) > DRAW_MS)
			fail_msg("%s: %.1f ms, not %.1f", rows[i].why,
				(double)ms, (double)rows[i].ms);
	}
}

/* -- what is never taken, while there is another -- */

static void keep_up(struct world *w, const char *names)
{
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].state = is_among(w, i, names) ? NODE_UP : NODE_DOWN;
}

static void picks(
	struct world *w, const char *name, unsigned line, const char *node)
{
	struct steer_query q = world_query(w, name, CLIENT);
	struct steer_decision d;
	q.line = (uint8_t)line;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	const char *got = w->map->nodes[d.node[0]].name;
	if (strcmp(got, node))
		fail_msg("line %u: %s, not %s", line, got, node);
}

static int open_nodes(void **state)
{
	static struct world w;
	world_open(&w, nodes);
	*state = &w;
	return 0;
}

/* A line that is back where it was before counts once: a node of that provider costs
 * 15 ms more, not 30. */
static void test_back_again(void **state)
{
	struct world *w = *state;
	tell(w, "p");
	tell(w, "d");
	world_prefer(w, "p", FAR_MS);
	cost(w, "a", 20);
	cost(w, "c", 20 + 22);
	picks(w, "live.example.com", 2, "a");
	w->now += AFTER_TTL_MS;
	cost(w, "c", 20 + 8);
	picks(w, "live.example.com", 2, "c");
}

/* When all nodes have a line, the next line begins with that of line 1: players go
 * 1, 2, 3, 1, and it is longest since the viewer was there. */
static void test_round(void **state)
{
	struct world *w = *state;
	keep_up(w, "c d e");
	world_prefer(w, "c", FAR_MS);
	cost(w, "d", 100);
	cost(w, "e", 200);
	picks(w, "kept.example.com", 1, "c");
	cost(w, "c", 300); /* its TTL runs */
	picks(w, "kept.example.com", 2, "d");
	picks(w, "kept.example.com", 3, "e");
	picks(w, "kept.example.com", 4, "c");
}

/* A second address of line 1's answer is not line 2's, as a client may use it; but
 * rather that than the first one. */
static void test_further_addresses(void **state)
{
	struct world *w = *state;
	keep_up(w, "a b c");
	world_prefer(w, "a", FAR_MS);
	cost(w, "b", 1);
	picks(w, "two.example.com", 1, "a");
	picks(w, "two.example.com", 2, "c");
	w->now += AFTER_TTL_MS;
	keep_up(w, "a b");
	picks(w, "two.example.com", 1, "a");
	picks(w, "two.example.com", 2, "b");
}

/* The node where the viewer was before is worse than another one of a site that has
 * a line: the picture there was bad. */
static void test_site_before_node(void **state)
{
	struct world *w = *state;
	keep_up(w, "b b2");
	tell(w, "b");
	picks(w, "live.example.com", 2, "b2");
	keep_up(w, "b b2 c");
	world_prefer(w, "b", FAR_MS);
	cost(w, "c", 500);
	w->now += AFTER_TTL_MS;
	picks(w, "live.example.com", 2, "c");
}

/* In a pool of two, line 2 is where the viewer is not, though line 1 would be sent
 * there now; when where it was sent is forgotten, it is where line 1 is not. A third
 * node that is up is better than both. */
static void test_two_nodes(void **state)
{
	struct world *w = *state;
	keep_up(w, "a b");
	tell(w, "a");
	world_prefer(w, "b", FAR_MS);
	picks(w, "live.example.com", 2, "b");
	keep_up(w, "a b c");
	w->now += AFTER_TTL_MS;
	picks(w, "live.example.com", 2, "c");
	keep_up(w, "a b");
	w->now += 40 * 60000;
	picks(w, "live.example.com", 2, "a");
}

/* Lines that are asked together in any order: line 1 keeps off line 2's node more
 * than off line 3's, as the viewer presses for line 2 first. */
static void test_later_lines(void **state)
{
	struct world *w = *state;
	keep_up(w, "a b c");
	world_prefer(w, "a", FAR_MS);
	cost(w, "b", 40);
	cost(w, "c", 100);
	picks(w, "live.example.com", 2, "b");
	picks(w, "live.example.com", 3, "c");
	keep_up(w, "b c");
	picks(w, "live.example.com", 1, "c");
}

/* Where line 2 was sent holds for its TTL, also when line 1 has come to its site
 * meanwhile; not when it has come to its node. */
static void test_promise(void **state)
{
	struct world *w = *state;
	keep_up(w, "a b b2 c");
	world_prefer(w, "a", FAR_MS);
	cost(w, "b", 100);
	cost(w, "b2", 200);
	cost(w, "c", 300);
	picks(w, "kept.example.com", 1, "a");
	w->now += 30000;
	picks(w, "kept.example.com", 2, "b");
	w->now += 20000;
	keep_up(w, "b b2 c");
	cost(w, "b", 200);
	cost(w, "b2", 100);
	picks(w, "kept.example.com", 1, "b2");
	picks(w, "kept.example.com", 2, "b");
	keep_up(w, "b c");
	picks(w, "kept.example.com", 1, "c"); /* asked with line 2: apart */
	w->now += 5000;
	cost(w, "b", 0);
	keep_up(w, "b");
	picks(w, "kept.example.com", 1, "b");
	keep_up(w, "b c");
	picks(w, "kept.example.com", 2, "c");
}

/* A node where line 1 was long ago costs line 1 nothing, asked together with line 2. */
static void test_line_1_goes_back(void **state)
{
	struct world *w = *state;
	tell(w, "b");
	tell(w, "a");
	w->now += 300000;
	keep_up(w, "a b c d");
	world_prefer(w, "a", FAR_MS);
	cost(w, "b", 20);
	cost(w, "c", 35);
	cost(w, "d", 30);
	picks(w, "live.example.com", 2, "d");
	keep_up(w, "b c d");
	picks(w, "live.example.com", 1, "b");
}

/* As many lines as there may be, of as many addresses each: all are different nodes, and
 * when there are no more, the first ones come again. */
static void test_most_lines(void **state)
{
	struct world w;
	char yaml[4000];
	(void)state;
	for (unsigned of = 12; of <= 20; of += 8) {
		int n = snprintf(yaml, sizeof yaml, "nodes:\n");
		for (unsigned i = 0; i < of; i++)
			n += snprintf(yaml + n, sizeof yaml - (size_t)n,
				"  n%u: {address: [192.0.2.%u], at: [22.3, 114.2]}\n",
				i, i + 1);
		snprintf(yaml + n, sizeof yaml - (size_t)n,
			"steer: {most.example.com: "
			"{pool: [edge], lines: 16, ttl: 5, answers: 8}}\n");
		world_open(&w, yaml);
		bool had[20] = {false};
		for (unsigned line = 1; line <= 16; line++) {
			struct steer_query q =
				world_query(&w, "most.example.com", CLIENT);
			struct steer_decision d;
			q.line = (uint8_t)line;
			steer_decide(
				world_state(&w), NULL, &q, w.now, &d, NULL);
			if (line <= of) {
				if (had[d.node[0]])
					fail_msg("line %u of %u", line, of);
			}
			assert_int_equal(d.only, line > of);
			had[d.node[0]] = true;
		}
		world_close(&w);
	}
}

/* Beyond the nearest nodes a provider of an earlier line costs as much. The nearest of
 * other sites are down: else what is beyond is not looked at. */
static void test_provider_far(void **state)
{
	struct world w;
	char yaml[8000];
	int n = snprintf(yaml, sizeof yaml, "nodes:\n");
	(void)state;
	for (int i = 0; i < 40; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  n%d: {address: [192.0.2.%d], at: [22.3, 114.2], "
			"site: hk, provider: p}\n",
			i, i + 1);
	for (int i = 0; i < MAP_CANDIDATES; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			"  mid%d: {address: [192.0.2.%d], at: [13.7, 100.5]}\n",
			i, i + 51);
	snprintf(yaml + n, sizeof yaml - (size_t)n,
		"  far1: {address: [192.0.2.98], at: [51.5, -0.1], provider: p}\n"
		"  far2: {address: [192.0.2.99], at: [51.5, -0.1], bias: 8}\n"
		"steer: {live.example.com: {pool: [edge], lines: 2}}\n");
	world_open(&w, yaml);
	for (int i = 0; i < MAP_CANDIDATES; i++)
		w.node[40 + i].state = NODE_DOWN;
	world_pick(&w, "live.example.com", CLIENT);
	picks(&w, "live.example.com", 2, "far2");
	world_close(&w);
}

/* What stands behind the end of the list is no third node, and is left as it is. */
static void test_behind_the_end(void **state)
{
	struct world *w = *state;
	enum { A, C = 2 };
	struct steer_query q = world_query(w, "line2.live.example.com", CLIENT);
	const struct sent none = sent_get(NULL);
	struct sent_lines past = {.lines = 2,
		.sent = {{A, MAP_NO_NODE, (uint32_t)w->now, 5, 0, 0}, none},
		.older = {MAP_NO_NODE, MAP_NO_NODE}};
	struct had had = {.n = 1, .node = {A}, .kind = {CONFLICT_NOW}};
	struct decision_ctx ctx = {.query = q, .past = &past};
	struct steer_lookup lookup;
	lookup_question(world_state(w), &q, &lookup);
	ctx.state = &w->state;
	ctx.accounts = w->accounts;
	ctx.name = lookup.name;
	ctx.pool = lookup.pool;
	ctx.estimate.now = (uint32_t)w->now;
	ctx.area = w->map->nodes[A].area;
	ctx.softness_ms = COST_TEMPERATURE_MS;
	ctx.candidates.n = 2;
	ctx.candidates.best_state = NODE_UP;
	ctx.candidates.at[0] = (struct scored){.node = A, .state = NODE_UP};
	ctx.candidates.at[1] = (struct scored){.node = C, .state = NODE_UP};
	ctx.candidates.at[2] = (struct scored){.node = A,
		.state = NODE_UP,
		.score = 1,
		.alone = 2,
		.there = 3};
	struct scored behind = ctx.candidates.at[2];
	place(w, "a c d", 1000);
	lines_keep_apart(&ctx, &had);
	assert_int_equal(ctx.candidates.at[0].conflict, CONFLICT_HERE);
	assert_memory_equal(&ctx.candidates.at[2], &behind, sizeof behind);
	/* half of the area's viewers are on each of the two */
	assert_float_equal(
		ctx.candidates.at[1].there, 0.25 * 75 + 0.25 * 60, 0.5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_nodes, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs),
		TEST(test_back_again),
		TEST(test_round),
		TEST(test_further_addresses),
		TEST(test_site_before_node),
		TEST(test_two_nodes),
		TEST(test_behind_the_end),
		TEST(test_later_lines),
		TEST(test_promise),
		TEST(test_line_1_goes_back),
		cmocka_unit_test(test_most_lines),
		cmocka_unit_test(test_provider_far),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
