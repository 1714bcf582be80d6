/* records.h - all records of a zone, one after the other, as another name server is to
 * have them: what the file has, glue and cuts too, node names, and of each steered name
 * the plain set of the configured nodes of its pool; with signatures and NSEC, if it is
 * signed. Immutable input; one thread.
 */
#ifndef TRANSFER_RECORDS_H
#define TRANSFER_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sign/signatures.h"
#include "transfer/source.h"

struct record {
	const struct name *owner;
	uint16_t type, rdlen;
	uint32_t ttl_s;
	const uint8_t *rdata; /* no name in it is compressed */
};

/* A place in a zone. */
struct records {
	const struct transfer_source *source;
	const struct zone *zone;
	const struct zone_node *next; /* NULL: behind the last */
	struct name owner;
	struct buf made; /* of the owner, what is not taken yet from `at` on */
	size_t at;
	struct name stream; /* the wildcard below a steered name with streams */
	size_t streams_at;  /* from here on what is made is the wildcard's */
	/* of a signed zone */
	struct signature_epoch epoch;
	uint8_t *message; /* a set that is signed; owned */
};

/* plain: without signatures, though the zone is signed. */
void records_begin(struct records *records,
	const struct transfer_source *source, const struct zone *zone,
	bool plain);
void records_end(struct records *records);

/* The SOA, which begins and ends a transfer. Stays until the next call. */
struct record records_soa(struct records *records);

/* The next record that is not the SOA, which stays until the next call. False: there is
 * no more. */
bool records_next(struct records *records, struct record *record);

/* Of all of them but what signs them, in any order: equal for equal zones. */
uint64_t records_hash(
	const struct transfer_source *source, const struct zone *zone);

#endif
