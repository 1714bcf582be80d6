/* Where client nets were sent: one table for all threads. */
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
		struct sent_bucket *last =
			&m->buckets[(1u << m->bucket_bits) - 1];
		assert_ptr_equal(sent_bucket(m, UINT64_MAX), last);
		last->how[0] = 1;
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
	assert_memory_equal(&r.sent[0], &nothing, sizeof nothing);
	assert_int_equal(r.older[0], MAP_NO_NODE);
	struct sent none = sent_get(NULL);
	assert_memory_equal(&none, &nothing, sizeof nothing);
	assert_true(sent_claim(m, 42, 0, &nothing, &t));
	assert_true(sent_claim(m, 42, 1, &nothing, &u));
	sent_read(m, 42, SENT_LINES, &r);
	assert_memory_equal(&r.sent[0], &t, sizeof t);
	assert_memory_equal(&r.sent[1], &u, sizeof u);
	assert_int_equal(r.sent[2].node, MAP_NO_NODE);
	assert_int_equal(r.older[0], MAP_NO_NODE);
	sent_share(m,
		sent_find(sent_bucket_of(m, sent_hash(m, 42), 0),
			sent_hash(m, 42), 0),
		t, STEER_AAAA);
	sent_read(m, 42, SENT_LINES, &r);
	assert_int_equal(r.sent[0].types, STEER_A | STEER_AAAA);
	sent_read(m, 43, SENT_LINES, &r);
	assert_int_equal(r.sent[0].node, MAP_NO_NODE);
	sent_table_free(m);
}

/* Where line 1 was sent before the node before: the latest two. */
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

/* Lines 1 and 2 and the mark are in the bucket of the net, the others by twos in
 * others. */
static void test_buckets_of_lines(void **state)
{
	struct sent_table *m = sent_table_new(1024, 1);
	uint64_t hash = sent_hash(m, 42);
	struct sent_bucket *net = sent_bucket(m, hash);
	(void)state;
	assert_ptr_equal(sent_bucket_of(m, hash, 0), net);
	assert_ptr_equal(sent_bucket_of(m, hash, 1), net);
	assert_ptr_equal(sent_bucket_of(m, hash, SENT_MARK), net);
	for (unsigned line = 2; line < SENT_LINES; line += 2) {
		struct sent_bucket *b = sent_bucket_of(m, hash, line);
		assert_ptr_equal(sent_bucket_of(m, hash, line + 1), b);
		assert_ptr_not_equal(sent_bucket_of(m, hash, line - 1), b);
	}
	sent_table_free(m);
}

/* What stands behind the ids of a bucket is none of them. */
static void test_no_id(void **state)
{
	struct sent_table *m = sent_table_new(1, 1);
	struct sent_bucket *bucket = sent_bucket(m, 1000);
	uint64_t id = sent_id(1000, 0);
	(void)state;
	bucket->how[0] = (uint32_t)id;
	bucket->how[1] = (uint32_t)(id >> 32);
	assert_null(sent_find(bucket, 1000, 0));
	sent_table_free(m);
}

/* A net's lines and its mark do not push each other out of a bucket, however old
 * they are and in whatever order they come: other nets make room. */
static void test_lines_stay_together(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		/* The secret is 1: nearly equal keys lie in one bucket. */
		struct sent_table *m = sent_table_new(1, 1);
		struct sent other = sent(8, 500000);
		struct sent t = sent(5, 1000), u = sent(6, 600000);
		struct sent_lines r;
		for (uint64_t key = 1; key <= SENT_WAYS; key++)
			assert_true(sent_claim(m, key, 0, &nothing, &other));
		assert_true(sent_claim(m, 1000, first, &nothing, &t));
		assert_true(sent_claim(m, 1000, 1 - first, &nothing, &u));
		sent_mark(m, 1000, 600001);
		sent_read(m, 1000, 2, &r);
		assert_int_equal(r.sent[first].node, 5);
		assert_int_equal(r.sent[1 - first].node, 6);
		assert_true(sent_together(sent_bucket(m, 1000), 1000, 600001));
		sent_table_free(m);
	}
}

/* While other threads make room in a whole bucket, what is new is not kept there,
 * and what they do is left alone. */
static void test_others_make_room(void **state)
{
	struct sent_table *m = sent_table_new(1, 1);
	struct sent_bucket *bucket = sent_bucket(m, 1000);
	struct sent t = sent(5, 1000);
	struct sent_lines r;
	(void)state;
	for (unsigned i = 0; i < SENT_WAYS; i++)
		bucket->way[i].id = 2; /* being made: no id of a key is even */
	assert_true(sent_claim(m, 1000, 0, &nothing, &t));
	sent_read(m, 1000, 1, &r);
	assert_int_equal(r.sent[0].node, MAP_NO_NODE);
	for (unsigned i = 0; i < SENT_WAYS; i++)
		assert_int_equal(bucket->way[i].id, 2);
	/* One of them is done: its entry is older than what is new. */
	bucket->way[1].id = sent_id(77, 0);
	assert_true(sent_claim(m, 1000, 0, &nothing, &t));
	sent_read(m, 1000, 1, &r);
	assert_int_equal(r.sent[0].node, 5);
	assert_int_equal(bucket->way[0].id, 2);
	assert_int_equal(bucket->way[2].id, 2);
	sent_table_free(m);
}

