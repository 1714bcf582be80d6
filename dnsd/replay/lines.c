/* The lines of a replay: docs/replay.md. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "paths/paths.h"
#include "replay/world.h"

#define WORDS_MAX 24
#define CLIENTS TABLE_SIZE(1 << 18)
#define SCOPE_V4 24
#define SCOPE_V6 48

static const char *value_of(char **words, unsigned n, const char *key)
{
	size_t len = strlen(key);
	for (unsigned i = 0; i < n; i++)
		if (!strncmp(words[i], key, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

/* What begins with no number is 0; what is none that can be counted with is odd. */
static double line_number(struct replay *r, const char *text)
{
	double v = atof(text);
	if (isfinite(v))
		return v;
	r->odd = text;
	return 0;
}

static double number_of(struct replay *r, char **words, unsigned n,
	const char *key, double preset)
{
	const char *text = value_of(words, n, key);
	return text ? line_number(r, text) : preset;
}

/* A stamp of another clock, which may be before T 0. */
static int64_t stamp(struct replay *r, const char *text)
{
	double v = line_number(r, text);
	if (fabs(v) <= REPLAY_TIME_MAX)
		return atoll(text) + EPOCH_MS;
	r->odd = text;
	return 0;
}

/* v in its range; what is no number is the least. */
static double within(double v, double least, double most)
{
	return v >= least ? (v < most ? v : most) : least;
}

static unsigned count_of(struct replay *r, char **words, unsigned n,
	const char *key, unsigned preset)
{
	return (unsigned)within(number_of(r, words, n, key, preset), 1, 1e9);
}

void replay_open_accounts(struct replay *r)
{
	sent_table_free(r->sent);
	r->sent = sent_table_new(CLIENTS, r->seed);
	for (unsigned i = 0; i < r->options.workers; i++) {
		accounts_free(r->accounts[i]);
		r->accounts[i] =
			accounts_new(CLIENTS, r->sent, hash_mix(r->seed + i));
	}
}

