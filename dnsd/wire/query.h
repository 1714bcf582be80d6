/* query.h - a query packet, read once, checked as the standards ask.
 * Borrows the packet for as long as the query is used. Any thread.
 */
#ifndef WIRE_QUERY_H
#define WIRE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/edns.h"
#include "wire/name.h"
#include "wire/rr.h"

struct query {
	const uint8_t *packet;
	uint16_t flags;        /* of the header, as sent */
	uint16_t rcode;        /* NOERROR: answer it; else say this */
	uint16_t question_len; /* octets to echo after the header; 0: none */
	uint16_t qtype, qclass;
	uint16_t
		tsig; /* where the TSIG begins, which is the last record; 0: there
			  is none */
	struct edns edns;
};

/* Reads a packet and, with question_len > 0, QNAME. False: not to be answered at
 * all (a response, or shorter than a header). Else q->rcode says what is wrong:
 *  FORMERR  not one well-formed question (RFC 9619), a record cut short,
 *           octets behind the last record, two OPTs or one not at the root
 *           (RFC 6891 6.1.1), a malformed ECS or COOKIE option, a TSIG that
 *           is not the last record (RFC 8945 5.1)
 *  NOTIMP   an opcode other than QUERY; its OPT is read if it is one
 *  BADVERS  an EDNS version above 0
 * A query without a question but with a COOKIE is answered NOERROR with
 * question_len 0 (RFC 7873 5.4). */
bool query_read(
	struct query *q, struct name *name, const uint8_t *packet, size_t len);

/* The same in two steps, for a caller that knows QNAME without reading it. len is that of
 * the packet, name_len QNAME's; 0: there is none, or it is malformed. */
static inline bool query_begin(
	struct query *q, const uint8_t *packet, size_t len)
{
	q->packet = packet;
	return len >= HEADER_LEN && !(packet[2] & 0x80);
}
void query_end(struct query *q, size_t len, size_t name_len);

#endif
