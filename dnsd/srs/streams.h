/* streams.h - SRS's list of streams -> those that are published there. Pure;
 * fuzzed.
 *
 * Reads the body of GET /api/v1/streams/ of SRS 3 to 7. SRS goes on listing a
 * stream for a while after its publisher has left: publish.active shows it. A
 * stream is named by SRS's own url: /app/stream, vhost/app/stream where the
 * vhost is not the default one; SRS before 5 gives app and name alone. What a
 * publisher calls himself is his own: an entry that cannot be read (control
 * characters, no UTF-8, too long, no name) is left out, and counted.
 */
#ifndef SRS_STREAMS_H
#define SRS_STREAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What is asked for of one SRS; more streams than that are not seen. */
#define STREAMS_MAX 4000

struct stream {
	const char *url;
	const char *publisher; /* its connection; "" if SRS does not give it */
	uint32_t clients;      /* the publisher too */
};

struct stream_list {
	unsigned n;
	struct stream *stream; /* by url, each once */
	unsigned left_out;     /* entries that are not read ... */
	char why[64];          /* ... and what is odd of the first */
};

/* One block, for free(). NULL with one line that says what is wrong. body need
 * not end in \0. */
struct stream_list *streams_parse(
	const char *body, size_t len, struct err *err);

#endif
