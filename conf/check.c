/* Cross-checks: what no key can say alone. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/index.h"
#include "conf/schema.h"

#define SRS_CONNECTIONS 1000 /* that an SRS takes by its own default */
#define SRS_SHARE 0.9

const char *conf_name(struct arena *arena, const char *text)
{
	size_t n = strlen(text), label = 0;
	if (n && text[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return NULL;
	char *name = arena_printf(arena, "%.*s", (int)n, text);
	for (char *c = name;; c++) {
		if (*c == '.' || !*c) {
			if (label == 0 || label > 63)
				return NULL;
			label = 0;
			if (!*c)
				return name;
			continue;
		}
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return NULL;
		*c = (char)tolower((unsigned char)*c);
		label++;
	}
}

static bool check_complain(struct err *err, struct conf_where where,
	const char *what, const char *name)
{
	return err_add(err, "%s:%u: %s%s%s", where.file, where.line,
		name ? name : "", name ? ": " : "", what);
}

/* -- nodes -- */

static bool is_off(const char *text)
{
	return text && !strcasecmp(text, "off");
}

/* An endpoint: off, a given address:port, or the first address. */
static bool endpoint(struct conf *conf, const struct conf_node *node,
	const char *key, int port, const char **text, struct conf_where where,
	struct err *err)
{
	char line[160], host[ADDR_TEXT_MAX];
	struct sockaddr_storage ss;

	if (is_off(*text)) {
		*text = NULL;
		return true;
	}
	if (!**text) {
		const struct addr *a = &node->address[0];
		*text = arena_printf(conf->arena,
			a->family == 6 ? "[%s]:%d" : "%s:%d",
			addr_text(a, host), port);
		return true;
	}
	if (!sockaddr_parse(&ss, *text, port)) {
		snprintf(line, sizeof line,
			"%s: '%.60s' is not ADDRESS:PORT or off", key, *text);
		return check_complain(err, where, line, node->name);
	}
	*text = arena_strdup(
		conf->arena, sockaddr_text((struct sockaddr *)&ss, line));
	return true;
}

/* Of "host", "host:port" or "[address]:port"; n octets. */
static bool port_ok(const char *host, size_t n)
{
	size_t at = n, digits;
	while (at && host[at - 1] != ':' && host[at - 1] != ']')
		at--;
	if (!at || host[at - 1] == ']')
		return true;
	digits = strspn(host + at, "0123456789");
	return digits == n - at && digits >= 1 && digits <= 5 &&
		strtoul(host + at, NULL, 10) <= 65535;
}

/* Whether it is http:// or https:// and [USER:PASSWORD@]HOST[:PORT], perhaps with a
 * slash behind it. */
static bool url_ok(const char *url, bool may_have_user)
{
	const char *rest = !strncmp(url, "http://", 7) ? url + 7
		: !strncmp(url, "https://", 8)         ? url + 8
						       : NULL;
	/* What is not of the authority is no host, whatever it looks like. */
	size_t all = rest ? strcspn(rest, "/?#\\ ") : 0;
	const char *at = rest ? memchr(rest, '@', all) : NULL;
	const char *host = at ? at + 1 : rest;
	size_t n = all - (size_t)(host - rest);
	bool whole = rest && (!rest[all] || !strcmp(rest + all, "/"));
	return whole && n && *host != ':' && !memchr(host, '@', n) &&
		(may_have_user || !at) && port_ok(host, n);
}

/* A good one without the slash. */
static const char *url_bare(struct conf *conf, const char *url)
{
	size_t n = strlen(url);
	return url[n - 1] == '/'
		? arena_printf(conf->arena, "%.*s", (int)(n - 1), url)
		: url;
}

static bool api_url(struct conf *conf, struct conf_node *node, struct err *err)
{
	const char *url = node->api;
	if (is_off(url)) {
		node->api = NULL;
		return true;
	}
	if (!*url) {
		if (!endpoint(conf, node, "api", 1985, &node->api,
			    node->api_where, err))
			return false;
		node->api = arena_printf(conf->arena, "http://%s", node->api);
		return true;
	}
	/* Never the URL itself in a message: it may hold a password. */
	if (!url_ok(url, true))
		return check_complain(err, node->api_where,
			"api is not http://[user:password@]host:port or off",
			node->name);
	node->api = url_bare(conf, url);
	return true;
}

/* What is printed for players as it stands. */
static bool is_printable_url(const char *url)
{
	for (; *url; url++)
		if (*url <= ' ' || *url >= 0x7f || strchr("\"\\<>", *url))
			return false;
	return true;
}

static bool whep_url(struct conf *conf, struct conf_node *node, struct err *err)
{
	if (is_off(node->whep)) {
		node->whep = NULL;
		return true;
	}
	if (!url_ok(node->whep, false) || !is_printable_url(node->whep))
		return check_complain(err, node->whep_where,
			"whep is not http://host:port, https://host:port or off",
			node->name);
	node->whep = url_bare(conf, node->whep);
	return true;
}

/* SCHEME://HOST[:PORT], perhaps with a slash behind it, of one of two schemes. */
static bool public_url_ok(
	struct conf *conf, const char *url, const char *scheme, bool may_be_tls)
{
	size_t n = strlen(scheme);
	if (strncmp(url, scheme, n) != 0 || !is_printable_url(url))
		return false;
	n += may_be_tls && url[n] == 's';
	return !strncmp(url + n, "://", 3) &&
		url_ok(arena_printf(conf->arena, "http%s", url + n), false);
}

static bool check_public_urls(
	struct conf *conf, struct conf_node *node, struct err *err)
{
	static const char *const schemes[] = {[URL_RTMP] = "rtmp",
		[URL_FLV] = "http",
		[URL_HLS] = "http",
		[URL_SRT] = "srt",
		[URL_WHEP] = "http"};
	char line[120];
	bool ok = true;
	for (unsigned i = 0; i < CONF_URLS; i++) {
		bool tls = i != URL_SRT;
		const char **url = &node->public_url[i];
		if (!**url)
			continue;
		if (public_url_ok(conf, *url, schemes[i], tls)) {
			*url = url_bare(conf, *url);
			continue;
		}
		snprintf(line, sizeof line,
			"public_url: %s is not %s%s://host:port",
			conf_public_url_section.keys[i].name, schemes[i],
			tls ? "[s]" : "");
		ok = check_complain(
			err, node->public_url_where[i], line, node->name);
	}
	if (!*node->public_url[URL_HLS])
		node->public_url[URL_HLS] = node->public_url[URL_FLV];
	return ok;
}

/* SRS makes no SRT of RTMP, and that is what an edge gets. */
static void warn_srt_edge(const struct conf_node *node, struct err *err)
{
	if (node->role == ROLE_EDGE && node->srt)
		err_warn(err,
			"%s:%u: %s: srt of an edge: SRS plays by SRT only what was published to the same node by SRT",
			node->srt_where.file, node->srt_where.line, node->name);
}

/* What a header may hold behind "Bearer ", and what is compared of it. */
static bool token_ok(const char *token)
{
	size_t n = strlen(token);
	for (size_t i = 0; i < n; i++)
		if (token[i] <= ' ' || token[i] >= 0x7f)
			return false;
	return n <= CONF_TOKEN_MAX;
}

/* Behind api_url(); never the token itself in a message. */
static bool check_api_token(const struct conf_node *node, struct err *err)
{
	const char *why = NULL;
	if (!*node->api_token)
		return true;
	if (!token_ok(node->api_token))
		why = "api_token is not 1 to 255 characters of ASCII without spaces";
	else if (!node->api)
		why = "api_token is of no use with api: off";
	else if (strchr(node->api, '@'))
		why = "api_token and a user in api: one of them";
	return !why ||
		check_complain(err, node->api_token_where, why, node->name);
}

/* An SRS that has reached its max_connections is dead for good. Who is meant to
 * carry more than the 1000 of its default has been given more; others are kept
 * well below. */
static double overcommit_of(const struct conf_node *node)
{
	if (!node->capacity_given)
		return 1;
	if (node->capacity > SRS_CONNECTIONS)
		return node->overcommit;
	double most = SRS_SHARE * SRS_CONNECTIONS / node->capacity;
	return most < 1 ? 1 : most < node->overcommit ? most : node->overcommit;
}

static bool check_node(
	struct conf *conf, struct conf_node *node, struct err *err)
{
	bool ok = true;
	if (!node->n_addresses) {
		check_complain(err, node->where, "no address", node->name);
		return false;
	}
	if (!node->public_given)
		node->is_public =
			node->role == ROLE_EDGE || node->role == ROLE_RELAY;
	if (!node->overcommit_given)
		node->overcommit = overcommit_of(node);
	ok &= api_url(conf, node, err) && check_api_token(node, err);
	ok &= endpoint(
		conf, node, "rtmp", 1935, &node->rtmp, node->rtmp_where, err);
	ok &= endpoint(
		conf, node, "flv", 8080, &node->flv, node->flv_where, err);
	ok &= endpoint(
		conf, node, "srt", 10080, &node->srt, node->srt_where, err);
	ok &= whep_url(conf, node, err);
	ok &= check_public_urls(conf, node, err);
	if (ok)
		warn_srt_edge(node, err);
	return ok;
}

/* -- pools -- */

static int role_of(const char *text)
{
	for (int i = 0; i < ROLES; i++)
		if (!strcmp(conf_roles[i], text))
			return i;
	return -1;
}

static int check_node_of(const struct conf *conf, const char *text)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcasecmp(conf->nodes[i].name, text))
			return (int)i;
	return -1;
}

