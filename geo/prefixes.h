/* prefixes.h - the prefix table: address -> place and scope.
 *
 * Built once off the query path (builder.h), immutable afterwards; any
 * number of threads look up. A lookup is a few dependent loads and never
 * fails: addresses that match nothing have place 0, "unknown".
 *
 * The scope of a leaf is the SCOPE PREFIX-LENGTH (RFC 7871) that answers for
 * it carry. It is true: every address inside ADDRESS/scope has the same leaf
 * (place and scope). It is clamped to 20..24 for IPv4 and 40..48 for IPv6,
 * and longer only where the data itself is finer than /24 or /48.
 *
 * 6to4 (2002::/16) and NAT64 addresses (64:ff9b::/96) have the place of the IPv4
 * address inside, and its scope counted from where that address begins: 40..48
 * and 116..120. Only layer 0, the operator's nets, may say something else of
 * prefixes in these two; what databases say of them is about relays and
 * translators, and not read.
 */
#ifndef GEO_PREFIXES_H
#define GEO_PREFIXES_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "geo/place.h"

struct geo; /* the table; owns its memory; freed with geo_free */

struct geo_leaf {
	uint32_t place; /* index for geo_place; 0: unknown */
	uint8_t scope;
};

/* The leaf of an address (family 4 or 6). */
struct geo_leaf geo_find(const struct geo *geo, const struct addr *addr);

/* The same in three steps for a caller with many to find: each hints to the CPU what
 * the next one reads. */
struct geo_search {
	const struct geo *geo;
	const struct table *table; /* of the family */
	const uint32_t *top;       /* its entry for the upper bits */
	uint64_t high;             /* the address' upper half */
	uint32_t entry;
};
void geo_begin(struct geo_search *search, const struct geo *geo,
	const struct addr *addr);
void geo_go_on(struct geo_search *search);
struct geo_leaf geo_end(
	const struct geo_search *search, const struct addr *addr);

/* Place 0 .. geo_places()-1; place 0 is unknown everywhere. */
const struct place *geo_place(const struct geo *geo, uint32_t index);
uint32_t geo_places(const struct geo *geo);

/* What was found in the databases that it was made of, a line each; "" if it comes
 * from the file that keeps it. */
const char *geo_report(const struct geo *geo);

/* Bytes of memory of the table. */
size_t geo_size(const struct geo *geo);

void geo_free(struct geo *geo); /* NULL allowed */

#endif
