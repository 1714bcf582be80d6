/* answer.h - a query packet in, a reply packet out. Never sees a socket: UDP,
 * TCP and the fuzzers share it. Stages, so that a caller can take a whole batch
 * through each, and what the next one reads is in the cache by then:
 *
 *	answer_begin     parses, finds the zone
 *	answer_approach  only for batches, it fetches: where the name is, the client
 *	answer_place     where the client is
 *	answer_find      finds the name and, if it is steered, what steering knows
 *	answer_finish    decides, builds
 *
 * No allocation, no lock, no clock, no log.
 *
 * Every thread that answers owns one struct answerer. The caller sets snap and
 * the times at the start of each batch, inside its RCU read section.
 */
#ifndef ANSWER_ANSWER_H
#define ANSWER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "answer/steered.h"
#include "snapshot/counters.h"
#include "base/addr.h"
#include "geo/prefixes.h"
#include "wire/query.h"
#include "zones/zone.h"

struct accounts;
struct record_ring;
struct snapshot;

struct answerer {
	const struct snapshot *snap;
	int64_t now_ms;  /* clock_ms() of the batch */
	uint32_t wall_s; /* seconds since 1970, for cookies (RFC 9018) */
	struct accounts *accounts; /* steering's, owned by the thread */
	struct record_ring *ring;  /* what is recorded; NULL: nothing */
	struct answer_counters counters;
};

/* One packet on its way. */
struct answer_job {
	/* set by the caller */
	const uint8_t *query;
	uint16_t query_len;
	bool tcp;
	struct addr peer; /* the asking address */
	uint8_t *reply;
	uint16_t reply_room; /* at least 512 */

	/* set by answer_finish: 0 means drop, no reply is to be sent */
	uint16_t reply_len;
	bool defer; /* with reply_len 0: not now, try again in a moment (the
		       first polls are awaited); never over TCP */

	/* between the stages */
	bool drop;
	const struct zone *zone; /* that the question lies in; NULL: none */
	struct zone_match match; /* of its name, if there is a zone */
	struct query q;
	struct addr client; /* ECS address if sent (source > 0), else peer,
				 or the peer where source is 0 */
	struct geo_leaf
		leaf; /* where client is; known if the zone is steered */
	bool steered; /* the question itself is decided: */
	struct steered_question steer;
};

void answer_begin(struct answerer *answerer, struct answer_job *job);
void answer_approach(const struct answerer *answerer, struct answer_job *job);
void answer_place(const struct answerer *answerer, struct answer_job *job);
void answer_find(const struct answerer *answerer, struct answer_job *job);
void answer_finish(struct answerer *answerer, struct answer_job *job);

#endif
