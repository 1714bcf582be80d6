/* How many viewers a node will have, against a node whose truth is known:
 * answers promise, viewers come 0.9 s later, samples are late and noisy. */
#include "world.h"

#include "base/rng.h"
#include "fleet/forecast.h"

#define STEP_MS 100
#define POLL_MS 3000
#define AGE_MS 1000 /* of a sample when it arrives */
#define CAPACITY 1000.0f
#define HISTORY 64 /* steps */

struct node {
	double came, viewers;    /* the truth */
	double history[HISTORY]; /* by step: it is sampled late */
	double factor;           /* viewers that come for one promised */
	float noise;             /* of samples, +- share */
	double crowd; /* viewers a second that are learned, not promised */
};

struct scene {
	struct forecast_fleet all;
	struct forecast f[2];
	struct node node[2];
	int64_t now;
	struct rng rng;
	bool silent; /* no samples */
	unsigned step;
	double due[2][16]; /* promised in this step, by step */
	float least, most; /* multiplier of node 0, as it was sampled */
	float surprises, multipliers; /* sums */
	unsigned samples;
};

static void sample(struct scene *s, unsigned i)
{
	struct node *n = &s->node[i];
	double off = n->noise * (2 * rng_unit(&s->rng) - 1);
	unsigned then = s->step - AGE_MS / STEP_MS;
	float seen = (float)(n->history[then % HISTORY] * (1 + off));
	s->surprises += forecast_sample(
		&s->all, &s->f[i], roundf(seen), CAPACITY, s->now - AGE_MS);
	if (i)
		return;
	float m = forecast_multiplier(&s->all, &s->f[0]);
	s->samples++;
	s->multipliers += m;
	s->least = fminf(s->least, m);
	s->most = fmaxf(s->most, m);
}

/* One step of a node's truth: viewers come as they were promised before. */
static void live(struct scene *s, unsigned i, double promised)
{
	struct node *n = &s->node[i];
	unsigned lag = FORECAST_LAG_MS / STEP_MS;
	double *due = s->due[i];

	due[s->step % 16] = promised;
	n->viewers -= n->viewers * STEP_MS / 1000 / FORECAST_SESSION_S;
	n->viewers += n->factor * due[(s->step - lag) % 16];
	n->viewers += n->crowd * STEP_MS / 1000;
	n->history[s->step % HISTORY] = n->viewers;
}

/* So many seconds with so many promises a second to node 0. */
static void run(struct scene *s, unsigned seconds, double per_s)
{
	s->least = 1e9f;
	s->most = s->surprises = s->multipliers = 0;
	s->samples = 0;
	for (unsigned i = 0; i < seconds * 1000 / STEP_MS; i++) {
		s->now += STEP_MS;
		s->step++;
		forecast_advance(&s->all, s->f, 2, s->now);
		float at_once = (float)per_s * STEP_MS / 1000;
		forecast_reserve(&s->all, &s->f[0], false, at_once, 0, 0);
		live(s, 0, at_once);
		live(s, 1, 0);
		for (unsigned k = 0; k < 2 && !s->silent; k++)
			if (s->now % POLL_MS == 0)
				sample(s, k);
	}
}

/* Node 0 has viewers and was sampled often enough to be known well. */
static void begin(struct scene *s, double viewers)
{
	for (unsigned i = 0; i < 2; i++) {
		s->node[i] = (struct node){.viewers = viewers, .factor = 1};
		for (unsigned k = 0; k < HISTORY; k++)
			s->node[i].history[k] = viewers;
	}
	run(s, 60, viewers / FORECAST_SESSION_S);
}

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.now = 3000000, .rng = {5}, .step = HISTORY};
	s.all = (struct forecast_fleet){
		.second = 3000, .servers = 1, .session_s = FORECAST_SESSION_S};
	*state = &s;
	return 0;
}

/* Truth and estimate, both of now: what is on its way without its safety. */
static double estimate(const struct scene *s, unsigned i)
{
	const struct forecast *f = &s->f[i];
	return f->viewers +
		forecast_reserved(&s->all, f, f->at_ms - FORECAST_LAG_MS,
			s->now - FORECAST_LAG_MS);
}

