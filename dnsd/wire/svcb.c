#include "wire/svcb.h"

#include <string.h>

#include "wire/rr.h"

enum { KEY_ALPN = 1, KEY_IPV4HINT = 4, KEY_IPV6HINT = 6 };
#define PARAM_HEAD 4 /* key and length of the value */

/* The head of a SvcParam whose value stands behind it. Returns the end; no param
 * if it is empty. */
static uint8_t *param_end(uint8_t *p, uint16_t key, unsigned len)
{
	if (!len)
		return p;
	put16(p, key);
	put16(p + 2, (uint16_t)len);
	return p + PARAM_HEAD + len;
}

uint8_t *svcb_begin(uint8_t *p, uint16_t priority, const struct name *target)
{
	put16(p, priority);
	if (!target) {
		p[2] = 0;
		return p + 3;
	}
	memcpy(p + 2, target->bytes, target->len);
	return p + 2 + target->len;
}

uint8_t *svcb_alpn(uint8_t *p, const char *list)
{
	uint8_t *value = p + PARAM_HEAD;
	unsigned n = 0;
	while (*list) {
		unsigned len = (unsigned)strcspn(list, ",");
		if (len && len < 256 && n + 1 + len <= SVCB_ALPN_MAX) {
			value[n++] = (uint8_t)len;
			memcpy(value + n, list, len);
			n += len;
		}
		list += len + (list[len] == ',');
	}
	return param_end(p, KEY_ALPN, n);
}

uint8_t *svcb_hints(
	uint8_t *p, unsigned family, const struct addr *addresses, unsigned n)
{
	unsigned size = family == 4 ? 4 : 16;
	if (n > SVCB_HINTS_MAX)
		n = SVCB_HINTS_MAX;
	for (unsigned i = 0; i < n; i++)
		memcpy(p + PARAM_HEAD + i * size, addresses[i].bytes, size);
	return param_end(
		p, family == 4 ? KEY_IPV4HINT : KEY_IPV6HINT, n * size);
}
