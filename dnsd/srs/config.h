/* config.h - the configuration of an SRS (5 and 6) that this inventory asks for.
 * Pure.
 *
 * Origins are a cluster whose only coworker is dnsd (/api/v1/clusters) where its
 * public listener can be reached by plain HTTP, else each other's coworkers; they
 * forward to the recorders;
 * edges pull from the origins, but for those with whep or srt, to which the origins
 * forward, since an edge that pulls plays neither; relays forward to an origin, by its steered name if
 * there is one, so that another one is found when it is gone; recorders record.
 */
#ifndef SRS_CONFIG_H
#define SRS_CONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"

/* Appends the configuration of a node. False: there is no such node, or it would
 * have nothing to pull from or to forward to. */
bool srs_config(const struct conf *conf, const char *node, struct buf *out,
	struct err *err);

#endif
