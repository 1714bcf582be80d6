/* test_zonefile.c - master files: what they say, and what is wrong with them
 * by file and line.
 */
#include "unit/dns.h"

#include <unistd.h>

#define HEAD "$TTL 300\n@ SOA ns1 h 1 2 3 4 60\n@ NS ns1\nns1 A 192.0.2.1\n"

/* All sets of a node, one "TYPE/TTL/count" after the other. */
static const char *sets_at(const struct zone *zone, const char *text)
{
	static char out[1024];
	struct name name = nm(text);
	struct zone_match m = zone_match_of(zone, &name);
	char type[RR_TYPE_TEXT_MAX];
	size_t n = 0;

	if (!name_below(&name, &zone->apex) || m.found == ZONE_NONE)
		return "none";
	out[0] = '\0';
	const struct zone_rrset *set = zone_rrset_first(m.node);
	for (unsigned i = m.node->sets; i; i--, set = zone_rrset_next(set))
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%s/%u/%u",
			n ? " " : "", rr_type_text(set->type, type),
			zone_rrset_ttl(set), set->count);
	return out;
}

static void check_sets(const char *file, const char *name, const char *expect)
{
	struct zone *zone = zone_text("example.com", file);
	assert_string_equal(sets_at(zone, name), expect);
	zone_free(zone);
}

static void test_syntax(void **state)
{
	check_sets(HEAD "www A 192.0.2.2\n", "www.example.com", "A/300/1");
	check_sets(HEAD "www\tIN\t60\tA\t192.0.2.2\n", "www.example.com",
		"A/60/1");
	check_sets(HEAD "www 1h in A 192.0.2.2 ; x\n", "www.example.com",
		"A/3600/1");
	check_sets(HEAD "www CLASS1 1h30M A 192.0.2.2\r\n", "www.example.com",
		"A/5400/1");
	check_sets(HEAD "www A 192.0.2.2\n  A 192.0.2.3\n", "www.example.com",
		"A/300/2");
	check_sets(HEAD "$ORIGIN sub\nwww A 192.0.2.2\n@ TXT x\n",
		"www.sub.example.com", "A/300/1");
	check_sets(HEAD "$ORIGIN sub.example.com.\n@ TXT x\n",
		"sub.example.com", "TXT/300/1");
	check_sets(HEAD "a TXT ( \"x;(\" ; y\n ; )\n z )\nb A 192.0.2.3\n",
		"a.example.com", "TXT/300/1");
	check_sets(HEAD "a TXT \"q\\\"uote\" \\; b\n", "a.example.com",
		"TXT/300/1");
	check_sets(HEAD "a\\.b A 192.0.2.2", "a\\.b.example.com", "A/300/1");
	check_sets(HEAD "u TYPE65300 \\# 3 010203\n", "u.example.com",
		"TYPE65300/300/1");
	check_sets(HEAD "u TYPE1 \\# 4 01020304\n", "u.example.com", "A/300/1");
	check_sets(HEAD "u A \\# 4 01020304\n", "u.example.com", "A/300/1");
	check_sets(HEAD "d A 192.0.2.2\nD A 192.0.2.2\nd A 192.0.2.3\n",
		"d.example.com", "A/300/2"); /* duplicates */
	check_sets(HEAD "d 60 A 192.0.2.2\nd 50 A 192.0.2.3\n"
			"d 70 A 192.0.2.4\n",
		"d.example.com", "A/50/3");
	/* RFC 1035 5.1: the last explicit TTL */
	check_sets("@ 77 SOA ns1 h 1 2 3 4 60\n@ NS ns1.example.net.\n",
		"example.com", "SOA/77/1 NS/77/1");
	check_sets("@ SOA ns1 h 1 2 3 4 60\n@ NS ns1.example.net.\n",
		"example.com", "SOA/60/1 NS/60/1");
	check_sets("@ 2147483647 SOA ns1 h 1 2 3 4 60\n@ NS a.b.\n",
		"example.com", "SOA/2147483647/1 NS/2147483647/1");
}

