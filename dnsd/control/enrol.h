/* enrol.h - nodes that join while dnsd runs.
 *
 * The operator approves a node: it is built into the configuration as if the file
 * had it, and when that holds it is kept in the store; then the call is answered.
 * What a heartbeat says of addresses is never used: an enrolled node's address and
 * API are the operator's words, within enrol_rules.h. Control thread only.
 */
#ifndef CONTROL_ENROL_H
#define CONTROL_ENROL_H

#include "base/err.h"
#include "control/call.h"

struct control;

/* CALL_ENROL: call->keys is a JSON object, {"role": "edge", "at": [22, 114],
 * "address": ["203.0.113.9"], ...}, as the configuration has them; without an
 * address the one that the node's heartbeats come from. Answered when it is in
 * force and on disk, or with the reason why not. */
void enrol_node(struct control *c, struct call *call);

/* CALL_REMOVE: takes an enrolled node out again. */
void enrol_remove(struct control *c, struct call *call);

/* Such an object from words: "--role" "edge" "--at" "22,114" ... The caller frees
 * it; NULL with a message. */
char *enrol_keys(char **words, unsigned n, struct err *err);

#endif
