#include "control/ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sockets.h"
#include "client/try.h"
#include "control/ask.h"
#include "control/build.h"
#include "control/ctl_servers.h"
#include "control/ctl_tables.h"
#include "control/enrol.h"
#include "control/publish.h"
#include "control/replace.h"
#include "control/state.h"
#include "control/threads.h"
#include "http/texts.h"
#include "snapshot/pending.h"
#include "snapshot/report.h"
#include "transfer/transfer.h"

#define LINE_MAX_BYTES 4096
#define WORDS_MAX 40
#define SESSIONS_MAX 64
#define PAUSE_MS 100 /* without accepting, when there is no descriptor left */

struct session {
	struct session *next;
	struct ctl *ctl;
	struct bufferevent *io;
	bool waiting; /* for control: the peer's end must not free it */
	bool gone;    /* the peer has left */
	bool last;    /* close when all is written */
	bool stop;    /* ... and stop the server */
};

struct ctl {
	struct control *control;
	int fd;
	char *path;
	struct event *accept, *go_on;
	struct log_fault no_room;
	struct session *sessions;
	unsigned n;
	bool rests; /* the socket is another process's */
};

/* -- answers -- */

static void session_free(struct session *s)
{
	struct session **p = &s->ctl->sessions;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->ctl->n--;
	bufferevent_free(s->io);
	free(s);
}

static void ctl_finish(struct session *s, bool ok, const char *text)
{
	if (s->gone) {
		if (s->stop)
			control_stop(s->ctl->control);
		session_free(s);
		return;
	}
	struct evbuffer *out = bufferevent_get_output(s->io);
	evbuffer_add_printf(out, "%s\n%s", ok ? "ok" : "error", text);
	if (*text && text[strlen(text) - 1] != '\n')
		evbuffer_add_printf(out, "\n");
	s->waiting = false;
	s->last = true;
	bufferevent_disable(s->io, EV_READ);
	bufferevent_enable(s->io, EV_WRITE);
}

static void finish_buf(struct session *s, bool ok, struct buf *out)
{
	ctl_finish(s, ok, out->text ? out->text : "");
	buf_fini(out);
}

/* A call of the session, which may be gone when the reply comes. */
struct session_call {
	struct call call;
	struct session *session;
};

static struct session *session_of(const struct call *call)
{
	return ((const struct session_call *)call)->session;
}

static void on_reply(struct call *call)
{
	ctl_finish(session_of(call),
		call->result == CALL_KEPT || call->result == CALL_NO_STORE,
		call->text);
}

static struct call *session_call(struct session *s, enum call_kind kind,
	const char *node, void (*done)(struct call *call))
{
	struct session_call *sc =
		(struct session_call *)call_new(sizeof *sc, kind, NULL, done);
	sc->session = s;
	if (node)
		strncpy(sc->call.node, node, sizeof sc->call.node - 1);
	s->waiting = true;
	return &sc->call;
}

/* -- commands -- */

/* An older server gives the table whatever stands behind the word. */
static bool wants_json(char **words, unsigned n)
{
	return n == 2 && !strcmp(words[1], "json");
}

static void finish_json(struct session *s, char *text)
{
	ctl_finish(s, true, text);
	free(text);
}

static void cmd_status(struct session *s, char **words, unsigned n)
{
	const struct control *c = s->ctl->control;
	struct buf out = {0};

	if (wants_json(words, n)) {
		finish_json(s, texts_status(c->publisher->published.now));
		return;
	}
	ctl_table_status(c, &out);
	finish_buf(s, true, &out);
}

static void cmd_nodes(struct session *s, char **words, unsigned n)
{
	const struct control *c = s->ctl->control;
	struct buf out = {0};

	if (wants_json(words, n)) {
		finish_json(s, texts_nodes(c->publisher->published.now));
		return;
	}
	ctl_table_nodes(c, &out);
	finish_buf(s, true, &out);
}

static void on_drained(struct call *call)
{
	struct session *s = session_of(call);
	char text[160];

	if (call->result == CALL_UNKNOWN) {
		snprintf(text, sizeof text, "there is no node '%.63s'",
			call->node);
		ctl_finish(s, false, text);
	} else if (*call->text) {
		on_reply(call);
	} else {
		ctl_finish(s, true,
			call->result == CALL_KEPT
				? "on this name server, kept over a restart"
				: "on this name server; not kept over a restart: no store");
	}
}

static void drain(
	struct session *s, char **words, unsigned n, enum call_kind kind)
{
	if (n != 2)
		ctl_finish(s, false, "which node?");
	else
		control_ask(s->ctl->control,
			session_call(s, kind, words[1], on_drained));
}

