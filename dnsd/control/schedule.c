#include "control/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "store/store.h"

#define ENTRIES_MAX 1000 /* of the API */
#define SOON_MS 600000   /* the fleet gets an entry no sooner */

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

/* Those of the configuration are ignored when they are over; these go. */
static void drop_past(struct control *c)
{
	int64_t wall_ms = clock_wall_ms();
	unsigned n = 0;
	for (unsigned i = 0; i < c->schedule->n; i++) {
		struct conf_expect *e = &c->schedule->list[i];
		if (!is_over(e, wall_ms))
			c->schedule->list[n++] = *e;
		else if (c->store)
			store_schedule(
				c->store, e, false, (struct store_waiter){0});
	}
	c->schedule->n = n;
}

void schedule_feed(struct control *c)
{
	const struct conf *conf = c->built->conf;
	unsigned n;

	drop_past(c);
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

/* Never one that was used before, also after a restart: seconds since 1970,
 * or the next that is free. */
static int64_t new_id(const struct control *c)
{
	int64_t id = clock_wall_ms() / 1000;
	if (id <= c->schedule->last_id)
		id = c->schedule->last_id + 1;
	for (unsigned i = 0; i < c->schedule->n; i++)
		if (id <= c->schedule->list[i].id)
			id = c->schedule->list[i].id + 1;
	return id;
}

void schedule_add(struct control *c, struct call *call)
{
	struct conf_expect *e = &call->entry;
	if (c->schedule->n >= ENTRIES_MAX) {
		call_answer(call, CALL_REFUSED, "the schedule is full");
		return;
	}
	e->id = c->schedule->last_id = new_id(c);
	c->schedule->list = mem_grow(c->schedule->list,
		(c->schedule->n + 1) * sizeof *c->schedule->list);
	c->schedule->list[c->schedule->n++] = *e;
	assert(c->schedule->n <= ENTRIES_MAX);
	schedule_feed(c);
	log_info("expect %lld: %d viewers of %s", (long long)e->id, e->viewers,
		e->name);
	schedule_keep(c, call, true);
}

void schedule_remove(struct control *c, struct call *call)
{
	for (unsigned i = 0; i < c->schedule->n; i++) {
		if (c->schedule->list[i].id != call->entry.id)
			continue;
		call->entry = c->schedule->list[i];
		c->schedule->list[i] = c->schedule->list[--c->schedule->n];
		schedule_feed(c);
		log_info("expect %lld: removed", (long long)call->entry.id);
		schedule_keep(c, call, false);
		return;
	}
	call_answer(call, CALL_UNKNOWN, NULL);
}
