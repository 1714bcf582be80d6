/* query.h - a question to steering and its decision: the types that the parts of
 * steering and its callers share.
 */
#ifndef STEER_QUERY_H
#define STEER_QUERY_H

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
	struct addr asker; /* source of the packet; for budgets only */
	bool trusted;      /* asker may name other clients: no budget */
	bool proven;       /* the asker's address is not forged */
};

struct steer_decision {
	uint8_t n;     /* >= 1 */
	uint8_t state; /* of the nodes: enum node_state */
	bool again;    /* the TTL of an earlier decision still runs */
	bool only;     /* all living nodes have earlier lines */
	uint16_t node[STEER_NODES_MAX]; /* best first */
	uint32_t ttl_s;
	float at_once, rate;    /* viewers this answer will bring: now, and per
				second while it is held */
	uint16_t held_s;        /* at least ttl_s: some resolvers keep longer */
	uint32_t area;          /* the site nearest to the client */
	struct sent_lines past; /* where the client net had been sent when this
				   was decided; steering's own */
};

/* One line of an explanation. */
struct steer_candidate {
	uint16_t node;
	uint8_t state;
	bool earlier; /* an earlier line's node, or of its site */
	float path_ms, penalty_ms, price_ms, cost_ms, used, reserved, score;
	/* What its path rests on: what was measured of it, of the map that
	 * decided, or NULL: on other paths of its area, or on distance. */
	const struct path_known *known;
	bool by_others;
	uint32_t known_age_ms;
};

#define STEER_TRACE_MAX 64
struct steer_trace {
	unsigned n; /* in the order of preference */
	struct steer_candidate candidate[STEER_TRACE_MAX];
	float viewers_per_s; /* demand learned of this client net */
	bool kept;           /* the node was kept for the rest of a TTL */
};

/* Sets the client of a query: its net is the address masked to the shorter of
 * the leaf's scope and source (SOURCE PREFIX-LENGTH of RFC 7871; 128 if the
 * question has none), its place is the leaf's. */
static inline void steer_client(struct steer_query *query,
	const struct addr *client, unsigned source, struct geo_leaf leaf)
{
	unsigned len = leaf.scope < source ? leaf.scope : source;
	query->net = addr_mask(client, len);
	query->net_len = (uint8_t)len;
	query->place = leaf.place;
}

#endif
