#include "transfer/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
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
	struct mark mark = mark_unpack(zone_mark(node));
	if (mark.kind != MARK_NAME)
		return;
	const struct conf_steer *steer = &r->source->conf->steer[mark.name];
	add_steered(r, steer);
	r->streams_at = r->made.len;
	if (mark.streams && !(node->flags & NODE_WILD) &&
		name_prepend(&r->stream, (const uint8_t *)"\1*", 2, &r->owner))
		add_steered(r, steer);
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
	const struct zone *zone)
{
	*r = (struct records){
		.source = source, .zone = zone, .next = zone_apex(zone)};
}

void records_end(struct records *r)
{
	buf_fini(&r->made);
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

	records_begin(&r, source, zone);
	record = records_soa(&r);
	sum = record_hash(&record);
	while (records_next(&r, &record))
		sum += record_hash(&record);
	records_end(&r);
	return sum;
}
