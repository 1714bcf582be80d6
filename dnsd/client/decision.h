/* decision.h - a decision and why, as JSON: for the API and `dnsd try --json`. Pure; any
 * thread.
 */
#ifndef CLIENT_DECISION_H
#define CLIENT_DECISION_H

#include <jansson.h>

#include "steer/steer.h"

/* What was asked, and what came of it; all borrowed. */
struct decision_of {
	const struct steer_state *state;
	const char *name; /* as it was asked for */
	const struct steer_query *query;
	const struct steer_decision *decision;
	const struct steer_trace *trace;
	unsigned scope;
};

/* The caller owns it. */
json_t *decision_json(const struct decision_of *of);

/* Adds what is known of where a place belongs: `country`, `asn`. */
void decision_place_json(json_t *json, const struct place *place);

#endif
