/* All keys under the prefix: read in pages at one revision, then watched from the next
 * one on. When a watch ends, the next one begins after the revision that was seen last. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "etcd/private.h"

#define LIMIT_MOST 500 /* keys of a page, until one is too long */
#define PAGE_MAX ((size_t)16 << 20)
/* etcd takes 1.5 MiB, which are 2 in base64. */
#define WATCH_LINE_MAX ((size_t)4 << 20)
#define LASTS_MS 5000 /* a watch that stood for less may be one of a series */

static unsigned watch_round(const struct watch *w)
{
	unsigned n = w->post.etcd->n_endpoints;
	return n > 1 ? n : 2;
}

static void watch_tell_lost(struct watch *w)
{
	owner_connected(w->post.etcd->owner, w->why);
	w->told = WATCH_TOLD_LOST;
	w->told_no_quorum = w->no_quorum;
}

/* That there is no quorum says more than what the other members say, and is not taken
 * back when these say something else. */
static void watch_round_over(struct watch *w)
{
	if (w->told != WATCH_TOLD_LOST || (w->no_quorum && !w->told_no_quorum))
		watch_tell_lost(w);
	w->no_quorum = false;
}

static void watch_failed(struct watch *w, const char *why, bool no_quorum)
{
	int64_t now_ms = clock_ms();
	post_stop(&w->post);
	if (w->state == WATCH_STANDS) {
		if (now_ms - w->since_ms >= LASTS_MS)
			w->failures = 0;
		w->since_ms = now_ms;
		w->no_quorum = false;
		*w->why = '\0';
	}
	if (!*w->why || !w->no_quorum) {
		snprintf(w->why, sizeof w->why, "%s%s",
			no_quorum ? "etcd has no quorum: " : "", why);
		w->no_quorum = no_quorum;
	}
	batch_free(w->reading);
	w->reading = NULL;
	w->failures++;
	w->state = WATCH_WAITS;
	w->due_ms = now_ms + etcd_pause_ms(w->post.etcd, w->failures);
	if (w->failures % watch_round(w) == 0)
		watch_round_over(w);
}

static void watch_note_left_out(struct watch *w, const struct batch *b)
{
	if (b->left_out && log_failed(&w->left_out, "left out", clock_ms()))
		log_warn("etcd: %u keys are left out: a key of more than %d "
			 "octets or not a text, or a value of more than %d",
			b->left_out, ETCD_KEY_MAX, ETCD_VALUE_MAX);
}

/* -- all -- */

static void watch_ask_page(struct watch *w)
{
	bool first = !w->page.next.len;
	if (first) {
		batch_free(w->reading);
		w->reading = batch_new();
	}
	gateway_range(post_request(&w->post), w->post.etcd->prefix,
		&w->page.next, w->limit, first ? 0 : w->seen.revision);
	w->post.most = PAGE_MAX;
	w->post.take = NULL;
	w->state = WATCH_READS;
	post_start(&w->post, "/v3/kv/range", (long)w->post.etcd->timeout_ms);
}

static void watch_open(struct watch *w);

static void watch_have_all(struct watch *w)
{
	w->reading->revision = w->seen.revision;
	watch_note_left_out(w, w->reading);
	owner_all(w->post.etcd->owner, w->reading);
	w->reading = NULL;
	w->anew = false;
	buf_fini(&w->page.next);
	watch_open(w);
}

/* False: it is another, or this one as it was before. */
static bool watch_same_etcd(
	const struct watch *w, const struct gateway_header *header)
{
	return header->cluster == w->seen.cluster &&
		header->revision >= w->seen.revision &&
		header->term >= w->seen.term;
}

