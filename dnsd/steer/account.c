/* What a decision that is answered leaves behind: memory of what was told,
 * demand, promises to nodes, evidence for the control thread. */
#include "steer/account.h"

#include "steer/decide_internal.h"

/* Remembers what the line is told now. False: another thread was faster. */
static bool remember(struct memory *memory, const struct steer_query *query,
	const struct steer_decision *d, struct memory_entry *entry,
	uint32_t now)
{
	unsigned line = query->line - 1u;
	const struct told *seen = &d->past.told[line];
	if (d->again && !(query->type & ~seen->types))
		return true;
	struct told t = *seen;
	if (d->again) {
		t.types |= query->type;
		memory_share(memory, d->key, line, &t);
		return true;
	}
	if (t.node != d->node[0] && t.node != MAP_NO_NODE) {
		t.before = t.node;
		t.moved = told_quarters(now);
	}
	t.node = d->node[0];
	t.made_ms = now;
	t.ttl_s = (uint16_t)d->ttl_s;
	t.types = query->type;
	return memory_claim_entry(memory, entry, d->key, line, *seen, t);
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

static void note_crowd(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	float share, float rate, uint32_t now)
{
	struct note note = {.key = demand_key(d->key, query->line),
		.kind = NOTE_CROWD,
		.now_ms = now,
		.at_once = d->at_once * share,
		.rate = rate * share,
		.held_s = d->held_s};
	for (unsigned i = 0; i < NOTE_NODES; i++)
		note.node[i] = i < d->n ? d->node[i] : MAP_NO_NODE;
	note_push(accounts->notes, &note);
}

/* What the answer promises to its nodes, as far as the asker's budget goes:
 * the share that it goes. */
static float promise(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct map_pool *pool,
	const struct steer_decision *d, uint64_t net, float rate, uint32_t now)
{
	float want = d->at_once + rate * (float)d->held_s;
	float may = within_budget(pool, accounts, query, net, want, now);
	float share = may / want / d->n;
	for (unsigned i = 0; i < d->n; i++)
		promise_add(accounts, d->node[i], state->load->generation,
			d->at_once * share, rate * share, d->held_s, d->crowd);
	if (d->crowd)
		note_crowd(accounts, query, d, may / want, rate, now);
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

void account_note_told(struct accounts *accounts, uint64_t net, unsigned node,
	uint32_t area, struct before before, uint32_t now)
{
	struct note *note = note_slot(accounts->notes, NOTE_TOLD);
	if (!note)
		return;
	*note = (struct note){.asker = net,
		.now_ms = now,
		.at_once = before.area,
		.rate = before.everywhere,
		.area = area,
		.kind = NOTE_TOLD,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	note_sent(accounts->notes);
}

/* Who asks for another line may have viewers who leave the one before. */
static void note_left(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	uint64_t net, uint32_t now)
{
	if (query->line < 2)
		return;
	const struct told *last = &d->past.told[query->line - 2];
	if (!told_counts(last, now) ||
		!may_note(accounts, net,
			query->proven ? NOTED_LEFT_PROVEN : NOTED_LEFT,
			last->node, now, LEFT_NOTE_MS))
		return;
	bool older = query->line == 2;
	struct note note = {.asker = net,
		.proven = query->proven,
		.now_ms = now,
		.area = d->area,
		.kind = NOTE_LEFT,
		.node = {last->node, last->before,
			older ? d->past.older[0] : MAP_NO_NODE,
			older ? d->past.older[1] : MAP_NO_NODE}};
	note_push(accounts->notes, &note);
}

/* Whether the client net was told the node, by whoever asked for it: the player
 * that reports is seldom in the network of its resolver. */
static bool was_told(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned node, uint32_t now)
{
	struct remembered past;
	memory_read(accounts->memory, steer_key(state->map, query),
		state->map->names[query->name].lines, &past);
	for (unsigned i = 0; i < past.lines; i++)
		if (told_counts(&past.told[i], now) &&
			(past.told[i].node == node ||
				past.told[i].before == node))
			return true;
	return false;
}

bool steer_left(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, unsigned node, int64_t now_ms)
{
	uint64_t net = accounts_net(&query->asker);
	uint32_t now = (uint32_t)now_ms;

	if (!may_note(accounts, net, NOTED_REPORT, node, now, REPORT_NOTE_MS))
		return false;
	uint32_t area = steer_area(state, query);
	if (was_told(state, accounts, query, node, now))
		account_note_told(accounts, net, node, area,
			(struct before){BEFORE_UNKNOWN, BEFORE_UNKNOWN}, now);
	struct note note = {.asker = net,
		.proven = query->proven,
		.now_ms = now,
		.area = area,
		.kind = NOTE_LEFT,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	note_push(accounts->notes, &note);
	return true;
}

/* known: as choice_decide left it. */
static bool account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_found *found,
	const struct steer_decision *d, const struct known *known)
{
	uint32_t now = known->now;
	const struct told *seen = &d->past.told[query->line - 1];
	/* The same viewer asks for another type. */
	bool shared = d->again && !(seen->types & query->type);
	const struct told *first = &d->past.told[0];

	if (!remember(accounts->memory, query, d, known->entry, now))
		return false;
	if (query->line > 1)
		memory_mark(accounts->memory, d->key, now);
	if (shared)
		return true;
	struct client *c = known->client;
	if (!c)
		c = accounts_make(found->clients, found->client, now);
	demand_learn(c, *seen, now);
	if (query->line > 1 && first->node != MAP_NO_NODE)
		sum_add(&accounts->promise[first->node].line2, 1);
	if (d->only)
		sum_add(&accounts->promise[d->node[0]].only, 1);
	uint64_t net = accounts_net(&query->asker);
	note_left(accounts, query, d, net, now);
	/* The same viewer presses again, or somebody who does nothing else. */
	if (query->line > 1 && d->again)
		return true;
	float share = promise(state, accounts, query, found->pool, d, net,
		d->crowd ? d->rate : c->rate, now);
	struct before before = place_all(accounts, query, d, share, now);
	if (may_note(accounts, net, NOTED_TOLD, d->node[0], now, TOLD_NOTE_MS))
		account_note_told(
			accounts, net, d->node[0], d->area, before, now);
	return true;
}

bool steer_account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	int64_t now_ms)
{
	struct steer_found found;
	steer_find(state, accounts, query, &found);
	struct known known = {.now = (uint32_t)now_ms,
		.client = accounts_find(found.clients, found.client)};
	known.entry = find_entry(accounts, &found, query->line);
	return account(state, accounts, query, &found, d, &known);
}

void choice_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_found *found,
	int64_t now_ms, struct steer_decision *d)
{
	struct known known;
	/* Twice if another thread has told this client net something
	 * meanwhile. */
	for (unsigned i = 0; i < 2; i++) {
		choice_decide(
			state, accounts, query, found, now_ms, d, NULL, &known);
		if (account(state, accounts, query, found, d, &known))
			return;
	}
}
