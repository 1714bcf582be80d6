/* test_signed.c - answers of signed zones, as ldns judges them: of random zones, each
 * set is signed, each denial is proven; and without the signatures they are what a
 * client gets that asks for none.
 */
#include "unit/dns.h"
#include "unit/folder.h"
#include "unit/sets.h"

#include <unistd.h>

#include "answer/answer.h"
#include "answer/asked.h"
#include "answer/steered.h"
#include "base/arena.h"
#include "base/rng.h"
#include "sign/signer.h"
#include "snapshot/mark.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "state/map.h"
#include "zones/zoneset.h"

static char folder[FOLDER_MAX];
static struct asked_table asked_table;
static struct sign_ring ring; /* of tests that look at what is asked for */
static unsigned large;        /* AAAA are two of so many octets; 0: none */
static bool defers;           /* a decision is not made yet */

static struct fixture {
	struct name apex;
	struct zone *zone;
	struct zone_signing *signing;
	struct zoneset *set;
	struct signer *signer;
	struct server_options options;
	struct map_name names[1];
	struct map map;
	struct snapshot snap;
	struct answerer answerer;
	ldns_rr_list *keys;
	int64_t half_s; /* of the validity: an epoch */
	uint8_t reply[65535];
} t;

/* -- a stand-in for steering: the node is the client's last octet -- */

void steered_find_all(const struct answerer *answerer, struct answer_job *first)
{
}

void steered_answer_at(struct answerer *answerer, const struct answer_job *job,
	const struct steered_name *name, struct reply *reply, uint16_t owner,
	struct steered_result *result)
{
	uint8_t a[4] = {203, 0, 113, job->peer.bytes[3]};

	*result = (struct steered_result){.defer = defers, .ttl_s = 7};
	if (defers)
		return;
	if (job->q.qtype == RR_AAAA && large) {
		static const uint8_t octets[1400];
		reply_rr(reply, owner, RR_AAAA, 7, octets, large);
		reply_rr(reply, owner, RR_AAAA, 7, octets, large);
		result->records = 2;
	}
	if (job->q.qtype != RR_A)
		return;
	reply_rr(reply, owner, RR_A, 7, a, 4);
	a[2]++;
	reply_rr(reply, owner, RR_A, 7, a, 4);
	result->records = 2;
}

void steered_answer(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct steered_result *result)
{
	steered_answer_at(
		answerer, job, &job->asked->steered, reply, HEADER_LEN, result);
}

/* -- a zone -- */

static bool add_key_record(
	void *to, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct err err = {0};
	assert_true(
		zone_builder_add(to, &t.apex, type, 3600, rdata, len, 0, &err));
	if (type == RR_DNSKEY)
		ldns_rr_list_push_rr(
			t.keys, rr_of(&t.apex, RR_DNSKEY, 3600, rdata, len));
	return true;
}

static void mark(struct zone_builder *b, const char *prefix, struct mark m)
{
	struct err err = {0};
	char text[200];
	snprintf(text, sizeof text, "%slive.example.com", prefix);
	struct name owner = nm(text);
	assert_true(zone_builder_mark(b, &owner, mark_pack(m), NULL, &err));
}

/* Steered: live, line2.live and their streams. The signer does not know it yet. */
static void begin_unserved(const char *text, bool steered)
{
	static const sign_types types[] = {{RR_A}};
	struct err err = {0};
	/* An epoch began some minutes ago, whatever the time of day: what the one before
	 * has is still answered with. */
	int64_t now_s = time(NULL);
	t.half_s = now_s / 1000;
	struct sign_policy policy = {
		.folder = folder, .validity_s = 2 * t.half_s, .now_s = now_s};
	t.apex = nm("example.com");
	t.keys = ldns_rr_list_new();
	struct zone_builder *b = zone_builder_new(&t.apex);
	if (!zonefile_parse(b, "z", text, strlen(text), &err))
		fail_msg("%s", err_text(&err));
	t.signing = zone_signing_begin(&t.apex, &policy, &err);
	if (!t.signing)
		fail_msg("%s", err_text(&err));
	zone_builder_file(b, NULL);
	assert_true(zone_signing_records(t.signing, add_key_record, b));
	struct mark m = {.kind = MARK_NAME, .line = 1, .streams = true};
	for (unsigned line = 1; steered && line <= 2; line++) {
		mark(b, line == 1 ? "" : "line2.", m);
		m.streams = false;
		mark(b, line == 1 ? "*." : "*.line2.", m);
		m = (struct mark){
			.kind = MARK_NAME, .line = 2, .streams = true};
	}
	t.zone = zone_build(b, &err);
	if (!t.zone ||
		!zone_signing_end(t.signing, t.zone, types, 10, NULL, &err))
		fail_msg("%s", err_text(&err));
	t.zone->signing = t.signing;
	t.set = zoneset_new((const struct zone *const *)&t.zone, 1);
	t.options = (struct server_options){
		.udp_max = 1232, .udp_nocookie = UINT16_MAX};
	t.names[0] =
		(struct map_name){.name = "live.example.com", .ttl_max_s = 30};
	t.map = (struct map){.n_names = 1, .names = t.names};
	t.snap = (struct snapshot){.generation = t.snap.generation + 1,
		.zones = t.set,
		.options = &t.options,
		.steer = {.map = &t.map}};
	t.signer = signer_new(1);
	t.answerer = (struct answerer){.snap = &t.snap,
		.wall_s = (uint32_t)time(NULL),
		.asked = &asked_table,
		.sign_ring = signer_ring(t.signer, 0)};
	err_fini(&err);
}

static void begin(const char *text, bool steered)
{
	begin_unserved(text, steered);
	signer_serve(t.signer, &t.signing, 1);
}

static void end(void)
{
	signer_free(t.signer);
	zoneset_free(t.set);
	zone_free(t.zone);
	zone_signing_free(t.signing);
	ldns_rr_list_deep_free(t.keys);
}

