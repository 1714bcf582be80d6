/* Which nodes viewers leave: networks that press "switch line" at natural rates,
 * on nodes of which some stall their viewers. */
#include "world.h"

#include "base/rng.h"
#include "fleet/complaints.h"
#include "memory.h"

#define AREAS 16
#define NODES 128
#define NETWORKS 400

struct network {
	uint32_t area;
	unsigned node; /* told now */
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

static int setup(void **state)
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

static int teardown(void **state)
{
	struct scene *s = *state;
	complaints_free(s->complaints);
	return 0;
}

static bool chance(struct scene *s, double p)
{
	return rng_unit(&s->rng) < p;
}

static void event(struct scene *s, enum steer_event_kind kind, uint32_t asker,
	uint32_t area, unsigned node, unsigned before)
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

static void sent(struct scene *s, unsigned i, unsigned node)
{
	struct network *net = &s->net[i];
	if (net->node != node)
		net->before = net->node;
	net->node = node;
	event(s, EVENT_SENT, 1000 + i, net->area, node, MAP_NO_NODE);
}

static void left(struct scene *s, unsigned i)
{
	struct network *net = &s->net[i];
	event(s, EVENT_SWITCHED, 1000 + i, net->area, net->node, net->before);
}

/* Networks of all areas, each on the node of its own area. */
static void people(struct scene *s, unsigned n, double viewers)
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

static double presses(
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

/* So many seconds; each network is told its node again every half minute. */
static void run(struct scene *s, unsigned seconds, const struct fault *fault)
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

static float everywhere(const struct scene *s, unsigned node)
{
	return complaints_everywhere_ms(s->complaints, node, s->now);
}

/* As a decision sees it: of one area, or for all strangers. */
static float for_area(const struct scene *s, uint32_t area, unsigned node)
{
	struct load load = {0};
	load.n_distrusts = complaints_of_areas(
		s->complaints, load.distrust, LOAD_DISTRUSTS_MAX, s->now);
	return load_distrust_ms(&load, area, node, area == s->node[node].area);
}

static float distrusted(const struct scene *s, uint32_t area, unsigned node)
{
	return fmaxf(everywhere(s, node), for_area(s, area, node));
}

static void nobody_is_doubted_but(const struct scene *s, unsigned node)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		for (uint32_t a = 0; a < AREAS && i != node; a++)
			if (distrusted(s, a, i) > 0)
				fail_msg(
					"node %u is doubted for area %u", i, a);
}

/* Seconds until a node is doubted for an area. */
static unsigned seconds_to_doubt(struct scene *s, const struct fault *fault,
	uint32_t area, unsigned most)
{
	unsigned seconds = 0;
	while (distrusted(s, area, fault->node) < 100 && seconds <= most) {
		run(s, 1, fault);
		seconds++;
	}
	return seconds;
}

/* -- found -- */

/* A node that stalls its viewers: each presses within a minute. Three networks
 * with three viewers each are enough, and of more it takes seconds. */
static void test_left_by_all(void **state)
{
	static const unsigned nets[] = {3, 5, 12, 25};
	for (unsigned i = 0; i < 4; i++) {
		struct scene *s = *state;
		struct fault stalls = {2, 120, -1, false};
		teardown(state);
		setup(state);
		people(s, nets[i] * AREAS, 3);
		run(s, 900, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
		unsigned seconds = seconds_to_doubt(s, &stalls, 2, 90);
		if (seconds > (nets[i] > 3 ? 30 : 60))
			fail_msg("%u networks: %u s", nets[i], seconds);
		nobody_is_doubted_but(s, 2);
		assert_int_equal(complaints_found(s->complaints, 3), 0);
		assert_true(complaints_found(s->complaints, 2) > 0);
	}
}

/* ... of all areas, when its viewers come from everywhere. */
static void test_left_everywhere(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++)
		sent(s, i, i / AREAS % 4);
	run(s, 900, NULL);
	for (unsigned t = 0; everywhere(s, 2) < 100; t++) {
		assert_true(t < 30);
		run(s, 1, &stalls);
	}
	nobody_is_doubted_but(s, 2);
}

/* A way that is bad for one area only: the others keep their node. */
static void test_left_by_one_area(void **state)
{
	struct scene *s = *state;
	struct fault way = {2, 120, 5, false};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++)
		sent(s, i, i / AREAS % 4);
	run(s, 900, NULL);
	assert_true(seconds_to_doubt(s, &way, 5, 60) <= 45);
	run(s, 30, &way);
	assert_true(for_area(s, 5, 2) > 100);
	assert_float_equal(everywhere(s, 2), 0, 0);
	for (uint32_t area = 0; area < AREAS; area++)
		if (area != 5)
			assert_float_equal(distrusted(s, area, 2), 0, 0);
	nobody_is_doubted_but(s, 2);
}

