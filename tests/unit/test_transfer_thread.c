/* test_transfer_thread.c - what the thread does with a peer that takes nothing: the
 * connection is a socket pair, the time is the test's.
 */
#include "unit/source.h"

#include <fcntl.h>

#include "transfer/transfer.c"

static const char conf_text[] =
	"zones: {example.com: {file: test.zone, transfer: {to: [0.0.0.0/0]}}}\n";

static struct fixture {
	struct transfer_source *source;
	struct transfers *transfers;
	struct handed_over *back;
	int peer;
} t;

static void on_back(void *arg, struct handed_over *h)
{
	assert_ptr_equal(arg, &t);
	t.back = h;
}

static int setup(void **state)
{
	struct buf text = {0};

	t = (struct fixture){0};
	for (unsigned i = 0; i < 20000; i++)
		buf_printf(&text, "n%u TXT \"%0100u\"\n", i, i);
	t.source = source_make(conf_text, (uint32_t[]){1}, text.text);
	buf_fini(&text);
	t.transfers = transfers_new();
	transfers_give_back(t.transfers, on_back, &t);
	return 0;
}

static int teardown(void **state)
{
	transfers_free(t.transfers);
	transfer_source_release(t.source);
	assert_int_equal(sources, 0); /* nothing else uses it any more */
	close(t.peer);
	return 0;
}

/* Begins a transfer, whose peer is t.peer. */
static struct running *begin(const char *earlier)
{
	struct packet p = packet_query("example.com", RR_AXFR);
	struct handed_over *h = mem_zero(1, sizeof *h);
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	h->fd = fds[0];
	t.peer = fds[1];
	h->source = transfer_source_take(t.source);
	h->zone = &t.source->zones[0];
	h->request = mem_alloc(p.len);
	h->request_len = p.len;
	memcpy(h->request, p.bytes, p.len);
	h->out_len = strlen(earlier);
	h->out = h->out_len ? (uint8_t *)mem_strdup(earlier) : NULL;
	h->in = (uint8_t *)mem_strdup("next");
	h->in_len = 4;
	transfers_hand(t.transfers, h);
	mailbox_run(t.transfers->mailbox);
	return TAILQ_FIRST(&t.transfers->running);
}

/* Until nothing is there. The octets. */
static size_t read_all(uint8_t *first, size_t room)
{
	uint8_t some[65536];
	size_t sum = 0;
	ssize_t n;
	while ((n = read(t.peer, some, sizeof some)) > 0) {
		if (!sum)
			memcpy(first, some,
				(size_t)n < room ? (size_t)n : room);
		sum += (size_t)n;
	}
	return sum;
}

/* What was to be sent before comes first, and what came behind goes back with the
 * connection. */
static void test_all(void **state)
{
	uint8_t first[8] = {0};
	size_t sum = 0;

	assert_non_null(begin("earlier"));
	while (!t.back) {
		uint8_t *into = sum ? (uint8_t[8]){0} : first;
		sum += read_all(into, 8);
		turn(t.transfers);
	}
	sum += read_all((uint8_t[8]){0}, 8);
	assert_memory_equal(first, "earlier", 7);
	assert_true(sum > 20000 * 100);
	assert_true(TAILQ_EMPTY(&t.transfers->running));
	assert_null(t.back->source);
	assert_memory_equal(t.back->in, "next", 4);
	struct transfer_counts counts = transfers_counts(t.transfers);
	assert_int_equal(counts.done, 1);
	assert_int_equal(counts.running, 0);
	assert_int_equal(counts.records, t.source->zones[0].zone->records + 1);
	handed_over_free(t.back);
}

static void test_stalled(void **state)
{
	struct running *r = begin("");
	uint8_t first[8];

	assert_non_null(r); /* it waits for the peer */
	int64_t last_ms = r->progress_ms;
	check_time(t.transfers, r, last_ms + TRANSFER_STALL_MS - 1);
	assert_ptr_equal(TAILQ_FIRST(&t.transfers->running), r);

	/* It takes something: it has as much time again. */
	r->progress_ms -= TRANSFER_STALL_MS;
	assert_true(read_all(first, 8) > 0);
	send_more(t.transfers, r);
	assert_true(r->progress_ms >= last_ms);
	check_time(t.transfers, r, r->progress_ms + TRANSFER_STALL_MS - 1);
	assert_ptr_equal(TAILQ_FIRST(&t.transfers->running), r);

	check_time(t.transfers, r, r->progress_ms + TRANSFER_STALL_MS);
	assert_true(TAILQ_EMPTY(&t.transfers->running));
	assert_int_equal(transfers_counts(t.transfers).failed, 1);
	assert_int_equal(transfers_counts(t.transfers).running, 0);
	read_all(first, 8);
	assert_int_equal(read(t.peer, first, 1), 0); /* closed */
}

/* However it goes on taking a little. */
static void test_longest(void **state)
{
	struct running *r = begin("");
	r->begin_ms -= TRANSFER_LONGEST_MS - 1000;
	check_time(t.transfers, r, r->progress_ms);
	assert_false(TAILQ_EMPTY(&t.transfers->running));
	r->begin_ms -= 1000;
	check_time(t.transfers, r, r->progress_ms);
	assert_true(TAILQ_EMPTY(&t.transfers->running));
}

/* Handed over when the thread does not run: closed at the end. */
static void test_dropped(void **state)
{
	begin("");
	struct running *r = TAILQ_FIRST(&t.transfers->running);
	give_up(t.transfers, r, "test");
	struct handed_over *h = mem_zero(1, sizeof *h);
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	h->fd = fds[0];
	h->source = transfer_source_take(t.source);
	transfers_hand(t.transfers, h);
	transfers_free(t.transfers);
	t.transfers = NULL;
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stalled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
