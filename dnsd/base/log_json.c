#include "base/log_json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

#define WORD_MAX 32
#define NODE_MAX 63
#define FIELDS_MAX 12
/* So that fields have room, however they are escaped. */
#define FIELDS_TEXT_MAX 500
#define TAIL 16 /* what must go behind a text that is cut */

struct object {
	char *line;
	size_t len;
};

static void add(struct object *o, const char *bytes, size_t n)
{
	if (o->len + n > LOG_JSON_MAX - TAIL)
		return;
	memcpy(o->line + o->len, bytes, n);
	o->len += n;
}

static void add_raw(struct object *o, const char *text)
{
	add(o, text, strlen(text));
}

/* A string, with its quotes; cut where there is no more room. */
static void add_string(struct object *o, const char *text, size_t left)
{
	char escaped[8];

	add_raw(o, "\"");
	while (left && o->len + sizeof escaped <= LOG_JSON_MAX - 2 * TAIL) {
		const unsigned char *p = (const unsigned char *)text;
		size_t n = utf8_character(p, left);
		if (!n)
			add_raw(o, "\\ufffd");
		else if (*p == '"' || *p == '\\')
			add(o, (char[]){'\\', *text}, 2);
		else if (n == 1 && (*p < ' ' || *p == 0x7f)) {
			snprintf(escaped, sizeof escaped, "\\u%04x", *p);
			add_raw(o, escaped);
		} else
			add(o, text, n);
		n += !n;
		text += n;
		left -= n;
	}
	o->line[o->len++] = '"'; /* has room always: TAIL */
}

static void add_member(
	struct object *o, const char *key, const char *text, size_t n)
{
	add_raw(o, ",");
	add_string(o, key, strlen(key));
	add_raw(o, ":");
	add_string(o, text, n);
}

/* Letters only, so that a path or an address is none. */
static size_t word_length(const char *text)
{
	size_t n = 0;
	while (isalpha((unsigned char)text[n]) && n < WORD_MAX)
		n++;
	return n;
}

static bool is_field(const char *text)
{
	size_t n = 0;
	while (islower((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n > 0 && n < WORD_MAX && text[n] == '=';
}

/* Whether nothing but KEY=VALUE stands there, each key once. */
static bool are_fields(const char *text)
{
	const char *seen[FIELDS_MAX];
	unsigned n = 0;

	while (*text++ == ' ') {
		size_t key = strcspn(text, "=");
		if (!is_field(text) || n == FIELDS_MAX)
			return false;
		for (unsigned i = 0; i < n; i++)
			if (!strncmp(seen[i], text, key + 1))
				return false;
		seen[n++] = text;
		text += strcspn(text, " ");
	}
	return n > 0 && !text[-1];
}

static void add_fields(struct object *o, const char *text)
{
	const char *between = "";
	add_raw(o, ",\"fields\":{");
	while (*text++ == ' ') {
		size_t key = strcspn(text, "="), all = strcspn(text, " ");
		add_raw(o, between);
		add_string(o, text, key);
		add_raw(o, ":");
		add_string(o, text + key + 1, all - key - 1);
		between = ",";
		text += all;
	}
	add_raw(o, "}");
}

/* What the form of the line says. */
static void add_form(struct object *o, const char *text)
{
	size_t n = word_length(text);
	size_t name = strncmp(text, "node ", 5) ? 0 : strcspn(text + 5, " :");

	if (name && name <= NODE_MAX && text[5 + name] == ':')
		add_member(o, "node", text + 5, name);
	else if (n && text[n] == ':' && text[n + 1] == ' ')
		add_member(o, "module", text, n);
	else if (n && strlen(text) <= FIELDS_TEXT_MAX && are_fields(text + n)) {
		add_member(o, "module", text, n);
		add_fields(o, text + n);
	}
}

size_t log_json(
	char *line, const char *level, int64_t wall_ms, const char *text)
{
	struct object o = {.line = line};
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	char time[64];
	size_t n = strftime(
		time, sizeof time, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));

	snprintf(time + n, sizeof time - n, ".%03dZ", (int)(wall_ms % 1000));
	add_raw(&o, "{\"time\":");
	add_string(&o, time, strlen(time));
	add_member(&o, "level", level, strlen(level));
	add_form(&o, text);
	add_member(&o, "message", text, strlen(text));
	o.line[o.len++] = '}';
	return o.len;
}
