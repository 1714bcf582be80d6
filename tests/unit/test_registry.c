/* The registry: what is in force of what this server wants and what etcd has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry/registry.h"

#define KEY "drains/hk1"
#define ON "{\"drained\":true,\"by\":\"ns2\"}"
#define OFF "{\"drained\":false,\"by\":\"ns2\"}"
#define OWN_ON "{\"drained\":true,\"by\":\"ns1\"}"
#define OWN_OFF "{\"drained\":false,\"by\":\"ns1\"}"
#define MARK "{\"id\":\"m\",\"seeds\":1}"

/* What the events said last; numbers since the last look(). */
static struct seen {
	char in_force[200], by[64], sent[200], conflict_by[64], refused[200];
	int64_t base;
	unsigned changes, sends, done, conflicts, keeps;
} seen;

static struct registry *registry;

static bool on_check(
	void *arg, const char *key, const char *value, struct err *err)
{
	(void)arg;
	(void)key;
	return !strstr(value, "bad") || err_add(err, "it is bad");
}

static void copy(char *to, const char *text)
{
	snprintf(to, 200, "%s", text ? text : "-");
}

static void on_in_force(
	void *arg, const char *key, const char *value, const char *by)
{
	(void)arg;
	if (strcmp(key, KEY))
		return;
	copy(seen.in_force, value);
	snprintf(seen.by, sizeof seen.by, "%s", by);
	seen.changes++;
}

static void on_keep(void *arg, const struct registry_row *row)
{
	(void)arg;
	(void)row;
	seen.keeps++;
}

static void on_send(void *arg, const char *key, const char *value, int64_t base)
{
	(void)arg;
	(void)key;
	copy(seen.sent, value);
	seen.base = base;
	seen.sends++;
}

static void on_ended(
	void *arg, const char *key, enum registry_end end, const char *by)
{
	(void)arg;
	(void)key;
	seen.done += end == REGISTRY_DONE;
	seen.conflicts += end == REGISTRY_CONFLICT;
	snprintf(seen.conflict_by, sizeof seen.conflict_by, "%s", by);
}

static void on_refused(void *arg, const char *key, const char *why)
{
	(void)arg;
	(void)key;
	copy(seen.refused, why);
}

static const struct registry_events events = {.check = on_check,
	.in_force = on_in_force,
	.keep = on_keep,
	.send = on_send,
	.ended = on_ended,
	.refused = on_refused};

static int setup(void **state)
{
	(void)state;
	seen = (struct seen){0};
	registry = registry_new("ns1", "mine", &events);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	registry_free(registry);
	return 0;
}

static struct seen look(void)
{
	struct seen now = seen;
	seen.changes = seen.sends = seen.done = seen.conflicts = seen.keeps = 0;
	return now;
}

static void change(const char *key, const char *value, int64_t revision)
{
	struct registry_item item = {key, value, revision};
	registry_changed(registry, &item, 1);
}

static void read_all(
	int64_t revision, const struct registry_item *items, unsigned n)
{
	registry_all(registry, revision, items, n);
}

static const char *in_force(void)
{
	const struct registry_row *row = registry_row(registry, KEY);
	return row ? registry_value(row) : NULL;
}

/* Etcd is there, with the mark and nothing else. */
static void begin(void)
{
	struct registry_item mark = {REGISTRY_MARK, MARK, 5};
	registry_connected(registry, true);
	read_all(10, &mark, 1);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	look();
}

static void test_other_server(void **state)
{
	(void)state;
	begin();
	change(KEY, ON, 11);
	struct seen s = look();
	assert_string_equal(s.in_force, ON);
	assert_string_equal(s.by, "ns2");
	assert_int_equal(s.changes, 1);
	assert_int_equal(s.keeps, 1);
	change(KEY, ON, 11); /* once more: nothing new */
	assert_int_equal(look().changes, 0);
	change(KEY, NULL, 12); /* by another program */
	assert_string_equal(look().in_force, "-");
	assert_null(registry_row(registry, KEY));
}

