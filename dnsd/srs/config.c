#include "srs/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

/* One connection more than max_connections, and a listener of SRS 5 and 6 accepts
 * nothing until a restart: it is far above the most that dnsd may find the node
 * to carry. SRS does not start if it may not open that many files, and some. */
#define FILES_MORE 1000
#define CONNECTIONS_FACTOR 2
#define CONNECTIONS_LEAST 1000

#define RTMP_PORT 1935
#define API_PORT 1985
#define HTTP_PORT 8080
#define HEARTBEAT_S 3 /* its statistics are as old */

static const struct conf_node *find(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcmp(conf->nodes[i].name, name))
			return &conf->nodes[i];
	return NULL;
}

/* The port at the end of HOST:PORT or http://HOST:PORT/..., or the usual one. */
static unsigned port_of(const char *target, unsigned usual)
{
	if (!target)
		return usual;
	const char *host = strstr(target, "://");
	host = host ? host + 3 : target;
	const char *at = strchr(host, '@'), *bracket = strchr(host, ']');
	const char *colon = strrchr(bracket ? bracket : at ? at : host, ':');
	unsigned port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	return port ? port : usual;
}

/* ADDRESS:PORT of a node, IPv6 in brackets. */
static void put_address(
	struct buf *out, const struct conf_node *node, unsigned port)
{
	char text[ADDR_TEXT_MAX];
	addr_text(&node->address[0], text);
	buf_printf(out, node->address[0].family == 6 ? "[%s]:%u" : "%s:%u",
		text, port);
}

/* " ADDRESS:PORT" of each node of a role but one. How many. */
static unsigned put_role(struct buf *out, const struct conf *conf, int role,
	const struct conf_node *but, bool api)
{
	unsigned n = 0;
	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[i];
		if (node->role != role || node == but)
			continue;
		buf_printf(out, " ");
		put_address(out, node,
			api ? port_of(node->api, API_PORT)
			    : port_of(node->rtmp, RTMP_PORT));
		n++;
	}
	return n;
}

static unsigned count_role(const struct conf *conf, int role)
{
	unsigned n = 0;
	for (unsigned i = 0; i < conf->n_nodes; i++)
		n += conf->nodes[i].role == role;
	return n;
}

/* -- where dnsd is -- */

/* HOST:PORT of a listener that other machines reach: not loopback; for "any" the
 * address of a name server that is written beside its name. */
static bool reachable(struct buf *out, const struct conf *conf,
	const struct conf_texts *listen)
{
	for (unsigned i = 0; i < listen->n; i++) {
		struct sockaddr_storage at;
		if (!sockaddr_parse(&at, listen->text[i], 0))
			continue;
		struct addr a = addr_from_sockaddr((struct sockaddr *)&at);
		bool any = !addr_half(&a, 0) && !addr_half(&a, 1);
		unsigned port = port_of(listen->text[i], 0);
		const char *ns = conf->n_zones && conf->zones[0].ns.n
			? strchr(conf->zones[0].ns.text[0], ' ')
			: NULL;
		if (a.family == 4 && a.bytes[0] == 127)
			continue;
		if (any && !ns)
			continue;
		if (any)
			buf_printf(out, "%.*s:%u", (int)strcspn(ns + 1, " "),
				ns + 1, port);
		else
			buf_printf(out, "%s", listen->text[i]);
		return true;
	}
	return false;
}

static void put_heartbeat(
	struct buf *out, const struct conf *conf, const struct conf_node *node)
{
	struct buf at = {0};
	if (reachable(&at, conf, &conf->site.listen) ||
		reachable(&at, conf, &conf->http.listen))
		buf_printf(out,
			"heartbeat {\n    enabled on;\n    interval %d;\n"
			"    url http://%s/api/v1/servers;\n"
			"    device_id %s;\n    summaries on;\n}\n",
			HEARTBEAT_S, at.text, node->name);
	else
		buf_printf(out,
			"# No heartbeat: no HTTP listener of dnsd is reachable from here.\n");
	buf_fini(&at);
}

/* -- roles -- */

/* The steered name whose pool is that role, or NULL. */
static const char *name_of_role(const struct conf *conf, int role)
{
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *s = &conf->steer[i];
		bool all = s->n_nodes > 0;
		for (unsigned k = 0; k < s->n_nodes; k++)
			all &= conf->nodes[s->node[k]].role == role;
		if (all)
			return s->name;
	}
	return NULL;
}

