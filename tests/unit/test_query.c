/* test_query.c - what query_read() makes of packets, good and bad. */
#include "unit/dns.h"

#include "wire/query.h"

static struct query q;
static struct name qname;

/* The rcode, -1 if the packet is to be dropped. */
static int read_packet(const struct packet *p)
{
	/* An exact copy on the heap, so that a sanitizer sees every octet
	 * read beyond the packet. */
	uint8_t *copy = malloc(p->len ? p->len : 1);
	memcpy(copy, p->bytes, p->len);
	memset(&q, 0xaa, sizeof q);
	int rcode = query_read(&q, &qname, copy, p->len) ? q.rcode : -1;
	free(copy);
	return rcode;
}

static void test_plain(void **state)
{
	struct packet p = packet_query("WWW.Example.com", RR_AAAA);
	char text[NAME_TEXT_MAX];

	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_int_equal(q.qtype, RR_AAAA);
	assert_int_equal(q.qclass, CLASS_IN);
	assert_int_equal(q.question_len, 21);
	assert_string_equal(name_text(&qname, text), "www.example.com");
	assert_false(q.edns.present);
	assert_false(q.edns.ecs.present);
	assert_int_equal(q.edns.cookie_len, 0);
}

static void test_header(void **state)
{
	struct packet p = packet_query("example.com", RR_A);

	for (p.len = 0; p.len < 12; p.len++)
		assert_int_equal(read_packet(&p), -1);
	/* No question at all, one too many, one cut short */
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	assert_int_equal(q.question_len, 0);
	for (p.len = 13; p.len < 29; p.len++)
		assert_int_equal(read_packet(&p), RCODE_FORMERR);
	p.len = 29;
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	p.bytes[2] |= 0x80; /* a response */
	assert_int_equal(read_packet(&p), -1);

	p = packet_query("example.com", RR_A);
	put16(p.bytes + 4, 2);
	put_name(&p, "example.org");
	put_u16(&p, RR_A);
	put_u16(&p, CLASS_IN);
	assert_int_equal(read_packet(&p), RCODE_FORMERR);

	for (unsigned opcode = 1; opcode < 16; opcode++) {
		p = packet_query("example.com", RR_SOA);
		put16(p.bytes + 2, opcode << 11);
		put16(p.bytes + 8, 3); /* sections of an UPDATE */
		assert_int_equal(read_packet(&p), RCODE_NOTIMP);
		assert_int_equal(q.question_len, 17);
		assert_false(q.edns.present);
		put16(p.bytes + 8, 0); /* an OPT has one (RFC 6891 6.1.1) */
		packet_opt(&p, 1232, 0, 0);
		assert_int_equal(read_packet(&p), RCODE_NOTIMP);
		assert_true(q.edns.present);
		p.len--; /* but for one that cannot be read */
		assert_int_equal(read_packet(&p), RCODE_NOTIMP);
		assert_false(q.edns.present);
	}

	/* TC, AD, CD, Z and a rcode in a query mean nothing */
	p = packet_query("example.com", RR_A);
	put16(p.bytes + 2, 0x027f);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
}

static void test_question(void **state)
{
	struct packet p = packet_header(0, 1);
	put_bytes(&p, "\3www\300\14", 6); /* a pointer in QNAME */
	put_u16(&p, RR_A);
	put_u16(&p, CLASS_IN);
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	assert_int_equal(q.question_len, 0);
}

static void test_records(void **state)
{
	struct packet p = packet_query("example.com", RR_IXFR);
	put16(p.bytes + 8, 1); /* RFC 1995: the SOA one has */
	put_u16(&p, 0xc00c);
	put_u16(&p, RR_SOA);
	put_u16(&p, CLASS_IN);
	put_u16(&p, 0);
	put_u16(&p, 0);
	put_u16(&p, 22);
	put_bytes(&p, "\0\0", 2);
	put_bytes(&p, (uint8_t[20]){0}, 20);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	p.len--;
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	p.len++;

	/* Behind OPT, where it is is noted */
	assert_int_equal(q.tsig, 0);
	packet_opt(&p, 1232, 0, 0);
	unsigned at = p.len;
	put16(p.bytes + 10, 2);
	put_name(&p, "key");
	put_u16(&p, 250);
	put_u16(&p, CLASS_ANY);
	put_u16(&p, 0);
	put_u16(&p, 0);
	put_u16(&p, 3);
	put_bytes(&p, "abc", 3);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_true(q.edns.present);
	assert_int_equal(q.tsig, at);

	put_u8(&p, 0); /* trailing garbage */
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	assert_int_equal(q.tsig, 0);
	put16(p.bytes + 2, 4 << 11); /* and with an opcode that is not served */
	assert_int_equal(read_packet(&p), RCODE_NOTIMP);
	assert_int_equal(q.tsig, 0);
	assert_false(q.edns.present);
	p.len--;
	assert_int_equal(read_packet(&p), RCODE_NOTIMP);
	assert_int_equal(q.tsig, at);

	/* RFC 8945 5.1: it is the last record */
	p = packet_query("example.com", RR_A);
	put_bytes(&p, "\0\0\372\0\377\0\0\0\0\0\0", 11);
	put16(p.bytes + 10, 1);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_true(q.tsig);
	packet_opt(&p, 1232, 0, 0);
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
}

