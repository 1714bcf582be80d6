/* fleet_internal.h - the fleet's own state, shared by the files that drive it:
 * fleet.c (inventory, merge), samples.c, failover.c, network.c, publish.c. Private
 * to fleet/.
 */
#ifndef FLEET_FLEET_INTERNAL_H
#define FLEET_FLEET_INTERNAL_H

#include "fleet/fleet.h"
#include "ledger/handed.h"

#define FLEET_THREADS_MAX 256

struct fleet {
	struct fleet_rules rules;
	const struct map *map; /* borrowed */
	unsigned n, room;      /* nodes; n <= room */
	struct fleet_node *node;
	struct forecast *forecast; /* by node */
	struct forecast_fleet all;
	struct empty_sums taken; /* viewers that came to all nodes */
	struct complaints *complaints;
	struct large_resolvers *large; /* NULL until a first merge */
	/* What was read of a thread's sums at its last merge; by thread, by node. */
	struct handed_read *read[FLEET_THREADS_MAX];
	char *why; /* texts of handed.c that health.why points into; NULL: none */
	struct schedule_entry *schedule;
	unsigned n_schedule;
	int64_t start_ms;
	int64_t blind_since_ms; /* 0: not */
	bool blind_over;        /* BLIND_MS are up; until polls work again */
	uint32_t generation;
	int64_t fell_ms; /* last failure of any node */
	bool ready;
};

/* -- fleet.c -- */

struct capacity_rules fleet_capacity_rules(
	const struct fleet *fleet, unsigned node);

/* What the node's last sample showed. */
struct capacity_sample fleet_last_sample(const struct fleet_node *node);

/* Utilisation by so many viewers, and what one more adds. wide >= 1: so many times
 * what is configured and `overcommit` it may be given, unless that is 1. */
float fleet_used_by(
	const struct fleet *fleet, unsigned node, float viewers, float wide);
float fleet_per_viewer(const struct fleet *fleet, unsigned node, float wide);

/* -- failover.c -- */

/* Viewers of a dead or distrusted node that are still to come to this one. */
float fleet_displaced(const struct fleet_node *node, int64_t now_ms);

/* How many of the viewers of a failed node still come back: 255 all, 0 none. */
uint8_t fleet_returning(
	const struct fleet_node *node, bool suspect, int64_t now_ms);

/* A poll or probe of a node has failed; before it the node was in this state, with
 * so many failed polls in a row: its viewers may be on their way to others. */
void fleet_after_failure(struct fleet *fleet, unsigned node,
	enum node_state state_before, unsigned fails_before, int64_t now_ms);

/* What complaints and the nodes' samples say of viewers that leave. */
void fleet_watch_distrust(struct fleet *fleet, int64_t now_ms);

/* -- network.c -- */

/* Whether another name server has reached a node since polls time out here. */
bool fleet_was_reached(const struct fleet_node *node);

/* The same, or one found it up before and has not had its say since; and no majority
 * finds it down. */
bool fleet_is_reached(const struct fleet *fleet, const struct fleet_node *node,
	int64_t now_ms);

/* Whether our own network is suspect from now on. */
void fleet_watch_network(struct fleet *fleet, int64_t now_ms);

#endif
