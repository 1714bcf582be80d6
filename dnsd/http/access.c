#include "http/access.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/caller.h"
#include "http/limits.h"
#include "http/request.h"
#include "snapshot/options.h"

/* Replaced as a whole by a reload. */
struct access_rules {
	char token[256];           /* "": no changes at all */
	char measure_token[256];   /* "": nodes report for themselves alone */
	char heartbeat_token[256]; /* "": not asked for */
	unsigned n_heartbeat;
	struct prefix *heartbeat_from; /* NULL: the nodes' addresses */
	unsigned n_names;
	char **names; /* by which the operator's listener is reached */
	unsigned n_proxies;
	struct prefix *proxies; /* in front of the public one */
	bool httpdns;
};

/* -- rules -- */

static struct prefix *prefixes_copy(
	const struct conf_prefixes *from, unsigned *n)
{
	size_t size = from->n * sizeof *from->prefix;
	*n = from->n;
	return from->n ? memcpy(mem_alloc(size), from->prefix, size) : NULL;
}

struct access_rules *access_rules_new(const struct conf *conf)
{
	struct access_rules *rules = mem_zero(1, sizeof *rules);
	strncpy(rules->token, conf->http.token, sizeof rules->token - 1);
	strncpy(rules->measure_token, conf->http.measure_token,
		sizeof rules->measure_token - 1);
	strncpy(rules->heartbeat_token, conf->heartbeat_token,
		sizeof rules->heartbeat_token - 1);
	rules->heartbeat_from =
		prefixes_copy(&conf->heartbeat_from, &rules->n_heartbeat);
	rules->proxies =
		prefixes_copy(&conf->public.proxied_by, &rules->n_proxies);
	rules->httpdns = conf->public.httpdns;
	rules->n_names = conf->http.names.n;
	rules->names = mem_zero(rules->n_names, sizeof *rules->names);
	for (unsigned i = 0; i < rules->n_names; i++)
		rules->names[i] = mem_strdup(conf->http.names.text[i]);
	return rules;
}

void access_rules_free(struct access_rules *rules)
{
	if (!rules)
		return;
	for (unsigned i = 0; i < rules->n_names; i++)
		free(rules->names[i]);
	free(rules->names);
	free(rules->proxies);
	free(rules->heartbeat_from);
	free(rules);
}

/* -- the token -- */

/* Without telling by its time how much of it was right. */
static bool equal_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned diff = (unsigned)(n ^ m);
	for (size_t i = 0; i < m; i++)
		diff |= (unsigned char)b[i] ^ (unsigned char)(n ? a[i % n] : 0);
	return diff == 0;
}

static bool has_bearer(struct evhttp_request *ev, const char *token)
{
	const char *auth = evhttp_find_header(
		evhttp_request_get_input_headers(ev), "Authorization");
	return *token && auth && !strncasecmp(auth, "Bearer ", 7) &&
		equal_secret(auth + 7, token);
}

/* -- the caller -- */

/* Refuses what a page of another site made the browser ask. False: answered. */
static bool is_meant(struct request *r)
{
	const struct access_rules *rules = r->http->rules;
	const struct evkeyvalq *headers =
		evhttp_request_get_input_headers(r->ev);

	if (r->of.public)
		return true;
	if (!caller_host_ok(headers, rules->names, rules->n_names)) {
		request_error(r, 403,
			"Host is neither an address nor one of http.names");
		return false;
	}
	/* The page itself may be opened from anywhere. */
	if (caller_is_foreign(headers) && strcmp(r->path, "/")) {
		request_error(r, 403, "asked by a page of another origin");
		return false;
	}
	return true;
}

/* Sets the client of a request. False: answered. On `public`, loopback is not trusted:
 * a proxy calls from there. The website's own programs use `http`. */
static bool find_caller(struct request *r)
{
	const struct access_rules *rules = r->http->rules;

	r->peer = r->of.connected;
	if (r->of.public &&
		!caller_client(evhttp_request_get_input_headers(r->ev),
			&r->of.connected, rules->proxies, rules->n_proxies,
			&r->peer)) {
		request_error(r, 400, "X-Forwarded-For is no address");
		return false;
	}
	r->trusted = options_trusts(r->snap->options, &r->peer) &&
		!(r->of.public && caller_is_loopback(&r->peer));
	return true;
}

bool access_check(struct request *r)
{
	r->has_token = has_bearer(r->ev, r->http->rules->token);
	if (!find_caller(r) || !is_meant(r))
		return false;
	if (r->trusted || r->has_token || r->of.tries ||
		limits_allow(r->http->limits, &r->peer, clock_ms()))
		return true;
	request_error(r, 429, "too many requests");
	return false;
}

bool access_is_proxy(const struct access_rules *rules, const struct addr *peer)
{
	return caller_is_one_of(peer, rules->proxies, rules->n_proxies);
}

/* -- what a caller may do -- */

bool access_may_change(struct request *r)
{
	bool has = *r->http->rules->token;
	if (r->has_token)
		return true;
	request_header(r, "WWW-Authenticate", "Bearer");
	request_error(r, has ? 401 : 403,
		has ? "the token is missing or wrong"
		    : "no token is configured: changes are off");
	return false;
}

bool access_has_httpdns(const struct request *r)
{
	return r->http->rules->httpdns;
}

bool access_has_heartbeat_token(struct request *r)
{
	const char *token = r->http->rules->heartbeat_token;
	if (!*token || has_bearer(r->ev, token))
		return true;
	request_header(r, "WWW-Authenticate", "Bearer");
	request_error(r, 401, "the heartbeat's token is missing or wrong");
	return false;
}

static bool is_address_of(const struct map_node *node, const struct addr *addr)
{
	for (unsigned k = 0; k < (unsigned)node->n4 + node->n6; k++)
		if (addr_equal(&node->address[k], addr))
			return true;
	return false;
}

static bool is_node_address(const struct map *map, const struct addr *addr)
{
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (is_address_of(&map->nodes[i], addr))
			return true;
	return false;
}

bool access_from_node(const struct request *r)
{
	const struct access_rules *rules = r->http->rules;
	if (!rules->n_heartbeat)
		return is_node_address(r->snap->steer.map, &r->peer);
	for (unsigned i = 0; i < rules->n_heartbeat; i++)
		if (prefix_contains(&rules->heartbeat_from[i], &r->peer))
			return true;
	return false;
}

bool access_may_report(const struct request *r, unsigned node)
{
	return r->http->rules->n_heartbeat ||
		is_address_of(&r->snap->steer.map->nodes[node], &r->peer);
}

bool access_may_measure(const struct request *r, unsigned node)
{
	return has_bearer(r->ev, r->http->rules->measure_token) ||
		is_address_of(&r->snap->steer.map->nodes[node], &r->peer);
}
