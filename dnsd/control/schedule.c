#include "control/schedule.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/build.h"
#include "control/registered.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "registry/expect.h"
#include "store/store.h"

#define ENTRIES_MAX 1000  /* of the API */
#define IDS_A_SECOND 1024 /* of several name servers */
#define SOON_MS 600000    /* the fleet gets an entry no sooner */

struct schedule {
	unsigned n;
	struct conf_expect *list; /* of the API; any order */
	int64_t last_id;
};

static bool is_over(const struct conf_expect *e, int64_t wall_ms)
{
	return wall_ms >= e->at_ms + 1000 * (int64_t)e->over_s;
}

/* -- for the fleet -- */

static unsigned add_soon(const struct control *c,
	const struct conf_expect *list, unsigned n, struct schedule_entry *out)
{
	int64_t wall_ms = clock_wall_ms(), now_ms = clock_ms();
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct conf_expect *e = &list[i];
		int name = map_find_name(c->built->map, e->name);
		if (name < 0 || is_over(e, wall_ms) ||
			e->at_ms - wall_ms > SOON_MS)
			continue;
		out[m++] = (struct schedule_entry){.name = (uint32_t)name,
			.at_ms = now_ms + (e->at_ms - wall_ms),
			.over_ms = 1000 * (int64_t)e->over_s,
			.viewers = (float)e->viewers,
			.placed = e->has_from,
			.lat = (float)e->from[0],
			.lon = (float)e->from[1]};
	}
	return m;
}

void schedule_feed(struct control *c)
{
	const struct conf *conf = c->built->conf;
	unsigned n;

	struct schedule_entry *list =
		mem_zero(conf->n_expect + c->schedule->n, sizeof *list);
	n = add_soon(c, conf->expect, conf->n_expect, list);
	n += add_soon(c, c->schedule->list, c->schedule->n, list + n);
	fleet_schedule(c->fleet, list, n);
	free(list);
}

