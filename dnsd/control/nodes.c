#include "control/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/faults.h"
#include "control/state.h"
#include "control/streams.h"
#include "control/viewers.h"
#include "fleet/fleet.h"
#include "replay/recorder.h"
#include "srs/poll.h"

#define AVOIDED_AGAIN_MS 600000
#define STREAMS_AGAIN_MS 500 /* streams are looked for beside the polls */

/* What the log knows of a node. */
struct node_logged {
	enum node_state state;
	int64_t avoided_ms; /* last said that it is avoided; 0: never */
};

struct nodes {
	struct control *control;
	void (*news)(struct control *c);
	struct poller *poller;
	struct streams *streams;  /* as the nodes reported */
	int64_t streams_asked_ms; /* beside the polls */
	struct faults *faults;    /* of what is asked of nodes */
	struct viewers *viewers;  /* their bits, from the lists of clients */
	/* As the log has it. */
	struct node_logged *logged; /* by node */
	unsigned n_logged;
	bool logged_blind;
};

/* -- what polls and probes say -- */

/* How a question to a node ended; why: as the log says it, NULL: well. */
static void note(
	struct nodes *n, unsigned node, enum fault_of what, const char *why)
{
	faults_note(n->faults, node, n->control->built->map->nodes[node].name,
		what, why);
}

/* Whether the state of a node is not what was published. */
static bool is_news(const struct nodes *n, uint32_t node)
{
	return node >= n->n_logged ||
		n->logged[node].state !=
		fleet_node(n->control->fleet, node)->health.state;
}

static void publish_if_news(struct nodes *n, uint32_t node)
{
	if (is_news(n, node))
		n->news(n->control);
}

/* A report that polls contradict is said. */
static void note_heartbeats(struct nodes *n, unsigned node, int64_t now_ms)
{
	char why[120];
	float reported = fleet_contradicted(n->control->fleet, node, now_ms);
	if (reported > 0)
		snprintf(why, sizeof why,
			"one reported %.0f connections, polls find fewer: they are ignored for 10 minutes",
			reported);
	note(n, node, FAULT_HEARTBEAT, reported > 0 ? why : NULL);
}

static void on_sample(void *arg, uint32_t node, const struct sample *sample)
{
	struct nodes *n = arg;
	struct control *c = n->control;
	int64_t now_ms = clock_ms();
	note(n, node, FAULT_POLL, NULL);
	fleet_sample(c->fleet, node, sample, now_ms);
	note_heartbeats(n, node, now_ms);
	publish_if_news(n, node);
	record_sample(c->record, node, sample, now_ms);
}

static void on_failed(
	void *arg, uint32_t node, enum sample_failure failure, const char *why)
{
	struct nodes *n = arg;
	struct control *c = n->control;
	int64_t now_ms = clock_ms();
	fleet_failed(c->fleet, node, failure, now_ms);
	record_failed(c->record, node, failure, now_ms);
	note(n, node, FAULT_POLL, why);
	if (fleet_node(c->fleet, node)->health.fails == 1 || is_news(n, node))
		n->news(c);
}

static void on_probed(void *arg, uint32_t node, enum poll_probe probe, bool ok,
	bool unreached, const char *why)
{
	struct nodes *n = arg;
	struct control *c = n->control;
	static const struct {
		enum health_probe kind;
		enum fault_of fault;
	} of[] = {[POLL_RTMP] = {HEALTH_RTMP, FAULT_RTMP},
		[POLL_FLV] = {HEALTH_FLV, FAULT_FLV},
		[POLL_STREAM] = {HEALTH_STREAM, FAULT_FLV},
		[POLL_SRT] = {HEALTH_SRT, FAULT_SRT},
		[POLL_WHEP] = {HEALTH_WHEP, FAULT_WHEP}};
	enum health_probe kind = of[probe].kind;
	int64_t now_ms = clock_ms();
	enum health_probed how = ok ? HEALTH_ANSWERED
		: unreached         ? HEALTH_UNREACHED
				    : HEALTH_FAILED;
	fleet_probed(c->fleet, node, kind, how, now_ms);
	record_probed(c->record, node, kind, how, now_ms);
	note(n, node, of[probe].fault, ok ? NULL : why);
	publish_if_news(n, node);
}

static void on_dropped(void *arg, unsigned node, float share)
{
	struct nodes *n = arg;
	struct control *c = n->control;
	if (c->built->map->nodes[node].name)
		fleet_dropped(c->fleet, node, share, clock_ms());
}

static void on_streams(
	void *arg, uint32_t node, struct stream_list *list, const char *why)
{
	struct nodes *n = arg;
	struct control *c = n->control;
	note(n, node, FAULT_STREAMS, list ? NULL : why);
	if (!list)
		return;
	if (list->left_out != streams_left_out(n->streams, node))
		log_info(
			"node %s: %u streams cannot be read and are left out%s%s",
			c->built->map->nodes[node].name, list->left_out,
			*list->why ? ": " : "", list->why);
	streams_take(n->streams, node, list, clock_ms(), on_dropped, n);
}

static void on_clients(
	void *arg, uint32_t node, struct client_list *list, const char *why)
{
	struct nodes *n = arg;
	note(n, node, FAULT_CLIENTS, list ? NULL : why);
	if (list)
		viewers_take(n->viewers, n->control, node, list);
}

