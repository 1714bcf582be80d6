/* What must hold in every world: random fleets, loads and clients, thousands
 * of them. A failure names its seed; DNSD_SEED=N begins there, DNSD_WORLDS=N
 * tries so many. */
#include "world.h"
#include "geo/builder.h"

#include "base/rng.h"

#define WORLDS 1000
#define QUERIES 30
#define NODES 56
#define NETS 12

/* -- a random world -- */

struct random {
	uint64_t seed;
	struct rng rng;
	unsigned n;
	char node[NODES][200];        /* lines of the configuration */
	struct load_node load[NODES]; /* by number, not by map index */
	struct prefix net[NETS];
	char names[2048]; /* the steer block */
	struct world w;
};

#define CHECK(r, condition)                                                \
	do {                                                               \
		if (!(condition))                                          \
			fail_msg("DNSD_SEED=%llu: %s, line %d",            \
				(unsigned long long)(r)->seed, #condition, \
				__LINE__);                                 \
	} while (0)

static unsigned below(struct random *r, unsigned n)
{
	return (unsigned)(rng_next(&r->rng) % n);
}

static bool chance(struct random *r, double p)
{
	return rng_unit(&r->rng) < p;
}

/* Many in the same cities: equal paths are the rule. */
static void anywhere(struct random *r, float *lat, float *lon)
{
	static const float cities[][2] = {{22.3f, 114.2f}, {35.7f, 139.7f},
		{51.5f, -0.1f}, {40.7f, -74}, {31.2f, 121.5f}, {-33.9f, 151.2f},
		{50.1f, 8.7f}, {1.3f, 103.8f}};
	unsigned city = below(r, 10);
	if (city < 8) {
		*lat = cities[city][0];
		*lon = cities[city][1];
	} else {
		*lat = (float)(rng_unit(&r->rng) * 178 - 89);
		*lon = (float)(rng_unit(&r->rng) * 358 - 179);
	}
}

static void make_node(struct random *r, unsigned i, unsigned sites)
{
	static const unsigned capacities[] = {100, 1000, 1000, 5000};
	float lat, lon;
	char more[80] = "";

	anywhere(r, &lat, &lon);
	if (chance(r, 0.9))
		snprintf(more, sizeof more, ", at: [%.2f, %.2f]", lat, lon);
	if (chance(r, 0.7))
		snprintf(more + strlen(more), sizeof more - strlen(more),
			", site: s%u", below(r, sites));
	if (chance(r, 0.5))
		snprintf(more + strlen(more), sizeof more - strlen(more),
			", provider: p%u", below(r, 3));
	if (chance(r, 0.2))
		snprintf(more + strlen(more), sizeof more - strlen(more),
			", asn: [%u]", 1 + below(r, 3));
	snprintf(r->node[i], sizeof r->node[i],
		"  n%u: {address: [192.0.2.%u], role: %s, capacity: %u, bias: %u%s}\n",
		i, i + 1, i && chance(r, 0.2) ? "relay" : "edge",
		capacities[below(r, 4)], chance(r, 0.2) ? below(r, 20) : 0,
		more);
}

/* Failover lists its nodes, so that they keep their order in whatever order the
 * nodes stand. */
static void make_names(struct random *r)
{
	char list[NODES * 6] = "n0";
	for (unsigned i = 1; i < r->n; i++)
		if (chance(r, 0.5))
			snprintf(list + strlen(list),
				sizeof list - strlen(list), ", n%u", i);
	snprintf(r->names, sizeof r->names,
		"steer:\n"
		"  near.example.com: {pool: [edge], lines: 3, ttl: [5, 30]}\n"
		"  two.example.com: {pool: [edge, relay], lines: 3, answers: 2}\n"
		"  many.example.com: {pool: [edge], lines: 9, ttl: [5, 30]}\n"
		"  s.example.com: {pool: [edge], lines: 3, streams: true}\n"
		"  push.example.com: {pool: [edge], lines: 3, policy: stable}\n"
		"  geo.example.com: {pool: [relay, n0], lines: 3, policy: geo}\n"
		"  order.example.com: {pool: [%s], lines: 3, policy: failover}\n",
		list);
}

