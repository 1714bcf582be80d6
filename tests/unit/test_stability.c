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

/* -- how much is too much -- */

static float grade_of(struct stability s)
{
	s.faded_ms = MINUTE;
	return stability_cost_ms(&s, MINUTE) / STABILITY_STEP_MS;
}

/* What makes a node of the first grade, and what does not yet. */
static void test_first_grade(void **state)
{
	(void)state;
	assert_float_equal(grade_of((struct stability){.lost = 0.0199f}), 0, 0);
	assert_float_equal(grade_of((struct stability){.lost = 0.0201f}), 1, 0);
	assert_float_equal(
		grade_of((struct stability){.lost_long = 0.0049f}), 0, 0);
	assert_float_equal(
		grade_of((struct stability){.lost_long = 0.0051f}), 1, 0);
	assert_float_equal(
		grade_of((struct stability){.jitter_ms = 19.9f}), 0, 0);
	assert_float_equal(
		grade_of((struct stability){.jitter_ms = 20.1f}), 1, 0);
	assert_float_equal(grade_of((struct stability){
				   .rtt_ms = 129.9f, .rtt_long_ms = 100}),
		0, 0);
	assert_float_equal(grade_of((struct stability){
				   .rtt_ms = 130.1f, .rtt_long_ms = 100}),
		1, 0);
	/* Less jitter than is free, or quicker than usual, makes up for nothing. */
	assert_float_equal(
		grade_of((struct stability){
			.lost = 0.0201f, .rtt_ms = 10, .rtt_long_ms = 100}),
		1, 0);
	/* They add up. */
	assert_float_equal(grade_of((struct stability){
				   .lost = 0.011f, .jitter_ms = 15.1f}),
		1, 0);
}

/* A third of the publishers dropped, half a restart, a quarter of a fall make the
 * first grade; four times as much the second, twelve times the third, the last. */
static void test_grades(void **state)
{
	static const float one[STABILITY_EVENTS] = {
		[STABILITY_DROPPED] = 1 / 3.0f,
		[STABILITY_RESTARTED] = 0.5f,
		[STABILITY_DOWN] = 0.25f};
	static const struct {
		float times, grade;
	} rows[] = {{0.99f, 0}, {1.01f, 1}, {3.99f, 1}, {4.01f, 2}, {11.9f, 2},
		{12.1f, 3}, {100, 3}};
	(void)state;
	for (unsigned i = 0; i < STABILITY_EVENTS; i++)
		for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
			struct stability s = {0};
			s.events[i] = one[i] * rows[k].times;
			assert_float_equal(grade_of(s), rows[k].grade, 0);
		}
}

/* A grade ends when only half is left of what it began with: with events that is
 * six hours later. */
static void test_grade_ends(void **state)
{
	struct stability s = {0};
	(void)state;
	stability_event(&s, STABILITY_RESTARTED, 2.001f, HOUR);
	assert_float_equal(
		stability_cost_ms(&s, HOUR), 2 * STABILITY_STEP_MS, 0);
	assert_float_equal(
		stability_cost_ms(&s, 7 * HOUR), 2 * STABILITY_STEP_MS, 0);
	assert_float_equal(stability_cost_ms(&s, 7 * HOUR + 2 * MINUTE),
		STABILITY_STEP_MS, 0);
	assert_float_equal(stability_cost_ms(&s, 19 * (int64_t)HOUR),
		STABILITY_STEP_MS, 0);
	assert_float_equal(
		stability_cost_ms(&s, 19 * (int64_t)HOUR + 2 * MINUTE), 0, 0);
}

/* A question counts for the time since the last one: the first for a second, one
 * after a pause for a minute, one of the same moment for nearly nothing. */
static void test_pauses(void **state)
{
	static const struct {
		int64_t after_ms;
		double counts_ms;
	} rows[] = {{3 * SECOND, 3000}, {HOUR, 60000}, {60000, 60000}, {0, 1},
		{-HOUR, 1}};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stability s = {0};
		stability_missed(&s, 2 * HOUR);
		assert_float_equal(s.lost, 1000 / 301000.0, 1e-6);
		s.lost = s.lost_long = 0;
		stability_missed(&s, 2 * HOUR + rows[i].after_ms);
		assert_float_equal(s.lost,
			rows[i].counts_ms / (300000 + rows[i].counts_ms), 1e-6);
		assert_float_equal(s.lost_long,
			rows[i].counts_ms / (21600000 + rows[i].counts_ms),
			1e-7);
	}
}

/* The mean of minutes follows in minutes, that of hours in hours; so does jitter. */
static void test_means(void **state)
{
	struct stability s = {0};
	(void)state;
	stability_answered(&s, 100, HOUR);
	assert_float_equal(s.rtt_ms, 100, 0);
	assert_float_equal(s.rtt_long_ms, 100, 0);
	stability_answered(&s, 200, HOUR + 60000);
	assert_float_equal(s.rtt_ms, 100 + 100 / 6.0, 1e-3);
	assert_float_equal(s.rtt_long_ms, 100 + 100 / 361.0, 1e-3);
	assert_float_equal(s.jitter_ms, 100 / 6.0, 1e-3);
	assert_float_equal(s.jitter_long_ms, 100 / 361.0, 1e-3);
	s.lost = s.lost_long = 0.6f;
	stability_answered(&s, 0, HOUR + 120000);
	assert_float_equal(s.lost, 0.5, 1e-5);
	assert_float_equal(s.lost_long, 0.6 * 360 / 361, 1e-5);
	assert_true(s.rtt_ms < 100);
}

