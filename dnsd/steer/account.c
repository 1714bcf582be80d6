/* What a decision that is answered leaves behind: memory of what was told,
 * demand, promises to nodes, evidence for the control thread. */
#include <string.h>

#include "base/rng.h"
#include "steer/choice.h"
#include "steer/demand.h"

#define BUDGET_VIEWERS 50.0f /* that any network may promise at once ... */
#define BUDGET_SHARE 0.03f   /* ... and of the pool's capacity */
#define BUDGET_REFILL 0.1f   /* of both, per second */
#define TOLD_NOTE_MS 60000   /* evidence: a network is told a node ... */
#define LEFT_NOTE_MS 5000    /* ... or leaves it, at most so often */

static inline void sum_add(_Atomic uint32_t *sum, uint32_t add)
{
	/* One writer: a load and a store are enough. */
	atomic_store_explicit(sum,
		atomic_load_explicit(sum, memory_order_relaxed) + add,
		memory_order_relaxed);
}

static unsigned promise_class(uint32_t ttl_s)
{
	unsigned c = 0;
	for (unsigned half = PROMISE_CLASSES / 2; half; half /= 2)
		if (promise_class_s[c + half - 1] < ttl_s)
			c += half;
	return c;
}

static void promise_add(struct accounts *accounts, unsigned node,
	uint32_t generation, float at_once, float rate, uint32_t ttl_s,
	bool crowd)
{
	struct promise *p = &accounts->promise[node];
	unsigned c = promise_class(ttl_s);
	/* The class is longer than the TTL: the same viewers, slower. */
	float slow = rate * (float)ttl_s / promise_class_s[c];

	if (p->recent_generation != generation) {
		p->recent_generation = generation;
		p->recent = 0;
	}
	p->recent += at_once + rate * (float)ttl_s;
	if (accounts->recent_generation != generation) {
		accounts->recent_generation = generation;
		accounts->recent_most = 0;
	}
	if (p->recent > accounts->recent_most)
		accounts->recent_most = p->recent;
	sum_add(&p->answers, 1);
	if (crowd) /* the control thread promises, by the note */
		return;
	sum_add(&p->viewers, (uint32_t)(at_once * PROMISE_VIEWER));
	sum_add(&p->rate[c], (uint32_t)(slow * PROMISE_RATE));
}

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
	return memory_claim_entry(memory, entry, d->key, line, seen, &t);
}

/* A network may promise a few per cent of the pool at once and a tenth of that
 * each second: more than a resolver brings, less than a flood of forged questions.
 * By lines it moves no more viewers than it brought. Whoever is trusted to name
 * other clients is believed. */
static float within_budget(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	uint64_t asker, float viewers, uint32_t now)
{
	const struct map_name *name = &state->map->names[query->name];
	const struct map_pool *pool = &state->map->pools[name->pool];
	float burst = BUDGET_VIEWERS + BUDGET_SHARE * pool->capacity;
	if (query->trusted)
		return viewers;
	if (query->line > 1)
		return accounts_lines_budget(
			accounts, asker, now, viewers, burst);
	return accounts_budget(
		accounts, asker, now, viewers, BUDGET_REFILL * burst, burst);
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
	const struct steer_query *query, const struct steer_decision *d,
	uint64_t asker, float rate, uint32_t now)
{
	float want = d->at_once + rate * (float)d->held_s;
	float may = within_budget(state, accounts, query, asker, want, now);
	float share = may / want / d->n;
	for (unsigned i = 0; i < d->n; i++)
		promise_add(accounts, d->node[i], state->load->generation,
			d->at_once * share, rate * share, d->held_s, d->crowd);
	if (d->crowd)
		note_crowd(accounts, query, d, may / want, rate, now);
	return may / want;
}

/* Viewers on a node before this answer. */
struct before {
	float area, everywhere;
};

/* Where the viewers of this area, and of this stream, are from now on. */
static struct before place(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	float share, uint32_t now)
{
	float viewers = share * (d->at_once + d->rate * (float)d->held_s);
	unsigned node = d->node[0];
	struct promise *p = &accounts->promise[node];
	struct before before = {
		accounts_place(accounts, d->area, node, viewers, now),
		accounts_fade(p->there, p->there_ms, now),
	};
	p->there = before.everywhere + viewers;
	p->there_ms = now;
	if (query->stream) {
		uint32_t stream = accounts_stream(query->stream);
		accounts_place(accounts, stream, node, viewers, now);
		accounts_place(accounts, stream, MAP_NO_NODE, viewers, now);
	}
	return before;
}

