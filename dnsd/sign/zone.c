#include "sign/zone.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "snapshot/mark.h"

/* Clocks of resolvers may be late by so much. */
#define INCEPTION_EARLY_S 3600

/* Steered sets of several nodes and streams that are asked for, at least. */
#define ON_DEMAND_ROOM (1u << 16)

static bool is_csk(const struct sign_key *key)
{
	return get16(key->dnskey) & 1;
}

static bool published(const struct sign_key *key, int64_t now_s)
{
	const struct sign_times *t = &key->times;
	return t->publish <= now_s && (!t->remove || now_s < t->remove);
}

static bool active(const struct sign_key *key, int64_t now_s)
{
	const struct sign_times *t = &key->times;
	return published(key, now_s) && t->activate <= now_s &&
		(!t->inactive || now_s < t->inactive);
}

static void keyset_add(struct sign_keyset *set, const struct sign_key *key)
{
	if (set->n < SIGN_KEYS_MAX)
		set->key[set->n++] = key;
}

/* Keys without the flag of an entry point leave the keys to those that have it; if there
 * are none, those sign all (RFC 6781 3.1). */
static void choose_keys(struct zone_signing *s, int64_t now_s)
{
	for (unsigned i = 0; i < s->n_keys; i++) {
		if (!active(&s->keys[i], now_s))
			continue;
		keyset_add(is_csk(&s->keys[i]) ? &s->of_keys : &s->of_data,
			&s->keys[i]);
	}
	if (!s->of_data.n)
		s->of_data = s->of_keys;
	if (!s->of_keys.n)
		s->of_keys = s->of_data;
}

static void note_change(struct zone_signing *s, int64_t at_s, int64_t now_s)
{
	if (at_s > now_s && (!s->changes_s || at_s < s->changes_s))
		s->changes_s = at_s;
}

struct zone_signing *zone_signing_begin(const struct name *apex,
	const struct sign_policy *policy, struct err *err)
{
	static _Atomic uint32_t ids;
	struct zone_signing *s = mem_zero(1, sizeof *s);
	char text[NAME_TEXT_MAX];

	s->id = ++ids;
	s->now_s = policy->now_s;
	s->validity_s = policy->validity_s;
	if (!sign_keys_read(policy->folder, apex, &s->keys, &s->n_keys, err)) {
		free(s);
		return NULL;
	}
	choose_keys(s, policy->now_s);
	for (unsigned i = 0; i < s->n_keys; i++) {
		const struct sign_times *t = &s->keys[i].times;
		note_change(s, t->publish, policy->now_s);
		note_change(s, t->activate, policy->now_s);
		note_change(s, t->inactive, policy->now_s);
		note_change(s, t->remove, policy->now_s);
	}
	if (s->of_data.n)
		return s;
	err_add(err, "%s: no key of %s is active now", policy->folder,
		name_text(apex, text));
	zone_signing_free(s);
	return NULL;
}

static bool key_records(
	const struct sign_key *key, bool entry, sign_record *f, void *to)
{
	uint8_t ds[SIGN_DS_LEN];
	if (!f(to, RR_DNSKEY, key->dnskey, key->dnskey_len))
		return false;
	if (!entry)
		return true;
	sign_key_ds(key, ds);
	return f(to, RR_CDS, ds, sizeof ds) &&
		f(to, RR_CDNSKEY, key->dnskey, key->dnskey_len);
}

bool zone_signing_records(
	const struct zone_signing *s, sign_record *f, void *to)
{
	for (unsigned i = 0; i < s->n_keys; i++) {
		bool entry = false;
		for (unsigned k = 0; k < s->of_keys.n; k++)
			entry |= s->of_keys.key[k] == &s->keys[i];
		if (published(&s->keys[i], s->now_s) &&
			!key_records(&s->keys[i], entry, f, to))
			return false;
	}
	return true;
}

/* Of keys and times: signatures of others are not these. */
static uint64_t keys_number(const struct zone_signing *s)
{
	uint64_t number = (uint64_t)s->validity_s;
	for (unsigned i = 0; i < s->of_data.n; i++)
		number = name_hash(s->of_data.key[i]->dnskey,
			s->of_data.key[i]->dnskey_len, number);
	for (unsigned i = 0; i < s->of_keys.n; i++)
		number = name_hash(s->of_keys.key[i]->dnskey,
			s->of_keys.key[i]->dnskey_len, number);
	return number;
}

static uint32_t sets_of(const struct zone *zone)
{
	uint32_t n = 0;
	for (const struct zone_node *node = zone_apex(zone); node;
		node = zone_next(node))
		n += node->sets;
	return n;
}

