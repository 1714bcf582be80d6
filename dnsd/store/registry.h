/* registry.h - this server's copy of what all name servers share (registry/registry.h),
 * over a restart: a part of the store (store.h). What keys and values mean is the
 * caller's matter.
 */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "store/store.h"

struct store_shared {
	char *key;
	char *value;  /* NULL: nothing */
	char *wanted; /* a change that is not confirmed; NULL: none */
	int64_t revision, base;
};

/* Keeps n rows in one transaction; one without value and wanted is forgotten. Takes the
 * rows and their texts. */
void store_shared_keep(struct store *store, struct store_shared *rows,
	unsigned n, struct store_waiter waiter);

/* All that is kept, by key; called before the store is used otherwise, blocks. The
 * caller frees with store_shared_free(). False with a message if it can't be read. */
bool store_shared_load(struct store *store, struct store_shared **rows,
	unsigned *n, struct err *err);
void store_shared_free(struct store_shared *rows, unsigned n);

#endif
