#include "steer/decide.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "steer/cost.h"

#define TEMPERATURE_MS 1.0f /* softness of the choice between equal costs */
#define SAFETY 1.25f        /* on what is promised but not yet seen */
#define RATE_MAX 500.0f     /* viewers/s behind one client net, believed */
#define SHARED_VIEWERS 5.0f /* about so many viewers share one answer */
#define HEAVY_VIEWERS 20.0f /* more than these: decide each question anew */
#define MEMORY_MS 1800000   /* viewers stay; what was told counts so long */
#define BEFORE_MOVED 8      /* quarters of a minute: still cached */
#define OLDER_MOVED 120     /* viewers who were told so long ago still watch */
#define OLDER_MS 25.0f      /* a line on a node they may be on */
#define PROVIDER_MS 15.0f   /* a line in the provider of an earlier line */
#define STABLE_TEMPERATURE_MS 0.05f

#define BUDGET_VIEWERS 50.0f /* that any network may promise at once ... */
#define BUDGET_SHARE 0.1f    /* ... and of the pool's capacity */
#define BUDGET_REFILL 0.1f   /* of both, per second */
#define CONFLICT_NODE 1000   /* the node of an earlier line */
#define CONFLICT_SITE 100    /* another node of its site */
#define SCAN_MAX STEER_TRACE_MAX
#define FROM_POOL 16 /* nodes taken from far when the near ones fail */

