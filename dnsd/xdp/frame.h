/* frame.h - Ethernet frames with a DNS query over UDP, and those of its reply: IPv4
 * without options, IPv6 without extension headers, with or without one VLAN tag
 * (802.1Q). Pure functions; any thread.
 */
#ifndef XDP_FRAME_H
#define XDP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define FRAME_HEADERS_MAX (18 + 40 + 8)
#define FRAME_QUERY_MAX 1518 /* octets of a frame with a query */

enum frame_kind {
	FRAME_QUERY,
	FRAME_MALFORMED,   /* its lengths contradict, or its source cannot be
			      answered */
	FRAME_BAD_CHECKSUM /* of IPv4's header or of UDP */
};

struct frame_query {
	uint8_t ip_at;   /* offset of the IP header */
	uint8_t headers; /* octets before the DNS message: of the reply as well */
	uint16_t len;    /* of the DNS message */
	struct addr peer;
	uint16_t port;
};

/* Reads a frame. A checksum of UDP over IPv4 may be absent (zero); one that holds the
 * pseudo header alone is good: the sender is on this machine and left the rest to a
 * network card that is none. */
enum frame_kind frame_read(
	const uint8_t *frame, size_t len, struct frame_query *query);

/* Writes the headers of the reply in front of its DNS message of len octets, which is at
 * out + query->headers: addresses, ports and VLAN from the query's frame, TTL 64, never
 * to be fragmented, with all checksums. The octets of the frame. */
size_t frame_reply(const uint8_t *frame, const struct frame_query *query,
	uint8_t *out, size_t len);

#endif
