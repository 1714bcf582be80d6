/* client_estimate.h - how many viewers a question stands for. Private to steer/;
 * what the fast path needs is inline.
 */
#ifndef STEER_CLIENT_ESTIMATE_H
#define STEER_CLIENT_ESTIMATE_H

#include "steer/lookup.h"

/* More viewers than these an answer: each question is decided anew ... */
#define SPREAD_OUT_VIEWERS 20.0f
#define SPREAD_OUT_ANSWERS 3 /* ... and answered with so many nodes */
/* In the life of an answer: samples can show them. */
#define LARGE_RESOLVER_VIEWERS 2.0f

/* What is known of a client when it asks. */
struct client_estimate {
	struct client *client;    /* demand of the line asked for; NULL: none */
	struct sent_entry *entry; /* of the line asked for; NULL: none */
	uint32_t now;             /* ms, 32 bits */
	float demand;     /* viewers per second behind this client net */
	float held_s;     /* how long it keeps answers, 0: for their TTL */
	float at_once;    /* viewers that wait for this answer */
	bool large;       /* a large resolver: samples show its demand */
	bool spread_out;  /* so large that its viewers take several nodes */
	unsigned answers; /* nodes of the answer */
	float viewers;    /* that the answer will bring to each of them */
};

/* How many viewers are behind the client net: by its own questions or, if it is a
 * large resolver, as samples have shown. key: demand_key(). */
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
static inline float estimate_viewers(
	const struct client_estimate *estimate, const struct map_name *name)
{
	return estimate->at_once +
		estimate->demand *
		demand_held_s(estimate->held_s, name->ttl_min_s);
}

/* How many nodes the answer of a line names, and the viewers for each. */
static inline void estimate_answers(struct client_estimate *estimate,
	const struct map_name *name, unsigned line)
{
	float viewers = estimate_viewers(estimate, name);
	estimate->spread_out =
		viewers > SPREAD_OUT_VIEWERS && name->policy == POLICY_NEARBY;
	estimate->answers = name->answers;
	if (line == 1 && estimate->spread_out &&
		estimate->answers < SPREAD_OUT_ANSWERS)
		estimate->answers = SPREAD_OUT_ANSWERS;
	estimate->viewers = estimate->answers == 1
		? viewers
		: viewers / (float)estimate->answers;
}

/* What is known of the client for this question, and where its lines were sent.
 * accounts may be NULL. */
void estimate_client(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct sent_lines *past, struct client_estimate *estimate);

/* The same for a line whose entries are found: estimate->client and now are set. */
void estimate_line(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, const struct sent_lines *past,
	struct client_estimate *estimate);

#endif
