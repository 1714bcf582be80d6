#include "measure/nets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

#define SLOTS_FIRST 1024

/* A connection; cookie 0: a free slot. Open addressing, at most half full. */
struct seen {
	uint64_t cookie;
	struct prefix net;
	float rtt_ms;
	uint64_t sent, sent_again;             /* at the last look */
	uint64_t taken_sent, taken_sent_again; /* when they were taken last */
	uint32_t round;                        /* of the last look */
};

struct nets {
	struct seen *slot;
	size_t slots, used;
	uint32_t round;
};

struct nets *nets_new(void)
{
	struct nets *n = mem_zero(1, sizeof *n);
	n->slots = SLOTS_FIRST;
	n->slot = mem_zero(n->slots, sizeof *n->slot);
	return n;
}

void nets_free(struct nets *n)
{
	if (!n)
		return;
	free(n->slot);
	free(n);
}

/* -- connections -- */

static struct seen *nets_slot(struct seen *slot, size_t slots, uint64_t cookie)
{
	size_t at = hash_mix(cookie) & (slots - 1);
	while (slot[at].cookie && slot[at].cookie != cookie)
		at = (at + 1) & (slots - 1);
	return &slot[at];
}

/* Makes the table anew, of those that are not over. */
static void nets_renew(struct nets *n, size_t slots)
{
	struct seen *old = n->slot;
	size_t n_old = n->slots;

	n->slot = mem_zero(slots, sizeof *n->slot);
	n->slots = slots;
	n->used = 0;
	for (size_t i = 0; i < n_old; i++)
		if (old[i].cookie) {
			*nets_slot(n->slot, slots, old[i].cookie) = old[i];
			n->used++;
		}
	free(old);
}

static struct prefix net_of(const struct addr *peer)
{
	unsigned bits = peer->family == 4 ? NETS_BITS_V4 : NETS_BITS_V6;
	return (struct prefix){addr_mask(peer, bits), (uint8_t)bits};
}

void nets_see(struct nets *n, const struct tcp_socket *socket)
{
	if (!socket->cookie)
		return;
	if (2 * (n->used + 1) > n->slots)
		nets_renew(n, 2 * n->slots);
	struct seen *s = nets_slot(n->slot, n->slots, socket->cookie);
	n->used += !s->cookie;
	s->cookie = socket->cookie;
	s->net = net_of(&socket->peer);
	s->rtt_ms = socket->rtt_ms;
	s->sent = socket->sent;
	s->sent_again = socket->sent_again;
	s->round = n->round;
}

void nets_round(struct nets *n)
{
	n->round++;
}

/* -- taking -- */

/* What one connection did since it was taken last. */
struct part {
	struct prefix net;
	float rtt_ms;
	uint64_t sent, sent_again;
};

static int part_order(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int order = memcmp(&x->net, &y->net, sizeof x->net);
	return order ? order
		     : (x->rtt_ms > y->rtt_ms) - (x->rtt_ms < y->rtt_ms);
}

static int most_first(const void *a, const void *b)
{
	const struct measured_net *x = a, *y = b;
	if (x->connections != y->connections)
		return x->connections < y->connections ? 1 : -1;
	return memcmp(&x->net, &y->net, sizeof x->net);
}

/* Takes what a connection did; false: nothing. Counters of 32 bits may have begun
 * anew: then nothing is known of this time. */
static bool take_part(struct seen *s, struct part *part)
{
	bool forth =
		s->sent > s->taken_sent && s->sent_again >= s->taken_sent_again;
	*part = (struct part){s->net, s->rtt_ms, s->sent - s->taken_sent,
		s->sent_again - s->taken_sent_again};
	s->taken_sent = s->sent;
	s->taken_sent_again = s->sent_again;
	return forth && s->rtt_ms > 0;
}

/* The parts of one net, in the order of their round trips. */
static struct measured_net sum_of(const struct part *part, unsigned n)
{
	uint64_t sent = 0, again = 0;
	for (unsigned i = 0; i < n; i++) {
		sent += part[i].sent;
		again += part[i].sent_again;
	}
	assert(n > 0 && sent > 0);
	return (struct measured_net){.net = part->net,
		.rtt_ms = (part[(n - 1) / 2].rtt_ms + part[n / 2].rtt_ms) / 2,
		.loss = again < sent ? (float)again / (float)sent : 1,
		.connections = n};
}

struct measured_net *nets_take(struct nets *n, unsigned most, unsigned *count)
{
	struct part *parts = mem_zero(n->used, sizeof *parts);
	unsigned n_parts = 0, n_nets = 0;

	for (size_t i = 0; i < n->slots; i++) {
		struct seen *s = &n->slot[i];
		if (!s->cookie)
			continue;
		n_parts += take_part(s, &parts[n_parts]);
		if (n->round - s->round > 1)
			s->cookie =
				0; /* it has ended; the table is renewed below */
	}
	nets_renew(n, n->slots);
	if (n_parts)
		qsort(parts, n_parts, sizeof *parts, part_order);
	struct measured_net *nets = mem_zero(n_parts, sizeof *nets);
	for (unsigned i = 0, next; i < n_parts; i = next) {
		for (next = i + 1; next < n_parts &&
			!memcmp(&parts[i].net, &parts[next].net,
				sizeof parts->net);
			next++)
			;
		nets[n_nets++] = sum_of(&parts[i], next - i);
	}
	free(parts);
	if (n_nets)
		qsort(nets, n_nets, sizeof *nets, most_first);
	*count = n_nets < most ? n_nets : most;
	return nets;
}
