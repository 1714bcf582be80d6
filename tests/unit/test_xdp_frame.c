/* test_xdp_frame.c - frames with queries, and those of their replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xdp_frames.h"

static struct frame_query q;

/* Of an exact copy on the heap, so that a sanitizer sees an octet too many. */
static enum frame_kind read_frame(const uint8_t *frame, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	memcpy(copy + 1, frame, len);
	enum frame_kind kind = frame_read(copy + 1, len, &q);
	free(copy);
	return kind;
}

static const struct shape shapes[] = {{.v6 = false, .tag = -1},
	{.v6 = true, .tag = -1}, {.v6 = false, .tag = 7},
	{.v6 = true, .tag = 4095}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static void test_read(void **state)
{
	char text[ADDR_TEXT_MAX];
	for (size_t i = 0; i < SHAPES; i++) {
		struct shape s = shapes[i];
		for (s.len = 0; s.len < 70; s.len++) {
			uint8_t frame[FRAME_ROOM];
			size_t len = frame_make(frame, &s);
			assert_int_equal(read_frame(frame, len), FRAME_QUERY);
			assert_int_equal(q.len, s.len);
			assert_int_equal(q.headers + q.len, len);
			assert_int_equal(q.port, FRAME_CLIENT_PORT);
			assert_string_equal(addr_text(&q.peer, text),
				s.v6 ? "2001:db8::2" : "192.0.2.2");
		}
	}
}

/* A frame may be longer than its packet, never shorter. */
static void test_lengths(void **state)
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct shape s = shapes[i];
		uint8_t frame[FRAME_ROOM] = {0};
		s.len = 20;
		size_t len = frame_make(frame, &s);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(read_frame(frame, n), FRAME_MALFORMED);
		for (size_t n = len; n < len + 20; n++)
			assert_int_equal(read_frame(frame, n), FRAME_QUERY);
		assert_int_equal(q.len, 20);
	}
}

/* Each bit of a packet, but for the hardware addresses, is covered by a checksum or
 * read. */
static void test_bits(void **state)
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct shape s = shapes[i];
		uint8_t frame[FRAME_ROOM];
		s.len = 21;
		size_t len = frame_make(frame, &s);
		size_t ip = s.tag < 0 ? 14 : 18;
		for (size_t bit = (ip - 2) * 8; bit < len * 8; bit++) {
			/* IPv6's class, flow label and hop limit: no sum */
			size_t at = bit / 8 - ip;
			if (s.v6 && (bit / 8 >= ip) &&
				((at > 0 && at < 4) || at == 7 ||
					(at == 0 && bit % 8 < 4)))
				continue;
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(
				read_frame(frame, len), FRAME_QUERY);
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(read_frame(frame, len), FRAME_QUERY);
	}
}

static void test_no_checksum(void **state)
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct shape s = shapes[i];
		uint8_t frame[FRAME_ROOM];
		s.len = 20;
		size_t len = frame_make(frame, &s);
		memset(frame + len - 20 - 2, 0, 2);
		assert_int_equal(read_frame(frame, len),
			s.v6 ? FRAME_BAD_CHECKSUM : FRAME_QUERY);
	}
}

/* The reply is read as a query from where the query went. */
static void test_reply(void **state)
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct shape s = shapes[i];
		s.len = 33;
		for (size_t answer = 0; answer <= 1232; answer++) {
			uint8_t frame[FRAME_ROOM], out[FRAME_ROOM];
			char text[ADDR_TEXT_MAX];
			size_t len = frame_make(frame, &s);
			assert_int_equal(read_frame(frame, len), FRAME_QUERY);
			uint8_t headers = q.headers, ip = q.ip_at;
			memset(out, 0xa5, sizeof out);
			for (size_t k = 0; k < answer; k++)
				out[headers + k] = (uint8_t)(k * answer);
			len = frame_reply(frame, &q, out, answer);
			assert_int_equal(len, headers + answer);
			assert_int_equal(read_frame(out, len), FRAME_QUERY);
			assert_int_equal(q.len, answer);
			assert_int_equal(q.headers, headers);
			assert_int_equal(q.port, FRAME_SERVER_PORT);
			assert_string_equal(addr_text(&q.peer, text),
				s.v6 ? "2001:db8::1" : "192.0.2.1");
			assert_memory_equal(out, frame + 6, 6);
			assert_memory_equal(out + 6, frame, 6);
			assert_memory_equal(out + 12, frame + 12, ip - 12u);
			assert_int_equal(out[ip + (s.v6 ? 7 : 8)], 64);
		}
	}
}

/* With good checksums. */
static void test_headers(void **state)
{
	static const uint8_t first[] = {0x44, 0x46, 0x4f, 0x55, 0x65};
	uint8_t frame[FRAME_ROOM];

	for (size_t i = 0; i < sizeof first; i++) {
		struct shape s = {.tag = -1, .len = 20, .first = first[i]};
		assert_int_equal(read_frame(frame, frame_make(frame, &s)),
			FRAME_MALFORMED);
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		struct shape s = {
			.tag = -1, .len = 20, .fragment = (uint16_t)(1 << bit)};
		assert_int_equal(read_frame(frame, frame_make(frame, &s)),
			bit < 14 ? FRAME_MALFORMED : FRAME_QUERY);
	}
	struct shape tcp = {.tag = -1, .len = 20, .protocol = 6};
	assert_int_equal(
		read_frame(frame, frame_make(frame, &tcp)), FRAME_MALFORMED);
	struct shape v4 = {.tag = -1, .len = 20};
	size_t len = frame_make(frame, &v4);
	frame_put16(frame + 12, 0x0806);
	assert_int_equal(read_frame(frame, len), FRAME_MALFORMED);
}

/* Locally assigned and link-local ones of IPv6, the largest of IPv4. */
static void test_good_sources(void **state)
{
	static const uint8_t good4[] = {223, 255, 255, 254};
	static const uint8_t good6[][16] = {{0xfe, 0x80, [15] = 1},
		{0xfd, [15] = 1}, {[1] = 0x64, 0xff, 0x9b, [15] = 1},
		{0x7f, [15] = 1}};
	uint8_t frame[FRAME_ROOM];
	struct shape s = {.tag = -1, .len = 20, .source = good4};

	assert_int_equal(read_frame(frame, frame_make(frame, &s)), FRAME_QUERY);
	s.v6 = true;
	for (size_t i = 0; i < 4; i++) {
		s.source = good6[i];
		assert_int_equal(
			read_frame(frame, frame_make(frame, &s)), FRAME_QUERY);
	}
}

static void test_sources(void **state)
{
	static const uint8_t bad4[][4] = {{0, 1, 2, 3}, {127, 0, 0, 1},
		{224, 0, 0, 1}, {255, 255, 255, 255}};
	static const uint8_t bad6[][16] = {{0}, {[15] = 1},
		{[0] = 0xff, [1] = 2, [15] = 1},
		{[10] = 0xff, 0xff, 10, 0, 0, 1}};
	uint8_t frame[FRAME_ROOM];
	struct shape s = {.tag = -1, .len = 20};

	for (size_t i = 0; i < 4; i++) {
		s.v6 = false;
		s.source = bad4[i];
		assert_int_equal(read_frame(frame, frame_make(frame, &s)),
			FRAME_MALFORMED);
		s.v6 = true;
		s.source = bad6[i];
		assert_int_equal(read_frame(frame, frame_make(frame, &s)),
			FRAME_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_no_checksum),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_good_sources),
		cmocka_unit_test(test_sources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