/* Whether ldns's reading of a line and ours agree octet by octet. */
static void check_rdata(const char *type, const char *rdata)
{
	char text[4096], line[4200];
	ldns_rr *rr = NULL;
	snprintf(text, sizeof text, HEAD "x %s %s\n", type, rdata);
	struct zone *zone = zone_text("example.com", text);
	struct name name = nm("x.example.com");
	const struct zone_rrset *set =
		zone_rrset_first(zone_match_of(zone, &name).node);

	snprintf(line, sizeof line, "x.example.com. 300 %s %s", type, rdata);
	ldns_rdf *origin = ldns_dname_new_frm_str("example.com.");
	assert_int_equal(ldns_rr_new_frm_str(&rr, line, 0, origin, NULL),
		LDNS_STATUS_OK);
	ldns_rr_list *list = ldns_rr_list_new();
	ldns_rr_list_push_rr(list, rr);
	char expect[8192];
	list_text(list, expect, sizeof expect);

	struct packet p = packet_query("x.example.com", set->type);
	struct query q;
	struct name qname;
	static uint8_t buffer[65535];
	struct reply r;
	assert_true(query_read(&q, &qname, p.bytes, p.len));
	reply_begin(&r, buffer, sizeof buffer, 0, &q);
	zone_rrset_write(set, &r, 12, 14, TTL_MAX);
	size_t len = reply_end(&r, 0, 0, NULL);
	ldns_pkt *pkt = NULL;
	assert_int_equal(ldns_wire2pkt(&pkt, buffer, len), LDNS_STATUS_OK);
	char got[8192];
	list_text(ldns_pkt_answer(pkt), got, sizeof got);
	assert_string_equal(got, expect);
	ldns_pkt_free(pkt);
	ldns_rr_list_deep_free(list);
	ldns_rdf_deep_free(origin);
	zone_free(zone);
}

static void test_types(void **state)
{
	static const char *const rows[][2] = {
		{"A", "192.0.2.1"},
		{"AAAA", "2001:db8::1"},
		{"NS", "a.b.example.com."},
		{"CNAME", "foo"},
		{"PTR", "example.com."},
		{"HINFO", "\"a b\" c"},
		{"MINFO", "a a"},
		{"MX", "0 ."},
		{"TXT", "a \"b c\" d"},
		{"RP", "a.b. c"},
		{"AFSDB", "1 afs"},
		{"X25", "311"},
		{"ISDN", "\"1\" \"2\""},
		{"RT", "2 relay"},
		{"NSAP", "0x47000580"},
		{"LOC", "60 09 00.000 N 24 39 00.000 E 10.00m 20m 2000m 20m"},
		{"SRV", "0 5 5060 sip"},
		{"NAPTR", "100 50 \"s\" \"http\" \"\" _http._tcp"},
		{"KX", "10 kx"},
		{"CERT", "PGP 0 0 AAAA"},
		{"DNAME", "other.example.net."},
		{"APL", "1:192.0.2.0/24"},
		{"DS", "1 8 1 0000000000000000000000000000000000000000"},
		{"SSHFP", "1 1 0000000000000000000000000000000000000000"},
		{"IPSECKEY", "10 1 2 192.0.2.38 AAAA"},
		{"DNSKEY", "256 3 8 AAAA"},
		{"DHCID", "AAAA"},
		{"NSEC3PARAM", "1 0 0 -"},
		{"TLSA", "3 1 1 00000000"},
		{"SMIMEA", "3 1 1 00000000"},
		{"HIP", "2 200100107B1A74DF365639CC39F1D578 AAAA rvs"},
		{"CDS", "1 8 1 0000000000000000000000000000000000000000"},
		{"CDNSKEY", "256 3 8 AAAA"},
		{"OPENPGPKEY", "AAAA"},
		{"CSYNC", "1 3 A NS"},
		{"SPF", "\"v=spf1\""},
		{"NID", "10 0014:4fff:ff20:ee64"},
		{"L32", "10 10.1.2.0"},
		{"L64", "10 2001:0db8:1140:1000"},
		{"LP", "10 l64"},
		{"EUI48", "00-00-5e-00-53-2a"},
		{"URI", "10 1 \"http://x/\""},
		{"CAA", "0 issue \"ca\""},
		{"SVCB", "0 foo"},
		{"HTTPS", "1 . alpn=h2 port=443"},
		{"HTTPS", "1 svc ipv4hint=192.0.2.1 ipv6hint=2001:db8::1"},
		{"TYPE65280", "\\# 0"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_rdata(rows[i][0], rows[i][1]);
}

/* Every message of a file, errors then warnings. */
static void check_messages(const char *text, const char *expect)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};
	char got[65536];
	zonefile_parse(b, "z", text, strlen(text), &err);
	struct zone *zone = zone_build(b, &err);
	assert_int_equal(zone == NULL, err.count > 0);
	snprintf(got, sizeof got, "%s%s", err.text ? err.text : "",
		err.warnings ? err.warnings : "");
	assert_string_equal(got, expect);
	zone_free(zone);
	err_fini(&err);
}

