#include "fleet/limit.h"

#include <math.h>

#define FORGET_TOP 0.998f   /* per sample */
#define MORE_BITS 1.02f     /* that is a new top */
#define FEWER_BITS 0.95f    /* below: it is not full, or other streams */
#define MORE_VIEWERS 1.08f  /* for no more bits: it is full */
#define LIMIT_VIEWERS 20.0f /* fewer tell nothing */
#define FLAT 3              /* samples */
#define GROWS 1.01f         /* a limit, per sample below it */

#define FORGET_HIGH 0.995f
#define EMPTY 0.05f      /* of its high: nearly none */
#define SHOWN 0.25f      /* of those who were sent: they come after all */
#define OWED 8.0f        /* viewers who did not show: it serves nobody ... */
#define OWED_SHARE 0.03f /* ... and of its high so many more */
#define EMPTY_MS 60000   /* then it is tried again */
#define EMPTY_COST_MS 200.0f

/* Bits that stand still while viewers come. */
static void watch_bits(struct limit *l, float connections, float bps)
{
	l->top_bps *= FORGET_TOP;
	if (bps > l->top_bps * MORE_BITS || bps < l->top_bps * FEWER_BITS) {
		bool known = l->viewers > 0 && bps <= l->bps * MORE_BITS;
		if (known) {
			l->top_bps = fmaxf(bps, l->top_bps);
		} else if (bps > l->top_bps || connections < l->at_top) {
			l->top_bps = bps;
			l->at_top = connections;
		}
		l->flat = 0;
	} else if (connections > l->at_top * MORE_VIEWERS) {
		l->flat++;
	} else {
		l->flat = 0;
	}
	if (l->viewers > 0 && bps > l->bps * MORE_BITS)
		l->viewers = 0; /* it sends more than at its limit: no limit */
	if (l->flat >= FLAT) {
		l->viewers = l->at_top;
		l->bps = bps;
	} else if (l->viewers > 0 && connections < l->viewers) {
		l->viewers *= GROWS;
		l->bps *= GROWS;
	}
}

/* Connections that are gone, and nobody who comes. */
static void watch_viewers(struct limit *l, float connections, float sent,
	float joined, int64_t now_ms)
{
	l->high = fmaxf(connections, l->high * FORGET_HIGH);
	bool gone = l->high >= LIMIT_VIEWERS && connections < EMPTY * l->high;
	if (!gone || (sent > 1 && joined > SHOWN * sent)) {
		l->owed = 0;
		l->empty_ms = 0;
		return;
	}
	if (l->empty_ms && now_ms - l->empty_ms >= EMPTY_MS) {
		l->empty_ms = 0;
		l->owed = OWED_SHARE * l->high + OWED / 2;
	}
	l->owed += sent;
	if (!l->empty_ms && l->owed >= OWED + OWED_SHARE * l->high)
		l->empty_ms = now_ms;
}

void limit_sample(struct limit *l, float connections, float bps, float sent,
	float joined, int64_t now_ms)
{
	if (bps >= 0 && connections >= LIMIT_VIEWERS)
		watch_bits(l, connections, bps);
	watch_viewers(l, connections, sent, joined, now_ms);
}

float limit_cost_ms(const struct limit *l, int64_t now_ms)
{
	return l->empty_ms && now_ms - l->empty_ms < EMPTY_MS ? EMPTY_COST_MS
							      : 0;
}
