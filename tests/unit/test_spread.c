/* Where a crowd goes: along the cost, or by weight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/spread.h"

static struct spread_node node(float path_ms, float capacity, float used)
{
	return (struct spread_node){.path_ms = path_ms,
		.used = used,
		.per_viewer = 1 / capacity,
		.room = 1,
		.weight = capacity};
}

static float sum(const struct spread_node *nodes, unsigned n)
{
	float all = 0;
	for (unsigned i = 0; i < n; i++)
		all += nodes[i].viewers;
	return all;
}

/* While the near one has room, nobody goes far. */
static void test_near(void **state)
{
	struct spread_node n[] = {node(40, 1000, 0), node(5, 1000, 0)};
	(void)state;
	spread_go(n, 2, 500);
	assert_float_equal(n[0].viewers, 0, 0);
	assert_float_equal(n[1].viewers, 500, 0.1);
}

/* A crowd that the near one cannot take fills it and spills over. */
static void test_spills(void **state)
{
	struct spread_node n[] = {node(40, 1000, 0), node(5, 1000, 0.5f)};
	(void)state;
	spread_go(n, 2, 1000);
	assert_float_equal(sum(n, 2), 1000, 0.1);
	assert_in_range((int)n[1].viewers, 350, 460);
}

/* At one place, side by side; the one that ramps up takes less. */
static void test_side_by_side(void **state)
{
	struct spread_node n[] = {
		node(5, 1000, 0), node(5, 1000, 0), node(5, 1000, 0)};
	(void)state;
	n[2].room = 0.2f;
	spread_go(n, 3, 800);
	assert_float_equal(n[0].viewers, n[1].viewers, 41);
	assert_true(n[2].viewers < 200);
	assert_float_equal(sum(n, 3), 800, 0.1);
}

/* Of equal ones the first: of twenty slices the last one has one less. */
static void test_equal_ones(void **state)
{
	struct spread_node n[] = {
		node(5, 1000, 0), node(5, 1000, 0), node(5, 1000, 0)};
	(void)state;
	spread_go(n, 3, 20);
	assert_float_equal(n[0].viewers,
		20.0f / SPREAD_SLICES * (SPREAD_SLICES / 3 + 1), 0.01);
	assert_float_equal(n[2].viewers,
		20.0f / SPREAD_SLICES * (SPREAD_SLICES / 3), 0.01);
}

/* Beyond all capacity everybody still goes somewhere; nowhere is fine too. */
static void test_too_many(void **state)
{
	struct spread_node n[] = {node(40, 100, 0), node(5, 100, 0)};
	(void)state;
	spread_go(n, 2, 10000);
	assert_float_equal(sum(n, 2), 10000, 1);
	spread_go(n, 0, 10000);
}

/* By weight; what is too much for one goes to the others, what is too much for
 * all is left out. */
static void test_share(void **state)
{
	struct spread_node n[] = {node(0, 100, 0), node(0, 1000, 0),
		node(0, 1000, 0), node(0, 1000, 2)};
	(void)state;
	n[0].weight = 2;
	n[1].weight = n[2].weight = 1;
	spread_share(n, 4, 40);
	assert_float_equal(n[0].viewers, 20, 0.1);
	assert_float_equal(n[1].viewers, 10, 0.1);
	for (unsigned i = 0; i < 4; i++)
		n[i].viewers = 0;
	spread_share(n, 4, 800);
	assert_in_range((int)n[0].viewers, 80, 100);
	assert_float_equal(n[1].viewers, n[2].viewers, 0.1);
	assert_float_equal(sum(n, 4), 800, 1);
	spread_share(n, 4, 5000);
	assert_in_range((int)sum(n, 4), 1800, 2100);
	assert_float_equal(n[3].viewers, 0, 0);
}

/* A full node has no weight; a part of a viewer is shared as well; without any
 * weight no viewer goes anywhere. */
