/* place_json.h - a place in JSON. Private to http/. */
#ifndef HTTP_PLACE_JSON_H
#define HTTP_PLACE_JSON_H

#include <jansson.h>

#include "state/path_table.h"

/* Adds what is known of where a place belongs: `country`, `asn`. */
static inline void place_json_add(json_t *json, const struct place *place)
{
	if (place->country[0])
		json_object_set_new(
			json, "country", json_stringn(place->country, 2));
	if (place->asn)
		json_object_set_new(json, "asn", json_integer(place->asn));
}

#endif
