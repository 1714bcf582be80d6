#include "control/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/ctl.h"
#include "control/descriptors.h"
#include "control/notify.h"
#include "control/privilege.h"
#include "control/state.h"
#include "control/steady.h"
#include "control/schedule.h"
#include "control/pending.h"

#define TICK_MS 100
#define SOON_US 5000   /* what comes together is published together */
#define SLICE_US 20000 /* of polls, then a look at what has priority */
#define WATCH_MS 1000
#define SAVE_MS 10000
#define LIBEVENT_LINES_PER_S 1
#define READY_WAIT_MS 300 /* steered names wait for first polls so long */

/* -- publishing -- */

static void report_nodes(const struct control *c, struct report *r)
{
	const struct map *map = c->built->map;
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct fleet_node *from = fleet_node(c->fleet, i);
		struct report_node *to = &r->nodes[i];
		if (!map->nodes[i].name)
			continue;
		*to = (struct report_node){.name = map->nodes[i].name,
			.role = conf_roles[map->nodes[i].role],
			.why = from->drained ? "drained by the operator"
					     : from->health.why,
			.state = (enum node_state)c->load->node[i].state,
			.connections = fleet_connections(c->fleet, i),
			.bandwidth_bps = from->bandwidth_bps,
			.cpu = from->cpu,
			.utilisation = fleet_utilisation(c->fleet, i),
			.capacity = fleet_capacity(c->fleet, i),
			.reserved = c->load->node[i].reserved,
			.sample_age_ms = from->sampled_at_ms
				? r->now_ms - from->sampled_at_ms
				: -1,
			.streams_left_out = streams_left_out(c->streams, i),
			.contradicted =
				fleet_contradicted(c->fleet, i, clock_ms()),
			.answers = from->answers,
			.line2 = from->line2,
			.only = from->only,
			.doubted = fleet_distrusted(c->fleet, i),
			.samples = from->samples,
			.failures = from->failures};
	}
}

static struct report *make_report(struct control *c, int64_t now_ms)
{
	struct report *r = report_new(c->built->map->n_nodes, c->reload_error);
	r->now_ms = now_ms;
	r->start_ms = c->start_ms;
	r->generation = c->generation;
	r->workers = c->n_workers;
	r->builds = c->builds;
	r->build_ns = c->build_ns;
	r->builds_cpu_ns = c->builds_cpu_ns;
	r->reloads = c->reloads;
	r->reload_errors = c->reload_errors;
	r->reload_wall_ms = c->reload_wall_ms;
	r->blind = fleet_is_blind(c->fleet);
	for (unsigned i = 0; i < c->n_workers; i++)
		counters_add(&r->counters,
			&udp_worker_thread(c->workers[i])->answerer.counters);
	if (c->tcp) {
		counters_add(&r->counters,
			&tcp_server_thread(c->tcp)->answerer.counters);
		r->tcp_connections = tcp_server_connections(c->tcp);
	}
	r->record_dropped = record_dropped(c->record);
	r->record_bytes = record_bytes(c->record);
	r->maps = c->maps;
	r->traffic = c->traffic;
	report_nodes(c, r);
	return r;
}

/* What the threads promised since the last time. */
static void merge_accounts(struct control *c, int64_t now_ms)
{
	unsigned thread = 0;
	for (unsigned i = 0; i < c->n_workers; i++)
		fleet_merge(c->fleet, thread++,
			udp_worker_thread(c->workers[i])->answerer.accounts,
			now_ms);
	if (c->tcp)
		fleet_merge(c->fleet, thread++,
			tcp_server_thread(c->tcp)->answerer.accounts, now_ms);
	if (c->http)
		fleet_merge(c->fleet, thread++, http_accounts(c->http), now_ms);
}

/* One line for every change of a state, whatever brought it about: an event,
 * or time that passed. */
