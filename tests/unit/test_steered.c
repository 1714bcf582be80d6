/* test_steered.c - answers of steered names with the real steering: which records,
 * how many, of which node, and what is counted. ldns reads every reply. */
#include "unit/dns.h"
#include "unit/world.h"

#include "answer/answer.h"
#include "replay/ring.h"
#include "snapshot/mark.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "zones/zoneset.h"

#define RELAY(n)                                       \
	"  relay" n ": {address: [198.51.100." n "], " \
	"at: [22.3, 114.2], role: relay}\n"

static const char nodes[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1, 192.0.2.11, \"2001:db8::1\"],"
	" at: [22.3, 114.2], site: a, capacity: 1000}\n"
	"  hk2: {address: [192.0.2.2, 192.0.2.12], at: [22.4, 114.2], site: b,"
	" capacity: 1000}\n"
	"  uk1: {address: [192.0.2.3, \"2001:db8::3\", \"2001:db8::33\"],"
	" at: [51.5, -0.1], site: c, capacity: 1000}\n" RELAY("1") RELAY(
		"2") RELAY("3") RELAY("4") RELAY("5") RELAY("6") RELAY("7")
		RELAY("8") RELAY("9") RELAY("10") RELAY("11") RELAY(
			"12") "steer:\n"
			      "  many.example.com: {pool: [relay], ttl: [20, 20]}\n"
			      "  pair.example.com: {pool: [hk1, uk1], ttl: [20, 20]}\n"
			      "  live.example.com: {pool: [edge], lines: 4, ttl: [20, 20], answers: 2,"
			      " https: \"h2,http/1.1\", streams: true}\n"
			      "  plain.example.com: {pool: [edge], ttl: [20, 20]}\n";

static const char zone_lines[] = "$TTL 300\n"
				 "@ SOA ns1 host 1 2 3 4 60\n"
				 "@ NS ns1\n"
				 "ns1 A 192.0.2.99\n"
				 "to CNAME live\n"
				 "to2 CNAME line2.live\n";

#define SOA(ttl)                                                        \
	"example.com. " #ttl " SOA ns1.example.com. host.example.com. " \
	"1 2 3 4 60"

static struct {
	struct world w;
	struct zone *zone;
	struct zoneset *set;
	struct server_options options;
	struct prefix trusted;
	struct snapshot snap;
	struct answerer answerer;
	struct answer_job job;
	uint8_t reply[4096];
} t;

static void mark(struct zone_builder *b, const char *name, struct mark m)
{
	struct err err = {0};
	struct name owner = nm(name);
	if (!zone_builder_mark(b, &owner, mark_pack(m), "conf:1", &err))
		fail_msg("%s", err_text(&err));
}

static void mark_steered(struct zone_builder *b, const char *name)
{
	struct map_match match;
	char line[80];
	assert_true(map_match(t.w.map, name, &match));
	struct mark m = {.kind = MARK_NAME,
		.line = 1,
		.name = match.name,
		.streams = strstr(name, "live") != NULL};
	mark(b, name, m);
	for (unsigned i = 2; i <= t.w.map->names[match.name].lines; i++) {
		m.line = (uint8_t)i;
		snprintf(line, sizeof line, "line%u.%s", i, name);
		mark(b, line, m);
	}
	m = (struct mark){.kind = MARK_WHY, .line = 1, .name = match.name};
	snprintf(line, sizeof line, "_why.%s", name);
	mark(b, line, m);
}

static int setup(void **state)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};

	world_open(&t.w, nodes);
	zonefile_parse(b, "test.zone", zone_lines, strlen(zone_lines), &err);
	mark_steered(b, "live.example.com");
	mark_steered(b, "plain.example.com");
	mark_steered(b, "many.example.com");
	mark_steered(b, "pair.example.com");
	t.zone = zone_build(b, &err);
	if (!t.zone)
		fail_msg("%s", err_text(&err));
	t.set = zoneset_new((const struct zone *const *)&t.zone, 1);
	prefix_parse(&t.trusted, "198.51.100.0/24", true);
	t.options = (struct server_options){.udp_max = 1232,
		.udp_nocookie = UINT16_MAX,
		.trusted = &t.trusted,
		.n_trusted = 1};
	t.snap = (struct snapshot){.generation = 1,
		.zones = t.set,
		.options = &t.options,
		.steer = *world_state(&t.w)};
	t.answerer = (struct answerer){
		.snap = &t.snap, .now_ms = t.w.now, .accounts = t.w.accounts};
	return 0;
}

