/* summary.h - SRS's JSON -> a sample. Pure; fuzzed.
 *
 * Reads the body of GET /api/v1/summaries of SRS 3 to 7 (the object lies in
 * "data") and of a heartbeat (in "summaries.data"). HTTP 200 proves nothing:
 * the body must hold an integer data.system.conn_srs and code 0.
 */
#ifndef SRS_SUMMARY_H
#define SRS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "steer/sample.h"

/* False with one line that says what is missing or of the wrong type.
 * rtt_ms is left 0. body need not end in \0. */
bool summary_parse(const char *body, size_t len, struct sample *sample,
	struct err *err);

#endif
