/* The builder thread: one job at a time, handed back to control by mail. What
 * is in service goes on, and is borrowed read-only by the job: control does
 * not replace it while one is under way. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/thread.h"
#include "control/enrol.h"
#include "control/state.h"

enum job_kind {
	JOB_ALL,  /* the whole configuration */
	JOB_GEO,  /* geography only */
	JOB_KEEP, /* the table in service is kept for the next start */
};

struct build_job {
	struct control *control;
	pthread_t thread;
	enum job_kind kind;
	struct err err;
	struct enrolment *change; /* of JOB_ALL; NULL: none */
	struct built *built;      /* result of JOB_ALL */
	struct geo *geo;          /* results of JOB_GEO */
	struct map *map;
	struct geo_files files;
	bool kept; /* result of JOB_KEEP */
};

static void job_done(void *arg);

static void *job_run(void *arg)
{
	struct build_job *job = arg;
	struct control *c = job->control;

	/* Steered names wait for a table that need only be mapped; if it has to
	 * be built, build_geo steps back itself. */
	if (job->kind != JOB_GEO)
		build_step_back();
	if (job->kind == JOB_GEO)
		build_geo(
			c->built, &job->geo, &job->map, &job->files, &job->err);
	else if (job->kind == JOB_KEEP)
		job->kept = build_geo_keep(c->built, &job->err);
	else
		job->built = build_all(c->path, c->built,
			c->geo_pending ? GEO_LATER : GEO_KEPT, job->change,
			&job->err);
	mailbox_post(c->mailbox, job_done, job);
	return NULL;
}

static void job_start(struct control *c, enum job_kind kind)
{
	struct build_job *job = mem_zero(1, sizeof *job);
	job->control = c;
	job->kind = kind;
	if (kind == JOB_ALL)
		job->change = enrol_next(c);
	c->job = job;
	job->thread = thread_start("dnsd-builder", job_run, job);
}

static void tell_waiters(struct control *c, bool ok, const char *text)
{
	while (c->waiters) {
		struct reload_waiter *w = c->waiters;
		c->waiters = w->next;
		w->done(w->arg, ok, text);
		free(w);
	}
}

static bool texts_differ(const struct conf_texts *a, const struct conf_texts *b)
{
	if (a->n != b->n)
		return true;
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->text[i], b->text[i]))
			return true;
	return false;
}

/* What only a restart can change. */
static void warn_fixed(
	const struct conf *old, const struct conf *new, struct err *err)
{
	const struct {
		const char *key;
		bool changed;
	} fixed[] = {{"listen", texts_differ(&old->listen, &new->listen)},
		{"workers", old->workers != new->workers},
		{"client_nets", old->client_nets != new->client_nets},
		{"tcp",
			old->tcp.max != new->tcp.max ||
				old->tcp.idle_s != new->tcp.idle_s},
		{"user", strcmp(old->user, new->user) != 0},
		{"http listen",
			texts_differ(&old->http.listen, &new->http.listen)},
		{"public listen",
			texts_differ(&old->public.listen, &new->public.listen)},
		{"public cert", !*old->public.cert != !*new->public.cert},
		{"control", strcmp(old->control, new->control) != 0},
		{"store", strcmp(old->store, new->store) != 0}};
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i].changed)
			err_warn(err, "%s: a change of '%s' takes a restart",
				new->path, fixed[i].key);
}

/* The store that is open is where approved nodes are, until the restart. */
static void keep_store(const struct conf *old, struct conf *new)
{
	new->store = arena_strdup(new->arena, old->store);
}

static void log_geo(const struct geo *geo, bool kept)
{
	log_lines(LOG_LVL_INFO, "geoip: ", geo_report(geo));
	log_info("geoip: loaded%s, %u places, %zu KiB", kept ? " as kept" : "",
		geo_places(geo), geo_size(geo) / 1024);
}

/* A change of the approved nodes that does not hold says nothing of the files:
 * whoever waits for these is served by the next build. */
static void refuse_change(struct control *c, struct build_job *job)
{
	log_info("node %s: not %s: %s", job->change->name,
		job->change->text ? "approved" : "removed",
		err_text(&job->err));
	enrol_built(c, job->change, false, err_text(&job->err));
	if (!c->waiters)
		return;
	struct reload_waiter **last = &c->waiters_again;
	while (*last)
		last = &(*last)->next;
	*last = c->waiters;
	c->waiters = NULL;
	c->reload_again = true;
}

