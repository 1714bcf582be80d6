#include "dnstap/dnstap.h"

#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/thread.h"
#include "dnstap/frame.h"
#include "dnstap/stream.h"

#define ROUND_MS 50
#define ROUND_EVENTS 4096 /* of a ring before the next has its turn */
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 5000
#define STEADY_MS 10000 /* a connection of that age was a good one */

struct setting {
	char *path, *identity; /* path "": off */
};

struct dnstap {
	struct tap_ring **rings;
	unsigned n;
	struct mailbox *mailbox;
	struct setting wanted; /* control's: the last one that it set */
	bool running;          /* control's: there is a thread */
	pthread_t thread;

	/* the thread's */
	struct setting now;
	struct stream *stream;
	struct log_fault fault;
	unsigned failures;
	int64_t retry_ms, opened_ms;
	bool was_off; /* what is in the rings is of an earlier time */
	bool stop;
	uint64_t left; /* frames that were still there when it was off */
	uint8_t frame[FRAME_MAX];

	_Atomic uint64_t frames, lost;
	_Atomic bool connected;
};

static struct setting setting_of(const char *path, const char *identity)
{
	return (struct setting){mem_strdup(path), mem_strdup(identity)};
}

static void setting_free(struct setting *s)
{
	free(s->path);
	free(s->identity);
}

struct dnstap *dnstap_new(unsigned threads)
{
	assert(threads > 0);
	struct dnstap *d = mem_zero(1, sizeof *d);
	d->rings = mem_zero(threads, sizeof(struct tap_ring *));
	for (; d->n < threads; d->n++)
		d->rings[d->n] = tap_ring_new();
	d->mailbox = mailbox_new();
	d->stream = stream_new(mailbox_fd(d->mailbox));
	d->wanted = setting_of("", "");
	d->now = setting_of("", "");
	return d;
}

struct tap_ring *dnstap_ring(struct dnstap *d, unsigned thread)
{
	assert(thread < d->n);
	return d->rings[thread];
}

struct dnstap_counts dnstap_counts(const struct dnstap *d)
{
	struct dnstap_counts c = {.frames = d->frames,
		.dropped = d->lost,
		.connected = d->connected};
	for (unsigned i = 0; i < d->n; i++)
		c.dropped += FRAME_KINDS * (uint64_t)tap_ring_lost(d->rings[i]);
	return c;
}

/* -- the thread: its reader -- */

static bool is_on(const struct dnstap *d)
{
	return *d->now.path != '\0';
}

static void count_frames(struct dnstap *d)
{
	struct stream_counts c = stream_counts(d->stream);
	d->frames = c.sent;
	d->lost = c.lost + d->left;
	d->connected = stream_is_open(d->stream);
}

static void reader_failed(struct dnstap *d)
{
	int64_t now_ms = clock_ms();
	const char *why = stream_why(d->stream);

	if (log_failed(&d->fault, why, now_ms))
		log_warn(
			"dnstap: %s: %s; answers go on, and what the ring does not hold is dropped",
			d->now.path, why);
	d->retry_ms =
		now_ms + backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, d->failures);
	d->failures++;
}

static void reader_lost(struct dnstap *d, const char *why)
{
	stream_close(d->stream, why);
	if (clock_ms() - d->opened_ms >= STEADY_MS)
		d->failures = 0;
	d->fault = (struct log_fault){0}; /* that it went is news */
	reader_failed(d);
}

static void reader_find(struct dnstap *d)
{
	if (clock_ms() < d->retry_ms)
		return;
	if (!stream_open(d->stream, d->now.path)) {
		reader_failed(d);
		return;
	}
	d->opened_ms = clock_ms();
	log_info("dnstap: connected to %s", d->now.path);
}

/* -- the thread: frames -- */

/* False: the stream is broken. */
static bool send_event(struct dnstap *d, const struct tap_event *e)
{
	bool ok = true;
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		size_t len = frame_pack(
			e, (enum frame_kind)kind, d->now.identity, d->frame);
		ok = stream_write(d->stream, d->frame, len);
	}
	return ok;
}

