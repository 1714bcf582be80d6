/* buf.h - a growing text. For pages, metrics, tables; never on the query path.
 * Starts as {0}; the owner calls buf_fini(). Aborts when memory is gone.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *text; /* always ended by \0 once something was added */
	size_t len, room;
};

void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_printf(struct buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for n octets behind what is there; the caller fills it and adds to len. */
char *buf_room(struct buf *buf, size_t n);
void buf_fini(struct buf *buf);

#endif
