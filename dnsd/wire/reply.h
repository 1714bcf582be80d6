/* reply.h - writes a reply into the caller's buffer. Overflow is sticky: what
 * does not fit is not written and `full` is set, so that callers check once.
 * Nothing allocates. One thread at a time.
 *
 *	| header | question as asked | answer | authority | additional | OPT |
 *	0        12                                                ^len  ^limit
 *
 * Owners of records are always compression pointers to a name that already
 * stands in the message; pointers reach 14 bits (REPLY_POINTER_MAX).
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/query.h"
#include "wire/rr.h"

#define REPLY_POINTER_MAX 0x3fffu

enum reply_section { REPLY_ANSWER, REPLY_AUTHORITY, REPLY_ADDITIONAL };

struct reply {
	uint8_t *at;       /* the buffer */
	uint32_t len;      /* octets written */
	uint32_t limit;    /* records may fill up to here; OPT comes behind */
	bool full;         /* something did not fit */
	uint8_t questions; /* 0 or 1 */
	enum reply_section section; /* that records are counted in */
	uint16_t counts[3];
};

/* Copies id, question and the flags that are copied (opcode, RD, CD) of q.
 * The buffer has at least 512 octets; reserve is kept for OPT. */
void reply_begin(struct reply *r, uint8_t *buffer, size_t room, size_t reserve,
	const struct query *q);

/* Completes the header and appends OPT (NULL: none). flags: AA and TC.
 * Returns the length of the message. */
size_t reply_end(struct reply *r, unsigned flags, unsigned rcode,
	const struct edns_reply *edns);

/* Throws away all records. */
void reply_clear(struct reply *r, const struct query *q);

/* A point to go back to when an RRset does not fit whole. */
struct reply_point {
	uint32_t len;
	bool full;
	uint16_t count;
};

static inline struct reply_point reply_save(const struct reply *r)
{
	return (struct reply_point){r->len, r->full, r->counts[r->section]};
}

static inline void reply_restore(struct reply *r, struct reply_point p)
{
	r->len = p.len;
	r->full = p.full;
	r->counts[r->section] = p.count;
}

/* n octets to write at, or NULL: full. */
static inline uint8_t *reply_take(struct reply *r, size_t n)
{
	if (r->full || n > r->limit - r->len) {
		r->full = true;
		return NULL;
	}
	uint8_t *p = r->at + r->len;
	r->len += (uint32_t)n;
	return p;
}

/* One whole record, class IN unless said otherwise, counted in the current
 * section. owner is the offset of its owner name in the message. */
static inline void reply_rr_class(struct reply *r, uint16_t owner,
	uint16_t type, uint16_t class, uint32_t ttl, const void *rdata,
	size_t rdlen)
{
	assert(owner <= REPLY_POINTER_MAX);
	uint8_t *p = reply_take(r, RR_POINTER_LEN + rdlen);
	if (!p)
		return;
	put16(p, 0xc000u | owner);
	put16(p + 2, type);
	put16(p + 4, class);
	put32(p + 6, ttl);
	put16(p + 10, (unsigned)rdlen);
	memcpy(p + RR_POINTER_LEN, rdata, rdlen);
	r->counts[r->section]++;
}

static inline void reply_rr(struct reply *r, uint16_t owner, uint16_t type,
	uint32_t ttl, const void *rdata, size_t rdlen)
{
	reply_rr_class(r, owner, type, CLASS_IN, ttl, rdata, rdlen);
}

#endif
