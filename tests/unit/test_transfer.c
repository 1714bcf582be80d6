/* test_transfer.c - who may have a zone, what is sent of it, and in which messages. ldns
 * reads them.
 */
#include "unit/dns.h"

#include "answer/answer.h"
#include "base/arena.h"
#include "snapshot/mark.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "transfer/out.h"
#include "zones/zoneset.h"

#define NOW 1700000000u

static const char conf_text[] =
	"tsig: {ns2: {secret: \"AQIDBAUGBwgJCgsMDQ4PEA==\"}}\n"
	"zones:\n"
	"  example.com:\n"
	"    file: test.zone\n"
	"    transfer: {to: [198.51.100.0/24, \"key:ns2\"]}\n"
	"nodes:\n"
	"  a: {address: [192.0.2.11, \"2001:db8::11\"], at: [1, 1]}\n"
	"  b: {address: [192.0.2.12, 192.0.2.11], at: [1, 1]}\n"
	"  r: {role: relay, address: [192.0.2.13], at: [1, 1]}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], ttl: [7, 30], https: \"h2,http/1.1\"}\n"
	"  line2.example.com: {pool: [r], streams: true}\n";

static const char zone_file[] = "$TTL 300\n"
				"@ 3600 SOA ns1 hostmaster 7 2 3 4 60\n"
				"@ NS ns1\n"
				"@ MX 10 mail\n"
				"ns1 A 192.0.2.1\n"
				"mail A 192.0.2.25\n"
				"www CNAME mail\n"
				"cut NS ns.cut\n"
				"cut NS ns1\n"
				"ns.cut A 192.0.2.7\n"
				"a.b.ent TXT \"x\"\n"
				"*.wild TXT \"y\"\n"
				"d DNAME ns1\n"
				"_s._tcp SRV 1 2 3 www\n"
				"live TXT \"beside\"\n";

/* All of it, sorted, as an asker is to have it. */
static const char *const expected[] = {
	"*.line2.example.com. 5 IN A 192.0.2.13",
	"*.wild.example.com. 300 IN TXT \"y\"",
	"_s._tcp.example.com. 300 IN SRV 1 2 3 www.example.com.",
	"a.b.ent.example.com. 300 IN TXT \"x\"",
	"cut.example.com. 300 IN NS ns.cut.example.com.",
	"cut.example.com. 300 IN NS ns1.example.com.",
	"d.example.com. 300 IN DNAME ns1.example.com.",
	"example.com. 300 IN MX 10 mail.example.com.",
	"example.com. 300 IN NS ns1.example.com.",
	"example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 7 2 3 "
	"4 60",
	"example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 7 2 3 "
	"4 60",
	"line2.example.com. 5 IN A 192.0.2.13",
	"live.example.com. 300 IN TXT \"beside\"",
	"live.example.com. 7 IN A 192.0.2.11",
	"live.example.com. 7 IN A 192.0.2.12",
	"live.example.com. 7 IN AAAA 2001:db8::11",
	"live.example.com. 7 IN HTTPS 1 . alpn=h2,http/1.1",
	"mail.example.com. 300 IN A 192.0.2.25",
	"ns.cut.example.com. 300 IN A 192.0.2.7",
	"ns1.example.com. 300 IN A 192.0.2.1",
	"www.example.com. 300 IN CNAME mail.example.com.",
};
#define EXPECTED (sizeof expected / sizeof *expected)

static struct fixture {
	struct conf *conf;
	struct zone *zone;
	struct zoneset *set;
	struct transfer_source *source;
	struct server_options options;
	struct snapshot snap;
	struct answer_job job;
	uint8_t reply[65535];
	bool freed;
} t;

static void on_free(struct transfer_source *source)
{
	assert_ptr_equal(source, t.source);
	t.freed = true;
}

static void mark(struct zone_builder *b, const char *name, struct mark m)
{
	struct err err = {0};
	struct name owner = nm(name);
	if (!zone_builder_mark(b, &owner, mark_pack(m), "conf:1", &err))
		fail_msg("%s", err_text(&err));
}

