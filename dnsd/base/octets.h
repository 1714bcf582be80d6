/* octets.h - a few octets copied or compared in place: names, questions and
 * options are so short that to call memcpy or memcmp costs more than they do.
 * Nothing outside of the n octets is read or written.
 */
#ifndef BASE_OCTETS_H
#define BASE_OCTETS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is left of a whole number of words, or is shorter than one, is done by
 * two words that overlap. The areas do not. */
static inline void octets_copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n >= 16) {
		for (size_t at = 0; at < n - 16; at += 16)
			memcpy(to + at, from + at, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else if (n) {
		to[0] = from[0];
		to[n / 2] = from[n / 2];
		to[n - 1] = from[n - 1];
	}
}

/* The n octets (1..8) before `end` as they lie in memory, with zeros behind. The
 * eight before `end` can be read. */
static inline uint64_t octets_before(const uint8_t *end, size_t n)
{
	uint64_t word;
	memcpy(&word, end - 8, 8);
	return htobe64(be64toh(word) << (64 - 8 * n));
}

static inline bool octets_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t p, q;
	uint32_t s, t;
	if (n >= 8) {
		for (; n > 8; a += 8, b += 8, n -= 8) {
			memcpy(&p, a, 8);
			memcpy(&q, b, 8);
			if (p != q)
				return false;
		}
		memcpy(&p, a + n - 8, 8);
		memcpy(&q, b + n - 8, 8);
		return p == q;
	}
	if (n >= 4) {
		memcpy(&s, a, 4);
		memcpy(&t, b, 4);
		if (s != t)
			return false;
		memcpy(&s, a + n - 4, 4);
		memcpy(&t, b + n - 4, 4);
		return s == t;
	}
	return !n ||
		(a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

#endif
