/* The nodes that may be picked for a question, each with its cost and score. */
#include "steer/decide_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define STABLE_TEMPERATURE_MS 0.05f
#define STABLE_STAY_MS 2000.0f    /* more than any grade of stability */
#define STABLE_FULL_MS 10000.0f   /* a full one is the last of all */
#define STABLE_MEMORY_MS 43200000 /* a publisher stays */
#define GATHER_LOAD_MS 20.0f /* but the load of nodes is felt at least so */
#define GATHER_NODES 8       /* of a large pool */
#define CARRIED 0.5f         /* ln: viewers of this stream were sent there */
#define HAS_STREAM 8.0f      /* ln: one that has it, while it has room */
#define FROM_POOL 16         /* nodes taken from far when the near ones fail */

/* -- cost -- */

/* A node that has the stream is taken while it has room; one that viewers of it
 * were sent to will have it. */
static float carried(const struct decision_ctx *ctx, unsigned node, float used)
{
	const struct stream_set *streams = ctx->state->load->streams;
	if (!ctx->query.stream)
		return 0;
	if (streams && used < COST_FULL * COST_KNEE &&
		stream_set_has(streams, ctx->query.stream, node))
		return HAS_STREAM;
	if (!ctx->accounts)
		return 0;
	float viewers = accounts_placed(ctx->accounts,
		accounts_stream(ctx->query.stream), node, ctx->estimate.now);
	return viewers > 0 ? CARRIED : 0;
}

static inline float candidates_used_by(const struct decision_ctx *ctx,
	unsigned node, const struct load_node *load)
{
	float extra = (score_unpublished(ctx->state, ctx->accounts, node) +
			      ctx->estimate.viewers) *
		COST_SAFETY;
	return load->used + extra * load->per_viewer;
}

float candidates_used(const struct decision_ctx *ctx, unsigned node)
{
	return candidates_used_by(ctx, node, &ctx->state->load->node[node]);
}

/* The bonus of the node where this client net was sent last: caches and viewers
 * stay where they are while another one is only a little better. A large resolver is
 * spread anew each time. */
static inline float staying(
	const struct decision_ctx *ctx, unsigned node, float softness_ms)
{
	const struct sent *t = &ctx->past->sent[0];
	return t->node == node && ctx->query.line == 1 &&
			!ctx->estimate.spread_out &&
			sent_counts(t, ctx->estimate.now)
		? ctx->name->stay_ms / softness_ms
		: 0;
}

/* A publisher stays on its relay while that is alive, not drained and not at the
 * back. */
static bool publishes(const struct decision_ctx *ctx, unsigned node)
{
	const struct sent *t = &ctx->past->sent[0];
	return t->node == node && ctx->query.line == 1 &&
		ctx->estimate.now - t->made_ms < STABLE_MEMORY_MS;
}

static float score(const struct decision_ctx *ctx, const struct scored *o)
{
	const struct map_node *node = &ctx->state->map->nodes[o->node];
	const struct load_node *load = &ctx->state->load->node[o->node];
	float cost = o->path + o->price + o->penalty;

	switch (ctx->name->policy) {
	case POLICY_GEO:
		/* The nearest healthy one; the hash only splits ties. */
		return o->path + 1e-4f * score_draw(ctx->net, node->seed);
	case POLICY_STABLE:
		cost -= publishes(ctx, o->node) ? STABLE_STAY_MS : 0;
		return cost / STABLE_TEMPERATURE_MS +
			score_draw(ctx->net, node->seed);
	case POLICY_FAILOVER: /* see add() */
	case POLICY_NEARBY:
		break;
	}
	float path = o->path / ctx->softness_ms,
	      have = carried(ctx, o->node, o->used);
	/* Viewers of a stream meet: their path weighs little, load as ever. */
	float load_ms = ctx->softness_ms < GATHER_LOAD_MS ? ctx->softness_ms
							  : GATHER_LOAD_MS;
	float busy = o->price + o->penalty;
	if (busy != 0) /* seldom; a division is dear */
		busy /= load_ms;
	return score_draw(ctx->net, node->seed) + path + busy -
		load->ln_weight - have -
		staying(ctx, o->node, ctx->softness_ms);
}

/* The next free option, NULL if the list is full. */
static inline struct scored *scored_next(struct scored_list *list,
	const struct map_node *node, unsigned index, unsigned state,
	float path_ms)
{
	if (list->n == SCORED_MAX)
		return NULL;
	struct scored *o = &list->at[list->n++];
	o->node = (uint16_t)index;
	o->state = (uint8_t)state;
	o->conflict = 0;
	o->later = 0;
	o->site = node->site;
	o->provider = node->provider;
	o->path = path_ms;
	o->there = 0;
	if (state < list->best_state)
		list->best_state = (uint8_t)state;
	return o;
}

