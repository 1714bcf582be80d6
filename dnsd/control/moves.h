/* moves.h - viewers of drained nodes are moved to others (fleet/moving.h), by this name
 * server, which was asked to. Control thread only.
 */
#ifndef CONTROL_MOVES_H
#define CONTROL_MOVES_H

#include "control/call.h"
#include "fleet/moving.h"

struct control;
struct moves;

struct moves *moves_new(struct control *c);
void moves_free(struct moves *moves); /* NULL allowed */

/* CALL_MOVE: of a node that is drained, or is about to be. */
void moves_ask(struct control *c, struct call *call);

/* Every second. */
void moves_step(struct control *c);

/* Numbers mean other nodes from now on: what is gone is ended. */
void moves_renumber(struct control *c);

/* What is, or was last, with a node; NULL: nothing. *why is of the last failure too. */
const struct moving *moves_of(
	const struct moves *moves, unsigned node, const char **why);

#endif