/* A node whose links abroad are full, from each area a few: doubted for
 * strangers, not for its own site's area. */
static void test_left_by_strangers(void **state)
{
	struct scene *s = *state;
	struct fault links = {2, 120, -1, true};
	people(s, NETWORKS, 2);
	for (unsigned i = 0; i < s->n_nets; i++) {
		if (i % 2)
			s->net[i].area = 2;
		if (i % 2 || i % 16 == 6) /* few of them are strangers */
			sent(s, i, 2);
		else /* the others are strangers elsewhere */
			sent(s, i, (i / 16 + i) % AREAS);
	}
	run(s, 900, NULL);
	assert_true(seconds_to_doubt(s, &links, 4, 60) <= 45);
	assert_true(distrusted(s, 0, 2) > 100);
	assert_true(for_area(s, 7, 2) > 100); /* also who was never there */
	assert_float_equal(distrusted(s, 2, 2), 0, 0);
	nobody_is_doubted_but(s, 2);
}

/* A bad way to which viewers come one by one: never many leave at once, and yet
 * in some minutes it is clear. Two networks of them are not enough. */
static void test_left_one_by_one(void **state)
{
	static const unsigned nets[] = {2, 6};
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = *state;
		struct fault way = {2, 10, 5, false};
		teardown(state);
		setup(state);
		people(s, NETWORKS, 2);
		for (unsigned k = 0; k < s->n_nets; k++) {
			unsigned to = k / AREAS % 4 == 2 ? 3 : k / AREAS % 4;
			bool there = k % AREAS != 5 || k / AREAS < nets[i];
			sent(s, k, there && k % AREAS == 5 ? 2 : to);
		}
		run(s, 900, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
		unsigned seconds = seconds_to_doubt(s, &way, 5, 1800);
		if (nets[i] == 2 ? seconds <= 1800 : seconds > 900)
			fail_msg("%u networks: %u s", nets[i], seconds);
		nobody_is_doubted_but(s, 2);
	}
}

/* Those that are left most do not hide one another: three bad nodes at once. */
static void test_several_are_bad(void **state)
{
	struct scene *s = *state;
	people(s, 12 * AREAS, 3);
	run(s, 900, NULL);
	for (unsigned t = 0; t < 30; t++) {
		for (unsigned i = 0; i < s->n_nets; i++)
			if (i % AREAS < 3 && chance(s, 3 * 120 / 3600.0))
				left(s, i);
		run(s, 1, NULL);
	}
	for (unsigned node = 0; node < 3; node++)
		assert_true(distrusted(s, node, node) > 100);
	for (unsigned node = 3; node < AREAS; node++)
		assert_float_equal(distrusted(s, node, node), 0, 0);
}

/* -- not found -- */

