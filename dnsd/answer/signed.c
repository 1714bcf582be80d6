#include "answer/signed.h"

#include <string.h>

#include "wire/rr.h"

/* What RRSIGs are written of. */
struct covered {
	uint64_t set;
	enum sign_table table;
	uint16_t type;
	uint8_t labels;
	uint32_t owner_at;
	/* Of an owner that no pointer reaches: the labels below the apex. */
	const uint8_t *labels_far;
	size_t labels_far_len;
	uint16_t apex;
	uint32_t ttl_s, original_s;
};

/* -- RRSIG -- */

/* As a pointer, if one reaches it. Returns the octet behind it. */
static uint8_t *put_owner(uint8_t *p, const struct covered *c)
{
	if (!c->labels_far) {
		put16(p, 0xc000u | c->owner_at);
		return p + 2;
	}
	memcpy(p, c->labels_far, c->labels_far_len);
	p += c->labels_far_len;
	put16(p, 0xc000u | c->apex);
	return p + 2;
}

static void put_rrsig(struct reply *r, const struct covered *c,
	const struct sign_key *key, const struct signature *signature)
{
	size_t len =
		RRSIG_FIXED_LEN + (size_t)key->zone.len + SIGN_SIGNATURE_LEN;
	uint8_t *p = reply_take(r, c->labels_far_len + RR_POINTER_LEN + len);
	if (!p)
		return;
	p = put_owner(p, c);
	put16(p, RR_RRSIG);
	put16(p + 2, CLASS_IN);
	put32(p + 4, c->ttl_s);
	put16(p + 8, (unsigned)len);
	p += RR_FIXED_LEN;
	p += rrsig_put(&(struct rrsig_fields){c->type, c->labels, c->original_s,
			       signature->epoch, key},
		p);
	memcpy(p, signature->bytes, SIGN_SIGNATURE_LEN);
	r->counts[r->section]++;
}

/* Of what put_rrsigs() found. */
enum found { SIGNED, SIGNED_BEFORE, NOT_SIGNED };

/* SIGNED_BEFORE: the present epoch's are to be made, too. NOT_SIGNED: this reply is not
 * sent, whatever it has. */
static enum found put_rrsigs(struct signed_reply *s, const struct covered *c)
{
	const struct sign_keyset *keys = zone_signing_keys(s->signing, c->type);
	const struct signatures *in = c->table == SIGN_SETS
		? s->signing->signatures
		: s->signing->made;
	struct signature found;
	bool old = false;

	for (unsigned i = 0; i < keys->n; i++) {
		const struct sign_key *key = keys->key[i];
		if (!signatures_find(in, sign_signature_id(c->set, key),
			    s->now_s, &found, &old))
			return NOT_SIGNED;
		put_rrsig(s->reply, c, key, &found);
	}
	return old ? SIGNED_BEFORE : SIGNED;
}

/* Begins a request for a signature; NULL: it can't be asked now. */
static struct sign_request *ask(struct signed_reply *s, const struct covered *c,
	const struct name *owner)
{
	struct sign_request *q = s->ring ? sign_ask_begin(s->ring) : NULL;
	if (!q)
		return NULL;
	q->signing = s->signing->id;
	q->set = c->set;
	q->table = c->table;
	q->node = NULL;
	q->type = c->type;
	q->ttl_s = c->original_s;
	q->labels = c->labels;
	q->owner = *owner;
	return q;
}

void signed_set(struct signed_reply *s, const struct zone_node *node,
	const struct zone_rrset *set, const struct name *owner,
	uint16_t owner_at, uint32_t ttl_max)
{
	uint32_t ttl_s = zone_rrset_ttl(set);
	struct covered c = {.set = set == s->signing->zone->soa
			? s->signing->soa_set
			: sign_set_id(owner, set->type, ttl_s,
				  sign_body_contents(set)),
		.type = set->type,
		.labels = sign_labels(owner),
		.owner_at = owner_at,
		.ttl_s = ttl_s < ttl_max ? ttl_s : ttl_max,
		.original_s = ttl_s};
	if (s->reply->full)
		return;
	enum found found = put_rrsigs(s, &c);
	s->missing |= found == NOT_SIGNED;
	if (found == SIGNED)
		return;
	struct sign_request *q = ask(s, &c, owner);
	if (!q)
		return;
	q->node = node;
	q->of = set;
	sign_ask(s->ring);
}

