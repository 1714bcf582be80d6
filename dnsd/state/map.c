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

/* -- nodes by name -- */

static uint64_t name_hash(const char *name)
{
	uint64_t h = 0;
	for (; *name; name++)
		h = hash_mix(h ^ (uint64_t)tolower((unsigned char)*name));
	return h;
}

void map_index_names(struct map *map)
{
	map->name_mask = 1;
	while (map->name_mask < 2 * map->n_nodes)
		map->name_mask = 2 * map->name_mask + 1;
	size_t size = (map->name_mask + 1) * sizeof *map->by_name;
	map->by_name = memset(arena_alloc(map->arena, size), 0xff, size);
	for (unsigned i = 0; i < map->n_nodes; i++) {
		if (!map->nodes[i].name)
			continue;
		uint64_t at = name_hash(map->nodes[i].name) & map->name_mask;
		while (map->by_name[at] != MAP_NO_NODE)
			at = (at + 1) & map->name_mask;
		map->by_name[at] = (uint16_t)i;
	}
}

int map_find_node(const struct map *map, const char *name)
{
	uint64_t at = name_hash(name) & map->name_mask;
	for (; map->by_name[at] != MAP_NO_NODE; at = (at + 1) & map->name_mask)
		if (!strcasecmp(map->nodes[map->by_name[at]].name, name))
			return map->by_name[at];
	return -1;
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

int map_find_name(const struct map *map, const char *name)
{
	for (unsigned i = 0; i < map->n_names; i++)
		if (!strcasecmp(map->names[i].name, name))
			return (int)i;
	return -1;
}

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
