/* docs/steering.md as tests: what nodes do and say, in virtual time, and where
 * viewers are sent then. Health, forecast and decision together; each for itself
 * is in test_health.c, test_forecast.c and test_decide.c. */
#include "world.h"

#include "fleet/fleet.h"

#define STEP_S 3 /* the interval of polls */
#define NODES 5
#define NETS 16 /* client nets of a place, see net() */

static const struct fleet_rules rules = {{3000, 1500, 2, 2}, 300};

/* hk1 and hk2 fail together; the three of Hong Kong are equally near. */
static const char cities[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2], site: hk}\n"
	"  hk2: {address: [192.0.2.2], at: [22.3, 114.2], site: hk}\n"
	"  hk3: {address: [192.0.2.3], at: [22.3, 114.2], site: hkb}\n"
	"  jp1: {address: [192.0.2.4], at: [35.7, 139.7], site: tyo}\n"
	"  uk1: {address: [192.0.2.5], at: [51.5, -0.1], site: lon}\n"
	"steer:\n"
	"  near.example.com: {pool: [edge], lines: 5, ttl: [5, 30]}\n"
	"  geo.example.com: {pool: [edge], policy: geo, lines: 3}\n"
	"  push.example.com: {pool: [edge], policy: stable, ttl: [5, 60]}\n"
	"  order.example.com: {pool: [uk1, jp1, hk1, hk2, hk3], policy: failover, lines: 3}\n";

#define HK "10.1"
#define JP "10.2"
#define UK "10.3"

/* What a node does, a letter each:
 *	+ well	? its statistics stand still	x it refuses	t it is silent
 *	d drained and well	D drained and refusing	*/
struct scene {
	struct world w;
	struct fleet *fleet;
	struct load *load;
	char does[NODES + 1];
	uint32_t connections[NODES];
	float cpu[NODES];
	int64_t stamp[NODES]; /* of its last statistics */
	unsigned next_net;
	const char *rule; /* for messages */
};

static void publish(struct scene *s)
{
	fleet_merge(s->fleet, 0, s->w.accounts, s->w.now);
	load_free(s->load);
	s->load = fleet_load(s->fleet, s->w.now);
	s->w.state.load = s->load;
}

static void poll_node(struct scene *s, unsigned i)
{
	char does = s->does[i];
	bool refuses = does == 'x' || does == 'D';
	if (does != '?')
		s->stamp[i] = s->w.now - 500;
	struct sample one = {.sampled_ms = s->stamp[i],
		.node_ms = s->w.now,
		.connections = s->connections[i],
		.cpu = s->cpu[i],
		.uptime_s = -1,
		.identity = 7};

	fleet_drain(s->fleet, i, does == 'd' || does == 'D');
	if (refuses || does == 't')
		fleet_failed(s->fleet, i,
			refuses ? SAMPLE_REFUSED : SAMPLE_TIMEOUT, s->w.now);
	else
		fleet_sample(s->fleet, i, &one, s->w.now);
	if (does != 't')
		fleet_probed(s->fleet, i, HEALTH_RTMP, !refuses, s->w.now);
}

static void pass(struct scene *s, unsigned seconds)
{
	for (unsigned t = 0; t < seconds; t += STEP_S) {
		s->w.now += STEP_S * 1000;
		for (unsigned i = 0; i < s->w.map->n_nodes; i++)
			poll_node(s, i);
		publish(s);
	}
}

/* They go on so, until it shows. */
static void nodes_do(struct scene *s, const char *does)
{
	snprintf(s->does, sizeof s->does, "%s", does);
	pass(s, 30);
}

static void open_scene(struct scene *s, const char *yaml)
{
	*s = (struct scene){.does = "+++++"};
	world_open(&s->w, yaml);
	s->fleet = fleet_new(&rules, s->w.now);
	fleet_set_map(s->fleet, s->w.map, &rules, s->w.now);
	for (unsigned i = 0; i < s->w.map->n_nodes; i++) {
		fleet_watch(s->fleet, i, true, true);
		s->connections[i] = 100;
	}
	pass(s, 9);
}

static void close_scene(struct scene *s)
{
	load_free(s->load);
	fleet_free(s->fleet);
	world_close(&s->w);
}

static int setup(void **state)
{
	static struct scene s;
	open_scene(&s, cities);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	close_scene(*state);
	return 0;
}

static const char *net(const char *place, unsigned i)
{
	static char text[32];
	snprintf(text, sizeof text, "%s.%u.0/24", place, i % NETS * 16);
	return text;
}

/* Decided as if nobody had asked before; accounts nothing. */
static struct steer_decision fresh(
	struct scene *s, const char *name, const char *client)
{
	struct steer_query q = world_query(&s->w, name, client);
	struct steer_decision d;
	steer_decide(world_state(&s->w), NULL, &q, s->w.now, &d, NULL);
	return d;
}

