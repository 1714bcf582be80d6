#include "xdp/frame.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#define MAC 6
#define VLAN_TAG 0x8100
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define PROTOCOL_UDP 17
#define TTL 64
#define DONT_FRAGMENT 0x4000
#define FRAGMENT 0x3fff /* more of them, or an offset */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* -- sums of the internet checksum (RFC 1071), as the octets lie in memory -- */

static uint64_t sum_add(uint64_t sum, const uint8_t *octets, size_t n)
{
	uint32_t word;
	uint16_t half = 0;

	for (; n >= 4; octets += 4, n -= 4) {
		memcpy(&word, octets, 4);
		sum += word;
	}
	if (n >= 2) {
		memcpy(&half, octets, 2);
		sum += half;
		octets += 2;
		n -= 2;
	}
	if (n) {
		half = 0;
		memcpy(&half, octets, 1);
		sum += half;
	}
	return sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of the pseudo header: addresses, protocol and length. */
static uint64_t sum_pseudo(
	const uint8_t *addresses, size_t n, const uint8_t *udp_len)
{
	uint64_t sum = htons(PROTOCOL_UDP);
	sum = sum_add(sum, addresses, n);
	return sum_add(sum, udp_len, 2);
}

/* -- reading -- */

static bool checksum_good(const uint8_t *addresses, size_t n,
	const uint8_t *udp, size_t len, bool may_lack)
{
	uint64_t pseudo = sum_pseudo(addresses, n, udp + 4);
	uint16_t sum;

	memcpy(&sum, udp + 6, 2);
	if (!sum)
		return may_lack;
	return sum_fold(sum_add(pseudo, udp, len)) == 0xffff ||
		sum_fold(pseudo) == sum;
}

/* Not what the kernel calls a martian. IPv4 in IPv6 is no address of a packet. */
static bool may_answer(const struct addr *peer, uint16_t port)
{
	static const uint8_t loopback[16] = {[15] = 1}, none[16];
	const uint8_t *b = peer->bytes;
	struct addr copy = *peer;

	if (!port)
		return false;
	if (peer->family == 4)
		return b[0] != 0 && b[0] != 127 && b[0] < 224;
	return b[0] != 0xff && memcmp(b, loopback, 16) && memcmp(b, none, 16) &&
		!addr_unmap(&copy);
}

static enum frame_kind read_udp(const uint8_t *frame, const uint8_t *addresses,
	size_t address, size_t room, struct frame_query *q)
{
	const uint8_t *udp = frame + q->headers - UDP_HEADER;
	size_t len = get16(udp + 4);

	q->peer = (struct addr){.family = address == 4 ? 4 : 6};
	memcpy(q->peer.bytes, addresses, address);
	q->port = get16(udp);
	if (len < UDP_HEADER || len > room || !may_answer(&q->peer, q->port))
		return FRAME_MALFORMED;
	q->len = (uint16_t)(len - UDP_HEADER);
	if (!checksum_good(addresses, 2 * address, udp, len, address == 4))
		return FRAME_BAD_CHECKSUM;
	return FRAME_QUERY;
}

static enum frame_kind read_ipv4(
	const uint8_t *frame, size_t len, struct frame_query *q)
{
	const uint8_t *ip = frame + q->ip_at;

	if (len < (size_t)q->ip_at + IPV4_HEADER + UDP_HEADER)
		return FRAME_MALFORMED;
	size_t total = get16(ip + 2);
	if (ip[0] != 0x45 || (get16(ip + 6) & FRAGMENT) ||
		ip[9] != PROTOCOL_UDP || total < IPV4_HEADER + UDP_HEADER ||
		total > len - q->ip_at)
		return FRAME_MALFORMED;
	if (sum_fold(sum_add(0, ip, IPV4_HEADER)) != 0xffff)
		return FRAME_BAD_CHECKSUM;
	q->headers = (uint8_t)(q->ip_at + IPV4_HEADER + UDP_HEADER);
	return read_udp(frame, ip + 12, 4, total - IPV4_HEADER, q);
}

static enum frame_kind read_ipv6(
	const uint8_t *frame, size_t len, struct frame_query *q)
{
	const uint8_t *ip = frame + q->ip_at;

	if (len < (size_t)q->ip_at + IPV6_HEADER + UDP_HEADER)
		return FRAME_MALFORMED;
	size_t payload = get16(ip + 4);
	if (ip[0] >> 4 != 6 || ip[6] != PROTOCOL_UDP || payload < UDP_HEADER ||
		payload > len - q->ip_at - IPV6_HEADER)
		return FRAME_MALFORMED;
	q->headers = (uint8_t)(q->ip_at + IPV6_HEADER + UDP_HEADER);
	return read_udp(frame, ip + 8, 16, payload, q);
}

enum frame_kind frame_read(
	const uint8_t *frame, size_t len, struct frame_query *q)
{
	if (len < 18)
		return FRAME_MALFORMED;
	bool tagged = get16(frame + 2 * MAC) == VLAN_TAG;
	q->ip_at = tagged ? 18 : 14;
	switch (get16(frame + q->ip_at - 2)) {
	case TYPE_IPV4:
		return read_ipv4(frame, len, q);
	case TYPE_IPV6:
		return read_ipv6(frame, len, q);
	}
	return FRAME_MALFORMED;
}

/* -- writing -- */

/* Addresses and ports change places; the checksum is written. */
static void write_udp(const uint8_t *from, uint8_t *to, uint8_t *udp,
	size_t address, size_t len)
{
	const uint8_t *asked = from + 2 * address;

	memcpy(to, from + address, address);
	memcpy(to + address, from, address);
	memcpy(udp, asked + 2, 2);
	memcpy(udp + 2, asked, 2);
	put16(udp + 4, len);
	put16(udp + 6, 0);
	uint64_t sum = sum_pseudo(to, 2 * address, udp + 4);
	uint16_t check = (uint16_t)~sum_fold(sum_add(sum, udp, len));
	if (!check)
		check = 0xffff; /* zero: there is none (RFC 768) */
	memcpy(udp + 6, &check, 2);
}

static void write_ipv4(const uint8_t *asked, uint8_t *ip, size_t len)
{
	len += UDP_HEADER;
	memset(ip, 0, IPV4_HEADER);
	ip[0] = 0x45;
	put16(ip + 2, IPV4_HEADER + len);
	put16(ip + 6, DONT_FRAGMENT);
	ip[8] = TTL;
	ip[9] = PROTOCOL_UDP;
	write_udp(asked + 12, ip + 12, ip + IPV4_HEADER, 4, len);
	uint16_t check = (uint16_t)~sum_fold(sum_add(0, ip, IPV4_HEADER));
	memcpy(ip + 10, &check, 2);
}

static void write_ipv6(const uint8_t *asked, uint8_t *ip, size_t len)
{
	len += UDP_HEADER;
	memset(ip, 0, 8);
	ip[0] = 0x60;
	put16(ip + 4, len);
	ip[6] = PROTOCOL_UDP;
	ip[7] = TTL;
	write_udp(asked + 8, ip + 8, ip + IPV6_HEADER, 16, len);
}

size_t frame_reply(const uint8_t *frame, const struct frame_query *q,
	uint8_t *out, size_t len)
{
	assert(q->headers <= FRAME_HEADERS_MAX);
	memcpy(out, frame + MAC, MAC);
	memcpy(out + MAC, frame, MAC);
	memcpy(out + 2 * MAC, frame + 2 * MAC, q->ip_at - 2 * MAC);
	if (q->headers - q->ip_at == IPV4_HEADER + UDP_HEADER)
		write_ipv4(frame + q->ip_at, out + q->ip_at, len);
	else
		write_ipv6(frame + q->ip_at, out + q->ip_at, len);
	return q->headers + len;
}
