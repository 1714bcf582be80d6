/* A node that serves nobody, although viewers are sent there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/empty.h"

#define STEP_MS 3000

static int64_t now;
static float elsewhere; /* of the viewers sent to all nodes: that came */

static void sample_of(struct empty *e, const struct empty_sample *s)
{
	struct empty_sums all = {
		.sent = 1000, .joined = 1000 * elsewhere, .at_ms = now};
	empty_sample(e, &all, s);
}

static void sample(struct empty *e, float connections, float sent, float joined)
{
	sample_of(e,
		&(struct empty_sample){.connections = connections,
			.sent = sent,
			.few = sent,
			.joined = joined,
			.at_ms = now});
}

/* Samples of a node that gains 10 viewers each time, as many as are sent. */
static void fill(struct empty *e, int n)
{
	for (int i = 1; i <= n; i++) {
		now += STEP_MS;
		sample(e, 10.0f * (float)i, 10, 10);
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
		sample(&e, 3, 3, 0);
	}
	assert_true(empty_cost_ms(&e, now) > 100);
	now += 61000;
	sample(&e, 3, 0, 0);
	assert_true(empty_cost_ms(&e, now) == 0);
	for (int i = 0; i < 2; i++) {
		now += STEP_MS;
		sample(&e, 3, 3, 0);
	}
	assert_true(empty_cost_ms(&e, now) > 100);
	now += STEP_MS;
	sample(&e, 8, 5, 5); /* they come again */
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
		sample(&e, viewers, 2, 2);
		assert_true(empty_cost_ms(&e, now) == 0);
	}
}

/* -- how many show it, of a node that had a hundred -- */

static struct empty hundred(void)
{
	struct empty e = {0};
	elsewhere = 0;
	now += STEP_MS;
	sample(&e, 100, 0, 0);
	return e;
}

/* A sample of a moment later: whether the node costs more now. */
static bool costs(struct empty *e, float connections, float sent, float joined)
{
	now += 1;
	sample(e, connections, sent, joined);
	return empty_cost_ms(e, now) > 0;
}

/* Eleven viewers that were sent and did not show, at once or one after the
 * other; fewer at a small node, more at a large one. */
static void test_how_many_do_not_show(void **state)
{
	struct empty e = hundred();
	(void)state;
	assert_false(costs(&e, 0, 10.5f, 0));
	assert_true(costs(&e, 0, 0.6f, 0));
	e = hundred();
	assert_true(costs(&e, 0, 11, 0));
	e = hundred();
	for (unsigned i = 0; i < 10; i++) /* one more or less shows nothing */
		assert_false(costs(&e, 0, 1, 1));
	assert_true(costs(&e, 0, 1, 1));
	now++;
	sample(&e, 1000, 0, 0);
	assert_false(costs(&e, 0, 37, 0));
	assert_true(costs(&e, 0, 1, 0));
}

/* A twentieth of its viewers is nearly none, and of less than twenty nothing shows. */
static void test_nearly_none(void **state)
{
	struct empty e = hundred();
	(void)state;
	assert_true(costs(&e, 4, 11, 0));
	e = hundred();
	assert_false(costs(&e, 5, 11, 0));
	e = (struct empty){0};
	assert_false(costs(&e, 21, 0, 0));
	assert_true(costs(&e, 0, 9, 0));
	e = (struct empty){0};
	assert_false(costs(&e, 20, 0, 0));
	assert_false(costs(&e, 0, 9, 0));
	/* its high is forgotten, slowly */
	e = hundred();
	for (unsigned i = 0; i < 200; i++)
		assert_false(costs(&e, 10, 0, 0));
	assert_true(costs(&e, 1, 11, 0));
	e = hundred();
	for (unsigned i = 0; i < 400; i++)
		assert_false(costs(&e, 10, 0, 0));
	assert_false(costs(&e, 1, 11, 0));
}

/* More than a quarter of them show: the node serves. Viewers that come end the
 * suspicion. */
