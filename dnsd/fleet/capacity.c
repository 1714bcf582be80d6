#include "fleet/capacity.h"

#include <assert.h>
#include <math.h>

#define CAPACITY_VIEWERS 20.0f /* fewer show nothing ... */
#define CAPACITY_SHARE 0.4f    /* ... nor do fewer than this of the capacity */
#define CAPACITY_CPU 0.9f      /* of one core: so much may be used */
#define EXPLAINED 0.5f         /* of the CPU must come with the viewers */
#define CONTRAST 0.2f      /* of the CPU: smaller changes show nothing ... */
#define CONTRAST_CPU 0.02f /* ... nor do changes smaller than this */
#define CPU_GAIN 0.3f      /* a sample's share of the smoothed CPU */
#define CAPACITY_GAIN 0.1f /* and of the estimate */
#define DEVIATIONS 2.0f    /* below the estimate is believed */
#define RAISE 1.02f        /* per sample, at most */
#define NOMINAL 0.9f       /* of the usual bits: less is too little */
#define ALL_BITS 0.97f     /* of them: less, and the link may be full */
#define USUAL_GAIN 0.02f   /* how fast the usual ones are learned */
#define BEYOND 1.02f       /* of what a link was taken for: it is none */
#define SENT_MORE 1.05f    /* than was sent is believed: full is 0.95 */

#define BITS_SHARE 0.25f   /* of the bandwidth: a limit from here */
#define FORGET_TOP 0.998f  /* per sample */
#define MORE_BITS 1.02f    /* that is a new top */
#define FEWER_BITS 0.95f   /* below: it is not full, or other streams */
#define MORE_VIEWERS 1.08f /* for no more bits: it is full */
#define FLAT 3             /* samples */
#define GROWS 1.01f        /* a limit, per sample below it */

#define BITRATE_BPS 1.5e6f    /* of a viewer, until a node shows its own */
#define BITRATE_VIEWERS 10    /* so many show what one takes */
#define BITRATE_GAIN 0.6f     /* of the forecast's gain: as sure as that ... */
#define BITRATE_GAIN_MIN 0.2f /* ... but at least so fast */

/* -- more than configured -- */

/* Whether CPU rises with viewers: since there were few of them it has grown by
 * half of what it would have if all CPU were theirs. */
static bool explained(struct capacity_more *c, float connections, float cpu)
{
	if (cpu <= 0 || connections <= 0)
		return false;
	c->cpu = c->cpu > 0 ? c->cpu + CPU_GAIN * (cpu - c->cpu) : cpu;
	if (c->idle <= 0 || connections <= c->few) {
		c->few = connections;
		c->idle = c->cpu;
	}
	float theirs = c->cpu * (1 - c->few / connections);
	return theirs >= fmaxf(CONTRAST_CPU, CONTRAST * c->cpu) &&
		c->cpu - c->idle >= EXPLAINED * theirs;
}

/* What each viewer gets of what is usual. Bits are those since the last sample,
 * so are the viewers: in the middle of that time. */
static float share_of_bits(
	struct capacity_more *c, float connections, float bps)
{
	float one = bps / (0.5f * (connections + c->before));
	if (c->one_bps <= 0)
		c->one_bps = one;
	float share = c->one_bps > 0 ? one / c->one_bps : 0;
	c->one_bps += USUAL_GAIN * (one - c->one_bps);
	return share;
}

/* One more reading of how many viewers the CPU is enough for. */
static void estimate(struct capacity_more *c, float viewers)
{
	if (c->by_cpu <= 0) {
		c->by_cpu = viewers;
		c->off = viewers * CAPACITY_GAIN;
		return;
	}
	c->off += CAPACITY_GAIN * (fabsf(viewers - c->by_cpu) - c->off);
	c->by_cpu += CAPACITY_GAIN * (viewers - c->by_cpu);
}

/* Viewers that the CPU is enough for, rather too few. */
static float enough_for(const struct capacity_more *c)
{
	return c->by_cpu - DEVIATIONS * c->off;
}

/* Up slowly, down at once. */
static void believe_cpu(
	struct capacity_more *c, const struct capacity_rules *rules)
{
	float next = RAISE * fmaxf(c->viewers, rules->viewers);
	c->viewers = fminf(enough_for(c), next);
}

/* What was sent, by two samples in a row since one may err, and whether each viewer
 * got the usual bits. */
static void believe_bits(struct capacity_more *c, float bps, float share)
{
	float sent = fminf(bps, c->sent_bps);

	if (share < ALL_BITS) {
		c->link_bps = bps;
		c->bps = fminf(c->bps, bps);
		c->sent_bps = 0;
		return;
	}
	c->bps = fmaxf(c->bps, sent);
	if (sent > BEYOND * c->link_bps)
		c->link_bps = 0;
	c->sent_bps = bps;
}

