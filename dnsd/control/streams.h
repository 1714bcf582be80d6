/* streams.h - the lists of streams that nodes gave last. Control thread only. */
#ifndef CONTROL_STREAMS_H
#define CONTROL_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "srs/streams.h"

struct streams;
struct stream_index;
struct stream_set;

struct streams *streams_new(void);
void streams_free(struct streams *streams); /* NULL allowed */

/* A node's list, which is taken over. dropped(arg, node, share) is called for every
 * publisher that lost its connection to a node and has come back, here or
 * elsewhere, within DROPPED_MS; share: that it was of all publishers there. One
 * that does not come back had finished. */
#define DROPPED_MS 120000
void streams_take(struct streams *streams, unsigned node,
	struct stream_list *list, int64_t now_ms,
	void (*dropped)(void *arg, unsigned node, float share), void *arg);

/* A node that is down, or is no more: no stream is published there. */
void streams_forget(struct streams *streams, unsigned node);

/* How many entries of a node's list could not be read. */
unsigned streams_left_out(const struct streams *streams, unsigned node);

/* Whether the last index is out of date. */
bool streams_changed(const struct streams *streams);

/* All of it for the snapshot; the caller owns it (free()), and *set, the same for
 * decisions. */
struct stream_index *streams_index(
	struct streams *streams, unsigned n_nodes, struct stream_set **set);

#endif
