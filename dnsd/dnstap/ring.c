#include "dnstap/ring.h"

#include <string.h>

#include "base/arena.h"

#define OCTETS ((size_t)TAP_CELL * TAP_CELLS)

struct tap_ring {
	struct ring ring;
	uint8_t octets[OCTETS];
	/* the reader's: what it took last */
	uint8_t taken[2 * UINT16_MAX];
};

/* What stands in front of the octets of an event. */
struct tap_head {
	int64_t query_ns, response_ns;
	struct addr peer;
	uint16_t port, query_len, reply_len;
	bool tcp, tls;
};

struct tap_ring *tap_ring_new(void)
{
	return mem_pages(sizeof(struct tap_ring), false);
}

void tap_ring_free(struct tap_ring *ring)
{
	mem_pages_free(ring, sizeof *ring);
}

static uint32_t cells_of(size_t query_len, size_t reply_len)
{
	size_t n = sizeof(struct tap_head) + query_len + reply_len;
	return (uint32_t)((n + TAP_CELL - 1) / TAP_CELL);
}

/* Octets up to the end of the ring; the rest lies at its begin. */
static size_t first_part(size_t at, size_t n)
{
	return n < OCTETS - at ? n : OCTETS - at;
}

/* Returns where the next octets go. */
static size_t copy_in(
	struct tap_ring *ring, size_t at, const void *from, size_t n)
{
	size_t first = first_part(at, n);
	memcpy(ring->octets + at, from, first);
	if (n > first)
		memcpy(ring->octets, (const uint8_t *)from + first, n - first);
	return (at + n) % OCTETS;
}

static size_t copy_out(
	const struct tap_ring *ring, size_t at, void *to, size_t n)
{
	size_t first = first_part(at, n);
	memcpy(to, ring->octets + at, first);
	if (n > first)
		memcpy((uint8_t *)to + first, ring->octets, n - first);
	return (at + n) % OCTETS;
}

void tap_ring_put(struct tap_ring *ring, const struct tap_event *e)
{
	struct tap_head head = {.query_ns = e->query_ns,
		.response_ns = e->response_ns,
		.peer = e->peer,
		.port = e->port,
		.query_len = e->query_len,
		.reply_len = e->reply_len,
		.tcp = e->tcp,
		.tls = e->tls};
	uint32_t cells = cells_of(e->query_len, e->reply_len), index;

	if (!ring_room(&ring->ring, TAP_CELLS, cells - 1, &index))
		return;
	size_t at = (size_t)index * TAP_CELL;
	at = copy_in(ring, at, &head, sizeof head);
	at = copy_in(ring, at, e->query, e->query_len);
	copy_in(ring, at, e->reply, e->reply_len);
	ring_put_n(&ring->ring, cells);
}

bool tap_ring_take(struct tap_ring *ring, struct tap_event *e)
{
	struct tap_head head;
	uint32_t index;

	if (!ring_any(&ring->ring, TAP_CELLS, &index))
		return false;
	size_t at = (size_t)index * TAP_CELL;
	at = copy_out(ring, at, &head, sizeof head);
	copy_out(
		ring, at, ring->taken, (size_t)head.query_len + head.reply_len);
	ring_taken_n(&ring->ring, cells_of(head.query_len, head.reply_len));
	*e = (struct tap_event){.query_ns = head.query_ns,
		.response_ns = head.response_ns,
		.peer = head.peer,
		.port = head.port,
		.query_len = head.query_len,
		.reply_len = head.reply_len,
		.tcp = head.tcp,
		.tls = head.tls,
		.query = ring->taken,
		.reply = ring->taken + head.query_len};
	return true;
}

uint32_t tap_ring_lost(const struct tap_ring *ring)
{
	return ring_lost(&ring->ring);
}
