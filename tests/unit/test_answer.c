/* test_answer.c - the whole packet path, from a query's bytes to a reply's,
 * as tables that read like the RFCs. ldns reads every reply.
 */
#include "unit/dns.h"

#include "answer/answer.h"
#include "answer/asked.h"
#include "answer/cookie.h"
#include "answer/steered.h"
#include "ledger/rrl.h"
#include "snapshot/mark.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "state/map.h"
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
	"up DNAME @\n"
	"grow DNAME g.grow\n"
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
	"pre RRSIG TLSA 13 3 300 20300101000000 20200101000000 1 @ AAAA\n"
	"pre NSEC svc TLSA RRSIG NSEC\n"
	"pre TLSA 3 1 1 00\n"
	"_two._tcp SRV 1 1 5061 mail\n"
	"_two._tcp SRV 1 1 5060 mail\n"
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
	"tolive2 CNAME tolive\n"
	"dlive DNAME live\n";

static const char child[] = "$TTL 100\n"
			    "@ SOA ns1 host 7 2 3 4 50\n"
			    "@ NS ns1\n"
			    "ns1 A 192.0.2.9\n"
			    "www A 192.0.2.100\n";

static struct asked_table asked_table;

static struct fixture {
	struct zone *zones[2];
	struct zoneset *set;
	struct server_options options;
	struct snapshot snap;
	struct answerer answerer;
	struct answer_job job;
	uint8_t reply[65535];
	/* what the fake steering is to say, and was asked */
	struct steered_result steered;
	bool refuses;
	struct steered_name name;
	char stream[64];
	uint16_t qtype;
} t;

/* -- stand-ins for the layers beside answer -- */

static const struct map map;

void steered_find_all(const struct answerer *answerer, struct answer_job *first)
{
	for (struct answer_job *job = first; job; job = job->next_steered)
		assert_true(job->steered);
}

void steered_answer_at(struct answerer *answerer, const struct answer_job *job,
	const struct steered_name *name, struct reply *reply, uint16_t owner,
	struct steered_result *result)
{
	static const uint8_t a[4] = {203, 0, 113, 11};
	uint16_t qtype = job->q.qtype;
	t.name = *name;
	t.qtype = qtype;
	snprintf(t.stream, sizeof t.stream, "%.*s", name->stream_len,
		name->stream ? (const char *)name->stream : "");
	if (qtype == RR_A && !t.steered.refused) {
		reply_rr(reply, owner, RR_A, t.steered.ttl_s, a, 4);
		t.steered.records = 1;
	} else {
		t.steered.records = 0;
	}
	*result = t.steered;
}

void steered_answer(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct steered_result *result)
{
	steered_answer_at(
		answerer, job, &job->asked->steered, reply, HEADER_LEN, result);
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
	t.options = (struct server_options){.udp_max = 1232,
		.udp_nocookie = UINT16_MAX,
		.nsid = "ns1",
		.version = "dnsd"};
	t.snap = (struct snapshot){.generation = 1,
		.zones = t.set,
		.options = &t.options,
		.steer = {.map = &map}};
	t.answerer = (struct answerer){
		.snap = &t.snap, .wall_s = 1559734700, .asked = &asked_table};
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
	t.steered = (struct steered_result){
		.ttl_s = 20, .scope = 22, .refused = t.refuses};
	t.stream[0] = '\0';
	answer_batch(&t.answerer, &t.job, 1);
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
		/* of a zone that was signed elsewhere: a set, no signature */
		{"pre.example.com", RR_ANY,
			"NOERROR aa; pre.example.com. 300 TLSA 3 1 1 00;;"},
		/* addresses of a target that is there twice, once */
		{"_two._tcp.example.com", RR_SRV,
			"NOERROR aa; _two._tcp.example.com. 300 SRV 1 1 5060 "
			"mail.example.com. | _two._tcp.example.com. 300 SRV 1 "
			"1 5061 mail.example.com.;; mail.example.com. 300 A "
			"192.0.2.25"},
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
		/* in the client's case */
		{"X.d.Example.com", RR_A,
			"NOERROR aa; X.d.Example.com. 300 CNAME X.e.Example.com. | "
			"X.e.Example.com. 300 A 192.0.2.6 | "
			"d.Example.com. 300 DNAME e.example.com.;;"},
		{"y.d.example.com", RR_A,
			"NXDOMAIN aa; d.example.com. 300 DNAME e.example.com. "
			"| y.d.example.com. 300 CNAME y.e.example.com.; %;"},
		/* asked for a CNAME, the one made is the answer */
		{"y.d.example.com", RR_CNAME,
			"NOERROR aa; d.example.com. 300 DNAME e.example.com. "
			"| y.d.example.com. 300 CNAME y.e.example.com.;;"},
		/* the same DNAME again, for another name, stands there once */
		{"x.up.up.example.com", RR_TXT,
			"NXDOMAIN aa; up.example.com. 300 DNAME example.com. | "
			"x.up.example.com. 300 CNAME x.example.com. | "
			"x.up.up.example.com. 300 CNAME x.up.example.com.; "
			"%;"},
		/* one that leads below itself is followed once */
		{"x.grow.example.com", RR_A,
			"NOERROR aa; grow.example.com. 300 DNAME "
			"g.grow.example.com. | x.grow.example.com. 300 CNAME "
			"x.g.grow.example.com.;;"},
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
			"x.lwild.example.com. | x.lwild.example.com. 300 CNAME "
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
		{"tolive2.example.com", RR_A,
			"NOERROR aa; live.example.com. 20 A 203.0.113.11 | "
			"tolive.example.com. 20 CNAME live.example.com. | "
			"tolive2.example.com. 20 CNAME tolive.example.com.;;"},
		{"tolive.example.com", RR_AAAA,
			"NOERROR aa; tolive.example.com. 20 CNAME "
			"live.example.com.; " SHORT_SOA ";"},
		{"tolive.example.com", RR_MX,
			"NOERROR aa; tolive.example.com. 300 CNAME "
			"live.example.com.; %;"});
	assert_int_equal(t.name.name, 5);

	ask("line2.live.example.com", RR_A);
	assert_int_equal(t.name.line, 2);
	assert_string_equal(t.stream, "");
	ask("Cam1.live.example.com", RR_A);
	assert_int_equal(t.name.line, 1);
	assert_string_equal(t.stream, "cam1");
	ask("cam1.line2.live.example.com", RR_A);
	assert_int_equal(t.name.line, 2);
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
	assert_true(t.name.why);
}

