#include "wire/query.h"

#include "wire/rr.h"

/* One OPT record of the additional section, behind its type. */
static bool read_opt(
	struct query *q, const uint8_t *rr, size_t owner_len, size_t rdlen)
{
	if (q->edns.present || owner_len != 1)
		return false;
	q->edns.udp_size = get16(rr + 2);
	q->edns.version = rr[5];
	q->edns.dnssec_ok = get16(rr + 6) & EDNS_DO;
	if (q->edns.version > 0) { /* its options may mean anything */
		q->edns.present = true;
		q->rcode = RCODE_BADVERS;
		return true;
	}
	q->edns.present = edns_read_options(&q->edns, rr + RR_FIXED_LEN, rdlen);
	if (!q->edns.present) {
		q->edns.present = true; /* the FORMERR carries an OPT */
		q->edns.ecs.present = false;
		q->edns.cookie_len = 0;
		q->rcode = RCODE_FORMERR;
	}
	return true;
}

/* Walks the records behind the question; of OPT all is read, of a TSIG where it is.
 * SIG(0) and the SOA of an IXFR are stepped over. False: FORMERR without an OPT. */
static inline bool read_records(
	struct query *q, uint64_t counts, size_t len, size_t at)
{
	const uint8_t *packet = q->packet;
	unsigned before = (uint16_t)(counts >> 32) + (uint16_t)(counts >> 16);
	unsigned total = before + (uint16_t)counts;

	for (unsigned i = 0; i < total; i++) {
		/* The root, as OPT has it, needs no walk. */
		size_t owner_len = at < len && !packet[at]
			? 1
			: name_skip(packet, len, at);
		if (!owner_len || len - at < owner_len + RR_FIXED_LEN)
			return false;
		const uint8_t *rr = packet + at + owner_len;
		size_t rdlen = get16(rr + 8);
		if (len - at - owner_len - RR_FIXED_LEN < rdlen)
			return false;
		if (i >= before && get16(rr) == RR_OPT &&
			!read_opt(q, rr, owner_len, rdlen))
			return false;
		if (i >= before && get16(rr) == RR_TSIG) {
			if (i + 1 < total)
				return false;
			q->tsig = (uint16_t)at;
		}
		at += owner_len + RR_FIXED_LEN + rdlen;
	}
	return at == len;
}

/* What is behind QNAME; false if that is cut short. */
static inline bool read_question(struct query *q, size_t len, size_t name_len)
{
	const uint8_t *p = q->packet + HEADER_LEN + name_len;
	if (!name_len || len < HEADER_LEN + name_len + 4)
		return false;
	q->qtype = get16(p);
	q->qclass = get16(p + 2);
	q->question_len = (uint16_t)(name_len + 4);
	return true;
}

void query_end(struct query *q, size_t len, size_t name_len)
{
	uint64_t counts = get64(q->packet + 4); /* of all sections */
	unsigned questions = (unsigned)(counts >> 48);

	q->flags = get16(q->packet + 2);
	q->rcode = RCODE_NOERROR;
	q->question_len = q->qtype = q->qclass = q->tsig = 0;
	q->edns.present = q->edns.dnssec_ok = q->edns.nsid = false;
	q->edns.padded = false;
	q->edns.ecs.present = false;
	q->edns.cookie_len = 0;
	bool good = questions == 1 && read_question(q, len, name_len);
	if (q->flags & FLAG_OPCODE) { /* for its OPT, if it has one */
		if (!good ||
			!read_records(
				q, counts, len, HEADER_LEN + q->question_len)) {
			q->edns.present = false;
			q->tsig = 0;
		}
		q->rcode = RCODE_NOTIMP;
		return;
	}
	if ((good || !questions) &&
		!read_records(q, counts, len, HEADER_LEN + q->question_len)) {
		q->edns.present = false;
		q->tsig = 0;
		good = false;
	} else if (!questions) {
		good = q->edns.cookie_len > 0 || q->rcode != RCODE_NOERROR;
	}
	if (!good)
		q->rcode = RCODE_FORMERR;
}

/* No pointer is in QNAME: there is nothing it could point to. */
bool query_read(
	struct query *q, struct name *name, const uint8_t *packet, size_t len)
{
	if (!query_begin(q, packet, len))
		return false;
	query_end(
		q, len, name_read(name, packet + HEADER_LEN, len - HEADER_LEN));
	return true;
}
