#include "steer/decide_internal.h"

#include <math.h>

#define SPREAD_OUT_MS 25.0f    /* between the nodes of one answer */
#define RETURNING 0.5f         /* of a dead node's viewers come back at once */
#define GATHER_MS 300.0f       /* softness for a stream that nobody watches */
#define GATHER_VIEWERS 4000.0f /* ms: shared by the viewers of the stream */

/* -- for others -- */

uint64_t steer_net_hash(const struct steer_query *q)
{
	return lookup_net(q);
}

uint64_t steer_key(const struct map *map, const struct steer_query *q)
{
	return lookup_net(q) ^ lookup_key(&map->names[q->name], q);
}

uint32_t steer_area(
	const struct steer_state *state, const struct steer_query *query)
{
	struct steer_lookup lookup;
	lookup_question(state, query, &lookup);
	return area_of(state->load, lookup.near);
}

/* -- what is known of the client -- */

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
 * were placed there of its area: another name server may have sent it. */
static float returning(const struct load *load, const struct accounts *accounts,
	const struct candidates *near, const struct sent *t, float demand,
	uint32_t now)
{
	float share = 0;
	bool sent = sent_counts(t, now);

	if (sent && (int32_t)(t->made_ms - load->fell_ms) > 0)
		return 0; /* they came already */
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = near->slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		if (!load->node[node].returning)
			continue;
		share += (float)load->node[node].returning / 255 *
			(sent && t->node == node ? 1
						 : placed_share(accounts, near,
							   area_of(load, near),
							   node, now));
	}
	return RETURNING * fminf(share, 1) * demand * load->session_s;
}

/* Where all lines of the name, and the asked one, were sent. */
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
	unsigned lines = lookup->name->lines > query->line ? lookup->name->lines
							   : query->line;

	estimate->entry = NULL;
	estimate->client = NULL;
	if (!accounts) {
		recall_nothing(query->line, past);
		return;
	}
	estimate->entry = lookup_entry(accounts, lookup, query->line);
	estimate->client = accounts_find(lookup->clients, lookup->client);
	if (query->line > 1 ||
		sent_together(lookup->sent, lookup->spread, estimate->now)) {
		recall_lines(
			accounts, lookup, lines, state->map->n_nodes, past);
		return;
	}
	past->lines = 1;
	past->sent[0] = sent_get(estimate->entry);
	sent_forget_newer(&past->sent[0], state->map->n_nodes);
}

/* How many viewers a line's question stands for; the client's entry is found. */
static inline void make_estimate(const struct steer_state *state,
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
	estimate_viewers(estimate, lookup->name, query->line);
}

/* -- among all options -- */

static uint32_t ttl_of(const struct decision_ctx *ctx, const struct scored *o)
{
	const struct load *load = ctx->state->load;
	if (ctx->name->policy == POLICY_STABLE)
		return ctx->name->ttl_max_s;
	/* A viewer that switches lines asks again soon. */
	if (ctx->query->line > 1 || o->state != NODE_UP)
		return ctx->name->ttl_min_s;
	return ttl_for(ctx->name, load, load->node[o->node].growth,
		ctx->estimate.demand, candidates_used(ctx, o->node));
}

static void trace_fill(
	const struct decision_ctx *ctx, struct steer_trace *trace)
{
	trace->n = ctx->candidates.n;
	trace->viewers_per_s = ctx->estimate.demand;
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		const struct scored *o = &ctx->candidates.at[i];
		trace->candidate[i] = (struct steer_candidate){
			.node = o->node,
			.state = o->state,
			.earlier = o->conflict > 0,
			.path_ms = o->path,
			.penalty_ms = o->penalty,
			.price_ms = o->price,
			.cost_ms = o->path + o->price + o->penalty,
			.used = ctx->state->load->node[o->node].used,
			.reserved = ctx->state->load->node[o->node].reserved +
				unpublished(ctx->state, ctx->accounts, o->node),
			.score = o->score,
		};
	}
}

/* The earlier decision of this line, if its TTL runs and its node is still as
 * good as the best by state, and no earlier line is sent there now (line 1 may
 * have come to where line 2 was), if there is another; NULL otherwise. The best option is first. */
static const struct sent *still_valid(const struct decision_ctx *ctx)
{
	const struct sent *t = &ctx->past->sent[ctx->query->line - 1];
	if (!sent_runs(t, ctx->estimate.now))
		return NULL;
	/* Each of its caches may be sent elsewhere. */
	if ((t->types & ctx->query->type) && ctx->estimate.spread_out)
		return NULL;
	const struct scored *best = &ctx->candidates.at[0];
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		const struct scored *o = &ctx->candidates.at[i];
		if (o->node == t->node && o->state == best->state &&
			(o->conflict < CONFLICT_NOW ||
				o->conflict <= best->conflict))
			return t;
	}
	return NULL;
}

static bool costs_little_more(
	const struct decision_ctx *ctx, const struct scored *o)
{
	const struct scored *first = &ctx->candidates.at[0];
	return o->path + o->price + o->penalty <=
		first->path + first->price + first->penalty + SPREAD_OUT_MS;
}

