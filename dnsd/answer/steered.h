/* steered.h - the part of an answer that is decided per client: A, AAAA and
 * HTTPS at a steered name, its lines and its streams, and _why.
 *
 * Marks tie a zone's owner names to steering: a zone stores a number, 0 for
 * none, that only this layer and the builder of snapshots understand.
 */
#ifndef ANSWER_STEERED_H
#define ANSWER_STEERED_H

#include <stdbool.h>
#include <stdint.h>

#include "steer/decide.h"

struct answer_job;
struct answerer;
struct reply;

/* A mark: what an owner name is to steering. */
enum mark_kind { MARK_NONE, MARK_NAME, MARK_WHY };
struct mark {
	enum mark_kind kind;
	uint8_t line;  /* 1..255 */
	bool streams;  /* labels directly below are streams */
	uint32_t name; /* index of the steered name in the map */
};

static inline uint32_t mark_pack(struct mark m)
{
	return (uint32_t)m.kind | (uint32_t)m.streams << 2 |
		(uint32_t)m.line << 3 | m.name << 11;
}

static inline struct mark mark_unpack(uint32_t v)
{
	return (struct mark){.kind = (enum mark_kind)(v & 3),
		.streams = v >> 2 & 1,
		.line = (uint8_t)(v >> 3),
		.name = v >> 11};
}

/* What steered_answer did. */
struct steered_result {
	unsigned records; /* RRs added to the answer section; 0: no data of this
			     type (or REFUSED) */
	uint32_t ttl_s;   /* of the decision: bounds the negative TTL too */
	uint8_t scope;    /* of the decision, for ECS */
	bool refused;     /* _why asked by a stranger */
	bool defer;       /* not ready: ask again in a moment */
};

/* What is asked of steering. The first part is known with the name: */
struct steered_question {
	struct mark mark;
	uint8_t stream_len;
	const uint8_t *stream; /* lower case label of `<stream>.<steered name>`
				  or NULL */
	/* and this is found for the client. */
	struct geo_leaf leaf;
	struct steer_query query;
	struct steer_found found;
};

/* Finds what steering knows of a question's client. */
void steered_find(const struct answerer *answerer, const struct answer_job *job,
	struct steered_question *question);

/* The same for those jobs of a batch that are steered; what their answers read
 * is on its way to the cache then. */
void steered_find_all(
	const struct answerer *answerer, struct answer_job *jobs, unsigned n);

/* Decides for this client and appends the RRs of the asked type (A, AAAA,
 * HTTPS; TXT for a MARK_WHY) to the reply's answer section, with the owner name
 * given by owner (offset of an already written name in the message, for a
 * compression pointer). Accounts the decision (not for _why). */
struct steered_result steered_answer(struct answerer *answerer,
	const struct answer_job *job, const struct steered_question *question,
	struct reply *reply, uint16_t owner);

#endif
