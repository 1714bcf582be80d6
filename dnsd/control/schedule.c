#include "control/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

#define ENTRIES_MAX 1000 /* of the API */
#define SOON_MS 600000   /* the fleet is told no sooner */

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
	for (unsigned i = 0; i < c->n_schedule; i++) {
		struct conf_expect *e = &c->schedule[i];
		if (!is_over(e, wall_ms))
			c->schedule[n++] = *e;
		else if (c->store)
			store_schedule(c->store, e, false, NULL, NULL, NULL);
	}
	c->n_schedule = n;
}

void schedule_feed(struct control *c)
{
	const struct conf *conf = c->built->conf;
	unsigned n;

	drop_past(c);
	struct schedule_entry *list =
		mem_zero(conf->n_expect + c->n_schedule, sizeof *list);
	n = add_soon(c, conf->expect, conf->n_expect, list);
	n += add_soon(c, c->schedule, c->n_schedule, list + n);
	fleet_schedule(c->fleet, list, n);
	free(list);
}

void schedule_load(struct control *c)
{
	struct err err = {0};

	if (c->store &&
		!store_load_schedule(
			c->store, &c->schedule, &c->n_schedule, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	err_fini(&err);
	schedule_feed(c);
}

void schedule_free(struct control *c)
{
	free(c->schedule);
}

/* -- the API -- */

static void answer(struct schedule_call *call, int code, const char *text)
{
	call->code = code;
	call->text = text;
	mailbox_post(call->mailbox, call->done, call);
}

static void kept(void *arg, bool ok)
{
	struct schedule_call *call = arg;
	bool store = ((struct control *)call->control)->store;
	if (ok)
		answer(call, 200, "kept over a restart");
	else if (call->what == SCHEDULE_REMOVE && store)
		answer(call, 500,
			"removed, but the store cannot be written (see the log): after a restart it is back");
	else
		answer(call, 200,
			store ? "in force, but not kept over a restart: the store cannot be written (see the log)"
			      : "in force, but not kept over a restart: no store");
}

static void keep(struct control *c, struct schedule_call *call, bool is_new)
{
	if (c->store)
		store_schedule(
			c->store, &call->entry, is_new, c->mailbox, kept, call);
	else
		kept(call, false);
}

static int by_time(const void *a, const void *b)
{
	const struct conf_expect *x = a, *y = b;
	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void run_list(struct control *c, struct schedule_call *call)
{
	const struct conf *conf = c->built->conf;
	int64_t wall_ms = clock_wall_ms();

	call->list =
		mem_zero(conf->n_expect + c->n_schedule, sizeof *call->list);
	for (unsigned i = 0; i < conf->n_expect; i++)
		if (!is_over(&conf->expect[i], wall_ms))
			call->list[call->n++] = conf->expect[i];
	for (unsigned i = 0; i < c->n_schedule; i++)
		if (!is_over(&c->schedule[i], wall_ms))
			call->list[call->n++] = c->schedule[i];
	if (call->n)
		qsort(call->list, call->n, sizeof *call->list, by_time);
	answer(call, 200, "");
}

/* Never one that was used before, also after a restart: seconds since 1970,
 * or the next that is free. */
static int64_t new_id(const struct control *c)
{
	int64_t id = clock_wall_ms() / 1000;
	if (id <= c->last_id)
		id = c->last_id + 1;
	for (unsigned i = 0; i < c->n_schedule; i++)
		if (id <= c->schedule[i].id)
			id = c->schedule[i].id + 1;
	return id;
}

static void run_add(struct control *c, struct schedule_call *call)
{
	struct conf_expect *e = &call->entry;
	if (c->n_schedule >= ENTRIES_MAX) {
		answer(call, 409, "the timetable is full");
		return;
	}
	e->id = c->last_id = new_id(c);
	c->schedule = mem_grow(
		c->schedule, (c->n_schedule + 1) * sizeof *c->schedule);
	c->schedule[c->n_schedule++] = *e;
	schedule_feed(c);
	log_info("expect %lld: %d viewers of %s", (long long)e->id, e->viewers,
		e->name);
	keep(c, call, true);
}

static void run_remove(struct control *c, struct schedule_call *call)
{
	for (unsigned i = 0; i < c->n_schedule; i++) {
		if (c->schedule[i].id != call->entry.id)
			continue;
		call->entry = c->schedule[i];
		c->schedule[i] = c->schedule[--c->n_schedule];
		schedule_feed(c);
		log_info("expect %lld: removed", (long long)call->entry.id);
		keep(c, call, false);
		return;
	}
	answer(call, 404, "there is no such entry");
}

static void run(void *arg)
{
	struct schedule_call *call = arg;
	struct control *c = call->control;
	switch (call->what) {
	case SCHEDULE_LIST:
		run_list(c, call);
		break;
	case SCHEDULE_ADD:
		run_add(c, call);
		break;
	case SCHEDULE_REMOVE:
		run_remove(c, call);
		break;
	}
}

void schedule_ask(void *control, struct schedule_call *call)
{
	struct control *c = control;
	call->control = c;
	mailbox_post(c->mailbox, run, call);
}
