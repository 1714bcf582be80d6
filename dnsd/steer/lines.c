/* Lines: a viewer that switches must not get the node it has now, and better not
 * its site. Where lines 1..n-1 were sent, or would be sent now, conflicts. */
#include <assert.h>
#include <string.h>

#include "steer/decide_internal.h"

#define BEFORE_MOVED 8      /* quarters of a minute: still cached */
#define OLDER_MOVED 120     /* viewers that were sent so long ago still watch */
#define OLDER_MS 25.0f      /* a line on a node they may be on */
#define PROVIDER_MS 15.0f   /* a line in the provider of an earlier line */
#define SECOND_MS 25.0f     /* a line where another server may have sent one */
#define THERE_MS 150.0f     /* a line on a node that has all of the area */
#define THERE_SITE_MS 60.0f /* ... or on its site */
#define SURE 0.25f          /* of that, where line 1 is known */
#define OF_SAME_KIND 96     /* a conflict more of a kind: as 96 places later */

/* Whether this net's viewers may be where others of the area are: an only name
 * server that has sent the net to one node knows where they are. */
static float unsure_of_line_1(const struct decision_ctx *ctx)
{
	const struct sent *t = &ctx->past->sent[0];
	bool sure = ctx->state->map->servers == 1 &&
		sent_counts(t, ctx->estimate.now) &&
		(t->before == MAP_NO_NODE ||
			sent_moved(t, ctx->estimate.now) > OLDER_MOVED);
	return sure ? SURE : 1;
}

/* Viewers by site: a hash table, for as many sites as there are options. */
#define SITES (2 * SCORED_MAX)
struct sites {
	uint32_t site[SITES];
	float viewers[SITES]; /* 0: free */
};

static inline unsigned site_at(const struct sites *s, uint32_t site)
{
	unsigned at = site % SITES;
	while (s->viewers[at] > 0 && s->site[at] != site)
		at = (at + 1) % SITES;
	return at;
}

/* Where viewers of this area are, as far as this thread placed them: another
 * name server or an older answer may have sent this one there. */
static void avoid_places(struct decision_ctx *ctx)
{
	struct scored *scored = ctx->candidates.at;
	float there[SCORED_MAX], all = 1;
	struct sites sites;
	if (!ctx->accounts)
		return;
	memset(sites.viewers, 0, sizeof sites.viewers);
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		there[i] = accounts_placed(ctx->accounts, ctx->area,
			scored[i].node, ctx->estimate.now);
		if (there[i] <= 0)
			continue;
		unsigned k = site_at(&sites, scored[i].site);
		sites.site[k] = scored[i].site;
		sites.viewers[k] += there[i];
		all += there[i];
	}
	float scale = unsure_of_line_1(ctx) / all;
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		unsigned k = site_at(&sites, scored[i].site);
		scored[i].there = scale *
			(THERE_MS * there[i] +
				THERE_SITE_MS * sites.viewers[k]);
	}
}

static inline bool lines_among(const uint16_t *list, unsigned n, uint16_t node)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == node)
			return true;
	return false;
}

static void had_add(
	const struct map *map, struct had *had, uint16_t node, uint32_t kind)
{
	assert(had->n < HAD_MAX);
	unsigned i = had->n++;
	had->node[i] = node;
	had->kind[i] = kind;
	had->site[i] = map->nodes[node].site;
	had->provider[i] = map->nodes[node].provider;
}

/* How bad it is to be sent here for a viewer that had these nodes before: the
 * same node is worse than the same site, a later line worse than an earlier
 * (players go 1, 2, 3, 1). Providers cost extra but do not exclude. */
static inline void lines_mark(
	struct scored *o, const struct had *had, float per_ms)
{
	uint32_t worst = 0, sum = 0;
	for (unsigned i = 0; i < had->n; i++) {
		uint32_t kind = had->node[i] == o->node ? had->kind[i]
			: had->site[i] == o->site       ? CONFLICT_SITE
							: 0;
		if (kind > worst)
			sum = 0;
		if (kind >= worst)
			sum += OF_SAME_KIND + i;
		worst = kind > worst ? kind : worst;
		if (o->provider && had->provider[i] == o->provider)
			o->score += PROVIDER_MS * per_ms;
	}
	o->conflict = worst ? worst + sum : 0;
}

/* Nodes that viewers of this net may be on since longer: some of them press the
 * button too. Returns how many. */
static unsigned older_nodes(const struct decision_ctx *ctx, uint16_t *older)
{
	const struct sent_lines *past = ctx->past;
	if (!sent_counts(&past->sent[0], ctx->estimate.now) ||
		sent_moved(&past->sent[0], ctx->estimate.now) > OLDER_MOVED)
		return 0;
	older[0] = past->sent[0].before;
	older[1] = past->older[0];
	older[2] = past->older[1];
	return 3;
}

/* Whether a later line's answer with this node is in force; more for line n + 1 than
 * for line n + 2. So lines that are asked together, in any order, stay apart. At
 * other times later lines are not read for line 1, which takes its best node: else
 * questions for further lines could keep it off. */
