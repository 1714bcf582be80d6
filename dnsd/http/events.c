#include "http/events.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/conns.h"
#include "http/handlers.h"
#include "http/json.h"
#include "http/request.h"
#include "http/status.h"
#include "snapshot/report.h"

#define UNSENT_MAX (1 << 20) /* bytes; a slower reader is closed */
#define UNREAD_MAX 4096      /* of what a reader sends us, which is nothing */
#define WRITE_S 10
#define TICK_MS 1000

struct stream {
	struct evhttp_request *ev;
	struct evhttp_connection *c;
};

/* What is shown of a node, as it is shown: a change that cannot be seen is
 * none. Compared as bytes, so made with memset. */
struct shown {
	const char *why;
	int64_t sampled_ms; /* since start; -1: never */
	uint64_t answers;
	int32_t state, connections, bandwidth_kbps, cpu_percent;
	int32_t utilisation;        /* 1/1000 */
	int32_t capacity, reserved; /* reserved: 1/10 */
};

struct events {
	struct published *published;
	struct event *tick;
	unsigned n;
	unsigned max;
	struct stream *stream; /* max */
	/* What all streams have been sent; of the inventory `maps`. */
	unsigned n_shown;
	struct shown *shown;
	uint64_t maps, traffic_round;
};

/* -- what is sent -- */

static void show(const struct report *report, unsigned i, struct shown *out)
{
	const struct report_node *node = &report->nodes[i];
	memset(out, 0, sizeof *out);
	if (!node->name)
		return;
	out->why = node->why;
	out->sampled_ms = node->sample_age_ms < 0
		? -1
		: report->now_ms - node->sample_age_ms - report->start_ms;
	out->answers = node->answers;
	out->state = (int32_t)node->state;
	out->connections = (int32_t)lroundf(node->connections);
	out->bandwidth_kbps = (int32_t)lroundf(node->bandwidth_bps / 1000);
	out->cpu_percent = (int32_t)lroundf(node->cpu * 100);
	out->utilisation = (int32_t)lroundf(node->utilisation * 1000);
	out->capacity = (int32_t)lroundf(node->capacity);
	out->reserved = (int32_t)lroundf(node->reserved * 10);
}

static const char *const columns[] = {"name", "state", "why", "connections",
	"bandwidth_kbps", "cpu_percent", "utilisation", "capacity", "reserved",
	"sampled_ms", "answers", "role", "site", "provider", "at", "addresses"};

static json_t *row_json(const struct report_node *node, const struct shown *s)
{
	return json_pack("[s, s, s, i, i, i, f, i, f, I, I]", node->name,
		node_states[s->state], s->why, (int)s->connections,
		(int)s->bandwidth_kbps, (int)s->cpu_percent,
		s->utilisation / 1000.0, (int)s->capacity, s->reserved / 10.0,
		(json_int_t)s->sampled_ms, (json_int_t)s->answers);
}

/* What changes only with the inventory stands behind. */
static void row_add_fixed(
	json_t *row, const struct report_node *node, const struct map_node *map)
{
	json_array_append_new(row, json_string(node->role));
	json_array_append_new(row, json_of_text(map->site_name));
	json_array_append_new(row, json_of_text(map->provider_name));
	json_array_append_new(row, json_of_place(map));
	json_array_append_new(row, json_of_addresses(map));
}

static int64_t since_start_ms(const struct report *report)
{
	return report->now_ms - report->start_ms;
}

static json_t *all_nodes(const struct snapshot *snap)
{
	const struct report *report = snap->report;
	json_t *list = json_array(), *names = json_array();
	struct shown s;

	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		json_array_append_new(names, json_string(columns[i]));
	for (unsigned i = 0; i < report->n_nodes; i++) {
		if (!report->nodes[i].name)
			continue;
		show(report, i, &s);
		json_t *row = row_json(&report->nodes[i], &s);
		row_add_fixed(
			row, &report->nodes[i], &snap->steer.map->nodes[i]);
		json_array_append_new(list, row);
	}
	return json_pack("{s:I, s:b, s:o, s:o}", "now_ms",
		(json_int_t)since_start_ms(report), "all", true, "columns",
		names, "nodes", list);
}

static json_t *changed_nodes(struct events *e, const struct report *report)
{
	json_t *list = json_array();
	struct shown s;

	for (unsigned i = 0; i < report->n_nodes && i < e->n_shown; i++) {
		if (!report->nodes[i].name)
			continue;
		show(report, i, &s);
		if (!memcmp(&s, &e->shown[i], sizeof s))
			continue;
		e->shown[i] = s;
		json_array_append_new(list, row_json(&report->nodes[i], &s));
	}
	return json_pack("{s:I, s:b, s:o}", "now_ms",
		(json_int_t)since_start_ms(report), "all", false, "nodes",
		list);
}

static json_t *traffic_json(const struct snapshot *snap)
{
	const struct report_traffic *traffic = snap->report->traffic;
	const struct report_node *nodes = snap->report->nodes;
	const struct map *map = snap->steer.map;
	json_t *list = json_array();

	for (unsigned i = 0; traffic && i < traffic->n; i++) {
		const struct report_flow *f = &traffic->flow[i];
		if (f->from >= map->n_nodes || f->to >= map->n_nodes ||
			!nodes[f->from].name || !nodes[f->to].name)
			continue;
		json_array_append_new(list,
			json_pack("[s, o, s, f]", nodes[f->from].name,
				json_of_place(&map->nodes[f->from]),
				nodes[f->to].name,
				round((double)f->viewers * 10) / 10));
	}
	return json_pack("{s:o}", "flows", list);
}