static void finish_reload(struct control *c, struct build_job *job)
{
	if (job->change && !job->built) {
		refuse_change(c, job);
		return;
	}
	c->reloads++;
	c->reload_wall_ms = clock_wall_ms();
	free(c->reload_error);
	c->reload_error = mem_strdup(job->built ? "" : err_text(&job->err));
	if (job->built) {
		warn_fixed(c->built->conf, job->built->conf, &job->err);
		keep_store(c->built->conf, job->built->conf);
		bool fresh = job->built->geo != c->built->geo;
		control_adopt(c, job->built, &job->err);
		if (fresh)
			log_geo(c->built->geo, c->built->geo_files.kept);
		log_lines(LOG_LVL_WARN, "", job->err.warnings);
		log_info("reload: done");
		if (job->change)
			enrol_built(c, job->change, true, "");
		tell_waiters(
			c, true, job->err.warnings ? job->err.warnings : "");
		return;
	}
	c->reload_errors++;
	log_lines(LOG_LVL_ERROR, "reload: ", c->reload_error);
	log_error("reload: not done, the old configuration goes on");
	control_publish(c); /* who asks now is told of it */
	tell_waiters(c, false, c->reload_error);
}

static void finish_geo(struct control *c, struct build_job *job)
{
	bool first = c->geo_pending;
	if (job->geo) {
		c->geo_pending = false;
		control_adopt_geo(c, job->geo, job->map, job->files);
		log_geo(job->geo, job->files.kept);
		return;
	}
	log_lines(LOG_LVL_ERROR, "geoip: ", err_text(&job->err));
	if (first) {
		c->failed = true;
		control_stop(c);
		return;
	}
	c->geo_failed = true;
	log_error("geoip: not loaded, the old data go on");
}

static void finish_keep(struct control *c, struct build_job *job)
{
	struct geo_files *files = &c->built->geo_files;
	char *path = build_geo_path(c->built->conf);
	files->kept = job->kept;
	if (job->kept)
		log_info("geoip: kept in %s", path);
	else
		files->digest = 0; /* not tried again with this table */
	if (job->err.count)
		log_lines(LOG_LVL_WARN,
			"geoip: not kept, the next start takes longer: ",
			err_text(&job->err));
	free(path);
}

static void job_done(void *arg)
{
	struct build_job *job = arg;
	struct control *c = job->control;

	pthread_join(job->thread, NULL);
	c->job = NULL;
	if (job->kind == JOB_GEO)
		finish_geo(c, job);
	else if (job->kind == JOB_KEEP)
		finish_keep(c, job);
	else
		finish_reload(c, job);
	err_fini(&job->err);
	free(job);
	if (c->reload_again || c->enrolments) {
		c->reload_again = false;
		c->waiters = c->waiters_again;
		c->waiters_again = NULL;
		job_start(c, JOB_ALL);
	} else if (build_geo_unkept(c->built)) {
		job_start(c, JOB_KEEP);
	}
}

void control_reload(struct control *c,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	/* What changed after a build began may not be in it: build again. */
	struct reload_waiter **list = c->job ? &c->waiters_again : &c->waiters;
	if (done) {
		struct reload_waiter *w = mem_alloc(sizeof *w);
		*w = (struct reload_waiter){*list, done, arg};
		*list = w;
	}
	if (c->job)
		c->reload_again = true;
	else
		job_start(c, JOB_ALL);
}

static bool same_files(const struct geo_files *a, const struct geo_files *b)
{
	return a->n == b->n &&
		(a->n == 0 ||
			!memcmp(a->stat, b->stat, a->n * sizeof *a->stat));
}

/* A file that is being written changes from look to look; it is loaded when
 * two looks agree. */
void control_watch_geo(struct control *c)
{
	struct geo_files now;
	bool changed = build_geo_changed(c->built, &now);
	for (unsigned i = 0; i < now.n; i++)
		now.stat[i].st_atim = (struct timespec){0};
	bool at_rest = same_files(&now, &c->geo_seen) || c->geo_pending;

	if (!same_files(&now, &c->geo_seen))
		c->geo_failed = false;
	geo_files_free(&c->geo_seen);
	c->geo_seen = now;
	if (changed && at_rest && !c->geo_failed && !c->job)
		job_start(c, JOB_GEO);
}

static void waiters_free(struct reload_waiter *list)
{
	while (list) {
		struct reload_waiter *next = list->next;
		free(list);
		list = next;
	}
}

void control_builder_stop(struct control *c)
{
	waiters_free(c->waiters);
	waiters_free(c->waiters_again);
	for (struct enrolment *a; (a = enrol_next(c));)
		enrolment_free(a);
	if (!c->job)
		return;
	struct build_job *job = c->job;
	pthread_join(job->thread, NULL);
	build_free(job->built, c->built);
	geo_free(job->geo);
	map_free(job->map);
	geo_files_free(&job->files);
	err_fini(&job->err);
	enrolment_free(job->change);
	free(job);
	c->job = NULL;
}