/* Everybody presses once in an hour, for no reason; a day, a hundred nodes. */
static void test_background(void **state)
{
	struct scene *s = *state;
	s->fast = 1;
	s->step_s = 5;
	s->n_nodes = 100;
	people(s, NETWORKS, 5);
	for (unsigned i = 0; i < NETWORKS; i++)
		sent(s, i, i % s->n_nodes);
	for (unsigned hour = 0; hour < 24; hour++) {
		run(s, 3600, NULL);
		for (unsigned i = 0; i < NETWORKS; i += 7) /* some move */
			sent(s, i, (unsigned)(rng_next(&s->rng) % 100));
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Worse and worse for all, until everybody presses once in a quarter of an hour:
 * no node is worse than the others. */
static void test_all_press(void **state)
{
	struct scene *s = *state;
	people(s, NETWORKS, 5);
	for (unsigned i = 0; i < 40; i++) {
		s->fast = 0.1 * (i + 1);
		run(s, 60, NULL);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Two networks are two opinions, whatever they send, and whatever subnets they
 * name: an asker is one network. */
static void test_two_networks(void **state)
{
	struct scene *s = *state;
	people(s, 160, 1);
	for (unsigned t = 0; t < 600; t++) {
		run(s, 1, NULL); /* a third one presses once by chance */
		for (unsigned k = 0; k < 500; k++) {
			left(s, 2); /* both of area 2, on node 2 */
			left(s, 2 + AREAS);
		}
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Once per interval: who presses a hundred times says no more than who presses
 * once, so three networks take a while to be believed. */
static void test_once_per_interval(void **state)
{
	unsigned seconds[2] = {0, 0};
	for (unsigned k = 0; k < 2; k++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		people(s, 3 * AREAS, 0);
		run(s, 60, NULL);
		while (distrusted(s, 2, 2) == 0 && seconds[k] < 60) {
			for (unsigned n = 0; n < (k ? 100 : 1); n++)
				for (unsigned i = 0; i < 3; i++)
					left(s, 2 + i * AREAS);
			run(s, 1, NULL);
			seconds[k]++;
		}
	}
	assert_in_range(seconds[0], 5, 20);
	assert_int_equal(seconds[1], seconds[0]);
}

/* Who repeats a question does not begin to accuse the node that its viewers had
 * before. */
static void test_innocent_before(void **state)
{
	struct scene *s = *state;
	people(s, 160, 0);
	for (unsigned i = 2; i < 160; i += AREAS) { /* from 3 to 2 */
		sent(s, i, 3);
		sent(s, i, 2);
	}
	run(s, 60, NULL);
	for (unsigned t = 0; t < 120; t++) {
		run(s, 1, NULL);
		for (unsigned i = 2; i < 160; i += AREAS)
			for (unsigned k = 0; k < 3 && (t + i) % 20 == 0; k++)
				left(s, i);
	}
	assert_true(complaints_found(s->complaints, 2) > 0);
	nobody_is_doubted_but(s, 2);
}

/* A network that was never told a node has no viewers there. */
static void test_never_told(void **state)
{
	struct scene *s = *state;
	people(s, 160, 3);
	for (unsigned t = 0; t < 300; t++) {
		run(s, 1, NULL);
		for (unsigned i = 0; i < 50; i++)
			event(s, EVENT_SWITCHED, 90000 + i, 2, 2, MAP_NO_NODE);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* Nor has one that was told it long ago. */
static void test_told_long_ago(void **state)
{
	struct scene *s = *state;
	people(s, 160, 3);
	for (unsigned i = 2; i < 160; i += AREAS)
		sent(s, i, 3); /* area 2 is elsewhere now */
	run(s, 1200, NULL);
	for (unsigned t = 0; t < 60; t++) {
		run(s, 1, NULL);
		for (unsigned i = 2; i < 160; i += AREAS)
			event(s, EVENT_SWITCHED, 1000 + i, 2, 2, MAP_NO_NODE);
	}
	assert_int_equal(complaints_found(s->complaints, 2), 0);
}

/* -- afterwards -- */

/* Seconds of doubt, from now on. */
static unsigned lasts(struct scene *s)
{
	unsigned seconds = 0;
	while (distrusted(s, 2, 2) >= 100) {
		run(s, 1, NULL);
		seconds++;
		assert_true(seconds < 3600);
	}
	return seconds;
}

/* Doubted for two minutes, then tried with few; if they leave as well it is
 * doubted again, sooner and longer; in the end as long as it may be. */
static void test_tried_again(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	unsigned last = 0;
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned k = 2; k < 80; k += AREAS)
			sent(s, k, 2);
		seconds_to_doubt(s, &stalls, 2, 120);
		assert_true(distrusted(s, 2, 2) >= 100);
		for (unsigned k = 2; k < 80; k += AREAS)
			sent(s, k, 3); /* they go elsewhere meanwhile */
		unsigned now = lasts(s);
		assert_true(i == 0 || now + 2 >= last);
		assert_true(i == 0 || i > 3 || now > 1.5 * last);
		last = now;
		/* the trial: it costs something still, and less and less */
		float cost = distrusted(s, 2, 2);
		assert_true(cost > 1 && cost < 50);
		run(s, 20, NULL);
		assert_true(distrusted(s, 2, 2) < cost);
	}
	assert_true(last > 600 && last < 1800);
}

/* A trial that goes well: after a while it costs nothing, and all is forgiven. */
static void test_forgiven(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	unsigned first = 0;
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned i = 0; i < 2; i++) {
		seconds_to_doubt(s, &stalls, 2, 60);
		unsigned now = lasts(s);
		assert_true(i == 0 || abs((int)now - (int)first) < 5);
		first = now;
		run(s, 130, NULL);
		assert_float_equal(distrusted(s, 2, 2), 0, 0);
		run(s, 600, NULL);
	}
	assert_int_equal(complaints_found(s->complaints, 2) % 2, 0);
}

/* Reports of players do not know how many viewers a node has: they do not make it
 * look emptier than it is, and its usual presses too many. */
static void test_reports_without_viewers(void **state)
{
	struct scene *s = *state;
	struct steer_event report = {.kind = EVENT_SENT,
		.proven = true,
		.area = 2,
		.at_once = -1,
		.rate = -1,
		.node = {2, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	s->fast = 30;
	people(s, 400, 3);
	for (unsigned t = 0; t < 300; t++) {
		for (uint32_t i = 0; t > 120 && i < 3; i++) {
			report.asker = 5000 + i;
			complaints_event(
				s->complaints, &s->map, &report, s->now);
		}
		run(s, 1, NULL);
		nobody_is_doubted_but(s, MAP_NO_NODE);
	}
}

/* -- what anybody can forge -- */

/* However many say so by plain UDP, nobody is doubted unless the node's samples
 * agree; then within seconds. */
static void test_forgeable(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	s->forgeable = true;
	run(s, 300, NULL);
	run(s, 300, &stalls);
	nobody_is_doubted_but(s, MAP_NO_NODE);
	complaints_confirm(s->complaints, 2, s->now);
	assert_true(seconds_to_doubt(s, &stalls, 2, 10) <= 2);
}

/* What samples said a while ago, or of another node, agrees with nothing. */
static void test_confirmed_long_ago(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	s->forgeable = true;
	run(s, 300, NULL);
	complaints_confirm(s->complaints, 2, s->now);
	run(s, 90, NULL);
	complaints_confirm(s->complaints, 3, s->now);
	run(s, 300, &stalls);
	nobody_is_doubted_but(s, MAP_NO_NODE);
}

/* Forged questions of a network do not stand in the way of its own. */
static void test_proven_beside_forged(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	people(s, 80, 3);
	run(s, 300, NULL);
	for (unsigned t = 0; t < 90 && distrusted(s, 2, 2) < 100; t++) {
		s->forgeable = true;
		for (unsigned i = 0; i < s->n_nets; i++)
			left(s, i);
		s->forgeable = false;
		run(s, 1, &stalls);
	}
	assert_true(distrusted(s, 2, 2) >= 100);
	nobody_is_doubted_but(s, 2);
}

/* More networks than there is room for: nothing breaks, nobody is doubted. */
static void test_flood_of_networks(void **state)
{
	struct scene *s = *state;
	people(s, 80, 3);
	for (uint32_t i = 0; i < 300000; i++) {
		uint32_t area = (uint32_t)rng_next(&s->rng) % 1000;
		event(s, EVENT_SENT, i, area, i % NODES, MAP_NO_NODE);
		if (i % 3000 == 0)
			run(s, 1, NULL);
	}
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(complaints_found(s->complaints, i), 0);
}

/* When it is over and its networks are forgotten, bad nodes are found as before. */
static void test_after_a_flood(void **state)
{
	struct scene *s = *state;
	struct fault stalls = {2, 120, -1, false};
	for (uint32_t i = 0; i < 100000; i++)
		event(s, EVENT_SENT, i, 1000 + i % 1000, i / 1000 % NODES,
			MAP_NO_NODE);
	run(s, 1200, NULL);
	people(s, 80, 3);
	run(s, 300, NULL);
	assert_true(seconds_to_doubt(s, &stalls, 2, 60) <= 30);
	run(s, 10, &stalls);
	assert_float_equal(for_area(s, 2, 2), DISTRUST_COST_MS, 0);
	nobody_is_doubted_but(s, 2);
}

/* Three networks are remembered beside thousands that were sent to other nodes
 * later: they still can complain about a node. */
static void test_many_networks(void **state)
{
	struct scene *s = *state;
	people(s, 3 * AREAS, 3);
	for (uint32_t i = 0; i < 8000; i++)
		event(s, EVENT_SENT, 90000 + i, 7, 7, MAP_NO_NODE);
	for (unsigned t = 0; t < 12; t++) {
		for (unsigned i = 0; i < 3; i++)
			left(s, 2 + i * AREAS);
		s->now += 3000;
		complaints_tick(s->complaints, s->now);
	}
	assert_true(distrusted(s, 2, 2) > 100);
	nobody_is_doubted_but(s, 2);
}

/* Seconds of presses of so many networks until node 2 is doubted, at most a minute. */
static unsigned pressed_by(struct scene *s, unsigned networks)
{
	unsigned seconds = 0;
	while (seconds < 60 && distrusted(s, 2, 2) < 100) {
		for (unsigned i = 0; i < networks; i++)
			left(s, 2 + i * AREAS);
		run(s, 1, NULL);
		seconds++;
	}
	return seconds;
}

/* Three networks at least, but when it is tried again two are enough; one is not. */
static void test_networks_of_a_trial(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 3 * AREAS, 1);
	run(s, 60, NULL);
	assert_int_equal(pressed_by(s, 2), 60);
	run(s, 120, NULL);
	assert_true(pressed_by(s, 3) < 60);
	lasts(s);
	run(s, 40, NULL); /* they are sent there again */
	assert_int_equal(pressed_by(s, 1), 60);
	assert_true(pressed_by(s, 2) < 60);
}

/* A network that was sent to the node before the distrust, and not since, says
 * nothing of the trial. */
static void test_told_before_the_doubt(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 4 * AREAS, 1);
	run(s, 60, NULL);
	assert_true(pressed_by(s, 4) < 60);
	for (unsigned i = 2; i < s->n_nets; i += AREAS)
		sent(s, i, 3);
	lasts(s);
	for (unsigned t = 0; t < 60; t++) {
		for (unsigned i = 2; i < s->n_nets; i += AREAS)
			event(s, EVENT_SWITCHED, 1000 + i, 2, 2, MAP_NO_NODE);
		run(s, 1, NULL);
	}
	assert_true(distrusted(s, 2, 2) < DISTRUST_COST_MS);
}

/* A doubt lasts two minutes, and the next one four; its cost after that fades to
 * nothing within two. */
static void test_how_long(void **state)
{
	struct scene *s = *state;
	s->fast = 0;
	people(s, 3 * AREAS, 1);
	run(s, 60, NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(pressed_by(s, 3) < 60);
		assert_float_equal(distrusted(s, 2, 2), DISTRUST_COST_MS, 0);
		assert_in_range(lasts(s), 118 << i, 121 << i);
		assert_in_range(distrusted(s, 2, 2), 11, 12);
		run(s, 60, NULL);
		assert_in_range(distrusted(s, 2, 2), 5, 6);
		run(s, i ? 61 : 0, NULL);
	}
	assert_float_equal(distrusted(s, 2, 2), 0, 0);
}

/* -- evidence of a few -- */

/* A network of the site's own area that was sent to a node of so many viewers. */
static void told(struct scene *s, uint32_t asker, unsigned node, float viewers)
{
	struct steer_event one = {.kind = EVENT_SENT,
		.asker = asker,
		.area = s->node[node].area,
		.at_once = viewers,
		.rate = viewers,
		.node = {
			(uint16_t)node, MAP_NO_NODE, MAP_NO_NODE, MAP_NO_NODE}};
	for (unsigned i = 0; i < 50; i++) /* the mean is that */
		complaints_event(s->complaints, &s->map, &one, s->now);
}

static void press(struct scene *s, uint32_t asker, unsigned node)
{
	event(s, EVENT_SWITCHED, asker, s->node[node].area, node, MAP_NO_NODE);
}

static void tick(struct scene *s)
{
	s->now += 1000;
	complaints_tick(s->complaints, s->now);
}

static void three_press(struct scene *s)
{
	for (uint32_t i = 1; i <= 3; i++)
		press(s, i, 2);
}

/* A network may complain again after five seconds, not before. */
static void test_interval(void **state)
{
	for (unsigned ms = 4999; ms <= 5000; ms++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 0);
		tick(s);
		three_press(s);
		tick(s);
		assert_float_equal(everywhere(s, 2), 0, 0);
		s->now += ms - 1000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, ms == 5000);
	}
}

/* Once a second it is judged, not more often. */
static void test_once_a_second(void **state)
{
	struct scene *s = *state;
	for (uint32_t i = 1; i <= 3; i++)
		told(s, i, 2, 0);
	tick(s);
	three_press(s);
	s->now += 5000;
	complaints_tick(s->complaints, s->now);
	three_press(s);
	s->now += 999;
	complaints_tick(s->complaints, s->now);
	assert_float_equal(everywhere(s, 2), 0, 0);
	s->now += 1;
	complaints_tick(s->complaints, s->now);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
}

/* What the samples of a node say counts for a minute. */
static void test_confirmed_for_a_minute(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		s->forgeable = true;
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 0);
		complaints_confirm(s->complaints, 2, s->now);
		s->now += 54000 + late;
		complaints_tick(s->complaints, s->now);
		three_press(s);
		s->now += 5000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, !late);
	}
}

