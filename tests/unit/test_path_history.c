/* The history of paths: which pairs get a point, and the store's table of them. */
#include <unistd.h>

#include "base/arena.h"
#include "base/mailbox.h"
#include "paths/paths.h"
#include "store/path_history.h"
#include "world.h"

#define DAY 86400
#define NOW (20000 * (int64_t)DAY)
#define MINUTE 60000
#define AREA 0x12980029a0064

/* -- the points -- */

static const char yaml[] = "nodes:\n"
			   " hk: {address: [127.0.0.10], at: [22.3, 114.2]}\n"
			   " jp: {address: [127.0.0.11], at: [35.7, 139.7]}\n"
			   "steer: {live.example.com: {pool: [edge]}}\n";

struct learned {
	struct world w;
	struct paths *p;
	unsigned hk, jp;
	int64_t now;
};

static int setup_learned(void **state)
{
	static struct learned l;
	l = (struct learned){.now = 10000000};
	world_open(&l.w, yaml);
	l.p = paths_new();
	paths_set_map(l.p, l.w.map);
	l.hk = (unsigned)map_find_node(l.w.map, "hk");
	l.jp = (unsigned)map_find_node(l.w.map, "jp");
	*state = &l;
	return 0;
}

static int teardown_learned(void **state)
{
	struct learned *l = *state;
	paths_free(l->p);
	world_close(&l->w);
	return 0;
}

static struct place place_of_as(uint32_t asn)
{
	return (struct place){
		.lat = 22.3f, .lon = 114.2f, .asn = asn, .source = PLACE_NETS};
}

/* So many networks of an AS in Hong Kong say it of a node. */
static void say(struct learned *l, uint32_t asn, unsigned node,
	unsigned networks, float rtt_ms, float loss)
{
	for (unsigned i = 0; i < networks; i++) {
		struct path_report r = {.net = asn * 100 + i + 1,
			.place = place_of_as(asn),
			.node = node,
			.rtt_ms = rtt_ms,
			.loss = loss,
			.viewers = 4,
			.by = PATH_BY_NODE};
		assert_true(paths_report(l->p, &r, l->now));
	}
}

static void test_points_are_what_is_believed(void **state)
{
	struct learned *l = *state;
	struct path_point points[10];
	struct place place = place_of_as(1);
	say(l, 1, l->hk, 8, 80, 0.05f);
	say(l, 1, l->jp, 8, 60, 0);
	paths_fit(l->p, l->now);
	assert_int_equal(paths_points(l->p, l->now, points, 10), 2);
	const struct path_point *hk = &points[points[0].node != l->hk];
	assert_true(points[0].node < points[1].node);
	assert_int_equal(hk->node, l->hk);
	assert_true(hk->area == path_area_key(&place));
	assert_float_equal(hk->rtt_ms, 80, 5);
	assert_float_equal(hk->loss, 0.05, 0.005);
}

/* What nobody said again in a step is a gap, not what it was before. */
static void test_points_are_of_reports_since_then(void **state)
{
	struct learned *l = *state;
	struct path_point points[10];
	say(l, 1, l->hk, 8, 80, 0);
	l->now += 5 * MINUTE;
	say(l, 1, l->jp, 1, 60, 0);
	paths_fit(l->p, l->now);
	assert_int_equal(paths_points(l->p, l->now, points, 10), 1);
	assert_int_equal(points[0].node, l->jp);
	assert_int_equal(
		paths_points(l->p, l->now - 5 * MINUTE, points, 10), 2);
	assert_int_equal(paths_points(l->p, l->now + 1, points, 10), 0);
}

/* Where there is not room for all, those that most networks said. */
static void test_points_of_most_networks_first(void **state)
{
	static const unsigned networks[] = {1, 5, 3, 5, 12, 1, 3, 2};
	struct learned *l = *state;
	struct path_point points[8];
	for (unsigned i = 0; i < 8; i++)
		say(l, i + 1, l->hk, networks[i], 50, 0);
	paths_fit(l->p, l->now);
	static const unsigned least[] = {12, 12, 5, 5, 3, 3, 2, 1, 1};
	for (unsigned most = 0; most <= 8; most++) {
		assert_int_equal(
			paths_points(l->p, l->now, points, most), most);
		for (unsigned i = 0; i < most; i++) {
			unsigned asn = (unsigned)(points[i].area >> 32);
			assert_in_range(networks[asn - 1], least[most], 12);
		}
	}
}