/* One node that may be picked. */
struct option {
	uint16_t node;
	uint8_t state;
	uint16_t conflict; /* with earlier lines: see conflict_with */
	float path, price, penalty, used, score;
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

static inline float draw(uint64_t net, const struct map_node *node)
{
	return gumbel[hash_mix(net ^ node->seed) >> (64 - GUMBEL_BITS)];
}

static uint64_t net_hash(const struct steer_query *q)
{
	uint64_t a, b;
	memcpy(&a, q->net.bytes, 8);
	memcpy(&b, q->net.bytes + 8, 8);
	return hash_mix(a + q->net_len) ^ hash_mix(b + q->net.family);
}

uint64_t steer_key(const struct map *map, const struct steer_query *q)
{
	return hash_mix(net_hash(q) ^ map->names[q->name].seed ^ q->stream);
}

/* -- a client's memory -- */

static inline bool told_runs(const struct told *t, uint32_t now)
{
	return t->node != MAP_NO_NODE &&
		now - t->made_ms < (uint32_t)t->ttl_s * 1000;
}

static inline bool told_counts(const struct told *t, uint32_t now)
{
	return t->node != MAP_NO_NODE && now - t->made_ms < MEMORY_MS;
}

static inline uint8_t quarters(uint32_t now)
{
	return (uint8_t)(now / 15000);
}

/* How long ago its node changed, in quarters of a minute. */
static inline uint8_t told_moved(const struct told *t, uint32_t now)
{
	return (uint8_t)(quarters(now) - t->moved);
}

static float demand_rate(const struct client *client)
{
	if (!client || client->n < 1.5f)
		return 0;
	float rate = client->n / (client->g + 0.05f);
	return rate < RATE_MAX ? rate : RATE_MAX;
}

/* -- cost -- */

/* What one decision works with. */
struct work {
	const struct steer_state *state;
	const struct accounts *accounts;
	const struct steer_query *query;
	const struct map_name *name;
	const struct map_pool *pool;
	float demand;            /* viewers per second behind this client net */
	struct remembered *past; /* what it was told */
	uint64_t net;
	uint32_t now;  /* ms, 32 bits */
	float viewers; /* that this answer will bring */
	struct options options;
};

/* Viewers this thread has promised to a node since the load was published. */
static inline float recent(const struct work *w, unsigned node)
{
	if (!w->accounts)
		return 0;
	const struct promise *p = &w->accounts->promise[node];
	return p->recent_generation == w->state->load->generation ? p->recent
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
	return draw(w->net, node) + cost / TEMPERATURE_MS - load->ln_weight;
}

static void add(struct work *w, unsigned node, float path_ms)
{
	const struct load_node *load = &w->state->load->node[node];
	struct options *list = &w->options;

	if (list->n == SCAN_MAX || !w->state->map->nodes[node].name)
		return;
	struct option *o = &list->option[list->n++];
	*o = (struct option){.node = (uint16_t)node, .state = load->state};
	float extra = (recent(w, node) + w->viewers) * SAFETY;
	o->used = load->used + extra * load->per_viewer;
	o->path = path_ms;
	o->penalty = load->penalty_ms;
	/* A ramping node counts as fuller than it is, but what it carries
	 * already is no reason against it. */
	o->price = cost_price_ms(o->used / load->room);
	if (w->name->policy == POLICY_STABLE)
		o->price = o->used > COST_FULL ? o->price : 0;
	o->score = w->name->policy == POLICY_FAILOVER ? (float)(list->n)
						      : score(w, o);
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

static bool all_full(const struct options *list)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->option[i].state == list->best_state &&
			list->option[i].used < COST_FULL * COST_WALL)
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

/* Marks what conflicts with the nodes that earlier lines had; providers and
 * older nodes cost extra but do not exclude. */
static void mark_conflicts(struct work *w, const uint16_t *had, unsigned n)
{
	const struct map *map = w->state->map;
	for (unsigned i = 0; i < w->options.n; i++) {
		struct option *o = &w->options.option[i];
		o->conflict = (uint16_t)conflict_with(map, o->node, had, n);
		o->score = w->name->policy == POLICY_FAILOVER ? (float)(i + 1)
							      : score(w, o);
		for (unsigned k = 0; k < n; k++)
			if (map_same_provider(map, had[k], o->node))
				o->score += PROVIDER_MS / TEMPERATURE_MS;
		if (n)
			o->score += older_cost(w, o->node) / TEMPERATURE_MS;
	}
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

/* -- the decision -- */

static uint32_t ttl_for(const struct work *w, const struct option *o)
{
	const struct load_node *load = &w->state->load->node[o->node];
	float ttl = w->name->ttl_max_s, least = w->name->ttl_min_s;
	float rate = w->demand;

	if (w->name->policy == POLICY_STABLE)
		return (uint32_t)ttl;
	if (rate * ttl > SHARED_VIEWERS)
		ttl = SHARED_VIEWERS / rate;
	float left = COST_FULL - o->used;
	if (load->growth > 1e-4f && ttl > 0.5f * left / load->growth)
		ttl = 0.5f * left / load->growth;
	/* Who switches is on the move: what it is told should not be old. */
	if (w->query->line > 1)
		ttl = least;
	if (o->state != NODE_UP || o->used >= COST_FULL ||
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
	/* A crowd behind one resolver: each of its caches may be sent
	 * elsewhere. */
	if ((t->types & w->query->type) && w->demand * t->ttl_s > HEAVY_VIEWERS)
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

/* From the ranked options; told: what is kept for the rest of its TTL. */
static void fill_decision(
	const struct work *w, const struct told *told, struct steer_decision *d)
{
	const struct option *first = &w->options.option[0];
	d->again = told != NULL;
	d->state = first->state;
	d->only = first->conflict >= CONFLICT_NODE;
	d->ttl_s = told ? told->ttl_s : ttl_for(w, first);
	for (unsigned i = 0; i < w->options.n && d->n < w->name->answers; i++)
		if (w->options.option[i].state == first->state)
			d->node[d->n++] = w->options.option[i].node;
	d->rate = w->demand;
	d->at_once = 1;
}

/* What is known of the client: its past and its demand. */
static void recall(struct work *w, struct steer_decision *d)
{
	static const struct told nothing = {
		.node = MAP_NO_NODE, .before = MAP_NO_NODE};
	const struct accounts *accounts = w->accounts;

	w->past = &d->past;
	if (accounts) {
		memory_read(accounts->memory, d->key, &d->past);
		w->demand = demand_rate(accounts_peek(accounts, d->key));
	} else {
		for (unsigned i = 0; i < MEMORY_LINES; i++)
			d->past.told[i] = nothing;
	}
	w->viewers = 1 + w->demand * w->name->ttl_min_s;
}

void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d, struct steer_trace *trace)
{
	uint16_t had[2 * CONF_LINES_MAX] = {0};
	struct work w; /* no initializer: the options are large */

	w.state = state;
	w.accounts = accounts;
	w.query = query;
	w.name = &state->map->names[query->name];
	w.pool = &state->map->pools[w.name->pool];
	w.now = (uint32_t)now_ms;
	w.demand = 0;
	w.net = query->stream ? hash_mix(query->stream) : net_hash(query);
	*d = (struct steer_decision){.key = steer_key(state->map, query)};
	recall(&w, d);
	gather(&w);
	unsigned n = earlier_lines(&w, had);
	if (n)
		look_around(&w, had, n);
	if (trace || w.name->answers > 1)
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

/* -- the accounts -- */

static inline void sum_add(_Atomic uint32_t *sum, uint32_t add)
{
	/* One writer: a load and a store are enough. */
	atomic_store_explicit(sum,
		atomic_load_explicit(sum, memory_order_relaxed) + add,
		memory_order_relaxed);
}

static unsigned promise_class(uint32_t ttl_s)
{
	unsigned c = 0;
	while (c + 1 < PROMISE_CLASSES && promise_class_s[c] < ttl_s)
		c++;
	return c;
}

static void promise_add(struct accounts *accounts, unsigned node,
	uint32_t generation, float at_once, float rate, uint32_t ttl_s)
{
	struct promise *p = &accounts->promise[node];
	unsigned c = promise_class(ttl_s);
	/* The class is longer than the TTL: the same viewers, slower. */
	float slow = rate * (float)ttl_s / promise_class_s[c];

	if (p->recent_generation != generation) {
		p->recent_generation = generation;
		p->recent = 0;
	}
	p->recent += at_once + rate * (float)ttl_s;
	sum_add(&p->viewers, (uint32_t)(at_once * PROMISE_VIEWER));
	sum_add(&p->rate[c], (uint32_t)(slow * PROMISE_RATE));
	sum_add(&p->answers, 1);
}

/* Learns how many viewers ask behind this client net: the share of time in
 * which a question comes although nobody holds an answer. A question within
 * the TTL comes from another cache and tells nothing of the rate. */
static void demand_learn(struct client *c, const struct told *t, uint32_t now)
{
	if (!c->n) {
		c->n = 1;
		c->g = 30; /* one event says little: believe in a viewer or
			      two a minute */
	} else {
		float gap = (float)(now - c->asked_ms) * 0.001f;
		float waited = gap - t->ttl_s;
		if (waited < 0)
			return;
		if (waited > 600)
			waited = 600;
		c->n = 0.7f * c->n + 1;
		c->g = 0.7f * c->g + waited;
	}
	c->asked_ms = now;
}

/* Remembers what the line is told now. False: another thread was faster. */
static bool remember(struct memory *memory, const struct steer_query *query,
	const struct steer_decision *d, uint32_t now)
{
	unsigned line = query->line - 1u;
	const struct told *seen = &d->past.told[line];
	uint16_t older[MEMORY_OLDER] = {d->past.older[0], d->past.older[1]};
	struct told t = *seen;

	if (d->again) {
		t.types |= query->type;
		if (t.types != seen->types)
			memory_share(memory, d->key, line, &t);
		return true;
	}
	if (t.node != d->node[0] && t.node != MAP_NO_NODE) {
		older[1] = older[0];
		older[0] = t.before;
		t.before = t.node;
		t.moved = quarters(now);
	}
	t.node = d->node[0];
	t.made_ms = now;
	t.ttl_s = (uint16_t)d->ttl_s;
	t.types = query->type;
	return memory_claim(memory, d->key, line, seen, &t, older);
}

static uint64_t asker_key(const struct addr *asker)
{
	struct addr net = addr_mask(asker, asker->family == 4 ? 24 : 48);
	return hash_bytes(net.bytes, sizeof net.bytes, net.family);
}

/* A network may promise a tenth of the pool at once and a hundredth more each
 * second: more than a resolver brings, less than a flood of forged questions.
 * Whoever is trusted to name other clients is believed. */
static float within_budget(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	float viewers, uint32_t now)
{
	const struct map_name *name = &state->map->names[query->name];
	const struct map_pool *pool = &state->map->pools[name->pool];
	float burst = BUDGET_VIEWERS + BUDGET_SHARE * pool->capacity;
	if (query->trusted)
		return viewers;
	return accounts_budget(accounts, asker_key(&query->asker), now, viewers,
		BUDGET_REFILL * burst, burst);
}

/* What the answer promises to its nodes, as far as the asker's budget goes. */
static void promise(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	float rate, uint32_t now)
{
	float want = d->at_once + rate * (float)d->ttl_s;
	float may = within_budget(state, accounts, query, want, now);
	float share = may / want / d->n;
	for (unsigned i = 0; i < d->n; i++)
		promise_add(accounts, d->node[i], state->load->generation,
			d->at_once * share, rate * share, d->ttl_s);
}

bool steer_account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *d,
	int64_t now_ms)
{
	uint32_t now = (uint32_t)now_ms;
	bool kept = query->line <= MEMORY_LINES;
	const struct told *seen = kept ? &d->past.told[query->line - 1] : NULL;
	/* The same viewer asks for another type. */
	bool shared = kept && d->again && !(seen->types & query->type);
	const struct told *first = &d->past.told[0];

	if (kept && !remember(accounts->memory, query, d, now))
		return false;
	if (shared)
		return true;
	struct client *c = accounts_client(accounts, d->key, now);
	if (query->line == 1)
		demand_learn(c, seen, now);
	else if (first->node != MAP_NO_NODE)
		sum_add(&accounts->promise[first->node].line2, 1);
	promise(state, accounts, query, d,
		query->line == 1 ? demand_rate(c) : 0, now);
	return true;
}

void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision)
{
	steer_decide(state, accounts, query, now_ms, decision, NULL);
	if (steer_account(state, accounts, query, decision, now_ms))
		return;
	/* Another thread has told this client net something meanwhile. */
	steer_decide(state, accounts, query, now_ms, decision, NULL);
	steer_account(state, accounts, query, decision, now_ms);
}
