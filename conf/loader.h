/* loader.h - a configuration while it is read: YAML trees to struct conf by the schema
 * table. Private to conf/: values.c sets one value, sections.c the keys of a struct,
 * conf.c the whole with the files that it includes.
 */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/schema.h"
#include "conf/yaml.h"

/* A key that was set, so that a second one can name the first. Keyed by the
 * struct it was set in. */
struct seen {
	const void *base;
	const struct key *key;
	struct conf_where where;
};

struct loader {
	struct conf *conf;
	struct arena *arena;
	struct err *err;
	bool ok;
	bool unread;   /* a file could not be read as a map: the whole is not
			  known, cross-checks would only mislead */
	bool includes; /* allowed */
	unsigned files;
	const char *file; /* being read */
	struct seen *seen;
	unsigned n_seen, room_seen;
	unsigned room_tsig, room_zones, room_nodes, room_steer, room_expect;
};

/* -- loader.c -- */

/* An error at a line of the file being read. */
void loader_complain(struct loader *l, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether a value is of a kind; else an error. An empty scalar is an empty map or
 * list too. */
bool loader_is_kind(struct loader *l, const struct yaml *y, const char *key,
	enum yaml_kind kind);

/* A path relative to the file that names it. */
const char *loader_path_beside(
	struct arena *arena, const char *file, const char *text);
const char *loader_path(struct loader *l, const char *text);

/* Remembers where a key was set; false (with a message) the second time. */
bool loader_first_time(struct loader *l, const void *base,
	const struct key *key, unsigned line);

/* -- values.c -- */

/* Sets a field of base that is no struct and no list of structs. */
void value_set(struct loader *l, const struct yaml *y, const struct key *key,
	void *base);
void value_texts(struct loader *l, const struct yaml *y, const struct key *key,
	struct conf_texts *out);

/* -- sections.c -- */

/* The key of that name, whatever its case; NULL: there is none. */
const struct key *section_key(const struct section *section, const char *name);

/* Sets one key, or all that a map has, of the struct at base. */
void section_set_key(struct loader *l, const struct yaml *y,
	const struct key *key, void *base);
void section_set(struct loader *l, const struct yaml *y,
	const struct section *section, void *base);

/* The defaults of a section, as if they were written. */
void section_presets(
	struct loader *l, const struct section *section, void *base);

#endif
