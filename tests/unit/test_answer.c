/* test_answer.c - the whole packet path, from a query's bytes to a reply's,
 * as tables that read like the RFCs. ldns reads every reply.
 */
#include "unit/dns.h"

#include "answer/answer.h"
#include "answer/steered.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "wire/reply.h"
#include "zones/zoneset.h"

static const char example[] =
        "$TTL 300\n"
        "@ 3600 SOA ns1 hostmaster 1 2 3 4 60\n"
        "@ NS ns1\n"
        "@ NS ns2.example.net.\n"
        "@ MX 10 mail\n"
        "ns1 A 192.0.2.1\n"
        "ns1 AAAA 2001:db8::1\n"
        "mail A 192.0.2.25\n"
        "www A 192.0.2.80\n"
        "www A 192.0.2.81\n"
        "Mixed A 192.0.2.90\n"
        "alias CNAME www\n"
        "alias2 60 CNAME alias\n"
        "out CNAME www.example.net.\n"
        "dangling CNAME nothing\n"
        "loop1 CNAME loop2\n"
        "loop2 CNAME loop1\n"
        "self CNAME self\n"
        "apexed CNAME @\n"
        "a.b.ent A 192.0.2.3\n"
        "*.wild TXT wild\n"
        "*.wild MX 1 mail\n"
        "host.wild A 192.0.2.4\n"
        "*.cwild CNAME www\n"
        "*.lwild CNAME x.lwild\n"
        "sub.wild A 192.0.2.5\n"
        "d DNAME e\n"
        "d TXT owner\n"
        "x.e A 192.0.2.6\n"
        "dout DNAME example.net.\n"
        "dlong DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
        "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.example.\n"
        "cut NS ns.cut\n"
        "cut NS ns.cut2\n"
        "cut NS ns1\n"
        "cut DS 1 8 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\n"
        "ns.cut A 192.0.2.7\n"
        "cut2 NS ns.cut2\n"
        "ns.cut2 A 192.0.2.8\n"
        "tocut CNAME x.cut\n"
        "child NS ns1.child\n"
        "ns1.child A 192.0.2.9\n"
        "child DS 2 8 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\n"
        "_sip._tcp SRV 1 2 5060 www\n"
        "svc SVCB 1 . port=853\n"
        "svc A 192.0.2.10\n"
        "svcalias SVCB 0 www\n"
        "unknown TYPE65400 \\# 4 01020304\n"
        "big TXT \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
        " \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n"
        "live TXT beside\n"
        "tolive CNAME live\n"
        "dlive DNAME live\n";

static const char child[] = "$TTL 100\n"
                            "@ SOA ns1 host 7 2 3 4 50\n"
                            "@ NS ns1\n"
                            "ns1 A 192.0.2.9\n"
                            "www A 192.0.2.100\n";

static struct fixture {
	struct zone *zones[2];
	struct zoneset *set;
	struct options options;
	struct snapshot snap;
	struct answerer answerer;
	struct answer_job job;
	uint8_t reply[65535];
	/* what the fake steering is to say, and was asked */
	struct steered_result steered;
	struct mark mark;
	char stream[64];
	uint16_t qtype;
} t;

/* -- stand-ins for the layers beside answer -- */

__attribute__((weak)) struct geo_leaf geo_find(
        const struct geo *geo, const struct addr *addr)
{
	return (struct geo_leaf){.place = 1, .scope = 24};
}

