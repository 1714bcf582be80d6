/* registered.h - the registry (registry/registry.h) in force on this server: what it says
 * of drains, approved nodes and the schedule goes to those parts of control, to the
 * store, and what operators change here goes to etcd. Control thread only.
 */
#ifndef CONTROL_REGISTERED_H
#define CONTROL_REGISTERED_H

#include <stdbool.h>
#include <stdint.h>

#include "control/call.h"

struct control;
struct etcd;
struct etcd_item;
struct registered;
struct servers;

/* Takes what the store kept. name: of this server. */
struct registered *registered_new(struct control *c, const char *name);
void registered_free(
	struct registered *r); /* NULL allowed; calls that wait too */

/* From now on changes go there; before anything else comes from it. */
void registered_use(struct registered *r, struct etcd *etcd);

/* Whether a key is the registry's. */
bool registered_has(const char *key);

/* What etcd has, all or what changed: keys of the registry alone. */
void registered_all(struct registered *r, int64_t revision,
	const struct etcd_item *items, unsigned n);
void registered_changed(
	struct registered *r, const struct etcd_item *items, unsigned n);

/* Etcd is there (why NULL), or not. */
void registered_connected(struct registered *r, const char *why);

/* A change by the operator of this server: in force at once. Answers the call when the
 * change is kept here and has ended in etcd, or it is clear that this takes longer.
 * value: a JSON object; NULL: the key goes. */
void registered_change(struct registered *r, const char *key, const char *value,
	struct call *call);

/* The same of a node that is in service already. */
void registered_enrolled(struct registered *r, const char *name,
	const char *text, struct call *call);

/* CALL_SEED, CALL_ADOPT. */
void registered_command(struct registered *r, struct call *call);

/* Another map is in service: its nodes are drained as the registry says. */
void registered_renumber(struct registered *r);

/* Every 100 ms. */
void registered_step(struct registered *r);

/* Into what the operator is shown. */
void registered_report(const struct registered *r, struct servers *out);

/* Whether there is something else to show since the last time. */
bool registered_news(struct registered *r);

#endif
