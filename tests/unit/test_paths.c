/* What is believed of paths from what nodes and players report: medians, loss, jumps,
 * what is not believed, other maps, what is kept. */
#include "paths_world.h"

/* Nothing is known, and of another area nothing becomes known. */
static void test_nothing(void **state)
{
	assert_false(learn());
	assert_null(area_of(&hong_kong));
	say_all(&shanghai, HK, 6, 40);
	assert_true(learn());
	assert_null(area_of(&hong_kong));
	assert_non_null(area_of(&shanghai));
}

static void test_measured(void **state)
{
	say_all(&hong_kong, HK, 6, 90);
	say_all(&hong_kong, JP, 6, 30.5f);
	assert_true(learn());
	believed(&hong_kong, HK, 90, 2);
	believed(&hong_kong, JP, 30.5f, 2);
	const struct path_known *k = found(&hong_kong, HK).known;
	assert_int_equal(k->networks, 6);
	assert_float_equal(k->rtt_ms, 90, 0.01);
	assert_int_equal(k->at_ms, t.now);
	assert_int_equal(paths_areas(t.p), 1);
	assert_int_equal(paths_count(t.p), 2);
}

/* The same again changes nothing that is worth a publication. */
static void test_changed(void **state)
{
	say_all(&hong_kong, HK, 6, 90);
	assert_true(learn());
	say_all(&hong_kong, HK, 6, 90.5f);
	assert_false(learn());
	say_all(&hong_kong, HK, 6, 70);
	assert_true(learn());
}

/* A path that stays as it is goes on being shown as measured just now. */
static void test_shown(void **state)
{
	say_all(&hong_kong, HK, 6, 30);
	assert_true(learn());
	t.now += MINUTE / 2;
	say_all(&hong_kong, HK, 6, 30);
	assert_false(learn());
	t.now += MINUTE / 2;
	assert_false(learn());
	say_all(&hong_kong, HK, 6, 30);
	assert_true(learn());
	assert_int_equal(found(&hong_kong, HK).known->at_ms, t.now);
	assert_false(learn());
}

/* A network is one voice, however many viewers it has, and two of nine change
 * nothing. */
static void test_median(void **state)
{
	say_all(&hong_kong, HK, 9, 40);
	for (unsigned i = 0; i < 50; i++) {
		say(&hong_kong, HK, 100, i % 2 ? 2000 : 1);
		say(&hong_kong, HK, 101, i % 3 ? 1 : 2000);
	}
	learn();
	believed(&hong_kong, HK, 40, 2);
}

/* Six players against three nodes' networks: the nodes' word is more. */
static void test_players_weigh_less(void **state)
{
	say_all(&hong_kong, HK, 3, 40);
	for (unsigned i = 10; i < 16; i++) {
		struct path_report r = report(&hong_kong, HK, i, 400);
		r.by = PATH_BY_PLAYER;
		r.loss = -1;
		assert_true(paths_report(t.p, &r, t.now));
	}
	learn();
	believed(&hong_kong, HK, 40, 3);
	assert_float_equal(found(&hong_kong, HK).loss_ms, 0, 0.001);
}

/* Two networks that agree are enough for another way, one is not. */
static void test_jump(void **state)
{
	say_all(&hong_kong, HK, 9, 40);
	learn();
	t.now += MINUTE;
	say(&hong_kong, HK, 0, 160);
	learn();
	believed(&hong_kong, HK, 40, 2);
	say(&hong_kong, HK, 1, 155);
	learn();
	believed(&hong_kong, HK, 157, 6);
}

/* Where others were forgotten a network is still one voice. */
static void test_one_voice_after_jump(void **state)
{
	say_all(&hong_kong, HK, 9, 40);
	learn();
	t.now += MINUTE;
	say(&hong_kong, HK, 7, 160);
	say(&hong_kong, HK, 8, 155);
	say(&hong_kong, HK, 8, 158);
	learn();
	assert_int_equal(found(&hong_kong, HK).known->networks, 2);
}