/* -- around the records: EDNS, cookies, sizes, odd packets -- */

/* The options of the last reply's OPT, in hex without blanks; "-": no OPT. */
static const char *opt_text(void)
{
	static char out[512];
	ldns_pkt *pkt = NULL;
	assert_int_equal(
		ldns_wire2pkt(&pkt, t.reply, t.job.reply_len), LDNS_STATUS_OK);
	strcpy(out, ldns_pkt_edns(pkt) ? "" : "-");
	ldns_rdf *data = ldns_pkt_edns_data(pkt);
	for (size_t i = 0; data && i < ldns_rdf_size(data); i++)
		sprintf(out + 2 * i, "%02x", ldns_rdf_data(data)[i]);
	ldns_pkt_free(pkt);
	return out;
}

static struct packet with_option(
	const char *name, unsigned type, unsigned code, const void *b, size_t n)
{
	struct packet p = packet_query(name, type);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);
	put_option(&p, code, b, n);
	packet_opt_end(&p, begin);
	return p;
}

static void test_ecs(void **state)
{
	struct packet p =
		with_option("live.example.com", RR_A, 8, "\0\1\30\0\12\1\2", 7);
	run(&p, false);
	assert_string_equal(opt_text(),
		"0008000700011816"
		"0a0102");
	assert_int_equal(answer_client(&t.job)->bytes[0], 10);

	/* through a CNAME the scope is the decision's */
	p = with_option("tolive.example.com", RR_A, 8, "\0\1\30\0\12\1\2", 7);
	run(&p, false);
	assert_string_equal(opt_text(),
		"0008000700011816"
		"0a0102");

	/* no data has the decision's scope too */
	p = with_option("live.example.com", RR_AAAA, 8, "\0\1\30\0\12\1\2", 7);
	run(&p, false);
	assert_string_equal(opt_text(),
		"0008000700011816"
		"0a0102");

	/* IPv4 inside IPv6 is IPv4: the same scope, counted from its beginning */
	p = with_option("live.example.com", RR_A, 8,
		"\0\2\170\0\0\0\0\0\0\0\0\0\0\0\377\377\12\1\2", 19);
	run(&p, false);
	assert_string_equal(opt_text(),
		"0008001300027876"
		"00000000000000000000ffff0a0102");
	assert_int_equal(answer_client(&t.job)->family, 4);

	/* source 0: the resolver's own place, scope 0 */
	p = with_option("live.example.com", RR_A, 8, "\0\1\0\0", 4);
	run(&p, false);
	assert_string_equal(opt_text(),
		"00080004"
		"00010000");
	assert_int_equal(answer_client(&t.job)->bytes[0], 198);

	/* what is not steered has scope 0 */
	static const char *const names[] = {
		"www.example.com", "x.example.com", "alias.example.com"};
	for (int i = 0; i < 3; i++) {
		p = with_option(
			names[i], RR_A, 8, "\0\2\60\0\40\1\15\270\0\1", 10);
		run(&p, false);
		assert_string_equal(opt_text(),
			"0008000a"
			"00023000"
			"20010db80001");
	}

	/* malformed: FORMERR with OPT, without the option */
	p = with_option("www.example.com", RR_A, 8, "\0\1\30\0\12\1", 6);
	assert_string_equal(run(&p, false), "FORMERR;;;");
	assert_string_equal(opt_text(), "");
}

static void test_edns(void **state)
{
	struct packet p = packet_query("www.example.com", RR_TXT);
	packet_opt(&p, 1232, 1, EDNS_DO);
	assert_string_equal(run(&p, false), "NOERROR;;;"); /* low 4 bits */
	ldns_pkt *pkt = NULL;
	ldns_wire2pkt(&pkt, t.reply, t.job.reply_len);
	assert_int_equal(ldns_pkt_edns_extended_rcode(pkt), 1); /* BADVERS */
	assert_int_equal(ldns_pkt_edns_version(pkt), 0);
	assert_int_equal(ldns_pkt_edns_udp_size(pkt), 1232);
	assert_true(ldns_pkt_edns_do(pkt));
	ldns_pkt_free(pkt);

	/* DO is copied (RFC 3225 3): here it is not set */
	p = with_option("www.example.com", RR_A, 3, "", 0);
	run(&p, false);
	ldns_wire2pkt(&pkt, t.reply, t.job.reply_len);
	assert_false(ldns_pkt_edns_do(pkt));
	ldns_pkt_free(pkt);
	assert_string_equal(opt_text(),
		"00030003"
		"6e7331");
	/* an identity may have 128 octets */
	static char nsid[130];
	p = with_option("www.example.com", RR_A, 3, "", 0);
	memset(nsid, 'n', 128);
	t.options.nsid = nsid;
	run(&p, false);
	assert_int_equal(strlen(opt_text()), 2 * (4 + 128));
	nsid[128] = 'n';
	run(&p, false);
	assert_string_equal(opt_text(), "");
	t.options.nsid = "ns1";
	p = with_option("www.example.com", RR_A, 65001, "abc", 3);
	run(&p, false);
	assert_string_equal(opt_text(), "");
	ask("www.example.com", RR_A);
	assert_string_equal(opt_text(), "-");
}

/* From here on a network gets that many answers, at one time. */
static void limit(unsigned rate, unsigned slip)
{
	rrl_table_free(t.answerer.rrl);
	t.answerer.rrl = rrl_table_new(1);
	t.answerer.limited = 0;
	t.answerer.now_ms = 1000000;
	t.options.rrl_cost = rrl_cost(rate);
	t.options.rrl_slip = slip;
}

static void limit_nothing(void)
{
	limit(0, 1);
	rrl_table_free(t.answerer.rrl);
	t.answerer.rrl = NULL;
}

static struct packet with_opt(const char *name, unsigned type)
{
	struct packet p = packet_query(name, type);
	packet_opt(&p, 1232, 0, 0);
	return p;
}

