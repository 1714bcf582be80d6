#include "fleet/forecast.h"

#include <assert.h>
#include <math.h>

#define PAST (FORECAST_BINS / 2)
#define FORGET 0.6f         /* per sample, of a node's multiplier */
#define FORGET_ALL 0.995f   /* of the fleet's */
#define MASS_SHARE 0.05f    /* of its viewers leave beyond the usual */
#define PRIOR 3.0f          /* viewers that the fleet's multiplier weighs */
#define ALONE_MS 45000      /* without a sample so long: go on alone */
#define LEANING 1.0f        /* of three differences to the same side */
#define GAIN_MIN 0.12f      /* a sample always counts so much */
#define COMING_SAFETY 1.25f /* on what is reserved but not yet seen */

/* -- bins -- */

static unsigned bin(int64_t second)
{
	return (unsigned)((uint64_t)second % FORECAST_BINS);
}

/* Viewers of bins for [from_ms, to_ms); those of one are spread over it. */
static float sum(const struct forecast_fleet *all, const float *bins,
	int64_t empty_from, int64_t from_ms, int64_t to_ms)
{
	int64_t first = all->second - PAST + 1, last = first + FORECAST_BINS;
	float s = 0;

	if (from_ms < first * 1000)
		from_ms = first * 1000;
	if (to_ms > last * 1000)
		to_ms = last * 1000;
	if (to_ms <= from_ms)
		return 0;
	int64_t a = from_ms / 1000, b = (to_ms - 1) / 1000;
	int64_t end = b < empty_from ? b + 1 : empty_from;
	if (a >= end)
		return 0;
	for (int64_t i = a; i < end; i++)
		s += bins[bin(i)];
	s -= bins[bin(a)] * (float)(from_ms - a * 1000) * 0.001f;
	s -= bins[bin(b)] * (float)((b + 1) * 1000 - to_ms) * 0.001f;
	return s;
}

void forecast_reserve(const struct forecast_fleet *all, struct forecast *f,
	bool learned, float at_once, float rate, unsigned length_s)
{
	float *bins = learned ? f->learned : f->light;
	if (length_s > PAST) /* bins are a ring: what is later is not known */
		length_s = PAST;
	int64_t end = all->second + (rate != 0 && length_s ? length_s : 1);
	if ((rate != 0 || at_once != 0) && f->empty_from < end)
		f->empty_from = end;
	bins[bin(all->second)] += at_once;
	for (unsigned s = 0; rate != 0 && s < length_s; s++)
		bins[bin(all->second + s)] += rate;
}

/* -- the multiplier -- */

float forecast_multiplier(
	const struct forecast_fleet *all, const struct forecast *f)
{
	assert(all->servers >= 1);
	float servers = (float)all->servers;
	float fleet = (all->all_n + 4 * servers) / (all->all_g + 4);
	fleet = fmaxf(0.3f, fminf(40, fleet));
	return fmaxf(0.3f, fminf(60, (f->n + fleet * PRIOR) / (f->g + PRIOR)));
}

static void learn_multiplier(struct forecast_fleet *all, struct forecast *f,
	float joined, float reserved)
{
	float keep = 1 - (1 - FORGET) * f->gain;
	f->n = f->n * keep + joined;
	f->g = f->g * keep + reserved;
	all->all_n = all->all_n * FORGET_ALL + joined;
	all->all_g = all->all_g * FORGET_ALL + reserved;
}

float forecast_reserved(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms)
{
	return forecast_multiplier(all, f) *
		sum(all, f->light, f->empty_from, from_ms, to_ms) +
		sum(all, f->learned, f->empty_from, from_ms, to_ms);
}

float forecast_reserved_one_by_one(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms)
{
	return sum(all, f->light, f->empty_from, from_ms, to_ms);
}

float forecast_reserved_here(const struct forecast_fleet *all,
	const struct forecast *f, int64_t from_ms, int64_t to_ms)
{
	return forecast_reserved_one_by_one(all, f, from_ms, to_ms) +
		sum(all, f->learned, f->empty_from, from_ms, to_ms);
}

/* -- the filter -- */

/* Goes on without a sample up to to_ms. */
static void go_on(
	const struct forecast_fleet *all, struct forecast *f, int64_t to_ms)
{
	float seconds = (float)(to_ms - f->at_ms) * 0.001f;
	float came = forecast_reserved(
		all, f, f->at_ms - FORECAST_LAG_MS, to_ms - FORECAST_LAG_MS);
	float left = f->viewers * fminf(1, seconds / all->session_s);
	f->viewers = fmaxf(0, f->viewers + came - left);
	f->seen = f->viewers; /* a later sample counts joins from here on */
	f->at_ms = to_ms;
	f->error += 0.01f;
}

