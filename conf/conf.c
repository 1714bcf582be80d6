/* Loading: YAML trees -> struct conf by the schema table. */
#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/schema.h"
#include "conf/yaml.h"

#define INCLUDE_DEPTH_MAX 8
#define INCLUDE_FILES_MAX 100000

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
	unsigned room_zones, room_nodes, room_steer, room_expect;
};

static void complain(struct loader *l, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct loader *l, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->ok = err_add(l->err, "%s:%u: %s", l->file, line, text);
}

static bool is_kind(struct loader *l, const struct yaml *y, const char *key,
	enum yaml_kind kind)
{
	if (y->kind == kind)
		return true;
	/* "nodes:" with nothing behind it is an empty map or list. */
	if (y->kind == YAML_SCALAR && !*y->text && kind != YAML_SCALAR)
		return true;
	complain(l, y->line, "%s must be %s, not %s", key, yaml_kind_text(kind),
		yaml_kind_text(y->kind));
	return false;
}

/* A path relative to the file that names it. */
static const char *path_resolve(struct loader *l, const char *text)
{
	const char *slash = strrchr(l->file, '/');
	if (*text == '/' || !*text || !slash)
		return text;
	return arena_printf(
		l->arena, "%.*s/%s", (int)(slash - l->file), l->file, text);
}

/* -- scalars -- */

static bool number(struct loader *l, const struct yaml *y,
	const struct key *key, const char *unit_chars, double *out)
{
	static const double unit[] = {1e3, 1e6, 1e9};
	char *end;

	if (!is_kind(l, y, key->name, YAML_SCALAR))
		return false;
	/* strtod takes more than we do: hex, nan, inf, leading spaces. */
	bool plain = *y->text && strspn(y->text, "0123456789.+-eE") > 0 &&
		!isspace((unsigned char)*y->text) &&
		!strpbrk(y->text, "xXnNiI");
	double v = plain ? strtod(y->text, &end) : 0;
	const char *suffix = plain ? end : "";
	if (plain && *suffix && unit_chars) {
		const char *u =
			strchr(unit_chars, toupper((unsigned char)*suffix));
		if (u && *u) {
			v *= unit[u - unit_chars];
			suffix++;
		}
	}
	if (!plain || end == y->text || *suffix) {
		complain(l, y->line, "%s: '%s' is not a number", key->name,
			y->text);
		return false;
	}
	if (key->max > key->min && !(v >= key->min && v <= key->max)) {
		complain(l, y->line, "%s: %s is out of range (%.10g to %.10g)",
			key->name, y->text, key->min, key->max);
		return false;
	}
	*out = v;
	return true;
}

static bool whole(struct loader *l, const struct yaml *y, const struct key *key,
	double *out)
{
	if (!number(l, y, key, NULL, out))
		return false;
	if (*out == (double)(int64_t)*out && !strpbrk(y->text, ".eE"))
		return true;
	complain(l, y->line, "%s: '%s' is not a whole number", key->name,
		y->text);
	return false;
}

static void set_bool(struct loader *l, const struct yaml *y,
	const struct key *key, bool *out)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {{"true", true}, {"yes", true}, {"on", true},
		{"false", false}, {"no", false}, {"off", false}};

	if (!is_kind(l, y, key->name, YAML_SCALAR))
		return;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(words[i].text, y->text)) {
			*out = words[i].value;
			return;
		}
	complain(l, y->line, "%s: '%s' is not true or false", key->name,
		y->text);
}

static void set_enum(
	struct loader *l, const struct yaml *y, const struct key *key, int *out)
{
	char list[128] = "";
	if (!is_kind(l, y, key->name, YAML_SCALAR))
		return;
	for (int i = 0; key->names[i]; i++) {
		if (!strcmp(key->names[i], y->text)) {
			*out = i;
			return;
		}
		snprintf(list + strlen(list), sizeof list - strlen(list),
			"%s%s", i ? ", " : "", key->names[i]);
	}
	complain(l, y->line, "%s: '%s' is not one of %s", key->name, y->text,
		list);
}

/* -- lists -- */

