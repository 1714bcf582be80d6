/* What a node's state is by this server's own polls, by the word of other name servers,
 * and while it seems that our own network fails. */
#include "fleet/fleet_internal.h"

#include <assert.h>

#define BLIND_NODES 4 /* our own network is suspect from here ... */
#define BLIND_SITES 3
#define BLIND_MS 60000 /* ... for at most this long */
#define BLIND_ROUNDS 2 /* of polls: timeouts of so long ago still count */
#define WORD_MS 3000   /* what another finds has come here after so long */

static bool timed_out_lately(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	int64_t rounds = BLIND_ROUNDS *
		((int64_t)f->rules.health.interval_ms +
			f->rules.health.timeout_ms);
	return node->health.timeout_ms && node->health.fails &&
		node->health.failure == SAMPLE_TIMEOUT &&
		now_ms - node->health.timeout_ms <= rounds;
}

/* More than half of all nodes, of several sites, time out at once: then it is
 * more likely us than them. */
static bool looks_blind(const struct fleet *f, int64_t now_ms)
{
	unsigned polled = 0, silent = 0, sites = 0;
	uint32_t site[BLIND_SITES];
	for (unsigned i = 0; i < f->n; i++) {
		const struct fleet_node *node = &f->node[i];
		if (!node->exists || !node->polled)
			continue;
		polled++;
		if (!timed_out_lately(f, node, now_ms))
			continue;
		silent++;
		bool known = false;
		for (unsigned k = 0; k < sites; k++)
			known |= site[k] == f->map->nodes[i].site;
		if (!known && sites < BLIND_SITES)
			site[sites++] = f->map->nodes[i].site;
	}
	return silent * 2 > polled && silent >= BLIND_NODES &&
		sites >= BLIND_SITES;
}

void fleet_watch_network(struct fleet *f, int64_t now_ms)
{
	if (!looks_blind(f, now_ms)) {
		f->blind_since_ms = 0;
		f->blind_over = false;
	} else if (!f->blind_since_ms) {
		f->blind_since_ms = now_ms;
	} else if (now_ms - f->blind_since_ms > BLIND_MS) {
		f->blind_over = true;
	}
}

bool fleet_is_blind(const struct fleet *f)
{
	return f->blind_since_ms && !f->blind_over;
}

bool fleet_looks_blind(const struct fleet *f)
{
	return f->blind_since_ms != 0;
}

/* -- other name servers -- */

void fleet_heard(struct fleet *f, unsigned i, const struct fleet_others *others,
	int64_t now_ms)
{
	assert(i < f->n && others->up + others->down <= others->any);
	assert(others->good_ms <= now_ms);
	f->node[i].others = *others;
}

/* Whether so many that find a node down are more than half of all, us included. */
static bool is_majority(unsigned down, const struct fleet_others *others)
{
	return 2 * down > others->any + 1u;
}

/* One other alone does not outvote us. */
static bool is_outvoted(const struct fleet_node *node)
{
	return node->others.down >= 2 &&
		is_majority(node->others.down, &node->others);
}

/* Whether those that found it up may not have polled it, and said so, since. */
static bool is_awaited(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	int64_t interval_ms = f->rules.health.interval_ms;
	return now_ms - node->failing_ms <= interval_ms + interval_ms / 10 +
		(int64_t)f->rules.health.timeout_ms + WORD_MS;
}

bool fleet_was_reached(const struct fleet_node *node)
{
	return node->others.up && node->failing_ms &&
		node->others.good_ms > node->failing_ms;
}

bool fleet_is_reached(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	return node->others.up && node->failing_ms &&
		(fleet_was_reached(node) || is_awaited(f, node, now_ms)) &&
		!is_majority(node->others.down + 1u, &node->others);
}

/* -- all of it -- */

/* A node that was up is taken for that while our own network is suspect, unless others,
 * which see more, find it down. */
static bool is_assumed(
	const struct fleet *f, const struct fleet_node *node, int64_t now_ms)
{
	return fleet_is_blind(f) && node->health.state != NODE_UP &&
		timed_out_lately(f, node, now_ms) && node->health.was_up &&
		node->others.down <= node->others.up;
}

enum node_state fleet_state(const struct fleet *f, unsigned i, int64_t now_ms)
{
	assert(i < f->n);
	const struct fleet_node *node = &f->node[i];
	if (node->drained)
		return NODE_DRAINED;
	if (is_outvoted(node))
		return NODE_DOWN;
	return is_assumed(f, node, now_ms) ? node->health.before
					   : node->health.state;
}

const char *fleet_why(const struct fleet *f, unsigned i, int64_t now_ms)
{
	assert(i < f->n);
	const struct fleet_node *node = &f->node[i];
	const char *avoided = fleet_avoided(f, i, now_ms);
	if (node->drained)
		return "drained by the operator";
	if (is_outvoted(node) && node->health.state != NODE_DOWN)
		return "most name servers find it down";
	return *avoided ? avoided : node->health.why;
}
