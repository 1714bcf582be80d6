/* schedule.h - crowds that are to come: those of the configuration and those
 * of the API, which the store keeps. Control thread only.
 *
 * The schedule is by wall clock and by name, the fleet's by the monotonic
 * clock and by the index of the map: so it is fed again each second, and with
 * each map. A wall clock that is set right moves what is to come with it.
 */
#ifndef CONTROL_SCHEDULE_H
#define CONTROL_SCHEDULE_H

#include "control/call.h"

struct control;
struct schedule;

struct schedule *schedule_new(void);
void schedule_free(struct schedule *schedule); /* NULL allowed */

/* What the store kept. */
void schedule_load(struct control *c);

/* Gives the fleet what begins soon. */
void schedule_feed(struct control *c);

/* Every second: that, and drops what is over. */
void schedule_watch(struct control *c);

/* An entry as the registry has it; its id is in force no more. */
void schedule_put(struct control *c, const struct conf_expect *entry);
void schedule_drop(struct control *c, int64_t id);

/* All entries that are not of the configuration. */
void schedule_each(struct control *c,
	void (*take)(void *arg, const struct conf_expect *entry), void *arg);

/* CALL_SCHEDULE_LIST, _ADD and _REMOVE. */
void schedule_list(struct control *c, struct call *call);
void schedule_add(struct control *c, struct call *call);
void schedule_remove(struct control *c, struct call *call);

#endif
