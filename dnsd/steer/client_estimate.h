/* client_estimate.h - what is known of a client when it asks: what it was told and how
 * many viewers it stands for. Private to decide.c, usual.c and account.c.
 */
#ifndef STEER_CLIENT_ESTIMATE_H
#define STEER_CLIENT_ESTIMATE_H

#include "ledger/demand.h"
#include "steer/steer.h"

#define HEAVY_VIEWERS 20.0f /* more than these: decide each question anew */
#define HEAVY_ANSWERS 3     /* and tell so many nodes */
#define CROWD_VIEWERS 2.0f  /* in the life of an answer: samples can tell */

/* What is known of a client when it asks. */
struct known {
	struct client *client;      /* NULL: nothing */
	struct memory_entry *entry; /* of the line asked for; NULL: nothing */
	uint32_t now;               /* ms, 32 bits */
	float demand;     /* viewers per second behind this client net */
	float held_s;     /* how long it keeps answers, 0: as long as told */
	float at_once;    /* viewers that wait for this answer */
	bool crowd;       /* samples can tell its demand */
	bool heavy;       /* a crowd behind one resolver */
	unsigned answers; /* nodes to tell */
	float viewers;    /* that the answer will bring to each of them */
};

/* A thread with a newer map may have told a node that this one's does not have
 * yet: the arrays end before it. */
static inline void forget_newer(struct told *t, unsigned nodes)
{
	if (t->node >= nodes)
		t->node = MAP_NO_NODE;
	if (t->before >= nodes)
		t->before = MAP_NO_NODE;
}

/* How many viewers are behind the client net: by its own questions or, where
 * samples can tell, by how its nodes grew. */
static inline void know_demand(struct known *known, const struct memory *memory,
	const struct map_name *name, uint64_t key)
{
	const struct client *client = known->client;

	known->demand = known->held_s = 0;
	known->crowd = false;
	if (!client || !(client->rate > 0))
		return;
	known->demand = client->rate;
	known->held_s = demand_keeps_s(client);
	if (__builtin_expect(resolver_is_marked(memory->marks, key), false)) {
		float learned = resolver_rates_find(memory->rates, key);
		if (learned >= 0) {
			known->demand = learned;
			known->crowd = true;
			return;
		}
	}
	known->crowd =
		known->demand * demand_held_s(known->held_s, name->ttl_max_s) >=
		CROWD_VIEWERS;
}

/* The viewers that an answer is expected to bring. */
static inline float known_viewers(
	const struct known *known, const struct map_name *name)
{
	return known->at_once +
		known->demand * demand_held_s(known->held_s, name->ttl_min_s);
}

static inline void know_viewers(
	struct known *known, const struct map_name *name, unsigned line)
{
	float viewers = known_viewers(known, name);
	known->heavy = viewers > HEAVY_VIEWERS && name->policy == POLICY_NEARBY;
	/* The crowd of one answer is spread over some nodes. */
	known->answers = name->answers;
	if (line == 1 && known->heavy && known->answers < HEAVY_ANSWERS)
		known->answers = HEAVY_ANSWERS;
	known->viewers =
		known->answers == 1 ? viewers : viewers / (float)known->answers;
}

#endif
