/* test_secondary.c - when zones of other name servers are asked for, what is taken, and when
 * they expire. The test plays the primaries, on loopback, and control; the time is the test's.
 */
#include "unit/folder.h"
#include "unit/hear.h"
#include "unit/memory.h"
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
static void step(void)
{
	struct pollfd none[WATCHED_MAX];
	for (unsigned i = 0; i < WATCHED_MAX; i++)
		none[i] = (struct pollfd){.fd = -1};
	secondaries_step(t.s, none, t.now_ms, t.wall_s);
}

static void step_at(int64_t now_ms)
{
	t.now_ms = now_ms;
	step();
}

/* What comes next, to whomever. */
static void turn(void)
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
static bool asks(void)
{
	struct pollfd fds[WATCHED_MAX];
	secondaries_watch(t.s, fds);
	return fds[1].fd >= 0;
}

/* Of the i-th of n zones. */
static const struct secondary_status *status_of(unsigned i, unsigned n)
{
	unsigned all;
	struct secondary_status *of = secondaries_status(t.s, &all);
	assert_int_equal(all, n);
	t.status = of[i];
	free(of);
	return &t.status;
}

static const struct secondary_status *status(void)
{
	return status_of(0, 1);
}

/* Seconds until it is asked for again. */
static int64_t rests_s(void)
{
	step();
	return status()->next_s - t.wall_s;
}

/* A round that is due, to its end. */
static void round_of(unsigned connections)
{
	unsigned ended = t.primary[0].ended + t.primary[1].ended;
	step();
	assert_true(asks());
	UNTIL(t.primary[0].ended + t.primary[1].ended == ended + connections);
	assert_false(asks());
}

/* -- the configuration -- */

/* serial: of the first zone as it is in service; 0: it is not. */
static void use_conf(const char *text, uint32_t serial)
{
	uint32_t serials[2] = {serial, 0};
	secondaries_use(
		t.s, source_make(text, serials, ""), t.now_ms, t.wall_s);
}

static void use_primaries(unsigned first, unsigned n, uint32_t serial)
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

static void use(uint32_t serial)
{
	use_primaries(0, 1, serial);
}

/* What is kept of a zone with so many records, current since then. */
static void keep(unsigned records, int64_t current_s)
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

/* -- control -- */

static void on_changed(void *arg, const char *zone, bool arrived)
{
	assert_ptr_equal(arg, &t);
	(*(arrived ? &t.arrived : &t.ended))++;
	snprintf(t.zone, sizeof t.zone, "%s", zone);
}

static void settle(const char *why)
{
	secondaries_settled(t.s, "example.com", why, t.now_ms, t.wall_s);
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int setup(void **state)
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

static int teardown(void **state)
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

/* -- a zone comes -- */

static void test_first(void **state)
{
	(void)state;
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), -1);
	use(0);
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 0);
	assert_false(status()->here);
	assert_int_equal(status()->serial, 0);
	assert_int_equal(status()->current_s, 0);
	round_of(1);
	assert_string_equal(t.primary[0].asked, "AXFR ");
	assert_false(t.primary[0].was_signed);
	assert_int_equal(t.arrived, 1);
	assert_string_equal(t.zone, "example.com");
	assert_true(folder_has(t.folder, FILE_NEXT));
	assert_int_equal(status()->transfers, 0);

	/* Control builds with it; nothing is asked meanwhile. */
	step_at(t.now_ms + 10 * SOURCE_EXPIRE_S * INT64_C(1000));
	assert_false(asks());
	t.wall_s += 100; /* since it was asked for */
	use(7);
	settle(NULL);
	assert_true(status()->here);
	assert_int_equal(status()->serial, 7);
	assert_int_equal(status()->transfers, 1);
	assert_int_equal(status()->failures, 0);
	assert_int_equal(status()->current_s, WALL_S);
	assert_int_equal(status()->until_s, WALL_S + SOURCE_EXPIRE_S);
	assert_string_equal(status()->why, "");
	char primary[64];
	snprintf(primary, sizeof primary, "127.0.0.1:%u", t.primary[0].port);
	assert_string_equal(status()->primary, primary);
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
	/* A wall clock may be set. */
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 1000);
	settle("too late");
	assert_string_equal(status()->why, "");
}