static int setup(void **state)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};

	t.conf = conf_parse("test.yaml", conf_text, strlen(conf_text), &err);
	if (!t.conf)
		fail_msg("%s", err_text(&err));
	zonefile_parse(b, "test.zone", zone_file, strlen(zone_file), &err);
	mark(b, "live.example.com",
		(struct mark){.kind = MARK_NAME, .line = 1, .name = 0});
	mark(b, "_why.live.example.com",
		(struct mark){.kind = MARK_WHY, .line = 1, .name = 0});
	mark(b, "line2.example.com",
		(struct mark){.kind = MARK_NAME,
			.line = 2,
			.streams = true,
			.name = 1});
	t.zone = zone_build(b, &err);
	if (!t.zone)
		fail_msg("%s", err_text(&err));
	err_fini(&err);
	t.set = zoneset_new((const struct zone *const *)&t.zone, 1);
	t.source = transfer_source_new(t.conf, &t.zone, on_free);
	t.options = (struct server_options){
		.udp_max = 1232, .udp_nocookie = UINT16_MAX};
	t.snap = (struct snapshot){.generation = 1,
		.zones = t.set,
		.options = &t.options,
		.transfers = t.source};
	t.freed = false;
	return 0;
}

static int teardown(void **state)
{
	zoneset_free(t.set);
	zone_free(t.zone);
	conf_free(t.conf);
	return 0;
}

/* -- who may -- */

static struct packet sign(struct packet p, uint64_t at)
{
	struct tsig_chain chain = {.key = &t.source->keys[0]};
	p.len = (uint16_t)tsig_sign(&chain, p.bytes, p.len, at);
	return p;
}

static const char *ask_from(struct packet p, const char *from, bool tcp)
{
	struct answerer answerer = {.snap = &t.snap, .wall_s = NOW};
	t.job = (struct answer_job){.query = p.bytes,
		.query_len = p.len,
		.tcp = tcp,
		.reply = t.reply,
		.reply_room = sizeof t.reply};
	assert_true(addr_parse(&t.job.peer, from));
	answer_batch(&answerer, &t.job, 1);
	if (t.job.transfer)
		return "transfer";
	return t.job.reply_len ? reply_text(t.reply, t.job.reply_len) : "";
}

static enum tsig_error error_of_reply(void)
{
	struct tsig tsig;
	size_t at = tsig_find(t.reply, t.job.reply_len);
	assert_true(at && tsig_read(&tsig, t.reply, t.job.reply_len, at));
	return (enum tsig_error)tsig.error;
}

#define HERE "198.51.100.7"
#define ELSEWHERE "203.0.113.9"

static void test_allowed(void **state)
{
	struct packet p = packet_query("example.com", RR_AXFR);
	assert_string_equal(ask_from(p, HERE, true), "transfer");
	assert_string_equal(ask_from(p, ELSEWHERE, true), "REFUSED;;;");
	assert_string_equal(ask_from(p, HERE, false), "FORMERR;;;");
	assert_string_equal(
		ask_from(sign(p, NOW), ELSEWHERE, true), "transfer");
	assert_ptr_equal(t.job.key, &t.source->keys[0]);
	assert_ptr_equal(t.job.transfer, &t.source->zones[0]);

	p = packet_query("EXAMPLE.com", RR_IXFR);
	assert_string_equal(ask_from(p, HERE, true), "transfer");
	p = packet_query("www.example.com", RR_AXFR);
	assert_string_equal(ask_from(p, HERE, true), "NOTAUTH;;;");
	p = packet_query("example.net", RR_AXFR);
	assert_string_equal(ask_from(p, HERE, true), "NOTAUTH;;;");

	/* A connection over TLS cannot be handed on. */
	ask_from(p = packet_query("example.com", RR_AXFR), HERE, true);
	struct answerer over_tls = {.snap = &t.snap, .wall_s = NOW};
	t.job.query = p.bytes;
	t.job.tls = true;
	answer_batch(&over_tls, &t.job, 1);
	assert_null(t.job.transfer);
	assert_string_equal(reply_text(t.reply, t.job.reply_len), "REFUSED;;;");

	/* What a proxy says of a peer that it has no connection with is no proof. */
	struct answerer answerer = {.snap = &t.snap, .wall_s = NOW};
	p = packet_query("example.com", RR_AXFR);
	ask_from(p, HERE, true);
	t.job.query = p.bytes;
	t.job.forgeable = true;
	answer_batch(&answerer, &t.job, 1);
	assert_null(t.job.transfer);
}

/* RFC 1995 2: the SOA, which sends whoever has another one to TCP. */
static void test_ixfr_udp(void **state)
{
	struct packet p = packet_query("example.com", RR_IXFR);
	assert_string_equal(ask_from(p, HERE, false),
		"NOERROR aa; example.com. 3600 SOA ns1.example.com. "
		"hostmaster.example.com. 7 2 3 4 60;;");
	assert_string_equal(ask_from(p, ELSEWHERE, false), "REFUSED;;;");
}

