/* The JSON of etcd's gateway: octets are base64, numbers of 64 bits are texts, what is
 * absent is zero, false or empty. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/private.h"

/* -- batches -- */

struct batch *batch_new(void)
{
	struct batch *b = mem_zero(1, sizeof *b);
	b->arena = arena_new();
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	arena_free(b->arena);
	free(b->item);
	free(b);
}

static void batch_add(struct batch *b, const struct etcd_item *item)
{
	if (b->n == b->room) {
		b->room = b->room ? b->room * 2 : 4;
		b->item = mem_grow(b->item, b->room * sizeof *b->item);
	}
	b->item[b->n++] = *item;
	b->octets += sizeof *item + strlen(item->key) + item->len;
	b->revision = item->revision;
}

/* -- building -- */

static void add_octets(
	struct buf *out, const char *name, const void *bytes, size_t n)
{
	buf_printf(out, "\"%s\":\"", name);
	base64_add(out, bytes, n);
	buf_printf(out, "\"");
}

/* The first key that is after all that begin with the prefix. */
static void add_end(struct buf *out, const char *prefix)
{
	char end[ETCD_KEY_MAX + 1];
	size_t n = strlen(prefix);
	assert(n && n <= ETCD_KEY_MAX);
	memcpy(end, prefix, n);
	while (n && end[n - 1] == '\xff')
		n--;
	if (n)
		end[n - 1]++;
	else
		end[n++] = '\0'; /* means: the last there is */
	add_octets(out, "range_end", end, n);
}

void gateway_range(struct buf *out, const char *prefix, const struct buf *from,
	unsigned limit, int64_t revision)
{
	buf_printf(out, "{");
	if (from && from->len)
		add_octets(out, "key", from->text, from->len);
	else
		add_octets(out, "key", prefix, strlen(prefix));
	buf_printf(out, ",");
	add_end(out, prefix);
	buf_printf(out, ",\"limit\":\"%u\",\"revision\":\"%lld\"}", limit,
		(long long)revision);
}

void gateway_watch(struct buf *out, const char *prefix, int64_t from)
{
	buf_printf(out, "{\"create_request\":{");
	add_octets(out, "key", prefix, strlen(prefix));
	buf_printf(out, ",");
	add_end(out, prefix);
	/* Fragments: many changes at once do not make one endless line. */
	buf_printf(out, ",\"start_revision\":\"%lld\",\"fragment\":true}}",
		(long long)from);
}

void gateway_change(struct buf *out, const char *key, const char *value,
	size_t len, int64_t revision)
{
	size_t n = strlen(key);
	buf_printf(out, "{\"compare\":[{\"target\":\"MOD\",");
	add_octets(out, "key", key, n);
	buf_printf(out, ",\"mod_revision\":\"%lld\"}],\"success\":[{\"%s\":{",
		(long long)revision,
		value ? "request_put" : "request_delete_range");
	add_octets(out, "key", key, n);
	if (value) {
		buf_printf(out, ",");
		add_octets(out, "value", value, len);
	}
	buf_printf(out, "}}]}");
}

void gateway_put(struct buf *out, const char *key, const char *value,
	size_t len, int64_t lease)
{
	buf_printf(out, "{");
	add_octets(out, "key", key, strlen(key));
	buf_printf(out, ",");
	add_octets(out, "value", value, len);
	buf_printf(out, ",\"lease\":\"%lld\"}", (long long)lease);
}

void gateway_delete(struct buf *out, const char *key)
{
	buf_printf(out, "{");
	add_octets(out, "key", key, strlen(key));
	buf_printf(out, "}");
}

void gateway_grant(struct buf *out, unsigned ttl_s)
{
	buf_printf(out, "{\"TTL\":\"%u\"}", ttl_s);
}

void gateway_lease(struct buf *out, int64_t id)
{
	buf_printf(out, "{\"ID\":\"%lld\"}", (long long)id);
}

/* -- reading -- */

static json_t *read_object(const char *text, size_t len, struct err *err)
{
	json_error_t error;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!o)
		err_add(err, "not JSON: %s", error.text);
	else if (!json_is_object(o)) {
		err_add(err, "not a JSON object");
		json_decref(o);
		o = NULL;
	}
	return o;
}

/* A whole number, as text or as number; absent: 0. */
static bool read_whole(const json_t *o, const char *name, uint64_t most,
	uint64_t *out, struct err *err)
{
	const json_t *v = json_object_get(o, name);
	*out = 0;
	if (!v)
		return true;
	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = (uint64_t)json_integer_value(v);
	} else if (json_is_string(v)) {
		const char *text = json_string_value(v);
		size_t n = json_string_length(v);
		if (!n || n > 19 + (most > INT64_MAX) ||
			strspn(text, "0123456789") != n)
			return err_add(err, "%s: not a whole number", name);
		*out = strtoull(text, NULL, 10);
	} else {
		return err_add(err, "%s: not a whole number", name);
	}
	return *out <= most || err_add(err, "%s: too large", name);
}

