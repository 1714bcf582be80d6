#include "replay/recorder.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/thread.h"

#define ROUND_MS 50
#define SETTLE_MS 100 /* a thread's answer is in its ring after that */

/* What control reports, in the order of time. */
struct event {
	struct event *next;
	struct record *record;
	int64_t at_ms;
	void (*run)(struct trace *trace, const struct event *event);
	unsigned node;
	union {
		struct record_setting setting;
		struct sample sample;
		enum sample_failure failure;
		struct {
			enum health_probe kind;
			enum health_probed how;
		} probe;
		struct fleet_others others;
		bool drained;
		struct path_report path;
	};
};

struct record {
	struct record_ring **rings;
	unsigned n;
	struct mailbox *mailbox;
	bool on;      /* control's */
	bool running; /* control's: there is a thread */
	pthread_t thread;

	/* the thread's */
	struct trace *trace;
	struct event *first, **last;
	bool stop;
	_Atomic bool awake; /* rounds are needed */

	_Atomic uint64_t bytes, lost;
};

struct record *record_new(unsigned threads)
{
	assert(threads > 0);
	struct record *r = mem_zero(1, sizeof *r);
	r->rings = mem_zero(threads, sizeof(struct record_ring *));
	for (; r->n < threads; r->n++)
		r->rings[r->n] = record_ring_new();
	r->mailbox = mailbox_new();
	r->trace = trace_new(&r->bytes, &r->lost);
	r->last = &r->first;
	return r;
}

struct record_ring *record_ring(struct record *r, unsigned thread)
{
	assert(thread < r->n);
	return r->rings[thread];
}

bool record_is_on(const struct record *r)
{
	return r->on;
}

uint64_t record_dropped(const struct record *r)
{
	uint64_t sum = r->lost;
	for (unsigned i = 0; i < r->n; i++)
		sum += ring_lost(&r->rings[i]->ring);
	return sum;
}

uint64_t record_bytes(const struct record *r)
{
	return r->bytes;
}

/* -- events of control -- */

static void recorder_take(void *arg)
{
	struct event *e = arg;
	*e->record->last = e;
	e->record->last = &e->next;
}

static void post(struct record *r, struct event event)
{
	struct event *e = mem_alloc(sizeof *e);
	*e = event;
	e->record = r;
	mailbox_post(r->mailbox, recorder_take, e);
}

static void run_set(struct trace *t, const struct event *e)
{
	const struct record_setting *s = &e->setting;
	struct trace_file file = {s->path, s->size, s->hello, s->wall_ms};
	/* A file that goes on gets what changed; one that begins has all. */
	if (!s->path)
		trace_stop(t, e->at_ms);
	trace_nodes(t, s->nodes, s->n, e->at_ms);
	if (s->path)
		trace_start(t, &file, e->at_ms);
	free(s->path);
	free(s->hello);
	free(s->nodes);
}

void record_set(
	struct record *r, const struct record_setting *setting, int64_t now_ms)
{
	r->on = setting->path != NULL;
	r->awake = r->on;
	post(r,
		(struct event){
			.at_ms = now_ms, .run = run_set, .setting = *setting});
}

static void run_sample(struct trace *t, const struct event *e)
{
	trace_sample(t, e->node, &e->sample, e->at_ms);
}

void record_sample(
	struct record *r, unsigned node, const struct sample *s, int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_sample,
				.node = node,
				.sample = *s});
}

static void run_failed(struct trace *t, const struct event *e)
{
	trace_failed(t, e->node, e->failure, e->at_ms);
}

void record_failed(struct record *r, unsigned node, enum sample_failure failure,
	int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_failed,
				.node = node,
				.failure = failure});
}

static void run_probed(struct trace *t, const struct event *e)
{
	trace_probed(t, e->node, e->probe.kind, e->probe.how, e->at_ms);
}

void record_probed(struct record *r, unsigned node, enum health_probe probe,
	enum health_probed how, int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_probed,
				.node = node,
				.probe = {probe, how}});
}

static void run_heard(struct trace *t, const struct event *e)
{
	trace_heard(t, e->node, &e->others, e->at_ms);
}

void record_heard(struct record *r, unsigned node,
	const struct fleet_others *others, int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_heard,
				.node = node,
				.others = *others});
}

static void run_drained(struct trace *t, const struct event *e)
{
	trace_drained(t, e->node, e->drained, e->at_ms);
}

void record_drained(
	struct record *r, unsigned node, bool drained, int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_drained,
				.node = node,
				.drained = drained});
}

static void run_path(struct trace *t, const struct event *e)
{
	trace_path(t, &e->path, e->at_ms);
}

void record_path(
	struct record *r, const struct path_report *report, int64_t now_ms)
{
	if (r->on)
		post(r,
			(struct event){.at_ms = now_ms,
				.run = run_path,
				.path = *report});
}

/* -- merging -- */

/* The ring with the oldest entry up to until_ms, NULL if there is none. */
static struct record_ring *oldest(struct record *r, int64_t until_ms)
{
	struct record_ring *best = NULL;
	for (unsigned i = 0; i < r->n; i++) {
		const struct record_entry *e = record_ring_peek(r->rings[i]);
		if (!e || e->at_ms > until_ms || (best && e->at_ms == until_ms))
			continue;
		until_ms = e->at_ms;
		best = r->rings[i];
	}
	return best;
}

static void run_event(struct record *r)
{
	struct event *e = r->first;
	r->first = e->next;
	if (!r->first)
		r->last = &r->first;
	e->run(r->trace, e);
	free(e);
}

void record_drain(struct record *r, int64_t until_ms)
{
	mailbox_run(r->mailbox);
	for (;;) {
		struct record_ring *ring = oldest(r, until_ms);
		const struct record_entry *e =
			ring ? record_ring_peek(ring) : NULL;
		if (r->first && r->first->at_ms <= until_ms &&
			(!e || r->first->at_ms <= e->at_ms)) {
			run_event(r);
			continue;
		}
		if (!e)
			break;
		trace_answer(r->trace, e);
		record_ring_next(ring);
	}
	trace_time(r->trace, until_ms);
}

/* -- the thread -- */

static void *recorder_thread(void *arg)
{
	struct record *r = arg;
	struct pollfd mail = {.fd = mailbox_fd(r->mailbox), .events = POLLIN};

	/* Writing text must not take cores from answering. */
	if (nice(10) < 0)
		log_debug("record: no lower priority");
	while (!r->stop) {
		poll(&mail, 1, r->awake || r->first ? ROUND_MS : -1);
		record_drain(r, clock_ms() - SETTLE_MS);
	}
	return NULL;
}

void record_start(struct record *r)
{
	if (!r->running)
		r->thread = thread_start("dnsd-record", recorder_thread, r);
	r->running = true;
}

static void on_recorder_stop(void *arg)
{
	((struct record *)arg)->stop = true;
}

void record_close(struct record *r)
{
	if (!r)
		return;
	if (r->running) {
		mailbox_post(r->mailbox, on_recorder_stop, r);
		pthread_join(r->thread, NULL);
	}
	int64_t now_ms = clock_ms();
	record_drain(r, now_ms);
	trace_stop(r->trace, now_ms);
	trace_free(r->trace);
	mailbox_free(r->mailbox);
	for (unsigned i = 0; i < r->n; i++)
		record_ring_free(r->rings[i]);
	free(r->rings);
	free(r);
}
