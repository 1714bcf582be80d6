/* health.h - is this node well? A state machine over samples, failures and
 * probes. Pure: time is an argument. Part of fleet.c's struct.
 *
 *	first good sample --> up (no rise needed)
 *	up --fall failures, or refused + failed probe--> down --rise good--> up
 *	up --frozen, unreadable, old, denied--> unknown --good sample--> up
 *
 * Polls that time out do not take a node down while other name servers reach it
 * (`reached`): it stays up, and its own word of it is `held`.
 *
 * A node that goes down again and again is held down longer each time.
 * SRS's traps: a frozen sample looks fresh but for its
 * stamp, a node beyond max_connections answers polls and accepts TCP but
 * serves no viewer, a restart begins its counters anew.
 */
#ifndef FLEET_HEALTH_H
#define FLEET_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/sample.h"
#include "state/load.h"

struct health_rules {
	unsigned interval_ms, timeout_ms;
	unsigned fall, rise;
};

enum health_probe {
	HEALTH_RTMP,
	HEALTH_FLV,
	HEALTH_SRT,
	HEALTH_WHEP,
	HEALTH_PROBES,
	/* The FLV probe, by its answer for a stream: one row with HEALTH_FLV. */
	HEALTH_STREAM = HEALTH_PROBES,
};

/* How a probe ended. Unreached: there was no connection, and no refusal of one, so it
 * may be our own network. */
enum health_probed { HEALTH_FAILED, HEALTH_ANSWERED, HEALTH_UNREACHED };

struct health {
	enum node_state state;  /* never NODE_DRAINED */
	enum node_state before; /* the state before it went down */
	const char *why;        /* of the state, static text */
	bool seen;              /* anything was heard of it since start */
	bool was_up;            /* since start */
	bool refused;           /* the last poll was refused */
	bool held;              /* it would be down, but that others reach it */
	unsigned fails, goods;  /* in a row */
	unsigned probe_fails[HEALTH_PROBES]; /* in a row */
	unsigned unreached[HEALTH_PROBES];   /* of these */
	enum sample_failure failure;         /* the last one */
	int64_t good_ms;    /* arrival of the last good sample */
	int64_t timeout_ms; /* the last poll that timed out */
	int64_t down_ms, hold_until_ms;
	unsigned downs;   /* in short succession */
	int64_t ramp_ms;  /* ramps up since; 0: does not */
	int64_t stamp_ms; /* node's clock: last sampled_ms */
	int64_t moved_ms; /* our clock: when the stamp last moved */
	uint64_t identity;
	int32_t uptime_s;
};

/* Where the failures of a probe are counted. */
static inline unsigned health_row(enum health_probe probe)
{
	return probe == HEALTH_STREAM ? HEALTH_FLV : probe;
}

/* Starts as unknown. stored: the state before a restart of dnsd. */
void health_init(struct health *h, enum node_state stored);

/* A readable sample. Returns true if its load may be believed. */
bool health_sample(struct health *h, const struct health_rules *rules,
	const struct sample *sample, int64_t now_ms);

/* A poll failed. reached: other name servers reach the node. */
void health_failed(struct health *h, const struct health_rules *rules,
	enum sample_failure failure, bool reached, int64_t now_ms);

/* A probe ended. alone: the node has no API that is polled. reached: as above. */
void health_probed(struct health *h, const struct health_rules *rules,
	enum health_probe probe, enum health_probed how, bool alone,
	bool reached, int64_t now_ms);

/* Time passes: samples grow old. alone: not polled. reached: as above, or no longer. */
void health_tick(struct health *h, const struct health_rules *rules, bool alone,
	bool reached, int64_t now_ms);

/* 0.2 .. 1: the share of its capacity that a returning node is given. */
float health_room(const struct health *h, int64_t now_ms);

#endif
