#include "fleet/empty.h"

#include <assert.h>
#include <math.h>

#define EMPTY_VIEWERS 20.0f /* fewer show nothing */
#define FORGET_HIGH 0.995f  /* per sample */
#define EMPTY 0.05f         /* of its high: nearly none */
#define SHOWN 0.25f         /* of those that were sent: they come after all */
#define OWED 8.0f           /* viewers that did not show: it takes none ... */
#define OWED_SHARE 0.03f    /* ... and of its high so many more */
#define EMPTY_MS 60000      /* then it is tried again */
#define EMPTY_COST_MS 200.0f
#define LATELY_MS 120000.0f /* of the sums */
#define LATELY_SIGMAS 5.0f  /* fewer than were sent than chance explains */
#define ELSEWHERE 0.5f      /* of those sent to all nodes came */
#define LEFT_LEAST 4.0f     /* viewers that leave: fewer show nothing */
#define COMING_MS 10000     /* and up to twice that they have time to come */
#define CLASS_SHARE 0.05f   /* of the viewers leave between two samples: ... */
#define CLASS_VIEWERS 3.0f  /* ... a class has ended, which shows nothing */

static void sums_add(struct empty_sums *sums, const struct empty_sample *s)
{
	float keep = sums->at_ms
		? expf(-(float)(s->at_ms - sums->at_ms) / LATELY_MS)
		: 0;
	keep = fminf(1, keep); /* nodes' times of samples are not in order */
	sums->sent = sums->sent * keep + s->sent;
	sums->joined = sums->joined * keep + s->joined;
	sums->left = sums->left * keep + s->left;
	if (s->at_ms > sums->at_ms)
		sums->at_ms = s->at_ms;
}

/* Viewers were sent, but the connections fell as if no viewer came. */
static bool nobody_joins(
	const struct empty_sums *e, const struct empty_sums *all)
{
	return e->sent >= OWED && e->left >= LEFT_LEAST &&
		e->joined <= sqrtf(e->left) &&
		e->sent - e->joined >=
		LATELY_SIGMAS * sqrtf(e->sent + e->left) &&
		all->joined >= ELSEWHERE * all->sent;
}

static bool class_ended(const struct empty_sample *s)
{
	return s->joined < -CLASS_VIEWERS - CLASS_SHARE * s->connections;
}

static void forget_lately(struct empty *e, int64_t now_ms)
{
	e->lately = (struct empty_sums){.at_ms = now_ms};
	e->coming[0] = e->coming[1] = 0;
}

/* Of those that were sent, the ones that had time to come by now. */
static float sent_in_time(struct empty *e, const struct empty_sample *s)
{
	float in_time = 0;
	if (s->at_ms - e->coming_ms >= COMING_MS) {
		in_time = e->coming[1];
		e->coming[1] = e->coming[0];
		e->coming[0] = 0;
		e->coming_ms = s->at_ms;
	}
	e->coming[0] += s->few;
	return in_time;
}

static void look_lately(
	struct empty *e, struct empty_sums *all, const struct empty_sample *s)
{
	struct empty_sample due = *s;
	if (class_ended(s)) {
		forget_lately(e, s->at_ms);
		return;
	}
	due.sent = sent_in_time(e, s);
	sums_add(&e->lately, &due);
	sums_add(all, &due);
	if (!e->since_ms && nobody_joins(&e->lately, all)) {
		e->since_ms = s->at_ms;
		e->fell = false;
		forget_lately(e, s->at_ms);
	}
}

void empty_sample(
	struct empty *e, struct empty_sums *all, const struct empty_sample *s)
{
	assert(s->connections >= 0);
	look_lately(e, all, s);
	e->high = fmaxf(s->connections, e->high * FORGET_HIGH);
	bool gone =
		e->high >= EMPTY_VIEWERS && s->connections < EMPTY * e->high;
	bool over = e->since_ms && s->at_ms - e->since_ms >= EMPTY_MS;
	if (s->sent > 1 && s->joined > SHOWN * s->sent) {
		e->owed = 0;
		e->since_ms = 0;
		return;
	}
	if (over) {
		e->since_ms = 0;
		e->owed = OWED_SHARE * e->high + OWED / 2;
	}
	if (!gone) {
		e->owed = 0;
		e->since_ms = e->fell ? 0 : e->since_ms;
		return;
	}
	e->owed += s->sent;
	if (!e->since_ms && e->owed >= OWED + OWED_SHARE * e->high) {
		e->since_ms = s->at_ms;
		e->fell = true;
	}
}

float empty_cost_ms(const struct empty *e, int64_t now_ms)
{
	return e->since_ms && now_ms - e->since_ms < EMPTY_MS ? EMPTY_COST_MS
							      : 0;
}