static void learn_more(struct capacity_more *c,
	const struct capacity_rules *rules, float connections, float bps,
	float cpu)
{
	bool theirs = explained(c, connections, cpu);
	bool known =
		bps >= 0 && c->before > 0 && connections >= CAPACITY_VIEWERS;
	float share = known ? share_of_bits(c, connections, bps) : 0;

	c->before = connections;
	if (!known)
		return;
	if (share < NOMINAL) /* so many are too many */
		c->viewers = fminf(c->viewers, connections);
	else if (theirs && connections >= CAPACITY_SHARE * rules->viewers)
		estimate(c, connections * CAPACITY_CPU / cpu);
	if (share >= NOMINAL && theirs)
		believe_cpu(c, rules);
	/* With its CPU full or unknown, bits that were sent prove nothing. */
	if ((theirs && connections < enough_for(c)) || share < ALL_BITS)
		believe_bits(c, bps, share);
}

/* -- full with less -- */

/* Bits that stand still while viewers come. */
static void learn_full(struct capacity_full *l, float connections, float bps)
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

/* -- all of it -- */

void capacity_init(struct capacity *c)
{
	*c = (struct capacity){.bitrate_bps = BITRATE_BPS};
}

void capacity_restart(struct capacity *c)
{
	c->more = (struct capacity_more){0};
	c->full = (struct capacity_full){0};
}

void capacity_learn(struct capacity *c, const struct capacity_rules *rules,
	const struct capacity_sample *s)
{
	assert(rules->viewers > 0 && rules->overcommit >= 1);
	learn_more(&c->more, rules, s->connections, s->bandwidth_bps, s->cpu);
	/* Connections that are no viewers take no bits: only what comes near
	 * to the bandwidth can be a limit. */
	if (s->connections >= CAPACITY_VIEWERS && rules->bandwidth_bps > 0 &&
		s->bandwidth_bps >= BITS_SHARE * rules->bandwidth_bps)
		learn_full(&c->full, s->connections, s->bandwidth_bps);
}

void capacity_learn_bitrate(
	struct capacity *c, const struct capacity_sample *s, float gain)
{
	if (s->connections < BITRATE_VIEWERS || s->bandwidth_bps <= 0)
		return;
	float one = s->bandwidth_bps / s->connections;
	float step = c->bitrate_known
		? fmaxf(BITRATE_GAIN_MIN, BITRATE_GAIN * gain)
		: 1;
	c->bitrate_bps += step * (one - c->bitrate_bps);
	c->bitrate_known = true;
}

static float between(float v, float least, float most)
{
	return fmaxf(least, fminf(most, v));
}

float capacity_viewers(
	const struct capacity *c, const struct capacity_rules *rules)
{
	assert(rules->viewers > 0 && rules->overcommit >= 1);
	return between(c->more.viewers, rules->viewers,
		rules->overcommit * rules->viewers);
}

float capacity_bps(const struct capacity *c, const struct capacity_rules *rules)
{
	assert(rules->viewers > 0 && rules->overcommit >= 1);
	const struct capacity_more *m = &c->more;
	float more = m->link_bps > 0 ? m->link_bps : SENT_MORE * m->bps;
	return between(more, rules->bandwidth_bps,
		rules->overcommit * rules->bandwidth_bps);
}

/* What so many viewers take, by the bitrate of one: samples are noisy, and a
 * node that is full sends less than it should. */
static float sending_bps(const struct capacity *c,
	const struct capacity_sample *s, float viewers)
{
	if (s->bandwidth_bps < 0)
		return 0;
	if (s->connections < BITRATE_VIEWERS)
		return s->bandwidth_bps;
	return viewers * c->bitrate_bps;
}

float capacity_used(const struct capacity *c,
	const struct capacity_rules *rules, const struct capacity_sample *s,
	float viewers)
{
	float u = viewers / capacity_viewers(c, rules);
	float bps = capacity_bps(c, rules);
	if (bps > 0)
		u = fmaxf(u, sending_bps(c, s, viewers) / bps);
	if (c->full.viewers > 0)
		u = fmaxf(u, viewers / c->full.viewers);
	return fmaxf(u, s->cpu);
}

float capacity_per_viewer(const struct capacity *c,
	const struct capacity_rules *rules, const struct capacity_sample *s)
{
	float u = 1 / capacity_viewers(c, rules);
	float bps = capacity_bps(c, rules);
	if (bps > 0)
		u = fmaxf(u, c->bitrate_bps / bps);
	if (c->full.viewers > 0)
		u = fmaxf(u, 1 / c->full.viewers);
	if (s->connections >= CAPACITY_VIEWERS)
		u = fmaxf(u, s->cpu / s->connections);
	assert(u > 0);
	return u;
}