/* -- questions -- */

/* Over TCP, so that all fits. */
static struct answer_job question(struct packet *p, const char *name,
	unsigned type, bool dnssec, uint8_t net)
{
	*p = packet_query(name, type);
	packet_opt_end(p, packet_opt(p, 1232, 0, dnssec ? 0x8000 : 0));
	return (struct answer_job){.query = p->bytes,
		.query_len = p->len,
		.tcp = true,
		.peer = {4, {192, 0, 2, net}},
		.reply = t.reply,
		.reply_room = sizeof t.reply};
}

/* The reply to one question. */
static ldns_pkt *ask(const char *name, unsigned type, bool dnssec, uint8_t net)
{
	struct packet p;
	struct answer_job job = question(&p, name, type, dnssec, net);
	ldns_pkt *out;
	/* The signer takes what time it takes. */
	while (answer_batch(&t.answerer, &job, 1))
		usleep(200);
	assert_int_equal(
		ldns_wire2pkt(&out, t.reply, job.reply_len), LDNS_STATUS_OK);
	return out;
}

static bool is_dnssec(const ldns_rr *rr)
{
	ldns_rr_type type = ldns_rr_get_type(rr);
	return type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC ||
		type == LDNS_RR_TYPE_DS;
}

/* The records of a section that a client without DO gets. */
static void plain_text(const ldns_rr_list *all, char *out, size_t room)
{
	ldns_rr_list *few = ldns_rr_list_new();
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++)
		if (!is_dnssec(ldns_rr_list_rr(all, i)))
			ldns_rr_list_push_rr(few, ldns_rr_list_rr(all, i));
	list_text(few, out, room);
	ldns_rr_list_free(few);
}

static void same_section(
	const ldns_rr_list *with, const ldns_rr_list *without, const char *what)
{
	static char a[100000], b[100000];
	plain_text(with, a, sizeof a);
	plain_text(without, b, sizeof b);
	if (strcmp(a, b))
		fail_msg("%s:\n%s\nis not\n%s", what, a, b);
}

/* -- what ldns says -- */

static bool has_type(const ldns_rr_list *all, ldns_rr_type type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(all, i)) == type)
			return true;
	return false;
}

/* Sets that nobody signs: NS of a cut, a CNAME that a DNAME made. */
static bool needs_none(const ldns_rr_list *all, const ldns_rr *rr, bool answer)
{
	ldns_rr_type type = ldns_rr_get_type(rr);
	return type == LDNS_RR_TYPE_RRSIG ||
		(!answer && type == LDNS_RR_TYPE_NS) ||
		(type == LDNS_RR_TYPE_CNAME &&
			has_type(all, LDNS_RR_TYPE_DNAME));
}

/* Whether one of the signatures was made of a wildcard's set. */
static bool expanded(const ldns_rr_list *signatures)
{
	ldns_rr *rr = ldns_rr_list_rr(signatures, 0);
	unsigned labels = ldns_rdf2native_int8(ldns_rr_rrsig_labels(rr));
	return labels < ldns_dname_label_count(ldns_rr_owner(rr)) &&
		!ldns_dname_is_wildcard(ldns_rr_owner(rr));
}

/* *wild: a set was expanded. */
static void check_section(
	const ldns_rr_list *all, bool answer, const char *what, bool *wild)
{
	char line[4096];
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		ldns_rr *rr = ldns_rr_list_rr(all, i);
		if (needs_none(all, rr, answer))
			continue;
		ldns_rr_list *set = set_of(all, rr);
		ldns_rr_list *signatures = signatures_of(all, rr);
		ldns_status said = ldns_rr_list_rr_count(signatures)
			? ldns_verify(set, signatures, t.keys, NULL)
			: LDNS_STATUS_CRYPTO_NO_RRSIG;
		rr_line(rr, line, sizeof line);
		if (said != LDNS_STATUS_OK)
			fail_msg("%s: %s: %s", what, line,
				ldns_get_errorstr_by_id(said));
		for (size_t k = 0; k < ldns_rr_list_rr_count(signatures); k++)
			assert_int_equal(
				ldns_rr_ttl(ldns_rr_list_rr(signatures, k)),
				ldns_rr_ttl(rr));
		*wild |= expanded(signatures);
		ldns_rr_list_free(set);
		ldns_rr_list_free(signatures);
	}
}

static ldns_rr_list *of_type(const ldns_rr_list *all, ldns_rr_type type)
{
	ldns_rr_list *out = ldns_rr_list_new();
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(all, i)) == type)
			ldns_rr_list_push_rr(out, ldns_rr_list_rr(all, i));
	return out;
}

/* One of the NSECs covers the name. */
static bool covered(const ldns_rr_list *nsecs, const char *name)
{
	ldns_rdf *asked = ldns_dname_new_frm_str(name);
	bool any = false;
	for (size_t i = 0; i < ldns_rr_list_rr_count(nsecs); i++)
		any |= ldns_nsec_covers_name(
			       ldns_rr_list_rr(nsecs, i), asked) &&
			ldns_dname_compare(
				ldns_rr_owner(ldns_rr_list_rr(nsecs, i)),
				asked);
	ldns_rdf_deep_free(asked);
	return any;
}

/* An NSEC that covers the name and leads to one below it says that it is an empty
 * non-terminal, which ldns does not know. */
static bool is_empty_name(const ldns_rr_list *nsecs, const char *name)
{
	ldns_rdf *asked = ldns_dname_new_frm_str(name);
	bool any = false;
	for (size_t i = 0; i < ldns_rr_list_rr_count(nsecs); i++)
		any |= ldns_dname_is_subdomain(
			ldns_rr_rdf(ldns_rr_list_rr(nsecs, i), 0), asked);
	ldns_rdf_deep_free(asked);
	return any && covered(nsecs, name);
}

