/* test_zoneset.c - the longest suffix wins. */
#include "unit/dns.h"

#include "zones/zoneset.h"

static struct zone *made(const char *apex)
{
	static const char *const ns[] = {"ns.example.net"};
	struct name name = nm(apex);
	struct zone_builder *b = zone_builder_new(&name);
	struct err err = {0};
	assert_true(zone_builder_make(b, ns, NULL, 1, 1, &err));
	struct zone *zone = zone_build(b, &err);
	assert_non_null(zone);
	err_fini(&err);
	return zone;
}

static const char *find(const struct zoneset *s, const char *text, bool above)
{
	static char out[NAME_TEXT_MAX];
	struct name name = nm(text);
	const struct zone *zone =
		above ? zoneset_find_above(s, &name) : zoneset_find(s, &name);
	return zone ? name_text(&zone->apex, out) : "none";
}

static void test_find(void **state)
{
	static const char *const apexes[] = {"example.com", "sub.example.com",
		"a.b.c.d.example.net", "org", "127.in-addr.arpa"};
	struct zone *zones[6];
	for (int i = 0; i < 5; i++)
		zones[i] = made(apexes[i]);
	struct zoneset *s = zoneset_new((const struct zone *const *)zones, 5);
	assert_int_equal(zoneset_count(s), 5);
	assert_ptr_equal(zoneset_at(s, 1), zones[1]);

	static const char *const rows[][3] = {
		{"example.com", "example.com", "none"},
		{"www.example.com", "example.com", "example.com"},
		{"SUB.example.com", "sub.example.com", "example.com"},
		{"x.sub.example.com", "sub.example.com", "sub.example.com"},
		{"xsub.example.com", "example.com", "example.com"},
		{"c.d.example.net", "none", "none"},
		{"x.a.b.c.d.example.net", "a.b.c.d.example.net",
			"a.b.c.d.example.net"},
		{"org", "org", "none"},
		{"x.y.org", "org", "org"},
		{"com", "none", "none"},
		{".", "none", "none"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(find(s, rows[i][0], false), rows[i][1]);
		assert_string_equal(find(s, rows[i][0], true), rows[i][2]);
	}
	zoneset_free(s);

	zones[5] = made(".");
	s = zoneset_new((const struct zone *const *)zones, 6);
	assert_string_equal(find(s, "com", false), ".");
	assert_string_equal(find(s, ".", false), ".");
	assert_string_equal(find(s, "org", true), ".");
	assert_string_equal(find(s, ".", true), "none");
	zoneset_free(s);

	s = zoneset_new(NULL, 0);
	assert_string_equal(find(s, "example.com", false), "none");
	zoneset_free(s);
	for (int i = 0; i < 6; i++)
		zone_free(zones[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
