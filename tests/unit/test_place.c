#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "geo/place.h"

static void assert_near(double a, double b, double within)
{
	if (fabs(a - b) > within)
		fail_msg("%f is not within %f of %f", a, within, b);
}

static void test_distance(void **state)
{
	assert_near(place_km(51.5, -0.1, 48.86, 2.35), 342, 3);
	assert_near(place_km(51.5, -0.1, 40.71, -74.0), 5570, 20);
	assert_near(place_km(0, 179.5, 0, -179.5), 111.2, 0.5);
	assert_near(place_km(90, 0, -90, 0), 20015, 1);
	assert_near(place_km(12, 34, -12, -146), 20015, 1); /* opposite */
	assert_near(place_km(22.3, 114.2, 22.3, 114.2), 0, 1e-6);
	assert_near(place_path_ms(1000), 21, 1e-9);
}

static void test_country(void **state)
{
	float lat = 0, lon = 0;
	assert_true(place_country_centre("GB", &lat, &lon));
	assert_near(lat, 52.6, 1);
	assert_true(place_country_centre("gb", &lat, &lon));
	assert_true(place_country_centre("CN", &lat, &lon));
	assert_near(lon, 113, 3);
	assert_true(place_country_centre("AD", &lat, &lon));
	assert_true(place_country_centre("ZW", &lat, &lon));
	assert_false(place_country_centre("QQ", &lat, &lon));
	assert_false(place_country_centre("\0\0", &lat, &lon));
}

/* The table is searched by halves: every code must be found. */
static void test_all_countries(void **state)
{
	unsigned found = 0;
	for (char a = 'A'; a <= 'Z'; a++) {
		for (char b = 'A'; b <= 'Z'; b++) {
			float lat = 99, lon = 199;
			if (!place_country_centre((char[]){a, b}, &lat, &lon))
				continue;
			found++;
			assert_true(fabsf(lat) <= 90 && fabsf(lon) <= 180);
		}
	}
	assert_int_equal(found, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_country),
		cmocka_unit_test(test_all_countries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
