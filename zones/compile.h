/* compile.h - the items of a builder to a compiled zone (zone.h). Private to zones/. */
#ifndef ZONES_COMPILE_H
#define ZONES_COMPILE_H

struct zone;
struct zone_builder;

/* The builder was checked. The caller owns the zone. */
struct zone *zone_compile(struct zone_builder *b);

#endif
