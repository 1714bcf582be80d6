/* Questions that are no viewers', against the whole chain: answers, accounts,
 * merge, forecast, doubt, load, in virtual time. Where honest networks are sent
 * is compared with the same day without attack. */
#include "world.h"
#include "geo/builder.h"

#include <malloc.h>

#include "base/rng.h"
#include "fleet/fleet.h"

#define NODES 8
#define NETS 300
#define PROBES 400
#define CAPACITY 40000
#define STEP_MS 100
#define POLL_MS 3000
#define PRESSES 0.005 /* of viewers, on their first node */
#define ASKED_S 10    /* least time that a resolver keeps an answer */
#define CITIES 4
#define COMPLAIN_S 6
/* Who asks for line 2 first may be sent to any of some nodes alike: two days
 * without an attack differ by 11.5 % of it. */
#define LINE2_NOISE 0.15

/* Four cities of two sites each. */
static const char eight[] =
	"nodes:\n"
	"  a1: {address: [192.0.2.1], at: [22.3, 114.2], site: a1, capacity: 40000}\n"
	"  a2: {address: [192.0.2.2], at: [22.3, 114.2], site: a2, capacity: 40000}\n"
	"  b1: {address: [192.0.2.3], at: [35.7, 139.7], site: b1, capacity: 40000}\n"
	"  b2: {address: [192.0.2.4], at: [35.7, 139.7], site: b2, capacity: 40000}\n"
	"  c1: {address: [192.0.2.5], at: [51.5, -0.1], site: c1, capacity: 40000}\n"
	"  c2: {address: [192.0.2.6], at: [51.5, -0.1], site: c2, capacity: 40000}\n"
	"  d1: {address: [192.0.2.7], at: [31.2, 121.5], site: d1, capacity: 40000}\n"
	"  d2: {address: [192.0.2.8], at: [31.2, 121.5], site: d2, capacity: 40000}\n"
	"steer: {live.example.com: {pool: [edge], lines: 2, ttl: [5, 10]}}\n";

/* A resolver with its clients. It keeps its answer for its TTL. */
struct net {
	struct steer_query line[2];
	double per_s; /* viewers */
	int64_t until[2];
	struct steer_decision sent[2];
	bool hostile;
};

struct sum {
	double answers[2][NODES]; /* of honest networks, by line */
	double all[2];
	double doubted_s;  /* nodes, for all or for an area */
	double worst_used; /* as published, above the truth */
};

struct scene {
	struct world w;
	struct fleet *fleet;
	struct load *load;
	double viewers[NODES];
	struct net net[NETS];
	struct rng rng;      /* of honest demand */
	struct rng forger;   /* of the attack: it does not disturb the other */
	unsigned n_complain; /* forged networks that complain of a1 */
	bool complain_at_random; /* blindly, of whatever node they were sent to */
	unsigned forged_per_s;
	uint8_t forged_line; /* 1, 2 or 3: both */
	bool forged_in_one;  /* city */
	double hostile_per_s;
	bool attacked, counting;
	unsigned reporters; /* networks whose players say that they left a1 */
	struct sum sum;
};

static const struct fleet_rules rules = {{POLL_MS, 1500, 2, 2}, 300};

/* -- the world -- */

/* Each /24 of a city is a client net of its own, since its carrier is. */
static struct geo *cities(void)
{
	static const float at[CITIES][2] = {{22.3f, 114.2f}, {35.7f, 139.7f},
		{51.5f, -0.1f}, {31.2f, 121.5f}};
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < CITIES * 256; i++) {
		struct prefix net = {
			{4, {10, (uint8_t)(1 + i / 256), (uint8_t)i}}, 24};
		struct place place = {.lat = at[i / 256][0],
			.lon = at[i / 256][1],
			.asn = 64512 + i % 256,
			.source = PLACE_NETS};
		geo_builder_add(b, 0, &net, &place);
	}
	return geo_build(b);
}

