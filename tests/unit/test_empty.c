/* A node that serves nobody, although viewers are sent there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/empty.h"

#define STEP_MS 3000

static int64_t now;

/* Samples of a node that gains 10 viewers each time, as many as are sent. */
static void fill(struct empty *e, int n)
{
	for (int i = 1; i <= n; i++) {
		now += STEP_MS;
		empty_sample(e, 10.0f * (float)i, 10, 10, now);
	}
}

/* Connections gone, and nobody comes who was sent: it costs more within a few
 * samples; after a while it is tried with few. */
static void test_serves_nobody(void **state)
{
	struct empty e = {0};
	(void)state;
	fill(&e, 40);
	assert_true(empty_cost_ms(&e, now) == 0);
	for (int i = 0; i < 7; i++) {
		now += STEP_MS;
		empty_sample(&e, 3, 3, 0, now);
	}
	assert_true(empty_cost_ms(&e, now) > 100);
	now += 61000;
	empty_sample(&e, 3, 0, 0, now);
	assert_true(empty_cost_ms(&e, now) == 0);
	for (int i = 0; i < 2; i++) {
		now += STEP_MS;
		empty_sample(&e, 3, 3, 0, now);
	}
	assert_true(empty_cost_ms(&e, now) > 100);
	now += STEP_MS;
	empty_sample(&e, 8, 5, 5, now); /* they come again */
	assert_true(empty_cost_ms(&e, now) == 0);
}

/* A class has ended: connections are gone, but who is sent comes. */
static void test_class_has_ended(void **state)
{
	struct empty e = {0};
	float viewers = 10;
	(void)state;
	fill(&e, 40);
	for (int i = 0; i < 30; i++) {
		viewers += 2;
		now += STEP_MS;
		empty_sample(&e, viewers, 2, 2, now);
		assert_true(empty_cost_ms(&e, now) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves_nobody),
		cmocka_unit_test(test_class_has_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