/* seen: the nodes that are in it, by index. */
static void pool_add(struct conf_steer *steer, bool *seen, unsigned node)
{
	if (!seen[node])
		steer->node[steer->n_nodes++] = (uint16_t)node;
	seen[node] = true;
}

static bool has_family(const struct conf_node *node, uint8_t family)
{
	for (unsigned i = 0; i < node->n_addresses; i++)
		if (node->address[i].family == family)
			return true;
	return false;
}

/* A node as a message about another place names it: one of another file, or that
 * was approved, is not to be looked for here. */
static const char *node_text(const struct conf_node *node,
	const struct conf_where *reported, char *out, size_t room)
{
	if (strcmp(node->where.file, reported->file))
		snprintf(out, room, "%s (%s:%u)", node->name, node->where.file,
			node->where.line);
	else
		snprintf(out, room, "%s", node->name);
	return out;
}

/* A viewer with IPv4 only must reach whatever node is picked. */
static bool check_families(const struct conf *conf,
	const struct conf_steer *steer, struct err *err)
{
	char line[720], one[320], other[320];
	const struct conf_node *with = NULL, *without = NULL;
	for (unsigned i = 0; i < steer->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[steer->node[i]];
		if (has_family(node, 4))
			with = node;
		else
			without = node;
	}
	if (!with || !without)
		return true;
	snprintf(line, sizeof line,
		"in the pool, %s has an IPv4 address and %s has none",
		node_text(with, &steer->where, one, sizeof one),
		node_text(without, &steer->where, other, sizeof other));
	return check_complain(err, steer->where, line, steer->name);
}

