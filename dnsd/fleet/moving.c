#include "fleet/moving.h"

#include <assert.h>
#include <math.h>

#define AHEAD_S 10 /* room for the viewers of so many seconds, or for all */
#define FAILING_MS 30000   /* nothing could be closed for so long: it stops */
#define COME_BACK_MS 15000 /* until a closed viewer is seen on another node */
#define COME_BACK_FROM 20  /* of so many at least */
#define COME_BACK 0.5f     /* of those that were moved: so many must be there */

const char *const moving_states[] = {[MOVING_NONE] = "",
	[MOVING_WAITS] = "waits",
	[MOVING_RUNS] = "moves",
	[MOVING_HELD] = "held",
	[MOVING_DONE] = "done",
	[MOVING_STOPPED] = "stopped"};

void moving_begin(struct moving *m, double per_s, bool publishers,
	int64_t wait_ms, int64_t now_ms)
{
	assert(per_s > 0);
	*m = (struct moving){.state = MOVING_WAITS,
		.why = "resolvers still keep answers that name it",
		.per_s = per_s,
		.publishers = publishers,
		.from_ms = now_ms + wait_ms};
}

static double moving_end(
	struct moving *m, enum moving_state state, const char *why)
{
	m->state = state;
	m->why = why;
	return 0;
}

/* Of those that were closed more than half are nowhere. */
static bool they_do_not_come(
	const struct moving *m, const struct moving_seen *seen, int64_t now_ms)
{
	float now = seen->viewers + seen->others;
	return m->moved >= COME_BACK_FROM && m->begin_ms &&
		now_ms - m->begin_ms >= COME_BACK_MS &&
		m->before - now > COME_BACK * (float)m->moved;
}

static bool cannot_close(
	struct moving *m, const struct moving_seen *seen, int64_t now_ms)
{
	if (!seen->failures)
		m->failing_ms = 0;
	else if (!m->failing_ms)
		m->failing_ms = now_ms;
	return m->failing_ms && now_ms - m->failing_ms >= FAILING_MS;
}

static double moving_go(
	struct moving *m, const struct moving_seen *seen, int64_t now_ms)
{
	/* What it takes to begin is more than what it takes to go on. */
	float need = fminf((float)m->per_s * AHEAD_S, seen->viewers);
	if (m->state == MOVING_HELD)
		need *= 2;
	if (seen->room < need)
		return moving_end(m, MOVING_HELD,
			"the other nodes have no room for more");
	m->state = MOVING_RUNS;
	m->why = "";
	if (!m->begin_ms) {
		m->begin_ms = now_ms;
		m->before = seen->viewers + seen->others;
	}
	return m->per_s;
}

double moving_step(
	struct moving *m, const struct moving_seen *seen, int64_t now_ms)
{
	if (moving_is_over(m))
		return 0;
	m->moved = seen->moved;
	if (!seen->drained)
		return moving_end(m, MOVING_STOPPED, "it is drained no more");
	if (seen->ended)
		return moving_end(m, MOVING_DONE, "");
	if (cannot_close(m, seen, now_ms))
		return moving_end(
			m, MOVING_STOPPED, "its API closes no connection");
	if (they_do_not_come(m, seen, now_ms))
		return moving_end(m, MOVING_STOPPED,
			"most of those that were moved have not come back");
	if (seen->others_left)
		return moving_end(
			m, MOVING_STOPPED, "viewers leave another node");
	if (now_ms < m->from_ms)
		return 0;
	return moving_go(m, seen, now_ms);
}
