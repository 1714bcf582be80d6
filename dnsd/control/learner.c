#include "control/learner.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/builder.h"
#include "control/call.h"
#include "control/state.h"
#include "base/log.h"
#include "paths/budget.h"
#include "paths/paths.h"
#include "replay/recorder.h"
#include "state/map.h"
#include "state/path_shown.h"
#include "store/paths.h"

#define FIT_MS 5000   /* at most a second more until it is published */
#define KEEP_TIMES 30 /* all nodes are kept in so many times of keep_save() */

/* A map with paths, made on the builder's thread. */
struct learner_job {
	struct job job;
	struct learner *learner;
	struct path_table *table;
	struct map *measured;
	unsigned bad; /* paths */
};

struct learner {
	struct paths *paths;
	struct budget *budget;
	const struct map *map; /* in service; not replaced while a job runs */
	int64_t fit_ms;        /* of the last fit */
	bool changed;          /* since the last table */
	bool building;         /* a job is under way */
	bool news;             /* table and measured are to be published */
	struct path_table *table;
	struct map *measured;
	unsigned keep_next; /* node */
	/* What the store kept of nodes that have no place yet, until geography is
	 * loaded: body NULL: learned again. */
	struct store_paths *kept;
	unsigned n_kept;
	struct learner_counts counts;
};

struct learner *learner_new(void)
{
	struct learner *l = mem_zero(1, sizeof *l);
	l->paths = paths_new();
	l->budget = budget_new();
	return l;
}

static void learner_drop_news(struct learner *l)
{
	map_free(l->measured);
	path_table_free(l->table);
	l->measured = NULL;
	l->table = NULL;
	l->news = false;
}

static void learner_drop_kept(struct learner *l)
{
	store_paths_free(l->kept, l->n_kept);
	l->kept = NULL;
	l->n_kept = 0;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	learner_drop_kept(l);
	learner_drop_news(l);
	paths_free(l->paths);
	budget_free(l->budget);
	free(l);
}

static struct path_table *learner_table(struct learner *l)
{
	l->counts.areas = paths_areas(l->paths);
	l->counts.known = paths_count(l->paths);
	l->changed = false;
	return paths_table(l->paths);
}

static bool learner_fit(struct learner *l)
{
	int64_t now_ms = clock_ms();
	/* Without reports loss fades. */
	if (!paths_count(l->paths) || now_ms - l->fit_ms < FIT_MS)
		return false;
	l->fit_ms = now_ms;
	l->changed |= paths_fit(l->paths, now_ms);
	return true;
}

/* One node's. */
static void learner_learn_kept(
	struct learner *l, unsigned node, struct store_paths *kept)
{
	if (!paths_restore(l->paths, node, kept->body, kept->len,
		    clock_wall_ms() - kept->at_ms, clock_ms()))
		log_warn("store: the paths to %s are not readable: left out",
			kept->name);
	free(kept->body);
	kept->body = NULL;
}

/* What was kept is known again of the nodes that have a place: one without
 * coordinates of its own gets it from the databases. */
static void learner_use_kept(struct learner *l)
{
	bool any = false;
	for (unsigned i = 0; i < l->n_kept; i++) {
		int node = l->kept[i].body
			? map_find_node(l->map, l->kept[i].name)
			: -1;
		if (node < 0 || !l->map->nodes[node].placed)
			continue;
		learner_learn_kept(l, (unsigned)node, &l->kept[i]);
		any = true;
	}
	if (any) {
		l->fit_ms = 0;
		learner_fit(l);
	}
}

void learner_set_map(struct learner *l, const struct map *map)
{
	l->map = map;
	paths_set_map(l->paths, map);
	learner_use_kept(l);
	learner_drop_news(l);
	if (paths_count(l->paths)) {
		l->table = learner_table(l);
		l->measured = map_with_paths(map, l->table);
	}
	l->counts.bad = l->measured ? path_count_bad(l->measured) : 0;
	l->news = true;
}

/* -- the map, on the builder's thread -- */

static void learner_job_run(struct job *job)
{
	struct learner_job *j = (struct learner_job *)job;
	build_step_back();
	j->measured = map_with_paths(j->learner->map, j->table);
	j->bad = path_count_bad(j->measured);
}