static bool read_pool(struct conf *conf, struct conf_steer *steer, bool *seen,
	struct err *err)
{
	char line[160];
	bool ok = true;

	for (unsigned i = 0; i < steer->pool.n; i++) {
		const char *text = steer->pool.text[i];
		int role = role_of(text), node = check_node_of(conf, text);
		if (node >= 0)
			pool_add(steer, seen, (unsigned)node);
		for (unsigned k = 0; role >= 0 && k < conf->n_nodes; k++)
			if (conf->nodes[k].role == role)
				pool_add(steer, seen, k);
		if (role < 0 && node < 0) {
			snprintf(line, sizeof line,
				"pool: '%.80s' is neither a role nor a node",
				text);
			ok = check_complain(
				err, steer->pool.where[i], line, steer->name);
		}
	}
	return ok;
}

static bool check_pool(
	struct conf *conf, struct conf_steer *steer, struct err *err)
{
	bool *seen = mem_zero(conf->n_nodes, sizeof *seen);
	steer->node = arena_alloc(
		conf->arena, (conf->n_nodes + 1) * sizeof *steer->node);
	bool ok = read_pool(conf, steer, seen, err);
	free(seen);
	if (ok && !steer->n_nodes)
		ok = check_complain(
			err, steer->where, "the pool is empty", steer->name);
	return ok && check_families(conf, steer, err);
}

