/* One value of the configuration, by the type of its key. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "conf/loader.h"

/* -- scalars -- */

/* strtod takes more than we do: hex, nan, inf, leading spaces. */
static bool is_plain(const char *text)
{
	return strspn(text, "0123456789.+-eE") > 0 && !strpbrk(text, "xXnNiI");
}

static bool value_number(struct loader *l, const struct yaml *y,
	const struct key *key, const char *unit_chars, double *out)
{
	static const double unit[] = {1e3, 1e6, 1e9};
	char *end;

	if (!loader_is_kind(l, y, key->name, YAML_SCALAR))
		return false;
	bool plain = is_plain(y->text);
	double v = plain ? strtod(y->text, &end) : 0;
	const char *suffix = plain ? end : "";
	if (plain && *suffix && unit_chars) {
		const char *u =
			strchr(unit_chars, toupper((unsigned char)*suffix));
		if (u) {
			v *= unit[u - unit_chars];
			suffix++;
		}
	}
	if (!plain || end == y->text || *suffix) {
		loader_complain(l, y->line, "%s: '%s' is not a number",
			key->name, y->text);
		return false;
	}
	if (key->max > key->min && !(v >= key->min && v <= key->max)) {
		loader_complain(l, y->line,
			"%s: %s is out of range (%.10g to %.10g)", key->name,
			y->text, key->min, key->max);
		return false;
	}
	*out = v;
	return true;
}

static bool whole(struct loader *l, const struct yaml *y, const struct key *key,
	double *out)
{
	if (!value_number(l, y, key, NULL, out))
		return false;
	if (*out == (double)(int64_t)*out && !strpbrk(y->text, ".eE"))
		return true;
	loader_complain(l, y->line, "%s: '%s' is not a whole number", key->name,
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

	if (!loader_is_kind(l, y, key->name, YAML_SCALAR))
		return;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(words[i].text, y->text)) {
			*out = words[i].value;
			return;
		}
	loader_complain(l, y->line, "%s: '%s' is not true or false", key->name,
		y->text);
}

static void set_enum(
	struct loader *l, const struct yaml *y, const struct key *key, int *out)
{
	char list[128] = "";
	if (!loader_is_kind(l, y, key->name, YAML_SCALAR))
		return;
	for (int i = 0; key->names[i]; i++) {
		if (!strcmp(key->names[i], y->text)) {
			*out = i;
			return;
		}
		snprintf(list + strlen(list), sizeof list - strlen(list),
			"%s%s", i ? ", " : "", key->names[i]);
	}
	loader_complain(l, y->line, "%s: '%s' is not one of %s", key->name,
		y->text, list);
}

/* -- lists -- */

void value_texts(struct loader *l, const struct yaml *y, const struct key *key,
	struct conf_texts *out)
{
	if (!loader_is_kind(l, y, key->name, YAML_LIST))
		return;
	out->n = 0;
	out->text = arena_alloc(l->arena, y->n * sizeof *out->text);
	out->where = arena_alloc(l->arena, y->n * sizeof *out->where);
	for (unsigned i = 0; i < y->n; i++) {
		const struct yaml *item = y->values[i];
		if (!loader_is_kind(l, item, key->name, YAML_SCALAR))
			continue;
		if (!*item->text) {
			loader_complain(
				l, item->line, "%s: an empty item", key->name);
			continue;
		}
		out->where[out->n] = (struct conf_where){l->file, item->line};
		out->text[out->n++] = key->type == KEY_PATHS
			? loader_path(l, item->text)
			: item->text;
	}
}

static void set_prefixes(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_prefixes *out)
{
	struct conf_texts texts = {0};
	value_texts(l, y, key, &texts);
	out->n = texts.n;
	out->prefix = arena_alloc(l->arena, texts.n * sizeof *out->prefix);
	for (unsigned i = 0; i < texts.n; i++)
		if (!prefix_parse(&out->prefix[i], texts.text[i], true))
			loader_complain(l, texts.where[i].line,
				"%s: '%s' is not ADDRESS/LENGTH", key->name,
				texts.text[i]);
}

