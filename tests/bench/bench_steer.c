/* bench_steer.c - what steering costs beside the geo lookup: `make bench-steer`.
 *
 * First the questions: one pool of 64 nodes on 32 sites, so 16 candidates each; nanoseconds
 * a question of steer_decide alone and of steer_answer.
 * "one net" is a single client net, everything in the cache; "nets" are
 * NETS of them in random order with tables as in a server, so that every
 * question goes to memory. Questions come in batches, as workers read them:
 * "prefetch" asks for the tables of a whole batch first. Filling in the
 * question is part of none of them and is shown apart.
 *
 * Then control's tenth of a second: fleet_merge of one thread and fleet_load.
 * With the word growth: how the cost of an answer grows with nodes, steered names
 * and client nets, and nothing else.
 *
 * With the word day: as many client nets as in a day, half of them IPv6, ask for line 1
 * and 25 minutes later for line 2, over one hour of it: which of them where they were
 * sent is still known, and whether line 2 is another node.
 *
 * With the word count and a kind of question (fresh, again, over, line2): asks a
 * few thousand of that kind and shows nothing; for an instrument that counts
 * what count_ask() executes, such as
 *
 *	valgrind --tool=callgrind --toggle-collect=count_ask bench_steer count again
 *
 * Runs alternate; a run's figure is that of its median batch, so that what else
 * the machine does counts less. Shown: the median of ROUNDS, least and most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "conf/conf.h"
#include "fleet/fleet.h"
#include "geo/builder.h"
#include "steer/steer.h"

#define NETS (1 << 20) /* the /24s of 16.0.0.0/4 */
#define BATCH 32
#define ROUNDS 7
#define QUESTIONS (NETS / 8) /* a run */
#define NODES 64
#define GENERATION 32768 /* questions in a tenth of a second */
#define STEP_MS 61000    /* more than a TTL */
#define TICKS 9          /* merges and loads a round */

struct bench {
	struct geo *geo;
	struct map *map;
	struct fleet *fleet;
	struct load *load;
	struct sent_table *sent;
	struct accounts *accounts;
	struct steer_state state;
	int64_t now_ms;
};

struct asked {
	uint32_t net, place;
};

static struct asked *asked; /* NETS, in random order */
static unsigned next_net;   /* the next run's first */

/* -- a world -- */

static struct addr net_addr(uint32_t net)
{
	uint32_t a = 0x10000000u | net << 8;
	return (struct addr){
		4, {(uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8)}};
}

/* A place per /16. */
static struct geo *new_geo(void)
{
	struct geo_builder *b = geo_builder_new();
	struct rng rng = {1};
	for (uint32_t net = 0; net < NETS; net += 256) {
		struct prefix p = {net_addr(net), 16};
		struct place place = {.lat = (float)(rng_unit(&rng) * 90 - 40),
			.lon = (float)(rng_unit(&rng) * 300 - 150),
			.source = PLACE_NETS};
		geo_builder_add(b, 0, &p, &place);
	}
	return geo_build(b);
}

static struct map *new_map(
	const struct geo *geo, unsigned nodes, unsigned names)
{
	struct buf text = {0};
	struct err err = {0};
	buf_printf(&text,
		"zones: {example.com: {ns: [n.x]}}\nsteer:\n"
		"  live.example.com: {pool: [edge], lines: 3}\n");
	for (unsigned i = 1; i < names; i++)
		buf_printf(&text, "  s%u.example.com: {pool: [edge]}\n", i);
	buf_printf(&text, "nodes:\n");
	for (unsigned i = 0; i < nodes; i++) {
		struct rng at = {i / 2}; /* sites of two */
		buf_printf(&text,
			"  n%u: {address: [198.18.%u.%u], site: s%u, "
			"at: [%.2f, %.2f], capacity: 100000}\n",
			i, i >> 8, i & 255, i / 2, rng_unit(&at) * 90 - 40,
			rng_unit(&at) * 300 - 150);
	}
	struct conf *conf = conf_parse("bench", text.text, text.len, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		exit(1);
	}
	struct map *map = map_build(conf, geo, 1, NULL);
	conf_free(conf);
	buf_fini(&text);
	return map;
}

