/* What a node's CPU and bits say of its capacity: more than configured, or less. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fleet/capacity.h"

#define ONE_BPS 1e6f
#define BITS_TO_SEE 2e6f /* of a viewer: above a quarter of `wide` soon */
#define CONFIGURED 400.0f
#define RAISE 1.02f /* per sample */

/* What is true of a node: CPU is idle + busy * viewers. */
struct truth {
	float idle, busy, noise;
	float link; /* viewers that its link carries */
};

static struct rng rng;

static const struct capacity_rules fast = {
	CONFIGURED, CONFIGURED *ONE_BPS, 1.5f};
/* What its operator thinks is full is 45 % of one core. */
static const struct truth strong = {0.1f, 0.85f / 1000, 0, 1e6f};

static void one_sample(struct capacity *c, const struct capacity_rules *rules,
	const struct truth *t, float viewers)
{
	float noise = t->noise * (2 * (float)rng_unit(&rng) - 1);
	float cpu = fmaxf(0, fminf(1, t->idle + t->busy * viewers) + noise);
	capacity_learn(c, rules,
		&(struct capacity_sample){roundf(viewers),
			fminf(viewers, t->link) * ONE_BPS, cpu});
}

/* Slowly from so many viewers to so many, and some time there. */
static void fill(struct capacity *c, const struct capacity_rules *rules,
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
		{"CPU is not known", {0, 0, 0, 1e6f}, 4, 5, 380, 400, 400},
		{"too few viewers to tell", {0.1f, 0.85f / 1000, 0, 1e6f}, 4, 5,
			150, 400, 400},
		{"from half of its viewers on", {0.1f, 0.85f / 1000, 0, 1e6f},
			1.5f, 200, 380, 590, 600},
		{"just enough viewers to tell", {0.1f, 0.85f / 1000, 0, 1e6f},
			4, 5, 160, 500, 1600},
		{"one too few", {0.1f, 0.85f / 1000, 0, 1e6f}, 4, 5, 159, 400,
			400},
		{"always as many", {0.1f, 0.85f / 1000, 0.01f, 1e6f}, 4, 375,
			380, 400, 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct capacity c = {0};
		struct capacity_rules rules = fast;
		rules.overcommit = rows[i].overcommit;
		rng = (struct rng){7};
		fill(&c, &rules, &rows[i].t, rows[i].from, rows[i].to);
		float v = capacity_viewers(&c, &rules);
		if (!(v >= rows[i].least && v <= rows[i].most))
			fail_msg("%s: %g", rows[i].what, (double)v);
	}
}

/* Up by 2 % a sample. */
static void test_slowly(void **state)
{
	struct capacity c = {0};
	float before = CONFIGURED, most = 1;
	(void)state;
	for (int i = 0; i < 300; i++) {
		one_sample(&c, &fast, &strong, fminf(380, 5 + 20 * (float)i));
		float v = capacity_viewers(&c, &fast);
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
	struct capacity c = {0};
	struct truth dear = strong, narrow = strong;
	(void)state;
	dear.busy *= 2;
	fill(&c, &fast, &strong, 5, 380);
	assert_true(capacity_viewers(&c, &fast) > 590);
	for (int i = 0; i < 4; i++)
		one_sample(&c, &fast, &dear, 380);
	assert_true(capacity_viewers(&c, &fast) < 500);

	fill(&c, &fast, &strong, 380, 500);
	assert_true(capacity_viewers(&c, &fast) > 590);
	narrow.link = 430;
	one_sample(&c, &fast, &narrow, 500);
	assert_float_equal(capacity_viewers(&c, &fast), 500, 0);
	one_sample(&c, &fast, &narrow, 480);
	assert_float_equal(capacity_viewers(&c, &fast), 480, 0);
}

/* A link is not tried: CPU and bits of fewer viewers say nothing of it. */
static void test_bandwidth_is_not_tried(void **state)
{
	struct capacity c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 380);
	assert_float_equal(capacity_bps(&c, &fast), 400 * ONE_BPS, 1);
	struct capacity_rules none = fast;
	none.bandwidth_bps = 0;
	assert_float_equal(capacity_bps(&c, &none), 0, 0);
}