/* -- NSEC -- */

static size_t nsec_rdata(
	const struct zone_signing *s, uint32_t place, uint8_t *out)
{
	static const sign_types none = {0}, why = {RR_TXT};
	const struct zone_node *node = zone_chain_node(s->chain, place);
	const struct zone_node *after =
		zone_chain_node(s->chain, zone_chain_next(s->chain, place));
	struct mark mark = mark_unpack(zone_mark(node));
	struct name next;

	zone_node_name(s->zone, after, &next);
	return zone_nsec_rdata(node,
		mark.kind == MARK_NAME          ? s->steered[mark.name]
			: mark.kind == MARK_WHY ? why
						: none,
		&next, out);
}

/* Appends one; returns the words that are used then. */
static size_t nsec_add(
	struct zone_signing *s, uint32_t place, size_t used, size_t *room)
{
	uint8_t rdata[ZONE_NSEC_MAX];
	struct name owner;
	size_t n = nsec_rdata(s, place, rdata);

	zone_node_name(s->zone, zone_chain_node(s->chain, place), &owner);
	size_t labels = owner.len - (size_t)s->zone->apex.len;
	size_t words = (sizeof(struct sign_nsec) + labels + n + 7) / 8;
	if (used + words > *room) {
		*room = 2 * (used + words);
		s->nsecs = mem_large_grow(s->nsecs, *room * 8);
	}
	s->nsec_at[place] = (uint32_t)used;
	struct sign_nsec *nsec = (void *)(s->nsecs + used);
	nsec->set = sign_set_id(
		&owner, RR_NSEC, s->nsec_ttl_s, sign_record_contents(rdata, n));
	nsec->rdata_len = (uint16_t)n;
	nsec->owner_len = (uint8_t)labels;
	nsec->labels = sign_labels(&owner);
	memcpy(nsec->bytes, owner.bytes, labels);
	memcpy(nsec->bytes + labels, rdata, n);
	return used + words;
}

static void make_nsecs(struct zone_signing *s)
{
	static const uint8_t asterisk[] = "\001*";
	size_t used = 0, room = s->chain->n * (size_t)8 + 64;
	struct name wild;
	bool exact;

	s->nsecs = mem_large(room * 8);
	s->nsec_at = mem_large(s->chain->n * sizeof *s->nsec_at);
	for (uint32_t i = 0; i < s->chain->n; i++)
		used = nsec_add(s, i, used, &room);
	s->apex_wild = name_prepend(&wild, asterisk, 2, &s->zone->apex)
		? zone_chain_find(s->chain, &wild, &exact)
		: 0;
}

bool zone_signing_end(struct zone_signing *s, const struct zone *zone,
	const sign_types *steered, uint32_t steered_sets,
	const struct zone_signing *previous, struct err *err)
{
	uint64_t number = keys_number(s);

	s->zone = zone;
	s->nsec_ttl_s = zone->negative_ttl; /* RFC 9077 */
	s->steered = steered;
	s->chain = zone_chain_build(zone, zone->arena, err);
	if (!s->chain)
		return false;
	make_nsecs(s);
	s->soa_set = sign_set_id(&zone->apex, RR_SOA, zone_rrset_ttl(zone->soa),
		sign_body_contents(zone->soa));
	uint32_t room =
		(sets_of(zone) + s->chain->n + steered_sets) * s->of_data.n +
		ON_DEMAND_ROOM;
	bool shared = previous && previous->signatures->keys == number &&
		previous->signatures->room >= room;
	s->signatures = shared ? signatures_share(previous->signatures)
			       : signatures_new(room + room / 4, number);
	s->made = shared ? signatures_share(previous->made)
			 : signatures_new(ON_DEMAND_ROOM, number);
	return true;
}

void zone_signing_free(struct zone_signing *s)
{
	if (!s)
		return;
	signatures_free(s->signatures);
	signatures_free(s->made);
	sign_keys_free(s->keys, s->n_keys);
	free(s->nsecs);
	free(s->nsec_at);
	free(s);
}

/* Half of the validity is an epoch: what is made in one is valid through the next. */
struct signature_epoch zone_signing_epoch(
	const struct zone_signing *s, int64_t now_s)
{
	int64_t half_s = s->validity_s / 2, number = now_s / half_s;
	return (struct signature_epoch){.number = (uint32_t)number,
		.begin = (uint32_t)(number * half_s),
		.inception = (uint32_t)(number * half_s - INCEPTION_EARLY_S),
		.expiration = (uint32_t)(number * half_s + s->validity_s)};
}