/* What a way is after nine networks said one round trip, and two others in a row another
 * one; without a fit in between. */
static void test_jumps(void **state)
{
	static const struct {
		float before, last, now;
		bool jumps;
	} rows[] = {{40, 160, 155, true}, {160, 40, 45, true},
		/* They do not agree with each other. */
		{40, 160, 400, false},
		/* One of the two says that it is as before. */
		{40, 47, 66, false}, {40, 66, 47, false},
		/* By 20 ms and 30 % it is no other way, beyond it is. */
		{40, 59, 59, false}, {40, 61, 61, true}, {12, 30, 30, false},
		{200, 280, 280, false}, {200, 290, 290, true}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct place place = hong_kong;
		place.asn = i + 1;
		say_all(&place, HK, 9, rows[i].before);
		t.now += MINUTE;
		say(&place, HK, 3, rows[i].last);
		t.now += 1;
		say(&place, HK, 4, rows[i].now);
		learn();
		if (found(&place, HK).known->networks !=
			(rows[i].jumps ? 2 : 9))
			fail_msg("row %u", i);
	}
}

/* A network that says it twice is one. */
static void test_jump_of_one(void **state)
{
	say_all(&hong_kong, HK, 9, 40);
	t.now += MINUTE;
	say(&hong_kong, HK, 3, 160);
	say(&hong_kong, HK, 3, 160);
	learn();
	assert_int_equal(found(&hong_kong, HK).known->networks, 9);
}

/* The last report of each of twelve networks is known; a thirteenth takes the place of
 * that which is silent for longest. */
static void test_twelve_networks(void **state)
{
	t.now = 1700000000000;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		t.now += 10;
		say(&hong_kong, HK, i, i == 0 ? 50 : i == 11 ? 25 : 30 + i);
	}
	say(&hong_kong, HK, 11, 25);
	learn();
	assert_int_equal(found(&hong_kong, HK).known->networks, 12);
	assert_float_equal(found(&hong_kong, HK).known->rtt_ms, 35.5, 0.01);
	t.now += 10;
	say(&hong_kong, HK, 0, 50);
	say(&hong_kong, HK, 12, 45); /* instead of network 1, which said 31 */
	learn();
	assert_int_equal(found(&hong_kong, HK).known->networks, 12);
	assert_float_equal(found(&hong_kong, HK).known->rtt_ms, 36.5, 0.01);
	believed(&hong_kong, HK, 36.5f, 3);
}

/* A round trip fades in hours: yesterday's is worth less than today's, and more
 * than none. */
static void test_old_round_trips(void **state)
{
	say_all(&hong_kong, HK, 6, 90);
	t.now += 24 * HOUR;
	learn();
	believed(&hong_kong, HK, 90, 20);
	for (unsigned i = 10; i < 13; i++)
		say(&hong_kong, HK, i, 80);
	learn();
	believed(&hong_kong, HK, 80, 3);
}

static void test_loss(void **state)
{
	lose(&hong_kong, HK, 6, 0.01f);
	learn();
	assert_float_equal(found(&hong_kong, HK).loss_ms, 0, 0.001);
	lose(&hong_kong, HK, 6, 0.05f);
	assert_true(learn());
	float costs = found(&hong_kong, HK).loss_ms;
	assert_true(costs > 240 && costs <= 300);
	believed(&hong_kong, HK, 30 + costs, 3);
	assert_float_equal(found(&hong_kong, HK).known->loss, 0.05, 0.01);
	t.now += 16 * MINUTE;
	assert_true(learn());
	believed(&hong_kong, HK, 30, 3);
}

/* Of an AS that a node is reached badly by, areas and nodes that were not
 * measured are believed to be so, too; not of another AS. */
