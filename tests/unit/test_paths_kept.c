/* What is kept of paths over a restart: paths.h, the octets of keep.c. */
#include "paths_world.h"

static uint8_t *keep(unsigned node, size_t *len)
{
	struct paths_kept kept;
	paths_keep(t.p, t.node[node], t.node[node] + 1, t.now, &kept);
	*len = kept.len;
	return kept.body;
}

/* What is kept is known again, as old as it is then. */
static void test_kept(void **state)
{
	size_t len;
	say_all(&hong_kong, HK, 6, 90);
	say_all(&shanghai, HK, 6, 40);
	lose(&shanghai, JP, 6, 0.04f);
	learn();
	float lost = found(&shanghai, JP).loss_ms;
	assert_null(keep(UK, &len));
	uint8_t *kept = keep(HK, &len);
	struct paths *again = paths_new();
	paths_set_map(again, t.w.map);
	assert_true(paths_restore(again, t.node[HK], kept, len, 0, t.now));
	free(kept);
	kept = keep(JP, &len);
	assert_true(paths_restore(again, t.node[JP], kept, len, 0, t.now));
	paths_free(t.p);
	t.p = again;
	learn();
	assert_int_equal(paths_count(t.p), 3);
	believed(&hong_kong, HK, 90, 4);
	believed(&shanghai, HK, 40, 4);
	assert_float_equal(found(&shanghai, JP).loss_ms, lost, 20);
	/* A month ago is too long, a quarter of an hour for loss. */
	assert_true(
		paths_restore(t.p, t.node[JP], kept, len, 20 * MINUTE, t.now));
	learn();
	assert_float_equal(found(&shanghai, JP).loss_ms, 0, 0.01);
	paths_free(t.p);
	t.p = paths_new();
	paths_set_map(t.p, t.w.map);
	assert_true(paths_restore(
		t.p, t.node[JP], kept, len, 31 * 24 * (int64_t)HOUR, t.now));
	assert_int_equal(paths_count(t.p), 0);
	free(kept);
}

/* Octets that are not ours, each octet changed and each length. */
static void test_kept_is_broken(void **state)
{
	size_t len;
	lose(&shanghai, JP, 6, 0.04f);
	learn();
	uint8_t *kept = keep(JP, &len);
	for (size_t i = 0; i < len; i++) {
		if (i > 1)
			assert_false(paths_restore(
				t.p, t.node[JP], kept, i, 0, t.now));
		for (int bit = 0; bit < 8; bit++) {
			kept[i] ^= (uint8_t)(1 << bit);
			bool taken = paths_restore(
				t.p, t.node[JP], kept, len, 0, t.now);
			assert_true(i || !taken);
			kept[i] ^= (uint8_t)(1 << bit);
		}
	}
	learn();
	assert_false(paths_restore(t.p, t.node[JP], kept, 0, 0, t.now));
	free(kept);
}

/* -- the octets of an area, version 1: where a field is, behind the version -- */

enum {
	LAT = 1,
	LON = 5,
	COUNTRY = 13,
	SOURCE = 15,
	RTT = 17,
	WEIGHT = 21,
	LOSS = 25,
	AGE_S = 29
};

static float field(const uint8_t *kept, unsigned at)
{
	float value;
	memcpy(&value, kept + at, sizeof value);
	return value;
}

/* A loss that is not known stays so, the age of the last report and the country are
 * kept. */
static void test_kept_fields(void **state)
{
	struct place place = hong_kong;
	size_t len;
	memcpy(place.country, "HK", 2);
	struct path_report r = report(&place, HK, 0, 90);
	r.loss = -1;
	assert_true(paths_report(t.p, &r, t.now));
	learn();
	t.now += 7 * MINUTE;
	uint8_t *kept = keep(HK, &len);
	assert_int_equal(len, 33);
	assert_true(field(kept, LOSS) == -1);
	assert_true(field(kept, RTT) == 90);
	uint32_t age_s;
	memcpy(&age_s, kept + AGE_S, sizeof age_s);
	assert_int_equal(age_s, 7 * 60);
	struct paths *again = paths_new();
	paths_set_map(again, t.w.map);
	assert_true(paths_restore(again, t.node[HK], kept, len, 0, t.now));
	paths_free(t.p);
	t.p = again;
	learn();
	assert_memory_equal(area_of(&place)->place.country, "HK", 2);
	assert_int_equal(found(&place, HK).known->at_ms, t.now - 7 * MINUTE);
	free(kept);
}

/* What no path can be is not restored, to the last value that can. */
static void test_kept_bounds(void **state)
{
	static const struct {
		unsigned at;
		float value;
		bool good;
	} rows[] = {{LAT, 90, true}, {LAT, 90.01f, false}, {LAT, -90, true},
		{LAT, -90.01f, false}, {LON, 180, true}, {LON, 180.1f, false},
		{LON, -180, true}, {LON, -180.1f, false}, {LAT, NAN, false},
		{LON, NAN, false}, {RTT, PATH_RTT_MOST_MS, true},
		{RTT, PATH_RTT_MOST_MS + 1, false}, {RTT, 0, false},
		{RTT, -1, false}, {RTT, 0.1f, true}, {RTT, NAN, false},
		{WEIGHT, 0, false}, {WEIGHT, 0.01f, true}, {WEIGHT, 999, true},
		{WEIGHT, 1000, false}, {WEIGHT, NAN, false}, {LOSS, -1, true},
		{LOSS, -1.01f, false}, {LOSS, 1, true}, {LOSS, 1.01f, false},
		{LOSS, NAN, false}};
	size_t len;
	say(&hong_kong, HK, 0, 90);
	learn();
	uint8_t *kept = keep(HK, &len), octets[64];
	assert_true(len <= sizeof octets);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(octets, kept, len);
		memcpy(octets + rows[i].at, &rows[i].value, 4);
		if (paths_restore(t.p, t.node[HK], octets, len, 0, t.now) !=
			rows[i].good)
			fail_msg("row %u", i);
	}
	for (unsigned source = 0; source < 8; source++) {
		memcpy(octets, kept, len);
		octets[SOURCE] = (uint8_t)source;
		assert_int_equal(
			paths_restore(t.p, t.node[HK], octets, len, 0, t.now),
			source >= PLACE_COUNTRY && source <= PLACE_NETS);
	}
	free(kept);
}