/* Copies records as they stand, but each with the owner that the question of a message
 * is. False: too many. */
static bool copy_records(struct sign_request *q, const struct reply *r,
	uint32_t from, uint32_t to)
{
	q->count = 0;
	q->len = 0;
	while (from < to) {
		const uint8_t *rr = r->at + from;
		/* The owner is a pointer, or labels that end with one. */
		unsigned skip = (unsigned)name_skip(r->at, to, from);
		rr += skip;
		unsigned len = RR_FIXED_LEN + get16(rr + 8);
		if (q->len + 2 + len > SIGN_RECORDS_MAX)
			return false;
		uint8_t *out = q->records + q->len;
		put16(out, 0xc000u | HEADER_LEN);
		memcpy(out + 2, rr, len);
		q->len = (uint16_t)(q->len + 2 + len);
		q->count++;
		from += skip + len;
	}
	return true;
}

static uint64_t contents_of(const struct reply *r, uint32_t from, uint32_t to)
{
	uint64_t sum = 0;
	while (from < to) {
		const uint8_t *rr = r->at + from + name_skip(r->at, to, from);
		unsigned len = get16(rr + 8);
		sum += sign_record_contents(rr + RR_FIXED_LEN, len);
		from = (uint32_t)(rr - r->at) + RR_FIXED_LEN + len;
	}
	return sum;
}

static void sign_made(struct signed_reply *s, uint32_t from, struct covered *c,
	const struct name *owner)
{
	uint32_t to = s->reply->len;

	c->set = sign_set_id(
		owner, c->type, c->original_s, contents_of(s->reply, from, to));
	c->labels = sign_labels(owner);
	enum found found = put_rrsigs(s, c);
	s->missing |= found == NOT_SIGNED;
	if (found == SIGNED)
		return;
	struct sign_request *q = ask(s, c, owner);
	if (q && copy_records(q, s->reply, from, to))
		sign_ask(s->ring);
}

void signed_records(struct signed_reply *s, uint32_t from, uint16_t type,
	const struct name *owner, uint16_t owner_at, uint32_t ttl_s)
{
	if (s->reply->full || from == s->reply->len)
		return;
	const uint8_t *first = s->reply->at + from;
	struct covered c = {.type = type,
		.owner_at = owner_at,
		.ttl_s = get32(first + 6),
		.original_s = ttl_s};
	sign_made(s, from, &c, owner);
}

/* -- NSEC -- */

/* An NSEC of an owner that does not stand in the message. */
struct nsec {
	const uint8_t *labels; /* of the owner, below the apex */
	size_t labels_len;
	const uint8_t *rdata;
	size_t len;
};

/* Where its owner stands then. */
static uint32_t put_nsec(struct signed_reply *s, const struct nsec *nsec)
{
	struct reply *r = s->reply;
	uint32_t at = r->len;

	uint8_t *p =
		reply_take(r, nsec->labels_len + RR_POINTER_LEN + nsec->len);
	if (!p)
		return at;
	octets_copy(p, nsec->labels, nsec->labels_len);
	p += nsec->labels_len;
	put16(p, 0xc000u | s->apex);
	put16(p + 2, RR_NSEC);
	put16(p + 4, CLASS_IN);
	put32(p + 6, s->signing->nsec_ttl_s);
	put16(p + 10, (unsigned)nsec->len);
	octets_copy(p + RR_POINTER_LEN, nsec->rdata, nsec->len);
	r->counts[r->section]++;
	return at;
}

static struct covered covered_nsec(const struct signed_reply *s,
	uint32_t owner_at, const struct nsec *nsec)
{
	bool far = owner_at > REPLY_POINTER_MAX;
	return (struct covered){.type = RR_NSEC,
		.owner_at = owner_at,
		.labels_far = far ? nsec->labels : NULL,
		.labels_far_len = far ? nsec->labels_len : 0,
		.apex = s->apex,
		.ttl_s = s->signing->nsec_ttl_s,
		.original_s = s->signing->nsec_ttl_s};
}

static bool stands(const struct signed_reply *s, uint32_t place)
{
	for (unsigned i = 0; i < s->n_nsecs; i++)
		if (s->nsecs[i] == place)
			return true;
	return false;
}

