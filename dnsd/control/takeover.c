#include "control/takeover.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/handover.h"
#include "control/publish.h"
#include "control/state.h"
#include "fleet/handed.h"

#define WARM_LOOK_MS 20
#define WARM_MOST_MS 5000

struct takeover {
	int channel;
	struct threads_handed handed;
	uint8_t cookie_secret[16];
	struct handover_name *names; /* of nodes, by number */
	unsigned n_names;
	struct channel_message state; /* until it is taken */
	struct buf left;              /* sections that were not understood */
};

/* -- hearing -- */

static bool hear(struct takeover *t, enum handover_kind kind,
	struct channel_message *m, struct err *err)
{
	if (!channel_receive(t->channel, m, err))
		return false;
	if (m->kind == (uint32_t)kind)
		return true;
	channel_message_free(m);
	return err_add(err, "the old process speaks out of turn");
}

static bool say(struct takeover *t, enum handover_kind kind, const char *text,
	struct err *err)
{
	struct buf body = {0};
	buf_printf(&body, "%s", text);
	bool ok = channel_send(t->channel, kind, &body, NULL, 0, err);
	buf_fini(&body);
	return ok;
}

static struct sections sections_of(const struct channel_message *m)
{
	return (struct sections){.at = m->body, .len = m->len};
}

/* What was not understood is said once, when all is over. */
static void sections_done(struct takeover *t, struct sections *in)
{
	if (in->left.len)
		buf_printf(&t->left, "%s%s", t->left.len ? ", " : "",
			in->left.text);
	sections_fini(in);
}

/* -- setting and sockets -- */

static bool take_setting(struct takeover *t, const struct channel_message *m,
	unsigned *sockets, struct err *err)
{
	struct sections in = sections_of(m);
	size_t n, n_names;
	const struct handover_setting *setting = sections_find(
		&in, "setting", HANDOVER_SETTING_VERSION, sizeof *setting, &n);
	const struct handover_name *names = sections_find(
		&in, "names", HANDOVER_NAMES_VERSION, sizeof *names, &n_names);

	sections_fini(&in);
	if (n != 1 || !names)
		return err_add(err,
			"the version that runs cannot hand over to " DNSD_VERSION);
	t->handed.secret = setting->secret;
	memcpy(t->cookie_secret, setting->cookie_secret,
		sizeof t->cookie_secret);
	t->names = mem_zero(n_names + 1, sizeof *names);
	memcpy(t->names, names, n_names * sizeof *names);
	t->n_names = (unsigned)n_names;
	*sockets = setting->sockets;
	return true;
}

static bool take_sockets(
	struct takeover *t, struct channel_message *m, struct err *err)
{
	struct sections in = sections_of(m);
	size_t n;
	const struct listen_given *one = sections_find(
		&in, "sockets", HANDOVER_SOCKETS_VERSION, sizeof *one, &n);

	sections_fini(&in);
	if (!n || n != m->n_fds)
		return err_add(err, "sockets without their addresses");
	for (unsigned i = 0; i < n; i++) {
		struct listen_given given = one[i];
		given.text[sizeof given.text - 1] = '\0';
		listen_give(&t->handed.sockets, (enum listen_kind)given.kind,
			given.worker, given.text, m->fds[i]);
		m->fds[i] = -1;
	}
	return true;
}

static bool hear_setting(struct takeover *t, struct err *err)
{
	struct channel_message m;
	unsigned sockets = 0;

	if (!hear(t, HANDOVER_SETTING, &m, err))
		return false;
	bool ok = take_setting(t, &m, &sockets, err);
	channel_message_free(&m);
	while (ok && t->handed.sockets.n < sockets) {
		ok = hear(t, HANDOVER_SOCKETS, &m, err) &&
			take_sockets(t, &m, err);
		channel_message_free(&m);
	}
	return ok;
}

struct takeover *takeover_new(int channel, struct err *err)
{
	struct takeover *t = mem_zero(1, sizeof *t);
	t->channel = channel;
	fcntl(channel, F_SETFD, FD_CLOEXEC);
	channel_patience(channel, HANDOVER_WAIT_MS);
	if (hear_setting(t, err))
		return t;
	takeover_refuse(t, err_text(err));
	takeover_free(t);
	return NULL;
}

