#include "control/reload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "control/build.h"
#include "control/builder.h"
#include "control/publish.h"
#include "control/state.h"
#include "store/store.h"

struct reload_job {
	struct job job;
	struct control *control;
	struct reload_change *change; /* NULL: none */
	struct call *calls;           /* that wait for it, without a change */
	struct err err;
	struct built *built; /* the result; NULL: it does not hold */
};

static struct reload_job *reload_job_of(struct job *job)
{
	return (struct reload_job *)job;
}

static void reload_build(struct job *job)
{
	struct reload_job *r = reload_job_of(job);
	struct control *c = r->control;
	const struct reload_change *change = r->change;
	struct build_how how = {.previous = c->built,
		.from = c->geo_pending ? GEO_LATER : GEO_KEPT,
		.changes =
			change && change->change.name ? &change->change : NULL,
		.next = change ? change->next : NULL};

	build_step_back();
	if (c->store) /* the build before may have brought nodes */
		store_sync(c->store);
	r->built = build_all(c->path, &how, &r->err);
}

/* -- what a reload cannot change -- */

static bool texts_differ(const struct conf_texts *a, const struct conf_texts *b)
{
	if (a->n != b->n)
		return true;
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->text[i], b->text[i]))
			return true;
	return false;
}

static bool etcd_differs(const struct conf *a, const struct conf *b)
{
	return a->etcd.given != b->etcd.given ||
		texts_differ(&a->etcd.endpoints, &b->etcd.endpoints) ||
		strcmp(a->etcd.prefix, b->etcd.prefix) ||
		strcmp(a->etcd.as, b->etcd.as) ||
		strcmp(a->etcd.ca, b->etcd.ca) ||
		strcmp(a->etcd.cert, b->etcd.cert) ||
		strcmp(a->etcd.key, b->etcd.key);
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
		{"sandbox", old->sandbox != new->sandbox},
		{"user", strcmp(old->user, new->user) != 0},
		{"tls listen",
			texts_differ(&old->tls.listen, &new->tls.listen)},
		{"http listen",
			texts_differ(&old->http.listen, &new->http.listen)},
		{"public listen",
			texts_differ(&old->public.listen, &new->public.listen)},
		{"public cert", !*old->public.cert != !*new->public.cert},
		{"etcd", etcd_differs(old, new)},
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

/* -- the end of a reload -- */

static void answer_calls(
	struct reload_job *r, enum call_result result, const char *text)
{
	while (r->calls) {
		struct call *call = r->calls;
		r->calls = call->next;
		call_answer(call, result, text);
	}
}

static void finish_good(struct reload_job *r)
{
	struct control *c = r->control;

	warn_fixed(c->built->conf, r->built->conf, &r->err);
	keep_store(c->built->conf, r->built->conf);
	bool fresh = r->built->geo != c->built->geo;
	publish_reloaded(c, "");
	publish_adopt(c, r->built, &r->err);
	if (fresh)
		build_log_geo(c->built->geo, c->built->geo_files.kept);
	log_lines(LOG_LVL_WARN, "", r->err.warnings);
	log_info("reload: done");
	if (r->change)
		r->change->done(r->change, NULL);
	answer_calls(r, CALL_KEPT, r->err.warnings);
}

static void finish_bad(struct reload_job *r)
{
	struct control *c = r->control;

	publish_reloaded(c, err_text(&r->err));
	log_lines(LOG_LVL_ERROR, "reload: ", err_text(&r->err));
	log_error("reload: not done, the old configuration goes on");
	publish_now(c); /* the reason is shown from now on */
	answer_calls(r, CALL_REFUSED, err_text(&r->err));
}

static void reload_done(struct job *job)
{
	struct reload_job *r = reload_job_of(job);

	if (r->control->reload == r)
		r->control->reload = NULL;
	if (r->built)
		finish_good(r);
	else if (r->change) /* says nothing of the files */
		r->change->done(r->change, err_text(&r->err));
	else
		finish_bad(r);
	err_fini(&r->err);
	free(r);
}

static void reload_drop(struct job *job)
{
	struct reload_job *r = reload_job_of(job);

	build_free(r->built, r->control->built);
	if (r->change)
		r->change->drop(r->change);
	while (r->calls) {
		struct call *call = r->calls;
		r->calls = call->next;
		call_free(call);
	}
	err_fini(&r->err);
	free(r);
}

/* -- the begin -- */

static struct reload_job *reload_job_new(struct control *c)
{
	struct reload_job *r = mem_zero(1, sizeof *r);
	r->control = c;
	r->job = (struct job){
		.run = reload_build, .done = reload_done, .drop = reload_drop};
	return r;
}

void reload_run(struct control *c, struct call *call)
{
	struct reload_job *r = c->reload;
	bool is_new = !r || r->job.begun;

	if (is_new)
		r = c->reload = reload_job_new(c);
	if (call) {
		call->next = r->calls;
		r->calls = call;
	}
	if (is_new)
		builder_add(c->builder, &r->job);
}

void reload_with(struct control *c, struct reload_change *change)
{
	assert(change->done && change->drop);
	struct reload_job *r = reload_job_new(c);
	r->change = change;
	builder_add(c->builder, &r->job);
}
