/* xfr.h - what becomes of a question for AXFR or IXFR. Part of answer. */
#ifndef ANSWER_XFR_H
#define ANSWER_XFR_H

#include "answer/job.h"
#include "wire/reply.h"

/* Sets job->transfer if a transfer is to follow; else the reply's RCODE, and over UDP
 * the SOA, which sends the asker of an IXFR to TCP if it has another one (RFC 1995 2). */
unsigned xfr_answer(const struct answerer *answerer, struct answer_job *job,
	struct reply *reply);

#endif
