/* What client nets were told: one table for all threads. */
#include "world.h"

#include <pthread.h>

#include "base/rng.h"
#include "memory.h"

static struct sent sent(uint16_t node, uint32_t made_ms)
{
	return (struct sent){.node = node,
		.before = 7,
		.made_ms = made_ms,
		.ttl_s = 30,
		.types = STEER_A,
		.moved = 9};
}

static const struct sent nothing = {.node = MAP_NO_NODE, .before = MAP_NO_NODE};

/* As many nets as are asked for have room, and no more than twice as many. */
static void test_size(void **state)
{
	static const unsigned sizes[] = {200, 1 << 9, 1000, 1 << 14, 100000};
	(void)state;
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct sent_table *m = sent_table_new(sizes[i], 1);
		unsigned room = 2u << m->bucket_bits; /* a line and a half */
		assert_true(room >= sizes[i] && room < 2 * sizes[i]);
		sent_bucket(m, UINT64_MAX)->how[0] = 1; /* the last one */
		sent_table_free(m);
	}
	sent_table_free(NULL);
}

/* All that a table took is given back. */
static void test_memory(void **state)
{
	size_t pages = 0, heap = 0;
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		sent_table_free(sent_table_new(1 << 16, 1));
		if (i == 0) {
			pages = memory_of_pages();
			heap = memory_of_heap();
		}
	}
	assert_true(memory_of_heap() < heap + 1000);
	assert_true(memory_of_pages() < pages + 40000000);
}

/* However small the table is and whatever the secret, no two nets are taken for
 * one: also not those whose keys differ in one bit only. */
static void test_no_two_nets_are_one(void **state)
{
	(void)state;
	for (uint64_t secret = 1; secret <= 8; secret++) {
		struct sent_table *m = sent_table_new(1, secret);
		struct sent t = sent(5, 1000);
		struct sent_lines r;
		assert_true(sent_claim(m, 12345, 0, &nothing, &t));
		sent_read(m, 12345, 1, &r);
		assert_int_equal(r.sent[0].node, 5);
		for (unsigned bit = 0; bit < 64; bit++) {
			sent_read(m, 12345 ^ (uint64_t)1 << bit, 1, &r);
			assert_int_equal(r.sent[0].node, MAP_NO_NODE);
		}
		sent_table_free(m);
	}
}

static void test_read_back(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent_lines r;
	struct sent t = sent(5, 1000), u = sent(6, 2000);

	(void)state;
	sent_read(m, 42, SENT_LINES, &r);
	assert_int_equal(r.sent[0].node, MAP_NO_NODE);
	assert_int_equal(r.older[0], MAP_NO_NODE);
	assert_true(sent_claim(m, 42, 0, &nothing, &t));
	assert_true(sent_claim(m, 42, 1, &nothing, &u));
	sent_read(m, 42, SENT_LINES, &r);
	assert_memory_equal(&r.sent[0], &t, sizeof t);
	assert_memory_equal(&r.sent[1], &u, sizeof u);
	assert_int_equal(r.sent[2].node, MAP_NO_NODE);
	assert_int_equal(r.older[0], MAP_NO_NODE);
	sent_share(sent_find(sent_bucket_of(m, sent_hash(m, 42), 0),
			   sent_hash(m, 42), 0),
		t, STEER_AAAA);
	sent_read(m, 42, SENT_LINES, &r);
	assert_int_equal(r.sent[0].types, STEER_A | STEER_AAAA);
	sent_read(m, 43, SENT_LINES, &r);
	assert_int_equal(r.sent[0].node, MAP_NO_NODE);
	sent_table_free(m);
}

/* What line 1 was told before the node before: the latest two. */
static void test_older(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent_lines r = {.sent = {nothing}};

	(void)state;
	for (uint16_t i = 1; i <= 5; i++) {
		struct sent t = {.node = i,
			.before = i > 1 ? (uint16_t)(i - 1) : MAP_NO_NODE,
			.made_ms = i};
		assert_true(sent_claim(m, 42, 0, &r.sent[0], &t));
		sent_read(m, 42, 2, &r);
		assert_int_equal(r.older[0], i > 2 ? i - 2u : MAP_NO_NODE);
		assert_int_equal(r.older[1], i > 3 ? i - 3u : MAP_NO_NODE);
	}
	struct sent again = r.sent[0];
	again.made_ms = 9;
	assert_true(sent_claim(m, 42, 0, &r.sent[0], &again));
	sent_read(m, 42, 2, &r);
	assert_int_equal(r.older[0], 3);
	sent_table_free(m);
}

/* Whoever comes second learns of it and decides again. */
static void test_claim(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent t = sent(5, 1000), u = sent(6, 1000), v = sent(8, 9000);

	(void)state;
	assert_true(sent_claim(m, 42, 0, &nothing, &t));
	assert_false(sent_claim(m, 42, 0, &nothing, &u));
	assert_true(sent_claim(m, 42, 0, &t, &v));
	assert_false(sent_claim(m, 42, 0, &t, &u));
	sent_table_free(m);
}

/* A flood of nets takes no more than the table, and the new ones are kept. */
static void test_flood(void **state)
{
	struct sent_table *m = sent_table_new(1024, 1);
	unsigned kept = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct sent t = sent((uint16_t)(i % 60000), i);
		assert_true(sent_claim(m, hash_mix(i), 0, &nothing, &t));
	}
	for (uint32_t i = 99900; i < 100000; i++) {
		struct sent_lines r;
		sent_read(m, hash_mix(i), 1, &r);
		kept += r.sent[0].made_ms == i && r.sent[0].node == i % 60000;
	}
	assert_int_equal(kept, 100);
	sent_table_free(m);
}

static void *hammer(void *arg)
{
	struct sent_table *m = arg;
	struct rng rng = {(uintptr_t)&rng};
	uintptr_t bad = 0;

	for (uint32_t i = 0; i < 200000; i++) {
		uint64_t key = rng_next(&rng) % 300;
		struct sent_lines r;
		sent_read(m, key, 1, &r);
		bad += r.sent[0].node != MAP_NO_NODE && r.sent[0].node >= 300;
		struct sent t = sent((uint16_t)key, i);
		sent_claim(m, key, 0, &r.sent[0], &t);
	}
	return (void *)bad;
}

/* Threads at once: nothing but what was written is ever read. */
static void test_threads(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	pthread_t threads[3];
	void *bad;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, hammer, m), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	sent_table_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_no_two_nets_are_one),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