static struct steer_query query_of(const struct scene *s, unsigned line,
	const struct addr *client, const struct addr *asker)
{
	struct steer_query q = {.name = 0,
		.line = (uint8_t)line,
		.type = STEER_A,
		.asker = *asker};
	steer_client(&q, client, 24, geo_find(s->w.geo, client));
	return q;
}

/* Most are small, some are resolvers of a whole town. */
static void make_nets(struct scene *s)
{
	double total = 0;
	for (unsigned i = 0; i < NETS; i++) {
		struct net *n = &s->net[i];
		struct addr a = {.family = 4,
			.bytes = {10, (uint8_t)(1 + i % 4), (uint8_t)(i / 4),
				53}};
		n->line[0] = query_of(s, 1, &a, &a);
		n->line[1] = query_of(s, 2, &a, &a);
		n->per_s = exp(3 * rng_unit(&s->rng));
		total += n->per_s;
	}
	for (unsigned i = 0; i < NETS; i++) /* as many come as go, at 60 % */
		s->net[i].per_s *= 0.6 * NODES * CAPACITY / 1700 / total;
}

static void poll_nodes(struct scene *s)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct sample one = {.sampled_ms = s->w.now - 1000,
			.node_ms = s->w.now,
			.connections = (uint32_t)s->viewers[i],
			.uptime_s = -1,
			.identity = 7};
		fleet_sample(s->fleet, i, &one, s->w.now);
	}
}

static void publish(struct scene *s)
{
	fleet_merge(s->fleet, 0, s->w.accounts, s->w.now);
	load_free(s->load);
	s->load = fleet_load(s->fleet, s->w.now);
	s->w.state.load = s->load;
	if (!s->counting)
		return;
	s->sum.doubted_s += s->load->n_distrusts * STEP_MS / 1000.0;
	for (unsigned i = 0; i < NODES; i++) {
		if (s->load->node[i].penalty_ms > 0)
			s->sum.doubted_s += STEP_MS / 1000.0;
		s->sum.worst_used = fmax(s->sum.worst_used,
			(double)s->load->node[i].used -
				s->viewers[i] / CAPACITY);
	}
}

static void open_scene(struct scene *s)
{
	*s = (struct scene){.rng = {11}, .forger = {12}};
	world_open_at(&s->w, eight, cities());
	/* as large as in service */
	accounts_free(s->w.accounts);
	sent_table_free(s->w.sent);
	s->w.sent = sent_table_new(1 << 20, 7);
	s->w.accounts = accounts_new(1 << 18, s->w.sent, 7);
	s->fleet = fleet_new(&rules, s->w.now);
	fleet_set_map(s->fleet, s->w.map, &rules, s->w.now);
	for (unsigned i = 0; i < NODES; i++) {
		fleet_watch(s->fleet, i, true, true);
		s->viewers[i] = 0.6 * CAPACITY;
	}
	make_nets(s);
	poll_nodes(s);
	publish(s);
}

static void close_scene(struct scene *s)
{
	load_free(s->load);
	fleet_free(s->fleet);
	world_close(&s->w);
}

/* -- demand -- */

/* A node of the answer that the resolver keeps, or of a new one. */
static unsigned resolve(struct scene *s, struct net *n, unsigned line)
{
	struct steer_decision *d = &n->sent[line - 1];
	if (s->w.now >= n->until[line - 1]) {
		steer_answer(&s->w.state, s->w.accounts, &n->line[line - 1],
			s->w.now, d);
		n->until[line - 1] = s->w.now +
			1000 * (d->ttl_s > ASKED_S ? d->ttl_s : ASKED_S);
	}
	return d->node[rng_next(&s->rng) % d->n];
}

