/* registry.h - the nodes that the operator approved while dnsd ran: a part of the
 * store (store.h).
 */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "store/store.h"

/* A node that is kept. text: its keys as the configuration's `nodes` has them,
 * a YAML map in one line. */
struct registry_node {
	char *name, *text;
};

/* All that the store at path keeps, by name, for those who build: opens it by
 * itself, for reading, and makes none. The caller frees with
 * registry_free_list(). False with a message if it can't be read; no store, or
 * one from before there was a registry, has no nodes. */
bool registry_read(const char *path, struct registry_node **nodes, unsigned *n,
	struct err *err);
void registry_free_list(struct registry_node *nodes, unsigned n);

/* Keeps a node, or forgets it (text NULL); done(arg, ok) runs in mailbox when
 * that is on disk. */
void registry_keep(struct store *store, const char *name, const char *text,
	struct mailbox *mailbox, void (*done)(void *arg, bool ok), void *arg);

#endif
