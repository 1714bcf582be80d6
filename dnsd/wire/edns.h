/* edns.h - the OPT record (RFC 6891) and the options that we speak: client
 * subnet (RFC 7871), cookies (RFC 7873, 9018), NSID (RFC 5001), padding (RFC 7830)
 * and, in replies, extended errors (RFC 8914).
 * Pure functions; any thread.
 */
#ifndef WIRE_EDNS_H
#define WIRE_EDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum edns_option {
	EDNS_NSID = 3,
	EDNS_ECS = 8,
	EDNS_COOKIE = 10,
	EDNS_PADDING = 12,
	EDNS_EDE = 15,
};

/* INFO-CODEs (RFC 8914 4). 0 is another's, and never sent. */
enum ede_code {
	EDE_NONE = 0,
	EDE_NOT_READY = 14,
	EDE_PROHIBITED = 18,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21,
};

#define EDNS_FIXED_LEN 11 /* root, type, size, rcode, version, flags, length */
#define EDNS_DO 0x8000u
#define COOKIE_CLIENT_LEN 8
#define COOKIE_SERVER_LEN 16 /* that we make; others' may be 8..32 */

/* CLIENT-SUBNET as the client sent it. */
struct edns_ecs {
	bool present;
	uint16_t family; /* 1 IPv4, 2 IPv6, 0 with source 0 only */
	uint8_t source;  /* prefix length */
	uint8_t mapped; /* leading bits of ADDRESS that only say that the rest is
			     IPv4: ADDR_MAPPED_BITS or 0; source counts them */
	struct addr addr; /* the rest, filled up with zeros; family 0 for 0 */
};

struct edns {
	bool present;
	bool dnssec_ok;
	bool nsid; /* asked for */
	bool padded;
	uint8_t version;
	uint16_t udp_size;
	uint8_t cookie_len; /* 0: none, 8: client's only, 16..40: with server's */
	struct edns_ecs ecs;
	uint8_t cookie[40];
};

/* Reads the options of an OPT record. False: FORMERR. Of several options of
 * one kind the first counts. */
bool edns_read_options(struct edns *edns, const uint8_t *options, size_t len);

/* What a reply's OPT says. */
struct edns_reply {
	uint16_t udp_size;
	uint8_t rcode_high; /* upper eight bits of the extended rcode */
	bool dnssec_ok;
	bool with_cookie;
	bool padded;
	uint16_t padding;           /* with padded: octets of it */
	uint8_t scope;              /* with ecs */
	const struct edns_ecs *ecs; /* NULL: no option */
	const char *nsid;           /* NULL: no option */
	enum ede_code ede;          /* EDE_NONE: no option */
	const char *ede_text;       /* with ede; NULL: none */
	uint8_t cookie[COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN];
};

/* Octets that edns_write() will take. */
size_t edns_reply_len(const struct edns_reply *edns);

/* Writes the OPT record; there is room. Returns the octets written. */
size_t edns_write(const struct edns_reply *edns, uint8_t *out);

#endif
