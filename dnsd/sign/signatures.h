/* signatures.h - what was signed, found by a number that is made of all that was
 * signed.
 *
 * Signatures are made for epochs: all of one are valid for the same time, so that every
 * name server gives the same ones. A table takes those of one epoch, and only ever
 * grows: the signer adds, any thread finds, and no one waits. While a new epoch's table
 * fills, the one before still answers.
 */
#ifndef SIGN_SIGNATURES_H
#define SIGN_SIGNATURES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNATURE_LEN 64

/* Seconds since 1970, modulo 2^32 (RFC 4034 3.1.5). */
struct signature_epoch {
	uint32_t number;
	uint32_t begin; /* of the epoch: later than the inception */
	uint32_t inception, expiration;
};

struct signature_entry {
	_Atomic uint64_t id; /* 0: free; set last */
	uint8_t bytes[SIGNATURE_LEN];
};

struct signature_table {
	struct signature_epoch epoch;
	uint32_t mask;       /* entries - 1 */
	uint32_t used, most; /* the signer's */
	struct signature_entry entry[];
};

struct signatures {
	_Atomic unsigned owners; /* builds of a zone that share it */
	_Atomic(struct signature_table *) now, before; /* NULL: none yet */
	/* No longer found, but maybe still read: freed a while later, or when another
	 * one takes its place. */
	struct signature_table *freed;
	uint32_t freed_s;
	uint32_t room; /* signatures of a table */
	uint64_t keys; /* of what keys and validity they are */
};

/* For about so many signatures an epoch. The caller is the first owner. */
struct signatures *signatures_new(uint32_t room, uint64_t keys);
struct signatures *signatures_share(struct signatures *signatures);
void signatures_free(
	struct signatures *signatures); /* by its last owner; or NULL */

/* A found signature, which stays for as long as an answer is written. */
struct signature {
	const uint8_t *bytes;
	const struct signature_epoch *epoch;
};

static inline bool signature_table_find(
	const struct signature_table *table, uint64_t id, struct signature *out)
{
	for (uint32_t i = (uint32_t)(id >> 32);; i++) {
		const struct signature_entry *e =
			&table->entry[i & table->mask];
		uint64_t at =
			atomic_load_explicit(&e->id, memory_order_acquire);
		if (at == id) {
			*out = (struct signature){e->bytes, &table->epoch};
			return true;
		}
		if (!at)
			return false;
	}
}

/* How much of its time a signature of the epoch before must have left to be answered
 * with: no TTL is longer. What is left of an eighth of the time is for making those of
 * the present epoch. */
static inline uint32_t signature_rest_s(int64_t validity_s)
{
	return (uint32_t)(validity_s * 3 / 8);
}

static inline bool signature_table_has(
	const struct signature_table *table, uint32_t rest_s, uint32_t now_s)
{
	return (int32_t)(table->epoch.expiration - now_s) > (int32_t)rest_s;
}

/* The newest one of that number. *old: the present epoch has none yet. */
static inline bool signatures_find(const struct signatures *signatures,
	uint64_t id, uint32_t now_s, struct signature *out, bool *old)
{
	const struct signature_table *now =
		atomic_load_explicit(&signatures->now, memory_order_acquire);
	if (!now)
		return false;
	if (signature_table_find(now, id, out))
		return signature_table_has(now, 0, now_s);
	const struct signature_table *before =
		atomic_load_explicit(&signatures->before, memory_order_acquire);
	*old |= before != NULL;
	return before &&
		signature_table_has(before,
			signature_rest_s(
				before->epoch.expiration - before->epoch.begin),
			now_s) &&
		signature_table_find(before, id, out);
}

/* -- the signer's -- */

/* Begins an epoch: the table of the present one goes on as that before. */
void signatures_begin(
	struct signatures *signatures, struct signature_epoch epoch);

/* Lets go of what is too old to be answered with. Now and then. */
void signatures_forget(struct signatures *signatures, uint32_t now_s);

/* Adds to the present epoch, once. False: the table is full. */
bool signatures_add(struct signatures *signatures, uint64_t id,
	const uint8_t bytes[SIGNATURE_LEN]);

#endif
