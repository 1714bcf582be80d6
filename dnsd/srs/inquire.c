#include "srs/inquire.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "srs/poll.h"

struct round {
	struct event_base *base;
	struct inquiry *list;
	unsigned open; /* questions that have not ended */
};

/* Only the first end of a question counts: the poller asks again what fails. */
static bool ended(
	struct round *round, struct inquire_end *end, bool ok, const char *why)
{
	if (end->asked)
		return false;
	end->asked = true;
	end->ok = ok;
	if (!ok)
		snprintf(end->why, sizeof end->why, "%s", why);
	if (!--round->open)
		event_base_loopbreak(round->base);
	return true;
}

static void on_sample(void *arg, uint32_t node, const struct sample *sample)
{
	struct round *round = arg;
	struct inquiry *one = &round->list[node];
	if (ended(round, &one->api_end, true, NULL))
		one->sample = *sample;
}

static void on_failed(
	void *arg, uint32_t node, enum sample_failure failure, const char *why)
{
	struct round *round = arg;
	struct inquiry *one = &round->list[node];
	if (ended(round, &one->api_end, false, why))
		one->failure = failure;
}

static void on_probed(void *arg, uint32_t node, enum poll_probe probe, bool ok,
	bool unreached, const char *why)
{
	struct round *round = arg;
	struct inquiry *one = &round->list[node];
	ended(round, probe == POLL_RTMP ? &one->rtmp_end : &one->flv_end, ok,
		why);
}

/* Of nodes that are no source, and pull nothing, nothing else is asked. */
static void on_streams(
	void *arg, uint32_t node, struct stream_list *list, const char *why)
{
	free(list);
}

static void on_clients(
	void *arg, uint32_t node, struct client_list *list, const char *why)
{
}

static void ask_all(struct round *round, struct poller *poller, unsigned n,
	unsigned timeout_ms)
{
	struct poll_target *targets = mem_zero(n, sizeof *targets);
	for (unsigned i = 0; i < n; i++) {
		const struct inquiry *one = &round->list[i];
		targets[i] = (struct poll_target){.node = i,
			.api = one->api,
			.rtmp = one->rtmp,
			.flv = one->flv};
		round->open += !!one->api + !!one->rtmp + !!one->flv;
	}
	/* A second look comes at once; another turn must not come meanwhile. */
	poll_set(poller, targets, n, 100 * timeout_ms, timeout_ms);
	free(targets);
	if (round->open)
		event_base_dispatch(round->base);
}

bool inquire(
	struct inquiry *list, unsigned n, unsigned timeout_ms, struct err *err)
{
	struct round round = {.base = event_base_new(), .list = list};
	struct poll_events events = {&round, on_sample, on_failed, on_probed,
		on_streams, on_clients};
	struct poller *poller =
		round.base ? poll_new(round.base, &events) : NULL;

	if (poller)
		ask_all(&round, poller, n, timeout_ms);
	else
		err_add(err, "the servers cannot be asked: no event loop");
	poll_free(poller);
	if (round.base)
		event_base_free(round.base);
	return poller != NULL;
}
