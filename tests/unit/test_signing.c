/* test_signing.c - which keys of a zone are published and which sign, by their times and
 * flags; what builds of a zone share; and the times of signatures.
 */
#include "unit/dns.h"
#include "unit/folder.h"

#include "sign/zone.h"
#include "snapshot/mark.h"

static char folder[FOLDER_MAX];

static void add_key(struct sign_times times)
{
	struct name zone = nm("example.com");
	struct sign_key key;
	struct err err = {0};
	assert_true(sign_key_generate(
		folder, &zone, SIGN_ED25519, times, &key, &err));
	assert_true(sign_key_set_times(folder, &key, times, &err));
	sign_key_fini(&key);
}

/* The keys that there are lose the flag of an entry point. */
static void no_entry_points(void)
{
	char line[100];
	snprintf(line, sizeof line,
		"sed -i 's/DNSKEY 257/DNSKEY 256/' %s/*.key", folder);
	assert_int_equal(system(line), 0);
}

static struct zone_signing *begin_with(
	int64_t now_s, int64_t validity_s, struct err *err)
{
	struct name zone = nm("example.com");
	struct sign_policy policy = {
		.folder = folder, .validity_s = validity_s, .now_s = now_s};
	return zone_signing_begin(&zone, &policy, err);
}

static struct zone_signing *begin(int64_t now_s)
{
	struct err err = {0};
	struct zone_signing *s = begin_with(now_s, 86400, &err);
	if (!s)
		fail_msg("%s", err_text(&err));
	return s;
}

/* Records of keys by type; left: how many are taken, then it ends. */
struct counts {
	unsigned dnskey, cds, cdnskey, left;
	uint16_t flags; /* of the last CDNSKEY */
	uint8_t ds[SIGN_DS_LEN];
};

static bool count(void *to, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct counts *c = to;
	if (!c->left)
		return false;
	c->left--;
	c->dnskey += type == RR_DNSKEY;
	c->cds += type == RR_CDS && len == SIGN_DS_LEN;
	c->cdnskey += type == RR_CDNSKEY;
	if (type == RR_CDNSKEY)
		c->flags = get16(rdata);
	if (type == RR_CDS)
		memcpy(c->ds, rdata, len);
	return true;
}

static struct counts records_of(const struct zone_signing *s)
{
	struct counts c = {.left = 100};
	assert_true(zone_signing_records(s, count, &c));
	return c;
}

/* -- keys -- */

/* One key that is always there, and one that comes and goes. */
static void test_times(void **state)
{
	static const struct {
		int64_t now_s;
		unsigned published, sign;
		int64_t changes_s;
	} rows[] = {{99, 1, 1, 100}, {100, 2, 1, 200}, {199, 2, 1, 200},
		{200, 2, 2, 300}, {299, 2, 2, 300}, {300, 2, 1, 400},
		{399, 2, 1, 400}, {400, 1, 1, 0}, {401, 1, 1, 0}};
	folder_clear(folder);
	add_key((struct sign_times){0});
	add_key((struct sign_times){100, 200, 300, 400});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct zone_signing *s = begin(rows[i].now_s);
		struct counts c = records_of(s);
		assert_int_equal(c.dnskey, rows[i].published);
		assert_int_equal(c.cds, rows[i].sign);
		assert_int_equal(c.cdnskey, rows[i].sign);
		assert_int_equal(s->of_data.n, rows[i].sign);
		assert_int_equal(s->of_keys.n, rows[i].sign);
		assert_int_equal(s->changes_s, rows[i].changes_s);
		zone_signing_free(s);
	}
}

/* The next change is the earliest of all keys. */
static void test_changes(void **state)
{
	static const int64_t expected[] = {20, 30, 40, 50, 60, 70, 80, 0};
	folder_clear(folder);
	add_key((struct sign_times){0, 0, 50, 70});
	add_key((struct sign_times){0, 0, 40, 80});
	add_key((struct sign_times){0, 0, 0, 60});
	add_key((struct sign_times){0, 20, 0, 30});
	add_key((struct sign_times){0});
	int64_t now_s = 10;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		struct zone_signing *s = begin(now_s);
		assert_int_equal(s->changes_s, expected[i]);
		assert_int_equal(s->now_s, now_s);
		now_s = s->changes_s;
		zone_signing_free(s);
	}
}

/* Keys that are no entry points sign the data, the others the keys; one kind alone
 * signs all. */
