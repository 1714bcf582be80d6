/* Real answers (tests/data/srs), then the same with one thing wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "srs/heartbeat.h"
#include "srs/summary.h"

/* The JSON in a file of raw HTTP: from the first { to the last }. */
static char *body_of(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	char *begin = strchr(text, '{'), *end = strrchr(text, '}');
	assert_non_null(begin);
	end[1] = '\0';
	return mem_strdup(begin);
}

static void read_good(const char *path, struct sample *sample)
{
	struct err err = {0};
	char *body = body_of(path);
	if (!summary_parse(body, strlen(body), sample, &err))
		fail_msg("%s: %s", path, err_text(&err));
	free(body);
}

static void test_load(void **state)
{
	struct sample s, idle, heartbeat;
	read_good("tests/data/srs/load.txt", &s);
	assert_int_equal(s.sampled_ms, 1795330896924);
	assert_int_equal(s.node_ms, 1795330897042);
	assert_int_equal(s.connections, 6);
	assert_int_equal(s.send_bytes, 10301550);
	assert_true(s.cpu > 0.009f && s.cpu < 0.011f);
	assert_int_equal(s.uptime_s, 141);
	assert_int_equal(s.major, 6);
	assert_int_equal(s.minor, 0);
	assert_int_equal(s.revision, 157);
	assert_true(s.rtt_ms == 0);
	read_good("tests/data/srs/idle.txt", &idle);
	assert_int_equal(idle.connections, 0);
	assert_true(idle.identity != s.identity && s.identity);
	read_good("tests/data/srs/heartbeat.txt", &heartbeat);
	assert_int_equal(heartbeat.connections, 1);
	assert_int_equal(heartbeat.send_bytes, 4386);
}

static void bad(const char *body, const char *why)
{
	struct sample s;
	struct err err = {0};
	if (summary_parse(body, strlen(body), &s, &err))
		fail_msg("taken for a sample: %s", body);
	if (!strstr(err_text(&err), why))
		fail_msg("'%s' is not about %s", err_text(&err), why);
	assert_int_equal(err.count, 1);
	err_fini(&err);
}

/* A body with some parts replaced: NULL leaves what a real one has. */
struct parts {
	const char *code, *ids, *now, *self, *stamp, *sent, *conns;
};

static const char *make(struct parts p)
{
	static char text[2048];
	snprintf(text, sizeof text,
		"{%s%s\"data\":{\"ok\":true%s,\"self\":%s,"
		"\"system\":{\"cpus\":2%s%s%s}}}",
		p.code ? p.code : "\"code\":0,",
		p.ids ? p.ids : "\"service\":\"abc\",\"pid\":\"7\",",
		p.now ? p.now : ",\"now_ms\":1000",
		p.self ? p.self
		       : "{\"version\":\"6.0.1\",\"pid\":7,"
			 "\"cpu_percent\":0.25,\"srs_uptime\":5}",
		p.stamp ? p.stamp : ",\"srs_sample_time\":900",
		p.sent ? p.sent : ",\"srs_send_bytes\":77",
		p.conns ? p.conns : ",\"conn_srs\":3");
	return text;
}

#define MAKE(...) make((struct parts){__VA_ARGS__})

static struct sample good(const char *body)
{
	struct sample s;
	struct err err = {0};
	if (!summary_parse(body, strlen(body), &s, &err))
		fail_msg("%s: %s", err_text(&err), body);
	return s;
}

