#include "steer/explain.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *source_text(enum place_source source)
{
	static const char *const text[] = {
		"unknown", "country", "database", "nets"};
	return text[source];
}

void explain_client(const struct steer_state *state,
	const struct steer_query *query, char *line)
{
	char net[PREFIX_TEXT_MAX], at[64] = "nowhere known", asn[24] = "";
	const struct place *place = geo_place(state->geo, query->place);
	struct prefix prefix = {query->net, query->net_len};

	if (place->source != PLACE_UNKNOWN)
		snprintf(at, sizeof at, "%.2f,%.2f", place->lat, place->lon);
	if (place->asn)
		snprintf(asn, sizeof asn, " AS%u", place->asn);
	snprintf(line, EXPLAIN_LINE_MAX, "client %s at %s %.2s%s (%s)",
		prefix_text(&prefix, net), at,
		place->country[0] ? place->country : "--", asn,
		source_text((enum place_source)place->source));
}

/* What a path rests on. */
static void explain_path(
	const struct steer_candidate *c, char *text, size_t room)
{
	if (c->known)
		snprintf(text, room, "%u networks %u s ago, loss %.1f %%",
			c->known->networks, c->known_age_ms / 1000,
			c->known->loss * 100);
	else
		snprintf(text, room, "%s",
			c->by_others ? "other paths" : "distance");
}

void explain_candidate(const struct steer_state *state,
	const struct steer_candidate *c, char *line)
{
	char path[64];
	assert(c->node < state->map->n_nodes);
	explain_path(c, path, sizeof path);
	snprintf(line, EXPLAIN_LINE_MAX,
		"%s %s path %.1f load %.3f in flight %.1f price %.1f penalty %.0f cost %.1f (%s)%s",
		state->map->nodes[c->node].name, node_states[c->state],
		c->path_ms, c->used, c->reserved, c->price_ms, c->penalty_ms,
		c->cost_ms, path, c->earlier ? " (an earlier line's)" : "");
}

void explain_pick(const struct steer_state *state,
	const struct steer_decision *decision, const struct steer_trace *trace,
	unsigned scope, char *line)
{
	assert(decision->n <= STEER_NODES_MAX);
	int n = snprintf(line, EXPLAIN_LINE_MAX, "pick");
	for (unsigned i = 0; i < decision->n && n < 150; i++)
		n += snprintf(line + n, EXPLAIN_LINE_MAX - (size_t)n, "%s%s",
			i ? ", " : " ",
			state->map->nodes[decision->node[i]].name);
	snprintf(line + n, EXPLAIN_LINE_MAX - (size_t)n,
		", ttl %u s, scope /%u, demand %.3f viewers/s%s%s%s",
		decision->ttl_s, scope, trace->viewers_per_s,
		trace->kept ? ", kept for its TTL" : "",
		decision->only ? ", no other node is alive" : "",
		state->load->ready ? "" : ", before the first polls");
}