static const char *node_name(const struct scene *s, unsigned node)
{
	return s->w.map->nodes[node].name;
}

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* All nets of a place are sent to nodes whose names begin so. */
static void all_go(
	struct scene *s, const char *name, const char *place, const char *to)
{
	for (unsigned i = 0; i < NETS; i++) {
		struct steer_decision d = fresh(s, name, net(place, i));
		const char *got = node_name(s, d.node[0]);
		if (!starts(got, to))
			fail_msg("%s%s of %s: %s, not %s (nodes do %s)",
				s->rule ? s->rule : "", name, net(place, i),
				got, to, s->does);
	}
}

/* How many of many nets of a place are sent to a node. */
static unsigned share(struct scene *s, const char *place, const char *to)
{
	unsigned n = 0;
	for (unsigned i = 0; i < 300; i++) {
		struct steer_query q =
			world_query(&s->w, "near.example.com", net(place, 0));
		struct steer_decision d;
		q.net.bytes[2] = (uint8_t)i;
		q.net.bytes[3] = (uint8_t)(i >> 8);
		steer_decide(world_state(&s->w), NULL, &q, s->w.now, &d, NULL);
		n += !strcmp(node_name(s, d.node[0]), to);
	}
	return n;
}

/* -- the model -- */

/* Utilisation is the worst of connections, CPU and (test_samples.c) bandwidth:
 * each of them alone makes viewers go elsewhere. */
static void test_worst_of(void **state)
{
	struct scene *s = *state;
	all_go(s, "near.example.com", JP, "jp1");
	s->connections[3] = 1100;
	pass(s, 30);
	all_go(s, "near.example.com", JP, "hk");
	s->connections[3] = 100;
	pass(s, 60);
	all_go(s, "near.example.com", JP, "jp1");
	s->cpu[3] = 1;
	pass(s, 60);
	all_go(s, "near.example.com", JP, "hk");
}

/* Nothing while a node has room: half full is as good as empty. */
static void test_room_costs_nothing(void **state)
{
	struct scene *s = *state;
	unsigned before = share(s, HK, "hk1");
	s->connections[0] = 500;
	pass(s, 9);
	assert_int_equal(share(s, HK, "hk1"), before);
}

/* Never infinite: in a full fleet the least full wins. */
static void test_full_fleet(void **state)
{
	struct scene *s = *state;
	static const uint32_t full[] = {1500, 1400, 1300, 1200, 1050};
	memcpy(s->connections, full, sizeof full);
	pass(s, 30);
	all_go(s, "near.example.com", HK, "uk1");
}

/* Every answer promises a viewer; who comes in a rush, between two samples, is
 * spread over what has room. */
static void test_rush(void **state)
{
	struct scene s;
	unsigned to_near = 0;
	(void)state;
	open_scene(&s,
		"nodes:\n"
		"  near: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 200}\n"
		"  far: {address: [192.0.2.2], at: [35.7, 139.7], capacity: 200}\n"
		"steer: {near.example.com: {pool: [edge]}}\n");
	for (int i = 0; i < 150; i++) {
		struct steer_query q =
			world_query(&s.w, "near.example.com", net(HK, 0));
		struct steer_decision d;
		q.net.bytes[2] = (uint8_t)i;
		q.asker = q.net;
		steer_answer(world_state(&s.w), s.w.accounts, &q, s.w.now, &d);
		to_near += !strcmp(node_name(&s, d.node[0]), "near");
		s.w.now += 15;
		if (i % 7 == 0)
			publish(&s);
	}
	assert_in_range(to_near, 40, 100); /* of 100 that have room */
	close_scene(&s);
}

/* One failed poll: doubt. Equal ones are better now, far ones are not. */
static void test_suspect(void **state)
{
	struct scene *s = *state;
	assert_true(share(s, HK, "hk1") > 0);
	snprintf(s->does, sizeof s->does, "t++++");
	pass(s, 3);
	assert_int_equal(share(s, HK, "hk1"), 0);
	snprintf(s->does, sizeof s->does, "++++t");
	pass(s, 3);
	all_go(s, "near.example.com", UK, "uk1");
}

/* -- states -- */

