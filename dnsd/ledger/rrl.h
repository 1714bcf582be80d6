/* rrl.h - response rate limiting: how many answers over UDP each asking network, a
 * /24 or /48, was sent in the last second or so.
 *
 * A counter goes up by one with each answer and decays by the rate every second; while
 * it stands at one second's worth, the network is limited. What it is refused does not
 * count: a resolver at twice the rate has half of its answers, not none, and all of them
 * at once when it asks less. A counter is kept as the time at which it will have decayed
 * to nothing: one number, and another rate after a reload needs no other counters.
 *
 * One length of prefix for each family, that by which budgets and complaints are counted
 * as well: the victim of forged addresses is a network, and resolvers of one
 * operator are neighbours. Longer ones would be a second line of the cache for each answer.
 *
 * One table for all threads that answer DNS, since the kernel deals a network's ports to
 * all of them, or a resolver's only port to one: neither is the limit of a thread. Its
 * words are atomic and no thread waits. A limited network's line is written no more often
 * than its rate, so a flood does not move it between cores.
 *
 * The memory is fixed. A bucket is one cache line of three networks. Networks are
 * stored whole, not hashed: no network is limited for what another one asks. What others
 * can do is to push a counter out, and let its network pass; but a newcomer takes the place
 * of the lowest counter, so those of floods stay, unless more than three of them share a
 * bucket: and which networks do, only the secret says.
 */
#ifndef LEDGER_RRL_H
#define LEDGER_RRL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define RRL_NETS \
	24576 /* remembered at most: 512 KiB, touched only as they come */
#define RRL_RATE_MAX 1000000
/* A network that was limited within this time does not begin to be. */
#define RRL_QUIET_S 60

struct rrl_table;

struct rrl_table *rrl_table_new(uint64_t secret);
void rrl_table_free(struct rrl_table *table); /* NULL allowed */

/* What one answer adds to a counter at that rate, 0 to RRL_RATE_MAX a second; 0: there is
 * no limit. */
int64_t rrl_cost(unsigned rate);

/* Counts an answer to that address. False: it is one too many, and not counted. Any
 * thread. */
bool rrl_passes(struct rrl_table *table, const struct addr *peer, int64_t cost,
	int64_t now_ms);

/* How many networks began to be limited since the last call; *net is one of them, as
 * addr_net_id() has it. Control. */
unsigned rrl_begun(struct rrl_table *table, uint64_t *net);

#endif
