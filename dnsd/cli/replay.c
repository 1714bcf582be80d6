/* replay: the decision core in virtual time, lines in and lines out. No clock,
 * no network; the same fleet, merge of accounts, decision and map as in the
 * server. The form of the lines is in docs/replay.md. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "control/build.h"
#include "steer/decide.h"
#include "steer/fleet.h"

static const char usage[] =
	"replay [-c FILE] [--workers N] [--deal resolver|id] [--stats]";
static const char help[] =
	"Reads events (hello, node, state, expect, load, loadfail, time, query, sync,\n"
	"end) on stdin and writes the answers on stdout, in virtual time.\n"
	"\n"
	"  -c FILE        takes the options of its steer block; its nodes are\n"
	"                 replaced by the node lines\n"
	"  --workers N    threads that answer (default 1), each with its accounts\n"
	"  --deal HOW     how queries are dealt to them: by resolver address\n"
	"                 (default) or by query id\n"
	"  --stats        prints a summary at the end, on stderr\n";

#define TICK_MS 100
#define EPOCH_MS 1000000 /* virtual 0: stamps of 0 mean "never" */
#define WORKERS_MAX 64
#define WORDS_MAX 24
#define CLIENTS (1 << 18)
#define SCOPE_V4 24
#define SCOPE_V6 48

struct replay_node {
	char name[64]; /* as the lines say; any text without a space */
	char label[24], site[24]; /* the same as the configuration allows */
	double lat, lon, capacity, bandwidth_bps;
	bool removed;
	/* for the byte counter that a sample has */
	uint64_t bytes;
	int64_t sampled_ms;
};

struct replay_expect {
	char name[256];
	struct expect entry;
};

struct replay_place {
	float lat, lon;
	uint32_t index; /* in the geo table */
};

struct replay {
	const char *conf_path;
	struct buf steer; /* the steer block as YAML, without -c */
	unsigned workers;
	bool deal_by_id, stats;

	struct replay_node *nodes;
	unsigned n_nodes;
	struct replay_place *places;
	unsigned n_places;
	struct replay_expect *expects; /* the timetable */
	unsigned n_expects;
	bool stale; /* nodes or places changed: rebuild before the next use */

	struct geo *geo;
	struct map *map;
	struct fleet *fleet;
	struct load *load;
	struct accounts *accounts[WORKERS_MAX];
	struct memory *memory; /* shared by them, as in the server */
	unsigned poll_ms, servers;
	uint64_t seed;
	int64_t now_ms, tick_ms;

	uint64_t queries, full, again, line_queries;
	double path_sum;
};

/* -- the world, compiled as in the server -- */

static const char *const steer_default =
	"steer:\n  live.example.com: {pool: [edge], lines: 3, streams: true}\n";

static unsigned living(const struct replay *r)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_nodes; i++)
		n += !r->nodes[i].removed;
	return n;
}

/* Addresses are never answered here: all nodes have the same. */
static void write_conf(const struct replay *r, struct buf *out)
{
	buf_printf(out,
		"zones: {example.com: {ns: [\"ns.example.net\"]}}\nnodes:\n");
	for (unsigned i = 0; i < r->n_nodes; i++) {
		const struct replay_node *n = &r->nodes[i];
		if (!n->removed)
			buf_printf(out,
				"  %s: {role: edge, address: [192.0.2.1], at: [%.4f, %.4f], site: %s, capacity: %.0f, bandwidth: %.0f}\n",
				n->label, n->lat, n->lon, n->site, n->capacity,
				n->bandwidth_bps);
	}
	if (living(r))
		buf_printf(out, "%s",
			r->steer.text ? r->steer.text : steer_default);
}

/* A place is reached through an address of its own in 240.0.0.0/4. */
static struct addr place_address(unsigned i)
{
	return (struct addr){.family = 4,
		.bytes = {240, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i}};
}

static void build_places(struct replay *r)
{
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < r->n_places; i++) {
		struct prefix at = {place_address(i), 32};
		struct place place = {.lat = r->places[i].lat,
			.lon = r->places[i].lon,
			.source = PLACE_NETS};
		geo_builder_add(b, 0, &at, &place);
	}
	geo_free(r->geo);
	r->geo = geo_build(b);
	for (unsigned i = 0; i < r->n_places; i++) {
		struct addr a = place_address(i);
		r->places[i].index = geo_find(r->geo, &a).place;
	}
}

