#include "steer/decide.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "steer/cost.h"
#include "steer/crowd.h"
#include "steer/demand.h"

#define TEMPERATURE_MS 0.5f   /* softness of the choice between equal costs */
#define SAFETY 1.25f          /* on what is promised but not yet seen */
#define SHARED_VIEWERS 5.0f   /* about so many viewers share one answer */
#define HEAVY_VIEWERS 20.0f   /* more than these: decide each question anew */
#define HEAVY_ANSWERS 3       /* and tell so many nodes ... */
#define HEAVY_SPREAD_MS 25.0f /* ... that cost at most so much more */
#define CROWD_VIEWERS 2.0f    /* in the life of an answer: samples can tell */
#define RETURNING 0.5f        /* of a dead node's viewers come back at once */
#define BEFORE_MOVED 8        /* quarters of a minute: still cached */
#define OLDER_MOVED 120     /* viewers who were told so long ago still watch */
#define OLDER_MS 25.0f      /* a line on a node they may be on */
#define PROVIDER_MS 15.0f   /* a line in the provider of an earlier line */
#define SECOND_MS 25.0f     /* a line where another server may have sent one */
#define THERE_MS 150.0f     /* a line on a node that has all of the area */
#define THERE_SITE_MS 60.0f /* ... or on its site */
#define SURE 0.25f          /* of that, where line 1 is known */
#define STABLE_TEMPERATURE_MS 0.05f
#define GATHER_MS 300.0f       /* softness for a stream that nobody watches */
#define GATHER_VIEWERS 4000.0f /* ms: shared by the viewers of the stream */
#define GATHER_LOAD_MS 20.0f   /* but the load of nodes is felt at least so */
#define GATHER_NODES 8         /* of a large pool */
#define CARRIED 0.5f           /* ln: a node that was told this stream */

#define ROUNDING 0.01f     /* of sums of floats, at most */
#define CONFLICT_NODE 1000 /* the node of an earlier line */
#define CONFLICT_SITE 100  /* another node of its site */
#define SCAN_MAX STEER_TRACE_MAX
#define FROM_POOL 16 /* nodes taken from far when the near ones fail */

/* One node that may be picked. */
struct option {
	uint16_t node;
	uint8_t state;
	uint16_t conflict; /* with earlier lines: see conflict_with */
	float path, price, penalty, used;
	float score, alone; /* alone: without regard to earlier lines */
	float there; /* lines: extra cost, since viewers of this area are there */
};

struct options {
	unsigned n;
	uint8_t best_state;
	struct option option[SCAN_MAX];
};

/* -- the hash -- */

#define GUMBEL_BITS 12
static float gumbel[1 << GUMBEL_BITS]; /* ln(-ln(u)), written once at start */

__attribute__((constructor)) static void gumbel_fill(void)
{
	for (unsigned i = 0; i < 1 << GUMBEL_BITS; i++)
		gumbel[i] = (float)log(
			-log((i + 0.5) / (double)(1 << GUMBEL_BITS)));
}

/* Any draw is at least this. */
static inline float draw_least(void)
{
	return gumbel[(1 << GUMBEL_BITS) - 1];
}

static inline float draw(uint64_t net, const struct map_node *node)
{
	return gumbel[hash_mix(net ^ node->seed) >> (64 - GUMBEL_BITS)];
}

static inline uint64_t net_hash(const struct steer_query *q)
{
	uint64_t a, b;
	memcpy(&a, q->net.bytes, 8);
	memcpy(&b, q->net.bytes + 8, 8);
	return hash_mix(a + q->net_len) ^ hash_mix(b + q->net.family);
}

uint64_t steer_net_hash(const struct steer_query *q)
{
	return net_hash(q);
}

static inline uint32_t area_of(
	const struct map *map, const struct candidates *c)
{
	unsigned nearest = c->slot[0].node;
	return nearest == MAP_NO_NODE ? 0 : map->nodes[nearest].area;
}

uint32_t steer_area(
	const struct steer_state *state, const struct steer_query *query)
{
	const struct map_name *name = &state->map->names[query->name];
	const struct map_pool *pool = &state->map->pools[name->pool];
	return area_of(state->map,
		map_candidates(
			state->map, pool, query->place, net_hash(query)));
}

static inline uint64_t key_of(
	const struct map *map, const struct steer_query *q, uint64_t net)
{
	return hash_mix(net ^ map->names[q->name].seed ^ q->stream);
}

