/* kept.h - the files that hold zones of other name servers, in a folder beside the store:
 * dnsd.db has dnsd.zones/school.example.zone, a master file that people can read. When it
 * was last known to be what the primary has is the time of its last change; it is not
 * answered from when that is longer ago than the SOA's EXPIRE (RFC 1035 3.3.13).
 *
 * What comes from a primary waits in another file, that of the next zone, until a
 * configuration with it holds. Any thread.
 */
#ifndef TRANSFER_KEPT_H
#define TRANSFER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "zones/zone.h"

enum kept_which {
	KEPT_NOW,
	KEPT_NEXT,    /* whole, and not in service yet */
	KEPT_PARTIAL, /* this process writes it */
};

/* Path of the file of a zone; malloc'd. */
char *kept_path(const char *store, const char *zone, enum kept_which which);

/* Makes the folder, and removes what a process before has left of a zone. False with a
 * line in err. */
bool kept_prepare(const char *store, const char *zone, struct err *err);

/* When a file was last known to be current, in seconds since 1970; 0: there is none. */
int64_t kept_current_s(const char *path);

/* It is current now. */
void kept_touch(const char *path);

/* The second until which a zone may be answered from. */
int64_t kept_until_s(const struct zone *zone, int64_t current_s);

/* Of a SOA, in seconds; 1 for 0. */
struct kept_times {
	uint32_t refresh, retry, expire;
};
struct kept_times kept_times(const struct zone *zone);

#endif
