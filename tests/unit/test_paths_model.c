/* The model of all paths, and how it is mixed with what was measured: paths.h. */
#include "paths/private.h"
#include "paths_world.h"
#include "state/path.h"

/* -- a wide world: many nodes, many areas, each with its own truth -- */

#define NODES 12
#define AREAS 20

struct truth {
	float base_ms[AREAS]; /* last miles */
	float all, of_node[NODES], of_as[2][NODES];
};

static struct place area_place[AREAS];

/* Nodes and areas lie up to 70 degrees from each other. */
static int setup_wide(void **state)
{
	char text[2000] = "nodes:\n";
	for (unsigned i = 0; i < NODES; i++) {
		size_t n = strlen(text);
		snprintf(text + n, sizeof text - n,
			" n%02u: {address: [10.9.0.%u], at: [%u, %u]}\n", i,
			i + 1, i % 3 * 20, i / 3 * 20);
	}
	strcat(text, "steer: {live.example.com: {pool: [edge]}}\n");
	world_open(&t.w, text);
	t.p = paths_new();
	paths_set_map(t.p, t.w.map);
	t.now = 1000000;
	for (unsigned i = 0; i < AREAS; i++)
		area_place[i] = (struct place){.lat = 4 + 10 * (float)(i % 4),
			.lon = 3 + 12 * (float)(i / 4),
			.source = PLACE_NETS};
	return 0;
}

static float far_ms(unsigned area, unsigned node)
{
	const struct map_node *to = &t.w.map->nodes[node];
	return path_between_ms(path_vec(to->lat, to->lon),
		path_vec(area_place[area].lat, area_place[area].lon));
}

/* A way is longer by shares of its distance and 40 ms, and by its last mile. */
static float true_ms(const struct truth *w, unsigned area, unsigned node)
{
	float far = far_ms(area, node);
	return w->base_ms[area] + far +
		(far + 40) *
		(w->all + w->of_node[node] + w->of_as[area % 2][node]);
}

/* Networks of 16 viewers say how long a way is. */
static void say_ms(unsigned area, unsigned node, unsigned networks, float ms)
{
	for (unsigned i = 0; i < networks; i++) {
		struct path_report r = {.net = i + 1,
			.place = area_place[area],
			.node = node,
			.rtt_ms = ms,
			.loss = -1,
			.viewers = 16,
			.by = PATH_BY_NODE};
		assert_true(paths_report(t.p, &r, t.now));
	}
}

/* All ways but those of which area + node is a multiple of `without` are measured, until
 * the model does not change any more. */
static void learn_truth(const struct truth *w, unsigned without)
{
	for (unsigned a = 0; a < AREAS; a++)
		for (unsigned k = 0; k < NODES; k++)
			if (!without || (a + k) % without)
				say_ms(a, k, 4, true_ms(w, a, k));
	for (unsigned i = 0; i < 20; i++)
		paths_fit(t.p, t.now);
	learn();
}

static struct path_found found_of(unsigned area, unsigned node)
{
	const struct path_area *of = area_of(&area_place[area]);
	assert_non_null(of);
	return path_table_find(t.table, of, node, far_ms(area, node));
}

/* Where ways are as long as they look, nothing is learned of them. */
static void test_as_by_distance(void **state)
{
	static const struct truth w;
	learn_truth(&w, 7);
	assert_float_equal(t.table->rate, 0, 1e-5);
	for (unsigned i = 0; i < NODES; i++)
		assert_float_equal(t.table->node_rate[i], 0, 1e-5);
	for (unsigned a = 0; a < AREAS; a++) {
		assert_float_equal(area_of(&area_place[a])->base_ms, 0, 1e-3);
		for (unsigned k = 0; k < NODES; k++)
			assert_float_equal(
				found_of(a, k).path_ms, far_ms(a, k), 0.01);
	}
}