static void log_changes(struct control *c)
{
	const struct map *map = c->built->map;
	bool blind = fleet_is_blind(c->fleet);

	if (c->n_logged < map->n_nodes) {
		c->logged = mem_grow(c->logged, map->n_nodes);
		memset(c->logged + c->n_logged, NODE_UNKNOWN,
			map->n_nodes - c->n_logged);
		c->n_logged = map->n_nodes;
	}
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct health *h = &fleet_node(c->fleet, i)->health;
		if (!map->nodes[i].name || c->logged[i] == h->state)
			continue;
		log_info("node %s: %s -> %s%s%s", map->nodes[i].name,
			node_states[c->logged[i]], node_states[h->state],
			*h->why ? ": " : "", h->why);
		c->logged[i] = (uint8_t)h->state;
		if (h->state == NODE_DOWN)
			streams_forget(c->streams, i);
	}
	if (blind != c->logged_blind)
		log_warn(
			blind ? "network suspect: most nodes time out, the last good states are held"
			      : "network suspect no longer");
	c->logged_blind = blind;
}

/* What a publication replaces: freed when no thread reads it any more. */
struct replaced {
	struct load *load;
	struct report *report;
	struct report_traffic *traffic;
	struct stream_index *stream_index;
	struct stream_set *stream_set;
	struct pending_list *pending_list;
};

/* The parts that change seldom, if they have changed. */
static void renew_lists(struct control *c, struct replaced *old, int64_t now_ms)
{
	unsigned n_nodes = c->built->map->n_nodes;

	old->traffic = control_traffic_take(c);
	if (!c->pending_list || pending_changed(c->pending, now_ms)) {
		old->pending_list = c->pending_list;
		c->pending_list = pending_copy(c->pending);
	}
	if (!c->stream_index || streams_changed(c->streams) ||
		c->stream_index->n_nodes != n_nodes) {
		old->stream_index = c->stream_index;
		old->stream_set = c->stream_set;
		c->stream_index =
			streams_index(c->streams, n_nodes, &c->stream_set);
	}
}

static void renew_load(struct control *c, struct replaced *old, int64_t now_ms)
{
	old->load = c->load;
	merge_accounts(c, now_ms);
	c->load = fleet_load(c->fleet, now_ms);
	c->load->streams = c->stream_set;
	c->load->provisional = c->geo_pending;
	if (!c->restored) /* drained nodes are not known yet */
		c->load->ready = false;
	if (c->geo_pending && now_ms - c->start_ms < READY_WAIT_MS)
		c->load->ready = false;
}

static void free_replaced(struct replaced *old)
{
	load_free(old->load);
	report_free(old->report);
	free(old->traffic);
	free(old->stream_index);
	free(old->stream_set);
	free(old->pending_list);
}

void control_publish(struct control *c)
{
	int64_t now_ms = clock_ms(), begin_ns = clock_ns();
	int64_t begin_cpu_ns = clock_cpu_ns();
	struct replaced old = {.report = c->report};

	renew_lists(c, &old, now_ms);
	renew_load(c, &old, now_ms);
	c->generation++;
	c->builds++;
	c->report = make_report(c, now_ms);
	snapshot_publish(&c->published,
		(struct snapshot){.generation = c->generation,
			.zones = c->built->zoneset,
			.steer = {c->built->map, c->load, c->built->geo},
			.options = c->built->options,
			.report = c->report,
			.streams = c->stream_index,
			.pending_list = c->pending_list});
	free_replaced(&old);
	log_changes(c);
	c->build_ns = (uint64_t)(clock_ns() - begin_ns);
	c->builds_cpu_ns += (uint64_t)(clock_cpu_ns() - begin_cpu_ns);
}

/* -- adopting what was built -- */

/* Marks the nodes of names that look where a stream is already. */
static bool *nodes_by_stream(const struct map *map)
{
	bool *is = mem_zero(map->n_nodes + 1, sizeof *is);
	for (unsigned i = 0; i < map->n_names; i++)
		for (unsigned k = 0;
			map->names[i].streams && k < map->names[i].of->n; k++)
			is[map->names[i].of->node[k]] = true;
	return is;
}

