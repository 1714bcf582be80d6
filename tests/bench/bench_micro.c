/* bench_micro.c - what the steps of an answer cost, and whole answers, in one
 * thread and without sockets: `make bench-micro`.
 *
 *	bench_micro                       nanoseconds of every part
 *	bench_micro PART                  of one, once: for callgrind, which counts
 *	                                  what is done inside of part_run()
 *	bench_micro cores                 whole answers in one thread and in two
 *	bench_micro [PART] --geoip FILE   places from a database instead
 *
 * The state is what the daemon would build of a configuration of 12 nodes on 12
 * sites and a zone of NAMES names, with loads as polls tell them. Questions are
 * packets made before; they go through in batches, as workers take them, and
 * 100 ms pass with each GENERATION of them. A part that is a step runs alone,
 * the steps before it are done outside of the clock.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer/answer.h"
#include "answer/asked.h"
#include "answer/lookup.h"
#include "answer/steered.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "control/build.h"
#include "dnstap/ring.h"
#include "fleet/fleet.h"
#include "ledger/rrl.h"
#include "net/tap.h"
#include "snapshot/snapshot.h"
#include "wire/rr.h"
#include "zones/zoneset.h"

#define NAMES 10000
#define NODES 12
#define NETS 20000 /* prefixes with a place, without a database */
#define QUESTIONS 65536
#define BATCH 32
#define GENERATION 16384 /* questions in a tenth of a second */
#define ROUNDS 7
#define PACKET_MAX 128

struct packet {
	uint8_t bytes[PACKET_MAX];
	uint16_t len;
	struct addr peer;
};

static struct world {
	struct built *built;
	struct fleet *fleet;
	struct load *load;
	struct sent_table *sent;
	struct answerer answerer;
	struct tap tap;
	struct snapshot snapshot;
	struct packet *packets;
	struct answer_job jobs[BATCH];
	uint8_t replies[BATCH][1280];
	unsigned long octets; /* of all replies: somebody reads them */
} w;

/* -- the state -- */

static const struct {
	float lat, lon;
} cities[NODES] = {{22.3f, 114.2f}, {35.7f, 139.7f}, {37.6f, 127.0f},
	{1.3f, 103.8f}, {51.5f, -0.1f}, {50.1f, 8.7f}, {48.9f, 2.3f},
	{40.7f, -74.0f}, {37.4f, -122.1f}, {-23.5f, -46.6f}, {-33.9f, 151.2f},
	{31.2f, 121.5f}};

static void write_file(const char *folder, const char *name, struct buf *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(text->text, 1, text->len, f) != text->len ||
		fclose(f)) {
		perror(path);
		exit(1);
	}
	buf_fini(text);
	*text = (struct buf){0};
}

/* Prefixes of some lengths all over the address space. */
static void write_nets(const char *folder)
{
	struct buf text = {0};
	struct rng rng = {5};
	for (unsigned i = 0; i < NETS; i++) {
		uint32_t at = i * 40503u << 16 | (rng_next(&rng) & 0xffff);
		unsigned len = 16 + at % 9; /* each of another /16 */
		at &= ~(UINT32_MAX >> len);
		buf_printf(&text, "%u.%u.%u.0/%u %.2f,%.2f\n", at >> 24,
			at >> 16 & 255, at >> 8 & 255, len,
			rng_unit(&rng) * 90 - 40, rng_unit(&rng) * 300 - 150);
	}
	write_file(folder, "nets", &text);
}

static void write_world(const char *folder, const char *geoip)
{
	struct buf text = {0};
	buf_printf(&text,
		"$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n"
		"ns1 A 127.0.0.1\nwww A 192.0.2.80\n");
	for (unsigned i = 0; i < NAMES; i++)
		buf_printf(&text, "h%u A 10.0.%u.%u\n", i, i >> 8, i & 255);
	write_file(folder, "zone", &text);
	if (!geoip)
		write_nets(folder);
	buf_printf(&text, "%s: %s%s%s\nzones: {example.com: {file: zone}}\n",
		geoip ? "geoip" : "nets", geoip ? "[" : "",
		geoip ? geoip : "nets", geoip ? "]" : "");
	buf_printf(&text,
		"steer: {live.example.com: {pool: [edge], lines: 3}}\nnodes:\n");
	for (unsigned i = 0; i < NODES; i++)
		buf_printf(&text,
			"  n%u: {address: [198.18.0.%u], at: [%.1f, %.1f], "
			"capacity: 5000}\n",
			i, i, (double)cities[i].lat, (double)cities[i].lon);
	write_file(folder, "dnsd.yaml", &text);
}

