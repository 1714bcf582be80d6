/* The ring between an answering thread and control: what is pushed is popped
 * once, in order and whole, or counted as lost. */
#include "world.h"

#include <pthread.h>
#include <sched.h>

#include "base/rng.h"
#include "ledger/events.h"

#define ORDINARY (NOTES_SIZE - NOTES_URGENT) /* room for any kind */

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct notes));
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Every word of it follows from its key. */
static struct note note_of(uint64_t key, enum note_kind kind)
{
	uint64_t h = hash_mix(key);
	struct note note = {.key = key,
		.now_ms = (uint32_t)(h >> 32),
		.at_once = (float)(h & 0xffff),
		.rate = (float)(h >> 40),
		.area = (uint32_t)(h >> 16),
		.held_s = (uint16_t)(h >> 8),
		.kind = (uint8_t)kind};
	for (unsigned i = 0; i < NOTE_NODES; i++)
		note.node[i] = (uint16_t)(h >> (16 * i));
	return note;
}

static bool is_whole(const struct note *note)
{
	struct note right = note_of(note->key, note->kind);
	return note->now_ms == right.now_ms && note->at_once == right.at_once &&
		note->rate == right.rate && note->area == right.area &&
		note->held_s == right.held_s &&
		!memcmp(note->node, right.node, sizeof right.node);
}

static void push(struct notes *notes, uint64_t key, enum note_kind kind)
{
	struct note note = note_of(key, kind);
	note_push(notes, &note);
}

static void expect_key(struct notes *notes, uint64_t key)
{
	struct note note;
	assert_true(note_pop(notes, &note));
	assert_int_equal(note.key, key);
	assert_true(is_whole(&note));
}

static void test_order(void **state)
{
	struct notes *notes = *state;
	struct note note;
	uint64_t in = 0, out = 0;

	assert_false(note_pop(notes, &note));
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 1000; i++)
			push(notes, in++, i % 3);
		/* some stay, so that it is used at all offsets */
		while (out + round < in)
			expect_key(notes, out++);
	}
	while (out < in)
		expect_key(notes, out++);
	assert_false(note_pop(notes, &note));
	assert_int_equal(notes->lost, 0);
}

/* After 2^32 notes the counters begin anew. */
static void test_counters_wrap(void **state)
{
	struct notes *notes = *state;
	struct note note;

	notes->head = notes->tail = UINT32_MAX - 100;
	for (uint64_t i = 0; i < ORDINARY; i++)
		push(notes, i, NOTE_TOLD);
	for (uint64_t i = 0; i < ORDINARY; i++)
		expect_key(notes, i);
	assert_false(note_pop(notes, &note));
	assert_int_equal(notes->lost, 0);
}

/* Full: the new ones are lost, not the old ones, and counted. */
static void test_full(void **state)
{
	struct notes *notes = *state;
	struct note note;

	for (uint64_t i = 0; i < NOTES_SIZE + 10; i++)
		push(notes, i, NOTE_CROWD);
	assert_int_equal(notes->lost, 10);
	for (uint64_t i = 0; i < NOTES_SIZE; i++)
		expect_key(notes, i);
	assert_false(note_pop(notes, &note));
	push(notes, 7, NOTE_LEFT); /* and it goes on */
	expect_key(notes, 7);
	assert_int_equal(notes->lost, 10);
}

/* Evidence, which floods of questions can bring, leaves room for crowds, whose
 * promises nobody else tells. */
static void test_room_for_crowds(void **state)
{
	struct notes *notes = *state;
	struct note note;
	unsigned crowds = 0, n = 0;

	for (uint64_t i = 0; i < 2 * NOTES_SIZE; i++)
		push(notes, i, i % 2 ? NOTE_TOLD : NOTE_LEFT);
	assert_int_equal(notes->lost, 2 * NOTES_SIZE - ORDINARY);
	for (uint64_t i = 0; i < NOTES_URGENT; i++)
		push(notes, i, NOTE_CROWD);
	assert_int_equal(notes->lost, 2 * NOTES_SIZE - ORDINARY);
	push(notes, 1, NOTE_CROWD); /* now there is no room at all */
	assert_int_equal(notes->lost, 2 * NOTES_SIZE - ORDINARY + 1);
	for (; note_pop(notes, &note); n++)
		crowds += note.kind == NOTE_CROWD;
	assert_int_equal(n, NOTES_SIZE);
	assert_int_equal(crowds, NOTES_URGENT);
}

/* -- two threads -- */

#define PUSHED 3000000

static void *pusher(void *arg)
{
	struct notes *notes = arg;
	for (uint64_t i = 1; i <= PUSHED; i++) {
		push(notes, i, i % 3);
		/* sometimes the popper keeps pace, sometimes not */
		if (i % 8192 < 64)
			sched_yield();
	}
	return NULL;
}

/* What arrives is whole and in order; what does not is in the count. */
static void test_two_threads(void **state)
{
	struct notes *notes = *state;
	struct note note;
	pthread_t thread;
	uint64_t popped = 0, last = 0;
	bool more = true;

	assert_int_equal(pthread_create(&thread, NULL, pusher, notes), 0);
	while (more) {
		/* looked at before the ring: nothing comes after it */
		more = atomic_load(&notes->head) + atomic_load(&notes->lost) <
			PUSHED;
		while (note_pop(notes, &note)) {
			assert_true(is_whole(&note));
			assert_true(note.key > last);
			last = note.key;
			popped++;
		}
	}
	pthread_join(thread, NULL);
	assert_int_equal(popped + notes->lost, PUSHED);
	assert_true(popped > NOTES_SIZE); /* it was a test at all */
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