/* As master file text, its header a comment. */
static void test_file(void **state)
{
	char path[FOLDER_FILE_MAX], line[200];
	(void)state;

	use(0);
	round_of(1);
	FILE *f = fopen(folder_file(path, t.folder, FILE_NEXT), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	char expected[200];
	snprintf(expected, sizeof expected,
		"; example.com from 127.0.0.1:%u, begun 2023-11-14T22:13:20Z: "
		"written by dnsd, changes are lost\n",
		t.primary[0].port);
	assert_string_equal(line, expected);
	assert_non_null(fgets(line, sizeof line, f));
	assert_string_equal(line,
		"example.com.\t300\tIN\tSOA\tns1.example.com. h.example.com. 7 1 2 3 4\n");
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(fgets(line, sizeof line, f));
	assert_string_equal(line, "n1.example.com.\t300\tIN\tA\t192.0.2.1\n");
	assert_null(fgets(line, sizeof line, f));
	fclose(f);
}

/* What the primary signed it with is left out, which is said. */
static void test_signed_there(void **state)
{
	(void)state;
	t.primary[0].more =
		"n1.example.com. 300 IN RRSIG A 13 3 300 20370101000000 "
		"20260101000000 1 example.com. AAAA";
	use(0);
	hear();
	round_of(1);
	assert_true(heard("1 records of that are left out"));
	assert_int_equal(t.arrived, 1);
}

/* What control finds wrong with it is said, and it is asked again later. */
static void test_not_built(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(6);
	round_of(1);
	assert_int_equal(t.arrived, 1);
	char why[100];
	snprintf(why, sizeof why, "127.0.0.1:%u: a.zone:3: no such type",
		t.primary[0].port);
	settle("a.zone:3: no such type");
	assert_string_equal(status()->why, why);
	assert_int_equal(status()->failures, 1);
	assert_int_equal(status()->transfers, 0);
	assert_int_equal(status()->serial, 6);
	assert_int_equal(rests_s(), SOURCE_RETRY_S);
}

/* -- by its serial -- */

static void test_same_serial(void **state)
{
	char path[FOLDER_FILE_MAX];
	struct stat st;
	(void)state;

	keep(4, WALL_S - 100);
	use(7);
	assert_int_equal(status()->current_s, WALL_S - 100);
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA ");
	assert_int_equal(t.arrived, 0);
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
	assert_int_equal(status()->current_s, WALL_S);
	assert_int_equal(status()->failures, 0);
	/* Also after a restart. */
	assert_int_equal(stat(folder_file(path, t.folder, FILE_NOW), &st), 0);
	assert_true(st.st_mtim.tv_sec > WALL_S);
	/* Not sooner. */
	step_at(t.now_ms + SOURCE_REFRESH_S * 1000 - 1);
	assert_false(asks());
	step_at(t.now_ms + 1);
	assert_true(asks());
}

static void test_newer_serial(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(6);
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA AXFR ");
	assert_int_equal(t.arrived, 1);
}

static void test_older_serial(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(8);
	hear();
	round_of(1);
	assert_true(heard("has serial 7, older than 8 here"));
	assert_string_equal(t.primary[0].asked, "SOA ");
	assert_int_equal(t.arrived, 0);
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);

	/* The operator wants it; once. */
	assert_int_equal(
		secondaries_refresh(t.s, "example.com", true, t.now_ms), 1);
	assert_int_equal(rests_s(), 1);
	t.now_ms += 1000;
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA AXFR ");
	use(7);
	settle(NULL);
	assert_int_equal(secondaries_refresh(t.s, NULL, false, t.now_ms), 1);
	t.now_ms += 1000;
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA AXFR SOA ");
	assert_int_equal(
		secondaries_refresh(t.s, "example.net", true, t.now_ms), 0);
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
}