static void set_targets(struct control *c)
{
	const struct conf *conf = c->built->conf;
	struct poll_target *targets = mem_zero(conf->n_nodes, sizeof *targets);
	bool *by_stream = nodes_by_stream(c->built->map);

	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[i];
		targets[i] =
			(struct poll_target){.node = c->built->map->of_conf[i],
				.api = node->api,
				.rtmp = node->rtmp,
				.flv = node->flv,
				.source = node->role == ROLE_ORIGIN,
				.pulls = node->role == ROLE_EDGE,
				.streams = node->role != ROLE_EDGE ||
					by_stream[c->built->map->of_conf[i]]};
		fleet_watch(c->fleet, targets[i].node, node->api != NULL,
			node->rtmp || node->flv);
	}
	for (unsigned i = 0; i < c->built->map->n_nodes; i++)
		if (!c->built->map->nodes[i].name) {
			streams_forget(c->streams, i);
			faults_forget(c->faults, i);
		}
	poll_set(c->poller, targets, conf->n_nodes,
		(unsigned)(conf->health.interval_s * 1000),
		(unsigned)(conf->health.timeout_s * 1000));
	free(targets);
	free(by_stream);
}

static struct fleet_rules rules_of(const struct conf *conf)
{
	return (struct fleet_rules){
		.health = {.interval_ms =
				   (unsigned)(conf->health.interval_s * 1000),
			.timeout_ms = (unsigned)(conf->health.timeout_s * 1000),
			.fall = (unsigned)conf->health.fall,
			.rise = (unsigned)conf->health.rise},
		.ready_wait_ms = READY_WAIT_MS};
}

static void use_map(struct control *c)
{
	struct fleet_rules rules = rules_of(c->built->conf);
	fleet_set_map(c->fleet, c->built->map, &rules, clock_ms());
	c->maps++;
	schedule_feed(c);
	set_targets(c);
}

void control_adopt(struct control *c, struct built *built, struct err *err)
{
	struct built *old = c->built;
	c->built = built;
	use_map(c);
	control_record_set(c);
	control_publish(c);
	if (c->http)
		http_reconfigure(c->http, built->conf, err);
	build_free(old, built);
}

void control_adopt_geo(struct control *c, struct geo *geo, struct map *map,
	struct geo_files files)
{
	struct geo *old_geo = c->built->geo;
	struct map *old_map = c->built->map;

	c->built->geo = geo;
	c->built->map = map;
	geo_files_free(&c->built->geo_files);
	c->built->geo_files = files;
	use_map(c);
	control_record_set(c);
	control_publish(c);
	geo_free(old_geo);
	map_free(old_map);
}

/* -- what nodes say -- */

/* How a question to a node ended; why: as the log says it, NULL: well. */
static void note(
	struct control *c, unsigned node, enum fault_of what, const char *why)
{
	faults_note(
		c->faults, node, c->built->map->nodes[node].name, what, why);
}

/* What turns the answers away from a node, or back, does not wait for the tick.
 * A fleet that fails as a whole is worth no more than a tenth of a core. */
static void publish_soon(struct control *c)
{
	int64_t wait_us = SOON_US + (int64_t)(c->build_ns / 1000 * 10);
	struct timeval tv = {0, wait_us < TICK_MS * 1000 ? wait_us : 0};
	if (tv.tv_usec && !event_pending(c->soon, EV_TIMEOUT, NULL))
		event_add(c->soon, &tv);
}

/* Whether the state of a node is not what was published. */
static bool is_news(const struct control *c, uint32_t node)
{
	return node >= c->n_logged ||
		c->logged[node] != fleet_node(c->fleet, node)->health.state;
}