static void publish(void)
{
	struct load *old = w.load;
	int64_t now_ms = w.answerer.now_ms;
	fleet_merge(w.fleet, 0, w.answerer.accounts, now_ms);
	w.load = fleet_load(w.fleet, now_ms);
	w.load->ready = true;
	w.snapshot = (struct snapshot){.generation = w.snapshot.generation + 1,
		.zones = w.built->zoneset,
		.steer = {w.built->map, w.load, w.built->geo},
		.options = w.built->options};
	w.answerer.snap = &w.snapshot;
	load_free(old);
}

static void sample_all(void)
{
	struct rng rng = {3};
	int64_t now_ms = w.answerer.now_ms;
	for (unsigned i = 0; i < NODES; i++) {
		struct sample s = {.sampled_ms = now_ms,
			.node_ms = now_ms,
			.identity = 1,
			.uptime_s = 1000,
			.connections = (uint32_t)(rng_unit(&rng) * 3000)};
		fleet_sample(w.fleet, i, &s, now_ms);
	}
}

static void world_open(const char *geoip)
{
	struct fleet_rules rules = {.health = {5000, 2000, 2, 2}};
	char folder[] = "/tmp/bench_micro.XXXXXX", path[64];
	struct err err = {0};
	if (!mkdtemp(folder))
		abort();
	write_world(folder, geoip);
	snprintf(path, sizeof path, "%s/dnsd.yaml", folder);
	w.built = build_all(path, &(struct build_how){.from = GEO_FILES}, &err);
	if (!w.built) {
		fprintf(stderr, "%s\n", err_text(&err));
		exit(1);
	}
	unlink(path);
	unlink(strcat(strcpy(path, folder), "/zone"));
	unlink(strcat(strcpy(path, folder), "/nets"));
	rmdir(folder);
	w.answerer.asked = mem_zero(1, sizeof *w.answerer.asked);
	w.answerer.now_ms = 1000000;
	w.answerer.wall_s = 1700000000;
	w.fleet = fleet_new(&rules, w.answerer.now_ms);
	fleet_set_map(w.fleet, w.built->map, &rules, w.answerer.now_ms);
	for (unsigned i = 0; i < NODES; i++)
		fleet_watch(w.fleet, i, true, false);
	w.tap.ring = tap_ring_new();
	w.answerer.rrl = rrl_table_new(7);
	w.sent = sent_table_new(1 << 20, 7);
	w.answerer.accounts = accounts_new(1 << 18, w.sent, 7);
	for (unsigned i = 0; i < 3; i++, w.answerer.now_ms += 5000)
		sample_all();
	publish();
	for (unsigned i = 0; i < BATCH; i++) {
		w.jobs[i].reply = w.replies[i];
		w.jobs[i].reply_room = sizeof w.replies[i];
	}
}

static void world_close(void)
{
	load_free(w.load);
	fleet_free(w.fleet);
	accounts_free(w.answerer.accounts);
	sent_table_free(w.sent);
	tap_ring_free(w.tap.ring);
	rrl_table_free(w.answerer.rrl);
	build_free(w.built, NULL);
	free(w.answerer.asked);
	free(w.packets);
}

/* -- questions -- */

enum question { STATIC, STEERED, ECS, NXDOMAIN, NAME, MIX, LINE2 };

static unsigned put_name(uint8_t *out, const char *text)
{
	struct name name;
	if (!name_from_text(&name, text))
		abort();
	memcpy(out, name.bytes, name.len);
	return name.len;
}

/* OPT with a client subnet /24, or without. */
static unsigned put_opt(uint8_t *p, const uint8_t *net)
{
	const uint8_t opt[] = {0, 0, RR_OPT, 4, 208, 0, 0, 0, 0, 0,
		net ? 11 : 0, 0, 8, 0, 7, 0, 1, 24, 0};
	memcpy(p, opt, sizeof opt);
	if (!net)
		return EDNS_FIXED_LEN;
	memcpy(p + sizeof opt, net, 3);
	return sizeof opt + 3;
}