uint64_t steer_key(const struct map *map, const struct steer_query *q)
{
	return key_of(map, q, net_hash(q));
}

static inline void find(const struct steer_state *state,
	const struct steer_query *query, struct steer_found *found)
{
	found->name = &state->map->names[query->name];
	found->pool = &state->map->pools[found->name->pool];
	found->net = net_hash(query);
	found->key = key_of(state->map, query, found->net);
	found->near = map_candidates(
		state->map, found->pool, query->place, found->net);
}

void steer_prefetch(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	struct steer_found *found)
{
	find(state, query, found);
	__builtin_prefetch(found->near);
	memory_prefetch(accounts->memory, found->key, query->line);
	accounts_prefetch(accounts, demand_key(found->key, query->line));
}

/* -- cost -- */

/* What one decision works with. */
struct work {
	const struct steer_state *state;
	const struct accounts *accounts;
	const struct steer_query *query;
	const struct map_name *name;
	const struct map_pool *pool;
	const struct client *client; /* NULL: nothing known */
	struct remembered *past;     /* what it was told */
	uint64_t net;                /* hash that spreads clients over nodes */
	uint32_t area;               /* of the site nearest to the client */
	uint32_t now;                /* ms, 32 bits */
	float demand;      /* viewers per second behind this client net */
	bool crowd;        /* samples can tell its demand */
	bool heavy;        /* a crowd behind one resolver */
	unsigned answers;  /* nodes to tell */
	float at_once;     /* viewers that wait for this answer */
	float viewers;     /* that it will bring to each of its nodes */
	float softness_ms; /* of the choice between paths */
	unsigned n_second; /* lines: what other servers may have told */
	uint16_t second[CONF_LINES_MAX];
	struct options options;
};

/* The crowd of one answer is spread over some nodes. */
static unsigned answers_of(const struct work *w)
{
	if (w->query->line == 1 && w->heavy && w->name->answers < HEAVY_ANSWERS)
		return HEAVY_ANSWERS;
	return w->name->answers;
}

/* Viewers this thread has promised to a node since the load was published. */
static inline float recent(const struct work *w, unsigned node)
{
	if (!w->accounts)
		return 0;
	const struct promise *p = &w->accounts->promise[node];
	return p->recent_generation == w->state->load->generation ? p->recent
								  : 0;
}

/* A node that viewers of this stream were sent to has it already. */
static float carried(const struct work *w, unsigned node)
{
	if (!w->query->stream || !w->accounts)
		return 0;
	float viewers = accounts_placed(
		w->accounts, accounts_stream(w->query->stream), node, w->now);
	return viewers > 0 ? CARRIED : 0;
}

/* Utilisation with what this thread promised lately and what this answer will
 * bring. */
static inline float used_with(
	const struct work *w, unsigned node, const struct load_node *load)
{
	float extra = (recent(w, node) + w->viewers) * SAFETY;
	return load->used + extra * load->per_viewer;
}

/* A ramping node counts as fuller than it is, but what it carries already is no
 * reason against it. */
static inline float price_at(const struct load_node *load, float used)
{
	return cost_price_ms(load->room == 1 ? used : used / load->room);
}

static inline float penalty_of(
	const struct work *w, unsigned node, const struct load_node *load)
{
	if (!w->state->load->n_doubts)
		return load->penalty_ms;
	return load->penalty_ms +
		load_doubt_ms(w->state->load, w->area, node,
			w->area == w->state->map->nodes[node].area);
}

/* What speaks for the node that this client net was told last: caches and viewers
 * stay where they are while another one is only a little better. A crowd is
 * spread anew each time. */
static inline float staying(
	const struct work *w, unsigned node, float softness_ms)
{
	const struct told *t = &w->past->told[0];
	return t->node == node && w->query->line == 1 && !w->heavy &&
			told_counts(t, w->now)
		? w->name->stay_ms / softness_ms
		: 0;
}