/* What is not over, by the names of the present map. */
static void feed_timetable(struct replay *r)
{
	struct expect *list = mem_zero(r->n_expects, sizeof *list);
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_expects; i++) {
		int name = map_find_name(r->map, r->expects[i].name);
		if (name < 0 || expect_is_over(&r->expects[i].entry, r->now_ms))
			continue;
		list[n] = r->expects[i].entry;
		list[n++].name = (uint32_t)name;
	}
	fleet_expect(r->fleet, list, n);
	free(list);
}

static bool rebuild(struct replay *r)
{
	struct buf text = {0};
	struct err err = {0};

	write_conf(r, &text);
	struct conf *conf = conf_parse("replay", text.text, text.len, &err);
	buf_fini(&text);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		err_fini(&err);
		return false;
	}
	struct map *old = r->map;
	build_places(r);
	r->map = map_build(conf, r->geo, r->servers, old);
	struct fleet_rules rules = {{r->poll_ms, r->poll_ms / 2, 2, 1}, 0};
	if (!r->fleet)
		r->fleet = fleet_new(&rules, r->now_ms);
	fleet_set_map(r->fleet, r->map, &rules, r->now_ms);
	for (unsigned i = 0; i < r->map->n_nodes; i++)
		if (r->map->nodes[i].name)
			fleet_watch(r->fleet, i, true, false);
	feed_timetable(r);
	map_free(old);
	conf_free(conf);
	err_fini(&err);
	load_free(r->load);
	r->load = fleet_load(r->fleet, r->now_ms);
	r->stale = false;
	return true;
}

static bool ready(struct replay *r)
{
	return !r->stale || rebuild(r);
}

/* -- time -- */

static void publish(struct replay *r, int64_t now_ms)
{
	for (unsigned i = 0; i < r->workers; i++)
		fleet_merge(r->fleet, i, r->accounts[i], now_ms);
	load_free(r->load);
	r->load = fleet_load(r->fleet, now_ms);
}

static bool advance(struct replay *r, const char *ms)
{
	r->now_ms = atoll(ms) + EPOCH_MS;
	if (!r->fleet)
		return true;
	if (!ready(r))
		return false;
	while (r->tick_ms + TICK_MS <= r->now_ms) {
		r->tick_ms += TICK_MS;
		publish(r, r->tick_ms);
	}
	return true;
}

/* -- lines -- */

