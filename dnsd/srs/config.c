#include "srs/config.h"

#include <math.h>
#include <stdio.h>
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
#define SRT_PORT 10080
#define RTC_PORT 8000
#define HEARTBEAT_S 3 /* its statistics are as old */

static const struct conf_node *config_find(
	const struct conf *conf, const char *name)
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

/* " ADDRESS:PORT", IPv6 in brackets. */
static void put_place(struct buf *out, const struct addr *a, unsigned port)
{
	char text[ADDR_TEXT_MAX];
	buf_printf(out, a->family == 6 ? " [%s]:%u" : " %s:%u",
		addr_text(a, text), port);
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
		put_place(out, &node->address[0],
			api ? port_of(node->api, API_PORT)
			    : port_of(node->rtmp, RTMP_PORT));
		n++;
	}
	return n;
}

/* An edge that pulls plays RTMP and HTTP-FLV only: one that is to play more is fed. */
static bool is_fed(const struct conf_node *node)
{
	return node->role == ROLE_EDGE && (node->whep || node->srt);
}

static unsigned count_fed(const struct conf *conf)
{
	unsigned n = 0;
	for (unsigned i = 0; i < conf->n_nodes; i++)
		n += is_fed(&conf->nodes[i]);
	return n;
}

static void put_fed(struct buf *out, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (is_fed(&conf->nodes[i]))
			put_place(out, &conf->nodes[i].address[0],
				port_of(conf->nodes[i].rtmp, RTMP_PORT));
}

static unsigned count_role(const struct conf *conf, int role)
{
	unsigned n = 0;
	for (unsigned i = 0; i < conf->n_nodes; i++)
		n += conf->nodes[i].role == role;
	return n;
}

/* -- where dnsd is -- */

static bool is_any(const struct addr *a)
{
	return !addr_half(a, 0) && !addr_half(a, 1);
}

static bool is_loopback(const struct addr *a)
{
	static const struct addr v6 = {.family = 6, .bytes = {[15] = 1}};
	return addr_equal(a, &v6) || (a->family == 4 && a->bytes[0] == 127);
}

/* The first address of a family beside a name server's name. */
static bool ns_address(const char *ns, int family, struct addr *a)
{
	char word[ADDR_TEXT_MAX];
	size_t len;

	for (ns += strcspn(ns, " "); *ns; ns += len) {
		ns += strspn(ns, " ");
		len = strcspn(ns, " ");
		if (len >= sizeof word)
			continue;
		snprintf(word, sizeof word, "%.*s", (int)len, ns);
		if (addr_parse(a, word) && a->family == family)
			return true;
	}
	return false;
}

/* " ADDRESS:PORT" of each dnsd behind a listener that other machines reach: its
 * own address; for "any" those that are written beside the name servers' names,
 * since all of them serve alike; here: the node is on this machine, where loopback
 * will do. How many. */
static unsigned put_listener(
	struct buf *out, const struct conf *conf, const char *listen, bool here)
{
	struct sockaddr_storage at;
	if (!sockaddr_parse(&at, listen, 0))
		return 0;
	struct addr a = addr_from_sockaddr((struct sockaddr *)&at);
	unsigned port = port_of(listen, 0), n = 0;

	if (is_loopback(&a) && !here)
		return 0;
	if (!is_any(&a)) {
		put_place(out, &a, port);
		return 1;
	}
	for (unsigned i = 0; conf->n_zones && i < conf->zones[0].ns.n; i++) {
		struct addr ns;
		if (!ns_address(conf->zones[0].ns.text[i], a.family, &ns) ||
			(is_loopback(&ns) && !here))
			continue;
		put_place(out, &ns, port);
		n++;
	}
	return n;
}

/* The same of the first such listener of a list. */
static unsigned put_listeners(struct buf *out, const struct conf *conf,
	const struct conf_texts *listen, bool here)
{
	unsigned n = 0;
	for (unsigned i = 0; i < listen->n && !n; i++)
		n = put_listener(out, conf, listen->text[i], here);
	return n;
}

static bool on_loopback(const struct conf_node *node)
{
	for (unsigned i = 0; i < node->n_addresses; i++)
		if (!is_loopback(&node->address[i]))
			return false;
	return true;
}

/* A token is no word of a file that is printed, nor does SRS before 8 know where it
 * would stand: it comes from the environment. */
static void put_bearer(struct buf *out, const char *names, const char *key)
{
	buf_printf(out,
		"# %s, SRS 8.0.28 and later. In its environment:\n"
		"#   %s_ENABLED=on %s_TYPE=bearer %s_TOKEN=...\n",
		key, names, names, names);
}

static void put_api_auth(struct buf *out, const struct conf_node *node)
{
	if (*node->api_token)
		put_bearer(out, "SRS_HTTP_API_AUTH", "api_token");
	else if (node->api && strchr(node->api, '@'))
		buf_printf(out,
			"# http_api asks for a password (auth): write it in here.\n");
}

/* SRS posts to one URL: the first name server's. */
static void put_heartbeat(
	struct buf *out, const struct conf *conf, const struct conf_node *node)
{
	struct buf at = {0};
	bool tls = false;

