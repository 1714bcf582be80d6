/* moving.h - when viewers of a drained node are moved to others, and when that stops.
 * Pure: time is an argument.
 *
 *	WAITS   until resolvers have dropped answers that name this node: a viewer
 *	        that is closed before would come back to it
 *	RUNS    so many a second
 *	HELD    the others have no room for those of the next seconds
 *	DONE    no viewer is left to be moved
 *	STOPPED it is undrained, it cannot be asked, viewers do not come back, or they
 *	        leave another node
 *
 * HELD goes on by itself; DONE and STOPPED are the end.
 */
#ifndef FLEET_MOVING_H
#define FLEET_MOVING_H

#include <stdbool.h>
#include <stdint.h>

enum moving_state {
	MOVING_NONE,
	MOVING_WAITS,
	MOVING_RUNS,
	MOVING_HELD,
	MOVING_DONE,
	MOVING_STOPPED
};
extern const char *const moving_states[]; /* by state; "" for NONE */

struct moving {
	enum moving_state state;
	const char *why; /* static text; "": nothing to say */
	double per_s;
	bool publishers;
	int64_t from_ms;    /* WAITS until then */
	int64_t begin_ms;   /* the first was closed about then; 0: none yet */
	float before;       /* viewers of the node and the others at begin_ms */
	int64_t failing_ms; /* since then nothing could be closed; 0: it can */
	uint64_t moved;
};

/* What is seen now. */
struct moving_seen {
	bool drained;
	float viewers;     /* of the node */
	float others;      /* of the nodes that take its viewers */
	float room;        /* viewers that these may still get */
	bool others_left;  /* viewers leave one of these */
	uint64_t moved;    /* so far */
	uint64_t failures; /* in a row */
	bool ended;        /* a list had none that is to be moved */
};

/* wait_ms: as long as answers with the node may still be kept. */
void moving_begin(struct moving *moving, double per_s, bool publishers,
	int64_t wait_ms, int64_t now_ms);

/* Once a second. How many may be closed a second from now on. */
double moving_step(
	struct moving *moving, const struct moving_seen *seen, int64_t now_ms);

static inline bool moving_is_over(const struct moving *moving)
{
	return moving->state == MOVING_NONE || moving->state >= MOVING_DONE;
}

#endif
