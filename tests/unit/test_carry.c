/* More than configured: what a node's CPU and bits say of its capacity. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fleet/carry.h"

#define ONE_BPS 1e6f
#define CONFIGURED 400.0f
#define RAISE 1.02f /* per sample */

/* What is true of a node: CPU is idle + busy * viewers. */
struct truth {
	float idle, busy, noise;
	float link; /* viewers that its link carries */
};

static struct rng rng;

static const struct carry_rules fast = {CONFIGURED, CONFIGURED *ONE_BPS, 1.5f};
/* What its operator thinks is full is 45 % of one core. */
static const struct truth strong = {0.1f, 0.85f / 1000, 0, 1e6f};

static void one_sample(struct carry *c, const struct carry_rules *rules,
	const struct truth *t, float viewers)
{
	float noise = t->noise * (2 * (float)rng_unit(&rng) - 1);
	float cpu = fmaxf(0, fminf(1, t->idle + t->busy * viewers) + noise);
	carry_sample(c, rules, roundf(viewers),
		fminf(viewers, t->link) * ONE_BPS, cpu);
}

/* Slowly from so many viewers to so many, and some time there. */
static void fill(struct carry *c, const struct carry_rules *rules,
	const struct truth *t, float from, float to)
{
	for (int i = 0; i < 200; i++)
		one_sample(c, rules, t, from + (to - from) * (float)i / 200);
	for (int i = 0; i < 100; i++)
		one_sample(c, rules, t, to);
}

/* capacity: what is believed after an evening, at least and at most. */
static void test_capacity(void **state)
{
	static const struct {
		const char *what;
		struct truth t;
		float overcommit, from, to, least, most;
	} rows[] = {
		{"0.4 of the truth", {0.1f, 0.85f / 1000, 0, 1e6f}, 1.5f, 5,
			380, 590, 600},
		{"the same, CPU noisy", {0.1f, 0.85f / 1000, 0.03f, 1e6f}, 1.5f,
			5, 380, 560, 600},
		{"the same, all allowed", {0.1f, 0.85f / 1000, 0, 1e6f}, 4, 5,
			380, 700, 1000},
		{"nothing allowed", {0.1f, 0.85f / 1000, 0, 1e6f}, 1, 5, 380,
			400, 400},
		{"true", {0.1f, 0.85f / CONFIGURED, 0, 1e6f}, 4, 5, 400, 400,
			400},
		{"true, CPU noisy", {0.1f, 0.85f / CONFIGURED, 0.05f, 1e6f}, 4,
			5, 400, 400, 400},
		{"true, no idle CPU", {0, 0.95f / CONFIGURED, 0, 1e6f}, 4, 5,
			400, 400, 400},
		{"too high", {0.1f, 1.7f / CONFIGURED, 0, 1e6f}, 4, 5, 300, 400,
			400},
		{"CPU is not its viewers'", {0.2f, 0, 0, 1e6f}, 4, 5, 380, 400,
			400},
		{"nor if it is noisy", {0.2f, 0, 0.03f, 1e6f}, 4, 5, 380, 400,
			400},
		{"CPU is not told", {0, 0, 0, 1e6f}, 4, 5, 380, 400, 400},
		{"too few viewers to tell", {0.1f, 0.85f / 1000, 0, 1e6f}, 4, 5,
			150, 400, 400},
		{"always as many", {0.1f, 0.85f / 1000, 0.01f, 1e6f}, 4, 375,
			380, 400, 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct carry c = {0};
		struct carry_rules rules = fast;
		rules.overcommit = rows[i].overcommit;
		rng = (struct rng){7};
		fill(&c, &rules, &rows[i].t, rows[i].from, rows[i].to);
		float v = carry_viewers(&c, &rules);
		if (!(v >= rows[i].least && v <= rows[i].most))
			fail_msg("%s: %g", rows[i].what, (double)v);
	}
}

/* Up by 2 % a sample. */
static void test_slowly(void **state)
{
	struct carry c = {0};
	float before = CONFIGURED, most = 1;
	(void)state;
	for (int i = 0; i < 300; i++) {
		one_sample(&c, &fast, &strong, fminf(380, 5 + 20 * (float)i));
		float v = carry_viewers(&c, &fast);
		most = fmaxf(most, v / before);
		before = v;
	}
	assert_true(most > 1.01f && most < RAISE + 0.001f);
	assert_true(before > 590);
}

/* Down within two or three samples when viewers cost more than they did, and
 * at once when they get less. */
static void test_at_once(void **state)
{
	struct carry c = {0};
	struct truth dear = strong, narrow = strong;
	(void)state;
	dear.busy *= 2;
	fill(&c, &fast, &strong, 5, 380);
	assert_true(carry_viewers(&c, &fast) > 590);
	for (int i = 0; i < 4; i++)
		one_sample(&c, &fast, &dear, 380);
	assert_true(carry_viewers(&c, &fast) < 500);

	fill(&c, &fast, &strong, 380, 500);
	assert_true(carry_viewers(&c, &fast) > 590);
	narrow.link = 430;
	one_sample(&c, &fast, &narrow, 500);
	assert_float_equal(carry_viewers(&c, &fast), 500, 0);
	one_sample(&c, &fast, &narrow, 480);
	assert_float_equal(carry_viewers(&c, &fast), 480, 0);
}

/* A link is not tried: CPU and bits of fewer viewers say nothing of it. */
static void test_bandwidth_is_not_tried(void **state)
{
	struct carry c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 380);
	assert_float_equal(carry_bps(&c, &fast), 400 * ONE_BPS, 1);
	struct carry_rules none = fast;
	none.bandwidth_bps = 0;
	assert_float_equal(carry_bps(&c, &none), 0, 0);
}

/* But what it has carried it carries, up to what is allowed. */
static void test_bandwidth_that_was_sent(void **state)
{
	struct carry c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 450);
	assert_float_equal(carry_bps(&c, &fast), 1.05f * 450 * ONE_BPS, 1e3f);
	fill(&c, &fast, &strong, 450, 380);
	assert_float_equal(carry_bps(&c, &fast), 1.05f * 450 * ONE_BPS, 1e3f);
	fill(&c, &fast, &strong, 380, 700);
	assert_float_equal(carry_bps(&c, &fast), 600 * ONE_BPS, 1);
}

/* A link of 430: viewers beyond get less, so it is not believed to be more. */
static void test_bandwidth_that_is_a_link(void **state)
{
	struct carry c = {0};
	struct truth t = strong;
	(void)state;
	t.link = 430;
	fill(&c, &fast, &t, 5, 600);
	assert_true(carry_bps(&c, &fast) < 1.06f * 430 * ONE_BPS);
}

/* One sample that errs is no proof. */
static void test_bandwidth_that_was_read_wrong(void **state)
{
	struct carry c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 380);
	carry_sample(&c, &fast, 380, 800 * ONE_BPS, 0.42f);
	fill(&c, &fast, &strong, 380, 380);
	assert_float_equal(carry_bps(&c, &fast), 400 * ONE_BPS, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_slowly),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_bandwidth_is_not_tried),
		cmocka_unit_test(test_bandwidth_that_was_sent),
		cmocka_unit_test(test_bandwidth_that_is_a_link),
		cmocka_unit_test(test_bandwidth_that_was_read_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
