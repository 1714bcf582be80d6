#include "control/traffic.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/state.h"
#include "control/threads.h"
#include "fleet/traffic.h"
#include "snapshot/report.h"

#define ROUND_MS 5000

struct traffic_sums {
	struct traffic *sum; /* of the present round */
	unsigned next;       /* thread to be read */
	bool reading;        /* a round is under way */
	int64_t begun_ms;
	uint64_t rounds;
	struct report_traffic
		*news; /* of the last round, if it was not taken */
};

struct traffic_sums *traffic_sums_new(int64_t now_ms)
{
	struct traffic_sums *t = mem_zero(1, sizeof *t);
	t->sum = traffic_new();
	t->begun_ms = now_ms - ROUND_MS;
	return t;
}

void traffic_sums_free(struct traffic_sums *t)
{
	if (!t)
		return;
	traffic_free(t->sum);
	free(t->news);
	free(t);
}

static void finish_round(const struct map *map, struct traffic_sums *t)
{
	struct flow flows[REPORT_TRAFFIC_MAX];
	uint16_t from[REPORT_TRAFFIC_MAX];
	struct report_traffic *out = mem_zero(1, sizeof *out);
	unsigned n = traffic_take(t->sum, flows, REPORT_TRAFFIC_MAX);

	traffic_areas(map, flows, n, from);
	out->round = ++t->rounds;
	for (unsigned i = 0; i < n; i++)
		if (from[i] != MAP_NO_NODE)
			out->flow[out->n++] = (struct report_flow){
				from[i], flows[i].node, flows[i].viewers};
	free(t->news);
	t->news = out;
}

void traffic_step(struct control *c)
{
	struct traffic_sums *t = c->traffic;
	int64_t now_ms = clock_ms();

	if (!t->reading) {
		if (now_ms - t->begun_ms < ROUND_MS)
			return;
		t->begun_ms = now_ms;
		t->reading = true;
		t->next = 0;
	}
	const struct accounts *accounts =
		threads_accounts(c->threads, t->next++);
	if (accounts) {
		traffic_add(t->sum, accounts, now_ms);
		return;
	}
	finish_round(c->built->map, t);
	t->reading = false;
}

void traffic_news(struct traffic_sums *t, struct report_traffic **published,
	struct report_traffic **old)
{
	if (!t->news)
		return;
	*old = *published;
	*published = t->news;
	t->news = NULL;
}
