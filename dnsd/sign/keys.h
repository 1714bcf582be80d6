/* keys.h - the key that signs a zone: in files of BIND's format
 * (K<zone>.+<algorithm>+<tag>.key and .private), made by `dnsd keys`, dnssec-keygen or
 * keymgr. Each is used as zone signing and key signing key at once.
 *
 * Reading and making runs on the builder thread or in the command line; a key that was
 * read is immutable, but for what the library keeps in it: one thread signs.
 */
#ifndef SIGN_KEYS_H
#define SIGN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/name.h"

/* RFC 8624 3.1: what is to be used. Both sign with 64 octets. */
enum sign_algorithm {
	SIGN_ECDSAP256SHA256 = 13, /* RFC 6605 */
	SIGN_ED25519 = 15,         /* RFC 8080 */
};

#define SIGN_SIGNATURE_LEN 64
#define SIGN_DNSKEY_MAX (4 + 64)
#define SIGN_DS_LEN (4 + 32) /* SHA-256 */

/* When a key is published and signs, by the times in its file, seconds since 1970; 0:
 * not said. */
struct sign_times {
	int64_t publish, activate, inactive, remove;
};

struct sign_key {
	struct name zone;
	uint8_t algorithm;
	uint16_t tag; /* RFC 4034 B */
	uint8_t dnskey_len;
	uint8_t dnskey[SIGN_DNSKEY_MAX]; /* RDATA */
	struct sign_times times;
	void *private; /* of the library */
};

/* All keys of a zone in a folder, in the order of their tags; *n of them. They are the
 * caller's: sign_keys_free(). False with lines in err: it can't be read, a file is
 * broken, the parts of a pair differ, an algorithm that is not known. None at all is an
 * error as well. */
bool sign_keys_read(const char *folder, const struct name *zone,
	struct sign_key **keys, unsigned *n, struct err *err);
void sign_keys_free(struct sign_key *keys, unsigned n);
void sign_key_fini(struct sign_key *key); /* of one that was generated */

/* Makes a key and writes its files, readable for their owner only. times.publish and
 * .activate are written if they are not 0. */
bool sign_key_generate(const char *folder, const struct name *zone,
	enum sign_algorithm algorithm, struct sign_times times,
	struct sign_key *key, struct err *err);

/* Writes other times into the private file. */
bool sign_key_set_times(const char *folder, const struct sign_key *key,
	struct sign_times times, struct err *err);

/* "Kexample.com.+013+12345" into out[SIGN_KEY_FILE_MAX]. */
#define SIGN_KEY_FILE_MAX (NAME_TEXT_MAX + 16)
const char *sign_key_file(const struct sign_key *key, char *out);

/* RDATA of the DS with SHA-256 (RFC 4509). */
void sign_key_ds(const struct sign_key *key, uint8_t out[SIGN_DS_LEN]);

/* Signs; equal octets by equal keys give equal signatures, on all name servers
 * (RFC 6979, RFC 8032). False: the library says no. */
bool sign_key_sign(const struct sign_key *key, const uint8_t *data, size_t len,
	uint8_t out[SIGN_SIGNATURE_LEN]);

#endif
