#include "transfer/transfer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/sockets.h"
#include "base/thread.h"
#include "transfer/notify.h"
#include "transfer/out.h"
#include "transfer/secondary.h"
#include "wire/rr.h"

#define MESSAGES_AT_ONCE 16 /* of one before the next has its turn */
#define TICK_MS 1000

struct running {
	TAILQ_ENTRY(running) entry;
	struct handed_over *h;
	struct out out;
	uint8_t *waits; /* to be sent, from `at` up to `len` */
	size_t at, len;
	int64_t begin_ms, progress_ms;
	uint64_t octets;
	bool refused;
	uint8_t frame[OUT_FRAME_MAX];
};

struct transfers {
	struct mailbox *mailbox;
	pthread_t thread;
	bool started;
	void (*back)(void *arg, struct handed_over *h);
	void *back_arg;

	/* The thread counts, others read. */
	_Atomic uint64_t done, refused, failed, records;
	_Atomic unsigned n_running;

	/* The thread's own. */
	bool stop;
	TAILQ_HEAD(, running) running;
	struct notifier *notifier;
	struct secondaries *secondaries;
};

void handed_over_free(struct handed_over *h)
{
	close(h->fd);
	free(h->in);
	free(h->out);
	free(h->request);
	transfer_source_release(h->source);
	free(h);
}

/* -- the end of one -- */

/* "AXFR of example.com, serial 7, to 192.0.2.1:4000, key ns2" */
#define WHAT_MAX (2 * NAME_TEXT_MAX + 128)
static const char *running_text(const struct running *r, char *out)
{
	const struct handed_over *h = r->h;
	char peer[ADDR_TEXT_MAX], key[NAME_TEXT_MAX] = "";

	if (h->key)
		name_text(&h->key->name, key);
	snprintf(out, WHAT_MAX, "%s of %s, serial %u, to %s port %u%s%s",
		r->out.query.qtype == RR_IXFR ? "IXFR" : "AXFR",
		h->zone->conf->name, h->zone->zone->serial,
		addr_text(&h->peer, peer), h->port, h->key ? ", key " : "",
		key);
	return out;
}

static void forget(struct transfers *t, struct running *r)
{
	TAILQ_REMOVE(&t->running, r, entry);
	if (!r->refused)
		t->n_running--;
	out_end(&r->out);
	free(r);
}

static void give_up(struct transfers *t, struct running *r, const char *why)
{
	char what[WHAT_MAX];
	t->failed++;
	log_warn("transfer: %s: given up after %llu octets: %s",
		running_text(r, what), (unsigned long long)r->octets, why);
	sockets_forget_output(r->h->fd);
	handed_over_free(r->h);
	forget(t, r);
}

/* The connection goes back to where it came from. */
static void over(struct transfers *t, struct running *r)
{
	struct handed_over *h = r->h;
	char what[WHAT_MAX];

	if (!r->refused) {
		t->done++;
		t->records += r->out.sent_records;
		log_info(
			"transfer: %s: %s, %llu records in %llu messages, %llu octets, %.1f s",
			running_text(r, what),
			r->out.all ? "done" : "it has that already",
			(unsigned long long)r->out.sent_records,
			(unsigned long long)r->out.sent_messages,
			(unsigned long long)r->octets,
			(double)(clock_ms() - r->begin_ms) / 1000);
	}
	forget(t, r);
	transfer_source_release(h->source);
	free(h->request);
	h->source = NULL;
	h->request = NULL;
	h->request_len = 0;
	t->back(t->back_arg, h);
}

/* -- sending -- */

static uint64_t wall_s(void)
{
	return (uint64_t)(clock_wall_ms() / 1000);
}

/* Readies what is to be sent next. False: nothing is. */
static bool refill(struct running *r)
{
	free(r->h->out); /* that has been sent */
	r->h->out = NULL;
	r->at = 0;
	r->waits = r->frame;
	if (r->refused && r->out.state != OUT_DONE)
		r->len =
			out_refuse(&r->out, r->frame, RCODE_SERVFAIL, wall_s());
	else
		r->len = out_message(&r->out, r->frame, wall_s());
	return r->len > 0;
}

