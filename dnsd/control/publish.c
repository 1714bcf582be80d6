#include "control/keys_watch.h"
#include "control/publish.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/learner.h"
#include "control/moves.h"
#include "control/nodes.h"
#include "control/pending.h"
#include "control/schedule.h"
#include "control/servers.h"
#include "control/state.h"
#include "control/streams.h"
#include "control/threads.h"
#include "control/traffic.h"
#include "dnstap/dnstap.h"
#include "fleet/fleet.h"
#include "replay/recorder.h"
#include "replay/setting.h"
#include "sign/signer.h"
#include "snapshot/options.h"
#include "snapshot/report.h"
#include "snapshot/servers.h"
#include "snapshot/streams.h"
#include "tls/tls.h"
#include "transfer/transfer.h"

#define READY_WAIT_MS 300 /* steered names wait for first polls so long */

/* -- the report -- */

static void report_move(
	const struct control *c, unsigned node, struct report_node *to)
{
	const char *why;
	const struct moving *m = moves_of(c->moves, node, &why);
	if (!m)
		return;
	to->move = (struct report_move){.state = moving_states[m->state],
		.over = moving_is_over(m),
		.moved = m->moved,
		.per_s = m->per_s,
		.waits_s = m->state == MOVING_WAITS && m->from_ms > clock_ms()
			? (int)((m->from_ms - clock_ms()) / 1000) + 1
			: 0};
	strncpy(to->move.why, why, sizeof to->move.why - 1);
}

static void report_nodes(const struct control *c, struct report *r)
{
	const struct map *map = c->built->map;
	const struct streams *streams = nodes_streams(c->nodes);
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct fleet_node *from = fleet_node(c->fleet, i);
		struct report_node *to = &r->nodes[i];
		if (!map->nodes[i].name)
			continue;
		*to = (struct report_node){.name = map->nodes[i].name,
			.role = conf_roles[map->nodes[i].role],
			.why = fleet_why(c->fleet, i, r->now_ms),
			.state = (enum node_state)c->publisher->load->node[i]
					 .state,
			.connections = fleet_connections(c->fleet, i),
			.bandwidth_bps = from->bandwidth_bps,
			.cpu = from->cpu,
			.utilisation = fleet_utilisation(c->fleet, i),
			.capacity = fleet_capacity(c->fleet, i),
			.reserved = c->publisher->load->node[i].reserved,
			.sample_age_ms = from->sampled_at_ms
				? r->now_ms - from->sampled_at_ms
				: -1,
			.streams_left_out = streams_left_out(streams, i),
			.contradicted =
				fleet_contradicted(c->fleet, i, clock_ms()),
			.answers = from->answers,
			.line2 = from->line2,
			.only = from->only,
			.doubted = fleet_distrusted(c->fleet, i),
			.samples = from->samples,
			.failures = from->failures};
		report_move(c, i, to);
	}
}

static void report_transfers(const struct control *c, struct report *r)
{
	struct transfer_counts counts = threads_transfer_counts(c->threads);
	r->transfers_done = counts.done;
	r->transfers_refused = counts.refused;
	r->transfers_failed = counts.failed;
	r->transfers_running = counts.running;
	r->transfer_records = counts.records;
	r->notifies_answered = counts.notified;
	r->notifies_unanswered = counts.unanswered;
	r->secondaries = transfers_secondaries(
		threads_transfers(c->threads), &r->n_secondaries);
}

static struct report *make_report(const struct control *c, int64_t now_ms)
{
	const struct publisher *p = c->publisher;
	struct report *r = report_new(c->built->map->n_nodes, p->reload_error);
	r->now_ms = now_ms;
	r->start_ms = c->start_ms;
	r->generation = p->generation;
	r->workers = threads_workers(c->threads);
	r->builds = p->builds;
	r->build_ns = p->build_ns;
	r->builds_cpu_ns = p->builds_cpu_ns;
	r->reloads = p->reloads;
	r->reload_errors = p->reload_errors;
	r->reload_wall_ms = p->reload_wall_ms;
	r->blind = fleet_is_blind(c->fleet);
	r->no_places = build_no_places(c->built->conf);
	threads_counters(c->threads, &r->counters);
	r->tcp_connections = threads_tcp_connections(c->threads);
	r->tls_connections = threads_tls_connections(c->threads);
	r->n_xdp = threads_xdp(c->threads, r->xdp);
	r->tls_end_s = c->built->dot ? tls_expires_s(c->built->dot) : 0;
	r->record_dropped = record_dropped(c->record);
	r->record_bytes = record_bytes(c->record);
	struct dnstap_counts tap = dnstap_counts(c->dnstap);
	r->dnstap_frames = tap.frames;
	r->dnstap_dropped = tap.dropped;
	r->dnstap_connected = tap.connected;
	struct signer_figures signer = signer_figures(c->signer);
	r->signatures = signer.made;
	r->signatures_lost = signer.lost;
	r->signatures_to_do = signer.waiting;
	r->signatures_late = keys_watch_late(c->keys);
	r->signatures_end_s = signer.expires_s;
	report_transfers(c, r);
	r->maps = p->maps;
	struct learner_counts paths = learner_counts(c->learner);
	r->path_reports = paths.reports;
	r->path_reports_taken = paths.taken;
	r->path_areas = paths.areas;
	r->paths = paths.known;
	r->paths_bad = paths.bad;
	r->traffic = p->traffic;
	r->signing = p->signing;
	report_nodes(c, r);
	return r;
}