/* But what it has carried it carries, up to what is allowed. */
static void test_bandwidth_that_was_sent(void **state)
{
	struct capacity c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 450);
	assert_float_equal(
		capacity_bps(&c, &fast), 1.05f * 450 * ONE_BPS, 1e3f);
	fill(&c, &fast, &strong, 450, 380);
	assert_float_equal(
		capacity_bps(&c, &fast), 1.05f * 450 * ONE_BPS, 1e3f);
	fill(&c, &fast, &strong, 380, 700);
	assert_float_equal(capacity_bps(&c, &fast), 600 * ONE_BPS, 1);
}

/* A link of 430: viewers beyond get less, so it is not believed to be more. */
static void test_bandwidth_that_is_a_link(void **state)
{
	struct capacity c = {0};
	struct truth t = strong;
	(void)state;
	t.link = 430;
	fill(&c, &fast, &t, 5, 600);
	assert_true(capacity_bps(&c, &fast) < 1.06f * 430 * ONE_BPS);
}

/* One sample that errs is no proof. */
static void test_bandwidth_that_was_read_wrong(void **state)
{
	struct capacity c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 380);
	capacity_learn(&c, &fast,
		&(struct capacity_sample){380, 800 * ONE_BPS, 0.42f});
	fill(&c, &fast, &strong, 380, 380);
	assert_float_equal(capacity_bps(&c, &fast), 400 * ONE_BPS, 1);
}

/* -- what a single sample says -- */

static const struct capacity_rules narrow = {50, 50 * ONE_BPS, 1.5f};

/* A sample whose viewers get so much of a megabit each. */
static void exact(struct capacity *c, const struct capacity_rules *rules,
	float viewers, float share, float cpu)
{
	float mean = 0.5f * (viewers + c->more.before);
	capacity_learn(c, rules,
		&(struct capacity_sample){
			viewers, share * mean * ONE_BPS, cpu});
}

/* In steps of five up to 380 viewers, each of which gets all its bits. */
static void rise(struct capacity *c)
{
	for (float v = 5; v <= 380; v += 5)
		exact(c, &fast, v, 1, strong.idle + strong.busy * v);
	for (int i = 0; i < 60; i++)
		exact(c, &fast, 380, 1, strong.idle + strong.busy * 380);
	assert_true(capacity_viewers(c, &fast) > 590);
}

/* The first reading of its CPU may be wrong by a tenth: four fifths count. */
static void test_first_reading(void **state)
{
	struct capacity c = {0};
	(void)state;
	exact(&c, &narrow, 5, 1, 0.1f);
	exact(&c, &narrow, 35, 1, 0.5f);
	assert_float_equal(
		capacity_viewers(&c, &narrow), 0.8 * 35 * 0.9 / 0.5, 1e-3);
}

/* A sample that does not tell CPU, or of a node without viewers, says nothing of
 * what CPU a viewer takes. */
static void test_nothing_to_tell(void **state)
{
	struct capacity plain = {0}, unknown = {0}, empty = {0};
	(void)state;
	exact(&empty, &narrow, 0, 1, 0.3f);
	for (float v = 5; v < 60; v += 1) {
		float cpu = 0.1f + 0.004f * v;
		exact(&plain, &narrow, v, 1, cpu);
		exact(&empty, &narrow, v, 1, cpu);
		exact(&unknown, &narrow, v, 1, cpu);
		exact(&unknown, &narrow, v, 1, 0);
		assert_float_equal(capacity_viewers(&unknown, &narrow),
			capacity_viewers(&plain, &narrow), 0);
		assert_float_equal(capacity_viewers(&empty, &narrow),
			capacity_viewers(&plain, &narrow), 0);
	}
	assert_true(capacity_viewers(&plain, &narrow) > 60);
}