/* False: in post.why. */
static bool watch_take_page(struct watch *w)
{
	bool first = !w->page.next.len;
	struct err err = {0};
	bool ok = gateway_page(w->post.answer.text ? w->post.answer.text : "",
		w->post.answer.len, w->post.etcd->prefix, w->reading, &w->page,
		&err);
	if (!ok)
		post_why(&w->post, "%s", err_text(&err));
	err_fini(&err);
	if (!ok)
		return false;
	if (first) {
		if (!watch_same_etcd(w, &w->page.header))
			leases_doubt(&w->post.etcd->leases);
		w->seen = w->page.header;
	}
	if (w->page.header.cluster != w->seen.cluster) {
		post_why(&w->post, "another etcd than of the page before");
		return false;
	}
	if (w->reading->octets > ETCD_ALL_MAX) {
		post_why(&w->post, "more than %d octets under the prefix",
			ETCD_ALL_MAX);
		return false;
	}
	return true;
}

static void watch_page_done(struct watch *w, enum post_end end)
{
	if (end == POST_TOO_LONG && w->limit > 1) {
		w->limit = (w->limit + 7) / 8;
		watch_ask_page(w);
	} else if (end != POST_OK) {
		watch_failed(w, w->post.why, w->post.error.no_quorum);
	} else if (!watch_take_page(w)) {
		etcd_endpoint_failed(w->post.etcd, w->post.endpoint);
		watch_failed(w, w->post.why, false);
	} else if (w->page.more) {
		watch_ask_page(w);
	} else {
		watch_have_all(w);
	}
}

/* -- changes -- */

/* The watch stands. False: all is to be read anew. A lower revision may be that of a member
 * that lags behind, or of another etcd: a read is answered only when the member has all
 * that the majority has, so it shows which. */
static bool watch_created(struct watch *w, const struct gateway_header *h)
{
	struct etcd *e = w->post.etcd;
	if (!watch_same_etcd(w, h)) {
		w->anew = true;
		post_why(&w->post, "another etcd, or restored: all is read");
		return false;
	}
	w->seen.term = h->term;
	w->state = WATCH_STANDS;
	w->since_ms = clock_ms();
	if (w->told != WATCH_TOLD_STANDS)
		owner_connected(e->owner, NULL);
	w->told = WATCH_TOLD_STANDS;
	return true;
}

/* Takes the batch. What a watch repeats is left out. */
static bool watch_changed(struct watch *w, struct batch *b, bool part)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->n; i++)
		if (b->item[i].revision > w->seen.revision)
			b->item[n++] = b->item[i];
	b->n = n;
	watch_note_left_out(w, b);
	if (owner_behind(w->post.etcd->owner) > ETCD_ALL_MAX) {
		post_why(&w->post, "changes come faster than they are taken");
		batch_free(b);
		return false;
	}
	if (!n) {
		batch_free(b);
		return true;
	}
	b->revision = b->item[n - 1].revision;
	/* Of the last revision more may follow. */
	w->seen.revision = b->revision - part;
	owner_changed(w->post.etcd->owner, b);
	return true;
}

/* False: the watch is to end; post.why says why. */
static bool watch_take_line(struct watch *w, const char *line, size_t len)
{
	struct gateway_said said;
	struct err err = {0};
	struct batch *b = batch_new();
	bool ok = gateway_said(line, len, w->post.etcd->prefix, b, &said, &err);
	if (!ok)
		post_why(&w->post, "%s", err_text(&err));
	err_fini(&err);
	if (ok && said.canceled) {
		w->post.error = said.error;
		w->anew = w->anew || said.compacted || said.error.compacted;
		post_why(&w->post, "%s", said.error.text);
		ok = false;
	}
	if (ok && said.created && w->state == WATCH_OPENS)
		ok = watch_created(w, &said.header);
	if (ok && b->n && w->state != WATCH_STANDS) {
		post_why(&w->post, "changes of no watch");
		ok = false;
	}
	if (ok)
		return watch_changed(w, b, said.part);
	batch_free(b);
	return false;
}