	bool here = on_loopback(node);
	if (put_listeners(&at, conf, &conf->public.listen, here))
		tls = *conf->public.cert;
	else
		put_listeners(&at, conf, &conf->http.listen, here);
	if (at.len)
		buf_printf(out,
			"heartbeat {\n    enabled on;\n    interval %d;\n"
			"    url %s://%.*s/api/v1/servers;\n"
			"    device_id %s;\n    summaries on;\n}\n",
			HEARTBEAT_S, tls ? "https" : "http",
			(int)strcspn(at.text + 1, " "), at.text + 1,
			node->name);
	if (at.len && *conf->heartbeat_token)
		put_bearer(out, "SRS_HEARTBEAT_AUTH", "heartbeat_token");
	else if (!at.len)
		buf_printf(out,
			"# No heartbeat: no HTTP listener of dnsd is reachable from here.\n");
	buf_fini(&at);
}

/* SRS asks coworkers by plain HTTP. How many. */
static unsigned put_dnsd(struct buf *out, const struct conf *conf)
{
	return *conf->public.cert
		? 0
		: put_listeners(out, conf, &conf->public.listen, false);
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
		if (!put_dnsd(out, conf))
			put_role(out, conf, ROLE_ORIGIN, node, true);
		buf_printf(out, ";\n    }\n");
	}
	if (count_role(conf, ROLE_RECORDER) || count_fed(conf)) {
		buf_printf(out,
			"    forward {\n        enabled on;\n        destination");
		put_role(out, conf, ROLE_RECORDER, NULL, false);
		put_fed(out, conf);
		buf_printf(out, ";\n    }\n");
	}
}

static void put_edge(
	struct buf *out, const struct conf *conf, const struct conf_node *node)
{
	if (is_fed(node)) { /* mode local is the default */
		buf_printf(out, "    # The origins forward to it.\n");
		return;
	}
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

	buf_printf(
		out, "    forward {\n        enabled on;\n        destination");
	if (name)
		buf_printf(out, " %s:%u", name, port);
	else
		put_place(out, &first->address[0], port);
	buf_printf(out, ";\n    }\n");
}

static void put_recorder(struct buf *out)
{
	buf_printf(out,
		"    dvr {\n        enabled on;\n        dvr_plan session;\n"
		"        dvr_path ./objs/nginx/html/[app]/[stream].[timestamp].flv;\n"
		"    }\n");
}

/* SRS resolves the name that WHEP was asked by, and stands still meanwhile, to tell the
 * player an address: with a steered name perhaps another node's. So it is told its own. */
static void put_play_servers(struct buf *out, const struct conf_node *node)
{
	char text[ADDR_TEXT_MAX];
	if (node->whep)
		buf_printf(out,
			"rtc_server {\n    enabled on;\n    listen %u;\n"
			"    candidate %s;\n    api_as_candidates off;\n}\n",
			RTC_PORT, addr_text(&node->address[0], text));
	if (node->srt)
		buf_printf(out,
			"srt_server {\n    enabled on;\n    listen %u;\n}\n",
			port_of(node->srt, SRT_PORT));
}

static void put_play(struct buf *out, const struct conf_node *node)
{
	if (node->whep)
		buf_printf(out,
			"    rtc {\n        enabled on;\n"
			"        rtmp_to_rtc on;\n    }\n");
	if (node->srt)
		buf_printf(out,
			"    # SRT players get only what comes to this node by SRT.\n"
			"    srt {\n        enabled on;\n"
			"        srt_to_rtmp on;\n    }\n");
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
		put_edge(out, conf, node);
	else if (node->role == ROLE_RELAY)
		put_relay(out, conf);
	else
		put_recorder(out);
	put_play(out, node);
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
	const struct conf_node *node = config_find(conf, name);

	if (!node)
		return err_add(err, "there is no node '%.80s'", name);
	if ((node->role == ROLE_EDGE || node->role == ROLE_RELAY) &&
		!count_role(conf, ROLE_ORIGIN))
		return err_add(err, "%s is %s %s, and there is no origin", name,
			node->role == ROLE_EDGE ? "an" : "a",
			conf_roles[node->role]);
	buf_printf(out,
		"# %s (%s), by `dnsd srs %s`. For SRS 5, 6 and 7.\n"
		"# Open files that it must be allowed (ulimit -n, LimitNOFILE): %u\n",
		name, conf_roles[node->role], name,
		max_connections(node) + FILES_MORE);
	buf_printf(out,
		"listen %u;\nmax_connections %u;\ndaemon off;\n"
		"srs_log_tank console;\nserver_id %s;\n",
		port_of(node->rtmp, RTMP_PORT), max_connections(node), name);
	buf_printf(out, "stats {\n    enabled on;\n    network 0;\n}\n");
	put_heartbeat(out, conf, node);
	put_api_auth(out, node);
	buf_printf(out,
		"http_api {\n    enabled on;\n    listen %u;\n}\n"
		"http_server {\n    enabled on;\n    listen %u;\n"
		"    dir ./objs/nginx/html;\n}\n",
		port_of(node->api, API_PORT), port_of(node->flv, HTTP_PORT));
	put_play_servers(out, node);
	put_vhost(out, conf, node);
	return true;
}
