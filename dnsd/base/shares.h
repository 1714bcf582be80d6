/* shares.h - shares of a bounded resource (connections, memory) by client net. When
 * the resource is exhausted, the client net with the largest share loses its least
 * recently used connection. So no client loses to one that takes more.
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

/* What one connection holds; a member of its struct. {0}: it holds nothing. */
struct share {
	TAILQ_ENTRY(share) entry; /* of its net, the first used longest ago */
	struct share_net *net;    /* NULL: holds nothing */
	size_t amount;
};

struct shares;

/* secret: seeds the hash, so that clients cannot choose nets that share a slot. */
struct shares *shares_new(uint64_t secret);
void shares_free(struct shares *shares); /* no share holds anything any more */

/* Sets what a share holds; peer: the client's address. 0: nothing. */
void shares_hold(struct shares *shares, struct share *share,
	const struct addr *peer, size_t amount);

/* The connection was used: of its net, it is now the last to be closed. */
void shares_use(struct shares *shares, struct share *share);

/* The share to be freed first when the resource is exhausted: of the net that holds
 * most, the one that was used longest ago. NULL: nothing is held. */
struct share *shares_largest(const struct shares *shares);

/* The sum of all amounts. */
size_t shares_sum(const struct shares *shares);

#endif
