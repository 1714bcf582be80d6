#include "geo/runs.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

static int range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

void layer_add(struct layer *l, const struct prefix *prefix, uint32_t place)
{
	assert(prefix->len <= addr_bits(&prefix->addr));
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->ranges = mem_grow(l->ranges, l->room * sizeof *l->ranges);
	}
	struct range *r = &l->ranges[l->n];
	key128 key = key_of_addr(&prefix->addr);
	r->high = (uint64_t)(key >> 64);
	r->low = (uint64_t)key;
	r->place = place;
	r->order = (uint32_t)prefix->len << 24 |
		(uint32_t)(l->n < 0xffffff ? l->n : 0xffffff);
	if (l->n && range_order(r - 1, r) > 0)
		l->unsorted = true;
	l->n++;
}

void runs_add(struct runs *runs, key128 key, uint32_t place)
{
	struct run *last = runs->n ? &runs->at[runs->n - 1] : NULL;
	if (last && key_of(last->high, last->low) == key)
		last = --runs->n ? last - 1 : NULL;
	if (last && last->place == place)
		return;
	if (runs->n == runs->room) {
		runs->room = runs->room ? runs->room + runs->room / 2 : 64;
		runs->at = mem_grow(runs->at, runs->room * sizeof *runs->at);
	}
	runs->at[runs->n++] =
		(struct run){(uint64_t)(key >> 64), (uint64_t)key, place};
}

/* Ranges around the present address, the innermost on top; [0] is all there
 * is. One of each length at most. */
struct nest {
	struct {
		key128 last;
		uint32_t place;
		unsigned len;
	} open[1 + 129];
	unsigned top;
};

/* Closes the innermost range: what is around it goes on behind it. */
static void nest_pop(struct nest *nest, struct runs *runs)
{
	key128 after = nest->open[nest->top--].last + 1;
	if (after) /* 0: it ended where the address space does */
		runs_add(runs, after, nest->open[nest->top].place);
}

/* Opens a range. The same prefix once more takes the place of the first. */
static void nest_push(struct nest *nest, const struct range *r,
	struct place_set *places, struct runs *runs)
{
	key128 key = key_of(r->high, r->low);
	unsigned len = r->order >> 24;
	uint32_t place = place_set_overlay(
		places, r->place, nest->open[nest->top].place);

	if (!nest->top || nest->open[nest->top].len != len)
		nest->top++;
	nest->open[nest->top].last = key | (len < 128 ? ~(key128)0 >> len : 0);
	nest->open[nest->top].place = place;
	nest->open[nest->top].len = len;
	runs_add(runs, key, place);
}

struct runs runs_flatten(struct layer *l, struct place_set *places)
{
	struct nest nest = {.open[0].last = ~(key128)0};
	struct runs runs = {0};

	if (l->unsorted)
		qsort(l->ranges, l->n, sizeof *l->ranges, range_order);
	runs_add(&runs, 0, 0);
	for (const struct range *r = l->ranges; r < l->ranges + l->n; r++) {
		key128 key = key_of(r->high, r->low);
		while (nest.top && nest.open[nest.top].last < key)
			nest_pop(&nest, &runs);
		nest_push(&nest, r, places, &runs);
	}
	while (nest.top)
		nest_pop(&nest, &runs);
	free(l->ranges);
	*l = (struct layer){0};
	return runs;
}

struct runs runs_merge(
	struct runs over, struct runs under, struct place_set *places)
{
	assert(over.n > 0 && under.n > 0);
	struct runs runs = {0};
	size_t i = 0, j = 0;

	for (key128 key = 0;;) {
		runs_add(&runs, key,
			place_set_overlay(
				places, over.at[i].place, under.at[j].place));
		bool more_i = i + 1 < over.n, more_j = j + 1 < under.n;
		if (!more_i && !more_j)
			break;
		key128 next_i = 0, next_j = 0;
		if (more_i)
			next_i = run_key(over.at, i + 1);
		if (more_j)
			next_j = run_key(under.at, j + 1);
		bool step_i = more_i && (!more_j || next_i <= next_j);
		bool step_j = more_j && (!more_i || next_j <= next_i);
		key = step_i ? next_i : next_j;
		i += step_i;
		j += step_j;
	}
	free(over.at);
	free(under.at);
	return runs;
}
