/* The operator's calls: nodes, status, explain, drain. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "fleet/stability.h"
#include "http/request.h"
#include "snapshot/report.h"
#include "snapshot/streams.h"
#include "steer/explain.h"
#include "zones/zoneset.h"

/* -- nodes -- */

#define RECORDS_MAX 100 /* streams of a recorder that are listed by name */

json_t *request_text_json(const char *text)
{
	return *text ? json_string(text) : json_null();
}

json_t *request_at_json(const struct map_node *node)
{
	return node->placed
		? json_pack("[f, f]", round((double)node->lat * 1e4) / 1e4,
			  round((double)node->lon * 1e4) / 1e4)
		: json_null();
}

json_t *request_addresses_json(const struct map_node *node)
{
	char text[ADDR_TEXT_MAX];
	json_t *list = json_array();
	for (unsigned i = 0; i < (unsigned)node->n4 + node->n6; i++)
		json_array_append_new(
			list, json_string(addr_text(&node->address[i], text)));
	return list;
}

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
		request_at_json(map), "site", request_text_json(map->site_name),
		"provider", request_text_json(map->provider_name), "addresses",
		request_addresses_json(map));
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

	for (unsigned i = 0; load->stability && i < map->n_names; i++) {
		const struct map_name *name = &map->names[i];
		if (name->policy != POLICY_STABLE)
			continue;
		for (unsigned k = 0; k < name->of->n; k++) {
			unsigned node = name->of->node[k];
			if (node < n && node < load->n && by_node[node])
				json_object_set_new(by_node[node], "stability",
					stability_json(&load->stability[node],
						now_ms));
		}
	}
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

void api_nodes(struct request *r)
{
	const struct report *report = r->snap->report;
	const struct stream_index *streams = r->snap->streams;
	const struct map *map = r->snap->steer.map;
	const char *only = request_param(r, "name");
	unsigned n = report->n_nodes;
	json_t **by_node = mem_zero(n + 1, sizeof *by_node);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		const char *name = report->nodes[i].name;
		if (!name || (only && strcmp(name, only)))
			continue;
		by_node[i] = node_json(&report->nodes[i], &map->nodes[i]);
		json_object_set_new(by_node[i], "streams",
			json_integer(
				i < streams->n_nodes ? streams->count[i] : 0));
		json_object_set_new(by_node[i], "streams_left_out",
			json_integer(report->nodes[i].streams_left_out));
		json_object_set_new(by_node[i], "heartbeats_ignored",
			json_boolean(report->nodes[i].contradicted > 0));
		json_array_append_new(list, by_node[i]);
	}
	add_records(r->snap, by_node, n);
	add_stability(r->snap, by_node, n);
	free(by_node);
	request_json(r, 200, list);
}

/* -- status -- */

static uint64_t all_queries(const struct report *report)
{
	uint64_t sum = 0;
	for (int tcp = 0; tcp < 2; tcp++)
		for (int v6 = 0; v6 < 2; v6++)
			sum += report->counters.queries[tcp][v6];
	return sum;
}

static uint64_t all_responses(const struct report *report)
{
	uint64_t sum = 0;
	for (int rcode = 0; rcode < COUNT_RCODES; rcode++)
		sum += report->counters.rcodes[rcode];
	return sum;
}

static json_t *zones_json(const struct zoneset *set)
{
	char name[NAME_TEXT_MAX];
	json_t *list = json_array();
	for (unsigned i = 0; i < zoneset_count(set); i++) {
		const struct zone *zone = zoneset_at(set, i);
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:I}", "name",
				name_text(&zone->apex, name), "serial",
				(json_int_t)zone->serial, "records",
				(json_int_t)zone->records));
	}
	return list;
}

static json_t *reload_json(const struct report *report)
{
	json_t *error = *report->reload_error
		? json_string(report->reload_error)
		: json_null();
	if (!report->reload_wall_ms) {
		json_decref(error);
		return json_null();
	}
	return json_pack("{s:I, s:b, s:o}", "at_ms",
		(json_int_t)report->reload_wall_ms, "ok",
		*report->reload_error == '\0', "error", error);
}

static json_t *steered_json(const struct map *map)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < map->n_names; i++)
		json_array_append_new(list, json_string(map->names[i].name));
	return list;
}

