/* paths.h - round trip and loss between areas of clients and nodes, learned from what
 * nodes and players report, and from the bits that viewers get.
 *
 *	area      a square of 300 km and an AS number, of the client's place; and the
 *	          same square with all its ASes, for clients whose AS is not known
 *	entry     an area and a node: the last reports, one of each network
 *	model     where an entry has few networks or none, its round trip is
 *
 *	    base(area) + distance + (distance + 40 ms) * (all + node + (AS, node))
 *
 *	base      the last mile of an area: the same for all nodes, so it decides
 *	          nothing, and is left out of paths
 *	all, ...  shares by which ways are longer than straight lines
 *
 * A round trip is the median of the entry's networks, mixed with the model as if that
 * were a part of a network more. Loss is a mean without the extremes; it fades in
 * minutes, round trip in hours. If two networks in a row agree that a round trip is
 * another one, the reports before them are forgotten.
 *
 * One network is one voice, however often it reports; a player's word weighs less than
 * a node's, and so does what bits say: of loss alone, and only of a network of which the
 * node's kernel says nothing.
 *
 * Pure; control thread. Bounded: PATHS_ENTRIES entries, the oldest gives way.
 */
#ifndef PATHS_PATHS_H
#define PATHS_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "paths/report.h"
#include "state/map.h"
#include "state/path_table.h"

#define PATHS_ENTRIES 65536
#define PATHS_NETWORKS 12 /* of an entry, that are kept */

struct paths;

struct paths *paths_new(void);
void paths_free(struct paths *paths); /* NULL allowed */

/* Takes another map (borrowed until the next call). Nodes that are gone or have moved
 * are forgotten. */
void paths_set_map(struct paths *paths, const struct map *map);

/* A report. False: nothing is learned of it, since it is of a place or a node whose
 * coordinates are not known, faster than light, or there is no more room. */
bool paths_report(
	struct paths *paths, const struct path_report *report, int64_t now_ms);

/* Fits the model anew. True: some path has changed by so much that candidates should
 * be chosen anew, or what is published does not know of reports that came since, for
 * a minute. Every few seconds. */
bool paths_fit(struct paths *paths, int64_t now_ms);

/* How many areas are known, and how many pairs of an area and a node. */
unsigned paths_areas(const struct paths *paths);
unsigned paths_count(const struct paths *paths);

/* What is known of paths to a node, to be kept: of each area one round trip and loss, with
 * its weight. */
struct paths_kept {
	uint8_t *body; /* malloc'd; NULL: nothing */
	size_t len;
};

/* Of the nodes from `from` to before `to`, into as many of kept. */
void paths_keep(const struct paths *paths, unsigned from, unsigned to,
	int64_t now_ms, struct paths_kept *kept);

/* The same again, kept that long ago. False: it is not what paths_keep() makes. */
bool paths_restore(struct paths *paths, unsigned node, const uint8_t *kept,
	size_t len, int64_t ago_ms, int64_t now_ms);

/* What a name server knows of the path between an area and a node, by what was reported
 * to it and not by what other name servers know. */
struct path_evidence {
	struct place place;
	float rtt_ms, weight;
	float loss; /* negative: not known */
	uint32_t age_s;
};

/* Of one node, at most `most`. How many. */
unsigned paths_evidence(const struct paths *paths, unsigned node,
	int64_t now_ms, struct path_evidence *known, unsigned most);

/* What another name server knows, which counts as one network more: where there is room
 * for one, or what it said before. server: below PATHS_SERVERS, always the same of one.
 * False: as paths_report(), or it is out of range. */
#define PATHS_SERVERS 128
bool paths_told(struct paths *paths, unsigned node, unsigned server,
	const struct path_evidence *known, int64_t now_ms);

/* What is believed now; the caller owns it. After paths_fit(). */
struct path_table *paths_table(const struct paths *paths);

/* What was believed of a pair at the last fit: round trip, and loss as a share. */
struct path_point {
	uint64_t area; /* path_area_key() */
	uint16_t node;
	float rtt_ms, loss;
};

/* Of the pairs of which something was reported since then, those with most networks that
 * said it, at most `most` of them; by node, then area. How many they are. */
unsigned paths_points(const struct paths *paths, int64_t since_ms,
	struct path_point *points, unsigned most);

#endif
