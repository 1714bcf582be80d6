/* answer.h - query packets in, reply packets out. Never sees a socket: UDP,
 * TCP and the fuzzers share it. No allocation, no lock, no clock, no log.
 *
 * Every thread that answers owns one struct answerer. The caller sets snap and
 * the times at the start of each batch, inside its RCU read section.
 */
#ifndef ANSWER_ANSWER_H
#define ANSWER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "answer/asked.h"
#include "answer/steered.h"
#include "base/addr.h"
#include "snapshot/counters.h"
#include "wire/query.h"

struct accounts;
struct record_ring;
struct snapshot;

struct answerer {
	const struct snapshot *snap;
	int64_t now_ms;  /* clock_ms() of the batch */
	uint32_t wall_s; /* seconds since 1970, for cookies (RFC 9018) */
	struct accounts *accounts; /* steering's, owned by the thread */
	struct record_ring *ring;  /* what is recorded; NULL: nothing */
	struct asked_table *asked; /* names asked for of late; NULL: not kept */
	struct answer_counters counters;
};

/* One packet on its way. */
struct answer_job {
	/* set by the caller */
	const uint8_t *query;
	uint16_t query_len;
	bool tcp;
	bool again;       /* it was deferred, and counted then */
	struct addr peer; /* the asking address */
	uint8_t *reply;
	uint16_t reply_room; /* at least 512 */

	/* set by the answer: 0 means drop, no reply is to be sent */
	uint16_t reply_len;
	bool defer; /* with reply_len 0: not now, try again in a moment (the
		       first polls are awaited); never over TCP */

	/* between the stages */
	bool drop;
	bool steered; /* the name that was asked for is, for this type */
	bool proven;  /* the peer's address is not forged: TCP, or a valid
			 server cookie */
	struct query q;
	struct asked *asked;             /* with q.question_len > 0: its name */
	const struct zone *zone;         /* to answer it from; NULL: none */
	struct steered_question steer;   /* if steered, and ... */
	struct answer_job *next_steered; /* ... the next one of the batch */
	struct asked own;                /* where asked may point to */
};

/* Whom the answer is for: the client subnet if one was sent, else the asking
 * address, also where the source prefix-length is 0. */
static inline const struct addr *answer_client(const struct answer_job *job)
{
	const struct edns_ecs *ecs = &job->q.edns.ecs;
	return ecs->present && ecs->source ? &ecs->addr : &job->peer;
}

/* Answers n packets; how many are deferred. A batch goes through stages together,
 * so that what one reads of large tables has been fetched into the cache by the one
 * before. */
unsigned answer_batch(
	struct answerer *answerer, struct answer_job *jobs, unsigned n);

/* The same in two steps, for who does not know yet where the replies go: all but
 * the reply of all jobs, and then of each, in any order, the reply. */
void answer_prepare(
	struct answerer *answerer, struct answer_job *jobs, unsigned n);
void answer_finish(struct answerer *answerer, struct answer_job *job);

#endif