static void candidates_add(
	struct decision_ctx *ctx, unsigned index, float path_ms)
{
	const struct load_node *load = &ctx->state->load->node[index];
	const struct map_node *node = &ctx->state->map->nodes[index];
	struct scored_list *list = &ctx->candidates;

	if (!node->name)
		return;
	struct scored *o = scored_next(list, node, index, load->state, path_ms);
	if (!o)
		return;
	o->used = candidates_used_by(ctx, index, load);
	o->penalty = score_penalty_ms(ctx->state, ctx->area, index, load);
	o->price = score_price_ms(load, o->used);
	if (ctx->name->policy == POLICY_STABLE) {
		o->price = o->used > COST_FULL ? o->price + STABLE_FULL_MS : 0;
		o->penalty += load->unstable_ms;
	}
	o->score = ctx->name->policy == POLICY_FAILOVER ? (float)(list->n)
							: score(ctx, o);
	o->alone = o->score;
}

/* -- which nodes -- */

/* By cost and without a stream, the brief of a node that is up has its score
 * while its price is 0 with all that is reserved. */
static inline void add_brief(struct decision_ctx *ctx, unsigned index,
	const struct load_brief *brief, float path_ms)
{
	const struct load_node *load = &ctx->state->load->node[index];
	struct scored *o = scored_next(&ctx->candidates,
		&ctx->state->map->nodes[index], index, NODE_UP, path_ms);
	if (!o)
		return;
	o->used = load->used;
	o->penalty = load->penalty_ms;
	o->price = 0;
	o->score = score_draw(ctx->net, brief->seed) +
		path_ms / COST_TEMPERATURE_MS + brief->base -
		staying(ctx, index, COST_TEMPERATURE_MS);
	o->alone = o->score;
}

static void add_candidates(struct decision_ctx *ctx)
{
	const struct load *load = ctx->state->load;
	const struct candidate *slot = ctx->near->slot;
	bool by_cost = ctx->name->policy == POLICY_NEARBY && !ctx->query.stream;
	float more = score_unpublished_most(load, ctx->accounts) +
		ctx->estimate.viewers;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		float path_ms = candidate_path_ms(slot[i]);
		if (node == MAP_NO_NODE)
			break;
		const struct load_brief *brief = &load->brief[node];
		if (by_cost && brief->base < FLT_MAX && more <= brief->slack)
			add_brief(ctx, node, brief, path_ms);
		else
			candidates_add(ctx, node, path_ms);
	}
}

static bool candidates_have(const struct scored_list *list, unsigned node)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->at[i].node == node)
			return true;
	return false;
}

static float path_to(const struct decision_ctx *ctx, unsigned node)
{
	const struct place *place =
		geo_place(ctx->state->geo, ctx->query.place);
	return map_path_ms(ctx->state->map, ctx->pool, place, node);
}

/* The near nodes are all full: those with most room anywhere. */
static void add_spares(struct decision_ctx *ctx)
{
	const uint16_t *spare = ctx->state->load->spare[ctx->name->pool];
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		if (spare[i] == MAP_NO_NODE)
			break;
		if (!candidates_have(&ctx->candidates, spare[i]))
			candidates_add(ctx, spare[i], path_to(ctx, spare[i]));
	}
}

/* A node of the pool that was not among the candidates. */
struct far {
	float path;
	uint16_t node;
	uint8_t state;
};

static bool better_far(
	const struct map *map, const struct far *a, const struct far *b)
{
	if (a->state != b->state)
		return a->state < b->state;
	if (a->path != b->path)
		return a->path < b->path;
	return map->nodes[a->node].seed < map->nodes[b->node].seed;
}

static bool site_among(
	const struct map *map, unsigned node, const uint16_t *had, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (map_same_site(map, had[i], node))
			return true;
	return false;
}

/* The near nodes are dead, or all of the sites that earlier lines had: one pass
 * over the whole pool. */
