/* waiting.h - the SRS servers that report and are not known: they wait for the
 * operator (approve.h) and are never answered with. Control thread only.
 *
 * At most WAITING_MAX, WAITING_NET of them from one network (/24, /48), so that
 * nobody fills the list alone; one that is silent for ten minutes is dropped.
 */
#ifndef CONTROL_WAITING_H
#define CONTROL_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "snapshot/strangers.h"

struct waiting;

struct waiting *waiting_new(void);
void waiting_free(struct waiting *w); /* NULL allowed */

/* A heartbeat of a stranger came. */
void waiting_heard(struct waiting *w, const char *server, const char *device,
	const struct addr *from, float connections, int64_t now_ms);

/* The address that a stranger of this name reports from; false: none does. */
bool waiting_from(
	const struct waiting *w, const char *name, char out[ADDR_TEXT_MAX]);

/* It is a node now. */
void waiting_approved(struct waiting *w, const char *name);

/* Whether the last list is out of date: by at most a second. */
bool waiting_changed(struct waiting *w, int64_t now_ms);

/* For the snapshot; the caller owns it (free()). */
struct strangers *waiting_list(struct waiting *w);

#endif