/* A short peak of CPU is not caused by the viewers. */
static void test_spikes(void **state)
{
	struct capacity c = {0};
	(void)state;
	for (int i = 0; i < 300; i++) {
		float v = fminf(380, 5 + 5 * (float)i);
		exact(&c, &fast, v, 1, i % 20 == 19 ? 0.5f : 0.2f);
		assert_float_equal(capacity_viewers(&c, &fast), CONFIGURED, 0);
	}
}

/* Nor is that of its first minutes, which ends while its viewers are still few. */
static void test_busy_start(void **state)
{
	struct capacity c = {0};
	(void)state;
	for (int i = 0; i < 40; i++)
		exact(&c, &fast, 5, 1, fmaxf(0.6f - 0.05f * (float)i, 0.1f));
	rise(&c);
}

/* One viewer is few: beside it more of them show what they take. */
static void test_one_viewer(void **state)
{
	struct capacity c = {0};
	(void)state;
	one_sample(&c, &fast, &strong, 1);
	fill(&c, &fast, &strong, 375, 380);
	assert_true(capacity_viewers(&c, &fast) > 500);
}

/* If viewers get less than nine tenths of the usual bits, there are too many
 * of them; also if they get none. */
static void test_too_many(void **state)
{
	static const struct {
		float viewers, share, most;
	} rows[] = {{500, 0.91f, 600}, {500, 0.89f, 500}, {450, 0, 450},
		{300, 0.5f, CONFIGURED}};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct capacity c = {0};
		rise(&c);
		exact(&c, &fast, rows[i].viewers, rows[i].share, 0.5f);
		float v = capacity_viewers(&c, &fast);
		assert_true(v <= rows[i].most && v >= 0.95f * rows[i].most);
	}
}

/* Twenty viewers are enough to show that they are too many; nineteen are not. */
static void test_twenty_viewers(void **state)
{
	static const struct capacity_rules few = {18, 0, 2};
	static const float viewers[] = {20, 19};
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (float before = 1; before < 35; before += 33) {
			struct capacity c = {0};
			for (float v = 1; v <= 34; v += 1)
				exact(&c, &few, v, 1, 0.01f * v);
			for (int k = 0; k < 60; k++)
				exact(&c, &few, 34, 1, 0.34f);
			assert_true(capacity_viewers(&c, &few) > 35);
			exact(&c, &few, before, 1, 0.01f * before);
			exact(&c, &few, viewers[i], 0.5f, 0.2f);
			if (i == 0)
				assert_float_equal(
					capacity_viewers(&c, &few), 20, 0);
			else
				assert_true(capacity_viewers(&c, &few) > 35);
		}
}

/* If the CPU of a node is full or not known, the bits that it sends prove
 * nothing about its link. */
static void test_bandwidth_without_cpu(void **state)
{
	static const struct truth full = {0.1f, 0.85f / 450, 0, 1e6f};
	static const struct truth *const nodes[] = {&full, &strong};
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct capacity c = {0};
		for (float v = 5; v <= 380; v += 5)
			exact(&c, &fast, v, 1,
				nodes[i]->idle + nodes[i]->busy * v);
		for (int k = 0; k < 40; k++)
			exact(&c, &fast, 450, 1, i == 0 ? 0.95f : 0);
		assert_float_equal(capacity_bps(&c, &fast), 400 * ONE_BPS, 1);
	}
}

/* Once a link's limit is found, fewer viewers do not raise it; more bits than
 * the limit do. Viewers that get 97 % of their bits get all of them. */
