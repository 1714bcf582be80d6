#include "steer/decide_internal.h"

#include <math.h>

#define HEAVY_SPREAD_MS 25.0f  /* between the nodes that a crowd is told */
#define RETURNING 0.5f         /* of a dead node's viewers come back at once */
#define GATHER_MS 300.0f       /* softness for a stream that nobody watches */
#define GATHER_VIEWERS 4000.0f /* ms: shared by the viewers of the stream */

/* -- for others -- */

uint64_t steer_net_hash(const struct steer_query *q)
{
	return find_net(q);
}

uint64_t steer_key(const struct map *map, const struct steer_query *q)
{
	return find_net(q) ^ find_key(&map->names[q->name], q);
}

uint32_t steer_area(
	const struct steer_state *state, const struct steer_query *query)
{
	struct steer_found found;
	find_question(state, query, &found);
	return area_of(state->load, found.near);
}

/* -- what is known of the client -- */

/* The share of the area's viewers that this thread placed on a node. */
static float placed_share(const struct accounts *accounts,
	const struct candidates *near, uint32_t area, unsigned node,
	uint32_t now)
{
	float all = 0;
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node != MAP_NO_NODE)
			all += accounts_placed(
				accounts, area, near->slot[i].node, now);
	return all > 0 ? accounts_placed(accounts, area, node, now) / all : 0;
}

/* Viewers that come back at once, since a node has just failed: all that came in
 * the time that a viewer stays, if this client net was told it, else as many as
 * were placed there of its area: another name server may have told it. */
static float returning(const struct load *load, const struct accounts *accounts,
	const struct candidates *near, const struct told *t, float demand,
	uint32_t now)
{
	float share = 0;
	bool told = told_counts(t, now);

	if (told && (int32_t)(t->made_ms - load->fell_ms) > 0)
		return 0; /* they came already */
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = near->slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		if (!load->node[node].returning)
			continue;
		share += (float)load->node[node].returning / 255 *
			(told && t->node == node ? 1
						 : placed_share(accounts, near,
							   area_of(load, near),
							   node, now));
	}
	return RETURNING * fminf(share, 1) * demand * load->session_s;
}

/* What all lines of the name, and the asked one, were told. */
__attribute__((noinline)) static void recall_lines(
	const struct accounts *accounts, const struct steer_found *found,
	unsigned lines, unsigned nodes, struct remembered *past)
{
	memory_read(accounts->memory, found->key, lines, past);
	for (unsigned i = 0; i < lines; i++)
		forget_newer(&past->told[i], nodes);
	for (unsigned i = 0; i < MEMORY_OLDER; i++)
		if (past->older[i] >= nodes)
			past->older[i] = MAP_NO_NODE;
}

static void recall_nothing(unsigned lines, struct remembered *past)
{
	past->lines = lines;
	for (unsigned i = 0; i < lines; i++)
		past->told[i] = memory_told(NULL);
	for (unsigned i = 0; i < MEMORY_OLDER; i++)
		past->older[i] = MAP_NO_NODE;
}

/* Mostly no other line holds: then line 1 is all that is read. */
static inline void recall(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, struct remembered *past,
	struct known *known)
{
	unsigned lines = found->name->lines > query->line ? found->name->lines
							  : query->line;

	known->entry = NULL;
	known->client = NULL;
	if (!accounts) {
		recall_nothing(query->line, past);
		return;
	}
	known->entry = find_entry(accounts, found, query->line);
	known->client = accounts_find(found->clients, found->client);
	if (query->line > 1 ||
		memory_together(found->told, found->spread, known->now)) {
		recall_lines(accounts, found, lines, state->map->n_nodes, past);
		return;
	}
	past->lines = 1;
	past->told[0] = memory_told(known->entry);
	forget_newer(&past->told[0], state->map->n_nodes);
}

/* How many viewers a line's question stands for; the client's entry is found. */
static inline void know(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, const struct remembered *past,
	struct known *known)
{
	know_demand(known, accounts ? accounts->memory : NULL, found->name,
		demand_key(found->key, query->line));
	known->at_once = 1;
	if (state->load->any_returning && query->line == 1 && accounts)
		known->at_once += returning(state->load, accounts, found->near,
			&past->told[0], known->demand, known->now);
	know_viewers(known, found->name, query->line);
}

/* -- among all options -- */

static uint32_t ttl_of(const struct work *w, const struct option *o)
{
	const struct load *load = w->state->load;
	if (w->name->policy == POLICY_STABLE)
		return w->name->ttl_max_s;
	/* Who switches is on the move: what it is told should not be old. */
	if (w->query->line > 1 || o->state != NODE_UP)
		return w->name->ttl_min_s;
	return ttl_for(w->name, load, load->node[o->node].growth,
		w->known.demand, options_used(w, o->node));
}

static void trace_fill(const struct work *w, struct steer_trace *trace)
{
	trace->n = w->options.n;
	trace->viewers_per_s = w->known.demand;
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
				recent(w->state, w->accounts, o->node),
			.score = o->score,
		};
	}
}

/* The earlier decision of this line, if its TTL runs and its node is still as
 * good as the best by state, and no earlier line is sent there now (line 1 may
 * have come to where line 2 was), if there is another; NULL otherwise. The best option is first. */
