/* What a node's kernel says of its connections, and what is made of it by net. */
#include <stddef.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "measure/nets.h"
#include "measure/sockets.h"

/* -- the kernel's answer -- */

/* An answer of some messages, as the kernel writes it. */
struct answer {
	_Alignas(8) uint8_t bytes[4096];
	size_t len;
};

static void *add_message(struct answer *a, unsigned type, size_t len)
{
	struct nlmsghdr head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
		.nlmsg_type = (uint16_t)type};
	uint8_t *at = a->bytes + a->len;
	memcpy(at, &head, sizeof head);
	a->len += NLMSG_SPACE(len);
	return at + NLMSG_HDRLEN;
}

/* info_len: what this kernel knows of tcp_info. */
static void add_socket(struct answer *a, const char *peer, uint16_t port,
	const struct tcp_info *info, size_t info_len)
{
	struct inet_diag_msg m = {.idiag_state = 1};
	struct nlattr head = {.nla_len = (uint16_t)(sizeof head + info_len),
		.nla_type = INET_DIAG_INFO};
	struct addr addr;
	assert_true(addr_parse(&addr, peer));
	m.idiag_family = addr.family == 4 ? AF_INET : AF_INET6;
	m.id.idiag_sport = htons(port);
	m.id.idiag_cookie[0] = 7;
	m.id.idiag_cookie[1] = port;
	memcpy(m.id.idiag_dst, addr.bytes, 16);
	uint8_t *at = add_message(
		a, SOCK_DIAG_BY_FAMILY, sizeof m + sizeof head + info_len);
	memcpy(at, &m, sizeof m);
	memcpy(at + sizeof m, &head, sizeof head);
	memcpy(at + sizeof m + sizeof head, info, info_len);
}

struct found {
	struct tcp_socket at[8];
	unsigned n;
};

static void on_found(void *arg, const struct tcp_socket *socket)
{
	struct found *f = arg;
	assert_true(f->n < 8);
	f->at[f->n++] = *socket;
}

static const struct tcp_info some_info = {.tcpi_rtt = 38200,
	.tcpi_min_rtt = 30100,
	.tcpi_segs_out = 1200,
	.tcpi_data_segs_out = 1000,
	.tcpi_total_retrans = 4};

static void test_a_connection(void **state)
{
	struct answer a = {.len = 0};
	struct found f = {.n = 0};
	struct addr peer;
	addr_parse(&peer, "10.1.7.9");
	add_socket(&a, "10.1.7.9", 1935, &some_info, sizeof some_info);
	add_socket(&a, "2001:db8::1", 8080, &some_info, sizeof some_info);
	assert_int_equal(
		sockets_parse(a.bytes, a.len, on_found, &f), SOCKETS_MORE);
	assert_int_equal(f.n, 2);
	assert_memory_equal(&f.at[0].peer, &peer, sizeof peer);
	assert_int_equal(f.at[0].port, 1935);
	assert_float_equal(f.at[0].rtt_ms, 38.2, 0.001);
	assert_float_equal(f.at[0].rtt_least_ms, 30.1, 0.001);
	assert_int_equal(f.at[0].sent, 1000);
	assert_int_equal(f.at[0].sent_again, 4);
	assert_int_equal(f.at[0].cookie, (uint64_t)1935 << 32 | 7);
	assert_int_equal(f.at[1].peer.family, 6);
}

/* A listener for both families has IPv4 peers as ::ffff:a.b.c.d. */
static void test_mapped(void **state)
{
	struct answer a = {.len = 0};
	struct found f = {.n = 0};
	struct inet_diag_msg m = {.idiag_family = AF_INET6, .idiag_state = 1};
	uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 1, 7, 9};
	memcpy(m.id.idiag_dst, mapped, 16);
	memcpy(add_message(&a, SOCK_DIAG_BY_FAMILY, sizeof m), &m, sizeof m);
	sockets_parse(a.bytes, a.len, on_found, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].peer.family, 4);
	assert_int_equal(f.at[0].peer.bytes[3], 9);
}

/* Linux before 4.6 does not count data segments, and says less. */
static void test_an_old_kernel(void **state)
{
	struct answer a = {.len = 0};
	struct found f = {.n = 0};
	add_socket(&a, "10.1.7.9", 1935, &some_info,
		offsetof(struct tcp_info, tcpi_notsent_bytes));
	sockets_parse(a.bytes, a.len, on_found, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].sent, 1200);
	assert_float_equal(f.at[0].rtt_least_ms, 0, 0);
	assert_float_equal(f.at[0].rtt_ms, 38.2, 0.001);
}

static void test_the_end(void **state)
{
	struct answer a = {.len = 0};
	struct found f = {.n = 0};
	add_socket(&a, "10.1.7.9", 1935, &some_info, sizeof some_info);
	add_message(&a, NLMSG_DONE, 4);
	assert_int_equal(
		sockets_parse(a.bytes, a.len, on_found, &f), SOCKETS_END);
	assert_int_equal(f.n, 1);
}