#define near(value, right, share)                                              \
	do {                                                                   \
		double v_ = (value), r_ = (right);                             \
		if (!(fabs(v_ - r_) <= (share)*fabs(r_)))                      \
			fail_msg("line %d: %g, not %g +- %g %%", __LINE__, v_, \
				r_, 100 * (double)(share));                    \
	} while (0)

/* -- promises -- */

static float promised(const struct scene *s, int64_t from_ms, int64_t to_ms)
{
	return forecast_reserved(
		&s->all, &s->f[0], s->now + from_ms, s->now + to_ms);
}

/* An answer that lives for 20 s brings its viewers evenly, and not a moment
 * longer; what waits for it comes at once. */
static void test_promises_in_time(void **state)
{
	struct scene *s = *state;
	forecast_reserve(&s->all, &s->f[0], false, 0, 2, 20);
	assert_float_equal(promised(s, 0, 20000), 40, 0.01);
	assert_float_equal(promised(s, 20000, 60000), 0, 0.01);
	assert_float_equal(promised(s, -60000, 0), 0, 0.01);
	assert_float_equal(promised(s, 0, 5000), 10, 0.01);
	assert_float_equal(promised(s, 7500, 8500), 2, 0.01);
	assert_float_equal(promised(s, 19500, 21000), 1, 0.01);
	forecast_reserve(&s->all, &s->f[0], false, 7, 0, 0);
	assert_float_equal(promised(s, 0, 1000), 9, 0.01);
	assert_float_equal(promised(s, 1000, 2000), 2, 0.01);
}

/* Those of several answers add up; those of crowds count as they are, while the
 * others are multiplied. */
static void test_promises_add_up(void **state)
{
	struct scene *s = *state;
	s->all.servers = 3;
	float m = forecast_multiplier(&s->all, &s->f[0]);
	assert_true(m > 2);
	forecast_reserve(&s->all, &s->f[0], true, 5, 1, 10);
	assert_float_equal(promised(s, 0, 10000), 15, 0.01);
	for (int i = 0; i < 4; i++)
		forecast_reserve(&s->all, &s->f[0], false, 1, 0.5f, 10);
	assert_float_equal(promised(s, 0, 10000), 15 + m * 24, 0.1);
	assert_float_equal(
		forecast_reserved(&s->all, &s->f[1], 0, INT64_MAX / 2), 0, 0);
}

/* However long ago: a promise is where it was, until it leaves the window, and
 * then it is gone for good. */
static void test_promises_stay_in_place(void **state)
{
	struct scene *s = *state;
	int64_t then = s->now;
	forecast_reserve(&s->all, &s->f[0], false, 10, 1, 10);
	for (unsigned t = 0; t < 300; t++) {
		float left = forecast_reserved(
			&s->all, &s->f[0], then, then + 10000);
		if (t < 50)
			assert_float_equal(left, 20, 0.01);
		s->now += 1000;
		forecast_advance(&s->all, s->f, 2, s->now);
	}
	assert_float_equal(promised(s, -100000, 100000), 0, 0);
}

/* The TTL may be an hour: no more than the window is promised of it, and each
 * second once. */
static void test_longer_than_the_window(void **state)
{
	struct scene *s = *state;
	forecast_reserve(&s->all, &s->f[0], false, 0, 2, 3600);
	assert_float_equal(promised(s, -60000, 0), 0, 0);
	assert_float_equal(promised(s, 0, 1000), 2, 0);
	assert_float_equal(promised(s, 30000, 31000), 2, 0);
}

/* A sample shows whoever came before it was taken: these are no longer on their
 * way. Those that came later are. */
static void test_sample_removes(void **state)
{
	struct scene *s = *state;
	begin(s, 500);
	float before = forecast_reserved_ahead(&s->all, &s->f[0], s->now);
	int64_t then = s->now;
	forecast_reserve(&s->all, &s->f[0], false, 100, 0, 0);
	float with = forecast_reserved_ahead(&s->all, &s->f[0], s->now);
	assert_true(with - before >= 100);
	/* taken when they could not yet be seen */
	s->now += 1700;
	forecast_advance(&s->all, s->f, 2, s->now);
	forecast_sample(&s->all, &s->f[0], 500, CAPACITY, then + 100);
	near(forecast_reserved_ahead(&s->all, &s->f[0], s->now), with, 0.1);
	s->now += 3000;
	forecast_advance(&s->all, s->f, 2, s->now);
	forecast_sample(&s->all, &s->f[0], 600, CAPACITY, then + 3100);
	assert_true(forecast_reserved_ahead(&s->all, &s->f[0], s->now) < 3);
	near(s->f[0].viewers, 600, 0.02);
}

