#include "control/evidence.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/figures.h"
#include "control/learner.h"
#include "control/state.h"
#include "control/views.h"
#include "etcd/etcd.h"
#include "fleet/fleet.h"
#include "paths/paths.h"

#define ROUND_MS 60000 /* all nodes are written in so long ... */
#define WRITES_PER_S \
	50             /* ... if all servers together write no more than this */
#define WRITERS_MAX 8  /* so many servers write: those of the least names */
#define PATHS_MAX 2048 /* of a node, that are written */
#define FEW_POLLS 10   /* until then others know better */
#define STEP_MS 100

/* A server that wrote, by the number that paths know it by. */
struct evidence_server {
	char name[64];
};

struct evidence {
	char name[64];
	struct evidence_server server[PATHS_SERVERS];
	unsigned n_servers;
	unsigned next; /* node to be written; after the last the fleet */
	double due;    /* how many writes are due */
};

struct evidence *evidence_new(const char *name)
{
	struct evidence *e = mem_zero(1, sizeof *e);
	strncpy(e->name, name, sizeof e->name - 1);
	return e;
}

void evidence_free(struct evidence *e)
{
	free(e);
}

/* The number of a server, always the same; negative: there are too many. */
static int server_number(struct evidence *e, const char *name, size_t len)
{
	for (unsigned i = 0; i < e->n_servers; i++)
		if (strlen(e->server[i].name) == len &&
			!memcmp(e->server[i].name, name, len))
			return (int)i;
	if (e->n_servers == PATHS_SERVERS || len >= sizeof e->server->name)
		return -1;
	memcpy(e->server[e->n_servers].name, name, len);
	return (int)e->n_servers++;
}

/* -- what others learned -- */

static double number_at(const json_t *list, size_t i)
{
	return json_number_value(json_array_get(list, i));
}

static void take_path(
	struct control *c, unsigned node, unsigned server, const json_t *one)
{
	const char *country = json_string_value(json_array_get(one, 3));
	double asn = number_at(one, 2), age = number_at(one, 8);
	double source = number_at(one, 4);
	struct path_evidence known = {.place = {.lat = (float)number_at(one, 0),
					      .lon = (float)number_at(one, 1)},
		.rtt_ms = (float)number_at(one, 5),
		.weight = (float)number_at(one, 6),
		.loss = (float)number_at(one, 7)};
	if (json_array_size(one) != 9 || asn < 0 || asn > UINT32_MAX ||
		age < 0 || age > 1e8 || source < PLACE_COUNTRY ||
		source > PLACE_NETS)
		return;
	known.place.asn = (uint32_t)asn;
	known.place.source = (uint8_t)source;
	known.age_s = (uint32_t)age;
	if (country && strlen(country) == 2)
		memcpy(known.place.country, country, 2);
	learner_told(c, node, server, &known);
}

/* False: it is not what dnsd writes. */
static bool take_figures(const json_t *list, struct store_figures *row)
{
	if (!json_is_array(list) || json_array_size(list) > STORE_FIGURES)
		return false;
	*row = (struct store_figures){.at_ms = clock_wall_ms()};
	for (size_t i = 0; i < json_array_size(list); i++)
		row->of[i] = number_at(list, i);
	return true;
}

static void take_node(
	struct control *c, unsigned node, unsigned server, json_t *json)
{
	const json_t *paths = json_object_get(json, "paths");
	struct store_figures row;
	for (size_t i = 0; i < json_array_size(paths); i++)
		take_path(c, node, server, json_array_get(paths, i));
	if (fleet_node(c->fleet, node)->samples >= FEW_POLLS)
		return;
	if (take_figures(json_object_get(json, "capacity"), &row))
		figures_take(c, STORE_CAPACITY, node, &row);
	if (take_figures(json_object_get(json, "stability"), &row))
		figures_take(c, STORE_STABILITY, node, &row);
}

static void take_fleet(struct control *c, json_t *json)
{
	struct store_figures row;
	float joined, reserved;
	fleet_multiplier(c->fleet, &joined, &reserved);
	if (take_figures(json_object_get(json, "multiplier"), &row) &&
		row.of[FIGURE_RESERVED] > 2 * (double)reserved)
		figures_take(c, STORE_MULTIPLIER, 0, &row);
}

