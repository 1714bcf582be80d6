/* The recorder over virtual time: rings, order, what is cut off addresses,
 * rotation, disks that are full. */
#include "world.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "replay/recorder.h"

#define YAML                                                \
	"nodes:\n"                                          \
	"  hk: {address: [192.0.2.1], at: [22.3, 114.2]}\n" \
	"  gb: {address: [192.0.2.2], at: [51.5, -0.1]}\n"  \
	"steer:\n"                                          \
	"  live.example.com: {pool: [edge], lines: 3, ttl: [5, 30], streams: true}\n"

struct fixture {
	struct world w;
	struct record *record;
	char folder[64], path[80], old[84];
	char *text; /* of the file read last */
};

static void open_fixture(struct fixture *f)
{
	world_open(&f->w, YAML);
	f->record = record_new(2);
	f->text = NULL;
	strcpy(f->folder, "/tmp/dnsd-record-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/rec", f->folder);
	snprintf(f->old, sizeof f->old, "%s.1", f->path);
}

static void close_fixture(struct fixture *f)
{
	record_close(f->record);
	unlink(f->path);
	unlink(f->old);
	rmdir(f->folder);
	free(f->text);
	world_close(&f->w);
}

/* Switches to a path, NULL: off. hk has been sampled, gb is drained. */
static void set(struct fixture *f, const char *path, uint64_t size)
{
	const struct map *map = f->w.map;
	struct record_setting s = {.size = size, .n = map->n_nodes};
	s.nodes = mem_zero(s.n, sizeof *s.nodes);
	for (unsigned i = 0; i < s.n; i++) {
		snprintf(s.nodes[i].name, sizeof s.nodes[i].name, "%s",
			map->nodes[i].name);
		s.nodes[i].words = mem_strdup("1 2 cap_conns=10");
		s.nodes[i].drained = !strcmp(map->nodes[i].name, "gb");
	}
	s.nodes[0].load = (struct trace_load){.known = true,
		.sampled_ms = f->w.now - 700,
		.connections = 12,
		.kbps = 3456,
		.cpu = 0.25};
	if (path) {
		s.path = mem_strdup(path);
		s.hello = mem_strdup("test ns=0/1");
	}
	record_set(f->record, &s, f->w.now);
}

static void ask(struct fixture *f, unsigned thread, const char *name,
	const char *client, const char *asker, uint64_t share)
{
	struct steer_query q = world_query(&f->w, name, client);
	struct steer_decision d = {.n = 1, .ttl_s = 7};
	struct map_match match;
	assert_true(map_match(f->w.map, name, &match));
	assert_true(addr_parse(&q.asker, asker));
	struct record_question question = {.query = &q,
		.stream = (const uint8_t *)match.stream,
		.stream_len = (unsigned)strlen(match.stream),
		.scope = 24,
		.subnet = strchr(client, '/') != NULL,
		.share = share};
	record_answer(record_ring(f->record, thread), &f->w.state, &question,
		&d, f->w.now);
}

static const char *read_file(struct fixture *f, const char *path)
{
	struct buf out = {0};
	char part[4096];
	size_t n;
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	while ((n = fread(part, 1, sizeof part, in)))
		buf_add(&out, part, n);
	fclose(in);
	free(f->text);
	f->text = out.text ? out.text : mem_strdup("");
	return f->text;
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned n = 0;
	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Times of the lines do not go back. */
static void check_times(const char *text)
{
	long long last = 0, at;
	char verb[16];
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "%15s %lld", verb, &at) != 2 ||
			!strcmp(verb, "answer"))
			continue;
		assert_true(at >= last);
		last = at;
	}
}

/* -- the form -- */

