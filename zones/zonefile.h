/* zonefile.h - master files (RFC 1035 5) into a zone builder.
 *
 * Lines, parentheses, directives, owners, TTLs and classes are read here: ldns
 * does not know $INCLUDE, takes a relative $ORIGIN for an absolute one, "CLASS
 * TTL" for a type, and accepts bad TTLs and open parentheses. RDATA is read
 * by ldns after a look at its numbers (fields.h), but for plain addresses, SVCB
 * and HTTPS (svcb.h), and CAA. $GENERATE: generate.h. Builder thread only.
 */
#ifndef ZONES_ZONEFILE_H
#define ZONES_ZONEFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "zones/builder.h"

/* Reads a file and all that it includes ($INCLUDE is relative to the file that
 * says it) into the builder. False with "file:line: what" lines in err; goes
 * on behind an error to find the others. */
bool zonefile_read(
	struct zone_builder *builder, const char *path, struct err *err);

/* The same for text in memory; path stands in messages, and includes are
 * relative to it. Without includes if path is NULL. */
bool zonefile_parse(struct zone_builder *builder, const char *path,
	const char *text, size_t len, struct err *err);

#endif
