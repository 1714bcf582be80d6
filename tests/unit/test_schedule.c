/* The schedule: room is kept before a class begins, and let go after. */
#include "world.h"

#include "fleet/fleet.h"

#define STEP 3000
#define AT 600000 /* after the start of a scene */

static const struct fleet_rules rules = {{3000, 1500, 2, 2}, 300};

static const char four[] =
	"nodes:\n"
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2], site: s1}\n"
	"  hk2: {address: [192.0.2.2], at: [22.3, 114.2], site: s2}\n"
	"  jp1: {address: [192.0.2.3], at: [35.7, 139.7], site: s3}\n"
	"  org: {address: [192.0.2.4], at: [22.3, 114.2], role: origin}\n"
	"steer:\n"
	"  live.example.com: {pool: [edge], ttl: [5, 30]}\n"
	"  jp.example.com: {pool: [jp1], ttl: [5, 30]}\n";

struct scene {
	struct world w;
	struct fleet *fleet;
	int64_t start, now;
	uint32_t connections[4];
	struct load *load;
};

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.start = 1000000, .now = 1000000};
	world_open(&s.w, four);
	s.fleet = fleet_new(&rules, s.now);
	fleet_set_map(s.fleet, s.w.map, &rules, s.now);
	for (unsigned i = 0; i < 4; i++) {
		fleet_watch(s.fleet, i, true, false);
		s.connections[i] = 100;
	}
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	load_free(s->load);
	fleet_free(s->fleet);
	world_close(&s->w);
	return 0;
}

static void publish(struct scene *s)
{
	load_free(s->load);
	s->load = fleet_load(s->fleet, s->now);
	s->w.state.load = s->load;
}

static void poll_all(struct scene *s)
{
	for (unsigned i = 0; i < 4; i++) {
		struct sample one = {.sampled_ms = s->now,
			.node_ms = s->now,
			.connections = s->connections[i],
			.uptime_s = -1,
			.identity = 7};
		fleet_sample(s->fleet, i, &one, s->now);
	}
	publish(s);
}

/* To so many seconds before (-) or after the class begins. */
static void go_to(struct scene *s, int seconds)
{
	int64_t then = s->start + AT + 1000 * (int64_t)seconds;
	assert_true(then >= s->now);
	if (then - s->now > 10 * STEP)
		s->now = then - 10 * STEP; /* nobody was asked meanwhile */
	while (s->now < then) {
		s->now = then - s->now > STEP ? s->now + STEP : then;
		poll_all(s);
	}
}

static struct schedule_entry class_of(
	const struct scene *s, const char *name, float viewers, int over_s)
{
	int index = map_find_name(s->w.map, name);
	assert_true(index >= 0);
	return (struct schedule_entry){.name = (uint32_t)index,
		.at_ms = s->start + AT,
		.over_ms = over_s * 1000,
		.viewers = viewers};
}

static struct schedule_entry from_hk(struct schedule_entry e)
{
	e.placed = true;
	e.lat = 22.3f;
	e.lon = 114.2f;
	return e;
}

static float kept(const struct scene *s)
{
	float sum = 0;
	for (unsigned i = 0; i < 4; i++)
		sum += s->load->node[i].reserved;
	return sum;
}

/* -- the schedule -- */

