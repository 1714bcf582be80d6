/* builder.h - puts a zone together, checks it, compiles it (zone.h).
 *
 * Order: records of the file first, then marks, then records from code, then
 * zone_build(). Errors of a call go to err and are remembered: zone_build()
 * fails if there was one, so callers may go on and collect them all. Records
 * cost no malloc each. One thread (the builder thread) at a time.
 */
#ifndef ZONES_BUILDER_H
#define ZONES_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/name.h"

struct zone;
struct zone_builder;

struct zone_builder *zone_builder_new(const struct name *apex);
void zone_builder_free(struct zone_builder *builder); /* NULL allowed */

const struct name *zone_builder_apex(const struct zone_builder *builder);

/* The file that the next records come from, for messages "file:line: what".
 * NULL (and at the start): they are made by code. The text is copied. */
void zone_builder_file(struct zone_builder *builder, const char *path);

/* So many records more are likely to come: only a hint, for speed. */
void zone_builder_expect(struct zone_builder *builder, size_t records);

/* Makes zone_build() fail: a reader found an error and has reported it. */
void zone_builder_fail(struct zone_builder *builder);

/* A record of that owner comes next: its place in a large table is fetched
 * into the cache meanwhile. Only a hint, too. */
void zone_builder_fetch(
	const struct zone_builder *builder, const struct name *owner);

/* Adds one record, class IN; rdata is uncompressed wire format, copied.
 * False with a line in err: owner outside the zone, no type of data, malformed
 * RDATA, a SOA below the apex or a second one, a second CNAME or DNAME, an
 * RRset that no message can carry, an address at a marked name. A duplicate
 * is dropped; of differing TTLs the lowest counts, with a warning. */
bool zone_builder_add(struct zone_builder *builder, const struct name *owner,
	uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t rdata_len,
	unsigned line, struct err *err);

/* Makes a name exist and carry a mark (not 0; snapshot/mark.h knows what it
 * means), after the file was read. where stands before messages ("dnsd.yaml:7")
 * or is NULL. False with a line in err: outside the zone; at or below a cut or
 * DNAME; A, AAAA, HTTPS or CNAME of the file at that very name. */
bool zone_builder_mark(struct zone_builder *builder, const struct name *owner,
	uint32_t mark, const char *where, struct err *err);

/* What a name is so far. */
enum zone_has {
	ZONE_HAS_NOTHING, /* nothing, or an empty non-terminal */
	ZONE_HAS_DATA,    /* records, or a mark */
	ZONE_HAS_CUT,     /* it is at or below a zone cut or DNAME */
	ZONE_HAS_OUTSIDE, /* it is not in the zone */
};
enum zone_has zone_builder_has(
	const struct zone_builder *builder, const struct name *owner);

/* SOA, NS and the addresses of name servers inside the zone, for a zone
 * without a file: ns are n texts "host [address...]", where is for messages where
 * each stands ("dnsd.yaml:7"), or NULL. The same on every name server that has the
 * same list and serial. False with lines in err. */
bool zone_builder_make(struct zone_builder *builder, const char *const *ns,
	const char *const *where, unsigned n, uint32_t serial, struct err *err);

/* Checks what can only be known at the end and compiles. The builder is used
 * up. NULL with lines in err if this or an earlier call failed: no SOA, no NS
 * at the apex, CNAME and other data, data below a DNAME. Warnings: name
 * servers in the zone without an address, data hidden by a zone cut. */
struct zone *zone_build(struct zone_builder *builder, struct err *err);

#endif