/* The options of the reply to a query, which are an extended error: "CODE TEXT". */
static const char *ede_text(const struct packet *p, bool tcp)
{
	static char out[64];
	ldns_pkt *pkt = NULL;
	run(p, tcp);
	assert_int_equal(
		ldns_wire2pkt(&pkt, t.reply, t.job.reply_len), LDNS_STATUS_OK);
	assert_true(ldns_pkt_edns(pkt));
	const ldns_rdf *data = ldns_pkt_edns_data(pkt);
	strcpy(out, "none");
	if (data && ldns_rdf_size(data)) {
		const uint8_t *o = ldns_rdf_data(data);
		assert_int_equal(get16(o), 15);
		assert_int_equal(get16(o + 2), ldns_rdf_size(data) - 4);
		snprintf(out, sizeof out, "%u %.*s", get16(o + 4),
			get16(o + 2) - 2, (const char *)o + 6);
	}
	ldns_pkt_free(pkt);
	return out;
}

/* RFC 8914: why it is refused; to those who are trusted in words. */
static void test_ede(void **state)
{
	struct prefix trusted;
	struct packet notify = with_opt("example.com", RR_SOA);
	struct packet hesiod = with_opt("www.example.com", RR_A);
	struct packet chaos = with_opt("x.server", RR_TXT);
	struct packet version = packet_query("www.example.com", RR_A);
	packet_opt(&version, 1232, 1, 0);
	put16(notify.bytes + 2, 4 << 11);
	put16(hesiod.bytes + hesiod.len - 13, 4);
	put16(chaos.bytes + chaos.len - 13, CLASS_CH);
	struct {
		struct packet p;
		const char *plain, *in_words;
	} rows[] = {
		{with_opt("www.example.net", RR_A), "20 ",
			"20 the name is in no zone of ours"},
		{with_opt("example.net", RR_AXFR), "20 ",
			"20 the name is in no zone of ours"},
		{with_opt("example.com", RR_AXFR), "18 ",
			"18 no transfer of this zone to this asker"},
		{with_opt("example.com", RR_IXFR), "18 ",
			"18 no transfer of this zone to this asker"},
		{notify, "21 ", "21 opcode is not QUERY"},
		{hesiod, "21 ", "21 nothing of that name in this class"},
		{chaos, "21 ", "21 nothing of that name in this class"},
		/* no error, or one that says all */
		{with_opt("www.example.com", RR_A), "none", "none"},
		{with_opt("www.example.com", RR_AAAA), "none", "none"},
		{with_opt("x.example.com", RR_A), "none", "none"},
		{with_opt("live.example.com", RR_A), "none", "none"},
		{version, "none", "none"},
	};
	prefix_parse(&trusted, "198.51.100.0/24", true);
	t.options.trusted = &trusted;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		t.options.n_trusted = 0;
		assert_string_equal(ede_text(&rows[i].p, i % 2), rows[i].plain);
		t.options.n_trusted = 1;
		assert_string_equal(
			ede_text(&rows[i].p, i % 2), rows[i].in_words);
	}
	t.options.n_trusted = 0;
	/* without EDNS there is none */
	assert_string_equal(ask("www.example.net", RR_A), "REFUSED;;;");
	assert_string_equal(opt_text(), "-");
	assert_int_equal(t.job.reply_len, 33);
}

/* A name as long as one can be. */
static const char longest[] =
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/* One that is longer than the block: what there is room for is filled, if that is enough
 * for an option. */
static void test_padding_room(void **state)
{
	static const uint8_t zeros[8], ecs[20] = {0, 2, 128, 0, 32, [19] = 1};
	char nsid[129] = "";
	struct packet p = packet_query(longest, RR_A);
	uint16_t begin = packet_opt(&p, 512, 0, 0);
	put_option(&p, 3, "", 0);
	put_option(&p, 8, ecs, sizeof ecs);
	put_option(&p, 10, zeros, 8);
	put_option(&p, 12, "", 0);
	packet_opt_end(&p, begin);
	memset(nsid, 'n', 128);
	t.options.nsid = nsid;
	run(&p, true);
	unsigned bare = t.job.reply_len, next = (bare + 4 + 467) / 468 * 468;
	for (unsigned room = 512; room <= next + 1; room++) {
		unsigned full = room < next ? room : next;
		t.job.tls = true;
		t.job.query = p.bytes;
		t.job.reply_room = (uint16_t)room;
		answer_batch(&t.answerer, &t.job, 1);
		assert_int_equal(
			t.job.reply_len, room < bare + 4 ? bare : full);
	}
	assert_int_equal(next, 936);
	t.options.nsid = "ns1";
}

/* Over TLS, and where it is asked for, the length is a multiple of 468. */
static void test_padding(void **state)
{
	static const char *const names[] = {
		"www.example.com", "nothing.example.com", "www.example.net"};
	for (unsigned i = 0; i < 3; i++) {
		struct packet p = with_option(names[i], RR_A, 12, "\0\0\0", 3);
		run(&p, true);
		unsigned bare = t.job.reply_len;
		assert_string_equal(opt_text(), i < 2 ? "" : "000f00020014");
		for (unsigned room = 1232; room >= 512; room -= 180) {
			t.job.tls = true;
			t.job.query = p.bytes;
			t.job.reply_room = (uint16_t)room;
			answer_batch(&t.answerer, &t.job, 1);
			assert_int_equal(t.job.reply_len, 468);
		}
		p = with_opt(names[i], RR_A);
		run(&p, true);
		assert_int_equal(t.job.reply_len, bare);
		t.job.tls = true;
		t.job.query = p.bytes;
		answer_batch(&t.answerer, &t.job, 1);
		assert_int_equal(t.job.reply_len, bare);
	}
}

/* _why is for trusted addresses alone. */
static void test_ede_of_why(void **state)
{
	struct packet p = with_opt("_why.live.example.com", RR_TXT);
	t.refuses = true;
	assert_string_equal(ede_text(&p, false), "18 ");
	assert_string_equal(run(&p, false), "REFUSED;;;");
	t.refuses = false;
	assert_string_equal(ede_text(&p, false), "none");
}