/* All nodes up, between a tenth and three quarters full. */
static void sample_all(struct bench *b)
{
	struct rng rng = {3};
	for (unsigned i = 0; i < b->map->n_nodes; i++) {
		struct sample s = {.sampled_ms = b->now_ms,
			.node_ms = b->now_ms,
			.identity = 1,
			.uptime_s = 1000,
			.connections =
				(uint32_t)(10000 + rng_unit(&rng) * 65000)};
		fleet_sample(b->fleet, i, &s, b->now_ms);
	}
}

static void publish(struct bench *b)
{
	struct load *old = b->load;
	fleet_merge(b->fleet, 0, b->accounts, b->now_ms);
	b->load = fleet_load(b->fleet, b->now_ms);
	b->state.load = b->load;
	load_free(old);
}

static void bench_open(
	struct bench *b, struct geo *geo, unsigned nodes, unsigned names)
{
	struct fleet_rules rules = {.health = {5000, 2000, 2, 2}};
	*b = (struct bench){.geo = geo, .now_ms = 1000000};
	b->map = new_map(geo, nodes, names);
	b->fleet = fleet_new(&rules, b->now_ms);
	fleet_set_map(b->fleet, b->map, &rules, b->now_ms);
	for (unsigned i = 0; i < nodes; i++)
		fleet_watch(b->fleet, i, true, false);
	b->sent = sent_table_new(1 << 20, 7);
	b->accounts = accounts_new(1 << 18, b->sent, 7);
	b->state = (struct steer_state){b->map, NULL, geo};
	for (unsigned i = 0; i < 3; i++, b->now_ms += 5000)
		sample_all(b);
	publish(b);
}

static void bench_close(struct bench *b)
{
	load_free(b->load);
	fleet_free(b->fleet);
	accounts_free(b->accounts);
	sent_table_free(b->sent);
	map_free(b->map);
}

/* -- questions -- */

enum what { FILL, DECIDE, ANSWER };

/* How a pass asks. */
struct pass {
	const char *name;
	unsigned nets;
	uint8_t line;
	bool prefetch;
	unsigned step_ms; /* of one net's questions, of runs */
	unsigned names;   /* 0: one */
};

static void fill(const struct pass *pass, unsigned at, struct steer_query *q)
{
	struct asked one = asked[at % pass->nets];
	*q = (struct steer_query){.line = pass->line,
		.type = STEER_A,
		.net = net_addr(one.net),
		.net_len = 24,
		.place = one.place,
		.name = pass->names ? at % pass->names : 0};
	q->asker = q->net;
}

static void answer(const struct bench *b, const struct steer_query *q,
	const struct steer_lookup *found, int64_t now_ms,
	struct steer_decision *d)
{
	if (found)
		steer_answer_lookup(
			&b->state, b->accounts, q, found, now_ms, d);
	else
		steer_answer(&b->state, b->accounts, q, now_ms, d);
}

