/* Paths: what nodes measured of their viewers' connections, and what is believed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "client/decision.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"
#include "paths/report.h"
#include "state/path_shown.h"

#define NETS_MAX 5000
#define CONNECTIONS_MAX 1000000
#define MOST_MAX 100000

/* -- a node's report -- */

static bool path_number(const json_t *json, const char *key, double least,
	double most, double *out, struct err *err)
{
	*out = json_number_value(json);
	return (json_is_number(json) && *out >= least && *out <= most) ||
		err_add(err, "%s: not a number from %g to %g", key, least,
			most);
}

/* What one network's path is; of the address in it the place is looked up. */
static bool path_net_field(const struct request *r, const json_t *json,
	struct path_report *path, struct err *err)
{
	const struct geo *geo = r->snap->steer.geo;
	const char *text = json_string_value(json);
	struct prefix net;
	if (!text || !prefix_parse(&net, text, false))
		return err_add(err, "net: not ADDRESS or ADDRESS/LENGTH");
	path->net = path_net(&net.addr);
	path->place = *geo_place(geo, geo_find(geo, &net.addr).place);
	return true;
}

static bool path_field(const struct request *r, const char *key,
	const json_t *json, struct path_report *path, struct err *err)
{
	double value;
	if (!strcmp(key, "net"))
		return path_net_field(r, json, path, err);
	if (!strcmp(key, "rtt_ms")) {
		bool ok = path_number(
			json, key, 0.001, PATH_RTT_MOST_MS, &value, err);
		path->rtt_ms = (float)value;
		return ok;
	}
	if (!strcmp(key, "loss")) {
		bool ok = path_number(json, key, 0, 1, &value, err);
		path->loss = (float)value;
		return ok;
	}
	if (!strcmp(key, "connections")) {
		bool ok =
			path_number(json, key, 1, CONNECTIONS_MAX, &value, err);
		path->viewers = (unsigned)value;
		return ok;
	}
	return err_add(err, "unknown key '%.60s'", key);
}

static bool path_fields(const struct request *r, json_t *json,
	struct path_report *path, struct err *err)
{
	*path = (struct path_report){.viewers = 1};
	if (!json_is_object(json))
		return err_add(err, "not an object");
	for (void *at = json_object_iter(json); at;
		at = json_object_iter_next(json, at))
		if (!path_field(r, json_object_iter_key(at),
			    json_object_iter_value(at), path, err))
			return false;
	return (json_object_get(json, "net") && path->rtt_ms > 0) ||
		err_add(err, "%s: missing",
			path->rtt_ms > 0 ? "net" : "rtt_ms");
}

/* The paths of a report; the caller's. NULL with a message. */
static struct path_report *path_list(const struct request *r, json_t *list,
	unsigned node, unsigned *n, struct err *err)
{
	if (!json_is_array(list) || json_array_size(list) > NETS_MAX) {
		err_add(err, "paths: not an array of at most %d", NETS_MAX);
		return NULL;
	}
	*n = (unsigned)json_array_size(list);
	struct path_report *paths = mem_zero(*n, sizeof *paths);
	for (unsigned i = 0; i < *n; i++) {
		if (path_fields(r, json_array_get(list, i), &paths[i], err)) {
			paths[i].node = node;
			continue;
		}
		err_add(err, "in paths[%u]", i);
		free(paths);
		return NULL;
	}
	return paths;
}

static void post_paths(struct request *r, struct path_report *paths, unsigned n)
{
	struct call *call = call_new(sizeof *call, CALL_PATHS, NULL, NULL);
	call->paths = paths;
	call->n_paths = n;
	request_post(r, call);
}

static bool known_keys(json_t *json, struct err *err)
{
	for (void *at = json_object_iter(json); at;
		at = json_object_iter_next(json, at)) {
		const char *key = json_object_iter_key(at);
		if (strcmp(key, "node") && strcmp(key, "paths"))
			return err_add(err, "unknown key '%.60s'", key);
	}
	return true;
}

static void take_report(struct request *r, json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "node"));
	int node = name ? map_find_node(r->snap->steer.map, name) : -1;
	struct err err = {0};
	unsigned n = 0;

	if (!name || !known_keys(json, &err)) {
		request_error(r, 400, "%s",
			name ? err_text(&err) : "node: missing, or no string");
	} else if (node < 0) {
		request_error(r, 404, "there is no node %.60s", name);
	} else if (!access_may_measure(r, (unsigned)node)) {
		request_error(r, 403,
			"a node's paths are taken from its own addresses, or with the measure_token");
	} else {
		struct path_report *paths =
			path_list(r, json_object_get(json, "paths"),
				(unsigned)node, &n, &err);
		if (paths) {
			post_paths(r, paths, n);
			request_json(r, 200,
				json_pack("{s:I}", "taken", (json_int_t)n));
		} else {
			request_error(r, 400, "%s", err_text(&err));
		}
	}
	err_fini(&err);
}

/* -- what is believed -- */

/* Which paths are asked for. */
struct path_filter {
	const struct map_pool *pool;  /* NULL: all nodes */
	int node;                     /* negative: all */
	const struct path_area *area; /* NULL: all */
	bool bad;                     /* those alone */
	unsigned most;                /* 0: all */
};

