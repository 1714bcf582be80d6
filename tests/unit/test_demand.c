/* How many viewers stand behind a client net, by the gaps between its questions. */
#include "world.h"

#include "base/rng.h"
#include "ledger/demand.h"

/* A client net that asks: its resolver's clock, and what it was answered last. */
struct asking {
	struct client client;
	struct sent seen;
	uint32_t now;
};

static struct asking begin(uint16_t ttl_s)
{
	struct asking a = {
		.now = 5000000, .seen = {.node = MAP_NO_NODE, .ttl_s = ttl_s}};
	demand_learn(&a.client, a.seen, a.now);
	a.seen.node = 3;
	a.seen.made_ms = a.now;
	return a;
}

/* The next question, so long after the last answer. */
static void ask_after(struct asking *a, float gap_s)
{
	a->now += (uint32_t)(gap_s * 1000);
	demand_learn(&a->client, a->seen, a->now);
	a->seen.made_ms = a->now;
}

static void ask_often(struct asking *a, float gap_s, unsigned n)
{
	while (n--)
		ask_after(a, gap_s);
}

/* A first question shows no rate, and not how long answers are kept. */
static void test_first_question(void **state)
{
	struct asking a = begin(10);
	(void)state;
	assert_float_equal(a.client.rate, 0, 0);
	assert_int_equal(a.client.events, 1);
	assert_int_equal(a.client.asked, client_tick(a.now));
	assert_float_equal(demand_keeps_s(&a.client), 0, 0);
}

/* The first one counts as half a minute of waiting; what is older fades by three
 * tenths with each question. A resolver does not wait while it has an answer. */
static void test_second_question(void **state)
{
	struct asking a = begin(10);
	(void)state;
	ask_after(&a, 15);
	assert_float_equal(a.client.rate, 1.7 / (0.7 * 30 + 5 + 0.05), 1e-5);
	ask_after(&a, 12);
	assert_float_equal(a.client.rate,
		(0.7 * 1.7 + 1) / (0.7 * (0.7 * 30 + 5) + 2 + 0.05), 1e-5);
	assert_int_equal(a.client.asked, client_tick(a.now));
}

/* Viewers that come one by one: the rate is found, rather too high than too low. */
static void test_rate_is_found(void **state)
{
	static const float rates[] = {0.02f, 0.1f, 0.5f, 2};
	(void)state;
	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct asking a = begin(10);
		struct rng rng = {i + 1};
		double sum = 0;
		for (unsigned n = 0; n < 2000; n++) {
			double wait =
				-log(1 - rng_unit(&rng)) / (double)rates[i];
			ask_after(&a, 10 + (float)wait);
			sum += (double)(a.client.rate / rates[i]);
		}
		assert_true(sum / 2000 > 0.9 && sum / 2000 < 1.8);
	}
}

/* A client that asks again as soon as its answer has expired, after whatever
 * TTL, has many viewers. */
static void test_never_waits(void **state)
{
	struct asking a = begin(10);
	(void)state;
	ask_often(&a, 10, 300);
	assert_int_equal(a.client.events, UINT8_MAX);
	assert_true(a.client.rate > 60);
}

/* A question within the TTL is another cache's: nothing is learned, and that the
 * client asked does not count. */
static void test_within_the_ttl(void **state)
{
	struct asking a = begin(10);
	(void)state;
	ask_often(&a, 20, 3);
	struct client before = a.client;
	a.now += 9999;
	demand_learn(&a.client, a.seen, a.now);
	assert_memory_equal(&a.client, &before, sizeof before);
	a.now += 1;
	demand_learn(&a.client, a.seen, a.now);
	assert_int_equal(a.client.events, before.events + 1);
	assert_true(a.client.rate > before.rate);
}

/* A net that was sent nowhere, since its entry is gone, begins anew. */
static void test_begins_anew(void **state)
{
	struct asking a = begin(10);
	(void)state;
	ask_often(&a, 60, 10);
	assert_true(demand_keeps_s(&a.client) > 0);
	a.seen.node = MAP_NO_NODE;
	ask_after(&a, 10);
	assert_float_equal(a.client.rate, 0, 0);
	assert_int_equal(a.client.events, 1);
	ask_often(&a, 300, 3);
	assert_float_equal(demand_keeps_s(&a.client), 0, 0);
}

