/* decide_internal.h - what the parts of a decision share: decide.c, fast_path.c, candidates.c,
 * lines.c and account.c. Private to them; decide.h is for everybody else.
 */
#ifndef STEER_DECIDE_INTERNAL_H
#define STEER_DECIDE_INTERNAL_H

#include <float.h>

#include "base/rng.h"
#include "state/cost.h"
#include "steer/client_estimate.h"
#include "steer/steer.h"

#define SCAN_MAX STEER_TRACE_MAX
/* What speaks against a node, since another line has it: the worst counts, and of
 * the same kind the sum. */
#define CONFLICT_SITE (1u << 24) /* another node of the site of one of these: */
#define CONFLICT_ALSO (2u << 24) /* a further address of an earlier line */
#define CONFLICT_NODE (3u << 24) /* where an earlier line was sent before */
#define CONFLICT_LATER (4u << 24) /* where a later one was sent a moment ago */
#define CONFLICT_NOW (5u << 24)   /* what an earlier line is sent now */
#define CONFLICT_HERE (6u << 24)  /* of two nodes, the one of the line before */

/* One node that may be picked. */
struct scored {
	uint16_t node;
	uint8_t state;
	uint8_t later; /* conflict with later lines: 0 none, more with sooner ones */
	uint32_t conflict; /* with earlier ones: see lines.c */
	uint32_t site, provider;
	float path, price, penalty, used;
	float score, alone; /* alone: without regard to earlier lines */
	float there; /* lines: extra cost, since viewers of this area are there */
};

/* Where lines before the asked one are sent now or were sent, and where later ones
 * were sent if that still holds. */
#define HAD_MAX 96
struct had {
	unsigned n;
	uint16_t node[HAD_MAX];
	uint32_t kind[HAD_MAX]; /* CONFLICT_ with the same node */
	uint32_t site[HAD_MAX], provider[HAD_MAX];
};

struct scored_list {
	unsigned n;
	uint8_t best_state;
	struct scored at[SCAN_MAX];
};

/* What one decision works with that looks at all options. */
struct decision_ctx {
	const struct steer_state *state;
	const struct accounts *accounts;
	const struct steer_query *query;
	const struct map_name *name;
	const struct map_pool *pool;
	const struct candidates *near;
	const struct sent_lines *past; /* where it was sent */
	struct client_estimate estimate;
	uint64_t net;      /* hash that spreads clients over nodes */
	uint32_t area;     /* of the site nearest to the client */
	float softness_ms; /* of the choice between paths */
	unsigned n_second; /* lines: where other servers may have sent one */
	uint16_t second[CONF_LINES_MAX];
	struct scored_list candidates;
};

/* -- the hash -- */

#define GUMBEL_BITS 12
extern float gumbel[1 << GUMBEL_BITS]; /* ln(-ln(u)), written once at start */

/* Any draw is at least this. */
static inline float draw_least(void)
{
	return gumbel[(1 << GUMBEL_BITS) - 1];
}

static inline float draw(uint64_t net, uint64_t seed)
{
	return gumbel[hash_mix_top(net ^ seed) >> (64 - GUMBEL_BITS)];
}

/* -- cost -- */

/* No node was promised more viewers by this thread since the load was published;
 * more than any slack if areas have doubts. */
static inline float reservation_unpublished_most(
	const struct load *load, const struct accounts *accounts)
{
	if (load->n_distrusts)
		return FLT_MAX;
	return accounts && accounts->unpublished_generation == load->generation
		? accounts->unpublished_most
		: 0;
}

/* Viewers this thread has promised to a node since the load was published. */
static inline float unpublished(const struct steer_state *state,
	const struct accounts *accounts, unsigned node)
{
	if (!accounts)
		return 0;
	const struct reservation *p = &accounts->reservation[node];
	return p->unpublished_generation == state->load->generation
		? p->unpublished
		: 0;
}

/* A ramping node counts as fuller than it is, but what it carries already is no
 * reason against it. */
static inline float price_at(const struct load_node *load, float used)
{
	return cost_price_ms(load->room == 1 ? used : used / load->room);
}

static inline float penalty_of(const struct steer_state *state, uint32_t area,
	unsigned node, const struct load_node *load)
{
	if (!state->load->n_distrusts)
		return load->penalty_ms;
	return load->penalty_ms +
		load_distrust_ms(state->load, area, node,
			area == state->map->nodes[node].area);
}

static inline bool is_full(float used)
{
	return used >= COST_FULL * COST_WALL;
}

#define SHARED_VIEWERS 5.0f /* about so many viewers share one answer */

/* The TTL of an answer of line 1 with a node that is up: at most half of the
 * time until it is full. */
static inline uint32_t ttl_for(const struct map_name *name,
	const struct load *load, float growth, float demand, float used)
{
	float ttl = name->ttl_max_s, least = name->ttl_min_s;
	float left = COST_FULL - used;

	if (demand * ttl > SHARED_VIEWERS)
		ttl = SHARED_VIEWERS / demand;
	if (growth > 1e-4f && ttl > 0.5f * left / growth)
		ttl = 0.5f * left / growth;
	if (used >= COST_FULL || load->provisional)
		ttl = least;
	return (uint32_t)(ttl > least ? ttl : least);
}

/* The area of the nearest candidate. */
static inline uint32_t area_of(
	const struct load *load, const struct candidates *near)
{
	unsigned nearest = near->slot[0].node;
	return nearest == MAP_NO_NODE ? 0 : load->brief[nearest].area;
}

/* -- parts -- */

/* decide.c: the decision, and what was known for it. */
void decide_any(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *decision, struct steer_trace *trace,
	struct client_estimate *estimate);

/* fast_path.c: decides a question of which lookup->fast holds. False: it takes the
 * full decision. */
bool fast_path_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	const struct client_estimate *estimate,
	struct steer_decision *decision);

/* account.c: decides and accounts whatever is asked. */
void account_any(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_lookup *lookup,
	int64_t now_ms, struct steer_decision *decision);

/* options.c: the nodes that may be picked, with their scores. */
void candidates_gather(struct decision_ctx *ctx);

/* Utilisation of a node with what this thread promised lately and what this
 * answer will bring. An option's is without them if they change no price. */
float candidates_used(const struct decision_ctx *ctx, unsigned node);

/* Adds the nearest of the best state in the whole pool: none of a state worse
 * than `worst`, none of a site of the nodes had[]. */
void candidates_add_from_pool(struct decision_ctx *ctx, unsigned worst,
	const uint16_t *had, unsigned n_had);

static inline uint32_t scored_conflict(const struct scored *o)
{
	if (o->later && o->conflict < CONFLICT_LATER)
		return CONFLICT_LATER + o->later;
	return o->conflict;
}

/* By state, conflict with other lines and score. */
bool scored_better(const struct scored *a, const struct scored *b);
const struct scored *candidates_best(const struct scored_list *list);
void candidates_rank(struct scored_list *list);
void candidates_put_first(struct scored_list *list, uint16_t node);

/* Adds the node where a line was sent, if it is in the pool: what holds for the rest
 * of a TTL need not be near. */
void candidates_add_sent(struct decision_ctx *ctx, unsigned node);

/* lines.c: marks the options of w's line that other lines have. */
void lines_keep_apart(struct decision_ctx *ctx, const struct had *had);

/* Adds what w's line is sent now, its options being in order, to what the next
 * ones are kept apart from. */
void lines_add(struct decision_ctx *ctx, const struct steer_decision *decision,
	struct had *had);

#endif
