/* What the website asks: the lines of a class, one resolution. The same
 * decision as DNS, on the same published state, accounted alike. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/request.h"
#include "record/ring.h"
#include "snapshot/options.h"

#define STREAM_MAX 128

/* Whose client: the caller, or whom a trusted caller names. */
bool request_client(struct request *r, const char *name, const char *client,
	struct steer_query *query, unsigned *scope)
{
	struct map_match match;
	struct prefix net = {r->peer, (uint8_t)addr_bits(&r->peer)};

	if (!name || !*name) {
		request_error(r, 400, "the parameter 'name' is missing");
		return false;
	}
	if (!map_match(r->snap->steer.map, name, &match)) {
		request_error(r, 404, "%.200s is not a steered name", name);
		return false;
	}
	if (client && *client) {
		if (!prefix_parse(&net, client, false)) {
			request_error(r, 400,
				"'%.60s' is not ADDRESS or ADDRESS/LENGTH",
				client);
			return false;
		}
		if (!r->trusted && !r->has_token &&
			!addr_equal(&net.addr, &r->peer)) {
			request_error(r, 403,
				"only trusted callers may name another client");
			return false;
		}
	}
	struct geo_leaf leaf = geo_find(r->snap->steer.geo, &net.addr);
	*query = (struct steer_query){.name = match.name,
		.line = match.line,
		.type = STEER_A,
		.stream = map_stream_hash(
			match.stream, (unsigned)strlen(match.stream)),
		.asker = r->peer,
		.trusted = r->trusted};
	steer_client(query, &net.addr, net.len, leaf);
	*scope = leaf.scope;
	return true;
}

/* Decides, accounts, and records if that is on. */
static void answer(struct request *r, const char *name,
	const struct steer_query *query, unsigned scope, int64_t now_ms,
	struct steer_decision *d)
{
	const struct steer_state *state = &r->snap->steer;
	struct map_match match;

	steer_answer(state, http_own_accounts(r->http), query, now_ms, d);
	if (!r->snap->options->record || !map_match(state->map, name, &match))
		return;
	struct prefix net = {query->net, query->net_len};
	bool subnet = !prefix_contains(&net, &r->peer);
	struct record_question question = {.query = query,
		.stream = (const uint8_t *)match.stream,
		.stream_len = (unsigned)strlen(match.stream),
		.scope = (uint8_t)(subnet ? scope : 0),
		.subnet = subnet,
		.http = true,
		.share = r->snap->options->record};
	record_answer(http_ring(r->http), state, &question, d, now_ms);
}

/* "app/stream" of letters that need no escape in a URL. */
static bool stream_ok(const char *stream)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	size_t n = strlen(stream);
	return n > 2 && n < STREAM_MAX && strspn(stream, plain) == n &&
		strchr(stream, '/') && *stream != '/' && stream[n - 1] != '/' &&
		!strstr(stream, "..");
}

static json_t *url(const char *scheme, const char *host, unsigned port,
	unsigned usual, const char *stream, const char *suffix)
{
	char text[600];
	if (!port || !stream)
		return json_null();
	if (port == usual)
		snprintf(text, sizeof text, "%s://%s/%s%s", scheme, host,
			stream, suffix);
	else
		snprintf(text, sizeof text, "%s://%s:%u/%s%s", scheme, host,
			port, stream, suffix);
	return json_string(text);
}

static json_t *addresses_json(const struct map_node *node)
{
	char text[ADDR_TEXT_MAX];
	json_t *list = json_array();
	for (unsigned i = 0; i < (unsigned)node->n4 + node->n6; i++)
		json_array_append_new(
			list, json_string(addr_text(&node->address[i], text)));
	return list;
}

static json_t *line_json(const struct map *map, const struct map_name *name,
	unsigned line, const struct map_node *node, const char *stream)
{
	char host[300];
	if (line == 1)
		snprintf(host, sizeof host, "%s", name->name);
	else
		snprintf(host, sizeof host, "line%u.%s", line, name->name);
	return json_pack("{s:i, s:s, s:s, s:o, s:{s:o, s:o, s:o}}", "line",
		(int)line, "host", host, "node", node->name, "addresses",
		addresses_json(node), "urls", "rtmp",
		url("rtmp", host, node->rtmp_port, 1935, stream, ""), "flv",
		url("http", host, node->flv_port, 80, stream, ".flv"), "hls",
		url("http", host, node->flv_port, 80, stream, ".m3u8"));
}

void api_lines(struct request *r)
{
	const struct steer_state *state = &r->snap->steer;
	struct accounts *accounts = http_own_accounts(r->http);
	const char *stream = request_param(r, "stream");
	const char *host = request_param(r, "name");
	struct steer_query query;
	struct steer_decision d;
	char net_text[PREFIX_TEXT_MAX], cache[40];
	unsigned scope;

	if (stream && !stream_ok(stream)) {
		request_error(r, 400, "stream is not app/stream");
		return;
	}
	if (!request_client(
		    r, host, request_param(r, "client"), &query, &scope))
		return;
	const struct map_name *name = &state->map->names[query.name];
	int64_t now = clock_ms();
	uint32_t ttl = UINT32_MAX;
	json_t *lines = json_array();
	for (unsigned line = 1; line <= name->lines; line++) {
		query.line = (uint8_t)line;
		/* One viewer comes, and to line 1. */
		if (line == 1)
			answer(r, host, &query, scope, now, &d);
		else
			steer_decide(state, accounts, &query, now, &d, NULL);
		if (d.ttl_s < ttl)
			ttl = d.ttl_s;
		json_array_append_new(lines,
			line_json(state->map, name, line,
				&state->map->nodes[d.node[0]], stream));
	}
	struct prefix net = {query.net, query.net_len};
	snprintf(cache, sizeof cache, "private, max-age=%u", ttl);
	request_header(r, "Cache-Control", cache);
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_json(r, 200,
		json_pack("{s:s, s:s, s:I, s:I, s:o}", "name", name->name,
			"client", prefix_text(&net, net_text), "scope",
			(json_int_t)scope, "ttl", (json_int_t)ttl, "lines",
			lines));
}

void api_resolve(struct request *r)
{
	const struct steer_state *state = &r->snap->steer;
	const char *name = request_param(r, "name");
	const char *client = request_param(r, "ip");
	struct steer_query query;
	struct steer_decision d;
	char text[ADDR_TEXT_MAX];
	unsigned scope;

	if (!request_client(r, name, client, &query, &scope))
		return;
	int64_t now = clock_ms();
	answer(r, name, &query, scope, now, &d);
	json_t *list = json_array();
	for (unsigned i = 0; i < d.n; i++) {
		json_t *more = addresses_json(&state->map->nodes[d.node[i]]);
		json_array_extend(list, more);
		json_decref(more);
	}
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_json(r, 200,
		json_pack("{s:s, s:s, s:o, s:I}", "name", name, "ip",
			client && *client ? client : addr_text(&r->peer, text),
			"addresses", list, "ttl", (json_int_t)d.ttl_s));
}
