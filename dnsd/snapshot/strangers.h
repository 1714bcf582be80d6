/* strangers.h - who reports and is not known, as the operator is shown: a part of
 * the snapshot.
 */
#ifndef SNAPSHOT_STRANGERS_H
#define SNAPSHOT_STRANGERS_H

#include <stdint.h>

#include "base/addr.h"

#define WAITING_MAX 256
#define WAITING_NET 4

struct stranger {
	char name[128];   /* to approve it by: the server's, or the device's */
	char server[128]; /* as it says */
	char device[128];
	struct addr from; /* whence it reports */
	float connections;
	int64_t first_ms, last_ms; /* clock_ms() */
};

struct strangers {
	unsigned n;
	struct stranger one[];
};

#endif