/* The names' pools. Those written alike share one list of nodes: a hundred thousand
 * names of one role would else take time and memory for each of its nodes. */
struct pools {
	struct index *index;             /* of what is written */
	const struct conf_steer **first; /* its first name; NULL: not valid */
};

static uint32_t pool_number(struct pools *pools, const struct conf_texts *pool)
{
	struct buf text = {0};
	bool made;
	buf_printf(&text, "%u\n", pool->n);
	for (unsigned i = 0; i < pool->n; i++)
		buf_printf(&text, "%s\n", pool->text[i]);
	uint32_t n = index_number(pools->index, text.text, text.len, &made);
	buf_fini(&text);
	return n;
}

static bool share_pool(struct conf *conf, struct conf_steer *steer,
	struct pools *pools, struct err *err)
{
	const struct conf_steer **first =
		&pools->first[pool_number(pools, &steer->pool)];
	if (*first) {
		steer->node = (*first)->node;
		steer->n_nodes = (*first)->n_nodes;
		return true;
	}
	if (!check_pool(conf, steer, err))
		return false;
	*first = steer;
	return true;
}

/* -- names -- */

static bool is_below(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	if (n < z || strcmp(name + n - z, zone))
		return false;
	return n == z || name[n - z - 1] == '.';
}

/* Protocols of 1 to 255 octets with a comma between. */
static bool alpn_ok(const char *list)
{
	if (!*list)
		return true;
	for (;; list++) {
		size_t n = strcspn(list, ",");
		if (n == 0 || n > 255 || strlen(list) > 120)
			return false;
		list += n;
		if (!*list)
			return true;
	}
}

static bool check_steer(struct conf *conf, struct conf_steer *steer,
	struct pools *pools, struct err *err)
{
	bool inside = false, ok = share_pool(conf, steer, pools, err);
	for (unsigned i = 0; i < conf->n_zones; i++)
		inside |= is_below(steer->name, conf->zones[i].name);
	if (!inside)
		ok = check_complain(
			err, steer->where, "outside every zone", steer->name);
	if (!alpn_ok(steer->https))
		ok = check_complain(err, steer->where,
			"https is not a list of protocols such as h2,http/1.1",
			steer->name);
	/* lineN, _why and a stream label stand in front of it. */
	if (strlen(steer->name) > 253 - 64)
		ok = check_complain(err, steer->where,
			"too long for its lines and streams", steer->name);
	return ok;
}

static bool check_steers(struct conf *conf, struct err *err)
{
	struct pools pools = {
		index_new(), mem_zero(conf->n_steer, sizeof *pools.first)};
	bool ok = true;
	for (unsigned i = 0; i < conf->n_steer; i++)
		ok &= check_steer(conf, &conf->steer[i], &pools, err);
	index_free(pools.index);
	free(pools.first);
	return ok;
}

#define VALIDITY_S (7 * 86400) /* if it is not said */

static bool check_zone(
	struct conf *conf, struct conf_zone *zone, struct err *err)
{
	if (zone->dnssec.validity_s && !zone->dnssec.keys)
		return check_complain(
			err, zone->where, "dnssec without keys", zone->name);
	if (!zone->dnssec.validity_s)
		zone->dnssec.validity_s = VALIDITY_S;
	if (!zone->file || !*zone->file)
		zone->file = NULL;
	if (zone->from.primary_texts.n && (zone->file || zone->ns.n))
		return check_complain(err, zone->where,
			"from, and file or ns as well", zone->name);
	if (zone->from.primary_texts.n && !*conf->store)
		return check_complain(err, zone->where,
			"from takes a store: what is transferred is kept beside it",
			zone->name);
	if (zone->file || zone->ns.n || zone->from.primary_texts.n)
		return true;
	return check_complain(
		err, zone->where, "no file, no ns, no from", zone->name);
}