static void test_link_is_remembered(void **state)
{
	struct capacity c = {0};
	(void)state;
	rise(&c);
	for (float v = 380; v <= 440; v += 5)
		exact(&c, &fast, v, 1, strong.idle + strong.busy * v);
	exact(&c, &fast, 440, 0.95f, 0.4f);
	float link = capacity_bps(&c, &fast);
	assert_float_equal(link, 0.95f * 440 * ONE_BPS, 1e3);
	for (int i = 0; i < 50; i++)
		exact(&c, &fast, 380, 1, strong.idle + strong.busy * 380);
	assert_float_equal(capacity_bps(&c, &fast), link, 0);
	for (float v = 380; v <= 500; v += 5)
		exact(&c, &fast, v, 1, strong.idle + strong.busy * v);
	assert_true(capacity_bps(&c, &fast) > 1.05f * 490 * ONE_BPS);
	struct capacity before = c;
	exact(&c, &fast, 500, 0.97f * c.more.one_bps / ONE_BPS, 0.5f);
	assert_float_equal(
		capacity_bps(&c, &fast), capacity_bps(&before, &fast), 0);
}

/* A link that has become narrower: what it carried before is no measure any more,
 * and one sample alone does not show that it is wide again. */
static void test_link_becomes_narrower(void **state)
{
	struct capacity c = {0};
	(void)state;
	rise(&c);
	for (float v = 380; v <= 500; v += 5)
		exact(&c, &fast, v, 1, strong.idle + strong.busy * v);
	exact(&c, &fast, 500, 0.86f, 0.5f);
	float link = capacity_bps(&c, &fast);
	assert_float_equal(link, 430 * ONE_BPS, 1e3);
	exact(&c, &fast, 450, 1, 0.45f);
	assert_float_equal(capacity_bps(&c, &fast), link, 0);
	exact(&c, &fast, 450, 1, 0.45f);
	assert_float_equal(capacity_bps(&c, &fast), 1.05f * 450 * ONE_BPS, 1e6);
}

/* The CPU that counts is smoothed: of the first sample as it is, then by three tenths
 * of the change. */
static void test_smoothed(void **state)
{
	struct capacity c = {0};
	(void)state;
	capacity_learn(
		&c, &fast, &(struct capacity_sample){30, 30 * ONE_BPS, 0.2f});
	assert_float_equal(c.more.cpu, 0.2, 1e-6);
	capacity_learn(
		&c, &fast, &(struct capacity_sample){31, 31 * ONE_BPS, 0.5f});
	assert_float_equal(c.more.cpu, 0.29, 1e-6);
}

/* Of a node that sends nothing CPU proves nothing, though it grows with viewers. */
static void test_sends_nothing(void **state)
{
	struct capacity c = {0};
	(void)state;
	for (int i = 0; i < 200; i++) {
		float v = fminf(380, 5 + 3 * (float)i);
		capacity_learn(&c, &fast,
			&(struct capacity_sample){
				v, 0, strong.idle + strong.busy * v});
	}
	assert_float_equal(capacity_viewers(&c, &fast), CONFIGURED, 0);
	assert_true(c.more.viewers <= CONFIGURED);
}

/* After a sample whose viewers got less, what is sent has to be shown twice again. */
static void test_twice_again(void **state)
{
	struct capacity c = {0};
	(void)state;
	rise(&c);
	assert_true(c.more.sent_bps > 0 && c.more.link_bps == 0);
	exact(&c, &fast, 380, 0.95f, strong.idle + strong.busy * 380);
	assert_float_equal(c.more.link_bps, 0.95f * 380 * ONE_BPS, 10);
	assert_true(c.more.sent_bps == 0);
}

/* -- full with less -- */

static const struct capacity_rules wide = {1e6f, 1e9f, 1};

/* Samples of a node that gains `more` viewers each time, `n` samples; of its bits
 * no more than `holds` viewers take get through. */
static float gain(
	struct capacity *c, float viewers, float more, int n, float holds)
{
	for (int i = 0; i < n; i++) {
		viewers += more;
		capacity_learn(c, &wide,
			&(struct capacity_sample){viewers,
				fminf(viewers, holds) * BITS_TO_SEE, 0});
	}
	return viewers;
}