/* Where there are no viewers any more, as answers say, a few presses are many. */
static void test_viewers_are_gone(void **state)
{
	for (unsigned gone = 0; gone < 2; gone++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 20);
		for (uint32_t i = 1; gone && i <= 3; i++)
			told(s, i, 2, 0);
		tick(s);
		three_press(s);
		s->now += 5000;
		three_press(s);
		tick(s);
		assert_int_equal(everywhere(s, 2) > 0, gone);
	}
}

/* Networks that press one after another, twice each, are few as long as the second
 * time is not half a minute later; then it counts for half. */
static void test_slow_repeats(void **state)
{
	for (unsigned gap_s = 29; gap_s <= 31; gap_s += 2) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= 6; i++)
			told(s, i, 2, 2);
		for (unsigned t = 0; t < 360; t++) {
			if (t % 60 == 0)
				press(s, 1 + t / 60, 2);
			if (t % 60 == gap_s)
				press(s, 1 + t / 60, 2);
			tick(s);
		}
		assert_int_equal(
			complaints_found(s->complaints, 2) > 0, gap_s > 30);
	}
}

/* However often three networks press within twenty minutes, not more than once in half
 * a minute: they stay three. Six are enough. */
static void test_few_stay_few(void **state)
{
	for (unsigned n = 3; n <= 6; n += 3) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		for (uint32_t i = 1; i <= n; i++)
			told(s, i, 2, 5);
		for (unsigned t = 0; t < 540; t++) {
			for (uint32_t i = 1; i <= n && t % 31 == 0; i++)
				press(s, i, 2);
			tick(s);
		}
		assert_int_equal(complaints_found(s->complaints, 2) > 0, n > 3);
	}
}

