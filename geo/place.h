/* place.h - where a client net is, and how far that is from a node.
 *
 * A place is what geography knows of a range of addresses: coordinates,
 * country, ASN. Places are leaves of the prefix table (prefixes.h).
 * Pure functions; any thread.
 */
#ifndef GEO_PLACE_H
#define GEO_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Where the coordinates of a place come from. */
enum place_source {
	PLACE_UNKNOWN, /* no coordinates: lat and lon mean nothing */
	PLACE_COUNTRY, /* the centre of the country */
	PLACE_DATABASE,
	PLACE_NETS, /* the operator's nets file */
};

struct place {
	float lat, lon;  /* degrees */
	uint32_t asn;    /* 0: not known */
	char country[2]; /* ISO 3166 alpha-2, upper case; {0,0}: not known */
	uint8_t source;  /* enum place_source */
};

/* Great circle distance in kilometres. */
double place_km(double lat1, double lon1, double lat2, double lon2);

/* Round trip estimate for a distance: what real routes show in the median. */
#define PLACE_NEAR_MS 5.0
#define PLACE_MS_PER_KM 0.016
static inline double place_path_ms(double km)
{
	return PLACE_NEAR_MS + PLACE_MS_PER_KM * km;
}

/* The centre of a country by its ISO 3166 alpha-2 code (any case), weighted to
 * where its people are rather than its area. False if there is no such code. */
bool place_country_centre(const char country[2], float *lat, float *lon);

#endif
