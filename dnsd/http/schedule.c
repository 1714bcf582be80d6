/* The schedule over HTTP: list, add, remove. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"

static json_t *entry_json(const struct conf_expect *e)
{
	time_t at = (time_t)(e->at_ms / 1000);
	struct tm tm;
	char text[32];

	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	return json_pack("{s:o, s:s, s:s, s:i, s:i, s:o}", "id",
		e->id ? json_integer((json_int_t)e->id) : json_null(), "at",
		text, "name", e->name, "viewers", e->viewers, "over", e->over_s,
		"from",
		e->has_from ? json_pack("[f, f]", e->from[0], e->from[1])
			    : json_null());
}

static void reply_list(struct request *r, const struct call *call)
{
	json_t *json = json_array();
	for (unsigned i = 0; i < call->n; i++)
		json_array_append_new(json, entry_json(&call->list[i]));
	request_json(r, 200, json);
}

/* What to say of an entry that is in force, or out of it, as asked. */
static const char *note_of(const struct call *call)
{
	switch (call->result) {
	case CALL_KEPT:
		return "kept over a restart";
	case CALL_NO_STORE:
		return "in force, but not kept over a restart: no store";
	default:
		return "in force, but not kept over a restart: the store cannot be written (see the log)";
	}
}

static void reply_changed(struct request *r, const struct call *call)
{
	if (call->result == CALL_REFUSED) {
		request_error(r, 409, "%s", call->text);
	} else if (call->result == CALL_UNKNOWN) {
		request_error(r, 404, "there is no such entry");
	} else if (call->result == CALL_LOST &&
		call->kind == CALL_SCHEDULE_REMOVE) {
		request_error(r, 500,
			"removed, but the store cannot be written (see the log): after a restart it is back");
	} else {
		json_t *json = entry_json(&call->entry);
		json_object_set_new(
			json, "scope", json_string("this name server"));
		json_object_set_new(json, "note", json_string(note_of(call)));
		request_json(r, 200, json);
	}
}

static void post_change(
	struct request *r, enum call_kind kind, const struct conf_expect *entry)
{
	struct call *call = request_call(r, kind, NULL, reply_changed);
	call->entry = *entry;
	request_post(r, call);
}

/* -- the body of an entry -- */

static bool whole(const json_t *json, const char *key, int most, int *out,
	struct err *err)
{
	json_int_t v = json_integer_value(json);
	if (!json_is_integer(json) || v < 1 || v > most)
		return err_add(
			err, "%s: not a whole number from 1 to %d", key, most);
	*out = (int)v;
	return true;
}

static bool schedule_place(
	const json_t *json, struct conf_expect *e, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(json, i);
		e->from[i] = json_number_value(one);
		if (json_array_size(json) != 2 || !json_is_number(one) ||
			!(fabs(e->from[i]) <= (i ? 180 : 90)))
			return err_add(err, "from: not [latitude, longitude]");
	}
	e->has_from = true;
	return true;
}

static bool moment(const json_t *json, struct conf_expect *e, struct err *err)
{
	const char *text = json_string_value(json);
	return (text && conf_time(text, &e->at_ms)) ||
		err_add(err,
			"at: not a time such as 2026-11-22T09:00 or 2026-11-22T09:00+08:00");
}

/* Takes the name as the map writes it. */
static bool name_known(const json_t *json, const struct map *map,
	struct conf_expect *e, struct err *err)
{
	const char *text = json_string_value(json);
	int name = -1;
	if (!text)
		return err_add(err, "name: not a string");
	snprintf(e->name, sizeof e->name, "%s", text);
	size_t n = strlen(e->name);
	if (n && e->name[n - 1] == '.')
		e->name[n - 1] = '\0';
	if (strlen(text) < sizeof e->name)
		name = map_find_name(map, e->name);
	if (name < 0)
		return err_add(err, "name: not a steered name");
	snprintf(e->name, sizeof e->name, "%s", map->names[name].name);
	return true;
}

static bool schedule_field(const char *key, const json_t *json,
	const struct map *map, struct conf_expect *e, struct err *err)
{
	if (!strcmp(key, "at"))
		return moment(json, e, err);
	if (!strcmp(key, "name"))
		return name_known(json, map, e, err);
	if (!strcmp(key, "viewers"))
		return whole(json, key, CONF_VIEWERS_MAX, &e->viewers, err);
	if (!strcmp(key, "over"))
		return whole(json, key, CONF_OVER_MAX_S, &e->over_s, err);
	if (!strcmp(key, "from"))
		return schedule_place(json, e, err);
	return err_add(err, "unknown key '%.60s'", key);
}

static bool fields(json_t *body, const struct map *map, struct conf_expect *e,
	struct err *err)
{
	static const char *const needed[] = {"at", "name", "viewers"};

	*e = (struct conf_expect){.over_s = CONF_OVER_S};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!json_object_get(body, needed[i]))
			return err_add(err, "%s: missing", needed[i]);
	for (void *at = json_object_iter(body); at;
		at = json_object_iter_next(body, at))
		if (!schedule_field(json_object_iter_key(at),
			    json_object_iter_value(at), map, e, err))
			return false;
	if (e->at_ms + 1000 * (int64_t)e->over_s <= clock_wall_ms())
		return err_add(err, "at: that is over already");
	return true;
}

static bool schedule_parse(
	struct request *r, struct conf_expect *e, struct err *err)
{
	json_t *json = request_body(r, err);
	bool ok = json && fields(json, r->snap->steer.map, e, err);
	json_decref(json);
	return ok;
}

/* -- calls -- */

void api_schedule(struct request *r)
{
	struct conf_expect entry;
	struct err err = {0};

	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_POST) {
		request_post(r,
			request_call(r, CALL_SCHEDULE_LIST, NULL, reply_list));
		return;
	}
	if (!access_may_change(r))
		return;
	if (schedule_parse(r, &entry, &err))
		post_change(r, CALL_SCHEDULE_ADD, &entry);
	else
		request_error(r, 400, "%s", err_text(&err));
	err_fini(&err);
}

void api_schedule_remove(struct request *r, const char *id)
{
	struct conf_expect entry = {0};
	size_t n = strspn(id, "0123456789");

	if (!access_may_change(r))
		return;
	if (n == 0 || n > 18 || id[n]) {
		request_error(r, 404, "there is no such entry");
		return;
	}
	entry.id = atoll(id);
	post_change(r, CALL_SCHEDULE_REMOVE, &entry);
}