static const struct told *still_valid(const struct work *w)
{
	const struct told *t = &w->past->told[w->query->line - 1];
	if (!told_runs(t, w->known.now))
		return NULL;
	/* Each of its caches may be sent elsewhere. */
	if ((t->types & w->query->type) && w->known.heavy)
		return NULL;
	const struct option *best = &w->options.option[0];
	for (unsigned i = 0; i < w->options.n; i++) {
		const struct option *o = &w->options.option[i];
		if (o->node == t->node && o->state == best->state &&
			(o->conflict < CONFLICT_NOW ||
				o->conflict <= best->conflict))
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

/* From the ranked options; told: what is kept for the rest of its TTL. */
static void fill_decision(
	const struct work *w, const struct told *told, struct steer_decision *d)
{
	const struct option *first = &w->options.option[0];
	d->again = told != NULL;
	d->state = first->state;
	d->only = first->conflict >= CONFLICT_NOW;
	d->ttl_s = told ? told->ttl_s : ttl_of(w, first);
	d->n = 0;
	for (unsigned i = 0; i < w->options.n && d->n < w->known.answers; i++)
		if (w->options.option[i].state == first->state &&
			(d->n < w->name->answers ||
				costs_little_more(w, &w->options.option[i])))
			d->node[d->n++] = w->options.option[i].node;
}

/* What clients are spread by: their net; each question of a crowd by itself;
 * streams all alike, the more the fewer viewers they have. */
static void choose_hash(struct work *w)
{
	uint64_t stream = w->query->stream;
	w->softness_ms = COST_TEMPERATURE_MS;
	if (!stream && w->known.heavy)
		w->net = hash_mix(w->net ^ w->past->told[0].made_ms);
	if (!stream)
		return;
	float viewers = w->accounts
		? accounts_placed(w->accounts, accounts_stream(stream),
			  MAP_NO_NODE, w->known.now)
		: 0;
	viewers *= (float)w->state->map->servers;
	w->net = hash_mix(stream);
	w->softness_ms = fmaxf(COST_TEMPERATURE_MS,
		fminf(GATHER_MS, GATHER_VIEWERS / (1 + viewers)));
}

/* Decides w's line: what is best for it, kept apart from what other lines have. */
static void decide_line(struct work *w, const struct steer_found *found,
	bool ranked, struct had *had, struct steer_decision *d)
{
	w->net = found->net;
	choose_hash(w);
	w->near =
		map_candidates(w->state->map, w->pool, w->query->place, w->net);
	options_gather(w);
	const struct told *last = &w->past->told[w->query->line - 1];
	if (told_runs(last, w->known.now))
		options_add_told(w, last->node);
	lines_keep_apart(w, had);
	if (ranked || w->known.answers > 1)
		options_rank(&w->options);
	else
		options_put_first(&w->options, options_best(&w->options)->node);
	const struct told *told = still_valid(w);
	if (told)
		options_put_first(&w->options, told->node);
	fill_decision(w, told, d);
}

/* What the lines before the asked one are sent now, one after the other, each as
 * if it were asked. */
static void decide_earlier_lines(
	struct work *w, const struct steer_found *found, struct had *had)
{
	const struct steer_query *asked = w->query;
	const struct known known = w->known;
	struct steer_query query = *asked;
	struct steer_decision d;

	w->query = &query;
	for (query.line = 1; query.line < asked->line; query.line++) {
		w->known.client = w->accounts ? accounts_find_line(w->accounts,
							found->key, query.line)
					      : NULL;
		know(w->state, w->accounts, &query, found, w->past, &w->known);
		decide_line(w, found, false, had, &d);
		lines_add(w, &d, had);
	}
	w->query = asked;
	w->known = known;
}

__attribute__((noinline)) static void decide_among_all(
	const struct steer_state *state, const struct accounts *accounts,
	const struct steer_query *query, const struct steer_found *found,
	struct known known, struct steer_decision *d, struct steer_trace *trace)
{
	struct work w; /* no initializers: options and lists are large */
	struct had had;

	w.state = state;
	w.accounts = accounts;
	w.query = query;
	w.name = found->name;
	w.pool = found->pool;
	w.past = &d->past;
	w.known = known;
	w.n_second = 0;
	w.area = d->area;
	had.n = 0;
	decide_earlier_lines(&w, found, &had);
	decide_line(&w, found, trace != NULL, &had, d);
	if (trace) {
		trace_fill(&w, trace);
		trace->remembered = d->again;
	}
}

/* -- the decision -- */

void choice_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d, struct steer_trace *trace,
	struct known *known)
{
	known->now = (uint32_t)now_ms;
	recall(state, accounts, query, found, &d->past, known);
	know(state, accounts, query, found, &d->past, known);
	d->key = found->key;
	d->area = area_of(state->load, found->near);
	d->at_once = known->at_once;
	d->rate = known->demand;
	d->crowd = known->crowd;
	if (!found->usual || known->heavy || trace || d->past.lines > 1 ||
		!usual_decide(state, accounts, found, known, d))
		decide_among_all(
			state, accounts, query, found, *known, d, trace);
	d->held_s = (uint16_t)demand_held_s(known->held_s, (float)d->ttl_s);
}

void steer_decide_found(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_found *found, int64_t now_ms,
	struct steer_decision *d, struct steer_trace *trace)
{
	struct known known;
	choice_decide(state, accounts, query, found, now_ms, d, trace, &known);
}

void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *d, struct steer_trace *trace)
{
	struct steer_found found;
	find_question(state, query, &found);
	if (accounts)
		find_entries(accounts, query, &found);
	steer_decide_found(state, accounts, query, &found, now_ms, d, trace);
}