/* What the answer says there is not, NSECs say too. */
static void check_denial(const ldns_pkt *reply, const char *name, unsigned type,
	const char *what)
{
	ldns_rr_list *authority = ldns_pkt_authority(reply);
	ldns_rr_list *nsecs = of_type(authority, LDNS_RR_TYPE_NSEC);
	ldns_rr_list *signatures = of_type(authority, LDNS_RR_TYPE_RRSIG);
	ldns_rr *rr = ldns_rr_new();
	ldns_rr_set_owner(rr, ldns_dname_new_frm_str(name));
	ldns_rr_set_type(rr, (ldns_rr_type)type);
	ldns_status said = ldns_dnssec_verify_denial(rr, nsecs, signatures);
	if (said != LDNS_STATUS_OK && !is_empty_name(nsecs, name))
		fail_msg("%s: %s", what, ldns_get_errorstr_by_id(said));
	ldns_rr_free(rr);
	ldns_rr_list_free(nsecs);
	ldns_rr_list_free(signatures);
}

/* Asks both ways; what ldns does not accept fails. */
static void check(const char *name, unsigned type, uint8_t net)
{
	char what[700], text[RR_TYPE_TEXT_MAX];
	bool wild = false;
	ldns_pkt *with = ask(name, type, true, net);
	ldns_pkt *without = ask(name, type, false, net);
	snprintf(what, sizeof what, "%s %s", name,
		rr_type_text((uint16_t)type, text));
	assert_int_equal(ldns_pkt_get_rcode(with), ldns_pkt_get_rcode(without));
	assert_int_equal(ldns_pkt_aa(with), ldns_pkt_aa(without));
	if (type != RR_DS)
		same_section(
			ldns_pkt_answer(with), ldns_pkt_answer(without), what);
	same_section(
		ldns_pkt_authority(with), ldns_pkt_authority(without), what);
	assert_false(has_type(ldns_pkt_authority(without), LDNS_RR_TYPE_NSEC));
	check_section(ldns_pkt_answer(with), true, what, &wild);
	check_section(ldns_pkt_authority(with), false, what, &wild);
	ldns_rr_list *nsecs =
		of_type(ldns_pkt_authority(with), LDNS_RR_TYPE_NSEC);
	bool negative = has_type(ldns_pkt_authority(with), LDNS_RR_TYPE_SOA);
	if (negative && !ldns_pkt_ancount(with))
		check_denial(with, name, type, what);
	if (wild && !ldns_rr_list_rr_count(nsecs))
		fail_msg("%s: an expansion that nothing proves", what);
	if (wild && !has_type(ldns_pkt_answer(with), LDNS_RR_TYPE_CNAME) &&
		!covered(nsecs, name))
		fail_msg("%s: an expansion of a name that may exist", what);
	ldns_rr_list_free(nsecs);
	ldns_pkt_free(with);
	ldns_pkt_free(without);
}

/* -- the tests -- */

static unsigned below(struct rng *rng, unsigned n)
{
	return (unsigned)(rng_next(rng) % n);
}

static void random_name(struct rng *rng, char *out)
{
	static const char *const labels[] = {"a", "b", "c", "*", "z", "aa"};
	unsigned n = 1 + below(rng, 3);
	*out = '\0';
	while (n--)
		strcat(strcat(out, labels[below(rng, 6)]), n ? "." : "");
}

static void random_zone(struct rng *rng, char *out)
{
	static const char *const data[] = {"A 192.0.2.1", "A 192.0.2.2",
		"TXT Hello", "MX 1 A.b", "SRV 1 2 3 B.c", "AAAA 2001:db8::1"};
	char name[100], to[100], line[500];
	strcpy(out,
		"$TTL 300\n@ SOA Ns1 h 1 2 3 4 60\n@ NS ns1\n"
		"ns1 A 192.0.2.53\n");
	unsigned n = 3 + below(rng, 12);
	while (n--) {
		random_name(rng, name);
		random_name(rng, to);
		unsigned kind = below(rng, 12);
		if (kind == 0)
			snprintf(line, sizeof line, "%s NS ns.%s\n", name, to);
		else if (kind == 1)
			snprintf(line, sizeof line,
				"%s NS ns.%s\n%s DS 1 13 2 %064d\n", name, to,
				name, 7);
		else if (kind == 2)
			snprintf(line, sizeof line, "%s CNAME %s\n", name, to);
		else if (kind == 3)
			snprintf(line, sizeof line, "%s DNAME %s\n", name, to);
		else
			snprintf(line, sizeof line, "%s %s\n", name,
				data[below(rng, 6)]);
		strcat(out, line);
	}
}

/* Whether the builder takes it: most random zones have a fault. */
static bool is_zone(const char *text)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};
	zonefile_parse(b, "z", text, strlen(text), &err);
	struct zone *zone = zone_build(b, &err);
	bool ok = zone != NULL;
	zone_free(zone);
	err_fini(&err);
	return ok;
}

static void test_random(void **state)
{
	static const unsigned types[] = {RR_A, RR_TXT, RR_MX, RR_DS, RR_NS,
		RR_SRV, RR_CNAME, RR_DNAME, RR_AAAA, RR_SOA, RR_ANY};
	const char *worlds = getenv("DNSD_WORLDS");
	unsigned left = worlds ? (unsigned)atoi(worlds) / 10 : 60;
	struct rng rng = {11};
	while (left) {
		char text[8000], name[100], full[200];
		random_zone(&rng, text);
		if (!is_zone(text))
			continue;
		left--;
		begin(text, false);
		for (unsigned i = 0; i < 60; i++) {
			random_name(&rng, name);
			snprintf(full, sizeof full, "%s.example.com.", name);
			check(full, types[below(&rng, 11)], 1);
		}
		check("example.com.", RR_DNSKEY, 1);
		check("example.com.", RR_CDS, 1);
		check("example.com.", RR_SOA, 1);
		check("example.com.", RR_AAAA, 1);
		end();
	}
}