/* It is found out soon after it is full, at what it held then. */
static void test_full_below_its_bandwidth(void **state)
{
	struct capacity c = {0};
	(void)state;
	gain(&c, 0, 10, 40, 1000);
	assert_true(c.full.viewers == 0);
	gain(&c, 400, 10, 20, 450);
	assert_true(c.full.viewers > 400 && c.full.viewers < 480);
}

static void full_sample(struct capacity *c, float viewers, float mbps)
{
	capacity_learn(
		c, &wide, &(struct capacity_sample){viewers, mbps * 1e6f, 0});
}

/* Three samples in a row with a twelfth more viewers, and no more bits. */
static void test_three_in_a_row(void **state)
{
	struct capacity c = {0};
	(void)state;
	full_sample(&c, 150, 300);
	full_sample(&c, 200, 400);
	full_sample(&c, 220, 400);
	full_sample(&c, 220, 400);
	full_sample(&c, 210, 400); /* not so many more */
	full_sample(&c, 220, 400);
	full_sample(&c, 220, 400);
	assert_float_equal(c.full.viewers, 0, 0);
	full_sample(&c, 220, 400);
	assert_float_equal(c.full.viewers, 200, 0);
	assert_float_equal(
		capacity_used(&c, &wide,
			&(struct capacity_sample){220, 400e6f, 0}, 220),
		1.1f, 1e-5);
}

/* A twelfth more is more than 135 of 125; a quarter of the bandwidth is enough. */
static void test_how_many_more(void **state)
{
	struct capacity c = {0}, d = {0};
	(void)state;
	full_sample(&c, 125, 400);
	full_sample(&d, 200, 250);
	for (int i = 0; i < 3; i++) {
		full_sample(&c, 135, 400);
		full_sample(&d, 217, 250);
	}
	assert_float_equal(c.full.viewers, 0, 0);
	assert_float_equal(d.full.viewers, 200, 0);
}

/* A limit grows while fewer viewers are there than it is, not if there are as many. */
static void test_limit_stays(void **state)
{
	struct capacity c = {0};
	(void)state;
	full_sample(&c, 200, 400);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 220, 400);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 200, 400);
	assert_float_equal(c.full.viewers, 200, 0);
	full_sample(&c, 199, 400);
	assert_float_equal(c.full.viewers, 202, 1e-3);
}

/* The most that was sent fades: after some minutes a little less is as much, and what
 * viewers took before is no measure any more. */
static void test_top_fades(void **state)
{
	struct capacity c = {0};
	(void)state;
	full_sample(&c, 125, 400);
	for (int i = 0; i < 40; i++)
		full_sample(&c, 134, 385);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 140, 385);
	assert_true(c.full.viewers == 0);
}

/* As many viewers with fewer bits watch other streams: more of them are no limit. */
static void test_as_many_with_fewer_bits(void **state)
{
	struct capacity c = {0};
	(void)state;
	full_sample(&c, 200, 400);
	full_sample(&c, 200, 300);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 220, 300);
	assert_true(c.full.viewers == 0);
}

/* Where a limit was none, another one may be found below it. */
static void test_another_limit(void **state)
{
	struct capacity c = {0};
	(void)state;
	full_sample(&c, 200, 400);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 220, 400);
	assert_float_equal(c.full.viewers, 200, 0);
	full_sample(&c, 300, 600);
	assert_true(c.full.viewers == 0);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 320, 600); /* not a twelfth more than 300 */
	assert_true(c.full.viewers == 0);
	full_sample(&c, 150, 300);
	for (int i = 0; i < 3; i++)
		full_sample(&c, 170, 300);
	assert_float_equal(c.full.viewers, 150, 0);
}

/* While more is tried below a limit, as many bits more are no sign that it was
 * none; still more are. */
