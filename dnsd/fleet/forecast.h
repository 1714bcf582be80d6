/* forecast.h - how many viewers a node has and will have, seen from samples
 * that are seconds old.
 *
 *	viewers(now) = viewers(last sample)             a Kalman filter
 *		     + multiplier * reserved since      one viewer an answer
 *		     + reserved since                   large resolvers, learned
 *
 * Promises lie in bins of a second, by when the viewers come: 64 s back, since
 * samples are late, and 64 s ahead, since answers live in caches. What answers
 * of this server bring is multiplied by what samples showed so far: other name
 * servers, shared caches. Crowds behind one resolver are learned one by one
 * (large_resolver.h) and count as they are.
 *
 * Pure; part of fleet.c, which owns one of each per node.
 */
#ifndef FLEET_FORECAST_H
#define FLEET_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#define FORECAST_BINS 128
#define FORECAST_SESSION_S 1700.0f /* mean stay, if nothing is configured */
#define FORECAST_LAG_MS 900 /* from an answer to a connection SRS counts */

/* What all nodes have in common. */
struct forecast_fleet {
	int64_t second;     /* newest of the bins' window */
	float all_n, all_g; /* joins seen, joins reserved */
	unsigned servers;   /* where the multiplier begins */
	float session_s;    /* how long viewers stay, in the mean */
};

struct forecast {
	float light[FORECAST_BINS];   /* viewers, times the multiplier */
	float learned[FORECAST_BINS]; /* viewers */
	int64_t empty_from; /* bins of this second and later hold nothing */

	bool known;         /* there was a sample */
	int64_t at_ms;      /* of the estimate, our clock */
	float viewers;      /* at at_ms */
	float growth;       /* viewers per second, smoothed */
	float seen;         /* connections of the last sample, as they were */
	float noise, error; /* variance of the innovations, of the estimate, in
			       shares of the capacity */
	float innovation, lean; /* of the last sample, of the last two */
	float gain;             /* 0 .. 1, of the last sample */
	float n, g;             /* joins seen, joins reserved, forgetting */
};

/* Time passes: bins that leave the past become those of the far future, and an
 * estimate without samples goes on by itself. */
void forecast_advance(struct forecast_fleet *all, struct forecast *of,
	unsigned n, int64_t now_ms);

/* Adds a reservation that begins now: at once, and rate viewers/s over length_s; a
 * negative rate takes back what was reserved. */
void forecast_reserve(const struct forecast_fleet *all, struct forecast *f,
	bool learned, float at_once, float rate, unsigned length_s);

/* Promises of [from_ms, to_ms), the multiplier included. */
float forecast_reserved(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms);

/* The same as this server's answers alone say: without the multiplier. */
float forecast_reserved_here(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms);

/* Of those the viewers of answers that stand for few: without the learned crowds, which
 * may be over. */
float forecast_reserved_one_by_one(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms);

/* A believed sample: connections at at_ms (our clock). Returns the viewers that
 * joined beyond all that was expected, filtered; may be negative. */
float forecast_sample(struct forecast_fleet *all, struct forecast *f,
	float connections, float capacity, int64_t at_ms);

/* Forgets load and growth: the node restarted. */
void forecast_reset(struct forecast *f, float connections, int64_t at_ms);

/* Viewers on their way or yet to come on answers that live. */
float forecast_reserved_ahead(const struct forecast_fleet *all,
	const struct forecast *f, int64_t now_ms);

/* Viewers per second that the node gains, never negative: as its samples grow
 * or, before they can show it, as the answers of the last two seconds say. */
float forecast_growth(const struct forecast_fleet *all,
	const struct forecast *f, int64_t now_ms);

float forecast_multiplier(
	const struct forecast_fleet *all, const struct forecast *f);

#endif
