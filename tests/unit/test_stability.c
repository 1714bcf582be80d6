/* Grades of stability over minutes and hours, and what they do to publishers. */
#include "world.h"

#include "fleet/stability.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* Polls of every three seconds, all answered in rtt_ms. */
static int64_t well(struct stability *s, int64_t now, int64_t ms, float rtt_ms)
{
	for (int64_t end = now + ms; now < end; now += 3 * SECOND)
		stability_answered(s, rtt_ms, now);
	return now;
}

static void test_well(void **state)
{
	struct stability s = {0};
	int64_t now = well(&s, 1000000, HOUR, 23);
	assert_float_equal(stability_cost_ms(&s, now), 0, 0);
	assert_float_equal(s.rtt_ms, 23, 0.1);
	assert_float_equal(s.jitter_ms, 0, 0.1);
	/* one lost question is an accident */
	stability_missed(&s, now);
	assert_float_equal(stability_cost_ms(&s, now), 0, 0);
}

/* What is lost counts, and is forgotten slower than it was noticed. */
static void test_lost(void **state)
{
	struct stability s = {0};
	int64_t now = well(&s, 1000000, HOUR, 23);
	for (int i = 0; i < 100; i++, now += 3 * SECOND)
		if (i % 10)
			stability_answered(&s, 23, now);
		else
			stability_missed(&s, now);
	float bad = stability_cost_ms(&s, now);
	assert_true(bad >= STABILITY_STEP_MS);
	assert_true(s.lost > 0.03f && s.lost_long < 0.01f);
	now = well(&s, now, 2 * MINUTE, 23);
	assert_true(stability_cost_ms(&s, now) > 0);
	now = well(&s, now, 3 * HOUR, 23);
	assert_float_equal(stability_cost_ms(&s, now), 0, 0);
}

static void test_jitter(void **state)
{
	struct stability calm = {0}, wild = {0};
	int64_t now = 1000000;
	for (int i = 0; i < 400; i++, now += 3 * SECOND) {
		stability_answered(&calm, 60, now);
		stability_answered(&wild, i % 2 ? 20 : 100, now);
	}
	assert_float_equal(calm.rtt_ms, wild.rtt_ms, 2);
	assert_true(wild.jitter_ms > 30);
	assert_float_equal(stability_cost_ms(&calm, now), 0, 0);
	assert_true(stability_cost_ms(&wild, now) > 0);
	/* probes tell whether, not how long */
	stability_answered(&calm, -1, now);
	assert_float_equal(calm.rtt_ms, 60, 0.1);
}

/* A link that has become slower than it was for hours. */
static void test_slower(void **state)
{
	struct stability s = {0};
	int64_t now = well(&s, 1000000, 6 * HOUR, 40);
	assert_float_equal(stability_cost_ms(&s, now), 0, 0);
	now = well(&s, now, 10 * MINUTE, 140);
	assert_true(stability_cost_ms(&s, now) > 0);
}

static bool at_the_back(struct stability *s, int64_t now)
{
	return stability_cost_ms(s, now) >= STABILITY_BACK_MS;
}

/* The time at the back doubles with every fall, and is forgotten in a day. */
static void test_flaps(void **state)
{
	struct stability s = {0};
	int64_t now = well(&s, 1000000, HOUR, 23);
	for (int64_t back = MINUTE; back <= 4 * MINUTE; back *= 2) {
		stability_event(&s, STABILITY_DOWN, 1, now);
		assert_true(at_the_back(&s, now));
		assert_true(at_the_back(&s, now + back - SECOND));
		now += back;
		assert_false(at_the_back(&s, now));
		assert_true(stability_cost_ms(&s, now) > 0);
	}
	for (int i = 0; i < 20; i++)
		stability_event(&s, STABILITY_DOWN, 1, now);
	assert_true(at_the_back(&s, now + 5 * HOUR));
	assert_false(at_the_back(&s, now + 7 * HOUR));
	now = well(&s, now, 48 * HOUR, 23);
	stability_event(&s, STABILITY_DOWN, 1, now);
	assert_false(at_the_back(&s, now + MINUTE));
}

/* One teacher with a bad line of his own is not the relay's fault. */
static void test_dropped(void **state)
{
	struct stability one = {0}, all = {0};
	int64_t now = 1000000;
	stability_event(&one, STABILITY_DROPPED, 0.1f, now);
	stability_event(&one, STABILITY_DROPPED, 0.1f, now);
	assert_float_equal(stability_cost_ms(&one, now), 0, 0);
	for (int i = 0; i < 10; i++)
		stability_event(&all, STABILITY_DROPPED, 0.1f, now);
	assert_true(stability_cost_ms(&all, now) > 0);
}

static void test_restart_of_dnsd(void **state)
{
	struct stability s = {0};
	int64_t now = well(&s, 90 * (int64_t)HOUR, HOUR, 23);
	stability_event(&s, STABILITY_DOWN, 1, now);
	float cost = stability_cost_ms(&s, now);
	/* another clock; 20 s later by the wall's */
	struct stability kept =
		stability_restored(&s, now, 20 * SECOND, 5000000);
	assert_float_equal(stability_cost_ms(&kept, 5000000), cost, 0);
	assert_true(at_the_back(&kept, 5000000 + 39 * SECOND));
	assert_false(at_the_back(&kept, 5000000 + 41 * SECOND));
	/* a day later */
	kept = stability_restored(&s, now, 48 * (int64_t)HOUR, 5000000);
	assert_false(at_the_back(&kept, 5000000));
	assert_true(kept.events[STABILITY_DOWN] < 0.01f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_well),
		cmocka_unit_test(test_lost), cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_slower), cmocka_unit_test(test_flaps),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_restart_of_dnsd)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
