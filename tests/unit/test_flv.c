/* What a probe that asks for a stream says and hears. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "srs/flv.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKS OK "Server: SRS\r\ntransfer-encoding: chunked\r\n\r\n"

static void test_read(void **state)
{
	static const struct {
		const char *text;
		enum flv_answer answer;
		unsigned status;
	} cases[] = {
		{"", FLV_MORE, 0},
		{OK, FLV_MORE, 200},
		{OK "Content-Type: video/x-flv\r\n\r\nFL", FLV_MORE, 200},
		{OK "Content-Type: video/x-flv\r\n\r\nFLV", FLV_PLAYS, 200},
		{OK "\r\nFLV", FLV_PLAYS, 200},
		{"HTTP/1.0 200 OK\r\n\r\nFLV\1", FLV_PLAYS, 200},
		{CHUNKS, FLV_MORE, 200},
		{CHUNKS "d\r", FLV_MORE, 200},
		{CHUNKS "d\r\nFLV", FLV_PLAYS, 200},
		{CHUNKS "FLV\r\nno", FLV_MORE, 200},
		{CHUNKS "FLV\r\nnot", FLV_UNCLEAR, 200},
		{OK "\r\n<html>", FLV_UNCLEAR, 200},
		{"HTTP/1.1 404 Not Found\r\n", FLV_REFUSES, 404},
		{"HTTP/1.1 404\r\n", FLV_REFUSES, 404},
		{"HTTP/1.1 500 Oh\r\n", FLV_REFUSES, 500},
		{"HTTP/1.1 599 Oh\r\n", FLV_REFUSES, 599},
		{"HTTP/1.1 403 No\r\n", FLV_UNCLEAR, 403},
		{"HTTP/1.1 302 Found\r\n", FLV_UNCLEAR, 302},
		{"HTTP/1.1 4x4 What\r\n", FLV_UNCLEAR, 4},
		{"SSH-2.0-404 404 404\r\n", FLV_UNCLEAR, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned status = 0;
		size_t n = strlen(cases[i].text);
		enum flv_answer got = flv_read(cases[i].text, n, &status);
		if (got != cases[i].answer || status != cases[i].status)
			fail_msg("case %zu: %d, %u", i, got, status);
	}
}

/* However it comes in pieces, no result is given too early or differently. */
static void test_pieces(void **state)
{
	static const char text[] = CHUNKS "d\r\nFLV\1\5";
	size_t need = sizeof CHUNKS "d\r\nFLV" - 1;
	unsigned status;
	for (size_t n = 0; n < sizeof text; n++)
		assert_int_equal(flv_read(text, n, &status),
			n < need ? FLV_MORE : FLV_PLAYS);
}

static void test_request(void **state)
{
	char text[FLV_URL_MAX + 128];
	size_t n = flv_request(text, sizeof text, "/live/a");
	assert_int_equal(n, strlen(text));
	assert_string_equal(text,
		"GET /live/a.flv HTTP/1.1\r\nHost: dnsd\r\n"
		"User-Agent: dnsd\r\nAccept: */*\r\n"
		"Connection: close\r\n\r\n");
	flv_request(text, sizeof text, "a.example/live/a");
	assert_non_null(strstr(
		text, "GET /live/a.flv HTTP/1.1\r\nHost: a.example\r\n"));
}

/* All that can be asked for has its turn, and nothing else. */
static void test_choose(void **state)
{
	static char many[FLV_URL_MAX + 1] = "/live/";
	memset(many + 6, 'z', FLV_URL_MAX - 6);
	struct stream streams[] = {{.url = "/live"}, {.url = "/live/"},
		{.url = "/live/%41"}, {.url = "/live/.."}, {.url = "/live/a b"},
		{.url = "/live/a.b"}, {.url = "/live/a?b"},
		{.url = "/live/more/a"}, {.url = "/live/x"}, {.url = many},
		{.url = "/live/\xe9\xab\x98"}, {.url = "v.example/live/x"},
		{.url = "v@example/live/x"}};
	struct stream_list list = {
		.n = sizeof streams / sizeof *streams, .stream = streams};
	unsigned seen[sizeof streams / sizeof *streams] = {0};
	struct rng rng = {1};
	char url[FLV_URL_MAX];

	for (unsigned k = 0; k < 300; k++) {
		flv_choose(&list, &rng, url);
		assert_true(*url != '\0');
		for (unsigned i = 0; i < list.n; i++)
			seen[i] += !strcmp(url, streams[i].url);
	}
	assert_int_equal(seen[5] + seen[8] + seen[11], 300);
	assert_true(seen[5] > 50 && seen[8] > 50 && seen[11] > 50);
	list.n = 5;
	flv_choose(&list, &rng, url);
	assert_string_equal(url, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_choose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
