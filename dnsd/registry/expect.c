#include "registry/expect.h"

#include <math.h>
#include <string.h>
#include <time.h>

json_t *expect_json(const struct conf_expect *e)
{
	time_t at = (time_t)(e->at_ms / 1000);
	struct tm tm;
	char text[32];

	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	json_t *json = json_pack("{s:s, s:s, s:i, s:i}", "at", text, "name",
		e->name, "viewers", e->viewers, "over", e->over_s);
	if (e->has_from)
		json_object_set_new(json, "from",
			json_pack("[f, f]", e->from[0], e->from[1]));
	return json;
}

char *expect_text(const struct conf_expect *entry)
{
	json_t *json = expect_json(entry);
	char *text = json_dumps(json, 0);
	json_decref(json);
	return text;
}

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

static bool place(const json_t *json, struct conf_expect *e, struct err *err)
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

static bool name(const json_t *json, struct conf_expect *e, struct err *err)
{
	const char *text = json_string_value(json);
	size_t n = text ? strlen(text) : 0;
	if (!text)
		return err_add(err, "name: not a string");
	if (n && text[n - 1] == '.')
		n--;
	if (!n || n >= sizeof e->name)
		return err_add(err, "name: not a steered name");
	memcpy(e->name, text, n);
	return true;
}

static bool field(const char *key, const json_t *json, struct conf_expect *e,
	struct err *err)
{
	if (!strcmp(key, "at"))
		return moment(json, e, err);
	if (!strcmp(key, "name"))
		return name(json, e, err);
	if (!strcmp(key, "viewers"))
		return whole(json, key, CONF_VIEWERS_MAX, &e->viewers, err);
	if (!strcmp(key, "over"))
		return whole(json, key, CONF_OVER_MAX_S, &e->over_s, err);
	if (!strcmp(key, "from"))
		return place(json, e, err);
	return err_add(err, "unknown key '%.60s'", key);
}

bool expect_parse(json_t *json, struct conf_expect *e, struct err *err)
{
	static const char *const needed[] = {"at", "name", "viewers"};

	*e = (struct conf_expect){.over_s = CONF_OVER_S};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!json_object_get(json, needed[i]))
			return err_add(err, "%s: missing", needed[i]);
	for (void *at = json_object_iter(json); at;
		at = json_object_iter_next(json, at))
		if (!field(json_object_iter_key(at), json_object_iter_value(at),
			    e, err))
			return false;
	return true;
}