static void test_change_is_taken(void **state)
{
	(void)state;
	begin();
	registry_want(registry, KEY, "{\"drained\": true}");
	struct seen s = look();
	assert_string_equal(s.in_force, OWN_ON);
	assert_string_equal(s.sent, OWN_ON);
	assert_int_equal(s.base, 0);
	assert_int_equal(s.done, 0);
	assert_int_equal(registry_pending(registry), 1);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 11);
	assert_int_equal(look().done, 1);
	assert_int_equal(registry_pending(registry), 0);
	change(KEY, OWN_ON, 11); /* the watch says so too */
	s = look();
	assert_int_equal(s.changes + s.done, 0);
	registry_want(registry, KEY, "{\"drained\": false}");
	assert_int_equal(look().base, 11);
	change(KEY, OWN_OFF, 12); /* before the answer */
	registry_answer(registry, KEY, REGISTRY_TAKEN, 12);
	s = look();
	assert_int_equal(s.done, 1);
	assert_int_equal(s.changes, 0);
}

/* What is so already is asked of etcd as well, where it may be otherwise by now. */
static void test_no_change(void **state)
{
	(void)state;
	begin();
	change(KEY, ON, 11);
	look();
	registry_want(registry, KEY, "{\"drained\": true}");
	struct seen s = look();
	assert_int_equal(s.done, 0);
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 11);
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	change(KEY, "{\"drained\":false,\"by\":\"ns3\"}", 12);
	assert_int_equal(look().conflicts, 1);
	change(KEY, ON, 13);
	look();
	registry_want(registry, KEY, "{\"drained\": true}");
	registry_answer(registry, KEY, REGISTRY_TAKEN, 14);
	assert_int_equal(look().done, 1);
	registry_connected(registry, false);
	registry_want(registry, KEY, "{\"drained\": true}");
	assert_int_equal(look().done, 0);
	assert_int_equal(registry_pending(registry), 1);
}

static void test_conflict(void **state)
{
	(void)state;
	begin();
	change(KEY, OFF, 11);
	look();
	registry_want(registry, KEY, "{\"drained\": true}");
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	assert_string_equal(in_force(), OWN_ON); /* until it is clear */
	change(KEY, "{\"drained\":false,\"by\":\"ns3\"}", 12);
	struct seen s = look();
	assert_int_equal(s.conflicts, 1);
	assert_string_equal(s.conflict_by, "ns3");
	assert_string_equal(s.in_force, "{\"drained\":false,\"by\":\"ns3\"}");
	assert_int_equal(registry_pending(registry), 0);
}

/* Another wanted the same. This change is done when etcd has taken it, over the other's:
 * what waits at the other, and was said before this one, then meets a conflict. */
static void test_agreement(void **state)
{
	(void)state;
	begin();
	registry_want(registry, KEY, "{\"drained\": true}");
	look();
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	change(KEY, ON, 13);
	struct seen s = look();
	assert_int_equal(s.done + s.conflicts, 0);
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 13);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 14);
	assert_int_equal(look().done, 1);
	/* The watch reports the other's change before the answer comes: sent again at the
	 * answer. */
	registry_want(registry, KEY, "{\"drained\": false}");
	look();
	change(KEY, OFF, 15);
	assert_int_equal(look().sends, 0);
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	s = look();
	assert_int_equal(s.done + s.conflicts, 0);
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 15);
	/* It is taken, and the other says it once more before the answer comes. */
	change(KEY, OFF, 17);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 16);
	assert_int_equal(look().done, 1);
	assert_int_equal(registry_pending(registry), 0);
}

/* What etcd took may be an older change that says the same; another server may have
 * undone that before this one was said. So it is sent once more. */
static void test_same_again(void **state)
{
	(void)state;
	begin();
	registry_want(registry, KEY, "{\"drained\": true}");
	registry_answer(registry, KEY, REGISTRY_UNKNOWN, 0);
	registry_want(registry, KEY, "{\"drained\": true}");
	look();
	change(KEY, OWN_ON, 11);
	assert_int_equal(look().done, 0);
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	struct seen s = look();
	assert_int_equal(s.done, 0);
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 11);
	change(KEY, OWN_ON, 12); /* no other can be based on 11 */
	assert_int_equal(look().done, 1);
	/* It is this one: etcd says so, though the watch was faster. */
	registry_answer(registry, KEY, REGISTRY_TAKEN, 12);
	registry_want(registry, KEY, "{\"drained\": false}");
	registry_want(registry, KEY, "{\"drained\": false}");
	registry_answer(registry, KEY, REGISTRY_UNKNOWN, 0);
	registry_connected(registry, true);
	change(KEY, OWN_OFF, 13);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 13);
	s = look();
	assert_int_equal(s.done, 1);
	assert_string_equal(in_force(), OWN_OFF);
	assert_int_equal(registry_pending(registry), 0);
}

