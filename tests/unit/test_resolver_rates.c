/* The table of large resolvers' rates: what is found, what is forgotten, and that no
 * question for a large one passes it by. */
#include "world.h"

#include "base/rng.h"
#include "ledger/resolver_rates.h"
#include "memory.h"

#define LEAST 0.002f
#define MOST 2000.0f
#define STALE 1024 /* marks of those that are gone, at most */

static int setup(void **state)
{
	*state = resolver_rates_new(9);
	return 0;
}

static int teardown(void **state)
{
	resolver_rates_free(*state);
	return 0;
}

static bool claim(struct resolver_rates *rates, uint64_t key, int64_t now)
{
	bool made;
	unsigned entry = resolver_rates_claim(rates, key, now, &made);
	assert_true(entry < RESOLVER_RATES);
	return made;
}

static void set(
	struct resolver_rates *rates, uint64_t key, int64_t now, float r)
{
	bool made;
	resolver_rates_set(
		rates, resolver_rates_claim(rates, key, now, &made), r);
}

/* A key's marks lie by its upper bits. */
static uint64_t key_of(uint64_t i)
{
	return hash_mix(i + 1);
}

/* What is not known has no rate, whatever its key (9 is the secret, too); what is made
 * has the least. */
static void test_found(void **state)
{
	struct resolver_rates *rates = *state;
	bool made;
	for (uint64_t i = 0; i < 100; i++)
		assert_true(resolver_rates_find(rates, i) < 0);
	unsigned entry = resolver_rates_claim(rates, 5, 1000, &made);
	assert_true(made);
	assert_float_equal(resolver_rates_find(rates, 5), LEAST, 0);
	resolver_rates_set(rates, entry, 7);
	assert_float_equal(resolver_rates_find(rates, 5), 7, 0);
	assert_float_equal(resolver_rates_get(rates, entry), 7, 0);
	assert_int_equal(resolver_rates_claim(rates, 5, 2000, &made), entry);
	assert_false(made);
	assert_float_equal(resolver_rates_find(rates, 5), 7, 0);
	assert_true(resolver_rates_find(rates, 6) < 0);
}

/* However wrong what was learned: a rate stays within bounds. */
static void test_bounds(void **state)
{
	struct resolver_rates *rates = *state;
	static const float in[] = {-5, 0, 0.001f, 0.5f, 1999, 2001, 1e30f};
	static const float out[] = {
		LEAST, LEAST, LEAST, 0.5f, 1999, MOST, MOST};
	for (unsigned i = 0; i < 7; i++) {
		set(rates, 5, 1000, in[i]);
		assert_float_equal(resolver_rates_find(rates, 5), out[i], 0);
	}
}

/* After ten minutes without a question it begins anew; each question counts. */
static void test_forgotten(void **state)
{
	struct resolver_rates *rates = *state;
	set(rates, 5, 1000, 7);
	assert_false(claim(rates, 5, 600999));
	assert_false(claim(rates, 5, 1200998));
	assert_float_equal(resolver_rates_find(rates, 5), 7, 0);
	assert_true(claim(rates, 5, 1800998));
	assert_float_equal(resolver_rates_find(rates, 5), LEAST, 0);
	assert_false(claim(rates, 5, 1800998));
}

/* Without the secret it is not known which keys push each other out. */
static void test_secret(void **state)
{
	struct resolver_rates *rates = *state;
	struct resolver_rates *other = resolver_rates_new(10);
	unsigned same = 0;
	bool made;
	for (uint64_t i = 0; i < 100; i++) {
		unsigned a = resolver_rates_claim(rates, i, 1000, &made);
		unsigned b = resolver_rates_claim(other, i, 1000, &made);
		assert_true(resolver_rates_tag(rates, a) !=
			resolver_rates_tag(other, b));
		same += a == b;
	}
	assert_true(same < 5);
	resolver_rates_free(other);
}

/* Tags tell the resolvers of one entry apart, one after the other. */
static void test_tags(void **state)
{
	struct resolver_rates *rates = *state;
	bool made;
	unsigned entry = resolver_rates_claim(rates, 0, 1000, &made);
	uint64_t tag = resolver_rates_tag(rates, entry), other = 0;
	assert_true(tag != 0);
	for (uint64_t i = 1; resolver_rates_find(rates, 0) >= 0; i++) {
		unsigned at = resolver_rates_claim(
			rates, key_of(i), 1000 + (int64_t)i, &made);
		if (at == entry)
			other = resolver_rates_tag(rates, at);
	}
	assert_true(other != 0 && other != tag);
}

/* Nearly as many as the table has entries are known at a time; the new ones push
 * out those that were asked for least lately. */
