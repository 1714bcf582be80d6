#include "registry/registry.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "registry/rows.h"

#define MARK_ID_MAX 64

const char *const registry_states[] = {"not read yet", "in force",
	"wiped: its mark is gone", "another registry",
	"set back: older than this server's copy", "its mark is being written"};

/* What a mark says; id "": nothing. */
struct mark {
	char id[MARK_ID_MAX + 1], replaces[MARK_ID_MAX + 1];
	int64_t seeds;
};

struct registry {
	char name[64];
	struct registry_events events;
	enum registry_state state;
	bool connected;
	struct rows rows;
	struct mark mark; /* of this server's copy; id "": it has no copy */
	char new_id[MARK_ID_MAX + 1];
};

/* -- values -- */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static char *copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

/* "" is a deletion where a change is meant. */
static const char *as_value(const char *change)
{
	return change && *change ? change : NULL;
}

static json_t *object_of(const char *value)
{
	json_t *object = value ? json_loads(value, 0, NULL) : NULL;
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

static void text_of(json_t *object, const char *key, char *out, size_t room)
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t n = text ? strlen(text) : 0;
	memset(out, 0, room);
	if (n && n < room)
		memcpy(out, text, n);
}

void registry_author(const char *value, char *by, size_t room)
{
	json_t *object = object_of(value);
	text_of(object, "by", by, room);
	json_decref(object);
}

/* The same but for the author. */
static bool says_the_same(const char *a, const char *b)
{
	json_t *x = object_of(a), *y = object_of(b);
	if (x)
		json_object_del(x, "by");
	if (y)
		json_object_del(y, "by");
	bool equal = x && y ? json_equal(x, y) : !a && !b;
	json_decref(x);
	json_decref(y);
	return equal;
}