static void make_packet(struct packet *p, enum question what, uint64_t random)
{
	static const uint8_t header[HEADER_LEN] = {1, 2, 1, 0, 0, 1};
	uint8_t net[] = {(uint8_t)(1 + random % 223), (uint8_t)(random >> 16),
		(uint8_t)(random >> 24)};
	char name[64];
	bool steered = what == STEERED || what == ECS || what == LINE2;
	if (steered)
		strcpy(name,
			what == LINE2 ? "line2.live.example.com"
				      : "live.example.com");
	else if (what == STATIC)
		strcpy(name, "www.example.com");
	else
		snprintf(name, sizeof name, "%c%u.example.com",
			what == NAME ? 'h' : 'x',
			(unsigned)(random >> 32) % NAMES);
	memcpy(p->bytes, header, sizeof header);
	p->len = (uint16_t)(HEADER_LEN + put_name(p->bytes + HEADER_LEN, name));
	put16(p->bytes + p->len, RR_A);
	put16(p->bytes + p->len + 2, CLASS_IN);
	p->len = (uint16_t)(p->len + 4);
	if (what == ECS || what == LINE2 || what == NAME) {
		p->bytes[11] = 1;
		p->len = (uint16_t)(p->len +
			put_opt(p->bytes + p->len, what == NAME ? NULL : net));
	}
	p->peer = (struct addr){4, {127, 0, 0, 1}};
}

static struct packet *new_packets(enum question what, uint64_t seed)
{
	struct rng rng = {seed};
	struct packet *packets = mem_alloc(QUESTIONS * sizeof *packets);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint64_t random = rng_next(&rng);
		make_packet(&packets[i],
			what == MIX ? (enum question)(i % MIX) : what, random);
	}
	return packets;
}

static void make_packets(enum question what)
{
	free(w.packets);
	w.packets = new_packets(what, 11);
}

static void take_packet(struct answer_job *job, const struct packet *p)
{
	job->query = p->bytes;
	job->query_len = p->len;
	job->peer = p->peer;
}

/* -- parts -- */

/* A step: done for each question of a batch. */
typedef void step(unsigned i);

static void parse(unsigned i)
{
	struct answer_job *job = &w.jobs[i];
	query_read(&job->q, &job->own.name, job->query, job->query_len);
	w.octets += job->q.question_len;
}

static void zone(unsigned i)
{
	struct asked *asked = &w.jobs[i].own;
	asked->zone = zoneset_find(w.snapshot.zones, &asked->name);
	asked->hash = zone_hash(asked->zone, &asked->name);
	asked->found = false;
	asked_find(asked);
	w.octets += asked->match.labels;
}

static void place(unsigned i)
{
	struct answer_job *job = &w.jobs[i];
	job->steer.leaf = geo_find(w.snapshot.steer.geo, &job->q.edns.ecs.addr);
	w.octets += job->steer.leaf.scope;
}

static void decide(unsigned i)
{
	struct steer_decision d;
	steer_answer_lookup(&w.snapshot.steer, w.answerer.accounts,
		&w.jobs[i].steer.query, &w.jobs[i].steer.found,
		w.answerer.now_ms, &d);
	w.octets += d.n;
}

static void reply(unsigned i)
{
	answer_finish(&w.answerer, &w.jobs[i]);
	w.octets += w.jobs[i].reply_len;
}

static void snapshot(unsigned i)
{
	publish();
	w.octets += w.snapshot.steer.load->ready;
}

/* As a worker does it for a batch. */
static void copy(unsigned i)
{
	static int64_t query_ns, response_ns;
	if (i == 0)
		query_ns = tap_now(&w.answerer);
	if (query_ns && i == 0)
		response_ns = tap_now(&w.answerer);
	if (query_ns)
		tap_job(&w.tap, &w.answerer, &w.jobs[i], query_ns, response_ns);
}

static void copy_none(unsigned i)
{
	copy(i);
}

static void copy_some(unsigned i)
{
	copy(i);
	w.octets++; /* another function */
}

static void copy_all(unsigned i)
{
	copy(i);
	w.octets += 2;
}

static void nothing(unsigned i)
{
	w.octets += i;
}

/* Response rate limiting: none; askers of many networks, that pass; one that floods. */
enum limit { NO_LIMIT, MANY_PASS, ONE_FLOODS };

