/* What an answer leaves behind for the control thread and for later decisions: what it
 * reserves, what it counts, whom it was for, where viewers of an area and of a stream
 * are. Each budget and each event is of the asking network. */
#include "world.h"

#include "ledger/demand.h"
#include "ledger/events.h"

#define HK "10.1.0.1"

static const char nodes[] =
	"nodes:\n"
	"  hk: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
	"  jp: {address: [192.0.2.2], at: [35.7, 139.7]}\n"
	"  uk: {address: [192.0.2.3], at: [51.5, -0.1]}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], lines: 3, ttl: 5, streams: true}\n"
	"  four.example.com: {pool: [edge], ttl: 5, answers: 4}\n"
	"  two.example.com: {pool: [edge], ttl: 5, answers: 2}\n";

enum { HK_NODE, JP_NODE, UK_NODE };

static int setup(void **state)
{
	static struct world w;
	world_open(&w, nodes);
	*state = &w;
	return 0;
}

static float reserved(const struct world *w, unsigned node)
{
	return (float)w->accounts->reservation[node].viewers /
		RESERVATION_VIEWER;
}

static float rate(const struct world *w, unsigned node)
{
	float all = 0;
	for (unsigned i = 0; i < RESERVATION_CLASSES; i++)
		all += (float)w->accounts->reservation[node].rate[i] /
			RESERVATION_RATE;
	return all;
}

/* The next event; false: there is none. */
static bool next(struct world *w, struct steer_event *event)
{
	return events_pop(w->accounts->events, event);
}

static void no_more(struct world *w)
{
	struct steer_event event;
	assert_false(next(w, &event));
}

static struct steer_decision ask_line(
	struct world *w, unsigned line, const char *client, bool proven)
{
	struct steer_query q = world_query(w, "live.example.com", client);
	struct steer_decision d;
	q.line = (uint8_t)line;
	q.proven = proven;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	return d;
}

/* One viewer is reserved where a newcomer is sent, and its network is said to be there.
 * The next one's event has how many were placed there before it. */
static void test_first_answer(void **state)
{
	struct world *w = *state;
	struct steer_event e = {0};
	ask_line(w, 1, HK, false);
	assert_float_equal(reserved(w, HK_NODE), 1, 0);
	assert_float_equal(rate(w, HK_NODE), 0, 0);
	assert_int_equal(w->accounts->reservation[HK_NODE].answers, 1);
	assert_int_equal(w->accounts->reservation[HK_NODE].line2, 0);
	assert_int_equal(w->accounts->reservation[HK_NODE].only, 0);
	assert_float_equal(reserved(w, JP_NODE), 0, 0);
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SENT);
	assert_true(e.asker == world_net(HK));
	assert_int_equal(e.node[0], HK_NODE);
	assert_int_equal(e.node[1], MAP_NO_NODE);
	assert_int_equal(e.area, w->map->nodes[HK_NODE].area);
	assert_int_equal(e.now_ms, (uint32_t)w->now);
	assert_float_equal(e.at_once, 0, 0);
	assert_float_equal(e.rate, 0, 0);
	no_more(w);

	world_node(w, "jp")->state = NODE_DOWN; /* Tokyo's go to Hong Kong */
	ask_line(w, 1, "10.2.0.1", false);
	assert_true(next(w, &e));
	assert_float_equal(e.at_once, 0, 0.01); /* of Tokyo's area */
	assert_float_equal(e.rate, 1, 0.01);
	ask_line(w, 1, "10.1.77.1", false);
	assert_true(next(w, &e));
	assert_float_equal(e.at_once, 1, 0.01);
	assert_float_equal(e.rate, 2, 0.01);
	no_more(w);
}

/* Where an answer has several addresses, each node gets its share of the viewer; the
 * network is said to be at the first one. */
