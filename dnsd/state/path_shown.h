/* path_shown.h - a measured path as operators see it: beside its distance, and whether it
 * is bad. The API, the page, metrics and replay's summary take the word from here. Pure;
 * any thread.
 */
#ifndef STATE_PATH_SHOWN_H
#define STATE_PATH_SHOWN_H

#include <stdbool.h>

#include "state/map.h"
#include "state/path_table.h"

/* A path is bad if it loses so much, or if its round trip is so many times that by
 * distance and so much more. */
#define PATH_BAD_LOSS 0.02f
#define PATH_BAD_TIMES 1.5f
#define PATH_BAD_MS 30.0f

struct path_shown {
	float distance_ms; /* what the map says */
	float rtt_ms;      /* that is believed; without what loss costs */
	float loss;        /* share of packets */
	float loss_ms;     /* what it costs */
	bool bad;
};

static inline bool path_is_bad(float rtt_ms, float distance_ms, float loss)
{
	return loss >= PATH_BAD_LOSS ||
		rtt_ms >= PATH_BAD_TIMES * distance_ms + PATH_BAD_MS;
}

/* Of an area and what was measured there of a node, both of map->paths. */
struct path_shown path_shown(const struct map *map,
	const struct path_area *area, const struct path_known *known);

/* The measured path from a place to a node; NULL: it was not measured. */
const struct path_known *path_measured(const struct map *map,
	const struct place *place, unsigned node,
	const struct path_area **area);

/* How many pairs of an area and a node are bad. */
unsigned path_count_bad(const struct map *map);

#endif