static void cmd_drain(struct session *s, char **words, unsigned n)
{
	drain(s, words, n, CALL_DRAIN);
}

static void cmd_undrain(struct session *s, char **words, unsigned n)
{
	drain(s, words, n, CALL_UNDRAIN);
}

static void on_moved(struct call *call)
{
	struct buf out = {0};
	bool ok = call->result == CALL_KEPT;
	if (ok)
		buf_printf(
			&out, "%.1f viewers a second are moved", call->per_s);
	else
		buf_printf(&out, "%s: %s", call->node, call->text);
	finish_buf(session_of(call), ok, &out);
}

static void cmd_move(struct session *s, char **words, unsigned n)
{
	char *end = NULL;
	double per_s = n >= 3 ? strtod(words[2], &end) : 0;
	bool publishers = n == 4 && !strcmp(words[3], "publishers");
	if (n < 3 || end == words[2] || *end || (n == 4 && !publishers) ||
		n > 4) {
		ctl_finish(s, false, "--move: how many viewers a second?");
		return;
	}
	struct call *call = session_call(s, CALL_MOVE, words[1], on_moved);
	call->per_s = per_s;
	call->publishers = publishers;
	control_ask(s->ctl->control, call);
}

/* For `dnsd ctl drain --move`: STATE MOVED LEFT WAITS_S WHY. */
static void cmd_moving(struct session *s, char **words, unsigned n)
{
	const struct report *r = s->ctl->control->publisher->report;
	struct buf out = {0};
	for (unsigned i = 0; n == 2 && i < r->n_nodes; i++) {
		const struct report_node *node = &r->nodes[i];
		if (!node->name || strcmp(node->name, words[1]) != 0 ||
			!node->move.state)
			continue;
		buf_printf(&out, "%s %llu %.0f %d %s\n", node->move.state,
			(unsigned long long)node->move.moved, node->connections,
			node->move.waits_s, node->move.why);
	}
	if (out.len)
		finish_buf(s, true, &out);
	else
		ctl_finish(s, false, "no viewers are moved there");
}

static void cmd_waiting(struct session *s, char **words, unsigned n)
{
	const struct pending_list *list =
		s->ctl->control->publisher->pending_list;
	struct buf out = {0};
	char from[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < list->n; i++) {
		const struct pending_node *one = &list->one[i];
		buf_printf(&out,
			"%s from %s, heard %lld s ago, %.0f connections\n",
			one->name, addr_text(&one->from, from),
			(long long)(clock_ms() - one->last_ms) / 1000,
			one->connections);
	}
	if (!list->n)
		buf_printf(&out, "nobody waits\n");
	finish_buf(s, true, &out);
}

static void cmd_approve(struct session *s, char **words, unsigned n)
{
	struct err err = {0};

	if (n < 2) {
		ctl_finish(
			s, false, "approve NAME --role ROLE --at LAT,LON ...");
		return;
	}
	char *keys = enrol_keys(words + 2, n - 2, &err);
	if (keys) {
		struct call *call =
			session_call(s, CALL_ENROL, words[1], on_reply);
		call->keys = keys;
		control_ask(s->ctl->control, call);
	} else {
		ctl_finish(s, false, err_text(&err));
	}
	err_fini(&err);
}

static void cmd_remove(struct session *s, char **words, unsigned n)
{
	if (n != 2)
		ctl_finish(s, false, "which node?");
	else
		control_ask(s->ctl->control,
			session_call(s, CALL_REMOVE, words[1], on_reply));
}

static void cmd_registry(struct session *s, char **words, unsigned n)
{
	bool seed = n == 2 && !strcmp(words[1], "seed");
	if (!seed && (n != 2 || strcmp(words[1], "adopt")))
		ctl_finish(s, false, "registry seed | adopt");
	else
		control_ask(s->ctl->control,
			session_call(s, seed ? CALL_SEED : CALL_ADOPT, NULL,
				on_reply));
}

static void cmd_reload(struct session *s, char **words, unsigned n)
{
	control_ask(
		s->ctl->control, session_call(s, CALL_RELOAD, NULL, on_reply));
}

static void on_replaced(void *arg, bool ok, const char *text)
{
	struct session *s = arg;
	s->stop = ok; /* this process has nothing more to do */
	ctl_finish(s, ok, text);
}

