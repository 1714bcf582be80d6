/* test_transfer_thread.c - what the thread does with a peer that takes all, or nothing: the
 * connection is a socket pair, the time is the test's. And what others ask of the thread.
 */
#include "unit/folder.h"
#include "unit/hear.h"
#include "unit/memory.h"
#include "unit/source.h"
#include "unit/standin.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "transfer/private.h"
#include "transfer/transfer.c"

static const char conf_text[] =
	"tsig: {ns2: {secret: AQIDBAUGBwgJCgsMDQ4PEA==}}\n"
	"zones: {example.com: {file: test.zone, transfer: {to: [0.0.0.0/0]}}}\n";

static struct fixture {
	struct transfer_source *source;
	struct transfers *transfers;
	struct handed_over *back;
	int peer; /* of the transfer that began last, and all: */
	int peers[TRANSFERS_MAX + 1];
	unsigned n_peers;
	struct buf got; /* what a peer has read */
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
	while (t.transfers && !TAILQ_EMPTY(&t.transfers->running))
		give_up(t.transfers, TAILQ_FIRST(&t.transfers->running),
			"the test ends");
	transfers_free(t.transfers);
	transfer_source_release(t.source);
	assert_int_equal(sources, 0); /* nothing else uses it any more */
	for (unsigned i = 0; i < t.n_peers; i++)
		close(t.peers[i]);
	buf_fini(&t.got);
	heard("");
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
	/* So little that it takes parts of messages. */
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){4096},
				 sizeof(int)),
		0);
	h->fd = fds[0];
	t.peer = t.peers[t.n_peers++] = fds[1];
	assert_true(addr_parse(&h->peer, "192.0.2.9"));
	h->port = 4000;
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
static size_t read_all(void)
{
	uint8_t some[65536];
	size_t before = t.got.len;
	ssize_t n;
	while ((n = read(t.peer, some, sizeof some)) > 0)
		buf_add(&t.got, some, (size_t)n);
	return t.got.len - before;
}

/* How many messages were read, all whole, from an octet on. *rcode: of the last. */
static unsigned messages_from(size_t at, unsigned *rcode)
{
	const uint8_t *got = (const uint8_t *)t.got.text;
	unsigned n = 0;

	for (; at < t.got.len; n++) {
		assert_true(at + 2 + HEADER_LEN <= t.got.len);
		*rcode = got[at + 2 + 3] & 15;
		at += 2u + get16(got + at);
	}
	assert_int_equal(at, t.got.len);
	return n;
}

/* What was to be sent before comes first, and what came behind goes back with the
 * connection. */
static void test_all(void **state)
{
	struct running *r = begin("earlier");
	char said[200];
	unsigned records = (unsigned)t.source->zones[0].zone->records + 1;

	assert_non_null(r);
	r->begin_ms -= 1000000 * 1000;
	hear();
	while (!t.back) {
		read_all();
		turn(t.transfers);
	}
	read_all();
	assert_memory_equal(t.got.text, "earlier", 7);
	unsigned rcode, messages = messages_from(7, &rcode);
	assert_int_equal(rcode, RCODE_NOERROR);
	snprintf(said, sizeof said,
		"transfer: AXFR of example.com, serial 1, to 192.0.2.9 port "
		"4000: done, %u records in %u messages, %zu octets, ",
		records, messages, t.got.len);
	const char *at = strstr(heard_all(), said);
	assert_non_null(at);
	assert_int_equal(atoi(at + strlen(said)) / 1000, 1000); /* seconds */
	assert_true(TAILQ_EMPTY(&t.transfers->running));
	assert_null(t.back->source);
	assert_null(t.back->request);
	assert_int_equal(t.back->request_len, 0);
	assert_memory_equal(t.back->in, "next", 4);
	struct transfer_counts counts = transfers_counts(t.transfers);
	assert_int_equal(counts.done, 1);
	assert_int_equal(counts.failed, 0);
	assert_int_equal(counts.running, 0);
	assert_int_equal(counts.records, records);
	handed_over_free(t.back);
}

/* More than may run: the next one is answered SERVFAIL. */
static void test_too_many(void **state)
{
	for (unsigned i = 0; i < TRANSFERS_MAX; i++)
		assert_non_null(begin(""));
	assert_int_equal(transfers_counts(t.transfers).running, TRANSFERS_MAX);
	assert_null(t.back);
	hear();
	begin("");
	assert_true(heard("refused, 10 run already"));
	assert_non_null(t.back);
	read_all();
	unsigned rcode;
	assert_int_equal(messages_from(0, &rcode), 1);
	assert_int_equal(rcode, RCODE_SERVFAIL);
	struct transfer_counts counts = transfers_counts(t.transfers);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(counts.done, 0);
	assert_int_equal(counts.running, TRANSFERS_MAX);
	handed_over_free(t.back);
	t.back = NULL;
	/* Where one is over, there is room again. */
	give_up(t.transfers, TAILQ_FIRST(&t.transfers->running), "test");
	assert_int_equal(
		transfers_counts(t.transfers).running, TRANSFERS_MAX - 1);
	close(t.peers[--t.n_peers]);
	begin("");
	assert_null(t.back);
	assert_int_equal(transfers_counts(t.transfers).running, TRANSFERS_MAX);
}

