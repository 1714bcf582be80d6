/* builder.h - makes a prefix table (prefixes.h) of ranges. Off the query path; one
 * thread a builder.
 */
#ifndef GEO_BUILDER_H
#define GEO_BUILDER_H

#include "geo/prefixes.h"

struct geo_builder;
struct geo_builder *geo_builder_new(void);
void geo_builder_free(struct geo_builder *builder);

/* One range of one source; host bits of the prefix are zero. Layers are
 * numbered from the most important: layer 0 is the nets file, 1.. the databases
 * in the order of the configuration. Ranges of one layer: a longer prefix wins
 * over a shorter one, field by field, whatever the order; the same prefix again
 * wins over the first. Between layers each field (coordinates, country, ASN) is
 * taken from the first layer that has it; real coordinates of any layer win over
 * the centre of a country, which the builder finds by itself (what a place of
 * source PLACE_COUNTRY says of coordinates is not read).
 * Coordinates are kept to 0.01 degrees (nets: 0.0001). */
void geo_builder_add(struct geo_builder *builder, unsigned layer,
	const struct prefix *prefix, const struct place *place);

/* The same in two steps, for databases with few places and many ranges: a
 * number for the place, valid for this builder, then the range. */
uint32_t geo_builder_place(
	struct geo_builder *builder, const struct place *place);
void geo_builder_add_place(struct geo_builder *builder, unsigned layer,
	const struct prefix *prefix, uint32_t place);

/* Compiles the table; the builder is used up (freed). */
struct geo *geo_build(struct geo_builder *builder);

#endif