static void test_full(void **state)
{
	struct resolver_rates *rates = *state;
	unsigned known = 0, older = 0;
	for (uint64_t i = 0; i < RESOLVER_RATES; i++)
		claim(rates, key_of(i), (int64_t)i);
	for (uint64_t i = 0; i < RESOLVER_RATES; i++)
		known += resolver_rates_find(rates, key_of(i)) >= 0;
	assert_true(known > RESOLVER_RATES * 7 / 10);
	for (uint64_t i = 0; i < 4 * RESOLVER_RATES; i++) {
		int64_t now = RESOLVER_RATES + (int64_t)i;
		claim(rates, key_of(RESOLVER_RATES + i), now);
		assert_true(resolver_rates_find(
				    rates, key_of(RESOLVER_RATES + i)) >= 0);
		if (i % 1000 == 0)
			claim(rates, 5, now);
		assert_true(resolver_rates_find(rates, 5) >= 0);
	}
	for (uint64_t i = 0; i < 2 * RESOLVER_RATES; i++)
		older += resolver_rates_find(rates, key_of(i)) >= 0;
	assert_true(older < RESOLVER_RATES / 100);
}

/* -- marks -- */

static bool is_marked(const struct resolver_rates *rates, uint64_t key)
{
	return resolver_is_marked(resolver_rates_marks(rates), key);
}

/* A known key is marked, another one is not: also at the ends of the words. */
static void test_marks(void **state)
{
	struct resolver_rates *rates = *state;
	for (uint64_t i = 0; i < 130; i++)
		assert_false(is_marked(rates, i << 47));
	for (uint64_t i = 0; i < 130; i += 3)
		claim(rates, i << 47, 1000);
	claim(rates, UINT64_MAX, 1000);
	for (uint64_t i = 0; i < 130; i++)
		assert_int_equal(is_marked(rates, i << 47), i % 3 == 0);
	assert_true(is_marked(rates, UINT64_MAX));
	assert_false(is_marked(rates, UINT64_MAX << 48));
}

static unsigned marks_of(const struct resolver_rates *rates)
{
	const struct resolver_marks *marks = resolver_rates_marks(rates);
	unsigned n = 0;
	for (unsigned i = 0; i < RESOLVER_MARKS / 64; i++)
		n += (unsigned)__builtin_popcountll(marks->word[i]);
	return n;
}

/* However many come and go: known keys are marked, and there are no more marks than
 * those, and a thousand of those that went. */
static void test_marks_of_who_went(void **state)
{
	struct resolver_rates *rates = *state;
	for (uint64_t i = 0; i < 6 * RESOLVER_RATES; i++) {
		claim(rates, key_of(i), (int64_t)i);
		assert_true(is_marked(rates, key_of(i)));
		if (i % 5000 != 4999)
			continue;
		unsigned known = 0;
		for (uint64_t k = 0; k <= i; k++)
			if (resolver_rates_find(rates, key_of(k)) >= 0) {
				assert_true(is_marked(rates, key_of(k)));
				known++;
			}
		assert_true(marks_of(rates) <= known + STALE);
	}
}

/* Marks of the first n keys that are known, each once. */
static unsigned marks_of_known(const struct resolver_rates *rates, uint64_t n)
{
	static bool seen[RESOLVER_MARKS];
	unsigned marks = 0;
	memset(seen, 0, sizeof seen);
	for (uint64_t i = 0; i < n; i++) {
		unsigned mark = resolver_mark(key_of(i));
		if (seen[mark] || resolver_rates_find(rates, key_of(i)) < 0)
			continue;
		seen[mark] = true;
		marks++;
	}
	return marks;
}

/* They are made anew only now and then, after a thousand have gone; then they are
 * those of known keys, no more. */
static void test_marks_are_made_anew(void **state)
{
	struct resolver_rates *rates = *state;
	unsigned anew = 0, last = 0;
	uint64_t at = 0, gone = 0;
	for (uint64_t i = 0; i < 4 * RESOLVER_RATES; i++) {
		claim(rates, key_of(i), (int64_t)i);
		unsigned now = marks_of(rates);
		if (now < last) {
			/* one of them is of the key that goes just now */
			unsigned known = marks_of_known(rates, i + 1);
			assert_in_range(now, known, known + 1);
			anew++;
			gone = i - at;
			at = i;
		}
		last = now;
	}
	/* In the end each that comes replaces one. */
	assert_int_equal(gone, STALE + 1);
	assert_in_range(anew, 40, 4 * RESOLVER_RATES / STALE);
}

static void test_memory(void **state)
{
	size_t before = 0;
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct resolver_rates *rates = resolver_rates_new(i);
		resolver_rates_free(rates);
		if (i == 0)
			before = memory_of_heap();
	}
	assert_true(memory_of_heap() < before + 100000);
	resolver_rates_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),
		TEST(test_bounds),
		TEST(test_forgotten),
		TEST(test_secret),
		TEST(test_tags),
		TEST(test_full),
		TEST(test_marks),
		TEST(test_marks_of_who_went),
		TEST(test_marks_are_made_anew),
		TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