static void test_tolerant(void **state)
{
	struct sample six = good(MAKE(0));
	assert_int_equal(six.major, 6);
	/* whole numbers as reals, reals as whole numbers */
	struct sample s = good(MAKE(.now = ",\"now_ms\":1000.0",
		.stamp = ",\"srs_sample_time\":9e2",
		.self = "{\"cpu_percent\":1}"));
	assert_int_equal(s.sampled_ms, 900);
	assert_true(s.cpu == 1);
	assert_int_equal(s.uptime_s, -1);
	assert_int_equal(s.major, 0);
	/* ids as numbers are the same ids */
	assert_int_equal(
		good(MAKE(.ids = "\"service\":\"abc\",\"pid\":7,")).identity,
		six.identity);
	/* SRS 4: self.pid is all there is; another pid is another process */
	const char *self4 = "{\"version\":\"4.0.271\",\"pid\":7}";
	struct sample four = good(MAKE(.ids = "", .self = self4));
	assert_int_equal(four.major, 4);
	assert_int_equal(four.revision, 271);
	assert_int_equal(
		good(MAKE(.self = "{\"version\":\"x6.0.1\"}")).revision, 0);
	assert_true(four.identity && four.identity != six.identity);
	assert_true(four.identity !=
		good(MAKE(.ids = "", .self = "{\"pid\":8}")).identity);
	assert_int_equal(good(MAKE(.ids = "", .self = "{}")).identity, 0);
	/* statistics are off */
	assert_int_equal(
		good(MAKE(.stamp = ",\"srs_sample_time\":0")).sampled_ms, 0);
}

/* 64 bits are 64 bits. */
static void test_counters(void **state)
{
	static const struct {
		const char *sent;
		uint64_t is;
	} rows[] = {{"9007199254740993", 9007199254740993},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775808", 9223372036854775808u},
		{"18446744073709549568", 18446744073709549568u},
		{"18446744073709551615", UINT64_MAX},
		{"9.5e15", 9500000000000000}, {"77.0", 77},
		{"1.2e19", 12000000000000000000u}};
	char text[80];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, ",\"srs_send_bytes\":%s",
			rows[i].sent);
		struct sample s = good(MAKE(.sent = text));
		if (s.send_bytes != rows[i].is)
			fail_msg("%s was read as %llu", rows[i].sent,
				(unsigned long long)s.send_bytes);
		/* what stands beside it is as ever */
		assert_int_equal(s.connections, 3);
		assert_int_equal(s.sampled_ms, 900);
		assert_int_equal(s.identity, good(MAKE(0)).identity);
	}
	bad(MAKE(.sent = ",\"srs_send_bytes\":18446744073709560000"),
		"out of range");
	bad(MAKE(.sent = ",\"srs_send_bytes\":1e30"), "out of range");
	assert_int_equal(
		good(MAKE(.conns = ",\"conn_srs\":3.0")).connections, 3);
}

/* A path that is no UTF-8 says nothing about the load. */
static void test_not_utf8(void **state)
{
	struct sample s =
		good(MAKE(.self = "{\"cwd\":\"/srs/\xff\",\"pid\":7}"));
	assert_int_equal(s.connections, 3);
}

static void test_no_answer(void **state)
{
	char *index = body_of("tests/data/srs/nopath.txt");
	bad(index, "data.system"); /* HTTP 200 and code 0 of a wrong path */
	free(index);
	bad("", "not JSON");
	bad("<html></html>", "not JSON");
	bad("{\"code\":0,\"data\":{", "not JSON");
	bad("[]", "code");
	bad("null", "not JSON");
	bad("{\"code\":2048}", "code 2048");
	bad("{\"code\":0}", "data.system");
	bad("{\"code\":0,\"data\":{\"system\":[]}}", "data.system");
	bad(MAKE(.code = ""), "no code");
	bad(MAKE(.code = "\"code\":\"0\","), "no code");
	bad(MAKE(.code = "\"code\":100,"), "code 100");
}

