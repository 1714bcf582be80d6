/* Cross-checks: what no key can say alone. */
#include "conf/check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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

bool conf_complain(struct err *err, struct conf_where where, const char *what,
	const char *name)
{
	return err_add(err, "%s:%u: %s%s%s", where.file, where.line,
		name ? name : "", name ? ": " : "", what);
}

#define VALIDITY_S (7 * 86400) /* if it is not said */

static bool check_zone(
	struct conf *conf, struct conf_zone *zone, struct err *err)
{
	if (zone->dnssec.validity_s && !zone->dnssec.keys)
		return conf_complain(
			err, zone->where, "dnssec without keys", zone->name);
	if (!zone->dnssec.validity_s)
		zone->dnssec.validity_s = VALIDITY_S;
	if (!zone->file || !*zone->file)
		zone->file = NULL;
	if (zone->from.primary_texts.n && (zone->file || zone->ns.n))
		return conf_complain(err, zone->where,
			"from, and file or ns as well", zone->name);
	if (zone->from.primary_texts.n && !*conf->store)
		return conf_complain(err, zone->where,
			"from takes a store: what is transferred is kept beside it",
			zone->name);
	if (zone->file || zone->ns.n || zone->from.primary_texts.n)
		return true;
	return conf_complain(
		err, zone->where, "no file, no ns, no from", zone->name);
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
		ok = conf_complain(err, listen->where[i], line, NULL);
	}
	for (unsigned i = 0; i < listen->n; i++)
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(listen->text[i], listen->text[k]))
				ok = conf_complain(err, listen->where[i],
					"is there twice", listen->text[i]);
	return ok;
}

static bool check_http_names(const struct conf *conf, struct err *err)
{
	const struct conf_texts *names = &conf->http.names;
	bool ok = true;
	for (unsigned i = 0; i < names->n; i++)
		if (!conf_name(conf->arena, names->text[i]))
			ok = conf_complain(err, names->where[i],
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
		if (conf_url_ok(list->text[i], false))
			list->text[i] = conf_url_bare(conf, list->text[i]);
		else
			ok = conf_complain(err, list->where[i],
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
		return conf_complain(err, list->where[CONF_INTERFACES_MAX],
			"more interfaces than 8", "xdp");
	for (unsigned i = 0; i < list->n; i++) {
		if (!interface_ok(list->text[i]))
			ok = conf_complain(err, list->where[i],
				"this is no name of an interface", "xdp");
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(list->text[i], list->text[k]))
				ok = conf_complain(err, list->where[i],
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
		ok = conf_complain(err,
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
			ok = conf_complain(err, conf->expect_where[i],
				"is not a steered name", name);
	}
	return ok;
}

bool conf_check(struct conf *conf, struct err *err)
{
	bool ok = check_listeners(conf, err);
	const char *names = conf->node_names;

	ok &= check_server_id(conf, err) && check_control(conf, err);
	if (!conf_token_ok(conf->heartbeat_token))
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
		ok &= conf_check_node(conf, &conf->nodes[i], err);
	ok &= conf_check_steers(conf, err);
	ok &= conf_check_transfers(conf, err);
	ok &= conf_check_lines(conf, err);
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
