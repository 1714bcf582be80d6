/* Numbers for keys: the order they come in, whatever their length, over growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/index.h"

static void test_numbers(void **state)
{
	struct index *x = index_new();
	bool made;
	(void)state;
	assert_int_equal(index_count(x), 0);
	assert_int_equal(index_number(x, "site", 4, &made), 0);
	assert_true(made);
	assert_int_equal(index_number(x, "sites", 5, &made), 1);
	assert_true(made);
	assert_int_equal(index_number(x, "site", 4, &made), 0);
	assert_false(made);
	assert_int_equal(index_number(x, "sit", 3, &made), 2);
	assert_int_equal(index_number(x, "sit\0", 4, &made), 3);
	assert_int_equal(index_number(x, "", 0, &made), 4);
	assert_true(made);
	assert_int_equal(index_number(x, "", 0, &made), 4);
	assert_false(made);
	assert_int_equal(index_count(x), 5);
	index_free(x);
	index_free(NULL);
}

/* Keys are copied, and keep their numbers when the table grows. */
static void test_many(void **state)
{
	struct index *x = index_new();
	char key[16];
	bool made;
	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 50000; i++) {
			int len = snprintf(key, sizeof key, "%u", i * 7);
			assert_int_equal(
				index_number(x, key, (size_t)len, &made), i);
			assert_int_equal(made, round == 0);
			memset(key, 0, sizeof key);
		}
	assert_int_equal(index_count(x), 50000);
	index_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
