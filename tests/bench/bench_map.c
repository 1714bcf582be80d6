/* bench_map - what geography costs to build: bench_map NODES FILE.mmdb...
 *
 * The table of the databases, and the map of so many nodes around twelve cities,
 * twice: at a start, and over a map in service. Seconds of processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "geo/mmdb.h"
#include "state/map.h"

static const float cities[][2] = {{22.3f, 114.2f}, {35.7f, 139.7f},
	{37.6f, 127}, {1.3f, 103.8f}, {51.5f, -.1f}, {50.1f, 8.7f},
	{48.9f, 2.3f}, {40.7f, -74}, {37.4f, -122.1f}, {-23.5f, -46.6f},
	{-33.9f, 151.2f}, {31.2f, 121.5f}};

static void add_node(struct buf *out, struct rng *rng, unsigned i)
{
	const float *at = cities[i % (sizeof cities / sizeof *cities)];
	buf_printf(out,
		"  n%u: {address: [198.18.%u.%u], site: s%u, at: [%.2f, %.2f], "
		"capacity: 5000, api: off, rtmp: off, flv: off}\n",
		i, i >> 8, i & 255, i / 20, at[0] + 4 * rng_unit(rng) - 2,
		at[1] + 4 * rng_unit(rng) - 2);
}

static struct conf *configuration(unsigned nodes)
{
	struct err err = {0};
	struct buf text = {0};
	struct rng rng = {3};

	buf_printf(&text, "zones: {example.com: {ns: [ns.x]}}\nnodes:\n");
	for (unsigned i = 0; i < nodes; i++)
		add_node(&text, &rng, i);
	buf_printf(&text, "steer: {live.example.com: {pool: [edge]}}\n");
	struct conf *conf = conf_parse("bench", text.text, text.len, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		exit(1);
	}
	buf_fini(&text);
	return conf;
}

/* Seconds of the processor since the last call. */
static double lap(void)
{
	static int64_t before;
	int64_t now = clock_cpu_ns();
	double s = (double)(now - before) / 1e9;
	before = now;
	return s;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	if (argc < 2)
		return 2;
	struct conf *conf = configuration((unsigned)atoi(argv[1]));
	lap();
	struct geo *geo = geo_load(NULL, (const char *const *)argv + 2,
		(unsigned)(argc - 2), &err);
	if (!geo) {
		fprintf(stderr, "%s\n", err_text(&err));
		return 1;
	}
	double table = lap();
	struct map *map = map_build(conf, geo, 1, NULL);
	double first = lap();
	struct map *again = map_build(conf, geo, 1, map);
	double second = lap();
	printf("table %.2f s, map of %u nodes and %u cells %.3f s, over another "
	       "%.3f s\n",
		table, map->n_nodes, map->n_cells, first, second);
	map_free(again);
	map_free(map);
	geo_free(geo);
	conf_free(conf);
	return 0;
}
