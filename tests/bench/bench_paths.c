/* bench_paths - what learned paths cost control: bench_paths [NODES [AREAS [NETS]]]
 *
 * So many nodes around twelve cities, and areas of clients of which each was measured to
 * 24 nodes, by 4 networks each; NETS places in each area. Milliseconds of processor
 * time of each step, and memory. Without arguments: 10000 2000 10. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "bench_world.h"
#include "geo/builder.h"
#include "paths/paths.h"
#include "state/path_shown.h"

#define NODES_OF_AREA 24
#define NETS_OF_NODE 4
#define POINTS 4096 /* of a step of history */

/* Places: `nets` in each area, within some 200 km. */
static struct geo *geography(
	struct place *place, unsigned areas, unsigned nets, struct rng *rng)
{
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < areas; i++) {
		place[i] =
			(struct place){.lat = (float)(rng_unit(rng) * 100 - 40),
				.lon = (float)(rng_unit(rng) * 340 - 170),
				.asn = 1000 + i % 300,
				.source = PLACE_DATABASE};
		for (unsigned k = 0; k < nets; k++) {
			struct place at = place[i];
			unsigned n = i * nets + k;
			struct prefix p = {
				.addr = {.family = 4,
					.bytes = {20 + (n >> 16),
						(uint8_t)(n >> 8), (uint8_t)n}},
				.len = 24};
			at.lat += (float)(rng_unit(rng) * 2 - 1);
			at.lon += (float)(rng_unit(rng) * 2 - 1);
			geo_builder_add(b, 0, &p, &at);
		}
	}
	return geo_build(b);
}

static void report_all(struct paths *paths, const struct map *map,
	const struct place *place, unsigned areas, struct rng *rng)
{
	for (unsigned i = 0; i < areas * NODES_OF_AREA * NETS_OF_NODE; i++) {
		unsigned area = i % areas;
		struct path_report r = {.net = 1 + i / areas % NETS_OF_NODE,
			.place = place[area],
			.node = (area * 7 + i / areas / NETS_OF_NODE * 41) %
				map->n_nodes,
			.rtt_ms = 100 + (float)(rng_unit(rng) * 300),
			.loss = (float)rng_unit(rng) / 50,
			.viewers = 5,
			.by = PATH_BY_NODE};
		paths_report(paths, &r, 1000000);
	}
}

static double megabytes(void)
{
	struct mallinfo2 m = mallinfo2();
	return (double)(m.uordblks + m.hblkhd) / 1e6;
}

static unsigned argument(int argc, char **argv, int i, unsigned preset)
{
	return i < argc ? (unsigned)atoi(argv[i]) : preset;
}

int main(int argc, char **argv)
{
	unsigned nodes = argument(argc, argv, 1, 10000);
	unsigned areas = argument(argc, argv, 2, 2000);
	unsigned nets = argument(argc, argv, 3, 10);
	struct rng rng = {3};
	struct place *place = mem_zero(areas, sizeof *place);
	struct conf *conf = bench_conf(nodes, &rng);
	struct geo *geo = geography(place, areas, nets, &rng);
	struct map *map = map_build(conf, geo, 1, NULL);
	struct paths *paths = paths_new();

	paths_set_map(paths, map);
	double before = megabytes();
	bench_lap_ms();
	report_all(paths, map, place, areas, &rng);
	double reports = bench_lap_ms();
	paths_fit(paths, 1000000);
	double fit = bench_lap_ms();
	printf("%u nodes, %u areas, %u cells: %u reports %.1f ms, fit %.1f ms",
		nodes, paths_areas(paths), map->n_cells,
		areas * NODES_OF_AREA * NETS_OF_NODE, reports, fit);
	double learned = megabytes();
	bench_lap_ms();
	struct path_table *table = paths_table(paths);
	double made = bench_lap_ms();
	struct map *measured = map_with_paths(map, table);
	double over = bench_lap_ms();
	unsigned bad = path_count_bad(measured);
	double counted = bench_lap_ms();
	struct path_point *points = mem_zero(POINTS, sizeof *points);
	unsigned n_points = paths_points(paths, 0, points, POINTS);
	double pointed = bench_lap_ms();
	free(points);
	printf(", table %.1f ms, map %.1f ms; %.1f MB learned, %.1f MB published\n",
		made, over, learned - before, megabytes() - learned);
	printf("%u bad, counted in %.1f ms; %u points of history %.1f ms\n",
		bad, counted, n_points, pointed);
	map_free(measured);
	path_table_free(table);
	paths_free(paths);
	map_free(map);
	geo_free(geo);
	conf_free(conf);
	free(place);
	return 0;
}
