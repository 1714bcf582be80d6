/* limits.h - how many requests a second a client may make over HTTP. Private to
 * http/, on its thread.
 *
 * A client is an address of IPv4 or a /64 of IPv6, which is what one machine can
 * choose its addresses from. Memory is fixed: clients that share a slot push each
 * other out, which is to their advantage.
 */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define LIMIT_PER_S 200
#define LIMIT_BURST 400

struct limits;

struct limits *limits_new(uint64_t secret);
void limits_free(struct limits *limits); /* NULL allowed */

/* One more request; false: one too many. */
bool limits_allow(
	struct limits *limits, const struct addr *client, int64_t now_ms);

#endif