static void set_addresses(struct loader *l, const struct yaml *y,
	const struct key *key, struct conf_node *node)
{
	struct conf_texts texts = {0};
	value_texts(l, y, key, &texts);
	node->address = arena_alloc(l->arena, texts.n * sizeof *node->address);
	node->n_addresses = texts.n;
	for (unsigned i = 0; i < texts.n; i++) {
		if (!addr_parse(&node->address[i], texts.text[i]))
			loader_complain(l, texts.where[i].line,
				"%s: '%s' is not an IP address", key->name,
				texts.text[i]);
		for (unsigned j = 0; j < i; j++)
			if (addr_equal(&node->address[i], &node->address[j]))
				loader_complain(l, texts.where[i].line,
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
	if (!loader_is_kind(l, y, key->name, YAML_LIST))
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
	if (!loader_is_kind(l, y, key->name, YAML_LIST))
		return;
	if (y->n != 2) {
		loader_complain(l, y->line,
			"%s must be one number or [least, most]", key->name);
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (whole(l, y->values[i], key, &v))
			out[i] = v;
	if (out[0] > out[1])
		loader_complain(l, y->line, "%s: %g is above %g", key->name,
			out[0], out[1]);
}

static void set_at(struct loader *l, const struct yaml *y,
	const struct key *key, double out[2])
{
	char names[2][32];
	if (!loader_is_kind(l, y, key->name, YAML_LIST))
		return;
	if (y->n != 2) {
		loader_complain(l, y->line, "%s must be [latitude, longitude]",
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
		value_number(l, y->values[i], &axis, NULL, &out[i]);
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
		loader_complain(l, y->line, "'%s' is not a DNS name", y->text);
}

/* -- any of them -- */

/* "7d", "12h", "30": seconds without a letter. */
static void set_span(struct loader *l, const struct yaml *y,
	const struct key *key, int64_t *out)
{
	static const struct {
		char letter;
		double s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400},
		{'w', 604800}, {'\0', 1}};
	char *end;

	if (!loader_is_kind(l, y, key->name, YAML_SCALAR))
		return;
	double v = strtod(y->text, &end);
	bool plain = is_plain(y->text) && end != y->text;
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
		if (!plain || *end != units[i].letter || (*end && end[1]))
			continue;
		v *= units[i].s;
		if (v >= key->min && v <= key->max && v == floor(v)) {
			*out = (int64_t)v;
			return;
		}
	}
	loader_complain(l, y->line,
		"%s: '%s' is not a time of %g s to %g d, such as 7d or 12h",
		key->name, y->text, key->min, key->max / 86400);
}

static void set_number(struct loader *l, const struct yaml *y,
	const struct key *key, void *field)
{
	double v;
	if (key->type == KEY_REAL)
		value_number(l, y, key, NULL, field);
	else if (key->type == KEY_RATE)
		value_number(l, y, key, "KMG", field);
	else if (key->type == KEY_SPAN)
		set_span(l, y, key, field);
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
	if (!loader_is_kind(l, y, key->name, YAML_SCALAR))
		return;
	if (key->type == KEY_TEXT)
		*(const char **)field = y->text;
	else if (key->type == KEY_PATH)
		*(const char **)field = loader_path(l, y->text);
	else if (key->type == KEY_NAME)
		set_name(l, y, field);
	else if (!conf_time(y->text, field))
		loader_complain(l, y->line,
			"%s: '%s' is not a time such as 2026-11-22T09:00 or 2026-11-22T09:00+08:00",
			key->name, y->text);
}

void value_set(struct loader *l, const struct yaml *y, const struct key *key,
	void *base)
{
	void *field = (char *)base + key->offset;

	switch (key->type) {
	case KEY_INT:
	case KEY_COUNT:
	case KEY_REAL:
	case KEY_RATE:
	case KEY_SPAN:
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
		value_texts(l, y, key, field);
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
	case KEY_NAMED:
	case KEY_ITEMS:
	case KEY_INCLUDE:
		break; /* are no values */
	}
}
