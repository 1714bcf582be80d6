/* What counts as a complaint about a node, how many are enough, and how long a node is
 * doubted. */
#include "doubts.h"

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
 * nothing within four. */
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
		assert_in_range(distrusted(s, 2, 2), 39, 40);
		run(s, 60, NULL);
		assert_in_range(distrusted(s, 2, 2), 29, 30);
		run(s, i ? 181 : 0, NULL);
	}
	assert_float_equal(distrusted(s, 2, 2), 0, 0);
}

/* -- evidence of a few -- */

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

static void anew(void **state)
{
	teardown(state);
	setup(state);
}

/* Where the node's samples say that viewers leave, two networks are enough, of proven
 * addresses or not; one is not, nor are two without the samples. */
static void test_seen_by_samples(void **state)
{
	for (unsigned row = 0; row < 12; row++) {
		struct scene *s = *state;
		unsigned networks = 1 + row % 3;
		bool seen = row / 3 % 2;
		anew(state);
		s->forgeable = row >= 6;
		for (uint32_t i = 1; i <= networks; i++)
			told(s, i, 2, 0);
		if (seen)
			complaints_confirm(s->complaints, 2, s->now);
		tick(s);
		for (unsigned k = 0; k < 2; k++) {
			for (uint32_t i = 1; i <= networks; i++)
				press(s, i, 2);
			tick(s);
			s->now += 5000;
		}
		assert_int_equal(complaints_found(s->complaints, 2) > 0,
			networks >= 2 && (seen || (networks > 2 && row < 6)));
	}
}

/* Once they said so, the few of a trial need not show in the samples. */
static void test_seen_before_a_trial(void **state)
{
	for (unsigned seen = 0; seen < 2; seen++) {
		struct scene *s = *state;
		anew(state);
		s->forgeable = !!seen;
		for (unsigned k = 0; k < 2; k++) {
			for (uint32_t i = 1; i <= 3; i++)
				told(s, i, 2, 0);
			if (seen && !k)
				complaints_confirm(s->complaints, 2, s->now);
			tick(s);
			s->forgeable = true;
			if (!seen && !k)
				s->forgeable = false;
			for (unsigned n = 0; n < 2; n++) {
				three_press(s);
				s->now += 5000;
			}
			tick(s);
			s->now += 150000;
			tick(s);
		}
		assert_int_equal(
			complaints_found(s->complaints, 2), seen ? 4 : 2);
	}
}

/* Networks that press one after another, twice each, are few as long as the second
 * time is not half a minute later; then it counts for half. */
static void test_slow_repeats(void **state)
{
	for (unsigned row = 0; row < 2; row++) {
		struct scene *s = *state;
		unsigned gap_s = 29 + row;
		anew(state);
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
			complaints_found(s->complaints, 2) > 0, gap_s >= 30);
	}
}

/* However often three networks press within ten minutes, not more than once in half
 * a minute: they stay three. Six are enough. */
static void test_few_stay_few(void **state)
{
	static const struct {
		unsigned networks, gap_s;
		bool found;
	} rows[] = {{3, 31, false}, {3, 66, false}, {6, 31, true}};
	for (unsigned row = 0; row < 3; row++) {
		struct scene *s = *state;
		unsigned n = rows[row].networks;
		anew(state);
		for (uint32_t i = 1; i <= n; i++)
			told(s, i, 2, 5);
		for (unsigned t = 0; t < 540; t++) {
			for (uint32_t i = 1; i <= n && t % rows[row].gap_s == 0;
				i++)
				press(s, i, 2);
			tick(s);
		}
		assert_int_equal(complaints_found(s->complaints, 2) > 0,
			rows[row].found);
	}
}

/* Seconds in which so many networks press one after another, each once a minute, until
 * they are believed; at most so many. */
static unsigned press_in_turn(struct scene *s, unsigned networks, unsigned most)
{
	unsigned t = 0;
	for (; t < most && everywhere(s, 2) == 0; t++) {
		if (t % 10 == 0 && t / 10 % 6 < networks)
			press(s, 1 + t / 10 % 6, 2);
		tick(s);
	}
	return t;
}

