/* fast_path.h - the decision of most questions: line 1, by cost, one answer, no
 * stream. It reads the candidates, the briefs of a few of them and where the
 * client net was sent, and comes to what the full decision would come to
 * (test_property.c:test_fast_path_decides,
 * test_both_ways_account). Private to steer.c.
 */
#ifndef STEER_FAST_PATH_H
#define STEER_FAST_PATH_H

#include "steer/client_estimate.h"
#include "steer/lookup.h"
#include "steer/score.h"

/* Inlined, since what is in registers need not be passed on: as functions these
 * take 6 % more instructions an answer (callgrind, bench_micro "answer steered";
 * 2 % with "answer ecs"). */
#define FAST_PATH_INLINE inline __attribute__((always_inline))

/* fast_path.c: the best candidate that is up; MAP_NO_NODE: none. */
unsigned fast_path_best(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	struct sent sent, uint32_t now, float viewers);

/* Whether a node is a candidate: which one cannot be foretold, so all are compared.
 * The paths between the nodes do not count. */
static inline bool fast_path_is_candidate(
	const struct candidates *near, unsigned node)
{
	typedef uint32_t slots __attribute__((vector_size(16)));
	typedef uint64_t halves __attribute__((vector_size(16)));
	const struct candidate one = {.node = (uint16_t)node},
			       any = {.node = UINT16_MAX};
	slots same = {0}, some;
	uint32_t wanted, mask;

	_Static_assert(sizeof one == sizeof wanted, "a slot is a word");
	memcpy(&wanted, &one, sizeof wanted);
	memcpy(&mask, &any, sizeof mask);
	for (unsigned i = 0; i < sizeof *near; i += sizeof some) {
		memcpy(&some, (const uint8_t *)near + i, sizeof some);
		same |= (slots)((some & mask) == wanted);
	}
	halves found = (halves)same;
	return found[0] | found[1];
}

static inline void fast_path_fill(
	struct steer_decision *d, unsigned node, uint32_t ttl_s, bool again)
{
	d->n = 1;
	d->node[0] = (uint16_t)node;
	d->ttl_s = ttl_s;
	d->again = again;
	d->state = NODE_UP;
	d->only = false;
}

/* Decides a question of which lookup->fast holds. sent: where line 1 was sent, of
 * this map. False: it takes the full decision; then d is not to be used. */
static FAST_PATH_INLINE bool fast_path_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_lookup *lookup,
	const struct client_estimate *estimate, struct sent sent,
	struct steer_decision *d)
{
	const struct load *load = state->load;

	if (sent_runs(&sent, estimate->now) && load_is_up(load, sent.node)) {
		fast_path_fill(d, sent.node, sent.ttl_s, true);
		return fast_path_is_candidate(lookup->near, sent.node);
	}
	float viewers = estimate_viewers(estimate, lookup->name);
	unsigned node = fast_path_best(
		state, accounts, lookup, sent, estimate->now, viewers);
	if (node == MAP_NO_NODE)
		return false;
	const struct load_brief *brief = &load->brief[node];
	float more = score_unpublished(state, accounts, node) + viewers;
	float used = brief->used + more * COST_SAFETY * brief->per_viewer;
	fast_path_fill(d, node,
		score_ttl_s(lookup->name, load, brief->growth, estimate->demand,
			used),
		false);
	/* Spares are looked for in a pool that has others. */
	return !score_is_full(used) || lookup->pool->n <= MAP_CANDIDATES;
}

#endif
