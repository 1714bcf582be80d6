#include "base/shares.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"

#define SLOTS_MIN 64
#define NET_BITS_4 24
#define NET_BITS_6 64

/* Freed when it holds nothing. */
struct share_net {
	struct share_net *next; /* of its slot */
	struct addr net;
	size_t sum;    /* of the holders' amounts; above 0 */
	uint64_t used; /* the latest use, in the order of uses */
	unsigned at;   /* in the heap */
	TAILQ_HEAD(, share) holders;
};

/* The heap's first holds most; of those that hold as much, the one that was of
 * use longest ago. */
struct shares {
	uint64_t secret, uses;
	size_t sum;
	unsigned n, room; /* nets; as many slots as there is room in the heap */
	struct share_net **heap, **slots;
};

struct addr shares_net(const struct addr *peer)
{
	return addr_mask(peer, peer->family == 4 ? NET_BITS_4 : NET_BITS_6);
}

struct shares *shares_new(uint64_t secret)
{
	struct shares *s = mem_zero(1, sizeof *s);
	s->secret = secret;
	s->room = SLOTS_MIN;
	s->heap = mem_zero(s->room, sizeof(void *));
	s->slots = mem_zero(s->room, sizeof(void *));
	return s;
}

void shares_free(struct shares *s)
{
	if (!s)
		return;
	assert(s->n == 0 && s->sum == 0);
	free(s->heap);
	free(s->slots);
	free(s);
}

/* -- the heap -- */

static bool before(const struct share_net *a, const struct share_net *b)
{
	return a->sum != b->sum ? a->sum > b->sum : a->used < b->used;
}

static void shares_put(struct shares *s, unsigned at, struct share_net *net)
{
	s->heap[at] = net;
	net->at = at;
}

/* The net has changed, or is the last and new. */
static void sift(struct shares *s, struct share_net *net)
{
	unsigned at = net->at;
	while (at && before(net, s->heap[(at - 1) / 2])) {
		shares_put(s, at, s->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		unsigned child = 2 * at + 1;
		if (child + 1 < s->n &&
			before(s->heap[child + 1], s->heap[child]))
			child++;
		if (child >= s->n || !before(s->heap[child], net))
			break;
		shares_put(s, at, s->heap[child]);
		at = child;
	}
	shares_put(s, at, net);
}

/* -- the nets -- */

static struct share_net **shares_slot_of(
	const struct shares *s, const struct addr *net)
{
	uint64_t hash = hash_bytes(net, sizeof *net, s->secret);
	return &s->slots[hash & (s->room - 1)];
}

static void shares_grow(struct shares *s)
{
	s->room *= 2;
	s->heap = mem_grow(s->heap, s->room * sizeof(void *));
	free(s->slots);
	s->slots = mem_zero(s->room, sizeof(void *));
	for (unsigned i = 0; i < s->n; i++) {
		struct share_net **slot = shares_slot_of(s, &s->heap[i]->net);
		s->heap[i]->next = *slot;
		*slot = s->heap[i];
	}
}

static struct share_net *shares_net_of(
	struct shares *s, const struct addr *peer)
{
	struct addr key = shares_net(peer);
	struct share_net *net = *shares_slot_of(s, &key);
	while (net && !addr_equal(&net->net, &key))
		net = net->next;
	if (net)
		return net;
	if (s->n == s->room)
		shares_grow(s);
	struct share_net **slot = shares_slot_of(s, &key);
	net = mem_zero(1, sizeof *net);
	net->net = key;
	net->next = *slot;
	*slot = net;
	TAILQ_INIT(&net->holders);
	shares_put(s, s->n++, net);
	return net;
}

static void net_free(struct shares *s, struct share_net *net)
{
	struct share_net **p = shares_slot_of(s, &net->net);
	struct share_net *last = s->heap[--s->n];
	while (*p != net)
		p = &(*p)->next;
	*p = net->next;
	if (last != net) {
		shares_put(s, net->at, last);
		sift(s, last);
	}
	free(net);
}

/* -- holders -- */

static void use(struct shares *s, struct share *share)
{
	struct share_net *net = share->net;
	TAILQ_REMOVE(&net->holders, share, entry);
	TAILQ_INSERT_TAIL(&net->holders, share, entry);
	net->used = ++s->uses;
}

static void give_up(struct shares *s, struct share *share)
{
	struct share_net *net = share->net;
	TAILQ_REMOVE(&net->holders, share, entry);
	share->net = NULL;
	if (TAILQ_EMPTY(&net->holders))
		net_free(s, net);
	else
		sift(s, net);
}

void shares_hold(struct shares *s, struct share *share, const struct addr *peer,
	size_t amount)
{
	assert(share->net || peer->family);
	if (amount == share->amount)
		return;
	if (!share->net) {
		share->net = shares_net_of(s, peer);
		TAILQ_INSERT_TAIL(&share->net->holders, share, entry);
		share->net->used = ++s->uses;
	}
	s->sum += amount - share->amount;
	share->net->sum += amount - share->amount;
	share->amount = amount;
	if (amount)
		sift(s, share->net);
	else
		give_up(s, share);
}

void shares_use(struct shares *s, struct share *share)
{
	if (!share->net)
		return;
	use(s, share);
	sift(s, share->net);
}

struct share *shares_largest(const struct shares *s)
{
	return s->n ? TAILQ_FIRST(&s->heap[0]->holders) : NULL;
}

size_t shares_sum(const struct shares *s)
{
	return s->sum;
}
