#include "geo/place.h"

#include <math.h>
#include <stddef.h>

#define EARTH_KM 6371.0
#define RADIANS (3.14159265358979323846 / 180.0)

/* Haversine: exact enough everywhere, also for near and for opposite points,
 * where the law of cosines loses its digits. */
double place_km(double lat1, double lon1, double lat2, double lon2)
{
	double dlat = sin((lat2 - lat1) * RADIANS / 2);
	double dlon = sin((lon2 - lon1) * RADIANS / 2);
	double h = dlat * dlat +
		cos(lat1 * RADIANS) * cos(lat2 * RADIANS) * dlon * dlon;
	return 2 * EARTH_KM * asin(sqrt(h < 1 ? h : 1));
}

/* Where the people are, not the middle of the land: Canada's is near Toronto,
 * Australia's between Sydney and Melbourne. To half a degree for the large
 * ones, which is far finer than what a country alone can say. Sorted. */
/* clang-format off */
static const struct centre {
	char code[2];
	float lat, lon;
} centres[] = {
	{"AD", 42.5f, 1.5f}, {"AE", 25.0f, 55.2f}, {"AF", 34.5f, 68.0f},
	{"AG", 17.1f, -61.8f}, {"AI", 18.2f, -63.1f}, {"AL", 41.2f, 19.9f},
	{"AM", 40.3f, 44.5f}, {"AO", -10.0f, 14.5f}, {"AQ", -77.8f, 166.7f},
	{"AR", -33.6f, -60.8f}, {"AS", -14.3f, -170.7f}, {"AT", 47.9f, 15.0f},
	{"AU", -33.5f, 147.5f}, {"AW", 12.5f, -70.0f}, {"AX", 60.1f, 19.9f},
	{"AZ", 40.4f, 48.6f}, {"BA", 44.2f, 17.8f}, {"BB", 13.1f, -59.6f},
	{"BD", 23.8f, 90.3f}, {"BE", 50.9f, 4.5f}, {"BF", 12.3f, -1.5f},
	{"BG", 42.6f, 24.7f}, {"BH", 26.2f, 50.6f}, {"BI", -3.3f, 29.7f},
	{"BJ", 7.2f, 2.3f}, {"BL", 17.9f, -62.8f}, {"BM", 32.3f, -64.8f},
	{"BN", 4.9f, 114.9f}, {"BO", -17.0f, -65.5f}, {"BQ", 12.2f, -68.3f},
	{"BR", -19.0f, -45.7f}, {"BS", 25.1f, -77.3f}, {"BT", 27.2f, 90.0f},
	{"BV", -54.4f, 3.4f}, {"BW", -23.6f, 26.3f}, {"BY", 53.8f, 27.8f},
	{"BZ", 17.4f, -88.5f}, {"CA", 46.0f, -85.0f}, {"CC", -12.2f, 96.8f},
	{"CD", -3.8f, 22.6f}, {"CF", 5.2f, 18.8f}, {"CG", -4.1f, 14.6f},
	{"CH", 47.1f, 8.0f}, {"CI", 6.3f, -5.0f}, {"CK", -21.2f, -159.8f},
	{"CL", -34.0f, -71.2f}, {"CM", 4.9f, 11.2f}, {"CN", 32.8f, 113.5f},
	{"CO", 5.6f, -74.6f}, {"CR", 9.9f, -84.1f}, {"CU", 22.2f, -80.0f},
	{"CV", 15.1f, -23.6f}, {"CW", 12.1f, -68.9f}, {"CX", -10.4f, 105.7f},
	{"CY", 35.0f, 33.2f}, {"CZ", 49.8f, 15.6f}, {"DE", 50.9f, 9.5f},
	{"DJ", 11.6f, 43.1f}, {"DK", 55.8f, 11.0f}, {"DM", 15.3f, -61.4f},
	{"DO", 18.8f, -70.2f}, {"DZ", 36.0f, 3.3f}, {"EC", -1.5f, -79.2f},
	{"EE", 59.1f, 25.3f}, {"EG", 29.9f, 31.2f}, {"EH", 27.1f, -13.2f},
	{"ER", 15.3f, 38.8f}, {"ES", 39.8f, -3.2f}, {"ET", 9.0f, 38.9f},
	{"FI", 61.7f, 24.8f}, {"FJ", -18.0f, 178.1f}, {"FK", -51.7f, -57.9f},
	{"FM", 6.9f, 158.2f}, {"FO", 62.0f, -6.9f}, {"FR", 47.3f, 2.7f},
	{"GA", 0.1f, 10.2f}, {"GB", 52.6f, -1.5f}, {"GD", 12.1f, -61.7f},
	{"GE", 41.9f, 43.9f}, {"GF", 4.9f, -52.5f}, {"GG", 49.5f, -2.6f},
	{"GH", 6.4f, -1.0f}, {"GI", 36.1f, -5.4f}, {"GL", 65.5f, -51.5f},
	{"GM", 13.4f, -16.4f}, {"GN", 10.0f, -12.0f}, {"GP", 16.2f, -61.6f},
	{"GQ", 2.6f, 9.7f}, {"GR", 38.7f, 23.3f}, {"GS", -54.3f, -36.5f},
	{"GT", 14.8f, -90.7f}, {"GU", 13.5f, 144.8f}, {"GW", 11.9f, -15.4f},
	{"GY", 6.6f, -58.2f}, {"HK", 22.3f, 114.2f}, {"HM", -53.1f, 73.5f},
	{"HN", 14.7f, -87.1f}, {"HR", 45.4f, 16.1f}, {"HT", 18.7f, -72.5f},
	{"HU", 47.3f, 19.3f}, {"ID", -6.5f, 109.0f}, {"IE", 53.1f, -7.0f},
	{"IL", 32.0f, 34.9f}, {"IM", 54.2f, -4.5f}, {"IN", 22.5f, 79.8f},
	{"IO", -7.3f, 72.4f}, {"IQ", 33.2f, 44.2f}, {"IR", 34.5f, 51.5f},
	{"IS", 64.3f, -21.3f}, {"IT", 43.0f, 11.8f}, {"JE", 49.2f, -2.1f},
	{"JM", 18.1f, -77.1f}, {"JO", 31.9f, 35.9f}, {"JP", 35.7f, 138.0f},
	{"KE", -0.9f, 36.8f}, {"KG", 41.8f, 73.8f}, {"KH", 11.8f, 104.8f},
	{"KI", 1.4f, 173.0f}, {"KM", -11.9f, 43.6f}, {"KN", 17.3f, -62.7f},
	{"KP", 39.3f, 126.2f}, {"KR", 36.7f, 127.5f}, {"KW", 29.3f, 48.0f},
	{"KY", 19.3f, -81.3f}, {"KZ", 47.5f, 71.0f}, {"LA", 17.5f, 103.3f},
	{"LB", 33.9f, 35.6f}, {"LC", 13.9f, -61.0f}, {"LI", 47.2f, 9.5f},
	{"LK", 7.0f, 80.2f}, {"LR", 6.4f, -10.2f}, {"LS", -29.4f, 27.9f},
	{"LT", 55.1f, 24.2f}, {"LU", 49.6f, 6.1f}, {"LV", 56.9f, 24.4f},
	{"LY", 32.2f, 15.5f}, {"MA", 33.2f, -6.7f}, {"MC", 43.7f, 7.4f},
	{"MD", 47.1f, 28.7f}, {"ME", 42.5f, 19.2f}, {"MF", 18.1f, -63.1f},
	{"MG", -19.2f, 47.4f}, {"MH", 7.1f, 171.3f}, {"MK", 41.8f, 21.5f},
	{"ML", 13.2f, -6.8f}, {"MM", 19.0f, 96.0f}, {"MN", 47.8f, 106.0f},
	{"MO", 22.2f, 113.5f}, {"MP", 15.2f, 145.7f}, {"MQ", 14.6f, -61.0f},
	{"MR", 17.7f, -14.6f}, {"MS", 16.7f, -62.2f}, {"MT", 35.9f, 14.5f},
	{"MU", -20.2f, 57.6f}, {"MV", 4.2f, 73.5f}, {"MW", -14.2f, 34.6f},
	{"MX", 20.4f, -100.2f}, {"MY", 3.3f, 103.0f}, {"MZ", -18.3f, 36.3f},
	{"NA", -19.9f, 16.5f}, {"NC", -22.1f, 166.4f}, {"NE", 13.7f, 6.2f},
	{"NF", -29.0f, 168.0f}, {"NG", 8.5f, 7.0f}, {"NI", 12.4f, -86.1f},
	{"NL", 52.1f, 5.1f}, {"NO", 60.6f, 9.6f}, {"NP", 27.5f, 84.9f},
	{"NR", -0.5f, 166.9f}, {"NU", -19.1f, -169.9f}, {"NZ", -38.8f, 174.9f},
	{"OM", 23.2f, 57.8f}, {"PA", 8.8f, -80.0f}, {"PE", -10.3f, -76.5f},
	{"PF", -17.4f, -149.6f}, {"PG", -6.3f, 145.2f}, {"PH", 13.0f, 122.0f},
	{"PK", 30.5f, 71.5f}, {"PL", 51.8f, 19.3f}, {"PM", 46.8f, -56.2f},
	{"PN", -25.1f, -130.1f}, {"PR", 18.3f, -66.3f}, {"PS", 31.8f, 34.9f},
	{"PT", 39.7f, -8.5f}, {"PW", 7.3f, 134.5f}, {"PY", -25.3f, -56.8f},
	{"QA", 25.3f, 51.5f}, {"RE", -21.1f, 55.5f}, {"RO", 45.5f, 25.4f},
	{"RS", 44.3f, 20.7f}, {"RU", 55.0f, 49.0f}, {"RW", -1.9f, 30.0f},
	{"SA", 24.2f, 43.8f}, {"SB", -9.2f, 160.0f}, {"SC", -4.6f, 55.5f},
	{"SD", 14.2f, 31.8f}, {"SE", 58.9f, 15.5f}, {"SG", 1.35f, 103.8f},
	{"SH", -15.9f, -5.7f}, {"SI", 46.2f, 14.9f}, {"SJ", 78.2f, 15.6f},
	{"SK", 48.7f, 19.3f}, {"SL", 8.3f, -12.3f}, {"SM", 43.9f, 12.5f},
	{"SN", 14.6f, -16.3f}, {"SO", 4.2f, 45.0f}, {"SR", 5.8f, -55.2f},
	{"SS", 7.5f, 30.3f}, {"ST", 0.3f, 6.7f}, {"SV", 13.7f, -89.0f},
	{"SX", 18.0f, -63.1f}, {"SY", 35.0f, 37.3f}, {"SZ", -26.5f, 31.4f},
	{"TC", 21.8f, -72.2f}, {"TD", 11.1f, 17.0f}, {"TF", -49.3f, 70.2f},
	{"TG", 7.4f, 1.0f}, {"TH", 14.8f, 101.0f}, {"TJ", 38.5f, 69.2f},
	{"TK", -9.2f, -171.8f}, {"TL", -8.7f, 125.8f}, {"TM", 38.3f, 60.0f},
	{"TN", 36.0f, 10.1f}, {"TO", -21.1f, -175.2f}, {"TR", 39.3f, 32.4f},
	{"TT", 10.5f, -61.4f}, {"TV", -8.5f, 179.2f}, {"TW", 24.2f, 120.9f},
	{"TZ", -5.6f, 35.3f}, {"UA", 48.9f, 31.9f}, {"UG", 0.8f, 32.4f},
	{"UM", 19.3f, 166.6f}, {"US", 38.0f, -91.5f}, {"UY", -34.3f, -56.0f},
	{"UZ", 40.4f, 68.0f}, {"VA", 41.9f, 12.45f}, {"VC", 13.2f, -61.2f},
	{"VE", 9.9f, -67.6f}, {"VG", 18.4f, -64.6f}, {"VI", 18.1f, -64.8f},
	{"VN", 16.0f, 106.5f}, {"VU", -17.0f, 168.0f}, {"WF", -13.6f, -177.0f},
	{"WS", -13.8f, -171.9f}, {"XK", 42.6f, 20.9f}, {"YE", 14.7f, 44.5f},
	{"YT", -12.8f, 45.2f}, {"ZA", -27.8f, 28.3f}, {"ZM", -13.9f, 28.0f},
	{"ZW", -18.7f, 30.9f},
};
/* clang-format on */

static int upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

bool place_country_centre(const char country[2], float *lat, float *lon)
{
	int c0 = upper(country[0]), c1 = upper(country[1]);
	size_t low = 0, high = sizeof centres / sizeof *centres;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct centre *c = &centres[mid];
		int order =
			c0 != c->code[0] ? c0 - c->code[0] : c1 - c->code[1];
		if (order == 0) {
			*lat = c->lat;
			*lon = c->lon;
			return true;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}