static bool watch_take(struct post *post, size_t n)
{
	struct watch *w = &post->etcd->watch;
	struct buf *a = &post->answer;
	size_t at = 0, looked = a->len - n;
	for (char *end; (end = memchr(a->text + looked, '\n', a->len - looked));
		looked = at = (size_t)(end - a->text) + 1)
		if (end > a->text + at &&
			!watch_take_line(
				w, a->text + at, (size_t)(end - a->text) - at))
			return false;
	if (at) {
		a->len -= at;
		memmove(a->text, a->text + at, a->len + 1);
	}
	if (w->state == WATCH_STANDS)
		w->due_ms = clock_ms() + post->etcd->silence_ms;
	return true;
}

static void watch_open(struct watch *w)
{
	struct etcd *e = w->post.etcd;
	gateway_watch(post_request(&w->post), e->prefix, w->seen.revision + 1);
	w->post.most = WATCH_LINE_MAX;
	w->post.take = watch_take;
	w->state = WATCH_OPENS;
	w->due_ms = clock_ms() + e->timeout_ms;
	post_start(&w->post, "/v3/watch", 0);
}

static void watch_stream_done(struct watch *w, enum post_end end)
{
	struct post *post = &w->post;
	/* A page is shorter than what a line would be. */
	if (end == POST_TOO_LONG)
		w->anew = true;
	/* The last line may be without its end. */
	if (end == POST_OK && post->answer.len &&
		!gateway_error(
			post->answer.text, post->answer.len, &post->error))
		post_why(post, "the watch ended within a line");
	else if (post->error.code && !*post->why)
		post_why(post, "%s", post->error.text);
	if (!*post->why)
		post_why(post, "the watch ended");
	etcd_endpoint_failed(post->etcd, post->endpoint);
	watch_failed(w, post->why, post->error.no_quorum);
}

static void watch_done(struct post *post, enum post_end end)
{
	struct watch *w = &post->etcd->watch;
	if (w->state == WATCH_READS)
		watch_page_done(w, end);
	else
		watch_stream_done(w, end);
}

/* -- turns -- */

static void watch_due(struct watch *w, int64_t now_ms)
{
	struct post *post = &w->post;
	if (w->state == WATCH_OPENS || w->state == WATCH_STANDS) {
		post_why(post,
			w->state == WATCH_OPENS ? "no answer in time"
						: "silence");
		etcd_endpoint_failed(post->etcd, post->endpoint);
		watch_failed(w, post->why, false);
	} else if (owner_behind(post->etcd->owner) > ETCD_ALL_MAX) {
		w->due_ms = now_ms + 100;
	} else if (w->anew) {
		buf_fini(&w->page.next);
		watch_ask_page(w);
	} else {
		watch_open(w);
	}
}

int64_t watch_turn(struct watch *w, int64_t now_ms)
{
	while (w->state != WATCH_READS && now_ms >= w->due_ms)
		watch_due(w, now_ms);
	int64_t next = w->state == WATCH_READS ? ETCD_NEVER : w->due_ms;
	if (w->state == WATCH_STANDS || w->told == WATCH_TOLD_LOST ||
		!w->failures)
		return next;
	int64_t tell_ms = w->since_ms + w->post.etcd->timeout_ms;
	if (now_ms >= tell_ms)
		watch_tell_lost(w);
	else if (tell_ms < next)
		next = tell_ms;
	return next;
}

void watch_doubt(struct watch *w)
{
	w->anew = true;
	if (w->state != WATCH_OPENS && w->state != WATCH_STANDS)
		return;
	post_stop(&w->post);
	w->state = WATCH_WAITS;
	w->since_ms = w->due_ms = clock_ms();
}

void watch_init(struct watch *w, struct etcd *e)
{
	*w = (struct watch){.state = WATCH_WAITS,
		.since_ms = clock_ms(),
		.limit = LIMIT_MOST,
		.anew = true};
	w->post = (struct post){.etcd = e, .done = watch_done};
}

void watch_fini(struct watch *w)
{
	post_fini(&w->post);
	batch_free(w->reading);
	buf_fini(&w->page.next);
}