static void test_several_nodes(void **state)
{
	static const struct {
		const char *name;
		unsigned n;
	} rows[] = {{"two.example.com", 2}, {"four.example.com", 3}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = *state;
		struct steer_event e = {0};
		world_teardown(state);
		setup(state);
		struct steer_decision d = world_ask(w, rows[i].name, HK);
		assert_int_equal(d.n, rows[i].n);
		for (unsigned k = 0; k < d.n; k++) {
			assert_float_equal(reserved(w, d.node[k]),
				1 / (double)d.n, 1.0 / RESERVATION_VIEWER);
			assert_float_equal(
				accounts_unpublished(w->accounts, d.node[k],
					w->load.generation),
				1 / (double)d.n, 1e-4);
		}
		assert_true(next(w, &e));
		assert_int_equal(e.node[0], d.node[0]);
		assert_float_equal(accounts_placed(w->accounts, d.area,
					   d.node[0], (uint32_t)w->now),
			1, 1e-4);
		no_more(w);
	}
}

/* Of a network and a node there is one event a minute. */
static void test_one_event_a_minute(void **state)
{
	struct world *w = *state;
	struct steer_event e = {0};
	for (int i = 0; i < 3; i++) {
		ask_line(w, 1, HK, false);
		w->now += 20000;
	}
	assert_true(next(w, &e));
	no_more(w);
	ask_line(w, 1, HK, false);
	assert_true(next(w, &e));
	no_more(w);
}

/* The same viewer asks for an address of the other family: nothing more is reserved;
 * the same type again is another viewer behind the same resolver. */
static void test_types_of_one_viewer(void **state)
{
	struct world *w = *state;
	struct steer_query q = world_query(w, "live.example.com", HK);
	struct steer_decision d;
	for (unsigned type = STEER_A; type <= STEER_HTTPS; type *= 2) {
		q.type = (uint8_t)type;
		steer_answer(world_state(w), w->accounts, &q, w->now, &d);
		assert_int_equal(d.again, type != STEER_A);
	}
	assert_float_equal(reserved(w, HK_NODE), 1, 0);
	assert_int_equal(w->accounts->reservation[HK_NODE].answers, 1);
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	assert_true(d.again);
	assert_float_equal(reserved(w, HK_NODE), 2, 0);
}

/* A client that asks often reserves a rate beside the viewer that waits, while
 * its answers live. */
static void test_rate(void **state)
{
	struct world *w = *state;
	struct steer_decision d;
	for (int i = 0; i < 3; i++) {
		d = ask_line(w, 1, HK, false);
		w->now += 25000;
	}
	assert_true(d.rate > 0.01f);
	float before = rate(w, HK_NODE);
	d = ask_line(w, 1, HK, false);
	assert_true(rate(w, HK_NODE) > before);
	assert_float_equal(reserved(w, HK_NODE), 4, 0.01);
}

/* The viewer that waits and those that come while the answer lives are, together, no
 * more than the network may reserve. */
static void test_share_of_a_budget(void **state)
{
	struct world *w = *state;
	struct steer_decision d;
	for (int i = 0; i < 3; i++) {
		ask_line(w, 1, HK, false);
		w->now += 25000;
	}
	struct asker *one =
		asker_of(w->accounts, world_net(HK), (uint32_t)w->now, 1000);
	one->budget = 0.5f;
	one->at_ms = (uint32_t)w->now;
	float viewers = reserved(w, HK_NODE), each = rate(w, HK_NODE);
	d = ask_line(w, 1, HK, false);
	viewers = reserved(w, HK_NODE) - viewers;
	each = rate(w, HK_NODE) - each;
	unsigned lasts_s = reservation_class_s[reservation_class(d.held_s)];
	assert_true(viewers < 0.45f);
	assert_float_equal(viewers + each * (float)lasts_s, 0.5, 0.02);
}

/* A press counts once, for the node of line 1: the event names where the
 * network was sent, and where it was before. A second press within the TTL
 * reserves nothing. */