static void test_errors(void **state)
{
	check_messages("", "z:1: no SOA at the apex\nz:1: no NS at the apex\n");
	check_messages(HEAD "@ SOA ns1 h 2 2 3 4 60\n",
		"z:5: example.com SOA: a second SOA\n");
	check_messages(HEAD "a SOA ns1 h 2 2 3 4 60\n",
		"z:5: a.example.com SOA: SOA below the apex\n");
	check_messages(HEAD "www CNAME a\nwww A 192.0.2.1\n",
		"z:6: www.example.com A: CNAME and other data\n");
	check_messages(HEAD "www A 192.0.2.1\nwww CNAME a\n",
		"z:5: www.example.com A: CNAME and other data\n");
	check_messages(HEAD "www CNAME a\nwww CNAME b\n",
		"z:6: www.example.com CNAME: a second CNAME\n");
	check_messages(HEAD "d DNAME a\nd DNAME b\nx.d A 192.0.2.1\n",
		"z:6: d.example.com DNAME: a second DNAME\n"
		"z:7: x.d.example.com A: data below a DNAME\n");
	check_messages(HEAD "www.example.net. A 192.0.2.1\n",
		"z:5: www.example.net A: out of zone\n");
	check_messages(HEAD "www CH A 192.0.2.1\nx HS TXT y\nx CLASS2 TXT y\n",
		"z:5: a class other than IN \"CH\"\n"
		"z:6: a class other than IN \"HS\"\n"
		"z:7: a class other than IN \"CLASS2\"\n");
	check_messages(HEAD "a 2147483648 A 192.0.2.1\nb 1y A 192.0.2.1\n"
			    "c 3600000000w A 192.0.2.1\nd -1 A 192.0.2.1\n",
		"z:5: not a TTL \"2147483648\"\n"
		"z:6: not a TTL \"1y\"\n"
		"z:7: not a TTL \"3600000000w\"\n"
		"z:8: not a type \"-1\"\n");
	check_messages(HEAD "a TXT ( x\nb A 192.0.2.1\n",
		"z:5: a parenthesis is not closed\n");
	check_messages(HEAD "a TXT x )\nb TXT \"x\n",
		"z:5: a closing parenthesis too many\n"
		"z:6: a quoted string without its end\n");
	check_messages(HEAD "a A 192.0.2.256\nb AAAA 192.0.2.1\nc MX mail\n",
		"z:5: A: Syntax error, could not parse the RR's rdata "
		"\"192.0.2.256\"\n"
		"z:6: AAAA: Syntax error, could not parse the RR's rdata "
		"\"192.0.2.1\"\n"
		"z:7: MX: not a number from 0 to 65535 \"mail\"\n");
	check_messages(HEAD "a FOO 1\nb\n$FOO x\n$TTL x\n$ORIGIN\n",
		"z:5: not a type \"FOO\"\n"
		"z:6: a record without a type\n"
		"z:7: an unknown directive \"$FOO\"\n"
		"z:8: not a TTL \"x\"\n"
		"z:9: a directive with too few or too many words "
		"\"$ORIGIN\"\n");
	check_messages(HEAD "a..b A 192.0.2.1\nc TYPE255 \\# 0\n",
		"z:5: not a name \"a..b\"\n"
		"z:6: c.example.com ANY: not a type of data\n");
	check_messages(
		" A 192.0.2.1\n" HEAD, "z:1: the first record has no owner\n");
	check_messages(
		"@ NS ns1\n" HEAD, "z:1: no TTL, neither here nor before\n");
}

