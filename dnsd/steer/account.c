#include "steer/account.h"

#include <assert.h>

#include "steer/score.h"
#include "steer/steer.h"

/* -- events -- */

void account_event_sent(struct accounts *accounts, uint64_t net, unsigned node,
	uint32_t area, struct placed_before before, uint32_t now)
{
	struct steer_event *event = events_slot(accounts->events, EVENT_SENT);
	if (!event)
		return;
	*event = (struct steer_event){.asker = net,
		.now_ms = now,
		.at_once = before.area,
		.rate = before.everywhere,
		.area = area,
		.kind = EVENT_SENT,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	events_commit(accounts->events);
}

void account_event_large(struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	const struct steer_decision *d, float share, float rate, uint32_t now)
{
	assert(d->n > 0);
	struct steer_event event = {.key = demand_key(lookup->key, query->line),
		.kind = EVENT_LARGE_RESOLVER,
		.now_ms = now,
		.at_once = d->at_once * share,
		.rate = rate * share,
		.held_s = d->held_s};
	for (unsigned i = 0; i < EVENT_NODES; i++)
		event.node[i] = i < d->n ? d->node[i] : MAP_NO_NODE;
	events_push(accounts->events, &event);
}

/* An asker for a further line may have viewers that leave the line before. */
static void event_switched(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	uint64_t net, uint32_t now)
{
	const struct sent *last = &d->past.sent[query->line - 2];
	if (!sent_counts(last, now) ||
		!accounts_event_allowed(accounts, net,
			query->proven ? EVENT_LIMIT_SWITCHED_PROVEN
				      : EVENT_LIMIT_SWITCHED,
			last->node, now, EVENT_SWITCHED_INTERVAL_MS))
		return;
	bool older = query->line == 2;
	struct steer_event event = {.asker = net,
		.proven = query->proven,
		.now_ms = now,
		.area = d->area,
		.kind = EVENT_SWITCHED,
		.node = {last->node, last->before,
			older ? d->past.older[0] : MAP_NO_NODE,
			older ? d->past.older[1] : MAP_NO_NODE}};
	events_push(accounts->events, &event);
}

void account_line(struct accounts *accounts, const struct steer_query *query,
	const struct steer_decision *d, uint64_t net, uint32_t now)
{
	assert(query->line >= 1 && d->n > 0);
	const struct sent *first = &d->past.sent[0];
	if (d->only)
		accounts_count(&accounts->reservation[d->node[0]].only);
	if (query->line == 1)
		return;
	if (first->node != MAP_NO_NODE)
		accounts_count(&accounts->reservation[first->node].line2);
	event_switched(accounts, query, d, net, now);
}

void account_stream(struct accounts *accounts, uint64_t stream, unsigned node,
	float viewers, uint32_t now)
{
	uint32_t area = accounts_stream(stream);
	accounts_place(accounts, area, node, viewers, now);
	accounts_place(accounts, area, MAP_NO_NODE, viewers, now);
}

/* -- reports of players -- */

/* Whether the client net was sent to the node, whichever resolver asked for it:
 * the player that reports is seldom in the network of its resolver. */
bool steer_was_sent(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms)
{
	struct sent_lines past;
	uint32_t now = (uint32_t)now_ms;
	sent_read(accounts->sent, steer_key(state->map, query),
		state->map->names[query->name].lines, &past);
	for (unsigned i = 0; i < past.lines; i++)
		if (sent_counts(&past.sent[i], now) &&
			(past.sent[i].node == node ||
				past.sent[i].before == node))
			return true;
	return false;
}

static uint32_t area_of(
	const struct steer_state *state, const struct steer_query *query)
{
	struct steer_lookup lookup;
	lookup_question(state, query, &lookup);
	return score_area(state->load, lookup.near);
}

bool steer_report_switch(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms)
{
	assert(node < state->map->n_nodes);
	uint64_t net = accounts_net(&query->asker);
	uint32_t now = (uint32_t)now_ms;

	if (!accounts_event_allowed(accounts, net, EVENT_LIMIT_REPORT, node,
		    now, EVENT_REPORT_INTERVAL_MS))
		return false;
	uint32_t area = area_of(state, query);
	if (steer_was_sent(state, accounts, query, node, now_ms))
		account_event_sent(accounts, net, node, area,
			(struct placed_before){PLACED_UNKNOWN, PLACED_UNKNOWN},
			now);
	struct steer_event event = {.asker = net,
		.proven = query->proven,
		.now_ms = now,
		.area = area,
		.kind = EVENT_SWITCHED,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	events_push(accounts->events, &event);
	return true;
}
