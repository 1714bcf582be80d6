/* empty.h - a node that serves no viewer, such as an SRS beyond max_connections: its
 * connections have fallen to nearly none, and none of the viewers that are sent to
 * it shows. Polls and probes do not show that.
 *
 * Pure; fleet.c owns one per node and feeds it every sample.
 */
#ifndef FLEET_EMPTY_H
#define FLEET_EMPTY_H

#include <stdint.h>

struct empty {
	float high;       /* most connections of the last minutes */
	float owed;       /* viewers sent to it since, that did not show */
	int64_t since_ms; /* since when it seems to serve none; 0: it serves */
};

/* A sample. sent: viewers that this server's answers must have brought since the
 * last one, joined: how many came. */
void empty_sample(struct empty *empty, float connections, float sent,
	float joined, int64_t now_ms);

/* Extra cost while it seems to serve no viewer. */
float empty_cost_ms(const struct empty *empty, int64_t now_ms);

#endif
