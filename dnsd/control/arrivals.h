/* arrivals.h - zones that have come from their primaries, or have expired: builds a
 * configuration with what came, and keeps it if that is in service. Control thread only.
 */
#ifndef CONTROL_ARRIVALS_H
#define CONTROL_ARRIVALS_H

struct control;

/* Before the threads start. */
void arrivals_link(struct control *c);

#endif
