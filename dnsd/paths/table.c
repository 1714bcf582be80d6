/* What is known of paths as a table: state/path_table.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "paths/private.h"

#define SURE 1.0f          /* an AS part with more weight is measured */
#define WEIGHT_LEAST 0.01f /* of an area, beside others */

static struct path_known entry_known(
	const struct paths *p, const struct entry *e)
{
	struct path_known k = {.node = e->node,
		.rate = paths_entry_rate(p, e),
		.rtt_ms = e->weight > 0 ? e->rtt_ms : 0,
		.loss = paths_entry_loss(p, e),
		.at_ms = e->at_ms};
	k.loss_ms = paths_loss_ms(k.loss);
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		k.networks = (uint16_t)(k.networks + (e->voice[i].net != 0));
	return k;
}

static int known_order(const void *a, const void *b)
{
	const struct path_known *x = a, *y = b;
	return (x->node > y->node) - (x->node < y->node);
}

static void table_areas(const struct paths *p, struct path_table *t)
{
	t->n_areas = index_count(p->areas);
	for (unsigned i = 0; i < p->n; i++)
		t->areas[p->entry[i].base].n++;
	for (unsigned i = 0; i < t->n_areas; i++) {
		t->areas[i].first = t->n_known;
		t->n_known += t->areas[i].n;
		t->areas[i].n = 0;
	}
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		struct path_area *area = &t->areas[e->base];
		area->key = e->area;
		area->place = e->place;
		area->weight += e->weight;
		area->base_ms = p->base.at[e->base].value;
		t->known[area->first + area->n++] = entry_known(p, e);
	}
	for (unsigned i = 0; i < t->n_areas; i++) {
		struct path_area *area = &t->areas[i];
		area->weight = fmaxf(area->weight, WEIGHT_LEAST);
		qsort(&t->known[area->first], area->n, sizeof *t->known,
			known_order);
	}
}

/* An area without nodes for each AS of which something is known. */
static void table_carriers(const struct paths *p, struct path_table *t)
{
	struct index *seen = index_new();
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];
		if (e->of_as == NO_PART)
			continue;
		const struct part *part = &p->of_as.at[e->of_as];
		path_table_add_carrier(t,
			&(struct path_carrier){
				path_carrier_key(e->place.asn, e->node),
				part->value, paths_loss_ms(paths_as_loss(part)),
				part->weight > SURE});
		bool made;
		index_number(seen, &e->place.asn, sizeof e->place.asn, &made);
		if (made)
			t->areas[t->n_areas++] =
				(struct path_area){.key = e->area | UINT32_MAX,
					.made = true,
					.place = {.asn = e->place.asn}};
	}
	index_free(seen);
}

/* By square, then AS: that without AS is the first. */
static int square_order(const void *a, const void *b)
{
	const struct path_area *x = *(const struct path_area *const *)a;
	const struct path_area *y = *(const struct path_area *const *)b;
	uint32_t p = (uint32_t)x->key, q = (uint32_t)y->key;
	if (p != q)
		return p < q ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/* What n areas of a square make of a node together, each as much as it weighs. */
static struct path_known square_known(const struct path_table *t,
	struct path_area *const *area, unsigned n, unsigned node)
{
	struct path_known all = {.node = (uint16_t)node};
	float weight = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct path_known *k = path_table_known(t, area[i], node);
		struct path_found f = path_table_find(t, area[i], node, 0);
		float loss_ms = k ? k->loss_ms : f.loss_ms;
		float w = area[i]->weight;
		all.rate += w * (f.path_ms - loss_ms - area[i]->base_ms) /
			PATH_RATE_MS;
		all.loss_ms += w * loss_ms;
		weight += w;
		if (!k)
			continue;
		all.networks = (uint16_t)(all.networks + k->networks);
		all.at_ms = k->at_ms > all.at_ms ? k->at_ms : all.at_ms;
		all.loss = fmaxf(all.loss, k->loss);
		all.rtt_ms = fmaxf(all.rtt_ms, k->rtt_ms);
	}
	all.rate /= weight;
	all.loss_ms /= weight;
	return all;
}

/* Adds the area of all ASes of a square, made of those. */
static void table_square(
	struct path_table *t, struct path_area *const *area, unsigned n)
{
	struct path_area all = {.key = area[0]->key & UINT32_MAX,
		.first = t->n_known,
		.place = area[0]->place,
		.made = true};
	all.place.asn = 0;
	for (unsigned i = 0; i < n; i++) {
		all.weight += area[i]->weight;
		all.base_ms += area[i]->weight * area[i]->base_ms;
	}
	all.base_ms /= all.weight;
	if (n == 1) { /* the same list */
		all.first = area[0]->first;
		all.n = area[0]->n;
		t->areas[t->n_areas++] = all;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < area[i]->n; k++)
			t->known[t->n_known++].node =
				t->known[area[i]->first + k].node;
	struct path_known *known = &t->known[all.first];
	qsort(known, t->n_known - all.first, sizeof *known, known_order);
	for (unsigned i = 0; all.first + i < t->n_known; i++)
		if (i == 0 || known[i].node != known[i - 1].node)
			known[all.n++].node = known[i].node;
	t->n_known = all.first + all.n;
	for (unsigned i = 0; i < all.n; i++)
		known[i] = square_known(t, area, n, known[i].node);
	if (area[0]->key == all.key)
		*area[0] = all;
	else
		t->areas[t->n_areas++] = all;
}

static void table_squares(struct path_table *t)
{
	unsigned n = 0;
	struct path_area **area = mem_zero(t->n_areas, sizeof *area);
	for (unsigned i = 0; i < t->n_areas; i++)
		if (t->areas[i].n)
			area[n++] = &t->areas[i];
	qsort(area, n, sizeof *area, square_order);
	for (unsigned i = 0, last; i < n; i = last) {
		for (last = i + 1; last < n &&
			(uint32_t)area[last]->key == (uint32_t)area[i]->key;)
			last++;
		if (last - i > 1 || area[i]->place.asn)
			table_square(t, area + i, last - i);
	}
	free(area);
}

struct path_table *paths_table(const struct paths *p)
{
	/* Of all ASes of a square, and of each AS: at most as many again. */
	struct path_table *t = path_table_new(
		p->n_nodes, 3 * index_count(p->areas), 2 * p->n, p->of_as.n);
	t->rate = p->rate;
	for (unsigned i = 0; i < p->n_nodes; i++)
		t->node_rate[i] = p->node.at[i].value;
	table_areas(p, t);
	table_carriers(p, t);
	table_squares(t);
	path_table_seal(t);
	return t;
}
