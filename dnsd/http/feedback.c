/* What players report of the node that they play from. A viewer who left it, or
 * whose picture stood still again and again, is evidence like a question for the
 * next line: it counts once per network and while, only of networks that were
 * sent to that node, and nothing is done until several of them say so. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/handlers.h"
#include "http/request.h"
#include "paths/report.h"

#define STALLS_BAD 3 /* as bad as leaving */
#define PATHS_MAX 16 /* lines that a player measures */

struct feedback {
	char name[CONF_NAME_MAX], client[PREFIX_TEXT_MAX], node[64];
	json_int_t line, stalls, startup_ms;
	bool switched;
	unsigned n_paths;
	struct feedback_path {
		char node[64];
		float rtt_ms;
	} path[PATHS_MAX];
};

static bool text(const json_t *json, const char *key, char *out, size_t room,
	struct err *err)
{
	const char *value = json_string_value(json);
	if (!value || strlen(value) >= room)
		return err_add(err, "%s: not a string of less than %zu octets",
			key, room);
	strcpy(out, value);
	return true;
}

static bool feedback_number(
	const json_t *json, const char *key, json_int_t *out, struct err *err)
{
	*out = json_integer_value(json);
	if (!json_is_integer(json) || *out < 0 || *out > 1000000000)
		return err_add(err, "%s: not a whole number", key);
	return true;
}

static bool feedback_path(
	json_t *json, struct feedback_path *path, struct err *err)
{
	json_t *rtt = json_object_get(json, "rtt_ms");
	path->rtt_ms = (float)json_number_value(rtt);
	if (!json_is_object(json) || json_object_size(json) != 2 ||
		!json_is_number(rtt) || !(path->rtt_ms > 0) ||
		path->rtt_ms > PATH_RTT_MOST_MS)
		return err_add(err,
			"paths: not node and rtt_ms, of above 0 to %g",
			(double)PATH_RTT_MOST_MS);
	return text(json_object_get(json, "node"), "node", path->node,
		sizeof path->node, err);
}

static bool feedback_paths(
	const json_t *json, struct feedback *f, struct err *err)
{
	f->n_paths = (unsigned)json_array_size(json);
	if (!json_is_array(json) || f->n_paths > PATHS_MAX)
		return err_add(
			err, "paths: not an array of at most %d", PATHS_MAX);
	for (unsigned i = 0; i < f->n_paths; i++)
		if (!feedback_path(json_array_get(json, i), &f->path[i], err))
			return false;
	return true;
}

static bool feedback_field(const char *key, const json_t *json,
	struct feedback *f, struct err *err)
{
	if (!strcmp(key, "name"))
		return text(json, key, f->name, sizeof f->name, err);
	if (!strcmp(key, "client"))
		return text(json, key, f->client, sizeof f->client, err);
	if (!strcmp(key, "node"))
		return text(json, key, f->node, sizeof f->node, err);
	if (!strcmp(key, "paths"))
		return feedback_paths(json, f, err);
	if (!strcmp(key, "line"))
		return feedback_number(json, key, &f->line, err);
	if (!strcmp(key, "stalls"))
		return feedback_number(json, key, &f->stalls, err);
	if (!strcmp(key, "startup_ms"))
		return feedback_number(json, key, &f->startup_ms, err);
	if (strcmp(key, "switched"))
		return err_add(err, "unknown key '%.60s'", key);
	f->switched = json_is_true(json);
	return json_is_boolean(json) ||
		err_add(err, "switched: not true or false");
}

static bool fields(json_t *json, struct feedback *f, struct err *err)
{
	*f = (struct feedback){.line = 1};
	for (void *at = json_object_iter(json); at;
		at = json_object_iter_next(json, at))
		if (!feedback_field(json_object_iter_key(at),
			    json_object_iter_value(at), f, err))
			return false;
	if (!*f->name || !*f->node)
		return err_add(err, "%s: missing", *f->name ? "node" : "name");
	return true;
}

static bool feedback_parse(
	struct request *r, struct feedback *f, struct err *err)
{
	json_t *json = request_body(r, err);
	bool ok = json && fields(json, f, err);
	json_decref(json);
	return ok;
}

static bool in_pool(
	const struct map *map, const struct steer_query *query, unsigned node)
{
	const struct map_pool *pool = map->names[query->name].of;
	for (unsigned i = 0; i < pool->n; i++)
		if (pool->node[i] == node)
			return true;
	return false;
}

/* Nodes that a player may speak of: those that the lines of the name are now, for its
 * net. */
static unsigned nodes_of_lines(
	struct request *r, const struct steer_query *query, uint16_t *nodes)
{
	const struct steer_state *state = &r->snap->steer;
	unsigned lines = state->map->names[query->name].lines, n = 0;
	struct steer_query one = *query;
	struct steer_decision d;

	for (one.line = 1; one.line <= lines && n < PATHS_MAX; one.line++) {
		steer_decide(
			state, r->http->accounts, &one, clock_ms(), &d, NULL);
		nodes[n++] = d.node[0];
	}
	return n;
}

static bool may_speak_of(struct request *r, const struct steer_query *query,
	const uint16_t *nodes, unsigned n, int node)
{
	for (unsigned i = 0; i < n; i++)
		if (nodes[i] == node)
			return true;
	return node >= 0 &&
		steer_was_sent(&r->snap->steer, r->http->accounts, query,
			(unsigned)node, clock_ms());
}

/* What the player measured of its lines. */
static void take_paths(struct request *r, const struct feedback *f,
	const struct steer_query *query)
{
	const struct steer_state *state = &r->snap->steer;
	struct call *call = call_new(sizeof *call, CALL_PATHS, NULL, NULL);
	uint16_t nodes[PATHS_MAX];
	unsigned n = nodes_of_lines(r, query, nodes);

	call->paths = mem_zero(f->n_paths, sizeof *call->paths);
	for (unsigned i = 0; i < f->n_paths; i++) {
		int node = map_find_node(state->map, f->path[i].node);
		if (!may_speak_of(r, query, nodes, n, node))
			continue;
		call->paths[call->n_paths++] =
			(struct path_report){.net = path_net(&query->asker),
				.place = *geo_place(state->geo, query->place),
				.node = (unsigned)node,
				.rtt_ms = f->path[i].rtt_ms,
				.loss = -1,
				.viewers = 1,
				.by = PATH_BY_PLAYER};
	}
	request_post(r, call);
}

void api_feedback(struct request *r)
{
	const struct steer_state *state = &r->snap->steer;
	struct feedback f;
	struct steer_query query;
	struct err err = {0};
	unsigned scope;

	request_header(r, "Access-Control-Allow-Origin", "*");
	if (!feedback_parse(r, &f, &err)) {
		request_error(r, 400, "%s", err_text(&err));
		err_fini(&err);
		return;
	}
	if (!request_client(r, f.name, f.client, &query, &scope))
		return;
	int node = map_find_node(state->map, f.node);
	if (node < 0 || !in_pool(state->map, &query, (unsigned)node)) {
		request_error(
			r, 404, "%.60s is no node of %.200s", f.node, f.name);
		return;
	}
	if (f.n_paths)
		take_paths(r, &f, &query);
	bool bad = f.switched || f.stalls >= STALLS_BAD;
	bool counted = bad &&
		steer_report_switch(state, r->http->accounts, &query,
			(unsigned)node, clock_ms());
	request_json(r, 200, json_pack("{s:b}", "counted", counted));
}