/* up, unknown, down, drained: the first kind there is, whatever the policy. */
static void test_last_resort(void **state)
{
	static const struct {
		const char *does;  /* hk1 hk2 hk3 jp1 uk1 */
		const char *jp;    /* where Tokyo goes by cost and by path */
		const char *order; /* uk1 jp1 hk1 hk2 hk3 */
		enum node_state state;
	} rows[] = {
		{"+++++", "jp1", "uk1", NODE_UP},
		{"+++?+", "hk", "uk1", NODE_UP},
		{"+++x+", "hk", "uk1", NODE_UP},
		{"+++d+", "hk", "uk1", NODE_UP},
		{"xx+xx", "hk3", "hk3", NODE_UP},
		{"???+?", "jp1", "jp1", NODE_UP},
		{"???x?", "hk", "uk1", NODE_UNKNOWN},
		{"xxxx?", "uk1", "uk1", NODE_UNKNOWN},
		{"xxxd?", "uk1", "uk1", NODE_UNKNOWN},
		{"xxxxx", "jp1", "uk1", NODE_DOWN},
		{"dddxd", "jp1", "jp1", NODE_DOWN},
		{"xddDd", "hk1", "hk1", NODE_DOWN},
		{"ddddd", "jp1", "uk1", NODE_DRAINED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		open_scene(&s, cities);
		nodes_do(&s, rows[i].does);
		all_go(&s, "near.example.com", JP, rows[i].jp);
		all_go(&s, "geo.example.com", JP, rows[i].jp);
		all_go(&s, "push.example.com", JP, rows[i].jp);
		all_go(&s, "order.example.com", JP, rows[i].order);
		struct steer_decision d =
			fresh(&s, "near.example.com", net(JP, 0));
		assert_int_equal(d.state, rows[i].state);
		close_scene(&s);
	}
}

/* A node that has left the best state is left at once, within its TTL too. */
static void test_left_at_once(void **state)
{
	static const char *const does[] = {"+++x+", "+++?+", "+++d+"};
	(void)state;
	for (size_t i = 0; i < sizeof does / sizeof *does; i++) {
		struct scene s;
		open_scene(&s, cities);
		struct steer_decision d =
			world_ask(&s.w, "push.example.com", net(JP, 0));
		assert_string_equal(node_name(&s, d.node[0]), "jp1");
		nodes_do(&s, does[i]);
		struct steer_decision e =
			world_ask(&s.w, "push.example.com", net(JP, 0));
		assert_false(e.again);
		assert_string_not_equal(node_name(&s, e.node[0]), "jp1");
		close_scene(&s);
	}
}

/* A drained node that is undrained is what it was: its health went on. */
static void test_undrained(void **state)
{
	struct scene *s = *state;
	nodes_do(s, "+++d+");
	all_go(s, "near.example.com", JP, "hk");
	snprintf(s->does, sizeof s->does, "+++++");
	pass(s, 3);
	all_go(s, "near.example.com", JP, "jp1");
	nodes_do(s, "+++D+");
	snprintf(s->does, sizeof s->does, "+++x+");
	pass(s, 3);
	all_go(s, "near.example.com", JP, "hk");
}

/* Statistics that stand still: within a few rounds the node is not believed to
 * have the load that it tells, and once they move it is. */
static void test_frozen(void **state)
{
	struct scene *s = *state;
	snprintf(s->does, sizeof s->does, "+++?+");
	pass(s, 6);
	all_go(s, "near.example.com", JP, "jp1");
	pass(s, 12);
	all_go(s, "near.example.com", JP, "hk");
	snprintf(s->does, sizeof s->does, "+++++");
	pass(s, 3);
	all_go(s, "near.example.com", JP, "jp1");
}

/* A node that is back gets few at first, its share in the end, and never less
 * on the way. */
static void test_ramp(void **state)
{
	struct scene *s = *state;
	unsigned full = share(s, HK, "hk1"), last = 0;
	nodes_do(s, "x++++");
	assert_int_equal(share(s, HK, "hk1"), 0);
	s->connections[0] = 0;
	snprintf(s->does, sizeof s->does, "+++++");
	pass(s, 9); /* its probe first, then twice well */
	assert_in_range(share(s, HK, "hk1"), 1, full / 2);
	for (int i = 0; i < 12; i++) {
		assert_true(share(s, HK, "hk1") >= last);
		last = share(s, HK, "hk1");
		pass(s, 12);
	}
	assert_int_equal(share(s, HK, "hk1"), full);
}

/* Seconds until a node that refused for a while is sent viewers again. */
static unsigned away(struct scene *s)
{
	unsigned seconds = 0;
	snprintf(s->does, sizeof s->does, "x++++");
	pass(s, 6);
	assert_int_equal(share(s, HK, "hk1"), 0);
	snprintf(s->does, sizeof s->does, "+++++");
	do {
		pass(s, STEP_S);
		seconds += STEP_S;
		assert_true(seconds < 600);
	} while (!share(s, HK, "hk1"));
	return seconds;
}

/* Falls in succession: some cost nothing, then it is held down, longer each
 * time up to a most; after a quiet time all is forgiven. */
static void test_hold(void **state)
{
	struct scene *s = *state;
	unsigned first = away(s), last = first, most = 0;
	for (int i = 0; i < 8; i++) {
		unsigned now = away(s);
		assert_true(now >= last);
		last = now;
	}
	assert_true(last > 4 * first);
	most = away(s);
	assert_in_range(most, last, last + 2 * STEP_S);
	pass(s, 1200);
	assert_int_equal(away(s), first);
}

/* Most of all nodes silent at once: more likely us than them. Answers stay as
 * they were, for a minute. */
static void test_blind(void **state)
{
	struct scene *s = *state;
	snprintf(s->does, sizeof s->does, "ttt+t");
	pass(s, 45);
	assert_true(fleet_is_blind(s->fleet));
	all_go(s, "near.example.com", HK, "hk");
	all_go(s, "near.example.com", UK, "uk1");
	pass(s, 60);
	assert_false(fleet_is_blind(s->fleet));
	all_go(s, "near.example.com", HK, "jp1");
	all_go(s, "near.example.com", UK, "jp1");
}

/* Who refuses is there: then it is not our network. Nor is half of them most of
 * them. */
static void test_not_blind(void **state)
{
	static const char *const does[] = {"xxx+x", "tt+++"};
	(void)state;
	for (size_t i = 0; i < sizeof does / sizeof *does; i++) {
		struct scene s;
		open_scene(&s, cities);
		nodes_do(&s, does[i]);
		assert_false(fleet_is_blind(s.fleet));
		all_go(&s, "near.example.com", HK, i ? "hk3" : "jp1");
		close_scene(&s);
	}
}

/* -- policies -- */

static void test_policies(void **state)
{
	static const struct {
		const char *rule, *name;
		uint32_t jp1; /* connections of 1000 */
		const char *does, *jp;
	} rows[] = {
		{"nearby: nearest with room", "near", 100, "+++++", "jp1"},
		{"nearby: not when full", "near", 1100, "+++++", "hk"},
		{"stable: nearest", "push", 100, "+++++", "jp1"},
		{"stable: while not full", "push", 900, "+++++", "jp1"},
		{"stable: not when full", "push", 1100, "+++++", "hk"},
		{"geo: nearest", "geo", 100, "+++++", "jp1"},
		{"geo: whatever its load", "geo", 5000, "+++++", "jp1"},
		{"geo: that is up", "geo", 100, "+++x+", "hk"},
		{"failover: the first", "order", 100, "+++++", "uk1"},
		{"failover: that is up", "order", 100, "++++x", "jp1"},
		{"failover: whatever its load", "order", 5000, "++++x", "jp1"},
		{"failover: then the third", "order", 100, "+++xx", "hk1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		char name[40];
		open_scene(&s, cities);
		s.rule = rows[i].rule;
		s.connections[3] = rows[i].jp1;
		nodes_do(&s, rows[i].does);
		snprintf(name, sizeof name, "%s.example.com", rows[i].name);
		all_go(&s, name, JP, rows[i].jp);
		close_scene(&s);
	}
}

/* stable: load moves nobody, not even to an equal neighbour, until the node is
 * full; nearby is moved sooner. */
static void test_stable_stays(void **state)
{
	struct scene *s = *state;
	unsigned push[NETS], near[NETS], moved = 0, on_hk1 = 0;
	for (unsigned i = 0; i < NETS; i++) {
		push[i] = fresh(s, "push.example.com", net(HK, i)).node[0];
		near[i] = fresh(s, "near.example.com", net(HK, i)).node[0];
	}
	s->connections[0] = 890;
	pass(s, 60);
	for (unsigned i = 0; i < NETS; i++) {
		unsigned now = fresh(s, "push.example.com", net(HK, i)).node[0];
		assert_int_equal(now, push[i]);
		on_hk1 += now == 0;
		now = fresh(s, "near.example.com", net(HK, i)).node[0];
		moved += now != near[i];
	}
	assert_true(on_hk1 > 0 && moved > 0);
	s->connections[0] = 1100;
	pass(s, 60);
	for (unsigned i = 0; i < NETS; i++)
		assert_int_not_equal(
			fresh(s, "push.example.com", net(HK, i)).node[0], 0);
}

/* -- lines -- */

static struct steer_decision line_of(
	struct scene *s, unsigned line, const char *client, bool sent)
{
	struct steer_query q = world_query(&s->w, "near.example.com", client);
	struct steer_decision d;
	q.line = (uint8_t)line;
	if (sent)
		steer_answer(
			world_state(&s->w), s->w.accounts, &q, s->w.now, &d);
	else
		steer_decide(world_state(&s->w), NULL, &q, s->w.now, &d, NULL);
	return d;
}

/* Another site while another is up, else another node while another is in the
 * same state, else the same: as often as there are. */
static void test_lines(void **state)
{
	static const struct {
		const char *does;
		unsigned sites, nodes; /* of the best state */
	} rows[] = {{"+++++", 4, 5}, {"+++xx", 2, 3}, {"++xxx", 1, 2},
		{"++?d?", 1, 2}, {"+xxxx", 1, 1}, {"+????", 1, 1},
		{"xxxx+", 1, 1}, {"xxxxx", 1, 5}, {"???dd", 1, 3}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		open_scene(&s, cities);
		nodes_do(&s, rows[i].does);
		for (unsigned k = 0; k < 2 * NETS; k++) {
			struct steer_decision d[3];
			for (unsigned n = 0; n < 3; n++) {
				d[n] = line_of(
					&s, n + 1, net(HK, k), k >= NETS);
				assert_int_equal(d[n].only, n >= rows[i].nodes);
				for (unsigned j = 0; j < n; j++) {
					if (n < rows[i].nodes)
						assert_int_not_equal(
							d[n].node[0],
							d[j].node[0]);
					if (n < rows[i].sites)
						assert_false(map_same_site(
							s.w.map, d[n].node[0],
							d[j].node[0]));
				}
			}
			if (rows[i].nodes == 1)
				assert_int_equal(d[2].node[0], d[0].node[0]);
		}
		close_scene(&s);
	}
}

/* Not where the viewer was sent within the last half hour, though line 1 is
 * somewhere else now. */
static void test_line_remembers(void **state)
{
	static const struct {
		unsigned minutes;
		bool remembers;
	} rows[] = {{1, true}, {10, true}, {29, true}, {40, false}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		open_scene(&s, cities);
		s.connections[3] = 1200; /* Tokyo is full: they go to HK ... */
		pass(&s, 30);
		struct steer_decision one = line_of(&s, 1, net(JP, 0), true);
		assert_true(starts(node_name(&s, one.node[0]), "hk"));
		s.connections[3] = 100; /* ... and HK is where line 2 is now */
		pass(&s, rows[i].minutes * 60);
		struct steer_decision two = line_of(&s, 2, net(JP, 0), true);
		bool avoids = !map_same_site(s.w.map, two.node[0], one.node[0]);
		if (rows[i].remembers)
			assert_true(avoids);
		else /* line 1 would be Tokyo now */
			assert_string_not_equal(
				node_name(&s, two.node[0]), "jp1");
		close_scene(&s);
	}
}

/* Beyond line 3 nothing is remembered, but they differ all the same. */
static void test_fourth_line(void **state)
{
	struct scene *s = *state;
	for (unsigned k = 0; k < NETS; k++) {
		uint16_t had[5];
		for (unsigned n = 0; n < 5; n++) {
			had[n] = line_of(s, n + 1, net(HK, k), true).node[0];
			for (unsigned j = 0; j < n; j++)
				assert_int_not_equal(had[n], had[j]);
		}
	}
}

/* -- TTL -- */

struct ttl_row {
	const char *why, *name;
	const char *does;
	uint32_t jp1; /* connections */
	unsigned line;
	bool provisional;
	uint32_t ttl_s;
};

static void test_ttl(void **state)
{
	static const struct ttl_row rows[] = {
		{"the most", "near", "+++++", 100, 1, false, 30},
		{"stable: the most", "push", "+++++", 100, 1, false, 60},
		{"stable: also when full", "push", "xxx+x", 1100, 1, false, 60},
		{"full: the least", "near", "xxx+x", 1100, 1, false, 5},
		{"not up: the least", "near", "xxx?x", 100, 1, false, 5},
		{"line 2: the least", "near", "+++++", 100, 2, false, 5},
		{"geography unread: the least", "near", "+++++", 100, 1, true,
			5},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		char name[40];
		open_scene(&s, cities);
		s.connections[3] = rows[i].jp1;
		nodes_do(&s, rows[i].does);
		s.load->provisional = rows[i].provisional;
		snprintf(name, sizeof name, "%s.example.com", rows[i].name);
		struct steer_query q = world_query(&s.w, name, net(JP, 0));
		struct steer_decision d;
		q.line = (uint8_t)rows[i].line;
		steer_decide(world_state(&s.w), NULL, &q, s.w.now, &d, NULL);
		if (d.ttl_s != rows[i].ttl_s)
			fail_msg("%s: %u", rows[i].why, d.ttl_s);
		close_scene(&s);
	}
}

/* The faster a node fills the shorter its answers live, never outside the
 * limits. */
static void test_ttl_of_growth(void **state)
{
	uint32_t last = 31;
	(void)state;
	for (unsigned per_poll = 0; per_poll <= 150; per_poll += 30) {
		struct scene s;
		open_scene(&s, cities);
		for (int i = 0; i < 5; i++) {
			s.connections[3] += per_poll;
			pass(&s, STEP_S);
		}
		struct steer_decision d =
			fresh(&s, "near.example.com", net(JP, 0));
		if (!strcmp(node_name(&s, d.node[0]), "jp1")) {
			assert_true(d.ttl_s <= last);
			assert_in_range(d.ttl_s, 5, 30);
			last = d.ttl_s;
		}
		close_scene(&s);
	}
	assert_true(last < 15);
}

/* -- one decision -- */

/* A, AAAA and HTTPS of one viewer: one node, one TTL, one promise, and kept
 * for the TTL although another node would be better now. */
static void test_one_decision(void **state)
{
	static const uint8_t orders[][3] = {{STEER_A, STEER_AAAA, STEER_HTTPS},
		{STEER_AAAA, STEER_HTTPS, STEER_A},
		{STEER_HTTPS, STEER_A, STEER_AAAA}};
	struct scene *s = *state;
	for (unsigned i = 0; i < 3; i++) {
		struct steer_query q =
			world_query(&s->w, "near.example.com", net(HK, i));
		struct steer_decision d[3];
		uint64_t before = 0, after = 0;
		for (unsigned k = 0; k < NODES; k++)
			before += s->w.accounts->reservation[k].viewers;
		for (unsigned k = 0; k < 3; k++) {
			q.type = orders[i][k];
			steer_answer(world_state(&s->w), s->w.accounts, &q,
				s->w.now, &d[k]);
			s->connections[d[0].node[0]] += 300;
			pass(s, STEP_S);
		}
		for (unsigned k = 0; k < NODES; k++)
			after += s->w.accounts->reservation[k].viewers;
		assert_int_equal(after - before, RESERVATION_VIEWER);
		for (unsigned k = 1; k < 3; k++) {
			assert_int_equal(d[k].node[0], d[0].node[0]);
			assert_int_equal(d[k].ttl_s, d[0].ttl_s);
			assert_true(d[k].again);
		}
	}
}

/* A crowd behind one resolver is spread: what it asks again within the TTL is
 * decided anew, while a household's is not. */
static void test_heavy_net(void **state)
{
	struct scene *s = *state;
	struct steer_decision d;
	for (int i = 0; i < 30; i++) { /* asked as soon as it has run out */
		d = world_ask(&s->w, "near.example.com", net(HK, 0));
		s->connections[d.node[0]] += 5 * d.ttl_s; /* and they come */
		pass(s, d.ttl_s);
		s->w.now += 2;
		publish(s);
	}
	assert_true(d.rate * (float)d.ttl_s > 20);
	world_ask(&s->w, "near.example.com", net(HK, 0));
	s->w.now += 10;
	d = world_ask(&s->w, "near.example.com", net(HK, 0));
	assert_false(d.again);
	world_ask(&s->w, "near.example.com", net(HK, 1));
	s->w.now += 10;
	d = world_ask(&s->w, "near.example.com", net(HK, 1));
	assert_true(d.again);
}

/* Makes a crowd of so many viewers a second behind a net, and its nodes grow so;
 * returns its last answer. */
static struct steer_decision make_crowd(
	struct scene *s, const char *client, double per_s)
{
	struct steer_decision d;
	for (int i = 0; i < 15; i++) {
		d = world_ask(&s->w, "near.example.com", client);
		for (unsigned k = 0; k < d.n; k++)
			s->connections[d.node[k]] +=
				(uint32_t)(per_s * d.ttl_s / d.n);
		pass(s, d.ttl_s);
		s->w.now += 2;
		publish(s);
	}
	return d;
}

/* A crowd behind one resolver gets several addresses, of nodes that are equally
 * near; a household gets one, and line 2 always does. */
static void test_crowd_gets_several(void **state)
{
	struct scene *s = *state;
	struct steer_decision d = make_crowd(s, net(HK, 0), 8);
	assert_in_range(d.n, 2, 4);
	for (unsigned i = 0; i < d.n; i++)
		assert_true(starts(node_name(s, d.node[i]), "hk"));
	d = world_ask(&s->w, "near.example.com", net(HK, 1));
	assert_int_equal(d.n, 1);
	d = world_ask(&s->w, "line2.near.example.com", net(HK, 0));
	assert_int_equal(d.n, 1);
	/* where others are far away, one must do */
	make_crowd(s, net(UK, 0), 5);
	s->connections[4] = 100; /* it has room again */
	pass(s, STEP_S);
	d = world_ask(&s->w, "near.example.com", net(UK, 0));
	assert_true(d.rate > 1);
	assert_int_equal(d.n, 1);
	assert_string_equal(node_name(s, d.node[0]), "uk1");
}

/* What the answer promises is promised once, not to each of its nodes. */
static void test_crowd_promises_once(void **state)
{
	struct scene *s = *state;
	make_crowd(s, net(HK, 0), 8);
	float reserved = 0;
	struct steer_decision d =
		world_ask(&s->w, "near.example.com", net(HK, 0));
	publish(s);
	for (unsigned i = 0; i < NODES; i++)
		reserved += s->load->node[i].reserved;
	float viewers = d.at_once + d.rate * d.held_s;
	assert_true(d.n > 1);
	assert_true(reserved > viewers);
	assert_true(reserved < 1.9f * viewers); /* and those on their way */
}

/* Line n avoids the site where most viewers of the area were placed, even of a
 * client that this server sent nowhere: another server or an older answer did. */
static void test_line_avoids_the_crowd(void **state)
{
	unsigned on_hk3 = 0, before = 0;
	for (unsigned placed = 0; placed < 2; placed++) {
		struct scene s;
		(void)state;
		open_scene(&s, cities);
		/* Hong Kong's are all on hk3, since hk1 and hk2 were down */
		nodes_do(&s, "xx+++");
		for (unsigned k = 0; placed && k < 200; k++) {
			struct steer_query q = world_query(
				&s.w, "near.example.com", net(HK, 0));
			struct steer_decision d;
			q.net.bytes[2] = (uint8_t)k;
			q.asker = q.net;
			steer_answer(world_state(&s.w), s.w.accounts, &q,
				s.w.now, &d);
			s.w.now += 100;
		}
		nodes_do(&s, "+++++");
		pass(&s, 120); /* no longer ramped */
		for (unsigned k = 0; k < 100; k++) {
			struct steer_query q = world_query(
				&s.w, "line2.near.example.com", net(HK, 0));
			struct steer_decision d;
			q.net.bytes[2] = (uint8_t)k;
			q.net.bytes[3] = 77; /* never sent anywhere */
			steer_decide(world_state(&s.w), s.w.accounts, &q,
				s.w.now, &d, NULL);
			*(placed ? &on_hk3 : &before) +=
				!strcmp(node_name(&s, d.node[0]), "hk3");
		}
		close_scene(&s);
	}
	assert_true(before > 50); /* the other site of Hong Kong */
	assert_true(on_hk3 < before / 2);
}

/* The viewers of a crowd whose node has died come back at once: they are spread
 * over several nodes, and more are promised than one. */
static void test_returning_are_spread(void **state)
{
	struct scene *s = *state;
	make_crowd(s, net(JP, 0), 1);
	struct steer_decision one =
		world_ask(&s->w, "near.example.com", net(JP, 0));
	assert_string_equal(node_name(s, one.node[0]), "jp1");
	assert_true(one.at_once < 2);
	s->w.now += one.ttl_s * 1000;
	snprintf(s->does, sizeof s->does, "+++x+");
	pass(s, 9);
	struct steer_decision d =
		world_ask(&s->w, "near.example.com", net(JP, 0));
	assert_true(d.n > 1);
	assert_true(d.at_once > 50);
	for (unsigned i = 0; i < d.n; i++)
		assert_true(starts(node_name(s, d.node[i]), "hk"));
	/* they come once */
	struct steer_decision e =
		world_ask(&s->w, "near.example.com", net(JP, 0));
	assert_true(e.at_once < 2);
	/* and who was elsewhere has nothing to do with it */
	d = world_ask(&s->w, "near.example.com", net(UK, 0));
	assert_true(d.at_once < 2);
}

/* ... also of those whom another name server had sent to the dead node, as far as
 * this one placed viewers of that area there. */
static void test_returning_of_others(void **state)
{
	struct scene *s = *state;
	make_crowd(s, net(JP, 0), 1);
	s->w.accounts->sent = sent_table_new(1 << 12, 7);
	snprintf(s->does, sizeof s->does, "+++x+");
	pass(s, 9);
	struct steer_decision d =
		world_ask(&s->w, "near.example.com", net(JP, 0));
	assert_int_equal(d.past.sent[0].node, MAP_NO_NODE);
	assert_true(d.at_once > 20);
	/* they come once */
	d = world_ask(&s->w, "near.example.com", net(JP, 0));
	assert_true(d.at_once < 2);
	sent_table_free(s->w.accounts->sent);
	s->w.accounts->sent = s->w.sent;
}

/* -- budgets -- */

/* Viewers that so many questions with forged subnets promise. */
static float forge_line(
	struct scene *s, const char *asker, unsigned n, unsigned line)
{
	float before = 0, after = 0;
	for (unsigned i = 0; i < NODES; i++)
		before += (float)s->w.accounts->reservation[i].viewers;
	for (unsigned i = 0; i < n; i++) {
		struct steer_query q =
			world_query(&s->w, "near.example.com", net(HK, 0));
		struct steer_decision d;
		q.line = (uint8_t)line;
		unsigned one = s->next_net++;
		memcpy(q.net.bytes + 1, &one, 3);
		addr_parse(&q.asker, asker);
		steer_answer(
			world_state(&s->w), s->w.accounts, &q, s->w.now, &d);
		assert_true(d.n >= 1); /* it is answered all the same */
	}
	for (unsigned i = 0; i < NODES; i++)
		after += (float)s->w.accounts->reservation[i].viewers;
	return (after - before) / RESERVATION_VIEWER;
}

static float forge(struct scene *s, const char *asker, unsigned n)
{
	return forge_line(s, asker, n, 1);
}

/* Lines promise no more viewers than a part of those that the network brought. */
static void test_budget_of_lines(void **state)
{
	struct scene *s = *state;
	assert_true(forge_line(s, "198.51.100.7", 1000, 2) < 10);
	float brought = forge(s, "198.51.100.7", 40);
	assert_true(brought > 30);
	float lines = forge_line(s, "198.51.100.200", 1000, 3);
	assert_true(lines > 0.1f * brought && lines < 0.5f * brought);
	assert_true(forge_line(s, "198.51.100.7", 1000, 2) < 1);
}

/* By network, /24 and /48; it refills with time; others have their own. */
static void test_budget(void **state)
{
	struct scene *s = *state;
	float all = forge(s, "198.51.100.7", 3000);
	assert_true(all > 100 && all < 1000);
	assert_true(forge(s, "198.51.100.200", 1000) < 1);
	assert_true(forge(s, "198.51.101.7", 3000) > 0.9f * all);
	assert_true(forge(s, "2001:db8:1::7", 3000) > 0.9f * all);
	assert_true(forge(s, "2001:db8:1:2::7", 1000) < 1);
	s->w.now += 1000;
	float after_1_s = forge(s, "198.51.100.7", 3000);
	assert_true(after_1_s > 0.05f * all && after_1_s < 0.2f * all);
	s->w.now += 60000;
	assert_float_equal(forge(s, "198.51.100.7", 3000), all, 2);
}

/* A few askers cannot make a fleet look full: viewers stay where they were. */
static void test_flood(void **state)
{
	struct scene *s = *state;
	for (int i = 0; i < 10; i++) {
		forge(s, "198.51.100.7", 500);
		s->w.now += 100;
		publish(s);
	}
	all_go(s, "near.example.com", HK, "hk");
	all_go(s, "near.example.com", JP, "jp1");
}

/* -- staying -- */

static const char twins[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], site: a, capacity: 1000000}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], site: b, capacity: 1000000}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], ttl: 5, stay_ms: 2}\n"
	"  free.example.com: {pool: [edge], ttl: 5, stay_ms: 0}\n";