static bool is_line_or_why(const char *name, const struct conf_steer *of)
{
	unsigned line;
	int used = 0;
	return !strncmp(name, "_why.", 5) ||
		(sscanf(name, "line%u%n", &line, &used) == 1 &&
			name[used] == '.' && line <= (unsigned)of->lines);
}

/* A steered name's line or _why must not be another steered name, and two
 * names must not give one owner name two meanings. */
static bool check_lines(const struct conf *conf, struct err *err)
{
	struct index *names = index_new();
	uint32_t *at = mem_zero(conf->n_steer, sizeof *at);
	bool made, ok = true;

	for (unsigned i = 0; i < conf->n_steer; i++) {
		const char *name = conf->steer[i].name;
		at[index_number(names, name, strlen(name), &made)] = i;
	}
	uint32_t n = index_count(names);
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const char *name = conf->steer[i].name;
		const char *dot = strchr(name, '.');
		uint32_t of = dot
			? index_number(names, dot + 1, strlen(dot + 1), &made)
			: n;
		if (of < n && is_line_or_why(name, &conf->steer[at[of]]))
			ok = check_complain(err, conf->steer[i].where,
				"is a line or _why of another steered name",
				name);
	}
	index_free(names);
	free(at);
	return ok;
}

static bool check_listen(const struct conf_texts *listen, int port,
	const char *key, struct err *err)
{
	struct sockaddr_storage ss;
	bool ok = true;
	for (unsigned i = 0; i < listen->n; i++) {
		char line[160];
		if (sockaddr_parse(&ss, listen->text[i], port))
			continue;
		snprintf(line, sizeof line, "%s: '%.80s' is not ADDRESS:PORT",
			key, listen->text[i]);
		ok = check_complain(err, listen->where[i], line, NULL);
	}
	for (unsigned i = 0; i < listen->n; i++)
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(listen->text[i], listen->text[k]))
				ok = check_complain(err, listen->where[i],
					"is there twice", listen->text[i]);
	return ok;
}

static bool check_http_names(const struct conf *conf, struct err *err)
{
	const struct conf_texts *names = &conf->http.names;
	bool ok = true;
	for (unsigned i = 0; i < names->n; i++)
		if (!conf_name(conf->arena, names->text[i]))
			ok = check_complain(err, names->where[i],
				"is not a host name", names->text[i]);
	return ok;
}

/* A secret in a file, `what` of it, that every user of the machine may read. */
static void warn_readable(const char *path, struct conf_where where,
	const char *what, struct err *err)
{
	struct stat st;
	if (path && *path && where.file && !stat(path, &st) &&
		(st.st_mode & S_IROTH))
		err_warn(err, "%s:%u: %s in a file that everybody may read",
			where.file, where.line, what);
}

/* The first one of a file stands for all. */
static void warn_readable_nodes(const struct conf *conf, struct err *err)
{
	const char *warned = NULL;
	for (unsigned i = 0; i < conf->n_nodes; i++) {
		struct conf_where at = conf->nodes[i].api_token_where;
		if (!*conf->nodes[i].api_token ||
			(warned && at.file && !strcmp(warned, at.file)))
			continue;
		warned = at.file;
		warn_readable(at.file, at, "api_token", err);
	}
}

static void warn_readable_secrets(const struct conf *conf, struct err *err)
{
	if (*conf->http.token || *conf->http.measure_token)
		warn_readable(
			conf->http.where.file, conf->http.where, "token", err);
	if (*conf->heartbeat_token) {
		struct conf_where at = conf_key_where(conf, "heartbeat_token");
		warn_readable(at.file, at, "heartbeat_token", err);
	}
	warn_readable_nodes(conf, err);
	for (unsigned i = 0; i < conf->n_tsig; i++)
		warn_readable(conf->tsig[i].where.file, conf->tsig[i].where,
			"secret of tsig", err);
	warn_readable(conf->cookie_secret,
		conf_key_where(conf, "cookie_secret"), "cookie secret", err);
	warn_readable(conf->public.key, conf->public.where, "private key", err);
	warn_readable(conf->tls.key, conf->tls.where, "private key", err);
	warn_readable(conf->etcd.key, conf_key_where(conf, "etcd"),
		"private key of etcd", err);
}