/* Whether a network may be noted for a node again. */
static bool may_note(struct accounts *accounts, uint32_t asker, unsigned kind,
	unsigned node, uint32_t now, uint32_t interval_ms)
{
	uint64_t h = hash_mix((uint64_t)asker << 32 | kind << 16 | node);
	struct noted *one = &accounts->noted[h % NOTED];
	uint32_t tag = (uint32_t)(h >> 32) | 1;
	if (one->tag == tag && now - one->at_ms < interval_ms)
		return false;
	*one = (struct noted){tag, now};
	return true;
}

static void note_told(struct accounts *accounts, const struct steer_decision *d,
	uint32_t asker, struct before before, uint32_t now)
{
	if (!may_note(
		    accounts, asker, NOTE_TOLD, d->node[0], now, TOLD_NOTE_MS))
		return;
	struct note note = {.asker = asker,
		.now_ms = now,
		.at_once = before.area,
		.rate = before.everywhere,
		.area = d->area,
		.kind = NOTE_TOLD,
		.node = {d->node[0], MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	note_push(accounts->notes, &note);
}

/* Who asks for another line may have viewers who leave the one before. */
static void note_left(struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	uint32_t asker, uint32_t now)
{
	if (query->line < 2 || query->line > MEMORY_LINES)
		return;
	const struct told *last = &d->past.told[query->line - 2];
	if (!told_counts(last, now) ||
		!may_note(accounts, asker, NOTE_LEFT, last->node, now,
			LEFT_NOTE_MS))
		return;
	bool older = query->line == 2;
	struct note note = {.asker = asker,
		.now_ms = now,
		.area = d->area,
		.kind = NOTE_LEFT,
		.node = {last->node, last->before,
			older ? d->past.older[0] : MAP_NO_NODE,
			older ? d->past.older[1] : MAP_NO_NODE}};
	note_push(accounts->notes, &note);
}

/* known: as choice_decide left it. */
static bool account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_found *found,
	const struct steer_decision *d, const struct known *known)
{
	uint32_t now = known->now;
	bool kept = query->line <= MEMORY_LINES;
	const struct told *seen = kept ? &d->past.told[query->line - 1] : NULL;
	/* The same viewer asks for another type. */
	bool shared = kept && d->again && !(seen->types & query->type);
	const struct told *first = &d->past.told[0];

	if (kept && !remember(accounts->memory, query, d, known->entry, now))
		return false;
	if (shared)
		return true;
	struct client *c = known->client;
	if (!c)
		c = accounts_make(found->clients, found->client_tag, now);
	if (kept)
		demand_learn(c, seen, now);
	if (query->line > 1 && first->node != MAP_NO_NODE)
		sum_add(&accounts->promise[first->node].line2, 1);
	if (d->only)
		sum_add(&accounts->promise[d->node[0]].only, 1);
	uint64_t asker = accounts_asker(accounts, &query->asker);
	note_left(accounts, query, d, (uint32_t)asker, now);
	/* The same viewer presses again, or somebody who does nothing else. */
	if (query->line > 1 && d->again)
		return true;
	float share = promise(state, accounts, query, d, asker,
		d->crowd ? d->rate : demand_rate(c), now);
	struct before before = place(accounts, query, d, share, now);
	note_told(accounts, d, (uint32_t)asker, before, now);
	return true;
}

bool steer_account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	int64_t now_ms)
{
	struct steer_found found;
	steer_prefetch(state, accounts, query, &found);
	struct known known = {.now = (uint32_t)now_ms,
		.client = accounts_find(found.clients, found.client_tag)};
	if (query->line <= MEMORY_LINES)
		known.entry = memory_find(
			found.told, found.told_tag, query->line - 1u);
	return account(state, accounts, query, &found, d, &known);
}

void steer_answer_found(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d)
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

void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision)
{
	struct steer_found found;
	steer_prefetch(state, accounts, query, &found);
	steer_answer_found(state, accounts, query, &found, now_ms, decision);
}
