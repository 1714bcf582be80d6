#include "replay/places.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "geo/builder.h"
#include "state/map.h"

struct place_key {
	float lat, lon;
	uint32_t asn, placed;
};

struct replay_places {
	struct place_key *key;
	uint32_t *index; /* in the geo table */
	unsigned n, room;
	uint32_t *slot; /* number + 1 by hash, 0: free; twice as many as room */
};

struct replay_places *places_new(void)
{
	return mem_zero(1, sizeof(struct replay_places));
}

void places_free(struct replay_places *p)
{
	free(p->key);
	free(p->index);
	free(p->slot);
	free(p);
}

unsigned places_count(const struct replay_places *p)
{
	return p->n;
}

uint32_t places_index(const struct replay_places *p, unsigned place)
{
	return p->index[place];
}

/* Where a key is, or where there is room for it. */
static uint32_t *places_slot_of(
	struct replay_places *p, const struct place_key *key)
{
	unsigned mask = p->room * 2 - 1;
	unsigned i = (unsigned)hash_bytes(key, sizeof *key, 1) & mask;
	while (p->slot[i] && memcmp(&p->key[p->slot[i] - 1], key, sizeof *key))
		i = (i + 1) & mask;
	return &p->slot[i];
}

static void places_grow(struct replay_places *p)
{
	p->room = p->room ? p->room * 2 : 1024;
	p->key = mem_grow(p->key, p->room * sizeof *p->key);
	p->index = mem_grow(p->index, p->room * sizeof *p->index);
	free(p->slot);
	p->slot = mem_zero(p->room * 2, sizeof *p->slot);
	for (unsigned i = 0; i < p->n; i++)
		*places_slot_of(p, &p->key[i]) = i + 1;
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
	if (p->n == p->room)
		places_grow(p);
	uint32_t *slot = places_slot_of(p, &key);
	if (!*slot) {
		p->key[p->n++] = key;
		*slot = p->n;
	}
	return *slot - 1;
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
	for (unsigned i = 0; i < p->n; i++) {
		struct prefix at = {place_address(i), 32};
		struct place place = {.lat = p->key[i].lat,
			.lon = p->key[i].lon,
			.asn = p->key[i].asn,
			.source =
				p->key[i].placed ? PLACE_NETS : PLACE_UNKNOWN};
		geo_builder_add(b, 0, &at, &place);
	}
	struct geo *geo = geo_build(b);
	for (unsigned i = 0; i < p->n; i++) {
		struct addr a = place_address(i);
		p->index[i] = geo_find(geo, &a).place;
	}
	return geo;
}
