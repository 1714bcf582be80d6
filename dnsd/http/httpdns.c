/* GET /d?dn=&ip=&ttl=1 and GET /ID/d?host=&ip=&query=4,6: the shapes of Tencent's and of
 * Alibaba's HTTPDNS, for apps that have a client of these. Answered as /resolve is. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/httpdns.h"
#include "http/json.h"
#include "http/request.h"

/* The addresses of one family that the decision names, each by add(). */
static void each_address(struct request *r, const struct steer_decision *d,
	unsigned family, void (*add)(void *arg, const char *text), void *arg)
{
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < d->n; i++) {
		const struct map_node *node =
			&r->snap->steer.map->nodes[d->node[i]];
		for (unsigned k = 0; k < node->n4 + node->n6; k++)
			if (node->address[k].family == family)
				add(arg, addr_text(&node->address[k], text));
	}
}

static void add_text(void *arg, const char *text)
{
	struct buf *out = arg;
	buf_printf(out, "%s%s", out->len ? ";" : "", text);
}

static void add_json(void *arg, const char *text)
{
	json_array_append_new(arg, json_string(text));
}

/* "A;A,TTL", nothing if the name has no such address. */
static void answer_text(struct request *r)
{
	const char *name = request_param(r, "dn");
	const char *type = request_param(r, "type");
	const char *ttl = request_param(r, "ttl");
	bool six = type && !strcasecmp(type, "aaaa");
	struct steer_decision d;
	struct buf out = {0};

	if (!name)
		request_error(r, 400, "the parameter 'dn' is missing");
	if (!name || !lines_resolve(r, name, request_param(r, "ip"), &d))
		return;
	each_address(r, &d, six ? 6 : 4, add_text, &out);
	if (out.len && ttl && !strcmp(ttl, "1"))
		buf_printf(&out, ",%u", (unsigned)d.ttl_s);
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_text(r, "text/plain", out.text ? out.text : "", out.len);
	buf_fini(&out);
}

static bool wants(const char *query, char family)
{
	return query ? strchr(query, family) != NULL : family == '4';
}

static void answer_json(struct request *r)
{
	const char *host = request_param(r, "host");
	const char *query = request_param(r, "query");
	const char *client = request_param(r, "ip");
	struct steer_decision d;
	char text[ADDR_TEXT_MAX];

	if (!host)
		request_error(r, 400, "the parameter 'host' is missing");
	if (!host || !lines_resolve(r, host, client, &d))
		return;
	json_t *four = json_array(), *six = json_array();
	if (wants(query, '4'))
		each_address(r, &d, 4, add_json, four);
	if (wants(query, '6'))
		each_address(r, &d, 6, add_json, six);
	json_t *all = json_pack("{s:s, s:o, s:I, s:I, s:s}", "host", host,
		"ips", four, "ttl", (json_int_t)d.ttl_s, "origin_ttl",
		(json_int_t)d.ttl_s, "client_ip",
		client && *client ? client : addr_text(&r->peer, text));
	if (wants(query, '6'))
		json_object_set_new(all, "ipsv6", six);
	else
		json_decref(six);
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_json(r, 200, all);
}

bool httpdns_route(struct request *r)
{
	const char *end = strrchr(r->path, '/');
	bool text = !strcmp(r->path, "/d");
	bool json = !text && end != r->path && end && !strcmp(end, "/d") &&
		strchr(r->path + 1, '/') == end;

	if ((!text && !json) || !access_has_httpdns(r))
		return false;
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_GET)
		request_error(r, 405, "use GET");
	else if (text)
		answer_text(r);
	else
		answer_json(r);
	return true;
}
