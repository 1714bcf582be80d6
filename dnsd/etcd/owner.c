/* Messages to the owner, in its mailbox. Some may still be there after etcd_close(): each
 * holds a reference to struct owner, and calls nothing once that is closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/private.h"

struct owner {
	struct mailbox *mailbox;
	struct etcd_events events;
	bool closed;          /* by the thread of the mailbox alone */
	atomic_uint holders;  /* the client, and each letter */
	atomic_size_t behind; /* octets of batches in letters */
};

struct owner *owner_new(
	struct mailbox *mailbox, const struct etcd_events *events)
{
	struct owner *o = mem_zero(1, sizeof *o);
	o->mailbox = mailbox;
	o->events = *events;
	atomic_init(&o->holders, 1);
	return o;
}

static void owner_let_go(struct owner *o)
{
	if (atomic_fetch_sub(&o->holders, 1) == 1)
		free(o);
}

void owner_close(struct owner *o)
{
	o->closed = true;
	owner_let_go(o);
}

size_t owner_behind(const struct owner *o)
{
	return atomic_load(&o->behind);
}

struct owner_letter {
	struct owner *owner;
	struct batch *batch; /* NULL: `connected`, or an answer */
	bool all;
	change_done *done;          /* NULL: `connected` */
	char key[ETCD_KEY_MAX + 1]; /* of the change, without the prefix */
	void *arg;
	enum etcd_result result;
	int64_t revision;
	bool has_why;
	char why[ETCD_WHY_MAX];
};

static void owner_letter_free(void *arg)
{
	struct owner_letter *l = arg;
	if (l->batch)
		atomic_fetch_sub(&l->owner->behind, l->batch->octets);
	batch_free(l->batch);
	owner_let_go(l->owner);
	free(l);
}

static void owner_letter_run(void *arg)
{
	struct owner_letter *l = arg;
	const struct etcd_events *e = &l->owner->events;
	const struct batch *b = l->batch;
	const char *why = l->has_why ? l->why : NULL;

	if (l->owner->closed)
		;
	else if (b && l->all)
		e->all(e->arg, b->revision, b->item, b->n);
	else if (b)
		e->changed(e->arg, b->revision, b->item, b->n);
	else if (l->done)
		l->done(l->arg, l->key, l->result, l->revision, why);
	else
		e->connected(e->arg, why);
	owner_letter_free(l);
}

/* The letter is copied. */
static void owner_post(
	struct owner *o, const struct owner_letter *letter, const char *why)
{
	struct owner_letter *l = mem_alloc(sizeof *l);
	*l = *letter;
	l->owner = o;
	l->has_why = why != NULL;
	if (why)
		strncpy(l->why, why, sizeof l->why - 1);
	if (l->batch)
		atomic_fetch_add(&o->behind, l->batch->octets);
	atomic_fetch_add(&o->holders, 1);
	mailbox_post_owned(o->mailbox, owner_letter_run, owner_letter_free, l);
}

void owner_all(struct owner *o, struct batch *batch)
{
	owner_post(
		o, &(struct owner_letter){.batch = batch, .all = true}, NULL);
}

void owner_changed(struct owner *o, struct batch *batch)
{
	owner_post(o, &(struct owner_letter){.batch = batch}, NULL);
}

void owner_connected(struct owner *o, const char *why)
{
	owner_post(o, &(struct owner_letter){.batch = NULL}, why);
}

void owner_answer(struct owner *o, const struct change *c,
	enum etcd_result result, int64_t revision, const char *why)
{
	struct owner_letter letter = {.done = c->done,
		.arg = c->arg,
		.result = result,
		.revision = revision};
	snprintf(letter.key, sizeof letter.key, "%s", c->key + c->bare);
	owner_post(o, &letter, why);
}
