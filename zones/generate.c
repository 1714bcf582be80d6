#include "zones/generate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "zones/text.h"

#define NUMBER_MAX INT32_MAX
#define WIDTH_MAX 255

bool generate_range(const char *text, struct generate_range *range)
{
	size_t from = strcspn(text, "-");
	const char *to = text + from + (text[from] != '\0');
	size_t len = strcspn(to, "/");
	const char *step = to[len] ? to + len + 1 : "1";
	struct text_word words[] = {
		{text, from}, {to, len}, {step, strlen(step)}};
	uint64_t n[3];

	for (unsigned i = 0; i < 3; i++)
		if (!text_number(&words[i], NUMBER_MAX, &n[i]))
			return false;
	*range = (struct generate_range){
		(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2]};
	return range->from <= range->to && range->step > 0;
}

/* Digits from the last to the first, at least so many characters. */
static void put_nibbles(
	struct buf *out, uint64_t number, unsigned width, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned n = 0;
	do {
		if (n++)
			buf_add(out, ".", 1);
		buf_add(out, &digits[number & 15], 1);
		number >>= 4;
	} while (number || 2 * n - 1 < width);
}

static bool put_number(
	struct buf *out, int64_t number, unsigned width, char base)
{
	unsigned long long n = (unsigned long long)number;
	int w = (int)width;

	if (number < 0)
		return false;
	switch (base) {
	case 'd':
		buf_printf(out, "%0*llu", w, n);
		return true;
	case 'o':
		buf_printf(out, "%0*llo", w, n);
		return true;
	case 'x':
		buf_printf(out, "%0*llx", w, n);
		return true;
	case 'X':
		buf_printf(out, "%0*llX", w, n);
		return true;
	case 'n':
	case 'N':
		put_nibbles(out, n, width, base == 'N');
		return true;
	}
	return false;
}

/* What stands between braces: OFFSET[,WIDTH[,BASE]]. */
static bool put_modified(
	const char *text, size_t len, uint32_t number, struct buf *out)
{
	char copy[64], *field[3] = {copy, NULL, NULL};
	uint64_t offset, width = 0;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (unsigned i = 1; i < 3; i++) {
		char *comma = strchr(field[i - 1], ',');
		if (!comma)
			break;
		*comma = '\0';
		field[i] = comma + 1;
	}
	bool minus = *field[0] == '-';
	const char *digits = field[0] + (minus || *field[0] == '+');
	struct text_word first = {digits, strlen(digits)};
	struct text_word second = {field[1], field[1] ? strlen(field[1]) : 0};
	if (!text_number(&first, NUMBER_MAX, &offset) ||
		(field[1] && !text_number(&second, WIDTH_MAX, &width)) ||
		(field[2] && strlen(field[2]) != 1))
		return false;
	return put_number(out,
		minus ? (int64_t)number - (int64_t)offset
		      : (int64_t)number + (int64_t)offset,
		(unsigned)width, field[2] ? *field[2] : 'd');
}

bool generate_text(const char *template, uint32_t number, struct buf *out,
	struct text_fault *fault)
{
	for (const char *p = template; *p;) {
		size_t n = strcspn(p, "$\\");
		buf_add(out, p, n);
		p += n;
		if (*p == '\\') { /* the parser of the record reads it */
			n = p[1] ? 2 : 1;
			buf_add(out, p, n);
			p += n;
		} else if (p[0] == '$' && p[1] == '$') {
			buf_add(out, p, 1);
			p += 2;
		} else if (p[0] == '$' && p[1] == '{') {
			n = strcspn(p, "}");
			struct text_word word = {p, n + (p[n] != '\0')};
			if (!p[n] || !put_modified(p + 2, n - 2, number, out))
				return text_bad(fault, &word,
					"not OFFSET[,WIDTH[,BASE]] of a number from 0");
			p += n + 1;
		} else if (*p) {
			buf_printf(out, "%" PRIu32, number);
			p++;
		}
	}
	buf_add(out, "", 1);
	return true;
}
