#include "control/enrol.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "control/state.h"
#include "control/pending.h"
#include "srs/url.h"
#include "store/enrolled.h"

#define NAME_MAX_BYTES 63

/* -- what may be asked for -- */

/* Where no approved node may be: this host, this link, groups. An IPv4-mapped
 * address is IPv4 by now. */
static const char *const closed[] = {"0.0.0.0/8", "127.0.0.0/8",
	"169.254.0.0/16", "224.0.0.0/3", "::/96", "fe80::/10", "ff00::/8"};

static bool is_closed(const struct addr *a)
{
	struct addr inside;
	if (addr_inside(a, &inside))
		a = &inside;
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
		struct prefix p;
		if (prefix_parse(&p, closed[i], true) && prefix_contains(&p, a))
			return true;
	}
	return false;
}

static bool address_ok(const char *text, struct err *err)
{
	struct addr a;
	if (!addr_parse(&a, text))
		return err_add(err, "address: '%s' is no address", text);
	return !is_closed(&a) ||
		err_add(err,
			"address: %s: loopback, link-local and multicast ones only in the configuration file",
			text);
}

/* An API's URL, or address:port of a probe; by address: a name might lead
 * anywhere. */
static bool endpoint_ok(const char *key, const char *text, struct err *err)
{
	struct sockaddr_storage at;
	struct err why = {0};
	struct addr a;

	if (!strcmp(text, "off"))
		return true;
	if (!strcmp(key, "api")) {
		bool ok = srs_url_address(text, &a, &why) ||
			err_add(err, "%s: %s", key, err_text(&why));
		err_fini(&why);
		if (!ok)
			return false;
	} else if (sockaddr_parse(&at, text, 80)) {
		a = addr_from_sockaddr((struct sockaddr *)&at);
	} else {
		return err_add(err, "%s: not an address and port", key);
	}
	return !is_closed(&a) ||
		err_add(err,
			"%s: loopback, link-local and multicast addresses only in the configuration file",
			key);
}

/* $ would be the environment's. */
static bool text_ok(const char *key, const char *text, struct err *err)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '$')
			return err_add(err,
				"%s: control characters and $ are not allowed",
				key);
	if (!strcmp(key, "address"))
		return address_ok(text, err);
	if (!strcmp(key, "api") || !strcmp(key, "rtmp") || !strcmp(key, "flv"))
		return endpoint_ok(key, text, err);
	return true;
}

static bool value_ok(const char *key, const json_t *value, struct err *err)
{
	size_t i;
	const json_t *one;

	if (json_is_string(value))
		return text_ok(key, json_string_value(value), err);
	if (json_is_number(value) || json_is_boolean(value))
		return true;
	if (!json_is_array(value))
		return err_add(err, "%s: not text, a number or a list", key);
	json_array_foreach(value, i, one) if (json_is_array(one) ||
		!value_ok(key, one, err)) return err_add(err, "%s: item %zu",
		key, i + 1);
	return true;
}

static bool keys_ok(json_t *keys, struct err *err)
{
	static const char *const known[] = {"role", "address", "at", "site",
		"provider", "asn", "bias", "capacity", "bandwidth",
		"overcommit", "api", "rtmp", "flv", "public"};
	const char *key;
	const json_t *value;

	json_object_foreach(keys, key, value)
	{
		size_t i = 0, n = sizeof known / sizeof *known;
		while (i < n && strcmp(known[i], key))
			i++;
		if (i == n)
			return err_add(err, "unknown key '%s'", key);
		if (!value_ok(key, value, err))
			return false;
	}
	return true;
}

