#include "srs/heartbeat.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "srs/json.h"
#include "srs/summary.h"

/* The port of ["1935"], ["127.0.0.1:1935"] or ["udp://0.0.0.0:10080"]. */
static bool read_port(
	const json_t *top, const char *key, uint16_t *port, struct err *err)
{
	const json_t *list = json_object_get(top, key);
	*port = 0;
	if (!list || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return err_add(err, "%s is no list", key);
	const char *text = json_string_value(json_array_get(list, 0));
	if (!text)
		return json_array_size(list) == 0 ||
			err_add(err, "%s is no list of strings", key);
	const char *colon = strrchr(text, ':');
	char *end;
	text = colon ? colon + 1 : text;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n > UINT16_MAX)
		return err_add(err, "%s has no port", key);
	*port = (uint16_t)n;
	return true;
}

static bool read_all(const json_t *top, struct heartbeat *h, struct err *err)
{
	const json_t *summaries = json_object_get(top, "summaries");

	if (!json_is_object(top))
		return err_add(err, "no JSON object");
	if (!summary_id(
		    top, "device_id", h->device_id, sizeof h->device_id, err) ||
		!summary_id(top, "server", h->server, sizeof h->server, err) ||
		!summary_id(
			top, "service", h->service, sizeof h->service, err) ||
		!summary_id(top, "pid", h->pid, sizeof h->pid, err) ||
		!summary_id(top, "ip", h->ip, sizeof h->ip, err))
		return false;
	if (!*h->device_id && !*h->server)
		return err_add(err, "neither device_id nor server");
	if (!read_port(top, "rtmp", &h->rtmp, err) ||
		!read_port(top, "http", &h->http, err) ||
		!read_port(top, "api", &h->api, err))
		return false;
	if (!summaries || json_is_null(summaries))
		return true;
	h->has_sample = true;
	return summary_read(
		top, json_object_get(summaries, "data"), &h->sample, err);
}

bool heartbeat_parse(const char *body, size_t len, struct heartbeat *heartbeat,
	struct err *err)
{
	*heartbeat = (struct heartbeat){0};
	if (len > HEARTBEAT_MAX)
		return err_add(err, "too long");
	json_t *top = srs_json(body, len);
	if (!top)
		return err_add(err, "not JSON");
	bool good = read_all(top, heartbeat, err);
	json_decref(top);
	return good;
}
