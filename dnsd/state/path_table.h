/* path_table.h - paths between areas of clients and nodes as they were measured,
 * published: never changes. Any thread; made by the control thread (paths/paths.h).
 *
 * An area is a square of some 300 km and an AS number; of each area that was measured
 * there is a list of nodes. A path is
 *
 *	base(area) + distance + (distance + PATH_RATE_MS) * rate + loss_ms
 *
 * since a way is longer than a straight line by a share of it if it is long, and by
 * some milliseconds if it is short. A node of a known area that was not measured from
 * there has the rate of the model: of all ways, of the node, of the AS and the node.
 * An area that is not known has paths by distance alone.
 */
#ifndef STATE_PATH_TABLE_H
#define STATE_PATH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "geo/place.h"

#define PATH_RATE_MS 40.0f

/* What was measured of a node from an area. */
struct path_known {
	uint16_t node;
	uint16_t networks;  /* that it was measured from */
	float rate;         /* see above */
	float rtt_ms, loss; /* as measured, 0: it was not; loss is a share */
	float loss_ms;      /* what the loss costs */
	int64_t at_ms;      /* of the last report, by clock_ms() */
};

struct path_area {
	uint64_t key;       /* path_area_key() */
	uint32_t first, n;  /* of `known`, by node */
	float weight;       /* of its viewers, beside other ASes */
	float base_ms;      /* in all of its paths */
	bool made;          /* of the areas of its square, or of an AS */
	struct place place; /* of its first report */
};

/* The rate that an AS and a node have beside those of all and of the node. */
struct path_carrier {
	uint64_t key; /* path_carrier_key(); 0: free */
	float rate, loss_ms;
	bool sure; /* measured well enough to stand for a configured carrier_ms */
};

struct path_table {
	unsigned n_nodes;
	float rate;       /* of all ways */
	float *node_rate; /* by node */
	unsigned n_areas, n_known;
	struct path_area *areas;
	struct path_known *known;
	uint32_t area_mask, *area_slot; /* open hash: 1 + area */
	uint32_t carrier_mask;
	struct path_carrier *carriers; /* open hash */
};

/* The number of the area of a place, whose coordinates are known. */
uint64_t path_area_key(const struct place *place);

static inline uint64_t path_carrier_key(uint32_t asn, unsigned node)
{
	return (uint64_t)asn << 16 | node;
}

/* An empty table with room for so many; the maker fills it, then calls
 * path_table_seal(). NULL allowed to free. */
struct path_table *path_table_new(unsigned n_nodes, unsigned n_areas,
	unsigned n_known, unsigned n_carriers);
void path_table_free(struct path_table *table);

/* Adds an AS and a node, at most n_carriers. */
void path_table_add_carrier(
	struct path_table *table, const struct path_carrier *carrier);

/* Makes areas findable. */
void path_table_seal(struct path_table *table);

/* The area of a place with coordinates, by path_area_key(); else one without nodes
 * if something is known of its AS; else that of all ASes of its square; NULL: nothing
 * is known. */
const struct path_area *path_table_area(
	const struct path_table *table, uint64_t key);

/* What was measured of a node from an area; NULL: nothing. */
const struct path_known *path_table_known(const struct path_table *table,
	const struct path_area *area, unsigned node);

/* The path without bias to a node of a distance in ms, and what it rests on. */
struct path_found {
	float path_ms, loss_ms; /* loss_ms is in path_ms */
	bool crosses; /* a configured cost of other carriers is still to be added */
	const struct path_known *known; /* NULL: it was not measured */
};
struct path_found path_table_find(const struct path_table *table,
	const struct path_area *area, unsigned node, float distance_ms);

#endif