/* Without an answer it may be done or not: it is sent again, and once only counts. */
static void test_unsure(void **state)
{
	(void)state;
	begin();
	registry_want(registry, KEY, "{\"drained\": true}");
	look();
	registry_answer(registry, KEY, REGISTRY_UNKNOWN, 0);
	assert_int_equal(look().sends, 0);
	registry_connected(registry, true);
	struct seen s = look();
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 0);
	registry_answer(registry, KEY, REGISTRY_STALE, 0); /* it was done */
	change(KEY, OWN_ON, 11);
	s = look();
	assert_int_equal(s.done, 1);
	assert_int_equal(s.conflicts, 0);
}

/* The operator changed its mind before the first change had ended. */
static void test_second_thought(void **state)
{
	(void)state;
	begin();
	registry_want(registry, KEY, "{\"drained\": true}");
	registry_want(registry, KEY, "{\"drained\": false}");
	assert_int_equal(look().sends, 1);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 11);
	struct seen s = look();
	assert_int_equal(s.done, 0);
	assert_string_equal(s.sent, OWN_OFF);
	assert_int_equal(s.base, 11);
	assert_string_equal(in_force(), OWN_OFF);
	registry_answer(registry, KEY, REGISTRY_UNKNOWN, 0);
	registry_want(registry, KEY, "{\"drained\": true}");
	change(KEY, OWN_OFF, 12); /* its own, older word */
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	registry_connected(registry, true);
	s = look();
	assert_int_equal(s.conflicts + s.done, 0);
	assert_string_equal(s.sent, OWN_ON);
	assert_int_equal(s.base, 12);
	assert_string_equal(in_force(), OWN_ON);
}

static void test_away(void **state)
{
	(void)state;
	begin();
	registry_connected(registry, false);
	registry_want(registry, KEY, "{\"drained\": true}");
	struct seen s = look();
	assert_int_equal(s.sends, 0);
	assert_string_equal(s.in_force, OWN_ON);
	struct registry_item all[] = {{REGISTRY_MARK, MARK, 5}};
	registry_connected(registry, true);
	read_all(20, all, 1);
	assert_int_equal(look().sends, 1);
}

/* Meanwhile another drained and undrained it: the change here came later, or not. */
static void test_away_conflict(void **state)
{
	(void)state;
	begin();
	change(KEY, OFF, 11);
	registry_connected(registry, false);
	registry_want(registry, KEY, "{\"drained\": true}");
	look();
	struct registry_item all[] = {{KEY, OFF, 15}, {REGISTRY_MARK, MARK, 5}};
	read_all(20, all, 2);
	registry_connected(registry, true);
	struct seen s = look();
	assert_int_equal(s.conflicts, 1);
	assert_int_equal(s.sends, 0);
	assert_string_equal(in_force(), OFF);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"bad", "[]", "{\"bad\":1}", "{", ""};
	begin();
	change(KEY, ON, 11);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		look();
		change(KEY, bad[i], 12 + i);
		assert_int_equal(look().changes, 0);
		assert_string_equal(in_force(), ON);
		assert_non_null(registry_row(registry, KEY)->refused);
	}
	char *long_one = calloc(1, REGISTRY_VALUE_MAX + 10);
	memset(long_one, ' ', REGISTRY_VALUE_MAX + 5);
	memcpy(long_one, "{}", 2);
	change(KEY, long_one, 20);
	free(long_one);
	assert_string_equal(seen.refused, "longer than 8192 octets");
	/* A good one in its place is based on it. */
	registry_want(registry, KEY, "{\"drained\": false}");
	assert_int_equal(look().base, 20);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 21);
	assert_null(registry_row(registry, KEY)->refused);
	assert_int_equal(look().done, 1);
}