static void test_model(void **state)
{
	struct place cities[6];
	for (unsigned i = 0; i < 6; i++) {
		cities[i] = shanghai;
		cities[i].lat -= 3 * (float)i;
		say_all(&cities[i], HK, 6, 150);
		say_all(&cities[i], JP, 6, 40);
	}
	say_all(&beijing, JP, 6, 40);
	struct place other = beijing;
	other.asn = 4837;
	say_all(&other, JP, 6, 40);
	learn();
	assert_true(found(&beijing, HK).path_ms > 100);
	assert_null(found(&beijing, HK).known);
	assert_false(found(&beijing, HK).crosses);
	assert_true(
		found(&other, HK).path_ms < found(&beijing, HK).path_ms - 30);
	assert_true(found(&other, HK).crosses);
	/* An area of that AS without any report. */
	struct place far = {
		.lat = 45.8f, .lon = 126.5f, .asn = 4134, .source = PLACE_NETS};
	assert_true(found(&far, HK).path_ms > found(&far, JP).path_ms + 50);
	far.asn = 7018;
	assert_null(area_of(&far));
}

/* What an AS loses towards a node it loses from areas, too, that were not measured. */
static void test_loss_of_as(void **state)
{
	struct place other = beijing;
	other.asn = 4837;
	lose(&shanghai, HK, 6, 0.05f);
	say_all(&beijing, JP, 6, 60);
	say_all(&other, JP, 6, 60);
	learn();
	assert_null(found(&beijing, HK).known);
	assert_true(found(&beijing, HK).loss_ms > 50);
	assert_float_equal(found(&other, HK).loss_ms, 0, 0.001);
}

/* A client of no known AS goes by all ASes of its square: a node that one of them
 * reaches badly is worse than one that both reach well. */
static void test_no_as(void **state)
{
	struct place other = shanghai, none = shanghai;
	other.asn = 4837;
	none.asn = 64496;
	say_all(&shanghai, HK, 6, 30);
	say_all(&other, HK, 6, 150);
	say_all(&shanghai, JP, 6, 60);
	say_all(&other, JP, 6, 60);
	learn();
	believed(&none, HK, 90, 6);
	believed(&none, JP, 60, 6);
	none.asn = 0;
	believed(&none, JP, 60, 6);
	believed(&shanghai, HK, 30, 4);
	believed(&other, HK, 150, 4);
}

/* What bits say of the first n networks: loss alone. */
static bool bits(
	const struct place *place, unsigned node, unsigned n, float loss)
{
	bool all = true;
	for (unsigned i = 0; i < n; i++) {
		struct path_report r = report(place, node, i, -1);
		r.loss = loss;
		r.by = PATH_BY_BITS;
		all &= paths_report(t.p, &r, t.now);
	}
	return all;
}

/* Without a round trip the path is the model's, and what the loss costs; another
 * carrier's cost is still to be added, and the store keeps nothing. */
static void test_loss_alone(void **state)
{
	struct paths_kept kept;
	assert_true(bits(&shanghai, HK, 6, 0.08f));
	learn();
	struct path_found f = found(&shanghai, HK);
	assert_true(f.loss_ms > 300);
	believed(&shanghai, HK, 25 + f.loss_ms, 3);
	assert_true(f.crosses);
	assert_int_equal(f.known->networks, 6);
	paths_keep(t.p, t.node[HK], t.node[HK] + 1, t.now, &kept);
	assert_null(kept.body);
	assert_true(bits(&shanghai, HK, 6, 0));
	learn();
	believed(&shanghai, HK, 25, 3);
	/* All ASes of a square, of none of which a round trip is known. */
	struct place other = shanghai, none = shanghai;
	other.asn = 4837;
	none.asn = 0;
	assert_true(bits(&shanghai, HK, 6, 0.08f));
	assert_true(bits(&other, HK, 6, 0.08f));
	learn();
	assert_true(found(&none, HK).loss_ms > 300);
	believed(&none, HK, 25 + found(&none, HK).loss_ms, 6);
	/* Loss has faded: still a number. */
	t.now += HOUR;
	learn();
	believed(&none, HK, 25, 3);
}

