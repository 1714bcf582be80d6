#include "control/registered.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/enrol_rules.h"
#include "control/joined.h"
#include "control/keep.h"
#include "control/publish.h"
#include "control/schedule.h"
#include "control/state.h"
#include "etcd/etcd.h"
#include "fleet/fleet.h"
#include "registry/expect.h"
#include "registry/registry.h"
#include "snapshot/servers.h"
#include "store/registry.h"

#define ANSWER_MS \
	3000          /* a call is answered after so long, whatever etcd does */
#define AGAIN_MS 1000 /* what was not confirmed is sent again */
#define CONFLICTS_MAX 20

/* A call that waits for its change to be on disk, and to end in etcd. */
struct waiting {
	struct waiting *next;
	struct registered *registered; /* NULL: gone */
	struct call *call;
	char key[REGISTRY_KEY_MAX], by[64];
	bool on_disk, kept; /* the store has ended; well */
	bool ended;
	enum registry_end end;
	int64_t until_ms;
};

struct registered {
	struct control *control;
	struct registry *registry;
	struct etcd *etcd; /* NULL: not yet */
	char name[64];
	bool connected;
	char why[160];    /* it is not */
	char unsure[160]; /* why the last change has no answer; "": it has */
	int64_t sent_again_ms;
	struct waiting *waiting;
	/* Rows to be kept at the end of what is under way. */
	struct store_shared *rows;
	unsigned n_rows, room;
	const char *enrolled; /* this node is in service already */
	bool publish;         /* when what is under way has ended */
	bool news;
	struct joined *joined; /* nodes that come and go */
	unsigned n_conflicts;
	struct servers_line conflict[CONFLICTS_MAX]; /* the last ones */
};

/* -- keys -- */

/* What stands behind a class of keys; NULL: it is of another. */
static const char *key_of(const char *key, const char *class)
{
	size_t n = strlen(class);
	return strncmp(key, class, n) ? NULL : key + n;
}

bool registered_has(const char *key)
{
	return key_of(key, "nodes/") || key_of(key, "drains/") ||
		key_of(key, "expect/") || !strcmp(key, REGISTRY_MARK);
}

static json_t *value_json(const char *value)
{
	json_t *json = value ? json_loads(value, 0, NULL) : NULL;
	if (json)
		json_object_del(json, "by");
	return json;
}

static int64_t id_of(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n && n <= 18 && !text[n] ? atoll(text) : 0;
}

/* The text of a node as enrolled.c has it; NULL: it is removed. The caller's. */
static char *node_text(const char *value)
{
	json_t *json = value_json(value);
	char *text = json && !json_is_true(json_object_get(json, "removed"))
		? json_dumps(json, 0)
		: NULL;
	json_decref(json);
	return text;
}

/* -- what the registry asks -- */

static bool drain_ok(const char *name, json_t *json, struct err *err)
{
	return enrol_name_ok(name, err) &&
		(json_is_boolean(json_object_get(json, "drained")) ||
			err_add(err, "drained: not true or false"));
}

static bool node_ok(const char *name, json_t *json, struct err *err)
{
	return enrol_name_ok(name, err) &&
		(json_is_true(json_object_get(json, "removed")) ||
			enrol_keys_ok(json, err));
}

static bool expect_ok(const char *id, json_t *json, struct err *err)
{
	struct conf_expect entry;
	return (id_of(id) || err_add(err, "the id is no whole number")) &&
		expect_parse(json, &entry, err);
}

static bool on_check(
	void *arg, const char *key, const char *value, struct err *err)
{
	json_t *json = value_json(value);
	const char *rest;
	bool ok = false;
	if ((rest = key_of(key, "drains/")))
		ok = drain_ok(rest, json, err);
	else if ((rest = key_of(key, "nodes/")))
		ok = node_ok(rest, json, err);
	else if ((rest = key_of(key, "expect/")))
		ok = expect_ok(rest, json, err);
	json_decref(json);
	return ok;
}

