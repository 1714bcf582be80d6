#include "wire/reply.h"

#include <assert.h>

void reply_begin(struct reply *r, uint8_t *buffer, size_t room, size_t reserve,
	const struct query *q)
{
	assert(room >= 512 && HEADER_LEN + q->question_len + reserve <= room);
	r->at = buffer;
	r->limit = (uint32_t)(room - reserve);
	memcpy(buffer, q->packet, 4);
	octets_copy(
		buffer + HEADER_LEN, q->packet + HEADER_LEN, q->question_len);
	reply_clear(r, q);
}

void reply_clear(struct reply *r, const struct query *q)
{
	r->len = HEADER_LEN + q->question_len;
	r->full = false;
	r->questions = q->question_len > 0;
	r->section = REPLY_ANSWER;
	memset(r->counts, 0, sizeof r->counts);
}

size_t reply_end(struct reply *r, unsigned flags, unsigned rcode,
	const struct edns_reply *edns)
{
	uint8_t *h = r->at;
	unsigned copied = get16(h + 2) & (FLAG_OPCODE | FLAG_RD | FLAG_CD);

	put16(h + 2, FLAG_QR | copied | flags | (rcode & 15));
	put16(h + 4, r->questions);
	put16(h + 6, r->counts[REPLY_ANSWER]);
	put16(h + 8, r->counts[REPLY_AUTHORITY]);
	put16(h + 10, r->counts[REPLY_ADDITIONAL] + (edns != NULL));
	if (edns)
		r->len += (uint32_t)edns_write(edns, h + r->len);
	return r->len;
}