static void set_texts(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_texts *out)
{
	if (!is_kind(l, y, key->name, YAML_LIST))
		return;
	out->n = 0;
	out->text = arena_alloc(l->arena, y->n * sizeof *out->text);
	out->where = arena_alloc(l->arena, y->n * sizeof *out->where);
	for (unsigned i = 0; i < y->n; i++) {
		const struct yaml *item = y->values[i];
		if (!is_kind(l, item, key->name, YAML_SCALAR))
			continue;
		if (!*item->text) {
			complain(l, item->line, "%s: an empty item", key->name);
			continue;
		}
		out->where[out->n] = (struct conf_where){l->file, item->line};
		out->text[out->n++] = key->type == KEY_PATHS
			? path_resolve(l, item->text)
			: item->text;
	}
}

static void set_prefixes(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_prefixes *out)
{
	struct conf_texts texts = {0};
	set_texts(l, y, key, &texts);
	out->n = texts.n;
	out->prefix = arena_alloc(l->arena, texts.n * sizeof *out->prefix);
	for (unsigned i = 0; i < texts.n; i++)
		if (!prefix_parse(&out->prefix[i], texts.text[i], true))
			complain(l, texts.where[i].line,
				"%s: '%s' is not ADDRESS/LENGTH", key->name,
				texts.text[i]);
}

static void set_addresses(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_node *node)
{
	struct conf_texts texts = {0};
	set_texts(l, y, key, &texts);
	node->address = arena_alloc(l->arena, texts.n * sizeof *node->address);
	node->n_addresses = texts.n;
	for (unsigned i = 0; i < texts.n; i++) {
		if (!addr_parse(&node->address[i], texts.text[i]))
			complain(l, texts.where[i].line,
				"%s: '%s' is not an IP address", key->name,
				texts.text[i]);
		for (unsigned j = 0; j < i; j++)
			if (addr_equal(&node->address[i], &node->address[j]))
				complain(l, texts.where[i].line,
					"%s: %s is there twice", key->name,
					texts.text[i]);
	}
}

static void set_asns(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_node *node)
{
	static const struct key asn = {
		.name = "asn", .min = 1, .max = 4294967295.0};
	double v;
	if (!is_kind(l, y, key->name, YAML_LIST))
		return;
	node->asn = arena_alloc(l->arena, y->n * sizeof *node->asn);
	node->n_asn = 0;
	for (unsigned i = 0; i < y->n; i++)
		if (whole(l, y->values[i], &asn, &v))
			node->asn[node->n_asn++] = (uint32_t)v;
}