/* Nets of 200 that leave the first node when it has become so much dearer. */
static unsigned leave(const char *name, float used)
{
	struct world w;
	unsigned sent = 0, left = 0;
	bool on_a[200];
	world_open(&w, twins);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned k = 0; k < 200; k++) {
			struct steer_query q =
				world_query(&w, name, net(HK, 0));
			struct steer_decision d;
			q.net.bytes[2] = (uint8_t)k;
			steer_answer(
				world_state(&w), w.accounts, &q, w.now, &d);
			if (round == 0)
				on_a[k] = d.node[0] == 0;
			sent += round == 0 && on_a[k];
			left += on_a[k] && d.node[0] == 1;
		}
		w.now += 6000;
		w.load.generation++;
		w.node[0].used = used;
	}
	world_close(&w);
	assert_in_range(sent, 60, 140);
	return left * 100 / sent;
}

/* A net stays while the other node is better by less than stay_ms. */
static void test_staying(void **state)
{
	(void)state;
	assert_int_equal(leave("live.example.com", 0), 0);
	assert_int_equal(leave("free.example.com", 0), 0);
	assert_in_range(leave("live.example.com", 0.85f), 0, 10); /* 1.1 ms */
	assert_in_range(leave("free.example.com", 0.85f), 40, 100);
	assert_in_range(leave("live.example.com", 0.94f), 95, 100);
}