/* After ten minutes without a press what a network says counts in full again. */
static void test_fresh_after_ten_minutes(void **state)
{
	for (unsigned row = 0; row < 2; row++) {
		struct scene *s = *state;
		unsigned n = row ? 5 : 3;
		anew(state);
		for (uint32_t i = 1; i <= n; i++)
			told(s, i, 2, 2);
		assert_int_equal(press_in_turn(s, n, 60), 60);
		for (unsigned t = 0; t < 620; t++)
			tick(s);
		for (uint32_t i = 1; i <= n; i++)
			told(s, i, 2, 2);
		assert_int_equal(press_in_turn(s, n, 240) < 240, n == 5);
	}
}

/* Three networks of area 2 which were sent to one node and then to another press
 * twice. */
static void sent_to_both(struct scene *s, uint16_t before, uint16_t last)
{
	static const unsigned wait_ms[] = {5000, 1000};
	for (uint32_t i = 1; i <= 3; i++) {
		event(s, EVENT_SENT, i, 2, before, MAP_NO_NODE);
		event(s, EVENT_SENT, i, 2, last, MAP_NO_NODE);
	}
	complaints_tick(s->complaints, s->now);
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t i = 1; i <= 3; i++)
			event(s, EVENT_SWITCHED, i, 2, last, before);
		s->now += wait_ms[k];
	}
	complaints_tick(s->complaints, s->now);
}

/* Who leaves a node of the own site says nothing of ways from elsewhere to the node
 * before it; who leaves a stranger's node does, whichever the one before was. */
static void test_home_comes_first(void **state)
{
	struct scene *s = *state;
	sent_to_both(s, 3, 2);
	assert_float_equal(everywhere(s, 2), DISTRUST_COST_MS, 0);
	assert_float_equal(for_area(s, 9, 3), 0, 0);
	teardown(state);
	setup(state);
	sent_to_both(s, 2, 3);
	assert_float_equal(everywhere(s, 3), DISTRUST_COST_MS, 0);
	assert_float_equal(for_area(s, 9, 3), DISTRUST_COST_MS, 0);
}

/* From the moment when a doubt ends, a press counts again. */
static void test_press_when_a_doubt_ends(void **state)
{
	for (unsigned early_ms = 0; early_ms < 2; early_ms++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		tick(s);
		for (unsigned k = 0; k < 2; k++) {
			for (uint32_t i = 1; i <= 3; i++)
				told(s, i, 2, 0);
			three_press(s);
			s->now += 5000;
			three_press(s);
			tick(s);
			if (k)
				break;
			assert_float_equal(
				everywhere(s, 2), DISTRUST_COST_MS, 0);
			s->now += 120000 - early_ms;
			complaints_tick(s->complaints, s->now);
		}
		assert_int_equal(
			complaints_found(s->complaints, 2), early_ms ? 2 : 4);
	}
}

/* So many nodes, each with fourteen networks of the area of the next one. */
static void strangers(struct scene *s, unsigned nodes)
{
	tick(s);
	for (unsigned node = 0; node < nodes; node++)
		for (uint32_t i = 0; i < 14; i++)
			told_in(s, 100 * node + i, node + 1, node, i ? -1 : 20);
}

/* What is natural is how often those are left that are not left most: without three, or
 * a quarter of all, if that is less; as far as so many are left at all. So are ways of
 * an area, of strangers and of all compared, each among themselves. */
static void test_what_is_natural(void **state)
{
	static const struct {
		unsigned nodes, pressed[3];
		bool found[3];
	} rows[] = {{8, {10}, {true}}, {7, {10, 9}, {false, true}},
		{8, {10, 9}, {true, true}}, {12, {7, 14}, {false, true}},
		{12, {7, 14, 1}, {true, true, false}}};
	for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		strangers(s, rows[row].nodes);
		for (unsigned k = 0; k < 3; k++)
			for (uint32_t i = 0; i < rows[row].pressed[k]; i++)
				event(s, EVENT_SWITCHED, 100 * k + i, k + 1, k,
					MAP_NO_NODE);
		tick(s);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(complaints_found(s->complaints, k),
				rows[row].found[k] ? 3 : 0);
	}
}

/* ... and is judged. */
static void test_judged_when_a_doubt_ends(void **state)
{
	struct scene *s = *state;
	for (unsigned k = 0; k < 2; k++) {
		tick(s);
		s->now += 1000;
		for (uint32_t i = 1; i <= 4; i++)
			told(s, i, 2, 0);
		for (uint32_t i = 1; i <= 4; i++)
			press(s, i, 2);
		complaints_tick(s->complaints, s->now);
		assert_int_equal(complaints_found(s->complaints, 2), 2 + 2 * k);
		s->now += 118000;
	}
}

