#include "control/control.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/ask.h"
#include "control/arrivals.h"
#include "control/build.h"
#include "control/builder.h"
#include "control/ctl.h"
#include "control/descriptors.h"
#include "control/geo_watch.h"
#include "control/history.h"
#include "control/keep.h"
#include "control/keys_watch.h"
#include "control/learner.h"
#include "control/moves.h"
#include "control/nodes.h"
#include "control/notify.h"
#include "control/path_history.h"
#include "control/pending.h"
#include "control/presign.h"
#include "control/privilege.h"
#include "control/publish.h"
#include "control/reload.h"
#include "control/replace.h"
#include "control/schedule.h"
#include "control/servers.h"
#include "control/state.h"
#include "control/takeover.h"
#include "control/threads.h"
#include "control/traffic.h"
#include "dnstap/dnstap.h"
#include "ledger/rrl.h"
#include "paths/report.h"
#include "replay/recorder.h"
#include "sign/signer.h"
#include "snapshot/report.h"
#include "store/store.h"
#include "transfer/transfer.h"

#define TICK_MS 100
#define SOON_US 5000   /* what comes together is published together */
#define SLICE_US 20000 /* of polls, then a look at what has priority */
#define WATCH_MS 1000
#define SAVE_MS 10000
#define LIBEVENT_LINES_PER_S 1

/* Control and what wakes it. */
struct loop {
	struct control control;
	struct event *mail, *tick, *soon, *watch, *save, *hup, *term, *intr;
	struct callee callee;      /* for calls of other threads */
	struct takeover *takeover; /* while this process takes over; NULL: no */
};

/* -- events -- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	mailbox_run(((struct control *)arg)->mailbox);
}

static void on_control_tick(evutil_socket_t fd, short what, void *arg)
{
	traffic_step(arg);
	servers_step(arg);
	presign_step(arg);
	publish_now(arg);
}

/* What turns the answers away from a node, or back, does not wait for the tick.
 * A fleet that fails as a whole is worth no more than a tenth of a core. */
static void on_news(struct control *c)
{
	struct loop *loop = (struct loop *)c; /* its first member */
	int64_t build_us = (int64_t)(c->publisher->build_ns / 1000);
	int64_t wait_us = SOON_US + build_us * 10;
	struct timeval tv = {0, wait_us < TICK_MS * 1000 ? wait_us : 0};
	if (!loop->soon) /* nothing is published before it is taken over */
		return;
	if (tv.tv_usec && !event_pending(loop->soon, EV_TIMEOUT, NULL))
		event_add(loop->soon, &tv);
}

/* At most one line a second, however many networks it is about. */
static void say_limited(const struct control *c)
{
	uint64_t net;
	unsigned n = rrl_begun(threads_rrl(c->threads), &net);
	char text[PREFIX_TEXT_MAX], more[40] = "";

	if (!n)
		return;
	struct prefix prefix = path_net_prefix(net);
	if (n > 1)
		snprintf(
			more, sizeof more, ", and to %u other networks", n - 1);
	log_warn("rrl: answers to %s are limited%s", prefix_text(&prefix, text),
		more);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	say_limited(arg);
	threads_look(((struct control *)arg)->threads);
	geo_watch_look(arg);
	schedule_watch(arg);
	history_watch(arg);
	learner_step(arg);
	moves_step(arg);
	path_history_watch(arg);
	keys_watch(arg);
}

/* What an operator looks for first. */
static void show_status(const struct control *c)
{
	const struct report *r = c->publisher->report;
	unsigned up = 0, n = 0;
	double connections = 0;
	char text[320], fault[120];

	for (unsigned i = 0; i < r->n_nodes; i++) {
		n += r->nodes[i].name != NULL;
		if (!r->nodes[i].name || r->nodes[i].state != NODE_UP)
			continue;
		up++;
		connections += (double)r->nodes[i].connections;
	}
	keys_watch_fault(r->signing, fault, sizeof fault);
	snprintf(text, sizeof text,
		"serving: %u of %u nodes up, %.0f connections%s%s%s%s", up, n,
		connections, *fault ? "; " : "", fault,
		r->blind ? "; network suspect" : "",
		*r->reload_error ? "; the last reload was refused" : "");
	notify_status(text);
}

static void on_save(evutil_socket_t fd, short what, void *arg)
{
	show_status(arg);
	keep_save(arg, false);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	log_info("SIGHUP: reloading");
	reload_run(arg, NULL);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	log_info("stopping");
	control_stop(arg);
}

static void on_call(void *owner, struct call *call)
{
	control_ask(owner, call);
}

static void on_idle(void *arg)
{
	geo_watch_keep(arg);
}

