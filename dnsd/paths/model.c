/* The model of all paths, and what is believed of each with it: see paths.h. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "paths/private.h"

#define MODEL_NETWORKS 0.2f /* the model counts as so many */
#define LOSS_NETWORKS 0.3f
#define PRIOR_LOSS 1.0f
#define LOSS_FREE 0.01f
#define LOSS_FULL 0.05f /* costs LOSS_COST_MS */
#define LOSS_COST_MS 300.0f
#define ROUNDS 3        /* of the fit */
#define PRIOR_ALL 10.0f /* weights towards 0 of the parts of the model */
#define PRIOR_BASE 1.0f
#define PRIOR_NODE 4.0f
#define PRIOR_AS 2.0f
#define RATE_LEAST -0.6f
#define RATE_MOST 20.0f
#define CHANGE_MS 2.0f /* a path that differs so is published */
#define SHOWN_MS 60000 /* and one with reports since */

/* The rate of the model. of_as: NO_PART: not known. */
static float model_rate(const struct paths *p, unsigned node, uint32_t of_as)
{
	return p->rate + p->node.at[node].value +
		(of_as == NO_PART ? 0 : p->of_as.at[of_as].value);
}

static float wide_ms(const struct entry *e)
{
	return e->distance_ms + PATH_RATE_MS;
}

/* How much an entry counts for the model: many networks hardly more than some. */
static float entry_counts(const struct entry *e)
{
	return e->weight / (e->weight + 1);
}

enum fitted { FIT_BASE, FIT_NODE, FIT_AS };

static struct part *entry_part(
	struct paths *p, const struct entry *e, enum fitted which)
{
	if (which == FIT_BASE)
		return &p->base.at[e->base];
	if (which == FIT_NODE)
		return &p->node.at[e->node];
	return e->of_as == NO_PART ? NULL : &p->of_as.at[e->of_as];
}

/* What the model leaves of an entry's round trip. */
static float entry_rest(const struct paths *p, const struct entry *e)
{
	return e->rtt_ms - e->distance_ms - p->base.at[e->base].value -
		wide_ms(e) * model_rate(p, e->node, e->of_as);
}

static void fit(
	struct paths *p, enum fitted which, struct parts *parts, float prior)
{
	for (unsigned i = 0; i < parts->n; i++)
		parts->at[i].sum = parts->at[i].weight = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		struct part *part = entry_part(p, e, which);
		float weight = entry_counts(e);
		if (!part)
			continue;
		/* A base is milliseconds, the others are shares: what is far
		 * is less sure in ms. */
		float wide = wide_ms(e);
		if (which == FIT_BASE)
			weight *= PATH_RATE_MS * PATH_RATE_MS / (wide * wide);
		float unit = which == FIT_BASE ? 1 : wide;
		part->sum += (entry_rest(p, e) / unit + part->value) * weight;
		part->weight += weight;
	}
	for (unsigned i = 0; i < parts->n; i++)
		parts->at[i].value =
			parts->at[i].sum / (parts->at[i].weight + prior);
}

static void fit_all(struct paths *p)
{
	float sum = 0, weight = PRIOR_ALL;
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		float counts = entry_counts(e);
		sum += (entry_rest(p, e) / wide_ms(e) + p->rate) * counts;
		weight += counts;
	}
	p->rate = sum / weight;
}

/* What the networks of an AS say of a node. */
static void fit_loss(struct paths *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->of_as.n; i++)
		p->of_as.at[i].loss_sum = p->of_as.at[i].loss_weight = 0;
	for (unsigned i = 0; i < p->n; i++) {
		struct entry *e = &p->entry[i];
		e->loss = paths_entry_said_loss(e, now_ms, &e->loss_weight);
		if (e->of_as == NO_PART)
			continue;
		float counts = e->loss_weight / (e->loss_weight + 1);
		struct part *part = &p->of_as.at[e->of_as];
		part->loss_sum += counts * e->loss;
		part->loss_weight += counts;
	}
}

float paths_as_loss(const struct part *part)
{
	return part->loss_sum / (part->loss_weight + PRIOR_LOSS);
}

/* What is believed of an entry's loss: one network alone in part. */
float paths_entry_loss(const struct paths *p, const struct entry *e)
{
	float model =
		e->of_as == NO_PART ? 0 : paths_as_loss(&p->of_as.at[e->of_as]);
	return (e->loss * e->loss_weight + model * LOSS_NETWORKS) /
		(e->loss_weight + LOSS_NETWORKS);
}

float paths_loss_ms(float loss)
{
	if (loss <= LOSS_FREE)
		return 0;
	float over = (loss - LOSS_FREE) / (LOSS_FULL - LOSS_FREE);
	return LOSS_COST_MS * over;
}

/* What is believed of an entry beside its base. */
float paths_entry_rate(const struct paths *p, const struct entry *e)
{
	float model = model_rate(p, e->node, e->of_as);
	float said = (e->rtt_ms - p->base.at[e->base].value - e->distance_ms) /
		wide_ms(e);
	float rate = (said * e->weight + model * MODEL_NETWORKS) /
		(e->weight + MODEL_NETWORKS);
	return fminf(RATE_MOST, fmaxf(RATE_LEAST, rate));
}

static int at_order(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The older half gives way when there is nearly no more room; of those that came at
 * once, which of them does not matter. */
static void paths_forget(struct paths *p)
{
	unsigned n = p->n, half = n / 2, kept = 0;
	if (n < PATHS_ENTRIES - PATHS_ENTRIES / 8)
		return;
	int64_t *at = mem_alloc(n * sizeof *at);
	for (unsigned i = 0; i < n; i++)
		at[i] = p->entry[i].at_ms;
	qsort(at, n, sizeof *at, at_order);
	int64_t middle_ms = at[n - half];
	free(at);
	for (unsigned i = 0; i < n; i++)
		kept += p->entry[i].at_ms > middle_ms;
	for (unsigned i = 0; i < n; i++)
		if (p->entry[i].at_ms == middle_ms && kept++ >= half)
			p->entry[i].at_ms = INT64_MIN;
	paths_sweep(p, middle_ms);
}

bool paths_fit(struct paths *p, int64_t now_ms)
{
	bool changed = false;
	paths_forget(p);
	for (unsigned i = 0; i < p->n; i++)
		paths_entry_rtt(&p->entry[i], now_ms);
	fit_loss(p, now_ms);
	for (unsigned round = 0; round < ROUNDS; round++) {
		fit_all(p);
		fit(p, FIT_BASE, &p->base, PRIOR_BASE);
		fit(p, FIT_NODE, &p->node, PRIOR_NODE);
		fit(p, FIT_AS, &p->of_as, PRIOR_AS);
	}
	for (unsigned i = 0; i < p->n; i++) {
		struct entry *e = &p->entry[i];
		float path = wide_ms(e) * paths_entry_rate(p, e) +
			paths_loss_ms(paths_entry_loss(p, e));
		if (!(fabsf(path - e->published_ms) < CHANGE_MS) ||
			e->at_ms - e->published_at_ms >= SHOWN_MS) {
			e->published_ms = path;
			e->published_at_ms = e->at_ms;
			changed = true;
		}
	}
	return changed;
}
