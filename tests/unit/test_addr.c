/* test_addr.c - addresses, nets and socket addresses: what a text means, which texts
 * are none, and which address lies in which net.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>

#include "base/addr.h"

static struct addr addr(const char *text)
{
	struct addr a;
	if (!addr_parse(&a, text))
		fail_msg("%s is no address", text);
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;
	if (!prefix_parse(&p, text, true))
		fail_msg("%s is no net", text);
	return p;
}

/* No address is written with more octets. */
#define LONGEST "0000:0000:0000:0000:0000:ffff:255.255.255.255"

/* NULL: it is none. */
struct row {
	const char *text, *expect;
};

static void check(const struct row *row, bool ok, const char *got)
{
	if (ok != (row->expect != NULL))
		fail_msg("%s: %s", row->text, ok ? got : "refused");
	if (ok)
		assert_string_equal(got, row->expect);
}

static void test_address(void **state)
{
	static const struct row rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"2001:DB8:0::1", "2001:db8::1"},
		{"::", "::"},
		/* one that is mapped is the IPv4 address */
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::fffe:192.0.2.1", "::fffe:c000:201"},
		{"1::ffff:192.0.2.1", "1::ffff:c000:201"},
		{"::1:ffff:192.0.2.1", "::1:ffff:c000:201"},
		{LONGEST, "255.255.255.255"},
		{LONGEST "5", NULL},
		{"", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.1 ", NULL},
		{"192.0.2.1/32", NULL},
		{"[::1]", NULL},
		{"localhost", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[ADDR_TEXT_MAX] = "";
		struct addr a;
		bool ok = addr_parse(&a, rows[i].text);
		check(&rows[i], ok, ok ? addr_text(&a, text) : text);
	}
	char text[ADDR_TEXT_MAX];
	assert_string_equal(addr_text(&(struct addr){0}, text), "-");
}

static void check_prefixes(const struct row *rows, size_t n, bool strict)
{
	for (size_t i = 0; i < n; i++) {
		char text[PREFIX_TEXT_MAX] = "";
		struct prefix p;
		bool ok = prefix_parse(&p, rows[i].text, strict);
		check(&rows[i], ok, ok ? prefix_text(&p, text) : text);
	}
}

static void test_prefix(void **state)
{
	static const struct row rows[] = {
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.1/32", "192.0.2.1/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"},
		{"::/0", "::/0"},
		/* mapped: if all of its addresses are */
		{"::ffff:192.0.2.0/120", "192.0.2.0/24"},
		{"::ffff:0.0.0.0/96", "0.0.0.0/0"},
		{"::fffe:0:0/95", "::fffe:0:0/95"},
		/* bits beyond the length */
		{"192.0.2.1/24", NULL},
		{"2001:db8::1/127", NULL},
		{"2001:db8:0:0:8000::/64", NULL},
		{"::ffff:192.0.2.1/120", NULL},
		/* no lengths */
		{"192.0.2.0/33", NULL},
		{"2001:db8::/129", NULL},
		{"192.0.2.0/", NULL},
		{"192.0.2.0/-1", NULL},
		{"192.0.2.0/+8", NULL},
		{"192.0.2.0/2a", NULL},
		{"192.0.2.0/2:", NULL},
		{"0.0.0.0/4294967296", NULL},
		{"192.0.2/24", NULL},
		{"/24", NULL},
		{"", NULL},
		{LONGEST "5/8", NULL},
		{LONGEST LONGEST "/8", NULL},
	};
	static const struct row loose[] = {
		{"192.0.2.1/24", "192.0.2.0/24"},
		{"192.0.2.255/31", "192.0.2.254/31"},
		{"2001:db8::ffff/112", "2001:db8::/112"},
		{"2001:db8:0:1:2::/64", "2001:db8:0:1::/64"},
		{"::ffff:192.0.2.1/120", "192.0.2.0/24"},
		{"192.0.2.1/33", NULL},
	};
	check_prefixes(rows, sizeof rows / sizeof *rows, true);
	check_prefixes(loose, sizeof loose / sizeof *loose, false);
}

static void test_contains(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
		{"192.0.2.4/31", "192.0.2.5", "192.0.2.6"},
		{"192.0.2.4", "192.0.2.4", "192.0.2.5"},
		{"0.0.0.0/0", "255.255.255.255", "::"},
		{"::/0", "ffff::", "0.0.0.0"},
		{"2001:db8::/63", "2001:db8:0:1::", "2001:db8:0:2::"},
		{"2001:db8::/64", "2001:db8::ffff:0:0:1", "2001:db8:0:1::"},
		{"2001:db8::/65", "2001:db8::7fff:0:0:1",
			"2001:db8::8000:0:0:0"},
		{"2001:db8::/65", "2001:db8::1", "2001:db9::1"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::"},
		{"::ffff:192.0.2.0/120", "192.0.2.1", "::192.0.2.1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prefix two[] = {
			prefix("198.51.100.0/24"), prefix(rows[i].net)};
		struct addr in = addr(rows[i].in), out = addr(rows[i].out);
		if (!prefix_contains(&two[1], &in) ||
			prefix_contains(&two[1], &out))
			fail_msg("%s", rows[i].net);
		assert_true(prefix_any(two, 2, &in));
		assert_false(prefix_any(two, 2, &out));
		assert_false(prefix_any(two, 1, &in));
	}
}

