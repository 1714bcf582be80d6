/* notify.h - sends NOTIFY to other name servers when a zone has changed (RFC 1996): UDP, five
 * times with growing waits until one answers. Part of the thread of transfer.h.
 */
#ifndef TRANSFER_NOTIFY_H
#define TRANSFER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "transfer/source.h"

struct notifier;

struct notifier *notifier_new(void);
void notifier_free(struct notifier *notifier);

/* Zones as they are now; takes the source. */
void notifier_use(struct notifier *notifier, struct transfer_source *source,
	int64_t now_ms);

/* For each family, to this machine and to others. -1: not open. */
#define NOTIFIER_SOCKETS 4
int notifier_socket(const struct notifier *notifier, unsigned i);

/* Whether a NOTIFY is not answered yet. */
bool notifier_busy(const struct notifier *notifier);

/* Reads answers, sends what is due. */
void notifier_step(struct notifier *notifier, int64_t now_ms, uint64_t wall_s);

/* Any thread. */
struct notifier_counts {
	uint64_t answered, unanswered;
};
struct notifier_counts notifier_counts(const struct notifier *notifier);

#endif
