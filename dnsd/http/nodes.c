/* The nodes as the operator sees them, and their drains. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "fleet/stability.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/json.h"
#include "http/nodes.h"
#include "http/request.h"
#include "http/servers.h"
#include "snapshot/report.h"
#include "snapshot/servers.h"
#include "snapshot/streams.h"

#define RECORDS_MAX 100  /* streams of a recorder that are listed by name */
#define VIEWS_MAX 100000 /* of all nodes at once; of one always */

/* -- nodes -- */

static json_t *node_json(
	const struct report_node *node, const struct map_node *map)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
		"name", node->name, "role", node->role, "state",
		node_states[node->state], "why", node->why, "connections",
		(json_int_t)node->connections, "bandwidth_kbps",
		(double)node->bandwidth_bps / 1000, "cpu_percent",
		(double)node->cpu * 100, "utilisation",
		(double)node->utilisation, "capacity", (double)node->capacity,
		"reserved", (double)node->reserved, "sample_age_ms",
		(json_int_t)node->sample_age_ms, "answers",
		(json_int_t)node->answers, "samples", (json_int_t)node->samples,
		"failures", (json_int_t)node->failures, "at",
		json_of_place(map), "site", json_of_text(map->site_name),
		"provider", json_of_text(map->provider_name), "addresses",
		json_of_addresses(map));
}

static json_t *move_json(const struct report_node *node)
{
	const struct report_move *m = &node->move;
	return json_pack("{s:s, s:b, s:I, s:f, s:i, s:s, s:I}", "state",
		m->state, "over", m->over, "moved", (json_int_t)m->moved,
		"per_s", m->per_s, "waits_s", m->waits_s, "why", m->why, "left",
		(json_int_t)node->connections);
}

static json_t *stability_json(const struct stability *s, int64_t now_ms)
{
	int64_t back_ms = s->back_until_ms - now_ms;
	return json_pack(
		"{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:I}",
		"lost", (double)s->lost, "lost_hours", (double)s->lost_long,
		"rtt_ms", (double)s->rtt_ms, "rtt_hours_ms",
		(double)s->rtt_long_ms, "jitter_ms", (double)s->jitter_ms,
		"jitter_hours_ms", (double)s->jitter_long_ms, "dropped",
		(double)s->events[STABILITY_DROPPED], "restarts",
		(double)s->events[STABILITY_RESTARTED], "down",
		(double)s->events[STABILITY_DOWN], "grade", s->grade, "back_s",
		(json_int_t)(back_ms > 0 ? back_ms / 1000 : 0));
}

/* Of the nodes that publishers are sent to by it. */
static void add_stability(
	const struct snapshot *snap, json_t **by_node, unsigned n)
{
	const struct map *map = snap->steer.map;
	const struct load *load = snap->steer.load;
	int64_t now_ms = clock_ms();

	for (unsigned i = 0; load->stability && i < n && i < load->n; i++)
		if (map->nodes[i].of_stable && by_node[i])
			json_object_set_new(by_node[i], "stability",
				stability_json(&load->stability[i], now_ms));
}

/* What recorders record; the list by streams is in the order of their names. */
static void add_records(
	const struct snapshot *snap, json_t **by_node, unsigned n)
{
	const struct map *map = snap->steer.map;
	for (unsigned i = 0; i < n; i++)
		if (by_node[i] && map->nodes[i].role == ROLE_RECORDER)
			json_object_set_new(
				by_node[i], "records", json_array());
	for (unsigned i = 0; i < snap->streams->n; i++) {
		const struct stream_at *at = &snap->streams->at[i];
		json_t *list = at->node < n
			? json_object_get(by_node[at->node], "records")
			: NULL;
		if (list && json_array_size(list) < RECORDS_MAX)
			json_array_append_new(list, json_string(at->url));
	}
}

