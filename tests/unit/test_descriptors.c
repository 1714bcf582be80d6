/* How the descriptors of the process are shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/descriptors.h"

static unsigned sum(const struct descriptors *d)
{
	return d->own + 2 * d->polls + d->tcp + 2 * d->http + d->streams;
}

/* Whatever is configured, the shares together are never above the limit, and
 * everybody has one. */
static void test_never_more_than_there_are(void **state)
{
	static const unsigned many[] = {1, 3, 100, 5000};
	(void)state;
	for (unsigned limit = 64; limit < 1000000; limit = limit * 5 / 4)
		for (int i = 0; i < 16; i++) {
			unsigned tcp = many[i / 4] * 200;
			struct descriptors d =
				descriptors_of(limit, 20, many[i % 4], tcp);
			assert_true(sum(&d) <= limit);
			assert_true(d.own > 20 && d.tcp <= tcp);
			assert_true(d.polls && d.tcp && d.http && d.streams);
		}
}

/* Polls and DNS first. */
static void test_who_comes_first(void **state)
{
	struct descriptors d = descriptors_of(1024, 30, 6, 1000);
	(void)state;
	assert_true(d.polls >= 6 * 4);
	assert_true(d.tcp >= 450 && d.tcp > 2 * d.http);
	d = descriptors_of(65536, 30, 6, 1000);
	assert_int_equal(d.tcp, 1000);
	assert_int_equal(d.http, 512);
	assert_int_equal(d.streams, 32);
	/* a large fleet, too, leaves DNS its share */
	d = descriptors_of(1024, 30, 1000, 1000);
	assert_true(d.tcp >= 350 && d.polls >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_more_than_there_are),
		cmocka_unit_test(test_who_comes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