/* The one that is newer than what is here, also behind one that is not. */
static void test_newer_of_two(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.primary[1].serial = 8;
	use_primaries(0, 2, 7);
	round_of(2);
	assert_string_equal(t.primary[0].asked, "SOA ");
	assert_string_equal(t.primary[1].asked, "SOA AXFR ");
	assert_int_equal(t.arrived, 1);
	/* Behind one that is, no other is asked. */
	use_primaries(0, 2, 8);
	settle(NULL);
	t.primary[0].serial = 9;
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA SOA AXFR ");
	assert_string_equal(t.primary[1].asked, "SOA AXFR ");
}

/* -- NOTIFY -- */

static void ring(void)
{
	struct name zone = nm("example.com");
	struct pollfd fds[WATCHED_MAX];

	bell_ring(secondaries_bell(t.s), &zone);
	secondaries_watch(t.s, fds);
	assert_int_equal(poll(fds, 1, 0), 1);
	for (unsigned i = 1; i < WATCHED_MAX; i++)
		fds[i] = (struct pollfd){.fd = -1};
	secondaries_step(t.s, fds, t.now_ms, t.wall_s);
}

static void test_notify(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(7);
	round_of(1);
	int64_t asked_ms = t.now_ms;

	/* However many come, it is asked for once a second. */
	for (unsigned i = 0; i < 10; i++)
		ring();
	assert_false(asks());
	assert_int_equal(rests_s(), 1);
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 1000);
	t.now_ms = asked_ms + 999;
	ring();
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 1);
	assert_false(asks());
	t.now_ms = asked_ms + 1000;
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA SOA ");
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);

	/* Later at once. */
	t.now_ms += 1000;
	ring();
	assert_true(asks());
}

/* One that comes while it is asked: what is asked for may be older. */
static void test_notify_meanwhile(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(7);
	step();
	t.now_ms += 5000;
	ring();
	UNTIL(t.primary[0].ended);
	assert_int_equal(rests_s(), 1);
	step_at(t.now_ms + 999);
	assert_false(asks());
	t.now_ms += 1;
	round_of(1);
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
}

/* While control builds: the force is that of the round to come. */
static void test_refresh_meanwhile(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(6);
	round_of(1);
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	use(7);
	settle(NULL);
	assert_int_equal(rests_s(), 1);
	t.now_ms += 1000;
	round_of(1);
	assert_string_equal(t.primary[0].asked, "SOA AXFR AXFR ");
}

/* -- a primary that fails -- */

static void check_why(unsigned primary, const char *why)
{
	char expected[400];
	snprintf(expected, sizeof expected, "127.0.0.1:%u: %s",
		t.primary[primary].port, why);
	assert_string_equal(status()->why, expected);
}

/* Longer and longer where nothing is here yet. */
static void test_backoff(void **state)
{
	static const int64_t waits_ms[] = {2000, 4000, 8000, 16000, 32000,
		64000, 128000, 256000, 300000, 300000};
	(void)state;

	t.primary[0].rcode = RCODE_REFUSED;
	use(0);
	for (unsigned i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
		round_of(1);
		assert_int_equal(
			secondaries_wait_ms(t.s, t.now_ms), waits_ms[i]);
		step_at(t.now_ms + waits_ms[i] - 1);
		assert_false(asks());
		t.now_ms++;
	}
	check_why(0, "the primary answers REFUSED");
	assert_int_equal(status()->failures, 10);
	/* From the start again after one that was good. */
	t.primary[0].rcode = 0;
	round_of(1);
	use(7);
	settle(NULL);
	assert_string_equal(status()->why, "");
	use(0);
	t.primary[0].rcode = RCODE_REFUSED;
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(1);
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 2000);
}

