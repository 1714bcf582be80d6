/* The configuration with the approved nodes, whatever the store holds. Any thread.
 *
 * A row may be well-formed and still not fit the files: its address is taken, its
 * pool has other families. Only then, rows are tried one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "conf/conf.h"
#include "control/enrol.h"
#include "store/enrolled.h"

static struct conf *load(
	const char *path, struct enrolled *a, struct err *err, bool *ok)
{
	struct conf_more more = enrolled_nodes(a);
	return conf_load_more(path, &more, err, ok);
}

/* Whether it loads so, without the change that is asked for. */
static bool loads(const char *path, const struct enrolled *a, struct err *err)
{
	struct enrolled stored = *a;
	bool ok = false;
	stored.change = NULL;
	conf_free(load(path, &stored, err, &ok));
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
static bool mark(const char *path, struct enrolled *a, struct err *err)
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
	struct conf *conf = load(path, a, &first, ok);

	if (!*ok && a->lenient && a->n_rows && mark(path, a, err)) {
		conf_free(conf);
		err_fini(&first);
		conf = load(path, a, &first, ok);
	}
	err_move(err, &first);
	store_enrolled_free(a->rows, a->n_rows);
	free(a->left_out);
	a->rows = NULL;
	a->left_out = NULL;
	a->n_rows = 0;
	return conf;
}
