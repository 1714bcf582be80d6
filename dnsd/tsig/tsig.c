#include "tsig/tsig.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "wire/rr.h"

#define MAC_LEAST 10    /* octets of a truncated MAC (RFC 8945 5.2.2.1) */
#define FIXED_BEFORE 10 /* time, fudge, MAC size */
#define FIXED_AFTER 6   /* original id, error, other len */
#define TIME_LEN 6
#define TIMERS_LEN (TIME_LEN + 2)

const char *const tsig_algorithms[TSIG_ALGORITHMS + 1] = {
	"hmac-sha256", "hmac-sha512", NULL};

/* Of each algorithm: its digest, the octets of its MAC. */
static const struct {
	const char *digest;
	uint16_t len;
} algorithm_of[TSIG_ALGORITHMS] = {{"SHA256", 32}, {"SHA512", 64}};

/* -- HMAC -- */

static EVP_MAC *hmac;

static void hmac_fetch(void)
{
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (!hmac)
		abort(); /* OpenSSL without HMAC, or no memory */
}

/* Never freed: it lives as long as the program. */
static void hmac_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hmac_fetch);
}

/* What is covered, in this order. */
struct covered {
	const void *at;
	size_t len;
};

static void mac_make(const struct tsig_key *key, const struct covered *parts,
	unsigned n, uint8_t out[TSIG_MAC_MAX])
{
	char digest[16];
	strcpy(digest, algorithm_of[key->algorithm].digest);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
				       OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(hmac);
	size_t len = 0;
	bool ok = c && EVP_MAC_init(c, key->secret, key->secret_len, params);

	for (unsigned i = 0; ok && i < n; i++)
		ok = EVP_MAC_update(c, parts[i].at, parts[i].len);
	ok = ok && EVP_MAC_final(c, out, &len, TSIG_MAC_MAX);
	EVP_MAC_CTX_free(c);
	if (!ok || len != algorithm_of[key->algorithm].len)
		abort(); /* no memory */
}

bool tsig_key_set(struct tsig_key *key, const char *name,
	enum tsig_algorithm algorithm, const uint8_t *secret, size_t len)
{
	uint8_t mac[TSIG_MAC_MAX];

	if (!name_from_text(&key->name, name) || !len || len > TSIG_SECRET_MAX)
		return false;
	key->algorithm = algorithm;
	key->secret_len = (uint16_t)len;
	memcpy(key->secret, secret, len);
	hmac_load();
	mac_make(key, NULL, 0, mac); /* what is loaded for it, is now */
	return true;
}

/* -- reading -- */

static uint64_t get48(const uint8_t *p)
{
	return (uint64_t)get16(p) << 32 | get32(p + 2);
}

static void put48(uint8_t *p, uint64_t v)
{
	put16(p, (unsigned)(v >> 32 & 0xffff));
	put32(p + 2, (uint32_t)v);
}

/* An owner, perhaps compressed: pointers lead towards the front only. */
static bool owner_read(
	struct name *name, const uint8_t *message, size_t len, size_t at)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t n = 0, below = at;

	while (at + 1 < len) {
		unsigned label = message[at];
		if (label >= 0xc0) {
			at = (label & 63u) << 8 | message[at + 1];
			if (at >= below || at < HEADER_LEN)
				return false;
			below = at;
			continue;
		}
		if (label > NAME_LABEL_MAX || n + label + 1 > sizeof wire ||
			label + 1 > len - at)
			return false;
		memcpy(wire + n, message + at, label + 1);
		n += label + 1;
		at += label + 1;
		if (!label)
			return name_read(name, wire, n) == n;
	}
	return false;
}

bool tsig_read(struct tsig *tsig, const uint8_t *message, size_t len, size_t at)
{
	size_t owner = at < len ? name_skip(message, len, at) : 0, n;
	if (!owner || len - at < owner + RR_FIXED_LEN)
		return false;
	const uint8_t *p = message + at + owner, *end = message + len;
	if (get16(p) != RR_TSIG || get16(p + 2) != CLASS_ANY || get32(p + 4) ||
		get16(p + 8) != end - p - RR_FIXED_LEN ||
		!owner_read(&tsig->key, message, len, at))
		return false;
	p += RR_FIXED_LEN;
	n = name_read(&tsig->algorithm, p, (size_t)(end - p));
	if (!n || (size_t)(end - p) < n + FIXED_BEFORE)
		return false;
	p += n;
	tsig->at = at;
	tsig->time_s = get48(p);
	tsig->fudge_s = get16(p + TIME_LEN);
	tsig->mac_len = get16(p + TIMERS_LEN);
	tsig->mac = p += FIXED_BEFORE;
	if (end - p < tsig->mac_len + FIXED_AFTER)
		return false;
	p += tsig->mac_len;
	tsig->original_id = get16(p);
	tsig->error = get16(p + 2);
	tsig->other_len = get16(p + 4);
	tsig->other = p += FIXED_AFTER;
	return end - p == tsig->other_len;
}

