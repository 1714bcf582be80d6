/* keys.h - addresses of both families as numbers of 128 bits, for the builder and the
 * lookup of the prefix table. Private to geo/.
 */
#ifndef GEO_KEYS_H
#define GEO_KEYS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

/* An address, from the uppermost bit; bits are taken by shifting left. */
typedef unsigned __int128 key128;

static inline key128 key_of(uint64_t high, uint64_t low)
{
	return (key128)high << 64 | low;
}

static inline key128 key_of_addr(const struct addr *a)
{
	uint64_t high, low;
	memcpy(&high, a->bytes, 8);
	memcpy(&low, a->bytes + 8, 8);
	return key_of(be64toh(high), be64toh(low));
}

#endif
