/* try.h - "where would this client go, and why": the text behind `dnsd try`,
 * whether a running server answers or the files alone. Never accounted.
 */
#ifndef CLIENT_TRY_H
#define CLIENT_TRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "steer/steer.h"

/* The lines of a name for a client, see lines.h. stream may be NULL; format
 * is "json" or "site_settings". Never accounted. */
bool try_lines(const struct steer_state *state, const struct accounts *accounts,
	const char *name, const char *client, const char *format,
	const char *stream, int64_t now_ms, struct buf *out, struct err *err);

/* name: a steered name, a line or a stream of one. client: ADDRESS[/LEN]. */
bool try_explain(const struct steer_state *state,
	const struct accounts *accounts, const char *name, const char *client,
	int64_t now_ms, struct buf *out, struct err *err);

#endif