/* Publishing, mail and signals need not wait until all polls that have come in at
 * once are read. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct timeval slice = {0, SLICE_US};
	struct event_base *base = NULL;

	if (config &&
		event_config_set_max_dispatch_interval(config, &slice, -1, 1) ==
			0)
		base = event_base_new_with_config(config);
	if (!base || event_base_priority_init(base, 2))
		abort(); /* no memory */
	event_config_free(config);
	return base;
}

static struct event *urgent(struct event *event)
{
	event_priority_set(event, 0);
	return event;
}

static struct event *timer(
	struct control *c, event_callback_fn run, unsigned ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	struct event *e = event_new(c->base, -1, EV_PERSIST, run, c);
	event_add(e, &tv);
	return e;
}

static struct event *signal_event(
	struct control *c, int number, event_callback_fn run)
{
	struct event *e = urgent(evsignal_new(c->base, number, run, c));
	event_add(e, NULL);
	return e;
}

/* From the first moment signals wait until the loop can take them. */
static void signals_block(bool block)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void loop_start(struct loop *l)
{
	struct control *c = &l->control;
	l->mail = urgent(event_new(c->base, mailbox_fd(c->mailbox),
		EV_READ | EV_PERSIST, on_mail, c));
	event_add(l->mail, NULL);
	l->tick = urgent(timer(c, on_control_tick, TICK_MS));
	l->soon = urgent(evtimer_new(c->base, on_control_tick, c));
	l->watch = timer(c, on_watch, WATCH_MS);
	l->save = timer(c, on_save, SAVE_MS);
	l->hup = signal_event(c, SIGHUP, on_hup);
	l->term = signal_event(c, SIGTERM, on_term);
	l->intr = signal_event(c, SIGINT, on_term);
	signals_block(false);
}

static void loop_stop(struct loop *l)
{
	struct event *all[] = {l->mail, l->tick, l->soon, l->watch, l->save,
		l->hup, l->term, l->intr};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			event_free(all[i]);
}

/* -- start and stop -- */

/* The store and the control socket are useful, not vital: without them the
 * server says so and serves. */
static void open_extras(struct control *c, struct listen_handed *handed)
{
	struct err err = {0};
	umask(0077); /* store and socket are for our user alone */
	c->store = store_open(c->built->conf->store, &err);
	if (!c->store)
		log_lines(LOG_LVL_WARN,
			"no store, drains will not survive a restart: ",
			err_text(&err));
	err_fini(&err);
	c->ctl = ctl_open(c, c->built->conf->control, handed, &err);
	if (!c->ctl)
		log_lines(LOG_LVL_WARN, "no control socket: ", err_text(&err));
	err_fini(&err);
}

/* What libevent warns of, through a log that has a limit: it may warn at every
 * turn of a loop. Any thread that runs one. */
static void on_libevent(int severity, const char *text)
{
	static _Thread_local struct log_limit limit;
	unsigned held;
	if (severity < EVENT_LOG_WARN ||
		!log_allowed(&limit, clock_ms(), LIBEVENT_LINES_PER_S, &held))
		return;
	log_warn("libevent: %s%s", text, held ? " (others held back)" : "");
}

static void control_serve(struct control *c)
{
	log_info("dnsd " DNSD_VERSION
		 ": %u zones, %u nodes, %u steered names, %u workers",
		c->built->conf->n_zones, c->built->conf->n_nodes,
		c->built->conf->n_steer, threads_workers(c->threads));
	for (unsigned i = 0; i < c->built->conf->listen.n; i++)
		log_info("listening on %s", c->built->conf->listen.text[i]);
	for (unsigned i = 0; i < c->built->conf->tls.listen.n; i++)
		log_info("listening on %s for DNS over TLS",
			c->built->conf->tls.listen.text[i]);
	threads_log(c->threads);
	notify_ready(c->took_over);
	if (c->geo_pending)
		geo_watch_look(c);
	event_base_dispatch(c->base);
	if (!c->replaced)
		notify_stopping();
}

/* All that must be had as root, and what the configuration says. */
static bool open_vital(struct loop *l, struct err *err)
{
	struct control *c = &l->control;
	struct takeover *t = l->takeover;
	c->built = build_all(c->path,
		&(struct build_how){.from = t ? GEO_KEPT : GEO_LATER}, err);
	if (!c->built)
		return false;
	if (t)
		takeover_number(t, c->built);
	c->threads = threads_take(
		c->built->conf, t ? takeover_handed(t) : NULL, err);
	if (!c->threads || !privilege_drop(c->built->conf, err))
		return false;
	c->geo_pending =
		!t && (c->built->conf->geoip.n || *c->built->conf->nets);
	return true;
}

