/* The operator's approval of a pending node, and its end. */
#include <stdlib.h>

#include "http/access.h"
#include "http/handlers.h"
#include "http/request.h"

/* CALL_LOST: in force, but only until a restart. */
static void reply_enrolled(struct request *r, const struct call *call)
{
	if (call->result == CALL_KEPT)
		request_json(r, 200,
			json_pack("{s:s, s:b, s:s, s:s}", "node", call->node,
				"ok", 1, "scope", request_scope(call), "note",
				call->text));
	else if (call->result == CALL_CONFLICT)
		request_error(r, 409, "%s", call->text);
	else
		request_error(r, call->kind == CALL_ENROL ? 400 : 404, "%s",
			call->text);
}

void api_enrol(struct request *r, const char *node)
{
	struct err err = {0};

	if (!access_may_change(r))
		return;
	json_t *body = request_body(r, &err);
	char *keys = body ? json_dumps(body, 0) : NULL;
	if (keys) {
		struct call *call =
			request_call(r, CALL_ENROL, node, reply_enrolled);
		call->keys = keys;
		request_post(r, call);
	} else {
		request_error(r, 400, "%s", err_text(&err));
	}
	json_decref(body);
	err_fini(&err);
}

void api_enrol_remove(struct request *r, const char *node)
{
	if (access_may_change(r))
		request_post(
			r, request_call(r, CALL_REMOVE, node, reply_enrolled));
}
