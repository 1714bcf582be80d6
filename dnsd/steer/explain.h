/* explain.h - a decision in words, for _why, try, the API and the log. Lines
 * are ASCII, without newline. No allocation; any thread.
 */
#ifndef STEER_EXPLAIN_H
#define STEER_EXPLAIN_H

#include <stddef.h>

#include "steer/steer.h"

#define EXPLAIN_LINE_MAX 256

/* "client 203.0.113.0/24 at 31.23,121.47 CN AS4134 (database)" */
void explain_client(const struct steer_state *state,
	const struct steer_query *query, char *line);

/* "hk1 up path 12.3 load 0.52 in flight 3.1 price 0.0 penalty 0 cost 12.3" */
void explain_candidate(const struct steer_state *state,
	const struct steer_candidate *candidate, char *line);

/* "pick hk1, ttl 30 s, scope /24, demand 0.020 viewers/s, kept for its TTL" */
void explain_pick(const struct steer_state *state,
	const struct steer_decision *decision, const struct steer_trace *trace,
	unsigned scope, char *line);

#endif
