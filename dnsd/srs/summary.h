/* summary.h - SRS's JSON -> a sample. Pure; fuzzed.
 *
 * Reads the body of GET /api/v1/summaries of SRS 3 to 7 (the object lies in
 * "data") and of a heartbeat (in "summaries.data"). HTTP 200 proves nothing:
 * the body must hold code 0 and an integer data.system.conn_srs; now_ms,
 * srs_sample_time and srs_send_bytes must be there too. What may be missing
 * (cpu_percent, srs_uptime, version, service, pid) must be of its type where it
 * is there. Whole numbers may be written as reals and ids as numbers; a counter
 * of bytes may use all 64 bits. Negative numbers are errors.
 */
#ifndef SRS_SUMMARY_H
#define SRS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "fleet/sample.h"

/* False with one line that says what is missing or of the wrong type.
 * rtt_ms is left 0. body need not end in \0. */
bool summary_parse(
	const char *body, size_t len, struct sample *sample, struct err *err);

/* For heartbeat.c: the same from parsed JSON; top has service and pid, data is
 * the summaries' object (both borrowed; data may be NULL). */
struct json_t;
bool summary_read(const struct json_t *top, const struct json_t *data,
	struct sample *sample, struct err *err);

/* For heartbeat.c: an id, which old versions write as a number. Missing is "".
 * False with a message if it is something else, has control characters or does
 * not fit into room (with its \0). */
bool summary_id(const struct json_t *object, const char *key, char *out,
	size_t room, struct err *err);

#endif