/* A new decision is kept whole; reading one line alone gives no older nodes. */
static void test_new_decision(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent t = sent(5, 1000),
		    u = {.node = 6,
			    .before = 5,
			    .made_ms = 2000,
			    .ttl_s = 7,
			    .types = STEER_AAAA,
			    .moved = 3};
	struct sent_lines r;
	(void)state;
	assert_true(sent_claim(m, 42, 0, &nothing, &t));
	assert_true(sent_claim(m, 42, 0, &t, &u));
	sent_read(m, 42, 2, &r);
	assert_memory_equal(&r.sent[0], &u, sizeof u);
	assert_int_equal(r.older[0], 7);
	sent_read(m, 42, 1, &r);
	assert_memory_equal(&r.sent[0], &u, sizeof u);
	assert_int_equal(r.older[0], MAP_NO_NODE);
	sent_table_free(m);
}

/* -- what an entry says -- */

/* A decision lives as long as its TTL; its viewers count half an hour. */
static void test_times(void **state)
{
	struct sent t = sent(5, 4294967000u); /* the clock is cut to 32 bits */
	(void)state;
	assert_true(sent_runs(&t, t.made_ms));
	assert_true(sent_runs(&t, t.made_ms + 29999));
	assert_false(sent_runs(&t, t.made_ms + 30000));
	assert_true(sent_counts(&t, t.made_ms + 1799999));
	assert_false(sent_counts(&t, t.made_ms + 1800000));
	t.moved = sent_quarters(t.made_ms);
	assert_int_equal(sent_moved(&t, t.made_ms), 0);
	t = sent(5, 0);
	t.moved = sent_quarters(1000000);
	assert_int_equal(sent_moved(&t, 1000000 + 60000), 4);
	assert_int_equal(sent_moved(&t, 1000000 + 15000), 1);
	assert_int_equal(sent_quarters(14999), 0);
	assert_int_equal(sent_quarters(15000), 1);
	t.node = MAP_NO_NODE;
	assert_false(sent_runs(&t, t.made_ms));
	assert_false(sent_counts(&t, t.made_ms));
}

/* The lines of a net are asked together if one beyond the first was asked for less
 * than half a second ago. */
static void test_together(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent_bucket *bucket = sent_bucket(m, sent_hash(m, 42));
	uint64_t hash = sent_hash(m, 42);
	(void)state;
	assert_false(sent_together(bucket, hash, 5000));
	sent_mark(m, 42, 5000);
	assert_true(sent_together(bucket, hash, 5000));
	assert_true(sent_together(bucket, hash, 5499));
	assert_false(sent_together(bucket, hash, 5500));
	sent_mark(m, 42, 9000);
	assert_true(sent_together(bucket, hash, 9400));
	assert_false(sent_together(bucket, sent_hash(m, 43), 9400));
	sent_table_free(m);
}

/* A type joins a decision that stands; not one that was replaced meanwhile. */
static void test_share(void **state)
{
	struct sent_table *m = sent_table_new(64, 1);
	struct sent t = sent(5, 1000), u = sent(6, 2000);
	struct sent_lines r;
	(void)state;
	assert_true(sent_claim(m, 42, 0, &nothing, &t));
	struct sent_entry *e = sent_find(
		sent_bucket_of(m, sent_hash(m, 42), 0), sent_hash(m, 42), 0);
	assert_non_null(e);
	sent_share(m, e, t, STEER_AAAA);
	assert_int_equal(sent_get(e).types, STEER_A | STEER_AAAA);
	assert_int_equal(sent_get(e).ttl_s, 30);
	assert_true(sent_replace(m, e, t, u));
	assert_false(sent_replace(m, e, t, t));
	sent_share(m, e, t, STEER_AAAA);
	sent_read(m, 42, 1, &r);
	assert_memory_equal(&r.sent[0], &u, sizeof u);
	/* a type that it has changes nothing, whatever else was seen */
	t = u;
	t.ttl_s = 1;
	sent_share(m, e, t, STEER_A);
	assert_int_equal(sent_get(e).ttl_s, 30);
	sent_table_free(m);
}

/* Nodes that an older map does not have: the last one it has is n - 1. */
static void test_newer_nodes(void **state)
{
	struct sent t = sent(5, 1000);
	(void)state;
	assert_false(sent_is_newer(&t, 6));
	assert_true(sent_is_newer(&t, 5));
	sent_forget_newer(&t, 8);
	assert_int_equal(t.node, 5);
	assert_int_equal(t.before, 7);
	sent_forget_newer(&t, 7);
	assert_int_equal(t.node, 5);
	assert_int_equal(t.before, MAP_NO_NODE);
	sent_forget_newer(&t, 5);
	assert_int_equal(t.node, MAP_NO_NODE);
	assert_false(sent_is_newer(&t, 5));
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
		cmocka_unit_test(test_buckets_of_lines),
		cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_lines_stay_together),
		cmocka_unit_test(test_others_make_room),
		cmocka_unit_test(test_new_decision),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_newer_nodes),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