static bool name_ok(const char *name, struct err *err)
{
	size_t n = strlen(name);
	if (!n || n > NAME_MAX_BYTES || name[0] == '-' || name[n - 1] == '-' ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return err_add(err,
			"the name of a node is a DNS label: a-z, 0-9 and - inside");
	return true;
}

/* -- asking -- */

static void refuse(struct err *err,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	done(arg, false, err_text(err));
	err_fini(err);
}

/* Takes text. */
static void ask(struct control *c, const char *name, char *text,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	struct enrolment *a = mem_zero(1, sizeof *a), **last = &c->enrolments;
	*a = (struct enrolment){.name = mem_strdup(name),
		.text = text,
		.done = done,
		.arg = arg};
	while (*last)
		last = &(*last)->next;
	*last = a;
	control_reload(c, NULL, NULL);
}

static bool may_ask(const struct control *c, struct err *err)
{
	return c->store ||
		err_add(err, "there is no store that would keep the node");
}

/* Keys as checked text; NULL with a message. */
static char *text_of(
	struct control *c, const char *name, json_t *keys, struct err *err)
{
	char from[ADDR_TEXT_MAX];

	if (!json_object_get(keys, "address")) {
		if (!pending_address(c->pending, name, from)) {
			err_add(err, "no address");
			return NULL;
		}
		json_object_set_new(keys, "address", json_string(from));
	}
	if (!keys_ok(keys, err))
		return NULL;
	return json_dumps(keys, 0);
}

static bool is_kept(const char *store, const char *name, struct err *err)
{
	struct store_enrolled *nodes;
	unsigned n;
	bool found = false;

	if (!store_enrolled_read(store, &nodes, &n, err))
		return false;
	for (unsigned i = 0; i < n; i++)
		found |= !strcmp(nodes[i].name, name);
	store_enrolled_free(nodes, n);
	return found;
}

/* A node of the configuration can't be approved; an approved one can, again. */
static bool is_free(const struct control *c, const char *name, struct err *err)
{
	if (map_find_node(c->built->map, name) < 0 ||
		is_kept(c->built->conf->store, name, err))
		return true;
	return err_add(err, "the configuration has a node '%.63s'", name);
}

static void enrol(struct control *c, const char *name, json_t *keys,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	struct err err = {0};
	char *text = NULL;

	if (may_ask(c, &err) && name_ok(name, &err) && is_free(c, name, &err))
		text = text_of(c, name, keys, &err);
	json_decref(keys);
	if (text)
		ask(c, name, text, done, arg);
	else
		refuse(&err, done, arg);
}

void enrol_node(struct control *c, const char *name, const char *keys,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	json_t *json = json_loads(keys, 0, NULL);
	struct err err = {0};

	if (json_is_object(json)) {
		enrol(c, name, json, done, arg);
		return;
	}
	json_decref(json);
	err_add(&err, "not a JSON object");
	refuse(&err, done, arg);
}

/* "22,114" is a list for the keys that are lists. */
static json_t *word_json(const char *key, const char *word)
{
	if (strcmp(key, "at") && strcmp(key, "address") && strcmp(key, "asn"))
		return json_string(word);
	json_t *list = json_array();
	while (*word) {
		size_t n = strcspn(word, ",");
		json_array_append_new(list, json_stringn(word, n));
		word += n + (word[n] == ',');
	}
	return list;
}

void enrol_words(struct control *c, const char *name, char **words, unsigned n,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	json_t *keys = json_object();
	struct err err = {0};

	for (unsigned i = 0; i < n && !err.count; i += 2) {
		json_t *value = NULL;
		if (!strncmp(words[i], "--", 2) && i + 1 < n)
			value = word_json(words[i] + 2, words[i + 1]);
		if (!value || json_object_set_new(keys, words[i] + 2, value))
			err_add(&err, "%s: --KEY VALUE is expected", words[i]);
	}
	if (!err.count) {
		enrol(c, name, keys, done, arg);
		return;
	}
	json_decref(keys);
	refuse(&err, done, arg);
}

void enrol_remove(struct control *c, const char *name,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	struct err err = {0};
	if (may_ask(c, &err) && is_kept(c->built->conf->store, name, &err)) {
		ask(c, name, NULL, done, arg);
		return;
	}
	if (!err.count)
		err_add(&err, "there is no approved node '%.63s'", name);
	refuse(&err, done, arg);
}

/* -- building -- */

struct enrolment *enrol_next(struct control *c)
{
	struct enrolment *a = c->enrolments;
	if (a)
		c->enrolments = a->next;
	return a;
}

void enrolment_free(struct enrolment *a)
{
	if (!a)
		return;
	free(a->name);
	free(a->text);
	free(a);
}

static void on_kept(void *arg, bool ok)
{
	struct enrolment *a = arg;
	a->done(a->arg, ok,
		ok ? "on this name server, kept over a restart"
		   : "in force, but the store did not keep it: see the log");
	enrolment_free(a);
}

void enrol_built(
	struct control *c, struct enrolment *a, bool ok, const char *why)
{
	if (!ok) {
		a->done(a->arg, false, why);
		enrolment_free(a);
		return;
	}
	log_info("node %s: %s by the operator", a->name,
		a->text ? "approved" : "removed");
	if (a->text)
		pending_enrolled(c->pending, a->name);
	store_enrolled_keep(c->store, a->name, a->text, c->mailbox, on_kept, a);
}

static bool in_files(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcmp(conf->nodes[i].name, name))
			return true;
	return false;
}

