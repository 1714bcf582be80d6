/* empty.h - a node that takes no viewer, such as an SRS beyond max_connections: none of
 * the viewers that are sent to it shows. Polls and probes do not show that. Its
 * connections have fallen to nearly none, or they fall as viewers leave and no other
 * comes, while viewers do come where the other nodes are.
 *
 * Pure; fleet.c owns one per node and feeds it every sample.
 */
#ifndef FLEET_EMPTY_H
#define FLEET_EMPTY_H

#include <stdbool.h>
#include <stdint.h>

/* Viewers of the last minutes, fading. */
struct empty_sums {
	float sent; /* that this server's answers must have brought */
	float joined; /* that came; noise, and more leaving than usual, count against
			 it */
	float left;    /* that leave by themselves, as many as usual */
	int64_t at_ms; /* 0: no sample yet */
};

struct empty {
	struct empty_sums lately;
	float coming
		[2]; /* sent since coming_ms, and in the time before that: they
			      may be on their way */
	int64_t coming_ms;
	float high;       /* most connections of the last minutes */
	float owed;       /* viewers sent to it since, that did not show */
	int64_t since_ms; /* since when it seems to take none; 0: it does */
	bool fell;        /* then, since its connections had fallen to none */
};

/* What a sample shows. */
struct empty_sample {
	float connections;
	float sent, joined, left; /* since the last one, as in the sums */
	float few;                /* of those sent, by answers to few viewers */
	int64_t at_ms;
};

/* all: the sums of all nodes, which this one's are added to. */
void empty_sample(struct empty *empty, struct empty_sums *all,
	const struct empty_sample *sample);

/* Extra cost while it seems to take no viewer. */
float empty_cost_ms(const struct empty *empty, int64_t now_ms);

#endif
