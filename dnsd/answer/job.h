/* job.h - a question on its way to its answer, and the thread that answers it: what
 * the files of this room share.
 */
#ifndef ANSWER_JOB_H
#define ANSWER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "geo/prefixes.h"
#include "snapshot/counters.h"
#include "steer/steer.h"
#include "wire/query.h"
#include "zones/zone.h"

struct accounts;
struct asked_table;
struct bell;
struct record_ring;
struct rrl_table;
struct sign_ring;
struct snapshot;
struct transfer_zone;
struct tsig_key;

/* What an owner name is to steering, for one snapshot. */
struct steered_name {
	uint8_t types; /* decided per client: a set of enum steer_type */
	bool why;      /* instead: TXT says what is decided */
	uint8_t line;
	uint8_t stream_len;
	uint32_t name;         /* index of the steered name in the map */
	const uint8_t *stream; /* lower case label of `<stream>.<steered name>`
				  or NULL */
	uint64_t stream_hash;  /* as in steer_query */
};

/* What is found for the client of a question. */
struct steered_question {
	const struct steered_name *name;
	struct geo_search search;
	struct geo_leaf leaf;
	struct steer_query query;
	struct steer_lookup found;
};

/* A name that was asked for. */
struct asked {
	uint64_t
		generation; /* of the snapshot that this is true for; 0: none */
	uint32_t batch;     /* the last that looked at it */
	bool found;         /* match is set */
	struct name name;
	const struct zone *zone; /* that it lies in; NULL: none */
	uint64_t hash;           /* zone_hash(), if there is a zone */
	struct zone_match match;
	struct steered_name steered; /* with match, by lookup_begin() */
};

struct answerer {
	const struct snapshot *snap;
	int64_t now_ms;  /* clock_ms() of the batch */
	uint32_t wall_s; /* seconds since 1970, for cookies (RFC 9018) */
	struct accounts *accounts;   /* steering's, owned by the thread */
	struct record_ring *ring;    /* what is recorded; NULL: nothing */
	struct sign_ring *sign_ring; /* where signatures are asked for; NULL:
					nowhere, what is missing is deferred */
	struct asked_table
		*asked;        /* names asked for recently; NULL: not kept */
	struct rrl_table *rrl; /* of all threads; NULL: there is no limit */
	struct bell *bell;     /* what a NOTIFY rings; NULL: nothing */
	unsigned limited;      /* answers beyond it, for the slip */
	struct answer_counters counters;
};

/* One packet on its way. */
struct answer_job {
	/* set by the caller */
	const uint8_t *query;
	uint16_t query_len;
	bool tcp;
	bool tls;       /* ... encrypted */
	bool again;     /* it was deferred, and counted then */
	bool accounted; /* ... for want of a signature only: what was decided
			   for it is in the accounts. Set by the answer */
	bool forgeable; /* though over TCP: that is the proxy's, not the peer's */
	uint16_t port;    /* the asking port */
	struct addr peer; /* the asking address: behind a proxy, its client's */
	uint8_t *reply;
	uint16_t reply_room; /* at least 1232 */

	/* set by the answer: 0 means drop, no reply is to be sent */
	uint16_t reply_len;
	bool defer; /* with reply_len 0: not now, try again in a moment: the
		       first polls are awaited (never over TCP), or
		       signatures */
	const struct transfer_zone *
		transfer; /* with reply_len 0: this zone of the snapshot is to be
			      sent instead; over TCP alone; NULL: no */
	const struct tsig_key
		*key; /* of the snapshot, that signed it; NULL: none */

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

#endif
