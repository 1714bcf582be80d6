#include "control/enrol.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "control/build.h"
#include "control/enrol_rules.h"
#include "control/pending.h"
#include "control/registered.h"
#include "control/reload.h"
#include "control/state.h"
#include "state/map.h"
#include "store/enrolled.h"

/* A change on its way: built into the configuration, then kept. */
struct enrolment {
	struct reload_change reload;
	struct control *control;
	struct call *call;
};

/* -- asking -- */

static void refuse(struct call *call, struct err *err)
{
	call_answer(call, CALL_REFUSED, err_text(err));
	err_fini(err);
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
	if (!enrol_keys_ok(keys, err))
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

static void enrolment_free(struct enrolment *e)
{
	free(e->reload.change.name);
	free(e->reload.change.text);
	free(e);
}

static void on_kept(void *arg, bool ok)
{
	struct enrolment *e = arg;
	call_answer(e->call, ok ? CALL_KEPT : CALL_LOST,
		ok ? "on this name server, kept over a restart"
		   : "in force, but the store did not keep it: see the log");
	enrolment_free(e);
}

/* A build with the change is in service, or has failed for the reason why. */
static void on_built(struct reload_change *change, const char *why)
{
	struct enrolment *e = (struct enrolment *)change;
	struct control *c = e->control;
	const char *name = change->change.name, *text = change->change.text;

	if (why) {
		log_info("node %s: not %s: %s", name,
			text ? "approved" : "removed", why);
		call_answer(e->call, CALL_REFUSED, why);
		enrolment_free(e);
		return;
	}
	log_info("node %s: %s by the operator", name,
		text ? "approved" : "removed");
	if (text)
		pending_enrolled(c->pending, name);
	if (!c->registered) {
		store_enrolled_keep(c->store, name, text,
			(struct store_waiter){c->mailbox, on_kept, e});
		return;
	}
	store_enrolled_keep(c->store, name, text, (struct store_waiter){0});
	registered_enrolled(c->registered, name, text, e->call);
	enrolment_free(e);
}

static void on_dropped(struct reload_change *change)
{
	struct enrolment *e = (struct enrolment *)change;
	call_free(e->call);
	enrolment_free(e);
}

/* Takes text. */
static void try_change(struct control *c, struct call *call, char *text)
{
	struct enrolment *e = mem_zero(1, sizeof *e);
	*e = (struct enrolment){
		.reload = {.change = {.name = mem_strdup(call->node),
				   .text = text},
			.done = on_built,
			.drop = on_dropped},
		.control = c,
		.call = call};
	reload_with(c, &e->reload);
}

/* -- calls -- */

void enrol_node(struct control *c, struct call *call)
{
	json_t *keys = json_loads(call->keys, 0, NULL);
	struct err err = {0};
	char *text = NULL;

	if (!json_is_object(keys))
		err_add(&err, "not a JSON object");
	else if (may_ask(c, &err) && enrol_name_ok(call->node, &err) &&
		is_free(c, call->node, &err))
		text = text_of(c, call->node, keys, &err);
	json_decref(keys);
	if (text)
		try_change(c, call, text);
	else
		refuse(call, &err);
}

void enrol_remove(struct control *c, struct call *call)
{
	struct err err = {0};
	if (may_ask(c, &err) &&
		is_kept(c->built->conf->store, call->node, &err)) {
		try_change(c, call, NULL);
		return;
	}
	if (!err.count)
		err_add(&err, "there is no approved node '%.63s'", call->node);
	refuse(call, &err);
}

/* -- keys from words -- */

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

char *enrol_keys(char **words, unsigned n, struct err *err)
{
	json_t *keys = json_object();

	for (unsigned i = 0; i < n && !err->count; i += 2) {
		json_t *value = NULL;
		if (!strncmp(words[i], "--", 2) && i + 1 < n)
			value = word_json(words[i] + 2, words[i + 1]);
		if (!value || json_object_set_new(keys, words[i] + 2, value))
			err_add(err, "%s: --KEY VALUE is expected", words[i]);
	}
	char *text = err->count ? NULL : json_dumps(keys, 0);
	json_decref(keys);
	return text;
}
