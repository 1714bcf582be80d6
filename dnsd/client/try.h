/* try.h - "where would this client go, and why": what is behind `dnsd try`,
 * whether a running server answers or the files alone. Never accounted.
 */
#ifndef CLIENT_TRY_H
#define CLIENT_TRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "steer/steer.h"

struct try_question {
	const struct steer_state *state;
	const struct accounts *accounts; /* NULL: none */
	const char *name;   /* a steered name, a line or a stream of one */
	const char *client; /* ADDRESS[/LENGTH] */
	int64_t now_ms;
};

/* The lines of a name for a client, see lines.h. stream may be NULL; format is
 * "json" or "site_settings". */
bool try_lines(const struct try_question *q, const char *format,
	const char *stream, struct buf *out, struct err *err);

/* In words, as tables. */
bool try_explain(
	const struct try_question *q, struct buf *out, struct err *err);

/* As JSON, as GET /api/v1/explain gives it. */
bool try_json(const struct try_question *q, struct buf *out, struct err *err);

#endif
