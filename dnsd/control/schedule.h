/* schedule.h - crowds that are to come: those of the configuration and those
 * of the API, which the store keeps. Control's thread; private to control/.
 *
 * The schedule is by wall clock and by name, the fleet's by the monotonic
 * clock and by the index of the map: so it is fed again each second, and with
 * each map. A wall clock that is set right moves what is to come with it.
 */
#ifndef CONTROL_SCHEDULE_H
#define CONTROL_SCHEDULE_H

#include "control/state.h"

/* What the store kept. */
void schedule_load(struct control *c);

/* Gives the fleet what begins soon, drops what is over. */
void schedule_feed(struct control *c);

/* As in struct control_ops; any thread. */
void schedule_ask(void *control, struct schedule_call *call);
void schedule_free(struct control *c);

#endif