static void set_range(struct loader *l, const struct yaml *y,
	const struct key *key, double out[2])
{
	double v;
	if (y->kind == YAML_SCALAR) {
		if (whole(l, y, key, &v))
			out[0] = out[1] = v;
		return;
	}
	if (!is_kind(l, y, key->name, YAML_LIST))
		return;
	if (y->n != 2) {
		complain(l, y->line, "%s must be one number or [least, most]",
			key->name);
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (whole(l, y->values[i], key, &v))
			out[i] = v;
	if (out[0] > out[1])
		complain(l, y->line, "%s: %g is above %g", key->name, out[0],
			out[1]);
}

static void set_at(struct loader *l, const struct yaml *y,
	const struct key *key, double out[2])
{
	char names[2][32];
	if (!is_kind(l, y, key->name, YAML_LIST))
		return;
	if (y->n != 2) {
		complain(l, y->line, "%s must be [latitude, longitude]",
			key->name);
		return;
	}
	*(bool *)(out + 2) = true;
	for (unsigned i = 0; i < 2; i++) {
		struct key axis = {.name = names[i],
			.min = i ? -180 : -90,
			.max = i ? 180 : 90};
		snprintf(names[i], sizeof names[i], "%s (%s)", key->name,
			i ? "longitude" : "latitude");
		number(l, y->values[i], &axis, NULL, &out[i]);
	}
}
_Static_assert(offsetof(struct conf_node, has_at) ==
			offsetof(struct conf_node, at) + sizeof(double[2]) &&
		offsetof(struct conf_expect, has_from) ==
			offsetof(struct conf_expect, from) + sizeof(double[2]),
	"whether a place was given stands behind it");

static void set_name(struct loader *l, const struct yaml *y, char *out)
{
	const char *name = conf_name(l->arena, y->text);
	if (name)
		snprintf(out, CONF_NAME_MAX, "%s", name);
	else
		complain(l, y->line, "'%s' is not a DNS name", y->text);
}

/* -- sections -- */

static void set_section(struct loader *l, const struct yaml *y,
	const struct section *section, void *base);

/* Remembers where a key was set; false (with a message) the second time. */
static bool first_time(struct loader *l, const void *base,
	const struct key *key, unsigned line)
{
	for (unsigned i = l->n_seen; i-- > 0;)
		if (l->seen[i].base == base && l->seen[i].key == key) {
			complain(l, line, "%s is set twice (first at %s:%u)",
				key->name, l->seen[i].where.file,
				l->seen[i].where.line);
			return false;
		}
	if (l->n_seen == l->room_seen) {
		l->room_seen = l->room_seen * 2 + 64;
		l->seen = mem_grow(l->seen, l->room_seen * sizeof *l->seen);
	}
	l->seen[l->n_seen++] = (struct seen){base, key, {l->file, line}};
	return true;
}

static void set_number(struct loader *l, const struct yaml *y,
	const struct key *key, void *field)
{
	double v;
	if (key->type == KEY_REAL)
		number(l, y, key, NULL, field);
	else if (key->type == KEY_RATE)
		number(l, y, key, "KMG", field);
	else if (!whole(l, y, key, &v))
		return;
	else if (key->type == KEY_INT)
		*(int *)field = (int)v;
	else
		*(int64_t *)field = (int64_t)v;
}

static void set_word(struct loader *l, const struct yaml *y,
	const struct key *key, void *field)
{
	if (!is_kind(l, y, key->name, YAML_SCALAR))
		return;
	if (key->type == KEY_TEXT)
		*(const char **)field = y->text;
	else if (key->type == KEY_PATH)
		*(const char **)field = path_resolve(l, y->text);
	else if (key->type == KEY_NAME)
		set_name(l, y, field);
	else if (!conf_time(y->text, field))
		complain(l, y->line,
			"%s: '%s' is not a time such as 2026-11-22T09:00 or 2026-11-22T09:00+08:00",
			key->name, y->text);
}

static void set_key(struct loader *l, const struct yaml *y,
	const struct key *key, void *base)
{
	void *field = (char *)base + key->offset;

	switch (key->type) {
	case KEY_INT:
	case KEY_COUNT:
	case KEY_REAL:
	case KEY_RATE:
		set_number(l, y, key, field);
		break;
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_TIME:
	case KEY_NAME:
		set_word(l, y, key, field);
		break;
	case KEY_BOOL:
		set_bool(l, y, key, field);
		break;
	case KEY_ENUM:
		set_enum(l, y, key, field);
		break;
	case KEY_TEXTS:
	case KEY_PATHS:
		set_texts(l, y, key, field);
		break;
	case KEY_PREFIXES:
		set_prefixes(l, y, key, field);
		break;
	case KEY_ADDRESSES:
		set_addresses(l, y, key, base);
		break;
	case KEY_ASNS:
		set_asns(l, y, key, base);
		break;
	case KEY_RANGE:
		set_range(l, y, key, field);
		break;
	case KEY_AT:
		set_at(l, y, key, field);
		break;
	case KEY_SECTION:
		if (is_kind(l, y, key->name, YAML_MAP))
			set_section(l, y, key->section, base);
		break;
	case KEY_NAMED:
	case KEY_ITEMS:
	case KEY_INCLUDE:
		break; /* set_top does these */
	}
}

static const struct key *key_find(
	const struct section *section, const char *name)
{
	for (const struct key *key = section->keys; key->name; key++)
		if (!strcasecmp(key->name, name))
			return key;
	return NULL;
}

static void set_section(struct loader *l, const struct yaml *y,
	const struct section *section, void *base)
{
	unsigned from = l->n_seen;
	for (unsigned i = 0; i < y->n; i++) {
		const struct yaml *name = y->keys[i];
		const struct key *key = key_find(section, name->text);
		if (!key || strcmp(key->name, name->text))
			complain(l, name->line, "unknown key '%s' in %s",
				name->text, section->what);
		if (key && first_time(l, base, key, name->line))
			set_key(l, y->values[i], key, base);
	}
	/* What one struct needs no more makes the list short again; sections
	 * of the top level stay, for a second file that sets them. */
	if (section->size)
		l->n_seen = from;
}

/* The defaults of a section, as if they were written. Lists are split at
 * spaces. */
static void set_presets(
	struct loader *l, const struct section *section, void *base)
{
	for (const struct key *key = section->keys; key->name; key++) {
		if (key->type == KEY_SECTION)
			set_presets(l, key->section, base);
		if (key->type == KEY_TEXT || key->type == KEY_PATH)
			*(const char **)((char *)base + key->offset) =
				key->preset ? key->preset
				: key->type == KEY_PATH && section->size &&
					section != &conf_section
				? NULL
				: "";
		if (!key->preset || key->type == KEY_TEXT ||
			key->type == KEY_PATH)
			continue;
		struct yaml item[4], *items[4];
		struct yaml list = {.kind = YAML_LIST, .values = items};
		char *text = arena_strdup(l->arena, key->preset), *save;
		for (char *t = strtok_r(text, " ", &save); t;
			t = strtok_r(NULL, " ", &save)) {
			item[list.n] =
				(struct yaml){.kind = YAML_SCALAR, .text = t};
			items[list.n] = &item[list.n];
			list.n++;
		}
		bool is_list = key->type == KEY_TEXTS ||
			key->type == KEY_PREFIXES || list.n > 1;
		set_key(l, is_list ? &list : items[0], key, base);
	}
}

/* -- the top level -- */

static const char *name_of(
	struct loader *l, const struct key *key, const struct yaml *y)
{
	const char *name = conf_name(l->arena, y->text);
	if (!name)
		complain(l, y->line, "'%s' is not a DNS name", y->text);
	else if (key->section->size == sizeof(struct conf_node) &&
		(strchr(name, '.') || strlen(name) > 63 || !*name ||
			*name == '-' || name[strlen(name) - 1] == '-')) {
		complain(l, y->line, "node name '%s' is no DNS label", y->text);
		name = NULL;
	}
	return name;
}

/* The three named lists have name and where first, so one loop serves. */
struct named {
	const char *name;
	struct conf_where where;
};
_Static_assert(
	offsetof(struct conf_zone, where) == offsetof(struct named, where) &&
		offsetof(struct conf_node, where) ==
			offsetof(struct named, where) &&
		offsetof(struct conf_steer, where) ==
			offsetof(struct named, where),
	"zones, nodes and steer begin alike");
_Static_assert(sizeof(struct conf_zone) != sizeof(struct conf_node) &&
		sizeof(struct conf_node) != sizeof(struct conf_steer) &&
		sizeof(struct conf_zone) != sizeof(struct conf_steer),
	"and are told apart by their size");

static unsigned *count_of(struct conf *conf, const struct key *key)
{
	return key->offset == offsetof(struct conf, zones)    ? &conf->n_zones
		: key->offset == offsetof(struct conf, nodes) ? &conf->n_nodes
							      : &conf->n_steer;
}

/* The line of a key in a map, 0 if it is not there. */
static unsigned line_of(const struct yaml *y, const char *key)
{
	for (unsigned i = 0; y->kind == YAML_MAP && i < y->n; i++)
		if (!strcmp(y->keys[i]->text, key))
			return y->keys[i]->line;
	return 0;
}

/* Where a key's value stands; without one where the struct does. */
static struct conf_where value_where(const struct loader *l,
	const struct yaml *y, const char *key, struct conf_where of)
{
	for (unsigned i = 0; y->kind == YAML_MAP && i < y->n; i++)
		if (!strcasecmp(y->keys[i]->text, key))
			return (struct conf_where){l->file, y->values[i]->line};
	return of;
}

/* Room for more structs behind the n of a list; lists grow by half, since
 * there may be a file for each node. */
static char *list_grow(
	struct loader *l, void **list, unsigned n, unsigned more, size_t size)
{
	unsigned *room = size == sizeof(struct conf_zone) ? &l->room_zones
		: size == sizeof(struct conf_node)        ? &l->room_nodes
							  : &l->room_steer;
	if (n + more <= *room)
		return *list;
	*room = n + more + n / 2;
	char *fresh = arena_alloc(l->arena, *room * size);
	if (n)
		memcpy(fresh, *list, n * size);
	*list = fresh;
	return fresh;
}

/* Keys whose default depends on another one, and what is checked at the end. */
static void note_given(
	const struct loader *l, const struct yaml *y, struct conf_node *node)
{
	node->api_where = value_where(l, y, "api", node->where);
	node->rtmp_where = value_where(l, y, "rtmp", node->where);
	node->flv_where = value_where(l, y, "flv", node->where);
	node->public_given = line_of(y, "public") > 0;
	node->capacity_given = line_of(y, "capacity") > 0;
	node->overcommit_given = line_of(y, "overcommit") > 0;
}

static void set_named(
	struct loader *l, const struct yaml *y, const struct key *key)
{
	void **list = (void **)((char *)l->conf + key->offset);
	unsigned *n = count_of(l->conf, key);
	size_t size = key->section->size;

	if (!is_kind(l, y, key->name, YAML_MAP) || !y->n)
		return;
	char *fresh = list_grow(l, list, *n, y->n, size);
	for (unsigned i = 0; i < y->n; i++) {
		struct named *one = (void *)(fresh + *n * size);
		const char *name = name_of(l, key, y->keys[i]);
		set_presets(l, key->section, one);
		one->name = name ? name : "";
		one->where = (struct conf_where){l->file, y->keys[i]->line};
		if (is_kind(l, y->values[i], y->keys[i]->text, YAML_MAP))
			set_section(l, y->values[i], key->section, one);
		if (size == sizeof(struct conf_node))
			note_given(l, y->values[i], (struct conf_node *)one);
		if (size == sizeof(struct conf_zone))
			((struct conf_zone *)one)->file_where =
				(struct conf_where){
					l->file, line_of(y->values[i], "file")};
		if (name)
			++*n;
	}
}

/* Room for so many more items of `expect`. */
static void expect_grow(struct loader *l, unsigned more)
{
	struct conf *conf = l->conf;
	if (conf->n_expect + more <= l->room_expect)
		return;
	l->room_expect += l->room_expect / 2 + more;
	struct conf_expect *list =
		arena_alloc(l->arena, l->room_expect * sizeof *list);
	struct conf_where *where =
		arena_alloc(l->arena, l->room_expect * sizeof *where);
	for (unsigned i = 0; i < conf->n_expect; i++) {
		list[i] = conf->expect[i];
		where[i] = conf->expect_where[i];
	}
	conf->expect = list;
	conf->expect_where = where;
}

static void set_item(
	struct loader *l, const struct yaml *y, const struct key *key)
{
	unsigned i = l->conf->n_expect++, line = line_of(y, "name");
	l->conf->expect_where[i] =
		(struct conf_where){l->file, line ? line : y->line};
	set_presets(l, key->section, &l->conf->expect[i]);
	set_section(l, y, key->section, &l->conf->expect[i]);
	for (const struct key *k = key->section->keys; k->name; k++)
		if (k->needed && !line_of(y, k->name))
			complain(l, y->line, "%s: no '%s'", key->name, k->name);
}

/* Another list that goes on in other files: there may be one for each day. */
static void set_items(
	struct loader *l, const struct yaml *y, const struct key *key)
{
	if (!is_kind(l, y, key->name, YAML_LIST))
		return;
	expect_grow(l, y->n);
	for (unsigned i = 0; i < y->n; i++)
		if (is_kind(l, y->values[i], key->name, YAML_MAP))
			set_item(l, y->values[i], key);
}

static int named_order(const void *a, const void *b)
{
	const struct named *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);
	return c ? c : *x < *y ? -1 : 1;
}

