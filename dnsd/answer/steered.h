/* steered.h - the part of an answer that is decided per client: A, AAAA and
 * HTTPS at a steered name, its lines and its streams, and _why.
 */
#ifndef ANSWER_STEERED_H
#define ANSWER_STEERED_H

#include <stdbool.h>
#include <stdint.h>

#include "answer/job.h"
#include "snapshot/mark.h"
#include "wire/rr.h"

struct reply;

/* What steered_answer did. The caller provides it: as a return value the compiler writes it
 * in parts and reads it as one word, and the CPU waits until the parts are stored. */
struct steered_result {
	unsigned records; /* RRs added to the answer section; 0: no data of this
			     type (or REFUSED) */
	uint32_t ttl_s;   /* of the decision: bounds the negative TTL too */
	uint8_t scope;    /* of the decision, for ECS */
	bool refused;     /* _why asked by an untrusted client */
	bool defer;       /* not ready: ask again in a moment */
};

/* label: of the stream, as it stands in a name, lower case; NULL: none. It is
 * borrowed. */
static inline struct steered_name steered_name(
	struct mark mark, const uint8_t *label)
{
	bool decided = mark.kind == MARK_NAME;
	struct steered_name name = {
		.types = decided ? STEER_A | STEER_AAAA | STEER_HTTPS : 0,
		.why = mark.kind == MARK_WHY,
		.line = mark.line,
		.name = mark.name};
	if (label) {
		name.stream = label + 1;
		name.stream_len = *label;
		name.stream_hash =
			map_stream_hash((const char *)label + 1, *label);
	}
	return name;
}

/* The type's enum steer_type, 0: never steered. */
static inline unsigned steered_type(uint16_t qtype)
{
	return qtype == RR_A        ? STEER_A
		: qtype == RR_AAAA  ? STEER_AAAA
		: qtype == RR_HTTPS ? STEER_HTTPS
				    : 0;
}

/* Whether a question for that type is answered here. */
static inline bool steered_decides(
	const struct steered_name *name, uint16_t qtype)
{
	return name->types & steered_type(qtype) ||
		(name->why && qtype == RR_TXT);
}

/* Finds what steering knows of the clients of some jobs of a batch, a list by
 * next_steered; what their answers read is on its way to the cache then. */
void steered_find_all(
	const struct answerer *answerer, struct answer_job *first);

/* Decides for the client of such a job and appends the RRs of the asked type (A,
 * AAAA, HTTPS) to the reply's answer section, with the question's as owner name.
 * Accounts the decision. */
void steered_answer(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct steered_result *result);

/* The same for another job and name: one that a chain led to, whose offset in the
 * message is owner. For a MARK_WHY it explains (TXT) and accounts nothing. */
void steered_answer_at(struct answerer *answerer, const struct answer_job *job,
	const struct steered_name *name, struct reply *reply, uint16_t owner,
	struct steered_result *result);

#endif
