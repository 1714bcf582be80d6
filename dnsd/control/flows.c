#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/state.h"
#include "fleet/traffic.h"

#define ROUND_MS 5000

struct flow_round {
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

static void finish_round(struct control *c, struct flow_round *round)
{
	struct flow flows[REPORT_FLOWS_MAX];
	uint16_t from[REPORT_FLOWS_MAX];
	struct report_flows *out = mem_zero(1, sizeof *out);
	unsigned n = traffic_take(round->sum, flows, REPORT_FLOWS_MAX);

	traffic_areas(c->built->map, flows, n, from);
	out->round = ++round->rounds;
	for (unsigned i = 0; i < n; i++)
		if (from[i] != MAP_NO_NODE)
			out->flow[out->n++] = (struct report_flow){
				from[i], flows[i].node, flows[i].viewers};
	free(c->new_flows);
	c->new_flows = out;
}

void control_flows_step(struct control *c)
{
	struct flow_round *round = c->flow_round;
	const struct accounts *accounts;
	int64_t now_ms = clock_ms();

	if (!round) {
		round = c->flow_round = mem_zero(1, sizeof *round);
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

struct report_flows *control_flows_take(struct control *c)
{
	struct report_flows *old = c->flows;
	if (!c->new_flows)
		return NULL;
	c->flows = c->new_flows;
	c->new_flows = NULL;
	return old;
}

void control_flows_free(struct control *c)
{
	if (c->flow_round)
		traffic_free(c->flow_round->sum);
	free(c->flow_round);
	free(c->flows);
	free(c->new_flows);
}
