/* leaving.h - do the connections of a node say that its viewers leave it?
 *
 * Questions for another line can be forged; the connections that a node reports
 * cannot. Viewers that really leave are missing there within seconds. So complaints
 * (complaints.h) count only if the samples of the node agree: it has lost more viewers in
 * the last FADE_S than chance and the end of classes explain, and more than the other
 * nodes.
 *
 * Pure; part of fleet.c, which owns one per node and feeds it every sample.
 */
#ifndef FLEET_LEAVING_H
#define FLEET_LEAVING_H

#include <stdbool.h>
#include <stdint.h>

struct leaving {
	float connections; /* of the last sample, at at_ms */
	float change;      /* viewers gained, fading; negative: lost */
	int64_t at_ms;     /* 0: there was no sample */
};

/* What all nodes have gained and had before. */
struct leaving_fleet {
	float change, before;
};

/* A sample: connections at at_ms (our clock). */
void leaving_sample(struct leaving *leaving, float connections, int64_t at_ms);

/* Adds a node to what all nodes have. */
void leaving_add(struct leaving_fleet *all, const struct leaving *leaving);

/* Whether viewers leave this node and not as many the others. session_s: how long
 * a viewer stays, mean. all: with this node. */
bool leaving_is_seen(const struct leaving *leaving,
	const struct leaving_fleet *all, float session_s);

#endif
