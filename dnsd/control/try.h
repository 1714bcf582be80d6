/* try.h - "where would this client go, and why": the text behind `dnsd try`,
 * whether a running server answers or the files alone. Never accounted.
 */
#ifndef CONTROL_TRY_H
#define CONTROL_TRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "steer/decide.h"

/* name: a steered name, a line or a stream of one. client: ADDRESS[/LEN]. */
bool try_explain(const struct steer_state *state,
	const struct accounts *accounts, const char *name, const char *client,
	int64_t now_ms, struct buf *out, struct err *err);

#endif
