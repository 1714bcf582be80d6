/* decide_internal.h - what the parts of the full decision share: decide.c,
 * candidates.c and lines.c. Private to steer/; steer.h is for all others.
 */
#ifndef STEER_DECIDE_INTERNAL_H
#define STEER_DECIDE_INTERNAL_H

#include "steer/client_estimate.h"
#include "steer/lookup.h"
#include "steer/score.h"

#define SCORED_MAX STEER_TRACE_MAX

/* Why a node is bad for a line, since another line has it: the worst counts, and
 * of the same kind the sum. */
#define CONFLICT_SITE (1u << 24) /* another node of the site of one of these: */
#define CONFLICT_ALSO (2u << 24) /* a further address of an earlier line */
#define CONFLICT_NODE (3u << 24) /* where an earlier line was sent before */
#define CONFLICT_LATER (4u << 24) /* where a later one was sent a moment ago */
#define CONFLICT_NOW (5u << 24)   /* where an earlier line is sent now */
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

struct scored_list {
	unsigned n;
	uint8_t best_state;
	struct scored at[SCORED_MAX];
};

/* What a line is kept apart from: where the lines before it are sent now or were
 * sent, and where later ones were sent if that still holds. */
#define HAD_OF_LINE (STEER_NODES_MAX + 2) /* that one line adds, at most */
#define HAD_MAX (CONF_LINES_MAX * HAD_OF_LINE)
struct had {
	unsigned n;
	uint16_t node[HAD_MAX];
	uint32_t kind[HAD_MAX]; /* CONFLICT_ with the same node */
	uint32_t site[HAD_MAX], provider[HAD_MAX];
};

/* One full decision. Set in decide_full(), but for near to n_second: for each
 * line, in decide_line(). */
struct decision_ctx {
	const struct steer_state *state;
	const struct accounts *accounts; /* NULL: nothing is known */
	struct steer_query query;        /* of the line that is being decided */
	const struct steer_lookup *lookup;
	const struct map_name *name;
	const struct map_pool *pool;
	const struct sent_lines *past;
	struct client_estimate estimate; /* of that line */
	uint32_t area;                   /* the site nearest to the client */
	const struct candidates *near;
	uint64_t net;      /* hash that spreads clients over nodes */
	float softness_ms; /* of the choice between paths */
	struct scored_list candidates;
	unsigned n_second; /* where other name servers may have sent a line */
	uint16_t second[CONF_LINES_MAX];
};

/* -- decide.c -- */

/* Decides among all candidates; d->past and d->area are set. trace may be NULL. */
void decide_full(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct steer_decision *d,
	struct steer_trace *trace);

/* -- candidates.c: the nodes that may be picked, with their scores -- */

void candidates_gather(struct decision_ctx *ctx);

/* Utilisation of a node with what this thread reserved since the load was
 * published and what this answer will bring. A candidate's `used` is without
 * them if they change no price. */
float candidates_used(const struct decision_ctx *ctx, unsigned node);

/* Adds the nearest of the best state in the whole pool: none of a state worse
 * than `worst`, none of a site of the nodes had[]. */
void candidates_add_from_pool(struct decision_ctx *ctx, unsigned worst,
	const uint16_t *had, unsigned n_had);

/* Adds the node where a line was sent, if it is in the pool: what holds for the
 * rest of a TTL need not be near. */
void candidates_add_sent(struct decision_ctx *ctx, unsigned node);

static inline uint32_t scored_conflict(const struct scored *one)
{
	if (one->later && one->conflict < CONFLICT_LATER)
		return CONFLICT_LATER + one->later;
	return one->conflict;
}

/* By state, conflict with other lines and score. */
bool scored_better(const struct scored *a, const struct scored *b);
const struct scored *candidates_best(const struct scored_list *list);
void candidates_rank(struct scored_list *list);
void candidates_put_first(struct scored_list *list, uint16_t node);

/* -- lines.c: lines are different nodes -- */

/* Marks the candidates that other lines have. */
void lines_keep_apart(struct decision_ctx *ctx, const struct had *had);

/* Adds where ctx's line is sent now, its candidates being in order, to what the
 * next ones are kept apart from. */
void lines_add(struct decision_ctx *ctx, const struct steer_decision *decision,
	struct had *had);

#endif
