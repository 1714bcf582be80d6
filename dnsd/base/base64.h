/* base64.h - base64 (RFC 4648 4), with padding, without line ends. Pure. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

void base64_add(struct buf *out, const void *bytes, size_t n);

/* Room for what a text of so many characters can hold. */
#define BASE64_ROOM(n) ((n) / 4 * 3)

/* False: it is not base64. */
bool base64_read(const char *text, size_t len, uint8_t *out, size_t *n);

#endif
