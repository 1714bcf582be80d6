/* mmdb.h - reads GeoIP databases into a prefix table builder, and all geographic
 * files of a configuration into a table. The only user of libmaxminddb.
 *
 * A database is walked once; record.h knows where its fields may lie. A country
 * without coordinates gets its centre. IPv4 data lie at ::/96 of an IPv6 tree or at
 * the root of an IPv4 tree; the aliases of the IPv4 tree inside an IPv6 tree are not
 * walked.
 * A database is read through a private copy of the file, so that one which is
 * replaced or truncated meanwhile does no harm. Builder thread only.
 */
#ifndef GEO_MMDB_H
#define GEO_MMDB_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "geo/builder.h"

/* Adds all of a database. False with a message (path: what) if the file can't
 * be read, is truncated or no MaxMind database, or holds no usable field;
 * builder may then hold a part of it and must be thrown away. report gets a line
 * about what was found. */
bool mmdb_read(struct geo_builder *builder, unsigned layer, const char *path,
	struct buf *report, struct err *err);

/* nets (geo/nets.h) and every database of the list (NULL or "" nets: none), in
 * the order of precedence, into one table. Files may be none: then all is place
 * 0. NULL with the messages of all bad files. geo_report() has a line for each
 * database what was found in it. */
struct geo *geo_load(const char *nets, const char *const *databases,
	unsigned n_databases, struct err *err);

#endif
