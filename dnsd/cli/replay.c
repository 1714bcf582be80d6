/* replay: the decision core in virtual time, lines in and lines out. No clock,
 * no network; the same fleet, merge of accounts, decision and map as in the
 * server. The form of the lines is in docs/replay.md. */
#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "cli/replay_places.h"
#include "cli/replay_stats.h"
#include "control/build.h"
#include "steer/decide.h"
#include "steer/fleet.h"

static const char usage[] =
	"replay [-c FILE] [--workers N] [--deal resolver|id] [--stats]";
static const char help[] =
	"Reads events (hello, node, state, expect, load, loadfail, probe, time,\n"
	"query, answer, sync, end) on stdin and writes the answers on stdout, in virtual\n"
	"time.\n"
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
#define ASKED 4096 /* queries that an answer line may still be about */

struct replay_node {
	char name[64]; /* as the lines say; any text without a space */
	/* the same as the configuration allows */
	char label[64], site[24], provider[24];
	double lat, lon, capacity, bandwidth_bps, overcommit, bias_ms;
	char asn[160];
	char *serves; /* ",NAME,NAME,"; NULL: all names; owned */
	bool placed, polled, probed;
	bool removed;
	/* for the byte counter that a sample has */
	uint64_t bytes;
	int64_t sampled_ms;
};

/* A steered name and its options as YAML, but for the pool. */
struct replay_name {
	char *name, *options;
};

/* A query, until its recorded answer comes. */
struct replay_asked {
	uint64_t id, net;
	uint32_t name, place;
	unsigned line;
	int64_t at_ms;
};

struct replay_expect {
	char name[256];
	struct expect entry;
};

#define DOUBTED_MAX 1024
struct replay {
	uint64_t doubted[DOUBTED_MAX];
	const char *conf_path;
	struct replay_name *names;
	unsigned n_names;
	unsigned workers;
	bool deal_by_id;
	struct replay_stats *stats; /* NULL: not asked for */

	struct replay_node *nodes;
	unsigned n_nodes;
	struct replay_places *places;
	unsigned n_built; /* places that the map knows */
	bool stale;       /* nodes changed: rebuild before the next use */
	struct replay_expect *expects; /* the timetable */
	unsigned n_expects;

	struct conf *conf; /* made of names and nodes */
	struct geo *geo;
	struct map *map;
	struct fleet *fleet;
	struct load *load;
	struct accounts *accounts[WORKERS_MAX];
	struct memory *memory; /* shared by them, as in the server */
	struct health_rules rules;
	unsigned servers;
	uint64_t seed;
	double session_s;
	int64_t now_ms, tick_ms;
	struct replay_asked asked[ASKED]; /* by id; for stats */
};

/* -- the world, compiled as in the server -- */

static unsigned living(const struct replay *r)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_nodes; i++)
		n += !r->nodes[i].removed;
	return n;
}

/* Addresses are never answered here: all nodes have the same. */
static void write_node(const struct replay_node *n, struct buf *out)
{
	buf_printf(out,
		"  %s: {role: edge, address: [192.0.2.1], site: %s, capacity: %.0f, bandwidth: %.0f, bias: %.3f",
		n->label, n->site, n->capacity, n->bandwidth_bps, n->bias_ms);
	if (n->overcommit >= 1)
		buf_printf(out, ", overcommit: %.3f", n->overcommit);
	if (n->placed)
		buf_printf(out, ", at: [%.4f, %.4f]", n->lat, n->lon);
	if (*n->provider)
		buf_printf(out, ", provider: %s", n->provider);
	if (*n->asn)
		buf_printf(out, ", asn: [%s]", n->asn);
	buf_printf(out, "}\n");
}

static bool serves(const struct replay_node *node, const char *name)
{
	size_t n = strlen(name);
	if (!node->serves)
		return true;
	for (const char *at = node->serves; (at = strstr(at, name)); at++)
		if (at[-1] == ',' && at[n] == ',')
			return true;
	return false;
}