static bool read_int(
	const json_t *o, const char *name, int64_t *out, struct err *err)
{
	uint64_t whole;
	bool ok = read_whole(o, name, INT64_MAX, &whole, err);
	*out = ok ? (int64_t)whole : 0;
	return ok;
}

static bool read_bool(
	const json_t *o, const char *name, bool *out, struct err *err)
{
	const json_t *v = json_object_get(o, name);
	*out = json_is_true(v);
	return !v || json_is_boolean(v) ||
		err_add(err, "%s: not true or false", name);
}

/* A member that is an object, or not there. */
static bool read_member(
	const json_t *o, const char *name, const json_t **out, struct err *err)
{
	*out = json_object_get(o, name);
	return !*out || json_is_object(*out) ||
		err_add(err, "%s: not an object", name);
}

static bool read_array(
	const json_t *o, const char *name, const json_t **out, struct err *err)
{
	*out = json_object_get(o, name);
	return !*out || json_is_array(*out) ||
		err_add(err, "%s: not a list", name);
}

static bool read_header(
	const json_t *o, struct gateway_header *header, struct err *err)
{
	const json_t *h;
	*header = (struct gateway_header){0};
	if (!read_member(o, "header", &h, err))
		return false;
	if (!h)
		return err_add(err, "no header");
	return read_whole(h, "cluster_id", UINT64_MAX, &header->cluster, err) &&
		read_int(h, "revision", &header->revision, err) &&
		read_whole(h, "raft_term", UINT64_MAX, &header->term, err);
}

/* Octets, and \0 behind them; absent: none. */
static bool read_octets(struct arena *arena, const json_t *o, const char *name,
	char **out, size_t *n, struct err *err)
{
	const json_t *v = json_object_get(o, name);
	if (v && !json_is_string(v))
		return err_add(err, "%s: not a text", name);
	size_t len = v ? json_string_length(v) : 0;
	*out = arena_room(arena, BASE64_ROOM(len) + 1);
	if (v && !base64_read(json_string_value(v), len, (uint8_t *)*out, n))
		return err_add(err, "%s: not base64", name);
	*n = v ? *n : 0;
	(*out)[*n] = '\0';
	return true;
}

/* Adds a key with its value. Another program may have written a longer value than
 * ETCD_VALUE_MAX: it counts as no value. key: all of it, the prefix included. */
static bool read_item(const json_t *kv, const char *prefix, bool deleted,
	struct batch *b, char **key, size_t *key_len, struct err *err)
{
	struct etcd_item item;
	char *value = NULL;
	size_t prefix_len = strlen(prefix);
	if (!json_is_object(kv))
		return err_add(err, "kv: not an object");
	if (!read_octets(b->arena, kv, "key", key, key_len, err) ||
		!read_int(kv, "mod_revision", &item.revision, err))
		return false;
	if (*key_len < prefix_len || memcmp(*key, prefix, prefix_len) != 0)
		return err_add(err, "a key outside of the prefix");
	item.key = *key + prefix_len;
	item.len = 0;
	if (!deleted &&
		!read_octets(b->arena, kv, "value", &value, &item.len, err))
		return false;
	bool bad = *key_len > ETCD_KEY_MAX || strlen(*key) != *key_len;
	if (item.len > ETCD_VALUE_MAX) {
		item.len = 0;
		value = NULL;
		b->left_out += !bad;
	}
	item.value = value;
	b->left_out += bad;
	if (!bad)
		batch_add(b, &item);
	return true;
}

/* Keys come in order and after those of the page before, or it might never end. */
static bool read_page(const json_t *o, const char *prefix, struct batch *b,
	struct gateway_page *page, struct err *err)
{
	const json_t *kvs;
	char *key;
	size_t len, i, n = 0;
	if (!read_header(o, &page->header, err) ||
		!read_bool(o, "more", &page->more, err) ||
		!read_array(o, "kvs", &kvs, err))
		return false;
	const json_t *kv;
	json_array_foreach(kvs, i, kv)
	{
		unsigned before = b->n;
		if (!read_item(kv, prefix, false, b, &key, &len, err))
			return false;
		/* A value that is too long is not there. */
		if (b->n > before && !b->item[b->n - 1].value)
			b->n--;
		size_t least = page->next.len < len ? page->next.len : len;
		int order = least ? memcmp(key, page->next.text, least) : 0;
		if (order < 0 || (!order && len < page->next.len))
			return err_add(err, "kvs: not in the order of keys");
		buf_fini(&page->next);
		buf_add(&page->next, key, len);
		buf_add(&page->next, "", 1);
		n++;
	}
	return n || !page->more ||
		err_add(err, "kvs: none, but there are more");
}

bool gateway_page(const char *text, size_t len, const char *prefix,
	struct batch *b, struct gateway_page *page, struct err *err)
{
	json_t *o = read_object(text, len, err);
	bool ok = o && read_page(o, prefix, b, page, err);
	json_decref(o);
	return ok;
}