struct steered_result steered_answer(struct answerer *answerer,
        const struct answer_job *job, struct mark mark, const uint8_t *stream,
        uint8_t stream_len, uint16_t qtype, struct reply *reply, uint16_t owner)
{
	static const uint8_t a[4] = {203, 0, 113, 11};
	t.mark = mark;
	t.qtype = qtype;
	snprintf(t.stream, sizeof t.stream, "%.*s", stream_len,
	        stream ? (const char *)stream : "");
	if (qtype == RR_A && !t.steered.refused) {
		reply_rr(reply, owner, RR_A, t.steered.ttl_s, a, 4);
		t.steered.records = 1;
	} else {
		t.steered.records = 0;
	}
	return t.steered;
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

	zonefile_parse(b, "test.zone", example, strlen(example), &err);
	struct mark live = {
	        .kind = MARK_NAME, .line = 1, .streams = true, .name = 5};
	mark(b, "live.example.com", live);
	live.line = 2;
	mark(b, "line2.live.example.com", live);
	mark(b, "_why.live.example.com",
	        (struct mark){.kind = MARK_WHY, .line = 1, .name = 5});
	mark(b, "plain.example.com",
	        (struct mark){.kind = MARK_NAME, .line = 1, .name = 6});
	t.zones[0] = zone_build(b, &err);
	if (!t.zones[0])
		fail_msg("%s", err_text(&err));
	err_fini(&err);
	t.zones[1] = zone_text("child.example.com", child);
	t.set = zoneset_new((const struct zone *const *)t.zones, 2);
	t.options = (struct options){
	        .udp_max = 1232, .nsid = "ns1", .version = "dnsd"};
	t.snap = (struct snapshot){
	        .zones = t.set, .options = &t.options, .map = (const void *)&t};
	t.answerer = (struct answerer){.snap = &t.snap, .wall_s = 1559734700};
	return 0;
}

static int teardown(void **state)
{
	zoneset_free(t.set);
	zone_free(t.zones[0]);
	zone_free(t.zones[1]);
	return 0;
}

/* Runs one packet; the reply's text, "" if dropped. */
static const char *run(const struct packet *p, bool tcp)
{
	t.job = (struct answer_job){.query = p->bytes,
	        .query_len = p->len,
	        .tcp = tcp,
	        .peer = {4, {198, 51, 100, 100}},
	        .reply = t.reply,
	        .reply_room = sizeof t.reply};
	t.steered = (struct steered_result){.ttl_s = 20, .scope = 22};
	t.stream[0] = '\0';
	answer_begin(&t.answerer, &t.job);
	answer_finish(&t.answerer, &t.job);
	return t.job.reply_len ? reply_text(t.reply, t.job.reply_len) : "";
}

static const char *ask(const char *name, unsigned type)
{
	struct packet p = packet_query(name, type);
	return run(&p, false);
}

static const char soa[] = "example.com. 60 SOA ns1.example.com. "
                          "hostmaster.example.com. 1 2 3 4 60";

/* "%" in an expectation stands for the SOA of a negative answer. */
static void check(const char *name, unsigned type, const char *expect)
{
	char full[8192];
	const char *percent = strchr(expect, '%');
	if (percent)
		snprintf(full, sizeof full, "%.*s%s%s", (int)(percent - expect),
		        expect, soa, percent + 1);
	else
		snprintf(full, sizeof full, "%s", expect);
	const char *got = ask(name, type);
	if (strcmp(got, full))
		fail_msg("%s type %u\n     got: %s\nexpected: %s", name, type,
		        got, full);
}

struct row {
	const char *name;
	unsigned type;
	const char *expect;
};

static void check_all(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(rows[i].name, rows[i].type, rows[i].expect);
}

#define CHECK(...)                                              \
	do {                                                    \
		static const struct row rows[] = {__VA_ARGS__}; \
		check_all(rows, sizeof rows / sizeof *rows);    \
	} while (0)

