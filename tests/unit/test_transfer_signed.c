/* test_transfer_signed.c - what is sent of a signed zone, as ldns judges it: every set is
 * signed by each key, and each name has an NSEC that says what it has.
 */
#include "unit/folder.h"
#include "unit/sets.h"

#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "sign/zone.h"
#include "snapshot/mark.h"
#include "transfer/out.h"

static const char conf_text[] =
	"zones: {example.com: {file: a}}\n"
	"nodes:\n"
	"  a: {address: [192.0.2.11, \"2001:db8::11\"], at: [1, 1]}\n"
	"  b: {address: [192.0.2.12], at: [1, 1]}\n"
	"steer: {live.example.com: {pool: [edge], ttl: [7, 30], https: h2, "
	"streams: true}}\n";

static const char zone_file[] = "$TTL 300\n"
				"@ 3600 SOA ns1 hostmaster 7 2 3 4 60\n"
				"@ NS ns1\n"
				"ns1 A 192.0.2.1\n"
				"ns1 A 192.0.2.2\n"
				"ns1 600 AAAA 2001:db8::1\n"
				"cut NS ns.cut\n"
				"cut DS 1 8 2 00000000000000000000000000000000"
				"00000000000000000000000000000000\n"
				"ns.cut A 192.0.2.7\n"
				"a.b.ent TXT \"x\"\n"
				"*.wild MX 1 ns1\n"
				"www CNAME ns1\n"
				"live TXT \"beside\"\n";

#define KEYS 2

static struct fixture {
	char folder[FOLDER_MAX];
	struct name apex;
	struct conf *conf;
	struct zone *zone;
	struct zone_signing *signing;
	struct transfer_source *source;
	ldns_rr_list *keys, *sent;
} t;

/* -- the zone -- */

static bool add_key_record(
	void *to, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct err err = {0};
	assert_true(zone_builder_add(
		to, &t.apex, type, SIGN_DNSKEY_TTL_S, rdata, len, 0, &err));
	if (type == RR_DNSKEY)
		ldns_rr_list_push_rr(t.keys,
			rr_of(&t.apex, type, SIGN_DNSKEY_TTL_S, rdata, len));
	return true;
}

static void mark(struct zone_builder *b, const char *name, struct mark m)
{
	struct err err = {0};
	struct name owner = nm(name);
	m.line = 1;
	assert_true(zone_builder_mark(b, &owner, mark_pack(m), NULL, &err));
}

static void build(void)
{
	static const sign_types types[] = {{RR_A, RR_AAAA, RR_HTTPS}};
	struct sign_policy policy = {.folder = t.folder,
		.validity_s = 14 * 86400,
		.now_s = clock_wall_ms() / 1000};
	struct zone_builder *b = zone_builder_new(&t.apex);
	struct err err = {0};

	zonefile_parse(b, "z", zone_file, strlen(zone_file), &err);
	t.signing = zone_signing_begin(&t.apex, &policy, &err);
	if (!t.signing)
		fail_msg("%s", err_text(&err));
	zone_builder_file(b, NULL);
	assert_true(zone_signing_records(t.signing, add_key_record, b));
	mark(b, "live.example.com",
		(struct mark){.kind = MARK_NAME, .streams = true});
	mark(b, "*.live.example.com", (struct mark){.kind = MARK_NAME});
	mark(b, "_why.live.example.com", (struct mark){.kind = MARK_WHY});
	t.zone = zone_build(b, &err);
	if (!t.zone ||
		!zone_signing_end(t.signing, t.zone, types, 10, NULL, &err))
		fail_msg("%s", err_text(&err));
	t.zone->signing = t.signing;
	err_fini(&err);
}

static void on_free(struct transfer_source *source)
{
}

static int setup(void **state)
{
	struct err err = {0};
	(void)state;

	t = (struct fixture){.apex = nm("example.com")};
	folder_make(t.folder);
	for (unsigned i = 0; i < KEYS; i++) {
		struct sign_key key;
		assert_true(sign_key_generate(t.folder, &t.apex, SIGN_ED25519,
			(struct sign_times){0}, &key, &err));
		sign_key_fini(&key);
	}
	t.conf = conf_parse("test.yaml", conf_text, strlen(conf_text), &err);
	if (!t.conf)
		fail_msg("%s", err_text(&err));
	t.keys = ldns_rr_list_new();
	t.sent = ldns_rr_list_new();
	build();
	t.source = transfer_source_new(t.conf, &t.zone, on_free);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ldns_rr_list_deep_free(t.keys);
	ldns_rr_list_deep_free(t.sent);
	zone_free(t.zone);
	zone_signing_free(t.signing);
	conf_free(t.conf);
	folder_remove(t.folder);
	return 0;
}

/* -- what is sent -- */

static void add_sent(struct record r)
{
	ldns_rr_list_push_rr(
		t.sent, rr_of(r.owner, r.type, r.ttl_s, r.rdata, r.rdlen));
}

