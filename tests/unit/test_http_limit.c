/* How many requests a client of HTTP may make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/limits.h"

static struct limits *limits;

static unsigned allowed(const char *text, unsigned requests, int64_t now_ms)
{
	struct addr a;
	unsigned n = 0;
	assert_true(addr_parse(&a, text));
	while (requests--)
		n += limits_allow(limits, &a, now_ms);
	return n;
}

static void test_burst_and_rate(void **state)
{
	(void)state;
	limits = limits_new(1);
	assert_int_equal(allowed("192.0.2.1", 1000, 0), LIMIT_BURST);
	assert_int_equal(allowed("192.0.2.2", 1000, 0), LIMIT_BURST);
	assert_int_equal(allowed("192.0.2.1", 1000, 500), LIMIT_PER_S / 2);
	limits_free(limits);
}

/* All addresses of a /64 are one client. */
static void test_ipv6(void **state)
{
	(void)state;
	limits = limits_new(1);
	struct addr a;
	unsigned n = 0;
	assert_true(addr_parse(&a, "2001:db8::"));
	for (unsigned i = 0; i < 1500; i++) {
		a.bytes[15] = (uint8_t)i;
		a.bytes[9] = (uint8_t)(i >> 8);
		n += limits_allow(limits, &a, 0);
	}
	assert_int_equal(n, LIMIT_BURST);
	assert_int_equal(allowed("2001:db8:0:1::1", 1, 0), 1);
	limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_ipv6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