static const char small[] = "$TTL 300\n@ SOA ns1 h 1 2 3 4 60\n@ NS ns1\n"
			    "ns1 A 192.0.2.53\nalias CNAME live\n"
			    "toline CNAME line2.live\nlive TXT beside\n";

/* Whatever set of addresses a client gets, its name is signed. */
static void test_steered(void **state)
{
	static const char *const names[] = {"live", "LINE2.live", "alias",
		"toline", "maths.live", "maths.line2.live", "a.b.live",
		"line9.live", "*.live", "live-x", "\\000.live", "\\001.live",
		"z\\255.live", "[.live", "a[.live",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.live"};
	char full[200];
	begin(small, true);
	for (uint8_t net = 1; net < 4; net++)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			snprintf(
				full, sizeof full, "%s.example.com.", names[i]);
			check(full, RR_A, net);
			check(full, RR_AAAA, net);
			check(full, RR_TXT, net);
		}
	end();
}

/* MX records with addresses, one of them made by a wildcard; a DNAME; a delegation that
 * is signed, and one that is not. */
static const char addressed[] =
	"$TTL 300\n@ SOA ns1 h 1 2 3 4 60\n@ NS ns1\nns1 A 192.0.2.53\n"
	"mx MX 1 mail\n*.mx MX 1 mail\nmail A 192.0.2.25\n"
	"mail AAAA 2001:db8::25\n"
	"d DNAME e\nx.e A 192.0.2.6\n*.w CNAME x.safe\n"
	"safe NS ns.safe\nsafe NS mail\nns.safe A 192.0.2.7\n"
	"safe DS 1 13 2 "
	"0000000000000000000000000000000000000000000000000000000000000000\n"
	"open NS ns.open\nns.open A 192.0.2.8\n";

static bool is_signed(const ldns_rr_list *all, const char *name)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(name);
	bool any = false;
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		ldns_rr *rr = ldns_rr_list_rr(all, i);
		any |= ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
			!ldns_dname_compare(ldns_rr_owner(rr), owner);
	}
	ldns_rdf_deep_free(owner);
	return any;
}

/* Addresses beside an answer are signed (RFC 4035 3.1.1), and what proves a wildcard
 * stands before them, once. */
static void test_addresses_signed(void **state)
{
	static const char *const names[] = {
		"mx.example.com.", "x.mx.example.com."};
	begin(addressed, false);
	for (unsigned i = 0; i < 2; i++) {
		bool wild = false;
		check(names[i], RR_MX, 1);
		ldns_pkt *reply = ask(names[i], RR_MX, true, 1);
		ldns_rr_list *more = ldns_pkt_additional(reply);
		assert_true(has_type(more, LDNS_RR_TYPE_A));
		assert_true(has_type(more, LDNS_RR_TYPE_AAAA));
		assert_int_equal(ldns_rr_list_rr_count(more), 4);
		check_section(more, true, names[i], &wild);
		assert_int_equal(ldns_pkt_nscount(reply), 2 * i);
		ldns_pkt_free(reply);
	}
	end();
}

/* A DNAME is signed, the CNAME made from it is not (RFC 6672 5.3.1). */
static void test_redirected(void **state)
{
	begin(addressed, false);
	ldns_pkt *reply = ask("x.d.example.com.", RR_A, true, 1);
	assert_true(has_type(ldns_pkt_answer(reply), LDNS_RR_TYPE_DNAME));
	assert_true(has_type(ldns_pkt_answer(reply), LDNS_RR_TYPE_A));
	ldns_pkt_free(reply);
	check("x.d.example.com.", RR_A, 1);
	end();
}

/* A referral carries the child's DS set, or the NSEC record that proves that it has none
 * (RFC 4035 3.1.4). Addresses of name servers are signed, but not glue, which belongs to
 * the child. */
static void test_referral(void **state)
{
	bool wild = false;
	begin(addressed, false);
	ldns_pkt *reply = ask("x.safe.example.com.", RR_A, true, 1);
	ldns_rr_list *authority = ldns_pkt_authority(reply);
	assert_true(has_type(authority, LDNS_RR_TYPE_DS));
	assert_false(has_type(authority, LDNS_RR_TYPE_NSEC));
	check_section(authority, false, "x.safe", &wild);
	ldns_rr_list *more = ldns_pkt_additional(reply);
	assert_int_equal(ldns_rr_list_rr_count(more), 5);
	assert_false(is_signed(more, "ns.safe.example.com."));
	assert_true(is_signed(more, "mail.example.com."));
	ldns_pkt_free(reply);

	reply = ask("x.open.example.com.", RR_A, true, 1);
	authority = ldns_pkt_authority(reply);
	assert_false(has_type(authority, LDNS_RR_TYPE_DS));
	check_section(authority, false, "x.open", &wild);
	check_denial(reply, "open.example.com.", RR_DS, "x.open");
	ldns_pkt_free(reply);

	/* what proves the wildcard that led there stands before the glue */
	reply = ask("a.w.example.com.", RR_A, true, 1);
	assert_true(has_type(ldns_pkt_authority(reply), LDNS_RR_TYPE_NSEC));
	more = ldns_pkt_additional(reply);
	assert_false(has_type(more, LDNS_RR_TYPE_NSEC));
	assert_int_equal(ldns_rr_list_rr_count(more), 5);
	ldns_pkt_free(reply);
	end();
}

/* The NSEC beside a stream's answer covers no other stream, so that no cache makes
 * theirs from it (RFC 8198). */