static void drain_in_force(struct registered *r, const char *name,
	const char *value, const char *by)
{
	json_t *json = value_json(value);
	bool drained = json_is_true(json_object_get(json, "drained"));
	json_decref(json);
	r->publish |= keep_drained(
		r->control, name, drained, strcmp(by, r->name) ? by : NULL);
}

static void expect_in_force(
	struct registered *r, const char *id, const char *value)
{
	struct conf_expect entry;
	struct err none = {0};
	json_t *json = value_json(value);
	if (json && expect_parse(json, &entry, &none)) {
		entry.id = id_of(id);
		schedule_put(r->control, &entry);
	} else {
		schedule_drop(r->control, id_of(id));
	}
	json_decref(json);
	err_fini(&none);
}

static void on_in_force(
	void *arg, const char *key, const char *value, const char *by)
{
	struct registered *r = arg;
	const char *rest;
	r->news = true;
	if ((rest = key_of(key, "drains/")))
		drain_in_force(r, rest, value, by);
	else if ((rest = key_of(key, "expect/")))
		expect_in_force(r, rest, value);
	else if ((rest = key_of(key, "nodes/")) &&
		(!r->enrolled || strcmp(r->enrolled, rest)))
		joined_add(r->joined, rest, node_text(value), by);
}

static void on_keep(void *arg, const struct registry_row *row)
{
	struct registered *r = arg;
	if (!r->control->store)
		return;
	if (r->n_rows == r->room) {
		r->room += r->room / 2 + 16;
		r->rows = mem_grow(r->rows, r->room * sizeof *r->rows);
	}
	r->rows[r->n_rows++] =
		(struct store_shared){.key = mem_strdup(row->key),
			.value = row->value ? mem_strdup(row->value) : NULL,
			.wanted = row->wanted ? mem_strdup(row->wanted) : NULL,
			.revision = row->revision,
			.base = row->base};
}

static void registered_end(struct registered *r, struct store_waiter waiter);

static void on_changed(void *arg, const char *key, enum etcd_result result,
	int64_t revision, const char *why)
{
	static const enum registry_answer answers[] = {
		[ETCD_DONE] = REGISTRY_TAKEN,
		[ETCD_CONFLICT] = REGISTRY_STALE,
		[ETCD_UNSURE] = REGISTRY_UNKNOWN};
	struct registered *r = arg;
	*r->unsure = '\0';
	if (result == ETCD_UNSURE)
		snprintf(r->unsure, sizeof r->unsure, "%s%s",
			strncmp(why, "etcd", 4) ? "etcd has not answered: "
						: "",
			why);
	registry_answer(r->registry, key, answers[result], revision);
	registered_end(r, (struct store_waiter){0});
}

static void on_send(void *arg, const char *key, const char *value, int64_t base)
{
	struct registered *r = arg;
	assert(r->etcd);
	etcd_change(r->etcd, key, value, base, on_changed, r);
}

static void note_conflict(struct registered *r, const char *key, const char *by)
{
	unsigned at = r->n_conflicts++ % CONFLICTS_MAX;
	struct servers_line *line = &r->conflict[at];
	*line = (struct servers_line){.at_ms = clock_ms()};
	snprintf(line->key, sizeof line->key, "%s", key);
	snprintf(line->text, sizeof line->text,
		"a change here was not taken: %.63s changed it meanwhile",
		*by ? by : "another program");
	log_warn("etcd: %s: %s", line->key, line->text);
}

static void on_ended(
	void *arg, const char *key, enum registry_end end, const char *by)
{
	struct registered *r = arg;
	for (struct waiting *w = r->waiting; w; w = w->next) {
		if (strcmp(w->key, key) || w->ended)
			continue;
		w->ended = true;
		w->end = end;
		snprintf(w->by, sizeof w->by, "%s", by);
	}
	if (end == REGISTRY_CONFLICT)
		note_conflict(r, key, by);
	r->news = true;
}

static void on_refused(void *arg, const char *key, const char *why)
{
	struct registered *r = arg;
	log_warn("etcd: %s is refused: %s", key, why);
	r->news = true;
}

/* -- calls that wait -- */

