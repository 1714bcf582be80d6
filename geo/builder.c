/* Runs of all layers (runs.h), neighbours with equal places joined, become the table
 * (compile.h). */
#include "geo/builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "geo/compile.h"
#include "geo/place_set.h"
#include "geo/runs.h"
#include "geo/table.h"

#define MANY 10000        /* runs that are worth IPv4 a top array of 2 MB */
#define VERY_MANY 1000000 /* and IPv6 one of 1 MB */

struct geo_builder {
	struct place_set
		places; /* [0] is unknown, [PLACE_SET_INSIDE] as IPv4 inside */
	struct layer *layers[2]; /* of IPv4, of IPv6; by number */
	unsigned n_layers;
};

void geo_builder_free(struct geo_builder *b)
{
	if (!b)
		return;
	for (unsigned family = 0; family < 2; family++) {
		for (unsigned i = 0; i < b->n_layers; i++)
			free(b->layers[family][i].ranges);
		free(b->layers[family]);
	}
	place_set_fini(&b->places);
	free(b);
}

static void need_layer(struct geo_builder *b, unsigned layer)
{
	if (layer < b->n_layers)
		return;
	for (unsigned family = 0; family < 2; family++) {
		struct layer *l =
			mem_grow(b->layers[family], (layer + 1) * sizeof *l);
		memset(l + b->n_layers, 0,
			(layer + 1 - b->n_layers) * sizeof *l);
		b->layers[family] = l;
	}
	b->n_layers = layer + 1;
}

static void add_range(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, uint32_t place)
{
	need_layer(b, layer);
	layer_add(&b->layers[prefix->addr.family == 6][layer], prefix, place);
}

uint32_t geo_builder_place(struct geo_builder *b, const struct place *place)
{
	struct place p = place_set_normal(place);
	return place_set_add(&b->places, &p);
}

/* Where an IPv4 address may be inside. The first, ::ffff:0:0/96, is never asked
 * for: it is there so that no scope of its neighbours covers it. */
static const struct prefix inside_of[] = {
	{{6, {[10] = 0xff, 0xff}}, 96},
	{{6, {0x00, 0x64, 0xff, 0x9b}}, 96},
	{{6, {0x20, 0x02}}, 16},
};
#define INSIDE_OF (sizeof inside_of / sizeof *inside_of)

/* First of all, so that nets for the same prefix win. */
static void add_inside(struct geo_builder *b)
{
	for (unsigned i = 0; i < INSIDE_OF; i++)
		add_range(b, 0, &inside_of[i], PLACE_SET_INSIDE);
}

static bool is_inside(const struct prefix *prefix)
{
	for (unsigned i = 0; i < INSIDE_OF; i++)
		if (prefix->len >= inside_of[i].len &&
			prefix_contains(&inside_of[i], &prefix->addr))
			return true;
	return false;
}

void geo_builder_add_place(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, uint32_t place)
{
	assert(place < b->places.n);
	if (layer > 0 && is_inside(prefix))
		return;
	add_range(b, layer, prefix, place);
}

struct geo_builder *geo_builder_new(void)
{
	struct geo_builder *b = mem_zero(1, sizeof *b);
	place_set_init(&b->places);
	add_inside(b);
	return b;
}

void geo_builder_add(struct geo_builder *b, unsigned layer,
	const struct prefix *prefix, const struct place *place)
{
	geo_builder_add_place(b, layer, prefix, geo_builder_place(b, place));
}

/* Replaces the builder's places by those of the table, which hold only what is
 * used. now[] maps old to new, UINT32_MAX where not yet known. */
static void settle_places(struct runs *runs, const struct place_set *old,
	struct place_set *fresh, uint32_t *now)
{
	struct runs settled = {.at = runs->at, .room = runs->n};
	for (size_t i = 0; i < runs->n; i++) {
		struct run r = runs->at[i];
		if (now[r.place] == UINT32_MAX) {
			struct place p =
				place_set_with_centre(&old->at[r.place]);
			now[r.place] = place_set_add(fresh, &p);
		}
		/* In place: never more runs than before. */
		runs_add(&settled, key_of(r.high, r.low), now[r.place]);
	}
	*runs = settled;
}

/* All layers of a family in one. */
static struct runs all_layers(struct geo_builder *b, unsigned family)
{
	struct runs all = {0};
	for (unsigned i = 0; i < b->n_layers; i++) {
		if (!b->layers[family][i].n)
			continue;
		struct runs next =
			runs_flatten(&b->layers[family][i], &b->places);
		all = all.n ? runs_merge(all, next, &b->places) : next;
	}
	if (!all.n)
		runs_add(&all, 0, 0);
	return all;
}

static void move(void *to, void *from, size_t size)
{
	if (size)
		memcpy(to, from, size);
	memset((char *)to + size, 0, -size & 63); /* it may go to a file */
	free(from);
}

static void move_table(const struct table *to, struct table *from)
{
	move(to->top, from->top, sizeof *from->top << from->top_bits);
	move(to->words, from->words, from->n_words * sizeof *from->words);
}

/* Moves the table to where it stays. */
static void settle(struct geo *geo)
{
	struct geo from = *geo;
	geo->size = table_lay_out(geo, NULL);
	geo->block = table_block(geo->size);
	table_lay_out(geo, geo->block);
	move_table(&geo->v4, &from.v4);
	move_table(&geo->v6, &from.v6);
	move(geo->places, from.places, from.n_places * sizeof *from.places);
}

struct geo *geo_build(struct geo_builder *b)
{
	struct geo *geo = mem_zero(1, sizeof *geo);
	struct runs v4 = all_layers(b, 0), v6 = all_layers(b, 1);
	struct place_set places = {0};
	uint32_t *now = mem_alloc(b->places.n * sizeof *now);

	memset(now, 0xff, b->places.n * sizeof *now);
	now[0] = place_set_add(&places, &b->places.at[0]);
	/* Without IPv4 data nothing is known of what is inside. */
	now[PLACE_SET_INSIDE] = v4.n > 1 || v4.at[0].place ? TABLE_INSIDE : 0;
	settle_places(&v4, &b->places, &places, now);
	settle_places(&v6, &b->places, &places, now);
	free(now);
	geo_builder_free(b);

	geo->v4 = (struct table){
		.top_bits = v4.n > MANY ? 19 : 14, .shortest = 20};
	compile_table(&geo->v4, &v4);
	free(v4.at);
	geo->v6 = (struct table){.top_bits = v6.n > VERY_MANY ? 18
			: v6.n > MANY                         ? 13
							      : 8,
		.shortest = 40};
	compile_table(&geo->v6, &v6);
	free(v6.at);
	geo->places = places.at;
	geo->n_places = places.n;
	assert(geo->n_places > 0 && geo->n_places < TABLE_NODE);
	free(places.slots);
	settle(geo);
	return geo;
}
