#include "state/path_table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "state/map.h"

#define SQUARE_DEGREES 2.7f /* 300 km from south to north */

/* All places of a cell are in one area. */
uint64_t path_area_key(const struct place *place)
{
	assert(place->source != PLACE_UNKNOWN);
	struct place middle = map_cell_middle(place);
	float row = floorf((middle.lat + 90) / SQUARE_DEGREES);
	float lat = (row + 0.5f) * SQUARE_DEGREES - 90;
	float wide = fmaxf(0.1f, cosf(lat * (float)(M_PI / 180)));
	uint64_t column =
		(uint64_t)((middle.lon + 180) * wide / SQUARE_DEGREES);
	return (uint64_t)place->asn << 32 | (uint64_t)row << 16 | column;
}

/* At least twice as many slots as there may be keys. */
static uint32_t mask_for(unsigned n)
{
	uint32_t slots = 2;
	while (slots < 2 * n)
		slots *= 2;
	return slots - 1;
}

struct path_table *path_table_new(unsigned n_nodes, unsigned n_areas,
	unsigned n_known, unsigned n_carriers)
{
	struct path_table *t = mem_zero(1, sizeof *t);
	t->n_nodes = n_nodes;
	t->area_mask = mask_for(n_areas);
	t->carrier_mask = mask_for(n_carriers);
	t->node_rate = mem_zero(n_nodes, sizeof *t->node_rate);
	t->areas = mem_zero(n_areas, sizeof *t->areas);
	t->known = mem_zero(n_known, sizeof *t->known);
	t->area_slot = mem_zero(t->area_mask + 1, sizeof *t->area_slot);
	t->carriers = mem_zero(t->carrier_mask + 1, sizeof *t->carriers);
	return t;
}

void path_table_free(struct path_table *t)
{
	if (!t)
		return;
	free(t->node_rate);
	free(t->areas);
	free(t->known);
	free(t->area_slot);
	free(t->carriers);
	free(t);
}

static struct path_carrier *carrier_slot(
	const struct path_table *t, uint64_t key)
{
	for (uint64_t at = hash_mix(key);; at++) {
		struct path_carrier *c = &t->carriers[at & t->carrier_mask];
		if (!c->key || c->key == key)
			return c;
	}
}

void path_table_add_carrier(
	struct path_table *t, const struct path_carrier *carrier)
{
	assert(carrier->key);
	*carrier_slot(t, carrier->key) = *carrier;
}

static uint32_t *area_slot(const struct path_table *t, uint64_t key)
{
	for (uint64_t at = hash_mix(key);; at++) {
		uint32_t *slot = &t->area_slot[at & t->area_mask];
		if (!*slot || t->areas[*slot - 1].key == key)
			return slot;
	}
}

void path_table_seal(struct path_table *t)
{
	for (unsigned i = 0; i < t->n_areas; i++) {
		assert(t->areas[i].first + t->areas[i].n <= t->n_known);
		*area_slot(t, t->areas[i].key) = i + 1;
	}
}

const struct path_area *path_table_area(
	const struct path_table *t, uint64_t key)
{
	uint32_t found = *area_slot(t, key);
	if (!found)
		found = *area_slot(t, key | UINT32_MAX);
	if (!found)
		found = *area_slot(t, key & UINT32_MAX);
	return found ? &t->areas[found - 1] : NULL;
}

const struct path_known *path_table_known(
	const struct path_table *t, const struct path_area *area, unsigned node)
{
	uint32_t low = area->first, high = area->first + area->n;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (t->known[middle].node == node)
			return &t->known[middle];
		if (t->known[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Whether a configured cost of other carriers is still to be added: where neither the
 * round trip nor the way of the AS was measured. */
static bool crosses(const struct path_table *t, const struct path_area *area,
	unsigned node, const struct path_known *known)
{
	if (known && known->rtt_ms > 0)
		return false;
	return node >= t->n_nodes || !area->place.asn ||
		!carrier_slot(t, path_carrier_key(area->place.asn, node))->sure;
}

struct path_found path_table_find(const struct path_table *t,
	const struct path_area *area, unsigned node, float distance_ms)
{
	struct path_found found = {0};
	float rate = t->rate;
	found.known = path_table_known(t, area, node);
	if (found.known) {
		rate = found.known->rate;
		found.loss_ms = found.known->loss_ms;
	} else if (node < t->n_nodes) {
		rate += t->node_rate[node];
		if (area->place.asn) {
			const struct path_carrier *c = carrier_slot(
				t, path_carrier_key(area->place.asn, node));
			rate += c->rate;
			found.loss_ms = c->loss_ms;
		}
	}
	found.crosses = crosses(t, area, node, found.known);
	found.path_ms = area->base_ms + distance_ms +
		(distance_ms + PATH_RATE_MS) * rate + found.loss_ms;
	return found;
}
