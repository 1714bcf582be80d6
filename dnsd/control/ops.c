/* What http asks of control: from its thread to ours by mail, and back. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/enrol.h"
#include "control/state.h"
#include "control/schedule.h"
#include "control/pending.h"

#define STREAMS_AGAIN_MS 500 /* streams are looked for beside the polls */

struct http_request {
	struct control *control;
	struct mailbox *mailbox;
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
	char node[64];
	bool drained;
	char *keys; /* of a node to approve, NULL: remove it; owned */
	unsigned index;
	float connections;
	bool ok;
	char *text; /* owned */
};

static void http_answer(void *arg)
{
	struct http_request *r = arg;
	r->done(r->arg, r->ok, r->text);
	free(r->text);
	free(r->keys);
	free(r);
}

/* Answers on http's thread. */
static void answer(struct http_request *r, bool ok, const char *text)
{
	r->ok = ok;
	r->text = text ? mem_strdup(text) : NULL;
	mailbox_post(r->mailbox, http_answer, r);
}

/* A change of a node that waits for its answer. */
static struct http_request *asked(struct control *c, const char *node,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	struct http_request *r = mem_zero(1, sizeof *r);
	*r = (struct http_request){.control = c,
		.mailbox = mailbox,
		.done = done,
		.arg = done_arg};
	strncpy(r->node, node, sizeof r->node - 1);
	return r;
}

/* -- drains -- */

static void http_drain_kept(void *arg, bool ok)
{
	struct http_request *r = arg;
	if (!ok && r->control->store)
		answer(r, false, control_drain_lost(r->drained));
	else
		answer(r, true,
			ok ? "kept over a restart"
			   : "in force, but not kept over a restart: no store");
}

static void http_drain_run(void *arg)
{
	struct http_request *r = arg;
	if (!control_drain(r->control, r->node, r->drained, http_drain_kept, r))
		answer(r, false, NULL);
}

static void ops_drain(void *arg, const char *node, bool drained,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	struct control *c = arg;
	struct http_request *r = asked(c, node, mailbox, done, done_arg);
	r->drained = drained;
	mailbox_post(c->mailbox, http_drain_run, r);
}

/* -- heartbeats -- */

static void http_heartbeat_run(void *arg)
{
	struct http_request *r = arg;
	if (r->index < r->control->built->map->n_nodes)
		fleet_raise(r->control->fleet, r->index, r->connections,
			clock_ms());
	free(r);
}

static void ops_heartbeat(void *arg, unsigned node, float connections)
{
	struct control *c = arg;
	struct http_request *r = mem_zero(1, sizeof *r);
	*r = (struct http_request){
		.control = c, .index = node, .connections = connections};
	mailbox_post(c->mailbox, http_heartbeat_run, r);
}

struct pending_beat {
	struct control *control;
	struct addr from;
	float connections;
	char server[128], device[128];
};

static void http_pending_run(void *arg)
{
	struct pending_beat *b = arg;
	pending_reported(b->control->pending, b->server, b->device, &b->from,
		b->connections, clock_ms());
	free(b);
}

static void ops_pending(void *arg, const char *server, const char *device,
	const struct addr *from, float connections)
{
	struct control *c = arg;
	struct pending_beat *b = mem_zero(1, sizeof *b);
	b->control = c;
	b->from = *from;
	b->connections = connections;
	strncpy(b->server, server, sizeof b->server - 1);
	strncpy(b->device, device, sizeof b->device - 1);
	mailbox_post(c->mailbox, http_pending_run, b);
}

/* -- approvals -- */

static void http_enrolled(void *arg, bool ok, const char *text)
{
	answer(arg, ok, text);
}

static void http_enrol_run(void *arg)
{
	struct http_request *r = arg;
	if (r->keys)
		enrol_node(r->control, r->node, r->keys, http_enrolled, r);
	else
		enrol_remove(r->control, r->node, http_enrolled, r);
}

static void ops_enrol(void *arg, const char *node, const char *keys,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	struct control *c = arg;
	struct http_request *r = asked(c, node, mailbox, done, done_arg);
	r->keys = keys ? mem_strdup(keys) : NULL;
	mailbox_post(c->mailbox, http_enrol_run, r);
}

/* -- streams -- */

static void http_streams_run(void *arg)
{
	struct control *c = arg;
	int64_t now_ms = clock_ms();
	if (now_ms - c->streams_asked_ms < STREAMS_AGAIN_MS)
		return;
	c->streams_asked_ms = now_ms;
	poll_streams_now(c->poller);
}

static void ops_streams(void *arg)
{
	struct control *c = arg;
	mailbox_post(c->mailbox, http_streams_run, c);
}

struct control_ops control_http_ops(struct control *c)
{
	return (struct control_ops){.arg = c,
		.drain = ops_drain,
		.heartbeat = ops_heartbeat,
		.pending_node = ops_pending,
		.enrol = ops_enrol,
		.schedule = schedule_ask,
		.streams = ops_streams,
		.history = control_history_ask};
}