/* -- reloads -- */

/* Where a thread with a newer map sent clients, of nodes that this map does not have, is
 * nothing to a thread that has not seen the reload yet. */
static void test_newer_nodes(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, twins);
	for (uint8_t line = 1; line <= 2; line++) {
		struct steer_query q =
			world_query(&w, "live.example.com", net(HK, 0));
		struct sent_lines seen;
		struct sent sent = {.node = 60000,
			.before = 60001,
			.made_ms = (uint32_t)w.now,
			.ttl_s = 30,
			.types = STEER_A};
		struct steer_decision d;
		uint64_t key = steer_key(w.map, &q);
		sent_read(w.sent, key, line, &seen);
		assert_true(sent_claim(
			w.sent, key, line - 1u, &seen.sent[line - 1], &sent));
		q.line = line;
		steer_answer(world_state(&w), w.accounts, &q, w.now, &d);
		assert_true(d.node[0] < 2);
		assert_int_equal(d.past.sent[line - 1].node, MAP_NO_NODE);
	}
	world_close(&w);
}

/* -- areas -- */

static const char towns[] =
	"nodes:\n"
	"  canton: {address: [192.0.2.1], at: [23.13, 113.26], site: a}\n"
	"  shenzhen: {address: [192.0.2.2], at: [22.54, 114.06], site: b}\n"
	"  peking: {address: [192.0.2.3], at: [39.90, 116.41], site: c}\n"
	"  nowhere: {address: [192.0.2.4], site: c}\n"
	"  elsewhere: {address: [192.0.2.5], site: d}\n";

