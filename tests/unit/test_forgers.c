/* Players that lie: 2 % of the networks say of three nodes that they are 1 ms or two
 * seconds away, every minute. What goes to each node hardly changes. */
#include "base/rng.h"
#include "paths/paths.h"
#include "state/nearest.h"
#include "world.h"

#define CITIES 12
#define ASES 3
#define NETWORKS 40 /* of a city and an AS */
#define MINUTES 10
#define FORGED 3 /* nodes */

static const float cities[CITIES][2] = {{22.3f, 114.2f}, {35.7f, 139.7f},
	{37.6f, 127}, {1.3f, 103.8f}, {51.5f, -.1f}, {50.1f, 8.7f},
	{48.9f, 2.3f}, {40.7f, -74}, {37.4f, -122.1f}, {-23.5f, -46.6f},
	{-33.9f, 151.2f}, {31.2f, 121.5f}};

static struct {
	struct world w;
	struct rng rng;
	struct paths *paths;
	float way[CITIES][ASES][CITIES]; /* true round trips to each node */
} t;

static struct place place_of(unsigned city, unsigned as)
{
	return (struct place){.lat = cities[city][0],
		.lon = cities[city][1],
		.asn = 4134 + as,
		.source = PLACE_DATABASE};
}

static float by_distance(unsigned city, unsigned node)
{
	return 5 +
		0.016f *
		(float)place_km((double)cities[city][0],
			(double)cities[city][1], (double)cities[node][0],
			(double)cities[node][1]);
}

/* A node in each city; ways are up to three times as long as the map says. */
static void open_world(void)
{
	char text[4096] = "nodes:\n";
	for (unsigned i = 0; i < CITIES; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
			" n%u: {address: [10.9.0.%u], at: [%.1f, %.1f]}\n", i,
			i + 1, (double)cities[i][0], (double)cities[i][1]);
	strcat(text, "steer: {live.example.com: {pool: [edge], lines: 3}}\n");
	world_open(&t.w, text);
	t.rng = (struct rng){5};
	for (unsigned c = 0; c < CITIES; c++)
		for (unsigned a = 0; a < ASES; a++)
			for (unsigned n = 0; n < CITIES; n++)
				t.way[c][a][n] = by_distance(c, n) *
					(float)exp(1.1 * rng_unit(&t.rng));
}

static void say(unsigned city, unsigned as, unsigned net, unsigned node,
	float rtt_ms, enum path_witness by, int64_t now_ms)
{
	struct path_report r = {.net = 1 + (city * ASES + as) * NETWORKS + net,
		.place = place_of(city, as),
		.node = node,
		.rtt_ms = rtt_ms,
		.loss = by == PATH_BY_NODE ? 0 : -1,
		.viewers = 3,
		.by = by};
	paths_report(t.paths, &r, now_ms);
}

/* The node with the shortest way of those from n on, by what is true. */
static unsigned best_of(unsigned city, unsigned as, unsigned not, unsigned nor)
{
	unsigned best = CITIES;
	for (unsigned n = 0; n < CITIES; n++)
		if (n != not &&n != nor &&
			(best == CITIES ||
				t.way[city][as][n] < t.way[city][as][best]))
			best = n;
	return best;
}

/* What honest networks make known in a minute: the node that they play from by the
 * node, and a fifth of them their three lines by the player. */
static void honest_minute(unsigned city, unsigned as, unsigned net, int64_t now)
{
	unsigned line[3];
	line[0] = best_of(city, as, CITIES, CITIES);
	line[1] = best_of(city, as, line[0], CITIES);
	line[2] = best_of(city, as, line[0], line[1]);
	for (unsigned i = 0; i < (net % 5 ? 1 : 3); i++) {
		float noise = (float)(0.9 + 0.2 * rng_unit(&t.rng));
		say(city, as, net, line[i], noise * t.way[city][as][line[i]],
			i ? PATH_BY_PLAYER : PATH_BY_NODE, now);
	}
}

/* The share of the networks that each node is nearest to by belief. */
static void shares(float forged_ms, float *share)
{
	t.paths = paths_new();
	t.rng = (struct rng){9};
	paths_set_map(t.paths, t.w.map);
	for (unsigned m = 0; m < MINUTES; m++) {
		int64_t now = 1000000 + m * 60000;
		for (unsigned i = 0; i < CITIES * ASES * NETWORKS; i++) {
			unsigned city = i / ASES / NETWORKS;
			unsigned as = i / NETWORKS % ASES, net = i % NETWORKS;
			if (hash_mix(i) % 50 || forged_ms == 0) {
				honest_minute(city, as, net, now);
				continue;
			}
			for (unsigned n = 0; n < FORGED; n++)
				say(city, as, net, n, forged_ms, PATH_BY_PLAYER,
					now + 1);
		}
		paths_fit(t.paths, now + 1000);
	}
	struct path_table *table = paths_table(t.paths);
	memset(share, 0, CITIES * sizeof *share);
	for (unsigned c = 0; c < CITIES; c++)
		for (unsigned a = 0; a < ASES; a++) {
			struct place place = place_of(c, a);
			const struct path_area *area =
				path_table_area(table, path_area_key(&place));
			unsigned best = 0;
			float least = INFINITY;
			for (unsigned n = 0; n < CITIES; n++) {
				float ms = path_table_find(
					table, area, n, by_distance(c, n))
						   .path_ms;
				if (ms < least) {
					least = ms;
					best = n;
				}
			}
			share[best] += 1.0f / (CITIES * ASES);
		}
	path_table_free(table);
	paths_free(t.paths);
}

static void test_forgers(void **state)
{
	static const float lies[] = {1, 2000};
	float honest[CITIES], moved[CITIES];
	unsigned taken = 0;
	open_world();
	shares(0, honest);
	for (unsigned n = 0; n < CITIES; n++)
		taken += honest[n] > 0;
	assert_true(taken > CITIES / 2); /* there is something to move */
	for (unsigned i = 0; i < 2; i++) {
		shares(lies[i], moved);
		for (unsigned n = 0; n < CITIES; n++)
			if (fabsf(moved[n] - honest[n]) > 0.03f)
				fail_msg("node %u: %.3f instead of %.3f", n,
					(double)moved[n], (double)honest[n]);
	}
	world_close(&t.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forgers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
