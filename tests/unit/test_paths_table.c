/* The table that is made of what is known of paths: areas, their nodes, carriers, and what
 * all ASes of a square make together (state/path_table.h). */
#include "paths_world.h"

/* The same place in another AS. */
static struct place of_as(const struct place *where, uint32_t asn)
{
	struct place place = *where;
	place.asn = asn;
	return place;
}

static void say_from(const struct place *where, uint32_t asn, unsigned node,
	unsigned networks, float rtt_ms, float loss)
{
	struct place place = of_as(where, asn);
	for (unsigned i = 0; i < networks; i++) {
		struct path_report r = report(&place, node, i, rtt_ms);
		r.loss = loss;
		assert_true(paths_report(t.p, &r, t.now));
	}
}

static const struct path_area *area_from(
	const struct place *where, uint32_t asn)
{
	struct place place = of_as(where, asn);
	const struct path_area *area = area_of(&place);
	assert_non_null(area);
	return area;
}

static const struct path_known *known_from(
	const struct place *where, uint32_t asn, unsigned node)
{
	return path_table_known(t.table, area_from(where, asn), t.node[node]);
}

/* Not true of what is no number. */
static void is_near(float is, float should, float within)
{
	if (!(fabsf(is - should) <= within))
		fail_msg("%g instead of %g", (double)is, (double)should);
}

static unsigned areas_with(uint64_t key)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t.table->n_areas; i++)
		n += t.table->areas[i].key == key;
	return n;
}

/* Of each area all nodes that were measured, in whatever order they came. */
static void test_nodes_of_an_area(void **state)
{
	static const unsigned nodes[] = {UK, JP, HK};
	for (unsigned i = 0; i < 3; i++) {
		say_from(&shanghai, 1, nodes[i], 4, 200 + (float)i, 0.02f);
		say_from(&beijing, 2, nodes[2 - i], 2, 220 + (float)i, 0);
	}
	learn();
	for (unsigned i = 0; i < 3; i++) {
		const struct path_known *k = known_from(&shanghai, 1, nodes[i]);
		assert_non_null(k);
		assert_int_equal(k->networks, 4);
		is_near(k->rtt_ms, 200 + (float)i, 0.01f);
		is_near(k->loss, 0.02f, 0.001f);
		assert_true(k->at_ms == t.now);
		k = known_from(&beijing, 2, nodes[2 - i]);
		assert_non_null(k);
		is_near(k->rtt_ms, 220 + (float)i, 0.01f);
		assert_int_equal(k->networks, 2);
	}
	/* What four networks of four viewers weigh, of three nodes. */
	is_near(area_from(&shanghai, 1)->weight, 24, 0.01f);
	is_near(area_from(&beijing, 2)->weight, 12, 0.01f);
}

/* Areas that were measured, and beside them those that are made of them: one of each
 * square and one of each AS. */
static void test_made(void **state)
{
	unsigned made = 0;
	say_from(&shanghai, 1, HK, 2, 60, 0);
	say_from(&shanghai, 2, HK, 2, 60, 0);
	say_from(&hong_kong, 1, HK, 2, 60, 0);
	say_from(&beijing, 0, HK, 2, 60, 0);
	learn();
	for (unsigned i = 0; i < t.table->n_areas; i++)
		made += t.table->areas[i].made;
	/* Shanghai and Hong Kong; ASes 1 and 2. Beijing has but the one without AS. */
	assert_int_equal(made, 4);
	assert_int_equal(t.table->n_areas, paths_areas(t.p) + 4);
	assert_false(area_from(&shanghai, 1)->made);
	assert_false(area_from(&beijing, 0)->made);
	assert_true(area_from(&shanghai, 0)->made);
	assert_true(area_from(&shanghai, 3)->made);
	assert_int_equal(area_from(&shanghai, 3)->place.asn, 0);
}

/* A square of which one AS was measured is as that. */
static void test_square_of_one_as(void **state)
{
	say_from(&shanghai, 1, HK, 4, 60, 0);
	say_from(&shanghai, 1, JP, 4, 90, 0);
	learn();
	assert_true(
		known_from(&shanghai, 0, HK) == known_from(&shanghai, 1, HK));
	assert_true(
		known_from(&shanghai, 0, JP) == known_from(&shanghai, 1, JP));
	assert_int_equal(area_from(&shanghai, 0)->place.asn, 0);
	is_near(area_from(&shanghai, 0)->base_ms,
		area_from(&shanghai, 1)->base_ms, 0.01f);
}