/* Every numeric field of every type: what does not fit means nothing else. */
static void test_numbers(void **state)
{
	static const char *const rows[] = {"MX 70000 a", "MX -1 a", "MX +1 a",
		"MX 0x10 a", "SRV 0 0 99999 a", "SRV 65536 0 1 a",
		"SRV 0 65536 1 a", "CAA 300 issue \"ca\"", "KX 70000 a",
		"AFSDB 70000 a", "RT 70000 a", "PX 70000 a b",
		"NAPTR 70000 1 \"s\" \"\" \"\" .",
		"NAPTR 1 70000 \"s\" \"\" \"\" .", "URI 70000 1 \"x\"",
		"URI 1 70000 \"x\"", "L32 70000 10.1.2.0", "LP 70000 a",
		"NID 70000 0014:4fff:ff20:ee64",
		"L64 70000 2001:0db8:1140:1000", "DS 70000 8 1 0000",
		"DS 1 300 1 0000", "DS 1 8 300 0000", "CDS 1 300 1 0000",
		"DNSKEY 65792 3 8 AAAA", "DNSKEY 256 259 8 AAAA",
		"DNSKEY 256 3 300 AAAA", "CDNSKEY 256 3 300 AAAA",
		"TLSA 300 1 1 00", "TLSA 3 257 1 00", "TLSA 3 1 257 00",
		"SMIMEA 300 1 1 00", "SSHFP 300 1 00", "SSHFP 1 300 00",
		"CERT 70000 0 0 AAAA", "CERT 0 0 0 AAAA",
		"CERT PGP 70000 0 AAAA", "CERT PGP 0 300 AAAA",
		"CSYNC 4294967296 3 A", "CSYNC 1 65536 A",
		"CSYNC 1 3 A TYPE70000", "ZONEMD 4294967296 1 1 00",
		"NSEC3PARAM 257 0 1 -", "NSEC3PARAM 1 256 1 -",
		"NSEC3PARAM 1 0 70000 -", "IPSECKEY 300 1 2 192.0.2.38 AAAA",
		"IPSECKEY 10 1 258 192.0.2.38 AAAA",
		"IPSECKEY 10 257 2 192.0.2.38 AAAA",
		"HIP 258 200100107B1A74DF365639CC39F1D578 AAAA rvs",
		"APL 1:192.0.2.0/33", "APL 2:2001:db8::/300",
		"APL 65537:192.0.2.0/24", "WKS 192.0.2.1 300 25",
		"WKS 192.0.2.1 tcp 70000", "LOC 91 N 24 E 10m",
		"LOC 90 0 1 N 24 E 10m", "LOC 60 60 N 24 E 10m",
		"LOC 60 9 60.5 N 24 E 10m", "LOC 60 N 181 E 10m",
		"LOC 60 N 24 E 42849673m", "LOC 60 N 24 E -100001m",
		"LOC 60 N 24 E 10m 90000001m", "HTTPS 70000 .",
		"TYPE65537 \\# 4 01020304", "TYPE65300 \\# 65539 010203",
		"TYPE65300 \\# 2 010203"};
	char text[512], begin[64];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name apex = nm("example.com");
		struct zone_builder *b = zone_builder_new(&apex);
		struct err err = {0};
		snprintf(text, sizeof text, HEAD "x %s\n", rows[i]);
		if (zonefile_parse(b, "z", text, strlen(text), &err))
			fail_msg("%s was taken", rows[i]);
		snprintf(begin, sizeof begin, "z:5: ");
		if (strncmp(err_text(&err), begin, strlen(begin)) != 0)
			fail_msg("%s: %s", rows[i], err_text(&err));
		zone_builder_free(b);
		err_fini(&err);
	}
	check_messages("$TTL 300\n@ NS ns1\nns1 A 192.0.2.1\n"
		       "@ SOA ns1 h 20240101001 2 3 4 60\n",
		"z:4: SOA: not a number from 0 to 4294967295 \"20240101001\"\n"
		"z:1: no SOA at the apex\n");
	check_messages("$TTL 300\n@ NS ns1\nns1 A 192.0.2.1\n"
		       "@ SOA ns1 h 1 99999999999 3 4 60\n",
		"z:4: SOA: a time above 4294967295 s \"99999999999\"\n"
		"z:1: no SOA at the apex\n");
	check_messages(HEAD "a MX 70000 b\n",
		"z:5: MX: not a number from 0 to 65535 \"70000\"\n");
}

