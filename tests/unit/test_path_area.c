/* Areas of clients: squares of some 300 km, and AS numbers (state/path_table.h). */
#include "world.h"

#include "state/path_table.h"

static uint64_t key_at(float lat, float lon)
{
	struct place place = {.lat = lat, .lon = lon, .source = PLACE_NETS};
	return path_area_key(&place);
}

/* How many areas lie side by side around the globe. */
static unsigned areas_around(float lat)
{
	unsigned n = 1;
	for (float lon = -179.9f; lon < 179.5f; lon += 0.25f)
		n += key_at(lat, lon) != key_at(lat, lon + 0.25f);
	return n;
}

/* Of 40,000 km of the equator an area has 300, and of the 20,000 at 60 degrees about
 * as much;
 * at the poles, where there is nobody, less. */
static void test_width(void **state)
{
	assert_int_equal(areas_around(0), 134);
	assert_int_equal(areas_around(60), 67);
	assert_int_equal(areas_around(-60), 69);
	assert_int_equal(areas_around(89), 14);
}

/* They begin at the south pole and at the date line. */
static void test_bounds(void **state)
{
	assert_true(key_at(-89.9f, 0) == key_at(-87.6f, 0));
	assert_true(key_at(-87.6f, 0) != key_at(-87.1f, 0));
	assert_true(key_at(-87.1f, 0) == key_at(-84.9f, 0));
	assert_true(key_at(-84.9f, 0) != key_at(-84.4f, 0));
	assert_true(key_at(0, -179.9f) == key_at(0, -177.6f));
	assert_true(key_at(0, -177.6f) != key_at(0, -176.9f));
}

/* Of a square each AS is an area, and the lower half of their keys is the same. */
static void test_as(void **state)
{
	struct place place = {.lat = 31, .lon = 121, .source = PLACE_NETS};
	uint64_t square = path_area_key(&place);
	static const uint32_t asns[] = {1, 4134, UINT32_MAX};
	for (unsigned i = 0; i < 3; i++) {
		place.asn = asns[i];
		assert_true(path_area_key(&place) >> 32 == asns[i]);
		assert_true((path_area_key(&place) & UINT32_MAX) == square);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_as),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
