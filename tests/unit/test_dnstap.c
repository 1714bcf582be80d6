/* dnstap's ring and frames: order, the end of the ring, no room, the largest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "dnstap/frame.h"

#define PENDING 5000

static uint8_t pattern[UINT16_MAX + 256];

static struct tap_event event_of(unsigned i, uint16_t query, uint16_t reply)
{
	return (struct tap_event){.query_ns = i,
		.response_ns = 2 * (int64_t)i,
		.peer = {.family = 4, .bytes = {192, 0, 2, (uint8_t)i}},
		.port = (uint16_t)i,
		.tcp = i % 2,
		.tls = i % 4 == 3,
		.query_len = query,
		.reply_len = reply,
		.query = pattern + i % 199,
		.reply = pattern + i % 211};
}

static void check_event(const struct tap_event *e, const struct tap_event *want)
{
	assert_int_equal(e->query_ns, want->query_ns);
	assert_int_equal(e->response_ns, want->response_ns);
	assert_true(addr_equal(&e->peer, &want->peer));
	assert_int_equal(e->port, want->port);
	assert_int_equal(e->tcp, want->tcp);
	assert_int_equal(e->tls, want->tls);
	assert_int_equal(e->query_len, want->query_len);
	assert_int_equal(e->reply_len, want->reply_len);
	assert_memory_equal(e->query, want->query, want->query_len);
	assert_memory_equal(e->reply, want->reply, want->reply_len);
}

static struct tap_event random_event(struct rng *rng, unsigned i)
{
	uint64_t random = rng_next(rng);
	unsigned most = random % 50 ? 600 : UINT16_MAX;
	return event_of(i, (uint16_t)(1 + (random >> 8) % most),
		(uint16_t)(1 + (random >> 32) % most));
}

/* Many times around: each event that was put is taken, in order and whole, and what
 * was not is counted. */
static void test_ring(void **state)
{
	struct tap_ring *ring = tap_ring_new();
	struct tap_event wanted[PENDING], e;
	struct rng rng = {7};
	unsigned first = 0, n = 0;
	uint32_t lost = 0;

	for (unsigned i = 0; i < 200000; i++) {
		if (n < PENDING && rng_next(&rng) % 2) {
			struct tap_event put = random_event(&rng, i);
			tap_ring_put(ring, &put);
			if (tap_ring_lost(ring) == lost)
				wanted[(first + n++) % PENDING] = put;
			lost = tap_ring_lost(ring);
		} else if (i / 50000 % 2 || rng_next(&rng) % 4 == 0) {
			assert_int_equal(tap_ring_take(ring, &e), n > 0);
			if (!n)
				continue;
			check_event(&e, &wanted[first]);
			first = (first + 1) % PENDING;
			n--;
		}
	}
	for (; n; n--, first = (first + 1) % PENDING) {
		assert_true(tap_ring_take(ring, &e));
		check_event(&e, &wanted[first]);
	}
	assert_false(tap_ring_take(ring, &e));
	assert_true(lost > 0);
	tap_ring_free(ring);
}

/* All of it can be used, and not a cell more. */
static void test_ring_is_full(void **state)
{
	struct tap_ring *ring = tap_ring_new();
	struct tap_event small = event_of(1, 1, 1), e;
	unsigned n = 0;

	for (; !tap_ring_lost(ring); n++)
		tap_ring_put(ring, &small);
	assert_int_equal(n - 1, TAP_CELLS);
	assert_true(tap_ring_take(ring, &e));
	struct tap_event large = event_of(2, TAP_CELL, TAP_CELL);
	tap_ring_put(ring, &large);
	assert_int_equal(tap_ring_lost(ring), 2);
	tap_ring_put(ring, &small);
	assert_int_equal(tap_ring_lost(ring), 2);
	tap_ring_free(ring);
}

static void test_largest_frame(void **state)
{
	uint8_t *out = malloc(FRAME_MAX);
	char identity[FRAME_IDENTITY_MAX + 1];
	struct tap_event e = event_of(3, UINT16_MAX, UINT16_MAX);

	memset(identity, 'i', FRAME_IDENTITY_MAX);
	identity[FRAME_IDENTITY_MAX] = '\0';
	e.peer.family = 6;
	e.query_ns = e.response_ns = INT64_MAX;
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		size_t len =
			frame_pack(&e, (enum frame_kind)kind, identity, out);
		assert_true(len > UINT16_MAX && len <= FRAME_MAX);
	}
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_ring_is_full),
		cmocka_unit_test(test_largest_frame),
	};
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
