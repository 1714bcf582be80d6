/* What comes through the control socket: lines, in pieces, to the real sessions.
 * What would start threads is left out. A session that got an answer ends. */
#include <stdint.h>

#define control_ask fuzz_ask
#define threads_own_accounts fuzz_accounts
#include "control/ctl.c"
#include "fuzz/world.h"
#include "ledger/accounts.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct publisher publisher;
static struct accounts *own;
static struct control control;
static struct ctl ctl = {.control = &control};

const struct accounts *fuzz_accounts(const struct threads *threads)
{
	return own;
}

void fuzz_ask(struct control *c, struct call *call)
{
	enum call_result result = CALL_KEPT;

	if (call->kind == CALL_DRAIN || call->kind == CALL_UNDRAIN)
		result = map_find_node(c->built->map, call->node) < 0
			? CALL_UNKNOWN
			: call->kind == CALL_DRAIN ? CALL_KEPT
						   : CALL_LOST;
	else if (call->kind == CALL_REMOVE && !*call->node)
		result = CALL_REFUSED;
	call_answer(call, result, call->keys ? call->keys : call->node);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_open();
	log_set_level(LOG_LVL_ERROR);
	const struct snapshot *snap = fuzz_published.now;
	publisher = (struct publisher){.published = fuzz_published,
		.load = (struct load *)snap->steer.load,
		.report = (struct report *)snap->report,
		.pending_list = mem_zero(1, sizeof(struct pending_list))};
	control = (struct control){.base = event_base_new(),
		.built = built,
		.fleet = fleet,
		.publisher = &publisher};
	own = accounts_new(1, fuzz_sent, 1);
	return 0;
}

static void turn(void)
{
	event_base_loop(control.base, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bufferevent *pair[2];

	if (size < 2 || bufferevent_pair_new(control.base, 0, pair))
		return 0;
	size_t piece = 1u + data[0] * data[0];
	session_new(&ctl, pair[0]);
	bufferevent_enable(pair[1], EV_READ | EV_WRITE);
	for (data++, size--; size && ctl.sessions;) {
		size_t n = size < piece ? size : piece;
		bufferevent_write(pair[1], data, n);
		data += n;
		size -= n;
		turn();
	}
	bufferevent_flush(pair[1], EV_READ | EV_WRITE, BEV_FINISHED);
	turn();
	bufferevent_free(pair[1]);
	turn();
	while (ctl.sessions)
		session_free(ctl.sessions);
	return 0;
}
