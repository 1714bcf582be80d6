/* The configuration: golden files, good and bad, and what they become. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "folder.h"

#define DATA "tests/data/conf/"

static struct conf *load(const char *path)
{
	struct err err = {0};
	struct conf *conf = conf_load(path, &err);
	if (!conf)
		print_error("%s\n", err_text(&err));
	assert_non_null(conf);
	assert_string_equal(err_text(&err), "");
	err_fini(&err);
	return conf;
}

/* Every "# expect LINE: text" of a bad file is an error line of its own, and
 * there is no other. */
static void check_bad(const char *path)
{
	struct err err = {0};
	char line[512], want[1200];
	unsigned expected = 0;
	struct conf *conf = conf_load(path, &err);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_null(conf);
	const char *text = err_text(&err);
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, "# expect ", 9))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(want, sizeof want, "%s:%s", path, line + 9);
		if (!strstr(text, want))
			fail_msg(
				"%s: missing \"%s\" in:\n%s", path, want, text);
		expected++;
	}
	fclose(f);
	if (err.count != expected || !expected)
		fail_msg("%s: %u errors, %u expected:\n%s", path, err.count,
			expected, text);
	err_fini(&err);
}

/* Pools that are written alike share one list of nodes; others have their own. */
static void test_shared_pools(void **state)
{
	static const char text[] = "zones: {example.com: {ns: [ns.x]}}\n"
				   "nodes:\n"
				   "  a: {address: [192.0.2.1]}\n"
				   "  b: {address: [192.0.2.2]}\n"
				   "steer:\n"
				   "  x.example.com: {pool: [edge, a]}\n"
				   "  y.example.com: {pool: [edge, a]}\n"
				   "  z.example.com: {pool: [b, edge]}\n"
				   "  v.example.com: {pool: [a]}\n"
				   "  w.example.com: {pool: [b]}\n";
	struct err err = {0};
	struct conf *conf = conf_parse("t", text, sizeof text - 1, &err);
	(void)state;
	assert_non_null(conf);
	const struct conf_steer *s = conf->steer;
	assert_int_equal(conf->n_steer, 5);
	assert_ptr_equal(s[0].node, s[1].node);
	assert_ptr_not_equal(s[0].node, s[2].node);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(s[i].n_nodes, 2);
		assert_int_equal(s[i].node[0], i == 2);
		assert_int_equal(s[i].node[1], i != 2);
	}
	for (unsigned i = 3; i < 5; i++) {
		assert_int_equal(s[i].n_nodes, 1);
		assert_int_equal(s[i].node[0], i == 4);
	}
	conf_free(conf);
	err_fini(&err);
}

/* A pool that is not valid is said of each name that has it. */
static void test_shared_errors(void **state)
{
	static const char text[] = "zones: {example.com: {ns: [ns.x]}}\n"
				   "nodes: {a: {address: [192.0.2.1]}}\n"
				   "steer:\n"
				   "  x.example.com: {pool: [none]}\n"
				   "  y.example.com: {pool: [none]}\n"
				   "  line2.z.example.com: {pool: [a]}\n"
				   "  line3.z.example.com: {pool: [a]}\n"
				   "  _why.z.example.com: {pool: [a]}\n"
				   "  z.example.com: {pool: [a], lines: 2}\n";
	struct err err = {0};
	(void)state;
	assert_null(conf_parse("t", text, sizeof text - 1, &err));
	assert_int_equal(err.count, 4);
	assert_non_null(strstr(err_text(&err), "t:4: "));
	assert_non_null(strstr(err_text(&err), "t:5: "));
	assert_non_null(strstr(err_text(&err), "t:6: "));
	assert_null(strstr(err_text(&err), "t:7: "));
	assert_non_null(strstr(err_text(&err), "t:8: "));
	err_fini(&err);
}

/* Each file of a folder; returns how many. */
static unsigned each_file(const char *folder, void (*check)(const char *path))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned files = 0;
	char path[600];

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".yaml")) {
			snprintf(path, sizeof path, "%s/%s", folder,
				entry->d_name);
			check(path);
			files++;
		}
	closedir(dir);
	return files;
}

