/* traffic.h - where viewers go: those of each area, by the node they were
 * placed on, summed over the threads' accounts (accounts.h, struct placed).
 *
 * For the operator's map alone; no decision reads it. Pure. The tables fade over
 * PLACED_FADE_MS, so a sum is of the last minutes, the latest counting most.
 * The area is that of the nodes nearest to the client.
 */
#ifndef FLEET_TRAFFIC_H
#define FLEET_TRAFFIC_H

#include <stdint.h>

#include "ledger/accounts.h"
#include "state/map.h"

struct flow {
	uint32_t area;
	uint16_t node; /* of the map */
	float viewers;
};

struct traffic;

struct traffic *traffic_new(void);
void traffic_free(struct traffic *traffic);

/* Adds what one thread has placed; it may go on answering. */
void traffic_add(struct traffic *traffic, const struct accounts *accounts,
	int64_t now_ms);

/* The largest of the sum, at most `most`, largest first; the next sum begins. */
unsigned traffic_take(struct traffic *traffic, struct flow *out, unsigned most);

/* Finds for each of n flows the node that stands for its area, the first of
 * those near to each other: its index into from[], MAP_NO_NODE if the area is
 * no more. */
void traffic_areas(const struct map *map, const struct flow *traffic,
	unsigned n, uint16_t *from);

#endif
