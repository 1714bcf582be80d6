#include "transfer/out.h"

#include <string.h>

#include "wire/reply.h"

/* A message is sent when the next record would not fit into so much. Small enough that
 * pointers reach all owners, and that slow askers show progress. */
#define MESSAGE_ENOUGH 16384
#define UDP_SIZE 1232

/* -- the request -- */

/* The serial that the asker of an IXFR has: of the SOA in its authority section. */
static bool asked_serial(const struct out *o, size_t len, uint32_t *serial)
{
	const uint8_t *packet = o->query.packet;
	size_t at = HEADER_LEN + o->query.question_len, n;

	if (get16(packet + 6) || !get16(packet + 8))
		return false;
	n = name_skip(packet, len, at);
	if (!n || len - at < n + RR_FIXED_LEN ||
		get16(packet + at + n) != RR_SOA)
		return false;
	at += n + RR_FIXED_LEN;
	for (unsigned i = 0; i < 2; i++) {
		n = at < len ? name_skip(packet, len, at) : 0;
		if (!n)
			return false;
		at += n;
	}
	if (len - at < 4)
		return false;
	*serial = get32(packet + at);
	return true;
}

/* Whether it has what we have, or something newer (RFC 1982). */
static bool is_current(const struct out *o, size_t len)
{
	uint32_t serial;
	return o->query.qtype == RR_IXFR && asked_serial(o, len, &serial) &&
		(int32_t)(serial - o->zone->zone->serial) >= 0;
}

void out_begin(struct out *o, const struct transfer_source *source,
	const struct transfer_zone *zone, const uint8_t *request, size_t len,
	const struct tsig_key *key)
{
	struct tsig tsig;

	*o = (struct out){.zone = zone, .is_signed = key != NULL};
	query_read(&o->query, &o->qname, request, len);
	records_begin(&o->records, source, zone->zone, false);
	o->all = !is_current(o, len);
	o->state = o->all ? OUT_FIRST_SOA : OUT_LAST_SOA;
	if (key && tsig_read(&tsig, request, len, o->query.tsig))
		tsig_follow(&o->chain, key, &tsig);
}

void out_end(struct out *o)
{
	records_end(&o->records);
}

/* -- messages -- */

/* The record that comes next. False: none does. */
static bool next_record(struct out *o, struct record *record)
{
	if (o->have_next) {
		*record = o->next;
		o->have_next = false;
		return true;
	}
	if (o->state == OUT_RECORDS) {
		if (records_next(&o->records, record))
			return true;
		o->state = OUT_LAST_SOA;
	}
	if (o->state == OUT_DONE)
		return false;
	*record = records_soa(&o->records);
	o->state = o->state == OUT_FIRST_SOA ? OUT_RECORDS : OUT_DONE;
	return true;
}

/* Where the last owner of the message stands, for those after it. */
struct last_owner {
	struct name name;
	uint32_t at; /* 0: none */
};

/* A pointer to the question, or to the last owner, or labels and the first. */
static void put_owner(const struct out *o, struct reply *r,
	const struct name *owner, struct last_owner *last)
{
	uint16_t to = HEADER_LEN;
	unsigned labels = (unsigned)(owner->len - o->qname.len);
	bool again = last->at && name_equal(owner, &last->name);

	if (again) {
		to = (uint16_t)last->at;
		labels = 0;
	} else if (labels && r->len <= REPLY_POINTER_MAX) {
		last->name = *owner;
		last->at = r->len;
	}
	uint8_t *p = reply_take(r, labels + 2);
	if (!p)
		return;
	memcpy(p, owner->bytes, labels);
	put16(p + labels, 0xc000u | to);
}

/* False: it does not fit, and nothing is written. */
static bool put_record(const struct out *o, struct reply *r,
	const struct record *record, struct last_owner *last)
{
	struct reply_point point = reply_save(r);

	put_owner(o, r, record->owner, last);
	uint8_t *p = reply_take(r, RR_FIXED_LEN + record->rdlen);
	if (!p) {
		reply_restore(r, point);
		last->at = 0; /* it may have been this one */
		return false;
	}
	put16(p, record->type);
	put16(p + 2, CLASS_IN);
	put32(p + 4, record->ttl_s);
	put16(p + 8, record->rdlen);
	memcpy(p + RR_FIXED_LEN, record->rdata, record->rdlen);
	r->counts[REPLY_ANSWER]++;
	return true;
}

/* As many as fit; one that is alone may be as long as a message can be. */
static void put_records(struct out *o, struct reply *r, uint32_t most)
{
	struct last_owner last = {.at = 0};
	struct record record;

	while (next_record(o, &record)) {
		bool put = put_record(o, r, &record, &last);
		if (!put && !r->counts[REPLY_ANSWER]) {
			r->limit = most;
			put = put_record(o, r, &record, &last);
		}
		if (!put) {
			o->next = record;
			o->have_next = true;
			return;
		}
		o->sent_records++;
	}
}

static size_t finish(struct out *o, struct reply *r, uint8_t *frame,
	unsigned rcode, uint64_t now_s)
{
	struct edns_reply edns = {
		.udp_size = UDP_SIZE, .dnssec_ok = o->query.edns.dnssec_ok};
	bool opt = o->query.edns.present && !o->sent_messages;

	size_t len =
		reply_end(r, rcode ? 0 : FLAG_AA, rcode, opt ? &edns : NULL);
	if (o->is_signed)
		len = tsig_sign(&o->chain, frame + 2, len, now_s);
	put16(frame, (unsigned)len);
	o->sent_messages++;
	return len + 2;
}

/* Octets at the end that OPT and TSIG may take. */
static size_t out_reserve(const struct out *o)
{
	struct tsig asked;
	size_t n = EDNS_FIXED_LEN;
	if (!o->is_signed)
		return n;
	asked.key = o->chain.key->name;
	name_from_text(
		&asked.algorithm, tsig_algorithms[o->chain.key->algorithm]);
	return n + tsig_room(&asked);
}

size_t out_message(struct out *o, uint8_t frame[OUT_FRAME_MAX], uint64_t now_s)
{
	struct reply r;
	size_t reserve = out_reserve(o);

	if (o->state == OUT_DONE && !o->have_next)
		return 0;
	reply_begin(&r, frame + 2, MESSAGE_ENOUGH, reserve, &o->query);
	put_records(o, &r, (uint32_t)(OUT_FRAME_MAX - 2 - reserve));
	return finish(o, &r, frame, RCODE_NOERROR, now_s);
}

size_t out_refuse(struct out *o, uint8_t frame[OUT_FRAME_MAX], unsigned rcode,
	uint64_t now_s)
{
	struct reply r;
	o->state = OUT_DONE;
	o->have_next = false;
	reply_begin(&r, frame + 2, MESSAGE_ENOUGH, out_reserve(o), &o->query);
	return finish(o, &r, frame, rcode, now_s);
}
