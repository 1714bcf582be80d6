/* nets.h - reads the operator's nets file into a prefix table builder.
 *
 * A line is "CIDR LAT,LON [COUNTRY [ASN]]"; # starts a comment, COUNTRY may be
 * "-", ASN is 4134 or AS4134. Builder thread only.
 */
#ifndef GEO_NETS_H
#define GEO_NETS_H

#include <stdbool.h>

#include "base/err.h"
#include "geo/builder.h"

/* Adds all nets of a file. False with all bad lines as path:line: what. */
bool nets_read(struct geo_builder *builder, unsigned layer, const char *path,
	struct err *err);

#endif
