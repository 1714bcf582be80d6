/* The nodes that may be picked for a question, each with its cost and score:
 * what the usual question need not look at. */
#include "steer/decide_internal.h"

#include <math.h>
#include <string.h>

#define STABLE_TEMPERATURE_MS 0.05f
#define STABLE_STAY_MS 2000.0f    /* more than any grade of stability */
#define STABLE_FULL_MS 10000.0f   /* a full one is the last of all */
#define STABLE_MEMORY_MS 43200000 /* a publisher stays */
#define GATHER_LOAD_MS 20.0f /* but the load of nodes is felt at least so */
#define GATHER_NODES 8       /* of a large pool */
#define CARRIED 0.5f         /* ln: a node that was told this stream */
#define HAS_STREAM 8.0f      /* ln: one that has it, while it has room */
#define FROM_POOL 16         /* nodes taken from far when the near ones fail */

/* -- the hash -- */

float gumbel[1 << GUMBEL_BITS];

__attribute__((constructor)) static void gumbel_fill(void)
{
	for (unsigned i = 0; i < 1 << GUMBEL_BITS; i++)
		gumbel[i] = (float)log(
			-log((i + 0.5) / (double)(1 << GUMBEL_BITS)));
}

/* -- cost -- */

/* A node that has the stream is taken while it has room; one that viewers of it
 * were sent to will have it. */
static float carried(const struct work *w, unsigned node, float used)
{
	const struct stream_set *streams = w->state->load->streams;
	if (!w->query->stream)
		return 0;
	if (streams && used < COST_FULL * COST_KNEE &&
		stream_set_has(streams, w->query->stream, node))
		return HAS_STREAM;
	if (!w->accounts)
		return 0;
	float viewers = accounts_placed(w->accounts,
		accounts_stream(w->query->stream), node, w->known.now);
	return viewers > 0 ? CARRIED : 0;
}

static inline float used_with(
	const struct work *w, unsigned node, const struct load_node *load)
{
	float extra = (recent(w->state, w->accounts, node) + w->known.viewers) *
		COST_SAFETY;
	return load->used + extra * load->per_viewer;
}

float options_used(const struct work *w, unsigned node)
{
	return used_with(w, node, &w->state->load->node[node]);
}

/* What speaks for the node that this client net was told last: caches and viewers
 * stay where they are while another one is only a little better. A crowd is
 * spread anew each time. */
static inline float staying(
	const struct work *w, unsigned node, float softness_ms)
{
	const struct told *t = &w->past->told[0];
	return t->node == node && w->query->line == 1 && !w->known.heavy &&
			told_counts(t, w->known.now)
		? w->name->stay_ms / softness_ms
		: 0;
}

/* A publisher stays on its relay while that is alive, not drained and not at the
 * back. */
static bool publishes(const struct work *w, unsigned node)
{
	const struct told *t = &w->past->told[0];
	return t->node == node && w->query->line == 1 &&
		w->known.now - t->made_ms < STABLE_MEMORY_MS;
}

static float score(const struct work *w, const struct option *o)
{
	const struct map_node *node = &w->state->map->nodes[o->node];
	const struct load_node *load = &w->state->load->node[o->node];
	float cost = o->path + o->price + o->penalty;

	switch (w->name->policy) {
	case POLICY_GEO:
		/* The nearest healthy one; the hash only splits ties. */
		return o->path + 1e-4f * draw(w->net, node->seed);
	case POLICY_STABLE:
		cost -= publishes(w, o->node) ? STABLE_STAY_MS : 0;
		return cost / STABLE_TEMPERATURE_MS + draw(w->net, node->seed);
	case POLICY_FAILOVER: /* see add() */
	case POLICY_NEARBY:
		break;
	}
	float path = o->path / w->softness_ms,
	      have = carried(w, o->node, o->used);
	/* Viewers of a stream meet: their path weighs little, load as ever. */
	float load_ms = w->softness_ms < GATHER_LOAD_MS ? w->softness_ms
							: GATHER_LOAD_MS;
	float busy = o->price + o->penalty;
	if (busy != 0) /* seldom; a division is dear */
		busy /= load_ms;
	return draw(w->net, node->seed) + path + busy - load->ln_weight - have -
		staying(w, o->node, w->softness_ms);
}