/* Why a change has not ended, in two parts. */
static const char *why_pending(const struct registered *r, const char **more)
{
	enum registry_state state = registry_state(r->registry);
	*more = "";
	if (!r->connected)
		return *r->why ? r->why : "etcd is not connected yet";
	if (state == REGISTRY_OURS || state == REGISTRY_MARKING)
		return *r->unsure ? r->unsure : "etcd has not answered yet";
	*more = registry_states[state];
	return "the registry in etcd is ";
}

static void answer_pending(struct registered *r, const struct waiting *w)
{
	bool has_store = r->control->store != NULL;
	const char *more, *why = why_pending(r, &more);
	const char *until = !has_store ? "; until a restart: there is no store"
		: !w->kept
		? "; until a restart: the store cannot be written (see the log)"
		: "";
	char text[400];
	snprintf(text, sizeof text, "here; pending: %s%s%s", why, more, until);
	call_answer(w->call,
		!has_store         ? CALL_NO_STORE
			: !w->kept ? CALL_LOST
				   : CALL_KEPT,
		text);
}

static void answer(struct registered *r, const struct waiting *w)
{
	char text[320];
	if (!w->ended) {
		answer_pending(r, w);
	} else if (w->end == REGISTRY_CONFLICT) {
		snprintf(text, sizeof text,
			"conflict: %s changed %s meanwhile, and that is in force; look, and give it again",
			*w->by ? w->by : "another program", w->key);
		call_answer(w->call, CALL_CONFLICT, text);
	} else {
		w->call->everywhere = true;
		call_answer(w->call, CALL_KEPT, "everywhere");
	}
}

/* Whether etcd may still say something in time. */
static bool is_hopeful(const struct registered *r, const struct waiting *w)
{
	enum registry_state state = registry_state(r->registry);
	return !w->ended && r->connected && clock_ms() < w->until_ms &&
		(state == REGISTRY_OURS || state == REGISTRY_MARKING);
}

