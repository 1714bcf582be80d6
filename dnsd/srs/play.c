/* The FLV probe of a node: a stream now and then, else the port (flv.h). */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "srs/ask.h"

/* Asks the node for its list, wanted or not; false: not to be had. */
static bool play_ask_list(struct asked *node)
{
	struct ask *list = &node->asks[ASK_STREAMS];
	if (!*node->api || node->asks[ASK_API].failing)
		return false;
	if (!ask_under_way(list))
		ask_now(list);
	return true;
}

/* A source with a live stream, by chance; NULL: none has one now. False: there is
 * no source that could be asked. */
static bool play_source(struct poller *p, struct asked **chosen)
{
	unsigned seen = 0;
	bool is = false;
	*chosen = NULL;
	for (unsigned i = 0; i < p->n; i++) {
		struct asked *node = p->nodes[i];
		if (!node->source || !*node->api || node->asks[ASK_API].failing)
			continue;
		is = true;
		if (*node->live && rng_unit(&p->rng) * ++seen < 1)
			*chosen = node;
	}
	return is;
}

/* What is asked for, if its time has come. */
static enum flv_step play_wanted(struct asked *node)
{
	struct flv *flv = &node->play;
	struct asked *source;

	if (clock_ms() < flv->next_ms || node->asks[ASK_API].failing)
		return FLV_PORT;
	if (flv->retry) {
		memcpy(flv->url, flv->served, sizeof flv->url);
		return FLV_PLAY;
	}
	/* Where streams are steered by, an edge is not to have one for this. */
	if (!node->pulls || node->asks[ASK_STREAMS].wanted ||
		!play_source(node->poller, &source)) {
		flv->from = node->node;
		return FLV_LIST;
	}
	if (!source)
		return FLV_PORT;
	flv->from = source->node;
	memcpy(flv->url, source->live, sizeof flv->url);
	return FLV_PLAY;
}

static void play_start(struct asked *node)
{
	struct flv *flv = &node->play;
	struct poller *p = node->poller;
	double jitter = 0.9 + 0.2 * rng_unit(&p->rng);

	flv->step = play_wanted(node);
	flv->stale = flv->retry = false;
	if (flv->step != FLV_PORT)
		flv->next_ms = clock_ms() +
			(int64_t)(jitter *
				(flv->from == node->node ? p->play_ms
							 : p->pull_ms));
}

static void play_tell_refused(struct ask *ask)
{
	struct flv *flv = &ask->node->play;
	bool ok = flv->step == FLV_GOOD;
	char why[FLV_URL_MAX + 160], to[SOCKADDR_TEXT_MAX];

	snprintf(why, sizeof why,
		"FLV probe of %s: HTTP %u for a stream that %s lists, %s",
		sockaddr_text((struct sockaddr *)&ask->to, to), flv->status,
		flv->from == ask->node->node ? "it" : "an origin", flv->url);
	flv->step = FLV_IDLE;
	ask_tell_probe(ask, ok ? POLL_FLV : POLL_STREAM,
		&(struct probe_end){.ok = ok,
			.failure = SAMPLE_UNREADABLE,
			.rtt_ms = flv->rtt_ms,
			.why = why});
}

/* The next step. */
void play_go(struct ask *ask)
{
	struct flv *flv = &ask->node->play;
	struct poller *p = ask->node->poller;

	if (flv->step == FLV_IDLE)
		play_start(ask->node);
	if (flv->step == FLV_LIST || flv->step == FLV_CHECK) {
		struct asked **from = poll_find(p, flv->from);
		if (from && play_ask_list(*from))
			return; /* play_listed goes on */
		flv_listed(flv, NULL, &p->rng);
	}
	if (flv->step == FLV_PLAY || flv->step == FLV_PORT)
		ask_now(ask);
	else
		play_tell_refused(ask);
}

void play_probed(void *arg, const struct probe_end *end)
{
	struct ask *ask = arg;
	struct flv *flv = &ask->node->play;
	struct asked **from;

	ask->probe = NULL;
	ask_turn_end(ask);
	if (flv->step == FLV_PORT || end->ok) {
		if (flv->step == FLV_PLAY)
			memcpy(flv->served, flv->url, sizeof flv->served);
		flv->step = FLV_IDLE;
		ask_tell_probe(ask, POLL_FLV, end);
		return;
	}
	flv->step = end->status ? FLV_CHECK : FLV_PORT;
	flv->status = end->status;
	flv->rtt_ms = end->rtt_ms;
	from = poll_find(ask->node->poller, flv->from);
	flv->stale = end->status && from &&
		ask_under_way(&(*from)->asks[ASK_STREAMS]);
	play_go(ask);
}

/* Another stream each time. One that has just begun is not yet everywhere. */
static void play_source_listed(
	struct asked *node, const struct stream_list *list)
{
	*node->live = '\0';
	if (list && flv_lists(list, node->young))
		memcpy(node->live, node->young, sizeof node->live);
	*node->young = '\0';
	if (list)
		flv_choose(list, &node->poller->rng, node->young);
}

/* Resumes the probes that wait for this node's list, which may be NULL: in the next
 * turn of the loop, since that may end in callbacks. */
void play_listed(struct asked *node, const struct stream_list *list)
{
	struct poller *p = node->poller;

	if (node->source)
		play_source_listed(node, list);
	for (unsigned i = 0; i < p->n; i++) {
		struct flv *flv = &p->nodes[i]->play;
		if (flv->from != node->node ||
			(flv->step != FLV_LIST && flv->step != FLV_CHECK))
			continue;
		if (!flv->stale)
			flv_listed(flv, list, &p->rng);
		flv->stale = false;
		poll_timer_add(p->nodes[i]->asks[ASK_FLV].again, 0);
	}
}
