#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/columns.h"
#include "cli/cli.h"
#include "control/build.h"
#include "http/http.h"
#include "net/listen.h"
#include "tls/tls.h"

static const char usage[] =
	"check [-c FILE] [--from LAT,LON] [--json] [--schema]";
static const char help[] =
	"Checks everything that run would load. Prints the effective table: for\n"
	"each steered name and each place which nodes serve it in which order,\n"
	"with their path in milliseconds, as long as all are up and have room.\n"
	"\n"
	"  --from LAT,LON  that place only; default: the place of each node\n"
	"  --json          all of it for programs, errors and warnings too\n"
	"  --schema        prints the JSON schema of the configuration instead\n";

/* Limits of the table, which has a row for each name and place with all nodes in it:
 * without them 10,000 nodes would give a hundred million entries. */
#define ROWS_MAX 1000
#define ROW_NODES_MAX 100

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

/* The effective table goes to one of these. */
struct table {
	struct columns *columns;
	json_t *json; /* a list; NULL: to columns */
	unsigned rows;
	unsigned long long left_out; /* rows */
};

/* The nodes of a pool in the order in which they serve a place; freed by the caller. */
static struct row *rows_of(const struct map *map, const struct map_name *name,
	const struct place *place)
{
	const struct map_pool *pool = &map->pools[name->pool];
	struct row *rows = mem_zero(pool->n, sizeof *rows);

	for (unsigned i = 0; i < pool->n; i++)
		rows[i] = (struct row){
			map_path_ms(map, pool, place, pool->node[i]),
			pool->node[i], i};
	if (name->policy != POLICY_FAILOVER)
		qsort(rows, pool->n, sizeof *rows, by_path);
	return rows;
}

static unsigned nodes_shown(const struct map *map, const struct map_name *name)
{
	unsigned n = map->pools[name->pool].n;
	return n < ROW_NODES_MAX ? n : ROW_NODES_MAX;
}

static void add_columns(struct columns *t, const struct map *map,
	const struct map_name *name, const char *from,
	const struct place *place, const struct row *rows)
{
	struct buf nodes = {0};
	unsigned n = map->pools[name->pool].n, shown = nodes_shown(map, name);
	for (unsigned i = 0; i < shown; i++)
		buf_printf(&nodes, "%s%s %.1f ms", i ? ", " : "",
			map->nodes[rows[i].node].name, rows[i].path);
	if (n > shown)
		buf_printf(&nodes, ", and %u others", n - shown);
	columns_add(t, "%s", name->name);
	columns_add(t, "%s", conf_policies[name->policy]);
	columns_add(t, "%s", from);
	columns_add(t, "%.2f,%.2f", place->lat, place->lon);
	columns_add(t, "%s", nodes.text);
	buf_fini(&nodes);
}

static json_t *row_json(const struct map *map, const struct map_name *name,
	const char *from, const struct place *place, const struct row *rows)
{
	json_t *nodes = json_array();
	for (unsigned i = 0; i < nodes_shown(map, name); i++)
		json_array_append_new(nodes,
			json_pack("{s:s, s:f}", "node",
				map->nodes[rows[i].node].name, "path_ms",
				(double)rows[i].path));
	return json_pack("{s:s, s:s, s:s, s:[ff], s:o}", "name", name->name,
		"policy", conf_policies[name->policy], "from", from, "at",
		(double)place->lat, (double)place->lon, "nodes", nodes);
}

static void add_row(struct table *t, const struct map *map,
	const struct map_name *name, const char *from,
	const struct place *place)
{
	if (t->rows == ROWS_MAX) {
		t->left_out++;
		return;
	}
	t->rows++;
	struct row *rows = rows_of(map, name, place);
	if (t->json)
		json_array_append_new(
			t->json, row_json(map, name, from, place, rows));
	else
		add_columns(t->columns, map, name, from, place, rows);
	free(rows);
}

static void add_name(struct table *t, const struct map *map,
	const struct map_name *name, const struct place *from)
{
	if (from) {
		add_row(t, map, name, "there", from);
		return;
	}
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct map_node *node = &map->nodes[i];
		struct place place = {.lat = node->lat,
			.lon = node->lon,
			.source = PLACE_NETS};
		if (node->name && node->placed)
			add_row(t, map, name, node->name, &place);
	}
}

static void add_names(
	struct table *t, const struct map *map, const struct place *from)
{
	for (unsigned i = 0; i < map->n_names; i++)
		add_name(t, map, &map->names[i], from);
}

static bool not_placed(const struct map_node *node)
{
	return node->name && !node->placed;
}

static void print_words(
	const char *path, const struct built *built, const struct place *from)
{
	static const char *const heads[] = {
		"name", "policy", "from", "at", "nodes, by path"};
	const struct map *map = built->map;
	struct buf out = {0};
	struct columns columns;

	columns_begin(&columns, "lllll");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		columns_add(&columns, "%s", heads[i]);
	struct table table = {.columns = &columns};
	add_names(&table, map, from);
	buf_printf(&out, "%s", geo_report(built->geo));
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (not_placed(&map->nodes[i]))
			buf_printf(&out, "node %s: its place is not known\n",
				map->nodes[i].name);
	columns_end(&columns, &out);
	if (table.left_out)
		buf_printf(&out,
			"%llu rows more: --from LAT,LON, or dnsd try NAME ADDRESS\n",
			table.left_out);
	printf("%s%s: ok\n", out.text, path);
	buf_fini(&out);
}

static json_t *lines_json(const char *text)
{
	json_t *list = json_array();
	while (text && *text) {
		size_t n = strcspn(text, "\n");
		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == '\n');
	}
	return list;
}

static void print_json(const char *path, const struct built *built,
	const struct place *from, const struct err *err)
{
	struct table table = {.json = json_array()};
	json_t *lost = json_array();

	if (built)
		add_names(&table, built->map, from);
	for (unsigned i = 0; built && i < built->map->n_nodes; i++)
		if (not_placed(&built->map->nodes[i]))
			json_array_append_new(
				lost, json_string(built->map->nodes[i].name));
	json_t *json = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I}",
		"file", path, "ok", built != NULL, "errors",
		lines_json(err->text), "warnings", lines_json(err->warnings),
		"geoip", lines_json(built ? geo_report(built->geo) : NULL),
		"not_placed", lost, "table", table.json, "left_out",
		(json_int_t)table.left_out);
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	puts(text ? text : "null");
	free(text);
	json_decref(json);
}

static void print_all(const struct cli_options *o, const struct built *built,
	const struct place *from, struct err *err)
{
	if (o->json) {
		print_json(o->conf, built, from, err);
		return;
	}
	if (err->warnings)
		fprintf(stderr, "%s", err->warnings);
	if (built)
		print_words(o->conf, built, from);
	else
		fprintf(stderr, "%s\n", err_text(err));
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
	struct cli_options o = {.allowed = "fsj"};
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
	struct built *built =
		build_all(o.conf, &(struct build_how){.from = GEO_FILES}, &err);
	if (built && !certificate_ok(built->conf, &err)) {
		build_free(built, NULL);
		built = NULL;
	}
	if (built) {
		listen_warn(&built->conf->listen, &err);
		listen_warn(&built->conf->tls.listen, &err);
		listen_warn(&built->conf->http.listen, &err);
		listen_warn(&built->conf->public.listen, &err);
	}
	print_all(&o, built, o.from ? &from : NULL, &err);
	status = built ? 0 : 1;
	build_free(built, NULL);
	err_fini(&err);
	return status;
}