static void test_press(void **state)
{
	struct world *w = *state;
	struct steer_event e = {0};
	world_node(w, "hk")->penalty_ms = 1000;
	assert_int_equal(ask_line(w, 1, HK, false).node[0], JP_NODE);
	world_node(w, "hk")->penalty_ms = 0;
	w->now += 6000;
	assert_int_equal(ask_line(w, 1, HK, false).node[0], HK_NODE);
	w->now += 200000;
	while (next(w, &e))
		;
	ask_line(w, 2, HK, true);
	assert_int_equal(w->accounts->reservation[HK_NODE].line2, 1);
	assert_int_equal(w->accounts->reservation[HK_NODE].only, 0);
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SWITCHED);
	assert_true(e.asker == world_net(HK));
	assert_true(e.proven);
	assert_int_equal(e.node[0], HK_NODE);
	assert_int_equal(e.node[1], JP_NODE);
	assert_int_equal(e.node[2], MAP_NO_NODE);
	assert_int_equal(e.area, w->map->nodes[HK_NODE].area);
	assert_int_equal(e.now_ms, (uint32_t)w->now);
	assert_true(next(w, &e)); /* where it is sent now */
	assert_int_equal(e.kind, EVENT_SENT);
	no_more(w);
	float before = reserved(w, 0) + reserved(w, 1) + reserved(w, 2);
	w->now += 1000;
	ask_line(w, 2, HK, true);
	assert_int_equal(w->accounts->reservation[HK_NODE].line2, 2);
	no_more(w); /* one event in 5 s */
	assert_float_equal(
		reserved(w, 0) + reserved(w, 1) + reserved(w, 2), before, 0);
	w->now += 5000;
	ask_line(w, 2, HK, true);
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SWITCHED);
}

/* A question for a further line is kept in mind, so that line 1 is kept apart from it
 * when they are asked together; one for line 1 is not. */
static void test_mark(void **state)
{
	struct world *w = *state;
	struct steer_query q = world_query(w, "live.example.com", HK);
	uint64_t hash = sent_hash(w->sent, steer_key(w->map, &q));
	struct sent_bucket *bucket = sent_bucket(w->sent, hash);
	ask_line(w, 1, HK, false);
	steer_answer_full(world_state(w), w->accounts, &q, w->now,
		&(struct steer_decision){0});
	assert_false(sent_together(bucket, hash, (uint32_t)w->now));
	ask_line(w, 2, HK, false);
	assert_true(sent_together(bucket, hash, (uint32_t)w->now));
}

/* Line 1 was on four nodes, one after the other: its viewers may be on each of them;
 * a viewer that presses on line 2 was on line 2. */
static void test_press_of_older_viewers(void **state)
{
	static const char *const sent[] = {"uk", "jp", "uk", "hk"};
	struct world *w = *state;
	struct steer_event e = {0};
	for (unsigned i = 0; i < 4; i++) {
		world_prefer(w, sent[i], 2000);
		assert_string_equal(
			world_pick(w, "live.example.com", HK), sent[i]);
		w->now += 6000;
	}
	w->now += 200000;
	while (next(w, &e))
		;
	unsigned second = ask_line(w, 2, HK, false).node[0];
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SWITCHED);
	assert_int_equal(e.node[0], HK_NODE);
	assert_int_equal(e.node[1], UK_NODE);
	assert_int_equal(e.node[2], JP_NODE);
	assert_int_equal(e.node[3], UK_NODE);
	while (next(w, &e))
		;
	ask_line(w, 3, HK, false);
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SWITCHED);
	assert_int_equal(e.node[0], second);
	assert_int_equal(e.node[2], MAP_NO_NODE);
	assert_int_equal(e.node[3], MAP_NO_NODE);
}

