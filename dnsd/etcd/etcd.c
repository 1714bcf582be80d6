/* The client's thread: libcurl's multi interface and a mailbox, in one loop. */
#include <assert.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/thread.h"
#include "etcd/private.h"

#define PAUSE_FIRST_MS 250
#define PAUSE_MOST_MS 3000
#define WAKE_MOST_MS 60000

void etcd_endpoint_failed(struct etcd *e, unsigned endpoint)
{
	if (e->current == endpoint)
		e->current = (endpoint + 1) % e->n_endpoints;
}

int64_t etcd_pause_ms(struct etcd *e, unsigned failures)
{
	unsigned round = e->n_endpoints > 1 ? e->n_endpoints : 2;
	if (failures < round)
		return 0;
	int64_t ms =
		backoff_ms(PAUSE_FIRST_MS, PAUSE_MOST_MS, failures - round);
	return (int64_t)((double)ms * (0.5 + rng_unit(&e->rng) / 2));
}

long etcd_connect_ms(const struct etcd *e)
{
	long ms = (long)(e->timeout_ms / (e->n_endpoints < 4 ? 2 : 3));
	return ms ? ms : 1;
}

/* -- the thread -- */

static void etcd_wait(struct etcd *e, int64_t until_ms)
{
	struct curl_waitfd inbox = {
		.fd = mailbox_fd(e->inbox), .events = CURL_WAIT_POLLIN};
	int64_t ms = until_ms - clock_ms();
	ms = ms < 0 ? 0 : ms > WAKE_MOST_MS ? WAKE_MOST_MS : ms;
	if (curl_multi_poll(e->multi, &inbox, 1, (int)ms, NULL) != CURLM_OK)
		abort();
}

static void etcd_perform(struct etcd *e)
{
	int running;
	if (curl_multi_perform(e->multi, &running) != CURLM_OK)
		abort();
	post_ended(e);
}

static int64_t etcd_turns(struct etcd *e)
{
	int64_t now_ms = clock_ms();
	int64_t next = watch_turn(&e->watch, now_ms);
	int64_t due = changes_turn(&e->changes, now_ms);
	next = due < next ? due : next;
	due = leases_turn(&e->leases, now_ms);
	return due < next ? due : next;
}

static void *etcd_run(void *arg)
{
	struct etcd *e = arg;
	watch_init(&e->watch, e);
	changes_init(&e->changes, e);
	leases_init(&e->leases, e);
	while (!e->stop) {
		etcd_perform(e);
		etcd_wait(e, etcd_turns(e));
		mailbox_run(e->inbox);
	}
	watch_fini(&e->watch);
	changes_fini(&e->changes);
	leases_revoke(&e->leases, (long)e->timeout_ms);
	while (leases_busy(&e->leases)) {
		etcd_perform(e);
		if (leases_busy(&e->leases))
			etcd_wait(e, clock_ms() + WAKE_MOST_MS);
	}
	leases_fini(&e->leases);
	return NULL;
}

static void etcd_stop(void *arg)
{
	struct etcd *e = arg;
	e->stop = true;
}

/* -- opening and closing -- */

static const char *etcd_text(struct etcd *e, const char *text)
{
	return arena_strdup(e->texts, text);
}

static void etcd_copy(struct etcd *e, const struct etcd_options *o)
{
	e->texts = arena_new();
	e->n_endpoints = o->n_endpoints;
	e->endpoint =
		arena_alloc(e->texts, o->n_endpoints * sizeof *e->endpoint);
	for (unsigned i = 0; i < o->n_endpoints; i++)
		e->endpoint[i] = etcd_text(e, o->endpoint[i]);
	e->prefix = etcd_text(e, o->prefix);
	e->ca = etcd_text(e, o->ca);
	e->cert = etcd_text(e, o->cert);
	e->key = etcd_text(e, o->key);
	e->timeout_ms = o->timeout_ms;
	e->silence_ms = o->silence_ms;
}

struct etcd *etcd_open(const struct etcd_options *o)
{
	static const char *const headers[] = {"Content-Type: application/json",
		"Grpc-Metadata-hasleader: true", "Expect:"};
	struct etcd *e = mem_zero(1, sizeof *e);

	assert(o->n_endpoints && *o->prefix && o->timeout_ms && o->silence_ms);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	etcd_copy(e, o);
	e->owner = owner_new(o->mailbox, &o->events);
	e->inbox = mailbox_new();
	e->multi = curl_multi_init();
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		e->headers = curl_slist_append(e->headers, headers[i]);
	if (!e->multi || !e->headers)
		abort();
	rng_secret(&e->rng, sizeof e->rng);
	/* Not all clients begin with the same member. */
	e->current = (unsigned)(rng_next(&e->rng) % e->n_endpoints);
	e->thread = thread_start("dnsd-etcd", etcd_run, e);
	return e;
}

void etcd_close(struct etcd *e)
{
	if (!e)
		return;
	mailbox_post(e->inbox, etcd_stop, e);
	pthread_join(e->thread, NULL);
	mailbox_free(e->inbox);
	owner_close(e->owner);
	curl_multi_cleanup(e->multi);
	curl_slist_free_all(e->headers);
	curl_global_cleanup();
	arena_free(e->texts);
	free(e);
}