static void test_limit_grows(void **state)
{
	struct capacity c = {0};
	(void)state;
	gain(&c, 0, 10, 60, 400);
	float limit = c.full.viewers;
	assert_true(limit > 0);
	gain(&c, 250, 0, 30, 400);
	assert_float_equal(c.full.viewers, limit * powf(1.01f, 30), 0.5);
	full_sample(&c, 480, 960);
	assert_true(c.full.viewers > 0);
	full_sample(&c, 600, 1200);
	assert_true(c.full.viewers == 0);
}

/* Of nineteen viewers, and of a node whose bandwidth is not configured, bits that
 * stand still show nothing. */
static void test_no_bandwidth(void **state)
{
	static const struct capacity_rules unlimited = {1e6f, 0, 1};
	static const struct capacity_rules tiny = {1e6f, 30e6f, 1};
	struct capacity c = {0}, few = {0}, enough = {0};
	(void)state;
	for (int i = 0; i < 40; i++) {
		float v = 100 + 10 * (float)i;
		capacity_learn(&c, &unlimited,
			&(struct capacity_sample){v, 400e6f, 0});
		v = i < 3 ? 15 : 19;
		capacity_learn(
			&few, &tiny, &(struct capacity_sample){v, 20e6f, 0});
		v = i < 3 ? 20 : 23;
		capacity_learn(
			&enough, &tiny, &(struct capacity_sample){v, 20e6f, 0});
	}
	assert_float_equal(c.full.viewers, 0, 0);
	assert_float_equal(few.full.viewers, 0, 0);
	assert_float_equal(enough.full.viewers, 20, 0);
}

/* It is full all evening, empties, is tried with more than it holds and fills again:
 * the limit is found again where it was. */
static void test_full_again(void **state)
{
	struct capacity c = {0};
	(void)state;
	gain(&c, 0, 10, 60, 400);
	gain(&c, 600, 0, 300, 400);
	float limit = c.full.viewers;
	assert_true(limit > 0 && limit < 450);
	for (float holds = 300; holds < 400; holds += 2)
		gain(&c, holds, 0, 1, 400);
	assert_true(c.full.viewers > limit);
	gain(&c, 400, 10, 20, 400);
	assert_true(c.full.viewers > 380 && c.full.viewers < 1.1f * limit);
}

/* What it sends beyond its limit was none: it is forgotten. */
static void test_limit_was_none(void **state)
{
	struct capacity c = {0};
	(void)state;
	float viewers = gain(&c, 0, 10, 60, 400);
	assert_true(c.full.viewers > 0 && c.full.viewers < 450);
	gain(&c, viewers, 10, 5, 10000);
	assert_true(c.full.viewers == 0);
}

/* A node with room is not limited, however long it stays as it is. */
static void test_steady(void **state)
{
	struct capacity c = {0};
	(void)state;
	float viewers = gain(&c, 0, 10, 40, 1000);
	for (int i = 0; i < 200; i++)
		gain(&c, viewers, i % 2 ? 3 : -3, 1, 1000);
	assert_true(c.full.viewers == 0);
}

/* It empties and fills again: no limit is where it was emptiest. */
static void test_evening_after_evening(void **state)
{
	struct capacity c = {0};
	(void)state;
	for (int i = 0; i < 6; i++) {
		float viewers = gain(&c, 0, 20, 50, 2000);
		gain(&c, viewers, -40, 20, 2000);
		assert_true(c.full.viewers == 0);
	}
}

/* Other streams with fewer bits are no limit. */
static void test_other_streams(void **state)
{
	struct capacity c = {0};
	(void)state;
	float viewers = gain(&c, 0, 10, 40, 1000);
	for (int i = 0; i < 40; i++) {
		viewers += 5;
		capacity_learn(&c, &wide,
			&(struct capacity_sample){
				viewers, viewers * BITS_TO_SEE / 2, 0});
	}
	assert_true(c.full.viewers == 0);
}

