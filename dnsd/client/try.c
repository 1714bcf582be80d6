#include "client/try.h"

#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/words.h"
#include "client/decision.h"
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
	struct columns t;

	columns_begin(&t, "ll");
	for (unsigned i = 0; i < trace->n; i++) {
		unsigned node = trace->candidate[i].node;
		stability_text(&state->load->stability[node], now_ms, line,
			sizeof line);
		columns_add(&t, "stability %s", state->map->nodes[node].name);
		columns_add(&t, "%s", line);
	}
	columns_end(&t, out);
	buf_printf(out, "\n");
}

static void add_path(const struct steer_candidate *c, struct columns *t)
{
	char age[WORDS_TEXT_MAX];
	if (c->known)
		columns_add(t,
			"%.1f ms, measured (%u networks, %s ago, loss %.1f %%)",
			c->path_ms, c->known->networks,
			words_duration(age, c->known_age_ms / 1000),
			c->known->loss * 100);
	else
		columns_add(t, "%.1f ms, by %s", c->path_ms,
			c->by_others ? "other paths" : "distance");
}

static void print_candidates(const struct steer_state *state,
	const struct steer_trace *trace, struct buf *out)
{
	static const char *const heads[] = {"node", "state", "cost", "load",
		"in flight", "price", "penalty", "path", ""};
	struct columns t;

	columns_begin(&t, "llrrrrrll");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		columns_add(&t, "%s", heads[i]);
	for (unsigned i = 0; i < trace->n; i++) {
		const struct steer_candidate *c = &trace->candidate[i];
		columns_add(&t, "%s", state->map->nodes[c->node].name);
		columns_add(&t, "%s", node_states[c->state]);
		columns_add(&t, "%.1f ms", c->cost_ms);
		columns_add(&t, "%.0f %%", c->used * 100);
		columns_add(&t, "%.1f", c->reserved);
		columns_add(&t, "%.1f ms", c->price_ms);
		columns_add(&t, "%.0f ms", c->penalty_ms);
		add_path(c, &t);
		columns_add(&t, "%s", c->earlier ? "an earlier line's" : "");
	}
	columns_end(&t, out);
}

/* What both forms need. False with a message. */
static bool try_decide(const struct try_question *q, struct steer_query *query,
	unsigned *scope, struct steer_decision *decision,
	struct steer_trace *trace, struct err *err)
{
	if (!try_query(q, query, scope, err))
		return false;
	steer_decide(q->state, q->accounts, query, q->now_ms, decision, trace);
	return true;
}

bool try_explain(const struct try_question *q, struct buf *out, struct err *err)
{
	const struct steer_state *state = q->state;
	struct steer_query query;
	struct steer_decision d;
	struct steer_trace trace;
	char line[EXPLAIN_LINE_MAX];
	unsigned scope = 0;

	if (!try_decide(q, &query, &scope, &d, &trace, err))
		return false;
	const struct map_name *name = &state->map->names[query.name];
	buf_printf(out, "%s, line %u, policy %s\n", name->name, query.line,
		conf_policies[name->policy]);
	explain_client(state, &query, line);
	buf_printf(out, "%s\n\n", line);
	print_candidates(state, &trace, out);
	buf_printf(out, "\n");
	if (name->policy == POLICY_STABLE && state->load->stability)
		print_stability(state, &trace, q->now_ms, out);
	explain_pick(state, &d, &trace, scope, line);
	buf_printf(out, "%s\n", line);
	print_addresses(state->map, &d, out);
	return true;
}

bool try_json(const struct try_question *q, struct buf *out, struct err *err)
{
	struct steer_query query;
	struct steer_decision d;
	struct steer_trace trace;
	struct decision_of of = {.state = q->state,
		.name = q->name,
		.query = &query,
		.decision = &d,
		.trace = &trace};

	if (!try_decide(q, &query, &of.scope, &d, &trace, err))
		return false;
	json_t *json = decision_json(&of);
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	buf_printf(out, "%s\n", text ? text : "null");
	free(text);
	json_decref(json);
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
