/* ede.h - why there is no answer, as an extended DNS error (RFC 8914) says it: the one
 * place that decides so. Pure functions; any thread.
 *
 * Errors alone are explained, and only where the reason is certain. A steered name that
 * is not ready is no error: over UDP the question waits, over TCP it is answered; nor are
 * signatures that are made in a moment. Where they do not come, SERVFAIL says 14.
 */
#ifndef ANSWER_EDE_H
#define ANSWER_EDE_H

#include <stdbool.h>

#include "answer/job.h"
#include "wire/rr.h"

struct ede {
	enum ede_code code;
	const char *text; /* for addresses of `trusted`; NULL: none */
};

/* Whether this rcode is explained. */
static inline bool ede_is_of(const struct query *q, unsigned rcode)
{
	return rcode == RCODE_REFUSED || rcode == RCODE_NOTIMP ||
		q->rcode == RCODE_SERVFAIL; /* the zone is absent */
}

/* Of a question that got such a one. */
struct ede ede_of(const struct answer_job *job, unsigned rcode);

#endif