/* -- what is kept and shown -- */

static void test_text(void **state)
{
	struct stability s = {.lost = 0.5f,
		.lost_long = 0.25f,
		.rtt_ms = 23,
		.rtt_long_ms = 25,
		.jitter_ms = 3,
		.jitter_long_ms = 4,
		.events = {[STABILITY_DROPPED] = 0.5f,
			[STABILITY_RESTARTED] = 1,
			[STABILITY_DOWN] = 2},
		.grade = 2,
		.back_until_ms = HOUR};
	char text[256], little[16];
	(void)state;
	stability_text(&s, HOUR, text, sizeof text);
	assert_string_equal(text,
		"lost 50.0 % (hours 25.0 %) round trip 23 ms (25) jitter 3 ms (4) dropped 0.5 restarts 1.0 down 2.0 grade 2");
	stability_text(&s, HOUR - 61 * SECOND, text, sizeof text);
	assert_non_null(strstr(text, "grade 2, at the back for 61 s"));
	stability_text(&s, 0, little, sizeof little);
	assert_string_equal(little, "lost 50.0 % (ho");
}

/* It writes no more than there is room for, wherever it has to end. */
static void test_text_is_cut(void **state)
{
	const struct stability s = {.back_until_ms = 61000};
	char whole[400], part[400];
	(void)state;
	stability_text(&s, 0, whole, sizeof whole);
	for (size_t room = 1; room <= strlen(whole); room++) {
		memset(part, '#', sizeof part);
		stability_text(&s, 0, part, room);
		assert_int_equal(strlen(part), room - 1);
		assert_memory_equal(part, whole, room - 1);
		for (size_t i = room; i < sizeof part; i++)
			assert_int_equal(part[i], '#');
	}
}

/* What a file of another version, or a clock that was set, says is taken as far as
 * it can be true. */
static void test_restored_oddly(void **state)
{
	struct stability s = {.grade = 77, .events = {1, 1, 1}};
	(void)state;
	struct stability kept =
		stability_restored(&s, 5 * HOUR, -3 * HOUR, 2 * HOUR);
	assert_int_equal(kept.grade, 3);
	assert_int_equal(kept.back_until_ms, 0);
	s.answered_ms = s.faded_ms = s.back_until_ms = 5 * HOUR;
	kept = stability_restored(&s, 5 * HOUR, -3 * HOUR, 2 * HOUR);
	assert_int_equal(kept.answered_ms, 2 * HOUR);
	assert_int_equal(kept.back_until_ms, 2 * HOUR);
	assert_float_equal(kept.events[0], 1, 0);
	kept = stability_restored(&s, 5 * HOUR, 6 * HOUR, 20 * (int64_t)HOUR);
	assert_int_equal(kept.answered_ms, 14 * (int64_t)HOUR);
	assert_float_equal(kept.events[0], 0.5, 1e-3);
}

/* At the bound itself a grade begins, and does not end yet. */
static void test_at_the_bound(void **state)
{
	struct stability s = {.events = {[STABILITY_DOWN] = 1}};
	(void)state;
	assert_float_equal(grade_of(s), 2, 0); /* 4 points */
	s = (struct stability){
		.grade = 2, .events = {[STABILITY_RESTARTED] = 1}};
	assert_float_equal(grade_of(s), 2, 0); /* 2 points */
	s.grade = 0;
	assert_float_equal(grade_of(s), 1, 0);
}

/* What is restored is as old as it was: times move by how long dnsd was away. An age
 * below 0 is none. */
static void test_restored_times(void **state)
{
	static const struct {
		int64_t age_ms, answered_ms;
	} rows[] = {{-7, 4900}, {0, 4900}, {1, 4899}, {2, 4898}, {300, 4600}};
	const struct stability kept = {
		.answered_ms = 900, .back_until_ms = 1500};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stability s =
			stability_restored(&kept, 1000, rows[i].age_ms, 5000);
		assert_int_equal(s.answered_ms, rows[i].answered_ms);
		assert_int_equal(s.back_until_ms, rows[i].answered_ms + 600);
		assert_int_equal(s.faded_ms, 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_well),
		cmocka_unit_test(test_lost), cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_slower), cmocka_unit_test(test_flaps),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_restart_of_dnsd),
		cmocka_unit_test(test_first_grade),
		cmocka_unit_test(test_grades),
		cmocka_unit_test(test_grade_ends),
		cmocka_unit_test(test_at_the_bound),
		cmocka_unit_test(test_restored_times),
		cmocka_unit_test(test_pauses), cmocka_unit_test(test_means),
		cmocka_unit_test(test_text), cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_restored_oddly)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
