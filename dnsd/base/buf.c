#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void reserve(struct buf *buf, size_t n)
{
	if (buf->len + n + 1 <= buf->room)
		return;
	buf->room = (buf->len + n + 1) * 2;
	buf->text = mem_grow(buf->text, buf->room);
}

char *buf_room(struct buf *buf, size_t n)
{
	reserve(buf, n);
	return buf->text + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	reserve(buf, n);
	if (n)
		memcpy(buf->text + buf->len, bytes, n);
	buf->len += n;
	buf->text[buf->len] = '\0';
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	va_end(ap);
	if (n > 0) {
		reserve(buf, (size_t)n);
		vsnprintf(buf->text + buf->len, (size_t)n + 1, fmt, again);
		buf->len += (size_t)n;
	}
	va_end(again);
}

void buf_fini(struct buf *buf)
{
	free(buf->text);
	*buf = (struct buf){0};
}
