/* The configuration at its limits: what stands on one is taken, what is beyond it is
 * refused with its line, and what is doubtful is taken with a warning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "folder.h"

/* A steered name needs a node, and a zone stands in front of all. */
#define ZONE "zones: {example.com: {ns: [ns.x]}}\n"
#define NODE "nodes: {a: {address: [192.0.2.1]%s}}\n"

static struct conf *parse(const char *text, struct err *err)
{
	return conf_parse("t", text, strlen(text), err);
}

/* want: NULL: the text is taken; else the only error. */
static void check_text(const char *text, const char *want)
{
	struct err err = {0};
	char line[256];
	struct conf *conf = parse(text, &err);

	if (!want) {
		if (!conf)
			fail_msg("%s\nin %s", err_text(&err), text);
	} else {
		snprintf(line, sizeof line, "t:%s", want);
		if (conf || err.count != 1)
			fail_msg("%u errors of 1 in %s", err.count, text);
		assert_string_equal(err_text(&err), line);
	}
	conf_free(conf);
	err_fini(&err);
}

/* -- lengths -- */

#define TOKEN "heartbeat_token: not 1 to 255 characters of ASCII without spaces"

/* A configuration with so many letters A at %s. */
struct length {
	const char *text;
	unsigned n;
	const char *want; /* the error at one more; NULL: none */
};

/* A path of a socket holds 107 octets, and here begins with a slash. */
static const struct length lengths[] = {
	{"server_id: %s\n" ZONE, 128, "1: server_id: longer than 128 octets"},
	{ZONE "version: %s\n", 128, "2: version: longer than 128 octets"},
	{ZONE "heartbeat_token: %s\n", 255, "2: " TOKEN},
	{ZONE "dnstap: {socket: s, identity: %s}\n", 255,
		"2: dnstap: identity is longer than 255 octets"},
	{ZONE "etcd: {endpoints: [\"http://e\"], as: %s}\n", 63, NULL},
	{ZONE "etcd: {endpoints: [\"http://e\"], as: a, prefix: /%s}\n", 99,
		NULL},
	{ZONE "xdp: {interfaces: [%s]}\n", 15,
		"2: xdp: this is no name of an interface"},
	{ZONE "tsig: {k: {secret: \"%s==\"}}\n", 342, NULL},
	{ZONE "nodes: {%s: {address: [192.0.2.1]}}\n", 63, NULL},
	{"zones: {x: {ns: [ns.x]}, %s.x: {ns: [ns.x]}}\n", 63, NULL},
};

static void text_of_length(char *out, size_t room, const char *text, unsigned n)
{
	char letters[512];
	memset(letters, 'A', n);
	letters[n] = '\0';
	const char *at = strstr(text, "%s");
	assert_non_null(at);
	snprintf(
		out, room, "%.*s%s%s", (int)(at - text), text, letters, at + 2);
}

static void test_lengths(void **state)
{
	char text[1024];
	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		const struct length *one = &lengths[i];
		struct err err = {0};
		text_of_length(text, sizeof text, one->text, one->n);
		check_text(text, NULL);
		text_of_length(text, sizeof text, one->text, one->n + 1);
		if (one->want) {
			check_text(text, one->want);
			continue;
		}
		/* The message shows what was written, which is long. */
		struct conf *conf = parse(text, &err);
		if (conf || err.count != 1)
			fail_msg("%u errors of 1 in %s", err.count, text);
		err_fini(&err);
	}
}

/* The path of a socket is the text itself, or below the folder of the file. */
static void test_socket_paths(void **state)
{
	static const char *const keys[] = {
		"control: /%s\n" ZONE, ZONE "dnstap: {socket: /%s}\n"};
	char text[512];
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct err err = {0};
		text_of_length(text, sizeof text, keys[i], 106);
		check_text(text, NULL);
		text_of_length(text, sizeof text, keys[i], 107);
		assert_null(parse(text, &err));
		assert_int_equal(err.count, 1);
		assert_non_null(
			strstr(err_text(&err), "A is too long for a socket"));
		err_fini(&err);
	}
}