static void test_first_server(void **state)
{
	(void)state;
	registry_connected(registry, true);
	registry_offer(registry, KEY, "{\"drained\": true}");
	read_all(1, NULL, 0);
	assert_int_equal(registry_state(registry), REGISTRY_MARKING);
	struct seen s = look();
	assert_string_equal(s.sent, OWN_ON); /* the mark comes last */
	registry_answer(registry, KEY, REGISTRY_TAKEN, 2);
	s = look();
	assert_string_equal(s.sent, "{\"id\":\"mine\",\"seeds\":1}");
	assert_int_equal(s.done, 0); /* no operator waits for it */
	registry_answer(registry, REGISTRY_MARK, REGISTRY_TAKEN, 3);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	assert_true(registry_has_copy(registry));
}

/* Two begin at once: one mark counts, what both bring does. */
static void test_second_server(void **state)
{
	(void)state;
	registry_connected(registry, true);
	registry_offer(registry, KEY, "{\"drained\": true}");
	registry_offer(registry, "drains/jp1", "{\"drained\": true}");
	struct registry_item all[] = {{KEY, OFF, 3}, {REGISTRY_MARK, MARK, 5}};
	read_all(5, all, 2);
	struct seen s = look();
	assert_string_equal(in_force(), OFF);
	assert_int_equal(s.conflicts, 0); /* silently */
	assert_int_equal(s.sends, 1);
	assert_int_equal(registry_pending(registry), 1);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
}

static void test_mark_lost_race(void **state)
{
	(void)state;
	registry_connected(registry, true);
	read_all(1, NULL, 0);
	assert_string_equal(look().sent, "{\"id\":\"mine\",\"seeds\":1}");
	registry_answer(registry, REGISTRY_MARK, REGISTRY_STALE, 0);
	change(REGISTRY_MARK, MARK, 2);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	assert_int_equal(registry_pending(registry), 0);
	assert_string_equal(registry_row(registry, REGISTRY_MARK)->value, MARK);
}

/* A server with a copy, which had KEY drained at revision 11. */
static void with_copy(void)
{
	struct registry_row rows[] = {
		{.key = REGISTRY_MARK, .value = MARK, .revision = 5},
		{.key = KEY, .value = ON, .revision = 11}};
	for (unsigned i = 0; i < 2; i++)
		registry_restore(registry, &rows[i]);
	registry_connected(registry, true);
	look();
}

static void hold(enum registry_state held)
{
	assert_int_equal(registry_state(registry), held);
	assert_string_equal(in_force(), ON);
	assert_int_equal(look().changes, 0);
	change(KEY, OFF, 30);
	assert_string_equal(in_force(), ON);
	registry_want(registry, "drains/us1", "{\"drained\": true}");
	assert_int_equal(look().sends, 0);
}

static void test_wiped(void **state)
{
	(void)state;
	with_copy();
	read_all(2, NULL, 0);
	hold(REGISTRY_WIPED);
}

/* All keys are deleted while it is watched. */
static void test_wiped_under_watch(void **state)
{
	(void)state;
	struct registry_item all[] = {{KEY, ON, 11}, {REGISTRY_MARK, MARK, 5}};
	with_copy();
	read_all(11, all, 2);
	struct registry_item gone[] = {
		{KEY, NULL, 12}, {REGISTRY_MARK, NULL, 12}};
	registry_changed(registry, gone, 2);
	hold(REGISTRY_WIPED);
}

static void test_other_registry(void **state)
{
	(void)state;
	struct registry_item all[] = {
		{REGISTRY_MARK, "{\"id\":\"x\",\"seeds\":1}", 5}};
	with_copy();
	read_all(100, all, 1);
	hold(REGISTRY_OTHER);
}

static void test_set_back(void **state)
{
	(void)state;
	struct registry_item older[] = {
		{KEY, OFF, 9}, {REGISTRY_MARK, MARK, 5}};
	struct registry_item before = {REGISTRY_MARK, MARK, 5};
	with_copy();
	read_all(10, &before, 1);
	assert_int_equal(registry_state(registry), REGISTRY_BACK);
	read_all(50, older, 2);
	hold(REGISTRY_BACK);
}