static void test_static(void **state)
{
	CHECK({"www.example.com", RR_A,
	              "NOERROR aa; www.example.com. 300 A 192.0.2.80 | "
	              "www.example.com. 300 A 192.0.2.81;;"},
	        {"WwW.eXample.com", RR_A, /* case as asked */
	                "NOERROR aa; WwW.eXample.com. 300 A 192.0.2.80 | "
	                "WwW.eXample.com. 300 A 192.0.2.81;;"},
	        {"mixed.example.com", RR_A,
	                "NOERROR aa; mixed.example.com. 300 A 192.0.2.90;;"},
	        /* RFC 2308: NODATA, NXDOMAIN */
	        {"www.example.com", RR_AAAA, "NOERROR aa;; %;"},
	        {"nothing.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"x.www.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        /* empty non-terminals (RFC 8020) */
	        {"b.ent.example.com", RR_A, "NOERROR aa;; %;"},
	        {"ent.example.com", RR_A, "NOERROR aa;; %;"},
	        {"c.ent.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"example.com", RR_MX,
	                "NOERROR aa; example.com. 300 MX 10 mail.example.com.;;"
	                " mail.example.com. 300 A 192.0.2.25"},
	        {"example.com", RR_NS,
	                "NOERROR aa; example.com. 300 NS ns1.example.com. | "
	                "example.com. 300 NS ns2.example.net.;; "
	                "ns1.example.com. 300 A 192.0.2.1 | "
	                "ns1.example.com. 300 AAAA 2001:db8::1"},
	        {"example.com", RR_SOA,
	                "NOERROR aa; example.com. 3600 SOA ns1.example.com. "
	                "hostmaster.example.com. 1 2 3 4 60;;"},
	        {"_sip._tcp.example.com", RR_SRV,
	                "NOERROR aa; _sip._tcp.example.com. 300 SRV 1 2 5060 "
	                "www.example.com.;; www.example.com. 300 A 192.0.2.80 |"
	                " www.example.com. 300 A 192.0.2.81"},
	        {"unknown.example.com", 65400,
	                "NOERROR aa; unknown.example.com. 300 TYPE65400 \\# 4 "
	                "01020304;;"},
	        {"www.example.net", RR_A, "REFUSED;;;"},
	        {"com", RR_A, "REFUSED;;;"}, {".", RR_NS, "REFUSED;;;"},
	        {"example.com", RR_AXFR, "REFUSED;;;"});
}

static void test_chains(void **state)
{
	CHECK({"alias.example.com", RR_A,
	              "NOERROR aa; alias.example.com. 300 CNAME "
	              "www.example.com. | www.example.com. 300 A 192.0.2.80 | "
	              "www.example.com. 300 A 192.0.2.81;;"},
	        {"alias.example.com", RR_CNAME,
	                "NOERROR aa; alias.example.com. 300 CNAME "
	                "www.example.com.;;"},
	        {"alias2.example.com", RR_TXT,
	                "NOERROR aa; alias.example.com. 300 CNAME "
	                "www.example.com. | alias2.example.com. 60 CNAME "
	                "alias.example.com.; %;"},
	        {"out.example.com", RR_A,
	                "NOERROR aa; out.example.com. 300 CNAME "
	                "www.example.net.;;"},
	        /* RFC 6604: the rcode is the last name's */
	        {"dangling.example.com", RR_A,
	                "NXDOMAIN aa; dangling.example.com. 300 CNAME "
	                "nothing.example.com.; %;"},
	        {"loop1.example.com", RR_A,
	                "NOERROR aa; loop1.example.com. 300 CNAME "
	                "loop2.example.com. | loop2.example.com. 300 CNAME "
	                "loop1.example.com.;;"},
	        {"self.example.com", RR_A,
	                "NOERROR aa; self.example.com. 300 CNAME "
	                "self.example.com.;;"},
	        {"apexed.example.com", RR_MX,
	                "NOERROR aa; apexed.example.com. 300 CNAME "
	                "example.com. | example.com. 300 MX 10 "
	                "mail.example.com.;; mail.example.com. 300 A "
	                "192.0.2.25"},
	        {"x.d.example.com", RR_A,
	                "NOERROR aa; d.example.com. 300 DNAME e.example.com. |"
	                " x.d.example.com. 300 CNAME x.e.example.com. | "
	                "x.e.example.com. 300 A 192.0.2.6;;"},
	        {"y.d.example.com", RR_A,
	                "NXDOMAIN aa; d.example.com. 300 DNAME e.example.com. "
	                "| y.d.example.com. 300 CNAME y.e.example.com.; %;"},
	        /* RFC 6672 2.3: the owner itself is not redirected */
	        {"d.example.com", RR_TXT,
	                "NOERROR aa; d.example.com. 300 TXT \"owner\";;"},
	        {"d.example.com", RR_A, "NOERROR aa;; %;"},
	        {"x.dout.example.com", RR_A,
	                "NOERROR aa; dout.example.com. 300 DNAME example.net. "
	                "| x.dout.example.com. 300 CNAME x.example.net.;;"},
	        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa.dlong.example.com",
	                RR_A,
	                "YXDOMAIN aa; dlong.example.com. 300 DNAME "
	                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	                "aaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	                "bbbbbbbbbbbbbbb.cccccccccccccccccccccccccccccccccccc"
	                "ccccccccccccccccccccc.example.;;"});
}

