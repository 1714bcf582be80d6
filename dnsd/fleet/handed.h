/* handed.h - what the fleet knows, as sections (base/sections.h), for the process that
 * takes over: so that neither a sample nor a reservation counts twice or is forgotten.
 * Both processes have the same clock, the same secret and the same order of nodes.
 * Control thread.
 */
#ifndef FLEET_HANDED_H
#define FLEET_HANDED_H

#include "base/sections.h"
#include "fleet/fleet.h"
#include "ledger/handed.h"

/* What has been merged so far; the rest is in the accounts. */
void fleet_hand(const struct fleet *fleet, struct buf *out);

/* What was read of a thread's sums at its last merge, by node; NULL: nothing. */
const struct handed_read *fleet_merged(
	const struct fleet *fleet, unsigned thread);

/* Takes it, of the nodes that there still are. rates: of the table that the answering
 * threads read. */
void fleet_take(
	struct fleet *fleet, struct resolver_rates *rates, struct sections *in);

#endif
