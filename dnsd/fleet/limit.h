/* limit.h - what a node really carries, beside what it is configured for.
 *
 * Two things that polls and probes do not tell:
 *
 *  - it is full below its configured bandwidth: it has more and more viewers but
 *    sends no more bits. Then it holds as many as it had when the bits stood
 *    still, and a little more each time it is not full any longer.
 *  - it serves nobody, such as an SRS beyond max_connections: its connections
 *    have fallen to nearly none, and none of those who are sent to it shows.
 *
 * Pure; part of fleet.c, which owns one per node and feeds it every sample.
 */
#ifndef FLEET_LIMIT_H
#define FLEET_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
	float top_bps; /* most bits of late */
	float at_top;  /* connections when it was reached */
	unsigned flat; /* samples in a row with more viewers and no more bits */
	float viewers; /* that it holds; 0: no limit seen */
	float bps;     /* that it sent then */

	float high;       /* most connections of late */
	float owed;       /* viewers sent to it since, who did not show */
	int64_t empty_ms; /* since when it seems to serve nobody; 0: it does */
};

/* A sample: connections and bits per second (negative: not known, or so few that
 * they tell nothing of a limit), sent: viewers
 * that this server's answers must have brought since the last one, joined: how
 * many came. */
void limit_sample(struct limit *limit, float connections, float bps, float sent,
	float joined, int64_t now_ms);

/* Extra cost while it seems to serve nobody. */
float limit_cost_ms(const struct limit *limit, int64_t now_ms);

#endif