static void test_wrong_types(void **state)
{
	bad(MAKE(.conns = ""), "no conn_srs");
	bad(MAKE(.conns = ",\"conn_srs\":\"3\""), "conn_srs is no integer");
	bad(MAKE(.conns = ",\"conn_srs\":3.5"), "conn_srs is no integer");
	bad(MAKE(.conns = ",\"conn_srs\":null"), "conn_srs is no integer");
	bad(MAKE(.conns = ",\"conn_srs\":-1"), "conn_srs is out of range");
	bad(MAKE(.conns = ",\"conn_srs\":4294967296"), "out of range");
	bad(MAKE(.now = ""), "no now_ms");
	bad(MAKE(.now = ",\"now_ms\":\"x\""), "now_ms is no number");
	bad(MAKE(.stamp = ""), "no srs_sample_time");
	bad(MAKE(.stamp = ",\"srs_sample_time\":-5"), "out of range");
	bad(MAKE(.stamp = ",\"srs_sample_time\":1e300"), "out of range");
	bad(MAKE(.sent = ",\"srs_send_bytes\":-5"), "srs_send_bytes");
	bad(MAKE(.sent = ",\"srs_send_bytes\":true"), "srs_send_bytes");
	bad(MAKE(.self = "[]"), "data.self");
	bad(MAKE(.self = "{\"cpu_percent\":\"1\"}"), "cpu_percent");
	bad(MAKE(.self = "{\"cpu_percent\":-0.1}"), "cpu_percent");
	bad(MAKE(.self = "{\"srs_uptime\":-1}"), "srs_uptime");
	bad(MAKE(.self = "{\"version\":6}"), "version");
	bad(MAKE(.ids = "\"service\":{},"), "service");
	bad(MAKE(.ids = "\"pid\":\"a\\u0007\","), "pid");
}

/* -- heartbeats -- */

static bool beat(const char *body, struct heartbeat *h)
{
	struct err err = {0};
	bool read = heartbeat_parse(body, strlen(body), h, &err);
	assert_int_equal(err.count, !read);
	err_fini(&err);
	return read;
}

static void test_heartbeat(void **state)
{
	struct heartbeat h;
	struct sample s;
	char *body = body_of("tests/data/srs/heartbeat.txt");
	assert_true(beat(body, &h));
	free(body);
	assert_string_equal(h.device_id, "relay");
	assert_string_equal(h.server, "relay");
	assert_string_equal(h.service, "pg609l4g");
	assert_string_equal(h.pid, "13685");
	assert_string_equal(h.ip, "192.0.2.2");
	assert_int_equal(h.rtmp, 19370);
	assert_int_equal(h.http, 8070);
	assert_int_equal(h.api, 9070);
	assert_true(h.has_sample);
	read_good("tests/data/srs/heartbeat.txt", &s);
	assert_int_equal(s.identity, h.sample.identity);

	/* SRS 4, summaries off */
	assert_true(beat("{\"device_id\":\"a\",\"ip\":\"192.0.2.1\"}", &h));
	assert_false(h.has_sample);
	assert_int_equal(h.rtmp, 0);
	assert_true(beat("{\"server\":1,\"rtmp\":[\"1935\"],\"http\":[],"
			 "\"srt\":[\"udp://0.0.0.0:10080\"]}",
		&h));
	assert_string_equal(h.server, "1");
	assert_int_equal(h.rtmp, 1935);
}

static void test_heartbeat_errors(void **state)
{
	struct heartbeat h;
	char *long_id = mem_zero(1, 400);
	assert_false(beat("", &h));
	assert_false(beat("[]", &h));
	assert_false(beat("{\"ip\":\"192.0.2.1\"}", &h));
	assert_false(beat("{\"device_id\":[]}", &h));
	assert_false(beat("{\"device_id\":\"a\\n\"}", &h));
	assert_false(beat("{\"device_id\":\"a\\u009b2J\"}", &h));
	assert_true(beat("{\"device_id\":\"\\u00e9\\u6e2f\"}", &h));
	assert_false(beat("{\"device_id\":\"a\",\"rtmp\":\"1935\"}", &h));
	assert_false(beat("{\"device_id\":\"a\",\"rtmp\":[1]}", &h));
	assert_false(beat("{\"device_id\":\"a\",\"rtmp\":[\"x\"]}", &h));
	assert_false(beat("{\"device_id\":\"a\",\"rtmp\":[\"70000\"]}", &h));
	assert_false(beat("{\"device_id\":\"a\",\"summaries\":{}}", &h));
	sprintf(long_id, "{\"device_id\":\"%0300d\"}", 1);
	assert_false(beat(long_id, &h));
	free(long_id);
	char *huge = mem_zero(1, HEARTBEAT_MAX + 2);
	memset(huge, ' ', HEARTBEAT_MAX + 1);
	assert_false(beat(huge, &h));
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_tolerant),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_heartbeat_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
