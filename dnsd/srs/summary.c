#include "srs/summary.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "srs/json.h"

/* Beyond this a double does not hold every whole number; no stamp of a real SRS
 * comes near. */
#define NUMBER_MAX 9e15

enum need { OPTIONAL, REQUIRED };

/* A number from 0 to max. *out stays when an optional one is missing. */
static bool read_number(const json_t *object, const char *key, enum need need,
	double max, double *out, struct err *err)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return need == OPTIONAL || err_add(err, "no %s", key);
	if (!json_is_number(value))
		return err_add(err, "%s is no number", key);
	double n = json_number_value(value);
	if (!(n >= 0 && n <= max))
		return err_add(err, "%s is out of range", key);
	*out = n;
	return true;
}

/* A counter of bytes: 64 bits. */
static bool read_counter(
	const json_t *object, const char *key, uint64_t *out, struct err *err)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return err_add(err, "no %s", key);
	if (!json_is_number(value))
		return err_add(err, "%s is no number", key);
	return srs_json_whole(value, out) ||
		err_add(err, "%s is out of range", key);
}

bool summary_id(const struct json_t *object, const char *key, char *out,
	size_t room, struct err *err)
{
	const json_t *value = json_object_get(object, key);
	uint64_t number;
	int n = 0;

	*out = '\0';
	if (json_is_string(value))
		n = snprintf(out, room, "%s", json_string_value(value));
	else if (json_is_integer(value))
		n = snprintf(out, room, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
	else if (srs_json_whole(value, &number))
		n = snprintf(out, room, "%" PRIu64, number);
	else if (value && !json_is_null(value))
		return err_add(err, "%s is no string", key);
	if ((size_t)n >= room)
		return err_add(err, "%s is too long", key);
	for (const char *c = out; *c; c++)
		if (utf8_is_control((const unsigned char *)c))
			return err_add(err, "%s has control characters", key);
	return true;
}

/* What changes when the SRS behind an address is another process. SRS 4 gives
 * neither service nor pid outside of self. */
static bool read_identity(const json_t *top, const json_t *self,
	struct sample *sample, struct err *err)
{
	char service[128], pid[32];
	if (!summary_id(top, "service", service, sizeof service, err) ||
		!summary_id(top, "pid", pid, sizeof pid, err) ||
		(!*pid && !summary_id(self, "pid", pid, sizeof pid, err)))
		return false;
	if (*service || *pid)
		sample->identity = hash_bytes(service, strlen(service),
					   hash_bytes(pid, strlen(pid), 0)) >>
			(64 - SAMPLE_IDENTITY_BITS);
	return true;
}

/* "6.0.157"; what is not there is 0. */
static void read_version(const char *text, struct sample *sample)
{
	uint16_t *part[] = {&sample->major, &sample->minor, &sample->revision};
	char *end = (char *)text;

	for (unsigned i = 0; i < 3; i++) {
		*part[i] = (uint16_t)strtoul(end, &end, 10);
		if (*end++ != '.')
			return;
	}
}

static bool read_self(
	const json_t *self, struct sample *sample, struct err *err)
{
	double cpu = 0, uptime = -1;
	const json_t *version = json_object_get(self, "version");

	if (!read_number(self, "cpu_percent", OPTIONAL, 1e6, &cpu, err) ||
		!read_number(
			self, "srs_uptime", OPTIONAL, INT32_MAX, &uptime, err))
		return false;
	if (version && !json_is_string(version))
		return err_add(err, "version is no string");
	sample->cpu = (float)cpu;
	sample->uptime_s = (int32_t)uptime;
	if (version)
		read_version(json_string_value(version), sample);
	return true;
}

static bool read_connections(
	const json_t *system, struct sample *sample, struct err *err)
{
	const json_t *value = json_object_get(system, "conn_srs");
	if (!value)
		return err_add(err, "no conn_srs");
	uint64_t n;
	if (!json_is_number(value) ||
		json_number_value(value) != floor(json_number_value(value)))
		return err_add(err, "conn_srs is no integer");
	if (!srs_json_whole(value, &n) || n > UINT32_MAX)
		return err_add(err, "conn_srs is out of range");
	sample->connections = (uint32_t)n;
	return true;
}

bool summary_read(const struct json_t *top, const struct json_t *data,
	struct sample *sample, struct err *err)
{
	const json_t *system = json_object_get(data, "system");
	const json_t *self = json_object_get(data, "self");
	double now, stamp;

	*sample = (struct sample){.uptime_s = -1};
	if (!json_is_object(system))
		return err_add(err, "no data.system: not SRS's summaries");
	if (self && !json_is_object(self))
		return err_add(err, "data.self is no object");
	if (!read_connections(system, sample, err) ||
		!read_number(data, "now_ms", REQUIRED, NUMBER_MAX, &now, err) ||
		!read_number(system, "srs_sample_time", REQUIRED, NUMBER_MAX,
			&stamp, err) ||
		!read_counter(
			system, "srs_send_bytes", &sample->send_bytes, err) ||
		!read_self(self, sample, err) ||
		!read_identity(top, self, sample, err))
		return false;
	sample->node_ms = (int64_t)now;
	sample->sampled_ms = (int64_t)stamp;
	return true;
}

static bool read_top(const json_t *top, struct sample *sample, struct err *err)
{
	const json_t *code = json_object_get(top, "code");
	const json_t *summaries = json_object_get(top, "summaries");

	if (summaries)
		return summary_read(
			top, json_object_get(summaries, "data"), sample, err);
	if (!json_is_number(code))
		return err_add(err, "no code: not an answer of SRS");
	if (json_number_value(code) != 0)
		return err_add(err, "code %.0f", json_number_value(code));
	return summary_read(top, json_object_get(top, "data"), sample, err);
}

bool summary_parse(
	const char *body, size_t len, struct sample *sample, struct err *err)
{
	json_t *top = srs_json(body, len);
	if (!top)
		return err_add(err, "not JSON");
	bool good = read_top(top, sample, err);
	json_decref(top);
	return good;
}
