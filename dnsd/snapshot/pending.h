/* pending.h - the servers that report and are not known, as the operator is shown
 * them: a part of the snapshot.
 */
#ifndef SNAPSHOT_PENDING_H
#define SNAPSHOT_PENDING_H

#include <stdint.h>

#include "base/addr.h"

#define PENDING_MAX 256
#define PENDING_PER_NET 4

struct pending_node {
	char name[128];   /* to approve it by: the server's, or the device's */
	char server[128]; /* as it says */
	char device[128];
	struct addr from; /* whence it reports */
	float connections;
	int64_t first_ms, last_ms; /* clock_ms() */
};

struct pending_list {
	unsigned n;
	struct pending_node one[];
};

#endif
