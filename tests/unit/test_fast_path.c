/* The parts of the quick way to an answer (test_property.c: it comes to what the full
 * decision would come to). */
#include "world.h"

#include "steer/fast_path.h"

/* Nodes 100, 101 ..., on paths whose numbers are those of nodes as well. */
static void fill(struct candidates *near, unsigned first)
{
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		near->slot[i] = (struct candidate){
			(uint16_t)(first + i), (uint16_t)(first + 1000 + i)};
}

/* A node is a candidate in whatever slot it stands; a path of its number does not make
 * it one, nor do the candidates of the next cell. */
static void test_is_candidate(void **state)
{
	struct candidates near[2];
	(void)state;
	fill(&near[0], 100);
	fill(&near[1], 200);
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(fast_path_is_candidate(near, i),
			i >= 100 && i < 100 + MAP_CANDIDATES);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		struct candidates one = {0};
		one.slot[i].node = 77;
		assert_true(fast_path_is_candidate(&one, 77));
		assert_false(fast_path_is_candidate(&one, 76));
	}
}

/* All of a decision is set, whatever stood there. */
static void test_fill(void **state)
{
	struct steer_decision d = {
		.n = 3, .node = {9}, .only = true, .state = NODE_DOWN};
	(void)state;
	fast_path_fill(&d, 5, 30, true);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.node[0], 5);
	assert_int_equal(d.ttl_s, 30);
	assert_true(d.again);
	assert_int_equal(d.state, NODE_UP);
	assert_false(d.only);
	fast_path_fill(&d, 6, 31, false);
	assert_int_equal(d.node[0], 6);
	assert_int_equal(d.ttl_s, 31);
	assert_false(d.again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_candidate),
		cmocka_unit_test(test_fill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
