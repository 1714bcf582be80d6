/* utf8.h - UTF-8 (RFC 3629). Pure; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <string.h>

/* Octets (1..4) of the character that begins there; 0: none does. */
static inline size_t utf8_character(const unsigned char *p, size_t left)
{
	size_t n = *p < 0x80 ? 1
		: *p < 0xc2  ? 0
		: *p < 0xe0  ? 2
		: *p < 0xf0  ? 3
		: *p < 0xf5  ? 4
			     : 0;
	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (p[i] >> 6 != 2)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		(*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL, and C1 (U+0080 to U+009F): a terminal would execute these. */
static inline int utf8_is_control(const unsigned char *p)
{
	return *p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
}

/* Makes a text from the network safe to print: control characters and octets that
 * are not UTF-8 become "?". Cut to the room. Returns out. */
static inline const char *utf8_visible(char *out, size_t room, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), at = 0;
	while (left) {
		size_t n = utf8_character(p, left);
		int plain = n && !utf8_is_control(p);
		if (at + (plain ? n : 1) >= room)
			break;
		if (plain)
			memcpy(out + at, p, n);
		else
			out[at] = '?';
		at += plain ? n : 1;
		p += n ? n : 1;
		left -= n ? n : 1;
	}
	out[at] = '\0';
	return out;
}

#endif
