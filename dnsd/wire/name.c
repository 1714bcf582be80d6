#include "wire/name.h"

#include <assert.h>

/* Sixteen octets at once. */
typedef uint8_t octets __attribute__((vector_size(16)));

static inline void copy_lower16(uint8_t *to, const uint8_t *from)
{
	octets x;
	memcpy(&x, from, 16);
	octets upper = (octets)(x - 'A' < 26); /* all bits of those that are */
	x += upper & ('a' - 'A');
	memcpy(to, &x, 16);
}

/* The bits by which sixteen octets differ from those of a name in lower case;
 * the case of letters does not count. */
static inline octets differ16(const uint8_t *lower, const uint8_t *from)
{
	octets a, b;
	memcpy(&a, lower, 16);
	memcpy(&b, from, 16);
	octets letter = (octets)(a - 'a' < 26); /* all bits of those that are */
	return (a ^ b) & ~(letter & ('a' - 'A'));
}

/* Length octets are below 'A' and stay as they are. The last sixteen overlap
 * those before: nothing behind the name is read. There is room for sixteen. */
static void copy_lower(uint8_t *to, const uint8_t *from, size_t n)
{
	uint8_t few[16] = {0};
	if (n < 16) {
		octets_copy(few, from, n);
		copy_lower16(to, few);
		return;
	}
	for (size_t at = 0; at < n - 16; at += 16)
		copy_lower16(to + at, from + at);
	copy_lower16(to + n - 16, from + n - 16);
}

bool name_begins(const struct name *name, const uint8_t *wire)
{
	const uint8_t *lower = name->bytes;
	uint8_t few[16] = {0};
	size_t n = name->len;
	uint64_t half[2];

	if (n < 16) {
		octets_copy(few, wire, n);
		wire = few;
	}
	octets differ = differ16(lower, wire);
	if (n > 16) {
		for (size_t at = 16; at + 16 < n; at += 16)
			differ |= differ16(lower + at, wire + at);
		differ |= differ16(lower + n - 16, wire + n - 16);
	}
	memcpy(half, &differ, sizeof half);
	return !(half[0] | half[1]);
}

size_t name_read(struct name *name, const uint8_t *wire, size_t room)
{
	size_t at = 0;
	unsigned labels = 0;
	uint8_t len;

	if (!room)
		return 0;
	if (room > NAME_WIRE_MAX)
		room = NAME_WIRE_MAX;
	while ((len = wire[at])) {
		if (len > NAME_LABEL_MAX)
			return 0;
		name->offset[labels++] = (uint8_t)at;
		at += len + 1u;
		if (at >= room)
			return 0;
	}
	name->offset[labels] = (uint8_t)at;
	name->labels = (uint8_t)labels;
	name->len = (uint8_t)++at;
	copy_lower(name->bytes, wire, at);
	return at;
}

size_t name_skip(const uint8_t *packet, size_t len, size_t at)
{
	size_t start = at;
	while (at < len) {
		uint8_t c = packet[at];
		if (c == 0)
			return at + 1 - start;
		if (c >= 0xc0)
			return at + 2 <= len ? at + 2 - start : 0;
		if (c > NAME_LABEL_MAX || at - start + c > NAME_WIRE_MAX - 2)
			return 0;
		at += c + 1u;
	}
	return 0;
}

/* One character of text, unescaped. Returns the characters used, 0 if bad. */
static size_t unescape(const char *text, size_t n, uint8_t *c)
{
	if (*text != '\\') {
		*c = (uint8_t)*text;
		return 1;
	}
	if (n >= 2 && (text[1] < '0' || text[1] > '9')) {
		*c = (uint8_t)text[1];
		return 2;
	}
	if (n < 4)
		return 0;
	unsigned value = 0;
	for (int i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*c = (uint8_t)value;
	return value <= 255 ? 4 : 0;
}

bool name_parse(struct name *name, const char *text, size_t text_len,
	const struct name *origin)
{
	uint8_t wire[NAME_WIRE_MAX + 1];
	size_t label = 0, at = 1, used;
	bool absolute = false;

	if (text_len == 1 && *text == '@' && origin) {
		*name = *origin;
		return true;
	}
	if (text_len == 1 && *text == '.')
		return name_read(name, (const uint8_t *)"", 1);
	for (; text_len; text += used, text_len -= used) {
		uint8_t c;
		absolute = *text == '.';
		used = unescape(text, text_len, &c);
		if (!used || at >= NAME_WIRE_MAX)
			return false;
		if (!absolute) {
			wire[at++] = c;
			continue;
		}
		if (at == label + 1 || at - label - 1 > NAME_LABEL_MAX)
			return false;
		wire[label] = (uint8_t)(at - label - 1);
		label = at++;
	}
	if (!absolute) {
		if (at == label + 1 || at - label - 1 > NAME_LABEL_MAX)
			return false;
		wire[label] = (uint8_t)(at - label - 1);
		label = at;
	}
	if (!absolute && origin) {
		if (label + origin->len > NAME_WIRE_MAX)
			return false;
		memcpy(wire + label, origin->bytes, origin->len);
		return name_read(name, wire, label + origin->len);
	}
	wire[label] = 0;
	return name_read(name, wire, label + 1);
}

const char *name_wire_text(const uint8_t *wire, char *out)
{
	char *p = out;
	if (!*wire)
		return strcpy(out, ".");
	for (; *wire; wire += *wire + 1) {
		if (p != out)
			*p++ = '.';
		for (unsigned i = 1; i <= *wire; i++) {
			uint8_t c = wire[i];
			if (c <= ' ' || c >= 0x7f) {
				*p++ = '\\';
				*p++ = (char)('0' + c / 100);
				*p++ = (char)('0' + c / 10 % 10);
				*p++ = (char)('0' + c % 10);
				continue;
			}
			if (strchr(".\\\";()@$", c))
				*p++ = '\\';
			*p++ = (char)c;
		}
	}
	*p = '\0';
	return out;
}

void name_strip(struct name *out, const struct name *name, unsigned labels)
{
	assert(labels <= name->labels);
	name_read(out, name->bytes + name->offset[labels],
		name->len - name->offset[labels]);
}

bool name_prepend(struct name *out, const uint8_t *prefix, size_t prefix_len,
	const struct name *name)
{
	uint8_t wire[2 * NAME_WIRE_MAX];
	if (prefix_len + name->len > NAME_WIRE_MAX)
		return false;
	memcpy(wire, prefix, prefix_len);
	memcpy(wire + prefix_len, name->bytes, name->len);
	return name_read(out, wire, prefix_len + name->len) != 0;
}

int name_compare(const struct name *a, const struct name *b)
{
	unsigned i = a->labels, j = b->labels;
	while (i && j) {
		const uint8_t *p = a->bytes + a->offset[--i];
		const uint8_t *q = b->bytes + b->offset[--j];
		int d = memcmp(p + 1, q + 1, *p < *q ? *p : *q);
		if (d || *p != *q)
			return d ? d : *p - *q;
	}
	return (int)i - (int)j;
}
