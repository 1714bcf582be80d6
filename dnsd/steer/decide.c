/* The full decision: among all candidates, line by line. */
#include "steer/decide_internal.h"

#include <assert.h>
#include <math.h>

#define SPREAD_OUT_MS 25.0f    /* between the nodes of one answer */
#define GATHER_MS 300.0f       /* softness for a stream without viewers */
#define GATHER_VIEWERS 4000.0f /* ms: shared by the viewers of the stream */

static uint32_t ttl_of(
	const struct decision_ctx *ctx, const struct scored *first)
{
	const struct load *load = ctx->state->load;
	if (ctx->name->policy == POLICY_STABLE)
		return ctx->name->ttl_max_s;
	/* A viewer that switches lines asks again soon. */
	if (ctx->query.line > 1 || first->state != NODE_UP)
		return ctx->name->ttl_min_s;
	return score_ttl_s(ctx->name, load, load->node[first->node].growth,
		ctx->estimate.demand, candidates_used(ctx, first->node));
}

static float cost_of(const struct scored *one)
{
	return one->path + one->price + one->penalty;
}

/* What is known of a candidate's path. */
static void trace_path(
	const struct decision_ctx *ctx, struct steer_candidate *candidate)
{
	const struct place *place =
		geo_place(ctx->state->geo, ctx->query.place);
	const struct map *map = ctx->state->map;
	const struct path_area *area = map_path_area(map, ctx->pool, place);
	if (!area || !map->nodes[candidate->node].placed)
		return;
	candidate->known = path_table_known(map->paths, area, candidate->node);
	candidate->by_others = !candidate->known;
	if (candidate->known)
		candidate->known_age_ms =
			ctx->estimate.now - (uint32_t)candidate->known->at_ms;
}

static void trace_fill(
	const struct decision_ctx *ctx, struct steer_trace *trace)
{
	const struct scored_list *list = &ctx->candidates;
	trace->n = list->n;
	trace->viewers_per_s = ctx->estimate.demand;
	for (unsigned i = 0; i < list->n; i++) {
		const struct scored *one = &list->at[i];
		const struct load_node *load =
			&ctx->state->load->node[one->node];
		trace->candidate[i] = (struct steer_candidate){
			.node = one->node,
			.state = one->state,
			.earlier = one->conflict > 0,
			.path_ms = one->path,
			.penalty_ms = one->penalty,
			.price_ms = one->price,
			.cost_ms = cost_of(one),
			.used = load->used,
			.reserved = load->reserved +
				score_unpublished(
					ctx->state, ctx->accounts, one->node),
			.score = one->score,
		};
		trace_path(ctx, &trace->candidate[i]);
	}
}

/* The earlier decision of this line, if its TTL runs, its node is as good as the
 * best by state, and no earlier line is sent there now (line 1 may have come to
 * where line 2 was) unless no other node is left; else NULL. The best candidate
 * is first. */
static const struct sent *still_valid(const struct decision_ctx *ctx)
{
	const struct sent *sent = &ctx->past->sent[ctx->query.line - 1];
	if (!sent_runs(sent, ctx->estimate.now))
		return NULL;
	/* Each cache behind it may be sent elsewhere. */
	if ((sent->types & ctx->query.type) && ctx->estimate.spread_out)
		return NULL;
	const struct scored *best = &ctx->candidates.at[0];
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		const struct scored *one = &ctx->candidates.at[i];
		if (one->node == sent->node && one->state == best->state &&
			(one->conflict < CONFLICT_NOW ||
				one->conflict <= best->conflict))
			return sent;
	}
	return NULL;
}

/* From the ranked candidates; sent: what is kept for the rest of its TTL. */
static void fill_decision(const struct decision_ctx *ctx,
	const struct sent *sent, struct steer_decision *d)
{
	const struct scored *first = &ctx->candidates.at[0];
	float most = cost_of(first) + SPREAD_OUT_MS;

	assert(ctx->candidates.n > 0);
	d->again = sent != NULL;
	d->state = first->state;
	d->only = first->conflict >= CONFLICT_NOW;
	d->ttl_s = sent ? sent->ttl_s : ttl_of(ctx, first);
	d->n = 0;
	for (unsigned i = 0;
		i < ctx->candidates.n && d->n < ctx->estimate.answers; i++) {
		const struct scored *one = &ctx->candidates.at[i];
		if (one->state == first->state &&
			(d->n < ctx->name->answers || cost_of(one) <= most))
			d->node[d->n++] = one->node;
	}
}

/* What clients are spread by: their net; each question of one that is spread out
 * by itself; streams all alike, the more the fewer viewers they have. */
static void choose_hash(struct decision_ctx *ctx)
{
	uint64_t stream = ctx->query.stream;
	ctx->net = ctx->lookup->net;
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

/* Decides the query's line: what is best for it, kept apart from what other lines
 * have. */
static void decide_line(struct decision_ctx *ctx, bool ranked, struct had *had,
	struct steer_decision *d)
{
	const struct sent *last = &ctx->past->sent[ctx->query.line - 1];

	choose_hash(ctx);
	ctx->near = map_candidates(
		ctx->state->map, ctx->pool, ctx->query.place, ctx->net);
	candidates_gather(ctx);
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

/* Where the lines before the asked one are sent now, one after the other, each as
 * if it were asked. */
static void decide_earlier_lines(struct decision_ctx *ctx, struct had *had)
{
	const unsigned asked = ctx->query.line;
	const struct client_estimate estimate = ctx->estimate;
	struct steer_decision d;

	for (ctx->query.line = 1; ctx->query.line < asked; ctx->query.line++) {
		ctx->estimate.client = ctx->accounts
			? lookup_client_of(
				  ctx->accounts, ctx->lookup, ctx->query.line)
			: NULL;
		estimate_line(ctx->state, ctx->accounts, &ctx->query,
			ctx->lookup, ctx->past, &ctx->estimate);
		decide_line(ctx, false, had, &d);
		lines_add(ctx, &d, had);
	}
	ctx->estimate = estimate;
}

void decide_full(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct steer_decision *d,
	struct steer_trace *trace)
{
	struct decision_ctx ctx; /* no initializer: its lists are large */
	struct had had;

	assert(query->line >= 1 && d->past.lines >= query->line);
	ctx.state = state;
	ctx.accounts = accounts;
	ctx.query = *query;
	ctx.lookup = lookup;
	ctx.name = lookup->name;
	ctx.pool = lookup->pool;
	ctx.past = &d->past;
	ctx.estimate = *estimate;
	ctx.n_second = 0;
	ctx.area = d->area;
	had.n = 0;
	decide_earlier_lines(&ctx, &had);
	decide_line(&ctx, trace != NULL, &had, d);
	assert(d->n >= 1 && d->n <= STEER_NODES_MAX);
	if (trace) {
		trace_fill(&ctx, trace);
		trace->kept = d->again;
	}
}
