/* What a node really carries: full below its bandwidth, or serving nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/limit.h"

#define STEP_MS 3000
#define ONE_BPS 1e6f

static int64_t now;

/* Samples of a node that gains `more` viewers each time, up to `n` samples; of
 * its bits no more than `holds` viewers take get through. */
static float fill(
	struct limit *l, float viewers, float more, int n, float holds)
{
	for (int i = 0; i < n; i++) {
		viewers += more;
		float sends = viewers < holds ? viewers : holds;
		now += STEP_MS;
		limit_sample(l, viewers, sends * ONE_BPS, more, more, now);
	}
	return viewers;
}

/* It is found out soon after it is full, at what it held then. */
static void test_full_below_its_bandwidth(void **state)
{
	struct limit l = {0};
	(void)state;
	fill(&l, 0, 10, 40, 1000);
	assert_true(l.viewers == 0);
	fill(&l, 400, 10, 20, 450);
	assert_true(l.viewers > 400 && l.viewers < 480);
}

/* What it sends beyond its limit was none: it is forgotten. */
static void test_limit_was_none(void **state)
{
	struct limit l = {0};
	(void)state;
	float viewers = fill(&l, 0, 10, 60, 400);
	assert_true(l.viewers > 0 && l.viewers < 450);
	fill(&l, viewers, 10, 5, 10000);
	assert_true(l.viewers == 0);
}

/* A node with room is not limited, however long it stays as it is. */
static void test_steady(void **state)
{
	struct limit l = {0};
	(void)state;
	float viewers = fill(&l, 0, 10, 40, 1000);
	for (int i = 0; i < 200; i++)
		fill(&l, viewers, i % 2 ? 3 : -3, 1, 1000);
	assert_true(l.viewers == 0);
}

/* It empties and fills again: no limit is where it was emptiest. */
static void test_evening_after_evening(void **state)
{
	struct limit l = {0};
	(void)state;
	for (int i = 0; i < 6; i++) {
		float viewers = fill(&l, 0, 20, 50, 2000);
		fill(&l, viewers, -40, 20, 2000);
		assert_true(l.viewers == 0);
	}
}

/* Other streams with fewer bits are no limit. */
static void test_other_streams(void **state)
{
	struct limit l = {0};
	(void)state;
	float viewers = fill(&l, 0, 10, 40, 1000);
	for (int i = 0; i < 40; i++) {
		viewers += 5;
		now += STEP_MS;
		limit_sample(&l, viewers, viewers * ONE_BPS / 2, 5, 5, now);
	}
	assert_true(l.viewers == 0);
}

/* Below its limit it may take a little more each time. */
static void test_limit_is_tried(void **state)
{
	struct limit l = {0};
	(void)state;
	fill(&l, 0, 10, 60, 400);
	float limit = l.viewers;
	assert_true(limit > 0);
	fill(&l, 300, 0, 50, 400);
	assert_true(l.viewers > 1.3f * limit);
}

/* Connections gone, and nobody comes who was sent: it costs more within a few
 * samples; after a while it is tried with few. */
static void test_serves_nobody(void **state)
{
	struct limit l = {0};
	(void)state;
	fill(&l, 0, 10, 40, 1000);
	assert_true(limit_cost_ms(&l, now) == 0);
	for (int i = 0; i < 7; i++) {
		now += STEP_MS;
		limit_sample(&l, 3, 3 * ONE_BPS, 3, 0, now);
	}
	assert_true(limit_cost_ms(&l, now) > 100);
	now += 61000;
	limit_sample(&l, 3, 3 * ONE_BPS, 0, 0, now);
	assert_true(limit_cost_ms(&l, now) == 0);
	for (int i = 0; i < 2; i++) {
		now += STEP_MS;
		limit_sample(&l, 3, 3 * ONE_BPS, 3, 0, now);
	}
	assert_true(limit_cost_ms(&l, now) > 100);
	now += STEP_MS;
	limit_sample(&l, 8, 8 * ONE_BPS, 5, 5, now); /* they come again */
	assert_true(limit_cost_ms(&l, now) == 0);
}

/* A class has ended: connections are gone, but who is sent comes. */
static void test_class_has_ended(void **state)
{
	struct limit l = {0};
	float viewers = 10;
	(void)state;
	fill(&l, 0, 10, 40, 1000);
	for (int i = 0; i < 30; i++) {
		viewers += 2;
		now += STEP_MS;
		limit_sample(&l, viewers, viewers * ONE_BPS, 2, 2, now);
		assert_true(limit_cost_ms(&l, now) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_below_its_bandwidth),
		cmocka_unit_test(test_limit_was_none),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_evening_after_evening),
		cmocka_unit_test(test_other_streams),
		cmocka_unit_test(test_limit_is_tried),
		cmocka_unit_test(test_serves_nobody),
		cmocka_unit_test(test_class_has_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
