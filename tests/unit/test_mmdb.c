/* Databases of tests/data/geo (mk.pl) and nets files, good and broken. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "geo/mmdb.h"
#include "geo/nets.h"

#define DATA "tests/data/geo/"

static struct geo *load(const char *nets, const char *const *databases)
{
	struct err err = {0};
	unsigned n = 0;
	while (databases && databases[n])
		n++;
	struct geo *geo = geo_load(nets, databases, n, &err);
	if (!geo)
		fail_msg("%s", err_text(&err));
	err_fini(&err);
	return geo;
}

#define LOAD(...) load(NULL, (const char *const[]){__VA_ARGS__, NULL})

static const struct place *place(const struct geo *geo, const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return geo_place(geo, geo_find(geo, &a).place);
}

static void assert_place(const struct geo *geo, const char *text, double lat,
	double lon, const char *country, uint32_t asn)
{
	const struct place *p = place(geo, text);
	if (fabs(p->lat - lat) > 0.006 || fabs(p->lon - lon) > 0.006)
		fail_msg("%s: at %f,%f", text, p->lat, p->lon);
	char is[3] = {p->country[0], p->country[1], 0};
	assert_string_equal(is, country);
	assert_int_equal(p->asn, asn);
}

static void test_city(void **state)
{
	struct geo *geo = LOAD(DATA "city.mmdb");
	assert_place(geo, "192.0.2.77", 43.9, 125.3, "CN", 0);
	assert_place(geo, "198.51.100.1", 51.5, -0.1, "GB", 0);
	assert_place(geo, "198.51.100.129", 48.86, 2.35, "FR", 0);
	assert_place(geo, "2001:db8:1::1", 47.3, -122.3, "US", 0);
	assert_place(geo, "2001:db8:8000::", -23.5, -46.6, "BR", 0);
	assert_int_equal(place(geo, "203.0.113.1")->source, PLACE_COUNTRY);
	assert_int_equal(place(geo, "100.64.2.1")->source, PLACE_COUNTRY);
	assert_memory_equal(place(geo, "100.64.2.1")->country, "JP", 2);
	assert_int_equal(place(geo, "10.1.2.3")->source, PLACE_UNKNOWN);
	/* 0,0 with a country that does not exist */
	assert_int_equal(place(geo, "11.1.2.3")->source, PLACE_UNKNOWN);
	/* 6to4 and NAT64: of the IPv4 address inside, alias or not */
	assert_place(geo, "2002:c000:201::", 43.9, 125.3, "CN", 0);
	assert_place(geo, "64:ff9b::198.51.100.129", 48.86, 2.35, "FR", 0);
	assert_int_equal(place(geo, "2002:a01:203::")->source, PLACE_UNKNOWN);
	geo_free(geo);
}

static void test_flat(void **state)
{
	struct geo *geo = LOAD(DATA "flat4.mmdb", DATA "flat6.mmdb");
	assert_place(geo, "192.0.2.77", 43.9, 125.3, "CN", 0);
	assert_place(geo, "198.51.100.1", 51.5, -0.1, "GB", 0);
	assert_place(geo, "2001:db8:1::1", 47.3, -122.3, "US", 0);
	geo_free(geo);
	geo = LOAD(DATA "whole.mmdb");
	assert_place(geo, "192.0.2.77", -33, 151, "AU", 0);
	geo_free(geo);
}

static void test_merge(void **state)
{
	struct geo *geo =
		LOAD(DATA "asn.mmdb", DATA "country.mmdb", DATA "flat4.mmdb");
	/* country from the first file that has one, coordinates from the city
	 * data although the country has a centre, ASN from the third */
	assert_place(geo, "192.0.2.77", 43.9, 125.3, "JP", 4134);
	assert_place(geo, "192.0.2.200", 43.9, 125.3, "JP", 4837);
	assert_int_equal(place(geo, "2001:db8::1")->source, PLACE_COUNTRY);
	assert_int_equal(place(geo, "2001:db8::1")->asn, 9808);
	assert_int_equal(place(geo, "2001:db8:8000::1")->asn, 0);
	geo_free(geo);
}

/* Other names, other depths, texts for numbers; and what was found is said. */
static void test_vendors(void **state)
{
	struct geo *geo = LOAD(DATA "vendor.mmdb");
	assert_place(geo, "192.0.2.77", 43.9, 125.3, "CN", 2516);
	assert_place(geo, "198.51.100.1", -33.9, 151.2, "AU", 4134);
	assert_place(geo, "198.51.100.129", 48.86, 2.35, "FR", 3215);
	assert_place(geo, "203.0.113.1", 51.5, -0.1, "GB", 2856);
	assert_int_equal(place(geo, "203.0.113.129")->source, PLACE_UNKNOWN);
	assert_int_equal(place(geo, "203.0.113.129")->asn, 0);
	assert_int_equal(place(geo, "100.64.2.1")->source, PLACE_UNKNOWN);
	assert_int_equal(place(geo, "2001:db8::1")->source, PLACE_COUNTRY);
	assert_string_equal(geo_report(geo),
		DATA
		"vendor.mmdb: 7 records: coordinates in 4, country in 5, "
		"AS number in 4; coordinates not readable in 2, as 'north'; "
		"country not readable in 1, as 'Germany'; "
		"AS number not readable in 1, as 'ASx'\n");
	geo_free(geo);
	geo = LOAD(DATA "city.mmdb", DATA "asn.mmdb");
	assert_string_equal(geo_report(geo),
		DATA "city.mmdb: 9 records: coordinates in 5, country in 8, "
		     "AS number in 0\n" DATA "asn.mmdb: 3 records: "
		     "coordinates in 0, country in 0, AS number in 3\n");
	geo_free(geo);
}

