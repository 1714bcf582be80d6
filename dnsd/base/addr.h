/* addr.h - IP addresses and prefixes, without ports.
 *
 * Bytes are in network order. An IPv4 address uses the first four bytes, the
 * rest is zero. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is that IPv4 address
 * wherever an address comes in: what reads one calls addr_unmap().
 * Pure functions; any thread.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rng.h"

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

/* Numeric forms only, never a name lookup. "1.2.3.4", "2001:db8::1";
 * "::ffff:1.2.3.4" is 1.2.3.4. */
bool addr_parse(struct addr *a, const char *text);

/* "ADDR/LEN"; without /LEN a whole address. Host bits must be zero if strict.
 * "::ffff:1.2.3.0/120" is 1.2.3.0/24. */
bool prefix_parse(struct prefix *p, const char *text, bool strict);

/* Writes the text into out (ADDR_TEXT_MAX, PREFIX_TEXT_MAX) and returns it. */
const char *addr_text(const struct addr *a, char *out);
const char *prefix_text(const struct prefix *p, char *out);

/* The first or the second half of the octets, as they lie in memory. */
static inline uint64_t addr_half(const struct addr *a, unsigned half)
{
	uint64_t word;
	memcpy(&word, a->bytes + 8 * half, 8);
	return word;
}

/* A half of a mask of that many bits, as it lies in memory. */
static inline uint64_t addr_mask_half(unsigned len)
{
	uint64_t mask = len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
	return htobe64(mask);
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && addr_half(a, 0) == addr_half(b, 0) &&
		addr_half(a, 1) == addr_half(b, 1);
}

/* a with all bits beyond len cleared. len above the family's is the family's. */
static inline struct addr addr_mask(const struct addr *a, unsigned len)
{
	struct addr r = {.family = a->family};
	uint64_t upper = addr_half(a, 0) & addr_mask_half(len);
	uint64_t lower =
		len > 64 ? addr_half(a, 1) & addr_mask_half(len - 64) : 0;
	memcpy(r.bytes, &upper, 8);
	memcpy(r.bytes + 8, &lower, 8);
	return r;
}

/* A net as one number: no two nets have the same, of IPv4 and of IPv6 up to /56;
 * longer ones are hashed into the same 64 bits. net is masked to len. */
static inline uint64_t addr_net_id(const struct addr *net, unsigned len)
{
	uint64_t half = addr_half(net, 0);
	unsigned code = net->family == 4 ? len : 33 + len;
	if (__builtin_expect(len > 56, false)) /* the last octet is in use */
		half = hash_mix(half + hash_mix(addr_half(net, 1) + code));
	return half ^ htobe64(code);
}

/* Whether a is in p; families must agree. */
static inline bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	uint64_t upper = addr_half(a, 0) ^ addr_half(&p->addr, 0);
	uint64_t lower = addr_half(a, 1) ^ addr_half(&p->addr, 1);
	return p->addr.family == a->family &&
		!(upper & addr_mask_half(p->len)) &&
		(p->len <= 64 || !(lower & addr_mask_half(p->len - 64u)));
}

/* Whether a is in one of n. */
static inline bool prefix_any(
	const struct prefix *p, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_contains(&p[i], a))
			return true;
	return false;
}

/* Where the IPv4 address begins in IPv4-mapped and in NAT64 addresses. */
#define ADDR_MAPPED_BITS 96

/* An IPv4-mapped address becomes IPv4; others stay. Returns how many leading bits
 * were taken away: ADDR_MAPPED_BITS or 0. */
static inline unsigned addr_unmap(struct addr *a)
{
	if (a->family != 6 || addr_half(a, 0) ||
		be64toh(addr_half(a, 1)) >> 32 != 0xffff)
		return 0;
	uint64_t half[2] = {htobe64(be64toh(addr_half(a, 1)) << 32), 0};
	a->family = 4;
	memcpy(a->bytes, half, sizeof half);
	return ADDR_MAPPED_BITS;
}

/* The same for a prefix: it is mapped if all of its addresses are. */
static inline void prefix_unmap(struct prefix *p)
{
	if (p->len >= ADDR_MAPPED_BITS)
		p->len = (uint8_t)(p->len - addr_unmap(&p->addr));
}

/* The IPv4 address inside a 6to4 (2002::/16, RFC 3056) or a NAT64 one
 * (64:ff9b::/96, RFC 6052). Returns the bit where it begins; 0: none is. */
static inline unsigned addr_inside(const struct addr *a, struct addr *v4)
{
	uint64_t upper = be64toh(addr_half(a, 0));
	uint64_t lower = be64toh(addr_half(a, 1));
	unsigned begin = 0;

	if (a->family == 6 && upper >> 48 == 0x2002)
		begin = 16;
	else if (a->family == 6 && upper == 0x0064ff9b00000000 &&
		!(lower >> 32))
		begin = ADDR_MAPPED_BITS;
	*v4 = (struct addr){.family = 4};
	memcpy(v4->bytes, a->bytes + begin / 8, 4);
	return begin;
}

/* From a socket address. Other families give family 0. By halves, as it is read: a
 * half of which a part was just written makes its reader wait. */
static inline struct addr addr_from_sockaddr(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	struct addr a = {.family = 0};
	uint64_t half[2] = {0, 0};

	if (sa->sa_family == AF_INET) {
		a.family = 4;
		half[0] = htobe64((uint64_t)ntohl(in->sin_addr.s_addr) << 32);
	} else if (sa->sa_family == AF_INET6) {
		a.family = 6;
		memcpy(half, &in6->sin6_addr, sizeof half);
	}
	memcpy(a.bytes, half, sizeof half);
	addr_unmap(&a);
	return a;
}

/* Of IPv4 or IPv6, where it lies at the same place. */
static inline uint16_t sockaddr_port(const struct sockaddr_storage *ss)
{
	_Static_assert(offsetof(struct sockaddr_in, sin_port) ==
			offsetof(struct sockaddr_in6, sin6_port),
		"one place");
	return ntohs(((const struct sockaddr_in *)(const void *)ss)->sin_port);
}

/* "1.2.3.4:53", "[::1]:53"; port only with default_port > 0 may be missing.
 * Returns the length of the socket address, 0 if the text is not one. */
socklen_t sockaddr_parse(
	struct sockaddr_storage *out, const char *text, int default_port);

/* "1.2.3.4:53" or "[::1]:53". */
#define SOCKADDR_TEXT_MAX (ADDR_TEXT_MAX + 9)
const char *sockaddr_text(const struct sockaddr *sa, char *out);

#endif
