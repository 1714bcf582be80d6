/* addr.h - IP addresses and prefixes, without ports.
 *
 * Bytes are in network order. An IPv4 address uses the first four bytes, the
 * rest is zero. IPv4-mapped IPv6 addresses become IPv4 where sockets are read.
 * Pure functions; any thread.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	uint8_t family; /* 4, 6, or 0 for none */
	uint8_t bytes[16];
};

/* An address range; bits beyond len are zero. */
struct prefix {
	struct addr addr;
	uint8_t len; /* 0..32 or 0..128 */
};

#define ADDR_TEXT_MAX 46
#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

/* 32 or 128. */
static inline unsigned addr_bits(const struct addr *a)
{
	return a->family == 4 ? 32 : 128;
}

/* Numeric forms only, never a name lookup. "1.2.3.4", "2001:db8::1". */
bool addr_parse(struct addr *a, const char *text);

/* "ADDR/LEN"; without /LEN a whole address. Host bits must be zero if strict. */
bool prefix_parse(struct prefix *p, const char *text, bool strict);

/* Writes the text into out (ADDR_TEXT_MAX, PREFIX_TEXT_MAX) and returns it. */
const char *addr_text(const struct addr *a, char *out);
const char *prefix_text(const struct prefix *p, char *out);

bool addr_equal(const struct addr *a, const struct addr *b);

/* a with all bits beyond len cleared. len above the family's is the family's. */
struct addr addr_mask(const struct addr *a, unsigned len);

/* Whether a is in p; families must agree. */
bool prefix_contains(const struct prefix *p, const struct addr *a);

/* From a socket address; unmaps ::ffff:a.b.c.d. Other families give family 0. */
struct addr addr_from_sockaddr(const struct sockaddr *sa);

/* "1.2.3.4:53", "[::1]:53"; port only with default_port > 0 may be missing.
 * Returns the length of the socket address, 0 if the text is not one. */
socklen_t sockaddr_parse(
	struct sockaddr_storage *out, const char *text, int default_port);

/* "1.2.3.4:53" or "[::1]:53". */
#define SOCKADDR_TEXT_MAX (ADDR_TEXT_MAX + 9)
const char *sockaddr_text(const struct sockaddr *sa, char *out);

#endif
