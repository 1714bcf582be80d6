/* Any octets as a frame of AF_XDP: what is read lies within them, and a reply to it is read
 * as a frame that comes from where it went. */
#include <stdlib.h>
#include <string.h>

#include "xdp/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPLY 1232

static void reply(const uint8_t *frame, const struct frame_query *q, size_t len)
{
	uint8_t *out = calloc(1, FRAME_HEADERS_MAX + REPLY);
	struct frame_query back;

	if (frame_reply(frame, q, out, len) != q->headers + len)
		abort();
	enum frame_kind kind = frame_read(out, q->headers + len, &back);
	/* Its own address may be one that cannot be answered. */
	if (kind == FRAME_BAD_CHECKSUM)
		abort();
	if (kind == FRAME_QUERY &&
		(back.len != len || back.headers != q->headers))
		abort();
	free(out);
}

/* Of an exact allocation: a sanitizer sees one octet too many. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_query q;
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, data, size);
	if (frame_read(exact, size, &q) == FRAME_QUERY) {
		if ((size_t)q.headers + q.len > size)
			abort();
		reply(exact, &q, q.len % (REPLY + 1));
		reply(exact, &q, REPLY);
	}
	free(exact);
	return 0;
}
