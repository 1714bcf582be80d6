/* The load history of a node, from the store. */
#include <stdlib.h>

#include "base/clock.h"
#include "http/handlers.h"
#include "http/request.h"

#define HOURS 24
#define HOURS_MAX 168

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
		request_error(
			r, 503, "there is no store, or it cannot be read");
}

static bool hours_of(const char *text, int *hours)
{
	char *end;
	long v = text ? strtol(text, &end, 10) : HOURS;
	*hours = (int)v;
	return !text || (*text && !*end && v >= 1 && v <= HOURS_MAX);
}

void api_history(struct request *r)
{
	const struct map *map = r->snap->steer.map;
	const char *name = request_param(r, "node");
	int node = name ? map_find_node(map, name) : -1, hours;

	if (!hours_of(request_param(r, "hours"), &hours)) {
		request_error(r, 400, "hours: not a whole number from 1 to %d",
			HOURS_MAX);
		return;
	}
	if (node < 0) {
		request_error(r, name ? 404 : 400,
			name ? "there is no such node" : "node: missing");
		return;
	}
	struct call *call = request_call(
		r, CALL_HISTORY, map->nodes[node].name, reply_points);
	call->since_s = clock_wall_ms() / 1000 - 3600 * (int64_t)hours;
	request_post(r, call);
}
