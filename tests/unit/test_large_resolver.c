/* The rate of viewers behind one cache, learned from how nodes grow whose true
 * crowds are known; and the promises of answers that are replaced. */
#include "world.h"

#include <time.h>

#include "base/rng.h"
#include "fleet/large_resolver.h"

#define NODES 4
#define POLL_MS 3000
#define TABLE 16384 /* keys that are remembered */

struct crowd_of {
	uint64_t key;
	double true_rate; /* viewers/s */
	float guessed;    /* by the answering thread, until it is learned */
	unsigned held_s;
	uint16_t node[EVENT_NODES];
	int64_t next_ms; /* asks again */
};

struct scene {
	struct resolver_rates *rates;
	struct large_resolvers *large;
	struct forecast_fleet all;
	struct forecast f[NODES];
	double viewers[NODES];
	int64_t now;
	struct crowd_of one[4];
	unsigned n;
	float noise; /* of samples, viewers */
	struct rng rng;
};

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.now = 3000000,
		.rng = {3},
		.all = {.second = 3000,
			.servers = 1,
			.session_s = FORECAST_SESSION_S}};
	s.rates = resolver_rates_new(9);
	s.large = large_resolvers_new(s.rates);
	for (unsigned i = 0; i < NODES; i++) {
		s.viewers[i] = 500;
		forecast_reset(&s.f[i], 500, s.now);
	}
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	large_resolvers_free(s->large);
	resolver_rates_free(s->rates);
	return 0;
}

