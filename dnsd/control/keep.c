#include "control/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/figures.h"
#include "control/learner.h"
#include "control/path_history.h"
#include "control/publish.h"
#include "control/registered.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "replay/recorder.h"
#include "store/store.h"

/* -- drains, the operator's overrides -- */

static const char *drain_lost(bool drained)
{
	return drained
		? "drained on this name server, but not kept: the store cannot be written (see the log); after a restart it is not drained"
		: "undrained on this name server, but not kept: the store cannot be written (see the log); after a restart it is drained again";
}

static void on_drain_kept(void *arg, bool ok)
{
	struct call *call = arg;
	if (ok)
		call_answer(call, CALL_KEPT, NULL);
	else
		call_answer(
			call, CALL_LOST, drain_lost(call->kind == CALL_DRAIN));
}

/* Whether it changes what is in force. */
static bool drain_apply(struct control *c, unsigned node, bool drained)
{
	if (fleet_node(c->fleet, node)->drained == drained)
		return false;
	fleet_drain(c->fleet, node, drained);
	record_drained(c->record, node, drained, clock_ms());
	return true;
}

bool keep_drained(
	struct control *c, const char *name, bool drained, const char *by)
{
	int node = map_find_node(c->built->map, name);
	if (c->store)
		store_drain(c->store, name, drained, (struct store_waiter){0});
	if (node < 0 || !drain_apply(c, (unsigned)node, drained))
		return false;
	log_info("node %s: %s by %s", name, drained ? "drained" : "undrained",
		!by           ? "the operator"
			: *by ? by
			      : "another program");
	return true;
}

/* On this server alone. */
static void drain_here(struct control *c, struct call *call, unsigned node)
{
	bool drained = call->kind == CALL_DRAIN;
	const char *name = c->built->map->nodes[node].name;
	drain_apply(c, node, drained);
	publish_now(c);
	log_info("node %s: %s by the operator", name,
		drained ? "drained" : "undrained");
	if (c->store)
		store_drain(c->store, name, drained,
			(struct store_waiter){c->mailbox, on_drain_kept, call});
	else
		call_answer(call, CALL_NO_STORE, NULL);
}

void keep_drain(struct control *c, struct call *call)
{
	int node = map_find_node(c->built->map, call->node);
	char key[80];
	if (node < 0) {
		call_answer(call, CALL_UNKNOWN, NULL);
	} else if (c->registered) {
		snprintf(key, sizeof key, "drains/%s",
			c->built->map->nodes[node].name);
		registered_change(c->registered, key,
			call->kind == CALL_DRAIN ? "{\"drained\": true}"
						 : "{\"drained\": false}",
			call);
	} else {
		drain_here(c, call, (unsigned)node);
	}
}

/* -- drains and states -- */

static void nodes_restore(struct control *c)
{
	struct store_node *nodes;
	unsigned n;
	struct err err = {0};

	if (!c->store)
		return;
	if (!store_load(c->store, &nodes, &n, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	for (unsigned i = 0; i < n; i++) {
		int node = map_find_node(c->built->map, nodes[i].name);
		if (node < 0)
			continue;
		enum node_state state = nodes[i].state <= NODE_DOWN
			? (enum node_state)nodes[i].state
			: NODE_UNKNOWN;
		if (fleet_node(c->fleet, (unsigned)node)->watched)
			fleet_restore(c->fleet, (unsigned)node, state,
				nodes[i].connections);
		fleet_drain(c->fleet, (unsigned)node, nodes[i].drained);
	}
	free(nodes);
	err_fini(&err);
}

static void states_keep(struct control *c)
{
	const struct map *map = c->built->map;
	unsigned n = 0;

	if (!c->store || !c->publisher->load->ready)
		return;
	struct store_node *nodes = mem_zero(map->n_nodes, sizeof *nodes);
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct fleet_node *from = fleet_node(c->fleet, i);
		if (!map->nodes[i].name || !from->health.seen)
			continue;
		strncpy(nodes[n].name, map->nodes[i].name,
			sizeof nodes[n].name - 1);
		nodes[n].state = (uint8_t)from->health.state;
		nodes[n++].connections = from->connections;
	}
	store_states(c->store, nodes, n);
	free(nodes);
}

/* -- all of it -- */

void keep_restore(struct control *c)
{
	nodes_restore(c);
	if (c->store)
		figures_restore(c);
	learner_restore(c);
}

void keep_save(struct control *c, bool last)
{
	states_keep(c);
	figures_keep(c);
	learner_keep(c, last);
	if (last)
		path_history_end(c);
}
