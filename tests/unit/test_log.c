/* What fails again and again is said once, when it changes, when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "base/log_json.h"
#include "base/rng.h"

#define POLL_MS 3000
#define DAY_MS 86400000

static void test_said_once(void **state)
{
	struct log_fault fault = {0};
	unsigned said = 0;
	(void)state;
	for (int64_t now = 0; now < DAY_MS; now += POLL_MS)
		said += log_failed(&fault, "HTTP 404", now);
	assert_int_equal(said, 1);
	assert_int_equal(fault.times, DAY_MS / POLL_MS);
}

static void test_change_of_the_reason(void **state)
{
	struct log_fault fault = {0};
	(void)state;
	assert_true(log_failed(&fault, "HTTP 404", 0));
	/* soon after a line it waits, but is not forgotten */
	assert_false(log_failed(&fault, "HTTP 500", POLL_MS));
	assert_true(log_failed(&fault, "HTTP 500", LOG_QUIET_MS));
	assert_false(log_failed(&fault, "HTTP 500", 3 * LOG_QUIET_MS));
	assert_true(log_failed(&fault, "HTTP 404", 4 * LOG_QUIET_MS));
}

static void test_over(void **state)
{
	struct log_fault fault = {0};
	(void)state;
	assert_false(log_mended(&fault, 0));
	assert_true(log_failed(&fault, "refused", 0));
	assert_false(log_mended(&fault, POLL_MS));
	assert_true(log_mended(&fault, LOG_QUIET_MS));
	assert_false(log_mended(&fault, 2 * LOG_QUIET_MS));
	/* the same reason is news again */
	assert_true(log_failed(&fault, "refused", 2 * LOG_QUIET_MS));
}

/* A day of failing each second time is one line. */
static void test_by_turns(void **state)
{
	struct log_fault fault = {0};
	unsigned said = 0;
	(void)state;
	for (int64_t now = 0; now < DAY_MS; now += 2 * POLL_MS) {
		said += log_failed(&fault, "refused", now);
		said += log_mended(&fault, now + POLL_MS);
	}
	assert_int_equal(said, 1);
}

/* So many lines a second, and the next one tells how many were left out. */
static void test_limit(void **state)
{
	struct log_limit limit = {0};
	unsigned held = 0, said = 0, held_sum = 0;
	(void)state;
	for (int64_t now = 0; now < 10000; now++)
		if (log_allowed(&limit, now, 200, &held)) {
			said++;
			held_sum += held;
		}
	assert_int_equal(said, 10 * 200);
	assert_int_equal(held_sum, 9 * 800);
}

/* -- JSON -- */

#define BEFORE "{\"time\":\"2026-11-22T09:00:00.007Z\",\"level\":\"info\""

static void same(const char *text, const char *want)
{
	char line[LOG_JSON_MAX + 1];
	size_t n = log_json(line, "info", 1795338000007, text);
	line[n] = '\0';
	assert_memory_equal(line, BEFORE, strlen(BEFORE));
	assert_string_equal(line + strlen(BEFORE), want);
}

static void test_json_forms(void **state)
{
	same("stopping", ",\"message\":\"stopping\"}");
	same("geoip: kept in /x",
		",\"module\":\"geoip\",\"message\":\"geoip: kept in /x\"}");
	same("node hk1: up -> down x",
		",\"node\":\"hk1\",\"message\":\"node hk1: up -> down x\"}");
	same("query from=::1 name=a=b. size=9",
		",\"module\":\"query\",\"fields\":{\"from\":\"::1\",\"name\":\"a=b.\",\"size\":\"9\"},"
		"\"message\":\"query from=::1 name=a=b. size=9\"}");
	/* what only looks like one of them */
	same("/etc/x: y", ",\"message\":\"/etc/x: y\"}");
	same("node x y: z", ",\"message\":\"node x y: z\"}");
	same("query from=a and more",
		",\"message\":\"query from=a and more\"}");
	same("query a=1 a=2", ",\"message\":\"query a=1 a=2\"}");
	same("query a=1 ", ",\"message\":\"query a=1 \"}");
	same("", ",\"message\":\"\"}");
}

/* One object a line, whatever the network said. */
static void test_json_escapes(void **state)
{
	same("a\"b\\c\n\x1b\x7f\xff\xe7\xba\xbf",
		",\"message\":\"a\\\"b\\\\c\\u000a\\u001b\\u007f\\ufffd\xe7\xba\xbf\"}");
}

/* What does not fit is cut between two characters, and the object is whole. */
static void test_json_long(void **state)
{
	char text[1900], line[LOG_JSON_MAX];
	memset(text, '\n', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	size_t n = log_json(line, "error", 0, text);
	assert_in_range(n, LOG_JSON_MAX - 60, LOG_JSON_MAX);
	assert_memory_equal(line + n - 8, "\\u000a\"}", 8);
	/* a text of that length without escapes is whole */
	memset(text, 'x', sizeof text - 1);
	n = log_json(line, "error", 0, text);
	assert_memory_equal(line + n - 3, "x\"}", 3);
	assert_in_range(n, sizeof text, sizeof text + 80);
}

/* Whatever a line holds and wherever it is cut, it is one object. */
static void test_json_always(void **state)
{
	static const char *const begins[] = {
		"", "node a: ", "geoip: ", "query name=", "query a=b name="};
	/* some without a blank, so that a field may be long */
	static const char *const octets[] = {
		"\n\"\\ =:a\xe7\xba\xbf\xff\x7f", "\n\"\xff="};
	struct rng rng = {1};
	char text[1900], line[LOG_JSON_MAX];

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = rng_next(&rng) % (sizeof text - 20);
		size_t at = strlen(strcpy(text, begins[i % 5]));
		size_t kinds = 1 + rng_next(&rng) % strlen(octets[i & 1]);
		for (n += at; at < n; at++)
			text[at] = octets[i & 1][rng_next(&rng) % kinds];
		text[at] = '\0';
		json_error_t error;
		json_t *json =
			json_loadb(line, log_json(line, "warning", 0, text),
				JSON_REJECT_DUPLICATES, &error);
		if (!json || !json_object_get(json, "message"))
			fail_msg("%s: %s", error.text, text);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_forms),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_json_long),
		cmocka_unit_test(test_json_always),
		cmocka_unit_test(test_said_once),
		cmocka_unit_test(test_change_of_the_reason),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_by_turns),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