/* Of all ASes of a square each counts as it weighs; networks are those of all, the last
 * report is the last of all, round trip and loss are the worst. */
static void test_square_is_a_mean(void **state)
{
	say_from(&shanghai, 1, HK, 8, 60, 0.03f);
	t.now += MINUTE;
	say_from(&shanghai, 2, HK, 4, 150, 0.06f);
	learn();
	const struct path_area *a = area_from(&shanghai, 1),
			       *b = area_from(&shanghai, 2),
			       *all = area_from(&shanghai, 0);
	const struct path_known *of_a = known_from(&shanghai, 1, HK),
				*of_b = known_from(&shanghai, 2, HK),
				*of_all = known_from(&shanghai, 0, HK);
	float share = a->weight / (a->weight + b->weight);
	is_near(share, 2 / 3.0f, 0.01f);
	is_near(all->weight, a->weight + b->weight, 0.01f);
	is_near(all->base_ms, share * a->base_ms + (1 - share) * b->base_ms,
		0.01f);
	assert_true(a->base_ms > 0.5f);
	is_near(of_all->rate, share * of_a->rate + (1 - share) * of_b->rate,
		1e-4f);
	is_near(of_all->loss_ms,
		share * of_a->loss_ms + (1 - share) * of_b->loss_ms, 0.1f);
	assert_int_equal(of_all->networks, 12);
	assert_true(of_all->at_ms == t.now);
	is_near(of_all->rtt_ms, 150, 0.01f);
	is_near(of_all->loss, of_b->loss, 1e-6f);
}

/* The last report may be of any of them. */
static void test_last_of_a_square(void **state)
{
	say_from(&shanghai, 2, HK, 4, 60, 0);
	t.now += MINUTE;
	say_from(&shanghai, 1, HK, 4, 60, 0);
	learn();
	assert_true(known_from(&shanghai, 0, HK)->at_ms == t.now);
	assert_true(known_from(&shanghai, 2, HK)->at_ms == t.now - MINUTE);
}

/* A node that one AS alone measured: the other one has the model's path and loss there, and
 * is no network that measured it. */
static void test_square_measured_in_part(void **state)
{
	say_from(&shanghai, 1, HK, 4, 60, 0);
	say_from(&shanghai, 2, JP, 4, 90, 0);
	say_from(&beijing, 2, HK, 8, 200, 0.09f); /* AS 2 loses towards it */
	learn();
	const struct path_known *all = known_from(&shanghai, 0, HK);
	const struct path_area *of_2 = area_from(&shanghai, 2);
	struct path_found model =
		path_table_find(t.table, of_2, t.node[HK], 10);
	float model_rate =
		(model.path_ms - model.loss_ms - of_2->base_ms - 10) / 50;
	assert_null(model.known);
	assert_true(model.loss_ms > 100);
	assert_int_equal(all->networks, 4);
	is_near(all->rtt_ms, 60, 0.01f);
	is_near(all->loss_ms, model.loss_ms / 2, 0.1f);
	is_near(all->rate,
		(known_from(&shanghai, 1, HK)->rate + model_rate) / 2, 1e-4f);
	assert_int_equal(known_from(&shanghai, 0, JP)->networks, 4);
}

/* A square knows each node of any of its ASes once. */
static void test_square_knows_all_nodes(void **state)
{
	say_from(&shanghai, 1, UK, 2, 200, 0);
	say_from(&shanghai, 1, HK, 2, 60, 0);
	say_from(&shanghai, 2, JP, 2, 60, 0);
	say_from(&shanghai, 2, HK, 2, 60, 0);
	say_from(&shanghai, 3, UK, 2, 200, 0);
	learn();
	const struct path_area *all = area_from(&shanghai, 0);
	assert_int_equal(all->n, 3);
	assert_int_equal(known_from(&shanghai, 0, HK)->networks, 4);
	assert_int_equal(known_from(&shanghai, 0, JP)->networks, 2);
	assert_int_equal(known_from(&shanghai, 0, UK)->networks, 4);
	assert_null(known_from(&shanghai, 0, NO));
}