/* The next free option, NULL if the list is full. */
static inline struct option *next(struct options *list,
	const struct map_node *node, unsigned index, unsigned state,
	float path_ms)
{
	if (list->n == SCAN_MAX)
		return NULL;
	struct option *o = &list->option[list->n++];
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

static void add(struct work *w, unsigned index, float path_ms)
{
	const struct load_node *load = &w->state->load->node[index];
	const struct map_node *node = &w->state->map->nodes[index];
	struct options *list = &w->options;

	if (!node->name)
		return;
	struct option *o = next(list, node, index, load->state, path_ms);
	if (!o)
		return;
	o->used = used_with(w, index, load);
	o->penalty = penalty_of(w->state, w->area, index, load);
	o->price = price_at(load, o->used);
	if (w->name->policy == POLICY_STABLE) {
		o->price = o->used > COST_FULL ? o->price + STABLE_FULL_MS : 0;
		o->penalty += load->unstable_ms;
	}
	o->score = w->name->policy == POLICY_FAILOVER ? (float)(list->n)
						      : score(w, o);
	o->alone = o->score;
}

/* -- which nodes -- */

/* By cost and without a stream, the brief of a node that is up tells its score
 * while its price is 0 whatever was promised. */
static inline void add_brief(struct work *w, unsigned index,
	const struct load_brief *brief, float path_ms)
{
	const struct load_node *load = &w->state->load->node[index];
	struct option *o = next(&w->options, &w->state->map->nodes[index],
		index, NODE_UP, path_ms);
	if (!o)
		return;
	o->used = load->used;
	o->penalty = load->penalty_ms;
	o->price = 0;
	o->score = draw(w->net, brief->seed) + path_ms / COST_TEMPERATURE_MS +
		brief->base - staying(w, index, COST_TEMPERATURE_MS);
	o->alone = o->score;
}

static void add_candidates(struct work *w)
{
	const struct load *load = w->state->load;
	const struct candidate *slot = w->near->slot;
	bool by_cost = w->name->policy == POLICY_NEARBY && !w->query->stream;
	float more = most_recent(load, w->accounts) + w->known.viewers;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		float path_ms = candidate_path_ms(slot[i]);
		if (node == MAP_NO_NODE)
			break;
		const struct load_brief *brief = &load->brief[node];
		if (by_cost && brief->base < FLT_MAX && more <= brief->slack)
			add_brief(w, node, brief, path_ms);
		else
			add(w, node, path_ms);
	}
}

static bool listed(const struct options *list, unsigned node)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->option[i].node == node)
			return true;
	return false;
}

static float path_to(const struct work *w, unsigned node)
{
	const struct place *place = geo_place(w->state->geo, w->query->place);
	return map_path_ms(w->state->map, w->pool, place, node);
}