static void make_load(struct random *r, struct load_node *load, double well)
{
	*load = (struct load_node){.state = NODE_UP, .room = 1};
	if (!chance(r, well))
		load->state = (uint8_t)(1 + below(r, 3));
	if (chance(r, 0.7))
		load->used = (float)(rng_unit(&r->rng) * 1.3);
	if (chance(r, 0.1))
		load->room = (float)(0.2 + 0.8 * rng_unit(&r->rng));
	if (chance(r, 0.1))
		load->penalty_ms = 40;
	if (chance(r, 0.2))
		load->growth = (float)(rng_unit(&r->rng) * 0.1);
}

/* Nested and overlapping, some of IPv6. */
static void make_net(struct random *r, struct prefix *net)
{
	bool six = chance(r, 0.3);
	net->addr = (struct addr){.family = six ? 6 : 4};
	net->addr.bytes[0] = six ? 0x20 : 10;
	for (unsigned i = 1; i < 8; i++)
		net->addr.bytes[i] = (uint8_t)below(r, 4);
	net->len = (uint8_t)(six ? 16 + below(r, 49) : 8 + below(r, 21));
	net->addr = addr_mask(&net->addr, net->len);
}

static struct geo *make_geo(struct random *r)
{
	struct geo_builder *b = geo_builder_new();
	struct rng at = {r->seed};
	struct random own = {.rng = at};
	for (unsigned i = 0; i < NETS; i++) {
		struct place place = {
			.asn = below(&own, 4), .source = PLACE_NETS};
		anywhere(&own, &place.lat, &place.lon);
		make_net(&own, &r->net[i]);
		geo_builder_add(b, i % 2, &r->net[i], &place);
	}
	return geo_build(b);
}

/* Up nodes with most room, as fleet.c finds them. */
static void make_spares(struct world *w)
{
	for (unsigned p = 0; p < w->map->n_pools; p++) {
		const struct map_pool *pool = &w->map->pools[p];
		unsigned n = 0;
		bool taken[NODES] = {false};
		while (pool->n > MAP_CANDIDATES && n < MAP_CANDIDATES) {
			int best = -1;
			float most = 0;
			for (unsigned i = 0; i < pool->n; i++) {
				unsigned k = pool->node[i];
				float room = (1 - w->node[k].used) *
					w->map->nodes[k].capacity;
				if (taken[k] || w->node[k].state != NODE_UP ||
					(best >= 0 && room <= most))
					continue;
				best = (int)k;
				most = room;
			}
			if (best < 0)
				break;
			taken[best] = true;
			w->spare[p][n++] = (uint16_t)best;
		}
		while (n < MAP_CANDIDATES)
			w->spare[p][n++] = MAP_NO_NODE;
	}
}

/* Puts the loads into a world whose nodes may have any order. */
static void load_world(const struct random *r, struct world *w)
{
	for (unsigned i = 0; i < r->n; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		int k = map_find_node(w->map, name);
		assert_true(k >= 0);
		w->node[k] = r->load[i];
		w->node[k].per_viewer = 1 / w->map->nodes[k].capacity;
		w->node[k].ln_weight =
			logf(w->map->nodes[k].capacity * w->node[k].room);
	}
	make_spares(w);
}

/* order: of the nodes in the file. */
static void open_in_order(
	struct random *r, struct world *w, const unsigned *order)
{
	char yaml[16000] = "nodes:\n";
	size_t n = strlen(yaml);
	for (unsigned i = 0; i < r->n; i++)
		n += (size_t)snprintf(yaml + n, sizeof yaml - n, "%s",
			r->node[order ? order[i] : i]);
	snprintf(yaml + n, sizeof yaml - n, "%s", r->names);
	world_open_at(w, yaml, make_geo(r));
	load_world(r, w);
}

static void open_random(struct random *r, uint64_t seed)
{
	static const double well[] = {0.1, 0.5, 0.9, 1};
	*r = (struct random){.seed = seed, .rng = {seed}};
	r->n = 1 + below(r, chance(r, 0.5) ? 8 : NODES);
	double p = well[below(r, 4)];
	unsigned sites = 1 + below(r, 8);
	for (unsigned i = 0; i < r->n; i++) {
		make_node(r, i, sites);
		make_load(r, &r->load[i], p);
	}
	make_names(r);
	open_in_order(r, &r->w, NULL);
}

