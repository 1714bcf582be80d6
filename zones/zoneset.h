/* zoneset.h - all zones of a server, found by the longest suffix of a name.
 *
 * Immutable once built. The set borrows its zones: the thread that publishes it (the
 * snapshot) keeps them alive and frees them. Any number of threads read.
 */
#ifndef ZONES_ZONESET_H
#define ZONES_ZONESET_H

#include "wire/name.h"
#include "zones/zone.h"

struct zoneset;

/* Zones have different apexes. The array is copied. */
struct zoneset *zoneset_new(const struct zone *const *zones, unsigned n);
void zoneset_free(struct zoneset *set); /* not the zones; NULL allowed */

/* The zone with the longest apex at or above name; NULL: none here. */
const struct zone *zoneset_find(
	const struct zoneset *set, const struct name *name);

/* The same among apexes strictly above name: the parent side of a cut. */
const struct zone *zoneset_find_above(
	const struct zoneset *set, const struct name *name);

unsigned zoneset_count(const struct zoneset *set);
const struct zone *zoneset_at(const struct zoneset *set, unsigned i);

#endif