static void test_refused(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.primary[0].rcode = RCODE_REFUSED;
	use_primaries(0, 2, 7);
	round_of(2);
	assert_string_equal(t.primary[1].asked, "SOA ");
	/* One of two has answered. */
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
	assert_int_equal(status()->failures, 0);
	assert_string_equal(status()->why, "");

	t.primary[1].rcode = RCODE_SERVFAIL;
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(2);
	assert_int_equal(rests_s(), SOURCE_RETRY_S);
	assert_int_equal(status()->failures, 1);
	check_why(1, "the primary answers SERVFAIL");
	assert_int_equal(status()->current_s, WALL_S);
}

static void test_nothing_listens(void **state)
{
	(void)state;
	keep(4, WALL_S);
	standin_close(&t.primary[0]);
	use_primaries(0, 2, 6);
	hear();
	round_of(1);
	assert_true(heard("Connection refused"));
	assert_string_equal(t.primary[1].asked, "SOA AXFR ");
}

/* The second is asked when the first has had its time. */
static void test_stalls(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.primary[0].silent = true;
	use_primaries(0, 2, 7);
	step();
	UNTIL(*t.primary[0].asked);
	step_at(NOW_MS + 9999);
	assert_int_equal(t.primary[0].ended, 0);
	hear();
	step_at(NOW_MS + 10000);
	UNTIL(t.primary[1].ended);
	assert_true(heard("no answer in time"));
	assert_string_equal(t.primary[0].asked, "SOA ");
	assert_string_equal(t.primary[1].asked, "SOA ");
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
}

/* To be connected and to answer, each has its time. */
static void test_slow_connection(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.primary[0].silent = true;
	use(7);
	step();
	t.now_ms += 9000;
	UNTIL(*t.primary[0].asked);
	step_at(t.now_ms + 9999);
	assert_true(asks());
	step_at(t.now_ms + 1);
	assert_false(asks());
	check_why(0, "no answer in time");
}

/* A transfer that stands still; what came of it goes. */
static void test_stalls_in_transfer(void **state)
{
	char partial[FOLDER_FILE_MAX];
	(void)state;

	snprintf(partial, sizeof partial, FILE_NOW ".partial-%ld",
		(long)getpid());
	keep(4, WALL_S);
	t.primary[0].half = true;
	use(6);
	step();
	UNTIL(!strcmp(t.primary[0].asked, "SOA AXFR "));
	turn(); /* the half */
	assert_true(folder_has(t.folder, partial));
	/* What comes in time gives it as much time again. */
	t.now_ms += 59999;
	step();
	assert_true(asks());
	standin_send_more(&t.primary[0], 1, false);
	turn();
	t.now_ms += 59999;
	step();
	assert_true(asks());
	step_at(t.now_ms + 1);
	assert_false(asks());
	check_why(0, "no answer in time");
	assert_int_equal(t.arrived, 0);
	assert_false(folder_has(t.folder, partial));
	assert_false(folder_has(t.folder, FILE_NEXT));
	assert_true(folder_has(t.folder, FILE_NOW));
}

/* However it goes on sending a little. */
static void test_too_long(void **state)
{
	const int64_t longest_ms = 4 * 3600 * 1000;
	(void)state;

	keep(4, WALL_S);
	t.primary[0].half = true;
	use(6);
	step();
	UNTIL(!strcmp(t.primary[0].asked, "SOA AXFR "));
	turn();
	while (t.now_ms < NOW_MS + longest_ms - 50000) {
		t.now_ms += 50000;
		standin_send_more(&t.primary[0], 1, false);
		turn();
	}
	step_at(NOW_MS + longest_ms - 1);
	assert_true(asks());
	step_at(NOW_MS + longest_ms);
	assert_false(asks());
	check_why(0, "it takes too long");
}

