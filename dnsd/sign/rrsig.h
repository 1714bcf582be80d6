/* rrsig.h - from a set of records to its signature (RFC 4034 3.1.8.1, 6).
 *
 * A set is given as a message whose question is the owner's name, or the wildcard's
 * where it was expanded from one, and whose answer section is the set: so it is signed as
 * it is served. Pure, but for the key's library; the signer thread, and tests.
 */
#ifndef SIGN_RRSIG_H
#define SIGN_RRSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/octets.h"
#include "sign/keys.h"
#include "sign/signatures.h"
#include "wire/rr.h"

/* RDATA in front of the signer's name. */
#define RRSIG_FIXED_LEN 18

/* All of an RRSIG but the signature. */
struct rrsig_fields {
	uint16_t type;
	uint8_t labels; /* RFC 4034 3.1.3 */
	uint32_t ttl_s; /* original */
	const struct signature_epoch *epoch;
	const struct sign_key *key;
};

/* Writes RDATA in front of the signature into out[RRSIG_FIXED_LEN + NAME_WIRE_MAX];
 * returns its length. */
static inline size_t rrsig_put(const struct rrsig_fields *fields, uint8_t *out)
{
	const struct sign_key *key = fields->key;
	put16(out, fields->type);
	out[2] = key->algorithm;
	out[3] = fields->labels;
	put32(out + 4, fields->ttl_s);
	put32(out + 8, fields->epoch->expiration);
	put32(out + 12, fields->epoch->inception);
	put16(out + 16, key->tag);
	octets_copy(out + RRSIG_FIXED_LEN, key->zone.bytes, key->zone.len);
	return RRSIG_FIXED_LEN + (size_t)key->zone.len;
}

/* Begins such a message, which has room: a header, the question. Returns its length; the
 * records follow, and rrsig_message_end() says how many. */
size_t rrsig_message_begin(
	uint8_t *message, const struct name *owner, uint16_t type);
void rrsig_message_end(uint8_t *message, unsigned count);

/* False: the message is not read, or the library does not sign. */
bool rrsig_make(const struct rrsig_fields *fields, const uint8_t *message,
	size_t len, uint8_t out[SIGN_SIGNATURE_LEN]);

#endif
