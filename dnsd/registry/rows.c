#include "registry/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Where the key is, or would be. */
static unsigned place_of(const struct rows *rows, const char *key)
{
	unsigned low = 0, high = rows->n;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (strcmp(rows->at[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct registry_row *rows_get(const struct rows *rows, const char *key)
{
	unsigned at = place_of(rows, key);
	return at < rows->n && !strcmp(rows->at[at]->key, key) ? rows->at[at]
							       : NULL;
}

struct registry_row *rows_add(struct rows *rows, const char *key)
{
	unsigned at = place_of(rows, key);
	assert(!rows_get(rows, key));
	if (rows->n == rows->room) {
		rows->room += rows->room / 2 + 64;
		rows->at = mem_grow(rows->at, rows->room * sizeof *rows->at);
	}
	memmove(rows->at + at + 1, rows->at + at,
		(rows->n - at) * sizeof *rows->at);
	rows->at[at] = mem_zero(1, sizeof **rows->at);
	rows->at[at]->key = mem_strdup(key);
	rows->n++;
	return rows->at[at];
}

static void row_free(struct registry_row *row)
{
	free(row->key);
	free(row->value);
	free(row->wanted);
	free(row->sending);
	free(row->seen);
	free(row->refused);
	free(row);
}

void rows_drop(struct rows *rows, const char *key)
{
	unsigned at = place_of(rows, key);
	assert(rows_get(rows, key));
	row_free(rows->at[at]);
	memmove(rows->at + at, rows->at + at + 1,
		(rows->n - at - 1) * sizeof *rows->at);
	rows->n--;
}

void rows_fini(struct rows *rows)
{
	for (unsigned i = 0; i < rows->n; i++)
		row_free(rows->at[i]);
	free(rows->at);
}