/* The longest question with all options and the longest text is 512 octets; a reason
 * that leads over udp_nocookie is left out, and so it is with TC. */
static void test_ede_room(void **state)
{
	static const uint8_t zeros[8], ecs[20] = {0, 2, 128, 0, 32, [19] = 1};
	struct prefix trusted;
	char nsid[129] = "";
	struct packet p = packet_query(longest, RR_A);
	uint16_t begin = packet_opt(&p, 512, 0, 0);
	put_option(&p, 3, "", 0);
	put_option(&p, 8, ecs, sizeof ecs);
	put_option(&p, 10, zeros, 8);
	packet_opt_end(&p, begin);
	memset(nsid, 'n', 128);
	prefix_parse(&trusted, "198.51.100.0/24", true);
	t.options.trusted = &trusted;
	t.options.n_trusted = 1;
	t.options.nsid = nsid;
	assert_string_equal(run(&p, false), "REFUSED;;;");
	assert_in_range(t.job.reply_len, 480, 512);
	t.options.n_trusted = 0;
	assert_string_equal(run(&p, false), "REFUSED;;;");
	t.options.nsid = "ns1";

	p = with_opt("www.example.net", RR_A);
	unsigned with = 33 + 11 + 6;
	for (unsigned most = with + 1; most >= with - 6; most--) {
		t.options.udp_nocookie = (uint16_t)most;
		assert_string_equal(
			ede_text(&p, false), most < with ? "none" : "20 ");
		assert_string_equal(run(&p, false), "REFUSED;;;");
		assert_string_equal(ede_text(&p, true), "20 ");
	}
	t.options.udp_nocookie = 33;
	assert_string_equal(run(&p, false), "REFUSED tc;;;");
	assert_string_equal(opt_text(), "");
	t.options.udp_nocookie = UINT16_MAX;
	limit(1, 1);
	ede_text(&p, false);
	assert_string_equal(ede_text(&p, false), "none");
	limit_nothing();
}

/* RFC 9018 appendix A.1 and A.3: secret, client and stamps are the RFC's. */
static const uint8_t cookie_secret[16] = {0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2,
	0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf};
static const uint8_t cookie_client[8] = {
	0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57};
static const char cookie_fresh[] = "000a0018"
				   "2464c4abcf10c957"
				   "010000005cf79f11"
				   "1f8130c3eee29480";
#define COOKIE_MADE 0x5cf79f11u

/* The server has that secret at the time when the cookie is made. */
static void cookie_begin(uint8_t cookie[24])
{
	memcpy(t.options.cookie_secret, cookie_secret, 16);
	t.options.have_previous = false;
	t.answerer.wall_s = COOKIE_MADE;
	for (int i = 0; i < 24; i++)
		sscanf(cookie_fresh + 8 + 2 * i, "%2hhx", &cookie[i]);
}

/* Asks with so many octets of a cookie, and returns the text of the reply's OPT. */
static const char *ask_with_cookie(const uint8_t *cookie, unsigned len)
{
	struct packet p = with_option("www.example.com", RR_A, 10, cookie, len);
	assert_non_null(strstr(run(&p, false), "192.0.2.80"));
	return opt_text();
}

static void test_cookies(void **state)
{
	static const struct {
		int age;
		bool good, renewed;
	} rows[] = {{0, true, false}, {1799, true, false}, {1800, true, true},
		{3600, true, true}, {3601, false, true}, {-300, true, false},
		{-301, false, true}};
	const struct answer_counters *now = &t.answerer.counters;
	uint8_t cookie[24];

	cookie_begin(cookie);
	assert_string_equal(ask_with_cookie(cookie_client, 8), cookie_fresh);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct answer_counters before = *now;
		t.answerer.wall_s = COOKIE_MADE + (uint32_t)rows[i].age;
		bool renewed =
			strcmp(ask_with_cookie(cookie, 24), cookie_fresh) != 0;
		assert_int_equal(renewed, rows[i].renewed);
		assert_int_equal(
			now->cookies_ok - before.cookies_ok, rows[i].good);
		assert_int_equal(
			now->cookies_bad - before.cookies_bad, !rows[i].good);
	}
}

/* Forged, or of another length; the client's half alone is no server cookie, and not
 * bad. */
static void test_cookies_bad(void **state)
{
	uint8_t cookie[24];

	cookie_begin(cookie);
	uint64_t bad = t.answerer.counters.cookies_bad;
	for (int i = 16; i < 24; i++) {
		cookie[i] ^= 1;
		assert_string_equal(ask_with_cookie(cookie, 24), cookie_fresh);
		assert_int_equal(t.answerer.counters.cookies_bad, ++bad);
		cookie[i] ^= 1;
	}
	ask_with_cookie(cookie, 23);
	assert_int_equal(t.answerer.counters.cookies_bad, ++bad);
	ask_with_cookie(cookie_client, 8);
	assert_int_equal(t.answerer.counters.cookies_bad, bad);
}

/* What the previous secret made is good while the server has that, and is renewed. */
static void test_cookies_previous(void **state)
{
	uint8_t cookie[24];

	cookie_begin(cookie);
	memcpy(t.options.cookie_previous, cookie_secret, 16);
	memset(t.options.cookie_secret, 1, 16);
	t.options.have_previous = true;
	uint64_t ok = t.answerer.counters.cookies_ok;
	assert_string_not_equal(ask_with_cookie(cookie, 24), cookie_fresh);
	assert_int_equal(t.answerer.counters.cookies_ok, ok + 1);
	t.options.have_previous = false;
	uint64_t bad = t.answerer.counters.cookies_bad;
	ask_with_cookie(cookie, 24);
	assert_int_equal(t.answerer.counters.cookies_bad, bad + 1);
}

/* What is written is a cookie, and not more. */
static void test_cookie_length(void **state)
{
	struct edns edns = {.cookie_len = 8};
	uint8_t cookie[24], out[32];

	cookie_begin(cookie);
	memset(out, 0xaa, sizeof out);
	assert_int_equal(
		cookie_answer(&t.options, &edns, &t.job.peer, COOKIE_MADE, out),
		COOKIE_NONE);
	for (int i = 24; i < 32; i++)
		assert_int_equal(out[i], 0xaa);
}