/* Octets of a record's RDATA as ldns prints them; both are of one zone. */
static void check_same(const char *ours, const char *other)
{
	char text[2048];
	snprintf(text, sizeof text, HEAD "x %s\nx %s\n", ours, other);
	struct zone *zone = zone_text("example.com", text);
	if (zone->records != 4) /* the second is a duplicate */
		fail_msg("%s is not %s", ours, other);
	zone_free(zone);
}

static void test_svcb(void **state)
{
	/* RFC 9460 D.2 */
	check_same("SVCB 1 foo.example.com. port=53",
		"SVCB \\# 25 0001 03666f6f076578616d706c6503636f6d00 0003 0002 0035");
	check_same("SVCB 1 foo.example.com. key667=hello",
		"SVCB \\# 28 0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f");
	check_same("SVCB 1 foo.example.com. key667=\"hello\\210qoo\"",
		"SVCB \\# 32 0001 03666f6f076578616d706c6503636f6d00 029b 0009"
		" 68656c6c6fd2716f6f");
	check_same(
		"SVCB 1 foo.example.com. ( ipv6hint=\"2001:db8::1,2001:db8::53:1\" )",
		"SVCB \\# 55 0001 03666f6f076578616d706c6503636f6d00 0006 0020"
		" 20010db8000000000000000000000001"
		" 20010db8000000000000000000530001");
	check_same(
		"SVCB 16 foo.example.org. ( alpn=h2,h3-19 mandatory=ipv4hint,alpn"
		" ipv4hint=192.0.2.1 )",
		"SVCB \\# 48 0010 03666f6f076578616d706c65036f7267 00 0000 0004"
		" 00010004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201");
	const char *escaped =
		"SVCB \\# 35 0010 03666f6f076578616d706c65036f726700"
		" 0001 000c 08 665c6f6f2c626172 02 6832";
	check_same("SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
		escaped);
	check_same("SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
		escaped);
	check_same("HTTPS 1 . ech=\"AAECAwQ=\" alpn=h2 no-default-alpn",
		"HTTPS \\# 23 0001 00 0001 0003 026832 0002 0000 0005 0005 0001020304");
	check_same("HTTPS 0 svc", "HTTPS 0 svc.example.com.");

	static const char *const rows[][2] = {
		{". alpn=h2 alpn=h3", "HTTPS: alpn twice"},
		{". port=70000", "HTTPS: not a value of port \"port=70000\""},
		{". port=53x", "HTTPS: not a value of port \"port=53x\""},
		{". port", "HTTPS: not a value of port \"port\""},
		{". mandatory=port", "HTTPS: port is mandatory and missing"},
		{". mandatory=key123 alpn=h2",
			"HTTPS: key123 is mandatory and missing"},
		{". mandatory=mandatory",
			"HTTPS: not a value of mandatory \"mandatory=mandatory\""},
		{". mandatory=alpn,alpn alpn=h2",
			"HTTPS: not a value of mandatory \"mandatory=alpn,alpn\""},
		{". alpn=", "HTTPS: not a value of alpn \"alpn=\""},
		{". alpn=h2,,h3", "HTTPS: not a value of alpn \"alpn=h2,,h3\""},
		{". alpn=\"f\\\\oo\\,bar,h2\"",
			"HTTPS: not a value of alpn \"alpn=\"f\\\\oo\\,bar,h2\"\""},
		{". no-default-alpn", "HTTPS: no-default-alpn without alpn"},
		{". no-default-alpn=x alpn=h2",
			"HTTPS: not a value of no-default-alpn \"no-default-alpn=x\""},
		{". ipv4hint=192.0.2.256",
			"HTTPS: not a value of ipv4hint \"ipv4hint=192.0.2.256\""},
		{". ipv6hint=192.0.2.1",
			"HTTPS: not a value of ipv6hint \"ipv6hint=192.0.2.1\""},
		{". ech=AAA", "HTTPS: not a value of ech \"ech=AAA\""},
		{". key65535=x", "HTTPS: not a parameter \"key65535=x\""},
		{". key65536=x", "HTTPS: not a parameter \"key65536=x\""},
		{". key01=x", "HTTPS: not a parameter \"key01=x\""},
		{". foo=x", "HTTPS: not a parameter \"foo=x\""},
		{"", "HTTPS: no priority and target"}};
	char text[512], expect[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, HEAD "x HTTPS 1 %s\n", rows[i][0]);
		snprintf(expect, sizeof expect, "z:5: %s\n", rows[i][1]);
		check_messages(text, expect);
	}
	check_messages(HEAD "x HTTPS \\# 13 0001 00 0003 0002 0035 0003 0000\n",
		"z:5: HTTPS: port twice\n");
	check_messages(HEAD "x HTTPS \\# 7 0001 00 0003 0000\n",
		"z:5: HTTPS: not a value of port\n");
}

