/* History, from the store: the load of a node, the path of an area and a node. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/handlers.h"
#include "http/request.h"
#include "state/path_table.h"

#define HOURS 24
#define HOURS_MAX 168
#define PATH_HOURS_MAX 24
#define NO_STORE "there is no store, or it cannot be read"

/* -- the load of a node -- */

static json_t *points_json(const struct call *call)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < call->n; i++) {
		const struct call_point *p = &call->points[i];
		json_array_append_new(list,
			json_pack("[I, f, f, f]", (json_int_t)p->at_s,
				(double)p->connections, (double)p->utilisation,
				(double)p->bandwidth_bps / 1000));
	}
	return list;
}

static void reply_points(struct request *r, const struct call *call)
{
	if (call->result == CALL_KEPT)
		request_json(r, 200,
			json_pack("{s:s, s:i, s:o}", "node", call->node,
				"step_s", (int)call->step_s, "points",
				points_json(call)));
	else
		request_error(r, 503, NO_STORE);
}

/* What both ask: a node and how far back. False: an error was answered. */
static bool history_asked(
	struct request *r, int hours_max, const char **node, int64_t *since_s)
{
	const struct map *map = r->snap->steer.map;
	const char *name = request_param(r, "node");
	const char *text = request_param(r, "hours");
	int found = name ? map_find_node(map, name) : -1;
	char *end = "";
	long hours = text ? strtol(text, &end, 10) : HOURS;

	if (*end || (text && !*text) || hours < 1 || hours > hours_max) {
		request_error(r, 400, "hours: not a whole number from 1 to %d",
			hours_max);
		return false;
	}
	if (found < 0) {
		request_error(r, name ? 404 : 400,
			name ? "there is no such node" : "node: missing");
		return false;
	}
	*node = map->nodes[found].name;
	*since_s = clock_wall_ms() / 1000 - 3600 * (int64_t)hours;
	return true;
}

void api_history(struct request *r)
{
	const char *node;
	int64_t since_s;

	if (!history_asked(r, HOURS_MAX, &node, &since_s))
		return;
	struct call *call = request_call(r, CALL_HISTORY, node, reply_points);
	call->since_s = since_s;
	request_post(r, call);
}

/* -- a path -- */

static json_t *path_points_json(const struct call *call)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < call->n; i++) {
		const struct call_path_point *p = &call->path_points[i];
		json_array_append_new(list,
			json_pack("[I, f, f]", (json_int_t)p->at_s,
				(double)p->rtt_ms, (double)p->loss));
	}
	return list;
}

static void reply_path_points(struct request *r, const struct call *call)
{
	if (call->result == CALL_KEPT)
		request_json(r, 200,
			json_pack("{s:s, s:i, s:o}", "node", call->node,
				"step_s", (int)call->step_s, "points",
				path_points_json(call)));
	else
		request_error(r, 503, NO_STORE);
}

/* The area that is meant: by its id, or that of a client. False: an error was
 * answered. */
static bool area_asked(struct request *r, uint64_t *area)
{
	const struct geo *geo = r->snap->steer.geo;
	const char *id = request_param(r, "area");
	const char *client = request_param(r, "client");
	struct prefix net;

	if (!id == !client) {
		request_error(r, 400, "one of area and client is needed");
		return false;
	}
	if (id) {
		char *end;
		*area = strtoull(id, &end, 16);
		if (strspn(id, "0123456789abcdef") == strlen(id) && *id)
			return true;
		request_error(r, 400, "area: not the id of an area");
		return false;
	}
	if (!prefix_parse(&net, client, false)) {
		request_error(r, 400,
			"'%.60s' is not ADDRESS or ADDRESS/LENGTH", client);
		return false;
	}
	const struct place *place =
		geo_place(geo, geo_find(geo, &net.addr).place);
	if (place->source == PLACE_UNKNOWN) {
		request_error(r, 404, "the place of the client is not known");
		return false;
	}
	*area = path_area_key(place);
	return true;
}

void api_path_history(struct request *r)
{
	const char *node;
	int64_t since_s;
	uint64_t area;

	if (!history_asked(r, PATH_HOURS_MAX, &node, &since_s) ||
		!area_asked(r, &area))
		return;
	struct call *call =
		request_call(r, CALL_PATH_HISTORY, node, reply_path_points);
	call->area = area;
	call->since_s = since_s;
	request_post(r, call);
}