/* Three press: the first once, the others again and again, at last a second before it
 * is judged, so many seconds after the first one. */
static unsigned first_presses_once(
	struct scene *s, unsigned seconds, unsigned times, unsigned gap_s)
{
	press(s, 1, 2);
	unsigned t = seconds < 80 ? 0 : seconds - 80;
	s->now += t * 1000;
	for (; t < seconds; t++) {
		unsigned left_s = seconds - 1 - t;
		if (left_s % gap_s == 0 && left_s / gap_s < times) {
			press(s, 2, 2);
			press(s, 3, 2);
		}
		tick(s);
	}
	return (unsigned)complaints_found(s->complaints, 2);
}

/* A network that left counts for a minute beside those that leave at once, and for ten
 * minutes beside those that leave one by one. Then it is forgotten, by its area and by
 * all, when it is looked at, as a quarter of all networks is each second. */
static void test_how_long_a_network_counts(void **state)
{
	static const struct {
		unsigned seconds, times, gap_s;
		float viewers;
	} rows[] = {{60, 5, 5, 5}, {600, 2, 31, 0}};
	for (unsigned row = 0; row < 10; row++) {
		struct scene *s = *state;
		unsigned r = row % 2, late_s = row / 2, found = 0;
		for (unsigned turn = 1; turn <= 4; turn++) {
			anew(state);
			for (unsigned i = 0; i < turn; i++)
				tick(s);
			for (uint32_t i = 1; i <= 3; i++)
				told(s, i, 2, rows[r].viewers);
			found += first_presses_once(s, rows[r].seconds + late_s,
				rows[r].times, rows[r].gap_s);
		}
		assert_int_equal(found, 8 - 2 * late_s);
	}
}

/* A network that was sent to a node a quarter of an hour ago is no viewer of it: three
 * that leave are not few beside a hundred that were there. */
static void test_sent_long_ago(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		tick(s);
		for (uint32_t i = 1; i <= 100; i++)
			told(s, 1000 + i, 2, 0);
		s->now += 896000 + late;
		for (unsigned k = 0; k < 4; k++) /* a quarter in each */
			tick(s);
		for (uint32_t i = 1; i <= 3; i++)
			told(s, i, 2, 0);
		three_press(s);
		s->now += 5000;
		three_press(s);
		tick(s);
		assert_int_equal(complaints_found(s->complaints, 2) > 0, late);
	}
}

/* How many viewers a node has follows what answers say slowly: of a hundred a fifth is
 * believed at once, and of that many twelve presses are usual enough. */
static void test_viewers_come_slowly(void **state)
{
	for (unsigned n = 12; n <= 13; n++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		tick(s);
		for (uint32_t i = 1; i <= n; i++) {
			struct steer_event one = {.kind = EVENT_SENT,
				.asker = i,
				.area = 2,
				.at_once = i == 1 ? 100 : -1,
				.rate = i == 1 ? 100 : -1,
				.node = {2, MAP_NO_NODE, MAP_NO_NODE,
					MAP_NO_NODE}};
			complaints_event(s->complaints, &s->map, &one, s->now);
		}
		for (uint32_t i = 1; i <= n; i++)
			press(s, i, 2);
		tick(s);
		assert_int_equal(
			complaints_found(s->complaints, 2) > 0, n == 13);
	}
}

/* An event of area 9, from where all these nodes are elsewhere. */
static void event_of(struct scene *s, enum steer_event_kind kind,
	uint32_t asker, const uint16_t node[EVENT_NODES])
{
	struct steer_event one = {.kind = (uint8_t)kind,
		.asker = asker,
		.proven = true,
		.area = 9};
	memcpy(one.node, node, sizeof one.node);
	complaints_event(s->complaints, &s->map, &one, s->now);
}

/* A network is sent to each of these nodes. */
static void sent_to_each(
	struct scene *s, uint32_t asker, const uint16_t node[EVENT_NODES])
{
	for (unsigned i = 0; i < EVENT_NODES; i++)
		if (node[i] != MAP_NO_NODE)
			event(s, EVENT_SENT, asker, 9, node[i], MAP_NO_NODE);
}