static bool on_hello(struct replay *r, char **words, unsigned n)
{
	const char *ns = value_of(words, n, "ns");
	const char *slash = ns ? strchr(ns, '/') : NULL;
	const char *seed = value_of(words, n, "seed");

	r->servers = slash ? (unsigned)atoi(slash + 1) : 1;
	r->seed = seed ? strtoull(seed, NULL, 10) : 1;
	unsigned poll_ms = count_of(r, words, n, "poll_ms", 3000);
	r->rules = (struct health_rules){.interval_ms = poll_ms,
		.timeout_ms = count_of(r, words, n, "timeout_ms", poll_ms / 2),
		.fall = count_of(r, words, n, "fall", 2),
		.rise = count_of(r, words, n, "rise", 1)};
	r->session_s =
		within(number_of(r, words, n, "session", FORECAST_SESSION_S),
			60, 21600);
	replay_open_accounts(r);
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
static void describe(
	struct replay *r, struct replay_node *node, char **words, unsigned n)
{
	const char *site = value_of(words, n, "domain");
	const char *provider = value_of(words, n, "provider");
	const char *names = value_of(words, n, "for");
	uint64_t bytes = node->bytes;
	int64_t sampled_ms = node->sampled_ms;

	free(node->serves);
	*node = (struct replay_node){
		.lat = within(line_number(r, words[3]), -90, 90),
		.lon = within(line_number(r, words[4]), -180, 180),
		.placed = strcmp(words[3], "-") != 0,
		.capacity = within(
			number_of(r, words, n, "cap_conns", 1000), 1, 1e9),
		.bandwidth_bps = within(
			number_of(r, words, n, "cap_kbps", 0) * 1000, 0, 1e15),
		.overcommit =
			within(number_of(r, words, n, "overcommit", 0), 0, 4),
		.bias_ms = within(
			number_of(r, words, n, "bias", 0), -1000, 100000),
		.polled = number_of(r, words, n, "polled", 1) != 0,
		.probed = number_of(r, words, n, "probed", 0) != 0,
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
	if (n < 5 || !replay_advance(r, words[1]))
		return n < 5;
	struct replay_node *node = node_named(r, words[2]);
	if (!node) {
		r->nodes =
			mem_grow(r->nodes, (r->n_nodes + 1) * sizeof *r->nodes);
		node = &r->nodes[r->n_nodes++];
		*node = (struct replay_node){.removed = false};
	}
	describe(r, node, words, n);
	r->stale = true;
	return true;
}

static int index_of(struct replay *r, const char *name)
{
	const struct replay_node *node = node_named(r, name);
	if (!node || node->removed || !replay_ready(r))
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
	if (n < 4 || !replay_advance(r, words[1]))
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
	if (n < 7 || !replay_advance(r, words[1]))
		return n < 7;
	int index = index_of(r, words[2]);
	struct replay_node *node = node_named(r, words[2]);
	if (index < 0 || !node)
		return true;
	int64_t sampled = stamp(r, words[3]);
	double kbps = within(line_number(r, words[5]), 0, 1e12);
	if (node->sampled_ms && sampled > node->sampled_ms)
		node->bytes += (uint64_t)(kbps *
			(double)(sampled - node->sampled_ms) / 8);
	node->sampled_ms = sampled;
	struct sample s = {.sampled_ms = sampled,
		.node_ms = r->now_ms,
		.connections = (uint32_t)within(
			line_number(r, words[4]), 0, UINT32_MAX),
		.send_bytes = node->bytes,
		.cpu = (float)line_number(r, words[6]) / 100,
		.uptime_s = -1,
		.identity = 1};
	fleet_sample(r->fleet, (unsigned)index, &s, r->now_ms);
	if (r->stats)
		stats_load(r->stats, (unsigned)(node - r->nodes),
			(double)fleet_utilisation(r->fleet, (unsigned)index),
			r->now_ms - EPOCH_MS);
	replay_publish(r, r->now_ms);
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
	if (n < 4 || !replay_advance(r, words[1]))
		return n < 4;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	fleet_failed(
		r->fleet, (unsigned)node, failure_named(words[3]), r->now_ms);
	replay_publish(r, r->now_ms);
	return true;
}

static enum health_probe probe_named(const char *word)
{
	static const struct {
		const char *name;
		enum health_probe probe;
	} probes[] = {{"flv", HEALTH_FLV}, {"stream", HEALTH_STREAM},
		{"srt", HEALTH_SRT}, {"whep", HEALTH_WHEP}};
	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
		if (!strcmp(word, probes[i].name))
			return probes[i].probe;
	return HEALTH_RTMP;
}

static enum health_probed probed_named(const char *word)
{
	if (!strcmp(word, "unreached"))
		return HEALTH_UNREACHED;
	return strcmp(word, "ok") ? HEALTH_FAILED : HEALTH_ANSWERED;
}

static bool on_probe(struct replay *r, char **words, unsigned n)
{
	if (n < 5 || !replay_advance(r, words[1]))
		return n < 5;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	fleet_probed(r->fleet, (unsigned)node, probe_named(words[3]),
		probed_named(words[4]), r->now_ms);
	replay_publish(r, r->now_ms);
	return true;
}

/* What other name servers believe of a node. */
static bool on_heard(struct replay *r, char **words, unsigned n)
{
	if (n < 3 || !replay_advance(r, words[1]))
		return n < 3;
	int node = index_of(r, words[2]);
	if (node < 0)
		return true;
	double any = within(number_of(r, words, n, "any", 0), 0, 1000);
	double up = within(number_of(r, words, n, "up", 0), 0, any);
	double good = number_of(r, words, n, "good", -1);
	struct fleet_others others = {.any = (uint16_t)any,
		.up = (uint16_t)up,
		.down = (uint16_t)within(
			number_of(r, words, n, "down", 0), 0, any - up)};
	if (good >= 0 && good < (double)r->now_ms)
		others.good_ms = r->now_ms - (int64_t)good;
	fleet_heard(r->fleet, (unsigned)node, &others, r->now_ms);
	return true;
}

static bool on_expect(struct replay *r, char **words, unsigned n)
{
	if (n < 6 || !replay_advance(r, words[1]))
		return n < 6;
	r->expects =
		mem_grow(r->expects, (r->n_expects + 1) * sizeof *r->expects);
	struct replay_expect *e = &r->expects[r->n_expects++];
	*e = (struct replay_expect){
		.entry = {.at_ms = stamp(r, words[3]),
			.viewers = (float)within(
				line_number(r, words[4]), 0, CONF_VIEWERS_MAX),
			.over_ms = (int64_t)(1000 *
				within(line_number(r, words[5]), 1,
					CONF_OVER_MAX_S)),
			.placed = n >= 8,
			.lat = n >= 8 ? (float)within(line_number(r, words[6]),
						-90, 90)
				      : 0,
			.lon = n >= 8 ? (float)within(line_number(r, words[7]),
						-180, 180)
				      : 0}};
	snprintf(e->name, sizeof e->name, "%s", words[2]);
	if (r->fleet && !r->stale)
		replay_feed_schedule(r);
	return true;
}

static bool on_time(struct replay *r, char **words, unsigned n)
{
	return n < 2 || replay_advance(r, words[1]);
}

/* -- queries -- */

static unsigned place_of(struct replay *r, char **words, unsigned n)
{
	for (unsigned i = 6; i < 8; i++)
		line_number(r, words[i]);
	return places_find(r->places, words[6], words[7],
		(uint32_t)within(
			number_of(r, words, n, "asn", 0), 0, UINT32_MAX));
}

static enum path_witness witness_named(const char *word)
{
	if (word && !strcmp(word, "player"))
		return PATH_BY_PLAYER;
	return word && !strcmp(word, "bits") ? PATH_BY_BITS : PATH_BY_NODE;
}

/* Without rtt: -1. */
static float path_rtt(struct replay *r, char **words, unsigned n)
{
	const char *text = value_of(words, n, "rtt");
	return text ? (float)within(line_number(r, text), 0, PATH_RTT_MOST_MS)
		    : -1;
}

static bool on_path(struct replay *r, char **words, unsigned n)
{
	if (n < 4)
		return true;
	if (!replay_advance(r, words[1]) || !replay_ready(r))
		return false;
	int node = index_of(r, words[3]);
	const char *lat = value_of(words, n, "lat");
	const char *lon = value_of(words, n, "lon");
	const char *loss = value_of(words, n, "loss");
	struct prefix net;
	if (node < 0 || !lat || !lon || !prefix_parse(&net, words[2], false))
		return true;
	struct place place = {
		.lat = (float)within(line_number(r, lat), -90, 90),
		.lon = (float)within(line_number(r, lon), -180, 180),
		.asn = (uint32_t)within(
			number_of(r, words, n, "asn", 0), 0, UINT32_MAX),
		.source = PLACE_NETS};
	struct path_report report = {.net = path_net(&net.addr),
		.place = place,
		.node = (unsigned)node,
		.rtt_ms = path_rtt(r, words, n),
		.loss = loss ? (float)within(line_number(r, loss), 0, 1) : -1,
		.viewers = (unsigned)within(
			number_of(r, words, n, "n", 1), 0, 1e9),
		.by = witness_named(value_of(words, n, "by"))};
	if (report.rtt_ms > 0 || (report.rtt_ms < 0 && report.loss >= 0))
		paths_report(r->paths, &report, r->now_ms);
	return true;
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
	const char *sent = value_of(words, n, "net");
	const char *client = ecs ? words[4] : sent ? sent : words[5];

	if (!map_match(r->map, words[3], &match) ||
		!prefix_parse(&net, client, false))
		return false;
	unsigned most = net.addr.family == 4 ? SCOPE_V4 : SCOPE_V6;
	*scope = ecs ? most : 0;
	/* A resolver's place is its address's: neighbours have others. */
	if (!ecs && !sent)
		most = 128;
	*q = (struct steer_query){.name = match.name,
		.line = match.line,
		.type = type_named(value_of(words, n, "type")),
		.trusted = number_of(r, words, n, "trusted", 0) != 0,
		.proven = number_of(r, words, n, "proven", 0) != 0,
		.stream = map_stream_hash(
			match.stream, (unsigned)strlen(match.stream))};
	addr_parse(&q->asker, words[5]);
	unsigned place = place_of(r, words, n);
	if (!replay_ready(r))
		return false;
	steer_client(q, &net.addr, net.len,
		(struct geo_leaf){
			places_index(r->places, place), (uint8_t)most});
	return true;
}

/* For the summary: the first node of a recorded answer. */
static void count_answer(struct replay *r, enum stats_side side,
	const struct replay_asked *asked, const struct replay_node *node,
	uint32_t ttl_s)
{
	int index = node ? map_find_node(r->map, node->label) : -1;
	if (index < 0 || asked->name >= r->map->n_names)
		return;
	const struct map_pool *pool =
		&r->measured->pools[r->map->names[asked->name].pool];
	uint32_t place = places_index(r->places, asked->place);
	struct stats_answer a = {.net = asked->net,
		.line = asked->line,
		.node = (unsigned)(node - r->nodes),
		.site = hash_bytes(node->site, strlen(node->site), 5),
		.at_ms = asked->at_ms,
		.ttl_s = ttl_s,
		.full = r->load->node[index].used >= 1,
		.path_ms = (double)map_path_ms(r->measured, pool,
			geo_place(r->geo, place), (unsigned)index)};
	replay_judge_path(r, pool, place, (unsigned)index, &a);
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
	if (!replay_ready(r))
		return false;
	words[2][strcspn(words[2], ",")] = '\0';
	count_answer(r, STATS_RECORDED, asked, node_named(r, words[2]),
		(uint32_t)number_of(r, words, n, "ttl", 0));
	asked->at_ms = 0;
	return true;
}

static bool on_query(struct replay *r, char **words, unsigned n)
{
	struct steer_query q;
	struct steer_decision d;
	unsigned scope = 0;

	if (n < 8 || !replay_advance(r, words[1]) || !replay_ready(r))
		return n < 8;
	if (!replay_living(r) || !fill_query(r, words, n, &q, &scope)) {
		printf("answer %s - ttl=0 scope=0\n", words[2]);
		return true;
	}
	uint64_t deal = r->options.deal_by_id
		? strtoull(words[2], NULL, 10)
		: hash_bytes(q.asker.bytes, 16, r->seed);
	struct accounts *a = r->accounts[deal % r->options.workers];
	struct steer_state state = {r->measured, r->load, r->geo};
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
	{"probe", on_probe}, {"heard", on_heard}, {"query", on_query},
	{"answer", on_answer}, {"sync", on_sync}, {"expect", on_expect},
	{"path", on_path}};

static unsigned split(char *line, char **words)
{
	unsigned n = 0;
	char *save;
	for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	return n;
}

bool replay_line(struct replay *r, char *line)
{
	char *words[WORDS_MAX];
	unsigned n = split(line, words);
	r->line++;
	for (size_t i = 0; n && i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].word, words[0]))
			continue;
		r->odd = NULL;
		bool ok = verbs[i].run(r, words, n);
		if (r->odd)
			fprintf(stderr,
				"line %llu: %s: no number to count with, or a time that goes back: %.40s\n",
				(unsigned long long)r->line, words[0], r->odd);
		return ok && !r->odd;
	}
	return true; /* what we don't know is none of our business */
}

/* All places of a file in advance, for building the map anew for each takes
 * long; a pipe must do without. */
void replay_look_ahead(struct replay *r, char **line, size_t *room)
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