/* A share by which all ways are longer is not put down to nodes or last miles. */
static void test_all_ways(void **state)
{
	static const struct truth w = {.all = 0.5f};
	learn_truth(&w, 0);
	assert_in_range(lroundf(1000 * t.table->rate), 360, 500);
	for (unsigned i = 0; i < NODES; i++)
		assert_in_range(
			lroundf(1000 * t.table->node_rate[i]) + 100, 100, 200);
	for (unsigned a = 0; a < AREAS; a++)
		assert_true(fabsf(area_of(&area_place[a])->base_ms) < 3);
}

/* A node that all ways to are longer has this share, the others have not. */
static void test_node(void **state)
{
	static const struct truth w = {.of_node[5] = 1};
	learn_truth(&w, 0);
	for (unsigned i = 0; i < NODES; i++)
		assert_float_equal(t.table->rate + t.table->node_rate[i],
			w.of_node[i], i == 5 ? 0.35 : 0.1);
}

/* A last mile is the same for all ways of an area, near and far, and is no share. */
static void test_base(void **state)
{
	static const struct truth w = {.base_ms[3] = 40};
	learn_truth(&w, 0);
	for (unsigned a = 0; a < AREAS; a++)
		assert_float_equal(area_of(&area_place[a])->base_ms,
			w.base_ms[a], a == 3 ? 15 : 3);
	for (unsigned i = 0; i < NODES; i++)
		assert_float_equal(t.table->node_rate[i], 0, 0.05);
}

/* A way that was not measured is believed to be what the others make of it: the last mile
 * of its area, the share of all, of its node, and of its AS and node. */
static void test_not_measured(void **state)
{
	struct truth w = {.all = 0.4f, .of_node[0] = 1, .of_as[1][4] = 2};
	for (unsigned a = 0; a < AREAS; a++) {
		area_place[a].asn = a % 2 ? 4837 : 4134;
		w.base_ms[a] = a % 5 ? 5 : 25;
	}
	learn_truth(&w, 7);
	unsigned n = 0;
	for (unsigned a = 0; a < AREAS; a++)
		for (unsigned k = 0; k < NODES; k++) {
			struct path_found f = found_of(a, k);
			float is = true_ms(&w, a, k);
			assert_int_equal(!f.known, (a + k) % 7 == 0);
			n += !f.known;
			if (fabsf(f.path_ms - is) > (f.known ? 2 : 8 + is / 10))
				fail_msg("%u to %u: %.1f instead of %.1f", a, k,
					(double)f.path_ms, (double)is);
		}
	assert_true(n > 20);
}

/* Of one way alone some is concluded for others, and less than was said. */
static void test_one_way(void **state)
{
	float far = far_ms(0, 7);
	say_ms(0, 7, 4, far + (far + 40));
	learn();
	assert_in_range(lroundf(1000 * t.table->rate), 20, 120);
	assert_in_range(lroundf(1000 * t.table->node_rate[7]), 50, 300);
	float base_ms = area_of(&area_place[0])->base_ms;
	assert_true(base_ms > 1 && base_ms < 0.5f * far);
	float to_other = found_of(0, 8).path_ms - far_ms(0, 8) - base_ms;
	assert_float_equal(to_other, (far_ms(0, 8) + 40) * t.table->rate, 0.01);
}

/* Many networks of an area count hardly more than some: two areas of which one network
 * each says that ways to a node are longer weigh as much as one of which many say that
 * they are shorter. The areas are far, so that it is not put down to their last miles. */
static void test_many_networks(void **state)
{
	static const float by[] = {0.3f, 0.3f, -0.3f};
	for (unsigned i = 0; i < 3; i++)
		area_place[i] = (struct place){.lat = -60 - 4 * (float)i,
			.lon = -160,
			.source = PLACE_NETS};
	for (unsigned i = 0; i < 3; i++) {
		float far = far_ms(i, 0);
		struct path_report r = {.place = area_place[i],
			.node = 0,
			.rtt_ms = far + (far + 40) * by[i],
			.viewers = 1};
		for (r.net = 1; r.net <= (i < 2 ? 1 : 12); r.net++) {
			r.viewers = i < 2 ? 1 : 16;
			assert_true(paths_report(t.p, &r, t.now));
		}
	}
	learn();
	assert_float_equal(t.table->rate, 0, 0.001);
	assert_float_equal(t.table->node_rate[0], 0, 0.005);
}