size_t tsig_find(const uint8_t *message, size_t len)
{
	if (len < HEADER_LEN || !get16(message + 10))
		return 0;
	size_t at = HEADER_LEN, last = 0;
	unsigned questions = get16(message + 4);
	unsigned records = questions + get16(message + 6) + get16(message + 8) +
		get16(message + 10);

	for (unsigned i = 0; i < records; i++) {
		size_t n = at < len ? name_skip(message, len, at) : 0;
		size_t fixed = i < questions ? 4 : RR_FIXED_LEN;
		if (!n || len - at < n + fixed)
			return 0;
		last = at;
		at += n + fixed;
		size_t rdlen = i < questions ? 0 : get16(message + at - 2);
		if (len - at < rdlen)
			return 0;
		if (i + 1 == records && get16(message + last + n) == RR_TSIG &&
			at + rdlen == len)
			return last;
		at += rdlen;
	}
	return 0;
}

const char *tsig_error_text(enum tsig_error error)
{
	switch (error) {
	case TSIG_GOOD:
		return "NOERROR";
	case TSIG_FORMERR:
		return "FORMERR";
	case TSIG_BADSIG:
		return "BADSIG";
	case TSIG_BADKEY:
		return "BADKEY";
	case TSIG_BADTIME:
		return "BADTIME";
	}
	return "an error that is not known";
}

/* -- verifying -- */

static bool is_algorithm(const struct name *name, enum tsig_algorithm algorithm)
{
	struct name of;
	return name_from_text(&of, tsig_algorithms[algorithm]) &&
		name_equal(&of, name);
}

const struct tsig_key *tsig_key_find(
	const struct tsig_key *keys, unsigned n, const struct tsig *tsig)
{
	for (unsigned i = 0; i < n; i++)
		if (name_equal(&keys[i].name, &tsig->key))
			return is_algorithm(&tsig->algorithm, keys[i].algorithm)
				? &keys[i]
				: NULL;
	return NULL;
}

/* What is covered beside the message: at most two names and the rest. */
struct variables {
	size_t len;
	uint8_t at[2 * NAME_WIRE_MAX + 64];
};

/* RFC 8945 4.3.3. Of later messages of a stream the timers alone (5.3.1). */
static void variables_of(
	struct variables *v, const struct tsig *tsig, bool later)
{
	uint8_t *p = v->at;

	if (!later) {
		memcpy(p, tsig->key.bytes, tsig->key.len);
		p += tsig->key.len;
		put16(p, CLASS_ANY);
		put32(p + 2, 0);
		memcpy(p + 6, tsig->algorithm.bytes, tsig->algorithm.len);
		p += 6 + tsig->algorithm.len;
	}
	put48(p, tsig->time_s);
	put16(p + TIME_LEN, tsig->fudge_s);
	p += TIMERS_LEN;
	if (!later) {
		put16(p, tsig->error);
		put16(p + 2, tsig->other_len);
		memcpy(p + 4, tsig->other, tsig->other_len);
		p += 4 + tsig->other_len;
	}
	v->len = (size_t)(p - v->at);
}

/* The MAC of a message whose octets in front of the TSIG are `len`, with this header. */
static void mac_of(const struct tsig_key *key, const struct tsig *tsig,
	const struct tsig_chain *chain, const uint8_t header[HEADER_LEN],
	const uint8_t *message, size_t len, uint8_t out[TSIG_MAC_MAX])
{
	struct variables v;
	uint8_t before[2];
	bool follows = chain && chain->mac_len;

	variables_of(&v, tsig, chain && chain->later);
	put16(before, follows ? chain->mac_len : 0);
	struct covered parts[] = {{before, follows ? 2 : 0},
		{follows ? chain->mac : before, follows ? chain->mac_len : 0},
		{chain ? chain->between : NULL, chain ? chain->between_len : 0},
		{header, HEADER_LEN}, {message + HEADER_LEN, len - HEADER_LEN},
		{v.at, v.len}};
	mac_make(key, parts, sizeof parts / sizeof *parts, out);
}

static bool mac_len_ok(const struct tsig_key *key, unsigned len)
{
	unsigned whole = algorithm_of[key->algorithm].len;
	return len <= whole && len >= MAC_LEAST && len >= whole / 2;
}

