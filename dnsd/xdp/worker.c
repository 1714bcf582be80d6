#include "xdp/worker.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "net/unwrap.h"
#include "snapshot/options.h"

#define BATCH 32 /* as many as the kernel sends in one call */
#define REPLY_ROOM 1280
#define MAX_CLIENTS (1 << 18)
#define DEFER_POLL_MS 10
#define DEFER_TRIES 100   /* a second; the asker has asked again then */
#define UNSENT_POLL_MS 10 /* until the kernel is asked again to send */

_Static_assert(FRAME_HEADERS_MAX + REPLY_ROOM <= FRAME_PLACE / 2,
	"a reply is in the second half of its frame's place");

/* A query of a batch: its frame, and what was read of it. */
struct slot {
	struct queue_frame frame;
	struct frame_query query;
	uint16_t tries; /* that were deferred before */
};

struct xdp_worker {
	struct net_thread thread;
	unsigned number;
	struct queue *queue;
	struct slot slots[BATCH];
	struct answer_job jobs[BATCH];
	_Atomic bool stopping;
	int64_t retried_ms;
};

/* Read by control while it grows. */
static void add_to(uint64_t *sum, uint64_t n)
{
	__atomic_store_n(sum, *sum + n, __ATOMIC_RELAXED);
}

/* -- a batch -- */

static const uint8_t *octets(const struct xdp_worker *w, unsigned i)
{
	const struct queue_frame *f = &w->slots[i].frame;
	return queue_at(w->queue, f->number) + f->at;
}

/* Makes a job of a frame, if it is a query. */
static bool take_frame(
	struct xdp_worker *w, unsigned i, const struct queue_frame *frame)
{
	struct slot *s = &w->slots[i];
	struct answer_job *job = &w->jobs[i];
	struct queue_counts *counts = &w->queue->state->counts;

	s->frame = *frame;
	s->tries = 0;
	enum frame_kind kind = frame_read(octets(w, i), frame->len, &s->query);
	if (kind != FRAME_QUERY) {
		add_to(kind == FRAME_MALFORMED ? &counts->malformed
					       : &counts->bad_checksum,
			1);
		queue_free(w->queue, frame->number);
		return false;
	}
	job->query = octets(w, i) + s->query.headers;
	job->query_len = s->query.len;
	job->peer = s->query.peer;
	job->port = s->query.port;
	job->reply = queue_reply(w->queue, frame->number) + s->query.headers;
	return true;
}

/* Keeps it, with its frame, for another try. */
static bool defer(struct xdp_worker *w, unsigned i)
{
	struct queue_state *state = w->queue->state;
	const struct slot *s = &w->slots[i];

	if (s->tries == DEFER_TRIES)
		return false;
	if (state->n_deferred == QUEUE_DEFERRED) {
		add_to(&state->counts.no_room, 1);
		return false;
	}
	state->deferred[state->n_deferred++] =
		(struct queue_deferred){.frame = s->frame.number,
			.at = (uint16_t)s->frame.at,
			.len = (uint16_t)s->frame.len,
			.tries = (uint16_t)(s->tries + 1),
			.accounted = w->jobs[i].accounted};
	return true;
}

static void send_all(struct xdp_worker *w, unsigned n)
{
	struct queue *q = w->queue;
	uint64_t sent = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct slot *s = &w->slots[i];
		uint32_t number = s->frame.number;
		if (!w->jobs[i].reply_len) {
			if (!w->jobs[i].defer || !defer(w, i))
				queue_free(q, number);
			continue;
		}
		size_t len = frame_reply(octets(w, i), &s->query,
			queue_reply(q, number), w->jobs[i].reply_len);
		if (queue_send(q, number, len)) {
			sent++;
		} else {
			add_to(&q->state->counts.no_room, 1);
			queue_free(q, number);
		}
	}
	add_to(&q->state->counts.answered, sent);
}

static void note_all(struct xdp_worker *w, unsigned n, int64_t query_ns)
{
	const struct answerer *answerer = &w->thread.answerer;

	if (answerer->snap->options->query_log > 0)
		for (unsigned i = 0; i < n; i++)
			querylog_job(&w->thread.log, answerer, &w->jobs[i]);
	if (!query_ns)
		return;
	int64_t response_ns = tap_now(answerer);
	for (unsigned i = 0; i < n; i++)
		tap_job(&w->thread.tap, answerer, &w->jobs[i], query_ns,
			response_ns);
}

