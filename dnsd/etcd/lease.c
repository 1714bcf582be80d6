/* Leases, and what is kept under them. A lease is asked for when there is something to
 * keep, and prolonged by a POST each time (a stream of them does not work through the
 * gateway). When one is lost, another is asked for, and all that was under it is
 * sent again. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "etcd/private.h"

#define ANSWER_MAX 65536
#define LASTING_EVERY_MS 600000

static const unsigned lease_ttl_s[] = {
	[ETCD_BRIEF] = ETCD_BRIEF_S, [ETCD_LASTING] = ETCD_LASTING_S};

static void leases_note(struct leases *ls, const char *why)
{
	int64_t now_ms = clock_ms();
	if (why && log_failed(&ls->fault, why, now_ms))
		log_warn("etcd: announcements fail: %s", why);
	if (!why && log_mended(&ls->fault, now_ms))
		log_info("etcd: announcements go through");
}

static bool lease_wanted(const struct leases *ls, enum etcd_lease kind)
{
	const struct announced *a = ls->first;
	while (a && !(a->value && a->lease == kind))
		a = a->next;
	return a != NULL;
}

/* Time has run out, or etcd was wiped: which one, its header may not show. */
static void lease_lost(struct leases *ls, struct lease *l)
{
	watch_doubt(&l->post.etcd->watch);
	for (unsigned i = 0; i < 2; i++)
		ls->lease[i].due_ms = 0;
	l->id = 0;
	l->failures = 0;
	for (struct announced *a = ls->first; a; a = a->next)
		a->dirty = a->dirty || (a->value && a->lease == l->kind);
}

void leases_doubt(struct leases *ls)
{
	for (struct announced *a = ls->first; a; a = a->next)
		a->dirty = a->dirty || a->value;
	/* Whether they are there, each says when it is prolonged. */
	for (unsigned i = 0; i < 2; i++)
		ls->lease[i].due_ms = 0;
}

/* -- leases -- */

/* id 0: it was not there to be prolonged. */
static void lease_have(struct lease *l, int64_t id)
{
	struct leases *ls = &l->post.etcd->leases;
	if (!id) {
		lease_lost(ls, l);
		return;
	}
	l->id = id;
	l->failures = 0;
	l->due_ms = clock_ms() +
		(l->kind == ETCD_BRIEF ? lease_ttl_s[l->kind] * 1000 / 3
				       : LASTING_EVERY_MS);
}

static void lease_done(struct post *post, enum post_end end)
{
	struct lease *l = &post->etcd->leases.lease[0];
	if (post != &l->post)
		l++;
	int64_t id = 0, ttl_s = 0;
	struct err err = {0};
	const struct buf *a = &post->answer;
	if (end == POST_OK &&
		gateway_leased(
			a->text ? a->text : "", a->len, &id, &ttl_s, &err)) {
		lease_have(l, ttl_s ? id : 0);
	} else {
		if (end == POST_OK)
			post_why(post, "%s", err_text(&err));
		leases_note(&post->etcd->leases, post->why);
		if (l->id && post->error.code == GATEWAY_NOT_FOUND)
			lease_lost(&post->etcd->leases, l);
		l->failures++;
		l->due_ms = clock_ms() + etcd_pause_ms(post->etcd, l->failures);
	}
	err_fini(&err);
}

static int64_t lease_turn(struct leases *ls, struct lease *l, int64_t now_ms)
{
	long timeout_ms = (long)l->post.etcd->timeout_ms;
	if (l->post.running || !(l->id || lease_wanted(ls, l->kind)))
		return ETCD_NEVER;
	if (now_ms < l->due_ms)
		return l->due_ms;
	if (l->id) {
		gateway_lease(post_request(&l->post), l->id);
		post_start(&l->post, "/v3/lease/keepalive", timeout_ms);
	} else {
		gateway_grant(post_request(&l->post), lease_ttl_s[l->kind]);
		post_start(&l->post, "/v3/lease/grant", timeout_ms);
	}
	return ETCD_NEVER;
}

/* -- what is kept -- */

static void announced_free(struct announced *a)
{
	free(a->value);
	free(a);
}

static struct announced **announced_place(struct leases *ls, const char *key)
{
	struct announced **at = &ls->first;
	while (*at && strcmp((*at)->key, key))
		at = &(*at)->next;
	return at;
}

/* It is there. What was deleted is forgotten. */
static void announced_sent(struct leases *ls, struct announced *a)
{
	ls->failures = 0;
	leases_note(ls, NULL);
	if (a->value || a->dirty)
		return;
	*announced_place(ls, a->key) = a->next;
	announced_free(a);
}