json_t *nodes_json(const struct snapshot *snap, const char *only)
{
	const struct report *report = snap->report;
	const struct stream_index *streams = snap->streams;
	const struct map *map = snap->steer.map;
	unsigned n = report->n_nodes;
	json_t **by_node = mem_zero(n + 1, sizeof *by_node);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		const char *name = report->nodes[i].name;
		if (!name || (only && strcmp(name, only)))
			continue;
		by_node[i] = node_json(&report->nodes[i], &map->nodes[i]);
		if (report->nodes[i].move.state)
			json_object_set_new(by_node[i], "move",
				move_json(&report->nodes[i]));
		json_object_set_new(by_node[i], "streams",
			json_integer(
				i < streams->n_nodes ? streams->count[i] : 0));
		json_object_set_new(by_node[i], "streams_left_out",
			json_integer(report->nodes[i].streams_left_out));
		json_object_set_new(by_node[i], "heartbeats_ignored",
			json_boolean(report->nodes[i].contradicted > 0));
		if (snap->servers &&
			(only || n * snap->servers->n_peers <= VIEWS_MAX))
			json_object_set_new(by_node[i], "views",
				servers_views_json(snap->servers, i));
		json_array_append_new(list, by_node[i]);
	}
	add_records(snap, by_node, n);
	add_stability(snap, by_node, n);
	free(by_node);
	return list;
}

void api_nodes(struct request *r)
{
	request_json(r, 200, nodes_json(r->snap, request_param(r, "name")));
}

/* -- drain -- */

static void no_such_node(struct request *r, const char *node)
{
	request_error(r, 404, "there is no node '%.63s'", node);
}

static void reply_drained(struct request *r, const struct call *call)
{
	bool kept = call->result == CALL_KEPT;
	const char *note = *call->text ? call->text
		: kept                 ? "kept over a restart"
		       : "in force, but not kept over a restart: no store";
	switch (call->result) {
	case CALL_UNKNOWN: /* a reload took it meanwhile */
		no_such_node(r, call->node);
		break;
	case CALL_KEPT:
	case CALL_NO_STORE:
		request_json(r, 200,
			json_pack("{s:s, s:b, s:s, s:s}", "node", call->node,
				"drained", call->kind == CALL_DRAIN, "scope",
				request_scope(call), "note", note));
		break;
	case CALL_CONFLICT:
		request_error(r, 409, "%s", call->text);
		break;
	default:
		request_error(r, 500, "%s", call->text);
	}
}

void api_drain(struct request *r, const char *node, bool drained)
{
	if (!access_may_change(r))
		return;
	if (map_find_node(r->snap->steer.map, node) < 0)
		no_such_node(r, node);
	else
		request_post(r,
			request_call(r, drained ? CALL_DRAIN : CALL_UNDRAIN,
				node, reply_drained));
}

/* -- moving viewers -- */

static void reply_moved(struct request *r, const struct call *call)
{
	if (call->result == CALL_UNKNOWN)
		no_such_node(r, call->node);
	else if (call->result == CALL_REFUSED)
		request_error(r, 409, "%s", call->text);
	else
		request_json(r, 200,
			json_pack("{s:s, s:f, s:b}", "node", call->node,
				"per_s", call->per_s, "publishers",
				call->publishers));
}

void api_move(struct request *r, const char *node)
{
	const char *per_s = request_param(r, "per_s");
	const char *publishers = request_param(r, "publishers");
	char *end = NULL;

	if (!access_may_change(r))
		return;
	double rate = per_s ? strtod(per_s, &end) : 0;
	if (!per_s || end == per_s || *end ||
		!(rate > 0 && rate <= CALL_PER_S_MOST)) {
		request_error(r, 400,
			"per_s: viewers a second, above 0, at most %d",
			CALL_PER_S_MOST);
		return;
	}
	struct call *call = request_call(r, CALL_MOVE, node, reply_moved);
	call->per_s = rate;
	call->publishers = publishers && !strcmp(publishers, "true");
	request_post(r, call);
}
