/* yaml.h - a YAML file as a tree of nodes that know their line.
 *
 * The only user of libyaml. Scalars stay text: what a scalar is, its key
 * decides (conf.c), never its look. Anchors and aliases work; a tree that
 * would grow without bound through them is refused.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	unsigned line;        /* 1.. */
	const char *text;     /* scalar, with ${NAME} replaced */
	unsigned n;           /* list items or map entries */
	struct yaml **keys;   /* map: scalars */
	struct yaml **values; /* map values or list items */
};

/* The document of a file, in arena; an empty file is an empty map. NULL with
 * file:line: what on errors; err may gain several lines. */
struct yaml *yaml_read(struct arena *arena, const char *path, struct err *err);

/* The same from memory; path is for messages. */
struct yaml *yaml_parse(struct arena *arena, const char *path,
	const char *bytes, size_t len, struct err *err);

/* "a scalar", "a list", "a map": for messages. */
const char *yaml_kind_text(enum yaml_kind kind);

#endif
