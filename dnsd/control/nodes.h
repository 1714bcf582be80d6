/* nodes.h - what is asked of the nodes and what they say: polls, probes, lists of
 * streams and heartbeats go to the fleet (fleet/fleet.h), to the recorder, and, where
 * something changes, to the log. Control thread only.
 */
#ifndef CONTROL_NODES_H
#define CONTROL_NODES_H

#include "control/call.h"

struct control;
struct nodes;
struct streams;

/* Asks at most `most` questions at a time. news(c) is called when the state of a node
 * is no longer what was published. */
struct nodes *nodes_new(
	struct control *c, unsigned most, void (*news)(struct control *c));
void nodes_free(struct nodes *nodes); /* NULL allowed */

/* Asks the nodes of the configuration in service from now on. */
void nodes_ask(struct nodes *nodes);

/* One line for every change of a state, whatever brought it about: an event, or
 * time that passed. After each publication. */
void nodes_log_changes(struct nodes *nodes);

/* The lists of streams as the nodes gave them last. */
struct streams *nodes_streams(struct nodes *nodes);

/* CALL_HEARTBEAT and CALL_STREAMS. */
void nodes_heartbeat(struct control *c, struct call *call);
void nodes_find_streams(struct control *c, struct call *call);

#endif