/* -- the multiplier -- */

/* Other name servers and shared caches: for one promised k come. The estimate
 * follows, and so does what is promised. */
static void check_multiplier(struct scene *s, double k)
{
	begin(s, 100);
	s->node[0].factor = k;
	run(s, 30, 1);
	near(forecast_multiplier(&s->all, &s->f[0]), k, 0.3);
	near(estimate(s, 0), s->node[0].viewers, 0.1);
	run(s, 60, 1);
	near(forecast_multiplier(&s->all, &s->f[0]), k, 0.2);
	near(estimate(s, 0), s->node[0].viewers, 0.05);
	s->node[0].factor = 1; /* and back */
	run(s, 60, 1);
	float back = forecast_multiplier(&s->all, &s->f[0]);
	assert_true(fabs(back - 1) < 0.2 * fabs(k - 1) + 0.1);
}

static void test_multiplier(void **state)
{
	static const double k[] = {0.5, 3, 20};
	for (unsigned i = 0; i < 3; i++) {
		setup(state);
		check_multiplier(*state, k[i]);
	}
}

/* A node that nothing is known of is taken to be like the others. */
static void test_multiplier_of_the_fleet(void **state)
{
	struct scene *s = *state;
	begin(s, 100);
	near(forecast_multiplier(&s->all, &s->f[1]), 1, 0.2);
	s->node[0].factor = 4;
	run(s, 120, 5);
	near(forecast_multiplier(&s->all, &s->f[1]), 4, 0.3);
}

/* Samples that jump are no viewers that come and go. */
static void test_multiplier_in_noise(void **state)
{
	static const float noise[] = {0.03f, 0.15f};
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		setup(state);
		begin(s, 500);
		s->node[0].noise = s->node[1].noise = noise[i];
		run(s, 60, 0.5);
		run(s, 900, 0.5);
		assert_true(s->most < 5);
		float mean = s->multipliers / (float)s->samples;
		assert_true(mean > 0.4f && mean < 2.5f);
	}
}

/* What crowds bring in noise is learned crowd by crowd: it says nothing of
 * what an ordinary answer brings, of which there are few. */
static void test_multiplier_beside_crowds(void **state)
{
	struct scene *s = *state;
	begin(s, 500);
	for (unsigned i = 0; i < 200; i++) {
		forecast_reserve(&s->all, &s->f[0], true, 0, 15, 3);
		s->node[0].crowd = 15 * (0.5 + rng_unit(&s->rng));
		run(s, 3, 0.1);
		assert_true(forecast_multiplier(&s->all, &s->f[0]) < 3);
	}
}

/* -- the filter -- */

/* The noisier the samples the less one of them counts, and the steadier is the
 * estimate. */
static void test_noise_lowers_the_gain(void **state)
{
	static const float noise[] = {0, 0.03f, 0.15f};
	float last = 2;
	for (unsigned i = 0; i < 3; i++) {
		struct scene *s = *state;
		double worst = 0;
		setup(state);
		begin(s, 500);
		s->node[0].noise = noise[i];
		run(s, 120, 0.3);
		assert_true(s->f[0].gain < last || !i);
		last = s->f[0].gain;
		for (int k = 0; k < 100; k++) {
			run(s, 3, 0.3);
			worst = fmax(worst,
				fabs(estimate(s, 0) - s->node[0].viewers));
		}
		if (noise[i] > 0.1f) /* steadier than its samples */
			assert_true(worst < noise[i] * 500);
	}
	assert_true(last < 0.5f);
}

/* The stream ends and half of them go. Who comes then is still one viewer. */
static void test_mass_departure(void **state)
{
	struct scene *s = *state;
	begin(s, 800);
	run(s, 60, 2);
	s->node[0].viewers /= 2;
	run(s, 9, 2);
	near(estimate(s, 0), s->node[0].viewers, 0.25);
	near(forecast_multiplier(&s->all, &s->f[0]), 1, 0.5);
	near(forecast_multiplier(&s->all, &s->f[1]), 1, 0.5); /* the fleet */
	run(s, 30, 2);
	near(estimate(s, 0), s->node[0].viewers, 0.1);
	near(forecast_multiplier(&s->all, &s->f[0]), 1, 0.3);
}