/* From the ranked candidates; sent: what is kept for the rest of its TTL. */
static void fill_decision(const struct decision_ctx *ctx,
	const struct sent *sent, struct steer_decision *d)
{
	const struct scored *first = &ctx->candidates.at[0];
	d->again = sent != NULL;
	d->state = first->state;
	d->only = first->conflict >= CONFLICT_NOW;
	d->ttl_s = sent ? sent->ttl_s : ttl_of(ctx, first);
	d->n = 0;
	for (unsigned i = 0;
		i < ctx->candidates.n && d->n < ctx->estimate.answers; i++)
		if (ctx->candidates.at[i].state == first->state &&
			(d->n < ctx->name->answers ||
				costs_little_more(ctx, &ctx->candidates.at[i])))
			d->node[d->n++] = ctx->candidates.at[i].node;
}

/* What clients are spread by: their net; each question of a crowd by itself;
 * streams all alike, the more the fewer viewers they have. */
static void choose_hash(struct decision_ctx *ctx)
{
	uint64_t stream = ctx->query->stream;
	ctx->softness_ms = COST_TEMPERATURE_MS;
	if (!stream && ctx->estimate.spread_out)
		ctx->net = hash_mix(ctx->net ^ ctx->past->sent[0].made_ms);
	if (!stream)
		return;
	float viewers = ctx->accounts
		? accounts_placed(ctx->accounts, accounts_stream(stream),
			  MAP_NO_NODE, ctx->estimate.now)
		: 0;
	viewers *= (float)ctx->state->map->servers;
	ctx->net = hash_mix(stream);
	ctx->softness_ms = fmaxf(COST_TEMPERATURE_MS,
		fminf(GATHER_MS, GATHER_VIEWERS / (1 + viewers)));
}

/* Decides w's line: what is best for it, kept apart from what other lines have. */
static void decide_line(struct decision_ctx *ctx,
	const struct steer_lookup *lookup, bool ranked, struct had *had,
	struct steer_decision *d)
{
	ctx->net = lookup->net;
	choose_hash(ctx);
	ctx->near = map_candidates(
		ctx->state->map, ctx->pool, ctx->query->place, ctx->net);
	candidates_gather(ctx);
	const struct sent *last = &ctx->past->sent[ctx->query->line - 1];
	if (sent_runs(last, ctx->estimate.now))
		candidates_add_sent(ctx, last->node);
	lines_keep_apart(ctx, had);
	if (ranked || ctx->estimate.answers > 1)
		candidates_rank(&ctx->candidates);
	else
		candidates_put_first(&ctx->candidates,
			candidates_best(&ctx->candidates)->node);
	const struct sent *sent = still_valid(ctx);
	if (sent)
		candidates_put_first(&ctx->candidates, sent->node);
	fill_decision(ctx, sent, d);
}

/* What the lines before the asked one are sent now, one after the other, each as
 * if it were asked. */
static void decide_earlier_lines(struct decision_ctx *ctx,
	const struct steer_lookup *lookup, struct had *had)
{
	const struct steer_query *asked = ctx->query;
	const struct client_estimate estimate = ctx->estimate;
	struct steer_query query = *asked;
	struct steer_decision d;

	ctx->query = &query;
	for (query.line = 1; query.line < asked->line; query.line++) {
		ctx->estimate.client = ctx->accounts
			? accounts_find_line(
				  ctx->accounts, lookup->key, query.line)
			: NULL;
		make_estimate(ctx->state, ctx->accounts, &query, lookup,
			ctx->past, &ctx->estimate);
		decide_line(ctx, lookup, false, had, &d);
		lines_add(ctx, &d, had);
	}
	ctx->query = asked;
	ctx->estimate = estimate;
}

__attribute__((noinline)) static void decide_among_all(
	const struct steer_state *state, const struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	struct client_estimate estimate, struct steer_decision *d,
	struct steer_trace *trace)
{
	struct decision_ctx
		ctx; /* no initializers: options and lists are large */
	struct had had;

	ctx.state = state;
	ctx.accounts = accounts;
	ctx.query = query;
	ctx.name = lookup->name;
	ctx.pool = lookup->pool;
	ctx.past = &d->past;
	ctx.estimate = estimate;
	ctx.n_second = 0;
	ctx.area = d->area;
	had.n = 0;
	decide_earlier_lines(&ctx, lookup, &had);
	decide_line(&ctx, lookup, trace != NULL, &had, d);
	if (trace) {
		trace_fill(&ctx, trace);
		trace->sent_lines = d->again;
	}
}

/* -- the decision -- */

void decide_any(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d, struct steer_trace *trace,
	struct client_estimate *estimate)
{
	estimate->now = (uint32_t)now_ms;
	recall(state, accounts, query, lookup, &d->past, estimate);
	make_estimate(state, accounts, query, lookup, &d->past, estimate);
	d->key = lookup->key;
	d->area = area_of(state->load, lookup->near);
	d->at_once = estimate->at_once;
	d->rate = estimate->demand;
	d->large = estimate->large;
	if (!lookup->fast || estimate->spread_out || trace ||
		d->past.lines > 1 ||
		!fast_path_decide(state, accounts, lookup, estimate, d))
		decide_among_all(
			state, accounts, query, lookup, *estimate, d, trace);
	d->held_s = (uint16_t)demand_held_s(estimate->held_s, (float)d->ttl_s);
}

void steer_decide_lookup(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *d, struct steer_trace *trace)
{
	struct client_estimate estimate;
	decide_any(state, accounts, query, lookup, now_ms, d, trace, &estimate);
}

void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d, struct steer_trace *trace)
{
	struct steer_lookup lookup;
	lookup_question(state, query, &lookup);
	if (accounts)
		lookup_entries(accounts, query, &lookup);
	steer_decide_lookup(state, accounts, query, &lookup, now_ms, d, trace);
}
