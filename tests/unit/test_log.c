/* What fails again and again is said once, when it changes, when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#define POLL_MS 3000
#define DAY_MS 86400000

static void test_said_once(void **state)
{
	struct log_fault fault = {0};
	unsigned said = 0;
	(void)state;
	for (int64_t now = 0; now < DAY_MS; now += POLL_MS)
		said += log_failed(&fault, "HTTP 404", now);
	assert_int_equal(said, 1);
	assert_int_equal(fault.times, DAY_MS / POLL_MS);
}

static void test_change_of_the_reason(void **state)
{
	struct log_fault fault = {0};
	(void)state;
	assert_true(log_failed(&fault, "HTTP 404", 0));
	/* soon after a line it waits, but is not forgotten */
	assert_false(log_failed(&fault, "HTTP 500", POLL_MS));
	assert_true(log_failed(&fault, "HTTP 500", LOG_QUIET_MS));
	assert_false(log_failed(&fault, "HTTP 500", 3 * LOG_QUIET_MS));
	assert_true(log_failed(&fault, "HTTP 404", 4 * LOG_QUIET_MS));
}

static void test_over(void **state)
{
	struct log_fault fault = {0};
	(void)state;
	assert_false(log_mended(&fault, 0));
	assert_true(log_failed(&fault, "refused", 0));
	assert_false(log_mended(&fault, POLL_MS));
	assert_true(log_mended(&fault, LOG_QUIET_MS));
	assert_false(log_mended(&fault, 2 * LOG_QUIET_MS));
	/* the same reason is news again */
	assert_true(log_failed(&fault, "refused", 2 * LOG_QUIET_MS));
}

/* A day of failing each second time is one line. */
static void test_by_turns(void **state)
{
	struct log_fault fault = {0};
	unsigned said = 0;
	(void)state;
	for (int64_t now = 0; now < DAY_MS; now += 2 * POLL_MS) {
		said += log_failed(&fault, "refused", now);
		said += log_mended(&fault, now + POLL_MS);
	}
	assert_int_equal(said, 1);
}

/* So many lines a second, and the next one tells how many were left out. */
static void test_limit(void **state)
{
	struct log_limit limit = {0};
	unsigned held = 0, said = 0, held_sum = 0;
	(void)state;
	for (int64_t now = 0; now < 10000; now++)
		if (log_allowed(&limit, now, 200, &held)) {
			said++;
			held_sum += held;
		}
	assert_int_equal(said, 10 * 200);
	assert_int_equal(held_sum, 9 * 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said_once),
		cmocka_unit_test(test_change_of_the_reason),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_by_turns),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
