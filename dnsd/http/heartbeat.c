/* What an SRS reports about itself. */
#include <event2/buffer.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/request.h"
#include "srs/heartbeat.h"

#define FUTURE_MS 10000

static bool is_address_of(const struct map_node *node, const struct addr *addr)
{
	for (unsigned k = 0; k < (unsigned)node->n4 + node->n6; k++)
		if (addr_equal(&node->address[k], addr))
			return true;
	return false;
}

static bool is_node_address(const struct map *map, const struct addr *addr)
{
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (is_address_of(&map->nodes[i], addr))
			return true;
	return false;
}

bool request_from_node(const struct request *r)
{
	const struct http_rules *rules = http_rules(r->http);
	if (!rules->n_heartbeat)
		return is_node_address(r->snap->steer.map, &r->peer);
	for (unsigned i = 0; i < rules->n_heartbeat; i++)
		if (prefix_contains(&rules->heartbeat_from[i], &r->peer))
			return true;
	return false;
}

/* A stamp of the future is no reading of now: dropped. Clocks differ a little. */
static bool is_from_future(const struct sample *sample)
{
	int64_t latest = clock_wall_ms() + FUTURE_MS;
	return sample->node_ms > latest || sample->sampled_ms > latest;
}

/* The node that a heartbeat is of; negative: it is not known. */
static int node_of(const struct request *r, const struct heartbeat *beat)
{
	const struct map *map = r->snap->steer.map;
	int node = map_find_node(map, beat->server);
	return node < 0 ? map_find_node(map, beat->device_id) : node;
}

/* Whether the caller may report of a node: the node itself may, and callers in
 * `heartbeat_from`. */
static bool may_report(const struct request *r, int node)
{
	return node < 0 || http_rules(r->http)->n_heartbeat ||
		is_address_of(&r->snap->steer.map->nodes[node], &r->peer);
}

/* A node's load may rise by it; who is not known waits. */
static void take(struct request *r, const struct heartbeat *beat, int node)
{
	const struct control_ops *ops = http_ops(r->http);
	float connections = (float)beat->sample.connections;

	if (node < 0)
		ops->pending_node(ops->arg, beat->server, beat->device_id,
			&r->peer, connections);
	else if (beat->has_sample && !is_from_future(&beat->sample))
		ops->heartbeat(ops->arg, (unsigned)node, connections);
}

/* Answered at once, always: a slow receiver freezes SRS's statistics. */
void api_heartbeat(struct request *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->ev);
	size_t len = evbuffer_get_length(in);
	const char *body = (const char *)evbuffer_pullup(in, -1);
	struct heartbeat beat;
	struct err err = {0};

	if (!request_from_node(r)) {
		request_error(r, 403, "heartbeats are not taken from here");
		return;
	}
	if (!heartbeat_parse(body ? body : "", len, &beat, &err)) {
		request_error(r, 400, "%s", err_text(&err));
		err_fini(&err);
		return;
	}
	int node = node_of(r, &beat);
	if (may_report(r, node)) {
		take(r, &beat, node);
		request_json(
			r, 200, json_pack("{s:i, s:n}", "code", 0, "data"));
	} else {
		request_error(r, 403,
			"a node's heartbeats are taken from its own addresses");
	}
	err_fini(&err);
}
