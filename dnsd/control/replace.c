#include "control/replace.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/ctl.h"
#include "control/handover.h"
#include "control/keep.h"
#include "control/publish.h"
#include "control/servers.h"
#include "control/state.h"
#include "control/threads.h"
#include "fleet/handed.h"
#include "replay/recorder.h"
#include "store/store.h"

#define LOAD_MOST_S 300 /* the new process may have large databases to read */
#define ENDS_MS 100     /* from the end of the channel to that of the process */
#define CHANNEL_FD 3    /* of the new process */

extern char **environ;

static struct {
	char path[4096]; /* "": not known */
	struct stat stat;
} program;

struct replace {
	struct control *control;
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
	pid_t child;
	int channel;
	struct event *readable, *late;
	int64_t begin_ms, answered_ms; /* DNS was answered last */
	bool notes;                    /* of changes of tables */
	bool rests;                    /* HTTP has come to an end */
};

/* -- the program -- */

void replace_remember_program(void)
{
	ssize_t n = readlink(
		"/proc/self/exe", program.path, sizeof program.path - 1);
	program.path[n > 0 ? n : 0] = '\0';
	if (stat(program.path, &program.stat))
		program.path[0] = '\0';
}

bool replace_is_new(const struct control *c)
{
	struct stat now;
	return *program.path && !stat(program.path, &now) &&
		(now.st_ino != program.stat.st_ino ||
			now.st_dev != program.stat.st_dev ||
			now.st_mtim.tv_sec != program.stat.st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != program.stat.st_mtim.tv_nsec);
}

/* Starts it with the channel as its descriptor CHANNEL_FD and no other of ours but
 * standard output and error. */