/* By node, then by area, in whatever order they came. */
static void test_points_are_in_order(void **state)
{
	struct learned *l = *state;
	struct path_point points[8];
	for (unsigned asn = 4; asn > 0; asn--) {
		say(l, asn, l->jp, 2, 60, 0);
		say(l, asn, l->hk, 2, 50, 0);
	}
	paths_fit(l->p, l->now);
	assert_int_equal(paths_points(l->p, l->now, points, 8), 8);
	for (unsigned i = 1; i < 8; i++)
		assert_true(points[i].node > points[i - 1].node ||
			(points[i].node == points[i - 1].node &&
				points[i].area > points[i - 1].area));
}

/* Networks of which the reports are forgotten, since the way is another one, count no
 * more. */
static void test_points_after_a_jump(void **state)
{
	struct learned *l = *state;
	struct path_point point;
	say(l, 1, l->hk, 9, 40, 0);
	say(l, 1, l->hk, 2, 160, 0);
	say(l, 2, l->hk, 3, 40, 0);
	paths_fit(l->p, l->now);
	assert_int_equal(paths_points(l->p, l->now, &point, 1), 1);
	assert_int_equal(point.area >> 32, 2);
}

/* What is next to nothing is not shown as less than that, nor as more. */
static void test_points_of_a_short_way(void **state)
{
	struct learned *l = *state;
	struct path_point point;
	say(l, 1, l->hk, 12, 0.05f, 0);
	paths_fit(l->p, l->now);
	assert_int_equal(paths_points(l->p, l->now, &point, 1), 1);
	assert_true(point.rtt_ms >= 0 && point.rtt_ms < 0.5f);
}

/* -- the table -- */

struct kept {
	char folder[64], path[96];
	struct store *store;
	struct mailbox *mailbox;
	bool answered, ok;
	struct store_path_point *points;
	unsigned n;
};

static int setup_kept(void **state)
{
	static struct kept k;
	struct err err = {0};
	k = (struct kept){.folder = "/tmp/dnsd-path-history-XXXXXX"};
	assert_non_null(mkdtemp(k.folder));
	snprintf(k.path, sizeof k.path, "%s/db", k.folder);
	k.store = store_open(k.path, &err);
	assert_non_null(k.store);
	k.mailbox = mailbox_new();
	err_fini(&err);
	*state = &k;
	return 0;
}

static int teardown_kept(void **state)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	struct kept *k = *state;
	char path[128];
	store_close(k->store);
	mailbox_free(k->mailbox);
	free(k->points);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		snprintf(path, sizeof path, "%s%s", k->path, endings[i]);
		unlink(path);
	}
	rmdir(k->folder);
	return 0;
}

static void on_points(
	void *arg, bool ok, struct store_path_point *points, unsigned n)
{
	struct kept *k = arg;
	free(k->points);
	k->points = points;
	k->n = n;
	k->ok = ok;
	k->answered = true;
}

static unsigned read_points(
	struct kept *k, const char *node, uint64_t area, int64_t since_s)
{
	k->answered = false;
	store_path_history_read(
		k->store, node, area, since_s, k->mailbox, on_points, k);
	while (!k->answered)
		mailbox_wait(k->mailbox);
	assert_true(k->ok);
	return k->n;
}