json_t *request_status_json(const struct snapshot *snap, bool whole)
{
	const struct report *report = snap->report;
	const struct map *map = snap->steer.map;
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:o, s:I, s:I, s:i, s:i, s:b}", "version",
		DNSD_VERSION, "uptime",
		(json_int_t)((clock_ms() - report->start_ms) / 1000),
		"generation", (json_int_t)snap->generation, "last_reload",
		reload_json(report), "queries", (json_int_t)all_queries(report),
		"responses", (json_int_t)all_responses(report), "workers",
		(int)report->workers, "servers", (int)map->servers,
		"network_suspect", report->blind);
	if (whole) {
		json_object_set_new(json, "zones", zones_json(snap->zones));
		json_object_set_new(json, "steered", steered_json(map));
		json_object_set_new(json, "waiting", enrol_pending_json(snap));
	}
	return json;
}

void api_status(struct request *r)
{
	request_json(r, 200, request_status_json(r->snap, true));
}

/* -- explain -- */

static json_t *place_json(const struct place *place)
{
	static const char *const source[] = {
		"unknown", "country", "database", "nets"};
	json_t *json = json_pack("{s:s}", "source", source[place->source]);
	if (place->source != PLACE_UNKNOWN) {
		json_object_set_new(json, "latitude", json_real(place->lat));
		json_object_set_new(json, "longitude", json_real(place->lon));
	}
	if (place->country[0])
		json_object_set_new(
			json, "country", json_stringn(place->country, 2));
	if (place->asn)
		json_object_set_new(json, "asn", json_integer(place->asn));
	return json;
}

static json_t *candidate_json(
	const struct map *map, const struct steer_candidate *c)
{
	return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "node",
		map->nodes[c->node].name, "state", node_states[c->state],
		"path_ms", (double)c->path_ms, "utilisation", (double)c->used,
		"reserved", (double)c->reserved, "price_ms",
		(double)c->price_ms, "penalty_ms", (double)c->penalty_ms,
		"cost", (double)c->cost_ms);
}

void api_explain(struct request *r)
{
	const struct steer_state *state = &r->snap->steer;
	struct steer_query query;
	struct steer_decision d;
	struct steer_trace trace;
	struct prefix net;
	char text[PREFIX_TEXT_MAX];
	unsigned scope;

	if (!request_client(r, request_param(r, "name"),
		    request_param(r, "client"), &query, &scope))
		return;
	steer_decide(state, http_own_accounts(r->http), &query, clock_ms(), &d,
		&trace);
	json_t *candidates = json_array();
	for (unsigned i = 0; i < trace.n; i++)
		json_array_append_new(candidates,
			candidate_json(state->map, &trace.candidate[i]));
	net = (struct prefix){query.net, query.net_len};
	request_json(r, 200,
		json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "name",
			request_param(r, "name"), "client",
			prefix_text(&net, text), "place",
			place_json(geo_place(state->geo, query.place)),
			"candidates", candidates, "pick",
			state->map->nodes[d.node[0]].name, "ttl",
			(json_int_t)d.ttl_s, "scope", (json_int_t)scope));
}

/* -- drain -- */

struct waiting {
	struct request request; /* only ev and http are valid later */
	char node[64];
	bool drained;
};

static void no_such_node(struct request *r, const char *node)
{
	request_error(r, 404, "there is no node '%.63s'", node);
}

static void on_drained(void *arg, bool ok, const char *text)
{
	struct waiting *w = arg;
	if (ok)
		request_json(&w->request, 200,
			json_pack("{s:s, s:b, s:s, s:s}", "node", w->node,
				"drained", w->drained, "scope",
				"this name server", "note", text));
	else if (text)
		request_error(&w->request, 500, "%s", text);
	else
		no_such_node(&w->request, w->node);
	free(w);
}

void api_drain(struct request *r, const char *node, bool drained)
{
	const struct control_ops *ops = http_ops(r->http);

	if (!request_may_change(r))
		return;
	if (map_find_node(r->snap->steer.map, node) < 0) {
		no_such_node(r, node);
		return;
	}
	struct waiting *w = mem_zero(1, sizeof *w);
	w->request = *r;
	w->drained = drained;
	strncpy(w->node, node, sizeof w->node - 1);
	ops->drain(
		ops->arg, node, drained, http_mailbox(r->http), on_drained, w);
}