static void check_twice(struct loader *l, const void *list, unsigned n,
	size_t size, const char *what)
{
	if (n < 2)
		return;
	const struct named **order = mem_zero(n, sizeof *order);
	for (unsigned i = 0; i < n; i++)
		order[i] = (const void *)((const char *)list + i * size);
	qsort(order, n, sizeof *order, named_order);
	for (unsigned i = 1; i < n; i++)
		if (!strcmp(order[i]->name, order[i - 1]->name)) {
			l->file = order[i]->where.file;
			complain(l, order[i]->where.line,
				"%s %s is there twice (first at %s:%u)", what,
				order[i]->name, order[i - 1]->where.file,
				order[i - 1]->where.line);
		}
	free(order);
}

static void load_file(struct loader *l, const char *path, unsigned depth);

/* What cannot be read is a fault of the line that names it. */
static bool can_include(struct loader *l, const char *path, unsigned line)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int error = file < 0 || fstat(file, &st) != 0 ? errno
		: S_ISDIR(st.st_mode)                 ? EISDIR
						      : 0;
	if (file >= 0)
		close(file);
	if (error)
		complain(l, line, "include: %s: %s", path, strerror(error));
	return !error;
}

static void include(struct loader *l, const struct yaml *y, unsigned depth)
{
	static const struct key key = {.name = "include", .type = KEY_PATHS};
	struct conf_texts globs = {0};

	set_texts(l, y, &key, &globs);
	for (unsigned i = 0; i < globs.n; i++) {
		glob_t found;
		const char *file = l->file;
		if (!l->includes || depth >= INCLUDE_DEPTH_MAX) {
			complain(l, globs.where[i].line,
				"include: not possible here");
			continue;
		}
		if (glob(globs.text[i], 0, NULL, &found)) {
			if (!strpbrk(globs.text[i], "*?["))
				complain(l, globs.where[i].line,
					"include: no file %s", globs.text[i]);
			continue;
		}
		for (size_t k = 0; k < found.gl_pathc; k++) {
			l->file = file;
			if (can_include(
				    l, found.gl_pathv[k], globs.where[i].line))
				load_file(l, found.gl_pathv[k], depth + 1);
		}
		globfree(&found);
		l->file = file;
	}
}

