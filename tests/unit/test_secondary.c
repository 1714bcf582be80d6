/* test_secondary.c - when zones of other name servers are asked for, how they come, and when
 * they expire.
 */
#include "unit/memory.h"
#include "unit/secondary_world.h"

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
	use_primaries(0, 2, 9);
	settle(NULL);
	assert_int_equal(status()->transfers, 2);
	assert_int_equal(status()->serial, 9);
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

/* While control takes it out of service: a primary that speaks again is asked. */
static void test_notify_of_expired(void **state)
{
	(void)state;
	keep(4, WALL_S - SOURCE_EXPIRE_S);
	standin_close(&t.primary[0]);
	use(7);
	step();
	UNTIL(!asks());
	step();
	assert_int_equal(t.ended, 1);
	int64_t rest_s = status()->next_s - t.wall_s;
	assert_true(rest_s > 1);
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	assert_int_equal(status()->next_s - t.wall_s, rest_s);
	use(0);
	settle(NULL);
	assert_int_equal(rests_s(), 1);
	t.now_ms += 1000;
	step();
	assert_true(asks());
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
	const struct CMUnitTest tests[] = {TEST(test_first), TEST(test_file),
		TEST(test_signed_there), TEST(test_not_built),
		TEST(test_same_serial), TEST(test_newer_serial),
		TEST(test_older_serial), TEST(test_newer_of_two),
		TEST(test_notify), TEST(test_notify_meanwhile),
		TEST(test_refresh_meanwhile), TEST(test_expires),
		TEST(test_notify_of_expired), TEST(test_does_not_expire),
		TEST(test_same_primaries), TEST(test_other_primary),
		TEST(test_other_key), TEST(test_gone), TEST(test_two_zones),
		TEST(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