/* The jobs are made. */
static void answer_all(struct xdp_worker *w, unsigned n)
{
	struct answerer *answerer = &w->thread.answerer;

	answerer->snap = snapshot_acquire(w->thread.published);
	net_thread_times(&w->thread);
	int64_t query_ns = tap_now(answerer);
	if (answerer->snap->options->n_proxy > 0)
		for (unsigned i = 0; i < n; i++)
			unwrap_job(answerer, &w->jobs[i]);
	answer_batch(answerer, w->jobs, n);
	note_all(w, n, query_ns);
	snapshot_release(w->thread.published);
	send_all(w, n);
}

/* Answers what is in the queue, up to a batch. How many frames there were. */
static unsigned turn(struct xdp_worker *w)
{
	struct queue_frame frames[BATCH];
	unsigned n = 0;

	queue_refill(w->queue);
	unsigned got = queue_receive(w->queue, frames, BATCH);
	for (unsigned i = 0; i < got; i++)
		n += take_frame(w, n, &frames[i]);
	if (got)
		add_to(&w->queue->state->counts.received, got);
	if (n)
		answer_all(w, n);
	return got;
}

/* -- questions before the first polls, or before signatures -- */

static void retry_deferred(struct xdp_worker *w)
{
	struct queue_state *state = w->queue->state;
	struct queue_deferred list[QUEUE_DEFERRED];
	uint32_t n = state->n_deferred;
	int64_t now_ms = clock_ms();

	if (now_ms - w->retried_ms < DEFER_POLL_MS)
		return;
	w->retried_ms = now_ms;
	memcpy(list, state->deferred, n * sizeof *list);
	state->n_deferred = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct queue_frame frame = {
			list[i].frame, list[i].at, list[i].len};
		if (!take_frame(w, 0, &frame))
			continue; /* it was read before */
		w->slots[0].tries = list[i].tries;
		w->jobs[0].again = true;
		w->jobs[0].accounted = list[i].accounted;
		answer_all(w, 1);
	}
	w->jobs[0].again = w->jobs[0].accounted = false;
}

/* -- the thread -- */

static void wait_for_frames(struct xdp_worker *w, bool flushed)
{
	struct pollfd p[] = {
		{w->thread.stop_fd, POLLIN, 0}, {w->queue->socket, POLLIN, 0}};
	int ms = !flushed                     ? UNSENT_POLL_MS
		: w->queue->state->n_deferred ? DEFER_POLL_MS
					      : -1;
	poll(p, 2, ms);
	if (p[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		poll(p, 1, 1000); /* the interface is gone */
}

static void *xdp_thread(void *arg)
{
	struct xdp_worker *w = arg;

	snapshot_thread_begin();
	net_thread_wakes();
	sandbox_enter(SANDBOX_XDP, w->thread.sandbox);
	while (!w->stopping) {
		unsigned got = turn(w);
		if (w->queue->state->n_deferred)
			retry_deferred(w);
		bool flushed = queue_flush(w->queue);
		if (!got)
			wait_for_frames(w, flushed);
	}
	/* A ring at most: nothing comes any more, or another process goes on. */
	for (unsigned i = 0; i < QUEUE_RING && turn(w); i++)
		queue_flush(w->queue);
	snapshot_thread_end();
	return NULL;
}

struct xdp_worker *xdp_worker_new(
	unsigned number, struct queue *queue, const struct net_shared *shared)
{
	struct xdp_worker *w =
		aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);
	if (!w)
		abort();
	memset(w, 0, sizeof *w);
	net_thread_init(&w->thread, shared, MAX_CLIENTS);
	w->number = number;
	w->queue = queue;
	for (unsigned i = 0; i < BATCH; i++)
		w->jobs[i].reply_room = REPLY_ROOM;
	return w;
}

void xdp_worker_start(struct xdp_worker *w)
{
	char name[16];
	snprintf(name, sizeof name, "dnsd-xdp%u", w->number);
	w->stopping = false;
	net_thread_start(&w->thread, name, xdp_thread, w);
}

void xdp_worker_stop(struct xdp_worker *w)
{
	w->stopping = true;
	net_thread_stop(&w->thread);
}

void xdp_worker_free(struct xdp_worker *w)
{
	net_thread_fini(&w->thread);
	free(w);
}

struct net_thread *xdp_worker_thread(struct xdp_worker *w)
{
	return &w->thread;
}
