/* What comes through the control socket: lines, in pieces, to the real sessions.
 * What would start threads is left out. A session that was told something ends. */
#include <stdint.h>

#define control_drain fuzz_drain
#define control_reload fuzz_reload
#define approve_words fuzz_approve
#define approve_remove fuzz_remove
#include "control/ctl.c"
#include "fuzz/world.h"
#include "ledger/accounts.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control control;
static struct ctl ctl = {.control = &control};

bool fuzz_drain(struct control *c, const char *name, bool drained,
	void (*done)(void *arg, bool ok), void *arg)
{
	if (map_find_node(c->built->map, name) < 0)
		return false;
	done(arg, drained);
	return true;
}

void fuzz_reload(struct control *c,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	done(arg, true, "reloaded");
}

void fuzz_approve(struct control *c, const char *node, char **words, unsigned n,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	for (unsigned i = 0; i < n; i++)
		if (!*words[i])
			abort(); /* a word has a letter */
	done(arg, n % 2, node);
}

void fuzz_remove(struct control *c, const char *node,
	void (*done)(void *arg, bool ok, const char *text), void *arg)
{
	done(arg, *node, node);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_open();
	log_set_level(LOG_LVL_ERROR);
	const struct snapshot *snap = fuzz_published.now;
	control = (struct control){.base = event_base_new(),
		.built = built,
		.fleet = fleet,
		.sent = fuzz_sent,
		.report = (struct report *)snap->report,
		.load = (struct load *)snap->steer.load,
		.strangers = mem_zero(1, sizeof(struct strangers)),
		.reload_error = mem_strdup(""),
		.own = accounts_new(1, fuzz_sent, 1)};
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
