/* ring.h - where an answering thread leaves questions and answers for dnstap.
 *
 * A ring (base/ring.h) of octets: an event takes as many cells in a row as it needs.
 * The thread that answers puts, dnstap's takes; what finds no room is dropped and
 * counted. Nothing is allocated, locked or formatted here, and the memory of a ring is
 * touched only while dnstap is on.
 */
#ifndef DNSTAP_RING_H
#define DNSTAP_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/ring.h"

#define TAP_CELL 64     /* octets */
#define TAP_CELLS 65536 /* a power of two. 4 MB, 16384 usual answers */

struct tap_event {
	int64_t query_ns, response_ns; /* since 1970 */
	struct addr peer;
	uint16_t port;
	uint16_t query_len, reply_len;
	bool tcp, tls; /* tls: with tcp */
	const uint8_t *query, *reply;
};

struct tap_ring;

struct tap_ring *tap_ring_new(void);
void tap_ring_free(struct tap_ring *ring);

/* The thread that owns the ring: keeps a copy, or counts that it has no room. */
void tap_ring_put(struct tap_ring *ring, const struct tap_event *event);

/* The reader: takes the oldest event; its octets hold until the next call. False:
 * there is none. */
bool tap_ring_take(struct tap_ring *ring, struct tap_event *event);

/* Events that found no room so far; any thread. It wraps. */
uint32_t tap_ring_lost(const struct tap_ring *ring);

#endif