/* Of the answer to a signed question that asks for padding (RFC 8467). */
static unsigned padded_len(const char *name)
{
	struct packet p = packet_query(name, RR_SOA);
	struct answerer answerer = {.snap = &t.snap, .wall_s = NOW};
	uint16_t begin = packet_opt(&p, 1232, 0, 0);

	put_option(&p, 12, "", 0);
	packet_opt_end(&p, begin);
	p = sign(p, NOW);
	ask_from(p, HERE, true);
	assert_true(t.job.reply_len < 300);
	t.job.query = p.bytes;
	t.job.tls = true;
	answer_batch(&answerer, &t.job, 1);
	assert_true(tsig_find(t.reply, t.job.reply_len) != 0);
	return t.job.reply_len;
}

/* Any signed question is answered signed, or not at all as it was meant. */
static void test_signed_answers(void **state)
{
	static const char soa[] =
		"NOERROR aa; example.com. 3600 SOA ns1.example.com. "
		"hostmaster.example.com. 7 2 3 4 60;;";
	struct packet p = packet_query("example.com", RR_SOA), q;
	struct tsig_chain chain;
	struct tsig asked, got;

	q = sign(p, NOW);
	assert_memory_equal(ask_from(q, HERE, false), soa, strlen(soa));
	assert_true(
		tsig_read(&asked, q.bytes, q.len, tsig_find(q.bytes, q.len)));
	tsig_follow(&chain, &t.source->keys[0], &asked);
	size_t at = tsig_find(t.reply, t.job.reply_len);
	assert_true(tsig_read(&got, t.reply, t.job.reply_len, at));
	assert_int_equal(tsig_verify(&t.source->keys[0], &got, t.reply,
				 t.job.reply_len, &chain, NOW),
		TSIG_GOOD);

	assert_int_equal(padded_len("example.com"), padded_len("w.example"));
	assert_in_range(padded_len("example.com"), 468 - 64, 468);

	q = sign(p, NOW - 301);
	assert_memory_equal(ask_from(q, HERE, false), "NOTAUTH;;;", 10);
	assert_int_equal(error_of_reply(), TSIG_BADTIME);
	q = sign(p, NOW);
	q.bytes[q.len - 7] ^= 1;
	assert_memory_equal(ask_from(q, HERE, false), "NOTAUTH;;;", 10);
	assert_int_equal(error_of_reply(), TSIG_BADSIG);
	q = sign(p, NOW);
	q.bytes[p.len + 1] ^= 1; /* of the key's name */
	assert_memory_equal(ask_from(q, HERE, false), "NOTAUTH;;;", 10);
	assert_int_equal(error_of_reply(), TSIG_BADKEY);
	q.len--; /* the record is cut short */
	assert_string_equal(ask_from(q, HERE, false), "FORMERR;;;");

	/* An address that may have the zone has it by a wrong key no more. */
	q = sign(packet_query("example.com", RR_AXFR), NOW + 301);
	assert_memory_equal(ask_from(q, HERE, true), "NOTAUTH;;;", 10);
}

/* A name and a key's that hardly fit: still signed, or refused by the key's name. */
static void test_long_names(void **state)
{
	char label[64], name[256];
	memset(label, 'x', 63);
	label[63] = '\0';
	snprintf(name, sizeof name, "%s.%s.%.50s.example.com", label, label,
		label);
	struct packet p = packet_query(name, RR_A), q = sign(p, NOW);

	assert_memory_equal(ask_from(q, HERE, false), "NXDOMAIN", 8);
	assert_int_equal(error_of_reply(), TSIG_GOOD);

	struct tsig_key key;
	struct tsig_chain chain = {.key = &key};
	snprintf(name, sizeof name, "%s.%s.%s.%.50s", label, label, label,
		label);
	assert_true(tsig_key_set(
		&key, name, TSIG_HMAC_SHA512, (const uint8_t *)"x", 1));
	p.len = (uint16_t)tsig_sign(&chain, p.bytes, p.len, NOW);
	assert_memory_equal(ask_from(p, HERE, false), "NOTAUTH", 7);
	assert_int_equal(error_of_reply(), TSIG_BADKEY);
}

/* -- what is sent -- */

struct received {
	char *line[4096];
	unsigned n, messages, first_last_soa;
};

