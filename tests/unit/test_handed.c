/* What one process hands to the next: sections, messages, the ledger and the fleet. */
#include "scene.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/sections.h"
#include "fleet/fleet_internal.h"
#include "fleet/handed.h"
#include "ledger/handed.h"

#define SECRET 0x9e3779b97f4a7c15

static const struct sent nothing = {.node = MAP_NO_NODE, .before = MAP_NO_NODE};

static struct sections sections_of(const struct buf *b)
{
	return (struct sections){.at = (const uint8_t *)b->text, .len = b->len};
}

/* Room whose octets are not zero. */
static void make_dirty(struct buf *b)
{
	memset(buf_room(b, 100000), 0xff, 100000);
}

/* -- sections -- */

/* Each is found by its name, in any order, with all that is in it. */
static void test_sections(void **state)
{
	struct buf b = {0};
	const uint32_t three[] = {1, 2, 3};
	size_t n;
	(void)state;
	make_dirty(&b);
	sections_add(&b, "none", 1, 8, NULL, 0);
	sections_add(&b, "three", 7, sizeof *three, three, 3);
	sections_add(&b, "one", 1, 1, "x", 1);
	sections_add(&b, "text", 1, 1, "hello", 5);
	sections_add(&b, "last", 1, 8, NULL, 0);
	assert_int_equal(b.len, (1 + 2 + 2 + 2 + 1) * SECTIONS_ALIGNED);
	for (size_t i = 2 * SECTIONS_ALIGNED + sizeof three;
		i < 3 * SECTIONS_ALIGNED; i++)
		assert_int_equal(b.text[i], 0);
	struct sections in = sections_of(&b);
	assert_non_null(sections_find(&in, "last", 1, 8, &n));
	assert_int_equal(n, 0);
	assert_memory_equal(sections_find(&in, "text", 1, 1, &n), "hello", 5);
	assert_int_equal(n, 5);
	assert_memory_equal(
		sections_find(&in, "three", 7, 4, &n), three, sizeof three);
	assert_int_equal(n, 3);
	assert_non_null(sections_find(&in, "none", 1, 8, &n));
	assert_int_equal(n, 0);
	assert_int_equal(in.left.len, 0);
	sections_fini(&in);
	buf_fini(&b);
}

/* Another version, another size, or none: left, and its name is noted. */
static void test_sections_left(void **state)
{
	struct buf b = {0};
	const uint32_t three[] = {1, 2, 3};
	size_t n = 9;
	(void)state;
	sections_add(&b, "three", 7, sizeof *three, three, 3);
	struct sections in = sections_of(&b);
	assert_null(sections_find(&in, "three", 8, 4, &n));
	assert_int_equal(n, 0);
	assert_null(sections_find(&in, "three", 7, 8, &n));
	assert_null(sections_find(&in, "thre", 7, 4, &n));
	assert_string_equal(in.left.text, "three, three, thre");
	sections_fini(&in);
	buf_fini(&b);
}

/* Cut off anywhere, or with a number that is too large, nothing beyond is read. */
static void test_sections_cut(void **state)
{
	struct buf b = {0};
	const uint32_t three[] = {1, 2, 3};
	size_t n;
	(void)state;
	sections_add(&b, "none", 1, 8, NULL, 0);
	sections_add(&b, "three", 7, sizeof *three, three, 3);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *copy = mem_alloc(len + 1);
		memcpy(copy, b.text, len);
		struct sections in = {.at = copy, .len = len};
		assert_int_equal(sections_find(&in, "three", 7, 4, &n) != NULL,
			len >= 128 + sizeof three);
		assert_int_equal(n, len >= 128 + sizeof three ? 3 : 0);
		assert_null(sections_find(&in, "other", 7, 4, &n));
		sections_fini(&in);
		free(copy);
	}
	memset(b.text + 64 + 32, 0xff, 8); /* how many there are */
	struct sections in = sections_of(&b);
	assert_null(sections_find(&in, "three", 7, 4, &n));
	assert_null(sections_find(&in, "other", 7, 4, &n));
	sections_fini(&in);
	buf_fini(&b);
}