/* Seconds until the estimate is within a tenth of a jump. */
static unsigned seconds_to_follow(struct scene *s, double to)
{
	double from = s->node[0].viewers;
	unsigned seconds = 0;
	s->node[0].viewers = to;
	while (fabs(estimate(s, 0) - s->node[0].viewers) >
		0.1 * fabs(to - from)) {
		run(s, 1, to / FORECAST_SESSION_S);
		seconds++;
		assert_true(seconds < 120);
	}
	return seconds;
}

/* A jump that is true is believed soon, in quiet samples and in noisy ones. */
static void test_jump(void **state)
{
	struct scene *s = *state;
	begin(s, 300);
	assert_in_range(seconds_to_follow(s, 600), 1, 5 * POLL_MS / 1000);
	setup(state);
	begin(s, 300);
	s->node[0].noise = 0.03f;
	run(s, 120, 0.3);
	assert_in_range(seconds_to_follow(s, 600), 1, 10 * POLL_MS / 1000);
}

/* A rush of twenty times what was promised, a tenth of the capacity a second:
 * samples that all lie above the estimate are no noise. */
static void test_rush(void **state)
{
	struct scene *s = *state;
	begin(s, 100);
	s->node[0].factor = 20;
	run(s, 12, 5);
	near(estimate(s, 0), s->node[0].viewers, 0.25);
	run(s, 18, 5);
	near(estimate(s, 0), s->node[0].viewers, 0.1);
	near(forecast_multiplier(&s->all, &s->f[0]), 20, 0.3);
}

/* -- without samples -- */

/* Nobody is polled: promises and departures go on, also of those that fell out
 * of the window of bins. */
static void test_without_samples(void **state)
{
	struct scene *s = *state;
	begin(s, 200);
	s->silent = true;
	for (int i = 0; i < 20; i++) {
		run(s, 30, 4);
		near(estimate(s, 0), s->node[0].viewers, 0.05);
		near(estimate(s, 1), s->node[1].viewers, 0.05);
	}
	double before = estimate(s, 0);
	run(s, 600, 0); /* none come: they leave */
	near(estimate(s, 0), s->node[0].viewers, 0.05);
	assert_true(estimate(s, 0) < 0.8 * before);
}

/* Polled again after a silence in which all was as promised: that is no
 * surprise, and one promised viewer is still one. */
static void test_after_a_silence(void **state)
{
	struct scene *s = *state;
	begin(s, 200);
	run(s, 120, 3);
	s->silent = true;
	run(s, 99, 3);
	s->silent = false;
	run(s, 30, 3);
	near(s->most, 1, 0.3);
	near(s->least, 1, 0.3);
	near(estimate(s, 0), s->node[0].viewers, 0.05);
	assert_true(fabsf(s->surprises) < 20);
}

/* -- time -- */

/* The clock jumps ahead (the machine slept): all promises are over, nothing is
 * negative or infinite, and some samples later all is well. */
static void test_time_jumps_ahead(void **state)
{
	static const int64_t jumps[] = {
		63000, 64000, 127000, 128000, 129000, 3600000, 86400000000};
	for (unsigned i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		struct scene *s = *state;
		setup(state);
		begin(s, 500);
		forecast_reserve(&s->all, &s->f[0], false, 5, 0.1f, 60);
		s->now += jumps[i] / POLL_MS * POLL_MS;
		forecast_advance(&s->all, s->f, 2, s->now);
		assert_in_range((int)s->f[0].viewers, 0, 550);
		assert_in_range(
			(int)forecast_reserved_ahead(&s->all, &s->f[0], s->now),
			0, 30);
		run(s, 60, 0.3);
		near(estimate(s, 0), s->node[0].viewers, 0.1);
		assert_true(forecast_multiplier(&s->all, &s->f[0]) < 3);
		assert_true(
			forecast_reserved_ahead(&s->all, &s->f[0], s->now) < 5);
	}
}

/* A sample that is not newer than the last one (the node's clock stepped): it
 * is believed as it is, nothing is learned from it. */
