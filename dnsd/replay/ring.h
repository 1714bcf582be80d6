/* ring.h - where an answering thread leaves what it answered, for the recorder.
 *
 * A ring (base/ring.h) of entries of one size: the thread that answers puts, the
 * recorder's takes; an entry that finds no room is dropped and counted. Nothing is
 * allocated, locked or formatted here. The memory of a ring is touched only while
 * recording is on.
 */
#ifndef REPLAY_RING_H
#define REPLAY_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/ring.h"
#include "steer/steer.h"

#define RECORD_RING 16384 /* entries; a power of two. 6 MB */
#define RECORD_STREAM 64
#define RECORD_NAME 192

/* Networks are cut to this before anything is kept. */
#define RECORD_NET_V4 24
#define RECORD_NET_V6 48

/* A question for a steered name, and its answer. */
struct record_entry {
	int64_t at_ms;
	struct prefix net; /* the client's */
	struct addr asker; /* host bits are zero */
	float lat, lon;    /* if placed */
	uint32_t asn, ttl_s;
	uint8_t line, type, scope, n;
	bool subnet, placed, trusted, proven, http;
	uint16_t node[STEER_NODES_MAX];
	char stream[RECORD_STREAM], name[RECORD_NAME];
};

struct record_ring {
	struct ring ring;
	struct record_entry entry[RECORD_RING];
};

struct record_ring *record_ring_new(void);
void record_ring_free(struct record_ring *ring);

/* What a question was beside the decision's part of it. */
struct record_question {
	const struct steer_query *query;
	const uint8_t *stream; /* label, lower case */
	unsigned stream_len;
	uint8_t scope;  /* that the answer carries */
	bool subnet;    /* the client was named by the asker */
	bool http;      /* asked over HTTP */
	uint64_t share; /* share_bound() of the nets: those whose hash is above
			   it are left out */
};

/* The thread that owns the ring: keeps what was asked and decided. */
void record_answer(struct record_ring *ring, const struct steer_state *state,
	const struct record_question *question,
	const struct steer_decision *decision, int64_t now_ms);

/* The reader: the oldest entry or NULL, and that it is done with. */
const struct record_entry *record_ring_peek(struct record_ring *ring);
void record_ring_next(struct record_ring *ring);

#endif