static void test_what_was_written_is_read(void **state)
{
	struct kept *k = *state;
	struct store_path_row rows[] = {
		{.node = "hk", .area = AREA, .rtt_ms = 80, .loss = 0.02f},
		{.node = "hk", .area = AREA + 1, .rtt_ms = 90},
		{.node = "jp", .area = AREA, .rtt_ms = 60, .loss = 1}};
	store_path_history(k->store, rows, 3, NOW);
	rows[0].rtt_ms = 81;
	store_path_history(k->store, rows, 1, NOW + 300);
	assert_int_equal(read_points(k, "hk", AREA, NOW), 2);
	assert_int_equal(k->points[0].at_s, NOW);
	assert_float_equal(k->points[0].rtt_ms, 80, 0.001);
	assert_float_equal(k->points[0].loss, 0.02, 0.0001);
	assert_int_equal(k->points[1].at_s, NOW + 300);
	assert_float_equal(k->points[1].rtt_ms, 81, 0.001);
	assert_int_equal(read_points(k, "hk", AREA, NOW + 1), 1);
	assert_int_equal(read_points(k, "hk", AREA + 1, 0), 1);
	assert_float_equal(k->points[0].rtt_ms, 90, 0.001);
	assert_int_equal(read_points(k, "jp", AREA, 0), 1);
	assert_float_equal(k->points[0].loss, 1, 0.001);
	assert_int_equal(read_points(k, "jp", AREA + 1, 0), 0);
	assert_int_equal(read_points(k, "nobody", AREA, 0), 0);
}

/* A restart within a step writes the same moment again. */
static void test_a_step_is_written_once(void **state)
{
	struct kept *k = *state;
	struct store_path_row row = {.node = "hk", .area = AREA, .rtt_ms = 80};
	store_path_history(k->store, &row, 1, NOW);
	row.rtt_ms = 70;
	store_path_history(k->store, &row, 1, NOW);
	assert_int_equal(read_points(k, "hk", AREA, 0), 1);
	assert_float_equal(k->points[0].rtt_ms, 70, 0.001);
}

/* Also of a node that is no more, and when nothing is reported. */
static void test_a_day_is_kept(void **state)
{
	struct kept *k = *state;
	struct store_path_row row = {.node = "hk", .area = AREA, .rtt_ms = 80};
	store_path_history(k->store, &row, 1, NOW);
	store_path_history(k->store, &row, 1, NOW + 300);
	store_path_history(k->store, NULL, 0, NOW + DAY);
	assert_int_equal(read_points(k, "hk", AREA, 0), 2);
	store_path_history(k->store, NULL, 0, NOW + DAY + 300);
	assert_int_equal(read_points(k, "hk", AREA, 0), 1);
	assert_int_equal(k->points[0].at_s, NOW + 300);
}

/* As many as a step may have; and the store is opened again. */
static void test_a_full_step(void **state)
{
	struct kept *k = *state;
	struct err err = {0};
	struct store_path_row *rows =
		mem_zero(PATH_HISTORY_PAIRS, sizeof *rows);
	for (unsigned i = 0; i < PATH_HISTORY_PAIRS; i++) {
		rows[i] = (struct store_path_row){
			.area = i % 64, .rtt_ms = (float)i};
		snprintf(rows[i].node, sizeof rows[i].node, "n%u", i / 64);
	}
	store_path_history(k->store, rows, PATH_HISTORY_PAIRS, NOW);
	free(rows);
	store_close(k->store);
	k->store = store_open(k->path, &err);
	assert_non_null(k->store);
	err_fini(&err);
	assert_int_equal(read_points(k, "n63", 63, 0), 1);
	assert_float_equal(k->points[0].rtt_ms, PATH_HISTORY_PAIRS - 1, 0.001);
	assert_int_equal(read_points(k, "n0", 5, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LEARNED(f) \
	cmocka_unit_test_setup_teardown(f, setup_learned, teardown_learned)
#define KEPT(f) cmocka_unit_test_setup_teardown(f, setup_kept, teardown_kept)
		LEARNED(test_points_are_what_is_believed),
		LEARNED(test_points_are_of_reports_since_then),
		LEARNED(test_points_of_most_networks_first),
		LEARNED(test_points_are_in_order),
		LEARNED(test_points_after_a_jump),
		LEARNED(test_points_of_a_short_way),
		KEPT(test_what_was_written_is_read),
		KEPT(test_a_step_is_written_once),
		KEPT(test_a_day_is_kept),
		KEPT(test_a_full_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