static bool spawn(struct replace *r, int end, struct err *err)
{
	char number[12];
	char *argv[] = {(char *)"dnsd", (char *)"run", (char *)"-c",
		(char *)(uintptr_t)r->control->path, (char *)"--take-over",
		number, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;

	snprintf(number, sizeof number, "%d", CHANNEL_FD);
	sigemptyset(&none);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, end, CHANNEL_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, CHANNEL_FD + 1);
	int error = posix_spawn(
		&r->child, program.path, &files, &how, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return !error || err_add(err, "%s: %s", program.path, strerror(error));
}

/* -- the end of it -- */

static void replace_free(struct replace *r)
{
	r->control->replace = NULL;
	if (r->notes)
		threads_note_changes(r->control->threads, false);
	if (r->readable)
		event_free(r->readable);
	if (r->late)
		event_free(r->late);
	if (r->channel >= 0)
		close(r->channel);
	free(r);
}

static void child_end(struct replace *r)
{
	if (r->child <= 0)
		return;
	kill(r->child, SIGKILL);
	waitpid(r->child, NULL, 0);
	r->child = 0;
}

/* HTTP had come to an end. */
static void go_on(struct control *c)
{
	struct err err = {0};
	if (!c->store) {
		c->store = store_open(c->built->conf->store, &err);
		log_lines(LOG_LVL_ERROR, "", err.text);
		servers_open(c);
	}
	err_fini(&err);
	threads_start_http(c->threads, c->built->conf, &c->publisher->published,
		c->callee);
	ctl_rest(c->ctl, false);
	publish_restored(c);
}

/* How it ended, if it does by itself: its channel is closed a moment before. */
static void describe_end(struct replace *r, struct buf *out)
{
	struct timespec moment = {0, 1000000};
	int status = 0;
	pid_t ended = 0;
	for (int i = 0; r->child > 0 && !ended && i < ENDS_MS; i++) {
		ended = waitpid(r->child, &status, WNOHANG);
		nanosleep(&moment, NULL);
	}
	if (r->child <= 0 || ended != r->child)
		return;
	r->child = 0;
	if (WIFSIGNALED(status))
		buf_printf(out, " (by signal %d)", WTERMSIG(status));
	else
		buf_printf(out, " (exit status %d)", WEXITSTATUS(status));
}

/* This process goes on. */
static void replace_fail(struct replace *r, const char *why)
{
	struct control *c = r->control;
	struct buf text = {0};

	buf_printf(&text, "not replaced, this process goes on: %s", why);
	describe_end(r, &text);
	child_end(r);
	if (r->rests)
		go_on(c);
	log_lines(LOG_LVL_ERROR, "replace: ", text.text);
	void (*done)(void *, bool, const char *) = r->done;
	void *arg = r->arg;
	replace_free(r);
	done(arg, false, text.text);
	buf_fini(&text);
}

static void replace_succeed(struct replace *r, const char *version)
{
	char text[200];
	int64_t now_ms = clock_ms();

	snprintf(text, sizeof text,
		"process %d, dnsd %.60s, serves after %lld ms; no question was read for %lld ms",
		(int)r->child, version, (long long)(now_ms - r->begin_ms),
		(long long)(now_ms - r->answered_ms));
	log_info("replace: %s", text);
	r->control->replaced = true;
	void (*done)(void *, bool, const char *) = r->done;
	void *arg = r->arg;
	replace_free(r);
	done(arg, true, text);
}

/* -- what is said -- */

static bool say(struct replace *r, enum handover_kind kind, struct buf *body,
	struct err *err)
{
	bool ok = channel_send(r->channel, kind, body, NULL, 0, err);
	buf_fini(body);
	return ok;
}

static bool hear(struct replace *r, enum handover_kind kind,
	struct channel_message *m, struct err *err)
{
	if (!channel_receive(r->channel, m, err))
		return false;
	if (m->kind == kind)
		return true;
	if (m->kind == HANDOVER_FAILED)
		err_add(err, "%.*s", (int)m->len, (const char *)m->body);
	else
		err_add(err, "the new process speaks out of turn");
	channel_message_free(m);
	return false;
}

static void add_names(const struct map *map, struct buf *out)
{
	struct handover_name *names = mem_zero(map->n_nodes + 1, sizeof *names);
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (map->nodes[i].name)
			strncpy(names[i].text, map->nodes[i].name,
				sizeof names[i].text - 1);
	sections_add(out, "names", HANDOVER_NAMES_VERSION, sizeof *names, names,
		map->n_nodes);
	free(names);
}

static bool say_sockets(
	struct replace *r, const struct listen_handed *sockets, struct err *err)
{
	int fds[CHANNEL_FDS];
	for (unsigned at = 0, n; at < sockets->n; at += n) {
		struct buf body = {0};
		for (n = 0; n < CHANNEL_FDS && at + n < sockets->n; n++)
			fds[n] = sockets->one[at + n].fd;
		sections_add(&body, "sockets", HANDOVER_SOCKETS_VERSION,
			sizeof *sockets->one, sockets->one + at, n);
		bool ok = channel_send(
			r->channel, HANDOVER_SOCKETS, &body, fds, n, err);
		buf_fini(&body);
		if (!ok)
			return false;
	}
	return true;
}

static bool say_setting(struct replace *r, struct err *err)
{
	struct control *c = r->control;
	struct threads_handed handed = {0};
	struct buf body = {0};

	threads_give(c->threads, &handed);
	ctl_give(c->ctl, &handed.sockets);
	struct handover_setting setting = {
		.secret = handed.secret, .sockets = handed.sockets.n};
	memcpy(setting.cookie_secret, c->built->options->cookie_secret,
		sizeof setting.cookie_secret);
	sections_add(&body, "setting", HANDOVER_SETTING_VERSION, sizeof setting,
		&setting, 1);
	add_names(c->built->map, &body);
	bool ok = say(r, HANDOVER_SETTING, &body, err) &&
		say_sockets(r, &handed.sockets, err);
	free(handed.sockets.one);
	return ok;
}

/* -- one after the other -- */

/* From a batch that begins now on every write is noted: publishing waits for those
 * that go on. */
static bool say_tables(struct replace *r, struct err *err)
{
	struct buf body = {0};
	threads_note_changes(r->control->threads, true);
	r->notes = true;
	publish_now(r->control);
	threads_hand_tables(r->control->threads, &body);
	return say(r, HANDOVER_TABLES, &body, err);
}

static void close_store(struct control *c)
{
	struct record_setting off = {0};
	record_set(c->record, &off, clock_ms());
	keep_save(c, true);
	servers_close(c);
	store_close(c->store);
	c->store = NULL;
}

static bool say_state(struct replace *r, struct err *err)
{
	struct control *c = r->control;
	struct handover_published published = {c->publisher->generation};
	struct buf body = {0};

	sections_add(&body, "published", HANDOVER_PUBLISHED_VERSION,
		sizeof published, &published, 1);
	fleet_hand(c->fleet, &body);
	return say(r, HANDOVER_STATE, &body, err);
}

static bool say_rest(struct replace *r, struct err *err)
{
	const struct control *c = r->control;
	struct buf body = {0};
	int *fds;
	bool ok = true;

	unsigned n = threads_hand_rest(
		c->threads, c->fleet, c->built->map->n_nodes, &fds, &body);
	for (unsigned at = 0; ok && at < n; at += CHANNEL_FDS)
		ok = channel_send(r->channel, HANDOVER_CONNECTIONS, NULL,
			fds + at, n - at < CHANNEL_FDS ? n - at : CHANNEL_FDS,
			err);
	free(fds);
	if (ok)
		return say(r, HANDOVER_LAST, &body, err);
	buf_fini(&body);
	return false;
}

/* HTTP is at an end. The loop stands still until this returns: what is known does not
 * change. */
static void hand_over(struct replace *r)
{
	struct control *c = r->control;
	struct channel_message m = {0};
	struct err err = {0};

	publish_now(c); /* what HTTP reserved counts */
	threads_stop_http(c->threads);
	ctl_rest(c->ctl, true);
	r->rests = true;
	close_store(c);
	bool ok = say_state(r, &err) && hear(r, HANDOVER_LOADED, &m, &err);
	channel_message_free(&m);
	if (ok) {
		threads_pause(c->threads);
		r->answered_ms = clock_ms();
		ok = say_rest(r, &err) && hear(r, HANDOVER_SERVING, &m, &err);
		if (ok)
			threads_forget(c->threads);
		else
			threads_start(c->threads);
	}
	if (ok) {
		char version[64];
		snprintf(version, sizeof version, "%.*s", (int)m.len,
			(const char *)m.body);
		replace_succeed(r, version);
	} else {
		replace_fail(r, err_text(&err));
	}
	channel_message_free(&m);
	err_fini(&err);
}

/* Or the new process has failed meanwhile. */
static void on_rested(void *arg)
{
	struct control *c = arg;
	if (c->replace) {
		hand_over(c->replace);
		return;
	}
	threads_stop_http(c->threads);
	threads_start_http(c->threads, c->built->conf, &c->publisher->published,
		c->callee);
}

static void on_message(evutil_socket_t fd, short what, void *arg)
{
	struct replace *r = arg;
	struct channel_message m;
	struct err err = {0};
	bool tables = r->notes;

	bool ok = hear(r, tables ? HANDOVER_TAKEN : HANDOVER_READY, &m, &err);
	if (ok)
		channel_message_free(&m);
	if (ok && !tables)
		ok = say_tables(r, &err);
	else if (ok &&
		(event_del(r->readable),
			!threads_rest_http(r->control->threads,
				r->control->mailbox, on_rested, r->control)))
		on_rested(r->control);
	if (!ok)
		replace_fail(r, err_text(&err));
	err_fini(&err);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	replace_fail(arg, "the new process is not ready in time");
}

/* -- the begin -- */

static bool may_begin(const struct control *c, struct err *err)
{
	if (c->replace)
		return err_add(err, "another process is about to take over");
	if (getpid() == 1)
		return err_add(err,
			"this is process 1 of a container, which ends with it");
	if (!*program.path)
		return err_add(err, "the path of the program is not known");
	if (!c->restored || c->geo_pending)
		return err_add(err, "this process has not wholly started");
	return true;
}

static bool replace_start(struct replace *r, struct err *err)
{
	struct timeval most = {LOAD_MOST_S, 0};
	int ends[2];

	if (!channel_open(ends))
		return err_add(err, "%s", strerror(errno));
	r->channel = ends[0];
	channel_patience(r->channel, HANDOVER_WAIT_MS);
	bool ok = spawn(r, ends[1], err);
	close(ends[1]);
	if (!ok || !say_setting(r, err))
		return false;
	r->readable = event_new(r->control->base, r->channel,
		EV_READ | EV_PERSIST, on_message, r);
	event_add(r->readable, NULL);
	r->late = evtimer_new(r->control->base, on_late, r);
	event_add(r->late, &most);
	return true;
}

void replace_begin(struct control *c,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	struct err err = {0};
	if (!may_begin(c, &err)) {
		done(arg, false, err_text(&err));
		err_fini(&err);
		return;
	}
	struct replace *r = c->replace = mem_zero(1, sizeof *r);
	r->control = c;
	r->done = done;
	r->arg = arg;
	r->channel = -1;
	r->begin_ms = clock_ms();
	if (!replace_start(r, &err))
		replace_fail(r, err_text(&err));
	err_fini(&err);
}

void replace_end(struct control *c)
{
	if (!c->replace)
		return;
	child_end(c->replace);
	replace_free(c->replace);
}
