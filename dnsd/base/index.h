/* index.h - numbers for keys, in the order they come: 0, 1, 2 ... For what is
 * built once (the map, replay's places); tables on the query path have layouts of
 * their own. One thread.
 */
#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;

struct index *index_new(void);
void index_free(struct index *index); /* NULL allowed */

/* The number of a key of len octets, which are copied; *made: it is a new one.
 * At most 2^31 keys. */
uint32_t index_number(
	struct index *index, const void *key, size_t len, bool *made);

/* How many keys have a number. */
uint32_t index_count(const struct index *index);

#endif