/* A report that polls contradict is said. */
static void note_heartbeats(struct control *c, unsigned node, int64_t now_ms)
{
	char why[120];
	float told = fleet_contradicted(c->fleet, node, now_ms);
	if (told > 0)
		snprintf(why, sizeof why,
			"one told %.0f connections, polls find fewer: they are ignored for 10 minutes",
			told);
	note(c, node, FAULT_HEARTBEAT, told > 0 ? why : NULL);
}

static void on_sample(void *arg, uint32_t node, const struct sample *sample)
{
	struct control *c = arg;
	int64_t now_ms = clock_ms();
	note(c, node, FAULT_POLL, NULL);
	fleet_sample(c->fleet, node, sample, now_ms);
	note_heartbeats(c, node, now_ms);
	if (is_news(c, node))
		publish_soon(c);
	record_sample(c->record, node, sample, now_ms);
}

static void on_failed(
	void *arg, uint32_t node, enum sample_failure failure, const char *why)
{
	struct control *c = arg;
	int64_t now_ms = clock_ms();
	fleet_failed(c->fleet, node, failure, now_ms);
	record_failed(c->record, node, failure, now_ms);
	const struct health *health = &fleet_node(c->fleet, node)->health;
	note(c, node, FAULT_POLL, why);
	if (health->fails == 1 || is_news(c, node))
		publish_soon(c);
}

static void on_probed(void *arg, uint32_t node, enum poll_probe probe, bool ok,
	enum sample_failure failure, float rtt_ms, const char *why)
{
	struct control *c = arg;
	static const enum health_probe kinds[] = {[POLL_RTMP] = HEALTH_RTMP,
		[POLL_FLV] = HEALTH_FLV,
		[POLL_STREAM] = HEALTH_STREAM};
	enum health_probe kind = kinds[probe];
	int64_t now_ms = clock_ms();
	fleet_probed(c->fleet, node, kind, ok, now_ms);
	record_probed(c->record, node, kind, ok, now_ms);
	note(c, node, probe == POLL_RTMP ? FAULT_RTMP : FAULT_FLV,
		ok ? NULL : why);
	if (is_news(c, node))
		publish_soon(c);
}

static void on_dropped(void *arg, unsigned node, float share)
{
	struct control *c = arg;
	if (c->built->map->nodes[node].name)
		fleet_dropped(c->fleet, node, share, clock_ms());
}

static void on_streams(
	void *arg, uint32_t node, struct stream_list *list, const char *why)
{
	struct control *c = arg;
	note(c, node, FAULT_STREAMS, list ? NULL : why);
	if (!list)
		return;
	if (list->left_out != streams_left_out(c->streams, node))
		log_info(
			"node %s: %u streams cannot be read and are left out%s%s",
			c->built->map->nodes[node].name, list->left_out,
			*list->why ? ": " : "", list->why);
	streams_take(c->streams, node, list, clock_ms(), on_dropped, c);
}

/* -- the operator's overrides -- */

