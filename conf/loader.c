#include "conf/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

void loader_complain(struct loader *l, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->ok = err_add(l->err, "%s:%u: %s", l->file, line, text);
}

bool loader_is_kind(struct loader *l, const struct yaml *y, const char *key,
	enum yaml_kind kind)
{
	if (y->kind == kind)
		return true;
	/* "nodes:" with nothing behind it is an empty map or list. */
	if (y->kind == YAML_SCALAR && !*y->text && kind != YAML_SCALAR)
		return true;
	loader_complain(l, y->line, "%s must be %s, not %s", key,
		yaml_kind_text(kind), yaml_kind_text(y->kind));
	return false;
}

const char *loader_path_beside(
	struct arena *arena, const char *file, const char *text)
{
	const char *slash = strrchr(file, '/');
	if (*text == '/' || !*text || !slash)
		return text;
	return arena_printf(arena, "%.*s/%s", (int)(slash - file), file, text);
}

const char *loader_path(struct loader *l, const char *text)
{
	return loader_path_beside(l->arena, l->file, text);
}

bool loader_first_time(struct loader *l, const void *base,
	const struct key *key, unsigned line)
{
	for (unsigned i = l->n_seen; i-- > 0;)
		if (l->seen[i].base == base && l->seen[i].key == key) {
			loader_complain(l, line,
				"%s is set twice (first at %s:%u)", key->name,
				l->seen[i].where.file, l->seen[i].where.line);
			return false;
		}
	if (l->n_seen == l->room_seen) {
		l->room_seen = l->room_seen * 2 + 64;
		l->seen = mem_grow(l->seen, l->room_seen * sizeof *l->seen);
	}
	l->seen[l->n_seen++] = (struct seen){base, key, {l->file, line}};
	return true;
}