static float score(const struct work *w, const struct option *o)
{
	const struct map_node *node = &w->state->map->nodes[o->node];
	const struct load_node *load = &w->state->load->node[o->node];
	float cost = o->path + o->price + o->penalty;

	switch (w->name->policy) {
	case POLICY_GEO:
		/* The nearest healthy one; the hash only splits ties. */
		return o->path + 1e-4f * draw(w->net, node);
	case POLICY_STABLE:
		return cost / STABLE_TEMPERATURE_MS + draw(w->net, node);
	case POLICY_FAILOVER: /* see add() */
	case POLICY_NEARBY:
		break;
	}
	float path = o->path / w->softness_ms, have = carried(w, o->node);
	/* Viewers of a stream meet: their path weighs little, load as ever. */
	float load_ms = w->softness_ms < GATHER_LOAD_MS ? w->softness_ms
							: GATHER_LOAD_MS;
	float busy = o->price + o->penalty;
	if (busy != 0) /* seldom; a division is dear */
		busy /= load_ms;
	return draw(w->net, node) + path + busy - load->ln_weight - have -
		staying(w, o->node, w->softness_ms);
}

static void add(struct work *w, unsigned node, float path_ms)
{
	const struct load_node *load = &w->state->load->node[node];
	struct options *list = &w->options;

	if (list->n == SCAN_MAX || !w->state->map->nodes[node].name)
		return;
	struct option *o = &list->option[list->n++];
	o->node = (uint16_t)node;
	o->state = load->state;
	o->conflict = 0;
	o->there = 0;
	o->used = used_with(w, node, load);
	o->path = path_ms;
	o->penalty = penalty_of(w, node, load);
	o->price = price_at(load, o->used);
	if (w->name->policy == POLICY_STABLE)
		o->price = o->used > COST_FULL ? o->price : 0;
	o->score = w->name->policy == POLICY_FAILOVER ? (float)(list->n)
						      : score(w, o);
	o->alone = o->score;
	if (o->state < list->best_state)
		list->best_state = o->state;
}

/* -- which nodes -- */

static void add_candidates(struct work *w)
{
	const struct candidates *c =
		map_candidates(w->state->map, w->pool, w->query->place, w->net);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		if (c->slot[i].node == MAP_NO_NODE)
			break;
		add(w, c->slot[i].node, candidate_path_ms(c->slot[i]));
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

/* The near nodes are dead, or all of the sites that earlier lines had: the
 * nearest of the best state in the whole pool, in one pass; none of a state
 * worse than `worst`, none of a site of the nodes had[]. */
static void add_from_pool(
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

static inline bool is_full(float used)
{
	return used >= COST_FULL * COST_WALL;
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

static void gather(struct work *w)
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
		add_from_pool(w, w->options.best_state - 1u, NULL, 0);
	else if (all_full(&w->options))
		add_spares(w);
}

/* -- lines -- */

/* How bad it is to be sent here for somebody who had these nodes before: the
 * same node is worse than the same site, a later line worse than an earlier
 * (players go 1, 2, 3, 1). */
static unsigned conflict_with(
	const struct map *map, unsigned node, const uint16_t *had, unsigned n)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++) {
		if (had[i] == node)
			sum += CONFLICT_NODE + 10 * i;
		else if (map_same_site(map, had[i], node))
			sum += CONFLICT_SITE + i;
	}
	return sum;
}

/* The better of two options, by state, conflict and score. */
static bool better(const struct option *a, const struct option *b)
{
	if (a->state != b->state)
		return a->state < b->state;
	if (a->conflict != b->conflict)
		return a->conflict < b->conflict;
	return a->score < b->score;
}

static const struct option *best_of(const struct work *w)
{
	const struct option *best = &w->options.option[0];
	for (unsigned i = 1; i < w->options.n; i++)
		if (better(&w->options.option[i], best))
			best = &w->options.option[i];
	return best;
}

/* Extra cost of what may have been told elsewhere for an earlier line. */
static float second_cost(const struct work *w, unsigned node)
{
	for (unsigned i = 0; i < w->n_second; i++)
		if (w->second[i] == node)
			return SECOND_MS;
	return 0;
}

/* Extra cost of a node that viewers of this net may be on since longer: some of
 * them press the button too. */
static float older_cost(const struct work *w, unsigned node)
{
	const struct remembered *past = w->past;
	if (!told_counts(&past->told[0], w->now) ||
		told_moved(&past->told[0], w->now) > OLDER_MOVED)
		return 0;
	return node == past->told[0].before || node == past->older[0] ||
			node == past->older[1]
		? OLDER_MS
		: 0;
}

/* Whether this net's viewers may be where others of the area are: who is the only
 * name server, and told it one node of late, knows where they are. */
