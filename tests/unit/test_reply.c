/* test_reply.c - the writer: sections, overflow, going back, OPT. */
#include "unit/dns.h"

#include "wire/reply.h"

static uint8_t buffer[65535];

static struct query read_query(const struct packet *p)
{
	struct query q;
	struct name qname;
	assert_true(query_read(&q, &qname, p->bytes, p->len));
	return q;
}

static void test_sections(void **state)
{
	struct packet p = packet_query("Www.example.com", RR_A);
	put16(p.bytes + 2, FLAG_RD | FLAG_CD | 0x20); /* AD is not copied */
	struct query q = read_query(&p);
	struct edns_reply edns = {
		.udp_size = 1232, .dnssec_ok = true, .nsid = "ns1"};
	struct reply r;

	reply_begin(&r, buffer, 512, edns_reply_len(&edns), &q);
	reply_rr(&r, 12, RR_A, 300, "\300\0\2\1", 4);
	r.section = REPLY_AUTHORITY;
	reply_rr(&r, 16, RR_NS, 60, "\2ns\300\20", 5);
	r.section = REPLY_ADDITIONAL;
	reply_rr(&r, 45 + 4 + 12, RR_A, 60, "\300\0\2\2", 4);
	size_t len = reply_end(&r, FLAG_AA, RCODE_NOERROR, &edns);
	assert_string_equal(reply_text(buffer, len),
		"NOERROR aa; Www.example.com. 300 A 192.0.2.1; example.com. "
		"60 NS ns.example.com.; ns.example.com. 60 A 192.0.2.2");
	assert_int_equal(
		get16(buffer + 2), FLAG_QR | FLAG_AA | FLAG_RD | FLAG_CD);

	ldns_pkt *pkt = NULL;
	assert_int_equal(ldns_wire2pkt(&pkt, buffer, len), LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt_edns_udp_size(pkt), 1232);
	assert_true(ldns_pkt_edns_do(pkt));
	assert_memory_equal(
		ldns_rdf_data(ldns_pkt_edns_data(pkt)), "\0\3\0\3ns1", 7);
	ldns_pkt_free(pkt);
}

static void test_overflow(void **state)
{
	struct packet p = packet_query("example.com", RR_TXT);
	struct query q = read_query(&p);
	uint8_t text[200] = {199};
	struct reply r;

	reply_begin(&r, buffer, 512, 11, &q);
	reply_rr(&r, 12, RR_TXT, 1, text, 200);
	reply_rr(&r, 12, RR_TXT, 1, text, 200);
	assert_false(r.full);
	struct reply_point point = reply_save(&r);
	reply_rr(&r, 12, RR_TXT, 1, text, 200);
	assert_true(r.full);
	assert_int_equal(r.len, point.len);
	reply_rr(&r, 12, RR_A, 1, "\1\2\3\4", 4); /* sticky */
	assert_int_equal(r.counts[REPLY_ANSWER], 2);
	reply_restore(&r, point);
	assert_false(r.full);

	/* Exactly full: header 12, question 17, 2 x 212, OPT 11, then 48 */
	reply_rr(&r, 12, RR_TXT, 1, text, 36);
	assert_false(r.full);
	struct edns_reply edns = {.udp_size = 512};
	assert_int_equal(reply_end(&r, 0, 0, &edns), 512);

	reply_clear(&r, &q);
	assert_int_equal(reply_end(&r, FLAG_TC, 0, NULL), 29);
	assert_string_equal(reply_text(buffer, 29), "NOERROR tc;;;");
}

/* Without a question: FORMERR, and the answer to a cookie alone. */
static void test_no_question(void **state)
{
	struct packet p = packet_header(0, 0);
	struct query q = read_query(&p);
	struct edns_reply edns = {.with_cookie = true};
	struct reply r;

	reply_begin(&r, buffer, 512, edns_reply_len(&edns), &q);
	assert_int_equal(reply_end(&r, 0, RCODE_FORMERR, &edns), 12 + 11 + 28);
	assert_string_equal(reply_text(buffer, 12 + 11 + 28), "FORMERR;;;");
	assert_int_equal(get16(buffer + 4), 0);
}

/* The ECS option goes back as it came, with a scope (RFC 7871 7.2.1). */
static void test_ecs(void **state)
{
	struct edns_ecs ecs = {.present = true,
		.family = 1,
		.source = 20,
		.addr = {4, {10, 1, 240}}};
	struct edns_reply edns = {
		.udp_size = 1232, .ecs = &ecs, .scope = 22, .rcode_high = 1};
	static const uint8_t expect[] = "\0\0\51\4\320\1\0\0\0\0\13"
					"\0\10\0\7\0\1\24\26\12\1\360";
	assert_int_equal(edns_reply_len(&edns), sizeof expect - 1);
	assert_int_equal(edns_write(&edns, buffer), sizeof expect - 1);
	assert_memory_equal(buffer, expect, sizeof expect - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_no_question),
		cmocka_unit_test(test_ecs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