/* The name of n octets below example.com, of labels that are not too long. */
static void long_name(char *out, unsigned n)
{
	memset(out, 'a', n);
	for (unsigned i = 50; i < n - 12; i += 51)
		out[i] = '.';
	strcpy(out + n - 12, ".example.com");
}

static bool takes_name(const char *fmt, unsigned n)
{
	char name[300], text[512];
	struct err err = {0};
	long_name(name, n);
	assert_int_equal(strlen(name), n);
	snprintf(text, sizeof text, fmt, name);
	struct conf *conf = parse(text, &err);
	bool taken = conf;
	assert_int_equal(err.count, !taken);
	conf_free(conf);
	err_fini(&err);
	return taken;
}

/* In front of a steered name stand lines and streams, of 64 octets at most. */
static void test_name_lengths(void **state)
{
	static const char zone[] =
		"zones: {x: {ns: [ns.x]}, %s: {ns: [ns.x]}}\n";
	static const char steer[] = ZONE "nodes: {a: {address: [192.0.2.1]}}\n"
					 "steer: {%s: {pool: [a]}}\n";
	(void)state;
	assert_true(takes_name(zone, 253));
	assert_false(takes_name(zone, 254));
	assert_true(takes_name(steer, 189));
	assert_false(takes_name(steer, 190));
}

/* As many nodes as a table of them may have. */
static void test_most_nodes(void **state)
{
	struct buf text = {0};
	struct err err = {0};
	char want[64];
	(void)state;
	buf_printf(&text, ZONE "nodes:\n");
	for (unsigned i = 0; i < CONF_NODES_MAX; i++)
		buf_printf(&text, " n%u: {address: [192.0.2.1]}\n", i);
	struct conf *conf = conf_parse("t", text.text, text.len, &err);
	assert_non_null(conf);
	assert_int_equal(conf->n_nodes, CONF_NODES_MAX);
	conf_free(conf);
	buf_printf(&text, " more: {address: [192.0.2.1]}\n");
	assert_null(conf_parse("t", text.text, text.len, &err));
	snprintf(want, sizeof want, "t:1: more than %d nodes", CONF_NODES_MAX);
	assert_string_equal(err_text(&err), want);
	buf_fini(&text);
	err_fini(&err);
}

/* -- values -- */

struct value {
	const char *text, *want; /* want: as of check_text() */
};

static void check_values(const struct value *value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_text(value[i].text, value[i].want);
}

static void test_names(void **state)
{
	static const struct value values[] = {
		{"zones: {a-b._c.1: {ns: [ns.x]}}", NULL},
		{"zones: {a: {ns: [ns.x]}}", NULL},
		{ZONE "node_names: EXAMPLE.com.", NULL},
	};
	static const char *const bad[] = {"\"\"", "\".\"", ".example.com",
		"example.com..", "a+b.com", "\"a b.com\""};
	(void)state;
	check_values(values, sizeof values / sizeof *values);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[128];
		struct err err = {0};
		snprintf(text, sizeof text,
			ZONE "nodes: {a: {address: [192.0.2.1]}}\n"
			     "steer: {%s: {pool: [a]}}\n",
			bad[i]);
		if (parse(text, &err))
			fail_msg("taken: %s", text);
		assert_non_null(strstr(err_text(&err), "t:3: '"));
		assert_non_null(strstr(err_text(&err), "is not a DNS name"));
		err_fini(&err);
	}
}

#define API "2: a: api is not http://[user:password@]host:port or off"
#define RTMP_URL "2: a: public_url: rtmp is not rtmp[s]://host:port"
#define WHEP "2: a: whep is not http://host:port, https://host:port or off"