static void test_seed(void **state)
{
	(void)state;
	struct err err = {0};
	struct registry_item all[] = {{"drains/de1", ON, 7}, {KEY, OFF, 8},
		{REGISTRY_MARK, "{\"id\":\"x\",\"seeds\":4}", 9}};
	with_copy();
	read_all(9, all, 3);
	assert_true(registry_seed(registry, &err));
	struct seen s = look();
	assert_int_equal(s.sends, 2);
	assert_string_equal(in_force(), ON);
	assert_string_equal(s.sent, ON);
	assert_int_equal(s.base, 8);
	registry_answer(registry, "drains/de1", REGISTRY_TAKEN, 10);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 11);
	s = look();
	assert_string_equal(
		s.sent, "{\"id\":\"m\",\"seeds\":5,\"replaces\":\"x\"}");
	assert_int_equal(s.base, 9);
	registry_answer(registry, REGISTRY_MARK, REGISTRY_TAKEN, 12);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	assert_null(registry_row(registry, "drains/de1"));
	assert_false(registry_seed(registry, &err));
	assert_string_equal(err_text(&err), "the registry in etcd is in force");
	err_fini(&err);
}

/* Another server seeded: what it has is in force here, but for what this one wants. */
static void test_seeded_by_another(void **state)
{
	(void)state;
	with_copy();
	read_all(2, NULL, 0);
	registry_want(registry, KEY, "{\"drained\": false}");
	look();
	change(KEY, ON, 3);
	change("drains/jp1", ON, 4);
	assert_int_equal(registry_state(registry), REGISTRY_WIPED);
	change(REGISTRY_MARK, "{\"id\":\"m\",\"seeds\":2}", 5);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	struct seen s = look();
	assert_int_equal(s.conflicts, 0);
	assert_string_equal(s.sent, OWN_OFF);
	assert_int_equal(s.base, 3);
	assert_string_equal(registry_row(registry, "drains/jp1")->value, ON);
	/* And one that was of the registry that was replaced. */
	registry_answer(registry, KEY, REGISTRY_TAKEN, 6);
	change(REGISTRY_MARK, "{\"id\":\"z\",\"seeds\":9,\"replaces\":\"m\"}",
		7);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
}

static void test_adopt(void **state)
{
	(void)state;
	struct err err = {0};
	struct registry_item all[] = {{KEY, OFF, 8},
		{REGISTRY_MARK, "{\"id\":\"x\",\"seeds\":4}", 9}};
	with_copy();
	assert_false(registry_adopt(registry, &err));
	assert_string_equal(err_text(&err), "etcd was not read yet");
	err_fini(&err);
	read_all(9, all, 2);
	registry_want(registry, "drains/us1", "{\"drained\": true}");
	assert_true(registry_adopt(registry, &err));
	struct seen s = look();
	assert_string_equal(in_force(), OFF);
	assert_int_equal(s.conflicts, 1);
	assert_int_equal(registry_pending(registry), 0);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	change(KEY, ON, 10);
	assert_string_equal(in_force(), ON);
}

/* What is pending ends, also where the other registry has nothing of it. */
static void test_adopt_pending(void **state)
{
	(void)state;
	struct err err = {0};
	struct registry_item mark = {
		REGISTRY_MARK, "{\"id\":\"x\",\"seeds\":4}", 9};
	begin();
	read_all(9, &mark, 1);
	registry_want(registry, KEY, "{\"drained\": true}");
	assert_string_equal(look().in_force, OWN_ON);
	assert_true(registry_adopt(registry, &err));
	struct seen s = look();
	assert_string_equal(s.in_force, "-");
	assert_int_equal(s.conflicts, 1);
	assert_null(registry_row(registry, KEY));
}

/* Revisions of two registries say nothing of each other. */
static void test_adopt_same_revision(void **state)
{
	(void)state;
	struct err err = {0};
	with_copy();
	int64_t revision = registry_row(registry, KEY)->revision;
	struct registry_item all[] = {{KEY, OFF, revision},
		{REGISTRY_MARK, "{\"id\":\"x\",\"seeds\":4}", revision + 1}};
	read_all(revision + 1, all, 2);
	assert_true(registry_adopt(registry, &err));
	assert_string_equal(in_force(), OFF);
	/* It is this server's from now on. */
	read_all(revision + 1, all, 2);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
}

