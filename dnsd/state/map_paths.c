/* The map with paths as measured: map.h, map_with_paths(). */
#include "state/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/nearest.h"
#include "state/path.h"

/* Nodes that a cell's candidates are taken from: those by distance, and those that
 * were measured. */
#define PATHS_LISTED 1024

/* A pair of a measured area, and the middle of its cell. */
struct measured_pair {
	uint32_t pair;
	const struct path_area *area;
	struct vec at;
};

struct overlay {
	const struct map *base;
	const struct path_table *paths;
	struct map *map;
	struct vec *at; /* by node */
	struct measured_pair
		*pair; /* their cells are behind those of the base */
	uint32_t n, room;
	bool *in_pool; /* by node, of the pool at work */
};

static void overlay_add(struct overlay *o, const struct client_area *of)
{
	const struct path_area *area =
		of->key ? path_table_area(o->paths, of->key) : NULL;
	for (uint32_t i = 0; area && i < of->n; i++) {
		if (o->n == o->room) {
			o->room = 2 * o->room + 64;
			o->pair = mem_grow(o->pair, o->room * sizeof *o->pair);
		}
		uint32_t pair = of->first + i;
		const struct place *place =
			&o->base->cell_place[o->base->clients.pair[pair].cell];
		o->pair[o->n++] = (struct measured_pair){
			pair, area, path_vec(place->lat, place->lon)};
	}
}

/* Places of a measured pair have a cell of their own. */
static void overlay_cells(struct overlay *o)
{
	const struct client_areas *clients = &o->base->clients;
	struct map *map = o->map;
	uint32_t *cell_of =
		arena_room(map->arena, map->n_places * sizeof *cell_of);
	uint32_t *of_pair = mem_alloc(clients->n_pairs * sizeof *of_pair);

	for (uint32_t i = 0; i < clients->n_pairs; i++)
		of_pair[i] = clients->pair[i].cell;
	for (uint32_t i = 0; i < o->n; i++)
		of_pair[o->pair[i].pair] = o->base->n_cells + i;
	for (uint32_t i = 0; i < map->n_places; i++)
		cell_of[i] = of_pair[clients->pair_of_place[i]];
	free(of_pair);
	map->cell_of_place = cell_of;
	map->n_cells = o->base->n_cells + o->n;
}

/* -- candidates -- */

static float overlay_path(const struct overlay *o, const struct map_pool *pool,
	const struct measured_pair *pair, unsigned node)
{
	const struct client_pair *of = &o->base->clients.pair[pair->pair];
	const struct map_node *to = &o->base->nodes[node];
	if (!to->placed)
		return PATH_UNKNOWN_MS + to->bias_ms;
	float ms = path_between_ms(o->at[node], pair->at);
	struct path_found found =
		path_table_find(o->paths, pair->area, node, ms);
	if (found.crosses && path_crosses_carrier(to, of->asn))
		found.path_ms += pool->carrier_ms;
	return found.path_ms + to->bias_ms;
}

static bool overlay_listed(const struct candidates *near, unsigned node)
{
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (near->slot[i].node == node)
			return true;
	return false;
}

static void overlay_candidates(const struct overlay *o,
	const struct map_pool *pool, const struct measured_pair *pair,
	struct candidates *out)
{
	uint32_t cell = o->base->clients.pair[pair->pair].cell;
	const struct candidates *near = &pool->cells[cell];
	const struct path_known *known = &o->paths->known[pair->area->first];
	struct ranked from[PATHS_LISTED], list[MAP_CANDIDATES];
	unsigned n = 0;

	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned node = near->slot[i].node;
		if (node == MAP_NO_NODE)
			break;
		from[n++] = (struct ranked){
			overlay_path(o, pool, pair, node), (uint16_t)node};
	}
	for (unsigned i = 0; i < pair->area->n && n < PATHS_LISTED; i++) {
		unsigned node = known[i].node;
		if (node < o->base->n_nodes && o->in_pool[node] &&
			!overlay_listed(near, node))
			from[n++] = (struct ranked){
				overlay_path(o, pool, pair, node),
				(uint16_t)node};
	}
	assert(n > 0);
	nearest_write(list, nearest_among(o->base, from, n, list), out);
}

static void overlay_pool(struct overlay *o, struct map_pool *pool)
{
	const struct map *base = o->base;
	uint32_t n = o->map->n_cells + pool->unknown_cells;
	struct candidates *cells = arena_room(o->map->arena, n * sizeof *cells);

	memcpy(cells, pool->cells, base->n_cells * sizeof *cells);
	memcpy(cells + o->map->n_cells, pool->cells + base->n_cells,
		pool->unknown_cells * sizeof *cells);
	memset(o->in_pool, 0, base->n_nodes * sizeof *o->in_pool);
	for (unsigned i = 0; i < pool->n; i++)
		o->in_pool[pool->node[i]] = true;
	for (uint32_t i = 0; i < o->n; i++) {
		struct candidates *to = &cells[base->n_cells + i];
		if (pool->measured)
			overlay_candidates(o, pool, &o->pair[i], to);
		else
			*to = pool->cells[base->clients.pair[o->pair[i].pair]
						  .cell];
	}
	pool->cells = cells;
}

/* -- the whole -- */

static void overlay_pools(struct overlay *o)
{
	struct map *map = o->map;
	map->pools = arena_alloc(map->arena, map->n_pools * sizeof *map->pools);
	map->names = arena_alloc(map->arena, map->n_names * sizeof *map->names);
	for (unsigned i = 0; i < map->n_pools; i++) {
		map->pools[i] = o->base->pools[i];
		overlay_pool(o, &map->pools[i]);
	}
	for (unsigned i = 0; i < map->n_names; i++) {
		map->names[i] = o->base->names[i];
		map->names[i].of = &map->pools[map->names[i].pool];
	}
}

struct map *map_with_paths(
	const struct map *base, const struct path_table *paths)
{
	struct arena *arena = arena_new();
	struct map *map = arena_alloc(arena, sizeof *map);
	struct overlay o = {.base = base, .paths = paths, .map = map};

	assert(!base->paths);
	*map = *base;
	map->arena = arena;
	map->paths = paths;
	o.in_pool = mem_zero(base->n_nodes, sizeof *o.in_pool);
	o.at = mem_zero(base->n_nodes, sizeof *o.at);
	for (unsigned i = 0; i < base->n_nodes; i++)
		o.at[i] = path_vec(base->nodes[i].lat, base->nodes[i].lon);
	for (unsigned i = 0; i < base->clients.n; i++)
		overlay_add(&o, &base->clients.area[i]);
	overlay_cells(&o);
	overlay_pools(&o);
	free(o.pair);
	free(o.at);
	free(o.in_pool);
	return map;
}
