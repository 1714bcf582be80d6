/* xdp_frames.h - frames with queries, for tests; checksums are made here, in another way
 * than in frame.c. */
#ifndef XDP_FRAMES_H
#define XDP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "xdp/frame.h"

#define FRAME_ROOM 2048
#define FRAME_CLIENT_PORT 4242
#define FRAME_SERVER_PORT 53

struct shape {
	bool v6;
	int tag;               /* -1: none */
	size_t len;            /* of the DNS message */
	const uint8_t *source; /* NULL: 192.0.2.2, 2001:db8::2 */
	/* Of IPv4, 0: as they should be. */
	uint8_t first, protocol;
	uint16_t fragment;
};

static inline uint8_t *frame_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* Of the octets, with a zero behind them if they are odd, on top of a sum. */
static inline unsigned frame_sum(const uint8_t *at, size_t n, unsigned sum)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? at[i] : (unsigned)at[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* Writes the IP header without its sum; behind it. */
static inline uint8_t *frame_put_ip(uint8_t *at, const struct shape *s)
{
	static const uint8_t v4[8] = {192, 0, 2, 2, 192, 0, 2, 1};
	static const uint8_t v6[32] = {
		0x20, 1, 0xd, 0xb8, [15] = 2, 0x20, 1, 0xd, 0xb8, [31] = 1};
	size_t size = s->v6 ? 16 : 4;

	if (s->v6) {
		memset(at, 0, 40);
		at[0] = 0x60;
		frame_put16(at + 4, (unsigned)s->len + 8);
		at[6] = 17;
		at[7] = 3;
		memcpy(at + 8, v6, 32);
	} else {
		memset(at, 0, 20);
		at[0] = s->first ? s->first : 0x45;
		frame_put16(at + 2, (unsigned)s->len + 28);
		at[8] = 3;
		at[9] = s->protocol ? s->protocol : 17;
		frame_put16(at + 6, s->fragment);
		memcpy(at + 12, v4, 8);
	}
	if (s->source)
		memcpy(at + (s->v6 ? 8 : 12), s->source, size);
	if (!s->v6)
		frame_put16(at + 10, 0xffff - frame_sum(at, 20, 0));
	return at + (s->v6 ? 40 : 20);
}

/* The octets of the frame. */
static inline size_t frame_make(uint8_t *frame, const struct shape *s)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint8_t *at = frame + 12;

	memcpy(frame, macs, 12);
	if (s->tag >= 0)
		at = frame_put16(frame_put16(at, 0x8100), (unsigned)s->tag);
	uint8_t *ip = frame_put16(at, s->v6 ? 0x86dd : 0x0800);
	uint8_t *udp = frame_put_ip(ip, s);
	frame_put16(udp, FRAME_CLIENT_PORT);
	frame_put16(udp + 2, FRAME_SERVER_PORT);
	frame_put16(udp + 4, (unsigned)s->len + 8);
	frame_put16(udp + 6, 0);
	for (size_t i = 0; i < s->len; i++)
		udp[8 + i] = (uint8_t)(i * 7 + s->len);
	unsigned sum = frame_sum(s->v6 ? ip + 8 : ip + 12, s->v6 ? 32 : 8,
		17 + (unsigned)s->len + 8);
	sum = 0xffff - frame_sum(udp, s->len + 8, sum);
	frame_put16(udp + 6, sum ? sum : 0xffff);
	return (size_t)(udp + 8 + s->len - frame);
}

#endif