static void test_caa(void **state)
{
	check_same("CAA 0 issue letsencrypt.org",
		"CAA 0 issue \"letsencrypt.org\"");
	check_same("CAA 128 iodef \"mailto:a@b; x\"",
		"CAA \\# 20 80 05 696f646566 6d61696c746f3a6140623b2078");
	check_same("CAA 0 issue \"\"", "CAA \\# 7 00 05 6973737565");
	check_messages(HEAD "x CAA 0 issue a b\n",
		"z:5: CAA: more than one value (without quotes?) \"b\"\n");
	check_messages(HEAD "x CAA 0 is-sue a\n",
		"z:5: CAA: not a tag of letters and digits \"is-sue\"\n");
	check_messages(
		HEAD "x CAA 0 issue\n", "z:5: CAA: not FLAGS TAG VALUE\n");
}

/* Messages that name the cause. */
static void test_causes(void **state)
{
	static char text[1024];
	check_messages("\xef\xbb\xbf" HEAD,
		"z:1: a byte order mark (BOM) before the text\n"
		"z:1: no SOA at the apex\nz:1: no NS at the apex\n");
	check_messages("\xff\xfe" HEAD,
		"z:1: UTF-16 with a byte order mark (BOM), not ASCII\n"
		"z:1: no SOA at the apex\nz:1: no NS at the apex\n");
	snprintf(text, sizeof text, HEAD "a TXT \"%0256d\"\n", 0);
	check_messages(text,
		"z:5: TXT: a string above 255 octets, to be cut into several "
		"\"\"000000000000000000000000000000000000000\"\n");
	snprintf(text, sizeof text, HEAD "a TXT \"%0254d\\065\"\n", 0);
	check_sets(text, "a.example.com", "TXT/300/1");
	check_sets(HEAD "\"www\" A 192.0.2.2\n", "www.example.com", "A/300/1");
	check_sets(HEAD "\"www.example.com.\" A 192.0.2.2\n", "www.example.com",
		"A/300/1");
	check_sets(
		HEAD "\"a b\" A 192.0.2.2\n", "a\\032b.example.com", "A/300/1");
	check_sets(HEAD "$ORIGIN \"sub\"\nx A 192.0.2.2\n", "x.sub.example.com",
		"A/300/1");
	check_messages(HEAD "a CNAME \"foo\"\n",
		"z:5: CNAME: a name in quotes \"\"foo\"\"\n");
	check_messages(HEAD "w\"w A 192.0.2.2\"\n",
		"z:5: not a name \"w\"w A 192.0.2.2\"\"\n");
}

