/* viewers.h - makes reports of paths from the bits that the viewers of a node get, which
 * SRS lists: for nodes that run no `dnsd measure`. Control thread.
 */
#ifndef CONTROL_VIEWERS_H
#define CONTROL_VIEWERS_H

#include <stdint.h>

struct client_list;
struct control;
struct viewers;

struct viewers *viewers_new(void);
void viewers_free(struct viewers *viewers); /* NULL allowed */

/* A round of a node; the list is put into another order. The reports go to the
 * learner. */
void viewers_take(struct viewers *viewers, struct control *c, uint32_t node,
	struct client_list *list);

/* The node's number means another from now on. */
void viewers_forget(struct viewers *viewers, unsigned node);

#endif