/* The nodes that are said to serve the name, all if none is. */
static void write_pool(
	const struct replay *r, const char *name, struct buf *out)
{
	unsigned all = 0, some = 0;
	struct buf list = {0};

	for (unsigned i = 0; i < r->n_nodes; i++) {
		const struct replay_node *n = &r->nodes[i];
		if (n->removed)
			continue;
		all++;
		if (serves(n, name))
			buf_printf(&list, "%s%s", some++ ? ", " : "", n->label);
	}
	buf_printf(out, "[%s]", some && some < all ? list.text : "edge");
	buf_fini(&list);
}

/* Each name is a zone of its own. */
static void write_conf(const struct replay *r, struct buf *out)
{
	buf_printf(out, "session: %.3f\nzones:\n", r->session_s);
	for (unsigned i = 0; i < r->n_names; i++)
		buf_printf(out, "  %s: {ns: [\"ns.example.net\"]}\n",
			r->names[i].name);
	buf_printf(out, "nodes:\n");
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!r->nodes[i].removed)
			write_node(&r->nodes[i], out);
	buf_printf(out, "steer:\n");
	for (unsigned i = 0; i < r->n_names && living(r); i++) {
		buf_printf(out, "  %s: {pool: ", r->names[i].name);
		write_pool(r, r->names[i].name, out);
		buf_printf(out, ", %s}\n", r->names[i].options);
	}
}

/* Nodes stand in the configuration in their order here. */
static void watch(struct replay *r)
{
	unsigned at = 0;
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!r->nodes[i].removed)
			fleet_watch(r->fleet, r->map->of_conf[at++],
				r->nodes[i].polled, r->nodes[i].probed);
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

static bool read_conf(struct replay *r)
{
	struct buf text = {0};
	struct err err = {0};

	write_conf(r, &text);
	conf_free(r->conf);
	r->conf = conf_parse("replay", text.text, text.len, &err);
	buf_fini(&text);
	if (!r->conf)
		fprintf(stderr, "%s\n", err_text(&err));
	err_fini(&err);
	return r->conf != NULL;
}

/* A place more changes the map only: the load stays what was published, so
 * that it does not matter when places were found. */
static bool rebuild(struct replay *r)
{
	struct map *old = r->map;
	struct fleet_rules rules = {r->rules, 0};

	if (r->stale && !read_conf(r))
		return false;
	geo_free(r->geo);
	r->geo = places_build(r->places);
	r->n_built = places_count(r->places);
	r->map = map_build(r->conf, r->geo, r->servers, old);
	if (!r->fleet)
		r->fleet = fleet_new(&rules, r->now_ms);
	fleet_set_map(r->fleet, r->map, &rules, r->now_ms);
	feed_timetable(r);
	map_free(old);
	if (!r->stale)
		return true;
	watch(r);
	load_free(r->load);
	r->load = fleet_load(r->fleet, r->now_ms);
	r->stale = false;
	return true;
}

static bool ready(struct replay *r)
{
	bool current = !r->stale && r->n_built == places_count(r->places);
	return current || rebuild(r);
}

/* -- time -- */

