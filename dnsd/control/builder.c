#include "control/builder.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mailbox.h"
#include "base/thread.h"

struct builder {
	struct mailbox *mailbox;
	void (*idle)(void *arg);
	void *arg;
	struct job *first; /* it runs, and is the only one that has begun */
};

struct builder *builder_new(
	struct mailbox *mailbox, void (*idle)(void *arg), void *arg)
{
	assert(mailbox && idle);
	struct builder *b = mem_zero(1, sizeof *b);
	*b = (struct builder){mailbox, idle, arg, NULL};
	return b;
}

static void job_ended(void *arg);

static void *job_thread(void *arg)
{
	struct job *job = arg;
	job->run(job);
	mailbox_post(job->builder->mailbox, job_ended, job);
	return NULL;
}

static void job_begin(struct job *job)
{
	job->begun = true;
	job->thread = thread_start("dnsd-builder", job_thread, job);
}

static void job_ended(void *arg)
{
	struct job *job = arg;
	struct builder *b = job->builder;

	assert(b->first == job && job->begun);
	pthread_join(job->thread, NULL);
	b->first = job->next;
	job->done(job);
	if (!b->first)
		b->idle(b->arg);
	else if (!b->first->begun)
		job_begin(b->first);
}

void builder_add(struct builder *b, struct job *job)
{
	assert(job->run && job->done && job->drop);
	struct job **last = &b->first;

	job->builder = b;
	job->next = NULL;
	job->begun = false;
	while (*last)
		last = &(*last)->next;
	*last = job;
	if (b->first == job)
		job_begin(job);
}

bool builder_is_busy(const struct builder *b)
{
	return b->first != NULL;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	if (b->first)
		pthread_join(b->first->thread, NULL);
	while (b->first) {
		struct job *job = b->first;
		b->first = job->next;
		job->drop(job);
	}
	free(b);
}