static void test_generate(void **state)
{
	check_sets(HEAD "$GENERATE 1-10 h$ A 192.0.2.$\n", "h10.example.com",
		"A/300/1");
	check_sets(HEAD "$GENERATE 1-10 h$ A 192.0.2.$\n", "h11.example.com",
		"none");
	check_sets(HEAD "$GENERATE 0-9/3 h$ 60 IN A 192.0.2.$\n",
		"h9.example.com", "A/60/1");
	check_sets(HEAD "$GENERATE 0-9/3 h$ A 192.0.2.$\n", "h1.example.com",
		"none");
	check_sets(HEAD "$GENERATE 7-7 h${3,4,x} TXT ${-7,3}\n",
		"h000a.example.com", "TXT/300/1");
	check_sets(HEAD "$GENERATE 254-254 ${0,2,X}-${0,0,o}-$$ TXT a\n",
		"FE-376-$.example.com", "TXT/300/1");
	check_sets(HEAD "$GENERATE 4660-4660 ${0,0,n} TXT a\n",
		"4.3.2.1.example.com", "TXT/300/1");
	check_sets(HEAD "$GENERATE 1-1 ${0,5,N} TXT a\n", "1.0.0.example.com",
		"TXT/300/1");
	check_sets(HEAD "$generate 1-2 @ NS ns$.example.net.\n", "example.com",
		"SOA/300/1 NS/300/3");
	/* what stands behind it is on its own line */
	check_messages(HEAD "$GENERATE 250-260 h$ A 192.0.2.$\nx A y\n",
		"z:5: $GENERATE 256: A: Syntax error, could not parse the RR's "
		"rdata \"192.0.2.256\"\n"
		"z:6: A: Syntax error, could not parse the RR's rdata \"y\"\n");
	check_messages(
		HEAD "$GENERATE 1-2\n", "z:5: $GENERATE without a record\n");
	check_messages(HEAD
		"$GENERATE 2-1 a A 1.2.3.4\n$GENERATE 1 a A 1.2.3.4\n"
		"$GENERATE 1-2/0 a A 1.2.3.4\n"
		"$GENERATE 1-99999999999 a A 1.2.3.4\n",
		"z:5: not a range FROM-TO[/STEP] \"2-1\"\n"
		"z:6: not a range FROM-TO[/STEP] \"1\"\n"
		"z:7: not a range FROM-TO[/STEP] \"1-2/0\"\n"
		"z:8: not a range FROM-TO[/STEP] \"1-99999999999\"\n");
	check_messages(HEAD "$GENERATE 1-2 a${-5} A 1.2.3.4\n"
			    "$GENERATE 1-2 a${0,2,z} A 1.2.3.4\n"
			    "$GENERATE 1-2 a${0 A 1.2.3.4\n",
		"z:5: $GENERATE 1: $GENERATE: not OFFSET[,WIDTH[,BASE]] of a "
		"number from 0 \"${-5}\"\n"
		"z:6: $GENERATE 1: $GENERATE: not OFFSET[,WIDTH[,BASE]] of a "
		"number from 0 \"${0,2,z}\"\n"
		"z:7: $GENERATE 1: $GENERATE: not OFFSET[,WIDTH[,BASE]] of a "
		"number from 0 \"${0 A 1.2.3.4\"\n");
	/* bounded: all of a zone together */
	check_messages(HEAD "$GENERATE 0-200000 a TXT b\n"
			    "$GENERATE 0-200000 a TXT b\n",
		"z:6: $GENERATE: too many records (262144 a zone) "
		"\"0-200000\"\n");
	check_messages(HEAD "$GENERATE 0-262143 a$ TXT ${0,255} ${0,255}\n",
		"z:5: $GENERATE 128282: $GENERATE: too much text (64 MiB a "
		"zone)\n");
}