/* A press of a net that was sent nowhere, or long ago, leaves no node. */
static void test_press_of_a_stranger(void **state)
{
	struct world *w = *state;
	struct steer_event e = {0};
	ask_line(w, 2, HK, true);
	while (next(w, &e))
		assert_int_equal(e.kind, EVENT_SENT);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->accounts->reservation[i].line2, 0);
	ask_line(w, 1, "10.2.0.1", false);
	w->now += 31 * 60000;
	ask_line(w, 2, "10.2.0.1", true);
	while (next(w, &e))
		assert_int_equal(e.kind, EVENT_SENT);
}

/* With one node alive each line is that one, and it is counted. */
static void test_only(void **state)
{
	struct world *w = *state;
	world_node(w, "jp")->state = NODE_DOWN;
	world_node(w, "uk")->state = NODE_DOWN;
	ask_line(w, 1, HK, false);
	assert_int_equal(w->accounts->reservation[HK_NODE].only, 0);
	ask_line(w, 2, HK, false);
	assert_int_equal(w->accounts->reservation[HK_NODE].only, 1);
	ask_line(w, 1, HK, false);
	assert_int_equal(w->accounts->reservation[HK_NODE].only, 1);
}

/* Viewers of a stream are placed on their node, and on all together; those of a name
 * without one on nothing. */
static void test_stream(void **state)
{
	struct world *w = *state;
	uint32_t now = (uint32_t)w->now;
	struct steer_query q = world_query(w, "cam.live.example.com", HK);
	struct steer_decision d = world_ask(w, "cam.live.example.com", HK);
	uint32_t area = accounts_stream(q.stream);
	assert_float_equal(
		accounts_placed(w->accounts, area, d.node[0], now), 1, 0.01);
	assert_float_equal(
		accounts_placed(w->accounts, area, MAP_NO_NODE, now), 1, 0.01);
	ask_line(w, 1, HK, false);
	assert_float_equal(accounts_placed(w->accounts, accounts_stream(0),
				   MAP_NO_NODE, now),
		0, 0);
}

/* The last event of a large resolver. */
static struct steer_event large_event(struct world *w)
{
	struct steer_event e, last = {.kind = EVENT_SENT};
	while (next(w, &e))
		if (e.kind == EVENT_LARGE_RESOLVER)
			last = e;
	assert_int_equal(last.kind, EVENT_LARGE_RESOLVER);
	return last;
}

/* A large resolver's answers are events for the control thread, whose business their
 * rate is then: how many viewers, on which nodes, kept how long; no more of them than
 * the budget of its network lets it reserve. */
static void test_large_resolver(void **state)
{
	struct world *w = *state;
	struct steer_decision d;
	const char *client = "10.2.0.1";
	struct steer_query q = world_query(w, "four.example.com", client);
	for (unsigned i = 0; i < 3; i++)
		w->node[i].per_viewer = 0; /* they never fill up */
	for (int i = 0; i < 20; i++) {
		d = world_ask(w, "four.example.com", client);
		w->now += d.ttl_s * 1000 + 50;
	}
	large_event(w);
	float before = reserved(w, 0) + reserved(w, 1) + reserved(w, 2);
	d = world_ask(w, "four.example.com", client);
	struct steer_event e = large_event(w);
	assert_int_equal(d.n, 3);
	assert_true(e.key == demand_key(steer_key(w->map, &q), q.line));
	assert_int_equal(e.now_ms, (uint32_t)w->now);
	assert_int_equal(e.held_s, d.held_s);
	assert_float_equal(e.rate, d.rate, 0.001);
	assert_float_equal(e.at_once, d.at_once, 0.001);
	assert_int_equal(d.node[0], JP_NODE);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(e.node[i], d.node[i]);
	assert_int_equal(e.node[3], MAP_NO_NODE);
	assert_float_equal(
		reserved(w, 0) + reserved(w, 1) + reserved(w, 2), before, 0);
	for (int i = 0; i < 20; i++)
		d = world_ask(w, "four.example.com", client);
	e = large_event(w);
	assert_true(e.rate < 0.5f * d.rate);
	assert_true(e.at_once < 0.5f * d.at_once);
	q.trusted = true; /* it may name others: no budget */
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	e = large_event(w);
	assert_float_equal(e.rate, d.rate, 0.001);
}