static void test_streams_apart(void **state)
{
	static const char *const streams[] = {"maths", "mathr", "matht", "math",
		"mathss", "a", "zzz", "maths2", "maths-", "line9", "a["};
	size_t n = sizeof streams / sizeof *streams;
	begin(small, true);
	for (size_t i = 0; i < n; i++) {
		char name[200];
		snprintf(name, sizeof name, "%s.live.example.com.", streams[i]);
		ldns_pkt *reply = ask(name, RR_A, true, 1);
		ldns_rr_list *nsecs =
			of_type(ldns_pkt_authority(reply), LDNS_RR_TYPE_NSEC);
		assert_int_equal(ldns_rr_list_rr_count(nsecs), 1);
		for (size_t k = 0; k < n; k++) {
			snprintf(name, sizeof name, "%s.live.example.com.",
				streams[k]);
			assert_int_equal(covered(nsecs, name), k == i);
		}
		assert_false(covered(nsecs, "live.example.com."));
		assert_false(covered(nsecs, "line2.live.example.com."));
		assert_false(covered(nsecs, "maths\\000.live.example.com."));
		ldns_rr_list_free(nsecs);
		ldns_pkt_free(reply);
	}
	end();
}

/* Nor does one say of another stream that it has no address: the name before
 * "b\\000" is "b". */
static void test_stream_before(void **state)
{
	begin(small, true);
	ldns_rdf *other = ldns_dname_new_frm_str("b.live.example.com.");
	ldns_pkt *reply = ask("b\\000.live.example.com.", RR_A, true, 1);
	ldns_rr_list *nsecs =
		of_type(ldns_pkt_authority(reply), LDNS_RR_TYPE_NSEC);
	assert_int_equal(ldns_rr_list_rr_count(nsecs), 1);
	assert_true(ldns_dname_compare(
		ldns_rr_owner(ldns_rr_list_rr(nsecs, 0)), other));
	check("b\\000.live.example.com.", RR_A, 1);
	ldns_rdf_deep_free(other);
	ldns_rr_list_free(nsecs);
	ldns_pkt_free(reply);
	end();
}

/* NSEC and RRSIG by type; ANY has a signature as well. */
static void test_by_type(void **state)
{
	begin(small, true);
	for (unsigned dnssec = 0; dnssec < 2; dnssec++) {
		ldns_pkt *reply = ask("live.example.com.", RR_NSEC, dnssec, 1);
		char text[2000];
		assert_int_equal(ldns_pkt_ancount(reply), 1 + dnssec);
		assert_int_equal(ldns_pkt_nscount(reply), 0);
		rr_line(ldns_rr_list_rr(ldns_pkt_answer(reply), 0), text,
			sizeof text);
		assert_string_equal(text,
			"live.example.com. 60 IN NSEC *.live.example.com. A TXT RRSIG NSEC ");
		ldns_pkt_free(reply);
		reply = ask("live.example.com.", RR_RRSIG, dnssec, 1);
		assert_int_equal(ldns_pkt_ancount(reply), 1);
		assert_int_equal(ldns_rr_get_type(ldns_rr_list_rr(
					 ldns_pkt_answer(reply), 0)),
			LDNS_RR_TYPE_RRSIG);
		ldns_pkt_free(reply);
		reply = ask("no.example.com.", RR_NSEC, dnssec, 1);
		assert_int_equal(ldns_pkt_get_rcode(reply), RCODE_NXDOMAIN);
		ldns_pkt_free(reply);
	}
	check("ns1.example.com.", RR_ANY, 1);
	end();
}

/* A name without records has neither, and that is proven (RFC 2308 2.2). */
static void test_by_type_of_empty(void **state)
{
	static const unsigned types[] = {RR_NSEC, RR_RRSIG};
	char text[400];
	snprintf(text, sizeof text, "%sx.empty A 192.0.2.1\n", small);
	begin(text, true);
	for (unsigned i = 0; i < 2; i++) {
		ldns_pkt *reply = ask("empty.example.com.", types[i], true, 1);
		assert_int_equal(ldns_pkt_get_rcode(reply), RCODE_NOERROR);
		assert_true(
			has_type(ldns_pkt_authority(reply), LDNS_RR_TYPE_SOA));
		ldns_pkt_free(reply);
		check("empty.example.com.", types[i], 1);
	}
	end();
}

/* A wildcard's NSEC and signature answer for every name that it covers, streams too,
 * with the proof that there is none nearer; without DO there are no proofs. */
static void test_by_type_expanded(void **state)
{
	static const char *const names[] = {"x.w.example.com.",
		"y.x.w.example.com.", "maths.live.example.com.",
		"a.b.line2.live.example.com."};
	static const unsigned types[] = {RR_NSEC, RR_RRSIG, RR_ANY};
	char text[400];
	snprintf(text, sizeof text, "%s*.w A 192.0.2.1\n", small);
	begin(text, true);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < 3; k++) {
			ldns_pkt *reply = ask(names[i], types[k], true, 1);
			ldns_rr_list *answer = ldns_pkt_answer(reply);
			bool wild = false;
			ldns_rr_list *nsecs = of_type(
				ldns_pkt_authority(reply), LDNS_RR_TYPE_NSEC);
			assert_true(has_type(answer, LDNS_RR_TYPE_RRSIG));
			check_section(answer, true, names[i], &wild);
			check_section(ldns_pkt_authority(reply), false,
				names[i], &wild);
			assert_int_equal(wild, types[k] != RR_RRSIG);
			assert_true(covered(nsecs, names[i]));
			ldns_rr_list_free(nsecs);
			ldns_pkt_free(reply);
		}
		ldns_pkt *reply = ask(names[i], RR_NSEC, false, 1);
		assert_int_equal(ldns_pkt_ancount(reply), 1);
		assert_true(
			has_type(ldns_pkt_answer(reply), LDNS_RR_TYPE_NSEC));
		assert_int_equal(ldns_pkt_nscount(reply), 0);
		ldns_pkt_free(reply);
		reply = ask(names[i], RR_ANY, false, 1);
		assert_false(
			has_type(ldns_pkt_answer(reply), LDNS_RR_TYPE_NSEC));
		assert_int_equal(ldns_pkt_ancount(reply), 1);
		ldns_pkt_free(reply);
	}
	end();
}

