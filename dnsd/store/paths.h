/* paths.h - what was learned of paths (paths/paths.h), over a restart: a part of the
 * store (store.h). One row a node: what is kept of it is an octet string that is the
 * caller's matter.
 */
#ifndef STORE_PATHS_H
#define STORE_PATHS_H

#include "store/store.h"

struct store_paths {
	char name[64];
	int64_t at_ms; /* wall clock */
	uint8_t *body; /* malloc'd */
	size_t len;
};

/* Keeps one node's; without answer. Takes the body. */
void store_paths_keep(struct store *store, const struct store_paths *paths);

/* All that is kept; called before the store is used otherwise, blocks. The caller
 * frees with store_paths_free(). False with a message if it can't be read. */
bool store_paths_load(struct store *store, struct store_paths **list,
	unsigned *n, struct err *err);
void store_paths_free(struct store_paths *list, unsigned n);

#endif