/* Whether there may be more. */
static bool drain(struct dnstap *d)
{
	struct tap_event e;
	bool more = false, ok = true;

	for (unsigned i = 0; ok && i < d->n; i++) {
		unsigned n = 0;
		while (ok && n < ROUND_EVENTS &&
			tap_ring_take(d->rings[i], &e)) {
			ok = send_event(d, &e);
			n++;
		}
		more |= n == ROUND_EVENTS;
	}
	if (!ok || !stream_flush(d->stream))
		reader_lost(d, NULL);
	return more && stream_is_open(d->stream);
}

/* What no reader took before it was switched off. */
static void empty_rings(struct dnstap *d)
{
	struct tap_event e;
	for (unsigned i = 0; i < d->n; i++)
		while (tap_ring_take(d->rings[i], &e))
			d->left += FRAME_KINDS;
}

/* -- settings -- */

struct order {
	struct dnstap *dnstap;
	struct setting setting;
};

static void order_drop(void *arg)
{
	struct order *o = arg;
	setting_free(&o->setting);
	free(o);
}

/* What is there goes to the reader that there is. */
static void reader_leave(struct dnstap *d)
{
	stream_hurry(d->stream);
	while (stream_is_open(d->stream) && drain(d)) {
	}
	stream_close(d->stream, NULL);
}

static void on_set(void *arg)
{
	struct order *o = arg;
	struct dnstap *d = o->dnstap;

	reader_leave(d);
	setting_free(&d->now);
	d->now = o->setting;
	free(o);
	d->fault = (struct log_fault){0};
	d->failures = 0;
	d->retry_ms = 0;
	if (is_on(d) && d->was_off)
		empty_rings(d);
	d->was_off = !is_on(d);
}

static void on_tap_stop(void *arg)
{
	((struct dnstap *)arg)->stop = true;
}

static void *dnstap_thread(void *arg)
{
	struct dnstap *d = arg;
	bool more = false;

	/* As the recorder: answers come first. */
	if (nice(10) < 0)
		log_debug("dnstap: no lower priority");
	while (!d->stop) {
		bool open = stream_is_open(d->stream);
		struct pollfd p[] = {{mailbox_fd(d->mailbox), POLLIN, 0},
			{open ? stream_fd(d->stream) : -1, POLLIN, 0}};
		poll(p, 2, more ? 0 : is_on(d) ? ROUND_MS : -1);
		mailbox_run(d->mailbox);
		if (open && p[1].revents && stream_is_open(d->stream))
			reader_lost(d, "the reader has gone");
		if (is_on(d) && !stream_is_open(d->stream))
			reader_find(d);
		more = stream_is_open(d->stream) && drain(d);
		count_frames(d);
	}
	reader_leave(d);
	return NULL;
}

void dnstap_set(struct dnstap *d, const char *path, const char *identity)
{
	assert(strlen(identity) <= FRAME_IDENTITY_MAX);
	if (!strcmp(path, d->wanted.path) &&
		!strcmp(identity, d->wanted.identity))
		return;
	setting_free(&d->wanted);
	d->wanted = setting_of(path, identity);
	struct order *o = mem_alloc(sizeof *o);
	*o = (struct order){d, setting_of(path, identity)};
	mailbox_post_owned(d->mailbox, on_set, order_drop, o);
	if (!d->running)
		d->thread = thread_start("dnsd-dnstap", dnstap_thread, d);
	d->running = true;
}

void dnstap_close(struct dnstap *d)
{
	if (!d)
		return;
	if (d->running) {
		mailbox_post(d->mailbox, on_tap_stop, d);
		pthread_join(d->thread, NULL);
	}
	mailbox_free(d->mailbox);
	stream_free(d->stream);
	for (unsigned i = 0; i < d->n; i++)
		tap_ring_free(d->rings[i]);
	free(d->rings);
	setting_free(&d->wanted);
	setting_free(&d->now);
	free(d);
}
