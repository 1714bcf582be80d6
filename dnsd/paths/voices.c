/* What the networks of an area say of a node. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "paths/private.h"

#define RTT_HALF_MS 7200000.0f /* a report this old counts half */
#define LOSS_FADE_MS 300000.0f
#define LOSS_KEPT_MS 900000

/* Round trips count less with time, and never nothing: yesterday's is better than
 * none. */
static float rtt_fade(int64_t age_ms)
{
	return 1 / (1 + (float)age_ms / RTT_HALF_MS);
}

static float loss_fade(int64_t age_ms)
{
	return age_ms < LOSS_KEPT_MS ? expf(-(float)age_ms / LOSS_FADE_MS) : 0;
}

struct said {
	float value, weight;
};

static int said_order(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* The values between the quantiles `low` and `high` of all weight, their mean. */
static float middle(
	struct said *said, unsigned n, float low, float high, float *weight)
{
	float all = 0, at = 0, sum = 0, taken = 0;
	for (unsigned i = 0; i < n; i++)
		all += said[i].weight;
	*weight = all;
	if (all <= 0)
		return 0;
	qsort(said, n, sizeof *said, said_order);
	for (unsigned i = 0; i < n; i++) {
		float from = fmaxf(at, low * all);
		float to = fminf(at + said[i].weight, high * all);
		if (to > from) {
			sum += said[i].value * (to - from);
			taken += to - from;
		}
		at += said[i].weight;
	}
	assert(taken > 0);
	return sum / taken;
}

void paths_entry_rtt(struct entry *e, int64_t now_ms)
{
	struct said said[PATHS_NETWORKS];
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		struct voice v = e->voice[i];
		if (v.net && v.rtt_ms > 0)
			said[n++] = (struct said){v.rtt_ms,
				v.weight * rtt_fade(now_ms - v.rtt_at_ms)};
	}
	e->rtt_ms = middle(said, n, 0.4f, 0.6f, &e->weight);
}

float paths_entry_said_loss(const struct entry *e, int64_t now_ms, float *all)
{
	struct said said[PATHS_NETWORKS];
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		struct voice v = e->voice[i];
		if (v.net && v.loss >= 0)
			said[n++] = (struct said){v.loss,
				v.weight * loss_fade(now_ms - v.loss_at_ms)};
	}
	return middle(said, n, 0.2f, 0.8f, all);
}