static void cmd_replace(struct session *s, char **words, unsigned n)
{
	struct control *c = s->ctl->control;
	bool if_new = n == 2 && !strcmp(words[1], "--if-new");
	if (n != 1 && !if_new) {
		ctl_finish(s, false, "replace [--if-new]");
		return;
	}
	if (if_new && !replace_is_new(c)) {
		cmd_reload(s, words, n);
		return;
	}
	s->waiting = true;
	replace_begin(c, on_replaced, s);
}

static void cmd_stop(struct session *s, char **words, unsigned n)
{
	log_info("stop: asked through the control socket");
	s->stop = true;
	ctl_finish(s, true, "stopping");
}

static void cmd_try(struct session *s, char **words, unsigned n)
{
	struct control *c = s->ctl->control;
	struct steer_state state = publish_state(c);
	struct buf out = {0};
	struct err err = {0};
	bool json = n == 4 && !strcmp(words[3], "json");

	if (n != 3 && !json) {
		ctl_finish(s, false, "try NAME ADDRESS[/LENGTH] [json]");
		return;
	}
	struct try_question q = {.state = &state,
		.accounts = threads_own_accounts(c->threads),
		.name = words[1],
		.client = words[2],
		.now_ms = clock_ms()};
	bool ok = json ? try_json(&q, &out, &err) : try_explain(&q, &out, &err);
	if (ok && !json && c->publisher->servers)
		ctl_views(c->publisher->servers, c->built->map,
			c->publisher->report, &out);
	if (ok)
		finish_buf(s, true, &out);
	else
		ctl_finish(s, false, err_text(&err));
	err_fini(&err);
}

static void cmd_lines(struct session *s, char **words, unsigned n)
{
	struct control *c = s->ctl->control;
	struct steer_state state = publish_state(c);
	struct buf out = {0};
	struct err err = {0};

	if (n != 4 && n != 5) {
		ctl_finish(s, false,
			"lines NAME ADDRESS[/LENGTH] FORMAT [APP/STREAM]");
		return;
	}
	struct try_question q = {.state = &state,
		.accounts = threads_own_accounts(c->threads),
		.name = words[1],
		.client = words[2],
		.now_ms = clock_ms()};
	if (try_lines(&q, words[3], n == 5 ? words[4] : NULL, &out, &err))
		finish_buf(s, true, &out);
	else
		ctl_finish(s, false, err_text(&err));
	err_fini(&err);
}

/* refresh [ZONE] [--force] */
static void cmd_refresh(struct session *s, char **words, unsigned n)
{
	struct control *c = s->ctl->control;
	const struct conf *conf = c->built->conf;
	bool force = n > 1 && !strcmp(words[n - 1], "--force");
	const char *zone = n - force == 2 ? words[1] : NULL;
	unsigned asked = 0;

	for (unsigned i = 0; i < conf->n_zones; i++)
		asked += conf->zones[i].from.n_primary &&
			(!zone || !strcmp(conf->zones[i].name, zone));
	if (n - force > 2 || !asked) {
		ctl_finish(s, false,
			n - force > 2 ? "refresh [ZONE] [--force]"
				: zone
				? "that is no zone of another name server ('from')"
				: "no zone is another name server's ('from')");
		return;
	}
	transfers_refresh(threads_transfers(c->threads), zone, force);
	ctl_finish(s, true,
		"the primaries are asked: see `dnsd ctl status` and the log");
}

static const struct {
	const char *word;
	void (*run)(struct session *s, char **words, unsigned n);
} commands[] = {{"status", cmd_status}, {"nodes", cmd_nodes},
	{"drain", cmd_drain}, {"move", cmd_move}, {"moving", cmd_moving},
	{"undrain", cmd_undrain}, {"refresh", cmd_refresh},
	{"reload", cmd_reload}, {"stop", cmd_stop}, {"waiting", cmd_waiting},
	{"approve", cmd_approve}, {"replace", cmd_replace},
	{"remove", cmd_remove}, {"registry", cmd_registry}, {"try", cmd_try},
	{"lines", cmd_lines}};

/* Words stand between tabs, so that they may hold spaces; a line without a tab was
 * typed by hand. */
static void run_line(struct session *s, char *line)
{
	const char *between = strchr(line, '\t') ? "\t\r" : " \r";
	char *words[WORDS_MAX], *save;
	unsigned n = 0;
	for (char *w = strtok_r(line, between, &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, between, &save))
		words[n++] = w;
	for (size_t i = 0; n && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(commands[i].word, words[0])) {
			commands[i].run(s, words, n);
			return;
		}
	ctl_finish(s, false, "unknown command");
}

/* -- sessions -- */