/* -- what is asked -- */

static void watch_node(struct control *c, const struct poll_target *target)
{
	const char *const probed[HEALTH_PROBES] = {[HEALTH_RTMP] = target->rtmp,
		[HEALTH_FLV] = target->flv,
		[HEALTH_SRT] = target->srt,
		[HEALTH_WHEP] = target->whep};
	bool any = false;
	for (unsigned i = 0; i < HEALTH_PROBES; i++) {
		any |= probed[i] != NULL;
		if (!probed[i])
			fleet_unprobed(c->fleet, target->node, i);
	}
	fleet_watch(c->fleet, target->node, target->api != NULL, any);
}

void nodes_ask(struct nodes *n)
{
	const struct control *c = n->control;
	const struct map *map = c->built->map;
	const struct conf *conf = c->built->conf;
	struct poll_target *targets = mem_zero(conf->n_nodes, sizeof *targets);

	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[i];
		targets[i] = (struct poll_target){.node = map->of_conf[i],
			.api = node->api,
			.api_token = node->api_token,
			.rtmp = node->rtmp,
			.flv = node->flv,
			.srt = node->srt,
			.whep = node->whep,
			.source = node->role == ROLE_ORIGIN,
			.pulls = node->role == ROLE_EDGE,
			.streams = node->role != ROLE_EDGE ||
				map->nodes[map->of_conf[i]].of_streams};
		watch_node(n->control, &targets[i]);
	}
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (!map->nodes[i].name) {
			streams_forget(n->streams, i);
			faults_forget(n->faults, i);
			viewers_forget(n->viewers, i);
		}
	poll_set(n->poller, targets, conf->n_nodes,
		(unsigned)(conf->health.interval_s * 1000),
		(unsigned)(conf->health.timeout_s * 1000));
	poll_clients(n->poller, (unsigned)conf->health.clients_s * 1000);
	free(targets);
}

/* -- the log -- */

/* A node that is tried again now and then is not logged each time. */
static void log_avoided(struct nodes *n, unsigned node)
{
	const struct control *c = n->control;
	int64_t now_ms = clock_ms(), *at_ms = &n->logged[node].avoided_ms;
	const char *why = fleet_avoided(c->fleet, node, now_ms);
	if (!*why || (*at_ms && now_ms - *at_ms < AVOIDED_AGAIN_MS))
		return;
	log_warn("node %s: gets few viewers: %s",
		c->built->map->nodes[node].name, why);
	*at_ms = now_ms;
}

void nodes_log_changes(struct nodes *n)
{
	const struct control *c = n->control;
	const struct map *map = c->built->map;
	bool blind = fleet_is_blind(c->fleet);

	if (n->n_logged < map->n_nodes)
		n->logged =
			mem_grow(n->logged, map->n_nodes * sizeof *n->logged);
	for (; n->n_logged < map->n_nodes; n->n_logged++)
		n->logged[n->n_logged] =
			(struct node_logged){.state = NODE_UNKNOWN};
	for (unsigned i = 0; i < map->n_nodes; i++) {
		const struct health *h = &fleet_node(c->fleet, i)->health;
		if (!map->nodes[i].name)
			continue;
		log_avoided(n, i);
		if (n->logged[i].state == h->state)
			continue;
		log_info("node %s: %s -> %s%s%s", map->nodes[i].name,
			node_states[n->logged[i].state], node_states[h->state],
			*h->why ? ": " : "", h->why);
		n->logged[i].state = h->state;
		if (h->state == NODE_DOWN)
			streams_forget(n->streams, i);
	}
	if (blind != n->logged_blind)
		log_warn(
			blind ? "network suspect: most nodes time out, the last good states are held"
			      : "network suspect no longer");
	n->logged_blind = blind;
}

/* -- calls -- */

void nodes_heartbeat(struct control *c, struct call *call)
{
	if (call->index < c->built->map->n_nodes)
		fleet_raise(
			c->fleet, call->index, call->connections, clock_ms());
	call_answer(call, CALL_KEPT, NULL);
}

void nodes_find_streams(struct control *c, struct call *call)
{
	struct nodes *n = c->nodes;
	int64_t now_ms = clock_ms();
	if (now_ms - n->streams_asked_ms >= STREAMS_AGAIN_MS) {
		n->streams_asked_ms = now_ms;
		poll_streams_now(n->poller);
	}
	call_answer(call, CALL_KEPT, NULL);
}

/* -- begin and end -- */

struct streams *nodes_streams(struct nodes *n)
{
	return n->streams;
}

struct nodes *nodes_new(
	struct control *c, unsigned most, void (*news)(struct control *c))
{
	struct nodes *n = mem_zero(1, sizeof *n);
	struct poll_events events = {.arg = n,
		.sample = on_sample,
		.failed = on_failed,
		.probed = on_probed,
		.streams = on_streams,
		.clients = on_clients};

	n->control = c;
	n->news = news;
	n->streams = streams_new();
	n->faults = faults_new();
	n->viewers = viewers_new();
	n->poller = poll_new(c->base, &events);
	poll_limit(n->poller, most);
	return n;
}

void nodes_free(struct nodes *n)
{
	if (!n)
		return;
	poll_free(n->poller);
	streams_free(n->streams);
	faults_free(n->faults);
	viewers_free(n->viewers);
	free(n->logged);
	free(n);
}
