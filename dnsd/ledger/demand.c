#include "ledger/demand.h"

#include "state/map.h"

#define FIRST_S 30.0f    /* one event says little: a viewer or two a minute */
#define KEEP 0.7f        /* of the events and their g, per event */
#define KEPT_EVENTS 64   /* as good as endless */
#define GAP_MAX_S 600.0f /* a longer gap counts as this */
#define HELD_GROWS 32    /* held forgets a thirty-second each time */
#define WAITED_MIN 0.03f /* of a gap, where held is only a guess */

/* The least gap of the last questions: it shrinks at once and grows slowly. */
static void held_learn(struct client *c, float gap_s)
{
	uint16_t gap = (uint16_t)(gap_s * DEMAND_HELD_UNITS);
	if (gap < c->held)
		c->held = gap;
	else
		c->held = (uint16_t)(c->held + (gap - c->held) / HELD_GROWS);
}

/* How long no cache held an answer in a gap between two questions. */
static float waited_s(const struct client *c, float gap_s, float ttl_s)
{
	float held = demand_held_s(demand_keeps_s(c), ttl_s);
	float waited = gap_s - held;
	float least = held > ttl_s ? WAITED_MIN * gap_s : 0;
	return waited > least ? waited : least;
}

/* Each event counts 1 and fades with those after it: so much after n events. */
static float events[KEPT_EVENTS + 1];

__attribute__((constructor)) static void events_fill(void)
{
	for (unsigned n = 1; n <= KEPT_EVENTS; n++)
		events[n] = KEEP * events[n - 1] + 1;
}

static float rate_of(const struct client *c)
{
	unsigned n = c->events < KEPT_EVENTS ? c->events : KEPT_EVENTS;
	float rate = events[n] / (c->g + 0.05f);
	return rate < DEMAND_RATE_MAX ? rate : DEMAND_RATE_MAX;
}

/* Learns how many viewers ask behind this client net: the share of time in
 * which a question comes although no cache holds an answer. A question within
 * the TTL comes from another cache and shows nothing of the rate. */
void demand_learn(struct client *c, struct sent t, uint32_t now)
{
	float gap = (float)(now - t.made_ms) * 0.001f;

	if (!c->events || t.node == MAP_NO_NODE) {
		c->asked = client_tick(now);
		c->g = FIRST_S;
		c->rate = 0;
		c->held = UINT16_MAX;
		c->events = 1;
		return;
	}
	if (gap < t.ttl_s)
		return;
	if (gap > GAP_MAX_S)
		gap = GAP_MAX_S;
	held_learn(c, gap);
	c->g = KEEP * c->g + waited_s(c, gap, t.ttl_s);
	if (c->events < UINT8_MAX)
		c->events++;
	c->rate = rate_of(c);
	c->asked = client_tick(now);
}
