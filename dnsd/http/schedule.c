/* The schedule over HTTP: list, add, remove. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"
#include "registry/expect.h"

static json_t *entry_json(const struct conf_expect *e)
{
	json_t *json = expect_json(e);
	json_object_set_new(json, "id",
		e->id ? json_integer((json_int_t)e->id) : json_null());
	if (!e->has_from)
		json_object_set_new(json, "from", json_null());
	return json;
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
	if (*call->text)
		return call->text;
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
	if (call->result == CALL_REFUSED || call->result == CALL_CONFLICT) {
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
			json, "scope", json_string(request_scope(call)));
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

/* Takes the name as the map writes it. */
static bool name_known(
	const struct map *map, struct conf_expect *e, struct err *err)
{
	int name = map_find_name(map, e->name);
	if (name < 0)
		return err_add(err, "name: not a steered name");
	snprintf(e->name, sizeof e->name, "%s", map->names[name].name);
	return true;
}

static bool to_come(const struct conf_expect *e, struct err *err)
{
	return e->at_ms + 1000 * (int64_t)e->over_s > clock_wall_ms() ||
		err_add(err, "at: that is over already");
}

static bool schedule_parse(
	struct request *r, struct conf_expect *e, struct err *err)
{
	json_t *json = request_body(r, err);
	bool ok = json && expect_parse(json, e, err) &&
		name_known(r->snap->steer.map, e, err) && to_come(e, err);
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
