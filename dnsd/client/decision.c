#include "client/decision.h"

void decision_place_json(json_t *json, const struct place *place)
{
	if (place->country[0])
		json_object_set_new(
			json, "country", json_stringn(place->country, 2));
	if (place->asn)
		json_object_set_new(json, "asn", json_integer(place->asn));
}

static json_t *place_json(const struct place *place)
{
	static const char *const source[] = {
		"unknown", "country", "database", "nets"};
	json_t *json = json_pack("{s:s}", "source", source[place->source]);
	if (place->source != PLACE_UNKNOWN) {
		json_object_set_new(json, "latitude", json_real(place->lat));
		json_object_set_new(json, "longitude", json_real(place->lon));
	}
	decision_place_json(json, place);
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

json_t *decision_json(const struct decision_of *of)
{
	const struct map *map = of->state->map;
	struct prefix net = {of->query->net, of->query->net_len};
	char text[PREFIX_TEXT_MAX];
	json_t *candidates = json_array();

	for (unsigned i = 0; i < of->trace->n; i++)
		json_array_append_new(candidates,
			candidate_json(map, &of->trace->candidate[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "name",
		of->name, "client", prefix_text(&net, text), "place",
		place_json(geo_place(of->state->geo, of->query->place)),
		"candidates", candidates, "pick",
		map->nodes[of->decision->node[0]].name, "ttl",
		(json_int_t)of->decision->ttl_s, "scope",
		(json_int_t)of->scope);
}