static const char *value_of(char **words, unsigned n, const char *key)
{
	size_t len = strlen(key);
	for (unsigned i = 0; i < n; i++)
		if (!strncmp(words[i], key, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

static double number_of(
	char **words, unsigned n, const char *key, double preset)
{
	const char *text = value_of(words, n, key);
	return text ? atof(text) : preset;
}

static void open_accounts(struct replay *r)
{
	memory_free(r->memory);
	r->memory = memory_new(CLIENTS, r->seed);
	for (unsigned i = 0; i < r->workers; i++) {
		accounts_free(r->accounts[i]);
		r->accounts[i] =
			accounts_new(CLIENTS, r->memory, hash_mix(r->seed + i));
	}
}

static bool on_hello(struct replay *r, char **words, unsigned n)
{
	const char *ns = value_of(words, n, "ns");
	const char *slash = ns ? strchr(ns, '/') : NULL;
	const char *seed = value_of(words, n, "seed");

	r->servers = slash ? (unsigned)atoi(slash + 1) : 1;
	r->seed = seed ? strtoull(seed, NULL, 10) : 1;
	r->poll_ms = (unsigned)number_of(words, n, "poll_ms", 3000);
	open_accounts(r);
	return true;
}

static struct replay_node *node_named(struct replay *r, const char *name)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!strcmp(r->nodes[i].name, name))
			return &r->nodes[i];
	return NULL;
}

/* A DNS label for any name, the same whatever the order of the nodes. */
static void make_label(char *out, size_t room, const char *name)
{
	snprintf(out, room, "n%016llx",
		(unsigned long long)hash_bytes(name, strlen(name), 4));
}

/* v in its range; what is no number is the least. */
static double within(double v, double least, double most)
{
	return v >= least ? (v < most ? v : most) : least;
}

static bool on_node(struct replay *r, char **words, unsigned n)
{
	if (n < 5 || !advance(r, words[1]))
		return n < 5;
	struct replay_node *node = node_named(r, words[2]);
	if (!node) {
		r->nodes =
			mem_grow(r->nodes, (r->n_nodes + 1) * sizeof *r->nodes);
		node = &r->nodes[r->n_nodes++];
	}
	*node = (struct replay_node){.lat = within(atof(words[3]), -90, 90),
		.lon = within(atof(words[4]), -180, 180),
		.capacity =
			within(number_of(words, n, "cap_conns", 1000), 1, 1e9),
		.bandwidth_bps = within(
			number_of(words, n, "cap_kbps", 0) * 1000, 0, 1e15)};
	const char *site = value_of(words, n, "domain");
	snprintf(node->name, sizeof node->name, "%s", words[2]);
	make_label(node->label, sizeof node->label, words[2]);
	make_label(node->site, sizeof node->site, site ? site : words[2]);
	r->stale = true;
	return true;
}

static int index_of(struct replay *r, const char *name)
{
	const struct replay_node *node = node_named(r, name);
	if (!node || node->removed || !ready(r))
		return -1;
	return map_find_node(r->map, node->label);
}

/* The name that the lines know a node by. */
static const char *name_of_index(const struct replay *r, unsigned index)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!strcmp(r->nodes[i].label, r->map->nodes[index].name))
			return r->nodes[i].name;
	return "-";
}

static bool on_state(struct replay *r, char **words, unsigned n)
{
	if (n < 4 || !advance(r, words[1]))
		return n < 4;
	struct replay_node *node = node_named(r, words[2]);
	if (!node)
		return true;
	bool removed = !strcmp(words[3], "removed");
	r->stale |= removed != node->removed;
	node->removed = removed;
	int index = index_of(r, words[2]);
	if (index >= 0)
		fleet_drain(
			r->fleet, (unsigned)index, !strcmp(words[3], "drain"));
	return true;
}

static bool on_load(struct replay *r, char **words, unsigned n)
{
	if (n < 7 || !advance(r, words[1]))
		return n < 7;
	int index = index_of(r, words[2]);
	struct replay_node *node = node_named(r, words[2]);
	if (index < 0 || !node)
		return true;
	int64_t sampled = atoll(words[3]) + EPOCH_MS;
	if (node->sampled_ms && sampled > node->sampled_ms)
		node->bytes += (uint64_t)(atof(words[5]) *
			(double)(sampled - node->sampled_ms) / 8);
	node->sampled_ms = sampled;
	struct sample s = {.sampled_ms = sampled,
		.node_ms = r->now_ms,
		.connections = (uint32_t)atoll(words[4]),
		.send_bytes = node->bytes,
		.cpu = (float)atof(words[6]) / 100,
		.uptime_s = -1,
		.identity = 1};
	fleet_sample(r->fleet, (unsigned)index, &s, r->now_ms);
	publish(r, r->now_ms);
	return true;
}

static bool on_loadfail(struct replay *r, char **words, unsigned n)
{
	if (n < 4 || !advance(r, words[1]))
		return n < 4;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	fleet_failed(r->fleet, (unsigned)node,
		strcmp(words[3], "refused") ? SAMPLE_TIMEOUT : SAMPLE_REFUSED,
		r->now_ms);
	publish(r, r->now_ms);
	return true;
}

static bool on_expect(struct replay *r, char **words, unsigned n)
{
	if (n < 6 || !advance(r, words[1]))
		return n < 6;
	r->expects =
		mem_grow(r->expects, (r->n_expects + 1) * sizeof *r->expects);
	struct replay_expect *e = &r->expects[r->n_expects++];
	*e = (struct replay_expect){
		.entry = {.at_ms = atoll(words[3]) + EPOCH_MS,
			.viewers = (float)within(
				atof(words[4]), 0, CONF_VIEWERS_MAX),
			.over_ms = (int64_t)(1000 *
				within(atof(words[5]), 1, CONF_OVER_MAX_S)),
			.placed = n >= 8,
			.lat = n >= 8 ? (float)within(atof(words[6]), -90, 90)
				      : 0,
			.lon = n >= 8 ? (float)within(atof(words[7]), -180, 180)
				      : 0}};
	snprintf(e->name, sizeof e->name, "%s", words[2]);
	if (r->fleet && !r->stale)
		feed_timetable(r);
	return true;
}

