/* complaints.h - which nodes do viewers leave, although they look well?
 *
 * A viewer that presses "switch line" says that the node of the line before was
 * bad for it. A node that is left far more often than the others, by several
 * asking networks that were sent there, is distrusted for clients of that area,
 * or for all: it costs so much that nearly no viewer is sent there, for two
 * minutes; then it is tried again with few, and doubted twice as long if that fails.
 *
 *	area = that of the site nearest to the client (struct map_node)
 *	sent[area, node]  asking networks that were sent to the node
 *	left[area, node]  their questions for the next line, fading: fast for
 *			  many that leave at once, slowly for single ones
 *
 * Evidence counts per asking network (/24, /48) and not per client subnet,
 * which anybody can invent: once per interval, and only of a network that was
 * sent to that node. So a few networks, however often they ask, stay a few.
 *
 * Pure; owned and driven by fleet.c on the control thread.
 */
#ifndef FLEET_COMPLAINTS_H
#define FLEET_COMPLAINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/events.h"
#include "state/load.h"
#include "state/map.h"

#define COMPLAINTS_EVERYWHERE 0xffffffffu /* an area that is all areas */

#define DISTRUST_COST_MS 200.0f /* of a node while it is doubted */

struct complaints;

struct complaints *complaints_new(void);
void complaints_free(struct complaints *complaints); /* NULL allowed */

/* EVENT_SENT and EVENT_SWITCHED. */
void complaints_event(struct complaints *complaints, const struct map *map,
	const struct steer_event *event, int64_t now_ms);

/* Once a second or more often: forgets, and decides which nodes are distrusted. */
void complaints_tick(struct complaints *complaints, int64_t now_ms);

/* What the node's own samples say: viewers leave it. Holds for a minute. */
void complaints_confirm(
	struct complaints *complaints, unsigned node, int64_t now_ms);

/* Extra cost of a node for all areas. */
float complaints_everywhere_ms(
	const struct complaints *complaints, unsigned node, int64_t now_ms);

/* Writes the distrust of single areas, sorted by area and node; returns how
 * many, at most room. */
unsigned complaints_of_areas(const struct complaints *complaints,
	struct load_distrust *out, unsigned room, int64_t now_ms);

/* How often a node, for all or for an area, was distrusted. */
uint64_t complaints_found(const struct complaints *complaints, unsigned node);

/* As a section, for the process that takes over; _take is false if it
 * is missing or of another version. */
struct buf;
struct sections;
void complaints_hand(const struct complaints *complaints, struct buf *out);
bool complaints_take(struct complaints *complaints, struct sections *in);

#endif
