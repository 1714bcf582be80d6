#include "fleet/empty.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#define EMPTY_VIEWERS 20.0f /* fewer show nothing */
#define FORGET_HIGH 0.995f  /* per sample */
#define EMPTY 0.05f         /* of its high: nearly none */
#define SHOWN 0.25f         /* of those that were sent: they come after all */
#define OWED 8.0f           /* viewers that did not show: it serves none ... */
#define OWED_SHARE 0.03f    /* ... and of its high so many more */
#define EMPTY_MS 60000      /* then it is tried again */
#define EMPTY_COST_MS 200.0f

/* Connections that are gone, and no viewer comes. */
void empty_sample(struct empty *e, float connections, float sent, float joined,
	int64_t now_ms)
{
	assert(connections >= 0);
	e->high = fmaxf(connections, e->high * FORGET_HIGH);
	bool gone = e->high >= EMPTY_VIEWERS && connections < EMPTY * e->high;
	if (!gone || (sent > 1 && joined > SHOWN * sent)) {
		e->owed = 0;
		e->since_ms = 0;
		return;
	}
	if (e->since_ms && now_ms - e->since_ms >= EMPTY_MS) {
		e->since_ms = 0;
		e->owed = OWED_SHARE * e->high + OWED / 2;
	}
	e->owed += sent;
	if (!e->since_ms && e->owed >= OWED + OWED_SHARE * e->high)
		e->since_ms = now_ms;
}

float empty_cost_ms(const struct empty *e, int64_t now_ms)
{
	return e->since_ms && now_ms - e->since_ms < EMPTY_MS ? EMPTY_COST_MS
							      : 0;
}