/* What etcd had at an earlier reading is not adopted, nor is what only went. */
static void test_adopt_what_is_there(void **state)
{
	(void)state;
	struct err err = {0};
	static const char other[] = "{\"id\":\"x\",\"seeds\":4}";
	struct registry_item before[] = {
		{"drains/us1", ON, 7}, {REGISTRY_MARK, other, 9}};
	struct registry_item now = {REGISTRY_MARK, other, 9};
	with_copy();
	read_all(9, before, 2);
	read_all(12, &now, 1);
	unsigned n = registry_count(registry);
	change("drains/jp1", NULL, 13);
	assert_int_equal(registry_count(registry), n);
	assert_true(registry_adopt(registry, &err));
	assert_null(registry_row(registry, "drains/us1"));
	assert_null(in_force());
}

/* A mark without an id is none. */
static void test_adopt_no_mark(void **state)
{
	(void)state;
	struct err err = {0};
	struct registry_item all = {REGISTRY_MARK, "{}", 9};
	with_copy();
	read_all(9, &all, 1);
	assert_int_equal(registry_state(registry), REGISTRY_OTHER);
	assert_false(registry_adopt(registry, &err));
	err_fini(&err);
	assert_string_equal(in_force(), ON);
}

/* To an etcd without any key: each is made anew, and no operator hears of it. */
static void test_seed_wiped(void **state)
{
	(void)state;
	struct err err = {0};
	with_copy();
	read_all(2, NULL, 0);
	assert_true(registry_seed(registry, &err));
	struct seen s = look();
	assert_int_equal(s.sends, 1);
	assert_int_equal(s.base, 0);
	registry_answer(registry, KEY, REGISTRY_TAKEN, 3);
	s = look();
	assert_string_equal(s.sent, "{\"id\":\"m\",\"seeds\":2}");
	assert_int_equal(s.base, 0);
	assert_int_equal(s.done, 0);
	registry_answer(registry, REGISTRY_MARK, REGISTRY_TAKEN, 4);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
}

/* From then on it is that one, and what is older than it was set back. */
static void test_after_a_seed(void **state)
{
	(void)state;
	static const char mark[] = "{\"id\":\"m\",\"seeds\":2}";
	struct registry_item older[] = {
		{KEY, OFF, 2}, {REGISTRY_MARK, mark, 5}};
	with_copy();
	read_all(2, NULL, 0);
	change(KEY, ON, 3);
	change(REGISTRY_MARK, mark, 5);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	read_all(9, older, 2);
	assert_int_equal(registry_state(registry), REGISTRY_BACK);
	assert_string_equal(in_force(), ON);
	struct registry_item first = {REGISTRY_MARK, MARK, 5};
	read_all(9, &first, 1); /* the registry from before the seed */
	assert_int_equal(registry_state(registry), REGISTRY_BACK);
}

/* Rows stand in the order of their keys, however they come and go. */
static void test_many_rows(void **state)
{
	(void)state;
	char key[32];
	begin();
	for (unsigned i = 0; i < 300; i++) {
		snprintf(key, sizeof key, "drains/n%03u", i * 7 % 300);
		change(key, ON, 11 + i);
	}
	assert_int_equal(registry_count(registry), 301);
	for (unsigned i = 0; i < 300; i += 3) {
		snprintf(key, sizeof key, "drains/n%03u", i);
		change(key, NULL, 400 + i);
	}
	assert_int_equal(registry_count(registry), 201);
	for (unsigned i = 0, at = 0; i < 300; i++) {
		snprintf(key, sizeof key, "drains/n%03u", i);
		if (i % 3)
			assert_string_equal(
				registry_row_at(registry, at++)->key, key);
		else
			assert_null(registry_row(registry, key));
	}
	assert_null(registry_row_at(registry, 201));
}

