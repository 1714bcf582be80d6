/* demand.h - how many viewers stand behind a client net, by its own questions.
 *
 * The entry of a client net is struct client in accounts.h; what it was told
 * and when, by any thread, is in memory.h.
 */
#ifndef STEER_DEMAND_H
#define STEER_DEMAND_H

#include <stdint.h>

#include "steer/accounts.h"
#include "steer/memory.h"

/* The key of a line's demand: each line has its own. */
uint64_t demand_key(uint64_t key, unsigned line);

/* Viewers per second; 0 if nothing is known. client may be NULL. */
float demand_rate(const struct client *client);

/* How long an answer of ttl_s is kept, at least ttl_s: some resolvers keep
 * answers longer than they are told. client may be NULL. */
float demand_held_s(const struct client *client, float ttl_s);

/* A question: seen is what the line had been told last. */
void demand_learn(
	struct client *client, const struct told *seen, uint32_t now_ms);

#endif
