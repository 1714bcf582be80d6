#include "fleet/leaving.h"

#include <assert.h>
#include <math.h>

#define FADE_S 40.0f     /* changes count for about so long */
#define LOST_SHARE 0.01f /* of the viewers before: less is not seen */
#define LOST_VIEWERS 3.0f
#define SIGMAS 3.0f /* of the chance that single viewers come and go by */

void leaving_sample(struct leaving *l, float connections, int64_t at_ms)
{
	if (l->at_ms && at_ms > l->at_ms) {
		float s = (float)(at_ms - l->at_ms) * 0.001f;
		l->change = l->change * expf(-s / FADE_S) + connections -
			l->connections;
	}
	l->connections = connections;
	l->at_ms = at_ms;
}

static float leaving_before(const struct leaving *l)
{
	return fmaxf(0, l->connections - l->change);
}

void leaving_add(struct leaving_fleet *all, const struct leaving *l)
{
	all->change += l->change;
	all->before += leaving_before(l);
}

bool leaving_is_seen(const struct leaving *l, const struct leaving_fleet *all,
	float session_s)
{
	assert(session_s > 0);
	float had = leaving_before(l), others = all->before - had;
	float usual = others > 0
		? fminf(0, (all->change - l->change) / others) * had
		: 0;
	/* viewers who leave anyway, if no new ones come; and its deviation */
	float leave = had * FADE_S / session_s;
	float chance = sqrtf(2 * leave);
	return usual - l->change >=
		leave + LOST_VIEWERS + LOST_SHARE * had + SIGMAS * chance;
}
