/* Response rate limiting: what counts, how it decays, and that networks do not touch each
 * other. The clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "base/rng.h"
#include "ledger/rrl.h"
#include "memory.h"
#include "paths/report.h"

#define START_MS 1000000

static struct rrl_table *table;

static int setup(void **state)
{
	table = rrl_table_new(0x1234567890abcdefu);
	return 0;
}

static int teardown(void **state)
{
	rrl_table_free(table);
	return 0;
}

static struct addr v4(uint32_t bits)
{
	struct addr a = {4, {0}};
	for (int i = 0; i < 4; i++)
		a.bytes[i] = (uint8_t)(bits >> (24 - 8 * i));
	return a;
}

static struct addr parsed(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

/* How many of n answers at one time pass. */
static unsigned passed(
	const struct addr *peer, unsigned rate, unsigned n, int64_t now_ms)
{
	unsigned pass = 0;
	for (unsigned i = 0; i < n; i++)
		pass += rrl_passes(table, peer, rrl_cost(rate), now_ms);
	return pass;
}

/* One second's worth at once, and what has decayed since. */
static void test_decay(void **state)
{
	struct addr a = parsed("192.0.2.1");
	int64_t now = START_MS;
	assert_int_equal(passed(&a, 1000, 5000, now), 1000);
	assert_int_equal(passed(&a, 1000, 5000, now), 0);
	assert_int_equal(passed(&a, 1000, 5000, now + 1), 1);
	assert_int_equal(passed(&a, 1000, 5000, now + 100), 99);
	assert_int_equal(passed(&a, 1000, 5000, now + 600), 500);
	/* and never more than one second's worth */
	assert_int_equal(passed(&a, 1000, 5000, now + 100000), 1000);
}

/* Whatever the rate: exactly that many, at once and in each second after. */
static void test_rates(void **state)
{
	static const unsigned rates[] = {1, 2, 3, 7, 50, 333, 1000, 99999};
	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct addr a = v4(0x0a000000 + (i << 8));
		unsigned more = 2 * rates[i] + 10;
		for (unsigned s = 0; s < 4; s++) {
			unsigned got =
				passed(&a, rates[i], more, START_MS + s * 1000);
			assert_in_range(
				got, rates[i], rates[i] + rates[i] / 10000);
		}
	}
	assert_int_equal(rrl_cost(0), 0);
	assert_true(rrl_cost(RRL_RATE_MAX) > 0);
}

/* What is refused does not count: at ten times the rate a tenth passes, for ever, and
 * there is no penalty when it is over. */
static void test_refused_is_not_counted(void **state)
{
	struct addr a = parsed("192.0.2.1");
	unsigned pass = 0;
	for (int64_t ms = 0; ms < 10000; ms++)
		pass += passed(&a, 1000, 10, START_MS + ms);
	assert_in_range(pass, 10990, 11000);
	/* half the rate */
	pass = 0;
	for (int64_t ms = 10002; ms < 11000; ms += 2)
		pass += passed(&a, 1000, 1, START_MS + ms);
	assert_int_equal(pass, 499);
}

/* Another rate after a reload: what was counted stays in proportion. */
static void test_other_rate(void **state)
{
	struct addr a = parsed("192.0.2.1");
	assert_int_equal(passed(&a, 1000, 500, START_MS), 500);
	assert_int_equal(passed(&a, 100, 500, START_MS), 50);
	assert_int_equal(passed(&a, 1000, 500, START_MS), 0);
	assert_int_equal(passed(&a, 1000, 500, START_MS + 500), 500);
}

/* Neighbours share a counter, others do not: /24 and /48. */
static void test_networks(void **state)
{
	struct addr a = parsed("192.0.2.1"), b = parsed("192.0.2.255");
	struct addr c = parsed("192.0.3.1");
	assert_int_equal(passed(&a, 10, 10, START_MS), 10);
	assert_int_equal(passed(&b, 10, 10, START_MS), 0);
	assert_int_equal(passed(&c, 10, 10, START_MS), 10);
	a = parsed("2001:db8:1::1");
	b = parsed("2001:db8:1:ffff::2");
	c = parsed("2001:db8:2::1");
	assert_int_equal(passed(&a, 10, 10, START_MS), 10);
	assert_int_equal(passed(&b, 10, 10, START_MS), 0);
	assert_int_equal(passed(&c, 10, 10, START_MS), 10);
}

/* Floods of many networks, far more than the table has room for, and at the same time
 * those that ask a little: of these not one is ever limited, in any world. */
static void test_floods_touch_nobody_else(void **state)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct rng rng = {seed};
		rrl_table_free(table);
		table = rrl_table_new(rng_next(&rng));
		for (unsigned i = 0; i < 400000; i++) {
			/* 1000 networks at 20 times the rate and more */
			uint32_t flood = 0x14000000 +
				((uint32_t)rng_next(&rng) % 1000 << 8);
			struct addr a = v4(flood);
			int64_t now = START_MS + i / 200;
			rrl_passes(table, &a, rrl_cost(10), now);
			/* each of 100,000 once in half a second at most */
			a = v4(0x40000000 + (i % 100000 << 8));
			assert_true(rrl_passes(table, &a, rrl_cost(10), now));
		}
	}
}

/* The other way round: networks without number, each with one question, push no flood
 * out of the table, for that has the highest counter of its bucket. */