static void check_good(const char *path)
{
	conf_free(load(path));
}

static void test_bad(void **state)
{
	(void)state;
	assert_true(each_file(DATA "bad", check_bad) > 40);
}

static void test_good(void **state)
{
	(void)state;
	assert_true(each_file(DATA "good", check_good) > 10);
}

static void test_smallest(void **state)
{
	struct conf *c = load(DATA "good/smallest.yaml");

	(void)state;
	assert_int_equal(c->n_zones, 1);
	assert_string_equal(c->zones[0].name, "example.com");
	assert_null(c->zones[0].file);
	assert_int_equal(c->zones[0].serial, 1);
	assert_int_equal(c->n_nodes, 3);
	assert_string_equal(c->nodes[0].api, "http://192.0.2.11:1985");
	assert_string_equal(c->nodes[0].rtmp, "192.0.2.11:1935");
	assert_null(c->nodes[0].flv);
	assert_true(c->nodes[0].is_public);
	assert_true(c->nodes[0].has_at);
	assert_float_equal(c->nodes[1].at[1], -0.1, 1e-9);
	assert_int_equal(c->n_steer, 1);
	assert_int_equal(c->steer[0].n_nodes, 3);
	assert_int_equal(c->steer[0].lines, 2);
	assert_float_equal(c->steer[0].ttl[0], 5, 0);
	assert_float_equal(c->steer[0].ttl[1], 30, 0);
	assert_float_equal(c->steer[0].carrier_ms, 25, 0);
	assert_int_equal(c->steer[0].policy, POLICY_NEARBY);
	assert_int_equal(c->udp_nocookie, 1232);
	assert_int_equal(c->client_nets, 1048576);
	assert_float_equal(c->session_s, 1700, 0);
	assert_float_equal(c->nodes[0].overcommit, 1, 0); /* no capacity */
	assert_int_equal(c->trusted.n, 2);
	/* Without the key there is no listener. */
	assert_int_equal(c->http.listen.n, 0);
	assert_int_equal(c->public.listen.n, 0);
	assert_int_equal(c->tls.listen.n, 0);
	assert_float_equal(c->health.interval_s, 3, 0);
	conf_free(c);
}

/* What players get, beside RTMP and FLV. */
static void test_players(void **state)
{
	struct conf *c = load(DATA "good/players.yaml");
	const struct conf_node *a = &c->nodes[0], *b = &c->nodes[1];

	(void)state;
	assert_string_equal(a->srt, "192.0.2.1:10080");
	assert_string_equal(a->whep, "https://a.example.net:1985");
	assert_string_equal(a->public_url[URL_RTMP], "rtmps://a.example.net");
	assert_string_equal(
		a->public_url[URL_FLV], "https://a.example.net:8443");
	assert_string_equal(
		a->public_url[URL_HLS], "https://a.example.net:8443");
	assert_string_equal(a->public_url[URL_SRT], "srt://[2001:db8::1]:1");
	assert_string_equal(a->public_url[URL_WHEP], "");
	assert_null(b->srt);
	assert_null(b->whep);
	for (unsigned i = 0; i < CONF_URLS; i++)
		assert_string_equal(b->public_url[i], "");
	conf_free(c);
}

