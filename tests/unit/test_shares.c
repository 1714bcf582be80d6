/* Who gives way when something is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/shares.h"

static struct addr peer(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static void test_client_nets(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {{"192.0.2.1", "192.0.2.254", true},
		{"192.0.2.1", "192.0.3.1", false},
		{"2001:db8::1", "2001:db8::ffff:0:0:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"32.1.13.184", "2001:db8::", false}};
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct addr a = peer(pairs[i].a), b = peer(pairs[i].b);
		a = shares_net(&a);
		b = shares_net(&b);
		assert_int_equal(addr_equal(&a, &b), pairs[i].same);
	}
}

/* One net takes all there is; what others hold stays theirs. */
static void test_largest_gives_way(void **state)
{
	struct shares *s = shares_new(7);
	struct addr flood = peer("198.51.100.1"), other = peer("192.0.2.1");
	struct share many[100] = {0}, one = {0};
	(void)state;
	assert_null(shares_largest(s));
	shares_hold(s, &one, &other, 1);
	assert_ptr_equal(shares_largest(s), &one);
	for (int i = 0; i < 100; i++)
		shares_hold(s, &many[i], &flood, 1);
	assert_int_equal(shares_sum(s), 101);
	shares_use(s, &many[0]);
	for (int i = 1; i < 100; i++) {
		assert_ptr_equal(shares_largest(s), &many[i]);
		shares_hold(s, &many[i], &flood, 0);
	}
	/* both hold one: the other's was of use longer ago */
	assert_ptr_equal(shares_largest(s), &one);
	shares_use(s, &one);
	assert_ptr_equal(shares_largest(s), &many[0]);
	shares_hold(s, &one, &other, 0);
	shares_hold(s, &many[0], &flood, 0);
	shares_free(s);
}

static void test_amounts(void **state)
{
	struct shares *s = shares_new(7);
	struct addr a = peer("192.0.2.1"), b = peer("2001:db8::1");
	struct share x = {0}, y = {0}, z = {0};
	(void)state;
	shares_hold(s, &x, &a, 1000);
	shares_hold(s, &y, &b, 600);
	shares_hold(s, &z, &b, 600);
	assert_ptr_equal(shares_largest(s), &y);
	shares_hold(s, &y, &b, 100);
	assert_ptr_equal(shares_largest(s), &x);
	assert_int_equal(shares_sum(s), 1700);
	shares_hold(s, &x, &a, 0);
	shares_hold(s, &x, &a, 0);
	shares_hold(s, &y, &b, 0);
	shares_hold(s, &z, &b, 0);
	assert_int_equal(shares_sum(s), 0);
	shares_free(s);
}

/* Against sums made the slow way, over as many nets as holders. */
static void test_against_the_slow_way(void **state)
{
	enum { N = 400 };
	static struct share share[N];
	static struct addr of[N];
	struct rng rng = {3};
	struct shares *s = shares_new(9);
	(void)state;
	for (int i = 0; i < N; i++) {
		uint64_t net = rng_next(&rng) % 150;
		of[i] = (struct addr){.family = net % 2 ? 4 : 6};
		memcpy(of[i].bytes + (net % 2), &net, 2);
	}
	for (int step = 0; step < 40000; step++) {
		unsigned i = (unsigned)(rng_next(&rng) % N);
		if (rng_next(&rng) % 3)
			shares_hold(
				s, &share[i], &of[i], rng_next(&rng) % 4 * 100);
		else
			shares_use(s, &share[i]);
		size_t sum = 0, most = 0, largest = 0;
		const struct share *first = shares_largest(s);
		for (unsigned k = 0; step % 100 == 0 && k < N; k++) {
			size_t of_net = 0;
			struct addr net = shares_net(&of[k]);
			for (unsigned m = 0; m < N; m++) {
				struct addr other = shares_net(&of[m]);
				if (addr_equal(&net, &other))
					of_net += share[m].amount;
			}
			sum += share[k].amount;
			most = of_net > most ? of_net : most;
			if (first == &share[k])
				largest = of_net;
		}
		if (step % 100 == 0) {
			assert_int_equal(shares_sum(s), sum);
			assert_int_equal(largest, most);
		}
	}
	for (int i = 0; i < N; i++)
		shares_hold(s, &share[i], &of[i], 0);
	assert_null(shares_largest(s));
	shares_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_nets),
		cmocka_unit_test(test_largest_gives_way),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_against_the_slow_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