void forecast_advance(struct forecast_fleet *all, struct forecast *of,
	unsigned n, int64_t now_ms)
{
	int64_t now = now_ms / 1000;
	if (now - all->second > FORECAST_BINS) {
		all->second = now - FORECAST_BINS;
		/* The machine slept: what the bins hold is of another time, and
		 * the next sample teaches nothing. */
		for (unsigned i = 0; i < n; i++)
			of[i].known = false;
	}
	for (; all->second < now; all->second++) {
		for (unsigned i = 0; i < n; i++) {
			struct forecast *f = &of[i];
			if (f->known && now_ms - f->at_ms > ALONE_MS)
				go_on(all, f, now_ms - ALONE_MS / 2);
			unsigned old = bin(all->second - PAST + 1);
			f->light[old] = f->learned[old] = 0;
		}
	}
}

void forecast_reset(struct forecast *f, float connections, int64_t at_ms)
{
	f->known = true;
	f->at_ms = at_ms;
	f->viewers = f->seen = connections;
	f->growth = f->noise = f->error = 0;
	f->innovation = f->lean = 0;
	f->gain = 1;
}

/* What two differences have in common, 0 if they are to different sides: noise
 * changes its sign, what stays on one side is no noise. */
static float leaning(float a, float b)
{
	if (a * b <= 0)
		return 0;
	return fabsf(a) < fabsf(b) ? a : b;
}

/* How much of the difference between sample and prediction is believed: the
 * noise of the samples is what the innovations show beyond the uncertainty of
 * what was reserved. All in shares of the capacity. */
static float learn_gain(struct forecast *f, float innovation, float inflow)
{
	float unsure = 0.0001f + 0.25f * inflow * inflow;
	float lean = leaning(innovation, f->lean);
	unsure += LEANING * lean * lean;
	f->lean = leaning(innovation, f->innovation);
	f->innovation = innovation;
	float square = fminf(innovation * innovation, 0.09f);
	f->noise += 0.1f * (square - f->noise);
	f->error += unsure;
	float noise = fmaxf(0, f->noise - 2 * unsure);
	f->gain = fmaxf(GAIN_MIN, f->error / (f->error + noise));
	f->error *= 1 - f->gain;
	return f->gain;
}

/* So many leave at once that a class must have ended. */
static float mass_departure(const struct forecast *f, float capacity)
{
	return 3 + MASS_SHARE * f->seen + 3 * sqrtf(f->noise) * capacity;
}

float forecast_sample(struct forecast_fleet *all, struct forecast *f,
	float connections, float capacity, int64_t at_ms)
{
	assert(capacity > 0 && connections >= 0);
	float seconds = (float)(at_ms - f->at_ms) * 0.001f;

	if (!f->known || seconds < 0.05f) {
		forecast_reset(f, connections, f->known ? f->at_ms : at_ms);
		return 0;
	}
	int64_t from = f->at_ms - FORECAST_LAG_MS, to = at_ms - FORECAST_LAG_MS;
	float light = sum(all, f->light, f->empty_from, from, to);
	float learned = sum(all, f->learned, f->empty_from, from, to);
	float came = forecast_multiplier(all, f) * light + learned;
	float left = f->seen * seconds / all->session_s;
	float predicted = f->viewers + came - left;
	float before = f->viewers;
	float gain = learn_gain(
		f, (connections - predicted) / capacity, came / capacity);

	f->viewers = fmaxf(0, predicted + gain * (connections - predicted));
	float joined = connections - f->seen + left;
	float surprise = gain * (joined - came);
	/* The surprise of large resolvers is learned there (large_resolver.c):
	 * it shows nothing of what other answers bring, if these are few. A
	 * class that ends shows nothing of viewers that come. */
	float part = came > 0 ? (came - learned) / came : 1;
	if (joined >= -mass_departure(f, capacity))
		learn_multiplier(
			all, f, came - learned + part * surprise, light);
	f->growth += 0.6f * ((f->viewers - before) / seconds - f->growth);
	f->seen = connections;
	f->at_ms = at_ms;
	return surprise;
}

/* -- what comes -- */

float forecast_reserved_ahead(const struct forecast_fleet *all,
	const struct forecast *f, int64_t now_ms)
{
	int64_t from = f->known ? f->at_ms : now_ms - 20000;
	return COMING_SAFETY *
		forecast_reserved(
			all, f, from - FORECAST_LAG_MS, INT64_MAX / 2);
}

float forecast_growth(const struct forecast_fleet *all,
	const struct forecast *f, int64_t now_ms)
{
	float coming = forecast_reserved(all, f, now_ms - 2000, now_ms) / 2;
	float net = coming - f->viewers / all->session_s;
	return fmaxf(0, fmaxf(f->growth, net));
}