static void come(struct scene *s, struct net *n)
{
	double p = n->per_s * STEP_MS / 1000;
	/* the same numbers are drawn whatever is answered */
	unsigned viewers = (unsigned)(p + rng_unit(&s->rng));
	for (unsigned i = 0; i < viewers; i++) {
		bool presses = rng_unit(&s->rng) < PRESSES;
		unsigned node = resolve(s, n, 1);
		if (presses)
			node = resolve(s, n, 2);
		s->viewers[node]++;
	}
}

static void forge(struct scene *s)
{
	struct addr asker = {.family = 4, .bytes = {203, 0, 113, 7}};
	for (unsigned i = 0; i < s->forged_per_s * STEP_MS / 1000; i++) {
		uint64_t r = rng_next(&s->forger);
		struct addr client = {.family = 4,
			.bytes = {10,
				(uint8_t)(s->forged_in_one ? 1 : 1 + r % 4),
				(uint8_t)(r >> 8), (uint8_t)(r >> 16)}};
		unsigned line = s->forged_line == 3 ? 1 + (r >> 24) % 2
						    : s->forged_line;
		struct steer_query q = query_of(s, line, &client, &asker);
		struct steer_decision d;
		/* not of the nets of the honest, nor of any size */
		q.net.bytes[0] = (uint8_t)(100 + (r >> 32) % 100);
		q.net.bytes[1] = (uint8_t)(r >> 40);
		q.net.bytes[3] = 0;
		steer_answer(&s->w.state, s->w.accounts, &q, s->w.now, &d);
	}
}

/* Forged networks of the first city: each asks for the name again and again and,
 * if it was sent to a1, or blindly, for lines 2 and 3 as often as may count. */
static void complain(struct scene *s)
{
	for (unsigned i = 0; i < s->n_complain; i++) {
		struct steer_decision d;
		struct addr client = {
			.family = 4, .bytes = {10, 1, (uint8_t)(i % 256), 77}};
		struct addr asker = {.family = 4,
			.bytes = {
				100, (uint8_t)(64 + i / 256), (uint8_t)i, 53}};
		if ((s->w.now / STEP_MS + i) % (COMPLAIN_S * 1000 / STEP_MS))
			continue;
		struct steer_query q = query_of(s, 1, &client, &asker);
		steer_answer(&s->w.state, s->w.accounts, &q, s->w.now, &d);
		for (uint8_t line = 2; line <= 3; line++) {
			if (d.node[0] != 0 && !s->complain_at_random)
				break;
			q.line = line;
			steer_answer(
				&s->w.state, s->w.accounts, &q, s->w.now, &d);
		}
	}
}

/* Networks that ask for line 2 whether they have an answer or not. */
static void press(struct scene *s)
{
	for (unsigned i = 0; i < NETS; i++) {
		struct steer_decision d;
		struct net *n = &s->net[i];
		if (!n->hostile ||
			rng_unit(&s->forger) >=
				s->hostile_per_s * n->per_s * STEP_MS / 1000)
			continue;
		steer_answer(
			&s->w.state, s->w.accounts, &n->line[1], s->w.now, &d);
	}
}

/* Where other honest networks that ask for the first time would be sent now: a
 * number that chance does not move. */
static void look(struct scene *s)
{
	for (unsigned i = 0; i < 2 * PROBES; i++) {
		struct steer_decision d;
		struct addr a = {.family = 4,
			.bytes = {10, (uint8_t)(1 + i % 4),
				(uint8_t)(100 + i / 8), 53}};
		unsigned line = i / 4 % 2;
		struct steer_query q = query_of(s, line + 1, &a, &a);
		steer_decide(
			&s->w.state, s->w.accounts, &q, s->w.now, &d, NULL);
		s->sum.answers[line][d.node[0]]++;
		s->sum.all[line]++;
	}
}

/* A player of the network says over HTTP that he left a1. */
static void report(struct scene *s, const struct net *net)
{
	struct steer_query q = net->line[0];
	q.proven = true;
	steer_report_switch(&s->w.state, s->w.accounts, &q, 0, s->w.now);
}