static struct addr some_address(struct random *r)
{
	struct addr a = {.family = 4, .bytes = {192, 0, 2, 1}};
	if (chance(r, 0.95))
		a = r->net[below(r, NETS)].addr;
	for (unsigned i = a.family == 4 ? 2 : 5; i < addr_bits(&a) / 8; i++)
		a.bytes[i] = (uint8_t)rng_next(&r->rng);
	return a;
}

static struct steer_query query_of(
	const struct world *w, uint32_t name, const struct addr *client)
{
	struct steer_query q = {
		.name = name, .line = 1, .type = STEER_A, .asker = *client};
	steer_client(&q, client, 128, geo_find(w->geo, client));
	return q;
}

static struct steer_query some_query(struct random *r)
{
	struct addr a = some_address(r);
	struct steer_query q = query_of(&r->w, below(r, r->w.map->n_names), &a);
	if (r->w.map->names[q.name].streams && chance(r, 0.5))
		q.stream = 1 + below(r, 5);
	return q;
}

static struct steer_decision decide(
	struct world *w, const struct steer_query *q)
{
	struct steer_decision d;
	steer_decide(world_state(w), NULL, q, w->now, &d, NULL);
	return d;
}

static const struct map_pool *pool_of(
	const struct world *w, const struct steer_query *q)
{
	return &w->map->pools[w->map->names[q->name].pool];
}

/* -- properties: each of one random world -- */

/* Never empty, never twice the same, never outside the pool, and a TTL within
 * its limits. */
static void an_answer(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		const struct map_name *name = &r->w.map->names[q.name];
		const struct map_pool *pool = pool_of(&r->w, &q);
		q.line = (uint8_t)(1 + below(r, 3));
		struct steer_decision d = decide(&r->w, &q);
		CHECK(r, d.n >= 1 && d.n <= name->answers);
		for (unsigned k = 0; k < d.n; k++) {
			bool inside = false;
			for (unsigned j = 0; j < pool->n; j++)
				inside |= pool->node[j] == d.node[k];
			CHECK(r, inside);
			for (unsigned j = 0; j < k; j++)
				CHECK(r, d.node[j] != d.node[k]);
		}
		CHECK(r, d.ttl_s >= name->ttl_min_s);
		CHECK(r, d.ttl_s <= name->ttl_max_s);
	}
}

/* All of an answer are of the best state that there is in the pool: never a
 * drained or dead one while another lives. */
static void the_best_state(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		const struct map_pool *pool = pool_of(&r->w, &q);
		unsigned best = NODE_DRAINED;
		q.line = (uint8_t)(1 + below(r, 3));
		for (unsigned k = 0; k < pool->n; k++)
			if (r->w.node[pool->node[k]].state < best)
				best = r->w.node[pool->node[k]].state;
		struct steer_decision d = decide(&r->w, &q);
		CHECK(r, d.state == best);
		for (unsigned k = 0; k < d.n; k++)
			CHECK(r, r->w.node[d.node[k]].state == best);
	}
}

/* Whatever address inside the scope: the same net, place and answer. */
static void the_scope(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct addr a = some_address(r), b = a;
		uint32_t name = below(r, r->w.map->n_names);
		struct steer_query p = query_of(&r->w, name, &a);
		for (unsigned bit = p.net_len; bit < addr_bits(&a); bit++)
			if (chance(r, 0.5))
				b.bytes[bit / 8] ^=
					(uint8_t)(0x80 >> (bit % 8));
		struct steer_query q = query_of(&r->w, name, &b);
		CHECK(r, p.net_len == q.net_len && p.place == q.place);
		CHECK(r, addr_equal(&p.net, &q.net));
		p.line = q.line = (uint8_t)(1 + below(r, 3));
		struct steer_decision d = decide(&r->w, &p);
		struct steer_decision e = decide(&r->w, &q);
		CHECK(r, d.n == e.n && d.ttl_s == e.ttl_s);
		for (unsigned k = 0; k < d.n; k++)
			CHECK(r, d.node[k] == e.node[k]);
	}
}

/* More load on one node: nobody who was not there goes there. Of line 1; a
 * further line takes what line 1 leaves. */
