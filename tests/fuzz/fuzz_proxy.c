/* Any octets as the header of a proxy: what is read lies within them, and what comes in
 * pieces is judged as what comes whole. */
#include <stdlib.h>
#include <string.h>

#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of an exact allocation: a sanitizer sees one octet too many. */
static enum proxy_read read_exact(
	const uint8_t *data, size_t len, struct proxy_header *h)
{
	uint8_t *exact = malloc(len ? len : 1);
	memcpy(exact, data, len);
	enum proxy_read read = proxy_header_read(exact, len, h);
	free(exact);
	return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, h;
	enum proxy_read last = PROXY_MORE;
	enum proxy_read read = read_exact(data, size, &whole);

	if (read == PROXY_READ && (whole.len < 16 || whole.len > size))
		abort();
	for (size_t len = 0; len <= size && len < 512; len++) {
		enum proxy_read now = read_exact(data, len, &h);
		if (last != PROXY_MORE && now != last)
			abort();
		if (now == PROXY_READ &&
			(read != PROXY_READ || h.len != whole.len ||
				!addr_equal(&h.client, &whole.client)))
			abort();
		if (now == PROXY_BAD && read != PROXY_BAD)
			abort();
		last = now;
	}
	return 0;
}