void candidates_add_from_pool(struct decision_ctx *ctx, unsigned worst,
	const uint16_t *had, unsigned n_had)
{
	const struct steer_state *s = ctx->state;
	struct far near[FROM_POOL];
	unsigned n = 0;

	for (unsigned i = 0; i < ctx->pool->n; i++) {
		unsigned node = ctx->pool->node[i];
		struct far one = {.node = (uint16_t)node,
			.state = s->load->node[node].state};
		if (one.state > worst || site_among(s->map, node, had, n_had) ||
			candidates_have(&ctx->candidates, node))
			continue;
		one.path = path_to(ctx, node);
		if (n == FROM_POOL && !better_far(s->map, &one, &near[n - 1]))
			continue;
		unsigned at = n < FROM_POOL ? n++ : n - 1;
		for (; at > 0 && better_far(s->map, &one, &near[at - 1]); at--)
			near[at] = near[at - 1];
		near[at] = one;
	}
	for (unsigned i = 0; i < n; i++)
		candidates_add(ctx, near[i].node, near[i].path);
}

/* Viewers of a stream from everywhere look at the same nodes: at the whole pool
 * or, if it is large, at some that the hash of the stream names. */
static void add_gathering(struct decision_ctx *ctx)
{
	if (ctx->pool->n > SCORED_MAX) {
		for (unsigned i = 0; i < GATHER_NODES; i++) {
			uint64_t h = hash_mix(ctx->query.stream + i);
			unsigned node = ctx->pool->node[h % ctx->pool->n];
			if (!candidates_have(&ctx->candidates, node))
				candidates_add(ctx, node, path_to(ctx, node));
		}
		return;
	}
	for (unsigned i = 0; i < ctx->pool->n; i++) {
		unsigned node = ctx->pool->node[i];
		if (!candidates_have(&ctx->candidates, node))
			candidates_add(ctx, node, path_to(ctx, node));
	}
}

static bool all_full(const struct scored_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->at[i].state == list->best_state &&
			!score_is_full(list->at[i].used))
			return false;
	return true;
}

/* Failover: the order of the pool is the order of preference. Those that are
 * up come first, so that a long pool with dead heads still fits. */
static void add_in_order(struct decision_ctx *ctx)
{
	for (int up = 1; up >= 0; up--)
		for (unsigned i = 0; i < ctx->pool->n; i++) {
			unsigned node = ctx->pool->node[i];
			bool is_up =
				ctx->state->load->node[node].state == NODE_UP;
			if (is_up == up)
				candidates_add(ctx, node, path_to(ctx, node));
		}
}

void candidates_add_sent(struct decision_ctx *ctx, unsigned node)
{
	if (candidates_have(&ctx->candidates, node))
		return;
	for (unsigned i = 0; i < ctx->pool->n; i++)
		if (ctx->pool->node[i] == node) {
			candidates_add(ctx, node, path_to(ctx, node));
			return;
		}
}

void candidates_gather(struct decision_ctx *ctx)
{
	ctx->candidates.n = 0;
	ctx->candidates.best_state = NODE_DRAINED + 1;
	if (ctx->name->policy == POLICY_FAILOVER) {
		add_in_order(ctx);
		return;
	}
	add_candidates(ctx);
	if (ctx->query.stream)
		add_gathering(ctx);
	if (ctx->pool->n <= MAP_CANDIDATES)
		return;
	if (ctx->candidates.best_state > NODE_UP)
		candidates_add_from_pool(
			ctx, ctx->candidates.best_state - 1u, NULL, 0);
	else if (all_full(&ctx->candidates))
		add_spares(ctx);
}

/* -- the best -- */

/* The better of two options, by state, conflict and score. */
bool scored_better(const struct scored *a, const struct scored *b)
{
	if (a->state != b->state)
		return a->state < b->state;
	if (scored_conflict(a) != scored_conflict(b))
		return scored_conflict(a) < scored_conflict(b);
	return a->score < b->score;
}

const struct scored *candidates_best(const struct scored_list *list)
{
	assert(list->n > 0);
	const struct scored *best = &list->at[0];
	for (unsigned i = 1; i < list->n; i++)
		if (scored_better(&list->at[i], best))
			best = &list->at[i];
	return best;
}

void candidates_rank(struct scored_list *list)
{
	for (unsigned i = 1; i < list->n; i++) {
		struct scored one = list->at[i];
		unsigned at = i;
		for (; at > 0 && scored_better(&one, &list->at[at - 1]); at--)
			list->at[at] = list->at[at - 1];
		list->at[at] = one;
	}
}

/* The others keep their order. */
void candidates_put_first(struct scored_list *list, uint16_t node)
{
	assert(list->n > 0);
	for (unsigned i = 1; i < list->n; i++)
		if (list->at[i].node == node) {
			struct scored one = list->at[i];
			memmove(&list->at[1], &list->at[0], i * sizeof one);
			list->at[0] = one;
			return;
		}
}
