#include "fleet/stability.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"

#define MINUTES_MS 300000.0f /* a mean over minutes forgets so fast */
#define HOURS_MS 21600000.0f /* over hours, and events */
#define BACK_FIRST_MS 60000  /* at the back after the first fall */
#define BACK_MOST_MS 21600000

/* Points: two of a hundred questions lost over minutes are one; a single lost
 * question is none. */
#define POINTS_LOST 50.0f
#define POINTS_LOST_LONG 200.0f
#define POINTS_JITTER 0.1f /* each millisecond beyond: */
#define JITTER_FREE_MS 10.0f
#define POINTS_SLOWER 0.05f /* each millisecond above the mean of hours and: */
#define SLOWER_FREE_MS 10.0f
static const float points_event[STABILITY_EVENTS] = {3, 2, 4};

/* From so many points on it is of the next grade; below half of it no more. */
static const float grade_points[] = {1, 4, 12};
#define GRADES (sizeof grade_points / sizeof *grade_points)

static void approach(float *mean, float value, float gap_ms, float over_ms)
{
	*mean += (value - *mean) * gap_ms / (over_ms + gap_ms);
}

static void fade(struct stability *s, int64_t now_ms)
{
	if (now_ms > s->faded_ms) {
		float left = exp2f(-(float)(now_ms - s->faded_ms) / HOURS_MS);
		for (unsigned i = 0; i < STABILITY_EVENTS; i++)
			s->events[i] *= left;
	}
	s->faded_ms = now_ms;
}

/* The time since the last question, at most some: a pause teaches nothing. */
static float gap_of(struct stability *s, int64_t now_ms)
{
	float gap = (float)(now_ms - s->answered_ms);
	bool first = !s->known;
	s->known = true;
	s->answered_ms = now_ms;
	return first ? 1000 : fminf(fmaxf(gap, 1), 60000);
}

static void took(struct stability *s, float rtt_ms, float gap)
{
	if (s->rtt_ms == 0) { /* the first */
		s->rtt_ms = s->rtt_long_ms = rtt_ms;
		return;
	}
	float off = fabsf(rtt_ms - s->rtt_ms);
	approach(&s->jitter_ms, off, gap, MINUTES_MS);
	approach(&s->jitter_long_ms, off, gap, HOURS_MS);
	approach(&s->rtt_ms, rtt_ms, gap, MINUTES_MS);
	approach(&s->rtt_long_ms, rtt_ms, gap, HOURS_MS);
}

void stability_answered(struct stability *s, float rtt_ms, int64_t now_ms)
{
	float gap = gap_of(s, now_ms);
	approach(&s->lost, 0, gap, MINUTES_MS);
	approach(&s->lost_long, 0, gap, HOURS_MS);
	if (rtt_ms >= 0)
		took(s, rtt_ms, gap);
}

void stability_missed(struct stability *s, int64_t now_ms)
{
	float gap = gap_of(s, now_ms);
	approach(&s->lost, 1, gap, MINUTES_MS);
	approach(&s->lost_long, 1, gap, HOURS_MS);
}

void stability_event(struct stability *s, enum stability_event event,
	float weight, int64_t now_ms)
{
	assert(event < STABILITY_EVENTS && weight >= 0);
	fade(s, now_ms);
	if (event == STABILITY_DOWN)
		s->back_until_ms = now_ms +
			backoff_ms(BACK_FIRST_MS, BACK_MOST_MS,
				(unsigned)lroundf(s->events[STABILITY_DOWN]));
	s->events[event] += weight;
}

static float points(const struct stability *s)
{
	float p = POINTS_LOST * s->lost + POINTS_LOST_LONG * s->lost_long;
	p += POINTS_JITTER * fmaxf(0, s->jitter_ms - JITTER_FREE_MS);
	p += POINTS_SLOWER *
		fmaxf(0, s->rtt_ms - s->rtt_long_ms - SLOWER_FREE_MS);
	for (unsigned i = 0; i < STABILITY_EVENTS; i++)
		p += points_event[i] * s->events[i];
	return p;
}

float stability_cost_ms(struct stability *s, int64_t now_ms)
{
	fade(s, now_ms);
	float p = points(s);
	while (s->grade < GRADES && p >= grade_points[s->grade])
		s->grade++;
	while (s->grade > 0 && p < grade_points[s->grade - 1] / 2)
		s->grade--;
	if (s->back_until_ms <= now_ms)
		s->back_until_ms = 0;
	return STABILITY_STEP_MS * (float)s->grade +
		(s->back_until_ms ? STABILITY_BACK_MS : 0);
}

struct stability stability_restored(const struct stability *kept,
	int64_t then_ms, int64_t age_ms, int64_t now_ms)
{
	struct stability s = *kept;
	int64_t shift = now_ms - (age_ms > 0 ? age_ms : 0) - then_ms;

	s.answered_ms += shift;
	s.faded_ms += shift;
	if (s.back_until_ms)
		s.back_until_ms += shift;
	if (s.grade > GRADES)
		s.grade = GRADES;
	fade(&s, now_ms);
	return s;
}

void stability_text(
	const struct stability *s, int64_t now_ms, char *text, size_t size)
{
	int n = snprintf(text, size,
		"lost %.1f %% (hours %.1f %%) round trip %.0f ms (%.0f) jitter %.0f ms (%.0f) dropped %.1f restarts %.1f down %.1f grade %u",
		100 * s->lost, 100 * s->lost_long, s->rtt_ms, s->rtt_long_ms,
		s->jitter_ms, s->jitter_long_ms, s->events[STABILITY_DROPPED],
		s->events[STABILITY_RESTARTED], s->events[STABILITY_DOWN],
		s->grade);
	if (s->back_until_ms > now_ms && n >= 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, ", at the back for %lld s",
			(long long)(s->back_until_ms - now_ms) / 1000);
}
