/* What the website asks: the lines of a class, one resolution. The same
 * decision as DNS, on the same published state, accounted alike. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/lines.h"
#include "http/handlers.h"
#include "http/json.h"
#include "http/request.h"
#include "replay/ring.h"
#include "snapshot/options.h"

/* Decides, accounts, and records if that is on. */
static void answer_query(struct request *r, const char *name,
	const struct steer_query *query, unsigned scope,
	struct steer_decision *d)
{
	const struct steer_state *state = &r->snap->steer;
	struct map_match match;
	int64_t now_ms = clock_ms();

	steer_answer(state, r->http->accounts, query, now_ms, d);
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
	record_answer(r->http->ring, state, &question, d, now_ms);
}

/* Whether the caller has what has that tag. */
static bool has_tag(const struct request *r, const char *tag)
{
	const char *has = evhttp_find_header(
		evhttp_request_get_input_headers(r->ev), "If-None-Match");
	return has && (!strcmp(has, "*") || strstr(has, tag));
}

/* The tag is weak: the same lines have the same, whatever their TTL, which a 304
 * has in its Cache-Control. */
static void reply_lines(struct request *r, const struct buf *text,
	uint64_t hash, uint32_t ttl_s)
{
	char cache[40], tag[24], weak[28];
	snprintf(cache, sizeof cache, "private, max-age=%u", ttl_s);
	snprintf(tag, sizeof tag, "\"%016" PRIx64 "\"", hash);
	snprintf(weak, sizeof weak, "W/%s", tag);
	request_header(r, "Cache-Control", cache);
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_header(r, "ETag", weak);
	if (has_tag(r, tag))
		request_not_modified(r);
	else
		request_text(r, "application/json", text->text, text->len);
}

void api_lines(struct request *r)
{
	const char *stream = request_param(r, "stream");
	const char *host = request_param(r, "name");
	struct steer_query query;
	struct steer_decision d;
	struct lines_chosen chosen;
	struct buf text = {0};
	char url[LINES_STREAM_MAX];
	unsigned scope;

	if (stream && !lines_stream(stream, url)) {
		request_error(r, 400, "stream is not app/stream");
		return;
	}
	if (!request_client(
		    r, host, request_param(r, "client"), &query, &scope))
		return;
	/* One viewer comes, and to line 1, also if the caller has the same
	 * answer already. */
	query.line = 1;
	answer_query(r, host, &query, scope, &d);
	struct lines_for of = {.state = &r->snap->steer,
		.accounts = r->http->accounts,
		.query = &query,
		.scope = scope,
		.stream = stream ? url : NULL,
		.now_ms = clock_ms()};
	lines_choose(&of, &d, &chosen);
	uint64_t hash = lines_put(&text, &of, &chosen);
	reply_lines(r, &text, hash, chosen.ttl_s);
	buf_fini(&text);
}

bool lines_resolve(struct request *r, const char *name, const char *client,
	struct steer_decision *d)
{
	struct steer_query query;
	unsigned scope;

	if (!request_client(r, name, client, &query, &scope))
		return false;
	answer_query(r, name, &query, scope, d);
	return true;
}

void api_resolve(struct request *r)
{
	const struct steer_state *state = &r->snap->steer;
	const char *name = request_param(r, "name");
	const char *client = request_param(r, "ip");
	struct steer_decision d;
	char text[ADDR_TEXT_MAX];

	if (!lines_resolve(r, name, client, &d))
		return;
	json_t *list = json_array();
	for (unsigned i = 0; i < d.n; i++) {
		json_t *more = json_of_addresses(&state->map->nodes[d.node[i]]);
		json_array_extend(list, more);
		json_decref(more);
	}
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_json(r, 200,
		json_pack("{s:s, s:s, s:o, s:I}", "name", name, "ip",
			client && *client ? client : addr_text(&r->peer, text),
			"addresses", list, "ttl", (json_int_t)d.ttl_s));
}
