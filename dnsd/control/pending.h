/* pending.h - the SRS servers that report and are not known: they wait for the
 * operator (enrol.h) and are never answered with. Control thread only.
 *
 * At most PENDING_MAX, PENDING_PER_NET of them from one network (/24, /48), so that
 * nobody fills the list alone; one that is silent for ten minutes is dropped.
 */
#ifndef CONTROL_PENDING_H
#define CONTROL_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "snapshot/pending.h"

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *w); /* NULL allowed */

/* A heartbeat of an unknown server came: its ids, address and connections. */
void pending_report(
	struct pending *p, const struct pending_node *report, int64_t now_ms);

/* The address that a pending node of this name reports from; false: none does. */
bool pending_address(
	const struct pending *p, const char *name, char out[ADDR_TEXT_MAX]);

/* It is a node now. */
void pending_enrolled(struct pending *p, const char *name);

/* Whether the last list is out of date: by at most a second. */
bool pending_changed(struct pending *p, int64_t now_ms);

/* For the snapshot; the caller owns it (free()). */
struct pending_list *pending_copy(struct pending *p);

#endif
