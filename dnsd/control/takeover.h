/* takeover.h - this process takes the place of the one that started it (handover.h):
 * with its sockets, and with what it had in memory. Main thread, while it starts.
 */
#ifndef CONTROL_TAKEOVER_H
#define CONTROL_TAKEOVER_H

#include <stdbool.h>

#include "base/err.h"
#include "control/threads.h"

struct built;
struct control;
struct takeover;

/* Hears what there is, by the descriptor of the channel. NULL with a message. */
struct takeover *takeover_new(int channel, struct err *err);
void takeover_free(struct takeover *takeover); /* NULL allowed */

/* The sockets and the secret. */
struct threads_handed *takeover_handed(struct takeover *takeover);

/* Node numbers and secrets of what was built go on. */
void takeover_number(const struct takeover *takeover, struct built *built);

/* Why this process cannot take over. */
void takeover_refuse(struct takeover *takeover, const char *why);

/* Threads are made and nodes are asked: lets them answer for a moment, then takes the
 * tables. False with a message: the other process goes on, this one ends. */
bool takeover_tables(
	struct takeover *takeover, struct control *c, struct err *err);

/* The other process has closed the store: takes what it knew, over what the store
 * kept. */
bool takeover_state(
	struct takeover *takeover, struct control *c, struct err *err);

/* Published is what was; the other one stops to answer, and we begin. */
bool takeover_answer(
	struct takeover *takeover, struct control *c, struct err *err);

/* All is well here: the other process may end. */
bool takeover_serving(struct takeover *takeover, struct err *err);

#endif
