/* enrolled.h - the configuration with the nodes that were enrolled while dnsd ran,
 * whatever the store holds. Any thread.
 *
 * A row of the store may be well-formed and still not fit the files: its address is
 * taken, its pool has other families. Only then, rows are tried one by one.
 */
#ifndef CONTROL_ENROLLED_H
#define CONTROL_ENROLLED_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

struct store_enrolled;

/* In place of a file, where such a node is from. */
#define ENROLLED_FILE "approved nodes"

/* A change of one node that is to be tried, and others with it. */
struct enrol_change {
	char *name;
	char *text; /* the node's keys, a YAML map in one line; NULL: remove */
	struct enrol_change *next; /* NULL: the last one */
};

/* Which nodes are enrolled. */
struct enrolled {
	const char *store; /* NULL: that of the configuration */
	const struct enrol_change *changes; /* NULL: none */
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

/* conf_load_more() with the enrolled nodes, and the changes. Nodes that the files
 * have too, and rows of the store that are none, are left out, with a warning. If
 * lenient, so is one that does not fit the files: dnsd starts whatever the store
 * holds. */
struct conf *enrolled_load(
	const char *path, struct enrolled *enrolled, struct err *err, bool *ok);

/* Whether a name and text may be those of an enrolled node, whatever the files say. */
bool enrolled_ok(const char *name, const char *text, struct err *err);

#endif