static bool on_time(struct replay *r, char **words, unsigned n)
{
	return n < 2 || advance(r, words[1]);
}

/* -- queries -- */

/* The grid of the map's cells: what lies in one cell has one path anyway, and
 * each new place means to build the map again. */
static float on_grid(float degrees)
{
	return (floorf(degrees * MAP_CELLS_PER_DEGREE) + .5f) /
		MAP_CELLS_PER_DEGREE;
}

static uint32_t place_of(struct replay *r, float lat, float lon)
{
	lat = on_grid(lat);
	lon = on_grid(lon);
	for (unsigned i = 0; i < r->n_places; i++)
		if (r->places[i].lat == lat && r->places[i].lon == lon)
			return i;
	r->places = mem_grow(r->places, (r->n_places + 1) * sizeof *r->places);
	r->places[r->n_places] = (struct replay_place){lat, lon, 0};
	r->stale = true;
	return r->n_places++;
}

static bool fill_query(
	struct replay *r, char **words, struct steer_query *q, unsigned *scope)
{
	struct map_match match;
	struct prefix net;
	bool ecs = strcmp(words[4], "-") != 0;

	if (!map_match(r->map, words[3], &match) ||
		!prefix_parse(&net, ecs ? words[4] : words[5], false))
		return false;
	unsigned most = net.addr.family == 4 ? SCOPE_V4 : SCOPE_V6;
	*scope = ecs ? most : 0;
	*q = (struct steer_query){.name = match.name,
		.line = match.line,
		.type = STEER_A,
		.stream = map_stream_hash(
			match.stream, (unsigned)strlen(match.stream))};
	addr_parse(&q->asker, words[5]);
	uint32_t place =
		place_of(r, (float)atof(words[6]), (float)atof(words[7]));
	if (!ready(r))
		return false;
	steer_client(q, &net.addr, net.len,
		(struct geo_leaf){r->places[place].index, (uint8_t)most});
	return true;
}

static void count_answer(struct replay *r, const struct steer_query *q,
	const struct steer_decision *d)
{
	const struct load_node *load = &r->load->node[d->node[0]];
	r->queries++;
	r->full += load->used >= 1;
	r->again += d->again;
	r->line_queries += q->line > 1;
	r->path_sum +=
		map_path_ms(r->map, &r->map->pools[r->map->names[q->name].pool],
			geo_place(r->geo, q->place), d->node[0]);
}

static bool on_query(struct replay *r, char **words, unsigned n)
{
	struct steer_query q;
	struct steer_decision d;
	unsigned scope = 0;

	if (n < 8 || !advance(r, words[1]) || !ready(r))
		return n < 8;
	if (!living(r) || !fill_query(r, words, &q, &scope)) {
		printf("answer %s - ttl=0 scope=0\n", words[2]);
		return true;
	}
	uint64_t deal = r->deal_by_id ? strtoull(words[2], NULL, 10)
				      : hash_bytes(q.asker.bytes, 16, r->seed);
	struct accounts *a = r->accounts[deal % r->workers];
	struct steer_state state = {r->map, r->load, r->geo};
	steer_answer(&state, a, &q, r->now_ms, &d);
	printf("answer %s ", words[2]);
	for (unsigned i = 0; i < d.n; i++)
		printf("%s%s", i ? "," : "", name_of_index(r, d.node[i]));
	printf(" ttl=%u scope=%u\n", d.ttl_s, scope);
	count_answer(r, &q, &d);
	return true;
}

static bool on_sync(struct replay *r, char **words, unsigned n)
{
	printf("synced %s\n", n > 1 ? words[1] : "0");
	fflush(stdout);
	return true;
}

