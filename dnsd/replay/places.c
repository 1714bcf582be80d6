#include "replay/places.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/index.h"
#include "geo/builder.h"
#include "state/map.h"

struct place_key {
	float lat, lon;
	uint32_t asn, placed;
};

struct replay_places {
	struct index *numbers; /* of keys */
	struct place_key *key; /* by number */
	uint32_t *index;       /* in the geo table, by number */
	unsigned room;
};

struct replay_places *places_new(void)
{
	struct replay_places *p = mem_zero(1, sizeof *p);
	p->numbers = index_new();
	return p;
}

void places_free(struct replay_places *p)
{
	free(p->key);
	free(p->index);
	index_free(p->numbers);
	free(p);
}

unsigned places_count(const struct replay_places *p)
{
	return index_count(p->numbers);
}

uint32_t places_index(const struct replay_places *p, unsigned place)
{
	assert(place < places_count(p));
	return p->index[place];
}

/* The grid of the map's cells: what lies in one cell has one path anyway, and
 * each new place means to build the map again. */
static float on_grid(const char *degrees)
{
	return (floorf((float)atof(degrees) * MAP_CELLS_PER_DEGREE) + .5f) /
		MAP_CELLS_PER_DEGREE;
}

unsigned places_find(
	struct replay_places *p, const char *lat, const char *lon, uint32_t asn)
{
	struct place_key key = {.asn = asn, .placed = strcmp(lat, "-") != 0};
	if (key.placed) {
		key.lat = on_grid(lat);
		key.lon = on_grid(lon);
	}
	bool made;
	uint32_t number = index_number(p->numbers, &key, sizeof key, &made);
	if (number == p->room) {
		p->room = p->room ? p->room * 2 : 1024;
		p->key = mem_grow(p->key, p->room * sizeof *p->key);
		p->index = mem_grow(p->index, p->room * sizeof *p->index);
	}
	if (made)
		p->key[number] = key;
	return number;
}

/* A place is reached through an address of its own in 240.0.0.0/4. */
static struct addr place_address(unsigned i)
{
	return (struct addr){.family = 4,
		.bytes = {240, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i}};
}

struct geo *places_build(struct replay_places *p)
{
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < places_count(p); i++) {
		struct prefix at = {place_address(i), 32};
		struct place place = {.lat = p->key[i].lat,
			.lon = p->key[i].lon,
			.asn = p->key[i].asn,
			.source =
				p->key[i].placed ? PLACE_NETS : PLACE_UNKNOWN};
		geo_builder_add(b, 0, &at, &place);
	}
	struct geo *geo = geo_build(b);
	for (unsigned i = 0; i < places_count(p); i++) {
		struct addr a = place_address(i);
		p->index[i] = geo_find(geo, &a).place;
	}
	return geo;
}