static void answer_ready(struct registered *r)
{
	struct waiting **p = &r->waiting;
	while (*p) {
		struct waiting *w = *p;
		if (!w->on_disk || is_hopeful(r, w)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		answer(r, w);
		free(w);
	}
}

static void on_disk(void *arg, bool ok)
{
	struct waiting *w = arg;
	struct registered *r = w->registered;
	w->on_disk = true;
	w->kept = ok;
	answer_ready(r);
}

/* The end of what was under way: rows go to the store, the fleet is published. */
static void registered_end(struct registered *r, struct store_waiter waiter)
{
	struct control *c = r->control;
	if (c->store && (r->n_rows || waiter.done)) {
		store_shared_keep(c->store, r->rows, r->n_rows, waiter);
		r->rows = NULL;
		r->n_rows = r->room = 0;
	} else if (waiter.done) {
		waiter.done(waiter.arg, true);
	}
	joined_go(r->joined);
	if (r->publish)
		publish_now(c);
	r->publish = false;
	answer_ready(r);
}

void registered_change(struct registered *r, const char *key, const char *value,
	struct call *call)
{
	struct waiting *w = NULL;
	if (call) {
		w = mem_zero(1, sizeof *w);
		w->registered = r;
		w->call = call;
		snprintf(w->key, sizeof w->key, "%s", key);
		w->until_ms = clock_ms() + ANSWER_MS;
		w->next = r->waiting;
		r->waiting = w;
	}
	registry_want(r->registry, key, value);
	registered_end(r,
		w ? (struct store_waiter){r->control->mailbox, on_disk, w}
		  : (struct store_waiter){0});
}

void registered_enrolled(struct registered *r, const char *name,
	const char *text, struct call *call)
{
	char key[REGISTRY_KEY_MAX];
	snprintf(key, sizeof key, "nodes/%s", name);
	r->enrolled = name;
	joined_set(r->joined, name, text);
	registered_change(r, key, text ? text : "{\"removed\": true}", call);
	r->enrolled = NULL;
}

void registered_command(struct registered *r, struct call *call)
{
	struct err err = {0};
	bool seed = call->kind == CALL_SEED;
	bool ok = seed ? registry_seed(r->registry, &err)
		       : registry_adopt(r->registry, &err);
	registered_end(r, (struct store_waiter){0});
	r->news = true;
	if (ok)
		log_warn("etcd: the registry is %s by the operator",
			seed ? "seeded from this name server" : "adopted");
	call_answer(call, ok ? CALL_KEPT : CALL_REFUSED,
		!ok            ? err_text(&err)
			: seed ? "what is in force here goes to etcd"
			       : "what etcd has is in force here");
	err_fini(&err);
}

/* -- etcd -- */

static struct registry_item *items_of(const struct etcd_item *items, unsigned n)
{
	struct registry_item *out = mem_zero(n + 1, sizeof *out);
	for (unsigned i = 0; i < n; i++)
		out[i] = (struct registry_item){
			items[i].key, items[i].value, items[i].revision};
	return out;
}

/* What etcd is to this server has changed: said once. */
static void log_state(struct registered *r, enum registry_state before)
{
	enum registry_state now = registry_state(r->registry);
	if (now == before)
		return;
	if (now == REGISTRY_OURS)
		log_info("etcd: the registry is in force");
	else if (now != REGISTRY_MARKING)
		log_warn(
			"etcd: the registry is %s: what this name server has stays in force (dnsd ctl registry seed or adopt)",
			registry_states[now]);
}

void registered_all(struct registered *r, int64_t revision,
	const struct etcd_item *items, unsigned n)
{
	enum registry_state before = registry_state(r->registry);
	struct registry_item *own = items_of(items, n);
	registry_all(r->registry, revision, own, n);
	free(own);
	log_state(r, before);
	registered_end(r, (struct store_waiter){0});
	r->news = true;
}

void registered_changed(
	struct registered *r, const struct etcd_item *items, unsigned n)
{
	enum registry_state before = registry_state(r->registry);
	struct registry_item *own = items_of(items, n);
	registry_changed(r->registry, own, n);
	free(own);
	log_state(r, before);
	registered_end(r, (struct store_waiter){0});
	r->news = true;
}

void registered_connected(struct registered *r, const char *why)
{
	r->connected = !why;
	snprintf(r->why, sizeof r->why, "%s", why ? why : "");
	registry_connected(r->registry, r->connected);
	registered_end(r, (struct store_waiter){0});
	r->news = true;
}

void registered_step(struct registered *r)
{
	int64_t now_ms = clock_ms();
	answer_ready(r);
	if (!r->connected || now_ms - r->sent_again_ms < AGAIN_MS)
		return;
	r->sent_again_ms = now_ms;
	registry_connected(r->registry, true);
}

void registered_renumber(struct registered *r)
{
	for (unsigned i = 0; i < registry_count(r->registry); i++) {
		const struct registry_row *row =
			registry_row_at(r->registry, i);
		const char *name = key_of(row->key, "drains/");
		json_t *json = name ? value_json(registry_value(row)) : NULL;
		int node =
			name ? map_find_node(r->control->built->map, name) : -1;
		if (node >= 0)
			fleet_drain(r->control->fleet, (unsigned)node,
				json_is_true(json_object_get(json, "drained")));
		json_decref(json);
	}
}

/* -- what is shown -- */

bool registered_news(struct registered *r)
{
	bool news = r->news;
	r->news = false;
	return news;
}

void registered_report(const struct registered *r, struct servers *out)
{
	enum registry_state state = registry_state(r->registry);
	unsigned first = r->n_conflicts > CONFLICTS_MAX
		? r->n_conflicts - CONFLICTS_MAX
		: 0;
	out->registry = registry_states[state];
	out->in_force = state == REGISTRY_OURS;
	for (unsigned i = 0; i < registry_count(r->registry); i++) {
		const struct registry_row *row =
			registry_row_at(r->registry, i);
		if (row->wanted && strcmp(row->key, REGISTRY_MARK))
			servers_add(&out->pending, row->key, row->wanted);
		if (row->refused)
			servers_add(&out->refused, row->key, row->refused);
	}
	joined_report(r->joined, &out->refused);
	for (unsigned i = first; i < r->n_conflicts; i++) {
		const struct servers_line *line =
			&r->conflict[i % CONFLICTS_MAX];
		servers_add(&out->conflicts, line->key, line->text);
		out->conflicts.line[out->conflicts.n - 1].at_ms = line->at_ms;
	}
}

/* -- begin and end -- */

/* The store may have kept a row and not what it means: after a kill between both. */
static void put_in_force(struct registered *r)
{
	for (unsigned i = 0; i < registry_count(r->registry); i++) {
		const struct registry_row *row =
			registry_row_at(r->registry, i);
		const char *value = registry_value(row);
		char by[64];
		registry_author(value, by, sizeof by);
		on_in_force(r, row->key, value, by);
	}
}

/* What was in force while this server was alone. */
static void offer_drains(struct registered *r)
{
	const struct map *map = r->control->built->map;
	char key[REGISTRY_KEY_MAX];
	for (unsigned i = 0; i < map->n_nodes; i++) {
		if (!map->nodes[i].name ||
			!fleet_node(r->control->fleet, i)->drained)
			continue;
		snprintf(key, sizeof key, "drains/%s", map->nodes[i].name);
		registry_offer(r->registry, key, "{\"drained\": true}");
	}
}

static void offer_entry(void *arg, const struct conf_expect *entry)
{
	struct registered *r = arg;
	char key[REGISTRY_KEY_MAX];
	char *value = expect_text(entry);
	snprintf(key, sizeof key, "expect/%lld", (long long)entry->id);
	registry_offer(r->registry, key, value);
	free(value);
}

static void offer_node(void *arg, const char *name, const char *text)
{
	struct registered *r = arg;
	char key[REGISTRY_KEY_MAX];
	snprintf(key, sizeof key, "nodes/%s", name);
	r->enrolled = name;
	registry_offer(r->registry, key, text);
	r->enrolled = NULL;
}

static void take_kept(struct registered *r)
{
	struct store_shared *rows = NULL;
	unsigned n = 0;
	struct err err = {0};
	if (r->control->store &&
		!store_shared_load(r->control->store, &rows, &n, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	for (unsigned i = 0; i < n; i++) {
		struct registry_row row = {.key = rows[i].key,
			.value = rows[i].value,
			.wanted = rows[i].wanted,
			.revision = rows[i].revision,
			.base = rows[i].base};
		if (strlen(row.key) < REGISTRY_KEY_MAX &&
			registered_has(row.key))
			registry_restore(r->registry, &row);
	}
	store_shared_free(rows, n);
	err_fini(&err);
}

struct registered *registered_new(struct control *c, const char *name)
{
	struct registered *r = mem_zero(1, sizeof *r);
	struct registry_events events = {.arg = r,
		.check = on_check,
		.in_force = on_in_force,
		.keep = on_keep,
		.send = on_send,
		.ended = on_ended,
		.refused = on_refused};
	uint64_t id[2];
	char mark[40];

	rng_secret(id, sizeof id);
	snprintf(mark, sizeof mark, "%016llx%016llx", (unsigned long long)id[0],
		(unsigned long long)id[1]);
	r->control = c;
	strncpy(r->name, name, sizeof r->name - 1);
	r->registry = registry_new(name, mark, &events);
	r->joined = joined_new(c);
	r->news = true;
	take_kept(r);
	put_in_force(r);
	if (!registry_has_copy(r->registry)) {
		offer_drains(r);
		schedule_each(c, offer_entry, r);
		joined_each(r->joined, offer_node, r);
	}
	registered_end(r, (struct store_waiter){0});
	return r;
}

void registered_use(struct registered *r, struct etcd *etcd)
{
	r->etcd = etcd;
}

void registered_free(struct registered *r)
{
	if (!r)
		return;
	while (r->waiting) {
		struct waiting *w = r->waiting;
		r->waiting = w->next;
		call_free(w->call);
		free(w);
	}
	store_shared_free(r->rows, r->n_rows);
	joined_free(r->joined);
	registry_free(r->registry);
	free(r);
}
