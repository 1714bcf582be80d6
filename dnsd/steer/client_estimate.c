#include "steer/client_estimate.h"

#include <math.h>

#include "steer/score.h"

#define RETURNING 0.5f /* of a dead node's viewers come back at once */

/* The share of the area's viewers that this thread placed on a node. */
static float placed_share(const struct accounts *accounts,
	const struct candidates *near, uint32_t area, unsigned node,
	uint32_t now)
{
	float all = 0;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node != MAP_NO_NODE)
			all += accounts_placed(
				accounts, area, near->slot[i].node, now);
	return all > 0 ? accounts_placed(accounts, area, node, now) / all : 0;
}

/* Viewers that come back at once, since a node has just failed: all that came in
 * the time that a viewer stays, if this client net was sent there, else as many as
 * were placed there of its area: another name server may have sent it there. */
static float returning(const struct load *load, const struct accounts *accounts,
	const struct candidates *near, const struct sent *sent, float demand,
	uint32_t now)
{
	float share = 0;
	bool counts = sent_counts(sent, now);

	if (counts && (int32_t)(sent->made_ms - load->fell_ms) > 0)
		return 0; /* they came already */
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = near->slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		if (!load->node[node].returning)
			continue;
		bool here = counts && sent->node == node;
		share += (float)load->node[node].returning / UINT8_MAX *
			(here ? 1
			      : placed_share(accounts, near,
					score_area(load, near), node, now));
	}
	return RETURNING * fminf(share, 1) * demand * load->session_s;
}

/* Where all lines of the name were sent. */
__attribute__((noinline)) static void recall_lines(
	const struct accounts *accounts, const struct steer_lookup *lookup,
	unsigned lines, unsigned nodes, struct sent_lines *past)
{
	sent_read(accounts->sent, lookup->key, lines, past);
	for (unsigned i = 0; i < lines; i++)
		sent_forget_newer(&past->sent[i], nodes);
	for (unsigned i = 0; i < SENT_OLDER; i++)
		if (past->older[i] >= nodes)
			past->older[i] = MAP_NO_NODE;
}

static void recall_nothing(unsigned lines, struct sent_lines *past)
{
	past->lines = lines;
	for (unsigned i = 0; i < lines; i++)
		past->sent[i] = sent_get(NULL);
	for (unsigned i = 0; i < SENT_OLDER; i++)
		past->older[i] = MAP_NO_NODE;
}

/* Mostly no other line holds: then line 1 is all that is read. */
static inline void recall(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, struct sent_lines *past,
	struct client_estimate *estimate)
{
	const struct map_name *name = lookup->name;
	unsigned lines = name->lines > query->line ? name->lines : query->line;

	estimate->entry = NULL;
	estimate->client = NULL;
	if (!accounts) {
		recall_nothing(query->line, past);
		return;
	}
	estimate->entry = lookup_entry(accounts, lookup, query->line);
	estimate->client = lookup_client(lookup);
	struct sent *asked = &past->sent[query->line - 1];
	if (query->line > 1 ||
		sent_together(lookup->sent, lookup->hash, estimate->now))
		recall_lines(
			accounts, lookup, lines, state->map->n_nodes, past);
	else
		past->lines = 1;
	/* Of the entry that is accounted later: another thread may have made or
	 * taken one since. */
	*asked = sent_get(estimate->entry);
	sent_forget_newer(asked, state->map->n_nodes);
}

void estimate_line(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, const struct sent_lines *past,
	struct client_estimate *estimate)
{
	estimate_demand(estimate, accounts ? accounts->sent : NULL,
		lookup->name, demand_key(lookup->key, query->line));
	estimate->at_once = 1;
	if (state->load->any_returning && query->line == 1 && accounts)
		estimate->at_once += returning(state->load, accounts,
			lookup->near, &past->sent[0], estimate->demand,
			estimate->now);
	estimate_answers(estimate, lookup->name, query->line);
}

void estimate_client(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct sent_lines *past, struct client_estimate *estimate)
{
	estimate->now = (uint32_t)now_ms;
	recall(state, accounts, query, lookup, past, estimate);
	estimate_line(state, accounts, query, lookup, past, estimate);
}