/* Not older than thirty days, by the clock of then and now; a clock that was set back
 * makes nothing younger than it was. */
static void test_kept_too_long(void **state)
{
	const int64_t month_ms = 30 * 24 * (int64_t)HOUR;
	size_t len;
	say(&hong_kong, HK, 0, 90);
	learn();
	t.now += MINUTE;
	uint8_t *kept = keep(HK, &len);
	for (unsigned late = 0; late < 3; late++) {
		paths_free(t.p);
		t.p = paths_new();
		paths_set_map(t.p, t.w.map);
		int64_t ago_ms = late == 2 ? -HOUR : month_ms - MINUTE + late;
		assert_true(paths_restore(
			t.p, t.node[HK], kept, len, ago_ms, t.now));
		assert_int_equal(paths_count(t.p), late != 1);
	}
	learn();
	assert_int_equal(found(&hong_kong, HK).known->at_ms, t.now - MINUTE);
	free(kept);
}

/* -- other name servers -- */

static bool told(const struct place *place, unsigned node, unsigned server,
	float rtt_ms, float loss, uint32_t age_s)
{
	struct path_evidence known = {.place = *place,
		.rtt_ms = rtt_ms,
		.weight = 3,
		.loss = loss,
		.age_s = age_s};
	return paths_told(t.p, t.node[node], server, &known, t.now);
}

/* A new name server believes what the others say. */
static void test_told(void **state)
{
	(void)state;
	for (unsigned server = 0; server < 3; server++)
		assert_true(told(&hong_kong, JP, server, 120, 0.05f, 60));
	learn();
	float loss_ms = found(&hong_kong, JP).loss_ms;
	assert_true(loss_ms > 20);
	believed(&hong_kong, JP, 120 + loss_ms, 12);
	/* Their word again takes the place of the one before. */
	for (unsigned server = 0; server < 3; server++)
		assert_true(told(&hong_kong, JP, server, 60, 0, 1));
	learn();
	believed(&hong_kong, JP, 60, 8);
}

/* It counts as one network more, and takes no network's place. */
static void test_told_beside_own(void **state)
{
	(void)state;
	say_all(&hong_kong, JP, PATHS_NETWORKS - 1, 50);
	assert_true(told(&hong_kong, JP, 0, 300, -1, 1));
	assert_false(told(&hong_kong, JP, 1, 300, -1, 1));
	assert_true(told(&hong_kong, JP, 0, 310, -1, 1));
	learn();
	believed(&hong_kong, JP, 50, 4);
	say_all(&hong_kong, JP, PATHS_NETWORKS, 52);
	learn();
	believed(&hong_kong, JP, 52, 4);
}

/* What a server says is its own: others do not hear of theirs again. */
static void test_evidence(void **state)
{
	(void)state;
	struct path_evidence known[4];
	size_t len;
	assert_true(told(&hong_kong, JP, 0, 120, 0.05f, 60));
	assert_int_equal(paths_count(t.p), 1);
	assert_int_equal(paths_evidence(t.p, t.node[JP], t.now, known, 4), 0);
	say_all(&hong_kong, JP, 3, 50);
	lose(&shanghai, JP, 2, 0.02f);
	t.now += 2000;
	assert_int_equal(paths_evidence(t.p, t.node[JP], t.now, known, 4), 2);
	assert_int_equal(paths_evidence(t.p, t.node[JP], t.now, known, 1), 1);
	assert_int_equal(paths_evidence(t.p, t.node[HK], t.now, known, 4), 0);
	paths_evidence(t.p, t.node[JP], t.now, known, 4);
	assert_float_equal(known[0].rtt_ms, 50, 0.01);
	assert_float_equal(known[0].loss, 0, 0);
	assert_int_equal(known[0].age_s, 2);
	assert_float_equal(known[1].loss, 0.02, 1e-4);
	uint8_t *kept = keep(JP, &len);
	struct paths *again = paths_new();
	paths_set_map(again, t.w.map);
	assert_true(paths_restore(again, t.node[JP], kept, len, 0, t.now));
	free(kept);
	paths_free(t.p);
	t.p = again;
	learn();
	believed(&hong_kong, JP, 50, 4);
}

static void test_told_out_of_range(void **state)
{
	(void)state;
	static const struct place nowhere = {
		.lat = 91, .lon = 0, .source = PLACE_NETS};
	assert_false(told(&nowhere, JP, 0, 50, 0, 0));
	assert_false(told(&hong_kong, JP, 0, 0, 0, 0));
	assert_false(told(&hong_kong, JP, 0, 10001, 0, 0));
	assert_false(told(&hong_kong, JP, 0, 50, 1.1f, 0));
	assert_false(told(&hong_kong, UK, 0, 5, 0, 0)); /* faster than light */
	assert_false(told(&hong_kong, NO, 0, 50, 0, 0));
	assert_int_equal(paths_count(t.p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_kept),
		TEST(test_kept_is_broken),
		TEST(test_kept_fields),
		TEST(test_kept_bounds),
		TEST(test_kept_too_long),
		TEST(test_told),
		TEST(test_told_beside_own),
		TEST(test_evidence),
		TEST(test_told_out_of_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
