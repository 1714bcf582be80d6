/* query.h - a question for a decision from words, without DNS: as `dnsd try` and the
 * API put it. Pure functions, any thread.
 */
#ifndef CLIENT_QUERY_H
#define CLIENT_QUERY_H

#include "steer/steer.h"

/* What a client in net asks of a name, a line or a stream that map_match() has
 * found; the client asks for itself. Returns the scope of the answer. */
unsigned query_make(const struct steer_state *state,
	const struct map_match *match, const struct prefix *net,
	struct steer_query *query);

#endif
