/* capacity.h - how many viewers a node can have, and why.
 *
 * A capacity is a belief of the operator. One that is too low wastes the node and
 * overloads the others; one that is too high shows by its bits and its CPU. The
 * worst of these counts:
 *
 *	viewers     as configured or, if its CPU shows that it can, more:
 *		    enough for = viewers * 0.9 / CPU	a line through zero: too
 *							few as long as some CPU
 *							is not theirs
 *		    believed if viewers explain the CPU at all and each of them
 *		    still gets the usual bits, a little more with each sample,
 *		    up to `overcommit` times what is configured
 *	bits        as configured or what it has sent, with CPU to spare and no
 *		    viewer getting less, and a twentieth more, up to `overcommit`
 *		    times: a bandwidth is rather a link or a contract, of which
 *		    CPU says nothing. Where viewers got less once, it ends
 *	full at     less than configured: it has more and more viewers but sends
 *		    no more bits. Then it holds as many as it had when the bits
 *		    stood still, and a little more each time it is not full
 *	CPU         as it is
 *
 * Pure; fleet.c owns one per node and feeds it every sample.
 */
#ifndef FLEET_CAPACITY_H
#define FLEET_CAPACITY_H

#include <stdbool.h>

/* What is configured. */
struct capacity_rules {
	float viewers, bandwidth_bps; /* bandwidth 0: no limit */
	float overcommit;             /* >= 1: so many times that, at most */
};

/* That it can have more than is configured. */
struct capacity_more {
	float before;      /* connections of the last sample; 0: none */
	float cpu;         /* smoothed, to compare with idle; 0: not known */
	float few, idle;   /* the fewest connections so far, and CPU then */
	float by_cpu, off; /* viewers that CPU is enough for, smoothed, and the
			      mean deviation of that; 0: not measured */
	float one_bps;     /* what a viewer usually gets */
	float sent_bps;    /* by the last sample, 0 if viewers got less */
	float viewers;  /* that it can have; bounds are capacity_viewers()'s */
	float bps;      /* most that it sent while all got theirs */
	float link_bps; /* that it sent when they did not; 0: none seen */
};

/* That it is full with less. */
struct capacity_full {
	float top_bps; /* most bits of the last minutes */
	float at_top;  /* connections when it was reached */
	unsigned flat; /* samples in a row with more viewers and no more bits */
	float viewers; /* that it holds; 0: no limit seen */
	float bps;     /* that it sent then */
};

struct capacity {
	struct capacity_more more;
	struct capacity_full full;
	float bitrate_bps; /* of one viewer */
	bool bitrate_known;
};

/* What its last sample showed. */
struct capacity_sample {
	float connections;
	float bandwidth_bps; /* negative: not known */
	float cpu;           /* share of one core; 0: not known */
};

void capacity_init(struct capacity *capacity);

/* The node restarted: what was measured of the old process is forgotten. */
void capacity_restart(struct capacity *capacity);

/* A sample of the same process as the last one. */
void capacity_learn(struct capacity *capacity,
	const struct capacity_rules *rules,
	const struct capacity_sample *sample);

/* What one viewer takes; gain: of the forecast's last sample, 0..1. */
void capacity_learn_bitrate(struct capacity *capacity,
	const struct capacity_sample *sample, float gain);

/* What is believed, never less than what is configured. */
float capacity_viewers(
	const struct capacity *capacity, const struct capacity_rules *rules);
float capacity_bps(
	const struct capacity *capacity, const struct capacity_rules *rules);

/* Utilisation by so many viewers: the worst of connections, bits and CPU, 1 =
 * full. sample: the last one. */
float capacity_used(const struct capacity *capacity,
	const struct capacity_rules *rules,
	const struct capacity_sample *sample, float viewers);

/* Utilisation that one viewer more adds. */
float capacity_per_viewer(const struct capacity *capacity,
	const struct capacity_rules *rules,
	const struct capacity_sample *sample);

#endif
