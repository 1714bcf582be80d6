/* carry.h - how much more than configured a node may carry.
 *
 * A capacity is a belief of the operator. One that is too high shows by itself
 * (limit.h, CPU); one that is too low wastes the node and overloads the others.
 * Its CPU tells:
 *
 *	enough for = viewers * 0.9 / CPU      a line through zero: too few as
 *					      long as some CPU is not theirs
 *
 * That is believed if viewers explain the CPU at all and each of them still
 * gets the usual bits, a little more with each sample, and up to `overcommit`
 * times what is configured.
 *
 * A bandwidth is rather a link or a contract, of which CPU says nothing. So it
 * is not extrapolated: what a node has sent, with CPU to spare and no viewer
 * getting less, it may send again and a twentieth more, up to `overcommit`
 * times; where viewers got less once, it ends.
 *
 * Pure; part of fleet.c, which owns one per node and feeds it every sample.
 */
#ifndef FLEET_CARRY_H
#define FLEET_CARRY_H

/* What is configured. */
struct carry_rules {
	float capacity, bandwidth_bps; /* bandwidth 0: no limit */
	float overcommit;              /* >= 1: so many times that, at most */
};

struct carry {
	float before;      /* connections of the last sample; 0: none */
	float cpu;         /* smoothed, to compare with idle; 0: not told */
	float few, idle;   /* the fewest connections so far, and CPU then */
	float by_cpu, off; /* viewers that CPU is enough for, smoothed, and the
			      mean deviation of that; 0: not measured */
	float one_bps;     /* what a viewer usually gets */
	float sent_bps;    /* by the last sample, 0 if viewers got less */
	float viewers;  /* that it can have; what counts is carry_viewers() */
	float bps;      /* most that it sent while all got theirs */
	float link_bps; /* that it sent when they did not; 0: none seen */
};

/* A sample: connections, bits per second (negative: not known), CPU of one core
 * (0: not told). */
void carry_sample(struct carry *carry, const struct carry_rules *rules,
	float connections, float bps, float cpu);

/* What is believed, never less than what is configured. */
float carry_viewers(const struct carry *carry, const struct carry_rules *rules);
float carry_bps(const struct carry *carry, const struct carry_rules *rules);

#endif