static void add_node(const struct conf *conf, const char *name,
	const char *text, struct buf *out, struct err *err)
{
	if (in_files(conf, name))
		err_warn(err,
			"node %s was approved and is in the configuration too, which counts",
			name);
	else
		buf_printf(out, "%s \"%s\": %s", out->len ? ",\n" : "nodes: {",
			name, text);
}

/* Whether the values are good, whatever the files say. */
static bool fits_alone(const struct store_enrolled *row, struct err *err)
{
	struct buf text = {0};
	struct err odd = {0};

	buf_printf(&text,
		"zones: {invalid: {ns: [ns.invalid]}}\nnodes: {\"%s\": %s}\n",
		row->name, row->text);
	struct conf *conf = conf_parse("node", text.text, text.len, &odd);
	bool good = conf || err_add(err, "%s", err_text(&odd));
	conf_free(conf);
	buf_fini(&text);
	err_fini(&odd);
	return good;
}

/* Whether a row of the store is what approve() writes. */
static bool row_ok(const struct store_enrolled *row, struct err *err)
{
	json_t *keys = json_loads(row->text, 0, NULL);
	bool good = name_ok(row->name, err);

	if (good && (!json_is_object(keys) || strchr(row->text, '\n')))
		good = err_add(err, "not a JSON object in one line");
	good = good && keys_ok(keys, err) && fits_alone(row, err);
	json_decref(keys);
	return good;
}

static void read_rows(
	struct enrolled *a, const struct conf *conf, struct err *err)
{
	struct err unread = {0};

	if (a->is_read)
		return;
	a->is_read = true;
	if (!store_enrolled_read(a->store ? a->store : conf->store, &a->rows,
		    &a->n_rows, &unread))
		err_warn(err, "%s", err_text(&unread));
	err_fini(&unread);
}

static char *nodes_text(void *arg, const struct conf *conf, struct err *err)
{
	struct enrolled *enrolled = arg;
	const struct enrolment *change = enrolled->change;
	struct buf out = {0};
	char name[80];

	read_rows(enrolled, conf, err);
	for (unsigned i = 0; i < enrolled->n_rows; i++) {
		const struct store_enrolled *row = &enrolled->rows[i];
		struct err odd = {0};
		if ((enrolled->left_out && enrolled->left_out[i]) ||
			(change && !strcmp(change->name, row->name)))
			continue;
		if (row_ok(row, &odd))
			add_node(conf, row->name, row->text, &out, err);
		else
			err_warn(err,
				"store: the approved node '%s' is left out: %s",
				utf8_visible(name, sizeof name, row->name),
				err_text(&odd));
		err_fini(&odd);
	}
	if (change && change->text)
		add_node(conf, change->name, change->text, &out, err);
	if (out.len)
		buf_printf(&out, "}\n");
	return out.text;
}

struct conf_more enrolled_nodes(struct enrolled *enrolled)
{
	return (struct conf_more){
		.arg = enrolled, .name = "approved nodes", .text = nodes_text};
}
