/* steady.h - the stability of relays, kept over a restart. Control thread only. */
#ifndef CONTROL_STEADY_H
#define CONTROL_STEADY_H

struct control;

/* Hands what is known to the store. */
void stability_keep(struct control *c);

/* Takes what it kept, before anything is asked of it otherwise. */
void stability_restore(struct control *c);

#endif