static void pass(struct scene *s, unsigned seconds)
{
	for (unsigned t = 0; t < seconds * 1000 / STEP_MS; t++) {
		s->w.now += STEP_MS;
		for (unsigned i = 0; i < NETS; i++)
			come(s, &s->net[i]);
		if (s->attacked) {
			forge(s);
			complain(s);
			press(s);
		}
		for (unsigned i = 0; i < s->reporters; i++)
			report(s, &s->net[i * 4]);
		for (unsigned i = 0; i < NODES; i++)
			s->viewers[i] *= 1 - STEP_MS / 1000.0 / 1700;
		if (s->w.now % POLL_MS == 0)
			poll_nodes(s);
		publish(s);
		if (s->counting && s->w.now % 500 == 0)
			look(s);
	}
}

/* -- attacks -- */

struct attack {
	const char *name;
	unsigned nets;         /* that press ... */
	bool neighbours;       /* ... all in one city */
	double times;          /* as often as usual */
	unsigned complain;     /* forged networks that complain ... */
	bool at_random;        /* ... of any node that they are sent to */
	unsigned forged_per_s; /* questions with random client nets ... */
	uint8_t line;          /* ... of line 1, 2 or both (3) */
	bool one_city;         /* where all these are */
	unsigned seconds;      /* that it lasts */
};

/* A day with or without it: where honest networks are sent from its begin until
 * half a minute after its end. */
static struct sum a_day(const struct attack *attack, bool attacked)
{
	static struct scene s;
	open_scene(&s);
	for (unsigned i = 0; i < attack->nets; i++)
		s.net[attack->neighbours ? i * 4 : i * 97].hostile = true;
	pass(&s, 300);
	s.n_complain = attack->complain;
	s.complain_at_random = attack->at_random;
	s.forged_per_s = attack->forged_per_s;
	s.forged_line = attack->line;
	s.forged_in_one = attack->one_city;
	s.hostile_per_s = PRESSES * attack->times;
	s.counting = true;
	s.attacked = attacked;
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	pass(&s, attack->seconds);
	s.attacked = false;
	pass(&s, 30);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd <= before + 4096);
	close_scene(&s);
	return s.sum;
}

/* The greatest move of a node's share of a line's answers. */
static double moved(const struct sum *a, const struct sum *b, unsigned line)
{
	double most = 0;
	for (unsigned i = 0; i < NODES; i++) {
		double x = a->answers[line][i] / a->all[line];
		double y = b->answers[line][i] / b->all[line];
		most = fmax(most, fabs(x - y));
	}
	return most;
}

static void withstands(const struct attack *attack)
{
	struct sum quiet = a_day(attack, false), loud = a_day(attack, true);
	double share = moved(&quiet, &loud, 0),
	       share2 = moved(&quiet, &loud, 1);

	if (getenv("DNSD_FIGURES"))
		printf("%s: moved %.1f %%, of line 2 %.1f %%; doubted %.0f and "
		       "%.0f s; load %.2f and %.2f above the truth\n",
			attack->name, 100 * share, 100 * share2,
			quiet.doubted_s, loud.doubted_s, quiet.worst_used,
			loud.worst_used);
	if (share > 0.02)
		fail_msg("%s: a node's share moved by %.1f %%", attack->name,
			100 * share);
	if (share2 > LINE2_NOISE)
		fail_msg("%s: of line 2 %.1f %%", attack->name, 100 * share2);
	if (loud.doubted_s > 0)
		fail_msg("%s: nodes are doubted", attack->name);
}

/* One network in a hundred asks for line 2 as fast as it can. */
static void test_pressed(void **state)
{
	static const struct attack attack = {.name = "3 networks press",
		.nets = 3,
		.times = 100,
		.seconds = 600};
	withstands(&attack);
}

static void test_pressed_by_neighbours(void **state)
{
	static const struct attack attack = {.name = "3 neighbours press",
		.nets = 3,
		.neighbours = true,
		.times = 100,
		.seconds = 600};
	withstands(&attack);
}

