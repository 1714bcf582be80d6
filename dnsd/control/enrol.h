/* enrol.h - nodes that join while dnsd runs.
 *
 * The operator approves a node: it is built into the configuration as if the file
 * had it, and when that holds it is kept in the store; then the caller is told.
 * What a heartbeat says of addresses is never used: an approved node's address and
 * API are the operator's words, and may not be loopback, link-local or multicast
 * ones; those are for the configuration file.
 *
 * Control thread, but for enrolled_nodes().
 */
#ifndef CONTROL_ENROL_H
#define CONTROL_ENROL_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

struct control;

/* One change, owned by enrol.c once it is asked for. */
struct enrolment {
	struct enrolment *next;
	char *name;
	char *text; /* the node's keys, a YAML map in one line; NULL: remove */
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
};

/* Approves a node; keys is a JSON object, {"role": "edge", "at": [22, 114],
 * "address": ["203.0.113.9"], ...}, as the configuration has them; without an
 * address the one that the node's heartbeats come from. done tells when it is in
 * force and on disk, or why not. */
void enrol_node(struct control *c, const char *name, const char *keys,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* The same from words: "--role" "edge" "--at" "22,114" ... */
void enrol_words(struct control *c, const char *name, char **words, unsigned n,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* Takes an approved node out again. */
void enrol_remove(struct control *c, const char *name,
	void (*done)(void *arg, bool ok, const char *text), void *arg);

/* The first change that waits, for a build; the caller owns it. NULL: none. */
struct enrolment *enrol_next(struct control *c);

/* A build with the change is in service, or has failed for the reason why. */
void enrol_built(
	struct control *c, struct enrolment *a, bool ok, const char *why);

void enrolment_free(struct enrolment *a); /* NULL allowed; tells nobody */

/* Which nodes are approved. */
struct enrolled {
	const char *store;              /* NULL: that of the configuration */
	const struct enrolment *change; /* NULL: none */
	/* Whether a node that does not fit the files is left out: at the start; and
	 * at a reload if it is not in service, which it is by this (NULL: none is). */
	bool lenient;
	const struct conf *running;
	/* enrolled.c's: what the store holds, and which of it is not to count */
	struct store_enrolled *rows;
	unsigned n_rows;
	bool *left_out; /* NULL: all counts */
	bool is_read;
};

/* For conf_load_more(), on any thread: the approved nodes, with the change. Nodes
 * that the files have too, and rows of the store that are none, are left out, with a
 * warning. */
struct conf_more enrolled_nodes(struct enrolled *enrolled);

/* conf_load_more() with the approved nodes (enrolled.c). If lenient, one that does
 * not fit the files is left out, with a warning: dnsd starts whatever the store
 * holds. */
struct conf *enrolled_load(
	const char *path, struct enrolled *enrolled, struct err *err, bool *ok);

#endif