static void test_some_show(void **state)
{
	struct empty e = hundred();
	(void)state;
	assert_true(costs(&e, 0, 40, 10));
	e = hundred();
	assert_false(costs(&e, 0, 40, 11));
	e = hundred();
	for (unsigned i = 0; i < 30; i++)
		assert_false(costs(&e, 0, 2, 2));
	e = hundred();
	assert_false(costs(&e, 0, 10.5f, 0));
	assert_false(costs(&e, 0, 100, 100));
	assert_false(costs(&e, 0, 10.4f, 0)); /* counted anew */
	e = hundred();
	assert_true(costs(&e, 0, 11, 0));
	assert_false(costs(&e, 0, 4, 4));
	assert_false(costs(&e, 0, 5, 0));
}

/* It lasts a minute; then four viewers that do not show are enough to end its
 * trial. */
static void test_tried_again(void **state)
{
	struct empty e = hundred();
	(void)state;
	assert_true(costs(&e, 0, 11, 0));
	int64_t since = now;
	assert_true(costs(&e, 0, 0, 0));
	now = since + 59998;
	assert_true(costs(&e, 0, 20, 0));
	assert_false(costs(&e, 0, 0, 0));
	assert_int_equal(now, since + 60000);
	struct empty other;
	assert_false(costs(&e, 0, 3.9f, 0));
	assert_true(costs(&e, 0, 0.2f, 0));
	/* the trial begins to the millisecond */
	other = hundred();
	assert_true(costs(&other, 0, 11, 0));
	since = now;
	assert_true(empty_cost_ms(&other, since + 59999) > 0);
	assert_true(empty_cost_ms(&other, since + 60000) == 0);
	now = since + 59999;
	assert_true(costs(&other, 0, 4.1f, 0));
}

/* -- connections that only leave -- */

/* A node of three hundred, every five seconds: so many are sent, of which a share comes.
 * Seconds until it costs more, at most ten minutes. */
static unsigned seconds_until(
	struct empty *e, float sent, float comes, float share_elsewhere)
{
	float viewers = 300;
	elsewhere = share_elsewhere;
	for (unsigned t = 0; t < 600; t += 5) {
		float left = viewers * 5 / 1700;
		now += 5000;
		viewers += sent * comes - left;
		sample_of(e,
			&(struct empty_sample){.connections = viewers,
				.sent = sent,
				.few = sent,
				.joined = sent * comes,
				.left = left,
				.at_ms = now});
		if (empty_cost_ms(e, now) > 0)
			return t;
	}
	return 600;
}

/* Viewers are sent, but its connections fall as if no viewer came: it takes none. Not
 * if some come, if few are sent, or if they do not come to the other nodes either. */
static void test_nobody_joins(void **state)
{
	(void)state;
	assert_in_range(seconds_until(&(struct empty){0}, 3, 0, 1), 60, 150);
	assert_in_range(seconds_until(&(struct empty){0}, 6, 0, 1), 30, 60);
	assert_int_equal(seconds_until(&(struct empty){0}, 3, 0.3f, 1), 600);
	assert_int_equal(seconds_until(&(struct empty){0}, 0.3f, 0, 1), 600);
	assert_in_range(
		seconds_until(&(struct empty){0}, 3, 0, 0.51f), 60, 150);
	assert_int_equal(seconds_until(&(struct empty){0}, 3, 0, 0.49f), 600);
}

/* A crowd that is sent at once has ten seconds to come, and few that leave show
 * nothing: where the connections stay as they are, somebody comes. */
static void test_a_crowd_is_on_its_way(void **state)
{
	struct empty e = {0};
	(void)state;
	elsewhere = 1;
	for (unsigned t = 0; t < 60; t += 5) {
		now += 5000;
		sample_of(&e,
			&(struct empty_sample){.connections = 3000,
				.few = t == 40 ? 200 : 0,
				.joined = t == 50 ? 200 : 0,
				.left = 9,
				.at_ms = now});
		assert_true(empty_cost_ms(&e, now) == 0);
	}
	e = (struct empty){0};
	for (unsigned t = 0; t < 300; t += 5) {
		now += 5000;
		sample_of(&e,
			&(struct empty_sample){.connections = 100,
				.few = 30,
				.joined = 0.3f,
				.left = 0.3f,
				.at_ms = now});
		assert_true(empty_cost_ms(&e, now) == 0);
	}
}