/* Keys, and who may have which zone; nobody by default. */
static void test_transfer(void **state)
{
	struct err err = {0};
	struct conf *c = conf_load(DATA "good/transfer.yaml", &err);
	char text[SOCKADDR_TEXT_MAX];

	(void)state;
	assert_non_null(c);
	assert_non_null(
		strstr(err.warnings, "short.example: a secret of fewer"));
	err_fini(&err);
	assert_int_equal(c->n_tsig, 2);
	assert_int_equal(c->tsig[0].n_octets, 16);
	assert_int_equal(c->tsig[0].octets[15], 16);
	assert_string_equal(
		conf_tsig_algorithms[c->tsig[1].algorithm], "hmac-sha512");
	const struct conf_zone *zone = &c->zones[0];
	assert_int_equal(zone->transfer.n_to, 3);
	assert_int_equal(zone->transfer.to[0].prefix.len, 24);
	assert_int_equal(zone->transfer.to[0].key, -1);
	assert_int_equal(zone->transfer.to[1].prefix.len, 128);
	assert_int_equal(zone->transfer.to[2].key, 0);
	assert_int_equal(zone->transfer.n_notify, 2);
	assert_int_equal(zone->transfer.notify[0].key, -1);
	assert_string_equal(
		sockaddr_text(
			(struct sockaddr *)&zone->transfer.notify[0].to, text),
		"203.0.113.9:53");
	assert_int_equal(zone->transfer.notify[1].key, 1);
	assert_string_equal(
		sockaddr_text(
			(struct sockaddr *)&zone->transfer.notify[1].to, text),
		"[2001:db8::9]:5353");
	assert_int_equal(c->zones[1].transfer.n_to, 0);
	assert_int_equal(c->zones[1].transfer.n_notify, 0);
	conf_free(c);
}

/* Zones of other name servers. */
static void test_from(void **state)
{
	struct conf *c = load(DATA "good/from.yaml");
	const struct conf_zone *zone = c->zones;
	char text[SOCKADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(zone[0].from.n_primary, 0);
	assert_int_equal(zone[1].from.n_primary, 2);
	assert_int_equal(zone[1].from.key, 0);
	assert_string_equal(
		sockaddr_text(
			(struct sockaddr *)&zone[1].from.primary[0].to, text),
		"203.0.113.9:53");
	assert_string_equal(
		sockaddr_text(
			(struct sockaddr *)&zone[1].from.primary[1].to, text),
		"[2001:db8::9]:5353");
	assert_int_equal(zone[2].from.n_primary, 1);
	assert_int_equal(zone[2].from.key, -1);
	conf_free(c);
}

/* With the key there is one, by default at these addresses. */
static void test_listeners(void **state)
{
	static const char text[] = "zones: {example.com: {ns: [ns.x]}}\n"
				   "http: {}\npublic: {}\n"
				   "tls: {cert: c, key: k}\n";
	struct err err = {0};
	struct conf *c = conf_parse("t", text, sizeof text - 1, &err);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->listen.n, 2);
	assert_string_equal(c->listen.text[0], "0.0.0.0:53");
	assert_int_equal(c->http.listen.n, 1);
	assert_string_equal(c->http.listen.text[0], "127.0.0.1:8053");
	assert_int_equal(c->public.listen.n, 1);
	assert_string_equal(c->public.listen.text[0], "0.0.0.0:8080");
	assert_int_equal(c->tls.listen.n, 2);
	assert_string_equal(c->tls.listen.text[1], "[::]:853");
	conf_free(c);
}

static void test_etcd(void **state)
{
	struct conf *c = load(DATA "good/etcd.yaml");

	(void)state;
	assert_int_equal(c->etcd.endpoints.n, 3);
	assert_string_equal(c->etcd.endpoints.text[0], "https://10.0.0.1:2379");
	assert_string_equal(c->etcd.endpoints.text[2], "http://etcd3");
	assert_string_equal(c->etcd.prefix, "/dnsd/class");
	assert_string_equal(c->etcd.as, "ns1"); /* its server_id */
	assert_string_equal(c->etcd.key, DATA "good/ns1.key");
	conf_free(c);
}

