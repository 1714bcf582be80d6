/* bench_map - what geography costs to build: bench_map NODES FILE.mmdb...
 *
 * The table of the databases, and the map of so many nodes around twelve cities,
 * twice: at a start, and over a map in service. Seconds of processor time. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_world.h"
#include "geo/mmdb.h"
#include "state/map.h"

int main(int argc, char **argv)
{
	struct err err = {0};
	if (argc < 2)
		return 2;
	struct rng rng = {3};
	struct conf *conf = bench_conf((unsigned)atoi(argv[1]), &rng);
	bench_lap_ms();
	struct geo *geo = geo_load(NULL, (const char *const *)argv + 2,
		(unsigned)(argc - 2), &err);
	if (!geo) {
		fprintf(stderr, "%s\n", err_text(&err));
		return 1;
	}
	double table = bench_lap_ms() / 1000;
	struct map *map = map_build(conf, geo, 1, NULL);
	double first = bench_lap_ms() / 1000;
	struct map *again = map_build(conf, geo, 1, map);
	double second = bench_lap_ms() / 1000;
	printf("table %.2f s, map of %u nodes and %u cells %.3f s, over another "
	       "%.3f s\n",
		table, map->n_nodes, map->n_cells, first, second);
	map_free(again);
	map_free(map);
	geo_free(geo);
	conf_free(conf);
	return 0;
}