static void load_never_attracts(struct random *r)
{
	struct steer_query q[QUERIES];
	unsigned before[QUERIES], node = below(r, r->n);

	for (unsigned i = 0; i < QUERIES; i++) {
		q[i] = some_query(r);
		before[i] = decide(&r->w, &q[i]).node[0];
	}
	for (unsigned step = 0; step < 6; step++) {
		r->load[node].used += (float)(0.4 * rng_unit(&r->rng));
		load_world(r, &r->w);
		char name[16];
		snprintf(name, sizeof name, "n%u", node);
		unsigned index = (unsigned)map_find_node(r->w.map, name);
		for (unsigned i = 0; i < QUERIES; i++) {
			unsigned now = decide(&r->w, &q[i]).node[0];
			CHECK(r, now != index || before[i] == index);
			before[i] = now;
		}
	}
}

/* Two operators, one inventory in another order: the same answers. */
static void the_order_of_nodes(struct random *r)
{
	struct world other;
	unsigned order[NODES];

	for (unsigned i = 0; i < r->n; i++) {
		unsigned at = below(r, i + 1);
		order[i] = order[at];
		order[at] = i;
	}
	open_in_order(r, &other, order);
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		q.line = (uint8_t)(1 + below(r, 3));
		struct steer_decision d = decide(&r->w, &q);
		struct steer_decision e = decide(&other, &q);
		CHECK(r, d.n == e.n && d.ttl_s == e.ttl_s);
		for (unsigned k = 0; k < d.n; k++)
			CHECK(r,
				!strcmp(r->w.map->nodes[d.node[k]].name,
					other.map->nodes[e.node[k]].name));
	}
	world_close(&other);
}

/* How many of the pool are of a state, and not among these. */
static unsigned others(const struct random *r, const struct steer_query *q,
	unsigned state, const uint16_t *had, unsigned n)
{
	const struct map_pool *pool = pool_of(&r->w, q);
	unsigned sum = 0;
	for (unsigned i = 0; i < pool->n; i++) {
		bool is_had = false;
		for (unsigned k = 0; k < n; k++)
			is_had |= had[k] == pool->node[i];
		sum += !is_had && r->w.node[pool->node[i]].state == state;
	}
	return sum;
}

static void check_lines(
	struct random *r, const struct steer_query *q, bool sent)
{
	struct steer_query line = *q;
	uint16_t had[3];
	for (unsigned n = 0; n < 3; n++) {
		struct steer_decision d;
		line.line = (uint8_t)(n + 1);
		if (sent)
			steer_answer(world_state(&r->w), r->w.accounts, &line,
				r->w.now, &d);
		else
			steer_decide(world_state(&r->w), NULL, &line, r->w.now,
				&d, NULL);
		bool among = false;
		for (unsigned k = 0; k < n; k++)
			among |= had[k] == d.node[0];
		if (n && others(r, q, d.state, had, n))
			CHECK(r, !among);
		CHECK(r, d.only == among);
		had[n] = d.node[0];
	}
}

/* Line n is another node than the lines before, while there is one of the same
 * state: with and without the memory of where clients were sent. */
static void the_lines(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		check_lines(r, &q, false);
		check_lines(r, &q, true);
	}
}

/* ... also when loads and states moved between the questions. */
static void the_lines_later(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		struct steer_decision one, two;
		steer_answer(
			world_state(&r->w), r->w.accounts, &q, r->w.now, &one);
		for (unsigned k = 0; k < 3; k++)
			make_load(r, &r->load[below(r, r->n)], 0.9);
		load_world(r, &r->w);
		r->w.now += below(r, 1700) * 1000;
		q.line = 2;
		steer_answer(
			world_state(&r->w), r->w.accounts, &q, r->w.now, &two);
		if (others(r, &q, two.state, one.node, 1))
			CHECK(r, two.node[0] != one.node[0]);
	}
}

/* All lines of a client, asked in some order. */
static void ask_all_lines(
	struct random *r, struct steer_query q, struct steer_decision *d)
{
	unsigned lines = r->w.map->names[q.name].lines, order[CONF_LINES_MAX];
	for (unsigned i = 0; i < lines; i++) {
		unsigned at = below(r, i + 1);
		order[i] = order[at];
		order[at] = i;
	}
	for (unsigned i = 0; i < lines; i++) {
		q.line = (uint8_t)(order[i] + 1);
		q.type = chance(r, 0.5) ? STEER_A : STEER_AAAA;
		steer_answer(world_state(&r->w), r->w.accounts, &q, r->w.now,
			&d[order[i]]);
	}
}

