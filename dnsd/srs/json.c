#include "srs/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

#define MARK 0x7f

/* -- texts -- */

/* The four digits of \uXXXX; -1: not one. */
static int unicode(const unsigned char *p, size_t left)
{
	char digits[5] = {0};
	char *end;

	if (left < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(digits, p + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return (int)strtoul(digits, &end, 16);
}

/* Octets of the escape that begins there; 0: none that a parser takes. */
static size_t escape(const unsigned char *p, size_t left)
{
	if (left >= 2 && p[1] && strchr("\"\\/bfnrt", p[1]))
		return 2;
	int code = unicode(p, left);
	if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff))
		return 0;
	if (code < 0xd800 || code > 0xdbff)
		return 6;
	int second = unicode(p + 6, left - 6);
	return second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* Marks what is odd within strings. */
static void srs_json_mark(unsigned char *p, size_t left)
{
	bool inside = false;
	while (left) {
		size_t n = 1;
		if (*p == '"') {
			inside = !inside;
		} else if (inside && *p == '\\') {
			n = escape(p, left);
		} else if (inside) {
			n = *p < ' ' ? 0 : utf8_character(p, left);
		}
		if (!n) {
			*p = MARK;
			n = 1;
		}
		p += n;
		left -= n;
	}
}

static json_t *srs_json_parse(const char *body, size_t len, json_error_t *error)
{
	json_t *top = json_loadb(body, len, 0, error);
	if (!top && json_error_code(error) == json_error_numeric_overflow)
		top = json_loadb(body, len, JSON_DECODE_INT_AS_REAL, error);
	return top;
}

struct json_t *srs_json(const char *body, size_t len)
{
	json_error_t error;
	json_t *top = srs_json_parse(body, len, &error);
	if (top || !len)
		return top;
	unsigned char *copy = mem_alloc(len);
	memcpy(copy, body, len);
	srs_json_mark(copy, len);
	top = srs_json_parse((const char *)copy, len, &error);
	free(copy);
	return top;
}

/* -- numbers -- */

bool srs_json_whole(const struct json_t *value, uint64_t *out)
{
	if (json_is_integer(value)) {
		json_int_t n = json_integer_value(value);
		*out = (uint64_t)n;
		return n >= 0;
	}
	if (!json_is_real(value))
		return false;
	double n = json_real_value(value);
	if (!(n >= 0 && n <= 0x1p64))
		return false;
	*out = n < 0x1p64 ? (uint64_t)n : UINT64_MAX;
	return n == 0x1p64 || (double)*out == n;
}
