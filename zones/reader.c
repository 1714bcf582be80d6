#include "zones/reader.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

bool reader_fault(struct reader *r, const char *what, const char *text)
{
	r->loader->failed = true;
	zone_builder_fail(r->loader->builder);
	return err_add(r->loader->err, "%s:%u: %s%s%s%.200s%s",
		r->path ? r->path : "zone", r->first, r->within, what,
		text ? " \"" : "", text ? text : "", text ? "\"" : "");
}

bool reader_text_fault(
	struct reader *r, const char *of, const struct text_fault *wrong)
{
	char what[160], word[208];
	const struct text_word *w = &wrong->word;

	snprintf(what, sizeof what, "%.16s: %s", of, wrong->what);
	snprintf(word, sizeof word, "%.*s", (int)(w->len < 200 ? w->len : 200),
		w->len ? w->at : "");
	return reader_fault(r, what, w->len ? word : NULL);
}

/* -- logical lines -- */

static void reader_make_room(struct reader *r, size_t more)
{
	if (r->len + more > r->room) {
		r->room = 2 * (r->len + more) + 512;
		r->text = mem_grow(r->text, r->room);
	}
}

static void reader_put(struct reader *r, char c)
{
	reader_make_room(r, 1);
	r->text[r->len++] = c;
}

/* What copy_line() has to look at. */
static const bool special[256] = {['"'] = true,
	['\\'] = true,
	['\n'] = true,
	[';'] = true,
	['('] = true,
	[')'] = true,
	['\r'] = true,
	['\t'] = true,
	['\f'] = true};

/* Copies what is nothing special: of most lines all. */
static void copy_plain(struct reader *r)
{
	size_t most = READER_LINE_MAX + 1 - r->len, n = 0;

	if (most > (size_t)(r->end - r->at))
		most = (size_t)(r->end - r->at);
	while (n < most && !special[(uint8_t)r->at[n]])
		n++;
	reader_make_room(r, n);
	memcpy(r->text + r->len, r->at, n);
	r->len += n;
	r->at += n;
}

/* Copies "..." with its escapes. False: it does not end on its line. */
static bool copy_quoted(struct reader *r)
{
	reader_put(r, *r->at++);
	while (r->at < r->end && *r->at != '\n') {
		char c = *r->at++;
		reader_put(r, c);
		if (c == '"')
			return true;
		if (c == '\\' && r->at < r->end && *r->at != '\n')
			reader_put(r, *r->at++);
	}
	return false;
}

/* What reader_line() found wrong, or NULL. */
static const char *copy_line(struct reader *r)
{
	unsigned depth = 0;

	while (r->at < r->end) {
		char c = *r->at;
		if (r->len > READER_LINE_MAX)
			return "a record too long to be one";
		if (c == '"') {
			if (!copy_quoted(r))
				return "a quoted string without its end";
			continue;
		}
		r->at++;
		if (c == '\\' && r->at < r->end && *r->at != '\n') {
			reader_put(r, c);
			reader_put(r, *r->at++);
		} else if (c == '\n') {
			r->line++;
			if (!depth)
				return NULL;
			reader_put(r, ' ');
		} else if (c == ';') {
			while (r->at < r->end && *r->at != '\n')
				r->at++;
		} else if (c == '(') {
			depth++;
			reader_put(r, ' ');
		} else if (c == ')') {
			if (!depth--)
				return "a closing parenthesis too many";
			reader_put(r, ' ');
		} else {
			reader_put(r,
				c == '\r' || c == '\t' || c == '\f' ? ' ' : c);
			copy_plain(r);
		}
	}
	return depth ? "a parenthesis is not closed" : NULL;
}

char *reader_skip_spaces(char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

bool reader_line(struct reader *r)
{
	while (r->at < r->end) {
		r->len = 0;
		r->first = r->line;
		const char *wrong = copy_line(r);
		reader_put(r, '\0');
		if (!wrong && *reader_skip_spaces(r->text))
			return true;
		if (!wrong)
			continue;
		reader_fault(r, wrong, NULL);
		while (r->at < r->end && *r->at++ != '\n')
			;
		r->line++;
	}
	return false;
}

char *reader_word(char **rest)
{
	char *start = reader_skip_spaces(*rest), *p = start;
	bool inside = false; /* quotes */
	for (; *p && (inside || *p != ' '); p++)
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			inside = !inside;
	*rest = *p ? p + 1 : p;
	*p = '\0';
	return *start ? start : NULL;
}
