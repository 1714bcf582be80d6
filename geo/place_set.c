#include "geo/place_set.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

/* Its bytes differ from those of any place. */
static const struct place inside_place = {.source = UINT8_MAX};

static void slot_place(struct place_set *set, uint32_t index)
{
	uint64_t h = hash_bytes(&set->at[index], sizeof *set->at, 0);
	uint32_t mask = set->n_slots - 1, i = (uint32_t)h & mask;
	while (set->slots[i])
		i = (i + 1) & mask;
	set->slots[i] = index + 1;
}

static void grow_places(struct place_set *set)
{
	set->n_slots = set->n_slots ? 2 * set->n_slots : 1024;
	set->at = mem_grow(set->at, set->n_slots / 2 * sizeof *set->at);
	free(set->slots);
	set->slots = mem_zero(set->n_slots, sizeof *set->slots);
	for (uint32_t i = 0; i < set->n; i++)
		slot_place(set, i);
}

uint32_t place_set_add(struct place_set *set, const struct place *place)
{
	if (2 * (set->n + 1) >= set->n_slots)
		grow_places(set);
	uint64_t h = hash_bytes(place, sizeof *place, 0);
	uint32_t mask = set->n_slots - 1;
	for (uint32_t i = (uint32_t)h & mask; set->slots[i]; i = (i + 1) & mask)
		if (!memcmp(&set->at[set->slots[i] - 1], place, sizeof *place))
			return set->slots[i] - 1;
	set->at[set->n] = *place;
	slot_place(set, set->n);
	return set->n++;
}

void place_set_fini(struct place_set *set)
{
	free(set->at);
	free(set->slots);
}

static float rounded(float degrees, float steps)
{
	return roundf(degrees * steps) / steps + 0.0f; /* no negative zero */
}

struct place place_set_normal(const struct place *said)
{
	struct place p;
	memset(&p, 0, sizeof p);
	if (said->source >= PLACE_DATABASE && fabsf(said->lat) <= 90 &&
		fabsf(said->lon) <= 180) {
		float steps = said->source == PLACE_NETS ? 1e4f : 1e2f;
		p.lat = rounded(said->lat, steps);
		p.lon = rounded(said->lon, steps);
		p.source = said->source;
	}
	p.asn = said->asn;
	for (int i = 0; i < 2; i++) {
		char c = said->country[i] & ~0x20; /* upper case */
		if (c < 'A' || c > 'Z') {
			p.country[0] = p.country[1] = 0;
			break;
		}
		p.country[i] = c;
	}
	return p;
}

/* Field by field: what over says, else what under says. */
static struct place overlay(const struct place *over, const struct place *under)
{
	struct place p = *over;
	if (p.source == PLACE_UNKNOWN) {
		p.lat = under->lat;
		p.lon = under->lon;
		p.source = under->source;
	}
	if (!p.asn)
		p.asn = under->asn;
	if (!p.country[0])
		memcpy(p.country, under->country, sizeof p.country);
	return p;
}

uint32_t place_set_overlay(struct place_set *set, uint32_t over, uint32_t under)
{
	assert(over < set->n && under < set->n);
	if (over == under || under == 0 || over == PLACE_SET_INSIDE ||
		under == PLACE_SET_INSIDE)
		return over ? over : under;
	if (over == 0)
		return under;
	struct place p = overlay(&set->at[over], &set->at[under]);
	return place_set_add(set, &p);
}

struct place place_set_with_centre(const struct place *place)
{
	struct place p = *place;
	if (p.source == PLACE_UNKNOWN && p.country[0] &&
		place_country_centre(p.country, &p.lat, &p.lon))
		p.source = PLACE_COUNTRY;
	return p;
}

void place_set_init(struct place_set *set)
{
	struct place unknown;
	memset(&unknown, 0, sizeof unknown);
	*set = (struct place_set){0};
	place_set_add(set, &unknown);
	place_set_add(set, &inside_place);
}