/* What the forms of a value mean. */
static void test_values(void **state)
{
	static const int64_t validity_s[] = {
		8, 5400, 5400, 31536000, 1209600, 300, 604800};
	struct conf *c = load(DATA "good/values.yaml");
	const struct conf_node *a = c->nodes;

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(c->zones[i].dnssec.validity_s, validity_s[i]);
	assert_int_equal(c->zones[6].serial, 4294967295);
	assert_true(c->public.httpdns);
	assert_int_equal(a->n_addresses, 2);
	assert_string_equal(a->api, "http://[2001:db8::1]:1985");
	assert_string_equal(a->rtmp, "[2001:db8::1]:1935");
	assert_int_equal(a->n_asn, 3);
	assert_int_equal(a->asn[0], 1);
	assert_int_equal(a->asn[1], 4134);
	assert_int_equal(a->asn[2], 4294967295);
	assert_float_equal(a->at[1], 180, 0);
	assert_float_equal(a->bandwidth_bps, 2e3, 0);
	assert_float_equal(c->nodes[1].bandwidth_bps, 3e9, 0);
	assert_string_equal(c->nodes[1].api, "https://srs.example.net");
	assert_string_equal(c->nodes[1].flv, "192.0.2.9:8080");
	/* By default those that viewers may be sent to have a name. */
	static const bool is_public[] = {true, true, false, false, true};
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(c->nodes[i].is_public, is_public[i]);
	assert_true(c->steer[0].streams);
	assert_false(c->steer[0].measured);
	assert_float_equal(c->steer[0].ttl[0], 1, 0);
	assert_float_equal(c->steer[0].ttl[1], 65535, 0);
	assert_false(c->steer[1].streams);
	assert_true(c->steer[1].measured);
	conf_free(c);
}

/* A recording, and that there is none by default. */
static void test_record(void **state)
{
	struct conf *c = load(DATA "good/record.yaml");

	(void)state;
	assert_string_equal(c->record.file, DATA "good/today");
	assert_float_equal(c->record.size, 2.5e6, 0);
	assert_float_equal(c->record.share, 0.25, 0);
	conf_free(c);
	c = load(DATA "good/smallest.yaml");
	assert_string_equal(c->record.file, "");
	conf_free(c);
}

/* A limit of answers, and that there is none by default. */
static void test_rrl(void **state)
{
	struct conf *c = load(DATA "good/rrl.yaml");

	(void)state;
	assert_int_equal(c->rrl.rate, 1000);
	assert_int_equal(c->rrl.slip, 2);
	conf_free(c);
	c = load(DATA "good/smallest.yaml");
	assert_int_equal(c->rrl.rate, 0);
	assert_int_equal(c->rrl.slip, 1);
	conf_free(c);
}

/* An unknown max_connections of a node is taken for SRS's default. */
static void test_overcommit(void **state)
{
	static const struct {
		const char *node;
		double overcommit;
	} nodes[] = {
		{"address: [192.0.2.1]", 1},
		{"address: [192.0.2.1], capacity: 100", 2},
		{"address: [192.0.2.1], capacity: 600", 1.5},
		{"address: [192.0.2.1], capacity: 950", 1},
		{"address: [192.0.2.1], capacity: 1000", 1},
		{"address: [192.0.2.1], capacity: 1500", 2},
		{"address: [192.0.2.1], capacity: 950, overcommit: 1.7", 1.7},
		{"address: [192.0.2.1], overcommit: 3", 3},
	};
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		char text[256];
		struct err err = {0};
		snprintf(text, sizeof text,
			"zones: {example.com: {ns: [n.x]}}\n"
			"nodes:\n  a: {%s}\n",
			nodes[i].node);
		struct conf *c = conf_parse("test", text, strlen(text), &err);
		if (!c)
			fail_msg("%s", err_text(&err));
		assert_float_equal(
			c->nodes[0].overcommit, nodes[i].overcommit, 1e-9);
		conf_free(c);
	}
}

/* Scalars are typed by their key: "no" is a site, "1.0" a provider. */
static void test_anchors(void **state)
{
	struct conf *c = load(DATA "good/anchors.yaml");

	(void)state;
	assert_int_equal(c->n_nodes, 2);
	assert_string_equal(c->nodes[1].site, "no");
	assert_string_equal(c->nodes[1].provider, "1.0");
	assert_float_equal(c->nodes[1].bandwidth_bps, 800e6, 0);
	assert_float_equal(c->nodes[1].overcommit, 2, 0);
	/* In the order of the pool, each node once. */
	assert_int_equal(c->steer[0].n_nodes, 2);
	assert_int_equal(c->steer[0].node[0], 1);
	assert_int_equal(c->steer[0].node[1], 0);
	assert_float_equal(c->steer[0].ttl[0], 20, 0);
	assert_float_equal(c->steer[0].ttl[1], 20, 0);
	conf_free(c);
}

