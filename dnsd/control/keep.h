/* keep.h - what the store keeps of the nodes over a restart: drains, the last known
 * states, and what was learned (figures.h, learner.h). Control thread only; the store writes on its
 * own (store/store.h).
 */
#ifndef CONTROL_KEEP_H
#define CONTROL_KEEP_H

#include <stdbool.h>

#include "control/call.h"

struct control;

/* Takes what is kept into the fleet: before anything is asked of the store
 * otherwise. */
void keep_restore(struct control *c);

/* Hands states, figures and some of the paths to the store; last: all, the server
 * ends. */
void keep_save(struct control *c, bool last);

/* CALL_DRAIN, CALL_UNDRAIN: in force at once, answered when it is on disk, and with
 * other name servers as registered_change() does. */
void keep_drain(struct control *c, struct call *call);

/* A node is drained, or no longer, as the registry says; by: a name server, "": another
 * program; NULL: the operator here. True: it was not so. */
bool keep_drained(
	struct control *c, const char *name, bool drained, const char *by);

#endif