/* All is signed in the background, and then nothing more. */
static void test_background(void **state)
{
	begin(small, true);
	while (signer_figures(t.signer).waiting)
		usleep(200);
	/* SOA, NS, DNSKEY, CDS, CDNSKEY, ns1, alias, toline, live's TXT; and an NSEC
	 * of 8 names. */
	assert_int_equal(signer_figures(t.signer).made, 9 + 8);
	check("ns1.example.com.", RR_A, 1);
	check("no.example.com.", RR_A, 1);
	assert_int_equal(signer_figures(t.signer).made, 9 + 8);
	assert_int_equal(signer_figures(t.signer).asked, 0);
	signer_free(NULL);
	end();
}

/* No pointer reaches the owner of an NSEC behind a large set. */
static void test_far(void **state)
{
	static char text[60000];
	strcpy(text, small);
	for (unsigned i = 0; i < 200; i++) {
		char line[200];
		snprintf(line, sizeof line, "*.wild TXT \"%0100u\"\n", i);
		strcat(text, line);
	}
	begin(text, true);
	ldns_pkt *reply = ask("x.wild.example.com.", RR_TXT, true, 1);
	assert_false(ldns_pkt_tc(reply));
	assert_true(ldns_pkt_size(reply) > REPLY_POINTER_MAX);
	ldns_pkt_free(reply);
	check("x.wild.example.com.", RR_TXT, 1);
	end();
}

/* A signature that is not made: the question waits, and then there is an error. */
static void test_not_made(void **state)
{
	static const uint8_t not_ready[] = {0, 15, 0, 2, 0, 14};
	struct packet p = packet_query("maths.live.example.com.", RR_A);
	packet_opt_end(&p, packet_opt(&p, 1232, 0, 0x8000));
	struct answer_job job = {.query = p.bytes,
		.query_len = p.len,
		.tcp = true,
		.peer = {4, {192, 0, 2, 1}},
		.reply = t.reply,
		.reply_room = sizeof t.reply};
	begin(small, true);
	t.answerer.sign_ring = NULL;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(answer_batch(&t.answerer, &job, 1), 1);
		assert_int_equal(job.reply_len, 0);
		assert_true(job.accounted);
	}
	answer_fail(&t.answerer, &job);
	assert_false(job.defer);
	assert_int_equal(t.reply[3] & 15, RCODE_SERVFAIL);
	assert_int_equal(get16(t.reply + 6), 0);
	assert_memory_equal(t.reply + job.reply_len - sizeof not_ready,
		not_ready, sizeof not_ready);
	end();
}

/* -- what is asked for -- */

/* Requests stay where the test sees them. What was there before is not zero. */
static void own_ring(void)
{
	memset(&ring, 0xff, sizeof ring);
	ring.ring = (struct ring){0};
	t.answerer.sign_ring = &ring;
}

static unsigned requests(void)
{
	return ring.ring.put;
}

/* Whether a question is answered at once. */
static bool answered(const char *name, unsigned type)
{
	struct packet p;
	struct answer_job job = question(&p, name, type, true, 1);
	return !answer_batch(&t.answerer, &job, 1);
}

static void request_is(unsigned i, enum sign_table table, unsigned type,
	const char *owner, unsigned labels, uint32_t ttl_s, unsigned count)
{
	const struct sign_request *q = &ring.entry[i];
	char text[NAME_TEXT_MAX];
	assert_int_equal(q->signing, t.signing->id);
	assert_int_equal(q->table, table);
	assert_int_equal(q->type, type);
	assert_string_equal(name_text(&q->owner, text), owner);
	assert_int_equal(q->labels, labels);
	assert_int_equal(q->ttl_s, ttl_s);
	if (count) {
		assert_null(q->node);
		assert_int_equal(q->count, count);
	} else {
		assert_ptr_equal(q->of, zone_rrset(q->node, (uint16_t)type));
	}
}

/* Hands the first n to the signer, and waits until it has taken them. */
static void hand(unsigned n)
{
	struct sign_ring *to = signer_ring(t.signer, 0);
	uint64_t before = signer_figures(t.signer).asked;
	for (unsigned i = 0; i < n; i++) {
		*sign_ask_begin(to) = ring.entry[i];
		sign_ask(to);
	}
	while (signer_figures(t.signer).asked < before + n)
		usleep(200);
}

static void wait_made(void)
{
	while (signer_figures(t.signer).waiting)
		usleep(200);
}

/* What an answer has no signature of is asked for, each in its own way; the signer
 * makes of that what verifies, if the zone is in service. */
static void test_requests(void **state)
{
	static const uint8_t two[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 7, 0, 4,
		203, 0, 113, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 7, 0, 4, 203, 0,
		114, 1};
	begin_unserved(small, true);
	own_ring();
	assert_false(answered("ns1.example.com.", RR_A));
	assert_int_equal(requests(), 1);
	request_is(0, SIGN_SETS, RR_A, "ns1.example.com", 3, 300, 0);
	assert_false(answered("live.example.com.", RR_A));
	assert_int_equal(requests(), 2);
	request_is(1, SIGN_SETS, RR_A, "live.example.com", 3, 30, 2);
	assert_int_equal(ring.entry[1].len, sizeof two);
	assert_memory_equal(ring.entry[1].records, two, sizeof two);
	assert_false(answered("no.example.com.", RR_A));
	assert_int_equal(requests(), 5);
	request_is(2, SIGN_SETS, RR_SOA, "example.com", 2, 300, 0);
	request_is(3, SIGN_SETS, RR_NSEC, "*.line2.live.example.com", 4, 60, 1);
	request_is(4, SIGN_SETS, RR_NSEC, "example.com", 2, 60, 1);
	assert_false(answered("maths.live.example.com.", RR_A));
	assert_int_equal(requests(), 7);
	request_is(5, SIGN_SETS, RR_A, "*.live.example.com", 3, 30, 2);
	request_is(
		6, SIGN_MADE, RR_NSEC, "mathr\\255.live.example.com", 4, 60, 1);
	hand(7);
	assert_int_equal(signer_figures(t.signer).made, 0);
	signer_serve(t.signer, &t.signing, 1);
	hand(7);
	wait_made();
	assert_int_equal(signer_figures(t.signer).made, 9 + 8 + 3);
	check("ns1.example.com.", RR_A, 1);
	check("live.example.com.", RR_A, 1);
	check("no.example.com.", RR_A, 1);
	check("maths.live.example.com.", RR_A, 1);
	assert_int_equal(requests(), 7);
	end();
}