static void make_parts(struct control *c)
{
	c->base = base_new();
	c->mailbox = mailbox_new();
	publish_open(c);
	c->pending = pending_new();
	c->moves = moves_new(c);
	c->schedule = schedule_new();
	c->history = history_new();
	c->traffic = traffic_sums_new(c->start_ms);
	c->geo_watch = geo_watch_new();
	c->keys = keys_watch_new();
	c->builder = builder_new(c->mailbox, on_idle, c);
	c->nodes = nodes_new(c, threads_polls(c->threads), on_news);
	nodes_ask(c->nodes);
}

/* What the store keeps is in force, and what other name servers share. */
static void restore(struct loop *l)
{
	struct control *c = &l->control;
	open_extras(
		c, l->takeover ? &takeover_handed(l->takeover)->sockets : NULL);
	keep_restore(c);
	schedule_load(c);
	servers_open(c);
}

static void start_http(struct loop *l)
{
	struct control *c = &l->control;
	l->callee = (struct callee){c->mailbox, on_call, c};
	c->callee = &l->callee;
	threads_start_http(c->threads, c->built->conf, &c->publisher->published,
		c->callee);
}

/* Static names are answered as early as can be. */
static void start_alone(struct loop *l)
{
	struct control *c = &l->control;
	publish_now(c);
	threads_start(c->threads);
	loop_start(l);
	restore(l);
	publish_restored(c);
	start_http(l);
}

/* Nothing is answered before it is as the other process had it. */
static bool start_over(struct loop *l, struct err *err)
{
	struct control *c = &l->control;
	struct takeover *t = l->takeover;

	if (!takeover_tables(t, c, err))
		return false;
	restore(l);
	if (!takeover_state(t, c, err))
		return false;
	publish_restored(c);
	if (!takeover_answer(t, c, err) || !takeover_serving(t, err))
		return false;
	start_http(l);
	loop_start(l);
	return true;
}

static bool start(struct loop *loop, struct err *err)
{
	struct control *c = &loop->control;

	if (!open_vital(loop, err)) {
		if (loop->takeover)
			takeover_refuse(loop->takeover, err_text(err));
		return false;
	}
	make_parts(c);
	threads_make(c->threads, c->built->conf, &c->publisher->published);
	threads_certificate(c->threads, c->built->dot);
	c->record = threads_record(c->threads);
	c->dnstap = threads_dnstap(c->threads);
	struct sign_ring *ring;
	c->signer = threads_signer(c->threads, &ring);
	c->presign = presign_new(ring);
	publish_signing(c);
	arrivals_link(c);
	if (loop->takeover && !start_over(loop, err))
		return false;
	if (!loop->takeover)
		start_alone(loop);
	transfers_use(threads_transfers(c->threads), c->built->transfers);
	c->took_over = loop->takeover != NULL;
	takeover_free(loop->takeover);
	loop->takeover = NULL;
	return true;
}

static void free_parts(struct control *c)
{
	nodes_free(c->nodes);
	moves_free(c->moves);
	geo_watch_free(c->geo_watch);
	keys_watch_free(c->keys);
	traffic_sums_free(c->traffic);
	history_free(c->history);
	schedule_free(c->schedule);
	pending_free(c->pending);
}

static void control_finish(struct loop *loop)
{
	struct control *c = &loop->control;

	replace_end(c);
	builder_free(c->builder);
	ctl_close(c->ctl);
	if (c->publisher && !c->replaced)
		keep_save(c, true);
	servers_close(c);
	threads_stop(c->threads);
	record_close(c->record);
	dnstap_close(c->dnstap);
	presign_free(c->presign);
	signer_free(c->signer);
	store_close(c->store);
	free_parts(c);
	threads_free(c->threads);
	loop_stop(loop);
	mailbox_free(c->mailbox);
	if (c->base)
		event_base_free(c->base);
	publish_close(c);
	build_free(c->built, NULL);
	takeover_free(loop->takeover);
}

int control_run(const char *path, int take_over)
{
	struct err err = {0};
	struct loop loop = {.control = {.path = path, .start_ms = clock_ms()}};

	signal(SIGPIPE, SIG_IGN);
	signals_block(true);
	descriptors_raise();
	replace_remember_program();
	event_set_log_callback(on_libevent);
	if (take_over >= 0)
		loop.takeover = takeover_new(take_over, &err);
	bool ok = (take_over < 0 || loop.takeover) && start(&loop, &err);
	log_lines(LOG_LVL_WARN, "", err.warnings);
	if (ok)
		control_serve(&loop.control);
	else
		fprintf(stderr, "%s\n", err_text(&err));
	ok &= !loop.control.failed;
	control_finish(&loop);
	err_fini(&err);
	return ok ? 0 : 1;
}
