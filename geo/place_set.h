/* place_set.h - the distinct places of a prefix table that is being built, by number.
 * Private to geo/.
 */
#ifndef GEO_PLACE_SET_H
#define GEO_PLACE_SET_H

#include <stdint.h>

#include "geo/place.h"

/* The number of what TABLE_INSIDE is in a table; 0 is unknown. */
#define PLACE_SET_INSIDE 1

/* Distinct places in the order they came; slots is an open hash of index + 1. */
struct place_set {
	struct place *at;
	uint32_t *slots;
	uint32_t n, n_slots; /* n_slots: a power of two, more than 2 n */
};

/* A set with these two. */
void place_set_init(struct place_set *set);
void place_set_fini(struct place_set *set);

/* The number of a place, new or old. Padding must be zero. */
uint32_t place_set_add(struct place_set *set, const struct place *place);

/* The number of one place over another: field by field what over says, else what
 * under says. */
uint32_t place_set_overlay(
	struct place_set *set, uint32_t over, uint32_t under);

/* What was said, in one form: fields that mean nothing are zero. Centres of
 * countries are made at the end, when all layers have spoken. A city database
 * knows a place to some kilometres; steps of one make far fewer places. */
struct place place_set_normal(const struct place *said);

/* Says where a country is when nothing better was said. */
struct place place_set_with_centre(const struct place *place);

#endif