/* While n nodes of the best state live, the first n lines are n nodes, in whatever
 * order they are asked, wherever they were sent before, at any load. */
static void lines_are_nodes(struct random *r)
{
	for (unsigned i = 0; i < QUERIES / 3; i++) {
		struct steer_query q = some_query(r);
		struct steer_decision d[CONF_LINES_MAX];
		for (unsigned round = 0; round < 8; round++) {
			unsigned lines = r->w.map->names[q.name].lines;
			ask_all_lines(r, q, d);
			unsigned best = d[0].state;
			unsigned live = others(r, &q, best, NULL, 0);
			for (unsigned k = 0; k < lines && k < live; k++)
				for (unsigned j = 0; j < k; j++)
					CHECK(r, d[j].node[0] != d[k].node[0]);
			for (unsigned k = below(r, 4); k > 0; k--)
				make_load(r, &r->load[below(r, r->n)], 0.9);
			load_world(r, &r->w);
			r->w.load.generation++;
			r->w.now += below(r, chance(r, 0.5) ? 8000 : 60000);
		}
	}
}

/* The score that a decision's trace gives a node. */
static float score_of(
	struct random *r, const struct steer_trace *trace, unsigned node)
{
	for (unsigned i = 0; i < trace->n; i++)
		if (trace->candidate[i].node == node)
			return trace->candidate[i].score;
	CHECK(r, !"a candidate");
	return 0;
}

/* Viewers a second behind the client net of a question, if it is known; some are so many
 * that it is a large resolver, or that its viewers take several nodes. */
static float some_rate(struct random *r)
{
	static const float most[] = {0.05f, 0.5f, 2, 50};
	return most[below(r, 4)] * (float)(1 + below(r, 1000)) / 1000;
}

static void make_rate(struct random *r, const struct steer_query *q,
	const struct accounts *accounts, float rate)
{
	struct steer_lookup lookup;
	steer_look_up(world_state(&r->w), accounts, q, &lookup);
	struct client *client = lookup_client(&lookup);
	if (client)
		client->rate = rate;
}

/* What a decision does not depend on whether somebody traces it: the fast path
 * comes to what the list of all candidates comes to. */
static void fast_path_decides(struct random *r)
{
	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		const struct steer_state *state = world_state(&r->w);
		struct steer_decision fast, whole;
		struct steer_trace trace;

		q.stream = 0;
		make_rate(r, &q, r->w.accounts, some_rate(r));
		steer_decide(state, r->w.accounts, &q, r->w.now, &fast, NULL);
		steer_decide(
			state, r->w.accounts, &q, r->w.now, &whole, &trace);
		CHECK(r, fast.again == whole.again);
		CHECK(r, fast.state == whole.state);
		if (fast.node[0] == whole.node[0])
			CHECK(r, fast.ttl_s == whole.ttl_s);
		else /* equal but for rounding */
			CHECK(r,
				fabsf(score_of(r, &trace, fast.node[0]) -
					score_of(r, &trace, whole.node[0])) <
					1e-3f);
		steer_answer(state, r->w.accounts, &q, r->w.now, &fast);
		r->w.now += below(r, 40) * 1000;
		if (chance(r, 0.3))
			r->w.load.generation++;
	}
}

static void same_reservations(
	struct random *r, const struct accounts *a, const struct accounts *b)
{
	for (unsigned i = 0; i < r->w.map->n_nodes; i++)
		CHECK(r,
			!memcmp(&a->reservation[i], &b->reservation[i],
				sizeof *a->reservation));
	CHECK(r, a->unpublished_most == b->unpublished_most);
}

static void same_tables(
	struct random *r, const struct accounts *a, const struct accounts *b)
{
	CHECK(r, !memcmp(a->askers, b->askers, sizeof a->askers));
	CHECK(r, !memcmp(a->placed, b->placed, sizeof a->placed));
	CHECK(r,
		!memcmp(a->event_limits, b->event_limits,
			sizeof a->event_limits));
}

