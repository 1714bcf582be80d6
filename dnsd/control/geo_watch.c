#include "control/geo_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "control/build.h"
#include "control/builder.h"
#include "control/publish.h"
#include "control/state.h"

struct geo_watch {
	struct geo_files seen; /* at the last look */
	bool failed;           /* they could not be used: not tried again */
};

/* One of two jobs. */
struct geo_job {
	struct job job;
	struct control *control;
	struct err err;
	struct geo *geo; /* of a load */
	struct map *map;
	struct geo_files files;
	bool kept; /* of keeping */
};

struct geo_watch *geo_watch_new(void)
{
	return mem_zero(1, sizeof(struct geo_watch));
}

void geo_watch_free(struct geo_watch *w)
{
	if (!w)
		return;
	geo_files_free(&w->seen);
	free(w);
}

static struct geo_job *geo_job_of(struct job *job)
{
	return (struct geo_job *)job;
}

static void geo_job_free(struct geo_job *g)
{
	err_fini(&g->err);
	free(g);
}

static void geo_drop(struct job *job)
{
	struct geo_job *g = geo_job_of(job);
	geo_free(g->geo);
	map_free(g->map);
	geo_files_free(&g->files);
	geo_job_free(g);
}

static void geo_job_add(struct control *c, void (*run)(struct job *job),
	void (*done)(struct job *job))
{
	struct geo_job *g = mem_zero(1, sizeof *g);
	g->control = c;
	g->job = (struct job){.run = run, .done = done, .drop = geo_drop};
	builder_add(c->builder, &g->job);
}

/* -- loading -- */

/* Steered names wait for a table that need only be mapped; if it has to be built,
 * build_geo() steps back itself. */
static void geo_load_run(struct job *job)
{
	struct geo_job *g = geo_job_of(job);
	build_geo(g->control->built, &g->geo, &g->map, &g->files, &g->err);
}

static void geo_load_failed(struct control *c, struct geo_job *g)
{
	log_lines(LOG_LVL_ERROR, "geoip: ", err_text(&g->err));
	if (c->geo_pending) {
		c->failed = true;
		control_stop(c);
		return;
	}
	c->geo_watch->failed = true;
	log_error("geoip: not loaded, the old data go on");
}

static void geo_load_done(struct job *job)
{
	struct geo_job *g = geo_job_of(job);
	struct control *c = g->control;

	if (g->geo) {
		c->geo_pending = false;
		publish_adopt_geo(c, g->geo, g->map, g->files);
		build_log_geo(g->geo, g->files.kept);
	} else {
		geo_load_failed(c, g);
	}
	geo_job_free(g);
}

static bool same_files(const struct geo_files *a, const struct geo_files *b)
{
	return a->n == b->n &&
		(a->n == 0 ||
			!memcmp(a->stat, b->stat, a->n * sizeof *a->stat));
}

/* A file that is being written changes from look to look; it is loaded when
 * two looks agree. */
void geo_watch_look(struct control *c)
{
	struct geo_watch *w = c->geo_watch;
	struct geo_files now;
	bool changed = build_geo_changed(c->built, &now);
	for (unsigned i = 0; i < now.n; i++)
		now.stat[i].st_atim = (struct timespec){0};
	bool at_rest = same_files(&now, &w->seen) || c->geo_pending;

	if (!same_files(&now, &w->seen))
		w->failed = false;
	geo_files_free(&w->seen);
	w->seen = now;
	if (changed && at_rest && !w->failed && !builder_is_busy(c->builder))
		geo_job_add(c, geo_load_run, geo_load_done);
}

/* -- keeping -- */

static void geo_keep_run(struct job *job)
{
	struct geo_job *g = geo_job_of(job);
	build_step_back();
	g->kept = build_geo_keep(g->control->built, &g->err);
}

static void geo_keep_done(struct job *job)
{
	struct geo_job *g = geo_job_of(job);
	struct built *built = g->control->built;
	char *path = build_geo_path(built->conf);

	built->geo_files.kept = g->kept;
	if (g->kept)
		log_info("geoip: kept in %s", path);
	else
		built->geo_files.digest = 0; /* not tried again */
	if (g->err.count)
		log_lines(LOG_LVL_WARN,
			"geoip: not kept, the next start takes longer: ",
			err_text(&g->err));
	free(path);
	geo_job_free(g);
}

void geo_watch_keep(struct control *c)
{
	if (build_geo_unkept(c->built))
		geo_job_add(c, geo_keep_run, geo_keep_done);
}