static int teardown(void **state)
{
	zoneset_free(t.set);
	zone_free(t.zone);
	world_close(&t.w);
	return 0;
}

/* Asks with an ECS option, n 0: without. */
static const char *ask_option(
	const char *name, unsigned type, const uint8_t *ecs, size_t n, bool tcp)
{
	struct packet p = packet_query(name, type);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);
	if (n)
		put_option(&p, 8, ecs, (uint16_t)n);
	packet_opt_end(&p, begin);
	t.job = (struct answer_job){.query = p.bytes,
		.query_len = p.len,
		.tcp = tcp,
		.peer = {4, {198, 51, 100, 1}},
		.reply = t.reply,
		.reply_room = sizeof t.reply};
	answer_batch(&t.answerer, &t.job, 1);
	return t.job.reply_len ? reply_text(t.reply, t.job.reply_len) : "";
}

/* Asks for a client in 10.N.0.0/16 (world.h), by ECS; N 0: without. */
static const char *ask_from(
	const char *name, unsigned type, unsigned net, bool tcp)
{
	const uint8_t ecs[7] = {0, 1, 24, 0, 10, (uint8_t)net, 1};
	return ask_option(name, type, ecs, net ? sizeof ecs : 0, tcp);
}

static void check(
	const char *name, unsigned type, unsigned net, const char *expect)
{
	const char *got = ask_from(name, type, net, false);
	if (strcmp(got, expect))
		fail_msg("%s type %u\n     got: %s\nexpected: %s", name, type,
			got, expect);
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned n = 0;
	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* All addresses of the best node, of the next one the first; each family has its
 * own. */
static void test_addresses(void **state)
{
	const char *got = ask_from("plain.example.com", RR_A, 3, false);
	assert_string_equal(
		got, "NOERROR aa; plain.example.com. 20 A 192.0.2.3;;");
	check("plain.example.com", RR_AAAA, 3,
		"NOERROR aa; plain.example.com. 20 AAAA 2001:db8::3 | "
		"plain.example.com. 20 AAAA 2001:db8::33;;");
	/* one that has both addresses of a family is answered with both */
	for (unsigned net = 1; net <= 3; net += 2) {
		got = ask_from("live.example.com", RR_A, net, false);
		bool hk1 = strstr(got, " 192.0.2.11") != NULL,
		     hk2 = strstr(got, " 192.0.2.12") != NULL;
		assert_int_equal(count_of(got, " A "), net == 1 ? 3 : 2);
		assert_int_equal(hk1 + hk2, net == 1);
		if (net == 1)
			assert_true(strstr(got, " 192.0.2.1") &&
				strstr(got, " 192.0.2.2"));
	}
}

static void set_states(enum node_state hk1, enum node_state uk1)
{
	world_node(&t.w, "hk1")->state = hk1;
	world_node(&t.w, "uk1")->state = uk1;
	world_state(&t.w);
}

/* The only node that is alive has no address of that family. */
static void test_no_address(void **state)
{
	set_states(NODE_DOWN, NODE_DOWN);
	check("plain.example.com", RR_AAAA, 5, "NOERROR aa;; " SOA(20) ";");
	set_states(NODE_UP, NODE_UP);
}

/* Along a chain the same decision, with its TTL. */
static void test_chain(void **state)
{
	const char *got = ask_from("to.example.com", RR_A, 3, false);
	assert_non_null(strstr(got,
		"live.example.com. 20 A 192.0.2.3 | "
		"to.example.com. 20 CNAME "
		"live.example.com.;;"));
}

/* What a viewer presses by way of a chain is proven as well. */
static void test_chain_is_proven(void **state)
{
	struct steer_event e = {0};
	t.answerer.now_ms += 10000;
	ask_from("to.example.com", RR_A, 3, true);
	while (events_pop(t.w.accounts->events, &e))
		;
	for (int tcp = 0; tcp < 2; tcp++) {
		ask_from("to2.example.com", RR_A, 3, tcp);
		do
			assert_true(events_pop(t.w.accounts->events, &e));
		while (e.kind != EVENT_SWITCHED);
		assert_int_equal(e.proven, tcp);
	}
}

/* The line itself with its protocols and addresses, then the next two lines, each
 * elsewhere; of a stream only itself. */
static void test_https(void **state)
{
	const char *got = ask_from("live.example.com", RR_HTTPS, 3, false);
	assert_int_equal(count_of(got, "20 HTTPS "), 3);
	assert_non_null(strstr(got,
		"live.example.com. 20 HTTPS 1 . alpn=h2,http/1.1 "
		"ipv4hint=192.0.2.3 ipv6hint=2001:db8::3,2001:db8::33"));
	assert_non_null(strstr(got, "HTTPS 2 line2.live.example.com. alpn="));
	assert_non_null(strstr(got, "HTTPS 3 line3.live.example.com. alpn="));
	assert_int_equal(count_of(got, "192.0.2.3 "), 1);
	got = ask_from("line3.live.example.com", RR_HTTPS, 3, false);
	assert_int_equal(count_of(got, "20 HTTPS "), 2);
	assert_non_null(strstr(got, "HTTPS 2 line4.live.example.com. alpn="));
	got = ask_from("line4.live.example.com", RR_HTTPS, 3, false);
	assert_int_equal(count_of(got, "20 HTTPS "), 1);
	got = ask_from("cam.live.example.com", RR_HTTPS, 3, false);
	assert_int_equal(count_of(got, "20 HTTPS "), 1);
	check("plain.example.com", RR_HTTPS, 3, "NOERROR aa;; " SOA(20) ";");
}

/* _why says who the client is, what is picked and what of, to whom it may, and
 * counts nothing. */
static void test_why(void **state)
{
	static char before[4096];
	memcpy(before, t.w.accounts->events, sizeof before);
	const char *got = ask_from("_why.live.example.com", RR_TXT, 3, false);
	assert_int_equal(count_of(got, " 0 TXT "), 5);
	assert_non_null(strstr(got, "client 10.3.0.0/"));
	assert_non_null(strstr(got, "pick uk1"));
	assert_non_null(strstr(got, ", ttl 20 s, scope /"));
	assert_non_null(strstr(got, "\"uk1 up path "));
	assert_non_null(strstr(got, "\"hk1 up path "));
	assert_non_null(strstr(got, "\"hk2 up path "));
	assert_memory_equal(before, t.w.accounts->events, sizeof before);
	t.options.n_trusted = 0;
	check("_why.live.example.com", RR_TXT, 3, "REFUSED;;;");
	t.options.n_trusted = 1;
}

/* Of many nodes it shows the ten best, of two both; and nothing else. */
static void test_why_of_many(void **state)
{
	const char *got = ask_from("_why.many.example.com", RR_TXT, 3, false);
	assert_int_equal(count_of(got, " 0 TXT "), 2 + 10);
	assert_int_equal(count_of(got, " up path "), 10);
	got = ask_from("_why.pair.example.com", RR_TXT, 3, false);
	assert_int_equal(count_of(got, " up path "), 2);
	assert_int_equal(count_of(got, "SOA"), 0);
	assert_non_null(strstr(got, ";;")); /* no other section */
}

/* Before the first polls UDP waits and TCP does not. What waits is not decided: it is
 * still to be accounted. */
static void test_too_early(void **state)
{
	static const char *const names[] = {
		"live.example.com", "to.example.com"};
	for (int i = 0; i < 2; i++) {
		t.w.load.ready = false;
		assert_string_equal(ask_from(names[i], RR_A, 3, false), "");
		assert_true(t.job.defer);
		assert_false(t.job.accounted);
		assert_non_null(
			strstr(ask_from(names[i], RR_A, 3, true), "192.0.2.3"));
		t.w.load.ready = true;
		assert_non_null(strstr(
			ask_from(names[i], RR_A, 3, false), "192.0.2.3"));
	}
}

/* The question as steering sees it. */
static void test_question(void **state)
{
	const struct steer_query *q = &t.job.steer.query;
	ask_from("line2.live.example.com", RR_AAAA, 3, true);
	assert_int_equal(q->line, 2);
	assert_int_equal(q->type, STEER_AAAA);
	assert_true(q->trusted);
	assert_true(q->proven);
	assert_int_equal(q->asker.bytes[0], 198);
	assert_int_equal(q->stream, 0);
	ask_from("cam.live.example.com", RR_A, 3, false);
	assert_int_equal(q->stream, map_stream_hash("cam", 3));
	assert_false(q->proven);
	t.options.n_trusted = 0;
	ask_from("live.example.com", RR_A, 0, false);
	assert_false(q->trusted);
	t.options.n_trusted = 1;
}

/* A client subnet of IPv4 that is written as IPv6 (::ffff:10.3.1.0/120) is one of
 * IPv4: the same client net. */
static void test_mapped_subnet(void **state)
{
	static const uint8_t mapped[] = {0, 2, 120, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0xff, 0xff, 10, 3, 1};
	const struct steer_query *q = &t.job.steer.query;
	ask_from("live.example.com", RR_A, 3, false);
	struct steer_query plain = *q;
	ask_option("live.example.com", RR_A, mapped, sizeof mapped, false);
	assert_true(addr_equal(&q->net, &plain.net));
	assert_int_equal(q->net_len, plain.net_len);
	assert_int_equal(q->place, plain.place);
}

/* What is answered is recorded, if that is on: the client's net and scope only if
 * the asker named a client. */
static void test_recorded(void **state)
{
	static const uint8_t no_subnet[] = {0, 1, 0, 0};
	struct record_ring *ring = record_ring_new();
	t.answerer.ring = ring;
	t.options.record = 0;
	ask_from("live.example.com", RR_A, 3, false);
	assert_null(record_ring_peek(ring));
	t.options.record = UINT64_MAX;
	ask_from("line2.live.example.com", RR_A, 3, false);
	const struct record_entry *e = record_ring_peek(ring);
	assert_non_null(e);
	assert_string_equal(e->name, "live.example.com");
	assert_int_equal(e->line, 2);
	assert_true(e->subnet);
	assert_int_equal(e->scope, 20);
	record_ring_next(ring);
	ask_option("cam.live.example.com", RR_A, no_subnet, sizeof no_subnet,
		false);
	e = record_ring_peek(ring);
	assert_non_null(e);
	assert_string_equal(e->stream, "cam");
	assert_false(e->subnet);
	assert_int_equal(e->scope, 0);
	record_ring_next(ring);
	assert_null(record_ring_peek(ring));
	t.options.record = 0;
	t.answerer.ring = NULL;
	record_ring_free(ring);
}

/* Several in one batch, beside one that is not steered, have each their own. */
static void test_batch(void **state)
{
	static uint8_t replies[3][512];
	static const char *const names[] = {
		"live.example.com", "ns1.example.com", "plain.example.com"};
	static const char *const expect[] = {
		"2001:db8::3", "SOA", "2001:db8::3"};
	struct packet packets[3];
	struct answer_job jobs[3];
	for (int i = 0; i < 3; i++) {
		const uint8_t ecs[7] = {0, 1, 24, 0, 10, 3, 1};
		packets[i] = packet_query(names[i], RR_AAAA);
		uint16_t begin = packet_opt(&packets[i], 1232, 0, 0);
		put_option(&packets[i], 8, ecs, sizeof ecs);
		packet_opt_end(&packets[i], begin);
		jobs[i] = (struct answer_job){.query = packets[i].bytes,
			.query_len = packets[i].len,
			.peer = {4, {198, 51, 100, 1}},
			.reply = replies[i],
			.reply_room = sizeof replies[i]};
	}
	assert_int_equal(answer_batch(&t.answerer, jobs, 3), 0);
	for (int i = 0; i < 3; i++)
		assert_non_null(strstr(
			reply_text(replies[i], jobs[i].reply_len), expect[i]));
	t.w.load.ready = false;
	assert_int_equal(answer_batch(&t.answerer, jobs, 3), 2);
	t.w.load.ready = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_chain_is_proven),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_why_of_many),
		cmocka_unit_test(test_mapped_subnet),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_too_early),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_batch),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