/* Below its limit it may take a little more each time. */
static void test_limit_is_tried(void **state)
{
	struct capacity c = {0};
	(void)state;
	gain(&c, 0, 10, 60, 400);
	float limit = c.full.viewers;
	assert_true(limit > 0);
	gain(&c, 300, 0, 50, 400);
	assert_true(c.full.viewers > 1.3f * limit);
}

/* Bits that come nowhere near the bandwidth are no limit: connections that are no
 * viewers take none. */
static void test_few_bits(void **state)
{
	struct capacity c = {0};
	(void)state;
	for (int i = 0; i < 40; i++)
		capacity_learn(&c, &wide,
			&(struct capacity_sample){100 + 10.0f * (float)i,
				0.2f * wide.bandwidth_bps, 0});
	assert_true(c.full.viewers == 0);
}

/* -- what counts -- */

/* Utilisation is the worst of connections, bits and CPU. */
static void test_used(void **state)
{
	static const struct capacity_rules rules = {100, 100 * ONE_BPS, 1};
	struct capacity c;
	struct capacity_sample s = {50, -1, 0.1f};

	(void)state;
	capacity_init(&c);
	assert_float_equal(capacity_used(&c, &rules, &s, 50), 0.5, 1e-6);
	assert_float_equal(capacity_per_viewer(&c, &rules, &s), 0.015, 1e-6);
	s.bandwidth_bps = 50 * 1.2f * ONE_BPS;
	capacity_learn_bitrate(&c, &s, 0);
	assert_float_equal(capacity_used(&c, &rules, &s, 50), 0.6, 1e-6);
	assert_float_equal(capacity_per_viewer(&c, &rules, &s), 0.012, 1e-6);
	s.bandwidth_bps *= 2; /* learned by and by */
	capacity_learn_bitrate(&c, &s, 0);
	assert_float_equal(capacity_used(&c, &rules, &s, 50), 0.72, 1e-6);
	s.bandwidth_bps = 0; /* for a moment: its viewers are there */
	assert_float_equal(capacity_used(&c, &rules, &s, 50), 0.72, 1e-6);
	s.cpu = 0.8f;
	assert_float_equal(capacity_used(&c, &rules, &s, 50), 0.8, 1e-6);
	assert_float_equal(capacity_per_viewer(&c, &rules, &s), 0.016, 1e-6);
	c.full.viewers = 60;
	assert_float_equal(capacity_used(&c, &rules, &s, 54), 0.9, 1e-6);
	assert_float_equal(capacity_per_viewer(&c, &rules, &s), 1 / 60.0, 1e-6);
}

/* Without a bandwidth, or a limit that was seen, viewers are all that counts. */
static void test_used_by_viewers_alone(void **state)
{
	static const struct capacity_rules rules = {100, 0, 1};
	struct capacity c;
	struct capacity_sample s = {20, 60 * ONE_BPS, 0.4f};

	(void)state;
	capacity_init(&c);
	/* assert_float_equal() takes infinity for any number */
	float used = capacity_used(&c, &rules, &s, 50);
	assert_true(used > 0.499f && used < 0.501f);
	float more = capacity_per_viewer(&c, &rules, &s);
	assert_true(more > 0.0199f && more < 0.0201f); /* by its CPU */
	s.connections = 19;
	more = capacity_per_viewer(&c, &rules, &s);
	assert_true(more > 0.0099f && more < 0.0101f);
}