static void test_equal(void **state)
{
	struct addr a = addr("2001:db8::1");
	static const char *const others[] = {
		"2001:db8::2", "2001:db9::1", "32.1.13.184"};
	assert_true(addr_equal(&a, &a));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct addr b = addr(others[i]);
		assert_false(addr_equal(&a, &b));
	}
	a = addr("::");
	struct addr b = addr("0.0.0.0");
	assert_false(addr_equal(&a, &b));
}

/* Different nets have different numbers, also where only the family or the length
 * is another. */
static void test_net_id(void **state)
{
	static const char *const nets[] = {"0.0.0.0/0", "0.0.0.0/32", "::/0",
		"::/1", "::/32", "::/56", "::/64", "::/65", "::/128", "::1/128",
		"::2/128", "192.0.2.0/24", "192.0.2.0/25", "192.0.3.0/24",
		"2001:db8::/32", "2001:db8::/56", "2001:db8::/57",
		"2001:db8:0:80::/57", "2001:db8:0:100::/56"};
	enum { N = sizeof nets / sizeof *nets };
	for (unsigned i = 0; i < N; i++) {
		struct prefix p = prefix(nets[i]);
		for (unsigned k = 0; k < i; k++) {
			struct prefix other = prefix(nets[k]);
			if (addr_net_id(&p.addr, p.len) ==
				addr_net_id(&other.addr, other.len))
				fail_msg("%s %s", nets[i], nets[k]);
		}
	}
}

/* 6to4 (RFC 3056) and NAT64 (RFC 6052) carry an IPv4 address. */
static void test_inside(void **state)
{
	static const struct {
		const char *text;
		unsigned begin;
		const char *v4;
	} rows[] = {
		{"2002:c000:201::1", 16, "192.0.2.1"},
		{"2003:c000:201::1", 0, NULL},
		{"64:ff9b::192.0.2.1", 96, "192.0.2.1"},
		{"64:ff9b::1:192.0.2.1", 0, NULL},
		{"64:ff9b:1::192.0.2.1", 0, NULL}, /* RFC 8215: others' */
		{"64:ff9c::192.0.2.1", 0, NULL},
		{"32.2.192.0", 0, NULL},
		{"0.100.255.155", 0, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct addr a = addr(rows[i].text), v4;
		char text[ADDR_TEXT_MAX];
		assert_int_equal(addr_inside(&a, &v4), rows[i].begin);
		if (rows[i].v4)
			assert_string_equal(addr_text(&v4, text), rows[i].v4);
	}
}

/* With port 53 where the text has none. */
static void test_socket_address(void **state)
{
	static const struct row rows[] = {
		{"192.0.2.1:5353", "192.0.2.1:5353"},
		{"192.0.2.1", "192.0.2.1:53"},
		{"192.0.2.1:1", "192.0.2.1:1"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"[2001:db8::1]:853", "[2001:db8::1]:853"},
		{"[2001:db8::1]", "[2001:db8::1]:53"},
		{"2001:db8::1", "[2001:db8::1]:53"},
		{"::1", "[::1]:53"},
		{"[" LONGEST "]:1", "255.255.255.255:1"},
		{"[::ffff:192.0.2.1]:853", "192.0.2.1:853"},
		{"[192.0.2.1]:853", "192.0.2.1:853"},
		{"192.0.2.1:0", NULL},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:4294967349", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:x", NULL},
		{"192.0.2.1:-1", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]53", NULL},
		{"[2001:db8::1]:", NULL},
		{"2001:db8::1]:53", NULL},
		{"[]:53", NULL},
		{":53", NULL},
		{"", NULL},
		{"localhost:53", NULL},
		{"192.0.2.1:000053", NULL},
		{LONGEST "5", NULL},
		{LONGEST LONGEST, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[SOCKADDR_TEXT_MAX] = "";
		struct sockaddr_storage ss;
		bool ok = sockaddr_parse(&ss, rows[i].text, 53);
		if (ok)
			sockaddr_text((struct sockaddr *)&ss, text);
		check(&rows[i], ok, text);
	}
}

/* What is asked for to bind and connect. */
static void test_socket_fields(void **state)
{
	struct sockaddr_storage ss;
	char text[SOCKADDR_TEXT_MAX];

	assert_int_equal(sockaddr_parse(&ss, "192.0.2.1:53", 0),
		sizeof(struct sockaddr_in));
	assert_int_equal(ss.ss_family, AF_INET);
	assert_int_equal(sockaddr_port(&ss), 53);
	assert_int_equal(sockaddr_parse(&ss, "[::1]:853", 0),
		sizeof(struct sockaddr_in6));
	assert_int_equal(ss.ss_family, AF_INET6);
	assert_int_equal(sockaddr_port(&ss), 853);
	assert_int_equal(((struct sockaddr_in6 *)&ss)->sin6_scope_id, 0);
	/* no default: a port must be there */
	assert_int_equal(sockaddr_parse(&ss, "192.0.2.1", 0), 0);
	assert_int_equal(sockaddr_parse(&ss, "::1", 0), 0);
	/* neither IPv4 nor IPv6 */
	ss = (struct sockaddr_storage){.ss_family = AF_UNIX};
	assert_string_equal(sockaddr_text((struct sockaddr *)&ss, text), "-:0");
}

/* A mapped peer of a socket that hears both families is an IPv4 address. */
static void test_mapped_peer(void **state)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(5)};
	char text[SOCKADDR_TEXT_MAX];
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	assert_string_equal(
		sockaddr_text((struct sockaddr *)&in6, text), "192.0.2.1:5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_net_id),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_socket_address),
		cmocka_unit_test(test_socket_fields),
		cmocka_unit_test(test_mapped_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
