/* record.h - a record of a GeoIP database -> a place, for databases of all vendors.
 * Private to geo/. Builder thread only.
 *
 * Vendors differ in where a field lies and in its type. Each place that is known is
 * looked at until one holds a value that can be read; what is there and can't be
 * is counted, for the report.
 */
#ifndef GEO_RECORD_H
#define GEO_RECORD_H

#include <maxminddb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "geo/place.h"

enum record_field { RECORD_AT, RECORD_COUNTRY, RECORD_ASN, RECORD_FIELDS };

/* Of one database; starts as {0}. */
struct record_reader {
	/* The paths that led to the last values: most records are alike. */
	uint8_t likely_at, likely_country, likely_asn;
	uint32_t records;
	uint32_t found[RECORD_FIELDS];
	uint32_t unread[RECORD_FIELDS];  /* there, and not readable ... */
	char example[RECORD_FIELDS][24]; /* ... as the first of them */
};

/* False: the file does not hold together there. What the record does not say is
 * zero in the place. */
bool record_read(struct record_reader *reader, MMDB_entry_s *record,
	struct place *place);

/* One line: which fields were found in how many records, and what could not be
 * read. */
void record_report(
	const struct record_reader *reader, const char *path, struct buf *out);

#endif
