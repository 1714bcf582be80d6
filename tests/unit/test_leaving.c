/* What the connections of nodes say of viewers who leave: a fleet that is polled
 * every five seconds, whose viewers come and go by chance. */
#include "world.h"

#include "base/rng.h"
#include "fleet/leaving.h"

#define NODES 8
#define STAY_S 1700.0f
#define POLL_S 5

struct scene {
	struct leaving leaving[NODES];
	double viewers[NODES];
	struct rng rng;
	int64_t now;
};

/* Of n things that each happen with probability p, so many. */
static double some(struct scene *s, double n, double p)
{
	double mean = n * p, u = 0;
	for (unsigned i = 0; i < 12; i++)
		u += rng_unit(&s->rng);
	return fmax(0, round(mean + (u - 6) * sqrt(mean)));
}

static bool is_seen(const struct scene *s, unsigned node)
{
	struct leaving_fleet all = {0};
	for (unsigned i = 0; i < NODES; i++)
		leaving_add(&all, &s->leaving[i]);
	return leaving_is_seen(&s->leaving[node], &all, STAY_S);
}

/* A poll later: as many come as go, `come` of them, and node 0 loses a share, all
 * others another. Whether it is seen of a node other than 0 is never true. */
static void pass(struct scene *s, double come, double lost, double others_lost)
{
	s->now += POLL_S * 1000;
	for (unsigned i = 0; i < NODES; i++) {
		double v = s->viewers[i];
		double turn = POLL_S / (double)STAY_S;
		v += some(s, v * come, turn) - some(s, v, turn);
		v -= some(s, v, i == 0 ? lost : others_lost);
		s->viewers[i] = fmax(0, v);
		leaving_sample(&s->leaving[i], (float)s->viewers[i], s->now);
	}
	for (unsigned i = 1; i < NODES; i++)
		assert_false(is_seen(s, i));
}

static void begin(struct scene *s, double viewers, uint64_t seed)
{
	*s = (struct scene){.rng = {seed}, .now = 1000000};
	for (unsigned i = 0; i < NODES; i++)
		s->viewers[i] = viewers;
	for (unsigned t = 0; t < 60; t++)
		pass(s, 1, 0, 0);
}

static const double sizes[] = {3, 20, 300, 2000, 50000};

/* Viewers come and go: nothing is seen in an hour, of any of the nodes. */
static void test_chance(void **state)
{
	struct scene s;
	for (unsigned i = 0; i < 5; i++)
		for (uint64_t seed = 1; seed <= 5; seed++) {
			begin(&s, sizes[i], seed);
			for (unsigned t = 0; t < 720; t++) {
				pass(&s, 1, 0, 0);
				assert_false(is_seen(&s, 0));
			}
		}
}

/* A tenth of the viewers leave with each poll: seen within half a minute, of a
 * small node within one. */
static void test_leave(void **state)
{
	struct scene s;
	for (unsigned i = 1; i < 5; i++) {
		unsigned polls = 0;
		begin(&s, sizes[i], 7);
		while (!is_seen(&s, 0) && polls++ < 100)
			pass(&s, 1, 0.1, 0);
		assert_true(polls <= (i == 1 ? 12u : 6u));
	}
}

/* Nobody comes any longer, since all are sent elsewhere: that is no leaving. */
static void test_nobody_comes(void **state)
{
	struct scene s;
	for (unsigned i = 0; i < 5; i++) {
		begin(&s, sizes[i], 8);
		for (unsigned t = 0; t < 120; t++) {
			pass(&s, 1, 0, 0);
			/* those who came to node 0 are taken back */
			s.viewers[0] -= s.viewers[0] * POLL_S / STAY_S;
			assert_false(is_seen(&s, 0));
		}
	}
}

/* Classes end everywhere at the hour. */
static void test_classes_end(void **state)
{
	struct scene s;
	for (unsigned i = 0; i < 5; i++) {
		begin(&s, sizes[i], 9);
		for (unsigned t = 0; t < 12; t++) {
			pass(&s, 1, 0.1, 0.1);
			assert_false(is_seen(&s, 0));
		}
	}
}