static bool read_events(const json_t *events, const char *prefix,
	struct batch *b, struct err *err)
{
	const json_t *event;
	size_t i, len;
	char *key;
	json_array_foreach(events, i, event)
	{
		const json_t *type = json_object_get(event, "type");
		const char *name = type ? json_string_value(type) : "PUT";
		if (!name || (strcmp(name, "PUT") && strcmp(name, "DELETE")))
			return err_add(err, "type: neither PUT nor DELETE");
		if (!read_item(json_object_get(event, "kv"), prefix,
			    *name == 'D', b, &key, &len, err))
			return false;
	}
	return true;
}

/* error: a text, or an object with a message. */
static bool read_error(const json_t *o, struct gateway_error *e)
{
	const json_t *error = json_object_get(o, "error");
	const json_t *in = json_is_object(error) ? error : o;
	const json_t *text = json_object_get(in, "message");
	const json_t *code = json_object_get(in, "grpc_code");
	*e = (struct gateway_error){0};
	if (!text)
		text = error;
	if (!json_is_string(text))
		return false;
	if (!code)
		code = json_object_get(in, "code");
	if (json_is_integer(code) && json_integer_value(code) > 0 &&
		json_integer_value(code) <= 16)
		e->code = (unsigned)json_integer_value(code);
	strncpy(e->text, json_string_value(text), sizeof e->text - 1);
	e->no_leader = strstr(e->text, "no leader") != NULL;
	e->no_quorum = e->no_leader || strstr(e->text, "request timed out") ||
		strstr(e->text, "leader changed");
	e->compacted = strstr(e->text, "has been compacted") != NULL;
	return true;
}

bool gateway_error(const char *text, size_t len, struct gateway_error *error)
{
	json_t *o = len ? json_loadb(text, len, 0, NULL) : NULL;
	bool is = json_is_object(o) && read_error(o, error);
	json_decref(o);
	return is;
}

/* Why etcd ends it, as an error. */
static bool read_canceled(
	const json_t *r, struct gateway_said *said, struct err *err)
{
	int64_t compacted;
	const char *why =
		json_string_value(json_object_get(r, "cancel_reason"));
	if (!read_int(r, "compact_revision", &compacted, err))
		return false;
	if (!why)
		why = compacted ? "the revision was compacted" : "canceled";
	said->compacted = compacted > 0;
	strncpy(said->error.text, why, sizeof said->error.text - 1);
	said->error.no_quorum = strstr(why, "no leader") != NULL;
	return true;
}

static bool read_said(const json_t *o, const char *prefix, struct batch *b,
	struct gateway_said *said, struct err *err)
{
	const json_t *r, *events;
	if (json_object_get(o, "error")) {
		said->canceled = true;
		return read_error(o, &said->error) ||
			err_add(err, "error: not understood");
	}
	if (!read_member(o, "result", &r, err))
		return false;
	if (!r)
		return err_add(err, "neither result nor error");
	return read_header(r, &said->header, err) &&
		read_bool(r, "created", &said->created, err) &&
		read_bool(r, "canceled", &said->canceled, err) &&
		read_bool(r, "fragment", &said->part, err) &&
		read_array(r, "events", &events, err) &&
		read_events(events, prefix, b, err) &&
		(!said->canceled || read_canceled(r, said, err));
}

bool gateway_said(const char *line, size_t len, const char *prefix,
	struct batch *b, struct gateway_said *said, struct err *err)
{
	*said = (struct gateway_said){0};
	json_t *o = read_object(line, len, err);
	bool ok = o && read_said(o, prefix, b, said, err);
	json_decref(o);
	return ok;
}

bool gateway_changed(const char *text, size_t len, bool *changed,
	int64_t *revision, struct err *err)
{
	struct gateway_header header;
	json_t *o = read_object(text, len, err);
	bool ok = o && read_header(o, &header, err) &&
		read_bool(o, "succeeded", changed, err);
	*revision = ok ? header.revision : 0;
	json_decref(o);
	return ok;
}

bool gateway_done(const char *text, size_t len, struct err *err)
{
	struct gateway_header header;
	json_t *o = read_object(text, len, err);
	bool ok = o && read_header(o, &header, err);
	json_decref(o);
	return ok;
}

bool gateway_leased(const char *text, size_t len, int64_t *id, int64_t *ttl_s,
	struct err *err)
{
	struct gateway_header header;
	const json_t *r;
	json_t *o = read_object(text, len, err);
	bool ok = o && read_member(o, "result", &r, err) &&
		read_header(r ? r : o, &header, err) &&
		read_int(r ? r : o, "ID", id, err) &&
		read_int(r ? r : o, "TTL", ttl_s, err) &&
		(*id || err_add(err, "ID: it is 0"));
	json_decref(o);
	return ok;
}