static void test_roles(void **state)
{
	uint8_t ds[SIGN_DS_LEN];
	folder_clear(folder);
	add_key((struct sign_times){0});
	no_entry_points();
	struct zone_signing *s = begin(10);
	assert_int_equal(s->of_data.n, 1);
	assert_int_equal(s->of_keys.n, 1);
	assert_ptr_equal(s->of_keys.key[0], s->of_data.key[0]);
	assert_int_equal(records_of(s).flags, 256);
	zone_signing_free(s);
	add_key((struct sign_times){0});
	s = begin(10);
	assert_int_equal(s->of_data.n, 1);
	assert_int_equal(s->of_keys.n, 1);
	assert_int_equal(get16(s->of_data.key[0]->dnskey), 256);
	assert_int_equal(get16(s->of_keys.key[0]->dnskey), 257);
	assert_int_equal(records_of(s).dnskey, 2);
	assert_int_equal(records_of(s).cds, 1);
	assert_int_equal(records_of(s).flags, 257);
	sign_key_ds(s->of_keys.key[0], ds);
	assert_memory_equal(records_of(s).ds, ds, sizeof ds);
	assert_ptr_equal(zone_signing_keys(s, RR_CDS), &s->of_keys);
	assert_ptr_equal(zone_signing_keys(s, RR_CDNSKEY), &s->of_keys);
	assert_ptr_equal(zone_signing_keys(s, RR_DNSKEY), &s->of_keys);
	assert_ptr_equal(zone_signing_keys(s, RR_SOA), &s->of_data);
	zone_signing_free(s);
}

/* One more than may sign: it is published only. */
static void test_most_keys(void **state)
{
	folder_clear(folder);
	for (unsigned i = 0; i < SIGN_KEYS_MAX + 1; i++)
		add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	assert_int_equal(s->of_data.n, SIGN_KEYS_MAX);
	assert_int_equal(records_of(s).dnskey, SIGN_KEYS_MAX + 1);
	assert_int_equal(records_of(s).cds, SIGN_KEYS_MAX);
	zone_signing_free(s);
}

static void test_no_key(void **state)
{
	struct err err = {0};
	char expected[200];
	folder_clear(folder);
	add_key((struct sign_times){.activate = 11});
	assert_null(begin_with(10, 86400, &err));
	snprintf(expected, sizeof expected,
		"%s: no key of example.com is active now", folder);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
	folder_clear(folder);
	assert_null(begin_with(10, 86400, &err));
	snprintf(
		expected, sizeof expected, "%s: no key of example.com", folder);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
}

/* Who takes the records may end it at any of them. */
static void test_records_end(void **state)
{
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	for (unsigned n = 0; n < 3; n++) {
		struct counts c = {.left = n};
		assert_false(zone_signing_records(s, count, &c));
		assert_int_equal(c.dnskey + c.cds + c.cdnskey, n);
	}
	zone_signing_free(s);
}

/* -- builds of a zone -- */

static const char text[] = "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n"
			   "a A 192.0.2.1\n";

static bool finish(struct zone_signing *s, const struct zone *zone,
	uint32_t steered_sets, const struct zone_signing *previous)
{
	struct err err = {0};
	assert_true(
		zone_signing_end(s, zone, NULL, steered_sets, previous, &err));
	assert_int_equal(s->nsec_ttl_s, zone->negative_ttl);
	return previous && s->signatures == previous->signatures &&
		s->made == previous->made;
}

/* With equal keys and validity, and room for all, signatures stay. */
static void test_shared(void **state)
{
	struct zone *zone = zone_text("example.com", text);
	struct err err = {0};
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *first = begin(10), *s = begin(10);
	assert_false(finish(first, zone, 0, NULL));
	/* Three sets, NSEC of two names, and 65536; a quarter more. */
	assert_int_equal(first->signatures->room, 65541 + 65541 / 4);
	assert_int_equal(first->made->room, 65536);
	assert_true(finish(s, zone, 65541 / 4, first));
	assert_true(s->id != first->id);
	zone_signing_free(s);
	s = begin(10);
	assert_false(finish(s, zone, 65541 / 4 + 1, first));
	zone_signing_free(s);
	s = begin_with(10, 86402, &err);
	assert_false(finish(s, zone, 0, first));
	zone_signing_free(s);
	add_key((struct sign_times){0});
	struct zone_signing *two = begin(10);
	assert_false(finish(two, zone, 0, first));
	assert_int_equal(two->signatures->room, 65546 + 65546 / 4);
	zone_signing_free(first);
	s = begin(10);
	assert_true(finish(s, zone, 0, two));
	zone_signing_free(two);
	signatures_begin(s->signatures, zone_signing_epoch(s, 10));
	signatures_begin(s->made, zone_signing_epoch(s, 10));
	zone_signing_free(s);
	zone_signing_free(NULL);
	zone_free(zone);
}