static void set_top(struct loader *l, const struct yaml *root, unsigned depth)
{
	const struct yaml *includes = NULL; /* come behind the file itself */

	for (unsigned i = 0; i < root->n; i++) {
		const struct yaml *name = root->keys[i];
		const struct key *key = key_find(&conf_section, name->text);
		if (!key || strcmp(key->name, name->text)) {
			complain(l, name->line, "unknown key '%s'%s%s%s",
				name->text, key ? ", did you mean '" : "",
				key ? key->name : "", key ? "'?" : "");
		}
		/* In another file the named lists and include go on; in the
		 * same file even they stand once. */
		const void *base = !key ||
				(key->type != KEY_NAMED &&
					key->type != KEY_ITEMS &&
					key->type != KEY_INCLUDE)
			? (const void *)l->conf
			: (const void *)l->file;
		if (!key || !first_time(l, base, key, name->line))
			continue;
		if (key->type == KEY_SECTION && key->offset) {
			void *listener = (char *)l->conf + key->offset;
			*(bool *)listener = true; /* .given is first */
		}
		if (key->type == KEY_INCLUDE)
			includes = root->values[i];
		else if (key->type == KEY_NAMED)
			set_named(l, root->values[i], key);
		else if (key->type == KEY_ITEMS)
			set_items(l, root->values[i], key);
		else
			set_key(l, root->values[i], key, l->conf);
		if (!strcmp(key->name, "http"))
			l->conf->http.where =
				(struct conf_where){l->file, name->line};
		if (!strcmp(key->name, "public")) {
			struct conf_where of = {l->file, name->line};
			l->conf->public.where = of;
			l->conf->public.cert_where =
				value_where(l, root->values[i], "cert", of);
			l->conf->public.key_where =
				value_where(l, root->values[i], "key", of);
		}
	}
	if (includes)
		include(l, includes, depth);
}

