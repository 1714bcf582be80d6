/* name.h - owner names in wire format (RFC 1035 3.1), always lower case.
 *
 * A struct name knows where its labels begin, so that walks from the root
 * down and suffixes cost nothing. Case of what a client asked is kept in the
 * packet, not here. Pure functions; any thread; nothing allocates.
 */
#ifndef WIRE_NAME_H
#define WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/octets.h"

#define NAME_WIRE_MAX 255
#define NAME_LABEL_MAX 63
#define NAME_LABELS_MAX 127
#define NAME_TEXT_MAX (4 * NAME_WIRE_MAX + 1)

/* "www.example.com":  3 w w w 7 e x a m p l e 3 c o m 0
 *                     ^offset[0] ^[1]           ^[2]    ^[3]   labels 3 */
struct name {
	uint8_t len;    /* octets, the root label included: 1..255 */
	uint8_t labels; /* without the root: 0..127 */
	uint8_t offset[NAME_LABELS_MAX + 1]; /* of each label and of the root */
	uint8_t bytes[NAME_WIRE_MAX + 1];
};

/* Reads an uncompressed name from the front of wire and lower-cases it.
 * Returns the octets read, 0 if there is no well-formed name (a compression
 * pointer, a label type of RFC 2671, too long, cut short). */
size_t name_read(struct name *name, const uint8_t *wire, size_t room);

/* Whether wire, which has at least name->len octets, begins with this name in
 * whatever case. */
bool name_begins(const struct name *name, const uint8_t *wire);

/* Octets of a possibly compressed name at packet[at], as skipped in place:
 * up to the root label or the first pointer. 0 if malformed. */
size_t name_skip(const uint8_t *packet, size_t len, size_t at);

/* From master file text (RFC 1035 5.1, with \DDD and \X): absolute if it ends
 * with a dot, else below origin; "@" is the origin. With origin NULL every
 * name is absolute. False if it is malformed. */
bool name_parse(struct name *name, const char *text, size_t text_len,
	const struct name *origin);

/* The same for a C string, absolute. */
static inline bool name_from_text(struct name *name, const char *text)
{
	return name_parse(name, text, strlen(text), NULL);
}

/* Presentation form of a well-formed uncompressed wire name, without the last
 * dot (the root is "."), into out[NAME_TEXT_MAX]. Returns out. */
const char *name_wire_text(const uint8_t *wire, char *out);

static inline const char *name_text(const struct name *name, char *out)
{
	return name_wire_text(name->bytes, out);
}

/* The suffix with that many labels: its first octet, its length. */
static inline const uint8_t *name_suffix(
	const struct name *name, unsigned labels)
{
	return name->bytes + name->offset[name->labels - labels];
}

static inline unsigned name_suffix_len(const struct name *name, unsigned labels)
{
	return name->len - name->offset[name->labels - labels];
}

static inline bool name_equal(const struct name *a, const struct name *b)
{
	return a->len == b->len && octets_equal(a->bytes, b->bytes, a->len);
}

/* Whether name is at or below top. */
static inline bool name_below(const struct name *name, const struct name *top)
{
	return name->labels >= top->labels &&
		name_suffix_len(name, top->labels) == top->len &&
		octets_equal(
			name_suffix(name, top->labels), top->bytes, top->len);
}

/* The name without its first labels. */
void name_strip(struct name *out, const struct name *name, unsigned labels);

/* prefix labels (wire, without a root) in front of name. False if too long. */
bool name_prepend(struct name *out, const uint8_t *prefix, size_t prefix_len,
	const struct name *name);

/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int name_compare(const struct name *a, const struct name *b);

/* A hash of some octets of a name in lower case. It spreads; names that are
 * hashed come from zones, so no client can choose them to collide. */
static inline uint64_t name_hash(const uint8_t *p, size_t n, uint64_t seed)
{
	const uint64_t spread = 0x9e3779b97f4a7c15u;
	uint64_t h = (seed + n) * spread, word = 0;
	uint32_t front, back;

	for (; n > 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * spread;
		h ^= h >> 32;
	}
	word = 0;
	if (n >= 4) { /* two that may overlap hold all of 4..8 octets */
		memcpy(&front, p, 4);
		memcpy(&back, p + n - 4, 4);
		word = (uint64_t)back << 32 | front;
	} else if (n) { /* and these all of 1..3 */
		word = (uint64_t)p[0] | (uint64_t)p[n / 2] << 8 |
			(uint64_t)p[n - 1] << 16;
	}
	h = (h ^ word) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29) * 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

#endif