static void test_urls(void **state)
{
	static const struct value urls[] = {
		{"api: \"http://[2001:db8::1]\"", NULL},
		{"api: \"http://[2001:db8::1]:65535/\"", NULL},
		{"api: \"http://[2001:db8::1]:65536\"", API},
		{"api: \"http://[2001:db8::1]1985\"", API},
		{"api: \"http://[2001:db8::1]:\"", API},
		{"api: \"http://[2001:db8::1]a:1985\"", API},
		{"api: \"http://[2001:db8::1\"", API},
		{"api: \"http://2001:db8::1\"", API},
		{"api: \"http://a:\"", API},
		{"api: \"http://a:000080\"", API},
		{"api: \"http://a/v1\"", API},
		{"api: \"http://u:p@b@a\"", API},
		{"api: \"ftp://a\"", API},
		{"whep: \"http://~a\"", NULL},
		{"whep: \"http://a\\x7f\"", WHEP},
		{"whep: \"http://u:p@a\"", WHEP},
		{"public_url: {rtmp: \"rtmp://u:p@a\"}", RTMP_URL},
		{"public_url: {rtmp: \"rtmp:/a\"}", RTMP_URL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		char text[256], key[128];
		snprintf(key, sizeof key, ", %s", urls[i].text);
		snprintf(text, sizeof text, ZONE NODE, key);
		check_text(text, urls[i].want);
	}
}

#define PREFIX "is not /NAME, without a slash at the end"

static void test_parts(void **state)
{
	static const struct value values[] = {
		{ZONE "etcd: {endpoints: [\"http://e\"], as: a, prefix: /a}",
			NULL},
		{ZONE "etcd: {endpoints: [\"http://e\"], as: a, prefix: /}",
			"2: etcd: prefix '/' " PREFIX},
		{ZONE "etcd: {endpoints: [\"http://e\"], as: a, prefix: /a/}",
			"2: etcd: prefix '/a/' " PREFIX},
		{ZONE "etcd: {endpoints: [\"http://e\"], as: a, key: k}",
			"2: etcd: cert and key go together"},
		{ZONE "xdp: {interfaces: [e, f, g, h, i, j, k, l]}", NULL},
		{ZONE "xdp: {interfaces: [e, f, g, h, i, j, k, l,\n  m]}",
			"3: xdp: more interfaces than 8"},
		{ZONE "tls: {cert: c, key: k}", NULL},
		{ZONE "tls: {cert: c, key: k, listen: []}",
			"2: tls: listen is empty"},
		{ZONE "tls: {key: k}", "2: tls: cert is missing"},
		{ZONE "tls: {cert: c}", "2: tls: key is missing"},
		{ZONE "dnstap: {}", "2: dnstap: socket is missing"},
		{ZONE "workers: 256", NULL},
		{ZONE "workers: 257",
			"2: workers: 257 is out of range (0 to 256)"},
		{ZONE "workers: \" 5\"", "2: workers: ' 5' is not a number"},
		{ZONE "workers: \"5 \"", "2: workers: '5 ' is not a number"},
		{ZONE "workers: \"\"", "2: workers: '' is not a number"},
		{ZONE "heartbeat_token: \"!~\"", NULL},
		{ZONE "heartbeat_token: \" a\"", "2: " TOKEN},
		{ZONE "heartbeat_token: \"a\\x7f\"", "2: " TOKEN},
	};
	(void)state;
	check_values(values, sizeof values / sizeof *values);
}

/* 120 octets of an ALPN list fit into an answer. */
static void test_https(void **state)
{
	static const char text[] =
		ZONE "nodes: {a: {address: [192.0.2.1]}}\n"
		     "steer: {x.example.com: {pool: [a], https: \"%s\"}}\n";
	static const char want[] =
		"3: x.example.com: https is not a list of protocols such as h2,http/1.1";
	static const char *const bad[] = {",h2", "h2,", "h2,,h3", ","};
	char line[512], list[128];
	(void)state;
	memset(list, 'a', 122);
	list[60] = ',';
	list[121] = '\0';
	snprintf(line, sizeof line, text, list);
	check_text(line, want);
	list[120] = '\0';
	snprintf(line, sizeof line, text, list);
	check_text(line, NULL);
	snprintf(line, sizeof line, text, "h2,http/1.1");
	check_text(line, NULL);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(line, sizeof line, text, bad[i]);
		check_text(line, want);
	}
}

/* -- warnings -- */