static void on_read(struct bufferevent *io, void *arg)
{
	struct session *s = arg;
	struct evbuffer *in = bufferevent_get_input(io);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);

	if (line && !s->waiting && !s->last)
		run_line(s, line);
	else if (!line && evbuffer_get_length(in) > LINE_MAX_BYTES)
		session_free(s);
	free(line);
}

static void on_written(struct bufferevent *io, void *arg)
{
	struct session *s = arg;
	if (s->stop)
		control_stop(s->ctl->control);
	if (s->last)
		session_free(s);
}

static void on_event(struct bufferevent *io, short what, void *arg)
{
	struct session *s = arg;
	if (s->waiting) {
		s->gone = true;
		bufferevent_disable(io, EV_READ | EV_WRITE);
	} else if (!s->last || (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))) {
		session_free(s);
	}
}

static void pause_accepting(struct ctl *ctl, const char *why)
{
	struct timeval pause = {0, PAUSE_MS * 1000};
	if (log_failed(&ctl->no_room, why, clock_ms()))
		log_warn("control socket: no connection can be accepted: %s",
			why);
	event_del(ctl->accept);
	event_add(ctl->go_on, &pause);
}

static void on_go_on(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *ctl = arg;
	event_add(ctl->accept, NULL);
}

static void session_new(struct ctl *ctl, struct bufferevent *io)
{
	struct session *s = mem_zero(1, sizeof *s);
	s->ctl = ctl;
	s->io = io;
	s->next = ctl->sessions;
	ctl->sessions = s;
	ctl->n++;
	bufferevent_setcb(io, on_read, on_written, on_event, s);
	bufferevent_enable(io, EV_READ | EV_WRITE);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *ctl = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (peer < 0) {
		if (sockets_lack_room(errno))
			pause_accepting(ctl, strerror(errno));
		return;
	}
	if (log_mended(&ctl->no_room, clock_ms()))
		log_info("control socket: connections are accepted again");
	if (ctl->n >= SESSIONS_MAX) {
		close(peer);
		return;
	}
	session_new(ctl,
		bufferevent_socket_new(
			ctl->control->base, peer, BEV_OPT_CLOSE_ON_FREE));
}

/* -- the socket -- */

static bool somebody_listens(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 &&
		connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
	if (fd >= 0)
		close(fd);
	return yes;
}

/* Takes away what another dnsd left, and nothing else. */
static bool unlink_socket(const char *path, struct err *err)
{
	struct stat st;
	if (lstat(path, &st))
		return true;
	if (!S_ISSOCK(st.st_mode))
		return err_add(err, "%s: is there, and is no socket", path);
	unlink(path);
	return true;
}

static int socket_open(const char *path, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof at.sun_path) {
		err_add(err, "%s: too long for a socket", path);
		return -1;
	}
	strcpy(at.sun_path, path);
	if (somebody_listens(&at)) {
		err_add(err, "%s: another dnsd runs with this socket", path);
		return -1;
	}
	if (!unlink_socket(path, err))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Only its owner may connect, from the first moment on. */
	mode_t before = umask(0177);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		listen(fd, 16) == 0;
	umask(before);
	if (ok)
		return fd;
	err_add(err, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct ctl *ctl_open(struct control *control, const char *path,
	struct listen_handed *handed, struct err *err)
{
	int fd = listen_take(handed, LISTEN_CONTROL, 0, path);
	if (fd < 0)
		fd = socket_open(path, err);
	if (fd < 0)
		return NULL;
	struct ctl *ctl = mem_zero(1, sizeof *ctl);
	ctl->control = control;
	ctl->fd = fd;
	ctl->path = mem_strdup(path);
	ctl->accept = event_new(
		control->base, fd, EV_READ | EV_PERSIST, on_accept, ctl);
	event_add(ctl->accept, NULL);
	ctl->go_on = evtimer_new(control->base, on_go_on, ctl);
	return ctl;
}

void ctl_give(const struct ctl *ctl, struct listen_handed *handed)
{
	listen_give(handed, LISTEN_CONTROL, 0, ctl->path, ctl->fd);
}

void ctl_rest(struct ctl *ctl, bool rest)
{
	ctl->rests = rest;
	event_del(ctl->go_on);
	if (rest)
		event_del(ctl->accept);
	else
		event_add(ctl->accept, NULL);
}

void ctl_close(struct ctl *ctl)
{
	struct err err = {0};
	if (!ctl)
		return;
	while (ctl->sessions)
		session_free(ctl->sessions);
	event_free(ctl->accept);
	event_free(ctl->go_on);
	close(ctl->fd);
	if (!ctl->rests)
		unlink_socket(ctl->path, &err);
	err_fini(&err);
	free(ctl->path);
	free(ctl);
}
