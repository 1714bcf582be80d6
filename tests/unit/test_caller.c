/* Who asks over HTTP: Host, Origin, X-Forwarded-For. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/http.h>
#include <sys/queue.h>

#include "http/caller.h"

static struct evkeyvalq headers = TAILQ_HEAD_INITIALIZER(headers);

static void only(const char *name, const char *value)
{
	evhttp_clear_headers(&headers);
	if (value)
		evhttp_add_header(&headers, name, value);
}

static void test_host(void **state)
{
	static char name[] = "dns.example.com";
	char *const names[] = {name};
	static const struct {
		const char *host;
		bool ok;
	} cases[] = {{NULL, true}, {"127.0.0.1", true},
		{"127.0.0.1:8053", true}, {"[::1]:8053", true},
		{"[2001:db8::7]", true}, {"localhost:8053", true},
		{"LocalHost", true}, {"dns.example.com", true},
		{"DNS.Example.Com.:443", true}, {"evil.example.net", false},
		{"dns.example.com.evil.example.net", false},
		{"127.0.0.1.evil.example.net", false}, {"", false},
		{"127.0.0.1:80@evil.example.net", false}, {"[::1", false},
		{"[", false}, {"[]", false}, {":8053", false}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		only("Host", cases[i].host);
		assert_int_equal(
			caller_host_ok(&headers, names, 1), cases[i].ok);
	}
}

static void test_foreign(void **state)
{
	static const struct {
		const char *origin, *site;
		bool foreign;
	} cases[] = {{NULL, NULL, false},
		{"http://127.0.0.1:8053", NULL, false},
		{"https://127.0.0.1:8053", "same-origin", false},
		{NULL, "none", false}, {"http://127.0.0.1", NULL, true},
		{"http://evil.example.net", NULL, true}, {"null", NULL, true},
		{"", NULL, true}, {NULL, "cross-site", true},
		{NULL, "same-site", true},
		{"http://127.0.0.1:8053", "cross-site", true}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		only("Host", "127.0.0.1:8053");
		if (cases[i].origin)
			evhttp_add_header(&headers, "Origin", cases[i].origin);
		if (cases[i].site)
			evhttp_add_header(
				&headers, "Sec-Fetch-Site", cases[i].site);
		assert_int_equal(caller_is_foreign(&headers), cases[i].foreign);
	}
}

static struct prefix proxies[2];

/* The client as text; "?" for nonsense. */
static const char *client(const char *peer_text)
{
	static char text[ADDR_TEXT_MAX];
	struct addr peer, found;
	assert_true(addr_parse(&peer, peer_text));
	if (!caller_client(&headers, &peer, proxies, 2, &found))
		return "?";
	return addr_text(&found, text);
}

static void test_forwarded(void **state)
{
	static const struct {
		const char *peer, *forwarded, *client;
	} cases[] = {/* nobody but a proxy is believed */
		{"203.0.113.9", "192.0.2.1", "203.0.113.9"},
		{"127.0.0.1", NULL, "127.0.0.1"},
		{"127.0.0.1", "192.0.2.1", "192.0.2.1"},
		{"127.0.0.1", "192.0.2.1:4711", "192.0.2.1"},
		{"127.0.0.1", "2001:db8::1", "2001:db8::1"},
		{"127.0.0.1", " [2001:db8::1]:443 ", "2001:db8::1"},
		/* what the client itself wrote stands before */
		{"127.0.0.1", "10.9.9.9, 192.0.2.1", "192.0.2.1"},
		{"127.0.0.1", "garbage, 192.0.2.1", "192.0.2.1"},
		/* two proxies, one behind the other */
		{"127.0.0.1", "10.9.9.9, 192.0.2.1, 198.51.100.7", "192.0.2.1"},
		{"127.0.0.1", "198.51.100.8,198.51.100.7", "198.51.100.8"},
		{"127.0.0.1", "192.0.2.1, garbage", "?"},
		{"127.0.0.1", "192.0.2.1,", "?"}, {"127.0.0.1", "", "?"},
		{"127.0.0.1", "unknown", "?"}};
	(void)state;
	assert_true(prefix_parse(&proxies[0], "127.0.0.1", true));
	assert_true(prefix_parse(&proxies[1], "198.51.100.0/24", true));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		only("X-Forwarded-For", cases[i].forwarded);
		assert_string_equal(client(cases[i].peer), cases[i].client);
	}
	/* several headers are one list */
	only("X-Forwarded-For", "10.9.9.9");
	evhttp_add_header(&headers, "x-forwarded-for", "192.0.2.1");
	evhttp_add_header(&headers, "X-Forwarded-For", "198.51.100.7");
	assert_string_equal(client("127.0.0.1"), "192.0.2.1");
	evhttp_clear_headers(&headers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_forwarded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