static void test_no_flood_escapes(void **state)
{
	enum { FLOODS = 500, RATE = 100 };
	struct rng rng = {3};
	unsigned pass[FLOODS] = {0};
	for (unsigned i = 0; i < 2000000; i++) {
		int64_t now = START_MS + i / 200; /* ten seconds */
		unsigned f = (unsigned)rng_next(&rng) % FLOODS;
		struct addr a = v4(0x14000000 + (f << 8));
		pass[f] += rrl_passes(table, &a, rrl_cost(RATE), now);
		a = v4((uint32_t)rng_next(&rng) | 0x80000000);
		rrl_passes(table, &a, rrl_cost(RATE), now);
	}
	for (unsigned f = 0; f < FLOODS; f++)
		assert_in_range(pass[f], 0, RATE * 11 + RATE / 10);
}

/* Floods of 8192 networks at once, and which of them passed again after all of them had
 * had their answer. */
enum { MANY = 8192 };
static unsigned escaped(uint64_t secret, bool *escapes)
{
	unsigned n = 0;
	rrl_table_free(table);
	table = rrl_table_new(secret);
	for (uint32_t i = 0; i < 2 * MANY; i++) {
		struct addr a = v4(0x14000000 + (i % MANY << 8));
		escapes[i % MANY] =
			rrl_passes(table, &a, rrl_cost(1), START_MS);
	}
	for (unsigned i = 0; i < MANY; i++)
		n += escapes[i];
	return n;
}

/* Those alone that share a bucket with more than two others, and which do is a matter of
 * the secret. */
static void test_buckets(void **state)
{
	static bool some[MANY], others[MANY];
	unsigned both = 0, n = escaped(11, some);
	assert_in_range(n, 1, MANY / 20);
	assert_int_equal(escaped(11, others), n);
	assert_memory_equal(some, others, sizeof some);
	assert_in_range(escaped(12, others), 1, MANY / 20);
	for (unsigned i = 0; i < MANY; i++)
		both += some[i] && others[i];
	assert_in_range(both, 0, n / 4);
}

/* Its memory does not grow, and is all given back. */
static void test_memory(void **state)
{
	size_t pages = memory_of_pages(), heap = memory_of_heap();
	for (uint32_t i = 0; i < 1000000; i++) {
		struct addr a = v4(i << 8);
		rrl_passes(table, &a, rrl_cost(10), START_MS + i);
	}
	for (int i = 0; i < 40; i++)
		rrl_table_free(rrl_table_new(1));
	rrl_table_free(NULL);
	assert_true(memory_of_heap() < heap + 1000);
	assert_true(memory_of_pages() < pages + 1000000);
}

/* What is said: each network once, until it was quiet for a while. */
static void test_begun(void **state)
{
	struct addr a = parsed("192.0.2.1"), b = parsed("2001:db8:1::1");
	char text[PREFIX_TEXT_MAX];
	uint64_t net;
	int64_t now = START_MS;

	assert_int_equal(passed(&a, 10, 10, now), 10);
	assert_int_equal(rrl_begun(table, &net), 0);
	passed(&a, 10, 20, now);
	assert_int_equal(rrl_begun(table, &net), 1);
	struct prefix p = path_net_prefix(net);
	assert_string_equal(prefix_text(&p, text), "192.0.2.0/24");
	for (int i = 0; i < 5; i++)
		passed(&a, 10, 20, now += RRL_QUIET_S * 1000);
	assert_int_equal(rrl_begun(table, &net), 0);
	now += (RRL_QUIET_S + 1) * 1000;
	passed(&a, 10, 20, now);
	passed(&b, 10, 20, now);
	assert_int_equal(rrl_begun(table, &net), 2);
	p = path_net_prefix(net);
	assert_string_equal(prefix_text(&p, text), "2001:db8:1::/48");
	assert_int_equal(rrl_begun(table, &net), 0);
	/* each of them, also where another was limited just now */
	for (uint32_t i = 0; i < 100000; i++) {
		a = v4(0x14000000 + (i << 8));
		passed(&a, 1, 2, now);
	}
	assert_int_equal(rrl_begun(table, &net), 100000);
}

/* -- threads -- */

#define THREADS 4
static void *flood(void *arg)
{
	struct addr a = parsed("192.0.2.1");
	unsigned *pass = arg;
	for (unsigned i = 0; i < 100000; i++)
		*pass += rrl_passes(table, &a, rrl_cost(5000), START_MS);
	return NULL;
}

/* Threads together let pass no more, and no less, than one would. */
static void test_threads(void **state)
{
	pthread_t thread[THREADS];
	unsigned pass[THREADS] = {0}, sum = 0;
	uint64_t net;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, flood, &pass[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum += pass[i];
	}
	/* while the first answer is counted others do not wait for it */
	assert_in_range(sum, 5000, 5000 + THREADS);
	assert_int_equal(rrl_begun(table, &net), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		TEST(test_decay),
		TEST(test_rates),
		TEST(test_refused_is_not_counted),
		TEST(test_other_rate),
		TEST(test_networks),
		TEST(test_floods_touch_nobody_else),
		TEST(test_no_flood_escapes),
		TEST(test_buckets),
		TEST(test_memory),
		TEST(test_begun),
		TEST(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
