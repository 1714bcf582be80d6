#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/state.h"
#include "fleet/traffic.h"

#define ROUND_MS 5000

struct traffic_round {
	struct traffic *sum;
	unsigned next; /* thread to be read; beyond the last: all were */
	int64_t begun_ms;
	uint64_t rounds;
};

/* The threads that answer, as merge_accounts() numbers them; NULL: no more. */
static const struct accounts *accounts_at(const struct control *c, unsigned i)
{
	if (i < c->n_workers)
		return udp_worker_thread(c->workers[i])->answerer.accounts;
	i -= c->n_workers;
	if (c->tcp && i-- == 0)
		return tcp_server_thread(c->tcp)->answerer.accounts;
	return c->http && i == 0 ? http_accounts(c->http) : NULL;
}

static void finish_round(struct control *c, struct traffic_round *round)
{
	struct flow traffic[REPORT_TRAFFIC_MAX];
	uint16_t from[REPORT_TRAFFIC_MAX];
	struct report_traffic *out = mem_zero(1, sizeof *out);
	unsigned n = traffic_take(round->sum, traffic, REPORT_TRAFFIC_MAX);

	traffic_areas(c->built->map, traffic, n, from);
	out->round = ++round->rounds;
	for (unsigned i = 0; i < n; i++)
		if (from[i] != MAP_NO_NODE)
			out->flow[out->n++] = (struct report_flow){
				from[i], traffic[i].node, traffic[i].viewers};
	free(c->new_traffic);
	c->new_traffic = out;
}

void control_traffic_step(struct control *c)
{
	struct traffic_round *round = c->traffic_round;
	const struct accounts *accounts;
	int64_t now_ms = clock_ms();

	if (!round) {
		round = c->traffic_round = mem_zero(1, sizeof *round);
		round->sum = traffic_new();
		round->next = UINT32_MAX;
		round->begun_ms = now_ms - ROUND_MS;
	}
	if (round->next == UINT32_MAX) {
		if (now_ms - round->begun_ms < ROUND_MS)
			return;
		round->begun_ms = now_ms;
		round->next = 0;
	}
	accounts = accounts_at(c, round->next++);
	if (accounts) {
		traffic_add(round->sum, accounts, now_ms);
		return;
	}
	finish_round(c, round);
	round->next = UINT32_MAX;
}

struct report_traffic *control_traffic_take(struct control *c)
{
	struct report_traffic *old = c->traffic;
	if (!c->new_traffic)
		return NULL;
	c->traffic = c->new_traffic;
	c->new_traffic = NULL;
	return old;
}

void control_traffic_free(struct control *c)
{
	if (c->traffic_round)
		traffic_free(c->traffic_round->sum);
	free(c->traffic_round);
	free(c->traffic);
	free(c->new_traffic);
}
