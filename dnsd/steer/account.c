/* What a decision that is answered leaves behind: where its net was sent,
 * demand, promises to nodes, evidence for the control thread. */
#include "steer/account.h"

#include "steer/decide_internal.h"

/* Keeps where the line is sent now. False: another thread has decided since. */
static bool remember(struct sent_table *table, const struct steer_query *query,
	const struct steer_decision *d, struct sent_entry *entry, uint32_t now)
{
	unsigned line = query->line - 1u;
	const struct sent *seen = &d->past.sent[line];
	if (d->again && !(query->type & ~seen->types))
		return true;
	struct sent t = *seen;
	if (d->again) {
		t.types |= query->type;
		sent_share(table, d->key, line, &t);
		return true;
	}
	if (t.node != d->node[0] && t.node != MAP_NO_NODE) {
		t.before = t.node;
		t.moved = sent_quarters(now);
	}
	t.node = d->node[0];
	t.made_ms = now;
	t.ttl_s = (uint16_t)d->ttl_s;
	t.types = query->type;
	return sent_claim_entry(table, entry, d->key, line, *seen, t);
}

/* Of so many viewers, those that the asking network may reserve. By lines it
 * moves no more than it brought. Whoever is trusted to name other clients is
 * believed. */
static float within_budget(const struct map_pool *pool,
	struct accounts *accounts, const struct steer_query *query,
	uint64_t net, float viewers, uint32_t now)
{
	float burst = budget_burst(pool);
	if (query->trusted)
		return viewers;
	if (query->line > 1)
		return accounts_lines_budget(
			accounts, net, now, viewers, burst);
	return accounts_budget(accounts, net, now, viewers, burst);
}

static void event_large_resolver(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	float share, float rate, uint32_t now)
{
	struct steer_event event = {.key = demand_key(d->key, query->line),
		.kind = EVENT_LARGE_RESOLVER,
		.now_ms = now,
		.at_once = d->at_once * share,
		.rate = rate * share,
		.held_s = d->held_s};
	for (unsigned i = 0; i < EVENT_NODES; i++)
		event.node[i] = i < d->n ? d->node[i] : MAP_NO_NODE;
	events_push(accounts->events, &event);
}

/* What the answer promises to its nodes, as far as the asker's budget goes:
 * the share that it goes. */
static float reserve(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct map_pool *pool,
	const struct steer_decision *d, uint64_t net, float rate, uint32_t now)
{
	float want = d->at_once + rate * (float)d->held_s;
	float may = within_budget(pool, accounts, query, net, want, now);
	float share = may / want / d->n;
	for (unsigned i = 0; i < d->n; i++)
		reservation_add(accounts, d->node[i], state->load->generation,
			d->at_once * share, rate * share, d->held_s, d->large);
	if (d->large)
		event_large_resolver(accounts, query, d, may / want, rate, now);
	return may / want;
}

/* Where the viewers of this area, and of this stream, are from now on. */
static struct before place_all(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	float share, uint32_t now)
{
	float viewers = share * (d->at_once + d->rate * (float)d->held_s);
	unsigned node = d->node[0];
	struct before before = place(accounts, d->area, node, viewers, now);
	if (query->stream) {
		uint32_t stream = accounts_stream(query->stream);
		accounts_place(accounts, stream, node, viewers, now);
		accounts_place(accounts, stream, MAP_NO_NODE, viewers, now);
	}
	return before;
}

void account_event_sent(struct accounts *accounts, uint64_t net, unsigned node,
	uint32_t area, struct before before, uint32_t now)
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

/* Who asks for another line may have viewers who leave the one before. */
static void event_switched(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	uint64_t net, uint32_t now)
{
	if (query->line < 2)
		return;
	const struct sent *last = &d->past.sent[query->line - 2];
	if (!sent_counts(last, now) ||
		!event_allowed(accounts, net,
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

/* Whether the client net was sent to the node, whichever resolver asked: the player
 * that reports is seldom in the network of its resolver. */
static bool was_sent(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned node, uint32_t now)
{
	struct sent_lines past;
	sent_read(accounts->sent, steer_key(state->map, query),
		state->map->names[query->name].lines, &past);
	for (unsigned i = 0; i < past.lines; i++)
		if (sent_counts(&past.sent[i], now) &&
			(past.sent[i].node == node ||
				past.sent[i].before == node))
			return true;
	return false;
}

bool steer_report_switch(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms)
{
	uint64_t net = accounts_net(&query->asker);
	uint32_t now = (uint32_t)now_ms;

	if (!event_allowed(accounts, net, EVENT_LIMIT_REPORT, node, now,
		    EVENT_REPORT_INTERVAL_MS))
		return false;
	uint32_t area = steer_area(state, query);
	if (was_sent(state, accounts, query, node, now))
		account_event_sent(accounts, net, node, area,
			(struct before){BEFORE_UNKNOWN, BEFORE_UNKNOWN}, now);
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

/* known: as decide_any left it. */
static bool account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	const struct steer_decision *d, const struct client_estimate *estimate)
{
	uint32_t now = estimate->now;
	const struct sent *seen = &d->past.sent[query->line - 1];
	/* The same viewer asks for another type. */
	bool shared = d->again && !(seen->types & query->type);
	const struct sent *first = &d->past.sent[0];

	if (!remember(accounts->sent, query, d, estimate->entry, now))
		return false;
	if (query->line > 1)
		sent_mark(accounts->sent, d->key, now);
	if (shared)
		return true;
	struct client *c = estimate->client;
	if (!c)
		c = accounts_make(lookup->clients, lookup->client, now);
	demand_learn(c, *seen, now);
	if (query->line > 1 && first->node != MAP_NO_NODE)
		sum_add(&accounts->reservation[first->node].line2, 1);
	if (d->only)
		sum_add(&accounts->reservation[d->node[0]].only, 1);
	uint64_t net = accounts_net(&query->asker);
	event_switched(accounts, query, d, net, now);
	/* The same viewer presses again, or somebody who does nothing else. */
	if (query->line > 1 && d->again)
		return true;
	float share = reserve(state, accounts, query, lookup->pool, d, net,
		d->large ? d->rate : c->rate, now);
	struct before before = place_all(accounts, query, d, share, now);
	if (event_allowed(accounts, net, EVENT_LIMIT_SENT, d->node[0], now,
		    EVENT_SENT_INTERVAL_MS))
		account_event_sent(
			accounts, net, d->node[0], d->area, before, now);
	return true;
}

bool steer_account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	int64_t now_ms)
{
	struct steer_lookup lookup;
	steer_look_up(state, accounts, query, &lookup);
	struct client_estimate estimate = {.now = (uint32_t)now_ms,
		.client = accounts_find(lookup.clients, lookup.client)};
	estimate.entry = lookup_entry(accounts, &lookup, query->line);
	return account(state, accounts, query, &lookup, d, &estimate);
}

void account_any(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	int64_t now_ms, struct steer_decision *d)
{
	struct client_estimate estimate;
	/* Twice if another thread has decided for this client net
	 * meanwhile. */
	for (unsigned i = 0; i < 2; i++) {
		decide_any(state, accounts, query, lookup, now_ms, d, NULL,
			&estimate);
		if (account(state, accounts, query, lookup, d, &estimate))
			return;
	}
}
