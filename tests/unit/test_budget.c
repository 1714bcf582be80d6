/* How many reports of paths are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "paths/budget.h"

static int64_t now = 1000000;

/* How many of so many reports of a node are taken. */
static unsigned taken(
	struct budget *b, unsigned node, enum path_witness by, unsigned reports)
{
	struct path_report r = {.net = 1, .node = node, .by = by};
	unsigned n = 0;
	for (unsigned i = 0; i < reports; i++)
		n += budget_take(b, &r, now);
	return n;
}

/* A node may report fifty thousand networks at once, and then a thousand a second. */
static void test_node(void **state)
{
	struct budget *b = budget_new();
	(void)state;
	assert_int_equal(taken(b, 7, PATH_BY_NODE, 60000), 50000);
	now += 1000;
	assert_int_equal(taken(b, 7, PATH_BY_NODE, 60000), 1000);
	now += 60000;
	assert_int_equal(taken(b, 7, PATH_BY_NODE, 70000), 50000);
	assert_int_equal(taken(b, 8, PATH_BY_NODE, 10), 10);
	budget_free(b);
}

/* All nodes together a hundred thousand, however many nodes they are. */
static void test_nodes(void **state)
{
	struct budget *b = budget_new();
	unsigned all = 0;
	(void)state;
	for (unsigned node = 0; node < 100; node++)
		all += taken(b, node, PATH_BY_NODE, 2000);
	assert_int_equal(all, 100000);
	now += 100;
	assert_int_equal(taken(b, 200, PATH_BY_NODE, 20000), 10000);
	budget_free(b);
}

/* Players have a share of their own: they take nothing from the nodes. */
static void test_players(void **state)
{
	struct budget *b = budget_new();
	(void)state;
	assert_int_equal(taken(b, 7, PATH_BY_PLAYER, 30000), 20000);
	assert_int_equal(taken(b, 8, PATH_BY_PLAYER, 10), 0);
	assert_int_equal(taken(b, 7, PATH_BY_NODE, 60000), 50000);
	now += 500;
	assert_int_equal(taken(b, 7, PATH_BY_PLAYER, 30000), 10000);
	budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_players),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
