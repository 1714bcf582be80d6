#include "base/columns.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

#define GAP 2 /* blanks between columns */

void columns_begin(struct columns *c, const char *align)
{
	*c = (struct columns){.align = align, .n = (unsigned)strlen(align)};
	assert(c->n > 0 && c->n <= COLUMNS_MAX);
}

static uint32_t code_point(const unsigned char *p, size_t n)
{
	uint32_t code = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		code = code << 6 | (p[i] & 0x3fu);
	return code;
}

/* Places of a terminal. The ranges are those of Unicode's East Asian Width, W and F, and
 * of marks that combine, as far as names and messages are likely to have them. */
static unsigned code_width(uint32_t code)
{
	static const struct {
		uint32_t from, to;
		unsigned width;
	} ranges[] = {{0x300, 0x36f, 0}, {0x1100, 0x115f, 2},
		{0x200b, 0x200f, 0}, {0x2e80, 0x303e, 2}, {0x3041, 0xa4cf, 2},
		{0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2}, {0xfe00, 0xfe0f, 0},
		{0xfe30, 0xfe6f, 2}, {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2},
		{0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2},
		{0x20000, 0x3fffd, 2}};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (code >= ranges[i].from && code <= ranges[i].to)
			return ranges[i].width;
	return 1;
}

static unsigned text_width(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), n;
	unsigned width = 0;

	for (; left; p += n, left -= n) {
		n = utf8_character(p, left);
		assert(n); /* cells are visible text */
		width += code_width(code_point(p, n));
	}
	return width;
}

void columns_add(struct columns *c, const char *fmt, ...)
{
	va_list ap;
	char *raw;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		abort(); /* no memory */
	va_end(ap);
	size_t room = strlen(raw) + 1;
	char *shown = mem_alloc(room);
	utf8_visible(shown, room, raw);
	buf_add(&c->text, shown, strlen(shown) + 1);
	unsigned *width = &c->width[c->cells++ % c->n], now = text_width(shown);
	free(shown);
	free(raw);
	if (now > *width)
		*width = now;
}

static void add_blanks(struct buf *out, unsigned n)
{
	buf_printf(out, "%*s", (int)n, "");
}

void columns_end(struct columns *c, struct buf *out)
{
	const char *cell = c->text.text;
	assert(c->cells % c->n == 0);

	for (unsigned i = 0; i < c->cells; i++) {
		unsigned column = i % c->n;
		unsigned room = c->width[column] - text_width(cell);
		if (column)
			add_blanks(out, GAP);
		if (c->align[column] == 'r')
			add_blanks(out, room);
		buf_printf(out, "%s", cell);
		if (c->align[column] == 'l')
			add_blanks(out, room);
		cell += strlen(cell) + 1;
		if (column + 1 < c->n)
			continue;
		while (out->len && out->text[out->len - 1] == ' ')
			out->text[--out->len] = '\0';
		buf_printf(out, "\n");
	}
	buf_fini(&c->text);
}