static struct steer_event note_of(uint64_t key, float rate, unsigned held_s)
{
	return (struct steer_event){.key = key,
		.kind = EVENT_LARGE_RESOLVER,
		.rate = rate,
		.held_s = (uint16_t)held_s,
		.node = {MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
}

static void answer(struct scene *s, const struct steer_event *event)
{
	large_resolvers_answer(s->large, event, &s->all, s->f, NODES, s->now);
}

/* As an answering thread asks: what is known counts, else what is guessed. */
static void ask(struct scene *s, const struct crowd_of *c)
{
	float known = resolver_rates_find(s->rates, c->key);
	struct steer_event event =
		note_of(c->key, known >= 0 ? known : c->guessed, c->held_s);
	memcpy(event.node, c->node, sizeof event.node);
	answer(s, &event);
}

static struct crowd_of *crowd(
	struct scene *s, double true_rate, float guessed, unsigned node)
{
	struct crowd_of *c = &s->one[s->n++];
	*c = (struct crowd_of){.key = 100 + s->n,
		.true_rate = true_rate,
		.guessed = guessed,
		.held_s = 20,
		.node = {(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE},
		.next_ms = s->now + s->n * 700};
	return c;
}

/* A sample of now, and what is to be learned from it. */
static void sample(struct scene *s, unsigned node)
{
	struct forecast *f = &s->f[node];
	int64_t before = f->at_ms;
	double off = s->noise * (2 * rng_unit(&s->rng) - 1);
	float surprise = forecast_sample(&s->all, f,
		roundf((float)(s->viewers[node] + off)), 2000, s->now);
	large_resolvers_learn(s->large, node, before - FORECAST_LAG_MS,
		s->now - FORECAST_LAG_MS, surprise);
}

static void crowd_lives(struct scene *s, struct crowd_of *c, unsigned step_ms)
{
	unsigned nodes = 0;
	if (s->now >= c->next_ms) {
		ask(s, c);
		c->next_ms = s->now + c->held_s * 1000;
	}
	while (nodes < EVENT_NODES && c->node[nodes] < NODES)
		nodes++;
	for (unsigned i = 0; i < nodes; i++)
		s->viewers[c->node[i]] += c->true_rate * step_ms / 1000 / nodes;
}

static void run(struct scene *s, unsigned seconds)
{
	for (unsigned t = 0; t < seconds * 10; t++) {
		s->now += 100;
		forecast_advance(&s->all, s->f, NODES, s->now);
		for (unsigned i = 0; i < s->n; i++)
			crowd_lives(s, &s->one[i], 100);
		for (unsigned i = 0; i < NODES; i++) {
			s->viewers[i] -=
				s->viewers[i] * 0.1 / FORECAST_SESSION_S;
			if (s->now % POLL_MS == 0)
				sample(s, i);
		}
	}
}

static float rate(const struct scene *s, const struct crowd_of *c)
{
	return resolver_rates_find(s->rates, c->key);
}

/* -- learning -- */

static void test_unknown(void **state)
{
	struct scene *s = *state;
	assert_true(resolver_rates_find(s->rates, 0) < 0);
	assert_true(resolver_rates_find(s->rates, 77) < 0);
	struct steer_event event = note_of(77, 2, 10);
	answer(s, &event);
	assert_float_equal(resolver_rates_find(s->rates, 77), 2, 0.001);
	assert_true(resolver_rates_find(s->rates, 78) < 0);
}

/* Until samples have shown something the greatest guess counts. */
static void test_guesses(void **state)
{
	struct scene *s = *state;
	static const float guess[] = {2, 3, 1}, counts[] = {2, 3, 3};
	for (unsigned i = 0; i < 3; i++) {
		struct steer_event event = note_of(77, guess[i], 10);
		answer(s, &event);
		assert_float_equal(
			resolver_rates_find(s->rates, 77), counts[i], 0.001);
	}
}

/* Ten times as many as its questions say: found within some samples. And if
 * there are fewer, that too. */
static void test_learned(void **state)
{
	struct scene *s = *state;
	struct crowd_of *c = crowd(s, 5, 0.5f, 0);
	run(s, 30);
	assert_true(rate(s, c) > 3 && rate(s, c) < 8);
	run(s, 60);
	assert_true(rate(s, c) > 4 && rate(s, c) < 6);
	c->true_rate = 0.5;
	run(s, 90);
	assert_true(rate(s, c) < 1.5f);
}

/* It is learned although its answers name several nodes. */
static void test_learned_of_several_nodes(void **state)
{
	struct scene *s = *state;
	struct crowd_of *c = crowd(s, 9, 0.5f, 0);
	c->node[1] = 1;
	c->node[2] = 2;
	run(s, 90);
	assert_true(rate(s, c) > 7 && rate(s, c) < 11);
}

/* Two on one node, one of them grows: it is found out as soon as their answers
 * do not live at the same time only. */
static void test_who_grows(void **state)
{
	struct scene *s = *state;
	struct crowd_of *small = crowd(s, 1, 1, 0);
	struct crowd_of *large = crowd(s, 1, 1, 0);
	run(s, 60);
	large->true_rate = 8;
	for (unsigned i = 0; i < 20; i++) { /* they go to and fro */
		small->node[0] = (uint16_t)(i % 2);
		large->node[0] = (uint16_t)(i / 2 % 2);
		run(s, 20);
	}
	assert_true(rate(s, large) > 5 && rate(s, large) < 11);
	assert_true(rate(s, small) < 3);
}

/* Who is at another node has nothing to do with it. */
static void test_not_those_elsewhere(void **state)
{
	struct scene *s = *state;
	struct crowd_of *here = crowd(s, 6, 1, 0);
	struct crowd_of *there = crowd(s, 1, 1, 1);
	run(s, 120);
	assert_true(rate(s, here) > 4.5f);
	assert_true(rate(s, there) < 1.5f);
}

/* The surprise of a sample belongs to answers that lived in its time: not to one
 * that came later, nor to one that had ended before. */
static void test_in_its_time(void **state)
{
	struct scene *s = *state;
	struct steer_event early = note_of(1, 1, 3), late = note_of(2, 1, 20);
	early.node[0] = late.node[0] = 0;
	answer(s, &early);
	s->now += 20000;
	answer(s, &late);
	large_resolvers_learn(s->large, 0, s->now - 10000, s->now, 50);
	assert_float_equal(resolver_rates_find(s->rates, 1), 1, 0.001);
	assert_float_equal(resolver_rates_find(s->rates, 2), 1, 0.001);
	large_resolvers_learn(s->large, 0, s->now, s->now + 3000, 30);
	assert_float_equal(resolver_rates_find(s->rates, 1), 1, 0.001);
	assert_true(resolver_rates_find(s->rates, 2) > 2);
}

static float rate_of(const struct scene *s, uint64_t key)
{
	return resolver_rates_find(s->rates, key);
}

/* An answer to a cache that names one node. */
static void answer_with(
	struct scene *s, uint64_t key, unsigned node, unsigned held_s)
{
	struct steer_event event = note_of(key, 1, held_s);
	event.node[0] = (uint16_t)node;
	answer(s, &event);
}

/* A sample of the last three seconds. */
static void learn(struct scene *s, unsigned node, float surprise)
{
	large_resolvers_learn(
		s->large, node, s->now - POLL_MS, s->now, surprise);
}

/* How much of a surprise is learned: the more, the longer the answer lived in the time
 * of the sample and the larger the node's share of it is; half of that time weighs
 * against it. */
static void test_how_much(void **state)
{
	static const struct {
		unsigned nodes;
		int64_t from_ms,
			to_ms; /* of the sample; it lives from 0 to 6000 */
		double weight; /* seconds times share */
	} rows[] = {{1, 0, 3000, 3}, {1, -2600, 400, 0.4}, {1, 5000, 8000, 1},
		{2, 0, 3000, 1.5}, {4, 1000, 4000, 0.75}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		struct steer_event event = note_of(5, 2, 6);
		for (unsigned k = 0; k < rows[i].nodes; k++)
			event.node[k] = (uint16_t)k;
		answer(s, &event);
		large_resolvers_learn(s->large, rows[i].nodes - 1,
			s->now + rows[i].from_ms, s->now + rows[i].to_ms, 20);
		double x = rows[i].weight;
		assert_float_equal(rate_of(s, 5),
			2 + 0.3 * 20 * x / (x * x + 1.5 * 1.5), 1e-3);
	}
}

/* An answer that was replaced lives no more. */
static void test_replaced_is_over(void **state)
{
	struct scene *s = *state;
	answer_with(s, 5, 0, 60);
	s->now += 1000;
	answer_with(s, 5, 1, 60);
	s->now += POLL_MS;
	learn(s, 0, 50);
	assert_float_equal(rate_of(s, 5), 1, 1e-3);
	learn(s, 1, 50);
	assert_true(rate_of(s, 5) > 4);
}

/* One that had ended before it was replaced has lived until its end. */
static void test_ended_before(void **state)
{
	struct scene *s = *state;
	int64_t begin = s->now;
	answer_with(s, 5, 0, 3);
	s->now += 20000;
	answer_with(s, 5, 1, 60);
	large_resolvers_learn(s->large, 0, begin + 5000, begin + 8000, 50);
	assert_float_equal(rate_of(s, 5), 1, 1e-3);
	large_resolvers_learn(s->large, 0, begin, begin + 3000, 50);
	assert_true(rate_of(s, 5) > 4);
}

/* Answers that name all the nodes they can tell nothing of other caches: what is
 * guessed of each goes on to count. */
static void test_guesses_of_many(void **state)
{
	struct scene *s = *state;
	for (unsigned round = 1; round <= 2; round++)
		for (uint64_t key = 1; key <= 2000; key++) {
			struct steer_event event =
				note_of(key, (float)round, 60);
			for (unsigned k = 0; k < EVENT_NODES; k++)
				event.node[k] = (uint16_t)k;
			answer(s, &event);
			assert_float_equal(rate_of(s, key), round, 1e-3);
		}
}

/* Of one that did not live meanwhile nothing is learned: guesses go on to count. */
static void test_still_guessed(void **state)
{
	struct scene *s = *state;
	answer_with(s, 1, 0, 3);
	s->now += 20000;
	answer_with(s, 2, 0, 20);
	s->now += POLL_MS;
	learn(s, 0, 5);
	struct steer_event event = note_of(1, 9, 10);
	answer(s, &event);
	assert_float_equal(rate_of(s, 1), 9, 1e-3);
	float learned = rate_of(s, 2);
	event.key = 2;
	answer(s, &event);
	assert_float_equal(rate_of(s, 2), learned, 1e-3);
}

/* Samples may be late: an answer is remembered until a minute after its end. */
static void test_late_sample(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		answer_with(s, 5, 0, 10);
		int64_t from = s->now + 10000 + 60000 + late;
		large_resolvers_learn(s->large, 0, from, from + POLL_MS, 5);
		large_resolvers_learn(
			s->large, 0, s->now, s->now + POLL_MS, 50);
		if (late)
			assert_float_equal(rate_of(s, 5), 1, 1e-3);
		else
			assert_true(rate_of(s, 5) > 4);
	}
}

/* So many answers to another cache, which take as many records. */
static void others(struct scene *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		answer_with(s, 50, 2, 20);
}

/* The record of an answer that was forgotten is another one's: that is of its own node
 * alone, and answers of the first node go on to be learned. */
static void test_record_reused(void **state)
{
	struct scene *s = *state;
	answer_with(s, 5, 0, 1);
	s->now += 70000;
	learn(s, 0, 0); /* forgets it */
	answer_with(s, 6, 0, 600);
	others(s, TABLE - 2);
	answer_with(s, 7, 1, 600); /* in the first record */
	s->now += POLL_MS;
	learn(s, 0, 10);
	assert_float_equal(rate_of(s, 7), 1, 1e-3);
	assert_float_equal(rate_of(s, 6), 1.8, 1e-3);
	learn(s, 1, 20);
	assert_float_equal(rate_of(s, 7), 2.6, 1e-3);
}

/* The same if it was forgotten between two that live, and the oldest has to make room
 * then. */
static void test_record_between_reused(void **state)
{
	struct scene *s = *state;
	answer_with(s, 5, 0, 600);
	answer_with(s, 6, 0, 1);
	answer_with(s, 7, 0, 600);
	s->now += 70000;
	learn(s, 0, 0); /* forgets that of 6 */
	others(s, TABLE - 3);
	answer_with(s, 8, 1, 600); /* instead of that of 5 */
	s->now += POLL_MS;
	learn(s, 0, 10);
	assert_float_equal(rate_of(s, 8), 1, 1e-3);
	assert_float_equal(rate_of(s, 5), 1, 1e-3);
	assert_float_equal(rate_of(s, 7), 1.8, 1e-3);
	learn(s, 1, 20);
	assert_float_equal(rate_of(s, 8), 2.6, 1e-3);
}

/* Nor does the cache whose record it was end it with its next answer. */
static void test_record_not_ended(void **state)
{
	struct scene *s = *state;
	answer_with(s, 5, 0, 600);
	s->now += 70000;
	others(s, TABLE - 1);
	answer_with(s, 7, 1, 600); /* in the record of 5 */
	answer_with(s, 5, 3, 600);
	s->now += POLL_MS;
	learn(s, 1, 20);
	assert_float_equal(rate_of(s, 7), 2.6, 1e-3);
	assert_float_equal(rate_of(s, 5), 1, 1e-3);
}

/* Noise of samples is no crowd that comes and goes. */
static void test_noise(void **state)
{
	struct scene *s = *state;
	struct crowd_of *c = crowd(s, 2, 2, 0);
	double sum = 0;
	s->noise = 15;
	run(s, 300);
	for (unsigned i = 0; i < 100; i++) {
		run(s, 3);
		assert_true(rate(s, c) < 8);
		sum += (double)rate(s, c);
	}
	assert_true(sum / 100 > 1 && sum / 100 < 3.5);
}

/* However wrong the surprise: a rate stays one. */
static void test_absurd(void **state)
{
	struct scene *s = *state;
	static const float surprises[] = {1e9f, -1e9f, 0, -1, 1e9f};
	struct steer_event event = note_of(5, 1, 60);
	event.node[0] = 0;
	answer(s, &event);
	for (unsigned i = 0; i < 5; i++) {
		large_resolvers_learn(
			s->large, 0, s->now, s->now + 3000, surprises[i]);
		float r = resolver_rates_find(s->rates, 5);
		assert_true(r > 0 && r < 10000);
	}
	large_resolvers_learn(
		s->large, 1, s->now, s->now + 3000, 10); /* nobody there */
	large_resolvers_learn(s->large, 0, s->now, s->now, 10); /* no time */
	assert_true(resolver_rates_find(s->rates, 5) < 10000);
}

/* -- promises -- */

static float promised(const struct scene *s, int64_t from_s, int64_t to_s)
{
	float sum = 0;
	for (unsigned i = 0; i < NODES; i++)
		sum += forecast_reserved(&s->all, &s->f[i],
			s->now + from_s * 1000, s->now + to_s * 1000);
	return sum;
}

static void test_promised(void **state)
{
	struct scene *s = *state;
	struct steer_event event = note_of(5, 3, 10);
	event.at_once = 6;
	event.node[0] = 0;
	event.node[1] = 1;
	event.node[2] = 2;
	answer(s, &event);
	assert_float_equal(promised(s, 0, 60), 36, 0.01);
	for (unsigned i = 0; i < 3; i++)
		assert_float_equal(forecast_reserved(&s->all, &s->f[i], s->now,
					   s->now + 60000),
			12, 0.01);
	/* of nodes that there are not, nothing */
	event.key = 6;
	event.node[0] = NODES;
	answer(s, &event);
	assert_float_equal(promised(s, 0, 60), 36, 0.01);
}

/* A later answer to the same cache replaces the earlier one, whose viewers will
 * not come any more; those that came did. */
static void test_replaced(void **state)
{
	struct scene *s = *state;
	struct steer_event event = note_of(5, 3, 20);
	event.node[0] = 0;
	answer(s, &event);
	assert_float_equal(promised(s, 0, 60), 60, 0.01);
	s->now += 5000;
	forecast_advance(&s->all, s->f, NODES, s->now);
	event.node[0] = 1;
	answer(s, &event);
	assert_float_equal(promised(s, -5, 0), 15, 0.01);
	assert_float_equal(promised(s, 0, 60), 60, 0.01);
	assert_float_equal(
		forecast_reserved(&s->all, &s->f[0], s->now, s->now + 60000), 0,
		0.01);
	/* and one that had ended is not ended twice */
	s->now += 30000;
	forecast_advance(&s->all, s->f, NODES, s->now);
	event.node[0] = 2;
	answer(s, &event);
	assert_float_equal(promised(s, 0, 60), 60, 0.01);
	assert_float_equal(promised(s, -30, 0), 60, 0.01);
}

/* All nodes of an answer are taken back when it is replaced, as many as it can name. */
static void test_replaced_of_all_nodes(void **state)
{
	struct scene *s = *state;
	struct steer_event event = note_of(5, 4, 20);
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned k = 0; k < EVENT_NODES; k++)
			event.node[k] = (uint16_t)(i % 2 ? MAP_NO_NODE : k);
		event.node[0] = 0;
		answer(s, &event);
		assert_float_equal(promised(s, 0, 60), 80, 0.01);
		assert_float_equal(forecast_reserved(&s->all, &s->f[0], s->now,
					   s->now + 60000),
			(i % 2 ? 80 : 20), 0.01);
	}
}