static float unsure_of_line_1(const struct work *w)
{
	const struct told *t = &w->past->told[0];
	bool sure = w->state->map->servers == 1 && told_counts(t, w->now) &&
		(t->before == MAP_NO_NODE ||
			told_moved(t, w->now) > OLDER_MOVED);
	return sure ? SURE : 1;
}

/* Where viewers of this area are, as far as this thread placed them: another
 * name server or an older answer may have sent this one there. */
static void avoid_places(struct work *w)
{
	struct {
		float viewers;
		uint32_t site;
	} there[SCAN_MAX];
	float at[SCAN_MAX], all = 1;
	unsigned n = 0; /* options where any are */
	if (!w->accounts)
		return;
	float unsure = unsure_of_line_1(w);
	for (unsigned i = 0; i < w->options.n; i++) {
		unsigned node = w->options.option[i].node;
		at[i] = accounts_placed(w->accounts, w->area, node, w->now);
		all += at[i];
		if (at[i] == 0)
			continue;
		there[n].viewers = at[i];
		there[n++].site = w->state->map->nodes[node].site;
	}
	for (unsigned i = 0; n && i < w->options.n; i++) {
		struct option *o = &w->options.option[i];
		uint32_t own = w->state->map->nodes[o->node].site;
		float site = 0;
		for (unsigned k = 0; k < n; k++)
			site += there[k].viewers *
				(float)(there[k].site == own);
		o->there = unsure * (THERE_MS * at[i] + THERE_SITE_MS * site) /
			all;
	}
}

/* Marks what conflicts with the nodes that earlier lines had; providers and
 * older nodes cost extra but do not exclude. */
static void mark_conflicts(struct work *w, const uint16_t *had, unsigned n)
{
	const struct map *map = w->state->map;
	for (unsigned i = 0; i < w->options.n; i++) {
		struct option *o = &w->options.option[i];
		o->conflict = (uint16_t)conflict_with(map, o->node, had, n);
		o->score = o->alone;
		for (unsigned k = 0; k < n; k++)
			if (map_same_provider(map, had[k], o->node))
				o->score += PROVIDER_MS / w->softness_ms;
		if (n)
			o->score += (older_cost(w, o->node) + o->there +
					    second_cost(w, o->node)) /
				w->softness_ms;
	}
}

/* Another server may have told what is second here. */
static void add_second(struct work *w, unsigned first)
{
	const struct option *best = NULL;
	for (unsigned i = 0; i < w->options.n; i++)
		if (w->options.option[i].node != first &&
			(!best || better(&w->options.option[i], best)))
			best = &w->options.option[i];
	if (best)
		w->second[w->n_second++] = best->node;
}

static bool other_site_is_up(const struct work *w)
{
	for (unsigned i = 0; i < w->options.n; i++)
		if (w->options.option[i].state == NODE_UP &&
			w->options.option[i].conflict < CONFLICT_SITE)
			return true;
	return false;
}

/* Marks conflicts, and looks beyond the candidates if they leave no other site,
 * or no other node. */
static void look_around(struct work *w, const uint16_t *had, unsigned n)
{
	mark_conflicts(w, had, n);
	if (!n || w->pool->n <= MAP_CANDIDATES || other_site_is_up(w))
		return;
	add_from_pool(w, w->options.best_state, had, n);
	mark_conflicts(w, had, n);
	if (best_of(w)->conflict < CONFLICT_NODE)
		return;
	add_from_pool(w, w->options.best_state, NULL, 0);
	mark_conflicts(w, had, n);
}

/* Fills had[] with the nodes of the lines before the asked one: what this
 * client was told, else what it would be told now. */
static unsigned earlier_lines(struct work *w, uint16_t *had)
{
	unsigned n = 0;
	for (unsigned line = 1; line < w->query->line; line++) {
		const struct told *t =
			line <= MEMORY_LINES ? &w->past->told[line - 1] : NULL;
		uint16_t before = MAP_NO_NODE;
		uint16_t node = MAP_NO_NODE;
		if (t && told_counts(t, w->now)) {
			node = t->node;
			before = t->before;
		}
		if (node == MAP_NO_NODE) {
			look_around(w, had, n);
			node = best_of(w)->node;
			add_second(w, node);
		}
		/* An answer that named the node before may still be cached. */
		if (before != MAP_NO_NODE && before != node &&
			told_moved(t, w->now) < BEFORE_MOVED &&
			n < 2 * CONF_LINES_MAX - 2)
			had[n++] = before;
		had[n++] = node;
	}
	return n;
}