static bool complain_key(struct err *err, const struct conf *conf,
	const char *key, const char *fmt, const char *text)
{
	struct conf_where where = conf_key_where(conf, key);
	char line[512];
	snprintf(line, sizeof line, fmt, text);
	return err_add(err, "%s:%u: %s: %s", where.file, where.line, key, line);
}

/* A socket's path is short by nature. */
static bool check_control(const struct conf *conf, struct err *err)
{
	if (strlen(conf->control) < sizeof((struct sockaddr_un *)0)->sun_path)
		return true;
	return complain_key(err, conf, "control", "%s is too long for a socket",
		conf->control);
}

/* NSID and CHAOS answers must fit into the smallest reply. */
static bool check_server_id(const struct conf *conf, struct err *err)
{
	if (strlen(conf->server_id) <= 128 && strlen(conf->version) <= 128)
		return true;
	return complain_key(err, conf,
		strlen(conf->server_id) > 128 ? "server_id" : "version",
		"longer than %s octets", "128");
}

static bool check_record(const struct conf *conf, struct err *err)
{
	if (!conf->record.given || *conf->record.file)
		return true;
	return complain_key(err, conf, "record", "%s is missing", "file");
}

static bool check_dnstap(const struct conf *conf, struct err *err)
{
	const char *socket = conf->dnstap.socket;
	if (!conf->dnstap.given)
		return true;
	if (!*socket)
		return complain_key(
			err, conf, "dnstap", "%s is missing", "socket");
	if (strlen(socket) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return complain_key(err, conf, "dnstap",
			"%s is too long for a socket", socket);
	if (strlen(conf->dnstap.identity) > 255)
		return complain_key(err, conf, "dnstap",
			"identity is longer than %s octets", "255");
	return true;
}

/* This name server's name there: of what a key of etcd may hold. */
static bool etcd_name_ok(const char *name)
{
	size_t n = strlen(name);
	return n >= 1 && n <= 63 &&
		strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		n;
}

static bool etcd_prefix_ok(const char *prefix)
{
	size_t n = strlen(prefix);
	return n >= 2 && n <= CONF_PREFIX_MAX && *prefix == '/' &&
		prefix[n - 1] != '/';
}

static bool check_endpoints(struct conf *conf, struct err *err)
{
	struct conf_texts *list = &conf->etcd.endpoints;
	bool ok = list->n ||
		complain_key(err, conf, "etcd", "%s is missing", "endpoints");
	for (unsigned i = 0; i < list->n; i++)
		if (url_ok(list->text[i], false))
			list->text[i] = url_bare(conf, list->text[i]);
		else
			ok = check_complain(err, list->where[i],
				"endpoint is not http://host:port or https://host:port",
				"etcd");
	return ok;
}

static bool check_etcd(struct conf *conf, struct err *err)
{
	if (!conf->etcd.given)
		return true;
	bool ok = check_endpoints(conf, err);
	if (!*conf->etcd.as)
		conf->etcd.as = conf->server_id;
	if (!*conf->etcd.as)
		ok = complain_key(err, conf, "etcd", "%s is missing",
			"as, or else server_id,");
	else if (!etcd_name_ok(conf->etcd.as))
		ok = complain_key(err, conf, "etcd",
			"as '%.80s' is not 1 to 63 letters, digits, - _ .",
			conf->etcd.as);
	if (!etcd_prefix_ok(conf->etcd.prefix))
		ok = complain_key(err, conf, "etcd",
			"prefix '%.80s' is not /NAME, without a slash at the end",
			conf->etcd.prefix);
	if (!*conf->etcd.cert != !*conf->etcd.key)
		ok = complain_key(
			err, conf, "etcd", "%s", "cert and key go together");
	return ok;
}

static bool check_tls(struct conf *conf, struct err *err)
{
	bool ok = check_listen(&conf->tls.listen, 853, "tls listen", err);
	if (!conf->tls.given)
		conf->tls.listen.n = 0;
	else if (!*conf->tls.cert || !*conf->tls.key)
		ok = complain_key(err, conf, "tls", "%s is missing",
			*conf->tls.cert ? "key" : "cert");
	else if (!conf->tls.listen.n)
		ok = complain_key(err, conf, "tls", "%s is empty", "listen");
	return ok;
}

static bool interface_ok(const char *name)
{
	size_t n = strlen(name);
	return n >= 1 && n < CONF_INTERFACE_MAX && !strpbrk(name, "/ \t:");
}

static bool check_xdp(struct conf *conf, struct err *err)
{
	const struct conf_texts *list = &conf->xdp.interfaces;
	bool ok = true;

	if (!conf->xdp.given)
		return true;
	if (!list->n)
		ok = complain_key(
			err, conf, "xdp", "%s is missing", "interfaces");
	if (list->n > CONF_INTERFACES_MAX)
		return check_complain(err, list->where[CONF_INTERFACES_MAX],
			"more interfaces than 8", "xdp");
	for (unsigned i = 0; i < list->n; i++) {
		if (!interface_ok(list->text[i]))
			ok = check_complain(err, list->where[i],
				"this is no name of an interface", "xdp");
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(list->text[i], list->text[k]))
				ok = check_complain(err, list->where[i],
					"the interface is named twice", "xdp");
	}
	return ok;
}

