#include "http/routes.h"

#include <event2/http.h>
#include <string.h>

#include "http/handlers.h"
#include "http/httpdns.h"
#include "http/request.h"
#include "page/page.h"

enum { GET = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, POST = EVHTTP_REQ_POST };

static const struct route {
	const char *path;
	int methods;
	bool public; /* on the public listener too */
	void (*run)(struct request *r);
} routes[] = {
	{"/api/v1/nodes", GET, false, api_nodes},
	{"/api/v1/status", GET, false, api_status},
	{"/api/v1/explain", GET, false, api_explain},
	{"/api/v1/events", GET, false, api_events},
	{"/api/v1/history", GET, false, api_history},
	{"/api/v1/expect", GET | POST, false, api_schedule},
	{"/metrics", GET, false, api_metrics},
	{"/api/v1/lines", GET, true, api_lines},
	{"/resolve", GET, true, api_resolve},
	{"/api/v1/feedback", POST, true, api_feedback},
	{"/api/v1/paths", GET | POST, true, api_paths},
	{"/api/v1/paths/history", GET, false, api_path_history},
	{"/api/v1/servers", POST, true, api_heartbeat},
	{"/api/v1/srs/register", POST, true, api_heartbeat},
	{"/api/v1/clusters", GET | POST, true, api_clusters},
	{"/api/v1/streams", GET, false, api_streams},
	{"/api/v1/waiting", GET, false, api_pending},
};

/* As browsers write it. A client that writes "gzip;q=0" gets no gzip either. */
static bool takes_gzip(const struct request *r)
{
	const char *takes = evhttp_find_header(
		evhttp_request_get_input_headers(r->ev), "Accept-Encoding");
	return takes && strstr(takes, "gzip") && !strstr(takes, "q=0");
}

/* The page itself allows its own script and styles alone, by their hashes; the
 * two policies hold together. */
static void serve_page(struct request *r)
{
	bool gzip = takes_gzip(r);
	request_header(r, "Content-Security-Policy",
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	request_header(r, "Referrer-Policy", "no-referrer");
	request_header(r, "Cache-Control", "no-cache");
	request_header(r, "Vary", "Accept-Encoding");
	if (gzip)
		request_header(r, "Content-Encoding", "gzip");
	request_text(r, "text/html; charset=utf-8",
		gzip ? page_gzip : page_html,
		gzip ? page_gzip_len : page_html_len);
}

static void drain(struct request *r, const char *node)
{
	api_drain(r, node, true);
}

static void undrain(struct request *r, const char *node)
{
	api_drain(r, node, false);
}

static const struct node_route {
	const char *verb;
	void (*run)(struct request *r, const char *node);
} node_routes[] = {{"/drain", drain}, {"/undrain", undrain},
	{"/move", api_move}, {"/approve", api_enrol},
	{"/remove", api_enrol_remove}};

/* /api/v1/nodes/NAME/VERB; false: not such a path. */
static bool route_node(struct request *r)
{
	static const char prefix[] = "/api/v1/nodes/";
	char node[64];
	const char *name = r->path + sizeof prefix - 1, *slash;

	if (strncmp(r->path, prefix, sizeof prefix - 1) ||
		!(slash = strchr(name, '/')) || slash == name ||
		(size_t)(slash - name) >= sizeof node)
		return false;
	memcpy(node, name, (size_t)(slash - name));
	node[slash - name] = '\0';
	for (size_t i = 0; i < sizeof node_routes / sizeof *node_routes; i++) {
		if (strcmp(slash, node_routes[i].verb))
			continue;
		if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_POST)
			request_error(r, 405, "use POST");
		else
			node_routes[i].run(r, node);
		return true;
	}
	return false;
}

/* /api/v1/expect/ID; false: not such a path. */
static bool route_schedule(struct request *r)
{
	static const char prefix[] = "/api/v1/expect/";
	if (strncmp(r->path, prefix, sizeof prefix - 1))
		return false;
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_DELETE)
		request_error(r, 405, "use DELETE");
	else
		api_schedule_remove(r, r->path + sizeof prefix - 1);
	return true;
}

/* What a browser asks before it posts JSON from another site's page (a CORS
 * preflight). Only players do; false: it is none. */
static bool route_preflight(struct request *r)
{
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_OPTIONS ||
		strcmp(r->path, "/api/v1/feedback"))
		return false;
	request_header(r, "Access-Control-Allow-Origin", "*");
	request_header(r, "Access-Control-Allow-Methods", "POST");
	request_header(r, "Access-Control-Allow-Headers", "Content-Type");
	request_header(r, "Access-Control-Max-Age", "86400");
	request_no_content(r);
	return true;
}

void routes_run(struct request *r)
{
	int method = (int)evhttp_request_get_command(r->ev);
	if (route_preflight(r))
		return;
	if (!r->of.public && !strcmp(r->path, "/") && (method & GET)) {
		serve_page(r);
		return;
	}
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (strcmp(routes[i].path, r->path) ||
			(r->of.public && !routes[i].public))
			continue;
		if (method & routes[i].methods)
			routes[i].run(r);
		else
			request_error(r, 405, "use %s",
				routes[i].methods == POST ? "POST"
					: routes[i].methods == GET
					? "GET"
					: "GET or POST");
		return;
	}
	if (r->of.public && httpdns_route(r))
		return;
	if (r->of.public || (!route_node(r) && !route_schedule(r)))
		request_error(r, 404, "there is nothing here");
}
