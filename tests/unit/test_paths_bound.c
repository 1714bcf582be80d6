/* The bound of what is known of paths: when there is nearly no more room, the half of
 * which the last reports are older gives way. */
#include "paths_world.h"

#define GIVES_WAY_AT (PATHS_ENTRIES / 8 * 7)

/* An AS of Hong Kong, by number. */
static struct place as_place(unsigned i)
{
	struct place place = hong_kong;
	place.asn = i + 1;
	return place;
}

static void say_of(unsigned i, int64_t at_ms)
{
	struct place place = as_place(i);
	t.now = at_ms;
	assert_true(say(&place, HK, i, 30));
}

static bool is_known(unsigned i)
{
	struct place place = as_place(i);
	const struct path_area *area = area_of(&place);
	return area && area->n && area->place.asn == place.asn;
}

/* Beyond the bound the oldest are forgotten, and what comes is taken. */
static void test_bound(void **state)
{
	struct place place = hong_kong;
	say_all(&hong_kong, JP, 3, 60);
	for (unsigned i = 0; i < PATHS_ENTRIES + 100; i++) {
		place.asn = i + 1;
		t.now++;
		say(&place, HK, i, 30);
	}
	assert_int_equal(paths_count(t.p), PATHS_ENTRIES);
	learn();
	assert_int_equal(paths_count(t.p), PATHS_ENTRIES / 2);
	assert_true(say(&shanghai, HK, 0, 40));
	learn();
	assert_non_null(found(&shanghai, HK).known);
	assert_null(found(&hong_kong, JP).known);
}

/* All that is known came at once, nothing is older than the rest: half gives way. */
static void test_bound_at_once(void **state)
{
	struct place place = hong_kong;
	for (unsigned i = 0; i < PATHS_ENTRIES; i++) {
		place.asn = i + 1;
		say(&place, HK, i, 30);
	}
	learn();
	assert_int_equal(paths_count(t.p), PATHS_ENTRIES / 2);
	assert_true(say(&shanghai, HK, 0, 40));
}

/* Nothing gives way as long as an eighth is free. */
static void test_room(void **state)
{
	for (unsigned i = 0; i < GIVES_WAY_AT - 1; i++)
		say_of(i, 1000000 + i);
	paths_fit(t.p, t.now);
	assert_int_equal(paths_count(t.p), GIVES_WAY_AT - 1);
	say_of(GIVES_WAY_AT - 1, t.now);
	paths_fit(t.p, t.now);
	assert_int_equal(paths_count(t.p), GIVES_WAY_AT / 2);
}

/* The last report counts, not the first, and not the order of them. */
static void test_last_report(void **state)
{
	for (unsigned i = 0; i < GIVES_WAY_AT; i++)
		say_of(i, 1000000 + i);
	for (unsigned i = 0; i < GIVES_WAY_AT; i += 2)
		say_of(i, 3000000 - i);
	learn();
	assert_int_equal(paths_count(t.p), GIVES_WAY_AT / 2);
	for (unsigned i = 0; i < GIVES_WAY_AT; i++)
		assert_int_equal(is_known(i), i % 2 == 0);
}

/* Of many that came at once at the middle some stay, until it is half of all; all that
 * are newer stay, all that are older give way. */
static void test_some_at_once(void **state)
{
	unsigned n = GIVES_WAY_AT, known = 0;
	for (unsigned i = 0; i < n; i++)
		say_of(i, i % 4 == 1 ? 1000 : i % 4 == 0 ? 3000 : 2000);
	learn();
	assert_int_equal(paths_count(t.p), n / 2);
	for (unsigned i = 0; i < n; i++) {
		known += is_known(i);
		if (i % 4 < 2)
			assert_int_equal(is_known(i), i % 4 == 0);
	}
	assert_int_equal(known, n / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_bound),
		TEST(test_bound_at_once),
		TEST(test_room),
		TEST(test_last_report),
		TEST(test_some_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
