#include "client/query.h"

#include <string.h>

unsigned query_make(const struct steer_state *state,
	const struct map_match *match, const struct prefix *net,
	struct steer_query *query)
{
	struct geo_leaf leaf = geo_find(state->geo, &net->addr);
	*query = (struct steer_query){.name = match->name,
		.line = match->line,
		.type = STEER_A,
		.stream = map_stream_hash(
			match->stream, (unsigned)strlen(match->stream)),
		.asker = net->addr};
	steer_client(query, &net->addr, net->len, leaf);
	return leaf.scope;
}
