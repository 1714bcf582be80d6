/* Where a client would go, and why. */
#include "base/clock.h"
#include "http/handlers.h"
#include "http/place_json.h"
#include "http/request.h"
#include "steer/explain.h"

static json_t *place_json(const struct place *place)
{
	static const char *const source[] = {
		"unknown", "country", "database", "nets"};
	json_t *json = json_pack("{s:s}", "source", source[place->source]);
	if (place->source != PLACE_UNKNOWN) {
		json_object_set_new(json, "latitude", json_real(place->lat));
		json_object_set_new(json, "longitude", json_real(place->lon));
	}
	place_json_add(json, place);
	return json;
}

static json_t *candidate_json(
	const struct map *map, const struct steer_candidate *c)
{
	json_t *json = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f}",
		"node", map->nodes[c->node].name, "state",
		node_states[c->state], "path_ms", (double)c->path_ms,
		"utilisation", (double)c->used, "reserved", (double)c->reserved,
		"price_ms", (double)c->price_ms, "penalty_ms",
		(double)c->penalty_ms, "cost", (double)c->cost_ms);
	if (!c->known) {
		json_object_set_new(json, "path_by",
			json_string(c->by_others ? "others" : "distance"));
		return json;
	}
	json_object_set_new(json, "path_by", json_string("measured"));
	json_object_set_new(json, "networks", json_integer(c->known->networks));
	json_object_set_new(json, "loss", json_real((double)c->known->loss));
	json_object_set_new(
		json, "age_s", json_integer(c->known_age_ms / 1000));
	return json;
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
	steer_decide(state, r->http->accounts, &query, clock_ms(), &d, &trace);
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