static char *with_author(const struct registry *r, const char *value)
{
	json_t *object = object_of(value);
	assert(object);
	json_object_set_new(object, "by", json_string(r->name));
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static struct mark mark_of(const char *value)
{
	struct mark mark;
	json_t *object = object_of(value);
	text_of(object, "id", mark.id, sizeof mark.id);
	text_of(object, "replaces", mark.replaces, sizeof mark.replaces);
	mark.seeds = json_integer_value(json_object_get(object, "seeds"));
	json_decref(object);
	return mark;
}

const char *registry_value(const struct registry_row *row)
{
	return row->wanted ? as_value(row->wanted) : row->value;
}

/* -- rows -- */

static bool is_mark(const char *key)
{
	return !strcmp(key, REGISTRY_MARK);
}

/* What a change of the row is based on from now on. */
static int64_t base_of(const struct registry_row *row)
{
	return row->value || row->refused ? row->revision : 0;
}

static void set(char **field, const char *text)
{
	char *new = copy(text);
	free(*field);
	*field = new;
}

/* After a change of a row: the owner is to keep it, and hears of its value if that is
 * not what was in force before the change. Frees `before`; drops an empty row. */
static void row_changed(
	struct registry *r, struct registry_row *row, char *before)
{
	const char *now = registry_value(row);
	char by[64];

	r->events.keep(r->events.arg, row);
	if (!same(before, now)) {
		registry_author(now, by, sizeof by);
		r->events.in_force(r->events.arg, row->key, now, by);
	}
	free(before);
	if (!row->value && !row->wanted && !row->refused && !row->seen)
		rows_drop(&r->rows, row->key);
}

static void row_send(struct registry *r, struct registry_row *row)
{
	bool may = r->state == REGISTRY_OURS || r->state == REGISTRY_MARKING;
	if (!may || !r->connected || !row->wanted || row->sent)
		return;
	row->sent = row->tried = true;
	row->replaced = false;
	row->sent_base = row->base;
	set(&row->sending, row->wanted);
	r->events.send(
		r->events.arg, row->key, as_value(row->wanted), row->base);
}

static void wanted_ends(
	struct registry *r, struct registry_row *row, enum registry_end end)
{
	bool tell = !row->offered;
	char by[64] = "";

	set(&row->wanted, NULL);
	row->offered = row->tried = row->doubtful = false;
	if (end == REGISTRY_CONFLICT)
		registry_author(row->value, by, sizeof by);
	if (tell && !is_mark(row->key))
		r->events.ended(r->events.arg, row->key, end, by);
}

/* Bases the change on what etcd has now: what was sent before has no effect any more. */
static void wanted_rebase(struct registry_row *row)
{
	row->base = base_of(row);
	row->tried = row->doubtful = false;
}

/* What becomes of this server's change now that etcd has another value; was: the one
 * that it is based on. */
static void wanted_meets(struct registry *r, struct registry_row *row,
	const char *was, bool reseeded)
{
	const char *wanted = as_value(row->wanted);
	bool agrees = says_the_same(row->value, wanted);
	char by[64];

	registry_author(row->value, by, sizeof by);
	bool own = !strcmp(by, r->name);
	bool taken = !wanted || row->offered || is_mark(row->key) ||
		(own && !row->doubtful);
	if (agrees && taken)
		wanted_ends(r, row, REGISTRY_DONE);
	else if (agrees || own || (reseeded && same(was, row->value)))
		wanted_rebase(row);
	else
		wanted_ends(r, row, REGISTRY_CONFLICT);
}

static bool value_ok(
	struct registry *r, const char *key, const char *value, struct err *err)
{
	json_t *object = object_of(value);
	bool ok = object != NULL;
	json_decref(object);
	if (strlen(value) > REGISTRY_VALUE_MAX)
		return err_add(
			err, "longer than %d octets", REGISTRY_VALUE_MAX);
	if (!ok)
		return err_add(err, "not a JSON object");
	return is_mark(key) || r->events.check(r->events.arg, key, value, err);
}

/* A value that may not be in force is passed over: its revision counts, the value
 * before stays. */
static void row_refuse(
	struct registry *r, struct registry_row *row, const char *why)
{
	bool is_new = !same(row->refused, why);
	set(&row->refused, why);
	if (is_new)
		r->events.refused(r->events.arg, row->key, why);
	if (row->wanted) /* to put a good one in its place is an answer to it */
		wanted_rebase(row);
	r->events.keep(r->events.arg, row);
}

/* Etcd has this value of the key. */
static void take(struct registry *r, const char *key, const char *value,
	int64_t revision, bool reseeded)
{
	struct registry_row *row = rows_get(&r->rows, key);
	struct err err = {0};

	if (!row && (!value || r->rows.n >= REGISTRY_ROWS_MAX))
		return;
	if (!row)
		row = rows_add(&r->rows, key);
	row->revision = revision;
	if (value && !value_ok(r, key, value, &err)) {
		row_refuse(r, row, err_text(&err));
		err_fini(&err);
		return;
	}
	char *before = copy(registry_value(row)), *was = row->value;
	row->value = copy(value);
	set(&row->refused, NULL);
	if (row->wanted)
		wanted_meets(r, row, was, reseeded);
	free(was);
	row_send(r, row);
	row_changed(r, row, before);
}

/* -- the mark -- */

/* What etcd is if its mark is this one. *reseeded: revisions of before say nothing. */
static enum registry_state state_by(
	const struct registry *r, const char *value, bool *reseeded)
{
	struct mark mark = mark_of(value);
	*reseeded = false;
	if (!*r->mark.id)
		return value && *mark.id ? REGISTRY_OURS
			: value          ? REGISTRY_OTHER
					 : REGISTRY_MARKING;
	if (!value)
		return REGISTRY_WIPED;
	bool is_heir = *mark.replaces && !strcmp(mark.replaces, r->mark.id);
	if (!is_heir && strcmp(mark.id, r->mark.id))
		return REGISTRY_OTHER;
	*reseeded = is_heir || mark.seeds > r->mark.seeds;
	return *reseeded || mark.seeds == r->mark.seeds ? REGISTRY_OURS
							: REGISTRY_BACK;
}

/* Writes the mark when all else that this server wants is there. */
static void mark_send(struct registry *r)
{
	struct registry_row *row;
	if (r->state != REGISTRY_MARKING || registry_pending(r))
		return;
	row = rows_get(&r->rows, REGISTRY_MARK);
	if (!row)
		row = rows_add(&r->rows, REGISTRY_MARK);
	if (row->sent)
		return;
	struct mark seen = mark_of(row->seen);
	bool first = !*r->mark.id;
	json_t *mark = json_pack("{s:s, s:I}", "id",
		first ? r->new_id : r->mark.id, "seeds",
		(json_int_t)(first
				? 1
				: (seen.seeds > r->mark.seeds ? seen.seeds
							      : r->mark.seeds) +
					1));
	if (*seen.id && strcmp(seen.id, r->mark.id))
		json_object_set_new(mark, "replaces", json_string(seen.id));
	char *value = json_dumps(mark, JSON_COMPACT);
	set(&row->wanted, value);
	row->base = row->seen ? row->seen_revision : 0;
	row_send(r, row);
	free(value);
	json_decref(mark);
}

/* -- what etcd has -- */

static void see(struct registry *r, const char *key, const char *value,
	int64_t revision)
{
	struct registry_row *row = rows_get(&r->rows, key);
	if (!row && (!value || r->rows.n >= REGISTRY_ROWS_MAX))
		return;
	if (!row)
		row = rows_add(&r->rows, key);
	set(&row->seen, value);
	row->seen_revision = value ? revision : 0;
}

/* Whether the copy has what etcd does not know yet. */
static bool is_back(const struct registry *r, int64_t revision)
{
	for (unsigned i = 0; i < r->rows.n; i++) {
		const struct registry_row *row = r->rows.at[i];
		if (row->revision > revision ||
			(row->seen && row->seen_revision < row->revision))
			return true;
	}
	return false;
}

/* What was seen is taken, all of it: what is not there is a deletion. From the last
 * row on: one that says nothing then goes. */
static void take_seen(struct registry *r, int64_t revision, bool reseeded)
{
	for (unsigned i = r->rows.n; i-- > 0;) {
		struct registry_row *row = r->rows.at[i];
		char *value = row->seen;
		int64_t at = value ? row->seen_revision : revision;
		bool known = value
			? row->revision == at && !row->refused && row->value
			: !base_of(row) && !(row->wanted && row->base);
		row->seen = NULL;
		if (!known || reseeded)
			take(r, row->key, value, at, reseeded);
		free(value);
	}
}

static void become(struct registry *r, enum registry_state state)
{
	const struct registry_row *row = rows_get(&r->rows, REGISTRY_MARK);
	r->state = state;
	if (state == REGISTRY_OURS && row && row->value)
		r->mark = mark_of(row->value);
	registry_connected(r, r->connected);
}

void registry_all(struct registry *r, int64_t revision,
	const struct registry_item *items, unsigned n)
{
	bool reseeded;
	for (unsigned i = 0; i < r->rows.n; i++)
		set(&r->rows.at[i]->seen, NULL);
	for (unsigned i = 0; i < n; i++)
		if (strlen(items[i].key) < REGISTRY_KEY_MAX)
			see(r, items[i].key, items[i].value, items[i].revision);
	const struct registry_row *mark = rows_get(&r->rows, REGISTRY_MARK);
	enum registry_state state =
		state_by(r, mark ? mark->seen : NULL, &reseeded);
	if (state == REGISTRY_OURS && !reseeded && *r->mark.id &&
		is_back(r, revision))
		state = REGISTRY_BACK;
	r->state = state;
	if (state == REGISTRY_OURS || state == REGISTRY_MARKING)
		take_seen(r, revision, reseeded);
	become(r, state);
}

static const struct registry_item *mark_among(
	const struct registry_item *items, unsigned n)
{
	for (unsigned i = n; i-- > 0;)
		if (is_mark(items[i].key))
			return &items[i];
	return NULL;
}

static int64_t last_revision(const struct registry_item *items, unsigned n)
{
	int64_t last = 0;
	for (unsigned i = 0; i < n; i++)
		if (items[i].revision > last)
			last = items[i].revision;
	return last;
}

void registry_changed(
	struct registry *r, const struct registry_item *items, unsigned n)
{
	const struct registry_item *mark = mark_among(items, n);
	enum registry_state state = r->state;
	bool reseeded = false;

	/* A mark that goes with all the rest takes nothing with it. */
	if (mark)
		state = state_by(r, mark->value, &reseeded);
	bool ours = state == REGISTRY_OURS || state == REGISTRY_MARKING;
	bool held = r->state != REGISTRY_OURS && r->state != REGISTRY_MARKING;
	for (unsigned i = 0; i < n; i++) {
		const struct registry_item *item = &items[i];
		const struct registry_row *row = rows_get(&r->rows, item->key);
		if (strlen(item->key) >= REGISTRY_KEY_MAX)
			continue;
		if (!ours || held)
			see(r, item->key, item->value, item->revision);
		else if (!row || item->revision > row->revision)
			take(r, item->key, item->value, item->revision, false);
	}
	if (ours && held)
		take_seen(r, last_revision(items, n), true);
	become(r, state);
}

/* -- what this server wants -- */

static void want(
	struct registry *r, const char *key, const char *value, bool offered)
{
	struct registry_row *row = rows_get(&r->rows, key);
	if (!row && r->rows.n >= REGISTRY_ROWS_MAX)
		return;
	if (!row)
		row = rows_add(&r->rows, key);
	char *before = copy(registry_value(row));
	/* What is so already is written as well: it may be another in etcd, of
	 * which this server has not heard yet. */
	if (!row->wanted)
		row->base = base_of(row);
	else if (row->tried)
		row->doubtful = true;
	row->tried = false;
	row->replaced = row->sent;
	row->offered = offered;
	free(row->wanted);
	row->wanted = value ? with_author(r, value) : mem_strdup("");
	row_send(r, row);
	row_changed(r, row, before);
}

void registry_offer(struct registry *r, const char *key, const char *value)
{
	const struct registry_row *row = rows_get(&r->rows, key);
	assert(!registry_has_copy(r));
	if (!row || !row->wanted) /* an operator's later word counts */
		want(r, key, value, true);
}

void registry_want(struct registry *r, const char *key, const char *value)
{
	assert(!is_mark(key) && strlen(key) < REGISTRY_KEY_MAX);
	want(r, key, value, false);
}

/* Etcd took what was sent. The watch may have reported that value before the answer came. */
static void row_taken(
	struct registry *r, struct registry_row *row, int64_t revision)
{
	char *sent = row->sending;
	row->sending = NULL;
	if (!row->replaced)
		row->doubtful = false;
	if (revision > row->revision) {
		take(r, row->key, as_value(sent), revision, false);
	} else if (row->wanted && !row->replaced) {
		char *before = copy(registry_value(row));
		wanted_ends(r, row, REGISTRY_DONE);
		row_changed(r, row, before);
	}
	free(sent);
}

void registry_answer(struct registry *r, const char *key,
	enum registry_answer answer, int64_t revision)
{
	struct registry_row *row = rows_get(&r->rows, key);
	if (!row || !row->sent)
		return;
	row->sent = false;
	if (answer == REGISTRY_TAKEN)
		row_taken(r, row, revision);
	else
		set(&row->sending, NULL);
	row = rows_get(&r->rows, key);
	if (row && row->base != row->sent_base)
		row_send(r, row);
	if (answer == REGISTRY_TAKEN && is_mark(key))
		become(r, REGISTRY_OURS);
	else
		mark_send(r);
}

void registry_connected(struct registry *r, bool connected)
{
	r->connected = connected;
	for (unsigned i = 0; i < r->rows.n; i++)
		if (!is_mark(r->rows.at[i]->key))
			row_send(r, r->rows.at[i]);
	mark_send(r);
}

/* -- commands -- */

static bool is_held(const struct registry *r, struct err *err)
{
	if (r->state == REGISTRY_UNREAD)
		return err_add(err, "etcd was not read yet");
	return r->state == REGISTRY_OURS || r->state == REGISTRY_MARKING
		? err_add(err, "the registry in etcd is %s",
			  registry_states[r->state])
		: true;
}

/* Etcd's value is what there is, if it may be: nothing is asked of it now. */
static void row_take_seen(struct registry *r, struct registry_row *row)
{
	struct err err = {0};
	row->revision = row->base = row->seen ? row->seen_revision : 0;
	set(&row->value, NULL);
	set(&row->refused, NULL);
	if (row->seen && value_ok(r, row->key, row->seen, &err))
		row->value = row->seen;
	else if (row->seen)
		row->refused = mem_strdup(err_text(&err));
	if (row->value != row->seen)
		free(row->seen);
	row->seen = NULL;
	err_fini(&err);
}

/* What is in force becomes what is wanted, upon what etcd has. */
static void row_seed(struct registry *r, struct registry_row *row)
{
	char *in_force = copy(registry_value(row));

	row_take_seen(r, row);
	row->sent = false;
	free(row->wanted);
	row->wanted = mem_strdup(in_force ? in_force : "");
	if (!row->refused && same(in_force, row->value))
		set(&row->wanted, NULL);
	row->offered = true;
	row_changed(r, row, in_force);
}

bool registry_seed(struct registry *r, struct err *err)
{
	if (!is_held(r, err))
		return false;
	r->state = REGISTRY_MARKING;
	for (unsigned i = r->rows.n; i-- > 0;)
		if (!is_mark(r->rows.at[i]->key))
			row_seed(r, r->rows.at[i]);
	registry_connected(r, r->connected);
	return true;
}

bool registry_adopt(struct registry *r, struct err *err)
{
	const struct registry_row *mark = rows_get(&r->rows, REGISTRY_MARK);
	if (!is_held(r, err))
		return false;
	if (!mark || !mark->seen || !*mark_of(mark->seen).id)
		return err_add(err, "there is no registry in etcd");
	r->state = REGISTRY_OURS;
	for (unsigned i = r->rows.n; i-- > 0;) {
		struct registry_row *row = r->rows.at[i];
		char *before = copy(registry_value(row));
		if (row->wanted)
			wanted_ends(r, row, REGISTRY_CONFLICT);
		row_changed(r, row, before);
	}
	take_seen(r, mark->seen_revision, true);
	become(r, REGISTRY_OURS);
	return true;
}

/* -- begin and end, reading -- */

struct registry *registry_new(const char *name, const char *mark,
	const struct registry_events *events)
{
	struct registry *r = mem_zero(1, sizeof *r);
	strncpy(r->name, name, sizeof r->name - 1);
	strncpy(r->new_id, mark, sizeof r->new_id - 1);
	r->events = *events;
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	rows_fini(&r->rows);
	free(r);
}

void registry_restore(struct registry *r, const struct registry_row *kept)
{
	struct registry_row *row = rows_get(&r->rows, kept->key);
	if (!row)
		row = rows_add(&r->rows, kept->key);
	set(&row->value, kept->value);
	set(&row->wanted, kept->wanted);
	row->revision = kept->revision;
	row->base = kept->base;
	row->doubtful = kept->wanted; /* what was sent before is not kept */
	if (is_mark(kept->key) && kept->value)
		r->mark = mark_of(kept->value);
}

bool registry_has_copy(const struct registry *r)
{
	return *r->mark.id != 0;
}

enum registry_state registry_state(const struct registry *r)
{
	return r->state;
}

unsigned registry_count(const struct registry *r)
{
	return r->rows.n;
}

const struct registry_row *registry_row_at(const struct registry *r, unsigned i)
{
	return i < r->rows.n ? r->rows.at[i] : NULL;
}

const struct registry_row *registry_row(
	const struct registry *r, const char *key)
{
	return rows_get(&r->rows, key);
}

unsigned registry_pending(const struct registry *r)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->rows.n; i++)
		n += r->rows.at[i]->wanted && !is_mark(r->rows.at[i]->key);
	return n;
}
