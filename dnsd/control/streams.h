/* streams.h - the lists of streams that nodes gave last. Control thread only. */
#ifndef CONTROL_STREAMS_H
#define CONTROL_STREAMS_H

#include <stdbool.h>

#include "srs/streams.h"

struct streams;
struct stream_index;

struct streams *streams_new(void);
void streams_free(struct streams *streams); /* NULL allowed */

/* A node's list, which is taken over. */
void streams_take(
	struct streams *streams, unsigned node, struct stream_list *list);

/* A node that is down, or is no more: nobody publishes there. */
void streams_forget(struct streams *streams, unsigned node);

/* Whether the last index is out of date. */
bool streams_changed(const struct streams *streams);

/* All of it for the snapshot; the caller owns it (free()). */
struct stream_index *streams_index(struct streams *streams, unsigned n_nodes);

#endif
