/* answer.h - query packets in, reply packets out. Never sees a socket: UDP,
 * TCP and the fuzzers share it. No allocation, no lock, no clock, no log.
 *
 * Every thread that answers owns one struct answerer. The caller sets snap and
 * the times at the start of each batch, inside its RCU read section.
 */
#ifndef ANSWER_ANSWER_H
#define ANSWER_ANSWER_H

#include "answer/job.h"

/* Answers n packets; how many are deferred. A batch goes through stages together,
 * so that what one reads of large tables has been fetched into the cache by the one
 * before. */
unsigned answer_batch(
	struct answerer *answerer, struct answer_job *jobs, unsigned n);

/* The same in two steps, for a caller that does not know yet where the replies go: all but
 * the reply of all jobs, and then of each, in any order, the reply. */
void answer_prepare(
	struct answerer *answerer, struct answer_job *jobs, unsigned n);
void answer_finish(struct answerer *answerer, struct answer_job *job);

/* Instead of what was deferred and does not come: SERVFAIL. */
void answer_fail(struct answerer *answerer, struct answer_job *job);

#endif