void evidence_take(struct control *c, const char *key, const char *text)
{
	struct evidence *e = c->evidence;
	size_t len = strcspn(key, "/");
	int server = server_number(e, key, len);
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	bool own = strlen(e->name) == len && !memcmp(e->name, key, len);
	if (json_is_object(json) && server >= 0 && !own) {
		const char *rest = key + len;
		int node = !strncmp(rest, "/nodes/", 7)
			? map_find_node(c->built->map, rest + 7)
			: -1;
		if (node >= 0)
			take_node(c, (unsigned)node, (unsigned)server, json);
		else if (!strcmp(rest, "/fleet"))
			take_fleet(c, json);
	}
	json_decref(json);
}

/* -- what this server learned -- */

static json_t *paths_json(const struct control *c, unsigned node)
{
	struct path_evidence *known = mem_zero(PATHS_MAX, sizeof *known);
	unsigned n = paths_evidence(
		learner_paths(c->learner), node, clock_ms(), known, PATHS_MAX);
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++) {
		const struct path_evidence *k = &known[i];
		char country[3] = {k->place.country[0], k->place.country[1]};
		json_array_append_new(list,
			json_pack("[f, f, I, s, i, f, f, f, I]",
				(double)k->place.lat, (double)k->place.lon,
				(json_int_t)k->place.asn, country,
				(int)k->place.source, (double)k->rtt_ms,
				(double)k->weight, (double)k->loss,
				(json_int_t)k->age_s));
	}
	free(known);
	return list;
}

/* A whole number is exact: some are no measurements. */
static json_t *figure_json(double value)
{
	bool whole = value < 9e15 && value == (double)(json_int_t)value;
	return whole ? json_integer((json_int_t)value) : json_real(value);
}

static void add_figures(struct control *c, json_t *json, const char *key,
	enum store_kind kind, unsigned node)
{
	struct store_figures row = {0};
	json_t *list;
	if (!figures_of(c, kind, node, &row))
		return;
	list = json_array();
	for (unsigned i = 0; i < STORE_FIGURES; i++)
		json_array_append_new(list, figure_json(row.of[i]));
	json_object_set_new(json, key, list);
}

static void write_key(
	struct control *c, struct etcd *etcd, const char *what, json_t *json)
{
	char key[200];
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(5));
	snprintf(key, sizeof key, "learned/%s/%s", c->evidence->name, what);
	if (text && strlen(text) <= ETCD_VALUE_MAX)
		etcd_announce(etcd, ETCD_LASTING, key, text);
	free(text);
	json_decref(json);
}

static void write_node(struct control *c, struct etcd *etcd, unsigned node)
{
	const char *name = c->built->map->nodes[node].name;
	char what[80];
	if (!name)
		return;
	json_t *json = json_object();
	json_object_set_new(json, "paths", paths_json(c, node));
	add_figures(c, json, "capacity", STORE_CAPACITY, node);
	add_figures(c, json, "stability", STORE_STABILITY, node);
	snprintf(what, sizeof what, "nodes/%s", name);
	write_key(c, etcd, what, json);
}

static void write_fleet(struct control *c, struct etcd *etcd)
{
	json_t *json = json_object();
	add_figures(c, json, "multiplier", STORE_MULTIPLIER, 0);
	write_key(c, etcd, "fleet", json);
}

void evidence_step(struct control *c, struct etcd *etcd)
{
	unsigned before, servers = views_servers(c->views, &before);
	struct evidence *e = c->evidence;
	unsigned n = c->built->map->n_nodes + 1; /* and the fleet */
	double most = (double)WRITES_PER_S / servers;
	double wanted = 1000.0 * n / ROUND_MS;
	if (before >= WRITERS_MAX)
		return;
	if (servers > WRITERS_MAX)
		most = (double)WRITES_PER_S / WRITERS_MAX;
	e->due += (wanted < most ? wanted : most) * STEP_MS / 1000;
	for (; e->due >= 1; e->due--) {
		if (e->next >= n)
			e->next = 0;
		if (e->next + 1 < n)
			write_node(c, etcd, e->next);
		else
			write_fleet(c, etcd);
		e->next++;
	}
}