/* What makes a line another than those before. */
static void keep_apart(struct work *w)
{
	uint16_t had[2 * CONF_LINES_MAX] = {0};
	avoid_places(w);
	unsigned n = earlier_lines(w, had);
	if (n)
		look_around(w, had, n);
}

/* -- the decision -- */

static uint32_t ttl_for(const struct work *w, unsigned node, float used)
{
	const struct load_node *load = &w->state->load->node[node];
	float ttl = w->name->ttl_max_s, least = w->name->ttl_min_s;
	float rate = w->demand;

	if (w->name->policy == POLICY_STABLE)
		return (uint32_t)ttl;
	if (rate * ttl > SHARED_VIEWERS)
		ttl = SHARED_VIEWERS / rate;
	float left = COST_FULL - used;
	if (load->growth > 1e-4f && ttl > 0.5f * left / load->growth)
		ttl = 0.5f * left / load->growth;
	/* Who switches is on the move: what it is told should not be old. */
	if (w->query->line > 1)
		ttl = least;
	if (load->state != NODE_UP || used >= COST_FULL ||
		w->state->load->provisional)
		ttl = least;
	return (uint32_t)(ttl > least ? ttl : least);
}

static void rank(struct options *list)
{
	for (unsigned i = 1; i < list->n; i++) {
		struct option one = list->option[i];
		unsigned at = i;
		for (; at > 0 && better(&one, &list->option[at - 1]); at--)
			list->option[at] = list->option[at - 1];
		list->option[at] = one;
	}
}

static void trace_fill(const struct work *w, struct steer_trace *trace)
{
	trace->n = w->options.n;
	trace->viewers_per_s = w->demand;
	for (unsigned i = 0; i < w->options.n; i++) {
		const struct option *o = &w->options.option[i];
		trace->candidate[i] = (struct steer_candidate){
			.node = o->node,
			.state = o->state,
			.earlier = o->conflict > 0,
			.path_ms = o->path,
			.penalty_ms = o->penalty,
			.price_ms = o->price,
			.cost_ms = o->path + o->price + o->penalty,
			.used = w->state->load->node[o->node].used,
			.reserved = w->state->load->node[o->node].reserved +
				recent(w, o->node),
			.score = o->score,
		};
	}
}

/* The earlier decision of this line, if its TTL runs and its node is still as
 * good as the best by state, and no more in conflict with earlier lines (line
 * 1 may have come to where line 2 was); NULL otherwise. The best option is first. */
static const struct told *still_valid(const struct work *w)
{
	if (w->query->line > MEMORY_LINES)
		return NULL;
	const struct told *t = &w->past->told[w->query->line - 1];
	if (!told_runs(t, w->now))
		return NULL;
	/* Each of its caches may be sent elsewhere. */
	if ((t->types & w->query->type) && w->heavy)
		return NULL;
	const struct option *best = &w->options.option[0];
	for (unsigned i = 0; i < w->options.n; i++) {
		const struct option *o = &w->options.option[i];
		if (o->node == t->node && o->state == best->state &&
			o->conflict <= best->conflict)
			return t;
	}
	return NULL;
}

static bool costs_little_more(const struct work *w, const struct option *o)
{
	const struct option *first = &w->options.option[0];
	return o->path + o->price + o->penalty <=
		first->path + first->price + first->penalty + HEAVY_SPREAD_MS;
}

/* The others keep their order. */
static void put_first(struct options *list, uint16_t node)
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

static void fill_demand(const struct work *w, struct steer_decision *d)
{
	d->rate = w->demand;
	d->at_once = w->at_once;
	d->held_s = (uint16_t)demand_held_s(w->client, (float)d->ttl_s);
	d->crowd = w->crowd;
}

/* From the ranked options; told: what is kept for the rest of its TTL. */
static void fill_decision(
	const struct work *w, const struct told *told, struct steer_decision *d)
{
	const struct option *first = &w->options.option[0];
	d->again = told != NULL;
	d->state = first->state;
	d->only = first->conflict >= CONFLICT_NODE;
	d->ttl_s = told ? told->ttl_s : ttl_for(w, first->node, first->used);
	d->n = 0;
	for (unsigned i = 0; i < w->options.n && d->n < w->answers; i++)
		if (w->options.option[i].state == first->state &&
			(d->n < w->name->answers ||
				costs_little_more(w, &w->options.option[i])))
			d->node[d->n++] = w->options.option[i].node;
	fill_demand(w, d);
}