/* Many messages, which come one by one or together. */
static void test_many_messages(void **state)
{
	(void)state;
	t.primary[0].half = true;
	use(0);
	step();
	UNTIL(*t.primary[0].asked);
	for (unsigned i = 0; i < 200; i++)
		standin_send_more(&t.primary[0], 1, false);
	standin_send_more(&t.primary[0], 1, true);
	UNTIL(t.arrived);
	assert_false(asks());
}

static void test_ends_early(void **state)
{
	(void)state;
	t.primary[0].half = true;
	use(0);
	step();
	UNTIL(*t.primary[0].asked);
	standin_hang_up(&t.primary[0]);
	UNTIL(!asks());
	check_why(0, "the connection ended before the zone did");
	assert_int_equal(t.arrived, 0);
}

/* -- what is not taken -- */

/* A zone of so many records where 40 were, or others. */
static void comes(unsigned before, unsigned records, bool force)
{
	keep(before, WALL_S);
	t.primary[0].records = records;
	use(6);
	if (force)
		secondaries_refresh(t.s, NULL, true, t.now_ms);
	round_of(1);
}

static void test_shrinks(void **state)
{
	(void)state;
	comes(40, 19, false);
	assert_int_equal(t.arrived, 0);
	assert_int_equal(status()->failures, 1);
	assert_false(folder_has(t.folder, FILE_NEXT));
	check_why(0,
		"19 records came, less than half of the 40 here: not taken; "
		"`dnsd ctl refresh example.com --force` takes them");
	/* Forced, whatever it is. */
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	t.now_ms += 1000;
	round_of(1);
	assert_int_equal(t.arrived, 1);
	use(7);
	settle(NULL);
	/* From now on it is measured by what came. */
	t.primary[0].serial = 8;
	t.primary[0].records = 10;
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(1);
	assert_int_equal(t.arrived, 2);
}

static void test_half_is_taken(void **state)
{
	(void)state;
	comes(40, 20, false);
	assert_int_equal(t.arrived, 1);
}

static void test_few_may_go(void **state)
{
	(void)state;
	comes(19, 1, false);
	assert_int_equal(t.arrived, 1);
}

static void test_not_few_any_more(void **state)
{
	(void)state;
	comes(20, 1, false);
	assert_int_equal(t.arrived, 0);
}

static void test_forced(void **state)
{
	(void)state;
	comes(40, 1, true);
	assert_string_equal(t.primary[0].asked, "AXFR ");
	assert_int_equal(t.arrived, 1);
}

/* What is no longer here does not count. */
static void test_shrinks_from_nothing(void **state)
{
	(void)state;
	keep(40, WALL_S - 2 * SOURCE_EXPIRE_S);
	t.primary[0].records = 1;
	use(0);
	round_of(1);
	assert_int_equal(t.arrived, 1);
}

static void test_cannot_be_written(void **state)
{
	char path[FOLDER_FILE_MAX];
	(void)state;

	keep(4, WALL_S);
	use(6);
	folder_file(path, t.folder, FILE_NEXT);
	assert_int_equal(mkdir(path, 0700), 0);
	round_of(1);
	check_why(0, "what came cannot be written");
	assert_int_equal(t.arrived, 0);

	/* There is no folder for it. */
	folder_clear(t.folder);
	t.now_ms += SOURCE_RETRY_S * 1000;
	round_of(1);
	check_why(0, "the transfer cannot begin");
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	t.now_ms += 1000;
	round_of(1);
	check_why(0, "the question cannot be sent");
	assert_string_equal(t.primary[0].asked, "SOA AXFR SOA ");
}

/* -- expiry -- */

