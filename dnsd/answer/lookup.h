/* lookup.h - from a question and its zone to the records of a reply, as RFC
 * 1034 4.3.2, 2308, 4592, 6604, 6672, 8482 and 9471 ask. Part of answer.
 */
#ifndef ANSWER_LOOKUP_H
#define ANSWER_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "answer/job.h"
#include "wire/reply.h"

struct lookup_result {
	uint8_t rcode;
	bool authoritative;
	bool defer; /* nothing to send yet: steering is not ready, or ... */
	bool unsigned_yet; /* ... signatures are not made */
	uint8_t scope;     /* for ECS; 0 for all that is not steered */
};

/* Finds the question's name in its zone: job->asked->match. Whether it is steered:
 * then steered_find_all() is to follow, and lookup_steered() instead of lookup(). */
bool lookup_begin(struct answer_job *job);

/* After that. Fills the result and the reply's answer, authority and additional; reply->full
 * is set if something did not fit that may not be left out. */
void lookup(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct lookup_result *result);
void lookup_steered(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct lookup_result *result);

#endif