/* Also of a name with one address, and of viewers that are too few to be spread. */
static void test_small_large_resolver(void **state)
{
	struct world *w = *state;
	struct steer_decision d = {0};
	while (d.rate * 5 < 2) {
		d = ask_line(w, 1, HK, false);
		w->now += d.ttl_s * 1000 + 50;
	}
	assert_int_equal(d.n, 1);
	float before = reserved(w, HK_NODE), each = rate(w, HK_NODE);
	struct steer_event e;
	while (next(w, &e))
		;
	d = ask_line(w, 1, HK, false);
	e = large_event(w);
	assert_int_equal(e.now_ms, (uint32_t)w->now);
	assert_int_equal(e.node[0], HK_NODE);
	assert_float_equal(e.rate, d.rate, 0.001);
	assert_float_equal(reserved(w, HK_NODE), before, 0);
	assert_float_equal(rate(w, HK_NODE), each, 0);
}

/* A report of a player counts once a minute for its network and node. Where its net
 * was sent, now or before, its network is said to be; whose area it is says its
 * place. */
static void test_report(void **state)
{
	struct world *w = *state;
	struct steer_event e = {0};
	struct addr resolver = {4, {198, 51, 100, 53}};
	struct steer_query q = world_query(w, "live.example.com", HK);
	struct steer_query report = q;
	struct steer_decision d;
	q.asker = resolver;
	world_node(w, "hk")->penalty_ms = 1000;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	assert_int_equal(d.node[0], JP_NODE);
	world_node(w, "hk")->penalty_ms = 0;
	w->now += 6000;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	assert_int_equal(d.node[0], HK_NODE);
	while (next(w, &e))
		;
	for (unsigned node = 0; node < 3; node++) {
		assert_true(steer_report_switch(
			world_state(w), w->accounts, &report, node, w->now));
		if (node != UK_NODE) {
			assert_true(next(w, &e));
			assert_int_equal(e.kind, EVENT_SENT);
			assert_true(e.asker == world_net(HK));
			assert_int_equal(e.node[0], node);
			assert_int_equal(e.area, w->map->nodes[HK_NODE].area);
			assert_true(e.at_once < 0 && e.rate < 0);
		}
		assert_true(next(w, &e));
		assert_int_equal(e.kind, EVENT_SWITCHED);
		assert_true(e.asker == world_net(HK));
		assert_int_equal(e.node[0], node);
		assert_int_equal(e.node[1], MAP_NO_NODE);
		assert_int_equal(e.area, w->map->nodes[HK_NODE].area);
		assert_int_equal(e.now_ms, (uint32_t)w->now);
		assert_false(e.proven);
		no_more(w);
	}
	w->now += 59000;
	assert_false(steer_report_switch(
		world_state(w), w->accounts, &report, HK_NODE, w->now));
	no_more(w);
	w->now += 1000;
	assert_true(steer_report_switch(
		world_state(w), w->accounts, &report, HK_NODE, w->now));
	while (next(w, &e))
		;
	/* half an hour later no viewer of that net is there */
	w->now += 31 * 60000;
	assert_true(steer_report_switch(
		world_state(w), w->accounts, &report, HK_NODE, w->now));
	assert_true(next(w, &e));
	assert_int_equal(e.kind, EVENT_SWITCHED);
	no_more(w);
}

/* The quick way to an answer and the full one come to the same and leave the same, also
 * when each viewer counts. */