/* What is far says less of a last mile than what is near. */
static void test_base_of_near(void **state)
{
	static const struct truth w;
	for (unsigned a = 2; a < AREAS; a++)
		for (unsigned k = 0; k < NODES; k++)
			say_ms(a, k, 4, true_ms(&w, a, k));
	float base_ms[2];
	for (unsigned i = 0; i < 2; i++) {
		area_place[i].asn = 0;
		unsigned near = 0, far = 0;
		for (unsigned k = 0; k < NODES; k++) {
			near = far_ms(i, k) < far_ms(i, near) ? k : near;
			far = far_ms(i, k) > far_ms(i, far) ? k : far;
		}
		say_ms(i, near, 4, far_ms(i, near) + (i ? 0 : 30));
		say_ms(i, far, 4, far_ms(i, far) + (i ? 30 : 0));
		paths_fit(t.p, t.now);
		learn();
		base_ms[i] = area_of(&area_place[i])->base_ms;
	}
	assert_true(base_ms[0] > 6);
	assert_true(base_ms[1] > 0 && base_ms[1] < base_ms[0] / 4);
}

/* -- mixed with what was measured -- */

static float model_rate_of(const struct place *place, unsigned node)
{
	struct place as = {.lat = -50, .asn = place->asn, .source = PLACE_NETS};
	float far = 100;
	struct path_found f =
		path_table_find(t.table, area_of(&as), t.node[node], far);
	return (f.path_ms - far - f.loss_ms) / (far + 40);
}

/* The model counts as 0.2 of a network of one viewer. */
static void test_mixed(void **state)
{
	say_all(&beijing, HK, 12, 150);
	struct path_report r = report(&shanghai, HK, 1, 30);
	r.viewers = 1;
	r.loss = -1;
	assert_true(paths_report(t.p, &r, t.now));
	learn();
	const struct path_area *area = area_of(&shanghai);
	const struct map_node *to = &t.w.map->nodes[t.node[HK]];
	float far = path_between_ms(path_vec(to->lat, to->lon),
		path_vec(shanghai.lat, shanghai.lon));
	float said = (30 - area->base_ms - far) / (far + 40);
	float model = model_rate_of(&shanghai, HK);
	assert_true(said < model - 0.1f);
	float rate = path_table_known(t.table, area, t.node[HK])->rate;
	assert_float_equal((rate - said) / (model - said), 1 / 6.0f, 0.01);
}

/* A way is at most longer by 20 times its distance and 40 ms. */
static void test_rate_most(void **state)
{
	say_all(&shanghai, HK, 12, 9999);
	learn();
	assert_float_equal(found(&shanghai, HK).known->rate, 20, 1e-5);
}

/* Where the last mile seems long, no way is shorter by more than 0.6 of its distance
 * and 40 ms. */
static void test_rate_least(void **state)
{
	say_all(&hong_kong, HK, 12, 900);
	say_all(&hong_kong, JP, 12, 900);
	say_all(&hong_kong, UK, 12, 70);
	learn();
	assert_true(area_of(&hong_kong)->base_ms > 100);
	assert_float_equal(found(&hong_kong, UK).known->rate, -0.6, 1e-5);
}

/* -- loss -- */

/* One network of a viewer of an area loses, or an area of many. */
static void lose_of(const struct place *place, unsigned networks,
	unsigned viewers, float loss)
{
	struct path_report r = report(place, HK, 0, 60);
	r.loss = loss;
	r.viewers = viewers;
	for (; r.net <= networks; r.net++)
		assert_true(paths_report(t.p, &r, t.now));
}

