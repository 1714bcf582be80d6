#include "fleet/large_resolver.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/sections.h"
#include "state/map.h"

/* Answers that live, or lived within a sample. */
#define LIVES TABLE_SIZE(16384)
#define STEP 0.3f     /* of the surprise, per sample */
#define KEEP_MS 60000 /* an answer that ended: samples are late */

/* What is known of a resolver beside its rate; by its entry in the table. */
struct large_resolver {
	bool learned; /* its rate is from samples, not only guessed */
	uint8_t n;    /* of live */
	uint16_t live[EVENT_NODES]; /* its answer in force */
};

/* One node of an answer. Lists by node, newest first. */
struct live {
	uint64_t tag;   /* of the resolver */
	uint32_t entry; /* its entry in the table of rates */
	uint16_t node;
	uint16_t next, before; /* of the same node, LIVES: none */
	float share; /* of the answer's viewers, 0: this record is free */
	float rate;  /* reserved, viewers/s to this node */
	int64_t from_ms, to_ms;
};

struct large_resolvers {
	struct resolver_rates *rates;
	struct large_resolver of[RESOLVER_RATES];
	struct live live[LIVES];
	uint16_t first[CONF_NODES_MAX + 1]; /* by node */
	uint32_t next_live;                 /* records are reused in turn */
};

struct large_resolvers *large_resolvers_new(struct resolver_rates *rates)
{
	struct large_resolvers *large = mem_zero(1, sizeof *large);
	large->rates = rates;
	for (unsigned i = 0; i <= CONF_NODES_MAX; i++)
		large->first[i] = LIVES;
	return large;
}

void large_resolvers_free(struct large_resolvers *large)
{
	free(large);
}

/* -- answers -- */

static void unlink_live(struct large_resolvers *large, unsigned i)
{
	struct live *l = &large->live[i];
	if (l->before == LIVES)
		large->first[l->node] = l->next;
	else
		large->live[l->before].next = l->next;
	if (l->next != LIVES)
		large->live[l->next].before = l->before;
	l->share = 0;
}

static void end_answer(struct large_resolvers *large, unsigned entry,
	const struct forecast_fleet *all, struct forecast *of, int64_t now_ms)
{
	struct large_resolver *one = &large->of[entry];
	uint64_t tag = resolver_rates_tag(large->rates, entry);
	for (unsigned i = 0; i < one->n; i++) {
		struct live *l = &large->live[one->live[i]];
		if (l->tag != tag || l->to_ms <= now_ms)
			continue;
		/* whole bins, as they were reserved */
		int64_t left = l->to_ms / 1000 - all->second;
		if (left > 0)
			forecast_reserve(all, &of[l->node], true, 0, -l->rate,
				(unsigned)left);
		l->to_ms = now_ms;
	}
	one->n = 0;
}

static void begin_live(struct large_resolvers *large, struct live live)
{
	unsigned i = large->next_live++ % LIVES;
	struct live *l = &large->live[i];
	if (l->share > 0)
		unlink_live(large, i);
	*l = live;
	l->next = large->first[l->node];
	l->before = LIVES;
	if (l->next != LIVES)
		large->live[l->next].before = (uint16_t)i;
	large->first[l->node] = (uint16_t)i;
	struct large_resolver *one = &large->of[l->entry];
	one->live[one->n++] = (uint16_t)i;
}

void large_resolvers_answer(struct large_resolvers *large,
	const struct steer_event *event, const struct forecast_fleet *all,
	struct forecast *of, unsigned n, int64_t now_ms)
{
	assert(event->kind == EVENT_LARGE_RESOLVER);
	bool made;
	unsigned nodes = 0,
		 entry = resolver_rates_claim(
			 large->rates, event->key, now_ms, &made);

	if (made)
		large->of[entry] = (struct large_resolver){0};
	end_answer(large, entry, all, of, now_ms);
	if (!large->of[entry].learned)
		resolver_rates_set(large->rates, entry,
			fmaxf(resolver_rates_get(large->rates, entry),
				event->rate));
	while (nodes < EVENT_NODES && event->node[nodes] < n)
		nodes++;
	float share = nodes ? 1.0f / (float)nodes : 0;
	for (unsigned i = 0; i < nodes; i++) {
		float rate = event->rate * share;
		begin_live(large,
			(struct live){
				.tag = resolver_rates_tag(large->rates, entry),
				.entry = entry,
				.node = event->node[i],
				.share = share,
				.rate = rate,
				.from_ms = now_ms,
				.to_ms = now_ms + event->held_s * 1000});
		forecast_reserve(all, &of[event->node[i]], true,
			event->at_once * share, rate, event->held_s);
	}
}

/* -- learning -- */

/* Seconds of [from, to) in which it lived, times its share. */
static float weight(const struct live *l, int64_t from_ms, int64_t to_ms)
{
	int64_t a = l->from_ms > from_ms ? l->from_ms : from_ms;
	int64_t b = l->to_ms < to_ms ? l->to_ms : to_ms;
	return b > a ? (float)(b - a) * 0.001f * l->share : 0;
}

void large_resolvers_learn(struct large_resolvers *large, unsigned node,
	int64_t from_ms, int64_t to_ms, float surprise)
{
	assert(node < CONF_NODES_MAX);
	float squares = 0, half = 0.5f * (float)(to_ms - from_ms) * 0.001f;

	for (unsigned i = large->first[node], next; i != LIVES; i = next) {
		const struct live *l = &large->live[i];
		float x = weight(l, from_ms, to_ms);
		squares += x * x;
		next = l->next;
		if (l->to_ms < from_ms - KEEP_MS)
			unlink_live(large, i);
	}
	if (squares <= 0)
		return;
	for (unsigned i = large->first[node]; i != LIVES;
		i = large->live[i].next) {
		const struct live *l = &large->live[i];
		float x = weight(l, from_ms, to_ms);
		if (x <= 0 ||
			resolver_rates_tag(large->rates, l->entry) != l->tag)
			continue;
		resolver_rates_set(large->rates, l->entry,
			resolver_rates_get(large->rates, l->entry) +
				STEP * surprise * x / (squares + half * half));
		large->of[l->entry].learned = true;
	}
}

/* -- the process that takes over -- */

#define LARGE_VERSION 1 /* of what the struct means */

void large_resolvers_hand(const struct large_resolvers *large, struct buf *out)
{
	resolver_rates_hand(large->rates, out);
	sections_add(
		out, "large resolvers", LARGE_VERSION, sizeof *large, large, 1);
}

void large_resolvers_take(struct large_resolvers *large, struct sections *in)
{
	size_t n;
	struct resolver_rates *rates = large->rates;
	const struct large_resolvers *from = sections_find(
		in, "large resolvers", LARGE_VERSION, sizeof *large, &n);
	/* One without the other means nothing. */
	if (n != 1 || !resolver_rates_take(rates, in))
		return;
	*large = *from;
	large->rates = rates;
}
