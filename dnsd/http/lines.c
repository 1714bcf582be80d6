/* What the website asks: the lines of a class, one resolution. The same
 * decision as DNS, on the same published state, accounted alike. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/lines.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "http/request.h"
#include "replay/ring.h"
#include "snapshot/options.h"

#define STREAM_MAX 128 /* octets */
_Static_assert(LINES_STREAM_MAX > 3 * (STREAM_MAX - 1), "all may be escaped");

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
		/* Whoever is believed brings other networks' viewers. */
		.asker = r->trusted ? net.addr : r->peer,
		.trusted = r->trusted,
		.proven = true};
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

/* A hexadecimal digit; -1: none. */
static int digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

/* %XX to octets. How many; 0: too long, or an escape that is none. */
static size_t decode(const char *text, unsigned char out[STREAM_MAX])
{
	size_t n = 0;
	for (; *text; text++) {
		int c = (unsigned char)*text;
		if (c == '%') {
			int high = digit(text[1]);
			int low = high < 0 ? -1 : digit(text[2]);
			if (low < 0)
				return 0;
			c = high << 4 | low;
			text += 2;
		}
		if (n == STREAM_MAX - 1)
			return 0;
		out[n++] = (unsigned char)c;
	}
	out[n] = '\0';
	return n;
}

bool lines_stream(const char *stream, char url[LINES_STREAM_MAX])
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	unsigned char name[STREAM_MAX];
	const char *text = (const char *)name;
	size_t n = decode(stream + (*stream == '/'), name);

	if (n < 3 || strlen(text) != n || !strchr(text, '/') || *text == '/' ||
		text[n - 1] == '/' || strstr(text, ".."))
		return false;
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_character(name + i, n - i);
		if (!len || utf8_is_control(name + i) ||
			(len == 1 && !strchr(plain, name[i])))
			return false;
		for (size_t k = i; k < i + len; k++)
			url += sprintf(
				url, len == 1 ? "%c" : "%%%02X", name[k]);
	}
	return true;
}

/* -- as text -- */

/* Written by hand, since a website asks this for every page. Names are letters,
 * digits, - and _, streams come from lines_stream(): nothing is to be escaped. */

static void put_url(struct buf *out, const char *key, const char *host,
	unsigned port, unsigned usual, const char *stream, const char *suffix)
{
	const char *scheme = usual == 80 ? "http" : "rtmp";
	if (!port || !stream)
		buf_printf(out, "\"%s\":null", key);
	else if (port == usual)
		buf_printf(out, "\"%s\":\"%s://%s/%s%s\"", key, scheme, host,
			stream, suffix);
	else
		buf_printf(out, "\"%s\":\"%s://%s:%u/%s%s\"", key, scheme, host,
			port, stream, suffix);
}

static void put_line(struct buf *out, const struct map_name *name,
	unsigned line, const struct map_node *node, const char *stream)
{
	char host[300], text[ADDR_TEXT_MAX];
	if (line == 1)
		snprintf(host, sizeof host, "%s", name->name);
	else
		snprintf(host, sizeof host, "line%u.%s", line, name->name);
	buf_printf(out,
		"%s{\"line\":%u,\"host\":\"%s\",\"node\":\"%s\",\"addresses\":[",
		line == 1 ? "" : ",", line, host, node->name);
	for (unsigned i = 0; i < (unsigned)node->n4 + node->n6; i++)
		buf_printf(out, "%s\"%s\"", i ? "," : "",
			addr_text(&node->address[i], text));
	buf_printf(out, "],\"urls\":{");
	put_url(out, "rtmp", host, node->rtmp_port, 1935, stream, "");
	buf_printf(out, ",");
	put_url(out, "flv", host, node->flv_port, 80, stream, ".flv");
	buf_printf(out, ",");
	put_url(out, "hls", host, node->flv_port, 80, stream, ".m3u8");
	buf_printf(out, "}}");
}

/* The node of each line, and how long all of that holds. */
struct chosen {
	const struct map_node *node[CONF_LINES_MAX];
	uint32_t ttl_s;
};

/* first: the decision for line 1, made by the caller, who may have accounted
 * it. */
static void choose(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_decision *first, int64_t now_ms,
	struct chosen *chosen)
{
	struct steer_query of_line = *query;
	struct steer_decision d = *first;

	chosen->ttl_s = first->ttl_s;
	for (unsigned i = 0; i < state->map->names[query->name].lines; i++) {
		of_line.line = (uint8_t)(i + 1);
		if (i)
			steer_decide(
				state, accounts, &of_line, now_ms, &d, NULL);
		if (d.ttl_s < chosen->ttl_s)
			chosen->ttl_s = d.ttl_s;
		chosen->node[i] = &state->map->nodes[d.node[0]];
	}
}

