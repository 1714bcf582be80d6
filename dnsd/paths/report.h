/* report.h - what is said of the path of a network, by a node, by a player, or by what a
 * node's viewers get: to control, which learns from it (paths.h).
 */
#ifndef PATHS_REPORT_H
#define PATHS_REPORT_H

#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "geo/place.h"

#define PATH_RTT_MOST_MS 10000.0f

enum path_witness { PATH_BY_NODE, PATH_BY_PLAYER, PATH_BY_BITS };

struct path_report {
	uint64_t net; /* path_net() of a client's address; not 0 */
	struct place place;
	unsigned node; /* index in the map */
	float rtt_ms; /* above 0, at most PATH_RTT_MOST_MS; negative: not measured */
	float loss; /* share of packets, 0 to 1; negative: not known */
	unsigned viewers;
	enum path_witness by; /* PATH_BY_BITS: without round trip */
};

/* The network of an address: its /24 or /48, as one number. */
static inline uint64_t path_net(const struct addr *address)
{
	unsigned len = address->family == 4 ? 24 : 48;
	struct addr net = addr_mask(address, len);
	return addr_net_id(&net, len);
}

/* The network again, of the number: addr_net_id() has its length in the last octet, which
 * no /24 and no /48 uses. */
static inline struct prefix path_net_prefix(uint64_t net)
{
	struct prefix p = {.addr.family = 4, .len = 24};
	uint8_t octets[8];
	memcpy(octets, &net, sizeof octets);
	if (octets[7] != p.len) {
		p.addr.family = 6;
		p.len = 48;
	}
	memcpy(p.addr.bytes, octets, p.len / 8);
	return p;
}

#endif
