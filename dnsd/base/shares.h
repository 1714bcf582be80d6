/* shares.h - shares of a bounded resource (connections, memory) by client net. When
 * the resource is exhausted, the client net with the largest share loses its least
 * recently used holder. So no client loses to one that takes more.
 *
 * A client net is what one site usually has: /24 of IPv4, /64 of IPv6. Each change
 * costs a logarithm of the number of nets. Owned by one thread.
 */
#ifndef BASE_SHARES_H
#define BASE_SHARES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"

/* The client net of an address. */
struct addr shares_net(const struct addr *peer);

/* One holder, a part of what belongs to it. Starts as {0}: holds nothing. */
struct share {
	TAILQ_ENTRY(share) entry; /* of its net, the first used longest ago */
	struct share_net *net;    /* NULL: holds nothing */
	size_t amount;
};

struct shares;

/* secret: seeds the hash, so that clients cannot choose nets that share a slot. */
struct shares *shares_new(uint64_t secret);
void shares_free(struct shares *shares); /* all holders are out of it */

/* It holds that amount from now on; 0: nothing, and is out of it. */
void shares_hold(struct shares *shares, struct share *share,
	const struct addr *peer, size_t amount);

/* It was used: it becomes the last of its net to be taken. */
void shares_use(struct shares *shares, struct share *share);

/* The holder to take from first; NULL: there is none. */
struct share *shares_largest(const struct shares *shares);

/* What all hold. */
size_t shares_sum(const struct shares *shares);

#endif
