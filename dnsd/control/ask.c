#include "control/ask.h"

#include <string.h>

#include "base/clock.h"
#include "control/enrol.h"
#include "control/history.h"
#include "control/keep.h"
#include "control/learner.h"
#include "control/moves.h"
#include "control/nodes.h"
#include "control/path_history.h"
#include "control/pending.h"
#include "control/registered.h"
#include "control/reload.h"
#include "control/schedule.h"
#include "control/state.h"

static void ask_pending(struct control *c, struct call *call)
{
	struct pending_node report = {
		.from = call->from, .connections = call->connections};
	strcpy(report.server, call->server);
	strcpy(report.device, call->device);
	pending_report(c->pending, &report, clock_ms());
	call_answer(call, CALL_KEPT, NULL);
}

static void ask_registry(struct control *c, struct call *call)
{
	if (c->registered)
		registered_command(c->registered, call);
	else
		call_answer(call, CALL_REFUSED,
			"there is no etcd in the configuration");
}

void control_ask(struct control *c, struct call *call)
{
	static void (*const answers[])(struct control * c,
		struct call * call) = {[CALL_DRAIN] = keep_drain,
		[CALL_UNDRAIN] = keep_drain,
		[CALL_MOVE] = moves_ask,
		[CALL_ENROL] = enrol_node,
		[CALL_REMOVE] = enrol_remove,
		[CALL_RELOAD] = reload_run,
		[CALL_SCHEDULE_LIST] = schedule_list,
		[CALL_SCHEDULE_ADD] = schedule_add,
		[CALL_SCHEDULE_REMOVE] = schedule_remove,
		[CALL_SEED] = ask_registry,
		[CALL_ADOPT] = ask_registry,
		[CALL_HISTORY] = history_read_node,
		[CALL_PATH_HISTORY] = path_history_read,
		[CALL_HEARTBEAT] = nodes_heartbeat,
		[CALL_PENDING] = ask_pending,
		[CALL_PATHS] = learner_report,
		[CALL_STREAMS] = nodes_find_streams};
	answers[call->kind](c, call);
}