static void test_empty_values(void **state)
{
	struct conf *c = load(DATA "good/empty-values.yaml");

	(void)state;
	assert_string_equal(c->server_id, "");
	assert_int_equal(c->trusted.n, 0);
	assert_int_equal(c->n_nodes, 0);
	assert_string_equal(c->zones[0].name, "example.com");
	conf_free(c);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Included files add to the maps; a scalar stands once in all of them. */
static void test_include(void **state)
{
	char dir[] = "/tmp/dnsd-conf-XXXXXX", path[64], more[128], twice[64];
	struct err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/main.yaml", dir);
	snprintf(more, sizeof more, "%s/b.inc", dir);
	snprintf(twice, sizeof twice, "%s/c.inc", dir);
	write_file(path,
		"include: [\"*.inc\"]\nworkers: 2\n"
		"zones: {example.com: {file: here.zone}}\n"
		"nodes: {a: {address: [192.0.2.1]}}\n"
		"steer: {e.example.com: {pool: [edge]}}\n"
		"expect: [{at: 2026-11-22T10:00, name: e.example.com, viewers: 1}]\n");
	write_file(more,
		"nodes: {b: {address: [192.0.2.2]}}\n"
		"expect: [{at: 2026-11-22T10:00, name: e.example.com, viewers: 2}]\n");
	struct conf *c = conf_load(path, &err);
	assert_non_null(c);
	assert_int_equal(c->n_nodes, 2);
	assert_int_equal(c->n_expect, 2);
	assert_int_equal(c->expect[0].viewers, 1);
	assert_int_equal(c->expect[1].viewers, 2);
	snprintf(more, sizeof more, "%s/here.zone", dir);
	assert_string_equal(c->zones[0].file, more);
	conf_free(c);

	write_file(twice, "workers: 3\n\n\nnodes: {a: {address: [1.1.1.1]}}\n");
	assert_null(conf_load(path, &err));
	snprintf(more, sizeof more, "%s:4: node a is there twice", twice);
	assert_non_null(strstr(err_text(&err), more));
	err_fini(&err);
	/* Relative to the file, like all paths in it. */
	write_file(path, "control: here.sock\nnonsense\n");
	char *control = conf_control_path(path, &err);
	assert_null(control);
	err_fini(&err);
	write_file(path, "control: here.sock\nnonsense: 1\n");
	control = conf_control_path(path, &err);
	snprintf(more, sizeof more, "%s/here.sock", dir);
	assert_string_equal(control, more);
	free(control);
	remove(twice);
	snprintf(more, sizeof more, "%s/b.inc", dir);
	remove(more);
	remove(path);
	remove(dir);
}

/* Of nodes that do not go together, one of another file is named with its place. */
static void test_families_of_files(void **state)
{
	char folder[FOLDER_MAX], path[FOLDER_FILE_MAX], want[256];
	struct err err = {0};

	(void)state;
	folder_make(folder);
	folder_write(folder, "main.yaml",
		"include: [b.inc]\nzones: {example.com: {ns: [ns.x]}}\n"
		"nodes: {a: {address: [192.0.2.1]}}\n"
		"steer: {e.example.com: {pool: [edge]}}\n");
	folder_write(
		folder, "b.inc", "nodes:\n  b: {address: [\"2001:db8::1\"]}\n");
	assert_null(conf_load(folder_file(path, folder, "main.yaml"), &err));
	snprintf(want, sizeof want,
		"%s/main.yaml:4: e.example.com: in the pool, a has an IPv4 address and b (%s/b.inc:2) has none",
		folder, folder);
	assert_string_equal(err_text(&err), want);
	err_fini(&err);
	folder_remove(folder);
}

static void test_variable(void **state)
{
	static const char text[] = "server_id: \"ns-${DNSD_TEST}-x\"\n"
				   "zones: {e.x: {ns: [\"n.y\"]}}\n";
	struct err err = {0};

	(void)state;
	setenv("DNSD_TEST", "7", 1);
	struct conf *c = conf_parse("t", text, sizeof text - 1, &err);
	assert_non_null(c);
	assert_string_equal(c->server_id, "ns-7-x");
	conf_free(c);
}

/* Passwords of an API URL never reach a message. */
static void test_no_secrets(void **state)
{
	struct err err = {0};

	(void)state;
	assert_null(conf_load(DATA "bad/bad-api.yaml", &err));
	assert_null(strstr(err_text(&err), "secretpw"));
	err_fini(&err);
}

static void test_time(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t s; /* since 1970; -1: no time */
	} times[] = {{"2026-11-22T09:00Z", 1795338000},
		{"2026-11-22T09:00:07Z", 1795338007},
		{"2026-11-22T09:00+08:00", 1795338000 - 8 * 3600},
		{"2026-11-22T09:00:00+0800", 1795338000 - 8 * 3600},
		{"2026-11-22T09:00-03:30", 1795338000 + 7 * 1800},
		{"2026-11-22T09:00", 1795338000 - 9 * 3600},
		{"2024-02-29T00:00Z", 1709164800}, {"2026-02-29T00:00Z", -1},
		{"2026-11-22", -1}, {"2026-11-22 09:00", -1},
		{"2026-11-22T9:00", -1}, {"2026-11-22T24:00", -1},
		{"2026-11-22T09:60", -1}, {"2026-11-22T09:00z", -1},
		{"2026-11-22T09:00:00.5Z", -1}, {"2026-11-22T09:00+15:00", -1},
		{"2026-11-22T09:00Z ", -1}, {"+026-11-22T09:00", -1},
		{"2026-13-22T09:00", -1}, {"2026-11-22T09:00:", -1}, {"", -1}};

	setenv("TZ", "JST-9", 1);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int64_t ms = -1000;
		assert_int_equal(
			conf_time(times[i].text, &ms), times[i].s >= 0);
		assert_int_equal(ms, times[i].s * 1000);
	}
	unsetenv("TZ");
}