/* So many networks press once, which are sent to these nodes, to the first of them
 * beside so many others: whether node 2 is doubted. */
static bool are_enough(void **state, const uint16_t node[EVENT_NODES],
	unsigned networks, unsigned others)
{
	struct scene *s = *state;
	teardown(state);
	setup(state);
	tick(s);
	for (uint32_t i = 1; i <= others; i++)
		event(s, EVENT_SENT, 1000 + i, 9, node[0], MAP_NO_NODE);
	for (uint32_t i = 1; i <= networks; i++)
		sent_to_each(s, i, node);
	for (uint32_t i = 1; i <= networks; i++)
		event_of(s, EVENT_SWITCHED, i, node);
	tick(s);
	return for_area(s, 9, 2) > 0;
}

#define NO MAP_NO_NODE
#define MANY 50 /* are not enough either */

/* A press is about the node of the line before, more than about the one before that,
 * and so on; about one that others leave, too; and of few networks rather than of
 * many. */
static void test_which_of_several(void **state)
{
	static const struct {
		uint16_t node[EVENT_NODES];
		unsigned others, enough;
	} rows[] = {{{2, 8, NO, NO}, 0, 4}, {{8, 2, NO, NO}, 7, MANY},
		{{8, 2, NO, NO}, 8, 13}, {{8, 2, NO, NO}, 10, 8},
		{{8, NO, 2, NO}, 37, MANY}, {{8, NO, 2, NO}, 40, 7},
		{{8, NO, NO, 2}, 85, MANY}, {{8, NO, NO, 2}, 87, 7}};
	for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
		unsigned n = rows[row].enough;
		assert_false(are_enough(
			state, rows[row].node, n - 1, rows[row].others));
		assert_int_equal(
			are_enough(state, rows[row].node, n, rows[row].others),
			n < MANY);
	}
}

/* How many of a hundred networks are many: a twentieth of those of an area, a tenth of
 * strangers, a fifth of all. */
static void test_how_many_of_all(void **state)
{
	static const struct {
		uint32_t area;
		unsigned node, networks, found;
	} rows[] = {{9, 2, 4, 0}, {9, 2, 5, 1}, {9, 2, 9, 1}, {9, 2, 10, 2},
		{9, 2, 19, 2}, {9, 2, 20, 3}, {0, 0, 4, 0}, {0, 0, 5, 1}};
	for (unsigned k = 0; k < 2 * sizeof rows / sizeof *rows; k++) {
		unsigned row = k / 2;
		struct scene *s = *state;
		uint32_t area = rows[row].area;
		unsigned node = rows[row].node;
		teardown(state);
		setup(state);
		tick(s);
		for (uint32_t i = 1; i <= 100; i++)
			event(s, EVENT_SENT, i, area, node, MAP_NO_NODE);
		many_areas(s, k % 2 ? NEARLY_FULL : 0);
		for (unsigned t = 0; t < 30; t++)
			tick(s);
		for (unsigned n = 0; n < 2; n++) {
			for (uint32_t i = 1; i <= rows[row].networks; i++)
				event(s, EVENT_SWITCHED, i, area, node,
					MAP_NO_NODE);
			s->now += 5000;
		}
		tick(s);
		assert_int_equal(
			complaints_found(s->complaints, node), rows[row].found);
	}
}

/* A network with clients of two areas was a stranger for a node as a client of one, and
 * as one of the other is at home there: strangers do not leave that node. */
static void test_at_home_and_a_stranger(void **state)
{
	struct scene *s = *state;
	tick(s);
	for (uint32_t i = 1001; i <= 1010; i++) /* or node 3 is likelier */
		event(s, EVENT_SENT, i, 2, 3, MAP_NO_NODE);
	for (uint32_t i = 1; i <= 8; i++) {
		event(s, EVENT_SENT, i, 9, 2, MAP_NO_NODE);
		event(s, EVENT_SENT, i, 2, 3, MAP_NO_NODE);
		event(s, EVENT_SENT, i, 2, 2, MAP_NO_NODE);
	}
	for (uint32_t i = 1; i <= 8; i++)
		event(s, EVENT_SWITCHED, i, 2, 3, 2);
	tick(s);
	assert_float_equal(for_area(s, 7, 2), 0, 0);
	assert_float_equal(for_area(s, 7, 3), DISTRUST_COST_MS, 0);
}