/* Players said the round trips: they stay, and as old as they are. */
static void test_loss_beside_round_trips(void **state)
{
	for (unsigned i = 0; i < 12; i++) {
		struct path_report r = report(&hong_kong, HK, i, 90);
		r.by = PATH_BY_PLAYER;
		r.loss = -1;
		assert_true(paths_report(t.p, &r, t.now));
	}
	/* Other networks take the place of none of them. */
	assert_false(bits(&hong_kong, HK, 13, 0.08f));
	assert_true(bits(&hong_kong, HK, 12, 0.08f));
	learn();
	believed(&hong_kong, HK, 90 + found(&hong_kong, HK).loss_ms, 3);
	assert_true(found(&hong_kong, HK).loss_ms > 300);
	assert_false(found(&hong_kong, HK).crosses);
	/* One of them measures again, and says nothing of loss. */
	struct path_report r = report(&hong_kong, HK, 0, 88);
	r.by = PATH_BY_PLAYER;
	r.loss = -1;
	float before = found(&hong_kong, HK).loss_ms;
	assert_true(paths_report(t.p, &r, t.now));
	learn();
	assert_float_equal(found(&hong_kong, HK).loss_ms, before, 0.001);
	/* Today's round trips outweigh yesterday's, of which bits spoke today. */
	t.now += 24 * HOUR;
	assert_true(bits(&hong_kong, HK, 12, 0));
	for (unsigned i = 0; i < 3; i++)
		say(&hong_kong, HK, i, 80);
	learn();
	believed(&hong_kong, HK, 80, 3);
}

/* What a node's kernel counted stands, while it goes on saying it. */
static void test_kernel_before_bits(void **state)
{
	lose(&hong_kong, HK, 6, 0);
	t.now += 2 * MINUTE;
	assert_false(bits(&hong_kong, HK, 6, 0.08f));
	learn();
	assert_float_equal(found(&hong_kong, HK).loss_ms, 0, 0.001);
	t.now += 2 * MINUTE;
	assert_true(bits(&hong_kong, HK, 6, 0.08f));
	learn();
	assert_true(found(&hong_kong, HK).loss_ms > 300);
	lose(&hong_kong, HK, 6, 0);
	learn();
	assert_float_equal(found(&hong_kong, HK).loss_ms, 0, 0.001);
}

static void test_not_believed(void **state)
{
	const struct place unknown = {.source = PLACE_UNKNOWN};
	assert_false(say(&unknown, HK, 0, 30));
	assert_false(say(&hong_kong, NO, 0, 30));
	assert_int_equal(paths_count(t.p), 0);
	/* 9,630 km are 154 ms of map; 0.4 of them is too fast for any fibre. */
	assert_false(say(&hong_kong, UK, 0, 60));
	assert_int_equal(paths_count(t.p), 0);
	assert_true(say(&hong_kong, UK, 0, 63));
	assert_true(say(&hong_kong, HK, 0, 0.01f));
	assert_int_equal(paths_count(t.p), 2);
}

static struct map *other_map(const char *nodes)
{
	char text[1000];
	snprintf(text, sizeof text,
		"nodes:\n%ssteer: {live.example.com: {pool: [edge]}}\n", nodes);
	struct conf *conf = world_conf(text);
	struct map *map = map_build(conf, t.w.geo, 1, t.w.map);
	conf_free(conf);
	return map;
}

/* A node that has moved is another one to the paths. */
static void test_moved(void **state)
{
	say_all(&hong_kong, HK, 3, 30);
	say_all(&hong_kong, JP, 3, 60);
	struct map *map =
		other_map(" hk: {address: [127.0.0.10], at: [22.3, 114.2]}\n"
			  " jp: {address: [127.0.0.11], at: [34.7, 135.5]}\n");
	paths_set_map(t.p, map);
	learn();
	assert_int_equal(paths_count(t.p), 1);
	believed(&hong_kong, HK, 30, 3);
	paths_set_map(t.p, t.w.map);
	map_free(map);
}