/* Of few viewers the bits are taken as they are. */
static void test_few_viewers(void **state)
{
	static const struct capacity_rules rules = {100, 100 * ONE_BPS, 1};
	struct capacity c;
	struct capacity_sample s = {9, 40 * ONE_BPS, 0};

	(void)state;
	capacity_init(&c);
	capacity_learn_bitrate(&c, &s, 1);
	assert_false(c.bitrate_known);
	assert_float_equal(capacity_used(&c, &rules, &s, 9), 0.4, 1e-6);
	s.connections = 10;
	capacity_learn_bitrate(&c, &s, 1);
	assert_float_equal(c.bitrate_bps, 4 * ONE_BPS, 1);
	/* From ten viewers on by what one takes. What they take for a moment is
	 * learned slowly, and nothing of when nothing is sent. */
	s.bandwidth_bps = 60 * ONE_BPS;
	assert_float_equal(capacity_used(&c, &rules, &s, 10), 0.4, 1e-6);
	capacity_learn_bitrate(&c, &s, 0.5f);
	assert_float_equal(c.bitrate_bps, (4 + 0.3f * 2) * ONE_BPS, 10);
	s.bandwidth_bps = 0;
	capacity_learn_bitrate(&c, &s, 0.5f);
	assert_float_equal(c.bitrate_bps, 4.6f * ONE_BPS, 10);
	c.bitrate_bps = 4 * ONE_BPS;
	s.bandwidth_bps = -1;
	assert_float_equal(capacity_used(&c, &rules, &s, 0), 0, 0);
	s = (struct capacity_sample){19, 0, 0.9f};
	assert_float_equal(capacity_per_viewer(&c, &rules, &s), 0.04, 1e-6);
}

/* A new process shows anew what it can; what a viewer takes is known. */
static void test_restart(void **state)
{
	struct capacity c = {0};
	(void)state;
	fill(&c, &fast, &strong, 5, 380);
	c.bitrate_bps = 7;
	c.full.viewers = 3;
	capacity_restart(&c);
	assert_float_equal(capacity_viewers(&c, &fast), CONFIGURED, 0);
	assert_true(c.full.viewers == 0);
	assert_float_equal(c.bitrate_bps, 7, 0);
	struct capacity other = {0};
	for (int i = 0; i < 100; i++) {
		float v = 30 + 4 * (float)i,
		      cpu = strong.idle + strong.busy * v;
		struct capacity_sample s = {v, v * ONE_BPS, cpu};
		capacity_learn(&c, &fast, &s);
		capacity_learn(&other, &fast, &s);
		assert_float_equal(capacity_viewers(&c, &fast),
			capacity_viewers(&other, &fast), 0);
		assert_float_equal(capacity_bps(&c, &fast),
			capacity_bps(&other, &fast), 0);
	}
	assert_true(capacity_viewers(&c, &fast) > 500);
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
		cmocka_unit_test(test_first_reading),
		cmocka_unit_test(test_nothing_to_tell),
		cmocka_unit_test(test_spikes),
		cmocka_unit_test(test_busy_start),
		cmocka_unit_test(test_one_viewer),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_twenty_viewers),
		cmocka_unit_test(test_bandwidth_without_cpu),
		cmocka_unit_test(test_link_is_remembered),
		cmocka_unit_test(test_link_becomes_narrower),
		cmocka_unit_test(test_smoothed),
		cmocka_unit_test(test_sends_nothing),
		cmocka_unit_test(test_twice_again),
		cmocka_unit_test(test_full_below_its_bandwidth),
		cmocka_unit_test(test_three_in_a_row),
		cmocka_unit_test(test_how_many_more),
		cmocka_unit_test(test_limit_stays),
		cmocka_unit_test(test_top_fades),
		cmocka_unit_test(test_as_many_with_fewer_bits),
		cmocka_unit_test(test_another_limit),
		cmocka_unit_test(test_limit_grows),
		cmocka_unit_test(test_no_bandwidth),
		cmocka_unit_test(test_full_again),
		cmocka_unit_test(test_limit_was_none),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_evening_after_evening),
		cmocka_unit_test(test_other_streams),
		cmocka_unit_test(test_limit_is_tried),
		cmocka_unit_test(test_few_bits),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_used_by_viewers_alone),
		cmocka_unit_test(test_few_viewers),
		cmocka_unit_test(test_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
