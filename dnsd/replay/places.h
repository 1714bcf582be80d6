/* places.h - the places that the clients of a recording are at, and the
 * geo table made of them.
 */
#ifndef REPLAY_PLACES_H
#define REPLAY_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "geo/prefixes.h"

struct replay_places;

struct replay_places *places_new(void);
void places_free(struct replay_places *places);

/* The number of the place with these words as coordinates ("-": not known) and
 * that AS number; it is added if it is new. */
unsigned places_find(struct replay_places *places, const char *lat,
	const char *lon, uint32_t asn);
unsigned places_count(const struct replay_places *places);

/* A table of all; the caller owns it. */
struct geo *places_build(struct replay_places *places);

/* The index of a place in the table that was built last. */
uint32_t places_index(const struct replay_places *places, unsigned place);

#endif