static const struct part {
	const char *name;
	enum question question;
	bool found; /* what a decision reads is fetched before */
	step *step; /* NULL: whole answers */
	enum limit limit;
} parts[] = {
	{"parse", STEERED, false, parse, NO_LIMIT},
	{"parse, client subnet", ECS, false, parse, NO_LIMIT},
	{"zone lookup", NAME, false, zone, NO_LIMIT},
	{"geo lookup", ECS, false, place, NO_LIMIT},
	{"decision", STEERED, true, decide, NO_LIMIT},
	{"decision, client subnets", ECS, true, decide, NO_LIMIT},
	{"decision, line 2", LINE2, true, decide, NO_LIMIT},
	{"reply", STATIC, false, reply, NO_LIMIT},
	{"dnstap, off", STEERED, false, copy_none, NO_LIMIT},
	{"dnstap, of 1 %", STEERED, false, copy_some, NO_LIMIT},
	{"dnstap, of all", STEERED, false, copy_all, NO_LIMIT},
	{"snapshot of 12 nodes", STATIC, false, snapshot, NO_LIMIT},
	{"answer static", STATIC, false, NULL, NO_LIMIT},
	{"answer steered", STEERED, false, NULL, NO_LIMIT},
	{"answer ecs", ECS, false, NULL, NO_LIMIT},
	{"answer nxdomain", NXDOMAIN, false, NULL, NO_LIMIT},
	{"answer names", NAME, false, NULL, NO_LIMIT},
	{"answer mix", MIX, false, NULL, NO_LIMIT},
	{"answer line 2", LINE2, false, NULL, NO_LIMIT},
	{"static, rrl, passes", STATIC, false, NULL, MANY_PASS},
	{"static, rrl, limited", STATIC, false, NULL, ONE_FLOODS},
	{"ecs, rrl, passes", ECS, false, NULL, MANY_PASS},
	{"ecs, rrl, limited", ECS, false, NULL, ONE_FLOODS},
};
enum { PARTS = sizeof parts / sizeof *parts };

/* What is measured. */
__attribute__((noinline)) static void part_run(const struct part *part)
{
	if (!part->step) {
		answer_batch(&w.answerer, w.jobs, BATCH);
		return;
	}
	for (unsigned i = 0; i < BATCH; i++)
		part->step(i);
}

/* Answers, with a ring that is empty. */
static void prepare_copy(double share)
{
	struct tap_event event;
	w.built->options->dnstap = share_bound(share);
	while (tap_ring_take(w.tap.ring, &event))
		w.octets += event.reply_len;
	answer_batch(&w.answerer, w.jobs, BATCH);
}

/* Who asks, and what networks get; loopback is trusted, and has no limit. */
static void prepare_limit(enum limit limit)
{
	struct rng rng = {9};
	w.built->options->rrl_cost = limit ? rrl_cost(1000) : 0;
	w.built->options->rrl_slip = 1;
	for (unsigned i = 0; i < QUESTIONS && limit; i++) {
		unsigned net = rng_next(&rng) % NETS;
		if (limit == ONE_FLOODS)
			net = 0;
		w.packets[i].peer = (struct addr){
			4, {10, (uint8_t)(net >> 8), (uint8_t)net, 53}};
	}
}

/* Takes the packets of a batch as if they had come in, and for a step does what
 * comes before it. */
static void prepare(const struct part *part, unsigned first)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct answer_job *job = &w.jobs[i];
		take_packet(job, &w.packets[first + i]);
		if (part->step && part->step != parse)
			parse(i);
		if (part->found) {
			zone(i);
			job->asked = &job->own;
			job->zone = job->own.zone;
			job->own.found = false; /* lookup_begin() finds more */
			lookup_begin(job);
			job->next_steered =
				i + 1 < BATCH ? &w.jobs[i + 1] : NULL;
		}
	}
	if (part->step == copy_none)
		prepare_copy(0);
	if (part->step == copy_some)
		prepare_copy(0.01);
	if (part->step == copy_all)
		prepare_copy(1);
	if (part->step == reply)
		answer_prepare(&w.answerer, w.jobs, BATCH);
	if (part->found)
		steered_find_all(&w.answerer, w.jobs);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* As many as tell something; a snapshot takes long. */
static unsigned questions_of(const struct part *part, unsigned fast)
{
	return part->step == snapshot ? 1024 : fast;
}

