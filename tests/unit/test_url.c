/* Where an API's URL leads, as libcurl reads it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "srs/url.h"

static void leads_to(const char *url, const char *address)
{
	struct addr host;
	char text[ADDR_TEXT_MAX];
	struct err err = {0};
	if (!srs_url_address(url, &host, &err))
		fail_msg("%s: %s", url, err_text(&err));
	assert_string_equal(addr_text(&host, text), address);
}

static void is_refused(const char *url)
{
	struct addr host;
	struct err err = {0};
	if (srs_url_address(url, &host, &err))
		fail_msg("%s is taken", url);
	assert_true(*err_text(&err));
	err_fini(&err);
}

static void test_addresses(void **state)
{
	leads_to("http://192.0.2.1", "192.0.2.1");
	leads_to("http://192.0.2.1:1985/", "192.0.2.1");
	leads_to("https://user:pass@192.0.2.1:1985", "192.0.2.1");
	leads_to("http://[2001:db8::1]:1985", "2001:db8::1");
	/* ways to write 127.0.0.1 */
	leads_to("http://2130706433:1985", "127.0.0.1");
	leads_to("http://0x7f.1", "127.0.0.1");
	leads_to("http://[::ffff:127.0.0.1]", "127.0.0.1");
	leads_to("http://8.8.8.8:1985@127.0.0.1:2222", "127.0.0.1");
}

static void test_refused(void **state)
{
	is_refused("");
	is_refused("192.0.2.1:1985/x");
	is_refused("ftp://192.0.2.1");
	is_refused("file:///etc/passwd");
	is_refused("http://localhost");
	is_refused("http://127.0.0.1:2222/@8.8.8.8:1985");
	is_refused("http://127.0.0.1:2222/?@8.8.8.8:1985");
	is_refused("http://127.0.0.1:2222?@8.8.8.8:1985");
	is_refused("http://127.0.0.1:2222#@8.8.8.8:1985");
	is_refused("http://192.0.2.1/api/v1");
	is_refused("http://192.0.2.1:99999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