/* A node that is gone, and one that is new, in another map. */
static void test_other_map(void **state)
{
	say_all(&hong_kong, HK, 3, 30);
	say_all(&hong_kong, JP, 3, 60);
	learn();
	struct map *map =
		other_map(" new: {address: [127.0.0.9], at: [1.3, 103.8]}\n"
			  " jp: {address: [127.0.0.11], at: [35.7, 139.7]}\n");
	paths_set_map(t.p, map);
	learn();
	assert_int_equal(paths_count(t.p), 1);
	believed(&hong_kong, JP, 60, 3);
	paths_set_map(t.p, t.w.map);
	map_free(map);
}

/* A node whose place is not known any more, though it was where nodes without a place are
 * kept; nothing is learned of it. */
static void test_no_place_any_more(void **state)
{
	static const struct place gulf = {.source = PLACE_NETS};
	struct map *there =
		other_map(" hk: {address: [127.0.0.10], at: [0, 0]}\n");
	struct map *gone = other_map(" hk: {address: [192.0.2.1]}\n");
	paths_set_map(t.p, there);
	say_all(&gulf, HK, 3, 30);
	assert_int_equal(paths_count(t.p), 1);
	paths_set_map(t.p, gone);
	assert_int_equal(paths_count(t.p), 0);
	assert_false(say(&gulf, HK, 0, 30));
	paths_set_map(t.p, t.w.map);
	map_free(there);
	map_free(gone);
}

/* When paths to a node are forgotten, an AS is still badly reached from another one. */
static void test_as_without_a_node(void **state)
{
	struct place far = {
		.lat = 45.8f, .lon = 126.5f, .asn = 4134, .source = PLACE_NETS};
	say_all(&hong_kong, JP, 6, 60);
	for (unsigned i = 0; i < 4; i++) {
		struct place city = shanghai;
		city.lat -= 3 * (float)i;
		say_all(&city, JP, 6, 40);
		say_all(&city, HK, 6, 200);
	}
	struct map *map =
		other_map(" hk: {address: [127.0.0.10], at: [22.3, 114.2]}\n");
	paths_set_map(t.p, map);
	learn();
	assert_int_equal(paths_count(t.p), 4);
	const struct path_area *as = area_of(&far);
	struct path_found hk = path_table_find(t.table, as, t.node[HK], 50);
	assert_true(hk.path_ms > 50 +
			90 * (t.table->rate + t.table->node_rate[t.node[HK]]) +
			20);
	assert_false(hk.crosses);
	assert_null(area_of(&hong_kong));
	for (unsigned i = 0; i < 4; i++) {
		struct place city = shanghai;
		city.lat -= 3 * (float)i;
		believed(&city, HK, 200, 5);
	}
	paths_set_map(t.p, t.w.map);
	map_free(map);
}

static void test_free_none(void **state)
{
	paths_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_nothing),
		TEST(test_measured),
		TEST(test_changed),
		TEST(test_shown),
		TEST(test_median),
		TEST(test_players_weigh_less),
		TEST(test_jump),
		TEST(test_one_voice_after_jump),
		TEST(test_jumps),
		TEST(test_jump_of_one),
		TEST(test_twelve_networks),
		TEST(test_old_round_trips),
		TEST(test_loss),
		TEST(test_model),
		TEST(test_loss_of_as),
		TEST(test_no_as),
		TEST(test_loss_alone),
		TEST(test_loss_beside_round_trips),
		TEST(test_kernel_before_bits),
		TEST(test_not_believed),
		TEST(test_moved),
		TEST(test_other_map),
		TEST(test_no_place_any_more),
		TEST(test_as_without_a_node),
		cmocka_unit_test(test_free_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