static void publish(struct replay *r, int64_t now_ms)
{
	for (unsigned i = 0; i < r->workers; i++)
		fleet_merge(r->fleet, i, r->accounts[i], now_ms);
	load_free(r->load);
	r->load = fleet_load(r->fleet, now_ms);
	for (unsigned i = 0; i < r->map->n_nodes; i++) {
		uint64_t found = fleet_doubted(r->fleet, i);
		if (i < DOUBTED_MAX && found != r->doubted[i]) {
			r->doubted[i] = found;
			printf("note doubted %s\n", r->map->nodes[i].name);
		}
	}
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

/* v in its range; what is no number is the least. */
static double within(double v, double least, double most)
{
	return v >= least ? (v < most ? v : most) : least;
}

static unsigned count_of(
	char **words, unsigned n, const char *key, unsigned preset)
{
	return (unsigned)within(number_of(words, n, key, preset), 1, 1e9);
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
	unsigned poll_ms = count_of(words, n, "poll_ms", 3000);
	r->rules = (struct health_rules){.interval_ms = poll_ms,
		.timeout_ms = count_of(words, n, "timeout_ms", poll_ms / 2),
		.fall = count_of(words, n, "fall", 2),
		.rise = count_of(words, n, "rise", 1)};
	r->session_s = within(
		number_of(words, n, "session", FORECAST_SESSION_S), 60, 21600);
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

static bool is_label(const char *name)
{
	return isalnum((unsigned char)*name) &&
		!name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")];
}

/* AS numbers as a list, "" if it is none. */
static void copy_numbers(char *out, size_t room, const char *text)
{
	*out = '\0';
	if (text && isdigit((unsigned char)*text) &&
		text[strspn(text, "0123456789,")] == '\0' &&
		!strstr(text, ",,") && strlen(text) < room)
		strcpy(out, text);
}

/* What its line says of a node; what it counted goes on. */
static void describe(struct replay_node *node, char **words, unsigned n)
{
	const char *site = value_of(words, n, "domain");
	const char *provider = value_of(words, n, "provider");
	const char *names = value_of(words, n, "for");
	uint64_t bytes = node->bytes;
	int64_t sampled_ms = node->sampled_ms;

	free(node->serves);
	*node = (struct replay_node){.lat = within(atof(words[3]), -90, 90),
		.lon = within(atof(words[4]), -180, 180),
		.placed = strcmp(words[3], "-") != 0,
		.capacity =
			within(number_of(words, n, "cap_conns", 1000), 1, 1e9),
		.bandwidth_bps = within(
			number_of(words, n, "cap_kbps", 0) * 1000, 0, 1e15),
		.overcommit =
			within(number_of(words, n, "overcommit", 0), 0, 4),
		.bias_ms =
			within(number_of(words, n, "bias", 0), -1000, 100000),
		.polled = number_of(words, n, "polled", 1) != 0,
		.probed = number_of(words, n, "probed", 0) != 0,
		.bytes = bytes,
		.sampled_ms = sampled_ms};
	snprintf(node->name, sizeof node->name, "%s", words[2]);
	/* Its own where it can be: the order of nodes is a hash of the label,
	 * and the server's was of this one. */
	if (is_label(node->name))
		memcpy(node->label, node->name, sizeof node->label);
	else
		make_label(node->label, sizeof node->label, words[2]);
	make_label(node->site, sizeof node->site, site ? site : words[2]);
	if (provider)
		make_label(node->provider, sizeof node->provider, provider);
	copy_numbers(node->asn, sizeof node->asn, value_of(words, n, "asn"));
	if (names) {
		struct buf list = {0};
		buf_printf(&list, ",%s,", names);
		node->serves = list.text;
	}
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
		*node = (struct replay_node){.removed = false};
	}
	describe(node, words, n);
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
	if (r->stats)
		stats_load(r->stats, (unsigned)(node - r->nodes),
			(double)fleet_utilisation(r->fleet, (unsigned)index),
			r->now_ms - EPOCH_MS);
	publish(r, r->now_ms);
	return true;
}

static enum sample_failure failure_named(const char *word)
{
	if (!strcmp(word, "refused"))
		return SAMPLE_REFUSED;
	if (!strcmp(word, "unreadable"))
		return SAMPLE_UNREADABLE;
	if (!strcmp(word, "untrusted"))
		return SAMPLE_UNTRUSTED;
	return strcmp(word, "denied") ? SAMPLE_TIMEOUT : SAMPLE_DENIED;
}

static bool on_loadfail(struct replay *r, char **words, unsigned n)
{
	if (n < 4 || !advance(r, words[1]))
		return n < 4;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	fleet_failed(
		r->fleet, (unsigned)node, failure_named(words[3]), r->now_ms);
	publish(r, r->now_ms);
	return true;
}

static bool on_probe(struct replay *r, char **words, unsigned n)
{
	if (n < 5 || !advance(r, words[1]))
		return n < 5;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	fleet_probed(r->fleet, (unsigned)node,
		strcmp(words[3], "flv") ? HEALTH_RTMP : HEALTH_FLV,
		!strcmp(words[4], "ok"), r->now_ms);
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

static unsigned place_of(struct replay *r, char **words, unsigned n)
{
	return places_find(r->places, words[6], words[7],
		(uint32_t)within(number_of(words, n, "asn", 0), 0, UINT32_MAX));
}

static enum steer_type type_named(const char *word)
{
	if (word && !strcmp(word, "AAAA"))
		return STEER_AAAA;
	return word && !strcmp(word, "HTTPS") ? STEER_HTTPS : STEER_A;
}

static bool fill_query(struct replay *r, char **words, unsigned n,
	struct steer_query *q, unsigned *scope)
{
	struct map_match match;
	struct prefix net;
	bool ecs = strcmp(words[4], "-") != 0;
	const char *told = value_of(words, n, "net");
	const char *client = ecs ? words[4] : told ? told : words[5];

	if (!map_match(r->map, words[3], &match) ||
		!prefix_parse(&net, client, false))
		return false;
	unsigned most = net.addr.family == 4 ? SCOPE_V4 : SCOPE_V6;
	*scope = ecs ? most : 0;
	*q = (struct steer_query){.name = match.name,
		.line = match.line,
		.type = type_named(value_of(words, n, "type")),
		.trusted = number_of(words, n, "trusted", 0) != 0,
		.stream = map_stream_hash(
			match.stream, (unsigned)strlen(match.stream))};
	addr_parse(&q->asker, words[5]);
	unsigned place = place_of(r, words, n);
	if (!ready(r))
		return false;
	steer_client(q, &net.addr, net.len,
		(struct geo_leaf){
			places_index(r->places, place), (uint8_t)most});
	return true;
}

/* For the summary: the first node of an answer that somebody gave. */
static void count_answer(struct replay *r, enum stats_side side,
	const struct replay_asked *asked, const struct replay_node *node,
	uint32_t ttl_s)
{
	int index = node ? map_find_node(r->map, node->label) : -1;
	if (index < 0 || asked->name >= r->map->n_names)
		return;
	const struct map_pool *pool =
		&r->map->pools[r->map->names[asked->name].pool];
	struct stats_answer a = {.net = asked->net,
		.line = asked->line,
		.node = (unsigned)(node - r->nodes),
		.site = hash_bytes(node->site, strlen(node->site), 5),
		.at_ms = asked->at_ms,
		.ttl_s = ttl_s,
		.full = r->load->node[index].used >= 1,
		.path_ms = (double)map_path_ms(r->map, pool,
			geo_place(
				r->geo, places_index(r->places, asked->place)),
			(unsigned)index)};
	stats_answer(r->stats, side, &a);
}

static void count_replayed(struct replay *r, char **words, unsigned n,
	const struct steer_query *q, const struct steer_decision *d)
{
	uint64_t id = strtoull(words[2], NULL, 10);
	struct replay_asked *asked = &r->asked[id % ASKED];

	*asked = (struct replay_asked){.id = id,
		.net = steer_key(r->map, q),
		.name = q->name,
		.place = place_of(r, words, n),
		.line = q->line,
		.at_ms = r->now_ms};
	count_answer(r, STATS_REPLAYED, asked,
		node_named(r, name_of_index(r, d->node[0])), d->ttl_s);
}

/* What was answered when this was recorded. */
static bool on_answer(struct replay *r, char **words, unsigned n)
{
	if (n < 3 || !r->stats)
		return true;
	uint64_t id = strtoull(words[1], NULL, 10);
	struct replay_asked *asked = &r->asked[id % ASKED];
	if (!asked->at_ms || asked->id != id)
		return true;
	if (!ready(r))
		return false;
	words[2][strcspn(words[2], ",")] = '\0';
	count_answer(r, STATS_RECORDED, asked, node_named(r, words[2]),
		(uint32_t)number_of(words, n, "ttl", 0));
	asked->at_ms = 0;
	return true;
}

static bool on_query(struct replay *r, char **words, unsigned n)
{
	struct steer_query q;
	struct steer_decision d;
	unsigned scope = 0;

	if (n < 8 || !advance(r, words[1]) || !ready(r))
		return n < 8;
	if (!living(r) || !fill_query(r, words, n, &q, &scope)) {
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
	if (r->stats)
		count_replayed(r, words, n, &q, &d);
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
	{"probe", on_probe}, {"query", on_query}, {"answer", on_answer},
	{"sync", on_sync}, {"expect", on_expect}};

static unsigned split(char *line, char **words)
{
	unsigned n = 0;
	char *save;
	for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	return n;
}

static bool run_line(struct replay *r, char *line)
{
	char *words[WORDS_MAX];
	unsigned n = split(line, words);
	for (size_t i = 0; n && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(verbs[i].word, words[0]))
			return verbs[i].run(r, words, n);
	return true; /* what we don't know is none of our business */
}

/* All places of a file in advance, for building the map anew for each takes
 * long; a pipe must do without. */
static void look_ahead(struct replay *r, char **line, size_t *room)
{
	char *words[WORDS_MAX];
	off_t from = ftello(stdin);

	if (from < 0 || fseeko(stdin, from, SEEK_SET))
		return;
	while (getline(line, room, stdin) > 0 && strncmp(*line, "end", 3)) {
		unsigned n =
			strncmp(*line, "query ", 6) ? 0 : split(*line, words);
		if (n >= 8)
			place_of(r, words, n);
	}
	fseeko(stdin, from, SEEK_SET);
}

/* -- the command -- */

static void add_name(struct replay *r, const char *name, struct buf *options)
{
	r->names = mem_grow(r->names, (r->n_names + 1) * sizeof *r->names);
	r->names[r->n_names++] =
		(struct replay_name){mem_strdup(name), options->text};
}

/* The steer block of a configuration, written as YAML again. Its pools are
 * roles or nodes of that file; here the recording tells them. */
static bool take_steer(struct replay *r, const char *path)
{
	struct err err = {0};
	struct conf *conf = conf_load(path, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		err_fini(&err);
		return false;
	}
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *s = &conf->steer[i];
		struct buf out = {0};
		buf_printf(&out,
			"policy: %s, lines: %d, ttl: [%.0f, %.0f], answers: %d, stay_ms: %g, carrier_ms: %g, streams: %s",
			conf_policies[s->policy], s->lines, s->ttl[0],
			s->ttl[1], s->answers, s->stay_ms, s->carrier_ms,
			s->streams ? "true" : "false");
		add_name(r, s->name, &out);
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
			stats_free(r->stats);
			r->stats = stats_new();
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

static void take_default(struct replay *r)
{
	struct buf options = {0};
	buf_printf(&options, "lines: 3, streams: true");
	add_name(r, "live.example.com", &options);
}

static const char *name_of_node(const void *arg, unsigned node)
{
	return ((const struct replay *)arg)->nodes[node].name;
}

static void finish(struct replay *r)
{
	for (unsigned i = 0; i < r->workers && i < WORKERS_MAX; i++)
		accounts_free(r->accounts[i]);
	for (unsigned i = 0; i < r->n_names; i++) {
		free(r->names[i].name);
		free(r->names[i].options);
	}
	for (unsigned i = 0; i < r->n_nodes; i++)
		free(r->nodes[i].serves);
	memory_free(r->memory);
	load_free(r->load);
	fleet_free(r->fleet);
	map_free(r->map);
	geo_free(r->geo);
	stats_free(r->stats);
	free(r->names);
	free(r->expects);
	free(r->nodes);
	places_free(r->places);
	conf_free(r->conf);
	free(r);
}

static bool run_lines(struct replay *r)
{
	char *line = NULL;
	size_t room = 0;
	bool ok = true;

	open_accounts(r); /* for who does not say hello */
	look_ahead(r, &line, &room);
	while (ok && getline(&line, &room, stdin) > 0 &&
		strncmp(line, "end", 3))
		ok = run_line(r, line);
	free(line);
	if (r->stats)
		stats_print(r->stats, stderr, name_of_node, r);
	return ok;
}

int cli_replay(int argc, char **argv)
{
	struct replay *r = mem_zero(1, sizeof *r);
	int status;

	*r = (struct replay){.workers = 1,
		.stale = true,
		.now_ms = EPOCH_MS,
		.tick_ms = EPOCH_MS,
		.rules = {3000, 1500, 2, 1},
		.servers = 1,
		.session_s = FORECAST_SESSION_S,
		.places = places_new()};
	if (options(r, argc, argv, &status)) {
		bool ok = !r->conf_path || take_steer(r, r->conf_path);
		if (!r->conf_path)
			take_default(r);
		status = ok && run_lines(r) ? 0 : 1;
	}
	finish(r);
	return status;
}