/* -- sending -- */

static void add_event(struct evbuffer *out, const char *event, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	evbuffer_add_printf(
		out, "event: %s\ndata: %s\n\n", event, text ? text : "null");
	free(text);
	json_decref(json);
}

static void add_all(struct evbuffer *out, const struct snapshot *snap)
{
	add_event(out, "nodes", all_nodes(snap));
	add_event(out, "status", status_json(snap, false));
	add_event(out, "flows", traffic_json(snap));
}

/* All streams know this much now. */
static void keep_shown(struct events *e, const struct report *report)
{
	e->maps = report->maps;
	e->traffic_round = report->traffic ? report->traffic->round : 0;
	if (e->n_shown != report->n_nodes) {
		e->n_shown = report->n_nodes;
		e->shown = mem_grow(e->shown,
			(e->n_shown ? e->n_shown : 1) * sizeof *e->shown);
	}
	for (unsigned i = 0; i < e->n_shown; i++)
		show(report, i, &e->shown[i]);
}

static void add_news(
	struct events *e, struct evbuffer *out, const struct snapshot *snap)
{
	const struct report *report = snap->report;
	uint64_t round = report->traffic ? report->traffic->round : 0;

	if (report->maps != e->maps || report->n_nodes != e->n_shown) {
		add_all(out, snap);
		keep_shown(e, report);
		return;
	}
	add_event(out, "nodes", changed_nodes(e, report));
	add_event(out, "status", status_json(snap, false));
	if (round != e->traffic_round)
		add_event(out, "flows", traffic_json(snap));
	e->traffic_round = round;
}

/* evhttp gives up a request whose peer is gone: then it is ours to free. */
void events_closed(struct events *e, struct evhttp_connection *c)
{
	for (unsigned i = 0; i < e->n; i++) {
		struct evhttp_request *ev = e->stream[i].ev;
		if (e->stream[i].c != c)
			continue;
		if (!evhttp_request_get_connection(ev))
			evhttp_request_free(ev);
		e->stream[i] = e->stream[--e->n];
		break;
	}
	if (!e->n)
		event_del(e->tick);
}

static size_t unsent(const struct stream *stream)
{
	struct bufferevent *b = evhttp_connection_get_bufferevent(stream->c);
	return evbuffer_get_length(bufferevent_get_output(b));
}

static void send_to(const struct stream *stream, struct evbuffer *text)
{
	struct evbuffer *own = evbuffer_new();
	evbuffer_add(own, evbuffer_pullup(text, -1), evbuffer_get_length(text));
	evhttp_send_reply_chunk(stream->ev, own);
	evbuffer_free(own);
}

static void on_events_tick(evutil_socket_t fd, short what, void *arg)
{
	struct events *e = arg;
	struct evbuffer *text = evbuffer_new();

	add_news(e, text, snapshot_acquire(e->published));
	snapshot_release(e->published);
	for (unsigned i = e->n; i-- > 0;) { /* closing one moves the last */
		if (unsent(&e->stream[i]) > UNSENT_MAX)
			evhttp_connection_free(e->stream[i].c);
		else
			send_to(&e->stream[i], text);
	}
	evbuffer_free(text);
}

/* -- streams -- */

/* A stream may be silent for as long as it likes, and says nothing after its
 * request; but it must take what it is sent. */
static void set_limits(struct evhttp_connection *c)
{
	struct bufferevent *b = evhttp_connection_get_bufferevent(c);
	struct timeval write = {WRITE_S, 0};
	bufferevent_set_timeouts(b, NULL, &write);
	bufferevent_setwatermark(b, EV_READ, 0, UNREAD_MAX);
}

static void open_stream(struct events *e, struct request *r)
{
	struct evbuffer *text = evbuffer_new();
	struct timeval tick = {TICK_MS / 1000, TICK_MS % 1000 * 1000};
	struct stream *stream = &e->stream[e->n++];

	*stream = (struct stream){r->ev, evhttp_request_get_connection(r->ev)};
	if (e->n == 1) {
		keep_shown(e, r->snap->report);
		event_add(e->tick, &tick);
	}
	conns_stream(r->ev);
	evhttp_send_reply_start(r->ev, 200, "OK");
	set_limits(stream->c);
	evbuffer_add_printf(text, "retry: 2000\n\n");
	add_all(text, r->snap);
	evhttp_send_reply_chunk(r->ev, text);
	evbuffer_free(text);
}

void api_events(struct request *r)
{
	struct events *e = r->http->events;

	if (e->n == e->max) {
		request_error(r, 503, "there are %u streams", e->max);
		return;
	}
	request_header(r, "Content-Type", "text/event-stream");
	request_header(r, "Cache-Control", "no-store");
	request_header(r, "X-Content-Type-Options", "nosniff");
	if (evhttp_request_get_command(r->ev) != EVHTTP_REQ_HEAD) {
		open_stream(e, r);
		return;
	}
	conns_answered(r->ev);
	evhttp_send_reply(r->ev, 200, "OK", NULL);
}

struct events *events_new(
	struct event_base *base, struct published *published, unsigned max)
{
	struct events *e = mem_zero(1, sizeof *e);
	e->published = published;
	e->max = max;
	e->stream = mem_zero(max, sizeof *e->stream);
	e->tick = event_new(base, -1, EV_PERSIST, on_events_tick, e);
	return e;
}

void events_free(struct events *e)
{
	event_free(e->tick);
	free(e->shown);
	free(e->stream);
	free(e);
}
