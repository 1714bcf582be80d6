/* compile.h - runs of addresses to the table of a family. Private to geo/. */
#ifndef GEO_COMPILE_H
#define GEO_COMPILE_H

#include "geo/runs.h"
#include "geo/table.h"

/* Makes the arrays of a table, whose top_bits are set. */
void compile_table(struct table *table, const struct runs *runs);

#endif