static void learner_job_drop(struct job *job)
{
	struct learner_job *j = (struct learner_job *)job;
	map_free(j->measured);
	path_table_free(j->table);
	free(j);
}

static void learner_job_done(struct job *job)
{
	struct learner_job *j = (struct learner_job *)job;
	struct learner *l = j->learner;
	learner_drop_news(l);
	l->building = false;
	l->news = true;
	l->table = j->table;
	l->measured = j->measured;
	l->counts.bad = j->bad;
	free(j);
}

static void learner_build(struct control *c)
{
	struct learner_job *j = mem_zero(1, sizeof *j);
	j->job = (struct job){.run = learner_job_run,
		.done = learner_job_done,
		.drop = learner_job_drop};
	j->learner = c->learner;
	j->table = learner_table(c->learner);
	c->learner->building = true;
	builder_add(c->builder, &j->job);
}

/* -- reports -- */

void learner_take(
	struct control *c, const struct path_report *reports, unsigned n)
{
	struct learner *l = c->learner;
	int64_t now_ms = clock_ms();
	for (unsigned i = 0; i < n; i++) {
		const struct path_report *r = &reports[i];
		/* It was made for the map of that moment; nodes keep their
		 * index. */
		l->counts.reports++;
		if (r->node >= l->map->n_nodes ||
			!budget_take(l->budget, r, now_ms))
			continue;
		l->counts.taken += paths_report(l->paths, r, now_ms);
		record_path(c->record, r, now_ms);
	}
}

void learner_told(struct control *c, unsigned node, unsigned server,
	const struct path_evidence *known)
{
	paths_told(c->learner->paths, node, server, known, clock_ms());
}

void learner_report(struct control *c, struct call *call)
{
	learner_take(c, call->paths, call->n_paths);
	call_answer(call, CALL_KEPT, NULL);
}

void learner_step(struct control *c)
{
	struct learner *l = c->learner;
	if (l->kept && !c->geo_pending) /* all places are known that will be */
		learner_drop_kept(l);
	/* Not both at once: each takes milliseconds. */
	if (!learner_fit(l) && l->changed && !l->building)
		learner_build(c);
}

bool learner_news(
	struct learner *l, struct path_table **table, struct map **map)
{
	if (!l->news)
		return false;
	*table = l->table;
	*map = l->measured;
	l->table = NULL;
	l->measured = NULL;
	l->news = false;
	return true;
}

/* -- the store -- */

static void keep_nodes(struct control *c, unsigned from, unsigned to)
{
	const struct learner *l = c->learner;
	struct paths_kept *kept = mem_zero(to - from + 1, sizeof *kept);
	paths_keep(l->paths, from, to, clock_ms(), kept);
	for (unsigned i = from; i < to; i++) {
		struct store_paths paths = {.at_ms = clock_wall_ms(),
			.body = kept[i - from].body,
			.len = kept[i - from].len};
		if (!paths.body)
			continue;
		strncpy(paths.name, l->map->nodes[i].name,
			sizeof paths.name - 1);
		store_paths_keep(c->store, &paths);
	}
	free(kept);
}

void learner_keep(struct control *c, bool all)
{
	struct learner *l = c->learner;
	unsigned n = l->map->n_nodes;
	unsigned some = (n + KEEP_TIMES - 1) / KEEP_TIMES;
	unsigned from = all || l->keep_next >= n ? 0 : l->keep_next;
	unsigned to = all || n - from < some ? n : from + some;
	if (!c->store || !paths_count(l->paths))
		return;
	keep_nodes(c, from, to);
	l->keep_next = to;
}

void learner_restore(struct control *c)
{
	struct learner *l = c->learner;
	struct err err = {0};

	if (!c->store)
		return;
	if (!store_paths_load(c->store, &l->kept, &l->n_kept, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	err_fini(&err);
	learner_set_map(l, l->map);
}

const struct paths *learner_paths(const struct learner *l)
{
	return l->paths;
}

struct learner_counts learner_counts(const struct learner *l)
{
	return l->counts;
}
