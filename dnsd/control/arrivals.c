#include "control/arrivals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "control/build.h"
#include "control/reload.h"
#include "control/state.h"
#include "control/threads.h"
#include "transfer/kept.h"
#include "transfer/transfer.h"

struct arrival {
	struct reload_change reload;
	struct control *control;
	char *zone;
	bool arrived; /* else it has expired */
};

static void arrival_free(struct arrival *a)
{
	free(a->zone);
	free(a);
}

static void settle(struct arrival *a, const char *why)
{
	struct transfers *transfers = threads_transfers(a->control->threads);
	if (transfers)
		transfers_settled(transfers, a->zone, why);
	arrival_free(a);
}

/* What came takes the place of what is kept, or goes. */
static void keep(const struct arrival *a, bool good)
{
	const char *store = a->control->built->conf->store;
	char *now = kept_path(store, a->zone, KEPT_NOW);
	char *next = kept_path(store, a->zone, KEPT_NEXT);

	if (!good)
		unlink(next);
	else if (rename(next, now))
		log_error("secondary: %s: in service, but not kept: %s", now,
			strerror(errno));
	free(now);
	free(next);
}

/* The first fault alone: the log has all. */
static void on_built(struct reload_change *change, const char *why)
{
	struct arrival *a = (struct arrival *)change;
	char *first = why ? mem_strdup(why) : NULL;

	if (a->arrived)
		keep(a, !why);
	if (why)
		log_lines(LOG_LVL_ERROR, "secondary: ", why);
	if (first)
		first[strcspn(first, "\n")] = '\0';
	settle(a, first);
	free(first);
}

static void on_dropped(struct reload_change *change)
{
	arrival_free((struct arrival *)change);
}

static void on_changed(void *arg)
{
	struct arrival *a = arg;
	reload_with(a->control, &a->reload);
}

static void drop_changed(void *arg)
{
	arrival_free(arg);
}

/* In the thread of the transfers. */
static void changed(void *arg, const char *zone, bool arrived)
{
	struct control *c = arg;
	struct arrival *a = mem_zero(1, sizeof *a);

	*a = (struct arrival){.control = c,
		.zone = mem_strdup(zone),
		.arrived = arrived,
		.reload = {.done = on_built, .drop = on_dropped}};
	a->reload.next = arrived ? a->zone : NULL;
	mailbox_post_owned(c->mailbox, on_changed, drop_changed, a);
}

void arrivals_link(struct control *c)
{
	struct secondaries_links links = {.arg = c, .changed = changed};
	transfers_link(threads_transfers(c->threads), &links);
}
