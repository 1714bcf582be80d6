/* What http asks of control: from its thread to ours by mail, and back. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/approve.h"
#include "control/state.h"
#include "control/timetable.h"
#include "control/waiting.h"

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

struct stranger_beat {
	struct control *control;
	struct addr from;
	float connections;
	char server[128], device[128];
};

static void http_stranger_run(void *arg)
{
	struct stranger_beat *b = arg;
	waiting_heard(b->control->waiting, b->server, b->device, &b->from,
		b->connections, clock_ms());
	free(b);
}

static void ops_stranger(void *arg, const char *server, const char *device,
	const struct addr *from, float connections)
{
	struct control *c = arg;
	struct stranger_beat *b = mem_zero(1, sizeof *b);
	b->control = c;
	b->from = *from;
	b->connections = connections;
	strncpy(b->server, server, sizeof b->server - 1);
	strncpy(b->device, device, sizeof b->device - 1);
	mailbox_post(c->mailbox, http_stranger_run, b);
}

/* -- approvals -- */

static void http_approved(void *arg, bool ok, const char *text)
{
	answer(arg, ok, text);
}

static void http_approve_run(void *arg)
{
	struct http_request *r = arg;
	if (r->keys)
		approve_node(r->control, r->node, r->keys, http_approved, r);
	else
		approve_remove(r->control, r->node, http_approved, r);
}

static void ops_approve(void *arg, const char *node, const char *keys,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	struct control *c = arg;
	struct http_request *r = asked(c, node, mailbox, done, done_arg);
	r->keys = keys ? mem_strdup(keys) : NULL;
	mailbox_post(c->mailbox, http_approve_run, r);
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
		.stranger = ops_stranger,
		.approve = ops_approve,
		.expect = timetable_ask,
		.streams = ops_streams,
		.history = control_history_ask};
}