static void test_opt(void **state)
{
	struct packet p = packet_query("example.com", RR_A);
	packet_opt(&p, 4096, 0, EDNS_DO | 0x7fff);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_true(q.edns.present && q.edns.dnssec_ok);
	assert_int_equal(q.edns.udp_size, 4096);

	packet_opt(&p, 4096, 0, 0); /* RFC 6891 6.1.1: only one */
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	assert_false(q.edns.present);

	p = packet_query("example.com", RR_A);
	packet_opt(&p, 512, 1, 0);
	assert_int_equal(read_packet(&p), RCODE_BADVERS);
	assert_true(q.edns.present);

	p = packet_query("example.com", RR_A);
	put16(p.bytes + 10, 1); /* an owner other than the root */
	put_bytes(&p, "\1x\0\0\51\4\0\0\0\0\0\0\0", 13);
	assert_int_equal(read_packet(&p), RCODE_FORMERR);

	/* An OPT outside the additional section is no OPT */
	p = packet_query("example.com", RR_A);
	packet_opt(&p, 4096, 0, 0);
	put16(p.bytes + 10, 0);
	put16(p.bytes + 8, 1);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_false(q.edns.present);
}

struct option_row {
	unsigned code;
	const char *bytes;
	size_t len;
	int rcode;
};

static void check_option(const struct option_row *row)
{
	struct packet p = packet_query("example.com", RR_A);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);
	put_option(&p, row->code, row->bytes, row->len);
	packet_opt_end(&p, begin);
	int rcode = read_packet(&p);
	if (rcode != row->rcode)
		fail_msg("option %u of %zu octets: rcode %d", row->code,
			row->len, rcode);
	if (rcode == RCODE_FORMERR)
		assert_true(q.edns.present && !q.edns.ecs.present);
}

