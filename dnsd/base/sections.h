/* sections.h - named arrays of plain structs, for a process that hands what it has in
 * memory to the next one on the same machine, which may be another version.
 *
 *	writer   sections_add(out, "fleet", 3, ...)   into a buffer
 *	reader   sections_find(&in, "fleet", 3, ...)  the array, or NULL
 *
 * A section that is of another version, or of structs of another size, is left, and
 * its name noted: what was in it is learned anew. Nothing in a struct may be a pointer,
 * or the reader replaces it.
 */
#ifndef BASE_SECTIONS_H
#define BASE_SECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SECTIONS_ALIGNED 64 /* each array begins at a multiple of this */

/* Adds n structs of `size` octets; name: at most 23 characters. */
void sections_add(struct buf *out, const char *name, uint32_t version,
	size_t size, const void *structs, size_t n);

/* The same in two steps: room for at most `most` structs, of which n are kept. The room
 * is valid until the buffer is used otherwise. */
void *sections_room(struct buf *out, size_t size, size_t most);
void sections_keep(struct buf *out, const char *name, uint32_t version,
	size_t size, size_t n);

struct sections {
	const uint8_t *at; /* aligned to SECTIONS_ALIGNED; borrowed */
	size_t len;
	struct buf left; /* names of sections that could not be used */
};

/* The structs of a section, and in *n their number; NULL if the section is missing or of
 * another version. */
const void *sections_find(struct sections *in, const char *name,
	uint32_t version, size_t size, size_t *n);

void sections_fini(struct sections *in);

#endif