/* Sites of neighbouring towns are one area, also nodes of one site whose place
 * is not known; whatever else is in the configuration. */
static void test_areas(void **state)
{
	struct world w;
	world_open(&w, towns);
	const struct map_node *node = w.map->nodes;
	assert_int_equal(node[0].area, node[1].area);
	assert_int_equal(node[2].area, node[3].area);
	assert_int_not_equal(node[0].area, node[2].area);
	assert_int_not_equal(node[4].area, node[0].area);
	assert_int_not_equal(node[4].area, node[2].area);
	uint32_t peking = node[2].area;
	world_close(&w);
	world_open(&w,
		"nodes:\n  peking: {address: [192.0.2.3], "
		"at: [39.90, 116.41], site: x}\n");
	assert_int_equal(w.map->nodes[0].area, peking);
	world_close(&w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_worst_of),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_staying),
		cmocka_unit_test(test_newer_nodes),
		TEST(test_room_costs_nothing),
		TEST(test_full_fleet),
		cmocka_unit_test(test_rush),
		TEST(test_suspect),
		cmocka_unit_test(test_last_resort),
		cmocka_unit_test(test_left_at_once),
		TEST(test_undrained),
		TEST(test_frozen),
		TEST(test_ramp),
		TEST(test_hold),
		TEST(test_blind),
		cmocka_unit_test(test_not_blind),
		cmocka_unit_test(test_policies),
		TEST(test_stable_stays),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_remembers),
		TEST(test_fourth_line),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_ttl_of_growth),
		TEST(test_one_decision),
		TEST(test_heavy_net),
		TEST(test_crowd_gets_several),
		TEST(test_crowd_promises_once),
		cmocka_unit_test(test_line_avoids_the_crowd),
		TEST(test_returning_are_spread),
		TEST(test_returning_of_others),
		TEST(test_budget_of_lines),
		TEST(test_budget),
		TEST(test_flood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
