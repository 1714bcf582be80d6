/* check.h - what of a zone can only be known when all records are there. Private to
 * zones/.
 */
#ifndef ZONES_CHECK_H
#define ZONES_CHECK_H

#include <stdbool.h>

#include "base/err.h"

struct zone_builder;

/* False with lines in err; see zone_build(). Marks names below cuts and DNAMEs. */
bool zone_check(struct zone_builder *b, struct err *err);

#endif
