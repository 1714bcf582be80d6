/* lines.h - the lines of a class, as the API and `dnsd lines` tell them. Any
 * thread; nothing is kept.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include <stdbool.h>

#include "base/buf.h"
#include "steer/steer.h"

/* "app/stream" or, as SRS prints it, "/app/stream", with letters of UTF-8 as they
 * are or as %XX, into the path of a URL, in which nothing is left to be escaped.
 * False: it is none. */
#define LINES_STREAM_MAX 400
bool lines_stream(const char *stream, char url[LINES_STREAM_MAX]);

/* JSON as the API gives it, or a Python module that a Django site can import. */
enum lines_format { LINES_JSON, LINES_SITE_SETTINGS };

/* Appends the lines of the query's name, one decision each, none accounted.
 * stream, as lines_stream() makes it, may be NULL: then there are no URLs. */
void lines_write(const struct steer_state *state,
	const struct accounts *accounts, const struct steer_query *query,
	unsigned scope, const char *stream, int64_t now_ms,
	enum lines_format format, struct buf *out);

#endif