/* A cookie without a question (RFC 7873 5.4). */
static void test_cookie_alone(void **state)
{
	uint8_t cookie[24];
	struct packet p = packet_header(0, 0);
	uint16_t begin = packet_opt(&p, 1232, 0, 0);

	cookie_begin(cookie);
	put_option(&p, 10, cookie_client, 8);
	packet_opt_end(&p, begin);
	assert_string_equal(run(&p, false), "NOERROR;;;");
	assert_int_equal(strlen(opt_text()), 2 * 28);
}

/* Steering is asked as of a proven address over TCP, and with a valid server cookie;
 * a cookie that is not ours proves nothing. */
static void test_proven(void **state)
{
	uint8_t cookie[24] = {1};
	struct packet p = packet_query("live.example.com", RR_A);
	run(&p, false);
	assert_false(t.job.steer.query.proven);
	run(&p, true);
	assert_true(t.job.steer.query.proven);
	run(&p, false);
	assert_false(t.job.steer.query.proven);
	p = with_option("live.example.com", RR_A, 10, cookie, 24);
	run(&p, false);
	assert_false(t.job.steer.query.proven);
	const char *text = opt_text() + 8; /* behind code and length */
	for (int i = 0; i < 24; i++)
		sscanf(text + 2 * i, "%2hhx", &cookie[i]);
	p = with_option("live.example.com", RR_A, 10, cookie, 24);
	run(&p, false);
	assert_true(t.job.steer.query.proven);
}

/* -- response rate limiting -- */

static void test_limit(void **state)
{
	static const char tc[] = "NOERROR tc;;;";
	struct packet p = packet_query("live.example.com", RR_A);
	const struct answer_counters *c = &t.answerer.counters;
	struct answer_counters before = *c;

	limit(3, 1);
	for (int i = 0; i < 3; i++)
		assert_non_null(strstr(run(&p, false), " A 203.0.113.11"));
	t.qtype = 0;
	for (int i = 0; i < 3; i++)
		assert_string_equal(run(&p, false), tc);
	assert_int_equal(t.qtype, 0); /* nothing is decided */
	assert_int_equal(c->rrl_truncated - before.rrl_truncated, 3);
	assert_int_equal(c->truncated - before.truncated, 3);
	assert_int_equal(c->rrl_dropped, before.rrl_dropped);
	t.answerer.now_ms += 400; /* and something passes again */
	assert_non_null(strstr(run(&p, false), "203.0.113.11"));
	assert_string_equal(run(&p, false), tc);

	/* a slip of 0 and of 3 */
	before = *c;
	limit(1, 0);
	run(&p, false);
	for (int i = 0; i < 4; i++)
		assert_string_equal(run(&p, false), "");
	assert_int_equal(c->rrl_dropped - before.rrl_dropped, 4);
	assert_int_equal(c->dropped - before.dropped, 4);
	limit(1, 3);
	run(&p, false);
	for (int i = 1; i <= 9; i++)
		assert_string_equal(run(&p, false), i % 3 ? "" : tc);

	/* errors are answers too; what has none is not */
	limit(3, 1);
	p = packet_query("www.example.net", RR_A);
	for (int i = 0; i < 3; i++)
		assert_string_equal(run(&p, false), "REFUSED;;;");
	assert_string_equal(run(&p, false), tc);
	limit(1, 1);
	p.bytes[2] |= 0x80;
	for (int i = 0; i < 3; i++)
		assert_string_equal(run(&p, false), "");
	p.bytes[2] &= 0x7f;
	assert_string_equal(run(&p, false), "REFUSED;;;");

	/* what was deferred was counted then */
	t.job.again = true;
	answer_batch(&t.answerer, &t.job, 1);
	assert_string_equal(reply_text(t.reply, t.job.reply_len), "REFUSED;;;");
	limit_nothing();
	for (int i = 0; i < 100; i++)
		assert_string_equal(run(&p, false), "REFUSED;;;");
}

/* Known clients: TCP, a good cookie, trusted addresses. They have no limit and take
 * nothing from that of their network. */
static void test_without_limit(void **state)
{
	struct prefix trusted;
	uint8_t cookie[24] = {1};
	struct packet p = packet_query("www.example.com", RR_A);
	struct packet with =
		with_option("www.example.com", RR_A, 10, cookie, 8);

	limit(1, 1);
	run(&with, false);
	memcpy(cookie, t.reply + t.job.reply_len - 24, 24);
	limit(1, 1);
	with = with_option("www.example.com", RR_A, 10, cookie, 24);
	for (int i = 0; i < 5; i++) {
		assert_null(strstr(run(&with, false), " tc"));
		assert_null(strstr(run(&p, true), " tc"));
	}
	prefix_parse(&trusted, "198.51.100.0/24", true);
	t.options.trusted = &trusted;
	t.options.n_trusted = 1;
	for (int i = 0; i < 5; i++)
		assert_null(strstr(run(&p, false), " tc"));
	t.options.n_trusted = 0;
	assert_null(strstr(run(&p, false), " tc"));
	assert_non_null(strstr(run(&p, false), " tc"));

	/* a cookie that is not good gets one with the TC, which is then */
	cookie[23] ^= 1;
	with = with_option("www.example.com", RR_A, 10, cookie, 24);
	assert_non_null(strstr(run(&with, false), " tc"));
	memcpy(cookie, t.reply + t.job.reply_len - 24, 24);
	with = with_option("www.example.com", RR_A, 10, cookie, 24);
	assert_null(strstr(run(&with, false), " tc"));
	limit_nothing();
}

