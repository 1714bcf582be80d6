/* lines.h - the lines of a class, as the API and `dnsd lines` give them. Any
 * thread; nothing is kept.
 */
#ifndef CLIENT_LINES_H
#define CLIENT_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "steer/steer.h"

/* "app/stream" or, as SRS prints it, "/app/stream", with letters of UTF-8 as they
 * are or as %XX, into the path of a URL, in which nothing is left to be escaped.
 * False: it is none. */
#define LINES_STREAM_MAX 400
bool lines_stream(const char *stream, char url[LINES_STREAM_MAX]);

/* The node of each line, and how long all of that holds. */
struct lines_chosen {
	const struct map_node *node[CONF_LINES_MAX];
	uint32_t ttl_s;
};

/* Whose lines, and when. */
struct lines_for {
	const struct steer_state *state;
	const struct accounts *accounts; /* NULL: none; nothing is accounted */
	const struct steer_query *query; /* its line does not matter */
	unsigned scope;
	const char *stream; /* as lines_stream() makes it; NULL: no URLs */
	int64_t now_ms;
};

/* first: the decision for line 1, made by the caller, which may have accounted
 * it. */
void lines_choose(const struct lines_for *of,
	const struct steer_decision *first, struct lines_chosen *chosen);

/* Appends {"name", "client", "scope", "ttl", "lines": [...]}. Returns a hash of all but
 * the TTL. */
uint64_t lines_put(struct buf *out, const struct lines_for *of,
	const struct lines_chosen *chosen);

/* JSON as the API gives it, or a Python module that a Django site can import. */
enum lines_format { LINES_JSON, LINES_SITE_SETTINGS };

/* Appends the lines of the query's name, one decision each, none accounted. */
void lines_write(
	const struct lines_for *of, enum lines_format format, struct buf *out);

#endif
