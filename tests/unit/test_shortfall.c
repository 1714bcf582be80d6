/* Which networks get fewer bits than their streams have, from SRS's lists of clients. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "srs/shortfall.h"

#define ROOM 64

static struct {
	struct client_list list;
	struct shortfall_past past;
	struct buf text; /* of a page */
	struct shortfall_net nets[ROOM];
	unsigned n;
} t;

static int setup(void **state)
{
	memset(&t, 0, sizeof t);
	return 0;
}

static int teardown(void **state)
{
	shortfall_forget(&t.past);
	buf_fini(&t.text);
	return 0;
}

/* -- pages -- */

/* A client as SRS 6 prints it. */
static void entry(const char *type, const char *url, const char *ip,
	double alive, int kbps)
{
	bool publishes = strstr(type, "publish");
	buf_printf(&t.text,
		"%s{\"id\":\"1997l1f8\",\"vhost\":\"vid-1\",\"stream\":\"vid-2\","
		"\"ip\":\"%s\",\"url\":\"%s\",\"name\":\"x.flv\",\"type\":\"%s\","
		"\"publish\":%s,\"alive\":%.2f,\"send_bytes\":5,"
		"\"kbps\":{\"recv_30s\":%d,\"send_30s\":%d}}",
		t.text.len ? "," : "", ip, url, type,
		publishes ? "true" : "false", alive, publishes ? kbps : 0,
		publishes ? 4 : kbps);
}

static bool parse(const char *body, const char *why)
{
	struct err err = {0};
	unsigned page = 0;
	bool ok = clients_parse(body, strlen(body), &t.list, &page, &err);
	assert_int_equal(err.count, !ok);
	if (!ok && !strstr(err_text(&err), why))
		fail_msg("'%s' is not about %s", err_text(&err), why);
	err_fini(&err);
	return ok;
}

/* The entries as a page; then none. */
static void read_page(void)
{
	struct buf body = {0};
	buf_printf(&body, "{\"code\":0,\"server\":\"a\",\"clients\":[%s]}",
		t.text.len ? t.text.text : "");
	assert_true(parse(body.text, ""));
	buf_fini(&body);
	buf_fini(&t.text);
	t.text = (struct buf){0};
}

static void test_who_counts(void **state)
{
	entry("rtmp-play", "/live/a", "192.0.2.1", 90, 500);
	entry("flv-play", "/live/a", "2001:db8::1", 90, 501);
	entry("Play", "/live/a", "::ffff:192.0.2.2", 90, 502);
	entry("fmle-publish", "/live/a", "192.0.2.3", 90, 503);
	unsigned kept = 4;
	entry("hls-play", "/live/a", "192.0.2.1", 90, 500);
	entry("rtc-play", "/live/a", "192.0.2.1", 90, 500);
	entry("rtmp-play", "/live/a", "192.0.2.1", 64, 500);
	entry("rtmp-play", "/live/a", "192.0.2.1", 90, 0);
	entry("rtmp-play", "/live/a", "192.0.2.1", 90, -5);
	entry("rtmp-play", "", "192.0.2.1", 90, 500);
	entry("rtmp-play", "/live/a", "viewer", 90, 500);
	buf_printf(&t.text, ",{},7,null,[],{\"ip\":5,\"url\":[],\"kbps\":7}");
	read_page();
	assert_int_equal(t.list.listed, kept + 12);
	assert_int_equal(t.list.n, kept);
	for (unsigned i = 0; i < kept; i++) {
		assert_true(t.list.client[i].kbps == 500 + i);
		assert_int_equal(
			t.list.client[i].stream, t.list.client[0].stream);
		assert_int_equal(t.list.client[i].publishes, i == 3);
	}
	assert_int_equal(t.list.client[1].addr.family, 6);
	assert_int_equal(t.list.client[2].addr.family, 4);
	/* A player of the sound alone. */
	assert_true(parse("{\"code\":0,\"clients\":[{\"ip\":\"192.0.2.1\","
			  "\"url\":\"/live/a\",\"name\":\"a.aac\",\"alive\":90,"
			  "\"type\":\"flv-play\",\"kbps\":{\"send_30s\":60}}]}",
		""));
	assert_int_equal(t.list.n, kept);
}

static void test_no_list(void **state)
{
	assert_false(parse("", "JSON"));
	assert_false(parse("[]", "code"));
	assert_false(parse("{\"clients\":[]}", "code"));
	assert_false(parse("{\"code\":2049,\"clients\":[]}", "code"));
	assert_false(parse("{\"code\":0,\"urls\":{}}", "clients"));
	assert_false(parse("{\"code\":0,\"clients\":{}}", "clients"));
	assert_int_equal(t.list.listed, 0);
}

/* However much an SRS lists. */
static void test_bounded(void **state)
{
	for (unsigned i = 0; i < CLIENTS_MAX + 500; i++)
		entry("rtmp-play", "/live/a", "192.0.2.1", 90, 500);
	read_page();
	assert_int_equal(t.list.n, CLIENTS_MAX);
	entry("rtmp-play", "/live/a", "192.0.2.1", 90, 500);
	read_page();
	assert_int_equal(t.list.listed, CLIENTS_MAX);
	assert_int_equal(t.list.n, CLIENTS_MAX);
}