/* -- the usual question: line 1, by cost, one answer, nobody looks at scores -- */

/* Whether what was told is still valid, if a candidate. */
static bool told_candidate(const struct work *w, const struct candidate *slot)
{
	const struct told *t = &w->past->told[0];
	if (!told_runs(t, w->now))
		return false;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (slot[i].node == t->node)
			return w->state->load->node[t->node].state == NODE_UP;
	return false;
}

/* The best candidate that is up, found without looking at most of them: price
 * and penalty only add, so none is better whose path alone is too long with
 * the best draw that there is. Where paths ascend, so are all behind it. */
static const struct candidate *best_candidate(const struct work *w,
	const struct candidate *slot, bool ascending, float *used)
{
	const struct candidate *best = NULL;
	float reach = FLT_MAX;
	float most_staying = w->name->stay_ms / TEMPERATURE_MS;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		float path = candidate_path_ms(slot[i]) / TEMPERATURE_MS;
		if (ascending &&
			draw_least() + path - w->pool->ln_weight_max -
					most_staying >
				reach)
			break;
		const struct load_node *load = &w->state->load->node[node];
		if (load->state != NODE_UP)
			continue;
		float drawn = draw(w->net, &w->state->map->nodes[node]) + path;
		float stays = staying(w, node, TEMPERATURE_MS);
		if (drawn - load->ln_weight - stays > reach + ROUNDING)
			continue;
		float with = used_with(w, node, load);
		float busy =
			(price_at(load, with) + penalty_of(w, node, load)) /
			TEMPERATURE_MS;
		float one = drawn + busy - load->ln_weight - stays;
		if (one < reach) {
			reach = one;
			*used = with;
			best = &slot[i];
		}
	}
	return best;
}

/* False: it takes more to know what to tell. */
static bool decide_usual(const struct work *w, const struct candidates *c,
	struct steer_decision *d)
{
	const struct told *told = &w->past->told[0];
	bool again = told_candidate(w, c->slot);
	float used = 0;

	if (!again) {
		const struct candidate *best = best_candidate(w, c->slot,
			map_ascends(w->state->map, w->pool, c), &used);
		/* Spares are looked for in a pool that has others. */
		if (!best || (is_full(used) && w->pool->n > MAP_CANDIDATES))
			return false;
		d->node[0] = best->node;
		d->ttl_s = ttl_for(w, best->node, used);
	} else {
		d->node[0] = told->node;
		d->ttl_s = told->ttl_s;
	}
	d->n = 1;
	d->again = again;
	d->state = NODE_UP;
	d->only = false;
	fill_demand(w, d);
	return true;
}

/* -- what is known of the client -- */

/* How many viewers are behind the client net: by its own questions or, where
 * samples can tell, by how its nodes grew. */
static void know_demand(struct work *w, uint64_t key)
{
	w->demand = demand_rate(w->client);
	if (!w->client || w->client->events < 2)
		return;
	float held = demand_held_s(w->client, w->name->ttl_max_s);
	float learned = crowds_rate(memory_crowds(w->accounts->memory), key);
	if (learned >= 0)
		w->demand = learned;
	w->crowd = learned >= 0 || w->demand * held >= CROWD_VIEWERS;
}

/* The share of the area's viewers that this thread placed on a node. */
static float placed_share(const struct work *w, unsigned node)
{
	const struct candidates *c =
		map_candidates(w->state->map, w->pool, w->query->place, w->net);
	float all = 0;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (c->slot[i].node != MAP_NO_NODE)
			all += accounts_placed(
				w->accounts, w->area, c->slot[i].node, w->now);
	return all > 0
		? accounts_placed(w->accounts, w->area, node, w->now) / all
		: 0;
}

/* Viewers that come back at once, since a node has just failed: all that came in
 * the time that a viewer stays, if this client net was told it, else as many as
 * were placed there of its area: another name server may have told it. */
