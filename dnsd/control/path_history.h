/* path_history.h - how paths were over the last day: what is believed of them goes to the
 * store every few minutes (store/path_history.h has the bounds). A path of which nothing
 * was reported in a step has no point there. Control thread only.
 */
#ifndef CONTROL_PATH_HISTORY_H
#define CONTROL_PATH_HISTORY_H

#include "control/call.h"

struct control;

/* Each second: writes what a step was when it ends. */
void path_history_watch(struct control *c);

/* The server stops: writes what the step at work was up to now. */
void path_history_end(struct control *c);

/* CALL_PATH_HISTORY; CALL_NO_STORE also if the store cannot be read. */
void path_history_read(struct control *c, struct call *call);

#endif
