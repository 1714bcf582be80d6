/* ring.h - a ring between two threads: one puts, one takes, and neither waits.
 *
 * This is only the account of a ring; the entries are an array of the owner's,
 * `size` of them, a power of two:
 *
 *	putting thread   ring_room() -> index, fill entry[index], ring_put()
 *	taking thread    ring_any()  -> index, read entry[index], ring_taken()
 *
 * Something that takes n entries in a row (from the last the first follows) asks for
 * n - 1 to be kept beside the one, and is put and taken by ring_put_n() and
 * ring_taken_n().
 *
 * What finds no room is lost and counted. Zeroed memory is an empty ring.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ring {
	_Atomic uint32_t put;   /* entries so far; the putting thread's */
	_Atomic uint32_t lost;  /* the putting thread's; any may read it */
	uint8_t apart[64];      /* two threads, two cache lines */
	_Atomic uint32_t taken; /* entries so far; the taking thread's */
};

/* Room for an entry if more than `keep` are free: its index. False: it is lost. */
static inline bool ring_room(
	struct ring *ring, uint32_t size, uint32_t keep, uint32_t *index)
{
	assert(size && !(size & (size - 1)) && keep < size);
	uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
	uint32_t used =
		put - atomic_load_explicit(&ring->taken, memory_order_acquire);
	if (size - used <= keep) {
		uint32_t lost =
			atomic_load_explicit(&ring->lost, memory_order_relaxed);
		atomic_store_explicit(
			&ring->lost, lost + 1, memory_order_relaxed);
		return false;
	}
	*index = put & (size - 1);
	return true;
}

/* The n entries from the one that ring_room() found on are filled. */
static inline void ring_put_n(struct ring *ring, uint32_t n)
{
	uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
	atomic_store_explicit(&ring->put, put + n, memory_order_release);
}

/* The entry that ring_room() found is filled. */
static inline void ring_put(struct ring *ring)
{
	ring_put_n(ring, 1);
}

/* The index of the oldest entry. False: there is none. */
static inline bool ring_any(
	const struct ring *ring, uint32_t size, uint32_t *index)
{
	assert(size && !(size & (size - 1)));
	uint32_t taken =
		atomic_load_explicit(&ring->taken, memory_order_relaxed);
	if (taken == atomic_load_explicit(&ring->put, memory_order_acquire))
		return false;
	*index = taken & (size - 1);
	return true;
}

/* The n entries from the one that ring_any() found on are read. */
static inline void ring_taken_n(struct ring *ring, uint32_t n)
{
	uint32_t taken =
		atomic_load_explicit(&ring->taken, memory_order_relaxed);
	atomic_store_explicit(&ring->taken, taken + n, memory_order_release);
}

/* The entry that ring_any() found is read. */
static inline void ring_taken(struct ring *ring)
{
	ring_taken_n(ring, 1);
}

static inline uint32_t ring_lost(const struct ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

#endif