/* Random client nets in the questions of one address. */
static void test_forged(void **state)
{
	static const struct attack attack = {.name = "forged, line 1",
		.forged_per_s = 100000,
		.line = 1,
		.seconds = 6};
	withstands(&attack);
}

static void test_forged_in_one_city(void **state)
{
	static const struct attack attack = {.name = "forged, one city",
		.forged_per_s = 100000,
		.line = 1,
		.one_city = true,
		.seconds = 6};
	withstands(&attack);
}

static void test_forged_lines(void **state)
{
	static const struct attack attack = {.name = "forged, line 2",
		.forged_per_s = 100000,
		.line = 2,
		.seconds = 6};
	withstands(&attack);
}

static void test_both(void **state)
{
	static const struct attack attack = {.name = "both",
		.nets = 3,
		.times = 100,
		.forged_per_s = 100000,
		.line = 3,
		.seconds = 6};
	withstands(&attack);
}

/* Questions for another line from addresses that are forged. */
static void test_complaints(void **state)
{
	static const unsigned networks[] = {6, 20, 60, 600};
	for (unsigned i = 0; i < 8; i++) {
		struct attack attack = {.name = "forged complaints",
			.complain = networks[i / 2],
			.at_random = i % 2,
			.seconds = 300};
		withstands(&attack);
	}
}

/* a1 serves nobody any longer, though it looks well: those who watch there press
 * within half a minute and go to line 2, over plain UDP. Seconds until it is
 * doubted. */
static unsigned seconds_to_find(struct scene *s, double clickers)
{
	double stay = s->viewers[0] * (1 - clickers);
	for (unsigned t = 1; t <= 120; t++) {
		for (unsigned i = 0; i < NETS; i++)
			if (s->net[i].sent[0].node[0] == 0)
				s->viewers[resolve(s, &s->net[i], 2)]++;
		s->viewers[0] -= (s->viewers[0] - stay) / 20;
		pass(s, 1);
		if (s->load->node[0].penalty_ms >= 100)
			return t;
	}
	return 0;
}

static void test_silent_fault(void **state)
{
	static struct scene s;
	static const double clickers[] = {0.9, 0.5, 0.25};
	for (unsigned i = 0; i < 3; i++) {
		open_scene(&s);
		pass(&s, 300);
		unsigned found = seconds_to_find(&s, clickers[i]);
		if (getenv("DNSD_FIGURES"))
			printf("%.0f %% leave: found after %u s\n",
				100 * clickers[i], found);
		assert_true(found > 0 && found <= 30);
		assert_string_equal(fleet_avoided(s.fleet, 0, s.w.now),
			"its viewers leave it");
		assert_string_equal(fleet_avoided(s.fleet, 1, s.w.now), "");
		close_scene(&s);
	}
}

/* Reports of players: many networks of one city push a node out, one network as
 * often as it likes does not, nor do those that were never sent there. */
static void test_reported(void **state)
{
	static struct scene s;
	double distrusted[3];
	for (unsigned i = 0; i < 3; i++) {
		open_scene(&s);
		if (i == 2) /* all that report are of another city */
			for (unsigned k = 0; k < NETS; k += 4)
				s.net[k].line[0] = s.net[k + 2].line[0];
		pass(&s, 120);
		s.counting = true;
		s.reporters = i == 0 ? 1 : NETS / 4;
		pass(&s, i == 0 ? 400 : 120);
		distrusted[i] = s.sum.doubted_s;
		close_scene(&s);
	}
	assert_true(distrusted[0] == 0);
	assert_true(distrusted[1] > 30);
	assert_true(distrusted[2] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pressed),
		cmocka_unit_test(test_pressed_by_neighbours),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_in_one_city),
		cmocka_unit_test(test_forged_lines),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_silent_fault),
		cmocka_unit_test(test_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