static void test_expires(void **state)
{
	(void)state;
	keep(4, WALL_S - 100);
	standin_close(&t.primary[0]);
	use(7);
	step();
	UNTIL(!asks());
	t.wall_s = WALL_S - 100 + SOURCE_EXPIRE_S - 1;
	step();
	assert_int_equal(t.ended, 0);
	assert_int_equal(status()->until_s, t.wall_s + 1);
	t.wall_s++;
	hear();
	step();
	assert_true(heard("example.com has expired"));
	assert_int_equal(t.ended, 1);
	assert_int_equal(t.arrived, 0);

	/* Control does not manage it; it is asked again, but not at once. */
	settle("no memory");
	assert_string_equal(status()->zone, "example.com");
	step_at(t.now_ms + 299999);
	assert_int_equal(t.ended, 1);
	step_at(t.now_ms + 1);
	assert_int_equal(t.ended, 2);
	use(0);
	settle(NULL);
	assert_false(status()->here);
	assert_int_equal(status()->until_s, 0);
	assert_int_equal(status()->transfers, 0);
	step_at(t.now_ms + 299999);
	step_at(t.now_ms + 1);
	assert_int_equal(t.ended, 2);
}

/* While a primary answers it does not. */
static void test_does_not_expire(void **state)
{
	(void)state;
	keep(4, WALL_S);
	use(7);
	t.wall_s += SOURCE_EXPIRE_S - 1;
	round_of(1);
	t.wall_s += SOURCE_EXPIRE_S - 1;
	step();
	assert_int_equal(t.ended, 0);
	t.wall_s++;
	step();
	assert_int_equal(t.ended, 1);
}

/* -- reloads -- */

/* A round goes on, by the key of the configuration that is in use then. */
static void test_same_primaries(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.key = ", key: ns2";
	t.primary[0].has_key = t.primary[0].silent = true;
	use_primaries(0, 2, 6);
	step();
	UNTIL(*t.primary[0].asked);
	assert_true(t.primary[0].was_signed);
	for (unsigned i = 0; i < 3; i++) {
		use_primaries(0, 2, 6);
		assert_int_equal(sources, 1);
		assert_true(asks());
	}
	t.primary[0].silent = false;
	standin_answer(&t.primary[0]);
	UNTIL(t.arrived);
	assert_int_equal(t.primary[0].ended, 0);
	assert_string_equal(t.primary[0].asked, "SOA AXFR ");
}

/* Asks for a silent one, then what it is asked for by changes. */
static void test_other_primary(void **state)
{
	(void)state;
	keep(4, WALL_S);
	t.primary[0].silent = true;
	use(7);
	step();
	UNTIL(*t.primary[0].asked);
	use_primaries(1, 1, 7);
	assert_false(asks());
	round_of(2); /* the first one sees that now */
	assert_string_equal(t.primary[1].asked, "SOA ");
	use_primaries(0, 2, 7);
	assert_int_equal(status()->next_s, t.wall_s);
}

static void test_other_key(void **state)
{
	static const char *const keys[][2] = {
		{", key: ns2", "AQIDBAUGBwgJCg=="},
		{", key: ns2", "AQIDBAUGBwgJCw=="}, {"", "AQIDBAUGBwgJCw=="}};
	(void)state;

	keep(4, WALL_S);
	t.primary[0].silent = true;
	for (unsigned i = 0; i < 3; i++) {
		t.key = keys[i][0];
		t.secret = keys[i][1];
		use(7);
		assert_false(asks());
		step();
		assert_true(asks());
		UNTIL(t.primary[0].ended == i);
		*t.primary[0].asked = '\0';
		UNTIL(*t.primary[0].asked);
		assert_int_equal(t.primary[0].was_signed, i < 2);
	}
}

static void test_gone(void **state)
{
	unsigned n;
	(void)state;

	keep(4, WALL_S);
	t.primary[0].silent = true;
	use(7);
	step();
	UNTIL(*t.primary[0].asked);
	use_conf("zones: {example.com: {file: a.zone}}\n", 7);
	free(secondaries_status(t.s, &n));
	assert_int_equal(n, 0);
	assert_int_equal(secondaries_watched(t.s), 1);
	UNTIL(t.primary[0].ended);
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), -1);
	settle(NULL); /* of what is gone */
}

/* -- two zones -- */

