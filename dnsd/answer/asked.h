/* asked.h - names that are asked for, and where they lie in the zones.
 *
 * Most questions are for few names: a table of the last ones, of each thread its
 * own, spares reading and finding them again. What an entry says is true for one
 * snapshot. Entries that a batch looks at stay until it is over; who finds his
 * place taken by such a one uses an entry of his own.
 */
#ifndef ANSWER_ASKED_H
#define ANSWER_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "answer/steered.h"
#include "wire/query.h"
#include "zones/zone.h"

struct zoneset;

/* A name that was asked for. */
struct asked {
	uint64_t
		generation; /* of the snapshot that this is true for; 0: none */
	uint32_t batch;     /* the last that looked at it */
	bool found;         /* match is set */
	struct name name;
	const struct zone *zone; /* that it lies in; NULL: none */
	uint64_t hash;           /* zone_hash(), if there is a zone */
	struct zone_match match;
	struct steered_name steered; /* with match, by lookup_begin() */
};

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
	asked->match = zone_find(asked->zone, &asked->name, asked->hash);
	asked->found = true;
}

#endif
