/* tsig.h - a query with a TSIG, and its reply (RFC 8945 5.2, 5.3). Part of answer. */
#ifndef ANSWER_TSIG_H
#define ANSWER_TSIG_H

#include "answer/job.h"
#include "tsig/tsig.h"

struct answer_tsig {
	struct tsig tsig; /* of the query */
	const struct tsig_key *key;
	enum tsig_error error;
};

/* Verifies a query that has one: sets job->key, or the RCODE that the reply has instead
 * of an answer. Returns how many octets of the reply are to be kept. */
size_t answer_tsig_begin(const struct answerer *answerer,
	struct answer_job *job, struct answer_tsig *t);

/* Appends the reply's, which is whole but for that. */
void answer_tsig_end(const struct answerer *answerer, struct answer_job *job,
	const struct answer_tsig *t);

#endif
