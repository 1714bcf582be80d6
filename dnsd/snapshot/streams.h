/* streams.h - which node has which stream: a part of the snapshot, made anew by
 * control when a node's list of streams changes.
 */
#ifndef SNAPSHOT_STREAMS_H
#define SNAPSHOT_STREAMS_H

#include <stdint.h>

/* A stream that is published to a node. */
struct stream_at {
	const char *url; /* /app/stream, vhost/app/stream */
	uint32_t node;   /* of the map */
	uint32_t clients;
};

struct stream_index {
	unsigned n;
	struct stream_at *at; /* by url, then node */
	unsigned n_nodes;
	const uint32_t *count; /* of streams, by node */
};

/* Takes n entries in any order; their texts are copied. One block, for free(). */
struct stream_index *stream_index_new(
	const struct stream_at *at, unsigned n, unsigned n_nodes);

/* The first entry of a url, NULL if there is none; the others follow it. */
const struct stream_at *stream_index_find(
	const struct stream_index *index, const char *url);

#endif