static void send_all(bool plain)
{
	struct records r;
	struct record record;

	ldns_rr_list_deep_free(t.sent);
	t.sent = ldns_rr_list_new();
	records_begin(&r, t.source, t.zone, plain);
	add_sent(records_soa(&r));
	while (records_next(&r, &record))
		add_sent(record);
	records_end(&r);
}

static bool owner_is(const ldns_rr *rr, const char *name)
{
	char *text = ldns_rdf2str(ldns_rr_owner(rr));
	bool is = !strcmp(text, name);
	free(text);
	return is;
}

/* NS and glue of a cut. */
static bool is_of_cut(const ldns_rr *rr)
{
	return owner_is(rr, "ns.cut.example.com.") ||
		(owner_is(rr, "cut.example.com.") &&
			ldns_rr_get_type(rr) == LDNS_RR_TYPE_NS);
}

static unsigned sent_of(ldns_rr_type type)
{
	unsigned n = 0;
	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent); i++)
		n += ldns_rr_get_type(ldns_rr_list_rr(t.sent, i)) == type;
	return n;
}

static void check_set(const ldns_rr *rr)
{
	ldns_rr_list *set = set_of(t.sent, rr);
	ldns_rr_list *signatures = signatures_of(t.sent, rr);
	char line[2048];

	rr_line(rr, line, sizeof line);
	if (ldns_rr_list_rr_count(signatures) != (is_of_cut(rr) ? 0 : KEYS))
		fail_msg("%zu signatures: %s",
			ldns_rr_list_rr_count(signatures), line);
	for (size_t i = 0; i < ldns_rr_list_rr_count(signatures); i++) {
		ldns_rr *one = ldns_rr_list_rr(signatures, i);
		ldns_status said =
			ldns_verify_rrsig_keylist(set, one, t.keys, NULL);
		if (said != LDNS_STATUS_OK)
			fail_msg("%s: %s", line, ldns_get_errorstr_by_id(said));
		assert_int_equal(ldns_rr_ttl(one), ldns_rr_ttl(rr));
	}
	ldns_rr_list_free(set);
	ldns_rr_list_free(signatures);
}

static void test_sets(void **state)
{
	unsigned sets = 0;
	(void)state;

	send_all(false);
	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(t.sent, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG)
			continue;
		ldns_rr_list *set = set_of(t.sent, rr);
		bool first = ldns_rr_list_rr(set, 0) == rr;
		ldns_rr_list_free(set);
		if (!first)
			continue;
		check_set(rr);
		sets += !is_of_cut(rr);
	}
	/* No signature is of anything else. */
	assert_int_equal(sent_of(LDNS_RR_TYPE_RRSIG), sets * KEYS);
}

/* A transfer has them, whether its asker wants DNSSEC or not. */
static void test_message(void **state)
{
	static uint8_t frame[OUT_FRAME_MAX];
	struct packet p = packet_query("example.com", RR_AXFR);
	struct out out;
	ldns_pkt *pkt;
	(void)state;

	send_all(false);
	out_begin(&out, t.source, t.source->zones, p.bytes, p.len, NULL);
	size_t len = out_message(&out, frame, 0);
	assert_int_equal(out_message(&out, frame, 0), 0);
	assert_int_equal(
		ldns_wire2pkt(&pkt, frame + 2, len - 2), LDNS_STATUS_OK);
	assert_int_equal(
		ldns_pkt_ancount(pkt), ldns_rr_list_rr_count(t.sent) + 1);
	ldns_pkt_free(pkt);
	out_end(&out);
}

/* -- NSEC -- */

static const ldns_rr *nsec_at(const ldns_rdf *owner)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(t.sent, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC &&
			!ldns_dname_compare(ldns_rr_owner(rr), owner))
			return rr;
	}
	return NULL;
}

/* How many types a name has, each of which its NSEC says. */
static unsigned types_of(const ldns_rr *nsec)
{
	const ldns_rdf *said = ldns_rr_rdf(nsec, 1);
	uint16_t types[20];
	unsigned n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(t.sent, i);
		uint16_t type = (uint16_t)ldns_rr_get_type(rr);
		bool there = false;
		if (ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(nsec)))
			continue;
		if (!ldns_nsec_bitmap_covers_type(said, type))
			fail_msg("an NSEC without type %u", type);
		for (unsigned k = 0; k < n; k++)
			there |= types[k] == type;
		if (!there)
			types[n++] = type;
	}
	return n;
}

static unsigned types_said(const ldns_rr *nsec)
{
	unsigned n = 0;
	for (unsigned type = 1; type < 300; type++)
		n += ldns_nsec_bitmap_covers_type(
			ldns_rr_rdf(nsec, 1), (ldns_rr_type)type);
	return n;
}

