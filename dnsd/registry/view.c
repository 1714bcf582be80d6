#include "registry/view.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define VIEW_NODES_MAX 65535
#define RUN_MAX ((int64_t)1 << 53)

const char *const view_states[] = {"up", "unknown", "down"};

/* -- reading -- */

static bool is_between(const json_t *json, double least, double most)
{
	double v = json_number_value(json);
	return json_is_number(json) && v >= least && v <= most;
}

static int state_of(const json_t *json)
{
	const char *text = json_string_value(json);
	for (int i = 0; text && i <= VIEW_DOWN; i++)
		if (!strcmp(text, view_states[i]))
			return i;
	return -1;
}

/* The number of a reason; 0 if there are too many, or it is too long. */
static uint8_t reason_of(struct view *v, const char *text)
{
	if (!text || !*text || strlen(text) >= VIEW_REASON_MAX)
		return 0;
	for (unsigned i = 1; i < v->n_reasons; i++)
		if (!strcmp(v->reasons[i], text))
			return (uint8_t)i;
	if (v->n_reasons == VIEW_REASONS)
		return 0;
	strcpy(v->reasons[v->n_reasons], text);
	return (uint8_t)v->n_reasons++;
}

static bool read_node(struct view *v, const char *name, const json_t *json,
	int node, struct err *err)
{
	const json_t *at[6];
	for (size_t i = 0; i < 6; i++)
		at[i] = json_array_get(json, i);
	int state = state_of(at[0]);
	if (state < 0 || !is_between(at[1], 0, 1e9) ||
		!is_between(at[2], -1, 1e9) || !is_between(at[3], 0, 1e6) ||
		!is_between(at[4], 0, 1e9))
		return err_add(err,
			"nodes: '%.63s' is not [state, since, age, round trip, connections, why]",
			name);
	v->node[v->n++] = (struct view_node){.node = (uint32_t)node,
		.state = (uint8_t)state,
		.reason = reason_of(v, json_string_value(at[5])),
		.since_s = (int32_t)json_number_value(at[1]),
		.sample_age_ms = (int32_t)json_number_value(at[2]),
		.rtt_ms = (float)json_number_value(at[3]),
		.connections = (float)json_number_value(at[4])};
	return true;
}

static int by_node(const void *a, const void *b)
{
	const struct view_node *x = a, *y = b;
	return x->node < y->node ? -1 : x->node > y->node;
}

static bool read_nodes(struct view *v, json_t *nodes, view_find *find,
	const void *arg, struct err *err)
{
	for (void *at = json_object_iter(nodes); at;
		at = json_object_iter_next(nodes, at)) {
		const char *name = json_object_iter_key(at);
		int node = find(arg, name);
		if (node >= 0 &&
			!read_node(
				v, name, json_object_iter_value(at), node, err))
			return false;
	}
	if (v->n)
		qsort(v->node, v->n, sizeof *v->node, by_node);
	return true;
}

static struct view *read_view(
	json_t *json, view_find *find, const void *arg, struct err *err)
{
	json_t *nodes = json_object_get(json, "nodes");
	const json_t *every = json_object_get(json, "every_ms");
	const json_t *run = json_object_get(json, "run");
	size_t n = json_object_size(nodes);

	if (!json_is_object(nodes) || n > VIEW_NODES_MAX ||
		!is_between(every, VIEW_EVERY_MIN_MS, VIEW_EVERY_MAX_MS) ||
		!is_between(run, 0, (double)RUN_MAX)) {
		err_add(err, "no view: run, every_ms or nodes is wrong");
		return NULL;
	}
	struct view *v = mem_zero(1, sizeof *v + n * sizeof *v->node);
	v->run = (uint64_t)json_number_value(run);
	v->every_ms = (unsigned)json_number_value(every);
	v->suspect = json_is_true(json_object_get(json, "suspect"));
	v->n_reasons = v->users = 1;
	if (read_nodes(v, nodes, find, arg, err))
		return v;
	free(v);
	return NULL;
}

struct view *view_parse(
	const char *text, view_find *find, const void *arg, struct err *err)
{
	json_t *json = json_loads(text, 0, NULL);
	struct view *v = NULL;
	if (json_is_object(json))
		v = read_view(json, find, arg, err);
	else
		err_add(err, "not a JSON object");
	json_decref(json);
	return v;
}

const struct view *view_keep(const struct view *v)
{
	((struct view *)v)->users++;
	return v;
}

void view_drop(const struct view *v)
{
	if (v && --((struct view *)v)->users == 0)
		free((struct view *)v);
}

/* -- writing: names and reasons are plain words -- */

void view_begin(struct buf *out, uint64_t run, unsigned every_ms, bool suspect)
{
	buf_printf(out, VIEW_HEAD "\"every_ms\":%u,\"suspect\":%s,\"nodes\":{",
		(unsigned long long)run, every_ms, suspect ? "true" : "false");
}

void view_add(struct buf *out, const struct view_word *w)
{
	bool first = out->text[out->len - 1] == '{';
	buf_printf(out, "%s\"%s\":[\"%s\",%d,%d,%.4g,%.0f", first ? "" : ",",
		w->name, view_states[w->state], w->since_s, w->sample_age_ms,
		(double)w->rtt_ms, (double)w->connections);
	if (*w->why)
		buf_printf(out, ",\"%s\"", w->why);
	buf_printf(out, "]");
}

void view_end(struct buf *out)
{
	buf_printf(out, "}}");
}

const struct view_node *view_of(const struct view *v, uint32_t node)
{
	struct view_node key = {.node = node};
	return v->n ? bsearch(&key, v->node, v->n, sizeof key, by_node) : NULL;
}
