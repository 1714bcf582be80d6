/* client_estimate.h - what is known of a client when it asks: where it was sent and
 * how many viewers it stands for. Private to decide.c, fast_path.c and account.c.
 */
#ifndef STEER_CLIENT_ESTIMATE_H
#define STEER_CLIENT_ESTIMATE_H

#include "ledger/demand.h"
#include "steer/steer.h"

/* More viewers than these an answer: each question is decided anew ... */
#define SPREAD_OUT_VIEWERS 20.0f
#define SPREAD_OUT_ANSWERS 3 /* ... and answered with so many nodes */
/* In the life of an answer: samples can show them. */
#define LARGE_RESOLVER_VIEWERS 2.0f

/* What is known of a client when it asks. */
struct client_estimate {
	struct client *client;    /* NULL: nothing */
	struct sent_entry *entry; /* of the line asked for; NULL: nothing */
	uint32_t now;             /* ms, 32 bits */
	float demand;     /* viewers per second behind this client net */
	float held_s;     /* how long it keeps answers, 0: for their TTL */
	float at_once;    /* viewers that wait for this answer */
	bool large;       /* samples can tell its demand */
	bool spread_out;  /* a crowd behind one resolver */
	unsigned answers; /* nodes to tell */
	float viewers;    /* that the answer will bring to each of them */
};

/* A thread with a newer map may have sent a net to a node that this one's does not have
 * yet: the arrays end before it. */
static inline void sent_forget_newer(struct sent *t, unsigned nodes)
{
	if (t->node >= nodes)
		t->node = MAP_NO_NODE;
	if (t->before >= nodes)
		t->before = MAP_NO_NODE;
}

/* How many viewers are behind the client net: by its own questions or, where
 * samples can tell, by how its nodes grew. */
static inline void estimate_demand(struct client_estimate *estimate,
	const struct sent_table *table, const struct map_name *name,
	uint64_t key)
{
	const struct client *client = estimate->client;

	estimate->demand = estimate->held_s = 0;
	estimate->large = false;
	if (!client || !(client->rate > 0))
		return;
	estimate->demand = client->rate;
	estimate->held_s = demand_keeps_s(client);
	if (__builtin_expect(resolver_is_marked(table->marks, key), false)) {
		float learned = resolver_rates_find(table->rates, key);
		if (learned >= 0) {
			estimate->demand = learned;
			estimate->large = true;
			return;
		}
	}
	estimate->large = estimate->demand *
			demand_held_s(estimate->held_s, name->ttl_max_s) >=
		LARGE_RESOLVER_VIEWERS;
}

/* The viewers that an answer is expected to bring. */
static inline float estimate_brings(
	const struct client_estimate *estimate, const struct map_name *name)
{
	return estimate->at_once +
		estimate->demand *
		demand_held_s(estimate->held_s, name->ttl_min_s);
}

static inline void estimate_viewers(struct client_estimate *estimate,
	const struct map_name *name, unsigned line)
{
	float viewers = estimate_brings(estimate, name);
	estimate->spread_out =
		viewers > SPREAD_OUT_VIEWERS && name->policy == POLICY_NEARBY;
	/* The crowd of one answer is spread over some nodes. */
	estimate->answers = name->answers;
	if (line == 1 && estimate->spread_out &&
		estimate->answers < SPREAD_OUT_ANSWERS)
		estimate->answers = SPREAD_OUT_ANSWERS;
	estimate->viewers = estimate->answers == 1
		? viewers
		: viewers / (float)estimate->answers;
}

#endif