/* The near nodes are all full: those with most room anywhere. */
static void add_spares(struct work *w)
{
	const uint16_t *spare = w->state->load->spare[w->name->pool];
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		if (spare[i] == MAP_NO_NODE)
			break;
		if (!listed(&w->options, spare[i]))
			add(w, spare[i], path_to(w, spare[i]));
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
void options_add_from_pool(
	struct work *w, unsigned worst, const uint16_t *had, unsigned n_had)
{
	const struct steer_state *s = w->state;
	struct far near[FROM_POOL];
	unsigned n = 0;

	for (unsigned i = 0; i < w->pool->n; i++) {
		unsigned node = w->pool->node[i];
		struct far one = {.node = (uint16_t)node,
			.state = s->load->node[node].state};
		if (one.state > worst || site_among(s->map, node, had, n_had) ||
			listed(&w->options, node))
			continue;
		one.path = path_to(w, node);
		if (n == FROM_POOL && !better_far(s->map, &one, &near[n - 1]))
			continue;
		unsigned at = n < FROM_POOL ? n++ : n - 1;
		for (; at > 0 && better_far(s->map, &one, &near[at - 1]); at--)
			near[at] = near[at - 1];
		near[at] = one;
	}
	for (unsigned i = 0; i < n; i++)
		add(w, near[i].node, near[i].path);
}

/* Viewers of a stream from everywhere look at the same nodes: at the whole pool
 * or, if it is large, at some that the hash of the stream names. */
static void add_gathering(struct work *w)
{
	if (w->pool->n > SCAN_MAX) {
		for (unsigned i = 0; i < GATHER_NODES; i++) {
			uint64_t h = hash_mix(w->query->stream + i);
			unsigned node = w->pool->node[h % w->pool->n];
			if (!listed(&w->options, node))
				add(w, node, path_to(w, node));
		}
		return;
	}
	for (unsigned i = 0; i < w->pool->n; i++) {
		unsigned node = w->pool->node[i];
		if (!listed(&w->options, node))
			add(w, node, path_to(w, node));
	}
}

static bool all_full(const struct options *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->option[i].state == list->best_state &&
			!is_full(list->option[i].used))
			return false;
	return true;
}

/* Failover: the order of the pool is the order of preference. Those that are
 * up come first, so that a long pool with dead heads still fits. */
static void add_in_order(struct work *w)
{
	for (int up = 1; up >= 0; up--)
		for (unsigned i = 0; i < w->pool->n; i++) {
			unsigned node = w->pool->node[i];
			bool is_up =
				w->state->load->node[node].state == NODE_UP;
			if (is_up == up)
				add(w, node, path_to(w, node));
		}
}

void options_add_told(struct work *w, unsigned node)
{
	if (listed(&w->options, node))
		return;
	for (unsigned i = 0; i < w->pool->n; i++)
		if (w->pool->node[i] == node) {
			add(w, node, path_to(w, node));
			return;
		}
}

void options_gather(struct work *w)
{
	w->options.n = 0;
	w->options.best_state = NODE_DRAINED + 1;
	if (w->name->policy == POLICY_FAILOVER) {
		add_in_order(w);
		return;
	}
	add_candidates(w);
	if (w->query->stream)
		add_gathering(w);
	if (w->pool->n <= MAP_CANDIDATES)
		return;
	if (w->options.best_state > NODE_UP)
		options_add_from_pool(w, w->options.best_state - 1u, NULL, 0);
	else if (all_full(&w->options))
		add_spares(w);
}

/* -- the best -- */

/* The better of two options, by state, conflict and score. */
bool option_better(const struct option *a, const struct option *b)
{
	if (a->state != b->state)
		return a->state < b->state;
	if (option_conflict(a) != option_conflict(b))
		return option_conflict(a) < option_conflict(b);
	return a->score < b->score;
}

const struct option *options_best(const struct options *list)
{
	const struct option *best = &list->option[0];
	for (unsigned i = 1; i < list->n; i++)
		if (option_better(&list->option[i], best))
			best = &list->option[i];
	return best;
}

void options_rank(struct options *list)
{
	for (unsigned i = 1; i < list->n; i++) {
		struct option one = list->option[i];
		unsigned at = i;
		for (; at > 0 && option_better(&one, &list->option[at - 1]);
			at--)
			list->option[at] = list->option[at - 1];
		list->option[at] = one;
	}
}

/* The others keep their order. */
void options_put_first(struct options *list, uint16_t node)
{
	for (unsigned i = 1; i < list->n; i++)
		if (list->option[i].node == node) {
			struct option one = list->option[i];
			memmove(&list->option[1], &list->option[0],
				i * sizeof one);
			list->option[0] = one;
			return;
		}
}
