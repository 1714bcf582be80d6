/* asked.h - names that are asked for, and where they lie in the zones.
 *
 * Most questions are for few names: a table of the last ones, of each thread its
 * own, spares reading and finding them again. What an entry says is true for one
 * snapshot. Entries that a batch looks at stay until it is over; a question
 * whose place such an entry takes uses the one of its own job.
 */
#ifndef ANSWER_ASKED_H
#define ANSWER_ASKED_H

#include "answer/job.h"

struct zoneset;

#define ASKED 128 /* a power of two */

struct asked_table {
	uint32_t batch;
	struct asked entries[ASKED];
};

/* Which zones a thread answers from, at the moment. */
struct asked_of {
	struct asked_table *table; /* NULL: none is kept */
	const struct zoneset *zones;
	uint64_t generation;
};

/* The entry of QNAME, or `own` filled in. NULL: it is malformed. */
struct asked *asked_read(const struct asked_of *of, const uint8_t *packet,
	size_t len, struct asked *own);

/* Its zone for a DS of an apex: the one above, if that is here too (RFC 4035
 * 3.1.4.1). Returns the entry, or `own` filled in. */
struct asked *asked_above(
	const struct asked_of *of, struct asked *asked, struct asked *own);

/* Sets match, once. There is a zone. */
static inline void asked_find(struct asked *asked)
{
	if (asked->found)
		return;
	zone_find(asked->zone, &asked->name, asked->hash, &asked->match);
	asked->found = true;
}

#endif