static void test_warnings(void **state)
{
	check_messages(HEAD "a 5 A 192.0.2.1\na 6 A 192.0.2.2\n",
		"z:6: a.example.com A: TTLs differ within the RRset (5 and 6):"
		" the lowest counts\n");
	check_messages(HEAD "cut NS ns.cut\ncut NS no\ncut NS ns.cut2\n"
			    "cut2 NS a.\n",
		"z:5: cut.example.com NS: name server ns.cut.example.com has "
		"no address (missing glue)\n"
		"z:6: cut.example.com NS: name server no.example.com has no "
		"address\n");
	check_messages(HEAD "cut NS ns.cut\nns.cut A 192.0.2.1\ncut MX 1 a\n"
			    "x.cut TXT y\n",
		"z:7: cut.example.com MX: hidden by a zone cut\n"
		"z:8: x.cut.example.com TXT: hidden by a zone cut\n");
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_include(void **state)
{
	char dir[] = "/tmp/dnsd-zonefile-XXXXXX", path[256], text[1024];
	struct name apex = nm("example.com");
	struct err err = {0};
	assert_non_null(mkdtemp(dir));
	write_file(dir, "main",
		HEAD "$INCLUDE one sub\nback A 192.0.2.2\n$INCLUDE \"two\"\n"
		     " A 192.0.2.3\n$INCLUDE none\n");
	write_file(dir, "one", "a A 192.0.2.4\n$ORIGIN deep\nb A 192.0.2.5\n");
	write_file(dir, "two", "c A 192.0.2.6\nbad A x\n$INCLUDE two\n");

	struct zone_builder *b = zone_builder_new(&apex);
	snprintf(path, sizeof path, "%s/main", dir);
	assert_false(zonefile_read(b, path, &err));
	const char *names[] = {"a.sub.example.com", "b.deep.sub.example.com",
		"back.example.com", "c.example.com"};
	for (int i = 0; i < 4; i++) {
		struct name n = nm(names[i]);
		assert_int_equal(zone_builder_has(b, &n), ZONE_HAS_DATA);
	}
	snprintf(text, sizeof text, "%s/two:2: A: ", dir);
	assert_non_null(strstr(err.text, text));
	snprintf(text, sizeof text, "%s/two:3: $INCLUDE too deep", dir);
	assert_non_null(strstr(err.text, text));
	snprintf(text, sizeof text,
		"%s/main:9: %s/none: No such file or directory\n", dir, dir);
	assert_non_null(strstr(err.text, text));
	assert_null(zone_build(b, &err));
	err_fini(&err);

	b = zone_builder_new(&apex);
	assert_false(zonefile_read(b, "/nonexistent/zone", &err));
	assert_string_equal(
		err_text(&err), "/nonexistent/zone: No such file or directory");
	zone_builder_free(b);
	err_fini(&err);

	const char *files[] = {"main", "one", "two"};
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* A line of nothing but plain text, longer than any record; also as the last
 * one, without an end. */
static void test_long_line(void **state)
{
	size_t head = strlen(HEAD), n = 300000;
	char *text = malloc(head + n + 32);
	assert_non_null(text);
	strcpy(text, HEAD);
	memset(text + head, 'x', n);
	strcpy(text + head + n, "\nwww A 192.0.2.2 3\n");
	for (unsigned whole = 0; whole < 2; whole++) {
		struct name apex = nm("example.com");
		struct zone_builder *b = zone_builder_new(&apex);
		struct err err = {0};
		assert_false(zonefile_parse(
			b, "z", text, whole ? strlen(text) : head + n, &err));
		assert_non_null(
			strstr(err.text, "z:5: a record too long to be one\n"));
		assert_true(!strstr(err.text, "z:6: A: ") == !whole);
		assert_null(zone_build(b, &err));
		err_fini(&err);
	}
	free(text);
}

static void write_names(const char *dir, const char *name, const char *head,
	unsigned from, unsigned to)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(head, f);
	for (; from < to; from++)
		fprintf(f, "n%u.s%u A 10.0.%u.%u\n", from, from % 7, from >> 8,
			from & 255);
	fclose(f);
}

/* Tables are made for what the length of a text lets expect, which is more
 * than there is, less, and comes in pieces. */
static void test_many(void **state)
{
	enum { FIRST = 5000, ALL = 20000 };
	char dir[] = "/tmp/dnsd-zonefile-XXXXXX", path[256], text[64];
	struct name apex = nm("example.com");
	struct err err = {0};
	assert_non_null(mkdtemp(dir));
	write_names(dir, "main", HEAD, 0, FIRST);
	write_names(dir, "more", "", FIRST - 10, ALL);
	snprintf(path, sizeof path, "%s/main", dir);
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs("$INCLUDE more\n", f);
	fclose(f);

	struct zone_builder *b = zone_builder_new(&apex);
	assert_true(zonefile_read(b, path, &err));
	struct zone *zone = zone_build(b, &err);
	assert_non_null(zone);
	assert_int_equal(zone->records, ALL + 3);
	assert_int_equal(zone->nodes, ALL + 7 + 2);
	for (unsigned i = 0; i < ALL; i++) {
		snprintf(text, sizeof text, "n%u.s%u.example.com", i, i % 7);
		assert_string_equal(sets_at(zone, text), "A/300/1");
	}
	assert_string_equal(sets_at(zone, "n20000.s1.example.com"), "none");
	zone_free(zone);
	err_fini(&err);
	unlink(path);
	snprintf(path, sizeof path, "%s/more", dir);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_svcb),
		cmocka_unit_test(test_caa),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
