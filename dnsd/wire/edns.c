#include "wire/edns.h"

#include <string.h>

#include "base/octets.h"
#include "wire/rr.h"

/* RFC 7871 6: exactly as many address octets as the source needs, nothing
 * beyond it, and no scope in a query. */
static bool read_ecs(struct edns_ecs *ecs, const uint8_t *p, size_t len)
{
	if (len < 4)
		return false;
	uint16_t family = get16(p);
	uint8_t source = p[2], scope = p[3];
	unsigned bits = family == 1 ? 32 : family == 2 ? 128 : 0;

	if (family > 2 || scope || source > bits ||
		len != 4 + (source + 7u) / 8)
		return false;
	if (source % 8 && p[len - 1] & 0xff >> source % 8)
		return false;
	if (ecs->present)
		return true;
	ecs->present = true;
	ecs->family = family;
	ecs->source = source;
	ecs->addr.family = bits == 32 ? 4 : bits ? 6 : 0;
	uint64_t upper = 0, lower = 0;
	if (len > 12) {
		memcpy(&upper, p + 4, 8);
		lower = octets_before(p + len, len - 12);
	} else if (len > 4) {
		upper = octets_before(p + len, len - 4);
	}
	memcpy(ecs->addr.bytes, &upper, 8);
	memcpy(ecs->addr.bytes + 8, &lower, 8);
	ecs->mapped = 0;
	if (source >= ADDR_MAPPED_BITS)
		ecs->mapped = (uint8_t)addr_unmap(&ecs->addr);
	return true;
}

/* RFC 7873 5.2.2: 8 octets, or 8 with a server's cookie of 8 to 32. */
static bool read_cookie(struct edns *edns, const uint8_t *p, size_t len)
{
	if (len != COOKIE_CLIENT_LEN && (len < 16 || len > 40))
		return false;
	if (edns->cookie_len)
		return true;
	edns->cookie_len = (uint8_t)len;
	memcpy(edns->cookie, p, len);
	return true;
}

bool edns_read_options(struct edns *edns, const uint8_t *p, size_t len)
{
	while (len) {
		if (len < 4)
			return false;
		unsigned code = get16(p);
		size_t n = get16(p + 2);
		p += 4, len -= 4;
		if (n > len)
			return false;
		if (code == EDNS_ECS && !read_ecs(&edns->ecs, p, n))
			return false;
		if (code == EDNS_COOKIE && !read_cookie(edns, p, n))
			return false;
		if (code == EDNS_NSID)
			edns->nsid = true;
		if (code == EDNS_PADDING)
			edns->padded = true;
		p += n, len -= n;
	}
	return true;
}

static size_t ecs_len(const struct edns_ecs *ecs)
{
	return 4 + (ecs->source + 7u) / 8;
}

static size_t ede_len(const struct edns_reply *edns)
{
	return 2 + (edns->ede_text ? strlen(edns->ede_text) : 0);
}

size_t edns_reply_len(const struct edns_reply *edns)
{
	size_t n = EDNS_FIXED_LEN;
	if (edns->ecs)
		n += 4 + ecs_len(edns->ecs);
	if (edns->with_cookie)
		n += 4 + sizeof edns->cookie;
	if (edns->nsid)
		n += 4 + strlen(edns->nsid);
	if (edns->ede)
		n += 4 + ede_len(edns);
	if (edns->padded)
		n += 4u + edns->padding;
	return n;
}

/* Code and length of an option. */
static inline uint8_t *option(uint8_t *p, unsigned code, size_t len)
{
	put32(p, code << 16 | (uint32_t)len);
	return p + 4;
}

static inline uint8_t *write_ecs(
	uint8_t *p, const struct edns_ecs *ecs, unsigned scope)
{
	size_t n = ecs_len(ecs);
	p = option(p, EDNS_ECS, n);
	put32(p,
		(uint32_t)ecs->family << 16 | (uint32_t)ecs->source << 8 |
			scope);
	if (ecs->mapped) {
		static const uint8_t v4_mapped[12] = {[10] = 0xff, 0xff};
		memcpy(p + 4, v4_mapped, sizeof v4_mapped);
		memcpy(p + 16, ecs->addr.bytes, n - 16);
	} else {
		octets_copy(p + 4, ecs->addr.bytes, n - 4);
	}
	return p + n;
}

size_t edns_write(const struct edns_reply *edns, uint8_t *out)
{
	uint8_t *p = out + EDNS_FIXED_LEN;

	out[0] = 0;
	put32(out + 1, (uint32_t)RR_OPT << 16 | edns->udp_size);
	/* Our version is 0; DO is copied (RFC 3225 3). */
	put32(out + 5,
		(uint32_t)edns->rcode_high << 24 |
			(edns->dnssec_ok ? EDNS_DO : 0));
	if (edns->ecs)
		p = write_ecs(p, edns->ecs, edns->scope);
	if (edns->with_cookie) {
		p = option(p, EDNS_COOKIE, sizeof edns->cookie);
		memcpy(p, edns->cookie, sizeof edns->cookie);
		p += sizeof edns->cookie;
	}
	if (edns->nsid) {
		size_t n = strlen(edns->nsid);
		p = option(p, EDNS_NSID, n);
		memcpy(p, edns->nsid, n);
		p += n;
	}
	if (edns->ede) {
		size_t n = ede_len(edns);
		p = option(p, EDNS_EDE, n);
		put16(p, edns->ede);
		if (n > 2)
			memcpy(p + 2, edns->ede_text, n - 2);
		p += n;
	}
	if (edns->padded) {
		p = option(p, EDNS_PADDING, edns->padding);
		memset(p, 0, edns->padding);
		p += edns->padding;
	}
	put16(out + 9, (unsigned)(p - out - EDNS_FIXED_LEN));
	return (size_t)(p - out);
}
