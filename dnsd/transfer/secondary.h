/* secondary.h - zones that other name servers have: asks their primaries for the SOA when
 * it is time or a NOTIFY came (RFC 1996), transfers what is newer, and says when a zone
 * expires (RFC 1035 4.3.5). Part of the thread of transfer.h.
 *
 * What has come waits in a file (kept.h). It is in service when control has built a
 * configuration with it: secondaries_settled() says so, or why not.
 */
#ifndef TRANSFER_SECONDARY_H
#define TRANSFER_SECONDARY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "transfer/bell.h"
#include "transfer/secondary_status.h"
#include "transfer/source.h"

struct secondaries;

/* What control does; called in the thread. */
struct secondaries_links {
	void *arg;
	/* A zone has come: to be built with. Or (arrived false) is not to be answered
	 * from any more. Ends with secondaries_settled(). */
	void (*changed)(void *arg, const char *zone, bool arrived);
};

struct secondaries *secondaries_new(void);
void secondaries_free(struct secondaries *s); /* NULL allowed */
void secondaries_link(
	struct secondaries *s, const struct secondaries_links *links);

/* Zones as they are now; takes the source. */
void secondaries_use(struct secondaries *s, struct transfer_source *source,
	int64_t now_ms, int64_t wall_s);

/* What changed() was for is in service (why NULL) or not. */
void secondaries_settled(struct secondaries *s, const char *zone,
	const char *why, int64_t now_ms, int64_t wall_s);

/* The operator asks: looks now. force: takes what the primary has, even if its serial is
 * not newer or much is missing. zone NULL: all. Returns how many zones. */
unsigned secondaries_refresh(
	struct secondaries *s, const char *zone, bool force, int64_t now_ms);

/* For poll(): as many as secondaries_watched(). */
unsigned secondaries_watched(const struct secondaries *s);
void secondaries_watch(const struct secondaries *s, struct pollfd *fds);
/* Until something is due; -1: nothing will be. */
int secondaries_wait_ms(const struct secondaries *s, int64_t now_ms);
void secondaries_step(struct secondaries *s, const struct pollfd *fds,
	int64_t now_ms, int64_t wall_s);

/* What workers ring at a NOTIFY. */
struct bell *secondaries_bell(struct secondaries *s);

/* Any thread. Malloc'd; *n: how many, in the order of the configuration. */
struct secondary_status *secondaries_status(struct secondaries *s, unsigned *n);

#endif