/* Nanoseconds a question, of the median batch. */
static double run(const struct part *part, unsigned questions)
{
	static double ns[QUESTIONS / BATCH];
	for (unsigned n = 0; n < questions; n += BATCH) {
		if (n % GENERATION == 0) {
			w.answerer.now_ms += 100;
			sample_all();
			publish();
		}
		prepare(part, n);
		int64_t start = clock_ns();
		part_run(part);
		ns[n / BATCH] = (double)(clock_ns() - start) / BATCH;
	}
	qsort(ns, questions / BATCH, sizeof *ns, by_value);
	return ns[questions / BATCH / 2];
}

/* Nanoseconds of a part without work in it, to be taken off. */
static double clock_cost(void)
{
	static const struct part empty = {"", STATIC, false, nothing, NO_LIMIT};
	make_packets(STATIC);
	return run(&empty, QUESTIONS);
}

static void show(const struct part *part, double empty)
{
	double ns[ROUNDS];
	make_packets(part->question);
	prepare_limit(part->limit);
	run(part, questions_of(part, QUESTIONS)); /* fills what remembers */
	for (unsigned r = 0; r < ROUNDS; r++) {
		w.answerer.now_ms += 61000; /* more than a TTL */
		ns[r] = run(part, questions_of(part, QUESTIONS)) - empty;
	}
	qsort(ns, ROUNDS, sizeof *ns, by_value);
	printf("%-25s %7.1f (%5.1f-%5.1f)\n", part->name, ns[ROUNDS / 2], ns[0],
		ns[ROUNDS - 1]);
}

/* For callgrind. */
#define COUNTED 16384
static int count_only(const char *name)
{
	for (unsigned p = 0; p < PARTS; p++)
		if (!strcmp(parts[p].name, name)) {
			make_packets(parts[p].question);
			prepare_limit(parts[p].limit);
			unsigned n = questions_of(&parts[p], COUNTED);
			run(&parts[p], n);
			printf("%u questions\n", n);
			return 0;
		}
	fprintf(stderr, "bench_micro: no part '%s'\n", name);
	return 1;
}

/* -- cores: what threads share must not slow them down -- */

#define RUNNERS 2
#define PHASES 4 /* of QUESTIONS each, with a new snapshot before */
#define CORES_ROUNDS 15

/* A thread on a core of its own, as a worker has it. It runs between two
 * meetings at the gate; outside of them all is the main thread's. */
struct runner {
	_Alignas(64) struct answerer answerer;
	pthread_t thread;
	unsigned index;
	unsigned number; /* of its accounts, for fleet_merge() */
	bool runs, stop;
	int64_t cpu_ns; /* that it took for its questions */
	struct sent_table *sent;
	struct packet *packets;
	struct answer_job jobs[BATCH];
	uint8_t replies[BATCH][1280];
};

static struct runner runners[RUNNERS];
static pthread_barrier_t gate;

static void runner_pin(const struct runner *r)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(r->index ? (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1 : 0,
		&one);
	if (pthread_setaffinity_np(pthread_self(), sizeof one, &one))
		fprintf(stderr, "bench_micro: a thread is not pinned\n");
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;
	runner_pin(r);
	for (;; pthread_barrier_wait(&gate)) {
		pthread_barrier_wait(&gate);
		if (r->stop)
			return NULL;
		int64_t start = clock_cpu_ns();
		for (unsigned n = 0; n < QUESTIONS && r->runs; n += BATCH) {
			for (unsigned i = 0; i < BATCH; i++)
				take_packet(&r->jobs[i], &r->packets[n + i]);
			answer_batch(&r->answerer, r->jobs, BATCH);
		}
		r->cpu_ns += clock_cpu_ns() - start;
	}
}

static void runner_start(
	struct runner *r, unsigned index, enum question what, bool apart)
{
	static unsigned numbers;
	*r = (struct runner){.index = index, .number = ++numbers};
	r->sent = apart && index ? sent_table_new(1 << 20, 7) : w.sent;
	r->packets = new_packets(what, 11 + index);
	r->answerer.accounts = accounts_new(1 << 18, r->sent, 7);
	r->answerer.asked = mem_zero(1, sizeof *r->answerer.asked);
	r->answerer.wall_s = w.answerer.wall_s;
	for (unsigned i = 0; i < BATCH; i++) {
		r->jobs[i].reply = r->replies[i];
		r->jobs[i].reply_room = sizeof r->replies[i];
	}
	if (pthread_create(&r->thread, NULL, runner_main, r))
		abort();
}