/* RFC 7871 6 and 7.1.2 */
static void test_ecs(void **state)
{
	static const struct option_row rows[] = {
		{8, "\0\1\30\0\12\1\2", 7, RCODE_NOERROR},
		{8, "\0\1\40\0\12\1\2\3", 8, RCODE_NOERROR},
		{8, "\0\1\0\0", 4, RCODE_NOERROR},
		{8, "\0\2\0\0", 4, RCODE_NOERROR},
		{8, "\0\0\0\0", 4, RCODE_NOERROR},
		{8, "\0\2\60\0\40\1\15\270\0\1", 10, RCODE_NOERROR},
		{8, "\0\1\24\0\12\1\360", 7, RCODE_NOERROR},
		{8, "\0\1\24\0\12\1\370", 7, RCODE_FORMERR},   /* bits beyond */
		{8, "\0\1\30\0\12\1\2\3", 8, RCODE_FORMERR},   /* too long */
		{8, "\0\1\30\0\12\1", 6, RCODE_FORMERR},       /* too short */
		{8, "\0\1\30\1\12\1\2", 7, RCODE_FORMERR},     /* a scope */
		{8, "\0\1\41\0\12\1\2\3\0", 9, RCODE_FORMERR}, /* /33 */
		{8, "\0\3\10\0\12", 5, RCODE_FORMERR},         /* family 3 */
		{8, "\0\0\10\0\12", 5, RCODE_FORMERR},
		{8, "\0\1\0", 3, RCODE_FORMERR},
		{8, "", 0, RCODE_FORMERR},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_option(&rows[i]);
	check_option(&rows[0]);
	assert_true(q.edns.ecs.present);
	assert_int_equal(q.edns.ecs.source, 24);
	assert_int_equal(q.edns.ecs.addr.family, 4);
	assert_memory_equal(q.edns.ecs.addr.bytes, "\12\1\2\0", 4);
}

/* Addresses of all lengths: what is not sent is zero. */
static void test_ecs_lengths(void **state)
{
	for (unsigned family = 1; family <= 2; family++) {
		for (unsigned source = 0; source <= (family == 1 ? 32u : 128u);
			source++) {
			char option[20] = {0, (char)family, (char)source};
			unsigned n = (source + 7) / 8;
			memset(option + 4, 0xb7, n);
			if (source % 8)
				option[3 + n] &= (char)(0xff00 >> source % 8);
			check_option(&(struct option_row){
				8, option, 4 + n, RCODE_NOERROR});
			const struct edns_ecs *ecs = &q.edns.ecs;
			assert_true(ecs->present);
			assert_int_equal(ecs->family, family);
			assert_int_equal(ecs->source, source);
			assert_int_equal(ecs->addr.family, family == 1 ? 4 : 6);
			assert_memory_equal(ecs->addr.bytes, option + 4, 16);
		}
	}
}

/* IPv4-mapped: the IPv4 address; what is sent back is what came. */
static void test_ecs_mapped(void **state)
{
	for (unsigned source = 96; source <= 128; source++) {
		char option[20] = {0, 2, (char)source, 0, [14] = (char)0xff,
			(char)0xff, 10, 1, 2, 3};
		uint8_t reply[64];
		unsigned n = (source + 7) / 8;
		for (unsigned i = source; i < 128; i++)
			option[4 + i / 8] &= (char)~(0x80 >> i % 8);
		check_option(
			&(struct option_row){8, option, 4 + n, RCODE_NOERROR});
		const struct edns_ecs *ecs = &q.edns.ecs;
		assert_int_equal(ecs->source, source);
		assert_int_equal(ecs->mapped, 96);
		assert_int_equal(ecs->addr.family, 4);
		assert_memory_equal(ecs->addr.bytes, option + 16, 4);
		struct edns_reply out = {.ecs = ecs, .scope = 116};
		assert_int_equal(
			edns_write(&out, reply), EDNS_FIXED_LEN + 8 + n);
		option[3] = 116;
		assert_memory_equal(reply + EDNS_FIXED_LEN + 4, option, 4 + n);
	}
	/* Shorter: other addresses too. */
	check_option(&(struct option_row){
		8, "\0\2\130\0\0\0\0\0\0\0\0\0\0\0\377", 15, RCODE_NOERROR});
	assert_int_equal(q.edns.ecs.mapped, 0);
	assert_int_equal(q.edns.ecs.addr.family, 6);
}

/* RFC 7873 5.2.2 */
static void test_cookie(void **state)
{
	for (size_t n = 0; n <= 48; n++) {
		static const char bytes[48];
		struct option_row row = {10, bytes, n,
			n == 8 || (n >= 16 && n <= 40) ? RCODE_NOERROR
						       : RCODE_FORMERR};
		check_option(&row);
		if (!row.rcode)
			assert_int_equal(q.edns.cookie_len, n);
	}
}

static void test_options(void **state)
{
	struct packet p = packet_query("example.com", RR_A);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);
	put_option(&p, 3, "", 0);
	put_option(&p, 65001, "whatever", 8);
	put_option(&p, 10, "12345678", 8);
	put_option(&p, 10, "12345678abcdefgh", 16); /* the first counts */
	packet_opt_end(&p, begin);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_true(q.edns.nsid);
	assert_int_equal(q.edns.cookie_len, 8);

	put16(p.bytes + begin + 2, 60000); /* runs out of the OPT */
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
}

/* RFC 7873 5.4 */
static void test_cookie_only(void **state)
{
	struct packet p = packet_header(0, 0);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);
	assert_int_equal(read_packet(&p), RCODE_FORMERR);
	put_option(&p, 10, "12345678", 8);
	packet_opt_end(&p, begin);
	assert_int_equal(read_packet(&p), RCODE_NOERROR);
	assert_int_equal(q.question_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_opt),
		cmocka_unit_test(test_ecs),
		cmocka_unit_test(test_ecs_lengths),
		cmocka_unit_test(test_ecs_mapped),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_cookie_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
