#include "client/try.h"

#include <string.h>

#include "client/lines.h"
#include "client/query.h"
#include "fleet/stability.h"
#include "steer/explain.h"

static bool try_query(const struct try_question *q, struct steer_query *query,
	unsigned *scope, struct err *err)
{
	struct map_match match;
	struct prefix prefix;

	if (!map_match(q->state->map, q->name, &match))
		return err_add(err, "%s is not a steered name", q->name);
	if (!prefix_parse(&prefix, q->client, false))
		return err_add(err, "'%s' is not ADDRESS or ADDRESS/LENGTH",
			q->client);
	*scope = query_make(q->state, &match, &prefix, query);
	return true;
}

static void print_addresses(
	const struct map *map, const struct steer_decision *d, struct buf *out)
{
	char text[ADDR_TEXT_MAX];
	buf_printf(out, "answer");
	for (unsigned i = 0; i < d->n; i++) {
		const struct map_node *node = &map->nodes[d->node[i]];
		for (unsigned k = 0; k < node->n4 + node->n6; k++)
			buf_printf(
				out, " %s", addr_text(&node->address[k], text));
	}
	buf_printf(out, "\n");
}

static void print_stability(const struct steer_state *state,
	const struct steer_trace *trace, int64_t now_ms, struct buf *out)
{
	char line[EXPLAIN_LINE_MAX];
	for (unsigned i = 0; i < trace->n; i++) {
		unsigned node = trace->candidate[i].node;
		stability_text(&state->load->stability[node], now_ms, line,
			sizeof line);
		buf_printf(out, "stability %s %s\n",
			state->map->nodes[node].name, line);
	}
}

bool try_explain(const struct try_question *q, struct buf *out, struct err *err)
{
	const struct steer_state *state = q->state;
	struct steer_query query;
	struct steer_decision d;
	struct steer_trace trace;
	char line[EXPLAIN_LINE_MAX];
	unsigned scope = 0;

	if (!try_query(q, &query, &scope, err))
		return false;
	steer_decide(state, q->accounts, &query, q->now_ms, &d, &trace);
	buf_printf(out, "name %s line %u policy %s\n",
		state->map->names[query.name].name, query.line,
		conf_policies[state->map->names[query.name].policy]);
	explain_client(state, &query, line);
	buf_printf(out, "%s\n", line);
	for (unsigned i = 0; i < trace.n; i++) {
		explain_candidate(state, &trace.candidate[i], line);
		buf_printf(out, "candidate %s\n", line);
	}
	if (state->map->names[query.name].policy == POLICY_STABLE &&
		state->load->stability)
		print_stability(state, &trace, q->now_ms, out);
	explain_pick(state, &d, &trace, scope, line);
	buf_printf(out, "%s\n", line);
	print_addresses(state->map, &d, out);
	return true;
}

bool try_lines(const struct try_question *q, const char *format,
	const char *stream, struct buf *out, struct err *err)
{
	bool settings = !strcmp(format, "site_settings");
	char url[LINES_STREAM_MAX];
	struct steer_query query;
	unsigned scope = 0;

	if (!try_query(q, &query, &scope, err))
		return false;
	if (!settings && strcmp(format, "json"))
		return err_add(err, "the format is json or site_settings");
	if (stream && !lines_stream(stream, url))
		return err_add(err, "'%.60s' is not app/stream", stream);
	struct lines_for of = {.state = q->state,
		.accounts = q->accounts,
		.query = &query,
		.scope = scope,
		.stream = stream ? url : NULL,
		.now_ms = q->now_ms};
	lines_write(&of, settings ? LINES_SITE_SETTINGS : LINES_JSON, out);
	return true;
}
