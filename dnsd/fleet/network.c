/* Whether it is our own network that fails, and what a node's state is then. */
#include "fleet/fleet_internal.h"

#include <assert.h>

#define BLIND_NODES 4 /* our own network is suspect from here ... */
#define BLIND_SITES 3
#define BLIND_MS 60000 /* ... for at most this long */
#define BLIND_ROUNDS 2 /* of polls: timeouts of so long ago still count */

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

enum node_state fleet_state(const struct fleet *f, unsigned i, int64_t now_ms)
{
	assert(i < f->n);
	const struct fleet_node *node = &f->node[i];
	const struct health *h = &node->health;
	if (node->drained)
		return NODE_DRAINED;
	if (fleet_is_blind(f) && h->state != NODE_UP &&
		timed_out_lately(f, node, now_ms) && h->was_up)
		return h->before;
	return h->state;
}