/* Four networks press about node 2 at once. */
static void four_press(struct scene *s)
{
	for (uint32_t i = 1; i <= 4; i++)
		told(s, i, 2, 0);
	for (uint32_t i = 1; i <= 4; i++)
		press(s, i, 2);
	tick(s);
}

/* What a doubt costs, and whether it is listed, by the time since it ended. */
static void test_cost_of_a_doubt(void **state)
{
	static const struct {
		int64_t since_ms;
		float ms;
	} rows[] = {{-1, 200}, {0, 40}, {60000, 30}, {234000, 1}, {240000, 0},
		{270000, 0}};
	struct scene *s = *state;
	tick(s);
	four_press(s);
	int64_t end = s->now + 120000;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct load_distrust out[2];
		s->now = end + rows[i].since_ms;
		assert_float_equal(everywhere(s, 2), rows[i].ms, 1e-4);
		assert_int_equal(
			complaints_of_areas(s->complaints, out, 2, s->now),
			rows[i].ms > 0);
		if (rows[i].ms > 0)
			assert_float_equal(out[0].ms, rows[i].ms, 1e-4);
	}
}

/* Eight minutes after a doubt it is forgiven: two networks are not enough again. */
static void test_forgiven_after_eight_minutes(void **state)
{
	for (unsigned late = 0; late < 2; late++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		tick(s);
		four_press(s);
		s->now += 120000 + 470000 + late;
		complaints_tick(s->complaints, s->now);
		for (uint32_t i = 1; i <= 2; i++)
			told(s, i, 2, 0);
		for (unsigned k = 0; k < 2; k++) {
			press(s, 1, 2);
			press(s, 2, 2);
			s->now += 5000;
		}
		complaints_tick(s->complaints, s->now);
		assert_int_equal(
			complaints_found(s->complaints, 2), late ? 2 : 4);
	}
}

/* What was said before a doubt, and of how many viewers, is over with it. Two networks
 * are enough then, if they press twice. */
static void test_a_trial_begins_anew(void **state)
{
	for (unsigned twice = 0; twice < 2; twice++) {
		struct scene *s = *state;
		teardown(state);
		setup(state);
		tick(s);
		for (uint32_t i = 1; i <= 14; i++)
			told(s, i, 2, 20);
		for (uint32_t i = 1; i <= 14; i++)
			press(s, i, 2);
		tick(s);
		assert_int_equal(complaints_found(s->complaints, 2), 2);
		s->now += 120000;
		complaints_tick(s->complaints, s->now);
		for (uint32_t i = 1; i <= 2; i++)
			told(s, i, 2, -1);
		for (unsigned k = 0; k <= twice; k++) {
			s->now += k * 5000;
			press(s, 1, 2);
			press(s, 2, 2);
		}
		tick(s);
		assert_int_equal(
			complaints_found(s->complaints, 2), twice ? 4 : 2);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_networks_of_a_trial),
		SCENE_TEST(test_told_before_the_doubt),
		SCENE_TEST(test_how_long),
		SCENE_TEST(test_interval),
		SCENE_TEST(test_once_a_second),
		SCENE_TEST(test_confirmed_for_a_minute),
		SCENE_TEST(test_viewers_are_gone),
		SCENE_TEST(test_seen_by_samples),
		SCENE_TEST(test_seen_before_a_trial),
		SCENE_TEST(test_slow_repeats),
		SCENE_TEST(test_few_stay_few),
		SCENE_TEST(test_fresh_after_ten_minutes),
		SCENE_TEST(test_home_comes_first),
		SCENE_TEST(test_press_when_a_doubt_ends),
		SCENE_TEST(test_judged_when_a_doubt_ends),
		SCENE_TEST(test_how_long_a_network_counts),
		SCENE_TEST(test_sent_long_ago),
		SCENE_TEST(test_viewers_come_slowly),
		SCENE_TEST(test_what_is_natural),
		SCENE_TEST(test_which_of_several),
		SCENE_TEST(test_how_many_of_all),
		SCENE_TEST(test_at_home_and_a_stranger),
		SCENE_TEST(test_cost_of_a_doubt),
		SCENE_TEST(test_forgiven_after_eight_minutes),
		SCENE_TEST(test_a_trial_begins_anew),
		SCENE_TEST(test_worst_of_four),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