static unsigned count_of(const char *text, const char *what)
{
	unsigned n = 0;
	while (text && (text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void test_short_secret(void **state)
{
	static const char text[] =
		ZONE "tsig:\n"
		     "  enough: {secret: \"AQIDBAUGBwgJCgsMDQ4PEA==\"}\n"
		     "  short: {secret: \"AQIDBAUGBwgJCgsMDQ4P\"}\n";
	struct err err = {0};
	struct conf *conf = parse(text, &err);
	(void)state;
	assert_non_null(conf);
	assert_string_equal(err.warnings,
		"t:4: short: a secret of fewer than 16 octets may be guessed\n");
	conf_free(conf);
	err_fini(&err);
}

/* Only the edge: what is published to an origin can be played from there. */
static void test_srt_edge(void **state)
{
	static const char text[] = ZONE
		"nodes:\n"
		"  a: {address: [192.0.2.1]}\n"
		"  b: {role: origin, address: [192.0.2.2], srt: 192.0.2.2}\n"
		"  c: {address: [192.0.2.3],\n"
		"    srt: 192.0.2.3}\n";
	struct err err = {0};
	struct conf *conf = parse(text, &err);
	(void)state;
	assert_non_null(conf);
	assert_string_equal(err.warnings,
		"t:6: c: srt of an edge: SRS plays by SRT only what was published to the same node by SRT\n");
	conf_free(conf);
	err_fini(&err);
}

static const char secrets[] =
	"zones: {example.com: {ns: [ns.x]}}\n"
	"http: {token: t}\n"
	"heartbeat_token: t\n"
	"nodes:\n"
	"  a: {address: [192.0.2.1], api_token: t}\n"
	"  b: {address: [192.0.2.2]}\n"
	"  c: {address: [192.0.2.3], api_token: t}\n"
	"tsig: {k: {secret: \"AQIDBAUGBwgJCgsMDQ4PEA==\"}}\n"
	"cookie_secret: secret\n"
	"public: {cert: secret, key: secret}\n"
	"tls: {cert: secret, key: secret}\n"
	"etcd: {endpoints: [\"http://e\"], as: a, cert: secret, key: secret}\n";

/* Each with its line; of api_token the first one of a file stands for all. */
static const char *const warnings[] = {":2: token in", ":3: heartbeat_token in",
	":5: api_token in", ":8: secret of tsig in", ":9: cookie secret in",
	":10: private key in", ":11: private key in",
	":12: private key of etcd in"};
#define WARNINGS (sizeof warnings / sizeof *warnings)

/* Sets the mode of both files: as many warnings are expected that everybody may read
 * them, each once. */
static void check_readable(const char *folder, mode_t mode, unsigned expected)
{
	char path[FOLDER_FILE_MAX], secret[FOLDER_FILE_MAX];
	struct err err = {0};
	assert_int_equal(chmod(folder_file(secret, folder, "secret"), mode), 0);
	assert_int_equal(
		chmod(folder_file(path, folder, "main.yaml"), mode), 0);
	struct conf *conf = conf_load(path, &err);
	if (!conf)
		fail_msg("%s", err_text(&err));
	for (size_t i = 0; expected && i < WARNINGS; i++)
		if (count_of(err.warnings, warnings[i]) != 1)
			fail_msg("not one warning %s in\n%s", warnings[i],
				err.warnings);
	assert_int_equal(
		count_of(err.warnings, " in a file that everybody may read\n"),
		expected);
	conf_free(conf);
	err_fini(&err);
}

static void test_readable(void **state)
{
	char folder[FOLDER_MAX];
	(void)state;
	folder_make(folder);
	folder_write(folder, "secret", "");
	folder_write(folder, "main.yaml", secrets);
	check_readable(folder, 0644, WARNINGS);
	check_readable(folder, 0640, 0);
	folder_write(folder, "main.yaml", ZONE "http: {measure_token: t}\n");
	check_readable(folder, 0640, 0);
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_socket_paths),
		cmocka_unit_test(test_name_lengths),
		cmocka_unit_test(test_most_nodes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_short_secret),
		cmocka_unit_test(test_srt_edge),
		cmocka_unit_test(test_readable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
