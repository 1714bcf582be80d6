#include "control/enrolled.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "control/enrol_rules.h"
#include "store/enrolled.h"

/* -- rows of the store as configuration -- */

static bool in_files(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcmp(conf->nodes[i].name, name))
			return true;
	return false;
}

static void add_node(const struct conf *conf, const char *name,
	const char *text, struct buf *out, struct err *err)
{
	if (in_files(conf, name))
		err_warn(err,
			"node %s was approved and is in the configuration too, which counts",
			name);
	else
		buf_printf(out, "%s \"%s\": %s", out->len ? ",\n" : "nodes: {",
			name, text);
}

/* Whether the values are good, whatever the files say. */
static bool fits_alone(const char *name, const char *keys, struct err *err)
{
	struct buf text = {0};
	struct err odd = {0};

	buf_printf(&text,
		"zones: {invalid: {ns: [ns.invalid]}}\nnodes: {\"%s\": %s}\n",
		name, keys);
	struct conf *conf = conf_parse("node", text.text, text.len, &odd);
	bool good = conf || err_add(err, "%s", err_text(&odd));
	conf_free(conf);
	buf_fini(&text);
	err_fini(&odd);
	return good;
}

bool enrolled_ok(const char *name, const char *text, struct err *err)
{
	json_t *keys = json_loads(text, 0, NULL);
	bool good = enrol_name_ok(name, err);

	if (good && (!json_is_object(keys) || strchr(text, '\n')))
		good = err_add(err, "not a JSON object in one line");
	good = good && enrol_keys_ok(keys, err) && fits_alone(name, text, err);
	json_decref(keys);
	return good;
}

static void read_rows(
	struct enrolled *a, const struct conf *conf, struct err *err)
{
	struct err unread = {0};

	if (a->is_read)
		return;
	a->is_read = true;
	if (!store_enrolled_read(a->store ? a->store : conf->store, &a->rows,
		    &a->n_rows, &unread))
		err_warn(err, "%s", err_text(&unread));
	err_fini(&unread);
}

static bool is_changed(const struct enrolled *enrolled, const char *name)
{
	const struct enrol_change *change = enrolled->changes;
	while (change && strcmp(change->name, name))
		change = change->next;
	return change != NULL;
}

static char *nodes_text(void *arg, const struct conf *conf, struct err *err)
{
	struct enrolled *enrolled = arg;
	const struct enrol_change *change = enrolled->changes;
	struct buf out = {0};
	char name[80];

	read_rows(enrolled, conf, err);
	for (unsigned i = 0; i < enrolled->n_rows; i++) {
		const struct store_enrolled *row = &enrolled->rows[i];
		struct err odd = {0};
		if ((enrolled->left_out && enrolled->left_out[i]) ||
			is_changed(enrolled, row->name))
			continue;
		if (enrolled_ok(row->name, row->text, &odd))
			add_node(conf, row->name, row->text, &out, err);
		else
			err_warn(err,
				"store: the approved node '%s' is left out: %s",
				utf8_visible(name, sizeof name, row->name),
				err_text(&odd));
		err_fini(&odd);
	}
	for (; change; change = change->next)
		if (change->text)
			add_node(conf, change->name, change->text, &out, err);
	if (out.len)
		buf_printf(&out, "}\n");
	return out.text;
}

static struct conf_more enrolled_nodes(struct enrolled *enrolled)
{
	return (struct conf_more){
		.arg = enrolled, .name = ENROLLED_FILE, .text = nodes_text};
}

/* -- loading -- */

static struct conf *enrolled_try(
	const char *path, struct enrolled *a, struct err *err, bool *ok)
{
	struct conf_more more = enrolled_nodes(a);
	return conf_load_more(path, &more, err, ok);
}

/* Whether it loads so, without the changes that are asked for. */
static bool loads(const char *path, const struct enrolled *a, struct err *err)
{
	struct enrolled stored = *a;
	bool ok = false;
	stored.changes = NULL;
	conf_free(enrolled_try(path, &stored, err, &ok));
	return ok;
}

static bool in_service(const struct enrolled *a, const char *name)
{
	for (unsigned i = 0; a->running && i < a->running->n_nodes; i++)
		if (!strcmp(a->running->nodes[i].name, name))
			return true;
	return false;
}

/* Marks the rows that do not fit. False: there is none, or the fault is the
 * files'. */
static bool enrolled_mark(const char *path, struct enrolled *a, struct err *err)
{
	struct err none = {0};
	bool found = false;
	char name[80];

	a->left_out = mem_alloc(a->n_rows * sizeof *a->left_out);
	for (unsigned i = 0; i < a->n_rows; i++)
		a->left_out[i] = !in_service(a, a->rows[i].name);
	bool files_good = loads(path, a, &none);
	err_fini(&none);
	for (unsigned i = 0; files_good && i < a->n_rows; i++) {
		struct err odd = {0};
		if (!a->left_out[i])
			continue;
		a->left_out[i] = false;
		if (!loads(path, a, &odd)) {
			found = a->left_out[i] = true;
			err_warn(err,
				"store: the approved node '%s' is left out: %s",
				utf8_visible(
					name, sizeof name, a->rows[i].name),
				err_text(&odd));
		}
		err_fini(&odd);
	}
	return found;
}

struct conf *enrolled_load(
	const char *path, struct enrolled *a, struct err *err, bool *ok)
{
	struct err first = {0};
	struct conf *conf = enrolled_try(path, a, &first, ok);

	if (!*ok && a->lenient && a->n_rows && enrolled_mark(path, a, err)) {
		conf_free(conf);
		err_fini(&first);
		conf = enrolled_try(path, a, &first, ok);
	}
	err_move(err, &first);
	store_enrolled_free(a->rows, a->n_rows);
	free(a->left_out);
	a->rows = NULL;
	a->left_out = NULL;
	a->n_rows = 0;
	return conf;
}