/* RFC 4592 */
static void test_wildcards(void **state)
{
	CHECK({"a.wild.example.com", RR_TXT,
	              "NOERROR aa; a.wild.example.com. 300 TXT \"wild\";;"},
	        {"a.b.wild.example.com", RR_TXT,
	                "NOERROR aa; a.b.wild.example.com. 300 TXT \"wild\";;"},
	        {"a.wild.example.com", RR_A, "NOERROR aa;; %;"},
	        {"a.wild.example.com", RR_MX,
	                "NOERROR aa; a.wild.example.com. 300 MX 1 "
	                "mail.example.com.;; mail.example.com. 300 A "
	                "192.0.2.25"},
	        {"*.wild.example.com", RR_TXT,
	                "NOERROR aa; *.wild.example.com. 300 TXT \"wild\";;"},
	        {"host.wild.example.com", RR_TXT, "NOERROR aa;; %;"},
	        {"a.host.wild.example.com", RR_TXT, "NXDOMAIN aa;; %;"},
	        {"wild.example.com", RR_TXT, "NOERROR aa;; %;"},
	        {"a.*.wild.example.com", RR_TXT, "NXDOMAIN aa;; %;"},
	        {"a.cwild.example.com", RR_A,
	                "NOERROR aa; a.cwild.example.com. 300 CNAME "
	                "www.example.com. | www.example.com. 300 A 192.0.2.80 |"
	                " www.example.com. 300 A 192.0.2.81;;"},
	        {"a.lwild.example.com", RR_A,
	                "NOERROR aa; a.lwild.example.com. 300 CNAME "
	                "x.lwild.example.com.;;"});
}

#define CUT_NS                                            \
	" cut.example.com. 300 NS ns.cut.example.com. | " \
	"cut.example.com. 300 NS ns.cut2.example.com. | " \
	"cut.example.com. 300 NS ns1.example.com.; "      \
	"ns.cut.example.com. 300 A 192.0.2.7 | "          \
	"ns.cut2.example.com. 300 A 192.0.2.8 | "         \
	"ns1.example.com. 300 A 192.0.2.1 | "             \
	"ns1.example.com. 300 AAAA 2001:db8::1"
#define DIGEST \
	"0000000000000000000000000000000000000000000000000000000000000000"

static void test_cuts(void **state)
{
	CHECK({"cut.example.com", RR_A, "NOERROR;;" CUT_NS},
	        {"cut.example.com", RR_NS, "NOERROR;;" CUT_NS},
	        {"a.b.cut.example.com", RR_A, "NOERROR;;" CUT_NS},
	        {"ns.cut.example.com", RR_A, "NOERROR;;" CUT_NS},
	        {"cut.example.com", RR_DS,
	                "NOERROR aa; cut.example.com. 300 DS 1 8 2 " DIGEST
	                ";;"},
	        {"cut2.example.com", RR_DS, "NOERROR aa;; %;"},
	        {"x.cut.example.com", RR_DS, "NOERROR;;" CUT_NS},
	        {"tocut.example.com", RR_A,
	                "NOERROR aa; tocut.example.com. 300 CNAME "
	                "x.cut.example.com.;" CUT_NS},
	        /* both sides of a cut on this server */
	        {"www.child.example.com", RR_A,
	                "NOERROR aa; www.child.example.com. 100 A "
	                "192.0.2.100;;"},
	        {"child.example.com", RR_NS,
	                "NOERROR aa; child.example.com. 100 NS "
	                "ns1.child.example.com.;; ns1.child.example.com. 100 A "
	                "192.0.2.9"},
	        {"child.example.com", RR_DS,
	                "NOERROR aa; child.example.com. 300 DS 2 8 2 " DIGEST
	                ";;"});
}