/* One of the zone's sets is signed with the owner of the request; what is no set is
 * counted. */
static void test_request_of_set(void **state)
{
	struct signature found;
	begin_unserved(small, true);
	own_ring();
	assert_false(answered("ns1.example.com.", RR_A));
	signer_serve(t.signer, &t.signing, 1);
	wait_made();
	ring.entry[0].owner = nm("x.example.com");
	hand(1);
	assert_int_equal(signer_figures(t.signer).made, 9 + 8 + 1);
	uint64_t set = sign_set_id(&ring.entry[0].owner, RR_A, 300,
		sign_body_contents(ring.entry[0].of));
	assert_true(signature_table_find(t.signing->signatures->now,
		sign_signature_id(set, &t.signing->keys[0]), &found));
	ring.entry[0].node = NULL;
	ring.entry[0].set++;
	ring.entry[0].count = ring.entry[0].len = 0;
	assert_int_equal(signer_figures(t.signer).failed, 0);
	hand(1);
	assert_int_equal(signer_figures(t.signer).failed, 1);
	assert_int_equal(signer_figures(t.signer).made, 9 + 8 + 1);
	end();
}

/* A ring that is full, or none: answers wait. */
static void test_requests_full(void **state)
{
	begin_unserved(small, true);
	own_ring();
	for (unsigned i = 0; i < SIGN_RING; i++)
		assert_false(answered("ns1.example.com.", RR_A));
	assert_int_equal(requests(), SIGN_RING);
	assert_int_equal(ring.ring.lost, 0);
	assert_false(answered("ns1.example.com.", RR_A));
	assert_false(answered("live.example.com.", RR_A));
	assert_int_equal(requests(), SIGN_RING);
	assert_int_equal(ring.ring.lost, 2);
	t.answerer.sign_ring = NULL;
	assert_false(answered("ns1.example.com.", RR_A));
	end();
}

/* Records that just fit into a request, and such that do not. */
static void test_requests_large(void **state)
{
	begin_unserved(small, true);
	own_ring();
	large = SIGN_RECORDS_MAX / 2 - RR_POINTER_LEN;
	assert_false(answered("live.example.com.", RR_AAAA));
	assert_int_equal(requests(), 1);
	assert_int_equal(ring.entry[0].len, SIGN_RECORDS_MAX);
	assert_int_equal(ring.entry[0].count, 2);
	large++;
	assert_false(answered("live.example.com.", RR_AAAA));
	assert_int_equal(requests(), 1);
	large = 0;
	end();
}

/* While there is no decision nothing is signed. */
static void test_deferred(void **state)
{
	begin_unserved(small, true);
	own_ring();
	defers = true;
	assert_false(answered("live.example.com.", RR_A));
	assert_int_equal(requests(), 0);
	defers = false;
	end();
}

/* The polls are awaited, and the CNAME lacks its signature, too: nothing is decided yet,
 * so nothing is in the accounts. The next try decides, and accounts. */
static void test_deferred_behind_alias(void **state)
{
	struct packet p;
	begin_unserved(small, true);
	own_ring();
	defers = true;
	struct answer_job job =
		question(&p, "alias.example.com.", RR_A, true, 1);
	assert_int_equal(answer_batch(&t.answerer, &job, 1), 1);
	defers = false;
	assert_int_equal(requests(), 1);
	assert_false(job.accounted);
	job.again = true;
	assert_int_equal(answer_batch(&t.answerer, &job, 1), 1);
	assert_true(job.accounted);
	end();
}

/* Beside a wildcard that is no name of streams one record is enough. */
static void test_wildcard(void **state)
{
	char text[400];
	snprintf(text, sizeof text, "%s*.w A 192.0.2.1\n", small);
	begin(text, true);
	ldns_pkt *reply = ask("x.w.example.com.", RR_A, true, 1);
	assert_int_equal(ldns_pkt_ancount(reply), 2);
	assert_int_equal(ldns_pkt_nscount(reply), 2);
	ldns_pkt_free(reply);
	end();
}

/* Records are signed in the order of their names in lower case (RFC 4034 6.2, 6.3). */
static void test_case(void **state)
{
	char text[600];
	snprintf(text, sizeof text,
		"%sm MX 1 B.x\nm MX 1 a.x\nm MX 1 C.x\n"
		"s SRV 1 1 1 B.x\ns SRV 1 1 1 a.x\n",
		small);
	begin(text, true);
	check("m.example.com.", RR_MX, 1);
	check("s.example.com.", RR_SRV, 1);
	end();
}

/* Nothing is asked for with an answer that is cut off. */
static void test_requests_cut(void **state)
{
	char text[4000], big[256];
	memset(big, 'x', 255);
	big[255] = '\0';
	snprintf(text, sizeof text, "%sbig TXT %s %s %s %s %s\n", small, big,
		big, big, big, big);
	begin_unserved(text, true);
	own_ring();
	large = 700;
	for (unsigned i = 0; i < 2; i++) {
		struct packet p;
		struct answer_job job = question(&p,
			i ? "big.example.com." : "live.example.com.",
			i ? RR_TXT : RR_AAAA, true, 1);
		job.tcp = false;
		assert_int_equal(answer_batch(&t.answerer, &job, 1), 0);
		assert_true(get16(t.reply + 2) & FLAG_TC);
		assert_int_equal(requests(), 0);
	}
	large = 0;
	end();
}