static void test_stalled(void **state)
{
	struct running *r = begin("");
	uint8_t some[1];

	assert_non_null(r); /* it waits for the peer */
	int64_t last_ms = r->progress_ms;
	check_time(t.transfers, r, last_ms + TRANSFER_STALL_MS - 1);
	assert_ptr_equal(TAILQ_FIRST(&t.transfers->running), r);

	/* It takes something: it has as much time again. */
	r->progress_ms -= TRANSFER_STALL_MS;
	assert_true(read_all() > 0);
	send_more(t.transfers, r);
	assert_true(r->progress_ms >= last_ms);
	check_time(t.transfers, r, r->progress_ms + TRANSFER_STALL_MS - 1);
	assert_ptr_equal(TAILQ_FIRST(&t.transfers->running), r);

	char said[200];
	snprintf(said, sizeof said,
		"transfer: AXFR of example.com, serial 1, to 192.0.2.9 port "
		"4000, key ns2: given up after %llu octets: the peer takes "
		"nothing",
		(unsigned long long)r->octets);
	r->h->key = &t.source->keys[0];
	hear();
	check_time(t.transfers, r, r->progress_ms + TRANSFER_STALL_MS);
	assert_true(heard(said));
	assert_true(TAILQ_EMPTY(&t.transfers->running));
	assert_int_equal(transfers_counts(t.transfers).failed, 1);
	assert_int_equal(transfers_counts(t.transfers).running, 0);
	read_all();
	assert_int_equal(read(t.peer, some, 1), 0); /* closed */
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

/* One that never began. */
static void drop_one(void)
{
	struct handed_over *h = mem_zero(1, sizeof *h);
	h->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->in = mem_alloc(1000);
	h->out = mem_alloc(1000);
	h->request = mem_alloc(1000);
	h->source = transfer_source_take(t.source);
	handed_over_free(h);
}

/* Given up or done, nothing of it stays. */
static void test_memory(void **state)
{
	size_t before = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct running *r = begin("earlier");
		assert_non_null(r);
		drop_one();
		if (i % 2)
			give_up(t.transfers, r, "test");
		while (!t.back && !(i % 2)) {
			read_all();
			turn(t.transfers);
		}
		if (t.back)
			handed_over_free(t.back);
		t.back = NULL;
		close(t.peers[--t.n_peers]);
		buf_fini(&t.got);
		if (i == 1)
			before = memory_of_heap();
	}
	assert_int_equal(memory_of_heap(), before);
}

/* -- what others ask of the thread -- */

static int changed_fd;

static void on_changed(void *arg, const char *zone, bool arrived)
{
	uint64_t one = 1;
	assert_ptr_equal(arg, &t);
	assert_string_equal(zone, "example.com");
	assert_true(arrived);
	assert_int_equal(write(changed_fd, &one, sizeof one), sizeof one);
}

/* A zone comes, and another one's change is notified. */
static void test_others(void **state)
{
	const struct secondaries_links links = {&t, on_changed};
	char folder[FOLDER_MAX], text[600];
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	struct standin primary;
	int hears = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(hears, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(hears, (struct sockaddr *)&at, &len), 0);
	changed_fd = eventfd(0, 0);
	folder_make(folder);
	standin_open(&primary);
	snprintf(text, sizeof text,
		"store: %s/d.db\nzones:\n"
		"  example.com: {from: {primary: [\"127.0.0.1:%u\"]}}\n"
		"  example.net: {file: a, transfer: {notify: "
		"[\"127.0.0.1:%u\"]}}\n",
		folder, primary.port, ntohs(at.sin_port));
	struct transfer_source *source =
		source_make(text, (uint32_t[]){0, 1}, "");
	transfers_link(t.transfers, &links);
	transfers_start(t.transfers);
	transfers_start(t.transfers); /* it runs already */
	transfers_use(t.transfers, source);
	transfer_source_release(source);

	struct pollfd fds[] = {{.fd = changed_fd, .events = POLLIN},
		{.events = POLLIN}, {.fd = hears, .events = POLLIN}};
	while (!fds[0].revents || !fds[2].revents) {
		fds[1].fd = primary.fd >= 0 ? primary.fd : primary.listener;
		assert_true(poll(fds + !!fds[0].revents, 2 + !fds[0].revents,
				    30000) > 0);
		if (fds[1].revents)
			standin_play(&primary);
	}
	assert_string_equal(primary.asked, "AXFR ");
	transfers_settled(t.transfers, "example.com", "it is not good");
	transfers_refresh(t.transfers, "example.com", true);
	transfers_stop(t.transfers); /* behind these */
	transfers_stop(t.transfers);
	unsigned n;
	struct secondary_status *zones = transfers_secondaries(t.transfers, &n);
	assert_int_equal(n, 1);
	assert_non_null(strstr(zones->why, "it is not good"));
	assert_int_equal(zones->failures, 1);
	free(zones);
	assert_true(TAILQ_FIRST(&t.transfers->secondaries->list)->force);
	assert_ptr_equal(
		transfers_bell(t.transfers), &t.transfers->secondaries->bell);
	transfers_refresh(t.transfers, "example.com", true); /* too late */
	standin_close(&primary);
	close(changed_fd);
	close(hears);
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stalled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
