/* tsig.h - messages signed by a shared secret (RFC 8945), HMAC-SHA256 and -SHA512.
 *
 * A message that is read has its TSIG found by tsig_read(), and checked by
 * tsig_verify(). One that is written gets one by tsig_sign(), behind all else. The MAC
 * covers the one before it: of the request for a reply, of the message before it for the
 * later ones of a stream. Every message of a stream that is written is signed; of one that
 * is read, some need not be: a later MAC covers them.
 *
 * A message is accepted while its time is within the fudge of ours: one that is sent
 * again meanwhile is accepted again (RFC 8945 5.2.3). What is answered to it changes
 * nothing here, and goes to the address that asked.
 *
 * Pure but for the first call of tsig_key_set(), which loads OpenSSL's algorithms: not
 * in a sandbox. Any thread.
 */
#ifndef TSIG_TSIG_H
#define TSIG_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

#define TSIG_SECRET_MAX 256
#define TSIG_MAC_MAX 64
#define TSIG_FUDGE_S 300

enum tsig_algorithm { TSIG_HMAC_SHA256, TSIG_HMAC_SHA512, TSIG_ALGORITHMS };

/* Names, NULL-ended, as the configuration has them and without the root. */
extern const char *const tsig_algorithms[TSIG_ALGORITHMS + 1];

struct tsig_key {
	struct name name;
	enum tsig_algorithm algorithm;
	uint16_t secret_len;
	uint8_t secret[TSIG_SECRET_MAX];
};

/* False: the secret is not 1 to TSIG_SECRET_MAX octets, or the name is none. */
bool tsig_key_set(struct tsig_key *key, const char *name,
	enum tsig_algorithm algorithm, const uint8_t *secret, size_t len);

/* A TSIG record; mac and other point into its message. */
struct tsig {
	size_t at; /* where it begins */
	struct name key, algorithm;
	uint64_t time_s; /* signed at, since 1970 */
	uint16_t fudge_s, original_id, error;
	uint16_t mac_len, other_len;
	const uint8_t *mac, *other;
};

/* Reads the record at an offset, which ends the message. False: FORMERR. */
bool tsig_read(
	struct tsig *tsig, const uint8_t *message, size_t len, size_t at);

/* Where the last record of the additional section begins if that is a TSIG, for
 * messages that query.h does not read; 0: there is none, or a record is cut short. */
size_t tsig_find(const uint8_t *message, size_t len);

/* RFC 8945 3; those above 15 are in the TSIG alone. */
enum tsig_error {
	TSIG_GOOD = 0,
	TSIG_FORMERR = 1, /* a MAC of a length that cannot be: an RCODE */
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
};

/* "BADSIG". */
const char *tsig_error_text(enum tsig_error error);

/* The MAC that the next one covers. */
struct tsig_chain {
	const struct tsig_key *key;
	uint16_t mac_len;
	uint8_t mac[TSIG_MAC_MAX];
	bool later; /* a message of this stream had a TSIG before */
	/* Messages without a TSIG since then, the one after the other; borrowed. */
	const uint8_t *between;
	size_t between_len;
};

/* The key of a TSIG; NULL: unknown by that name and algorithm. */
const struct tsig_key *tsig_key_find(
	const struct tsig_key *keys, unsigned n, const struct tsig *tsig);

/* Whether a message of that length was signed by this key at about now_s. chain: what it
 * answers, or NULL for a request. */
enum tsig_error tsig_verify(const struct tsig_key *key, const struct tsig *tsig,
	const uint8_t *message, size_t len, const struct tsig_chain *chain,
	uint64_t now_s);

/* A chain that goes on from a request or a reply that was verified, with later false. */
void tsig_follow(struct tsig_chain *chain, const struct tsig_key *key,
	const struct tsig *tsig);

/* Octets that the TSIG of a reply takes at most. */
size_t tsig_room(const struct tsig *asked);

/* Appends a TSIG to a whole message, which has room, and counts it in the header.
 * Returns the length then. chain->mac_len 0: it is a request. */
size_t tsig_sign(
	struct tsig_chain *chain, uint8_t *message, size_t len, uint64_t now_s);

/* The same for a reply to one whose time is not ours: with that time, and ours beside
 * it. */
size_t tsig_sign_badtime(struct tsig_chain *chain, uint8_t *message, size_t len,
	const struct tsig *asked, uint64_t now_s);

/* Appends the TSIG of a reply to one that was not verified: without a MAC. */
size_t tsig_refuse(uint8_t *message, size_t len, const struct tsig *asked,
	enum tsig_error error);

#endif