/* -- epochs -- */

static void begin_epoch(int64_t at_s)
{
	struct signature_epoch epoch = zone_signing_epoch(t.signing, at_s);
	signatures_begin(t.signing->signatures, epoch);
	signatures_begin(t.signing->made, epoch);
}

/* The signer begins the epoch that there is; while the next one's are not made, its own
 * are what is answered, and those are asked for. */
static void test_epochs(void **state)
{
	int64_t now_s = time(NULL);
	begin_unserved(small, true);
	const struct signatures *in = t.signing->signatures;
	uint32_t number = zone_signing_epoch(t.signing, now_s).number;
	begin_epoch(now_s - t.half_s);
	signer_serve(t.signer, &t.signing, 1);
	wait_made();
	assert_int_equal(in->now->epoch.number, number);
	assert_int_equal(in->before->epoch.number, number - 1);
	assert_int_equal(in->now->used, 9 + 8);
	assert_int_equal(t.signing->made->now->epoch.number, number);
	assert_int_equal(t.signing->made->before->epoch.number, number - 1);
	assert_int_equal(
		signer_figures(t.signer).expires_s, in->now->epoch.expiration);
	signer_serve(t.signer, NULL, 0);
	assert_int_equal(signer_figures(t.signer).expires_s, 0);
	own_ring();
	assert_true(answered("no.example.com.", RR_A));
	assert_int_equal(requests(), 0);
	begin_epoch(now_s + t.half_s);
	assert_true(answered("ns1.example.com.", RR_A));
	assert_int_equal(requests(), 1);
	assert_true(answered("no.example.com.", RR_A));
	assert_int_equal(requests(), 4);
	check("ns1.example.com.", RR_A, 1);
	end();
}

static const struct signature_table *fill(struct signatures *s)
{
	const uint8_t bytes[SIGNATURE_LEN] = {0};
	uint64_t n = 1;
	while (signatures_add(s, n << 32, bytes))
		n++;
	return s->now;
}

/* A table that is full begins anew; what was in it is answered still. */
static void test_full_table(void **state)
{
	begin_unserved(small, true);
	begin_epoch(time(NULL));
	const struct signatures *in = t.signing->signatures;
	const struct signatures *made = t.signing->made;
	const struct signature_table *full = fill(t.signing->signatures);
	const struct signature_table *full_made = fill(t.signing->made);
	signer_serve(t.signer, &t.signing, 1);
	wait_made();
	assert_ptr_equal(in->before, full);
	assert_int_equal(in->now->used, 9 + 8);
	assert_ptr_equal(made->now, full_made);
	check("maths.live.example.com.", RR_A, 1);
	/* Found is not yet counted: the figures wait for that. */
	assert_int_equal(signer_figures(t.signer).made, 9 + 8 + 2);
	assert_ptr_equal(made->before, full_made);
	assert_int_equal(made->now->used, 1);
	assert_int_equal(made->now->epoch.number, in->now->epoch.number);
	end();
}

/* -- keys -- */

/* Two keys that sign: each set has a signature by either. */
static void test_two_keys(void **state)
{
	struct name zone = nm("example.com");
	struct sign_key key;
	struct err err = {0};
	char stem[SIGN_KEY_FILE_MAX], path[SIGN_KEY_FILE_MAX + 100];
	assert_true(sign_key_generate(folder, &zone, SIGN_ED25519,
		(struct sign_times){0}, &key, &err));
	begin(small, true);
	wait_made();
	assert_int_equal(signer_figures(t.signer).made, 2 * (9 + 8));
	static const struct {
		const char *name;
		unsigned type, records;
	} rows[] = {{"ns1.example.com.", RR_A, 1 + 2},
		{"example.com.", RR_DNSKEY, 2 + 2},
		{"example.com.", RR_CDS, 2 + 2},
		{"live.example.com.", RR_A, 2 + 2},
		{"live.example.com.", RR_NSEC, 1 + 2}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ldns_pkt *reply = ask(rows[i].name, rows[i].type, true, 1);
		ldns_rr_list *all = ldns_pkt_answer(reply);
		assert_int_equal(ldns_pkt_ancount(reply), rows[i].records);
		ldns_rr_list *signatures = of_type(all, LDNS_RR_TYPE_RRSIG);
		ldns_rr_list *set = set_of(all, ldns_rr_list_rr(all, 0));
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(ldns_verify_rrsig_keylist(set,
						 ldns_rr_list_rr(signatures, k),
						 t.keys, NULL),
				LDNS_STATUS_OK);
		ldns_rr_list_free(signatures);
		ldns_rr_list_free(set);
		ldns_pkt_free(reply);
	}
	end();
	sign_key_file(&key, stem);
	snprintf(path, sizeof path, "%s/%s.key", folder, stem);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/%s.private", folder, stem);
	assert_int_equal(unlink(path), 0);
	sign_key_fini(&key);
}

static int setup(void **state)
{
	struct name zone = nm("example.com");
	struct sign_key key;
	struct err err = {0};
	folder_make(folder);
	if (!sign_key_generate(folder, &zone, SIGN_ECDSAP256SHA256,
		    (struct sign_times){0}, &key, &err))
		return -1;
	sign_key_fini(&key);
	return 0;
}

static int teardown(void **state)
{
	folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_steered),
		cmocka_unit_test(test_addresses_signed),
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_referral),
		cmocka_unit_test(test_streams_apart),
		cmocka_unit_test(test_stream_before),
		cmocka_unit_test(test_by_type),
		cmocka_unit_test(test_by_type_of_empty),
		cmocka_unit_test(test_by_type_expanded),
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_not_made),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_request_of_set),
		cmocka_unit_test(test_requests_full),
		cmocka_unit_test(test_requests_large),
		cmocka_unit_test(test_requests_cut),
		cmocka_unit_test(test_deferred),
		cmocka_unit_test(test_deferred_behind_alias),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_two_keys),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
