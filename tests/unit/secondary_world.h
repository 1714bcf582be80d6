/* secondary_world.h - zones of other name servers, for tests that play the primaries, on
 * loopback, and control; the time is the test's.
 */
#ifndef TESTS_SECONDARY_WORLD_H
#define TESTS_SECONDARY_WORLD_H

#include "unit/folder.h"
#include "unit/hear.h"
#include "unit/source.h"
#include "unit/standin.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "transfer/secondary.h"

#define NOW_MS 5000000
#define WALL_S INT64_C(1700000000)
#define PATIENCE_MS 30000
#define WATCHED_MAX 8

#define FILE_NOW "d.zones/example.com.zone"
#define FILE_NEXT FILE_NOW ".next"

static struct fixture {
	char folder[FOLDER_MAX];
	struct secondaries *s;
	struct standin primary[2];
	const char *key; /* ", key: ns2", or nothing */
	const char *secret;
	unsigned files; /* descriptors at the start */
	int64_t now_ms, wall_s;
	struct secondary_status status;
	/* What control is to do. */
	unsigned arrived, ended;
	char zone[CONF_NAME_MAX];
} t;

/* -- time -- */

/* What is due. */
static UNUSED void step(void)
{
	struct pollfd none[WATCHED_MAX];
	for (unsigned i = 0; i < WATCHED_MAX; i++)
		none[i] = (struct pollfd){.fd = -1};
	secondaries_step(t.s, none, t.now_ms, t.wall_s);
}

static UNUSED void step_at(int64_t now_ms)
{
	t.now_ms = now_ms;
	step();
}

/* What comes next, to whomever. */
static UNUSED void turn(void)
{
	struct pollfd fds[WATCHED_MAX + 4];
	unsigned n = secondaries_watched(t.s);

	assert_true(n <= WATCHED_MAX);
	secondaries_watch(t.s, fds);
	for (unsigned i = 0; i < 2; i++) {
		const struct standin *p = &t.primary[i];
		fds[n + i] =
			(struct pollfd){.fd = p->fd >= 0 ? p->fd : p->listener,
				.events = POLLIN};
	}
	if (poll(fds, n + 2, PATIENCE_MS) <= 0)
		fail_msg("nothing comes");
	secondaries_step(t.s, fds, t.now_ms, t.wall_s);
	for (unsigned i = 0; i < 2; i++)
		if (fds[n + i].revents)
			standin_play(&t.primary[i]);
}

#define UNTIL(condition)     \
	while (!(condition)) \
	turn()

/* Whether the zone is asked for. */
static UNUSED bool asks(void)
{
	struct pollfd fds[WATCHED_MAX];
	secondaries_watch(t.s, fds);
	return fds[1].fd >= 0;
}

/* Of the i-th of n zones. */
static UNUSED const struct secondary_status *status_of(unsigned i, unsigned n)
{
	unsigned all;
	struct secondary_status *of = secondaries_status(t.s, &all);
	assert_int_equal(all, n);
	t.status = of[i];
	free(of);
	return &t.status;
}

static UNUSED const struct secondary_status *status(void)
{
	return status_of(0, 1);
}

/* Seconds until it is asked for again. */
static UNUSED int64_t rests_s(void)
{
	step();
	return status()->next_s - t.wall_s;
}

/* A round that is due, to its end. */
static UNUSED void round_of(unsigned connections)
{
	unsigned ended = t.primary[0].ended + t.primary[1].ended;
	step();
	assert_true(asks());
	UNTIL(t.primary[0].ended + t.primary[1].ended == ended + connections);
	assert_false(asks());
}

/* -- the configuration -- */

/* serial: of the first zone as it is in service; 0: it is not. */
static UNUSED void use_conf(const char *text, uint32_t serial)
{
	uint32_t serials[2] = {serial, 0};
	secondaries_use(
		t.s, source_make(text, serials, ""), t.now_ms, t.wall_s);
}

static UNUSED void use_primaries(unsigned first, unsigned n, uint32_t serial)
{
	char text[1000], second[40] = "";

	if (n > 1)
		snprintf(second, sizeof second, ", \"127.0.0.1:%u\"",
			t.primary[first + 1].port);
	snprintf(text, sizeof text,
		"store: %s/d.db\ntsig: {ns2: {secret: \"%s\"}}\nzones:\n"
		"  example.com: {from: {primary: [\"127.0.0.1:%u\"%s]%s}}\n",
		t.folder, t.secret, t.primary[first].port, second, t.key);
	use_conf(text, serial);
}

static UNUSED void use(uint32_t serial)
{
	use_primaries(0, 1, serial);
}

/* What is kept of a zone with so many records, current since then. */
static UNUSED void keep(unsigned records, int64_t current_s)
{
	struct timespec times[2] = {
		{.tv_sec = current_s}, {.tv_sec = current_s}};
	char path[FOLDER_FILE_MAX], text[4096] = "; written by a test\n";
	size_t n = strlen(text);

	for (; records; records--)
		n += (size_t)snprintf(text + n, sizeof text - n,
			"n%u.example.com. 300 IN A 192.0.2.1\n", records);
	folder_file(path, t.folder, "d.zones");
	mkdir(path, 0700);
	folder_write(t.folder, FILE_NOW, text);
	folder_file(path, t.folder, FILE_NOW);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What is said of the last failure, of that primary. */
static UNUSED void check_why(unsigned primary, const char *why)
{
	char expected[400];
	snprintf(expected, sizeof expected, "127.0.0.1:%u: %s",
		t.primary[primary].port, why);
	assert_string_equal(status()->why, expected);
}

/* -- control -- */

static UNUSED void on_changed(void *arg, const char *zone, bool arrived)
{
	assert_ptr_equal(arg, &t);
	(*(arrived ? &t.arrived : &t.ended))++;
	snprintf(t.zone, sizeof t.zone, "%s", zone);
}

static UNUSED void settle(const char *why)
{
	secondaries_settled(t.s, "example.com", why, t.now_ms, t.wall_s);
}

static UNUSED unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static UNUSED int setup(void **state)
{
	const struct secondaries_links links = {&t, on_changed};
	(void)state;

	t = (struct fixture){.now_ms = NOW_MS,
		.wall_s = WALL_S,
		.key = "",
		.secret = "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBvY3RldHMuLi4=",
		.files = open_files()};
	folder_make(t.folder);
	for (unsigned i = 0; i < 2; i++)
		standin_open(&t.primary[i]);
	t.s = secondaries_new();
	secondaries_link(t.s, &links);
	return 0;
}

static UNUSED int teardown(void **state)
{
	(void)state;
	heard("");
	secondaries_free(t.s);
	assert_int_equal(sources, 0);
	for (unsigned i = 0; i < 2; i++)
		standin_close(&t.primary[i]);
	folder_remove(t.folder);
	assert_int_equal(open_files(), t.files);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
