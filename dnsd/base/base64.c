#include "base/base64.h"

#include <assert.h>

#include "base/buf.h"

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	for (; n; p += 3) {
		size_t now = n < 3 ? n : 3;
		uint32_t v = (uint32_t)p[0] << 16 |
			(now > 1 ? (uint32_t)p[1] << 8 : 0) |
			(now > 2 ? p[2] : 0u);
		char four[4] = {base64_digits[v >> 18],
			base64_digits[v >> 12 & 63],
			now > 1 ? base64_digits[v >> 6 & 63] : '=',
			now > 2 ? base64_digits[v & 63] : '='};
		buf_add(out, four, sizeof four);
		n -= now;
	}
}

/* 64: it is no digit. */
static uint32_t base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_read(const char *text, size_t len, uint8_t *out, size_t *n)
{
	*n = 0;
	if (len % 4)
		return false;
	for (size_t at = 0; at < len; at += 4) {
		unsigned digits = 4;
		uint32_t v = 0;
		if (at + 4 == len && text[at + 3] == '=')
			digits = text[at + 2] == '=' ? 2 : 3;
		for (unsigned i = 0; i < 4; i++) {
			uint32_t d =
				i < digits ? base64_digit(text[at + i]) : 0;
			if (d > 63)
				return false;
			v = v << 6 | d;
		}
		for (unsigned i = 0; i + 1 < digits; i++)
			out[(*n)++] = (uint8_t)(v >> (16 - 8 * i));
	}
	assert(*n <= BASE64_ROOM(len));
	return true;
}
