/* items.h - a zone while it is put together: names, sets and records of the builder.
 * Private to zones/: builder.c makes them, check.c and compile.c read them.
 */
#ifndef ZONES_ITEMS_H
#define ZONES_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

/* Lists are linked by index; index 0 is none, or for names the apex. Small,
 * because of a million each the kernel has to clear the pages first. */
struct item_name {
	uint32_t parent;
	uint32_t label; /* offset in bytes */
	uint32_t first_set, last_set;
	uint32_t mark;
	uint32_t at; /* reference in the compiled zone */
	uint16_t sets;
	uint8_t label_len : 6; /* NAME_LABEL_MAX */
	bool below_cut : 1, below_dname : 1;
	uint8_t flags; /* zone_node_flags */
};

struct item_set {
	uint32_t next;
	uint32_t first, last; /* records */
	uint32_t ttl;
	uint16_t size; /* of the body, uncompressed: LAYOUT_BODY_MAX */
	uint16_t type, count;
	bool ttls_differ;
};

struct item_record {
	uint32_t next;
	uint32_t line;
	uint32_t rdata; /* offset in bytes */
	uint16_t rdata_len;
	uint16_t file;
};

struct zone_builder {
	struct name apex;
	struct item_name *names;
	struct item_set *sets;
	struct item_record *records;
	uint8_t *bytes; /* labels and RDATA */
	char **files;   /* 0: none */
	size_t n_names, n_sets, n_records, n_bytes, n_files;
	size_t room_names, room_sets, room_records, room_bytes;
	uint64_t *slots; /* names by (parent, label): upper half of the hash,
			    index; 0: empty */
	uint32_t mask;
	uint16_t file;
	bool failed;
};

/* Its index, or UINT32_MAX. *cut: a cut or DNAME is met at or above it, for a
 * DNAME itself too. */
uint32_t items_name(
	const struct zone_builder *b, const struct name *name, bool *cut);

/* The set of a type at a name; NULL: none. */
struct item_set *items_set(
	const struct zone_builder *b, uint32_t name, uint16_t type);

/* The name with that index. */
void items_owner(const struct zone_builder *b, uint32_t at, struct name *name);

/* "file:line: owner" of a place, and of the first record of a set. */
#define ITEMS_WHERE_MAX 400
const char *items_at(const struct zone_builder *b, uint16_t file, uint32_t line,
	const struct name *owner, char *out);
const char *items_where(const struct zone_builder *b, uint32_t name,
	const struct item_set *set, char *out);

#endif