/* -- the snapshot -- */

/* What the threads reserved since the last time. */
static void merge_accounts(struct control *c, int64_t now_ms)
{
	const struct accounts *accounts;
	for (unsigned i = 0; (accounts = threads_accounts(c->threads, i));
		i++) {
		fleet_merge(c->fleet, i, accounts, now_ms);
		thread_give_way();
	}
}

/* What a publication replaces: freed when no thread reads it any more. */
struct replaced {
	struct map *measured;
	struct path_table *paths;
	struct load *load;
	struct report *report;
	struct report_traffic *traffic;
	struct report_signing *signing;
	struct stream_index *stream_index;
	struct stream_set *stream_set;
	struct pending_list *pending_list;
	struct servers *servers;
};

/* The parts that change seldom, if they have changed. */
static void renew_lists(struct control *c, struct replaced *old, int64_t now_ms)
{
	struct publisher *p = c->publisher;
	struct streams *streams = nodes_streams(c->nodes);
	unsigned n_nodes = c->built->map->n_nodes;

	struct replaced new;
	if (learner_news(c->learner, &new.paths, &new.measured)) {
		old->paths = p->paths;
		old->measured = p->measured;
		p->paths = new.paths;
		p->measured = new.measured;
	}
	struct servers *servers;
	if (c->link && servers_news(c->link, &servers)) {
		old->servers = p->servers;
		p->servers = servers;
	}
	traffic_news(c->traffic, &p->traffic, &old->traffic);
	keys_watch_news(c->keys, &p->signing, &old->signing);
	if (!p->pending_list || pending_changed(c->pending, now_ms)) {
		old->pending_list = p->pending_list;
		p->pending_list = pending_copy(c->pending);
	}
	if (!p->stream_index || streams_changed(streams) ||
		p->stream_index->n_nodes != n_nodes) {
		old->stream_index = p->stream_index;
		old->stream_set = p->stream_set;
		p->stream_index =
			streams_index(streams, n_nodes, &p->stream_set);
	}
}

static void renew_load(struct control *c, struct replaced *old, int64_t now_ms)
{
	struct publisher *p = c->publisher;
	old->load = p->load;
	merge_accounts(c, now_ms);
	p->load = fleet_load(c->fleet, now_ms);
	p->load->streams = p->stream_set;
	p->load->provisional = c->geo_pending;
	if (!c->restored) /* drained nodes are not known yet */
		p->load->ready = false;
	if (c->geo_pending && now_ms - c->start_ms < READY_WAIT_MS)
		p->load->ready = false;
}

static void free_replaced(struct replaced *old)
{
	map_free(old->measured);
	path_table_free(old->paths);
	load_free(old->load);
	report_free(old->report);
	free(old->traffic);
	free(old->signing);
	free(old->stream_index);
	free(old->stream_set);
	free(old->pending_list);
	servers_free(old->servers);
}

struct steer_state publish_state(const struct control *c)
{
	const struct publisher *p = c->publisher;
	return (struct steer_state){p->measured ? p->measured : c->built->map,
		p->load, c->built->geo};
}

void publish_now(struct control *c)
{
	struct publisher *p = c->publisher;
	int64_t now_ms = clock_ms(), begin_ns = clock_ns();
	int64_t begin_cpu_ns = clock_cpu_ns();
	struct replaced old = {.report = p->report};

	renew_lists(c, &old, now_ms);
	renew_load(c, &old, now_ms);
	thread_give_way();
	p->generation++;
	p->builds++;
	p->report = make_report(c, now_ms);
	snapshot_publish(&p->published,
		(struct snapshot){.generation = p->generation,
			.zones = c->built->zoneset,
			.steer = publish_state(c),
			.options = c->built->options,
			.report = p->report,
			.streams = p->stream_index,
			.pending_list = p->pending_list,
			.servers = p->servers,
			.transfers = c->built->transfers});
	free_replaced(&old);
	nodes_log_changes(c->nodes);
	p->build_ns = (uint64_t)(clock_ns() - begin_ns);
	p->builds_cpu_ns += (uint64_t)(clock_cpu_ns() - begin_cpu_ns);
}