static void test_form(void **state)
{
	struct fixture f;
	struct sample s = {.sampled_ms = 5000, .node_ms = 5400};
	struct addr v4 = {.family = 4, .bytes = {10, 1, 7, 9}};
	struct addr v6 = {.family = 6, .bytes = {0x20, 1, 0xd, 0xb8, 0, 7, 9}};
	struct path_report by_node = {.net = path_net(&v4),
		.place = {22.25f, 114.5f, 4134, "HK", PLACE_NETS},
		.node = 1,
		.rtt_ms = 38.2f,
		.loss = 0.004f,
		.viewers = 12};
	struct path_report by_player = by_node, by_bits = by_node;
	struct path_report nowhere = by_node;
	by_player.net = path_net(&v6);
	by_player.loss = -1;
	by_player.by = PATH_BY_PLAYER;
	by_bits.rtt_ms = -1;
	by_bits.by = PATH_BY_BITS;
	nowhere.place.source = PLACE_UNKNOWN;

	open_fixture(&f);
	set(&f, f.path, 1000000);
	f.w.now += 10;
	s.connections = 3;
	s.cpu = 0.5f;
	record_sample(f.record, 1, &s, f.w.now);
	record_failed(f.record, 0, SAMPLE_REFUSED, f.w.now);
	record_probed(f.record, 0, HEALTH_FLV, false, f.w.now);
	record_probed(f.record, 0, HEALTH_STREAM, false, f.w.now);
	record_sample(f.record, 9, &s, f.w.now); /* nobody */
	f.w.now += 10;
	record_drained(f.record, 1, false, f.w.now);
	record_path(f.record, &by_node, f.w.now);
	record_path(f.record, &by_player, f.w.now);
	record_path(f.record, &by_bits, f.w.now);
	record_path(f.record, &nowhere, f.w.now);
	ask(&f, 0, "x.line2.live.example.com", "10.1.2.0/24", "192.0.2.7",
		UINT64_MAX);
	ask(&f, 1, "live.example.com", "172.16.0.9", "172.16.0.9", UINT64_MAX);
	f.w.now += 2000;
	record_drain(f.record, f.w.now);
	set(&f, NULL, 0);
	record_drain(f.record, f.w.now);
	assert_string_equal(read_file(&f, f.path),
		"hello test ns=0/1 start=1000000\n"
		"node 0 hk 1 2 cap_conns=10\n"
		"node 0 gb 1 2 cap_conns=10\n"
		"state 0 gb drain\n"
		"load 0 hk -700 12 3456 25.0\n"
		"load 10 gb -390 3 0 50.0\n"
		"loadfail 10 hk refused\n"
		"probe 10 hk flv failed\n"
		"probe 10 hk stream failed\n"
		"state 20 gb up\n"
		"path 20 10.1.7.0/24 gb rtt=38.2 loss=0.0040 n=12 by=edge asn=4134 lat=22.2500 lon=114.5000\n"
		"path 20 2001:db8:7::/48 gb rtt=38.2 n=12 by=player asn=4134 lat=22.2500 lon=114.5000\n"
		"path 20 10.1.7.0/24 gb loss=0.0040 n=12 by=bits asn=4134 lat=22.2500 lon=114.5000\n"
		"query 20 1 x.line2.live.example.com 10.1.0.0/20 192.0.2.0 22.3000 114.2000 type=A\n"
		"answer 1 hk ttl=7 scope=24\n"
		"query 20 2 live.example.com - 172.16.0.0 - - net=172.16.0.0/20 type=A\n"
		"answer 2 hk ttl=7 scope=24\n"
		"time 2020\n"
		"end 2020\n");
	assert_int_equal(record_bytes(f.record), strlen(f.text));
	assert_int_equal(record_dropped(f.record), 0);
	close_fixture(&f);
}

/* A stamp that stands still is the same time again; a rate is between two. */
static void test_stamps(void **state)
{
	struct fixture f;
	struct sample s = {.sampled_ms = 5000,
		.node_ms = 5400,
		.send_bytes = 1000,
		.identity = 1};

	open_fixture(&f);
	set(&f, f.path, 1000000);
	record_sample(f.record, 1, &s, f.w.now);
	s.node_ms += 100;
	record_sample(f.record, 1, &s, f.w.now += 103);
	s.sampled_ms += 3000;
	s.node_ms += 3000;
	s.send_bytes += 300000;
	record_sample(f.record, 1, &s, f.w.now += 3000);
	s.sampled_ms = 0; /* statistics are off */
	record_sample(f.record, 1, &s, f.w.now);
	record_drain(f.record, f.w.now);
	read_file(&f, f.path);
	assert_non_null(strstr(f.text,
		"load 0 gb -400 0 0 0.0\n"
		"load 103 gb -400 0 0 0.0\n"
		"load 3103 gb 2603 0 800 0.0\n"
		"loadfail 3103 gb unreadable\n"));
	close_fixture(&f);
}

/* Labels may hold what would end a word. */
static void test_odd_stream(void **state)
{
	struct fixture f;

	open_fixture(&f);
	set(&f, f.path, 1000000);
	ask(&f, 0, "a b\n7.live.example.com", "10.1.0.0/20", "192.0.2.7",
		UINT64_MAX);
	record_drain(f.record, f.w.now);
	assert_non_null(strstr(
		read_file(&f, f.path), " 1 a?b?7.live.example.com 10.1."));
	close_fixture(&f);
}

/* -- privacy -- */