/* The one of four nodes that is left most is compared with the others alone. */
static void test_worst_of_four(void **state)
{
	struct scene *s = *state;
	for (unsigned node = 0; node < 4; node++)
		for (uint32_t i = 1; i <= 7; i++)
			told(s, 10 * node + i, node, 20);
	for (uint32_t i = 1; i <= 7; i++)
		press(s, 20 + i, 2);
	tick(s);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
	assert_float_equal(for_area(s, 2, 2), DISTRUST_COST_MS, 0);
	nobody_is_doubted_but(s, 2);
}

/* A network whose entry was taken for another one is no evidence any more. */
static void test_forgotten_networks(void **state)
{
	for (unsigned flood = 0; flood < 2; flood++)
		for (unsigned forgeable = 0; forgeable < 2; forgeable++) {
			struct scene *s = *state;
			teardown(state);
			setup(state);
			s->forgeable = forgeable;
			tick(s);
			for (uint32_t i = 1; i <= 3; i++)
				told(s, i, 2, 0);
			for (unsigned k = 0; k < 2; k++) {
				for (uint32_t i = 1; i <= 3; i++)
					press(s, i, 2);
				s->now += 6000;
			}
			for (uint32_t i = 0; flood && i < 100000; i++)
				event(s, EVENT_SENT, 1000 + i, 7, 7,
					MAP_NO_NODE);
			if (forgeable)
				complaints_confirm(s->complaints, 2, s->now);
			tick(s);
			assert_int_equal(
				complaints_found(s->complaints, 2) > 0, !flood);
		}
}

