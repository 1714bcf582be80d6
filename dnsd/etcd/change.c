/* Changes by compare-and-swap: one at a time, in order. Each is sent once: one that was
 * sent and not answered may be done. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "etcd/private.h"

#define ANSWER_MAX 65536

static void change_free(struct change *c)
{
	free(c->value);
	free(c);
}

static void change_drop(void *arg)
{
	change_free(arg);
}

/* Answers the first. */
static void changes_end_first(struct changes *q, enum etcd_result result,
	int64_t revision, const char *why)
{
	struct change *c = q->first;
	owner_answer(c->etcd->owner, c, result, revision, why);
	q->first = c->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	q->octets -= c->len;
	q->begun = false;
	change_free(c);
}

/* No endpoint took the first in time: nor would one have taken those that wait as
 * long. */
static void changes_expire(struct changes *q, int64_t now_ms)
{
	int64_t timeout_ms = q->post.etcd->timeout_ms;
	do
		changes_end_first(q, ETCD_UNSURE, 0, q->why);
	while (q->first && now_ms - q->first->asked_ms >= timeout_ms);
}

static void changes_answered(struct changes *q)
{
	bool changed = false;
	int64_t revision = 0;
	struct err err = {0};
	const struct buf *a = &q->post.answer;
	if (gateway_changed(
		    a->text ? a->text : "", a->len, &changed, &revision, &err))
		changes_end_first(q, changed ? ETCD_DONE : ETCD_CONFLICT,
			changed ? revision : 0, NULL);
	else {
		post_why(&q->post, "%s", err_text(&err));
		changes_end_first(q, ETCD_UNSURE, 0, q->post.why);
	}
	err_fini(&err);
}

static void changes_done(struct post *post, enum post_end end)
{
	struct changes *q = &post->etcd->changes;
	if (end == POST_OK) {
		changes_answered(q);
	} else if (end == POST_UNREACHED) {
		snprintf(q->why, sizeof q->why, "%s", post->why);
		q->failures++;
		q->due_ms = clock_ms() + etcd_pause_ms(post->etcd, q->failures);
	} else {
		changes_end_first(q, ETCD_UNSURE, 0, post->why);
	}
}

static void changes_send(struct changes *q, int64_t now_ms)
{
	const struct change *c = q->first;
	gateway_change(
		post_request(&q->post), c->key, c->value, c->len, c->revision);
	post_start(&q->post, "/v3/kv/txn", (long)(q->until_ms - now_ms));
}

int64_t changes_turn(struct changes *q, int64_t now_ms)
{
	while (q->first && !q->post.running) {
		if (!q->begun) {
			q->begun = true;
			q->until_ms = now_ms + q->post.etcd->timeout_ms;
			q->due_ms = now_ms;
			q->failures = 0;
		}
		if (now_ms >= q->until_ms)
			changes_expire(q, now_ms);
		else if (now_ms >= q->due_ms)
			changes_send(q, now_ms);
		else
			return q->due_ms < q->until_ms ? q->due_ms
						       : q->until_ms;
	}
	return ETCD_NEVER;
}

static void change_queue(void *arg)
{
	struct change *c = arg;
	struct changes *q = &c->etcd->changes;
	if (q->n == CHANGES_MAX || q->octets + c->len > ETCD_ALL_MAX) {
		owner_answer(c->etcd->owner, c, ETCD_UNSURE, 0,
			"too many changes wait");
		change_free(c);
		return;
	}
	q->n++;
	q->octets += c->len;
	*q->last = c;
	q->last = &c->next;
}

void etcd_change(struct etcd *e, const char *key, const char *value,
	int64_t revision, change_done *done, void *arg)
{
	struct change *c = mem_zero(1, sizeof *c);
	assert(done && strlen(e->prefix) + strlen(key) <= ETCD_KEY_MAX);
	*c = (struct change){.etcd = e,
		.done = done,
		.arg = arg,
		.revision = revision,
		.bare = strlen(e->prefix),
		.asked_ms = clock_ms(),
		.value = value ? mem_strdup(value) : NULL,
		.len = value ? strlen(value) : 0};
	assert(c->len <= ETCD_VALUE_MAX);
	snprintf(c->key, sizeof c->key, "%s%s", e->prefix, key);
	mailbox_post_owned(e->inbox, change_queue, change_drop, c);
}

void changes_init(struct changes *q, struct etcd *e)
{
	*q = (struct changes){.last = &q->first};
	q->post = (struct post){.etcd = e,
		.most = ANSWER_MAX,
		.once = true,
		.done = changes_done};
}

void changes_fini(struct changes *q)
{
	post_fini(&q->post);
	for (struct change *c = q->first, *next; c; c = next) {
		next = c->next;
		change_free(c);
	}
}
