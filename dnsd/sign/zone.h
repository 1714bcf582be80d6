/* zone.h - what a signed zone has beside its records: keys, the order of its names,
 * its signatures. Built with the zone, by the builder thread; immutable then, but for
 * the signatures, to which the signer thread adds. Any thread reads.
 */
#ifndef SIGN_ZONE_H
#define SIGN_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sign/keys.h"
#include "sign/rrsig.h"
#include "sign/signatures.h"
#include "zones/chain.h"
#include "zones/zone.h"

/* TTL of DNSKEY, CDS and CDNSKEY: resolvers know of a new key so long after. */
#define SIGN_DNSKEY_TTL_S 3600

#define SIGN_KEYS_MAX 4 /* that sign one set: two, while keys change */

struct sign_keyset {
	unsigned n;
	const struct sign_key *key[SIGN_KEYS_MAX];
};

/* The types that a steered name answers; 0 ends. */
typedef uint16_t sign_types[ZONE_CHAIN_TYPES];

/* The NSEC of a name, ready to be copied. */
struct sign_nsec {
	uint64_t set; /* sign_set_id() */
	uint16_t rdata_len;
	uint8_t owner_len; /* of the labels below the apex */
	uint8_t labels;    /* sign_labels() */
	uint8_t bytes[];   /* the owner's below the apex, RDATA */
};

struct zone_signing {
	uint32_t id; /* of this build of a zone: no other has it */
	const struct zone *zone;
	const struct zone_chain *chain;
	uint64_t *nsecs;       /* owned: all of them */
	uint32_t *nsec_at;     /* owned: by place, where each begins */
	uint32_t apex_wild;    /* the place at or before "*" below the apex */
	uint64_t soa_set;      /* sign_set_id(): of each answer that denies */
	struct sign_key *keys; /* owned */
	unsigned n_keys;
	struct sign_keyset of_data, of_keys; /* what signs; of_keys: DNSKEY, CDS
						and CDNSKEY */
	int64_t now_s; /* that what is published and signs was chosen for */
	int64_t validity_s;
	int64_t changes_s; /* when the next key comes or goes; 0: none does */
	uint32_t nsec_ttl_s;
	const sign_types *steered; /* by index of the steered name */
	/* Shared with other builds of the zone. made: of NSEC records that are made for
	 * names of streams; apart, so that questions for many names push out
	 * nothing else. */
	struct signatures *signatures, *made;
};

/* What a zone is signed with, before it is built. */
struct sign_policy {
	const char *folder; /* of the keys */
	int64_t validity_s;
	int64_t now_s;
};

/* Reads the keys and adds up what is published of them. The caller frees it, or hands it
 * to zone_signing_new(). NULL with lines in err. */
struct zone_signing *zone_signing_begin(const struct name *apex,
	const struct sign_policy *policy, struct err *err);

/* The records that a signed zone has of its keys: DNSKEY of all that are published, CDS
 * and CDNSKEY of those that sign the keys. f is called for each; false ends. */
typedef bool sign_record(
	void *to, uint16_t type, const uint8_t *rdata, size_t len);
bool zone_signing_records(
	const struct zone_signing *signing, sign_record *f, void *to);

/* Finishes: the zone is built. steered: see there; in the zone's arena or as long
 * there. previous: of the zone's build in service, or NULL. False with lines in err. */
bool zone_signing_end(struct zone_signing *signing, const struct zone *zone,
	const sign_types *steered, uint32_t steered_sets,
	const struct zone_signing *previous, struct err *err);
void zone_signing_free(struct zone_signing *signing); /* NULL allowed */

/* What signs a set of that type. */
static inline const struct sign_keyset *zone_signing_keys(
	const struct zone_signing *signing, uint16_t type)
{
	return type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY
		? &signing->of_keys
		: &signing->of_data;
}

/* The NSEC of the name at a place. */
static inline const struct sign_nsec *zone_signing_nsec(
	const struct zone_signing *signing, uint32_t place)
{
	return (const void *)(signing->nsecs + signing->nsec_at[place]);
}

/* The times of the signatures that are made at a moment: the same on all servers. */
struct signature_epoch zone_signing_epoch(
	const struct zone_signing *signing, int64_t now_s);

/* The field of an RRSIG (RFC 4034 3.1.3): a wildcard's asterisk is not counted. */
static inline uint8_t sign_labels(const struct name *owner)
{
	bool wild =
		owner->labels && owner->bytes[0] == 1 && owner->bytes[1] == '*';
	return (uint8_t)(owner->labels - wild);
}

/* -- numbers of sets -- */

/* A set is known by its owner's name (the wildcard's where it is expanded), its type,
 * and its contents: the octets of a compiled set's body, or the sum of its records. */
static inline uint64_t sign_set_id(const struct name *owner, uint16_t type,
	uint32_t ttl_s, uint64_t contents)
{
	const uint64_t spread = 0x9e3779b97f4a7c15u;
	uint64_t id = name_hash(owner->bytes, owner->len, type);
	return (id ^ contents) * spread + ttl_s;
}

static inline uint64_t sign_body_contents(const struct zone_rrset *set)
{
	return name_hash(set->body, set->len, set->count);
}

/* Of one record; those of a set are added up, so that their order does not matter. */
static inline uint64_t sign_record_contents(const uint8_t *rdata, size_t len)
{
	return name_hash(rdata, len, 1);
}

/* The number of a set's signature by one of the keys. Never 0. */
static inline uint64_t sign_signature_id(
	uint64_t set, const struct sign_key *key)
{
	uint64_t id = (set ^ (uint64_t)key->tag << 8 ^ key->algorithm) *
		0xbf58476d1ce4e5b9u;
	id ^= id >> 29;
	return id ? id : 1;
}

#endif
