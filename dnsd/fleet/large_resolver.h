/* large_resolver.h - how many viewers a second stand behind one large resolver,
 * learned from how the nodes grow that it was sent to.
 *
 * A resolver that asks again as soon as its answer has run out shows little by
 * the gaps between its questions: ten viewers a second look like a hundred, and
 * some resolvers keep answers for a minute whatever the TTL says. But the node
 * that was answered shows them. So for every such answer that lives the control
 * thread keeps a record, and each sample's surprise (viewers beyond all
 * reservations) is dealt to the resolvers whose answers lived at that node
 * meanwhile: normalised least mean squares. The rates go to
 * ledger/resolver_rates.h, where answering threads read them.
 *
 * Control thread only.
 */
#ifndef FLEET_LARGE_RESOLVER_H
#define FLEET_LARGE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/forecast.h"
#include "ledger/events.h"
#include "ledger/resolver_rates.h"

struct large_resolvers;

/* rates is borrowed. */
struct large_resolvers *large_resolvers_new(struct resolver_rates *rates);
void large_resolvers_free(struct large_resolvers *large); /* NULL allowed */

/* An answer lives from now on; replaces the key's earlier one. Its reservation
 * goes to the forecasts of its nodes (by index, n of them). */
void large_resolvers_answer(struct large_resolvers *large,
	const struct steer_event *event, const struct forecast_fleet *all,
	struct forecast *of, unsigned n, int64_t now_ms);

/* A sample of a node for [from_ms, to_ms): surprise viewers joined beyond what
 * was expected. */
void large_resolvers_learn(struct large_resolvers *large, unsigned node,
	int64_t from_ms, int64_t to_ms, float surprise);

/* With the rates, as sections, for the process that takes over, whose secret is the
 * same. */
struct buf;
struct sections;
void large_resolvers_hand(const struct large_resolvers *large, struct buf *out);
void large_resolvers_take(struct large_resolvers *large, struct sections *in);

#endif
