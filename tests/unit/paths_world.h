/* paths_world.h - for tests of paths/: three nodes that have a place and one that has none,
 * reports of networks, and what is believed then.
 */
#ifndef TESTS_PATHS_WORLD_H
#define TESTS_PATHS_WORLD_H

#include "paths/paths.h"
#include "world.h"

#define MINUTE 60000
#define HOUR 3600000

static const char yaml[] = "nodes:\n"
			   " hk: {address: [127.0.0.10], at: [22.3, 114.2]}\n"
			   " jp: {address: [127.0.0.11], at: [35.7, 139.7]}\n"
			   " uk: {address: [127.0.0.12], at: [51.5, -0.1]}\n"
			   " no: {address: [192.0.2.1]}\n"
			   "steer: {live.example.com: {pool: [edge]}}\n";

static struct {
	struct world w;
	struct paths *p;
	struct path_table *table;
	int64_t now;
	unsigned node[4]; /* hk, jp, uk, no */
} t;

enum { HK, JP, UK, NO };

static const struct place hong_kong = {
	.lat = 22.3f, .lon = 114.2f, .source = PLACE_NETS};
static const struct place shanghai = {
	.lat = 31.2f, .lon = 121.5f, .asn = 4134, .source = PLACE_NETS};
static const struct place beijing = {
	.lat = 39.9f, .lon = 116.4f, .asn = 4134, .source = PLACE_NETS};

static inline int setup(void **state)
{
	static const char *const names[] = {"hk", "jp", "uk", "no"};
	world_open(&t.w, yaml);
	t.p = paths_new();
	paths_set_map(t.p, t.w.map);
	t.now = 1000000;
	for (unsigned i = 0; i < 4; i++)
		t.node[i] = (unsigned)map_find_node(t.w.map, names[i]);
	return 0;
}

static inline int teardown(void **state)
{
	path_table_free(t.table);
	t.table = NULL;
	paths_free(t.p);
	world_close(&t.w);
	return 0;
}

static inline struct path_report report(
	const struct place *place, unsigned node, unsigned net, float rtt_ms)
{
	return (struct path_report){.net = net + 1,
		.place = *place,
		.node = t.node[node],
		.rtt_ms = rtt_ms,
		.viewers = 4,
		.by = PATH_BY_NODE};
}

static inline bool say(
	const struct place *place, unsigned node, unsigned net, float rtt_ms)
{
	struct path_report r = report(place, node, net, rtt_ms);
	return paths_report(t.p, &r, t.now);
}

/* The first n networks of a place. */
static inline void say_all(
	const struct place *place, unsigned node, unsigned n, float rtt_ms)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(say(place, node, i, rtt_ms));
}

static inline void lose(
	const struct place *place, unsigned node, unsigned n, float loss)
{
	for (unsigned i = 0; i < n; i++) {
		struct path_report r = report(place, node, i, 30);
		r.loss = loss;
		assert_true(paths_report(t.p, &r, t.now));
	}
}

static inline bool learn(void)
{
	bool changed = paths_fit(t.p, t.now);
	path_table_free(t.table);
	t.table = paths_table(t.p);
	return changed;
}

static inline const struct path_area *area_of(const struct place *place)
{
	return path_table_area(t.table, path_area_key(place));
}

/* What is believed of a path, with what its loss costs. */
static inline struct path_found found(const struct place *place, unsigned node)
{
	const struct map_node *to = &t.w.map->nodes[t.node[node]];
	float distance_ms = 5 +
		0.016f *
			(float)place_km((double)place->lat, (double)place->lon,
				(double)to->lat, (double)to->lon);
	assert_non_null(area_of(place));
	return path_table_find(
		t.table, area_of(place), t.node[node], distance_ms);
}

static inline void believed(
	const struct place *place, unsigned node, float ms, float within)
{
	float path = found(place, node).path_ms;
	if (!(fabsf(path - ms) <= within))
		fail_msg("path %.1f instead of %.1f", (double)path, (double)ms);
}

#endif
