/* test_notify.c - which name servers get a NOTIFY, when, how often, and which answers count.
 * The test plays them, on loopback; the time is the test's.
 */
#include "unit/hear.h"
#include "unit/memory.h"
#include "unit/source.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "transfer/notify.h"

#define NOW_S 1700000000u
#define PATIENCE_MS 30000

static struct fixture {
	struct notifier *notifier;
	int fd[2]; /* name servers */
	uint16_t port[2];
	int64_t now_ms;
	/* What came last. */
	uint8_t message[1500];
	size_t len;
	struct sockaddr_storage from;
} t;

/* *port 0: any, which it is then. */
static int udp_socket(const char *address, uint16_t *port)
{
	struct sockaddr_storage at;
	socklen_t len = sockaddr_parse(&at, address, 1);
	int fd = socket(at.ss_family, SOCK_DGRAM, 0);

	/* The port lies at the same place of both families. */
	((struct sockaddr_in *)(void *)&at)->sin_port = htons(*port);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = (uint16_t)sockaddr_port(&at);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	t = (struct fixture){.now_ms = 5000000, .notifier = notifier_new()};
	for (unsigned i = 0; i < 2; i++)
		t.fd[i] = udp_socket("127.0.0.1", &t.port[i]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heard("");
	notifier_free(t.notifier);
	assert_int_equal(sources, 0);
	for (unsigned i = 0; i < 2; i++)
		close(t.fd[i]);
	return 0;
}

static void step(void)
{
	notifier_step(t.notifier, t.now_ms, NOW_S);
}

/* -- configurations -- */

#define KEY "AQIDBAUGBwgJCgsMDQ4PEA=="

/* example.com, of which the first n name servers hear. */
static void use_with(
	unsigned n, const char *key, uint32_t serial, const char *more)
{
	char text[600], to[200] = "";
	for (unsigned i = 0; i < n; i++)
		snprintf(to + strlen(to), sizeof to - strlen(to),
			"%s\"127.0.0.1:%u%s\"", i ? ", " : "", t.port[i], key);
	snprintf(text, sizeof text,
		"tsig: {ns2: {secret: \"" KEY "\"}}\n"
		"zones: {example.com: {file: a, transfer: {notify: [%s]}}}\n",
		to);
	notifier_use(t.notifier, source_make(text, &serial, more), t.now_ms);
}

static void use(uint32_t serial)
{
	use_with(1, "", serial, "");
}

/* As use_with(), but the zone has expired. */
static void use_expired(uint32_t serial, const char *more)
{
	char text[200];
	snprintf(text, sizeof text,
		"zones: {example.com: {file: a, transfer: {notify: "
		"[\"127.0.0.1:%u\"]}}}\n",
		t.port[0]);
	struct transfer_source *source = source_make(text, &serial, more);
	((struct zone *)source->zones[0].zone)->absent = true;
	notifier_use(t.notifier, source, t.now_ms);
}

/* -- name servers -- */

static bool has_come(unsigned i)
{
	struct pollfd fd = {.fd = t.fd[i], .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

/* The i-th one takes a message. */
static void take(unsigned i)
{
	struct pollfd fd = {.fd = t.fd[i], .events = POLLIN};
	socklen_t len = sizeof t.from;

	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	t.len = (size_t)recvfrom(t.fd[i], t.message, sizeof t.message, 0,
		(struct sockaddr *)&t.from, &len);
}

/* Sends what is in t.message to where the last one came from. Then the notifier reads
 * it. */
static void give(int fd)
{
	struct pollfd back[NOTIFIER_SOCKETS];

	assert_int_equal(
		sendto(fd, t.message, t.len, 0, (struct sockaddr *)&t.from,
			sizeof(struct sockaddr_in)),
		t.len);
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		back[i] = (struct pollfd){
			.fd = notifier_socket(t.notifier, i), .events = POLLIN};
	assert_int_equal(poll(back, NOTIFIER_SOCKETS, PATIENCE_MS), 1);
	step();
}

static void answer(unsigned i, unsigned rcode)
{
	put16(t.message + 2, OPCODE_NOTIFY | FLAG_QR | FLAG_AA | rcode);
	give(t.fd[i]);
}

static void check_counts(unsigned answered, unsigned unanswered)
{
	struct notifier_counts counts = notifier_counts(t.notifier);
	assert_int_equal(counts.answered, answered);
	assert_int_equal(counts.unanswered, unanswered);
}

/* -- what is sent -- */

static void test_message(void **state)
{
	struct name zone = nm("example.com");
	(void)state;

	assert_false(notifier_busy(t.notifier));
	use(7);
	assert_true(notifier_busy(t.notifier));
	assert_false(has_come(0));
	step();
	take(0);
	assert_int_equal(t.len, HEADER_LEN + zone.len + 4);
	assert_int_equal(get16(t.message + 2), 4 << 11 | FLAG_AA);
	assert_int_equal(get16(t.message + 4), 1);
	for (unsigned i = 6; i < HEADER_LEN; i++)
		assert_int_equal(t.message[i], 0);
	assert_memory_equal(t.message + HEADER_LEN, zone.bytes, zone.len);
	assert_int_equal(get16(t.message + HEADER_LEN + zone.len), RR_SOA);
	assert_int_equal(
		get16(t.message + HEADER_LEN + zone.len + 2), CLASS_IN);

	hear();
	answer(0, RCODE_NOERROR);
	char said[100];
	snprintf(said, sizeof said,
		"notify: example.com, serial 7, to 127.0.0.1:%u: answered\n",
		t.port[0]);
	assert_true(heard(said));
	assert_false(notifier_busy(t.notifier));
	check_counts(1, 0);
}

/* Five times, longer and longer apart, then it is given up. */
static void test_tries(void **state)
{
	static const int64_t waits_ms[] = {2000, 4000, 8000, 16000};
	unsigned first;
	(void)state;

	use(7);
	step();
	take(0);
	first = get16(t.message);
	bool other = false;
	for (unsigned i = 0; i < 4; i++) {
		t.now_ms += waits_ms[i] - 1;
		step();
		assert_false(has_come(0));
		t.now_ms++;
		step();
		take(0);
		other |= get16(t.message) != first; /* a new number each time */
	}
	assert_true(other);
	t.now_ms += 31999;
	step();
	assert_true(notifier_busy(t.notifier));
	t.now_ms++;
	hear();
	step();
	assert_true(heard(": no answer"));
	assert_false(has_come(0));
	assert_false(notifier_busy(t.notifier));
	check_counts(0, 1);
}

/* One that answers does not hear it again, others do. */
static void test_two(void **state)
{
	(void)state;
	use_with(2, "", 7, "");
	step();
	take(1);
	answer(1, RCODE_NOERROR);
	assert_true(notifier_busy(t.notifier));
	take(0);
	t.now_ms += 2000;
	step();
	take(0);
	assert_false(has_come(1));
	answer(0, RCODE_NOERROR);
	assert_false(notifier_busy(t.notifier));
	check_counts(2, 0);
}

/* One socket is enough for all on this machine. */
static void test_sockets(void **state)
{
	unsigned open = 0;
	(void)state;

	use_with(2, "", 7, "");
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		assert_int_equal(notifier_socket(t.notifier, i), -1);
	step();
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		open += notifier_socket(t.notifier, i) >= 0;
	assert_int_equal(open, 1);
}

/* It comes from where questions are answered. */
static void test_from(void **state)
{
	char text[300], from[SOCKADDR_TEXT_MAX];
	uint32_t serial = 7;
	(void)state;

	snprintf(text, sizeof text,
		"listen: [\"0.0.0.0:53\", \"127.0.0.3:53\"]\n"
		"zones: {example.com: {file: a, transfer: {notify: "
		"[\"127.0.0.1:%u\"]}}}\n",
		t.port[0]);
	notifier_use(t.notifier, source_make(text, &serial, ""), t.now_ms);
	step();
	take(0);
	sockaddr_text((struct sockaddr *)&t.from, from);
	assert_memory_equal(from, "127.0.0.3:", 10);
}

/* What cannot be sent is said, and tried again. */
static void test_cannot_be_sent(void **state)
{
	uint32_t serial = 7;
	(void)state;

	/* It is a broadcast address. */
	notifier_use(t.notifier,
		source_make("zones: {example.com: {file: a, transfer: "
			    "{notify: [\"127.255.255.255:5300\"]}}}\n",
			&serial, ""),
		t.now_ms);
	hear();
	step();
	assert_true(heard("serial 7, to 127.255.255.255:5300: "
			  "Permission denied"));
	assert_true(notifier_busy(t.notifier));
}

/* -- answers -- */

static void test_answered_with_error(void **state)
{
	(void)state;
	use(7);
	step();
	take(0);
	hear();
	answer(0, RCODE_NOTIMP);
	assert_true(heard(": answered NOTIMP"));
	assert_false(notifier_busy(t.notifier));
	check_counts(1, 0);
}

/* What is no answer to it, and what comes from elsewhere. */
static void test_no_answers(void **state)
{
	static const unsigned flags[] = {
		OPCODE_NOTIFY | FLAG_AA, FLAG_QR | FLAG_AA, 5 << 11 | FLAG_QR};
	(void)state;

	use(7);
	step();
	take(0);
	for (unsigned i = 0; i < 3; i++) {
		put16(t.message + 2, flags[i]);
		give(t.fd[0]);
	}
	answer(1, RCODE_NOERROR); /* another port */
	uint16_t port = 0;
	int other = udp_socket("127.0.0.2", &port);
	put16(t.message + 2, OPCODE_NOTIFY | FLAG_QR);
	give(other);
	close(other);
	t.message[0] ^= 1; /* another number */
	answer(0, RCODE_NOERROR);
	t.message[0] ^= 1;
	size_t len = t.len;
	t.len = HEADER_LEN - 1;
	give(t.fd[0]);
	assert_true(notifier_busy(t.notifier));
	check_counts(0, 0);
	/* A header alone is one. */
	t.len = HEADER_LEN;
	answer(0, RCODE_NOERROR);
	assert_true(len > t.len);
	check_counts(1, 0);
}

/* Another address with the port of the one that is asked. */
static void test_other_address(void **state)
{
	(void)state;

	use(7);
	step();
	take(0);
	int other = udp_socket("127.0.0.2", &t.port[0]);
	put16(t.message + 2, OPCODE_NOTIFY | FLAG_QR);
	give(other);
	close(other);
	assert_true(notifier_busy(t.notifier));
}

/* Answers to what was not sent yet. */
static void test_not_asked_yet(void **state)
{
	(void)state;
	use_with(1, "", 7, "");
	step();
	take(0);
	answer(0, RCODE_NOERROR);
	use_with(1, "", 8, "");
	/* Its number is not drawn: it is 0. */
	put16(t.message, 0);
	put16(t.message + 2, OPCODE_NOTIFY | FLAG_QR);
	give(t.fd[0]);
	assert_true(notifier_busy(t.notifier));
	check_counts(1, 0);
}

/* -- keys -- */

static struct tsig_key key_of(const char *name)
{
	struct tsig_key key;
	uint8_t secret[16];
	for (unsigned i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)(i + 1);
	assert_true(tsig_key_set(
		&key, name, TSIG_HMAC_SHA256, secret, sizeof secret));
	return key;
}

/* The message that was taken becomes its answer, by a key; key NULL: not signed. */
static void sign_answer(const struct tsig_key *key, uint64_t at_s)
{
	struct tsig_key asked = key_of("ns2");
	struct tsig_chain chain;
	struct tsig tsig;
	size_t at = tsig_find(t.message, t.len);

	assert_true(at && tsig_read(&tsig, t.message, t.len, at));
	assert_int_equal(
		tsig_verify(&asked, &tsig, t.message, t.len, NULL, NOW_S),
		TSIG_GOOD);
	put16(t.message + 2, OPCODE_NOTIFY | FLAG_QR);
	put16(t.message + 10, 0);
	t.len = at;
	if (!key)
		return;
	tsig_follow(&chain, key, &tsig);
	t.len = tsig_sign(&chain, t.message, t.len, at_s);
}

static void test_signed(void **state)
{
	struct tsig_key key = key_of("ns2"), secret = key, name = key_of("ns3");
	const struct {
		const struct tsig_key *by;
		uint64_t at_s;
	} rows[] = {{NULL, 0}, {&secret, NOW_S}, {&name, NOW_S},
		{&key, NOW_S - 301}, {&key, NOW_S}};
	(void)state;

	secret.secret[0] ^= 1;
	use_with(1, " key:ns2", 7, "");
	step();
	take(0);
	uint8_t asked[sizeof t.message];
	size_t asked_len = t.len;
	memcpy(asked, t.message, sizeof asked);
	for (unsigned i = 0; i < 5; i++) {
		memcpy(t.message, asked, sizeof asked);
		t.len = asked_len;
		sign_answer(rows[i].by, rows[i].at_s);
		hear();
		give(t.fd[0]);
		assert_int_equal(
			heard("the answer (NOERROR) is not signed"), i < 4);
		assert_int_equal(notifier_busy(t.notifier), i < 4);
	}
	check_counts(1, 0);
}

/* -- configurations that follow each other -- */

static void test_same_serial(void **state)
{
	(void)state;
	use(7);
	step();
	take(0);
	/* What is not answered yet goes on. */
	use(7);
	step();
	assert_false(has_come(0));
	t.now_ms += 2000;
	step();
	take(0);
	answer(0, RCODE_NOERROR);
	use(7);
	assert_false(notifier_busy(t.notifier));
}

static void test_other_serial(void **state)
{
	(void)state;
	use(7);
	step();
	take(0);
	use(6);
	step();
	take(0); /* at once */
	hear();
	answer(0, RCODE_NOERROR);
	assert_true(heard("serial 6,"));
	assert_false(notifier_busy(t.notifier)); /* of serial 7 neither */
}

/* A zone that is not here, that comes, and that is gone. */
static void test_absent(void **state)
{
	uint32_t serial = 7;
	(void)state;

	use(0);
	assert_false(notifier_busy(t.notifier));
	use(7);
	assert_true(notifier_busy(t.notifier));
	use(0);
	use(7);
	step();
	take(0);
	notifier_use(t.notifier,
		source_make("zones: {example.net: {file: a}}\n", &serial, ""),
		t.now_ms);
	assert_false(notifier_busy(t.notifier));
	/* No NOTIFY waits for this answer. */
	answer(0, RCODE_NOERROR);
	check_counts(0, 0);
}

/* It comes back as it was, or with what it has missed. */
static void test_expired(void **state)
{
	(void)state;
	use(7);
	step();
	take(0);
	answer(0, RCODE_NOERROR);
	hear();
	use_expired(7, "www A 192.0.2.7\n");
	assert_false(notifier_busy(t.notifier));
	use_expired(7, "");
	assert_false(notifier_busy(t.notifier));
	use_with(1, "", 7, "www A 192.0.2.8\n");
	assert_false(heard("has changed"));
	assert_true(notifier_busy(t.notifier));
}

static const char same_serial[] =
	"example.com has changed, but its serial is 7 as before";

static bool says(unsigned n, uint32_t serial, const char *more)
{
	hear();
	use_with(n, "", serial, more);
	return heard(same_serial);
}

/* What other name servers would not notice. */
static void test_changed(void **state)
{
	(void)state;
	assert_false(says(1, 7, ""));
	assert_false(says(1, 7, ""));
	assert_true(says(1, 7, "www A 192.0.2.7\n"));
	assert_false(says(1, 7, "www A 192.0.2.7\n"));
	assert_false(says(1, 8, "www A 192.0.2.8\n"));
	assert_false(says(1, 0, ""));
	assert_false(says(1, 7, ""));
	assert_true(says(1, 7, "www 301 A 192.0.2.7\n"));
	/* No name server receives the zone from here. */
	assert_false(says(0, 7, ""));
	assert_false(says(0, 7, "www A 192.0.2.9\n"));
}

/* Those that transfer it without hearing of it. */
static void test_changed_for_transfers(void **state)
{
	static const char conf[] = "zones: {example.com: {file: a, "
				   "transfer: {to: [192.0.2.1]}}}\n";
	uint32_t serial = 7;
	(void)state;

	notifier_use(t.notifier, source_make(conf, &serial, ""), t.now_ms);
	hear();
	notifier_use(t.notifier, source_make(conf, &serial, "w A 192.0.2.9\n"),
		t.now_ms);
	assert_true(heard(same_serial));
	assert_false(notifier_busy(t.notifier));
}

/* Answered, replaced, given up or left at the end, nothing of it stays. */
static void test_memory(void **state)
{
	size_t before = 0;
	for (unsigned i = 0; i < 3; i++) {
		use_with(2, " key:ns2", 7, "");
		step();
		take(0);
		use_with(2, "", 8, "");
		step();
		take(0);
		answer(0, RCODE_NOERROR);
		teardown(state);
		before = i == 1 ? memory_of_heap() : before;
		if (i == 2)
			assert_int_equal(memory_of_heap(), before);
		setup(state);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_message), TEST(test_tries),
		TEST(test_two), TEST(test_sockets), TEST(test_from),
		TEST(test_cannot_be_sent), TEST(test_answered_with_error),
		TEST(test_no_answers), TEST(test_other_address),
		TEST(test_not_asked_yet), TEST(test_signed),
		TEST(test_same_serial), TEST(test_other_serial),
		TEST(test_absent), TEST(test_expired), TEST(test_changed),
		TEST(test_changed_for_transfers), TEST(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
