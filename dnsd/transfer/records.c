#include "transfer/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "sign/zone.h"
#include "snapshot/mark.h"
#include "wire/rr.h"
#include "wire/svcb.h"
#include "zones/rdata.h"

/* A record that is made, in front of its RDATA. */
#define MADE_LEN 8 /* type, TTL, length */

static void add_record(struct records *r, uint16_t type, uint32_t ttl_s,
	const void *rdata, size_t rdlen)
{
	uint8_t head[MADE_LEN];
	put16(head, type);
	put32(head + 2, ttl_s);
	put16(head + 6, (unsigned)rdlen);
	buf_add(&r->made, head, sizeof head);
	buf_add(&r->made, rdata, rdlen);
}

/* -- what the zone has -- */

/* Copies a name of a set's body, which ends with a pointer or the root: to the apex
 * (0xc000) or to an earlier name of the body. Returns where it ends there. */
static const uint8_t *add_name(
	struct records *r, const struct zone_rrset *set, const uint8_t *p)
{
	const uint8_t *end = NULL;
	for (;;) {
		unsigned n = *p;
		if (n >= 0xc0) {
			unsigned to = get16(p) & REPLY_POINTER_MAX;
			if (!end)
				end = p + 2;
			p = to ? set->body + to : r->zone->apex.bytes;
			continue;
		}
		buf_add(&r->made, p, n + 1);
		p += n + 1;
		if (!n)
			return end ? end : p;
	}
}

/* p: TTL and length of a record of a set's body, in front of its RDATA. */
static void add_of_set(
	struct records *r, const struct zone_rrset *set, const uint8_t *p)
{
	struct rdata_names names = rdata_names(set->type);
	const uint8_t *rdata = p + 6, *end = rdata + get16(p + 4);
	size_t head = r->made.len;

	add_record(r, set->type, get32(p), rdata, names.before);
	rdata += names.before;
	for (unsigned i = 0; i < names.count; i++)
		rdata = add_name(r, set, rdata);
	buf_add(&r->made, rdata, (size_t)(end - rdata));
	put16((uint8_t *)r->made.text + head + 6,
		(unsigned)(r->made.len - head - MADE_LEN));
}

static void add_set(struct records *r, const struct zone_rrset *set)
{
	const uint8_t *p = set->body;
	for (unsigned i = set->count; i; i--) {
		add_of_set(r, set, p + 6);
		p += RR_POINTER_LEN + get16(p + 10);
	}
}

/* -- steered names, as they are without steering -- */

static int address_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* All addresses of a pool of one family, each once. */
static void add_addresses(
	struct records *r, const struct conf_steer *steer, unsigned family)
{
	const struct conf *conf = r->source->conf;
	struct addr *all = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < steer->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[steer->node[i]];
		all = mem_grow(all, (n + node->n_addresses + 1) * sizeof *all);
		for (unsigned k = 0; k < node->n_addresses; k++)
			if (node->address[k].family == family)
				all[n++] = node->address[k];
	}
	if (n)
		qsort(all, n, sizeof *all, address_order);
	for (unsigned i = 0; i < n; i++)
		if (!i || address_order(&all[i], &all[i - 1]))
			add_record(r, family == 4 ? RR_A : RR_AAAA,
				(uint32_t)steer->ttl[0], all[i].bytes,
				addr_bits(&all[i]) / 8);
	free(all);
}

static void add_steered(struct records *r, const struct conf_steer *steer)
{
	uint8_t rdata[SVCB_RDATA_MAX];

	add_addresses(r, steer, 4);
	add_addresses(r, steer, 6);
	if (!*steer->https)
		return;
	uint8_t *end = svcb_alpn(svcb_begin(rdata, 1, NULL), steer->https);
	add_record(r, RR_HTTPS, (uint32_t)steer->ttl[0], rdata,
		(size_t)(end - rdata));
}

/* A steered name or a line of it. Its streams are what a wildcard matches, unless the
 * zone has one there. */
