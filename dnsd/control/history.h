/* history.h - the load of the nodes over time: its means go to the store every
 * minute or few. Control thread only.
 */
#ifndef CONTROL_HISTORY_H
#define CONTROL_HISTORY_H

#include "control/call.h"

struct control;
struct history_sums;

struct history_sums *history_new(void);
void history_free(struct history_sums *sums); /* NULL allowed */

/* Adds how the nodes are to the means of the present step, each second. */
void history_watch(struct control *c);

/* CALL_HISTORY; CALL_NO_STORE also if the store cannot be read. */
void history_read_node(struct control *c, struct call *call);

#endif