/* Which of the keys is for what is part of what is shared. */
static void test_shared_by_roles(void **state)
{
	struct zone *zone = zone_text("example.com", text);
	folder_clear(folder);
	add_key((struct sign_times){.remove = 20});
	add_key((struct sign_times){.publish = 20});
	no_entry_points();
	add_key((struct sign_times){0}); /* of the keys, at all times */
	struct zone_signing *early = begin(10), *s = begin(19);
	assert_false(finish(early, zone, 0, NULL));
	assert_true(finish(s, zone, 0, early));
	zone_signing_free(s);
	s = begin(20);
	assert_false(finish(s, zone, 0, early));
	zone_signing_free(s);
	zone_signing_free(early);
	folder_clear(folder);
	add_key((struct sign_times){0});
	no_entry_points();
	struct zone_signing *one = begin(10);
	assert_false(finish(one, zone, 0, NULL));
	add_key((struct sign_times){0}); /* signs the keys only */
	struct zone_signing *two = begin(10);
	assert_false(finish(two, zone, 0, one));
	zone_signing_free(one);
	zone_signing_free(two);
	zone_free(zone);
}

static void test_too_many_types(void **state)
{
	char many[8000] = "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n";
	struct err err = {0};
	for (unsigned i = 0; i <= ZONE_CHAIN_SETS; i++)
		snprintf(many + strlen(many), 80, "many TYPE%u \\# 0\n",
			1000 + i);
	struct zone *zone = zone_text("example.com", many);
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	assert_false(zone_signing_end(s, zone, NULL, 0, NULL, &err));
	assert_true(strlen(err_text(&err)) > 0);
	zone_signing_free(s);
	err_fini(&err);
	zone_free(zone);
}

/* RDATA of the NSEC at a place. */
static size_t nsec_of(
	const struct zone_signing *s, uint32_t place, uint8_t *out)
{
	const struct sign_nsec *nsec = zone_signing_nsec(s, place);
	memcpy(out, nsec->bytes + nsec->owner_len, nsec->rdata_len);
	return nsec->rdata_len;
}

/* The name that says why has a TXT, one that is steered what the map says, and others
 * have no more than their sets. */
static void test_marks(void **state)
{
	static const sign_types steered[] = {{RR_A}, {RR_AAAA}};
	static const uint8_t why[] = {0, 6, 0, 0, 0x80, 0, 0, 3},
			     name[] = {0, 6, 0, 0, 0, 0x08, 0, 3},
			     none[] = {0, 6, 0x22, 0, 0, 0, 0, 3};
	struct name apex = nm("example.com"), w = nm("w.example.com"),
		    x = nm("x.example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};
	uint8_t out[ZONE_NSEC_MAX];
	bool exact;
	zonefile_parse(b, "z", text, strlen(text), &err);
	assert_true(zone_builder_mark(
		b, &w, mark_pack((struct mark){.kind = MARK_WHY}), NULL, &err));
	assert_true(zone_builder_mark(b, &x,
		mark_pack(
			(struct mark){.kind = MARK_NAME, .name = 1, .line = 1}),
		NULL, &err));
	struct zone *zone = zone_build(b, &err);
	assert_non_null(zone);
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	assert_true(zone_signing_end(s, zone, steered, 0, NULL, &err));
	size_t n = nsec_of(s, zone_chain_find(s->chain, &w, &exact), out);
	assert_int_equal(n, x.len + sizeof why);
	assert_memory_equal(out, x.bytes, x.len);
	assert_memory_equal(out + x.len, why, sizeof why);
	n = nsec_of(s, zone_chain_find(s->chain, &x, &exact), out);
	assert_int_equal(n, apex.len + sizeof name);
	assert_memory_equal(out + apex.len, name, sizeof name);
	n = nsec_of(s, 0, out);
	assert_memory_equal(out + n - sizeof none, none, sizeof none);
	zone_signing_free(s);
	zone_free(zone);
}

/* -- signatures -- */

static void test_epoch(void **state)
{
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	for (int64_t now_s = 6 * 43200; now_s < 7 * 43200; now_s += 43199) {
		struct signature_epoch e = zone_signing_epoch(s, now_s);
		assert_int_equal(e.number, 6);
		assert_int_equal(e.begin, 259200);
		assert_int_equal(e.inception, 259200 - 3600);
		assert_int_equal(e.expiration, 259200 + 86400);
	}
	assert_int_equal(zone_signing_epoch(s, 7 * 43200).number, 7);
	zone_signing_free(s);
}

/* A message without a set, and what is no message. */
static void test_no_set(void **state)
{
	static const uint8_t message[] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7,
		'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0, 0, 1, 0,
		1};
	uint8_t out[SIGN_SIGNATURE_LEN];
	folder_clear(folder);
	add_key((struct sign_times){0});
	struct zone_signing *s = begin(10);
	struct signature_epoch epoch = zone_signing_epoch(s, 10);
	struct rrsig_fields fields = {RR_A, 2, 60, &epoch, s->of_data.key[0]};
	assert_false(rrsig_make(&fields, message, sizeof message, out));
	assert_false(rrsig_make(&fields, message, 5, out));
	zone_signing_free(s);
}

static int setup(void **state)
{
	folder_make(folder);
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
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_most_keys),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_records_end),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_shared_by_roles),
		cmocka_unit_test(test_too_many_types),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_no_set),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