static void test_svcb(void **state)
{
	CHECK({"svc.example.com", RR_SVCB,
	              "NOERROR aa; svc.example.com. 300 SVCB 1 . port=853;; "
	              "svc.example.com. 300 A 192.0.2.10"},
	        {"svcalias.example.com", RR_SVCB,
	                "NOERROR aa; svcalias.example.com. 300 SVCB 0 "
	                "www.example.com.;; www.example.com. 300 A 192.0.2.80 |"
	                " www.example.com. 300 A 192.0.2.81"});
}

/* RFC 8482 */
static void test_any(void **state)
{
	CHECK({"www.example.com", RR_ANY,
	              "NOERROR aa; www.example.com. 300 A 192.0.2.80 | "
	              "www.example.com. 300 A 192.0.2.81;;"},
	        {"alias.example.com", RR_ANY,
	                "NOERROR aa; alias.example.com. 300 CNAME "
	                "www.example.com.;;"},
	        {"plain.example.com", RR_ANY,
	                "NOERROR aa; plain.example.com. 3600 HINFO \"RFC8482\""
	                " \"\";;"},
	        {"ent.example.com", RR_ANY, "NOERROR aa;; %;"},
	        {"stream.live.example.com", RR_ANY,
	                "NOERROR aa; stream.live.example.com. 3600 HINFO "
	                "\"RFC8482\" \"\";;"});
}

#define SHORT_SOA                                                       \
	"example.com. 20 SOA ns1.example.com. hostmaster.example.com. " \
	"1 2 3 4 60"

static void test_steered(void **state)
{
	CHECK({"live.example.com", RR_A,
	              "NOERROR aa; live.example.com. 20 A 203.0.113.11;;"},
	        {"live.example.com", RR_AAAA, "NOERROR aa;; " SHORT_SOA ";"},
	        {"live.example.com", RR_HTTPS, "NOERROR aa;; " SHORT_SOA ";"},
	        {"live.example.com", RR_TXT,
	                "NOERROR aa; live.example.com. 300 TXT \"beside\";;"},
	        {"live.example.com", RR_MX, "NOERROR aa;; %;"},
	        /* the chain may not outlive the decision */
	        {"tolive.example.com", RR_A,
	                "NOERROR aa; live.example.com. 20 A 203.0.113.11 | "
	                "tolive.example.com. 20 CNAME live.example.com.;;"},
	        {"tolive.example.com", RR_AAAA,
	                "NOERROR aa; tolive.example.com. 20 CNAME "
	                "live.example.com.; " SHORT_SOA ";"},
	        {"tolive.example.com", RR_MX,
	                "NOERROR aa; tolive.example.com. 300 CNAME "
	                "live.example.com.; %;"});
	assert_int_equal(t.mark.name, 5);

	ask("line2.live.example.com", RR_A);
	assert_int_equal(t.mark.line, 2);
	assert_string_equal(t.stream, "");
	ask("Cam1.live.example.com", RR_A);
	assert_int_equal(t.mark.line, 1);
	assert_string_equal(t.stream, "cam1");
	ask("cam1.line2.live.example.com", RR_A);
	assert_int_equal(t.mark.line, 2);
	assert_string_equal(t.stream, "cam1");
	ask("line.live.example.com", RR_A);
	assert_string_equal(t.stream, "line");
	ask("line2x.live.example.com", RR_A);
	assert_string_equal(t.stream, "line2x");
	ask("x.dlive.example.com", RR_A);
	assert_string_equal(t.stream, "x");

	CHECK({"cam1.live.example.com", RR_TXT, "NOERROR aa;; %;"},
	        {"line3.live.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"line0.live.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"line02.live.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"_x.live.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"b.a.live.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"x.plain.example.com", RR_A, "NXDOMAIN aa;; %;"},
	        {"_why.live.example.com", RR_A, "NOERROR aa;; %;"},
	        {"_why.live.example.com", RR_TXT,
	                "NOERROR aa;; " SHORT_SOA ";"});
	assert_int_equal(t.mark.kind, MARK_WHY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_static),
	        cmocka_unit_test(test_chains),
	        cmocka_unit_test(test_wildcards),
	        cmocka_unit_test(test_cuts),
	        cmocka_unit_test(test_svcb),
	        cmocka_unit_test(test_any),
	        cmocka_unit_test(test_steered),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