/* -- broken files -- */

static char *temp_file(const void *bytes, size_t n)
{
	char *path = mem_strdup("/tmp/dnsd-test-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	return path;
}

static void refuse(const char *path, const char *why)
{
	struct err err = {0};
	assert_null(geo_load(NULL, &path, 1, &err));
	if (!strstr(err_text(&err), why) ||
		strncmp(err_text(&err), path, strlen(path)) != 0)
		fail_msg("'%s' is not about %s", err_text(&err), why);
	err_fini(&err);
}

static void refuse_bytes(const void *bytes, size_t n, const char *why)
{
	char *path = temp_file(bytes, n);
	refuse(path, why);
	unlink(path);
	free(path);
}

static size_t slurp(const char *path, uint8_t *out, size_t room)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(out, 1, room, f);
	fclose(f);
	return n;
}

static void test_refused(void **state)
{
	uint8_t bytes[8192];
	size_t n = slurp(DATA "city.mmdb", bytes, sizeof bytes);

	refuse("/nonexistent.mmdb", "No such file");
	refuse("/tmp", "not a file");
	refuse(DATA "useless.mmdb", "no usable field");
	refuse(DATA "unreadable.mmdb",
		"coordinates not readable in 1, as 'north'");
	refuse(DATA "mk.pl", "not a MaxMind database");
	refuse_bytes("", 0, "not a MaxMind database");
	refuse_bytes(bytes, n / 2, "not a MaxMind database");
	refuse_bytes(bytes, n - 1, "");
	refuse_bytes(bytes + n / 2, n - n / 2, "");
}

/* Any byte may be wrong: refused or read, but never a crash. Nodes that
 * lead to themselves are a loop. */
static void test_damaged(void **state)
{
	uint8_t good[4096], bad[4096];
	size_t n = slurp(DATA "flat4.mmdb", good, sizeof good);

	memcpy(bad, good, n);
	for (unsigned i = 0; i < 12; i++) /* nodes 0 and 1 lead to node 1 */
		bad[i] = i % 3 == 2;
	refuse_bytes(bad, n, "loop");
	memset(bad, 0xff, 6);
	refuse_bytes(bad, n, "");
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		struct buf report = {0};
		memcpy(bad, good, n);
		bad[i] ^= 0xff;
		char *path = temp_file(bad, n);
		struct geo_builder *b = geo_builder_new();
		if (mmdb_read(b, 1, path, &report, &err))
			geo_free(geo_build(b));
		else
			geo_builder_free(b);
		buf_fini(&report);
		unlink(path);
		free(path);
		err_fini(&err);
	}
}

/* -- nets -- */

static void test_nets(void **state)
{
	static const char text[] =
		"# comment\n\n"
		"192.0.2.0/25\t1.25,-2.5   de 64512 # trailing\r\n"
		"192.0.2.128/25 0,0 - AS4134\n"
		"198.51.100.7 -90,180\n"
		"2001:db8::/32 1,2 US";
	char *path = temp_file(text, sizeof text - 1);
	struct geo *geo = load(path, (const char *[]){DATA "city.mmdb", NULL});
	assert_place(geo, "192.0.2.1", 1.25, -2.5, "DE", 64512);
	assert_place(geo, "192.0.2.129", 0, 0, "CN", 4134);
	assert_int_equal(place(geo, "192.0.2.129")->source, PLACE_NETS);
	assert_place(geo, "198.51.100.7", -90, 180, "GB", 0);
	assert_place(geo, "2001:db8:8000::1", 1, 2, "US", 0);
	geo_free(geo);
	unlink(path);
	free(path);
}

static void test_nets_errors(void **state)
{
	static const char text[] = "192.0.2.0/24 1,2\n"
				   "192.0.2.1/24 1,2\n"
				   "192.0.2.0/33 1,2\n"
				   "host 1,2\n"
				   "10.0.0.0/8\n"
				   "10.0.0.0/8 91,2\n"
				   "10.0.0.0/8 1;2\n"
				   "10.0.0.0/8 nan,2\n"
				   "10.0.0.0/8 1,2,3\n"
				   "10.0.0.0/8 1,2 DEU\n"
				   "10.0.0.0/8 1,2 DE 99999999999\n"
				   "10.0.0.0/8 1,2 DE 1x\n"
				   "10.0.0.0/8 1,2 DE 1 more\n"
				   "192.0.2.0/24 3,4\n";
	static const char *const wants[] = {":2: address bits", ":3: not a net",
		":4: not a net", ":5: coordinates", ":6: not LAT",
		":7: not LAT", ":8: not LAT", ":9: not LAT",
		":10: not a country", ":11: not an ASN", ":12: not an ASN",
		":13: too much", ":14: 192.0.2.0/24 is already in line 1"};
	struct err err = {0};
	char *path = temp_file(text, sizeof text - 1);
	struct geo_builder *b = geo_builder_new();

	assert_false(nets_read(b, 0, path, &err));
	assert_int_equal(err.count, sizeof wants / sizeof *wants);
	for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
		if (!strstr(err.text, wants[i]))
			fail_msg("no '%s' in\n%s", wants[i], err.text);
	geo_builder_free(b);
	err_fini(&err);
	unlink(path);
	free(path);
	assert_null(geo_load("/nonexistent", NULL, 0, &err));
	assert_string_equal(
		err_text(&err), "/nonexistent: No such file or directory");
	err_fini(&err);
}

static void test_nothing(void **state)
{
	struct geo *geo = load("", NULL);
	assert_int_equal(geo_places(geo), 1);
	geo_free(geo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_city),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_vendors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_nets_errors),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