static void test_expect(void **state)
{
	setenv("TZ", "UTC", 1);
	struct conf *c = load(DATA "good/expect.yaml");
	(void)state;
	unsetenv("TZ");
	assert_int_equal(c->n_expect, 2);
	assert_int_equal(c->expect[0].at_ms, 1795338000000);
	assert_int_equal(c->expect[0].viewers, 800);
	assert_int_equal(c->expect[0].over_s, 120);
	assert_false(c->expect[0].has_from);
	assert_int_equal(c->expect[0].id, 0);
	assert_string_equal(c->expect[1].name, "live.example.com");
	assert_int_equal(c->expect[1].at_ms, 1795338030000 - 8 * 3600000);
	assert_int_equal(c->expect[1].over_s, 60);
	assert_true(c->expect[1].has_from);
	assert_float_equal(c->expect[1].from[1], 121.5, 1e-9);
	conf_free(c);
}

/* The schema for editors in the repository is the one of the program. */
static void test_schema(void **state)
{
	struct buf file = {0};
	char chunk[4096];
	size_t n;
	FILE *f = fopen("conf/dnsd.schema.json", "r");
	char *schema = conf_schema();

	(void)state;
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)))
		buf_add(&file, chunk, n);
	fclose(f);
	assert_int_equal(file.len, strlen(schema) + 1); /* and a newline */
	assert_memory_equal(file.text, schema, strlen(schema));
	buf_fini(&file);
	free(schema);
}

/* The sample and the demonstration stay loadable. */
static void test_samples(void **state)
{
	(void)state;
	conf_free(load("conf/dnsd.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_shared_pools),
		cmocka_unit_test(test_shared_errors),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_etcd),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_rrl),
		cmocka_unit_test(test_players),
		cmocka_unit_test(test_overcommit),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_empty_values),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_families_of_files),
		cmocka_unit_test(test_variable),
		cmocka_unit_test(test_no_secrets),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
