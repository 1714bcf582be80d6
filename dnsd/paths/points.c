/* What is believed of pairs at a moment, for their history. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "paths/private.h"

/* How many networks said something of an entry since then. */
static unsigned point_networks(const struct entry *e, int64_t since_ms)
{
	unsigned n = 0;
	if (e->at_ms < since_ms)
		return 0;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		n += e->voice[i].net && voice_at_ms(&e->voice[i]) >= since_ms;
	return n;
}

static struct path_point point_of(const struct paths *p, const struct entry *e)
{
	float wide_ms = e->distance_ms + PATH_RATE_MS;
	float rtt_ms = p->base.at[e->base].value + e->distance_ms +
		wide_ms * paths_entry_rate(p, e);
	return (struct path_point){.area = e->area,
		.node = e->node,
		.rtt_ms = fmaxf(0, rtt_ms),
		.loss = paths_entry_loss(p, e)};
}

static int point_order(const void *a, const void *b)
{
	const struct path_point *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->area > y->area) - (x->area < y->area);
}

unsigned paths_points(const struct paths *p, int64_t since_ms,
	struct path_point *points, unsigned most)
{
	unsigned with[PATHS_NETWORKS + 1] = {0}; /* pairs, by networks */
	unsigned least = PATHS_NETWORKS, above = 0, n = 0;
	uint8_t *networks = mem_alloc(p->n + 1);
	for (unsigned i = 0; i < p->n; i++) {
		networks[i] = (uint8_t)point_networks(&p->entry[i], since_ms);
		with[networks[i]]++;
	}
	/* All pairs of more than `least` networks, and as many of `least` as
	 * there is room for. */
	while (least > 1 && above + with[least] <= most)
		above += with[least--];
	unsigned some = above < most ? most - above : 0;
	for (unsigned i = 0; i < p->n; i++) {
		bool takes = networks[i] > least ||
			(networks[i] == least && some > 0);
		if (!takes)
			continue;
		some -= networks[i] == least;
		points[n++] = point_of(p, &p->entry[i]);
	}
	assert(n <= most);
	free(networks);
	qsort(points, n, sizeof *points, point_order);
	return n;
}