static void load_tree(struct loader *l, struct yaml *root, unsigned depth)
{
	if (!root || !is_kind(l, root, "the file", YAML_MAP)) {
		l->unread = true;
		l->ok = false;
		return;
	}
	set_top(l, root, depth);
}

static void load_file(struct loader *l, const char *path, unsigned depth)
{
	l->file = arena_strdup(l->arena, path);
	if (++l->files > INCLUDE_FILES_MAX) {
		l->ok = err_add(l->err, "%s: too many included files", path);
		return;
	}
	load_tree(l, yaml_read(l->arena, l->file, l->err), depth);
}

static struct loader loader_new(const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	struct conf *conf = arena_alloc(arena, sizeof *conf);
	struct loader l = {
		.conf = conf, .arena = arena, .err = err, .ok = true};

	conf->arena = arena;
	conf->path = l.file = arena_strdup(arena, path);
	set_presets(&l, &conf_section, conf);
	return l;
}

/* What first_time() saw at the top level, for later messages. */
static void keep_keys(struct loader *l)
{
	struct conf *conf = l->conf;
	conf->keys = arena_alloc(l->arena, l->n_seen * sizeof *conf->keys);
	for (unsigned i = 0; i < l->n_seen; i++)
		if (l->seen[i].base == conf)
			conf->keys[conf->n_keys++] = (struct conf_key){
				l->seen[i].key->name, l->seen[i].where};
}

