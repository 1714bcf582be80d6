/* GET /metrics: OpenMetrics text. */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/handlers.h"
#include "http/request.h"
#include "snapshot/report.h"
#include "snapshot/servers.h"
#include "transfer/secondary_status.h"

typedef double node_value(const struct report_node *node);

static void head(
	struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# TYPE dnsd_%s %s\n# HELP dnsd_%s %s\n", name, type,
		name, help);
}

static void queries(struct buf *out, const struct answer_counters *c)
{
	static const char *const transport[COUNT_TRANSPORTS] = {
		"udp", "tcp", "tls"};
	static const char *const family[] = {"ipv4", "ipv6"};
	static const char *const rcode[COUNT_RCODES] = {"NOERROR", "FORMERR",
		"SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
		"YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "BADVERS"};

	head(out, "queries", "counter", "Queries received.");
	for (int t = 0; t < COUNT_TRANSPORTS; t++)
		for (int f = 0; f < 2; f++)
			buf_printf(out,
				"dnsd_queries_total{transport=\"%s\",family=\"%s\"} %llu\n",
				transport[t], family[f],
				(unsigned long long)c->queries[t][f]);
	head(out, "query_types", "counter", "Queries by type.");
	for (int i = 0; i < COUNT_TYPES; i++)
		buf_printf(out, "dnsd_query_types_total{type=\"%s\"} %llu\n",
			count_type_text((enum count_type)i),
			(unsigned long long)c->types[i]);
	head(out, "responses", "counter", "Responses by rcode.");
	for (int i = 0; i < COUNT_RCODES; i++)
		buf_printf(out, "dnsd_responses_total{rcode=\"%s\"} %llu\n",
			rcode[i], (unsigned long long)c->rcodes[i]);
}

static void simple(struct buf *out, const char *name, const char *type,
	const char *help, double value)
{
	head(out, name, type, help);
	buf_printf(out, "dnsd_%s%s %.15g\n", name,
		strcmp(type, "counter") ? "" : "_total", value);
}

static void answers_metrics(struct buf *out, const struct report *r)
{
	const struct answer_counters *c = &r->counters;
	simple(out, "dropped", "counter", "Packets that got no response.",
		(double)c->dropped);
	simple(out, "truncated", "counter", "Responses with TC.",
		(double)c->truncated);
	simple(out, "rrl_dropped", "counter",
		"Those of the dropped that were beyond the limit of their network.",
		(double)c->rrl_dropped);
	simple(out, "rrl_truncated", "counter",
		"Those of the responses with TC that were beyond the limit of their network.",
		(double)c->rrl_truncated);
	simple(out, "ecs_queries", "counter", "Queries with a client subnet.",
		(double)c->with_ecs);
	simple(out, "cookies_good", "counter",
		"Queries with a valid server cookie.", (double)c->cookies_ok);
	simple(out, "cookies_bad", "counter",
		"Queries with an invalid server cookie.",
		(double)c->cookies_bad);
	simple(out, "proxy_bad", "counter",
		"Packets and connections of proxies without a good PROXY header.",
		(double)c->proxy_bad);
	simple(out, "tcp_connections", "gauge", "TCP connections open.",
		r->tcp_connections);
	simple(out, "tls_connections", "gauge",
		"Those of them that are of DNS over TLS.", r->tls_connections);
	head(out, "tls_handshakes", "counter",
		"Handshakes of DNS over TLS, by how they ended.");
	buf_printf(out,
		"dnsd_tls_handshakes_total{result=\"full\"} %llu\n"
		"dnsd_tls_handshakes_total{result=\"resumed\"} %llu\n"
		"dnsd_tls_handshakes_total{result=\"failed\"} %llu\n",
		(unsigned long long)c->tls_full,
		(unsigned long long)c->tls_resumed,
		(unsigned long long)c->tls_failed);
	if (r->tls_end_s)
		simple(out, "tls_certificate_expires_seconds", "gauge",
			"Until the certificate of DNS over TLS expires.",
			(double)r->tls_end_s - (double)clock_wall_ms() / 1000);
}

/* If there are interfaces of AF_XDP. */
static void xdp_metrics(struct buf *out, const struct report *r)
{
	if (!r->n_xdp)
		return;
	head(out, "xdp_on", "gauge",
		"Whether queries of the interface are answered by AF_XDP.");
	for (unsigned i = 0; i < r->n_xdp; i++)
		buf_printf(out, "dnsd_xdp_on{interface=\"%s\"} %d\n",
			r->xdp[i].name, !*r->xdp[i].why);
	head(out, "xdp_received", "counter", "Frames that came to AF_XDP.");
	for (unsigned i = 0; i < r->n_xdp; i++)
		buf_printf(out,
			"dnsd_xdp_received_total{interface=\"%s\"} %llu\n",
			r->xdp[i].name, (unsigned long long)r->xdp[i].received);
	head(out, "xdp_answered", "counter", "Replies sent by AF_XDP.");
	for (unsigned i = 0; i < r->n_xdp; i++)
		buf_printf(out,
			"dnsd_xdp_answered_total{interface=\"%s\"} %llu\n",
			r->xdp[i].name, (unsigned long long)r->xdp[i].answered);
}

/* Those of them that no reply can be made of, by why. */
static void xdp_dropped(struct buf *out, const struct report *r)
{
	static const char form[] =
		"dnsd_xdp_dropped_total{interface=\"%s\",why=\"%s\"} %llu\n";

	if (r->n_xdp)
		head(out, "xdp_dropped", "counter",
			"Frames of AF_XDP that were dropped, by why.");
	for (unsigned i = 0; i < r->n_xdp; i++) {
		const struct report_xdp *x = &r->xdp[i];
		buf_printf(out, form, x->name, "checksum",
			(unsigned long long)x->bad_checksum);
		buf_printf(out, form, x->name, "malformed",
			(unsigned long long)x->malformed);
		buf_printf(out, form, x->name, "no_room",
			(unsigned long long)x->no_room);
	}
}

static void control_metrics(struct buf *out, const struct report *r)
{
	simple(out, "snapshot_builds", "counter", "Snapshots published.",
		(double)r->builds);
	simple(out, "snapshot_build_seconds", "gauge",
		"Time that the last snapshot took.", (double)r->build_ns / 1e9);
	simple(out, "snapshot_builds_cpu_seconds", "counter",
		"Processor time that snapshots took.",
		(double)r->builds_cpu_ns / 1e9);
	simple(out, "snapshot_age_seconds", "gauge",
		"Since the snapshot in service was made.",
		(double)(clock_ms() - r->now_ms) / 1000);
	simple(out, "reloads", "counter", "Reloads tried.", (double)r->reloads);
	simple(out, "reload_errors", "counter", "Reloads refused.",
		(double)r->reload_errors);
	simple(out, "uptime_seconds", "gauge", "Since start.",
		(double)(clock_ms() - r->start_ms) / 1000);
	simple(out, "network_suspect", "gauge",
		"1 while most nodes time out and the last good states are held.",
		r->blind);
}

static void copies_metrics(struct buf *out, const struct report *r)
{
	simple(out, "record_dropped", "counter",
		"Answers that could not be recorded.",
		(double)r->record_dropped);
	simple(out, "record_bytes", "counter", "Bytes recorded.",
		(double)r->record_bytes);
	simple(out, "dnstap_frames", "counter",
		"Queries and responses sent to the reader of dnstap.",
		(double)r->dnstap_frames);
	simple(out, "dnstap_dropped", "counter",
		"Queries and responses that it did not take.",
		(double)r->dnstap_dropped);
	simple(out, "dnstap_connected", "gauge",
		"1 while there is a reader of dnstap.", r->dnstap_connected);
}

static void signatures_metrics(struct buf *out, const struct report *r)
{
	simple(out, "signatures", "counter", "Signatures of DNSSEC made.",
		(double)r->signatures);
	simple(out, "signatures_lost", "counter",
		"Signatures that answers asked for when too many were.",
		(double)r->signatures_lost);
	simple(out, "signatures_waiting_names", "gauge",
		"Names of signed zones that are not signed for now.",
		r->signatures_to_do);
	simple(out, "signatures_late", "gauge",
		"1 while signatures in use are about to expire.",
		r->signatures_late);
	if (r->signatures_end_s)
		simple(out, "signatures_expire_seconds", "gauge",
			"Until the first signature in use expires.",
			(double)r->signatures_end_s -
				(double)clock_wall_ms() / 1000);
}

static void paths_metrics(struct buf *out, const struct report *r)
{
	simple(out, "path_reports", "counter",
		"Networks whose paths nodes or players reported.",
		(double)r->path_reports);
	simple(out, "path_reports_taken", "counter",
		"Those of them that were learned from.",
		(double)r->path_reports_taken);
	simple(out, "path_areas", "gauge",
		"Areas of clients whose paths are known.", r->path_areas);
	simple(out, "paths", "gauge",
		"Areas and nodes between which a path is known.", r->paths);
	simple(out, "paths_bad", "gauge",
		"Those of them that are much worse than by distance.",
		r->paths_bad);
}

static void transfers_metrics(struct buf *out, const struct report *r)
{
	head(out, "transfers", "counter",
		"Zones sent to other name servers, by how it ended.");
	buf_printf(out,
		"dnsd_transfers_total{result=\"done\"} %llu\n"
		"dnsd_transfers_total{result=\"refused\"} %llu\n"
		"dnsd_transfers_total{result=\"failed\"} %llu\n",
		(unsigned long long)r->transfers_done,
		(unsigned long long)r->transfers_refused,
		(unsigned long long)r->transfers_failed);
	simple(out, "transfers_running", "gauge", "Zones being sent.",
		r->transfers_running);
	simple(out, "transfer_records", "counter", "Records of zones sent.",
		(double)r->transfer_records);
	head(out, "notifies", "counter",
		"Times that a name server was to get a NOTIFY of a new serial.");
	buf_printf(out,
		"dnsd_notifies_total{result=\"answered\"} %llu\n"
		"dnsd_notifies_total{result=\"unanswered\"} %llu\n",
		(unsigned long long)r->notifies_answered,
		(unsigned long long)r->notifies_unanswered);
}

/* Zones of other name servers. */
static void secondaries_metrics(struct buf *out, const struct report *r)
{
	int64_t now_s = clock_wall_ms() / 1000;

	head(out, "secondary_left_seconds", "gauge",
		"Until a zone of another name server expires; 0: it is not answered from.");
	for (unsigned i = 0; i < r->n_secondaries; i++) {
		const struct secondary_status *z = &r->secondaries[i];
		int64_t left_s = z->here ? z->until_s - now_s : 0;
		buf_printf(out,
			"dnsd_secondary_left_seconds{zone=\"%s\"} %lld\n",
			z->zone, (long long)(left_s > 0 ? left_s : 0));
	}
	head(out, "secondary_current", "gauge",
		"1 if a primary answered the last time and nothing is wrong.");
	for (unsigned i = 0; i < r->n_secondaries; i++)
		buf_printf(out, "dnsd_secondary_current{zone=\"%s\"} %d\n",
			r->secondaries[i].zone, !*r->secondaries[i].why);
	head(out, "secondary_transfers", "counter",
		"Zones that came from other name servers; failed: no primary answered, or what came was not taken.");
	for (unsigned i = 0; i < r->n_secondaries; i++) {
		const struct secondary_status *z = &r->secondaries[i];
		buf_printf(out,
			"dnsd_secondary_transfers_total{zone=\"%s\",result=\"done\"} %llu\n"
			"dnsd_secondary_transfers_total{zone=\"%s\",result=\"failed\"} %llu\n",
			z->zone, (unsigned long long)z->transfers, z->zone,
			(unsigned long long)z->failures);
	}
}

static void servers_metrics(struct buf *out, const struct servers *s)
{
	unsigned fresh = 0;
	for (unsigned i = 0; i < s->n_peers; i++)
		fresh += s->peer[i].fresh;
	simple(out, "etcd_connected", "gauge",
		"1 while there is a connection to etcd.", s->connected);
	simple(out, "etcd_pending", "gauge",
		"Changes made here that the other name servers do not have yet.",
		s->pending.all);
	head(out, "etcd_servers", "gauge",
		"Other name servers, by whether their word of the nodes counts.");
	buf_printf(out,
		"dnsd_etcd_servers{counted=\"1\"} %u\ndnsd_etcd_servers{counted=\"0\"} %u\n",
		fresh, s->n_peers - fresh);
}

static double node_answers(const struct report_node *n)
{
	return (double)n->answers;
}

static double node_line2(const struct report_node *n)
{
	return (double)n->line2;
}

static double node_only(const struct report_node *n)
{
	return (double)n->only;
}

static double node_doubted(const struct report_node *n)
{
	return (double)n->doubted;
}

static double node_samples(const struct report_node *n)
{
	return (double)n->samples;
}

static double node_failures(const struct report_node *n)
{
	return (double)n->failures;
}

static double node_age(const struct report_node *n)
{
	return n->sample_age_ms < 0 ? -1 : (double)n->sample_age_ms / 1000;
}

static double node_up(const struct report_node *n)
{
	return n->state == NODE_UP;
}

static double node_drained(const struct report_node *n)
{
	return n->state == NODE_DRAINED;
}

static double node_connections(const struct report_node *n)
{
	return n->connections;
}

static double node_utilisation(const struct report_node *n)
{
	return n->utilisation;
}

static double node_capacity(const struct report_node *n)
{
	return n->capacity;
}

static double node_reserved(const struct report_node *n)
{
	return n->reserved;
}

static double node_bandwidth(const struct report_node *n)
{
	return n->bandwidth_bps;
}

static double node_cpu(const struct report_node *n)
{
	return n->cpu;
}

static const struct {
	const char *name, *type, *help;
	node_value *value;
} per_node[] = {
	{"node_answers", "counter", "Answers that named the node.",
		node_answers},
	{"node_line2_questions", "counter",
		"Questions for line 2 or higher by clients that were sent to the node.",
		node_line2},
	{"node_only_lines", "counter",
		"Answers for a further line that named the node, since no other is alive.",
		node_only},
	{"node_doubted", "counter",
		"Times that its viewers left it, though it looked well.",
		node_doubted},
	{"node_samples", "counter", "Readable samples.", node_samples},
	{"node_failures", "counter", "Failed polls.", node_failures},
	{"node_sample_age_seconds", "gauge",
		"Age of the last sample, -1: none.", node_age},
	{"node_up", "gauge", "1 if the node is up.", node_up},
	{"node_drained", "gauge", "1 if the operator drained it.",
		node_drained},
	{"node_connections", "gauge", "Connections of the last sample.",
		node_connections},
	{"node_utilisation", "gauge",
		"Worst of connections, bandwidth and CPU, 1 is full.",
		node_utilisation},
	{"node_capacity", "gauge",
		"Viewers it is believed to carry, configured or more.",
		node_capacity},
	{"node_reserved", "gauge", "Viewers promised and not yet seen.",
		node_reserved},
	{"node_bandwidth_bits_per_second", "gauge", "Sent.", node_bandwidth},
	{"node_cpu_ratio", "gauge", "Share of one core.", node_cpu},
};

/* The role, to be joined: other series keep their name if it changes. */
static void node_info(struct buf *out, const struct report *r)
{
	head(out, "node_info", "gauge", "1, with the role of the node.");
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (r->nodes[i].name)
			buf_printf(out,
				"dnsd_node_info{node=\"%s\",role=\"%s\"} 1\n",
				r->nodes[i].name, r->nodes[i].role);
}

void api_metrics(struct request *r)
{
	const struct report *report = r->snap->report;
	struct buf out = {0};

	queries(&out, &report->counters);
	answers_metrics(&out, report);
	xdp_metrics(&out, report);
	xdp_dropped(&out, report);
	control_metrics(&out, report);
	copies_metrics(&out, report);
	signatures_metrics(&out, report);
	paths_metrics(&out, report);
	transfers_metrics(&out, report);
	secondaries_metrics(&out, report);
	if (r->snap->servers)
		servers_metrics(&out, r->snap->servers);
	node_info(&out, report);
	for (size_t i = 0; i < sizeof per_node / sizeof *per_node; i++) {
		bool counter = !strcmp(per_node[i].type, "counter");
		head(&out, per_node[i].name, per_node[i].type,
			per_node[i].help);
		for (unsigned k = 0; k < report->n_nodes; k++)
			if (report->nodes[k].name)
				buf_printf(&out,
					"dnsd_%s%s{node=\"%s\"} %.15g\n",
					per_node[i].name,
					counter ? "_total" : "",
					report->nodes[k].name,
					per_node[i].value(&report->nodes[k]));
	}
	buf_printf(&out, "# EOF\n");
	request_text(r,
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
		out.text, out.len);
	buf_fini(&out);
}
