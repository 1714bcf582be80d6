/* The ring between an answering thread and control: what is pushed is popped
 * once, in order and whole, or counted as lost. */
#include "world.h"

#include <pthread.h>
#include <sched.h>

#include "base/rng.h"
#include "ledger/events.h"

#define ORDINARY (EVENTS_SIZE - EVENTS_URGENT) /* room for any kind */

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct steer_events));
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Every word of it follows from its key. */
static struct steer_event note_of(uint64_t key, enum steer_event_kind kind)
{
	uint64_t h = hash_mix(key);
	struct steer_event event = {.key = key,
		.now_ms = (uint32_t)(h >> 32),
		.at_once = (float)(h & 0xffff),
		.rate = (float)(h >> 40),
		.area = (uint32_t)(h >> 16),
		.held_s = (uint16_t)(h >> 8),
		.kind = (uint8_t)kind};
	for (unsigned i = 0; i < EVENT_NODES; i++)
		event.node[i] = (uint16_t)(h >> (16 * i));
	return event;
}

static bool is_whole(const struct steer_event *event)
{
	struct steer_event right = note_of(event->key, event->kind);
	return event->now_ms == right.now_ms &&
		event->at_once == right.at_once && event->rate == right.rate &&
		event->area == right.area && event->held_s == right.held_s &&
		!memcmp(event->node, right.node, sizeof right.node);
}

static void push(
	struct steer_events *events, uint64_t key, enum steer_event_kind kind)
{
	struct steer_event event = note_of(key, kind);
	events_push(events, &event);
}

static void expect_key(struct steer_events *events, uint64_t key)
{
	struct steer_event event;
	assert_true(events_pop(events, &event));
	assert_int_equal(event.key, key);
	assert_true(is_whole(&event));
}

static void test_order(void **state)
{
	struct steer_events *events = *state;
	struct steer_event event;
	uint64_t in = 0, out = 0;

	assert_false(events_pop(events, &event));
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 1000; i++)
			push(events, in++, i % 3);
		/* some stay, so that it is used at all offsets */
		while (out + round < in)
			expect_key(events, out++);
	}
	while (out < in)
		expect_key(events, out++);
	assert_false(events_pop(events, &event));
	assert_int_equal(ring_lost(&events->ring), 0);
}

/* After 2^32 notes the counters begin anew. */
static void test_counters_wrap(void **state)
{
	struct steer_events *events = *state;
	struct steer_event event;

	events->ring.put = events->ring.taken = UINT32_MAX - 100;
	for (uint64_t i = 0; i < ORDINARY; i++)
		push(events, i, EVENT_SENT);
	for (uint64_t i = 0; i < ORDINARY; i++)
		expect_key(events, i);
	assert_false(events_pop(events, &event));
	assert_int_equal(ring_lost(&events->ring), 0);
}

/* Full: the new ones are lost, not the old ones, and counted. */
static void test_full(void **state)
{
	struct steer_events *events = *state;
	struct steer_event event;

	for (uint64_t i = 0; i < EVENTS_SIZE + 10; i++)
		push(events, i, EVENT_LARGE_RESOLVER);
	assert_int_equal(ring_lost(&events->ring), 10);
	for (uint64_t i = 0; i < EVENTS_SIZE; i++)
		expect_key(events, i);
	assert_false(events_pop(events, &event));
	push(events, 7, EVENT_SWITCHED); /* and it goes on */
	expect_key(events, 7);
	assert_int_equal(ring_lost(&events->ring), 10);
}

/* Evidence, which floods of questions can bring, leaves room for crowds, whose
 * promises nobody else tells. */
static void test_room_for_crowds(void **state)
{
	struct steer_events *events = *state;
	struct steer_event event;
	unsigned crowds = 0, n = 0;

	for (uint64_t i = 0; i < 2 * EVENTS_SIZE; i++)
		push(events, i, i % 2 ? EVENT_SENT : EVENT_SWITCHED);
	assert_int_equal(ring_lost(&events->ring), 2 * EVENTS_SIZE - ORDINARY);
	for (uint64_t i = 0; i < EVENTS_URGENT; i++)
		push(events, i, EVENT_LARGE_RESOLVER);
	assert_int_equal(ring_lost(&events->ring), 2 * EVENTS_SIZE - ORDINARY);
	push(events, 1, EVENT_LARGE_RESOLVER); /* now there is no room at all */
	assert_int_equal(
		ring_lost(&events->ring), 2 * EVENTS_SIZE - ORDINARY + 1);
	for (; events_pop(events, &event); n++)
		crowds += event.kind == EVENT_LARGE_RESOLVER;
	assert_int_equal(n, EVENTS_SIZE);
	assert_int_equal(crowds, EVENTS_URGENT);
}

/* -- two threads -- */

#define PUSHED 3000000

static void *pusher(void *arg)
{
	struct steer_events *events = arg;
	for (uint64_t i = 1; i <= PUSHED; i++) {
		push(events, i, i % 3);
		/* sometimes the popper keeps pace, sometimes not */
		if (i % 8192 < 64)
			sched_yield();
	}
	return NULL;
}

/* What arrives is whole and in order; what does not is in the count. */
static void test_two_threads(void **state)
{
	struct steer_events *events = *state;
	struct steer_event event;
	pthread_t thread;
	uint64_t popped = 0, last = 0;
	bool more = true;

	assert_int_equal(pthread_create(&thread, NULL, pusher, events), 0);
	while (more) {
		/* looked at before the ring: nothing comes after it */
		more = atomic_load(&events->ring.put) +
				ring_lost(&events->ring) <
			PUSHED;
		while (events_pop(events, &event)) {
			assert_true(is_whole(&event));
			assert_true(event.key > last);
			last = event.key;
			popped++;
		}
	}
	pthread_join(thread, NULL);
	assert_int_equal(popped + ring_lost(&events->ring), PUSHED);
	assert_true(popped > EVENTS_SIZE); /* it was a test at all */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_counters_wrap),
		TEST(test_full),
		TEST(test_room_for_crowds),
		TEST(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
