/* signed.h - the part of an answer that DNSSEC adds where it is asked for (DO): RRSIGs
 * behind sets, NSEC records (RFC 4035 3.1). Nothing is signed here: a signature that is
 * not made yet is asked for, and the answer comes a moment later.
 */
#ifndef ANSWER_SIGNED_H
#define ANSWER_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "sign/signer.h"
#include "wire/reply.h"

/* NSEC records of one answer: of the name, the wildcard, and for each step of a chain. */
#define SIGNED_NSECS 24

struct signed_reply {
	const struct zone_signing *signing; /* NULL: none of this */
	struct sign_ring *ring;             /* NULL: nothing is asked for */
	struct reply *reply;
	uint16_t apex;  /* the apex's name in the message */
	uint32_t now_s; /* wall clock */
	bool missing;   /* a signature is not made yet */
	unsigned n_nsecs;
	uint32_t nsecs[SIGNED_NSECS]; /* places that stand in the message */
};

/* Appends the RRSIGs of a set of the zone that was just written, if they fit: owner_at
 * is its owner's place in the message, owner that name or, where it was expanded, the
 * wildcard's. node: it lies at. */
void signed_set(struct signed_reply *s, const struct zone_node *node,
	const struct zone_rrset *set, const struct name *owner,
	uint16_t owner_at, uint32_t ttl_max);

/* The same for records that were made, all of one set, from message octet `from` on. ttl_s
 * is the original TTL, not below that of the records. */
void signed_records(struct signed_reply *s, uint32_t from, uint16_t type,
	const struct name *owner, uint16_t owner_at, uint32_t ttl_s);

/* Appends the NSEC of a name, or of the last one before it: it says which types there
 * are, or that the name is not. Once each. */
void signed_denial(struct signed_reply *s, const struct name *name);

/* The same for the wildcard below a name. */
void signed_denial_of_wildcard(
	struct signed_reply *s, const struct name *encloser);

/* The same for a label that is not there, below a name with streams: the record says so
 * of nothing else (RFC 4470), so that no cache answers for another stream. */
void signed_denial_of_stream(struct signed_reply *s, const uint8_t *label,
	const struct name *parent);

/* What of an NSEC is the answer to a question for its type, or for RRSIG. */
enum signed_parts { SIGNED_NSEC = 1, SIGNED_RRSIG = 2 };

/* Appends those of the name, whose place in the message is owner_at. False: it has
 * none. */
bool signed_nsec_answer(struct signed_reply *s, const struct name *name,
	uint16_t owner_at, unsigned parts);

#endif