void schedule_load(struct control *c)
{
	struct err err = {0};

	if (c->store &&
		!store_load_schedule(
			c->store, &c->schedule->list, &c->schedule->n, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	err_fini(&err);
	schedule_feed(c);
}

struct schedule *schedule_new(void)
{
	return mem_zero(1, sizeof(struct schedule));
}

void schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	free(schedule->list);
	free(schedule);
}

/* -- calls -- */

static void on_kept(void *arg, bool ok)
{
	call_answer(arg, ok ? CALL_KEPT : CALL_LOST, NULL);
}

static void schedule_keep(struct control *c, struct call *call, bool is_new)
{
	if (c->store)
		store_schedule(c->store, &call->entry, is_new,
			(struct store_waiter){c->mailbox, on_kept, call});
	else
		call_answer(call, CALL_NO_STORE, NULL);
}

static int by_time(const void *a, const void *b)
{
	const struct conf_expect *x = a, *y = b;
	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void schedule_list(struct control *c, struct call *call)
{
	const struct conf *conf = c->built->conf;
	int64_t wall_ms = clock_wall_ms();

	call->list =
		mem_zero(conf->n_expect + c->schedule->n, sizeof *call->list);
	for (unsigned i = 0; i < conf->n_expect; i++)
		if (!is_over(&conf->expect[i], wall_ms))
			call->list[call->n++] = conf->expect[i];
	for (unsigned i = 0; i < c->schedule->n; i++)
		if (!is_over(&c->schedule->list[i], wall_ms))
			call->list[call->n++] = c->schedule->list[i];
	if (call->n)
		qsort(call->list, call->n, sizeof *call->list, by_time);
	call_answer(call, CALL_KEPT, NULL);
}

/* Never one that was used before, also after a restart: seconds since 1970 or the next
 * that is free. With several name servers a random number is added, so that two of
 * them rarely take the same id in one second; if they do, the later call is refused. */
static int64_t new_id(const struct control *c)
{
	int64_t id = clock_wall_ms() / 1000;
	if (c->registered) {
		uint16_t any;
		rng_secret(&any, sizeof any);
		id = id * IDS_A_SECOND + any % IDS_A_SECOND;
	}
	if (id <= c->schedule->last_id)
		id = c->schedule->last_id + 1;
	for (unsigned i = 0; i < c->schedule->n; i++)
		if (id <= c->schedule->list[i].id)
			id = c->schedule->list[i].id + 1;
	return id;
}

static struct conf_expect *schedule_find(
	const struct schedule *schedule, int64_t id)
{
	for (unsigned i = 0; i < schedule->n; i++)
		if (schedule->list[i].id == id)
			return &schedule->list[i];
	return NULL;
}

static void schedule_set(struct control *c, const struct conf_expect *entry)
{
	struct schedule *s = c->schedule;
	struct conf_expect *old = schedule_find(s, entry->id);
	if (!old) {
		s->list = mem_grow(s->list, (s->n + 1) * sizeof *s->list);
		old = &s->list[s->n++];
	}
	*old = *entry;
	assert(s->n <= ENTRIES_MAX);
	schedule_feed(c);
	log_info("expect %lld: %d viewers of %s", (long long)entry->id,
		entry->viewers, entry->name);
}

static void schedule_unset(struct control *c, struct conf_expect *entry)
{
	int64_t id = entry->id;
	*entry = c->schedule->list[--c->schedule->n];
	schedule_feed(c);
	log_info("expect %lld: removed", (long long)id);
}

/* What it is in the registry; NULL: nothing. */
static void schedule_share(struct control *c, struct call *call, int64_t id,
	const struct conf_expect *entry)
{
	char *value = entry ? expect_text(entry) : NULL, key[64];
	snprintf(key, sizeof key, "expect/%lld", (long long)id);
	registered_change(c->registered, key, value, call);
	free(value);
}

void schedule_add(struct control *c, struct call *call)
{
	struct conf_expect *e = &call->entry;
	if (c->schedule->n >= ENTRIES_MAX) {
		call_answer(call, CALL_REFUSED, "the schedule is full");
		return;
	}
	e->id = c->schedule->last_id = new_id(c);
	if (c->registered) {
		schedule_share(c, call, e->id, e);
		return;
	}
	schedule_set(c, e);
	schedule_keep(c, call, true);
}

void schedule_remove(struct control *c, struct call *call)
{
	struct conf_expect *entry = schedule_find(c->schedule, call->entry.id);
	if (!entry) {
		call_answer(call, CALL_UNKNOWN, NULL);
		return;
	}
	call->entry = *entry;
	if (c->registered) {
		schedule_share(c, call, entry->id, NULL);
		return;
	}
	schedule_unset(c, entry);
	schedule_keep(c, call, false);
}

/* -- the registry -- */

static bool is_equal(const struct conf_expect *a, const struct conf_expect *b)
{
	return a->at_ms == b->at_ms && !strcmp(a->name, b->name) &&
		a->viewers == b->viewers && a->over_s == b->over_s &&
		a->has_from == b->has_from &&
		(!a->has_from ||
			(a->from[0] == b->from[0] && a->from[1] == b->from[1]));
}

void schedule_put(struct control *c, const struct conf_expect *entry)
{
	const struct conf_expect *old = schedule_find(c->schedule, entry->id);
	if ((old && is_equal(old, entry)) ||
		(!old && c->schedule->n >= ENTRIES_MAX))
		return;
	schedule_set(c, entry);
	if (c->store)
		store_schedule(c->store, entry, true, (struct store_waiter){0});
}

void schedule_drop(struct control *c, int64_t id)
{
	struct conf_expect *entry = schedule_find(c->schedule, id);
	if (!entry)
		return;
	if (c->store)
		store_schedule(
			c->store, entry, false, (struct store_waiter){0});
	schedule_unset(c, entry);
}

/* Those of the configuration are ignored when they are over; these go. With other
 * name servers, from the registry: by whichever is first. */
static bool drop_one_past(struct control *c)
{
	int64_t wall_ms = clock_wall_ms();
	for (unsigned i = 0; i < c->schedule->n; i++) {
		int64_t id = c->schedule->list[i].id;
		if (!is_over(&c->schedule->list[i], wall_ms))
			continue;
		if (c->registered)
			schedule_share(c, NULL, id, NULL);
		schedule_drop(c, id);
		return true;
	}
	return false;
}

void schedule_watch(struct control *c)
{
	while (drop_one_past(c))
		;
	schedule_feed(c);
}

void schedule_each(struct control *c,
	void (*take)(void *arg, const struct conf_expect *entry), void *arg)
{
	for (unsigned i = 0; i < c->schedule->n; i++)
		take(arg, &c->schedule->list[i]);
}
