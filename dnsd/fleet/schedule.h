/* schedule.h - viewers that are to come, such as those of a class, and the room
 * that is kept for them.
 *
 * A class begins at nine: its viewers come within two minutes, and answers of
 * the minute before are what they come by. So their room is reserved before:
 *
 *	viewers |           /\
 *	to come |         /    \
 *	        |       /        \
 *	        +-----/------------\-----> time
 *	          at - lead   at    at + over
 *
 * After `at` the reservation falls as fast as they are to come: those that
 * came are in the load, and for those that did not nothing is kept.
 *
 * Pure: time is an argument.
 */
#ifndef FLEET_SCHEDULE_H
#define FLEET_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/load.h"
#include "state/map.h"

#define SCHEDULE_LEAD_MS 60000

struct schedule_entry {
	uint32_t name;          /* index in the map */
	int64_t at_ms, over_ms; /* over_ms > 0 */
	float viewers;
	bool placed; /* lat and lon: where they come from */
	float lat, lon;
};

/* What is kept for an entry now. */
float schedule_still_to_come(
	const struct schedule_entry *entry, int64_t now_ms);

/* Nothing will be kept for it any more. */
bool schedule_is_over(const struct schedule_entry *entry, int64_t now_ms);

/* Puts entries of one name and origin side by side, as schedule_keep_room needs
 * them: many classes begin at nine. */
void schedule_sort(struct schedule_entry *list, unsigned n);

/* Keeps room on the nodes where these viewers will want to go: adds to their
 * reserved, used and growth. nodes: by map index; lately: viewers that answers
 * reserved on each of them in the last minute. */
void schedule_keep_room(const struct schedule_entry *list, unsigned n,
	const struct map *map, const float *lately, int64_t now_ms,
	struct load_node *nodes);

#endif
