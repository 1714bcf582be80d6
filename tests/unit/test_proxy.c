/* test_proxy.c - what proxy_header_read() makes of octets, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\300\0\2\7\306\63\144\1\x30\x39\0\65" /* 192.0.2.7:12345 */
#define V6                                                                   \
	" \1\r\270\0\0\0\0\0\0\0\0\0\0\0\7 \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1" \
	"\x30\x39\0\65"
#define HEADER(rest) \
	(const uint8_t *)(SIGNATURE rest), sizeof(SIGNATURE rest) - 1

static struct proxy_header h;

/* Of an exact copy on the heap, so that a sanitizer sees an octet too many. Nothing
 * shorter is a header, nor bad if the whole is none. */
static enum proxy_read read_header(const uint8_t *octets, size_t n)
{
	enum proxy_read whole = PROXY_MORE;
	bool bad = false;
	size_t more = 0;
	for (size_t len = 0; len <= n; len++) {
		uint8_t *copy = malloc(len + 1);
		memcpy(copy + 1, octets, len);
		whole = proxy_header_read(copy + 1, len, &h);
		if (whole == PROXY_MORE)
			more = len + proxy_header_more(copy + 1, len);
		free(copy);
		/* What is surely the header's is never beyond its end. */
		assert_true(whole != PROXY_MORE || more > len);
		assert_true(whole != PROXY_READ || more == h.len);
		assert_true(!bad || whole == PROXY_BAD);
		assert_true(whole != PROXY_READ || h.len <= len);
		bad = whole == PROXY_BAD;
	}
	return whole;
}

static void check_client(const char *text, unsigned port, bool stream)
{
	char out[ADDR_TEXT_MAX];
	assert_string_equal(addr_text(&h.client, out), text);
	assert_int_equal(h.port, port);
	assert_int_equal(h.stream, stream);
}

static void test_families(void **state)
{
	assert_int_equal(read_header(HEADER("\x21\x12\0\xc" V4)), PROXY_READ);
	assert_int_equal(h.len, 28);
	check_client("192.0.2.7", 12345, false);
	assert_int_equal(read_header(HEADER("\x21\x11\0\xc" V4)), PROXY_READ);
	check_client("192.0.2.7", 12345, true);
	assert_int_equal(read_header(HEADER("\x21\x22\0\x24" V6)), PROXY_READ);
	assert_int_equal(h.len, 52);
	check_client("2001:db8::7", 12345, false);
	assert_int_equal(read_header(HEADER("\x21\x21\0\x24" V6)), PROXY_READ);
	check_client("2001:db8::7", 12345, true);
}

/* An IPv4 address in an IPv6 one is that IPv4 address. */
static void test_mapped(void **state)
{
	static const uint8_t address[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
	uint8_t octets[52];
	memcpy(octets, SIGNATURE "\x21\x22\0\x24", 16);
	memcpy(octets + 16, address, 16);
	memset(octets + 32, 1, 20);
	assert_int_equal(read_header(octets, sizeof octets), PROXY_READ);
	check_client("192.0.2.7", 0x0101, false);
}

/* The proxy asks for itself, whatever stands behind. */
static void test_local(void **state)
{
	assert_int_equal(read_header(HEADER("\x20\0\0\0")), PROXY_READ);
	assert_int_equal(h.len, 16);
	assert_int_equal(h.client.family, 0);
	assert_int_equal(read_header(HEADER("\x20\x12\0\xc" V4)), PROXY_READ);
	assert_int_equal(h.len, 28);
	assert_int_equal(h.client.family, 0);
	assert_int_equal(read_header(HEADER("\x21\0\0\3abc")), PROXY_READ);
	assert_int_equal(h.len, 19);
	assert_int_equal(h.client.family, 0);
	uint8_t unix_path[16 + 216] = {0};
	memcpy(unix_path, SIGNATURE "\x21\x31\0\xd8", 16);
	assert_int_equal(read_header(unix_path, sizeof unix_path), PROXY_READ);
	assert_int_equal(h.len, sizeof unix_path);
	assert_int_equal(h.client.family, 0);
}

static void test_tlvs(void **state)
{
	assert_int_equal(
		read_header(HEADER("\x21\x12\0\x11" V4 "\xe0\0\2xyquery")),
		PROXY_READ);
	assert_int_equal(h.len, 33);
	check_client("192.0.2.7", 12345, false);
}

static void test_more(void **state)
{
	assert_int_equal(read_header(HEADER("")), PROXY_MORE);
	assert_int_equal(read_header(HEADER("\x21\x12\0")), PROXY_MORE);
	assert_int_equal(
		read_header(HEADER("\x21\x12\0\xc\300\0\2\7")), PROXY_MORE);
	assert_int_equal(
		read_header(HEADER("\x21\x12\x0f\xf0" V4)), PROXY_MORE);
}

static void test_bad(void **state)
{
	/* another version; another command */
	assert_int_equal(read_header(HEADER("\x11\x12\0\xc" V4)), PROXY_BAD);
	assert_int_equal(read_header(HEADER("\x31\x12\0\xc" V4)), PROXY_BAD);
	assert_int_equal(read_header(HEADER("\x22\x12\0\xc" V4)), PROXY_BAD);
	/* a family, a transport that there is not */
	assert_int_equal(read_header(HEADER("\x21\x42\0\xc" V4)), PROXY_BAD);
	assert_int_equal(read_header(HEADER("\x21\x13\0\xc" V4)), PROXY_BAD);
	/* addresses that do not fit in; longer than any is read */
	assert_int_equal(read_header(HEADER("\x21\x12\0\xb" V4)), PROXY_BAD);
	assert_int_equal(read_header(HEADER("\x21\x22\0\x23" V6)), PROXY_BAD);
	assert_int_equal(read_header(HEADER("\x21\x12\x0f\xf1" V4)), PROXY_BAD);
	/* version 1, a query, nothing of it */
	const char *text = "PROXY TCP4 192.0.2.7 192.0.2.1 12345 53\r\n";
	assert_int_equal(
		read_header((const uint8_t *)text, strlen(text)), PROXY_BAD);
	const uint8_t query[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	assert_int_equal(read_header(query, sizeof query), PROXY_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_tlvs),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