struct conf_where conf_key_where(const struct conf *conf, const char *key)
{
	for (unsigned i = 0; i < conf->n_keys; i++)
		if (!strcmp(conf->keys[i].name, key))
			return conf->keys[i].where;
	return (struct conf_where){conf->path, 1};
}

/* NULL if nothing could be read; else l->ok says whether it is good. */
static struct conf *loader_finish(struct loader *l)
{
	struct conf *conf = l->conf;
	keep_keys(l);
	check_twice(l, conf->zones, conf->n_zones, sizeof *conf->zones, "zone");
	check_twice(l, conf->nodes, conf->n_nodes, sizeof *conf->nodes, "node");
	check_twice(l, conf->steer, conf->n_steer, sizeof *conf->steer,
		"steered name");
	free(l->seen);
	if (!l->unread && !conf_check(conf, l->err))
		l->ok = false;
	if (!l->unread)
		return conf;
	conf_free(conf);
	return NULL;
}

static struct conf *only_good(struct conf *conf, bool ok)
{
	if (ok)
		return conf;
	conf_free(conf);
	return NULL;
}

static void load_more(struct loader *l, const struct conf_more *more)
{
	char *text = more->text(more->arg, l->conf, l->err);
	if (!text)
		return;
	l->file = arena_strdup(l->arena, more->name);
	l->includes = false;
	load_tree(l, yaml_parse(l->arena, l->file, text, strlen(text), l->err),
		0);
	free(text);
}

struct conf *conf_load_all(const char *path, struct err *err, bool *ok)
{
	return conf_load_more(path, NULL, err, ok);
}

struct conf *conf_load_more(const char *path, const struct conf_more *more,
	struct err *err, bool *ok)
{
	struct loader l = loader_new(path, err);
	l.includes = true;
	load_file(&l, path, 0);
	if (more && !l.unread)
		load_more(&l, more);
	struct conf *conf = loader_finish(&l);
	*ok = l.ok;
	return conf;
}

struct conf *conf_load(const char *path, struct err *err)
{
	bool ok;
	struct conf *conf = conf_load_all(path, err, &ok);
	return only_good(conf, ok);
}

struct conf *conf_parse(
	const char *path, const char *bytes, size_t len, struct err *err)
{
	struct loader l = loader_new(path, err);
	load_tree(&l, yaml_parse(l.arena, l.file, bytes, len, err), 0);
	struct conf *conf = loader_finish(&l);
	return only_good(conf, l.ok);
}

void conf_free(struct conf *conf)
{
	if (conf)
		arena_free(conf->arena);
}

char *conf_control_path(const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	const struct key *key = key_find(&conf_section, "control");
	const struct yaml *root = yaml_read(arena, path, err);
	const char *control = root ? key->preset : NULL;

	for (unsigned i = 0; root && root->kind == YAML_MAP && i < root->n; i++)
		if (!strcmp(root->keys[i]->text, key->name) &&
			root->values[i]->kind == YAML_SCALAR)
			control = root->values[i]->text;
	char *result = control ? mem_strdup(control) : NULL;
	arena_free(arena);
	return result;
}
