#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than this says nothing new, and a file full of errors must not eat
 * the memory of a running server. */
#define LINES_MAX_BYTES 65536

static void line_add(char **text, size_t *len, const char *fmt, va_list ap)
{
	char line[1024];
	int n = vsnprintf(line, sizeof line - 1, fmt, ap);
	if (n < 0 || *len > LINES_MAX_BYTES)
		return;
	size_t add = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
	line[add++] = '\n';

	char *more = realloc(*text, *len + add + 1);
	if (!more)
		return;
	memcpy(more + *len, line, add);
	*len += add;
	more[*len] = '\0';
	*text = more;
}

bool err_add(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	line_add(&err->text, &err->text_len, fmt, ap);
	va_end(ap);
	err->count++;
	return false;
}

void err_warn(struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	line_add(&err->warnings, &err->warnings_len, fmt, ap);
	va_end(ap);
}

const char *err_text(struct err *err)
{
	if (!err->text)
		return "";
	if (err->text_len && err->text[err->text_len - 1] == '\n')
		err->text[--err->text_len] = '\0';
	return err->text;
}

static void lines_move(void (*add)(struct err *err, const char *line),
	struct err *err, char *text)
{
	for (char *line = text, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		add(err, line);
		if (!end)
			break;
	}
}

static void add_one(struct err *err, const char *line)
{
	err_add(err, "%s", line);
}

static void warn_one(struct err *err, const char *line)
{
	err_warn(err, "%s", line);
}

void err_move(struct err *err, struct err *from)
{
	lines_move(add_one, err, from->text);
	lines_move(warn_one, err, from->warnings);
	err_fini(from);
}

void err_fini(struct err *err)
{
	free(err->text);
	free(err->warnings);
	*err = (struct err){0};
}