/* Whatever is asked, with a TC the answer is not larger than the question. */
static void test_limited_is_not_larger(void **state)
{
	static const uint8_t zeros[40];
	struct packet p[] = {
		packet_query("www.example.com", RR_A),
		with_option("www.example.com", RR_A, 3, "", 0),
		with_option("www.example.com", RR_A, 10, zeros, 8),
		with_option("www.example.com", RR_A, 10, zeros, 16),
		with_option("www.example.com", RR_A, 10, zeros, 24),
		with_option("www.example.com", RR_A, 10, zeros, 40),
		with_option("live.example.com", RR_A, 8, "\0\1\30\0\12\1\2", 7),
		with_option("live.example.com", RR_A, 8,
			"\0\2\170\0\0\0\0\0\0\0\0\0\0\0\377\377\12\1\2", 19),
		with_option("live.example.com", RR_A, 8, "\0\1\30\0\12\1", 6),
		with_option("www.example.com", RR_A, 65001, "abc", 3),
		with_option("www.example.net", RR_AXFR, 3, "", 0),
		packet_header(0, 0),                     /* FORMERR */
		packet_query("www.example.com", RR_TXT), /* BADVERS */
	};
	enum { N = sizeof p / sizeof *p };
	packet_opt(&p[N - 1], 1232, 1, EDNS_DO);
	for (unsigned i = 0; i < N; i++) {
		limit(1, 1);
		run(&p[i], false);
		assert_null(strstr(run(&p[i], true), " tc"));
		assert_non_null(strstr(run(&p[i], false), " tc"));
		assert_in_range(t.job.reply_len, 12, p[i].len);
		assert_int_equal(get32(t.reply + 6), 0); /* no records */
	}
	limit_nothing();
}

static void test_sizes(void **state)
{
	struct packet p = packet_query("big.example.com", RR_TXT);
	uint64_t truncated = t.answerer.counters.truncated;
	assert_string_equal(run(&p, false), "NOERROR aa tc;;;");
	assert_int_equal(t.job.reply_len, 33);
	assert_int_equal(t.answerer.counters.truncated, truncated + 1);
	run(&p, true);
	assert_true(t.job.reply_len > 512);

	unsigned full = t.job.reply_len + 11u;
	static const int deltas[] = {-1, 0, 1};
	for (int i = 0; i < 3; i++) {
		p = packet_query("big.example.com", RR_TXT);
		packet_opt(&p, full + (unsigned)deltas[i], 0, 0);
		bool tc = strncmp(run(&p, false), "NOERROR aa tc", 13) == 0;
		assert_int_equal(tc, deltas[i] < 0);
	}
	/* the operator's limit; sizes below 512 count as 512 */
	p = packet_query("big.example.com", RR_TXT);
	packet_opt(&p, 4096, 0, 0);
	t.options.udp_max = 512;
	assert_string_equal(run(&p, false), "NOERROR aa tc;;;");
	t.options.udp_max = 1232;
	p = packet_query("www.example.com", RR_A);
	packet_opt(&p, 0, 0, 0);
	assert_null(strstr(run(&p, false), " tc"));

	/* what is too large for an address that is not proven, to the octet */
	p = packet_query("big.example.com", RR_TXT);
	packet_opt(&p, 1232, 0, 0);
	t.options.udp_nocookie = (uint16_t)full;
	assert_null(strstr(run(&p, false), " tc"));
	t.options.udp_nocookie = (uint16_t)(full - 1);
	assert_string_equal(run(&p, false), "NOERROR aa tc;;;");

	/* without a good server cookie the answer is held back, on UDP */
	p = with_option("big.example.com", RR_TXT, 10, "12345678", 8);
	t.options.udp_nocookie = (uint16_t)(full - 1);
	assert_string_equal(run(&p, false), "NOERROR aa tc;;;");
	uint8_t cookie[24];
	memcpy(cookie, t.reply + t.job.reply_len - 24, 24);
	assert_null(strstr(run(&p, true), " tc"));
	p = with_option("big.example.com", RR_TXT, 10, cookie, 24);
	assert_null(strstr(run(&p, false), " tc"));
	t.options.udp_nocookie = UINT16_MAX;
}

/* RFC 9471: glue in the delegated domain must fit, other addresses need not. */
static void test_glue(void **state)
{
	static char text[20000];
	size_t n = (size_t)sprintf(text,
		"$TTL 300\n@ SOA a b 1 2 3 4 5\n"
		"@ NS ns.example.net.\n");
	for (int i = 0; i < 14; i++)
		n += (size_t)sprintf(text + n,
			"in NS n%d.in\nn%d.in A "
			"192.0.2.%d\nn%d.in AAAA 2001:db8::%d\nsib NS n%d.in\n"
			"m MX 1 n%d.h\nn%d.h A 192.0.2.%d\nn%d.h AAAA "
			"2001:db8::%d\n",
			i, i, i, i, i, i, i, i, i, i, i);
	struct zone *zone = zone_text("example.org", text);
	const struct zone *const zones[] = {zone};
	struct zoneset *set = zoneset_new(zones, 1);
	t.snap.zones = set;

	assert_string_equal(ask("x.in.example.org", RR_A), "NOERROR tc;;;");
	const char *got = ask("x.sib.example.org", RR_A);
	assert_null(strstr(got, " tc"));
	assert_non_null(strstr(got, "n0.in.example.org. 300 A 192.0.2.0"));
	assert_true(t.job.reply_len <= 512);
	got = ask("m.example.org", RR_MX);
	assert_null(strstr(got, " tc"));
	assert_true(t.job.reply_len <= 512);

	t.snap.zones = t.set;
	zoneset_free(set);
	zone_free(zone);
}

static void test_odd_packets(void **state)
{
	struct packet p = packet_query("www.example.com", RR_A);
	uint64_t dropped = t.answerer.counters.dropped;
	p.bytes[2] |= 0x80;
	assert_string_equal(run(&p, false), "");
	p.len = 5;
	assert_string_equal(run(&p, false), "");
	assert_int_equal(t.answerer.counters.dropped, dropped + 2);

	p = packet_query("www.example.com", RR_A);
	p.len--;
	assert_string_equal(run(&p, false), "FORMERR;;;");
	assert_int_equal(t.job.reply_len, 12);
	p.len++;
	put_u8(&p, 0);
	assert_string_equal(run(&p, false), "FORMERR;;;");
	assert_int_equal(t.job.reply_len, 33); /* with the question */

	p = packet_query("www.example.com", RR_A);
	p.bytes[HEADER_LEN] = 0x80; /* no label begins so */
	assert_string_equal(run(&p, false), "FORMERR;;;");
	assert_int_equal(t.job.reply_len, 12);

	p = packet_query("example.com", RR_SOA);
	put16(p.bytes + 2, 4 << 11 | FLAG_AA); /* NOTIFY */
	assert_string_equal(run(&p, false), "NOTIMPL;;;");
	assert_int_equal(t.job.reply_len, 29);
	assert_int_equal(get16(t.reply + 2) & FLAG_OPCODE, 4 << 11);

	p = packet_query("www.example.com", RR_A);
	put16(p.bytes + p.len - 2, CLASS_ANY);
	assert_string_equal(run(&p, false), "REFUSED;;;");
}

