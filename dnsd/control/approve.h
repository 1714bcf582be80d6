/* approve.h - nodes that join while dnsd runs.
 *
 * The operator approves a node: it is built into the configuration as if the file
 * had it, and when that holds it is kept in the store; then the caller is told.
 * What a heartbeat says of addresses is never used: an approved node's address and
 * API are the operator's words, and may not be loopback, link-local or multicast
 * ones; those are for the configuration file.
 *
 * Control thread, but for approved_nodes().
 */
#ifndef CONTROL_APPROVE_H
#define CONTROL_APPROVE_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

struct control;

/* One change, owned by approve.c once it is asked for. */
struct approval {
	struct approval *next;
	char *name;
	char *text; /* the node's keys, a YAML map in one line; NULL: remove */
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
};

/* Approves a node; keys is a JSON object, {"role": "edge", "at": [22, 114],
 * "address": ["203.0.113.9"], ...}, as the configuration has them; without an
 * address the one that the node's heartbeats come from. done tells when it is in
 * force and on disk, or why not. */
void approve_node(struct control *c, const char *name, const char *keys,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* The same from words: "--role" "edge" "--at" "22,114" ... */
void approve_words(struct control *c, const char *name, char **words,
	unsigned n, void (*done)(void *arg, bool ok, const char *text),
	void *arg);

/* Takes an approved node out again. */
void approve_remove(struct control *c, const char *name,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* The first change that waits, for a build; the caller owns it. NULL: none. */
struct approval *approve_next(struct control *c);

/* A build with the change is in service, or has failed for the reason why. */
void approve_built(
	struct control *c, struct approval *a, bool ok, const char *why);

void approval_free(struct approval *a); /* NULL allowed; tells nobody */

/* Which nodes are approved. */
struct approved {
	const char *store;             /* NULL: that of the configuration */
	const struct approval *change; /* NULL: none */
	/* Whether a node that does not fit the files is left out: at the start; and
	 * at a reload if it is not in service, which it is by this (NULL: none is). */
	bool lenient;
	const struct conf *running;
	/* approved.c's: what the store holds, and which of it is not to count */
	struct registry_node *rows;
	unsigned n_rows;
	bool *left_out; /* NULL: all counts */
	bool is_read;
};

/* For conf_load_more(), on any thread: the approved nodes, with the change. Nodes
 * that the files have too, and rows of the store that are none, are left out, with a
 * warning. */
struct conf_more approved_nodes(struct approved *approved);

/* conf_load_more() with the approved nodes (approved.c). If lenient, one that does
 * not fit the files is left out, with a warning: dnsd starts whatever the store
 * holds. */
struct conf *approved_load(
	const char *path, struct approved *approved, struct err *err, bool *ok);

#endif