static void test_schedule(void **state)
{
	struct schedule_entry e = {
		.at_ms = 1000000, .over_ms = 120000, .viewers = 800};
	static const struct {
		int64_t at_s;
		float kept;
	} steps[] = {{-3600, 0}, {-60, 0}, {-45, 200}, {-30, 400}, {-15, 600},
		{0, 800}, {30, 600}, {60, 400}, {90, 200}, {120, 0}, {3600, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		assert_float_equal(schedule_still_to_come(
					   &e, e.at_ms + steps[i].at_s * 1000),
			steps[i].kept, 0.5);
	assert_false(schedule_is_over(&e, e.at_ms + 119000));
	assert_true(schedule_is_over(&e, e.at_ms + 120000));
}

static bool is_of_one_crowd(
	const struct schedule_entry *a, const struct schedule_entry *b)
{
	return a->name == b->name && a->placed == b->placed &&
		(!a->placed || (a->lat == b->lat && a->lon == b->lon));
}

/* However they are given: entries of one name and origin are side by side. */
static void test_sorted(void **state)
{
	static const float at[] = {22.3f, 35.7f, 51.5f};
	struct schedule_entry list[60];
	unsigned n = 0, changes = 0;
	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (uint32_t name = 0; name < 2; name++)
			for (unsigned i = 0; i < 10; i++)
				list[n++] = (struct schedule_entry){
					.name = name ^ (i & 1),
					.placed = i != 9,
					.lat = at[i % 3],
					.lon = at[i / 3 % 3]};
	schedule_sort(list, n);
	for (unsigned i = 1; i < n; i++)
		changes += !is_of_one_crowd(&list[i - 1], &list[i]);
	assert_int_equal(changes, 2 * 10 - 1);
	schedule_sort(list, 0);
}

/* -- in the fleet -- */

/* Nothing long before, everything at the beginning, nothing after, although
 * nobody comes; the load itself is never touched. */
static void test_nobody_comes(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e = class_of(s, "live.example.com", 800, 120);
	fleet_schedule(s->fleet, &e, 1);
	go_to(s, -120);
	assert_float_equal(kept(s), 0, 0);
	float used = s->load->node[0].used;
	go_to(s, -30);
	assert_float_equal(kept(s), 400, 4);
	go_to(s, 0);
	assert_float_equal(kept(s), 800, 4);
	assert_true(s->load->node[0].used > used + 0.2f);
	go_to(s, 60);
	assert_float_equal(kept(s), 400, 4);
	go_to(s, 120);
	assert_float_equal(kept(s), 0, 0);
	assert_float_equal(s->load->node[0].used, used, 1e-3);
}

/* Those who come in time are counted once: load and what is kept are the class
 * together, at every moment. */
static void test_they_come(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e =
		from_hk(class_of(s, "live.example.com", 600, 120));
	fleet_schedule(s->fleet, &e, 1);
	for (int t = 0; t <= 120; t += 3) {
		s->connections[0] = s->connections[1] =
			100 + (uint32_t)(t * 600 / 120 / 2);
		go_to(s, t);
		float all = s->load->node[0].used + s->load->node[1].used;
		assert_float_equal(all, 0.8, 0.03);
	}
}

/* Where they come from they will want to go; not to another role. */
static void test_from(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e =
		from_hk(class_of(s, "live.example.com", 800, 120));
	fleet_schedule(s->fleet, &e, 1);
	go_to(s, 0);
	assert_float_equal(s->load->node[0].reserved, 400, 41);
	assert_float_equal(s->load->node[1].reserved, 400, 41);
	assert_float_equal(s->load->node[2].reserved, 0, 0);
	assert_float_equal(s->load->node[3].reserved, 0, 0);
}

/* More than the near ones take: the rest is kept further away. */
static void test_from_overflows(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e =
		from_hk(class_of(s, "live.example.com", 2000, 120));
	fleet_schedule(s->fleet, &e, 1);
	go_to(s, 0);
	assert_in_range((int)s->load->node[2].reserved, 200, 600);
	assert_float_equal(kept(s), 2000, 10);
}

/* Without an origin: as answers promised lately, else by capacity. */
static void test_without_from(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e = class_of(s, "live.example.com", 600, 120);
	fleet_schedule(s->fleet, &e, 1);
	go_to(s, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_float_equal(s->load->node[i].reserved, 200, 5);

	struct reservation *p = &s->w.accounts->reservation[2];
	p->viewers += 500 * RESERVATION_VIEWER;
	p->answers += 500;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
	s->connections[2] = 500;
	go_to(s, 9);
	float rest = schedule_still_to_come(&e, s->now);
	assert_true(s->load->node[2].reserved > 0.5f * rest);
	assert_true(s->load->node[2].used < 1);
	assert_float_equal(kept(s), rest, 10);
}

/* Nodes that get no viewers get no reservation. */
static void test_only_up(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e[] = {
		from_hk(class_of(s, "live.example.com", 300, 120)),
		class_of(s, "live.example.com", 300, 120)};
	fleet_schedule(s->fleet, e, 2);
	fleet_drain(s->fleet, 0, true);
	go_to(s, 0);
	assert_float_equal(s->load->node[0].reserved, 0, 0);
	assert_float_equal(kept(s), 600, 5);
}

/* A class that no fleet can take does not make it look fuller than full. */
static void test_too_large(void **state)
{
	struct scene *s = *state;
	for (int placed = 0; placed < 2; placed++) {
		struct schedule_entry e =
			class_of(s, "live.example.com", 1e7f, 600);
		if (placed)
			e = from_hk(e);
		fleet_schedule(s->fleet, &e, 1);
		go_to(s, placed * 9);
		for (unsigned i = 0; i < 3; i++)
			assert_in_range(
				(int)(s->load->node[i].used * 100), 80, 105);
	}
}

static uint32_t name_of(const struct scene *s, const char *name)
{
	struct map_match match;
	assert_true(map_match(s->w.map, name, &match));
	return match.name;
}

/* What nodes gain by classes, viewers a second; and what is kept. */
static float gained(const struct scene *s, unsigned from, unsigned to)
{
	float sum = 0;
	for (unsigned i = from; i < to; i++)
		sum += s->load->node[i].growth / s->load->node[i].per_viewer;
	return sum;
}

/* A class comes within its time, one of a single viewer as well; each name's nodes
 * gain what comes for it. */
static void test_growth(void **state)
{
	struct scene *s = *state;
	poll_all(s);
	struct schedule_entry e[] = {{.name = name_of(s, "live.example.com"),
					     .at_ms = s->now,
					     .over_ms = 120000,
					     .viewers = 1200},
		{.name = name_of(s, "jp.example.com"),
			.at_ms = s->now,
			.over_ms = 120000,
			.viewers = 600}};
	fleet_schedule(s->fleet, e, 1);
	publish(s);
	assert_float_equal(gained(s, 0, 3), 10, 0.01);
	e[0].viewers = 0.8f;
	fleet_schedule(s->fleet, e, 1);
	publish(s);
	assert_float_equal(gained(s, 0, 3), 0.8 / 120, 1e-4);
	e[0].viewers = 12;
	fleet_schedule(s->fleet, e, 2);
	publish(s);
	assert_float_equal(gained(s, 2, 3), 5, 0.005);
}

/* Two classes, of one name or of two, add up; nothing is kept for a third that
 * is long over. */
static void test_two_classes(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e[] = {class_of(s, "live.example.com", 300, 120),
		class_of(s, "jp.example.com", 200, 120),
		class_of(s, "live.example.com", 100, 60),
		class_of(s, "live.example.com", 1000, 60)};
	e[3].at_ms -= 300000;
	fleet_schedule(s->fleet, e, 4);
	go_to(s, 0);
	assert_float_equal(kept(s), 600, 5);
	assert_true(
		s->load->node[2].reserved > s->load->node[0].reserved + 100);
	go_to(s, 60);
	assert_float_equal(kept(s), 250, 5);
}

/* A map of other names: the schedule was that of the old one. */
static void test_new_map(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e = class_of(s, "jp.example.com", 300, 120);
	fleet_schedule(s->fleet, &e, 1);
	struct conf *conf = world_conf(
		"nodes:\n  hk1: {address: [192.0.2.1], at: [22.3, 114.2]}\n"
		"steer: {other.example.com: {pool: [edge]}}\n");
	struct map *map = map_build(conf, s->w.geo, 1, s->w.map);
	conf_free(conf);
	fleet_set_map(s->fleet, map, &rules, s->now);
	s->now = s->start + AT;
	publish(s);
	assert_float_equal(kept(s), 0, 0);
	fleet_set_map(s->fleet, s->w.map, &rules, s->now);
	map_free(map);
}

/* -- what answers make of it -- */

/* When the crowd is about to come answers live short, not before or after. */
static void test_short_ttl(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e = class_of(s, "jp.example.com", 700, 30);
	struct steer_query q =
		world_query(&s->w, "jp.example.com", "10.2.0.0/24");
	struct steer_decision d;
	static const struct {
		int at_s;
		bool is_short;
	} steps[] = {
		{-90, false}, {-20, true}, {0, true}, {10, true}, {60, false}};

	fleet_schedule(s->fleet, &e, 1);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		go_to(s, steps[i].at_s);
		steer_decide(&s->w.state, NULL, &q, s->now, &d, NULL);
		assert_int_equal(d.ttl_s < 30, steps[i].is_short);
	}
}

/* Viewers of other names leave the room that the class will need, no longer
 * than it needs it. */
static void test_others_make_room(void **state)
{
	struct scene *s = *state;
	struct schedule_entry e = class_of(s, "jp.example.com", 850, 120);
	struct steer_query q =
		world_query(&s->w, "live.example.com", "10.2.0.0/24");
	struct steer_decision d;

	fleet_schedule(s->fleet, &e, 1);
	go_to(s, -70);
	steer_decide(&s->w.state, NULL, &q, s->now, &d, NULL);
	assert_int_equal(d.node[0], 2);
	go_to(s, 0);
	steer_decide(&s->w.state, NULL, &q, s->now, &d, NULL);
	assert_int_not_equal(d.node[0], 2);
	go_to(s, 120);
	steer_decide(&s->w.state, NULL, &q, s->now, &d, NULL);
	assert_int_equal(d.node[0], 2);
}

/* -- to the number -- */

static const char two[] =
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [22.3, 114.2], capacity: 1000}\n"
	"  b: {address: [192.0.2.2], at: [22.3, 114.2], capacity: 3000}\n"
	"steer: {live.example.com: {pool: [edge]}}\n";

/* Without answers of the last minute viewers go by capacity. How fast they come is of
 * those classes that are not over. */
static void test_by_capacity(void **state)
{
	static const float lately[2];
	const struct schedule_entry list[] = {
		{.at_ms = 940000, .over_ms = 60000, .viewers = 600},
		{.at_ms = 1000000, .over_ms = 60000, .viewers = 600}};
	struct world w;
	(void)state;
	world_open(&w, two);
	schedule_keep_room(list, 2, w.map, lately, 1000000, w.node);
	for (unsigned i = 0; i < 2; i++) {
		const struct load_node *n = world_node(&w, i ? "b" : "a");
		float share = i ? 0.75f : 0.25f;
		assert_float_equal(n->reserved, 600 * share, 0.01);
		assert_float_equal(n->used, 0.15, 1e-5);
		assert_float_equal(n->growth, 10 * share * n->per_viewer, 1e-6);
	}
	world_close(&w);
}

/* Where nothing is free nothing is kept. */
static void test_nothing_is_free(void **state)
{
	static const float lately[2];
	const struct schedule_entry one = {.at_ms = 1000000,
		.over_ms = 60000,
		.viewers = 600,
		.placed = true,
		.lat = 22.3f,
		.lon = 114.2f};
	struct world w;
	(void)state;
	world_open(&w, two);
	for (unsigned i = 0; i < 2; i++)
		w.node[i].used = 0.96f;
	schedule_keep_room(&one, 1, w.map, lately, 1000000, w.node);
	for (unsigned i = 0; i < 2; i++)
		assert_float_equal(w.node[i].reserved, 0, 0);
	world_close(&w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_sorted),
		TEST(test_growth),
		cmocka_unit_test(test_by_capacity),
		cmocka_unit_test(test_nothing_is_free),
		TEST(test_nobody_comes),
		TEST(test_they_come),
		TEST(test_from),
		TEST(test_from_overflows),
		TEST(test_without_from),
		TEST(test_only_up),
		TEST(test_too_large),
		TEST(test_two_classes),
		TEST(test_new_map),
		TEST(test_short_ttl),
		TEST(test_others_make_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
