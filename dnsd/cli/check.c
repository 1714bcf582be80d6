#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/cli.h"
#include "control/build.h"
#include "http/http.h"
#include "http/tls.h"
#include "net/listen.h"

static const char usage[] = "check [-c FILE] [--from LAT,LON] [--schema]";
static const char help[] =
	"Checks everything that run would load. Prints the effective table: for\n"
	"each steered name and each place which nodes serve it in which order,\n"
	"with their path in milliseconds, as long as all are up and have room.\n"
	"\n"
	"  --from LAT,LON  that place only; default: the place of each node\n"
	"  --schema        prints the JSON schema of the configuration instead\n";

struct row {
	float path;
	uint16_t node;
	unsigned order;
};

static int by_path(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void print_row(const struct map *map, const struct map_name *name,
	const char *from, const struct place *place)
{
	const struct map_pool *pool = &map->pools[name->pool];
	struct row *rows = mem_zero(pool->n, sizeof *rows);

	for (unsigned i = 0; i < pool->n; i++)
		rows[i] = (struct row){
			map_path_ms(map, pool, place, pool->node[i]),
			pool->node[i], i};
	if (name->policy != POLICY_FAILOVER)
		qsort(rows, pool->n, sizeof *rows, by_path);
	printf("%s (%s) from %s (%.2f,%.2f):", name->name,
		conf_policies[name->policy], from, place->lat, place->lon);
	for (unsigned i = 0; i < pool->n; i++)
		printf("%s %s %.1fms", i ? "," : "",
			map->nodes[rows[i].node].name, rows[i].path);
	printf("\n");
	free(rows);
}

static void print_name(const struct map *map, const struct map_name *name,
	const struct place *from)
{
	if (from) {
		print_row(map, name, "there", from);
		return;
	}
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct map_node *node = &map->nodes[i];
		struct place place = {.lat = node->lat,
			.lon = node->lon,
			.source = PLACE_NETS};
		if (node->name && node->placed)
			print_row(map, name, node->name, &place);
	}
}

static void print_names(const struct map *map)
{
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (!map->nodes[i].placed)
			printf("node %s: its place is not known\n",
				map->nodes[i].name);
}

static bool parse_from(const char *text, struct place *place)
{
	char rest;
	*place = (struct place){.source = PLACE_NETS};
	return sscanf(text, "%f,%f%c", &place->lat, &place->lon, &rest) == 2 &&
		fabsf(place->lat) <= 90 && fabsf(place->lon) <= 180;
}

static int print_schema(void)
{
	char *schema = conf_schema();
	puts(schema);
	free(schema);
	return 0;
}

static bool certificate_ok(const struct conf *conf, struct err *err)
{
	struct ssl_ctx_st *tls;
	bool ok = http_load_tls(conf, &tls, err);
	tls_free(tls);
	return ok;
}

int cli_check(int argc, char **argv)
{
	struct cli_options o = {.from_allowed = true, .schema_allowed = true};
	struct err err = {0};
	struct place from;
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (o.schema)
		return print_schema();
	if (o.first < argc || (o.from && !parse_from(o.from, &from))) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	struct built *built = build_all(o.conf, NULL, GEO_FILES, NULL, &err);
	if (built && !certificate_ok(built->conf, &err)) {
		build_free(built, NULL);
		built = NULL;
	}
	if (built) {
		listen_warn(&built->conf->listen, &err);
		listen_warn(&built->conf->http.listen, &err);
		listen_warn(&built->conf->public.listen, &err);
	}
	if (err.warnings)
		fprintf(stderr, "%s", err.warnings);
	if (built) {
		printf("%s", geo_report(built->geo));
		print_names(built->map);
		for (unsigned i = 0; i < built->map->n_names; i++)
			print_name(built->map, &built->map->names[i],
				o.from ? &from : NULL);
		printf("%s: ok\n", o.conf);
	} else {
		fprintf(stderr, "%s\n", err_text(&err));
	}
	status = built ? 0 : 1;
	build_free(built, NULL);
	err_fini(&err);
	return status;
}