/* The nanoseconds that a batch takes; its decisions go to d[]. */
static int64_t ask(const struct bench *b, enum what what,
	const struct pass *pass, const struct steer_query *q,
	struct steer_decision *d)
{
	/* A single net asks again when its TTL is over. */
	int64_t step_ms = pass->nets == 1 ? pass->step_ms : 0;
	struct steer_lookup found[BATCH];
	int64_t start = clock_ns();
	if (pass->prefetch)
		for (unsigned i = 0; i < BATCH; i++)
			steer_look_up(&b->state, b->accounts, &q[i], &found[i]);
	if (pass->prefetch)
		for (unsigned i = 0; i < BATCH; i++)
			steer_prefetch(b->accounts, &found[i]);
	if (what == ANSWER) {
		for (unsigned i = 0; i < BATCH; i++)
			answer(b, &q[i], pass->prefetch ? &found[i] : NULL,
				b->now_ms + i * step_ms, &d[i]);
		return clock_ns() - start;
	}
	for (unsigned i = 0; i < BATCH; i++)
		steer_decide(&b->state, b->accounts, &q[i],
			b->now_ms + i * step_ms, &d[i], NULL);
	return clock_ns() - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Nanoseconds a question. */
static double run(struct bench *b, enum what what, const struct pass *pass)
{
	static double ns[QUESTIONS / BATCH];
	struct steer_query q[BATCH];
	struct steer_decision d[BATCH];
	for (unsigned n = 0; n < QUESTIONS; n += BATCH) {
		int64_t start = clock_ns();
		for (unsigned i = 0; i < BATCH; i++)
			fill(pass, next_net + n + i, &q[i]);
		int64_t took = clock_ns() - start;
		if (what != FILL)
			took = ask(b, what, pass, q, d);
		ns[n / BATCH] = (double)took / BATCH;
		if (pass->nets == 1)
			b->now_ms += BATCH * pass->step_ms;
		if (n % GENERATION == 0) {
			b->now_ms += 100;
			sample_all(b);
			publish(b);
		}
	}
	b->now_ms += pass->step_ms;
	sample_all(b);
	publish(b);
	if (pass->nets > 1)
		next_net += QUESTIONS;
	qsort(ns, QUESTIONS / BATCH, sizeof *ns, by_value);
	return ns[QUESTIONS / BATCH / 2];
}

static void show(double *ns)
{
	qsort(ns, ROUNDS, sizeof *ns, by_value);
	printf("  %6.1f (%5.1f-%5.1f)", ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

static void bench_questions(struct geo *geo)
{
	static const struct pass pass[] = {
		{"one net, TTL over", 1, 1, false, STEP_MS, 0},
		{"one net, within TTL", 1, 1, false, 0, 0},
		{"nets", NETS, 1, false, STEP_MS, 0},
		{"nets, prefetch", NETS, 1, true, STEP_MS, 0},
		{"nets, line 2", NETS, 2, false, STEP_MS, 0},
		{"nets, line 2, prefetch", NETS, 2, true, STEP_MS, 0},
	};
	enum { PASSES = sizeof pass / sizeof *pass };
	static double ns[PASSES][ANSWER + 1][ROUNDS];
	struct bench b;
	bench_open(&b, geo, NODES, 1);
	for (unsigned n = 0; n < NETS; n += QUESTIONS)
		run(&b, ANSWER, &pass[3]); /* fills the tables */
	for (unsigned r = 0; r < ROUNDS; r++)
		for (unsigned p = 0; p < PASSES; p++)
			for (unsigned what = FILL; what <= ANSWER; what++)
				ns[p][what][r] =
					run(&b, (enum what)what, &pass[p]);
	printf("%-23s  %-22s%-22s%-22s\n", "ns a question", "  (filling)",
		"  steer_decide", "  steer_answer");
	for (unsigned p = 0; p < PASSES; p++) {
		printf("%-23s", pass[p].name);
		for (unsigned what = FILL; what <= ANSWER; what++)
			show(ns[p][what]);
		printf("\n");
	}
	bench_close(&b);
}

/* -- control -- */

static void bench_control(struct geo *geo, unsigned nodes)
{
	static const struct pass pass = {"", NETS, 1, true, 0, 0};
	struct steer_query q[BATCH];
	struct steer_decision d[BATCH];
	double ns[ROUNDS];
	struct bench b;
	unsigned at = 0;
	bench_open(&b, geo, nodes, 1);
	for (unsigned r = 0; r < ROUNDS; r++) {
		double us[TICKS];
		for (unsigned t = 0; t < TICKS; t++) {
			for (unsigned n = 0; n < 1024; n += BATCH) {
				for (unsigned i = 0; i < BATCH; i++)
					fill(&pass, at++, &q[i]);
				ask(&b, ANSWER, &pass, q, d);
			}
			b.now_ms += 100;
			int64_t start = clock_ns();
			publish(&b);
			us[t] = (double)(clock_ns() - start) / 1000;
		}
		sample_all(&b);
		qsort(us, TICKS, sizeof *us, by_value);
		ns[r] = us[TICKS / 2];
	}
	printf("%-23u", nodes);
	show(ns);
	printf("\n");
	bench_close(&b);
}

/* -- growth -- */

static void grow(struct geo *geo, const char *of, unsigned nodes,
	unsigned names, unsigned nets)
{
	const struct pass pass = {
		"", nets, 1, true, nets > 1 ? STEP_MS : 0, names};
	double ns[ROUNDS];
	struct bench b;
	bench_open(&b, geo, nodes, names);
	next_net = 0;
	for (unsigned n = 0; n < nets; n += QUESTIONS)
		run(&b, ANSWER, &pass); /* fills the tables */
	for (unsigned r = 0; r < ROUNDS; r++)
		ns[r] = run(&b, ANSWER, &pass);
	printf("%-13s %8u", of, *of == 'n' ? nodes : *of == 's' ? names : nets);
	show(ns);
	printf("\n");
	bench_close(&b);
}

static void bench_growth(struct geo *geo)
{
	printf("ns an answer, by number of ...\n");
	for (unsigned n = 10; n <= 10000; n *= 10)
		grow(geo, "nodes", n, 1, NETS);
	for (unsigned n = 1; n <= 100000; n *= n < 10000 ? 100 : 10)
		grow(geo, "steered names", NODES, n, NETS);
	for (unsigned n = 1 << 10; n <= NETS; n <<= 5)
		grow(geo, "client nets", NODES, 1, n);
}

/* -- a day -- */

#define DAY_TABLE (1 << 20) /* client_nets that bench_open() gives */
#define HALF_HOURS 48
#define HALF_HOUR_MS 1800000
#define DAY_SAMPLE_MS 30000
#define DAY_LOOK CONF_LINES_MAX /* asks for nothing */

static struct steer_query day_query(uint32_t net, uint8_t line)
{
	struct steer_query q = {.line = line,
		.type = STEER_A,
		.net_len = net & 1 ? 48 : 24,
		.place = asked[net & (NETS - 1)].place};
	q.net.family = net & 1 ? 6 : 4;
	q.net.bytes[0] = net & 1 ? 0x20 : (uint8_t)(net >> 17);
	q.net.bytes[1] = (uint8_t)(net >> 9);
	q.net.bytes[2] = (uint8_t)(net >> 1);
	q.net.bytes[3] = net & 1 ? (uint8_t)(net >> 17) : 0;
	q.asker = q.net;
	return q;
}

static uint16_t day_ask(struct bench *b, uint32_t net, uint8_t line, bool *kept)
{
	struct steer_query q = day_query(net, line);
	struct steer_decision d;
	struct steer_lookup found;
	struct sent_lines lines;
	steer_look_up(&b->state, b->accounts, &q, &found);
	sent_read(b->sent, found.key, 1, &lines);
	*kept = lines.sent[0].node != MAP_NO_NODE;
	if (line == DAY_LOOK)
		return MAP_NO_NODE;
	steer_answer_lookup(&b->state, b->accounts, &q, &found, b->now_ms, &d);
	return d.node[0];
}

/* every: one of so many nets asks for line 2; the others are only looked up. */
static void day(struct geo *geo, uint32_t nets, unsigned every)
{
	uint32_t half = nets / HALF_HOURS, later = half / 6 * 5, known = 0,
		 apart = 0, asked_again = 0;
	uint16_t *first = mem_zero(2 * half, sizeof *first);
	int64_t sampled = 0;
	struct bench b;
	bool kept;

	bench_open(&b, geo, NODES, 1);
	int64_t start = b.now_ms;
	for (uint32_t i = 0; i < 2 * half + later; i++) {
		uint32_t old = i - later;
		bool asks = old % every == 0;
		b.now_ms = start + (int64_t)i * HALF_HOUR_MS / half;
		if (b.now_ms - sampled >= DAY_SAMPLE_MS) {
			sampled = b.now_ms;
			sample_all(&b);
			publish(&b);
		}
		if (i < 2 * half)
			first[i] = day_ask(&b, i, 1, &kept);
		if (i < later)
			continue;
		uint16_t node = day_ask(&b, old, asks ? 2 : DAY_LOOK, &kept);
		known += kept;
		asked_again += asks;
		apart += asks && node != first[old];
	}
	printf("%11u %11u %5.2f %5u  %6.1f %6.1f\n", nets, half,
		(double)half / DAY_TABLE, every, 50.0 * known / half,
		100.0 * apart / asked_again);
	free(first);
	bench_close(&b);
}

static void bench_day(struct geo *geo)
{
	static const uint32_t nets[] = {
		10000, 1000000, 10000000, 25000000, 50000000, 100000000};
	printf("nets a day, in half an hour, of the table, one of so many asks line 2; %% known, line 2 apart\n");
	for (unsigned i = 0; i < sizeof nets / sizeof *nets; i++) {
		day(geo, nets[i], 10);
		day(geo, nets[i], 1);
	}
}

/* -- counting -- */

#define COUNT_NETS 1024
#define COUNT_ROUNDS 4   /* that count, after as many that do not */
#define COUNT_SEEN_S 300 /* between two questions of a net */

/* All that a question costs beside the geo lookup. */
__attribute__((noinline)) static void count_ask(const struct bench *b,
	struct steer_query *q, unsigned n, struct steer_decision *d)
{
	struct steer_lookup found[BATCH];
	for (unsigned i = 0; i < n; i++) {
		struct addr client = q[i].net;
		steer_client(
			&q[i], &client, 128, (struct geo_leaf){q[i].place, 24});
		steer_look_up(&b->state, b->accounts, &q[i], &found[i]);
	}
	for (unsigned i = 0; i < n; i++)
		steer_prefetch(b->accounts, &found[i]);
	for (unsigned i = 0; i < n; i++)
		steer_answer_lookup(&b->state, b->accounts, &q[i], &found[i],
			b->now_ms, &d[i]);
}

__attribute__((noinline)) static void count_unseen(const struct bench *b,
	struct steer_query *q, unsigned n, struct steer_decision *d)
{
	for (unsigned i = 0; i < n; i++)
		steer_answer(&b->state, b->accounts, &q[i], b->now_ms, &d[i]);
}

static void count_round(
	struct bench *b, unsigned first, uint8_t line, bool counts)
{
	const struct pass pass = {"", NETS, line, true, 0, 0};
	for (unsigned n = 0; n < COUNT_NETS; n += BATCH) {
		struct steer_query q[BATCH];
		struct steer_decision d[BATCH];
		for (unsigned i = 0; i < BATCH; i++) {
			fill(&pass, first + n + i, &q[i]);
			q[i].asker = net_addr(i); /* few resolvers */
		}
		(counts ? count_ask : count_unseen)(b, q, BATCH, d);
	}
}

/* A net asks some times, rarely; then what counts is asked of it, or of nets
 * that never asked. */
static void bench_count(struct geo *geo, const char *kind)
{
	bool fresh = !strcmp(kind, "fresh"), over = !strcmp(kind, "over");
	uint8_t line = !strcmp(kind, "line2") ? 2 : 1;
	struct bench b;

	bench_open(&b, geo, NODES, 1);
	for (unsigned r = 0; r < 2 * COUNT_ROUNDS; r++) {
		bool counts = r >= COUNT_ROUNDS;
		if (counts && fresh)
			next_net += COUNT_NETS;
		if (!counts || over)
			b.now_ms += COUNT_SEEN_S * 1000;
		sample_all(&b);
		publish(&b);
		count_round(&b, next_net, counts ? line : 1, counts);
	}
	bench_close(&b);
}

int main(int argc, char **argv)
{
	struct geo *geo = new_geo();
	struct rng rng = {4};
	asked = mem_alloc(NETS * sizeof *asked);
	for (uint32_t i = 0; i < NETS; i++) {
		uint32_t k = (uint32_t)(rng_next(&rng) % (i + 1));
		asked[i] = asked[k];
		asked[k].net = i;
	}
	for (uint32_t i = 0; i < NETS; i++) {
		struct addr a = net_addr(asked[i].net);
		asked[i].place = geo_find(geo, &a).place;
	}
	if (argc > 1 && !strcmp(argv[1], "growth")) {
		bench_growth(geo);
		free(asked);
		geo_free(geo);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "day")) {
		bench_day(geo);
		free(asked);
		geo_free(geo);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "count")) {
		bench_count(geo, argv[2]);
		free(asked);
		geo_free(geo);
		return 0;
	}
	bench_questions(geo);
	printf("\n%-23s  us each 100 ms\n", "nodes: merge and load");
	bench_control(geo, 20);
	bench_control(geo, 1000);
	bench_control(geo, 10000);
	free(asked);
	geo_free(geo);
	return 0;
}