void takeover_free(struct takeover *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->handed.sockets.n; i++)
		if (t->handed.sockets.one[i].fd >= 0)
			close(t->handed.sockets.one[i].fd);
	if (t->left.len)
		log_info(
			"take-over: what another version means otherwise is learned anew: %s",
			t->left.text);
	buf_fini(&t->left);
	channel_message_free(&t->state);
	close(t->channel);
	free(t->handed.sockets.one);
	free(t->names);
	free(t);
}

struct threads_handed *takeover_handed(struct takeover *t)
{
	return &t->handed;
}

void takeover_number(const struct takeover *t, struct built *built)
{
	const char **names = mem_zero(t->n_names + 1, sizeof *names);
	for (unsigned i = 0; i < t->n_names; i++)
		if (*t->names[i].text)
			names[i] = t->names[i].text;
	build_take(built, t->cookie_secret, names, t->n_names);
	free(names);
}

void takeover_refuse(struct takeover *t, const char *why)
{
	struct err unheard = {0};
	say(t, HANDOVER_FAILED, why, &unheard);
	err_fini(&unheard);
}

/* -- a moment of polls -- */

/* So that streams are known, and the other process is not left for one that reaches
 * no node. */
struct warm {
	struct control *control;
	int64_t end_ms;
};

static void on_warm_look(evutil_socket_t fd, short what, void *arg)
{
	struct warm *w = arg;
	const struct control *c = w->control;
	bool all = true;
	for (unsigned i = 0; all && i < c->built->map->n_nodes; i++) {
		const struct fleet_node *node = fleet_node(c->fleet, i);
		all = !node->polled || node->samples + node->failures > 0;
	}
	if (all || clock_ms() >= w->end_ms)
		event_base_loopbreak(c->base);
}

static void warm(struct control *c)
{
	struct warm w = {c, clock_ms() + WARM_MOST_MS};
	struct timeval look = {0, WARM_LOOK_MS * 1000};
	struct event *e = event_new(c->base, -1, EV_PERSIST, on_warm_look, &w);
	event_add(e, &look);
	event_base_dispatch(c->base);
	event_free(e);
}

/* -- one after the other -- */

bool takeover_tables(struct takeover *t, struct control *c, struct err *err)
{
	struct channel_message m;

	warm(c);
	if (!say(t, HANDOVER_READY, "", err) ||
		!hear(t, HANDOVER_TABLES, &m, err))
		return false;
	struct sections in = sections_of(&m);
	threads_take_tables(c->threads, &in);
	sections_done(t, &in);
	channel_message_free(&m);
	return say(t, HANDOVER_TAKEN, "", err) &&
		hear(t, HANDOVER_STATE, &t->state, err);
}

bool takeover_state(struct takeover *t, struct control *c, struct err *err)
{
	struct sections in = sections_of(&t->state);
	size_t n;
	const struct handover_published *published = sections_find(&in,
		"published", HANDOVER_PUBLISHED_VERSION, sizeof *published, &n);

	if (n == 1)
		c->publisher->generation = published->generation;
	fleet_take(c->fleet, threads_resolver_rates(c->threads), &in);
	sections_done(t, &in);
	channel_message_free(&t->state);
	return true;
}

static bool hear_connections(struct takeover *t, struct channel_message *last,
	int **fds, unsigned *n, struct err *err)
{
	while (channel_receive(t->channel, last, err)) {
		if (last->kind == HANDOVER_LAST)
			return true;
		if (last->kind != HANDOVER_CONNECTIONS) {
			channel_message_free(last);
			return err_add(
				err, "the old process speaks out of turn");
		}
		*fds = mem_grow(*fds, (*n + last->n_fds + 1) * sizeof **fds);
		for (unsigned i = 0; i < last->n_fds; i++) {
			(*fds)[(*n)++] = last->fds[i];
			last->fds[i] = -1;
		}
		channel_message_free(last);
	}
	return false;
}

bool takeover_answer(struct takeover *t, struct control *c, struct err *err)
{
	struct channel_message m;
	int *fds = NULL;
	unsigned n = 0;

	bool ok = say(t, HANDOVER_LOADED, "", err) &&
		hear_connections(t, &m, &fds, &n, err);
	if (ok) {
		struct sections in = sections_of(&m);
		threads_take_rest(c->threads, &in, fds, n);
		threads_start(c->threads);
		sections_done(t, &in);
		channel_message_free(&m);
		publish_now(c);
	}
	for (unsigned i = 0; !ok && i < n; i++)
		close(fds[i]);
	free(fds);
	return ok;
}

bool takeover_serving(struct takeover *t, struct err *err)
{
	return say(t, HANDOVER_SERVING, DNSD_VERSION, err);
}