/* The record of a name, whose signature is made in the background; in the first moments
 * it is asked for. */
static void put_place(struct signed_reply *s, uint32_t place)
{
	const struct sign_nsec *nsec = zone_signing_nsec(s->signing, place);
	struct name owner;

	if (stands(s, place) || s->n_nsecs == SIGNED_NSECS)
		return;
	s->nsecs[s->n_nsecs++] = place;
	struct nsec record = {nsec->bytes, nsec->owner_len,
		nsec->bytes + nsec->owner_len, nsec->rdata_len};
	uint32_t at = put_nsec(s, &record);
	if (s->reply->full)
		return;
	struct covered c = covered_nsec(s, at, &record);
	c.set = nsec->set;
	c.labels = nsec->labels;
	uint32_t to = s->reply->len;
	enum found found = put_rrsigs(s, &c);
	if (found == SIGNED)
		return;
	s->missing |= found == NOT_SIGNED;
	zone_node_name(s->signing->zone,
		zone_chain_node(s->signing->chain, place), &owner);
	struct sign_request *q = ask(s, &c, &owner);
	if (q && copy_records(q, s->reply, at, to))
		sign_ask(s->ring);
}

void signed_denial(struct signed_reply *s, const struct name *name)
{
	bool exact;
	put_place(s, zone_chain_find(s->signing->chain, name, &exact));
}

void signed_denial_of_wildcard(
	struct signed_reply *s, const struct name *encloser)
{
	static const uint8_t asterisk[] = "\001*";
	struct name wild;
	if (encloser->labels == s->signing->zone->apex.labels)
		put_place(s, s->signing->apex_wild);
	else if (name_prepend(&wild, asterisk, 2, encloser))
		signed_denial(s, &wild);
}

/* Makes a label that sorts just before this one, so that next to no name lies between
 * them; RFC 4470 4.1's exact predecessor would be longer and no better. False: there is
 * none, or another stream may have it as its label, and the NSEC that it owns would deny
 * that stream's addresses. */
static bool label_before(uint8_t *label)
{
	unsigned n = *label;
	if (!label[n] || n == NAME_LABEL_MAX)
		return false;
	label[n]--;
	if (label[n] == 'Z')
		label[n] = 'A' - 1; /* names are in lower case */
	label[++*label] = 0xff;
	return true;
}

void signed_denial_of_stream(
	struct signed_reply *s, const uint8_t *label, const struct name *parent)
{
	uint8_t before[NAME_LABEL_MAX + 2], after[NAME_LABEL_MAX + 2];
	uint8_t rdata[ZONE_NSEC_MAX];
	struct name owner, next;

	memcpy(before, label, *label + 1u);
	memcpy(after, label, *label + 1u);
	after[++*after] = 0; /* the first one after it and all below it */
	if (!label_before(before) ||
		!name_prepend(&owner, before, *before + 1u, parent) ||
		!name_prepend(&next, after, *after + 1u, parent)) {
		if (name_prepend(&owner, label, *label + 1u, parent))
			signed_denial(s, &owner);
		return;
	}
	struct nsec record = {owner.bytes,
		owner.len - (size_t)s->signing->zone->apex.len, rdata,
		zone_nsec_made(&next, rdata)};
	uint32_t at = put_nsec(s, &record);
	struct covered c = covered_nsec(s, at, &record);
	c.table = SIGN_MADE;
	if (!s->reply->full)
		sign_made(s, at, &c, &owner);
}

bool signed_nsec_answer(struct signed_reply *s, const struct name *name,
	uint16_t owner_at, unsigned parts)
{
	bool exact;
	uint32_t place = zone_chain_find(s->signing->chain, name, &exact);
	const struct sign_nsec *nsec = zone_signing_nsec(s->signing, place);

	if (!exact)
		return false;
	struct covered c = covered_nsec(s, owner_at, NULL);
	c.set = nsec->set;
	c.labels = sign_labels(name);
	if (parts & SIGNED_NSEC)
		reply_rr(s->reply, owner_at, RR_NSEC, c.ttl_s,
			nsec->bytes + nsec->owner_len, nsec->rdata_len);
	/* It is made in the background, without being asked for. */
	if (parts & SIGNED_RRSIG)
		s->missing |= put_rrsigs(s, &c) == NOT_SIGNED;
	return true;
}
