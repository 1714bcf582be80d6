/* Cross-checks of a node: its endpoints, URLs and token, and what it may be filled to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"

#define SRS_CONNECTIONS 1000 /* that an SRS takes by its own default */
#define SRS_SHARE 0.9

static bool is_off(const char *text)
{
	return text && !strcasecmp(text, "off");
}

static const char *at_first_address(
	struct conf *conf, const struct conf_node *node, int port)
{
	char host[ADDR_TEXT_MAX];
	const struct addr *a = &node->address[0];
	return arena_printf(conf->arena, a->family == 6 ? "[%s]:%d" : "%s:%d",
		addr_text(a, host), port);
}

/* An endpoint: off, a given address:port, or the first address. */
static bool endpoint(struct conf *conf, const struct conf_node *node,
	const char *key, int port, const char **text, struct conf_where where,
	struct err *err)
{
	char line[160];
	struct sockaddr_storage ss;

	if (is_off(*text)) {
		*text = NULL;
		return true;
	}
	if (!**text) {
		*text = at_first_address(conf, node, port);
		return true;
	}
	if (!sockaddr_parse(&ss, *text, port)) {
		snprintf(line, sizeof line,
			"%s: '%.60s' is not ADDRESS:PORT or off", key, *text);
		return conf_complain(err, where, line, node->name);
	}
	*text = arena_strdup(
		conf->arena, sockaddr_text((struct sockaddr *)&ss, line));
	return true;
}

/* Of "host", "host:port", "[address]" or "[address]:port"; n octets. An address without
 * brackets is refused: its end would be taken for a port. */
static bool port_ok(const char *host, size_t n)
{
	const char *end = host + n, *colon = memchr(host, ':', n);
	if (*host == '[') {
		const char *close = memchr(host, ']', n);
		if (!close)
			return false;
		colon = close + 1 < end ? close + 1 : NULL;
	}
	if (!colon)
		return true;
	size_t digits = strspn(colon + 1, "0123456789");
	return *colon == ':' && colon + 1 + digits == end && digits >= 1 &&
		digits <= 5 && strtoul(colon + 1, NULL, 10) <= 65535;
}

bool conf_url_ok(const char *url, bool may_have_user)
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

const char *conf_url_bare(struct conf *conf, const char *url)
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
		node->api = arena_printf(conf->arena, "http://%s",
			at_first_address(conf, node, 1985));
		return true;
	}
	/* Never the URL itself in a message: it may hold a password. */
	if (!conf_url_ok(url, true))
		return conf_complain(err, node->api_where,
			"api is not http://[user:password@]host:port or off",
			node->name);
	node->api = conf_url_bare(conf, url);
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
	if (!conf_url_ok(node->whep, false) || !is_printable_url(node->whep))
		return conf_complain(err, node->whep_where,
			"whep is not http://host:port, https://host:port or off",
			node->name);
	node->whep = conf_url_bare(conf, node->whep);
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
		conf_url_ok(
			arena_printf(conf->arena, "http%s", url + n), false);
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
			*url = conf_url_bare(conf, *url);
			continue;
		}
		snprintf(line, sizeof line,
			"public_url: %s is not %s%s://host:port",
			conf_public_url_section.keys[i].name, schemes[i],
			tls ? "[s]" : "");
		ok = conf_complain(
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
bool conf_token_ok(const char *token)
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
	if (!conf_token_ok(node->api_token))
		why = "api_token is not 1 to 255 characters of ASCII without spaces";
	else if (!node->api)
		why = "api_token is of no use with api: off";
	else if (strchr(node->api, '@'))
		why = "api_token and a user in api: one of them";
	return !why ||
		conf_complain(err, node->api_token_where, why, node->name);
}

/* An SRS that gets more than max_connections on a port accepts nothing there any more until
 * it is restarted (docs/steering.md). A capacity above its default of 1000 shows that the
 * operator raised the limit of SRS; any other node is kept well below the default. */
static double overcommit_of(const struct conf_node *node)
{
	if (!node->capacity_given)
		return 1;
	if (node->capacity > SRS_CONNECTIONS)
		return node->overcommit;
	double most = SRS_SHARE * SRS_CONNECTIONS / node->capacity;
	return most < 1 ? 1 : most < node->overcommit ? most : node->overcommit;
}

bool conf_check_node(struct conf *conf, struct conf_node *node, struct err *err)
{
	bool ok = true;
	if (!node->n_addresses) {
		conf_complain(err, node->where, "no address", node->name);
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