/* Clients without AS that reported themselves are one more of the ASes, and there is one
 * area of them all. */
static void test_square_with_unknown_as(void **state)
{
	say_from(&shanghai, 1, HK, 4, 60, 0);
	say_from(&shanghai, 0, HK, 4, 90, 0);
	say_from(&beijing, 0, HK, 4, 90, 0);
	say_from(&beijing, 1, HK, 4, 60, 0);
	learn();
	assert_int_equal(areas_with(area_from(&beijing, 0)->key), 1);
	assert_int_equal(known_from(&beijing, 0, HK)->networks, 8);
	const struct path_area *all = area_from(&shanghai, 0);
	assert_int_equal(areas_with(all->key), 1);
	assert_true(all->made);
	assert_int_equal(known_from(&shanghai, 0, HK)->networks, 8);
	is_near(known_from(&shanghai, 0, HK)->rtt_ms, 90, 0.01f);
	assert_int_equal(known_from(&shanghai, 1, HK)->networks, 4);
}

/* Squares are made each of its own ASes, in whatever order areas came. */
static void test_squares_are_apart(void **state)
{
	for (uint32_t asn = 1; asn <= 3; asn++) {
		say_from(&shanghai, asn, HK, asn, 60, 0);
		say_from(&beijing, 4 - asn, HK, 4, 100, 0);
		if (asn != 2)
			say_from(&hong_kong, asn, HK, 2, 20, 0);
	}
	learn();
	assert_int_equal(known_from(&shanghai, 0, HK)->networks, 1 + 2 + 3);
	assert_int_equal(known_from(&beijing, 0, HK)->networks, 12);
	assert_int_equal(known_from(&hong_kong, 0, HK)->networks, 4);
	assert_int_equal(areas_with(area_from(&shanghai, 0)->key), 1);
	assert_int_equal(areas_with(area_from(&beijing, 0)->key), 1);
	is_near(known_from(&shanghai, 0, HK)->rtt_ms, 60, 0.01f);
	is_near(known_from(&beijing, 0, HK)->rtt_ms, 100, 0.01f);
	is_near(known_from(&hong_kong, 0, HK)->rtt_ms, 20, 0.01f);
}

/* An AS stands for a configured cost of other carriers if more than two areas of a network
 * each, or as much, measured it. */
static void test_sure(void **state)
{
	struct place place = {.lat = -30, .lon = 20, .source = PLACE_NETS};
	for (unsigned i = 0; i < 3; i++) {
		struct place city = shanghai;
		city.lat -= 3 * (float)i;
		struct path_report r = report(&city, HK, i, 60);
		r.viewers = 1;
		assert_true(paths_report(t.p, &r, t.now));
		learn();
		struct path_found f = path_table_find(
			t.table, area_from(&place, city.asn), t.node[HK], 100);
		assert_null(f.known);
		assert_int_equal(f.crosses, i < 2);
		assert_true(path_table_find(
			t.table, area_from(&place, city.asn), t.node[JP], 100)
				    .crosses);
	}
}

/* A configured cost of other carriers is not added to what was measured; it is where no AS
 * is known, or nothing of a node. */
static void test_crosses(void **state)
{
	say_from(&shanghai, 1, HK, 4, 60, 0);
	say_from(&hong_kong, 0, HK, 4, 20, 0);
	learn();
	const struct path_area *of_1 = area_from(&shanghai, 1),
			       *of_none = area_from(&hong_kong, 0);
	assert_false(path_table_find(t.table, of_1, t.node[HK], 20).crosses);
	assert_false(path_table_find(t.table, of_none, t.node[HK], 5).crosses);
	assert_true(path_table_find(t.table, of_1, t.node[JP], 30).crosses);
	assert_true(path_table_find(t.table, of_none, t.node[JP], 60).crosses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_nodes_of_an_area),
		TEST(test_made),
		TEST(test_square_of_one_as),
		TEST(test_square_is_a_mean),
		TEST(test_last_of_a_square),
		TEST(test_square_measured_in_part),
		TEST(test_square_knows_all_nodes),
		TEST(test_square_with_unknown_as),
		TEST(test_squares_are_apart),
		TEST(test_sure),
		TEST(test_crosses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