static void use_two(uint32_t serial)
{
	char text[1000];
	snprintf(text, sizeof text,
		"store: %s/d.db\nzones:\n"
		"  example.com: {from: {primary: [\"127.0.0.1:%u\"]}}\n"
		"  example.net: {from: {primary: [\"127.0.0.1:%u\"]}}\n",
		t.folder, t.primary[0].port, t.primary[1].port);
	use_conf(text, serial);
}

/* What is said of one is not of the other. */
static void test_two_zones(void **state)
{
	(void)state;
	standin_close(&t.primary[1]);
	use_two(0);
	assert_string_equal(status_of(0, 2)->zone, "example.com");
	assert_string_equal(status_of(1, 2)->zone, "example.net");
	round_of(1);
	UNTIL(status_of(1, 2)->failures);
	assert_int_equal(t.arrived, 1);
	assert_string_equal(t.zone, "example.com");
	secondaries_settled(t.s, "example.net", "x", t.now_ms, t.wall_s);
	assert_string_equal(status_of(0, 2)->why, "");
	use_two(7);
	settle(NULL);
	assert_int_equal(status_of(0, 2)->transfers, 1);
	assert_int_equal(status_of(1, 2)->transfers, 0);
	assert_int_equal(secondaries_wait_ms(t.s, t.now_ms), 1000);

	ring(); /* for example.com */
	assert_int_equal(status_of(0, 2)->next_s, t.wall_s + 1);
	assert_int_equal(status_of(1, 2)->next_s, t.wall_s + 2);
	assert_int_equal(
		secondaries_refresh(t.s, "example.net", false, t.now_ms), 1);
	step();
	assert_int_equal(status_of(1, 2)->next_s, t.wall_s + 1);
	assert_int_equal(secondaries_refresh(t.s, NULL, false, t.now_ms), 2);
	/* The second one goes. */
	use(7);
	assert_string_equal(status()->zone, "example.com");
	assert_int_equal(status()->serial, 7);
}

/* -- memory -- */

/* A life: what comes, what is refused, what is the same, a reload in a round. */
static void live(void)
{
	keep(4, WALL_S);
	use(6);
	round_of(1);
	use(7);
	settle(NULL);
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(1);
	t.primary[0].rcode = RCODE_REFUSED;
	t.now_ms += SOURCE_REFRESH_S * 1000;
	round_of(1);
	t.primary[0].rcode = 0;
	t.primary[0].half = true;
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	t.now_ms += 1000;
	step();
	UNTIL(strlen(t.primary[0].asked) > 20);
	use_primaries(1, 1, 7);
}

static void test_memory(void **state)
{
	size_t before = 0;
	for (unsigned i = 0; i < 3; i++) {
		live();
		teardown(state);
		before = i == 1 ? memory_of_heap() : before;
		if (i == 2)
			assert_int_equal(memory_of_heap(), before);
		setup(state);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_first), TEST(test_file),
		TEST(test_signed_there), TEST(test_not_built),
		TEST(test_same_serial), TEST(test_newer_serial),
		TEST(test_older_serial), TEST(test_newer_of_two),
		TEST(test_notify), TEST(test_notify_meanwhile),
		TEST(test_refresh_meanwhile), TEST(test_backoff),
		TEST(test_refused), TEST(test_nothing_listens),
		TEST(test_stalls), TEST(test_slow_connection),
		TEST(test_stalls_in_transfer), TEST(test_too_long),
		TEST(test_many_messages), TEST(test_ends_early),
		TEST(test_shrinks), TEST(test_half_is_taken),
		TEST(test_few_may_go), TEST(test_not_few_any_more),
		TEST(test_forced), TEST(test_shrinks_from_nothing),
		TEST(test_cannot_be_written), TEST(test_expires),
		TEST(test_does_not_expire), TEST(test_same_primaries),
		TEST(test_other_primary), TEST(test_other_key), TEST(test_gone),
		TEST(test_two_zones), TEST(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