static bool check_listeners(struct conf *conf, struct err *err)
{
	bool ok = check_listen(&conf->listen, 53, "listen", err);
	if (!conf->listen.n)
		ok = err_add(err, "%s:1: listen is empty", conf->path);
	ok &= check_listen(&conf->http.listen, 8053, "http listen", err);
	ok &= check_listen(&conf->public.listen, 8080, "public listen", err);
	ok &= check_tls(conf, err);
	ok &= check_xdp(conf, err);
	if (!conf->http.given)
		conf->http.listen.n = 0;
	if (!conf->public.given)
		conf->public.listen.n = 0;
	if (!*conf->public.cert != !*conf->public.key)
		ok = check_complain(err,
			*conf->public.cert ? conf->public.cert_where
					   : conf->public.key_where,
			"cert and key go together", "public");
	ok &= check_http_names(conf, err);
	warn_readable_secrets(conf, err);
	return ok;
}

static bool check_expect(const struct conf *conf, struct err *err)
{
	bool ok = true;
	for (unsigned i = 0; i < conf->n_expect; i++) {
		const char *name = conf->expect[i].name;
		bool found = !*name; /* that was reported already */
		for (unsigned k = 0; !found && k < conf->n_steer; k++)
			found = !strcmp(conf->steer[k].name, name);
		if (!found)
			ok = check_complain(err, conf->expect_where[i],
				"is not a steered name", name);
	}
	return ok;
}

bool conf_check(struct conf *conf, struct err *err)
{
	bool ok = check_listeners(conf, err);
	const char *names = conf->node_names;

	ok &= check_server_id(conf, err) && check_control(conf, err);
	if (!token_ok(conf->heartbeat_token))
		ok = complain_key(err, conf, "heartbeat_token", "%s",
			"not 1 to 255 characters of ASCII without spaces");
	ok &= check_record(conf, err) && check_etcd(conf, err);
	ok &= check_dnstap(conf, err);
	if (!conf->n_zones)
		ok = err_add(err, "%s:1: no zones", conf->path);
	if (conf->n_nodes > CONF_NODES_MAX)
		return err_add(err, "%s:1: more than %d nodes", conf->path,
			CONF_NODES_MAX);
	for (unsigned i = 0; i < conf->n_zones; i++)
		ok &= check_zone(conf, &conf->zones[i], err);
	for (unsigned i = 0; i < conf->n_nodes; i++)
		ok &= check_node(conf, &conf->nodes[i], err);
	ok &= check_steers(conf, err);
	ok &= conf_check_transfers(conf, err);
	ok &= check_lines(conf, err);
	ok &= check_expect(conf, err);
	if (*names) {
		bool found = false;
		conf->node_names = conf_name(conf->arena, names);
		for (unsigned i = 0; conf->node_names && i < conf->n_zones; i++)
			found |= !strcmp(conf->zones[i].name, conf->node_names);
		if (!found)
			ok = complain_key(err, conf, "node_names",
				"'%s' is no zone", names);
	}
	return ok;
}