/* -- messages -- */

static void test_messages(void **state)
{
	int ends[2], files[2];
	struct buf body = {0};
	struct err err = {0};
	struct channel_message m;
	(void)state;
	assert_true(channel_open(ends));
	assert_int_equal(pipe(files), 0);
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&body, "%u ", i);
	assert_true(channel_send(ends[0], 5, &body, files, 2, &err));
	assert_true(channel_send(ends[0], 6, NULL, NULL, 0, &err));
	assert_true(channel_receive(ends[1], &m, &err));
	assert_int_equal(m.kind, 5);
	assert_int_equal(m.len, body.len);
	assert_memory_equal(m.body, body.text, body.len);
	assert_int_equal(m.n_fds, 2);
	assert_true(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(m.fds[1], "x", 1), 1);
	char c = 0;
	assert_int_equal(read(files[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	int taken = m.fds[0], other = m.fds[1];
	m.fds[0] = -1;
	channel_message_free(&m);
	assert_true(fcntl(taken, F_GETFD) >= 0);
	assert_int_equal(fcntl(other, F_GETFD), -1);
	close(taken);
	assert_true(channel_receive(ends[1], &m, &err));
	assert_int_equal(m.kind, 6);
	assert_int_equal(m.len + m.n_fds, 0);
	channel_message_free(&m);
	close(files[0]);
	close(files[1]);
	close(ends[0]);
	assert_false(channel_receive(ends[1], &m, &err));
	assert_string_equal(err_text(&err), "the other process has ended");
	close(ends[1]);
	err_fini(&err);
	buf_fini(&body);
}

/* What another version would send, what is no message, and silence. */
static void test_messages_refused(void **state)
{
	int ends[2];
	const uint32_t other[4] = {2, 5, 0, 0}, bodiless[4] = {1, 5, 7, 0};
	struct channel_message m;
	struct err err = {0};
	(void)state;
	assert_true(channel_open(ends));
	channel_patience(ends[1], 10);
	assert_int_equal(send(ends[0], other, sizeof other, 0), 16);
	assert_false(channel_receive(ends[1], &m, &err));
	assert_int_equal(send(ends[0], bodiless, sizeof bodiless, 0), 16);
	assert_false(channel_receive(ends[1], &m, &err));
	assert_int_equal(send(ends[0], "cut", 3, 0), 3);
	assert_false(channel_receive(ends[1], &m, &err));
	assert_false(channel_receive(ends[1], &m, &err));
	assert_string_equal(err_text(&err),
		"the other program speaks version 2, this one 1\n"
		"a message without its body\n"
		"a message that is cut off\n"
		"the other process does not answer");
	err_fini(&err);
	close(ends[0]);
	close(ends[1]);
}

/* -- where nets were sent -- */

static struct sent node_sent(uint16_t node)
{
	return (struct sent){.node = node,
		.before = MAP_NO_NODE,
		.made_ms = 1000,
		.ttl_s = 30,
		.types = STEER_A};
}

static void take(struct sent_table *to, const struct buf *from)
{
	struct sections in = sections_of(from);
	assert_true(handed_take_sent(to, &in));
	sections_fini(&in);
}

/* What is written after the copy, in each way, is brought up to date by the few
 * changes. */
static void test_sent(void **state)
{
	struct sent_table *a = sent_table_new(4096, SECRET);
	struct sent_table *b = sent_table_new(4096, SECRET);
	struct buf all = {0}, changes = {0};
	struct sent_lines ra = {0}, rb = {0};
	(void)state;
	for (uint64_t key = 1; key <= 100; key++) {
		struct sent t = node_sent((uint16_t)key);
		assert_true(sent_claim(a, key, 0, &nothing, &t));
	}
	sent_changes_begin(a);
	handed_sent(a, &all);
	struct sent t = node_sent(1), u = node_sent(201), v = node_sent(202);
	assert_true(sent_claim(a, 1, 0, &t, &u));         /* moved */
	assert_true(sent_claim(a, 2, 1, &nothing, &v));   /* a second line */
	sent_mark(a, 3, 5000);                            /* marked */
	assert_true(sent_claim(a, 999, 0, &nothing, &v)); /* new */
	t = node_sent(4);
	sent_share(a,
		sent_find(sent_bucket(a, sent_hash(a, 4)), sent_hash(a, 4), 0),
		t, STEER_AAAA); /* another type */
	handed_sent_changes(a, &changes);
	assert_true(changes.len < all.len / 10);
	assert_true(all.len < 110 * (8 + 64)); /* those that hold anything */
	take(b, &all);
	take(b, &changes);
	for (uint64_t key = 1; key <= 999; key++) {
		sent_read(a, key, 3, &ra);
		sent_read(b, key, 3, &rb);
		assert_memory_equal(&ra, &rb, sizeof ra);
	}
	assert_true(sent_together(
		sent_bucket(b, sent_hash(b, 3)), sent_hash(b, 3), 5001));
	sent_changes_end(a);
	buf_fini(&all);
	buf_fini(&changes);
	sent_table_free(a);
	sent_table_free(b);
}

/* A table of another size takes nothing. */
static void test_sent_of_another_size(void **state)
{
	struct sent_table *a = sent_table_new(4096, SECRET);
	struct sent_table *b = sent_table_new(100000, SECRET);
	struct sent t = node_sent(5);
	struct buf all = {0};
	struct sent_lines r;
	(void)state;
	assert_true(sent_claim(a, 42, 0, &nothing, &t));
	handed_sent(a, &all);
	struct sections in = sections_of(&all);
	assert_false(handed_take_sent(b, &in));
	sections_fini(&in);
	sent_read(b, 42, 1, &r);
	assert_int_equal(r.sent[0].node, MAP_NO_NODE);
	buf_fini(&all);
	sent_table_free(a);
	sent_table_free(b);
}

/* The first line of a table and the last, with next to nothing in them; a line that is
 * behind the last is refused. */
static void test_sent_ends(void **state)
{
	struct sent_table *a = sent_table_new(4096, SECRET);
	struct sent_table *b = sent_table_new(4096, SECRET);
	uint32_t lines = 1u << a->bucket_bits;
	struct buf all = {0};
	(void)state;
	*(uint8_t *)&a->buckets[0] = 1;
	*(uint8_t *)&a->buckets[lines - 1] = 1;
	handed_sent(a, &all);
	take(b, &all);
	assert_memory_equal(a->buckets, b->buckets, 64 * (size_t)lines);
	memcpy(all.text + SECTIONS_ALIGNED, &lines, sizeof lines);
	struct sections in = sections_of(&all);
	assert_false(handed_take_sent(b, &in));
	sections_fini(&in);
	buf_fini(&all);
	sent_table_free(a);
	sent_table_free(b);
}

/* As many changes as are noted; of one more the whole table is handed. */
static void test_sent_changes(void **state)
{
	struct sent_table *a = sent_table_new(4096, SECRET);
	struct buf all = {0}, changes = {0};
	(void)state;
	*(uint8_t *)&a->buckets[7] = 1;
	sent_changes_begin(a);
	a->changes->n = SENT_CHANGES;
	handed_sent_changes(a, &changes);
	assert_true(changes.len >= SENT_CHANGES * (size_t)(8 + 64));
	buf_fini(&changes);
	a->changes->n = SENT_CHANGES + 1;
	changes = (struct buf){0};
	handed_sent_changes(a, &changes);
	handed_sent(a, &all);
	assert_int_equal(changes.len, all.len);
	assert_memory_equal(changes.text, all.text, all.len);
	sent_changes_end(a);
	assert_null(a->changes);
	buf_fini(&changes);
	buf_fini(&all);
	sent_table_free(a);
}

/* -- accounts -- */

/* Only what no merge has read is handed, with the events that control has not seen. */
static void test_accounts(void **state)
{
	struct sent_table *sent = sent_table_new(4096, SECRET);
	struct accounts *a = accounts_new(4096, sent, SECRET);
	struct accounts *b = accounts_new(4096, sent, SECRET);
	struct handed_read read[3] = {{0}};
	struct buf out = {0};
	struct steer_event event = {.kind = EVENT_SENT, .now_ms = 77}, got;
	(void)state;
	accounts_reserve(a, 1, 1, 3, 2, 10, false);
	read[1] = (struct handed_read){
		.viewers = a->reservation[1].viewers, .answers = 1};
	read[1].rate[reservation_class(10)] =
		a->reservation[1].rate[reservation_class(10)];
	accounts_reserve(a, 1, 1, 5, 0, 10, false);
	accounts_place_area(a, 12, 1, 4, 1000);
	accounts_budget(a, 99, 1000, 30, 100);
	struct client *c =
		accounts_make(accounts_bucket(a, 1ull << 63), 1ull << 63, 1000);
	c->rate = 2.5f;
	events_push(a->events, &event);
	event.now_ms++;
	events_push(a->events, &event);
	handed_accounts(a, 4, &out);
	handed_accounts_rest(a, 4, read, 3, &out);
	struct sections in = sections_of(&out);
	handed_take_accounts(b, 4, &in);
	handed_take_accounts_rest(b, 4, &in);
	assert_int_equal(in.left.len, 0);
	assert_int_equal(b->reservation[1].viewers, 5 * RESERVATION_VIEWER);
	assert_int_equal(b->reservation[1].answers, 1);
	assert_int_equal(b->reservation[1].rate[reservation_class(10)], 0);
	assert_float_equal(b->reservation[1].there, 4, 0);
	assert_float_equal(accounts_placed(b, 12, 1, 1000), 4, 0.01);
	assert_float_equal(accounts_budget(b, 99, 1000, 100, 100), 70, 0.01);
	c = accounts_find(accounts_bucket(b, 1ull << 63), 1ull << 63);
	assert_non_null(c);
	assert_float_equal(c->rate, 2.5f, 0);
	assert_true(events_pop(b->events, &got));
	assert_int_equal(got.now_ms, 77);
	assert_true(events_pop(b->events, &got));
	assert_int_equal(got.now_ms, 78);
	assert_false(events_pop(b->events, &got));
	sections_fini(&in);
	buf_fini(&out);
	accounts_free(a);
	accounts_free(b);
	sent_table_free(sent);
}

/* Of each sum what is more than was read, or all; tables to their ends. */
static void test_accounts_sums(void **state)
{
	struct sent_table *sent = sent_table_new(4096, SECRET);
	struct accounts *a = accounts_new(4096, sent, SECRET);
	struct handed_read read[2] = {
		{.viewers = 1, .answers = 2, .line2 = 3, .only = 4}};
	struct reservation *r = &a->reservation[0];
	(void)state;
	accounts_sum(&r->viewers, 11);
	accounts_sum(&r->answers, 22);
	accounts_sum(&r->line2, 33);
	accounts_sum(&r->only, 44);
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++) {
		accounts_sum(&r->rate[c], 50 + c);
		read[0].rate[c] = 5;
	}
	r->there_ms = 66;
	((uint8_t *)a->placed)[sizeof a->placed - 1] = 1;
	((uint8_t *)a->askers)[sizeof a->askers - 1] = 1;
	((uint8_t *)a->event_limits)[sizeof a->event_limits - 1] = 1;
	for (unsigned any = 0; any < 2; any++) {
		struct accounts *b = accounts_new(4096, sent, SECRET);
		struct buf out = {0};
		handed_accounts(a, 0, &out);
		handed_accounts_rest(a, 0, any ? read : NULL, 2, &out);
		struct sections in = sections_of(&out);
		handed_take_accounts(b, 0, &in);
		handed_take_accounts_rest(b, 0, &in);
		const struct reservation *to = &b->reservation[0];
		assert_int_equal(to->viewers, any ? 10 : 11);
		assert_int_equal(to->answers, any ? 20 : 22);
		assert_int_equal(to->line2, any ? 30 : 33);
		assert_int_equal(to->only, any ? 40 : 44);
		for (unsigned c = 0; c < RESERVATION_CLASSES; c++)
			assert_int_equal(to->rate[c], any ? 45 + c : 50 + c);
		assert_int_equal(to->there_ms, 66);
		assert_memory_equal(a->placed, b->placed, sizeof a->placed);
		assert_memory_equal(a->askers, b->askers, sizeof a->askers);
		assert_memory_equal(a->event_limits, b->event_limits,
			sizeof a->event_limits);
		sections_fini(&in);
		buf_fini(&out);
		accounts_free(b);
	}
	accounts_free(a);
	sent_table_free(sent);
}

/* -- the fleet -- */

/* All that decides: states, why, what is measured, what was reserved and not seen. */
static void test_fleet(void **state)
{
	struct scene *s = *state;
	struct buf out = {0};
	scene_poll_all(s, 100);
	fleet_failed(s->fleet, 3, SAMPLE_REFUSED, s->now);
	fleet_failed(s->fleet, 3, SAMPLE_REFUSED, s->now);
	fleet_drain(s->fleet, 4, true);
	scene_pass(s, STEP);
	scene_poll(s, 0, 140);
	scene_promise(s, 1, 50);
	scene_pass(s, 100);
	make_dirty(&out);
	fleet_hand(s->fleet, &out);

	struct fleet *other = fleet_new(&scene_rules, s->now);
	fleet_set_map(other, s->w.map, &scene_rules, s->now);
	for (unsigned i = 0; i < s->w.map->n_nodes; i++)
		fleet_watch(other, i, true, true);
	struct sections in = sections_of(&out);
	fleet_take(other, s->w.accounts->sent->rates, &in);
	assert_int_equal(in.left.len, 0);
	s->now += 100;
	struct load *a = fleet_load(s->fleet, s->now);
	struct load *b = fleet_load(other, s->now);
	assert_true(b->ready);
	assert_int_equal(a->generation, b->generation);
	assert_memory_equal(a->node, b->node, a->n * sizeof *a->node);
	for (unsigned i = 0; i < s->w.map->n_nodes; i++)
		assert_string_equal(fleet_why(other, i, s->now),
			fleet_why(s->fleet, i, s->now));
	assert_true(b->node[1].reserved > 0);
	sections_fini(&in);
	buf_fini(&out); /* nothing of it is needed any more */
	assert_string_equal(
		fleet_why(other, 3, s->now), fleet_why(s->fleet, 3, s->now));
	load_free(a);
	load_free(b);
	fleet_free(other);
}

static struct fleet *same_map(const struct scene *s)
{
	struct fleet *f = fleet_new(&scene_rules, s->now);
	fleet_set_map(f, s->w.map, &scene_rules, s->now);
	for (unsigned i = 0; i < s->w.map->n_nodes; i++)
		fleet_watch(f, i, true, true);
	return f;
}

/* What is of no single node, but for what the map and the configuration say. */
static void test_fleet_sums(void **state)
{
	struct scene *s = *state;
	struct fleet *f = s->fleet, *other = same_map(s);
	struct buf out = {0};
	f->all = (struct forecast_fleet){.second = 1,
		.all_n = 2,
		.all_g = 3,
		.servers = 4,
		.session_s = 5};
	f->taken = (struct empty_sums){6, 7, 8, 9};
	f->start_ms = 10;
	f->blind_since_ms = 11;
	f->fell_ms = 12;
	f->generation = 13;
	f->blind_over = true;
	other->all.servers = 14;
	other->all.session_s = 15;
	assert_false(other->ready);
	assert_null(fleet_merged(other, 0));
	fleet_hand(f, &out);
	struct sections in = sections_of(&out);
	fleet_take(other, s->w.accounts->sent->rates, &in);
	assert_int_equal(other->all.second, 1);
	assert_float_equal(other->all.all_n, 2, 0);
	assert_float_equal(other->all.all_g, 3, 0);
	assert_int_equal(other->all.servers, 14);
	assert_float_equal(other->all.session_s, 15, 0);
	assert_memory_equal(&other->taken, &f->taken, sizeof f->taken);
	assert_int_equal(other->start_ms, 10);
	assert_int_equal(other->blind_since_ms, 11);
	assert_int_equal(other->fell_ms, 12);
	assert_int_equal(other->generation, 13);
	assert_true(other->blind_over);
	assert_true(other->ready);
	assert_null(fleet_merged(other, FLEET_THREADS_MAX));
	sections_fini(&in);
	buf_fini(&out);
	fleet_free(other);
}

/* Nodes that both know and watch the same way; whether a node has an API is what the
 * new configuration says. Reasons are texts of the new process, and may be cut. */
static void test_fleet_nodes(void **state)
{
	static const bool taken[] = {true, false, false, false, true, false};
	struct scene *s = *state;
	struct fleet *f = s->fleet, *other = same_map(s);
	struct buf out = {0};
	char reason[200];
	assert_true(f->n > 5);
	for (unsigned i = 0; i < f->n; i++) {
		f->node[i].drained = true;
		f->forecast[i].viewers = 42;
	}
	memset(reason, 'x', sizeof reason);
	reason[sizeof reason - 1] = '\0';
	f->node[0].health.why = reason;
	f->node[4].health.why = NULL;
	f->node[1].exists = false;
	other->node[2].exists = false;
	f->node[3].watched = false;
	f->node[4].polled = false;
	other->n = 5;
	make_dirty(&out);
	fleet_hand(f, &out);
	struct sections in = sections_of(&out);
	fleet_take(other, s->w.accounts->sent->rates, &in);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(other->node[i].drained, taken[i]);
		assert_int_equal(other->forecast[i].viewers == 42, taken[i]);
		assert_int_equal(other->node[i].exists, i != 2);
		assert_true(other->node[i].watched);
		assert_true(other->node[i].polled);
	}
	reason[95] = '\0';
	assert_string_equal(other->node[0].health.why, reason);
	assert_string_equal(other->node[4].health.why, "");
	other->n = f->n;
	sections_fini(&in);
	buf_fini(&out);
	fleet_free(other);
	f->node[0].health.why = "";
	f->node[4].health.why = "";
}

/* Of another version: as at any start. */
static void test_fleet_of_another_version(void **state)
{
	struct scene *s = *state;
	struct buf out = {0};
	scene_poll_all(s, 100);
	fleet_hand(s->fleet, &out);
	out.text[24]++; /* the version of its first section */
	struct fleet *other = fleet_new(&scene_rules, s->now);
	fleet_set_map(other, s->w.map, &scene_rules, s->now);
	struct sections in = sections_of(&out);
	fleet_take(other, s->w.accounts->sent->rates, &in);
	assert_string_equal(in.left.text, "fleet, large resolvers");
	assert_int_equal(fleet_state(other, 0, s->now), NODE_UNKNOWN);
	sections_fini(&in);
	buf_fini(&out);
	fleet_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sections),
		cmocka_unit_test(test_sections_left),
		cmocka_unit_test(test_sections_cut),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_messages_refused),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_sent_of_another_size),
		cmocka_unit_test(test_sent_ends),
		cmocka_unit_test(test_sent_changes),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_accounts_sums), SCENE_TEST(test_fleet),
		SCENE_TEST(test_fleet_sums), SCENE_TEST(test_fleet_nodes),
		SCENE_TEST(test_fleet_of_another_version)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