/* -- judgement -- */

/* n viewers of a stream in 198.51.net.0/24. */
static void viewers(const char *url, unsigned net, unsigned n, int kbps)
{
	char ip[32];
	for (unsigned i = 0; i < n; i++) {
		snprintf(ip, sizeof ip, "198.51.%u.%u", net, i + 1);
		entry("rtmp-play", url, ip, 90, kbps);
	}
}

static void judge(void)
{
	t.list.n = t.list.listed = 0;
	read_page();
	assert_true(t.list.n <= ROOM);
	t.n = shortfall_judge(&t.list, &t.past, t.nets);
}

/* The loss that is said of 198.51.net.0/24; -1: nothing is. */
static float loss_of(unsigned net)
{
	struct addr addr = {.family = 4, .bytes = {198, 51, (uint8_t)net}};
	for (unsigned i = 0; i < t.n; i++)
		if (addr_equal(&t.nets[i].net, &addr))
			return t.nets[i].loss;
	return -1;
}

static void said(unsigned net, float loss)
{
	if (fabsf(loss_of(net) - loss) > 0.001f)
		fail_msg("%u: %g, not %g", net, (double)loss_of(net),
			(double)loss);
}

/* Believed at the second round; and over as soon as the bits are back. */
static void test_short_network(void **state)
{
	for (unsigned round = 0; round < 3; round++) {
		viewers("/live/a", 1, 5, 1000);
		viewers("/live/a", 2, 2, 600);
		viewers("/live/a", 3, 1, 910);
		judge();
		said(1, 0);
		said(2, round ? 0.075f : -1);
		said(3, 0);
	}
	assert_int_equal(t.nets[0].viewers, 5);
	viewers("/live/a", 1, 5, 1000);
	viewers("/live/a", 2, 2, 990);
	judge();
	said(2, 0);
	viewers("/live/a", 1, 5, 1000);
	viewers("/live/a", 2, 2, 600);
	judge();
	said(2, -1);
}

/* A network with many viewers: their median; and no more than a bound. */
static void test_median_and_bound(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		viewers("/live/a", 1, 9, 1000);
		viewers("/live/a", 2, 2, 1000);
		viewers("/live/a", 2, 1, 600);
		viewers("/live/a", 3, 3, 300);
		judge();
	}
	said(2, 0);
	said(3, 0.1f);
}

/* Who has paused, or hears the sound alone, says nothing. */
static void test_paused(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		viewers("/live/a", 1, 5, 1000);
		viewers("/live/a", 2, 2, 240);
		judge();
	}
	said(1, 0);
	said(2, -1);
}

/* The node is short, not its viewers' paths; measured by the publisher, if there is
 * one, else nobody is short beside the others. */
static void test_node_is_short(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		entry("fmle-publish", "/live/a", "192.0.2.3", 90, 1000);
		viewers("/live/a", 1, 3, 600);
		viewers("/live/a", 2, 3, 1000);
		judge();
		assert_int_equal(t.n, 0);
	}
	for (unsigned round = 0; round < 2; round++) {
		viewers("/live/a", 1, 3, 600);
		viewers("/live/a", 2, 3, 610);
		judge();
		said(1, 0);
		said(2, 0);
	}
}

/* All viewers of a stream are short, those of another one are well. */
static void test_publisher(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		entry("fmle-publish", "/live/a", "192.0.2.3", 90, 1000);
		viewers("/live/a", 1, 2, 600);
		viewers("/live/b", 2, 4, 300);
		judge();
	}
	said(1, 0.075f);
	said(2, 0);
}

/* Three viewers are too few to say what a stream has. */
static void test_few(void **state)
{
	viewers("/live/a", 1, 3, 1000);
	judge();
	assert_int_equal(t.n, 0);
	viewers("/live/a", 1, 4, 1000);
	judge();
	said(1, 0);
}

/* A stream whose bits change: some were counted when they were more. */
static void test_unsteady(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		viewers("/live/a", 1, 3, 1000);
		viewers("/live/a", 2, 2, 600);
		viewers("/live/a", 3, 2, 1300);
		viewers("/live/b", 4, 4, 300);
		judge();
	}
	said(2, -1);
	said(4, 0);
}

/* Programs on the node itself; IPv6 by /48. */
static void test_networks(void **state)
{
	entry("rtmp-play", "/live/a", "127.0.0.1", 90, 1000);
	entry("rtmp-play", "/live/a", "::1", 90, 1000);
	entry("rtmp-play", "/live/a", "2001:db8:7:1::1", 90, 1000);
	entry("rtmp-play", "/live/a", "2001:db8:7:2::1", 90, 1000);
	judge();
	assert_int_equal(t.n, 1);
	assert_int_equal(t.nets[0].viewers, 2);
	assert_int_equal(t.nets[0].net.bytes[5], 7);
	assert_int_equal(t.nets[0].net.bytes[7], 0);
	judge(); /* nobody */
	assert_int_equal(t.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_who_counts),
		TEST(test_no_list), TEST(test_bounded),
		TEST(test_short_network), TEST(test_median_and_bound),
		TEST(test_paused), TEST(test_node_is_short),
		TEST(test_publisher), TEST(test_few), TEST(test_unsteady),
		TEST(test_networks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