static const char *chaos(const char *name)
{
	struct packet p = packet_query(name, RR_TXT);
	put16(p.bytes + p.len - 2, CLASS_CH);
	run(&p, false);
	static char out[400];
	ldns_pkt *pkt = NULL;
	ldns_wire2pkt(&pkt, t.reply, t.job.reply_len);
	if (ldns_pkt_ancount(pkt))
		rr_line(ldns_rr_list_rr(ldns_pkt_answer(pkt), 0), out,
			sizeof out);
	else
		sprintf(out, "rcode %d", ldns_pkt_get_rcode(pkt));
	ldns_pkt_free(pkt);
	return out;
}

static void test_chaos(void **state)
{
	assert_string_equal(
		chaos("version.bind"), "version.bind. 0 CH TXT \"dnsd\"");
	assert_string_equal(
		chaos("VERSION.server"), "VERSION.server. 0 CH TXT \"dnsd\"");
	assert_string_equal(chaos("id.server"), "id.server. 0 CH TXT \"ns1\"");
	assert_string_equal(
		chaos("hostname.bind"), "hostname.bind. 0 CH TXT \"ns1\"");
	assert_string_equal(chaos("authors.bind"), "rcode 5");
	t.options.version = t.options.nsid = NULL;
	assert_string_equal(chaos("version.bind"), "rcode 5");
	assert_string_equal(chaos("id.server"), "rcode 5");
	/* a string of TXT has at most 255 octets */
	static char long_text[301];
	char expect[400];
	memset(long_text, 'x', 300);
	t.options.version = long_text;
	snprintf(expect, sizeof expect, "version.bind. 0 CH TXT \"%.255s\"",
		long_text);
	assert_string_equal(chaos("version.bind"), expect);
	t.options.version = "dnsd";
	t.options.nsid = "ns1";
}

static void test_counters(void **state)
{
	struct answer_counters sum = {0};
	t.answerer.counters = sum;
	ask("www.example.com", RR_A);
	ask("nothing.example.com", RR_HTTPS);
	ask("www.example.net", 65000);
	struct packet p = packet_query("www.example.com", RR_MX);
	run(&p, true);
	/* a job that was put off before, from an IPv6 address */
	p = packet_query("www.example.net", RR_ANY);
	t.job.query = p.bytes;
	t.job.query_len = p.len;
	t.job.peer.family = 6;
	t.job.defer = true;
	assert_int_equal(answer_batch(&t.answerer, &t.job, 1), 0);
	assert_true(t.job.reply_len > 0);
	p.len = 3;
	run(&p, false);
	assert_int_equal(t.answerer.counters.dropped, 1);
	/* a job that held an answer before, and holds no query now */
	ask("www.example.com", RR_A);
	t.job.query_len = 3;
	answer_batch(&t.answerer, &t.job, 1);
	assert_int_equal(t.job.reply_len, 0);
	counters_add(&sum, &t.answerer.counters);
	counters_add(&sum, &t.answerer.counters);
	assert_int_equal(sum.queries[0][0], 12);
	assert_int_equal(sum.queries[1][0], 2);
	assert_int_equal(sum.queries[1][1], 2);
	assert_int_equal(sum.types[COUNT_ANY], 2);
	assert_int_equal(sum.types[COUNT_A], 4);
	assert_int_equal(sum.types[COUNT_HTTPS], 2);
	assert_int_equal(sum.types[COUNT_MX], 2);
	assert_int_equal(sum.types[COUNT_OTHER], 2);
	assert_int_equal(sum.rcodes[RCODE_NOERROR], 6);
	assert_int_equal(sum.rcodes[RCODE_NXDOMAIN], 2);
	assert_int_equal(sum.rcodes[RCODE_REFUSED], 4);
	assert_int_equal(sum.dropped, 4);
	assert_string_equal(count_type_text(COUNT_OTHER), "other");
}

/* More names than the table of names has places, some twice and in another case,
 * in one batch: every reply is that of a question that is asked alone. */
static void test_batch(void **state)
{
	enum { N = 4 * ASKED };
	static struct packet packets[N];
	static struct answer_job jobs[N];
	static uint8_t replies[N][512];
	static const char *const known[] = {"www.example.com",
		"WWW.example.com", "alias.example.com", "LIVE.example.com",
		"x.child.example.com", "line2.live.example.com",
		"www.example.net", "a.b.ent.example.com"};

	for (unsigned i = 0; i < N; i++) {
		char name[64];
		snprintf(name, sizeof name, "name%u.example.com", i / 2 * 7);
		packets[i] = packet_query(
			i % 3 ? known[i / 3 % 8] : name, i % 5 ? RR_A : RR_DS);
		jobs[i] = (struct answer_job){.query = packets[i].bytes,
			.query_len = packets[i].len,
			.peer = {4, {198, 51, 100, 100}},
			.reply = replies[i],
			.reply_room = sizeof replies[i]};
	}
	t.steered = (struct steered_result){.ttl_s = 20, .scope = 22};
	for (unsigned generation = 1; generation < 3; generation++) {
		t.snap.generation = generation;
		answer_batch(&t.answerer, jobs, N);
		answer_batch(
			&t.answerer, jobs, N); /* now of names that are known */
	}
	t.answerer.asked = NULL;
	for (unsigned i = 0; i < N; i++) {
		run(&packets[i], false);
		assert_int_equal(jobs[i].reply_len, t.job.reply_len);
		assert_memory_equal(
			replies[i], t.reply, (size_t)t.job.reply_len);
	}
	t.answerer.asked = &asked_table;
}

