/* inquire.h - asks servers what they are, once and all at the same time.
 *
 * By the poller (poll.h), with its rules: a fresh connection each, deadlines, no
 * passwords in words. Blocks until each has answered or failed; for the command line.
 */
#ifndef SRS_INQUIRE_H
#define SRS_INQUIRE_H

#include <stdbool.h>

#include "base/err.h"
#include "fleet/sample.h"

#define INQUIRE_WHY_MAX 160

/* How one question ended. */
struct inquire_end {
	bool asked, ok;
	char why[INQUIRE_WHY_MAX]; /* if not ok: one line */
};

struct inquiry {
	/* As of a poll_target; NULL: not asked. Borrowed. */
	const char *api, *rtmp, *flv;
	/* What came of it. */
	struct inquire_end api_end, rtmp_end, flv_end;
	enum sample_failure failure; /* of the API */
	struct sample sample;        /* if the API answered */
};

/* Fills in the ends of n inquiries. False only if nothing can be asked at all. */
bool inquire(
	struct inquiry *list, unsigned n, unsigned timeout_ms, struct err *err);

#endif
