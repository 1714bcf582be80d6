#include "conf/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"

#define DEPTH_MAX 16
#define NODES_MAX 4000000
#define FILE_MAX_BYTES (64 << 20)

struct reader {
	struct arena *arena;
	const char *path;
	yaml_document_t *document;
	unsigned nodes;
	struct err *err;
};

const char *yaml_kind_text(enum yaml_kind kind)
{
	static const char *const text[] = {"a scalar", "a list", "a map"};
	return text[kind];
}

/* The value of ${NAME}: *text is after "${", moved behind "}". */
static bool variable(
	struct reader *r, const char **text, unsigned line, struct buf *out)
{
	char name[128];
	size_t n = strcspn(*text, "}");
	if ((*text)[n] != '}')
		return err_add(
			r->err, "%s:%u: '${' without '}'", r->path, line);
	if (n == 0 || n >= sizeof name)
		return err_add(r->err, "%s:%u: bad variable name in '${...}'",
			r->path, line);
	memcpy(name, *text, n);
	name[n] = '\0';
	const char *value = getenv(name);
	if (!value)
		return err_add(r->err,
			"%s:%u: environment variable %s is not set", r->path,
			line, name);
	buf_add(out, value, strlen(value));
	*text += n + 1;
	return true;
}

static const char *expand(struct reader *r, const char *text, unsigned line)
{
	struct buf out = {0};
	bool ok = true;

	if (!strstr(text, "${"))
		return arena_strdup(r->arena, text);
	while (ok && *text) {
		const char *var = strstr(text, "${");
		size_t n = var ? (size_t)(var - text) : strlen(text);
		buf_add(&out, text, n);
		text += n;
		if (var) {
			text += 2;
			ok = variable(r, &text, line, &out);
		}
	}
	const char *result =
		ok ? arena_strdup(r->arena, out.text ? out.text : "") : NULL;
	buf_fini(&out);
	return result;
}

static struct yaml *convert(struct reader *r, int index, unsigned depth);

static bool convert_map(struct reader *r, struct yaml *y,
	const yaml_node_t *node, unsigned depth)
{
	yaml_node_pair_t *p = node->data.mapping.pairs.start;
	y->n = (unsigned)(node->data.mapping.pairs.top - p);
	y->keys = arena_alloc(r->arena, y->n * sizeof(struct yaml *));
	y->values = arena_alloc(r->arena, y->n * sizeof(struct yaml *));
	for (unsigned i = 0; i < y->n; i++) {
		y->keys[i] = convert(r, p[i].key, depth + 1);
		if (!y->keys[i])
			return false;
		y->values[i] = convert(r, p[i].value, depth + 1);
		if (!y->values[i])
			return false;
		if (y->keys[i]->kind != YAML_SCALAR)
			return err_add(r->err, "%s:%u: a key must be a scalar",
				r->path, y->keys[i]->line);
	}
	return true;
}

static bool convert_list(struct reader *r, struct yaml *y,
	const yaml_node_t *node, unsigned depth)
{
	yaml_node_item_t *p = node->data.sequence.items.start;
	y->n = (unsigned)(node->data.sequence.items.top - p);
	y->values = arena_alloc(r->arena, y->n * sizeof(struct yaml *));
	for (unsigned i = 0; i < y->n; i++)
		if (!(y->values[i] = convert(r, p[i], depth + 1)))
			return false;
	return true;
}

static struct yaml *convert(struct reader *r, int index, unsigned depth)
{
	yaml_node_t *node = yaml_document_get_node(r->document, index);
	struct yaml *y = arena_alloc(r->arena, sizeof *y);

	y->line = (unsigned)node->start_mark.line + 1;
	if (depth > DEPTH_MAX || ++r->nodes > NODES_MAX) {
		err_add(r->err, "%s:%u: nested too deep or too large", r->path,
			y->line);
		return NULL;
	}
	if (node->type == YAML_MAPPING_NODE) {
		y->kind = YAML_MAP;
		return convert_map(r, y, node, depth) ? y : NULL;
	}
	if (node->type == YAML_SEQUENCE_NODE) {
		y->kind = YAML_LIST;
		return convert_list(r, y, node, depth) ? y : NULL;
	}
	const char *text = (const char *)node->data.scalar.value;
	if (strlen(text) != node->data.scalar.length) {
		err_add(r->err, "%s:%u: a zero byte in a scalar", r->path,
			y->line);
		return NULL;
	}
	y->kind = YAML_SCALAR;
	y->text = expand(r, text, y->line);
	return y->text ? y : NULL;
}

static void syntax_error(
	const yaml_parser_t *parser, const char *path, struct err *err)
{
	/* libyaml's marks count from 0. The reader's errors (bad UTF-8) have
	 * no mark of their own; the parser's place is near enough. */
	size_t line = parser->problem_mark.line + 1;
	if (parser->error == YAML_READER_ERROR)
		line = parser->mark.line + 1;
	err_add(err, "%s:%zu: %s%s%s", path, line,
		parser->problem ? parser->problem : "not YAML",
		parser->context ? ", " : "",
		parser->context ? parser->context : "");
}

static struct yaml *yaml_read_document(struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t document, second;
	struct yaml *root = NULL;

	if (!yaml_parser_load(parser, &document)) {
		syntax_error(parser, r->path, r->err);
		return NULL;
	}
	r->document = &document;
	if (yaml_document_get_root_node(&document)) {
		root = convert(r, 1, 0);
	} else {
		root = arena_alloc(r->arena, sizeof *root);
		*root = (struct yaml){.kind = YAML_MAP, .line = 1};
	}
	yaml_document_delete(&document);
	if (!root || parser->stream_end_produced)
		return root;
	if (!yaml_parser_load(parser, &second)) {
		syntax_error(parser, r->path, r->err);
		return NULL;
	}
	yaml_node_t *more = yaml_document_get_root_node(&second);
	if (more) {
		err_add(r->err, "%s:%zu: a second document in one file",
			r->path, more->start_mark.line + 1);
		root = NULL;
	}
	yaml_document_delete(&second);
	return root;
}

struct yaml *yaml_parse(struct arena *arena, const char *path,
	const char *bytes, size_t len, struct err *err)
{
	yaml_parser_t parser;
	struct reader r = {.arena = arena, .path = path, .err = err};

	if (!yaml_parser_initialize(&parser)) {
		err_add(err, "%s: out of memory", path);
		return NULL;
	}
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)bytes, len);
	struct yaml *root = yaml_read_document(&r, &parser);
	yaml_parser_delete(&parser);
	return root;
}

struct yaml *yaml_read(struct arena *arena, const char *path, struct err *err)
{
	struct buf text = {0};
	char chunk[65536];
	size_t n;
	FILE *f = fopen(path, "re");

	if (!f) {
		err_add(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 &&
		text.len < FILE_MAX_BYTES)
		buf_add(&text, chunk, n);
	bool failed = ferror(f);
	fclose(f);
	struct yaml *root = NULL;
	if (failed || text.len >= FILE_MAX_BYTES)
		err_add(err, "%s: %s", path,
			failed ? "cannot be read" : "too large");
	else
		root = yaml_parse(
			arena, path, text.text ? text.text : "", text.len, err);
	buf_fini(&text);
	return root;
}