static void test_sample_from_the_past(void **state)
{
	struct scene *s = *state;
	begin(s, 500);
	float before = forecast_multiplier(&s->all, &s->f[0]);
	int64_t at = s->f[0].at_ms;
	float surprise =
		forecast_sample(&s->all, &s->f[0], 700, CAPACITY, at - 5000);
	assert_float_equal(surprise, 0, 0);
	assert_float_equal(s->f[0].viewers, 700, 0);
	assert_true(s->f[0].at_ms >= at);
	assert_float_equal(
		forecast_multiplier(&s->all, &s->f[0]), before, 0.001);
	s->node[0].viewers = 700;
	run(s, 30, 0.4);
	near(estimate(s, 0), s->node[0].viewers, 0.05);
}

/* A restarted node: empty, whatever was. */
static void test_reset(void **state)
{
	struct scene *s = *state;
	begin(s, 500);
	forecast_reset(&s->f[0], 3, s->now);
	assert_float_equal(s->f[0].viewers, 3, 0);
	assert_float_equal(s->f[0].growth, 0, 0);
	assert_true(forecast_reserved_ahead(&s->all, &s->f[0], s->now) < 2);
}

/* Promises show growth before samples can show it, and never negative. */
static void test_growth(void **state)
{
	struct scene *s = *state;
	begin(s, 500);
	assert_true(forecast_growth(&s->all, &s->f[0], s->now) < 1);
	run(s, 2, 40);
	assert_true(forecast_growth(&s->all, &s->f[0], s->now) > 20);
	run(s, 10, 40);
	near(forecast_growth(&s->all, &s->f[0], s->now), 40, 0.3);
	s->node[0].viewers = 100;
	run(s, 9, 0);
	assert_true(forecast_growth(&s->all, &s->f[0], s->now) >= 0);
	assert_true(forecast_growth(&s->all, &s->f[0], s->now) < 5);
}

/* What grows without any promise is seen by its samples: most of it by the second
 * one, and never more than it is. */
static void test_growth_of_samples(void **state)
{
	struct forecast_fleet all = {
		.second = 1000, .servers = 1, .session_s = 1e9f};
	struct forecast f = {0};
	(void)state;
	forecast_sample(&all, &f, 500, CAPACITY, 1000000);
	for (int i = 1; i <= 20; i++) {
		forecast_sample(&all, &f, 500 + 30 * (float)i, CAPACITY,
			1000000 + 3000 * i);
		float growth = forecast_growth(&all, &f, 1000000 + 3000 * i);
		assert_true(growth < 10.5f);
		assert_true(growth > (i < 3 ? 5 : i < 6 ? 8 : 9.5f));
	}
}

/* A second is counted as long as it is in the window, whole or in part, and by no
 * question for an earlier time twice. */
static void test_oldest_second(void **state)
{
	struct forecast_fleet all = {
		.second = 1000, .servers = 1, .session_s = 1700};
	struct forecast f = {0};
	(void)state;
	forecast_reserve(&all, &f, false, 5, 0, 0);
	for (int64_t s = 1000; s < 1000 + FORECAST_BINS / 2; s++) {
		forecast_advance(&all, &f, 1, s * 1000);
		near(forecast_reserved_here(&all, &f, 0, INT64_MAX / 2), 5,
			1e-4);
		near(forecast_reserved_here(&all, &f, 1000500, s * 1000 + 1000),
			2.5, 1e-4);
		near(forecast_reserved_here(&all, &f, 0, 1000250), 1.25, 1e-4);
		near(forecast_reserved_here(&all, &f, 0, 1000000), 0, 0);
		near(forecast_reserved_here(&all, &f, 1001000, INT64_MAX / 2),
			0, 0);
	}
	forecast_advance(&all, &f, 1, (1000 + FORECAST_BINS / 2) * 1000);
	near(forecast_reserved_here(&all, &f, 0, INT64_MAX / 2), 0, 0);
}

/* An answer's rate lies in the seconds that it lives, no longer than bins reach. */
static void test_rate_lies_ahead(void **state)
{
	struct forecast_fleet all = {
		.second = 1000, .servers = 1, .session_s = 1700};
	static const unsigned lengths[] = {0, 1, 2, 60, 64, 65, 1000};
	(void)state;
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct forecast f = {0};
		unsigned n = lengths[i] < FORECAST_BINS / 2 ? lengths[i]
							    : FORECAST_BINS / 2;
		forecast_reserve(&all, &f, true, 0, 3, lengths[i]);
		near(forecast_reserved(&all, &f, 1000000, INT64_MAX / 2),
			3 * (float)n, 1e-3);
		if (n)
			near(forecast_reserved(&all, &f, 1000000, 1001000), 3,
				1e-4);
		near(forecast_reserved(&all, &f, 999000, 1000000), 0, 0);
	}
}