/* As much as the peer takes; then r may be gone. */
static void send_more(struct transfers *t, struct running *r)
{
	for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
		if (r->at == r->len && !refill(r)) {
			over(t, r);
			return;
		}
		ssize_t n = send(r->h->fd, r->waits + r->at, r->len - r->at,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			give_up(t, r, strerror(errno));
			return;
		}
		r->at += (size_t)n;
		r->octets += (uint64_t)n;
		r->progress_ms = clock_ms();
	}
}

static void check_time(struct transfers *t, struct running *r, int64_t now_ms)
{
	if (now_ms - r->progress_ms >= TRANSFER_STALL_MS)
		give_up(t, r, "the peer takes nothing");
	else if (now_ms - r->begin_ms >= TRANSFER_LONGEST_MS)
		give_up(t, r, "it takes too long");
}

/* -- the begin -- */

struct posted {
	struct transfers *transfers;
	void *what;
};

static void post(struct transfers *t, void (*run)(void *arg),
	void (*drop)(void *arg), void *what)
{
	struct posted *p = mem_alloc(sizeof *p);
	*p = (struct posted){t, what};
	mailbox_post_owned(t->mailbox, run, drop, p);
}

static void refuse(struct transfers *t, struct running *r)
{
	char what[WHAT_MAX];
	r->refused = true;
	t->refused++;
	log_warn("transfer: %s: refused, %u run already", running_text(r, what),
		TRANSFERS_MAX);
}

static void on_hand(void *arg)
{
	struct posted *p = arg;
	struct transfers *t = p->transfers;
	struct running *r = mem_alloc(sizeof *r);

	memset(r, 0, offsetof(struct running, frame));
	r->h = p->what;
	free(p);
	r->begin_ms = r->progress_ms = clock_ms();
	out_begin(&r->out, r->h->source, r->h->zone, r->h->request,
		r->h->request_len, r->h->key);
	TAILQ_INSERT_TAIL(&t->running, r, entry);
	if (t->n_running >= TRANSFERS_MAX)
		refuse(t, r);
	else
		t->n_running++;
	/* What the peer has not taken yet of earlier answers comes first. */
	if (r->h->out) {
		r->waits = r->h->out;
		r->len = r->h->out_len;
	}
	send_more(t, r);
}

static void drop_handed(void *arg)
{
	struct posted *p = arg;
	handed_over_free(p->what);
	free(p);
}

void transfers_hand(struct transfers *t, struct handed_over *h)
{
	post(t, on_hand, drop_handed, h);
}

static void on_use(void *arg)
{
	struct posted *p = arg;
	struct transfer_source *source = p->what;
	int64_t now_ms = clock_ms();
	secondaries_use(p->transfers->secondaries, transfer_source_take(source),
		now_ms, (int64_t)wall_s());
	notifier_use(p->transfers->notifier, source, now_ms);
	free(p);
}

static void drop_source(void *arg)
{
	struct posted *p = arg;
	transfer_source_release(p->what);
	free(p);
}

void transfers_use(struct transfers *t, struct transfer_source *source)
{
	post(t, on_use, drop_source, transfer_source_take(source));
}

/* -- zones of other name servers -- */

void transfers_link(struct transfers *t, const struct secondaries_links *links)
{
	secondaries_link(t->secondaries, links);
}

struct bell *transfers_bell(struct transfers *t)
{
	return secondaries_bell(t->secondaries);
}

struct secondary_status *transfers_secondaries(struct transfers *t, unsigned *n)
{
	return secondaries_status(t->secondaries, n);
}

/* That of which something is to be said or done. */
struct of_zone {
	struct transfers *transfers;
	char *zone, *why; /* malloc'd; NULL: all; none */
	bool force;
};

static void drop_of_zone(void *arg)
{
	struct of_zone *of = arg;
	free(of->zone);
	free(of->why);
	free(of);
}

static void post_of_zone(struct of_zone of, void (*run)(void *arg))
{
	struct of_zone *p = mem_alloc(sizeof *p);
	*p = of;
	mailbox_post_owned(of.transfers->mailbox, run, drop_of_zone, p);
}

static void on_settled(void *arg)
{
	struct of_zone *of = arg;
	secondaries_settled(of->transfers->secondaries, of->zone, of->why,
		clock_ms(), (int64_t)wall_s());
	drop_of_zone(of);
}

void transfers_settled(struct transfers *t, const char *zone, const char *why)
{
	post_of_zone((struct of_zone){.transfers = t,
			     .zone = mem_strdup(zone),
			     .why = why ? mem_strdup(why) : NULL},
		on_settled);
}