/* bad and most. False: answered. */
static bool path_filter_bound(struct request *r, struct path_filter *f)
{
	const char *bad = request_param(r, "bad");
	const char *most = request_param(r, "most");
	char *end = "";
	long n = most ? strtol(most, &end, 10) : 0;

	if (bad && strcmp(bad, "1")) {
		request_error(r, 400, "bad: only 1 is known");
		return false;
	}
	if (most && (!*most || *end || n < 1 || n > MOST_MAX)) {
		request_error(r, 400, "most: not a whole number from 1 to %d",
			MOST_MAX);
		return false;
	}
	f->bad = bad;
	f->most = (unsigned)n;
	return true;
}

/* False: answered. */
static bool path_filter(struct request *r, struct path_filter *f)
{
	const struct steer_state *state = &r->snap->steer;
	const char *name = request_param(r, "name");
	const char *node = request_param(r, "node");
	const char *client = request_param(r, "client");
	struct map_match match;
	struct prefix net;

	*f = (struct path_filter){.node = -1};
	if (name && !map_match(state->map, name, &match)) {
		request_error(r, 404, "%.200s is not a steered name", name);
		return false;
	}
	if (name)
		f->pool = state->map->names[match.name].of;
	if (node && (f->node = map_find_node(state->map, node)) < 0) {
		request_error(r, 404, "there is no node %.60s", node);
		return false;
	}
	if (!path_filter_bound(r, f))
		return false;
	if (!client)
		return true;
	if (!prefix_parse(&net, client, false)) {
		request_error(r, 400,
			"'%.60s' is not ADDRESS or ADDRESS/LENGTH", client);
		return false;
	}
	const struct place *place =
		geo_place(state->geo, geo_find(state->geo, &net.addr).place);
	if (state->map->paths && place->source != PLACE_UNKNOWN)
		f->area = path_table_area(
			state->map->paths, path_area_key(place));
	if (!f->area)
		request_json(r, 200, json_array());
	return f->area != NULL;
}

static bool path_wanted(const struct path_filter *f, unsigned node)
{
	if (f->node >= 0 && node != (unsigned)f->node)
		return false;
	for (unsigned i = 0; f->pool && i < f->pool->n; i++)
		if (f->pool->node[i] == node)
			return true;
	return !f->pool;
}

static json_t *area_json(const struct path_area *area)
{
	const struct place *place = &area->place;
	char id[20];
	snprintf(id, sizeof id, "%llx", (unsigned long long)area->key);
	json_t *json = json_pack("{s:s, s:[f, f]}", "id", id, "at",
		(double)place->lat, (double)place->lon);
	decision_place_json(json, place);
	return json;
}

/* A path that was asked for. */
struct path_row {
	const struct path_area *area;
	const struct path_known *known;
	struct path_shown shown;
};

static json_t *path_json(
	const struct map *map, const struct path_row *row, int64_t now_ms)
{
	const struct path_shown *s = &row->shown;
	return json_pack("{s:o, s:s, s:f, s:f, s:f, s:f, s:i, s:I, s:b}",
		"area", area_json(row->area), "node",
		map->nodes[row->known->node].name, "distance_ms",
		(double)s->distance_ms, "path_ms", (double)s->rtt_ms, "loss",
		(double)s->loss, "loss_ms", (double)s->loss_ms, "networks",
		(int)row->known->networks, "age_s",
		(json_int_t)((now_ms - row->known->at_ms) / 1000), "bad",
		s->bad);
}

/* Those of most networks first, of them those that are worst beside their distance. */
static int path_row_order(const void *a, const void *b)
{
	const struct path_row *x = a, *y = b;
	float p = x->shown.rtt_ms + x->shown.loss_ms - x->shown.distance_ms;
	float q = y->shown.rtt_ms + y->shown.loss_ms - y->shown.distance_ms;
	if (x->known->networks != y->known->networks)
		return x->known->networks > y->known->networks ? -1 : 1;
	return (p < q) - (p > q);
}

/* The paths that a filter wants; the caller frees them. */
static struct path_row *path_rows(
	const struct map *map, const struct path_filter *f, unsigned *n)
{
	const struct path_table *t = map->paths;
	struct path_row *rows = mem_zero(t ? t->n_known : 0, sizeof *rows);
	*n = 0;
	for (unsigned i = 0; t && i < t->n_areas; i++) {
		const struct path_area *area = &t->areas[i];
		if ((f->area && f->area != area) || area->made)
			continue;
		for (unsigned k = area->first; k < area->first + area->n; k++) {
			const struct path_known *known = &t->known[k];
			if (!path_wanted(f, known->node) ||
				!map->nodes[known->node].name)
				continue;
			struct path_shown shown = path_shown(map, area, known);
			if (shown.bad || !f->bad)
				rows[(*n)++] =
					(struct path_row){area, known, shown};
		}
	}
	return rows;
}

static void give_paths(struct request *r)
{
	const struct map *map = r->snap->steer.map;
	int64_t now_ms = clock_ms();
	struct path_filter f;
	unsigned n;

	if (!path_filter(r, &f))
		return;
	struct path_row *rows = path_rows(map, &f, &n);
	if (f.most) {
		qsort(rows, n, sizeof *rows, path_row_order);
		n = n < f.most ? n : f.most;
	}
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, path_json(map, &rows[i], now_ms));
	free(rows);
	request_json(r, 200, list);
}

void api_paths(struct request *r)
{
	struct err err = {0};
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_POST) {
		if (r->of.public)
			request_error(r, 405, "use POST");
		else
			give_paths(r);
		return;
	}
	json_t *json = request_body(r, &err);
	if (json)
		take_report(r, json);
	else
		request_error(r, 400, "%s", err_text(&err));
	json_decref(json);
	err_fini(&err);
}
