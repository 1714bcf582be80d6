/* rows.h - the registry's rows in the order of their keys. Private to registry/. */
#ifndef REGISTRY_ROWS_H
#define REGISTRY_ROWS_H

#include "registry/registry.h"

struct rows {
	struct registry_row *
		*at; /* each a block of its own: stays where it is */
	unsigned n, room;
};

void rows_fini(struct rows *rows);

/* NULL: there is none. */
struct registry_row *rows_get(const struct rows *rows, const char *key);

/* A row that is not there yet. */
struct registry_row *rows_add(struct rows *rows, const char *key);

void rows_drop(struct rows *rows, const char *key);

#endif