/* A node without samples goes on by what is reserved and by viewers that
 * leave. */
static void test_goes_on_alone(void **state)
{
	struct forecast_fleet all = {
		.second = 1000, .servers = 1, .session_s = 1000};
	struct forecast f = {0};
	(void)state;
	forecast_sample(&all, &f, 500, CAPACITY, 1000000);
	forecast_advance(&all, &f, 1, 1045000);
	near(f.viewers, 500, 0);
	forecast_reserve(&all, &f, true, 40, 0, 0); /* not seen yet */
	forecast_advance(&all, &f, 1, 1046000);
	near(f.viewers, 500 * (1 - 0.0235f), 0.01);
	near(forecast_reserved_ahead(&all, &f, 1046000), 40 * 1.25f, 0.01);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

/* What bins hold between two times, looking at each of them. */
static float look_at_all(const struct forecast_fleet *all, const float *bins,
	int64_t from_ms, int64_t to_ms)
{
	int64_t first = all->second - FORECAST_BINS / 2 + 1;
	int64_t last = first + FORECAST_BINS;
	float s = 0;

	from_ms = from_ms < first * 1000 ? first * 1000 : from_ms;
	to_ms = to_ms > last * 1000 ? last * 1000 : to_ms;
	if (to_ms <= from_ms)
		return 0;
	int64_t a = from_ms / 1000, b = (to_ms - 1) / 1000;
	for (int64_t i = a; i <= b; i++)
		s += bins[i % FORECAST_BINS];
	s -= bins[a % FORECAST_BINS] * (float)(from_ms - a * 1000) * 0.001f;
	s -= bins[b % FORECAST_BINS] * (float)((b + 1) * 1000 - to_ms) * 0.001f;
	return s;
}

/* Bins that nobody promised anything in are left out, and are not missed. */
static void test_no_bin_is_missed(void **state)
{
	struct scene *s = *state;
	struct forecast *f = &s->f[0];
	unsigned some = 0;

	for (unsigned i = 0; i < 20000; i++) {
		s->now += (int64_t)(rng_next(&s->rng) % 8 ? 150 : 20000);
		forecast_advance(&s->all, s->f, 2, s->now);
		if (rng_next(&s->rng) % 4 == 0)
			forecast_reserve(&s->all, f, rng_next(&s->rng) % 2,
				(float)(rng_next(&s->rng) % 3),
				(float)(rng_next(&s->rng) % 3) - 1,
				(unsigned)(rng_next(&s->rng) % 90));
		int64_t from =
			s->now - 40000 + (int64_t)(rng_next(&s->rng) % 80000);
		int64_t to = from + (int64_t)(rng_next(&s->rng) % 60000);
		float expected = look_at_all(&s->all, f->light, from, to) +
			look_at_all(&s->all, f->learned, from, to);
		assert_true(forecast_reserved_here(&s->all, f, from, to) ==
			expected);
		some += expected != 0;
	}
	assert_in_range(some, 5000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_promises_in_time),
		TEST(test_no_bin_is_missed),
		TEST(test_promises_add_up),
		TEST(test_promises_stay_in_place),
		TEST(test_longer_than_the_window),
		TEST(test_sample_removes),
		TEST(test_multiplier),
		TEST(test_multiplier_of_the_fleet),
		TEST(test_multiplier_in_noise),
		TEST(test_multiplier_beside_crowds),
		TEST(test_noise_lowers_the_gain),
		TEST(test_mass_departure),
		TEST(test_jump),
		TEST(test_rush),
		TEST(test_without_samples),
		TEST(test_after_a_silence),
		TEST(test_time_jumps_ahead),
		TEST(test_sample_from_the_past),
		TEST(test_reset),
		TEST(test_growth),
		TEST(test_growth_of_samples),
		TEST(test_oldest_second),
		TEST(test_rate_lies_ahead),
		TEST(test_goes_on_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
