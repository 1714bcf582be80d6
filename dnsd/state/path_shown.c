#include "state/path_shown.h"

#include <assert.h>

#include "state/path.h"

struct path_shown path_shown(const struct map *map,
	const struct path_area *area, const struct path_known *known)
{
	const struct map_node *node = &map->nodes[known->node];
	float distance_ms = path_between_ms(path_vec(node->lat, node->lon),
		path_vec(area->place.lat, area->place.lon));
	struct path_found found =
		path_table_find(map->paths, area, known->node, distance_ms);
	struct path_shown s = {.distance_ms = distance_ms,
		.rtt_ms = found.path_ms - found.loss_ms,
		.loss = known->loss,
		.loss_ms = found.loss_ms};
	assert(found.known == known);
	s.bad = path_is_bad(s.rtt_ms, s.distance_ms, s.loss);
	return s;
}

const struct path_known *path_measured(const struct map *map,
	const struct place *place, unsigned node, const struct path_area **area)
{
	*area = map->paths && place->source != PLACE_UNKNOWN
		? path_table_area(map->paths, path_area_key(place))
		: NULL;
	return *area ? path_table_known(map->paths, *area, node) : NULL;
}

unsigned path_count_bad(const struct map *map)
{
	const struct path_table *t = map->paths;
	unsigned n = 0;
	for (unsigned i = 0; t && i < t->n_areas; i++) {
		const struct path_area *area = &t->areas[i];
		if (area->made) /* of others that are counted */
			continue;
		for (unsigned k = 0; k < area->n; k++) {
			const struct path_known *known =
				&t->known[area->first + k];
			n += map->nodes[known->node].name &&
				path_shown(map, area, known).bad;
		}
	}
	return n;
}
