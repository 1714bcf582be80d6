/* What a name server says of the nodes, as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry/expect.h"
#include "registry/view.h"

static int find(const void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "hk1")    ? 7
		: !strcmp(name, "de1") ? 3
		: !strcmp(name, "us1") ? 5
				       : -1;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct view_word words[] = {{"hk1", "", VIEW_UP, 120, 800, 38.2f, 240},
		{"gone", "", VIEW_UP, 1, 1, 1, 1},
		{"de1", "polls time out", VIEW_DOWN, 12, -1, 0, 0},
		{"us1", "polls time out", VIEW_UNKNOWN, 3, 9, 1, 2}};
	struct buf out = {0};
	struct err err = {0};
	view_begin(&out, 17, 2500, true);
	for (unsigned i = 0; i < 4; i++)
		view_add(&out, &words[i]);
	view_end(&out);
	assert_int_equal(strncmp(out.text, "{\"run\":17,", 10), 0);
	struct view *v = view_parse(out.text, find, NULL, &err);
	assert_non_null(v);
	assert_int_equal(v->run, 17);
	assert_int_equal(v->every_ms, 2500);
	assert_true(v->suspect);
	assert_int_equal(v->n, 3);
	const struct view_node *n = view_of(v, 7);
	assert_int_equal(n->state, VIEW_UP);
	assert_int_equal(n->since_s, 120);
	assert_int_equal(n->sample_age_ms, 800);
	assert_float_equal(n->rtt_ms, 38.2, 0.01);
	assert_float_equal(n->connections, 240, 0);
	assert_string_equal(v->reasons[n->reason], "");
	n = view_of(v, 3);
	assert_int_equal(n->state, VIEW_DOWN);
	assert_int_equal(n->sample_age_ms, -1);
	assert_string_equal(v->reasons[n->reason], "polls time out");
	assert_int_equal(view_of(v, 5)->state, VIEW_UNKNOWN);
	assert_int_equal(view_of(v, 5)->reason, n->reason); /* the same */
	assert_int_equal(v->n_reasons, 2);
	assert_null(view_of(v, 4));
	assert_int_equal(v->users, 1);
	assert_true(view_keep(v) == v);
	assert_int_equal(v->users, 2);
	view_drop(v);
	assert_int_equal(v->users, 1);
	view_drop(v);
	view_drop(NULL);
	buf_fini(&out);
}

static bool reads(const char *text)
{
	struct err err = {0};
	struct view *v = view_parse(text, find, NULL, &err);
	assert_true(v ? !err.count : err.count == 1);
	view_drop(v);
	err_fini(&err);
	return v != NULL;
}

#define NODES(nodes) "{\"run\":1,\"every_ms\":2500,\"nodes\":" nodes "}"

static void test_bad(void **state)
{
	(void)state;
	assert_true(reads(NODES("{}")));
	assert_true(reads(NODES("{\"hk1\":[\"up\",0,0,0,0]}")));
	assert_true(reads(NODES("{\"hk1\":[\"up\",0,0,0,0,5,\"more\"]}")));
	assert_true(reads(NODES("{\"gone\":17}")));
	assert_true(reads(NODES("{\"hk1\":[\"up\",1e9,1e9,1e6,1e9]}")));
	assert_true(reads("{\"run\":0,\"every_ms\":500,\"nodes\":{}}"));
	assert_true(reads(
		"{\"run\":9007199254740992,\"every_ms\":60000,\"nodes\":{}}"));
	assert_false(reads(
		"{\"run\":9007199254740994,\"every_ms\":500,\"nodes\":{}}"));
	assert_false(reads("{\"run\":0,\"every_ms\":499,\"nodes\":{}}"));
	assert_false(reads(NODES("{\"hk1\":17}")));
	assert_false(reads(NODES("{\"hk1\":[\"good\",0,0,0,0]}")));
	assert_false(reads(NODES("{\"hk1\":[\"up\",-1,0,0,0]}")));
	assert_false(reads(NODES("{\"hk1\":[\"up\",0,-2,0,0]}")));
	assert_false(reads(NODES("{\"hk1\":[\"up\",0,0,-1,0]}")));
	assert_false(reads(NODES("{\"hk1\":[\"up\",0,0,0]}")));
	assert_false(reads(NODES("{\"hk1\":[\"up\",0,1e10,0,0]}")));
	assert_false(reads(NODES("[]")));
	assert_false(reads("{\"run\":1,\"every_ms\":2500}"));
	assert_false(reads("{\"run\":1,\"every_ms\":1,\"nodes\":{}}"));
	assert_false(reads("{\"run\":1,\"every_ms\":60001,\"nodes\":{}}"));
	assert_false(reads("{\"run\":-1,\"every_ms\":2500,\"nodes\":{}}"));
	assert_false(reads("[]"));
	assert_false(reads(""));
}

/* Too many reasons, and one that is too long, are no reasons. */
static void test_reasons(void **state)
{
	(void)state;
	struct buf out = {0};
	struct err err = {0};
	view_begin(&out, 1, 2500, false);
	char why[200];
	for (unsigned i = 0; i < 2; i++) {
		memset(why, 'a', sizeof why);
		why[VIEW_REASON_MAX - 1 + i] = '\0';
		struct view_word word = {.name = i ? "hk1" : "de1",
			.why = why,
			.state = VIEW_DOWN};
		view_add(&out, &word);
	}
	view_end(&out);
	struct view *v = view_parse(out.text, find, NULL, &err);
	assert_int_equal(
		strlen(v->reasons[view_of(v, 3)->reason]), VIEW_REASON_MAX - 1);
	assert_int_equal(view_of(v, 7)->reason, 0);
	view_drop(v);
	buf_fini(&out);
}

static int find_any(const void *arg, const char *name)
{
	(void)arg;
	return atoi(name + 1);
}

static void test_many_reasons(void **state)
{
	(void)state;
	struct buf out = {0};
	struct err err = {0};
	view_begin(&out, 1, 2500, false);
	for (unsigned i = 0; i < 40; i++) {
		char name[16], why[16];
		snprintf(name, sizeof name, "n%u", i);
		snprintf(why, sizeof why, "why %u", i);
		struct view_word word = {
			.name = name, .why = why, .state = VIEW_DOWN};
		view_add(&out, &word);
	}
	view_end(&out);
	struct view *v = view_parse(out.text, find_any, NULL, &err);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(view_of(v, i)->reason,
			i + 1 < VIEW_REASONS ? i + 1 : 0);
	view_drop(v);
	buf_fini(&out);
}

/* An entry of the schedule comes back as it went. */
static void test_expect(void **state)
{
	(void)state;
	struct conf_expect entry = {.at_ms = 1763802000000,
		.name = "live.example.com",
		.viewers = 800,
		.over_s = 60,
		.from = {31.2, 121.5},
		.has_from = true};
	struct conf_expect again;
	struct err err = {0};
	char *text = expect_text(&entry);
	json_t *json = json_loads(text, 0, NULL);
	assert_true(expect_parse(json, &again, &err));
	json_decref(json);
	free(text);
	assert_memory_equal(&again, &entry, sizeof entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_many_reasons),
		cmocka_unit_test(test_expect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
