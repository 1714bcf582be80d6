/* walk.h - one question on its way through its zone, from name to name along CNAMEs and
 * DNAMEs. Shared by three files, and by no others:
 *
 *	lookup.c       goes from name to name, and to steering
 *	walk_ends.c    what a name ends the walk with: its set, a referral, none
 *	walk_proofs.c  signatures and denials, where they are asked for
 */
#ifndef ANSWER_WALK_H
#define ANSWER_WALK_H

#include "answer/job.h"
#include "answer/lookup.h"
#include "answer/signed.h"
#include "wire/reply.h"
#include "zones/zone.h"

/* CNAMEs and DNAMEs that one reply follows. Together with a question they end
 * before REPLY_POINTER_MAX - LAYOUT_POINTER_REACH. */
#define WALK_STEPS_MAX 16

/* One question on its way through the zone. The name starts as QNAME and
 * moves on along CNAMEs; where it stands in the message, owners point to. */
struct walk {
	struct answerer *answerer;
	const struct answer_job *job;
	const struct zone *zone;
	struct reply *r;
	const struct name *name;        /* current: the question's or target */
	uint16_t at;                    /* its offset in the message */
	uint16_t apex;                  /* the apex's: always in the question */
	const struct zone_match *match; /* of the current name: the question's
					   or later */
	struct zone_match later;
	struct signed_reply dnssec;
	unsigned n_expanded; /* only if it is signed */
	struct {
		struct name name;
		struct zone_match match;
	} expanded[WALK_STEPS_MAX + 1];
	struct lookup_result *result; /* the caller's */
	unsigned steps;
	struct {
		const struct zone_rrset *set;
		uint64_t owner; /* hash of the name that it was followed for */
	} followed[WALK_STEPS_MAX];
	struct name target;
};

/* The offset of the suffix of the current name with that many labels. All
 * names are written in full down to the apex and then point to it. */
static inline uint16_t walk_suffix_at(const struct walk *w, unsigned labels)
{
	if (labels <= w->zone->apex.labels)
		return w->apex;
	return (uint16_t)(w->at + w->name->offset[w->name->labels - labels]);
}

static inline void walk_write_set(const struct walk *w,
	const struct zone_rrset *set, uint16_t owner, uint32_t ttl_max)
{
	zone_rrset_write(set, w->r, owner, w->apex, ttl_max);
}

/* Signatures are asked for, and there. */
static inline bool walk_signs(const struct walk *w)
{
	return w->dnssec.signing != NULL;
}

/* -- walk_proofs.c: nothing where walk_signs() is false, but walk_answer_nsec() -- */

/* Signs what was written last: a set of that node, whose name stands at owner_at. */
void walk_sign_set(struct walk *w, const struct zone_node *node,
	const struct zone_rrset *set, uint16_t owner_at, uint32_t ttl_max);

/* The same of the node that the current name was found at. */
void walk_sign_found(struct walk *w, const struct zone_rrset *set);

/* What says that the current name was found without a set (RFC 4035 3.1.3.1,
 * 3.1.3.4), or as a wildcard. The SOA was written before. */
void walk_deny_type(struct walk *w);

/* What says that there is no such name (RFC 4035 3.1.3.2). */
void walk_deny_name(struct walk *w);

/* An answer that a wildcard gave: its proof stands in the authority section, which
 * begins when the chain has ended. */
void walk_note_expansion(struct walk *w);

/* Before the additional section, at the latest. */
void walk_prove_expansions(struct walk *w);

/* The NSEC of the current name is the answer, or its signature; of a wildcard, which
 * is expanded as for any other type (RFC 4035 3.1.3.3): its own NSEC says that the type
 * is there. False: the name has none. */
bool walk_answer_nsec(
	struct walk *w, struct signed_reply *dnssec, unsigned parts);

/* -- walk_ends.c -- */

/* The SOA of a negative answer with its TTL (RFC 2308 5), unsigned. Returns that. */
uint32_t walk_write_soa(const struct zone *zone, struct reply *r, uint16_t apex,
	uint32_t ttl_max);

/* The same, signed where that is asked for. */
void walk_end_with_soa(struct walk *w, uint32_t ttl_max);

/* There is no such name. */
void walk_no_name(struct walk *w);

/* There is, but no set of that type. */
void walk_no_data(struct walk *w);

/* The name lies at or below a delegation. */
void walk_referral(struct walk *w, const struct zone_match *m);

/* The set that is asked for, and addresses of its targets. */
void walk_positive(struct walk *w, const struct zone_rrset *set);

/* RFC 8482 4.2: for names that have only steered data; an NSEC where signatures are
 * asked for, since no HINFO is signed. */
void walk_any_steered(struct walk *w);

/* RFC 8482 4.1: one RRset of those that are there. */
void walk_minimal_any(struct walk *w, const struct zone_node *node);

#endif
