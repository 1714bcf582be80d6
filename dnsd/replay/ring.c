#include "replay/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

/* The same on all name servers, so that they record the same nets. */
#define SHARE_SEED 11

struct record_ring *record_ring_new(void)
{
	return mem_zero(1, sizeof(struct record_ring));
}

void record_ring_free(struct record_ring *ring)
{
	free(ring);
}

static unsigned net_most(const struct addr *a)
{
	return a->family == 4 ? RECORD_NET_V4 : RECORD_NET_V6;
}

static struct prefix ring_net_of(const struct steer_query *q)
{
	unsigned most = net_most(&q->net);
	unsigned len = q->net_len < most ? q->net_len : most;
	return (struct prefix){addr_mask(&q->net, len), (uint8_t)len};
}

/* A name that does not fit is cut: none does that was checked. */
static void copy_text(char *to, size_t room, const void *from, size_t len)
{
	if (len >= room)
		len = room - 1;
	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

static void fill(struct record_entry *e, const struct steer_state *state,
	const struct record_question *question, const struct prefix *net,
	const struct steer_decision *d)
{
	const struct steer_query *q = question->query;
	const struct place *place = geo_place(state->geo, q->place);
	const char *name = state->map->names[q->name].name;

	e->net = *net;
	e->asker = addr_mask(&q->asker, net_most(&q->asker));
	e->placed = place->source != PLACE_UNKNOWN;
	e->lat = place->lat;
	e->lon = place->lon;
	e->asn = place->asn;
	e->ttl_s = d->ttl_s;
	e->line = q->line;
	e->type = q->type;
	e->trusted = q->trusted;
	e->proven = q->proven;
	e->scope = question->scope;
	e->subnet = question->subnet;
	e->http = question->http;
	e->n = d->n;
	memcpy(e->node, d->node, d->n * sizeof *d->node);
	copy_text(e->stream, sizeof e->stream, question->stream,
		question->stream_len);
	copy_text(e->name, sizeof e->name, name, strlen(name));
}

void record_answer(struct record_ring *ring, const struct steer_state *state,
	const struct record_question *question, const struct steer_decision *d,
	int64_t now_ms)
{
	assert(!ring || d->n <= STEER_NODES_MAX);
	struct prefix net = ring_net_of(question->query);

	if (!ring ||
		hash_bytes(net.addr.bytes, sizeof net.addr.bytes, SHARE_SEED) >
			question->share)
		return;
	uint32_t index;
	if (!ring_room(&ring->ring, RECORD_RING, 0, &index))
		return;
	struct record_entry *e = &ring->entry[index];
	e->at_ms = now_ms;
	fill(e, state, question, &net, d);
	ring_put(&ring->ring);
}

const struct record_entry *record_ring_peek(struct record_ring *ring)
{
	uint32_t index;
	return ring_any(&ring->ring, RECORD_RING, &index) ? &ring->entry[index]
							  : NULL;
}

void record_ring_next(struct record_ring *ring)
{
	ring_taken(&ring->ring);
}
