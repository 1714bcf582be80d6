/* demand.h - how many viewers stand behind a client net, by its own questions.
 *
 * The entry of a client net is struct client in accounts.h; where it was sent
 * and when, by any thread, is in sent.h.
 */
#ifndef LEDGER_DEMAND_H
#define LEDGER_DEMAND_H

#include <stdint.h>

#include "base/rng.h"
#include "ledger/accounts.h"
#include "ledger/sent.h"

#define DEMAND_RATE_MAX 500.0f  /* viewers/s behind one client net, believed */
#define DEMAND_HELD_EVENTS 4    /* questions until held is believed */
#define DEMAND_HELD_MAX_S 60.0f /* no resolver keeps answers longer by itself */
#define DEMAND_HELD_UNITS 16    /* of client.held in a second */

/* The key of a line's demand: each line has its own. */
static inline uint64_t demand_key(uint64_t key, unsigned line)
{
	return key + (line - 1) * HASH_ODD;
}

/* How long it keeps answers whatever their TTL, 0 if that is not known: some
 * resolvers keep answers longer than their TTL. */
static inline float demand_keeps_s(const struct client *client)
{
	if (client->events < DEMAND_HELD_EVENTS)
		return 0;
	float held = client->held * (1.0f / DEMAND_HELD_UNITS);
	if (held > DEMAND_HELD_MAX_S * 1.25f)
		return 0;
	return held < DEMAND_HELD_MAX_S ? held : DEMAND_HELD_MAX_S;
}

/* How long an answer of ttl_s is kept by a resolver that keeps answers so long. */
static inline float demand_held_s(float keeps_s, float ttl_s)
{
	return keeps_s > ttl_s ? keeps_s : ttl_s;
}

/* A question. seen: where the line had been sent last. */
void demand_learn(struct client *client, struct sent seen, uint32_t now_ms);

#endif