/* The kernel refuses, or a part is cut: no connection is made up of it. */
static void test_bad_answers(void **state)
{
	struct answer refused = {.len = 0}, cut = {.len = 0};
	struct found f = {.n = 0};
	add_message(&refused, NLMSG_ERROR, sizeof(struct nlmsgerr));
	assert_int_equal(
		sockets_parse(refused.bytes, refused.len, on_found, &f),
		SOCKETS_BAD);
	add_socket(&cut, "10.1.7.9", 1935, &some_info, sizeof some_info);
	for (size_t len = sizeof(struct nlmsghdr); len < cut.len; len++)
		assert_int_equal(sockets_parse(cut.bytes, len, on_found, &f),
			SOCKETS_BAD);
	struct nlmsghdr short_one = {.nlmsg_len = 4};
	assert_int_equal(
		sockets_parse(&short_one, sizeof short_one, on_found, &f),
		SOCKETS_BAD);
	assert_int_equal(f.n, 0);
}

/* -- by net -- */

static void see(struct nets *nets, uint64_t cookie, const char *peer,
	float rtt_ms, uint64_t sent, uint64_t again)
{
	struct tcp_socket s = {.cookie = cookie,
		.rtt_ms = rtt_ms,
		.sent = sent,
		.sent_again = again};
	assert_true(addr_parse(&s.peer, peer));
	nets_see(nets, &s);
}

/* A /24 of IPv4, a /48 of IPv6; the net with most connections first; the median of
 * round trips, so that one slow line does not speak for its net. */
static void test_sums(void **state)
{
	struct nets *nets = nets_new();
	char text[PREFIX_TEXT_MAX];
	unsigned n;
	see(nets, 9, "2001:db8:1:2::3", 70, 10, 0);
	see(nets, 1, "10.1.7.1", 30, 1000, 0);
	see(nets, 2, "10.1.7.2", 40, 500, 5);
	see(nets, 3, "10.1.7.200", 900, 500, 15);
	nets_round(nets);
	struct measured_net *m = nets_take(nets, 100, &n);
	assert_int_equal(n, 2);
	assert_string_equal(prefix_text(&m[0].net, text), "10.1.7.0/24");
	assert_int_equal(m[0].connections, 3);
	assert_float_equal(m[0].rtt_ms, 40, 0);
	assert_float_equal(m[0].loss, 0.01, 1e-6);
	assert_string_equal(prefix_text(&m[1].net, text), "2001:db8:1::/48");
	free(m);
	nets_free(nets);
}

/* Losses are of the time since the last report, whenever a connection began. */
static void test_differences(void **state)
{
	struct nets *nets = nets_new();
	unsigned n;
	see(nets, 1, "10.1.7.1", 30, 100000, 5000);
	nets_round(nets);
	free(nets_take(nets, 100, &n));
	see(nets, 1, "10.1.7.1", 30, 100900, 5001);
	see(nets, 2, "10.1.7.2", 30, 100, 9);
	nets_round(nets);
	struct measured_net *m = nets_take(nets, 100, &n);
	assert_int_equal(n, 1);
	assert_int_equal(m[0].connections, 2);
	assert_float_equal(m[0].loss, 10.0 / 1000, 1e-6);
	free(m);
	nets_free(nets);
}

/* Of one that ended between two looks, what was seen last counts, once. */
static void test_ended(void **state)
{
	struct nets *nets = nets_new();
	unsigned n;
	see(nets, 1, "10.1.7.1", 30, 100, 10);
	nets_round(nets);
	nets_round(nets);
	struct measured_net *m = nets_take(nets, 100, &n);
	assert_int_equal(n, 1);
	assert_float_equal(m[0].loss, 0.1, 1e-6);
	free(m);
	/* The kernel gives its number to another one. */
	see(nets, 1, "10.9.7.1", 50, 40, 1);
	nets_round(nets);
	m = nets_take(nets, 100, &n);
	assert_int_equal(n, 1);
	assert_float_equal(m[0].loss, 1.0 / 40, 1e-6);
	free(m);
	nets_free(nets);
}

/* One that sends nothing shows nothing: its round trip is an old one. */
static void test_idle(void **state)
{
	struct nets *nets = nets_new();
	unsigned n;
	see(nets, 1, "10.1.7.1", 30, 100, 0);
	nets_round(nets);
	free(nets_take(nets, 100, &n));
	see(nets, 1, "10.1.7.1", 30, 100, 0);
	see(nets, 2, "10.1.8.1", 0, 0, 0);
	nets_round(nets);
	free(nets_take(nets, 100, &n));
	assert_int_equal(n, 0);
	nets_free(nets);
}

/* Ten thousand connections of a thousand nets; the report is bounded. */
static void test_many(void **state)
{
	struct nets *nets = nets_new();
	char peer[32];
	unsigned n;
	for (unsigned look = 1; look <= 2; look++) {
		for (unsigned i = 0; i < 10000; i++) {
			snprintf(peer, sizeof peer, "10.%u.%u.%u",
				i % 1000 / 250, i % 250, 1 + i / 1000);
			see(nets, 1 + i, peer, 20, 100 * look, look);
		}
		nets_round(nets);
	}
	struct measured_net *m = nets_take(nets, 1000000, &n);
	assert_int_equal(n, 1000);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(m[i].connections, 10);
		assert_float_equal(m[i].loss, 0.01, 1e-6);
	}
	free(m);
	see(nets, 1, "10.0.0.1", 20, 1000, 2);
	see(nets, 2, "10.0.1.1", 20, 1000, 2);
	nets_round(nets);
	free(nets_take(nets, 1, &n));
	assert_int_equal(n, 1);
	nets_free(nets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_connection),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_an_old_kernel),
		cmocka_unit_test(test_the_end),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
