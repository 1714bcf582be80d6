/* The keys of a struct of the configuration: those that a map sets, and defaults. */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "conf/loader.h"

const struct key *section_key(const struct section *section, const char *name)
{
	for (const struct key *key = section->keys; key->name; key++)
		if (!strcasecmp(key->name, name))
			return key;
	return NULL;
}

void section_set_key(struct loader *l, const struct yaml *y,
	const struct key *key, void *base)
{
	if (key->type != KEY_SECTION)
		value_set(l, y, key, base);
	else if (loader_is_kind(l, y, key->name, YAML_MAP))
		section_set(l, y, key->section, base);
}

void section_set(struct loader *l, const struct yaml *y,
	const struct section *section, void *base)
{
	unsigned from = l->n_seen;
	for (unsigned i = 0; i < y->n; i++) {
		const struct yaml *name = y->keys[i];
		const struct key *key = section_key(section, name->text);
		if (!key || strcmp(key->name, name->text))
			loader_complain(l, name->line, "unknown key '%s' in %s",
				name->text, section->what);
		if (key && loader_first_time(l, base, key, name->line))
			section_set_key(l, y->values[i], key, base);
	}
	/* What one struct needs no more makes the list short again; sections
	 * of the top level stay, for a second file that sets them. */
	if (section->size)
		l->n_seen = from;
}

/* Lists are split at spaces. */
void section_presets(
	struct loader *l, const struct section *section, void *base)
{
	for (const struct key *key = section->keys; key->name; key++) {
		if (key->type == KEY_SECTION)
			section_presets(l, key->section, base);
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
		section_set_key(l, is_list ? &list : items[0], key, base);
	}
}