static void add_mark(struct records *r, const struct zone_node *node)
{
	static const char text[] = "\031asked of the server alone";
	struct mark mark = mark_unpack(zone_mark(node));
	/* The NSEC of _why says that there is a TXT. */
	if (mark.kind == MARK_WHY && r->message)
		add_record(r, RR_TXT, 0, text, sizeof text - 1);
	if (mark.kind != MARK_NAME)
		return;
	const struct conf_steer *steer = &r->source->conf->steer[mark.name];
	add_steered(r, steer);
	r->streams_at = r->made.len;
	if (mark.streams && !(node->flags & NODE_WILD) &&
		name_prepend(&r->stream, (const uint8_t *)"\1*", 2, &r->owner))
		add_steered(r, steer);
}

/* -- signatures of a signed zone -- */

/* A signature that answers have is taken; another one is made here. */
static bool find_or_make(const struct zone_signing *z,
	const struct rrsig_fields *fields, uint64_t set, const uint8_t *message,
	size_t len, uint8_t out[SIGN_SIGNATURE_LEN])
{
	const struct signature_table *now = z->signatures->now;
	struct signature found;
	uint64_t id = sign_signature_id(set, fields->key);

	if (!set || !now || now->epoch.number != fields->epoch->number ||
		!signature_table_find(now, id, &found))
		return rrsig_make(fields, message, len, out);
	memcpy(out, found.bytes, SIGN_SIGNATURE_LEN);
	return true;
}

/* Appends the RRSIGs of a set, which is in r->message. set: sign_set_id(); 0: answers
 * have no such set. */
static void add_rrsigs(struct records *r, uint16_t type, uint32_t ttl_s,
	uint64_t set, size_t len)
{
	const struct zone_signing *z = r->zone->signing;
	const struct sign_keyset *keys = zone_signing_keys(z, type);
	uint8_t rdata[RRSIG_FIXED_LEN + NAME_WIRE_MAX + SIGN_SIGNATURE_LEN];

	for (unsigned i = 0; i < keys->n; i++) {
		struct rrsig_fields fields = {type, sign_labels(&r->owner),
			ttl_s, &r->epoch, keys->key[i]};
		size_t n = rrsig_put(&fields, rdata);
		if (find_or_make(z, &fields, set, r->message, len, rdata + n))
			add_record(r, RR_RRSIG, ttl_s, rdata,
				n + SIGN_SIGNATURE_LEN);
	}
}

/* Copies records of one type that were made, from `at` on, into r->message; *at is behind
 * them then. Returns the length of the message. */
static size_t message_of(struct records *r, size_t *at, size_t end)
{
	const uint8_t *made = (const uint8_t *)r->made.text;
	uint16_t type = get16(made + *at);
	size_t len = rrsig_message_begin(r->message, &r->owner, type);
	unsigned count = 0;

	while (*at < end && get16(made + *at) == type) {
		const uint8_t *p = made + *at;
		size_t n = get16(p + 6);
		uint8_t *out = r->message + len;
		put16(out, 0xc000u | HEADER_LEN);
		put16(out + 2, type);
		put16(out + 4, CLASS_IN);
		memcpy(out + 6, p + 2, 6 + n); /* TTL, length, RDATA */
		len += RR_POINTER_LEN + n;
		*at += MADE_LEN + n;
		count++;
	}
	rrsig_message_end(r->message, count);
	return len;
}

/* What answers know the set of that type by; 0: it is one that they have not. */
static uint64_t set_of(
	const struct records *r, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *set = zone_rrset(node, type);
	return set ? sign_set_id(&r->owner, type, zone_rrset_ttl(set),
			     sign_body_contents(set))
		   : 0;
}

static void add_nsec(struct records *r, uint32_t place)
{
	const struct zone_signing *z = r->zone->signing;
	const struct sign_nsec *nsec = zone_signing_nsec(z, place);
	size_t at = r->made.len;

	add_record(r, RR_NSEC, z->nsec_ttl_s, nsec->bytes + nsec->owner_len,
		nsec->rdata_len);
	size_t len = message_of(r, &at, r->made.len);
	add_rrsigs(r, RR_NSEC, z->nsec_ttl_s, nsec->set, len);
}