static void on_refresh(void *arg)
{
	struct of_zone *of = arg;
	secondaries_refresh(
		of->transfers->secondaries, of->zone, of->force, clock_ms());
	drop_of_zone(of);
}

void transfers_refresh(struct transfers *t, const char *zone, bool force)
{
	post_of_zone((struct of_zone){.transfers = t,
			     .zone = zone ? mem_strdup(zone) : NULL,
			     .force = force},
		on_refresh);
}

/* -- the thread -- */

static int wait_ms(const struct transfers *t)
{
	bool busy = !TAILQ_EMPTY(&t->running) || notifier_busy(t->notifier);
	int ms = secondaries_wait_ms(t->secondaries, clock_ms());
	return busy && (ms < 0 || ms > TICK_MS) ? TICK_MS : ms;
}

/* The mailbox, the sockets of the notifier, those of the secondaries, then the transfers
 * that run. */
static unsigned watch(struct transfers *t, struct pollfd **fds)
{
	unsigned secondaries = secondaries_watched(t->secondaries);
	unsigned n = 1 + NOTIFIER_SOCKETS + secondaries;
	struct running *r;

	TAILQ_FOREACH(r, &t->running, entry)
	n++;
	struct pollfd *p = *fds = mem_zero(n, sizeof **fds);
	*p++ = (struct pollfd){.fd = mailbox_fd(t->mailbox), .events = POLLIN};
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		*p++ = (struct pollfd){.fd = notifier_socket(t->notifier, i),
			.events = POLLIN};
	secondaries_watch(t->secondaries, p);
	p += secondaries;
	TAILQ_FOREACH(r, &t->running, entry)
	*p++ = (struct pollfd){.fd = r->h->fd, .events = POLLOUT};
	return n;
}

static void turn(struct transfers *t)
{
	struct pollfd *fds;
	unsigned n = watch(t, &fds), secondaries = 1 + NOTIFIER_SOCKETS;
	unsigned at = secondaries + secondaries_watched(t->secondaries);
	struct running *r, *next;

	poll(fds, n, wait_ms(t));
	int64_t now_ms = clock_ms();
	for (r = TAILQ_FIRST(&t->running); r; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (fds[at++].revents)
			send_more(t, r);
		else
			check_time(t, r, now_ms);
	}
	secondaries_step(
		t->secondaries, fds + secondaries, now_ms, (int64_t)wall_s());
	notifier_step(t->notifier, now_ms, wall_s());
	free(fds);
	mailbox_run(t->mailbox);
}

static void *transfer_thread(void *arg)
{
	struct transfers *t = arg;
	struct running *r;
	while (!t->stop)
		turn(t);
	while ((r = TAILQ_FIRST(&t->running)))
		give_up(t, r, "dnsd stops");
	return NULL;
}

/* -- begin and end -- */

struct transfers *transfers_new(void)
{
	struct transfers *t = mem_zero(1, sizeof *t);
	t->mailbox = mailbox_new();
	t->notifier = notifier_new();
	t->secondaries = secondaries_new();
	TAILQ_INIT(&t->running);
	return t;
}

void transfers_give_back(struct transfers *t,
	void (*back)(void *arg, struct handed_over *h), void *arg)
{
	t->back = back;
	t->back_arg = arg;
}

void transfers_start(struct transfers *t)
{
	if (t->started)
		return;
	t->stop = false;
	t->thread = thread_start("dnsd-transfer", transfer_thread, t);
	t->started = true;
}

static void on_stop(void *arg)
{
	((struct transfers *)arg)->stop = true;
}

void transfers_stop(struct transfers *t)
{
	if (!t->started)
		return;
	mailbox_post(t->mailbox, on_stop, t);
	pthread_join(t->thread, NULL);
	t->started = false;
}

void transfers_free(struct transfers *t)
{
	if (!t)
		return;
	mailbox_free(t->mailbox);
	notifier_free(t->notifier);
	secondaries_free(t->secondaries);
	free(t);
}

struct transfer_counts transfers_counts(const struct transfers *t)
{
	struct notifier_counts notes = notifier_counts(t->notifier);
	return (struct transfer_counts){.done = t->done,
		.refused = t->refused,
		.failed = t->failed,
		.records = t->records,
		.notified = notes.answered,
		.unanswered = notes.unanswered,
		.running = t->n_running};
}