/* Reads one message; whether it stands on its own. */
static void receive(struct received *r, const uint8_t *frame, size_t len)
{
	ldns_pkt *pkt = NULL;
	char line[65536];

	assert_int_equal(get16(frame), len - 2);
	assert_int_equal(
		ldns_wire2pkt(&pkt, frame + 2, len - 2), LDNS_STATUS_OK);
	assert_true(ldns_pkt_aa(pkt) && ldns_pkt_qr(pkt));
	assert_int_equal(ldns_pkt_get_rcode(pkt), LDNS_RCODE_NOERROR);
	const ldns_rr_list *list = ldns_pkt_answer(pkt);
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		rr_line(ldns_rr_list_rr(list, i), line, sizeof line);
		r->line[r->n++] = strdup(line);
	}
	r->messages++;
	ldns_pkt_free(pkt);
}

static void received_free(struct received *r)
{
	for (unsigned i = 0; i < r->n; i++)
		free(r->line[i]);
	*r = (struct received){0};
}

/* All messages for a request, verified if it is signed. */
static void transfer(
	struct received *r, struct packet p, const struct tsig_key *key)
{
	static uint8_t frame[OUT_FRAME_MAX];
	struct tsig_chain chain;
	struct tsig tsig;
	struct out out;
	size_t len;

	out_begin(&out, t.source, &t.source->zones[0], p.bytes, p.len, key);
	if (key && tsig_read(&tsig, p.bytes, p.len, out.query.tsig))
		tsig_follow(&chain, key, &tsig);
	while ((len = out_message(&out, frame, NOW))) {
		receive(r, frame, len);
		size_t at = tsig_find(frame + 2, len - 2);
		assert_int_equal(at > 0, key != NULL);
		if (!key)
			continue;
		assert_true(tsig_read(&tsig, frame + 2, len - 2, at));
		assert_int_equal(tsig_verify(key, &tsig, frame + 2, len - 2,
					 &chain, NOW),
			TSIG_GOOD);
		tsig_follow(&chain, key, &tsig);
		chain.later = true;
	}
	assert_int_equal(out.sent_records, r->n);
	assert_int_equal(out.sent_messages, r->messages);
	out_end(&out);
}

static void check_all(struct received *r)
{
	assert_non_null(strstr(r->line[0], " SOA "));
	assert_non_null(strstr(r->line[r->n - 1], " SOA "));
	qsort(r->line, r->n, sizeof *r->line, compare_lines);
	for (unsigned i = 0; i < r->n && i < EXPECTED; i++)
		assert_string_equal(r->line[i], expected[i]);
	assert_int_equal(r->n, EXPECTED);
}

static void test_records(void **state)
{
	struct received r = {0};
	struct packet p = packet_query("example.com", RR_AXFR);
	transfer(&r, p, NULL);
	check_all(&r);
	received_free(&r);
	transfer(&r, sign(p, NOW), &t.source->keys[0]);
	check_all(&r);
	received_free(&r);
}

static struct packet ixfr(uint32_t serial)
{
	struct packet p = packet_query("example.com", RR_IXFR);
	put16(p.bytes + 8, 1);
	put_u16(&p, 0xc00c);
	put_u16(&p, RR_SOA);
	put_u16(&p, CLASS_IN);
	put_u16(&p, 0);
	put_u16(&p, 0);
	put_u16(&p, 24);
	put_bytes(&p, "\300\14\300\14", 4);
	put_u16(&p, serial >> 16);
	put_u16(&p, serial & 0xffff);
	put_bytes(&p, (uint8_t[16]){0}, 16);
	return p;
}

/* Older serials, and requests that name none, get all; others the SOA. */
static void test_ixfr(void **state)
{
	static const struct {
		uint32_t serial;
		bool all;
	} rows[] = {{6, true}, {7, false}, {8, false}, {0, true},
		{0x80000006, false}, {0x80000008, true}, {0xffffffff, true}};
	struct received r = {0};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		transfer(&r, ixfr(rows[i].serial), NULL);
		assert_int_equal(r.n, rows[i].all ? EXPECTED : 1);
		assert_non_null(strstr(r.line[0], " SOA "));
		received_free(&r);
	}
	transfer(&r, packet_query("example.com", RR_IXFR), NULL);
	assert_int_equal(r.n, EXPECTED);
	received_free(&r);
}

static unsigned records_for(struct packet p)
{
	struct received r = {0};
	transfer(&r, p, NULL);
	unsigned n = r.n;
	received_free(&r);
	return n;
}