struct drain_wait {
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void drain_kept(void *arg, bool ok)
{
	struct drain_wait *w = arg;
	if (w->done)
		w->done(w->arg, ok);
	free(w);
}

bool control_drain(struct control *c, const char *name, bool drained,
	void (*done)(void *arg, bool ok), void *arg)
{
	int node = map_find_node(c->built->map, name);
	if (node < 0)
		return false;
	fleet_drain(c->fleet, (unsigned)node, drained);
	record_drained(c->record, (unsigned)node, drained, clock_ms());
	control_publish(c);
	log_info("node %s: %s by the operator", c->built->map->nodes[node].name,
		drained ? "drained" : "undrained");
	struct drain_wait *w = mem_alloc(sizeof *w);
	*w = (struct drain_wait){done, arg};
	if (c->store)
		store_drain(c->store, c->built->map->nodes[node].name, drained,
			c->mailbox, drain_kept, w);
	else
		drain_kept(w, false);
	return true;
}

const char *control_drain_lost(bool drained)
{
	return drained
		? "drained on this name server, but not kept: the store cannot be written (see the log); after a restart it is not drained"
		: "undrained on this name server, but not kept: the store cannot be written (see the log); after a restart it is drained again";
}

static void load_store(struct control *c)
{
	struct store_node *nodes;
	unsigned n;
	struct err err = {0};

	if (!c->store)
		return;
	if (!store_load(c->store, &nodes, &n, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	for (unsigned i = 0; i < n; i++) {
		int node = map_find_node(c->built->map, nodes[i].name);
		if (node < 0)
			continue;
		enum node_state state = nodes[i].state <= NODE_DOWN
			? (enum node_state)nodes[i].state
			: NODE_UNKNOWN;
		if (fleet_node(c->fleet, (unsigned)node)->watched)
			fleet_restore(c->fleet, (unsigned)node, state,
				nodes[i].connections);
		fleet_drain(c->fleet, (unsigned)node, nodes[i].drained);
	}
	free(nodes);
	err_fini(&err);
}

static void save_states(struct control *c)
{
	const struct map *map = c->built->map;
	unsigned n = 0;

	if (!c->store || !c->load->ready)
		return;
	struct store_node *nodes = mem_zero(map->n_nodes, sizeof *nodes);
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct fleet_node *from = fleet_node(c->fleet, i);
		if (!map->nodes[i].name || !from->health.seen)
			continue;
		strncpy(nodes[n].name, map->nodes[i].name,
			sizeof nodes[n].name - 1);
		nodes[n].state = (uint8_t)from->health.state;
		nodes[n++].connections = from->connections;
	}
	store_states(c->store, nodes, n);
	free(nodes);
}

/* -- events -- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	mailbox_run(((struct control *)arg)->mailbox);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	control_traffic_step(arg);
	control_publish(arg);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	control_watch_geo(arg);
	schedule_feed(arg);
	control_history_watch(arg);
}

static void on_save(evutil_socket_t fd, short what, void *arg)
{
	save_states(arg);
	stability_keep(arg);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	log_info("SIGHUP: reloading");
	control_reload(arg, NULL, NULL);
}

void control_stop(struct control *c)
{
	event_base_loopbreak(c->base);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	log_info("stopping");
	control_stop(arg);
}

/* Publishing, mail and signals need not wait until all polls that have come in at
 * once are read. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct timeval slice = {0, SLICE_US};
	struct event_base *base = NULL;

	if (config &&
		event_config_set_max_dispatch_interval(config, &slice, -1, 1) ==
			0)
		base = event_base_new_with_config(config);
	if (!base || event_base_priority_init(base, 2))
		abort(); /* no memory */
	event_config_free(config);
	return base;
}

static struct event *urgent(struct event *event)
{
	event_priority_set(event, 0);
	return event;
}

static struct event *timer(
	struct control *c, event_callback_fn run, unsigned ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	struct event *e = event_new(c->base, -1, EV_PERSIST, run, c);
	event_add(e, &tv);
	return e;
}

static struct event *signal_event(
	struct control *c, int number, event_callback_fn run)
{
	struct event *e = urgent(evsignal_new(c->base, number, run, c));
	event_add(e, NULL);
	return e;
}

/* From the first moment signals wait until the loop can take them. */
static void signals_block(bool block)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void events_start(struct control *c)
{
	c->mailbox_event = urgent(event_new(c->base, mailbox_fd(c->mailbox),
		EV_READ | EV_PERSIST, on_mail, c));
	event_add(c->mailbox_event, NULL);
	c->tick = urgent(timer(c, on_tick, TICK_MS));
	c->soon = urgent(evtimer_new(c->base, on_tick, c));
	c->watch = timer(c, on_watch, WATCH_MS);
	c->save = timer(c, on_save, SAVE_MS);
	c->hup = signal_event(c, SIGHUP, on_hup);
	c->term = signal_event(c, SIGTERM, on_term);
	c->intr = signal_event(c, SIGINT, on_term);
	signals_block(false);
}

static void events_stop(struct control *c)
{
	struct event *all[] = {c->mailbox_event, c->tick, c->soon, c->watch,
		c->save, c->hup, c->term, c->intr};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			event_free(all[i]);
}

/* -- start and stop -- */

static void threads_make(
	struct control *c, unsigned connections, uint64_t secret)
{
	const struct conf *conf = c->built->conf;
	c->workers = mem_zero(c->n_workers, sizeof(struct udp_worker *));
	for (unsigned i = 0; i < c->n_workers; i++)
		c->workers[i] =
			udp_worker_new(i, &c->listeners.udp[i * c->listeners.n],
				c->listeners.n, &c->published, c->sent, secret);
	c->tcp = tcp_server_new(c->listeners.tcp, c->listeners.n, connections,
		(unsigned)(conf->tcp.idle_s * 1000), &c->published, c->sent,
		secret);
}

/* Static names are answered from here on. */
static void threads_start(struct control *c)
{
	for (unsigned i = 0; i < c->n_workers; i++)
		udp_worker_start(c->workers[i]);
	tcp_server_start(c->tcp);
}

static void threads_stop(struct control *c)
{
	http_stop(c->http);
	for (unsigned i = 0; i < c->n_workers && c->workers; i++)
		udp_worker_stop(c->workers[i]);
	if (c->tcp)
		tcp_server_stop(c->tcp);
	for (unsigned i = 0; i < c->n_workers && c->workers; i++)
		udp_worker_free(c->workers[i]);
	if (c->tcp)
		tcp_server_free(c->tcp);
	free(c->workers);
}

/* The store and the control socket are useful, not vital: without them the
 * server says so and serves. */
static void open_extras(struct control *c)
{
	struct err err = {0};
	umask(0077); /* what the store and the socket tell is ours alone */
	c->store = store_open(c->built->conf->store, &err);
	if (!c->store)
		log_lines(LOG_LVL_WARN,
			"no store, drains will not survive a restart: ",
			err_text(&err));
	err_fini(&err);
	c->ctl = ctl_open(c, c->built->conf->control, &err);
	if (!c->ctl)
		log_lines(LOG_LVL_WARN, "no control socket: ", err_text(&err));
	err_fini(&err);
}

static void start_http(
	struct control *c, const struct http_sockets *sockets, uint64_t secret)
{
	struct control_ops ops = control_http_ops(c);
	if (c->built->conf->http.listen.n || c->built->conf->public.listen.n)
		c->http = http_start(c->built->conf, sockets, &c->published,
			&ops, c->sent, control_record_http(c), secret);
}

static unsigned worker_count(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (conf->workers)
		return (unsigned)conf->workers;
	return cores > 0 && cores <= 256 ? (unsigned)cores : 1;
}

/* What libevent warns of, through a log that has a limit: it may warn at every
 * turn of a loop. Any thread that runs one. */
static void on_libevent(int severity, const char *text)
{
	static _Thread_local struct log_limit limit;
	unsigned held;
	if (severity < EVENT_LOG_WARN ||
		!log_allowed(&limit, clock_ms(), LIBEVENT_LINES_PER_S, &held))
		return;
	log_warn("libevent: %s%s", text, held ? " (others held back)" : "");
}

/* All sockets and the key while we are root, then privileges are dropped. */
static bool open_sockets(struct control *c, struct http_sockets *http,
	struct descriptors *shares, struct err *err)
{
	const struct conf *conf = c->built->conf;
	c->n_workers = worker_count(conf);
	bool ok =
		listen_open(&c->listeners, &conf->listen, c->n_workers, err) &&
		listen_streams(
			&conf->http.listen, 8053, &http->operators, err) &&
		listen_streams(
			&conf->public.listen, 8080, &http->public, err) &&
		http_load_tls(conf, &http->tls, err);
	*shares = descriptors_now(conf, err);
	http->connections = shares->http;
	http->streams = shares->streams;
	return ok && privilege_drop(conf, err);
}

static void serve(struct control *c)
{
	log_info("dnsd " DNSD_VERSION
		 ": %u zones, %u nodes, %u steered names, %u workers",
		c->built->conf->n_zones, c->built->conf->n_nodes,
		c->built->conf->n_steer, c->n_workers);
	for (unsigned i = 0; i < c->listeners.n; i++)
		log_info("listening on %s", c->built->conf->listen.text[i]);
	notify_ready();
	if (c->geo_pending)
		control_watch_geo(c);
	event_base_dispatch(c->base);
	notify_stopping();
}

static bool start(struct control *c, struct err *err)
{
	struct http_sockets sockets = {0};
	struct descriptors shares;
	struct poll_events events = {.arg = c,
		.sample = on_sample,
		.failed = on_failed,
		.probed = on_probed,
		.streams = on_streams};
	uint64_t secret;

	rng_secret(&secret, sizeof secret);
	c->built = build_all(c->path, NULL, GEO_LATER, NULL, err);
	if (!c->built || !open_sockets(c, &sockets, &shares, err))
		return false;
	c->geo_pending = c->built->conf->geoip.n || *c->built->conf->nets;
	c->base = base_new();
	c->mailbox = mailbox_new();
	struct fleet_rules rules = rules_of(c->built->conf);
	c->fleet = fleet_new(&rules, c->start_ms);
	fleet_set_map(c->fleet, c->built->map, &rules, c->start_ms);
	c->streams = streams_new();
	c->faults = faults_new();
	c->pending = pending_new();
	c->poller = poll_new(c->base, &events);
	poll_limit(c->poller, shares.polls);
	set_targets(c);
	c->sent = sent_table_new((unsigned)c->built->conf->client_nets, secret);
	c->own = accounts_new(1, c->sent, secret);
	threads_make(c, shares.tcp, secret);
	control_record_open(c);
	control_publish(c);
	threads_start(c);
	events_start(c);
	open_extras(c);
	load_store(c);
	stability_restore(c);
	control_record_set(c);
	schedule_load(c);
	c->restored = true;
	control_publish(c);
	start_http(c, &sockets, secret);
	free(sockets.operators);
	free(sockets.public);
	return true;
}

static void finish(struct control *c)
{
	control_builder_stop(c);
	ctl_close(c->ctl);
	if (c->load) {
		save_states(c);
		stability_keep(c);
	}
	threads_stop(c);
	control_record_close(c);
	store_close(c->store);
	poll_free(c->poller);
	listen_close(&c->listeners);
	events_stop(c);
	mailbox_free(c->mailbox);
	if (c->base)
		event_base_free(c->base);
	accounts_free(c->own);
	sent_table_free(c->sent);
	fleet_free(c->fleet);
	build_free(c->built, NULL);
	load_free(c->load);
	report_free(c->report);
	streams_free(c->streams);
	faults_free(c->faults);
	free(c->stream_index);
	free(c->stream_set);
	pending_free(c->pending);
	free(c->pending_list);
	free(c->published.now);
	geo_files_free(&c->geo_seen);
	free(c->reload_error);
	free(c->logged);
	schedule_free(c);
	control_traffic_free(c);
	control_history_free(c);
}

int control_run(const char *path)
{
	struct err err = {0};
	struct control c = {.path = path, .start_ms = clock_ms()};

	signal(SIGPIPE, SIG_IGN);
	signals_block(true);
	descriptors_raise();
	event_set_log_callback(on_libevent);
	c.reload_error = mem_strdup("");
	bool ok = start(&c, &err);
	log_lines(LOG_LVL_WARN, "", err.warnings);
	if (ok)
		serve(&c);
	else
		fprintf(stderr, "%s\n", err_text(&err));
	ok &= !c.failed;
	finish(&c);
	err_fini(&err);
	return ok ? 0 : 1;
}
