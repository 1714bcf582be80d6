#include "fleet/carry.h"

#include <math.h>
#include <stdbool.h>

#define CARRY_VIEWERS 20.0f /* fewer tell nothing ... */
#define CARRY_SHARE 0.4f    /* ... nor do fewer than this of the capacity */
#define CARRY_CPU 0.9f      /* of one core: so much may be used */
#define EXPLAINED 0.5f      /* of the CPU must come with the viewers */
#define CONTRAST 0.2f       /* of the CPU: smaller changes tell nothing ... */
#define CONTRAST_CPU 0.02f  /* ... nor do changes smaller than this */
#define CPU_GAIN 0.3f       /* a sample's share of the smoothed CPU */
#define CARRY_GAIN 0.1f     /* and of the estimate */
#define DEVIATIONS 2.0f     /* below the estimate is believed */
#define RAISE 1.02f         /* per sample, at most */
#define NOMINAL 0.9f        /* of the usual bits: less is too little */
#define ALL_BITS 0.97f      /* of them: less, and the link may be full */
#define USUAL_GAIN 0.02f    /* how fast the usual ones are learned */
#define BEYOND 1.02f        /* of what a link was taken for: it is none */
#define SENT_MORE 1.05f     /* than was sent is believed: full is 0.95 */

/* Whether the CPU is the viewers': since there were few of them it has grown by
 * half of what it would have if it all were. */
static bool explained(struct carry *c, float connections, float cpu)
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
static float share_of_bits(struct carry *c, float connections, float bps)
{
	float one = bps / (0.5f * (connections + c->before));
	if (c->one_bps <= 0)
		c->one_bps = one;
	float share = c->one_bps > 0 ? one / c->one_bps : 0;
	c->one_bps += USUAL_GAIN * (one - c->one_bps);
	return share;
}

/* One more reading of how many viewers the CPU is enough for. */
static void estimate(struct carry *c, float viewers)
{
	if (c->by_cpu <= 0) {
		c->by_cpu = viewers;
		c->off = viewers * CARRY_GAIN;
		return;
	}
	c->off += CARRY_GAIN * (fabsf(viewers - c->by_cpu) - c->off);
	c->by_cpu += CARRY_GAIN * (viewers - c->by_cpu);
}

/* Viewers that the CPU is enough for, rather too few. */
static float enough_for(const struct carry *c)
{
	return c->by_cpu - DEVIATIONS * c->off;
}

/* Up slowly, down at once. */
static void believe_cpu(struct carry *c, const struct carry_rules *rules)
{
	float next = RAISE * fmaxf(c->viewers, rules->capacity);
	c->viewers = fminf(enough_for(c), next);
}

/* What was sent, by two samples in a row since one may err, and who got it. */
static void believe_bits(struct carry *c, float bps, float share)
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

void carry_sample(struct carry *c, const struct carry_rules *rules,
	float connections, float bps, float cpu)
{
	bool theirs = explained(c, connections, cpu);
	bool known = bps >= 0 && c->before > 0 && connections >= CARRY_VIEWERS;
	float share = known ? share_of_bits(c, connections, bps) : 0;

	c->before = connections;
	if (!known)
		return;
	if (share < NOMINAL) /* so many are too many */
		c->viewers = fminf(c->viewers, connections);
	else if (theirs && connections >= CARRY_SHARE * rules->capacity)
		estimate(c, connections * CARRY_CPU / cpu);
	if (share >= NOMINAL && theirs)
		believe_cpu(c, rules);
	/* With its CPU full or unknown, bits that were sent prove nothing. */
	if ((theirs && connections < enough_for(c)) || share < ALL_BITS)
		believe_bits(c, bps, share);
}

static float between(float v, float least, float most)
{
	return fmaxf(least, fminf(most, v));
}

float carry_viewers(const struct carry *c, const struct carry_rules *rules)
{
	return between(c->viewers, rules->capacity,
		rules->overcommit * rules->capacity);
}

float carry_bps(const struct carry *c, const struct carry_rules *rules)
{
	float more = c->link_bps > 0 ? c->link_bps : SENT_MORE * c->bps;
	return between(more, rules->bandwidth_bps,
		rules->overcommit * rules->bandwidth_bps);
}
