/* enrolled.h - the nodes that the operator approved while dnsd ran: a part of the
 * store (store.h).
 */
#ifndef STORE_ENROLLED_H
#define STORE_ENROLLED_H

#include "store/store.h"

/* A node that is kept. text: its keys as the configuration's `nodes` has them,
 * a YAML map in one line. */
struct store_enrolled {
	char *name, *text;
};

/* All that the store at path keeps, by name, for a build: opens it by
 * itself, for reading, and makes none. The caller frees with
 * store_enrolled_free(). False with a message if it can't be read; no store, or
 * one from before nodes could be enrolled, has no nodes. */
bool store_enrolled_read(const char *path, struct store_enrolled **nodes,
	unsigned *n, struct err *err);
void store_enrolled_free(struct store_enrolled *nodes, unsigned n);

/* Keeps a node, or forgets it (text NULL). */
void store_enrolled_keep(struct store *store, const char *name,
	const char *text, struct store_waiter waiter);

#endif