static void test_loss_costs(void **state)
{
	assert_float_equal(paths_loss_ms(0), 0, 1e-6);
	assert_float_equal(paths_loss_ms(0.01f), 0, 1e-6);
	assert_float_equal(paths_loss_ms(0.03f), 150, 0.01);
	assert_float_equal(paths_loss_ms(0.05f), 300, 0.01);
	assert_float_equal(paths_loss_ms(0.09f), 600, 0.01);
}

/* Where no AS is known there is no model of loss but that there is none, which counts as
 * 0.3 of a network. */
static void test_loss_of_one_network(void **state)
{
	lose_of(&hong_kong, 1, 1, 0.065f);
	learn();
	assert_float_equal(found(&hong_kong, HK).known->loss, 0.05, 1e-4);
	assert_float_equal(found(&hong_kong, HK).loss_ms, 300, 1);
}

/* What an AS loses is what its areas lose, each counting at most as one, as if there was
 * one more that loses nothing; a network of four viewers alone is two thirds of one. */
static void test_loss_of_areas(void **state)
{
	struct place unmeasured = {
		.lat = -30, .lon = 20, .asn = 4134, .source = PLACE_NETS};
	lose_of(&shanghai, 1, 4, 0.125f);
	learn();
	assert_float_equal(found(&unmeasured, HK).loss_ms, 300, 1);
	learn(); /* not twice */
	assert_float_equal(found(&unmeasured, HK).loss_ms, 300, 1);
	lose_of(&beijing, 12, 16, 0.125f);
	learn();
	assert_float_equal(
		found(&unmeasured, HK).loss_ms, paths_loss_ms(0.0778f), 2);
	/* One network alone that loses nothing is believed to lose as the AS in part. */
	struct place third = shanghai;
	third.lon -= 20;
	lose_of(&third, 1, 1, 0);
	learn();
	assert_in_range(
		lroundf(1e4f * found(&third, HK).known->loss), 140, 160);
}

/* -- what is worth a publication -- */

/* A way that loses more and is shorter by what this costs is as good as before. */
static void test_change_is_of_both(void **state)
{
	float cost_ms[2];
	for (unsigned i = 0; i < 2; i++) {
		struct path_report r = report(&shanghai, UK, 0, i ? 185 : 200);
		r.loss = i ? 0.0121f : 0.01f;
		for (r.viewers = 16; r.net <= 12; r.net++)
			assert_true(paths_report(t.p, &r, t.now));
		assert_int_equal(learn(), i == 0);
		cost_ms[i] = found(&shanghai, UK).loss_ms;
	}
	assert_float_equal(cost_ms[1] - cost_ms[0], 15, 1);
}

/* It is the way that must differ by 2 ms, not its share. */
static void test_change_is_of_ways(void **state)
{
	say_all(&shanghai, HK, 12, 60);
	assert_true(learn());
	say_all(&shanghai, HK, 12, 61.5f);
	assert_false(learn());
	say_all(&shanghai, HK, 12, 63.5f);
	assert_true(learn());
}

/* What a report weighs when the model is fitted is what it weighs then. */
static void test_weight_at_fit(void **state)
{
	say_all(&hong_kong, HK, 1, 60);
	learn();
	assert_float_equal(area_of(&hong_kong)->weight, 2, 0.001);
	t.now += 2 * HOUR;
	learn();
	assert_float_equal(area_of(&hong_kong)->weight, 1, 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WIDE(f) cmocka_unit_test_setup_teardown(f, setup_wide, teardown)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		WIDE(test_as_by_distance),
		WIDE(test_all_ways),
		WIDE(test_node),
		WIDE(test_base),
		WIDE(test_not_measured),
		WIDE(test_one_way),
		WIDE(test_many_networks),
		WIDE(test_base_of_near),
		TEST(test_mixed),
		TEST(test_rate_most),
		TEST(test_rate_least),
		cmocka_unit_test(test_loss_costs),
		TEST(test_loss_of_one_network),
		TEST(test_loss_of_areas),
		TEST(test_change_is_of_both),
		TEST(test_change_is_of_ways),
		TEST(test_weight_at_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