static void same_events(
	struct random *r, struct accounts *a, struct accounts *b)
{
	/* Behind it nothing is set. */
	const size_t size = offsetof(struct steer_event, proven) + 1;
	struct steer_event one, other;
	while (events_pop(a->events, &one)) {
		CHECK(r, events_pop(b->events, &other));
		CHECK(r, !memcmp(&one, &other, size));
	}
	CHECK(r, !events_pop(b->events, &other));
}

/* Where the net of a question was sent, and its demand. */
static void same_client(struct random *r, const struct steer_query *q,
	const struct accounts *a, const struct accounts *b)
{
	const struct accounts *of[2] = {a, b};
	struct sent_lines past[2];
	struct client client[2];
	for (unsigned k = 0; k < 2; k++) {
		struct steer_lookup lookup;
		steer_look_up(world_state(&r->w), of[k], q, &lookup);
		memset(&past[k], 0, sizeof past[k]);
		sent_read(of[k]->sent, lookup.key, 3, &past[k]);
		CHECK(r, lookup_client(&lookup));
		client[k] = *lookup_client(&lookup);
	}
	CHECK(r, !memcmp(&past[0], &past[1], sizeof past[0]));
	CHECK(r, !memcmp(&client[0], &client[1], sizeof client[0]));
}

/* Both ways of an answer leave the same behind. Where scores are equal but for
 * rounding, they may differ from then on: such a world ends there. */
static void both_ways_account(struct random *r)
{
	struct sent_table *sent = sent_table_new(4096, 7);
	struct accounts *other = accounts_new(4096, sent, 7);
	bool same = true;

	for (unsigned i = 0; i < QUERIES; i++) {
		struct steer_query q = some_query(r);
		const struct steer_state *state = world_state(&r->w);
		struct steer_decision fast, full;

		if (chance(r, 0.9))
			q.stream = 0;
		if (chance(r, 0.5)) {
			float rate = some_rate(r);
			make_rate(r, &q, r->w.accounts, rate);
			make_rate(r, &q, other, rate);
		}
		steer_answer(state, r->w.accounts, &q, r->w.now, &fast);
		steer_answer_full(state, other, &q, r->w.now, &full);
		same = fast.node[0] == full.node[0];
		if (!same)
			break;
		CHECK(r, fast.n == full.n && fast.ttl_s == full.ttl_s);
		CHECK(r, fast.again == full.again && fast.area == full.area);
		CHECK(r, fast.held_s == full.held_s && fast.rate == full.rate);
		same_reservations(r, r->w.accounts, other);
		same_events(r, r->w.accounts, other);
		same_client(r, &q, r->w.accounts, other);
		r->w.now += below(r, 40) * 1000;
		if (chance(r, 0.3))
			r->w.load.generation++;
	}
	if (same)
		same_tables(r, r->w.accounts, other);
	accounts_free(other);
	sent_table_free(sent);
}

/* -- all worlds -- */

static uint64_t setting(const char *name, uint64_t preset)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : preset;
}

static void in_all_worlds(void (*property)(struct random *r))
{
	static struct random r;
	uint64_t first = setting("DNSD_SEED", 1);
	uint64_t n = setting("DNSD_WORLDS", WORLDS);

	for (uint64_t i = 0; i < n; i++) {
		open_random(&r, first + i);
		property(&r);
		world_close(&r.w);
	}
}

#define PROPERTY(name)                        \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		in_all_worlds(name);          \
	}

PROPERTY(an_answer)
PROPERTY(the_best_state)
PROPERTY(the_scope)
PROPERTY(load_never_attracts)
PROPERTY(the_order_of_nodes)
PROPERTY(the_lines)
PROPERTY(the_lines_later)
PROPERTY(lines_are_nodes)
PROPERTY(fast_path_decides)
PROPERTY(both_ways_account)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_the_best_state),
		cmocka_unit_test(test_the_scope),
		cmocka_unit_test(test_load_never_attracts),
		cmocka_unit_test(test_the_order_of_nodes),
		cmocka_unit_test(test_the_lines),
		cmocka_unit_test(test_the_lines_later),
		cmocka_unit_test(test_lines_are_nodes),
		cmocka_unit_test(test_fast_path_decides),
		cmocka_unit_test(test_both_ways_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