/* -- adopting what was built -- */

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

static void renew_recording(struct control *c)
{
	struct record_world world = {.conf = c->built->conf,
		.map = c->built->map,
		.fleet = c->fleet,
		.on = c->built->options->record != 0};
	setting_renew(c->record, &world, clock_ms(), clock_wall_ms());
}

static void renew_dnstap(struct control *c)
{
	const struct conf *conf = c->built->conf;
	char host[HOST_NAME_MAX + 1] = "";
	const char *name = conf->dnstap.identity;

	if (!*name)
		name = conf->server_id;
	if (!*name && !gethostname(host, sizeof host))
		name = host;
	dnstap_set(c->dnstap, conf->dnstap.socket, name);
}

static void use_map(struct control *c)
{
	struct fleet_rules rules = rules_of(c->built->conf);
	fleet_set_map(c->fleet, c->built->map, &rules, clock_ms());
	learner_set_map(c->learner, c->built->map);
	c->publisher->maps++;
	schedule_feed(c);
	nodes_ask(c->nodes);
	moves_renumber(c);
	servers_renumber(c);
}

void publish_signing(struct control *c)
{
	struct zone_signing **zones =
		mem_zero(c->built->n_zones, sizeof(struct zone_signing *));
	unsigned n = 0;
	for (unsigned i = 0; i < c->built->n_zones; i++)
		if (c->built->signing[i])
			zones[n++] = c->built->signing[i];
	signer_serve(c->signer, zones, n);
	free(zones);
	keys_watch_show(c);
}

void publish_adopt(struct control *c, struct built *built, struct err *err)
{
	assert(built->zoneset && built->map && built->geo && built->options);
	struct built *old = c->built;
	log_set_json(built->conf->log == LOG_JSON);
	c->built = built;
	use_map(c);
	renew_recording(c);
	renew_dnstap(c);
	publish_now(c);
	publish_signing(c);
	threads_reconfigure(c->threads, built->conf, err);
	threads_certificate(c->threads, built->dot);
	transfers_use(threads_transfers(c->threads), built->transfers);
	build_free(old, built);
}

void publish_adopt_geo(struct control *c, struct geo *geo, struct map *map,
	struct geo_files files)
{
	assert(geo && map);
	struct geo *old_geo = c->built->geo;
	struct map *old_map = c->built->map;

	c->built->geo = geo;
	c->built->map = map;
	geo_files_free(&c->built->geo_files);
	c->built->geo_files = files;
	use_map(c);
	renew_recording(c);
	publish_now(c);
	geo_free(old_geo);
	map_free(old_map);
}

void publish_restored(struct control *c)
{
	c->restored = true;
	renew_recording(c);
	renew_dnstap(c);
	publish_now(c);
}

void publish_reloaded(struct control *c, const char *error)
{
	struct publisher *p = c->publisher;
	p->reloads++;
	p->reload_errors += *error != 0;
	p->reload_wall_ms = clock_wall_ms();
	free(p->reload_error);
	p->reload_error = mem_strdup(error);
}

/* -- begin and end -- */

void publish_open(struct control *c)
{
	struct fleet_rules rules = rules_of(c->built->conf);
	log_set_json(c->built->conf->log == LOG_JSON);
	c->publisher = mem_zero(1, sizeof *c->publisher);
	c->publisher->reload_error = mem_strdup("");
	c->fleet = fleet_new(&rules, c->start_ms);
	fleet_set_map(c->fleet, c->built->map, &rules, c->start_ms);
	c->learner = learner_new();
	learner_set_map(c->learner, c->built->map);
}

void publish_close(struct control *c)
{
	struct publisher *p = c->publisher;
	fleet_free(c->fleet);
	learner_free(c->learner);
	if (!p)
		return;
	map_free(p->measured);
	path_table_free(p->paths);
	load_free(p->load);
	report_free(p->report);
	free(p->traffic);
	free(p->signing);
	free(p->stream_index);
	free(p->stream_set);
	free(p->pending_list);
	servers_free(p->servers);
	free(p->published.now);
	free(p->reload_error);
	free(p);
}
