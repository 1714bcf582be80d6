#include "srs/clients.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "srs/json.h"

#define KBPS_MOST 1e9

static double number(const json_t *of, const char *key)
{
	return json_number_value(json_object_get(of, key));
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

/* RTMP and HTTP-FLV: SRS 4 calls all of them Play. By HTTP others get the sound alone. */
static bool plays(const json_t *of)
{
	const char *type = json_string_value(json_object_get(of, "type"));
	const char *name = json_string_value(json_object_get(of, "name"));
	return type &&
		(!strcmp(type, "rtmp-play") || !strcmp(type, "flv-play") ||
			!strcmp(type, "Play")) &&
		!(name && (ends_in(name, ".aac") || ends_in(name, ".mp3")));
}

/* False: nothing that counts. */
static bool client_read(const json_t *of, struct srs_client *client)
{
	const char *url = json_string_value(json_object_get(of, "url"));
	const char *ip = json_string_value(json_object_get(of, "ip"));
	const json_t *kbps = json_object_get(of, "kbps");

	client->publishes = json_is_true(json_object_get(of, "publish"));
	if (!url || !*url || !ip || !addr_parse(&client->addr, ip) ||
		!(number(of, "alive") >= CLIENTS_ALIVE_S) ||
		(!client->publishes && !plays(of)))
		return false;
	double value =
		number(kbps, client->publishes ? "recv_30s" : "send_30s");
	client->stream = hash_bytes(url, strlen(url), 0);
	client->kbps = (float)value;
	return value > 0 && value < KBPS_MOST;
}

static bool clients_add(
	const json_t *array, struct client_list *list, unsigned *page)
{
	size_t n = json_array_size(array);
	if (n > CLIENTS_MAX - list->listed)
		n = CLIENTS_MAX - list->listed;
	*page = (unsigned)n;
	list->listed += *page;
	for (size_t i = 0; i < n; i++)
		list->n += client_read(
			json_array_get(array, i), &list->client[list->n]);
	return true;
}

static bool clients_read(const json_t *top, struct client_list *list,
	unsigned *page, struct err *err)
{
	const json_t *code = json_object_get(top, "code");
	const json_t *clients = json_object_get(top, "clients");

	if (!json_is_number(code) || json_number_value(code) != 0)
		return err_add(err, "no code 0: not an answer of SRS");
	if (!json_is_array(clients))
		return err_add(err, "no clients: not SRS's list of clients");
	return clients_add(clients, list, page);
}

bool clients_parse(const char *body, size_t len, struct client_list *list,
	unsigned *page, struct err *err)
{
	json_t *top = srs_json(body, len);
	if (!top)
		return err_add(err, "not JSON");
	bool ok = clients_read(top, list, page, err);
	json_decref(top);
	return ok;
}

/* -- for those who close connections -- */

#define CODE_NO_CLIENT 2049 /* ERROR_RTMP_CLIENT_NOT_FOUND, SRS 4 to 8 */

static bool id_read(const json_t *of, struct client_id *id)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	const char *text = json_string_value(json_object_get(of, "id"));
	const json_t *number = json_object_get(of, "id");

	*id = (struct client_id){
		.publishes = json_is_true(json_object_get(of, "publish"))};
	if (json_is_integer(number)) /* SRS 3 and before */
		snprintf(id->text, sizeof id->text, "%lld",
			(long long)json_integer_value(number));
	else if (text && strlen(text) < sizeof id->text &&
		strspn(text, good) == strlen(text))
		strcpy(id->text, text);
	return *id->text && *id->text != '.' && *id->text != '-';
}

static void ids_read(const json_t *clients, struct client_ids *ids)
{
	size_t n = json_array_size(clients);
	if (n > CLIENTS_MAX)
		n = CLIENTS_MAX;
	ids->id = mem_zero(n + 1, sizeof *ids->id);
	for (size_t i = 0; i < n; i++) {
		struct client_id *id = &ids->id[ids->n];
		if (!id_read(json_array_get(clients, i), id))
			continue;
		ids->n++;
		ids->publishers += id->publishes;
	}
}

bool client_ids_parse(
	const char *body, size_t len, struct client_ids *ids, struct err *err)
{
	json_t *top = srs_json(body, len);
	const json_t *code = json_object_get(top, "code");
	const json_t *clients = json_object_get(top, "clients");
	bool ok = json_is_number(code) && json_number_value(code) == 0 &&
		json_is_array(clients);

	*ids = (struct client_ids){0};
	if (ok)
		ids_read(clients, ids);
	json_decref(top);
	return ok || err_add(err, "not SRS's list of clients");
}

void client_ids_free(struct client_ids *ids)
{
	free(ids->id);
	*ids = (struct client_ids){0};
}

bool client_closed_parse(const char *body, size_t len, struct err *err)
{
	json_t *top = srs_json(body, len);
	const json_t *code = json_object_get(top, "code");
	double number = json_is_number(code) ? json_number_value(code) : -1;
	json_decref(top);
	if (number == 0 || number == CODE_NO_CLIENT)
		return true;
	if (number < 0)
		return err_add(err, "not an answer of SRS");
	return err_add(err, "SRS refuses it: code %.0f", number);
}
