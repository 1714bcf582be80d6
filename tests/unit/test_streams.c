/* SRS's list of streams: a real one, then the same with one thing wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/streams.h"
#include "srs/streams.h"

static struct stream_list *parse(const char *body)
{
	struct err err = {0};
	struct stream_list *list = streams_parse(body, strlen(body), &err);
	if (!list)
		fail_msg("%s: %s", body, err_text(&err));
	return list;
}

static void test_real(void **state)
{
	static char text[8192];
	FILE *f = fopen("tests/data/srs/streams.json", "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	struct stream_list *list = parse(text);
	assert_int_equal(list->n, 2);
	assert_string_equal(list->stream[0].url, "/live/livestream");
	assert_string_equal(list->stream[0].publisher, "67288w2b");
	assert_int_equal(list->stream[0].clients, 2);
	assert_string_equal(list->stream[1].url, "school.example/live/maths");
	free(list);
}

/* Versions differ; who has gone is still listed for a while. */
static void test_versions(void **state)
{
	struct stream_list *list = parse(
		"{\"code\":0,\"streams\":["
		"{\"name\":\"b\",\"app\":\"live\",\"publish\":{\"active\":true,\"cid\":107}},"
		"{\"name\":\"gone\",\"app\":\"live\",\"publish\":{\"active\":false}},"
		"{\"url\":\"/live/a\",\"clients\":-4,\"publish\":{\"active\":true}},"
		"{\"url\":\"/live/a\",\"clients\":9,\"publish\":{\"active\":true}}]}");
	assert_int_equal(list->n, 2);
	assert_string_equal(list->stream[0].url, "/live/a");
	assert_string_equal(list->stream[0].publisher, "");
	assert_string_equal(list->stream[1].url, "/live/b");
	assert_string_equal(list->stream[1].publisher, "107");
	free(list);
	list = parse("{\"code\":0,\"streams\":[]}");
	assert_int_equal(list->n, 0);
	free(list);
}

static void bad(const char *body, const char *why)
{
	struct err err = {0};
	assert_null(streams_parse(body, strlen(body), &err));
	if (!strstr(err_text(&err), why))
		fail_msg("'%s' is not about %s", err_text(&err), why);
	assert_int_equal(err.count, 1);
	err_fini(&err);
}

static void test_bad(void **state)
{
	bad("", "JSON");
	bad("[]", "code");
	bad("{\"streams\":[]}", "code");
	bad("{\"code\":2049,\"streams\":[]}", "code");
	bad("{\"code\":0,\"urls\":{}}", "streams");
}

/* Between two good ones. */
static void odd(const char *entry, const char *why)
{
	static char body[4096];
	snprintf(body, sizeof body,
		"{\"code\":0,\"streams\":["
		"{\"url\":\"/live/a\",\"clients\":3.0,\"publish\":{\"active\":true}},%s,"
		"{\"url\":\"/live/\xe6\xb8\xaf\",\"publish\":{\"active\":true}}]}",
		entry);
	struct stream_list *list = parse(body);
	if (list->n != 2)
		fail_msg("%s: %u streams are left", entry, list->n);
	assert_string_equal(list->stream[0].url, "/live/a");
	assert_int_equal(list->stream[0].clients, 3);
	assert_string_equal(list->stream[1].url, "/live/\xe6\xb8\xaf");
	assert_int_equal(list->left_out, 1);
	if (!strstr(list->why, why))
		fail_msg("'%s' is not about %s", list->why, why);
	free(list);
}

/* What publishers call themselves hides nobody else. */
static void test_odd(void **state)
{
	static char entry[2048];
	static const char *const names[] = {"a\\u0001", "a\\t", "a\tb", "a\x01",
		"a\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\\u0000", "\\ud800", "\\ud800\\u0041",
		"\\udc00", "\\x41", "\\u00g0", "a\xc2\x9b"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(entry, sizeof entry,
			"{\"url\":\"/live/%s\",\"publish\":{\"active\":true}}",
			names[i]);
		odd(entry, "control characters");
	}
	odd("7", "publish");
	odd("null", "publish");
	odd("{\"url\":\"/a/b\"}", "publish");
	odd("{\"publish\":{\"active\":true}}", "url");
	odd("{\"app\":\"live\",\"name\":\"\",\"publish\":{}}", "name");
	odd("{\"url\":[],\"publish\":{}}", "url");
	snprintf(entry, sizeof entry,
		"{\"url\":\"/live/%01000d\",\"publish\":{}}", 1);
	odd(entry, "too long");
}

static void test_index(void **state)
{
	struct stream_at at[] = {{"/live/b", 2, 1}, {"/live/a", 3, 1},
		{"/live/b", 0, 5}, {"/live/c", 0, 1}};
	struct stream_index *x = stream_index_new(at, 4, 4);
	const struct stream_at *b = stream_index_find(x, "/live/b");
	assert_non_null(b);
	assert_int_equal(b[0].node, 0);
	assert_int_equal(b[0].clients, 5);
	assert_int_equal(b[1].node, 2);
	assert_non_null(stream_index_find(x, "/live/a"));
	assert_non_null(stream_index_find(x, "/live/c"));
	assert_null(stream_index_find(x, "/live/"));
	assert_null(stream_index_find(x, "/live/d"));
	assert_int_equal(x->count[0], 2);
	assert_int_equal(x->count[1], 0);
	free(x);
	x = stream_index_new(NULL, 0, 0);
	assert_null(stream_index_find(x, "/live/a"));
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_real),
		cmocka_unit_test(test_versions), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_odd), cmocka_unit_test(test_index)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