/* Networks are remembered beside one another as long as there is room: three of each
 * of 300 areas, which doubt a node all at once. */
static void test_networks_side_by_side(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 0; i < 900; i++)
		event(s, EVENT_SENT, i, 1000 + i / 3, 2, MAP_NO_NODE);
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < 900; i++)
			event(s, EVENT_SWITCHED, i, 1000 + i / 3, 2,
				MAP_NO_NODE);
		s->now += 6000;
	}
	tick(s);
	/* and strangers, and all */
	assert_int_equal(complaints_found(s->complaints, 2), 302);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
	for (unsigned node = 0; node < NODES; node++)
		assert_true(node == 2 || everywhere(s, node) == 0);
}

/* Doubts are listed by area and node, as many as there is room for. */
static void test_listed(void **state)
{
	struct scene *s = *state;
	struct load_distrust out[16];
	tick(s);
	for (unsigned k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < 30; i++)
			event(s, k ? EVENT_SWITCHED : EVENT_SENT, i,
				100 + i % 5, i < 15 ? 3 : 2, MAP_NO_NODE);
		s->now += 6000;
	}
	tick(s);
	unsigned n = complaints_of_areas(s->complaints, out, 16, s->now);
	assert_int_equal(n, 12);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(
			out[i].area, i < 10 ? 100 + i / 2 : LOAD_ELSEWHERE);
		assert_int_equal(out[i].node, 2 + i % 2);
		assert_float_equal(out[i].ms, DISTRUST_COST_MS, 0);
	}
	assert_int_equal(complaints_of_areas(s->complaints, out, 7, s->now), 7);
}