/* What does not say which serial the asker has, also cut short, gets all. */
static void test_ixfr_malformed(void **state)
{
	struct packet p, whole = ixfr(7);
	uint16_t question = packet_query("example.com", RR_IXFR).len;

	assert_int_equal(records_for(whole), 1);
	p = whole;
	p.len -= 16; /* behind the serial */
	assert_int_equal(records_for(p), 1);
	for (p.len--; p.len >= question; p.len--)
		assert_int_equal(records_for(p), EXPECTED);
	p = whole;
	put16(p.bytes + 6, 1); /* it is in another section */
	assert_int_equal(records_for(p), EXPECTED);
	p = whole;
	put16(p.bytes + 8, 0);
	assert_int_equal(records_for(p), EXPECTED);
	put16(p.bytes + 8, 256); /* the first one counts */
	assert_int_equal(records_for(p), 1);
	p = whole;
	put16(p.bytes + question + 2, RR_NS);
	assert_int_equal(records_for(p), EXPECTED);
	p = whole;
	p.bytes[question + 12] = 0x80; /* no label begins so */
	assert_int_equal(records_for(p), EXPECTED);
}

/* Equal for equal zones, in whatever order; another for any that is not. */
static void test_hash(void **state)
{
	static const struct {
		const char *text;
		bool same;
	} rows[] = {{"@ SOA n h 7 2 3 4 60\n@ NS n\nn A 192.0.2.1\nn TXT x\n",
			    true},
		{"@ SOA n h 7 2 3 4 60\nn TXT x\nn A 192.0.2.1\n@ NS n\n",
			true},
		{"@ SOA n h 7 2 3 4 61\n@ NS n\nn A 192.0.2.1\nn TXT x\n",
			false},
		{"@ SOA n h 7 2 3 4 60\n@ NS n\nn A 192.0.2.2\nn TXT x\n",
			false},
		{"@ SOA n h 7 2 3 4 60\n@ NS n\nn A 192.0.2.1\nm TXT x\n",
			false},
		{"@ SOA n h 7 2 3 4 60\n@ NS n\nn A 192.0.2.1\n", false},
		{"@ SOA n h 7 2 3 4 60\n@ NS n\nn A 192.0.2.1\nn 1 TXT x\n",
			false}};
	uint64_t first = 0;

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[200];
		snprintf(text, sizeof text, "$TTL 300\n%s", rows[i].text);
		struct zone *zone = zone_text("example.com", text);
		uint64_t hash = records_hash(t.source, zone);
		first = i ? first : hash;
		assert_int_equal(hash == first, rows[i].same);
		zone_free(zone);
	}
}

/* Zones of many messages, and records that need one for themselves. */
static void test_messages(void **state)
{
	struct buf text = {0};
	struct received r = {0};
	struct zone *small = t.zone;

	buf_printf(&text, "%s", zone_file);
	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&text, "n%u TXT \"%0100u\"\n", i, i);
	buf_printf(&text, "large TXT");
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&text, " \"%0250u\"", i);
	buf_printf(&text, "\n");
	t.zone = zone_text("example.com", text.text);
	t.source->zones[0].zone = t.zone;
	transfer(&r, sign(packet_query("example.com", RR_AXFR), NOW),
		&t.source->keys[0]);
	assert_int_equal(r.n, t.zone->records + 1);
	assert_true(r.messages > 15 && r.messages < 100);
	received_free(&r);
	zone_free(t.zone);
	t.zone = small;
	buf_fini(&text);
}

/* The last user frees it. */
static void test_users(void **state)
{
	struct transfer_source *taken = transfer_source_take(t.source);
	assert_ptr_equal(taken, t.source);
	transfer_source_release(t.source);
	assert_false(t.freed);
	transfer_source_release(taken);
	assert_true(t.freed);
}

static void test_refuse(void **state)
{
	static uint8_t frame[OUT_FRAME_MAX];
	struct packet p = sign(packet_query("example.com", RR_AXFR), NOW);
	struct out out;

	out_begin(&out, t.source, &t.source->zones[0], p.bytes, p.len,
		&t.source->keys[0]);
	size_t len = out_refuse(&out, frame, RCODE_SERVFAIL, NOW);
	assert_memory_equal(reply_text(frame + 2, len - 2), "SERVFAIL;;;", 11);
	assert_true(tsig_find(frame + 2, len - 2));
	assert_int_equal(out_message(&out, frame, NOW), 0);
	out_end(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ixfr_udp, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_signed_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_long_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ixfr, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_ixfr_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuse, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