enum tsig_error tsig_verify(const struct tsig_key *key, const struct tsig *tsig,
	const uint8_t *message, size_t len, const struct tsig_chain *chain,
	uint64_t now_s)
{
	uint8_t header[HEADER_LEN], mac[TSIG_MAC_MAX];

	if (!key)
		return TSIG_BADKEY;
	if (!mac_len_ok(key, tsig->mac_len))
		return TSIG_FORMERR;
	/* What no signer of ours writes would not fit. */
	if (tsig->other_len > TIME_LEN || tsig->at >= len)
		return TSIG_BADSIG;
	memcpy(header, message, HEADER_LEN);
	put16(header, tsig->original_id);
	put16(header + 10, get16(header + 10) - 1u);
	mac_of(key, tsig, chain, header, message, tsig->at, mac);
	if (CRYPTO_memcmp(mac, tsig->mac, tsig->mac_len))
		return TSIG_BADSIG;
	uint64_t apart = now_s > tsig->time_s ? now_s - tsig->time_s
					      : tsig->time_s - now_s;
	return apart > tsig->fudge_s ? TSIG_BADTIME : TSIG_GOOD;
}

void tsig_follow(struct tsig_chain *chain, const struct tsig_key *key,
	const struct tsig *tsig)
{
	chain->later = false;
	chain->between = NULL;
	chain->between_len = 0;
	chain->key = key;
	chain->mac_len =
		tsig->mac_len < TSIG_MAC_MAX ? tsig->mac_len : TSIG_MAC_MAX;
	memcpy(chain->mac, tsig->mac, chain->mac_len);
}

/* -- signing -- */

size_t tsig_room(const struct tsig *asked)
{
	return asked->key.len + RR_FIXED_LEN + asked->algorithm.len +
		FIXED_BEFORE + TSIG_MAC_MAX + FIXED_AFTER + TIME_LEN;
}

/* Appends the record. */
static size_t tsig_write(uint8_t *message, size_t len, const struct tsig *t)
{
	uint8_t *p = message + len;

	memcpy(p, t->key.bytes, t->key.len);
	p += t->key.len;
	put16(p, RR_TSIG);
	put16(p + 2, CLASS_ANY);
	put32(p + 4, 0);
	put16(p + 8,
		(unsigned)(t->algorithm.len + FIXED_BEFORE + t->mac_len +
			FIXED_AFTER + t->other_len));
	p += RR_FIXED_LEN;
	memcpy(p, t->algorithm.bytes, t->algorithm.len);
	p += t->algorithm.len;
	put48(p, t->time_s);
	put16(p + TIME_LEN, t->fudge_s);
	put16(p + TIMERS_LEN, t->mac_len);
	p += FIXED_BEFORE;
	memcpy(p, t->mac, t->mac_len);
	p += t->mac_len;
	put16(p, t->original_id);
	put16(p + 2, t->error);
	put16(p + 4, t->other_len);
	memcpy(p + FIXED_AFTER, t->other, t->other_len);
	p += FIXED_AFTER + t->other_len;
	put16(message + 10, get16(message + 10) + 1u);
	return (size_t)(p - message);
}

static size_t sign(
	struct tsig_chain *chain, uint8_t *message, size_t len, struct tsig *t)
{
	uint8_t mac[TSIG_MAC_MAX];

	t->key = chain->key->name;
	name_from_text(&t->algorithm, tsig_algorithms[chain->key->algorithm]);
	t->original_id = get16(message);
	mac_of(chain->key, t, chain, message, message, len, mac);
	chain->mac_len = algorithm_of[chain->key->algorithm].len;
	memcpy(chain->mac, mac, chain->mac_len);
	t->mac = chain->mac;
	t->mac_len = chain->mac_len;
	return tsig_write(message, len, t);
}

size_t tsig_sign(
	struct tsig_chain *chain, uint8_t *message, size_t len, uint64_t now_s)
{
	struct tsig t = {
		.time_s = now_s, .fudge_s = TSIG_FUDGE_S, .other = message};
	bool reply = chain->mac_len > 0;
	len = sign(chain, message, len, &t);
	chain->later = reply;
	return len;
}

size_t tsig_sign_badtime(struct tsig_chain *chain, uint8_t *message, size_t len,
	const struct tsig *asked, uint64_t now_s)
{
	uint8_t now[TIME_LEN];
	struct tsig t = {.time_s = asked->time_s,
		.fudge_s = asked->fudge_s,
		.error = TSIG_BADTIME,
		.other = now,
		.other_len = sizeof now};
	put48(now, now_s);
	return sign(chain, message, len, &t);
}

size_t tsig_refuse(uint8_t *message, size_t len, const struct tsig *asked,
	enum tsig_error error)
{
	struct tsig t = {.key = asked->key,
		.algorithm = asked->algorithm,
		.time_s = asked->time_s,
		.fudge_s = asked->fudge_s,
		.original_id = get16(message),
		.error = (uint16_t)error,
		.mac = message,
		.other = message};
	return tsig_write(message, len, &t);
}
