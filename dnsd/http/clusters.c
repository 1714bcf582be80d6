/* Where a stream is: SRS's question to the coworkers of an origin cluster, so
 * that `coworkers dnsd:port` stands for the list of all other origins; and the
 * operator's list of streams. */
#include <stdio.h>
#include <string.h>

#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"
#include "snapshot/streams.h"

#define URL_MAX 1024
#define RTMP_PORT 1935
/* A stream that is nowhere may have begun since the poll. SRS's edge that gets
 * "nowhere" waits 3 s; control asks the nodes at most every 500 ms and
 * publishes what they say within 100 ms. */
#define LOOK_MS 50
#define LOOKS 14

/* As SRS names it: the default vhost is left out, and so is what an extension
 * looks like. An edge whose viewer plays HTTP-FLV asks for "class.flv". */
static bool stream_url(const struct request *r, char url[URL_MAX])
{
	const char *vhost = request_param(r, "vhost");
	const char *app = request_param(r, "app");
	const char *stream = request_param(r, "stream");

	if (!app || !*app || !stream || !*stream)
		return false;
	if (!vhost || !strcmp(vhost, "__defaultVhost__"))
		vhost = "";
	const char *dot = strrchr(stream, '.');
	int len = dot ? (int)(dot - stream) : (int)strlen(stream);
	return snprintf(url, URL_MAX, "%s/%s/%.*s", vhost, app, len, stream) <
		URL_MAX;
}

/* Whether the caller is this very node, as far as its address shows: several
 * may share one, and all programs of this machine have the usual loopback one.
 * An origin that is sent to itself would turn its client in a circle. */
static bool is_caller(const struct request *r, unsigned index)
{
	const struct map *map = r->snap->steer.map;
	char text[ADDR_TEXT_MAX];
	bool found = false;

	addr_text(&r->peer, text);
	if (!strcmp(text, "127.0.0.1") || !strcmp(text, "::1"))
		return false;
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct map_node *node = &map->nodes[i];
		if (!node->name || node->role != ROLE_ORIGIN)
			continue;
		for (unsigned k = 0; k < (unsigned)node->n4 + node->n6; k++)
			if (addr_equal(&node->address[k], &r->peer)) {
				if (i != index)
					return false;
				found = true;
			}
	}
	return found;
}

/* The origin that a stream is published to; of several the one with the best
 * state, then with most clients. MAP_NO_NODE: none. */
static unsigned owner_of(const struct request *r, const char *url)
{
	const struct steer_state *state = &r->snap->steer;
	const struct stream_index *index = r->snap->streams;
	const struct stream_at *at = stream_index_find(index, url),
			       *best = NULL;

	for (; at && at < index->at + index->n && !strcmp(at->url, url); at++) {
		const struct map_node *node = &state->map->nodes[at->node];
		unsigned s = state->load->node[at->node].state;
		if (!node->name || node->role != ROLE_ORIGIN ||
			s == NODE_DOWN || is_caller(r, at->node))
			continue;
		unsigned had = best ? state->load->node[best->node].state : 0;
		if (!best || s < had ||
			(s == had && at->clients > best->clients))
			best = at;
	}
	return best ? best->node : MAP_NO_NODE;
}

static json_t *origin_json(const struct map_node *node, const char *vhost)
{
	char ip[ADDR_TEXT_MAX];
	return json_pack("{s:s, s:i, s:s, s:s, s:[]}", "ip",
		addr_text(&node->address[0], ip), "port",
		node->rtmp_port ? node->rtmp_port : RTMP_PORT, "vhost", vhost,
		"node", node->name, "routers");
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static json_t *question_json(const struct request *r)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "ip",
		or_empty(request_param(r, "ip")), "vhost",
		or_empty(request_param(r, "vhost")), "app",
		request_param(r, "app"), "stream", request_param(r, "stream"));
}

/* On the public listener for nodes only: it says where origins are. */
void api_clusters(struct request *r)
{
	char url[URL_MAX];

	if (r->of.public && !r->trusted && !r->has_token &&
		!access_from_node(r)) {
		request_error(r, 403, "only nodes may ask this here");
		return;
	}
	if (!stream_url(r, url)) {
		request_error(r, 400, "app and stream are missing or too long");
		return;
	}
	unsigned owner = owner_of(r, url);
	if (owner == MAP_NO_NODE && r->of.tries < LOOKS) {
		request_post(r,
			call_new(
				sizeof(struct call), CALL_STREAMS, NULL, NULL));
		request_again(r, LOOK_MS);
		return;
	}
	json_t *origin = json_null();
	if (owner != MAP_NO_NODE)
		origin = origin_json(&r->snap->steer.map->nodes[owner],
			or_empty(request_param(r, "vhost")));
	json_t *question = question_json(r);
	if (!question) {
		json_decref(origin);
		request_error(r, 400, "not UTF-8");
		return;
	}
	request_json(r, 200,
		json_pack("{s:i, s:{s:o, s:o}}", "code", 0, "data", "query",
			question, "origin", origin));
}

void api_streams(struct request *r)
{
	const struct stream_index *index = r->snap->streams;
	const struct map *map = r->snap->steer.map;
	json_t *list = json_array();

	for (unsigned i = 0; i < index->n; i++) {
		const struct stream_at *at = &index->at[i];
		if (!map->nodes[at->node].name)
			continue;
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:I}", "stream", at->url,
				"node", map->nodes[at->node].name, "role",
				conf_roles[map->nodes[at->node].role],
				"clients", (json_int_t)at->clients));
	}
	request_json(r, 200, list);
}