/* A night without viewers counts as ten minutes: it does not hide the evening that
 * comes. */
static void test_night(void **state)
{
	struct asking ten_minutes = begin(10), night = begin(10);
	(void)state;
	ask_often(&ten_minutes, 20, 5);
	ask_often(&night, 20, 5);
	ask_after(&ten_minutes, 600);
	ask_after(&night, 36000);
	assert_float_equal(night.client.rate, ten_minutes.client.rate, 0);
	ask_after(&ten_minutes, 599);
	ask_after(&night, 600);
	assert_true(night.client.rate < ten_minutes.client.rate);
}

/* -- resolvers that keep answers longer than their TTL -- */

/* A resolver that never asks sooner than after so long keeps answers so long: it
 * is believed from the fourth question on, and up to a minute. */
static void test_keeps(void **state)
{
	static const struct {
		float gap_s, keeps_s;
	} rows[] = {{30, 30}, {0.5f, 0.5f}, {60, 60}, {70, 60}, {75, 60},
		{76, 0}, {300, 0}};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct asking a = begin(0);
		ask_often(&a, rows[i].gap_s, 2);
		assert_float_equal(demand_keeps_s(&a.client), 0, 0);
		ask_after(&a, rows[i].gap_s);
		assert_float_equal(
			demand_keeps_s(&a.client), rows[i].keeps_s, 0.07);
	}
}

/* One question that comes sooner shows that it does not; then it takes some until
 * a longer time is believed again. */
static void test_keeps_no_longer(void **state)
{
	struct asking a = begin(10);
	(void)state;
	ask_often(&a, 60, 5);
	ask_after(&a, 20);
	assert_float_equal(demand_keeps_s(&a.client), 20, 0.07);
	ask_after(&a, 60);
	assert_float_equal(demand_keeps_s(&a.client), 20 + 40 / 32.0, 0.07);
	ask_often(&a, 60, 20);
	assert_true(demand_keeps_s(&a.client) > 35 &&
		demand_keeps_s(&a.client) < 50);
}

/* While it keeps an answer it does not wait. That it does is a guess, so a little
 * of each gap counts in any case; not where the TTL itself explains it. */
static void test_waits_after_what_it_keeps(void **state)
{
	struct asking a = begin(10), b = begin(60);
	(void)state;
	ask_often(&a, 60, 60);
	ask_often(&b, 60, 60);
	assert_float_equal(a.client.g, 0.03 * 60 / (1 - 0.7), 0.01);
	assert_float_equal(b.client.g, 0, 0.01);
	assert_float_equal(a.client.rate,
		1 / (1 - 0.7) / ((double)a.client.g + 0.05), 1e-3);
}

static void test_held(void **state)
{
	(void)state;
	assert_float_equal(demand_held_s(0, 10), 10, 0);
	assert_float_equal(demand_held_s(30, 10), 30, 0);
	assert_float_equal(demand_held_s(5, 10), 10, 0);
}

/* Each line has a demand of its own. */
static void test_lines(void **state)
{
	(void)state;
	assert_true(demand_key(42, 1) == 42);
	for (unsigned line = 1; line <= CONF_LINES_MAX; line++)
		for (unsigned other = 1; other < line; other++)
			assert_true(
				demand_key(42, line) != demand_key(42, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_question),
		cmocka_unit_test(test_second_question),
		cmocka_unit_test(test_rate_is_found),
		cmocka_unit_test(test_never_waits),
		cmocka_unit_test(test_within_the_ttl),
		cmocka_unit_test(test_begins_anew),
		cmocka_unit_test(test_night),
		cmocka_unit_test(test_keeps),
		cmocka_unit_test(test_keeps_no_longer),
		cmocka_unit_test(test_waits_after_what_it_keeps),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
