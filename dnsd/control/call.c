#include "control/call.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

struct call *call_new(size_t size, enum call_kind kind, struct mailbox *mailbox,
	void (*done)(struct call *call))
{
	assert(size >= sizeof(struct call));
	struct call *call = mem_zero(1, size);
	call->kind = kind;
	call->mailbox = mailbox;
	call->done = done;
	return call;
}

void call_free(struct call *call)
{
	if (!call)
		return;
	free(call->keys);
	free(call->text);
	free(call->list);
	free(call->points);
	free(call->path_points);
	free(call->paths);
	free(call);
}

static void call_drop(void *arg)
{
	call_free(arg);
}

static void call_run(void *arg)
{
	struct call *call = arg;
	call->callee->run(call->callee->owner, call);
}

void call_post(struct call *call, const struct callee *callee)
{
	assert(callee->run && callee->mailbox);
	call->callee = callee;
	mailbox_post_owned(callee->mailbox, call_run, call_drop, call);
}

static void call_done(void *arg)
{
	struct call *call = arg;
	call->done(call);
	call_free(call);
}

void call_answer(struct call *call, enum call_result result, const char *text)
{
	if (!call->done) {
		call_free(call);
		return;
	}
	assert(!call->text); /* it is answered once */
	call->result = result;
	call->text = mem_strdup(text ? text : "");
	if (call->mailbox)
		mailbox_post_owned(call->mailbox, call_done, call_drop, call);
	else
		call_done(call);
}
