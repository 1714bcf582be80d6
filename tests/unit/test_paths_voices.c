/* What the networks of an area say of a node together: paths/private.h. */
#include "world.h"

#include "paths/private.h"

#define MINUTE 60000
#define HOUR 3600000
#define NOW (100 * (int64_t)HOUR)

/* Adds a network's report. */
static void add(struct entry *e, struct voice voice)
{
	unsigned i = 0;
	while (e->voice[i].net)
		assert_true(++i < PATHS_NETWORKS);
	e->voice[i] = voice;
	e->voice[i].net = i + 1;
	if (!voice.rtt_at_ms)
		e->voice[i].rtt_at_ms = NOW;
	if (!voice.loss_at_ms)
		e->voice[i].loss_at_ms = NOW;
}

static struct entry rtts(const float *ms, unsigned n)
{
	struct entry e = {0};
	for (unsigned i = 0; i < n; i++)
		add(&e, (struct voice){.rtt_ms = ms[i], .weight = 1});
	return e;
}

static void rtt_is(struct entry *e, float ms, float weight)
{
	paths_entry_rtt(e, NOW);
	assert_float_equal(e->rtt_ms, ms, 0.001);
	assert_float_equal(e->weight, weight, 0.001);
}

static void loss_is(const struct entry *e, float share, float weight)
{
	float all;
	assert_float_equal(paths_entry_said_loss(e, NOW, &all), share, 0.0001);
	assert_float_equal(all, weight, 0.001);
}

/* Nothing was said: no round trip and no loss, without weight. */
static void test_none(void **state)
{
	struct entry e = {.rtt_ms = 7, .weight = 7};
	rtt_is(&e, 0, 0);
	loss_is(&e, 0, 0);
}

static void test_one(void **state)
{
	struct entry e = {0};
	add(&e, (struct voice){.rtt_ms = 70, .loss = 0.03f, .weight = 2});
	rtt_is(&e, 70, 2);
	loss_is(&e, 0.03f, 2);
}

/* Of networks of the same weight the one in the middle says it, or the two, whatever
 * the others say, and in whatever order they came. */
static void test_median(void **state)
{
	struct entry e = rtts((float[]){40, 30, 900}, 3);
	rtt_is(&e, 40, 3);
	e = rtts((float[]){900, 40, 1}, 3);
	rtt_is(&e, 40, 3);
	e = rtts((float[]){50, 30}, 2);
	rtt_is(&e, 40, 2);
	e = rtts((float[]){90, 10, 80, 20, 70, 30, 60, 40, 50, 100}, 10);
	rtt_is(&e, 55, 10);
	e = rtts((float[]){900, 1, 900, 2, 900, 3, 60, 4, 50, 900}, 10);
	rtt_is(&e, 55, 10);
}

/* All the networks that are kept count, and no more. */
static void test_all_voices(void **state)
{
	struct entry e = rtts((float[]){12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
		PATHS_NETWORKS);
	rtt_is(&e, 6.5f, PATHS_NETWORKS);
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		e.voice[i].loss = 0.01f * e.voice[i].rtt_ms;
	loss_is(&e, 0.065f, PATHS_NETWORKS);
}

/* A network of much weight is as many networks. */
static void test_weight(void **state)
{
	struct entry e = rtts((float[]){30, 35, 40}, 3);
	add(&e, (struct voice){.rtt_ms = 90, .weight = 5});
	rtt_is(&e, 90, 8);
}

/* A round trip counts half after two hours, a third after four, and never nothing. */
static void test_rtt_fades(void **state)
{
	struct entry e = {0};
	add(&e,
		(struct voice){.rtt_ms = 70,
			.weight = 1,
			.rtt_at_ms = NOW - 2 * HOUR});
	rtt_is(&e, 70, 0.5f);
	e.voice[0].rtt_at_ms = NOW - 4 * HOUR;
	rtt_is(&e, 70, 1 / 3.0f);
	e.voice[0].rtt_at_ms = NOW - 10000 * (int64_t)HOUR;
	rtt_is(&e, 70, 1 / 5001.0f);
	add(&e, (struct voice){.rtt_ms = 20, .weight = 0.1f});
	rtt_is(&e, 20, 0.1f + 1 / 5001.0f);
}

/* Loss is the mean without the highest and lowest fifth of the weight. */
static void test_loss(void **state)
{
	static const float share[] = {0.9f, 0.02f, 0, 0.04f, 0.03f};
	struct entry e = {0};
	for (unsigned i = 0; i < 5; i++)
		add(&e, (struct voice){.loss = share[i], .weight = 2});
	loss_is(&e, 0.03f, 10);
	e.voice[0].loss = 0.05f; /* still the highest */
	loss_is(&e, 0.03f, 10);
	e.voice[1].loss = 0; /* with another one, of the lowest */
	loss_is(&e, 0.07f / 3, 10);
}

/* The fifth that is left out may be a part of one network. */
static void test_loss_of_few(void **state)
{
	struct entry e = {0};
	add(&e, (struct voice){.loss = 0.1f, .weight = 1});
	add(&e, (struct voice){.loss = 0, .weight = 1});
	loss_is(&e, 0.05f, 2);
	e.voice[1].weight = 3; /* 1 of 4: 0.2 of it is left */
	loss_is(&e, 0.1f * 0.2f / 2.4f, 4);
}

/* Who does not know of loss has no part in it; who saw none has. */
static void test_loss_not_known(void **state)
{
	struct entry e = {0};
	add(&e, (struct voice){.rtt_ms = 30, .loss = -1, .weight = 1});
	loss_is(&e, 0, 0);
	add(&e, (struct voice){.rtt_ms = 30, .loss = 0.1f, .weight = 1});
	loss_is(&e, 0.1f, 1);
	add(&e, (struct voice){.rtt_ms = 30, .loss = 0, .weight = 1});
	loss_is(&e, 0.05f, 2);
	rtt_is(&e, 30, 3);
}

/* Loss fades within minutes, and after a quarter of an hour it is forgotten. */
static void test_loss_fades(void **state)
{
	struct entry e = {0};
	add(&e,
		(struct voice){.loss = 0.1f,
			.weight = 2,
			.loss_at_ms = NOW - 5 * MINUTE});
	loss_is(&e, 0.1f, 2 * expf(-1));
	e.voice[0].loss_at_ms = NOW - 10 * MINUTE;
	loss_is(&e, 0.1f, 2 * expf(-2));
	e.voice[0].loss_at_ms = NOW - 15 * MINUTE + 1;
	loss_is(&e, 0.1f, 2 * expf(-3));
	e.voice[0].loss_at_ms = NOW - 15 * MINUTE;
	loss_is(&e, 0, 0);
}

/* What is kept of a network that was forgotten says nothing. */
static void test_forgotten(void **state)
{
	struct entry e = {0};
	add(&e, (struct voice){.rtt_ms = 90, .loss = 0.1f, .weight = 1});
	add(&e, (struct voice){.rtt_ms = 30, .loss = 0.2f, .weight = 1});
	e.voice[0].net = 0;
	rtt_is(&e, 30, 1);
	loss_is(&e, 0.2f, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_all_voices),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_rtt_fades),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_loss_of_few),
		cmocka_unit_test(test_loss_not_known),
		cmocka_unit_test(test_loss_fades),
		cmocka_unit_test(test_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
