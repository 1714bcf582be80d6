/* stability.h - how far a relay could be relied on, over minutes and hours: what
 * policy `stable` ranks before distance. Pure: time is an argument.
 *
 *	polls and probes, answered or not --> shares lost, round trips, jitter
 *	publishers that came back, restarts, times down --> events, fading
 *	all of it --> a grade, 0 the best, each a step of STABILITY_STEP_MS
 *
 * A node that goes down is at the back for a minute, each time of some hours
 * twice as long. Grades fall later than they rise, so that publishers that come
 * one by one do not find another order each time.
 */
#ifndef FLEET_STABILITY_H
#define FLEET_STABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any path on earth: the grade ranks first. */
#define STABILITY_STEP_MS 500.0f
#define STABILITY_BACK_MS 4000.0f

enum stability_event {
	STABILITY_DROPPED, /* a publisher lost its connection, and came back */
	STABILITY_RESTARTED, /* the node's process is another one */
	STABILITY_DOWN,      /* it stopped answering */
	STABILITY_EVENTS
};

struct stability {
	bool known;
	float lost, lost_long;           /* share of questions, 0..1 */
	float rtt_ms, rtt_long_ms;       /* means */
	float jitter_ms, jitter_long_ms; /* mean distance from the mean */
	float events[STABILITY_EVENTS];  /* halving in six hours */
	int64_t answered_ms;             /* the last question ended */
	int64_t faded_ms;                /* events are those of then */
	int64_t back_until_ms;           /* 0: not at the back */
	uint8_t grade;
};

/* A question ended, with an answer or without. rtt_ms < 0: not measured. */
void stability_answered(struct stability *s, float rtt_ms, int64_t now_ms);
void stability_missed(struct stability *s, int64_t now_ms);

/* weight: 1; of a dropped publisher the share that it is of all there. */
void stability_event(struct stability *s, enum stability_event event,
	float weight, int64_t now_ms);

/* Milliseconds to add to the cost; sets the grade anew. */
float stability_cost_ms(struct stability *s, int64_t now_ms);

/* Knowledge from before a restart of dnsd, of age_ms ago by the wall clock: its
 * times (answered_ms, faded_ms, back_until_ms) are those of then_ms. */
struct stability stability_restored(const struct stability *kept,
	int64_t then_ms, int64_t age_ms, int64_t now_ms);

/* "lost 0.1 % (hours 0.0 %) round trip 23 ms (22) jitter 1 ms (1) dropped 0.0
 * restarts 0.0 down 1.0 grade 1", into size octets. */
void stability_text(
	const struct stability *s, int64_t now_ms, char *text, size_t size);

#endif