static void test_weights(void **state)
{
	struct spread_node n[] = {
		node(0, 100, 2), node(0, 1000, 0), node(0, 1000, 0)};
	(void)state;
	n[0].weight = 100;
	n[1].weight = 0.25f;
	n[2].weight = 0.5f;
	spread_share(n, 3, 3);
	assert_float_equal(n[0].viewers, 0, 0);
	assert_float_equal(n[1].viewers, 1, 1e-4);
	assert_float_equal(n[2].viewers, 2, 1e-4);
	spread_share(n, 3, 0.15f);
	assert_float_equal(n[1].viewers, 1.05f, 1e-4);
	spread_share(n, 3, 0.015f);
	assert_float_equal(n[1].viewers, 1.055f, 1e-4);
	n[1].weight = n[2].weight = 0;
	spread_share(n, 3, 5);
	assert_float_equal(sum(n, 3), 3.165f, 1e-4);
	/* less than one is free, and taken */
	n[1] = node(0, 1000, 0.9495f);
	spread_share(n, 2, 5);
	assert_float_equal(n[1].viewers, 0.5f, 1e-2);
}

/* Many small ones and a large one: what is too much for each of the small ones in
 * turn goes to the large one. */
static void test_rounds(void **state)
{
	struct spread_node n[6];
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		n[i] = node(0, i ? (float)(10 << i) : 100000, 0);
		n[i].weight = 1;
	}
	spread_share(n, 6, 5000);
	assert_float_equal(sum(n, 6), 5000, 1);
	for (unsigned i = 1; i < 6; i++)
		assert_float_equal(
			n[i].viewers, 0.95f * (float)(10 << i), 0.5f);
}

/* Eight rounds at most: of ten nodes that are filled one after another, since each
 * weighs ten times as much as the next one, eight are full then, and the others have
 * their part of these rounds. */
static void test_eight_rounds(void **state)
{
	struct spread_node n[10];
	float weight = 1;
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		n[i] = node(0, 128, 0.95f - 0.78125f); /* 100 are free */
		n[i].weight = weight;
		weight *= 0.1f;
	}
	spread_share(n, 10, 1000);
	for (unsigned i = 0; i < 8; i++)
		assert_float_equal(n[i].viewers, 100, 0.01);
	assert_float_equal(n[8].viewers, 27.03, 0.01);
	assert_float_equal(n[9].viewers, 2.703, 0.001);
}

/* A hundredth of a viewer is nobody, more is somebody. */
static void test_hundredth(void **state)
{
	struct spread_node n = node(0, 100, 0);
	(void)state;
	spread_share(&n, 1, 0.01f);
	assert_float_equal(n.viewers, 0, 0);
	spread_share(&n, 1, 0.011f);
	assert_float_equal(n.viewers, 0.011f, 1e-6);
}

/* The free room is what is left up to full, of the share that the node is
 * given, without the viewers that are coming. */
static void test_free_room(void **state)
{
	struct spread_node one = node(5, 1000, 0.2f);
	(void)state;
	assert_float_equal(spread_free(&one), 750, 0.1);
	one.room = 0.5f;
	assert_float_equal(spread_free(&one), 275, 0.1);
	one.viewers = 75;
	assert_float_equal(spread_free(&one), 200, 0.1);
	one.viewers = 300;
	assert_float_equal(spread_free(&one), 0, 0);
}

/* A node that is not in the list gets no viewer. */
static void test_only_those(void **state)
{
	struct spread_node n[] = {node(40, 1000, 0), node(5, 1000, 0)};
	(void)state;
	spread_go(n, 1, 500);
	spread_share(n, 1, 100);
	assert_float_equal(n[0].viewers, 600, 0.1);
	assert_float_equal(n[1].viewers, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_spills),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_equal_ones),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_eight_rounds),
		cmocka_unit_test(test_hundredth),
		cmocka_unit_test(test_free_room),
		cmocka_unit_test(test_only_those),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
