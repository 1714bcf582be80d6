/* test_signatures.c - the table of signatures: epochs, a table that is full, owners. */
#include "unit/dns.h"

#include "sign/signatures.h"

static const struct signature_epoch first = {7, 100, 90, 200},
				    second = {8, 150, 140, 250};

static uint32_t at_s; /* the clock */

static void put(struct signatures *s, uint64_t id, uint8_t octet)
{
	uint8_t bytes[SIGNATURE_LEN];
	memset(bytes, octet, sizeof bytes);
	assert_true(signatures_add(s, id, bytes));
}

static void found(
	const struct signatures *s, uint64_t id, uint8_t octet, uint32_t epoch)
{
	struct signature signature = {0};
	bool old = false;
	assert_true(signatures_find(s, id, at_s, &signature, &old));
	assert_int_equal(old, s->now->epoch.number != epoch);
	assert_int_equal(signature.bytes[0], octet);
	assert_int_equal(signature.bytes[SIGNATURE_LEN - 1], octet);
	assert_int_equal(signature.epoch->number, epoch);
}

static void missing(const struct signatures *s, uint64_t id)
{
	struct signature signature;
	bool old = false;
	assert_false(signatures_find(s, id, at_s, &signature, &old));
}

/* The new epoch's is taken as soon as it is there; the old one's until then; and none
 * of the one before. */
static void test_epochs(void **state)
{
	struct signatures *s = signatures_new(100, 1);
	missing(s, 5);
	signatures_begin(s, first);
	missing(s, 5);
	put(s, 5, 'a');
	put(s, 6, 'b');
	found(s, 5, 'a', 7);
	signatures_begin(s, second);
	at_s = 160;
	found(s, 5, 'a', 7);
	put(s, 5, 'A');
	found(s, 5, 'A', 8);
	found(s, 6, 'b', 7);
	/* Three eighths of the first one's time are left, which is not enough. */
	at_s = 162;
	found(s, 6, 'b', 7);
	at_s = 163;
	missing(s, 6);
	at_s = 249;
	found(s, 5, 'A', 8);
	at_s = 250;
	missing(s, 5);
	at_s = 200;
	signatures_begin(s, (struct signature_epoch){9, 200, 190, 300});
	found(s, 5, 'A', 8);
	missing(s, 6);
	signatures_free(s);
}

/* What is there is not made again; numbers that fall on one place all find theirs. */
static void test_add(void **state)
{
	struct signatures *s = signatures_new(40, 1);
	at_s = 110;
	signatures_begin(s, first);
	for (uint64_t i = 1; i <= 40; i++)
		put(s, 0x100000000u + i, (uint8_t)i);
	for (uint64_t i = 1; i <= 40; i++)
		put(s, 0x100000000u + i, 'x');
	for (uint64_t i = 1; i <= 40; i++)
		found(s, 0x100000000u + i, (uint8_t)i, 7);
	missing(s, 0x100000000u + 41);
	assert_int_equal(s->now->used, 40);
	signatures_free(s);
}

/* It takes what was asked for, and then says no; never without an end to a search. */
static void test_full(void **state)
{
	struct signatures *s = signatures_new(64, 1);
	uint8_t bytes[SIGNATURE_LEN] = {0};
	uint64_t n = 0;
	signatures_begin(s, first);
	while (signatures_add(s, (n + 1) << 32, bytes))
		n++;
	assert_true(n >= 64);
	assert_true(n < s->now->mask);
	missing(s, (n + 1) << 32);
	signatures_free(s);
}

/* The table before goes when it is of no use, and its memory a while later. */
static void test_forget(void **state)
{
	struct signatures *s = signatures_new(64, 1);
	at_s = 110;
	signatures_begin(s, first);
	put(s, 5, 'a');
	signatures_forget(s, 190);
	assert_non_null(s->now);
	signatures_begin(s, second);
	signatures_forget(s, 162);
	assert_non_null(s->before);
	signatures_forget(s, 163);
	assert_null(s->before);
	assert_non_null(s->freed);
	at_s = 163;
	missing(s, 5);
	signatures_forget(s, 173);
	assert_non_null(s->freed);
	signatures_forget(s, 174);
	assert_null(s->freed);
	signatures_free(s);
}

/* The smallest table of which so many are two thirds. */
static void test_sizes(void **state)
{
	static const struct {
		uint32_t room, size, most;
	} rows[] = {{1, 64, 42}, {42, 64, 42}, {43, 128, 84}, {60, 128, 84},
		{84, 128, 84}, {85, 256, 170}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct signatures *s = signatures_new(rows[i].room, 1);
		uint8_t bytes[SIGNATURE_LEN] = {0};
		uint64_t n = 0;
		signatures_begin(s, first);
		while (signatures_add(s, (n + 1) << 32, bytes))
			n++;
		assert_int_equal(s->now->mask + 1, rows[i].size);
		assert_int_equal(n, rows[i].most);
		signatures_free(s);
	}
}

static void test_owners(void **state)
{
	struct signatures *s = signatures_new(64, 1);
	at_s = 110;
	signatures_begin(s, first);
	put(s, 5, 'a');
	struct signatures *other = signatures_share(s);
	signatures_free(s);
	found(other, 5, 'a', 7);
	assert_int_equal(other->keys, 1);
	signatures_free(other);
	signatures_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_owners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
