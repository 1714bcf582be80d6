#include "http/status.h"

#include <jansson.h>

#include "base/clock.h"
#include "http/handlers.h"
#include "http/request.h"
#include "http/servers.h"
#include "snapshot/pending.h"
#include "snapshot/report.h"
#include "transfer/secondary_status.h"
#include "zones/zoneset.h"

static uint64_t all_queries(const struct report *report)
{
	uint64_t sum = 0;
	for (int tcp = 0; tcp < COUNT_TRANSPORTS; tcp++)
		for (int v6 = 0; v6 < 2; v6++)
			sum += report->counters.queries[tcp][v6];
	return sum;
}

static uint64_t all_responses(const struct report *report)
{
	uint64_t sum = 0;
	for (int rcode = 0; rcode < COUNT_RCODES; rcode++)
		sum += report->counters.rcodes[rcode];
	return sum;
}

static json_t *signed_json(const struct report_signed *zone)
{
	json_int_t left_s =
		(json_int_t)(zone->expires_s - clock_wall_ms() / 1000);
	json_t *expires = zone->expires_s ? json_integer(left_s) : json_null();
	return json_pack("{s:o, s:b, s:I, s:s?}", "expires", expires, "late",
		zone->late, "waiting", (json_int_t)zone->to_do, "keys_error",
		zone->keys_error);
}

/* Zones whose signatures are late or whose keys cannot be read. */
static json_t *signing_bad_json(const struct report_signing *signing)
{
	json_t *list = json_array();
	for (unsigned i = 0; signing && i < signing->n; i++) {
		const struct report_signed *zone = &signing->zone[i];
		if (!zone->late && !zone->keys_error)
			continue;
		json_t *json = signed_json(zone);
		json_object_set_new(json, "zone", json_string(zone->name));
		json_array_append_new(list, json);
	}
	return list;
}

/* Adds how they stand to those zones that are signed. */
static void add_signing(json_t *zones, const struct report_signing *signing)
{
	json_t *by_name = json_object(), *zone;
	size_t i;

	for (unsigned k = 0; signing && k < signing->n; k++)
		json_object_set_new(by_name, signing->zone[k].name,
			signed_json(&signing->zone[k]));
	json_array_foreach(zones, i, zone)
	{
		const char *name =
			json_string_value(json_object_get(zone, "name"));
		json_t *its = json_object_get(by_name, name);
		if (its)
			json_object_set(zone, "signed", its);
	}
	json_decref(by_name);
}

static json_t *zones_json(const struct zoneset *set)
{
	char name[NAME_TEXT_MAX];
	json_t *list = json_array();
	for (unsigned i = 0; i < zoneset_count(set); i++) {
		const struct zone *zone = zoneset_at(set, i);
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:I}", "name",
				name_text(&zone->apex, name), "serial",
				(json_int_t)zone->serial, "records",
				(json_int_t)zone->records));
	}
	return list;
}

static json_t *reload_json(const struct report *report)
{
	json_t *error = *report->reload_error
		? json_string(report->reload_error)
		: json_null();
	if (!report->reload_wall_ms) {
		json_decref(error);
		return json_null();
	}
	return json_pack("{s:I, s:b, s:o}", "at_ms",
		(json_int_t)report->reload_wall_ms, "ok",
		*report->reload_error == '\0', "error", error);
}

static json_t *steered_json(const struct map *map)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < map->n_names; i++)
		json_array_append_new(list, json_string(map->names[i].name));
	return list;
}

static json_t *pending_node_json(const struct pending_node *s, int64_t now_ms)
{
	char from[ADDR_TEXT_MAX];
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "name", s->name,
		"server", s->server, "device_id", s->device, "address",
		addr_text(&s->from, from), "seen",
		(json_int_t)(now_ms - s->last_ms) / 1000, "since",
		(json_int_t)(now_ms - s->first_ms) / 1000, "connections",
		(json_int_t)s->connections);
}

static json_t *pending_json(const struct snapshot *snap)
{
	const struct pending_list *pending = snap->pending_list;
	int64_t now_ms = clock_ms();
	json_t *list = json_array();
	for (unsigned i = 0; i < pending->n; i++)
		json_array_append_new(
			list, pending_node_json(&pending->one[i], now_ms));
	return list;
}

static json_t *secondary_json(const struct secondary_status *z, int64_t now_s)
{
	json_t *age =
		z->current_s ? json_integer(now_s - z->current_s) : json_null();
	return json_pack("{s:s, s:s, s:b, s:I, s:o, s:I, s:I, s:I, s:I, s:s}",
		"zone", z->zone, "primary", z->primary, "here", z->here,
		"serial", (json_int_t)z->serial, "current_age_s", age,
		"expires_in_s", (json_int_t)(z->here ? z->until_s - now_s : 0),
		"asked_in_s",
		(json_int_t)(z->next_s > now_s ? z->next_s - now_s : 0),
		"transfers", (json_int_t)z->transfers, "failures",
		(json_int_t)z->failures, "why", z->why);
}

static json_t *secondaries_json(const struct report *report)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < report->n_secondaries; i++)
		json_array_append_new(list,
			secondary_json(&report->secondaries[i],
				clock_wall_ms() / 1000));
	return list;
}

static json_t *xdp_one_json(const struct report_xdp *x)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I}",
		"interface", x->name, "mode", x->mode, "why", x->why, "queues",
		(int)x->queues, "received", (json_int_t)x->received, "answered",
		(json_int_t)x->answered, "bad_checksum",
		(json_int_t)x->bad_checksum, "malformed",
		(json_int_t)x->malformed, "no_room", (json_int_t)x->no_room);
}

static json_t *xdp_json(const struct report *report)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < report->n_xdp; i++)
		json_array_append_new(list, xdp_one_json(&report->xdp[i]));
	return list;
}

json_t *status_json(const struct snapshot *snap, bool whole)
{
	const struct report *report = snap->report;
	const struct map *map = snap->steer.map;
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:o, s:I, s:I, s:i, s:i, s:b, s:b, s:i}",
		"version", DNSD_VERSION, "uptime",
		(json_int_t)((clock_ms() - report->start_ms) / 1000),
		"generation", (json_int_t)snap->generation, "last_reload",
		reload_json(report), "queries", (json_int_t)all_queries(report),
		"responses", (json_int_t)all_responses(report), "workers",
		(int)report->workers, "servers", (int)map->servers,
		"network_suspect", report->blind, "no_places",
		report->no_places, "paths_bad", (int)report->paths_bad);
	if (snap->servers)
		json_object_set_new(json, "etcd", servers_json(snap->servers));
	json_object_set_new(
		json, "signing_bad", signing_bad_json(report->signing));
	if (report->n_xdp)
		json_object_set_new(json, "xdp", xdp_json(report));
	if (whole) {
		json_t *zones = zones_json(snap->zones);
		add_signing(zones, report->signing);
		json_object_set_new(json, "zones", zones);
		json_object_set_new(json, "steered", steered_json(map));
		json_object_set_new(json, "waiting", pending_json(snap));
		json_object_set_new(
			json, "secondaries", secondaries_json(report));
	}
	return json;
}

void api_status(struct request *r)
{
	request_json(r, 200, status_json(r->snap, true));
}

void api_pending(struct request *r)
{
	request_json(r, 200, pending_json(r->snap));
}