static void test_author(void **state)
{
	(void)state;
	char value[100], by[64];
	for (unsigned n = 62; n < 66; n++) {
		snprintf(value, sizeof value, "{\"by\":\"%0*d\"}", (int)n, 0);
		registry_author(value, by, sizeof by);
		assert_int_equal(strlen(by), n < sizeof by ? n : 0);
	}
	registry_author("[\"by\"]", by, sizeof by);
	assert_string_equal(by, "");
	registry_author(NULL, by, sizeof by);
	assert_string_equal(by, "");
}

static void test_adopt_nothing(void **state)
{
	(void)state;
	struct err err = {0};
	with_copy();
	read_all(2, NULL, 0);
	assert_false(registry_adopt(registry, &err));
	assert_string_equal(err_text(&err), "there is no registry in etcd");
	err_fini(&err);
	assert_string_equal(in_force(), ON);
}

/* A server was away: what went meanwhile is gone here as well. */
static void test_gone_meanwhile(void **state)
{
	(void)state;
	struct registry_item mark = {REGISTRY_MARK, MARK, 5};
	with_copy();
	read_all(40, &mark, 1);
	assert_int_equal(registry_state(registry), REGISTRY_OURS);
	assert_null(in_force());
	assert_int_equal(look().changes, 1);
}

static void test_deletion(void **state)
{
	(void)state;
	begin();
	change(KEY, ON, 11);
	registry_want(registry, KEY, NULL);
	struct seen s = look();
	assert_string_equal(s.sent, "-");
	assert_int_equal(s.base, 11);
	assert_null(in_force());
	change(KEY, NULL, 12); /* another was first */
	s = look();
	assert_int_equal(s.done, 1);
	registry_answer(registry, KEY, REGISTRY_STALE, 0);
	assert_null(registry_row(registry, KEY));
	assert_int_equal(registry_pending(registry), 0);
}

/* What was wanted before a restart is wanted after it. */
static void test_restart(void **state)
{
	(void)state;
	struct registry_row row = {.key = KEY,
		.value = ON,
		.revision = 11,
		.wanted = OWN_OFF,
		.base = 11};
	struct registry_row mark = {
		.key = REGISTRY_MARK, .value = MARK, .revision = 5};
	struct registry_item all[] = {{KEY, ON, 11}, {REGISTRY_MARK, MARK, 5}};
	registry_restore(registry, &mark);
	registry_restore(registry, &row);
	assert_string_equal(in_force(), OWN_OFF);
	registry_connected(registry, true);
	assert_int_equal(look().sends, 0);
	read_all(11, all, 2);
	struct seen s = look();
	assert_string_equal(s.sent, OWN_OFF);
	assert_int_equal(s.base, 11);
}

#define REGISTRY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REGISTRY_TEST(test_other_server),
		REGISTRY_TEST(test_change_is_taken),
		REGISTRY_TEST(test_no_change),
		REGISTRY_TEST(test_conflict),
		REGISTRY_TEST(test_agreement),
		REGISTRY_TEST(test_same_again),
		REGISTRY_TEST(test_unsure),
		REGISTRY_TEST(test_second_thought),
		REGISTRY_TEST(test_away),
		REGISTRY_TEST(test_away_conflict),
		REGISTRY_TEST(test_refused),
		REGISTRY_TEST(test_first_server),
		REGISTRY_TEST(test_second_server),
		REGISTRY_TEST(test_mark_lost_race),
		REGISTRY_TEST(test_wiped),
		REGISTRY_TEST(test_wiped_under_watch),
		REGISTRY_TEST(test_other_registry),
		REGISTRY_TEST(test_set_back),
		REGISTRY_TEST(test_seed),
		REGISTRY_TEST(test_seeded_by_another),
		REGISTRY_TEST(test_adopt),
		REGISTRY_TEST(test_adopt_pending),
		REGISTRY_TEST(test_adopt_same_revision),
		REGISTRY_TEST(test_adopt_nothing),
		REGISTRY_TEST(test_adopt_what_is_there),
		REGISTRY_TEST(test_adopt_no_mark),
		REGISTRY_TEST(test_seed_wiped),
		REGISTRY_TEST(test_after_a_seed),
		REGISTRY_TEST(test_many_rows),
		REGISTRY_TEST(test_author),
		REGISTRY_TEST(test_gone_meanwhile),
		REGISTRY_TEST(test_deletion),
		REGISTRY_TEST(test_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
