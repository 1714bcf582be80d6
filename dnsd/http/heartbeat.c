/* What an SRS reports about itself. */
#include <event2/buffer.h>
#include <string.h>

#include "base/clock.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"
#include "srs/heartbeat.h"

#define FUTURE_MS 10000

/* A stamp of the future is no reading of now: dropped. Clocks differ a little. */
static bool is_from_future(const struct sample *sample)
{
	int64_t latest = clock_wall_ms() + FUTURE_MS;
	return sample->node_ms > latest || sample->sampled_ms > latest;
}

/* The node that a heartbeat is of; negative: it is not known. */
static int heartbeat_node_of(
	const struct request *r, const struct heartbeat *beat)
{
	const struct map *map = r->snap->steer.map;
	int node = map_find_node(map, beat->server);
	return node < 0 ? map_find_node(map, beat->device_id) : node;
}

/* A call to control without a reply. */
static void post(struct request *r, enum call_kind kind,
	const struct heartbeat *beat, int node)
{
	struct call *call = call_new(sizeof *call, kind, NULL, NULL);
	call->connections = (float)beat->sample.connections;
	if (kind == CALL_HEARTBEAT) {
		call->index = (unsigned)node;
	} else {
		call->from = r->peer;
		strcpy(call->server, beat->server);
		strcpy(call->device, beat->device_id);
	}
	request_post(r, call);
}

/* A node's load may rise by it; one that is not known waits for the operator. */
static void take_heartbeat(
	struct request *r, const struct heartbeat *beat, int node)
{
	if (node < 0)
		post(r, CALL_PENDING, beat, node);
	else if (beat->has_sample && !is_from_future(&beat->sample))
		post(r, CALL_HEARTBEAT, beat, node);
}

/* Answered at once, always: a slow receiver freezes SRS's statistics. */
void api_heartbeat(struct request *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->ev);
	size_t len = evbuffer_get_length(in);
	const char *body = (const char *)evbuffer_pullup(in, -1);
	struct heartbeat beat;
	struct err err = {0};

	if (!access_from_node(r)) {
		request_error(r, 403, "heartbeats are not taken from here");
		return;
	}
	if (!access_has_heartbeat_token(r))
		return;
	if (!heartbeat_parse(body ? body : "", len, &beat, &err)) {
		request_error(r, 400, "%s", err_text(&err));
		err_fini(&err);
		return;
	}
	int node = heartbeat_node_of(r, &beat);
	if (node < 0 || access_may_report(r, (unsigned)node)) {
		take_heartbeat(r, &beat, node);
		request_json(
			r, 200, json_pack("{s:i, s:n}", "code", 0, "data"));
	} else {
		request_error(r, 403,
			"a node's heartbeats are taken from its own addresses");
	}
	err_fini(&err);
}