/* However often it is replaced, at whatever moments: the sum stays the rate. */
static void test_replaced_often(void **state)
{
	static const unsigned every_ms[] = {
		100, 300, 500, 900, 1000, 1300, 1500, 2700, 7100, 19900};
	for (unsigned i = 0; i < sizeof every_ms / sizeof *every_ms; i++) {
		struct scene *s = *state;
		struct steer_event event = note_of(5, 3, 20);
		teardown(state);
		setup(state);
		for (unsigned ms = 0; ms < 60000; ms += 100) {
			s->now += 100;
			forecast_advance(&s->all, s->f, NODES, s->now);
			if (ms % every_ms[i])
				continue;
			event.node[0] = (uint16_t)(ms / every_ms[i] % NODES);
			answer(s, &event);
			assert_true(promised(s, 0, 60) < 61);
			assert_true(promised(s, 0, 60) > 57);
		}
		assert_float_equal(promised(s, -50, 0), 150, 3);
		for (unsigned k = 0; k < NODES; k++)
			for (int64_t t = -60; t < 60; t++)
				assert_true(forecast_reserved(&s->all, &s->f[k],
						    s->now + t * 1000,
						    s->now + t * 1000 + 1000) >
					-0.01f);
	}
}

/* More answers live than there are records: nothing breaks, and no promise is
 * taken back that belongs to another crowd. */
