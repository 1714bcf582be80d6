/* xfr.h - what becomes of a question for AXFR or IXFR, and of a NOTIFY. Part of answer. */
#ifndef ANSWER_XFR_H
#define ANSWER_XFR_H

#include "answer/job.h"
#include "wire/reply.h"

/* Sets job->transfer if a transfer is to follow; else the reply's RCODE, and over UDP
 * the SOA, which sends the asker of an IXFR to TCP if it has another one (RFC 1995 2). */
unsigned xfr_answer(const struct answerer *answerer, struct answer_job *job,
	struct reply *reply);

/* Whether a message that is no QUERY is a NOTIFY (RFC 1996) that could be read. */
static inline bool xfr_is_notify(const struct query *q)
{
	return q->rcode == RCODE_NOTIMP && q->question_len &&
		(q->flags & FLAG_OPCODE) == OPCODE_NOTIFY;
}

/* Has the primary asked, if it or its key says so; the reply's RCODE. */
unsigned xfr_notified(
	const struct answerer *answerer, const struct answer_job *job);

#endif