static void runner_end(struct runner *r)
{
	pthread_join(r->thread, NULL);
	accounts_free(r->answerer.accounts);
	if (r->sent != w.sent)
		sent_table_free(r->sent);
	free(r->answerer.asked);
	free(r->packets);
}

/* Answers a second of CPU time, of each runner in the set. */
static void cores_run(unsigned set, double *rate)
{
	for (unsigned phase = 0; phase < PHASES; phase++) {
		w.answerer.now_ms += 100;
		sample_all();
		for (unsigned i = 0; i < RUNNERS; i++)
			fleet_merge(w.fleet, runners[i].number,
				runners[i].answerer.accounts,
				w.answerer.now_ms);
		publish();
		for (unsigned i = 0; i < RUNNERS; i++) {
			struct runner *r = &runners[i];
			r->runs = set >> i & 1;
			r->cpu_ns = phase ? r->cpu_ns : 0;
			r->answerer.snap = &w.snapshot;
			r->answerer.now_ms = w.answerer.now_ms;
		}
		pthread_barrier_wait(&gate);
		pthread_barrier_wait(&gate);
	}
	for (unsigned i = 0; i < RUNNERS; i++)
		rate[i] = 1e9 * PHASES * QUESTIONS / (double)runners[i].cpu_ns;
}

/* Medians of what the two do one after the other and at once. */
struct cores {
	double alone, both, ratio;
};

static struct cores cores_measure(enum question what, bool apart)
{
	double alone[CORES_ROUNDS], both[CORES_ROUNDS], ratio[CORES_ROUNDS];
	double one[RUNNERS], other[RUNNERS], all[RUNNERS];
	for (unsigned i = 0; i < RUNNERS; i++)
		runner_start(&runners[i], i, what, apart);
	cores_run(3, all); /* fills what remembers */
	for (unsigned r = 0; r < CORES_ROUNDS; r++) {
		w.answerer.now_ms += 61000; /* more than a TTL */
		cores_run(1, one);
		w.answerer.now_ms += 61000;
		cores_run(2, other);
		w.answerer.now_ms += 61000;
		cores_run(3, all);
		alone[r] = (one[0] + other[1]) / 2;
		both[r] = all[0] + all[1];
		ratio[r] = both[r] / alone[r];
	}
	for (unsigned i = 0; i < RUNNERS; i++)
		runners[i].stop = true;
	pthread_barrier_wait(&gate);
	for (unsigned i = 0; i < RUNNERS; i++)
		runner_end(&runners[i]);
	qsort(alone, CORES_ROUNDS, sizeof *alone, by_value);
	qsort(both, CORES_ROUNDS, sizeof *both, by_value);
	qsort(ratio, CORES_ROUNDS, sizeof *ratio, by_value);
	return (struct cores){alone[CORES_ROUNDS / 2], both[CORES_ROUNDS / 2],
		ratio[CORES_ROUNDS / 2]};
}

/* Beside it two threads that share no table: what the machine itself takes
 * from two cores at once. */
static void show_cores(void)
{
	static const enum question kinds[] = {STATIC, ECS, MIX};
	static const char *const names[] = {"static", "ecs", "mix"};
	pthread_barrier_init(&gate, NULL, RUNNERS + 1);
	printf("| answers | one core/s | both/s | ratio | sharing no table |\n"
	       "|---|---|---|---|---|\n");
	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct cores shared = cores_measure(kinds[i], false);
		struct cores apart = cores_measure(kinds[i], true);
		printf("| %s | %.0f | %.0f | %.2f | %.2f |\n", names[i],
			shared.alone, shared.both, shared.ratio, apart.ratio);
	}
	pthread_barrier_destroy(&gate);
}

int main(int argc, char **argv)
{
	const char *part = NULL, *geoip = NULL;
	int failed = 0;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--geoip") && i + 1 < argc)
			geoip = argv[++i];
		else
			part = argv[i];
	world_open(geoip);
	if (part && !strcmp(part, "cores")) {
		show_cores();
	} else if (part) {
		failed = count_only(part);
	} else {
		double empty = clock_cost();
		for (unsigned p = 0; p < PARTS; p++)
			show(&parts[p], empty);
	}
	world_close();
	return failed;
}
