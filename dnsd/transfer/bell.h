/* bell.h - how threads that answer say that a NOTIFY came for a zone. No lock, no memory:
 * zones share places by a hash of their names, and a ring for one costs the others no more
 * than a question to their primaries.
 */
#ifndef TRANSFER_BELL_H
#define TRANSFER_BELL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "wire/name.h"

#define BELL_PLACES 256

struct bell {
	int fd; /* eventfd: readable after a ring */
	_Atomic bool rung[BELL_PLACES];
};

void bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

/* Any thread. */
void bell_ring(struct bell *bell, const struct name *zone);

/* One thread: which places were rung since the last call. */
void bell_take(struct bell *bell, bool rung[BELL_PLACES]);

/* That of a zone. */
unsigned bell_place(const struct name *zone);

#endif