static void test_nets_are_cut(void **state)
{
	struct fixture f;

	open_fixture(&f);
	f.w.now++;
	set(&f, f.path, 1000000);
	ask(&f, 0, "live.example.com", "172.16.1.77/32", "203.0.113.99",
		UINT64_MAX);
	ask(&f, 0, "live.example.com", "2001:db8:1:2::7/128",
		"2001:db8:7:8:9::1", UINT64_MAX);
	record_drain(f.record, f.w.now);
	read_file(&f, f.path);
	assert_null(strstr(f.text, ".77"));
	assert_null(strstr(f.text, ".99"));
	assert_null(strstr(f.text, "1:2:"));
	assert_non_null(strstr(f.text, " 203.0.113.0 "));
	assert_non_null(strstr(f.text, " 2001:db8:7:: "));
	close_fixture(&f);
}

static void test_share_of_nets(void **state)
{
	struct fixture f;
	uint64_t half = share_bound(0.5);
	char net[32], word[40];
	unsigned whole = 0;

	assert_int_equal(share_bound(0), 0);
	assert_true(share_bound(1) == UINT64_MAX);
	open_fixture(&f);
	set(&f, f.path, 10000000);
	for (unsigned i = 0; i < 3 * 256; i++) {
		snprintf(net, sizeof net, "20.%u.16.0/20", i % 256);
		ask(&f, i % 2, "live.example.com", net, "192.0.2.1", half);
	}
	record_drain(f.record, f.w.now);
	read_file(&f, f.path);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(word, sizeof word, " 20.%u.16.0/20 ", i);
		unsigned n = occurrences(f.text, word);
		assert_true(n == 0 || n == 3);
		whole += n == 3;
	}
	assert_in_range(whole, 90, 166);
	close_fixture(&f);
}

/* -- rings and order -- */

static void test_full_ring_drops(void **state)
{
	struct fixture f;

	open_fixture(&f);
	set(&f, f.path, 100000000);
	for (unsigned i = 0; i < RECORD_RING + 5; i++)
		ask(&f, 1, "live.example.com", "10.1.0.0/20", "192.0.2.1",
			UINT64_MAX);
	assert_int_equal(record_dropped(f.record), 5);
	record_drain(f.record, f.w.now);
	assert_int_equal(
		occurrences(read_file(&f, f.path), "query "), RECORD_RING);
	/* There is room again. */
	ask(&f, 1, "live.example.com", "10.1.0.0/20", "192.0.2.1", UINT64_MAX);
	assert_int_equal(record_dropped(f.record), 5);
	close_fixture(&f);
}

/* Threads and control are merged; what comes late does not go back. */
static void test_order(void **state)
{
	struct fixture f;
	int64_t begin;

	open_fixture(&f);
	begin = f.w.now;
	set(&f, f.path, 1000000);
	for (unsigned i = 0; i < 50; i++) {
		f.w.now = begin + 10 + 2 * i;
		ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1",
			UINT64_MAX);
	}
	for (unsigned i = 0; i < 50; i++) {
		f.w.now = begin + 11 + 2 * i;
		ask(&f, 1, "line2.live.example.com", "10.1.0.0/20", "192.0.2.1",
			UINT64_MAX);
	}
	record_drained(f.record, 0, true, begin + 60);
	record_drain(f.record, begin + 59);
	read_file(&f, f.path);
	assert_int_equal(occurrences(f.text, "query "), 50);
	assert_null(strstr(f.text, "state 60 hk"));
	f.w.now = begin + 20; /* older than what is written */
	ask(&f, 0, "live.example.com", "10.2.0.0/20", "192.0.2.1", UINT64_MAX);
	record_drain(f.record, begin + 5000);
	read_file(&f, f.path);
	assert_int_equal(occurrences(f.text, "query "), 101);
	assert_non_null(strstr(f.text, "query 60 "));
	assert_true(strstr(f.text, "state 60 hk drain") <
		strstr(f.text, "query 60 "));
	assert_non_null(strstr(f.text, "time 5000\n"));
	check_times(f.text);
	close_fixture(&f);
}

/* What a ring still holds from before is not of this recording. */
static void test_switching(void **state)
{
	struct fixture f;

	open_fixture(&f);
	ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1", UINT64_MAX);
	f.w.now += 10;
	set(&f, f.path, 1000000);
	record_drain(f.record, f.w.now);
	assert_int_equal(occurrences(read_file(&f, f.path), "query "), 0);
	set(&f, NULL, 0);
	record_drain(f.record, f.w.now);
	assert_non_null(strstr(read_file(&f, f.path), "end 0\n"));
	/* Again: the file before is kept. */
	set(&f, f.path, 1000000);
	record_drain(f.record, f.w.now);
	assert_null(strstr(read_file(&f, f.path), "end "));
	assert_non_null(strstr(read_file(&f, f.old), "end 0\n"));
	close_fixture(&f);
}