/* Of all sets of a name that are the zone's own, and the NSEC; nothing of glue. */
static void add_signatures(struct records *r, const struct zone_node *node)
{
	const struct zone_signing *z = r->zone->signing;
	bool exact;
	uint32_t place = zone_chain_find(z->chain, &r->owner, &exact);
	size_t end = r->made.len, at = 0;

	if (!exact)
		return;
	while (at < end) {
		const uint8_t *first = (const uint8_t *)r->made.text + at;
		uint16_t type = get16(first);
		uint32_t ttl_s = get32(first + 2);
		size_t len = message_of(r, &at, end);
		if (!(node->flags & NODE_CUT) || type == RR_DS)
			add_rrsigs(r, type, ttl_s, set_of(r, node, type), len);
	}
	add_nsec(r, place);
}

/* The SOA stands apart from the others of the apex; its RRSIGs do not. */
static void sign_soa(struct records *r)
{
	size_t at = r->made.len, begin = at;
	add_set(r, r->zone->soa);
	size_t len = message_of(r, &at, r->made.len);
	r->made.len = begin;
	add_rrsigs(r, RR_SOA, zone_rrset_ttl(r->zone->soa),
		set_of(r, zone_apex(r->zone), RR_SOA), len);
}

/* -- a name after the other -- */

/* All records of a name. Whatever else a zone is to be sent with belongs here. */
static void add_node(struct records *r, const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset_first(node);

	r->made.len = r->at = 0;
	zone_node_name(r->zone, node, &r->owner);
	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set))
		if (set->type != RR_SOA)
			add_set(r, set);
	r->streams_at = r->made.len;
	if (node->flags & NODE_MARK)
		add_mark(r, node);
	if (!r->message)
		return;
	add_signatures(r, node);
	if (!node->parent)
		sign_soa(r);
	r->streams_at = r->made.len;
}

static struct record take(struct records *r)
{
	const uint8_t *p = (const uint8_t *)r->made.text + r->at;
	struct record record = {
		.owner = r->at < r->streams_at ? &r->owner : &r->stream,
		.type = get16(p),
		.ttl_s = get32(p + 2),
		.rdlen = get16(p + 6),
		.rdata = p + MADE_LEN};
	r->at += MADE_LEN + record.rdlen;
	return record;
}

void records_begin(struct records *r, const struct transfer_source *source,
	const struct zone *zone, bool plain)
{
	*r = (struct records){
		.source = source, .zone = zone, .next = zone_apex(zone)};
	if (plain || !zone->signing)
		return;
	r->epoch = zone_signing_epoch(zone->signing, clock_wall_ms() / 1000);
	r->message = mem_alloc(UINT16_MAX + 1);
}

void records_end(struct records *r)
{
	buf_fini(&r->made);
	free(r->message);
}

struct record records_soa(struct records *r)
{
	r->made.len = r->at = 0;
	r->owner = r->zone->apex;
	add_set(r, r->zone->soa);
	r->streams_at = r->made.len;
	return take(r);
}

bool records_next(struct records *r, struct record *record)
{
	while (r->at == r->made.len) {
		if (!r->next)
			return false;
		add_node(r, r->next);
		r->next = zone_next(r->next);
	}
	*record = take(r);
	return true;
}

static uint64_t record_hash(const struct record *record)
{
	uint64_t seed = (uint64_t)record->type << 32 | record->ttl_s;
	seed = hash_bytes(record->owner->bytes, record->owner->len, seed);
	return hash_bytes(record->rdata, record->rdlen, seed);
}

uint64_t records_hash(
	const struct transfer_source *source, const struct zone *zone)
{
	struct records r;
	struct record record;
	uint64_t sum = 0;

	records_begin(&r, source, zone, true);
	record = records_soa(&r);
	sum = record_hash(&record);
	while (records_next(&r, &record))
		sum += record_hash(&record);
	records_end(&r);
	return sum;
}