static void test_both_ways(void **state)
{
	static const char small[] =
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 20}\n"
		"  b: {address: [192.0.2.2], at: [35.7, 139.7], capacity: 40}\n"
		"  c: {address: [192.0.2.3], at: [51.5, -0.1], capacity: 60}\n"
		"steer: {live.example.com: {pool: [edge], ttl: [5, 60]}}\n";
	struct world quick, full;
	(void)state;
	world_open(&quick, small);
	world_open(&full, small);
	for (unsigned i = 0; i < 300; i++) {
		struct steer_query q =
			world_query(&quick, "live.example.com", HK);
		struct steer_decision a, b;
		q.net.bytes[2] = (uint8_t)(i * 7 % 100);
		q.asker = q.net;
		steer_answer(
			world_state(&quick), quick.accounts, &q, quick.now, &a);
		steer_answer_full(
			world_state(&full), full.accounts, &q, full.now, &b);
		assert_int_equal(a.node[0], b.node[0]);
		assert_int_equal(a.ttl_s, b.ttl_s);
		assert_int_equal(a.held_s, b.held_s);
		assert_int_equal(a.again, b.again);
		assert_int_equal(a.area, b.area);
		assert_float_equal(a.at_once, b.at_once, 0);
		assert_float_equal(a.rate, b.rate, 0);
		for (unsigned n = 0; n < 3; n++)
			assert_float_equal(
				reserved(&quick, n), reserved(&full, n), 0);
		quick.now = full.now += 700;
	}
	world_close(&quick);
	world_close(&full);
}

/* The next event of a kind; there is one. */
static struct steer_event next_of(struct world *w, enum steer_event_kind kind)
{
	struct steer_event event;
	while (next(w, &event))
		if (event.kind == kind)
			return event;
	fail_msg("no event of kind %u", kind);
	return event;
}

/* A question that can be forged does not suppress one that is proven. */
static void test_proven_press(void **state)
{
	struct world *w = *state;
	ask_line(w, 1, HK, false);
	ask_line(w, 2, HK, false);
	assert_false(next_of(w, EVENT_SWITCHED).proven);
	ask_line(w, 2, HK, true);
	assert_true(next_of(w, EVENT_SWITCHED).proven);
}

/* A player's report counts for its client net, whoever resolved the name: a player
 * is seldom in the network of its resolver. A net that was not sent there says nothing. */
static void test_report_of_another_network(void **state)
{
	struct world *w = *state;
	struct addr resolver = {4, {198, 51, 100, 53}};
	struct steer_query q = world_query(w, "live.example.com", HK);
	struct steer_query report = q;
	struct steer_decision d;
	q.asker = resolver;
	report.proven = true;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	assert_true(next_of(w, EVENT_SENT).asker == accounts_net(&resolver));
	assert_true(steer_report_switch(
		world_state(w), w->accounts, &report, d.node[0], w->now));
	struct steer_event sent = next_of(w, EVENT_SENT);
	assert_true(sent.asker == accounts_net(&report.asker));
	assert_true(sent.at_once < 0); /* viewers are not known */
	assert_true(next_of(w, EVENT_SWITCHED).proven);

	report = world_query(w, "live.example.com", "10.2.0.1");
	steer_report_switch(
		world_state(w), w->accounts, &report, d.node[0], w->now);
	struct steer_event event;
	assert_true(next(w, &event));
	assert_int_equal(event.kind, EVENT_SWITCHED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_answer),
		TEST(test_several_nodes),
		TEST(test_one_event_a_minute),
		TEST(test_types_of_one_viewer),
		TEST(test_rate),
		TEST(test_share_of_a_budget),
		TEST(test_press),
		TEST(test_mark),
		TEST(test_press_of_older_viewers),
		TEST(test_press_of_a_stranger),
		TEST(test_only),
		TEST(test_stream),
		TEST(test_large_resolver),
		TEST(test_small_large_resolver),
		TEST(test_report),
		TEST(test_proven_press),
		TEST(test_report_of_another_network),
		cmocka_unit_test(test_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
