/* When viewers of a drained node are moved, and when that stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/moving.h"

#define BEGIN 1000000
#define WAIT 30000

static struct moving_seen well(void)
{
	return (struct moving_seen){
		.drained = true, .viewers = 300, .others = 700, .room = 1000};
}

/* A move of 10 a second that runs. */
static struct moving running(const struct moving_seen *seen)
{
	struct moving m;
	moving_begin(&m, 10, false, 0, BEGIN);
	assert_float_equal(moving_step(&m, seen, BEGIN), 10, 0);
	assert_int_equal(m.state, MOVING_RUNS);
	return m;
}

/* Who is closed before resolvers have forgotten the node would come back to it. */
static void test_waits(void **state)
{
	struct moving m;
	struct moving_seen seen = well();
	(void)state;
	moving_begin(&m, 10, false, WAIT, BEGIN);
	assert_float_equal(moving_step(&m, &seen, BEGIN + WAIT - 1), 0, 0);
	assert_int_equal(m.state, MOVING_WAITS);
	assert_float_equal(moving_step(&m, &seen, BEGIN + WAIT), 10, 0);
	assert_int_equal(m.state, MOVING_RUNS);
	assert_string_equal(m.why, "");
}

static void test_ends(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.ended = true;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 1000), 0, 0);
	assert_int_equal(m.state, MOVING_DONE);
	assert_true(moving_is_over(&m));
	seen.ended = false;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 2000), 0, 0);
	assert_int_equal(m.state, MOVING_DONE);
}

static void test_undrained(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.drained = false;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 1000), 0, 0);
	assert_int_equal(m.state, MOVING_STOPPED);
}

/* Held with less room than for ten seconds; on again with twice that. */
static void test_room(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.room = 100;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 1000), 10, 0);
	seen.room = 99;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 2000), 0, 0);
	assert_int_equal(m.state, MOVING_HELD);
	assert_string_equal(m.why, "the other nodes have no room for more");
	seen.room = 199;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 3000), 0, 0);
	seen.room = 200;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 4000), 10, 0);
	/* for the last few, room for these is enough */
	seen.viewers = 5;
	seen.room = 5;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 5000), 10, 0);
}

/* Of 100 that were moved 51 are nowhere: not before they had time to come. */
static void test_they_do_not_come(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.moved = 100;
	seen.viewers = 200;
	seen.others = 749;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 14999), 10, 0);
	struct moving other = m;
	seen.others = 750; /* half of them came */
	assert_float_equal(moving_step(&other, &seen, BEGIN + 15000), 10, 0);
	seen.others = 749;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 15000), 0, 0);
	assert_int_equal(m.state, MOVING_STOPPED);
}

/* A few say nothing. */
static void test_few(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.moved = 19;
	seen.viewers = 281;
	seen.others = 600;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 60000), 10, 0);
	seen.moved = 20;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 61000), 0, 0);
}

static void test_viewers_leave_another(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.others_left = true;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 1000), 0, 0);
	assert_int_equal(m.state, MOVING_STOPPED);
}

/* After half a minute of failures in a row. */
static void test_cannot_close(void **state)
{
	struct moving_seen seen = well();
	struct moving m = running(&seen);
	(void)state;
	seen.failures = 1;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 1000), 10, 0);
	assert_float_equal(moving_step(&m, &seen, BEGIN + 30999), 10, 0);
	seen.failures = 0;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 31000), 10, 0);
	seen.failures = 9;
	assert_float_equal(moving_step(&m, &seen, BEGIN + 32000), 10, 0);
	assert_float_equal(moving_step(&m, &seen, BEGIN + 61999), 10, 0);
	assert_float_equal(moving_step(&m, &seen, BEGIN + 62000), 0, 0);
	assert_int_equal(m.state, MOVING_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_waits),
		cmocka_unit_test(test_ends), cmocka_unit_test(test_undrained),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_they_do_not_come),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_viewers_leave_another),
		cmocka_unit_test(test_cannot_close)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