static void announced_failed(struct leases *ls, struct announced *a)
{
	struct post *post = &ls->post;
	leases_note(ls, post->why);
	if (post->error.code == GATEWAY_NOT_FOUND && a->value)
		lease_lost(ls, &ls->lease[a->lease]);
	/* What etcd never takes must not keep it from the next. */
	if (post->error.code != GATEWAY_INVALID)
		a->dirty = true;
	ls->failures++;
	ls->due_ms = clock_ms() + etcd_pause_ms(post->etcd, ls->failures);
}

static void announced_done(struct post *post, enum post_end end)
{
	struct leases *ls = &post->etcd->leases;
	struct announced *a = ls->sending;
	struct err err = {0};
	const struct buf *text = &post->answer;
	ls->sending = NULL;
	if (end == POST_OK &&
		!gateway_done(text->text ? text->text : "", text->len, &err)) {
		post_why(post, "%s", err_text(&err));
		end = POST_FAILED;
	}
	err_fini(&err);
	if (end == POST_OK)
		announced_sent(ls, a);
	else
		announced_failed(ls, a);
}

static void announced_send(struct leases *ls, struct announced *a)
{
	struct buf *request = post_request(&ls->post);
	a->dirty = false;
	ls->sending = a;
	if (a->value)
		gateway_put(request, a->key, a->value, a->len,
			ls->lease[a->lease].id);
	else
		gateway_delete(request, a->key);
	post_start(&ls->post, a->value ? "/v3/kv/put" : "/v3/kv/deleterange",
		(long)ls->post.etcd->timeout_ms);
	/* To the end: one that fails leaves the turn to the others. */
	*announced_place(ls, a->key) = a->next;
	struct announced **end = &ls->first;
	while (*end)
		end = &(*end)->next;
	a->next = NULL;
	*end = a;
}

int64_t leases_turn(struct leases *ls, int64_t now_ms)
{
	int64_t next = ETCD_NEVER;
	for (unsigned i = 0; i < 2; i++) {
		int64_t due = lease_turn(ls, &ls->lease[i], now_ms);
		next = due < next ? due : next;
	}
	if (ls->post.running)
		return next;
	struct announced *a = ls->first;
	while (a && !(a->dirty && (!a->value || ls->lease[a->lease].id)))
		a = a->next;
	if (a && now_ms < ls->due_ms)
		return ls->due_ms < next ? ls->due_ms : next;
	if (a)
		announced_send(ls, a);
	return next;
}

static void announce_run(void *arg)
{
	struct announced *a = arg;
	struct announced **at = announced_place(&a->etcd->leases, a->key);
	if (*at) {
		struct announced *old = *at;
		free(old->value);
		old->lease = a->lease;
		old->value = a->value;
		old->len = a->len;
		old->dirty = true;
		free(a);
	} else {
		*at = a;
	}
}

static void announce_drop(void *arg)
{
	announced_free(arg);
}

void etcd_announce(struct etcd *e, enum etcd_lease lease, const char *key,
	const char *value)
{
	struct announced *a = mem_zero(1, sizeof *a);
	assert(strlen(e->prefix) + strlen(key) <= ETCD_KEY_MAX);
	*a = (struct announced){.etcd = e,
		.lease = lease,
		.dirty = true,
		.value = value ? mem_strdup(value) : NULL,
		.len = value ? strlen(value) : 0};
	assert(a->len <= ETCD_VALUE_MAX);
	snprintf(a->key, sizeof a->key, "%s%s", e->prefix, key);
	mailbox_post_owned(e->inbox, announce_run, announce_drop, a);
}

/* -- beginning and end -- */

/* Whatever comes of it, it ends by itself soon. */
static void lease_revoked(struct post *post, enum post_end end)
{
}

void leases_revoke(struct leases *ls, long timeout_ms)
{
	struct lease *l = &ls->lease[ETCD_BRIEF];
	post_stop(&ls->post);
	post_stop(&l->post);
	if (!l->id)
		return;
	l->post.done = lease_revoked;
	gateway_lease(post_request(&l->post), l->id);
	post_start(&l->post, "/v3/lease/revoke", timeout_ms);
}

bool leases_busy(const struct leases *ls)
{
	return ls->lease[ETCD_BRIEF].post.running;
}

void leases_init(struct leases *ls, struct etcd *e)
{
	*ls = (struct leases){0};
	for (unsigned i = 0; i < 2; i++) {
		ls->lease[i].kind = i;
		ls->lease[i].post = (struct post){
			.etcd = e, .most = ANSWER_MAX, .done = lease_done};
	}
	ls->post = (struct post){
		.etcd = e, .most = ANSWER_MAX, .done = announced_done};
}

void leases_fini(struct leases *ls)
{
	for (unsigned i = 0; i < 2; i++)
		post_fini(&ls->lease[i].post);
	post_fini(&ls->post);
	for (struct announced *a = ls->first, *next; a; a = next) {
		next = a->next;
		announced_free(a);
	}
}
