#include "client/lines.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/utf8.h"

#define STREAM_MAX 128 /* octets */
_Static_assert(LINES_STREAM_MAX > 3 * (STREAM_MAX - 1), "all may be escaped");

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
 * digits, - and _, streams come from lines_stream(), public URLs were checked: nothing
 * is to be escaped. */

/* What a line's URLs of a kind begin with, if the operator does not say. */
struct url_base {
	const char *scheme;
	unsigned port, usual_port; /* port 0: there are none */
};

static struct url_base base_of(const struct map_node *node, enum conf_url kind)
{
	switch (kind) {
	case URL_RTMP:
		return (struct url_base){"rtmp", node->rtmp_port, 1935};
	case URL_FLV:
	case URL_HLS:
		return (struct url_base){"http", node->flv_port, 80};
	case URL_SRT: /* it has no usual port */
		return (struct url_base){"srt", node->srt_port, 0};
	case URL_WHEP:
		return node->whep_tls
			? (struct url_base){"https", node->whep_port, 443}
			: (struct url_base){"http", node->whep_port, 80};
	case CONF_URLS:
		break;
	}
	return (struct url_base){0};
}

/* What SRS has behind the port, for a stream "app/name". */
static void put_resource(
	struct buf *out, enum conf_url kind, const char *stream)
{
	const char *name = strrchr(stream, '/') + 1;
	if (kind == URL_SRT)
		buf_printf(out, "?streamid=#!::r=%s,m=request", stream);
	else if (kind == URL_WHEP)
		buf_printf(out, "/rtc/v1/whep/?app=%.*s&stream=%s",
			(int)(name - 1 - stream), stream, name);
	else
		buf_printf(out, "/%s%s", stream,
			kind == URL_FLV           ? ".flv"
				: kind == URL_HLS ? ".m3u8"
						  : "");
}

static void put_url(struct buf *out, const struct map_node *node,
	enum conf_url kind, const char *host, const char *stream)
{
	static const char *const keys[] = {[URL_RTMP] = "rtmp",
		[URL_FLV] = "flv",
		[URL_HLS] = "hls",
		[URL_SRT] = "srt",
		[URL_WHEP] = "whep"};
	const char *public = node->public_url[kind];
	struct url_base base = base_of(node, kind);

	buf_printf(out, "%s\"%s\":", kind ? "," : "", keys[kind]);
	if (!stream || (!public && !base.port)) {
		buf_printf(out, "null");
		return;
	}
	if (public)
		buf_printf(out, "\"%s", public);
	else
		buf_printf(out, "\"%s://%s", base.scheme, host);
	if (!public && base.port != base.usual_port)
		buf_printf(out, ":%u", base.port);
	put_resource(out, kind, stream);
	buf_printf(out, "\"");
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
	for (unsigned i = 0; i < CONF_URLS; i++)
		put_url(out, node, (enum conf_url)i, host, stream);
	buf_printf(out, "}}");
}

static const struct map_name *name_for(const struct lines_for *of)
{
	return &of->state->map->names[of->query->name];
}

void lines_choose(const struct lines_for *of,
	const struct steer_decision *first, struct lines_chosen *chosen)
{
	assert(first->n > 0);
	struct steer_query query = *of->query;
	struct steer_decision d = *first;

	chosen->ttl_s = first->ttl_s;
	for (unsigned i = 0; i < name_for(of)->lines; i++) {
		query.line = (uint8_t)(i + 1);
		if (i)
			steer_decide(of->state, of->accounts, &query,
				of->now_ms, &d, NULL);
		if (d.ttl_s < chosen->ttl_s)
			chosen->ttl_s = d.ttl_s;
		chosen->node[i] = &of->state->map->nodes[d.node[0]];
	}
}

uint64_t lines_put(struct buf *out, const struct lines_for *of,
	const struct lines_chosen *chosen)
{
	const struct map_name *name = name_for(of);
	struct prefix net = {of->query->net, of->query->net_len};
	char text[PREFIX_TEXT_MAX];

	buf_printf(out, "{\"name\":\"%s\",\"client\":\"%s\",\"scope\":%u,",
		name->name, prefix_text(&net, text), of->scope);
	uint64_t hash = hash_bytes(out->text, out->len, 0);
	buf_printf(out, "\"ttl\":%u,", chosen->ttl_s);
	size_t lines = out->len;
	buf_printf(out, "\"lines\":[");
	for (unsigned i = 0; i < name->lines; i++)
		put_line(out, name, i + 1, chosen->node[i], of->stream);
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

void lines_write(
	const struct lines_for *of, enum lines_format format, struct buf *out)
{
	struct steer_query first = *of->query;
	struct steer_decision d;
	struct lines_chosen chosen;
	struct buf text = {0};

	first.line = 1;
	steer_decide(of->state, of->accounts, &first, of->now_ms, &d, NULL);
	lines_choose(of, &d, &chosen);
	lines_put(&text, of, &chosen);
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
