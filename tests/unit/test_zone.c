/* test_zone.c - the builder's checks, marks, and the compiled form. */
#include "unit/dns.h"

#include "base/arena.h"

static const char text[] = "$TTL 300\n@ SOA ns1 h 1 2 3 4 60\n@ NS ns1\n"
			   "ns1 A 192.0.2.1\n"
			   "www A 192.0.2.2\nwww TXT x\n"
			   "cut NS ns.cut\nns.cut A 192.0.2.3\n"
			   "d DNAME example.net.\n"
			   "txt TXT y\nalias CNAME www\n"
			   "*.w A 192.0.2.4\na.b.c A 192.0.2.5\n"
			   "mx MX 1 a.mail\nmx MX 2 b.mail\nmx MX 3 mail\n"
			   "mx MX 4 other.example.net.\n"
			   "mx MX 5 more.example.net.\n";

static struct zone_builder *loaded(struct err *err)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	assert_true(zonefile_parse(b, "z", text, strlen(text), err));
	return b;
}

static void test_mark(void **state)
{
	static const struct {
		const char *name, *error; /* "": none */
	} rows[] = {
		{"live.example.com", ""},
		{"txt.example.com", ""},
		{"example.com", ""},
		{"x.live.example.com", ""},
		{"c.example.com", ""},
		{"www.example.com",
			"z:5: www.example.com: A at a steered name\n"},
		{"alias.example.com",
			"z:11: alias.example.com: CNAME at a steered name\n"},
		{"cut.example.com",
			"conf:7: cut.example.com is at or below a "
			"zone cut or DNAME\n"},
		{"x.y.cut.example.com",
			"conf:7: x.y.cut.example.com is at or "
			"below a zone cut or DNAME\n"},
		{"d.example.com",
			"conf:7: d.example.com is at or below a zone "
			"cut or DNAME\n"},
		{"x.d.example.com",
			"conf:7: x.d.example.com is at or below a "
			"zone cut or DNAME\n"},
		{"example.net", "conf:7: example.net is in no zone\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = {0};
		struct zone_builder *b = loaded(&err);
		struct name n = nm(rows[i].name);
		bool good = zone_builder_mark(b, &n, 77, "conf:7", &err);
		assert_int_equal(good, !*rows[i].error);
		assert_string_equal(err.text ? err.text : "", rows[i].error);
		struct zone *zone = zone_build(b, &err);
		assert_int_equal(zone != NULL, good);
		if (good) {
			struct zone_match m = zone_match_of(zone, &n);
			assert_int_equal(m.found, ZONE_EXACT);
			assert_int_equal(zone_mark(m.node), 77);
		}
		zone_free(zone);
		err_fini(&err);
	}
}

/* Records from code: node names. */
static void test_code(void **state)
{
	struct err err = {0};
	struct zone_builder *b = loaded(&err);
	struct name live = nm("live.example.com"), node = nm("hk1.example.com");
	struct name net = nm("example.net");
	static const struct {
		const char *name;
		enum zone_has has;
	} rows[] = {
		{"hk1.example.com", ZONE_HAS_NOTHING},
		{"www.example.com", ZONE_HAS_DATA},
		{"c.example.com", ZONE_HAS_NOTHING},
		{"cut.example.com", ZONE_HAS_CUT},
		{"hk1.cut.example.com", ZONE_HAS_CUT},
		{"hk1.d.example.com", ZONE_HAS_CUT},
		{"example.net", ZONE_HAS_OUTSIDE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name n = nm(rows[i].name);
		assert_int_equal(zone_builder_has(b, &n), rows[i].has);
	}
	assert_true(zone_builder_mark(b, &live, 1, NULL, &err));
	assert_int_equal(zone_builder_has(b, &live), ZONE_HAS_DATA);
	assert_true(zone_builder_add(b, &node, RR_A, 60,
		(const uint8_t *)"\300\0\2\11", 4, 0, &err));
	assert_int_equal(zone_builder_has(b, &node), ZONE_HAS_DATA);
	assert_false(zone_builder_add(b, &live, RR_A, 60,
		(const uint8_t *)"\300\0\2\11", 4, 0, &err));
	assert_false(zone_builder_add(
		b, &net, RR_A, 60, (const uint8_t *)"\300\0\2\11", 4, 0, &err));
	assert_false(zone_builder_add(
		b, &node, RR_A, 60, (const uint8_t *)"\300\0\2", 3, 0, &err));
	assert_false(zone_builder_add(
		b, &node, RR_NS, 60, (const uint8_t *)"\3abc", 4, 0, &err));
	assert_string_equal(err.text,
		"live.example.com A: the name is steered\n"
		"example.net A: out of zone\n"
		"hk1.example.com A: malformed RDATA\n"
		"hk1.example.com NS: malformed RDATA\n");
	assert_null(zone_build(b, &err));
	err_fini(&err);
}

static void test_made(void **state)
{
	static const char *const ns[] = {
		"ns1.example.com 203.0.113.5 2001:db8::5",
		"ns2.example.net 192.0.2.1", "ns3.example.com"};
	static const char *const bad[] = {"a..b", "ns1.example.com 1.2.3"};
	static const char *const where[] = {"conf:3", "conf:4", "conf:5"};
	struct name apex = nm("example.com");
	struct err err = {0};
	struct zone_builder *b = zone_builder_new(&apex);
	assert_true(zone_builder_make(b, ns, where, 3, 42, &err));
	struct zone *zone = zone_build(b, &err);
	assert_non_null(zone);
	assert_int_equal(zone->serial, 42);
	assert_int_equal(zone->negative_ttl, 60);
	assert_int_equal(zone->name_servers, 3);
	assert_int_equal(zone->records, 1 + 3 + 2);
	assert_string_equal(err.warnings,
		"example.com NS: name server "
		"ns3.example.com has no address\n");
	zone_free(zone);
	err_fini(&err);

	b = zone_builder_new(&apex);
	assert_false(zone_builder_make(b, bad, where, 2, 42, &err));
	assert_string_equal(err.text,
		"conf:3: not a name server: \"a..b\"\n"
		"conf:4: not an address: \"1.2.3\"\n");
	zone_builder_free(b);
	err_fini(&err);
}

/* Enumeration gives back every name and set once (AXFR, NSEC need it). */
static void test_enumerate(void **state)
{
	struct zone *zone = zone_text("example.com", text);
	uint32_t nodes = 0, records = 0;
	const struct zone_node *node = zone_apex(zone);

	for (; node; node = zone_next(node)) {
		struct name name;
		zone_node_name(zone, node, &name);
		struct zone_match m = zone_match_of(zone, &name);
		if (m.found == ZONE_EXACT)
			assert_ptr_equal(m.node, node);
		else
			assert_int_equal(m.found, ZONE_CUT);
		nodes++;
		const struct zone_rrset *set = zone_rrset_first(node);
		for (unsigned i = node->sets; i; i--) {
			records += set->count;
			set = zone_rrset_next(set);
		}
	}
	assert_int_equal(nodes, zone->nodes);
	assert_int_equal(nodes, 14);
	assert_int_equal(records, zone->records);
	assert_int_equal(records, 17);
	zone_free(zone);
}

static void test_find(void **state)
{
	struct zone *zone = zone_text("example.com", text);
	static const struct {
		const char *name;
		enum zone_found found;
		unsigned labels;
	} rows[] = {
		{"example.com", ZONE_EXACT, 2},
		{"www.example.com", ZONE_EXACT, 3},
		{"x.www.example.com", ZONE_NONE, 3},
		{"x.example.com", ZONE_NONE, 2},
		{"b.c.example.com", ZONE_EXACT, 4},
		{"x.b.c.example.com", ZONE_NONE, 4},
		{"cut.example.com", ZONE_CUT, 3},
		{"ns.cut.example.com", ZONE_CUT, 3},
		{"d.example.com", ZONE_EXACT, 3},
		{"x.y.d.example.com", ZONE_DNAME, 3},
		{"x.w.example.com", ZONE_WILDCARD, 3},
		{"x.y.w.example.com", ZONE_WILDCARD, 3},
		{"*.w.example.com", ZONE_EXACT, 4},
		{"x.*.w.example.com", ZONE_NONE, 4},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name n = nm(rows[i].name);
		zone_prefetch(zone, zone_hash(zone, &n));
		zone_prefetch_node(zone, zone_hash(zone, &n));
		struct zone_match m = zone_match_of(zone, &n);
		if (m.found != rows[i].found || m.labels != rows[i].labels)
			fail_msg("%s: %d %u", rows[i].name, m.found, m.labels);
	}
	zone_free(zone);
}

/* Only a name with every octet the same is the name, wherever its hash leads, and only
 * below the same parent. */
static void test_find_among_many(void **state)
{
	enum { N = 5000 };
	static char many[N * 40];
	size_t len = (size_t)sprintf(
		many, "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a.example.net.\n");
	for (unsigned i = 0; i < N; i++)
		len += (size_t)sprintf(many + len,
			i % 2 ? "host%u.x 60 A 192.0.2.1\n"
			      : "host%u 60 A 192.0.2.1\n",
			i);
	struct zone *zone = zone_text("example.com", many);
	for (unsigned i = 0; i < 2 * N; i++) {
		char label[60];
		for (unsigned below = 0; below < 2; below++) {
			bool there = i < N && i % 2 == below;
			sprintf(label, "host%u%s.example.com", i,
				below ? ".x" : "");
			struct name name = nm(label);
			assert_int_equal(zone_match_of(zone, &name).found,
				there ? ZONE_EXACT : ZONE_NONE);
		}
	}
	zone_free(zone);
}

/* Compression against the apex and within the set, from any place. */
static void test_write(void **state)
{
	struct zone *zone = zone_text("example.com", text);
	struct packet p = packet_query("mx.Example.com", RR_MX);
	struct name name = nm("mx.example.com");
	const struct zone_rrset *mx =
		zone_rrset(zone_match_of(zone, &name).node, RR_MX);
	uint8_t buffer[2048];
	struct query q;
	struct name qname;
	struct reply r;

	/* 12 + pref 2 + a.mail 7 + pointer, b 2 + pointer, pointer,
	 * other.example.net 19, more 5 + pointer */
	assert_int_equal(mx->len, 5 * 14 + 9 + 4 + 2 + 19 + 7);
	assert_true(query_read(&q, &qname, p.bytes, p.len));
	for (unsigned before = 0; before < 3; before++) {
		reply_begin(&r, buffer, sizeof buffer, 0, &q);
		for (unsigned i = 0; i < before; i++)
			reply_rr(&r, 12, RR_A, 9, "\1\1\1\1", 4);
		zone_rrset_write(mx, &r, 15, 15, 100);
		size_t len = reply_end(&r, 0, 0, NULL);
		const char *got = reply_text(buffer, len);
		assert_non_null(strstr(got,
			"Example.com. 100 MX 1 a.mail.Example.com. | "
			"Example.com. 100 MX 2 b.mail.Example.com. | "
			"Example.com. 100 MX 3 mail.Example.com. | "
			"Example.com. 100 MX 4 other.example.net. | "
			"Example.com. 100 MX 5 more.example.net."));
	}
	zone_free(zone);
}

/* The aim: at most 110 octets a name for names with one A. */
static void test_memory(void **state)
{
	struct name apex = nm("example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	struct err err = {0};
	char label[32];
	unsigned n = 20000;

	assert_true(zonefile_parse(b, "z", text, strlen(text), &err));
	for (uint32_t i = 0; i < n; i++) {
		struct name name;
		snprintf(label, sizeof label, "host%u", i);
		assert_true(name_parse(&name, label, strlen(label), &apex));
		assert_true(zone_builder_add(
			b, &name, RR_A, 300, (const uint8_t *)&i, 4, 0, &err));
	}
	struct zone *zone = zone_build(b, &err);
	assert_non_null(zone);
	assert_true(arena_size(zone->arena) / n < 110);
	for (uint32_t i = 0; i < n; i += 7) {
		snprintf(label, sizeof label, "host%u.example.com", i);
		struct name name = nm(label);
		const struct zone_rrset *set =
			zone_rrset(zone_match_of(zone, &name).node, RR_A);
		assert_memory_equal(set->body + 12, &i, 4);
	}
	zone_free(zone);
	err_fini(&err);
}

/* An RRset that no message can carry is refused at load. */
static void test_too_large(void **state)
{
	struct err err = {0};
	struct zone_builder *b = loaded(&err);
	struct name name = nm("big.example.com");
	static uint8_t rdata[30000];
	for (uint8_t i = 0; i < 3; i++) {
		rdata[1] = i;
		assert_int_equal(zone_builder_add(b, &name, 65280, 1, rdata,
					 sizeof rdata - 20, 1, &err),
			i < 2);
	}
	assert_string_equal(err.text,
		"big.example.com TYPE65280: an RRset too "
		"large for any message\n");
	zone_builder_free(b);
	err_fini(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_enumerate),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_among_many),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
