#include "zones/text.h"

#include <stdarg.h>
#include <stdio.h>

bool text_next(const char **rest, struct text_word *word)
{
	const char *p = *rest;
	bool inside = false;

	while (*p == ' ')
		p++;
	word->at = p;
	for (; *p && (inside || *p != ' '); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			inside = !inside;
	}
	word->len = (size_t)(p - word->at);
	*rest = p;
	return word->len > 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* \DDD or \X; how many characters, 0 if it is none. */
static size_t escape(const char *p, size_t left, uint8_t *out)
{
	if (left < 2)
		return 0;
	*out = (uint8_t)p[1];
	if (!is_digit(p[1]))
		return 2;
	if (left < 4 || !is_digit(p[2]) || !is_digit(p[3]))
		return 0;
	int n = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
	*out = (uint8_t)n;
	return n < 256 ? 4 : 0;
}

long text_octets(const struct text_word *word, uint8_t *out, size_t room)
{
	size_t n = 0, used;

	for (size_t i = 0; i < word->len; i += used) {
		uint8_t c = (uint8_t)word->at[i];
		used = 1;
		if (c == '"')
			continue;
		if (c == '\\')
			used = escape(word->at + i, word->len - i, &c);
		if (!used || n == room)
			return -1;
		out[n++] = c;
	}
	return (long)n;
}

bool text_number(const struct text_word *word, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!word->len || word->len > 20)
		return false;
	for (size_t i = 0; i < word->len; i++) {
		if (!is_digit(word->at[i]))
			return false;
		n = n * 10 + (uint64_t)(word->at[i] - '0');
		if (n > max)
			return false;
	}
	*out = n;
	return true;
}

bool text_bad(struct text_fault *fault, const struct text_word *word,
	const char *what, ...)
{
	va_list args;
	va_start(args, what);
	vsnprintf(fault->what, sizeof fault->what, what, args);
	va_end(args);
	fault->word = word ? *word : (struct text_word){0};
	return false;
}