static void test_many_answers(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 50000; i++) {
		struct steer_event event = note_of(i % 20000, 0.01f, 60);
		for (unsigned k = 0; k < 3; k++)
			event.node[k] = (uint16_t)((i + k) % NODES);
		answer(s, &event);
		if (i % 1000 == 0)
			sample(s, i / 1000 % NODES);
	}
	for (int64_t t = 0; t < 60; t++)
		assert_true(promised(s, t, t + 1) >= -0.01f);
	assert_true(promised(s, 0, 60) <= 50000 * 0.61f);
}

/* Rings that are full of notes at every merge do not hold up control: a hundred
 * thousand answers, also of nodes that are never sampled. */
static void test_flood_of_answers(void **state)
{
	struct scene *s = *state;
	clock_t begin = clock();
	for (unsigned i = 0; i < 100000; i++) {
		struct steer_event event = note_of(i, 1, 10);
		for (unsigned k = 0; k < 3; k++)
			event.node[k] = (uint16_t)((i + k) % NODES);
		answer(s, &event);
	}
	assert_true(clock() - begin < CLOCKS_PER_SEC);
}

/* -- the table -- */

/* Full: the oldest goes. */
static void test_table_full(void **state)
{
	struct scene *s = *state;
	unsigned old = 0, new = 0;
	for (uint64_t key = 1; key <= 2 * TABLE; key++) {
		struct steer_event event = note_of(key, 1, 10);
		s->now += 1;
		answer(s, &event);
	}
	for (uint64_t key = 1; key <= TABLE; key++) {
		old += resolver_rates_find(s->rates, key) >= 0;
		new += resolver_rates_find(s->rates, TABLE + key) >= 0;
	}
	assert_true(new > TABLE * 3 / 4);
	assert_true(old + new <= TABLE);
}

