/* Loading: the top level of a configuration, its lists, and what it includes. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "conf/loader.h"

#define INCLUDE_DEPTH_MAX 8
#define INCLUDE_FILES_MAX 100000

/* -- lists of structs -- */

static const char *name_of(
	struct loader *l, const struct key *key, const struct yaml *y)
{
	const char *name = conf_name(l->arena, y->text);
	if (!name)
		loader_complain(l, y->line, "'%s' is not a DNS name", y->text);
	else if (key->section->size == sizeof(struct conf_node) &&
		(strchr(name, '.') || strlen(name) > 63 || !*name ||
			*name == '-' || name[strlen(name) - 1] == '-')) {
		loader_complain(
			l, y->line, "node name '%s' is no DNS label", y->text);
		name = NULL;
	}
	return name;
}

/* The named lists have name and where first, so one loop serves. */
struct named {
	const char *name;
	struct conf_where where;
};
_Static_assert(
	offsetof(struct conf_zone, where) == offsetof(struct named, where) &&
		offsetof(struct conf_tsig, where) ==
			offsetof(struct named, where) &&
		offsetof(struct conf_node, where) ==
			offsetof(struct named, where) &&
		offsetof(struct conf_steer, where) ==
			offsetof(struct named, where),
	"zones, keys, nodes and steer begin alike");
_Static_assert(sizeof(struct conf_zone) != sizeof(struct conf_node) &&
		sizeof(struct conf_node) != sizeof(struct conf_steer) &&
		sizeof(struct conf_zone) != sizeof(struct conf_steer) &&
		sizeof(struct conf_tsig) != sizeof(struct conf_zone) &&
		sizeof(struct conf_tsig) != sizeof(struct conf_node) &&
		sizeof(struct conf_tsig) != sizeof(struct conf_steer),
	"and are told apart by their size");

static unsigned *count_of(struct conf *conf, const struct key *key)
{
	return key->offset == offsetof(struct conf, zones)    ? &conf->n_zones
		: key->offset == offsetof(struct conf, tsig)  ? &conf->n_tsig
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
		: size == sizeof(struct conf_tsig)        ? &l->room_tsig
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

static void note_public_urls(
	const struct loader *l, const struct yaml *y, struct conf_node *node)
{
	const struct key *keys = conf_public_url_section.keys;
	const struct yaml *map = NULL;
	for (unsigned i = 0; y->kind == YAML_MAP && i < y->n; i++)
		if (!strcasecmp(y->keys[i]->text, "public_url"))
			map = y->values[i];
	for (unsigned i = 0; map && i < CONF_URLS; i++)
		node->public_url_where[i] =
			value_where(l, map, keys[i].name, node->where);
}

/* Keys whose default depends on another one, and what is checked at the end. */
static void note_given(
	const struct loader *l, const struct yaml *y, struct conf_node *node)
{
	node->api_where = value_where(l, y, "api", node->where);
	node->api_token_where = value_where(l, y, "api_token", node->where);
	node->rtmp_where = value_where(l, y, "rtmp", node->where);
	node->flv_where = value_where(l, y, "flv", node->where);
	node->srt_where = value_where(l, y, "srt", node->where);
	node->whep_where = value_where(l, y, "whep", node->where);
	note_public_urls(l, y, node);
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

	if (!loader_is_kind(l, y, key->name, YAML_MAP) || !y->n)
		return;
	char *fresh = list_grow(l, list, *n, y->n, size);
	for (unsigned i = 0; i < y->n; i++) {
		struct named *one = (void *)(fresh + *n * size);
		const char *name = name_of(l, key, y->keys[i]);
		section_presets(l, key->section, one);
		one->name = name ? name : "";
		one->where = (struct conf_where){l->file, y->keys[i]->line};
		if (loader_is_kind(l, y->values[i], y->keys[i]->text, YAML_MAP))
			section_set(l, y->values[i], key->section, one);
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
	section_presets(l, key->section, &l->conf->expect[i]);
	section_set(l, y, key->section, &l->conf->expect[i]);
	for (const struct key *k = key->section->keys; k->name; k++)
		if (k->needed && !line_of(y, k->name))
			loader_complain(
				l, y->line, "%s: no '%s'", key->name, k->name);
}

/* Another list that goes on in other files: there may be one for each day. */
static void set_items(
	struct loader *l, const struct yaml *y, const struct key *key)
{
	if (!loader_is_kind(l, y, key->name, YAML_LIST))
		return;
	expect_grow(l, y->n);
	for (unsigned i = 0; i < y->n; i++)
		if (loader_is_kind(l, y->values[i], key->name, YAML_MAP))
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
			loader_complain(l, order[i]->where.line,
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
		loader_complain(
			l, line, "include: %s: %s", path, strerror(error));
	return !error;
}

static void include(struct loader *l, const struct yaml *y, unsigned depth)
{
	static const struct key key = {.name = "include", .type = KEY_PATHS};
	struct conf_texts globs = {0};

	value_texts(l, y, &key, &globs);
	for (unsigned i = 0; i < globs.n; i++) {
		glob_t found;
		const char *file = l->file;
		if (!l->includes || depth >= INCLUDE_DEPTH_MAX) {
			loader_complain(l, globs.where[i].line,
				"include: not possible here");
			continue;
		}
		if (glob(globs.text[i], 0, NULL, &found)) {
			if (!strpbrk(globs.text[i], "*?["))
				loader_complain(l, globs.where[i].line,
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

/* Where a listener is written, and what it shows. */
static void note_listener(
	struct loader *l, const struct yaml *name, const struct yaml *value)
{
	const struct {
		const char *key;
		struct conf_listener *listener;
	} all[] = {{"tls", &l->conf->tls}, {"http", &l->conf->http},
		{"public", &l->conf->public}};
	struct conf_where of = {l->file, name->line};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(all[i].key, name->text) != 0)
			continue;
		all[i].listener->where = of;
		all[i].listener->cert_where = value_where(l, value, "cert", of);
		all[i].listener->key_where = value_where(l, value, "key", of);
	}
}

static void set_top(struct loader *l, const struct yaml *root, unsigned depth)
{
	const struct yaml *includes = NULL; /* come behind the file itself */

	for (unsigned i = 0; i < root->n; i++) {
		const struct yaml *name = root->keys[i];
		const struct key *key = section_key(&conf_section, name->text);
		if (!key || strcmp(key->name, name->text)) {
			loader_complain(l, name->line, "unknown key '%s'%s%s%s",
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
		if (!key || !loader_first_time(l, base, key, name->line))
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
			section_set_key(l, root->values[i], key, l->conf);
		note_listener(l, name, root->values[i]);
	}
	if (includes)
		include(l, includes, depth);
}

static void load_tree(struct loader *l, struct yaml *root, unsigned depth)
{
	if (!root || !loader_is_kind(l, root, "the file", YAML_MAP)) {
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
	section_presets(&l, &conf_section, conf);
	return l;
}

/* What loader_first_time() saw at the top level, for later messages. */
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
	check_twice(l, conf->tsig, conf->n_tsig, sizeof *conf->tsig, "tsig");
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
	const struct key *key = section_key(&conf_section, "control");
	const struct yaml *root = yaml_read(arena, path, err);
	const char *control = root ? key->preset : NULL;

	for (unsigned i = 0; root && root->kind == YAML_MAP && i < root->n; i++)
		if (!strcmp(root->keys[i]->text, key->name) &&
			root->values[i]->kind == YAML_SCALAR)
			control = loader_path_beside(
				arena, path, root->values[i]->text);
	char *result = control ? mem_strdup(control) : NULL;
	arena_free(arena);
	return result;
}