static float returning(const struct work *w)
{
	const struct told *t = &w->past->told[0];
	const struct load *load = w->state->load;
	float share = 0;

	if (w->query->line > 1 || !load->any_returning || !w->accounts)
		return 0;
	const struct candidates *c =
		map_candidates(w->state->map, w->pool, w->query->place, w->net);
	bool told = told_counts(t, w->now);
	if (told && (int32_t)(t->made_ms - load->fell_ms) > 0)
		return 0; /* they came already */
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = c->slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		if (!load->node[node].returning)
			continue;
		share += (float)load->node[node].returning / 255 *
			(told && t->node == node ? 1 : placed_share(w, node));
	}
	return RETURNING * fminf(share, 1) * w->demand * load->session_s;
}

/* A thread with a newer map may have told a node that this one's does not have
 * yet: the arrays end before it. */
static void forget_newer(
	struct remembered *past, unsigned lines, unsigned nodes)
{
	for (unsigned i = 0; i < lines && i < MEMORY_LINES; i++) {
		struct told *t = &past->told[i];
		if (t->node >= nodes)
			t->node = MAP_NO_NODE;
		if (t->before >= nodes)
			t->before = MAP_NO_NODE;
	}
	for (unsigned i = 0; i < MEMORY_OLDER; i++)
		if (past->older[i] >= nodes)
			past->older[i] = MAP_NO_NODE;
}

/* What is known of the client: its past and its demand. */
static void recall(struct work *w, struct steer_decision *d)
{
	static const struct told nothing = {
		.node = MAP_NO_NODE, .before = MAP_NO_NODE};
	const struct accounts *accounts = w->accounts;

	w->past = &d->past;
	if (accounts) {
		memory_read(accounts->memory, d->key, w->query->line, &d->past);
		forget_newer(&d->past, w->query->line, w->state->map->n_nodes);
		uint64_t key = demand_key(d->key, w->query->line);
		w->client = accounts_peek(accounts, key);
		know_demand(w, key);
	} else {
		for (unsigned i = 0; i < MEMORY_LINES; i++)
			d->past.told[i] = nothing;
	}
	w->at_once = 1 + returning(w);
	float held = demand_held_s(w->client, w->name->ttl_min_s);
	float viewers = w->at_once + w->demand * held;
	w->heavy = w->name->policy == POLICY_NEARBY && viewers > HEAVY_VIEWERS;
	w->answers = answers_of(w);
	w->viewers = viewers / (float)w->answers;
}

/* What clients are spread by: their net; each question of a crowd by itself;
 * streams all alike, the more the fewer viewers they have. */
static void choose_hash(struct work *w)
{
	uint64_t stream = w->query->stream;
	w->softness_ms = TEMPERATURE_MS;
	if (!stream && w->heavy)
		w->net = hash_mix(w->net ^ w->past->told[0].made_ms);
	if (!stream)
		return;
	float viewers = w->accounts
		? accounts_placed(w->accounts, accounts_stream(stream),
			  MAP_NO_NODE, w->now)
		: 0;
	viewers *= (float)w->state->map->servers;
	w->net = hash_mix(stream);
	w->softness_ms = fmaxf(TEMPERATURE_MS,
		fminf(GATHER_MS, GATHER_VIEWERS / (1 + viewers)));
}

void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d, struct steer_trace *trace)
{
	struct steer_found found;
	find(state, query, &found);
	steer_decide_found(state, accounts, query, &found, now_ms, d, trace);
}

void steer_decide_found(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d, struct steer_trace *trace)
{
	struct work w; /* no initializer: the options are large */

	w.state = state;
	w.accounts = accounts;
	w.query = query;
	w.name = found->name;
	w.pool = found->pool;
	w.now = (uint32_t)now_ms;
	w.demand = 0;
	w.client = NULL;
	w.crowd = false;
	w.at_once = 1;
	w.n_second = 0;
	w.net = found->net;
	w.area = area_of(state->map, found->near);
	d->key = found->key;
	d->area = w.area;
	recall(&w, d);
	if (!trace && query->line == 1 && w.answers == 1 && !query->stream &&
		w.name->policy == POLICY_NEARBY &&
		decide_usual(&w, found->near, d))
		return;
	choose_hash(&w);
	gather(&w);
	if (query->line > 1)
		keep_apart(&w);
	if (trace || w.answers > 1)
		rank(&w.options);
	else
		put_first(&w.options, best_of(&w)->node);

	const struct told *told = still_valid(&w);
	if (told)
		put_first(&w.options, told->node);
	fill_decision(&w, told, d);
	if (trace) {
		trace_fill(&w, trace);
		trace->remembered = d->again;
	}
}