/* One that asks again and again stays, however many others come. */
static void test_regular_stays(void **state)
{
	struct scene *s = *state;
	for (uint64_t key = 1000; key < 1000 + 4 * TABLE; key++) {
		struct steer_event event = note_of(key, 1, 10);
		s->now += 1;
		answer(s, &event);
		if (key % 1024 == 0) {
			event.key = 7;
			answer(s, &event);
		}
		if (key > 1024)
			assert_true(resolver_rates_find(s->rates, 7) >= 0);
	}
}

/* After ten minutes without a question what was learned of it is nothing. */
static void test_forgotten(void **state)
{
	struct scene *s = *state;
	struct steer_event event = note_of(5, 1, 20);
	event.node[0] = 0;
	answer(s, &event);
	large_resolvers_learn(s->large, 0, s->now, s->now + 3000, 100);
	float learned = resolver_rates_find(s->rates, 5);
	assert_true(learned > 5);
	s->now += 590000;
	answer(s, &event);
	assert_float_equal(resolver_rates_find(s->rates, 5), learned, 0.001);
	s->now += 610000;
	answer(s, &event);
	assert_float_equal(resolver_rates_find(s->rates, 5), 1, 0.001);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown),
		TEST(test_guesses),
		TEST(test_learned),
		TEST(test_learned_of_several_nodes),
		TEST(test_who_grows),
		TEST(test_not_those_elsewhere),
		TEST(test_in_its_time),
		TEST(test_how_much),
		TEST(test_replaced_is_over),
		TEST(test_ended_before),
		TEST(test_guesses_of_many),
		TEST(test_still_guessed),
		TEST(test_late_sample),
		TEST(test_record_reused),
		TEST(test_record_between_reused),
		TEST(test_record_not_ended),
		TEST(test_noise),
		TEST(test_absurd),
		TEST(test_promised),
		TEST(test_replaced),
		TEST(test_replaced_of_all_nodes),
		TEST(test_replaced_often),
		TEST(test_many_answers),
		TEST(test_flood_of_answers),
		TEST(test_table_full),
		TEST(test_regular_stays),
		TEST(test_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
