/* steer.h - which node a client is sent to, and why.
 *
 *	steer_decide(state, accounts, query, now) -> decision	pure
 *	steer_answer(state, accounts, query, now) -> decision	and its accounting
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
 * A line n > 1 avoids the nodes, then the sites, where lines 1..n-1 of this
 * client were sent, or would be sent now; providers count as extra cost.
 *
 *	          steer.c      picks the way, and accounts what is answered
 *	         /   |   \
 *	fast_path  decide  account
 *	             |  \
 *	    candidates  lines
 *
 * Any thread, each with accounts of its own.
 */
#ifndef STEER_STEER_H
#define STEER_STEER_H

#include "steer/lookup.h"
#include "steer/query.h"

/* Decides. trace may be NULL. accounts may be NULL: then nothing is known of the
 * client, and nothing is reserved but what load has. */
void steer_decide(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *decision,
	struct steer_trace *trace);

/* Decides and accounts: what DNS and HTTP answer with. */
void steer_answer(const struct steer_state *state, struct accounts *accounts,
	const struct steer_query *query, int64_t now_ms,
	struct steer_decision *decision);

/* The same for a question that steer_look_up() has seen. */
void steer_answer_lookup(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	const struct steer_lookup *lookup, int64_t now_ms,
	struct steer_decision *decision);

/* The same, never by the fast path: tests compare the two. */
void steer_answer_full(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	int64_t now_ms, struct steer_decision *decision);

/* Whether the client net of a question was sent to a node, by one of the name's lines
 * and not long ago. */
bool steer_was_sent(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms);

/* A player reports that it left a node: counts as a question for the next line
 * by the asking network. False: its last report was less than
 * EVENT_REPORT_INTERVAL_MS ago; nothing is counted. */
bool steer_report_switch(const struct steer_state *state,
	struct accounts *accounts, const struct steer_query *query,
	unsigned node, int64_t now_ms);

/* The key of a client's entries: client net, name and stream, not the line. */
uint64_t steer_key(const struct map *map, const struct steer_query *query);

#endif
