/* signing.h - what a build does for zones that are signed: reads their keys, adds the
 * records of them, makes what answers and the signer need. Builder thread; private to
 * control/.
 */
#ifndef CONTROL_SIGNING_H
#define CONTROL_SIGNING_H

#include <stdbool.h>

#include "base/err.h"

struct built;
struct conf;
struct zone_builder;
struct zone_signing;

/* Reads the keys of a zone, if the configuration says so, and adds the records of them to
 * it, after its own. *signing is NULL if it is not to be signed. False with lines in
 * err. */
bool signing_begin(const struct conf *conf, unsigned zone,
	struct zone_builder *builder, struct zone_signing **signing,
	struct err *err);

/* When zones and map are built: signs what is to be signed. False with lines in err: a
 * pool that has addresses of a family on some nodes only, a TTL that signatures would not
 * outlive, records that the signer makes itself. */
bool signing_end(
	struct built *built, const struct built *previous, struct err *err);

#endif
