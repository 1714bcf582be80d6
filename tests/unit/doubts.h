/* doubts.h - networks of viewers, which are sent to nodes and press "switch line" at
 * natural rates or as a test says, and the nodes that are doubted for it. */
#ifndef TESTS_DOUBTS_H
#define TESTS_DOUBTS_H

#include "world.h"

#include "base/rng.h"
#include "fleet/complaints.h"

#define AREAS 16
#define NODES 128
#define NETWORKS 400

struct network {
	uint32_t area;
	unsigned node; /* that it is sent to now */
	unsigned before;
	double viewers; /* behind it */
};

struct scene {
	struct complaints *complaints;
	struct map map;
	struct map_node node[NODES];
	unsigned n_nodes;
	struct network net[NETWORKS];
	unsigned n_nets;
	int64_t now;
	struct rng rng;
	double fast;     /* presses of a viewer an hour, for no reason */
	unsigned step_s; /* of time */
	bool forgeable;  /* no question proves its address */
};

static inline int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.complaints = complaints_new(),
		.now = 1000000,
		.rng = {4},
		.fast = 0.2,
		.step_s = 1};
	s.n_nodes = AREAS;
	s.map = (struct map){.nodes = s.node, .n_nodes = NODES};
	for (unsigned i = 0; i < NODES; i++)
		s.node[i] = (struct map_node){.name = "n", .area = i % AREAS};
	*state = &s;
	return 0;
}

static inline int teardown(void **state)
{
	struct scene *s = *state;
	complaints_free(s->complaints);
	return 0;
}

static inline bool chance(struct scene *s, double p)
{
	return rng_unit(&s->rng) < p;
}

static inline void event(struct scene *s, enum steer_event_kind kind,
	uint32_t asker, uint32_t area, unsigned node, unsigned before)
{
	struct steer_event one = {.kind = (uint8_t)kind,
		.asker = asker,
		.proven = !s->forgeable,
		.area = area,
		.node = {(uint16_t)node, (uint16_t)before, MAP_NO_NODE,
			MAP_NO_NODE}};
	if (kind == EVENT_SENT) /* who was placed there */
		for (unsigned i = 0; i < s->n_nets; i++) {
			const struct network *net = &s->net[i];
			if (net->node != node)
				continue;
			one.rate += (float)net->viewers;
			if (net->area == area)
				one.at_once += (float)net->viewers;
		}
	complaints_event(s->complaints, &s->map, &one, s->now);
}

static inline void sent(struct scene *s, unsigned i, unsigned node)
{
	struct network *net = &s->net[i];
	if (net->node != node)
		net->before = net->node;
	net->node = node;
	event(s, EVENT_SENT, 1000 + i, net->area, node, MAP_NO_NODE);
}

static inline void left(struct scene *s, unsigned i)
{
	struct network *net = &s->net[i];
	event(s, EVENT_SWITCHED, 1000 + i, net->area, net->node, net->before);
}

/* Networks of all areas, each on the node of its own area. */
static inline void people(struct scene *s, unsigned n, double viewers)
{
	for (unsigned i = 0; i < n; i++) {
		s->net[s->n_nets] = (struct network){.area = i % AREAS,
			.node = MAP_NO_NODE,
			.before = MAP_NO_NODE,
			.viewers = viewers};
		sent(s, s->n_nets++, i % AREAS);
	}
}

/* What is wrong with a node: who presses, how often an hour. */
struct fault {
	unsigned node;
	double per_hour;
	int area;       /* -1: of all areas */
	bool strangers; /* only those not of the area of its site */
};

static inline double presses(
	const struct scene *s, const struct network *net, const struct fault *f)
{
	if (!f || net->node != f->node)
		return s->fast;
	if (f->area >= 0 && net->area != (uint32_t)f->area)
		return s->fast;
	if (f->strangers && net->area == s->node[net->node].area)
		return s->fast;
	return f->per_hour;
}

/* So many seconds; each network is sent to its node again every half minute. */
static inline void run(
	struct scene *s, unsigned seconds, const struct fault *fault)
{
	for (unsigned t = 0; t < seconds; t += s->step_s) {
		s->now += s->step_s * 1000;
		for (unsigned i = 0; i < s->n_nets; i++) {
			struct network *net = &s->net[i];
			double p = s->step_s * net->viewers *
				presses(s, net, fault) / 3600;
			if ((t / s->step_s + i) % (30 / s->step_s) == 0)
				sent(s, i, net->node);
			if (chance(s, p))
				left(s, i);
		}
		complaints_tick(s->complaints, s->now);
	}
}

static inline float everywhere(const struct scene *s, unsigned node)
{
	return complaints_everywhere_ms(s->complaints, node, s->now);
}

/* As a decision sees it: of one area, or for all strangers. */
static inline float for_area(
	const struct scene *s, uint32_t area, unsigned node)
{
	struct load load = {0};
	load.n_distrusts = complaints_of_areas(
		s->complaints, load.distrust, LOAD_DISTRUSTS_MAX, s->now);
	return load_distrust_ms(&load, area, node, area == s->node[node].area);
}

static inline float distrusted(
	const struct scene *s, uint32_t area, unsigned node)
{
	return fmaxf(everywhere(s, node), for_area(s, area, node));
}

static inline void nobody_is_doubted_but(const struct scene *s, unsigned node)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		for (uint32_t a = 0; a < AREAS && i != node; a++)
			if (distrusted(s, a, i) > 0)
				fail_msg(
					"node %u is doubted for area %u", i, a);
}

/* Seconds of doubt, from now on. */
static inline unsigned lasts(struct scene *s)
{
	unsigned seconds = 0;
	while (distrusted(s, 2, 2) >= 100) {
		run(s, 1, NULL);
		seconds++;
		assert_true(seconds < 3600);
	}
	return seconds;
}

/* A network of an area that was sent to a node of so many viewers. */
static inline void told_in(struct scene *s, uint32_t asker, uint32_t area,
	unsigned node, float viewers)
{
	struct steer_event one = {.kind = EVENT_SENT,
		.asker = asker,
		.area = area,
		.at_once = viewers,
		.rate = viewers,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	for (unsigned i = 0; i < 50; i++) /* the mean is that */
		complaints_event(s->complaints, &s->map, &one, s->now);
}

/* ... of the site's own area. */
static inline void told(
	struct scene *s, uint32_t asker, unsigned node, float viewers)
{
	told_in(s, asker, s->node[node].area, node, viewers);
}

static inline void press(struct scene *s, uint32_t asker, unsigned node)
{
	event(s, EVENT_SWITCHED, asker, s->node[node].area, node, MAP_NO_NODE);
}

static inline void tick(struct scene *s)
{
	s->now += 1000;
	complaints_tick(s->complaints, s->now);
}

/* One network is sent to node 7 from so many areas: so far is the table of ways full of
 * them. */
#define QUARTER_FULL 2000
#define NEARLY_FULL 8000
#define FULL 20000

static inline void many_areas(struct scene *s, uint32_t areas)
{
	for (uint32_t i = 0; i < areas; i++)
		event(s, EVENT_SENT, 9000, 1000 + i, 7, MAP_NO_NODE);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