static uint8_t sent_later(const struct decision_ctx *ctx, uint16_t node)
{
	for (unsigned i = ctx->query.line; i < ctx->past->lines; i++)
		if (ctx->past->sent[i].node == node &&
			sent_runs(&ctx->past->sent[i], ctx->estimate.now))
			return (uint8_t)(CONF_LINES_MAX - i);
	return 0;
}

/* In a pool of two, a further line gets the node where the line before was not sent,
 * even if line 1 would be sent there now: the viewer is on the other one. */
static void leave_here(struct decision_ctx *ctx)
{
	const struct sent *before = &ctx->past->sent[ctx->query.line - 2];
	unsigned best = 0;
	for (unsigned i = 0; i < ctx->candidates.n; i++)
		best += ctx->candidates.at[i].state ==
			ctx->candidates.best_state;
	if (best != 2 || !sent_counts(before, ctx->estimate.now))
		return;
	for (unsigned i = 0; i < ctx->candidates.n; i++)
		if (ctx->candidates.at[i].node == before->node)
			ctx->candidates.at[i].conflict = CONFLICT_HERE;
}

/* Marks what conflicts with the nodes that earlier lines had; older nodes, and
 * nodes that another name server may have for an earlier line, cost extra. */
static void mark_conflicts(struct decision_ctx *ctx, const struct had *had)
{
	uint16_t older[1 + SENT_OLDER];
	unsigned n_older = older_nodes(ctx, older);
	float per_ms = 1 / ctx->softness_ms;
	for (unsigned i = 0; i < ctx->candidates.n; i++) {
		struct scored *o = &ctx->candidates.at[i];
		o->score = o->alone;
		o->later = sent_later(ctx, o->node);
		lines_mark(o, had, per_ms);
		if (!had->n)
			continue;
		float extra = o->there;
		if (lines_among(older, n_older, o->node))
			extra += OLDER_MS;
		if (lines_among(ctx->second, ctx->n_second, o->node))
			extra += SECOND_MS;
		o->score += extra * per_ms;
	}
	if (ctx->query.line > 1)
		leave_here(ctx);
}

/* Another name server may have sent the line to what is second here. */
static void add_second(struct decision_ctx *ctx, unsigned first)
{
	const struct scored *best = NULL;
	for (unsigned i = 0; i < ctx->candidates.n; i++)
		if (ctx->candidates.at[i].node != first &&
			(!best || scored_better(&ctx->candidates.at[i], best)))
			best = &ctx->candidates.at[i];
	if (best)
		ctx->second[ctx->n_second++] = best->node;
}

static bool other_site_is_up(const struct decision_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->candidates.n; i++)
		if (ctx->candidates.at[i].state == NODE_UP &&
			ctx->candidates.at[i].conflict < CONFLICT_SITE)
			return true;
	return false;
}

/* Marks conflicts, and looks beyond the candidates if they leave no other site,
 * or no other node. */
static void lines_look_around(struct decision_ctx *ctx, const struct had *had)
{
	mark_conflicts(ctx, had);
	if (ctx->pool->n <= MAP_CANDIDATES)
		return;
	if (had->n && !other_site_is_up(ctx)) {
		candidates_add_from_pool(
			ctx, ctx->candidates.best_state, had->node, had->n);
		mark_conflicts(ctx, had);
	}
	if (scored_conflict(candidates_best(&ctx->candidates)) < CONFLICT_NODE)
		return;
	candidates_add_from_pool(ctx, ctx->candidates.best_state, NULL, 0);
	mark_conflicts(ctx, had);
}

void lines_keep_apart(struct decision_ctx *ctx, const struct had *had)
{
	if (had->n)
		avoid_places(ctx);
	if (had->n || ctx->past->lines > ctx->query.line)
		lines_look_around(ctx, had);
}

void lines_add(struct decision_ctx *ctx, const struct steer_decision *d,
	struct had *had)
{
	assert(d->n > 0);
	const struct map *map = ctx->state->map;
	const struct sent *t = &ctx->past->sent[ctx->query.line - 1];
	bool counts = sent_counts(t, ctx->estimate.now);
	/* An answer that named the node before may still be cached; who pressed for
	 * a further line then may watch it for long. */
	unsigned moved = ctx->query.line > 1 ? OLDER_MOVED : BEFORE_MOVED;

	if (counts && t->before != MAP_NO_NODE && t->before != d->node[0] &&
		sent_moved(t, ctx->estimate.now) < moved)
		had_add(map, had, t->before, CONFLICT_NODE);
	if (counts && t->node != d->node[0])
		had_add(map, had, t->node, CONFLICT_NODE);
	if (!counts)
		add_second(ctx, d->node[0]);
	for (unsigned i = 1; i < d->n; i++)
		had_add(map, had, d->node[i], CONFLICT_ALSO);
	had_add(map, had, d->node[0], CONFLICT_NOW);
}
