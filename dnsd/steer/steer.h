/* steer.h - the decision: which node this client is sent to, and why.
 *
 *	steer_decide(state, accounts, query, now) -> decision     pure
 *	steer_account(state, accounts, query, decision, now)      the mutation
 *
 * The rule (docs/steering.md has the reasons):
 *
 *	w     = viewers this answer will bring
 *	cost  = path + carrier + bias + penalty + price(utilisation with w)
 *	score = ln(-ln(hash(client net, node))) + cost / T - ln(weight)
 *	pick  = least score among the nodes of the best state
 *
 * which is a weighted rendezvous hash with weights capacity * exp(-cost / T):
 * a client net stays on its node while nothing changes, and nets spread over
 * nodes of equal cost by capacity. Within the TTL of an answer its client net
 * is sent to the same node again, whatever the type of the question.
 *
 * A line n > 1 avoids the nodes, then the sites, that lines 1..n-1 of this
 * client were sent, or would be sent now; providers count as extra cost.
 */
#ifndef STEER_STEER_H
#define STEER_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "geo/prefixes.h"
#include "ledger/accounts.h"
#include "state/load.h"
#include "state/map.h"

#define STEER_NODES_MAX CONF_ANSWERS_MAX

/* What a decision may consult; all immutable. */
struct steer_state {
	const struct map *map;
	const struct load *load;
	const struct geo *geo;
};

/* Types of question that share one decision. */
enum steer_type { STEER_A = 1, STEER_AAAA = 2, STEER_HTTPS = 4 };

struct steer_query {
	uint32_t name;   /* index in the map */
	uint8_t line;    /* 1.. */
	uint8_t type;    /* one enum steer_type */
	uint64_t stream; /* hash of the stream label, 0: none */
	struct addr net; /* client net: masked to min(scope, source) */
	uint8_t net_len;
	uint32_t place;
	struct addr asker; /* who sent the packet, for budgets only */
	bool trusted;      /* asker may name other clients: no budget */
	bool proven;       /* the asker's address is not forged */
};

struct steer_decision {
	uint8_t n;     /* >= 1 */
	uint8_t state; /* of the nodes: enum node_state */
	bool again;    /* the TTL of an earlier decision still runs */
	bool only;     /* no other node than earlier lines' was there */
	uint16_t node[STEER_NODES_MAX]; /* best first */
	uint32_t ttl_s;
	float at_once, rate; /* viewers this answer will bring: now, and per
				second while it is held */
	uint16_t held_s;     /* at least ttl_s: some resolvers keep longer */
	bool large;          /* so many that samples will show them */
	uint64_t key;  /* of the client net's entries in memory and accounts */
	uint32_t area; /* the site nearest to the client */
	struct sent_lines past; /* what this line and those before had been
				   sent to when this was decided */
};

/* One line of an explanation. */
struct steer_candidate {
	uint16_t node;
	uint8_t state;
	bool earlier; /* an earlier line's node, or of its site */
	float path_ms, penalty_ms, price_ms, cost_ms, used, reserved, score;
};

#define STEER_TRACE_MAX 64
struct steer_trace {
	unsigned n; /* in the order of preference */
	struct steer_candidate candidate[STEER_TRACE_MAX];
	float viewers_per_s; /* demand learned of this client net */
	bool sent_lines;     /* the node was kept for the rest of a TTL */
};

struct steer_lookup; /* find.h: what steer_look_up() has found */

/* Decides. trace may be NULL. accounts may be NULL: then nothing is
 * remembered and nothing in flight but what load tells. */
void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *decision,
	struct steer_trace *trace);

/* The same for a question that steer_look_up has seen. */
void steer_decide_lookup(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *decision, struct steer_trace *trace);

/* Decides and accounts: what DNS and HTTP answer with. */
void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision);
void steer_answer_lookup(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *decision);

/* Accounts a decision that is to be answered. False, and nothing is accounted:
 * another thread has decided for this client net and line since steer_decide;
 * decide again. */
bool steer_account(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, const struct steer_decision *decision,
	int64_t now_ms);

/* A viewer of the query's client says that he left a node: counts as a question
 * for the next line by the asking network. False: one was counted of late. */
bool steer_report_switch(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms);

/* The key of a client's entry: client net, name and stream, not the line. */
uint64_t steer_key(const struct map *map, const struct steer_query *query);

/* Hash of the client net. */
uint64_t steer_net_hash(const struct steer_query *query);

/* The site nearest to the client, as the pool's candidates say. */
uint32_t steer_area(
	const struct steer_state *state, const struct steer_query *query);

/* Sets the client of a query: its net is the address masked to the shorter of
 * the leaf's scope and source (the length the client itself told; 128 where it
 * told none), its place is the leaf's. */
static inline void steer_client(struct steer_query *query,
	const struct addr *client, unsigned source, struct geo_leaf leaf)
{
	unsigned len = leaf.scope < source ? leaf.scope : source;
	query->net = addr_mask(client, len);
	query->net_len = (uint8_t)len;
	query->place = leaf.place;
}

#include "steer/lookup.h" /* steer_find() */

#endif
