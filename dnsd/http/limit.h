/* limit.h - how many requests a second a client may make over HTTP. Private to
 * http/, on its thread.
 *
 * A client is an address of IPv4 or a /64 of IPv6, which is what one machine can
 * choose its addresses from. Memory is fixed: clients that share a slot push each
 * other out, which is to their advantage.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define LIMIT_PER_S 200
#define LIMIT_BURST 400

struct limit;

struct limit *limit_new(uint64_t secret);
void limit_free(struct limit *limit); /* NULL allowed */

/* One more request; false: one too many. */
bool limit_allows(
	struct limit *limit, const struct addr *client, int64_t now_ms);

#endif