static void put_origin(
	struct buf *out, const struct conf *conf, const struct conf_node *node)
{
	if (count_role(conf, ROLE_ORIGIN) > 1) {
		buf_printf(out,
			"    cluster {\n        mode local;\n"
			"        origin_cluster on;\n        coworkers");
		put_role(out, conf, ROLE_ORIGIN, node, true);
		buf_printf(out, ";\n    }\n");
	}
	if (count_role(conf, ROLE_RECORDER)) {
		buf_printf(out,
			"    forward {\n        enabled on;\n        destination");
		put_role(out, conf, ROLE_RECORDER, NULL, false);
		buf_printf(out, ";\n    }\n");
	}
}

static void put_edge(struct buf *out, const struct conf *conf)
{
	buf_printf(out, "    cluster {\n        mode remote;\n        origin");
	put_role(out, conf, ROLE_ORIGIN, NULL, false);
	buf_printf(out, ";\n    }\n");
}

/* A stream belongs on one origin: where the name leads or, without one, to the
 * first. SRS tries again every three seconds, and asks DNS again. */
static void put_relay(struct buf *out, const struct conf *conf)
{
	const char *name = name_of_role(conf, ROLE_ORIGIN);
	const struct conf_node *first = conf->nodes;
	while (first->role != ROLE_ORIGIN)
		first++;
	unsigned port = port_of(first->rtmp, RTMP_PORT);

	buf_printf(out,
		"    forward {\n        enabled on;\n        destination ");
	if (name)
		buf_printf(out, "%s:%u", name, port);
	else
		put_address(out, first, port);
	buf_printf(out, ";\n    }\n");
}

static void put_recorder(struct buf *out)
{
	buf_printf(out,
		"    dvr {\n        enabled on;\n        dvr_plan session;\n"
		"        dvr_path ./objs/nginx/html/[app]/[stream].[timestamp].flv;\n"
		"    }\n");
}

static void put_vhost(
	struct buf *out, const struct conf *conf, const struct conf_node *node)
{
	buf_printf(out,
		"vhost __defaultVhost__ {\n"
		"    http_remux {\n        enabled on;\n"
		"        mount [vhost]/[app]/[stream].flv;\n    }\n"
		"    http_hooks {\n        enabled off;\n    }\n");
	if (node->role == ROLE_ORIGIN)
		put_origin(out, conf, node);
	else if (node->role == ROLE_EDGE)
		put_edge(out, conf);
	else if (node->role == ROLE_RELAY)
		put_relay(out, conf);
	else
		put_recorder(out);
	buf_printf(out, "}\n");
}

/* -- the whole -- */

static unsigned max_connections(const struct conf_node *node)
{
	double carries = node->capacity * fmax(node->overcommit, 1);
	double n = ceil(carries * CONNECTIONS_FACTOR);
	return (unsigned)fmax(n, CONNECTIONS_LEAST);
}

bool srs_config(const struct conf *conf, const char *name, struct buf *out,
	struct err *err)
{
	const struct conf_node *node = find(conf, name);

	if (!node)
		return err_add(err, "there is no node '%.80s'", name);
	if ((node->role == ROLE_EDGE || node->role == ROLE_RELAY) &&
		!count_role(conf, ROLE_ORIGIN))
		return err_add(err, "%s is %s %s, and there is no origin", name,
			node->role == ROLE_EDGE ? "an" : "a",
			conf_roles[node->role]);
	buf_printf(out,
		"# %s (%s), by `dnsd srs %s`. For SRS 5 and 6.\n"
		"# Open files that it must be allowed (ulimit -n, LimitNOFILE): %u\n",
		name, conf_roles[node->role], name,
		max_connections(node) + FILES_MORE);
	buf_printf(out,
		"listen %u;\nmax_connections %u;\ndaemon off;\n"
		"srs_log_tank console;\nserver_id %s;\n",
		port_of(node->rtmp, RTMP_PORT), max_connections(node), name);
	buf_printf(out, "stats {\n    enabled on;\n    network 0;\n}\n");
	put_heartbeat(out, conf, node);
	buf_printf(out,
		"http_api {\n    enabled on;\n    listen %u;\n}\n"
		"http_server {\n    enabled on;\n    listen %u;\n"
		"    dir ./objs/nginx/html;\n}\n",
		port_of(node->api, API_PORT), port_of(node->flv, HTTP_PORT));
	put_vhost(out, conf, node);
	return true;
}
