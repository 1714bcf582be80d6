/* source.h - what transfers are made from: the zones of one configuration, the askers that
 * may have them, the keys. Immutable, and kept while it is used: a transfer that runs goes
 * on with the zone that it began with, whatever is reloaded meanwhile.
 *
 * Control makes it and publishes it in the snapshot; a reader takes it (inside its RCU
 * read section, where control still has it) and releases it. Any thread.
 */
#ifndef TRANSFER_SOURCE_H
#define TRANSFER_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "tsig/tsig.h"
#include "zones/zone.h"

/* A zone; what it is allowed and whom it notifies is in its conf. */
struct transfer_zone {
	const struct zone *zone;
	const struct conf_zone *conf;
};

struct transfer_source {
	_Atomic unsigned users;
	void (*free)(struct transfer_source *source); /* by the last user */

	const struct conf *conf;
	unsigned n_zones;
	struct transfer_zone *zones;
	bool any_from; /* one of them is another name server's */
	unsigned n_keys;
	struct tsig_key *keys; /* as in conf->tsig */
};

/* In the configuration's arena, with one user: its owner. zones: as in conf->zones. */
struct transfer_source *transfer_source_new(const struct conf *conf,
	struct zone *const *zones,
	void (*free)(struct transfer_source *source));

struct transfer_source *transfer_source_take(struct transfer_source *source);
void transfer_source_release(struct transfer_source *source);

/* Whether an asker may have a zone. address: where it asks from, NULL: that may be
 * forged. key: that its question is signed by, NULL: none. */
bool transfer_allowed(const struct transfer_source *source,
	const struct transfer_zone *zone, const struct addr *address,
	const struct tsig_key *key);

/* Whether a NOTIFY for a zone of another name server comes from there: from a primary's
 * address, or signed by the key of the zone. */
bool transfer_is_primary(const struct transfer_source *source,
	const struct transfer_zone *zone, const struct addr *address,
	const struct tsig_key *key);

/* The zone with that very apex; NULL: there is none. */
const struct transfer_zone *transfer_zone_at(
	const struct transfer_source *source, const struct name *apex);

#endif
