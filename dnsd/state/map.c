#include "state/map.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/rng.h"
#include "state/path.h"

void map_free(struct map *map)
{
	if (map)
		arena_free(map->arena);
}

/* -- nodes and steered names by name -- */

static uint64_t name_hash(const char *name)
{
	uint64_t h = 0;
	for (; *name; name++)
		h = hash_mix(h ^ (uint64_t)tolower((unsigned char)*name));
	return h;
}

/* The name of a number; NULL: a hole. */
typedef const char *map_name_of(const struct map *map, uint32_t number);

static const char *node_name(const struct map *map, uint32_t number)
{
	return map->nodes[number].name;
}

static const char *steered_name(const struct map *map, uint32_t number)
{
	return map->names[number].name;
}

static struct map_index index_of(
	const struct map *map, uint32_t n, map_name_of *name_of)
{
	struct map_index index = {1, NULL};
	while (index.mask < 2 * n)
		index.mask = 2 * index.mask + 1;
	uint32_t *slot =
		arena_alloc(map->arena, (index.mask + 1) * sizeof *slot);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = name_of(map, i);
		if (!name)
			continue;
		uint64_t at = name_hash(name) & index.mask;
		while (slot[at])
			at = (at + 1) & index.mask;
		slot[at] = i + 1;
	}
	index.slot = slot;
	return index;
}

static int find(const struct map *map, const struct map_index *index,
	map_name_of *name_of, const char *name)
{
	uint64_t at = name_hash(name) & index->mask;
	for (; index->slot[at]; at = (at + 1) & index->mask)
		if (!strcasecmp(name_of(map, index->slot[at] - 1), name))
			return (int)index->slot[at] - 1;
	return -1;
}

void map_index_nodes(struct map *map)
{
	map->node_index = index_of(map, map->n_nodes, node_name);
}

void map_index_names(struct map *map)
{
	map->name_index = index_of(map, map->n_names, steered_name);
}

int map_find_node(const struct map *map, const char *name)
{
	return find(map, &map->node_index, node_name, name);
}

int map_find_name(const struct map *map, const char *name)
{
	return find(map, &map->name_index, steered_name, name);
}

/* -- paths -- */

struct place map_cell_middle(const struct place *place)
{
	struct place middle = *place;
	const float per = MAP_CELLS_PER_DEGREE;
	if (place->source == PLACE_UNKNOWN)
		return middle;
	middle.lat = (floorf((place->lat + 90) * per) + .5f) / per - 90;
	middle.lon = (floorf((place->lon + 180) * per) + .5f) / per - 180;
	return middle;
}

const struct path_area *map_path_area(const struct map *map,
	const struct map_pool *pool, const struct place *place)
{
	return map->paths && pool && pool->measured &&
			place->source != PLACE_UNKNOWN
		? path_table_area(map->paths, path_area_key(place))
		: NULL;
}

float map_path_ms(const struct map *map, const struct map_pool *pool,
	const struct place *place, unsigned index)
{
	assert(index < map->n_nodes);
	const struct map_node *node = &map->nodes[index];
	const struct path_area *area = NULL;
	float ms = PATH_UNKNOWN_MS;
	bool crosses = pool != NULL;
	if (node->placed && place->source != PLACE_UNKNOWN) {
		ms = path_between_ms(path_vec(node->lat, node->lon),
			path_vec(place->lat, place->lon));
		area = map_path_area(map, pool, place);
	}
	if (area) {
		struct path_found found =
			path_table_find(map->paths, area, index, ms);
		ms = found.path_ms;
		crosses = found.crosses;
	}
	if (crosses && path_crosses_carrier(node, place->asn))
		ms += pool->carrier_ms;
	return ms + node->bias_ms;
}

/* -- names -- */

uint64_t map_stream_hash(const char *label, unsigned len)
{
	return len ? hash_bytes(label, len, 3) : 0;
}

/* "lineN." in front, N without leading zeros and at most max; then *rest is
 * what follows. */
static unsigned line_of(const char *text, unsigned max, const char **rest)
{
	unsigned line = 0;
	if (strncmp(text, "line", 4) || text[4] < '1' || text[4] > '9')
		return 0;
	for (text += 4; *text >= '0' && *text <= '9' && line <= max; text++)
		line = line * 10 + (unsigned)(*text - '0');
	if (*text != '.' || line > max)
		return 0;
	*rest = text + 1;
	return line;
}

static bool match_line(
	const struct map *map, const char *text, struct map_match *match)
{
	const char *rest = text;
	int name = map_find_name(map, text);
	match->line = 1;
	if (name < 0) {
		match->line = (uint8_t)line_of(text, CONF_LINES_MAX, &rest);
		name = match->line ? map_find_name(map, rest) : -1;
		if (name < 0 || match->line > map->names[name].lines)
			return false;
	}
	match->name = (uint32_t)name;
	return true;
}

bool map_match(const struct map *map, const char *text, struct map_match *match)
{
	char lower[256];
	size_t n = strlen(text);
	if (n && text[n - 1] == '.')
		n--;
	if (n >= sizeof lower)
		return false;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	lower[n] = '\0';
	*match = (struct map_match){0};
	if (match_line(map, lower, match))
		return true;
	char *dot = strchr(lower, '.');
	if (!dot || dot == lower || dot - lower > 63 || *lower == '_' ||
		!match_line(map, dot + 1, match) ||
		!map->names[match->name].streams)
		return false;
	*dot = '\0';
	/* lineN is a line or nothing, never a stream. */
	if (!strncmp(lower, "line", 4) && lower[4] &&
		strspn(lower + 4, "0123456789") == strlen(lower + 4))
		return false;
	strcpy(match->stream, lower);
	return true;
}