/* From the apex around all names, back to it. */
static void test_nsecs(void **state)
{
	ldns_rdf *apex = ldns_dname_new_frm_str("example.com.");
	const ldns_rr *nsec;
	unsigned names = 0;
	(void)state;

	send_all(false);
	const ldns_rdf *at = apex;
	do {
		nsec = nsec_at(at);
		assert_non_null(nsec);
		assert_int_equal(ldns_rr_ttl(nsec), 60);
		assert_int_equal(types_of(nsec), types_said(nsec));
		at = ldns_rr_rdf(nsec, 0);
		names++;
	} while (ldns_dname_compare(at, apex));
	/* @ ns1 cut a.b.ent *.wild www live *.live _why.live */
	assert_int_equal(names, 9);
	assert_int_equal(sent_of(LDNS_RR_TYPE_NSEC), names);
	ldns_rdf_deep_free(apex);
}

/* -- beside signatures -- */

static bool is_of_signing(const ldns_rr *rr)
{
	ldns_rr_type type = ldns_rr_get_type(rr);
	return type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC;
}

static void text_without_signing(char *out, size_t room)
{
	ldns_rr_list *few = ldns_rr_list_new();
	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent); i++)
		if (!is_of_signing(ldns_rr_list_rr(t.sent, i)))
			ldns_rr_list_push_rr(few, ldns_rr_list_rr(t.sent, i));
	list_text(few, out, room);
	ldns_rr_list_free(few);
}

/* The same but for the TXT that the NSEC of _why says. */
static void test_plain(void **state)
{
	static char with[20000], without[20000];
	static const char why[] =
		"_why.live.example.com. 0 TXT \"asked of the server alone\" | ";
	(void)state;

	send_all(false);
	text_without_signing(with, sizeof with);
	char *at = strstr(with, why);
	assert_non_null(at);
	memmove(at, at + strlen(why), strlen(at + strlen(why)) + 1);
	send_all(true);
	assert_int_equal(sent_of(LDNS_RR_TYPE_RRSIG), 0);
	assert_int_equal(sent_of(LDNS_RR_TYPE_NSEC), 0);
	text_without_signing(without, sizeof without);
	assert_string_equal(with, without);
	assert_non_null(strstr(with,
		"*.live.example.com. 7 A 192.0.2.11 | *.live.example.com. 7 A "
		"192.0.2.12 | *.live.example.com. 7 AAAA 2001:db8::11"));
}

/* -- signatures that answers have -- */

/* Octets of the signature by the first key of the addresses of ns1. */
static const uint8_t *signature_of_ns1(void)
{
	ldns_rdf *ns1 = ldns_dname_new_frm_str("ns1.example.com.");
	const uint8_t *found = NULL;

	for (size_t i = 0; i < ldns_rr_list_rr_count(t.sent) && !found; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(t.sent, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
			!ldns_dname_compare(ldns_rr_owner(rr), ns1) &&
			ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) ==
				LDNS_RR_TYPE_A)
			found = ldns_rdf_data(ldns_rr_rrsig_sig(rr));
	}
	ldns_rdf_deep_free(ns1);
	assert_non_null(found);
	return found;
}

/* Of the present epoch they are taken; of another they are made anew. */
static void test_found(void **state)
{
	uint8_t bytes[SIGNATURE_LEN], made[SIGNATURE_LEN];
	struct name owner = nm("ns1.example.com");
	struct zone_match found = zone_match_of(t.zone, &owner);
	const struct zone_rrset *set = zone_rrset(found.node, RR_A);
	struct signature_epoch epoch =
		zone_signing_epoch(t.signing, clock_wall_ms() / 1000);
	uint64_t id =
		sign_signature_id(sign_set_id(&owner, RR_A, zone_rrset_ttl(set),
					  sign_body_contents(set)),
			t.signing->of_data.key[0]);
	(void)state;

	send_all(false);
	memcpy(made, signature_of_ns1(), sizeof made);
	memset(bytes, 0x5a, sizeof bytes);
	epoch.number--;
	signatures_begin(t.signing->signatures, epoch);
	assert_true(signatures_add(t.signing->signatures, id, bytes));
	send_all(false);
	assert_memory_equal(signature_of_ns1(), made, sizeof made);

	epoch.number++;
	signatures_begin(t.signing->signatures, epoch);
	send_all(false);
	assert_memory_equal(signature_of_ns1(), made, sizeof made);
	assert_true(signatures_add(t.signing->signatures, id, bytes));
	send_all(false);
	assert_memory_equal(signature_of_ns1(), bytes, sizeof bytes);
}

/* Signatures change by themselves: a zone is no other for that. */
static void test_hash(void **state)
{
	const struct zone_signing *signing = t.zone->signing;
	uint64_t hash = records_hash(t.source, t.zone);
	(void)state;

	t.zone->signing = NULL;
	assert_int_equal(records_hash(t.source, t.zone), hash);
	t.zone->signing = signing;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_sets), TEST(test_message),
		TEST(test_nsecs), TEST(test_plain), TEST(test_found),
		TEST(test_hash)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
