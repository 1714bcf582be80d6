#include "fleet/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

/* A thousand nodes with 16 candidates each are no more; what finds no room is
 * not drawn. */
#define SLOTS_BITS 15
#define SLOTS (1u << SLOTS_BITS)
#define SLOTS_USED_MAX (SLOTS / 4 * 3)
#define VIEWERS_LEAST 0.01f

struct traffic {
	unsigned n;
	struct flow slot[SLOTS]; /* open hash; viewers 0: free */
};

struct traffic *traffic_new(void)
{
	return mem_zero(1, sizeof(struct traffic));
}

void traffic_free(struct traffic *f)
{
	free(f);
}

static void traffic_add_flow(
	struct traffic *f, uint32_t area, uint16_t node, float viewers)
{
	uint64_t key = (uint64_t)area << 16 | node;
	unsigned i = (unsigned)(key * HASH_ODD >> (64 - SLOTS_BITS));

	while (f->slot[i].viewers > 0 &&
		(f->slot[i].area != area || f->slot[i].node != node))
		i = (i + 1) % SLOTS;
	if (f->slot[i].viewers <= 0) {
		if (f->n == SLOTS_USED_MAX)
			return;
		f->n++;
		f->slot[i] = (struct flow){.area = area, .node = node};
	}
	f->slot[i].viewers += viewers;
}

/* Streams count as areas there, too: not these. */
static bool is_place(uint32_t area, uint16_t node)
{
	return area == (area & 0x7fffffffu) && node != MAP_NO_NODE;
}

void traffic_add(struct traffic *f, const struct accounts *a, int64_t now_ms)
{
	for (unsigned i = 0; i < 1 << PLACED_BITS; i++) {
		const struct placed *p = &a->placed[i];
		float viewers;
		__atomic_load(&p->viewers, &viewers, __ATOMIC_RELAXED);
		if (viewers <= 0)
			continue;
		uint32_t area = __atomic_load_n(&p->area, __ATOMIC_RELAXED);
		uint16_t node = __atomic_load_n(&p->node, __ATOMIC_RELAXED);
		viewers = accounts_fade(viewers,
			__atomic_load_n(&p->at_ms, __ATOMIC_RELAXED),
			(uint32_t)now_ms);
		if (viewers >= VIEWERS_LEAST && is_place(area, node))
			traffic_add_flow(f, area, node, viewers);
	}
}

static int by_viewers(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	return x->viewers > y->viewers ? -1 : x->viewers < y->viewers;
}

unsigned traffic_take(struct traffic *f, struct flow *out, unsigned most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		if (f->slot[i].viewers > 0)
			f->slot[n++] = f->slot[i];
	if (n)
		qsort(f->slot, n, sizeof *f->slot, by_viewers);
	if (most > n)
		most = n;
	if (most)
		memcpy(out, f->slot, most * sizeof *out);
	memset(f, 0, sizeof *f);
	return most;
}

/* Where a flow's area is among the sorted ones. */
struct area_at {
	uint32_t area;
	uint16_t node;
};

static int by_area(const void *a, const void *b)
{
	const struct area_at *x = a, *y = b;
	return x->area < y->area ? -1 : x->area > y->area;
}

void traffic_areas(const struct map *map, const struct flow *traffic,
	unsigned n, uint16_t *from)
{
	struct area_at *areas = mem_zero(n, sizeof *areas), *at, key;
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++)
		areas[i] = (struct area_at){traffic[i].area, MAP_NO_NODE};
	if (n)
		qsort(areas, n, sizeof *areas, by_area);
	for (unsigned i = 0; i < n; i++)
		if (m == 0 || areas[m - 1].area != areas[i].area)
			areas[m++] = areas[i];
	for (unsigned i = 0; i < map->n_nodes && m; i++) {
		key.area = map->nodes[i].area;
		at = bsearch(&key, areas, m, sizeof key, by_area);
		if (at && map->nodes[i].name && at->node == MAP_NO_NODE)
			at->node = (uint16_t)i;
	}
	for (unsigned i = 0; i < n; i++) {
		key.area = traffic[i].area;
		at = bsearch(&key, areas, m, sizeof key, by_area);
		from[i] = at->node;
	}
	free(areas);
}