/* A node is alone: what its viewers do is all that there is. */
static void test_alone(void **state)
{
	struct leaving one = {0};
	struct leaving_fleet all = {0};
	assert_false(leaving_is_seen(&one, &all, STAY_S));
	leaving_sample(&one, 1000, 1000000);
	leaving_sample(&one, 700, 1005000);
	leaving_add(&all, &one);
	assert_true(leaving_is_seen(&one, &all, STAY_S));
}

/* A node had so many viewers at one poll, and has so many at the next. */
struct two_polls {
	float had, has;
};

/* Whether leaving is seen of the first one. */
static bool is_seen_of_first(const struct two_polls *polls, unsigned n)
{
	struct leaving nodes[4] = {0};
	struct leaving_fleet all = {0};
	for (unsigned i = 0; i < n; i++) {
		leaving_sample(&nodes[i], polls[i].had, 1000000);
		leaving_sample(&nodes[i], polls[i].has, 1005000);
		leaving_add(&all, &nodes[i]);
	}
	return leaving_is_seen(&nodes[0], &all, STAY_S);
}

/* Of 1000 viewers 57 may be missing by chance and because none come; losses
 * that other nodes have as well do not count. */
static void test_how_many(void **state)
{
	static const struct {
		const char *what;
		struct two_polls polls[4];
		unsigned n;
		bool seen;
	} rows[] = {
		{"57, alone", {{1000, 943}}, 1, false},
		{"58, alone", {{1000, 942}}, 1, true},
		{"57", {{1000, 943}, {500, 500}}, 2, false},
		{"58", {{1000, 942}, {500, 500}}, 2, true},
		{"others gain", {{1000, 1000}, {500, 900}}, 2, false},
		{"others lose a tenth", {{1000, 850}, {500, 450}}, 2, false},
		{"and it more", {{1000, 840}, {500, 450}}, 2, true},
		{"of two others", {{1000, 840}, {200, 200}, {800, 700}}, 3,
			true},
		{"one other, who left", {{1000, 500}, {1, 0}}, 2, false},
		{"others are empty", {{1000, 200}, {10, 0}, {0, 0}, {0, 0}}, 4,
			false},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_seen_of_first(rows[i].polls, rows[i].n) != rows[i].seen)
			fail_msg("%s", rows[i].what);
}

/* What was lost fades within a minute. */
static void test_fades(void **state)
{
	struct leaving one = {0};
	(void)state;
	leaving_sample(&one, 1000, 1000000);
	leaving_sample(&one, 900, 1005000);
	assert_float_equal(one.change, -100, 1e-3);
	leaving_sample(&one, 900, 1045000);
	assert_float_equal(one.change, -100 * expf(-1), 1e-3);
	leaving_sample(&one, 900, 1045000); /* the same moment again */
	assert_float_equal(one.change, -100 * expf(-1), 1e-3);
	leaving_sample(&one, 950, 1045000);
	assert_float_equal(one.change, -100 * expf(-1), 1e-3);
	leaving_sample(&one, 900, 1045000);
	leaving_sample(&one, 910, 1085000);
	assert_float_equal(one.change, -100 * expf(-2) + 10, 1e-3);
}

/* A node had what it has and has lost; one that had nobody before its viewers came had
 * nobody. */
static void test_had_before(void **state)
{
	const struct leaving rows[] = {
		{0, 0, 0}, {100, -20, 0}, {100, 100, 0}, {90, 95, 0}};
	struct leaving_fleet all = {0};
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		leaving_add(&all, &rows[i]);
		assert_float_equal(all.before, i ? 120 : 0, 0);
	}
	assert_float_equal(all.change, 175, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_nobody_comes),
		cmocka_unit_test(test_classes_end),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_fades),
		cmocka_unit_test(test_had_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
