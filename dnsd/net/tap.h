/* tap.h - a sample of what was asked and answered, left in the thread's ring for dnstap.
 *
 * The share is the configuration's (dnstap). While it is off, a batch costs one look at
 * the options.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "answer/answer.h"
#include "base/rng.h"

struct tap_ring;

/* Owned by the answering thread. */
struct tap {
	struct tap_ring *ring; /* NULL: none, and nothing is left */
	struct rng rng;
};

/* When a batch begins and ends, if dnstap is on; else 0. snap is acquired. */
int64_t tap_now(const struct answerer *answerer);

/* Leaves the job if chance has it. snap is still acquired. */
void tap_job(struct tap *tap, const struct answerer *answerer,
	const struct answer_job *job, int64_t query_ns, int64_t response_ns);

#endif
