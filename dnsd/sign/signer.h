/* signer.h - the thread that signs. It makes the signatures of all static sets and NSEC
 * records in the background, and at once those that answers ask for: no thread that
 * answers ever signs.
 *
 * Control starts it and says what is in service. An answering thread has a ring of its
 * own, in which it asks; what finds no room there is asked again with the next question.
 */
#ifndef SIGN_SIGNER_H
#define SIGN_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "sign/zone.h"

/* Octets of the records of a set that is asked for. */
#define SIGN_RECORDS_MAX 1400

/* Which of a zone's tables a signature is for. */
enum sign_table { SIGN_SETS, SIGN_MADE };

/* A set that answers need a signature of: one of the zone's, or records as they stand
 * in a message whose question is the owner. */
struct sign_request {
	uint32_t signing; /* zone_signing.id */
	uint64_t set;     /* sign_set_id() */
	enum sign_table table;
	const struct zone_node *node; /* with `of`; NULL: records */
	const struct zone_rrset *of;
	uint16_t type;
	uint16_t count, len;
	uint32_t ttl_s;
	uint8_t labels;
	struct name owner;
	uint8_t records[SIGN_RECORDS_MAX];
};

#define SIGN_RING 128 /* a power of two */

struct sign_ring {
	struct ring ring;
	int wake_fd; /* the signer's eventfd */
	struct sign_request entry[SIGN_RING];
};

/* The place for a request; NULL: full, nothing is asked. Then sign_ask(). */
struct sign_request *sign_ask_begin(struct sign_ring *ring);
void sign_ask(struct sign_ring *ring);

struct signer;

struct signer *signer_new(unsigned rings);
void signer_free(struct signer *signer); /* stopped first; NULL allowed */

/* Of the answering thread with that number. */
struct sign_ring *signer_ring(struct signer *signer, unsigned i);

/* The signed zones in service. What was given before is not touched any more when it
 * returns. The array is copied. */
void signer_serve(
	struct signer *signer, struct zone_signing *const *zones, unsigned n);

struct signer_figures {
	uint64_t made;   /* signatures */
	uint64_t asked;  /* requests of answers */
	uint64_t lost;   /* for which there was no room */
	uint64_t failed; /* that the library did not make */
	uint32_t
		waiting; /* names whose signatures of this epoch are not made yet */
	int64_t expires_s; /* the first signature that answers may have; 0: none */
};
struct signer_figures signer_figures(struct signer *signer);

/* Of one zone. */
struct signer_zone {
	int64_t expires_s; /* as above */
	uint32_t waiting;  /* as above */
};
/* The first n of the zones in service, in the order of signer_serve(). */
void signer_zones(struct signer *signer, struct signer_zone *out, unsigned n);

#endif
