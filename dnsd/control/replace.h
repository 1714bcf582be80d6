/* replace.h - a new process takes the place of this one: it is started here, gets the
 * sockets and all that is in memory, and answers from where this one stops
 * (handover.h). Control thread.
 */
#ifndef CONTROL_REPLACE_H
#define CONTROL_REPLACE_H

#include <stdbool.h>

struct control;

/* Where the program of this process is, for replace_begin(); once, at start. */
void replace_remember_program(void);

/* Whether the file is another one than it was then. */
bool replace_is_new(const struct control *c);

/* Starts it. done(arg, true, text): the new process serves, this one is to end.
 * False: text says why it goes on. */
void replace_begin(struct control *c,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* The end of the server: without effect on a process that has taken over. */
void replace_end(struct control *c);

#endif