/* Ten areas distrust a node. However many areas are sent to others meanwhile,
 * these entries keep their places. */
static void test_flood_of_areas(void **state)
{
	struct scene *s = *state;
	for (uint32_t area = 100; area < 110; area++)
		for (uint32_t i = 1; i <= 3; i++)
			event(s, EVENT_SENT, i, area, 2, MAP_NO_NODE);
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t area = 100; area < 110; area++)
			for (uint32_t i = 1; i <= 3; i++)
				event(s, EVENT_SWITCHED, i, area, 2,
					MAP_NO_NODE);
		tick(s);
		s->now += 5000;
	}
	for (uint32_t area = 1000; area < 4000; area++)
		event(s, EVENT_SENT, 9, area, 3, MAP_NO_NODE);
	tick(s);
	struct load load = {0};
	load.n_distrusts = complaints_of_areas(
		s->complaints, load.distrust, LOAD_DISTRUSTS_MAX, s->now);
	unsigned n = 0;
	for (unsigned i = 0; i < load.n_distrusts; i++)
		n += load.distrust[i].area >= 100 &&
			load.distrust[i].area < 110;
	assert_int_equal(n, 10);
}

static void test_memory(void **state)
{
	size_t before = memory_of_heap();
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		complaints_free(complaints_new());
	complaints_free(NULL);
	assert_true(memory_of_heap() < before + 100000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_left_by_all),
		TEST(test_left_everywhere),
		TEST(test_left_by_one_area),
		TEST(test_left_by_strangers),
		TEST(test_left_one_by_one),
		TEST(test_several_are_bad),
		TEST(test_background),
		TEST(test_all_press),
		TEST(test_two_networks),
		TEST(test_once_per_interval),
		TEST(test_innocent_before),
		TEST(test_never_told),
		TEST(test_told_long_ago),
		TEST(test_tried_again),
		TEST(test_forgiven),
		TEST(test_reports_without_viewers),
		TEST(test_forgeable),
		TEST(test_confirmed_long_ago),
		TEST(test_proven_beside_forged),
		TEST(test_flood_of_networks),
		TEST(test_after_a_flood),
		TEST(test_many_networks),
		TEST(test_networks_of_a_trial),
		TEST(test_told_before_the_doubt),
		TEST(test_how_long),
		TEST(test_interval),
		TEST(test_once_a_second),
		TEST(test_confirmed_for_a_minute),
		TEST(test_viewers_are_gone),
		TEST(test_slow_repeats),
		TEST(test_few_stay_few),
		TEST(test_worst_of_four),
		TEST(test_forgotten_networks),
		TEST(test_flood_of_areas),
		TEST(test_networks_side_by_side),
		TEST(test_listed),
		TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
