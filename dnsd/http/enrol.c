/* Nodes that join: who waits, and the operator's approval. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/request.h"
#include "snapshot/pending.h"

static json_t *pending_json(const struct pending_node *s, int64_t now_ms)
{
	char from[ADDR_TEXT_MAX];
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "name", s->name,
		"server", s->server, "device_id", s->device, "address",
		addr_text(&s->from, from), "seen",
		(json_int_t)(now_ms - s->last_ms) / 1000, "since",
		(json_int_t)(now_ms - s->first_ms) / 1000, "connections",
		(json_int_t)s->connections);
}

json_t *enrol_pending_json(const struct snapshot *snap)
{
	const struct pending_list *pending_list = snap->pending_list;
	int64_t now_ms = clock_ms();
	json_t *list = json_array();
	for (unsigned i = 0; i < pending_list->n; i++)
		json_array_append_new(
			list, pending_json(&pending_list->one[i], now_ms));
	return list;
}

void api_pending(struct request *r)
{
	request_json(r, 200, enrol_pending_json(r->snap));
}

struct waiting {
	struct request request; /* only ev and http are valid later */
	char node[64];
	int otherwise; /* status of a refusal */
};

static void on_done(void *arg, bool ok, const char *text)
{
	struct waiting *w = arg;
	if (ok)
		request_json(&w->request, 200,
			json_pack("{s:s, s:b, s:s}", "node", w->node, "ok", 1,
				"note", text));
	else
		request_error(&w->request, w->otherwise, "%s", text);
	free(w);
}

static void ask(struct request *r, const char *node, const char *keys)
{
	const struct control_ops *ops = http_ops(r->http);
	struct waiting *w = mem_zero(1, sizeof *w);
	w->request = *r;
	w->otherwise = keys ? 400 : 404;
	strncpy(w->node, node, sizeof w->node - 1);
	ops->enrol(ops->arg, node, keys, http_mailbox(r->http), on_done, w);
}

void api_enrol(struct request *r, const char *node)
{
	struct err err = {0};

	if (!request_may_change(r))
		return;
	json_t *body = request_body(r, &err);
	char *keys = body ? json_dumps(body, 0) : NULL;
	if (keys)
		ask(r, node, keys);
	else
		request_error(r, 400, "%s", err_text(&err));
	free(keys);
	json_decref(body);
	err_fini(&err);
}

void api_enrol_remove(struct request *r, const char *node)
{
	if (request_may_change(r))
		ask(r, node, NULL);
}
