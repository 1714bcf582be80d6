/* What the summary of a replay says of the path of an answer, as it was believed then. */
#include "replay/world.h"
#include "state/path.h"
#include "state/path_shown.h"

/* The path of an area and a node as it is believed, with what loss costs. */
static float believed_ms(
	const struct map *map, const struct path_area *area, unsigned index)
{
	const struct map_node *node = &map->nodes[index];
	float distance_ms = path_between_ms(path_vec(node->lat, node->lon),
		path_vec(area->place.lat, area->place.lon));
	return path_table_find(map->paths, area, index, distance_ms).path_ms;
}

/* Whether another candidate is up, has room, and is better by its path, which is not
 * bad. */
static bool better_is_free(const struct replay *r, const struct map_pool *pool,
	const struct path_area *area, uint32_t place, unsigned index)
{
	const struct map *map = r->measured;
	const struct candidates *list = map_candidates(map, pool, place, 0);
	float ms = believed_ms(map, area, index);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		unsigned other = list->slot[i].node;
		if (other == MAP_NO_NODE)
			break;
		const struct path_known *known =
			path_table_known(map->paths, area, other);
		if (other != index && map->nodes[other].placed &&
			load_is_up(r->load, other) &&
			r->load->node[other].used < 1 &&
			believed_ms(map, area, other) < ms &&
			!(known && path_shown(map, area, known).bad))
			return true;
	}
	return false;
}

void replay_judge_path(const struct replay *r, const struct map_pool *pool,
	uint32_t place, unsigned index, struct stats_answer *answer)
{
	const struct path_area *area;
	const struct path_known *known = path_measured(
		r->measured, geo_place(r->geo, place), index, &area);
	answer->measured = known != NULL;
	answer->bad = known && path_shown(r->measured, area, known).bad;
	answer->better =
		answer->bad && better_is_free(r, pool, area, place, index);
}