/* A reload: who is gone, who is there. */
static void test_nodes_change(void **state)
{
	struct fixture f;
	struct record_setting s = {.n = 1};

	open_fixture(&f);
	set(&f, f.path, 1000000);
	s.nodes = mem_zero(1, sizeof *s.nodes);
	strcpy(s.nodes[0].name, "hk");
	s.nodes[0].words = mem_strdup("3 4");
	s.path = mem_strdup(f.path);
	s.hello = mem_strdup("test ns=0/1");
	s.size = 1000000;
	record_set(f.record, &s, f.w.now + 5);
	record_drain(f.record, f.w.now + 5);
	read_file(&f, f.path);
	assert_int_equal(occurrences(f.text, "hello"), 1);
	assert_non_null(strstr(f.text, "state 5 gb removed\nnode 5 hk 3 4\n"));
	close_fixture(&f);
}

/* -- files -- */

static void check_whole(const char *text)
{
	assert_int_equal(strncmp(text, "hello test", 10), 0);
	assert_non_null(strstr(text, "\nnode 0 hk "));
	assert_non_null(strstr(text, "\nnode 0 gb "));
	assert_non_null(strstr(text, "\nstate 0 gb drain\n"));
	assert_non_null(strstr(text, "\nload 0 hk "));
	check_times(text);
}

static void test_rotation(void **state)
{
	struct fixture f;
	struct stat st;

	open_fixture(&f);
	set(&f, f.path, 20000);
	for (unsigned i = 0; i < 500; i++) {
		f.w.now += 20;
		ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1",
			UINT64_MAX);
		if (i % 7 == 0)
			record_drain(f.record, f.w.now);
	}
	record_drain(f.record, f.w.now);
	check_whole(read_file(&f, f.old));
	assert_in_range(strlen(f.text), 20000, 21000);
	assert_non_null(strstr(f.text, "\nend "));
	assert_int_equal(occurrences(strstr(f.text, "\nend "), "\n"), 2);
	check_whole(read_file(&f, f.path));
	assert_non_null(strstr(f.text, " 1 live.example.com ")); /* ids anew */
	assert_int_equal(stat(f.path, &st), 0);
	assert_true(st.st_size < 20000);
	assert_int_equal(record_dropped(f.record), 0);
	close_fixture(&f);
}

/* A disk that is full: answers are counted, nothing else happens. */
static void test_full_disk(void **state)
{
	struct fixture f;

	open_fixture(&f);
	set(&f, "/dev/full", 1000000);
	record_drain(f.record, f.w.now);
	f.w.now += 10;
	for (unsigned i = 0; i < 3; i++)
		ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1",
			UINT64_MAX);
	record_drain(f.record, f.w.now);
	assert_int_equal(record_dropped(f.record), 3);
	record_drain(f.record, f.w.now += 60000);
	assert_int_equal(record_bytes(f.record), 0);
	close_fixture(&f);
}

/* A folder that is there only later: recording begins then. */
static void test_goes_on(void **state)
{
	struct fixture f;
	char folder[100], path[120];

	open_fixture(&f);
	snprintf(folder, sizeof folder, "%s/sub", f.folder);
	snprintf(path, sizeof path, "%s/rec", folder);
	set(&f, path, 1000000);
	record_drain(f.record, f.w.now);
	assert_int_equal(mkdir(folder, 0700), 0);
	record_drain(f.record, f.w.now += 60000);
	ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1", UINT64_MAX);
	record_drain(f.record, f.w.now);
	check_whole(read_file(&f, path));
	assert_int_equal(occurrences(f.text, "query "), 1);
	assert_int_equal(record_dropped(f.record), 0);
	unlink(path);
	rmdir(folder);
	close_fixture(&f);
}

/* Somebody has laid a link where the file is to be: what it leads to is not
 * touched. */
static void test_no_link_is_followed(void **state)
{
	struct fixture f;
	char mine[100];

	open_fixture(&f);
	snprintf(mine, sizeof mine, "%s/mine", f.folder);
	FILE *file = fopen(mine, "w");
	assert_non_null(file);
	fputs("mine", file);
	fclose(file);
	assert_int_equal(symlink(mine, f.path), 0);
	set(&f, f.path, 1000000);
	record_drain(f.record, f.w.now);
	ask(&f, 0, "live.example.com", "10.1.0.0/20", "192.0.2.1", UINT64_MAX);
	record_drain(f.record, f.w.now += 10);
	assert_int_equal(record_dropped(f.record), 1);
	assert_string_equal(read_file(&f, mine), "mine");
	unlink(mine);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_form),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_odd_stream),
		cmocka_unit_test(test_nets_are_cut),
		cmocka_unit_test(test_share_of_nets),
		cmocka_unit_test(test_full_ring_drops),
		cmocka_unit_test(test_order), cmocka_unit_test(test_switching),
		cmocka_unit_test(test_nodes_change),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_no_link_is_followed),
		cmocka_unit_test(test_goes_on)};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
