/* ask.h - which part of control answers a call. Control thread only. */
#ifndef CONTROL_ASK_H
#define CONTROL_ASK_H

#include "control/call.h"

struct control;

/* The call is control's from here on; it may be answered before this returns. */
void control_ask(struct control *c, struct call *call);

#endif