static const struct {
	const char *word;
	bool (*run)(struct replay *r, char **words, unsigned n);
} verbs[] = {{"hello", on_hello}, {"node", on_node}, {"state", on_state},
	{"load", on_load}, {"loadfail", on_loadfail}, {"time", on_time},
	{"query", on_query}, {"sync", on_sync}, {"expect", on_expect}};

static bool run_line(struct replay *r, char *line)
{
	char *words[WORDS_MAX], *save;
	unsigned n = 0;
	for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	for (size_t i = 0; n && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(verbs[i].word, words[0]))
			return verbs[i].run(r, words, n);
	return true; /* what we don't know is none of our business */
}

/* -- the command -- */

/* The steer block of a configuration, written as YAML again. Its pools are
 * roles or nodes of that file; in replay all nodes are edges. */
static bool take_steer(struct replay *r, const char *path)
{
	struct err err = {0};
	struct conf *conf = conf_load(path, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		err_fini(&err);
		return false;
	}
	buf_printf(&r->steer, "steer:\n");
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *s = &conf->steer[i];
		buf_printf(&r->steer,
			"  %s: {pool: [edge], policy: %s, lines: %d, ttl: [%.0f, %.0f], answers: %d, carrier_ms: %g, streams: %s}\n",
			s->name, conf_policies[s->policy], s->lines, s->ttl[0],
			s->ttl[1], s->answers, s->carrier_ms,
			s->streams ? "true" : "false");
	}
	conf_free(conf);
	err_fini(&err);
	return true;
}

static bool options(struct replay *r, int argc, char **argv, int *status)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
		{"config", required_argument, NULL, 'c'},
		{"workers", required_argument, NULL, 'w'},
		{"deal", required_argument, NULL, 'd'},
		{"stats", no_argument, NULL, 's'}, {0}};
	int opt;
	bool bad = false;

	*status = 2;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c') {
			r->conf_path = optarg;
		} else if (opt == 'w') {
			r->workers = (unsigned)atoi(optarg);
		} else if (opt == 'd') {
			r->deal_by_id = !strcmp(optarg, "id");
			bad |= !r->deal_by_id && strcmp(optarg, "resolver");
		} else if (opt == 's') {
			r->stats = true;
		} else {
			*status = opt == 'h' ? 0 : 2;
			fprintf(opt == 'h' ? stdout : stderr,
				"usage: dnsd %s\n%s", usage,
				opt == 'h' ? help : "");
			return false;
		}
	}
	if (!bad && r->workers >= 1 && r->workers <= WORKERS_MAX &&
		optind == argc)
		return true;
	fprintf(stderr, "usage: dnsd %s\n", usage);
	return false;
}

static void print_stats(const struct replay *r)
{
	double n = r->queries ? (double)r->queries : 1;
	fprintf(stderr,
		"queries %llu, for lines %llu, to full nodes %.4f %%, kept %.4f, mean path %.2f ms\n",
		(unsigned long long)r->queries,
		(unsigned long long)r->line_queries, 100 * (double)r->full / n,
		(double)r->again / n, r->path_sum / n);
}

int cli_replay(int argc, char **argv)
{
	struct replay r = {.workers = 1,
		.stale = true,
		.now_ms = EPOCH_MS,
		.tick_ms = EPOCH_MS,
		.poll_ms = 3000,
		.servers = 1};
	char *line = NULL;
	size_t room = 0;
	int status;

	if (!options(&r, argc, argv, &status))
		return status;
	if (r.conf_path && !take_steer(&r, r.conf_path))
		return 1;
	open_accounts(&r); /* for who does not say hello */
	bool ok = true;
	while (ok && getline(&line, &room, stdin) > 0 &&
		strncmp(line, "end", 3))
		ok = run_line(&r, line);
	if (r.stats)
		print_stats(&r);
	free(line);
	for (unsigned i = 0; i < r.workers; i++)
		accounts_free(r.accounts[i]);
	memory_free(r.memory);
	load_free(r.load);
	fleet_free(r.fleet);
	map_free(r.map);
	geo_free(r.geo);
	buf_fini(&r.steer);
	free(r.nodes);
	free(r.places);
	free(r.expects);
	return ok ? 0 : 1;
}
