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
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* Whether name is at or below top. */
static inline bool name_below(const struct name *name, const struct name *top)
{
	return name->labels >= top->labels &&
	        name_suffix_len(name, top->labels) == top->len &&
	        !memcmp(name_suffix(name, top->labels), top->bytes, top->len);
}

/* The name without its first labels. */
void name_strip(struct name *out, const struct name *name, unsigned labels);

/* prefix labels (wire, without a root) in front of name. False if too long. */
bool name_prepend(struct name *out, const uint8_t *prefix, size_t prefix_len,
        const struct name *name);

/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int name_compare(const struct name *a, const struct name *b);

/* A hash of octets of a name in lower case. */
uint64_t name_hash(const uint8_t *bytes, size_t len);

/* Lower-cases n octets; length octets are below 'A' and stay as they are. */
void name_lower(uint8_t *out, const uint8_t *in, size_t n);

#endif
