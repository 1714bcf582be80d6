/* test_secondary_fails.c - zones of other name servers whose primaries refuse, stall or send
 * what is not taken: which one is asked next, and when.
 */
#include "unit/secondary_world.h"

/* -- a primary that fails -- */

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

/* Where a connection cannot even begin, the next one is asked at once. */
static void test_no_address(void **state)
{
	char text[400];
	(void)state;

	snprintf(text, sizeof text,
		"store: %s/d.db\nzones: {example.com: {from: {primary: "
		"[\"127.255.255.255:53\", \"127.0.0.1:%u\"]}}}\n",
		t.folder, t.primary[0].port);
	keep(4, WALL_S);
	use_conf(text, 7); /* a broadcast address: no TCP */
	hear();
	round_of(1);
	assert_true(heard("from 127.255.255.255:53: "));
	assert_string_equal(t.primary[0].asked, "SOA ");
	assert_int_equal(status()->failures, 0);
}

/* The first of two primaries is asked and does not answer. */
static void first_is_silent(void)
{
	keep(4, WALL_S);
	t.primary[0].silent = true;
	use_primaries(0, 2, 7);
	step();
	UNTIL(*t.primary[0].asked);
}

/* The second is asked when the first has had its time. */
static void test_stalls(void **state)
{
	(void)state;
	first_is_silent();
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
	t.now_ms += 2500;
	hear();
	UNTIL(t.arrived);
	assert_true(
		heard(": 205 records in 202 messages, 8711 octets, 2.5 s\n"));
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

/* In the middle of a message; what came of it is no part of the next primary's. */
static void test_ends_in_a_message(void **state)
{
	static const uint8_t begin[] = {0, 64, 1, 2, 3};
	(void)state;
	first_is_silent();
	assert_int_equal(
		send(t.primary[0].fd, begin, sizeof begin, MSG_NOSIGNAL),
		sizeof begin);
	standin_hang_up(&t.primary[0]);
	UNTIL(t.primary[1].ended);
	assert_string_equal(t.primary[1].asked, "SOA ");
	assert_int_equal(rests_s(), SOURCE_REFRESH_S);
	assert_int_equal(status()->failures, 0);
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

	hear();
	use_conf("store: /nonexistent/d.db\nzones: {example.com: "
		 "{from: {primary: [127.0.0.1]}}}\n",
		0);
	assert_true(heard("secondary: /nonexistent/d.zones: No such file"));
	use_conf("zones: {example.com: {file: a}}\n", 6);

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
	hear();
	round_of(1);
	assert_true(heard(": No such file or directory\n"));
	check_why(0, "the transfer cannot begin");
	secondaries_refresh(t.s, NULL, true, t.now_ms);
	t.now_ms += 1000;
	round_of(1);
	check_why(0, "the question cannot be sent");
	assert_string_equal(t.primary[0].asked, "SOA AXFR SOA ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_backoff),
		TEST(test_refused), TEST(test_nothing_listens),
		TEST(test_no_address), TEST(test_stalls),
		TEST(test_slow_connection), TEST(test_stalls_in_transfer),
		TEST(test_too_long), TEST(test_many_messages),
		TEST(test_ends_early), TEST(test_ends_in_a_message),
		TEST(test_shrinks), TEST(test_half_is_taken),
		TEST(test_few_may_go), TEST(test_not_few_any_more),
		TEST(test_forced), TEST(test_shrinks_from_nothing),
		TEST(test_cannot_be_written)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
