/* The nodes' load history in the store: written, read, bounded. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mailbox.h"
#include "store/store.h"

#define DAY 86400
#define NOW (20000 * (int64_t)DAY)

struct scene {
	char folder[64], path[96];
	struct store *store;
	struct mailbox *mailbox;
	bool answered, ok;
	struct store_point *points;
	unsigned n;
};

static int setup(void **state)
{
	static struct scene s;
	struct err err = {0};

	s = (struct scene){.folder = "/tmp/dnsd-history-XXXXXX"};
	assert_non_null(mkdtemp(s.folder));
	snprintf(s.path, sizeof s.path, "%s/db", s.folder);
	s.store = store_open(s.path, &err);
	assert_non_null(s.store);
	s.mailbox = mailbox_new();
	err_fini(&err);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	struct scene *s = *state;
	char path[128];

	store_close(s->store);
	mailbox_free(s->mailbox);
	free(s->points);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		snprintf(path, sizeof path, "%s%s", s->path, endings[i]);
		unlink(path);
	}
	rmdir(s->folder);
	return 0;
}

static void on_points(
	void *arg, bool ok, struct store_point *points, unsigned n)
{
	struct scene *s = arg;
	free(s->points);
	s->points = points;
	s->n = n;
	s->ok = ok;
	s->answered = true;
}

static void read_points(struct scene *s, const char *node, int64_t since_s)
{
	s->answered = false;
	store_history_read(s->store, node, since_s, s->mailbox, on_points, s);
	while (!s->answered)
		mailbox_wait(s->mailbox);
	assert_true(s->ok);
}

static struct store_history_row row(
	const char *node, int64_t at_s, float connections)
{
	struct store_history_row r = {
		.mean = {at_s, connections, connections / 1000, 5e6f}};
	strcpy(r.node, node);
	return r;
}

static void write_row(
	struct scene *s, const char *node, int64_t at_s, float connections)
{
	struct store_history_row r = row(node, at_s, connections);
	store_history(s->store, &r, 1, at_s);
}

static void test_what_was_written_is_read(void **state)
{
	struct scene *s = *state;
	struct store_history_row rows[] = {
		row("hk1", NOW, 100), row("jp1", NOW, 200)};

	store_history(s->store, rows, 2, NOW);
	write_row(s, "hk1", NOW + 60, 110);
	read_points(s, "hk1", NOW);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->points[0].at_s, NOW);
	assert_float_equal(s->points[0].connections, 100, 0.001);
	assert_float_equal(s->points[0].utilisation, 0.1, 0.001);
	assert_float_equal(s->points[0].bandwidth_bps, 5e6, 1);
	assert_int_equal(s->points[1].at_s, NOW + 60);
	assert_float_equal(s->points[1].connections, 110, 0.001);
	read_points(s, "hk1", NOW + 1);
	assert_int_equal(s->n, 1);
	read_points(s, "jp1", 0);
	assert_int_equal(s->n, 1);
	read_points(s, "nobody", 0);
	assert_int_equal(s->n, 0);
}

/* A restart within a step writes the same moment again. */
static void test_a_moment_is_written_once(void **state)
{
	struct scene *s = *state;
	write_row(s, "hk1", NOW, 100);
	write_row(s, "hk1", NOW, 120);
	read_points(s, "hk1", 0);
	assert_int_equal(s->n, 1);
	assert_float_equal(s->points[0].connections, 120, 0.001);
}

static void test_a_week_is_kept(void **state)
{
	struct scene *s = *state;
	write_row(s, "old", NOW, 1);
	write_row(s, "hk1", NOW, 1);
	write_row(s, "hk1", NOW + DAY, 2);
	write_row(s, "hk1", NOW + 7 * DAY, 3);
	read_points(s, "hk1", 0);
	assert_int_equal(s->n, 3);
	write_row(s, "hk1", NOW + 7 * DAY + 60, 4);
	read_points(s, "hk1", 0);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->points[0].at_s, NOW + DAY);
	/* Also of a node that is no more. */
	read_points(s, "old", 0);
	assert_int_equal(s->n, 0);
}

static void test_it_outlives_the_server(void **state)
{
	struct scene *s = *state;
	struct err err = {0};
	write_row(s, "hk1", NOW, 100);
	store_close(s->store);
	s->store = store_open(s->path, &err);
	assert_non_null(s->store);
	read_points(s, "hk1", 0);
	assert_int_equal(s->n, 1);
	err_fini(&err);
}

/* About two million rows, whatever the fleet. */
static void test_the_table_is_bounded(void **state)
{
	static const unsigned nodes[] = {1, 200, 201, 1000, 20000, 65535};

	assert_int_equal(store_history_step_s(0), 60);
	assert_int_equal(store_history_step_s(200), 60);
	assert_int_equal(store_history_step_s(201), 120);
	assert_int_equal(store_history_step_s(1000), 300);
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		assert_in_range((uint64_t)nodes[i] * 7 * DAY /
				store_history_step_s(nodes[i]),
			1, 2020000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_what_was_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_moment_is_written_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_week_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_it_outlives_the_server, setup, teardown),
		cmocka_unit_test(test_the_table_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
