/* cache.h - a prefix table, kept in a file.
 *
 * To walk a city database takes seconds, to read what came of it milliseconds. The
 * file is good for one list of source files only, known by their digest. What was read
 * does not need it any more. Builder thread only.
 */
#ifndef GEO_CACHE_H
#define GEO_CACHE_H

#include <stdbool.h>

#include "base/err.h"
#include "geo/prefixes.h"

/* Distinguishes lists of source files (as in geo_load) by path, size, inode, time
 * of change and content; 0 if one can't be read. Of a large file the content is
 * looked at in samples: its beginning, its end, where a database has its
 * metadata with the time of its making, and 256 pages between. */
uint64_t geo_cache_digest(
	const char *nets, const char *const *databases, unsigned n_databases);

/* The table in a file; what is damaged is refused. NULL if there is none; with a warning in err if it was
 * made from other sources or by another version, with an error if it is damaged,
 * no table, or not our own file. */
struct geo *geo_cache_read(const char *path, uint64_t digest, struct err *err);

/* Writes a table beside `path` and renames it over that, once it is on the disk.
 * False with an error; what was there before then stays. */
bool geo_cache_write(const char *path, const struct geo *geo, uint64_t digest,
	struct err *err);

#endif