/* A sample of a node of three thousand: whether it is said to take none then. */
static bool said(
	struct empty *e, int64_t at_ms, float few, float joined, float left)
{
	now = at_ms;
	elsewhere = 1;
	sample_of(e,
		&(struct empty_sample){.connections = 3000,
			.few = few,
			.joined = joined,
			.left = left,
			.at_ms = now});
	return empty_cost_ms(e, now) > 0;
}

/* Viewers have ten seconds, and as many more as it is until the next ten begin. */
static void test_time_to_come(void **state)
{
	struct empty e = {0};
	int64_t from = now + 1000000;
	(void)state;
	assert_false(said(&e, from, 200, 0, 100));
	assert_false(said(&e, from + 10000, 0, 0, 0));
	assert_false(said(&e, from + 19999, 0, 0, 0));
	assert_true(said(&e, from + 20000, 0, 0, 0));
}

/* Eight that were sent are the least; a hundred of three thousand may leave beside
 * each other, two hundred are a class. */
static void test_least_sent_and_class(void **state)
{
	static const struct {
		float few, joined;
		bool none;
	} rows[] = {{8, -100, true}, {7.9f, -100, false}, {200, -152, true},
		{200, -154, false}};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct empty e = {0};
		int64_t from = now + 1000000;
		assert_false(said(&e, from, rows[i].few, 0, 100));
		assert_false(said(&e, from + 10000, 0, rows[i].joined, 0));
		assert_int_equal(said(&e, from + 20000, 0, 0, 0), rows[i].none);
		assert_int_equal(said(&e, from + 30000, 0, 0, 0), rows[i].none);
	}
}

/* One whose connections once had fallen to none and came back is judged as others. */
static void test_after_a_fall(void **state)
{
	struct empty e = hundred();
	(void)state;
	assert_true(costs(&e, 0, 11, 0));
	int64_t from = now + 1000000;
	assert_false(said(&e, from, 200, 0, 100));
	assert_false(said(&e, from + 10000, 0, 0, 0));
	assert_true(said(&e, from + 20000, 0, 0, 0));
	assert_true(said(&e, from + 20001, 0, 0, 0));
}

/* After a minute it is tried again, and counted anew. */
static void test_nobody_joins_again(void **state)
{
	struct empty e = {0};
	(void)state;
	unsigned first = seconds_until(&e, 3, 0, 1);
	now += 60000;
	assert_true(empty_cost_ms(&e, now) == 0);
	unsigned second = seconds_until(&e, 3, 0, 1);
	assert_in_range(second, first - 10, first + 10);
	now += 60000;
	assert_int_equal(seconds_until(&e, 3, 1, 1), 600);
}

/* Of viewers that leave all at once nothing is concluded: a class has ended. */
static void test_class_among_others(void **state)
{
	struct empty e = {0};
	(void)state;
	unsigned alone = seconds_until(&e, 3, 0, 1);
	e = (struct empty){0};
	for (unsigned i = 0; i < 2 * alone / 5; i++) {
		now += 5000;
		sample(&e, 300, 3, i % 8 ? 0 : -19);
		assert_true(empty_cost_ms(&e, now) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves_nobody),
		cmocka_unit_test(test_class_has_ended),
		cmocka_unit_test(test_how_many_do_not_show),
		cmocka_unit_test(test_nearly_none),
		cmocka_unit_test(test_some_show),
		cmocka_unit_test(test_tried_again),
		cmocka_unit_test(test_nobody_joins),
		cmocka_unit_test(test_time_to_come),
		cmocka_unit_test(test_least_sent_and_class),
		cmocka_unit_test(test_after_a_fall),
		cmocka_unit_test(test_nobody_joins_again),
		cmocka_unit_test(test_a_crowd_is_on_its_way),
		cmocka_unit_test(test_class_among_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