/* {"name", "client", "scope", "ttl", "lines": [...]}. Returns a hash of all but
 * the TTL. */
static uint64_t put_chosen(struct buf *out, const struct map_name *name,
	const struct steer_query *query, unsigned scope, const char *stream,
	const struct chosen *chosen)
{
	struct prefix net = {query->net, query->net_len};
	char text[PREFIX_TEXT_MAX];

	buf_printf(out, "{\"name\":\"%s\",\"client\":\"%s\",\"scope\":%u,",
		name->name, prefix_text(&net, text), scope);
	uint64_t hash = hash_bytes(out->text, out->len, 0);
	buf_printf(out, "\"ttl\":%u,", chosen->ttl_s);
	size_t lines = out->len;
	buf_printf(out, "\"lines\":[");
	for (unsigned i = 0; i < name->lines; i++)
		put_line(out, name, i + 1, chosen->node[i], stream);
	buf_printf(out, "]}");
	return hash_bytes(out->text + lines, out->len - lines, hash);
}

/* -- as Python -- */

/* A JSON string in ASCII is one of Python too. */
static void python_value(struct buf *out, const char *key, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	buf_printf(out, "        \"%s\": %s,\n", key,
		json_is_null(value) ? "None" : text);
	free(text);
}

static void python_line(struct buf *out, const json_t *line)
{
	static const char *const keys[] = {"line", "host", "node", "addresses"};
	json_t *urls = json_object_get(line, "urls"), *url;
	const char *key;

	buf_printf(out, "    {\n");
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		python_value(out, keys[i], json_object_get(line, keys[i]));
	json_object_foreach(urls, key, url) python_value(out, key, url);
	buf_printf(out, "    },\n");
}

static void python(struct buf *out, const json_t *all)
{
	const char *name = json_string_value(json_object_get(all, "name"));
	const char *client = json_string_value(json_object_get(all, "client"));
	json_t *line;
	size_t i;

	buf_printf(out,
		"# The lines of %s for %s when `dnsd lines` wrote this.\n",
		name, client);
	buf_printf(out, "DNSD_NAME = \"%s\"\nDNSD_LINES = [\n", name);
	json_array_foreach(json_object_get(all, "lines"), i, line)
		python_line(out, line);
	buf_printf(out, "]\n");
}

void lines_write(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned scope, const char *stream, int64_t now_ms,
	enum lines_format format, struct buf *out)
{
	const struct map_name *name = &state->map->names[query->name];
	struct steer_query first = *query;
	struct steer_decision d;
	struct chosen chosen;
	struct buf text = {0};

	first.line = 1;
	steer_decide(state, accounts, &first, now_ms, &d, NULL);
	choose(state, accounts, &first, &d, now_ms, &chosen);
	put_chosen(&text, name, &first, scope, stream, &chosen);
	json_t *all = json_loads(text.text, 0, NULL);
	if (format == LINES_SITE_SETTINGS) {
		python(out, all);
	} else {
		char *indented = json_dumps(all, JSON_INDENT(2));
		buf_printf(out, "%s\n", indented);
		free(indented);
	}
	json_decref(all);
	buf_fini(&text);
}

/* -- calls -- */

/* Whether the caller has what has that tag. */
static bool has_tag(const struct request *r, const char *tag)
{
	const char *has = evhttp_find_header(
		evhttp_request_get_input_headers(r->ev), "If-None-Match");
	return has && (!strcmp(has, "*") || strstr(has, tag));
}

/* The tag is weak: the same lines have the same, whatever their TTL, which a 304
 * tells in its Cache-Control. */
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
	int64_t now = clock_ms();
	struct steer_query query;
	struct steer_decision d;
	struct chosen chosen;
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
	/* One viewer comes, and to line 1; whoever has the same answer already
	 * asks for one all the same. */
	query.line = 1;
	answer(r, host, &query, scope, now, &d);
	choose(&r->snap->steer, http_own_accounts(r->http), &query, &d, now,
		&chosen);
	uint64_t hash =
		put_chosen(&text, &r->snap->steer.map->names[query.name],
			&query, scope, stream ? url : NULL, &chosen);
	reply_lines(r, &text, hash, chosen.ttl_s);
	buf_fini(&text);
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
		json_t *more =
			request_addresses_json(&state->map->nodes[d.node[i]]);
		json_array_extend(list, more);
		json_decref(more);
	}
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_json(r, 200,
		json_pack("{s:s, s:s, s:o, s:I}", "name", name, "ip",
			client && *client ? client : addr_text(&r->peer, text),
			"addresses", list, "ttl", (json_int_t)d.ttl_s));
}