/* The root may be where a CNAME leads. */
static void test_root(void **state)
{
	struct zone *root = zone_text(".",
		"$TTL 300\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n@ TXT root\n"
		"alias CNAME .\n");
	struct zoneset *set = zoneset_new((const struct zone *const *)&root, 1);
	t.snap.zones = set;
	t.snap.generation++;
	assert_string_equal(ask("alias", RR_TXT),
		"NOERROR aa; . 300 TXT \"root\" | alias. 300 CNAME .;;");
	t.snap.zones = t.set;
	t.snap.generation++;
	zoneset_free(set);
	zone_free(root);
}

/* -- the table of names -- */

static struct asked_table names;

static struct asked *read_name(
	const struct packet *p, size_t len, struct asked *own)
{
	struct asked_of of = {&names, t.set, 1};
	return asked_read(&of, p->bytes, len, own);
}

/* Where a name is kept when it is asked for first, in a batch of its own. */
static unsigned place_of(const char *name)
{
	struct packet p = packet_query(name, RR_A);
	struct asked own;
	names.batch++;
	struct asked *asked = read_name(&p, p.len, &own);
	assert_ptr_not_equal(asked, &own);
	assert_int_equal(asked->batch, names.batch);
	return (unsigned)(asked - names.entries);
}

/* A name in any case is found where it was kept, twice in a batch too, however
 * little of the packet comes after it. */
static void test_kept_names(void **state)
{
	static const char *const cases[] = {
		"WWW.example.com", "www.EXAMPLE.COM", "www.example.coM"};
	struct packet p = packet_query("www.example.com", RR_A), q;
	struct asked own, *kept;

	memset(&names, 0, sizeof names);
	kept = &names.entries[place_of("www.example.com")];
	for (int i = 0; i < 3; i++) {
		q = packet_query(cases[i], RR_A);
		assert_ptr_equal(read_name(&q, q.len, &own), kept);
	}
	/* www.example.com has 17 octets */
	assert_ptr_equal(read_name(&p, HEADER_LEN + 17, &own), kept);
	/* the rest of the name is not in the packet */
	assert_null(read_name(&p, HEADER_LEN + 16, &own));
	assert_null(read_name(&p, HEADER_LEN + 15, &own));
	/* the shortest that is kept has 16 octets with what follows */
	p = packet_query("ab.example.c", RR_A);
	names.batch++;
	assert_ptr_not_equal(read_name(&p, HEADER_LEN + 16, &own), &own);
	p = packet_query("a.example.c", RR_A);
	names.batch++;
	assert_ptr_equal(read_name(&p, HEADER_LEN + 15, &own), &own);
	assert_int_equal(own.name.len, 13);
}

/* Names that differ early only, or late only, go to many places. */
static void test_spread_names(void **state)
{
	static const char *const forms[] = {
		"%c%c.aaaaaa.example.com", "aaaaaaaa%c%c.example.com"};
	for (int f = 0; f < 2; f++) {
		bool used[ASKED] = {false};
		unsigned n = 0;
		char name[64];
		memset(&names, 0, sizeof names);
		for (int i = 0; i < 26 * 26; i++) {
			snprintf(name, sizeof name, forms[f], 'a' + i / 26,
				'a' + i % 26);
			used[place_of(name)] = true;
		}
		for (int i = 0; i < ASKED; i++)
			n += used[i];
		assert_true(n > ASKED * 3 / 4);
	}
}

/* In one batch the first name keeps its place, as its job points there; a
 * malformed name that wanted it leaves nothing. */
static void test_taken_places(void **state)
{
	struct packet p = packet_query("www.example.com", RR_A), q;
	struct asked own, *kept;
	unsigned place;
	char name[64];

	memset(&names, 0, sizeof names);
	place = place_of("www.example.com");
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, "other%d.example.com", i);
		if (place_of(name) == place)
			break;
	}
	q = packet_query(name, RR_A);
	names.batch++;
	kept = read_name(&p, p.len, &own);
	assert_ptr_equal(kept, &names.entries[place]);
	assert_ptr_equal(read_name(&q, q.len, &own), &own);
	assert_int_equal(kept->name.len, 17);
	assert_false(own.found);

	p = packet_query("aaaaaaaaaaaaaaaaaaaaaaaa.example.com", RR_A);
	kept = &names.entries[place_of("aaaaaaaaaaaaaaaaaaaaaaaa.example.com")];
	names.batch++;
	assert_null(read_name(&p, HEADER_LEN + 20, &own));
	assert_int_equal(kept->generation, 0);
	assert_ptr_equal(kept->zone, t.zones[0]);
}

/* A name is looked for anew in another snapshot. */
static void test_snapshots(void **state)
{
	struct packet p = packet_query("www.example.com", RR_A);
	char had[512];
	snprintf(had, sizeof had, "%s", run(&p, false));
	struct zone *other = zone_text("example.com",
		"@ 60 SOA ns1 host 8 2 3 4 60\n@ 60 NS ns1\nwww 60 A 192.0.2.9\n");
	struct zoneset *set =
		zoneset_new((const struct zone *const *)&other, 1);
	t.snap.zones = set;
	t.snap.generation++;
	assert_string_equal(run(&p, false),
		"NOERROR aa; www.example.com. 60 A 192.0.2.9;;");
	t.snap.zones = t.set;
	t.snap.generation++;
	assert_string_equal(run(&p, false), had);
	zoneset_free(set);
	zone_free(other);
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
		cmocka_unit_test(test_ecs),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_kept_names),
		cmocka_unit_test(test_spread_names),
		cmocka_unit_test(test_taken_places),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_edns),
		cmocka_unit_test(test_ede),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_padding_room),
		cmocka_unit_test(test_ede_of_why),
		cmocka_unit_test(test_ede_room),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_cookies_bad),
		cmocka_unit_test(test_cookies_previous),
		cmocka_unit_test(test_cookie_length),
		cmocka_unit_test(test_cookie_alone),
		cmocka_unit_test(test_proven),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_without_limit),
		cmocka_unit_test(test_limited_is_not_larger),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_glue),
		cmocka_unit_test(test_odd_packets),
		cmocka_unit_test(test_chaos),
		cmocka_unit_test(test_counters),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
